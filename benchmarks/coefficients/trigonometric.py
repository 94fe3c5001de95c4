"""Compute the polynomials of the trigonometric vector functions anew.

Run from the root of the repository: ``python -m benchmarks.coefficients.trigonometric`` (half a
minute). They are those of ``symgrad/emit/vector/sincos.py``, ``tangent.py`` and
``inverse_trigonometric.py``, in float64 and float32.

Each function is a known beginning plus a power of its argument times a polynomial in t, the square
of the argument. The polynomial is minimax for the relative error of the function, by the Remez
exchange in 60-digit arithmetic. Each coefficient is rounded to the dtype in turn from the lowest
order and the remaining ones are fitted again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import mpmath
import numpy as np

from benchmarks.coefficients.lookup import DIGITS, chebyshev_points, minimax
from symgrad.emit.vector import inverse_trigonometric, sincos, tangent

Number = mpmath.mpf


class Form(NamedTuple):
    """function(x) = beginning(x) + x**power P(x^2) for 0 <= x <= end."""

    function: Callable[[Number], Number]
    beginning: Callable[[Number], Number]
    power: int
    end: Number
    present: dict[str, tuple[float, ...]]


FORMS = {
    "sin": Form(mpmath.sin, lambda x: x, 3, mpmath.pi / 4, sincos.SIN_POLYNOMIAL),
    "cos": Form(mpmath.cos, lambda x: 1 - x**2 / 2, 4, mpmath.pi / 4, sincos.COS_POLYNOMIAL),
    "tan": Form(
        lambda x: 2 * mpmath.tan(x / 2), lambda x: x, 3, mpmath.pi / 4, tangent.TAN_POLYNOMIAL
    ),
    "atan": Form(
        mpmath.atan, lambda x: x, 3, mpmath.mpf(1) / 2, inverse_trigonometric.ATAN_POLYNOMIAL
    ),
    "asin": Form(
        mpmath.asin, lambda x: x, 3, mpmath.mpf(1) / 2, inverse_trigonometric.ASIN_POLYNOMIAL
    ),
}


def main() -> None:
    """Print each polynomial and the relative error that it leaves."""
    for name, form in FORMS.items():
        for dtype in form.present:
            coefficients, error = fit(name, dtype)
            print(f"# {name}, {dtype}: 2^{float(mpmath.log(error, 2)):.2f}", flush=True)
            print(coefficients)


def fit(name: str, dtype: str) -> tuple[tuple[float, ...], Number]:
    """As many coefficients as there are at present, and the largest relative error."""
    form = FORMS[name]
    with mpmath.workdps(DIGITS):
        end = +form.end
        squares = [t for t in chebyshev_points(mpmath.mpf(0), end**2) if t > end**2 / 10_000]
        points = [mpmath.sqrt(t) for t in squares]
        weights = [x**form.power / form.function(x) for x in points]
        left = [(form.function(x) - form.beginning(x)) / x**form.power for x in points]
        known: list[float] = []
        for order in range(len(form.present[dtype])):
            count = len(form.present[dtype]) - order
            first = minimax(squares, left, weights, count)[0]
            known.append(rounded(first, dtype))
            left = [(value - known[-1]) / t for value, t in zip(left, squares, strict=True)]
            weights = [weight * t for weight, t in zip(weights, squares, strict=True)]
        error = max(abs(value * weight) for value, weight in zip(left, weights, strict=True))
        return tuple(known), error


def rounded(value: Number, dtype: str) -> float:
    """The nearest number of the dtype."""
    return float(np.dtype(dtype).type(float(value)))


if __name__ == "__main__":
    main()
