"""Rows of powers with a variable exponent: a^b, |a|^b, sign(a) |a|^b, and of their derivatives.

``pow_by_base`` and ``pow_by_exponent`` are the first derivatives of ``pow``. A derivative by the
base lowers the exponent, and an exponent b - 1 that is rounded costs the power as many digits as
the logarithm of a has. So powers of lower exponents are rows of their own, which mend that:
``pow_below`` is a^(b-1), ``pow_below_2`` is a^(b-2) and ``pow_lowered`` is a^(b-k).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from symgrad.functions.elementary import call, equal, select
from symgrad.ir.expression import Expr
from symgrad.ir.primitive import Names, Primitive, define

WHOLE = 2**24
"""In every format whole numbers up to this are exact, and so is one less."""

DOMAIN = ((0.2, 3.0), (-2.0, 3.0))


def _below(power: Expr, a: Expr, b: Expr, below: int) -> Expr:
    """a^(b - below), given ``power`` = a^(b - below + 1).

    Where b is at least below/2 and not huge, b - below is exact and goes to pow. Elsewhere it is
    the quotient power/a, which overflows only where the result does, unless it is 0/0 or inf/inf.
    """
    quotient = power / a
    usable = ((b < Fraction(below, 2)) | (b > WHOLE)) & equal(quotient, quotient)
    return select(usable, quotient, call("pow", a, b - below))


def _lowered(a: Expr, b: Expr, k: Expr) -> Expr:
    """a^(b - k), times 1 + e log(a), where e is what rounding took from the exponent b - k."""
    power = call("pow", a, b - k)
    lost = call("difference_low", b, k, b - k) * call("log", a)
    whole = call("fma", power, lost, power)
    return select(equal(whole, whole), whole, power)


def _at_zero(a: Expr, b: Expr, value: Expr, least: object = 0) -> Expr:
    """``value``, a derivative by the exponent; 0 where a = 0 and b >= least, as in PyTorch."""
    return select(equal(a, 0) & (b >= least), 0, value)


def _counted(a: Expr, count: Expr, power: Expr) -> Expr:
    """``count * power``, a derivative of a power of a by a; 0 where count is 0 and a is near 0.

    At a = 0 the power may be infinite and the product nan, while a^0 has derivative 0; beside 0
    the powers of third derivatives overflow. Farther away the product stays although count is 0,
    for its derivative by the exponent is not 0.
    """
    return select((abs(a) <= 1e-100) & equal(count, 0), 0, count * power)


Rule = Callable[..., Expr]


def _of_size(suffix: str) -> Rule:
    return lambda a, *exponents: call(f"pow{suffix}", abs(a), *exponents)


def _with_sign(suffix: str) -> Rule:
    return lambda a, *exponents: call("sign", a) * call(f"pow{suffix}", abs(a), *exponents)


POW: dict[str, Rule | None] = {
    "": None,  # C has it
    "_below": lambda a, b: _below(call("pow", a, b), a, b, 1),
    "_below_2": lambda a, b: _below(call("pow_below", a, b), a, b, 2),
    "_lowered": _lowered,
}
ABS_POW = {suffix: _of_size(suffix) for suffix in POW}
SIGN_POW = {suffix: _with_sign(suffix) for suffix in POW}
"""The expansions of a^b, |a|^b and sign(a) |a|^b, by what follows the name of the power."""


def _row(
    name: str, by_base: Rule, by_exponent: Rule, expansion: Rule | None, cost: int
) -> Primitive:
    """The row of a function of base and exponent; without an expansion it is C's pow."""
    known = Names(mpmath="power", torch="pow", numpy="power", c="pow")
    return define(
        name,
        by_base,
        by_exponent,
        domain=DOMAIN,
        kind="call" if expansion is None else "composite",
        expansion=expansion,
        cost=cost,
        names=known if expansion is None else Names(),
    )


def _family(
    name: str, other: str, log: Callable[[Expr], Expr], expansions: Mapping[str, Rule | None]
) -> tuple[Primitive, ...]:
    """The rows of a power, whose derivative by the base is b times the power ``other`` of b - 1.

    Args:
        name: of the power.
        other: ``name`` itself, or of |a|^b and sign(a) |a|^b the other one.
        log: the logarithm of the base.
        expansions: of the rows with exponents b, b - 1, b - 2 and b - k.
    """

    def by_exponent(least: int) -> Rule:
        return lambda y, a, b: _at_zero(a, b, y * log(a), least)

    def mixed(y: Expr, a: Expr, b: Expr) -> Expr:
        # By fma, as the sum is nearly 0 where b log(a) is nearly -1.
        return _at_zero(a, b, call(f"{other}_below", a, b) * call("fma", b, log(a), 1))

    power = _row(
        name,
        lambda y, a, b: call(f"{name}_by_base", a, b),
        lambda y, a, b: call(f"{name}_by_exponent", a, b),
        expansions[""],
        cost=40,
    )
    below = _row(
        f"{name}_below",
        lambda y, a, b: _counted(a, b - 1, call(f"{other}_below_2", a, b)),
        by_exponent(1),
        expansions["_below"],
        cost=46,
    )
    below_2 = _row(
        f"{name}_below_2",
        lambda y, a, b: _counted(a, b - 2, call(f"{other}_lowered", a, b, 3)),
        by_exponent(2),
        expansions["_below_2"],
        cost=52,
    )
    lowered = define(
        f"{name}_lowered",
        lambda y, a, b, k: _counted(a, b - k, call(f"{other}_lowered", a, b, k + 1)),
        lambda y, a, b, k: _at_zero(a, b, y * log(a), k),
        lambda y, a, b, k: -_at_zero(a, b, y * log(a), k),
        domain=(*DOMAIN, (3, 5)),
        kind="composite",
        expansion=expansions["_lowered"],
        cost=62,
        whole=(2,),
        names=Names(),
    )
    by_base = _row(
        f"{name}_by_base",
        lambda y, a, b: _counted(a, b * (b - 1), call(f"{name}_below_2", a, b)),
        mixed,
        # 0 where b = 0.
        lambda a, b: select(equal(b, 0), 0, b * call(f"{other}_below", a, b)),
        cost=48,
    )
    by_power = _row(
        f"{name}_by_exponent",
        mixed,
        by_exponent(0),
        lambda a, b: _at_zero(a, b, call(name, a, b) * log(a)),
        cost=54,
    )
    return power, below, below_2, lowered, by_base, by_power


ROWS = (
    *_family("pow", "pow", lambda a: call("log", a), POW),
    *_family("abs_pow", "sign_pow", lambda a: call("log", abs(a)), ABS_POW),
    *_family("sign_pow", "abs_pow", lambda a: call("log", abs(a)), SIGN_POW),
)
