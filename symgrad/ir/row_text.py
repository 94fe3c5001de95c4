"""Rows of the function table as JSON text, and back: how a user's functions travel.

Templates are written as they are, as a list of nodes ``[operation, arguments, value]``, arguments
being places of earlier nodes. A row of kind "outside" is only named by its symbol: its function
stays in the process that has it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from symgrad.errors import InvariantError, ProblemFileError
from symgrad.ir.definition import Loop
from symgrad.ir.expression import NAMED_CONSTANTS, Expr, Value
from symgrad.ir.primitive import (
    MADE_KINDS,
    NoClosedForm,
    Primitive,
    refuse_foreign,
    table,
    unknown_row,
)
from symgrad.ir.program import packed_floats, unpacked_floats


def write_rows(rows: Iterable[Primitive]) -> str:
    """The text of rows that a user made, in the order of their names; "" for none."""
    written = [_written(row) for row in sorted(rows, key=lambda row: row.name)]
    return json.dumps(written, sort_keys=True, separators=(",", ":")) if written else ""


def _written(row: Primitive) -> dict[str, Any]:
    roots = [*row.partials]
    if row.expansion is not None:
        roots.append(row.expansion)
    if row.kind == "routine":
        roots.append(row.traced)
    nodes, places = _nodes(roots)
    return {
        "name": row.name,
        "arity": row.arity,
        "kind": row.kind,
        "cost": row.cost,
        "ulp": row.ulp,
        "symbol": row.symbol,
        "unknown": [[int(other.name.rpartition("'")[2]), other.source] for other in row.unknown],
        "nodes": nodes,
        "roots": places,
    }


def _nodes(roots: Sequence[Expr]) -> tuple[list[Any], list[int]]:
    """Every distinct object below ``roots`` and in the bodies of loops, and where the roots are."""
    place: dict[int, int] = {}
    nodes: list[Any] = []
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        node, expanded = stack.pop()
        loop = node.value if isinstance(node.value, Loop) else None
        inner = () if loop is None else (*loop.states, loop.going)
        if expanded:
            value = _write_value(node.value)
            if loop is not None:
                value = {"loop": [place[id(part)] for part in inner], "most": loop.most}
            place[id(node)] = len(nodes)
            nodes.append([node.op, [place[id(a)] for a in node.args], value])
        elif id(node) not in place:
            stack.append((node, True))
            stack.extend((part, False) for part in reversed((*node.args, *inner)))
    return nodes, [place[id(root)] for root in roots]


def _write_value(value: Value) -> Any:
    if isinstance(value, Fraction):
        return {"fraction": [value.numerator, value.denominator]}
    if isinstance(value, float):
        return {"float": packed_floats((value,))}
    if isinstance(value, tuple):
        return {"table": packed_floats(value)}
    return value


def read_rows(
    text: str,
    base: Mapping[str, Primitive],
    callback: Callable[[str, int, str], Callable[..., float]],
) -> dict[str, Primitive]:
    """The table of the rows that ``write_rows`` wrote, and of those of ``base``.

    Args:
        text: the rows.
        base: the table that they are added to.
        callback: name, arity and symbol of a row of kind "outside" -> its function.

    Raises:
        ProblemFileError: the text holds no rows, or rows that do not fit the table.
    """
    try:
        rows = [_row(fields, callback) for fields in json.loads(text)] if text else []
        return table(*rows, base=base)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, InvariantError) as error:
        raise ProblemFileError(
            f"the functions of this saved function cannot be read: {error}"
        ) from (None)


def _row(
    fields: Mapping[str, Any], callback: Callable[[str, int, str], Callable[..., float]]
) -> Primitive:
    name, arity, kind, symbol = (fields[key] for key in ("name", "arity", "kind", "symbol"))
    if not (isinstance(name, str) and name.isidentifier() and type(arity) is int and arity > 0):
        raise ValueError(f"{name!r} of {arity!r} arguments is no function")
    if kind not in MADE_KINDS or not isinstance(symbol, str):
        raise ValueError(f"{name!r} is of the unknown kind {kind!r}")
    made = _exprs(fields["nodes"])
    roots = [made[place] for place in fields["roots"]]
    partials, rest = tuple(roots[:arity]), roots[arity:]
    if len(partials) != arity or len(rest) != (kind != "outside"):
        raise ValueError(f"{name!r} has {len(roots)} parts")
    refuse_foreign(name, arity, (*partials, *(rest if kind != "routine" else ())))
    sources = [NoClosedForm("", str(source)) for _, source in fields["unknown"]]
    unknown = [
        unknown_row(name, int(index), arity, source)
        for (index, _), source in zip(fields["unknown"], sources, strict=True)
    ]
    return Primitive(
        name=name,
        arity=arity,
        partials=partials,
        kind=kind,
        expansion=rest[0] if kind in ("composite", "macro") else None,
        domain=((0.0, 1.0),) * arity,
        cost=int(fields["cost"]),
        ulp=float(fields["ulp"]),
        definition=written(rest[0]) if kind == "routine" else None,
        unknown=tuple(unknown),
        symbol=symbol,
        callback=callback(name, arity, symbol) if kind == "outside" else None,
    )


def written(template: Expr) -> Callable[..., Expr]:
    """A definition that is traced already: an Expr in ``a0, a1, ...``."""
    return lambda m, *arguments: template


def _exprs(nodes: Sequence[Any]) -> list[Expr]:
    made: list[Expr] = []
    for op, places, value in nodes:
        if any(type(place) is not int or place < 0 for place in places):
            raise ValueError(f"{op} has no arguments {places}")
        args = tuple([made[place] for place in places])
        read: Any = value
        if isinstance(value, dict):
            (kind, inner), *most = value.items()
            if kind == "loop":
                *states, going = [made[place] for place in inner]
                read = Loop(tuple(states), going, int(most[0][1]))
            elif kind == "fraction":
                read = Fraction(*inner)
            else:
                floats = unpacked_floats(inner)
                read = floats if kind == "table" else floats[0]
        if op == "named" and read not in NAMED_CONSTANTS:
            raise ValueError(f"{read!r} is no named constant")
        if op == "lookup" and not (isinstance(read, tuple) and read):
            raise ValueError("a lookup has no table")
        made.append(Expr(str(op), args, read))
    return made
