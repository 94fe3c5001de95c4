"""The fused multiply-add on arrays against exact fractions."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import inf, isfinite, nan

import numpy as np
import pytest

from symgrad.ir.fused import fused
from tests import native


def rounded(exact: Fraction) -> float:
    try:
        return float(exact)
    except OverflowError:
        return inf if exact > 0 else -inf


def cases(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Operands of every size, sums that cancel to the last bits, and ties."""
    size = 4000
    a, b = rng.standard_normal((2, size))
    wide = a * 2.0 ** rng.integers(-400, 400, size)
    scale = 2.0 ** rng.integers(-300, 300, size)
    small = rng.integers(-(2**26), 2**26, (3, size)).astype(float)
    near = -(wide * b) * (1 + rng.integers(-3, 4, size) * 2.0**-52)
    ties = (small[0] * 2.0**27 + 1) * (small[1] * 2.0**26 + 1)
    return [
        (wide, b, near),
        (wide, b, rng.standard_normal(size) * scale),
        (a, b, rng.standard_normal(size) * 2.0 ** rng.integers(-120, 120, size)),
        (small[0] * 2.0**27 + 1, small[1] * 2.0**26 + 1, -ties + small[2]),
        (2.0**27 + small[0], 2.0**27 + small[1], small[2] * 2.0**30),
    ]


def test_rounded_once(rng: np.random.Generator) -> None:
    for operands in cases(rng):
        got = fused(*operands)
        for values, value in zip(zip(*operands, strict=True), got, strict=True):
            a, b, c = map(Fraction, map(float, values))
            assert float(value) == rounded(a * b + c), values


def test_the_processor_gives_the_same_bits(rng: np.random.Generator) -> None:
    """So that tests may take its instruction, which is much quicker."""
    for a, b, c in (*cases(rng), *np.array(list(product(SPECIAL, repeat=3))).T[None]):
        got, wanted = native.fused(a, b, c), fused(a, b, c)
        normal = ~(np.abs(wanted) < 2.0**-1022) | (wanted == 0)
        np.testing.assert_array_equal(got[normal], wanted[normal])
        signed = normal & ~np.isnan(wanted)
        np.testing.assert_array_equal(np.signbit(got[signed]), np.signbit(wanted[signed]))
        np.testing.assert_allclose(got[~normal], wanted[~normal], rtol=0, atol=5e-324)


SPECIAL = (0.0, -0.0, 1.0, -1.5, 1e300, -1e300, 1e-300, 5e-324, inf, -inf, nan)


def test_special_values() -> None:
    a, b, c = (g.ravel() for g in np.meshgrid(SPECIAL, SPECIAL, SPECIAL))
    got = fused(a, b, c)
    for x, y, z, value in zip(a, b, c, got, strict=True):
        with np.errstate(all="ignore"):
            plain = z if isfinite(x) and isfinite(y) and not isfinite(z) else x * y + z
        if not all(map(isfinite, (x, y, z))) or x == 0 or y == 0:
            np.testing.assert_array_equal(value, plain)
            assert np.isnan(value) or np.signbit(value) == np.signbit(plain)
        else:
            exact = rounded(Fraction(x) * Fraction(y) + Fraction(z))
            assert value == pytest.approx(exact, rel=2.0**-52, abs=5e-324), (x, y, z)


def test_shapes_are_broadcast_and_scalars_stay_scalars() -> None:
    assert fused(np.ones((3, 1)), np.ones(2), 1.0).shape == (3, 2)
    value = fused(2.0, 3.0, 4.0)
    assert np.ndim(value) == 0
    assert value == 10.0
