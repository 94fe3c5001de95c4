"""Scratch memory: tiles fit their cache, nothing overlaps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from symgrad.emit.kernels.kernel import cpu_target
from symgrad.emit.memory.scratch import (
    MAX_TILE,
    ROWS_BYTES,
    SCRATCH_BYTES,
    SHORT_BYTES,
    scratch_layout,
    short_pitch,
    short_points,
    spill_slots,
    tile_points,
)
from symgrad.ir.program import Group, Program, Result
from tests.emit.kernels.test_kernel import Builder
from tests.emit.kernels.test_loop import program


@pytest.mark.parametrize("itemsize", [4, 8])
@pytest.mark.parametrize("width", [2, 4, 8, 16])
def test_tiles_are_whole_vectors_that_fit_the_scratch_memory(width, itemsize):
    for columns in (1, 2, 30, 200, 3_000):
        made = program(columns=columns, widths=(columns,))
        points = tile_points(made, width, itemsize)
        assert points % width == 0
        assert width <= points <= MAX_TILE
        all_columns = 2 * columns + 2
        assert points == width or points * all_columns * itemsize <= SCRATCH_BYTES


def test_scratch_columns_do_not_overlap():
    made = program()
    target = cpu_target(made, "float64", "high")
    layout, spill, total = scratch_layout(made, target)
    assert [columns.count for columns in layout] == [3, 2, 1, 4, 11]
    end = 0
    for columns in layout:
        assert columns.offset == end
        assert columns.offset % 64 == 0
        end += columns.count * target.tile * target.itemsize
    assert spill == end  # one piece spills nothing
    assert [columns.rows is not None for columns in layout] == [False, False, True, True, True]
    short = short_points(made, target) * target.itemsize
    for columns in layout[2:]:
        assert columns.rows % 64 == 0
        assert columns.rows - 64 >= end, "what is left of a line stands in front of the rows"
        end = columns.rows + short * columns.count
    assert end == total


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("columns", [1, 2, 30, 200, 3_000])
def test_short_tiles_fit_the_first_cache_in_columns_an_odd_number_of_lines_apart(columns, dtype):
    made = program(columns=columns, widths=(columns,))
    target = cpu_target(made, dtype, "high")
    points, pitch = short_points(made, target), short_pitch(made, target)
    assert points % target.width == 0
    assert target.width <= points <= target.tile
    size = points * target.itemsize
    assert points == target.width or size * (2 * columns + 2) <= SHORT_BYTES
    assert size <= pitch <= target.tile * target.itemsize
    assert pitch // 64 % 2 == 1 or pitch == target.tile * target.itemsize


def test_rows_that_are_too_large_are_not_gathered():
    made = program(columns=3, widths=(2, 2_000))
    target = cpu_target(made, "float64", "high")
    small, large = scratch_layout(made, target)[0][2:]
    assert small.rows is not None
    assert short_points(made, target) * 2_000 * target.itemsize > ROWS_BYTES
    assert large.rows is None


def test_values_cross_pieces_through_slots_and_what_is_cheap_is_made_again():
    do = Builder()
    x = do("load", data=(0, 0))
    two, yes = do("constant", data=2.0), do("boolean", data=True)
    sine = do("sin", x)
    near = do("mul", sine, two)
    far = do("add", near, do("mul", x, two))  # second piece from here on
    do("store", do("select", yes, far, sine), data=(0, 0))
    code = tuple(do.code)
    program = Program((Group("inputs", ("x",)),), (Result("value", ()),), code, (0, 5))
    assert spill_slots(program) == {near: 0, sine: 1}
    assert spill_slots(replace(program, pieces=(0,))) == {}
