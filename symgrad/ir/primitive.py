"""Primitive: one row of the function table, and ``define``, which makes and checks it.

A row is all that a function needs: its partial derivatives, where it may be sampled, its
conventions at kinks, how it lowers, and the names that other libraries know it by. Partials are
written with Python's operators on Exprs and may use the output ``y``; they are traced once into
templates whose symbols are ``y`` and ``a0, a1, ...``.

A function that targets do not have is a routine: its ``definition`` computes it in functions of the
table (``definition.py``), and is traced when it is first needed. A partial that has no closed form
stands for a row of its own of kind "unknown", which may be differentiated and annihilated like any
other, but which nothing can compute.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from inspect import signature
from typing import Any, Literal

from symgrad.errors import DerivativeError, InvariantError
from symgrad.ir.definition import trace
from symgrad.ir.expression import ARITHMETIC, Expr, constant, postorder, symbol, wrap

Kind = Literal["call", "instruction", "composite", "routine", "unknown", "macro", "outside"]
"""How a row lowers: a library ``call``, one ``instruction`` of every target, ``composite`` of other
rows, a ``routine`` of its own; ``unknown`` is a derivative that has no closed form, a ``macro`` is
its expansion wherever it is written, and ``outside`` calls a user's compiled function."""

MADE_KINDS = ("composite", "routine", "macro", "outside")
"""What a user's own rows may be."""

OUTPUT = "y"

RESERVED = ARITHMETIC | {"boolean", "sum", "product", "load", "store"}
RESERVED |= {"sub", "mul", "div", "neg", "sqrt", "loop", "part", "lookup"}
"""Operations of Exprs, Graphs and Programs, which no row may be called after."""


def argument_name(index: int) -> str:
    """The symbol of a row's argument in its templates: ``a0``, ``a1``, ..."""
    return f"a{index}"


@dataclass(frozen=True, slots=True)
class Names:
    """What other libraries call a function: None where they have none."""

    mpmath: str | None = None
    torch: str | None = None
    numpy: str | None = None
    c: str | None = None


@dataclass(frozen=True, slots=True)
class NoClosedForm:
    """In place of a partial: mathematics has none, by this argument.

    Attributes:
        argument: what the argument is.
        source: the whole of what an error says is missing, in place of the usual words.
    """

    argument: str
    source: str = ""


def no_closed_form(argument: str) -> NoClosedForm:
    """A partial that has no closed form, by ``argument``, say "the order of a Bessel function"."""
    return NoClosedForm(argument)


@dataclass(frozen=True, eq=False)
class Primitive:
    """One function of real arguments.

    Attributes:
        name: the name in formulas, graphs and generated code.
        arity: number of arguments.
        partials: templates of the partial derivatives, one per argument; exact 0 is structural.
        kind: how it lowers.
        expansion: for ``composite`` and ``macro``, a template in simpler rows that defines the
            value.
        domain: an interval per argument where tests may sample (away from kinks).
        parity: "odd" or "even" in its only argument, else None.
        folds: exact first argument -> what the function is then: an exact value, or a template.
        names: the function in other libraries.
        boolean: the result is a condition.
        cost: arithmetic operations that one evaluation is worth (add = 1).
        source: where the formula of the partials stands.
        definition: for ``routine``, ``(m, a, b, ...)`` -> the value.
        oracle: for ``routine``, ``(mpmath, a, b, ...)`` -> the value at mpmath's precision; without
            one the definition itself is computed at that precision.
        ulp: for ``routine``, the bound of its error in double precision.
        whole: the arguments, counted from 0, that are whole numbers.
        unknown: rows of partials that have no closed form.
        symbol: for ``outside``, the name under which compiled code finds the function.
        callback: for ``outside``, the function of floats, where this process has it.
    """

    name: str
    arity: int
    partials: tuple[Expr, ...]
    kind: Kind
    expansion: Expr | None
    domain: tuple[tuple[float, float], ...]
    parity: Literal["odd", "even"] | None = None
    folds: Mapping[Fraction, Expr] = field(default_factory=dict)
    names: Names = Names()
    boolean: bool = False
    cost: int = 1
    source: str = ""
    definition: Callable[..., Any] | None = None
    oracle: Callable[..., Any] | None = None
    ulp: float = 1.0
    whole: tuple[int, ...] = ()
    unknown: tuple[Primitive, ...] = ()
    symbol: str = ""
    callback: Callable[..., float] | None = None

    @cached_property
    def traced(self) -> Expr:
        """The definition of a routine, written in ``a0, a1, ...``."""
        if self.definition is None:
            raise InvariantError(f"row {self.name!r} of kind {self.kind!r} has no definition")
        return trace(self.definition, row_arguments(self.arity))


def define(
    name: str,
    *partials: Callable[..., Expr | int] | NoClosedForm,
    domain: tuple[float, float] | tuple[tuple[float, float], ...],
    kind: Kind = "call",
    expansion: Callable[..., Expr] | None = None,
    parity: Literal["odd", "even"] | None = None,
    folds: Mapping[int | Fraction, Expr | int | Callable[..., Expr]] | None = None,
    names: Names | None = None,
    boolean: bool = False,
    cost: int = 12,
    source: str = "",
    definition: Callable[..., Any] | None = None,
    oracle: Callable[..., Any] | None = None,
    ulp: float = 1.0,
    whole: tuple[int, ...] = (),
) -> Primitive:
    """Make the row of a function from its partial derivatives.

    Args:
        name: the function's name, a Python identifier.
        *partials: one callable ``(y, a, b, ...)`` per argument, giving d name / d argument, or
            ``no_closed_form("the order")``.
        domain: the interval where tests sample, or one interval per argument.
        kind: "call" (a C library function of that name), "instruction" (every target has it),
            "composite" (``expansion`` defines it by other rows) or "routine" (``definition``
            computes it).
        expansion: a callable ``(a, b, ...)`` in other rows; composite rows have one.
        parity: "odd" or "even" for functions of one argument.
        folds: exact first argument -> exact value, or a callable ``(a, b, ...)`` in other rows.
        names: names in other libraries where they are not ``name`` itself.
        boolean: the function is a condition.
        cost: what one evaluation is worth, an addition being 1.
        source: where the formula stands.
        definition: ``(m, a, b, ...)`` -> the value, traced when it is first needed; routines have
            one.
        oracle: ``(mpmath, a, b, ...)`` -> the value at mpmath's precision; routines have one.
        ulp: the bound of the definition's error in double precision.
        whole: the arguments, counted from 0, that are whole numbers, such as an order; tests
            sample whole numbers there.

    Raises:
        InvariantError: the arities of the parts disagree, or a template uses a foreign symbol.

    Example:
        >>> row = define("tan", lambda y, x: 1 + y * y, domain=(-1.2, 1.2))
        >>> row.partials[0]
        1 + y*y
    """
    arity = len(partials)
    if not name.isidentifier() or arity == 0:
        raise InvariantError(
            f"row {name!r} needs an identifier as name and one partial per argument"
        )
    arguments = row_arguments(arity)
    templates, unknown = partial_templates(name, partials)
    body = None if expansion is None else wrap(expansion(*arguments))
    if (kind == "composite") != (body is not None):
        raise InvariantError(f"row {name!r}: a composite row, and only that, has an expansion")
    if any((kind == "routine") != (part is not None) for part in (definition, oracle)):
        raise InvariantError(f"row {name!r}: a routine, and only that, has definition and oracle")
    refuse_foreign(name, arity, (*templates, *(() if body is None else (body,))))
    intervals = domain if isinstance(domain[0], tuple) else (domain,) * arity
    if len(intervals) != arity:
        raise InvariantError(f"row {name!r}: {len(intervals)} domains for {arity} arguments")
    return Primitive(
        name=name,
        arity=arity,
        partials=templates,
        kind=kind,
        expansion=body,
        domain=intervals,
        parity=parity,
        folds={
            Fraction(k): wrap(v(*arguments) if callable(v) else v) for k, v in (folds or {}).items()
        },
        names=names or Names(mpmath=name, torch=name, numpy=name, c=name),
        boolean=boolean,
        cost=cost,
        source=source,
        definition=definition,
        oracle=oracle,
        ulp=ulp,
        whole=whole,
        unknown=unknown,
    )


def partial_templates(
    name: str, partials: Sequence[Callable[..., Expr | int] | NoClosedForm]
) -> tuple[tuple[Expr, ...], tuple[Primitive, ...]]:
    """The templates of a row's partials, and the rows of those that have no closed form.

    Raises:
        InvariantError: a partial does not take the output and every argument.
    """
    arity = len(partials)
    arguments = row_arguments(arity)
    templates: list[Expr] = []
    unknown: list[Primitive] = []
    for index, partial in enumerate(partials):
        if isinstance(partial, NoClosedForm):
            row = unknown_row(name, index, arity, partial)
            unknown.append(row)
            templates.append(Expr(row.name, arguments))
            continue
        try:
            signature(partial).bind(*range(arity + 1))
        except TypeError:
            raise InvariantError(
                f"row {name!r}: partial {index} must take (y, {arity} arguments)"
            ) from None
        templates.append(wrap(partial(symbol(OUTPUT), *arguments)))
    return tuple(templates), tuple(unknown)


def refuse_foreign(name: str, arity: int, templates: tuple[Expr, ...]) -> None:
    """Check that a row's templates use its output and its arguments, and no other symbol.

    Raises:
        InvariantError: one does.
    """
    allowed = {OUTPUT, *(argument.value for argument in row_arguments(arity))}
    for node in postorder(templates):
        if node.op == "symbol" and node.value not in allowed:
            raise InvariantError(f"row {name!r} uses the foreign symbol {node.value!r}")


def row_arguments(arity: int) -> tuple[Expr, ...]:
    """The symbols of a row's arguments in its templates."""
    return tuple(symbol(argument_name(i)) for i in range(arity))


def unknown_row(name: str, index: int, arity: int, partial: NoClosedForm) -> Primitive:
    """The row of a partial without closed form; no derivative of it has one either."""
    return Primitive(
        name=f"{name}'{index}",  # no identifier: nobody can write it
        arity=arity,
        partials=(symbol(OUTPUT),) * arity,
        kind="unknown",
        expansion=None,
        domain=((0.0, 1.0),) * arity,
        source=partial.source
        or f"the derivative of {name} by its argument {index + 1} ({partial.argument})",
    )


def refuse(row: Primitive) -> DerivativeError:
    """The error for a row of kind "unknown" that has to be computed."""
    return DerivativeError(
        f"{row.source} has no closed form; differentiate by other variables, which wrt= chooses, "
        "or give that argument a number"
    )


def table(*rows: Primitive, base: Mapping[str, Primitive] | None = None) -> dict[str, Primitive]:
    """Rows by name, checked: no duplicates, and every function a template uses has a row.

    Args:
        *rows: the rows.
        base: a table that is checked already and comes along.

    Raises:
        InvariantError: a name stands twice, or a template uses a function without a row, with
            another number of arguments or by way of its own expansion.
    """
    made: dict[str, Primitive] = dict(base or {})
    for row in [part for given in rows for part in (given, *given.unknown)]:
        if row.name in made or row.name in RESERVED:
            raise InvariantError(f"the name {row.name!r} of a row is taken already")
        made[row.name] = row
    for row in rows:
        for node in postorder(
            (*row.partials, *(() if row.expansion is None else (row.expansion,)))
        ):
            if node.op in ARITHMETIC or node.op == "boolean":
                continue
            if node.op not in made:
                raise InvariantError(
                    f"row {row.name!r} uses {node.op!r}, which has no row; a function of the "
                    "user's own must be among functions= too"
                )
            if len(node.args) != made[node.op].arity:
                raise InvariantError(
                    f"row {row.name!r} gives {node.op!r} {len(node.args)} argument(s)"
                )
    _refuse_cycles(rows, made)
    return made


def _refuse_cycles(rows: Sequence[Primitive], known: Mapping[str, Primitive]) -> None:
    """Check that no expansion leads back to its own row."""
    done: set[str] = set()
    open_: set[str] = set()
    stack = [(row, False) for row in rows]
    while stack:
        row, expanded = stack.pop()
        if expanded:
            done.add(row.name)
            continue
        if row.expansion is None or row.name in done:
            continue
        if row.name in open_:
            raise InvariantError(f"the expansion of row {row.name!r} uses the row itself")
        open_.add(row.name)
        stack.append((row, True))
        used = dict.fromkeys(n.op for n in postorder((row.expansion,)) if n.op in known)
        stack.extend((known[op], False) for op in used)


ZERO = constant(0)
