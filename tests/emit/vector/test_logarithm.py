"""log: the polynomial and the splitting of ln 2."""

from __future__ import annotations

import mpmath

from symgrad.emit.vector.logarithm import LN2_SHORT, LOG_POLYNOMIAL


def test_the_polynomial_keeps_its_stated_error() -> None:
    with mpmath.workdps(50):
        exact = [mpmath.mpf(value) for value in reversed(LOG_POLYNOMIAL)]
        end = 3 - mpmath.sqrt(8)
        points = [end * mpmath.mpf(place) / 400 for place in range(-400, 401) if place]
        errors = [
            (2 * s + s**3 * mpmath.polyval(exact, s**2)) / mpmath.log((1 + s) / (1 - s)) - 1
            for s in points
        ]
        assert max(map(abs, errors)) < mpmath.mpf(2) ** -59.4


def test_ln_2_is_split_as_near_as_can_be() -> None:
    with mpmath.workdps(60):
        assert abs(sum(map(mpmath.mpf, LN2_SHORT)) - mpmath.log(2)) < mpmath.mpf(2) ** -97
    assert (LN2_SHORT[0] * 2.0**42).is_integer()
