"""Numbers as Arb's balls: comparisons that may stay open, roundings, elementary functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
from flint import acb, arb

NAN = arb("nan")
HALF = arb(0.5)
Function = Callable[..., Any]


def ball(x: mpmath.mpf) -> arb:
    """A finite number of mpmath, exactly."""
    return arb((int(-x.man if x < 0 else x.man), int(x.exp)))


def middle(x: arb) -> mpmath.mpf:
    """The middle of a ball, at mpmath's precision."""
    mantissa, exponent = x.mid().man_exp()
    return mpmath.ldexp(int(mantissa), int(exponent))


class UndecidedError(ArithmeticError):
    """Two balls overlap, so that a comparison of what is in them has no answer."""


def exact(x: arb) -> bool:
    """Whether a ball is one finite number."""
    return bool(x.is_exact() and x.is_finite())


def less(a: arb, b: arb) -> bool:
    """Whether a < b; false where one is nan.

    Raises:
        UndecidedError: the balls overlap.
    """
    if a < b:
        return True
    if a >= b or a.is_nan() or b.is_nan():
        return False
    raise UndecidedError


def equal(a: arb, b: arb) -> bool:
    """Whether a == b.

    Raises:
        UndecidedError: the balls overlap.
    """
    if a == b:
        return True
    if a != b or a.is_nan() or b.is_nan():
        return False
    raise UndecidedError


def whole(x: arb) -> int | None:
    """The whole number that a ball is."""
    return int(x.unique_fmpz()) if exact(x) and x.is_integer() else None


def rounded(x: arb, function: Function) -> arb:
    """``function`` (floor or ceil of Arb) of a ball, which must be one whole number.

    Raises:
        UndecidedError: the ball reaches over a jump.
    """
    made = function(x)
    if not x.is_nan() and not made.is_exact():
        raise UndecidedError
    return made


def truncated(x: arb) -> arb:
    return rounded(x, arb.ceil) if less(x, arb(0)) else rounded(x, arb.floor)


def nearest(x: arb) -> arb:
    """The nearest whole number, half to even."""
    if not x.is_finite():
        return x
    above = rounded(x + HALF, arb.floor)  # so that balls about whole numbers are no trouble
    odd = int(above.unique_fmpz()) % 2
    return above - (1 if odd and equal(above - x, HALF) else 0)


def fmod(a: arb, b: arb) -> arb:
    """A - b trunc(a/b) of numbers, exactly."""
    if not (exact(a) and exact(b)) or b.is_zero():
        return NAN
    (top, up), (bottom, down) = a.man_exp(), b.man_exp()
    low = min(up, down)
    top, bottom = int(top) << int(up - low), int(bottom) << int(down - low)
    rest = abs(top) % abs(bottom)
    return arb((-rest if top < 0 else rest, low))


def power(a: arb, b: arb) -> arb:
    """C's pow of numbers: 1 where b = 0, nan where a < 0 unless b is whole."""
    if equal(b, arb(0)) or equal(a, arb(1)):
        return arb(1)
    n = whole(b)
    if n is not None and abs(n) < 1000:
        return a**n
    if equal(a, arb(0)):
        return arb(0) if less(arb(0), b) else NAN
    if less(a, arb(0)):
        if n is None:
            return NAN
        return (-a) ** b * (-1) ** (n % 2)
    return a**b


def sign(x: arb) -> arb:
    made = x.sgn()
    if not made.is_exact() and not x.is_nan():
        raise UndecidedError
    return made


def cbrt(x: arb) -> arb:
    return -((-x).root(3)) if less(x, arb(0)) else x.root(3)


def sure(test: bool, value: Function) -> arb:
    """``value()`` where the row is defined, else nan."""
    return value() if test else NAN


def real(value: acb) -> arb:
    return value.real


def n_sign(n: int) -> int:
    """(-1)^n."""
    return -1 if n % 2 else 1
