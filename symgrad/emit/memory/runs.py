"""Runs: results of some vectors in a row, written wherever the rows lie.

A vector at a time can be streamed only where it is whole cache lines, and a hundred rows whose
distance is a multiple of a page keep the memory busy with one line of each page in turn. So the
results of a few vectors are gathered in scratch columns first, and then every row gets its run of
whole lines. What a run's end leaves of a line is kept before the scratch column, for the next run.

Through the cache rows are written in runs where their distance has them share so few places of the
first-level cache that they push each other out of it: the arm's Jacobian at 1024 points, 84 rows
of two pages each, 17 ns a point in place of 53 (at 1016 points 11).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir

from symgrad.emit.llvm.cache_lines import CACHE_LINE, store_past_cache
from symgrad.emit.llvm.control import BYTE, FLAG, INT64, POINTER, at, counted
from symgrad.emit.llvm.instructions import SCALAR
from symgrad.emit.target import ITEMSIZE, Dtype, Target

RUN_BYTES = 512
"""Of a row at a time: 8 cache lines take the memory half the time of 1, and more no less."""


def run_points(target: Target) -> int:
    """Points of a run: an even number of lines that fits into a scratch column beside one line.

    With that line columns lie an odd number of lines apart, which spreads them over the
    first-level cache. 0 where a tile is too short.
    """
    line = CACHE_LINE // target.itemsize
    unit = 2 * max(line, target.width)
    return min(RUN_BYTES // target.itemsize, target.tile - line) // unit * unit


def run_pitch(target: Target) -> int:
    """Bytes from one scratch column to the next while runs are gathered."""
    return run_points(target) * target.itemsize + CACHE_LINE


def declare_runs(module: ir.Module) -> ir.Function:
    """Declare ``sg.runs``.

    Its arguments are (table, rows, sink, row stride, scratch, pitch, count, earlier, last, past).
    It writes ``count`` points of ``rows`` rows, whose numbers stand in ``table``, from scratch
    columns, which lie ``pitch`` bytes apart, to the rows that start at ``sink``. ``earlier`` says
    how many points of this call precede them, ``last`` that none follow, ``past`` that they are
    written past the cache.
    """
    kinds = [POINTER, INT64, POINTER, INT64, POINTER, INT64, INT64, INT64, FLAG, FLAG]
    return ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), "sg.runs")


def define_runs(module: ir.Module, dtype: Dtype) -> ir.Function:
    """Define what ``declare_runs`` declares."""
    function = declare_runs(module)
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    table, rows, sink, row_stride, scratch, pitch, count, earlier, last, past = function.args
    scalar, item = SCALAR[dtype], ITEMSIZE[dtype]
    points = CACHE_LINE // item
    line = ir.VectorType(scalar, points)
    zero, one, step = (ir.Constant(INT64, n) for n in (0, 1, points))

    with counted(builder, zero, rows, one) as index:
        row = builder.load(at(builder, table, index, INT64), typ=INT64)
        place = at(builder, sink, builder.mul(row, row_stride), BYTE)
        column = at(builder, scratch, builder.mul(row, pitch), BYTE)

        def copy(begin: Any, end: Any, place: Any = place, column: Any = column) -> None:
            with counted(builder, begin, end, one) as point:
                value = builder.load(at(builder, column, point, scalar), typ=scalar, align=item)
                builder.store(value, at(builder, place, point, scalar), align=item)

        with builder.if_else(past) as (lines, through):
            with lines:
                _whole_lines(builder, line, place, column, copy, count, earlier, last)
            with through:
                end = builder.and_(count, ir.Constant(INT64, -points))
                with counted(builder, zero, end, step) as point:
                    value = builder.load(at(builder, column, point, scalar), typ=line, align=item)
                    builder.store(value, at(builder, place, point, scalar), align=item)
                copy(end, count)
    builder.ret_void()
    return function


def _whole_lines(
    builder: ir.IRBuilder,
    line: ir.VectorType,
    place: Any,
    column: Any,
    copy: Callable[[Any, Any], None],
    count: Any,
    earlier: Any,
    last: Any,
) -> None:
    """Write the whole lines of one row past the cache, and keep what is left for the next run.

    ``copy`` writes some points by themselves.
    """
    scalar, points = line.element, line.count
    item = CACHE_LINE // points
    zero, step = ir.Constant(INT64, 0), ir.Constant(INT64, points)
    address = builder.ptrtoint(place, INT64)
    before = builder.and_(address, ir.Constant(INT64, CACHE_LINE - 1))
    before = builder.udiv(before, ir.Constant(INT64, item))
    # Where this call has not all points of the line, those it has are stored by themselves.
    opening = builder.icmp_signed(">", before, earlier)
    with builder.if_then(opening):
        missing = builder.sub(step, before)
        copy(zero, builder.select(builder.icmp_signed("<", missing, count), missing, count))
    begin = builder.neg(before)
    begin = builder.select(opening, builder.add(begin, step), begin)
    whole = builder.and_(builder.sub(count, begin), ir.Constant(INT64, -points))
    whole = builder.select(builder.icmp_signed("<", whole, zero), zero, whole)
    end = builder.add(begin, whole)
    with counted(builder, begin, end, step) as point:
        value = builder.load(at(builder, column, point, scalar), typ=line, align=item)
        store_past_cache(builder, value, at(builder, place, point, scalar))
    with builder.if_else(last) as (over, more):
        with over:
            copy(end, count)
        with more:
            tail = at(builder, column, builder.sub(count, step), scalar)
            kept = builder.load(tail, typ=line, align=item)
            builder.store(kept, at(builder, column, builder.neg(step), scalar), align=item)
