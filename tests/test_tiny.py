"""Ten checks from one end to the other, in seconds: run this before anything else."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import sympy as sp

import symgrad as sg

X = np.random.default_rng(3).uniform(-2, 2, (1_001, 2))
x, y = X.T


@pytest.fixture(scope="module")
def fn():
    x1, x2 = sp.symbols("x1 x2")
    return sg.compile(x1**2 * sp.sin(x2), [x1, x2], ["value", "gradient", "hessian"])


def close(got, expected):
    np.testing.assert_allclose(got, expected, rtol=1e-14, atol=1e-15)


def test_a_sympy_expression_with_two_orders_of_derivatives(fn):
    result = fn(X)
    close(result.value, x**2 * np.sin(y))
    close(result.gradient, np.stack([2 * x * np.sin(y), x**2 * np.cos(y)], -1))
    mixed = 2 * x * np.cos(y)
    rows = [[2 * np.sin(y), mixed], [mixed, -(x**2) * np.sin(y)]]
    close(result.hessian, np.moveaxis(np.array(rows), -1, 0))


def test_text_means_the_same_as_sympy(fn):
    text = sg.compile("x1**2*sin(x2)", "x1 x2", ["value", "gradient", "hessian"])
    for got, expected in zip(text(X), fn(X), strict=True):
        np.testing.assert_array_equal(got, expected)


def test_a_traced_python_function_means_the_same(fn):
    a, b = sg.variables("x1 x2")
    traced = sg.compile(a**2 * sg.math.sin(b), [a, b], ["value", "gradient", "hessian"])
    np.testing.assert_array_equal(traced(X).hessian, fn(X).hessian)


def test_one_point_and_separate_columns(fn):
    one = fn(X[5, 0], X[5, 1])
    assert one.value == fn(X).value[5]
    np.testing.assert_array_equal(fn(x, y).gradient, fn(X).gradient)


def test_the_jacobian_of_a_system_with_a_parameter():
    jacobian = sg.compile(["k*x", "x*y"], "x y", parameters="k")
    made = jacobian(X, k=3.0)
    expected = np.zeros((len(X), 2, 2))
    expected[:, 0, 0], expected[:, 1, 0], expected[:, 1, 1] = 3.0, y, x
    np.testing.assert_array_equal(made, expected)


def test_threads_and_batches_do_not_change_a_bit(fn):
    many = np.tile(X, (140, 1))
    result = fn(many, workers=2)
    np.testing.assert_array_equal(result.hessian[-1_001:], fn(X).hessian)
    np.testing.assert_array_equal(fn(X[17:18]).hessian[0], fn(X).hessian[17])


def test_the_branch_that_is_not_taken_leaves_no_nan():
    fn = sg.compile("where(x > 0, sqrt(x), 0)", "x", ["value", "gradient"])
    value, gradient = fn([4.0, -1.0, 0.0])
    np.testing.assert_array_equal(value, [2.0, 0.0, 0.0])
    np.testing.assert_array_equal(gradient, [[0.25], [0.0], [0.0]])


def test_single_precision():
    fn = sg.compile("exp(x)*y", "x y", "value", dtype="float32")
    made = fn(X)
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, np.exp(x) * y, rtol=1e-5, atol=1e-6)


def test_pickling_keeps_every_bit(fn):
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fn))(X).hessian, fn(X).hessian)


def test_a_mistake_is_explained():
    with pytest.raises(sg.SymgradError, match=r"(?s)sine.*close to it: sin.*\^"):
        sg.compile("x**2*sine(y)", "x y")
