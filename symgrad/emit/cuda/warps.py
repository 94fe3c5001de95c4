"""What the threads of a warp do together, in LLVM IR: write rows side by side, and add points up.

This is ``staging.py`` and ``sums.py`` for the numba engine: the same tiles, and every addition at
the same place, so that both engines give the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from math import gcd
from typing import Any, Literal

from llvmlite import ir

from symgrad.emit.cuda.body import INT32, INT64, REAL, SHARED_MEMORY, Store, declared
from symgrad.emit.cuda.fills import Fill
from symgrad.emit.cuda.memory import Memory, hidden, looked_up
from symgrad.emit.cuda.staging import WIDE, pack
from symgrad.emit.cuda.sums import BLOCK, THREADS, lanes_apart
from symgrad.emit.cuda.tiles import WARP, Chunk, Tiles, places
from symgrad.emit.llvm.control import counted
from symgrad.emit.target import Target

INLINED = 32
"""Chunks up to which each is copied out by code of its own.

That takes fewer registers (the Jacobian of an arm, 24 chunks: 92 in place of 124). Of many chunks
it is most of the code, and compile time grows with its square (matrix functions of 528 entries:
5,248 instructions in place of 2,040).
"""

Emit = Callable[[Store], None]
"""Emits a point's code, whose entries go where it is told."""


class Warp:
    """A warp whose threads compute neighbouring points and have tiles in shared memory.

    Args:
        memory: the kernel's arrays; ``memory.point`` becomes the thread's own.
        target: for what.
        tiles: of the program.
        warps: of a block.
    """

    def __init__(self, memory: Memory, target: Target, tiles: Tiles, warps: int) -> None:
        self.memory, self.builder, self.target, self.tiles = memory, memory.builder, target, tiles
        builder, module, real = self.builder, memory.builder.module, REAL[target.dtype]
        name = "llvm.nvvm.read.ptx.sreg.tid.x"
        self.thread = builder.call(declared(module, name, INT32, []), [])
        self.lane = builder.zext(builder.and_(self.thread, INT32(WARP - 1)), INT64)
        self.warp = builder.zext(builder.lshr(self.thread, INT32(5)), INT64)
        room = WARP * max(tiles.size, 1)
        kind = ir.ArrayType(real, warps * room)
        name = module.get_unique_name("sg_tiles")
        self.shared = ir.GlobalVariable(module, kind, name, addrspace=SHARED_MEMORY)
        self.shared.linkage, self.shared.align = "internal", WIDE
        self.shared.initializer = ir.Constant(kind, ir.Undefined)
        offset = builder.mul(self.warp, INT64(room))
        self.tile = builder.gep(self.shared, [INT64(0), offset])
        self.chunk_of = {place: one for one in tiles.chunks for place in places(one)}
        self.waiting: dict[Chunk, int] = {}

    def begin(self, first: Any, end: Any) -> None:
        """Give each thread its point: those beyond the end repeat the last one."""
        builder = self.builder
        left, all_ = builder.sub(end, first), INT64(WARP)
        self.rows = builder.select(builder.icmp_signed("<", left, all_), left, all_)
        last = builder.sub(self.rows, INT64(1))
        self.mine = builder.icmp_signed("<", self.lane, self.rows)
        self.memory.begin(builder.add(first, builder.select(self.mine, self.lane, last)))
        self.first = first
        self.waiting = {one: one.width for one in self.tiles.chunks}

    def slot(self, chunk: Chunk) -> Any:
        """Where a chunk's entries are."""
        return self.builder.gep(self.tile, [INT64(WARP * chunk.start)])

    def put(self, result: int, position: int, value: Any) -> Chunk | None:
        """Put an entry into its tile; the chunk, where it is complete with that."""
        chunk = self.chunk_of[result, position]
        row = self.builder.mul(self.lane, INT64(chunk.pitch))
        row = self.builder.gep(self.slot(chunk), [row])
        self.builder.store(value, self.builder.gep(row, [INT64(chunk.positions.index(position))]))
        self.waiting[chunk] -= 1
        return None if self.waiting[chunk] else chunk

    def synchronise(self) -> None:
        """Wait for the other threads of the warp."""
        _wait(self.builder, "bar.warp.sync")

    def synchronise_block(self) -> None:
        """Wait for the other threads of the block."""
        _wait(self.builder, "barrier0")


def emit_rows(warp: Warp, first: Any, emit: Emit, fills: Sequence[Fill] = ()) -> None:
    """The points of a warp from ``first`` on; their rows are copied out chunk by chunk."""
    memory = warp.memory
    warp.begin(first, memory.count)
    for fill in fills:
        _fill(warp, fill)

    def store(result: int, position: int, value: Any) -> None:
        if (result, position) in warp.chunk_of:
            complete = warp.put(result, position, value)
            if complete is not None:
                _copy_out(warp, complete)
        elif memory.layout.accumulate:
            with memory.builder.if_then(warp.mine):
                memory.store(result, position, value)
        else:
            memory.store(result, position, value)  # threads that repeat a point write the same

    emit(store)


def _fill(warp: Warp, fill: Fill) -> None:
    """Write a constant into entries of every row, neighbours by neighbouring lanes."""
    memory, builder = warp.memory, warp.builder
    address = memory.address(fill.result)
    value = ir.Constant(address.type.pointee, fill.value)
    length, count = memory.program.results[fill.result].size, len(fill.positions)
    with counted(builder, INT64(0), warp.rows, INT64(1)) as row:
        place = builder.mul(builder.add(warp.first, row), INT64(length))
        begin = builder.gep(address, [place])
        with counted(builder, warp.lane, INT64(count), INT64(WARP)) as k:
            position = looked_up(builder, fill.positions, k)
            memory.write(value, builder.gep(begin, [position]))


def _copy_out(warp: Warp, chunk: Chunk) -> None:
    """Copy a warp's stretch of rows: neighbouring threads to neighbouring addresses."""
    memory, builder = warp.memory, warp.builder
    length = memory.program.results[chunk.result].size
    corner = builder.add(builder.mul(warp.first, INT64(length)), INT64(chunk.first))
    sink = builder.gep(memory.address(chunk.result), [corner])
    builder.call(
        _copy_function(warp, chunk, length), [warp.slot(chunk), sink, warp.rows, warp.lane]
    )


def _copy_function(warp: Warp, chunk: Chunk, length: int) -> ir.Function:
    """A function that copies a chunk of rows of ``length`` out of a tile.

    It takes where the chunk lies, where it goes, the number of rows and the thread's in its warp.
    Chunks of the same shape have it in common, and where there are many it is not inlined.
    """
    module, real, memory = warp.builder.module, REAL[warp.target.dtype], warp.memory
    together = pack(chunk, length, WIDE // warp.target.itemsize)
    name = f"sg_copy_{chunk.width}_{chunk.pitch}_{length}_{together}_{real.intrinsic_name}"
    name += "_add" * memory.layout.accumulate
    known = module.globals.get(name)
    if known is not None:
        found: ir.Function = known
        return found
    places = [real.as_pointer(SHARED_MEMORY), real.as_pointer()]
    made = ir.Function(module, ir.FunctionType(ir.VoidType(), [*places, INT64, INT64]), name)
    made.linkage = "internal"
    made.attributes.add("alwaysinline" if len(warp.tiles.chunks) <= INLINED else "noinline")
    slot, sink, rows, lane = made.args
    builder = ir.IRBuilder(made.append_basic_block("entry"))
    _wait(builder, "bar.warp.sync")
    whole = builder.icmp_signed("==", rows, INT64(WARP))
    if together > 1:
        bits = builder.and_(builder.ptrtoint(sink, INT64), INT64(WIDE - 1))
        whole = builder.and_(whole, builder.icmp_signed("==", bits, INT64(0)))
    # Otherwise the compiler would keep, from point to point, what depends on the lane, and would
    # write the whole kernel once for each case.
    lane = builder.and_(hidden(builder, builder.trunc(lane, INT32)), INT32(WARP - 1))
    lane = builder.zext(lane, INT64)
    whole = builder.icmp_signed("!=", hidden(builder, builder.zext(whole, INT32)), INT32(0))
    with builder.if_else(whole) as (then, otherwise):
        with then:
            for source, target, guard in _moves(builder, chunk, lane, slot, sink, length, together):
                with builder.if_then(guard) if guard is not None else nullcontext():
                    values = _together(builder, source, together)
                    memory.write(values, _wide(builder, target, together), builder)
        with otherwise:
            some = builder.mul(rows, INT64(chunk.width))
            with counted(builder, lane, some, INT64(WARP)) as number:
                row, column = _divided(builder, number, chunk.width)
                source = builder.add(builder.mul(row, INT64(chunk.pitch)), column)
                value = builder.load(builder.gep(slot, [source]))
                place = builder.add(builder.mul(row, INT64(length)), column)
                memory.write(value, builder.gep(sink, [place]), builder)
    _wait(builder, "bar.warp.sync")
    builder.ret_void()
    return made


def _moves(
    builder: ir.IRBuilder, chunk: Chunk, lane: Any, slot: Any, sink: Any, length: int, together: int
) -> Iterator[tuple[Any, Any, Any]]:
    """From where to where a thread moves so many entries, turn by turn; and under what condition.

    A few turns later a thread is at the same column again: only so many addresses are computed,
    and the others lie at constant distances from them.
    """
    lanes, entries = WARP * together, WARP * chunk.width
    period = chunk.width // gcd(chunk.width, lanes)
    starts = []
    for turn in range(min(period, -(-entries // lanes))):
        number = builder.add(builder.mul(lane, INT64(together)), INT64(turn * lanes))
        row, column = _divided(builder, number, chunk.width)
        source, target = (
            number if chunk.width == step else builder.add(builder.mul(row, INT64(step)), column)
            for step in (chunk.pitch, length)
        )
        starts.append((builder.gep(slot, [source]), builder.gep(sink, [target])))
    for turn in range(-(-entries // lanes)):
        rows = turn // period * (lanes * period // chunk.width)
        source, target = starts[turn % period]
        source = builder.gep(source, [INT64(rows * chunk.pitch)])
        target = builder.gep(target, [INT64(rows * length)])
        rest = entries - turn * lanes
        guard = None
        if rest < lanes:
            guard = builder.icmp_signed("<", lane, INT64(rest // together))
        yield source, target, guard


def _together(builder: ir.IRBuilder, source: Any, count: int) -> Any:
    """So many neighbours as a vector; one as it is."""
    parts = [builder.load(builder.gep(source, [INT64(k)])) for k in range(count)]
    if count == 1:
        return parts[0]
    values: Any = ir.Constant(ir.VectorType(parts[0].type, count), ir.Undefined)
    for k, part in enumerate(parts):
        values = builder.insert_element(values, part, INT32(k))
    return values


def _wide(builder: ir.IRBuilder, place: Any, count: int) -> Any:
    """The place of so many neighbours as that of a vector."""
    if count == 1:
        return place
    return builder.bitcast(place, ir.VectorType(place.type.pointee, count).as_pointer())


def emit_sums(warp: Warp, block: Any, emit: Emit) -> None:
    """The sums of a block of points, to a row of each result."""
    memory, builder = warp.memory, warp.builder
    real = REAL[warp.target.dtype]
    begin = builder.mul(block, INT64(BLOCK))
    end = builder.add(begin, INT64(BLOCK))
    end = builder.select(builder.icmp_signed("<", end, memory.count), end, memory.count)
    with builder.goto_entry_block():
        sums = {chunk: builder.alloca(real) for chunk in warp.tiles.chunks}
    for total in sums.values():
        builder.store(ir.Constant(real, 0.0), total)

    def store(result: int, position: int, value: Any) -> None:
        complete = warp.put(result, position, value)
        if complete is not None:
            part = _column_sum(warp, complete)
            builder.store(builder.fadd(builder.load(sums[complete]), part), sums[complete])

    offset = builder.mul(warp.warp, INT64(WARP))
    with counted(builder, builder.add(begin, offset), end, INT64(THREADS)) as first:
        warp.begin(first, end)
        emit(store)
    for chunk, total in sums.items():
        _store_sums(warp, block, chunk, builder.load(total))
    warp.synchronise_block()


def _column_sum(warp: Warp, chunk: Chunk) -> Any:
    """A thread's part of the sums of a chunk's columns; points that are not there count as 0."""
    builder, columns = warp.builder, lanes_apart(chunk)
    real, slot = REAL[warp.target.dtype], warp.slot(chunk)
    with builder.if_then(builder.not_(warp.mine)):
        row = builder.gep(slot, [builder.mul(warp.lane, INT64(chunk.pitch))])
        for k in range(chunk.width):
            builder.store(ir.Constant(real, 0.0), builder.gep(row, [INT64(k)]))
    warp.synchronise()
    column = builder.and_(warp.lane, INT64(columns - 1))
    row = builder.sub(warp.lane, column)

    def part() -> Any:
        place = builder.add(builder.mul(row, INT64(chunk.pitch)), column)
        return _pairwise(builder, builder.gep(slot, [place]), columns, chunk.pitch)

    total = _where(builder, column, chunk.width, real, part)
    warp.synchronise()
    return total


def _store_sums(warp: Warp, block: Any, chunk: Chunk, part: Any) -> None:
    """Add the parts of all threads of the block, and write the sums of a chunk's columns."""
    builder, memory = warp.builder, warp.memory
    row = builder.mul(block, INT64(memory.program.results[chunk.result].size))
    sink = builder.gep(memory.address(chunk.result), [row])
    thread = builder.zext(warp.thread, INT64)
    parts = builder.gep(warp.shared, [INT64(0), thread])
    warp.synchronise_block()
    total = builder.call(_block_sum(warp, lanes_apart(chunk)), [part, parts, thread])
    with builder.if_then(builder.icmp_signed("<", thread, INT64(chunk.width))):
        place = builder.add(thread, INT64(chunk.first))
        if not chunk.neighbours:
            place = looked_up(builder, chunk.positions, thread)
        builder.store(total, builder.gep(sink, [place]))


def _block_sum(warp: Warp, columns: int) -> ir.Function:
    """A function that adds the parts of all threads of a block, first those of each warp.

    It takes a thread's part, where that belongs, and the thread's number t; the sum of column t is
    what it gives. Chunks of as many columns have it in common.
    """
    module, real = warp.builder.module, REAL[warp.target.dtype]
    name = f"sg_block_sum_{columns}_{real.intrinsic_name}"
    known = module.globals.get(name)
    if known is not None:
        found: ir.Function = known
        return found
    kind = ir.FunctionType(real, [real, real.as_pointer(SHARED_MEMORY), INT64])
    made = ir.Function(module, kind, name)
    made.linkage = "internal"
    made.attributes.add("noinline")
    part, parts, thread = made.args
    builder = ir.IRBuilder(made.append_basic_block("entry"))
    builder.store(part, parts)
    _wait(builder, "bar.warp.sync")
    lane = builder.and_(thread, INT64(WARP - 1))
    total = _where(
        builder, lane, columns, real, lambda: _pairwise(builder, parts, WARP // columns, columns)
    )
    _wait(builder, "bar.warp.sync")
    builder.store(total, parts)
    _wait(builder, "barrier0")
    builder.ret(
        _where(
            builder, thread, columns, real, lambda: _pairwise(builder, parts, THREADS // WARP, WARP)
        )
    )
    return made


def _where(
    builder: ir.IRBuilder, number: Any, below: int, real: Any, emit: Callable[[], Any]
) -> Any:
    """What is emitted, where a number is so small; else 0."""
    before = builder.block
    with builder.if_then(builder.icmp_signed("<", number, INT64(below))):
        value = emit()
        inside = builder.block
    found = builder.phi(real)
    found.add_incoming(value, inside)
    found.add_incoming(ir.Constant(real, 0.0), before)
    return found


def _wait(builder: ir.IRBuilder, barrier: Literal["bar.warp.sync", "barrier0"]) -> None:
    """Wait for the other threads of the warp, or of the block."""
    given = [INT32(0xFFFFFFFF)] if barrier == "bar.warp.sync" else []
    kinds = [INT32] * len(given)
    builder.call(declared(builder.module, f"llvm.nvvm.{barrier}", ir.VoidType(), kinds), given)


def _pairwise(builder: ir.IRBuilder, place: Any, count: int, step: int) -> Any:
    """The sum of every step-th of so many entries: neighbours in pairs, and so on."""
    sums = [builder.load(builder.gep(place, [INT64(k * step)])) for k in range(count)]
    while len(sums) > 1:
        pairs = zip(sums[::2], sums[1::2], strict=True)
        sums = [builder.fadd(first, second) for first, second in pairs]
    return sums[0]


def _divided(builder: ir.IRBuilder, number: Any, by: int) -> tuple[Any, Any]:
    """Quotient and remainder of a number below 2**16: division is cheaper in 32 bits."""
    short = builder.trunc(number, INT32)
    quotient = builder.udiv(short, INT32(by))
    remainder = builder.sub(short, builder.mul(quotient, INT32(by)))
    return builder.zext(quotient, INT64), builder.zext(remainder, INT64)
