"""Problems and values from the command line."""

import click
import pytest
from click.testing import CliRunner

from symgrad.cli.options import (
    Asked,
    jit_option,
    load_problem,
    named_range,
    named_value,
    names,
    problem_options,
    range_option,
    require_values,
)
from symgrad.errors import OptionError, ProblemFileError, SymgradError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("k=2", ("k", 2.0)),
        ("k=-2.5e-3", ("k", -0.0025)),
        (" k = 1 ", ("k", 1.0)),
        ("k", ("k", None)),
    ],
)
def test_values_are_a_name_and_a_number(text, value):
    assert named_value(text) == value


@pytest.mark.parametrize("text", ["", "=2", "k=", "k=two", "k=nan", "k=inf", "k=1=2"])
def test_what_is_no_value_is_refused(text):
    with pytest.raises(click.BadParameter, match="NAME=NUMBER, such as"):
        named_value(text)


def test_ranges_are_a_name_and_two_ends():
    assert named_range("x=-1:2.5") == ("x", (-1.0, 2.5))


@pytest.mark.parametrize("text", ["x", "x=1", "x=2:1", "x=:1", "=0:1", "x=0:inf", "x=0:1:2"])
def test_what_is_no_range_is_refused(text):
    with pytest.raises(click.BadParameter, match="NAME=LOW:HIGH, such as"):
        named_range(text)


@pytest.mark.parametrize("text", ["x,y", "x, y", "x y", " x,y, "])
def test_names_are_parted_by_commas_or_blanks(text):
    assert names(text) == ("x", "y")


def test_no_names_are_refused():
    with pytest.raises(click.BadParameter, match="no name"):
        names(" , ")


def test_orders_are_numbers():
    asked = Asked("x", derivatives=("value", "3", "hessian"))
    assert asked.options()["derivatives"] == ["value", 3, "hessian"]
    assert set(Asked("x").options().values()) == {None}


def test_a_file_is_read_and_the_command_line_goes_first(problem):
    loaded = load_problem(str(problem), None, [("k", 5.0)], [("x", (0.0, 9.0))])
    assert loaded.inputs == ("x", "y")
    assert loaded.parameter_values == {"k": 5.0}
    assert loaded.ranges == {"x": (0.0, 9.0), "y": (0.5, 1.5)}


def test_a_formula_declares_what_it_is_given():
    loaded = load_problem("k*x + c", ("x",), [("k", 2.0), ("c", None)])
    assert loaded.parameters == ("k", "c")
    assert loaded.parameter_values == {"k": 2.0}
    assert loaded.outputs == {"": "k*x + c"}


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("x**2", None), OptionError, "add --inputs x,y"),
        (("missing.toml", None), ProblemFileError, "no problem file 'missing.toml'"),
        (("missing.toml", ("x",)), ProblemFileError, "no problem file"),
        ((".", ("x",)), ProblemFileError, "no problem file"),
        (("x**2", ("x",), [("k", 1.0), ("k", 2.0)]), OptionError, "given twice for k"),
        (("x**2", ("x",), [], [("y", (0, 1))]), OptionError, "names y, which .* declares x"),
        (("x" * 5000, None), OptionError, "add --inputs"),
        (("x\0y", None), OptionError, "add --inputs"),
        (("x**2", ("1x",)), SymgradError, "1x"),
    ],
)
def test_problems_that_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        load_problem(*arguments)


def test_a_file_refuses_other_names(problem):
    with pytest.raises(OptionError, match="leave out --inputs"):
        load_problem(str(problem), ("x",))
    with pytest.raises(OptionError, match=r"names q, which .* declares k"):
        load_problem(str(problem), None, [("q", 1.0)])


def test_parameters_need_values(problem):
    loaded = load_problem("k*x", ("x",), [("k", None)])
    with pytest.raises(OptionError, match=r"parameter\(s\) k: do this"):
        require_values(loaded, {}, "do this")
    require_values(loaded, {"k": 1.0}, "do this")


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        ((), {}),
        (("--sparse",), {"sparse": True}),
        (("--dense", "--optimize", "max"), {"sparse": False, "optimize": "max"}),
        (("--jit", "never", "--range", "x=0:1"), {"jit": "never", "ranges": (("x", (0.0, 1.0)),)}),
    ],
)
def test_what_is_asked_arrives_together_and_the_rest_by_name(arguments, given):
    @click.command()
    @problem_options
    @jit_option
    @range_option
    @click.option("--own")
    def command(asked, own):
        assert asked == Asked("x**2", **given)
        assert own == "mine"

    result = CliRunner().invoke(command, ["x**2", "--own", "mine", *arguments])
    assert (result.exit_code, result.exception) == (0, None)


@pytest.mark.parametrize("arguments", [("--optimize", "hard"), ("--jit", "sometimes")])
def test_unknown_choices_are_refused(arguments):
    command = click.command()(problem_options(jit_option(lambda asked: None)))
    assert CliRunner().invoke(command, ["x", *arguments]).exit_code == 2
