"""Elliptic integrals: errors in ulp over every region, poles, derivatives at m = 0."""

from __future__ import annotations

from math import inf, isnan, nan, pi
from typing import Any

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.functions import PRIMITIVES
from symgrad.functions.special.elliptic.coefficients import LEGENDRE
from symgrad.ir.expression import variables
from tests.functions.special.measured import values, worst_of_row


def parameters(rng: np.random.Generator, count: int) -> np.ndarray:
    parts = [rng.uniform(-3, 1, count), 1 - 10 ** rng.uniform(-10, 0, count)]
    return np.concatenate([*parts, -(10 ** rng.uniform(-8, 4, count))])


@pytest.mark.parametrize("name", ["elliptic_k", "elliptic_e_complete"])
def test_complete(name: str, rng: np.random.Generator) -> None:
    error, point = worst_of_row(name, parameters(rng, 40))
    assert error <= PRIMITIVES[name].ulp, f"{name} at {point}: {error} ulp"


@pytest.mark.parametrize("name", ["elliptic_f", "elliptic_e", "elliptic_d", "elliptic_f_slope"])
def test_incomplete(name: str, rng: np.random.Generator) -> None:
    m = parameters(rng, 12)
    error, point = worst_of_row(name, rng.uniform(-1.57, 1.57, m.size), m)
    assert error <= PRIMITIVES[name].ulp, f"{name} at {point}: {error} ulp"


@pytest.mark.parametrize("name", ["elliptic_f", "elliptic_e"])
def test_periods(name: str, rng: np.random.Generator) -> None:
    error, point = worst_of_row(name, rng.uniform(-20, 20, 30), rng.uniform(-3, 0.99, 30))
    assert error <= PRIMITIVES[name].ulp, f"{name} at {point}: {error} ulp"


@pytest.mark.parametrize(
    ("n", "phi", "m"),
    [
        # 1/(1 - n sin^2) - 1 would cancel between n = m and n = 2 m
        (-1.5e4, 1.2, -1e4), (-1.5e8, 1.57, -1e8), (-1.01e6, 0.01, -1e6), (-1e5, 4.0, -1e5),
        (-900.0, 1.5, -1000.0), (-3.0, 1.5, -1e6), (-0.5, -1.0, 0.25), (-1e300, 0.5, -1e10),
        # R_C near its logarithmic end
        (0.9999998949717535, 0.5 * pi, 0.999999999999), (0.9999, 43.326934967584535, 0.99999999),
        (0.9999999974911245, 25.83578684184225, 0.9999999995324067), (1 - 1e-12, 1.5, -1e8),
    ],
)  # fmt: skip
def test_third_kind_where_it_lost_digits(n: float, phi: float, m: float) -> None:
    error, _ = worst_of_row("elliptic_pi", *(np.array([value]) for value in (n, phi, m)))
    assert error <= 8, f"{error} ulp"


@pytest.mark.parametrize(
    "name", ["elliptic_f", "elliptic_e", "elliptic_d", "elliptic_f_slope", "elliptic_pi"]
)
def test_just_beyond_half_periods(name: str, rng: np.random.Generator) -> None:
    """There twice the complete integral and one of nearly its size are subtracted."""
    phi = 0.5 * pi * rng.choice([-1.0, 1.0, 3.0], 12) + 10 ** rng.uniform(-10, -1, 12)
    m = np.concatenate([rng.uniform(-3, 0.9, 6), -(10 ** rng.uniform(0, 6, 6))])
    leading = (rng.uniform(-5, 0.9, 12),) if name == "elliptic_pi" else ()
    error, point = worst_of_row(name, *leading, phi, m)
    assert error <= PRIMITIVES[name].ulp, f"{name} at {point}: {error} ulp"


def test_third_kind(rng: np.random.Generator) -> None:
    n = np.concatenate([rng.uniform(-3, 1, 12), -(10 ** rng.uniform(-5, 5, 12))])
    m = rng.uniform(-3, 1, n.size)
    for name, given in (
        ("elliptic_pi_complete", (n, m)),
        ("elliptic_pi", (n, rng.uniform(-1.5, 1.5, n.size), m)),
    ):
        error, point = worst_of_row(name, *given)
        assert error <= PRIMITIVES[name].ulp, f"{name} at {point}: {error} ulp"


@pytest.mark.parametrize("name", ["elliptic_k_slope", "elliptic_e_slope"])
def test_slopes_of_complete_integrals(name: str, rng: np.random.Generator) -> None:
    points = np.concatenate([rng.uniform(-4, 0.9, 20), 1 - 10 ** rng.uniform(-12, -1, 20), [0.0]])
    error, point = worst_of_row(name, points)
    assert error <= PRIMITIVES[name].ulp, f"{name} at {point}: {error} ulp"


def test_slopes_of_complete_integrals_at_the_ends() -> None:
    assert values("elliptic_k_slope", 1.0) == inf
    assert values("elliptic_e_slope", 1.0) == -inf
    assert values("elliptic_k_slope", -inf) == 0
    assert isnan(values("elliptic_k_slope", 1.5))
    assert isnan(values("elliptic_e_slope", nan))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_derivative_of_k_next_to_1_knows_pi_beyond_its_digits(dtype: str) -> None:
    m = variables("m")
    made = sg.compile(sg.math.elliptic_k(m), [m], ["gradient", "hessian"], dtype=dtype, cache=False)
    point = np.array([0.9999], dtype)
    got = [float(np.ravel(part)[0]) for part in made(point)]
    with mpmath.workdps(40):
        exact = [
            mpmath.diff(mpmath.ellipk, mpmath.mpf(float(point[0])), k, h=1e-12) for k in (1, 2)
        ]
    for one, other in zip(got, exact, strict=True):
        assert one == pytest.approx(float(other), rel=4 * float(np.finfo(dtype).eps), abs=0)


def test_quadrature_is_exact_for_polynomials_of_degree_27() -> None:
    for degree in range(28):
        found = mpmath.fsum(mpmath.mpf(w) * mpmath.mpf(x) ** degree for x, w in LEGENDRE)
        assert abs(found * (degree + 1) - 1) < 4e-16, degree


def test_exact_values() -> None:
    assert values("elliptic_k", 1.0) == inf
    assert values("elliptic_k", -inf) == 0.0
    assert values("elliptic_e_complete", 1.0) == 1.0
    assert values("elliptic_e_complete", -inf) == inf
    assert values("elliptic_f", 0.0, 0.5) == 0.0
    for name in ("elliptic_k", "elliptic_e_complete"):
        assert isnan(values(name, 1.5))
        assert isnan(values(name, nan))


def test_derivatives_are_finite_at_parameter_zero() -> None:
    """K = pi/2 (1 + m/4 + 9 m^2/64 + ...), E = pi/2 (1 - m/4 - 3 m^2/64 - ...) (DLMF 19.5.1-2)."""
    m = variables("m")
    for made, expected in (
        (sg.math.elliptic_k(m), (pi / 8, 9 * pi / 64, 225 * pi / 512 * 0.75)),
        (sg.math.elliptic_e(m), (-pi / 8, -3 * pi / 64, -45 * pi / 1024 * 6 / 9)),
    ):
        result: Any = sg.compile(made, [m], [1, 2], cache=False)(np.zeros(1))
        got = [float(np.ravel(part)[0]) for part in result]
        assert got == pytest.approx(expected[:2], rel=1e-14)


def test_third_kind_by_all_arguments() -> None:
    n, phi, m = variables("n phi m")
    made = sg.math.elliptic_pi(n, phi, m)
    result: Any = sg.compile(made, [n, phi, m], [1, 2], cache=False)(np.array([[-0.4, 0.7, 0.3]]))
    for order, got in enumerate(result, 1):
        for index in np.ndindex(*(3,) * order):
            counts = tuple(index.count(i) for i in range(3))
            expected = mpmath.diff(mpmath.ellippi, (-0.4, 0.7, 0.3), counts)
            assert float(got[(0, *index)]) == pytest.approx(float(expected), rel=1e-9), index


def test_fewer_arguments_are_the_complete_integrals() -> None:
    n, m = variables("n m")
    assert sg.math.elliptic_e(m) == sg.math.elliptic_e_complete(m)
    assert sg.math.elliptic_pi(n, m) == sg.math.elliptic_pi_complete(n, m)


def test_limits_of_the_third_kind() -> None:
    """At infinite angles, parameters and characteristics, with the sign of the angle."""
    phi = np.array([-inf, -0.7, 0.7, inf])
    assert values("elliptic_pi", 0.3, phi, 0.4)[[0, 3]].tolist() == [-inf, inf]
    for n, m in ((-inf, 0.4), (0.3, -inf)):
        found = values("elliptic_pi", n, phi[1:3], m)
        assert found.tolist() == [0, 0]
        assert np.signbit(found).tolist() == [True, False]
        assert isnan(values("elliptic_pi", n, inf, m))
    assert isnan(values("elliptic_pi", 2.0, inf, 0.4))
    assert isnan(values("elliptic_pi", nan, 0.7, -inf))
