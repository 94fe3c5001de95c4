"""asinh, acosh and atanh: the polynomial, parity, small arguments."""

from __future__ import annotations

import numpy as np
import pytest

from symgrad.emit.vector import inverse_hyperbolic
from tests.emit.vector.arguments_logarithmic import POINTS
from tests.emit.vector.fitted_anew import assert_computed_anew, bits_left
from tests.emit.vector.measured import compiled, same_bits

ODD = ("asinh", "atanh")


@pytest.mark.parametrize(("dtype", "bits"), [("float64", 62.5), ("float32", 28.3)])
def test_the_polynomial_can_be_computed_anew(dtype: str, bits: float) -> None:
    present = inverse_hyperbolic.RATIO_POLYNOMIAL[dtype]
    assert_computed_anew(("ratio", dtype), present)
    assert bits_left(("ratio", dtype), present) > bits


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", ODD)
def test_odd_functions_are_odd(name: str, dtype: str) -> None:
    x = POINTS[name, dtype]().astype(dtype)
    function = compiled(getattr(inverse_hyperbolic, name), 8, dtype)
    assert same_bits(function(-x), -function(x)).all()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", ODD)
def test_small_arguments_are_their_own_values(name: str, dtype: str) -> None:
    x = np.ldexp(np.array([1.0, 1.5, 1.25], dtype), np.arange(-120, -31)[:, None]).ravel()
    x = x.astype(dtype)
    assert same_bits(compiled(getattr(inverse_hyperbolic, name), 8, dtype)(x), x).all()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_acosh_just_above_one_is_a_square_root(dtype: str) -> None:
    step = float(np.finfo(dtype).eps)
    x = np.array([1.0 + step * n for n in range(1, 9)], dtype)
    t = np.arange(1, 9) * step
    got = compiled(inverse_hyperbolic.acosh, 8, dtype)(x)
    # acosh(1 + t) = sqrt(2t) (1 - t/12 + ...)
    expected = (np.sqrt(2.0 * t) * (1.0 - t / 12.0)).astype(dtype)
    np.testing.assert_array_max_ulp(got, expected, maxulp=1)
