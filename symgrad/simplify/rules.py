"""The rewrite rules: one row each, with the class that says how safe it is.

``exact``: the same bits for every input, inf, nan and -0.0 included. ``finite``: the same real
function wherever the left side is finite. ``rounding``: equal over the reals, rounds differently.
The canonical form of sums and products (``ir/arithmetic.py``) is no matter of rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from symgrad.functions import math
from symgrad.ir.expression import Expr, variables

Safety = Literal["exact", "finite", "rounding"]

LEVELS: dict[str, frozenset[str]] = {
    "exact": frozenset({"exact"}),
    "finite": frozenset({"exact", "finite"}),
    "all": frozenset({"exact", "finite", "rounding"}),
}
"""The classes that each value of the option ``rewrites`` allows."""


@dataclass(frozen=True, slots=True)
class Rule:
    """``left`` may be replaced by ``right``; their symbols stand for any expression, n for an int.

    Attributes:
        left: the pattern.
        right: what takes its place.
        safety: how safe that is.
        late: that derivatives alone are rewritten: those of ``left`` take fewer operations than
            those of ``right``.
        early: that the formula alone is rewritten, as the user wrote it: the rule is there for the
            digits and the range of its derivatives, whatever it costs.
        direct: that the factors on the left have to stand in one product as it was written, and
            not in products of products.
    """

    left: Expr
    right: Expr
    safety: Safety
    late: bool = False
    early: bool = False
    direct: bool = False

    @property
    def name(self) -> str:
        """The rule as text."""
        return f"{self.left} -> {self.right}"


x, n = variables("x n")

# fmt: off
STABILISING: tuple[Rule, ...] = (
    *(Rule(left, right, "rounding", early=True) for left, right in (
        (math.log(1 + math.exp(x)),       math.softplus(x)),
        (math.log(math.expm1(x)),         x + math.log1mexp(-x)),
        (math.log(-math.expm1(x)),        math.log1mexp(x)),
        (math.log1p(math.exp(x)),         math.softplus(x)),
        (math.log1p(-math.exp(x)),        math.log1mexp(x)),
        (math.log(math.sigmoid(x)),       -math.softplus(-x)),
        (math.log(math.cosh(x)),          math.logcosh(x)),
        (math.log(math.tanh(x)),          math.log1mexp(-2 * x) - math.softplus(-2 * x)),
        (math.log(math.coth(x)),          math.softplus(-2 * x) - math.log1mexp(-2 * x)),
        (math.log(math.tanh_half(x)),     math.log1mexp(-x) - math.softplus(-x)),
        (math.log(1 + math.cosh(x)),      2 * math.logcosh(x / 2) + math.log(2)),
        (math.log(math.sinh(x)),          x + math.log1mexp(-2 * x) - math.log(2)),
        (math.log(1 + x),                 math.log1p(x)),
        (-1 + math.exp(x),                math.expm1(x)),
        (-1 + math.exp2(x),               math.exp2m1(x)),
        (-1 + math.cos(x),                math.cosm1(x)),
        (-1 + math.cosh(x),               math.coshm1(x)),
        (-1 + math.erf(x),                -math.erfc(x)),
        (1 + math.erf(x),                 math.erfc(-x)),
        (-1 + math.erfc(x),               -math.erf(x)),
        (-2 + math.erfc(x),               -math.erfc(-x)),
        (-1 + math.sigmoid(x),            -math.sigmoid(-x)),
        (-1 + math.tanh(x),               -2 * math.sigmoid(-2 * x)),
        (1 + math.tanh(x),                2 * math.sigmoid(2 * x)),
        (-1 + math.tanh(x) ** 2,          -(math.sech(x) ** 2)),
        (-1 + math.sin(x) ** 2,           -(math.cos(x) ** 2)),
        (-1 + math.cos(x) ** 2,           -(math.sin(x) ** 2)),
        (-1 + math.cosh(x) ** 2,          math.sinh(x) ** 2),
        (-1 + math.erf(x) ** 2,
         -math.valued(math.erfc(x) * math.erfc(-x), 1 - math.erf(x) ** 2)),
        (1 + math.cos(x),                 2 * math.cos(x / 2) ** 2),
        (-1 + math.ndtr(x),               -math.ndtr(-x)),
        (1 + math.bose(x),                -math.bose(-x)),
        (math.exp(x) / (1 + math.exp(x)), math.sigmoid(x)),
        (math.expm1(x) / (1 + math.exp(x)), math.tanh_half(x)),
        (math.expm1(x) * math.sigmoid(-x), math.tanh_half(x)),
        (1 / (1 + math.exp(x)),           math.sigmoid(-x)),
        (math.sinh(x) / math.cosh(x),     math.tanh(x)),
        (math.cosh(x) / math.sinh(x),     math.coth(x)),
        (1 / math.cosh(x),                math.sech(x)),
        (1 / math.sinh(x),                math.csch(x)),
        (1 / math.sech(x),                math.cosh(x)),
        (1 / math.csch(x),                math.sinh(x)),
        (math.exp(x) / math.expm1(x),     -math.bose(-x)),
        (1 / math.expm1(x),               math.bose(x)),
    )),
    *(Rule(left, right, "finite", early=True) for left, right in (
        (math.sin(x) / x,                 math.sinc(x)),
        (math.sinh(x) / x,                math.sinhc(x)),
        (math.expm1(x) / x,               math.expm1c(x)),
        (math.log1p(x) / x,               math.log1pc(x)),
        (math.cosm1(x) * x**-2,           -math.cosc(x)),
        (math.coshm1(x) * x**-2,          math.coshc(x)),
    )),
    # In a product of many parts, such as a rotation about an axis, 1/x is somebody else's.
    Rule(math.cosm1(x) / x,  -x * math.cosc(x), "finite", early=True, direct=True),
    Rule(math.coshm1(x) / x, x * math.coshc(x), "finite", early=True, direct=True),
)
"""Rules that keep the digits and the range of a formula and of all its derivatives."""

RULES: tuple[Rule, ...] = (
    Rule(math.abs(math.abs(x)),      math.abs(x),   "exact"),
    Rule(math.abs(math.exp(x)),      math.exp(x),   "exact"),
    Rule(math.floor(math.floor(x)),  math.floor(x), "exact"),
    Rule(math.floor(math.ceil(x)),   math.ceil(x),  "exact"),
    Rule(math.floor(math.trunc(x)),  math.trunc(x), "exact"),
    Rule(math.ceil(math.floor(x)),   math.floor(x), "exact"),
    Rule(math.ceil(math.ceil(x)),    math.ceil(x),  "exact"),
    Rule(math.ceil(math.trunc(x)),   math.trunc(x), "exact"),
    Rule(math.trunc(math.floor(x)),  math.floor(x), "exact"),
    Rule(math.trunc(math.ceil(x)),   math.ceil(x),  "exact"),
    Rule(math.trunc(math.trunc(x)),  math.trunc(x), "exact"),
    Rule(math.rint(math.rint(x)),    math.rint(x),  "exact"),
    Rule(math.sign(math.sign(x)),    math.sign(x),  "exact"),
    Rule(math.max(x, x),             x,             "exact"),
    Rule(math.min(x, x),             x,             "exact"),
    Rule(math.log(math.exp(x)),      x,             "finite"),
    Rule(math.exp(math.log(x)),      x,             "finite"),
    Rule(math.exp(n * math.log(x)),  x**n,          "finite"),
    Rule(math.exp(math.log1p(x)),    1 + x,         "finite"),
    Rule(math.exp(n * math.log1p(x)), (1 + x)**n,   "finite"),
    Rule(math.log1p(math.expm1(x)),  x,             "finite"),
    Rule(math.expm1(math.log1p(x)),  x,             "finite"),
    Rule(math.log2(math.exp2(x)),    x,             "finite"),
    Rule(math.exp2(math.log2(x)),    x,             "finite"),
    Rule(math.exp2(n * math.log2(x)), x**n,         "finite"),
    Rule(math.sin(math.asin(x)),     x,             "finite"),
    Rule(math.cos(math.acos(x)),     x,             "finite"),
    Rule(math.tan(math.atan(x)),     x,             "finite"),
    Rule(math.sinh(math.asinh(x)),   x,             "finite"),
    Rule(math.asinh(math.sinh(x)),   x,             "finite"),
    Rule(math.cosh(math.acosh(x)),   x,             "finite"),
    Rule(math.tanh(math.atanh(x)),   x,             "finite"),
    Rule(math.atanh(math.tanh(x)),   x,             "finite"),
    Rule(math.cos(math.asin(x)),     math.sqrt((1 - x) * (1 + x)), "rounding", late=True),
    Rule(math.sin(math.acos(x)),     math.sqrt((1 - x) * (1 + x)), "rounding", late=True),
    Rule(math.cosh(math.asinh(x)),   math.sqrt(1 + x**2),          "rounding", late=True),
    Rule(math.cos(math.atan(x)),     1 / math.sqrt(1 + x**2),      "rounding", late=True),
    Rule(math.sin(math.atan(x)),     x / math.sqrt(1 + x**2),      "rounding", late=True),
    *STABILISING,
)
# fmt: on
