"""The loop over points around the pieces, in LLVM IR: tiles, scratch memory, padding.

Points are handled in tiles. An array whose points are adjacent in memory (points last) is read
and written in place, all whole vectors as one tile if the others are too; any other layout goes
through scratch columns in short tiles, and so does the end of a batch that does not fill a vector:
there the last point is repeated, so that every point goes through the same vector instructions and
results do not depend on the batch's size. A group that is shared by the whole batch (stride 0) is
spread over one vector once.

Results larger than the cache are streamed: a vector of every entry is gathered in a few cache
lines and written with non-temporal stores, which do not first read the memory they overwrite (the
12 x 6 Jacobian of a robot arm at a million points: 35 ns a point instead of 60). That takes whole
cache lines, so the first tile is shortened until the memory of the largest result is aligned.
Where rows begin at different places in their lines (999,999 points: 82 ns), or whole pages apart,
the results of many rows are gathered in short tiles and written in runs instead (37 ns). Where a
point's entries follow another's without a gap (points first), the rows of a short tile are one run,
which is written straight from registers where those are whole lines (``memory/rows.py``).
Short programs, and those of many results, have their pieces twice, the second time with stores that
go past the cache by themselves (``pieces/directly.py``): 34 ns for the arm in place of 40, but 5.8
in place of 4.5 for Rosenbrock's function of 10 inputs. The caller times what there is. The second
pieces take a third of the time to compile, so they come later, once large results have taken some
milliseconds (``Target.past_cache_too``). Short programs of few results have other pieces in place
of the first ones then, which suit points first as well (``pieces/turned.py``).

Every function aligns its stack to a vector register. LLVM does not do it for values that spill
after registers are allocated; the stack a thread starts with would then decide whether each of
them crosses a cache line (the arm: 35 or 65 ns from one process or thread to another; the gradient
of a Lennard-Jones cluster: 27 or 45).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir

from symgrad.emit.kernels.critical import TUNING, drop_expanded, is_straight, order_by_critical_path
from symgrad.emit.kernels.sums import emit_sums
from symgrad.emit.llvm.cache_lines import CACHE_LINE
from symgrad.emit.llvm.control import FLAG, INT64, POINTER, counted, tiles
from symgrad.emit.memory.array import (
    RUN_COLUMNS,
    KernelArray,
    any_of,
    apart,
    copy_in,
    offset,
    spread,
)
from symgrad.emit.memory.constants import Constants, constant_entries
from symgrad.emit.memory.runs import declare_runs, run_points
from symgrad.emit.memory.scratch import scratch_layout, short_pitch, short_points
from symgrad.emit.pieces.body import define_pieces, is_short, work
from symgrad.emit.pieces.directly import Directly
from symgrad.emit.pieces.steps import begin, call_all
from symgrad.emit.pieces.turned import Turned, turns
from symgrad.emit.providers.routine import emitted
from symgrad.emit.sums.summands import summands
from symgrad.emit.target import Target
from symgrad.ir.program import THROUGH, Program

LOOP = "sg.loop"
MANY_RESULTS = 48
TWICE_UP_TO = 3000
"""Programs of so many results, constants aside, have their pieces twice up to so many instructions:
compiling takes half as long again, and 20 species' Jacobian 172 ns in place of 276."""

PEEL_FROM = 256
"""Batches of this many points start with a short tile, so that later stores fill cache lines."""


def define_loop(module: ir.Module, program: Program, target: Target) -> ir.Function:
    """Define ``sg.loop(start, stop, stream, scratch, (base, point stride, column stride)...)``.

    Strides are in bytes. Arrays are the argument groups, then the results, in the Program's order.
    ``stream`` is THROUGH, GATHERED or DIRECTLY (``ir/program.py``). In a kernel of sums the points
    of a result are blocks of the batch (``sums.py``).
    """
    made = summands(program) if target.reduced else None
    past: Directly | Turned | None = None
    if target.past_cache_too and can_write_past(program, target):
        past = (Turned if turns(program) else Directly)(module, program, target)
    if isinstance(past, Turned):
        pieces = every = past.pieces
    else:
        pieces = define_pieces(module, made.program if made else program, target)
        every = [*pieces, *(past.pieces if past else ())]
    straight = len(pieces) - program.shared == 1 and is_straight(pieces[-1])
    if straight and target.width > target.lanes:
        for piece in every[len(pieces) - 1 :]:
            order_by_critical_path(piece)
        drop_expanded(module)
    arrays = len(program.groups) + len(program.results)
    kind = ir.FunctionType(
        ir.VoidType(), [INT64, INT64, INT64, POINTER] + [POINTER, INT64, INT64] * arrays
    )
    function = ir.Function(module, kind, LOOP)
    function.linkage = "internal"
    function.attributes.add("noinline")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    if made:
        emit_sums(builder, made, target, pieces)
    else:
        _emit_tiles(builder, program, target, pieces, past)
    builder.ret_void()
    for one in (function, *every):
        one.attributes.alignstack = target.lanes * target.itemsize
        if straight and _can_stream(target):
            set.add(one.attributes, TUNING)  # llvmlite's own add() takes no attribute of text
    return function


def can_write_past(program: Program, target: Target) -> bool:
    """Whether the pieces can write past the cache themselves, and may gain by it."""
    if target.reduced or not _can_stream(target):
        return False
    if turns(program):
        return True
    computed = sum(result.size for result in program.results)
    computed -= sum(map(len, constant_entries(program)))
    many = computed >= MANY_RESULTS and work(program) <= TWICE_UP_TO
    plain = not (program.shared or emitted(program, target) or program.outside)
    return plain and (many or is_short(program))


def _can_stream(target: Target) -> bool:
    """Whether a vector register is a whole cache line, and filled."""
    return target.lanes * target.itemsize == CACHE_LINE and target.width >= target.lanes


def _holds_a_line(program: Program, target: Target, in_place: Any) -> Any:
    """Whether the points before a cache line fit into a tile, which may be one short vector."""
    line = CACHE_LINE // target.itemsize
    if short_points(program, target) >= line:
        return ir.Constant(FLAG, 1)
    return in_place if target.tile >= line else ir.Constant(FLAG, 0)


def _emit_tiles(
    builder: ir.IRBuilder,
    program: Program,
    target: Target,
    pieces: Sequence[ir.Function],
    past: Directly | Turned | None,
) -> None:
    """Emit the loop that fills the results, a tile of points at a time."""
    turned = past if isinstance(past, Turned) else None
    start, stop, stream, scratch, *given = builder.function.args
    layout, slots, _ = scratch_layout(program, target)
    spill = offset(builder, scratch, slots)
    arrays = [
        KernelArray(builder, target, columns, scratch, *given[3 * i : 3 * i + 3])
        for i, columns in enumerate(layout)
    ]
    groups, results = arrays[: len(program.groups)], arrays[len(program.groups) :]
    if not turned:
        for result, entries in zip(results, constant_entries(program), strict=True):
            result.constants = Constants(builder.module, target, result.columns.count, entries)
    computed = sum(len(result.constants.kept) for result in results)
    width = ir.Constant(INT64, target.width)
    gathers = _can_stream(target) and not turned
    wanted = builder.icmp_signed("!=", stream, ir.Constant(INT64, THROUGH))
    long = builder.icmp_signed(">=", builder.sub(stop, start), ir.Constant(INT64, PEEL_FROM))
    largest = max(results, key=lambda result: len(result.constants.kept))
    if turned:
        in_place = turned.turn(builder, groups, results)
    else:
        in_place = builder.not_(apart(builder, arrays))
    fits = _holds_a_line(program, target, in_place)
    peeled = largest.misaligned_points(start, builder.and_(long, fits))
    opening = builder.add(start, peeled)
    directly: Any = ir.Constant(FLAG, 0)
    if past:
        directly = past.decide(builder, stream, results, opening)
    staged = builder.and_(wanted, builder.not_(directly))
    run = declare_runs(builder.module)
    pitch = ir.Constant(INT64, target.tile * target.itemsize)
    runs = ir.Constant(FLAG, 0)
    if run_points(target) and computed >= RUN_COLUMNS:
        for result in results:
            result.decide_runs(staged, builder.not_(wanted), opening)
            runs = builder.or_(runs, result.runs)
    short = builder.not_(builder.or_(runs, in_place))
    for result in results:
        result.decide_rows(builder.and_(wanted, short), (start, opening))
    # What is read and written in place needs no tiles, only vectors.
    tile = builder.and_(builder.sub(stop, opening), builder.neg(width))
    tile = builder.select(builder.icmp_signed("<", tile, width), width, tile)
    tile = builder.select(short, ir.Constant(INT64, short_points(program, target)), tile)
    tile = builder.select(runs, ir.Constant(INT64, run_points(target)), tile)
    pitch = builder.select(short, ir.Constant(INT64, short_pitch(program, target)), pitch)
    for array in arrays:
        array.pitch = pitch
    spread(builder, groups)
    for result in results:
        result.fill_constants(start, stop, tile, wanted)
    steps = begin(builder, program, target, pieces, groups, spill)
    with tiles(builder, start, stop, tile, peeled) as (first, count):
        whole = builder.icmp_signed(
            "==", builder.and_(count, ir.Constant(INT64, target.width - 1)), ir.Constant(INT64, 0)
        )
        for array in arrays:
            array.place(first, whole)
        for result in results:
            if gathers:
                result.decide_streaming(staged)
        past_cache = builder.and_(directly, whole)
        copy_in(builder, groups, first, count)
        with counted(builder, ir.Constant(INT64, 0), count, width) as point:
            arguments: list[Any] = []
            for array in arrays:
                arguments += array.at(point)
            arguments.append(spill)
            if past:
                past.vector(past_cache, point, arguments, steps)
            else:
                call_all(builder, target, steps, arguments, width)
            if gathers:
                for result in results:
                    result.stream_out(point)
        if past:
            past.end(past_cache, count)
        elsewhere = any_of(builder, [builder.not_(result.there) for result in results])
        with builder.if_then(elsewhere):
            for result in results:
                result.copy_out(first, count)
            gathered = [builder.or_(result.runs, result.rowwise) for result in results]
            with builder.if_then(any_of(builder, gathered)):
                for result in results:
                    result.write_run(run, first, count, start, stop, wanted)
                    result.write_rows(run, first, count, start, stop)
