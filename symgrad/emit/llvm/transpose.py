"""Copies between rows of points in memory and scratch columns, a block at a time.

With points first, the entries of one point are adjacent in memory. Of W points, as many as a
register has lanes, C columns are read as W parts of rows, put together to C registers, transposed
in these (log2 C stages, each of which swaps blocks of half the size: Eklundh, IEEE Trans. Comput.
C-21, 1972) and written as C columns; or the other way round.

Rows of a few entries that follow each other without a gap are read and written as whole vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir

from symgrad.emit.llvm.control import lanes_of

PICK = {
    "double": "llvm.x86.avx512.vpermi2var.pd.512",
    "float": "llvm.x86.avx512.vpermi2var.ps.512",
}
"""(first, indices, second) -> the elements of both that are asked for."""


def transpose(builder: ir.IRBuilder, rows: Sequence[Any]) -> list[Any]:
    """The transposed square of vectors: lane j of result i is lane i of ``rows[j]``.

    Longer vectors hold several squares, one after the other.
    """
    made, width = list(rows), rows[0].type.count
    step = len(made) // 2
    while step:
        low = [lane if not lane & step else width + lane - step for lane in range(width)]
        high = [lane + step if not lane & step else width + lane for lane in range(width)]
        for i in range(len(made)):
            if not i & step:
                a, b = made[i], made[i + step]
                made[i] = builder.shuffle_vector(a, b, lanes_of(low))
                made[i + step] = builder.shuffle_vector(a, b, lanes_of(high))
        step //= 2
    return made


def load_rows(
    builder: ir.IRBuilder, rows: Sequence[Any], scalar: ir.Type, columns: int, align: int
) -> list[Any]:
    """Vectors of so many columns of as many rows as they have lanes, which begin there."""
    part = ir.VectorType(scalar, columns)
    made = [builder.load(row, typ=part, align=align) for row in rows]
    groups = [made[first : first + columns] for first in range(0, len(made), columns)]
    while len(groups) > 1:
        groups = [
            [concatenated(builder, *pair) for pair in zip(low, high, strict=True)]
            for low, high in zip(groups[::2], groups[1::2], strict=True)
        ]
    return transpose(builder, groups[0])


def store_rows(
    builder: ir.IRBuilder, columns: Sequence[Any], rows: Sequence[Any], align: int
) -> None:
    """Store vectors of columns to as many rows as they have lanes."""
    made, count = transpose(builder, columns), len(columns)
    for i, row in enumerate(rows):
        value, first = made[i % count], i - i % count
        lanes = lanes_of(list(range(first, first + count)))
        builder.store(builder.shuffle_vector(value, value, lanes), row, align=align)


def concatenated(builder: ir.IRBuilder, low: Any, high: Any) -> Any:
    """Two vectors, one behind the other."""
    return builder.shuffle_vector(low, high, lanes_of(range(2 * low.type.count)))


def pick(builder: ir.IRBuilder, first: Any, indices: Any, second: Any) -> Any:
    """The elements of two registers of a cache line that are asked for, the second's after."""
    name = PICK[str(first.type.element)]
    kind = ir.FunctionType(first.type, [first.type, indices.type, first.type])
    function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
    return builder.call(function, [first, indices, second])


def split_points(builder: ir.IRBuilder, memory: Sequence[Any]) -> list[Any]:
    """The columns of as many vectors of memory, in which one point's entries follow another's.

    While their number is even, a permutation of two registers a vector parts even and odd columns.
    Of an odd number the entries of one column lie in different lanes: blends, which take half of
    the time of a permutation, bring them together, and a permutation of one register sorts them.
    """
    width = memory[0].type.count
    parts = [list(memory)]  # part i of n has the columns i, i + n, i + 2n, ...
    while len(parts[0]) % 2 == 0:
        parts = [
            [
                builder.shuffle_vector(*pair, lanes_of(range(rest, 2 * width, 2)))
                for pair in zip(part[::2], part[1::2], strict=True)
            ]
            for rest in (0, 1)
            for part in parts
        ]
    odd = len(parts[0])
    made = []
    for column in range(odd):
        found = [pow(width, -1, odd) * (column - lane) % odd for lane in range(width)]
        order = [(odd * point + column) % width for point in range(width)]
        made += [_permuted(builder, _blended(builder, part, found), order) for part in parts]
    return made


def join_points(builder: ir.IRBuilder, columns: Sequence[Any]) -> list[Any]:
    """The vectors of memory from which ``split_points`` makes those columns."""
    width = columns[0].type.count
    count = len(columns) & -len(columns)
    odd = len(columns) // count
    parts = []
    for first in range(count):
        spread = []
        for column, value in enumerate(columns[first::count]):
            order = [pow(odd, -1, width) * (lane - column) % width for lane in range(width)]
            spread.append(_permuted(builder, value, order))
        found = [
            [place % odd for place in range(start, start + width)]
            for start in range(0, odd * width, width)
        ]
        parts.append([_blended(builder, spread, lanes) for lanes in found])
    halves = [
        [place // 2 + place % 2 * width for place in range(start, start + width)]
        for start in (0, width)
    ]
    while len(parts) > 1:
        parts = [
            [
                builder.shuffle_vector(*pair, lanes_of(lanes))
                for pair in zip(even, uneven, strict=True)
                for lanes in halves
            ]
            for even, uneven in zip(parts[: len(parts) // 2], parts[len(parts) // 2 :], strict=True)
        ]
    return parts[0]


def _blended(builder: ir.IRBuilder, sources: Sequence[Any], chosen: Sequence[int]) -> Any:
    """The vector whose lanes are the same lanes of the sources that are chosen."""
    made, truths = sources[0], ir.VectorType(ir.IntType(1), len(chosen))
    for number, source in enumerate(sources[1:], 1):
        mask = [of == number for of in chosen]
        if any(mask):
            made = builder.select(ir.Constant(truths, mask), source, made)
    return made


def _permuted(builder: ir.IRBuilder, value: Any, order: Sequence[int]) -> Any:
    """The vector whose lanes are those lanes of a value."""
    if list(order) == list(range(len(order))):
        return value
    return builder.shuffle_vector(value, value, lanes_of(order))
