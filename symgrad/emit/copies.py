"""Copies between arrays and scratch columns: code that all kernels of a dtype share.

It moves square blocks of points and columns, transposed on the way, and what is left of a tile
number by number; it writes runs (``runs.py``) and rows of constants (``constants.py``). What
depends on a kernel is passed, so this is compiled once for all of them: it would be up to half of
the code of a small one.
"""

from __future__ import annotations

from typing import Any, Literal

from llvmlite import ir

from symgrad.emit.cache_lines import CACHE_LINE, store_past_cache
from symgrad.emit.constants import define_fill
from symgrad.emit.control import BYTE, INT64, POINTER, at, counted
from symgrad.emit.instructions import SCALAR
from symgrad.emit.runs import define_runs
from symgrad.emit.target import ITEMSIZE, Dtype
from symgrad.emit.transpose import join_points, load_rows, split_points, store_rows

CLOSE = (2, 3, 4, 5)
"""So few columns are moved by whole registers: 6 take as long in blocks, in double precision."""

Way = Literal["in", "out", "past"]
"""Into scratch columns, out of them, or out of them past the cache."""

COPY = ir.FunctionType(ir.VoidType(), [POINTER, INT64, INT64, POINTER, *[INT64] * 4])
"""(origin, point stride, column stride, scratch, pitch, columns, count, filled): ``count`` points
from ``origin`` on; inward the last one is repeated until ``filled`` are there. Sizes in bytes."""


def define_copies(module: ir.Module, dtype: Dtype, lanes: int) -> list[ir.Function]:
    """Define all of the shared code for registers of so many lanes."""
    made = [define_runs(module, dtype), define_fill(module, dtype)]
    side = lanes
    while side:
        made += [
            _define(module, dtype, side, inward=inward, exact=exact)
            for inward in (True, False)
            for exact in (True, False)[side > 2 : 1 + (side > 1)]
        ]
        side //= 2
    made += [
        _define_close(module, dtype, lanes, columns, way)
        for columns in CLOSE
        for way in ("in", "out", "past")
        if way != "past" or lanes * ITEMSIZE[dtype] == CACHE_LINE
    ]
    for function in made:
        function.attributes.add("nounwind")
        function.attributes.alignstack = lanes * ITEMSIZE[dtype]
    return made


def declare_copy(module: ir.Module, columns: int, lanes: int, *, inward: bool) -> ir.Function:
    """The function that copies so many columns, in the largest blocks that these fill."""
    if columns in CLOSE:
        return _declare_close(module, columns, "in" if inward else "out")
    return _declare_blocks(module, columns, lanes, inward=inward)


def _declare_blocks(module: ir.Module, columns: int, lanes: int, *, inward: bool) -> ir.Function:
    side = min(lanes, 1 << (columns.bit_length() - 1))
    name = _name(side, inward, columns == side <= 2)
    return module.globals.get(name) or ir.Function(module, COPY, name)


def declare_past(module: ir.Module, columns: int) -> ir.Function:
    """The function that copies so few columns past the cache, where they begin at a cache line."""
    return _declare_close(module, columns, "past")


def _declare_close(module: ir.Module, columns: int, way: Way) -> ir.Function:
    name = f"sg.copy_close_{way}{columns}"
    return module.globals.get(name) or ir.Function(module, COPY, name)


def _name(side: int, inward: bool, exact: bool) -> str:
    return f"sg.copy_{'in' if inward else 'out'}{side}{'.exact' * exact}"


def _define_close(
    module: ir.Module, dtype: Dtype, lanes: int, columns: int, way: Way
) -> ir.Function:
    """Define the copy of a few columns, by whole registers where rows follow without a gap."""
    function = _declare_close(module, columns, way)
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    origin, point_stride, column_stride, scratch, pitch, _, count, filled = function.args
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
        given = [builder.load(place, typ=vector, align=item) for place in sources]
        regrouped = split_points if way == "in" else join_points
        for value, place in zip(regrouped(builder, given), sinks, strict=True):
            if way == "past":
                store_past_cache(builder, value, place)
            else:
                builder.store(value, place, align=item)
    with builder.if_then(builder.icmp_signed("<", whole, filled)):
        rest = _declare_blocks(module, columns, lanes, inward=way == "in")
        origin = at(builder, origin, builder.mul(whole, point_stride), BYTE)
        scratch = at(builder, scratch, whole, vector.element)
        left = [builder.sub(number, whole) for number in (count, filled)]
        strides = (point_stride, column_stride)
        builder.call(rest, [origin, *strides, scratch, pitch, ir.Constant(INT64, columns), *left])
    builder.ret_void()
    return function


def _define(
    module: ir.Module, dtype: Dtype, side: int, *, inward: bool, exact: bool
) -> ir.Function:
    """Define the copy of arrays of ``side`` columns, or of more."""
    function = ir.Function(module, COPY, _name(side, inward, exact))
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    origin, point_stride, column_stride, scratch, pitch, columns, count, filled = function.args
    scalar, item = SCALAR[dtype], ITEMSIZE[dtype]
    zero, one, step = (ir.Constant(INT64, n) for n in (0, 1, side))

    def row(base: Any, index: Any, stride: Any) -> Any:
        return at(builder, base, builder.mul(index, stride), BYTE)

    def smaller(first: Any, second: Any) -> Any:
        return builder.select(builder.icmp_signed("<", first, second), first, second)

    def block(rows: Any, point: Any, column: Any) -> None:
        """Move ``side`` points of as many adjacent columns, transposed on the way."""
        vector = ir.VectorType(scalar, side)
        outside = at(builder, rows, column, scalar)
        inside = at(builder, row(scratch, column, pitch), point, scalar)
        steps = [ir.Constant(INT64, i) for i in range(side)]
        outer = [row(outside, i, point_stride) for i in steps]
        inner = [row(inside, i, pitch) for i in steps]
        if inward:
            for value, place in zip(load_rows(builder, outer, vector, item), inner, strict=True):
                builder.store(value, place, align=item)
            return
        taken = [builder.load(place, typ=vector, align=item) for place in inner]
        store_rows(builder, taken, outer, item)

    packed = builder.icmp_signed("==", column_stride, ir.Constant(INT64, item))
    whole = builder.select(packed, builder.and_(count, ir.Constant(INT64, -side)), zero)
    last_block = builder.sub(columns, step)
    with counted(builder, zero, whole, step) as point:
        rows = row(origin, point, point_stride)
        if exact:
            block(rows, point, zero)
        else:
            # Of columns that fill no block the last ones are moved with some of those before them
            # again, so that every row is a full vector.
            with counted(builder, zero, columns, step) as column:
                block(rows, point, smaller(column, last_block))
    last = builder.sub(count, one)
    with counted(builder, zero, columns, one) as column:
        outside, inside = row(origin, column, column_stride), row(scratch, column, pitch)
        with counted(builder, whole, filled, one) as point:
            there = row(outside, smaller(point, last), point_stride)
            here = at(builder, inside, point, scalar)
            source, sink = (there, here) if inward else (here, there)
            value = builder.load(source, typ=scalar, align=item)
            builder.store(value, sink, align=item)
    builder.ret_void()
    return function
