"""PRIMITIVES, the whole table, and ``math``: every function of it by name, for tracing.

``f(sg.math, x)`` calls a plain Python function with Exprs in place of numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from symgrad.errors import ArgumentError, UnknownFunctionError
from symgrad.functions import elementary, piecewise, special
from symgrad.functions.compositions import ANY, COMPOSITIONS
from symgrad.ir.expression import Expr, named, wrap
from symgrad.ir.primitive import Primitive, table

PRIMITIVES = table(*elementary.ROWS, *piecewise.ROWS, *special.ROWS)


def apply(name: str, arguments: tuple[object, ...], rows: Mapping[str, Primitive]) -> Expr:
    """The Expr of the function ``name``: a composition where one has the name, else its row.

    Raises:
        UnknownFunctionError: neither table has the name.
        ArgumentError: the number of arguments is wrong.
    """
    exprs = tuple(wrap(argument) for argument in arguments)
    if name in COMPOSITIONS:
        arities, build = COMPOSITIONS[name]
        if len(exprs) not in arities and not (ANY in arities and exprs):
            raise ArgumentError(_wrong_count(name, arities, len(exprs)))
        return build(*exprs)
    row = rows.get(name)
    if row is None:
        raise UnknownFunctionError(f"{name!r} has no row in the function table")
    if len(exprs) != row.arity:
        raise ArgumentError(_wrong_count(name, (row.arity,), len(exprs)))
    return Expr(name, exprs)


def _wrong_count(name: str, arities: tuple[int, ...], given: int) -> str:
    count = "1 or more" if ANY in arities else " or ".join(map(str, arities))
    return f"{name} takes {count} argument(s), {given} given"


class Functions:
    """Functions over Exprs by name: ``math.sin(x)``, ``math.where(c, a, b)``, ``math.pi``."""

    def __init__(self, rows: Mapping[str, Primitive]) -> None:
        self._rows = rows

    pi = named("pi")
    e = named("e")

    def __getattr__(self, name: str) -> partial[Expr]:
        if name.startswith("_") or (name not in COMPOSITIONS and name not in self._rows):
            raise AttributeError(f"sg.math has no function {name!r}; see `symgrad functions`")
        return partial(self._call, name)

    def _call(self, name: str, *arguments: object) -> Expr:
        return apply(name, arguments, self._rows)

    def __dir__(self) -> list[str]:
        return sorted({*COMPOSITIONS, *self._rows, "pi", "e"})


math = Functions(PRIMITIVES)
