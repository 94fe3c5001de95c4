"""Tensor and System: shapes and nodes agree."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from symgrad.errors import InvariantError
from symgrad.ir.system import Request, Tensor


@pytest.mark.parametrize(
    ("shape", "count"), [((), 1), ((3,), 3), ((2, 3), 6), ((0,), 0), ((2, 0), 0)]
)
def test_shape_and_nodes_agree(shape: tuple[int, ...], count: int) -> None:
    tensor = Tensor("value", shape, tuple(range(count)))
    assert tensor.shape == shape


@pytest.mark.parametrize(("shape", "count"), [((), 0), ((), 2), ((3,), 2), ((2, 3), 5)])
def test_shape_and_nodes_disagree(shape: tuple[int, ...], count: int) -> None:
    with pytest.raises(InvariantError, match=f"'value' of shape .* has {count} nodes"):
        Tensor("value", shape, tuple(range(count)))


def test_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Tensor("value", (), (0,)).name = "other"  # type: ignore[misc]


def test_request_defaults() -> None:
    request = Request("value", "tensor")
    assert (request.order, request.indices) == (0, ())
