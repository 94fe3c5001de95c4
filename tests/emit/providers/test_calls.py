"""Calls of a routine for vectors that are not its own: wider ones, and lanes of float32."""

from __future__ import annotations

import numpy as np
import pytest
from llvmlite import ir

from symgrad.emit.llvm.instructions import SCALAR
from symgrad.emit.providers.calls import Calls, in_parts
from symgrad.ir.program import Instruction
from tests.emit.harness import compile_loop

LANES = 4


def quotient(module):
    """a / (a a + b) on four doubles."""
    vector = ir.VectorType(SCALAR["float64"], LANES)
    function = ir.Function(module, ir.FunctionType(vector, [vector] * 2), "routine")
    builder = ir.IRBuilder(function.append_basic_block())
    a, b = function.args
    builder.ret(builder.fdiv(a, builder.fadd(builder.fmul(a, a), b)))
    return function


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("width", [4, 8, 16, 32])
def test_every_lane_comes_back_where_it_was(dtype, width, rng):
    def define(module):
        whole = ir.VectorType(SCALAR[dtype], width)
        function = ir.Function(module, ir.FunctionType(whole, [whole] * 2), "wide")
        builder = ir.IRBuilder(function.append_basic_block())
        builder.ret(in_parts(builder, quotient(module), function.args))
        return function

    a, b = rng.uniform(1, 2, (2, 3 * width + 1)).astype(dtype)
    got = compile_loop(define, width, inputs=2, dtype=dtype)(a, b)
    wide_a, wide_b = a.astype(float), b.astype(float)
    np.testing.assert_array_equal(got, (wide_a / (wide_a * wide_a + wide_b)).astype(dtype))


def calls_of(dtype, *code):
    module = ir.Module()
    vector = ir.VectorType(SCALAR[dtype], 2)
    kind = ir.FunctionType(vector, [vector] * 2)
    function = ir.Function(module, kind, "caller")
    builder = ir.IRBuilder(function.append_basic_block())
    calls = Calls(module, 2, dtype, "high", False, code, {"quotient": quotient(module)})
    for instruction in code:
        arguments = [function.args[argument] for argument in instruction.args]
        calls.emit(builder, instruction.op, instruction.args, arguments)
    return str(function)


def test_a_sine_and_a_cosine_of_one_angle_are_one_call():
    sine, cosine = Instruction("sin", (0,)), Instruction("cos", (0,))
    assert calls_of("float64", sine, cosine).count("= call") == 1
    assert calls_of("float64", sine, Instruction("cos", (1,))).count("= call") == 2
    assert calls_of("float32", sine, cosine).count("= call") == 1
