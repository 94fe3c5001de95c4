"""Rows of the reciprocal trigonometric and hyperbolic functions and of their inverses.

sec and csc are compositions: 1/cos and 1/sin lose nothing, nor do their derivatives. Here are those
whose derivatives would overflow, cancel or be 0/0 where the function itself is harmless.
Definitions and derivatives: NIST DLMF sections 4.14, 4.20, 4.23, 4.24, 4.28, 4.34, 4.37 and 4.38.
"""

from __future__ import annotations

from typing import Any

from symgrad.functions.elementary import PI, call, select
from symgrad.ir.expression import HALF, Expr
from symgrad.ir.primitive import Names, define

TINY = 1e-36
"""Below it 1 + x^2 is 1, by far; above it 1/x is finite in single precision too."""


def _leg(x: Expr) -> Expr:
    """sqrt(x^2 - 1), which neither overflows nor cancels at 1."""
    return (abs(x) - 1) ** HALF * (abs(x) + 1) ** HALF


def _inverse_leg(x: Expr) -> Expr:
    """1/(|x| sqrt(x^2 - 1)) in negative powers alone, so that no order of derivative overflows."""
    return abs(x) ** -1 * (abs(x) - 1) ** -HALF * (abs(x) + 1) ** -HALF


def _over_one_more(x: Expr) -> Expr:
    """1/(1 + x^2) in negative powers, of which no order of derivative overflows for large x."""
    return x**-2 * (1 + x**-2) ** -1


def _sech(m: Any, x: Any) -> Any:
    """2/(exp(x) + exp(-x)), which neither overflows nor vanishes too early; within 3 ulp."""
    small = m.exp(-m.abs(x))
    return 2.0 * small / m.fma(small, small, 1.0)


def _asech(x: Expr) -> Expr:
    # (1 + sqrt(1 - x^2))/x is 1 + r/x, and r does not cancel at 1; 2/x overflows for subnormal x.
    rest = (1 - x) + call("one_minus_square", x) ** HALF
    return select(x < TINY, call("log", 2) - call("log", x), call("log1p", rest / x))


def _acsch(x: Expr) -> Expr:
    # 1/x overflows for subnormal x, where it is log(2/|x|).
    logarithm = call("sign", x) * (call("log", 2) - call("log", abs(x)))
    return select((abs(x) < TINY) & call("ne", x, 0), logarithm, call("asinh", 1 / x))


# fmt: off
cot = define("cot", lambda y, x: -1 - y * y, domain=(0.2, 2.9), parity="odd",
             kind="composite", expansion=lambda x: 1 / call("tan", x), cost=25,
             names=Names(mpmath="cot"))
acot = define("acot", lambda y, x: -select(abs(x) < 1, 1 / (1 + x * x), _over_one_more(x)),
              domain=(0.2, 5), parity="odd", kind="composite", cost=25,
              expansion=lambda x: call("atan", 1 / x), folds={1: PI / 4},
              names=Names(mpmath="acot"))
asec = define("asec", lambda y, x: _inverse_leg(x), domain=(1.001, 9), folds={1: 0, -1: PI},
              kind="composite", cost=35, names=Names(mpmath="asec"),
              expansion=lambda x: select(x < 0, PI - call("atan", _leg(x)), call("atan", _leg(x))))
acsc = define("acsc", lambda y, x: -_inverse_leg(x), domain=(1.001, 9), parity="odd",
              kind="composite", cost=35, names=Names(mpmath="acsc"), folds={1: PI / 2},
              expansion=lambda x: call("sign", x) * call("atan", 1 / _leg(x)))

sech = define("sech", lambda y, x: -y * call("tanh", x), domain=(-3, 3), parity="even",
              kind="routine", definition=_sech, oracle=lambda mp, x: mp.sech(x), cost=20, ulp=3.0,
              folds={0: 1}, names=Names(mpmath="sech"))
csch = define("csch", lambda y, x: -y * call("coth", x), domain=(0.2, 3), parity="odd",
              kind="composite", expansion=lambda x: 1 / call("sinh", x), cost=23,
              names=Names(mpmath="csch"))
coth = define("coth", lambda y, x: -call("csch", x) ** 2, domain=(0.2, 3), parity="odd",
              kind="composite", expansion=lambda x: 1 / call("tanh", x), cost=23,
              names=Names(mpmath="coth"))
asech = define("asech", lambda y, x: call("asech_slope", x),
               domain=(0.01, 0.999), kind="composite", expansion=_asech, cost=40, folds={1: 0},
               names=Names(mpmath="asech"))
# Its own derivative in one fraction, as the sum of two is 0 at sqrt(1/2).
asech_slope = define("asech_slope",
                     lambda y, x: y * call("fma", 2 * x, x, -1)
                                    / (x * call("one_minus_square", x)),
                     domain=(0.01, 0.999), kind="composite", cost=20, names=Names(),
                     expansion=lambda x: -(x**-1 * (call("one_minus_square", x) ** HALF) ** -1))
acsch = define("acsch", lambda y, x: -(abs(x) ** -1 * call("hypot", 1, x) ** -1), domain=(0.01, 9),
               parity="odd", kind="composite", expansion=_acsch, cost=45,
               names=Names(mpmath="acsch"))
# 1/(1 - x^2) in negative powers, which neither cancel nor overflow where |x| > 1.
acoth = define("acoth", lambda y, x: (1 - x) ** -1 * (1 + x) ** -1, domain=(1.001, 9),
               parity="odd", kind="composite", cost=25, names=Names(mpmath="acoth"),
               expansion=lambda x: call("sign", x) * HALF * call("log1p", 2 / (abs(x) - 1)))
# fmt: on

ROWS = (cot, acot, asec, acsc, sech, csch, coth, asech, asech_slope, acsch, acoth)
