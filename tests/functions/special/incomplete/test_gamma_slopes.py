"""Slopes and curvatures of the gamma density: next to their zeros, where it is tiny, at 0."""

from __future__ import annotations

from math import inf, isnan, nan

import numpy as np
import pytest

import symgrad as sg
from symgrad.functions import PRIMITIVES
from symgrad.ir.expression import variables
from tests.functions.special.measured import values, worst_of_row

NAMES = (
    *("gamma_kernel_slope", "gamma_kernel_curvature"),
    *("gamma_density_slope", "gamma_density_curvature"),
)
COUNT = 60


@pytest.mark.parametrize("region", ["middle", "far", "tiny"])
@pytest.mark.parametrize("name", NAMES)
def test_value(name: str, region: str, rng: np.random.Generator) -> None:
    a = rng.uniform(0.1, 40, COUNT)
    x = {
        "middle": a * rng.uniform(0.01, 3, COUNT),
        "far": a + rng.uniform(0, 600, COUNT),
        "tiny": 10.0 ** rng.uniform(-9, -3, COUNT),
    }[region]
    error, point = worst_of_row(name, a, x)
    assert error <= PRIMITIVES[name].ulp, f"{name} at {point}: {error} ulp"


@pytest.mark.parametrize("name", NAMES)
def test_next_to_zeros(name: str, rng: np.random.Generator) -> None:
    a = rng.uniform(3, 60, COUNT)
    root = np.sqrt(a - 1) * rng.choice([-1, 1], COUNT) if "curvature" in name else 0.0
    x = (a - 1 + root) * (1 + 10.0 ** rng.uniform(-14, -2, COUNT))
    error, point = worst_of_row(name, a, x)
    assert error <= PRIMITIVES[name].ulp, f"{name} at {point}: {error} ulp"


def test_slope_where_the_density_is_subnormal() -> None:
    x = 1e-8
    a = np.linspace(40.2, 41.0, 40)  # x^(a-2), and x^(a-1) below the normal numbers
    assert values("gamma_kernel", a, x).min() < 2.0**-1022
    assert worst_of_row("gamma_kernel_slope", a[:20], x)[0] <= 8


@pytest.mark.parametrize(
    ("name", "a", "expected"),
    [
        ("gamma_kernel_slope", 0.5, -inf), ("gamma_kernel_slope", 1.0, -1.0),
        ("gamma_kernel_slope", 1.5, inf), ("gamma_kernel_slope", 2.0, 1.0),
        ("gamma_kernel_slope", 2.5, 0.0), ("gamma_kernel_slope", nan, nan),
        ("gamma_kernel_curvature", 0.5, inf), ("gamma_kernel_curvature", 1.0, 1.0),
        ("gamma_kernel_curvature", 1.5, -inf), ("gamma_kernel_curvature", 2.0, -2.0),
        ("gamma_kernel_curvature", 2.5, inf), ("gamma_kernel_curvature", 3.0, 2.0),
        ("gamma_kernel_curvature", 4.0, 0.0), ("gamma_density_slope", 0.5, -inf),
        ("gamma_density_slope", 1.0, -1.0), ("gamma_density_slope", 1.5, inf),
        ("gamma_density_slope", 2.0, 1.0), ("gamma_density_slope", 3.0, 0.0),
        ("gamma_density_slope", -1.0, 0.0), ("gamma_density_slope", -0.5, inf),
        ("gamma_density_curvature", 0.5, inf), ("gamma_density_curvature", 1.0, 1.0),
        ("gamma_density_curvature", 1.5, -inf), ("gamma_density_curvature", 2.0, -2.0),
        ("gamma_density_curvature", 2.5, inf), ("gamma_density_curvature", 3.0, 1.0),
        ("gamma_density_curvature", 3.5, 0.0), ("gamma_density_curvature", nan, nan),
    ],
)  # fmt: skip
def test_at_zero(name: str, a: float, expected: float) -> None:
    got = float(values(name, a, 0.0))
    assert got == expected or (isnan(got) and isnan(expected))


@pytest.mark.parametrize("name", NAMES)
def test_at_infinity_and_beyond(name: str) -> None:
    got = values(name, 2.5, np.array([inf, -1.0, nan]))
    assert got[0] == 0
    assert np.isnan(got[1:]).all()


@pytest.mark.parametrize("function", ["lowergamma", "uppergamma", "gammainc", "gammaincc"])
def test_second_derivative_in_float32(function: str) -> None:
    """The density and its powers of x are beyond float32 on the way."""
    x = variables("x")
    expr = getattr(sg.math, function)(40, x)
    at = np.array([5e-2, 30.0, 100.0])
    single = sg.compile(expr, [x], "hessian", dtype="float32", cache=False)
    double = sg.compile(expr, [x], "hessian", cache=False)
    got = np.ravel(single(at.astype(np.float32)))
    want = np.ravel(double(at.astype(np.float32).astype(float)))
    inside = np.abs(want) < 3.4e38
    assert inside.any()
    assert np.allclose(got[inside], want[inside], rtol=2.0**-22, atol=1e-44)
