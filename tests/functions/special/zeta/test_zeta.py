"""zeta, Hurwitz's zeta, polygamma, eta and derivatives: errors in ulp, poles, zeros."""

from __future__ import annotations

from math import inf, isnan, nan
from typing import Any

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.functions import PRIMITIVES
from symgrad.functions import math as functions
from symgrad.ir.expression import variables
from tests.expressions import close, in_mpmath, system_of, tensor_of
from tests.functions.special.measured import in_ulp, values, worst_of_row


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


@pytest.mark.parametrize("n", [3.0, 4.0])
def test_derivatives_of_eta_around_3(n: float) -> None:
    """No scale: where Taylor's series ends it has to have all digits of a small derivative."""
    error, point = worst_of_row("dirichlet_eta_derivative", n, np.array([2.7, 2.9664, 3.2, 3.5]))
    assert error <= PRIMITIVES["dirichlet_eta_derivative"].ulp, f"at {point}: {error} ulp"


@pytest.mark.parametrize(("n", "bound"), [(1, 8), (2, 12), (3, 20), (4, 30)])
def test_derivatives_left_of_minus_1(n: int, bound: float, rng: np.random.Generator) -> None:
    s = np.concatenate([rng.uniform(-10, -1.01, 6), rng.uniform(-150, -10, 3)])
    error, point = worst_of_row("zeta_derivative", np.full(9, float(n)), s, scale=size)
    assert error <= bound, f"at {point}: {error} ulp"


@pytest.mark.parametrize("n", [1, 2])
def test_derivatives_of_eta_left_of_minus_1(n: int, rng: np.random.Generator) -> None:
    s = rng.uniform(-20, -1.01, 4)
    error, point = worst_of_row(
        "dirichlet_eta_derivative", np.full(4, float(n)), s,
        scale=lambda n, s: size(n, s) * 2 ** (1 - s),
    )  # fmt: skip
    assert error <= 12, f"at {point}: {error} ulp"


def size(n: Any, s: Any) -> Any:
    """Of the derivatives around s < -1, which have zeros between -2, -4, ... (NIST DLMF 25.4.1)."""
    slope = mpmath.pi / 2 + abs(mpmath.log((1 - s) / (2 * mpmath.pi)))
    return 2 * (2 * mpmath.pi) ** (s - 1) * mpmath.gamma(1 - s) * slope**n


@pytest.mark.parametrize("s", [2, 3, 4, 7, 12])
def test_hurwitz_of_negative_parameters(s: int, rng: np.random.Generator) -> None:
    """The terms with a + k < 0 are real powers: a finite sum and the function of a + count."""
    for a in [*(-rng.uniform(0, 20, 8)), -0.5, -1e-9, -7.25, -100.5]:
        count = int(np.ceil(-a))
        with mpmath.workdps(50):
            first = [(mpmath.mpf(float(a)) + k) ** -s for k in range(count)]
            rest = mpmath.zeta(s, mpmath.mpf(float(a)) + count)
            got = float(values("hurwitz_zeta", float(s), float(a)))
            scale = max(map(abs, [*first, rest]))
            assert in_ulp(got, mpmath.fsum(first) + rest, scale) <= 8, a


@pytest.mark.parametrize("s", [0, -1, -2, -3, -4, -5, -9, -12])
def test_hurwitz_where_it_is_a_polynomial(s: int, rng: np.random.Generator) -> None:
    """-B_n(a)/n with n = 1 - s (NIST DLMF 25.11.14), in ulp of its size on [0, 1] around zeros."""
    with mpmath.workdps(50):
        scale = abs(mpmath.bernpoly(1 - s, mpmath.mpf(1) / 4 if s % 2 == 0 else 0)) / (1 - s)
        for a in [*rng.uniform(-9, 9, 12), 0.5, -3.0, 0.0]:
            exact = -mpmath.bernpoly(1 - s, mpmath.mpf(float(a))) / (1 - s)
            got = float(values("hurwitz_zeta", float(s), float(a)))
            assert in_ulp(got, exact, scale) <= 8, a


def same(got: float, expected: float) -> bool:
    return bool(got == expected or (isnan(got) and isnan(expected)))


@pytest.mark.parametrize(
    ("name", "point", "expected"),
    [
        ("zeta", (1.0,), inf), ("zeta", (0.0,), -0.5), ("zeta", (-2.0,), 0.0),
        ("zeta", (-300.0,), 0.0), ("zeta", (inf,), 1.0), ("zeta", (-inf,), nan),
        ("zeta", (nan,), nan), ("zeta", (2.0,), 1.6449340668482264),
        ("dirichlet_eta", (-1e5,), 0.0), ("dirichlet_eta", (-1e300,), 0.0),
        ("hurwitz_zeta", (1.0, 0.5), inf), ("hurwitz_zeta", (2.0, 0.0), inf),
        ("hurwitz_zeta", (2.5, -1.5), nan), ("hurwitz_zeta", (2.0, inf), 0.0),
        ("hurwitz_zeta", (2.0, -3.0), inf), ("hurwitz_zeta", (3.0, -3.0), nan),
        ("hurwitz_zeta", (0.5, -1.5), nan), ("hurwitz_zeta", (1.5, 0.0), inf),
        ("hurwitz_zeta", (0.0, -1.5), 2.0), ("hurwitz_zeta", (-2.0, -2.0), 5.0),
        ("hurwitz_zeta", (-2.0, 0.0), 0.0),
        ("hurwitz_zeta", (2.0, 1e300), 1e-300), ("hurwitz_zeta", (nan, 1.0), nan),
        ("polygamma", (1.0, 0.0), inf), ("polygamma", (2.0, 0.0), -inf),
        ("polygamma", (1.0, -0.0), inf), ("polygamma", (2.0, -0.0), inf),
        ("polygamma", (1.0, -2.0), inf), ("polygamma", (2.0, -2.0), nan),
        ("polygamma", (0.5, 2.0), nan), ("polygamma", (-1.0, 2.0), nan),
        ("polygamma", (2.0, inf), -0.0), ("polygamma", (1.0, 1.0), 1.6449340668482264),
        ("zeta_derivative", (1.0, 1.0), inf), ("zeta_derivative", (5.0, -1.5), nan),
        ("zeta_derivative", (0.0, -2.0), 0.0), ("zeta_derivative", (0.0, 2.0), 1.6449340668482264),
        ("dirichlet_eta_derivative", (5.0, -1.5), nan),
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


@pytest.mark.parametrize("k", [1, 2, 3])
def test_derivative_of_hurwitz_zeta(k: int, rng: np.random.Generator) -> None:
    s, a = rng.uniform(0.01, 25, 30), 10 ** rng.uniform(-2, 2, 30)
    error, point = worst_of_row("hurwitz_zeta_derivative", float(k), s, a)
    assert error <= PRIMITIVES["hurwitz_zeta_derivative"].ulp, f"at {point}: {error} ulp"


def test_derivative_of_hurwitz_zeta_at_the_pole_of_the_next_order() -> None:
    """zeta(0, a) = 1/2 - a and zeta(-1, a) = -(a^2 - a + 1/6)/2."""
    assert values("hurwitz_zeta_derivative", 1.0, 0.0, 0.7) == -1.0
    assert values("hurwitz_zeta_derivative", 2.0, -1.0, 0.7) == -1.0
    assert isnan(values("hurwitz_zeta_derivative", 0.5, 2.0, 0.7))
