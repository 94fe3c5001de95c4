"""What a loop calls for every vector of points, and what it calls once before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir

from symgrad.emit.llvm.control import INT64, POINTER
from symgrad.emit.memory.array import KernelArray
from symgrad.emit.target import Target
from symgrad.ir.program import PARAMETERS, Program

Steps = list[tuple[ir.Function, Any]]
"""Pieces in order, and the condition on which each is called for every vector; None: always."""


def begin(
    builder: ir.IRBuilder,
    program: Program,
    target: Target,
    pieces: Sequence[ir.Function],
    groups: Sequence[KernelArray],
    spill: Any,
) -> Steps:
    """Call once what a whole batch shares, if its parameters are shared; what is left to call.

    Shared groups are spread over a vector before.
    """
    if not program.shared:
        return [(piece, None) for piece in pieces]
    once, *rest = pieces
    names = [group.name for group in program.groups]
    parameters = groups[names.index(PARAMETERS)]
    nowhere, zero = ir.Constant(POINTER, None), ir.Constant(INT64, 0)
    arguments: list[Any] = []
    for array in groups:
        arguments += [array.scratch, array.pitch] if array is parameters else [nowhere, zero]
    arguments += [nowhere, zero] * len(program.results)
    with builder.if_then(parameters.shared):
        _call(builder, target, once, [*arguments, spill], ir.Constant(INT64, target.width))
    return [(once, builder.not_(parameters.shared)), *[(piece, None) for piece in rest]]


def call_all(
    builder: ir.IRBuilder, target: Target, steps: Steps, arguments: Sequence[Any], counted: Any
) -> None:
    """Call the pieces for a vector, of which ``counted`` lanes hold points of the batch."""
    for piece, condition in steps:
        if condition is None:
            _call(builder, target, piece, arguments, counted)
        else:
            with builder.if_then(condition):
                _call(builder, target, piece, arguments, counted)


def _call(
    builder: ir.IRBuilder, target: Target, piece: ir.Function, arguments: Sequence[Any], count: Any
) -> None:
    builder.call(piece, [*arguments, count] if target.reduced else list(arguments))
