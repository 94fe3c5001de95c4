"""Routine -> LLVM function over one vector register of doubles, its arguments and its result.

Loops are over all lanes: a lane that is done keeps its states while others go on, so that its
result does not depend on its neighbours. A float32 kernel calls the same function with its lanes
widened to doubles (``calls.py``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llvmlite import ir

from symgrad.emit.llvm.control import FLAG, INT32, INT64
from symgrad.emit.llvm.instructions import INSTRUCTIONS, SCALAR, splat, splat_truth
from symgrad.emit.providers.calls import Calls
from symgrad.emit.providers.provider import own_body
from symgrad.emit.target import ITEMSIZE, Target
from symgrad.ir.program import Instruction, Outside, Program, Routine


def emitted(program: Program, target: Target) -> list[Routine]:
    """The routines of which there is no vector function of our own where they are called."""
    parts = [part for routine in program.routines for part in (routine.code, *routine.bodies)]
    inside = {instruction.op for part in parts for instruction in part}
    doubles = _registers(target).count
    return [
        routine
        for routine in program.routines
        if not own_body(routine.name, target.width, target.dtype)
        or (routine.name in inside and not own_body(routine.name, doubles, "float64"))
    ]


def define_routines(
    module: ir.Module, program: Program, target: Target, *, inline: bool
) -> dict[str, ir.Function]:
    """Define the routines and every outside function of a Program in ``module``; by name."""
    made = {callee.name: _outside(module, callee, target) for callee in program.outside}
    for routine in emitted(program, target):
        made[routine.name] = _Routine(module, routine, target, inline, made).function
    return made


def _registers(target: Target) -> ir.VectorType:
    """A vector register of doubles."""
    size = target.lanes * target.itemsize
    return ir.VectorType(SCALAR["float64"], size // ITEMSIZE["float64"])


def _function(module: ir.Module, name: str, arity: int, target: Target) -> ir.Function:
    """An internal function of vector registers."""
    vector = _registers(target)
    function = ir.Function(module, ir.FunctionType(vector, [vector] * arity), name)
    function.linkage = "internal"
    for attribute in ("noinline", "nounwind"):
        function.attributes.add(attribute)
    function.attributes.alignstack = target.lanes * target.itemsize
    return function


def _outside(module: ir.Module, callee: Outside, target: Target) -> ir.Function:
    """A function around calls of a user's compiled function, a lane each."""
    scalar, vector = SCALAR["float64"], _registers(target)
    kind = ir.FunctionType(scalar, [scalar] * callee.arity)
    called = ir.Function(module, kind, callee.symbol)
    function = _function(module, f"sg.outside.{callee.name}", callee.arity, target)
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    result: Any = ir.Constant(vector, ir.Undefined)
    for lane in range(vector.count):
        given = [builder.extract_element(value, INT32(lane)) for value in function.args]
        result = builder.insert_element(result, builder.call(called, given), INT32(lane))
    builder.ret(result)
    return function


class _Routine:
    """The emission of one routine."""

    def __init__(
        self,
        module: ir.Module,
        routine: Routine,
        target: Target,
        inline: bool,
        routines: Mapping[str, ir.Function],
    ) -> None:
        self.module, self.routine, self.target = module, routine, target
        self.inline, self.routines = inline, routines
        self.vector = _registers(target)
        self.lanes = self.vector.count
        self.function = _function(module, f"sg.routine.{routine.name}", routine.arity, target)
        self.builder = ir.IRBuilder(self.function.append_basic_block("entry"))
        self.builder.ret(self._emit(routine.code, self.function.args)[0])

    def _emit(self, code: Sequence[Instruction], columns: Sequence[Any]) -> list[Any]:
        """Emit a stretch of code that loads ``columns``; the values that it stores, in order."""
        target = self.target
        calls = Calls(
            self.module, self.lanes, "float64", target.accuracy, self.inline, code, self.routines
        )
        values: list[Any] = []
        stored: dict[int, Any] = {}
        for op, args, data in code:
            given = [values[argument] for argument in args]
            value = None
            if op == "load":
                value = columns[data[1]]
            elif op == "store":
                stored[data[1]] = given[0]
            elif op == "constant":
                value = splat(self.vector, data)
            elif op == "boolean":
                value = splat_truth(self.lanes, data)
            elif op == "loop":
                body, count, most = data
                value = self._loop(body, count, most, given)
            elif op == "part":
                value = given[0][data]
            elif op == "lookup":
                value = self._lookup(data, given[0])
            elif op in INSTRUCTIONS:
                value = INSTRUCTIONS[op](self.builder, *given)
            else:
                value = calls.emit(self.builder, op, args, given)
            values.append(value)
        return [stored[position] for position in range(len(stored))]

    def _loop(self, body: int, count: int, most: int, values: list[Any]) -> list[Any]:
        """Emit a loop; its final states."""
        builder, before = self.builder, self.builder.block
        initial, invariants = values[:count], values[count:]
        head = builder.append_basic_block("turn")
        done = builder.append_basic_block("done")
        builder.branch(head)
        builder.position_at_end(head)
        turn, k = builder.phi(INT64), builder.phi(self.vector)
        states = [builder.phi(self.vector) for _ in initial]
        active = builder.phi(ir.VectorType(FLAG, self.lanes))
        one = ir.Constant(INT64, 1)
        *after, going = self._emit(self.routine.bodies[body], [k, *states, *invariants])
        kept = [builder.select(active, new, old) for new, old in zip(after, states, strict=True)]
        still = builder.and_(active, going)
        following = builder.add(turn, one)
        more = builder.icmp_signed("<", following, ir.Constant(INT64, most))
        more = builder.and_(more, self._any(still))
        pairs = [
            (turn, ir.Constant(INT64, 0), following),
            (k, splat(self.vector, 0.0), builder.fadd(k, splat(self.vector, 1.0))),
            (active, splat_truth(self.lanes, True), still),
            *zip(states, initial, kept, strict=True),
        ]
        end = builder.block
        for phi, first, later in pairs:
            phi.add_incoming(first, before)
            phi.add_incoming(later, end)
        builder.cbranch(more, head, done)
        builder.position_at_end(done)
        return kept

    def _lookup(self, number: int, index: Any) -> Any:
        """The entries of a constant table at ``index``; a load for each lane, as fast as a gather.

        The index is brought into range first, so that no lane reads beside the table.
        """
        builder, values = self.builder, self.routine.tables[number]
        name = f"sg.table.{self.routine.name}.{number}"
        table = self.module.globals.get(name)
        if table is None:
            kind = ir.ArrayType(SCALAR["float64"], len(values))
            table = ir.GlobalVariable(self.module, kind, name)
            table.linkage, table.global_constant = "internal", True
            table.initializer = ir.Constant(kind, list(values))
        for sign, limit in ((">", 0.0), ("<", len(values) - 1.0)):
            end = splat(self.vector, limit)
            index = builder.select(builder.fcmp_ordered(sign, index, end), index, end)
        places = builder.fptosi(index, ir.VectorType(INT64, self.lanes))
        result: Any = ir.Constant(self.vector, ir.Undefined)
        for lane in range(self.lanes):
            place = builder.extract_element(places, INT32(lane))
            address = builder.gep(table, [place], source_etype=SCALAR["float64"])
            entry = builder.load(address, typ=SCALAR["float64"], align=8)
            result = builder.insert_element(result, entry, INT32(lane))
        return result

    def _any(self, flags: Any) -> Any:
        """Whether a lane is true."""
        name = f"llvm.vector.reduce.or.v{self.lanes}i1"
        kind = ir.FunctionType(FLAG, [flags.type])
        reduce = self.module.globals.get(name) or ir.Function(self.module, kind, name)
        return self.builder.call(reduce, [flags])
