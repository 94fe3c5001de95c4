"""tan: the polynomial of the half angle, and tan beside sin and cos."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from benchmarks.coefficients.trigonometric import FORMS, fit
from symgrad.emit.vector import sincos, tangent
from symgrad.emit.vector.lanes import FORMATS
from tests.emit.vector.measured import compiled
from tests.emit.vector.test_sincos import relative_error

BITS = {"float64": 58.7, "float32": 28.8}


@pytest.mark.parametrize("dtype", FORMATS)
def test_the_polynomial_keeps_its_stated_error(dtype: str) -> None:
    assert relative_error("tan", dtype) < mpmath.mpf(2) ** -BITS[dtype]


def test_the_polynomial_can_be_computed_anew() -> None:
    assert fit("tan", "float32")[0] == tangent.TAN_POLYNOMIAL["float32"]
    assert FORMS["tan"].present is tangent.TAN_POLYNOMIAL


@pytest.mark.parametrize("dtype", FORMATS)
def test_the_tangent_is_that_of_the_sine_and_the_cosine(dtype: str) -> None:
    x = np.random.default_rng(124).uniform(-1e5, 1e5, 4000).astype(dtype)
    sines, cosines = compiled(sincos.sincos, 4, dtype, results=2)(x)
    # Two roundings and the errors of all three.
    np.testing.assert_allclose(
        compiled(tangent.tan, 4, dtype)(x), sines / cosines, rtol=4 * np.finfo(dtype).eps
    )
