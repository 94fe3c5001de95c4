"""Only the lanes that count are added to a register of sums."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from llvmlite import ir

from symgrad.emit.sums.accumulate import add_lanes, add_tile, counted_lanes, groups
from symgrad.emit.target import Target
from tests.emit import harness


@pytest.mark.parametrize("fused", [None, False, True])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("count", [0, 1, 3, 4, 6, 8, 9])
def test_lanes_are_added_register_by_register(dtype, count, fused):
    lanes, width = 4, 8
    target = Target("cpu", width, dtype, "high", width, lanes, reduced=True, fused=bool(fused))
    real = harness.REAL[dtype]
    vector, sums = ir.VectorType(real, width), ir.VectorType(real, lanes)

    module = ir.Module("sums")
    kind = ir.FunctionType(ir.VoidType(), [ir.PointerType()] * 2 + [ir.IntType(64)] * 2)
    function = ir.Function(module, kind, "loop")
    builder = ir.IRBuilder(function.append_basic_block())
    source, place, number, _ = function.args
    value = builder.load(source, typ=vector, align=4)
    total = builder.load(place, typ=sums, align=4)
    values = [value] if fused is None else [value, value]
    total = add_lanes(builder, target, counted_lanes(builder, target, number), total, values)
    builder.store(total, place, align=4)
    builder.ret_void()

    given = np.arange(1.0, 9.0).astype(dtype)
    given[count:] = np.nan
    made = np.full(lanes, 100.0, dtype)
    harness._compile(module, width, 1, 1, dtype, None, None).run([given, made], count, 0)
    counted = np.where(np.arange(width) < count, given, 0).reshape(2, lanes)
    counted = counted if fused is None else counted**2
    np.testing.assert_array_equal(made, 100 + counted.sum(axis=0))


@pytest.mark.parametrize("registers", [14, 30])
@pytest.mark.parametrize("columns", [1, 3, 9, 20])
def test_groups_of_terms_fit_the_registers(columns, registers):
    terms = [(i, j) for i in range(columns) for j in range(i, columns)]
    terms += [(i,) for i in range(columns)]
    made = groups(terms, registers)
    assert sorted(term for group in made for term in group) == sorted(terms)
    for group in made:
        several = [c for c in range(columns) if sum(c in term for term in group) > 1]
        assert len(group) + len(several) <= registers
    read = sum(len({c for term in group for c in term}) for group in made)
    assert read <= 2.5 * len(terms) / (registers - 1) ** 0.5 + columns, "columns are read seldom"


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_columns_and_products_are_added_vector_by_vector(dtype, fused):
    lanes, count, pitch = 4, 10, 12
    target = Target("cpu", lanes, dtype, "high", pitch, lanes, reduced=True, fused=fused)
    module = ir.Module("sums")
    kind = ir.FunctionType(ir.VoidType(), [ir.PointerType()] * 2 + [ir.IntType(64)] * 2)
    function = ir.Function(module, kind, "loop")
    builder = ir.IRBuilder(function.append_basic_block())
    columns, sums, number, _ = function.args
    terms = [(2, (0,)), (0, (0, 1)), (1, (1, 1))]
    add_tile(builder, target, terms, sums, columns, pitch * target.itemsize, number)
    builder.ret_void()

    rng = np.random.default_rng(3)
    given = rng.normal(size=(2, pitch)).astype(dtype)
    given[:, count:] = 0
    made = np.arange(16.0).astype(dtype)
    harness._compile(module, lanes, 1, 1, dtype, None, None).run([given.ravel(), made], count, 0)
    real = np.dtype(dtype).type
    expected = np.arange(16.0).astype(dtype).reshape(4, lanes)
    for point in range(count):
        a, b = given[:, point]
        for place, left, right in ((0, a, b), (1, b, b), (2, a, real(1))):
            total = expected[place, point % lanes]
            exact = Fraction(float(total)) + Fraction(float(left)) * Fraction(float(right))
            expected[place, point % lanes] = exact if fused else total + left * right
    np.testing.assert_array_equal(made.reshape(4, lanes), expected)
