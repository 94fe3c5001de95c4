"""Tiles in shared memory: which entries of the results go through one, and where their slots are.

Entries of a result are cut into chunks. While a chunk is being computed it has a slot
in the tile of the warp: a row for each of its points. Slots are given by a linear scan over the
code. A constant is put into a slot only when something else opens it: it could be stored at once,
and would keep the slot for nothing.

Lanes write into a column of a slot, a row each. A pitch of a multiple of 4 would make many of them
meet in the same banks of the memory; an odd one makes none, and 2 more than such a multiple pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from symgrad.ir.program import Instruction, Program

WARP = 32
"""Threads of a warp, and points of a tile."""

Place = tuple[int, int]
"""A result and the position of an entry."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Neighbouring entries of a result that go through the tile together.

    Attributes:
        result: the number of the result.
        positions: of its entries, in the order that they have in the tile.
        pitch: entries from one point's row to the next in the slot.
        start: where the slot begins in the tile, in entries of one point; -1: there was no room.
    """

    result: int
    positions: tuple[int, ...]
    pitch: int
    start: int = -1

    @property
    def width(self) -> int:
        """The number of its entries."""
        return len(self.positions)

    @property
    def first(self) -> int:
        """The position of its first entry."""
        return self.positions[0]

    @property
    def neighbours(self) -> bool:
        """Whether its entries are neighbours, in rising order."""
        return self.positions == tuple(range(self.first, self.first + self.width))


@dataclass(frozen=True, slots=True)
class Tiles:
    """The way of a program's results through a tile.

    Attributes:
        program: with stores of constants where their chunks are opened.
        chunks: those that have a slot, in the order in which they are opened.
        size: entries of one point that the tile has room for.
        refused: entries of chunks that found no room.
    """

    program: Program
    chunks: tuple[Chunk, ...]
    size: int
    refused: int


def arranged(program: Program, most: int, room: int, smallest: int = 1) -> Tiles:
    """The program with its results in chunks of neighbours, as far as there is room for them.

    Args:
        program: what is computed.
        most: entries of a chunk.
        room: entries of one point that the tile may have.
        smallest: results with fewer entries have no chunk.
    """
    return _tiles(program, most, room, smallest, _neighbours)


def gathered(program: Program, most: int, room: int) -> Tiles:
    """The same with chunks of entries of a result as they come: few are open at a time."""
    return _tiles(program, most, room, 1, _as_they_come)


def _tiles(
    program: Program,
    most: int,
    room: int,
    smallest: int,
    cut: Callable[[list[int], int], list[Sequence[int]]],
) -> Tiles:
    chunks = [
        Chunk(result, tuple(part), len(part) if len(part) % 4 else len(part) + 1)
        for result, positions in _stored(program).items()
        if program.results[result].size >= smallest
        for part in cut(positions, most)
    ]
    return _placed(_with_late_constants(program, chunks), chunks, room)


def places(chunk: Chunk) -> list[Place]:
    """The entries of a chunk."""
    return [(chunk.result, position) for position in chunk.positions]


def _stored(program: Program) -> dict[int, list[int]]:
    """The positions of each result that the program stores, in the order of its code."""
    found: dict[int, list[int]] = {}
    for op, _, data in program.code:
        if op == "store":
            found.setdefault(data[0], []).append(data[1])
    return dict(sorted(found.items()))


def _neighbours(positions: list[int], most: int) -> list[Sequence[int]]:
    """Runs of neighbours, those of more than ``most`` cut where powers of two end.

    Lanes then find their places in a chunk by shifts, and in the next rows by adding a constant.
    """
    runs: list[range] = []
    for position in sorted(positions):
        if runs and runs[-1].stop == position:
            runs[-1] = range(runs[-1].start, position + 1)
        else:
            runs.append(range(position, position + 1))
    made: list[Sequence[int]] = []
    for run in runs:
        length = len(run) if len(run) <= most else 1 << (most.bit_length() - 1)
        made += [run[start : start + length] for start in range(0, len(run), length)]
    return made


def _as_they_come(positions: list[int], most: int) -> list[Sequence[int]]:
    return [positions[start : start + most] for start in range(0, len(positions), most)]


def _with_late_constants(program: Program, chunks: Sequence[Chunk]) -> Program:
    """Move stores of constants to the first other store of their chunk, or to the last of all.

    The constants themselves, which are no statements in any language, come first.
    """
    code = program.code
    chunk_of = {place: number for number, one in enumerate(chunks) for place in places(one)}
    late: dict[int, list[int]] = {}
    opened: dict[int, int] = {}
    for index, (op, args, data) in enumerate(code):
        if op == "store" and data in chunk_of:
            number = chunk_of[data]
            if code[args[0]].op == "constant":
                late.setdefault(number, []).append(index)
            else:
                opened.setdefault(number, index)
    at: dict[int, list[int]] = {}
    for number, indices in late.items():
        at.setdefault(opened.get(number, indices[-1]), []).extend(indices)
    moved = {index for indices in late.values() for index in indices}
    order = [index for index, instruction in enumerate(code) if instruction.op == "constant"]
    moved.update(order)
    for index in range(len(code)):
        order += at.get(index, [])
        if index not in moved:
            order.append(index)
    place = {index: new for new, index in enumerate(order)}
    made = [code[index] for index in order]
    renamed = tuple(Instruction(op, tuple(place[a] for a in args), data) for op, args, data in made)
    return replace(program, code=renamed)


def _placed(program: Program, chunks: Sequence[Chunk], room: int) -> Tiles:
    """Give chunks their slots, the lowest that is free while they are open."""
    chunk_of = {place: number for number, one in enumerate(chunks) for place in places(one)}
    waiting = {number: one.width for number, one in enumerate(chunks)}
    taken: dict[int, range] = {}
    made: list[Chunk] = []
    size = refused = 0
    for instruction in program.code:
        number = chunk_of.get(instruction.data) if instruction.op == "store" else None
        if number is None:
            continue
        chunk = chunks[number]
        if waiting[number] == chunk.width:
            start = _free(list(taken.values()), chunk.pitch, room)
            if start < 0:
                refused += chunk.width
            else:
                taken[number] = range(start, start + chunk.pitch)
                size = max(size, start + chunk.pitch)
                made.append(replace(chunk, start=start))
        waiting[number] -= 1
        if not waiting[number]:
            taken.pop(number, None)
    return Tiles(program, tuple(made), size, refused)


def _free(taken: Sequence[range], length: int, room: int) -> int:
    """The lowest place with so much room between slots; -1 where there is none."""
    start = 0
    for one in sorted(taken, key=lambda slot: slot.start):
        if one.start - start >= length:
            break
        start = one.stop
    return start if start + length <= room else -1
