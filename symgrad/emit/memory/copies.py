"""Copies between arrays and scratch columns: code that all kernels of a dtype share.

It moves blocks of points and columns, transposed on the way, and what is left of a tile number by
number; it writes runs (``runs.py``), rows (``rows.py``) and rows of constants (``constants.py``).
What depends on a kernel is passed, so this is compiled once for all of them: it would be up to half
of the code of a small one.
"""

from __future__ import annotations

from typing import Any, Literal

from llvmlite import ir

from symgrad.emit.llvm.cache_lines import CACHE_LINE, store_past_cache
from symgrad.emit.llvm.control import BYTE, INT32, INT64, POINTER, at, counted
from symgrad.emit.llvm.instructions import SCALAR
from symgrad.emit.llvm.transpose import join_points, load_rows, split_points, store_rows
from symgrad.emit.memory.constants import define_fill
from symgrad.emit.memory.rows import Rows, writes_rows
from symgrad.emit.memory.runs import define_runs
from symgrad.emit.target import ITEMSIZE, Dtype

CLOSE = (2, 3, 4, 5, 6, 7)
"""So few columns are moved past the cache by whole registers."""

FEWER = (2, 3, 4, 5)
"""So few through it as well: blocks of 6 and 7 take hardly longer, but those of 4 do in float32 and
in shorter vectors (0.82 in place of 1.0 ns a point, in vectors of 16 bytes 1.7 in place of 2.2)."""

ROWS = "sg.copy_rows"

PREFETCH = "llvm.prefetch.p0"
PREFETCH_BYTES = 4096
"""Rows so far behind those that are read are asked for: more would not stay until they are read."""

Way = Literal["in", "out", "past"]
"""Into scratch columns, out of them, or out of them past the cache."""

COPY = ir.FunctionType(ir.VoidType(), [POINTER, INT64, INT64, POINTER, *[INT64] * 4])
"""(origin, point stride, column stride, scratch, pitch, columns, count, filled): ``count`` points
from ``origin`` on; inward the last one is repeated until ``filled`` are there. Sizes in bytes."""


def define_copies(module: ir.Module, dtype: Dtype, lanes: int) -> list[ir.Function]:
    """Define all of the shared code for registers of so many lanes."""
    made = [define_runs(module, dtype), define_fill(module, dtype)]
    for inward in (True, False):
        made.append(_define_numbers(module, dtype, inward=inward))
        side = largest_block(lanes, inward=inward)
        while side > 1:
            made.append(_define_blocks(module, dtype, lanes, side, inward=inward))
            side //= 2
    made += [_define_close(module, dtype, lanes, n, way) for n in FEWER for way in ("in", "out")]
    if lanes * ITEMSIZE[dtype] == CACHE_LINE:
        made += [_define_close(module, dtype, lanes, columns, "past") for columns in CLOSE]
    if writes_rows(dtype, lanes, lanes):
        made.append(_define_rows(module, dtype))
    for function in made:
        function.attributes.add("nounwind")
        function.attributes.alignstack = lanes * ITEMSIZE[dtype]
    return made


def largest_block(lanes: int, *, inward: bool) -> int:
    """Columns that are moved at a time, at most.

    Half a register of every row is read in two thirds of the shuffles that a whole one takes, but
    written in two stores. More than 8 registers and what is made of them do not fit.
    """
    return max(lanes // 2, 2) if inward else min(lanes, 8)


def declare_copy(module: ir.Module, columns: int, lanes: int, *, inward: bool) -> ir.Function:
    """The function that copies so many columns, in the largest blocks that these fill."""
    if columns in FEWER:
        return _declared(module, _close("in" if inward else "out", columns))
    side = min(largest_block(lanes, inward=inward), 1 << (columns.bit_length() - 1))
    return _declared(module, _name(side, inward))


def declare_past(module: ir.Module, columns: int) -> ir.Function:
    """The function that copies so many columns past the cache."""
    return _declared(module, _close("past", columns) if columns in CLOSE else ROWS)


def _declared(module: ir.Module, name: str) -> ir.Function:
    return module.globals.get(name) or ir.Function(module, COPY, name)


def _name(side: int, inward: bool) -> str:
    return f"sg.copy_{'in' if inward else 'out'}{side}"


def _close(way: Way, columns: int) -> str:
    return f"sg.copy_close_{way}{columns}"


def _define_close(
    module: ir.Module, dtype: Dtype, lanes: int, columns: int, way: Way
) -> ir.Function:
    """Define the copy of a few columns, by whole registers where rows follow without a gap."""
    function = _declared(module, _close(way, columns))
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    origin, point_stride, column_stride, scratch, pitch, _, count, _ = function.args
    item, vector = ITEMSIZE[dtype], ir.VectorType(SCALAR[dtype], lanes)
    zero, step, size = (ir.Constant(INT64, n) for n in (0, lanes, columns * item))
    close = builder.and_(
        builder.icmp_signed("==", column_stride, ir.Constant(INT64, item)),
        builder.icmp_signed("==", point_stride, size),
    )
    whole = builder.select(close, builder.and_(count, ir.Constant(INT64, -lanes)), zero)
    with counted(builder, zero, whole, step) as point:
        rows = at(builder, origin, builder.mul(point, size), BYTE)
        outside = [at(builder, rows, ir.Constant(INT64, i), vector) for i in range(columns)]
        column = at(builder, scratch, point, vector.element)
        inside = []
        for _ in range(columns):
            inside.append(column)
            column = at(builder, column, pitch, BYTE)
        sources, sinks = (outside, inside) if way == "in" else (inside, outside)
        if way == "in":
            ask_ahead(builder, rows, columns * lanes * item)
        given = [builder.load(place, typ=vector, align=item) for place in sources]
        regrouped = split_points if way == "in" else join_points
        for value, place in zip(regrouped(builder, given), sinks, strict=True):
            if way == "past":
                store_past_cache(builder, value, place)
            else:
                builder.store(value, place, align=item)
    _finish(builder, dtype, whole, _declared(module, _name(2, way == "in")))
    return function


def _define_rows(module: ir.Module, dtype: Dtype) -> ir.Function:
    """Define the copy of rows that fill a cache line past the cache."""
    function = _declared(module, ROWS)
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    rows = Rows(builder, dtype, function.args)
    with builder.if_then(builder.icmp_signed("!=", rows.whole, ir.Constant(INT64, 0))):
        rows.emit()
    _finish(builder, dtype, rows.whole, _declared(module, _name(1, inward=False)))
    return function


def _define_blocks(
    module: ir.Module, dtype: Dtype, lanes: int, side: int, *, inward: bool
) -> ir.Function:
    """Define the copy of arrays of ``side`` columns, or of more, where those are adjacent."""
    function = _declared(module, _name(side, inward))
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    origin, point_stride, column_stride, scratch, pitch, columns, count, _ = function.args
    scalar, item = SCALAR[dtype], ITEMSIZE[dtype]
    vector = ir.VectorType(scalar, lanes)
    zero, step = (ir.Constant(INT64, n) for n in (0, lanes))

    def block(rows: Any, point: Any, column: Any, side: int) -> None:
        """Move as many points as a register holds of some columns, transposed on the way."""
        outside = at(builder, rows, column, scalar)
        inside = at(builder, _row(builder, scratch, column, pitch), point, scalar)
        outer = [_row(builder, outside, ir.Constant(INT64, i), point_stride) for i in range(lanes)]
        inner = [_row(builder, inside, ir.Constant(INT64, i), pitch) for i in range(side)]
        if inward:
            lines = builder.mul(column, ir.Constant(INT64, lanes * item))
            ask_ahead(builder, at(builder, rows, lines, BYTE), side * lanes * item)
            made = load_rows(builder, outer, scalar, side, item)
            for value, place in zip(made, inner, strict=True):
                builder.store(value, place, align=item)
            return
        taken = [builder.load(place, typ=vector, align=item) for place in inner]
        store_rows(builder, taken, outer, item)

    packed = builder.icmp_signed("==", column_stride, ir.Constant(INT64, item))
    whole = builder.select(packed, builder.and_(count, ir.Constant(INT64, -lanes)), zero)
    rest = builder.and_(columns, ir.Constant(INT64, side - 1))
    filled = builder.sub(columns, rest)
    few = max(side // 2, 2)
    narrow = builder.icmp_signed("<=", rest, ir.Constant(INT64, few))
    with counted(builder, zero, whole, step) as point:
        rows = _row(builder, origin, point, point_stride)
        with counted(builder, zero, filled, ir.Constant(INT64, side)) as column:
            block(rows, point, column, side)
        # Columns that fill no block are moved with some of those before them again.
        with (
            builder.if_then(builder.icmp_signed("!=", rest, zero)),
            builder.if_else(narrow) as cases,
        ):
            for size, case in zip((few, side), cases, strict=True):
                with case:
                    first = builder.sub(columns, ir.Constant(INT64, size))
                    block(rows, point, first, size)
    _finish(builder, dtype, whole, _declared(module, _name(1, inward)))
    return function


def ask_ahead(builder: ir.IRBuilder, rows: Any, size: int) -> None:
    """Ask for as many bytes as are read from those rows: one stream of them needs that."""
    module = builder.module
    kind = ir.FunctionType(ir.VoidType(), [POINTER] + [INT32] * 3)
    prefetch = module.globals.get(PREFETCH) or ir.Function(module, kind, PREFETCH)
    for place in range(0, size, CACHE_LINE):
        address = at(builder, rows, ir.Constant(INT64, PREFETCH_BYTES + place), BYTE)
        builder.call(prefetch, [address, INT32(0), INT32(3), INT32(1)])  # to read, keep near, data


def _finish(builder: ir.IRBuilder, dtype: Dtype, whole: Any, copy: ir.Function) -> None:
    """End a copy: by another one of what is left behind so many points."""
    origin, point_stride, column_stride, scratch, pitch, columns, count, filled = (
        builder.function.args
    )
    # Of a whole tile nothing is left: to find that out column by column takes as long as a block.
    with builder.if_then(builder.icmp_signed("<", whole, filled)):
        origin = _row(builder, origin, whole, point_stride)
        scratch = at(builder, scratch, whole, SCALAR[dtype])
        left = [builder.sub(number, whole) for number in (count, filled)]
        strides = (point_stride, column_stride)
        builder.call(copy, [origin, *strides, scratch, pitch, columns, *left])
    builder.ret_void()


def _define_numbers(module: ir.Module, dtype: Dtype, *, inward: bool) -> ir.Function:
    """Define the copy of any array number by number."""
    function = _declared(module, _name(1, inward))
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    origin, point_stride, column_stride, scratch, pitch, columns, count, filled = function.args
    scalar, item = SCALAR[dtype], ITEMSIZE[dtype]
    zero, one = (ir.Constant(INT64, n) for n in (0, 1))
    last = builder.sub(count, one)
    with counted(builder, zero, columns, one) as column:
        outside = _row(builder, origin, column, column_stride)
        inside = _row(builder, scratch, column, pitch)
        with counted(builder, zero, filled, one) as point:
            behind = builder.icmp_signed(">", point, last)
            there = _row(builder, outside, builder.select(behind, last, point), point_stride)
            here = at(builder, inside, point, scalar)
            source, sink = (there, here) if inward else (here, there)
            value = builder.load(source, typ=scalar, align=item)
            builder.store(value, sink, align=item)
    builder.ret_void()
    return function


def _row(builder: ir.IRBuilder, base: Any, index: Any, stride: Any) -> Any:
    return at(builder, base, builder.mul(index, stride), BYTE)
