"""Rows of the zeta functions of Riemann and Hurwitz, their derivatives, polygamma and eta.

NIST DLMF chapters 25 and 5.15. All rest on Euler and Maclaurin's summation (25.2.9, 25.11.5), ten
terms and ten corrections; near the pole at 1 on the Laurent series, left of -1 on reflection
(25.4.1), for derivatives by the exponent in power series.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import factorial
from typing import Any

from symgrad.functions.elementary import call
from symgrad.functions.special.double import (
    INF,
    NAN,
    Pair,
    add_pairs,
    exp_double,
    is_even,
    log_double,
    multiply_pairs,
    scale_pair,
    short_polynomial,
    sin_pi,
    two_sum,
)
from symgrad.functions.special.gamma.gamma import LARGE, _digamma, stirling
from symgrad.functions.special.zeta.coefficients import (
    BERNOULLI,
    BOOLE,
    ETA,
    LAURENT,
    LOG_LOGS,
    LOGS,
    MIDDLE,
)
from symgrad.functions.special.zeta.series import (
    EXP_138_OVER_PI,
    HIGHEST,
    product,
    reflected_series,
    reflection,
    zeta_series,
)
from symgrad.ir.primitive import Names, define, no_closed_form

PI = 3.141592653589793
# fmt: off
HALVES = (  # B_2j(1/2)/(2j)!, j = 1, 2, ... (NIST DLMF 24.4.27)
    -0.041666666666666664, 0.0012152777777777778, -3.2035383597883595e-05, 8.202608300264551e-07,
    -2.0835982071876168e-08, 5.281609967721337e-10, -1.3380902920268335e-11,
    3.389576851489321e-13, -8.585996549822947e-15, 2.174864550325223e-16,
)
# fmt: on
TERMS = 10
CORRECTIONS = 10


def _corrections(m: Any, s: Any, w: Any) -> Any:
    """1/2 + the sum of B_2j/(2j)! s(s+1)...(s+2j-2) w^(1-2j): Euler-Maclaurin's, over w^-s."""
    inverse = 1.0 / w
    square = inverse * inverse
    total: Any = BERNOULLI[CORRECTIONS - 1]
    for j in range(CORRECTIONS - 1, 0, -1):
        total = m.fma(total * (s + (2.0 * j - 1.0)), (s + 2.0 * j) * square, BERNOULLI[j - 1])
    return m.fma(total, s * inverse, 0.5)


def hurwitz_ratio(m: Any, s: Any, a: Any, s_low: Any = 0.0) -> Any:
    """a^s zeta(s, a) = 1 + sum of (a/(a + k))^s, a > 0, at s + s_low.

    The powers are at most 1, so exp(-s log1p(k/a)) keeps their digits.
    """
    powers = [m.exp(-s * m.log1p(k / a)) for k in range(1, TERMS + 1)]
    w = a + float(TERMS)
    total = powers[-1] * (w / ((s - 1.0) + s_low) + _corrections(m, s, w))
    for power in reversed(powers[:-1]):
        total = total + power
    return 1.0 + total


def _bernoulli(m: Any, s: Any, a: Any) -> Any:
    """zeta(s, a) for s = 0, -1, ... -19: Bernoulli's polynomial over s - 1 (NIST DLMF 25.11.14).

    In powers of (a - 1/2)^2 it is even or odd (24.4.3, 24.4.27).
    """
    degree = 1.0 - s
    w = a - 0.5
    square = w * w

    def step(k: Any, falling: Any, total: Any) -> tuple[Any, ...]:
        left = degree - 2.0 * k
        falling = falling * (left * (left - 1.0))
        total = m.where(left >= 2.0, m.fma(total, square, falling * m.lookup(HALVES, k)), total)
        return left >= 4.0, falling, total

    _, total = m.loop(step, (1.0, 1.0), len(HALVES))
    return total * m.where(is_even(m, degree), 1.0, w) / -degree


def _hurwitz(m: Any, s: Any, a: Any) -> Any:
    """zeta(s, a) (NIST DLMF 25.11.1)."""
    return _hurwitz_at(m, s, 0.0, a)


def _hurwitz_derivative(m: Any, k: Any, s: Any, a: Any) -> Any:
    """The k-th derivative of zeta(s, a) by a, (-1)^k s (s+1)...(s+k-1) zeta(s + k, a): 25.11.17.

    s + k is a pair: what its rounding loses, a large log(a) or a pole nearby would multiply. At the
    pole s + k = 1 the product has a zero. nan for other k.
    """
    total, low = two_sum(s, k)
    at_pole = m.eq(total, 1.0) & m.eq(low, 0.0) & (k >= 1.0)

    def factor(j: Any, product_: Any) -> tuple[Any, ...]:
        used = (j < k) & ~(at_pole & (j + 1.5 > k))
        return j + 1.0 < k, product_ * m.where(used, s + j, 1.0)

    (factors,) = m.loop(factor, (m.where(is_even(m, k), 1.0, -1.0),), 128)
    value = factors * m.where(at_pole, 1.0, _hurwitz_at(m, total, low, a))
    return m.where((k >= 0.0) & m.eq(k, m.floor(k)), value, NAN)


def _hurwitz_at(m: Any, s: Any, s_low: Any, a: Any) -> Any:
    """zeta(s + s_low, a), the sum of (a + k)^-s over k >= 0 (NIST DLMF 25.11.1, 25.11.5).

    a < 0 where the terms are real, at whole s: below 1 by -(-1)^s zeta(s, 1 - a) (25.11.14,
    24.4.3); above it is zeta(s, x) + (-1)^s (zeta(s, 1 - x) - zeta(s, 1 - a)), x = a - floor(a)
    (25.11.4). Within 8 ulp for s > 1 and a > 0, for a < 0 within 8 eps of the largest part; for
    s < 1, the continuation, within 8 eps of (|a| + 10)^(1 - s), but for the polynomials s = 0, -1,
    ... -19. inf at s = 1 and at the poles a = 0, -1, ... of even s > 1; nan at those of odd s, and
    where the terms are not real.
    """
    order = m.max(m.min(s, 1e6), -1e6)
    negative = (a <= 0.0) & (m.abs(a) < INF)
    whole = m.eq(s, m.floor(s))
    sign = m.where(is_even(m, s), 1.0, -1.0)
    several = negative & whole & (s > 1.0)
    turned = negative & ~several
    plain = whole & (s <= 0.0) & (s > -2.0 * len(HALVES)) & (m.abs(a) < INF)
    own = m.where(negative, 1.0, a)
    start = m.where(turned, 1.0 - a, m.where(several, a - m.floor(a), own))
    start = m.where((start > 0.0) & (start < INF), start, 1.0)

    def add(k: Any, total: Any, sign_: Any, base: Any) -> tuple[Any, ...]:
        log, low = log_double(m, base)
        # A factor a goes to the ratio, which grows with it: a^-s alone may underflow.
        exponent, rest = two_sum(m.where(base > 1.0, 1.0, 0.0), -order)
        high, low = multiply_pairs(m, (log, low), (exponent, rest - s_low))
        rest = m.where(m.abs(high) < 1500.0, low, 0.0)
        power = exp_double(m, m.max(m.min(high, 1500.0), -1500.0), rest)
        value = power * (hurwitz_ratio(m, order, base, s_low) / m.max(base, 1.0))
        last = m.ne(k, 0.0)
        next_base = m.where(last, 1.0 - a, m.ceil(a) - a)
        going = several & (k < 2.0)
        return going, total + sign_ * value, m.where(last, -sign, sign), next_base

    first = m.where(turned, -sign, 1.0)
    value = m.loop(add, (0.0, first, start), 3)[0]
    polynomial_ = _bernoulli(m, m.where(plain, s, 0.0), m.where(plain, a, 1.0))
    value = m.where(plain, polynomial_, m.where(m.eq(s, 1.0), INF, value))
    pole = negative & (s > 0.0) & m.eq(a, m.floor(a))
    at_pole = m.where(whole & (m.eq(a, 0.0) | (sign > 0.0)), INF, NAN)
    at_pole = m.where(m.eq(a, 0.0), INF, at_pole)
    value = m.where(pole, at_pole, value)
    known = (a > 0.0) & (a < INF) | negative & (whole | m.eq(a, 0.0))
    end = m.where(m.eq(a, INF) & (s > 1.0), 0.0, NAN)
    return m.where(m.eq(s, s), m.where(known, value, end), NAN)


def zeta_sum(m: Any, s: Any) -> Any:
    """zeta(s) for s >= 3/2: ten terms from four exponentials."""
    two, three, five, seven = (m.exp(-s * LOGS[p - 1][0]) for p in (2, 3, 5, 7))
    four = two * two
    ten = two * five
    tail = ten * (10.0 / (s - 1.0) + _corrections(m, s, 10.0))
    small = tail + three * three + four * two + seven + three * two
    return 1.0 + (two + (three + (four + (five + small))))


def _zeta(m: Any, s: Any) -> Any:
    """Riemann's zeta(s), real s (NIST DLMF 25.2.1).

    On [-1/2, 3/2] a polynomial over s - 1, beyond Euler-Maclaurin, below -1/2 reflection (25.4.1),
    2 (2 pi)^(s-1) sin(pi s/2) gamma(1-s) zeta(1-s). Within 6 ulp, the zeros at -2, -4, ... too.
    inf at 1, nan at -inf.
    """
    reflected = s < -0.5
    b = m.min(m.where(reflected, -s, 1.0), 400.0)
    series = zeta_sum(m, m.max(m.min(m.where(reflected, 1.0 + b, s), 64.0), 1.5))
    u = m.max(m.min(s, 1.5), -0.5)
    middle = short_polynomial(m, u - 0.5, MIDDLE) / (u - 1.0)
    power, small = reflection(m, b)
    sine = sin_pi(m, 0.5 * m.where(reflected, s, 1.0))
    left = sine * power * small * (b * series) * EXP_138_OVER_PI
    left = m.where(m.eq(m.abs(sine), 0.0), 0.0, left)
    return m.where(
        reflected,
        left,
        m.where(s <= 1.5, m.where(m.eq(s, 1.0), INF, middle), m.where(m.eq(s, s), series, s)),
    )


def _polygamma(m: Any, n: Any, x: Any) -> Any:
    """The n-th derivative of digamma, whole n >= 0 (NIST DLMF 5.15.1): nan for other n.

    n >= 1: (-1)^(n+1) n! zeta(n + 1, x); x < 0 by the sum over all whole k of (x + k)^-(n+1), two
    Hurwitz sums around the nearest pole, less the part beyond (5.15.6). Within 8 ulp; near the
    zeros of even n at negative x within 8 eps of the larger part. +-inf or nan at the poles.
    """
    order = m.max(n, 1.0)
    s = order + 1.0
    even = is_even(m, s)
    negative = x <= 0.0
    finite = m.abs(x) < INF
    point = m.where(finite, x, 1.0)
    nearest = m.rint(point)
    r = point - nearest
    pole = negative & m.eq(r, 0.0)
    # |r|^-s scales the sum around the pole, x^-s the sum of a positive x.
    base = m.where(negative, m.where(pole, 0.5, m.abs(r)), point)
    log = log_double(m, base)
    factorial = stirling(m, m.max(s, LARGE))
    small = m.where(s < LARGE, 1.0, 0.0)
    exact: Any = 1.0
    for k in (2.0, 3.0, 4.0):
        exact = exact * m.where((s > k) & (s < LARGE), k, 1.0)

    def scaled(log: Pair, scale: Any) -> Any:
        high, low = scale_pair(m, log, m.where(scale > 1.0, 1.0, 0.0) - s)
        add = m.where(small > 0.0, 0.0, factorial[0]), m.where(small > 0.0, 0.0, factorial[1])
        high, low = add_pairs((high, low), add)
        return exact * exp_double(m, high, low)

    own = m.where(negative, 1.0, point)
    own = scaled(log, base) * (hurwitz_ratio(m, s, own) / m.max(own, 1.0))
    # Around the pole: all signs are relative to |r|^-s.
    sign = m.where(even, 1.0, -1.0)
    ahead, behind = 1.0 + base, 1.0 - base  # distances to the neighbours, on the side of r and not
    near = (
        1.0
        + m.exp(s * m.log(base / ahead)) * hurwitz_ratio(m, s, ahead)
        + sign * m.exp(s * m.log(base / behind)) * hurwitz_ratio(m, s, behind)
    )
    around = m.where(r < 0.0, sign, 1.0) * scaled(log, base) * near
    beyond = 1.0 - m.where(negative, point, 0.0)
    far = scaled(log_double(m, beyond), beyond) * (hurwitz_ratio(m, s, beyond) / beyond)
    value = m.where(negative, around - sign * far, own)
    value = m.where(pole, m.where(even, INF, m.where(m.eq(x, 0.0), 1.0 / x, NAN)), value)
    value = m.where(even, value, -value)
    value = m.where(finite, value, m.where(x > 0.0, m.where(even, 0.0, -0.0), NAN))
    value = m.where(m.eq(n, 0.0), _digamma(m, x), value)
    return m.where((n >= 0.0) & m.eq(n, m.floor(n)), value, NAN)


def _slopes(m: Any, n: Any, s: Any, log: float, w: float, table: Sequence[float]) -> Any:
    """Sum of table_j w^(2j-1) f^(2j-1)(w)/f(w), f(t) = t^-s log(t)^n, ``log`` being log(w).

    w^i f^(i)/f is the sum over k of e_ik, e_(i+1)k = e_i(k-1) (n - k + 1)/log(w) - (s + i) e_ik:
    the factors n - k + 1 end it at k = n.
    """
    row: list[Any] = [1.0]
    total: Any = 0.0
    for i in range(2 * len(table) - 1):
        moved = [value * ((n - float(k)) * (1.0 / log)) for k, value in enumerate(row)]
        kept = [value * -(s + float(i)) for value in row]
        row = [kept[0], *(a + b for a, b in zip(moved, kept[1:], strict=False)), moved[-1]]
        if i % 2 == 0:
            part = row[0]
            for value in row[1:]:
                part = part + value
            total = total + part * (table[i // 2] * w ** (-1.0 - i))
    return total


def _log_power(m: Any, n: Any, s: Any, k: int) -> Any:
    """log(k)^n k^-s for k = 2 ... 20."""
    return exp_double(
        m, *add_pairs(scale_pair(m, LOG_LOGS[k - 2], n), scale_pair(m, LOGS[k - 1], -s))
    )


def _high_order(m: Any, n: Any, s: Any, integral: Any, used: Any) -> Any:
    """The sum of log(k)^n k^-s where ``used``, for s >= 3/2: the loops leave others at once."""

    def add(k: Any, total: Any) -> tuple[Any, ...]:
        index = 7.0 - k
        pairs = [
            (m.lookup([v[0] for v in table], index), m.lookup([v[1] for v in table], index))
            for table in (LOG_LOGS[:8], LOGS[1:9])
        ]
        exponent = add_pairs(scale_pair(m, pairs[0], n), scale_pair(m, pairs[1], -s))
        return used & (k < 7.0), total + exp_double(m, *exponent)

    def correct(i: Any, total: Any, power: Any, *row: Any) -> tuple[Any, ...]:
        moved = [value * ((n - float(k)) * (1.0 / LOGS[9][0])) for k, value in enumerate(row)]
        kept = [value * -(s + i) for value in row]
        row = (kept[0], *(a + b for a, b in zip(moved[:-1], kept[1:], strict=True)))
        part = row[0]
        for value in row[1:]:
            part = part + value
        part = part * (power * m.lookup(BERNOULLI[:9], 0.5 * i))
        return used & (i < 16.0), total + m.where(is_even(m, i), part, 0.0), power * 0.1, *row

    corrections = m.loop(correct, (0.0, 0.1, 1.0, *[0.0] * 17), 17)[0]
    last = _log_power(m, n, s, 10) * (10.0 * integral + (0.5 - corrections))
    return m.loop(add, (last,), 8)[0]


def _zeta_derivative(m: Any, n: Any, s: Any) -> Any:
    """The n-th derivative of zeta(s) by s, whole n >= 0 (NIST DLMF 25.2.1, 25.2.4, 25.4.1).

    From 3/2 on the n-th derivative of Euler-Maclaurin's sum, the sum of (-log k)^n k^-s; on
    [-1, 3/2] of the Laurent series; below -1 of the reflection, up to n = 4. Within 6 ulp up to
    n = 4, and 30 up to n = 8; below -1 within 8 ulp for n = 1, 12 for n = 2 and 20 eps of the
    derivatives nearby for n = 3 and 4. inf at 1; below -1 nan for n > 4.
    """
    sign = m.where(is_even(m, n), 1.0, -1.0)
    reflected = s < -1.0
    large = m.max(m.min(m.where(reflected, 1.0 - s, s), 1100.0), 1.5)
    u = m.max(m.min(s, 1.5), -1.0) - 1.0
    over, step = 1.0 / (large - 1.0), 1.0 / (LOGS[9][0] * (large - 1.0))

    def derive(k: Any, tail: Any, sum_: Any, pole: Any, *c: Any) -> tuple[Any, ...]:
        going = k < n
        new_tail = tail * ((n - k) * step)
        shifted = [value * float(place + 1) for place, value in enumerate(c[1:])]
        derived = (new_tail, sum_ + new_tail, pole * (k + 1.0) / u, *shifted, 0.0)
        old = (tail, sum_, pole, *c)
        return (k + 1.0 < n, *(m.where(going, a, b) for a, b in zip(derived, old, strict=True)))

    start = (over, over, 1.0 / u, *LAURENT)
    _, integral, pole, *taylor = m.loop(derive, start, 171)
    value: Any = taylor[-1]
    for coefficient in reversed(taylor[:-1]):
        value = m.fma(value, u, coefficient)
    middle = value + sign * pole
    series = zeta_series(m, large)
    left = reflected_series(m, m.where(reflected, s, -2.0), series)
    high = _high_order(m, n, large, integral, (n > float(HIGHEST)) & (s > 1.5))
    right, other = sign * high, NAN
    for order in range(HIGHEST + 1):
        here = m.eq(n, float(order))
        right = m.where(here, series[order] * float(factorial(order)), right)
        other = m.where(here, left[order] * float(factorial(order)), other)
    value = m.where(reflected, other, m.where(s <= 1.5, middle, right))
    value = m.where(m.eq(s, 1.0), INF, m.where(m.eq(s, s), value, NAN))
    return m.where((n >= 0.0) & m.eq(n, m.floor(n)), value, NAN)


def _eta(m: Any, s: Any) -> Any:
    """Dirichlet's eta(s) = (1 - 2^(1-s)) zeta(s) (NIST DLMF 25.2.3), log 2 at 1. Within 10 ulp."""
    power = exp_double(m, *scale_pair(m, LOGS[1], 1.0 - m.min(s, 0.0)))
    factor = m.where(s < 0.0, 1.0 - power, -m.expm1((1.0 - s) * LOGS[1][0]))
    zeta = _zeta(m, s)
    value = m.where(m.eq(zeta, 0.0), 0.0, factor * zeta)  # where the factor may be infinite
    return m.where(m.eq(s, 1.0), LOGS[1][0], value)


def _eta_derivative(m: Any, n: Any, s: Any) -> Any:
    """The n-th derivative of eta(s) by s, whole n >= 0.

    From 7/2 on the n-th derivative of Boole's sum of (-1)^(k-1) k^-s (NIST DLMF 24.17.1); on
    [-1, 7/2] of Taylor's series at 1; below -1, up to n = 4, from the series of zeta and 25.2.3.
    Errors as of zeta_derivative; nan below -1 for n > 4.
    """
    sign = m.where(is_even(m, n), 1.0, -1.0)
    large = m.max(m.min(s, 1100.0), 3.5)
    u = m.max(m.min(s, 3.5), -1.0) - 1.0

    def derive(k: Any, *c: Any) -> tuple[Any, ...]:
        shifted = [*(value * float(place + 1) for place, value in enumerate(c[1:])), 0.0]
        kept = [m.where(k < n, a, b) for a, b in zip(shifted, c, strict=True)]
        return (k + 1.0 < n, *kept)

    taylor = m.loop(derive, ETA, len(ETA))
    last = _log_power(m, n, large, 20)
    slopes = _slopes(m, n, large, LOGS[19][0], 20.0, BOOLE)
    total = -last * (0.5 - slopes)
    for k in range(19, 1, -1):
        power = _log_power(m, n, large, k)
        total = total + (power if k % 2 else -power)
    value: Any = taylor[-1]
    for coefficient in reversed(taylor[:-1]):
        value = m.fma(value, u, coefficient)
    value = m.where(s <= 3.5, value, sign * total)
    reflected = s < -1.0
    below = m.where(reflected, s, -2.0)
    power = exp_double(m, *scale_pair(m, LOGS[1], 1.0 - below))
    series = reflected_series(m, below, zeta_series(m, m.min(1.0 - below, 1100.0)))
    factors = [power * (-((-LOGS[1][0]) ** i) / factorial(i)) for i in range(HIGHEST + 1)]
    factors[0] = 1.0 + factors[0]
    other: Any = NAN
    for order, coefficient in enumerate(product(m, series, factors)):
        here = m.eq(n, float(order))
        other = m.where(here, coefficient * float(factorial(order)), other)
    value = m.where(reflected, other, m.where(m.eq(s, s), value, NAN))
    value = m.where(m.eq(n, 0.0), _eta(m, s), value)
    return m.where((n >= 0.0) & m.eq(n, m.floor(n)), value, NAN)


def _whole(mp: Any, n: Any) -> bool:
    return bool(n >= 0 and mp.isint(n))


def _polygamma_oracle(mp: Any, n: Any, x: Any) -> Any:
    return mp.psi(int(n), x) if _whole(mp, n) else mp.nan


def _zeta_oracle(mp: Any, n: Any, s: Any) -> Any:
    return mp.zeta(s, 1, int(n)) if _whole(mp, n) else mp.nan


def _eta_oracle(mp: Any, n: Any, s: Any) -> Any:
    if not _whole(mp, n):
        return mp.nan
    count = int(n)
    with mp.extradps(20):
        return mp.diff(mp.altzeta, s, count) if count else mp.altzeta(s)


def _hurwitz_oracle(mp: Any, s: Any, a: Any) -> Any:
    # mpmath's error is absolute.
    with mp.extradps(10 + int(max(0, s * mp.log10(a))) if 0 < a < mp.inf and s < 1e6 else 10):
        return mp.zeta(s, a)


def _hurwitz_derivative_oracle(mp: Any, k: Any, s: Any, a: Any) -> Any:
    if not _whole(mp, k):
        return mp.nan
    with mp.extradps(15):
        if s + k == 1 and k:
            return (-1) ** int(k) * mp.rf(s, int(k) - 1)
        return (-1) ** int(k) * mp.rf(s, int(k)) * _hurwitz_oracle(mp, s + k, a)


ORDER = "the order of a derivative"

# fmt: off
polygamma = define("polygamma", no_closed_form(ORDER),
                   lambda y, n, x: call("polygamma", n + 1, x), domain=((1, 5), (0.3, 9)),
                   whole=(0,), kind="routine", definition=_polygamma,
                   oracle=_polygamma_oracle, cost=1500, ulp=8.0, names=Names(),
                   folds={0: lambda n, x: call("digamma", x), 1: lambda n, x: call("trigamma", x)},
                   source="NIST DLMF 5.15.1")
zeta = define("zeta", lambda y, s: call("zeta_derivative", 1, s), domain=(1.2, 9), kind="routine",
              definition=_zeta, oracle=lambda mp, s: mp.zeta(s), cost=350, ulp=6.0,
              names=Names(mpmath="zeta"), source="NIST DLMF 25.2.1")
zeta_derivative = define("zeta_derivative", no_closed_form(ORDER),
                         lambda y, n, s: call("zeta_derivative", n + 1, s),
                         domain=((1, 4), (1.2, 9)), whole=(0,), kind="routine",
                         definition=_zeta_derivative, oracle=_zeta_oracle, cost=1700,
                         ulp=12.0, names=Names(),
                         source="NIST DLMF 25.2.4, 25.4.1")
hurwitz_zeta = define("hurwitz_zeta", no_closed_form("the exponent of Hurwitz's zeta"),
                      lambda y, s, a: call("hurwitz_zeta_derivative", 1, s, a),
                      domain=((1.2, 9), (0.3, 9)), kind="routine", definition=_hurwitz,
                      oracle=_hurwitz_oracle, cost=600, ulp=8.0, names=Names(),
                      source="NIST DLMF 25.11.17")
hurwitz_zeta_derivative = define("hurwitz_zeta_derivative", no_closed_form(ORDER),
                                 no_closed_form("the exponent of Hurwitz's zeta"),
                                 lambda y, k, s, a: call("hurwitz_zeta_derivative", k + 1, s, a),
                                 domain=((1, 1), (1.2, 9), (0.3, 9)), whole=(0,), kind="routine",
                                 definition=_hurwitz_derivative,
                                 oracle=_hurwitz_derivative_oracle, cost=650, ulp=8.0,
                                 names=Names(), source="NIST DLMF 25.11.17")
dirichlet_eta = define("dirichlet_eta", lambda y, s: call("dirichlet_eta_derivative", 1, s),
                       domain=(0.2, 9), kind="routine", definition=_eta,
                       oracle=lambda mp, s: mp.altzeta(s), cost=370, ulp=10.0,
                       names=Names(mpmath="altzeta"), source="NIST DLMF 25.2.3")
dirichlet_eta_derivative = define("dirichlet_eta_derivative", no_closed_form(ORDER),
                                  lambda y, n, s: call("dirichlet_eta_derivative", n + 1, s),
                                  domain=((1, 4), (0.2, 9)), whole=(0,), kind="routine",
                                  definition=_eta_derivative, oracle=_eta_oracle, cost=2200,
                                  ulp=12.0, names=Names(), source="NIST DLMF 25.2.3, 25.4.1")
# fmt: on

ROWS = (
    *(polygamma, zeta, zeta_derivative, hurwitz_zeta, hurwitz_zeta_derivative),
    *(dirichlet_eta, dirichlet_eta_derivative),
)
