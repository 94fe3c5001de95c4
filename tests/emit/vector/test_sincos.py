"""sin and cos: the pair and the polynomials."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from benchmarks.coefficients.trigonometric import FORMS, fit
from symgrad.emit.vector import sincos
from symgrad.emit.vector.lanes import FORMATS
from tests.emit.vector.arguments_trigonometric import trigonometric_points
from tests.emit.vector.measured import compiled, same_bits

WIDTHS = (2, 4, 8, 16)
BITS = {
    ("sin", "float64"): 57.8,
    ("cos", "float64"): 63.9,
    ("sin", "float32"): 27.9,
    ("cos", "float32"): 32.9,
}


def relative_error(name: str, dtype: str) -> mpmath.mpf:
    """The largest relative error that a polynomial leaves, measured where it was not fitted."""
    form = FORMS[name]
    with mpmath.workdps(50):
        exact = [mpmath.mpf(value) for value in reversed(form.present[dtype])]
        points = [form.end * place / 401 for place in range(1, 402)]
        return max(
            abs((form.beginning(x) + x**form.power * mpmath.polyval(exact, x**2)) / form.function(x)
                - 1)
            for x in points
        )  # fmt: skip


@pytest.mark.parametrize("inline", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("dtype", FORMATS)
def test_sincos_is_sin_and_cos(dtype: str, width: int, inline: bool) -> None:
    x = np.asarray(trigonometric_points(dtype), dtype)
    sines, cosines = compiled(sincos.sincos, width, dtype, results=2, inline=inline)(x)
    assert same_bits(sines, compiled(sincos.sin, width, dtype)(x)).all()
    assert same_bits(cosines, compiled(sincos.cos, width, dtype)(x)).all()


@pytest.mark.parametrize("key", BITS)
def test_polynomials_keep_their_stated_error(key: tuple[str, str]) -> None:
    assert relative_error(*key) < mpmath.mpf(2) ** -BITS[key]


@pytest.mark.parametrize("key", [("sin", "float64"), ("cos", "float32")])
def test_polynomials_can_be_computed_anew(key: tuple[str, str]) -> None:
    coefficients, error = fit(*key)
    assert coefficients == FORMS[key[0]].present[key[1]]
    assert error < mpmath.mpf(2) ** -BITS[key]
