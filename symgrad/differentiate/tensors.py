"""Requests -> named arrays of nodes: value, derivatives of any order, products, chosen partials.

Only distinct entries are derived: partial derivatives commute, so of the n**k entries of order k
those with non-increasing indices are made and the others point at the same nodes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

from symgrad.differentiate import forward, reverse
from symgrad.differentiate.local import Partials
from symgrad.differentiate.mode import Mode, choose_mode
from symgrad.errors import LimitError
from symgrad.ir.graph import Graph
from symgrad.ir.system import Request, System, Tensor
from symgrad.ir.traverse import dependent, reachable, users

MAX_ENTRIES = 20_000_000
"""A dense derivative array with more entries for one point than this is refused."""

TANGENT, COTANGENT = "tangent", "cotangent"


def seed_names(kind: str, count: int) -> tuple[str, ...]:
    """Names of the symbols of a tangent or cotangent; the blank keeps users' names apart."""
    return tuple(f"{kind} {position}" for position in range(count))


def derive(system: System, requests: Sequence[Request], mode: Mode | None = None) -> list[Tensor]:
    """The tensors that ``requests`` name, appended to the system's graph.

    Args:
        system: outputs, inputs and what to differentiate by.
        requests: the wanted results.
        mode: sweep for first derivatives; by default the cheaper one.

    Raises:
        LimitError: a dense derivative has more than MAX_ENTRIES entries.
    """
    graph = system.graph
    wrt = [graph.symbol(name) for name in system.wrt]
    orders = [r.order for r in requests if r.kind == "tensor"]
    _check_size(system, max(orders, default=0))
    levels = _levels(graph, system.outputs.nodes, wrt, max(orders, default=0), mode)
    memo: Partials = {}
    return [_tensor(system, request, wrt, levels, memo) for request in requests]


def _check_size(system: System, order: int) -> None:
    n, entries = len(system.wrt), len(system.outputs.nodes)
    if order > 64 or entries * n**order > MAX_ENTRIES:
        raise LimitError(
            f"order {order} of {entries} outputs by {n} variables has {entries}*{n}**{order} "
            f"entries for one point, more than {MAX_ENTRIES}; ask for chosen partials "
            '({"u_xx": (x, x)}) or for products ("jvp", "vjp", "hvp")'
        )


def _tensor(
    system: System,
    request: Request,
    wrt: Sequence[int],
    levels: Sequence[Mapping[tuple[int, ...], Sequence[int]]],
    memo: Partials,
) -> Tensor:
    graph, outputs, n = system.graph, system.outputs, len(system.wrt)
    if request.kind == "tensor":
        level = levels[request.order]
        zeros = (graph.constant(0),) * len(outputs.nodes)
        columns = [
            level.get(tuple(sorted(index, reverse=True)), zeros)
            for index in product(range(n), repeat=request.order)
        ]
        nodes = [column[row] for row in range(len(outputs.nodes)) for column in columns]
        return Tensor(request.name, outputs.shape + (n,) * request.order, tuple(nodes))
    if request.kind == "partial":
        made = list(outputs.nodes)
        for position in sorted(request.indices, reverse=True):
            made = _directional(graph, made, {wrt[position]: graph.constant(1)}, memo)
        return Tensor(request.name, outputs.shape, tuple(made))
    if request.kind == "jvp":
        made = _directional(graph, outputs.nodes, _tangents(graph, wrt), memo)
        return Tensor(request.name, outputs.shape, tuple(made))
    if outputs.shape == () and request.kind == "hvp":
        seeds = {outputs.nodes[0]: graph.constant(1)}
    else:
        seeds = _cotangents(graph, outputs.nodes)
    made = _pullback(graph, seeds, wrt, memo)
    if request.kind == "hvp":
        made = _directional(graph, made, _tangents(graph, wrt), memo)
    return Tensor(request.name, (n,), tuple(made))


def _tangents(graph: Graph, wrt: Sequence[int]) -> dict[int, int]:
    names = seed_names(TANGENT, len(wrt))
    return {node: graph.symbol(name) for node, name in zip(wrt, names, strict=True)}


def _cotangents(graph: Graph, outputs: Sequence[int]) -> dict[int, int]:
    seeds: dict[int, int] = {}
    for node, name in zip(outputs, seed_names(COTANGENT, len(outputs)), strict=True):
        one = graph.symbol(name)
        seeds[node] = one if node not in seeds else graph.sum(((seeds[node], 1), (one, 1)))
    return seeds


def _directional(
    graph: Graph, targets: Sequence[int], seeds: Mapping[int, int], memo: Partials
) -> list[int]:
    """The tangents of ``targets``, exact zeros filled in."""
    active = dependent(graph, reachable(graph, targets), seeds)
    tangents = forward.sweep(graph, active, seeds, memo)
    zero = graph.constant(0)
    return [tangents.get(target, zero) for target in targets]


def _pullback(
    graph: Graph, seeds: Mapping[int, int], wrt: Sequence[int], memo: Partials
) -> list[int]:
    """The cotangents of ``wrt``, exact zeros filled in."""
    active = dependent(graph, reachable(graph, seeds), wrt)
    found = reverse.sweep(graph, active, seeds, wrt, memo)
    zero = graph.constant(0)
    return [found.get(node, zero) for node in wrt]


def _levels(
    graph: Graph, outputs: Sequence[int], wrt: Sequence[int], order: int, mode: Mode | None
) -> list[dict[tuple[int, ...], list[int]]]:
    """For each order up to ``order``: non-increasing multi-index -> one node an output."""
    levels: list[dict[tuple[int, ...], list[int]]] = [{(): list(outputs)}]
    if order >= 1:
        chosen = mode or choose_mode(graph, outputs, wrt)
        if chosen == "reverse":
            levels.append(_jacobian_by_rows(graph, outputs, wrt))
        else:
            levels.append(_next_level(graph, levels[0], wrt))
    while len(levels) <= order:
        levels.append(_next_level(graph, levels[-1], wrt))
    return levels


def _jacobian_by_rows(
    graph: Graph, outputs: Sequence[int], wrt: Sequence[int]
) -> dict[tuple[int, ...], list[int]]:
    memo: Partials = {}
    one, zero = graph.constant(1), graph.constant(0)
    rows: dict[int, dict[int, int]] = {}
    for output in dict.fromkeys(outputs):
        active = dependent(graph, reachable(graph, (output,)), wrt)
        rows[output] = reverse.sweep(graph, active, {output: one}, wrt, memo)
    level: dict[tuple[int, ...], list[int]] = {
        (j,): [rows[output].get(node, zero) for output in outputs] for j, node in enumerate(wrt)
    }
    return _without_zeros(graph, level)


def _next_level(
    graph: Graph, level: Mapping[tuple[int, ...], Sequence[int]], wrt: Sequence[int]
) -> dict[tuple[int, ...], list[int]]:
    """Differentiate every entry in the directions that keep its multi-index non-increasing."""
    memo: Partials = {}
    targets = {node for nodes in level.values() for node in nodes}
    above = users(graph, reachable(graph, targets))
    zero, one = graph.constant(0), graph.constant(1)
    made: dict[tuple[int, ...], list[int]] = {}
    for j, node in enumerate(wrt):
        entries = {index: nodes for index, nodes in level.items() if not index or index[-1] >= j}
        wanted = {target for nodes in entries.values() for target in nodes}
        active = forward.active_nodes(above, (node,))
        reached = wanted.intersection(active)
        if not reached:
            continue
        if len(reached) < len(targets):
            cone = set(reachable(graph, reached))
            active = [a for a in active if a in cone]
        tangents = forward.sweep(graph, active, {node: one}, memo)
        for index, nodes in entries.items():
            column = [tangents.get(target, zero) for target in nodes]
            made[(*index, j)] = column
    return _without_zeros(graph, made)


def _without_zeros(
    graph: Graph, level: dict[tuple[int, ...], list[int]]
) -> dict[tuple[int, ...], list[int]]:
    return {
        index: nodes
        for index, nodes in level.items()
        if not all(graph.is_zero(node) for node in nodes)
    }
