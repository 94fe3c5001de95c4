"""Digamma and trigamma as pairs: errors far below an ulp."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest

from symgrad.functions.special.gamma.pairs import LARGEST, psi_pairs
from tests.functions.special.measured import computed

POINTS = np.array([1e-12, 1e-3, 0.3, 1.4616321449683622, 2.0, 7.7, 9.999999, 10.0, 61.5, LARGEST])


@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("low", [0.0, 2.0**-60])
def test_pairs(order: int, low: float) -> None:
    """The low part of the argument counts, too."""

    def part(which: int) -> Any:
        return computed(lambda m, x: psi_pairs(m, (x, x * low))[order][which], POINTS)

    with mpmath.workdps(40):
        for x, high, rest in zip(POINTS.tolist(), part(0), part(1), strict=True):
            exact = mpmath.psi(order, mpmath.mpf(x) * (1 + mpmath.mpf(low)))
            size = abs(exact) + (1 if order == 0 else 0)
            assert abs(mpmath.mpf(float(high)) + float(rest) - exact) <= 2.0**-60 * size, x
