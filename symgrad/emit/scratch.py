"""Scratch memory of one call: columns of every array, slots for values, rows of results.

A tile is as many points as fit. Where an array's points are not adjacent everything that the tile
reads and writes goes through scratch columns, and a shorter tile keeps them in the first-level
cache. Results that are summed over points have one register of sums for every entry instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from symgrad.emit.body import spill_slots
from symgrad.emit.cache_lines import CACHE_LINE
from symgrad.emit.target import Target
from symgrad.ir.program import Program

SCRATCH_BYTES = 96 * 1024
"""Scratch columns of one tile stay in the second-level cache."""

SHORT_BYTES = 16 * 1024
"""Scratch columns of a short tile stay in the first-level cache."""

ROWS_BYTES = 64 * 1024
"""Larger results of a short tile are not gathered to be written past the cache."""

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
    """Points of a tile: as many vectors as the scratch memory holds, one at least."""
    return _points(_columns(program, reduced), width, itemsize, SCRATCH_BYTES, MAX_TILE)


def short_points(program: Program, target: Target) -> int:
    """Points of a tile whose scratch columns stay in the first-level cache."""
    columns = _columns(program, target.reduced)
    return _points(columns, target.width, target.itemsize, SHORT_BYTES, target.tile)


def short_pitch(program: Program, target: Target) -> int:
    """Bytes from one scratch column of a short tile to the next: an odd number of cache lines.

    That spreads the columns over the cache.
    """
    lines = -(-short_points(program, target) * target.itemsize // CACHE_LINE)
    return min((lines | 1) * CACHE_LINE, target.tile * target.itemsize)


def _columns(program: Program, reduced: bool) -> int:
    """Scratch columns in all."""
    results = 0 if reduced else sum(result.size for result in program.results)
    return sum(len(group.columns) for group in program.groups) + results


def _points(columns: int, width: int, itemsize: int, size: int, most: int) -> int:
    points = size // (itemsize * max(columns, 1))
    return max(width, min(most, points) // width * width)


def scratch_layout(program: Program, target: Target) -> tuple[list[Columns], int, int]:
    """The scratch columns of every array, the offset of the spill slots, and all bytes needed."""
    points = (target.width, target.lanes, target.tile)
    vector, register, column = (count * target.itemsize for count in points)
    sizes = [len(group.columns) * column for group in program.groups]
    sizes += [r.size * (register if target.reduced else column) for r in program.results]
    counts = [len(group.columns) for group in program.groups] + [r.size for r in program.results]
    places = [0, *accumulate(sizes)]
    slots = places.pop()
    offset = slots + len(spill_slots(program)) * vector
    row = 0 if target.reduced else short_points(program, target) * target.itemsize
    found = []
    for index, (place, count) in enumerate(zip(places, counts, strict=True)):
        rows = None
        if index >= len(program.groups) and 0 < row * count <= ROWS_BYTES:
            # What the rows before leave of a line stands in front of them.
            rows = -(-offset // CACHE_LINE) * CACHE_LINE + CACHE_LINE
            offset = rows + row * count
        found.append(Columns(place, count, rows))
    return found, slots, offset
