"""The loop of sums: a row of each result for every block of points."""

from __future__ import annotations

import numpy as np
import pytest

from symgrad.emit.kernel import cpu_target, emit_kernel
from symgrad.emit.reduction import BLOCK
from symgrad.emit.scratch import scratch_layout
from symgrad.runtime.threads import CHUNK
from symgrad.tiers import load_kernel
from tests.emit.test_loop import program


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
    layout, slots, total = scratch_layout(made, target)
    register = target.lanes * target.itemsize
    assert layout[3].offset - layout[2].offset == register
    assert slots - layout[3].offset == 300 * register
    assert all(columns.rows is None for columns in layout)
    assert total >= slots


def test_chunks_of_a_batch_are_whole_blocks():
    assert CHUNK % BLOCK == 0
