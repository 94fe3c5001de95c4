"""The arrays of a kernel in LLVM IR: where a thread's columns are, and where its entries go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir

from symgrad.emit.cuda.body import GLOBAL_MEMORY, INT32, INT64
from symgrad.emit.cuda.fills import Fill
from symgrad.emit.cuda.source import APART, EVERY
from symgrad.emit.llvm.control import counted
from symgrad.ir.layout import Layout, kernel_arguments
from symgrad.ir.program import Program


class Memory:
    """The arrays of a kernel as one thread sees them.

    Attributes:
        builder: of the kernel.
        program: what is computed.
        layout: how the arrays lie.
        count: the number of points.
        point: the thread's own, which ``begin`` gives it and ``load`` and ``store`` are meant for.

    Args:
        arguments: the kernel's, as ``kernel_arguments`` lists them.
        reduced: whether points are summed, so that ``store`` is not called.
    """

    def __init__(
        self,
        builder: ir.IRBuilder,
        program: Program,
        layout: Layout,
        arguments: Sequence[Any],
        *,
        reduced: bool = False,
    ) -> None:
        self.builder, self.program, self.layout = builder, program, layout
        self.count, self.point = arguments[0], None
        kinds = map(tuple, kernel_arguments(program, layout))
        self.given: dict[tuple[Any, ...], Any] = dict(zip(kinds, arguments, strict=True))
        alike = (*layout.values, *layout.shared, *layout.separate)
        own = [group for group in program.groups if group.name not in alike]
        stored = 0 if reduced else sum(result.size for result in program.results)
        known = layout.points == "first"
        addresses = 0 if known else stored + sum(len(group.columns) for group in own)
        self.apart = addresses > APART
        self.stores = 0

    def begin(self, point: Any) -> None:
        """Give the thread a point.

        Of steps between many columns the compiler must not see that they stay the same: it would
        compute all addresses beforehand, from point to point, and run out of registers.
        """
        self.point, self.steps = point, dict(self.given)
        self.between = self.count
        if self.apart:
            self.between = hidden(self.builder, self.count)
            for key, value in self.given.items():
                if key[0] == "step":
                    self.steps[key] = hidden(self.builder, value)

    def load(self, group: int, column: int) -> Any:
        """The value of a column of a group."""
        name = self.program.groups[group].name
        if name in self.layout.values:
            return self.given["value", group, column]
        address = self.given["address", group, column if name in self.layout.separate else 0]
        if name in self.layout.shared:
            place = self.builder.gep(address, [INT64(column)])
        elif name in self.layout.separate:
            place = self.builder.gep(address, [self.point])
        else:
            place = self._place(address, self.steps["step", group, 0], INT64(column))
        value = self.builder.load(place)
        # What is read is written by nobody meanwhile: the cache's read-only path may be taken.
        value.set_metadata("invariant.load", self.builder.module.add_metadata([]))
        return value

    def store(self, result: int, position: int, value: Any) -> None:
        """Write an entry of a result, or add to it."""
        size = self.program.results[result].size
        step = self.between if self.layout.points == "last" else INT64(size)
        self.write(value, self._place(self.address(result), step, INT64(position)))
        self.stores += 1
        if self.apart and self.stores % EVERY == 0:
            self.between = hidden(self.builder, self.between)

    def fill(self, fill: Fill) -> None:
        """Write a constant into entries of the thread's point, where the points are last."""
        address, builder = self.address(fill.result), self.builder
        value = ir.Constant(address.type.pointee, fill.value)
        with counted(builder, INT64(0), INT64(len(fill.positions)), INT64(1)) as k:
            position = looked_up(builder, fill.positions, k)
            self.write(value, self._place(address, self.count, position))

    def write(self, value: Any, place: Any, builder: ir.IRBuilder | None = None) -> None:
        """Write a number or several, or add them to what is there."""
        builder = builder or self.builder
        if self.layout.accumulate:
            value = builder.fadd(builder.load(place), value)
        builder.store(value, place)

    def address(self, result: int) -> Any:
        """Where a result begins."""
        return self.given["address", len(self.program.groups) + result, 0]

    def _place(self, address: Any, step: Any, column: Any) -> Any:
        """A column of the thread's point, or an entry of it."""
        builder = self.builder
        if self.layout.points == "last":
            row = builder.gep(address, [builder.mul(step, column)])
            return builder.gep(row, [self.point])
        row = builder.gep(address, [builder.mul(step, self.point)])
        return builder.gep(row, [column])


def looked_up(builder: ir.IRBuilder, numbers: Sequence[int], index: Any) -> Any:
    """One of several whole numbers, from a table in memory."""
    kind = ir.ArrayType(INT32, len(numbers))
    name = builder.module.get_unique_name("sg_numbers")
    table = ir.GlobalVariable(builder.module, kind, name, addrspace=GLOBAL_MEMORY)
    table.linkage, table.global_constant, table.align = "internal", True, 4
    table.initializer = ir.Constant(kind, list(numbers))
    return builder.sext(builder.load(builder.gep(table, [INT64(0), index])), INT64)


def hidden(builder: ir.IRBuilder, value: Any) -> Any:
    """An integer of which the compiler knows nothing, as if assembly had changed it."""
    letter = {32: "r", 64: "l"}[value.type.width]
    kind = ir.FunctionType(value.type, [value.type])
    return builder.asm(kind, "", f"={letter},0", [value], True)
