"""Derivatives of any order by Taylor arithmetic: every node carries its truncated series.

Repeated sweeps differentiate what the sweep before has made, and grow exponentially with the
order; a series of degree k is convolved with others at a cost that is polynomial in k. The series
of a function follows from the series of its row's partials to one degree less, so every smooth
row of the table is covered by the row alone: sin and cos come out coupled, exp feeds itself.

All nodes are taken through one degree before the next, so that such circles close.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from symgrad.differentiate import taylor
from symgrad.differentiate.levels import Level
from symgrad.differentiate.plan import Plan, Policy, Rule, between
from symgrad.differentiate.taylor import Indices, Jet
from symgrad.ir.arithmetic import Number, simplest
from symgrad.ir.graph import Graph
from symgrad.ir.traverse import reachable

MOST_VARIABLES = 64
"""Jets in more variables than this are not tried: every node would carry as many entries."""

BOTTLENECK = "bottleneck 0"
"""The name of a symbol that stands for an inner node; the blank keeps users' names apart."""


def levels(
    graph: Graph, outputs: Sequence[int], wrt: Sequence[int], order: int, budget: int
) -> list[Level] | None:
    """All partial derivatives up to ``order`` in the fewest operations that jets have for them.

    Args:
        graph: holds the nodes; derivative nodes are appended.
        outputs: what is differentiated.
        wrt: the variables: symbols, or any nodes of which none depends on another.
        order: the highest order.
        budget: how many nodes may be appended.

    Returns:
        One level for each order from 0; None where a ``select`` is in the way, where zeros must
        not cancel (``Graph.exact``), or over budget.
    """
    found = search(graph, outputs, wrt, order, budget)
    return None if found is None else found[0]


def search(
    graph: Graph, outputs: Sequence[int], wrt: Sequence[int], order: int, budget: int
) -> tuple[list[Level], Policy] | None:
    """The cheapest levels and their policy: each choice is turned once and kept if that pays."""
    limit = len(graph) + budget
    chosen = Policy()
    met: set[str] = set()
    best = candidate(graph, outputs, wrt, order, budget, chosen, met)
    if best is None:
        return None
    least = operations(graph, best)
    for name in ("factorials", "composed", "chained", "divided"):
        if name not in met:
            continue
        policy = replace(chosen, **{name: not getattr(chosen, name)})
        found = candidate(graph, outputs, wrt, order, limit - len(graph), policy, met)
        if found is not None:
            cost = operations(graph, found)
            if cost < least:
                best, least, chosen = found, cost, policy
    return best, chosen


def candidate(
    graph: Graph,
    outputs: Sequence[int],
    wrt: Sequence[int],
    order: int,
    budget: int,
    policy: Policy,
    met: set[str] | None = None,
    seed: Number = 1,
) -> list[Level] | None:
    """The levels by one policy; None as for ``levels``.

    Args:
        graph: holds the nodes; derivative nodes are appended.
        outputs: what is differentiated.
        wrt: the variables.
        order: the highest order.
        budget: how many nodes may be appended.
        policy: how jets are made.
        met: takes the names of the policy's fields that have made a difference.
        seed: the derivatives are by the variables over this number.
    """
    if graph.exact or len(wrt) > MOST_VARIABLES:
        return None
    plan = Plan(graph, wrt, policy, len(graph) + budget, graph.constant(seed))
    plan.survey(outputs)
    if not _compose(graph, plan, outputs, order):
        return None
    if not plan.add([(output, order) for output in outputs]):
        return None
    space = Indices(len(wrt), order, factorials=policy.factorials)
    jets = run(graph, plan, space, order)
    if jets is None:
        return None
    if met is not None:
        met |= plan.met
        if order > 2:
            met.add("factorials")
    made: list[Level] = [{(): dict(enumerate(outputs))}]
    for degree in range(1, order + 1):
        rows = [jets[o][degree] if o in jets else {} for o in outputs]
        level: Level = {}
        for alpha in sorted({alpha for row in rows for alpha in row}, key=space.positions):
            scale = space.factorial(alpha)
            level[space.positions(alpha)] = {
                position: graph.sum(((row[alpha], scale),))
                for position, row in enumerate(rows)
                if alpha in row
            }
        made.append(level)
    return made


def run(graph: Graph, plan: Plan, space: Indices, order: int) -> dict[int, Jet] | None:
    """The jets of all planned nodes, one degree after the other; None over budget."""
    jets: dict[int, Jet] = {node: [{0: node}] for node in plan.need}
    nodes = plan.order()

    def jet(node: int) -> Jet:
        found = jets.get(node)
        if found is None:
            found = jets[node] = [{0: node}, *({} for _ in range(order))]
        return found

    for degree in range(1, order + 1):
        for node in nodes:
            if plan.need[node] < degree:
                continue
            if len(graph) > plan.limit:
                return None
            rule = plan.rules[node]
            args = [jet(argument) for argument in rule.args]
            if rule.kind == "seed":
                made = {space.unit(rule.data): plan.seed} if degree == 1 else {}
            elif rule.kind == "sum":
                made = taylor.linear(graph, args, rule.data, degree)
            elif rule.kind == "chain":
                links = list(zip(args, [jet(partial) for partial in rule.partials], strict=True))
                made = taylor.chain(graph, space, links, degree)
            elif rule.kind == "product":
                made = taylor.product(graph, space, args[0], args[1], degree)
            elif rule.kind == "square":
                made = taylor.square(graph, space, args[0], degree)
            elif rule.kind == "quotient":
                made = taylor.quotient(graph, space, args[0][degree], args[1], jets[node], degree)
            else:
                made = taylor.power(graph, space, args[0], jets[node], rule.data, degree)
            jets[node].append(made)
    return jets


def _compose(graph: Graph, plan: Plan, outputs: Sequence[int], order: int) -> bool:
    """Plan what depends on one node q alone as a function of q; False over budget.

    The derivatives of such a node by q are made first, and each is the partial of the one before:
    f(q) needs f'(q) to one degree less, f'(q) needs f''(q), and all that they meet is q itself.
    """
    for top, inside in bottlenecks(graph, plan, outputs).items():
        plan.met.add("composed")
        if not plan.policy.composed:
            return True
        content = _content(graph, top)
        scaled = graph.sum(((top, simplest(Fraction(1, content))),))
        # First, so that all that q takes has its rule: it must not become a function of q, as q/2
        # is one and the factor x*y of q = k*x*y, which (x*y*k)**2/(2*k) has as its derivative.
        if not plan.add([(scaled, order)]):
            return False
        budget, policy = plan.limit - len(graph), plan.policy
        # By a symbol in place of q: a product of q with other factors may not name q any more.
        apart = Graph(graph.table, flat=graph.flat)
        symbol = apart.symbol(BOTTLENECK)
        functions = transplant(graph, inside, apart, {top: symbol})
        found = candidate(apart, functions, [symbol], order, budget, policy, plan.met, content)
        if found is None:
            return False
        columns = [found[degree].get((0,) * degree, {}) for degree in range(1, order + 1)]
        made = [node for column in columns for node in column.values()]
        place = dict(zip(made, transplant(apart, made, graph, {symbol: top}), strict=True))
        for row, function in enumerate(inside):
            node = function
            for column in columns:
                partial = place[column[row]] if row in column else graph.constant(0)
                if node not in plan.rules and not plan.separates(node):
                    zero = graph.is_zero(partial)
                    links = ((), ()) if zero else ((scaled,), (partial,))
                    plan.rules[node] = Rule("chain", *links)
                if not plan.mask(partial):
                    break
                node = partial
    return True


def transplant(
    graph: Graph, roots: Sequence[int], into: Graph, place: Mapping[int, int]
) -> list[int]:
    """The nodes ``roots`` made anew in another graph, over the nodes that ``place`` names."""
    made = dict(place)
    for node in between(graph, place, roots):
        args = tuple([made[argument] for argument in graph.args[node]])
        made[node] = graph.rebuild(node, args, into)
    return [made[root] for root in roots]


def bottlenecks(graph: Graph, plan: Plan, outputs: Sequence[int]) -> dict[int, list[int]]:
    """Nodes of several variables -> the nodes that depend on them alone and are used elsewhere.

    Every path from the variables to a node passes its top: the only one of its arguments' tops,
    or the node itself where they have several.
    """
    tops = {node: node for node in plan.rules}
    inside: dict[int, set[int]] = {}
    for node in between(graph, tops, outputs):
        if plan.mask(node):
            active = [argument for argument in graph.args[node] if plan.mask(argument)]
            above = {tops[argument] for argument in active}
            top = tops[node] = above.pop() if len(above) == 1 else node
            for argument in active:
                if tops[argument] not in (argument, top):
                    inside.setdefault(tops[argument], set()).add(argument)
    for output in outputs:
        if plan.mask(output) and tops[output] != output:
            inside.setdefault(tops[output], set()).add(output)
    # Functions of one variable are differentiated by it anyway.
    return {top: sorted(inside[top]) for top in sorted(inside) if top not in plan.rules}


def _content(graph: Graph, node: int) -> int:
    """2 for a sum of squares and twice other products, whose derivatives are all even."""
    if graph.ops[node] != "sum":
        return 1
    for argument, coefficient in zip(graph.args[node], graph.data[node][1], strict=True):
        even = type(coefficient) is int and coefficient % 2 == 0
        square = graph.ops[argument] == "product" and all(
            type(e) is int and e % 2 == 0 for e in graph.data[argument]
        )
        if not even and not square:
            return 1
    return 2


def operations(graph: Graph, found: Sequence[Level]) -> int:
    """About how many operations the nodes of some levels take."""
    total = 0
    roots = {node for level in found for column in level.values() for node in column.values()}
    for node in reachable(graph, roots):
        op, data = graph.ops[node], graph.data[node]
        if op == "sum":
            start, coefficients = data
            total += len(coefficients) - (type(start) is int and start == 0)
            for coefficient in coefficients:
                if coefficient != 1 and coefficient != -1:
                    total += 1
        elif op == "product":
            total += len(data) - 1
            divided = False
            for exponent in data:
                if exponent != 1:
                    top = abs(exponent.numerator)
                    total += top.bit_length() + top.bit_count() - 2 + (exponent.denominator > 1)
                    divided = divided or exponent < 0
            total += divided
        elif graph.args[node]:
            total += 1
    return total
