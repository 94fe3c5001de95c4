"""exp: the polynomial and the splitting of ln 2."""

from __future__ import annotations

import mpmath

from symgrad.emit.vector.exponential import EXP_POLYNOMIAL, LN2


def test_the_polynomial_keeps_its_stated_error() -> None:
    with mpmath.workdps(50):
        exact = [mpmath.mpf(value) for value in reversed(EXP_POLYNOMIAL)]
        end = mpmath.log(2) / 2
        points = [end * mpmath.mpf(place) / 400 for place in range(-400, 401) if place]
        errors = [(1 + r + r**2 * mpmath.polyval(exact, r)) / mpmath.exp(r) - 1 for r in points]
        assert max(map(abs, errors)) < mpmath.mpf(2) ** -57.1


def test_ln_2_is_split_as_near_as_can_be() -> None:
    with mpmath.workdps(60):
        assert abs(sum(map(mpmath.mpf, LN2)) - mpmath.log(2)) < mpmath.mpf(2) ** -108
