"""The row of a Taylor polynomial: what a quotient is near the point where it is 0/0 as written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symgrad.functions.elementary import call
from symgrad.ir.expression import Expr, wrap
from symgrad.ir.primitive import Names, define

TERMS = 28
"""How many coefficients there are; those that are exactly 0 at the end cost nothing."""


def _polynomial(x: Expr, *coefficients: Expr) -> Expr:
    """Horner's rule."""
    total = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        total = call("fma", total, x, coefficient)
    return total


def _slope(y: Expr, x: Expr, *coefficients: Expr) -> Expr:
    return call("taylor", x, *[k * c for k, c in enumerate(coefficients)][1:], 0)


def _by_coefficient(k: int) -> Callable[..., Expr]:
    return lambda y, x, *coefficients: x**k if k else wrap(1)


taylor = define(
    "taylor",
    _slope,
    *map(_by_coefficient, range(TERMS)),
    domain=((-0.9, 0.9), *((-1.0, 1.0),) * TERMS),
    kind="composite",
    expansion=_polynomial,
    cost=TERMS,
    names=Names(),
    source="NIST DLMF 1.10.1",
)
"""c0 + c1 x + c2 x^2 + ..., closed under differentiation: the slope has coefficients k c_k."""

ROWS: tuple[Any, ...] = (taylor,)
