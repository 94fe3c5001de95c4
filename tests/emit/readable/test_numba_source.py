"""The numba module: it compiles, agrees with the interpreters, and tests itself."""

from __future__ import annotations

import ast
import dis
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest

from symgrad.emit.readable.numba_source import numba_source
from symgrad.functions import PRIMITIVES
from symgrad.ir.evaluate import mpmath_arithmetic, run
from symgrad.ir.program import Group, Program, Result
from tests.emit.readable.test_walk import (
    HOSTILE,
    POINTS,
    ROWS,
    Builder,
    assert_close,
    by_numpy,
    every_function,
    expected,
    hostile,
    long_program,
    piecewise,
    polar,
    special_points,
)

ULPS = 4


def load(program: Program, folder: Path, point: Any = None, **options: Any) -> dict[str, Any]:
    """The names of the generated module, read from a file as a user would."""
    point = point or [[1.0] * len(group.columns) for group in program.groups]
    options.setdefault("test_values", [[0.0] * result.size for result in program.results])
    path = folder / "generated.py"
    path.write_text(numba_source(program, test_point=point, **options), encoding="utf-8")
    return runpy.run_path(str(path))


def test_one_point_and_many_agree_with_the_interpreter(tmp_path: Path) -> None:
    program, point = polar(), POINTS["polar"]
    module = load(program, tmp_path, point)
    value, jacobian = np.empty(2), np.empty((2, 2))
    module["kernel"](np.array(point[0]), np.array(point[1]), value, jacobian)
    wanted = expected(program, point)
    assert_close(value, np.array(wanted[0]), ULPS, "value")
    assert_close(jacobian, np.array(wanted[1]).reshape(2, 2), ULPS, "jacobian")
    points = np.random.default_rng(5).uniform(0.5, 2, (7, 2))
    values, jacobians = np.empty((7, 2)), np.empty((7, 2, 2))
    module["kernel_batch"](points, np.array(point[1]), values, jacobians)
    for row, got, got_jacobian in zip(points, values, jacobians, strict=True):
        module["kernel"](row, np.array(point[1]), value, jacobian)
        assert np.array_equal(got, value)
        assert np.array_equal(got_jacobian, jacobian)


def test_results_of_shape_nothing_and_constants(tmp_path: Path) -> None:
    program, point = piecewise(), [[0.75, 3.0], [1.0]]
    module = load(program, tmp_path, point)
    value, u_x, u_xx = np.empty(3), np.empty((3, 2)), np.empty((3, 1, 1))
    rows = np.array([[0.75, 3.0], [-2.25, -1.0], [2.5, 2.5]])
    module["kernel_batch"](rows, np.ones((3, 1)), value, u_x, u_xx)
    for index, row in enumerate(rows):
        wanted = expected(program, [list(row), [1.0]])
        assert value[index] == wanted[0][0]
        assert u_x[index, 0] == pytest.approx(wanted[1][0], rel=1e-15)
    assert np.signbit(u_x[:, 1]).all()
    assert (u_x[:, 1] == 0).all()
    assert np.isneginf(u_xx).all()


def test_batch_checks_the_number_of_points(tmp_path: Path) -> None:
    module = load(polar(), tmp_path)
    with pytest.raises(ValueError, match="different numbers of points"):
        module["kernel_batch"](np.ones((3, 2)), np.ones(1), np.ones((4, 2)), np.ones((4, 2, 2)))


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return load(every_function(), tmp_path_factory.mktemp("every"))["kernel_batch"]


def test_special_values_are_those_of_ieee_arithmetic(every: Any) -> None:
    program, points = every_function(), special_points()
    got = np.empty((len(points), len(program.labels)))
    every(points, got)
    wanted = by_numpy(program, points)
    for column, label in enumerate(program.labels):
        assert_close(got[:, column], wanted[:, column], ULPS, label)


@pytest.mark.parametrize("row", [r for r in ROWS if not r.boolean and r.name != "select"],
                         ids=lambda row: row.name)  # fmt: skip
def test_functions_agree_with_exact_arithmetic(every: Any, row: Any) -> None:
    program = every_function()
    column = program.labels.index(row.name)
    intervals = [*row.domain, (0.3, 0.9)][:2]
    random = np.random.default_rng(11)
    points = np.stack([random.uniform(low, high, 40) for low, high in intervals], axis=-1)
    got = np.empty((len(points), len(program.labels)))
    every(points, got)
    do = Builder()
    arguments = [do("load", data=(0, index)) for index in (0, 1, 0)[: row.arity]]
    do("store", do(row.name, *arguments), data=(0, 0))
    alone = Program((Group("inputs", ("a", "b")),), (Result("value", ()),), tuple(do.code))
    with mpmath.workdps(50):
        exact = [
            float(
                run(alone, PRIMITIVES, [[mpmath.mpf(n) for n in point]], mpmath_arithmetic())[0][0]
            )
            for point in points.tolist()
        ]
    assert_close(got[:, column], np.array(exact), ULPS, row.name)


def test_float32_is_float32_throughout(tmp_path: Path) -> None:
    module = load(every_function(), tmp_path, dtype="float32")
    kernel, program = module["kernel"], every_function()
    x, value = np.ones(2), np.empty(len(program.labels), np.float32)
    kernel(x, value)  # doubles come in
    (overload,) = kernel.overloads.values()
    kinds = {
        str(kind)
        for name, kind in overload.type_annotation.typemap.items()
        if name.startswith("v") and name[1:2].isdigit()
    }
    assert kinds == {"float32", "bool"}
    points = np.random.default_rng(2).uniform(0.1, 0.9, (50, 2)).astype(np.float32)
    got = np.empty((50, len(program.labels)), np.float32)
    module["kernel_batch"](points, got)
    wanted = by_numpy(program, points.astype(float)).astype(np.float32)
    for column, label in enumerate(program.labels):
        # float32's pow and hypot leave one bit more to the C library than the others.
        assert_close(got[:, column], wanted[:, column], ULPS, label)


def test_integers_come_in_as_floats(tmp_path: Path) -> None:
    do = Builder()
    a = do("load", data=(0, 0))
    do("store", do("div", a, do("mul", a, a)), data=(0, 0))
    program = Program((Group("inputs", ("a",)),), (Result("value", ()),), tuple(do.code))
    value = np.empty(1)
    load(program, tmp_path)["kernel"](np.array([2**40]), value)
    assert value[0] == 2.0**-40


def test_hostile_names_stay_in_comments(tmp_path: Path) -> None:
    columns = len(HOSTILE)
    point, values = [[1.0] * columns], [[float(n)] for n in range(2, columns + 1)]
    text = numba_source(hostile(), test_point=point, test_values=values)
    tree = ast.parse(text)
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert not names & {"os", "abort"}
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert functions == ["kernel", "kernel_batch", "error_in_ulp", "self_test"]
    assert text.isascii()
    module = load(hostile(), tmp_path, point)
    results = [np.empty(1) for _ in values]
    module["kernel"](np.ones(columns), *results)
    assert [float(result[0]) for result in results] == [entries[0] for entries in values]


def _run(path: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", str(path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_self_test_passes_and_fails(tmp_path: Path) -> None:
    program, point = polar(), POINTS["polar"]
    values = expected(program, point)
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_text(numba_source(program, test_point=point, test_values=values))
    values[1][3] *= 1 + 1e-8
    bad.write_text(numba_source(program, test_point=point, test_values=values))
    passed, failed = _run(good), _run(bad)
    assert passed.returncode == 0, passed.stderr
    assert passed.stdout.startswith("self-test passed: largest error ")
    assert float(passed.stdout.split()[-2]) < ULPS
    assert failed.returncode == 1, failed.stderr
    assert failed.stdout.startswith("self-test FAILED: largest error ")


@pytest.mark.parametrize(
    ("got", "wanted", "error"),
    [
        ([1.0, np.nan, np.inf], [1.0, np.nan, np.inf], 0.0),
        ([1.0], [np.nan], np.inf),
        ([np.nan], [1.0], np.inf),
        ([np.inf], [-np.inf], np.inf),
        ([1.0 + 2**-51], [1.0], 2.0),
        ([1.0, 2**-60], [1.0, 0.0], 2**-60 / 2**-62),  # 1/1000 has an ulp of 2^-62
        ([0.0], [0.0], 0.0),
    ],
)
def test_error_in_ulp(tmp_path: Path, got: list[float], wanted: list[float], error: float) -> None:
    module = load(polar(), tmp_path)
    assert module["error_in_ulp"](np.array(got), np.array(wanted)) == error


def test_source_depends_on_numpy_and_numba_alone() -> None:
    text = numba_source(
        piecewise(), test_point=POINTS["piecewise"], test_values=[[0.0], [0.0] * 2, [0.0]]
    )
    tree = ast.parse(text)
    imported = {n.name for node in tree.body if isinstance(node, ast.Import) for n in node.names}
    imported |= {
        node.module for node in tree.body if isinstance(node, ast.ImportFrom) if node.module
    }
    assert imported == {"numpy", "numba"}


def test_conditions_and_selects_do_not_branch(tmp_path: Path) -> None:
    # Every branch is a basic block to numba, whose compile time grows with their square.
    kernel = load(piecewise(), tmp_path)["kernel"]
    jumps = {*dis.hasjrel, *dis.hasjabs}
    assert not [i for i in dis.get_instructions(kernel.py_func) if i.opcode in jumps]


def test_many_entries_are_stored_in_blocks(tmp_path: Path) -> None:
    results = (
        Result("value", ()),
        Result("gradient", (70,)),  # 32 + 32 + 6
        Result("jacobian", (2, 33)),  # two rows of 32 + 1
        Result("hessian", (1, 2, 3)),
    )
    places = [(r, position) for r, result in enumerate(results) for position in range(result.size)]
    do = Builder()
    a, minus = do("load", data=(0, 0)), do("constant", data=-1.0)
    for number, place in enumerate(np.random.default_rng(1).permutation(places).tolist()):
        entry = minus if place == [1, 7] else do("add", a, do("constant", data=number + 1.0))
        do("store", entry, data=tuple(place))
    program = Program((Group("inputs", ("a",)),), results, tuple(do.code), labels=("f",))
    module = load(program, tmp_path)
    text = (tmp_path / "generated.py").read_text()
    assert set(re.findall(r"fill\((.*?), \(", text)) == {
        *("gradient[0:32]", "gradient[32:64]", "gradient[64:70]"),
        *("jacobian[0, 0:32]", "jacobian[1, 0:32]", "hessian[0, 0]", "hessian[0, 1]"),
    }
    assert "# jacobian[1, 0] of f to jacobian[1, 31] of f" in text
    value, gradient = np.empty((1, 1)), np.empty((1, 70))
    # Rows of a batch need not be contiguous.
    jacobian, hessian = np.empty((2, 33, 1)).transpose(2, 0, 1), np.empty((1, 1, 2, 3))
    module["kernel_batch"](np.array([[0.5]]), value[:, 0], gradient, jacobian, hessian)
    wanted = [np.array(entries) for entries in expected(program, [[0.5]])]
    filled: tuple[np.ndarray, ...] = (value, gradient, jacobian, hessian)
    for got, entries in zip(filled, wanted, strict=True):
        assert np.array_equal(got.ravel(), entries)


def test_long_programs_print_lines_of_their_own() -> None:
    program = long_program(20_000)
    text = numba_source(program, test_point=[[0.5] * 4], test_values=[[0.0] * 40])
    tree = ast.parse(text)
    kernel = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "kernel")
    assert len(kernel.body) == 1 + 4 + program.total + 40  # docstring, loads, operations, stores
