"""Rows of the generalized exponential integral E_n(x) of real order and its derivatives by x."""

from __future__ import annotations

from typing import Any

from symgrad.functions.elementary import call
from symgrad.functions.special.double import INF, NAN, two_sum
from symgrad.functions.special.integrals.exponential_coefficients import LOGGAMMA_RATIO
from symgrad.functions.special.segments import evaluate, is_order
from symgrad.ir.primitive import Names, define, no_closed_form

SMALL = 0.5
MANY = 30.0


def scaled_by_fraction(m: Any, n: Any, x: Any) -> Any:
    """exp(x) E_n(x) by the continued fraction of NIST DLMF 8.19.17, even part, from its end."""
    levels = m.where(n < MANY, m.ceil(90.0 / x) + 8.0, 40.0)

    def step(k: Any, tail: Any) -> Any:
        j = levels - 1.0 - k
        return j > 0.0, (x + (n + 2.0 * j)) - (j + 1.0) * (n + j) / tail

    (tail,) = m.loop(step, (x + (n + 2.0 * levels),), 190)
    return 1.0 / tail


def _near_zero(m: Any, n: Any, n_low: Any, x: Any) -> Any:
    """E_n(x) for 0 < n < 3/2 and 0 < x <= 1/2 (NIST DLMF 8.19.10), e = 1 - n.

    (gamma(1 + e) x^(-e) - 1)/e minus the sum of (-x)^k/(k! (k + e)), k = 1, 2, ...: e may be 0.
    What rounding took from the order is multiplied by log x or divided by e, so it counts.
    """
    e = 1.0 - n
    e_low = ((1.0 - e) - n) - n_low
    ratio = evaluate(m, e, LOGGAMMA_RATIO)
    log = ratio - m.log(x)
    small = m.abs(e) < 1e-300
    divisor = m.where(small, 1.0, e)
    exponent = e * log
    power = m.exp(e * ratio) * m.pow(x, -e)
    first = m.where(exponent > 1.0, power - 1.0, m.expm1(m.min(exponent, 1.0))) / divisor
    first = first + e_low * ((power * log - first) / divisor)
    total = m.where(small, log, first)
    term = 1.0
    rest = 0.0
    for k in range(1, 14):
        term = term * x * (-1.0 / k)
        rest = rest + term / (e + float(k))
    return total - rest


def _expint(m: Any, n: Any, x: Any) -> Any:
    """E_n(x), the integral of exp(-x t)/t^n over t > 1, for real n and x >= 0: nan for x < 0."""
    return _of_order(m, n, 0.0, x)


def _expint_derivative(m: Any, k: Any, n: Any, x: Any) -> Any:
    """The k-th derivative of E_n(x) by x, (-1)^k E_{n-k}(x) (NIST DLMF 8.19.13): nan for other k.

    Below x = 1e-5 the digits that rounding n - k loses count: log x multiplies them.
    """
    order, low = two_sum(n, -k)
    value = _of_order(m, order, low, x)
    value = m.where(m.eq(k, 2.0 * m.floor(0.5 * k)), value, -value)
    return m.where(is_order(m, k), value, NAN)


def _of_order(m: Any, n: Any, n_low: Any, x: Any) -> Any:
    """E of the order n + n_low.

    From x = 1/2 on by a continued fraction, as for n >= 30; else by the series of an order next to
    1 and the recurrence n E_(n+1) = exp(-x) - x E_n (NIST DLMF 8.19.12), which is stable there.
    n < 1 goes down from an order in (0, 1]. Within 8 ulp for |n| <= 60; 1/(n - 1) or inf at 0.
    """
    positive = (x > 0.0) & (x < 800.0)
    y = m.where(positive, x, 1.0)
    power = m.exp(-y)
    below = n < 1.0
    unit, unit_low = two_sum(n, 1.0 - m.ceil(n))
    unit_low = unit_low + n_low
    by_fraction = (y >= SMALL) | (n >= MANY)
    order = m.where(below, unit, n)
    fraction = power * scaled_by_fraction(m, order, m.where(by_fraction, y, 1.0))

    centered = n - m.rint(n - 1.0)
    nearest = m.where(
        centered < 0.5, centered + 1.0, m.where(centered >= 1.5, centered - 1.0, centered)
    )
    start = m.where(below, unit, nearest)
    near = _near_zero(m, start, m.where(below, unit_low, n_low), m.min(y, SMALL))

    def up(k: Any, value: Any) -> Any:
        now = start + k
        return now + 1.5 < n, (power - y * value) / now

    upwards = m.where(n > start + 0.5, m.loop(up, (near,), 40)[0], near)
    base = m.where(by_fraction, fraction, m.where(below, near, upwards))

    def down(k: Any, value: Any) -> Any:
        less_1 = ((1.0 - unit) - unit_low) + k
        return unit - k - 1.5 > n, m.fma(less_1, value, power) / y

    downwards = m.where(n < unit - 0.5, m.loop(down, (base,), 128)[0], base)
    value = m.where(below, downwards, base)
    at_zero = m.where(n > 1.0, 1.0 / m.where(n > 1.0, n - 1.0, 1.0), INF)
    result = m.where(positive, value, m.where(x > 0.0, 0.0, at_zero))
    return m.where((x >= 0.0) & (m.abs(n) < INF), result, NAN)


def _expint_oracle(mp: Any, n: Any, x: Any) -> Any:
    if not x >= 0 or mp.isnan(n):
        return mp.nan
    if mp.isinf(x):
        return mp.mpf(0)
    if x < 8:
        with mp.extradps(15):
            return mp.re(mp.expint(n, x))
    # mpmath's own loses half of the digits for some large arguments.
    with mp.extradps(15):
        levels = 20 + int(mp.mp.dps**2 / (2 * x))
        tail = x + n + 2 * levels
        for j in range(levels - 1, -1, -1):
            tail = x + n + 2 * j - (j + 1) * (n + j) / tail
        return mp.exp(-x) / tail


def _derivative_oracle(mp: Any, k: Any, n: Any, x: Any) -> Any:
    if not mp.isint(k) or k < 0:
        return mp.nan
    with mp.extradps(15):
        return (-1) ** int(k) * _expint_oracle(mp, n - k, x)


# fmt: off
expint = define("expint", no_closed_form("the order of an exponential integral"),
                lambda y, n, x: call("expint_derivative", 1, n, x), domain=((0.3, 4), (0.2, 9)),
                kind="routine", definition=_expint, oracle=_expint_oracle, cost=1500, ulp=8.0,
                names=Names(mpmath="expint"), source="NIST DLMF 8.19.13")
expint_derivative = define("expint_derivative", no_closed_form("the order of a derivative"),
                           no_closed_form("the order of an exponential integral"),
                           lambda y, k, n, x: call("expint_derivative", k + 1, n, x),
                           domain=((1, 1), (0.3, 4), (0.2, 9)), whole=(0,), kind="routine",
                           definition=_expint_derivative, oracle=_derivative_oracle, cost=1500,
                           ulp=8.0, names=Names(), source="NIST DLMF 8.19.13")
# fmt: on

ROWS = (expint, expint_derivative)
