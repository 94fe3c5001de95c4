"""``symgrad functions``: the functions that a formula may use, as the table of rows has them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from string import ascii_lowercase

import click

from symgrad.cli.readable import readable
from symgrad.cli.table import aligned, clipped
from symgrad.errors import FormulaError, UnknownFunctionError
from symgrad.functions import COMPOSITIONS, PRIMITIVES
from symgrad.functions.compositions import ANY
from symgrad.ir.expression import Expr, infix, symbol, wrap
from symgrad.ir.primitive import Primitive
from symgrad.parse.names import SPELLINGS

TEXT_WIDTH = 56


@dataclass(frozen=True, slots=True)
class Entry:
    """A function as it is listed.

    Attributes:
        name: as written in a formula.
        arity: number of arguments; None for one or more.
        call: the function with its arguments, such as ``atan2(a, b)``.
        derivatives: by each argument, ``y`` being the result; empty where ``definition`` is given.
        definition: what a composition stands for.
        spellings: other names in formulas that mean the same.
        mpmath, torch, numpy, c: the function there, None where it has none.
    """

    name: str
    arity: int | None
    call: str
    derivatives: tuple[str, ...] = ()
    definition: str | None = None
    spellings: tuple[str, ...] = ()
    mpmath: str | None = None
    torch: str | None = None
    numpy: str | None = None
    c: str | None = None


@click.command("functions")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="One JSON document, nothing shortened.")
def functions(names: tuple[str, ...], as_json: bool) -> None:
    """List the functions that a formula may use, all of them or those with a NAME.

    y stands for the result, x or a, b, c for the arguments. Any order of derivative follows
    from the rows, which are written in functions of the same table.
    """
    entries = [*_rows(), *_compositions()]
    chosen = [entry for entry in entries if not names or {entry.name, *entry.spellings} & {*names}]
    known = {spelling for entry in entries for spelling in (entry.name, *entry.spellings)}
    for name in names:
        if name not in known:
            close = get_close_matches(name, known)
            hint = f"; names close to it: {', '.join(close)}" if close else ""
            raise UnknownFunctionError(f"{name!r} is no function that symgrad knows{hint}")
    if as_json:
        listed = [asdict(entry) for entry in chosen]
        click.echo(json.dumps({"schema": 1, "functions": listed}, indent=2))
    else:
        click.echo(_text(chosen))


def letters(count: int) -> tuple[str, ...]:
    """Names for the arguments: x alone, a, b, c, ..., and of very many a0, a1, a2, ..."""
    if count > len(ascii_lowercase):
        return tuple([f"a{k}" for k in range(count)])
    return ("x",) if count == 1 else tuple(ascii_lowercase[:count])


def _rows() -> Iterator[Entry]:
    for row in PRIMITIVES.values():
        if row.kind == "unknown":
            continue
        name = "where" if row.name == "select" else row.name
        yield Entry(
            name=name,
            arity=row.arity,
            call=readable(Expr(row.name, tuple(map(symbol, letters(row.arity))))),
            derivatives=tuple(_partial(row, partial) for partial in row.partials),
            spellings=_spellings(name),
            mpmath=row.names.mpmath,
            torch=row.names.torch,
            numpy=row.names.numpy,
            c=row.names.c,
        )


def _compositions() -> Iterator[Entry]:
    for name, (arities, build) in COMPOSITIONS.items():
        for arity in arities:
            if name == "where" or (name in PRIMITIVES and arity == PRIMITIVES[name].arity):
                continue  # the row says it
            arguments = letters(2 if arity == ANY else arity)
            call = f"{name}({', '.join(arguments)}{', ...' * (arity == ANY)})"
            made: Expr | None
            try:
                made = wrap(build(*map(symbol, arguments)))
            except FormulaError:  # its first arguments are whole numbers
                made = None
            yield Entry(
                name=name,
                arity=None if arity == ANY else arity,
                call=call,
                definition=_definition(made, call),
                spellings=_spellings(name),
            )


def _definition(made: Expr | None, call: str) -> str:
    """What a composition stands for."""
    if made is None:
        return "written out for constant whole numbers"
    # The square root is written by its own name, which would say nothing here.
    return infix(made) if readable(made) == call else readable(made)


def _partial(row: Primitive, partial: Expr) -> str:
    """A partial's template with letters in place of ``a0``, ``a1``, ..."""
    if any(partial.op == unknown.name for unknown in row.unknown):
        return "no closed form"
    names = letters(row.arity)
    return re.sub(r"\ba(\d+)\b", lambda found: names[int(found[1])], readable(partial))


def _spellings(name: str) -> tuple[str, ...]:
    return tuple(sorted(other for other, meant in SPELLINGS.items() if meant == name))


def _text(entries: Sequence[Entry]) -> str:
    rows: list[tuple[str, ...]] = [
        ("function", "derivatives, or what it stands for", "mpmath", "torch", "C", "also")
    ]
    for entry in entries:
        meaning = entry.definition or " | ".join(entry.derivatives)
        rows.append(
            (
                entry.call,
                clipped(meaning, TEXT_WIDTH),
                *(other or "-" for other in (entry.mpmath, entry.torch, entry.c)),
                " ".join(entry.spellings),
            )
        )
    return aligned(rows)
