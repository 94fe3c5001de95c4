"""Slopes and curvatures of the beta density: next to their zeros, where it is tiny, at the ends."""

from __future__ import annotations

from math import inf, isnan, nan

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.functions import PRIMITIVES
from symgrad.ir.expression import variables
from tests.functions.special.measured import oracle_of, values, worst_of_row

NAMES = ("beta_density_slope", "beta_density_curvature")
COUNT = 60


@pytest.mark.parametrize("region", ["middle", "small", "tiny", "right"])
@pytest.mark.parametrize("name", NAMES)
def test_value(name: str, region: str, rng: np.random.Generator) -> None:
    a, b = rng.uniform(0.2, 40, (2, COUNT))
    x = {
        "middle": rng.uniform(0.01, 0.99, COUNT),
        "small": 10.0 ** rng.uniform(-6, -1, COUNT),
        "tiny": 10.0 ** rng.uniform(-30, -8, COUNT),
        "right": 1 - 10.0 ** rng.uniform(-12, -1, COUNT),
    }[region]
    error, point = worst_of_row(name, a, b, x)
    assert error <= PRIMITIVES[name].ulp, f"{name} at {point}: {error} ulp"


@pytest.mark.parametrize("name", NAMES)
def test_next_to_zeros(name: str, rng: np.random.Generator) -> None:
    a, b = rng.uniform(2.5, 60, (2, COUNT))
    x = (a - 1) / (a + b - 2)
    if "curvature" in name:
        # (n x - p)^2 = (p (1 - x)^2 + q x^2) with p = a - 1, q = b - 1, n = p + q.
        p, q = a - 1, b - 1
        n = p + q
        half = p * (n - 1)
        x = (half - np.sqrt(half * half - n * (n - 1) * p * (p - 1))) / (n * (n - 1))
    x = x * (1 + 10.0 ** rng.uniform(-14, -3, COUNT))
    error, point = worst_of_row(name, a, b, x)
    assert error <= PRIMITIVES[name].ulp, f"{name} at {point}: {error} ulp"


@pytest.mark.parametrize(
    ("name", "a", "expected"),
    [
        ("beta_density_slope", 0.5, -inf), ("beta_density_slope", 1.0, -6.0),
        ("beta_density_slope", 1.5, inf), ("beta_density_slope", 2.0, 12.0),
        ("beta_density_slope", 3.0, 0.0), ("beta_density_slope", 0.0, 0.0),
        ("beta_density_slope", nan, nan), ("beta_density_curvature", 0.5, inf),
        ("beta_density_curvature", 1.0, 6.0), ("beta_density_curvature", 1.5, -inf),
        ("beta_density_curvature", 2.0, -48.0), ("beta_density_curvature", 2.5, inf),
        ("beta_density_curvature", 3.0, 60.0), ("beta_density_curvature", 3.5, 0.0),
    ],
)  # fmt: skip
def test_at_the_ends(name: str, a: float, expected: float) -> None:
    got, other = float(values(name, a, 3.0, 0.0)), float(values(name, 3.0, a, 1.0))
    turned = -expected if name == "beta_density_slope" else expected
    assert got == expected or (isnan(got) and isnan(expected))
    assert other == turned or (isnan(other) and isnan(expected))


@pytest.mark.parametrize("name", NAMES)
def test_outside(name: str) -> None:
    assert np.isnan(values(name, 2.0, 3.0, np.array([-0.5, 1.5, nan]))).all()


@pytest.mark.parametrize("function", ["betainc", "betaincc"])
def test_second_derivative_in_both_formats(function: str) -> None:
    x = variables("x")
    expr = getattr(sg.math, function)(40, 30, x)
    at = np.array([2e-7, 0.03, 0.57, 0.5735294, 0.95], np.float32)
    single = sg.compile(expr, [x], "hessian", dtype="float32", cache=False)
    double = sg.compile(expr, [x], "hessian", cache=False)
    oracle = oracle_of("beta_density_slope")
    sign = 1 if function == "betainc" else -1
    got, wide = np.ravel(single(at)), np.ravel(double(at.astype(float)))
    for point, one, other in zip(at.tolist(), got.tolist(), wide.tolist(), strict=True):
        with mpmath.workdps(40):
            exact = float(sign * oracle(40, 30, mpmath.mpf(point)))
        assert one == pytest.approx(exact, rel=2.0**-23, abs=1e-44), point
        assert other == pytest.approx(exact, rel=10 * 2.0**-52, abs=0), point
