"""Rows of the elementary functions: exponentials, logarithms, powers, trigonometry, hyperbolics.

Partials may use the output ``y``. Square roots and powers with a constant integer or rational
exponent are no rows: they are products of the Graph (``ir/arithmetic.py``).
Derivatives: NIST DLMF sections 4.4, 4.7, 4.10, 4.20, 4.24, 4.34 and 4.38.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from symgrad.ir.expression import HALF, Expr, named, wrap
from symgrad.ir.primitive import Names, define

PI = named("pi")
INF, EXP_MINUS_64 = float("inf"), 1.603810890548638e-28


def call(name: str, *arguments: object) -> Expr:
    """The Expr of the row ``name`` at ``arguments``."""
    return Expr(name, tuple(wrap(argument) for argument in arguments))


def select(condition: Expr, chosen: object, other: object) -> Expr:
    """``chosen`` where ``condition`` holds, else ``other``."""
    return call("select", condition, chosen, other)


def equal(left: object, right: object) -> Expr:
    """The condition that two values are equal."""
    return call("eq", left, right)


# What rounding takes from x^2 would cost the tail of exp(-x^2) its digits: fma gives it back.
def _exp_minus_square(m: Any, x: Any) -> Any:
    square = x * x
    power = m.exp(-square)
    return m.fma(-power, m.where(square < INF, m.fma(x, x, -square), 0.0), power)


def _exp_minus_square_slope(m: Any, x: Any) -> Any:
    """-2 x exp(-x^2), beyond |x| = 8 from exp(64 - x^2).

    Far out exp(-x^2) is subnormal and has few digits; the product would have no more.
    """
    kept = m.where(m.abs(x) > 40.0, 40.0, x)
    square = kept * kept
    far = square > 64.0
    power = m.exp(m.where(far, 64.0 - square, -square))
    power = m.fma(-power, m.fma(kept, kept, -square), power)
    # By fma, as factors of a product may be multiplied in any order.
    return m.fma(-2.0 * kept * power, m.where(far, EXP_MINUS_64, 1.0), -0.0)


def _kept_product(a: Expr, b: object) -> Expr:
    """The product a b by fma, which no pass takes apart.

    Factors of a product may be multiplied in any order: a b c may become a (b c), which is 0 or
    infinite for huge and tiny factors although a b is an ordinary number.
    """
    return call("fma", a, b, -0.0)


def _inverse_length(a: Expr, b: Expr) -> Expr:
    """1/hypot(a, b), but 0 at the origin, so that all that is multiplied by it is 0 there."""
    inverse = 1 / call("hypot", a, b)
    return select(equal(inverse, INF), 0, inverse)


def _inverse_square(a: Expr, b: Expr) -> Expr:
    """1/(a^2 + b^2), but 0 at the origin, so that all that is multiplied by it is 0 there."""
    square = a * a + b * b
    return 1 / select(equal(square, 0), INF, square)


def _twisted(y: Expr, a: Expr, b: Expr) -> Expr:
    """The derivative of y = u^2 - v^2, ``atan2_by_both``, by a: 2 u (3 v^2 - u^2)."""
    u, v = call("atan2_by_first", b, a), call("atan2_by_first", a, b)
    return 2 * u * (2 * v * v - y)


def _by_own(other: str) -> Callable[[Expr, Expr, Expr], Expr]:
    """The derivative of the cosine of an angle by its own side: the sine's square over hypot."""
    return lambda y, a, b: call(other, a, b) ** 2 * call("hypot_inverse", a, b)


def _by_other(y: Expr, a: Expr, b: Expr) -> Expr:
    """The derivative of the cosine of an angle by the other side."""
    both = call("hypot_by_first", a, b) * call("hypot_by_second", a, b)
    return -both * call("hypot_inverse", a, b)


# fmt: off
exp   = define("exp",   lambda y, x: y,                 domain=(-3, 3), folds={0: 1}, cost=12)
# exp(-x^2); simplify/exponentials.py makes it exp where other exponentials are multiples of it.
exp_minus_square = define("exp_minus_square", lambda y, x: call("exp_minus_square_slope", x),
                          domain=(-3, 3), kind="routine", definition=_exp_minus_square, ulp=3.0,
                          oracle=lambda mp, x: mp.exp(-x * x), parity="even", folds={0: 1},
                          cost=14, names=Names(), source="NIST DLMF 4.2.19")
exp_minus_square_slope = define("exp_minus_square_slope",
                                lambda y, x: -2 * (x * y + call("exp_minus_square", x)),
                                domain=(-3, 3), kind="routine", ulp=4.0,
                                definition=_exp_minus_square_slope, parity="odd", folds={0: 0},
                                oracle=lambda mp, x: -2 * x * mp.exp(-x * x), cost=15,
                                names=Names(), source="NIST DLMF 4.2.19")
exp2  = define("exp2",  lambda y, x: y * call("log", 2), domain=(-4, 4), folds={0: 1}, cost=14,
               names=Names(mpmath=None, torch="exp2", numpy="exp2", c="exp2"))
expm1 = define("expm1", lambda y, x: call("exp", x),    domain=(-2, 2), folds={0: 0}, cost=14)
log   = define("log",   lambda y, x: 1 / x,             domain=(0.1, 9), folds={1: 0}, cost=12)
log1p = define("log1p", lambda y, x: 1 / (1 + x),       domain=(-0.8, 5), folds={0: 0}, cost=14)
log2  = define("log2",  lambda y, x: 1 / (x * call("log", 2)),  domain=(0.1, 9),
               folds={1: 0}, cost=14,
               names=Names(mpmath=None, torch="log2", numpy="log2", c="log2"))
log10 = define("log10", lambda y, x: 1 / (x * call("log", 10)), domain=(0.1, 9),
               folds={1: 0}, cost=14)
cbrt  = define("cbrt",  lambda y, x: call("cbrt_slope", x), domain=(0.2, 9), parity="odd",
               folds={0: 0, 1: 1}, cost=20, names=Names(mpmath=None, numpy="cbrt", c="cbrt"))
cbrt_slope = define("cbrt_slope", lambda y, x: Fraction(-2, 3) * y / x, domain=(0.2, 9),
                    kind="composite", expansion=lambda x: 1 / (3 * call("cbrt", x) ** 2),
                    parity="even", cost=27, names=Names())

sin = define("sin", lambda y, x: call("cos", x),  domain=(-6, 6), parity="odd",
             folds={0: 0}, cost=14)
cos = define("cos", lambda y, x: -call("sin", x), domain=(-6, 6), parity="even",
             folds={0: 1}, cost=14)
tan = define("tan", lambda y, x: 1 + y * y,       domain=(-1.2, 1.2), parity="odd",
             folds={0: 0}, cost=20)

# 1 - x^2, which does not cancel at 1, while its derivatives do not cancel at 0.
one_minus_square = define("one_minus_square", lambda y, x: -2 * x, domain=(-3, 3), parity="even",
                          kind="composite", expansion=lambda x: (1 - x) * (1 + x),
                          folds={0: 1, 1: 0}, cost=3, names=Names())
asin = define("asin", lambda y, x: call("one_minus_square", x) ** -HALF, domain=(-0.9, 0.9),
              parity="odd", folds={0: 0, 1: PI / 2}, cost=20,
              names=Names(mpmath="asin", torch="asin", numpy="arcsin", c="asin"))
acos = define("acos", lambda y, x: -(call("one_minus_square", x) ** -HALF), domain=(-0.9, 0.9),
              folds={0: PI / 2, 1: 0, -1: PI}, cost=20,
              names=Names(mpmath="acos", torch="acos", numpy="arccos", c="acos"))
atan = define("atan", lambda y, x: 1 / (1 + x * x),          domain=(-5, 5), parity="odd",
              folds={0: 0, 1: PI / 4}, cost=20,
              names=Names(mpmath="atan", torch="atan", numpy="arctan", c="atan"))
atan2 = define("atan2",
               lambda y, a, b: call("atan2_by_first", a, b),
               lambda y, a, b: -call("atan2_by_first", b, a),
               domain=((-3, 3), (0.2, 3)), cost=25,
               names=Names(mpmath="atan2", torch="atan2", numpy="arctan2", c="atan2"))
# b/(a^2 + b^2), and (a^2 - b^2)/(a^2 + b^2)^2, which has more digits as (a - b)(a + b). With
# u = a/(a^2 + b^2) and v = b/(a^2 + b^2) all derivatives are products of u, v and u^2 - v^2.
atan2_by_first = define("atan2_by_first",
                        lambda y, a, b: -2 * call("atan2_by_first", b, a) * y,
                        lambda y, a, b: call("atan2_by_both", a, b),
                        domain=((-3, 3), (0.2, 3)), kind="composite", cost=8, names=Names(),
                        expansion=lambda a, b: b * _inverse_square(a, b))
atan2_by_both = define("atan2_by_both", _twisted, lambda y, a, b: -_twisted(-y, b, a),
                       domain=((-3, 3), (0.2, 3)), kind="composite", cost=11, names=Names(),
                       expansion=lambda a, b: (a - b) * (a + b) * _inverse_square(a, b) ** 2)

sinh = define("sinh", lambda y, x: call("cosh", x), domain=(-3, 3), parity="odd",
              folds={0: 0}, cost=18)
cosh = define("cosh", lambda y, x: call("sinh", x), domain=(-3, 3), parity="even",
              folds={0: 1}, cost=18)
# Not 1 - y*y, which has lost all digits where |x| = 18.
tanh = define("tanh", lambda y, x: call("sech", x) ** 2, domain=(-3, 3), parity="odd",
              folds={0: 0}, cost=18)
asinh = define("asinh", lambda y, x: 1 / (1 + x * x) ** HALF, domain=(-4, 4), parity="odd",
               folds={0: 0}, cost=22,
               names=Names(mpmath="asinh", torch="asinh", numpy="arcsinh", c="asinh"))
acosh = define("acosh", lambda y, x: 1 / ((x - 1) ** HALF * (x + 1) ** HALF), domain=(1.2, 6),
               folds={1: 0}, cost=22,
               names=Names(mpmath="acosh", torch="acosh", numpy="arccosh", c="acosh"))
atanh = define("atanh", lambda y, x: 1 / call("one_minus_square", x), domain=(-0.9, 0.9),
               parity="odd", folds={0: 0}, cost=22,
               names=Names(mpmath="atanh", torch="atanh", numpy="arctanh", c="atanh"))

hypot = define("hypot",
               lambda y, a, b: call("hypot_by_first", a, b),
               lambda y, a, b: call("hypot_by_second", a, b),
               domain=((-3, 3), (0.2, 3)), cost=20)
# a/hypot(a, b) and b/hypot(a, b), cosine and sine of an angle: nothing cancels, as 1 - y*y
# would, or overflows. They and 1/hypot(a, b) are 0 at the origin.
hypot_by_first = define("hypot_by_first", _by_own("hypot_by_second"), _by_other,
                        domain=((-3, 3), (0.2, 3)), kind="composite", cost=25, names=Names(),
                        expansion=lambda a, b: _kept_product(a, _inverse_length(a, b)))
hypot_by_second = define("hypot_by_second", _by_other, _by_own("hypot_by_first"),
                         domain=((-3, 3), (0.2, 3)), kind="composite", cost=25, names=Names(),
                         expansion=lambda a, b: _kept_product(b, _inverse_length(a, b)))
hypot_inverse = define("hypot_inverse",
                       lambda y, a, b: -y * y * call("hypot_by_first", a, b),
                       lambda y, a, b: -y * y * call("hypot_by_second", a, b),
                       domain=((-3, 3), (0.2, 3)), kind="composite", cost=24, names=Names(),
                       expansion=_inverse_length)

# a*b + c, rounded once.
fma = define("fma", lambda y, a, b, c: b, lambda y, a, b, c: a, lambda y, a, b, c: 1,
             domain=(-3, 3), kind="instruction", cost=1, folds={0: lambda a, b, c: c},
             names=Names(mpmath=None, torch=None, numpy=None, c="fma"))
# fmt: on

ROWS = (
    *(exp, exp_minus_square, exp_minus_square_slope, exp2, expm1, log, log1p, log2, log10),
    *(cbrt, cbrt_slope, sin, cos, tan),
    *(one_minus_square, asin, acos, atan),
    *(atan2, atan2_by_first, atan2_by_both, sinh, cosh, tanh, asinh, acosh, atanh),
    *(hypot, hypot_by_first, hypot_by_second, hypot_inverse, fma),
)
