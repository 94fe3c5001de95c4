"""Digamma and trigamma as pairs of doubles, for sums of them and their products that cancel."""

from __future__ import annotations

from typing import Any

from symgrad.functions.special.double import (
    ONE,
    Pair,
    add_pairs,
    add_to_pair,
    divide_pairs,
    fast_two_sum,
    multiply_pairs,
    scale_pair,
    select_pair,
    short_polynomial,
    two_product,
    two_sum,
)
from symgrad.functions.special.gamma.differences import DIGAMMA, TERMS, TRIGAMMA
from symgrad.functions.special.hypergeometric.factors import log_near

LARGEST = 500.0
"""Up to this digamma, which grows, has as many digits behind the point as are needed."""


def psi_pairs(m: Any, x: Pair) -> tuple[Pair, Pair]:
    """(digamma(x), trigamma(x)) for 0 < x < 500, within 2^-60 of |digamma| + 1 and of trigamma.

    The recurrence takes ten terms off where x is below 10 (NIST DLMF 5.7.6, 5.15.1); from there
    5.11.2 and 5.15.8, all but the small terms of which are pairs.
    """
    small = x[0] < float(TERMS)
    near = select_pair(m, small, x, (float(TERMS), 0.0))
    total, total_low, square_total, square_low = 0.0, 0.0, 0.0, 0.0
    for k in reversed(range(TERMS)):
        base, rest = two_sum(near[0], float(k))
        inverse = 1.0 / base
        low = (m.fma(-inverse, base, 1.0) - inverse * (rest + near[1])) * inverse
        square, square_rest = two_product(m, inverse, inverse)
        total, lost = two_sum(total, inverse)
        total_low = total_low + (lost + low)
        square_total, lost = two_sum(square_total, square)
        square_low = square_low + m.fma(inverse + inverse, low, lost + square_rest)
    w = add_to_pair(x, m.where(small, float(TERMS), 0.0))
    u = divide_pairs(m, ONE, w)
    inverse_square = multiply_pairs(m, u, u)
    rest = short_polynomial(m, inverse_square[0], DIGAMMA) * inverse_square[0]
    psi = add_to_pair(add_pairs(log_near(m, w), scale_pair(m, u, -0.5)), -rest)
    rest = short_polynomial(m, inverse_square[0], TRIGAMMA) * inverse_square[0] * u[0]
    slope = add_to_pair(add_pairs(u, scale_pair(m, inverse_square, 0.5)), rest)
    psi = add_pairs(psi, fast_two_sum(*[m.where(small, -part, 0.0) for part in (total, total_low)]))
    own = fast_two_sum(*[m.where(small, part, 0.0) for part in (square_total, square_low)])
    return psi, add_pairs(slope, own)
