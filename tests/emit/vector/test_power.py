"""pow: its polynomial, the two parts of its logarithm, exact powers, signs."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from symgrad.emit.vector import power
from symgrad.emit.vector.lanes import Lanes
from tests.emit.vector.arguments_logarithmic import POINTS
from tests.emit.vector.fitted_anew import assert_computed_anew, bits_left
from tests.emit.vector.measured import compiled, same_bits


def logarithm_pair(lanes: Lanes, x: object) -> object:
    """The logarithm as a pair of numbers."""
    return lanes.pair(*power._logarithm(lanes, x))


@pytest.mark.parametrize(("dtype", "bits"), [("float64", 73.4), ("float32", 36.7)])
def test_the_polynomial_can_be_computed_anew(dtype: str, bits: float) -> None:
    present = power.POWER_POLYNOMIAL[dtype]
    assert_computed_anew(("power", dtype), present)
    assert bits_left(("power", dtype), present) > bits


def test_two_thirds_are_split_as_near_as_can_be() -> None:
    with mpmath.workdps(60):
        for dtype, bits in (("float64", 107), ("float32", 49)):
            exact = sum(map(mpmath.mpf, power.TWO_THIRDS[dtype]))
            assert abs(exact - mpmath.mpf(2) / 3) < mpmath.mpf(2) ** -bits


@pytest.mark.parametrize(("dtype", "bits"), [("float64", 65.5), ("float32", 35.5)])
def test_the_logarithm_has_the_bits_that_a_large_exponent_needs(dtype: str, bits: float) -> None:
    x = POINTS["pow", dtype]()[0].astype(dtype)
    x = x[(x > 0.0) & (x != 1.0)]
    x = np.concatenate([x, np.random.default_rng(309).uniform(0.7, 1.42, 1000).astype(dtype)])
    high, low = compiled(logarithm_pair, 8, dtype, results=2)(x)
    with mpmath.workdps(50):
        for argument, *parts in zip(x.tolist(), high.tolist(), low.tolist(), strict=True):
            error = sum(map(mpmath.mpf, parts)) / mpmath.log(argument) - 1
            assert abs(error) < mpmath.mpf(2) ** -bits, argument


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_powers_that_are_numbers_are_exact(dtype: str) -> None:
    largest = 2.0 ** np.finfo(dtype).nmant
    rows = [
        (float(sign * x), float(y), float((sign * x) ** y))
        for x in range(1, 100)
        for y in range(1, 20)
        for sign in (1, -1)
        if x**y < largest
    ]
    x, y, expected = (np.array(column, dtype) for column in zip(*rows, strict=True))
    function = compiled(power.pow, 8, dtype, arity=2)
    assert same_bits(function(x, y), expected).all()
    roots = np.arange(1.0, 1000.0).astype(dtype)
    assert np.array_equal(function(roots * roots, np.full_like(roots, 0.5)), roots)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_special_values_are_those_of_the_c_library(dtype: str) -> None:
    tiny = np.finfo(dtype).smallest_subnormal
    edge = 2.0 ** np.finfo(dtype).nmant
    sizes = [0.0, tiny, 0.5, 1.0, 1.5, 2.0, 3.0, edge / 2 + 0.5, edge - 1.0, edge, edge + 1.0,
             2 * edge - 1.0, 2 * edge, 4 * edge, np.finfo(dtype).max, np.inf, np.nan]  # fmt: skip
    values = np.array([*sizes, *(-size for size in sizes)], dtype)
    x, y = (grid.ravel() for grid in np.meshgrid(values, values))
    with np.errstate(all="ignore"):
        expected = np.power(x, y)
    got = compiled(power.pow, 8, dtype, arity=2)(x, y)
    ordinary = np.isfinite(expected) & (expected != 0.0)
    assert same_bits(got, expected)[~ordinary].all()
    np.testing.assert_array_max_ulp(got[ordinary], expected[ordinary], maxulp=1)
