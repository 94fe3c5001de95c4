"""Signature and the arguments of a call: every form becomes the same columns."""

from __future__ import annotations

import inspect
from dataclasses import replace
from unittest.mock import Mock

import numpy as np
import pytest
from sympy import Symbol

from symgrad.errors import ArgumentError, DtypeError, ShapeError
from symgrad.ir.program import Group, Result
from symgrad.runtime.arguments import (
    CALL,
    Signature,
    arguments,
    columns_by_title,
    given_results,
    merged_parameters,
    parameter_values,
    unpacked,
)
from symgrad.runtime.cpu import CpuFunction
from symgrad.runtime.cuda.function import CudaFunction
from symgrad.runtime.result import Result as Given

SIGNATURE = Signature(
    inputs=("x", "y"),
    parameters=("k", "c"),
    wrt=("x", "y"),
    groups=(Group("inputs", ("x", "y")), Group("parameters", ("k", "c"))),
    results=(Result("value", ()),),
    output_shape=(),
    dtype="float64",
    batch_axis=0,
    single=True,
)
LAST = replace(SIGNATURE, batch_axis=-1)
SEEDED = replace(
    SIGNATURE,
    parameters=(),
    groups=(
        Group("inputs", ("x", "y")),
        Group("tangent", ("a", "b")),
        Group("cotangent", ("p", "q", "r")),
    ),
    output_shape=(3,),
)
X = np.arange(10.0).reshape(5, 2)
GIVEN = {"k": 2.0, "c": 3.0}


def tables(signature, points, named=GIVEN, tangent=None, cotangent=None):
    """The batch and each group as an array of shape (points, columns)."""
    batch, groups = arguments(signature, points, named, tangent, cotangent)
    count = int(np.prod(batch, dtype=int))
    return batch, [group.chunk(0, count, signature.numpy_dtype) for group in groups]


@pytest.mark.parametrize(
    ("signature", "points", "named"),
    [
        (SIGNATURE, (X,), GIVEN),
        (SIGNATURE, (X.tolist(),), GIVEN),
        (LAST, (X.T,), GIVEN),
        (SIGNATURE, tuple(X.T), GIVEN),
        (SIGNATURE, (), {**GIVEN, "y": X[:, 1], "x": X[:, 0]}),
    ],
)
def test_points_in_every_form(signature, points, named):
    batch, (inputs, parameters) = tables(signature, points, named)
    assert batch == (5,)
    np.testing.assert_array_equal(inputs, X)
    np.testing.assert_array_equal(parameters, np.tile([2.0, 3.0], (5, 1)))


def test_parameters_along_the_batch():
    _, (_, parameters) = tables(SIGNATURE, (X,), {"k": np.arange(5), "c": 1.5})
    np.testing.assert_array_equal(parameters, np.stack([np.arange(5), np.full(5, 1.5)], 1))


def test_directions_of_each_point_or_of_all():
    tangent, cotangent = X + 1, np.array([1.0, 2.0, 3.0])
    _, (_, along, weights) = tables(SEEDED, (X,), {}, tangent, cotangent)
    np.testing.assert_array_equal(along, tangent)
    np.testing.assert_array_equal(weights, np.tile(cotangent, (5, 1)))


def test_parameters_as_a_dict_or_an_array():
    assert parameter_values(SIGNATURE, None) == {}
    assert parameter_values(SIGNATURE, GIVEN) == GIVEN
    assert parameter_values(SIGNATURE, [2.0, 3.0]) == GIVEN
    np.testing.assert_array_equal(parameter_values(LAST, X.T)["c"], X[:, 1])
    with pytest.raises(ShapeError, match=r"\(2,\) or \(\*batch, 2\) is needed"):
        parameter_values(SIGNATURE, [1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    ("signature", "points", "named", "seeds", "error", "message"),
    [
        (SIGNATURE, (), {"x": 1.0, **GIVEN}, (None, None), ArgumentError, "'y' is missing"),
        (SIGNATURE, (X,), {"k": 1.0}, (None, None), ArgumentError, "'c' is missing"),
        (SIGNATURE, (X,), {**GIVEN, "z": 1.0}, (None, None), ArgumentError, "'z' is no parameter"),
        (SIGNATURE, (X, X, X), GIVEN, (None, None), ArgumentError, "3 arrays given"),
        (SIGNATURE, (X[:, :1],), GIVEN, (None, None), ShapeError, r"\(\*batch, 2\) is needed"),
        (SIGNATURE, (X + 1j,), GIVEN, (None, None), DtypeError, "complex128"),
        (SIGNATURE, (X,), GIVEN, (X, None), ArgumentError, "tangent= is given, but no result"),
        (SEEDED, (X,), {}, (None, X), ArgumentError, "tangent= is missing"),
        (SEEDED, (X,), {}, (X, X), ShapeError, r"cotangent has shape \(5, 2\); \(5, 3\) is"),
        (SEEDED, (X,), {"k": 1.0}, (X, np.ones(3)), ArgumentError, "the parameters are: none"),
    ],
)
def test_what_does_not_fit_is_refused(signature, points, named, seeds, error, message):
    with pytest.raises(error, match=message):
        arguments(signature, points, named, *seeds)


NAMED_LIKE_KEYWORDS = replace(
    SIGNATURE,
    inputs=("out", "workers"),
    parameters=("tangent", "executor"),
    groups=(Group("inputs", ("out", "workers")), Group("parameters", ("tangent", "executor"))),
)


def test_a_dict_has_inputs_of_any_name():
    points = unpacked(NAMED_LIKE_KEYWORDS, ({"workers": X[:, 1], "out": X[:, 0]},))
    named = merged_parameters(NAMED_LIKE_KEYWORDS, {"tangent": 2.0, "executor": 3.0}, {})
    batch, made = tables(NAMED_LIKE_KEYWORDS, points, named)
    assert batch == (5,)
    np.testing.assert_array_equal(made[0], X)
    assert unpacked(SIGNATURE, (X,)) == (X,)
    assert unpacked(SIGNATURE, ()) == ()


def test_a_dict_may_have_symbols_for_names():
    u, v = SIGNATURE.inputs
    given = {Symbol(v): 2.0, Symbol(u): 1.0}
    assert unpacked(SIGNATURE, (given,)) == (1.0, 2.0)
    assert parameter_values(SIGNATURE, {Symbol("k"): 1.0, "c": 2.0}) == {"k": 1.0, "c": 2.0}


class Table:
    """What pandas and polars have, and what Arrow has, of a table."""

    def __init__(self, attribute, **columns):
        self._columns = columns
        setattr(self, attribute, list(columns))

    def __getitem__(self, name):
        return self._columns[name]


@pytest.mark.parametrize("attribute", ["columns", "column_names"])
def test_a_table_gives_its_columns_by_title_whatever_their_order(attribute):
    u, v = SIGNATURE.inputs
    table = Table(attribute, **{v: X[:, 1], "other": None, u: X[:, 0]})
    first, second = columns_by_title(SIGNATURE, (table,))
    assert (first == X[:, 0]).all()
    assert (second == X[:, 1]).all()


def test_records_of_numpy_give_their_fields():
    u, v = SIGNATURE.inputs
    records = np.array([(2.0, 1.0), (4.0, 3.0)], [(v, float), (u, float)])
    first, second = columns_by_title(SIGNATURE, (records,))
    assert first.tolist() == [1.0, 3.0]
    assert second.tolist() == [2.0, 4.0]


def test_parameters_of_a_table_are_taken_by_title():
    c, k = SIGNATURE.parameters
    found = parameter_values(SIGNATURE, Table("columns", **{k: 2.0, c: 1.0}))
    assert found == {c: 1.0, k: 2.0}


@pytest.mark.parametrize("titles", [["one", "two"], None, 5, [["x"], ["y"]]])
def test_tables_without_any_input_are_arrays_like_others(titles):
    table = Table("columns")
    table.columns = titles
    given = (table,)
    assert columns_by_title(SIGNATURE, given) is given
    assert columns_by_title(SIGNATURE, (X,)) == (X,)
    assert columns_by_title(SIGNATURE, ()) == ()


@pytest.mark.parametrize(
    ("titles", "message"),
    [
        (["x", "w"], r"no columns titled 'y'; its titles are \['x', 'w'\]"),
        (["x", "y", "x"], "2 columns titled 'x'"),
        (["x", "y"], r"a Table gives no columns \(not yet\)"),
    ],
)
def test_a_table_that_does_not_give_every_input_once_is_refused(titles, message, monkeypatch):
    table = Table("columns")
    table.columns = titles
    monkeypatch.setattr(Table, "__getitem__", Mock(side_effect=TypeError("not yet")))
    with pytest.raises(ArgumentError, match=message):
        columns_by_title(SIGNATURE, (table,))


def test_fields_of_several_numbers_beside_others_are_refused():
    records = np.zeros(2, [("y", float, (2,)), ("x", float)])  # they would broadcast
    with pytest.raises(ArgumentError, match="different numbers of axes"):
        columns_by_title(SIGNATURE, (records,))


def test_two_keys_of_one_name_are_refused():
    with pytest.raises(ArgumentError, match="names an entry twice"):
        unpacked(SIGNATURE, ({"u": 1.0, Symbol("u"): 3.0, "v": 2.0},))


@pytest.mark.parametrize(
    ("points", "named", "message"),
    [
        ((), {}, r"'out' is missing; out= has a meaning .* in a dict, fn\({...}\)"),
        (({"out": X[:, 0]},), {}, "'workers' is missing; workers= has"),
        (({"out": 1.0, "workers": 2.0, "z": 1.0},), {}, "'z' is no input; the inputs are"),
        ((X,), {"executor": 1.0}, r"'tangent' is missing; pass parameters={'tangent': ...}"),
    ],
)
def test_names_that_are_keywords_of_every_call_get_a_cure(points, named, message):
    one = NAMED_LIKE_KEYWORDS
    with pytest.raises(ArgumentError, match=message):
        arguments(one, unpacked(one, points), named, None, None)


def test_every_keyword_of_a_call_is_known():
    calls = (CpuFunction.__call__, CudaFunction.__call__)
    found = [one for call in calls for one in inspect.signature(call).parameters.values()]
    assert {one.name for one in found if one.kind is one.KEYWORD_ONLY} == CALL


def test_parameters_of_both_kinds_are_merged():
    assert merged_parameters(SIGNATURE, {"k": 1.0}, {"c": 2.0}) == {"k": 1.0, "c": 2.0}
    with pytest.raises(ArgumentError, match="'k' is given twice"):
        merged_parameters(SIGNATURE, {"k": 1.0}, {"k": 2.0})


def test_given_results_by_name():
    assert given_results(SIGNATURE, None, False) is None
    for out in (X, {"value": X}, Given({"value": X})):
        made = given_results(SIGNATURE, out, True)
        assert list(made) == ["value"]
        assert made["value"] is X


@pytest.mark.parametrize(
    ("out", "accumulate", "message"),
    [
        (None, True, "accumulate=True adds into out=; give it"),
        (X, False, "out must be a dict with an array for each of value, gradient"),
        ({"value": X}, False, "out has value; value, gradient is needed"),
        ({"value": X, "gradient": X, 3: X}, True, "out has value, gradient, 3; value, gradient is"),
    ],
)
def test_results_that_are_not_those_wanted_are_refused(out, accumulate, message):
    two = replace(SIGNATURE, results=(Result("value", ()), Result("gradient", (2,))), single=False)
    with pytest.raises(ArgumentError, match=message):
        given_results(two, out, accumulate)
