"""Instructions that are more than one line of IR, on vectors of both dtypes."""

from __future__ import annotations

import numpy as np
import pytest
from llvmlite import ir

from symgrad.emit.llvm.instructions import INSTRUCTIONS, SCALAR, splat, splat_truth
from symgrad.ir.fused import fused
from tests.emit.harness import compile_loop


def compiled(op, dtype, arity):
    width = 4

    def define(module):
        vector = ir.VectorType(SCALAR[dtype], width)
        function = ir.Function(module, ir.FunctionType(vector, [vector] * arity), "instruction")
        builder = ir.IRBuilder(function.append_basic_block())
        builder.ret(INSTRUCTIONS[op](builder, *function.args))
        return function

    return compile_loop(define, width, inputs=arity, dtype=dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_sign_hands_zeros_and_nan_on(dtype):
    values = np.array([-2.5, -0.0, 0.0, 3.0, np.inf, -np.inf, np.nan, 1e-40], dtype)
    got = compiled("sign", dtype, 1)(values)
    np.testing.assert_array_equal(got, [-1, 0, 0, 1, 1, -1, np.nan, 1])
    assert np.signbit(got[:3]).tolist() == [True, True, False]


def test_fma_rounds_once(rng):
    a, b = rng.standard_normal((2, 500))
    c = -(a * b)
    got = compiled("fma", "float64", 3)(a, b, c)
    np.testing.assert_array_equal(got, fused(a, b, c))
    assert np.count_nonzero(got) > 400


def test_fma_in_float32(rng):
    a, b = rng.standard_normal((2, 500)).astype(np.float32)
    c = -(a * b)
    got = compiled("fma", "float32", 3)(a, b, c)
    # A product of two floats is a double, and so is what is left of it here.
    np.testing.assert_array_equal(got, (a.astype(float) * b + c).astype(np.float32))
    assert np.count_nonzero(got) > 300


def test_constants_fill_every_lane():
    vector = ir.VectorType(SCALAR["float64"], 4)
    assert [lane.constant for lane in splat(vector, 0.5).constant] == [0.5] * 4
    assert [lane.constant for lane in splat_truth(3, True).constant] == [1] * 3
