"""Scratch memory of one call: columns of every array, slots for values, rows of results.

A tile is as many points as fit. Where an array's points are not adjacent everything that the tile
reads and writes goes through scratch columns, and a shorter tile keeps them in the first-level
cache. What is summed over points goes through such a tile in any case.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise

from symgrad.emit.llvm.cache_lines import CACHE_LINE
from symgrad.emit.sums.summands import SUMS, Summands
from symgrad.emit.target import Target
from symgrad.ir.program import Program

SCRATCH_BYTES = 96 * 1024
"""Scratch columns of one tile stay in the second-level cache."""

SHORT_BYTES = 8 * 1024
"""Scratch columns of a short tile stay in the first-level cache, beside rows and what is asked for.

For an arm that is one vector of points: its stores have time to drain (21.5 to 19 ns a point)."""

ROWS_BYTES = 64 * 1024
"""Larger results of a short tile are not gathered to be written past the cache."""

SUMS_BYTES = 24 * 1024
"""Columns of which products are summed stay in the first-level cache, which they have alone."""

MAX_TILE = 256


@dataclass(frozen=True, slots=True)
class Columns:
    """Where one array's scratch columns lie, in bytes.

    Attributes:
        offset: of the first column.
        count: how many there are.
        rows: of the rows in which a short tile's results are gathered, None where there are none.
    """

    offset: int
    count: int
    rows: int | None = None


def tile_points(program: Program, width: int, itemsize: int, *, reduced: bool = False) -> int:
    """Points of a tile: as many vectors as the scratch memory holds, one at least.

    In a kernel of sums it fits the first-level cache.
    """
    if not reduced:
        return _points(_columns(program), width, itemsize, SCRATCH_BYTES, MAX_TILE)
    columns = _columns(program) - program.results[SUMS].size
    return _points(columns, width, itemsize, SUMS_BYTES, MAX_TILE)


def short_points(program: Program, target: Target) -> int:
    """Points of a tile whose scratch columns stay in the first-level cache."""
    return _points(_columns(program), target.width, target.itemsize, SHORT_BYTES, target.tile)


def short_pitch(program: Program, target: Target) -> int:
    """Bytes from one scratch column of a short tile to the next: an odd number of cache lines.

    That spreads the columns over the cache.
    """
    return min(_odd_lines(short_points(program, target), target), target.tile * target.itemsize)


def _odd_lines(points: int, target: Target) -> int:
    lines = -(-points * target.itemsize // CACHE_LINE)
    return (lines | 1) * CACHE_LINE


def sums_pitch(target: Target) -> int:
    """Bytes from one scratch column of a kernel of sums to the next."""
    return _odd_lines(target.tile, target)


def sums_layout(made: Summands, target: Target) -> tuple[list[Columns], int, int]:
    """The scratch memory of a kernel of sums, as ``scratch_layout`` has it.

    The columns are those of each group, those that are summed, and a register for every term.
    """
    register, pitch = target.lanes * target.itemsize, sums_pitch(target)
    counts = [len(group.columns) for group in made.program.groups]
    counts += [result.size for result in made.program.results]
    sizes = [*(count * pitch for count in counts[:-1]), counts[-1] * register]
    *places, slots = [0, *accumulate(sizes)]
    found = [Columns(*each) for each in zip(places, counts, strict=True)]
    vector = target.width * target.itemsize
    return found, slots, slots + len(spill_slots(made.program)) * vector


def _columns(program: Program) -> int:
    """Scratch columns in all."""
    results = sum(result.size for result in program.results)
    return sum(len(group.columns) for group in program.groups) + results


def _points(columns: int, width: int, itemsize: int, size: int, most: int) -> int:
    points = size // (itemsize * max(columns, 1))
    return max(width, min(most, points) // width * width)


def scratch_layout(program: Program, target: Target) -> tuple[list[Columns], int, int]:
    """The scratch columns of every array, the offset of the spill slots, and all bytes needed."""
    vector, column = (count * target.itemsize for count in (target.width, target.tile))
    sizes = [len(group.columns) * column for group in program.groups]
    sizes += [r.size * column for r in program.results]
    counts = [len(group.columns) for group in program.groups] + [r.size for r in program.results]
    places = [0, *accumulate(sizes)]
    slots = places.pop()
    offset = slots + len(spill_slots(program)) * vector
    row = short_points(program, target) * target.itemsize
    found = []
    for index, (place, count) in enumerate(zip(places, counts, strict=True)):
        rows = None
        if index >= len(program.groups) and 0 < row * count <= ROWS_BYTES:
            # What the rows before leave of a line stands in front of them.
            rows = -(-offset // CACHE_LINE) * CACHE_LINE + CACHE_LINE
            offset = rows + row * count
        found.append(Columns(place, count, rows))
    return found, slots, offset


def spill_slots(program: Program) -> dict[int, int]:
    """Value -> slot, for values that a later piece needs; loads and constants are made again."""
    piece_of: list[int] = []
    bounds = [*program.pieces, len(program.code)]
    for number, (start, stop) in enumerate(pairwise(bounds)):
        piece_of.extend([number] * (stop - start))
    slots: dict[int, int] = {}
    for index, instruction in enumerate(program.code):
        for argument in instruction.args:
            again = program.code[argument].op in ("load", "constant", "boolean")
            if piece_of[argument] != piece_of[index] and not again:
                slots.setdefault(argument, len(slots))
    return slots
