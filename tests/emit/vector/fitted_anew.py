"""Whether polynomials of logarithms, powers and cube roots are what their script computes."""

from __future__ import annotations

from collections.abc import Sequence

import mpmath
import numpy as np

from benchmarks.coefficients.logarithm import Fit, errors, fits, fitted

FITS = fits()


def assert_computed_anew(key: tuple[str, str], present: Sequence[float]) -> None:
    """The coefficients are those that the script gives, in the dtype."""
    coefficients, _ = fitted(FITS[key])
    assert same(coefficients, present, key[1])


def same(left: Sequence[float], right: Sequence[float], dtype: str) -> bool:
    """Whether two rows have the same numbers of the dtype."""
    return np.array_equal(np.array(left, dtype), np.array(right, dtype))


def bits_left(key: tuple[str, str], present: Sequence[float]) -> float:
    """-log2 of the largest weighted error, measured where the polynomial was not fitted."""
    with mpmath.workdps(60):
        fit: Fit = FITS[key]
        width = fit.high - fit.low
        points = [fit.low + width * place / 307 for place in range(308)]
        points = [point for point in points if abs(point) > width / 1000]
        numbers = [float(value) for value in np.array(present, key[1])]
        return float(-mpmath.log(max(errors(fit, numbers, points)), 2))
