"""Calls whose points are on a device: results, sums, streams, and arrays that outlive a call."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from symgrad.errors import ArgumentError, DeviceError, DtypeError, LimitError
from symgrad.runtime.cuda.arrays import uploaded
from symgrad.runtime.cuda.call import IN_FLIGHT, extent
from symgrad.runtime.cuda.libraries import Foreign
from tests.runtime.cuda.host import STREAM
from tests.runtime.cuda.hosted import AXES, A, B, host, points, same

torch = pytest.importorskip("torch")


@AXES
@pytest.mark.parametrize("direct", [True, False])
@pytest.mark.parametrize("accumulate", [False, True])
def test_out_is_filled_and_handed_back(axis, direct, accumulate):
    h = host("value", "gradient", axis=axis)
    x, columns = points(6, axis=axis)
    more = {"a": A, "b": B} if direct else {"parameters": {"a": A, "b": B}}
    out = {
        "value": torch.ones(6, dtype=torch.float64),
        "gradient": torch.ones(x.shape, dtype=torch.float64),
    }
    result = h.settled(h.fn(x, out=out, accumulate=accumulate, **more))
    again = h.settled(h.fn(x, out=result, accumulate=accumulate, **more))
    for name in out:
        assert result[name] is out[name]
        assert again[name] is out[name]
        expected = h.expected(name, columns)
        assert same(out[name], 1 + 2 * expected if accumulate else expected)
    assert h.torch.made == []


@AXES
def test_out_of_no_library_is_filled(axis):
    h = host("gradient", axis=axis)
    x, columns = points(6, axis=axis)
    out = h.array(np.full(x.shape, 5.0))
    assert h.settled(h.fn(h.array(x.numpy()), a=A, b=B, out=out, accumulate=True)) is out
    assert same(out.read(), 5 + h.expected("gradient", columns))


def test_an_array_of_our_own_waits_for_the_stream_that_filled_it():
    """Its own stream is what readers know; another one may have been named for the call."""
    h = host("value")
    x, columns = points(6)
    out = uploaded(np.zeros(6), 21, h.device)
    assert h.fn(h.array(x.numpy()), a=A, b=B, out=out, stream=31) is out
    assert same(out, h.expected("value", columns))


@AXES
@pytest.mark.parametrize("reduce", ["sum", "mean"])
@pytest.mark.parametrize("count", [1, 4, 5, 23])
def test_points_are_summed_in_two_steps(axis, reduce, count):
    h = host("value", "gradient", "hessian", axis=axis, reduce=reduce)
    x, columns = points(count, axis=axis)
    mean = count if reduce == "mean" else 1
    result = h.settled(h.fn(x, a=A, b=B))
    plain = h.fn(h.array(x.numpy()), a=A, b=B)
    along = 0 if axis == 0 else -1
    for name in ("value", "gradient", "hessian"):
        expected = h.expected(name, columns).sum(axis=along) / mean
        assert same(result[name], expected)
        assert same(plain[name], expected)


def test_sums_are_added_to_out():
    h = host("gradient", reduce="sum")
    x, columns = points(9)
    out = torch.ones(3, dtype=torch.float64)
    assert h.settled(h.fn(x, a=A, b=B, out=out, accumulate=True)) is out
    assert same(out, 1 + h.expected("gradient", columns).sum(0))
    h.settled(h.fn(x, a=A, b=B, out=out))
    assert same(out, h.expected("gradient", columns).sum(0))


@pytest.mark.parametrize(("reduce", "nothing"), [("sum", 0.0), ("mean", np.nan)])
def test_the_sum_over_no_points(reduce, nothing):
    h = host("gradient", reduce=reduce)
    found = h.settled(h.fn(torch.empty((0, 3), dtype=torch.float64), a=A, b=B))
    assert np.array_equal(found.numpy(), np.full(3, nothing), equal_nan=True)
    host_found = h.fn(np.empty((0, 3)), a=A, b=B)
    assert np.array_equal(host_found, np.full(3, nothing), equal_nan=True)


@AXES
def test_sparse_results_are_values_on_a_pattern(axis):
    h = host("hessian", axis=axis, sparse=True)
    x, columns = points(5, axis=axis)
    found = h.settled(h.fn(x, a=A, b=B))
    assert found.shape == ((5, 2) if axis == 0 else (2, 5))
    dense = h.fn.to_dense("hessian", found.numpy())
    assert same(dense, h.expected("hessian", columns))


@AXES
@pytest.mark.parametrize("shape", [(0, 3), (2, 0, 3)])
def test_no_points_launch_nothing(axis, shape):
    h = host("value", "gradient", axis=axis)
    shape = shape if axis == 0 else (3, *shape[:-1])
    batch = shape[:-1] if axis == 0 else shape[1:]
    for array in (torch.empty(shape, dtype=torch.float64), h.array(np.empty(shape))):
        result = h.fn(array, a=A, b=B)
        assert tuple(result.value.shape) == batch
    assert h.device.launches == []


def test_all_parts_of_a_giant_get_the_same_arguments():
    h = host("value", parts=3)
    x, columns = points(5)
    assert same(h.settled(h.fn(x, a=A, b=B)), h.expected("value", columns))
    assert len(h.device.launches) == 3
    assert len({str(launch) for launch in h.device.launches}) == 1


@pytest.mark.parametrize("library", ["torch", "none"])
def test_work_goes_to_the_librarys_stream_or_the_one_that_is_named(library):
    h = host("value")
    x, columns = points(5)
    given = x if library == "torch" else h.array(x.numpy(), stream=STREAM)
    h.settled(h.fn(given, a=A, b=B))
    found = h.settled(h.fn(given, a=A, b=B, stream=SimpleNamespace(cuda_stream=31)))
    assert [stream for _, stream, _ in h.device.launches] == [STREAM, 31]
    assert same(found, h.expected("value", columns))
    if library == "torch":
        assert h.torch.entered[-1] == 31
    else:
        # The interface's stream comes first, as its third version asks.
        assert h.device.waits[-1][0] == 31


def test_an_array_of_another_library_is_waited_for():
    h = host("value")
    x, columns = points(5)
    late = h.array(np.zeros(5), stream=44)
    values = np.linspace(1, 2, 5)
    h.device.upload(late.memory.address, values, 44)
    found = h.settled(h.fn(x, a=late, b=torch.ones(5, dtype=torch.float64)))
    assert same(found, h.expected("value", {**columns, "a": values, "b": 1.0}))


def test_foreign_arrays_live_until_the_device_is_done():
    h = host("value")
    x, columns = points(5)
    found = h.fn(h.array(x.numpy()), a=A, b=B)  # nobody else refers to the points
    for _ in range(3):
        h.fn(h.array(x.numpy()), a=A, b=B)
    assert same(found, h.expected("value", columns))


def test_so_many_calls_in_flight_wait_for_the_first():
    h = host("value")
    x, _ = points(5)
    for _ in range(IN_FLIGHT + 5):
        h.fn(h.array(x.numpy()), a=A, b=B)
    assert h.device.queue(1).run > 0


def test_results_come_from_the_library_of_the_points():
    h = host("value")
    x, _ = points(5)
    found = h.settled(h.fn(x, parameters=h.array(np.array([A, B]))))
    assert type(found) is torch.Tensor


def test_jax_gives_jax():
    jax = pytest.importorskip("jax")
    h = host("gradient", dtype="float32")
    x, columns = points(6)
    given = jax.numpy.asarray(x.numpy(), dtype="float32")
    found = h.fn(given, a=A, b=B)
    assert isinstance(found, jax.Array)
    assert np.allclose(found, h.expected("gradient", columns), rtol=1e-6)
    separate = h.fn(*[given[:, i] for i in range(3)], a=given[:, 0] * 0 + A, b=B)
    assert np.allclose(separate, h.expected("gradient", columns), rtol=1e-6)
    with pytest.raises(ArgumentError, match=r"inside jax\.jit"):
        jax.jit(lambda v: h.fn(v, a=A, b=B))(given)
    with pytest.raises(DtypeError, match="cannot be written"):
        h.fn(given, a=A, b=B, out=given + 0)


def test_arrays_on_two_devices_are_refused():
    h = host("value", devices=2)
    x, _ = points(5)
    other = torch.ones(5, dtype=torch.float64)
    h.torch.places[id(other)] = 1
    with pytest.raises(DeviceError, match="parameter 'a' is on GPU 1, and the points are on GPU 0"):
        h.fn(x, a=other, b=B)
    with pytest.raises(DeviceError, match="out for 'value' is on GPU 1"):
        h.fn(x, a=A, b=B, out=other)


def test_points_on_the_second_device_are_computed_there():
    h = host("value", devices=2)
    x, columns = points(5)
    h.torch.places[id(x)] = 1
    found = h.settled(h.fn(x, a=A, b=B))
    assert same(found, h.expected("value", columns))
    assert [len(device.launches) for device in h.machine.devices] == [0, 1]


def test_results_that_do_not_fit_say_how_large_they_are():
    h = host("hessian", limit=500)
    with pytest.raises(LimitError, match=r"'hessian' of shape \(9, 3, 3\) needs 648 bytes"):
        h.fn(h.array(points(9)[0].numpy()), a=A, b=B)


def test_the_extent_of_an_array_with_steps():
    h = host("value")
    plain = h.array(np.arange(12.0).reshape(4, 3)[::-1, ::2])
    found = Foreign().see("X", plain, 1, h.machine)
    low, high = extent(found)
    assert (found.address - low, high - found.address) == (72, 24)


def test_whoever_takes_a_result_by_dlpack_waits_for_the_kernel():
    h = host("value")
    x, columns = points(5)
    found = h.fn(h.array(x.numpy(), stream=STREAM), a=A, b=B)
    (event,) = found.memory.after
    assert not event.done
    h.device.waits.clear()
    array = np.from_dlpack(found)
    assert h.device.waits == [(1, event)]
    assert same(array, h.expected("value", columns))
