"""Local partials and the masks around them."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import inf
from typing import Any

import mpmath
import pytest

from symgrad.differentiate.local import (
    BALANCED_FROM,
    Partials,
    mask,
    masked,
    masked_product,
    partials,
    unmask,
)
from symgrad.functions import PRIMITIVES, math
from symgrad.ir.expression import Expr, variables, wrap
from symgrad.ir.graph import Graph
from tests.expressions import close, in_float, in_mpmath

x, y, z, w = variables("x y z w")
POINT = {"x": 0.75, "y": 1.5, "z": -2.25, "w": 0.3, "v": 1.9}


def graph_with(*exprs: object) -> tuple[Graph, list[int]]:
    graph = Graph(PRIMITIVES)
    return graph, graph.add_all([wrap(expr) for expr in exprs])


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize(
    "exponents",
    [
        (2, 1),
        (-1, 3),
        (Fraction(1, 2), -2),
        (1, 1, 1),
        (1, 1, 1, 1),
        (2, -1, Fraction(3, 2), 3),
        (1, 2, -3, 1, Fraction(1, 2)),
    ],
)
def test_partials_of_products(exponents: tuple[Any, ...], exact: bool, digits: int) -> None:
    graph = Graph(PRIMITIVES, exact=exact)
    names = "xyvw"[: len(exponents)] if len(exponents) < 5 else "xyzwv"
    bases = [graph.symbol(name) for name in names]
    point = {name: abs(POINT[name]) for name in names}
    node = graph.product(zip(bases, exponents, strict=True))
    found = dict(partials(graph, node, {}))
    assert set(found) == set(bases)
    (value,) = in_mpmath(graph, [node], point)
    for base, name, exponent in zip(bases, names, exponents, strict=True):
        (got,) = in_mpmath(graph, [found[base]], point)
        power = mpmath.mpf(Fraction(exponent).numerator) / Fraction(exponent).denominator
        assert close(got, power * value / mpmath.mpf(point[name]), 1e-45)


def test_partials_of_long_products_are_linear_in_their_length() -> None:
    def nodes_for(count: int) -> int:
        graph = Graph(PRIMITIVES)
        node = graph.product([(graph.symbol(f"x{i}"), 1) for i in range(count)])
        before = len(graph)
        partials(graph, node, {})
        return len(graph) - before

    assert all(nodes_for(count) <= 3 * count for count in range(2, 60))
    assert BALANCED_FROM < nodes_for(400) <= 3 * 400


def test_partials_of_functions_leave_out_conditions_and_zeros() -> None:
    graph, (node, stepped) = graph_with(math.where(x > 0, y, z), math.floor(x))
    assert [argument for argument, _ in partials(graph, node, {})] == [
        graph.symbol("y"),
        graph.symbol("z"),
    ]
    assert partials(graph, stepped, {}) == []


def test_partials_are_made_once() -> None:
    graph, (node,) = graph_with(math.atan2(x, y))
    memo: Partials = {}
    assert partials(graph, node, memo) is partials(graph, node, memo)
    assert list(memo) == [node]


@pytest.mark.parametrize(
    ("expr", "side"),
    [(math.where(x > 0, y, 0), True), (math.where(x > 0, 0, y), False)],
)
def test_mask(expr: Expr, side: bool) -> None:
    graph, (node, condition, value) = graph_with(expr, x > 0, y)
    assert mask(graph, node) == ((condition, side), value)
    assert unmask(graph, node) == ([(condition, side)], value)


@pytest.mark.parametrize("expr", [x, x * y, math.where(x > 0, y, z), math.where(x > 0, y, 0.0)])
def test_no_mask(expr: Expr) -> None:
    graph, (node,) = graph_with(expr)
    assert mask(graph, node) is None
    assert unmask(graph, node) == ([], node)


def test_masks_come_off_and_on_again() -> None:
    expr = math.where(x > 0, math.where(y > 0, 0, math.where(z > 0, 1 / w, 0)), 0)
    graph, (node, value) = graph_with(expr, 1 / w)
    literals, inner = unmask(graph, node)
    assert inner == value
    assert [side for _, side in literals] == [True, False, True]
    again = masked(graph, literals, inner)
    for signs in product((-1.0, 1.0), repeat=3):
        point = {**dict(zip("xyz", signs, strict=True)), "w": 0.0}
        expected = in_float(graph, [node], point)
        assert in_float(graph, [again], point) == expected == [inf if signs == (1, -1, 1) else 0]
    assert masked(graph, [], inner) == inner


@pytest.mark.parametrize("value", [-1.0, 0.0])
def test_masked_product_drops_infinities_and_nan(value: float) -> None:
    graph, (masked_root, one, root) = graph_with(math.where(x > 0, 1, 0), wrap(1), 1 / math.sqrt(x))
    for pair in ((masked_root, root), (root, masked_root)):
        product = masked_product(graph, *pair)
        assert in_float(graph, [product], {"x": value}) == [0.0]
        assert in_float(graph, [product], {"x": 4.0}) == [0.5]
    assert masked_product(graph, one, root) == root


def test_masked_product_keeps_every_condition() -> None:
    graph, (left, right) = graph_with(
        math.where(x > 0, math.where(y > 0, 1 / x, 0), 0), math.where(y > 0, 1 / y, 0)
    )
    product_node = masked_product(graph, left, right)
    for a, b in product((-2.0, 0.0, 2.0), repeat=2):
        expected = 0.25 if a > 0 and b > 0 else 0.0
        assert in_float(graph, [product_node], {"x": a, "y": b}) == [expected]


def test_opposite_masks_make_zero_at_every_point() -> None:
    graph, (left, right) = graph_with(math.where(x > 0, 1 / x, 0), math.where(x > 0, 0, 1 / x))
    product = masked_product(graph, left, right)
    for value in (-1.0, 0.0, 1.0):
        assert in_float(graph, [product], {"x": value}) == [0.0]
