"""zeta, Hurwitz's zeta, polygamma, eta and derivatives: errors in ulp, poles, zeros."""

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


@pytest.mark.parametrize(("low", "high"), [(-0.5, 1.5), (1.4, 60), (-20, -0.5), (-250, -20)])
@pytest.mark.parametrize("name", ["zeta", "dirichlet_eta"])
def test_value(name: str, low: float, high: float, rng: np.random.Generator) -> None:
    error, point = worst_of_row(name, rng.uniform(low, high, 80))
    assert error <= PRIMITIVES[name].ulp, f"{name} at {point}: {error} ulp"


def test_zeros_and_the_pole_keep_their_digits(rng: np.random.Generator) -> None:
    near = -2.0 * rng.integers(1, 60, 40) * (1 + 10.0 ** rng.uniform(-14, -3, 40))
    pole = 1 + rng.choice([-1, 1], 40) * 10.0 ** rng.uniform(-15, -1, 40)
    assert worst_of_row("zeta", np.concatenate([near, pole]))[0] <= PRIMITIVES["zeta"].ulp


def test_hurwitz(rng: np.random.Generator) -> None:
    s, a = rng.uniform(1.01, 30, 60), 10.0 ** rng.uniform(-4, 4, 60)
    error, point = worst_of_row("hurwitz_zeta", s, a)
    assert error <= PRIMITIVES["hurwitz_zeta"].ulp, f"at {point}: {error} ulp"


def test_polygamma(rng: np.random.Generator) -> None:
    n, x = rng.integers(0, 12, 80).astype(float), 10.0 ** rng.uniform(-3, 5, 80)
    x[:20] = rng.uniform(0.1, 20, 20)
    error, point = worst_of_row("polygamma", n, x)
    assert error <= PRIMITIVES["polygamma"].ulp, f"at {point}: {error} ulp"


def test_polygamma_of_negative_arguments(rng: np.random.Generator) -> None:
    n, x = rng.integers(1, 7, 40).astype(float), -rng.uniform(0, 15, 40)

    def scale(order, at):  # type: ignore[no-untyped-def]
        return mpmath.factorial(order) / abs(at - mpmath.nint(at)) ** (order + 1)

    assert worst_of_row("polygamma", n, x, scale=scale)[0] <= PRIMITIVES["polygamma"].ulp


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("name", ["zeta_derivative", "dirichlet_eta_derivative"])
def test_derivatives_by_the_exponent(name: str, n: int, rng: np.random.Generator) -> None:
    s = np.concatenate([rng.uniform(-1, 3, 10), rng.uniform(3, 30, 6)])
    error, point = worst_of_row(name, np.full(16, float(n)), s, scale=lambda n, s: 0.05 * (s < 4))
    assert error <= PRIMITIVES[name].ulp, f"{name} at {point}: {error} ulp"


def same(got: float, expected: float) -> bool:
    return bool(got == expected or (isnan(got) and isnan(expected)))


@pytest.mark.parametrize(
    ("name", "point", "expected"),
    [
        ("zeta", (1.0,), inf), ("zeta", (0.0,), -0.5), ("zeta", (-2.0,), 0.0),
        ("zeta", (-300.0,), 0.0), ("zeta", (inf,), 1.0), ("zeta", (-inf,), nan),
        ("zeta", (nan,), nan), ("zeta", (2.0,), 1.6449340668482264),
        ("hurwitz_zeta", (1.0, 0.5), inf), ("hurwitz_zeta", (2.0, 0.0), inf),
        ("hurwitz_zeta", (2.0, -1.5), nan), ("hurwitz_zeta", (2.0, inf), 0.0),
        ("hurwitz_zeta", (2.0, 1e300), 1e-300), ("hurwitz_zeta", (nan, 1.0), nan),
        ("polygamma", (1.0, 0.0), inf), ("polygamma", (2.0, 0.0), -inf),
        ("polygamma", (1.0, -2.0), inf), ("polygamma", (2.0, -2.0), nan),
        ("polygamma", (0.5, 2.0), nan), ("polygamma", (-1.0, 2.0), nan),
        ("polygamma", (2.0, inf), -0.0), ("polygamma", (1.0, 1.0), 1.6449340668482264),
        ("zeta_derivative", (1.0, 1.0), inf), ("zeta_derivative", (1.0, -1.5), nan),
        ("zeta_derivative", (0.5, 2.0), nan), ("dirichlet_eta", (1.0,), 0.6931471805599453),
    ],
)  # fmt: skip
def test_exact_values(name: str, point: tuple[float, ...], expected: float) -> None:
    assert same(float(values(name, *point)), expected)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_derivatives(order: int, digits: int) -> None:
    x = variables("x")
    system = system_of([functions.zeta(x + 2), functions.hurwitz_zeta(3, x)], ("x",))
    got = in_mpmath(system.graph, tensor_of(system, order).nodes, {"x": 0.75})
    at = mpmath.mpf(0.75)
    assert close(got[0], mpmath.zeta(at + 2, 1, order), 1e-40)
    exact = (-1) ** order * mpmath.rf(3, order) * mpmath.zeta(3 + order, at)
    assert close(got[1], exact, 1e-40)


@pytest.mark.parametrize("name", ["zeta", "dirichlet_eta"])
def test_kernel(name: str, rng: np.random.Generator) -> None:
    x = variables("x")
    points = np.concatenate([rng.uniform(-0.9, 0.9, 8), rng.uniform(1.1, 20, 12)])
    made = sg.compile(getattr(functions, name)(x), [x], ["value", "gradient", 3], cache=False)
    got = made(points)
    assert np.allclose(got.value, values(name, points), rtol=4e-15, atol=2e-15)
    third = values(f"{name}_derivative", 3.0, points)
    assert np.allclose(np.ravel(got.order3), third, rtol=1e-15, atol=0)
