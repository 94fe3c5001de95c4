"""Branches to code for rare arguments, which only the lanes that need it take over.

That code is the same in all kernels, and can be a third of a small one. So a module may leave it
out (``KernelModule``): then it is compiled once, as a module of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from llvmlite import ir

from symgrad.emit.llvm.control import keep_registers
from symgrad.emit.target import Dtype
from symgrad.emit.vector.lanes import Lanes

Rare = Callable[..., Sequence[ir.Value]]
"""(lanes, argument, ...) -> as many values as it replaces."""

UNLIKELY = (1, 1 << 20)


def replaced(
    lanes: Lanes,
    where: ir.Value,
    name: str,
    body: Rare,
    arguments: Sequence[ir.Value],
    values: Sequence[ir.Value],
) -> list[ir.Value]:
    """The values, but those of ``body`` of the arguments in lanes where a condition holds.

    The body is computed for all lanes in a function of its own, ``sg.<name>.rare...``, if the
    condition holds in any of them; otherwise it costs a predicted branch.

    Args:
        lanes: the instructions of the caller.
        where: the condition, one bit a lane.
        name: of the function; one name in a module means one body.
        body: computes the values for any argument.
        arguments: what the body takes, vectors of the width.
        values: what stands where the condition does not hold.
    """
    builder = lanes.builder
    entry = builder.block
    slow = builder.append_basic_block("rare")
    done = builder.append_basic_block("usual")
    builder.cbranch(lanes.any(where), slow, done).set_weights(UNLIKELY)
    builder.position_at_end(slow)
    function = _define(lanes, name, body, arguments, values)
    packed = builder.call(function, arguments)
    others = [
        builder.select(where, builder.extract_value(packed, place), value)
        for place, value in enumerate(values)
    ]
    builder.branch(done)
    builder.position_at_end(done)
    merged = []
    for value, other in zip(values, others, strict=True):
        phi = builder.phi(value.type)
        phi.add_incoming(value, entry)
        phi.add_incoming(other, slow)
        merged.append(phi)
    return merged


class RareFunction(NamedTuple):
    """Code for rare arguments: what its function takes and gives, and what computes that."""

    kind: ir.FunctionType
    width: int
    dtype: Dtype
    body: Rare

    def declare(self, module: ir.Module, symbol: str) -> ir.Function:
        """The function without its code."""
        function = ir.Function(module, self.kind, symbol)
        for attribute in ("noinline", "cold", "nounwind"):
            function.attributes.add(attribute)
        keep_registers(function)
        return function

    def define(self, module: ir.Module, symbol: str) -> ir.Function:
        """The function, internal to a module."""
        function = self.declare(module, symbol)
        function.linkage = "internal"
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        packed: ir.Value = ir.Constant(self.kind.return_type, ir.Undefined)
        found = self.body(Lanes(builder, self.width, self.dtype), *function.args)
        for place, value in enumerate(found):
            packed = builder.insert_value(packed, value, place)
        builder.ret(packed)
        return function


class KernelModule(ir.Module):  # type: ignore[misc]  # llvmlite has no types
    """A module without its code for rare arguments.

    Attributes:
        rare: the functions that it calls for those, by their symbols; a symbol means the same code
            in every module.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.rare: dict[str, RareFunction] = {}


def _define(
    lanes: Lanes,
    name: str,
    body: Rare,
    arguments: Sequence[ir.Value],
    values: Sequence[ir.Value],
) -> ir.Function:
    """The function of the body."""
    module = lanes.builder.module
    symbol = f"sg.{name}.rare.{lanes.format.suffix}.v{lanes.width}"
    if symbol in module.globals:
        return module.globals[symbol]
    result = ir.LiteralStructType([value.type for value in values])
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    made = RareFunction(kind, lanes.width, lanes.dtype, body)
    if isinstance(module, KernelModule):
        module.rare[symbol] = made
        return made.declare(module, symbol)
    return made.define(module, symbol)
