"""Launches: arguments as a layout says, kernels built once, and the second step of sums."""

from __future__ import annotations

import ctypes
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from symgrad.errors import InvariantError
from symgrad.ir.layout import MOST_VALUES, Layout
from symgrad.runtime.cuda.accelerator import LEGACY
from symgrad.runtime.cuda.arrays import uploaded
from symgrad.runtime.cuda.launch import Kernels, Launcher, Totals
from tests.runtime.cuda.hosted import host


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_arguments_are_the_count_the_groups_and_the_results(dtype):
    h = host("value", "gradient", dtype=dtype)
    layout = Layout("first", ("parameters",))
    launcher = Launcher(h.signature, layout, h.code.build(layout, "sm_90"), h.device)
    launcher(33, 5, [(111, 3), (2.5, 0.5)], [222, 333])
    assert h.device.launches == [(2, 5, [33, 111, 3, 2.5, 0.5, 222, 333])]


def test_a_wrong_number_of_arguments_never_reaches_a_device():
    h = host("value")
    layout = Layout("first", (), ("parameters",))
    launcher = Launcher(h.signature, layout, h.code.build(layout, "sm_90"), h.device)
    launcher(1, 5, [(111, 3), (222,)], [333])
    with pytest.raises(InvariantError, match=r"6 arguments for a kernel of .*which has 5"):
        launcher(1, 5, [(111, 3), (222, 1)], [333])
    assert len(h.device.launches) == 1


def test_a_kernel_is_built_once_though_many_ask_at_a_time():
    h = host("value")

    def build(layout, arch):
        time.sleep(0.02)
        return h.code.build(layout, arch)

    kernels = Kernels(replace(h.code, build=build), h.signature)
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(kernels.launcher(Layout("first"), h.device)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(launcher) for launcher in found}) == 1
    assert h.layouts == [Layout("first")]


def test_every_device_loads_its_own():
    h = host("value", devices=2)
    kernels = Kernels(h.code, h.signature)
    first, second = (kernels.launcher(Layout("first"), d) for d in h.machine.devices)
    assert first is not second


@pytest.mark.parametrize(("axis", "points"), [(0, "first"), (-1, "last")])
def test_the_ordinary_layout_has_parameters_as_numbers(axis, points):
    h = host("value", axis=axis)
    assert Kernels(h.code, h.signature).ordinary == Layout(points, ("parameters",))
    none = replace(h.signature, parameters=())
    assert Kernels(h.code, none).ordinary == Layout(points)
    many = replace(h.signature, parameters=("p",) * (MOST_VALUES + 1))
    assert Kernels(h.code, many).ordinary == Layout(points)


def totals_of(h):
    return Totals(h.signature, h.code.totals("sm_90", False), h.device)


def test_sums_of_blocks_lie_one_result_after_the_other():
    h = host("value", "gradient", "hessian", reduce="sum")
    # The Hessian stores two entries of its pattern, not nine.
    assert totals_of(h).places(10) == (10 * (1 + 3 + 2), [0, 10, 40])


@pytest.mark.parametrize(("reduce", "factor"), [("sum", 1.0), ("mean", 0.25)])
def test_totals_are_added_up_and_spread_over_a_pattern(reduce, factor):
    h = host("hessian", reduce=reduce)
    totals = totals_of(h)
    sums = uploaded(np.array([[1.0, 2.0], [10.0, 20.0], [100.0, 200.0]]), LEGACY, h.device)
    made = uploaded(np.full((3, 3), 7.0), LEGACY, h.device)
    totals(3, 4, LEGACY, [sums.memory.address], [made.memory.address])
    expected = np.zeros((3, 3))
    expected[0, 1] = expected[1, 0] = 111 * factor
    expected[2, 2] = 222 * factor
    assert np.array_equal(made.numpy(), expected)
    ((blocks, stream, arguments),) = h.device.launches
    assert (blocks, stream) == (9, LEGACY)
    assert arguments[:3] == [3, 2, 9]
    assert arguments[-1] == factor


def test_the_factor_has_the_functions_dtype():
    h = host("value", reduce="mean", dtype="float32")
    seen = []
    launch = h.device.launch
    h.device.launch = lambda *a: seen.append(a[3][-1]) or launch(*a)
    h.fn(h.array(np.ones((3, 3), np.float32)), a=1.0, b=1.0)
    assert isinstance(seen[-1], ctypes.c_float)
    assert seen[-1].value == np.float32(1 / 3)
