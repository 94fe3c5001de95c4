"""Multiples of pi/2 taken away: the constants, and the rest at the hardest arguments."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from llvmlite import ir

from symgrad.emit.vector import reduction
from symgrad.emit.vector.lanes import FORMATS, Lanes
from symgrad.emit.vector.reduction import LIMITS, of_rest
from tests.emit.vector.arguments_trigonometric import (
    DIGITS,
    SUBNORMAL,
    nearest_to_multiples_of_half_pi,
    trigonometric_points,
)
from tests.emit.vector.measured import HIGHEST, INF, NAN, compiled, powers, same_bits

MORE = {"float64": 13, "float32": 3}
"""Binary digits that the rest has at least beyond those of a number."""


def rest(lanes: Lanes, x: ir.Value) -> ir.Value:
    """(r, t)."""
    return lanes.pair(*of_rest(lanes, x, "rest", lambda _lanes, _x, _n, r, t: [r, t]))


def quarters(lanes: Lanes, x: ir.Value) -> ir.Value:
    """n modulo 4 as a number."""

    def number(inner: Lanes, _x: ir.Value, n: ir.Value, *_: ir.Value) -> list[ir.Value]:
        return [inner.builder.uitofp(inner.builder.and_(n, inner.bits(3)), inner.real)]

    return of_rest(lanes, x, "quarters", number)[0]


@pytest.mark.parametrize("width", [2, 8])
@pytest.mark.parametrize("dtype", FORMATS)
def test_the_rest_has_some_digits_more_than_a_number(dtype: str, width: int) -> None:
    x = np.abs(np.asarray(trigonometric_points(dtype), dtype))
    x = x[x > 1e-3]
    first, second = compiled(rest, width, dtype, results=2)(x)
    numbers = compiled(quarters, width, dtype)(x)
    bits = FORMATS[dtype].fraction_bits + 1
    with mpmath.workdps(DIGITS[dtype]):
        for value, r, t, n in zip(*(a.tolist() for a in (x, first, second, numbers)), strict=True):
            whole = int(mpmath.nint(2 * mpmath.mpf(value) / mpmath.pi))
            exact = mpmath.mpf(value) - whole * mpmath.pi / 2
            if abs(abs(exact) - mpmath.pi / 4) < mpmath.mpf(2) ** -bits * value:
                continue  # between two quarters, either will do
            assert n == whole % 4, value
            assert abs(r + mpmath.mpf(t) - exact) < mpmath.mpf(2) ** -(bits + MORE[dtype]) * abs(
                exact
            ), value
            assert abs(r) < 0.7855


@pytest.mark.parametrize("dtype", FORMATS)
def test_infinity_and_nan_leave_nan(dtype: str) -> None:
    first, _ = compiled(rest, 4, dtype, results=2)(np.array([INF, 1.0, NAN, 3e38], dtype))
    assert np.isnan(first).tolist() == [True, False, True, False]


@pytest.mark.parametrize("dtype", FORMATS)
def test_any_number_beside_a_huge_one(dtype: str) -> None:
    rng = np.random.default_rng(127)
    low, high = SUBNORMAL[dtype][0], np.log2(LIMITS[dtype])
    x = np.concatenate([powers(rng, low, high, 199), [0.0]]).astype(dtype)
    alone = compiled(rest, 4, dtype, results=2)(x)
    pairs = np.stack([x, np.full(200, HIGHEST[dtype], dtype)], axis=1).ravel()
    beside = compiled(rest, 4, dtype, results=2)(pairs)
    for one, other in zip(alone, beside, strict=True):
        assert same_bits(one, other[::2]).all()


@pytest.mark.parametrize(("dtype", "nearest"), [("float64", -58), ("float32", -26)])
def test_the_hard_arguments_are_really_near(dtype: str, nearest: int) -> None:
    x = nearest_to_multiples_of_half_pi(dtype, range(int(np.log2(LIMITS[dtype]))))
    with mpmath.workdps(60):
        distances = [abs(mpmath.sin(2 * mpmath.mpf(value))) for value in x.tolist()]
        assert min(distances) < mpmath.mpf(2) ** nearest


@pytest.mark.parametrize(("dtype", "bits"), [("float64", 141.7), ("float32", 63.3)])
def test_half_pi_in_three_parts(dtype: str, bits: float) -> None:
    parts = reduction.HALF_PI[dtype]
    with mpmath.workdps(60):
        half_pi = sum(map(mpmath.mpf, parts))
        assert abs(half_pi - mpmath.pi / 2) < mpmath.mpf(2) ** -bits
        factor = mpmath.mpf(reduction.TWO_OVER_PI[dtype]) * mpmath.pi / 2
        assert abs(factor - 1) < mpmath.mpf(2) ** -FORMATS[dtype].fraction_bits
    # n*P1 has no more digits than a number.
    largest = int(LIMITS[dtype] * reduction.TWO_OVER_PI[dtype]) + 1
    digits = abs(Fraction(parts[1]).numerator) * largest
    assert digits < 2 ** (FORMATS[dtype].fraction_bits + 1)


def test_the_digits_of_two_over_pi() -> None:
    with mpmath.workprec(reduction.DIGITS + 60):
        exact = int(mpmath.floor(mpmath.ldexp(2 / mpmath.pi, reduction.DIGITS)))
    assert exact == reduction.TWO_OVER_PI_DIGITS
