"""Blocks are transposed in registers, and partial vectors touch no memory but their own."""

from __future__ import annotations

import numpy as np
import pytest
from llvmlite import ir

from symgrad.emit.kernels.kernel import vector_bytes
from symgrad.emit.llvm.transpose import (
    join_points,
    load_rows,
    split_points,
    store_rows,
    transpose,
)
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


def test_vectors_may_hold_several_squares(rng):
    module = ir.Module("squares")
    vector = ir.VectorType(real("float64"), 8)
    function = ir.Function(
        module, ir.FunctionType(ir.VoidType(), [POINTER] * 2 + [INT64] * 2), "loop"
    )
    builder = ir.IRBuilder(function.append_basic_block())
    places = [
        [builder.gep(base, [INT64(i)], source_etype=vector) for i in range(2)]
        for base in function.args[:2]
    ]
    rows = [builder.load(place, typ=vector, align=8) for place in places[0]]
    for value, place in zip(transpose(builder, rows), places[1], strict=True):
        builder.store(value, place, align=8)
    builder.ret_void()
    given, made = rng.normal(size=(2, 4, 2)), np.zeros((2, 4, 2))
    harness._compile(module, 8, 1, 1, "float64", None, None).run([given, made], 0, 0)
    np.testing.assert_array_equal(made, given.transpose(2, 1, 0))


@pytest.mark.parametrize("columns", [2, 3, 4, 5, 6, 7, 12])
@pytest.mark.parametrize("width", WIDTHS)
def test_points_are_split_into_columns_and_joined_again(width, columns, rng):
    dtype = "float32" if width == 16 else "float64"
    vector, item = ir.VectorType(real(dtype), width), np.dtype(dtype).itemsize
    module = ir.Module("points")
    kind = ir.FunctionType(ir.VoidType(), [POINTER, POINTER, INT64, INT64])
    function = ir.Function(module, kind, "loop")
    builder = ir.IRBuilder(function.append_basic_block())
    source, sink, *_ = function.args
    steps = [ir.Constant(INT64, i) for i in range(2 * columns)]
    places = [builder.gep(source, [i], source_etype=vector) for i in steps[:columns]]
    split = split_points(builder, [builder.load(p, typ=vector, align=item) for p in places])
    for value, i in zip([*split, *join_points(builder, split)], steps, strict=True):
        builder.store(value, builder.gep(sink, [i], source_etype=vector), align=item)
    builder.ret_void()

    given = rng.normal(size=(width, columns)).astype(dtype)
    made = np.zeros((2, given.size), dtype)
    harness._compile(module, width, 1, 1, dtype, None, None).run(
        [given.ravel(), made.ravel()], 0, 0
    )
    np.testing.assert_array_equal(made[0].reshape(columns, width), given.T)
    np.testing.assert_array_equal(made[1].reshape(given.shape), given)


def test_an_odd_number_of_columns_takes_one_permutation_a_vector():
    for columns, permutations, blends in ((2, 1, 0), (3, 1, 2), (4, 2, 0), (5, 1, 4), (6, 2, 2)):
        module = ir.Module("count")
        vector = ir.VectorType(real("float64"), 8)
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), [vector] * columns), "f")
        builder = ir.IRBuilder(function.append_basic_block())
        join_points(builder, split_points(builder, function.args))
        text = str(module)
        # The first column of an odd number of them is in order already when they are joined.
        assert text.count("shufflevector") <= 2 * permutations * columns
        assert text.count("select") == 2 * blends * columns


def block_function(dtype, columns, pitch):
    """``loop(source, target, ...)``: columns read from rows and written to rows."""
    lanes = vector_bytes() // np.dtype(dtype).itemsize
    module = ir.Module("block")
    kind = ir.FunctionType(ir.VoidType(), [POINTER, POINTER, INT64, INT64])
    function = ir.Function(module, kind, "loop")
    builder = ir.IRBuilder(function.append_basic_block())
    align = np.dtype(dtype).itemsize
    source, target = (
        [builder.gep(base, [INT64(i * pitch)], source_etype=real(dtype)) for i in range(lanes)]
        for base in function.args[:2]
    )
    made = load_rows(builder, source, real(dtype), columns, align)
    store_rows(builder, made[::-1], target, align)  # the columns in reverse
    builder.ret_void()
    return module


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_rows_become_columns_and_rows_again(dtype, rng):
    lanes = vector_bytes() // np.dtype(dtype).itemsize
    for columns in [count for count in (1, 2, 4, 8, 16) if count <= lanes]:
        pitch = columns + 3
        compiled = harness._compile(
            block_function(dtype, columns, pitch), lanes, 1, 1, dtype, None, None
        )
        source = rng.normal(size=(lanes, pitch)).astype(dtype)
        target = np.full((lanes, pitch), -7.0, dtype)
        compiled.run([source, target], 0, 0)
        np.testing.assert_array_equal(target[:, :columns], source[:, :columns][:, ::-1])
        np.testing.assert_array_equal(target[:, columns:], np.full((lanes, 3), -7.0))


def test_the_largest_blocks_are_swapped_by_the_memory():
    lanes = vector_bytes() // 8
    columns = lanes // 2
    text = str(block_function("float64", columns, 8))
    # A stage less than for a square each way, and one shuffle for each part of a row.
    stages = columns.bit_length() - 1
    assert text.count("shufflevector") == 2 * columns * stages + columns + lanes
    assert "llvm." not in text
