"""Functions in single precision on a GPU: no doubles, digits, and special values."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.cuda import gpu_bounds
from symgrad.emit.cuda.lowering import lowered
from symgrad.emit.cuda.single import SINGLE, in_single
from symgrad.emit.cuda.source import cuda_source
from symgrad.emit.target import Dtype, Target
from symgrad.functions import PRIMITIVES
from symgrad.ir.layout import Layout
from symgrad.ir.program import Group, Instruction, Program, Result, Routine
from symgrad.options import Options
from tests.emit.cuda.batches import evaluate
from tests.emit.cuda.host import run
from tests.emit.cuda.shim import COMPILER, REASON, compile_host

LARGEST = {"sech": 110.0, "exp_minus_square": 11.0, "exp_minus_square_slope": 11.0}
LAST = Layout("last")


def target(dtype: Dtype) -> Target:
    return Target("cuda", 1, dtype, "high", 1, 1, contract=True)


def program(dtype: Dtype) -> Program:
    formulas = [sg.Expr(name, (sg.variables("x"),)) for name in SINGLE]
    fn = sg.compile(formulas, "x", "value", dtype=dtype, jit="never", cache=False)
    assert fn.program.counts.keys() >= SINGLE.keys()
    return lowered(fn.program, target(dtype))


def arguments() -> np.ndarray:
    random = np.random.default_rng(8)
    wide = np.concatenate([random.uniform(-top, top, 200) for top in (1, 3, *LARGEST.values())])
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-40, 1e30]
    return np.concatenate([wide, special]).astype("float32")[:, None]


def exact(name: str, x: float) -> mpmath.mpf:
    if np.isinf(x):
        return mpmath.mpf(0)
    with mpmath.workdps(30):
        found: mpmath.mpf = PRIMITIVES[name].oracle(mpmath, mpmath.mpf(x))
        return found


def assert_exact(table: np.ndarray, x: np.ndarray) -> None:
    for column, (name, ulp) in enumerate(SINGLE.items()):
        for argument, got in zip(x[:, 0].astype(float), table[:, column], strict=True):
            if np.isnan(argument):
                assert np.isnan(got)
                continue
            wanted = exact(name, argument)
            unit = float(np.spacing(np.float32(abs(wanted))))
            assert abs(float(got) - wanted) <= ulp * unit, (name, argument)


@pytest.mark.skipif(COMPILER is None, reason=REASON)
def test_cuda_c_has_no_doubles_and_the_digits() -> None:
    made, x = program("float32"), arguments()
    kernel = cuda_source(made, target("float32"), LAST)
    assert "double" not in kernel.text.split("*/", 1)[1]
    assert_exact(evaluate(compile_host(kernel), kernel, made, LAST, [x])[0], x)


def test_the_intrinsic_has_the_digits() -> None:
    made, x = program("float32"), arguments()
    assert_exact(run(made, target("float32"), LAST, [x])[0], x)


def test_in_double_precision_they_are_routines() -> None:
    made = program("float64")
    assert {routine.name for routine in made.routines} == SINGLE.keys()
    assert in_single(made).routines == ()


def test_what_other_routines_call_is_kept() -> None:
    load, store = Instruction("load", (), (0, 0)), Instruction("store", (1,), (0, 0))
    routines = tuple(
        Routine(name, 1, (load, Instruction(op, (0,)), store))
        for name, op in (("sech", "exp"), ("caller", "sech"), ("unused", "exp"))
    )
    code = (load, Instruction("sech", (0,)), Instruction("caller", (1,)))
    code += (Instruction("store", (2,), (0, 0)),)
    made = in_single(
        Program((Group("inputs", ("x",)),), (Result("r", ()),), code, routines=routines)
    )
    assert [i.op for i in made.code] == ["load", "exp", "caller", "store"]
    assert [routine.name for routine in made.routines] == ["sech", "caller"]


def test_the_bounds_name_them() -> None:
    fn = sg.compile("tanh(x)", "x", "gradient", jit="never", cache=False)
    for dtype, ulp in (("float32", SINGLE["sech"]), ("float64", PRIMITIVES["sech"].ulp)):
        found = gpu_bounds(fn.program, Options(dtype=dtype, target="cuda"), PRIMITIVES)
        assert found["sech"].ulp == ulp
