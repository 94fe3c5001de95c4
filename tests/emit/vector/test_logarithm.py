"""Logarithms: the polynomials, the splitting of constants, exact values, log1p near its zero."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from symgrad.emit.vector import logarithm
from symgrad.emit.vector.lanes import Lanes
from symgrad.emit.vector.logarithm import (
    BINARY,
    DECIMAL,
    LN2_SHORT,
    LOG_POLYNOMIAL,
    LOG_POLYNOMIAL_SINGLE,
    NATURAL,
)
from tests.emit.vector.arguments_logarithmic import logarithm_of_one_plus
from tests.emit.vector.fitted_anew import assert_computed_anew, bits_left
from tests.emit.vector.measured import compiled, same_bits

DIGITS = {"float64": 53, "float32": 24}
BASES = [(NATURAL, mpmath.e), (BINARY, 2), (DECIMAL, 10)]


def sum_and_rest(lanes: Lanes, a: object, b: object) -> object:
    """The pair that ``two_sum`` gives."""
    return lanes.pair(*logarithm.two_sum(lanes, a, b))


def test_the_polynomial_keeps_its_stated_error() -> None:
    with mpmath.workdps(50):
        exact = [mpmath.mpf(value) for value in reversed(LOG_POLYNOMIAL)]
        end = 3 - mpmath.sqrt(8)
        points = [end * mpmath.mpf(place) / 400 for place in range(-400, 401) if place]
        errors = [
            (2 * s + s**3 * mpmath.polyval(exact, s**2)) / mpmath.log((1 + s) / (1 - s)) - 1
            for s in points
        ]
        assert max(map(abs, errors)) < mpmath.mpf(2) ** -59.4


def test_the_polynomial_in_float32_can_be_computed_anew() -> None:
    key = ("one plus", "float32")
    assert_computed_anew(key, (-0.5, *LOG_POLYNOMIAL_SINGLE))
    assert bits_left(key, (-0.5, *LOG_POLYNOMIAL_SINGLE)) > 30.2


def test_ln_2_is_split_as_near_as_can_be() -> None:
    with mpmath.workdps(60):
        assert abs(sum(map(mpmath.mpf, LN2_SHORT)) - mpmath.log(2)) < mpmath.mpf(2) ** -97
    assert (LN2_SHORT[0] * 2.0**42).is_integer()


@pytest.mark.parametrize(("dtype", "largest"), [("float64", 1075), ("float32", 150)])
def test_constants_of_every_base_are_split(dtype: str, largest: int) -> None:
    digits = DIGITS[dtype]
    for bases, base in BASES:
        two, factor = bases[dtype]
        with mpmath.workdps(60):
            exact = mpmath.log(2) / mpmath.log(base)
            assert abs(sum(map(mpmath.mpf, two)) / exact - 1) < mpmath.mpf(2) ** -(2 * digits - 11)
            exact = 1 / mpmath.log(base)
            assert abs(sum(map(mpmath.mpf, factor)) / exact - 1) < mpmath.mpf(2) ** -(2 * digits)
        # Every k times the first part is exact.
        numerator, _ = (largest * two[0]).as_integer_ratio()
        assert numerator.bit_length() <= digits


@pytest.mark.parametrize(
    ("name", "base", "dtype", "last"),
    [("log2", 2.0, "float64", 1023), ("log2", 2.0, "float32", 127),
     ("log10", 10.0, "float64", 22), ("log10", 10.0, "float32", 10)],
)  # fmt: skip
def test_powers_of_the_base_have_exact_logarithms(
    name: str, base: float, dtype: str, last: int
) -> None:
    exponents = np.arange(last + 1).astype(dtype)
    x = np.array([base**n for n in range(last + 1)], dtype)
    assert np.array_equal(compiled(getattr(logarithm, name), 8, dtype)(x), exponents)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_small_arguments_of_log1p_are_their_own_values(dtype: str) -> None:
    layout = np.finfo(dtype)
    x = np.ldexp(np.array([1.0, -1.5, 1.25]), np.arange(-140, -54)[:, None]).ravel()
    x = np.concatenate([x, [layout.smallest_subnormal, -0.0, 0.0, layout.tiny]]).astype(dtype)
    assert same_bits(compiled(logarithm.log1p, 8, dtype)(x), x).all()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_sum_and_its_rest_are_exact(dtype: str) -> None:
    x = logarithm_of_one_plus(dtype).astype(dtype)
    total, rest = compiled(sum_and_rest, 8, dtype, arity=2, results=2)(np.ones_like(x), x)
    with mpmath.workprec(2200):
        for argument, *parts in zip(x.tolist(), total.tolist(), rest.tolist(), strict=True):
            assert sum(map(mpmath.mpf, parts)) == 1 + mpmath.mpf(argument)
