from __future__ import annotations

from pathlib import Path

import pytest

FORMULA = ["plot", "x**2*sin(y)", "--inputs", "x,y", "--kind"]


@pytest.mark.parametrize("kind", ["graph", "sparsity", "field"])
def test_every_kind_of_a_problem_file(run, problem, kind):
    made = run("plot", problem, "--kind", kind, "-o", "picture.svg")
    assert made.exit_code == 0, made.stderr
    assert made.stdout == ""
    text = Path("picture.svg").read_text(encoding="utf-8")
    assert text.startswith("<svg ")
    assert text.endswith("</svg>\n")
    again = run("plot", problem, "--kind", kind, "-o", "picture.svg")
    assert (again.exit_code, "exists already" in again.stderr) == (2, True)


def test_sparsity_names_rows_and_columns(run):
    made = run(*FORMULA, "sparsity", "--derivatives", "gradient,hessian", "--sparse")
    assert "hessian: 4 of 4 entries" in made.stdout
    assert "<title>x, y</title>" in made.stdout
    first = run(*FORMULA, "sparsity", "--derivatives", "gradient,hessian", "--result", "gradient")
    assert "gradient: 2 of 2 entries, 1 x 2" in first.stdout


def test_a_curve_with_the_other_input_held(run):
    ranges = ["--range", "x=0:2", "--range", "y=1:1"]
    made = run(*FORMULA, "field", "--derivatives", "gradient", "--entry", "0", *ranges)
    assert "gradient[0], y = 1" in made.stdout
    assert "<path" in made.stdout
    both = run(*FORMULA, "field", "--over", "y,x", *ranges[:3], "y=0:1")
    assert "<image" in both.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["field"], "--over x,y"),
        (["field", "--range", "x=0:1"], "no range is known for y"),
        (
            ["field", "--range", "x=0:1", "--range", "y=0:1", "--over", "z"],
            "choose one of 'x', 'y'",
        ),
        (["field", "--range", "x=0:1", "--range", "y=0:1", "--entry", "7"], "--entry 7 is not in"),
        (["field", "--range", "x=0:1", "--range", "y=0:1", "--over", "x,x"], "--over x,y"),
        (["sparsity", "--result", "hesian"], "'gradient'"),
        (["map"], "is not one of"),
    ],
)
def test_what_cannot_be_drawn(run, options, said):
    made = run(*FORMULA, *options, "--derivatives", "gradient")
    assert made.exit_code == 2
    assert said in made.stderr


def test_parameters_need_values(run):
    options = ["--inputs", "x", "--kind", "field", "--range", "x=0:1"]
    made = run("plot", "k*x", *options, "--parameter", "k")
    assert "no value is given for the parameter(s) k" in made.stderr


def test_a_field_of_a_product_with_a_direction_is_refused(run):
    made = run(*FORMULA, "field", "--range", "x=0:1", "--range", "y=0:1", "--derivatives", "jvp")
    assert (made.exit_code, "knows no tangent" in made.stderr) == (2, True)
