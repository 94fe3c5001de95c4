"""Pieces that take and return vectors: the same bits from and to any layout."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from symgrad.emit.kernels.kernel import cpu_target, emit_kernel, llvm_text, vector_bytes
from symgrad.emit.pieces.turned import FEW, turns
from symgrad.emit.providers.provider import prepare
from symgrad.emit.target import ITEMSIZE
from symgrad.ir.program import DIRECTLY, GATHERED, THROUGH, Group, Program, Result
from symgrad.tiers import load_kernel
from tests.emit.kernels.test_kernel import Builder, Loaded, assert_same_bits, load_program
from tests.emit.kernels.test_loop import GUARD, program
from tests.emit.pieces.test_directly import COUNTS, LINE, placed

CASES = ((3, (1, 4)), (5, (1, 5)), (2, (2,)), (1, (1, 3)), (9, (1, 7)))
"""Columns of the points and of the results; the last points are more than are turned."""

WAYS = (THROUGH, GATHERED, DIRECTLY)


def rows(shape, dtype, begins, _):
    """Points first without gaps, so many values behind a line: (memory, view)."""
    line = LINE // np.dtype(dtype).itemsize
    memory = np.full(shape[0] * shape[1] + 5 * line, GUARD, dtype)
    first = (-memory.ctypes.data % LINE) // memory.itemsize + 2 * line + begins
    return memory, memory[first : first + shape[0] * shape[1]].reshape(shape)


def apart(shape, dtype, begins, gap):
    """Points first with gaps."""
    memory, view = rows((shape[0], shape[1] + 2), dtype, begins, gap)
    return memory, view[:, 1:-1]


LAYOUTS = (rows, placed, apart)


@pytest.fixture(scope="module", params=list(product(CASES, ITEMSIZE)), ids=str)
def case(request):
    """A kernel, points, shared parameters, and results by the pieces that go through memory."""
    (columns, widths), dtype = request.param
    made = program(columns, widths=widths)
    target = cpu_target(made, dtype, "high")
    kernel = emit_kernel(made, replace(target, past_cache_too=False))
    plain = Loaded(load_kernel(kernel, prepare), kernel, target)
    rng = np.random.default_rng(7)
    points = rng.normal(size=(max(COUNTS), columns)).astype(dtype)
    shared = np.broadcast_to(rng.normal(size=2).astype(dtype), (max(COUNTS), 2))
    wanted = [np.empty((max(COUNTS), width), dtype) for width in widths]
    plain([points, shared], wanted)
    return load_program(made, dtype), widths, points, shared, wanted


def check(case, count, stream, layouts, begins, parts=None):
    kernel, widths, points, shared, wanted = case
    dtype = kernel.target.dtype
    source = layouts[0](points[:count].shape, dtype, begins[0], 3)[1]
    source[...] = points[:count]
    places = [
        layouts[1]((count, width), dtype, begin, 3)
        for width, begin in zip(widths, begins[1:], strict=False)
    ]
    views = [view for _, view in places]
    for start, stop in parts or [(0, count)]:
        kernel([source, shared[:count]], views, start=start, stop=stop, stream=stream)
    for (memory, view), values in zip(places, wanted, strict=True):
        assert_same_bits(view, values[:count])
        view[...] = GUARD
        assert (memory == GUARD).all(), "memory outside the result was written"


@pytest.mark.parametrize("stream", WAYS)
def test_any_number_of_points_of_any_layout_is_right(case, stream):
    for index, count in enumerate(COUNTS):
        for place, layouts in enumerate(product(LAYOUTS, LAYOUTS)):
            if (index + place) % 3 == 0 or layouts == (rows, rows):
                check(case, count, stream, layouts, (0, 0, 0))
                check(case, count, stream, layouts, (1, 2, 5))


def test_rows_may_begin_anywhere_in_their_lines(case):
    for index, (first, other) in enumerate(product(range(LINE // 4), repeat=2)):
        count = COUNTS[index % len(COUNTS)]
        check(case, count, DIRECTLY, (rows, rows), (other, first, other))


def test_parts_of_a_batch_leave_each_other_alone(case):
    parts = ((301, 650), (0, 301), (650, 651), (651, 900))
    for stream in WAYS:
        check(case, 900, stream, (rows, rows), (0, 3, 6), parts)


def test_constant_entries_are_written_with_the_others():
    do = Builder()
    x, five = do("load", data=(0, 0)), do("constant", data=5.0)
    for position, value in enumerate((five, do("mul", x, x), five)):
        do("store", value, data=(0, position))
    made = Program((Group("inputs", ("x", "y")),), (Result("r", (3,)),), tuple(do.code))
    kernel = load_program(made)
    points = np.arange(2.0 * 777).reshape(777, 2)
    for layout, stream in product(LAYOUTS, WAYS):
        memory, view = layout((777, 3), "float64", 3, 5)
        kernel([points], [view], stream=stream)
        assert_same_bits(view[:, 1], points[:, 0] ** 2)
        assert (view[:, ::2] == 5).all()
        view[...] = GUARD
        assert (memory == GUARD).all()


def test_short_programs_of_few_results_are_turned():
    assert turns(program(widths=(1, FEW - 1)))
    assert not turns(program(widths=(1, FEW)))
    made = program(widths=(1, 4))
    target = cpu_target(made, "float64", "high")
    asks = ["prefetch" in llvm_text(made, replace(target, past_cache_too=d)) for d in (False, True)]
    assert asks == [False, vector_bytes() == LINE], "these pieces come later"
