"""Sums over a batch: right, the same bits for any number of workers, and normal equations."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import symgrad as sg
from symgrad.emit.kernels.sums import BLOCK
from symgrad.errors import DerivativeError, OptionError, ShapeError
from symgrad.runtime.reduction import Reduction
from symgrad.runtime.sparsity import Sparsity

FORMULA, NAMES = "x*y*sin(z) + k*x", "x y z"
WANTED = ["value", "gradient", "hessian"]
COUNTS = (1, 7, 16, BLOCK - 1, BLOCK, BLOCK + 1, 20 * BLOCK + 3)
TOLERANCE = {"float64": 1e-13, "float32": 3e-6}


def compiled(dtype="float64", **options):
    return sg.compile(FORMULA, NAMES, WANTED, parameters="k", dtype=dtype, **options)


def points(count, dtype="float64"):
    return np.random.default_rng(count).normal(size=(count, 3)).astype(dtype)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("last", [False, True])
def test_sums_and_means_are_those_of_the_results_of_all_points(dtype, last):
    axis = -1 if last else 0
    each, total, mean = (
        compiled(dtype, batch_axis=axis, reduce=reduce) for reduce in (None, "sum", "mean")
    )
    for count in COUNTS:
        x = points(count, dtype).T.copy() if last else points(count, dtype)
        results = each(x, k=1.5)
        sums, means = total(x, k=1.5), mean(x, k=1.5)
        for name in WANTED:
            table = getattr(results, name).astype(np.float64)
            expected, size = table.sum(axis=axis), np.abs(table).sum(axis=axis)
            got = getattr(sums, name)
            assert got.shape == expected.shape
            assert got.dtype == dtype
            assert (np.abs(got - expected) <= TOLERANCE[dtype] * size).all(), (name, count)
            close = np.abs(getattr(means, name) - expected / count)
            assert (close <= TOLERANCE[dtype] * size / count).all()


def test_any_number_of_workers_gives_the_same_bits():
    fn, x = compiled(reduce="sum"), points(20 * BLOCK + 3)
    expected = fn(x, k=0.5, workers=1)
    done = []
    for workers in (2, 3, 7):
        got = fn(x, k=0.5, workers=workers, on_chunk=lambda n, of: done.append((n, of)))
        assert all(np.array_equal(a, b) for a, b in zip(got, expected, strict=True))
    assert done[-1] == (len(x), len(x))
    with ThreadPoolExecutor(2) as pool:
        mapped = fn(x, k=0.5, executor=pool)
    assert all(np.array_equal(a, b) for a, b in zip(mapped, expected, strict=True))


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_layouts_of_the_points_do_not_change_a_bit(dtype):
    fn, x = compiled(dtype, reduce="sum"), points(3 * BLOCK + 5, dtype)
    expected = fn(x, k=2.0)
    wide = np.full((len(x), 5), np.nan, dtype)
    wide[:, 1:4] = x
    for given in ((wide[:, 1:4],), (np.asfortranarray(x),), tuple(x.T), (x[::-1].copy()[::-1],)):
        got = fn(*given, k=2.0)
        assert all(np.array_equal(a, b) for a, b in zip(got, expected, strict=True))
    # A parameter along the batch is read for each point.
    got = fn(x, k=np.full(len(x), 2.0, dtype))
    assert all(np.array_equal(a, b) for a, b in zip(got, expected, strict=True))


def test_points_that_fill_a_vector_up_are_not_counted():
    fn = sg.compile("1/x", "x", "value", reduce="sum")
    for count in range(1, 40):
        x = np.ones(count)
        x[-1] = 0.0  # repeated in the padding: infinity must come once, not inf - inf or nan
        assert fn(x) == np.inf
        assert fn(np.ones(count)) == count


def test_no_points_have_the_sum_0_and_no_mean():
    nothing = np.empty((0, 3))
    assert all((np.asarray(r) == 0).all() for r in compiled(reduce="sum")(nothing, k=1.0))
    mean = compiled(reduce="mean")(nothing, k=1.0)
    assert np.isnan(mean.value)
    assert np.isnan(mean.gradient).all()
    assert mean.hessian[0, 0] == 0, "structural zeros are 0 at any point, and at none"


def test_results_are_written_or_added_where_they_are_wanted():
    fn, x = compiled(reduce="sum"), points(500)
    expected = fn(x, k=1.0).as_dict()
    out = {name: np.full(shape, 3.0) for name, shape in fn.shapes.items()}
    assert fn(x, k=1.0, out=out).value is out["value"]
    assert all(np.array_equal(out[name], expected[name]) for name in out)
    fn(x, k=1.0, out=out, accumulate=True)
    assert all(np.array_equal(out[name], 2 * expected[name]) for name in out)
    with pytest.raises(ShapeError, match="gradient"):
        fn(x, k=1.0, out={**out, "gradient": np.empty((500, 3))})


def test_sparse_sums_hold_the_entries_of_the_pattern():
    whole, sparse = compiled(reduce="sum"), compiled(reduce="sum", sparse=True)
    x = points(100)
    values = sparse(x, k=1.0).hessian
    assert values.shape == (sparse.sparsity["hessian"].nnz,)
    np.testing.assert_array_equal(sparse.to_dense("hessian", values), whole(x, k=1.0).hessian)


def test_directions_are_summed_as_well():
    fn = sg.compile(["x*y", "x + sin(y)"], "x y", ["vjp", "jvp"], reduce="sum")
    each = sg.compile(["x*y", "x + sin(y)"], "x y", ["vjp", "jvp"])
    x = points(300)[:, :2]
    seeds = {"tangent": np.ones((300, 2)), "cotangent": np.array([2.0, -1.0])}
    for one, table in zip(fn(x, **seeds), each(x, **seeds), strict=True):
        np.testing.assert_allclose(one, table.sum(axis=0), rtol=1e-13)


CURVE = ["a*exp(-b*t) + c - y"]


def data(count):
    rng = np.random.default_rng(5)
    t = rng.uniform(0, 5, count)
    return t, 3 * np.exp(-0.7 * t) + 0.2 + 0.01 * rng.normal(size=count)


def test_normal_equations_are_the_products_of_residuals_and_jacobian():
    shared = {"parameters": "a b c", "wrt": "a b c"}
    each = sg.compile(CURVE, "t y", ["value", "jacobian"], **shared)
    fn = sg.compile(CURVE, "t y", reduce="normal", **shared)
    assert fn.shapes == {"jtj": (3, 3), "jtr": (3,), "rss": ()}
    at = {"a": 2.5, "b": 0.5, "c": 0.1}
    table = each(*data(5000), **at)
    r, jacobian = table.value[:, 0], table.jacobian[:, 0]
    made = fn(*data(5000), **at)
    np.testing.assert_allclose(made.jtj, jacobian.T @ jacobian, rtol=1e-12)
    np.testing.assert_allclose(made.jtr, jacobian.T @ r, rtol=1e-10)
    np.testing.assert_allclose(made.rss, r @ r, rtol=1e-12)
    np.testing.assert_array_equal(made.jtj, made.jtj.T)
    some = sg.compile(CURVE, "t y", ["jtr", "rss"], reduce="normal", **shared)
    assert some.results == ("jtr", "rss")
    np.testing.assert_array_equal(some(*data(5000), **at).jtr, made.jtr)


def test_normal_equations_of_several_residuals_with_structural_zeros():
    residuals = ["a*x - 1", "b*x + sin(a) - 2", "x"]
    shared = {"parameters": "a b c", "wrt": "a b c"}
    fn = sg.compile(residuals, "x", reduce="normal", **shared)
    each = sg.compile(residuals, "x", ["value", "jacobian"], **shared)
    x, at = np.linspace(-1, 2, 700), {"a": 0.3, "b": 1.1, "c": 9.0}
    r, jacobian = each(x, **at)
    made = fn(x, **at)
    np.testing.assert_allclose(made.jtj, np.einsum("nri,nrj->ij", jacobian, jacobian), rtol=1e-12)
    np.testing.assert_allclose(made.jtr, np.einsum("nri,nr->i", jacobian, r), rtol=1e-12)
    np.testing.assert_allclose(made.rss, (r * r).sum(), rtol=1e-12)
    assert (made.jtj[2] == 0).all(), "nothing depends on c"
    assert fn.program.results[0].size == 3, "zeros and the upper triangle are not computed"


def test_gauss_newton_finds_the_curve():
    fn = sg.compile(CURVE, "t y", reduce="normal", parameters="a b c", wrt="a b c")
    at = np.array([2.5, 0.5, 0.1])
    for _ in range(20):
        made = fn(*data(2000), parameters=at)
        at = at - np.linalg.solve(made.jtj, made.jtr)
    np.testing.assert_allclose(at, [3.0, 0.7, 0.2], atol=0.01)


def test_wrong_requests_are_refused():
    with pytest.raises(DerivativeError, match="jtj"):
        sg.compile(CURVE, "t y", "jacobian", reduce="normal", parameters="a b c")
    with pytest.raises(OptionError, match="reduce='total'"):
        compiled(reduce="total")


def test_functions_of_sums_are_saved_checked_and_described(tmp_path):
    fn = compiled(reduce="mean")
    path = tmp_path / "mean.json"
    fn.save(path)
    x = points(50)
    for one, other in zip(sg.load(path)(x, k=1.0), fn(x, k=1.0), strict=True):
        np.testing.assert_array_equal(one, other)
    assert sg.check(fn, against=("mpmath",))
    normal = sg.compile(CURVE, "t y", reduce="normal", parameters="a b c", wrt="a b c")
    assert sg.check(normal, against=("mpmath",))
    per_point = compiled()
    assert "sg.runs" in per_point.llvm(), "rows of results are written"
    assert "sg.runs" not in fn.llvm(), "sums are not"


def test_blocks_and_entries():
    stored = {"hessian": Sparsity((2, 2), np.array([[0, 0], [1, 0]]), 2)}
    reduction = Reduction(4, False, stored)
    assert [reduction.blocks(n) for n in (0, 1, 4, 5, 9)] == [0, 1, 1, 2, 3]
    assert reduction.entries("hessian", 4) == 2
    assert reduction.entries("value", 1) == 1
    sums = np.array([[1.0, 2.0], [0.5, -1.0]])
    made = reduction.result("hessian", sums, 8, (2, 2), np.dtype("float64"))
    np.testing.assert_array_equal(made, [[1.5, 1.0], [1.0, 0.0]])
    mean = Reduction(4, True, {})
    np.testing.assert_array_equal(mean.result("g", sums, 4, (2,), np.dtype("f4")), [0.375, 0.25])
