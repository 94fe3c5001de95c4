"""Exponentials, logarithms and gamma functions in pairs, against mpmath."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest

from symgrad.functions.special.hypergeometric.factors import (
    expm1_pair,
    gamma_ratio,
    log_near,
    log_pair,
    times_exp,
)
from tests.functions.special.measured import computed, in_ulp


def both(definition: Any, *arguments: Any) -> list[Any]:
    """high + low of a definition that returns a pair, exactly."""
    count = len(arguments)
    parts = []
    for index in (0, 1):
        if count == 1:
            parts.append(computed(lambda m, x, i=index: definition(m, x)[i], *arguments))
        else:
            parts.append(computed(lambda m, x, y, i=index: definition(m, x, y)[i], *arguments))
    return [mpmath.mpf(a) + mpmath.mpf(b) for a, b in zip(*map(np.ravel, parts), strict=True)]


def test_exponentials_and_logarithms_have_85_bits(rng: np.random.Generator, digits: int) -> None:
    x = np.concatenate([rng.uniform(-600, 600, 20), rng.normal(size=20) * 1e-9])
    low = x * 2.0**-60
    for value, high, small in zip(
        both(lambda m, a, b: expm1_pair(m, (a, b)), x, low), x.tolist(), low.tolist(), strict=True
    ):
        exact = mpmath.expm1(mpmath.mpf(high) + mpmath.mpf(small))
        assert abs(value / exact - 1) < mpmath.mpf(2) ** -85
    for bits, most, log in ((85, 0, log_pair), (60, 299, log_near)):
        x = 10.0 ** rng.uniform(-299, most, 30)
        low = x * 2.0**-60
        got = both(lambda m, a, b, log=log: log(m, (a, b)), x, low)
        for value, high, small in zip(got, x.tolist(), low.tolist(), strict=True):
            exact = mpmath.log(mpmath.mpf(high) + mpmath.mpf(small))
            assert abs(value / exact - 1) < mpmath.mpf(2) ** -bits


@pytest.mark.parametrize("x", [800.0, -800.0, 650.0, -1.5])
def test_products_with_exponentials_that_overflow(x: float, digits: int) -> None:
    factor = 2.0**-700 if x > 0 else 2.0**700
    got = float(computed(lambda m, a, b: times_exp(m, a, (b, 0.0)), factor, x))
    assert in_ulp(got, mpmath.mpf(factor) * mpmath.exp(x)) <= 2


def test_gamma_ratios(rng: np.random.Generator, digits: int) -> None:
    """Gamma(x) gamma(x + 1/4)/gamma(y): negative arguments, and the low part near a pole."""

    def ratio(m: Any, x: Any, y: Any, low: Any) -> Any:
        factor, log = gamma_ratio(m, ((x, 0.0), (x + 0.25, 0.0)), ((y, low),))
        return times_exp(m, factor, log)

    # x + 1/4 is exact in 51 bits
    x = np.rint(rng.uniform(-30, 30, 40) * 2.0**40) * 2.0**-40
    y = np.concatenate([rng.uniform(-30, 30, 30), np.arange(-4.0, 6.0)])
    low = np.where(y == np.rint(y), 1e-18, 0.0)
    got = np.ravel(computed(ratio, x, y, low)).tolist()
    for value, *point in zip(got, x.tolist(), y.tolist(), low.tolist(), strict=True):
        a, b, small = map(mpmath.mpf, point)
        expected = mpmath.gamma(a) * mpmath.gamma(a + 0.25) * mpmath.rgamma(b + small)
        assert in_ulp(value, expected) <= 8, point


def test_gamma_ratios_at_poles() -> None:
    def inverse(m: Any, x: Any) -> Any:
        factor, log = gamma_ratio(m, (), ((x, 0.0),))
        return times_exp(m, factor, log)

    assert computed(inverse, np.array([0.0, -1.0, -17.0])).tolist() == [0, 0, 0]
    assert computed(inverse, np.array([1.0, 5.0])).tolist() == pytest.approx([1, 1 / 24], rel=5e-16)
