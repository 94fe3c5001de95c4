"""Copies between rows of points in memory and scratch columns, a square block of vectors at a time.

With points first, the entries of one point are adjacent in memory. A block of W points by W
columns is read as W vectors, transposed in registers (log2 W stages, each of which swaps blocks
of half the size: Eklundh, IEEE Trans. Comput. C-21, 1972) and written as W vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir

INT32 = ir.IntType(32)


def transpose(builder: ir.IRBuilder, rows: Sequence[Any]) -> list[Any]:
    """The transposed square of vectors: lane j of result i is lane i of ``rows[j]``."""
    made = list(rows)
    width = len(made)
    step = width // 2
    while step:
        low = [lane if not lane & step else width + lane - step for lane in range(width)]
        high = [lane + step if not lane & step else width + lane for lane in range(width)]
        for i in range(width):
            if not i & step:
                a, b = made[i], made[i + step]
                made[i] = builder.shuffle_vector(a, b, _lanes(low))
                made[i + step] = builder.shuffle_vector(a, b, _lanes(high))
        step //= 2
    return made


def _lanes(indices: Sequence[int]) -> Any:
    return ir.Constant(ir.VectorType(INT32, len(indices)), list(indices))


def load_lanes(builder: ir.IRBuilder, address: Any, vector: Any, lanes: int, align: int) -> Any:
    """The first ``lanes`` lanes of the vector at ``address``; memory behind them is not touched."""
    if lanes == vector.count:
        return builder.load(address, typ=vector, align=align)
    part = builder.load(address, typ=ir.VectorType(vector.element, lanes), align=align)
    # The other lanes are never used: any of those that are there will do.
    indices = [min(lane, lanes - 1) for lane in range(vector.count)]
    return builder.shuffle_vector(part, part, _lanes(indices))


def store_lanes(builder: ir.IRBuilder, value: Any, address: Any, lanes: int, align: int) -> None:
    """Store the first ``lanes`` lanes of a vector; memory behind them is not touched."""
    if lanes < value.type.count:
        value = builder.shuffle_vector(value, value, _lanes(list(range(lanes))))
    builder.store(value, address, align=align)
