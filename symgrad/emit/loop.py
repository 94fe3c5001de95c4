"""The loop over points around the pieces, in LLVM IR: tiles, scratch memory, padding.

Points are handled in tiles. An array whose points are adjacent in memory (points last) is read
and written in place; any other layout goes through scratch columns, and so does the end of a
batch that does not fill a vector: there the last point is repeated, so that every point goes
through the same vector instructions and results do not depend on the batch's size. A group that
is shared by the whole batch (stride 0) is spread over one vector once.

Results larger than the cache are streamed: a vector of every entry is gathered in a few cache
lines and written with non-temporal stores, which do not first read the memory they overwrite (the
12 x 6 Jacobian of a robot arm at a million points: 35 ns a point instead of 60). That takes whole
cache lines, so the first tile is shortened until the memory of the largest result is aligned.
Where rows begin at different places in their lines (999,999 points: 82 ns), or whole pages apart,
the results of many rows are gathered in short tiles and written in runs instead (37 ns).

Every function aligns its stack to a vector register. LLVM does not do it for values that spill
after registers are allocated; the stack a thread starts with would then decide whether each of
them crosses a cache line (the arm: 35 or 65 ns from one process or thread to another; the gradient
of a Lennard-Jones cluster: 27 or 45).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from symgrad.emit.body import POINTER, define_pieces, spill_slots
from symgrad.emit.control import INT64, counted
from symgrad.emit.critical import TUNING, is_straight, order_by_critical_path
from symgrad.emit.instructions import SCALAR
from symgrad.emit.runs import CACHE_LINE, define_runs, run_pitch, run_points, store_past_cache
from symgrad.emit.target import Target
from symgrad.emit.transpose import load_lanes, store_lanes, transpose
from symgrad.ir.program import Program

SCRATCH_BYTES = 96 * 1024
"""Scratch columns of one tile stay in the second-level cache."""

MAX_TILE = 256
LOOP = "sg.loop"
BYTE = ir.IntType(8)
PAGE = 4096

RUN_COLUMNS = 16
"""Programs with this many results write runs; for fewer, ordinary stores cost less."""

RUN_ALWAYS = 64
"""Where a vector is no cache line, so that runs are the one way to stream, results of this many
columns write them wherever they lie (the arm in vectors of 32 bytes: 37 ns instead of 50)."""

PEEL_FROM = 256
"""Batches of this many points start with a short tile, so that later stores fill cache lines."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Where one array's scratch columns lie: offset in bytes, and how many there are."""

    offset: int
    count: int


def tile_points(program: Program, width: int, itemsize: int) -> int:
    """Points of a tile: as many vectors as the scratch memory holds, one at least."""
    columns = sum(len(g.columns) for g in program.groups) + sum(r.size for r in program.results)
    points = SCRATCH_BYTES // (itemsize * max(columns, 1))
    return max(width, min(MAX_TILE, points) // width * width)


def scratch_layout(program: Program, target: Target) -> tuple[list[Columns], int, int]:
    """The scratch columns of every array, the offset of the spill slots, and all bytes needed."""
    offset, found = 0, []
    counts = [len(g.columns) for g in program.groups] + [r.size for r in program.results]
    for count in counts:
        found.append(Columns(offset, count))
        offset += count * target.tile * target.itemsize
    slots = len(spill_slots(program)) * target.width * target.itemsize
    return found, offset, offset + slots


def define_loop(module: ir.Module, program: Program, target: Target) -> ir.Function:
    """Define ``sg.loop(start, stop, stream, scratch, (base, point stride, column stride)...)``.

    Strides are in bytes. Arrays are the argument groups, then the results, in the Program's order.
    ``stream`` is 1 where results are larger than the cache.
    """
    pieces = define_pieces(module, program, target)
    straight = len(pieces) == 1 and is_straight(pieces[0])
    if straight and target.width > target.lanes:
        order_by_critical_path(pieces[0])
    layout, spill_offset, _ = scratch_layout(program, target)
    kind = ir.FunctionType(
        ir.VoidType(), [INT64, INT64, INT64, POINTER] + [POINTER, INT64, INT64] * len(layout)
    )
    function = ir.Function(module, kind, LOOP)
    function.linkage = "internal"
    function.attributes.add("noinline")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    start, stop, stream, scratch, *given = function.args
    arrays = [
        _Array(builder, target, columns, scratch, *given[3 * i : 3 * i + 3])
        for i, columns in enumerate(layout)
    ]
    groups, results = arrays[: len(program.groups)], arrays[len(program.groups) :]
    for group in groups:
        group.spread()
    spill = _offset(builder, scratch, spill_offset)
    tile = ir.Constant(INT64, target.tile)
    width = ir.Constant(INT64, target.width)
    can_stream = target.lanes * target.itemsize == CACHE_LINE
    wanted = builder.icmp_signed("!=", stream, ir.Constant(INT64, 0))
    long = builder.icmp_signed(">=", builder.sub(stop, start), ir.Constant(INT64, PEEL_FROM))
    largest = max(results, key=lambda result: result.columns.count)
    peeled = largest.misaligned_points(start, long)
    run = None
    if run_points(target) and sum(r.size for r in program.results) >= RUN_COLUMNS:
        run = define_runs(module, target)
        for result in results:
            result.decide_runs(wanted, builder.add(start, peeled))
            short = ir.Constant(INT64, run_points(target))
            tile = builder.select(result.runs, short, tile)
    with _tiles(builder, start, stop, tile, peeled) as (first, count):
        whole = builder.icmp_signed(
            "==", builder.and_(count, ir.Constant(INT64, target.width - 1)), ir.Constant(INT64, 0)
        )
        for array in arrays:
            array.place(first, whole)
        for result in results:
            if can_stream:
                result.decide_streaming(wanted)
        for group in groups:
            group.copy_in(first, count)
        with counted(builder, ir.Constant(INT64, 0), count, width) as point:
            arguments: list[Any] = []
            for array in arrays:
                arguments += array.at(point)
            for piece in pieces:
                builder.call(piece, [*arguments, spill])
            if can_stream:
                for result in results:
                    result.stream_out(point)
        for result in results:
            result.copy_out(first, count)
            if run is not None:
                result.write_run(run, first, count, start, stop)
    builder.ret_void()
    for one in (function, *pieces):
        one.attributes.alignstack = target.lanes * target.itemsize
        if straight and can_stream:
            set.add(one.attributes, TUNING)  # llvmlite's own add() takes no attribute of text
    return function


@contextmanager
def _tiles(
    builder: ir.IRBuilder, start: Any, stop: Any, size: Any, peeled: Any
) -> Iterator[tuple[Any, Any]]:
    """Tiles of ``size`` points after a first one of ``peeled``; yields (first point, count)."""
    before = builder.block
    head = builder.append_basic_block("tile.head")
    body = builder.append_basic_block("tile.body")
    done = builder.append_basic_block("tile.done")
    nothing = builder.icmp_signed("==", peeled, ir.Constant(INT64, 0))
    opening = builder.select(nothing, size, peeled)
    builder.branch(head)
    builder.position_at_end(head)
    first, limit = builder.phi(INT64), builder.phi(INT64)
    first.add_incoming(start, before)
    limit.add_incoming(opening, before)
    builder.cbranch(builder.icmp_signed("<", first, stop), body, done)
    builder.position_at_end(body)
    left = builder.sub(stop, first)
    count = builder.select(builder.icmp_signed("<", left, limit), left, limit)
    yield first, count
    first.add_incoming(builder.add(first, count), builder.block)
    limit.add_incoming(size, builder.block)
    builder.branch(head)
    builder.position_at_end(done)


def _offset(builder: ir.IRBuilder, base: Any, amount: Any) -> Any:
    if isinstance(amount, int):
        amount = ir.Constant(INT64, amount)
    return builder.gep(base, [amount], source_etype=BYTE)


class _Array:
    """One array of the kernel: its memory, and where the present tile reads or writes it."""

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
        self.scratch = _offset(builder, scratch, columns.offset)
        self.base = base
        self.point_stride = point_stride
        self.column_stride = column_stride
        self.scalar = SCALAR[target.dtype]
        self.scratch_stride = ir.Constant(INT64, target.tile * target.itemsize)
        zero = ir.Constant(INT64, 0)
        self.shared = builder.icmp_signed("==", point_stride, zero)
        item = ir.Constant(INT64, target.itemsize)
        self.adjacent = builder.icmp_signed("==", point_stride, item)
        # A shared group stays at the same vector while the points go on.
        self.stride = builder.select(self.shared, zero, item)
        self.runs: Any = ir.Constant(ir.IntType(1), 0)

    def spread(self) -> None:
        """Fill one vector of every scratch column with a shared group's values."""
        zero, one = ir.Constant(INT64, 0), ir.Constant(INT64, 1)
        with self.builder.if_then(self.shared):
            self._points(zero, one, zero, ir.Constant(INT64, self.target.width), inward=True)

    def place(self, first: Any, whole: Any) -> None:
        """Decide where the tile that starts at point ``first`` lies: in place or in scratch."""
        builder = self.builder
        self.step = self.stride
        self.direct = builder.and_(builder.and_(self.adjacent, whole), builder.not_(self.runs))
        here = _offset(builder, self.base, builder.mul(first, self.point_stride))
        self.pointer = builder.select(self.direct, here, self.scratch)
        self.row = builder.select(self.direct, self.column_stride, self.scratch_stride)
        pitch = ir.Constant(INT64, run_pitch(self.target))
        kept = _offset(builder, self.scratch, CACHE_LINE)
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
        here = _offset(self.builder, self.base, self.builder.mul(point, self.point_stride))
        return self.builder.ptrtoint(here, INT64)

    def decide_runs(self, wanted: Any, aligned: Any) -> None:
        """Write runs where columns start inside of cache lines or lie whole pages apart.

        ``aligned`` is the first point at which the largest result is on a cache line.
        """
        builder, zero = self.builder, ir.Constant(INT64, 0)

        def beyond(value: Any, size: int) -> Any:
            return builder.and_(value, ir.Constant(INT64, size - 1))

        row = self.column_stride if self.columns.count > 1 else ir.Constant(INT64, CACHE_LINE)
        inside = beyond(builder.or_(self._address(aligned), row), CACHE_LINE)
        scattered = builder.icmp_signed("!=", inside, zero)
        if self.target.lanes * self.target.itemsize < CACHE_LINE:
            always = self.columns.count >= RUN_ALWAYS
            scattered = ir.Constant(ir.IntType(1), int(always))
        if self.columns.count >= RUN_COLUMNS:
            paged = builder.icmp_signed("==", beyond(row, PAGE), zero)
            scattered = builder.or_(scattered, paged)
        self.runs = builder.and_(builder.and_(wanted, self.adjacent), scattered)

    def write_run(self, function: Any, first: Any, count: Any, start: Any, stop: Any) -> None:
        """Write a short tile's results from scratch past the cache."""
        builder = self.builder
        with builder.if_then(self.runs):
            place = _offset(builder, self.base, builder.mul(first, self.point_stride))
            last = builder.icmp_signed("==", builder.add(first, count), stop)
            rows = ir.Constant(INT64, self.columns.count)
            earlier = builder.sub(first, start)
            builder.call(
                function,
                [rows, place, self.column_stride, self.pointer, count, earlier, last],
            )

    def decide_streaming(self, wanted: Any) -> None:
        """Stream this tile's results where every column starts on a cache line."""
        builder = self.builder
        address = builder.or_(builder.ptrtoint(self.pointer, INT64), self.row)
        line = ir.Constant(INT64, CACHE_LINE - 1)
        aligned = builder.icmp_signed("==", builder.and_(address, line), ir.Constant(INT64, 0))
        self.streaming = builder.and_(builder.and_(wanted, self.direct), aligned)
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
            place = _offset(builder, self.destination, builder.mul(point, item))
            with counted(builder, zero, ir.Constant(INT64, self.columns.count), one) as column:
                source = builder.gep(self.scratch, [column], source_etype=vector)
                sink = _offset(builder, place, builder.mul(column, self.destination_row))
                value = builder.load(source, typ=vector, align=target.itemsize)
                store_past_cache(builder, value, sink)

    def at(self, point: Any) -> list[Any]:
        """The arguments of a piece for the vector that starts at ``point`` of the tile."""
        builder = self.builder
        return [_offset(builder, self.pointer, builder.mul(point, self.step)), self.row]

    def copy_in(self, first: Any, count: Any) -> None:
        """Copy a tile into scratch, the last point repeated to fill the last vector."""
        builder = self.builder
        skip = builder.or_(self.direct, self.shared)
        with builder.if_then(builder.not_(skip)):
            mask = ir.Constant(INT64, self.target.width - 1)
            filled = builder.and_(builder.add(count, mask), builder.not_(mask))
            done = self._blocks(first, count, inward=True)
            self._points(first, count, done, filled, inward=True)

    def copy_out(self, first: Any, count: Any) -> None:
        """Copy a tile's results from scratch to the array."""
        elsewhere = self.builder.or_(self.direct, self.runs)
        with self.builder.if_then(self.builder.not_(elsewhere)):
            done = self._blocks(first, count, inward=False)
            self._points(first, count, done, count, inward=False)

    def _blocks(self, first: Any, count: Any, *, inward: bool) -> Any:
        """Move the whole vectors of a tile whose columns are adjacent; returns how many points."""
        builder, width = self.builder, self.target.lanes
        zero = ir.Constant(INT64, 0)
        packed = builder.icmp_signed(
            "==", self.column_stride, ir.Constant(INT64, self.target.itemsize)
        )
        whole = builder.and_(count, ir.Constant(INT64, -width))
        stop = builder.select(packed, whole, zero)
        origin = _offset(builder, self.base, builder.mul(first, self.point_stride))
        full, rest = divmod(self.columns.count, width)
        with counted(builder, zero, stop, ir.Constant(INT64, width)) as point:
            rows = _offset(builder, origin, builder.mul(point, self.point_stride))
            if full:
                limit = ir.Constant(INT64, full * width)
                with counted(builder, zero, limit, ir.Constant(INT64, width)) as column:
                    self._block(rows, point, column, width, inward)
            if rest:
                self._block(rows, point, ir.Constant(INT64, full * width), rest, inward)
        return stop

    def _block(self, rows: Any, point: Any, column: Any, columns: int, inward: bool) -> None:
        """Move one vector's points of ``columns`` adjacent columns, transposed on the way."""
        builder, width, item = self.builder, self.target.lanes, self.target.itemsize
        vector = ir.VectorType(self.scalar, width)
        outside = builder.gep(rows, [column], source_etype=self.scalar)
        inside = _offset(builder, self.scratch, builder.mul(column, self.scratch_stride))
        inside = builder.gep(inside, [point], source_etype=self.scalar)

        def outer(i: int) -> Any:
            return _offset(builder, outside, builder.mul(self.point_stride, ir.Constant(INT64, i)))

        def inner(j: int) -> Any:
            return _offset(builder, inside, j * self.target.tile * item)

        if inward:
            loaded = [load_lanes(builder, outer(i), vector, columns, item) for i in range(width)]
            for j, value in enumerate(transpose(builder, loaded)[:columns]):
                builder.store(value, inner(j), align=item)
            return
        taken = [builder.load(inner(j), typ=vector, align=item) for j in range(columns)]
        taken += [ir.Constant(vector, ir.Undefined)] * (width - columns)
        for i, value in enumerate(transpose(builder, taken)):
            store_lanes(builder, value, outer(i), columns, item)

    def _points(self, first: Any, count: Any, begin: Any, end: Any, *, inward: bool) -> None:
        """Move the points from ``begin`` to ``end``, one by one; from ``count`` on the last one."""
        builder = self.builder
        zero, one = ir.Constant(INT64, 0), ir.Constant(INT64, 1)
        last = builder.sub(count, one)
        origin = _offset(builder, self.base, builder.mul(first, self.point_stride))
        with counted(builder, zero, ir.Constant(INT64, self.columns.count), one) as column:
            outside = _offset(builder, origin, builder.mul(column, self.column_stride))
            inside = _offset(builder, self.scratch, builder.mul(column, self.scratch_stride))
            with counted(builder, begin, end, one) as point:
                taken = builder.select(builder.icmp_signed("<", point, last), point, last)
                there = _offset(builder, outside, builder.mul(taken, self.point_stride))
                here = builder.gep(inside, [point], source_etype=self.scalar)
                source, sink = (there, here) if inward else (here, there)
                value = builder.load(source, typ=self.scalar, align=self.target.itemsize)
                builder.store(value, sink, align=self.target.itemsize)
