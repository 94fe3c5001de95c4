"""Rows of the spherical Bessel functions jn(n, x) and yn(n, x) of integer order, named as in SymPy.

Near their zeros the error is measured against the amplitude 1/x of their waves.
"""

from __future__ import annotations

from math import factorial
from typing import Any, NamedTuple

from symgrad.functions.elementary import call, equal, select
from symgrad.functions.special.bessel.recurrences import (
    MOST_ORDERS,
    SMALL,
    downward,
    downward_sum,
    exactly_one,
    upward,
    upward_sum,
)
from symgrad.functions.special.double import INF, NAN, is_even, polynomial
from symgrad.ir.expression import Expr
from symgrad.ir.primitive import Names, Primitive, define, no_closed_form

ORDER = "the order of a spherical Bessel function"
EDGE = 2.0
J1_OVER_X = tuple((-1) ** k * (2 * k + 2) / factorial(2 * k + 3) for k in range(12))
"""j1(x)/x in powers of x^2, enough up to x = 2: NIST DLMF 10.53.1."""


class Slopes(NamedTuple):
    """The first derivative (``order`` 1) or the second by NIST DLMF 10.51.2, times ``divisor``.

    The coefficients are whole numbers: exact.
    """

    order: int
    n: Any

    @property
    def divisor(self) -> Any:
        """The common denominator."""
        n = self.n
        first = 2.0 * n + 1.0
        return first if self.order == 1 else first * ((2.0 * n - 1.0) * (2.0 * n + 3.0))

    def ends(self, m: Any) -> tuple[Any, Any]:
        """No coefficient needs the one before."""
        return 0.0, 0.0

    def term(self, m: Any, distance: Any, c: Any, *, up: bool) -> tuple[Any, Any]:
        """The coefficient for the order n + ``distance``."""
        n = self.n
        if self.order == 1:
            terms = {-1.0: n, 1.0: -(n + 1.0)}
        else:
            less, more = 2.0 * n - 1.0, 2.0 * n + 3.0
            terms = {
                -2.0: n * (n - 1.0) * more,
                0.0: -(n * n * more + (n + 1.0) * (n + 1.0) * less),
                2.0: (n + 1.0) * (n + 2.0) * less,
            }
        weight: Any = 0.0
        for where, coefficient in terms.items():
            weight = m.where(m.eq(distance, where), coefficient, weight)
        return weight, c


def _spherical(m: Any, n: Any, x: Any, *, second: bool, times: int = 0) -> Any:
    """jn(n, x), or yn(n, x) where ``second``, or a derivative by x, for integer n. 5 ulp.

    j_n goes up from j0 and j1 where |x| >= n, else down to them; y_n goes up (NIST DLMF 10.49.3,
    10.49.5, 10.51.1). yn(n, x) = (-1)^(n+1) jn(-n-1, x) gives the negative orders (10.47.10), and
    jn(n, -x) = (-1)^n jn(n, x), yn(n, -x) = (-1)^(n+1) yn(n, x) negative x (10.47.14). nan for
    other orders and beyond 100,000.
    """
    size = m.abs(x)
    known = (m.abs(n) <= MOST_ORDERS) & m.eq(n, m.floor(n))
    whole = m.where(known, n, 0.0)
    order = m.where(whole < 0.0, -1.0 - whole, whole)
    is_second = whole >= 0.0 if second else whole < 0.0
    is_odd = ~is_even(m, order)

    angle = m.where(size < INF, size, EDGE)
    sine, cosine = m.sin(angle) / size, m.cos(angle) / size
    j0 = m.where(size > 0.0, sine, 1.0 + size)
    inside = m.min(size, EDGE)
    j1_near = polynomial(m, inside * inside, J1_OVER_X) * size
    j1 = m.where(size < EDGE, j1_near, (sine - m.cos(angle)) / size)
    y1 = -(cosine + m.sin(angle)) / size
    zero, one = m.where(is_second, -cosine, j0), m.where(is_second, y1, j1)

    is_up = is_second | (size >= order) | (order <= 1.0)
    if times:
        is_up = is_second | (size >= m.max(order, EDGE))
    target = m.where(is_up, 2.0, order)
    start = m.where(is_up, 1.0, target + m.ceil(7.0 * m.cbrt(target)) + 8.0)
    inside = m.max(m.min(size, m.max(target, EDGE)), SMALL)
    count = m.where(is_up, order, 2.0)
    if times:
        terms = Slopes(times, order)
        # Whole coefficients are large, values near 0 too.
        less = m.where(size < 1.0, 2.0**-64, 1.0)
        first, one = (zero * less, 0.0), (one * less, 0.0)
        up = upward_sum(m, terms._replace(n=count), count, size, first, one, -1.0, 1.0, 0.5)
        up = up / terms._replace(n=count).divisor / less
        # Sums of neighbours are smaller than they are.
        reach = m.ceil(9.0 * m.cbrt(m.max(target, EDGE))) + 8.0 + float(times)
        start = m.where(is_up, 1.0, target + reach)
        terms = terms._replace(n=target)
        found, a, b = downward_sum(m, terms, target, start, inside, -1.0, 0.5)
        found = found / terms.divisor
        is_lower = order < float(times)
        lowest = m.where(is_even(m, order - float(times)), 0.0, 1.0)
        power = m.pow(m.min(size / SMALL, 1.0), m.where(is_lower, lowest, order - float(times)))
    else:
        up = upward(m, count, size, zero, one, -1.0, 1.0, 0.5)
        found, a, b = downward(m, target, start, inside, -1.0, 0.5)
        power = m.where(size < SMALL, 0.0, 1.0)
    largest = m.max(m.abs(a), m.abs(b))
    a, b = a / largest, b / largest
    # The factor is least squares': no zero of one of the two values spoils it.
    factor = m.fma(j0, a, j1 * b) / m.fma(a, a, b * b)
    down = found / largest * factor * power
    value = m.where(is_up, up, down)

    turned = (whole < 0.0) & (is_odd if second else ~is_odd)
    mirrored = exactly_one(is_odd, is_second)
    if times == 1:
        mirrored = ~mirrored
    mirrored = mirrored & (x < 0.0)
    return m.where(known, m.where(exactly_one(turned, mirrored), -value, value), NAN)


def _slope(name: str) -> Any:
    return lambda y, n, x: call(f"{name}_slope", n, x)


def _curvature(name: str) -> Any:
    return lambda y, n, x: call(f"{name}_curvature", n, x)


def _third(name: str) -> Any:
    """(n f_{n-1} - (n + 1) f_{n+1})/(2n + 1) of second derivatives, NIST DLMF 10.51.2."""

    def partial(y: Expr, n: Expr, x: Expr) -> Expr:
        below = select(equal(n, 0), 0, n * call(f"{name}_curvature", n - 1, x))
        return (below - (n + 1) * call(f"{name}_curvature", n + 1, x)) / (2 * n + 1)

    return partial


def _oracle(name: str) -> Any:
    def value(mp: Any, n: Any, x: Any) -> Any:
        return mp.sqrt(mp.pi / (2 * x)) * getattr(mp, name)(n + mp.mpf(1) / 2, x)

    return value


def _differentiated(oracle: Any, times: int) -> Any:
    """NIST DLMF 10.51.2, in as many digits as it may cancel; at 0 the limit."""

    def value(mp: Any, n: Any, x: Any) -> Any:
        if not mp.isint(n):
            return mp.nan
        if mp.isinf(x):
            return mp.mpf(0)
        with mp.extradps(10 + times * (abs(mp.mag(x)) if x else 0)):
            if times == 0:
                return oracle(mp, n, x)
            lower = _differentiated(oracle, times - 1)
            below = n * lower(mp, n - 1, x) if n else mp.mpf(0)
            above = (n + 1) * lower(mp, n + 1, x) if n + 1 else mp.mpf(0)
            return (below - above) / (2 * n + 1)

    return value


def _row(name: str, times: int, partial: Any, source: str) -> Primitive:
    kind = "bessely" if name == "yn" else "besselj"
    return define(
        name + ("", "_slope", "_curvature")[times],
        no_closed_form(ORDER),
        partial(name),
        domain=((0, 5), (0.3, 9)),
        whole=(0,),
        kind="routine",
        cost=(700, 900, 900)[times],
        ulp=6.0,
        names=Names(),
        definition=lambda m, n, x: _spherical(m, n, x, second=name == "yn", times=times),
        oracle=_differentiated(_oracle(kind), times) if times else _oracle(kind),
        source=source,
    )


# fmt: off
jn = _row("jn", 0, _slope, "NIST DLMF 10.49.3, 10.51.1, 10.51.2")
jn_slope = _row("jn", 1, _curvature, "NIST DLMF 10.51.2")
jn_curvature = _row("jn", 2, _third, "NIST DLMF 10.51.2")
yn = _row("yn", 0, _slope, "NIST DLMF 10.49.5, 10.51.1, 10.51.2")
yn_slope = _row("yn", 1, _curvature, "NIST DLMF 10.51.2")
yn_curvature = _row("yn", 2, _third, "NIST DLMF 10.51.2")
# fmt: on

ROWS = (jn, jn_slope, jn_curvature, yn, yn_slope, yn_curvature)
