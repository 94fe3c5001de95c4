"""Factoring: what most products share comes out first, and nothing divides that did not."""

from __future__ import annotations

from fractions import Fraction
from math import isnan
from typing import Any

import pytest
from hypothesis import given

from symgrad.functions import math
from symgrad.ir.expression import Expr
from symgrad.simplify.regroup import factor as module
from symgrad.simplify.regroup.factor import factor
from symgrad.simplify.regroup.inline import inline
from symgrad.simplify.regroup.network import read, write
from tests.simplify.networks import (
    CASES,
    after,
    assert_formulas_keep,
    assert_pass_keeps,
    cost,
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
    assert_pass_keeps(factor, case)


@given(outputs=formulas())
def test_values_of_formulas_stay(outputs: tuple[Expr, ...], digits: int) -> None:
    network = assert_formulas_keep(factor, *outputs)
    assert 0 not in [exponent for bag in network.bags for exponent in bag.values()]


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (x * y + x * z, "x*(y+z)"),
        (x * y - x * z, "x*(y-z)"),
        (x * y + x, "(x*y+x)"),  # a lone factor is no product
        (x * y * w + x * z * w, "x*w*(y+z)"),
        (x**2 * y + x * z, "x*(x*y+z)"),
        (x**3 * y + x**2 * z, "x**2*(x*y+z)"),
        (x * y + x * z + y * w, "(y*w+x*(y+z))"),
        (x * y + x * z + x * w + y * w, "(x*(y+z+w)+y*w)"),
        (y / x + z / x, "x**-1*(y+z)"),
        (y / x + z / x**2, "x**-1*(y+x**-1*z)"),
        (x**1.5 * y + x**2.5 * z, "x**3/2*(y+x*z)"),
        (x**0.5 * y + x * z, "(x**(1/2)*y+x*z)"),
        (x * y + z * w, "(x*y+z*w)"),
        (y * x + z / x, "(y*x+z*x**-1)"),
    ],
)
def test_what_is_factored(formula: Expr, expected: str) -> None:
    assert sorted(after(factor, formula)) == sorted(expected)


def test_horner_form_comes_out_of_a_polynomial() -> None:
    formula = x**4 * y + x**3 * z + x**2 * w + x * y * z
    assert after(factor, formula).count("**") == 0


def test_shared_products_are_left_alone() -> None:
    p = x * y
    assert after(factor, p + x * z, p).count("(") == 1


def test_it_says_whether_there_was_anything() -> None:
    assert factor(network_of(x * y + x * z))
    assert not factor(network_of(x * y + z * w, math.sin(x * y)))


@pytest.mark.parametrize("power", [1, 2, Fraction(1, 2)])
def test_a_sum_does_not_cancel_its_own_divisor(power: Any) -> None:
    """``x/(x + y) + y/(x + y)`` is no 1: it is nan where x + y is 0."""
    outputs = (x / (x + y) ** power + y / (x + y) ** power, (x + y) * w)
    source = system(*outputs)
    network = inline(read(source.graph, [source.outputs]))
    factor(network)
    assert 0 not in [exponent for bag in network.bags for exponent in bag.values()]
    made, kept = write(inline(network), [source.outputs])
    assert isnan(in_float(program_of(made, kept), (0.0, 0.0, 1.0, 1.0))[0])
    assert cost(made, kept) <= cost(source.graph, [source.outputs])


@pytest.mark.parametrize("base", [x - y, y - x, 1 - x, x - 1])
def test_infinities_keep_their_sign(base: Expr) -> None:
    source = system(z / base + w / base, x * z - y * z)
    network = inline(read(source.graph, [source.outputs]))
    factor(network)
    made, kept = write(inline(network), [source.outputs])
    point = (1.0, 1.0, 2.0, 3.0)
    before = in_float(program_of(source.graph, [source.outputs]), point)
    assert in_float(program_of(made, kept), point) == before


def test_work_grows_with_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many different common factors in one sum: each is looked at a few times."""
    counted = 0
    original = module.heappop

    def count(heap: Any) -> Any:
        nonlocal counted
        counted += 1
        return original(heap)

    monkeypatch.setattr(module, "heappop", count)
    found = []
    for size in (200, 400):
        parts = [math.sin(x * k) for k in range(size)]
        source = system(sum((p * math.cos(y * k) + p * z for k, p in enumerate(parts)), w))
        network = inline(read(source.graph, [source.outputs]))
        counted = 0
        factor(network)
        found.append(counted)
    assert 0 < found[1] <= 2.2 * found[0]


def test_deep_networks_need_no_recursion() -> None:
    value = x
    for _ in range(10_000):
        value = math.sin(value) * y + math.cos(value) * y
    source = system(value)
    network = inline(read(source.graph, [source.outputs]))
    assert factor(network)
    made, kept = write(inline(network), [source.outputs])
    assert cost(made, kept) < cost(source.graph, [source.outputs])
