"""Gauss's F(p, q; c; 1 - u) by the solutions of its equation about u = 0, without gamma functions.

With d = c - p - q >= 0 these have the exponents 0 and d (NIST DLMF 15.10.11, 15.10.12):

    g = u^d F(c - p, c - q; 1 + d; u)
    f = F(p, q; 1 - d; u)

f has poles where d is whole, and nears g there. With n the whole number next to d and e = d - n,
the terms of f from u^n on are those of a series S(0), and g = u^(n + e) S(e); instead of f

    h = sum of (p)_k (q)_k/((1 - d)_k k!) u^k over k < n  +  C u^n (u^e S(e) - S(0))/e

is used, C the coefficient of u^n in -e f. Its terms follow from their own recurrence, whose
quotients by e are written out, so that nothing happens at e = 0: there a logarithm appears. (The
quotients are in the manner of N. Michel and M. Stoitsov, Comput. Phys. Commun. 178, 2008.) What
multiplies h and g follows from the value and slope of F at u = 1/4, from the power series at 0,
and from the Wronskian. Everything is in pairs of doubles: where the parts cancel, digits remain.
"""

from __future__ import annotations

from typing import Any

from symgrad.functions.special.double import (
    INF,
    ONE,
    THIRD,
    Pair,
    add_pairs,
    add_to_pair,
    divide_pairs,
    exp_double,
    multiply_pairs,
    negative,
    scale_pair,
    select_pair,
)
from symgrad.functions.special.hypergeometric.factors import (
    expm1_pair,
    gamma_ratio,
    log_pair,
    times_exp,
)
from symgrad.functions.special.hypergeometric.series import add_loosely, plus

MOST = 3000
"""Terms at most; with parameters up to 20 it is about 200."""

LEAST_BITS, BITS_FOR_PARAMETERS, MOST_BITS = 66.0, 2.0, 108.0
"""Terms count down to 2^-66 of their sums, and 2^-2 less for each 1 in the largest parameter."""

KEPT, NOISE = 2.0**60, 2.0**-100
"""Where noise leaves less of what multiplies h, gamma functions give it; noise of a term."""

SMALLEST = 1e-40
"""A smaller e is this: it changes nothing."""

ZERO: Pair = (0.0, 0.0)
LOG: Pair = (0.2876820724517809, 2.607160616442564e-17)
"""Of 4/3: the Wronskian has the factor (1 - u)^(-c)."""

LOG_4: Pair = (1.3862943611198906, 4.638093627692599e-17)


def _quarter(a: Pair) -> Pair:
    return 0.25 * a[0], 0.25 * a[1]


def _minus(a: Pair, b: Pair) -> Pair:
    return add_pairs(a, negative(b))


def near_one(m: Any, p: Pair, q: Pair, c: Any, d: Pair, u: Pair, here: Any) -> Any:
    """F(p, q; c; 1 - u) where ``here``, for d = c - p - q >= 0 and 0 <= u <= 1/5.

    C is a number or a pair.
    """
    p, q = select_pair(m, here, p, (0.3, 0.0)), select_pair(m, here, q, (0.4, 0.0))
    paired = isinstance(c, tuple)
    c = select_pair(m, here, c, ONE) if paired else m.where(here, c, 1.0)
    d = select_pair(m, here, d, (0.3, 0.0))
    ends = m.eq(u[0], 0.0)
    u = select_pair(m, here & ~ends, u, (0.125, 0.0))
    n = m.rint(d[0])
    e = add_to_pair(d, -n)
    e = select_pair(m, m.abs(e[0]) < SMALLEST, (SMALLEST, 0.0), e)
    four = 4.0 * u[0], 4.0 * u[1]

    start, start_slope, factor, start_at_u, factor_at_u, raised = _first_terms(m, p, q, d, n, four)
    widest = m.max(m.max(m.abs(p[0]), m.abs(q[0])), m.max(m.abs(c[0] if paired else c), n))
    bits = m.min(LEAST_BITS + BITS_FOR_PARAMETERS * widest, MOST_BITS)
    # F = u^d F(c - p, c - q; c; 1 - u) (15.8.1) has smaller terms where its parameters are smaller.
    beside = add_pairs if paired else add_to_pair
    other_p, other_q = beside(negative(p), c), beside(negative(q), c)
    lifted = smaller(m, (other_p, other_q), (p, q))
    near_p, near_q = select_pair(m, lifted, other_p, p), select_pair(m, lifted, other_q, q)
    f, f_slope, f_most = _at_quarter(m, near_p, near_q, c, bits, here)
    f_slope = add_pairs(f_slope, multiply_pairs(m, select_pair(m, lifted, d, ZERO), f))
    *sums, g_most = _both_series(m, p, q, n, e, four, bits, here)
    g, g_slope, rest, rest_slope, g_at_u, rest_at_u = sums
    h = add_pairs(start, multiply_pairs(m, factor, rest))
    h_slope = add_pairs(start_slope, multiply_pairs(m, factor, rest_slope))
    # F = (of_h h + of_g g)/(h u g' - u h' g); near u = 0 that is d (4u)^d, or -1 for n = 0.
    of_h = _minus(multiply_pairs(m, f, g_slope), multiply_pairs(m, f_slope, g))
    of_g = _minus(multiply_pairs(m, h, f_slope), multiply_pairs(m, h_slope, f))
    scale = multiply_pairs(m, LOG, c) if paired else scale_pair(m, LOG, c)
    scale = add_pairs(scale, multiply_pairs(m, select_pair(m, lifted, d, ZERO), LOG_4))
    scale = exp_double(m, *scale)
    by_gamma = _at_one(m, other_p, other_q, c if paired else (c, 0.0), d)
    f_size, g_size = m.abs(f[0]) + m.abs(f_slope[0]), m.abs(g[0]) + m.abs(g_slope[0])
    noise = f_size * g_size * m.exp2(-bits) + (f_most * g_size + f_size * g_most) * NOISE
    is_lost = m.abs(of_h[0]) < KEPT * noise
    of_h = select_pair(m, is_lost, (by_gamma * scale, 0.0), of_h)

    # g is (4u)^d S(e) here, and u^e is (4u)^e in h.
    less_1 = expm1_pair(m, multiply_pairs(m, log_pair(m, four), e))
    beyond = add_pairs(rest_at_u, multiply_pairs(m, divide_pairs(m, less_1, e), g_at_u))
    h_at_u = add_pairs(start_at_u, multiply_pairs(m, factor_at_u, beyond))
    g_at_u = multiply_pairs(m, multiply_pairs(m, raised, add_to_pair(less_1, 1.0)), g_at_u)
    total = add_pairs(multiply_pairs(m, of_h, h_at_u), multiply_pairs(m, of_g, g_at_u))
    value = (total[0] + total[1]) / (m.where(n > 0.0, d[0], -1.0) * scale)
    return m.where(ends, by_gamma / d[0], value)


def _at_one(m: Any, other_p: Pair, other_q: Pair, c: Pair, d: Pair) -> Any:
    """D F(p, q; c; 1) = gamma(c) gamma(1 + d)/(gamma(c - p) gamma(c - q)) (NIST DLMF 15.4.20)."""
    ratio, log = gamma_ratio(m, (c, add_to_pair(d, 1.0)), (other_p, other_q))
    return times_exp(m, ratio, log)


def smaller(m: Any, a: tuple[Pair, Pair], b: tuple[Pair, Pair]) -> Any:
    """The condition that the first two parameters are clearly smaller than the others."""
    return m.abs(a[0][0]) + m.abs(a[1][0]) + 4.0 < m.abs(b[0][0]) + m.abs(b[1][0])


def _first_terms(m: Any, p: Pair, q: Pair, d: Pair, n: Any, four: Pair) -> tuple[Pair, ...]:
    """The sum over k < n at u = 1/4, u times its slope, C u^n; the sum, C u^n, (4u)^n at u."""
    one_less = add_to_pair(negative(d), 1.0)

    def step(k: Any, *state: Any) -> tuple[Any, ...]:
        term, at_u, total, slope, total_at_u, raised = _pairs(state)
        inside = k < n
        total = add_pairs(total, select_pair(m, inside, term, ZERO))
        slope = add_pairs(slope, scale_pair(m, select_pair(m, inside, term, ZERO), k))
        total_at_u = add_pairs(total_at_u, select_pair(m, inside, at_u, ZERO))
        above = multiply_pairs(m, plus(p, k), plus(q, k))
        last = k + 1.0 >= n
        below = scale_pair(m, select_pair(m, last, ONE, plus(one_less, k)), k + 1.0)
        ratio = _quarter(divide_pairs(m, above, below))
        ratio = select_pair(m, inside, ratio, ONE)
        term = multiply_pairs(m, term, ratio)
        by_u = select_pair(m, inside, four, ONE)
        at_u = multiply_pairs(m, at_u, multiply_pairs(m, ratio, by_u))
        raised = multiply_pairs(m, raised, by_u)
        return (k + 1.0 < n), *_flat(term, at_u, total, slope, total_at_u, raised)

    start = _flat(ONE, ONE, ZERO, ZERO, ZERO, ONE)
    term, at_u, total, slope, total_at_u, raised = _pairs(m.loop(step, start, MOST))
    return total, slope, term, total_at_u, at_u, raised


def _at_quarter(m: Any, p: Pair, q: Pair, c: Any, bits: Any, here: Any) -> tuple[Any, ...]:
    """F(p, q; c; 3/4), u times its slope by u, and the largest term of that."""
    settled = m.max(2.0 - m.min(m.min(p[0], q[0]), c[0] if isinstance(c, tuple) else c), 2.0)
    settled = m.where(here, m.min(settled, MOST - 1.0), 0.0)
    tiny = m.exp2(-bits)

    def step(k: Any, *state: Any) -> tuple[Any, ...]:
        t, f, slope = _pairs(state[:-1])
        above = multiply_pairs(m, plus(p, k), plus(q, k))
        below = scale_pair(m, plus(c, k), k + 1.0)
        t = multiply_pairs(m, t, _quarter(divide_pairs(m, scale_pair(m, above, 3.0), below)))
        f = add_loosely(f, t)
        slope = add_loosely(slope, scale_pair(m, t, k + 1.0))
        size = m.abs(t[0]) * (k + 1.0)
        going = (size > tiny * (m.abs(f[0]) + m.abs(slope[0]))) | (k < settled)
        return going & (size < INF) & here, *_flat(t, f, slope), m.max(state[-1], size)

    *sums, most = m.loop(step, (*_flat(ONE, ONE, ZERO), 1.0), MOST)
    _, f, slope = _pairs(sums)
    return f, multiply_pairs(m, slope, (-THIRD[0], -THIRD[1])), most


def _both_series(
    m: Any, p: Pair, q: Pair, n: Any, e: Pair, four: Pair, bits: Any, here: Any
) -> tuple[Any, ...]:
    """S(e), R, u times the slopes of u^(n + e) S(e) and u^n R over u^n at 1/4; S(e) and R at u.

    Last comes the largest term. R stands for (u^e S(e) - S(0))/e, where (4u)^e takes the place of
    u^e: it is 1 at u = 1/4.
    """
    above_p, above_q = add_to_pair(p, n), add_to_pair(q, n)
    d = add_to_pair(e, n)
    settled = m.max(2.0 - m.min(above_p[0], above_q[0]), 2.0)
    settled = m.where(here, m.min(settled, MOST - 1.0), 0.0)
    tiny = m.exp2(-bits)

    def step(k: Any, *state: Any) -> tuple[Any, ...]:
        b, s, power, g, g_slope, rest, rest_slope, g_u, rest_u = _pairs(state[:-1])
        # S(x) has the ratios (P1 + x)(P2 + x)/((Q1 + x)(Q2 + x - e)).
        p1, p2, q1, q2 = plus(above_p, k), plus(above_q, k), n + 1.0 + k, k + 1.0
        top = multiply_pairs(m, p1, p2)
        added = add_loosely(add_loosely(p1, p2), e)
        top_e = add_loosely(top, multiply_pairs(m, e, added))
        bottom = scale_pair(m, add_to_pair(negative(e), q2), q1)
        inverse_e = _quarter(divide_pairs(m, ONE, scale_pair(m, add_to_pair(e, q1), q2)))
        ratio = divide_pairs(m, top, bottom)
        change = add_loosely(added, scale_pair(m, ratio, -(q1 + q2)))
        change = multiply_pairs(m, change, inverse_e)
        ratio = _quarter(ratio)
        s = add_loosely(multiply_pairs(m, s, ratio), multiply_pairs(m, b, change))
        b = multiply_pairs(m, b, multiply_pairs(m, top_e, inverse_e))
        power = multiply_pairs(m, power, four)
        g, rest = add_loosely(g, b), add_loosely(rest, s)
        g_slope = add_loosely(g_slope, multiply_pairs(m, b, plus(d, q2)))
        rest_slope = add_loosely(rest_slope, add_loosely(b, scale_pair(m, s, q1)))
        g_u = add_loosely(g_u, multiply_pairs(m, b, power))
        rest_u = add_loosely(rest_u, multiply_pairs(m, s, power))
        size = m.max(m.abs(b[0]), m.abs(s[0])) * q1
        going = (size > tiny * (m.abs(g[0]) + m.abs(rest[0]))) | (k < settled)
        sums = _flat(b, s, power, g, g_slope, rest, rest_slope, g_u, rest_u)
        return going & (size < INF) & here, *sums, m.max(state[-1], size)

    start = _flat(ONE, ZERO, ONE, ONE, d, ZERO, ONE, ONE, ZERO)
    *sums, most = m.loop(step, (*start, 1.0), MOST)
    return *_pairs(sums)[3:], most


def _flat(*pairs: Pair) -> tuple[Any, ...]:
    return tuple(part for pair in pairs for part in pair)


def _pairs(state: Any) -> list[Pair]:
    return list(zip(state[0::2], state[1::2], strict=True))
