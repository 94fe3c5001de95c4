"""The list of functions has every row and every composition."""

import json

import pytest

from symgrad.cli.functions import letters
from symgrad.functions import COMPOSITIONS, PRIMITIVES


def listed(run, *names):
    result = run("functions", "--json", *names)
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["schema"] == 1
    return {entry["call"]: entry for entry in document["functions"]}


def test_every_function_is_listed_once(run):
    entries = listed(run)
    names = {entry["name"] for entry in entries.values()}
    rows = {name for name, row in PRIMITIVES.items() if row.kind != "unknown"}
    assert names == {"where", *COMPOSITIONS, *rows} - {"select"}
    text = run("functions").stdout.splitlines()
    assert len(text) == 1 + len(entries)


def test_a_row_gives_its_derivatives_and_names(run):
    (entry,) = listed(run, "atan").values()
    assert entry["call"] == "atan(x)"
    assert entry["arity"] == 1
    assert entry["derivatives"] == ["1/(1 + x*x)"]
    assert entry["spellings"] == ["arctan"]
    assert (entry["mpmath"], entry["torch"], entry["numpy"], entry["c"]) == (
        *("atan", "atan", "arctan", "atan"),
    )


def test_a_composition_says_what_it_stands_for(run):
    (entry,) = listed(run, "fdim").values()
    assert entry["definition"] == "where(a <= b, 0, a - b)"
    assert entry["derivatives"] == []
    (entry,) = listed(run, "sqrt").values()
    assert entry["definition"] == "x**(1/2)"


def test_functions_of_several_arities(run):
    assert {"log(x)", "log(a, b)"} == set(listed(run, "log"))
    assert listed(run, "max")["max(a, b, ...)"]["arity"] is None


def test_operators_are_written_as_such(run):
    assert "a <= b" in listed(run, "le")


def test_other_spellings_find_the_function(run):
    assert list(listed(run, "arctan2")) == ["atan2(a, b)"]


def test_text_has_a_line_for_each(run):
    lines = run("functions", "sin", "cos").stdout.splitlines()
    assert lines[0].split()[0] == "function"
    assert lines[1].split() == ["sin(x)", "cos(x)", "sin", "sin", "sin"]
    assert lines[2].split() == ["cos(x)", "-sin(x)", "cos", "cos", "cos"]


def test_unknown_names_are_refused_with_close_ones(run):
    result = run("functions", "sinn")
    assert result.exit_code == 2
    assert "'sinn' is no function that symgrad knows; names close to it: sin" in result.stderr


@pytest.mark.parametrize(("count", "names"), [(1, ("x",)), (3, ("a", "b", "c"))])
def test_letters_of_arguments(count, names):
    assert letters(count) == names


@pytest.mark.usefixtures("routine_rows")
def test_a_derivative_without_closed_form_is_named(run):
    (entry,) = listed(run, "agm").values()
    assert entry["derivatives"] == ["y/a", "no closed form"]
