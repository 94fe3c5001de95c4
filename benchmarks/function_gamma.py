"""Gamma, zeta, error functions and elliptic integrals over Arb's balls, for ``function_oracle``."""

from __future__ import annotations

from math import comb, factorial

from flint import acb, arb, arb_series, ctx

from benchmarks.function_balls import (
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


def coefficient(function: Function, x: arb, n: int) -> arb:
    """The n-th derivative of a function that Arb has for power series."""
    before, ctx.cap = ctx.cap, n + 1
    try:
        return function(arb_series([x, 1], n + 1))[n] * factorial(n)
    finally:
        ctx.cap = before


def polygamma(n: arb, x: arb) -> arb:
    order = whole(n)
    if order is None or order < 0 or (less(x, HALF) and x.is_integer()):
        return NAN
    if order and less(arb(0), x):
        # DLMF 25.11.12: all terms have one sign.
        return n_sign(order + 1) * factorial(order) * arb(order + 1).zeta(x)
    return real(acb(x).polygamma(acb(order)))


def zeta_derivative(n: arb, s: arb) -> arb:
    order = whole(n)
    if order is None or order < 0 or equal(s, arb(1)):
        return NAN
    return coefficient(lambda t: t.zeta(), s, order)


def eta_derivative(n: arb, s: arb) -> arb:
    """By the Leibniz rule of (1 - 2^(1-s)) zeta(s); at 1 not at all."""
    order = whole(n)
    if order is None or order < 0:
        return NAN
    if order == 0:
        return real(acb(s).dirichlet_eta())
    if equal(s, arb(1)):
        return NAN
    log = arb(2).log()
    total = zeta_derivative(n, s)
    for k in range(order + 1):
        factor = -((1 - s) * log).exp() * (-log) ** k
        total += comb(order, k) * factor * zeta_derivative(arb(order - k), s)
    return total


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
    """(-1)^n n! U((n + 1)/2, 1/2, x^2)/sqrt(pi) for x > 1 (NIST DLMF 7.18.11), else upwards."""
    order = whole(n)
    if order is None or order < 0:
        return NAN
    if x > 1:
        scale = n_sign(order) * factorial(order) / arb.pi().sqrt()
        return scale * (x * x).hypgeom_u(arb(order + 1) / 2, HALF)
    return recurrence(erfcx, 1, lambda: -2 / arb.pi().sqrt(), n, x)


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


# Elliptic integrals.
def carlson_periods(one: Function, phi: arb, m: arb) -> arb:
    return real(one(acb(phi), acb(m))) if abs(phi) < 1e6 else NAN


def moment(a: arb, b: arb, c: arb, n: arb, phi: arb, m: arb) -> arb:
    """The integral of sin^2a (1 - m sin^2)^(-b - 1/2) (1 - n sin^2)^(-c), a and c whole."""
    orders = whole(a), whole(b), whole(c)
    # Arb's integration takes its time where the integrand is nearly singular.
    tame = abs(phi) < 100 and abs(m) < 1e7 and abs(n) < 1e7
    if None in orders or not (tame and less(m * phi.sin() ** 2, arb(1))):
        return NAN
    above, below, other = (int(order or 0) for order in orders)

    def integrand(t: acb, analytic: bool) -> acb:
        s = t.sin() ** 2
        root = (1 - m * s).sqrt(analytic)
        return s**above * root ** (-2 * below - 1) * (1 - n * s) ** -other

    return real(acb.integral(integrand, 0, acb(phi), eval_limit=5000))


def elliptic_rd(phi: arb, m: arb, slope: bool) -> arb:
    """sin^3 R_D/3 within a quarter of a period (NIST DLMF 19.25.13), else the integral."""
    if not abs(phi) < arb.pi() / 2 + 1e-30:
        return moment(arb(1), arb(1 if slope else 0), arb(0), arb(0), phi, m)
    s, square = acb(phi.sin()), acb(phi.cos() ** 2)
    inner = 1 - acb(m) * s * s
    if not less(arb(0), inner.real):
        return NAN
    rest = (acb(1), inner) if slope else (inner, acb(1))
    return real(s**3 * acb.elliptic_rd(square, *rest) / 3)
