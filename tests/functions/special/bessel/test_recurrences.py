"""Recurrences: they round as pairs do, stop where they are told, and survive overflow."""

from __future__ import annotations

from math import inf
from typing import Any

import mpmath
import numpy as np
import pytest

from symgrad.functions.special.bessel.recurrences import (
    Difference,
    downward,
    downward_sum,
    exactly_one,
    halved,
    upward,
    upward_sum,
)
from tests.functions.special.measured import computed, in_ulp


def test_going_up_keeps_the_digits_of_the_first_two() -> None:
    """Y_200(30) from Y_0 and Y_1 as doubles: exact but for the last rounding."""

    def definition(m: Any, first: Any, second: Any) -> Any:
        return upward(m, 200.0, 30.0 + 0.0 * first, first, second, -1.0, 1.0)

    first, second = float(mpmath.bessely(0, 30)), float(mpmath.bessely(1, 30))
    got = computed(definition, [first], [second])
    with mpmath.workdps(60):
        below, here = mpmath.mpf(first), mpmath.mpf(second)
        for k in range(1, 200):
            below, here = here, mpmath.mpf(2 * k) / 30 * here - below
        assert in_ulp(float(got[0]), here) <= 0.51


def test_a_shift_that_is_no_double_multiple_loses_nothing() -> None:
    def definition(m: Any, first: Any, x: Any) -> Any:
        return upward(m, 150.0, x, first, 2.0 * first, 1.0, 1.0, 0.3)

    (got,) = computed(definition, [0.7], [12.3])
    with mpmath.workdps(60):
        below, here = mpmath.mpf(0.7), 2 * mpmath.mpf(0.7)
        for k in range(1, 150):
            below, here = here, 2 * (k + mpmath.mpf(0.3)) / mpmath.mpf(12.3) * here + below
        assert in_ulp(float(got), here) <= 0.51


def test_each_point_stops_at_its_own_order() -> None:
    counts = np.array([0.0, 1.0, 2.0, 7.0, 5.0])

    def definition(m: Any, count: Any) -> Any:
        return upward(m, count, 2.0 + 0.0 * count, 1.0 + 0.0 * count, 1.0 + 0.0 * count, 0.0, 1.0)

    assert computed(definition, counts).tolist() == [1.0, 1.0, 1.0, 720.0, 24.0]


def test_an_overflow_stays_an_infinity() -> None:
    def definition(m: Any, x: Any) -> Any:
        return upward(m, 50.0, x, -1.0 + 0.0 * x, -2.0 + 0.0 * x, -1.0, 1.0)

    assert computed(definition, [1e-200, 5e-324, 1e-20]).tolist() == [-inf, -inf, -inf]


def test_going_down_finds_the_solution_that_vanishes() -> None:
    """J_12(x)/J_0(x), from the order 60 on, where 2 k/x is up to 1e102 too."""
    points = np.array([1e-30, 1e-3, 1.0, 8.0, 20.0])

    def definition(m: Any, x: Any) -> Any:
        found, first, _ = downward(m, 12.0, 60.0, x, -1.0)
        return found / first

    got = computed(definition, points[1:])
    for value, x in zip(got.tolist(), points[1:].tolist(), strict=True):
        assert in_ulp(value, mpmath.besselj(12, x) / mpmath.besselj(0, x)) < 3
    assert computed(definition, points[:1]).tolist() == [0.0]


def test_exactly_one() -> None:
    def definition(m: Any, a: Any, b: Any) -> Any:
        return m.where(exactly_one(a > 0.0, b > 0.0), 1.0, 0.0)

    assert computed(definition, [1, 1, -1, -1], [1, -1, 1, -1]).tolist() == [0.0, 1.0, 1.0, 0.0]


def test_sums_over_orders_are_derivatives() -> None:
    """Of J up and down, with orders below 0, and of exp(-x) I."""
    points = np.array([1e-30, 0.7, 3.0])

    def down(m: Any, x: Any) -> Any:
        total, first, _ = downward_sum(m, Difference(3.0, 2.0, -1.0), 1.0, 60.0, x, -1.0)
        return total / first * halved(m, 3.0)

    def up(m: Any, x: Any) -> Any:
        first, second = (m.besselj0(x), 0.0), (m.besselj1(x), 0.0)
        return upward_sum(m, Difference(2.0, 2.0, -1.0), 1.0, x, first, second, -1.0, 1.0) / 4.0

    def scaled(m: Any, x: Any) -> Any:
        total, first, _ = downward_sum(m, Difference(1.0, 1.0, -1.0), 0.0, 60.0, x, 1.0)
        return total / first / 2.0

    got = computed(down, points)
    for value, x in zip(got.tolist(), points.tolist(), strict=True):
        exact = mpmath.diff(lambda t: mpmath.besselj(1, t), x, 3) / mpmath.besselj(0, x)
        assert value == pytest.approx(float(exact), rel=1e-11)
    got = computed(up, points[1:])
    for value, x in zip(got.tolist(), points[1:].tolist(), strict=True):
        exact = mpmath.diff(lambda t: mpmath.besselj(1, t), x, 2)
        assert value == pytest.approx(float(exact), rel=1e-11)
    got = computed(scaled, points)
    for value, x in zip(got.tolist(), points.tolist(), strict=True):
        with mpmath.workdps(30):
            exact = mpmath.besseli(1, x) / mpmath.besseli(0, x) - 1
        assert in_ulp(value, exact) < 3
