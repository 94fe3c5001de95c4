"""Arrays of the host through devices: pieces, remainders, several devices, sums, and errors."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from symgrad.errors import ArgumentError, DtypeError, ShapeError
from symgrad.ir.layout import Layout
from symgrad.runtime.cuda import lanes, pipeline
from symgrad.runtime.result import Result
from tests.runtime.cuda.hosted import host

A, B = 2.0, 0.5
AXES = pytest.mark.parametrize("axis", [0, -1])


@pytest.fixture
def small(monkeypatch):
    """Pieces of a few points, so that a few hundred fill all lanes several times."""
    monkeypatch.setattr(lanes, "SMALLEST_PIECE", 1000)
    monkeypatch.setattr(lanes, "LARGEST_PIECE", 1500)
    monkeypatch.setattr(lanes, "COPY_BYTES", 100)


def points(*batch, axis=0):
    values = np.random.default_rng(0).uniform(0.5, 1.5, (*batch, 3))
    columns = {**dict(zip("xyz", np.moveaxis(values, -1, 0), strict=True)), "a": A, "b": B}
    return values if axis == 0 else np.moveaxis(values, -1, 0).copy(), columns


def same(found, expected):
    expected = np.asarray(expected)
    assert isinstance(found, np.ndarray | np.floating)
    assert found.shape == expected.shape
    return np.allclose(found, expected, rtol=1e-14, atol=1e-14)


@pytest.mark.usefixtures("small")
@AXES
@pytest.mark.parametrize("batch", [(), (1,), (15,), (16,), (17,), (333,), (7, 11)])
@pytest.mark.parametrize("devices", [None, 0, [1], [0, 1], "all"])
def test_values_are_those_of_one_piece(axis, batch, devices):
    h = host("value", "gradient", axis=axis, devices=3)
    x, columns = points(*batch, axis=axis)
    result = h.fn(x, a=A, b=B, devices=devices)
    assert type(result) is Result
    for name in ("value", "gradient"):
        assert same(result[name], h.expected(name, columns))


@pytest.mark.usefixtures("small")
def test_nothing_is_fetched_that_no_kernel_wrote(monkeypatch):
    """Arrays of a piece begin at round places; what is between them holds nothing."""
    h = host("value", "gradient")
    fetched = []

    def download(target, address, stream):
        fetched.append(target.nbytes)
        type(h.device).download(h.device, target, address, stream)

    monkeypatch.setattr(h.device, "download", download)
    h.fn(points(77)[0], a=A, b=B)
    assert sum(fetched) == 77 * (1 + 3) * 8


@pytest.mark.usefixtures("small")
def test_a_batch_is_shared_and_cut():
    h = host("value", devices=2)
    h.fn(points(333)[0], a=A, b=B, devices=[1, 0])
    counts = [[launch[2][0] for launch in device.launches] for device in h.machine.devices]
    assert [sum(count) for count in counts] == [167, 166]
    piece = lanes.piece_points(166, 32, 1)
    assert counts[1] == [piece] * (166 // piece) + [166 % piece]
    used = {launch[1] for launch in h.machine.devices[0].launches}
    assert len(used) == pipeline.LANES


@pytest.mark.usefixtures("small")
@AXES
@pytest.mark.parametrize(
    "given",
    [
        lambda x: x.tolist(),
        lambda x: x.astype(np.float32),
        lambda x: np.asfortranarray(x),
        lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
        lambda x: np.flip(x, 0),
    ],
)
def test_lists_other_dtypes_and_orders_are_copied_on_the_way(axis, given):
    h = host("gradient", axis=axis)
    x = given(points(99, axis=axis)[0])
    values = np.asarray(x, float)
    columns = dict(zip("xyz", np.moveaxis(values, -1 if axis == 0 else 0, 0), strict=True))
    expected = h.expected("gradient", {**columns, "a": A, "b": B})
    assert same(h.fn(x, a=A, b=B), expected)


@pytest.mark.usefixtures("small")
@AXES
def test_separate_inputs_broadcast(axis):
    h = host("value", axis=axis)
    x, y = np.linspace(0, 1, 40)[:, None], np.linspace(1, 2, 9)
    expected = h.expected("value", {"x": x, "y": y, "z": 0.5, "a": A, "b": B})
    assert same(h.fn(x, y, 0.5, a=A, b=B), expected)
    assert same(h.fn(x=x, y=y, z=0.5, parameters={"a": A, "b": B}), expected)


@pytest.mark.usefixtures("small")
@AXES
def test_parameters_are_numbers_or_vary_along_the_batch(axis):
    h = host("value", axis=axis)
    x, columns = points(99, axis=axis)
    a = np.linspace(1, 2, 99)
    assert same(h.fn(x, a=a, b=B), h.expected("value", {**columns, "a": a}))
    assert same(h.fn(x, parameters=[A, B]), h.expected("value", columns))
    points_at = "first" if axis == 0 else "last"
    assert h.layouts == [Layout(points_at), Layout(points_at, ("parameters",))]


@pytest.mark.usefixtures("small")
def test_more_parameters_than_a_kernel_takes_are_a_row_on_the_device(monkeypatch):
    monkeypatch.setattr(pipeline, "MOST_VALUES", 1)
    h = host("value", dtype="float32")
    x, columns = points(99)
    found = h.fn(x, a=A, b=B)
    assert np.allclose(found, h.expected("value", columns), rtol=1e-6)
    assert h.layouts == [Layout("first", (), ("parameters",))]


@pytest.mark.usefixtures("small")
@AXES
@pytest.mark.parametrize("batch", [(), (99,)])
def test_seeds_come_by_point_or_once(axis, batch):
    h = host("jvp", axis=axis, groups=("inputs", "parameters", "tangent"))
    x, columns = points(*batch, axis=axis)
    tangent = np.random.default_rng(1).normal(size=x.shape)
    moved = np.moveaxis(tangent, -1, 0) if axis == 0 else tangent
    seeds = dict(zip(("t0", "t1", "t2"), moved, strict=True))
    found = h.fn(x, a=A, b=B, tangent=tangent)
    assert same(found, h.expected("jvp", {**columns, **seeds}))
    seeds = {"t0": 1.0, "t1": -1.0, "t2": 2.0}
    found = h.fn(x, a=A, b=B, tangent=[1.0, -1.0, 2.0])
    assert same(found, h.expected("jvp", {**columns, **seeds}))


@pytest.mark.usefixtures("small")
@AXES
@pytest.mark.parametrize("accumulate", [False, True])
@pytest.mark.parametrize("lain", ["packed", "steps", "over the points"])
def test_out_of_any_layout_is_filled(axis, accumulate, lain):
    h = host("gradient", axis=axis)
    x, columns = points(99, axis=axis)
    expected = h.expected("gradient", columns)
    out = np.ones(x.shape)
    if lain == "steps":
        out = np.ones((*x.shape[:-1], 2 * x.shape[-1]))[..., ::2]
    elif lain == "over the points":
        out = x
    wanted = out + expected if accumulate else expected
    assert h.fn(x, a=A, b=B, out=out, accumulate=accumulate) is out
    assert same(out, wanted)


@pytest.mark.usefixtures("small")
@AXES
@pytest.mark.parametrize("reduce", ["sum", "mean"])
@pytest.mark.parametrize("count", [1, 4, 5, 333])
def test_sums_have_the_same_bits_however_they_are_shared(axis, reduce, count):
    h = host("value", "hessian", axis=axis, reduce=reduce, devices=3)
    x, columns = points(count, axis=axis)
    result = h.fn(x, a=A, b=B)
    along = 0 if axis == 0 else -1
    for name in ("value", "hessian"):
        expected = h.expected(name, columns).sum(axis=along)
        assert np.allclose(result[name], expected / (count if reduce == "mean" else 1), rtol=1e-13)
        on_device = h.fn(h.array(x), a=A, b=B)[name].numpy()
        for devices in ([1], [0, 1], [2, 0, 1], "all"):
            again = h.fn(x, a=A, b=B, devices=devices)[name]
            assert np.array_equal(again, result[name])
        assert np.array_equal(on_device, result[name])


def test_sums_are_written_and_added_to_out():
    h = host("gradient", reduce="sum")
    x, columns = points(30)
    expected = h.expected("gradient", columns).sum(0)
    out = np.ones(3)
    assert h.fn(x, a=A, b=B, out=out, accumulate=True) is out
    assert same(out, 1 + expected)
    h.fn(x, a=A, b=B, out=out)
    assert same(out, expected)
    with pytest.raises(ShapeError, match="out for 'gradient'"):
        h.fn(x, a=A, b=B, out=np.ones(4))


@AXES
def test_no_points_need_no_launch(axis):
    h = host("value", "gradient", axis=axis)
    result = h.fn(points(0, axis=axis)[0], a=A, b=B)
    assert result.value.shape == (0,)
    assert result.gradient.shape == ((0, 3) if axis == 0 else (3, 0))
    assert h.device.launches == []


def test_one_point_gives_numbers():
    h = host("value", "gradient")
    result = h.fn([1.0, 2.0, 3.0], a=A, b=B)
    assert result.value == 4 + B * np.sin(3.0)
    assert isinstance(result.value, np.float64)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("devices", [[0], [0, 1]])
def test_progress_is_told_in_the_thread_that_calls(devices):
    h = host("value", devices=2)
    heard = []
    here = threading.get_ident()

    def on_chunk(done, total):
        assert threading.get_ident() == here
        heard.append((done, total))

    h.fn(points(333)[0], a=A, b=B, devices=devices, on_chunk=on_chunk)
    assert [total for _, total in heard] == [333] * len(heard)
    assert heard[-1][0] == 333
    assert len(heard) > 4
    assert sorted(heard) == heard


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("devices", [[0], [0, 1]])
def test_an_error_in_the_middle_leaves_the_lanes_usable(devices):
    h = host("value", devices=2)
    x, columns = points(333)
    broken = h.machine.devices[devices[-1]]
    launch, calls = broken.launch, []

    def fails(*arguments):
        calls.append(1)
        if len(calls) == 5:
            raise RuntimeError("the device is gone")
        launch(*arguments)

    broken.launch = fails
    with pytest.raises(RuntimeError, match="the device is gone"):
        h.fn(x, a=A, b=B, devices=devices)
    broken.launch = launch
    assert same(h.fn(x, a=A, b=B, devices=devices), h.expected("value", columns))


@pytest.mark.usefixtures("small")
def test_two_threads_may_call_at_once():
    h = host("value")
    x, columns = points(200)
    found = {}
    threads = [
        threading.Thread(target=lambda k=k: found.update({k: h.fn(x + k, a=A, b=B)}))
        for k in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k in range(4):
        moved = {**columns, **{name: columns[name] + k for name in "xyz"}}
        assert same(found[k], h.expected("value", moved))


def test_lanes_are_kept_and_grow():
    h = host("value")
    sizes = []
    for count in (10, 1000, 10, 300_000, 300_000, 10):
        x, columns = points(count)
        assert same(h.fn(x, a=A, b=B), h.expected("value", columns))
        sizes.append((len(h.device.memories), len(h.device.locked)))
    grown = 2 * (1 + pipeline.LANES)
    assert sizes == [(2, 2)] * 3 + [(grown, grown)] * 3


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.usefixtures("small")
def test_any_number_of_threads_copies(workers):
    h = host("gradient")
    x, columns = points(333)
    assert same(h.fn(x, a=A, b=B, workers=workers), h.expected("gradient", columns))


@pytest.mark.parametrize(
    ("more", "error", "message"),
    [
        ({"devices": []}, ArgumentError, r"devices=\[\]: give the numbers of GPUs"),
        ({"devices": "both"}, ArgumentError, "devices='both'"),
        ({"devices": [0, 0]}, ArgumentError, r"devices=\[0, 0\]"),
        ({"devices": 1.5}, ArgumentError, "devices=1.5"),
        ({"devices": ["0"]}, ArgumentError, "devices="),
        ({"workers": 0}, ArgumentError, "workers=0 is not possible"),
        ({"a": "x"}, DtypeError, "parameter 'a' has dtype"),
        ({"parameters": [1.0]}, ShapeError, r"parameters has shape \(1,\)"),
        ({"parameters": {"a": 1.0}}, ArgumentError, "'a' is given twice"),
        ({"out": np.ones(4)}, ShapeError, r"out for 'value' has shape \(4,\)"),
        ({"out": np.ones(5, np.float32)}, DtypeError, "out for 'value' must be writable"),
    ],
)
def test_mistakes_name_the_thing_and_the_cure(more, error, message):
    h = host("value")
    with pytest.raises(error, match=message):
        h.fn(points(5)[0], **{"a": A, "b": B, **more})
    assert h.device.launches == []
