"""Recurrences in the order of Bessel functions, up and down, in pairs of doubles.

f_{k+1} = (2 (k + shift)/x) f_k -+ f_{k-1} is stable in one direction for each function (NIST DLMF
10.74(iv), 3.6). Its steps round in pairs (high, low), so that hundreds of them lose nothing beside
what the first two values had lost.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

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


class Terms(Protocol):
    """A sum of multiples of f_{n - k} ... f_{n + k}, whose ``order`` is k.

    Coefficients may follow from one another, so a number c goes along from one to the next.
    """

    @property
    def order(self) -> Any:
        """How far the sum reaches."""

    def ends(self, m: Any) -> tuple[Any, Any]:
        """The first c on the way up, and on the way down."""

    def term(self, m: Any, distance: Any, c: Any, *, up: bool) -> tuple[Any, Any]:
        """The coefficient for the order n + ``distance`` (0 if it has none), and the next c."""


class Difference(NamedTuple):
    """A derivative as a sum over orders: of c_j f_{n - k + stride j}, j = 0 ... ``last``, over 2^k.

    c_j is sign^j times a binomial coefficient of ``last``. f' = (f_{n-1} + sign f_{n+1})/2 gives
    powers of that: k strides of 2. For exp(-x) f with sign 1, f' - f is (f_{n-1} - 2 f_n +
    f_{n+1})/2, whose powers are 2 k strides of 1, of sign -1. Everything may be an Expr.

    Attributes:
        order: k, of the derivative; 0 is the function itself.
        stride: between orders.
        sign: of the second one.
    """

    order: Any
    stride: Any
    sign: Any

    def ends(self, m: Any) -> tuple[Any, Any]:
        """The coefficients of the first term and of the last."""
        last = 2.0 * self.order / self.stride
        return 1.0, m.where(is_whole(m, 0.5 * last), 1.0, self.sign)

    def term(self, m: Any, distance: Any, c: Any, *, up: bool) -> tuple[Any, Any]:
        """The coefficient for the order n + ``distance``, and what ``c`` is for the next one."""
        last = 2.0 * self.order / self.stride
        j = (self.order + distance) / self.stride
        wanted = (j >= 0.0) & (j <= last) & is_whole(m, j)
        ratio = (last - j) / (j + 1.0) if up else j / (last - j + 1.0)
        return m.where(wanted, c, 0.0), m.where(wanted, self.sign * c * ratio, c)


def is_whole(m: Any, n: Any) -> Any:
    """The condition that a number is whole."""
    return m.eq(n, m.floor(n))


def halved(m: Any, order: Any) -> Any:
    """2^-order for a whole order up to 64."""
    return m.where(
        order > 0.0, m.loop(lambda k, power: (k + 1.0 < order, 0.5 * power), (1.0,), 64)[0], 1.0
    )


def upward_sum(
    m: Any,
    terms: Terms,
    count: Any,
    x: Any,
    first: Pair,
    second: Pair,
    sign: float,
    slope: float,
    shift: Any = 0.0,
) -> Any:
    """What ``terms`` are of f_count but for the power of two, from f_0 and f_1 as in ``upward``.

    Orders below 0 follow from the same recurrence. Where the sum overflows its last term decides.
    """
    inverse = _inverse(m, m.max(m.min(x, LARGE), SMALLEST))
    less = m.max(terms.order - count, 0.0)

    def factor(index: Any) -> Pair:
        high, low = two_sum(index, shift)
        return 2.0 * slope * high, 2.0 * slope * low

    def down(k: Any, here: Any, here_low: Any, above: Any, above_low: Any) -> Any:
        # f_{j-1} = sign (f_{j+1} - 2 slope j/x f_j)
        high, low = factor(-k)
        below, below_low = _next(
            m, (-sign * high, -sign * low), inverse, (here, here_low), (above, above_low), sign
        )
        moved = (below, below_low, here, here_low)
        kept = (here, here_low, above, above_low)
        wanted = k < less
        chosen = (m.where(wanted, a, b) for a, b in zip(moved, kept, strict=True))
        return k + 1.0 < less, *chosen

    start = m.loop(down, (*first, *second), 64)

    def up(
        k: Any, here: Any, here_low: Any, next_: Any, next_low: Any, total: Any, low: Any, c: Any
    ) -> Any:
        index = k - less
        weight, c = terms.term(m, index - count, c, up=True)
        total, low = _added(m, (total, low), (here, here_low), weight)
        after, after_low = _next(
            m, factor(index + 1.0), inverse, (next_, next_low), (here, here_low), sign
        )
        # Orders 0 and 1 as they were given: those below may have overflowed.
        for order, (high, rest) in ((0.0, first), (1.0, second)):
            given = m.eq(index + 2.0, order)
            after, after_low = m.where(given, high, after), m.where(given, rest, after_low)
        return index < count + terms.order, next_, next_low, after, after_low, total, low, c

    found = m.loop(up, (*start, 0.0, 0.0, terms.ends(m)[0]), MOST_STEPS)
    return found[4] + found[5]


def downward_sum(
    m: Any, terms: Terms, count: Any, start: Any, x: Any, sign: float, shift: Any = 0.0
) -> tuple[Any, Any, Any]:
    """(what ``terms`` are of f_count, f_0, f_1) but for a common factor, as in ``downward``.

    The sum lacks the power of two. ``start`` is beyond count + k. Where the shift is 0, orders
    below 0 are those above, f_{-i} = sign^i f_i: the recurrence would lose them next to x = 0.
    """
    inverse = _inverse(m, x)
    mirrored = m.eq(shift, 0.0)
    lowest = m.where(mirrored, 0.0, m.min(count - terms.order, 0.0))

    def step(
        k: Any,
        above: Any,
        above_low: Any,
        here: Any,
        here_low: Any,
        total: Any,
        total_low: Any,
        c: Any,
        other: Any,
        first: Any,
        second: Any,
    ) -> Any:
        index = start - k
        factor, rest = two_sum(index, shift)
        twice = 2.0 * factor, 2.0 * rest
        below, low = _next(m, twice, inverse, (here, here_low), (above, above_low), sign)
        index = index - 1.0
        weight, c = terms.term(m, index - count, c, up=False)
        turned, other = terms.term(m, -index - count, other, up=True)
        turned = m.where(mirrored & (index > 0.0), turned, 0.0)
        if sign < 0.0:
            turned = m.where(is_whole(m, 0.5 * index), turned, -turned)
        total, total_low = _added(m, (total, total_low), (below, low), weight + turned)
        first = m.where(m.eq(index, 0.0), below, first)
        second = m.where(m.eq(index, 1.0), below, second)
        size = m.abs(below)
        by = m.where(size > GROWN, m.where(size > GROWN**2, SHRINK**2, SHRINK), 1.0)
        grown = (here, here_low, below, low, total, total_low)
        return index > lowest, *(value * by for value in grown), c, other, first * by, second * by

    lower, upper = terms.ends(m)
    states = (0.0, 0.0, 1.0, 0.0, 0.0, 0.0, upper, lower, 0.0, 0.0)
    *_, total, total_low, _, _, first, second = m.loop(step, states, MOST_STEPS)
    return total + total_low, first, second


def _added(m: Any, total: Pair, value: Pair, weight: Any) -> Pair:
    """Total + weight value, or the last infinity; nothing where the weight is 0."""
    wanted = m.ne(weight, 0.0)
    high = m.where(wanted, weight * value[0], 0.0)
    low = m.where(wanted, m.fma(weight, value[0], -high) + weight * value[1], 0.0)
    sum_high, sum_low = two_sum(total[0], high)
    sum_high, sum_low = fast_two_sum(sum_high, sum_low + (low + total[1]))
    finite = m.abs(sum_high) < INF
    infinite = m.where(m.abs(high) >= INF, high, total[0] + high)
    return m.where(finite, sum_high, infinite), m.where(finite, sum_low, 0.0)


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
