"""Runs: whole lines of every row wherever it begins, all points once, and nothing outside."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from symgrad.emit.kernels.kernel import cpu_target, emit_kernel, llvm_text
from symgrad.emit.memory.array import CROWD, PAGE, RUN_ALWAYS, RUN_COLUMNS
from symgrad.emit.memory.runs import CACHE_LINE, RUN_BYTES, run_pitch, run_points
from symgrad.emit.memory.scratch import scratch_layout
from symgrad.emit.providers import provider
from symgrad.emit.target import ITEMSIZE
from symgrad.ir.program import HEADER
from symgrad.tiers import load_kernel
from tests.emit.kernels.test_kernel import Loaded, assert_same_bits, load_program
from tests.emit.kernels.test_loop import GUARD, given, program

WIDTHS = (1, 4, 19)


@pytest.fixture(scope="module", params=ITEMSIZE)
def kernel(request):
    return load_program(program(widths=WIDTHS), request.param)


def rows(points, columns, dtype, row, offset):
    """Points last, ``row`` values apart, the first ``offset`` values behind a page's begin."""
    memory = np.full(columns * row + 2 * 4096, GUARD, dtype)
    first = (-memory.ctypes.data % 4096) // memory.itemsize + offset
    return memory, memory[first : first + columns * row].reshape(columns, row)[:, :points].T


def expected(kernel, points, parameters):
    """The results in new C-ordered arrays, without streaming."""
    made = [np.full((len(points), w), GUARD, kernel.target.dtype) for w in WIDTHS]
    kernel([points, parameters], made)
    return made


def assert_filled(kernel, inputs, wanted, places, start, stop):
    """The points from start to stop get their values when streamed, and nothing else a value."""
    kernel(inputs, [view for _, view in places], start=start, stop=stop, stream=1)
    for (memory, view), values in zip(places, wanted, strict=True):
        assert_same_bits(view[start:stop], values[start:stop])
        view[start:stop] = GUARD
        assert (memory == GUARD).all(), "memory outside the result was written"


@pytest.mark.parametrize("offset", range(9))
@pytest.mark.parametrize("row", [1001, 1002, 1004, 1007, 1008, 1024, 2048])
def test_rows_may_begin_anywhere(kernel, row, offset):
    inputs = given(kernel, 1001)
    wanted = expected(kernel, *inputs)
    places = [rows(1001, w, kernel.target.dtype, row, offset) for w in WIDTHS]
    for start, stop in ((0, 1001), (0, 1000), (3, 997)):
        assert_filled(kernel, inputs, wanted, places, start, stop)


@pytest.mark.parametrize("row", [401, 512])
def test_a_few_points_do_not_touch_their_neighbours(kernel, row):
    inputs = given(kernel, 400)
    wanted = expected(kernel, *inputs)
    places = [rows(400, w, kernel.target.dtype, row, 3) for w in WIDTHS]
    for start in range(17):
        for count in (0, 1, 2, 5, 8, 15, 16, 17, 63, 64, 65, 127, 128, 129, 257, 300):
            assert_filled(kernel, inputs, wanted, places, start, start + count)


def test_results_may_begin_at_different_places(kernel):
    # The largest decides how many points the first tile has; the others' lines begin elsewhere.
    inputs = given(kernel, 900)
    wanted = expected(kernel, *inputs)
    for largest in range(9):
        for others in range(9):
            offsets = (others, (others + 3) % 9, largest)
            places = [
                rows(900, w, kernel.target.dtype, 1008, offset)
                for w, offset in zip(WIDTHS, offsets, strict=True)
            ]
            assert_filled(kernel, inputs, wanted, places, 0, 900)


def test_rows_may_stand_in_reverse(kernel):
    inputs = given(kernel, 333)
    wanted = expected(kernel, *inputs)
    places = []
    for width in WIDTHS:
        memory, view = rows(333, width, kernel.target.dtype, 337, 1)
        places.append((memory, view[:, ::-1]))
    assert_filled(kernel, inputs, wanted, places, 0, 333)


def test_chunks_that_meet_inside_a_line_keep_each_others_points(kernel):
    inputs = given(kernel, 1001)
    wanted = expected(kernel, *inputs)
    for order in (1, -1):
        places = [rows(1001, w, kernel.target.dtype, 1001, 0) for w in WIDTHS]
        for start, stop in ((0, 331), (331, 335), (335, 1001))[::order]:
            kernel(inputs, [v for _, v in places], start=start, stop=stop, stream=1)
        for (_, view), values in zip(places, wanted, strict=True):
            assert_same_bits(view, values)


@pytest.mark.parametrize("dtype", ITEMSIZE)
def test_vectors_of_half_a_line_can_write_whole_ones(dtype):
    made = program(widths=(1, 2, RUN_ALWAYS))
    usual = cpu_target(made, dtype, "high")
    lanes = CACHE_LINE // usual.itemsize // 2
    target = replace(usual, lanes=lanes, width=lanes)
    kernel = emit_kernel(made, target)
    assert "sg.runs" in llvm_text(made, target)
    half = Loaded(load_kernel(kernel, provider.prepare), kernel, target)
    inputs = given(half, 700)
    wanted = [np.full((700, w), GUARD, dtype) for w in (1, 2, RUN_ALWAYS)]
    half([*inputs], wanted)
    for row, offset in ((701, 0), (704, 3), (1024, 0), (1024, 5)):
        places = [rows(700, w, dtype, row, offset) for w in (1, 2, RUN_ALWAYS)]
        for start, stop in ((0, 700), (3, 6), (5, 690)):
            assert_filled(half, inputs, wanted, places, start, stop)


CROWDED = (1, CROWD + 1, 2 * CROWD + 1)


@pytest.fixture(scope="module", params=ITEMSIZE)
def crowding(request):
    """A kernel of results of which many may share a place in the cache, and page's numbers."""
    made = load_program(program(widths=CROWDED), request.param)
    return made, PAGE // made.target.itemsize


@pytest.mark.parametrize("offset", [0, 3])
def test_rows_that_crowd_the_cache_are_written_in_runs_through_it(crowding, offset):
    kernel, page = crowding
    count = 2 * page - 10
    inputs = given(kernel, count)
    wanted = [np.full((count, w), GUARD, kernel.target.dtype) for w in CROWDED]
    kernel(inputs, wanted)
    for row in (2 * page, count + 5):
        places = [rows(count, w, kernel.target.dtype, row, offset) for w in CROWDED]
        for start, stop in ((0, count), (3, 6), (5, count - 9), (0, 1), (64, 200)):
            kernel(inputs, [v for _, v in places], start=start, stop=stop)
            for (memory, view), values in zip(places, wanted, strict=True):
                assert_same_bits(view[start:stop], values[start:stop])
                view[start:stop] = GUARD
                assert (memory == GUARD).all(), "memory outside the result was written"


def test_rows_crowd_the_cache_a_page_apart_and_many_half_a_page(crowding):
    kernel, page = crowding
    layout, slots, _ = scratch_layout(program(widths=CROWDED), kernel.target)
    scratch = kernel.code.scratch.memory[HEADER:][layout[-1].offset : slots]

    def gathers(row):
        places = [rows(page // 4, w, kernel.target.dtype, row, 0) for w in CROWDED]
        scratch[:] = 0
        kernel(given(kernel, page // 4), [view for _, view in places])
        return scratch.any()

    assert all(gathers(row) for row in (page // 2, page, 3 * page // 2, 2 * page))
    assert not any(gathers(row) for row in (page // 4, page + 8, page - 8, 2 * page + page // 4))


def test_few_results_need_no_runs():
    for widths in ((1,), (RUN_COLUMNS - 1,), (RUN_COLUMNS,), (4, RUN_COLUMNS - 4)):
        made = program(widths=widths)
        text = llvm_text(made, cpu_target(made, "float64", "high"))
        called = text.count('call void @"sg.runs"')
        # Once for the rows of every result where points come first.
        assert called == len(widths) * (2 if sum(widths) >= RUN_COLUMNS else 1)


def test_a_run_fits_a_scratch_column_beside_what_is_left_of_a_line():
    target = cpu_target(program(), "float64", "high")
    for itemsize, dtype in ((8, "float64"), (4, "float32")):
        line = CACHE_LINE // itemsize
        for width in (line, 2 * line):
            lengths = set()
            for tile in range(width, 300, width):
                one = replace(target, dtype=dtype, width=width, tile=tile)
                points = run_points(one)
                assert points % width == 0
                assert 0 <= points * itemsize <= RUN_BYTES
                assert run_pitch(one) // CACHE_LINE % 2 == 1
                if points:
                    assert run_pitch(one) <= tile * itemsize
                lengths.add(points * itemsize)
            assert {0, RUN_BYTES} <= lengths
