"""The series of hypergeometric functions: cancellation, derivatives by parameters, ends."""

from __future__ import annotations

from itertools import product
from math import isnan
from typing import Any

import mpmath
import numpy as np
import pytest

from symgrad.functions.special.hypergeometric.series import (
    HIGHEST,
    add_loosely,
    exact_derivative,
    is_pole,
    is_pole_pair,
    series,
)
from tests.functions.special.measured import computed, values


def test_cancelling_series_are_right_to_the_last_digit() -> None:
    """1F1(1; 2; -20) from terms of size 2e7."""
    got = computed(lambda m, a, b, z: series(m, (a,), (b,), (z, 0.0)), 1.0, 2.0, -20.0)
    expected = float(-mpmath.expm1(-20) / 20)
    assert float(got) == pytest.approx(expected, rel=2e-16)


def test_poles() -> None:
    points = np.array([-3.0, -0.5, 0.0, 1.0, 2.5])
    found = computed(lambda m, x: m.where(is_pole(m, x), 1.0, 0.0), points)
    assert found.tolist() == [1, 0, 1, 0, 0]


@pytest.mark.parametrize("orders", [*product((0, 1), repeat=4), (2, 0, 1, 1), (0, 3, 0, 2)])
def test_exact_derivatives_are_those_of_mpmath(orders: tuple[int, ...]) -> None:
    point = tuple(map(mpmath.mpf, ("0.7", "1.3", "1.9", "0.3")))
    with mpmath.workdps(30):
        *parameters, z = point
        got = exact_derivative(mpmath, orders, parameters[:2], parameters[2:], z)
        expected = (
            mpmath.diff(mpmath.hyp2f1, point, orders) if any(orders) else mpmath.hyp2f1(*point)
        )
        assert abs(got - expected) < 1e-12 * abs(expected)


def test_orders_beyond_the_highest_have_no_value() -> None:
    assert isnan(float(values("hyp0f1_derivative", HIGHEST + 1.0, 0.0, 1.5, 0.5)))
    assert not isnan(float(values("hyp0f1_derivative", float(HIGHEST), 9.0, 1.5, 0.5)))


def test_series_that_diverge_have_no_value() -> None:
    assert isnan(float(values("hyp2f1_derivative", 1, 0, 0, 0, 0.5, 0.5, 1.5, 1.25)))


def test_parameters_and_start_may_be_pairs_and_powers_of_two() -> None:
    """1F1(a; 2; -20) with the 1e-9 of a = 1 + 1e-9 as a low part; the sum times 2^-700."""

    def definition(m: Any, z: Any) -> Any:
        return series(m, ((1.0, 1e-9),), (2.0,), (z, 0.0), 2.0**-700)

    with mpmath.workdps(40):
        exact = mpmath.hyp1f1(mpmath.mpf(1) + mpmath.mpf(1e-9), 2, -20)
        assert float(computed(definition, -20.0)) * 2.0**700 == pytest.approx(
            float(exact), rel=2e-16
        )


def test_loose_sums_of_pairs() -> None:
    found = [
        float(
            computed(
                lambda m, x, i=i: add_loosely((x, 2.0**-60), (-1.0, 2.0**-61))[i], 1.0 + 2.0**-50
            )
        )
        for i in (0, 1)
    ]
    assert sum(found) == 2.0**-50 + 1.5 * 2.0**-60


def test_poles_of_pairs() -> None:
    def definition(m: Any, x: Any, low: Any) -> Any:
        return m.where(is_pole_pair(m, (x, low)), 1.0, 0.0)

    assert computed(
        definition, np.array([-3.0, -3.0, 2.0, 0.0]), np.array([0.0, 1e-20, 0.0, 0.0])
    ).tolist() == [1, 0, 0, 1]
