"""Adding the columns of a tile, or products of two, to registers of sums; or a vector of points.

A loop over the vectors of a tile holds as many sums as fit into the registers beside the columns
that several of them take. So a sum is read and written once a tile, and a column is read once for
many sums, as in the kernels of matrix products (Goto and van de Geijn, ACM TOMS 34, 2008). Every
sum takes in one vector after the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from math import isqrt
from typing import Any

from llvmlite import ir

from symgrad.emit.llvm.control import BYTE, INT64, at, lanes_of
from symgrad.emit.llvm.instructions import INSTRUCTIONS, SCALAR, broadcast
from symgrad.emit.target import REGISTERS, Target

Factors = tuple[int, ...]
"""A column, or the two whose product is summed."""

SPARE = 2
"""Registers that hold neither sums nor columns of several sums."""


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
    builder: ir.IRBuilder, target: Target, counted: Sequence[Any], total: Any, values: Sequence[Any]
) -> Any:
    """A register of sums with the counted lanes of a vector's registers, or of two's product."""
    for number, mask in enumerate(counted):
        parts = [register(builder, target, value, number) for value in values]
        total = builder.select(mask, _plus(builder, target, total, *parts), total)
    return total


def _plus(builder: ir.IRBuilder, target: Target, total: Any, *factors: Any) -> Any:
    """The sum of a register of sums and one of values, or the product of two."""
    if len(factors) == 1:
        return builder.fadd(total, *factors)
    if target.fused:
        return INSTRUCTIONS["fma"](builder, *factors, total)
    return builder.fadd(total, builder.fmul(*factors))


def register(builder: ir.IRBuilder, target: Target, value: Any, number: int) -> Any:
    """One register of a vector."""
    start = number * target.lanes
    return builder.shuffle_vector(value, value, lanes_of(range(start, start + target.lanes)))


def add_tile(
    builder: ir.IRBuilder,
    target: Target,
    terms: Sequence[tuple[int, Factors]],
    sums: Any,
    columns: Any,
    pitch: int,
    count: Any,
) -> None:
    """Add ``count`` points, at least one, of the columns from ``columns`` on to ``sums``.

    Args:
        builder: where to.
        target: of the kernel.
        terms: the number of each sum, and what is summed.
        sums: address of the first one, a register.
        columns: address of the first column; behind the last point a register is filled with 0.
        pitch: bytes from one column to the next.
        count: how many points.
    """
    registers = REGISTERS[target.lanes * target.itemsize] - SPARE
    number = {factors: number for number, factors in terms}
    vector = ir.VectorType(SCALAR[target.dtype], target.lanes)
    for group in groups(list(number), registers):
        places = [at(builder, sums, ir.Constant(INT64, number[term]), vector) for term in group]
        needed = dict.fromkeys(chain.from_iterable(group))
        starts = {i: at(builder, columns, ir.Constant(INT64, i * pitch), BYTE) for i in needed}
        _add_group(builder, target, vector, group, places, starts, count)


def groups(terms: Sequence[Factors], registers: int) -> list[list[Factors]]:
    """The terms in groups for each of which so many registers suffice.

    A sum takes one, and so does a column of several sums of the group. Products come in the order
    of square blocks, as large as the registers allow.
    """
    side = isqrt(registers)
    made: list[list[Factors]] = []
    for term in sorted(terms, key=lambda term: sorted((i // side for i in term), reverse=True)):
        if made and _registers([*made[-1], term]) <= registers:
            made[-1].append(term)
        else:
            made.append([term])
    return made


def _registers(terms: Sequence[Factors]) -> int:
    taken = Counter(chain.from_iterable(map(set, terms)))
    return len(terms) + sum(times > 1 for times in taken.values())


def _add_group(
    builder: ir.IRBuilder,
    target: Target,
    vector: Any,
    terms: Sequence[Factors],
    places: Sequence[Any],
    columns: dict[int, Any],
    count: Any,
) -> None:
    """Add the terms of a group, which stay in registers, vector by vector."""
    before = builder.block
    body, done = (builder.append_basic_block(f"sums.{name}") for name in ("body", "done"))
    given = [builder.load(place, typ=vector, align=target.itemsize) for place in places]
    builder.branch(body)
    builder.position_at_end(body)
    point = builder.phi(INT64)
    point.add_incoming(ir.Constant(INT64, 0), before)
    totals = [builder.phi(vector) for _ in terms]
    values = {
        column: builder.load(
            at(builder, start, point, vector.element), typ=vector, align=target.itemsize
        )
        for column, start in columns.items()
    }
    results = []
    for total, first, term in zip(totals, given, terms, strict=True):
        made = _plus(builder, target, total, *(values[column] for column in term))
        total.add_incoming(first, before)
        total.add_incoming(made, body)
        results.append(made)
    following = builder.add(point, ir.Constant(INT64, target.lanes))
    point.add_incoming(following, body)
    builder.cbranch(builder.icmp_signed("<", following, count), body, done)
    builder.position_at_end(done)
    for place, made in zip(places, results, strict=True):
        builder.store(made, place, align=target.itemsize)
