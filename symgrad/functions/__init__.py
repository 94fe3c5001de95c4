"""The function table: PRIMITIVES, one row per function, and the names that stand for others.

Rows, by ``define`` of ``ir/primitive.py``:

    elementary.py   exp, log, trigonometric and hyperbolic functions and their inverses
    reciprocal.py   cot, sech and their like
    powers.py       a^b with a variable exponent
    piecewise.py    conditions, select, abs, max, floor: all that has a kink or a jump
    stable.py       softplus, expm1(x)/x and other forms that keep their digits
    special/        special functions, a folder a family
    taylor.py       the polynomial that stands for a quotient where it is 0/0

Functions that are written in others and need no row:

    compositions.py                 by name: sqrt, sec, relu and the like
    orthogonal.py                   polynomials of a constant degree, spherical harmonics
    generalized_hypergeometric.py   pFq

What is made of them:

    tracing.py                      PRIMITIVES, ``sg.math`` and ``sg.trace``
    user.py                         functions of the user's own, beside PRIMITIVES
    splines.py, spline_slopes.py    functions that interpolate tables

To add a function, write its row and name it in the ROWS below it: the parsers, differentiation,
every target, the oracles and the tests all read it from there.
"""

from symgrad.functions.compositions import COMPOSITIONS
from symgrad.functions.tracing import PRIMITIVES, Functions, math

__all__ = ["COMPOSITIONS", "PRIMITIVES", "Functions", "math"]
