"""pow by tables in registers."""

from __future__ import annotations

import mpmath
import numpy as np

from benchmarks.coefficients.logarithm import power_rests, power_table
from symgrad.emit.vector import lookup_power
from symgrad.emit.vector.lanes import Lanes
from tests.emit.vector.by_lookup import (
    arguments,
    assert_accurate,
    assert_lanes_apart,
    assert_preferred,
    assert_special_values,
    needs_tables,
)
from tests.emit.vector.fitted_anew import assert_computed_anew, bits_left
from tests.emit.vector.measured import compiled

KEY = ("pow", "float64")


def logarithm_pair(lanes: Lanes, x: object) -> object:
    """The logarithm as a pair of numbers."""
    return lanes.pair(*lookup_power._logarithm(lanes, x))


@needs_tables
def test_within_the_stated_error() -> None:
    assert_preferred(KEY, lookup_power.pow)
    assert_accurate(KEY, lookup_power.pow, 0.81)


@needs_tables
def test_special_values_and_lanes() -> None:
    assert_special_values(KEY, lookup_power.pow)
    assert_lanes_apart(KEY, lookup_power.pow)


@needs_tables
def test_the_logarithm_is_good_to_65_bits() -> None:
    x = arguments(KEY)[0]
    x = x[(x > 0.0) & (x != 1.0)]
    x = np.concatenate([x, np.random.default_rng(308).uniform(0.7, 1.5, 1000)])
    high, low = compiled(logarithm_pair, 8, results=2)(x)
    with mpmath.workdps(50):
        for argument, *parts in zip(x.tolist(), high.tolist(), low.tolist(), strict=True):
            error = sum(map(mpmath.mpf, parts)) / mpmath.log(argument) - 1
            assert abs(error) < mpmath.mpf(2) ** -65.0, argument


def test_the_table_and_the_polynomial_can_be_computed_anew() -> None:
    assert tuple(map(tuple, power_table())) == lookup_power.LOGARITHMS
    name = ("lookup pow", "float64")
    assert_computed_anew(name, lookup_power.POLYNOMIAL)
    assert bits_left(name, lookup_power.POLYNOMIAL) > 68.3


def test_the_exponential_finds_its_multiple_of_a_sixteenth() -> None:
    # The rest beside y log x is limited to 1: it is r^3/3 and less, times |y log x|/r at most.
    low, high = power_rests()
    assert max(-low, high) ** 2 / 3 * 746 < 0.125
