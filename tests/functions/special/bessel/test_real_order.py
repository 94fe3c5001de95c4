"""The first two values of recurrences of real order, by each of the methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from symgrad.functions.special.bessel import real_order
from tests.functions.special.measured import computed, worst

SPECIAL_ORDERS = [0.0, 0.5, -0.5, 1e-12, -0.25]


def orders(rng: np.random.Generator, count: int) -> np.ndarray:
    return np.concatenate([SPECIAL_ORDERS, rng.uniform(-0.5, 0.5, count - len(SPECIAL_ORDERS))])


def part(method: Callable[..., Any], index: int, *rest: Any) -> Callable[..., Any]:
    return lambda m, mu, x: method(m, mu, x, *rest)[index]


def modulus(mu: Any, x: Any) -> Any:
    """Of J + i Y, which Y is measured against near its zeros."""
    return abs(mpmath.besselj(mu, x) + 1j * mpmath.bessely(mu, x))


WAVES = ((mpmath.besselj, 0), (mpmath.besselj, 1), (mpmath.bessely, 0), (mpmath.bessely, 1))
GROWTH = ((mpmath.besseli, 0), (mpmath.besseli, 1), (mpmath.besselk, 0), (mpmath.besselk, 1))


@pytest.mark.parametrize("index", range(4))
def test_far_waves(index: int, rng: np.random.Generator) -> None:
    mu, x = orders(rng, 40), np.concatenate([[25.0], rng.uniform(25, 400, 39)])
    exact, up = WAVES[index]
    got = computed(part(real_order.far_waves, index), mu, x).tolist()
    error = worst(got, lambda mu, x: exact(mu + up, x), mu, x, scale=modulus)
    assert error[0] < 3, error


@pytest.mark.parametrize("index", range(4))
def test_far_growth(index: int, rng: np.random.Generator) -> None:
    mu, x = orders(rng, 40), np.concatenate([[25.0], rng.uniform(25, 400, 39)])
    function, up = GROWTH[index]
    sign = -1 if index < 2 else 1
    got = computed(part(real_order.far_growth, index), mu, x).tolist()
    error = worst(got, lambda mu, x: function(mu + up, x) * mpmath.exp(sign * x), mu, x)
    assert error[0] < 3, error


@pytest.mark.parametrize("index", range(2))
def test_temme(index: int, rng: np.random.Generator) -> None:
    mu = orders(rng, 60)
    x = np.concatenate([rng.uniform(0, 1, 30), np.exp(rng.uniform(-300, 0, 30))])
    got = computed(part(real_order.temme, index, 1.0), mu, x).tolist()
    error = worst(got, lambda mu, x: mpmath.besselk(mu + index, x), mu, x)
    assert error[0] < 8, error
    x = 2 * x
    got = (-2 / np.pi * computed(part(real_order.temme, index, -1.0), mu, x)).tolist()
    error = worst(
        got, lambda mu, x: mpmath.bessely(mu + index, x), mu, x,
        scale=lambda mu, x: modulus(mu + index, x),
    )  # fmt: skip
    assert error[0] < 8, error


def test_wave_fraction(rng: np.random.Generator) -> None:
    mu, x = orders(rng, 40), np.concatenate([[2.0, 25.0], rng.uniform(2, 25, 38)])

    def exact(mu: Any, x: Any) -> Any:
        value = mpmath.besselj(mu, x) + 1j * mpmath.bessely(mu, x)
        slope = mpmath.besselj(mu, x, derivative=1) + 1j * mpmath.bessely(mu, x, derivative=1)
        return slope / value

    for index, side in enumerate(("real", "imag")):

        def definition(m: Any, mu: Any, x: Any, index: int = index) -> Any:
            return real_order.wave_fraction(m, mu, x, x > 0.0)[index]

        got = computed(definition, mu, x).tolist()
        error = worst(got, lambda mu, x, side=side: getattr(exact(mu, x), side), mu, x)
        assert error[0] < 3, error


@pytest.mark.parametrize("index", range(2))
def test_decay_fraction(index: int, rng: np.random.Generator) -> None:
    mu, x = orders(rng, 40), np.concatenate([[1.0, 25.0], rng.uniform(1, 25, 38)])
    got = computed(part(real_order.decay_fraction, index), mu, x).tolist()
    error = worst(got, lambda mu, x: mpmath.besselk(mu + index, x) * mpmath.exp(x), mu, x)
    assert error[0] < 4, error


@pytest.mark.parametrize("index", range(2))
def test_decay_fraction_towards_half_orders(index: int, rng: np.random.Generator) -> None:
    """It takes more than 170 terms there, whose factorials would be infinite."""
    mu, x = 0.5 - 10.0 ** rng.uniform(-9, -1, 30), rng.uniform(0.6, 1, 30)
    got = computed(part(real_order.decay_fraction, index), mu, x).tolist()
    error = worst(got, lambda mu, x: mpmath.besselk(mu + index, x) * mpmath.exp(x), mu, x)
    assert error[0] < 4, error
