"""The normal distribution: errors in ulp over both tails, the ends, derivatives."""

from __future__ import annotations

from math import inf, isnan, nan

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.functions import PRIMITIVES
from symgrad.ir.expression import variables
from tests.expressions import close, in_mpmath, system_of, tensor_of
from tests.functions.special.measured import (
    assert_kernel_and_derivatives,
    assert_value,
    oracle_of,
    values,
    worst_of_row,
)

REGIONS = (
    ("normal_pdf", -38, 38), ("ndtr", -37.5, -5), ("ndtr", -5, 0), ("ndtr", 0, 9),
    ("log_ndtr", -1e4, -37), ("log_ndtr", -37, 0), ("log_ndtr", 0, 30),
    ("ndtri", 1e-300, 1e-9), ("ndtri", 1e-9, 0.3), ("ndtri", 0.3, 1 - 1e-9),
)  # fmt: skip


@pytest.mark.parametrize(("name", "low", "high"), REGIONS)
def test_value(name: str, low: float, high: float, rng: np.random.Generator) -> None:
    assert_value(name, low, high, rng)


@pytest.mark.parametrize("name", sorted({name for name, _, _ in REGIONS}))
def test_kernel_and_derivatives(name: str, digits: int) -> None:
    assert_kernel_and_derivatives(name)


@pytest.mark.parametrize(
    ("name", "point", "expected"),
    [
        ("normal_pdf", inf, 0.0), ("ndtr", inf, 1.0), ("ndtr", -inf, 0.0), ("ndtr", 0.0, 0.5),
        ("ndtr", 40.0, 1.0), ("log_ndtr", -inf, -inf), ("log_ndtr", inf, 0.0),
        ("ndtri", 0.0, -inf), ("ndtri", 1.0, inf), ("ndtri", 0.5, 0.0),
    ],
)  # fmt: skip
def test_exact_values(name: str, point: float, expected: float) -> None:
    assert values(name, point) == expected


@pytest.mark.parametrize("name", ["normal_pdf", "ndtr", "log_ndtr", "ndtri"])
def test_nan(name: str) -> None:
    assert isnan(values(name, nan))
    assert name != "ndtri" or (isnan(values(name, -0.1)) and isnan(values(name, 1.1)))


def test_derivatives_of_the_logarithm_are_finite_in_both_tails(digits: int) -> None:
    x = variables("x")
    system = system_of(sg.math.log_ndtr(x), ("x",))
    oracle = oracle_of("log_ndtr")
    for point in (-30.0, 12.0):
        for order in (1, 2):
            (got,) = in_mpmath(system.graph, tensor_of(system, order).nodes, {"x": point})
            assert close(got, mpmath.diff(lambda t: oracle(t), point, order), 1e-30)
    points = np.array([-1e3, -50.0, 50.0, 1e3])
    gradient = sg.compile(sg.math.log_ndtr(x), [x], "gradient", cache=False)(points).ravel()
    assert np.isfinite(gradient).all()
    assert gradient[0] == pytest.approx(1e3, rel=1e-5)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_derivatives_of_the_logarithm_at_huge_arguments(dtype: str) -> None:
    x = variables("x")
    function = sg.compile(sg.math.log_ndtr(x), [x], [1, 2, 3], dtype=dtype, cache=False)
    points = np.array([-inf, -3e38, -2.2e27, -1.1e9, 1e10, 2.8e33, inf], dtype)
    with np.errstate(over="ignore"):
        slope, curvature, third = (np.ravel(result) for result in function(points))
    np.testing.assert_array_equal(slope, np.maximum(-points, 0))
    np.testing.assert_array_equal(curvature, [-1, -1, -1, -1, 0, 0, 0])
    np.testing.assert_allclose(third, [0, 0, 0, 1.5026296e-27, 0, 0, 0], rtol=1e-6, atol=1e-44)


@pytest.mark.parametrize("order", [3, 4])
def test_high_derivatives_of_the_logarithm_keep_their_digits(order: int) -> None:
    x = variables("x")
    function = sg.compile(sg.math.log_ndtr(x), [x], {"d": (x,) * order}, cache=False)
    points = np.array([-1e8, -1e4, -100.0, -16.5, -15.9, -9.0, -5.0, -1.0, -0.1, 0.1, 3.0, 20.0])
    oracle = oracle_of("log_ndtr")
    with mpmath.workdps(120):
        for got, point in zip(function(points).ravel().tolist(), points.tolist(), strict=True):
            step = mpmath.mpf(10) ** -20 * max(1, abs(point))
            expected = mpmath.diff(lambda t: oracle(t), point, order, h=step)
            assert got == pytest.approx(float(expected), rel=1e-12, abs=0), point


@pytest.mark.parametrize("order", [1, 2, 3, 4, 6])
def test_tail_of_the_logarithm(order: int, rng: np.random.Generator) -> None:
    points = -np.concatenate([rng.uniform(16, 60, 30), 10 ** rng.uniform(1.3, 12, 20), [16.0]])
    assert worst_of_row("log_ndtr_tail", float(order), points)[0] <= PRIMITIVES["log_ndtr_tail"].ulp


def test_ends_of_the_tail() -> None:
    assert values("log_ndtr_tail", 3.0, -inf) == 0
    assert isnan(values("log_ndtr_tail", 3.0, -15.0))
    assert isnan(values("log_ndtr_tail", 2.5, -20.0))
    assert isnan(values("log_ndtr_tail", 3.0, nan))


def test_excess(rng: np.random.Generator) -> None:
    points = -np.concatenate([rng.uniform(0, 10, 60), 10 ** rng.uniform(1, 12, 20), [0.0, 8.0]])
    error, point = worst_of_row("log_ndtr_excess", points)
    assert error <= PRIMITIVES["log_ndtr_excess"].ulp, f"at {point}: {error} ulp"
    assert isnan(values("log_ndtr_excess", 0.5))
    assert values("log_ndtr_excess", -inf) == 0


@pytest.mark.parametrize(("name", "far"), [("gaussian", 26.5), ("normal_pdf", 37.5)])
@pytest.mark.parametrize("order", [0, 1, 2])
def test_derivatives_of_the_density(
    name: str, far: float, order: int, rng: np.random.Generator
) -> None:
    row = f"{name}_derivative"
    points = np.concatenate([rng.uniform(2, far, 40), rng.uniform(-0.4, 0.4, 10)])
    error, point = worst_of_row(row, float(order), points)
    assert error <= PRIMITIVES[row].ulp, f"at {point}: {error} ulp"
    assert isnan(values(row, 0.5, 1.0))
    assert values(row, 1.0, inf) == 0


@pytest.mark.parametrize(("name", "point"), [("gaussian", 9.5), ("normal_pdf", 13.5)])
def test_derivatives_are_right_where_the_density_is_subnormal(name: str, point: float) -> None:
    x = variables("x")
    expr = getattr(sg.math, name)(x)
    single = sg.compile(expr, [x], ["gradient", "hessian"], dtype="float32", cache=False)
    double = sg.compile(expr, [x], ["gradient", "hessian"], cache=False)
    for got, exact in zip(single(np.float32([point])), double(np.array([point])), strict=True):
        assert float(np.ravel(got)[0]) == pytest.approx(float(np.ravel(exact)[0]), rel=2e-7)
