"""The reverse sweep: cotangents from outputs to inputs, each under the guard of its branch.

A cotangent that passes a ``select`` is not multiplied by a mask on the way: it carries the guard
(the conditions under which it counts) and is masked when it arrives. So a branch that is not
taken never contributes, whatever its derivative is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symgrad.differentiate.local import Literal, Partials, partials, unmask
from symgrad.ir.arithmetic import Number, scale, total
from symgrad.ir.graph import Graph

Guard = tuple[Literal, ...]
"""The branches on the way from the outputs, the outermost first."""

Terms = list[tuple[int, Number]]

ALWAYS: Guard = ()


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
    ops = graph.ops
    for node in reversed(active):
        arrived = pending.pop(node, None)
        if arrived is None:
            continue
        cotangents = _gather(graph, arrived, last=ops[node] == "symbol")
        if node in wanted:
            # The first is masked even so: that makes the constants which all masks are made of.
            if found and len(cotangents) == 1 and ALWAYS in cotangents:
                found[node] = cotangents[ALWAYS]
            else:
                terms = [(_masked(graph, guard, value), 1) for guard, value in cotangents.items()]
                value = graph.sum(terms)
                if not graph.is_zero(value):
                    found[node] = value
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
    ops = graph.ops
    op = ops[node]
    if op == "sum":
        for argument, coefficient in zip(graph.args[node], graph.data[node][1], strict=True):
            if argument in inside:
                _arrive(pending, argument, guard, value, coefficient)
    elif op == "select":
        condition, chosen, other = graph.args[node]
        for argument, side in ((chosen, True), (other, False)):
            if argument in inside and (condition, not side) not in guard:
                _arrive(pending, argument, _extended(guard, [(condition, side)]), value, 1)
    else:
        for argument, partial in memo.get(node) or partials(graph, node, memo):
            if argument not in inside:
                continue
            if ops[partial] != "select":
                _arrive(pending, argument, guard, graph.multiply(value, partial), 1)
                continue
            literals, inner = unmask(graph, partial)
            if not any((condition, not side) in guard for condition, side in literals):
                term = graph.multiply(value, inner)
                _arrive(pending, argument, _extended(guard, literals), term, 1)


def _arrive(
    pending: dict[int, dict[Guard, Terms]], node: int, guard: Guard, value: int, times: Number
) -> None:
    """Note that ``times * value`` reaches a node under a guard."""
    slot = pending.get(node)
    if slot is None:
        pending[node] = {guard: [(value, times)]}
    elif guard in slot:
        slot[guard].append((value, times))
    else:
        slot[guard] = [(value, times)]


def _extended(guard: Guard, literals: Sequence[Literal]) -> Guard:
    return guard + tuple(literal for literal in literals if literal not in guard)


def _gather(graph: Graph, arrived: dict[Guard, Terms], *, last: bool) -> dict[Guard, int]:
    """Sum what arrived under each guard, then join the guards to one: nothing may double.

    Args:
        graph: where the sums are appended.
        arrived: guard -> terms.
        last: that the sum goes no further, so that its masked parts need no guard over them.
    """
    if len(arrived) == 1:
        ((guard, terms),) = arrived.items()
        value = scale(graph, *terms[0]) if len(terms) == 1 else total(graph, terms)
        return {} if graph.is_zero(value) else {guard: value}
    sums = {guard: graph.sum(terms) for guard, terms in arrived.items()}
    sums = {guard: value for guard, value in sums.items() if not graph.is_zero(value)}
    guards = sorted(sums, key=lambda guard: (len(guard), guard))
    while len(guards) > 1:
        first, second = guards[-2:]
        guard, value = _join(graph, first, sums[first], second, sums[second], last=last)
        rest = guards[:-2]
        if guard in rest:
            value = graph.sum(((value, 1), (sums[guard], 1)))
        else:
            rest.append(guard)
        sums[guard] = value
        guards = sorted(rest, key=lambda guard: (len(guard), guard))
    return {guard: sums[guard] for guard in guards}


def _join(
    graph: Graph, first: Guard, a: int, second: Guard, b: int, *, last: bool
) -> tuple[Guard, int]:
    """One guard and value for two: the guard holds where either does, the value is masked."""
    shared = tuple(literal for literal in first if literal in second)
    left = tuple(literal for literal in first if literal not in shared)
    right = tuple(literal for literal in second if literal not in shared)
    if not left or not right:
        extra = _masked(graph, left or right, a if left else b)
        return shared, graph.sum(((b if left else a, 1), (extra, 1)))
    if len(left) == len(right) == 1:
        (condition, side), (other, _) = *left, *right
        if condition == other:
            arms = (a, b) if side else (b, a)
            return shared, graph.call("select", (condition, *arms))
    parts = ((_masked(graph, left, a), 1), (_masked(graph, right, b), 1))
    if last:
        return shared, graph.sum(parts)
    either = graph.call("or", (_conjunction(graph, left), _conjunction(graph, right)))
    if graph.ops[either] == "boolean":
        return shared, graph.sum(parts)
    negated = graph.ops[either] == "not"
    literal = (graph.args[either][0], False) if negated else (either, True)
    return (*shared, literal), graph.sum(parts)


def _conjunction(graph: Graph, guard: Guard) -> int:
    """The condition that every literal holds; outer branches first, so that inner ones share it."""
    made = graph.intern("boolean", (), True)
    for condition, side in guard:
        one = condition if side else graph.call("not", (condition,))
        made = graph.call("and", (made, one))
    return made


def _masked(graph: Graph, guard: Guard, value: int) -> int:
    """``value`` where the guard holds, else exact 0."""
    return graph.call("select", (_conjunction(graph, guard), value, graph.constant(0)))
