"""The loop of sums: a row of each result for every block of points."""

from __future__ import annotations

import numpy as np
import pytest

import symgrad as sg
from symgrad.emit.kernels.kernel import cpu_target, emit_kernel
from symgrad.emit.kernels.sums import BLOCK
from symgrad.emit.memory.scratch import SUMS_BYTES, sums_layout, sums_pitch
from symgrad.emit.sums.summands import summands
from symgrad.runtime.threads import CHUNK
from symgrad.tiers import load_kernel
from tests.emit.kernels.test_loop import program


def kernel_of(made, dtype):
    target = cpu_target(made, dtype, "high", reduced=True)
    kernel = emit_kernel(made, target)
    assert kernel.block == BLOCK
    return target, load_kernel(kernel, lambda: None, use_cache=False)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("count", [1, 100, BLOCK, 2 * BLOCK + 77])
def test_every_block_has_its_row(dtype, count):
    made = program(2, 2, (1, 3))
    _, code = kernel_of(made, dtype)
    rng = np.random.default_rng(1)
    x = rng.normal(size=(count, 2)).astype(dtype)
    shared = np.broadcast_to(np.array([0.5, -1.25], dtype), (count, 2))
    kernel, scratch = code.kernel, code.scratch.memory
    blocks = -(-count // BLOCK)
    sums = [np.full((blocks + 1, width), 7.0, dtype) for width in (1, 3)]
    kernel(0, count, 0, scratch, x, shared, *[part[:blocks] for part in sums])
    assert all((part[blocks] == 7.0).all() for part in sums)
    for block in range(blocks):
        part = x[block * BLOCK : (block + 1) * BLOCK]
        alone = [np.empty((1, width), dtype) for width in (1, 3)]
        kernel(0, len(part), 0, scratch, part, shared[: len(part)], *alone)
        for whole, row in zip(sums, alone, strict=True):
            np.testing.assert_array_equal(whole[block], row[0])


def test_sums_take_a_register_for_each_entry():
    made = program(2, 2, (1, 300))
    target = cpu_target(made, "float64", "high", reduced=True)
    layout, slots, total = sums_layout(summands(made), target)
    register = target.lanes * target.itemsize
    assert sum(columns.count for columns in layout[-2:]) >= 301
    assert slots - layout[-1].offset == layout[-1].count * register
    assert all(columns.rows is None for columns in layout)
    assert emit_kernel(made, target).scratch_bytes == total >= slots


def test_tiles_of_columns_fit_the_first_cache_an_odd_number_of_lines_apart():
    names = [f"p{i}" for i in range(9)]
    for dtype in ("float64", "float32"):
        residual = "+".join(f"p{i}*exp(-{i + 1}*x)" for i in range(9))
        fn = sg.compile(
            [residual], "x", "jtj", parameters=names, wrt=names, reduce="normal", dtype=dtype
        )
        target = cpu_target(fn.program, dtype, "high", reduced=True)
        *_, columns, sums = sums_layout(summands(fn.program), target)[0]
        assert columns.count == 9
        assert sums.count > 40
        assert sums.offset - columns.offset == 9 * sums_pitch(target) <= SUMS_BYTES
        assert sums_pitch(target) // 64 % 2 == 1


def test_chunks_of_a_batch_are_whole_blocks():
    assert CHUNK % BLOCK == 0
