"""symgrad show: one stage of the pipeline, as text."""

import pytest

from symgrad.api import stage_text
from symgrad.cli.options import load_problem
from symgrad.cli.show import STAGES


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_is_shown(run, problem, stage):
    if stage == "ptx":
        pytest.importorskip("cuda.bindings")
    result = run("show", problem, "--stage", stage)
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    expected = stage_text(load_problem(str(problem), None), stage)
    assert result.stdout.rstrip("\n") == expected.rstrip("\n")


def test_stages_differ(run, problem):
    assert len({run("show", problem, "--stage", stage).stdout for stage in STAGES}) == len(STAGES)


def test_options_reach_the_pipeline(run):
    arguments = ("show", "x**3", "--inputs", "x", "--stage", "simplify", "--derivatives")
    assert "output value" in run(*arguments, "value").stdout
    assert "output order3" in run(*arguments, "3").stdout


def test_float32_reaches_the_code(run):
    arguments = ("show", "x*y", "--inputs", "x,y", "--stage", "llvm")
    assert " x double>" in run(*arguments).stdout
    text = run(*arguments, "--dtype", "float32").stdout
    assert " x float>" in text
    assert " x double>" not in text


def test_unknown_stages_are_usage_errors(run, problem):
    result = run("show", problem, "--stage", "sass")
    assert result.exit_code == 2
    assert "'sass' is not one of" in result.stderr


def test_sparse_programs_have_fewer_stores(run):
    arguments = ("show", "x**2 + y", "--inputs", "x,y", "--derivatives", "hessian")
    assert run(*arguments).stdout.count("store") == 4
    assert run(*arguments, "--sparse", "--optimize", "fast").stdout.count("store") == 1
