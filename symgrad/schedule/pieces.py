"""Cut long programs into pieces that the compiler handles in linear time."""

from __future__ import annotations

from collections.abc import Sequence

from symgrad.ir.program import Instruction

MEMORY_LIMIT = 1_500
"""Above this many loads and stores a program is cut: LLVM's memory passes are superlinear."""

LENGTH_LIMIT = 20_000
"""Above this many instructions a program is cut."""

PIECE_LENGTH = 1_000
"""Instructions of a piece."""


def cut(code: Sequence[Instruction]) -> tuple[int, ...]:
    """The index of the first instruction of each piece.

    Values that cross from one piece to a later one go through memory, so a program is only cut
    when it is long or touches memory often.
    """
    memory = sum(instruction.op in ("load", "store") for instruction in code)
    if memory <= MEMORY_LIMIT and len(code) <= LENGTH_LIMIT:
        return (0,)
    return tuple(range(0, len(code), PIECE_LENGTH))
