"""Blocks are transposed in registers, and partial vectors touch no memory but their own."""

from __future__ import annotations

import numpy as np
import pytest
from llvmlite import ir

from symgrad.emit.kernel import vector_bytes
from symgrad.emit.transpose import load_lanes, store_lanes, transpose
from tests.emit import harness

WIDTHS = [2, 4, 8, 16]
POINTER, INT64 = ir.PointerType(), ir.IntType(64)


def real(dtype):
    return harness.REAL[dtype]


@pytest.mark.parametrize("width", WIDTHS)
def test_lane_j_of_result_i_is_lane_i_of_row_j(width, rng):
    dtype = "float32" if width == 16 else "float64"
    vector = ir.VectorType(real(dtype), width)

    def define(module):
        kind = ir.FunctionType(ir.LiteralStructType([vector] * width), [vector] * width)
        function = ir.Function(module, kind, "transposed")
        function.attributes.add("alwaysinline")
        builder = ir.IRBuilder(function.append_basic_block())
        result = ir.Constant(kind.return_type, ir.Undefined)
        for i, value in enumerate(transpose(builder, function.args)):
            result = builder.insert_value(result, value, i)
        builder.ret(result)
        return function

    compiled = harness.compile_loop(define, width, inputs=width, dtype=dtype)
    given = rng.normal(size=(width, 3 * width)).astype(dtype)
    made = np.array(compiled(*given))
    for block in range(3):
        part = slice(block * width, (block + 1) * width)
        np.testing.assert_array_equal(made[:, part], given[:, part].T)


def test_a_transposition_takes_two_shuffles_a_pair_and_stage():
    module = ir.Module("count")
    vector = ir.VectorType(real("float64"), 8)
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [vector] * 8), "f")
    builder = ir.IRBuilder(function.append_basic_block())
    transpose(builder, function.args)
    assert str(module).count("shufflevector") == 8 * 3  # 8 rows, log2(8) stages


def copy_function(dtype, width, lanes):
    """``loop(source, target, count, repeat)``: copy ``lanes`` lanes of one vector."""
    module = ir.Module("copy")
    kind = ir.FunctionType(ir.VoidType(), [POINTER, POINTER, INT64, INT64])
    function = ir.Function(module, kind, "loop")
    builder = ir.IRBuilder(function.append_basic_block())
    vector, align = ir.VectorType(real(dtype), width), np.dtype(dtype).itemsize
    value = load_lanes(builder, function.args[0], vector, lanes, align)
    store_lanes(builder, value, function.args[1], lanes, align)
    builder.ret_void()
    return module


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_partial_vector_writes_its_lanes_alone(dtype, rng):
    width = vector_bytes() // np.dtype(dtype).itemsize
    for lanes in sorted({1, width // 2, width - 1, width}):
        module = copy_function(dtype, width, lanes)
        compiled = harness._compile(module, width, 1, 1, dtype, None, None)
        source = rng.normal(size=width).astype(dtype)
        target = np.full(width + 4, -7.0, dtype)
        compiled.run([source, target], 0, 0)
        np.testing.assert_array_equal(target[:lanes], source[:lanes])
        np.testing.assert_array_equal(target[lanes:], np.full(width + 4 - lanes, -7.0))


def test_nothing_depends_on_the_release_of_llvm():
    assert "llvm." not in str(copy_function("float64", 4, 3))
