"""Program: scheduled straight-line code, one instruction a value, stores in their place.

A Graph is meaning, a Program is order. Instruction k defines value k:

==============  =======================  ====================================================
op              args                     data
==============  =======================  ====================================================
load            ()                       (group, column): one column of an argument group
constant        ()                       the float, rounded once from the exact constant
boolean         ()                       True or False
add sub mul     two values               None
div             two values               None
neg sqrt        one value                None
a row's name    its arguments            None (rows of no kind "composite")
store           one value                (result, position): entry of a result, row-major
==============  =======================  ====================================================

Rows of kind "routine" that the code calls come along as Routines, which have code of the same kind
over one group, their arguments, with one result. There, and there alone, are loops and tables:

==============  =======================  ====================================================
loop            states, then invariants  (body, number of states, turns at most)
part            a loop                   which of its final states
lookup          a whole number           which of the routine's tables it is looked up in
==============  =======================  ====================================================

The code of a body has one group as well: the turn's number, the states and the invariants. Its one
result is the new states and last the condition that there is another turn.
"""

from __future__ import annotations

import json
import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, NamedTuple

from symgrad.ir.system import Pattern

ARITHMETIC_OPS = ("add", "sub", "mul", "div", "neg", "sqrt")
CONDITION_OPS = frozenset({"lt", "le", "eq", "ne", "and", "or", "not", "boolean"})
UNCOUNTED = frozenset({"load", "constant", "boolean", "store", "neg"})

PARAMETERS = "parameters"
"""The group of columns that a whole batch may share."""

THROUGH, GATHERED, DIRECTLY = range(3)
"""How a kernel is told to write results: through the cache; past it, lines being gathered; past it
as results are stored."""

HEADER = 64
"""Bytes at the front of the memory in which a kernel works that are not its own: its address is
there, for whoever calls it. As many as a cache line has."""

WEIGHTS = {"add": 1, "sub": 1, "mul": 1, "div": 5, "sqrt": 6}
"""Cost of the arithmetic instructions, an addition being 1; functions have theirs in their row."""


class Instruction(NamedTuple):
    """One value of a Program."""

    op: str
    args: tuple[int, ...] = ()
    data: Any = None


@dataclass(frozen=True, slots=True)
class Group:
    """A group of columns that arrives as one array: inputs, parameters, tangent, cotangent."""

    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """One array that a kernel fills: its name and its shape for one point.

    ``pattern`` says, where people are to read it, which entries of an array a sparse result has.
    """

    name: str
    shape: tuple[int, ...]
    pattern: Pattern | None = None

    @property
    def size(self) -> int:
        """Entries for one point."""
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class Routine:
    """How a function is computed, in double precision and exactly as it is written.

    Attributes:
        name: of the row.
        arity: number of arguments.
        code: the instructions; the last one stores the value.
        bodies: the code of the loops.
        tables: constant tables; an index beyond an end, or nan, is that end, or the beginning.
    """

    name: str
    arity: int
    code: tuple[Instruction, ...]
    bodies: tuple[tuple[Instruction, ...], ...] = ()
    tables: tuple[tuple[float, ...], ...] = ()


class Outside(NamedTuple):
    """A user's compiled function of doubles, which a kernel calls one point at a time."""

    name: str
    arity: int
    symbol: str


@dataclass(frozen=True)
class Program:
    """Straight-line code over one point.

    Attributes:
        groups: the argument groups, in the order in which arrays are passed.
        results: the arrays that are filled, in order.
        code: the instructions; an argument is always an earlier index.
        pieces: index of the first instruction of each piece; the first is 0.
        shared: whether the first piece depends on parameters alone.
        labels: a display name for each entry of the outputs.
        routines: those that the code calls, and those that they call, each before its callers.
        outside: the users' functions that the code and the routines call.
    """

    groups: tuple[Group, ...]
    results: tuple[Result, ...]
    code: tuple[Instruction, ...]
    pieces: tuple[int, ...] = (0,)
    labels: tuple[str, ...] = ()
    routines: tuple[Routine, ...] = ()
    outside: tuple[Outside, ...] = ()
    shared: bool = False

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """How many instructions of each op there are, stores and loads included."""
        return Counter(instruction.op for instruction in self.code)

    @property
    def total(self) -> int:
        """Arithmetic operations: loads, stores, constants and negations are not counted."""
        return sum(count for op, count in self.counts.items() if op not in UNCOUNTED)

    def to_json(self) -> str:
        """The Program as one line of JSON, floats bit for bit; patterns are left out."""
        text: dict[str, Any] = {
            "groups": [[g.name, list(g.columns)] for g in self.groups],
            "results": [[r.name, list(r.shape)] for r in self.results],
            "code": _packed(self.code),
            "pieces": list(self.pieces),
            "labels": list(self.labels),
        }
        if self.routines:
            text["routines"] = [
                [r.name, r.arity, _packed(r.code), [_packed(body) for body in r.bodies]]
                + ([list(map(packed_floats, r.tables))] if r.tables else [])
                for r in self.routines
            ]
        if self.shared:
            text["shared"] = True
        if self.outside:
            text["outside"] = [list(callee) for callee in self.outside]
        return json.dumps(text, separators=(",", ":"))

    @staticmethod
    def from_json(text: str) -> Program:
        """The Program that ``to_json`` wrote."""
        read = json.loads(text)
        return Program(
            groups=tuple(Group(name, tuple(columns)) for name, columns in read["groups"]),
            results=tuple(Result(name, tuple(shape)) for name, shape in read["results"]),
            code=_unpacked(read["code"]),
            pieces=tuple(read["pieces"]),
            labels=tuple(read["labels"]),
            routines=tuple(
                Routine(
                    name,
                    arity,
                    _unpacked(code),
                    tuple(map(_unpacked, bodies)),
                    tuple([unpacked_floats(table) for tables in rest for table in tables]),
                )
                for name, arity, code, bodies, *rest in read.get("routines", ())
            ),
            outside=tuple(Outside(*callee) for callee in read.get("outside", ())),
            shared=read.get("shared", False),
        )


def packed_floats(values: Sequence[float]) -> str:
    """Doubles as text, bit for bit: 16 hexadecimal digits each."""
    return struct.pack(f">{len(values)}d", *values).hex()


def unpacked_floats(text: str) -> tuple[float, ...]:
    """The doubles that ``packed_floats`` wrote."""
    data = bytes.fromhex(text)
    return struct.unpack(f">{len(data) // 8}d", data)


def _packed(code: Sequence[Instruction]) -> list[list[Any]]:
    return [[i.op, list(i.args), _pack(i.data)] for i in code]


def _unpacked(code: Sequence[Sequence[Any]]) -> tuple[Instruction, ...]:
    return tuple(Instruction(op, tuple(args), _unpack(data)) for op, args, data in code)


def _pack(data: Any) -> Any:
    if isinstance(data, float):
        return struct.pack(">d", data).hex()
    return list(data) if isinstance(data, tuple) else data


def _unpack(data: Any) -> Any:
    if isinstance(data, str):
        return struct.unpack(">d", bytes.fromhex(data))[0]
    return tuple(data) if isinstance(data, list) else data
