"""How a compiled function is called: every convention, and the error of every mistake."""

from __future__ import annotations

import numpy as np
import pytest

import symgrad as sg
from symgrad.errors import (
    ArgumentError,
    DtypeError,
    LimitError,
    ShapeError,
)
from symgrad.runtime import arrays

K = 2.5
ULP = 1e-15


def same(got, expected):
    np.testing.assert_array_equal(got, expected, strict=True)


def spring_value(x, y, k=K):
    return k * x**2 * np.sin(y)


# ------------------------------------------------------------------------------ ways to call


def test_points_come_as_one_array(spring, points):
    x, y = points.T
    result = spring(points, k=K)
    np.testing.assert_allclose(result.value, spring_value(x, y), rtol=4 * ULP)
    np.testing.assert_allclose(
        result.gradient,
        np.stack([2 * K * x * np.sin(y), K * x**2 * np.cos(y)], -1),
        rtol=8 * ULP,
        atol=ULP,
    )


@pytest.mark.parametrize("batch", [(), (1,), (5,), (4, 3), (0,), (2, 0, 3), (1, 1)])
def test_leading_axes_are_the_batch(spring, rng, batch):
    table = rng.normal(size=(*batch, 2))
    result = spring(table, k=K)
    assert np.shape(result.value) == batch
    assert np.shape(result.gradient) == (*batch, 2)
    flat = spring(table.reshape(-1, 2), k=K)
    same(np.asarray(result.value).ravel(), flat.value)
    same(np.asarray(result.gradient).reshape(-1, 2), flat.gradient)


@pytest.mark.parametrize("batch", [(), (1,), (5,), (4, 3), (0,)])
def test_points_last_has_the_batch_behind(pair, pair_last, rng, batch):
    table = rng.normal(size=(2, *batch))
    made = pair_last(table)
    assert made.shape == (2, 2, *batch)
    first = pair(np.moveaxis(table, 0, -1))
    same(np.moveaxis(made, (0, 1), (-2, -1)).copy(), np.asarray(first).copy())


def test_columns_come_one_by_one_or_by_name(spring, points):
    x, y = points[:1000].T
    expected = spring(points[:1000], k=K)
    for result in (
        spring(x, y, k=K),
        spring(x=x, y=y, k=K),
        spring(y=y, k=K, x=x),
        spring(x, y, parameters={"k": K}),
        spring(x=list(x), y=tuple(y), k=np.float32(K)),
    ):
        same(result.value, expected.value)
        same(result.gradient, expected.gradient)


def test_columns_broadcast(spring):
    x, y = np.linspace(-1, 1, 5)[:, None], np.linspace(0, 2, 7)
    result = spring(x, y, k=K)
    assert result.value.shape == (5, 7)
    assert result.gradient.shape == (5, 7, 2)
    full = np.stack(np.broadcast_arrays(x, y), -1)
    same(result.value, spring(full, k=K).value)
    same(spring(x[:, 0], 0.5, k=K).value, spring(x[:, 0], np.full(5, 0.5), k=K).value)


def test_columns_broadcast_with_points_last(pair_last):
    x, y = np.linspace(-1, 1, 5)[:, None], np.linspace(0, 2, 7)
    made = pair_last(x, y)
    assert made.shape == (2, 2, 5, 7)
    same(made, pair_last(np.stack(np.broadcast_arrays(x, y))))


def test_numbers_give_results_without_a_batch(spring, pair, cube):
    result = spring(1.5, 0.5, k=K)
    assert isinstance(result.value, np.float64)
    assert result.gradient.shape == (2,)
    same(result.gradient, spring([1.5, 0.5], k=K).gradient)
    same(result.gradient, spring([[1.5, 0.5]], k=K).gradient[0])
    assert pair(1.5, 0.5).shape == (2, 2)
    assert isinstance(cube(2), np.float64)
    assert cube(2) == 8.0


@pytest.mark.parametrize(
    ("shape", "batch"),
    [((), ()), ((5,), (5,)), ((1,), (1,)), ((5, 1), (5,)), ((4, 3, 1), (4, 3)), ((0,), (0,))],
)
def test_the_ranks_of_one_input(cube, rng, shape, batch):
    x = rng.normal(size=shape)
    for made in (cube(x), cube(x=x)):
        assert np.shape(made) == batch
        np.testing.assert_allclose(made, x.reshape(batch) ** 3, rtol=4 * ULP)


def test_one_input_of_rank_two_needs_a_last_axis_of_one(cube):
    with pytest.raises(ShapeError, match=r"X has shape \(5, 4\); \(\*batch, 1\) is needed"):
        cube(np.zeros((5, 4)))


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_memory_layout_does_not_change_a_bit(spring, points, order):
    table = points[:999]
    expected = spring(table, k=K)
    wide = np.zeros((999, 5), order=order)
    wide[:, 1:4:2] = table
    read_only = np.array(table, order=order)
    read_only.flags.writeable = False
    for given in (
        np.array(table, order=order),
        wide[:, 1:4:2],
        read_only,
        np.array(table[::-1], order=order)[::-1],
        np.array(table[:, ::-1], order=order)[:, ::-1],
        table.tolist(),
    ):
        result = spring(given, k=K)
        same(result.value, expected.value)
        same(result.gradient, expected.gradient)


@pytest.mark.parametrize("dtype", ["i1", "u2", "i8", "?", "f2", "f4", ">f8", "<f8", ">i4"])
def test_real_dtypes_are_converted(spring, dtype):
    table = np.array([[1, 0], [0, 1], [1, 1]]).astype(dtype)
    same(spring(table, k=1).value, spring(table.astype(float), k=1.0).value)
    same(spring(table[:, 0], table[:, 1], k=1).value, spring(table.astype(float), k=1.0).value)


def test_misaligned_points_are_copied(spring, points):
    table = np.zeros(16 * 50 + 1, np.uint8)[1:].view(np.float64).reshape(50, 2)
    table[...] = points[:50]
    same(spring(table, k=K).value, spring(points[:50], k=K).value)


def test_numbers_of_numpy_say_how_many_workers():
    at, fn = [[1, 2], [3, 4]], sg.compile("x*y", "x y", "value", jit="never")
    assert fn(at, workers=np.int64(2)).tolist() == [2.0, 12.0]
    with pytest.raises(ArgumentError, match=r"workers=2\.5 is not possible"):
        fn(at, workers=2.5)


def test_inputs_and_parameters_may_be_called_self():
    fn = sg.compile("self*x", "self", "value", parameters="x", jit="never")
    assert fn(self=2.0, x=3.0) == 6


def test_a_table_is_taken_by_the_titles_of_its_columns():
    fn = sg.compile("x - y", "x y", "value", jit="never")
    records = np.array([(1.0, 5.0)], [("y", "f4"), ("x", float)])
    assert fn(records).tolist() == [4.0]


# ------------------------------------------------------------------------- single precision


def test_single_precision_stays_single(single, rng):
    table = rng.normal(size=(100, 2))
    made = single(table)  # float64 may become float32: same_kind
    assert made.dtype == np.float32
    same(made, single(table.astype("f4")))
    same(made, table[:, 0].astype("f4") * table[:, 1].astype("f4"))
    assert isinstance(single(1.5, 2), np.float32)
    same(single(np.array([[3, 4]])), np.array([12], "f4"))


def test_single_precision_out_must_be_single(single):
    out = np.zeros(3, "f4")
    assert single(np.ones((3, 2)), out=out) is out
    with pytest.raises(DtypeError, match="of dtype float32"):
        single(np.ones((3, 2)), out=np.zeros(3))


# ------------------------------------------------------------------------------- parameters


def test_a_parameter_along_the_batch(spring, points):
    table, k = points[:600], np.linspace(1, 2, 600)
    result = spring(table, k=k)
    for i in (0, 7, 599):
        same(result.value[i], spring(table[i], k=k[i]).value)
        same(result.gradient[i], spring(table[i], k=k[i]).gradient)


def test_a_constant_parameter_along_the_batch_has_the_bits_of_one_number(spring, points):
    table = points[:601]
    expected = spring(table, k=K)
    for k in (np.full(601, K), np.broadcast_to(K, 601), [K] * 601, np.array(K), [K], [[K]]):
        same(spring(table, k=k).value, expected.value)


def test_parameters_along_a_batch_of_several_axes(spring, rng):
    table, k = rng.normal(size=(4, 3, 2)), np.array([1.0, 2.0, 3.0])
    same(spring(table, k=k).value, spring(table, k=np.broadcast_to(k, (4, 3))).value)
    same(spring(table, k=k).value[:, 1], spring(table[:, 1], k=2.0).value)


def test_parameters_as_one_array():
    fn = sg.compile("a*x + b", "x", "value", parameters="a b")
    x = np.arange(3.0)
    expected = fn(x, a=2.0, b=1.0)
    same(fn(x, parameters=[2.0, 1.0]), expected)
    same(fn(x, parameters=np.array([[2.0, 1.0]] * 3)), expected)
    same(fn(x, parameters={"a": 2.0, "b": 1.0}), expected)
    same(fn(x, a=2.0, parameters={"b": 1.0}), expected)
    with pytest.raises(ShapeError, match=r"parameters has shape \(3,\); \(2,\) or \(\*batch, 2\)"):
        fn(x, parameters=[1.0, 2.0, 3.0])


def test_names_that_are_keywords_of_a_call_are_given_otherwise():
    fn = sg.compile("out*workers", "workers", "value", parameters="out")
    same(fn([3.0], parameters={"out": 2.0}), np.array([6.0]))


# ----------------------------------------------------------------------------------- out


def test_out_is_written_and_handed_back(pair, spring, points):
    table = points[:500]
    out = np.full((500, 2, 2), np.nan)
    assert pair(table, out=out) is out
    same(out, pair(table))
    given = {"gradient": np.empty((500, 2)), "value": np.empty(500)}
    result = spring(table, k=K, out=given)
    assert result.value is given["value"]
    assert result.gradient is given["gradient"]
    same(result.value, spring(table, k=K).value)
    again = spring(-table, k=K, out=result)  # a Result may be given back
    assert again.value is given["value"]
    same(result.value, spring(-table, k=K).value)


def test_out_may_have_any_layout_and_nothing_else_is_written(pair, pair_last, points):
    table = points[:333]
    expected = pair(table)
    places = [
        np.full((333, 4, 6), -7.0)[:, 1:3, 2:6:2],
        np.full((666, 2, 2), -7.0)[::2],
        np.full((333, 2, 2), -7.0)[::-1],
        np.full((2, 2, 333), -7.0).transpose(2, 0, 1),
        np.full((2, 333, 2), -7.0).transpose(1, 2, 0),
        np.full((333, 2, 2), -7.0).transpose(0, 2, 1),
    ]
    for view in places:
        memory = view
        while memory.base is not None:
            memory = memory.base
        assert pair(table, out=view) is view
        same(view.copy(), expected)
        view[...] = -7.0
        assert (memory == -7.0).all()
    last = np.full((2, 2, 400), -7.0)
    pair_last(table.T, out=last[..., 10:343])
    same(last[..., 10:343].transpose(2, 0, 1).copy(), expected)
    assert (last[..., :10] == -7.0).all()
    assert (last[..., 343:] == -7.0).all()


def test_out_may_be_the_points_themselves(pair, cube, points):
    x = points[:777, 0].copy()
    expected = cube(x.copy())
    cube(x, out=x)
    same(x, expected)
    swap = sg.compile(["x*y", "x - y"], "x y", "value")
    table = points[:777].copy()
    expected = swap(table.copy())
    swap(table, out=table)
    same(table, expected)


@pytest.mark.parametrize("how", ["shifted", "backwards", "swapped"])
def test_out_may_overlap_the_points_as_in_numpy(cube, how):
    memory = np.random.default_rng(8).normal(size=1000)
    if how == "swapped":
        swap = sg.compile(["y", "x"], "x y", "value", batch_axis=-1)
        given = out = memory.reshape(2, 500)
        expected = swap(given.copy())
        swap(given, out=out)
    else:
        given, out = (memory[:-1], memory[1:]) if how == "shifted" else (memory[::-1], memory)
        expected = cube(given.copy())
        cube(given, out=out)
    same(out.copy(), expected)


def test_accumulate_adds_into_out(pair, points):
    table = points
    expected = pair(table)
    for out in (np.ones((len(table), 2, 2)), np.ones((2, len(table), 2)).transpose(1, 2, 0)):
        pair(table, out=out, accumulate=True, workers=2)
        same(out.copy(), 1.0 + expected)
    with pytest.raises(ArgumentError, match="accumulate=True adds into out=; give it"):
        pair(table, accumulate=True)


def test_out_of_one_point(spring, pair):
    value, gradient = np.zeros(()), np.zeros(2)
    spring(1.5, 0.5, k=K, out={"value": value, "gradient": gradient})
    assert value == spring(1.5, 0.5, k=K).value
    spring(1.5, 0.5, k=K, out={"value": value, "gradient": gradient}, accumulate=True)
    assert value == 2 * spring(1.5, 0.5, k=K).value
    same(pair(1.5, 0.5, out=np.zeros((2, 2))), pair(1.5, 0.5))


@pytest.mark.parametrize(
    ("out", "error", "message"),
    [
        (np.zeros(5), ArgumentError, "out must be a dict .* value, gradient"),
        ({"value": np.zeros(5)}, ArgumentError, "out has value; value, gradient is needed"),
        ({"value": 1, "gradient": 1, "more": 1}, ArgumentError, "value, gradient is needed"),
        ({"value": np.zeros(4), "gradient": np.zeros((5, 2))}, ShapeError, r"\(5,\) is needed"),
        ({"value": np.zeros(5), "gradient": [0]}, ArgumentError, "give a NumPy array"),
    ],
    ids=["array", "missing", "unknown", "shape", "list"],
)
def test_a_wrong_out_is_refused(spring, out, error, message):
    with pytest.raises(error, match=message):
        spring(np.ones((5, 2)), k=K, out=out)


def test_nothing_is_written_where_a_call_is_refused(spring):
    value = np.full(5, -7.0)
    with pytest.raises(ShapeError):
        spring(np.ones((5, 2)), k=K, out={"value": value, "gradient": np.zeros((4, 2))})
    assert (value == -7.0).all()


# -------------------------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("arguments", "named", "error", "message"),
    [
        ((), {"k": K}, ArgumentError, r"input 'x' is missing; the inputs are \('x', 'y'\)"),
        ((), {"k": K, "x": 1.0}, ArgumentError, "input 'y' is missing"),
        ((1, 2, 3), {"k": K}, ArgumentError, r"3 arrays given; .*\(\*batch, 2\) or 2, for x, y"),
        ((1, 2), {}, ArgumentError, r"parameter 'k' is missing; pass k=\.\.\."),
        ((1, 2), {"k": K, "z": 1}, ArgumentError, "'z' is no parameter; the parameters are: k"),
        ((1, 2), {"k": K, "x": 1}, ArgumentError, "'x' is no parameter and once by position"),
        ((1, 2), {"k": K, "tangent": [1, 0]}, ArgumentError, "tangent= is given, but no result"),
        ((np.ones((5, 3)),), {"k": K}, ShapeError, r"\(5, 3\); \(\*batch, 2\) is needed"),
        ((np.ones(3), np.ones(4)), {"k": K}, ShapeError, r"broadcast .*x: \(3,\), y: \(4,\)"),
        ((np.ones((5, 2)),), {"k": np.ones(4)}, ShapeError, r"'k' has shape \(4,\).*\(5,\)"),
        ((np.ones((5, 2)) + 0j,), {"k": K}, DtypeError, "X has dtype complex128"),
        (([["a", "b"]],), {"k": K}, DtypeError, "X has dtype <U1"),
        (([[1, 2], [3]],), {"k": K}, DtypeError, "X is ragged: .*rows of equal length"),
        ((1, 1j), {"k": K}, DtypeError, "input 'y' has dtype complex128"),
        ((None,), {"k": K}, DtypeError, "X has dtype object"),
        ((1, 2), {"k": "2"}, DtypeError, "parameter 'k' has dtype <U1"),
        ((1, 2), {"k": None}, DtypeError, "parameter 'k' has dtype object"),
    ],
    ids=lambda value: None if isinstance(value, tuple | dict | type) else str(value)[:20],
)
def test_a_mistake_names_the_thing_the_place_and_the_cure(spring, arguments, named, error, message):
    with pytest.raises(error, match=message):
        spring(*arguments, **named)


def test_inputs_in_a_dict(spring):
    x, y = np.arange(5.0), 0.5
    for more in ({"k": K}, {"parameters": {"k": K}}, {"k": K, "workers": 1}):
        same(spring({"y": y, "x": x}, **more).gradient, spring(x, y, k=K).gradient)


def test_a_parameter_given_twice_is_refused(spring):
    with pytest.raises(ArgumentError, match=r"'k'.*twice"):
        spring(np.ones((5, 2)), k=K, parameters={"k": 1.0})


def test_a_batch_beyond_the_memory_is_refused(spring, monkeypatch):
    def empty(*_):
        raise MemoryError

    monkeypatch.setattr(arrays.np, "empty", empty)
    with pytest.raises(LimitError, match=r"'value' of shape \(5,\) needs 40 bytes.*in parts"):
        spring(np.ones((5, 2)), k=K)


def test_a_broadcast_batch_beyond_the_memory_is_refused(spring):
    x = np.ones(10**7)
    with pytest.raises(LimitError, match="evaluate the batch in parts"):
        spring(x[:, None], x, k=K)
