"""Cut a program whose values do not fit into a GPU's registers, by rows of its results.

A thread has 255 registers of 32 bits. What does not fit waits in memory that all threads of the
device share: for the Jacobian of a reaction network of 20 species (1,741 operations, 312 values at
a time, loads included) 10 kB a point, which is three times its inputs and results. In parts of 100
values nothing waits; they compute 2.4 times as much, and that is cheap beside memory.

Rows are taken in the order in which each needs the fewest instructions that those before it in its
part do not need: rows that share most come together.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod

from symgrad.emit.cuda.lowering import needed
from symgrad.emit.kernels.pressure import live_values
from symgrad.emit.target import Dtype
from symgrad.ir.program import Program

FITTING: dict[Dtype, int] = {"float64": 135, "float32": 250}
"""Values at a time up to which compilers have spilled nothing, loads included."""

WANTED: dict[Dtype, int] = {"float64": 100, "float32": 180}
"""Values at a time in the parts of a program that has more."""

LONGEST = 5_000
"""Programs of more operations are left alone: too much would be computed twice."""

MOST = 3.0
"""All parts together have at most so many times the operations; else the Program stays whole."""

HELD = frozenset({"constant", "boolean", "store"})
"""What needs no register: a GPU reads an input once and keeps it from its first use to its last."""


def relieved(program: Program, dtype: Dtype) -> list[Program]:
    """Programs that together fill the results and whose values fit into registers.

    The Program alone, where it fits as it is, or where cutting it would compute too much twice.
    """
    if program.total > LONGEST or live_values(program, HELD) <= FITTING[dtype]:
        return [program]
    rows = _rows(program)
    needs = _needs(program, rows)
    parts: list[list[int]] = [[]]
    done = 0
    left = list(range(len(rows)))
    while left:
        row = min(left, key=lambda row: (needs[row] & ~done).bit_count())
        tried = sorted([*parts[-1], *rows[row]])
        if parts[-1] and live_values(_part(program, tried), HELD) > WANTED[dtype]:
            parts.append([])
            done = 0
            continue
        parts[-1] = tried
        done |= needs[row]
        left.remove(row)
    made = [_part(program, stores) for stores in parts]
    together = sum(part.total for part in made)
    return made if together <= MOST * program.total else [program]


def _part(program: Program, stores: list[int]) -> Program:
    return replace(program, code=tuple(needed(program.code, stores=stores)))


def _rows(program: Program) -> list[list[int]]:
    """The stores of each output: the entries of all results that begin with the same index."""
    found: dict[int, list[int]] = {}
    for index, (op, _, data) in enumerate(program.code):
        if op == "store":
            result, position = data
            found.setdefault(position // prod(program.results[result].shape[1:]), []).append(index)
    return list(found.values())


def _needs(program: Program, rows: list[list[int]]) -> list[int]:
    """The instructions that each row needs, as bits."""
    reach: list[int] = []
    for index, (_, arguments, _) in enumerate(program.code):
        bits = 1 << index
        for argument in arguments:
            bits |= reach[argument]
        reach.append(bits)
    made = []
    for row in rows:
        bits = 0
        for store in row:
            bits |= reach[store]
        made.append(bits)
    return made
