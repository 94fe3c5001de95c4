"""Rows past the cache: every number of columns, and nothing beside them."""

from __future__ import annotations

import numpy as np
import pytest

from symgrad.emit.kernels.kernel import vector_bytes
from symgrad.emit.llvm.cache_lines import CACHE_LINE
from symgrad.emit.memory.copies import ROWS
from symgrad.emit.memory.rows import writes_rows
from tests.emit.memory.test_copies import GUARD, linked

pytestmark = pytest.mark.skipif(vector_bytes() != CACHE_LINE, reason="a register is no cache line")

LINE = CACHE_LINE // 8


@pytest.mark.parametrize("columns", [*range(LINE, 3 * LINE + 2), 63, 64])
def test_rows_are_written_from_a_line_on(columns, rng):
    write, pitch = linked("float64", ROWS), 40
    for count in (1, 7, 8, 16, 27, 32):
        memory = np.full((count + 2) * columns + 3 * LINE, GUARD)
        first = -memory.ctypes.data % CACHE_LINE // 8 + LINE
        rows = memory[first : first + count * columns].reshape(count, columns)
        tile = rng.normal(size=(columns, pitch))
        sizes = (8 * pitch, columns, count, count)
        write(rows.ctypes.data, 8 * columns, 8, tile.ctypes.data, *sizes)
        np.testing.assert_array_equal(rows, tile[:, :count].T)
        rows[...] = GUARD
        assert (memory == GUARD).all(), "memory outside of the rows was written"


def test_rows_that_fill_a_line_are_written_so_in_double_precision():
    assert writes_rows("float64", LINE, LINE)
    assert not writes_rows("float64", LINE, LINE - 1)
    assert not writes_rows("float64", LINE // 2, 100)
    assert not writes_rows("float32", 2 * LINE, 100)
