"""What depends on parameters alone comes first, in a piece that a kernel runs once a call.

Parameters are mostly shared by a whole batch: a quotient, a root or a function of them need not be
computed for every point. Where they vary from point to point, the piece runs for every vector.
"""

from __future__ import annotations

from dataclasses import replace

from symgrad.ir.program import PARAMETERS, WEIGHTS, Instruction, Program

WORTH = 5
"""Weight from which it pays: a value that is kept is loaded for every vector, as parameters are."""

FUNCTION = 10
"""A function is worth it whatever it costs."""


def parameters_first(program: Program) -> Program:
    """The Program with what depends on parameters alone in its first piece, if it is worth it."""
    groups = [number for number, group in enumerate(program.groups) if group.name == PARAMETERS]
    if not groups:
        return program
    code = program.code
    shared = bytearray(len(code))
    weight = 0
    for index, (op, args, data) in enumerate(code):
        if op == "load":
            shared[index] = data[0] in groups
        elif op in ("constant", "boolean"):
            shared[index] = True
        elif op != "store" and args and all(shared[argument] for argument in args):
            shared[index] = True
            weight += 0 if op == "neg" else WEIGHTS.get(op, FUNCTION)
    if weight < WORTH:
        return program
    moved: set[int] = set()
    for index in reversed(range(len(code))):
        op, args, _ = code[index]
        if shared[index] and args:
            moved.add(index)
        if index in moved:
            moved.update(args)
    order = [*sorted(moved), *[index for index in range(len(code)) if index not in moved]]
    place = {index: position for position, index in enumerate(order)}
    made = [
        Instruction(op, tuple([place[argument] for argument in args]), data)
        for op, args, data in [code[index] for index in order]
    ]
    first = len(moved)
    starts = [first + start - sum(index < start for index in moved) for start in program.pieces]
    pieces = tuple(dict.fromkeys([0, *starts]))
    return replace(program, code=tuple(made), pieces=pieces, shared=True)
