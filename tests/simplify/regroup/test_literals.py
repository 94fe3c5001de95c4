"""Coefficients as factors: sums are left with signs alone, and their values stay."""

from __future__ import annotations

from fractions import Fraction
from math import inf, isnan, nan
from typing import Any

import pytest
from hypothesis import given

from symgrad.ir.expression import Expr, named
from symgrad.simplify.regroup.inline import inline
from symgrad.simplify.regroup.literals import coefficients_to_literals
from symgrad.simplify.regroup.network import ONE, read, write
from tests.simplify.networks import (
    CASES,
    NAMES,
    after,
    assert_keeps_values,
    assert_pass_keeps,
    formulas,
    in_float,
    network_of,
    program_of,
    system,
    w,
    x,
    y,
    z,
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_values_stay(case: Any, digits: int) -> None:
    assert_pass_keeps(coefficients_to_literals, case)


@given(outputs=formulas(positive=False))
def test_values_of_formulas_stay(outputs: tuple[Expr, ...], digits: int) -> None:
    source = system(*outputs)
    network = inline(read(source.graph, [source.outputs]))
    coefficients_to_literals(network)
    made, kept = write(inline(network), [source.outputs])
    point = dict(zip(NAMES, (0.7, -1.3, 0.4, 1.1), strict=True))
    assert_keeps_values(source.graph, [source.outputs], made, kept, point)


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (2 * x + y, "(x*2+y)"),
        (y - 3 * x * z, "(y-x*z*3)"),
        (Fraction(2, 3) * x - 0.5 * y, "(x*2/3-y*0.5)"),
        (2 * named("pi") * x + y, "(x*sum+y)"),
        (3 - 2 * x, "(-x*2+3)"),
        (5 * x, "x*5"),
        (-5 * x, "(-x*5)"),
    ],
)
def test_coefficients_become_factors(formula: Expr, expected: str) -> None:
    assert sorted(after(coefficients_to_literals, formula)) == sorted(expected)


@given(outputs=formulas(positive=False))
def test_only_signs_are_left(outputs: tuple[Expr, ...]) -> None:
    network = network_of(*outputs)
    coefficients_to_literals(network)
    coefficients = [
        c
        for node in network.order()
        if network.kinds[node] == "sum"
        for literal, c in network.bags[node].items()
        if literal != ONE
    ]
    assert set(coefficients) <= {1, -1}


def test_it_says_whether_there_were_any() -> None:
    assert coefficients_to_literals(network_of(2 * x + y))
    assert not coefficients_to_literals(network_of(x - y + 2, x * y))


def test_a_shared_product_is_not_taken_apart() -> None:
    p = x * y
    assert sorted(after(coefficients_to_literals, 2 * p + z, p)) == sorted("a = x*y; (z+a*2); a")


def test_equal_products_of_a_sum_keep_a_coefficient() -> None:
    """``2*x + 3*p + q`` where p is 2*x and q is 3*p: no term may be lost."""
    network = network_of(x)
    a = network.roots[0]
    p = network.product({network.number(2): 1, a: 1})
    q = network.product({network.number(3): 1, p: 1})
    for bag in ({a: 2, p: 3, q: 1}, {p: 3, q: 1, a: 2}, {q: 1, a: 2, p: 3}, {a: 2, p: 1}):
        expected = sum(c * {a: 1, p: 2, q: 6}[k] for k, c in bag.items())
        network.roots = [network.sum(dict(bag))[0], p, q]
        source = system(x, x, x)
        coefficients_to_literals(network)
        made, kept = write(inline(network), [source.outputs])
        assert in_float(program_of(made, kept), (1.0, 0.0, 0.0, 0.0))[0] == expected


def test_floats_that_are_no_usual_numbers_survive() -> None:
    source = system(0.0 * x + y, -0.0 * x * z, nan * x + y, inf * x + y, -inf * y + z, 1.0 * x + y)
    network = inline(read(source.graph, [source.outputs]))
    coefficients_to_literals(network)
    made, kept = write(inline(network), [source.outputs])
    before = in_float(program_of(source.graph, [source.outputs]), (1.0, 2.0, 3.0, 4.0))
    found = in_float(program_of(made, kept), (1.0, 2.0, 3.0, 4.0))
    assert [str(value) for value in found] == [str(value) for value in before]
    assert str(found[1]) == "-0.0"
    assert isnan(found[2])


def test_huge_numbers_are_not_multiplied() -> None:
    size = 1 << 15_000
    network = network_of(x * y)
    inner = network.product({network.number(size): 1, network.roots[0]: 1})
    network.roots = [network.sum({inner: size, network.roots[0]: 1})[0]]
    assert coefficients_to_literals(network)
    made = inline(network)
    values = [made.graph.data[made.sources[n]] for n in made.order() if made.kinds[n] == "number"]
    assert values == [size]


def test_shared_multiples_are_computed_once() -> None:
    assert after(coefficients_to_literals, 2 * x + y, 2 * x * w, 2 * x + z).count("2") == 2
