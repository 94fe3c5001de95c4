"""The code that kernels share copies every number of columns and points, in both directions."""

from __future__ import annotations

import ctypes
from functools import cache

import numpy as np
import pytest
from llvmlite import ir

from symgrad.emit.copies import COPY, declare_copy
from symgrad.emit.kernel import compile_copies, emit_copies, vector_bytes
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
    name = declare_copy(ir.Module("test"), columns, lanes, inward=inward).name
    address = load._link([code(dtype)], name)
    assert address, name
    integer, pointer = ctypes.c_int64, ctypes.c_void_p
    kinds = [pointer if isinstance(kind, ir.PointerType) else integer for kind in COPY.args]
    return ctypes.CFUNCTYPE(None, *kinds)(address)


@pytest.mark.parametrize("dtype", ITEMSIZE)
@pytest.mark.parametrize("columns", [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33])
@pytest.mark.parametrize("packed", [True, False])
def test_tiles_are_copied_there_and_back(dtype, columns, packed, rng):
    item, apart = ITEMSIZE[dtype], 1 if packed else 2
    for count in (1, 2, 7, 8, 19, 32):
        filled, pitch = -(-count // 16) * 16, 40
        # Rows are longer than their entries, and something stands behind each tile.
        array = rng.normal(size=(count + 1, (columns + 1) * apart)).astype(dtype)
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


def test_every_kind_has_a_name_of_its_own():
    names = [emit_copies(dtype, lanes).name for dtype in ITEMSIZE for lanes in (2, 4, 8)]
    assert len(set(names)) == len(names)
