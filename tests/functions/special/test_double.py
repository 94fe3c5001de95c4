"""Pairs of doubles: exact sums and products, logarithms, powers, sin(pi x), against mpmath."""

from __future__ import annotations

from math import inf
from typing import Any

import mpmath
import numpy as np
import pytest

from symgrad.functions.special import double
from tests.functions.special.measured import computed, worst


def pair(definition: Any, *arguments: Any) -> list[Any]:
    """high + low of a definition that returns a pair, exactly."""
    high = computed(_part(definition, 0, len(arguments)), *arguments)
    low = computed(_part(definition, 1, len(arguments)), *arguments)
    return [mpmath.mpf(a) + mpmath.mpf(b) for a, b in zip(high.tolist(), low.tolist(), strict=True)]


def _part(definition: Any, index: int, arity: int) -> Any:
    if arity == 1:
        return lambda m, a: definition(m, a)[index]
    return lambda m, a, b: definition(m, a, b)[index]


def test_sums_and_products_are_exact(rng: np.random.Generator, digits: int) -> None:
    a, b = rng.normal(size=(2, 50)) * 10.0 ** rng.uniform(-8, 8, (2, 50))
    with mpmath.workdps(70):
        exact = [
            (mpmath.mpf(x), mpmath.mpf(y)) for x, y in zip(a.tolist(), b.tolist(), strict=True)
        ]
        assert pair(lambda m, x, y: double.two_sum(x, y), a, b) == [x + y for x, y in exact]
        assert pair(double.two_product, a, b) == [x * y for x, y in exact]


def test_quotients_of_pairs(rng: np.random.Generator, digits: int) -> None:
    a, b = rng.uniform(0.5, 2, (2, 50))
    got = pair(lambda m, x, y: double.divide_pairs(m, (x, 0.0), (y, 0.0)), a, b)
    for value, x, y in zip(got, a.tolist(), b.tolist(), strict=True):
        assert abs(value * mpmath.mpf(y) / mpmath.mpf(x) - 1) < mpmath.mpf(2) ** -100


def test_logarithms_have_64_bits(rng: np.random.Generator, digits: int) -> None:
    points = np.concatenate([2.0 ** rng.uniform(-1074, 1023, 60), rng.uniform(0.5, 2, 60)])
    for value, x in zip(pair(double.log_double, points), points.tolist(), strict=True):
        assert abs(value / mpmath.log(mpmath.mpf(x)) - 1) < mpmath.mpf(2) ** -63


def test_exponentials_of_pairs(rng: np.random.Generator) -> None:
    high = rng.uniform(-700, 700, 200)
    low = high * rng.uniform(-1, 1, 200) * 2.0**-53
    got = computed(double.exp_double, high, low).tolist()
    assert worst(got, lambda x, y: mpmath.exp(x + y), high, low)[0] < 1.6
    assert computed(double.exp_double, [inf, -inf], 0.0).tolist() == [inf, 0.0]


def test_sine_and_cosine_of_multiples_of_pi(rng: np.random.Generator) -> None:
    near = rng.integers(-500, 500, 100) / 2 + rng.uniform(-1, 1, 100) * 10.0 ** rng.uniform(
        -15, 0, 100
    )
    points = np.concatenate([near, rng.uniform(-3, 3, 100)])
    assert worst(computed(double.sin_pi, points).tolist(), mpmath.sinpi, points)[0] < 1.3
    assert worst(computed(double.cos_pi, points).tolist(), mpmath.cospi, points)[0] < 1.3


@pytest.mark.parametrize("n", [-3.0, 0.0, 2.0, 1e15 + 1])
def test_zeros_are_exact(n: float) -> None:
    assert float(computed(double.sin_pi, [n])[0]) == 0.0
    assert abs(float(computed(double.cos_pi, [n])[0])) == 1.0
    if abs(n) < 1e10:
        assert float(computed(double.cos_pi, [n + 0.5])[0]) == 0.0
