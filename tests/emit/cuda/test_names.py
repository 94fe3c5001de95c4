"""The table of names: it is whole, NVIDIA's compiler knows every name, and what bounds say."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from symgrad.emit.cuda.lowering import lowered
from symgrad.emit.cuda.names import NAMES, TABLE, bounds
from symgrad.emit.readable.c import OPERATIONS
from symgrad.emit.target import Target
from symgrad.functions import PRIMITIVES
from symgrad.ir.program import CONDITION_OPS, Group, Instruction, Program, Result

DTYPES = {"float64": "double", "float32": "float"}
TARGET = Target("cuda", 1, "float64", "high", tile=1, lanes=1, contract=True)
CALLED = [*(row.name for row in PRIMITIVES.values() if row.kind == "call"), "sincos", "rsqrt"]


def program(*code: Instruction) -> Program:
    """A program of x whose last value is its result."""
    every = (Instruction("load", (), (0, 0)), *code, Instruction("store", (len(code),), (0, 0)))
    return Program((Group("inputs", ("x",)),), (Result("value", ()),), every)


def test_every_operation_has_one_row() -> None:
    rows = {row.name for row in PRIMITIVES.values() if row.kind in ("call", "instruction")}
    added = {"sqrt", "rsqrt", "sincos", "div", "fma", "add", "sub", "mul", "neg"}
    assert NAMES.keys() == rows | added
    assert len(NAMES) == len(TABLE)


@pytest.mark.parametrize("dtype", DTYPES)
def test_operations_are_written_as_in_c(dtype: str) -> None:
    suffix = "f" if dtype == "float32" else ""
    for op in NAMES.keys() & OPERATIONS.keys():
        assert NAMES[op].c[dtype] == OPERATIONS[op].replace("{f}", suffix)


@pytest.mark.parametrize("dtype", DTYPES)
def test_libdevice_has_the_functions_of_c(dtype: str) -> None:
    """An operation is a function of both or an operator of C."""
    for name in TABLE:
        called = re.match(r"([a-z0-9]+)\(", name.c[dtype])
        assert name.libdevice[dtype] == (f"__nv_{called[1]}" if called else "")


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_function_has_a_documented_error(dtype: str) -> None:
    for op in CALLED:
        found = NAMES[op].ulp[dtype]
        assert found is not None
        assert 0 <= found <= 5
    assert [NAMES[op].ulp[dtype] for op in ("add", "mul", "div", "sqrt", "fma")] == [0] * 5
    assert NAMES["abs"].ulp[dtype] is None  # NVIDIA says nothing of it


def test_documented_errors() -> None:
    """Some rows of NVIDIA's tables."""
    rows = {"rsqrt": (1, 2), "sincos": (2, 2), "erfc": (5, 4), "pow": (2, 4), "log10": (1, 2)}
    assert {op: (NAMES[op].ulp["float64"], NAMES[op].ulp["float32"]) for op in rows} == rows


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_compiler_knows_every_operation(dtype: str) -> None:
    """NVRTC compiles a kernel that uses them all, and libdevice has those names."""
    nvrtc = pytest.importorskip("cuda.bindings.nvrtc", reason="cuda-bindings is not installed")
    try:
        nvrtc.nvrtcVersion()
    except RuntimeError:
        pytest.skip("NVRTC is not installed")
    real, lines = DTYPES[dtype], []
    for name in TABLE:
        condition = name.op in CONDITION_OPS
        logical = name.op in ("and", "or", "not")
        operands = ("x < y", "x < z", "z") if logical else ("x", "y", "z")
        operands = ("(x < y)", "y", "z") if name.op == "select" else operands
        text = name.c[dtype].format(*operands)
        if name.op == "sincos":
            lines.append(f"{real} s, c; {name.c[dtype].format('x', 's', 'c')}; *r++ = s + c;")
        else:
            lines.append(f"{{ {'bool' if condition else real} v = {text}; *r++ = v; }}")
    body = "\n".join(lines)
    text = f'extern "C" __global__ void k({real} x, {real} y, {real} z, {real}* r) {{\n{body}\n}}'
    _, made = nvrtc.nvrtcCreateProgram(text.encode(), b"names.cu", 0, [], [])
    options = [b"--gpu-architecture=compute_80", b"--fmad=false"]
    (status,) = nvrtc.nvrtcCompileProgram(made, len(options), options)
    _, size = nvrtc.nvrtcGetProgramLogSize(made)
    log = bytearray(size)
    nvrtc.nvrtcGetProgramLog(made, log)
    assert status == nvrtc.nvrtcResult.NVRTC_SUCCESS, log.decode()


@pytest.mark.parametrize("dtype", DTYPES)
def test_numba_declares_every_function_of_libdevice(dtype: str) -> None:
    pytest.importorskip("numba_cuda", reason="numba-cuda is not installed")
    functions = pytest.importorskip("numba.cuda.libdevicefuncs").functions
    names = {name.libdevice[dtype] for name in TABLE} - {""}
    assert names <= functions.keys()


def test_bounds_of_what_a_kernel_calls() -> None:
    code = (Instruction("sin", (0,)), Instruction("cos", (0,)), Instruction("erfc", (1,)),
            Instruction("mul", (2, 3)))  # fmt: skip
    plain = program(*code)
    found = bounds(plain, TARGET)
    assert list(found) == ["sin", "cos", "erfc"]
    assert (found["erfc"].provider, found["erfc"].symbol, found["erfc"].ulp) == ("cuda", "erfc", 5)
    single = bounds(lowered(plain, TARGET), replace(TARGET, dtype="float32"))
    assert {op: (one.function, one.symbol, one.ulp) for op, one in single.items()} == {
        "sin": ("sin", "sincosf", 2),
        "cos": ("cos", "sincosf", 2),
        "erfc": ("erfc", "erfcf", 4),
    }


def test_bounds_of_routines_are_their_own() -> None:
    row = PRIMITIVES["exp_square"]
    assert row.kind == "routine"
    plain = program(Instruction("exp_square", (0,)))
    found = bounds(plain, TARGET)["exp_square"]
    assert (found.provider, found.symbol, found.ulp) == (
        "symgrad",
        "sg.routine.exp_square",
        row.ulp,
    )
    assert bounds(plain, replace(TARGET, dtype="float32"))["exp_square"].ulp == min(row.ulp, 1)


def test_bounds_read_the_table_that_is_given() -> None:
    row = replace(PRIMITIVES["exp_square"], name="bump", ulp=0.75)
    plain = program(Instruction("bump", (0,)))
    assert bounds(plain, TARGET) == {}
    assert bounds(plain, TARGET, {"bump": row})["bump"].ulp == 0.75
