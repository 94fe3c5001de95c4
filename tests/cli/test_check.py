"""symgrad check: the report and its exit status."""

import json

import pytest

from symgrad.check import check
from symgrad.cli import check as command


def test_a_right_function_passes(run, problem):
    result = run("check", problem, "--against", "mpmath", "--points", 5)
    assert result.exit_code == 0, result.stderr
    assert "5 points, seed 0" in result.stdout
    assert result.stdout.endswith("passed\n")


def test_what_is_interpreted_passes_as_well(run, problem):
    result = run("check", problem, "--against", "mpmath", "--points", 5, "--jit", "never")
    assert result.exit_code == 0, result.stderr
    assert "interpreted" in result.stdout
    assert result.stdout.endswith("passed\n")


def test_json_is_one_document(run, problem):
    result = run("check", problem, "--against", "mpmath", "--points", 3, "--json", "--seed", 7)
    document = json.loads(result.stdout)
    assert document["passed"] is True
    assert (document["points"], document["seed"]) == (3, 7)
    assert {row["result"] for row in document["rows"]} == {"value", "gradient"}


def test_points_come_from_the_ranges(run, problem):
    arguments = ("--against", "mpmath", "--range", "x=-7:-6", "--parameter", "k=-3", "--json")
    document = json.loads(run("check", problem, *arguments).stdout)
    for row in document["rows"]:
        assert -7 <= row["point"]["x"] <= -6
        assert 0.5 <= row["point"]["y"] <= 1.5
        assert row["point"]["k"] == -3


def test_torch_agrees(run, problem):
    pytest.importorskip("torch")
    result = run("check", problem, "--against", "torch", "--points", 2, "--json")
    assert result.exit_code == 0, result.stderr
    assert {row["oracle"] for row in json.loads(result.stdout)["rows"]} == {"torch"}


def test_disagreement_has_its_own_status(run, problem, monkeypatch):
    def wrong(fn, **options):
        return check(lambda_like(fn), **options)

    class lambda_like:  # noqa: N801 - stands for a function whose second result is off
        def __init__(self, fn):
            self.fn = fn

        def __getattr__(self, name):
            return getattr(self.fn, name)

        def __call__(self, *points, **options):
            value, gradient = self.fn(*points, **options)
            return [value, gradient * (1 + 1e-9)]

    monkeypatch.setattr(command, "compare", wrong)
    result = run("check", problem, "--against", "mpmath", "--points", 3)
    assert result.exit_code == 3
    assert "gradient against mpmath: got" in result.stdout
    assert result.stdout.endswith("FAILED\n")
    lenient = run("check", problem, "--against", "mpmath", "--points", 3, "--tolerance", "1e-6")
    assert lenient.exit_code == 0


def test_unknown_oracles_are_usage_errors(run, problem):
    result = run("check", problem, "--against", "jax")
    assert result.exit_code == 2
    assert "'jax' is not one of" in result.stderr
