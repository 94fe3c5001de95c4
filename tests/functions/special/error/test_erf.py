"""Special rows: values at the tails, symmetries, derivatives of high order."""

from __future__ import annotations

from math import inf, isnan, nan
from typing import Any

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.functions import PRIMITIVES, math, special
from symgrad.ir.expression import variables
from tests.expressions import close, in_float, in_mpmath, system_of, tensor_of
from tests.functions.special.measured import (
    assert_kernel_and_derivatives,
    assert_value,
    oracle_of,
    values,
    worst_of_row,
)

x = variables("x")


def test_every_row_is_in_the_table_and_names_its_source() -> None:
    for row in special.ROWS:
        assert PRIMITIVES[row.name] is row
        assert "DLMF" in row.source


@pytest.mark.parametrize("value", [-6.0, -1.0, 0.0, 0.5, 3.0, 10.0, 26.0])
def test_error_functions_are_complements(value: float, digits: int) -> None:
    system = system_of(math.erf(x) + math.erfc(x), ("x",))
    (got,) = in_mpmath(system.graph, system.outputs.nodes, {"x": value})
    assert close(got, 1, 1e-45)


@pytest.mark.parametrize("value", [3.0, 10.0, 26.0])
def test_tails_keep_their_digits(value: float, digits: int) -> None:
    system = system_of(math.erfc(x), ("x",))
    (got,) = in_float(system.graph, system.outputs.nodes, {"x": value})
    expected = mpmath.erfc(value)
    assert abs(got / expected - 1) < 1e-14


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5, 6])
def test_derivatives_are_hermite_functions(order: int, digits: int) -> None:
    """The n-th derivative of erf has a Hermite polynomial: NIST DLMF 7.10.1."""
    system = system_of([math.erf(x), math.erfc(x)], ("x",))
    got = in_mpmath(system.graph, tensor_of(system, order).nodes, {"x": 0.625})
    a = mpmath.mpf("0.625")
    gauss = 2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-a * a)
    expected = (-1) ** (order - 1) * mpmath.hermite(order - 1, a) * gauss
    assert close(got[0], expected, 1e-40)
    assert close(got[1], -expected, 1e-40)


REGIONS = (
    ("erfcx", -26.6, 0), ("erfcx", 0, 9), ("erfcx", 9, 1e6), ("dawson", -1, 1),
    ("dawson", 0.5, 10), ("dawson", -1e6, -8), ("erfi", -26.6, 26.6), ("exp_square", -26.6, 26.6),
    ("gaussian", -26.6, 26.6),
    ("erfinv", -1 + 1e-12, 1 - 1e-12), ("erfcinv", 1e-300, 1e-9), ("erfcinv", 1e-9, 2 - 1e-12),
)  # fmt: skip


@pytest.mark.parametrize(("name", "low", "high"), REGIONS)
def test_value(name: str, low: float, high: float, rng: np.random.Generator) -> None:
    assert_value(name, low, high, rng)


@pytest.mark.parametrize("name", sorted({name for name, _, _ in REGIONS}))
def test_kernel_and_derivatives(name: str, digits: int) -> None:
    assert_kernel_and_derivatives(name)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_derivatives_that_would_cancel(order: int, rng: np.random.Generator) -> None:
    """The derivatives of erfcx and dawson beyond 1, where recurrences lose their digits."""
    points = np.concatenate([rng.uniform(-9, 30, 60), rng.uniform(0, 9, 60)])
    oracle = oracle_of("dawson_derivative")

    def scale(n: Any, x: Any) -> Any:
        return abs(oracle(n + 1, x)) / (2 * n + 2) ** 0.5

    for name, given in (("erfcx_derivative", None), ("dawson_derivative", scale)):
        error, point = worst_of_row(name, order, points, scale=given)
        assert error <= PRIMITIVES[name].ulp, f"{name} at {point}: {error} ulp"


def test_difference_of_erf_does_not_cancel(rng: np.random.Generator) -> None:
    a = rng.uniform(-25, 25, 120)
    b = a + rng.choice([-1, 1], 120) * 10 ** rng.uniform(-12, 1, 120)
    error, point = worst_of_row("erf2", a, b)
    assert error <= PRIMITIVES["erf2"].ulp, f"{point}: {error} ulp"


@pytest.mark.parametrize(
    ("name", "point", "expected"),
    [
        ("erfcx", -inf, inf), ("erfcx", inf, 0.0), ("dawson", inf, 0.0), ("erfi", inf, inf),
        ("erfi", -inf, -inf), ("erfinv", 1.0, inf), ("erfinv", -1.0, -inf), ("erfcinv", 0.0, inf),
        ("erfcinv", 2.0, -inf), ("erfcinv", 1.0, 0.0),
    ],
)  # fmt: skip
def test_exact_values(name: str, point: float, expected: float) -> None:
    assert values(name, point) == expected


@pytest.mark.parametrize("name", ["erfcx", "dawson", "erfi", "erfinv", "erfcinv"])
def test_nan(name: str) -> None:
    assert isnan(values(name, nan))


def test_outside_of_the_inverses() -> None:
    assert isnan(values("erfinv", 1.0000000000000002))
    assert isnan(values("erfcinv", -1e-300))


def test_slope_of_an_inverse_in_the_tail() -> None:
    p = variables("p")
    gradient = sg.compile(math.erfcinv(p), [p], "gradient", cache=False)
    points = np.array([1e-250, 1e-100, 1e-9])
    for point, got in zip(points.tolist(), gradient(points).ravel().tolist(), strict=True):
        with mpmath.workdps(40):
            y = oracle_of("erfcinv")(mpmath.mpf(point))
            expected = -mpmath.sqrt(mpmath.pi) / 2 * mpmath.exp(y * y)
        assert abs(got / expected - 1) < 2e-15


def test_inverse_of_the_difference_of_erf() -> None:
    a, y = variables("a y")
    inverse = sg.compile(math.erf2(a, math.erf2inv(a, y)), [a, y], "value", cache=False)
    points = np.array([[0.3, 0.2], [-2.5, 1e-3], [3.0, -0.4], [4.5, 1e-12], [-5.0, 1e-11]])
    assert inverse(points) == pytest.approx(points[:, 1], rel=1e-12)


@pytest.mark.parametrize("name", ["exp_less_square", "exp_erfc"])
def test_exponents_beside_squares_keep_their_digits(name: str, rng: np.random.Generator) -> None:
    u = np.concatenate([rng.uniform(-3, 3, 40), rng.uniform(20, 40, 40), [1e4, 1e7]])
    a = u * u + rng.uniform(-600, 600, 82)
    error, point = worst_of_row(name, a, u)
    assert error <= PRIMITIVES[name].ulp, f"at {point}: {error} ulp"


def test_ends_of_exponentials_beside_tails() -> None:
    assert values("exp_erfc", -0.25, inf) == 0.0
    assert values("exp_erfc", -0.25, -inf) == pytest.approx(2 * np.exp(-0.25), rel=1e-15)
    assert values("exp_erfc", 800.0, -1.0) == inf
    assert isnan(values("exp_erfc", nan, 1.0))
    assert isnan(values("exp_erfc", 1.0, nan))
    assert isnan(values("exp_erfc", 800.0, nan))
    assert values("exp_less_square", 1e160, 1.0) == inf
    assert values("exp_less_square", 1.0, 1e160) == 0.0
    assert isnan(values("exp_erfc", inf, 1e160))
