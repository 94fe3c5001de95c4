"""Arrays of a kernel: any number of columns, rows that are written past the cache."""

from __future__ import annotations

import numpy as np
import pytest

from symgrad.emit.memory.scratch import short_points
from tests.emit.kernels.test_kernel import assert_same_bits, load_program
from tests.emit.kernels.test_loop import GUARD, c_order, padded_rows, points_last, program

COLUMNS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 15, 16, 17, 23, 31, 33)


@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_any_number_of_columns_is_read_and_written_with_points_first(columns, dtype):
    kernel = load_program(program(columns, 2, (columns,)), dtype)
    rng = np.random.default_rng(columns)
    for count in (3, 64, 77):
        points = rng.normal(size=(count, columns)).astype(dtype)
        shared = np.broadcast_to(np.array([0.5, -1.25], dtype), (count, 2))
        made = []
        for layout in (points_last, c_order, padded_rows):
            _, given = layout(points.shape, dtype)
            given[...] = points
            memory, result = layout(points.shape, dtype)
            kernel([given, shared], [result])
            made.append(result.copy())
            result[...] = GUARD
            assert (memory == GUARD).all(), "memory outside the result was written"
        for other in made[1:]:
            assert_same_bits(other, made[0])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_rows_begin_anywhere_in_their_cache_lines(dtype):
    made = program(3, 2, (1, 5, 30))
    kernel = load_program(made, dtype)
    rng = np.random.default_rng(7)
    count = 5 * short_points(made, kernel.target) + 3
    points = rng.normal(size=(count, 3)).astype(dtype)
    shared = np.broadcast_to(np.array([0.5, -1.25], dtype), (count, 2))
    expected = [np.empty((count, width), dtype) for width in (1, 5, 30)]
    kernel([points, shared], expected)
    for shift in range(64 // points.itemsize):
        memories, results = [], []
        for width in (1, 5, 30):
            memory = np.full(count * width + 160, GUARD, dtype)
            first = -memory.ctypes.data % 64 // memory.itemsize + shift
            memories.append(memory)
            results.append(memory[first : first + count * width].reshape(count, width))
        # Two calls, as two threads would share the lines between their points.
        for start, stop in ((count // 3, count), (0, count // 3)):
            kernel([points, shared], results, start=start, stop=stop, stream=1)
        for memory, result, wanted in zip(memories, results, expected, strict=True):
            assert_same_bits(result, wanted)
            result[...] = GUARD
            assert (memory == GUARD).all(), "memory outside the result was written"


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("width", [2, 3])
def test_a_few_columns_are_joined_beside_rows_that_begin_inside_of_lines(width, dtype):
    made = program(3, 2, (width, 8))
    kernel = load_program(made, dtype)
    count = 700
    points = np.random.default_rng(8).normal(size=(count, 3)).astype(dtype)
    shared = np.broadcast_to(np.array([0.5, -1.25], dtype), (count, 2))
    expected = [np.empty((count, size), dtype) for size in (width, 8)]
    kernel([points, shared], expected)
    for shift in (0, 3, 7):
        memory = np.full(count * width + 8 * 768 + 200, GUARD, dtype)
        first = -memory.ctypes.data % 64 // memory.itemsize
        rows = memory[first : first + count * width].reshape(count, width)
        first += count * width + -count * width % 16 + shift
        last = memory[first : first + 768 * 8].reshape(8, 768)[:, :count].T
        kernel([points, shared], [rows, last], stream=1)
        for result, wanted in zip((rows, last), expected, strict=True):
            assert_same_bits(result, wanted)
            result[...] = GUARD
        assert (memory == GUARD).all(), "memory outside the results was written"


def test_a_result_may_have_no_entries():
    made = program(3, 2, (1, 0))
    kernel = load_program(made)
    points, shared = np.ones((70, 3)), np.broadcast_to([0.5, -1.25], (70, 2))
    results = [np.empty((70, 1)), np.empty((70, 0))]
    for stream in (0, 1):
        kernel([points, shared], results, stream=stream)
    assert (results[0] == results[0][0]).all()
