"""Rows of the function table at mpmath's numbers, computed in Arb's balls.

They have mpmath's digits in a small part of its time, the more so of special functions at many
digits. A ball's radius bounds its error; where that is too wide, and where Arb has no real number,
mpmath is asked. ``tests/test_function_errors.py`` compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import mpmath
from flint import arb, ctx

from benchmarks.oracle.balls import UndecidedError, ball, middle
from benchmarks.oracle.rows import ROWS
from symgrad.functions import PRIMITIVES
from symgrad.ir.evaluate import Arithmetic, mpmath_arithmetic
from symgrad.ir.primitive import Primitive

MORE = 40
"""Bits beyond those that are asked for; in a second round as many again as all of them."""


def quickly(name: str, slow: Callable[..., Any]) -> Callable[..., Any]:
    """The row ``name`` to mpmath's present digits; ``slow`` is asked where Arb is not sure."""
    row = ROWS.get(name)
    if row is None:
        return slow

    def call(*args: Any) -> Any:
        found = in_balls(row, [mpmath.mpf(x) for x in args])
        return slow(*args) if found is None else found

    return call


def in_balls(row: Callable[..., Any], args: Sequence[Any]) -> Any:
    """A row by Arb, to mpmath's present digits; None where it does not come so near."""
    if not all(map(mpmath.isfinite, args)):
        return None
    wanted, before = mpmath.mp.prec, ctx.prec
    given = [ball(x) for x in args]
    try:
        for ctx.prec in (wanted + MORE, 2 * (wanted + MORE)):
            made = row(*given)
            if not isinstance(made, arb) or not made.is_finite():
                return None
            if made.is_exact() or made.rel_accuracy_bits() >= wanted:
                return middle(made)
    except (UndecidedError, ZeroDivisionError, ValueError, OverflowError):
        pass
    finally:
        ctx.prec = before
    return None


def quick_arithmetic() -> Arithmetic:
    """``mpmath_arithmetic``, special functions by Arb."""
    made = mpmath_arithmetic()
    slow = made.routine
    assert slow is not None

    def routine(row: Primitive, table: Any) -> Callable[..., Any]:
        own = PRIMITIVES.get(row.name) is row
        return quickly(row.name, slow(row, table)) if own else slow(row, table)

    return replace(made, routine=routine)
