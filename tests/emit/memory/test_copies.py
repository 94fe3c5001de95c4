"""The code that kernels share copies every number of columns and points, in both directions."""

from __future__ import annotations

import ctypes
from functools import cache

import numpy as np
import pytest
from llvmlite import ir

from symgrad.emit.kernels.kernel import compile_copies, emit_copies, vector_bytes
from symgrad.emit.llvm.cache_lines import CACHE_LINE
from symgrad.emit.memory.copies import (
    CLOSE,
    COPY,
    declare_copy,
    declare_past,
    define_copies,
    largest_block,
)
from symgrad.emit.target import ITEMSIZE
from symgrad.runtime import load

GUARD = -7.0


@cache
def code(dtype):
    return compile_copies(emit_copies(dtype, vector_bytes() // ITEMSIZE[dtype]))


@cache
def copy(dtype, columns, inward):
    """The function that a kernel of so many columns calls."""
    lanes = vector_bytes() // ITEMSIZE[dtype]
    return linked(dtype, declare_copy(ir.Module("test"), columns, lanes, inward=inward).name)


@cache
def linked(dtype, name):
    """A function of the shared code."""
    address = load._link([code(dtype)], name)
    assert address, name
    integer, pointer = ctypes.c_int64, ctypes.c_void_p
    kinds = [pointer if isinstance(kind, ir.PointerType) else integer for kind in COPY.args]
    return ctypes.CFUNCTYPE(None, *kinds)(address)


@pytest.mark.parametrize("dtype", ITEMSIZE)
@pytest.mark.parametrize("columns", [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 33])
@pytest.mark.parametrize(("apart", "gap"), [(1, 0), (1, 1), (2, 1)])
def test_tiles_are_copied_there_and_back(dtype, columns, apart, gap, rng):
    item = ITEMSIZE[dtype]
    for count in (1, 2, 7, 8, 19, 32):
        filled, pitch = -(-count // 16) * 16, 40
        # Rows may be longer than their entries, and something stands behind each tile.
        array = rng.normal(size=(count + 1, (columns + gap) * apart)).astype(dtype)
        points = array[:count, : columns * apart : apart]
        tile = np.full((columns + 1, pitch), GUARD, dtype)
        strides = (array.strides[0], item * apart)
        sizes = (pitch * item, columns, count)
        copy(dtype, columns, True)(array.ctypes.data, *strides, tile.ctypes.data, *sizes, filled)
        np.testing.assert_array_equal(tile[:-1, :count], points.T)
        np.testing.assert_array_equal(
            tile[:-1, count:filled], np.tile(points[-1], (filled - count, 1)).T
        )
        assert (tile[:-1, filled:] == GUARD).all()
        assert (tile[-1] == GUARD).all()
        back = np.full_like(array, GUARD)
        copy(dtype, columns, False)(back.ctypes.data, *strides, tile.ctypes.data, *sizes, count)
        np.testing.assert_array_equal(back[:count, : columns * apart : apart], points)
        back[:count, : columns * apart : apart] = GUARD
        assert (back == GUARD).all()


@pytest.mark.skipif(vector_bytes() != CACHE_LINE, reason="a register is no cache line here")
@pytest.mark.parametrize("dtype", ITEMSIZE)
@pytest.mark.parametrize("columns", CLOSE)
def test_a_few_columns_are_joined_past_the_cache(dtype, columns, rng):
    item, pitch = ITEMSIZE[dtype], 40
    past = linked(dtype, declare_past(ir.Module("test"), columns).name)
    for count in (1, 7, 16, 32, 35):
        memory = np.full(64 + (count + 1) * columns * item, 1, np.uint8)
        begin = -memory.ctypes.data % CACHE_LINE
        rows = memory[begin : begin + (count + 1) * columns * item].view(dtype)
        rows[...] = GUARD
        tile = rng.normal(size=(columns, pitch)).astype(dtype)
        sizes = (pitch * item, columns, count, count)
        past(rows.ctypes.data, columns * item, item, tile.ctypes.data, *sizes)
        rows = rows.reshape(-1, columns)
        np.testing.assert_array_equal(rows[:count], tile[:, :count].T)
        assert (rows[count] == GUARD).all()


def test_every_kind_has_a_name_of_its_own():
    names = [emit_copies(dtype, lanes).name for dtype in ITEMSIZE for lanes in (2, 4, 8)]
    assert len(set(names)) == len(names)


def test_as_much_is_asked_for_as_is_read():
    lanes = vector_bytes() // 8
    module = ir.Module("copies")
    define_copies(module, "float64", lanes)
    side = largest_block(lanes, inward=True)
    # A loop over whole blocks, and one block of half as many columns or of as many behind it.
    for columns, read in ((2, 2), (3, 3), (5, 5), (8, side + max(side // 2, 2) + side)):
        text = str(module.globals[declare_copy(module, columns, lanes, inward=True).name])
        asked = text.count('call void @"llvm.prefetch.p0"') * CACHE_LINE
        assert read * lanes * 8 <= asked < read * lanes * 8 + CACHE_LINE * 3
