"""Polylogarithms: errors in ulp on both sides of 0 and beyond 1, ends, derivatives."""

from __future__ import annotations

from math import factorial, inf, isnan, nan

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.functions import PRIMITIVES
from symgrad.functions import math as functions
from symgrad.ir.evaluate import evaluate, numpy_arithmetic
from symgrad.ir.expression import variables
from tests.expressions import close, in_mpmath, system_of, tensor_of
from tests.functions.special.measured import values, worst_of_row


@pytest.mark.parametrize(("low", "high"), [(-1, 0), (0, 0.7), (0.7, 1), (-100, -1)])
def test_value(low: float, high: float, rng: np.random.Generator) -> None:
    s, x = rng.integers(1, 8, 30).astype(float), rng.uniform(low, high, 30)
    error, point = worst_of_row("polylog", s, x)
    assert error <= PRIMITIVES["polylog"].ulp, f"at {point}: {error} ulp"


def test_value_of_real_orders(rng: np.random.Generator) -> None:
    s, x = rng.uniform(0.2, 6, 30), rng.uniform(-0.95, 0.95, 30)
    error, point = worst_of_row("polylog", s, x)
    assert error <= PRIMITIVES["polylog"].ulp, f"at {point}: {error} ulp"


@pytest.mark.parametrize("s", [-0.5, 0.25, 0.5, 1.5, 2.5, 3.7, 9.5])
def test_value_of_real_orders_beyond_minus_1(s: float, rng: np.random.Generator) -> None:
    """Fermi and Dirac's integrals."""
    x = np.array([-1.0000001, -rng.uniform(1, 20), -321.0, -1e6, -(10.0 ** rng.uniform(7, 60))])
    error, point = worst_of_row("polylog", s, x)
    assert error <= 8, f"at {point}: {error} ulp"


def test_orders_between_minus_2_and_minus_1_on_the_left(rng: np.random.Generator) -> None:
    """The second derivative of order 1/2: terms of both signs."""
    x = np.array([-0.51, -0.75, -1.5, -7.0, -rng.uniform(7, 50)])
    assert worst_of_row("polylog", -1.5, x, scale=lambda s, x: 0.1)[0] <= 12


def test_rational_orders(rng: np.random.Generator) -> None:
    """Li_(-1)(x) = x/(1-x)^2, Li_(-2)(x) = x(1+x)/(1-x)^3, beyond 1 too."""
    x = np.concatenate([rng.uniform(-9, 0.9, 30), rng.uniform(1.1, 50, 10)])
    assert np.allclose(values("polylog", -1.0, x), x / (1 - x) ** 2, rtol=4e-15)
    assert np.allclose(values("polylog", -2.0, x), x * (1 + x) / (1 - x) ** 3, rtol=4e-15)


def test_derivatives_of_the_ratio_by_its_series(rng: np.random.Generator) -> None:
    j, s, x = rng.integers(0, 4, 30), rng.integers(-2, 6, 30), rng.uniform(-0.3, 0.7, 30)
    error, point = worst_of_row("polylog_series", j, s, x, scale=lambda j, s, x: 0.1)
    assert error <= PRIMITIVES["polylog_series"].ulp, f"at {point}: {error} ulp"


def same(got: float, expected: float) -> bool:
    return bool(got == expected or (isnan(got) and isnan(expected)))


@pytest.mark.parametrize(
    ("name", "point", "expected"),
    [
        ("polylog", (2.0, 1.0), 1.6449340668482264), ("polylog", (2.0, -1.0), -0.8224670334241132),
        ("polylog", (1.0, 1.0), inf), ("polylog", (2.0, 0.0), 0.0), ("polylog", (2.0, 1.5), nan),
        ("polylog", (2.0, nan), nan), ("polylog", (nan, 0.5), nan), ("polylog", (0.0, 3.0), -1.5),
        ("polylog", (-2.5, -1.5), nan), ("polylog", (2.5, -inf), -inf),
        ("polylog", (2.5, 1.5), nan), ("polylog", (2.0, -inf), -inf),
        ("polylog_ratio", (2.0, -inf), 0.0), ("polylog_ratio", (-2.5, -inf), nan),
        ("polylog_ratio", (3.0, 0.0), 1.0), ("polylog_series", (1.0, 2.0, 0.8), nan),
    ],
)  # fmt: skip
def test_exact_values(name: str, point: tuple[float, ...], expected: float) -> None:
    assert same(float(values(name, *point)), expected)


@pytest.mark.parametrize("at", [0.0, 1e-9, -0.25, 0.5, 0.875, -0.9])
def test_derivatives(at: float, digits: int) -> None:
    """Of the dilogarithm: k! times the coefficients 1/k^2 at 0."""
    x = variables("x")
    system = system_of(functions.polylog(2, x), ("x",))
    exact = [
        lambda z: -mpmath.log(1 - z) / z,
        lambda z: (z / (1 - z) + mpmath.log(1 - z)) / z**2,
        lambda z: (z**2 / (1 - z) ** 2 - 2 * z / (1 - z) - 2 * mpmath.log(1 - z)) / z**3,
    ]
    for order, limit in enumerate((1, 0.5, mpmath.mpf(2) / 3), 1):
        (got,) = in_mpmath(system.graph, tensor_of(system, order).nodes, {"x": at})
        with mpmath.workdps(90):
            expected = exact[order - 1](mpmath.mpf(at)) if at else limit
        assert close(got, expected, 1e-30)


def test_kernel() -> None:
    x = variables("x")
    points = np.array([0.0, -0.9, -0.3, 0.2, 0.6, 0.8, 0.97, -4.0])
    made = sg.compile(functions.polylog(3, x), [x], ["value", "gradient", "hessian"], cache=False)
    got = made(points)
    assert np.allclose(got.value, values("polylog", 3.0, points), rtol=4e-15, atol=0)
    for at, slope in zip(points.tolist()[1:], np.ravel(got.gradient).tolist()[1:], strict=True):
        assert abs(slope / float(mpmath.polylog(2, at).real / at) - 1) < 4e-15
    assert float(np.ravel(got.gradient)[0]) == 1.0
    assert float(np.ravel(got.hessian)[0]) == pytest.approx(0.25, rel=1e-15)


@pytest.mark.parametrize(("low", "high"), [(-1, 0), (0, 0.7), (0.7, 1), (-4, -1)])
@pytest.mark.parametrize("order", [1.0, 2.0, 4.0, 0.5])
def test_slope(order: float, low: float, high: float, rng: np.random.Generator) -> None:
    error, point = worst_of_row("polylog_slope", order, rng.uniform(low, high, 8))
    assert error <= PRIMITIVES["polylog_slope"].ulp, f"at {point}: {error} ulp"


def test_slope_of_rational_orders(rng: np.random.Generator) -> None:
    """Of Li_-2(x)/x = (1 + x)/(1 - x)^3: the values cross 0 at -2."""
    x = np.concatenate([rng.uniform(-0.9, 0.9, 20), [-7.0, 3.0, 1e22]])
    expected = (4 + 2 * x) / (1 - x) ** 4
    assert np.allclose(values("polylog_slope", -2.0, x), expected, rtol=4e-15, atol=0)
    assert values("polylog_slope", 0.0, 0.5) == 4.0


def test_ends_of_the_slope() -> None:
    assert values("polylog_slope", 3.0, 0.0) == 0.125
    assert isnan(values("polylog_slope", 3.0, 1.5))
    assert isnan(values("polylog_slope", -0.5, 0.1))
    assert isnan(values("polylog_slope", 3.0, nan))
    assert values("polylog_slope", 3.0, -inf) == 0


def test_second_derivatives_of_real_orders_next_to_minus_1() -> None:
    x = variables("x")
    made = sg.compile(functions.polylog(1.5, x), [x], "hessian", cache=False)
    points = np.array([-0.99, -0.5, -3.0, 0.5])
    for got, at in zip(np.ravel(made(points)).tolist(), points.tolist(), strict=True):
        with mpmath.workdps(30):
            lower, own = (mpmath.polylog(mpmath.mpf(s), at).real for s in (-0.5, 0.5))
            assert got == pytest.approx(float((lower - own) / mpmath.mpf(at) ** 2), rel=3e-15)


@pytest.mark.parametrize("order", [3, 4])
def test_high_derivatives_left_of_0(order: int) -> None:
    """Li_(-2)(x) = 2/(1 - x)^3 - 3/(1 - x)^2 + 1/(1 - x): its power series cancels at -0.7."""
    x, points = variables("x"), np.linspace(-0.95, -0.05, 19)
    system = system_of(functions.polylog(-2, x), ("x",))
    nodes = list(tensor_of(system, order).nodes)
    (got,) = evaluate(system.graph, nodes, {"x": points}, numpy_arithmetic())
    terms = [
        weight * factorial(n + order - 1) / factorial(n - 1) * (1 - points) ** -(n + order)
        for n, weight in ((3, 2.0), (2, -3.0), (1, 1.0))
    ]
    size = np.sum(np.abs(terms), axis=0)
    assert np.all(np.abs(got - np.sum(terms, axis=0)) <= 4e-14 * size)


@pytest.mark.parametrize("name", ["polylog", "polylog_slope"])
def test_rational_functions(name: str, rng: np.random.Generator) -> None:
    """Powers of 1/(1 - x) lose nothing: for positive x all terms are positive."""
    s, x = -rng.integers(1, 10, 60).astype(float), rng.uniform(0.0, 0.999, 60)
    error, point = worst_of_row(name, s, x)
    assert error <= 5, f"at {point}: {error} ulp"
