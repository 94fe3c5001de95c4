"""Tensor and System: shapes and nodes agree."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from symgrad.errors import InvariantError
from symgrad.ir.system import Pattern, Request, Tensor


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


def test_a_pattern_has_an_index_for_every_entry() -> None:
    pattern = Pattern((2, 3), 1, ((0, 2), (1, 0)))
    assert Tensor("jacobian", (2,), (5, 7), pattern).pattern is pattern
    with pytest.raises(InvariantError, match=r"'jacobian' .* pattern of 2 entries"):
        Tensor("jacobian", (3,), (5, 7, 9), pattern)
    with pytest.raises(InvariantError, match=r"'jacobian' .* pattern of 2 entries"):
        Tensor("jacobian", (1, 2), (5, 7), pattern)


def test_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Tensor("value", (), (0,)).name = "other"  # type: ignore[misc]


def test_request_defaults() -> None:
    request = Request("value", "tensor")
    assert (request.order, request.indices) == (0, ())
