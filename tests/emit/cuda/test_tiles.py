"""Chunks and slots: every entry once, no two open chunks in one place, constants not too early."""

from __future__ import annotations

import numpy as np
import pytest

from symgrad.emit.cuda.tiles import Chunk, Tiles, arranged, gathered, places
from symgrad.ir.evaluate import numpy_arithmetic, run
from symgrad.ir.program import Group, Program, Result
from symgrad.ir.verify import verify_program
from tests.emit.readable.test_walk import Builder


def shuffled(sizes: tuple[int, ...], seed: int = 0, constants: float = 0.3) -> Program:
    """Results of these sizes, stored in any order: multiples of x, and constants."""
    random = np.random.default_rng(seed)
    do = Builder()
    x = do("load", data=(0, 0))
    entries = [(result, position) for result, size in enumerate(sizes) for position in range(size)]
    for result, position in (entries[k] for k in random.permutation(len(entries))):
        value = do("constant", data=100.0 * result + position + 1)
        if random.random() >= constants:
            value = do("mul", value, x)
        do("store", value, data=(result, position))
    results = tuple(Result(f"u{number}", (size,)) for number, size in enumerate(sizes))
    return Program((Group("inputs", ("x",)),), results, tuple(do.code))


def stores(tiles: Tiles) -> list[tuple[int, int]]:
    return [i.data for i in tiles.program.code if i.op == "store"]


def check_slots(tiles: Tiles) -> None:
    """A slot belongs to one chunk from its first store to its last."""
    order = {place: number for number, place in enumerate(stores(tiles))}
    spans = []
    for chunk in tiles.chunks:
        times = [order[place] for place in places(chunk)]
        spans.append((min(times), max(times), chunk.start, chunk.start + chunk.pitch))
        assert chunk.start >= 0
        assert chunk.start + chunk.pitch <= tiles.size
        assert chunk.width <= chunk.pitch
    for number, (begin, end, low, high) in enumerate(spans):
        for begin2, end2, low2, high2 in spans[:number]:
            assert end < begin2 or end2 < begin or high <= low2 or high2 <= low


@pytest.mark.parametrize("make", [arranged, gathered])
@pytest.mark.parametrize("most", [1, 4, 16, 24])
def test_every_entry_is_in_one_chunk_and_slots_are_apart(make: object, most: int) -> None:
    program = shuffled((1, 2, 5, 16, 25, 48, 3))
    tiles = make(program, most, 10_000)
    found = [place for chunk in tiles.chunks for place in places(chunk)]
    assert sorted(found) == sorted(stores(tiles))
    assert tiles.refused == 0
    assert all(chunk.width <= most for chunk in tiles.chunks)
    check_slots(tiles)


def test_the_program_stays_the_same() -> None:
    program = shuffled((7, 40, 1), seed=3)
    made = arranged(program, 16, 100).program
    verify_program(made)
    x = [[np.array([2.0, -1.5])]]
    before, after = (run(one, {}, x, numpy_arithmetic()) for one in (program, made))
    for left, right in zip(before, after, strict=True):
        np.testing.assert_array_equal(
            np.broadcast_arrays(*left, x[0][0])[:-1], np.broadcast_arrays(*right, x[0][0])[:-1]
        )


def test_constants_wait_until_their_chunk_is_opened() -> None:
    """Zeros of a whole matrix at once: stored where they stand they would take all the room."""
    do = Builder()
    x, zero = do("load", data=(0, 0)), do("constant", data=0.0)
    for position in (1, 3, 5, 6, 7):
        do("store", zero, data=(0, position))
    for position in (0, 2, 4):
        do("store", x, data=(0, position))
    program = Program((Group("inputs", ("x",)),), (Result("u", (8,)),), tuple(do.code))
    tiles = arranged(program, 2, 100)
    assert stores(tiles) == [(0, p) for p in (6, 7, 1, 0, 3, 2, 5, 4)]
    assert tiles.size == 2
    check_slots(tiles)


def test_long_rows_are_cut_where_powers_of_two_end_and_short_ones_are_not() -> None:
    def widths(size: int, most: int) -> list[int]:
        chunks = arranged(shuffled((size,)), most, 10_000).chunks
        return [chunk.width for chunk in sorted(chunks, key=lambda one: one.first)]

    assert widths(24, 24) == [24]
    assert widths(25, 24) == [16, 9]
    assert widths(72, 24) == [16, 16, 16, 16, 8]
    assert widths(9, 4) == [4, 4, 1]


def test_parts_of_a_result_have_chunks_of_what_they_store() -> None:
    do = Builder()
    x = do("load", data=(0, 0))
    for position in (9, 2, 1, 3, 8):
        do("store", x, data=(0, position))
    program = Program((Group("inputs", ("x",)),), (Result("u", (10,)),), tuple(do.code))
    chunks = arranged(program, 16, 100).chunks
    assert sorted(chunk.positions for chunk in chunks) == [(1, 2, 3), (8, 9)]
    (chunk,) = gathered(program, 16, 100).chunks
    assert chunk.positions == (9, 2, 1, 3, 8)
    assert not chunk.neighbours
    assert all(one.neighbours for one in chunks)


def test_chunks_without_room_are_refused() -> None:
    program = shuffled((64, 64), constants=0.0)
    whole = arranged(program, 16, 10_000)
    tiles = arranged(program, 16, whole.size - 17)
    assert tiles.refused > 0
    assert tiles.refused + sum(chunk.width for chunk in tiles.chunks) == 128
    assert tiles.size <= whole.size - 17
    check_slots(tiles)


def test_a_chunk_of_one_entry_always_has_room() -> None:
    tiles = gathered(shuffled((64, 64), constants=0.0), 1, 1)
    assert tiles.refused == 0
    assert tiles.size == 1


def test_short_results_can_do_without() -> None:
    tiles = arranged(shuffled((1, 2)), 16, 100, smallest=2)
    assert {chunk.result for chunk in tiles.chunks} == {1}


def test_no_pitch_is_a_multiple_of_four() -> None:
    for width in range(1, 30):
        (chunk,) = arranged(shuffled((width,)), 32, 100).chunks
        assert chunk.pitch in (width, width + 1)
        assert chunk.pitch % 4
    assert Chunk(0, (3, 4), 2).width == 2
