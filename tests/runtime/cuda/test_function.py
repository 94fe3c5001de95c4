"""CudaFunction: every way to call it, on devices of the host, with the right values."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from symgrad.errors import ArgumentError, DeviceError, DtypeError, ShapeError
from symgrad.ir.layout import Layout
from symgrad.runtime.cuda import inputs
from symgrad.runtime.cuda.arrays import DeviceArray
from symgrad.runtime.cuda.device import Machine
from symgrad.runtime.cuda.function import CudaFunction, stream_handle
from symgrad.runtime.result import Result
from tests.runtime.cuda.host import STREAM
from tests.runtime.cuda.hosted import AXES, RECIPE, A, B, host, points, same

torch = pytest.importorskip("torch")

BATCHES = pytest.mark.parametrize("batch", [(), (1,), (7,), (2, 5), (100,)])


@AXES
@BATCHES
def test_a_tensor_gives_tensors_of_the_batchs_shape(axis, batch):
    h = host("value", "gradient", "hessian", axis=axis)
    x, columns = points(*batch, axis=axis)
    result = h.settled(h.fn(x, a=A, b=B))
    assert type(result) is Result
    for name, found in result.as_dict().items():
        assert type(found) is torch.Tensor
        assert same(found, h.expected(name, columns))
    assert h.layouts == [Layout("first" if axis == 0 else "last", ("parameters",))]


@AXES
@BATCHES
def test_an_array_of_no_library_gives_arrays_of_our_own(axis, batch):
    h = host("value", "gradient", axis=axis)
    x, columns = points(*batch, axis=axis)
    result = h.fn(h.array(x.numpy()), a=A, b=B)
    for name, found in result.as_dict().items():
        assert type(found) is DeviceArray
        assert same(found, h.expected(name, columns))


@AXES
def test_float32_stays_float32(axis):
    h = host("gradient", axis=axis, dtype="float32")
    x, columns = points(9, axis=axis)
    found = h.settled(h.fn(x.float(), a=A, b=B))
    assert found.dtype is torch.float32
    assert np.allclose(found.numpy(), h.expected("gradient", columns), rtol=1e-6)


@AXES
@pytest.mark.parametrize("names", [("x", "y", "z"), ()])
def test_separate_arrays_broadcast(axis, names):
    h = host("gradient", axis=axis)
    columns = {"x": np.arange(4.0)[:, None], "y": np.arange(3.0), "z": 0.25, "a": A, "b": B}
    tensors = [torch.from_numpy(columns["x"]), torch.from_numpy(columns["y"]), 0.25]
    if names:
        found = h.fn(a=A, b=B, **dict(zip(names, tensors, strict=True)))
    else:
        found = h.fn(*tensors, a=A, b=B)
    assert same(h.settled(found), h.expected("gradient", columns))


def test_arrays_in_a_dict():
    h = host("value")
    columns = {name: np.random.default_rng(ord(name)).random(6) for name in "zxy"}
    found = h.fn({name: torch.from_numpy(value) for name, value in columns.items()}, a=A, b=B)
    assert same(h.settled(found), h.expected("value", {**columns, "a": A, "b": B}))
    assert same(h.fn(columns, a=A, b=B), h.expected("value", {**columns, "a": A, "b": B}))


def rows_of(table):
    return [table[0], table[1], table[2]]


def columns_of(table):
    return [table[:, 0], table[:, 1], table[:, 2]]


@pytest.mark.parametrize(("axis", "cut"), [(0, columns_of), (-1, rows_of)])
def test_columns_of_one_table_are_read_where_they_are(axis, cut):
    h = host("value", axis=axis)
    x, columns = points(6, axis=axis)
    found = h.settled(h.fn(*cut(x), a=A, b=B))
    assert same(found, h.expected("value", columns))
    ((_, _, arguments),) = h.device.launches
    assert arguments[:3] == [6, x.data_ptr(), 3 if axis == 0 else 6]


def test_columns_with_gaps_are_stacked():
    h = host("value", axis=-1)
    x, columns = points(6, axis=0)
    found = h.settled(h.fn(*columns_of(x), a=A, b=B))
    assert same(found, h.expected("value", columns))
    ((_, _, arguments),) = h.device.launches
    assert arguments[1] != x.data_ptr()


@AXES
@pytest.mark.parametrize("shape", [(6,), (2, 3), (1,), ()])
def test_arrays_without_gaps_are_read_where_they_are(axis, shape):
    h = host("value", "gradient", axis=axis)
    columns = {name: np.random.default_rng(ord(name)).random(shape) for name in "zxyb"}
    tensors = {name: torch.from_numpy(np.array(value)) for name, value in columns.items()}
    found = h.settled(h.fn(*(tensors[name] for name in "xyz"), a=A, b=B))
    for name in ("value", "gradient"):
        assert same(found[name], h.expected(name, {**columns, "a": A, "b": B}))
    ((_, _, arguments),) = h.device.launches
    assert arguments[1:4] == [tensors[name].data_ptr() for name in "xyz"]
    assert h.layouts[-1].separate == ("inputs",)
    assert len(h.torch.made) == 2, "two results, and no copy"


def test_parameters_along_the_batch_are_read_where_they_are():
    h = host("value")
    x, columns = points(6)
    a, b = (torch.from_numpy(np.random.default_rng(k).random(6)) for k in range(2))
    found = h.settled(h.fn(x, a=a, b=b))
    assert same(found, h.expected("value", {**columns, "a": a, "b": b}))
    assert h.layouts[-1].separate == ("parameters",)


def test_many_separate_arrays_are_stacked(monkeypatch):
    monkeypatch.setattr(inputs, "MOST_ADDRESSES", 2)
    h = host("value")
    x, columns = points(6, axis=-1)
    assert same(h.settled(h.fn(*rows_of(x), a=A, b=B)), h.expected("value", columns))
    assert h.layouts[-1].separate == ()


@AXES
def test_separate_arrays_of_no_library_are_stacked_by_copies(axis):
    h = host("gradient", axis=axis)
    _, columns = points(8)
    given = [h.array(columns["x"]), h.array(columns["y"]), 0.75]
    found = h.fn(*given, a=A, b=B)
    assert same(found, h.expected("gradient", {**columns, "z": 0.75}))


def test_arrays_of_no_library_do_not_broadcast():
    h = host("value")
    with pytest.raises(ArgumentError, match=r"array 1 of 3 has shape \(1,\).*one shape"):
        h.fn(h.array(np.ones((4, 1))), h.array(np.ones(1)), 1.0, a=A, b=B)


@pytest.mark.parametrize(
    ("axis", "view", "copied"),
    [
        (0, lambda t: t[::2], False),
        (0, lambda t: t.reshape(4, 2, 3)[:, 0], False),
        (0, lambda t: t.reshape(2, 4, 3)[:, :2], True),
        (0, lambda t: t.T.contiguous().T, True),
        (0, lambda t: t[:1].expand(8, 3), False),
        (-1, lambda t: t.T.contiguous()[:, 2:6], False),
        (-1, lambda t: t.T.contiguous()[:, ::2], True),
        (-1, lambda t: t.T, True),
    ],
)
@pytest.mark.parametrize("library", ["torch", "none"])
def test_steps_are_followed_where_a_kernel_can(axis, view, copied, library):
    h = host("gradient", axis=axis)
    x = view(points(8)[0])
    columns = {**dict(zip("xyz", x.unbind(-1 if axis == 0 else 0), strict=True)), "a": A, "b": B}
    if library == "none":
        found = h.fn(h.array(x.numpy()), a=A, b=B)
    else:
        found = h.settled(h.fn(x, a=A, b=B))
        moved = h.device.launches[-1][2][1] != x.data_ptr()
        assert moved is copied
    assert same(found, h.expected("gradient", columns))


@AXES
def test_parameters_may_be_one_row_on_the_device(axis):
    h = host("value", "gradient", axis=axis)
    x, columns = points(5, axis=axis)
    given = [
        {"a": torch.tensor(A, dtype=torch.float64), "b": B},
        {"a": torch.tensor([A], dtype=torch.float64), "b": torch.tensor(B, dtype=torch.float64)},
        {"parameters": torch.tensor([A, B], dtype=torch.float64)},
    ]
    for more in given:
        result = h.settled(h.fn(x, **more))
        assert same(result.value, h.expected("value", columns))
        assert same(result.gradient, h.expected("gradient", columns))
    assert h.layouts == [Layout("first" if axis == 0 else "last", (), ("parameters",))]


@AXES
def test_parameters_may_vary_along_the_batch(axis):
    h = host("gradient", axis=axis)
    x, columns = points(5, axis=axis)
    a, b = np.linspace(1, 2, 5), np.linspace(3, 4, 5)
    expected = h.expected("gradient", {**columns, "a": a, "b": b})
    assert same(h.settled(h.fn(x, a=torch.from_numpy(a), b=torch.from_numpy(b))), expected)
    table = torch.from_numpy(np.stack([a, b], -1 if axis == 0 else 0))
    assert same(h.settled(h.fn(x, parameters=table)), expected)
    expected = h.expected("gradient", {**columns, "a": a})
    assert same(h.settled(h.fn(x, a=torch.from_numpy(a), b=B)), expected)
    assert {layout.values for layout in h.layouts} == {()}


@AXES
@pytest.mark.parametrize("parameters", [{"a": A, "b": B}, [A, B], np.array([A, B])])
def test_parameters_of_the_host_are_numbers(axis, parameters):
    h = host("value", axis=axis)
    x, columns = points(5, axis=axis)
    assert same(h.settled(h.fn(x, parameters=parameters)), h.expected("value", columns))
    assert h.layouts[0].values == ("parameters",)


@AXES
@pytest.mark.parametrize("batch", [(), (6,), (2, 3)])
def test_tangents_and_cotangents_come_by_point_or_once(axis, batch):
    h = host("jvp", "vjp", axis=axis, groups=("inputs", "parameters", "tangent", "cotangent"))
    x, columns = points(*batch, axis=axis)
    tangent = np.random.default_rng(1).normal(size=x.shape)
    cotangent = np.random.default_rng(2).normal(size=batch)
    moved = np.moveaxis(tangent, -1, 0) if axis == 0 else tangent
    seeds = {**columns, **dict(zip(("t0", "t1", "t2"), moved, strict=True)), "c0": cotangent}
    result = h.settled(
        h.fn(x, a=A, b=B, tangent=torch.from_numpy(tangent), cotangent=torch.tensor(cotangent))
    )
    assert same(result.jvp, h.expected("jvp", seeds))
    assert same(result.vjp, h.expected("vjp", seeds))
    once = np.array([1.0, -2.0, 0.5])
    seeds = {**columns, "t0": 1.0, "t1": -2.0, "t2": 0.5, "c0": 3.0}
    for row, weight in ((once, 3.0), (torch.from_numpy(once), torch.tensor(3.0).double())):
        result = h.settled(h.fn(x, a=A, b=B, tangent=row, cotangent=weight))
        assert same(result.jvp, h.expected("jvp", seeds))
        assert same(result.vjp, h.expected("vjp", seeds))


def test_kernels_are_built_once_for_a_layout():
    h = host("value")
    for size in (5, 9):
        h.settled(h.fn(points(size)[0], a=A, b=B))
        h.settled(h.fn(points(size)[0], a=A, b=B, stream=STREAM))
        h.fn(points(size)[0].numpy(), a=A, b=B)
    assert len(h.layouts) == 1


def test_what_it_says_of_itself():
    h = host("value")
    fn = h.fn
    assert (fn.tier, fn.cached, fn.engine) == ("compiled", False, "nvrtc")
    assert fn.ptx("sm_80") == ".target sm_80"
    (binary,) = fn.binaries()
    assert (binary.arch, binary.name) == ("sm_90", "sg")
    assert fn.cuda_jit == "device function"
    assert fn.shapes == {"value": ()}
    assert not hasattr(fn, "_numba_type_")
    with pytest.raises(ArgumentError, match=r"fn\.cuda_jit"):
        _ = fn.njit
    assert fn.__reduce__()[1] == (fn.recipe.to_json(),)


def test_prepare_builds_what_the_first_call_needs():
    h = host("value", reduce="sum")
    h.fn.prepare()
    built = list(h.layouts)
    h.settled(h.fn(points(5)[0], a=A, b=B))
    assert h.layouts == built == [Layout("first", ("parameters",))]


WRONG = [
    (lambda h, x: h.fn(x.float(), a=A, b=B), DtypeError, r"X has dtype float32.*torch\.float64"),
    (lambda h, x: h.fn(x.int(), a=A, b=B), DtypeError, "X has dtype int32"),
    (lambda h, x: h.fn(x[:, :2], a=A, b=B), ShapeError, r"X has shape \(5, 2\); \(\*batch, 3\)"),
    (lambda h, x: h.fn(x[0, 0], a=A, b=B), ShapeError, r"X has shape \(\)"),
    (lambda h, x: h.fn(x, x, a=A, b=B), ArgumentError, "2 arrays given; give one of shape"),
    (lambda h, x: h.fn(x[:, 0], x[:3, 1], 1.0, a=A, b=B), ShapeError, "do not broadcast"),
    (lambda h, x: h.fn(x=x[:, 0], a=A, b=B), ArgumentError, "input 'y' is missing"),
    (lambda h, x: h.fn(x, a=A), ArgumentError, "parameter 'b' is missing; pass b="),
    (lambda h, x: h.fn(x, a=A, b=B, c=1), ArgumentError, "'c' is no parameter; the parameters"),
    (lambda h, x: h.fn(x, a=A, b=B, x=1), ArgumentError, "no parameter and once by position"),
    (
        lambda h, x: h.fn(x, a=torch.ones(4).double(), b=B),
        ShapeError,
        r"parameter 'a' has shape \(4,\); give one number",
    ),
    (lambda h, x: h.fn(x, a=np.ones(5), b=B), ArgumentError, "'a' of shape .* is on the host"),
    (lambda h, x: h.fn(x[:, 0], np.ones(5), 1, a=A, b=B), ArgumentError, "'y' .* on the host"),
    (lambda h, x: h.fn(x, a="one", b=B), DtypeError, "parameter 'a' has dtype"),
    (
        lambda h, x: h.fn(x, parameters=torch.ones(3).double()),
        ShapeError,
        r"parameters has shape \(3,\)",
    ),
    (
        lambda h, x: h.fn(x, parameters=torch.ones(2).double(), a=1.0),
        ArgumentError,
        "'a' is given twice",
    ),
    (lambda h, x: h.fn(x, parameters={"a": A}, a=1.0, b=B), ArgumentError, "'a' is given twice"),
    (lambda h, x: h.fn(x, a=A, b=B, tangent=x), ArgumentError, "tangent= is given, but no result"),
    (lambda h, x: h.fn(x, a=A, b=B, accumulate=True), ArgumentError, "accumulate=True adds into"),
    (lambda h, x: h.fn(x, a=A, b=B, devices=[0]), ArgumentError, "devices= is for arrays of the"),
    (lambda h, x: h.fn(x, a=A, b=B, workers=2), ArgumentError, "workers= is for arrays of the"),
    (lambda h, x: h.fn(x, a=A, b=B, on_chunk=print), ArgumentError, "on_chunk= is for arrays"),
    (lambda h, x: h.fn(x, a=A, b=B, executor=1), ArgumentError, "executor= is for target='cpu'"),
    (lambda h, x: h.fn(x, a=A, b=B, stream="0"), ArgumentError, "stream='0' is no stream"),
    (
        lambda h, x: h.fn(x.clone().requires_grad_(), a=A, b=B),
        ArgumentError,
        r"X requires grad.*\.detach\(\)",
    ),
    (lambda h, x: h.fn(x.to_sparse(), a=A, b=B), ArgumentError, r"layout torch.sparse_coo"),
    (
        lambda h, x: h.fn(x, a=A, b=B, out=torch.ones(4).double()),
        ShapeError,
        r"out for 'value' has shape \(4,\); \(5,\) is needed",
    ),
    (
        lambda h, x: h.fn(x, a=A, b=B, out=torch.ones(5)),
        DtypeError,
        "out for 'value' has dtype float32",
    ),
    (
        lambda h, x: h.fn(x, a=A, b=B, out=torch.ones(10).double()[::2]),
        ArgumentError,
        r"out for 'value' has gaps \(strides \(16,\)",
    ),
    (lambda h, x: h.fn(x, a=A, b=B, out=np.ones(5)), ArgumentError, "'value' is a ndarray on the"),
    (lambda h, x: h.fn(x, a=A, b=B, out=x.ravel()[:5]), ArgumentError, "'value' overlaps"),
    (lambda h, x: h.fn(x, a=A, b=B, out={"v": x}), ArgumentError, "out has v; value is needed"),
    (
        lambda h, x: h.fn(
            x, a=A, b=B, out=h.array(np.ones(5), data=(h.device.memories[0].ctypes.data, True))
        ),
        DtypeError,
        r"out for 'value' cannot be written \(Plain, read-only\)",
    ),
    (
        lambda h, x: h.fn(h.array(np.ones((5, 3)), mask=1), a=A, b=B),
        ArgumentError,
        "X has a mask",
    ),
    (
        lambda h, x: h.fn(h.array(np.ones((5, 3)), data=(64, False)), a=A, b=B),
        DeviceError,
        "the memory of Plain is of no GPU",
    ),
    (lambda h, x: h.fn(x.numpy(), a=torch.tensor(A), b=B), ArgumentError, "'a' is on a device"),
    (lambda h, x: h.fn(x.numpy(), parameters={"a": x, "b": B}), ArgumentError, "'a' is on a dev"),
    (lambda h, x: h.fn(x.numpy(), a=A, b=B, out=x), ArgumentError, "out is on a device, and the"),
    (
        lambda h, x: h.fn(x.numpy(), a=A, b=B, out={"value": x}),
        ArgumentError,
        r"out\['value'\] is on a device",
    ),
    (lambda h, x: h.fn(x.numpy(), a=A, b=B, stream=1), ArgumentError, "stream= is for arrays on"),
]


@pytest.mark.parametrize(("call", "error", "message"), WRONG)
def test_mistakes_name_the_thing_and_the_cure(call, error, message):
    h = host("value")
    h.array(np.ones(5))
    with pytest.raises(error, match=message):
        call(h, points(5)[0])
    assert h.device.launches == []


def test_a_seed_that_is_needed_and_one_on_the_host():
    h = host("jvp", groups=("inputs", "parameters", "tangent"))
    x, _ = points(5)
    with pytest.raises(ArgumentError, match=r"tangent= is missing; its shape is \(\*batch, \*"):
        h.fn(x, a=A, b=B)
    with pytest.raises(ShapeError, match=r"tangent has shape \(4, 3\); \(5, 3\) is needed"):
        h.fn(x, a=A, b=B, tangent=torch.ones(4, 3).double())
    with pytest.raises(ArgumentError, match=r"tangent of shape .* is on the host"):
        h.fn(x, a=A, b=B, tangent=np.ones((5, 3)))
    with pytest.raises(DtypeError, match="tangent has dtype complex128"):
        h.fn(x, a=A, b=B, tangent=np.ones(3, complex))


def test_a_function_without_parameters_takes_none():
    h = host("jvp", groups=("inputs", "tangent"))
    with pytest.raises(ArgumentError, match="'a' is no parameter; the parameters are: none"):
        h.fn(points(5)[0], a=1.0, tangent=np.ones(3))


def test_no_gradient_is_lost_where_autograd_is_off():
    h = host("value")
    x, columns = points(5)
    with torch.no_grad():
        found = h.settled(h.fn(x.clone().requires_grad_(), a=A, b=B))
    assert same(found, h.expected("value", columns))


def test_a_negated_view_is_resolved():
    h = host("value")
    x, columns = points(5)
    flipped = torch._neg_view(-x)
    assert flipped.is_neg()
    assert same(h.settled(h.fn(flipped, a=A, b=B)), h.expected("value", columns))


@pytest.mark.parametrize(
    ("stream", "handle"),
    [
        (0, 1),
        (77, 77),
        (SimpleNamespace(__cuda_stream__=lambda: (0, 12)), 12),
        (SimpleNamespace(cuda_stream=5), 5),
        (SimpleNamespace(ptr=0), 1),
        (SimpleNamespace(handle=SimpleNamespace(value=9)), 9),
        (SimpleNamespace(handle=SimpleNamespace(value=None)), 1),
    ],
)
def test_streams_of_every_library_have_a_handle(stream, handle):
    assert stream_handle(stream) == handle


@pytest.mark.parametrize("stream", [True, 1.5, object()])
def test_what_is_no_stream_is_refused(stream):
    with pytest.raises(ArgumentError, match="is no stream"):
        stream_handle(stream)


@pytest.mark.skipif(Machine().count() > 0, reason="there is a GPU here")
def test_a_machine_without_a_gpu_says_what_is_missing():
    h = host("value")
    fn = CudaFunction(h.code, h.signature, RECIPE, lambda: None, lambda t: None, lambda *a: None)
    for call in (lambda: fn(points(5)[0], a=A, b=B), lambda: fn([[1.0, 2.0, 3.0]], a=A, b=B)):
        with pytest.raises(DeviceError, match=r"cuda-core|driver|GPU"):
            call()
    with pytest.raises(DeviceError, match=r"cuda-core|driver|GPU"):
        fn.prepare()
    assert fn.binaries()[0].arch == "sm_90"


def test_it_is_a_compiled_function():
    assert isinstance(host("value").fn, CudaFunction)
    assert repr(host("value").fn) == "<symgrad function (x, y, z; a, b) -> value[], float64, cuda>"
