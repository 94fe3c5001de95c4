"""Second derivatives of beta, rising factorials, binomials: what cancelled, and what overflowed."""

from __future__ import annotations

from math import inf
from typing import Any

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.functions import PRIMITIVES
from symgrad.functions.special.gamma.quotients import RATES
from symgrad.ir.evaluate import evaluate, numpy_arithmetic
from symgrad.ir.expression import Expr, variables
from tests.expressions import system_of, tensor_of
from tests.functions.special.measured import (
    computed,
    in_ulp,
    oracle_of,
    values,
    worst,
    worst_of_row,
)

COUNT = 60
A, B = variables("a b")


@pytest.mark.parametrize("region", ["middle", "small", "tiny", "wide", "large"])
@pytest.mark.parametrize("name", ["digamma_cross", "rising_curvature"])
def test_value(name: str, region: str, rng: np.random.Generator) -> None:
    a, b = {
        "middle": rng.uniform(0.01, 30, (2, COUNT)),
        "small": 10.0 ** rng.uniform(-3, 0, (2, COUNT)),
        "tiny": 10.0 ** rng.uniform(-12, -3, (2, COUNT)),
        "wide": 10.0 ** rng.uniform(-3, 3, (2, COUNT)),
        "large": 10.0 ** rng.uniform(1, 9, (2, COUNT)),
    }[region]
    error, point = worst_of_row(name, a, b)
    assert error <= PRIMITIVES[name].ulp, f"{name} at {point}: {error} ulp"


@pytest.mark.parametrize(
    ("name", "point"),
    [
        ("rising_cross", (0.3, 0.735227)), ("rising_cross", (0.238952, 0.844507)),
        ("rising_cross", (1e-9, 1e-9)), ("rising_cross", (50.25, -0.253)),
        ("binomial_curvature", (2.60143, 0.290071)), ("binomial_curvature", (186.8, 84.1)),
        ("binomial_curvature", (0.75, -0.9999999)),
    ],
)  # fmt: skip
def test_sums_that_cancel(name: str, point: tuple[float, float]) -> None:
    """Next to their zeros, and to poles of their terms."""
    a, b = (value + np.arange(-3, 4) * 2.0**-40 for value in point)
    error, at = worst_of_row(name, a, b)
    assert error <= PRIMITIVES[name].ulp, f"{at}: {error} ulp"


@pytest.mark.parametrize(("x", "k"), [(800.0, 3.25), (0.5, -2.25), (-3.5, 1.25)])
def test_sums_elsewhere(x: float, k: float) -> None:
    """Where the rows of pairs have no value the plain formulas have."""
    for name, point in (("rising_xk", (x, k)), ("binomial_kk", (x + k - 1, k))):
        exact: Any = {
            "rising_xk": lambda a, b: mpmath.diff(mpmath.rf, (a, b), (1, 1)),
            "binomial_kk": lambda a, b: mpmath.diff(mpmath.binomial, (a, b), (0, 2)),
        }[name]
        with mpmath.workdps(40):
            expected = float(exact(*map(mpmath.mpf, point)))
        assert float(values(name, *point)) == pytest.approx(expected, rel=1e-12)


def test_curvature_loses_nothing_where_the_function_bends_least(rng: np.random.Generator) -> None:
    """Between 0 and 1, where the squared difference and the slope have opposite signs."""
    error, point = worst_of_row("rising_curvature", rng.uniform(1, 40, 200), rng.uniform(0, 1, 200))
    assert error <= 5, f"{point}: {error} ulp"


@pytest.mark.parametrize("k", [-0.3, 1 - 2.0**-20, 1 + 2.0**-40, 0.5, 0.5 + 1e-9, 1e-9])
def test_curvature_next_to_its_zeros(k: float, rng: np.random.Generator) -> None:
    x = np.concatenate([10.0 ** rng.uniform(-3, 3, COUNT), [1.0, 2.0]]) + max(-k, 0.0)
    error, point = worst_of_row("rising_curvature", x, k)
    assert error <= PRIMITIVES["rising_curvature"].ulp, f"{point}: {error} ulp"


def test_curvature_is_0_where_factorials_are_straight() -> None:
    x = np.array([0.3, 1.0, 7.0])
    assert values("rising_curvature", x, 1.0).tolist() == [0.0, 0.0, 0.0]
    assert values("rising_curvature", x, 0.0).tolist() == [0.0, 0.0, 0.0]


def test_digamma_of_sum_next_to_its_zero(rng: np.random.Generator) -> None:
    x = rng.uniform(0.1, 1.3, COUNT)
    k = 1.4616321449683622 - x + 10.0 ** rng.uniform(-15, -2, COUNT)
    assert worst_of_row("digamma_of_sum", x, k)[0] <= PRIMITIVES["digamma_of_sum"].ulp


def test_log_rest(rng: np.random.Generator) -> None:
    from symgrad.functions.special.gamma.quotients import _log_rest

    r = np.concatenate([10.0 ** rng.uniform(-12, 3, 80), [1.0, 1 - 2.0**-53, 1.0 + 2.0**-52]])
    error, point = worst(
        computed(_log_rest, r), lambda x: (mpmath.log1p(x) - x / (1 + x)) / x**2, r
    )
    assert error <= 6, f"{point}: {error} ulp"


@pytest.mark.parametrize(("a", "b"), [(1e-3, 1e-3), (2e-3, 5.0), (3e-4, 900.0), (0.3, 0.4)])
def test_mixed_derivative_of_beta(a: float, b: float) -> None:
    hessian = sg.compile(sg.math.beta(A, B), [A, B], "hessian", cache=False)(np.array([[a, b]]))[0]
    with mpmath.workdps(60):
        for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
            order = (2 - i - j, i + j)
            exact = mpmath.diff(mpmath.beta, (mpmath.mpf(a), mpmath.mpf(b)), order)
            assert in_ulp(float(hessian[i, j]), exact) <= 8, (i, j)


def test_second_derivative_of_binomials() -> None:
    """The root counts twice, and so does the rounding of n - k + 1."""
    point = 57.46882708229398, 4.065356395583076
    n, k = map(mpmath.mpf, point)
    with mpmath.workdps(40):
        rise = mpmath.psi(0, n + 1) - mpmath.psi(0, n - k + 1)
        bend = mpmath.psi(1, n + 1) - mpmath.psi(1, n - k + 1)
        exact = mpmath.binomial(n, k) * (rise * rise + bend)
    assert in_ulp(float(values("binomial_nn", *point)), exact) <= 8


@pytest.mark.parametrize(("k", "third"), [(1.0, 0.0), (2.0, 0.0), (3.0, 6.0)])
def test_third_derivative_of_rising_factorials_next_to_0(k: float, third: float) -> None:
    """x, x^2 + x and x^3 + 3 x^2 + 2 x: powers of 1/x would leave few digits."""
    system = system_of(Expr("rising_factorial", (A, B)), ("a", "b"))
    points = {"a": np.array([1e-300, 1e-9, 0.01, 0.06, 0.3]), "b": np.full(5, k)}
    nodes = [tensor_of(system, 3).nodes[0]]
    with np.errstate(all="ignore"):
        (got,) = evaluate(system.graph, nodes, points, numpy_arithmetic())
    assert np.allclose(got, third, rtol=2e-15, atol=2e-15)


@pytest.mark.parametrize(
    ("name", "point"), [("rising_factorial", (1000.25, 13.0)), ("binomial", (3000.5, 14.5))]
)
def test_float32_derivatives_where_the_function_overflows(
    name: str, point: tuple[float, float]
) -> None:
    made = sg.compile(Expr(name, (A, B)), [A, B], ["value", "gradient"], dtype="float32",
                      cache=False)  # fmt: skip
    got = made(np.array([point], np.float32))
    oracle = oracle_of(name)
    assert got.value[0] == inf
    with mpmath.workdps(50):
        exact = mpmath.diff(lambda *x: oracle(*x), point, (1, 0))
    assert exact < 3.4e38
    assert float(got.gradient[0, 0]) == pytest.approx(float(exact), rel=8 * 2.0**-23, abs=0)


@pytest.mark.parametrize("name", ["rising_root", "binomial_root"])
def test_roots_are_roots(name: str, rng: np.random.Generator) -> None:
    base = {"rising_root": "rising_factorial", "binomial_root": "binomial"}[name]
    a, b = rng.uniform(-6, 30, COUNT), rng.uniform(-3, 20, COUNT)
    root, value = values(name, a, b), values(base, a, b)
    assert np.isfinite(value).all()
    assert np.allclose(np.abs(root) * root, value, rtol=1e-14, atol=0)


@pytest.mark.parametrize("name", list(RATES))
def test_products(name: str, rng: np.random.Generator) -> None:
    """What a row is a product of, in double precision and for arguments of its domain."""
    function, rate = RATES[name]
    a, b = (rng.uniform(low, high, COUNT) for low, high in PRIMITIVES[name].domain)
    expr = Expr(function, (A, B)) * rate(A, B)
    plain = sg.compile([expr], [A, B], "value", cache=False)(np.stack([a, b], axis=1))[:, 0]
    assert np.allclose(values(name, a, b), plain, rtol=1e-13, atol=0)


def test_slopes_of_binomials_next_to_their_zeros() -> None:
    slope = sg.compile(Expr("binomial", (A, B)), [A, B], "gradient", jit="never", cache=False)
    points = [(1e-8, 30.0), (-1e-8, 30.0), (2 + 1e-8, 7.0), (-1e-3, 3.0), (0.2, 30.0)]
    for (n, k), got in zip(points, slope(points)[:, 0].tolist(), strict=True):
        with mpmath.workdps(60):
            expected = mpmath.diff(lambda t, k=k: mpmath.binomial(t, k), mpmath.mpf(n), h=1e-22)
        assert got == pytest.approx(float(expected), rel=1e-13, abs=0)
