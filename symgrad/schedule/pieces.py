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


ZEROS = 16
"""This many stores of structural zeros become a piece of their own, and do not count as memory that
the others touch: targets fill rows of them in loops."""


def cut(code: Sequence[Instruction], zeros: int | None = None) -> tuple[int, ...]:
    """The index of the first instruction of each piece.

    Values that cross from one piece to a later one go through memory, so a program is only cut
    when it is long or touches memory often.

    Args:
        code: the instructions.
        zeros: where the stores of structural zeros begin, which are the last instructions.
    """
    length = len(code)
    apart = zeros is not None and 0 < zeros < length - ZEROS
    if zeros is not None and apart:
        length = zeros
    memory = sum(instruction.op in ("load", "store") for instruction in code[:length])
    short = memory <= MEMORY_LIMIT and length <= LENGTH_LIMIT
    pieces = (0,) if short else tuple(range(0, length, PIECE_LENGTH))
    return (*pieces, length) if apart else pieces
