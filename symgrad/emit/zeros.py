"""Structural zeros: one loop that stores them all, in place of an instruction each."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from symgrad.emit.control import INT64, counted
from symgrad.ir.program import Instruction, Program


def is_zero_store(program: Program, instruction: Instruction) -> bool:
    """Whether an instruction stores the constant +0.0."""
    if instruction.op != "store":
        return False
    op, _, data = program.code[instruction.args[0]]
    return op == "constant" and data.hex() == "0x0.0p+0"


def stores_zeros_alone(program: Program, start: int, stop: int) -> bool:
    """Whether a piece consists of stores of +0.0, and of that constant itself."""
    part = program.code[start:stop]
    return all(i.op == "constant" or is_zero_store(program, i) for i in part)


def emit_zeros(
    builder: ir.IRBuilder,
    program: Program,
    start: int,
    stop: int,
    arrays: Any,
    zero: Any,
    align: int,
) -> None:
    """Store ``zero`` into every entry that the piece names.

    Args:
        builder: stands in the piece's function.
        program: holds the piece.
        start: the piece's first instruction.
        stop: the one behind its last.
        arrays: for every result the address of its first column and the distance to the next.
        zero: a vector of zeros.
        align: of a store, in bytes.
    """
    positions: dict[int, list[int]] = {}
    for instruction in program.code[start:stop]:
        if instruction.op == "store":
            positions.setdefault(instruction.data[0], []).append(instruction.data[1])
    none, one = ir.Constant(INT64, 0), ir.Constant(INT64, 1)
    for result, entries in positions.items():
        kind = ir.ArrayType(INT64, len(entries))
        table = ir.GlobalVariable(builder.module, kind, f"{builder.function.name}.zeros{result}")
        table.linkage = "internal"
        table.global_constant = True
        table.initializer = ir.Constant(kind, [ir.Constant(INT64, entry) for entry in entries])
        base, row = arrays[result]
        with counted(builder, none, ir.Constant(INT64, len(entries)), one) as index:
            place = builder.gep(table, [none, index], source_etype=kind)
            offset = builder.mul(builder.load(place, typ=INT64), row)
            address = builder.gep(base, [offset], source_etype=ir.IntType(8))
            builder.store(zero, address, align=align)
