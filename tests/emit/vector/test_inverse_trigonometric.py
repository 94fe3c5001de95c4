"""atan, atan2, asin and acos: the polynomials, pi/4 in two parts, what atan2 shares with atan."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from llvmlite import ir

from benchmarks.coefficients.trigonometric import FORMS, fit
from symgrad.emit.vector import inverse_trigonometric as inverse
from symgrad.emit.vector.lanes import FORMATS, Lanes
from tests.emit.vector.arguments_trigonometric import arc_tangent_points
from tests.emit.vector.measured import compiled, powers, same_bits, signed
from tests.emit.vector.test_sincos import relative_error

BITS = {
    ("atan", "float64"): 57.7,
    ("atan", "float32"): 31.7,
    ("asin", "float64"): 55.8,
    ("asin", "float32"): 27.6,
}


def nearly_inverse(lanes: Lanes, x: ir.Value) -> ir.Value:
    """1/x by the difference of bits."""
    magic = lanes.bits(inverse.INVERSE_MAGIC[lanes.dtype])
    return lanes.as_real(lanes.builder.sub(magic, lanes.as_bits(x)))


def of_any_point(lanes: Lanes, y: ir.Value, x: ir.Value) -> ir.Value:
    """atan2 by powers of two always."""
    return inverse._of_any_point(lanes, y, x)[0]


@pytest.mark.parametrize("key", BITS)
def test_polynomials_keep_their_stated_error(key: tuple[str, str]) -> None:
    assert relative_error(*key) < mpmath.mpf(2) ** -BITS[key]


@pytest.mark.parametrize("key", [("atan", "float32"), ("asin", "float32")])
def test_polynomials_can_be_computed_anew(key: tuple[str, str]) -> None:
    coefficients, error = fit(*key)
    assert coefficients == FORMS[key[0]].present[key[1]]
    assert error < mpmath.mpf(2) ** -BITS[key]


@pytest.mark.parametrize(("dtype", "bits"), [("float64", 110.0), ("float32", 50.0)])
def test_quarter_pi_in_two_parts(dtype: str, bits: float) -> None:
    with mpmath.workdps(60):
        exact = sum(map(mpmath.mpf, inverse.QUARTER_PI[dtype]))
        assert abs(exact - mpmath.pi / 4) < mpmath.mpf(2) ** -bits


@pytest.mark.parametrize("dtype", FORMATS)
def test_the_difference_of_bits_is_nearly_the_inverse(dtype: str) -> None:
    low, high = inverse.ORDINARY[dtype]
    x = powers(np.random.default_rng(125), np.log2(low), np.log2(high), 5000).astype(dtype)
    assert np.abs(compiled(nearly_inverse, 4, dtype)(x).astype(float) * x - 1).max() < 0.052


@pytest.mark.parametrize("dtype", FORMATS)
def test_atan_is_the_angle_beside_1(dtype: str) -> None:
    x = np.asarray(arc_tangent_points(dtype), dtype)
    x = x[np.abs(x) < 2.0 ** FORMATS[dtype].fraction_bits]
    ones = np.ones_like(x)
    angles = compiled(inverse.atan2, 4, dtype, arity=2)(x, ones)
    assert same_bits(angles, compiled(inverse.atan, 4, dtype)(x)).all()


@pytest.mark.parametrize("dtype", FORMATS)
def test_points_of_every_size_have_the_same_angle_bits(dtype: str) -> None:
    rng = np.random.default_rng(126)
    low, high = inverse.ORDINARY[dtype]
    x = signed(powers(rng, np.log2(low), np.log2(high), 2000)).astype(dtype)
    y = (x * signed(powers(rng, -20.0, 0.0, 2000))).astype(dtype)
    angles = compiled(inverse.atan2, 4, dtype, arity=2)(y, x)
    assert same_bits(angles, compiled(of_any_point, 4, dtype, arity=2)(y, x)).all()
