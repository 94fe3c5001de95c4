"""Rows of the normal distribution: density, distribution, its logarithm and inverse, slopes."""

from __future__ import annotations

from fractions import Fraction
from math import pi, sqrt
from typing import Any

from symgrad.functions.elementary import PI, call, select
from symgrad.functions.special.double import NAN
from symgrad.functions.special.error.coefficients import EXCESS, EXCESS_TAIL
from symgrad.functions.special.error.erf import (
    erfcinv_of_small,
    erfcx_of_positive,
    erfinv_of_small,
    gauss,
    gauss_derivative,
    hermite_oracle,
    inverse_oracle,
)
from symgrad.functions.special.segments import evaluate, is_order
from symgrad.ir.expression import HALF, Expr
from symgrad.ir.primitive import Names, define, no_closed_form

ROOT_2 = sqrt(2.0)
HALF_ROOT_2 = sqrt(0.5)
ONE_OVER_ROOT_2_PI = 1 / sqrt(2 * pi)
ORDER = "the order of a derivative"
FAR = 16.0
"""From x = -16 down the asymptotic series of the tail serves."""
HUGE = 10**9
"""Below minus this the slope of log ndtr is -x, above it 0 times powers of x is 0."""


def _logarithm_of_tail(count: int) -> list[float]:
    """The coefficients c_k of log(1 - z + 3 z^2 - 15 z^3 + ...) = sum of c_k z^k, k = 1, 2, ..."""
    series = [Fraction(1)]
    for k in range(1, count + 1):
        series.append(-series[-1] * (2 * k - 1))
    found = [Fraction(0)]
    for k in range(1, count + 1):
        known = sum((j * found[j] * series[k - j] for j in range(1, k)), Fraction(0))
        found.append(series[k] - known / k)
    return [float(c) for c in found[1:]]


TAIL = _logarithm_of_tail(18)


def _normal_pdf(m: Any, x: Any) -> Any:
    """exp(-x^2/2)/sqrt(2 pi): x^2 is a pair, so the tail keeps its digits to x = 38."""
    kept = m.max(m.min(x, 40.0), -40.0)
    return ONE_OVER_ROOT_2_PI * gauss(m, kept, 0.5)


def _normal_pdf_derivative(m: Any, n: Any, x: Any) -> Any:
    """The n-th derivative of the density, (-1)^n He_n(x) exp(-x^2/2)/sqrt(2 pi)."""
    kept = m.max(m.min(x, 40.0), -40.0)
    return ONE_OVER_ROOT_2_PI * gauss_derivative(m, n, kept, 0.5)


def _normal_tail(m: Any, a: Any) -> Any:
    """1 - ndtr(a) for a >= 0.6: exp(-a^2/2) erfcx(a/sqrt(2))/2."""
    kept = m.max(m.min(a, 40.0), 0.5)
    return 0.5 * gauss(m, kept, 0.5) * erfcx_of_positive(m, kept * HALF_ROOT_2)


def _ndtr(m: Any, x: Any) -> Any:
    """The normal distribution, erfc(-x/sqrt(2))/2, for every x, with the digits of both tails."""
    a = m.abs(x)
    tail = _normal_tail(m, a)
    near = 0.5 + 0.5 * m.erf(x * HALF_ROOT_2)
    return m.where(a < 0.65, near, m.where(x < 0.0, tail, m.where(x > 0.0, 1.0 - tail, x)))


def _log_ndtr(m: Any, x: Any) -> Any:
    """log(ndtr(x)) without underflow on the left and without cancellation on the right.

    Below -1 it is -x^2/2 + log(erfcx(-x/sqrt(2))/2), above 0 log1p(-ndtr(-x)).
    """
    b = m.max(-x, 0.5)
    left = m.log(0.5 * erfcx_of_positive(m, b * HALF_ROOT_2)) - 0.5 * b * b
    value = _ndtr(m, -m.abs(x))
    right = m.log1p(-value)
    middle = m.log(m.max(value, 0.1))
    result = m.where(x < -1.0, left, m.where(x < 0.0, middle, right))
    return m.where(m.eq(x, x), result, x)


def _log_ndtr_excess(m: Any, x: Any) -> Any:
    """The density over the distribution, plus x, for x <= 0: nan beyond, -1/x far to the left.

    Fits, of |x| times it in 1/x^2 below -8. The slope of log ndtr is it less x, the curvature minus
    their product: nothing cancels.
    """
    t = -x
    near = evaluate(m, m.max(m.min(t, 8.0), 0.0), EXCESS)
    inverse = 1.0 / m.max(t, 8.0)
    far = inverse * evaluate(m, inverse * inverse, EXCESS_TAIL)
    return m.where(t >= 0.0, m.where(t < 8.0, near, far), NAN)


def _ndtri(m: Any, p: Any) -> Any:
    """The inverse of ndtr on [0, 1], -sqrt(2) erfcinv(2 p), with the digits of the left tail."""
    small = m.where(p > 0.5, 1.0 - p, p)
    tail = erfcinv_of_small(m, m.max(m.min(2.0 * small, 0.5), 0.0))
    near = erfinv_of_small(m, 2.0 * p - 1.0)
    inside = ROOT_2 * m.where(small >= 0.25, near, m.where(p > 0.5, tail, -tail))
    return m.where((p >= 0.0) & (p <= 1.0), inside, NAN)


def _log_ndtr_tail(m: Any, n: Any, x: Any) -> Any:
    """The n-th derivative of log ndtr(x) + x^2/2 for x <= -16 and n = 1, 2, ...

    log ndtr(x) + x^2/2 + log(sqrt(2 pi) |x|) = log(1 - 1/x^2 + 3/x^4 - ...) (NIST DLMF 7.12.1),
    differentiated term by term: x^(-2 k) gets 2 k (2 k + 1) ... (2 k + n - 1)/|x|^n. Within 8 ulp
    to n = 6.
    """
    a = m.max(-x, FAR)
    inverse = 1.0 / a
    square = inverse * inverse
    total: Any = TAIL[-1]
    for k in range(len(TAIL) - 1, 0, -1):
        grown = (n + 2.0 * k) * (n + (2.0 * k + 1.0)) * (1.0 / (2.0 * k * (2.0 * k + 1.0)))
        total = m.fma(square * grown, total, TAIL[k - 1])

    def factorial(k: Any, product: Any) -> Any:
        return k + 2.0 < n, product * m.where(k + 1.0 < n, k + 1.0, 1.0)

    (product,) = m.loop(factorial, (1.0 + 0.0 * inverse,), 128)
    value = product * m.pow(inverse, n) * m.fma(square * n * (n + 1.0), total, 1.0)
    known = is_order(m, n) & (n >= 1.0) & (x <= -FAR)
    return m.where(known, value, m.where(m.eq(x, x), NAN, x))


def _ndtr_oracle(mp: Any, x: Any) -> Any:
    return mp.erfc(-x / mp.sqrt(2)) / 2


def _log_ndtr_oracle(mp: Any, x: Any) -> Any:
    if x > 0:
        return mp.log1p(-_ndtr_oracle(mp, -x))
    return mp.log(_ndtr_oracle(mp, x))


def _log_ndtr_tail_oracle(mp: Any, n: Any, x: Any) -> Any:
    """From the density over the distribution, h, whose derivative is -h (x + h), by Leibniz."""
    if not mp.isint(n) or n < 1 or not x <= -FAR:
        return mp.nan
    if mp.isinf(x):
        return mp.mpf(0)
    with mp.extradps(20 + 2 * int(n + 1) * max(1, mp.mag(x))):
        slopes = [mp.npdf(x) / _ndtr_oracle(mp, x)]
        for k in range(int(n) - 1):
            inner = [x + slopes[0], *slopes[1:]]
            if k:
                inner[1] = inner[1] + 1
            products = (mp.binomial(k, j) * slopes[j] * inner[k - j] for j in range(k + 1))
            slopes.append(-mp.fsum(products))
        return slopes[-1] + (x if n == 1 else 1 if n == 2 else 0)


def _excess_oracle(mp: Any, x: Any) -> Any:
    if not x <= 0:
        return mp.nan
    if mp.isinf(x):
        return mp.mpf(0)
    with mp.extradps(20 + 2 * max(0, mp.mag(x))):
        a = -x / mp.sqrt(2)
        if a > 1e6:
            return -1 / x + 2 / x**3 - 10 / x**5 + 74 / x**7
        return mp.sqrt(2 / mp.pi) / (mp.exp(a * a) * mp.erfc(a)) + x


def _ndtri_oracle(mp: Any, p: Any) -> Any:
    return -mp.sqrt(2) * inverse_oracle(mp, 2 * p)


def _scaled_tail(x: Expr) -> Expr:
    """exp(x^2/2) erfc(-x/sqrt(2))."""
    return call("erfcx", -x * HALF**HALF)


def _slope(x: Expr) -> Expr:
    """The density over the distribution; left of 0, where both underflow, by its own fits."""
    ratio = call("normal_pdf", x) / call("ndtr", x)
    return select(x < 0, call("log_ndtr_excess", x) - x, ratio)


def _curvature(x: Expr) -> Expr:
    slope = call("log_ndtr_slope", x)
    left = select(x < -HUGE, -1, -slope * call("log_ndtr_excess", x))
    return select(x < 0, left, -slope * (call("min", x, HUGE) + slope))


def _excess_slope(y: Expr, x: Expr) -> Expr:
    return select(x < -FAR, call("log_ndtr_tail", 2, x), 1 + call("log_ndtr_curvature", x))


def _third(y: Expr, x: Expr) -> Expr:
    # By the tail's own series where nothing is left of 2 e'^2 - e e''.
    point = -x * HALF**HALF
    e, first = _scaled_tail(x), call("erfcx_derivative", 1, point)
    slope = call("log_ndtr_slope", x)
    left = (2 * PI) ** -HALF * (2 * first**2 - e * call("erfcx_derivative", 2, point)) / e**3
    bounded = call("min", x, HUGE)
    right = slope * ((bounded + slope) * (bounded + 2 * slope) - 1)
    return select(x < -FAR, call("log_ndtr_tail", 3, x), select(x < 0, left, right))


# fmt: off
normal_pdf = define("normal_pdf", lambda y, x: call("normal_pdf_derivative", 1, x),
                    domain=(-4, 4), kind="routine",
                    definition=_normal_pdf, oracle=lambda mp, x: mp.npdf(x), parity="even",
                    cost=25, ulp=3.0, names=Names(), source="NIST DLMF 7.20.1")
normal_pdf_derivative = define("normal_pdf_derivative", no_closed_form(ORDER),
                               lambda y, n, x: call("normal_pdf_derivative", n + 1, x),
                               domain=((1, 1), (-4, 4)), whole=(0,), kind="routine",
                               definition=_normal_pdf_derivative, cost=50, ulp=5.0, names=Names(),
                               oracle=hermite_oracle(lambda mp: 1 / mp.sqrt(2 * mp.pi), 0.5),
                               source="NIST DLMF 18.5.5, 18.7.11")
ndtr = define("ndtr", lambda y, x: call("normal_pdf", x), domain=(-6, 4), kind="routine",
              definition=_ndtr, oracle=_ndtr_oracle, folds={0: HALF}, cost=200, ulp=6.0,
              names=Names(torch="special.ndtr"), source="NIST DLMF 7.20.1")
log_ndtr = define("log_ndtr", lambda y, x: call("log_ndtr_slope", x), domain=(-6, 4),
                  kind="routine", definition=_log_ndtr, oracle=_log_ndtr_oracle, cost=300, ulp=5.0,
                  names=Names(torch="special.log_ndtr"), source="NIST DLMF 7.20.1")
log_ndtr_slope = define("log_ndtr_slope", lambda y, x: call("log_ndtr_curvature", x),
                        domain=(-6, 4), kind="composite", expansion=_slope, cost=400,
                        names=Names(), source="NIST DLMF 7.20.1")
log_ndtr_excess = define("log_ndtr_excess", _excess_slope, domain=(-6, -0.1),
                         kind="routine", definition=_log_ndtr_excess,
                         oracle=_excess_oracle, cost=150, ulp=3.0, names=Names(),
                         source="NIST DLMF 7.20.1, 7.12.1")
log_ndtr_curvature = define("log_ndtr_curvature", _third, domain=(-6, 4), kind="composite",
                            expansion=_curvature, cost=1100, names=Names(),
                            source="NIST DLMF 7.20.1")
log_ndtr_tail = define("log_ndtr_tail", no_closed_form(ORDER),
                       lambda y, n, x: call("log_ndtr_tail", n + 1, x), domain=((1, 1), (-40, -17)),
                       kind="routine", definition=_log_ndtr_tail, oracle=_log_ndtr_tail_oracle,
                       whole=(0,), cost=250, ulp=8.0, names=Names(), source="NIST DLMF 7.12.1")
# 1/density at y, from p = ndtr(y) in the tails, which the rounding of y does not spoil.
ndtri = define("ndtri",
               lambda y, x: (2 * PI)**HALF * select(
                   (x < HALF**2) & (x > 0), _scaled_tail(y) / (2 * x),
                   select((x > 1 - HALF**2) & (x < 1), _scaled_tail(-y) / (2 - 2 * x),
                          call("exp_square", y * HALF**HALF))),
               domain=(0.05, 0.95), kind="routine", definition=_ndtri, oracle=_ndtri_oracle,
               folds={Fraction(1, 2): 0}, cost=160, ulp=4.0, names=Names(torch="special.ndtri"),
               source="NIST DLMF 7.17.1, 7.20.1")
# fmt: on

ROWS = (
    *(normal_pdf, normal_pdf_derivative, ndtr, ndtri),
    *(log_ndtr, log_ndtr_slope, log_ndtr_excess, log_ndtr_curvature, log_ndtr_tail),
)
