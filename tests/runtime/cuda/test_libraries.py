"""Libraries of device arrays: what their arrays are, new ones, copies, and the right stream."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

from symgrad.errors import ArgumentError
from symgrad.runtime.cuda.accelerator import LEGACY
from symgrad.runtime.cuda.arrays import DeviceArray
from symgrad.runtime.cuda.libraries import LIBRARIES, Cupy, Foreign, Jax, Torch, library_of
from tests.runtime.cuda.host import STREAM, HostMachine, Plain
from tests.runtime.cuda.hosted import host


class Pointer:
    """An array of NumPy's that names its memory as CuPy's do."""

    def __init__(self, array):
        self.array = array
        self.shape, self.strides, self.dtype = array.shape, array.strides, array.dtype
        self.data = SimpleNamespace(ptr=array.ctypes.data)
        self.device = SimpleNamespace(id=0)


@pytest.fixture(params=[13, 14])
def cupy(monkeypatch, request):
    """A library with CuPy's names, on the host, which notes where it works.

    From version 14 on it has a new name for streams of others, and warns of the old one.
    """
    entered, kept = [], []

    def entering(what):
        @contextmanager
        def enter(value):
            entered.append((what, value))
            yield

        return enter

    def made(array):
        # Its allocator reuses memory in the order of a stream; here it is kept for good.
        kept.append(Pointer(np.array(array)))
        return kept[-1]

    def raw(value):
        return value.array if isinstance(value, Pointer) else value

    cuda = SimpleNamespace(
        Device=entering("device"),
        Stream=SimpleNamespace(),
        get_current_stream=lambda index: SimpleNamespace(ptr=STREAM),
    )
    if request.param < 14:
        cuda.ExternalStream = entering("stream")
    else:
        cuda.Stream.from_external = lambda value: entering("stream")(value.__cuda_stream__()[1])
    module = SimpleNamespace(
        ndarray=Pointer,
        cuda=cuda,
        empty=lambda shape, dtype: made(np.full(shape, np.nan, dtype)),
        full=lambda shape, value, dtype: made(np.full(shape, value, dtype)),
        asarray=lambda value: value,
        broadcast_to=lambda value, shape: made(np.broadcast_to(raw(value), shape)),
        stack=lambda values, axis: made(np.stack([raw(value) for value in values], axis)),
        ascontiguousarray=lambda value: made(np.ascontiguousarray(raw(value))),
        entered=entered,
        make=made,
    )
    monkeypatch.setitem(sys.modules, "cupy", module)
    return module


@pytest.mark.parametrize("axis", [0, -1])
def test_cupy_gives_cupy(cupy, axis):
    h = host("gradient", axis=axis)
    values = np.random.default_rng(0).uniform(size=(6, 3) if axis == 0 else (3, 6))
    columns = dict(zip("xyz", values.T if axis == 0 else values, strict=True))
    expected = h.expected("gradient", {**columns, "a": 2.0, "b": 0.5})
    x = cupy.make(values)
    found = h.settled(h.fn(x, a=2.0, b=0.5))
    assert type(found) is Pointer
    assert np.allclose(found.array, expected)
    assert cupy.entered == [("device", 0)]
    assert h.device.launches[-1][1] == STREAM
    separate = [cupy.make(column) for column in columns.values()]
    found = h.settled(h.fn(*separate, a=2.0, b=0.5, stream=31))
    assert np.allclose(found.array, expected)
    assert set(cupy.entered[1:]) == {("device", 0), ("stream", 31)}
    turned = Pointer(np.asfortranarray(values))
    assert np.allclose(h.settled(h.fn(turned, a=2.0, b=0.5)).array, expected)
    out = cupy.make(np.empty(values.shape))
    assert h.settled(h.fn(x, a=2.0, b=0.5, out=out)) is out
    assert np.allclose(out.array, expected)


def test_an_array_of_cupys_stream_is_waited_for(cupy):
    torch = pytest.importorskip("torch")
    h = host("value")
    h.torch.current = lambda index: 99
    x = torch.ones(4, 3, dtype=torch.float64)
    parameters = cupy.make([1.0, 1.0])
    found = h.settled(h.fn(x, parameters=parameters))
    assert np.allclose(found.numpy(), 1 + np.sin(1.0))
    assert [stream for stream, _ in h.device.waits] == [99]


def test_whose_array_it_is():
    machine = HostMachine()
    plain = Plain(machine.devices[0], np.ones(3))
    assert isinstance(library_of(plain, LIBRARIES), Foreign)
    for value in (np.ones(3), 1.0, 2, [1.0], (1.0,), None, "x", np.float32(1), np.ones(3).data):
        assert library_of(value, LIBRARIES) is None


def test_arrays_of_libraries_on_the_host_are_the_hosts():
    torch = pytest.importorskip("torch")
    assert library_of(torch.ones(3), LIBRARIES) is None
    jax = pytest.importorskip("jax")
    assert library_of(jax.numpy.ones(3), LIBRARIES) is None


@pytest.mark.parametrize("library", [Torch(), Cupy(), Jax()])
def test_a_library_that_nobody_imported_holds_nothing(monkeypatch, library):
    monkeypatch.delitem(sys.modules, library.name, raising=False)
    assert not library.holds(object())


@pytest.mark.parametrize(
    ("kind", "holds"), [((2, 0), True), ((13, 0), True), ((1, 0), False), ((3, 0), False)]
)
def test_dlpack_names_the_device(kind, holds):
    value = SimpleNamespace(__dlpack_device__=lambda: kind)
    assert Foreign().holds(value) is holds


def test_pytorch_works_on_the_stream_that_is_asked_for(monkeypatch):
    torch = pytest.importorskip("torch")
    entered = []

    @contextmanager
    def on(stream):
        entered.append(stream)
        yield

    cuda = SimpleNamespace(
        current_stream=lambda index: SimpleNamespace(cuda_stream=0 if index else 12),
        stream=on,
        ExternalStream=lambda handle, device: (handle, device),
    )
    monkeypatch.setattr(torch, "cuda", cuda)
    library = Torch()
    assert library.current(1) == LEGACY
    with library.on(0, 12):
        pass
    assert entered == []
    with library.on(0, 13):
        pass
    assert entered == [(13, 0)]


def test_columns_of_no_library_are_copied_with_steps():
    machine = HostMachine()
    device, library = machine.devices[0], Foreign()
    table = np.arange(12.0).reshape(4, 3)
    seen = [library.see("x", Plain(device, table[:, place]), LEGACY, machine) for place in range(2)]
    for axis in (0, -1):
        made = library.stacked([seen[0], 7.5, seen[1]], (4,), axis, device, LEGACY)
        expected = np.stack([table[:, 0], np.full(4, 7.5), table[:, 1]], axis)
        assert type(made) is DeviceArray
        assert np.array_equal(made.numpy(), expected)
    made = library.packed("x", seen[1], LEGACY, device)
    assert np.array_equal(made.numpy(), table[:, 1])


def test_a_mask_is_refused():
    machine = HostMachine()
    plain = Plain(machine.devices[0], np.ones(3), mask=object())
    with pytest.raises(ArgumentError, match="x has a mask"):
        Foreign().see("x", plain, LEGACY, machine)


def test_dlpack_is_read_by_the_real_package():
    pytest.importorskip("cuda.core")
    array = np.arange(12.0).reshape(4, 3)[:, ::2]
    found = Foreign().imported("x", array, -1)
    assert (found.address, found.shape, found.strides) == (array.ctypes.data, (4, 2), (24, 16))
    assert (found.dtype, found.device, found.value is array) == ("float64", -1, True)
