"""hypot: powers of two, the approximation of 1/(2 sqrt(s)), both ways give the same bits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from llvmlite import ir

from symgrad.emit.vector import hypot
from symgrad.emit.vector.lanes import FORMATS, Lanes
from tests.emit.vector.measured import HIGHEST, INF, NAN, TINY, compiled, powers, same_bits


def apart(lanes: Lanes, x: ir.Value) -> ir.Value:
    """(1/p, p) of ``power_apart``."""
    return lanes.pair(*hypot.power_apart(lanes, lanes.as_bits(x)))


def scaled(lanes: Lanes, x: ir.Value, y: ir.Value) -> ir.Value:
    """hypot by powers of two always."""
    return hypot._of_any_size(lanes, x, y)[0]


@pytest.mark.parametrize("dtype", FORMATS)
def test_powers_of_two_bring_numbers_between_2_and_4(dtype: str) -> None:
    rng = np.random.default_rng(121)
    bias = FORMATS[dtype].bias
    ordinary = powers(rng, 2 - bias, bias + 0.9, 500).astype(dtype)
    inverse, power = compiled(apart, 4, dtype, results=2)(ordinary)
    assert (inverse * power == 1).all()
    assert ((ordinary * inverse >= 2) & (ordinary * inverse < 4)).all()
    small = np.array([0.0, TINY[dtype], 2.0**-bias], dtype)
    inverse, power = compiled(apart, 4, dtype, results=2)(small)
    assert (inverse * power == 1).all()
    assert (small * inverse <= 2).all()
    assert (small * inverse * power == small).all()
    endless, _ = compiled(apart, 4, dtype, results=2)(np.array([INF, NAN], dtype))
    assert endless.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("dtype", FORMATS)
def test_half_of_one_over_a_root(dtype: str) -> None:
    body: Callable[..., ir.Value] = hypot.half_of_one_over_root
    x = powers(np.random.default_rng(122), -90.0, 90.0, 4000).astype(dtype)
    got = compiled(body, 4, dtype)(x).astype(float)
    assert np.abs(2 * got * np.sqrt(x.astype(float)) - 1).max() < 0.0345
    assert np.isfinite(compiled(body, 4, dtype)(np.zeros(1, dtype))).all()


@pytest.mark.parametrize("dtype", FORMATS)
def test_both_ways_give_the_same_bits(dtype: str) -> None:
    rng = np.random.default_rng(123)
    low, high = hypot.ORDINARY[dtype]
    x = powers(rng, np.log2(low), np.log2(high), 2000).astype(dtype)
    y = (x * powers(rng, -30.0, 2.0, 2000)).astype(dtype)
    usual = compiled(hypot.hypot, 4, dtype, arity=2)(x, y)
    assert same_bits(usual, compiled(scaled, 4, dtype, arity=2)(x, y)).all()


@pytest.mark.parametrize("dtype", FORMATS)
def test_squares_of_ordinary_numbers_lose_nothing(dtype: str) -> None:
    layout = FORMATS[dtype]
    low, high = hypot.ORDINARY[dtype]
    assert 2 * high**2 < HIGHEST[dtype]
    # The rounding error of a square is a multiple of the square of the last place.
    assert np.log2(low) * 2 - 2 * layout.fraction_bits >= 1 - layout.bias - layout.fraction_bits
