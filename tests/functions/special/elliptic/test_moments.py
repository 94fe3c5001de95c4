"""Moments of the elliptic integrals: errors in ulp, steep integrands, ends, orders."""

from __future__ import annotations

from math import isnan, pi
from typing import Any

import mpmath
import numpy as np
import pytest

from symgrad.functions import PRIMITIVES
from tests.functions.special.measured import in_ulp, values, worst_of_row


@pytest.mark.parametrize("orders", [(1, 1, 1), (1, 0, 2), (2, 2, 0), (3, 3, 0), (2, 1, 1)])
def test_moments(orders: tuple[int, int, int], rng: np.random.Generator) -> None:
    n, m = rng.uniform(-2, 0.7, 6), rng.uniform(-2, 0.8, 6)
    error, point = worst_of_row("elliptic_moment", *orders, n, rng.uniform(-1.5, 1.5, 6), m)
    assert error <= PRIMITIVES["elliptic_moment"].ulp, f"{orders} at {point}: {error} ulp"


@pytest.mark.parametrize("orders", [(2, 2, 0), (1, 1, 1), (2, 0, 2)])
def test_moments_of_parameters_beyond_1(
    orders: tuple[int, int, int], rng: np.random.Generator
) -> None:
    """Where 1 - m sin^2 or 1 - n sin^2 is nearly 0 at the end, and only there."""
    phi = rng.uniform(0.1, 1.5, 6)
    n, m = (rng.uniform(0.1, 0.99, (2, 6)) / np.sin(phi) ** 2) * rng.integers(0, 2, (2, 6))
    error, point = worst_of_row("elliptic_moment", *orders, n, phi, m)
    assert error <= PRIMITIVES["elliptic_moment"].ulp, f"{orders} at {point}: {error} ulp"


@pytest.mark.parametrize(
    ("orders", "n", "phi", "m"),
    [
        # steep at 0, at pi/2, at both ends, and whole periods
        ((1, 0, 2), -846.5986870550587, 1.5, -1e4), ((2, 2, 0), 0.0, 0.3, -7e4),
        ((1, 1, 1), 0.9999, 1.55, 0.99), ((2, 2, 0), 0.0, 4.0, 1 - 1e-6),
        ((1, 0, 2), 0.999, 1.5, -1e4), ((1, 1, 1), -100.0, -1.0, -30.0),
    ],
)  # fmt: skip
def test_moments_that_are_steep(
    orders: tuple[int, int, int], n: float, phi: float, m: float
) -> None:
    a, b, c = orders

    def integrand(t: Any) -> Any:
        s = mpmath.sin(t) ** 2
        return s**a * (1 - m * s) ** (-b - mpmath.mpf(0.5)) * (1 - n * s) ** -c

    with mpmath.workdps(25):
        end, low = mpmath.mpf(abs(phi)), [mpmath.mpf(10) ** -k for k in range(6, -1, -1)]
        middle = mpmath.pi / 2
        inside = [0, *low, *(middle - x for x in reversed(low)), middle]
        inside += [middle + x for x in low] + [2 * middle - x for x in reversed(low)] + [2 * middle]
        expected = mpmath.quad(integrand, [*(x for x in inside if x < end), end])
        got = float(values("elliptic_moment", *orders, n, abs(phi), m))
        assert in_ulp(got, expected) <= PRIMITIVES["elliptic_moment"].ulp
    assert float(values("elliptic_moment", *orders, n, -abs(phi), m)) == -got


def test_moments_of_small_angles() -> None:
    got = float(values("elliptic_moment", 2.0, 1.0, 1.0, -5.0, 1e-9, 0.5))
    assert got == pytest.approx(1e-45 / 5, rel=2e-15)


def test_moments_take_orders_up_to_15() -> None:
    """The integral of sin^30 to pi/2 is pi/2 times the product of (2 k - 1)/(2 k), k <= 15."""
    expected = 0.5 * pi * float(mpmath.fprod((2 * k - 1) / mpmath.mpf(2 * k) for k in range(1, 16)))
    got = float(values("elliptic_moment", 15, 0, 0, 0.0, 0.5 * pi, 0.0))
    assert got == pytest.approx(expected, rel=2e-15)
    for orders in ((16, 0, 0), (0, 16, 0), (0, 0, 16), (-1, 0, 0)):
        assert isnan(values("elliptic_moment", *orders, 0.0, 1.0, 0.0))


@pytest.mark.parametrize("orders", [(1, 1, 1), (1, 0, 2), (2, 2, 0), (2, 0, 3)])
def test_complete_moments(orders: tuple[int, int, int], rng: np.random.Generator) -> None:
    n, m = rng.uniform(-2, 0.7, 4), rng.uniform(-2, 0.8, 4)
    error, point = worst_of_row("elliptic_moment_complete", *orders, n, m)
    assert error <= 6, f"{orders} at {point}: {error} ulp"


def test_complete_moments_end_at_1() -> None:
    for n, m in ((1.0, 0.5), (0.5, 1.0), (2.0, 0.5)):
        assert isnan(values("elliptic_moment_complete", 1.0, 1.0, 1.0, n, m))
    assert isnan(values("elliptic_moment_complete", 16.0, 1.0, 1.0, 0.5, 0.5))


@pytest.mark.parametrize("orders", [(2, 2, 0), (2, 1, 0), (3, 3, 0)])
def test_the_rounding_of_a_small_angle_does_not_grow(
    orders: tuple[int, int, int], rng: np.random.Generator
) -> None:
    """The moment goes with the fifth or seventh power of the angle."""
    phi, m = 10 ** rng.uniform(-3, -0.3, 12), rng.uniform(-3, 0.8, 12)
    error, point = worst_of_row("elliptic_moment", *orders, 0.0, phi, m)
    assert error <= 6, f"{orders} at {point}: {error} ulp"
