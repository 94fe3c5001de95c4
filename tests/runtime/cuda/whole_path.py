"""The whole path of calls through the real packages, in a process whose driver is the stub.

``python -m tests.runtime.cuda.whole_path`` with ``libcuda.so.1`` and ``kernels.so`` made from
``stub_driver.c`` and ``stub_kernels.c``, in the folder that STUB and LD_LIBRARY_PATH name.
"""

from __future__ import annotations

import ctypes
import gc
import os
import threading

import numpy as np
import pytest
from cuda.core.utils import StridedMemoryView

from symgrad.errors import DeviceError, LimitError
from symgrad.ir.program import Group, Result
from symgrad.runtime.arguments import Signature
from symgrad.runtime.cuda.arrays import uploaded
from symgrad.runtime.cuda.binary import Binary
from symgrad.runtime.cuda.device import Machine
from symgrad.runtime.cuda.function import CudaFunction
from symgrad.runtime.cuda.launch import CudaCode
from tests.runtime.cuda.hosted import RECIPE

STUB = ctypes.CDLL("libcuda.so.1")
KERNELS = f"{os.environ['STUB']}/kernels.so".encode() + bytes(64)


class Only:
    """An array with DLPack alone."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **more):
        return self.array.__dlpack__(**more)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def make(dtype):
    """A function of x and y with a parameter a: x y + a."""
    groups = (Group("inputs", ("x", "y")), Group("parameters", ("a",)))
    names = ("x", "y")
    results = (Result("value", ()),)
    signature = Signature(names, ("a",), names, groups, results, (), dtype, 0, single=True)

    def build(layout, arch):
        name = f"separate_{dtype}" if layout.separate else f"of_{dtype}"
        return (Binary(name, KERNELS, "sm_90", 32, 32, 0, 0, 0, 0, ""),)

    code = CudaCode(build, "nvrtc", lambda *a: [], lambda: None)
    return CudaFunction(code, signature, RECIPE, lambda: None, lambda t: None, lambda *a: None)


def check(machine, dtype):
    """Every way in and out."""
    device, fn = machine.device(0), make(dtype)
    fn.prepare(1)
    x = np.random.default_rng(0).uniform(size=(300_000, 2)).astype(dtype)
    expected = x[:, 0] * x[:, 1] + np.dtype(dtype).type(0.5)
    assert np.array_equal(fn(x, a=0.5), expected)
    assert np.array_equal(fn(x, a=0.5, devices="all"), expected)
    mine = uploaded(x, 1, device)
    found = fn(mine, a=0.5)
    assert np.array_equal(found.numpy(), expected)
    view = StridedMemoryView.from_dlpack(found, 1)
    assert (view.ptr, view.device_id) == (found.memory.address, 0)
    assert (view.shape, view.dtype) == (x.shape[:1], x.dtype)
    assert np.array_equal(fn(Only(mine), a=0.5).numpy(), expected)
    columns = [uploaded(np.ascontiguousarray(column), 1, device) for column in x.T]
    assert np.array_equal(fn(*columns, a=0.5).numpy(), expected)
    out = uploaded(np.zeros(len(x), dtype), 1, device)
    assert fn(mine, a=0.5, out=out, stream=device.stream()) is out
    assert np.array_equal(out.numpy(), expected)
    out = uploaded(np.zeros(len(x), dtype), 1, device)
    thread = threading.Thread(target=lambda: fn(mine, a=0.5, out=out))
    thread.start()
    thread.join()
    assert np.array_equal(out.numpy(), expected)
    # A kernel launched in the device's own context, and in another one, which stays current.
    for current in (device, machine.device(1)):
        with current._here:
            depth = STUB.stub_depth()
            assert np.array_equal(fn(mine, a=0.5).numpy(), expected)
            assert STUB.stub_depth() == depth


def main():
    """All of it; the driver counts what lives."""
    machine = Machine()
    device = machine.device(0)
    assert (machine.count(), device.name, device.arch) == (2, "Stub 0", "sm_90")
    assert device.multiprocessors == 3
    assert machine.device(0) is device
    assert machine.owner(64) == -1
    for dtype in ("float64", "float32"):
        check(machine, dtype)
    gc.collect()
    assert (STUB.stub_live(), STUB.stub_depth()) == (0, 0)
    refused = Binary("sg", b"no machine code" + bytes(64), "sm_90", 32, 32, 0, 0, 0, 0, "")
    with pytest.raises(DeviceError, match="GPU 0 refuses machine code for sm_90"):
        device.load(refused)
    # One run, of an array without gaps: its step is as long as itself, beyond what steps may be.
    whole, source, target = 1 << 32, uploaded(np.arange(2.0), 1, device), device.allocate(16, 1)
    device.copy(target.address, whole, source.memory.address, whole, 16, 1, 1)
    with pytest.raises(LimitError, match="GPU 0: out of memory"):
        device.allocate(1 << 40, 1)


if __name__ == "__main__":
    main()
    print("all of it")  # noqa: T201 - for who started the process
