"""Gamma, zeta and error functions over Arb's balls, for ``rows.py``."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, factorial, log2
from typing import Any

from flint import acb, acb_series, arb, arb_series, ctx

from benchmarks.oracle.balls import (
    HALF,
    NAN,
    Function,
    equal,
    less,
    n_sign,
    power,
    real,
    sure,
    whole,
)


# Gamma and zeta.
def off_poles(function: Function) -> Function:
    """Nan at 0, -1, -2, ..., which Arb takes long to find where they are large."""
    return lambda x: NAN if less(x, HALF) and x.is_integer() else function(x)


_POLYGAMMA: dict[Any, list[Any]] = {}
"""The polygamma functions of the last few arguments, of orders 0 to ``KEPT`` - 1."""

KEPT = 4


def polygammas(orders: Sequence[tuple[arb, ...]], x: arb) -> list[arb]:
    """Polygamma functions of several orders, from one power series of log Gamma."""
    numbers = whole_orders(orders)
    if not numbers or not x.is_finite() or (less(x, HALF) and x.is_integer()):
        return [NAN] * len(orders)
    most = max(numbers.values())
    key = (ctx.prec, x.mid().man_exp(), x.rad().man_exp())
    known = _POLYGAMMA.get(key, [])
    if most == 0 and not known:
        known = [x.digamma()]
    elif most >= len(known):
        if len(_POLYGAMMA) > 100:
            _POLYGAMMA.clear()
        known = _POLYGAMMA[key] = log_gamma(max(most, KEPT - 1) + 1, x)[1:]
    return [known[numbers[i]] if i in numbers else NAN for i in range(len(orders))]


def log_gamma(most: int, x: arb) -> list[Any]:
    """The derivatives of the real part of log Gamma, the function first."""
    if less(arb(0), x):
        return derivatives(lambda t: t.lgamma(), arb_series, x, most)
    return [real(one) for one in derivatives(lambda t: t.lgamma(), acb_series, acb(x), most)]


def polygamma(n: arb, x: arb) -> arb:
    return polygammas([(n,)], x)[0]


def whole_orders(orders: Sequence[tuple[arb, ...]]) -> dict[int, int]:
    """Those orders of derivatives that are some, by their places."""
    numbers = {i: whole(row[0]) for i, row in enumerate(orders)}
    return {i: n for i, n in numbers.items() if n is not None and n >= 0}


def derivatives(function: Function, series: Any, x: Any, most: int) -> list[Any]:
    """Those of a function that Arb has for power series, the function first."""
    before, ctx.cap = ctx.cap, most + 1
    try:
        made = function(series([x, 1], most + 1))
        return [made[n] * factorial(n) for n in range(most + 1)]
    finally:
        ctx.cap = before


def zeta_derivatives(orders: Sequence[tuple[arb, ...]], s: arb) -> list[arb]:
    numbers = whole_orders(orders)
    if not numbers or equal(s, arb(1)):
        return [NAN] * len(orders)
    series = derivatives(lambda t: t.zeta(), arb_series, s, max(numbers.values()))
    return [series[numbers[i]] if i in numbers else NAN for i in range(len(orders))]


def eta_derivatives(orders: Sequence[tuple[arb, ...]], s: arb) -> list[arb]:
    """By the product of (1 - 2^(1-s)) and zeta(s); at 1 not at all."""
    numbers = whole_orders(orders)
    if not numbers or (equal(s, arb(1)) and any(numbers.values())):
        return [NAN] * len(orders)
    if not any(numbers.values()):
        eta = real(acb(s).dirichlet_eta())
        return [eta if i in numbers else NAN for i in range(len(orders))]
    log = arb(2).log()

    def product(t: arb_series) -> arb_series:
        return (1 - ((1 - t) * log).exp()) * t.zeta()

    series = derivatives(product, arb_series, s, max(numbers.values()))
    return [series[numbers[i]] if i in numbers else NAN for i in range(len(orders))]


def loggamma(x: arb) -> arb:
    if less(arb(0), x):
        return x.lgamma()
    return abs(x.gamma()).log() if abs(x) < 1e6 else real(acb(x).lgamma())


def beta(a: arb, b: arb) -> arb:
    return a.gamma() * b.gamma() * (a + b).rgamma()


def logbeta(a: arb, b: arb) -> arb:
    return sure(
        less(arb(0), a) and less(arb(0), b), lambda: a.lgamma() + b.lgamma() - (a + b).lgamma()
    )


def binomial(n: arb, k: arb) -> arb:
    return (n + 1).gamma() * (k + 1).rgamma() * (n - k + 1).rgamma()


def rising(x: arb, k: arb) -> arb:
    return (x + k).gamma() * x.rgamma()


def rooted(value: arb) -> arb:
    """The root of a number's size, with its sign."""
    return -(-value).sqrt() if less(value, arb(0)) else value.sqrt()


def digamma_cross(a: arb, b: arb) -> arb:
    whole = polygamma(arb(0), a + b)
    product = (whole - polygamma(arb(0), a)) * (whole - polygamma(arb(0), b))
    return product - polygamma(arb(1), a + b)


def rising_curvature(x: arb, k: arb) -> arb:
    step = polygamma(arb(0), x + k) - polygamma(arb(0), x)
    return step * step + polygamma(arb(1), x + k) - polygamma(arb(1), x)


def gamma_density(a: arb, x: arb) -> arb:
    return power(x, a - 1) * (-x).exp() * a.rgamma()


def gamma_ratio(a: arb, x: arb, upper: bool) -> arb:
    """P(a, x) or Q(a, x); of large a by the series of P while its terms soon fall."""
    if not (a > 200 and x < a + 50 and x > 0):
        return x.gamma_upper(a, 1) if upper else x.gamma_lower(a, 1)
    term, total = arb(1), arb(0)
    for k in range(1, 20_000):
        total += term
        ratio = x / (a + k)
        term *= ratio
        if k > 100 and term < total * arb(2) ** -ctx.prec:
            total += arb(0, (term / (1 - ratio)).upper())
            break
    lower = total * x**a * (-x).exp() * (a + 1).rgamma()
    return 1 - lower if upper else lower


def beta_ratio(a: arb, b: arb, x: arb) -> arb:
    """1 - I_x(a, b) by whichever of the two Arb is fast at."""
    return 1 - x.beta_lower(a, b, 1) if x < 0.5 else (1 - x).beta_lower(b, a, 1)


def beta_density(a: arb, b: arb, x: arb) -> arb:
    return power(x, a - 1) * power(1 - x, b - 1) * (a + b).gamma() * a.rgamma() * b.rgamma()


# Error functions.
def erfcx(x: arb) -> arb:
    return erfcx_derivative(arb(0), x) if x > 1000 else (x * x).exp() * x.erfc()


def erfcx_derivative(n: arb, x: arb) -> arb:
    """By recurrence, where x > 1 with the bits that it loses, and far out by Tricomi's U.

    There it is (-1)^n n! U((n + 1)/2, 1/2, x^2)/sqrt(pi) (NIST DLMF 7.18.11).
    """
    order = whole(n)
    if order is None or order < 0:
        return NAN
    if x > 1000:
        scale = n_sign(order) * factorial(order) / arb.pi().sqrt()
        return scale * (x * x).hypgeom_u(arb(order + 1) / 2, HALF)
    before = ctx.prec
    if x > 1:
        ctx.prec += int(order * (1 + 2 * log2(float(x)))) + 16
    try:
        return recurrence(erfcx, 1, lambda: -2 / arb.pi().sqrt(), n, x)
    finally:
        ctx.prec = before


def dawson(x: arb) -> arb:
    if abs(x) < 64:
        return x * (-x * x).hypgeom_1f1(arb(1), arb(3) / 2)
    return arb.pi().sqrt() / 2 * (-x * x).exp() * x.erfi()


def recurrence(value: Function, turn: int, end: Function, n: arb, x: arb) -> arb:
    """w_n+1 = turn 2 (x w_n + n w_n-1); Arb tells what cancels."""
    order = whole(n)
    if order is None or order < 0:
        return NAN
    lower = value(x)
    upper = turn * 2 * x * lower + end()
    for k in range(1, order):
        lower, upper = upper, turn * 2 * (x * upper + k * lower)
    return lower if order == 0 else upper


def erfcinv(p: arb) -> arb:
    """By Newton's method on balls' middles, the last step with the error of Newton's theorem."""
    if not (less(arb(0), p) and less(p, arb(2))):
        return NAN
    if less(arb(0.125), p) and less(p, arb(2) - 0.125):
        return (1 - p).erfinv()
    if less(arb(1), p):
        return -erfcinv(2 - p)
    y = (-p.log()).sqrt().mid()
    for _ in range(60):
        slope = -2 / arb.pi().sqrt() * (-y * y).exp()
        step = (y.erfc() - p) / slope
        y = (y - step / (1 + y * step)).mid()
        if abs(step.mid()) < arb(2) ** (-ctx.prec // 2):
            break
    # erfc is convex there: the zero is between y - f/f' of the steepest slope and its mirror.
    rest = (y.erfc() - p) / (-2 / arb.pi().sqrt() * (-y * y).exp())
    return y - rest + arb(0, abs(rest).upper() * abs(rest).upper() * (abs(y) + 1) * 4)


def turned(n: arb) -> arb:
    """(-1)^n of a whole number n >= 0: nan for others."""
    order = whole(n)
    return NAN if order is None or order < 0 else arb(n_sign(order))


def waning(factor: arb, n: arb, x: arb) -> arb:
    """The n-th derivative of exp(-factor x^2), by the recurrence of Hermite's polynomials."""
    order = whole(n)
    if order is None or order < 0:
        return NAN
    lower, upper = arb(0), arb(1)
    for k in range(order):
        lower, upper = upper, -2 * factor * (x * upper + k * lower)
    return upper * (-factor * x * x).exp()


def exp_over_x_derivative(n: arb, x: arb) -> arb:
    """By Leibniz's rule."""
    order = whole(n)
    if order is None or order < 0 or x.is_zero():
        return NAN
    total = arb(0)
    for k in range(order + 1):
        total += comb(order, k) * factorial(k) * (-1 / x) ** k
    return x.exp() / x * total


def complete_slope(a: arb, m: arb) -> arb:
    """pi/8 times F(a, 3/2; 2; m): the derivative of K for 3/2, minus that of E for 1/2."""
    return arb.pi() / 8 * m.hypgeom_2f1(a, HALF + 1, arb(2)) if less(m, arb(1)) else NAN


def erf2(a: arb, b: arb) -> arb:
    if less(arb(0), a) and less(arb(0), b):
        return a.erfc() - b.erfc()
    if less(a, arb(0)) and less(b, arb(0)):
        return (-b).erfc() - (-a).erfc()
    return b.erf() - a.erf()


def log_ndtr(x: arb) -> arb:
    root = arb(2).sqrt()
    if less(x, arb(0)):
        return ((-x / root).erfc() / 2).log()
    return (-(x / root).erfc() / 2).log1p()


def log_ndtr_tail(n: arb, x: arb) -> arb:
    """Derivatives of log ndtr + x^2/2 by Leibniz's rule for h' = -h (x + h), h their first."""
    order = whole(n)
    if order is None or order < 1 or not x < 0:
        return NAN
    slopes = [(-x * x / 2).exp() / (2 * arb.pi()).sqrt() / ((-x / arb(2).sqrt()).erfc() / 2)]
    for k in range(order - 1):
        inner = [x + slopes[0], *slopes[1:]]
        if k:
            inner[1] = inner[1] + 1
        total = arb(0)
        for j in range(k + 1):
            total += comb(k, j) * slopes[j] * inner[k - j]
        slopes.append(-total)
    return slopes[-1] + (x if order == 1 else 1 if order == 2 else 0)
