"""``fn.cuda_jit`` in users' kernels: their PTX, and what is said of wrong arguments."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("numba_cuda", reason="numba-cuda is not installed")

from numba import cuda, types
from numba.core.errors import TypingError

from symgrad.emit.cuda.device import device_function
from symgrad.emit.cuda.lowering import lowered
from symgrad.emit.target import Dtype, Target
from symgrad.ir.program import Group, Instruction, Program, Result
from tests.emit.cuda.suite import case

DTYPES: tuple[Dtype, ...] = ("float64", "float32")
REAL = {"float64": types.float64, "float32": types.float32}
SUFFIX = {"float64": "f64", "float32": "f32"}


def gpu(dtype: Dtype) -> Target:
    return Target("cuda", 1, dtype, "high", 1, 1, contract=True)


def product(group: str = "parameters") -> Program:
    """a * k + b, of inputs a and b and a number k."""
    code = (
        Instruction("load", (), (0, 0)),
        Instruction("load", (), (0, 1)),
        Instruction("load", (), (1, 0)),
        Instruction("fma", (0, 2, 1)),
        Instruction("store", (3,), (0, 0)),
    )
    return Program(
        (Group("inputs", ("a", "b")), Group(group, ("k",))), (Result("value", ()),), code
    )


def ptx(kernel: Callable[..., None], *kinds: Any) -> str:
    text, _ = cuda.compile_ptx(kernel, types.void(*kinds), cc=(9, 0))
    return str(text)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_number_is_returned(dtype: Dtype) -> None:
    """The call is inlined, and its one fused operation stays one."""
    f, real = device_function(product(), gpu(dtype)), REAL[dtype]

    def kernel(x, out):  # type: ignore[no-untyped-def]
        i = cuda.grid(1)
        if i < out.shape[0]:
            out[i] = f(x[i, 0], x[i, 1], 2)

    text = ptx(kernel, real[:, ::1], real[::1])
    kind = SUFFIX[dtype]
    assert re.findall(rf"\b(fma|mul|add)\.?(?:rn)?\.{kind}", text) == ["fma"]
    two = {"float64": "0d4000000000000000", "float32": "0f40000000"}[dtype]
    assert re.search(rf"fma\.rn\.{kind}\s+\S+, \S+, {two}, \S+;", text)  # a * 2 + b
    assert (".f64" in text) == (dtype == "float64")
    assert "st.global." + kind in text


@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_are_filled(dtype: Dtype) -> None:
    """Arrays with strides, and an array of one entry for a result of shape ()."""
    program = lowered(case("bundle_adjustment").program, gpu(dtype))
    f, real = device_function(program, gpu(dtype)), REAL[dtype]

    def kernel(x, p, value, jacobian):  # type: ignore[no-untyped-def]
        i = cuda.grid(1)
        if i < value.shape[0]:
            f(x[:, i], p, value[i], jacobian[:, :, i])

    text = ptx(kernel, real[:, ::1], real[::1], real[:, ::1], real[:, :, ::1])
    assert sum(result.size for result in program.results) == 32
    stores = re.findall(r"\bst\.(?!param|local)", text)
    assert len(stores) == 32


def test_a_tangent_makes_it_a_function_of_arrays() -> None:
    f = device_function(product("tangent"), gpu("float64"))

    def kernel(x, t, value):  # type: ignore[no-untyped-def]
        i = cuda.grid(1)
        f(x[i], t[i], value[i : i + 1])

    real = types.float64
    text = ptx(kernel, real[:, ::1], real[:, ::1], real[::1])
    assert text.count("fma.rn.f64") == text.count("st.global.f64") == 1


def test_a_group_of_two_axes() -> None:
    """A cotangent of outputs in a matrix has their shape."""
    code = (
        Instruction("load", (), (0, 0)),
        Instruction("load", (), (1, 3)),
        Instruction("mul", (0, 1)),
        Instruction("store", (2,), (0, 0)),
    )
    groups = (Group("inputs", ("a",)), Group("cotangent", ("c", "d", "e", "g")))
    program = Program(groups, (Result("vjp", (1,)),), code)
    f = device_function(program, gpu("float64"), {"cotangent": (2, 2)})

    def kernel(x, c, out):  # type: ignore[no-untyped-def]
        f(x, c, out)

    real = types.float64
    text = ptx(kernel, real[::1], real[:, ::1], real[::1])
    assert re.search(r"ld\.global\.f64\s+%fd\d+, \[%rd\d+\+8\]", text)
    with pytest.raises(TypingError, match=r"cotangent has 1 axes"):
        ptx(kernel, real[::1], real[::1], real[::1])


def test_wrong_arguments() -> None:
    f = device_function(product(), gpu("float64"))
    g = device_function(product("tangent"), gpu("float64"))
    real, single = types.float64, types.float32

    def few(x, out):  # type: ignore[no-untyped-def]
        out[0] = f(x[0], 1)

    def strange(x, out):  # type: ignore[no-untyped-def]
        out[0] = f(x[0], x, 1)

    def arrays(x, t, out):  # type: ignore[no-untyped-def]
        g(x, t, out)

    with pytest.raises(TypingError, match=r"takes 3 number\(s\): a, b, k; 2 are given"):
        ptx(few, real[::1], real[::1])
    with pytest.raises(TypingError, match=r"b is array.*which is no real number"):
        ptx(strange, real[::1], real[::1])
    with pytest.raises(TypingError, match=r"3 array\(s\) of float64.*tangent is array\(float32"):
        ptx(arrays, real[::1], single[::1], real[::1])
    with pytest.raises(TypingError, match="inputs has 2 axes"):
        ptx(arrays, real[:, ::1], real[::1], real[::1])
    fixed = types.Array(types.float64, 1, "C", readonly=True)
    with pytest.raises(TypingError, match="value is read-only"):
        ptx(arrays, real[::1], real[::1], fixed)
