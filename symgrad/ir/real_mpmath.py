"""Real functions of mpmath's numbers: nan where there is no real value, and inf for 1/0.

mpmath itself goes on in the complex numbers there, or raises. At infinities and zeros the results
are those of C.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import mpmath
from mpmath import inf, mpf, nan

from symgrad.ir.arithmetic import Number

NAMED = {
    "pi": "pi",
    "e": "e",
    "euler_gamma": "euler",
    "golden_ratio": "phi",
    "catalan": "catalan",
}
"""What mpmath calls the named constants."""


def number(value: Number | str) -> Any:
    """A number, or a constant by its name, at the present precision."""
    if isinstance(value, str):
        return +getattr(mpmath, NAMED[value])
    if isinstance(value, Fraction):
        return mpf(value.numerator) / value.denominator
    return mpf(value)


def real(call: Callable[..., Any]) -> Callable[..., Any]:
    """A function of mpmath's, nan where it raises or is complex."""

    def checked(*args: Any) -> Any:
        try:
            result = call(*args)
        except (ZeroDivisionError, ValueError, OverflowError, TypeError):
            return nan
        return nan if isinstance(result, mpmath.mpc) else result

    return checked


def power(base: Any, exponent: int | Fraction) -> Any:
    """A power with an exact exponent."""
    if mpmath.isnan(base):
        return base
    if base == 0 and exponent < 0:
        return inf
    if base < 0 and not isinstance(exponent, int):
        return nan
    if exponent == Fraction(1, 2):
        return mpmath.sqrt(base)
    return base ** (exponent if isinstance(exponent, int) else number(exponent))


def divide(a: Any, b: Any) -> Any:
    """The quotient."""
    if b == 0:
        return nan if a == 0 or mpmath.isnan(a) else inf * mpmath.sign(a)
    return a / b


def lookup(values: Sequence[float], index: Any) -> Any:
    """The entry of a table; the first for nan, and the nearest beyond an end."""
    return mpf(values[0 if mpmath.isnan(index) else int(min(max(index, 0), len(values) - 1))])


def _pow(a: Any, b: Any) -> Any:
    if b == 0 or a == 1:
        return mpf(1)
    if mpmath.isnan(a) or mpmath.isnan(b):
        return nan
    if mpmath.isinf(b):
        return mpf(1) if abs(a) == 1 else inf if (abs(a) > 1) == (b > 0) else mpf(0)
    if a == 0:
        return inf if b < 0 else mpf(0)
    return a ** int(b) if mpmath.isint(b) else (nan if a < 0 else a**b)


def _atan2(a: Any, b: Any) -> Any:
    if a == 0 == b:
        return mpf(0)
    if mpmath.isnan(a) or mpmath.isnan(b):
        return nan
    if mpmath.isinf(a) and mpmath.isinf(b):
        return mpmath.sign(a) * mpmath.pi / 4 * (1 if b > 0 else 3)
    return mpmath.atan2(a, b)


def _fmod(a: Any, b: Any) -> Any:
    if mpmath.isinf(b) and not mpmath.isinf(a):
        return a
    return mpmath.sign(a) * mpmath.fmod(abs(a), abs(b))


def _log(x: Any) -> Any:
    return -inf if x == 0 else mpmath.log(x) if x > 0 else nan


FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{
        name: real(getattr(mpmath, name))
        for name in (
            *("exp", "expm1", "log1p", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh"),
            *("tanh", "asinh", "acosh", "atanh", "floor", "ceil", "erf", "erfc"),
        )
    },
    "log": _log,
    "log2": lambda x: _log(x) / mpmath.log(2),
    "log10": lambda x: _log(x) / mpmath.log(10),
    "exp2": lambda x: mpf(2) ** x,
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
    "atan2": real(_atan2),
    "hypot": real(lambda a, b: inf if inf in (abs(a), abs(b)) else mpmath.hypot(a, b)),
    "pow": _pow,
    "abs": abs,
    "sign": mpmath.sign,
    "trunc": lambda x: mpmath.floor(x) if x > 0 else mpmath.ceil(x),
    "rint": mpmath.nint,
    "fmod": real(_fmod),
    "fma": real(lambda a, b, c: mpmath.fmul(a, b, exact=True) + c),
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
    "not": lambda a: not a,
    "select": lambda c, a, b: a if c else b,
}
"""Rows by name, but for those that other rows or definitions compute."""
