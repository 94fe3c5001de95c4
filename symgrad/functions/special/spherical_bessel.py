"""Rows of the spherical Bessel functions jn(n, x) and yn(n, x) of integer order, named as in SymPy.

Near their zeros the error is measured against the amplitude 1/x of their waves.
"""

from __future__ import annotations

from math import factorial
from typing import Any

from symgrad.functions.elementary import call, equal, select
from symgrad.functions.special.double import INF, NAN, is_even, polynomial
from symgrad.functions.special.recurrences import (
    MOST_ORDERS,
    SMALL,
    downward,
    exactly_one,
    upward,
)
from symgrad.ir.expression import Expr
from symgrad.ir.primitive import Names, define, no_closed_form

ORDER = "the order of a spherical Bessel function"
EDGE = 2.0
J1_OVER_X = tuple((-1) ** k * (2 * k + 2) / factorial(2 * k + 3) for k in range(12))
"""j1(x)/x in powers of x^2, enough up to x = 2: NIST DLMF 10.53.1."""


def _spherical(m: Any, n: Any, x: Any, *, second: bool) -> Any:
    """jn(n, x), or yn(n, x) where ``second``, for integer n. 5 ulp.

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
    up = upward(m, m.where(is_up, order, 2.0), size, zero, one, -1.0, 1.0, 0.5)
    target = m.where(is_up, 2.0, order)
    start = m.where(is_up, 1.0, target + m.ceil(7.0 * m.cbrt(target)) + 8.0)
    inside = m.max(m.min(size, target), SMALL)
    found, a, b = downward(m, target, start, inside, -1.0, 0.5)
    largest = m.max(m.abs(a), m.abs(b))
    a, b = a / largest, b / largest
    # The factor is least squares': no zero of one of the two values spoils it.
    factor = m.fma(j0, a, j1 * b) / m.fma(a, a, b * b)
    down = m.where(size < SMALL, 0.0, found / largest * factor)
    value = m.where(is_up, up, down)

    turned = (whole < 0.0) & (is_odd if second else ~is_odd)
    mirrored = (x < 0.0) & exactly_one(is_odd, is_second)
    return m.where(known, m.where(exactly_one(turned, mirrored), -value, value), NAN)


def _derivative(name: str) -> Any:
    """(n f_{n-1} - (n + 1) f_{n+1})/(2n + 1), NIST DLMF 10.51.2, which is finite at x = 0."""

    def partial(y: Expr, n: Expr, x: Expr) -> Expr:
        below = select(equal(n, 0), 0, n * call(name, n - 1, x))
        return (below - (n + 1) * call(name, n + 1, x)) / (2 * n + 1)

    return partial


def _oracle(name: str) -> Any:
    def value(mp: Any, n: Any, x: Any) -> Any:
        return mp.sqrt(mp.pi / (2 * x)) * getattr(mp, name)(n + mp.mpf(1) / 2, x)

    return value


# fmt: off
jn = define("jn", no_closed_form(ORDER), _derivative("jn"),
            domain=((0, 5), (0.3, 9)), whole=(0,), kind="routine", cost=700, ulp=6.0, names=Names(),
            definition=lambda m, n, x: _spherical(m, n, x, second=False),
            oracle=_oracle("besselj"), source="NIST DLMF 10.49.3, 10.51.1, 10.51.2")
yn = define("yn", no_closed_form(ORDER), _derivative("yn"),
            domain=((0, 5), (0.3, 9)), whole=(0,), kind="routine", cost=700, ulp=6.0, names=Names(),
            definition=lambda m, n, x: _spherical(m, n, x, second=True),
            oracle=_oracle("bessely"), source="NIST DLMF 10.49.5, 10.51.1, 10.51.2")
# fmt: on

ROWS = (jn, yn)
