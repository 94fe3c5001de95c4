"""Functions that are written in others, by name: they need no row and no lowering of their own.

Each entry gives how many arguments the function takes and the Expr it stands for. The formula
parser, the SymPy converter and ``sg.math`` all read this table.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from symgrad.functions.elementary import call, equal, select
from symgrad.ir.expression import HALF, Expr, wrap

ANY = -1
"""Arity of a function that takes one argument or more."""


def _fold(name: str) -> Callable[..., Expr]:
    def folded(*arguments: Any) -> Expr:
        result = wrap(arguments[0])
        for argument in arguments[1:]:
            result = call(name, result, argument)
        return result

    return folded


def _heaviside(x: Expr, at_zero: object = Fraction(1, 2)) -> Expr:
    return select(x > 0, 1, select(x < 0, 0, select(equal(x, 0), at_zero, x)))


def _log(x: Expr, base: object = None) -> Expr:
    return call("log", x) if base is None else call("log", x) / call("log", base)


def _clamp(x: Expr, low: object, high: object) -> Expr:
    # The edge belongs to the inside, so that its derivative is 1 there (PyTorch's clamp).
    return select(x < low, low, select(wrap(high) < x, high, x))


def _sinc(x: Expr) -> Expr:
    return select(equal(x, 0), 1, call("sin", x) / x)


# fmt: off
COMPOSITIONS: dict[str, tuple[tuple[int, ...], Callable[..., Expr]]] = {
    "sqrt":      ((1,), lambda x: wrap(x) ** HALF),
    "rsqrt":     ((1,), lambda x: wrap(x) ** -HALF),
    "square":    ((1,), lambda x: wrap(x) ** 2),
    "reciprocal": ((1,), lambda x: 1 / wrap(x)),
    "log":       ((1, 2), _log),
    "ln":        ((1,), _log),
    "sec":       ((1,), lambda x: 1 / call("cos", x)),
    "csc":       ((1,), lambda x: 1 / call("sin", x)),
    "cot":       ((1,), lambda x: 1 / call("tan", x)),
    "asec":      ((1,), lambda x: call("acos", 1 / wrap(x))),
    "acsc":      ((1,), lambda x: call("asin", 1 / wrap(x))),
    "acot":      ((1,), lambda x: call("atan", 1 / wrap(x))),
    "sech":      ((1,), lambda x: 1 / call("cosh", x)),
    "csch":      ((1,), lambda x: 1 / call("sinh", x)),
    "coth":      ((1,), lambda x: 1 / call("tanh", x)),
    "asech":     ((1,), lambda x: call("acosh", 1 / wrap(x))),
    "acsch":     ((1,), lambda x: call("asinh", 1 / wrap(x))),
    "acoth":     ((1,), lambda x: call("atanh", 1 / wrap(x))),
    "max":       ((ANY,), _fold("max")),
    "min":       ((ANY,), _fold("min")),
    "heaviside": ((1, 2), _heaviside),
    "relu":      ((1,), lambda x: select(wrap(x) > 0, x, select(wrap(x) <= 0, 0, x))),
    "clamp":     ((3,), _clamp),
    "sinc":      ((1,), _sinc),
    "frac":      ((1,), lambda x: wrap(x) - call("floor", x)),
    "where":     ((3,), lambda c, a, b: select(c, a, b)),
}
# fmt: on
