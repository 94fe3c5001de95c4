"""Rows of differences of digamma and of trigamma, which cancel as such where the step is small.

The sums of NIST DLMF 5.7.6 and 5.15.1, term by term: with u = 1/x and v = 1/(x + b) every
difference u^n - v^n is u - v = b u v times a sum of positive terms.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import factorial
from typing import Any

from symgrad.functions.elementary import call
from symgrad.functions.special.double import NAN
from symgrad.ir.primitive import Names, define, no_closed_form

TERMS = 10
"""Below this the first argument moves up by it."""

LARGEST = 1e300
BERNOULLI = tuple(
    Fraction(*value)
    for value in (
        *((1, 6), (-1, 30), (1, 42), (-1, 30), (5, 66), (-691, 2730), (7, 6)),
        *((-3617, 510), (43867, 798), (-174611, 330)),
    )
)
"""B_2, B_4, ..., B_20 (NIST DLMF 24.2)."""

DIGAMMA = [float(value / (2 * j)) for j, value in enumerate(BERNOULLI, 1)]
TRIGAMMA = [float(value) for value in BERNOULLI]


def _arguments(m: Any, a: Any, b: Any) -> tuple[Any, Any, Any, Any]:
    """(proper, x, x + step, step) with a step >= 0, where both ends are positive."""
    end = a + b
    proper = (a > 0.0) & (end > 0.0) & (a < LARGEST) & (end < LARGEST)
    back = b < 0.0
    x, y = m.where(back, end, a), m.where(back, a, end)
    return proper, m.where(proper, x, 1.0), m.where(proper, y, 2.0), m.where(proper, m.abs(b), 1.0)


def _sums(m: Any, u: Any, v: Any, coefficients: Sequence[float], *, odd: bool) -> Any:
    """The sum of c_j (u^n - v^n)/(u - v), n = 2, 4, ..., or 3, 5, ... where ``odd``."""
    inner, power = u + v, u * u
    total: Any = 0.0
    for coefficient in coefficients:
        if odd:
            inner = m.fma(inner, v, power)
            power = power * u
        total = m.fma(inner, coefficient, total)
        if not odd:
            inner = m.fma(inner, v, power)
            power = power * u
        inner = m.fma(inner, v, power)
        power = power * u
    return total


def _digamma_difference(m: Any, a: Any, b: Any) -> Any:
    """digamma(a + b) - digamma(a), with all digits for positive a and a + b (NIST DLMF 5.7.6).

    b/((a + k)(a + b + k)) for k = 0 ... 9 where a is below 10, and 5.11.2 from there:
    log(1 + b/w) + (u - v)/2 + B_2/2 (u^2 - v^2) + ... Within 6 ulp; elsewhere the two digammas.
    """
    proper, x, y, step = _arguments(m, a, b)
    small = x < float(TERMS)
    near = m.min(x, float(TERMS))
    total: Any = 0.0
    for k in range(TERMS - 1, 0, -1):
        total = total + step / ((near + float(k)) * (y + float(k)))
    total = total + (step / y) / near
    shift = m.where(small, float(TERMS), 0.0)
    w = x + shift
    u, v = 1.0 / w, 1.0 / (y + shift)
    rest = step * u * v * (0.5 + _sums(m, u, v, DIGAMMA, odd=False))
    value = m.log1p(step / w) + (rest + m.where(small, total, 0.0))
    plain = m.digamma(a + b) - m.digamma(a)
    return m.where(proper, m.where(b < 0.0, -value, value), plain)


def _trigamma_difference(m: Any, a: Any, b: Any) -> Any:
    """trigamma(a + b) - trigamma(a), with all digits for positive a and a + b (NIST DLMF 5.15.1).

    The negative of u^2 - v^2 for ten terms where a is below 10, and of the difference of 5.15.8.
    Within 6 ulp; elsewhere the two trigammas.
    """
    proper, x, y, step = _arguments(m, a, b)
    small = x < float(TERMS)
    near = m.min(x, float(TERMS))
    total: Any = 0.0
    for k in range(TERMS - 1, 0, -1):
        inverse = 1.0 / ((near + float(k)) * (y + float(k)))
        total = total + step * inverse * ((near + y + 2.0 * k) * inverse)
    u, v = 1.0 / near, 1.0 / y
    total = total + (step * v) * u * (u + v)
    shift = m.where(small, float(TERMS), 0.0)
    u, v = 1.0 / (x + shift), 1.0 / (y + shift)
    rest = step * v * u * (1.0 + (0.5 * (u + v) + _sums(m, u, v, TRIGAMMA, odd=True)))
    value = rest + m.where(small, total, 0.0)
    plain = m.trigamma(a + b) - m.trigamma(a)
    return m.where(proper, m.where(b < 0.0, value, -value), plain)


def _polygamma_difference(m: Any, n: Any, a: Any, b: Any) -> Any:
    """polygamma(n, a + b) - polygamma(n, a), n = 1, 2, ..., with all digits for positive arguments.

    NIST DLMF 5.15.1 and 25.11.5: sums of x^-p - y^-p = -x^-p expm1(-p log(1 + b/x)), which are of
    one sign: ten terms where a is below 10, then Euler and Maclaurin's. Within 12 ulp for n up to
    5; elsewhere the two polygammas.
    """
    proper, x, _, step = _arguments(m, a, b)
    proper = proper & (n >= 1.0) & (n <= 150.0)
    order = m.where(proper, n, 1.0)
    p = order + 1.0
    small = x < float(TERMS)
    near = m.where(small, x, float(TERMS))
    # All terms over near^-p, which alone may be beyond the doubles.
    total = -m.expm1(-p * m.log1p(step / near))
    for k in range(1, TERMS):
        w = near + float(k)
        total = total - m.exp(-p * m.log1p(float(k) / near)) * m.expm1(-p * m.log1p(step / w))
    w = x + m.where(small, float(TERMS), 0.0)
    log = m.log1p(step / w)
    inverse = 1.0 / w
    tail = -w * m.expm1(-order * log) / order - 0.5 * m.expm1(-p * log)
    factor = p * inverse
    for j, coefficient in enumerate(BERNOULLI, 1):
        scale = float(coefficient / factorial(2 * j))
        tail = tail - (scale * factor) * m.expm1(-(p + (2.0 * j - 1.0)) * log)
        factor = factor * ((p + (2.0 * j - 1.0)) * (p + 2.0 * j)) * (inverse * inverse)
    moved = m.where(small, m.exp(-p * m.log1p(float(TERMS) / near)), 1.0)
    size = m.where(small, total, 0.0) + moved * tail
    fact: Any = 1.0

    def grow(k: Any, product: Any) -> tuple[Any, ...]:
        return k + 2.0 <= order, product * m.where(k + 1.0 <= order, k + 1.0, 1.0)

    (fact,) = m.loop(grow, (1.0,), 150)
    value = size * fact * m.pow(m.where(small, near, x), -p)
    # Polygamma falls in size, and is positive for odd orders.
    half = 0.5 * order
    value = m.where(m.eq(half, m.floor(half)), value, -value)
    plain = m.polygamma(n, a + b) - m.polygamma(n, a)
    value = m.where(proper, m.where(b < 0.0, -value, value), plain)
    return m.where(m.eq(n, m.floor(n)), value, NAN)


def _polygamma_oracle(mp: Any, n: Any, a: Any, b: Any) -> Any:
    return _difference(mp, int(n), a, b) if n >= 0 and mp.isint(n) else mp.nan


def _digamma_oracle(mp: Any, a: Any, b: Any) -> Any:
    return _difference(mp, 0, a, b)


def _trigamma_oracle(mp: Any, a: Any, b: Any) -> Any:
    return _difference(mp, 1, a, b)


def _difference(mp: Any, order: int, a: Any, b: Any) -> Any:
    if not (mp.isfinite(a) and mp.isfinite(b)):
        return mp.nan
    if b == 0:
        return mp.mpf(0)
    with mp.extradps(10 + int(abs(mp.mag(a)) + abs(mp.mag(b))) // 2):
        return mp.psi(order, a + b) - mp.psi(order, a)


# fmt: off
digamma_difference = define("digamma_difference", lambda y, a, b: call("trigamma_difference", a, b),
                            lambda y, a, b: call("trigamma", a + b), domain=((0.3, 9), (0.2, 7)),
                            kind="routine", definition=_digamma_difference, cost=400, ulp=6.0,
                            oracle=_digamma_oracle, names=Names(), source="NIST DLMF 5.7.6, 5.11.2")
trigamma_difference = define("trigamma_difference",
                             lambda y, a, b: call("polygamma_difference", 2, a, b),
                             lambda y, a, b: call("polygamma", 2, a + b),
                             domain=((0.3, 9), (0.2, 7)), kind="routine",
                             definition=_trigamma_difference, oracle=_trigamma_oracle, cost=350,
                             ulp=6.0, names=Names(), source="NIST DLMF 5.15.1, 5.15.8")
polygamma_difference = define("polygamma_difference", no_closed_form("the order of a derivative"),
                              lambda y, n, a, b: call("polygamma_difference", n + 1, a, b),
                              lambda y, n, a, b: call("polygamma", n + 1, a + b),
                              domain=((1, 4), (0.3, 9), (0.2, 7)), whole=(0,), kind="routine",
                              definition=_polygamma_difference, oracle=_polygamma_oracle,
                              cost=1200, ulp=12.0, names=Names(),
                              folds={1: lambda n, a, b: call("trigamma_difference", a, b)},
                              source="NIST DLMF 5.15.1, 25.11.5")
# fmt: on

ROWS = (digamma_difference, trigamma_difference, polygamma_difference)
