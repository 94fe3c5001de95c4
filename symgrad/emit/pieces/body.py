"""Program -> LLVM functions over one vector of points: straight-line code, no loop.

Each piece of the Program becomes one internal function. Its arguments are, for every argument
group and every result in order, the address of the vector's first point and the distance in bytes
from one column to the next, and last the address of the slots through which values pass from one
piece to a later one. Entries that are constants are left to ``memory/constants.py``. In a kernel
of sums the last result is the sums, to which values are added (``sums/summands.py``), and there
follows how many lanes hold points of the batch; values of the others are not added.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from itertools import pairwise
from typing import Any

from llvmlite import ir

from symgrad.emit.llvm.cache_lines import store_past_cache
from symgrad.emit.llvm.control import BYTE, INT64, POINTER, at
from symgrad.emit.llvm.instructions import INSTRUCTIONS, SCALAR, splat, splat_truth
from symgrad.emit.memory.constants import is_constant_store
from symgrad.emit.memory.scratch import spill_slots
from symgrad.emit.providers.calls import Calls
from symgrad.emit.providers.routine import define_routines
from symgrad.emit.sums.accumulate import add_lanes, counted_lanes
from symgrad.emit.sums.summands import SUMS
from symgrad.emit.target import Target
from symgrad.ir.program import CONDITION_OPS, Instruction, Program

INLINE_CALLS = 64
"""Up to this many calls of functions a kernel inlines them; beyond it compile time explodes."""

INLINE_BODY = 400
"""A program of this many instructions or fewer is inlined into its loop."""


def is_short(program: Program) -> bool:
    """Whether a program is inlined into its loop: one piece beside what a batch shares."""
    one = len(worked(program)) - program.shared == 1
    return one and work(program) <= INLINE_BODY


def work(program: Program) -> int:
    """How many instructions the pieces have, constants and their stores not counted."""
    return sum(len(_work(program, *bound)) for bound in worked(program))


def worked(program: Program) -> list[tuple[int, int]]:
    """(start, stop) of the pieces that do more than to store constants."""
    bounds = pairwise([*program.pieces, len(program.code)])
    return [bound for bound in bounds if _work(program, *bound)]


def _work(program: Program, start: int, stop: int) -> list[int]:
    """The instructions of a piece that are neither constants nor stores of those."""
    code = program.code
    return [
        index
        for index in range(start, stop)
        if code[index].op != "constant" and not is_constant_store(program, code[index])
    ]


def define_pieces(
    module: ir.Module,
    program: Program,
    target: Target,
    *,
    past_cache: bool = False,
    returned: Set[int] = frozenset(),
    given: Set[int] = frozenset(),
) -> list[ir.Function]:
    """Define one function a piece in ``module`` and return them in order.

    Args:
        module: where they are defined.
        program: what they compute.
        target: for what.
        past_cache: write results past the cache: their vectors are whole cache lines.
        returned: results whose values are not stored but returned, each piece's in a structure of
            them (``returned_entries``).
        given: groups whose columns the pieces take as vectors, in order behind everything else; not
            those that a batch calls once.

    Raises:
        KernelError: an instruction has no implementation on this machine.
    """
    slots = spill_slots(program)
    inline = all_call_sites(program) <= INLINE_CALLS
    routines = define_routines(module, program, target, inline=inline)
    short = is_short(program)
    functions = []
    for index, (start, stop) in enumerate(worked(program)):
        work = _work(program, start, stop)
        entries = _entries(program, work, returned)
        piece = _Piece(
            *(module, program, target, slots, index, inline, short, routines, past_cache),
            *(returned, entries, given if index >= program.shared else ()),
        )
        functions.append(piece.define(work))
    return functions


def returned_entries(program: Program, returned: Set[int]) -> list[list[tuple[int, int]]]:
    """What the values are that each piece returns: (result, position)."""
    return [_entries(program, _work(program, *piece), returned) for piece in worked(program)]


def _entries(program: Program, indices: Sequence[int], returned: Set[int]) -> list[tuple[int, int]]:
    stores = [code for code in map(program.code.__getitem__, indices) if code.op == "store"]
    return [store.data for store in stores if store.data[0] in returned]


def call_sites(program: Program) -> int:
    """How many calls of library or vector functions or routines the program has."""
    return _call_sites(program.code)


def all_call_sites(program: Program) -> int:
    """How many calls the program and its routines have."""
    parts = [part for routine in program.routines for part in (routine.code, *routine.bodies)]
    return sum(map(_call_sites, (program.code, *parts)))


def _call_sites(code: Sequence[Instruction]) -> int:
    known = INSTRUCTIONS.keys() | {"load", "constant", "boolean", "store", "loop", "part", "lookup"}
    return sum(op not in known for op, _, _ in code)


class _Piece:
    """The emission of one piece: its function, and the values that are there so far."""

    def __init__(
        self,
        module: ir.Module,
        program: Program,
        target: Target,
        slots: dict[int, int],
        index: int,
        inline: bool,
        short: bool,
        routines: Mapping[str, ir.Function],
        past_cache: bool,
        returned: Set[int],
        entries: Sequence[tuple[int, int]],
        given: Collection[int],
    ) -> None:
        self.module = module
        self.past_cache = past_cache
        self.returned = returned
        self.made: list[Any] = []
        self.program = program
        self.target = target
        self.slots = slots
        self.scalar = SCALAR[target.dtype]
        self.vector = ir.VectorType(self.scalar, target.width)
        self.inline = inline
        self.routines = routines
        columns = len(program.groups) + len(program.results)
        kinds = [POINTER, INT64] * columns + [POINTER] + [INT64] * target.reduced
        sizes = [(group, len(program.groups[group].columns)) for group in sorted(given)]
        taken = [(group, column) for group, size in sizes for column in range(size)]
        gives = ir.LiteralStructType([self.vector] * len(entries)) if entries else ir.VoidType()
        kind = ir.FunctionType(gives, kinds + [self.vector] * len(taken))
        self.function = ir.Function(module, kind, f"sg.piece{index}{'.past' * past_cache}")
        self.function.linkage = "internal"
        self.function.attributes.add("alwaysinline" if short else "noinline")
        for argument in self.function.args:
            if argument.type == POINTER:
                argument.add_attribute("noalias")
        self.builder = ir.IRBuilder(self.function.append_basic_block())
        self.slot_memory = self.function.args[2 * columns]
        self.counted = (
            counted_lanes(self.builder, target, self.function.args[-1]) if target.reduced else ()
        )
        self.given = dict(zip(taken, self.function.args[len(kinds) :], strict=True))
        self.values: dict[int, Any] = {}

    def define(self, indices: Sequence[int]) -> ir.Function:
        """Emit some instructions in order; constants among them are made where they are used."""
        target = self.target
        self.calls = Calls(
            self.module,
            target.width,
            target.dtype,
            target.accuracy,
            self.inline,
            [self.program.code[index] for index in indices],
            self.routines,
        )
        for index in indices:
            self.values[index] = self._emit(index)
            if index in self.slots:
                self._spill(index)
        if not self.made:
            self.builder.ret_void()
            return self.function
        together: Any = ir.Constant(self.function.return_value.type, ir.Undefined)
        for place, value in enumerate(self.made):
            together = self.builder.insert_value(together, value, place)
        self.builder.ret(together)
        return self.function

    def _emit(self, index: int) -> Any:
        op, args, data = self.program.code[index]
        size = self.target.itemsize
        if op == "load" and data in self.given:
            return self.given[data]
        if op == "load":
            return self.builder.load(
                self._column(2 * data[0], data[1]), typ=self.vector, align=size
            )
        if op == "store":
            values = [self._value(argument) for argument in args]
            value = values[0]
            if data[0] in self.returned:
                self.made.append(value)
                return None
            address = self._column(2 * (len(self.program.groups) + data[0]), data[1])
            if self.counted and data[0] == SUMS:
                sums = ir.VectorType(self.scalar, self.target.lanes)
                total = self.builder.load(address, typ=sums, align=size)
                value = add_lanes(self.builder, self.target, self.counted, total, values)
            if self.past_cache:
                store_past_cache(self.builder, value, address)
            else:
                self.builder.store(value, address, align=size)
            return None
        if op == "constant":
            return splat(self.vector, data)
        if op == "boolean":
            return splat_truth(self.target.width, data)
        values = [self._value(argument) for argument in args]
        if op in INSTRUCTIONS:
            return INSTRUCTIONS[op](self.builder, *values)
        return self.calls.emit(self.builder, op, args, values)

    def _column(self, argument: int, column: int) -> Any:
        base, row = self.function.args[argument], self.function.args[argument + 1]
        if column == 0:
            return base
        offset = self.builder.mul(row, ir.Constant(INT64, column))
        return at(self.builder, base, offset, BYTE)

    def _value(self, index: int) -> Any:
        """The value ``index``, made again or loaded where an earlier piece computed it."""
        if index not in self.values:
            again = self.program.code[index].op in ("load", "constant", "boolean")
            self.values[index] = self._emit(index) if again else self._reload(index)
        return self.values[index]

    def _slot(self, index: int) -> Any:
        size = self.target.width * self.target.itemsize
        offset = ir.Constant(INT64, self.slots[index] * size)
        return at(self.builder, self.slot_memory, offset, BYTE)

    def _spill(self, index: int) -> None:
        value = self.values[index]
        if self.program.code[index].op in CONDITION_OPS:
            value = self.builder.uitofp(value, self.vector)
        self.builder.store(value, self._slot(index), align=self.target.itemsize)

    def _reload(self, index: int) -> Any:
        value = self.builder.load(self._slot(index), typ=self.vector, align=self.target.itemsize)
        if self.program.code[index].op in CONDITION_OPS:
            zero = splat(self.vector, 0.0)
            value = self.builder.fcmp_ordered("!=", value, zero)
        return value
