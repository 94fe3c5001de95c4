"""The C source: it compiles without a warning, agrees with the interpreters, and tests itself."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest

from symgrad.emit.readable.c import c_source
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

COMPILER = shutil.which("cc")
FLAGS = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-O2", "-ffp-contract=off")
ULPS = 4

pytestmark = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler `cc` here")


def source_of(program: Program, point: Any = None, **options: Any) -> str:
    """C source with a self-test that expects zeros, unless told otherwise."""
    point = point or [[1.0] * len(group.columns) for group in program.groups]
    options.setdefault("test_values", [[0.0] * result.size for result in program.results])
    return c_source(program, test_point=point, **options)


def compile_c(text: str, folder: Path, *flags: str, optimised: bool = True) -> Path:
    """The path of what ``cc`` makes of the text; every warning is an error."""
    path, target = folder / "generated.c", folder / "generated.out"
    path.write_text(text, encoding="utf-8")
    chosen = FLAGS if optimised else tuple(f for f in FLAGS if f != "-O2")
    command = [str(COMPILER), *chosen, *flags, str(path), "-o", str(target), "-lm"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return target


def load(text: str, folder: Path, *, optimised: bool = True) -> ctypes.CDLL:
    """The functions of the text, for ctypes."""
    made = compile_c(text, folder, "-shared", "-fPIC", optimised=optimised)
    return ctypes.CDLL(str(made))


def batch(library: ctypes.CDLL, count: int, *arrays: np.ndarray) -> None:
    """``kernel_batch`` over arrays."""
    pointers = [ctypes.c_void_p(array.ctypes.data) for array in arrays]
    library.kernel_batch(ctypes.c_long(count), *pointers)


def test_one_point_and_many_agree_with_the_interpreter(tmp_path: Path) -> None:
    program, point = polar(), POINTS["polar"]
    library = load(source_of(program), tmp_path)
    x, p, value, jacobian = np.array(point[0]), np.array(point[1]), np.empty(2), np.empty((2, 2))
    library.kernel(*(ctypes.c_void_p(array.ctypes.data) for array in (x, p, value, jacobian)))
    wanted = expected(program, point)
    assert_close(value, np.array(wanted[0]), ULPS, "value")
    assert_close(jacobian.ravel(), np.array(wanted[1]), ULPS, "jacobian")
    points = np.random.default_rng(5).uniform(0.5, 2, (7, 2))
    values, jacobians = np.empty((7, 2)), np.empty((7, 2, 2))
    batch(library, 7, points, p, values, jacobians)
    for row, got, got_jacobian in zip(points, values, jacobians, strict=True):
        exact = expected(program, [list(row), point[1]])
        assert_close(got, np.array(exact[0]), ULPS, "value")
        assert_close(got_jacobian.ravel(), np.array(exact[1]), ULPS, "jacobian")


def test_results_of_shape_nothing_and_constants(tmp_path: Path) -> None:
    program = piecewise()
    rows = np.array([[0.75, 3.0], [-2.25, -1.0], [2.5, 2.5]])
    value, u_x, u_xx = np.empty(3), np.empty((3, 2)), np.empty((3, 1, 1))
    batch(load(source_of(program), tmp_path), 3, rows, np.ones(3), value, u_x, u_xx)
    for index, row in enumerate(rows):
        wanted = expected(program, [list(row), [1.0]])
        assert value[index] == wanted[0][0]
        assert u_x[index, 0] == pytest.approx(wanted[1][0], rel=1e-15)
    assert np.signbit(u_x[:, 1]).all()
    assert (u_x[:, 1] == 0).all()
    assert np.isneginf(u_xx).all()


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    return load(source_of(every_function()), tmp_path_factory.mktemp("every"))


def test_special_values_are_those_of_ieee_arithmetic(every: ctypes.CDLL) -> None:
    program, points = every_function(), special_points()
    got = np.empty((len(points), len(program.labels)))
    batch(every, len(points), points, got)
    wanted = by_numpy(program, points)
    for column, label in enumerate(program.labels):
        assert_close(got[:, column], wanted[:, column], ULPS, label)


@pytest.mark.parametrize("row", [r for r in ROWS if not r.boolean and r.name != "select"],
                         ids=lambda row: row.name)  # fmt: skip
def test_functions_agree_with_exact_arithmetic(every: ctypes.CDLL, row: Any) -> None:
    program = every_function()
    intervals = [*row.domain, (0.3, 0.9)][:2]
    random = np.random.default_rng(11)
    points = np.stack([random.uniform(low, high, 40) for low, high in intervals], axis=-1)
    got = np.empty((len(points), len(program.labels)))
    batch(every, len(points), points, got)
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
    assert_close(got[:, program.labels.index(row.name)], np.array(exact), ULPS, row.name)


def test_float32_is_float32_throughout(tmp_path: Path) -> None:
    program = every_function()
    text = source_of(program, dtype="float32")
    kernel = text.split("#ifdef")[0].split("#include")[-1]
    assert "double" not in kernel
    # A double anywhere on the way would be promoted and rounded without a word.
    path = compile_c(text, tmp_path, "-shared", "-fPIC", "-Wdouble-promotion", "-Wfloat-conversion")
    points = np.random.default_rng(2).uniform(0.1, 0.9, (50, 2)).astype(np.float32)
    got = np.empty((50, len(program.labels)), np.float32)
    batch(ctypes.CDLL(str(path)), 50, points, got)
    wanted = by_numpy(program, points.astype(float)).astype(np.float32)
    for column, label in enumerate(program.labels):
        assert_close(got[:, column], wanted[:, column], ULPS, label)


def test_hostile_names_stay_in_comments(tmp_path: Path) -> None:
    columns = len(HOSTILE)
    values = [[float(n)] for n in range(2, columns + 1)]
    text = source_of(hostile(), test_values=values)
    assert text.isascii()
    for name in HOSTILE[:-1]:
        assert name not in text
    program = compile_c(text, tmp_path, "-DSYMGRAD_SELF_TEST", "-Wtrigraphs", "-Wcomment")
    done = subprocess.run([str(program)], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "self-test passed: largest error 0 ulp\n"


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_self_test_passes_and_fails(tmp_path: Path, dtype: Any) -> None:
    program, point = polar(), POINTS["polar"]
    values = expected(program, point)
    for factor, status, word in ((1.0, 0, "passed"), (1 + 1e-3, 1, "FAILED")):
        values[1][3] *= factor
        text = c_source(program, dtype=dtype, test_point=point, test_values=values)
        path = compile_c(text, tmp_path, "-DSYMGRAD_SELF_TEST")
        done = subprocess.run([str(path)], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == status
        assert done.stdout.startswith(f"self-test {word}: largest error ")
        assert (float(done.stdout.split()[-2]) < ULPS) == (status == 0)


@pytest.mark.parametrize(
    ("results", "wanted", "passes"),
    [
        (("nan", "inf"), (float("nan"), float("inf")), True),
        (("nan", "inf"), (0.0, float("inf")), False),
        (("nan", "inf"), (float("nan"), float("-inf")), False),
        (("1.0", "1e-18"), (1.0, 0.0), True),  # what is left of a cancellation
        (("1.0", "1e-3"), (1.0, 0.0), False),
        (("0.0", "1.0"), (float("nan"), 1.0), False),
    ],
)
def test_self_test_compares_special_values(
    tmp_path: Path, results: tuple[str, str], wanted: tuple[float, float], passes: bool
) -> None:
    do = Builder()
    for position, number in enumerate(results):
        do("store", do("constant", data=float(number)), data=(0, position))
    program = Program((Group("inputs", ("a",)),), (Result("value", (2,)),), tuple(do.code))
    text = source_of(program, test_values=[list(wanted)])
    path = compile_c(text, tmp_path, "-DSYMGRAD_SELF_TEST", optimised=False)
    done = subprocess.run([str(path)], capture_output=True, timeout=60, check=False)
    assert done.returncode == (0 if passes else 1)


def test_nothing_in_and_nothing_out(tmp_path: Path) -> None:
    program = Program(
        (Group("inputs", ("a",)), Group("parameters", ())), (Result("jacobian", (0,)),), ()
    )
    path = compile_c(source_of(program), tmp_path, "-DSYMGRAD_SELF_TEST", "-pedantic")
    subprocess.run([str(path)], capture_output=True, timeout=60, check=True)


def test_header_declares_what_the_source_defines(tmp_path: Path) -> None:
    program = polar()
    text = source_of(program, name="polar")
    (tmp_path / "polar.h").write_text(source_of(program, name="polar", header=True))
    compile_c('#include "polar.h"\n#include "polar.h"\n' + text, tmp_path, "-shared", "-fPIC")


def test_header_is_for_cplusplus_too(tmp_path: Path) -> None:
    compiler = shutil.which("c++")
    if compiler is None:
        pytest.skip("there is no C++ compiler `c++` here")
    (tmp_path / "polar.h").write_text(source_of(polar(), name="polar", header=True))
    (tmp_path / "use.cc").write_text('#include "polar.h"\nauto use = &polar_batch;\n')
    command = [compiler, "-Wall", "-Werror", "-c", "use.cc", "-o", "use.o"]
    subprocess.run(command, cwd=tmp_path, timeout=60, check=True)


def test_twenty_thousand_operations_compile(tmp_path: Path) -> None:
    program = long_program(20_000)
    library = load(source_of(program), tmp_path, optimised=False)
    points = np.random.default_rng(3).uniform(-1, 1, (3, 4))
    got = np.empty((3, 10, 4))
    batch(library, 3, points, got)
    wanted = by_numpy(program, points)
    assert np.isfinite(wanted).all()
    assert_close(got.reshape(3, 40), wanted, 0, "the same operations in the same order")
