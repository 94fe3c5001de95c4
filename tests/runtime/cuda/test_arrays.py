"""Arrays on a device: strides, gaps, arrays of our own, copies with steps."""

from __future__ import annotations

import numpy as np
import pytest

from symgrad.errors import ArgumentError
from symgrad.runtime.cuda.accelerator import LEGACY
from symgrad.runtime.cuda.arrays import (
    Seen,
    copied,
    own_array,
    packed_strides,
    seen_own,
    uploaded,
)
from symgrad.runtime.cuda.libraries import Foreign
from tests.runtime.cuda.host import HostDevice, HostMachine, Plain

FOREIGN = Foreign()


def seen(array: np.ndarray) -> Seen:
    """What an array of the host would be on a device."""
    return Seen(array, FOREIGN, array.ctypes.data, array.shape, array.strides, str(array.dtype), 0)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (4, 1, 5), (0, 3)])
def test_packed_strides_are_those_of_numpy(shape):
    if 0 not in shape:
        assert packed_strides(shape, 8) == np.empty(shape).strides
    assert len(packed_strides(shape, 8)) == len(shape)


@pytest.mark.parametrize(
    ("array", "contiguous"),
    [
        (np.empty(()), True),
        (np.empty((2, 3)), True),
        (np.empty((2, 3)).T, False),
        (np.empty((4, 3))[::2], False),
        (np.empty((4, 3))[:, :1], False),
        (np.empty((1, 3))[:, ::-1], False),
        (np.empty((9, 3))[4:5], True),
        (np.empty((3, 0)), True),
        (np.empty((3, 1)).T, True),
    ],
)
def test_an_array_is_contiguous_where_its_entries_have_no_gaps(array, contiguous):
    assert seen(array).contiguous is contiguous
    assert contiguous == array.flags.c_contiguous


def test_an_array_of_our_own_has_both_protocols():
    device = HostDevice(0)
    values = np.arange(6.0).reshape(2, 3)
    made = uploaded(values, 7, device)
    made.memory.after.append(device.record(7))
    assert (made.ndim, made.size, made.nbytes, len(made)) == (2, 6, 48, 2)
    assert made.__cuda_array_interface__ == {
        "shape": (2, 3),
        "typestr": "<f8",
        "data": (made.memory.address, False),
        "strides": None,
        "stream": 7,
        "version": 3,
    }
    assert made.__dlpack_device__() == (1, 0)
    assert np.array_equal(np.from_dlpack(made), values)
    assert np.array_equal(made.numpy(), values)
    assert repr(made) == "DeviceArray of shape (2, 3), float64, on a host"


def test_an_array_without_axes_has_no_length():
    made = uploaded(np.array(2.5), LEGACY, HostDevice(0))
    assert made.numpy() == 2.5
    with pytest.raises(TypeError, match="no length"):
        len(made)


def test_whoever_takes_it_by_dlpack_waits_for_the_stream_that_fills_it():
    device = HostDevice(0)
    made = own_array((3,), np.dtype(float), 7, device)
    event = device.record(7)
    made.memory.after.append(event)
    made.__dlpack__(stream=55)
    made.__dlpack__(stream=None)
    assert device.waits == [(55, event), (LEGACY, event)]
    made.__dlpack__(stream=-1)
    assert len(device.waits) == 2


def test_memory_is_given_back_after_its_events_and_not_before():
    device = HostDevice(0)
    made = own_array((3,), np.dtype(float), 7, device)
    ran = []
    device.put(7, lambda: ran.append(True))
    made.memory.after.append(device.record(7))
    (held,) = device.memories
    held[...] = 1
    del made
    assert ran == [True]
    assert (held == 0xFF).all()


def test_an_empty_array_has_no_address_and_no_copy():
    device = HostDevice(0)
    made = uploaded(np.empty((0, 3)), LEGACY, device)
    assert made.__cuda_array_interface__["data"] == (0, False)
    assert made.numpy().shape == (0, 3)


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a,
        lambda a: a.T,
        lambda a: a[::2],
        lambda a: a[:, ::2],
        lambda a: a[1:2, 1:2],
        lambda a: a.reshape(4, 3, 2).transpose(2, 0, 1),
        lambda a: a.reshape(4, 3, 2)[:, :, :1],
        lambda a: a[:0],
    ],
)
def test_copies_follow_any_steps(view):
    device = HostDevice(0)
    array = view(np.arange(24.0).reshape(4, 6))
    made = own_array(array.shape, array.dtype, LEGACY, device)
    copied("X", seen(array), made.memory.address, packed_strides(array.shape, 8), LEGACY, device)
    assert np.array_equal(made.numpy(), array)


def test_a_copy_of_too_many_runs_is_refused():
    array = np.zeros((300, 300, 300), np.float32)[::2, ::2, ::2]
    with pytest.raises(ArgumentError, match=r"X of shape .* contiguous copy of the ndarray"):
        copied("X", seen(array), 0, packed_strides(array.shape, 4), LEGACY, HostDevice(0))


@pytest.mark.parametrize("array", [np.zeros(5)[::-1], np.broadcast_to(np.zeros(1), (5,))])
def test_a_copy_with_no_forward_step_is_refused(array):
    with pytest.raises(ArgumentError, match="cannot follow"):
        copied("X", seen(array), 0, (8,), LEGACY, HostDevice(0))


def test_our_own_arrays_are_seen_without_a_question():
    device = HostDevice(1)
    made = own_array((2, 3), np.dtype(np.float32), LEGACY, device)
    found = seen_own(made, FOREIGN)
    assert found.address == made.memory.address
    assert (found.strides, found.dtype, found.device) == ((12, 4), "float32", 1)
    assert found.contiguous


def test_the_interface_of_an_array_gives_what_it_is():
    machine = HostMachine(2)
    plain = Plain(machine.devices[1], np.arange(6.0).reshape(2, 3).T, stream=9)
    found = FOREIGN.see("X", plain, LEGACY, machine)
    assert (found.shape, found.strides, found.dtype) == ((3, 2), (8, 24), "float64")
    assert (found.device, found.stream, found.writable) == (1, 9, True)
