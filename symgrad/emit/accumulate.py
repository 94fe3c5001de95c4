"""Adding the values of a vector of points to a register of sums."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir

from symgrad.emit.control import INT64
from symgrad.emit.instructions import broadcast
from symgrad.emit.target import Target

INDEX = ir.IntType(32)


def counted_lanes(builder: ir.IRBuilder, target: Target, count: Any) -> list[Any]:
    """For each register of a vector, which of its lanes are among the first ``count``."""
    numbers = ir.VectorType(INT64, target.lanes)
    limit = broadcast(builder, numbers, count)
    return [
        builder.icmp_signed(
            "<", ir.Constant(numbers, list(range(start, start + target.lanes))), limit
        )
        for start in range(0, target.width, target.lanes)
    ]


def add_lanes(
    builder: ir.IRBuilder, target: Target, counted: Sequence[Any], total: Any, value: Any
) -> Any:
    """A register of sums to which the counted lanes of a vector's registers are added."""
    for number, mask in enumerate(counted):
        part = register(builder, target, value, number)
        total = builder.select(mask, builder.fadd(total, part), total)
    return total


def register(builder: ir.IRBuilder, target: Target, value: Any, number: int) -> Any:
    """One register of a vector."""
    start = number * target.lanes
    lanes = ir.VectorType(INDEX, target.lanes)
    return builder.shuffle_vector(
        value, value, ir.Constant(lanes, list(range(start, start + target.lanes)))
    )
