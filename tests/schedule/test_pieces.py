"""Only long programs and those that touch memory often are cut."""

from __future__ import annotations

import pytest

from symgrad.ir.program import Instruction
from symgrad.schedule import pieces
from symgrad.schedule.pieces import cut

LOAD = Instruction("load", (), (0, 0))
SINE = Instruction("sin", (0,))
STORE = Instruction("store", (0,), (0, 0))


def arithmetic(count):
    return [LOAD, *[SINE] * (count - 1)]


def memory(count):
    return [LOAD, *[STORE] * (count - 1)]


@pytest.mark.parametrize(
    "code",
    [[], [LOAD], arithmetic(1_500), arithmetic(pieces.LENGTH_LIMIT), memory(pieces.MEMORY_LIMIT)],
    ids=["empty", "one", "short", "longest", "most memory"],
)
def test_an_ordinary_program_is_one_piece(code):
    assert cut(code) == (0,)


@pytest.mark.parametrize(
    "code",
    [
        arithmetic(pieces.LENGTH_LIMIT + 1),
        memory(pieces.MEMORY_LIMIT + 1),
        [*memory(pieces.MEMORY_LIMIT + 1), *arithmetic(5_000)],
    ],
    ids=["long", "much memory", "both"],
)
def test_pieces_cover_a_long_program_and_none_is_longer_than_the_limit(code):
    starts = cut(code)
    assert starts[0] == 0
    assert len(starts) > 1
    assert starts[-1] < len(code)
    sizes = [b - a for a, b in zip(starts, [*starts[1:], len(code)], strict=True)]
    assert min(sizes) > 0
    assert max(sizes) <= pieces.PIECE_LENGTH
    assert sum(sizes) == len(code)


def test_loads_and_stores_both_count_as_memory():
    half = pieces.MEMORY_LIMIT // 2
    code = [*[LOAD] * half, *[STORE] * half]
    assert cut(code) == (0,)
    assert len(cut([*code, LOAD])) > 1


def test_many_structural_zeros_are_a_piece_of_their_own():
    code = [Instruction("load", (), (0, 0))] * 5 + [Instruction("store", (0,), (0, 0))] * 40
    assert cut(code, 5) == (0, 5)
    assert cut(code, 40) == (0,)
    assert cut(code, 0) == (0,)
    assert cut(code) == (0,)
