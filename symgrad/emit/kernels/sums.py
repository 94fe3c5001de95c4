"""The loop over points of a kernel whose results are sums over points, in LLVM IR.

Points are summed in blocks that do not depend on how a batch is shared among threads: every lane
of a register has a sum of its own for each entry, a block's lanes are added in halves, and the sums
of the blocks are the caller's to add. So the result has the same bits for any number of workers.
Nothing of the batch's size is stored. What the pieces leave to the sums (``sums/summands.py``)
stands in the first-level cache for a tile of points, and is added then (``sums/accumulate.py``):
the normal equations of 9 parameters, 54 sums, take half of the time that it does to add to each of
them for every vector of points (8.2 to 4.0 ns a point).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir

from symgrad.emit.llvm.control import BYTE, INT32, INT64, at, counted, lanes_of, tiles
from symgrad.emit.llvm.instructions import SCALAR, splat
from symgrad.emit.memory.array import KernelArray, copy_in, offset, spread
from symgrad.emit.memory.constants import table
from symgrad.emit.memory.scratch import sums_layout, sums_pitch
from symgrad.emit.pieces.steps import begin, call_all
from symgrad.emit.sums.accumulate import add_tile
from symgrad.emit.sums.summands import Summands
from symgrad.emit.target import Target

BLOCK = 4096
"""Points of a block; the chunks that threads get are whole blocks."""


def emit_sums(
    builder: ir.IRBuilder, made: Summands, target: Target, pieces: Sequence[ir.Function]
) -> None:
    """Emit the loop that sums the results over every block of points from start to stop."""
    start, stop, _, scratch, *given = builder.function.args
    (*layout, row, registers), slots, _ = sums_layout(made, target)
    places = [given[i : i + 3] for i in range(0, len(given), 3)]
    groups = [
        KernelArray(builder, target, columns, scratch, *place)
        for columns, place in zip(layout, places, strict=False)
    ]
    pitch = ir.Constant(INT64, sums_pitch(target))
    for group in groups:
        group.pitch = pitch
    spread(builder, groups)
    summed = offset(builder, scratch, row.offset)
    sums = Sums(builder, made, target, offset(builder, scratch, registers.offset))
    spill = offset(builder, scratch, slots)
    zero, width = ir.Constant(INT64, 0), ir.Constant(INT64, target.width)
    mask, item = (ir.Constant(INT64, n) for n in (target.width - 1, target.itemsize))
    steps = begin(builder, made.program, target, pieces, groups, spill)
    with tiles(builder, start, stop, ir.Constant(INT64, BLOCK), zero) as (block, points):
        sums.clear()
        end = builder.add(block, points)
        with tiles(builder, block, end, ir.Constant(INT64, target.tile), zero) as (first, count):
            whole = builder.icmp_signed("==", builder.and_(count, mask), zero)
            for group in groups:
                group.place(first, whole)
            copy_in(builder, groups, first, count)
            with counted(builder, zero, count, width) as point:
                arguments = [value for group in groups for value in group.at(point)]
                arguments += [offset(builder, summed, builder.mul(point, item)), pitch]
                left = builder.sub(count, point)
                call_all(builder, target, steps, [*arguments, *sums.arguments(), spill], left)
            with builder.if_then(builder.not_(whole)):
                sums.leave_out(summed, count)
            sums.add(summed, count)
        number = builder.udiv(builder.sub(block, start), ir.Constant(INT64, BLOCK))
        sums.finish(points)
        for entries, place in zip(made.entries, places[len(groups) :], strict=True):
            sums.write(entries, number, *place)


class Sums:
    """A register of sums for each term, in scratch memory while a block goes on."""

    def __init__(self, builder: ir.IRBuilder, made: Summands, target: Target, memory: Any) -> None:
        self.builder, self.target, self.memory = builder, target, memory
        self.scalar = SCALAR[target.dtype]
        self.vector = ir.VectorType(self.scalar, target.lanes)
        self.columns, self.count = (result.size for result in made.program.results)
        self.terms = [(i, t) for i, t in enumerate(made.terms) if isinstance(t, tuple) and t]
        self.numbers = [(i, t) for i, t in enumerate(made.terms) if isinstance(t, float)]

    def arguments(self) -> list[Any]:
        """What a piece takes: where the sums are, and bytes from one to the next."""
        return [self.memory, ir.Constant(INT64, self.target.lanes * self.target.itemsize)]

    def clear(self) -> None:
        """Begin a block."""
        with self._each(self.count) as number:
            self._store(splat(self.vector, 0.0), self._at(number))

    def leave_out(self, columns: Any, count: Any) -> None:
        """Set what the columns hold behind the last point to 0, to the end of a register."""
        builder, one = self.builder, ir.Constant(INT64, 1)
        mask = ir.Constant(INT64, self.target.lanes - 1)
        filled = builder.and_(builder.add(count, mask), builder.not_(mask))
        with self._each(self.columns) as column:
            pitch = ir.Constant(INT64, sums_pitch(self.target))
            place = at(builder, columns, builder.mul(column, pitch), BYTE)
            with counted(builder, count, filled, one) as point:
                self._store(self.scalar(0.0), at(builder, place, point, self.scalar))

    def add(self, columns: Any, count: Any) -> None:
        """Add a tile's columns."""
        pitch = sums_pitch(self.target)
        add_tile(self.builder, self.target, self.terms, self.memory, columns, pitch, count)

    def finish(self, points: Any) -> None:
        """Add what all points of the block have in common."""
        count = self.builder.sitofp(points, self.scalar)
        for number, value in self.numbers:
            total = self.builder.fmul(count, self.scalar(value))
            self._store(total, self._at(ir.Constant(INT64, number)))

    def write(
        self, entries: Sequence[int], block: Any, base: Any, block_stride: Any, column_stride: Any
    ) -> None:
        """Add the lanes in halves and store a result's sums, the ``block``-th row of its array."""
        builder = self.builder
        row = offset(builder, base, builder.mul(block, block_stride))
        numbers = table(builder.module, "entries", INT64, entries)
        with self._each(len(entries)) as entry:
            number = builder.load(at(builder, numbers, entry, INT64), typ=INT64)
            value = builder.load(self._at(number), typ=self.vector, align=self.target.itemsize)
            while value.type.count > 1:
                half = value.type.count // 2
                low, high = (
                    builder.shuffle_vector(value, value, lanes_of(range(start, start + half)))
                    for start in (0, half)
                )
                value = builder.fadd(low, high)
            total = builder.extract_element(value, INT32(0))
            self._store(total, offset(builder, row, builder.mul(entry, column_stride)))

    def _each(self, count: int) -> Any:
        return counted(self.builder, *(ir.Constant(INT64, n) for n in (0, count, 1)))

    def _at(self, number: Any) -> Any:
        return at(self.builder, self.memory, number, self.vector)

    def _store(self, value: Any, place: Any) -> None:
        self.builder.store(value, place, align=self.target.itemsize)
