"""What parameters alone decide is computed once a call, and per vector where they vary."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

import symgrad as sg
from symgrad.emit.kernels.kernel import cpu_target, llvm_text

FORMULA = "a*exp(-b)*x + sin(a*b)*y/(1 + a**2)"
WANTED = ["value", "gradient", "hessian"]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("reduce", [None, "sum"])
def test_parameters_along_the_batch_give_the_bits_of_shared_ones(dtype, reduce):
    fn = sg.compile(
        FORMULA, "x y", WANTED, parameters="a b", wrt="x y a b", dtype=dtype, reduce=reduce
    )
    assert fn.program.shared
    rng = np.random.default_rng(3)
    for count in (1, 5, 64, 5003):
        points = rng.normal(size=(count, 2)).astype(dtype)
        along = {"a": np.full(count, 1.25, dtype), "b": np.full(count, 0.5, dtype)}
        shared = fn(points, a=1.25, b=0.5)
        for layout in (points, np.asfortranarray(points)):
            for one, other in zip(fn(layout, **along), shared, strict=True):
                np.testing.assert_array_equal(one, other)
    if reduce is None:
        varying = fn(points, a=np.linspace(1, 2, count), b=0.5)
        np.testing.assert_array_equal(varying.value[-1:], fn(points[-1:], a=2.0, b=0.5).value)


def test_the_shared_piece_is_called_before_the_loop_over_points():
    fn = sg.compile(FORMULA, "x y", "value", parameters="a b")
    target = cpu_target(fn.program, "float64", "high")
    for both in (False, True):
        text = llvm_text(fn.program, replace(target, past_cache_too=both))
        calls = re.findall(r'call .* @"sg\.piece(\d+)"', text)
        assert calls == ["0", "0", "1"], "once for the batch, and for vectors if parameters vary"


def test_programs_without_parameters_have_no_such_piece():
    fn = sg.compile("x*exp(-y)", "x y", "value")
    assert not fn.program.shared
    text = llvm_text(fn.program, cpu_target(fn.program, "float64", "high"))
    assert re.findall(r'call .* @"sg\.piece(\d+)"', text) == ["0"]


def test_one_point_in_numba_code_has_the_same_bits():
    fn = sg.compile(FORMULA, "x y", "value", parameters="a b")
    assert fn.njit(0.3, 0.7, 1.25, 0.5) == fn(0.3, 0.7, a=1.25, b=0.5)
