"""The short ways to products make the nodes of the general way, and no others."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, product

import pytest

from symgrad.errors import FormulaError
from symgrad.functions import PRIMITIVES, math
from symgrad.ir.arithmetic import make_product, make_sum, scale, total
from symgrad.ir.expression import HALF, Expr, constant, variables, wrap
from symgrad.ir.graph import Graph
from symgrad.ir.multiply import multiply, raise_to, stand_apart
from tests.expressions import random_case

x, y, z = variables("x y z")
EXPRS: tuple[Expr, ...] = (
    *(wrap(0), wrap(1), wrap(-1), wrap(3), wrap(Fraction(2, 3)), wrap(0.0), wrap(-1.5)),
    *(x, y, -x, 2 * y, 0.5 * z, x + y, -(x + y), 2 - x, 2 * x + 2 * y),
    *(x**2, x**-1, x**HALF, x**-HALF, -(x**3), (-x) ** HALF, (x + y) ** -1, (2 * x) ** HALF),
    *(x * y, x * y * z, y / x, 3 * x * z, x**2 * y, (x * y) ** -1, (x * y) ** HALF, x * z**-2),
    *(constant(2) ** HALF, constant(2) ** HALF * x, constant(2) ** -HALF, (x + y) * z, z / (x + y)),
    *(x * (y * z) ** -1, (x * y) ** 2, x * y * (x + y) ** HALF),
)
KINDS = ({}, {"flat": True}, {"exact": True})


def copies(**kind: bool) -> tuple[list[int], Graph, Graph]:
    """The nodes of EXPRS in two equal graphs."""
    graphs = Graph(PRIMITIVES, **kind), Graph(PRIMITIVES, **kind)
    nodes = [graph.add_all(EXPRS) for graph in graphs]
    assert nodes[0] == nodes[1]
    return nodes[0], *graphs


def contents(graph: Graph) -> str:
    """All nodes; the types of numbers show."""
    return repr((graph.ops, graph.args, graph.data))


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_two_factors_as_in_the_general_way(kind: dict[str, bool]) -> None:
    nodes, quick, general = copies(**kind)
    for a, b in product(nodes, repeat=2):
        assert multiply(quick, a, b) == make_product(general, ((a, 1), (b, 1)))
    assert contents(quick) == contents(general)
    # Of what came out once more, so that deeper products meet.
    made = list(range(0, len(quick), 7))
    for a, b in product(made, repeat=2):
        assert multiply(quick, a, b) == make_product(general, ((a, 1), (b, 1)))
    assert contents(quick) == contents(general)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_bases_that_stand_apart_are_a_product_as_they_are(kind: dict[str, bool]) -> None:
    quick, general = Graph(PRIMITIVES, **kind), Graph(PRIMITIVES, **kind)
    exprs = [*EXPRS, *[math.sin(expr) for expr in EXPRS[5:18]]]
    nodes = quick.add_all(exprs)
    assert general.add_all(exprs) == nodes
    exponents, found = (1, -2, Fraction(1, 2)), 0
    for bases in combinations(sorted(set(nodes)), 3):
        if stand_apart(quick, bases):
            made = make_product(general, zip(bases, exponents, strict=True))
            assert quick.place(("product", bases, exponents)) == made
            found += 1
    assert found > 100
    assert contents(quick) == contents(general)
    assert not stand_apart(quick, (nodes[8], nodes[7]))  # not in order


@pytest.mark.parametrize("seed", range(6))
def test_two_random_factors_as_in_the_general_way(seed: int) -> None:
    quick, general = random_case(seed, 3).system().graph, random_case(seed, 3).system().graph
    for a, b in product(range(len(quick)), repeat=2):
        if not (quick.is_condition(a) or quick.is_condition(b)):
            assert multiply(quick, a, b) == make_product(general, ((a, 1), (b, 1)))
    assert contents(quick) == contents(general)


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("exponent", [1, 2, -1, -2, 3, Fraction(1, 2), Fraction(-3, 2)])
def test_powers_as_in_the_general_way(kind: dict[str, bool], exponent: int | Fraction) -> None:
    nodes, quick, general = copies(**kind)
    for node, coefficient in product(nodes, (1, -2, 0.5)):
        try:
            expected = make_product(general, ((node, exponent),), coefficient)
        except FormulaError:
            with pytest.raises(FormulaError):
                raise_to(quick, node, exponent, coefficient)
        else:
            assert raise_to(quick, node, exponent, coefficient) == expected
    assert contents(quick) == contents(general)


def test_short_sums_as_in_the_general_way() -> None:
    nodes, quick, general = copies()
    numbers = (0, 1, -1, 2, Fraction(1, 2), 0.5, -0.0)
    for node, coefficient in product(nodes, numbers):
        expected = make_sum(general, 0, ((node, coefficient),))
        assert scale(quick, node, coefficient) == expected
        assert total(quick, [(node, coefficient)]) == expected
    for a, b, left, right in product(nodes, nodes, numbers, numbers):
        terms = [(a, left), (b, right)]
        assert total(quick, terms) == make_sum(general, 0, terms)
    assert contents(quick) == contents(general)
