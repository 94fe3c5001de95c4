"""symgrad generate: source that stands on its own."""

import subprocess
import sys

import pytest

FORMULA = ("x**2*sin(y)", "--inputs", "x,y")


def test_numba_source_runs_and_is_right(run, tmp_path):
    result = run("generate", *FORMULA, "--derivatives", "value,gradient", "-o", "kernel.py")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == ""
    done = subprocess.run(
        [sys.executable, "kernel.py"], cwd=tmp_path, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "kernel.py").read_text().splitlines()
    imported = {line.split()[1] for line in lines if line.startswith(("import ", "from "))}
    assert imported >= {"numba"}
    assert not any(name.startswith("symgrad") for name in imported)


@pytest.mark.parametrize(
    ("target", "sign"),
    [
        ("numba", "from numba import njit"),
        ("c", "#include <math.h>"),
        ("numpy", "import numpy as np"),
        ("torch", "import torch"),
    ],
)
def test_standard_output_is_the_source_alone(run, tmp_path, target, sign):
    result = run("generate", *FORMULA, "--target", target)
    assert result.exit_code == 0, result.stderr
    assert sign in result.stdout
    assert result.stderr == ""
    run("generate", *FORMULA, "--target", target, "-o", "kernel")
    assert (tmp_path / "kernel").read_text() == result.stdout


@pytest.mark.parametrize(
    ("target", "sign"), [("cuda", "__global__ void"), ("numba-cuda", "@cuda.jit")]
)
def test_source_for_a_gpu_needs_no_gpu(run, target, sign):
    result = run("generate", *FORMULA, "--target", target)
    assert result.exit_code == 0, result.stderr
    assert sign in result.stdout


def test_code_for_a_gpu_is_of_the_architecture_that_is_asked_for(run, tmp_path):
    pytest.importorskip("cuda.bindings")
    result = run("generate", *FORMULA, "--target", "ptx", "--arch", "sm_80")
    assert result.exit_code == 0, result.stderr
    assert ".target sm_80" in result.stdout
    run("generate", *FORMULA, "--target", "cubin", "-o", "kernel.cubin")
    assert (tmp_path / "kernel.cubin").read_bytes().startswith(b"\x7fELF")


def test_an_unknown_architecture_is_refused(run):
    pytest.importorskip("cuda.bindings")
    result = run("generate", *FORMULA, "--target", "cubin", "--arch", "sm_1", "-o", "kernel.cubin")
    assert result.exit_code == 2
    assert "sm_1" in result.stderr


def test_problem_files_are_generated(run, problem):
    result = run("generate", problem, "--target", "c", "--dtype", "float32")
    assert "float" in result.stdout
    assert "spring" in result.stdout


def test_files_are_not_overwritten_unasked(run, tmp_path):
    (tmp_path / "kernel.py").write_text("mine")
    result = run("generate", *FORMULA, "-o", "kernel.py")
    assert result.exit_code == 2
    assert "kernel.py exists already" in result.stderr
    assert (tmp_path / "kernel.py").read_text() == "mine"
    assert run("generate", *FORMULA, "-o", "kernel.py", "--overwrite").exit_code == 0
    assert (tmp_path / "kernel.py").read_text() != "mine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("x**2",), "add --inputs x,y"),
        (("x**2*z", "--inputs", "x"), "'z' is not declared"),
        (("x**2", "--inputs", "x", "--target", "fortran"), "'fortran' is not one of"),
        (("missing.toml",), "no problem file"),
    ],
)
def test_bad_requests_are_usage_errors(run, arguments, message):
    result = run("generate", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


def test_a_caret_stands_under_the_place(run):
    lines = run("generate", "x**2 + z", "--inputs", "x").stderr.splitlines()
    line = next(i for i, text in enumerate(lines) if text.strip() == "x**2 + z")
    assert lines[line + 1].index("^") == lines[line].index("z")
    assert lines[line + 1].strip() == "^"


def test_sparse_source_stores_no_structural_zeros(run):
    arguments = ("generate", "x**2 + y", "--inputs", "x,y", "--derivatives", "hessian")
    dense, sparse = run(*arguments).stdout, run(*arguments, "--sparse").stdout
    assert "hessian (2, 2)" in dense
    assert "hessian (1,)" in sparse
    assert "hessian[0] = 2.0" in sparse
