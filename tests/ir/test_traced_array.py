"""TracedArray: NumPy's functions that choose between values, of expressions as of numbers."""

from __future__ import annotations

import numpy as np
import pytest

from symgrad.errors import ArgumentError, UnknownFunctionError
from symgrad.ir.expression import Expr, variables, wrap
from symgrad.ir.traced_array import TracedArray, traced
from tests.expressions import as_written

NAMES = variables("x", 3)
POINTS = ([0.3, -0.8, 1.7], [1.0, 1.0, -2.0], [0.0, 2.5, 0.0])

CHOICES = {
    "where": lambda x: np.where(x > 0, x, -2 * x),
    "where of one": lambda x: np.where(x[0] > x[1], x[2], 3),
    "where both": lambda x: np.where(np.logical_and(x > 0, x < 1), x, 0),
    "where equal": lambda x: np.where(x == 0, 5, x),
    "where unequal": lambda x: np.where(x != 0, 5, x),
    "where one equals": lambda x: np.where(np.equal(x[0], x[2]), 5, x),
    "where either": lambda x: np.where(np.logical_xor(x > 0, x < 1), x, 0),
    "where numbers by one": lambda x: np.where(np.array([1.0, 2.0, 0.0]) * x[0] == 0, x, 1),
    "where any": lambda x: np.where(np.any(x > 2), x, 0),
    "where any of none": lambda x: np.where(np.any(x[:0] > 2), x, 0),
    "maximum": lambda x: np.maximum(x, 0.5),
    "minimum": lambda x: np.minimum(x, x[::-1]),
    "clip": lambda x: np.clip(x, 0, 1),
    "clip of one": lambda x: np.clip(x[0], 0, 1),
    "clip below": lambda x: x.clip(0.5, None),
    "clip crossed": lambda x: np.clip(x, 1, 0),
    "max": np.max,
    "method max": lambda x: x.max(),
    "max of rows": lambda x: np.outer(x, x).max(axis=1),
    "max of all": lambda x: np.outer(x, x).max(),
    "min": np.min,
    "sign": np.sign,
    "ptp": np.ptp,
    "sum": lambda x: np.sum(x**2) + x @ x,
    "sum of none": lambda x: np.stack([x[:0].sum(), x[:0].prod(), x[0]]),
    "copysign": lambda x: np.copysign(x, [1, -1, -1]),
    "logaddexp": np.logaddexp.reduce,
    "in place": lambda x: np.add(x, 1, out=x.copy()),
    "norm": np.linalg.norm,
    "stack": lambda x: np.stack([x[0], x[1]]) * np.concatenate([x, x])[:2],
}


@pytest.mark.parametrize("function", CHOICES.values(), ids=CHOICES)
def test_functions_choose_as_numpy_does(function):
    made = np.asarray(function(traced(NAMES)), object)
    for point in POINTS:
        named = dict(zip(("x0", "x1", "x2"), point, strict=True))
        got = [float(as_written(wrap(entry), named)) for entry in made.ravel()]
        expected = np.asarray(function(np.array(point)), float)
        assert made.shape == expected.shape
        np.testing.assert_allclose(got, expected.ravel(), rtol=1e-15)


def test_results_are_traced_arrays_again():
    x = traced(NAMES)
    for made in (x > 0, np.where(x > 0, x, 0), np.exp(x), x[1:], -x, np.outer(x, x)):
        assert isinstance(made, TracedArray)
    assert isinstance(np.where(NAMES[0] > 0, NAMES[1], 2), Expr)


@pytest.mark.parametrize(
    "function",
    [
        *(np.isnan, lambda x: np.linalg.det(np.outer(x, x)), np.nanmax, np.heaviside),
        *(np.nan_to_num, lambda x: np.isin(x, [0.0])),
    ],
)
def test_functions_of_numbers_alone_are_named(function):
    arguments = (traced(NAMES), 0.5) if function is np.heaviside else (traced(NAMES),)
    with pytest.raises(UnknownFunctionError, match=r"NumPy's \w+ .* traced expressions"):
        function(*arguments)


def test_what_depends_on_truth_says_so():
    x = traced(NAMES)
    for function in (
        np.sort,
        lambda x: bool(x > 0),
        lambda x: 0 < x < 1,
        lambda x: np.where(x > 0),
        lambda x: np.add(x, 1, where=x > 0),
        lambda x: x.sum(where=x > 0),
    ):
        with pytest.raises(ArgumentError, match="no truth value"):
            function(x)


def test_a_condition_is_no_index():
    x = traced(NAMES)
    with pytest.raises(ArgumentError, match="index is an expression"):
        x[x > 0]
    with pytest.raises(ArgumentError, match="index is an expression"):
        x[0, x[0]] = 1
    x[np.array([True, False, True])] = 0
    assert x.tolist() == [0, NAMES[1], 0]
