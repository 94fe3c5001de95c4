"""Argument groups on a device: steps that a kernel can follow, and numbers."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from symgrad.ir.layout import Layout
from symgrad.runtime.cuda import inputs
from symgrad.runtime.cuda.arrays import Seen
from symgrad.runtime.cuda.inputs import Prepared, layout_of, numbers, rows, step
from symgrad.runtime.cuda.libraries import Foreign
from tests.runtime.cuda.hosted import host

TABLE = np.zeros((4, 6, 5))


def seen(array):
    return Seen(array, Foreign(), array.ctypes.data, array.shape, array.strides, "float64", 0)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (TABLE, 8),
        (TABLE[0, 0, 0], 0),
        (TABLE[:, 0, 0], 240),
        (TABLE[:, :, 0], 40),
        (TABLE[:, :, :2], None),
        (TABLE[:, ::2, :], None),
        (TABLE[:, ::2, 0], 80),
        (TABLE.T, None),
        (TABLE[::-1, 0, 0], -240),
        (TABLE[:1, :1, :1], 0),
        (TABLE[:, :1, :1], 240),
        (np.broadcast_to(TABLE[0, 0], (3, 5)), None),
        (np.broadcast_to(1.0, (3, 5)), 0),
    ],
)
def test_the_step_of_axes_seen_as_one(array, expected):
    assert step(array.shape, array.strides) == expected


@pytest.mark.parametrize(
    ("array", "columns", "first", "expected"),
    [
        (TABLE, 1, True, 5),
        (TABLE, 2, True, 30),
        (TABLE[:, ::2], 1, True, 10),
        (TABLE[:, :, ::2], 1, True, None),
        (TABLE[:, :, :1], 1, True, 5),
        (TABLE[:, 0], 1, True, 30),
        (TABLE[::-1, 0], 1, True, -30),
        (TABLE, 1, False, 30),
        (TABLE, 2, False, 5),
        (TABLE[:, :, :2], 1, False, None),
        (TABLE[:, :, :1], 2, False, 5),
        (TABLE[:, :, 0], 1, False, None),
        (TABLE[:0], 1, True, 0),
        (TABLE[0, 0], 0, True, 1),
        (TABLE[0, :, 0], 0, True, 5),
        (TABLE[0, :, 0], 0, False, None),
        (TABLE[0, 0], 0, False, 0),
    ],
)
def test_address_and_step_of_an_array(array, columns, first, expected):
    found = rows(seen(array), columns, first)
    assert found == (None if expected is None else (array.ctypes.data, expected))


def test_numbers_have_the_functions_dtype():
    assert numbers([1, 2.5], "float64") == (1.0, 2.5)
    assert all(type(value) is float for value in numbers([1, 2.5], "float64"))
    single = numbers([0.1], "float32")
    assert [type(value) for value in single] == [ctypes.c_float]
    assert single[0].value == np.float32(0.1)


@pytest.mark.parametrize("accumulate", [False, True])
@pytest.mark.parametrize("reduce", [None, "sum"])
def test_a_layout_follows_from_the_groups(accumulate, reduce):
    signature = host("value", axis=-1, reduce=reduce).signature
    groups = [Prepared("rows", (1, 2)), Prepared("values", (1.0, 2.0))]
    expected = Layout("last", ("parameters",), (), accumulate and reduce is None)
    assert layout_of(signature, groups, accumulate) == expected
    groups[1] = Prepared("shared", (1,))
    assert layout_of(signature, groups, False) == Layout("last", (), ("parameters",))


def test_a_row_of_numbers_outlives_a_call_with_tensors(monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(inputs, "MOST_VALUES", 1)
    h = host("value")
    x = torch.ones(5, 3, dtype=torch.float64)
    found = h.settled(h.fn(x, parameters=[2.0, 0.5]))
    assert np.allclose(found.numpy(), 2 + 0.5 * np.sin(1.0))


def test_more_numbers_than_a_kernel_takes_become_a_row(monkeypatch):
    monkeypatch.setattr(inputs, "MOST_VALUES", 1)
    h = host("value")
    x = np.random.default_rng(0).uniform(size=(5, 3))
    columns = dict(zip("xyz", x.T, strict=True))
    for given in ({"a": 2.0, "b": 0.5}, {"parameters": [2.0, 0.5]}):
        found = h.fn(h.array(x), **given)
        assert np.allclose(found.numpy(), h.expected("value", {**columns, "a": 2.0, "b": 0.5}))
    assert h.layouts == [Layout("first", (), ("parameters",))]
