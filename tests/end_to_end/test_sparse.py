"""sparse=True from formulas to values: the pattern is exact and the values are the dense ones."""

from __future__ import annotations

import pickle
from itertools import product

import numpy as np
import pytest

import symgrad as sg
from benchmarks.problems import rosenbrock
from symgrad import api
from symgrad.errors import LimitError

RESULTS = ["value", "jacobian", "hessian", 3]

SYSTEMS = {
    "one": ("x**2*y + sin(z)*w", "x y z w"),
    "linear": ("x + 2*y", "x y z"),
    "vector": (["x*y", "z**3 + w", "3", "exp(x*z)"], "x y z w"),
    "matrix": ([["x*y", "y"], ["z**2*x", "log(1 + w**2)"], ["x", "0"]], "x y z w"),
    "one input": ("exp(x)", "x"),
    "cancelling": ("log(exp(x))*y - x*y + z**4", "x y z"),
    "branches": ("where(x > 1, y**3, x*z)", "x y z"),
}


def points(fn, count=37):
    return np.random.default_rng(8).uniform(0.5, 1.5, (count, len(fn.inputs)))


@pytest.mark.parametrize("system", SYSTEMS)
def test_values_and_patterns_are_those_of_the_dense_function(system):
    dense = sg.compile(*SYSTEMS[system], RESULTS)
    fn = sg.compile(*SYSTEMS[system], RESULTS, sparse=True)
    at = points(fn)
    expected, result = dense(at), fn(at)
    np.testing.assert_array_equal(result.value, expected.value)
    assert set(fn.sparsity) == {"value", "jacobian", "hessian", "order3"}
    for name in ("jacobian", "hessian", "order3"):
        pattern = fn.sparsity[name]
        assert result[name].shape == (37, pattern.nnz)
        assert fn.shapes[name] == (pattern.nnz,)
        np.testing.assert_array_equal(pattern.full.indices, dense.sparsity[name].indices)
        np.testing.assert_allclose(fn.to_dense(name, result[name]), expected[name], rtol=1e-14)


def brute_force(function, count, order):
    """The entries that random points show to be other than zero, by central differences."""
    rng = np.random.default_rng(2)
    found = set()
    for index in product(range(count), repeat=order):
        if list(index) != sorted(index, reverse=True):
            continue
        x = rng.uniform(0.5, 1.5, count)
        total = 0.0
        for signs in product((-1, 1), repeat=order):
            moved = x.copy()
            for position, sign in zip(index, signs, strict=True):
                moved[position] += sign * 1e-2
            total += np.prod(signs) * function(moved)
        if abs(total) / 0.02**order > 1e-6:
            found.add(index)
    return found


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_pattern_is_the_one_that_difference_quotients_show(order):
    formula = rosenbrock(7)
    x = sg.variables("x", 7)
    fn = sg.compile(formula(sg.math, x)[0], x, order, sparse=True)
    indices = set(map(tuple, fn.sparsity[f"order{order}"].indices.tolist()))
    assert indices == brute_force(lambda moved: formula(np, moved)[0], 7, order)


def test_what_is_no_array_of_derivatives_stays_dense():
    fn = sg.compile(["x", "y"], "x y z", ["value", "vjp", "jvp", "hvp"], sparse=True)
    assert fn.shapes == {"value": (2,), "vjp": (3,), "jvp": (2,), "hvp": (3,)}
    partials = sg.compile("x*y", "x y", {"u_xx": ("x", "x"), "u": ()}, sparse=True)
    assert partials.shapes == {"u_xx": (), "u": ()}
    assert partials.sparsity["u_xx"].nnz == 0


def test_the_text_of_a_function_has_both_shapes():
    fn = sg.compile("x**2*y", "x y z", ["value", "hessian"], sparse=True)
    assert repr(fn).endswith("-> value[], hessian[2] of [3, 3], float64>")


def test_points_last_out_and_accumulate():
    formula, inputs = SYSTEMS["one"]
    first = sg.compile(formula, inputs, "hessian", sparse=True)
    last = sg.compile(formula, inputs, "hessian", sparse=True, batch_axis=-1)
    at = points(first, 24)
    expected = first(at)
    nnz = first.sparsity["hessian"].nnz
    got = last(at.T.reshape(4, 2, 12))
    assert got.shape == (nnz, 2, 12)
    np.testing.assert_array_equal(got.reshape(nnz, 24).T, expected)
    assert last.to_dense("hessian", got).shape == (4, 4, 2, 12)
    out = np.ones((24, nnz))
    first(at, out=out, accumulate=True)
    np.testing.assert_array_equal(out, 1 + expected)
    np.testing.assert_array_equal(first(at[0]), expected[0])
    assert first(at[:0]).shape == (0, nnz)


def test_single_precision_and_several_workers():
    formula, inputs = SYSTEMS["one"]
    single = sg.compile(formula, inputs, "hessian", sparse=True, dtype="float32")
    fn = sg.compile(formula, inputs, "hessian", sparse=True)
    at = points(fn, 5000)
    assert single(at).dtype == np.float32
    np.testing.assert_allclose(single(at), fn(at), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(fn(at, workers=3), fn(at, workers=1))


def test_torch_tensors_are_taken(torch):
    fn = sg.compile("x**2*y", "x y", "hessian", sparse=True)
    at = torch.rand(5, 2, dtype=torch.float64)
    made = fn(at)
    np.testing.assert_array_equal(np.asarray(made), fn(at.numpy()))


def test_a_derivative_that_is_zero_everywhere_has_no_entries():
    fn = sg.compile("2*x + y", "x y", ["gradient", "hessian"], sparse=True)
    result = fn(points(fn))
    np.testing.assert_array_equal(result.gradient, np.tile([2.0, 1.0], (37, 1)))
    assert result.hessian.shape == (37, 0)
    assert sg.compile("3", "x", "gradient", sparse=True)(np.ones((4, 1))).shape == (4, 0)


def test_patterns_come_with_the_code_from_the_cache(monkeypatch):
    wanted = ["gradient", "hessian"]
    first = sg.compile("x**2*y + z*2.125", "x y z", wanted, sparse=True)

    def refuse(*arguments):
        raise AssertionError("derived again")

    monkeypatch.setattr(api, "derive_program", refuse)
    again = sg.compile("x**2*y + z*2.125", "x y z", wanted, sparse=True)
    assert again.shapes == first.shapes == {"gradient": (3,), "hessian": (2,)}
    for name in wanted:
        np.testing.assert_array_equal(again.sparsity[name].indices, first.sparsity[name].indices)
        assert again.sparsity[name].symmetric == first.sparsity[name].symmetric


def test_pickles_and_saved_functions_are_sparse(tmp_path):
    fn = sg.compile("x**2*y", "x y", "hessian", sparse=True)
    at = points(fn)
    fn.save(str(tmp_path / "fn.json"))
    for made in (pickle.loads(pickle.dumps(fn)), sg.load(str(tmp_path / "fn.json"))):
        assert made.recipe.options["sparse"] is True
        np.testing.assert_array_equal(made(at), fn(at))
        assert made.sparsity["hessian"].nnz == 2


def test_readable_source_fills_the_stored_entries():
    source = sg.compile("x**2*y", "x y", "hessian", sparse=True).source("numba")
    assert "hessian[1] =" in source
    assert "hessian[2]" not in source


def test_a_large_hessian_costs_what_its_entries_cost():
    count = 300
    x = sg.variables("x", count)
    fn = sg.compile(rosenbrock(count)(sg.math, x)[0], x, "hessian", sparse=True)
    assert fn.sparsity["hessian"].nnz == 2 * count - 1
    assert fn.operations.total < 10 * count
    at = np.random.default_rng(4).uniform(-1, 1, (3, count))
    dense = fn.to_dense("hessian", fn(at))
    diagonal = np.zeros((3, count))
    diagonal[:, :-1] += 2 - 400 * at[:, 1:] + 1200 * at[:, :-1] ** 2
    diagonal[:, 1:] += 200
    np.testing.assert_allclose(np.diagonal(dense, axis1=1, axis2=2), diagonal, rtol=1e-12)
    below = np.diagonal(dense, -1, 1, 2)
    np.testing.assert_allclose(below, -400 * at[:, :-1], rtol=1e-12)
    np.testing.assert_array_equal(below, np.diagonal(dense, 1, 1, 2))


def test_a_dense_array_that_is_too_large_names_the_cure():
    x = sg.variables("x", 5000)
    with pytest.raises(LimitError, match="sparse=True"):
        sg.compile(rosenbrock(5000)(sg.math, x)[0], x, "hessian")
