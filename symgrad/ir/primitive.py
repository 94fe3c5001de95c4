"""Primitive: one row of the function table, and ``define``, which makes and checks it.

A row is all that a function needs: its partial derivatives, where it may be sampled, its
conventions at kinks, how it lowers, and the names that other libraries know it by. Partials are
written with Python's operators on Exprs and may use the output ``y``; they are traced once into
templates whose symbols are ``y`` and ``a0, a1, ...``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from inspect import signature
from typing import Literal

from symgrad.errors import InvariantError
from symgrad.ir.expression import ARITHMETIC, Expr, constant, postorder, symbol, wrap

Kind = Literal["call", "instruction", "composite"]
"""How a row lowers: a library ``call``, one ``instruction`` of every target, or ``composite``."""

OUTPUT = "y"

RESERVED = ARITHMETIC | {"boolean", "sum", "product", "load", "store"}
RESERVED |= {"sub", "mul", "div", "neg", "sqrt"}
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


@dataclass(frozen=True, slots=True, eq=False)
class Primitive:
    """One function of real arguments.

    Attributes:
        name: the name in formulas, graphs and generated code.
        arity: number of arguments.
        partials: templates of the partial derivatives, one per argument; exact 0 is structural.
        kind: how it lowers.
        expansion: for ``composite``, a template in simpler rows; it defines the value.
        domain: an interval per argument where tests may sample (away from kinks).
        parity: "odd" or "even" in its only argument, else None.
        folds: exact argument -> exact value, for functions of one argument.
        names: the function in other libraries.
        boolean: the result is a condition.
        cost: arithmetic operations that one evaluation is worth (add = 1).
        source: where the formula of the partials stands.
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


def define(
    name: str,
    *partials: Callable[..., Expr | int],
    domain: tuple[float, float] | tuple[tuple[float, float], ...],
    kind: Kind = "call",
    expansion: Callable[..., Expr] | None = None,
    parity: Literal["odd", "even"] | None = None,
    folds: Mapping[int | Fraction, Expr | int] | None = None,
    names: Names | None = None,
    boolean: bool = False,
    cost: int = 12,
    source: str = "",
) -> Primitive:
    """Make the row of a function from its partial derivatives.

    Args:
        name: the function's name, a Python identifier.
        *partials: one callable ``(y, a, b, ...)`` per argument, giving d name / d argument.
        domain: the interval where tests sample, or one interval per argument.
        kind: "call" (a C library function of that name), "instruction" (every target has it) or
            "composite" (``expansion`` defines it by other rows).
        expansion: a callable ``(a, b, ...)`` in other rows; composite rows have one.
        parity: "odd" or "even" for functions of one argument.
        folds: exact argument -> exact value.
        names: names in other libraries where they are not ``name`` itself.
        boolean: the function is a condition.
        cost: what one evaluation is worth, an addition being 1.
        source: where the formula stands.

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
    arguments = tuple(symbol(argument_name(i)) for i in range(arity))
    templates = []
    for index, partial in enumerate(partials):
        if len(signature(partial).parameters) != arity + 1:
            raise InvariantError(f"row {name!r}: partial {index} must take (y, {arity} arguments)")
        templates.append(wrap(partial(symbol(OUTPUT), *arguments)))
    body = None if expansion is None else wrap(expansion(*arguments))
    if (kind == "composite") != (body is not None):
        raise InvariantError(f"row {name!r}: a composite row, and only that, has an expansion")
    allowed = {OUTPUT, *(argument.value for argument in arguments)}
    for node in postorder((*templates, *(() if body is None else (body,)))):
        if node.op == "symbol" and node.value not in allowed:
            raise InvariantError(f"row {name!r} uses the foreign symbol {node.value!r}")
    intervals = domain if isinstance(domain[0], tuple) else (domain,) * arity
    if len(intervals) != arity:
        raise InvariantError(f"row {name!r}: {len(intervals)} domains for {arity} arguments")
    return Primitive(
        name=name,
        arity=arity,
        partials=tuple(templates),
        kind=kind,
        expansion=body,
        domain=intervals,
        parity=parity,
        folds={Fraction(k): wrap(v) for k, v in (folds or {}).items()},
        names=names or Names(mpmath=name, torch=name, numpy=name, c=name),
        boolean=boolean,
        cost=cost,
        source=source,
    )


def table(*rows: Primitive) -> dict[str, Primitive]:
    """Rows by name, checked: no duplicates, and every function a template uses has a row.

    Raises:
        InvariantError: a name stands twice, or a template uses a function without a row.
    """
    made: dict[str, Primitive] = {}
    for row in rows:
        if row.name in made or row.name in RESERVED:
            raise InvariantError(f"the name {row.name!r} of a row is taken already")
        made[row.name] = row
    for row in rows:
        for node in postorder(
            (*row.partials, *(() if row.expansion is None else (row.expansion,)))
        ):
            if node.op not in ARITHMETIC and node.op != "boolean" and node.op not in made:
                raise InvariantError(f"row {row.name!r} uses {node.op!r}, which has no row")
    return made


ZERO = constant(0)
