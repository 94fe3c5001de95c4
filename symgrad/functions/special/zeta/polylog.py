"""Rows of the polylogarithm: Li_s(x), Li_s(x)/x and the derivatives of that.

NIST DLMF 25.12. On (0, 1] ten terms and Euler-Maclaurin's summation (2.10.1), whose integral is a
generalized exponential integral; on [-1, 0) twenty terms and Boole's (24.17.1); beyond -1 and, for
whole orders up to 0, beyond 1 inversion (25.13.3 in real terms), for real orders an integral.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import factorial
from typing import Any

from symgrad.functions.elementary import call, equal, select
from symgrad.functions.special.double import (
    INF,
    NAN,
    ONE,
    divide_pairs,
    exp_double,
    is_even,
    multiply_pairs,
    polynomial,
    scale_pair,
    select_pair,
    two_sum,
)
from symgrad.functions.special.zeta.coefficients import BERNOULLI, BOOLE, LOGS
from symgrad.ir.expression import Expr
from symgrad.ir.primitive import Names, define, no_closed_form

TERMS, ALTERNATING = 10, 20
INSIDE = 0.75
"""Up to here the power series gives the derivatives of Li_s(x)/x."""
GROWING = 0.25
"""Beyond minus this the series of low orders has terms that grow before they fall."""
START, STEP, MOST = -37.0, 0.4375, 2000
HIGHEST = 40
"""The highest order for which x may be below -1."""
EULERIAN = (  # Li_-n(x) = x (sum of A(n, i) x^i)/(1 - x)^(n + 1), n = 1 ... 9: DLMF 26.14.6
    (1.0,),
    (1.0, 1.0),
    (1.0, 4.0, 1.0),
    (1.0, 11.0, 11.0, 1.0),
    (1.0, 26.0, 66.0, 26.0, 1.0),
    (1.0, 57.0, 302.0, 302.0, 57.0, 1.0),
    (1.0, 120.0, 1191.0, 2416.0, 1191.0, 120.0, 1.0),
    (1.0, 247.0, 4293.0, 15619.0, 15619.0, 4293.0, 247.0, 1.0),
    (1.0, 502.0, 14608.0, 88234.0, 156190.0, 88234.0, 14608.0, 502.0, 1.0),
)
# eta(0), eta(2), eta(4), ...: DLMF 25.2.3
# fmt: off
ETA_EVEN = (
    0.5, 0.8224670334241132, 0.9470328294972459, 0.9855510912974351, 0.9962330018526478,
    0.9990395075982715, 0.9997576851438582, 0.9999391703459797, 0.9999847642149061,
    0.9999961878696101, 0.9999990466115816, 0.9999997616132308, 0.9999999403988924,
    0.999999985099232, 0.9999999962747534, 0.9999999990686823, 0.9999999997671699,
    0.9999999999417925, 0.9999999999854481, 0.999999999996362, 0.9999999999990905,
)
# fmt: on


def _slopes(m: Any, s: Any, v: Any, w: float, table: Sequence[float]) -> Any:
    """Sum of table_j f^(2j-1)(w)/f(w), f(t) = t^-s exp(-v t): the product of two Taylor series."""
    count = 2 * len(table)
    powers: list[Any] = [1.0]
    decays: list[Any] = [1.0]
    for j in range(1, count):
        powers.append(powers[-1] * (s + float(j - 1)) * (1.0 / (j * w)))
        decays.append(decays[-1] * v * (1.0 / j))
    total: Any = 0.0
    for place in range(len(table) - 1, -1, -1):
        i = 2 * place + 1
        part = powers[i] + decays[i]
        for j in range(1, i):
            part = m.fma(powers[j], decays[i - j], part)
        total = m.fma(part, -table[place] * factorial(i), total)
    return total


def _ratio(m: Any, s: Any, x: Any) -> Any:
    """Li_s(x)/x for |x| <= 1, the sum of x^(k-1) k^-s."""
    order = m.max(m.min(s, 300.0), -300.0)
    right = x >= 0.0
    size = m.max(m.abs(x), 1e-300)
    v = -m.log(m.where(right, size, 1.0))
    near = m.min(v, 60.0)
    last = m.exp(-order * LOGS[TERMS - 1][0] - (TERMS - 1.0) * near)
    integral = TERMS * m.exp(near - order * LOGS[TERMS - 1][0]) * m.expint(order, TERMS * near)
    slopes = _slopes(m, order, near, float(TERMS), BERNOULLI[:10])
    plus = integral + last * (0.5 - slopes)
    for k in range(TERMS - 1, 1, -1):
        plus = plus + m.exp(-order * LOGS[k - 1][0] - (k - 1.0) * v)
    v = -m.log(m.where(right, 1.0, size))
    near = m.min(v, 30.0)
    last = m.exp(-order * LOGS[ALTERNATING - 1][0] - (ALTERNATING - 1.0) * near)
    minus = last * (_slopes(m, order, near, float(ALTERNATING), BOOLE) - 0.5)
    for k in range(ALTERNATING - 1, 1, -1):
        term = m.exp(-order * LOGS[k - 1][0] - (k - 1.0) * v)
        minus = minus + (term if k % 2 else -term)
    return 1.0 + m.where(right, plus, minus)


def _rational(m: Any, s: Any, x: Any) -> Any:
    """Li_s(x)/x for s = -1 ... -9, at |x| <= 16: its power of 1 - x is a pair."""
    inverse = divide_pairs(m, ONE, two_sum(1.0, -x))
    above: Any = 1.0
    power = multiply_pairs(m, inverse, inverse)
    for n, row in enumerate(EULERIAN, 1):
        here = s <= float(-n)
        if n > 1:
            # Even n have the zero -1, which is divided out.
            even = n % 2 == 0
            own = polynomial(m, x, _without_root(row) if even else row)
            above = m.where(here, (1.0 + x) * own if even else own, above)
            power = multiply_pairs(m, power, select_pair(m, here, inverse, ONE))
    return above * power[0]


def _without_root(row: Sequence[float]) -> list[float]:
    """The coefficients of a polynomial over 1 + x."""
    made = [row[0]]
    for value in row[1:-1]:
        made.append(value - made[-1])
    return made


def _inverted(m: Any, s: Any, x: Any) -> Any:
    """Li_s(x) + (-1)^s Li_s(1/x) for whole s <= 40 and x < -1: a polynomial in log(-x)."""
    log = m.log(-x)
    square = log * log
    total: Any = ETA_EVEN[0]
    for k in range(1, HIGHEST // 2 + 1):
        degree = s - 2.0 * k
        used = degree >= 0.0
        below = m.where(used, (degree + 2.0) * (degree + 1.0), 1.0)
        total = m.where(used, m.fma(total, square / below, ETA_EVEN[k]), total)
    total = -2.0 * total * m.where(is_even(m, s), 1.0, log)
    return m.where(s < 0.0, 0.0, total)


def _integral(m: Any, s: Any, x: Any, used: Any) -> Any:
    """Li_s(x) for -2 < s <= 40 and x < 0 where ``used``: others leave the loop at once.

    -1/gamma(s) times the integral of t^(s-1) v, v = 1/(1 - exp(t)/x), over t > 0 (NIST DLMF
    25.12.11). For s < 0 that of order s + 1 or s + 2, once or twice differentiated by log(-x). With
    t = log(1 + exp(w)) all singularities lie on the lines Im w = +-pi, whatever x is: the
    trapezoidal rule with step 7/16 errs by exp(-45). Terms below exp(-37) are a geometric series.
    """
    q = -1.0 / x
    once, twice = s < 0.0, s < -1.0
    power = m.where(twice, s + 2.0, m.where(once, s + 1.0, s))

    def weight(u: Any) -> Any:
        v = 1.0 / (1.0 + u)
        slope = v * (u * v)
        return m.where(once, m.where(twice, slope * ((u - 1.0) * v), slope), v)

    def step(k: Any, first: Any, total: Any, low: Any) -> tuple[Any, ...]:
        grown = m.exp(STEP * k + START)
        one = 1.0 + grown
        size = m.pow(m.log1p(grown), power - 1.0) * grown / one
        u = q * one
        added = size * weight(u)
        total, lost = two_sum(total, added)
        falling = (u > 1.0) & (grown > 1.0) & (size < (1e-18 * m.abs(total)) * u)
        return used & ~falling, m.where(m.eq(k, 0.0), added, first), total, low + lost

    first, total, low = m.loop(step, (0.0, 0.0, 0.0), MOST)
    total = total + (low + first / m.expm1(STEP * power))
    return -STEP * total / m.gamma(power)


def _power(m: Any, k: int, s: Any, shift: Any) -> Any:
    """exp(-shift)/k^s, its exponent a pair, as their differences are what is left."""
    high, low = scale_pair(m, LOGS[k - 1], -s)
    total, rest = two_sum(high, -shift)
    return exp_double(m, total, rest + low)


def _slope_inside(m: Any, s: Any, x: Any) -> Any:
    """The derivative of Li_s(x)/x by x for |x| <= 1, the sum of (k - 1) x^(k-2) k^-s.

    As ``_ratio``, with a weight; the tail is the difference of the tails for k^(1-s) and k^-s, of
    which the second is ten or twenty times smaller.
    """
    order = m.max(m.min(s, 300.0), -300.0)
    right = x >= 0.0
    size = m.max(m.abs(x), 1e-300)
    v = -m.log(m.where(right, size, 1.0))
    near = m.min(v, 60.0)
    w = float(TERMS)
    last = m.exp(-order * LOGS[TERMS - 1][0] - (w - 2.0) * near)
    lifted = m.exp(2.0 * near - order * LOGS[TERMS - 1][0])
    plus: Any = 0.0
    for power, sign in ((order - 1.0, w), (order, -1.0)):
        slopes = _slopes(m, power, near, w, BERNOULLI[:10])
        plus = plus + sign * (w * lifted * m.expint(power, w * near) + last * (0.5 - slopes))
    for k in range(TERMS - 1, 2, -1):
        plus = plus + (k - 1.0) * _power(m, k, order, (k - 2.0) * v)
    v = -m.log(m.where(right, 1.0, size))
    near = m.min(v, 30.0)
    w = float(ALTERNATING)
    last = m.exp(-order * LOGS[ALTERNATING - 1][0] - (w - 2.0) * near)
    above, below = (_slopes(m, power, near, w, BOOLE) for power in (order - 1.0, order))
    minus = last * (w * (0.5 - above) - (0.5 - below))
    for k in range(ALTERNATING - 1, 2, -1):
        term = (k - 1.0) * _power(m, k, order, (k - 2.0) * v)
        minus = minus + (-term if k % 2 else term)
    return _power(m, 2, order, 0.0) + m.where(right, plus, minus)


def _slope_rational(m: Any, s: Any, x: Any) -> Any:
    """The same for s = -1 ... -9: with A of ``EULERIAN``, (A' (1 - x) + (n + 1) A)/(1 - x)^(n + 2).

    Beyond 1e20 it is 2 (-1)^n/x^3.
    """
    large = m.abs(x) > 1e20
    y = m.where(large, 0.5, x)
    inverse = divide_pairs(m, ONE, two_sum(1.0, -y))
    above: Any = 2.0
    power = multiply_pairs(m, inverse, multiply_pairs(m, inverse, inverse))
    for n, row in enumerate(EULERIAN[1:], 2):
        here = s <= float(-n)
        above = m.where(here, polynomial(m, y, _derived(row, n)), above)
        power = multiply_pairs(m, power, select_pair(m, here, inverse, ONE))
    lead = m.where(large, 1.0 / x, 0.0)
    beyond = m.where(is_even(m, s), 2.0, -2.0) * lead * lead * lead
    return m.where(large, beyond, above * power[0])


def _derived(row: Sequence[float], n: int) -> list[float]:
    """The coefficients of A' (1 - x) + (n + 1) A."""
    slopes = [k * value for k, value in enumerate(row)][1:]
    made = [(n + 1.0) * value for value in row]
    for k, value in enumerate(slopes):
        made[k] += value
        made[k + 1] -= value
    while made[-1] == 0.0:
        made.pop()
    return made


def _slope_integral(m: Any, s: Any, x: Any, used: Any) -> Any:
    """The same for 0 < s <= 40 and x < 0 where ``used``: others leave the loop at once.

    1/gamma(s) times the integral of t^(s-1)/(exp(t) - x)^2, as ``_integral``: nothing is
    subtracted.
    """
    q = -1.0 / x

    def step(k: Any, first: Any, total: Any, low: Any) -> tuple[Any, ...]:
        grown = m.exp(STEP * k + START)
        one = 1.0 + grown
        size = m.pow(m.log1p(grown), s - 1.0) * grown / one
        u = q * one
        weight = 1.0 / (1.0 + u)
        added = size * (weight * weight)
        total, lost = two_sum(total, added)
        falling = (u > 1.0) & (grown > 1.0) & (size < (1e-18 * m.abs(total)) * (u * u))
        return used & ~falling, m.where(m.eq(k, 0.0), added, first), total, low + lost

    first, total, low = m.loop(step, (0.0, 0.0, 0.0), MOST)
    total = total + (low + first / m.expm1(STEP * s))
    return STEP * total / m.gamma(s) * q * q


def _polylog_slope(m: Any, s: Any, x: Any) -> Any:
    """The derivative of Li_s(x)/x by x: (Li_{s-1}(x) - Li_s(x))/x^2 without the difference.

    For s > 0, beyond -1 up to 40, and whole s <= 0; nan elsewhere. Within 8 ulp for s >= 0; for
    s < 0 within 12 eps of the largest term.
    """
    whole = m.eq(s, m.floor(s))
    inside = m.abs(x) <= 1.0
    rational = whole & (s < 0.0) & (s >= -9.0)
    known = (s > 0.0) | whole
    # Terms that grow would be subtracted from each other.
    growing = ~whole & (s < 2.0) & (x < -GROWING)
    plain = inside & known & ~rational & ~growing
    value = _slope_inside(m, m.where(plain, s, 2.0), m.where(plain, x, 0.5))
    value = m.where(plain, value, NAN)
    far = growing | ((x < -1.0) & (s <= float(HIGHEST)) & m.ne(s, 1.0))
    far = far & (x > -INF) & (s > 0.0)
    beyond = _slope_integral(m, m.where(far, s, 1.0), m.where(far, x, -2.0), far)
    value = m.where(far, beyond, value)
    fraction = _slope_rational(m, m.where(rational, s, -1.0), m.where(rational, x, 0.5))
    value = m.where(rational, fraction, value)
    rest = 1.0 - x
    value = m.where(m.eq(s, 0.0), 1.0 / (rest * rest), value)
    value = m.where(m.eq(s, 1.0), -m.log1pc_derivative(1.0, -x), value)
    value = m.where(m.eq(x, -INF) & known & (s <= float(HIGHEST)), 0.0, value)
    return m.where(m.eq(x, x), value, NAN)


def _polylog(m: Any, s: Any, x: Any) -> Any:
    """Li_s(x), the sum of x^k/k^s (NIST DLMF 25.12.10), real s on [-1, 1].

    Below -1 whole s <= 40 and real s on (-2, 40], above 1 whole s <= 0, nan elsewhere. Within 8
    ulp, for real s > 6 below -1 within 12; near the zeros of s < 0 within 10 eps of the largest
    term. Whole s < -9, and real s < -2 on (-1, -1/2), lose digits, real s on (-2, -1) below -1 as
    many as log(-x) has.
    """
    value = m.where(m.eq(s, 1.0), -m.log1p(-x), x * m.polylog_ratio(s, x))
    value = m.where(m.eq(x, -INF) & (s > 0.0), -INF, value)
    return m.where(m.eq(x, 0.0) & m.eq(s, s), x, value)


def _polylog_ratio(m: Any, s: Any, x: Any) -> Any:
    """Li_s(x)/x, 1 at 0; the domain and the error are those of Li_s."""
    whole = m.eq(s, m.floor(s))
    left = whole & (x < -1.0) & (s <= float(HIGHEST))
    outside = left | (whole & (s < 0.0) & (x > 1.0))
    inside = m.abs(x) <= 1.0
    argument = m.where(outside, 1.0 / x, m.where(inside, x, 0.5))
    rational = (s < 0.0) & (s >= -9.0) & whole
    value = m.where(rational, _rational(m, s, argument), _ratio(m, s, argument))
    turned = argument * m.where(is_even(m, s), -value, value)
    turned = (turned + m.where(left, _inverted(m, s, m.where(left, x, -2.0)), 0.0)) * argument
    direct = _rational(m, s, m.where(rational & (m.abs(x) < 16.0), x, 0.5))
    turned = m.where(rational & (m.abs(x) < 16.0), direct, turned)
    value = m.where(inside, value, m.where(outside, turned, NAN))
    # Real orders, where neither the power series nor the inversion serves.
    real = ~whole & (x > -INF) & (s > -2.0) & (s <= float(HIGHEST))
    far = real & (x < m.where(s < 0.0, -0.5, -1.0))
    integral = _integral(m, m.where(far, s, 1.0), m.where(far, x, -2.0), far)
    value = m.where(far, integral / m.where(far, x, -2.0), value)
    safe = m.where(m.eq(x, 0.0), 1.0, x)
    value = m.where(m.eq(s, 1.0), m.where(m.eq(x, 0.0), 1.0, -m.log1p(-x) / safe), value)
    value = m.where(m.eq(s, 0.0), 1.0 / (1.0 - x), value)
    value = m.where(m.eq(x, -INF) & (s > 0.0) & (s <= float(HIGHEST)), 0.0, value)
    return m.where(m.eq(s, s), value, NAN)


def _polylog_series(m: Any, j: Any, s: Any, x: Any) -> Any:
    """The j-th derivative of Li_s(x)/x by x, |x| <= 3/4: the sum of (k-1)...(k-j) x^(k-1-j)/k^s."""
    inside = m.abs(x) <= INSIDE
    y = m.where(inside, x, 0.0)
    first = m.gamma(j + 1.0)

    def step(k: Any, power: Any, total: Any) -> tuple[Any, ...]:
        added = power * m.exp(-s * m.log(k + j + 1.0))
        total = total + added
        power = power * y * ((k + j + 1.0) / (k + 1.0))
        return (m.abs(added) > 1e-18 * m.abs(total)) | (k < 4.0), power, total

    return m.where(inside, m.loop(step, (first, 0.0), 400)[1], NAN)


def _series_oracle(mp: Any, j: Any, s: Any, x: Any) -> Any:
    if not (abs(x) <= INSIDE and mp.isint(j)):
        return mp.nan
    with mp.extradps(10):
        terms = int(mp.mp.prec / 0.4 + 4 * j + 40)
        count = int(j)
        return mp.fsum(
            mp.ff(k - 1, count) * x ** (k - 1 - count) * mp.mpf(k) ** -s
            for k in range(count + 1, terms)
        )


def _oracle(mp: Any, s: Any, x: Any) -> Any:
    with mp.extradps(15):
        return mp.polylog(int(s) if mp.isint(s) else s, x)


def _slope_oracle(mp: Any, s: Any, x: Any) -> Any:
    if mp.isinf(x):
        return mp.mpf(0) if x < 0 else mp.nan
    if not x:
        return mp.mpf(2) ** -s
    with mp.extradps(15 + 2 * max(0, -mp.mag(x))):
        return (_oracle(mp, s - 1, x) - _oracle(mp, s, x)) / x**2


def _slope(s: Expr, x: Expr) -> Expr:
    """The derivative of Li_s(x)/x: by its row where that serves, for positive and whole orders."""
    row = call("polylog_slope", s, x)
    far = (call("polylog_ratio", s - 1, x) - call("polylog_ratio", s, x)) / x
    other = select(abs(x) < INSIDE, call("polylog_series", 1, s, x), far)
    return select(s > 0, row, select(equal(s, call("floor", s)), row, other))


def _curvature(y: Expr, s: Expr, x: Expr) -> Expr:
    near = call("polylog_series", 2, s, x)
    # Left of 0 the terms of orders below 1 grow, and would be subtracted from each other.
    least = select(s < 1, -GROWING, -INSIDE)
    return select((x < INSIDE) & (x > least), near, (_slope(s - 1, x) - 2 * y) / x)


ORDER = "the order of a polylogarithm"
PIECE = "the order of a derivative"

# fmt: off
polylog = define("polylog", no_closed_form(ORDER),
                 lambda y, s, x: call("polylog_ratio", s - 1, x), domain=((2, 5), (-0.9, 0.9)),
                 kind="routine", definition=_polylog, oracle=_oracle, cost=3000, ulp=12.0,
                 whole=(0,), names=Names(), source="NIST DLMF 25.12.10, 25.12.11")
polylog_ratio = define("polylog_ratio", no_closed_form(ORDER),
                       lambda y, s, x: _slope(s, x), domain=((2, 5), (0.05, 0.7)), kind="routine",
                       definition=_polylog_ratio,
                       oracle=lambda mp, s, x: _oracle(mp, s, x) / x if x else mp.mpf(1), cost=3000,
                       ulp=12.0, whole=(0,), names=Names(), source="NIST DLMF 25.12.10, 25.12.11")
polylog_slope = define("polylog_slope", no_closed_form(ORDER),
                       _curvature, domain=((2, 5), (0.05, 0.7)), kind="routine",
                       definition=_polylog_slope,
                       oracle=_slope_oracle, cost=5000, ulp=12.0, whole=(0,), names=Names(),
                       source="NIST DLMF 25.12.10, 25.12.11")
polylog_series = define("polylog_series", no_closed_form(PIECE), no_closed_form(ORDER),
                        lambda y, j, s, x: call("polylog_series", j + 1, s, x),
                        domain=((0, 3), (2, 5), (-0.7, 0.7)), kind="routine",
                        definition=_polylog_series, oracle=_series_oracle, cost=1500, ulp=8.0,
                        whole=(0, 1), names=Names(), source="NIST DLMF 25.12.10")
# fmt: on

ROWS = (polylog, polylog_ratio, polylog_slope, polylog_series)
