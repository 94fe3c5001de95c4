"""Directions of functions, and the series of nodes along them."""

from __future__ import annotations

from fractions import Fraction
from math import inf, pi

import pytest

from symgrad.functions import PRIMITIVES, math
from symgrad.ir.expression import Expr, variables
from symgrad.ir.graph import Graph
from symgrad.simplify.digits.directions import Expansion, Found, joined, power_of, raised_number
from symgrad.simplify.digits.series import ONE
from symgrad.simplify.digits.singularities import _Search

x, y = variables("x y")
HALF = Fraction(1, 2)


def test_products_of_powers() -> None:
    assert power_of(((0, 2), (1, HALF)), 2) == ((0, 4), (1, 1))
    assert joined(((0, 2), (1, 1)), ((0, -2), (2, 3))) == ((1, 1), (2, 3))
    assert joined((), ((2, 3),)) == ((2, 3),)


@pytest.mark.parametrize(
    ("value", "exponent", "expected"),
    [(2, -3, Fraction(1, 8)), (4, HALF, 2.0), (-4, HALF, None), (0, 2, None), (inf, 2, None),
     (3, 1000, None)],
)  # fmt: skip
def test_powers_of_numbers(value: float, exponent: Fraction, expected: object) -> None:
    assert raised_number(value, exponent) == expected


@pytest.mark.parametrize(
    ("expr", "rest", "offset", "order", "step", "lead"),
    [
        (math.sin(3 * x) * x**2, (), 2, 1, 1, 1.0),
        (math.sin(x * y) * y, (y,), 0, 1, 1, 1.0),
        (math.exp(-(x**2)) * math.tanh(x), (), 0, 1, 1, 1.0),
        (math.erf(math.sqrt(x)) / x, (), -1, 1, HALF, 2 / pi**0.5),
    ],
    ids=str,
)
def test_series(
    expr: Expr, rest: tuple[Expr, ...], offset: int, order: int, step: Fraction, lead: float
) -> None:
    graph = Graph(PRIMITIVES)
    node = graph.add(expr)
    search = _Search(graph)
    for at in range(node + 1):
        search.visit(at)
    direction = search.leads[node].direction
    if rest:  # the other factor of the argument is what vanishes
        direction = tuple(reversed(direction)) if direction[0][0] == graph.add(y) else direction
    found = Found(direction, dict(zip(graph.args[node], graph.data[node], strict=True)))
    expansion = Expansion(graph, search.leads, found).of(node)
    assert expansion is not None
    assert expansion.rest == tuple((graph.add(part), 1) for part in rest)
    assert (expansion.offset, expansion.series.order, expansion.step) == (offset, order, step)
    assert expansion.series.coefficients[0] / ONE == pytest.approx(lead)
