"""Functions of the user's own: UserFunction, and the table that holds them.

``symgrad.function`` makes one; compile takes it in ``functions=`` and works with a table of
PRIMITIVES and the user's rows. PRIMITIVES itself never changes.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from inspect import Parameter, signature
from typing import Any

from symgrad.errors import ArgumentError, DuplicateNameError, InvariantError
from symgrad.functions.compositions import COMPOSITIONS
from symgrad.functions.tracing import PRIMITIVES
from symgrad.ir.conditions import is_condition
from symgrad.ir.definition import Loop
from symgrad.ir.expression import NAMED_CONSTANTS, Expr, postorder, wrap
from symgrad.ir.primitive import (
    RESERVED,
    NoClosedForm,
    Primitive,
    partial_templates,
    refuse_foreign,
    row_arguments,
    table,
)
from symgrad.ir.routine import routines

TAKEN = PRIMITIVES.keys() | COMPOSITIONS.keys() | RESERVED | {"where", "Piecewise", "piecewise"}
TAKEN |= {*NAMED_CONSTANTS}

PLAIN_NAME = re.compile("[A-Za-z][A-Za-z_0-9]{0,59}")
"""Names that a function may have in every language."""

ROUTINE_COST, CALLBACK_COST = 60, 100
"""What one evaluation is worth where the user does not say, an addition being 1."""


class UserFunction:
    """A function of real numbers that a user defined.

    Called with expressions it gives an expression: ``f(x)`` of a traced variable, or SymPy's
    undefined function ``f(x)`` of a SymPy object. Both mean this function where compile has it
    in ``functions=``.

    Attributes:
        name: in formulas.
        arity: number of arguments.
    """

    def __init__(self, name: str, arity: int, rows: Callable[[], tuple[Primitive, ...]]) -> None:
        self.name = name
        self.arity = arity
        self._make = rows

    @cached_property
    def rows(self) -> tuple[Primitive, ...]:
        """Its row, and those that its own needs besides."""
        return self._make()

    def __call__(self, *arguments: Any) -> Any:
        """The expression of the function at ``arguments``; arrays are taken entry by entry."""
        if len(arguments) != self.arity:
            raise ArgumentError(
                f"{self.name} takes {self.arity} argument(s), {len(arguments)} given"
            )
        if any(getattr(argument, "shape", ()) for argument in arguments):
            from numpy import frompyfunc  # noqa: PLC0415 - an argument is its array: it is loaded

            return frompyfunc(self, self.arity, 1)(*arguments)
        if any(map(_of_sympy, arguments)):
            if any(isinstance(argument, Expr) for argument in arguments):
                raise ArgumentError(
                    f"{self.name} is given a traced variable and a SymPy object; give it one kind"
                )
            return sys.modules["sympy"].Function(self.name)(*arguments)
        return Expr(self.name, tuple(map(wrap, arguments)))

    def __repr__(self) -> str:
        return f"<symgrad user function {self.name} of {self.arity} argument(s)>"


def _of_sympy(value: object) -> bool:
    """Whether an argument is SymPy's, whose module is loaded then."""
    return any((kind.__module__ or "").partition(".")[0] == "sympy" for kind in type(value).__mro__)


def check_function_name(name: object) -> str:
    """``name`` itself, if a user's function may have it.

    Raises:
        ArgumentError: it is no identifier, or a function of symgrad's.
    """
    if not isinstance(name, str) or not PLAIN_NAME.fullmatch(name):
        raise ArgumentError(
            f"a function is called {name!r}; give it a letter and up to 59 letters, digits and "
            "underscores, all of them ASCII"
        )
    if name in TAKEN:
        raise ArgumentError(
            f"{name!r} is a function of symgrad already (see `symgrad functions`), whose meaning "
            "does not change; give yours another name"
        )
    return name


def count_arguments(function: Callable[..., Any], what: str, leading: int = 0) -> int:
    """How many arguments a function takes by position, ``leading`` ones not counted.

    Raises:
        ArgumentError: it takes any number, or none.
    """
    try:
        parameters = signature(function).parameters.values()
    except (TypeError, ValueError):
        raise ArgumentError(f"how many arguments {what} takes is not known; give arity=") from None
    kinds = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    count = sum(p.kind in kinds and p.default is Parameter.empty for p in parameters) - leading
    if any(p.kind is Parameter.VAR_POSITIONAL for p in parameters):
        raise ArgumentError(f"{what} takes any number of arguments; give arity=")
    if count < 1:
        raise ArgumentError(f"{what} takes no argument; a function takes one number or more")
    return count


def make_row(
    name: str,
    arity: int,
    partials: Sequence[Callable[..., Any] | None] | None,
    *,
    definition: Callable[..., Any] | None = None,
    expansion: Callable[..., Any] | None = None,
    symbol: str = "",
    callback: Callable[..., float] | None = None,
    cost: int | None = None,
    ulp: float = 4.0,
) -> Primitive:
    """The row of a user's function.

    Args:
        name: the function.
        arity: number of arguments.
        partials: ``(y, *arguments)`` -> the partial derivative, one an argument, None where it is
            not known; None alone is that for each, and for an expansion its own derivative.
        definition: ``(m, *arguments)`` -> the value (``ir/definition.py``).
        expansion: ``(*arguments)`` -> the value, an Expr in other functions.
        symbol: the name under which compiled code finds ``callback``.
        callback: a function of floats.
        cost: what one evaluation is worth, an addition being 1.
        ulp: the bound of its error in double precision.

    Raises:
        ArgumentError: a part is no expression in its arguments.
    """
    arguments = row_arguments(arity)
    kind: Any = "outside" if symbol else "routine" if definition is not None else "composite"
    templates: tuple[Expr, ...] = (wrap(0),) * arity
    unknown: tuple[Primitive, ...] = ()
    try:
        body = None if expansion is None else wrap(expansion(*arguments))
        if body is not None and partials is None:
            kind = "macro"  # it is its expansion wherever it is written, and never differentiated
        else:
            chosen = [
                NoClosedForm("", _missing(name, index)) if partial is None else partial
                for index, partial in enumerate(partials or (None,) * arity)
            ]
            templates, unknown = partial_templates(name, chosen)
        made = Primitive(
            name=name,
            arity=arity,
            partials=templates,
            kind=kind,
            expansion=body,
            domain=((0.0, 1.0),) * arity,
            cost=cost or (CALLBACK_COST if symbol else ROUTINE_COST),
            ulp=ulp,
            definition=definition,
            unknown=unknown,
            symbol=symbol,
            callback=callback,
        )
        values = [*templates, *([] if body is None else [body])]
        refuse_foreign(name, arity, tuple(values))
        values += [made.traced] if definition is not None else []
    except (ArgumentError, InvariantError) as error:
        raise ArgumentError(f"the function {name!r}: {error}") from None
    if any(map(is_condition, values)):
        raise ArgumentError(
            f"the function {name!r} gives a condition and no number; write where(condition, 1, 0)"
        )
    return made


def _missing(name: str, index: int) -> str:
    return (
        f"the derivative of {name} by its argument {index + 1}, for which sg.function was given no "
        "partial,"
    )


def table_with(functions: object) -> Mapping[str, Primitive]:
    """PRIMITIVES and the rows of ``functions``, a UserFunction or a sequence of them.

    Raises:
        ArgumentError: something else is among them, or a row uses a function that has no row.
        DuplicateNameError: two functions have one name.
    """
    given = [functions] if isinstance(functions, UserFunction) else functions
    if not isinstance(given, Iterable) or isinstance(given, str):
        raise ArgumentError(
            f"functions={functions!r} is no function; give what sg.function or sg.spline made"
        )
    rows: dict[str, Primitive] = {}
    for function in given:
        if not isinstance(function, UserFunction):
            raise ArgumentError(
                f"{function!r} among functions= is no function that sg.function or sg.spline made"
            )
        for row in function.rows:
            if rows.setdefault(row.name, row) is not row:
                raise DuplicateNameError(
                    f"two of the functions= are called {row.name!r}; rename one of them"
                )
    if not rows:
        return PRIMITIVES
    try:
        made = table(*rows.values(), base=PRIMITIVES)
        routines(rows, made)  # every definition is computed in functions that have rows
    except InvariantError as error:
        raise ArgumentError(f"in functions=: {error}") from None
    return made


def used_rows(ops: Iterable[str], known: Mapping[str, Primitive]) -> list[Primitive]:
    """The user's own rows among ``ops``, and those that they need, each once."""
    found: dict[str, Primitive] = {}
    stack = list(ops)
    while stack:
        row = known.get(stack.pop())
        if row is None or row.kind == "unknown" or row.name in found:
            continue
        if PRIMITIVES.get(row.name) is row:
            continue
        found[row.name] = row
        stack.extend(_named(row))
    return list(found.values())


def _named(row: Primitive) -> set[str]:
    """The operations that a row's templates name, those in loops included."""
    roots = [*row.partials, *([] if row.expansion is None else [row.expansion])]
    roots += [row.traced] if row.kind == "routine" else []
    names: set[str] = set()
    while roots:
        nodes = postorder(tuple(roots))
        names |= {node.op for node in nodes}
        loops = [node.value for node in nodes if isinstance(node.value, Loop)]
        roots = [part for loop in loops for part in (*loop.states, loop.going)]
    return names
