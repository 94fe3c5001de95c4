"""Branches to code for rare arguments, which only the lanes that need it take over."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llvmlite import ir

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


def _define(
    lanes: Lanes,
    name: str,
    body: Rare,
    arguments: Sequence[ir.Value],
    values: Sequence[ir.Value],
) -> ir.Function:
    """The internal function of the body."""
    module = lanes.builder.module
    symbol = f"sg.{name}.rare.{lanes.format.suffix}.v{lanes.width}"
    if symbol in module.globals:
        return module.globals[symbol]
    result = ir.LiteralStructType([value.type for value in values])
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    function = ir.Function(module, kind, symbol)
    function.linkage = "internal"
    for attribute in ("noinline", "cold", "nounwind"):
        function.attributes.add(attribute)
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    packed: ir.Value = ir.Constant(result, ir.Undefined)
    found = body(Lanes(builder, lanes.width, lanes.dtype), *function.args)
    for place, value in enumerate(found):
        packed = builder.insert_value(packed, value, place)
    builder.ret(packed)
    return function
