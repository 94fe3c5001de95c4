"""dask arrays in, lazy dask arrays out, equal bit for bit to one call."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from symgrad import compile
from symgrad.errors import ArgumentError, ShapeError

da = pytest.importorskip("dask.array")
POINTS = np.random.default_rng(1).random((100, 2))


def function(derivatives=("value", "hessian"), **options):
    return compile("k*x**2*sin(y)", "x y", derivatives, parameters="k", jit="never", **options)


def same(got, want):
    for name, array in want.as_dict().items():
        assert isinstance(got[name], da.Array)
        assert got[name].shape == array.shape
        np.testing.assert_array_equal(got[name].compute(scheduler="sync"), array)


@pytest.mark.parametrize("batch_axis", [0, -1])
def test_one_array_in_chunks_along_both_axes(batch_axis):
    fn = function(batch_axis=batch_axis)
    points = POINTS if batch_axis == 0 else POINTS.T
    chunks = (30, 1) if batch_axis == 0 else (1, 30)
    made = fn(da.from_array(points, chunks=chunks), k=2.0)
    assert made.value.chunks == ((30, 30, 30, 10),)
    same(made, fn(points, k=2.0))


def test_columns_and_parameters_in_different_chunks():
    fn = function()
    x, y = POINTS.T
    k = np.linspace(1, 2, 100)
    want = fn(x, y, k=k)
    lazy = [da.from_array(column, chunks=size) for column, size in ((x, 30), (y, 50), (k, 100))]
    same(fn(*lazy[:2], k=lazy[2]), want)
    same(fn(y=lazy[1], x=lazy[0], k=lazy[2]), want)
    same(fn(lazy[0], 0.5, k=2.0), fn(x, 0.5, k=2.0))
    same(fn(lazy[0], y, k=k), want)
    same(fn(POINTS, k=lazy[2]), want)


@pytest.mark.parametrize("shape", [(5,), (5, 1), (0, 1)])
def test_one_input(shape):
    fn = compile("x**2", "x", ["value", "gradient"], jit="never")
    same(fn(da.ones(shape, chunks=2)), fn(np.ones(shape)))


def test_nothing_is_evaluated_before_it_is_asked_for_and_then_once_a_chunk(monkeypatch):
    fn, calls = function(), []
    right = type(fn).__call__

    def counted(self, *points, **named):
        calls.append(named.get("workers"))
        return right(self, *points, **named)

    made = fn(da.from_array(POINTS, chunks=(50, 2)), k=2.0, workers=1)
    monkeypatch.setattr(type(fn), "__call__", counted)
    import dask

    dask.compute(made.value, made.hessian, scheduler="sync")
    assert calls == [1, 1]


def test_one_result_is_one_array_that_travels():
    fn = function("gradient")
    made = fn(da.from_array(POINTS, chunks=(60, 2)), k=2.0)
    assert made.dtype == np.float64
    again = pickle.loads(pickle.dumps(made))
    np.testing.assert_array_equal(again.compute(scheduler="sync"), fn(POINTS, k=2.0))


def test_what_dask_cannot_do():
    x = da.from_array(POINTS, chunks=(50, 2))
    with pytest.raises(ArgumentError, match="reduce="):
        function("value", reduce="sum")(x, k=2.0)
    with pytest.raises(ArgumentError, match="results are lazy"):
        function("value")(x, k=2.0, out=np.empty(100))
    with pytest.raises(ShapeError, match="chunks of known sizes"):
        function("value")(x[x[:, 0] > 0.5], k=2.0)
    with pytest.raises(ShapeError, match=r"\(100, 2\)"):
        function("value")(x, x, k=2.0)
    with pytest.raises(ShapeError, match=r"different numbers of points \(0: 4, 1: 5\)"):
        function("value")(da.ones(4), da.ones(5), k=2.0)
    with pytest.raises(ArgumentError, match="parameter 'k' is missing"):
        function("value")(x)
    with pytest.raises(ShapeError, match=r"\(\*batch, 2\) is needed"):
        function("value")(da.ones((4, 3)), k=2.0)
