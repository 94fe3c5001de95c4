"""Copies between rows of points in memory and scratch columns, a square block of vectors at a time.

With points first, the entries of one point are adjacent in memory. A block of W points by W
columns is read as W vectors, transposed in registers (log2 W stages, each of which swaps blocks
of half the size: Eklundh, IEEE Trans. Comput. C-21, 1972) and written as W vectors. The stage of
the largest blocks is done by the memory: rows are read and written in halves.

Rows of a few entries that follow each other without a gap are read and written as whole vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir

INT32 = ir.IntType(32)


def transpose(builder: ir.IRBuilder, rows: Sequence[Any], largest: int | None = None) -> list[Any]:
    """The transposed square of vectors: lane j of result i is lane i of ``rows[j]``.

    With ``largest`` the stages that swap larger blocks than that are left out.
    """
    made = list(rows)
    width = len(made)
    step = width // 2 if largest is None else largest
    while step:
        low = [lane if not lane & step else width + lane - step for lane in range(width)]
        high = [lane + step if not lane & step else width + lane for lane in range(width)]
        for i in range(width):
            if not i & step:
                a, b = made[i], made[i + step]
                made[i] = builder.shuffle_vector(a, b, _lanes(low))
                made[i + step] = builder.shuffle_vector(a, b, _lanes(high))
        step //= 2
    return made


def load_rows(builder: ir.IRBuilder, rows: Sequence[Any], vector: Any, align: int) -> list[Any]:
    """The columns of the block whose rows begin at those addresses."""
    width = vector.count
    if width < 4:  # nothing is gained by halves
        return transpose(builder, [builder.load(row, typ=vector, align=align) for row in rows])
    half = width // 2
    part = ir.VectorType(vector.element, half)
    ends = [builder.gep(row, [_index(half)], source_etype=vector.element) for row in rows]
    low, high = (
        [builder.load(place, typ=part, align=align) for place in places] for places in (rows, ends)
    )
    both = _lanes(list(range(width)))
    pairs = [(side[i], side[i + half]) for side in (low, high) for i in range(half)]
    made = [builder.shuffle_vector(near, far, both) for near, far in pairs]
    return transpose(builder, made, half // 2)


def store_rows(
    builder: ir.IRBuilder, columns: Sequence[Any], rows: Sequence[Any], align: int
) -> None:
    """Store the block of those columns to rows that begin at those addresses."""
    vector = columns[0].type
    width = vector.count
    if width < 4:
        for value, row in zip(transpose(builder, columns), rows, strict=True):
            builder.store(value, row, align=align)
        return
    half = width // 2
    made = transpose(builder, columns, half // 2)
    for i, row in enumerate(rows):
        lanes = _lanes(list(range(half) if i < half else range(half, width)))
        end = builder.gep(row, [_index(half)], source_etype=vector.element)
        for value, place in ((made[i % half], row), (made[i % half + half], end)):
            builder.store(builder.shuffle_vector(value, value, lanes), place, align=align)


def split_points(builder: ir.IRBuilder, memory: Sequence[Any]) -> list[Any]:
    """The columns of as many vectors of memory, in which one point's entries follow another's.

    Entries are sorted by the remainder of their column by one prime factor after the other of the
    number of columns, which takes p - 1 permutations of two registers a vector for the factor p.
    """
    width = memory[0].type.count
    parts = [list(memory)]  # part i of n has the columns i, i + n, i + 2n, ...
    for prime in _factors(len(memory)):
        lanes = [
            [divmod(prime * lane + rest, width) for lane in range(width)] for rest in range(prime)
        ]
        parts = [
            [
                _gathered(builder, part[first : first + prime], lanes[rest])
                for first in range(0, len(part), prime)
            ]
            for rest in range(prime)
            for part in parts
        ]
    return [vector for (vector,) in parts]


def join_points(builder: ir.IRBuilder, columns: Sequence[Any]) -> list[Any]:
    """The vectors of memory from which ``split_points`` makes those columns."""
    width = columns[0].type.count
    parts = [[column] for column in columns]
    for prime in reversed(_factors(len(columns))):
        step = len(parts) // prime
        lanes = [
            [(place % prime, place // prime) for place in range(start, start + width)]
            for start in range(0, prime * width, width)
        ]
        parts = [
            [
                _gathered(builder, sources, order)
                for sources in zip(*parts[first::step], strict=True)
                for order in lanes
            ]
            for first in range(step)
        ]
    return parts[0]


def _gathered(
    builder: ir.IRBuilder, sources: Sequence[Any], lanes: Sequence[tuple[int, int]]
) -> Any:
    """The vector whose lanes are those lanes of those sources."""
    width = len(lanes)
    made, kept = sources[0], [lane for _, lane in lanes]
    for number, source in enumerate(sources[1:], 1):
        order = [
            width + lane if of == number else kept[place] for place, (of, lane) in enumerate(lanes)
        ]
        made, kept = builder.shuffle_vector(made, source, _lanes(order)), list(range(width))
    return made


def _factors(number: int) -> list[int]:
    """Its prime factors, the smallest first."""
    found, prime = [], 2
    while number > 1:
        while number % prime == 0:
            found.append(prime)
            number //= prime
        prime += 1
    return found


def _index(value: int) -> Any:
    return ir.Constant(INT32, value)


def _lanes(indices: Sequence[int]) -> Any:
    return ir.Constant(ir.VectorType(INT32, len(indices)), list(indices))
