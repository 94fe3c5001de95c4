"""The Target record and its text."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from symgrad.emit.target import DEFAULT_VECTOR_BYTES, ITEMSIZE, VECTOR_BYTES, Target
from symgrad.errors import InvariantError
from symgrad.options import Accuracy, Dtype


@pytest.mark.parametrize("dtype", ITEMSIZE)
def test_a_target_comes_back_from_its_text(dtype):
    target = Target("cpu", 4, dtype, "fast", 128, 2)
    text = target.to_json()
    assert Target.from_json(text) == target
    assert "\n" not in text
    assert set(json.loads(text)) == {field.name for field in dataclasses.fields(Target)}


def test_equal_targets_have_equal_texts():
    made = [Target("cpu", 8, "float64", "high", 256, 8).to_json() for _ in range(2)]
    assert made[0] == made[1]
    assert made[0] != Target("cpu", 8, "float64", "high", 128, 8).to_json()


@pytest.mark.parametrize("dtype", ITEMSIZE)
def test_the_size_of_a_value_is_numpys(dtype):
    assert Target("cpu", 2, dtype, "high", 2, 2).itemsize == np.dtype(dtype).itemsize


def test_targets_are_values():
    target = Target("cpu", 2, "float64", "high", 2, 2)
    with pytest.raises(dataclasses.FrozenInstanceError):
        target.width = 4
    assert hash(target) == hash(Target("cpu", 2, "float64", "high", 2, 2))


def test_every_choice_of_the_options_has_a_target():
    assert set(ITEMSIZE) == set(Dtype.__args__)
    assert {"high", "fast"} == set(Accuracy.__args__)


def test_vector_registers_are_listed_from_the_widest_down():
    sizes = [size for _, size in VECTOR_BYTES]
    assert sizes == sorted(sizes, reverse=True)
    assert all(size % max(ITEMSIZE.values()) == 0 for size in (*sizes, DEFAULT_VECTOR_BYTES))
    assert len({feature for feature, _ in VECTOR_BYTES}) == len(VECTOR_BYTES)


@pytest.mark.parametrize("tile", [0, 4, 12])
def test_a_tile_that_vectors_would_overrun_is_refused(tile):
    with pytest.raises(InvariantError, match=f"{tile} points"):
        Target("cpu", 8, "float64", "high", tile, 8)
