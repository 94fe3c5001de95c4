"""The readable source for numba.cuda: its values in the CUDA simulator, its text, its PTX."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import symgrad as sg
from symgrad.emit.cuda.lowering import lowered
from symgrad.emit.cuda.names import NAMES
from symgrad.emit.cuda.numba_text import OPERATIONS, PAIRS, literal, numba_cuda_text, operations
from symgrad.emit.target import Dtype, Target
from symgrad.errors import OptionError, UnknownFunctionError
from symgrad.ir.layout import Layout
from symgrad.ir.program import Group, Instruction, Program, Result
from tests.emit.cuda.suite import NAMES as PROBLEMS
from tests.emit.cuda.suite import case, error_in_ulp

HAS_CUDA = importlib.util.find_spec("numba_cuda") is not None

# The simulator is chosen when numba.cuda is imported, so that it needs a process of its own.
RUNNER = """
import importlib.util, pathlib, sys
import numpy as np

for path in sorted(pathlib.Path(sys.argv[1]).glob("*.py")):
    made = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(made)
    made.loader.exec_module(module)
    with np.load(path.with_suffix(".npz")) as given:
        arrays = [given[name] for name in given]
    module.kernel[1, 4](*arrays)
    np.savez(path.with_suffix(".out.npz"), *arrays)
"""


def gpu(dtype: Dtype = "float64", *, reduced: bool = False) -> Target:
    return Target("cuda", 1, dtype, "high", 1, 1, reduced, contract=True)


def simulate(
    folder: Path, sources: dict[str, tuple[str, list[np.ndarray]]]
) -> dict[str, list[np.ndarray]]:
    """Run every source on its arrays in one process; what the arrays hold then."""
    for name, (text, arrays) in sources.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
        np.savez(folder / f"{name}.npz", *arrays)
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1"}
    command = [sys.executable, "-c", RUNNER, str(folder)]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = {}
    for name in sources:
        with np.load(folder / f"{name}.out.npz") as made:
            found[name] = [made[key] for key in made]
    return found


def batch(
    program: Program, layout: Layout, groups: list[np.ndarray], dtype: Dtype = "float64"
) -> list[np.ndarray]:
    """The arrays that a kernel takes: its groups, and results that hold nothing yet."""
    last, count = layout.points == "last", len(groups[0])
    arrays = [a.astype(dtype) for a in groups]
    arrays = [np.ascontiguousarray(a.T) if last and a.ndim == 2 else a for a in arrays]
    for result in program.results:
        shape = (*result.shape, count) if last else (count, *result.shape)
        arrays.append(np.full(shape, np.nan, dtype))
    return arrays


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[np.ndarray]]:
    """All problems, by turns with the points first and last, and two in float32."""
    sources = {}
    for number, name in enumerate(PROBLEMS):
        one, layout = case(name), Layout(("first", "last")[number % 2])
        program = lowered(one.program, gpu())
        arrays = batch(program, layout, one.groups)
        sources[name] = (numba_cuda_text(program, gpu(), layout), arrays)
    for name in ("kerr", "black_scholes"):
        one, single = case(name), gpu("float32")
        program = lowered(one.program, single)
        arrays = batch(program, Layout("first"), one.groups, "float32")
        sources[f"{name}_single"] = (numba_cuda_text(program, single, Layout("first")), arrays)
    return simulate(tmp_path_factory.mktemp("simulator"), sources)


@pytest.mark.parametrize("name", PROBLEMS)
def test_problems_in_the_simulator(name: str, simulated: dict[str, list[np.ndarray]]) -> None:
    one = case(name)
    got = simulated[name][len(one.groups) :]
    if PROBLEMS.index(name) % 2:
        got = [np.moveaxis(array, -1, 0) for array in got]
    got = [array.reshape(len(one.groups[0]), -1) for array in got]
    assert error_in_ulp(got, one.exact) <= 4 * max(one.error, 1)


@pytest.mark.parametrize("name", ["kerr", "black_scholes"])
def test_float32_stays_float32(name: str, simulated: dict[str, list[np.ndarray]]) -> None:
    """Within the roundings of float32, and not nearer than they allow."""
    one = case(name)
    got = simulated[f"{name}_single"][len(one.groups) :]
    for array, exact in zip(got, one.exact, strict=True):
        assert array.dtype == np.float32
        scale = np.abs(exact).max()
        error = np.abs(array.reshape(exact.shape) - exact).max() / scale
        assert 1e-9 < error < 2e-4


def one_call(op: str) -> Program:
    """An operation of three inputs, as far as it has so many."""
    parts = {"atan2": 2, "hypot": 2, "pow": 2, "fmod": 2, "fma": 3}
    code = [Instruction("load", (), (0, k)) for k in range(3)]
    code.append(Instruction(op, tuple(range(parts.get(op, 1)))))
    if op == "sincos":
        code.append(Instruction("part", (3,), 1))
    code.append(Instruction("store", (len(code) - 1,), (0, 0)))
    return Program((Group("inputs", ("a", "b", "c")),), (Result("value", ()),), tuple(code))


FUNCTIONS = [op for op, name in NAMES.items() if name.libdevice["float64"]]
POINTS = np.array([[0.3, 0.7, 0.2], [0.9, 2.5, -1.0]])
MATHS = {
    "abs": np.abs, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "atan2": np.arctan2,
    "asinh": np.arcsinh, "atanh": np.arctanh, "pow": np.power, "sincos": np.cos,
    "rsqrt": lambda a: 1 / np.sqrt(a), "fma": lambda a, b, c: a * b + c,
    "erf": np.vectorize(__import__("math").erf), "erfc": np.vectorize(__import__("math").erfc),
}  # fmt: skip


def test_every_function_in_the_simulator(tmp_path: Path) -> None:
    sources = {}
    for op in FUNCTIONS:
        points = POINTS + (1 if op == "acosh" else 0)
        program = one_call(op)
        arrays = batch(program, Layout("first"), [points])
        sources[op] = (numba_cuda_text(program, gpu(), Layout("first")), arrays)
    roots = batch(one_call("cbrt"), Layout("first"), [np.array([[1e300, 0, 0], [-2e-300, 0, 0]])])
    sources["roots"] = (numba_cuda_text(one_call("cbrt"), gpu(), Layout("first")), roots)
    found = simulate(tmp_path, sources)
    points, got = found.pop("roots")
    np.testing.assert_allclose(got, np.cbrt(points[:, 0]), rtol=1e-15)
    for op, (points, got) in found.items():
        function = MATHS.get(op) or getattr(np, op, None) or np.arccosh
        arity = {"fma": 3, "atan2": 2, "hypot": 2, "pow": 2, "fmod": 2}.get(op, 1)
        np.testing.assert_allclose(got, function(*points.T[:arity]), rtol=1e-15, err_msg=op)


def test_sums_routines_and_names_in_the_simulator(tmp_path: Path) -> None:
    """What is added to results, a routine with a loop and a table, a kernel named as a word."""
    x = sg.variables("x")
    fn = sg.compile(sg.math.besselj0(x) + sg.math.dawson(x), [x], "value", jit="never")
    points = np.array([[0.4], [3.0], [11.0]])
    program = lowered(fn.program, gpu())
    added, summed = Layout("last", accumulate=True), Layout("first")
    value = fn.program.results[0].shape
    sources = {
        "added": (numba_cuda_text(program, gpu(), added), [points.T, np.full((*value, 3), 2.0)]),
        "summed": (
            numba_cuda_text(program, gpu(reduced=True), summed),
            [points, np.zeros(value or (1,))],
        ),
    }
    got = simulate(tmp_path, sources)
    expected = fn(points[:, 0])
    np.testing.assert_allclose(got["added"][1].ravel(), 2 + expected, rtol=1e-14)
    np.testing.assert_allclose(got["summed"][1].ravel(), expected.sum(), rtol=1e-14)
    assert "def select_kernel(" in numba_cuda_text(program, gpu(), summed, name="select")


def test_the_text() -> None:
    one = case("black_scholes")
    text = numba_cuda_text(lowered(one.program, gpu()), gpu(), Layout("first"), name="price")
    compile(text, "price.py", "exec")
    assert max(map(len, text.splitlines())) <= 100
    assert "numba.cuda" in text.splitlines()[0]
    assert "np." not in text
    assert "x (N, 5)  inputs: x0, x1, x2, x3, x4" in text
    assert "@cuda.jit\ndef price(x, value, jacobian):" in text
    assert "price[blocks, threads](x, value, jacobian)" in text
    assert "# jacobian[0, 3] of f0\n        jacobian[i, 0, 3] = v" in text
    last = numba_cuda_text(lowered(one.program, gpu()), gpu(), Layout("last"))
    assert "jacobian[0, 3, i] = v" in last
    assert "x.shape[1], cuda.gridsize(1)" in last


def test_every_operation_has_a_text() -> None:
    """The same as other texts for a GPU have; in float32 nothing stays a Python float."""
    assert {*OPERATIONS, *PAIRS} == {*NAMES}
    for op, text in operations("float32").items():
        wrapped = re.sub(r"(np\.float32|\{real\})\((math|cuda)\.", "", text)
        assert "math." not in wrapped, op
        assert "cuda." not in wrapped, op
    assert operations("float32")["pow"] == "np.float32(math.pow({0}, {1}))"


def test_literals() -> None:
    assert literal(float("inf"), "float64") == "math.inf"
    assert literal(float("-inf"), "float32") == "-math.inf"
    assert literal(float("nan"), "float64") == "math.nan"
    assert literal(0.1, "float64") == "0.1"


def test_errors() -> None:
    with pytest.raises(UnknownFunctionError, match=r"numba\.cuda source has no 'missing'"):
        numba_cuda_text(one_call("missing"), gpu(), Layout())
    with pytest.raises(OptionError, match="must be a letter"):
        numba_cuda_text(one_call("sin"), gpu(), Layout(), name="2 b")


@pytest.mark.skipif(not HAS_CUDA, reason="numba-cuda is not installed")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_numba_compiles_it(dtype: Dtype) -> None:
    """And in float32 makes no double of anything."""
    from numba import cuda, types

    program = lowered(case("black_scholes").program, gpu(dtype))
    space: dict = {}
    exec(numba_cuda_text(program, gpu(dtype), Layout("first")), space)
    real = {"float64": types.float64, "float32": types.float32}[dtype]
    kinds = (real[:, ::1], real[:, ::1], real[:, :, ::1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("numba.cuda.dispatcher.get_current_device", lambda: _Device())
        text, _ = cuda.compile_ptx(space["kernel"].py_func, types.void(*kinds), cc=(9, 0))
    assert (".f64" in text) == (dtype == "float64")


class _Device:
    """What numba asks of a GPU to compile a device function that another kernel calls."""

    compute_capability = (9, 0)
