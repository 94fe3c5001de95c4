"""Results that are stored around the pieces: shifted into whole lines."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
from llvmlite import ir

from symgrad.emit.kernels.assemble import new_module, object_code
from symgrad.emit.kernels.kernel import vector_bytes
from symgrad.emit.llvm.control import POINTER
from symgrad.emit.llvm.instructions import SCALAR
from symgrad.emit.pieces.returned import store_shifted
from symgrad.emit.target import ITEMSIZE, Target
from symgrad.runtime import load

LINE = 64


@pytest.mark.skipif(vector_bytes() < LINE, reason="a vector is no whole line")
@pytest.mark.parametrize("dtype", ITEMSIZE)
@pytest.mark.parametrize("registers", [1, 2])
def test_lines_hold_the_end_of_one_register_and_the_beginning_of_the_next(dtype, registers):
    lanes = LINE // ITEMSIZE[dtype]
    target = Target("cpu", registers * lanes, dtype, "high", registers * lanes, lanes)
    module = new_module()
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER] * 3), "shifted")
    builder = ir.IRBuilder(function.append_basic_block())
    source, before, place = function.args
    vector, line = (ir.VectorType(SCALAR[dtype], n) for n in (registers * lanes, lanes))
    value = builder.load(source, typ=vector, align=ITEMSIZE[dtype])
    kept = builder.load(before, typ=line, align=ITEMSIZE[dtype])
    last = store_shifted(builder, target, value, place, kept)
    builder.store(last, before, align=ITEMSIZE[dtype])
    builder.ret_void()
    address = load._link([object_code(function, thorough=False)], "shifted")
    call = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3)(address)
    numbers = np.arange(float((registers + 1) * lanes)).astype(dtype)
    for begins in range(lanes):
        memory = np.full((registers + 3) * lanes, -1, dtype)
        first = (-memory.ctypes.data % LINE) // memory.itemsize
        earlier, values = numbers[:lanes].copy(), numbers[lanes:].copy()
        here = memory[first + begins :]
        call(values.ctypes.data, earlier.ctypes.data, here.ctypes.data)
        expected = numbers[lanes - begins : -begins or None]
        np.testing.assert_array_equal(memory[first : first + registers * lanes], expected)
        assert (memory[:first] == -1).all()
        assert (memory[first + registers * lanes :] == -1).all()
        np.testing.assert_array_equal(earlier, numbers[-lanes:])
