"""Fresnel integrals: errors in ulp over every region, large arguments, derivatives."""

from __future__ import annotations

from math import inf, isnan, nan

import mpmath
import numpy as np
import pytest

from symgrad.functions import PRIMITIVES
from tests.functions.special.measured import assert_kernel_and_derivatives, values, worst_of_row

REGIONS = tuple(
    (name, low, high)
    for name in ("fresnels", "fresnelc", "fresnel_sin", "fresnel_cos")
    for low, high in ((-1.5, 1.5), (1.4, 8), (-300, -8), (1e4, 1e5))
)


@pytest.mark.parametrize(("name", "low", "high"), REGIONS)
def test_value(name: str, low: float, high: float, rng: np.random.Generator) -> None:
    points = rng.uniform(low, high, 80)
    error, point = worst_of_row(name, points)
    assert error <= PRIMITIVES[name].ulp, f"{name} at {point}: {error} ulp"


@pytest.mark.parametrize("name", ["fresnels", "fresnelc"])
def test_where_the_auxiliary_functions_take_over(name: str) -> None:
    points = 1.41421356 + np.array([-1e-7, -6e-8, -1e-9, 0.0, 1e-9, 1e-7])
    error, point = worst_of_row(name, points)
    assert error <= PRIMITIVES[name].ulp, f"{name} at {point}: {error} ulp"


@pytest.mark.parametrize("name", sorted({name for name, _, _ in REGIONS}))
def test_kernel_and_derivatives(name: str, digits: int) -> None:
    assert_kernel_and_derivatives(name)


@pytest.mark.parametrize("name", ["fresnels", "fresnelc"])
def test_ends(name: str) -> None:
    assert values(name, inf) == 0.5
    assert values(name, -inf) == -0.5
    assert values(name, 0.0) == 0.0
    assert isnan(values(name, nan))


def test_the_phase_of_large_arguments_is_kept() -> None:
    points = np.array([1e8 + 0.25, 94906265.75, 2.0**40 + 0.0078125, 1e15 + 0.125])
    for name in ("fresnel_sin", "fresnel_cos"):
        with mpmath.workdps(60):
            assert worst_of_row(name, points)[0] < 2
