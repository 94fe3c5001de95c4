"""Copies between arrays and scratch columns: code that all kernels of a dtype share.

It moves square blocks of points and columns, transposed on the way, and what is left of a tile
number by number; it writes runs (``runs.py``) and rows of constants (``constants.py``). What
depends on a kernel is passed, so this is compiled once for all of them: it would be up to half of
the code of a small one.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from symgrad.emit.constants import define_fill
from symgrad.emit.control import BYTE, INT64, POINTER, at, counted
from symgrad.emit.instructions import SCALAR
from symgrad.emit.runs import define_runs
from symgrad.emit.target import ITEMSIZE, Dtype
from symgrad.emit.transpose import load_rows, store_rows

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
    for function in made:
        function.attributes.add("nounwind")
        function.attributes.alignstack = lanes * ITEMSIZE[dtype]
    return made


def declare_copy(module: ir.Module, columns: int, lanes: int, *, inward: bool) -> ir.Function:
    """The function that copies so many columns, in the largest blocks that these fill."""
    side = min(lanes, 1 << (columns.bit_length() - 1))
    name = _name(side, inward, columns == side <= 2)
    return module.globals.get(name) or ir.Function(module, COPY, name)


def _name(side: int, inward: bool, exact: bool) -> str:
    return f"sg.copy_{'in' if inward else 'out'}{side}{'.exact' * exact}"


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
