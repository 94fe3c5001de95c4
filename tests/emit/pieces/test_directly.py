"""Results past the cache as soon as they are there: the same bits wherever their rows begin."""

from __future__ import annotations

import doctest
from itertools import product

import numpy as np
import pytest

from symgrad.emit.kernels.kernel import cpu_target, llvm_text, vector_bytes
from symgrad.emit.llvm.instructions import SCALAR
from symgrad.emit.llvm.transpose import PICK
from symgrad.emit.pieces import directly
from symgrad.emit.pieces.directly import LOOSE_ROWS, loose_results
from symgrad.emit.target import ITEMSIZE
from symgrad.ir.program import DIRECTLY
from tests.emit.kernels.test_kernel import assert_same_bits, load_program
from tests.emit.kernels.test_loop import GUARD, program

WIDTHS = ((3, 9), (9,), (1, 1, 20))
"""Few rows beside many; one result; few beside so many that they may be written in runs."""

LINE = 64
COUNTS = (*range(1, 41), 63, 64, 65, 100, 127, 200, 255, 256, 257, 300, 512, 777, 1031)


def placed(shape, dtype, begins, gap):
    """Points last, so many values behind a line, and so many between rows: (memory, view)."""
    points, columns = shape
    row = points + gap
    line = LINE // np.dtype(dtype).itemsize
    memory = np.full(columns * row + 5 * line, GUARD, dtype)
    first = (-memory.ctypes.data % LINE) // memory.itemsize + 2 * line + begins
    return memory, memory[first : first + columns * row].reshape(columns, row)[:, :points].T


def check(kernel, widths, count, begins, gap, points, parameters, wanted):
    dtype = kernel.target.dtype
    places = [
        placed((count, width), dtype, begin, gap)
        for width, begin in zip(widths, begins, strict=True)
    ]
    kernel([points[:count], parameters[:count]], [view for _, view in places], stream=DIRECTLY)
    for (memory, view), values in zip(places, wanted, strict=True):
        assert_same_bits(view, values[:count])
        view[...] = GUARD
        assert (memory == GUARD).all(), "memory outside the result was written"


@pytest.fixture(scope="module", params=list(product(WIDTHS, ITEMSIZE)), ids=str)
def case(request):
    """A kernel, points and parameters (points last), and its results in C-ordered arrays."""
    widths, dtype = request.param
    kernel = load_program(program(widths=widths), dtype)
    rng = np.random.default_rng(7)
    points, parameters = (rng.normal(size=(n, max(COUNTS))).astype(dtype).T for n in (3, 2))
    wanted = [np.empty((max(COUNTS), width), dtype) for width in widths]
    kernel([points, parameters], wanted)
    return kernel, widths, points, parameters, wanted


def test_results_may_begin_anywhere_in_their_lines(case):
    kernel, widths, *given = case
    line = LINE // kernel.target.itemsize
    places = list(product(range(line), repeat=2))
    for index, (first, other) in enumerate(places):
        begins = [first, *[other] * (len(widths) - 1)]
        for turn in range(4):
            count = COUNTS[(index * 4 + turn) % len(COUNTS)]
            # Rows that begin alike, if the gap makes them whole lines; and rows that do not.
            gap = (-count % line, 5)[turn % 2]
            check(kernel, widths, count, begins, gap, *given)


def test_any_number_of_points_is_right(case):
    kernel, widths, *given = case
    line = LINE // kernel.target.itemsize
    for count in COUNTS:
        for gap in (-count % line, 1):
            check(kernel, widths, count, [3, 0, 6][: len(widths)], gap, *given)


def test_parameters_that_all_points_share_are_no_hindrance(case):
    kernel, widths, points, parameters, _ = case
    shared = np.broadcast_to(parameters[5], parameters.shape)
    wanted = [np.empty((len(points), width), kernel.target.dtype) for width in widths]
    kernel([points, shared], wanted)
    for count in (1, 17, 300):
        check(kernel, widths, count, [2, 5, 1][: len(widths)], 3, points, shared, wanted)


def test_points_of_another_layout_are_copied_in_short_tiles(case):
    kernel, widths, points, parameters, wanted = case
    first = np.ascontiguousarray(points)
    for count in (5, 300, 1031):
        check(kernel, widths, count, [1, 4, 0][: len(widths)], 0, first, parameters, wanted)


def test_parts_of_a_batch_leave_each_other_alone(case):
    kernel, widths, points, parameters, wanted = case
    dtype, count = kernel.target.dtype, 900
    places = [
        placed((count, width), dtype, begins, 3)
        for width, begins in zip(widths, (1, 6, 3), strict=False)
    ]
    views = [view for _, view in places]
    for start, stop in ((301, 650), (0, 301), (650, 651), (651, 900)):
        kernel([points, parameters], views, start=start, stop=stop, stream=DIRECTLY)
    for (memory, view), values in zip(places, wanted, strict=True):
        assert_same_bits(view, values[:count])
        view[...] = GUARD
        assert (memory == GUARD).all()


def test_rows_are_loose_while_they_are_few():
    assert doctest.testmod(directly).failed == 0
    assert loose_results([LOOSE_ROWS]) == frozenset()
    assert loose_results([LOOSE_ROWS, 30]) == {0}
    assert loose_results([LOOSE_ROWS, 30, 1]) == frozenset()
    assert loose_results([1, 30, LOOSE_ROWS - 1]) == {0, 2}


@pytest.mark.skipif(vector_bytes() < LINE, reason="a vector is no whole line")
@pytest.mark.parametrize("dtype", ITEMSIZE)
def test_loose_rows_alone_are_shifted(dtype):
    pick = PICK[str(SCALAR[dtype])]
    for widths, rows in (((3, 9), 3), ((13, 13), 0)):
        made = program(widths=widths)
        target = cpu_target(made, dtype, "high")
        lines = rows * target.width // target.lanes
        text = llvm_text(made, target)
        calls = [x for x in text.splitlines() if pick in x and "call" in x]
        assert len(calls) == lines
