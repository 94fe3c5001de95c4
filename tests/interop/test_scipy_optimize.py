"""``fn.scipy()``: its functions against numbers by hand, and in SciPy's hands."""

from __future__ import annotations

import numpy as np
import pytest

from symgrad import compile
from symgrad.errors import ArgumentError, MissingDependencyError, ShapeError

optimize = pytest.importorskip("scipy.optimize")

T = np.linspace(0, 3, 7)
Y = 2.5 * np.exp(-0.75 * T)
START = np.array([1.0, 1.0])


def made(outputs, inputs, parameters=(), values=None, **options):
    fn = compile(outputs, inputs, "value", parameters=parameters, jit="never", **options)
    return fn.scipy(**(values or {}))


def rosenbrock(**options):
    return made("k*(y - x**2)**2 + (1 - x)**2", "x y", "k", {"k": 100.0}, **options)


def decay(**options):
    return made("a*exp(-b*t) - y", "t y", "a b", {"t": T, "y": Y}, **options)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_rosenbrock_agrees_with_scipys_own(dtype):
    problem, x, p = rosenbrock(dtype=dtype), np.array([-1.25, 1.5]), np.array([0.5, 2.0])
    assert problem.variables == ("x", "y")
    assert problem.fun(x) == pytest.approx(optimize.rosen(x), rel=1e-6)
    np.testing.assert_allclose(problem.jac(x), optimize.rosen_der(x), rtol=1e-6)
    np.testing.assert_allclose(problem.hess(x), optimize.rosen_hess(x), rtol=1e-6)
    np.testing.assert_allclose(problem.hessp(x, p), optimize.rosen_hess_prod(x, p), rtol=1e-6)
    assert type(problem.fun(x)) is float
    assert problem.jac(x).dtype == problem.residual(x).dtype == np.float64


METHODS = {
    "BFGS": ("jac",),
    "Newton-CG": ("jac", "hessp"),
    "trust-exact": ("jac", "hess"),
    "trust-constr": ("jac", "hess"),
}


@pytest.mark.parametrize("method", METHODS)
def test_minimize(method):
    problem = rosenbrock()
    given = {name: getattr(problem, name) for name in METHODS[method]}
    found = optimize.minimize(problem.fun, [-1.2, 1.0], method=method, **given)
    np.testing.assert_allclose(found.x, 1, atol=1e-4)


@pytest.mark.parametrize("loss", ["linear", "soft_l1"])
def test_least_squares_over_data(loss):
    problem = decay()
    assert problem.variables == ("a", "b")
    assert problem.residual(START).shape == (7,)
    assert problem.residual_jac(START).shape == (7, 2)
    found = optimize.least_squares(problem.residual, START, jac=problem.residual_jac, loss=loss)
    np.testing.assert_allclose(found.x, [2.5, 0.75], rtol=1e-6)


def test_sums_over_data_and_their_derivatives():
    square = made("(a*exp(-b*t) - y)**2", "t y", "a b", {"t": T, "y": Y})
    r, j = decay().residual(START), decay().residual_jac(START)
    assert square.fun(START) == pytest.approx(r @ r, rel=1e-13)
    np.testing.assert_allclose(square.jac(START), 2 * j.T @ r, rtol=1e-12)
    step = 1e-5 * np.eye(2)
    numerical = [(square.jac(START + h) - square.jac(START - h)) / 2e-5 for h in step]
    np.testing.assert_allclose(square.hess(START), numerical, rtol=1e-8)
    np.testing.assert_allclose(square.hessp(START, [1.0, 0.0]), numerical[0], rtol=1e-8)


def test_data_that_broadcast_and_numbers_among_them():
    problem = made(
        "a*t + c*s - y", "t s y", "a c", {"t": T[:, None], "s": [1, 2], "y": 0.5, "c": 3}
    )
    assert problem.variables == ("a",)
    want = 2 * T[:, None] + 3 * np.array([1, 2]) - 0.5
    np.testing.assert_allclose(problem.residual([2.0]), want.ravel(), rtol=1e-15)
    np.testing.assert_allclose(problem.residual_jac([2.0])[:, 0], np.repeat(T, 2), rtol=1e-15)


def test_root_of_a_system():
    problem = made(["x**2 + y**2 - c", "x - y"], "x y", "c", {"c": 2.0})
    found = optimize.root(problem.residual, [2.0, 0.5], jac=problem.residual_jac)
    np.testing.assert_allclose(found.x, 1, rtol=1e-9)
    with pytest.raises(ArgumentError, match="residual and residual_jac"):
        problem.fun([1.0, 1.0])


def test_sparse_matrices():
    n = 6
    names = [f"x{i}" for i in range(n)]
    chain = "+".join(f"(x{i + 1} - x{i}**2)**2" for i in range(n - 1))
    x = np.linspace(0.5, 1.5, n)
    dense, sparse = made(chain, names), made(chain, names, sparse=True)
    assert sparse.hess(x).nnz == 3 * n - 2
    np.testing.assert_allclose(sparse.hess(x).toarray(), dense.hess(x), rtol=1e-15)
    np.testing.assert_allclose(sparse.jac(x), dense.jac(x), rtol=1e-15)
    rows = [f"x{i + 1} - x{i}**2" for i in range(n - 1)]
    assert made(rows, names, sparse=True).residual_jac(x).nnz == 2 * (n - 1)
    over = decay(sparse=True).residual_jac(START)
    np.testing.assert_allclose(over.toarray(), decay().residual_jac(START), rtol=1e-15)


@pytest.mark.parametrize("data", [2.0, [2.0, 3.0], [[2.0], [3.0]], []])
def test_sparse_jacobians_of_several_outputs_at_every_form_of_data(data):
    rows = ["a*x", "y**2", "x - y"]
    dense = made(rows, "x y", "a", {"a": data}).residual_jac(START)
    sparse = made(rows, "x y", "a", {"a": data}, sparse=True).residual_jac(START)
    np.testing.assert_array_equal(sparse.toarray(), dense)
    assert sparse.nnz == 4 * np.size(data)


@pytest.mark.parametrize("name", ["out", "workers", "tangent", "parameters", "self", "x"])
def test_names_that_are_those_of_arguments(name):
    given = made(f"{name}*a", name, "a", {name: [1.0, 2.0]})
    varied = made(f"{name}*a", name, "a", {"a": [1.0, 2.0]})
    assert given.fun([2.0]) == varied.fun([2.0]) == 6


def test_one_evaluation_serves_value_and_derivative(monkeypatch):
    problem, calls = rosenbrock(), []
    monkeypatch.setattr(
        problem, "_call", lambda *a, call=problem._call: calls.append(1) or call(*a)
    )
    x = np.array([0.5, 0.25])
    problem.fun(x)
    first = problem.jac(x)
    assert len(calls) == 1
    first[:] = 0  # SciPy may scale it in place
    x[0] = 0.75
    np.testing.assert_allclose(problem.jac(x), optimize.rosen_der(x), rtol=1e-13)
    assert len(calls) == 2


def test_errors_name_the_cure():
    fn = compile("k*x", "x", parameters="k", jit="never")
    with pytest.raises(ArgumentError, match="'z' is no name of this function; it has x, k"):
        fn.scipy(z=1.0)
    with pytest.raises(ArgumentError, match="nothing is left to vary"):
        fn.scipy(x=1.0, k=2.0)
    with pytest.raises(ShapeError, match=r"\(2,\) is needed, for x, y"):
        rosenbrock().fun([1.0])
    with pytest.raises(ShapeError, match=r"p has shape \(1,\); \(2,\) is needed"):
        rosenbrock().hessp([1.0, 1.0], [1.0])
    with pytest.raises(ShapeError, match="do not broadcast"):
        made("a*t - y", "t y", "a", {"t": [1.0, 2.0], "y": [1.0, 2.0, 3.0]})


def test_without_scipy(monkeypatch):
    monkeypatch.setattr("symgrad.adapters.find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"symgrad\[scipy\]"):
        rosenbrock()
