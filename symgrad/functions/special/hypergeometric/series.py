"""Generalized hypergeometric series, in pairs of doubles, and their derivatives by the parameters.

NIST DLMF 16.2.1: pFq(a; b; z) is the sum of (a1)_n ... (ap)_n/((b1)_n ... (bq)_n n!) z^n. A term is
a product of functions of one parameter each, so that a mixed derivative by parameters is the sum of
products of the derivatives of (a)_n and of 1/(b)_n, which follow from term to term:
(a)_{n+1} = (a + n) (a)_n gives D^i (a)_{n+1} = (a + n) D^i (a)_n + i D^{i-1} (a)_n.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symgrad.functions.special.double import (
    INF,
    NAN,
    Pair,
    add_pairs,
    add_to_pair,
    divide_pairs,
    fast_two_sum,
    multiply_pairs,
    scale_pair,
    two_sum,
)

HIGHEST = 4
"""The highest derivative by one parameter."""

MOST_TERMS = 50_000
"""Terms of a value at most; beyond it is nan."""

MOST_DERIVATIVE_TERMS = 20_000
TINY = 1e-20
ONE: Pair = (1.0, 0.0)
WIDTH = HIGHEST + 1


def is_pole(m: Any, x: Any) -> Any:
    """The condition that x is 0, -1, -2, ..., where (x)_n becomes 0."""
    return (x <= 0.0) & m.eq(x, m.floor(x))


def is_pole_pair(m: Any, x: Pair) -> Any:
    """The same for a pair."""
    return is_pole(m, x[0]) & m.eq(x[1], 0.0)


def add_loosely(a: Pair, b: Pair) -> Pair:
    """A + b within 2^-104 (|a| + |b|), at half the cost of within 2^-104 |a + b|."""
    high, low = two_sum(a[0], b[0])
    return fast_two_sum(high, low + (a[1] + b[1]))


def plus(value: Any, k: Any) -> Pair:
    """Value + k as a pair, for a number or a pair."""
    return add_to_pair(value, k) if isinstance(value, tuple) else two_sum(value, k)


def series(m: Any, upper: Sequence[Any], lower: Sequence[Any], z: Pair, first: Any = 1.0) -> Any:
    """The sum times ``first``, with terms and total in pairs of doubles.

    Parameters are numbers or pairs. Where the sum is 2^40 times smaller than its largest term it is
    still right to the last digit. It ends when terms no longer count and shrink, beyond the sign
    changes of a + n and b + n. Where a factor of the numerator is 0, so are all terms from there,
    whatever the denominator does.
    """
    settled: Any = 2.0
    for value in (*upper, *lower):
        settled = m.max(settled, 2.0 - (value[0] if isinstance(value, tuple) else value))
    settled = m.min(settled, MOST_TERMS - 1.0)

    def step(k: Any, t: Any, t_low: Any, s: Any, s_low: Any) -> tuple[Any, ...]:
        above, below = z, (k + 1.0, 0.0)
        for value in upper:
            above = multiply_pairs(m, above, plus(value, k))
        for value in lower:
            below = multiply_pairs(m, below, plus(value, k))
        ratio, ratio_low = divide_pairs(m, above, below)
        next_t, next_low = multiply_pairs(m, (t, t_low), (ratio, ratio_low))
        over = m.eq(above[0], 0.0) | m.eq(t, 0.0)
        next_t, next_low = m.where(over, 0.0, next_t), m.where(over, 0.0, next_low)
        s, s_low = add_loosely((s, s_low), (next_t, next_low))
        size = m.abs(next_t)
        going = (size > TINY * m.abs(s)) | (size > m.abs(t)) | (k < settled)
        return going & (size < INF) & ~over, next_t, next_low, s, s_low

    t, _, s, s_low = m.loop(step, (first, 0.0, first, 0.0), MOST_TERMS)
    ended = m.abs(t) <= 1e-15 * m.abs(s)
    return m.where(ended, s + s_low, m.where(m.abs(t) < INF, NAN, t))


def derivative(
    m: Any, orders: Sequence[Any], upper: Sequence[Any], lower: Sequence[Any], z: Any
) -> Any:
    """A mixed derivative of the sum: by each parameter, then by z, ``orders`` times.

    A term of the l-th derivative by z has z^(n-l)/(n-l)! in place of z^n/n!. Factors are balanced:
    (a)_n/n! and n!/(b)_n, and the power of n! that is left goes with z.
    """
    excess = len(upper) - len(lower)
    *inner, outer = orders
    total_order: Any = outer
    settled: Any = 2.0
    for value in (*upper, *lower):
        settled = m.max(settled, 2.0 - value)
    for order in inner:
        total_order = total_order + order
    settled = m.min(settled + total_order, MOST_DERIVATIVE_TERMS - 1.0)

    def step(k: Any, *state: Any) -> tuple[Any, ...]:
        *flat, power, power_low, s, s_low, _, before = state
        pairs = list(zip(flat[0::2], flat[1::2], strict=True))
        counted = k + 1.0
        shrink = divide_pairs(m, ONE, (counted, 0.0))
        made: list[Pair] = []
        term: Pair = (power, power_low)
        for index, (order, value) in enumerate(zip(inner, (*upper, *lower), strict=True)):
            jet = pairs[index * WIDTH : (index + 1) * WIDTH]
            term = multiply_pairs(m, term, chosen(m, order, jet))
            factor = two_sum(value, k)
            if index < len(upper):
                made.extend(raised(m, jet, multiply_pairs(m, factor, shrink), shrink))
            else:
                inverse = divide_pairs(m, ONE, factor)
                made.extend(lowered(m, jet, scale_pair(m, inverse, counted), inverse))
        inside = k >= outer
        added, added_low = m.where(inside, term[0], 0.0), m.where(inside, term[1], 0.0)
        s, s_low = add_pairs((s, s_low), (added, added_low))
        power, power_low = divide_pairs(
            m,
            scale_pair(m, (power, power_low), m.where(inside, z, 1.0)),
            (m.where(inside, counted - outer, 1.0), 0.0),
        )
        for _ in range(abs(excess)):
            if excess > 0:
                power, power_low = scale_pair(m, (power, power_low), counted)
            else:
                power, power_low = multiply_pairs(m, (power, power_low), shrink)
        size = m.abs(added)
        going = (size > 1e-18 * m.abs(s)) | (size > before) | (k < settled)
        flat = [part for pair in made for part in pair]
        return going & (size < INF), *flat, power, power_low, s, s_low, added, size

    start = [1.0, *[0.0] * (2 * WIDTH - 1)] * len(inner)
    found = m.loop(step, (*start, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0), MOST_DERIVATIVE_TERMS)
    s, s_low, added, _ = found[-4:]
    value = m.where(m.abs(added) <= 1e-15 * m.abs(s), s + s_low, NAN)
    for given in (*upper, *lower):
        value = m.where(m.eq(given, given), value, NAN)
    for order in inner:
        value = m.where((order <= float(HIGHEST)) & (order >= 0.0), value, NAN)
    return value


def raised(m: Any, jet: Sequence[Pair], factor: Pair, shrink: Pair) -> list[Pair]:
    """The derivatives of (a)_{n+1}/(n+1)! from those of (a)_n/n!."""
    made = [multiply_pairs(m, jet[0], factor)]
    for i in range(1, len(jet)):
        below = multiply_pairs(m, shrink, scale_pair(m, jet[i - 1], float(i)))
        made.append(add_pairs(multiply_pairs(m, jet[i], factor), below))
    return made


def lowered(m: Any, jet: Sequence[Pair], factor: Pair, inverse: Pair) -> list[Pair]:
    """The derivatives of (n+1)!/(b)_{n+1} from those of n!/(b)_n."""
    made = [multiply_pairs(m, jet[0], factor)]
    for i in range(1, len(jet)):
        below = multiply_pairs(m, inverse, scale_pair(m, made[-1], -float(i)))
        made.append(add_pairs(multiply_pairs(m, jet[i], factor), below))
    return made


def chosen(m: Any, order: Any, jet: Sequence[Pair]) -> Pair:
    """The entry of a jet at a whole number."""
    value, low = jet[0]
    for i in range(1, len(jet)):
        here = order >= float(i)
        value, low = m.where(here, jet[i][0], value), m.where(here, jet[i][1], low)
    return value, low


def exact_derivative(
    mp: Any, orders: Sequence[Any], upper: Sequence[Any], lower: Sequence[Any], z: Any
) -> Any:
    """The same sum at mpmath's precision, for |z| < 1 where p = q + 1."""
    *inner, outer = [int(order) for order in orders]
    given = (*upper, *lower)
    with mp.extradps(15):
        jets = [[mp.mpf(1)] + [mp.mpf(0)] * order for order in inner]
        weight, power, total = mp.mpf(1), mp.mpf(1), mp.mpf(0)
        n, quiet = 0, 0
        while quiet < 6 and n < 100_000:
            if n >= outer:
                term = weight * power
                for jet in jets:
                    term *= jet[-1]
                total += term
                quiet = quiet + 1 if abs(term) <= mp.eps * abs(total) and n > 12 else 0
                power *= z / (n - outer + 1)
            for index, (jet, value) in enumerate(zip(jets, given, strict=True)):
                factor = value + n
                above = index < len(upper)
                for i in reversed(range(len(jet))) if above else range(len(jet)):
                    if above:
                        jet[i] = factor * jet[i] + (i * jet[i - 1] if i else 0)
                    else:
                        jet[i] = (jet[i] - (i * jet[i - 1] if i else 0)) / factor
            n += 1
        return +total
