"""Recurrences in the order of Bessel functions, up and down, in pairs of doubles.

f_{k+1} = (2 (k + shift)/x) f_k -+ f_{k-1} is stable in one direction for each function (NIST DLMF
10.74(iv), 3.6). Its steps round in pairs (high, low), so that hundreds of them lose nothing beside
what the first two values had lost.
"""

from __future__ import annotations

from typing import Any

from symgrad.functions.special.double import INF, Pair, fast_two_sum, two_sum

MOST_ORDERS = 100_000
"""The largest order; beyond it the functions are nan."""

MOST_STEPS = 10 * MOST_ORDERS
"""Going down starts beyond the order that is wanted: at most so high."""

GROWN, SHRINK = 2.0**300, 2.0**-300
SMALLEST, SMALL, LARGE = 1e-307, 1e-155, 1e300
"""Arguments are clamped to these, going up to the first, going down to the second."""


def upward(
    m: Any, count: Any, x: Any, first: Any, second: Any, sign: float, slope: float, shift: Any = 0.0
) -> Any:
    """f_count, from f_0 and f_1, where f_{k+1} = slope 2 (k + shift)/x f_k + sign f_{k-1}.

    An overflow stays the infinity that it is.
    """
    inverse = _inverse(m, m.max(m.min(x, LARGE), SMALLEST))

    def step(k: Any, below: Any, below_low: Any, here: Any, here_low: Any) -> Any:
        factor, rest = two_sum(k + 1.0, shift)
        twice = 2.0 * slope * factor, 2.0 * slope * rest
        above, low = _next(m, twice, inverse, (here, here_low), (below, below_low), sign)
        return k + 2.0 < count, here, here_low, above, low

    found = m.loop(step, (first, 0.0, second, 0.0), MOST_ORDERS)[2]
    return m.where(m.eq(count, 0), first, m.where(m.eq(count, 1), second, found))


def downward(
    m: Any, count: Any, start: Any, x: Any, sign: float, shift: Any = 0.0
) -> tuple[Any, Any, Any]:
    """(f_count, f_0, f_1) but for a common factor, where f_start = 1 and f_{start+1} = 0 (Miller).

    f_{k-1} = 2 (k + shift)/x f_k + sign f_{k+1}. All shrink together before one overflows.
    """
    inverse = _inverse(m, x)

    def step(k: Any, above: Any, above_low: Any, here: Any, here_low: Any, found: Any) -> Any:
        index = start - k
        factor, rest = two_sum(index, shift)
        twice = 2.0 * factor, 2.0 * rest
        below, low = _next(m, twice, inverse, (here, here_low), (above, above_low), sign)
        found = m.where(m.eq(index - 1.0, count), below, found)
        size = m.abs(below)  # at most 2^300 times 2 k/x < 2^533
        by = m.where(size > GROWN, m.where(size > GROWN**2, SHRINK**2, SHRINK), 1.0)
        return index > 1.5, here * by, here_low * by, below * by, low * by, found * by

    second, _, first, _, found = m.loop(step, (0.0, 0.0, 1.0, 0.0, 0.0), MOST_STEPS)
    return found, first, second


def _inverse(m: Any, x: Any) -> Pair:
    inverse = 1.0 / x
    return inverse, m.fma(-inverse, x, 1.0) * inverse


def _next(m: Any, factor: Pair, inverse: Pair, here: Pair, other: Pair, sign: float) -> Pair:
    """The pair factor inverse here + sign other, or (infinity, 0) where it overflows."""
    ratio = factor[0] * inverse[0]
    ratio_low = m.fma(factor[0], inverse[1], m.fma(factor[0], inverse[0], -ratio))
    ratio_low = m.fma(factor[1], inverse[0], ratio_low)
    product = ratio * here[0]
    rest = m.fma(ratio, here[0], -product) + m.fma(ratio, here[1], ratio_low * here[0])
    high, low = two_sum(product, sign * other[0])
    high, low = fast_two_sum(high, low + (rest + sign * other[1]))
    finite = m.abs(product) < INF
    return m.where(finite, high, product), m.where(finite, low, 0.0)


def exactly_one(a: Any, b: Any) -> Any:
    """The condition that one of two conditions holds, and not both."""
    return (a & ~b) | (~a & b)
