"""Where the numba engine's kernels read and write."""

from __future__ import annotations

import numpy as np
import pytest
from llvmlite import ir

from symgrad.emit.cuda.body import INT64, REAL
from symgrad.emit.cuda.memory import Memory
from symgrad.emit.target import Dtype, Target
from symgrad.ir.layout import Layout, Points, kernel_arguments
from symgrad.ir.program import Group, Instruction, Program, Result
from tests.emit.cuda.host import run

LAYOUTS = [
    Layout(points, values, shared, accumulate)
    for points in ("last", "first")
    for values, shared in ((("parameters",), ()), ((), ("parameters",)), ((), ()))
    for accumulate in (False, True)
] + [Layout(points, separate=("inputs", "parameters")) for points in ("last", "first")]


def products(entries: int) -> Program:
    """Every input times the parameter, in the order of the entries, and the first one alone."""
    groups = (Group("inputs", ("a", "b")), Group("parameters", ("k", "l")))
    code = [
        Instruction("load", (), (0, 0)),
        Instruction("load", (), (0, 1)),
        Instruction("load", (), (1, 1)),
        Instruction("mul", (0, 2)),
        Instruction("mul", (1, 2)),
        *(Instruction("store", (3 + k % 2,), (0, k)) for k in range(entries)),
        Instruction("store", (0,), (1, 0)),
    ]
    return Program(groups, (Result("jacobian", (entries,)), Result("value", ())), tuple(code))


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_entry_is_in_its_place(layout: Layout, dtype: Dtype) -> None:
    """Groups with gaps between their rows, results that begin at an odd entry."""
    a, alone = np.random.default_rng(3).random((70, 2)).astype(dtype), np.array([2, 3], dtype)
    given = [a, alone if layout.values or layout.shared else np.tile(alone, (70, 1))]
    target = Target("cuda", 1, dtype, "high", 1, 1)
    start = 10.0 if layout.accumulate else 0.0
    options = {"extra": 3, "shift": 1, "start": start}
    jacobian, value = run(products(3), target, layout, given, **options)
    expected = (a * alone[1])[:, [0, 1, 0]]
    np.testing.assert_array_equal(jacobian, np.array(start, dtype) + expected)
    np.testing.assert_array_equal(value, np.array(start, dtype) + a[:, :1])


@pytest.mark.parametrize("points", ["last", "first"])
def test_only_what_no_one_writes_is_read_past_coherence(points: Points) -> None:
    """Inputs may come from the read-only cache; what results hold may not."""
    program, layout = products(3), Layout(points, values=("parameters",), accumulate=True)
    module, real = ir.Module("memory"), REAL["float64"]
    made = {"count": INT64, "step": INT64, "value": real, "address": real.as_pointer()}
    kinds = [INT64, *(made[kind.kind] for kind in kernel_arguments(program, layout))]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), "f")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    memory = Memory(builder, program, layout, function.args[1:])
    memory.begin(function.args[0])
    memory.store(0, 2, memory.load(0, 1))
    assert memory.load(1, 0) is memory.given["value", 1, 0]
    builder.ret_void()
    loads = [line for line in str(module).splitlines() if " load double" in line]
    assert ["!invariant.load" in line for line in loads] == [True, False]
