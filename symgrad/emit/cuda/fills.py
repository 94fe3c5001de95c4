"""Rows of constants: entries of results that loops write, instead of an instruction for each.

Most of a dense Hessian of many variables is zeros. A compiler takes more than a millisecond for
every store, and of constants in a row a loop makes as many with the code of one. Points last, each
thread writes its own point's, which lie beside its neighbours'; points first, the lanes of a warp
write neighbouring entries of one point after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple

from symgrad.emit.cuda.lowering import needed
from symgrad.emit.readable.walk import Array, Language, packed, result_arrays
from symgrad.ir.program import Instruction, Program

SHORTEST = 16
"""Neighbours of one value that are a row: half a warp writes them together."""

FEWEST = 128
"""Entries in all for which there is a loop: fewer go with the others of their rows."""


class Fill(NamedTuple):
    """Entries of a result that are one constant.

    Attributes:
        result: the number of the result.
        value: the constant.
        positions: of the entries, rising.
    """

    result: int
    value: float
    positions: tuple[int, ...]


def constant_rows(program: Program) -> tuple[Fill, ...]:
    """The rows of constants of a program, those of one value in one result together."""
    code = program.code
    found: dict[tuple[int, str], list[int]] = {}
    for op, args, data in code:
        if op == "store" and code[args[0]].op == "constant":
            result, position = data
            key = result, float(code[args[0]].data).hex()  # zeros have signs
            found.setdefault(key, []).append(position)
    made = []
    for (result, text), positions in sorted(found.items()):
        rows = [position for row in _rows(sorted(positions)) for position in row]
        if len(rows) >= FEWEST:
            made.append(Fill(result, float.fromhex(text), tuple(rows)))
    return tuple(made)


def _rows(positions: Sequence[int]) -> list[list[int]]:
    """Runs of neighbours that are long enough."""
    runs = groupby(enumerate(positions), lambda pair: pair[1] - pair[0])
    rows = [[position for _, position in run] for _, run in runs]
    return [row for row in rows if len(row) >= SHORTEST]


def without(program: Program, fills: Sequence[Fill]) -> Program:
    """The program that stores everything else."""
    if not fills:
        return program
    filled = {(fill.result, position) for fill in fills for position in fill.positions}
    kept = [k for k, i in enumerate(program.code) if i.op != "store" or i.data not in filled]
    return replace(program, code=tuple(needed(program.code, stores=kept)))


def including(program: Program, fills: Sequence[Fill]) -> Program:
    """The program that stores these entries as well."""
    code = list(program.code)
    for fill in fills:
        place = len(code)
        code.append(Instruction("constant", (), fill.value))
        code += [Instruction("store", (place,), (fill.result, k)) for k in fill.positions]
    return replace(program, code=tuple(code))


def fill_tables(fills: Sequence[Fill]) -> str:
    """The definitions of tables in CUDA C that say where the entries are."""
    tables = [position_table(f"fill{k}", fill.positions) for k, fill in enumerate(fills)]
    return "".join(f"\n{table}\n" for table in tables)


def position_table(name: str, positions: Sequence[int]) -> str:
    """The definition of a table of whole numbers in CUDA C."""
    head = f"static __device__ const int {name}[{len(positions)}] = {{"
    return "\n".join(packed(map(str, positions), ", ", head, "    ")) + "};"


def fill_lines(
    program: Program, fills: Sequence[Fill], language: Language, assign: str, *, rows: bool
) -> list[str]:
    """The statements of CUDA C that write rows of constants.

    Args:
        program: whose results they belong to.
        fills: what is written.
        language: CUDA C.
        assign: "=" or "+=".
        rows: the lanes of a warp write all its points' together; else a thread those of point i.
    """
    lines: list[str] = []
    for number, fill in enumerate(fills):
        array, count = result_arrays(program)[fill.result], len(fill.positions)
        value = language.number(fill.value)
        lines.append(f"// {count} entries of {array.title} are {value}")
        lines += _by_rows(array, number, count) if rows else _by_points(array, number, count)
        lines[-1] += f" {assign} {value};"
    return lines


def _by_rows(array: Array, number: int, count: int) -> list[str]:
    return [
        "for (unsigned row = 0; row < rows; ++row)",
        f"    for (unsigned k = lane; k < {count}; k += 32)",
        f"        {array.identifier}[{array.size} * (first + row) + fill{number}[k]]",
    ]


def _by_points(array: Array, number: int, count: int) -> list[str]:
    return [
        f"for (unsigned k = 0; k < {count}; ++k)",
        f"    {array.identifier}[fill{number}[k] * n + i]",
    ]
