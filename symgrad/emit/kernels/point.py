"""The entry for one point: the pieces of a Program on one vector whose lanes all hold that point.

A kernel's loop spends most of a call for a single point on tiles, strides and padding. The entry
has none: it spreads the point's columns over a vector each, runs the same pieces, and takes the
first lane of every result. Lanes do not depend on each other, so it gives the bits of the kernel.

It is a C function of pointers to adjacent numbers: one for every argument group, then one for every
result. It is compiled when it is first wanted, by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from llvmlite import ir

from symgrad.emit.kernels.assemble import new_module, object_code
from symgrad.emit.kernels.kernel import Kernel, described
from symgrad.emit.llvm.control import INT64, POINTER, at, counted
from symgrad.emit.llvm.instructions import SCALAR, broadcast
from symgrad.emit.memory.constants import Constants, constant_entries
from symgrad.emit.memory.scratch import spill_slots
from symgrad.emit.pieces.body import define_pieces
from symgrad.emit.target import Target
from symgrad.ir.program import Program

ENTRY = "sg.point"

UNROLLED = 64
"""So many columns are spread by straight code, which lets LLVM keep them in registers."""

STACK_BYTES = 64 * 1024
"""Vectors of more bytes than this in all do not lie on the stack."""


def emit_point(program: Program, target: Target) -> Kernel:
    """The entry for one point of a kernel of a Program, which is contracted already."""
    return described(ENTRY, program, target)


def compile_point(kernel: Kernel) -> list[bytes]:
    """The object file of an entry for one point, alone."""
    program, target = Program.from_json(kernel.program), Target.from_json(kernel.target)
    return [object_code(define_point(new_module(), program, target), thorough=True)]


def define_point(module: ir.Module, program: Program, target: Target) -> ir.Function:
    """Define ``sg.point(columns of each group..., entries of each result...)`` in ``module``."""
    one = replace(target, width=target.lanes, tile=target.lanes)
    pieces = define_pieces(module, program, one)
    counts = [len(group.columns) for group in program.groups]
    counts += [result.size for result in program.results]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER] * len(counts)), ENTRY)
    function.linkage = "internal"
    function.attributes.add("noinline")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    vector = ir.VectorType(SCALAR[one.dtype], one.width)
    size = one.width * one.itemsize
    wanted = [*counts, len(spill_slots(program))]
    heap = None
    if sum(wanted) * size <= STACK_BYTES:
        buffers = [builder.alloca(vector, max(count, 1)) for count in wanted]
        for buffer in buffers:
            buffer.align = size
    else:
        heap = builder.call(_outside(module, "malloc", POINTER, INT64), [_int(sum(wanted) * size)])
        buffers = [
            builder.gep(heap, [_int(sum(wanted[:i]))], source_etype=vector)
            for i in range(len(wanted))
        ]
    groups = len(program.groups)
    for given, buffer, count in zip(function.args[:groups], buffers, counts, strict=False):
        for column in _columns(builder, count):
            value = builder.load(at(builder, given, column, vector.element), typ=vector.element)
            value = broadcast(builder, vector, value)
            builder.store(value, at(builder, buffer, column, vector), align=one.itemsize)
    arguments: list[Any] = []
    for buffer in buffers[:-1]:
        arguments += [buffer, _int(size)]
    for piece in pieces:
        builder.call(piece, [*arguments, buffers[-1]])
    for given, buffer, count, entries in zip(
        function.args[groups:],
        buffers[groups:-1],
        counts[groups:],
        constant_entries(program),
        strict=True,
    ):
        constants = Constants(module, one, count, entries)
        for index in _columns(builder, len(entries)):
            column, value = constants.entry(builder, index)
            builder.store(value, at(builder, given, column, vector.element))
        for index in _columns(builder, len(constants.kept)):
            column = constants.kept_column(builder, index)
            value = builder.load(at(builder, buffer, column, vector), typ=vector.element)
            builder.store(value, at(builder, given, column, vector.element))
    if heap is not None:
        builder.call(_outside(module, "free", ir.VoidType(), POINTER), [heap])
    builder.ret_void()
    for defined in (function, *pieces):
        defined.attributes.alignstack = size
    return function


def _columns(builder: ir.IRBuilder, count: int) -> Iterator[Any]:
    """Every column's number: of a few one after the other, of many in a loop."""
    if count <= UNROLLED:
        yield from map(_int, range(count))
        return
    with counted(builder, _int(0), _int(count), _int(1)) as column:
        yield column


def _int(value: int) -> ir.Constant:
    return ir.Constant(INT64, value)


def _outside(module: ir.Module, name: str, gives: ir.Type, takes: ir.Type) -> Any:
    """A function of the C library."""
    found = module.globals.get(name)
    return found or ir.Function(module, ir.FunctionType(gives, [takes]), name)
