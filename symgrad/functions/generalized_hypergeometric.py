"""The generalized hypergeometric function pFq by its orders p and q."""

from __future__ import annotations

from collections.abc import Sequence

from symgrad.errors import FormulaError
from symgrad.functions.elementary import call, select
from symgrad.ir.expression import Expr

SHAPES = ((0, 1), (1, 1), (2, 1), (1, 2), (2, 2), (3, 2))


def hypergeometric(upper: Sequence[Expr], lower: Sequence[Expr], z: Expr) -> Expr:
    """pFq(upper; lower; z) (NIST DLMF 16.2.1); equal parameters above and below cancel.

    Raises:
        FormulaError: there is no row of these orders.
    """
    above, below = list(upper), list(lower)
    for value in upper:
        if value in below:
            above.remove(value)
            below.remove(value)
    shape = len(above), len(below)
    if shape == (0, 0):
        return call("exp", z)
    if shape == (1, 0):
        return (1 - z) ** -above[0]
    if shape == (2, 1) and type(z.value) is int and z.value == 1:
        return _gauss(*above, *below)
    if shape in SHAPES:
        return call(f"hyp{shape[0]}f{shape[1]}", *above, *below, z)
    known = ", ".join(f"{p}F{q}" for p, q in ((0, 0), (1, 0), *SHAPES))
    why = "converges nowhere" if shape[0] > shape[1] + 1 else "has no row"
    raise FormulaError(f"hyper() of order {shape[0]}F{shape[1]} {why}; there are {known}")


def _gauss(a: Expr, b: Expr, c: Expr) -> Expr:
    """2F1(a, b; c; 1) by Gauss's theorem (NIST DLMF 15.4.20), which has partials by a, b, c.

    The four gamma functions of the theorem are written as a quotient of two beta functions, which
    does not overflow. Where neither has positive arguments the row hyp2f1 serves.
    """
    excess = c - a - b
    value = call("hyp2f1", a, b, c, 1)
    for one in (a, b):
        quotient = call("beta", excess, one) / call("beta", c - one, one)
        value = select((one > 0) & (c > one) & (excess > 0), quotient, value)
    return value
