"""Rows of the normal distribution: its density, distribution function, logarithm and inverse."""

from __future__ import annotations

from fractions import Fraction
from math import pi, sqrt
from typing import Any

from symgrad.functions.elementary import PI, call, select
from symgrad.functions.special.double import NAN
from symgrad.functions.special.error_functions import (
    erfcinv_of_small,
    erfcx_of_positive,
    erfinv_of_small,
    gauss,
    inverse_oracle,
)
from symgrad.ir.expression import HALF, Expr
from symgrad.ir.primitive import Names, define

ROOT_2 = sqrt(2.0)
HALF_ROOT_2 = sqrt(0.5)
ONE_OVER_ROOT_2_PI = 1 / sqrt(2 * pi)


def _normal_pdf(m: Any, x: Any) -> Any:
    """exp(-x^2/2)/sqrt(2 pi): x^2 is a pair, so the tail keeps its digits to x = 38."""
    kept = m.max(m.min(x, 40.0), -40.0)
    return ONE_OVER_ROOT_2_PI * gauss(m, kept, 0.5)


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


def _ndtri(m: Any, p: Any) -> Any:
    """The inverse of ndtr on [0, 1], -sqrt(2) erfcinv(2 p), with the digits of the left tail."""
    small = m.where(p > 0.5, 1.0 - p, p)
    tail = erfcinv_of_small(m, m.max(m.min(2.0 * small, 0.5), 0.0))
    near = erfinv_of_small(m, 2.0 * p - 1.0)
    inside = ROOT_2 * m.where(small >= 0.25, near, m.where(p > 0.5, tail, -tail))
    return m.where((p >= 0.0) & (p <= 1.0), inside, NAN)


def _ndtr_oracle(mp: Any, x: Any) -> Any:
    return mp.erfc(-x / mp.sqrt(2)) / 2


def _log_ndtr_oracle(mp: Any, x: Any) -> Any:
    if x > 0:
        return mp.log1p(-_ndtr_oracle(mp, -x))
    return mp.log(_ndtr_oracle(mp, x))


def _ndtri_oracle(mp: Any, p: Any) -> Any:
    return -mp.sqrt(2) * inverse_oracle(mp, 2 * p)


def _scaled_tail(x: Expr) -> Expr:
    """exp(x^2/2) erfc(-x/sqrt(2))."""
    return call("erfcx", -x * HALF**HALF)


# fmt: off
normal_pdf = define("normal_pdf", lambda y, x: -x * y, domain=(-4, 4), kind="routine",
                    definition=_normal_pdf, oracle=lambda mp, x: mp.npdf(x), parity="even",
                    cost=25, ulp=3.0, names=Names(), source="NIST DLMF 7.20.1")
ndtr = define("ndtr", lambda y, x: call("normal_pdf", x), domain=(-6, 4), kind="routine",
              definition=_ndtr, oracle=_ndtr_oracle, folds={0: HALF}, cost=200, ulp=6.0,
              names=Names(torch="special.ndtr"), source="NIST DLMF 7.20.1")
# The ratio of density and distribution, from erfcx where both underflow.
log_ndtr = define("log_ndtr",
                  lambda y, x: select(x < 0, (2 / PI)**HALF / _scaled_tail(x),
                                      call("normal_pdf", x) / call("ndtr", x)),
                  domain=(-6, 4), kind="routine", definition=_log_ndtr, oracle=_log_ndtr_oracle,
                  cost=300, ulp=5.0, names=Names(torch="special.log_ndtr"),
                  source="NIST DLMF 7.20.1")
# 1/density at y, from p = ndtr(y) in the tails, which the rounding of y does not spoil.
ndtri = define("ndtri",
               lambda y, x: (2 * PI)**HALF * select(
                   x < HALF**2, _scaled_tail(y) / (2 * x),
                   select(x > 1 - HALF**2, _scaled_tail(-y) / (2 - 2 * x),
                          call("exp_square", y * HALF**HALF))),
               domain=(0.05, 0.95), kind="routine", definition=_ndtri, oracle=_ndtri_oracle,
               folds={Fraction(1, 2): 0}, cost=160, ulp=4.0, names=Names(torch="special.ndtri"),
               source="NIST DLMF 7.17.1, 7.20.1")
# fmt: on

ROWS = (normal_pdf, ndtr, log_ndtr, ndtri)
