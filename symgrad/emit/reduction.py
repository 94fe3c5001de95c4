"""The loop over points of a kernel whose results are sums over points, in LLVM IR.

Points are summed in blocks that do not depend on how a batch is shared among threads: every lane
of a register has a sum of its own for each entry, a block's lanes are added in halves, and the sums
of the blocks are the caller's to add. So the result has the same bits for any number of workers.
Nothing of the batch's size is stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir

from symgrad.emit.array import KernelArray, apart, offset
from symgrad.emit.control import INT64, counted, tiles
from symgrad.emit.instructions import SCALAR, splat
from symgrad.emit.scratch import Columns, short_points
from symgrad.emit.steps import begin, call_all
from symgrad.emit.target import Target
from symgrad.ir.program import Program

BLOCK = 4096
"""Points of a block; the chunks that threads get are whole blocks."""


def emit_sums(
    builder: ir.IRBuilder,
    program: Program,
    target: Target,
    layout: Sequence[Columns],
    pieces: Sequence[ir.Function],
    spill: Any,
) -> None:
    """Emit the loop that sums the results over every block of points from start to stop."""
    start, stop, _, scratch, *given = builder.function.args
    places = [given[3 * i : 3 * i + 3] for i in range(len(layout))]
    first_result = len(program.groups)
    groups = [
        KernelArray(builder, target, columns, scratch, *place)
        for columns, place in zip(layout[:first_result], places, strict=False)
    ]
    sums = [
        Sums(builder, target, columns, scratch, *place)
        for columns, place in zip(layout[first_result:], places[first_result:], strict=True)
    ]
    zero, width = ir.Constant(INT64, 0), ir.Constant(INT64, target.width)
    mask = ir.Constant(INT64, target.width - 1)
    short, tile = apart(builder, groups), ir.Constant(INT64, target.tile)
    tile = builder.select(short, ir.Constant(INT64, short_points(program, target)), tile)
    for group in groups:
        group.spread()
    steps = begin(builder, program, target, pieces, groups, spill)
    with tiles(builder, start, stop, ir.Constant(INT64, BLOCK), zero) as (block, points):
        for one in sums:
            one.clear()
        end = builder.add(block, points)
        with tiles(builder, block, end, tile, zero) as (first, count):
            whole = builder.icmp_signed("==", builder.and_(count, mask), zero)
            for group in groups:
                group.place(first, whole)
                group.copy_in(first, count)
            with counted(builder, zero, count, width) as point:
                with builder.if_then(short):
                    for group in groups:
                        group.prefetch(builder.add(first, point))
                arguments = [value for group in groups for value in group.at(point)]
                arguments += [value for one in sums for value in one.arguments()]
                left = builder.sub(count, point)
                call_all(builder, target, steps, [*arguments, spill], left)
        number = builder.udiv(builder.sub(block, start), ir.Constant(INT64, BLOCK))
        for one in sums:
            one.write(number)


class Sums:
    """The sums of one result: in scratch memory while a block goes on, then in the array.

    Row k of the array belongs to the k-th block of this call.
    """

    def __init__(
        self,
        builder: ir.IRBuilder,
        target: Target,
        columns: Columns,
        scratch: Any,
        base: Any,
        block_stride: Any,
        column_stride: Any,
    ) -> None:
        self.builder, self.target, self.columns = builder, target, columns
        self.memory = offset(builder, scratch, columns.offset)
        self.base, self.block_stride, self.column_stride = base, block_stride, column_stride
        self.vector = ir.VectorType(SCALAR[target.dtype], target.lanes)
        self.row = ir.Constant(INT64, target.lanes * target.itemsize)

    def arguments(self) -> list[Any]:
        """What a piece takes: where the sums are, and bytes from one to the next."""
        return [self.memory, self.row]

    def clear(self) -> None:
        """Begin a block."""
        for_each = ir.Constant(INT64, self.columns.count)
        zero, one = ir.Constant(INT64, 0), ir.Constant(INT64, 1)
        with counted(self.builder, zero, for_each, one) as column:
            self.builder.store(splat(self.vector, 0.0), self._at(column), align=self._align())

    def write(self, block: Any) -> None:
        """Add the lanes in halves and store the sums of a block."""
        builder = self.builder
        zero, one = ir.Constant(INT64, 0), ir.Constant(INT64, 1)
        place = offset(builder, self.base, builder.mul(block, self.block_stride))
        with counted(builder, zero, ir.Constant(INT64, self.columns.count), one) as column:
            value = builder.load(self._at(column), typ=self.vector, align=self._align())
            while value.type.count > 1:
                half = value.type.count // 2
                low, high = (
                    builder.shuffle_vector(value, value, _lanes(range(start, start + half)))
                    for start in (0, half)
                )
                value = builder.fadd(low, high)
            total = builder.extract_element(value, ir.IntType(32)(0))
            sink = offset(builder, place, builder.mul(column, self.column_stride))
            builder.store(total, sink, align=self._align())

    def _at(self, column: Any) -> Any:
        return self.builder.gep(self.memory, [column], source_etype=self.vector)

    def _align(self) -> int:
        return self.target.itemsize


def _lanes(indices: range) -> Any:
    return ir.Constant(ir.VectorType(ir.IntType(32), len(indices)), list(indices))
