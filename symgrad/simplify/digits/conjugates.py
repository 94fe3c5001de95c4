"""Differences of which one part is a square root, by their conjugates.

sqrt(x^2 + 1) - x is 1/(sqrt(x^2 + 1) + x), where nothing cancels.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from symgrad.ir.arithmetic import Number
from symgrad.ir.expression import symbol
from symgrad.ir.graph import Graph
from symgrad.simplify.digits.forms import MOST_TERMS, terms
from symgrad.simplify.polynomials import combine, expand

A, B = symbol("a"), symbol("b")
HALF_POWER = Fraction(1, 2)
HUGE = 1e300


def conjugate(graph: Graph, node: int) -> int | None:
    """The sum a sqrt(u) + b m as (a^2 u - b^2 m^2)/(a sqrt(u) - b m) where the signs differ.

    Only where the numerator has fewer terms than u, as that of sqrt(x^2 + 1) - x.
    """
    start, coefficients = graph.data[node]
    count = len(coefficients) + (start != 0)
    if float in map(type, coefficients) or not 2 <= count <= MOST_TERMS:
        return None
    found = list(zip(graph.args[node], coefficients, strict=True))
    if count > 2:
        return _conjugate_of_sum(graph, node, found)
    for (root, a), (rest, b) in (found, found[::-1]) if start == 0 else ():
        inside = _under_root(graph, root)
        if inside is None or graph.ops[inside] != "sum":
            continue
        before = graph.sum(((inside, 1),))
        above = graph.sum(difference_of(graph, inside, a * a, graph.product([(rest, 2)]), b * b))
        if _length(graph, above) < _length(graph, before):
            return _by_conjugate(graph, node, root, a, ((rest, b),), above)
    return _conjugate_of_sum(graph, node, found)


def _conjugate_of_sum(graph: Graph, node: int, found: Sequence[tuple[int, Number]]) -> int | None:
    """That of a root beside several terms, multiplied out, as of b - sqrt(b^2 - 4 a c)."""
    roots = [(part, a) for part, a in found if _under_root(graph, part) is not None]
    if len(roots) != 1:
        return None
    ((root, a),) = roots
    others = [pair for pair in found if pair[0] != root]
    if graph.data[node][0] != 0:
        others.append((graph.constant(1), graph.data[node][0]))
    rest, inside = graph.sum(others), graph.product([(root, 2)])
    square = graph.product([(rest, 2)])
    known = expand(graph, (inside, square))
    before = {m: a * a * c for m, c in known[inside].items()}
    above = {m: c for m, c in combine(before, known[square], -1).items() if c}
    if len(above) != 1 or len(before) < 2:
        return None
    left = graph.sum([(graph.product([*m]), c) for m, c in sorted(above.items())])
    return _by_conjugate(graph, node, root, a, others, left)


def _by_conjugate(
    graph: Graph,
    node: int,
    root: int,
    a: Number,
    others: Sequence[tuple[int, Number]],
    above: int,
) -> int:
    below = graph.sum([(root, a), *[(part, -b) for part, b in others]])
    quotient = graph.product([(above, 1), (below, -1)])
    sign = graph.sum([(part, b if a > 0 else -b) for part, b in others])
    # Where squares overflow, the quotient would be a 0 that nobody notices.
    better = graph.add((A < 0) & (abs(B) < HUGE), {"a": sign, "b": below})
    return graph.call("select", (better, quotient, node))


def _under_root(graph: Graph, node: int) -> int | None:
    if graph.ops[node] != "product" or graph.data[node] != (HALF_POWER,):
        return None
    return graph.args[node][0]


def difference_of(
    graph: Graph, one: int, a: Number, other: int, b: Number
) -> list[tuple[int, Number]]:
    """The terms of a u - b v that are left."""
    start, made = terms(graph, one)
    less, others = terms(graph, other)
    made = {part: a * c for part, c in made.items()}
    made[graph.constant(1)] = a * start - b * less
    for part, c in others.items():
        made[part] = made.get(part, 0) - b * c
    return [(part, c) for part, c in sorted(made.items()) if c != 0]


def _length(graph: Graph, node: int) -> int:
    start, found = terms(graph, node)
    return len(found) + (start != 0)
