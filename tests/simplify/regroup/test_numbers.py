"""Numbers of sums, moved to where they cost less: never to where they overflow."""

from __future__ import annotations

from fractions import Fraction
from math import inf, nan
from time import process_time
from typing import Any

import pytest
from hypothesis import given

from symgrad.functions import math
from symgrad.ir.expression import Expr
from symgrad.simplify.regroup.factor import factor
from symgrad.simplify.regroup.inline import inline
from symgrad.simplify.regroup.literals import coefficients_to_literals
from symgrad.simplify.regroup.network import Network, read, write
from symgrad.simplify.regroup.numbers import distribute_numbers, split_numbers
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


def split_and_factor(network: Network) -> None:
    split_numbers(network)
    factor(network)


STEPS = {"distribute": distribute_numbers, "split": split_numbers, "factor": split_and_factor}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_values_stay(case: Any, step: str, digits: int) -> None:
    assert_pass_keeps(STEPS[step], case)


@pytest.mark.parametrize("step", STEPS)
@given(outputs=formulas())
def test_values_of_formulas_stay(step: str, outputs: tuple[Expr, ...], digits: int) -> None:
    assert_formulas_keep(STEPS[step], *outputs, literals=True)


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (24 * x * (1 - 2 * y * z), "x*(-y*z*48+24)"),
        (24 * x * (1 - 2 * y), "x*24*(-y*2+1)"),  # exact for every y: 24 - 48*y would not be
        (3 * z * (2 * x + 5 * y), "z*(x*6+y*15)"),
        (4 * z * (x + y), "z*(x+y)*4"),  # one number for both terms is cheaper outside
        (2 * z * (x + 3 * y), "z*(x+y*3)*2"),
        (0.5 * (x + 1), "(x+1)*0.5"),
    ],
)
def test_numbers_go_where_every_term_has_one(formula: Expr, expected: str) -> None:
    assert sorted(after(distribute_numbers, formula, literals=True)) == sorted(expected)


def test_a_number_moves_to_meet_its_like() -> None:
    """``2*(100*d - u - 200*x*d)`` beside ``200*d``: the product 200*d serves twice."""
    d, u = z, w
    outputs = (2 * (100 * d - u - 200 * x * d), 200 * d)
    source = system(*outputs)
    network = network_of(*outputs)
    coefficients_to_literals(network)
    network = inline(network)
    assert distribute_numbers(network)
    network = inline(network)
    split_numbers(network)
    factor(network)
    made, kept = write(inline(network), [source.outputs])
    assert cost(made, kept) < cost(source.graph, [source.outputs])


def test_a_long_sum_of_fractions_takes_a_few_operations_a_term() -> None:
    """Each is divided by what stands beside its factors, not by 600 others: that took seconds."""
    terms = [Fraction(1, i) * (x**i * y) for i in range(2, 602)]
    network = network_of(sum(terms[1:], start=terms[0]), 6 * y)
    coefficients_to_literals(network)
    network = inline(network)
    start = process_time()
    split_numbers(network)
    assert process_time() - start < 0.5


def test_a_factor_beside_many_numbers_splits_none_of_them() -> None:
    """A Fourier series of 800 terms would divide each of its numbers by each."""
    terms = [i * (math.sin(i * x) * y) for i in range(2, 802)]
    network = network_of(sum(terms[1:], start=terms[0]))
    coefficients_to_literals(network)
    network = inline(network)
    start = process_time()
    split_numbers(network)
    assert process_time() - start < 0.5


@pytest.mark.parametrize(
    ("outputs", "saved"),
    [
        ((2 * (x - 3), 2 * x), 1),
        ((2 * (x - 3), 2 * (5 - x)), 1),
        ((0.25 * (x - 3), 0.25 * (x - 4), 0.25 * (x + 5)), 2),
        ((2 * (x - 3), 4 * x), 0),
        ((2 * (x - 3), 2 * y), 0),
        ((3 * (x - 7), 3 * x), 0),  # 3*x rounds: 3*x - 21 is not exact near 7
        ((2 * (x - 3), 2 * x, x - 3), 0),
    ],
)
def test_a_power_of_two_moves_to_where_its_product_is_wanted(
    outputs: tuple[Expr, ...], saved: int
) -> None:
    source = system(*outputs)
    network = network_of(*outputs)
    coefficients_to_literals(network)
    network = inline(network)
    before = cost(*write(network, [source.outputs]))
    assert distribute_numbers(network) is (saved > 0)
    made, kept = write(inline(network), [source.outputs])
    assert cost(made, kept) == before - saved
    for value in (3.0, 0.1, 1e-300, -7.3):
        point = (value, value, value, value)
        expected = in_float(program_of(source.graph, [source.outputs]), point)
        assert in_float(program_of(made, kept), point) == expected


def test_it_says_whether_anything_moved() -> None:
    assert distribute_numbers(network_of(x)) is False
    network = network_of(x + y, x * y)
    assert distribute_numbers(network) is False


def test_shared_sums_keep_their_numbers() -> None:
    inner = 1 - 2 * y
    found = after(distribute_numbers, 24 * x * inner, inner * z, literals=True)
    assert "48" not in found


def test_a_number_is_split_by_a_sibling() -> None:
    """``6*x*y + 2*z`` beside ``3*x``: 6 is 2 times 3, and 2 is pulled out."""
    found = after(split_and_factor, 6 * x * y + 2 * z * w, 3 * x, literals=True)
    assert "6" not in found
    assert found.count("3") == 2


def test_quotients_that_are_not_whole_stay() -> None:
    found = after(split_and_factor, 5 * x * y + 2 * z * w, Fraction(5, 2) * x, literals=True)
    assert "5*" in found or "*5" in found


@pytest.mark.parametrize(
    "size", [1e200, 1e-200, inf, nan, pytest.param(1 << 15_000, id="huge"), Fraction(1, 1 << 2_000)]
)
@pytest.mark.parametrize("step", STEPS)
def test_sizes_that_could_overflow_stay(step: str, size: Any) -> None:
    source = system(z * size * (2 * x + size * y), size * (1 + size * x), size * x + 3 * size * y)
    network = inline(read(source.graph, [source.outputs]))
    coefficients_to_literals(network)
    network = inline(network)
    before = program_of(*write(network, [source.outputs]))
    STEPS[step](network)
    made, kept = write(inline(network), [source.outputs])
    point = (1e-150, 1e-150, 1.0, 1.0)
    for one, other in zip(
        in_float(before, point), in_float(program_of(made, kept), point), strict=True
    ):
        assert one == pytest.approx(other, rel=1e-14, abs=0, nan_ok=True)


def test_a_divisor_is_not_multiplied_into_itself() -> None:
    """``2*(x + 3*y)/(2*x + 6*y)`` is no 1: it is nan where both are 0."""
    outputs = (2 * (x + 3) * w / (z * (2 * x + 6) + 1), 2 * (x + 3) / (2 * x + 6.0))
    source = system(*outputs)
    network = inline(read(source.graph, [source.outputs]))
    coefficients_to_literals(network)
    network = inline(network)
    distribute_numbers(network)
    made = inline(network)
    assert 0 not in [exponent for bag in made.bags for exponent in bag.values()]
    values = in_float(program_of(*write(made, [source.outputs])), (-3.0, 1.0, 1.0, 1.0))
    assert values[1] != values[1]
