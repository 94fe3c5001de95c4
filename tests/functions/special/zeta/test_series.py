"""The power series of zeta, gamma and the reflection, against Taylor's coefficients by mpmath."""

from __future__ import annotations

import mpmath
import pytest

from symgrad.functions.special.zeta.series import (
    HIGHEST,
    gamma_series,
    product,
    reflected_series,
    zeta_series,
)
from tests.functions.special.measured import computed


@pytest.mark.parametrize("order", range(HIGHEST + 1))
@pytest.mark.parametrize("at", [1.5, 2.0, 7.25, 40.0])
def test_zeta(order: int, at: float) -> None:
    exact = mpmath.zeta(at, 1, order) / mpmath.factorial(order)
    got = float(computed(lambda m, s: zeta_series(m, s)[order], at))
    assert got == pytest.approx(float(exact), rel=2e-15)


@pytest.mark.parametrize("order", range(HIGHEST + 1))
@pytest.mark.parametrize("at", [2.0, 3.5, 60.0])
def test_gamma(order: int, at: float) -> None:
    """Of gamma(x + e) (2 pi)^-e/gamma(x)."""
    with mpmath.workdps(40):
        exact = mpmath.taylor(
            lambda e: mpmath.gammaprod([at + e], [at]) * (2 * mpmath.pi) ** -e, 0, order
        )[order]
    got = float(computed(lambda m, x: gamma_series(m, x)[order], at))
    assert got == pytest.approx(float(exact), rel=1e-14, abs=1e-15)


@pytest.mark.parametrize("order", range(HIGHEST + 1))
def test_reflection(order: int) -> None:
    exact = mpmath.zeta(-5.5, 1, order) / mpmath.factorial(order)
    got = float(computed(lambda m, s: reflected_series(m, s, zeta_series(m, 1 - s))[order], -5.5))
    assert got == pytest.approx(float(exact), rel=2e-14)


def test_product_ends_at_the_highest_order() -> None:
    """(1 + e)^2 (1 - e)^2 = 1 - 2 e^2 + e^4, and higher terms of what is given are not there."""
    found = [
        float(computed(lambda m, x, n=n: product(m, [1, 2, x, 0, 0], [1, -2, x, 0, 0])[n], 1.0))
        for n in range(HIGHEST + 1)
    ]
    assert found == [1.0, 0.0, -2.0, 0.0, 1.0]
