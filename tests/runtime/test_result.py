"""The named arrays of one call."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from symgrad.runtime.result import Result


@pytest.fixture
def result():
    return Result({"value": np.float64(1.5), "gradient": np.arange(4.0).reshape(2, 2)})


def test_arrays_are_reached_by_attribute_by_name_and_in_order(result):
    value, gradient = result
    assert value == result.value == result["value"] == 1.5
    assert gradient is result.gradient is result["gradient"]
    assert value is result[0]
    assert gradient is result[-1] is result[:2][1]
    assert len(result) == 2
    assert list(result.as_dict()) == ["value", "gradient"]


def test_an_unknown_name_lists_those_that_there_are(result):
    with pytest.raises(AttributeError, match="no 'hessian'; it has value, gradient"):
        _ = result.hessian
    with pytest.raises(KeyError):
        _ = result["hessian"]


def test_a_result_cannot_be_changed(result):
    with pytest.raises(AttributeError, match="immutable; cannot set 'value'"):
        result.value = 2
    result.as_dict()["value"] = 3
    assert result.value == 1.5


def test_a_result_survives_pickling_and_copying(result):
    for other in (pickle.loads(pickle.dumps(result)), copy.copy(result), copy.deepcopy(result)):
        assert other.value == 1.5
        np.testing.assert_array_equal(other.gradient, result.gradient)


def test_names_are_completed(result):
    assert {"value", "gradient", "as_dict"} <= set(dir(result))


def test_large_arrays_are_described_and_not_printed(result):
    text = repr(result)
    assert text.splitlines()[0] == "Result"
    assert "value: np.float64(1.5)" in text
    assert "gradient: array of shape (2, 2), float64" in text
    html = result._repr_html_()
    assert html.count("<tr>") == 2
    assert "array of shape (2, 2), float64" in html


@pytest.mark.parametrize("name", ["__len__", "__wrapped__", "__array__"])
def test_missing_protocols_stay_missing(result, name):
    assert hasattr(result, name) == (name == "__len__")


def test_names_that_are_methods_are_reached_by_name():
    assert Result({"as_dict": 3})["as_dict"] == 3
