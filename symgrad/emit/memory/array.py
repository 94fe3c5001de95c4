"""One array of a kernel: where it lies, and how a tile of it is read, written and streamed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any

from llvmlite import ir

from symgrad.emit.llvm.cache_lines import CACHE_LINE, store_past_cache
from symgrad.emit.llvm.control import BYTE, FLAG, INT64, at, counted
from symgrad.emit.llvm.instructions import SCALAR
from symgrad.emit.memory.constants import Constants
from symgrad.emit.memory.copies import CLOSE, declare_copy, declare_past
from symgrad.emit.memory.rows import writes_rows
from symgrad.emit.memory.runs import run_pitch
from symgrad.emit.memory.scratch import Columns
from symgrad.emit.target import Target

PAGE = 4096
"""Bytes after which a line may have the same place in the first-level cache as another one."""

CROWD, MOST_CROWDED = 24, 256
"""So many lines may have one place in it before runs are faster; the columns of a run must fit into
the second level (26 columns of 512 points: 12.2 to 9.9 ns a point, 440: 180 to 300)."""

RUN_COLUMNS = 16
"""Programs with this many results write runs; for fewer, ordinary stores cost less."""

RUN_ALWAYS = 64
"""Where a vector is no cache line, so that runs are the one way to stream, results of this many
columns write them wherever they lie (the arm in vectors of 32 bytes: 37 ns instead of 50)."""


def offset(builder: ir.IRBuilder, base: Any, amount: Any) -> Any:
    """The address ``amount`` bytes behind another one."""
    if isinstance(amount, int):
        amount = ir.Constant(INT64, amount)
    return at(builder, base, amount, BYTE)


def apart(builder: ir.IRBuilder, arrays: Sequence[KernelArray]) -> Any:
    """Whether the points of some array are not adjacent, so that it goes through scratch."""
    return any_of(builder, [builder.not_(builder.or_(one.adjacent, one.shared)) for one in arrays])


def any_of(builder: ir.IRBuilder, conditions: Iterable[Any]) -> Any:
    """Whether one of them holds."""
    return reduce(builder.or_, conditions)


def spread(builder: ir.IRBuilder, groups: Sequence[KernelArray]) -> None:
    """Fill one vector of every scratch column with the values of groups that are shared."""
    with builder.if_then(any_of(builder, [group.shared for group in groups])):
        for group in groups:
            group.spread()


def copy_in(builder: ir.IRBuilder, groups: Sequence[KernelArray], first: Any, count: Any) -> None:
    """Copy a tile of the groups that are not read in place into scratch."""
    with builder.if_then(any_of(builder, [group.apart for group in groups])):
        for group in groups:
            group.copy_in(first, count)


class KernelArray:
    """One array of the kernel: its memory, and where the present tile reads or writes it.

    Attributes:
        shared: all points have the same values; they stand in scratch columns.
        adjacent: a column's points follow each other without a gap (points last).
        close: a point's entries do, and the next point's follow them (points first).
        turned: close, and pieces turn the rows of whole tiles in registers (``pieces/turned.py``).
        there: the present tile is read or written in the array itself; ``direct`` where columns
            are, ``turning`` where rows are turned.
        apart: it is copied to or from scratch columns, tile by tile.
        runs: a result is gathered there, and written in runs (``runs.py``).
        rowwise, joined: rows go past the cache, from memory in which they are gathered, or straight
            from registers (``rows.py``).
    """

    def __init__(
        self,
        builder: ir.IRBuilder,
        target: Target,
        columns: Columns,
        scratch: Any,
        base: Any,
        point_stride: Any,
        column_stride: Any,
    ) -> None:
        self.builder = builder
        self.target = target
        self.columns = columns
        self.constants = Constants(builder.module, target, columns.count, {})
        self.scratch = offset(builder, scratch, columns.offset)
        self.rows = self.scratch if columns.rows is None else offset(builder, scratch, columns.rows)
        self.base = base
        self.point_stride = point_stride
        self.column_stride = column_stride
        self.scalar = SCALAR[target.dtype]
        self.pitch = ir.Constant(INT64, target.tile * target.itemsize)
        zero = ir.Constant(INT64, 0)
        self.shared = builder.icmp_signed("==", point_stride, zero)
        item = ir.Constant(INT64, target.itemsize)
        self.adjacent = builder.icmp_signed("==", point_stride, item)
        # A shared group stays at the same vector while the points go on.
        self.stride = builder.select(self.shared, zero, item)
        self.packed = builder.icmp_signed("==", column_stride, item)
        # Rows follow each other without a gap.
        self.size = ir.Constant(INT64, columns.count * target.itemsize)
        close = builder.icmp_signed("==", point_stride, self.size)
        close = builder.and_(close, builder.not_(self.adjacent))
        self.close = builder.and_(close, self.packed)
        self.turned: Any = ir.Constant(FLAG, 0)
        self.runs: Any = ir.Constant(FLAG, 0)
        self.rowwise: Any = ir.Constant(FLAG, 0)
        self.joined: Any = ir.Constant(FLAG, 0)

    def spread(self) -> None:
        """Fill one vector of every scratch column with a shared group's values."""
        counts = (self._if(self.shared, ir.Constant(INT64, n)) for n in (1, self.target.width))
        self._copy(self.base, *counts, inward=True)

    def fill_constants(self, start: Any, stop: Any, tile: Any, past_cache: Any) -> None:
        """Write a result's constants: all rows of the array, or the scratch columns of a tile.

        The pieces leave both alone.
        """
        if not self.constants.entries:
            return
        builder = self.builder
        points = builder.sub(stop, start)
        with builder.if_else(self.adjacent) as (in_place, apart):
            with in_place:
                here = self._place(start)
                self.constants.fill(builder, here, self.column_stride, points, past_cache)
            with apart:
                fewer = builder.icmp_signed("<", points, tile)
                self._fill_scratch(builder.select(fewer, points, tile))

    def _fill_scratch(self, points: Any) -> None:
        no = ir.Constant(FLAG, 0)
        self.constants.fill(self.builder, self.scratch, self.pitch, points, no)

    def place(self, first: Any, whole: Any) -> None:
        """Decide where the tile that starts at point ``first`` lies: in place or in scratch."""
        builder = self.builder
        self.direct = builder.and_(builder.and_(self.adjacent, whole), builder.not_(self.runs))
        self.turning = builder.and_(self.turned, whole)
        self.there = builder.or_(self.direct, self.turning)
        self.apart = builder.not_(builder.or_(self.there, self.shared))
        here = self._place(first)
        self.pointer = builder.select(self.there, here, self.scratch)
        self.row = builder.select(self.direct, self.column_stride, self.pitch)
        vector = ir.Constant(INT64, self.target.width * self.target.itemsize)
        self.row = builder.select(self.turning, vector, self.row)
        self.step = builder.select(self.turning, self.size, self.stride)
        pitch = ir.Constant(INT64, run_pitch(self.target))
        kept = offset(builder, self.scratch, CACHE_LINE)
        self.pointer = builder.select(self.runs, kept, self.pointer)
        self.row = builder.select(self.runs, pitch, self.row)

    def misaligned_points(self, start: Any, wanted: Any) -> Any:
        """Points from ``start`` to the next cache line; 0 where ``wanted`` does not hold."""
        builder = self.builder
        line = ir.Constant(INT64, CACHE_LINE - 1)
        missing = builder.and_(builder.neg(self._address(start)), line)
        points = builder.udiv(missing, ir.Constant(INT64, self.target.itemsize))
        return builder.select(builder.and_(wanted, self.adjacent), points, ir.Constant(INT64, 0))

    def _address(self, point: Any) -> Any:
        return self.builder.ptrtoint(self._place(point), INT64)

    def begins(self, point: Any, size: int) -> Any:
        """Whether a point lies at a multiple of ``size`` bytes in every column."""
        builder = self.builder
        places = self._address(point)
        if self.columns.count > 1:
            among = builder.select(self.turned, ir.Constant(INT64, 0), self.column_stride)
            places = builder.or_(places, among)
        within = builder.and_(places, ir.Constant(INT64, size - 1))
        return builder.icmp_signed("==", within, ir.Constant(INT64, 0))

    def paged(self) -> Any:
        """Whether there are many columns, whole pages apart."""
        if self.columns.count < RUN_COLUMNS:
            return ir.Constant(FLAG, 0)
        within = self.builder.and_(self.column_stride, ir.Constant(INT64, PAGE - 1))
        return self.builder.icmp_signed("==", within, ir.Constant(INT64, 0))

    def crowded(self) -> Any:
        """Whether too many columns share a place in the first-level cache, but not all too many."""
        count = len(self.constants.kept)
        if not CROWD < count <= MOST_CROWDED:
            return ir.Constant(FLAG, 0)
        size = PAGE if count <= 2 * CROWD else PAGE // 2
        within = self.builder.and_(self.column_stride, ir.Constant(INT64, size - 1))
        return self.builder.icmp_signed("==", within, ir.Constant(INT64, 0))

    def decide_runs(self, wanted: Any, through: Any, aligned: Any) -> None:
        """Write runs where columns start inside of cache lines or lie whole pages apart.

        Args:
            wanted: whether lines are to be gathered and written past the cache.
            through: whether results are written through it: runs if they crowd it.
            aligned: the first point at which the largest result is on a cache line.
        """
        builder = self.builder
        if self.target.lanes * self.target.itemsize < CACHE_LINE:
            scattered: Any = ir.Constant(FLAG, int(self.columns.count >= RUN_ALWAYS))
        else:
            scattered = builder.not_(self.begins(aligned, CACHE_LINE))
        scattered = builder.or_(scattered, self.paged())
        wanted = builder.and_(wanted, scattered)
        wanted = builder.or_(wanted, builder.and_(through, self.crowded()))
        self.runs = builder.and_(wanted, self.adjacent)

    def decide_rows(self, wanted: Any, tiles: Sequence[Any]) -> None:
        """Gather rows where one point's entries follow another's without a gap.

        What is put together in registers need not be gathered, if all tiles, of which the first two
        begin at ``tiles``, start on a cache line.
        """
        builder = self.builder
        target, columns = self.target, self.columns.count
        if self.columns.rows is None:
            return
        close = builder.and_(wanted, self.close)
        few = columns in CLOSE and target.lanes * target.itemsize == CACHE_LINE
        if few or writes_rows(target.dtype, target.lanes, columns):
            inside = reduce(builder.or_, map(self._address, tiles))
            inside = builder.and_(inside, ir.Constant(INT64, CACHE_LINE - 1))
            aligned = builder.icmp_signed("==", inside, ir.Constant(INT64, 0))
            self.joined = builder.and_(close, aligned)
        self.rowwise = builder.and_(close, builder.not_(self.joined))

    def write_rows(self, function: Any, first: Any, count: Any, start: Any, stop: Any) -> None:
        """Write a short tile's rows, one run of whole cache lines, past the cache."""
        if self.columns.rows is None:
            return
        builder, zero, one = self.builder, ir.Constant(INT64, 0), ir.Constant(INT64, 1)
        last = builder.icmp_signed("==", builder.add(first, count), stop)
        entries = ir.Constant(INT64, self.columns.count)
        earlier = builder.mul(builder.sub(first, start), entries)
        only, rows = self.constants.table("only", INT64, [0]), self._if(self.rowwise, one)
        columns = [only, rows, self._place(first), zero, self.rows, zero]
        past = ir.Constant(FLAG, 1)
        builder.call(function, [*columns, builder.mul(count, entries), earlier, last, past])

    def write_run(
        self, function: Any, first: Any, count: Any, start: Any, stop: Any, past: Any
    ) -> None:
        """Write a short tile's results from scratch, past the cache or through it."""
        if isinstance(self.runs, ir.Constant):
            return
        builder, kept = self.builder, self.constants.kept_table()
        last = builder.icmp_signed("==", builder.add(first, count), stop)
        rows = self._if(self.runs, ir.Constant(INT64, len(self.constants.kept)))
        pitch = ir.Constant(INT64, run_pitch(self.target))
        columns = [kept, rows, self._place(first), self.column_stride, self.pointer, pitch]
        builder.call(function, [*columns, count, builder.sub(first, start), last, past])

    def whole_lines(self) -> Any:
        """Whether this tile lies in the array itself and every column starts on a cache line."""
        builder = self.builder
        address = builder.or_(builder.ptrtoint(self.pointer, INT64), self.row)
        line = ir.Constant(INT64, CACHE_LINE - 1)
        aligned = builder.icmp_signed("==", builder.and_(address, line), ir.Constant(INT64, 0))
        return builder.and_(self.direct, aligned)

    def decide_streaming(self, wanted: Any) -> None:
        """Stream this tile's results where every column starts on a cache line."""
        builder = self.builder
        self.streaming = builder.and_(wanted, self.whole_lines())
        self.destination, self.destination_row = self.pointer, self.row
        lines = ir.Constant(INT64, self.target.width * self.target.itemsize)
        self.pointer = builder.select(self.streaming, self.scratch, self.pointer)
        self.row = builder.select(self.streaming, lines, self.row)
        self.step = builder.select(self.streaming, ir.Constant(INT64, 0), self.step)

    def stream_out(self, point: Any) -> None:
        """Write the vector at ``point`` of every column past the cache."""
        builder, target = self.builder, self.target
        vector = ir.VectorType(self.scalar, target.width)
        zero, one = ir.Constant(INT64, 0), ir.Constant(INT64, 1)
        item = ir.Constant(INT64, target.itemsize)
        with builder.if_then(self.streaming):
            place = offset(builder, self.destination, builder.mul(point, item))
            with counted(builder, zero, ir.Constant(INT64, len(self.constants.kept)), one) as index:
                column = self.constants.kept_column(builder, index)
                source = at(builder, self.scratch, column, vector)
                sink = offset(builder, place, builder.mul(column, self.destination_row))
                value = builder.load(source, typ=vector, align=target.itemsize)
                store_past_cache(builder, value, sink)

    def at(self, point: Any) -> list[Any]:
        """The arguments of a piece for the vector that starts at ``point`` of the tile."""
        builder = self.builder
        return [offset(builder, self.pointer, builder.mul(point, self.step)), self.row]

    def copy_in(self, first: Any, count: Any) -> None:
        """Copy a tile into scratch, the last point repeated to fill the last vector."""
        builder = self.builder
        mask = ir.Constant(INT64, self.target.width - 1)
        count = self._if(self.apart, count)
        filled = builder.and_(builder.add(count, mask), builder.not_(mask))
        self._copy(self._place(first), count, filled, inward=True)

    def copy_out(self, first: Any, count: Any) -> None:
        """Copy a tile's results from scratch to the array."""
        builder = self.builder
        here = builder.not_(builder.or_(self.there, self.runs))
        if self.constants.entries:
            with builder.if_then(builder.and_(here, self.adjacent)):
                self._fill_scratch(count)
        place, count = self._place(first), self._if(here, count)
        origin = builder.select(self.rowwise, self.rows, place)
        past = None
        if not isinstance(self.joined, ir.Constant):
            past = declare_past(builder.module, self.columns.count)
        self._copy(origin, count, count, inward=False, past=past)

    def _if(self, condition: Any, number: Any) -> Any:
        """A number, or 0 of something: as a count that saves LLVM a branch."""
        return self.builder.select(condition, number, ir.Constant(INT64, 0))

    def _copy(
        self, origin: Any, count: Any, filled: Any, *, inward: bool, past: Any = None
    ) -> None:
        """Copy ``count`` points from ``origin`` on, which fill so many; or copy them back.

        What is joined is copied by ``past``.
        """
        columns, builder = self.columns.count, self.builder
        if not columns:
            return
        function = declare_copy(builder.module, columns, self.target.lanes, inward=inward)
        if past is not None:
            function = builder.select(self.joined, past, function)
        entries = ir.Constant(INT64, columns)
        strides = (self.point_stride, self.column_stride)
        builder.call(function, [origin, *strides, self.scratch, self.pitch, entries, count, filled])

    def _place(self, first: Any) -> Any:
        """Where a point lies in the array."""
        return offset(self.builder, self.base, self.builder.mul(first, self.point_stride))
