"""gamma, its logarithm, digamma, trigamma: errors in ulp, poles, zeros, ends, derivatives."""

from __future__ import annotations

from math import inf, isnan, nan

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.functions import PRIMITIVES
from symgrad.functions import math as functions
from symgrad.ir.expression import variables
from tests.expressions import close, in_mpmath, system_of, tensor_of
from tests.functions.special.measured import values, worst_of_row

NAMES = ("gamma_lifted", "loggamma", "digamma", "trigamma")
REGIONS = ((1e-6, 1), (0.9, 2.1), (1.4, 6), (6, 171), (-6, -1e-6), (-100, -6))
FAR = ((171, 1e5), (1e5, 1e15))


def scale(name: str):  # type: ignore[no-untyped-def]
    """Between the poles of negative x the parts of a sum may cancel."""
    if name == "loggamma":
        return lambda x: 0 if x > 0 else 1 + abs(mpmath.loggamma(-x))
    if name == "digamma":
        return lambda x: 0 if x > 0 else 1 + abs(mpmath.log(-x))
    return None


@pytest.mark.parametrize(("low", "high"), REGIONS)
@pytest.mark.parametrize("name", NAMES)
def test_value(name: str, low: float, high: float, rng: np.random.Generator) -> None:
    points = np.concatenate([rng.uniform(low, high, 150), [low + 0.001 * (high - low)]])
    error, point = worst_of_row(name, points, scale=scale(name))
    assert error <= PRIMITIVES[name].ulp, f"{name} at {point}: {error} ulp"


@pytest.mark.parametrize(("low", "high"), FAR)
@pytest.mark.parametrize("name", NAMES[1:])
def test_far_away(name: str, low: float, high: float, rng: np.random.Generator) -> None:
    error, point = worst_of_row(name, np.exp(rng.uniform(np.log(low), np.log(high), 60)))
    assert error <= PRIMITIVES[name].ulp, f"{name} at {point}: {error} ulp"


@pytest.mark.parametrize(("zero", "name"), [(1, "loggamma"), (2, "loggamma")])
def test_zeros_keep_their_digits(zero: float, name: str, rng: np.random.Generator) -> None:
    points = zero + rng.choice([-1, 1], 80) * 10.0 ** rng.uniform(-15, -1, 80)
    assert worst_of_row(name, points)[0] <= PRIMITIVES[name].ulp


def test_root_of_digamma_keeps_its_digits(rng: np.random.Generator) -> None:
    root = 1.4616321449683622
    points = np.concatenate([[root], root + 10.0 ** rng.uniform(-15, -2, 60)])
    assert worst_of_row("digamma", points)[0] <= PRIMITIVES["digamma"].ulp


def test_gamma_is_the_lifted_one(rng: np.random.Generator) -> None:
    points = np.concatenate([rng.uniform(-190, 175, 300), [-20.0, -20.5, -19.5, -177.25, 171.5]])
    lifted = values("gamma_lifted", points)
    assert np.array_equal(
        values("gamma", points), np.where(points < -20, lifted * 2.0**-100, lifted), equal_nan=True
    )
    assert np.array_equal(values("gamma", points[300:303]), lifted[300:303] * [1, 2.0**-100, 1],
                          equal_nan=True)  # fmt: skip


@pytest.mark.parametrize(("dtype", "low"), [("float64", -172), ("float32", -36)])
def test_derivatives_of_a_gamma_that_is_subnormal(dtype: str, low: int) -> None:
    x = variables("x")
    made = sg.compile(functions.gamma(x), [x], ["gradient", "hessian"], dtype=dtype, cache=False)
    points = low - 2.0 ** np.array([-8.0, -9.0, -11.0])
    got = made(points.astype(dtype))
    for at, first, second in zip(
        points.astype(dtype).tolist(), got.gradient, got.hessian, strict=True
    ):
        exact = [mpmath.diff(mpmath.gamma, at, order) for order in (1, 2)]
        eps = float(np.finfo(dtype).eps)
        assert abs(second.item() - exact[1]) <= 16 * eps * abs(exact[1]), at
        assert abs(first.item() - exact[0]) <= 16 * eps * abs(exact[0]), at
        assert abs(mpmath.gamma(at)) < 4 * np.finfo(dtype).smallest_normal


@pytest.mark.parametrize("name", ["gamma_lifted", "trigamma"])
def test_near_poles(name: str, rng: np.random.Generator) -> None:
    poles = -rng.integers(1, 150, 60).astype(float)
    points = poles * (1 + 10.0 ** rng.uniform(-14, -2, 60))
    assert worst_of_row(name, points)[0] <= PRIMITIVES[name].ulp


def same(got: float, expected: float) -> bool:
    return bool(got == expected or (isnan(got) and isnan(expected)))


@pytest.mark.parametrize(
    ("name", "point", "expected"),
    [
        ("gamma", 0.0, inf), ("gamma", -0.0, -inf), ("gamma", -1.0, nan), ("gamma", -170.0, nan),
        ("gamma", inf, inf), ("gamma", -inf, nan), ("gamma", nan, nan), ("gamma", 172.0, inf),
        ("gamma", 5.0, 24.0), ("gamma", 1.0, 1.0), ("gamma", -201.5, 0.0), ("gamma", -1e300, nan),
        ("gamma", 5e-324, inf), ("gamma", 171.0, 7.257415615307999e306),
        ("loggamma", 1.0, 0.0), ("loggamma", 2.0, 0.0), ("loggamma", 0.0, inf),
        ("loggamma", -3.0, inf), ("loggamma", inf, inf), ("loggamma", -inf, inf),
        ("loggamma", nan, nan), ("loggamma", 1e308, inf),
        ("digamma", 0.0, -inf), ("digamma", -0.0, inf), ("digamma", -2.0, nan),
        ("digamma", inf, inf), ("digamma", -inf, nan), ("digamma", nan, nan),
        ("trigamma", 0.0, inf), ("trigamma", -2.0, inf), ("trigamma", inf, 0.0),
        ("trigamma", nan, nan),
    ],
)  # fmt: skip
def test_exact_values(name: str, point: float, expected: float) -> None:
    assert same(float(values(name, point)), expected)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_derivatives(order: int, digits: int) -> None:
    """The n-th derivative of log gamma is polygamma of order n - 1 (NIST DLMF 5.15.1)."""
    x = variables("x")
    system = system_of([functions.loggamma(x), functions.gamma(x)], ("x",))
    for at in (0.3, 1.4, 2.0, 7.5, -1.3):
        got = in_mpmath(system.graph, tensor_of(system, order).nodes, {"x": at})
        point = mpmath.mpf(at)
        assert close(got[0], mpmath.psi(order - 1, point), 1e-40)
        assert close(got[1], mpmath.diff(mpmath.gamma, point, order), 1e-25)


@pytest.mark.parametrize("name", ["gamma", *NAMES[1:]])
def test_kernel(name: str, rng: np.random.Generator) -> None:
    """Value and derivatives to order 3 of a compiled kernel, points of all regions in a vector."""
    x = variables("x")
    points = np.concatenate([rng.uniform(-5, 12, 60), rng.uniform(12, 160, 20)])
    points = points[np.abs(points - np.rint(points)) > 0.01]
    made = sg.compile(getattr(functions, name)(x), [x], ["value", "gradient", 3], cache=False)
    got = made(points)
    assert np.allclose(got.value, values(name, points), rtol=4e-15, atol=2e-15)
    order = {"loggamma": -1, "digamma": 0, "trigamma": 1}.get(name)
    for at, value in zip(points.tolist(), np.ravel(got.order3).tolist(), strict=True):
        exact = mpmath.psi(order + 3, at) if order is not None else mpmath.diff(mpmath.gamma, at, 3)
        assert abs(value - exact) <= 1e-10 * (1 + abs(exact)), (name, at)
