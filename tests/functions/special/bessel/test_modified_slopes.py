"""Slopes and curvatures of I of orders 0 and 1: errors in ulp, at their zeros too, and ends."""

from __future__ import annotations

from math import inf, isnan, nan

import numpy as np
import pytest

from symgrad.functions import PRIMITIVES
from tests.functions.special.measured import values, worst_of_row

SCALED = ("besseli0e_slope", "besseli0e_curvature", "besseli1e_slope", "besseli1e_curvature")
NAMES = ("besseli1_slope", *SCALED)


@pytest.mark.parametrize("name", NAMES)
def test_value(name: str, rng: np.random.Generator) -> None:
    points = np.concatenate(
        [rng.uniform(0.01, 5, 15), rng.uniform(5, 100, 9), [39.999, 40.001, 600.0, 1e-9]]
    )
    error, point = worst_of_row(name, points)
    assert error <= PRIMITIVES[name].ulp, f"{name} at {point}: {error} ulp"


@pytest.mark.parametrize(
    ("name", "zero"),
    [("besseli1e_slope", 1.5451272579925427), ("besseli1e_curvature", 2.7814929353)],
)
def test_next_to_zeros(name: str, zero: float) -> None:
    points = zero + np.array([-0.2, -1e-3, -1e-6, 1e-6, 1e-3, 0.2])
    error, point = worst_of_row(name, points)
    assert error <= PRIMITIVES[name].ulp, f"{name} at {point}: {error} ulp"


@pytest.mark.parametrize("name", SCALED)
def test_far_out(name: str) -> None:
    error, point = worst_of_row(name, np.array([1e3, 1e10, 1e30]))
    assert error <= PRIMITIVES[name].ulp, f"{name} at {point}: {error} ulp"


@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        ("besseli1_slope", 0.0, 0.5), ("besseli1_slope", inf, inf), ("besseli1_slope", -inf, inf),
        ("besseli0e_slope", 0.0, 0.0), ("besseli0e_curvature", 0.0, 0.5),
        ("besseli1e_slope", 0.0, 0.5), ("besseli1e_curvature", 0.0, 0.0),
        *((name, inf, 0.0) for name in SCALED),
    ],
)  # fmt: skip
def test_exact_values(name: str, x: float, expected: float) -> None:
    assert values(name, x) == expected


@pytest.mark.parametrize("name", NAMES)
def test_nan_and_parity(name: str) -> None:
    assert isnan(values(name, nan))
    points = np.array([1e-9, 0.7, 13.0, 77.0])
    turned = -1 if PRIMITIVES[name].parity == "odd" else 1
    assert (values(name, -points) == turned * values(name, points)).all()
