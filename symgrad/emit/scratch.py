"""Scratch memory of one call: columns of every array, slots for values, rows of results.

A tile is as many points as fit. Where an array's points are not adjacent everything that the tile
reads and writes goes through scratch columns, and a shorter tile keeps them in the first-level
cache.
"""

from __future__ import annotations

from dataclasses import dataclass

from symgrad.emit.body import spill_slots
from symgrad.emit.runs import CACHE_LINE
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


def tile_points(program: Program, width: int, itemsize: int) -> int:
    """Points of a tile: as many vectors as the scratch memory holds, one at least."""
    return _points(program, width, itemsize, SCRATCH_BYTES, MAX_TILE)


def short_points(program: Program, target: Target) -> int:
    """Points of a tile whose scratch columns stay in the first-level cache."""
    return _points(program, target.width, target.itemsize, SHORT_BYTES, target.tile)


def short_pitch(program: Program, target: Target) -> int:
    """Bytes from one scratch column of a short tile to the next: an odd number of cache lines.

    That spreads the columns over the cache.
    """
    lines = -(-short_points(program, target) * target.itemsize // CACHE_LINE)
    return min((lines | 1) * CACHE_LINE, target.tile * target.itemsize)


def _points(program: Program, width: int, itemsize: int, size: int, most: int) -> int:
    columns = sum(len(g.columns) for g in program.groups) + sum(r.size for r in program.results)
    points = size // (itemsize * max(columns, 1))
    return max(width, min(most, points) // width * width)


def scratch_layout(program: Program, target: Target) -> tuple[list[Columns], int, int]:
    """The scratch columns of every array, the offset of the spill slots, and all bytes needed."""
    offset = 0
    places = []
    counts = [len(g.columns) for g in program.groups] + [r.size for r in program.results]
    for count in counts:
        places.append(offset)
        offset += count * target.tile * target.itemsize
    slots = offset
    offset += len(spill_slots(program)) * target.width * target.itemsize
    short = short_points(program, target)
    found = []
    for index, (place, count) in enumerate(zip(places, counts, strict=True)):
        rows = None
        size = short * count * target.itemsize
        if index >= len(program.groups) and size <= ROWS_BYTES:
            # What the rows before leave of a line stands in front of them.
            rows = -(-offset // CACHE_LINE) * CACHE_LINE + CACHE_LINE
            offset = rows + size
        found.append(Columns(place, count, rows))
    return found, slots, offset
