"""Cut giants into parts, each a Program of its own, where that makes compilation bearable.

A compiler needs more than twice as long for twice the code, above all for twice the stores; but
what several parts need, each of them computes. For sm_90 in float64, seconds of the CPU by NVRTC
and bytes that wait outside the registers (stores and loads of a point, all parts together):

=============================  ==========  ======  =============  =======================
program                        operations  stores  whole          parts
=============================  ==========  ======  =============  =======================
Jacobian, 8 x 8 matrices            6,784   8,256  not in 200 s   9: x1.16, 16 s, 32 kB
Jacobian, harmonics to l = 19       3,964   1,600  5 s, 10 kB     2: x1.22, 5 s, 5 kB
Hessian, Tersoff, 6 atoms          47,158     325  not in 200 s   7: x1.41, 71 s, 379 kB
gradient, 30 Lennard-Jones         11,310      91  8 s, 50 kB     2: x1.43, 9 s, 48 kB
Hessian, Tersoff, 4 atoms           9,457     145  4 s, 31 kB     6: x1.35, 7 s, 30 kB
gradient, Tersoff, 8 atoms          8,817      25                 9: x4.57
=============================  ==========  ======  =============  =======================

So programs of few stores stay whole up to 20,000 operations: what waits outside the registers is
hardly less in parts, as it is computed anew from values that do not fit either. Programs of more
than 1,000 stores are cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symgrad.emit.cuda.lowering import needed
from symgrad.ir.program import UNCOUNTED, Instruction, Program

LONGEST = 20_000
"""Programs of more operations are cut: up to it there is no time to be won."""

MOST_OPERATIONS = 10_000
"""Operations of a part, unless one entry needs more."""

MOST_STORES = 1_000
"""Stores of a part."""

TWICE = 1.5
"""All parts together have at most so many times the operations; else the Program stays whole."""

FREE = UNCOUNTED | {"part"}
"""What is not counted as an operation."""


def parts(program: Program) -> list[Program]:
    """The Programs whose kernels together fill the results, in any order.

    Each has the same groups and the same results, so that all kernels take the same arguments,
    and stores some of the entries: those of a run of stores as they stand in the code.

    Args:
        program: as it is lowered.

    Returns:
        The Program alone, if it is small or cutting it would compute too much twice.
    """
    code = program.code
    counted = [op not in FREE for op, _, _ in code]
    stores = program.counts["store"]
    if sum(counted) <= LONGEST and stores <= MOST_STORES:
        return [program]
    most = -(-stores // -(-stores // MOST_STORES))  # parts of equal length
    runs = _runs(code, counted, most)
    made = [replace(program, code=tuple(needed(code, stores=run))) for run in runs]
    together = sum(op not in FREE for part in made for op, _, _ in part.code)
    return made if together <= TWICE * sum(counted) else [program]


def _runs(code: Sequence[Instruction], counted: Sequence[bool], most: int) -> list[list[int]]:
    """The stores in their order, in runs that are not too long and do not need too much."""
    runs: list[list[int]] = []
    there, size = bytearray(len(code)), 0
    for index, (op, _, _) in enumerate(code):
        if op != "store":
            continue
        size += _added(code, index, there, counted)
        if not runs or len(runs[-1]) == most or size > MOST_OPERATIONS:
            runs.append([])
            there = bytearray(len(code))
            size = _added(code, index, there, counted)
        runs[-1].append(index)
    return runs


def _added(
    code: Sequence[Instruction], start: int, there: bytearray, counted: Sequence[bool]
) -> int:
    """The operations that an instruction needs and that are not there yet; they are then."""
    count, stack = 0, [start]
    while stack:
        index = stack.pop()
        if not there[index]:
            there[index] = True
            count += counted[index]
            stack += code[index].args
    return count
