"""The NumPy and PyTorch modules: they agree with the interpreters, and test themselves."""

from __future__ import annotations

import ast
import runpy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symgrad import compile
from symgrad.emit.readable.arrays import LIBRARIES, array_source, numpy_source, torch_source
from symgrad.emit.readable.numba_source import OPERATIONS
from symgrad.errors import UnknownFunctionError
from symgrad.ir.program import Instruction, Program
from tests.emit.readable.test_walk import (
    POINTS,
    assert_close,
    by_numpy,
    every_function,
    expected,
    hostile,
    piecewise,
    polar,
    special_points,
)

ULPS = 4


@pytest.fixture(params=LIBRARIES)
def library(request: pytest.FixtureRequest) -> str:
    pytest.importorskip(request.param)
    return str(request.param)


def load(program: Program, library: str, folder: Path, **options: Any) -> dict[str, Any]:
    """The names of the generated module, read from a file as a user would."""
    options.setdefault("test_point", [[1.0] * len(group.columns) for group in program.groups])
    options.setdefault("test_values", [[0.0] * result.size for result in program.results])
    path = folder / "generated.py"
    path.write_text(array_source(program, library, **options), encoding="utf-8")
    return runpy.run_path(str(path))


def test_batches_of_every_shape_agree_with_the_interpreter(library: str, tmp_path: Path) -> None:
    program, (point, parameters) = polar(), POINTS["polar"]
    kernel = load(program, library, tmp_path)["kernel"]
    for shape in ((), (3,), (2, 1, 3)):
        value, jacobian = kernel(np.broadcast_to(point, (*shape, 2)).copy(), np.array(parameters))
        wanted = expected(program, [point, parameters])
        assert value.shape == (*shape, 2)
        assert jacobian.shape == (*shape, 2, 2)
        assert_close(np.asarray(value)[*shape and (0,) * len(shape)], np.array(wanted[0]), ULPS, "")
        last = np.asarray(jacobian).reshape(-1, 4)[-1]
        assert_close(last, np.array(wanted[1]), ULPS, "jacobian")


def test_parameters_along_the_batch(library: str, tmp_path: Path) -> None:
    kernel = load(polar(), library, tmp_path)["kernel"]
    points, k = np.array([[1.0, 0.5], [2.0, 0.25]]), np.array([[3.0], [4.0]])
    value, _ = kernel(points, k)
    want = k[:, 0] * points[:, 0] * np.sin(points[:, 1])
    np.testing.assert_allclose(np.asarray(value)[:, 1], want, rtol=1e-15)


def test_conditions_and_constants(library: str, tmp_path: Path) -> None:
    program = piecewise()
    kernel = load(program, library, tmp_path)["kernel"]
    rows = np.array([[0.75, 3.0], [-2.25, -1.0], [2.5, 2.5]])
    value, u_x, u_xx = map(np.asarray, kernel(rows, np.ones((3, 1))))
    assert (value.shape, u_x.shape, u_xx.shape) == ((3,), (3, 2), (3, 1, 1))
    for index, row in enumerate(rows):
        wanted = expected(program, [list(row), [1.0]])
        assert value[index] == wanted[0][0]
        assert u_x[index, 0] == pytest.approx(wanted[1][0], rel=1e-15)
    assert np.signbit(u_x[:, 1]).all()
    assert np.isneginf(u_xx).all()


def test_special_values_are_those_of_ieee_arithmetic(library: str, tmp_path: Path) -> None:
    program, points = every_function(), special_points()
    if library == "torch":  # which has no fma
        rest = [i if i.op != "fma" else Instruction("add", i.args[:2]) for i in program.code]
        program = replace(program, code=tuple(rest))
    made = load(program, library, tmp_path)["kernel"](points)
    wanted = by_numpy(program, points)
    for column, label in enumerate(program.labels):
        assert_close(np.asarray(made)[:, column], wanted[:, column], 16, label)


def test_every_operation_of_the_other_languages_is_there(library: str) -> None:
    known = LIBRARIES[library].operations
    assert set(OPERATIONS) - set(known) <= {"fma"}


def test_float32_stays_float32(library: str, tmp_path: Path) -> None:
    program = compile("where(x > y, x/3, 0.1)*exp(y)", "x y", "value", jit="never").program
    kernel = load(program, library, tmp_path, dtype="float32")["kernel"]
    made = np.asarray(kernel(np.array([[1.0, 0.5], [0.5, 1.0]])))
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, [np.exp(0.5) / 3, np.exp(1) / 10], rtol=3e-7)


def test_names_cannot_leave_their_comments(library: str) -> None:
    program = hostile()
    text = array_source(
        program,
        library,
        test_point=[[1.0] * len(program.groups[0].columns)],
        test_values=[[0.0]] * len(program.results),
    )
    names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    assert not names & {"os", "escaped"}


@pytest.mark.parametrize("right", [True, False])
def test_the_self_test_notices_a_wrong_value(
    library: str, right: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program, point = polar(), POINTS["polar"]
    values = expected(program, point)
    values = values if right else [values[0], [1.01 * entry for entry in values[1]]]
    module = load(program, library, tmp_path, test_point=point, test_values=values)
    assert module["self_test"]() == (not right)
    assert ("passed" in capsys.readouterr().out) == right


def test_special_functions_are_called_for_each_point(tmp_path: Path) -> None:
    fn = compile("gamma(x)*erf(y)", "x y", ["value", "gradient"], jit="never")
    points = np.array([[2.5, 0.5], [4.0, -1.0]])
    value, gradient = load(fn.program, "numpy", tmp_path)["kernel"](points)
    want = fn(points)
    np.testing.assert_allclose(value, want.value, rtol=1e-14)
    np.testing.assert_allclose(gradient, want.gradient, rtol=1e-13)


@pytest.mark.parametrize("formula", ["gamma(x)*erf(y)", "cbrt(x)*y"])
def test_no_points(formula: str, tmp_path: Path) -> None:
    program = compile(formula, "x y", "gradient", jit="never").program
    assert load(program, "numpy", tmp_path)["kernel"](np.zeros((0, 2))).shape == (0, 2)


def test_pytorch_uses_its_own_special_functions_or_says_no() -> None:
    options = {"test_point": [[1.0]], "test_values": [[1.0]]}
    made = compile("loggamma(x)", "x", "value", jit="never").program
    assert "torch.lgamma(number(v0))" in torch_source(made, **options)
    assert "np.vectorize" in numpy_source(made, **options)
    other = compile("expint(2, x)", "x", "value", jit="never").program
    with pytest.raises(UnknownFunctionError, match="PyTorch source has no"):
        torch_source(other, **options)


def test_pytorch_modules_have_the_derivatives_of_erf_and_tanh(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    fn = compile("erf(x)*tanh(y)", "x y", ["gradient", "hessian"], jit="never")
    points = np.array([[0.5, -0.3], [-1.5, 2.0]])
    made = load(fn.program, "torch", tmp_path)["kernel"](points)
    for got, want in zip(made, fn(points), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-14)


def test_pytorch_modules_have_sech_to_its_end_and_derivatives_of_two_sides(tmp_path: Path) -> None:
    """sech(x) is no longer 0 where cosh(x) is infinite, and slopes of hypot take no fma."""
    torch = pytest.importorskip("torch")
    fn = compile("sech(x)", "x", "value", jit="never")
    points = torch.tensor([[0.0], [-0.3], [30.0], [710.5], [-740.0]], dtype=torch.float64)
    made = load(fn.program, "torch", tmp_path)["kernel"](points)
    np.testing.assert_allclose(made, fn(points.numpy()), rtol=2e-15, atol=1e-323)
    slopes = compile("hypot(x, y) + atan2(x, y)", "x y", "gradient", jit="never")
    sides = np.array([[3e200, 4e200], [-1e-200, 1e-200], [0.0, 0.0]])
    made = load(slopes.program, "torch", tmp_path)["kernel"](sides)
    np.testing.assert_allclose(made, slopes(sides), rtol=1e-15)


def test_autograd_differentiates_the_pytorch_module(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    program = compile("where(x > 0, x**2*sin(y), y)", "x y", jit="never").program
    kernel = load(program, "torch", tmp_path)["kernel"]
    points = torch.tensor([[1.5, 0.5], [-1.0, 2.0]], dtype=torch.float64, requires_grad=True)
    kernel(points)[:, 0].sum().backward()
    want = [[2 * np.sin(0.5), 3 * np.cos(0.5)], [0, 0]]
    np.testing.assert_allclose(points.grad, want, rtol=1e-15)
