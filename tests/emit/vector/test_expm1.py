"""expm1: where the reduction changes its k, and the k whose 1 is half a last place."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from symgrad.emit.vector import expm1
from tests.emit.vector.measured import compiled, errors_in_ulp

BITS = {"float64": 53, "float32": 24}


@pytest.mark.parametrize("dtype", BITS)
def test_where_k_changes_the_sum_never_cancels_a_rounded_p(dtype: str) -> None:
    edges = np.array([np.log(0.75), np.log(1.5), np.log(3.0), np.log(0.375)], dtype)
    steps = np.arange(-300, 301, 3)
    x = (edges[:, None] + np.spacing(edges)[:, None] * steps).ravel().astype(dtype)
    got = compiled(expm1.expm1, 4, dtype)(x)
    assert errors_in_ulp(got, mpmath.expm1, x).max() < 1.0


@pytest.mark.parametrize("dtype", BITS)
def test_half_a_last_place_is_not_lost(dtype: str) -> None:
    last = BITS[dtype] + 1
    rng = np.random.default_rng(111)
    k = rng.uniform(last - 0.42, last, 1500)  # e**r below 1
    x = (k * np.log(2.0)).astype(dtype)
    got = compiled(expm1.expm1, 4, dtype)(x)
    assert errors_in_ulp(got, mpmath.expm1, x).max() < 0.95
    # The function that forgets the 1 is further away somewhere.
    assert errors_in_ulp(np.exp(x.astype(np.float64)).astype(dtype), mpmath.expm1, x).max() > 0.95


def test_the_shift_keeps_the_power_between_three_quarters_and_three_halves() -> None:
    with mpmath.workdps(30):
        factor = mpmath.mpf(expm1.NEARLY_ONE_OVER_LN2)
        for end, sign in ((mpmath.log(mpmath.mpf(3) / 4), -1), (mpmath.log(mpmath.mpf(3) / 2), 1)):
            place = end * factor + expm1.SHIFT
            # k is 0 there still, and one step of 2^-18 further it is not.
            assert abs(place) < 0.5
            assert abs(place + sign * mpmath.mpf(2) ** -18) > 0.5
