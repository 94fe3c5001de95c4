"""Problem files: what they say, and every wrong entry refused by file, entry and cure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from symgrad.errors import ArgumentError, ProblemFileError
from symgrad.parse import problem as problem_module
from symgrad.parse.outputs import parse_outputs
from symgrad.parse.problem import KEYS, Problem, parse_problem, problem_from_formula, read_problem

WHOLE = """
name = "well"
inputs = ["x1", "x2"]
derivatives = ["value", "gradient", 3]
dtype = "float32"

[parameters]
k = 2
c = -0.5

[definitions]
r2 = "x1**2 + x2**2"
s = "sqrt(r2)"

[outputs]
energy = "k*r2*sin(x2)"
force = "c*s"

[ranges]
x1 = [-1, 1]
k = [0.5, 2.5]
"""

SMALL = """
inputs = "x, y"
outputs = "x*y"
"""


def test_a_whole_problem(tmp_path: Path) -> None:
    file = tmp_path / "problem.toml"
    file.write_text(WHOLE, "utf-8")
    assert read_problem(file) == Problem(
        outputs={"energy": "k*r2*sin(x2)", "force": "c*s"},
        inputs=("x1", "x2"),
        parameters=("k", "c"),
        parameter_values={"k": 2.0, "c": -0.5},
        derivatives=("value", "gradient", 3),
        definitions={"r2": "x1**2 + x2**2", "s": "sqrt(r2)"},
        ranges={"x1": (-1.0, 1.0), "k": (0.5, 2.5)},
        dtype="float32",
        name="well",
    )
    assert read_problem(str(file)) == read_problem(file)


def test_order_is_kept() -> None:
    made = parse_problem(WHOLE, "it")
    assert list(made.definitions) == ["r2", "s"]
    assert list(made.outputs) == ["energy", "force"]


def test_a_problem_is_what_parse_outputs_takes() -> None:
    made = parse_problem(WHOLE, "it")
    parsed = parse_outputs(
        made.system(), made.inputs, made.parameters, definitions=made.definitions
    )
    assert parsed.output_names == ("energy", "force")


def test_one_output_is_one_expression() -> None:
    made = parse_problem(SMALL, "it")
    assert made.inputs == ("x", "y")
    assert made.system() == "x*y"
    assert parse_problem('inputs = ["x"]\n[outputs]\nf = "x"', "it").system() == "x"
    assert parse_problem('inputs = ["x"]\noutputs = {f = "x", g = 2}', "it").system() == {
        "f": "x",
        "g": "2",
    }


def test_what_a_file_does_not_say() -> None:
    made = parse_problem(SMALL, "it")
    assert (made.parameters, made.parameter_values, made.derivatives) == ((), {}, None)
    assert (made.definitions, made.ranges, made.dtype, made.name) == ({}, {}, None, "")


def test_parameters_may_be_a_list_of_names() -> None:
    made = parse_problem(SMALL + 'parameters = ["a", "b"]', "it")
    assert made.parameters == ("a", "b")
    assert made.parameter_values == {}


@pytest.mark.parametrize(
    ("entry", "derivatives"),
    [
        ("derivatives = 2", 2),
        ('derivatives = "hessian"', ("hessian",)),
        ('derivatives = ["value", 2]', ("value", 2)),
        (
            'derivatives = {u = [], u_x = "x", u_xy = ["x", "y"], u_yy = "y y"}',
            {"u": (), "u_x": ("x",), "u_xy": ("x", "y"), "u_yy": ("y", "y")},
        ),
    ],
)
def test_derivatives_in_every_form(entry: str, derivatives: Any) -> None:
    assert parse_problem(f"{SMALL}{entry}\n", "it").derivatives == derivatives


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("inputs = ", "it is no TOML: Invalid value"),
        ("a = " + "[" * 20_000, "it is no TOML"),
        (
            SMALL + "output = 1",
            f"the entry 'output' is unknown; the entries are {KEYS[0]}.*: outputs",
        ),
        (SMALL + "target = 'cpu'", "the entry 'target' is unknown"),
        ('outputs = "x"', "the entry 'inputs' is missing; name the variables"),
        ('inputs = []\noutputs = "x"', "the entry 'inputs' is missing"),
        ('inputs = "x"', "the entry 'outputs' is missing; write \\[outputs\\]"),
        ('inputs = 3\noutputs = "x"', "'inputs' must be a list of names"),
        ('inputs = ["x.y"]\noutputs = "x"', "'inputs' cannot be used: it is called 'x.y'"),
        ('inputs = ["x", 3]\noutputs = "x"', "'inputs' cannot be used: it is 3"),
        (SMALL + "parameters = 3", "'parameters' must be a list of names"),
        (SMALL + "parameters = {k = 'a'}", "'parameters.k' is 'a'; it must be a finite number"),
        (SMALL + "parameters = {k = inf}", "'parameters.k' is inf; it must be a finite number"),
        (SMALL + "parameters = {k = true}", "'parameters.k' is True; it must be a finite number"),
        (SMALL + "parameters = {'a b' = 1}", "'parameters.a b' cannot be used"),
        (SMALL + "definitions = ['x']", "'definitions' must be a table; write \\[definitions\\]"),
        (SMALL + "definitions = {r = true}", "'definitions.r' must be formula text"),
        (SMALL + "definitions = {'a b' = 'x'}", "'definitions.a b' cannot be used"),
        ("inputs = 'x'\noutputs = ['x']", "'outputs' must be a table"),
        ("inputs = 'x'\noutputs = {f = ['x']}", "'outputs.f' must be formula text"),
        (SMALL + "ranges = {x = 3}", "'ranges.x' must be two numbers"),
        (SMALL + "ranges = {x = [1, 2, 3]}", "'ranges.x' must be two numbers"),
        (SMALL + "ranges = {x = [0, nan]}", "'ranges.x' is nan; it must be a finite number"),
        (SMALL + "ranges = {x = [1, 0]}", "'ranges.x' goes from 1.0 down to 0.0; exchange"),
        (SMALL + "ranges = {X = [0, 1]}", "'ranges.X' names no input or parameter.*close to it: x"),
        (SMALL + "derivatives = true", "'derivatives' must be a name, an order"),
        (SMALL + "derivatives = 1.5", "'derivatives' must be a name, an order"),
        (SMALL + "derivatives = [1.5]", "'derivatives' must be a name, an order"),
        (SMALL + "derivatives = {u = 3}", "'derivatives.u' must be a list of variables"),
        (SMALL + "derivatives = {u = [3]}", "'derivatives.u' cannot be used"),
        (SMALL + "name = 3", "'name' is 3; it must be text"),
        (SMALL + "dtype = 64", "'dtype' is 64; it must be text"),
    ],
)
def test_wrong_entries_are_refused_by_name(text: str, words: str) -> None:
    with pytest.raises(ProblemFileError, match=words):
        parse_problem(text, "it")


def test_messages_name_the_file(tmp_path: Path) -> None:
    file = tmp_path / "broken.toml"
    file.write_text(SMALL + "x = 1", "utf-8")
    with pytest.raises(ProblemFileError, match=r"broken.toml: the entry 'x' is unknown"):
        read_problem(file)


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "marked.toml"
    file.write_text(SMALL, "utf-8-sig")
    assert read_problem(file) == parse_problem(SMALL, str(file))


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ProblemFileError, match=r"missing.toml cannot be read: No such file"):
        read_problem(tmp_path / "missing.toml")
    file = tmp_path / "latin.toml"
    file.write_bytes('inputs = "größe"'.encode("latin-1"))
    with pytest.raises(ProblemFileError, match="no text in UTF-8"):
        read_problem(file)
    monkeypatch.setattr(problem_module, "MAX_BYTES", 3)
    with pytest.raises(ProblemFileError, match="more than the limit of 3"):
        read_problem(file)


def test_a_formula_without_a_file() -> None:
    made = problem_from_formula("k*x*y", "x,y", ["k"])
    assert made == Problem(outputs={"": "k*x*y"}, inputs=("x", "y"), parameters=("k",))
    assert made.system() == "k*x*y"
    with pytest.raises(ArgumentError, match=r"input\[1\] is called 'y!'"):
        problem_from_formula("x", ["x", "y!"])


def test_how_the_kernel_is_made_may_be_said():
    text = 'inputs = ["x"]\noutputs = "x"\n'
    plain = parse_problem(text, "p.toml")
    assert (plain.sparse, plain.optimize) == (None, None)
    said = parse_problem(text + 'sparse = true\noptimize = "max"\n', "p.toml")
    assert (said.sparse, said.optimize) == (True, "max")
    assert parse_problem(text + "sparse = false", "p.toml").sparse is False


@pytest.mark.parametrize("value", ["1", '"yes"', "[]", "0.5"])
def test_sparse_is_true_or_false(value):
    text = f'inputs = ["x"]\noutputs = "x"\nsparse = {value}\n'
    with pytest.raises(ProblemFileError, match=r"'sparse' is .*; it must be true or false"):
        parse_problem(text, "p.toml")
