"""Only the lanes that count are added to a register of sums."""

from __future__ import annotations

import numpy as np
import pytest
from llvmlite import ir

from symgrad.emit.accumulate import add_lanes, counted_lanes
from symgrad.emit.target import Target
from tests.emit import harness


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("count", [0, 1, 3, 4, 6, 8, 9])
def test_lanes_are_added_register_by_register(dtype, count):
    lanes, width = 4, 8
    target = Target("cpu", width, dtype, "high", width, lanes, reduced=True)
    real = harness.REAL[dtype]
    values, sums = ir.VectorType(real, width), ir.VectorType(real, lanes)

    module = ir.Module("sums")
    kind = ir.FunctionType(ir.VoidType(), [ir.PointerType()] * 2 + [ir.IntType(64)] * 2)
    function = ir.Function(module, kind, "loop")
    builder = ir.IRBuilder(function.append_basic_block())
    source, place, number, _ = function.args
    value = builder.load(source, typ=values, align=4)
    total = builder.load(place, typ=sums, align=4)
    total = add_lanes(builder, target, counted_lanes(builder, target, number), total, value)
    builder.store(total, place, align=4)
    builder.ret_void()

    given = np.arange(1.0, 9.0).astype(dtype)
    given[count:] = np.nan
    made = np.full(lanes, 100.0, dtype)
    harness._compile(module, width, 1, 1, dtype, None, None).run([given, made], count, 0)
    counted = np.where(np.arange(width) < count, given, 0).reshape(2, lanes)
    np.testing.assert_array_equal(made, 100 + counted.sum(axis=0))
