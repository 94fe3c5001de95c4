"""Orders by themselves, over tensors in their common form; calls are in test_torch_autograd.py."""

from __future__ import annotations

import pytest

import symgrad as sg
from symgrad.errors import ArgumentError

pytest.importorskip("torch")

import torch

from symgrad.interop.torch_orders import Slot, repeated


def first(derivatives="value", **options):
    options = {"jit": "never", "optimize": "fast", **options}
    f = sg.compile("k*x**2*y", "x y", derivatives, parameters="k", **options).torch()
    f(torch.ones(3, 2), k=1.0)
    (order,) = f._orders.values()
    return order


POINTS = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], dtype=torch.float64)
K = torch.tensor([2.0], dtype=torch.float64)


def test_the_compiled_function_over_its_common_form():
    order = first(["value", "gradient"])
    assert order.slots == (Slot(("x", "y"), 2, False), Slot(("k",), 1, True))
    assert [result.size for result in order.results] == [1, 2]
    value, gradient = order.evaluate([POINTS, K])
    assert value.tolist() == [[4], [72], [300]]
    assert gradient.tolist() == [[8, 2], [48, 18], [120, 50]]
    assert order.points([POINTS, K]) == 3


def test_a_product_is_made_once_and_sums_what_is_shared():
    order = first()
    pulled = order.product("vjp", (0,), (0, 1))
    assert order.product("vjp", (0,), (0, 1)) is pulled
    by_points, by_k = pulled.evaluate([POINTS, K, torch.ones(3, 1, dtype=torch.float64)])
    assert by_points.tolist() == [[8, 2], [48, 18], [120, 50]]
    assert by_k.tolist() == [2 + 36 + 150]
    assert pulled.depth == 1


def test_a_product_of_a_product():
    pushed = first().product("jvp", (0,), (1,)).product("jvp", (0,), (0,))
    tangent = torch.ones(3, 2, dtype=torch.float64)
    one = torch.ones(1, dtype=torch.float64)
    (made,) = pushed.evaluate([POINTS, K, one, tangent])
    x, y = POINTS.unbind(1)
    assert made[:, 0].tolist() == (2 * x * y + x**2).tolist()


def test_spread_shares_nothing():
    pulled = first().product("vjp", (0,), (1,)).spread
    k, seeds = repeated(K, 3, False), torch.ones(3, 1, dtype=torch.float64)
    (by_k,) = pulled.evaluate([POINTS, k, seeds])
    assert by_k.tolist() == [[2], [36], [150]]
    with pytest.raises(ArgumentError, match="reduce="):
        _ = first(reduce="sum").spread


@pytest.mark.parametrize("last", [False, True])
def test_repeated_vectors(last):
    rows = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    made = repeated(rows, 3, last)
    assert made.shape == ((2, 2, 3) if last else (2, 3, 2))
    assert made[1].T.tolist() == repeated(rows[1], 3, not last).tolist()
