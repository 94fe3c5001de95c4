"""Calls of functions for GPUs, from formula to array: kernels compiled by g++, on host devices."""

from __future__ import annotations

import threading
from itertools import count

import numpy as np
import pytest

import symgrad as sg
from symgrad.cuda import Code
from symgrad.emit.cuda.source import totals_source
from symgrad.options import Options
from symgrad.runtime.cuda.binary import Binary
from symgrad.runtime.cuda.function import CudaFunction
from symgrad.runtime.cuda.launch import CudaCode
from tests.emit.cuda.shim import COMPILER, REASON, compile_host, compile_hosts
from tests.runtime.cuda import host

pytestmark = pytest.mark.skipif(COMPILER is None, reason=REASON)

ONE_AT_A_TIME = threading.Lock()
"""A kernel of the shim knows one block at a time."""

numbers = count()


def loadable(kernel, launch) -> Binary:
    """A kernel as a host device loads it."""
    code = f"compiled {next(numbers)}".encode()

    def run(blocks, threads, arguments):
        with ONE_AT_A_TIME:
            launch(blocks, threads, arguments)

    host.kernels[code] = run
    return Binary(
        *(kernel.name, code, "sm_90", kernel.threads, kernel.points, kernel.block, 0, 0, 0, "")
    )


def on_host(cpu, devices=1):
    """The same function on devices of the host, and those devices."""
    signature = cpu.signature
    known = {"dtype": signature.dtype, "batch_axis": signature.batch_axis, "sparse": False}
    reduce = None
    if signature.reduction is not None:
        reduce = "mean" if signature.reduction.mean else "sum"
    options = Options(**known, reduce=reduce, target="cuda", engine="nvrtc")
    made = Code(cpu.program, options, "nvrtc")

    def build(layout, arch):
        kernels = made.kernels(layout)
        return [loadable(*pair) for pair in zip(kernels, compile_hosts(kernels), strict=True)]

    def totals(arch, accumulate):
        kernel = totals_source(signature.dtype, accumulate=accumulate)
        return loadable(kernel, compile_host(kernel))

    code = CudaCode(build, "nvrtc", made.ptx, made.device_function, totals)
    machine = host.HostMachine(devices)
    described = (signature, cpu.recipe, lambda: cpu.details, lambda text: cpu, lambda *a: None)
    return CudaFunction(code, *described, machine=machine), machine


SYSTEM = ["a*x*y + sin(z)", "exp(x)*z/b", "sqrt(x + y*z)"]
A, B = 1.5, 0.75


def points(size, axis, dtype):
    values = np.random.default_rng(3).uniform(0.5, 1.5, (size, 3)).astype(dtype)
    return values if axis == 0 else values.T.copy()


def close(found, expected, dtype):
    tolerance = 1e-13 if dtype == "float64" else 2e-5
    assert found.shape == expected.shape
    assert found.dtype == dtype
    return np.allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("axis", [0, -1])
def test_every_way_in_and_out(axis, dtype):
    cpu = sg.compile(
        SYSTEM, "x y z", ["value", "jacobian"], parameters="a b", batch_axis=axis, dtype=dtype
    )
    fn, machine = on_host(cpu, devices=2)
    for size in (1, 31, 100):
        x = points(size, axis, dtype)
        expected = cpu(x, a=A, b=B)
        mine = host.Plain(machine.devices[0], x)
        row = host.Plain(machine.devices[0], np.array([A, B], dtype))
        along = np.stack([np.linspace(1, 2, size), np.full(size, B)], -1 if axis == 0 else 0)
        varied = cpu(x, parameters=along.astype(dtype))
        for name in ("value", "jacobian"):
            assert close(fn(mine, a=A, b=B)[name].numpy(), expected[name], dtype)
            assert close(fn(mine, parameters=row)[name].numpy(), expected[name], dtype)
            assert close(fn(x, a=A, b=B)[name], expected[name], dtype)
            assert close(fn(x, a=A, b=B, devices="all")[name], expected[name], dtype)
            assert close(fn(x, parameters=along)[name], varied[name], dtype)
        out = {
            name: host.Plain(machine.devices[0], np.ones_like(array))
            for name, array in expected.as_dict().items()
        }
        fn(mine, a=A, b=B, out=out, accumulate=True)
        machine.settle()
        for name, array in out.items():
            assert close(array.read(), 1 + expected[name], dtype)


@pytest.mark.parametrize("axis", [0, -1])
@pytest.mark.parametrize("reduce", ["sum", "mean"])
def test_sums(axis, reduce):
    cpu = sg.compile(
        "a*x*y + sin(z)*b",
        "x y z",
        ["value", "gradient", "hessian"],
        parameters="a b",
        batch_axis=axis,
        reduce=reduce,
    )
    fn, machine = on_host(cpu, devices=2)
    for size in (1, 5000):
        x = points(size, axis, "float64")
        expected = cpu(x, a=A, b=B)
        found = fn(host.Plain(machine.devices[0], x), a=A, b=B)
        for name in ("value", "gradient", "hessian"):
            array = found[name].numpy()
            assert close(array, np.asarray(expected[name]), "float64")
            for devices in ([0], [1, 0]):
                assert np.array_equal(fn(x, a=A, b=B, devices=devices)[name], array)
        out = {
            name: host.Plain(machine.devices[0], np.ones_like(array))
            for name, array in expected.as_dict().items()
        }
        fn(host.Plain(machine.devices[0], x), a=A, b=B, out=out, accumulate=True)
        machine.settle()
        for name, array in out.items():
            assert close(array.read(), 1 + np.asarray(expected[name]), "float64")


@pytest.mark.parametrize("axis", [0, -1])
def test_directions(axis):
    cpu = sg.compile(SYSTEM, "x y z", ["jvp", "vjp"], parameters="a b", batch_axis=axis)
    fn, machine = on_host(cpu)
    x = points(40, axis, "float64")
    seeds = {"tangent": np.array([1.0, -2.0, 0.5]), "cotangent": np.array([0.5, 1.0, -1.0])}
    whole = {name: np.ascontiguousarray(x[::-1] * 2) for name in seeds}
    for given in (seeds, whole):
        expected = cpu(x, a=A, b=B, **given)
        placed = {name: host.Plain(machine.devices[0], v) for name, v in given.items()}
        found = fn(host.Plain(machine.devices[0], x), a=A, b=B, **placed)
        again = fn(x, a=A, b=B, **given)
        for name in ("jvp", "vjp"):
            assert close(found[name].numpy(), expected[name], "float64")
            assert close(again[name], expected[name], "float64")
