"""Rows of derivatives by parameters: errors in ulp, and what they take."""

from __future__ import annotations

from inspect import signature
from math import isnan, nan

import numpy as np
import pytest

from symgrad.functions import PRIMITIVES
from symgrad.functions.special.hypergeometric.derivatives import taking
from tests.functions.special.measured import values, worst_of_row

RANGES: dict[str, list[tuple[float, float]]] = {
    "hyp0f1": [(0.3, 5), (-5, 10)],
    "hyp1f1": [(0.3, 5), (0.3, 5), (0, 10)],
    "hyp2f1": [(0.3, 5), (0.3, 5), (0.3, 5), (-0.5, 0.9)],
}


@pytest.mark.parametrize("name", RANGES)
def test_value(name: str, rng: np.random.Generator) -> None:
    ranges = RANGES[name]
    orders = [rng.integers(0, 3, 20).astype(float) for _ in ranges]
    points = [rng.uniform(low, high, 20) for low, high in ranges]
    error, point = worst_of_row(f"{name}_derivative", *orders, *points)
    assert error <= 2, f"at {point}: {error} ulp"


@pytest.mark.parametrize("name", RANGES)
def test_nan_in_any_place_gives_nan(name: str) -> None:
    count = len(RANGES[name])
    for orders in ([0.0] * count, [1.0] * count, [0.0] * (count - 1) + [1.0]):
        for place in range(count):
            point = [0.5] * count
            point[place] = nan
            assert isnan(values(f"{name}_derivative", *orders, *point)), (orders, place)


def test_leading_arguments_are_whole() -> None:
    assert PRIMITIVES["hyp2f1_derivative"].whole == (0, 1, 2, 3)
    assert PRIMITIVES["hyp2f1_derivative"].arity == 8


def test_taking() -> None:
    made = taking(3, lambda *a: sum(a))
    assert len(signature(made).parameters) == 3
    assert made(1, 2, 4) == 7
