"""Rows of powers with a variable exponent: a^b, |a|^b, sign(a) |a|^b, and what derives from them.

``_below`` and ``_below_2`` have the exponents b - 1 and b - 2, ``_lowered`` has b - k: rounding an
exponent would cost as many digits as the logarithm of a has. ``_by_base`` and ``_by_exponent`` are
the first derivatives.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial

from symgrad.functions.elementary import call, equal, select
from symgrad.ir.expression import Expr
from symgrad.ir.primitive import Names, Primitive, define

WHOLE = 2**24
"""In every format whole numbers up to this are exact, and so is one less."""

DOMAIN = ((0.2, 3.0), (-2.0, 3.0))


def _below(power: Expr, a: Expr, b: Expr, below: int) -> Expr:
    """A power with an exponent ``below`` less than b, from the one before.

    The exponent is exact where b is at least below/2 and not large. Elsewhere the quotient is in
    range where the power is, but for 0/0 and inf/inf.
    """
    quotient = power / a
    usable = ((b < Fraction(below, 2)) | (b > WHOLE)) & equal(quotient, quotient)
    return select(usable, quotient, call("pow", a, b - below))


def _lowered(a: Expr, b: Expr, k: Expr) -> Expr:
    """a^(b - k), with what rounding takes from the exponent where log(a) is a number."""
    power = call("pow", a, b - k)
    lost = call("difference_low", b, k, b - k) * call("log", a)
    whole = call("fma", power, lost, power)
    return select(equal(whole, whole), whole, power)


def _at_zero(a: Expr, b: Expr, value: Expr, least: object = 0) -> Expr:
    """A derivative by the exponent: 0 where a = 0 and b >= least, as PyTorch has it."""
    return select(equal(a, 0) & (b >= least), 0, value)


def _counted(a: Expr, count: Expr, power: Expr) -> Expr:
    """``count * power`` for a power of a, and 0 for 0 times infinity: a^0 has derivative 0.

    Next to 0 as well, where the powers of third derivatives overflow. At other a it is the product
    although count is 0, for its derivatives need not be.
    """
    return select((abs(a) <= 1e-100) & equal(count, 0), 0, count * power)


def _family(
    name: str,
    other: str,
    log: Callable[[Expr], Expr],
    expansion: Callable[..., Expr] | None = None,
) -> tuple[Primitive, ...]:
    """The rows of a power, whose derivative by the base is b times the power ``other`` of b - 1.

    Args:
        name: of the power.
        other: ``name`` itself, or of |a|^b and sign(a) |a|^b the other one.
        log: the logarithm of the base.
        expansion: of the rows with exponents b, b - 1, b - 2 and b - k, by what follows their name
            and their arguments; by default they are C's pow and the rows after it.
    """

    def made(
        suffix: str,
        by_base: Callable[[Expr, Expr, Expr], Expr],
        by_exponent: Callable[[Expr, Expr, Expr], Expr],
        body: Callable[[Expr, Expr], Expr] | None,
        cost: int,
    ) -> Primitive:
        return define(
            f"{name}{suffix}",
            by_base,
            by_exponent,
            domain=DOMAIN,
            kind="call" if body is None else "composite",
            expansion=body,
            cost=cost,
            names=Names(mpmath="power", torch="pow", numpy="power", c="pow")
            if body is None
            else Names(),
        )

    def raised(suffix: str) -> Callable[[Expr, Expr], Expr] | None:
        if expansion is not None:
            return lambda a, b: expansion(suffix, a, b)
        if not suffix:
            return None
        below = 2 if suffix == "_below_2" else 1
        return lambda a, b: _below(call("pow" if below == 1 else "pow_below", a, b), a, b, below)

    def cross(y: Expr, a: Expr, b: Expr) -> Expr:
        # By fma, as the sum is nearly 0 where b log(a) is nearly -1.
        return _at_zero(a, b, call(f"{other}_below", a, b) * call("fma", b, log(a), 1))

    def again(least: int) -> Callable[[Expr, Expr, Expr], Expr]:
        return lambda y, a, b: _at_zero(a, b, y * log(a), least)

    def second(y: Expr, a: Expr, b: Expr) -> Expr:
        return _counted(a, b * (b - 1), call(f"{name}_below_2", a, b))

    return (
        made(
            "",
            lambda y, a, b: call(f"{name}_by_base", a, b),
            lambda y, a, b: call(f"{name}_by_exponent", a, b),
            raised(""),
            40,
        ),
        made(
            "_below",
            lambda y, a, b: _counted(a, b - 1, call(f"{other}_below_2", a, b)),
            again(1),
            raised("_below"),
            46,
        ),
        made(
            "_below_2",
            lambda y, a, b: _counted(a, b - 2, call(f"{other}_lowered", a, b, 3)),
            again(2),
            raised("_below_2"),
            52,
        ),
        define(
            f"{name}_lowered",
            lambda y, a, b, k: _counted(a, b - k, call(f"{other}_lowered", a, b, k + 1)),
            lambda y, a, b, k: _at_zero(a, b, y * log(a), k),
            lambda y, a, b, k: -_at_zero(a, b, y * log(a), k),
            domain=(*DOMAIN, (3, 5)),
            kind="composite",
            expansion=_lowered if expansion is None else partial(expansion, "_lowered"),
            cost=62,
            whole=(2,),
            names=Names(),
        ),
        # d/da is 0 where b = 0.
        made(
            "_by_base",
            second,
            cross,
            lambda a, b: select(equal(b, 0), 0, b * call(f"{other}_below", a, b)),
            48,
        ),
        made(
            "_by_exponent",
            cross,
            again(0),
            lambda a, b: _at_zero(a, b, call(name, a, b) * log(a)),
            54,
        ),
    )


def _of_size(suffix: str, a: Expr, *exponents: Expr) -> Expr:
    return call(f"pow{suffix}", abs(a), *exponents)


def _with_sign(suffix: str, a: Expr, *exponents: Expr) -> Expr:
    return call("sign", a) * _of_size(suffix, a, *exponents)


ROWS = (
    *_family("pow", "pow", lambda a: call("log", a)),
    *_family("abs_pow", "sign_pow", lambda a: call("log", abs(a)), _of_size),
    *_family("sign_pow", "abs_pow", lambda a: call("log", abs(a)), _with_sign),
)
