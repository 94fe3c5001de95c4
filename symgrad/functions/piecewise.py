"""Rows of the piecewise functions: conditions, select, and everything with a kink or a jump.

Derivatives hold almost everywhere; at a kink they are PyTorch's, written here in the row:
|x|' = sign(x) with sign(0) = 0, a tie of max or min gives 1/2 each, steps have derivative 0.
A partial that is a ``select`` with an exact 0 on one side is a mask: differentiation multiplies
first and masks last, so that the side that was not taken never contributes a NaN.
"""

from __future__ import annotations

from fractions import Fraction

from symgrad.functions.elementary import call, equal, select
from symgrad.ir.expression import Expr
from symgrad.ir.primitive import Names, Primitive, define

TIE = Fraction(1, 2)


def _zero_1(y: Expr, a: Expr) -> int:
    return 0


def _zero_2(y: Expr, a: Expr, b: Expr) -> int:
    return 0


def _minus_quotient(y: Expr, a: Expr, b: Expr) -> Expr:
    """-(a - y)/b, rounded to the whole number that it is; a/b rounded may be the next one."""
    return -call("rint", (a - y) / b)


def _floored(remainder: Expr, b: Expr) -> Expr:
    """C's remainder moved by b where its sign is not that of b."""
    wrong_side = call("ne", remainder, 0) & call("ne", call("sign", remainder), call("sign", b))
    return select(wrong_side, remainder + b, remainder)


def _nearest_remainder(a: Expr, b: Expr) -> Expr:
    """C's remainder(a, b): fmod by 2 b, less b once or twice, all of it exact."""
    size = abs(b)
    rest = call("fmod", abs(a), size + size)
    once = select(rest + rest > size, rest - size, rest)
    twice = select((rest + rest > size) & (once + once >= size), once - size, once)
    # The sign of a zero is that of a, as C has it.
    return select(a < 0, -twice, select(equal(a, 0), a - twice, twice))


def _condition(name: str) -> Primitive:
    return define(
        name,
        _zero_2,
        _zero_2,
        domain=(-2, 2),
        kind="instruction",
        boolean=True,
        cost=1,
        names=Names(),
    )


def _step(name: str, numpy: str | None = None, torch: str | None = None) -> Primitive:
    """A rounding function of C: its derivative is 0."""
    names = Names(mpmath=None, torch=torch or name, numpy=numpy or name, c=name)
    return define(name, _zero_1, domain=(0.1, 0.9), kind="instruction", cost=1, names=names)


lt, le, eq, ne, and_, or_ = (_condition(name) for name in ("lt", "le", "eq", "ne", "and", "or"))
not_ = define(
    "not", _zero_1, domain=(-2, 2), kind="instruction", boolean=True, cost=1, names=Names()
)

# fmt: off
# select(c, a, b): the derivatives are masks, so they follow the branch that is taken.
select_ = define("select", lambda y, c, a, b: 0,
                 lambda y, c, a, b: select(c, 1, 0),
                 lambda y, c, a, b: select(c, 0, 1),
                 domain=(-2, 2), kind="instruction", cost=1,
                 names=Names(numpy="where", torch="where"))

floor = _step("floor")
ceil  = _step("ceil")
trunc = _step("trunc")
rint  = _step("rint", torch="round")  # half to even, as NumPy, PyTorch and Python round

abs_ = define("abs", lambda y, x: call("sign", x), domain=(0.2, 3), parity="even",
              kind="instruction", cost=1,
              names=Names(mpmath="fabs", torch="abs", numpy="abs", c="fabs"))
# The sign of a zero is that zero, and of a NaN the NaN.
sign = define("sign", _zero_1, domain=(0.2, 3), parity="odd", kind="instruction", cost=3,
              names=Names(mpmath="sign", torch="sign", numpy="sign", c=None))
# The inner select hands on a NaN of b; one of a comes out of the last branch. A sum of both would
# hand on either, but cancels in max(x, -x).
max_ = define("max",
              lambda y, a, b: select(a < b, 0, select(equal(a, b), TIE, 1)),
              lambda y, a, b: select(b < a, 0, select(equal(a, b), TIE, 1)),
              domain=((-2, 2), (2.5, 4)), kind="composite", cost=3,
              expansion=lambda a, b: select(a < b, b, select(call("ne", b, b), b, a)),
              names=Names(mpmath=None, torch="maximum", numpy="maximum", c=None))
min_ = define("min",
              lambda y, a, b: select(b < a, 0, select(equal(a, b), TIE, 1)),
              lambda y, a, b: select(a < b, 0, select(equal(a, b), TIE, 1)),
              domain=((-2, 2), (2.5, 4)), kind="composite", cost=3,
              expansion=lambda a, b: select(b < a, b, select(call("ne", b, b), b, a)),
              names=Names(mpmath=None, torch="minimum", numpy="minimum", c=None))
# C's fmod has the sign of a and is exact; mod has the sign of b, as torch.remainder.
fmod = define("fmod", lambda y, a, b: 1, _minus_quotient,
              domain=((5, 5.9), (2.1, 2.4)), kind="call", cost=25,
              names=Names(mpmath=None, torch="fmod", numpy="fmod", c="fmod"))
mod = define("mod", lambda y, a, b: 1, _minus_quotient,
             domain=((5, 5.9), (2.1, 2.4)), kind="composite", cost=28,
             expansion=lambda a, b: _floored(call("fmod", a, b), b),
             names=Names(mpmath=None, torch="remainder", numpy="mod", c=None))
# C's remainder: a - b n, n the whole number nearest to a/b, half to even.
ieee_remainder = define("ieee_remainder", lambda y, a, b: 1, _minus_quotient,
                        domain=((5, 5.9), (2.1, 2.4)), kind="composite", cost=35,
                        expansion=_nearest_remainder,
                        names=Names(mpmath=None, torch=None, numpy=None, c="remainder"))
copysign = define("copysign", lambda y, a, b: call("sign", a) * call("copysign", 1, b),
                  lambda y, a, b: 0, domain=((0.2, 3), (0.2, 3)), kind="composite", cost=8,
                  expansion=lambda a, b: select((b < 0) | (1 / b < 0), -abs(a), abs(a)),
                  names=Names(mpmath=None, torch="copysign", numpy="copysign", c="copysign"))
# x itself, but a constant to every derivative.
detach = define("detach", _zero_1, domain=(-2, 2), kind="composite", cost=1,
                expansion=lambda x: x, names=Names())
# The value of a with the derivatives of b: for a b that is a, computed with fewer digits.
valued = define("valued", lambda y, a, b: 0, lambda y, a, b: 1, domain=(-2, 2), kind="composite",
                cost=1, expansion=lambda a, b: a, names=Names())
# fmt: on

ROWS = (
    *(lt, le, eq, ne, and_, or_, not_, select_, floor, ceil, trunc, rint),
    *(abs_, sign, max_, min_, fmod, mod, ieee_remainder, copysign, detach, valued),
)
