"""Requests -> named arrays of nodes: value, derivatives of any order, products, chosen partials.

Only distinct entries are derived: partial derivatives commute, so of the n**k entries of order k
those with non-increasing indices are made. A dense array has all n**k entries, the others pointing
at the same nodes; a sparse one holds the distinct entries that are not exactly 0 and says where
they lie, and what it takes to make it grows with their number alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product

from symgrad.differentiate import forward, reverse
from symgrad.differentiate.levels import MAX_ENTRIES, Level
from symgrad.differentiate.local import Partials
from symgrad.differentiate.mode import Mode
from symgrad.differentiate.strategies import STRATEGIES
from symgrad.errors import LimitError
from symgrad.ir.graph import Graph
from symgrad.ir.system import Pattern, Request, System, Tensor
from symgrad.ir.traverse import dependent, reachable

TANGENT, COTANGENT = "tangent", "cotangent"

UNLIMITED = 1 << 62
"""A budget that is never exceeded."""


def seed_names(kind: str, count: int) -> tuple[str, ...]:
    """Names of the symbols of a tangent or cotangent; the blank keeps users' names apart."""
    return tuple(f"{kind} {position}" for position in range(count))


def derive(
    system: System, requests: Sequence[Request], mode: Mode | None = None, *, sparse: bool = False
) -> list[Tensor]:
    """The tensors that ``requests`` name, by sweeps, appended to the system's graph.

    Args:
        system: outputs, inputs and what to differentiate by.
        requests: the wanted results.
        mode: sweep for first derivatives; by default the cheaper one.
        sparse: give arrays of derivatives a pattern, and nodes for its entries alone; values,
            products and chosen partials stay dense.

    Raises:
        LimitError: a derivative has more than MAX_ENTRIES entries.
    """
    tensors = derive_by(mode or "sweeps", system, requests, sparse=sparse)
    assert tensors is not None  # sweeps always apply
    return tensors


def derive_by(
    strategy: str,
    system: System,
    requests: Sequence[Request],
    *,
    sparse: bool = False,
    budget: int = UNLIMITED,
    first: Level | None = None,
) -> list[Tensor] | None:
    """The tensors that ``requests`` name, derivative arrays of them by a strategy.

    Args:
        strategy: a key of STRATEGIES.
        system: outputs, inputs and what to differentiate by.
        requests: the wanted results.
        sparse: give arrays of derivatives a pattern, and nodes for its entries alone; values,
            products and chosen partials stay dense.
        budget: how many nodes the strategy may append.
        first: the first derivatives, where they are there; those of higher order are made of them.

    Returns:
        one tensor a request; None where the strategy does not apply or exceeds the budget.

    Raises:
        LimitError: a derivative has more than MAX_ENTRIES entries.
    """
    graph = system.graph
    wrt = [graph.symbol(name) for name in system.wrt]
    order = highest_order(requests)
    _check_size(system, order, sparse)
    if first is None or order == 0:
        levels = STRATEGIES[strategy](graph, system.outputs.nodes, wrt, order, budget)
    else:
        levels = _continued(strategy, system, first, wrt, order, budget)
    if levels is None:
        return None
    memo: Partials = {}
    return [_tensor(system, request, wrt, levels, memo, sparse) for request in requests]


def _continued(
    strategy: str, system: System, first: Level, wrt: Sequence[int], order: int, budget: int
) -> list[Level] | None:
    """The levels up to ``order``, those above the first derived from it."""
    levels: list[Level] = [{(): dict(enumerate(system.outputs.nodes))}, first]
    if order == 1:
        return levels
    rows = [(j, row) for (j,), column in first.items() for row in column]
    nodes = [first[(j,)][row] for j, row in rows]
    higher = STRATEGIES[strategy](system.graph, nodes, wrt, order - 1, budget)
    if higher is None:
        return None
    for level in higher[1:]:
        made: Level = {}
        for index, column in level.items():
            for place, node in column.items():
                j, row = rows[place]
                if j >= index[0]:
                    made.setdefault((j, *index), {})[row] = node
        levels.append(made)
    return levels


def stored(graph: Graph, tensor: Tensor, pattern: Pattern | None) -> Tensor:
    """A sparse tensor with its pattern, without the entries that have become exactly 0."""
    if pattern is None:
        return tensor
    kept = [k for k, node in enumerate(tensor.nodes) if not graph.is_zero(node)]
    indices = tuple([pattern.indices[k] for k in kept])
    nodes = tuple([tensor.nodes[k] for k in kept])
    return Tensor(tensor.name, (len(kept),), nodes, replace(pattern, indices=indices))


def highest_order(requests: Sequence[Request]) -> int:
    """The highest order of a whole derivative array that the requests need."""
    orders = [r.order for r in requests if r.kind == "tensor"]
    return max(orders + [min(r.order, 1) for r in requests if r.kind == "normal"], default=0)


def _check_size(system: System, order: int, sparse: bool) -> None:
    n, entries = len(system.wrt), len(system.outputs.nodes)
    if order > 64 or (entries * n**order > MAX_ENTRIES and not sparse):
        raise LimitError(
            f"order {order} of {entries} outputs by {n} variables has {entries}*{n}**{order} "
            f"entries for one point, more than {MAX_ENTRIES}; ask for the entries that are not "
            'structural zeros alone (sparse=True), for chosen partials ({"u_xx": (x, x)}) or for '
            'products ("jvp", "vjp", "hvp")'
        )


def _tensor(
    system: System,
    request: Request,
    wrt: Sequence[int],
    levels: Sequence[Level],
    memo: Partials,
    sparse: bool,
) -> Tensor:
    graph, outputs, n = system.graph, system.outputs, len(system.wrt)
    if request.kind == "tensor":
        shape = outputs.shape + (n,) * request.order
        if sparse and request.order:
            return _sparse(request, outputs, shape, levels[request.order])
        return Tensor(request.name, shape, _dense(system, request, levels[request.order]))
    if request.kind == "normal":
        return _normal(system, request, levels, sparse)
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


def _normal(system: System, request: Request, levels: Sequence[Level], sparse: bool) -> Tensor:
    """r.r, J^T r or J^T J of the outputs r of one point and their Jacobian J: what is summed."""
    graph, n = system.graph, len(system.wrt)
    residuals = dict(enumerate(system.outputs.nodes))
    columns = [levels[1].get((j,), {}) for j in range(n)] if request.order else []
    made: Level = {}
    for index in product(range(n), repeat=request.order):
        if list(index) == sorted(index, reverse=True):
            left, right = ([columns[j] for j in index] + [residuals, residuals])[:2]
            rows = [row for row in left if row in right]
            terms = [graph.product([(left[row], 1), (right[row], 1)]) for row in rows]
            made[index] = {0: graph.sum([(term, 1) for term in terms])}
    whole = replace(system, outputs=Tensor("value", (), (graph.constant(0),)))
    shape = (n,) * request.order
    if sparse and request.order:
        kept = {k: c for k, c in made.items() if not graph.is_zero(c[0])}
        return _sparse(request, whole.outputs, shape, kept)
    return Tensor(request.name, shape, _dense(whole, request, made))


def _sparse(request: Request, outputs: Tensor, shape: tuple[int, ...], level: Level) -> Tensor:
    """The distinct entries of a level that are not exactly 0, row-major."""
    leads = list(product(*map(range, outputs.shape)))
    entries = sorted(
        (row, index, node) for index, column in level.items() for row, node in column.items()
    )
    indices = tuple([leads[row] + index for row, index, _ in entries])
    pattern = Pattern(shape, request.order, indices)
    nodes = tuple([node for _, _, node in entries])
    return Tensor(request.name, (len(nodes),), nodes, pattern)


def _dense(system: System, request: Request, level: Level) -> tuple[int, ...]:
    """All entries of a level, row-major."""
    zero, nothing, n = system.graph.constant(0), dict[int, int](), len(system.wrt)
    columns: list[tuple[int, ...]] = [()]
    for _ in range(request.order):
        longer = {
            index: [tuple(sorted((*index, j), reverse=True)) for j in range(n)]
            for index in dict.fromkeys(columns)
        }
        columns = [index for shorter in columns for index in longer[shorter]]
    found = [level.get(index, nothing) for index in columns]
    rows = range(len(system.outputs.nodes))
    return tuple([column.get(row, zero) for row in rows for column in found])


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
