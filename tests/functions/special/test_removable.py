"""Derivatives of sin(x)/x and its kin: errors in ulp for each order, at zero and at the ends."""

from __future__ import annotations

from math import inf, isnan, nan
from typing import Any

import numpy as np
import pytest

from symgrad.functions import PRIMITIVES
from tests.functions.special.measured import values, worst_of_row

NAMES = ("sinc", "sinhc", "expm1c", "cosc", "coshc", "log1pc")
BOUNDS = {0: 4, 1: 6, 2: 7, 3: 8, 4: 8, 6: 12, 10: 24}


def scale(name: str) -> Any:
    """Of the waves between their zeros."""

    def waves(n: Any, x: Any) -> Any:
        power = 1 if name == "sinc" else 2
        size = min(1 / (n + power) ** power, 1 / abs(x) ** power) / 2
        return size * min(1, abs(x)) if n % 2 else size

    return waves if name in ("sinc", "cosc") else None


@pytest.mark.parametrize("order", BOUNDS)
@pytest.mark.parametrize("name", NAMES)
def test_value(name: str, order: int, rng: np.random.Generator) -> None:
    low = -0.999 if name == "log1pc" else -30
    points = np.concatenate(
        [rng.uniform(low, 30, 40), rng.uniform(max(low, -5), 5, 40), [1e-9, 1e-4]]
    )
    row = f"{name}_derivative"
    error, point = worst_of_row(row, order, points, scale=scale(name))
    assert error <= BOUNDS[order], f"{row} at {point}: {error} ulp"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sinc", (1, 0, -1 / 3, 0, 1 / 5)), ("sinhc", (1, 0, 1 / 3, 0, 1 / 5)),
        ("expm1c", (1, 1 / 2, 1 / 3, 1 / 4, 1 / 5)), ("cosc", (1 / 2, 0, -1 / 12, 0, 1 / 30)),
        ("coshc", (1 / 2, 0, 1 / 12, 0, 1 / 30)), ("log1pc", (1, -1 / 2, 2 / 3, -3 / 2, 24 / 5)),
    ],
)  # fmt: skip
def test_at_zero(name: str, expected: tuple[float, ...]) -> None:
    for order, value in enumerate(expected):
        assert values(f"{name}_derivative", order, 0.0) == pytest.approx(value, rel=5e-16)


@pytest.mark.parametrize(
    ("name", "at_minus", "at_plus"),
    [("sinc", 0, 0), ("sinhc", inf, inf), ("expm1c", 0, inf), ("cosc", 0, 0), ("coshc", inf, inf)],
)
def test_at_infinity(name: str, at_minus: float, at_plus: float) -> None:
    assert values(f"{name}_derivative", 2, -inf) == at_minus
    assert values(f"{name}_derivative", 2, inf) == at_plus


@pytest.mark.parametrize("name", NAMES)
def test_nan_and_other_orders(name: str) -> None:
    row = f"{name}_derivative"
    assert PRIMITIVES[row].whole == (0,)
    assert isnan(values(row, 1, nan))
    assert isnan(values(row, 1.5, 2.0))
    assert isnan(values(row, -1, 2.0))
