"""The direct call and the general one are one: bits, shapes, types and errors."""

from __future__ import annotations

import pickle
import timeit
import warnings
from functools import partial

import numpy as np
import pytest

import symgrad as sg
from symgrad import tiers
from symgrad.errors import ArgumentError, SymgradError
from symgrad.runtime import cpu, direct, streaming, threads
from symgrad.runtime.result import Result

K = 2.5


class Tagged(np.ndarray):
    """A subclass of arrays."""


def generally(fn):
    """A function of the same kernel that makes every call in the general way."""
    other = pickle.loads(pickle.dumps(fn))
    other._direct = lambda *_: NotImplemented
    return other


@pytest.fixture(scope="module")
def functions(spring, pair, pair_last, cube, single, products):
    found = {
        "spring": spring, "pair": pair, "pair_last": pair_last, "cube": cube, "single": single,
        "products": products,
        "sparse": sg.compile("x*y**2", "x y", ["value", "hessian"], sparse=True),
        "products_last": sg.compile(
            ["x*y", "x**2*y"], "x y", ["vjp", "jvp", "hvp"], batch_axis=-1
        ),
        "half": sg.compile("k*x*y", "x y", "gradient", parameters="k", dtype="float32"),
    }  # fmt: skip
    return {name: (fn, generally(fn)) for name, fn in found.items()}


@pytest.fixture
def rows():
    return np.random.default_rng(3).uniform(0.2, 2, (6, 2))


def outcome(fn, call):
    """What a call gives as (type, shape, dtype, bytes) of every array, or its error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            made = call(fn)
    except SymgradError as error:
        return type(error), str(error)
    arrays = made.as_dict() if isinstance(made, Result) else {"": made}
    return type(made), [
        (name, type(a), np.shape(a), a.dtype, np.ascontiguousarray(a).tobytes())
        for name, a in arrays.items()
    ]


def unaligned(table):
    raw = np.zeros(table.nbytes + 1, np.uint8)[1:].view(table.dtype).reshape(table.shape)
    raw[...] = table
    return raw


POINTS = {
    "table": lambda rows: (rows,),
    "one point": lambda rows: (rows[2],),
    "one row": lambda rows: (rows[2:3],),
    "points last": lambda rows: (rows.T,),
    "points last, contiguous": lambda rows: (rows.T.copy(),),
    "three axes": lambda rows: (rows.reshape(3, 2, 2),),
    "three axes, strided": lambda rows: (np.repeat(rows, 2, 0)[::2].reshape(2, 3, 2),),
    "strided": lambda rows: (np.repeat(rows, 2, 0)[::2],),
    "backwards": lambda rows: (rows[::-1],),
    "Fortran": lambda rows: (np.asfortranarray(rows),),
    "wider": lambda rows: (np.repeat(rows, 2, 1),),
    "one column": lambda rows: (rows[:, 0],),
    "one column of rank two": lambda rows: (rows[:, :1],),
    "columns": lambda rows: tuple(rows.T),
    "columns of rank two": lambda rows: (rows[:, 0].reshape(2, 3), rows[:, 1].reshape(2, 3)),
    "columns that broadcast": lambda rows: (rows[:, :1], rows[:, 1]),
    "columns of other lengths": lambda rows: (rows[:, 0], rows[:3, 1]),
    "columns of two dtypes": lambda rows: (rows[:, 0], rows[:, 1].astype("f4")),
    "a column and a number": lambda rows: (rows[:, 0], 0.5),
    "a number and a column": lambda rows: (0.5, rows[:, 0]),
    "columns of no axes": lambda rows: (np.array(0.5), np.array(1.5)),
    "no axes": lambda rows: (np.array(0.5),),
    "number": lambda rows: (0.5,),
    "numbers": lambda rows: (0.5, 1.5),
    "NumPy's numbers": lambda rows: tuple(rows[0]),
    "integers": lambda rows: (1, 2),
    "large integers": lambda rows: (2**53 + 1, 2**60),
    "integers beyond": lambda rows: (2**70, 1),
    "truth values": lambda rows: (True, 1.5),
    "single precision numbers": lambda rows: (np.float32(0.1), 1.5),
    "numbers beyond single precision": lambda rows: (1e300, 0.1),
    "complex": lambda rows: (1j, 1.5),
    "three": lambda rows: (0.5, 1.5, 2.5),
    "none": lambda rows: (),
    "None": lambda rows: (None,),
    "list": lambda rows: (rows.tolist(),),
    "text": lambda rows: ("x",),
    "no points": lambda rows: (rows[:0],),
    "no points in columns": lambda rows: (rows[:0, 0], rows[:0, 0]),
    "integer array": lambda rows: (rows.astype(int),),
    "single precision array": lambda rows: (rows.astype("f4"),),
    "foreign bytes": lambda rows: (rows.astype(">f8"),),
    "complex array": lambda rows: (rows + 0j,),
    "read-only": lambda rows: (np.broadcast_to(rows[0], (6, 2)),),
    "unaligned": lambda rows: (unaligned(rows),),
    "subclass": lambda rows: (rows.view(Tagged),),
}

NAMED = {
    "nothing": {},
    "k": {"k": K},
    "integer k": {"k": 3},
    "large k": {"k": 2**53 + 1},
    "NumPy's k": {"k": np.float64(K)},
    "k in single precision": {"k": np.float32(K)},
    "k as an array": {"k": np.array(K)},
    "k along the batch": {"k": np.arange(6.0)},
    "k as text": {"k": "1"},
    "k is None": {"k": None},
    "another": {"z": K},
    "two": {"k": K, "z": K},
    "an input too": {"k": K, "x": 1.0},
    "parameters": {"parameters": {"k": K}},
    "parameters and k": {"parameters": {"k": K}, "k": K},
    "tangent": {"k": K, "tangent": np.ones(2)},
    "by name": {"k": K, "x": 0.5, "y": 1.5},
    "columns by name": {"x": np.linspace(0, 1, 5), "y": np.linspace(1, 2, 5)},
    "no workers": {"k": K, "workers": 0},
    "half a worker": {"k": K, "workers": 0.5},
    "two workers": {"k": K, "workers": 2},
    "no executor": {"k": K, "executor": 3},
    "nowhere to add": {"k": K, "accumulate": True},
    "adding to nothing": {"accumulate": 0},
}


@pytest.mark.parametrize(
    "name", ["spring", "pair", "pair_last", "cube", "single", "sparse", "half"]
)
@pytest.mark.parametrize("given", POINTS)
def test_every_form_of_points(functions, name, given, rows):
    fn, general = functions[name]
    named = {"k": K} if fn.parameters else {}
    for _ in range(2):  # what was prepared at the first call is used at the second
        got = outcome(fn, lambda f: f(*POINTS[given](rows), **named))
        assert got == outcome(general, lambda f: f(*POINTS[given](rows), **named))


@pytest.mark.parametrize("name", ["spring", "pair", "cube", "products", "half"])
@pytest.mark.parametrize("named", NAMED)
@pytest.mark.parametrize("given", ["table", "one point", "numbers", "columns", "none"])
def test_every_form_of_keywords(functions, name, named, given, rows):
    fn, general = functions[name]
    calls = [outcome(f, lambda f: f(*POINTS[given](rows), **NAMED[named])) for f in (fn, general)]
    assert calls[0] == calls[1]


DIRECTED = {
    "as they should be": lambda d: d,
    "no cotangent": lambda d: {"tangent": d["tangent"]},
    "no tangent": lambda d: {"cotangent": d["cotangent"]},
    "shared": lambda d: {name: array[0] for name, array in d.items()},
    "too long": lambda d: {name: np.concatenate([array, array]) for name, array in d.items()},
    "float32": lambda d: {name: array.astype("f4") for name, array in d.items()},
    "lists": lambda d: {name: array.tolist() for name, array in d.items()},
    "unaligned": lambda d: {name: unaligned(array) for name, array in d.items()},
    "strided": lambda d: {name: np.repeat(array, 2, 0)[::2] for name, array in d.items()},
    "backwards": lambda d: {name: array[:, ::-1] for name, array in d.items()},
    "subclass": lambda d: {name: array.view(Tagged) for name, array in d.items()},
}


DIRECTLY = ("as they should be", "shared", "strided", "backwards")


@pytest.mark.parametrize("how", DIRECTED)
@pytest.mark.parametrize("batch_axis", [0, -1])
def test_every_form_of_directions(functions, how, batch_axis, rows):
    fn, general = functions["products" if batch_axis == 0 else "products_last"]
    axes = (lambda array: array) if batch_axis == 0 else np.transpose
    given = DIRECTED[how]({"tangent": rows + 1, "cotangent": rows - 1})
    if how not in ("shared", "lists"):
        given = {name: axes(array) for name, array in given.items()}
    for x in (axes(rows), rows[2]):
        for _ in range(2):
            got = outcome(fn, lambda f, x=x: f(x, **given))
            assert got == outcome(general, lambda f, x=x: f(x, **given))
    taken = fn._direct((axes(rows),), {}, None, None, *map(given.get, ("tangent", "cotangent")))
    assert (taken is not NotImplemented) == (how in DIRECTLY)


def test_directions_that_results_would_overwrite_are_left_to_the_general_call(functions, rows):
    fn, general = functions["products"]
    made = []
    for f in (fn, general):
        tangent, cotangent = rows + 1, rows - 1
        out = {"vjp": cotangent, "jvp": np.empty_like(rows), "hvp": tangent}
        call = partial(f, rows, tangent=tangent, cotangent=cotangent, out=out)
        made.append(outcome(f, lambda _, call=call: call()))
    assert made[0] == made[1]
    for name, overwritten in (("hvp", "tangent"), ("vjp", "cotangent"), ("jvp", None)):
        given = {"tangent": rows + 1, "cotangent": rows - 1}
        out = {result: np.empty_like(rows) for result in ("vjp", "jvp", "hvp")}
        out[name] = given.get(overwritten, out[name])
        taken = fn._direct((rows,), {}, out, None, **given)
        assert (taken is NotImplemented) == (overwritten is not None)


def test_a_direction_that_nothing_needs_is_refused(functions, rows):
    fn, _ = functions["pair"]
    with pytest.raises(ArgumentError, match="tangent= is given, but no result needs it"):
        fn(rows, tangent=rows)


def outs(shapes, dtype):
    """Ways to give out= for results of some shapes, each made anew."""

    def made(change=lambda a: a):
        return {name: change(np.full(shape, -7.0, dtype)) for name, shape in shapes.items()}

    def read_only(array):
        array.flags.writeable = False
        return array

    def strided(array):
        return np.full((*array.shape[:-1], 2 * array.shape[-1]), -7.0, dtype)[..., ::2]

    return {
        "dict": lambda: made(),
        "Result": lambda: Result(made()),
        "first alone": lambda: next(iter(made().values())),
        "one missing": lambda: dict(list(made().items())[1:]),
        "one more": lambda: made() | {"more": np.zeros(3)},
        "another name": lambda: {f"{name}_": a for name, a in made().items()},
        "lists": lambda: made(lambda a: a.tolist()),
        "None": lambda: made(lambda a: None),
        "longer": lambda: made(lambda a: np.concatenate([a, a])),
        "other dtype": lambda: made(lambda a: a.astype("f4" if dtype == "f8" else "f8")),
        "foreign bytes": lambda: made(lambda a: a.astype(a.dtype.newbyteorder())),
        "read-only": lambda: made(read_only),
        "unaligned": lambda: made(unaligned),
        "strided": lambda: made(strided),
        "backwards": lambda: made(lambda a: a[::-1]),
        "Fortran": lambda: made(np.asfortranarray),
        "subclass": lambda: made(lambda a: a.view(Tagged)),
        "a list": lambda: [1.0],
    }


@pytest.mark.parametrize("how", outs({"value": (1,)}, "f8"))
@pytest.mark.parametrize("name", ["spring", "pair", "pair_last", "single"])
def test_every_form_of_out(functions, name, how, rows):
    fn, general = functions[name]
    named = {"k": K} if fn.parameters else {}
    dtype = "f4" if name == "single" else "f8"
    rows = np.ascontiguousarray(rows.T if name == "pair_last" else rows, dtype)
    shapes = {
        result: (*s, 6) if name == "pair_last" else (6, *s) for result, s in fn.shapes.items()
    }
    calls = []
    for f in (fn, general):
        out = outs(shapes, dtype)[how]()
        made = outcome(f, lambda f, out=out: f(rows, out=out, **named))
        arrays = out.as_dict() if isinstance(out, Result) else out
        arrays = list(arrays.values()) if isinstance(arrays, dict) else [arrays]
        calls.append((made, [np.array(a, object).tolist() for a in arrays]))
    assert calls[0] == calls[1]


def test_given_arrays_are_handed_back(functions, rows):
    for fn in functions["spring"]:
        out = {"value": np.empty(6), "gradient": np.empty((6, 2))}
        made = fn(rows, k=K, out=out)
        assert made.value is out["value"]
        assert made.gradient is out["gradient"]
    for fn in functions["pair"]:
        array = np.empty((2, 2))
        assert fn(rows[0], out=array) is array
        assert fn(rows[0], out={"jacobian": array}) is array


@pytest.mark.parametrize("shift", [None, 0, 1, 2, 500, 1000, 2000])
@pytest.mark.parametrize("batch_axis", [0, -1])
def test_results_that_overlap_the_points(shift, batch_axis):
    fn = sg.compile(["y", "x - y"], "x y", "value", batch_axis=batch_axis)
    shape = (1000, 2) if batch_axis == 0 else (2, 1000)
    made = []
    for f in (fn, generally(fn)):
        memory = np.linspace(-1, 2, 4000)
        if shift is None:
            points = out = memory[:2000].reshape(shape).copy()  # an array that owns its memory
        else:
            points, out = (memory[i : i + 2000].reshape(shape) for i in (0, shift))
        expected = f(points.copy())
        assert f(points, out=out) is out
        made.append(out.copy())
        np.testing.assert_array_equal(out, expected)
    np.testing.assert_array_equal(*made)


def test_results_that_overlap_each_other_are_refused():
    fn = sg.compile("x*y", "x y", {"a": (), "b": ("x",)}, cache=False)
    points, memory = np.ones((4, 2)), np.zeros((2, 4))
    fn(points, out={"a": memory[0], "b": memory[1]})
    for a, b in ((memory[0], memory[0]), (memory[0], memory.reshape(-1)[2:6])):
        with pytest.raises(ArgumentError, match="shares memory"):
            fn(points, out={"a": a, "b": b})
    owned = np.zeros(4)
    for a, b in ((owned, owned), (owned, owned[:]), (owned[:], owned)):
        with pytest.raises(ArgumentError, match="shares memory"):
            fn(points, out={"a": a, "b": b})


def test_an_array_that_owns_the_memory_of_the_points():
    fn = sg.compile(["y", "x - y"], "x y", "value", batch_axis=-1)
    memory = np.linspace(-1, 2, 2000).reshape(2, 1000).copy()
    points = memory[::-1]
    expected = fn(points.copy())
    fn(points, out=memory)
    np.testing.assert_array_equal(memory, expected)


def test_points_that_are_the_result_themselves(functions):
    fn, general = functions["cube"]
    x = np.linspace(-1, 1, 5)
    y = x.copy()
    assert fn(x, out=x) is x
    general(y, out=y)
    np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize(
    ("given", "direct_too"),
    [("table", True), ("one point", True), ("columns", True), ("numbers", True), ("none", False),
     ("integers", True), ("list", False), ("strided", True), ("unaligned", False),
     ("no points", False), ("subclass", False), ("wider", False), ("columns of no axes", True),
     ("large integers", False), ("columns that broadcast", False)],
)  # fmt: skip
def test_what_is_called_directly(functions, given, direct_too, rows):
    fn, _ = functions["spring"]
    made = fn._direct(POINTS[given](rows), {"k": K}, None, None)
    assert (made is not NotImplemented) == direct_too


def test_large_batches_are_left_to_the_general_call(functions):
    for name, points in (("spring", 16_384), ("pair", 16_384)):
        fn, _ = functions[name]
        named = {"k": K} if fn.parameters else {}
        assert fn._direct((np.ones((points, 2)),), named, None, None) is not NotImplemented
        assert fn._direct((np.ones((points + 1, 2)),), named, None, None) is NotImplemented
        assert fn._direct((np.ones((points + 1, 2)),), named, None, 1) is not NotImplemented
    names = [f"x{i}" for i in range(40)]
    fn = sg.compile("*".join(names), names, "hessian", optimize="fast")
    most = 4 * 1024**2 // 8 // 1600  # results of 4 MB
    assert fn._direct((np.ones((most, 40)),), {}, None, None) is not NotImplemented
    assert fn._direct((np.ones((most + 1, 40)),), {}, None, None) is NotImplemented


@pytest.mark.parametrize("workers", [None, 1, 2])
@pytest.mark.parametrize("batch_axis", [0, -1])
def test_large_batches_are_called_directly_once_it_is_known_how(batch_axis, workers, monkeypatch):
    for module in (cpu, streaming):
        monkeypatch.setattr(module, "STREAM_BYTES", 1000)
    monkeypatch.setattr(tiers, "WHOLE_AFTER", 0.0)
    fn = sg.compile("x*y", "x y", ["value", "gradient"], batch_axis=batch_axis)
    table = np.random.default_rng(1).uniform(-1, 1, (threads.CHUNK + 1, 2))
    table = np.ascontiguousarray(table.T) if batch_axis else table
    assert fn._direct((table,), {}, None, workers) is NotImplemented
    columns = table if batch_axis else table.T
    generally = fn(*columns, workers=workers)
    for _ in range(len(streaming.WAYS) * streaming.TRIALS):
        fn(table, workers=1)
    made = fn._direct((table,), {}, None, workers)
    np.testing.assert_array_equal(made.value, generally.value, strict=True)
    np.testing.assert_array_equal(made.gradient, generally.gradient, strict=True)
    assert fn._direct(tuple(columns), {}, None, workers) is NotImplemented  # all would be copied


def test_plans_do_not_pile_up(functions, monkeypatch):
    monkeypatch.setattr(direct, "MOST_SHAPES", 3)
    fn, general = functions["pair"]
    for _ in range(2):
        for n in range(1, 9):
            table = np.linspace(0, 1, 2 * n).reshape(n, 2)
            np.testing.assert_array_equal(fn(table), general(table))
    plans = next(c.cell_contents for c in fn._direct.__closure__ if type(c.cell_contents) is dict)
    assert len(plans) <= 3


# --------------------------------------------------------------------------------------- latency


def quickest(*calls):
    """Seconds a call of each, the best of many short runs in turn: the machine may be busy."""
    best = [float("inf")] * len(calls)
    for _ in range(200):
        for i, call in enumerate(calls):
            best[i] = min(best[i], timeit.timeit(call, number=20) / 20)
    return best


def test_a_call_of_one_point_costs_little_beyond_the_kernel(functions, rows):
    fn, general = functions["pair"]
    x, out, memory = rows[:1].copy(), np.empty((1, 2, 2)), fn._code.scratch.memory
    table, flat = x, out.reshape(1, 4)
    kernel, call, slow = quickest(
        lambda: fn._code.kernel(0, 1, 0, memory, table, flat),
        lambda: fn(x, out=out),
        lambda: general(x, out=out),
    )
    assert call < 12 * kernel  # 4.5 on a machine that does nothing else
    assert call < 0.7 * slow


@pytest.mark.parametrize("form", ["parameters", "columns", "by name", "new arrays"])
def test_the_other_forms_are_quick_too(functions, rows, form):
    fn, _ = functions["spring"]
    x, y = rows[:1].T.copy()
    out = {"value": np.empty(1), "gradient": np.empty((1, 2))}
    point = rows[:1].copy()
    calls = {
        "parameters": lambda: fn(point, k=K, out=out),
        "columns": lambda: fn(x, y, k=K, out=out),
        "by name": lambda: fn(x=x, y=y, k=K, out=out),
        "new arrays": lambda: fn(point, k=K),
    }
    a, b, c = np.ones((3, 1))
    add, call = quickest(lambda: np.add(a, b, out=c), calls[form])
    assert call < 35 * add  # 10 to 13 on a machine that does nothing else
