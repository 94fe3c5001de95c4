"""The interpreter: what a kernel gives, in every way of calling, without numba."""

from __future__ import annotations

import gc
import multiprocessing
import os
import subprocess
import sys
import weakref
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.emit.kernels import sums as reduction
from symgrad.errors import OptionError
from symgrad.functions import PRIMITIVES
from symgrad.ir.evaluate import numpy_arithmetic, run
from symgrad.ir.program import CONDITION_OPS, Group, Instruction, Program, Result
from symgrad.ir.routine import routines
from symgrad.runtime import interpret
from symgrad.runtime.interpret import Interpreter, in_frugal_order
from tests import cases
from tests.routines import ROWS

ROOT = Path(__file__).parents[2]
TOLERANCE = {"float64": 4e-15, "float32": 2e-6}
WANTED = ["value", "jacobian", "hessian"]

INPUTS = "x y z"
SYSTEMS = {
    "functions": ["exp(x)*sin(y)/z + k*x**3", "atan2(y, x)*log(z) - erf(x) + tanh(y)**k"],
    "kinks": [
        "Max(x, y)*Abs(z - 1) + sign(x - 1)*floor(2*y)",
        "Piecewise((x*z, x < k), (y, True))",
    ],
    "special": ["gamma(x)*besselj(0, y) + k*zeta(1 + z)", "expint(1, x) + loggamma(y)*z"],
    "polynomial": ["(1 - x)**2 + 100*(y - x**2)**2 + k*z", "x*y*z", "7", "x"],
}
"""Outputs over x, y and z with the parameter k."""


def points(count, dtype="float64"):
    return np.random.default_rng(5).uniform(0.6, 1.9, (count, 3)).astype(dtype)


def both(outputs, inputs, derivatives, **options):
    """The same function interpreted and compiled."""
    made = [
        sg.compile(outputs, inputs, derivatives, jit=jit, **options) for jit in ("never", "always")
    ]
    assert [fn.tier for fn in made] == ["interpreted", "compiled"]
    return made


def close(got, expected, dtype="float64", factor=1.0):
    got, expected = (np.asarray(array) for array in (got, expected))
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype == dtype
    size = np.abs(expected).max(initial=1.0)
    np.testing.assert_allclose(got, expected, rtol=0, atol=factor * TOLERANCE[dtype] * size)


def same(got, expected):
    np.testing.assert_array_equal(got, expected, strict=True)


@pytest.fixture(scope="module")
def interpreted():
    """exp(x) sin(y)/z + k x^3 and x y z, interpreted."""
    formulas = ["exp(x)*sin(y)/z + k*x**3", "x*y*z"]
    return sg.compile(formulas, "x y z", WANTED, parameters="k", jit="never")


# ------------------------------------------------------------------------------- what it computes


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("system", SYSTEMS)
def test_it_gives_what_the_kernel_gives(system, dtype):
    fn, kernel = both(SYSTEMS[system], INPUTS, WANTED, parameters="k", dtype=dtype)
    x = points(257, dtype)
    for got, expected in zip(fn(x, k=1.25), kernel(x, k=1.25), strict=True):
        close(got, expected, dtype, factor=20)


def program(op, row):
    """One row of its arguments."""
    code = [Instruction("load", (), (0, i)) for i in range(row.arity)]
    if op in ("and", "or", "not"):
        code = [*code, *(Instruction("lt", (0, i)) for i in range(row.arity))]
    elif op == "select":
        code.append(Instruction("lt", (0, 1)))
    given = tuple(range(row.arity))
    if op in ("and", "or", "not"):
        given = tuple(range(row.arity, 2 * row.arity))
    elif op == "select":
        given = (3, 1, 2)
    code.append(Instruction(op, given))
    if op in CONDITION_OPS:
        code += [Instruction("load", (), (0, 0)), Instruction("constant", (), 2.0)]
        code.append(Instruction("select", (len(code) - 3, len(code) - 2, len(code) - 1)))
    code.append(Instruction("store", (len(code) - 1,), (0, 0)))
    names = tuple(f"x{i}" for i in range(row.arity))
    groups, results = (Group("inputs", names),), (Result("value", ()),)
    return Program(groups, results, tuple(code), routines=routines([op], ROWS))


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        (name, dtype)
        for name, row in ROWS.items()
        for dtype in TOLERANCE
        # Routines compute in double precision for every dtype: a few of them are enough.
        if row.kind in ("call", "instruction")
        or (row.kind == "routine" and (dtype == "float64" or name not in PRIMITIVES))
    ],
)
def test_every_row_is_what_the_reference_interpreter_gives(name, dtype):
    row = ROWS[name]
    low, high = np.array(row.domain).T
    x = np.random.default_rng(7).uniform(low, high, (37, row.arity))
    if row.whole:
        x[:, list(row.whole)] = np.rint(x[:, list(row.whole)])
    x = x.astype(dtype)
    made = program(name, row)
    value = np.full((37, 1), -1, dtype)
    Interpreter(made, ROWS, dtype)(0, 37, 0, None, x, value)
    with np.errstate(all="ignore"):
        ((expected,),) = run(made, ROWS, [list(x.T.astype(float))], numpy_arithmetic())
    np.testing.assert_allclose(value[:, 0], expected, rtol=TOLERANCE[dtype], atol=1e-40)


@cases.NEEDS_CASES
@pytest.mark.parametrize(
    "case",
    [case for family in ("real_users", "sympy_mech", "rules") for case in cases.load(family)[::9]],
    ids=lambda case: case.id,
)
def test_the_open_cases_have_their_references(case):
    wanted = [3 if name == "order3" else name for name in case.results]
    fn = sg.compile(
        list(case.outputs), case.variables, wanted, jit="never",
        parameters=tuple(case.parameters), wrt=case.wrt,
    )  # fmt: skip
    made = fn(case.points, parameters=case.parameters)
    arrays = [made] if len(wanted) == 1 else list(made)
    for name, array in zip(case.results, arrays, strict=True):
        assert cases.scaled_errors(array, case.references[name]).max() < cases.GATE


def test_infinities_and_nans_are_numbers_like_others():
    fn, kernel = both(["1/x", "sqrt(x)", "log(x)", "sign(x)", "Max(x, 1)"], "x", ["value"])
    x = np.array([0.0, -0.0, -1.0, np.inf, -np.inf, np.nan, 5e-324, 1.0])
    got, expected = fn(x), kernel(x)
    same(got, expected)
    same(np.signbit(got[:2, 3]), [False, True])


def test_a_users_own_function_is_called_as_it_is():
    bump = sg.function("bump", numba=lambda x: x * x + 1.0, partials=[lambda y, x: 2 * x])
    fn = sg.compile("bump(x)*y", "x y", ["value", "gradient"], functions=[bump], jit="never")
    made = fn(np.array([[3.0, 2.0], [1.0, 5.0]]))
    same(made.value, [20.0, 10.0])
    same(made.gradient, [[12.0, 10.0], [10.0, 2.0]])
    assert fn.accuracy["bump"].provider == "python"


# ------------------------------------------------------------------------------- ways of calling


@pytest.mark.parametrize("batch_axis", [0, -1])
def test_every_layout_gives_the_same_bits(batch_axis):
    options = {"parameters": "k", "batch_axis": batch_axis, "jit": "never"}
    fn = sg.compile(SYSTEMS["functions"], INPUTS, WANTED, **options)
    x = points(300).reshape(3, 100, 3)
    x = np.moveaxis(x, -1, 0).copy() if batch_axis else x
    expected = fn(x, k=0.5)
    axis = 0 if batch_axis else -1
    columns = [np.take(x, i, axis) for i in range(3)]
    strided = np.repeat(x, 2, axis=1)[:, ::2]
    for given in ((np.asfortranarray(x),), (strided,), columns, (x.tolist(),)):
        for got, wanted in zip(fn(*given, k=0.5), expected, strict=True):
            same(got, wanted)
    parameter = np.full((3, 100), 0.5)
    for got, wanted in zip(fn(x, k=parameter), expected, strict=True):
        same(got, wanted)


def test_inputs_broadcast_and_one_point_has_no_axis(interpreted):
    x, y = np.linspace(0.5, 1, 7)[:, None], np.linspace(1, 2, 5)
    made = interpreted(x, y, 1.5, k=1.0)
    assert made.hessian.shape == (7, 5, 2, 3, 3)
    alone = interpreted(float(x[3, 0]), float(y[2]), 1.5, k=1.0)
    assert alone.value.shape == (2,)
    for got, wanted in zip(alone, made, strict=True):
        same(got, wanted[3, 2])
    assert interpreted(np.empty((0, 3)), k=1.0).jacobian.shape == (0, 2, 3)


COUNTS = [1, 2, 15, 16, 17, 129, 2047, 2048, 2049, 5000]


@pytest.mark.parametrize("count", COUNTS)
def test_a_point_has_the_same_bits_in_every_batch(interpreted, count):
    x = points(6000)
    whole = interpreted(x, k=1.5)
    for part in (slice(0, count), slice(len(x) - count, None)):
        for got, wanted in zip(interpreted(x[part], k=1.5), whole, strict=True):
            same(got, wanted[part])


def test_results_go_where_they_are_wanted_and_add_up(interpreted):
    x = points(3000)
    expected = interpreted(x, k=2.0)
    out = {name: np.ones(array.shape) for name, array in expected.as_dict().items()}
    interpreted(x, k=2.0, out=out)
    for name, array in out.items():
        same(array, expected[name])
    interpreted(x, k=2.0, out=out, accumulate=True)
    for name, array in out.items():
        same(array, expected[name] + expected[name])
    shared = points(500)
    fn = sg.compile(["y*x", "z", "x"], "x y z", "value", jit="never")
    wanted = fn(shared.copy())
    fn(shared, out=shared)
    same(shared, wanted)


def test_workers_and_executors_change_no_bit(interpreted):
    x = points(150_000)[:, :]
    small = sg.compile("x*y*sin(z)", "x y z", ["value", "gradient"], jit="never")
    expected = small(x, workers=1)
    done = []
    with ThreadPoolExecutor(2) as pool:
        for options in ({"workers": 2}, {"workers": 3}, {"executor": pool}):
            made = small(x, **options, on_chunk=lambda n, of: done.append((n, of)))
            for got, wanted in zip(made, expected, strict=True):
                same(got, wanted)
    assert done[-1] == (150_000, 150_000)


def test_another_process_gives_the_same_bits(interpreted):
    x = points(70_000)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        made = interpreted(x, k=0.5, executor=pool)
    for got, wanted in zip(made, interpreted(x, k=0.5), strict=True):
        same(got, wanted)


def test_arrays_of_a_call_are_not_kept(interpreted):
    x = points(100)
    made = interpreted(x, k=0.5)
    held = [weakref.ref(x), *(weakref.ref(array.base) for array in made if array.base is not None)]
    del x, made
    gc.collect()
    assert [reference() for reference in held] == [None] * len(held)


def test_memory_that_was_given_back_is_made_again():
    made = Interpreter(program("sin", ROWS["sin"]), ROWS, "float64")
    x, first, second = np.linspace(0, 1, 50)[:, None], np.empty((50, 1)), np.empty((50, 1))
    made(0, 50, 0, None, x, first)
    made.release()
    assert made._plan is None
    made(0, 50, 0, None, x, second)
    same(second, first)


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_products_with_vectors(dtype):
    fn, kernel = both(["x*y", "x**2*y"], "x y", ["vjp", "jvp", "hvp"], dtype=dtype)
    x = points(200, dtype)[:, :2]
    seeds = {"tangent": x[:, ::-1] - 1, "cotangent": x * 2}
    for got, expected in zip(fn(x, **seeds), kernel(x, **seeds), strict=True):
        close(got, expected, dtype)


def test_sparse_results_have_the_same_pattern():
    fn, kernel = both("x*y + sin(z) + 3*x", "x y z", ["gradient", "hessian"], sparse=True)
    x = points(100)
    for name in ("gradient", "hessian"):
        same(fn.sparsity[name].indices, kernel.sparsity[name].indices)
        close(fn(x)[name], kernel(x)[name])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("reduce", ["sum", "mean"])
def test_sums_are_those_of_the_kernel_for_any_number_of_workers(reduce, dtype):
    wanted = ["value", "gradient", "hessian"]
    fn, kernel = both("x*y*sin(z) + 3*x", "x y z", wanted, reduce=reduce, dtype=dtype)
    for count in (0, 1, 4095, 70_003):
        x = points(count, dtype) - dtype.startswith("f")
        made, expected = fn(x, workers=1), kernel(x, workers=1)
        for got, sums in zip(made, expected, strict=True):
            scale = max(count, 1) if reduce == "sum" else 1
            assert got.dtype == dtype
            np.testing.assert_allclose(got, sums, rtol=0, atol=100 * TOLERANCE[dtype] * scale)
        for got, again in zip(fn(x, workers=2), made, strict=True):
            same(got, again)


def test_normal_equations():
    fn, kernel = both(["a*x + b - y"], "x y", None, parameters="a b", wrt="a b", reduce="normal")
    x = points(10_000)[:, :2]
    for got, expected in zip(fn(x, a=1.5, b=-1.0), kernel(x, a=1.5, b=-1.0), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-13)


def test_blocks_of_sums_are_those_of_kernels():
    assert interpret.BLOCK == reduction.BLOCK
    assert all(interpret.BLOCK % length == 0 for length in interpret.TILES)


# ------------------------------------------------------------------------------- what it says


def test_it_says_what_it_is(interpreted):
    assert "interpreted" in repr(interpreted)
    assert not interpreted.cached
    assert interpreted.accuracy["sin"].provider == "numpy"
    assert interpreted.accuracy["sin"].ulp == 4.0
    assert "kernel(" in interpreted.source("c")
    assert interpreted.program.counts["exp"] == 1
    for ask in (lambda: interpreted.njit, interpreted.llvm):
        with pytest.raises(OptionError, match='jit="never", which compiles nothing'):
            ask()


@pytest.mark.parametrize(
    "name", [n for n, row in PRIMITIVES.items() if row.kind == "call" and n != "fmod"]
)
def test_functions_keep_the_bound_that_accuracy_tells(name):
    row = PRIMITIVES[name]
    fn = Interpreter(program(name, row), PRIMITIVES, "float64")
    low, high = np.array(row.domain).T
    x = np.random.default_rng(11).uniform(low, high, (300, row.arity))
    value = np.empty((300, 1))
    fn(0, 300, 0, None, x, value)
    oracle = {"exp2": lambda a: mpmath.mpf(2) ** a, "log2": lambda a: mpmath.log(a, 2)}
    oracle |= {"cbrt": mpmath.cbrt, "log10": lambda a: mpmath.log(a, 10)}
    oracle |= {"pow": mpmath.power}
    with mpmath.workdps(40):
        exact = [oracle.get(name, getattr(mpmath, name, None))(*map(mpmath.mpf, p)) for p in x]
        ulps = [abs(float((mpmath.mpf(v) - e) / np.spacing(abs(float(e)))))
                for v, e in zip(value[:, 0].tolist(), exact, strict=True)]  # fmt: skip
    assert max(ulps) <= fn.bounds()[name].ulp


def test_a_tile_stays_small_where_many_values_wait(monkeypatch):
    made = Interpreter(program("sin", ROWS["sin"]), ROWS, "float64")
    plan = made.prepare()
    assert made._tile_length(plan) == interpret.TILES[0]
    monkeypatch.setattr(interpret, "MEMORY", 1000)
    assert made._tile_length(plan) == interpret.TILES[-1]


def waiting(order, code):
    """The largest number of values that are waiting at once."""
    live, most = 0, 0
    for index, dead in order:
        live += code[index].op != "store"
        most = max(most, live)
        live -= len(dead)
    assert live == 0
    return most


def test_the_order_is_an_order_and_few_values_wait():
    # All differences first, then all squares of them: as bad as it can be.
    n = 100
    code = [Instruction("load", (), (0, i)) for i in range(n)]
    code += [Instruction("sub", (i, i + 1)) for i in range(n - 1)]
    code += [Instruction("mul", (n + i, n + i)) for i in range(n - 1)]
    code += [Instruction("store", (2 * n - 1 + i,), (0, i)) for i in range(n - 1)]
    order = list(in_frugal_order(code))
    assert sorted(index for index, _ in order) == list(range(len(code)))
    done = set()
    for index, dead in order:
        assert set(code[index].args) <= done
        assert set(dead) <= set(code[index].args)
        done.add(index)
    assert waiting(order, code) <= 3


SCRIPT = """
import sys
import symgrad as sg
fn = sg.compile("x**2*sin(y) + gamma(x)", "x y", ["value", "gradient"], jit="never")
print(fn([[3.0, 0.5]]).gradient.shape, fn.accuracy["sin"].ulp, fn.operations.total > 3)
print(*[name for name in ("numba", "llvmlite", "sympy") if name in sys.modules])
"""


def test_numba_is_never_imported(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SYMGRAD_CACHE_DIR": str(tmp_path / "c")}
    for _ in range(2):  # derived, and from disk
        made = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env=environment, capture_output=True, text=True, check=True, timeout=120,
        )  # fmt: skip
        assert made.stdout.splitlines() == ["(1, 2) 4.0 True", ""]
