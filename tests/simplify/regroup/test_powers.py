"""Plans of powers: few roots, few reciprocals, the same domain."""

from __future__ import annotations

from fractions import Fraction
from math import inf, isnan, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symgrad.functions import math
from symgrad.ir.expression import Expr
from symgrad.simplify.regroup.inline import inline
from symgrad.simplify.regroup.network import read, write
from symgrad.simplify.regroup.pairs import share_pairs
from symgrad.simplify.regroup.powers import HIGHEST, plan_powers
from tests.simplify.networks import (
    CASES,
    after,
    assert_formulas_keep,
    assert_pass_keeps,
    cost,
    formulas,
    in_float,
    is_acyclic,
    network_of,
    program_of,
    system,
    w,
    x,
    y,
    z,
)

HALF = Fraction(1, 2)
DIFFERENCE = x - y
SQUARE = x**2 + y**2 + 1


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_values_stay(case: Any, digits: int) -> None:
    assert_pass_keeps(plan_powers, case)


@given(outputs=formulas())
def test_values_of_formulas_stay(outputs: tuple[Expr, ...], digits: int) -> None:
    assert_formulas_keep(plan_powers, *outputs)


EXPONENTS = st.integers(-9, 9).filter(bool).map(lambda n: Fraction(n, 2)) | st.sampled_from(
    [Fraction(1, 3), Fraction(-4, 3), Fraction(5, 4)]
)


@given(exponents=st.lists(st.tuples(EXPONENTS, st.booleans()), min_size=1, max_size=5))
@pytest.mark.parametrize("base", [x, SQUARE, DIFFERENCE, 1 - x], ids=str)
def test_any_powers_of_one_base(base: Expr, exponents: list[tuple[Any, bool]], digits: int) -> None:
    """The same values, inf and nan where they were, at most a multiplication more than planless."""
    outputs = [base**e * (z if beside else 1) for e, beside in exponents]
    source = system(*outputs, w)
    network = inline(read(source.graph, [source.outputs]))
    plain = write(network, [source.outputs])
    plan_powers(network)
    network = inline(network)
    share_pairs(network, "product")
    made, kept = write(inline(network), [source.outputs])
    # x*sqrt(x) serves x**1.5 but no x**-1.5; 0 - base is a subtraction, which -base alone is not.
    allowed = 1 + 2 * (base is DIFFERENCE)
    assert cost(made, kept) <= cost(*plain) + allowed
    for point in ((1.7, 0.6, 1.3, 0.8), (0.6, 1.7, 1.3, 0.8), (1.0, 1.0, 1.3, 0.8)):
        before = in_float(program_of(source.graph, [source.outputs]), point)
        found = in_float(program_of(made, kept), point)
        assert found == pytest.approx(before, rel=1e-13, abs=0, nan_ok=True)


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        ((x**1.5 * y, x**0.5), "a = x**(1/2); y*x*a; a"),
        ((x**0.5,), "x**(1/2)"),
        ((y / x,), "y*x**-1"),
        ((y / x, z / x), "a = x**-1; y*a; z*a"),
        ((y / x**2, z / x), "a = x**-1; y*a**2; z*a"),
        ((x**-0.5, y / x**0.5), "a = (x**((1/2)))**-1; a; y*a"),
        ((x**-1.5, y * x**-0.5), "a = (x**((1/2)))**-1; a**3; y*a"),
        ((x ** Fraction(1, 3), x ** Fraction(-1, 3)), "x**1/3; x**-1/3"),
        ((1 / SQUARE, y * SQUARE**-0.5), "a = (x**2+y**2+1)**-1; a; y*a**(1/2)"),
        (
            (SQUARE**-1.5, y * SQUARE**-2.5),
            "a = (x**2+y**2+1)**-1; b = a**(1/2); b*a; y*b*a**2",
        ),
        (
            (1 / SQUARE, SQUARE**-0.5, SQUARE**0.5),
            "a = (x**2+y**2+1)**(1/2); b = a**-1; b**2; b; a",
        ),
    ],
)
def test_plans(outputs: tuple[Expr, ...], expected: str) -> None:
    assert sorted(after(plan_powers, *outputs)) == sorted(expected)


def test_a_sum_of_squares_is_divided_by_once() -> None:
    source = system(1 / SQUARE, z * SQUARE**-0.5, w * SQUARE**-1.5)
    network = inline(read(source.graph, [source.outputs]))
    plan_powers(network)
    made, kept = write(inline(network), [source.outputs])
    assert program_of(made, kept).counts["div"] == 1


@pytest.mark.parametrize(
    "base",
    [
        x**2 + y**2,  # 1e-310 is no 0, and its reciprocal inf, but 1/sqrt of it is finite
        x * y,  # may be -0.0, whose root is -0.0: 1/sqrt is -inf, the root of 1/x nan
        1 - x**2,  # may be -inf: 1/sqrt is nan, the root of 1/x -0.0
        1e-200 + x**2,  # underflows in float32
        x + 1,
    ],
    ids=str,
)
def test_where_the_root_of_the_reciprocal_is_another_the_root_is_taken_first(base: Expr) -> None:
    network = network_of(z / base, w * base**-0.5)
    plan_powers(network)
    bags = [network.bags[n] for n in network.order() if network.kinds[n] == "product"]
    (root,) = [next(iter(bag)) for bag in bags if list(bag.values()) == [HALF]]
    assert network.kinds[root] != "product" or -1 not in network.bags[root].values()


@pytest.mark.parametrize("value", [0.0, -0.0, 1.0, -3.5, 1e-200, 1e200, inf, -inf, nan])
def test_roots_of_reciprocals_have_the_values_of_reciprocals_of_roots(value: float) -> None:
    base = 1 + x**2
    source = system(y / base, z * base**-0.5, w * base**-1.5)
    network = inline(read(source.graph, [source.outputs]))
    plan_powers(network)
    made, kept = write(inline(network), [source.outputs])
    assert (
        program_of(made, kept).counts["mul"]
        < program_of(source.graph, [source.outputs]).counts["mul"]
    )
    point = (value, 1.3, 0.7, -2.1)
    before = in_float(program_of(source.graph, [source.outputs]), point)
    found = in_float(program_of(made, kept), point)
    assert found == pytest.approx(before, rel=1e-15, abs=0, nan_ok=True)


@pytest.mark.parametrize("by_roots", [False, True])
def test_a_base_that_can_be_negative_keeps_its_reciprocal(by_roots: bool) -> None:
    source = system(1 / x, z * x**-0.5, w * x**-1.5)
    network = inline(read(source.graph, [source.outputs]))
    plan_powers(network, by_roots=by_roots)
    made, kept = write(inline(network), [source.outputs])
    found = in_float(program_of(made, kept), (-2.0, 0.0, 1.0, 1.0))
    assert found[0] == -0.5
    assert isnan(found[1])
    assert isnan(found[2])
    assert in_float(program_of(made, kept), (0.0, 0.0, 1.0, 1.0)) == [inf, inf, inf]


@pytest.mark.parametrize(
    ("outputs", "divisions"),
    [
        ((y / x + z * x**-0.5, w * x**-1.5), 1),
        ((math.sin(y / x) * x**-0.5, w * x**-1.5), 1),
        ((math.where(x > 1, y / x * x**-0.5, z), math.sin(w / x), x**-0.5), 2),
        ((math.where(x > 0, z * x**-0.5, y / x),), 2),
        ((y / x + z * x**-0.5, w / x), 2),
    ],
)
def test_one_division_where_a_negative_base_makes_all_nan(
    outputs: tuple[Expr, ...], divisions: int
) -> None:
    source = system(*outputs)
    network = inline(read(source.graph, [source.outputs]))
    plan_powers(network, by_roots=True)
    made, kept = write(inline(network), [source.outputs])
    assert program_of(made, kept).counts["div"] == divisions
    for value in (2.5, -2.5):
        point = (value, 1.3, 0.7, -2.1)
        before = in_float(program_of(source.graph, [source.outputs]), point)
        found = in_float(program_of(made, kept), point)
        assert found == pytest.approx(before, rel=1e-14, abs=0, nan_ok=True)


def test_a_reciprocal_is_not_made_of_itself() -> None:
    """``1/x`` alone is the shared reciprocal: it must not become a product of itself."""
    for order in (
        (1 / x, y / x, z / x),
        (y / x, 1 / x),
        (x**-0.5, 1 / x),
        (1 / SQUARE, SQUARE**-0.5),
    ):
        network = network_of(*order)
        plan_powers(network)
        assert is_acyclic(network)


@pytest.mark.parametrize("power", [HIGHEST + 1, Fraction(2 * HIGHEST + 1, 2)])
def test_high_powers_are_left_to_pow(power: Any) -> None:
    assert not plan_powers(network_of(y * x**-power, z * x**-power))


def test_it_says_whether_there_were_any() -> None:
    assert plan_powers(network_of(x**1.5))
    assert not plan_powers(network_of(x**3 * y, 1 / x, y**0.5, math.sin(z)))


def test_deep_networks_need_no_recursion() -> None:
    value = x
    for _ in range(5_000):
        value = math.sqrt(y / (1 + value)) + z / (1 + value)
    network = network_of(value)
    assert plan_powers(network)
    assert is_acyclic(network)
