"""Entries of results that are constants: filled a row at a time, not at every vector of points.

The Jacobian of a reaction network is mostly zeros. One loop over a row of them keeps one stream of
stores going, where stores at every vector of points would keep hundreds; and the piece that
computes the other entries stays short.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llvmlite import ir

from symgrad.emit.llvm.cache_lines import CACHE_LINE, store_past_cache
from symgrad.emit.llvm.control import BYTE, FLAG, INT64, POINTER, at, counted
from symgrad.emit.llvm.instructions import SCALAR, broadcast
from symgrad.emit.target import ITEMSIZE, Dtype, Target
from symgrad.ir.program import Instruction, Program

FILL = "sg.fill"


def is_constant_store(program: Program, instruction: Instruction) -> bool:
    """Whether an instruction stores a constant."""
    return instruction.op == "store" and program.code[instruction.args[0]].op == "constant"


def constant_entries(program: Program) -> list[dict[int, float]]:
    """For every result the entries that are constants: position -> value."""
    found: list[dict[int, float]] = [{} for _ in program.results]
    for instruction in program.code:
        if is_constant_store(program, instruction):
            result, position = instruction.data
            found[result][position] = program.code[instruction.args[0]].data
    return found


class Constants:
    """The constant entries of one array, and which entries it has besides.

    Attributes:
        entries: position -> value.
        kept: the positions of the other entries, in order.
    """

    def __init__(
        self, module: ir.Module, target: Target, columns: int, entries: Mapping[int, float]
    ) -> None:
        self.module, self.target, self.entries = module, target, entries
        self.kept = [column for column in range(columns) if column not in entries]
        self._tables: dict[str, Any] = {}

    def fill(
        self, builder: ir.IRBuilder, base: Any, row: Any, points: Any, past_cache: Any
    ) -> None:
        """Write the constants of ``points`` adjacent points from ``base`` on.

        Args:
            builder: where to.
            base: address of the first column's first point.
            row: bytes from one column to the next.
            points: how many.
            past_cache: whether whole cache lines are not to be read first.
        """
        function = self.module.globals.get(FILL) or declare_fill(self.module)
        columns, values = self._entry_tables()
        count = ir.Constant(INT64, len(self.entries))
        builder.call(function, [base, row, columns, values, count, points, past_cache])

    def entry(self, builder: ir.IRBuilder, index: Any) -> tuple[Any, Any]:
        """The position of the ``index``-th constant, and the constant."""
        columns, values = self._entry_tables()
        scalar = SCALAR[self.target.dtype]
        return (
            builder.load(at(builder, columns, index, INT64), typ=INT64),
            builder.load(at(builder, values, index, scalar), typ=scalar),
        )

    def _entry_tables(self) -> tuple[Any, Any]:
        return (
            self.table("columns", INT64, list(self.entries)),
            self.table("values", SCALAR[self.target.dtype], list(self.entries.values())),
        )

    def kept_table(self) -> Any:
        """The address of a table of the other entries' positions."""
        return self.table("kept", INT64, self.kept)

    def kept_column(self, builder: ir.IRBuilder, index: Any) -> Any:
        """The position of the ``index``-th of the other entries."""
        if not self.entries:
            return index
        return builder.load(at(builder, self.kept_table(), index, INT64), typ=INT64)

    def table(self, name: str, kind: ir.Type, values: list[Any]) -> Any:
        """A constant table, made when it is first wanted."""
        if name not in self._tables:
            self._tables[name] = table(self.module, name, kind, values)
        return self._tables[name]


def table(module: ir.Module, name: str, kind: ir.Type, values: Sequence[Any]) -> Any:
    """A constant table."""
    array = ir.ArrayType(kind, len(values))
    made = ir.GlobalVariable(module, array, module.get_unique_name(f"sg.{name}"))
    made.linkage = "internal"
    made.global_constant = True
    made.initializer = ir.Constant(array, [ir.Constant(kind, value) for value in values])
    return made


def declare_fill(module: ir.Module) -> ir.Function:
    """Declare ``sg.fill(base, row, columns, values, entries, points, past_cache)``."""
    kinds = [POINTER, INT64, POINTER, POINTER, INT64, INT64, FLAG]
    return ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), FILL)


def define_fill(module: ir.Module, dtype: Dtype) -> ir.Function:
    """Define what ``declare_fill`` declares."""
    function = declare_fill(module)
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    base, row, columns, values, entries, points, past_cache = function.args
    scalar, item = SCALAR[dtype], ITEMSIZE[dtype]
    line = ir.VectorType(scalar, CACHE_LINE // item)
    zero, one, step = (ir.Constant(INT64, n) for n in (0, 1, CACHE_LINE // item))
    with counted(builder, zero, entries, one) as index:
        value = builder.load(at(builder, values, index, scalar), typ=scalar)
        column = builder.load(at(builder, columns, index, INT64), typ=INT64)
        place = at(builder, base, builder.mul(column, row), BYTE)

        def single(begin: Any, end: Any, place: Any = place, value: Any = value) -> None:
            with counted(builder, begin, end, one) as point:
                builder.store(value, at(builder, place, point, scalar), align=item)

        missing = builder.neg(builder.ptrtoint(place, INT64))
        missing = builder.and_(missing, ir.Constant(INT64, CACHE_LINE - 1))
        missing = builder.udiv(missing, ir.Constant(INT64, item))
        missing = builder.select(past_cache, missing, zero)
        few = builder.icmp_signed("<", points, missing)
        begin = builder.select(few, points, missing)
        single(zero, begin)
        whole = builder.and_(builder.sub(points, begin), builder.neg(step))
        end = builder.add(begin, whole)
        vector = broadcast(builder, line, value)
        with builder.if_else(past_cache) as (past, through):
            with past, counted(builder, begin, end, step) as point:
                store_past_cache(builder, vector, at(builder, place, point, scalar))
            with through, counted(builder, begin, end, step) as point:
                builder.store(vector, at(builder, place, point, scalar), align=item)
        single(end, points)
    builder.ret_void()
    return function
