"""Rows of the derivatives of I and K by x, plain and scaled, of any order of differentiation.

``besseli_derivative(k, n, x)`` is the k-th derivative of besseli(n, x), and so on. Scaled functions
change by 1/(2 x) of themselves only, so that differences of them cancel: here sums over orders
(NIST DLMF 10.29.5, ``Difference``) are in pairs of doubles, from first values whose own derivatives
have all their digits, and far out the series of 10.40 are differentiated term by term.
"""

from __future__ import annotations

from typing import Any

from symgrad.functions.special.bessel.modified import grown
from symgrad.functions.special.bessel.ordinary import derivative_row
from symgrad.functions.special.bessel.real_order import ROOT_HALF_PI, TWO_OVER_PI, temme
from symgrad.functions.special.bessel.recurrences import (
    LARGE,
    MOST_ORDERS,
    SMALL,
    Difference,
    downward_sum,
    halved,
    is_whole,
    upward_sum,
)
from symgrad.functions.special.double import (
    INF,
    NAN,
    Pair,
    add_pairs,
    add_to_pair,
    divide_pairs,
    is_even,
    scale_pair,
    sin_pi,
    two_product,
    two_sum,
)

SERIES_EDGE = 0.01
"""Below this Temme's series, beyond it the integral."""

FAR_EDGE = 50.0
ROOT_TWO_PI_INVERSE = 0.3989422804014327
LARGEST_GROWN = 1000.0
"""From there on I of small orders is infinite."""


def decay_integral(m: Any, mu: Any, x: Any) -> tuple[Any, Any, Any, Any]:
    """(f, -f', f'', g) of f = exp(x) K_mu(x), g = exp(x) K_{mu+1}(x), |mu| <= 1/2, x >= 0.01.

    The integrals of (cosh t - 1)^k exp(-x (cosh t - 1)) cosh(mu t) over t > 0 (NIST DLMF 10.32.9)
    by the trapezoidal rule, which converges as exp(-pi^2/step): all terms are positive. What
    rounding takes from the first three sums is kept, as derivatives of neighbours multiply it.
    3 ulp, 5 ulp for the last.
    """
    step = 0.2 / m.sqrt(1.0 + 0.1 * x)
    above = mu + 1.0

    def turn(
        k: Any, zero: Any, one: Any, two: Any, low_0: Any, low_1: Any, low_2: Any, upper: Any
    ) -> Any:
        t = step * (k + 1.0)
        half = m.sinh(0.5 * t)
        a = 2.0 * half * half
        power = m.exp(-x * a)
        term = power * m.cosh(mu * t)
        upper = m.fma(power, m.cosh(above * t), upper)
        zero, lost_0 = two_sum(zero, term)
        one, lost_1 = two_sum(one, a * term)
        two, lost_2 = two_sum(two, a * a * term)
        lows = low_0 + lost_0, low_1 + lost_1, low_2 + lost_2
        return x * a < 50.0, zero, one, two, *lows, upper

    start = (0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5)
    zero, one, two, low_0, low_1, low_2, upper = m.loop(turn, start, 80)
    return step * (zero + low_0), step * (one + low_1), step * (two + low_2), step * upper


def decay_start(m: Any, mu: Any, x: Any) -> tuple[Pair, Pair]:
    """Exp(x) (K_mu, K_{mu+1}) as pairs, x >= 1e-155, so that the first two derivatives are right.

    Two of f, f', f'' and g give the others, each as a sum without cancellation: g = (1 + mu/x) f
    - f', and by the differential equation x^2 f'' + (2 x - 1) x (-f') = (mu^2 + x) f.
    """
    series_x = m.min(x, SERIES_EDGE)
    is_series = x < SERIES_EDGE
    power = m.exp(series_x)
    first, second = temme(m, mu, series_x, 1.0)
    outside = m.max(x, SERIES_EDGE)
    f, less, bend, g = decay_integral(m, mu, outside)

    twice = two_sum(2.0 * outside, -1.0)
    inner = add_pairs(two_product(m, outside, bend), scale_pair(m, twice, less))
    bottom = add_to_pair(two_product(m, mu, mu), outside)
    high, low = divide_pairs(m, scale_pair(m, inner, outside), bottom)
    is_far = x >= 0.5
    value = m.where(is_far, high, f), m.where(is_far, low, 0.0)
    ratio = divide_pairs(m, two_sum(outside, mu), (outside, 0.0))
    product = scale_pair(m, ratio, value[0])
    above = add_to_pair((product[0], m.fma(ratio[0], value[1], product[1])), less)
    # Below 0 the terms of g have both signs, but those of f' do not cancel there.
    is_near = (x < 0.25) & (mu < 0.0)
    above = m.where(is_near, g, above[0]), m.where(is_near, 0.0, above[1])
    return (
        (m.where(is_series, first * power, value[0]), value[1]),
        (m.where(is_series, second * power, above[0]), above[1]),
    )


def _far(m: Any, k: Any, n: Any, x: Any, sign: float) -> Any:
    """The k-th derivative of exp(x) K_n, or of exp(-x) I_n for sign -1, x >= 50 and 4 n^2.

    NIST DLMF 10.40.1 and 10.40.2 term by term.
    """

    def lead(i: Any, value: Any) -> Any:
        return i + 1.0 < k, -value * (i + 0.5) / x

    scale = ROOT_TWO_PI_INVERSE if sign < 0.0 else ROOT_HALF_PI
    start = scale / m.sqrt(x)
    first = m.where(k > 0.0, m.loop(lead, (start,), 64)[0], start)
    square = 4.0 * n * n

    def step(i: Any, term: Any, total: Any) -> Any:
        odd = 2.0 * i + 1.0
        by = (square - odd * odd) * (odd + 2.0 * k) / ((8.0 * sign) * (i + 1.0) * odd * x)
        return m.abs(term * by) > 1e-18, term * by, total + term * by

    # The smallest terms first would save less than an ulp.
    return first * m.loop(step, (1.0, 1.0), 60)[1]


def _growth(m: Any, k: Any, n: Any, x: Any, *, scaled: bool) -> Any:
    """The k-th derivative of I_n(x), or of exp(-|x|) I_n(x), for real n. 8 ulp.

    Down from far beyond n, where I vanishes, in pairs; the Wronskian I_mu K_{mu+1} + I_{mu+1} K_mu
    = 1/x (NIST DLMF 10.28.2) gives the factor. Negative orders: I_{-n} = I_n + (2/pi) sin(pi n) K_n
    (10.27.2). At 0, where exp(-|x|) has no derivative, it counts as constant.
    """
    size = m.abs(x)
    integer = is_whole(m, n)
    known = (m.abs(n) <= MOST_ORDERS) & (k >= 0.0) & is_whole(m, k)
    order, k = m.where(known, m.abs(n), 0.0), m.where(known, k, 0.0)
    count = m.ceil(order - 0.5)
    mu = order - count
    reflected = (n < 0.0) & ~integer

    edge = m.max(4.0 * order * order, FAR_EDGE if scaled else LARGEST_GROWN)
    inside = m.max(m.min(size, edge), SMALL)
    if scaled:
        plain = m.eq(x, 0.0)
        stride, sign = m.where(plain, 2.0, 1.0), m.where(plain, 1.0, -1.0)
    else:
        plain, stride, sign = m.eq(x, x), 2.0, 1.0
    half = halved(m, k)
    # From there on K/I has grown by more than 2^110.
    start = m.ceil(m.sqrt(m.fma(order, order, 80.0 * inside))) + 10.0 + k
    total, a, b = downward_sum(m, Difference(k, stride, sign), count, start, inside, 1.0, mu)
    (k0, _), (k1, _) = lower, upper = decay_start(m, mu, inside)
    # Below x = 1e-155 all are powers of x.
    parity = m.where(is_even(m, k - order), 0.0, 1.0)
    lowest = m.where(plain, parity, 0.0)
    exponent = m.where(integer & (order < k), lowest, order - k)
    power = m.pow(m.min(size / SMALL, 1.0), exponent)
    value = total * half / (inside * m.fma(a, k1, b * k0)) * power

    # I_{-n} has the same recurrences as (-1)^n K_n.
    is_odd = ~is_even(m, k)
    wanted = m.where(reflected, count, 0.0)
    other = upward_sum(
        m, Difference(k, stride, 1.0), wanted, inside, lower, upper, 1.0, 1.0, mu
    ) * half * m.pow(m.min(size / SMALL, 1.0), -(order + k))  # fmt: skip
    other = TWO_OVER_PI * sin_pi(m, order) * m.exp(-2.0 * inside) * other
    other = m.where(is_odd, -other, other)
    # Towards 0 the first is nothing beside the second, and both may be infinite.
    both = m.where(size < SMALL, other, value + other)
    value = m.where(reflected, both, value)
    if scaled:
        far = _far(m, k, order, m.max(m.min(size, LARGE), edge), -1.0)
        value = m.where(size < edge, value, far)
    else:
        value = m.where(size > edge, INF, grown(m, value, inside))
    # The parity of I_n, and one more for each derivative.
    is_minus = (x < 0.0) & ~is_even(m, count + k)
    value = m.where(is_minus, -value, value)
    if scaled:
        value = m.where(m.eq(size, INF), 0.0, value)
    return m.where(known & m.eq(x, x) & (integer | (x >= 0.0)), value, NAN)


def _decay(m: Any, k: Any, n: Any, x: Any, *, scaled: bool) -> Any:
    """The k-th derivative of K_n(x), or of exp(x) K_n(x), for real n. 8 ulp.

    Up from K_mu and K_{mu+1}, in pairs; K_{-n} = K_n (NIST DLMF 10.27.3).
    """
    known = (m.abs(n) <= MOST_ORDERS) & (k >= 0.0) & is_whole(m, k)
    order, k = m.where(known, m.abs(n), 0.0), m.where(known, k, 0.0)
    count = m.ceil(order - 0.5)
    mu = order - count
    edge = m.max(4.0 * order * order, FAR_EDGE if scaled else LARGEST_GROWN)
    inside = m.max(m.min(x, edge), SMALL)
    terms = Difference(k, 1.0, -1.0) if scaled else Difference(k, 2.0, 1.0)
    lower, upper = decay_start(m, mu, inside)
    half = halved(m, k)
    # Scaled beforehand, as the last term may overflow and the sum not.
    pairs = [(high * half, low * half) for high, low in (lower, upper)]
    value = upward_sum(m, terms, count, inside, pairs[0], pairs[1], 1.0, 1.0, mu)
    value = value / m.pow(m.min(x / SMALL, 1.0), order + k)
    value = m.where(is_even(m, k), value, -value)
    if scaled:
        far = _far(m, k, order, m.max(m.min(x, LARGE), edge), 1.0)
        value = m.where(x < edge, value, m.where(x < INF, far, 0.0))
    else:
        near = m.min(inside, 700.0)
        value = value * m.exp(-near) * m.exp(near - m.min(x, LARGE))
    return m.where(known & (x >= 0.0), value, NAN)


def oracle_of(kind: str, *, scaled: bool) -> Any:
    """The sums over orders, NIST DLMF 10.29.5, in as many digits as they may cancel."""

    def value(mp: Any, k: Any, n: Any, x: Any) -> Any:
        if not mp.isint(k) or k < 0:
            return mp.nan
        if mp.isinf(x):
            return mp.mpf(0) if scaled or kind == "besselk" else x
        k = int(k)

        def function(order: Any, x: Any) -> Any:
            # mpmath takes limits at negative whole orders, which are those above 0.
            return getattr(mp, kind)(abs(order) if mp.isint(order) else order, x)

        turn = -1 if kind == "besselk" else 1
        stride, sign = (1, -turn * mp.sign(turn * x)) if scaled and x else (2, 1)
        last = 2 * k // stride
        with mp.extradps(10 + k * (max(mp.mag(x), 0) if x else 0)):
            terms = [
                sign**j * mp.binomial(last, j) * function(n - k + stride * j, x)
                for j in range(last + 1)
            ]
            scale = mp.exp(x if turn < 0 else -abs(x)) if scaled else 1
            return mp.mpf(turn) ** k * mp.fsum(terms) / mp.mpf(2) ** k * scale

    return value


# fmt: off
besseli_derivative = derivative_row(
    "besseli", lambda m, k, n, x: _growth(m, k, n, x, scaled=False),
    oracle_of("besseli", scaled=False), "NIST DLMF 10.29.5, 10.74(iv)", cost=1500)
besselie_derivative = derivative_row(
    "besselie", lambda m, k, n, x: _growth(m, k, n, x, scaled=True),
    oracle_of("besseli", scaled=True), "NIST DLMF 10.29.5, 10.40.1", cost=1500)
besselk_derivative = derivative_row(
    "besselk", lambda m, k, n, x: _decay(m, k, n, x, scaled=False),
    oracle_of("besselk", scaled=False), "NIST DLMF 10.29.5, 10.32.9", cost=1500)
besselke_derivative = derivative_row(
    "besselke", lambda m, k, n, x: _decay(m, k, n, x, scaled=True),
    oracle_of("besselk", scaled=True), "NIST DLMF 10.29.5, 10.40.2", cost=1500)
# fmt: on

ROWS = (besseli_derivative, besselie_derivative, besselk_derivative, besselke_derivative)
