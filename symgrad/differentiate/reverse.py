"""The reverse sweep: cotangents from outputs to inputs, each under the guard of its branch.

A cotangent that passes a ``select`` is not multiplied by a mask on the way: it carries the guard
(the conditions under which it counts) and is masked when it arrives. So a branch that is not
taken never contributes, whatever its derivative is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symgrad.differentiate.local import Literal, Partials, masked, partials, unmask
from symgrad.ir.arithmetic import Number
from symgrad.ir.graph import Graph

Guard = frozenset[Literal]
Terms = list[tuple[int, Number]]

ALWAYS: Guard = frozenset()


def sweep(
    graph: Graph,
    active: Sequence[int],
    seeds: Mapping[int, int],
    targets: Sequence[int],
    memo: Partials,
) -> dict[int, int]:
    """The cotangents of ``targets`` for the cotangents ``seeds`` of outputs.

    Args:
        graph: holds the nodes; derivative nodes are appended.
        active: the nodes between the targets and the seeds, increasing.
        seeds: output node -> its cotangent.
        targets: nodes whose cotangent is wanted.
        memo: partials that this differentiation has made already.

    Returns:
        target -> cotangent, those that are exactly 0 left out.
    """
    inside = set(active)
    pending: dict[int, dict[Guard, Terms]] = {}
    for node, seed in seeds.items():
        if node in inside:
            pending.setdefault(node, {}).setdefault(ALWAYS, []).append((seed, 1))
    wanted = set(targets)
    found: dict[int, int] = {}
    for node in reversed(active):
        arrived = pending.pop(node, None)
        if arrived is None:
            continue
        cotangents = _gather(graph, arrived)
        if node in wanted:
            terms = [(_masked(graph, guard, value), 1) for guard, value in cotangents.items()]
            total = graph.sum(terms)
            if not graph.is_zero(total):
                found[node] = total
        for guard, value in cotangents.items():
            _propagate(graph, node, guard, value, inside, pending, memo)
    return found


def _propagate(
    graph: Graph,
    node: int,
    guard: Guard,
    value: int,
    inside: set[int],
    pending: dict[int, dict[Guard, Terms]],
    memo: Partials,
) -> None:
    """Hand the cotangent ``value`` of ``node`` on to its arguments."""
    op = graph.ops[node]
    if op == "sum":
        for argument, coefficient in zip(graph.args[node], graph.data[node][1], strict=True):
            if argument in inside:
                slot = pending.setdefault(argument, {})
                slot.setdefault(guard, []).append((value, coefficient))
        return
    if op == "select":
        condition, chosen, other = graph.args[node]
        for argument, side in ((chosen, True), (other, False)):
            if argument in inside and (condition, not side) not in guard:
                slot = pending.setdefault(argument, {})
                slot.setdefault(guard | {(condition, side)}, []).append((value, 1))
        return
    for argument, partial in partials(graph, node, memo):
        if argument in inside:
            literals, inner = unmask(graph, partial)
            if any((condition, not side) in guard for condition, side in literals):
                continue
            slot = pending.setdefault(argument, {})
            term = graph.multiply(value, inner)
            slot.setdefault(guard.union(literals), []).append((term, 1))


def _gather(graph: Graph, arrived: dict[Guard, Terms]) -> dict[Guard, int]:
    """Sum what arrived under each guard, then join guards that make one another superfluous."""
    sums = {guard: graph.sum(terms) for guard, terms in arrived.items()}
    sums = {guard: value for guard, value in sums.items() if not graph.is_zero(value)}
    while len(sums) > 1:
        joined = _join(graph, sums)
        if joined is None:
            break
        sums = joined
    return sums


def _order(guard: Guard) -> tuple[int, list[Literal]]:
    return (len(guard), sorted(guard))


def _join(graph: Graph, sums: dict[Guard, int]) -> dict[Guard, int] | None:
    """Join one pair: both sides of a condition, or a guard that implies another; None if none."""
    guards = sorted(sums, key=_order)
    for position, weak in enumerate(guards):
        for strong in guards[position + 1 :]:
            rest = {g: value for g, value in sums.items() if g is not weak and g is not strong}
            if weak < strong:
                literals = sorted(strong - weak)
                extra = masked(graph, literals, sums[strong])
                rest[weak] = graph.sum(((sums[weak], 1), (extra, 1)))
                return rest
            difference = weak ^ strong
            if len(weak) == len(strong) and len(difference) == 2:
                (first, _), (second, _) = sorted(difference)
                if first == second:
                    shared = weak & strong
                    holds = weak if (first, True) in weak else strong
                    fails = strong if holds is weak else weak
                    value = graph.call("select", (first, sums[holds], sums[fails]))
                    if shared in rest:
                        value = graph.sum(((value, 1), (rest[shared], 1)))
                    rest[shared] = value
                    return rest
    return None


def _masked(graph: Graph, guard: Guard, value: int) -> int:
    return masked(graph, sorted(guard), value) if guard else value
