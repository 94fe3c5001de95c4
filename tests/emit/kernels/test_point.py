"""The entry for one point: its text, its memory, and the bits of the kernel's loop."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
from llvmlite import ir

import symgrad as sg
from symgrad.emit.kernels import point
from symgrad.emit.kernels.kernel import cpu_target, emit_kernel
from symgrad.emit.kernels.point import define_point, emit_point
from symgrad.ir.program import Group, Instruction, Program, Result


def product(columns=2):
    """The product of all columns, and each column's double."""
    code = [Instruction("load", (), (0, i)) for i in range(columns)]
    last = 0
    for i in range(1, columns):
        code.append(Instruction("mul", (last, i)))
        last = len(code) - 1
    code.append(Instruction("store", (last,), (0, 0)))
    for i in range(columns):
        code.append(Instruction("add", (i, i)))
        code.append(Instruction("store", (len(code) - 1,), (1, i)))
    names = tuple(f"x{i}" for i in range(columns))
    results = (Result("value", ()), Result("double", (columns,)))
    return Program((Group("inputs", names),), results, tuple(code))


def text(program, dtype="float64"):
    module = ir.Module("test")
    define_point(module, program, cpu_target(program, dtype, "high"))
    return str(module)


def test_an_entry_is_named_by_its_content():
    program = product()
    target = cpu_target(program, "float64", "high")
    made = emit_point(program, target)
    assert made == emit_point(program, target)
    others = (
        emit_point(product(3), target),
        emit_point(program, cpu_target(program, "float32", "high")),
        emit_kernel(program, target),
    )
    assert len({made.name, *(other.name for other in others)}) == 4


def test_there_is_no_loop_over_points_and_no_loop_over_few_columns():
    assert "sg.loop" not in text(product())
    assert "phi" not in text(product(point.UNROLLED))
    assert "phi" in text(product(point.UNROLLED + 1))


def test_little_memory_is_on_the_stack_and_much_is_on_the_heap(monkeypatch):
    assert "malloc" not in text(product())
    monkeypatch.setattr(point, "STACK_BYTES", 100)
    made = text(product())
    assert made.count('call ptr @"malloc"') == made.count('call void @"free"') == 1
    assert "alloca" not in made


@pytest.mark.parametrize("stack", [64 * 1024, 0])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_its_address_is_a_c_function(monkeypatch, stack, dtype):
    monkeypatch.setattr(point, "STACK_BYTES", stack)
    name = f"x{stack}"  # a kernel of its own, not the one that is there already
    fn = sg.compile(
        f"{name}**2*sin(y)", f"{name} y", ["value", "gradient"], dtype=dtype, cache=False
    )
    x, value, gradient = (np.full(n, 0.7, dtype) for n in (2, 1, 2))
    call = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3)(fn._point_address())
    call(x.ctypes.data, value.ctypes.data, gradient.ctypes.data)
    expected = fn(x)
    assert value[0] == expected.value
    np.testing.assert_array_equal(gradient, expected.gradient)
