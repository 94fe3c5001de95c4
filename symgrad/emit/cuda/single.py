"""Routines that a kernel in single precision computes in single precision, where it calls them.

A routine is a function of doubles, of which many GPUs compute one where they compute 64 floats. The
derivative of tanh is ``sech**2``, that of erf has ``exp_minus_square``: networks and densities are
full of them, and their definitions hold their digits in either precision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from symgrad.ir.program import Instruction, Program, Routine

SINGLE: Mapping[str, float] = {
    "sech": 5.0,
    "exp_minus_square": 5.0,
    "exp_minus_square_slope": 6.0,
}
"""Rows whose definitions are as good in single precision, and what they miss by at most, in ulp.

The row's own bound is for an exponential within 1 ulp; NVIDIA's is within 2.
"""


def in_single(program: Program) -> Program:
    """The program with the code of those routines in place of their calls.

    Args:
        program: lowered otherwise, as their products and sums must not be contracted.
    """
    bodies = {one.name: one.code for one in program.routines if one.name in SINGLE}
    if not bodies.keys() & program.counts.keys():
        return program
    made: list[Instruction] = []
    place: list[int] = []
    for op, args, data in program.code:
        given = [place[argument] for argument in args]
        if op in bodies:
            place.append(_inlined(made, bodies[op], given))
        else:
            place.append(len(made))
            made.append(Instruction(op, tuple(given), data))
    return replace(program, code=tuple(made), routines=_called(made, program.routines))


def _inlined(made: list[Instruction], body: Sequence[Instruction], given: Sequence[int]) -> int:
    """Add a routine's code at given values; where its own value is."""
    place: list[int] = []
    for op, args, data in body:
        if op == "load":
            place.append(given[data[1]])
        elif op == "store":
            place.append(place[args[0]])
        else:
            place.append(len(made))
            made.append(Instruction(op, tuple([place[argument] for argument in args]), data))
    return place[-1]


def _called(code: Sequence[Instruction], routines: Sequence[Routine]) -> tuple[Routine, ...]:
    """The routines that code calls, and those that they call."""
    wanted = {instruction.op for instruction in code}
    kept = []
    for routine in reversed(routines):
        if routine.name in wanted:
            kept.append(routine)
            wanted.update(i.op for part in (routine.code, *routine.bodies) for i in part)
    return tuple(reversed(kept))
