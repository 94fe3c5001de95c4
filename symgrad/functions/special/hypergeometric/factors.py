"""Exponentials, logarithms and ratios of gamma functions that hypergeometric functions multiply by.

Products of several factors are one exponential of a sum in pairs of doubles, so that their errors
do not add up and none of them overflows alone. Parameters such as b - a come as pairs: rounded,
they would be other parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import factorial
from typing import Any

from symgrad.functions.special.double import (
    LN2,
    ONE,
    PI,
    Pair,
    add_pairs,
    add_to_pair,
    cos_pi,
    divide_pairs,
    exp_double,
    log_double,
    multiply_pairs,
    negative,
    scale_pair,
    select_pair,
    sin_pi,
)
from symgrad.functions.special.gamma.gamma import LARGE, stirling

HALVINGS = 16
"""exp(x) is exp(x/2^16) squared so often."""

SHIFT = 500.0
"""Exponentials beyond exp(600) are taken so many binary orders nearer to 1."""

HUGE = 1500.0
"""Beyond this an exponential is infinite or 0."""

INVERSE_FACTORIALS: tuple[Pair, ...] = tuple(
    (1 / factorial(n), float(Fraction(1, factorial(n)) - Fraction(1 / factorial(n))))
    for n in range(1, 14)
)
"""1/n! as pairs, for exp(r) - 1 up to r = 700/2^16."""


def expm1_pair(m: Any, x: Pair) -> Pair:
    """exp(x) - 1 as a pair, |x| < 700, within 2^-85 of it (NIST DLMF 4.2.19)."""
    scale = 0.5**HALVINGS
    r = x[0] * scale, x[1] * scale
    total = INVERSE_FACTORIALS[-1]
    for term in reversed(INVERSE_FACTORIALS[:-1]):
        total = add_pairs(multiply_pairs(m, total, r), term)
    total = multiply_pairs(m, total, r)
    for _ in range(HALVINGS):
        square = multiply_pairs(m, total, total)
        total = add_pairs((2.0 * total[0], 2.0 * total[1]), square)
    return total


def log_pair(m: Any, x: Pair) -> Pair:
    """log(x) as a pair, 1e-300 < x <= 1, within 2^-85: a Newton step from log.

    With x exp(-y) = 1 + t the logarithm is y + t - t^2/2 + ...
    """
    first = m.log(x[0])
    power = add_to_pair(expm1_pair(m, (-first, 0.0)), 1.0)
    t, t_low = add_to_pair(multiply_pairs(m, x, power), -1.0)
    return add_pairs((first, 0.0), (t, m.fma(-0.5 * t, t, t_low)))


def log_near(m: Any, x: Pair) -> Pair:
    """log(x) as a pair within about 2^-62 of it, for less."""
    return add_to_pair(log_double(m, x[0]), x[1] / x[0])


def times_exp(m: Any, value: Any, x: Pair) -> Any:
    """Value times exp(x), within 2 ulp, where exp(x) alone overflows, too."""
    shift = m.where(x[0] > 600.0, -SHIFT, m.where(x[0] < -600.0, SHIFT, 0.0))
    high, low = add_pairs(x, scale_pair(m, LN2, shift))
    back = m.where(shift < 0.0, 2.0**SHIFT, m.where(shift > 0.0, 2.0**-SHIFT, 1.0))
    # Of a huge exponent only the sign matters, and its low part is no longer small.
    low = m.where(m.abs(high) < HUGE, low, 0.0)
    return value * exp_double(m, high, low) * back


def gamma_ratio(m: Any, above: Sequence[Pair], below: Sequence[Pair]) -> tuple[Any, Pair]:
    """(f, e) with f exp(e) = gamma(x1) gamma(x2) .../(gamma(y1) gamma(y2) ...), 3 ulp a pair.

    Arguments below 1/2 are reflected (NIST DLMF 5.5.3), those below 6 moved up by the recurrence
    (5.5.1), exp is of Stirling's series (5.11.1). 0 at the poles below, infinite at those above.
    """
    exponent: Pair = (0.0, 0.0)
    top, bottom = ONE, ONE
    outer_top: Any = 1.0
    outer_bottom: Any = 1.0
    for index, x in enumerate((*above, *below)):
        reflected = x[0] < 0.5
        y = select_pair(m, reflected, add_to_pair(negative(x), 1.0), x)
        product, shift = ONE, 0.0
        for k in range(int(LARGE)):
            used = y[0] < LARGE - k
            factor = add_to_pair(y, float(k))
            product = multiply_pairs(m, product, select_pair(m, used, factor, ONE))
            shift = shift + m.where(used, 1.0, 0.0)
        z = add_to_pair(y, shift)
        bounded = m.max(m.min(z[0], 1e100), LARGE)
        log_gamma = add_to_pair(stirling(m, bounded), (m.log(bounded) - 0.5 / bounded) * z[1])
        sine = m.fma(PI[0] * x[1], cos_pi(m, x[0]), sin_pi(m, x[0])) * (1.0 / PI[0])
        sine = m.where(reflected, sine, 1.0)
        up = reflected if index < len(above) else ~reflected
        exponent = add_pairs(exponent, select_pair(m, up, negative(log_gamma), log_gamma))
        top = multiply_pairs(m, top, select_pair(m, up, product, ONE))
        bottom = multiply_pairs(m, bottom, select_pair(m, up, ONE, product))
        if index < len(above):
            outer_bottom = outer_bottom * sine
        else:
            outer_top = outer_top * sine
    ratio = divide_pairs(m, top, bottom)
    return (ratio[0] + ratio[1]) * outer_top / outer_bottom, exponent
