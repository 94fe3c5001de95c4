"""Program -> LLVM IR for NVVM: the arithmetic of one point, which is one thread's.

Where values come from and where they go is the caller's (``memory.py``, ``device.py``): this walk
asks for a column and hands over an entry. The text is for libNVVM in both of its dialects, LLVM 7
with typed pointers and a recent one, so it keeps to what both know: there is no ``fneg``, and what
is no arithmetic is a call of libdevice.

A product is an intrinsic with its rounding written out. NVVM and ptxas fuse a plain product with a
plain sum wherever they meet, and a user's own kernel is compiled with the user's flags; this one
they leave alone. So a fused multiply-add is where ``kernels/contract.py`` put it, and nowhere else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from llvmlite import ir

from symgrad.emit.cuda.names import NAMES
from symgrad.emit.llvm.instructions import INSTRUCTIONS as CPU_INSTRUCTIONS
from symgrad.emit.target import Dtype
from symgrad.errors import KernelError
from symgrad.ir.program import Instruction, Program, Routine

REAL: dict[str, Any] = {"float64": ir.DoubleType(), "float32": ir.FloatType()}
INT64, INT32, FLAG = ir.IntType(64), ir.IntType(32), ir.IntType(1)

GLOBAL_MEMORY, SHARED_MEMORY = 1, 3
"""Address spaces of NVVM."""

Load = Callable[[int, int], Any]
"""The value of a column of a group."""

Store = Callable[[int, int, Any], None]
"""Takes the value of an entry of a result."""


def emit_body(
    builder: ir.IRBuilder, program: Program, dtype: Dtype, load: Load, store: Store
) -> None:
    """Emit the program's code where ``builder`` stands.

    Args:
        builder: of the function that computes a point.
        program: what is computed, lowered for CUDA.
        dtype: of every value.
        load: gives a column; called once a load, where the value is first wanted.
        store: takes an entry as soon as it is there.

    Raises:
        KernelError: an instruction has no implementation on a GPU.
    """
    if program.outside:
        names = ", ".join(callee.name for callee in program.outside)
        raise KernelError(
            f"{names}: a user's compiled function runs on the CPU alone; compile for target='cpu', "
            "or define the function by a formula"
        )
    routines = define_routines(builder.module, program.routines)
    code = _Code(builder, dtype, routines)
    for instruction in program.code:
        op, args, data = instruction
        if op == "load":
            code.values.append(load(data[0], data[1]))
        elif op == "store":
            store(data[0], data[1], code.values[args[0]])
            code.values.append(None)
        else:
            code.emit(instruction)


def define_routines(module: ir.Module, routines: Sequence[Routine]) -> dict[str, ir.Function]:
    """An internal function of doubles for each routine; by the routine's name.

    A module may hold several programs: a function's name holds a hash of everything that it
    depends on, and one that is there is used again.
    """
    made: dict[str, ir.Function] = {}
    content = hashlib.sha256()
    real = REAL["float64"]
    for routine in routines:
        content.update(json.dumps(asdict(routine)).encode())
        name = f"sg_{routine.name}_{content.hexdigest()[:16]}"
        known = module.globals.get(name)
        if known is None:
            known = ir.Function(module, ir.FunctionType(real, [real] * routine.arity), name)
            known.linkage = "internal"
            known.attributes.add("noinline")
            known.attributes.add("nounwind")
            _define(known, routine, made)
        made[routine.name] = known
    return made


def _define(function: ir.Function, routine: Routine, made: Mapping[str, ir.Function]) -> None:
    builder = ir.IRBuilder(function.append_basic_block("entry"))

    def stretch(instructions: Sequence[Instruction], columns: Sequence[Any]) -> list[Any]:
        """Emit a stretch of code that loads ``columns``; the values that it stores, in order."""
        code = _Code(builder, "float64", made)
        stored: dict[int, Any] = {}
        for instruction in instructions:
            op, args, data = instruction
            if op == "load":
                code.values.append(columns[data[1]])
            elif op == "store":
                stored[data[1]] = code.values[args[0]]
                code.values.append(None)
            elif op == "loop":
                code.values.append(loop(data, [code.values[argument] for argument in args]))
            elif op == "lookup":
                table = routine.tables[data]
                name = f"{function.name}_{data}"
                code.values.append(_lookup(builder, name, table, code.values[args[0]]))
            else:
                code.emit(instruction)
        return [stored[position] for position in range(len(stored))]

    def loop(shape: tuple[int, int, int], given: Sequence[Any]) -> list[Any]:
        """Emit a loop; its final states."""
        body, count, most = shape
        before = builder.block
        turn, done = builder.append_basic_block("turn"), builder.append_basic_block("done")
        builder.branch(turn)
        builder.position_at_end(turn)
        number, k = builder.phi(INT64), builder.phi(REAL["float64"])
        states = [builder.phi(REAL["float64"]) for _ in range(count)]
        *after, going = stretch(routine.bodies[body], [k, *states, *given[count:]])
        following = builder.add(number, INT64(1))
        further = builder.fadd(k, _real(k.type, 1.0))
        more = builder.and_(going, builder.icmp_signed("<", following, INT64(most)))
        pairs = [(number, INT64(0), following), (k, _real(k.type, 0.0), further)]
        pairs += zip(states, given, after, strict=False)
        for phi, first, later in pairs:
            phi.add_incoming(first, before)
            phi.add_incoming(later, builder.block)
        builder.cbranch(more, turn, done)
        builder.position_at_end(done)
        return after

    builder.ret(stretch(routine.code, function.args)[0])


def _lookup(builder: ir.IRBuilder, name: str, values: Sequence[float], index: Any) -> Any:
    """The entry of a constant table at ``index``, which is brought into range; nan is 0."""
    module, real = builder.module, REAL["float64"]
    table = module.globals.get(name)
    if table is None:
        kind = ir.ArrayType(real, len(values))
        table = ir.GlobalVariable(module, kind, name, addrspace=GLOBAL_MEMORY)
        table.linkage, table.global_constant, table.align = "internal", True, 8
        table.initializer = ir.Constant(kind, [_real(real, value) for value in values])
    for sign, limit in ((">", 0.0), ("<", len(values) - 1.0)):
        end = _real(real, limit)
        index = builder.select(builder.fcmp_ordered(sign, index, end), index, end)
    place = builder.fptosi(index, INT64)
    return builder.load(builder.gep(table, [INT64(0), place]))


class _Code:
    """A stretch of straight-line code: the values that are there so far.

    Args:
        builder: where it is emitted.
        dtype: of every value.
        routines: functions of doubles, by the op that calls them.
    """

    def __init__(
        self, builder: ir.IRBuilder, dtype: Dtype, routines: Mapping[str, ir.Function]
    ) -> None:
        self.builder, self.dtype = builder, dtype
        self.real = REAL[dtype]
        self.routines = routines
        self.values: list[Any] = []
        self.pair: list[Any] = []

    def emit(self, instruction: Instruction) -> None:
        """Emit an instruction that reads and writes no memory."""
        op, args, data = instruction
        given = [self.values[argument] for argument in args]
        value: Any
        if op == "constant":
            value = _real(self.real, data)
        elif op == "boolean":
            value = FLAG(int(data))
        elif op == "part":
            value = given[0][data]
        elif op == "sincos":
            value = self._sincos(given[0])
        elif op in INSTRUCTIONS:
            value = INSTRUCTIONS[op](self.builder, *given)
        elif op in self.routines:
            value = self._routine(self.routines[op], given)
        else:
            value = self.builder.call(self._function(op, self.real, len(given)), given)
        self.values.append(value)

    def _function(self, op: str, gives: Any, count: int, pointers: int = 0) -> Any:
        """The declaration of libdevice's function for an op.

        Raises:
            KernelError: there is none.
        """
        name = NAMES[op].libdevice[self.dtype] if op in NAMES else ""
        if not name:
            raise KernelError(
                f"the numba engine has no {op!r} for CUDA; compile with engine='nvrtc' or for "
                "target='cpu', or define the function by a formula"
            )
        takes = [self.real] * count + [self.real.as_pointer()] * pointers
        return declared(self.builder.module, name, gives, takes)

    def _sincos(self, value: Any) -> list[Any]:
        """A sine and a cosine, which share the reduction of their argument."""
        if not self.pair:
            with self.builder.goto_entry_block():
                self.pair = [self.builder.alloca(self.real) for _ in range(2)]
        function = self._function("sincos", ir.VoidType(), 1, 2)
        self.builder.call(function, [value, *self.pair])
        return [self.builder.load(slot) for slot in self.pair]

    def _routine(self, function: ir.Function, given: Sequence[Any]) -> Any:
        """A routine computes in doubles whatever the program's type is."""
        if self.dtype == "float64":
            return self.builder.call(function, given)
        wide = [self.builder.fpext(value, REAL["float64"]) for value in given]
        return self.builder.fptrunc(self.builder.call(function, wide), self.real)


def declared(module: ir.Module, name: str, gives: Any, takes: Sequence[Any]) -> Any:
    """A function that is defined elsewhere."""
    known = module.globals.get(name)
    return known or ir.Function(module, ir.FunctionType(gives, takes), name)


def _real(kind: Any, value: float) -> ir.Constant:
    return ir.Constant(kind, value)


def _sign(builder: ir.IRBuilder, value: Any) -> Any:
    """1, -1, or the value itself where it is a zero or a NaN."""
    zero, one, minus = (_real(value.type, sign) for sign in (0.0, 1.0, -1.0))
    below = builder.select(builder.fcmp_ordered("<", value, zero), minus, value)
    return builder.select(builder.fcmp_ordered(">", value, zero), one, below)


def _intrinsic(name: str, letters: tuple[str, str]) -> Callable[..., Any]:
    """An intrinsic of NVVM by its name, which ends with a letter for float64 or float32."""

    def emit(builder: ir.IRBuilder, *values: Any) -> Any:
        kind = values[0].type
        full = f"{name}.{letters[kind != REAL['float64']]}"
        return builder.call(declared(builder.module, full, kind, [kind] * len(values)), values)

    return emit


LIKE_A_CPU = ("add", "sub", "div", "lt", "le", "eq", "ne", "and", "or", "not", "select")

INSTRUCTIONS: dict[str, Callable[..., Any]] = {
    **{op: CPU_INSTRUCTIONS[op] for op in LIKE_A_CPU},
    "mul": _intrinsic("llvm.nvvm.mul.rn", ("d", "f")),
    "neg": lambda builder, a: builder.fsub(_real(a.type, -0.0), a),
    "sqrt": _intrinsic("llvm.sqrt", ("f64", "f32")),
    "fma": _intrinsic("llvm.fma", ("f64", "f32")),
    "sign": _sign,
}
