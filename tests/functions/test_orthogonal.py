"""Orthogonal polynomials and spherical harmonics against mpmath, and their refusals."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy

import symgrad as sg
from symgrad.errors import FormulaError
from symgrad.functions import math as functions
from symgrad.functions.orthogonal import number, spherical_parts, whole
from symgrad.ir.expression import variables
from tests.expressions import close, in_mpmath, system_of, tensor_of

X = variables("x")

# fmt: off
POLYNOMIALS: dict[str, tuple[tuple[Fraction, ...], Callable[..., Any]]] = {
    "legendre":       ((),           mpmath.legendre),
    "chebyshevt":     ((),           mpmath.chebyt),
    "chebyshevu":     ((),           mpmath.chebyu),
    "hermite":        ((),           mpmath.hermite),
    "hermite_prob":   ((),           lambda n, x: 2 ** (-mpmath.mpf(n) / 2)
                                                  * mpmath.hermite(n, x / mpmath.sqrt(2))),
    "laguerre":       ((),           lambda n, x: mpmath.laguerre(n, 0, x)),
    "assoc_laguerre": ((Fraction(3, 2),), mpmath.laguerre),
    "gegenbauer":     ((Fraction(3, 4),), mpmath.gegenbauer),
    "jacobi":         ((Fraction(3, 4), Fraction(-1, 4)), mpmath.jacobi),
}
# fmt: on


@pytest.mark.parametrize("name", POLYNOMIALS)
@pytest.mark.parametrize("degree", [0, 1, 2, 7])
def test_derivatives(name: str, degree: int, digits: int) -> None:
    parameters, exact = POLYNOMIALS[name]
    system = system_of(getattr(functions, name)(degree, *parameters, X), ("x",))
    for order in range(3):
        nodes = tensor_of(system, order).nodes if order else system.outputs.nodes
        (got,) = in_mpmath(system.graph, nodes, {"x": 0.3})
        expected = mpmath.diff(
            lambda x: exact(degree, *map(float, parameters), x), mpmath.mpf(0.3), order
        )
        assert abs(got - expected) <= 1e-25 * (1 + abs(expected))


@pytest.mark.parametrize("name", ["legendre", "chebyshevt", "laguerre", "jacobi"])
def test_high_degrees_lose_no_digits(name: str) -> None:
    parameters, exact = POLYNOMIALS[name]
    points = np.linspace(-0.95, 0.95, 7)
    fn = sg.compile(getattr(functions, name)(120, *parameters, X), [X], "value", cache=False)
    with mpmath.workdps(60):
        wanted = [
            float(exact(120, *map(float, parameters), mpmath.mpf(x))) for x in points.tolist()
        ]
    assert np.abs(fn(points) - wanted).max() <= 1e-13 * np.abs(wanted).max()


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (functions.legendre(-3, X), functions.legendre(2, X)),
        (functions.chebyshevt(-3, X), functions.chebyshevt(3, X)),
        (functions.chebyshevu(-3, X), -functions.chebyshevu(1, X)),
        (functions.laguerre(-2, X), functions.exp(X) * (1 + X)),
        (functions.chebyshevu(-1, X), 0 * X),
    ],
)
def test_negative_degrees(made: Any, expected: Any, digits: int) -> None:
    system = system_of(made - expected, ("x",))
    (got,) = in_mpmath(system.graph, system.outputs.nodes, {"x": 0.7})
    assert abs(got) < 1e-30


def test_jacobi_where_its_recurrence_divides_by_0(digits: int) -> None:
    """The limit a -> -1, b -> -2."""
    system = system_of(functions.jacobi(4, -1, -2, X), ("x",))
    (got,) = in_mpmath(system.graph, system.outputs.nodes, {"x": 0.3})
    near = mpmath.mpf(10) ** -12
    assert close(got, mpmath.jacobi(4, near - 1, near * 2 - 2, mpmath.mpf(0.3)), 1e-10)


@pytest.mark.parametrize(("n", "m"), [(0, 0), (1, 1), (2, -1), (3, 2), (5, -4)])
def test_assoc_legendre(n: int, m: int) -> None:
    fn = sg.compile(functions.assoc_legendre(n, m, X), [X], "value", cache=False)
    expected = float(sympy.assoc_legendre(n, m, sympy.Rational(3, 8)))
    assert float(fn([0.375])[0]) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(("n", "m"), [(0, 0), (1, -1), (2, 1), (3, 0), (3, -2), (40, 31)])
def test_spherical_harmonics(n: int, m: int) -> None:
    theta, phi = variables("theta phi")
    parts = spherical_parts(n, m, theta, phi)
    expected = complex(mpmath.spherharm(n, m, 0.4, 0.9))
    real = (-1) ** m * (expected.real if m >= 0 else 0.0) * (2**0.5 if m else 1.0)
    if m < 0:
        real = 2**0.5 * (-1) ** m * complex(mpmath.spherharm(n, -m, 0.4, 0.9)).imag
    znm = 2**0.5 * (expected.real if m > 0 else expected.imag) if m else expected.real
    outputs = [*parts, functions.real_spherical_harmonic(n, m, theta, phi)]
    outputs.append(functions.Znm(n, m, theta, phi))
    got = sg.compile(outputs, [theta, phi], "value", cache=False)(0.4, 0.9)
    assert np.ravel(got) == pytest.approx([expected.real, expected.imag, real, znm], rel=1e-12)


def test_derivatives_at_the_pole() -> None:
    """sin(theta) is the size of sqrt(1 - cos(theta)^2), without its kink."""
    fn = sg.compile(functions.real_spherical_harmonic(1, 1, X, 0), [X], "gradient", cache=False)
    assert float(np.ravel(fn([0.0]))[0]) == pytest.approx((3 / (4 * np.pi)) ** 0.5, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("legendre(x, x)", "degree of legendre must be a constant whole number"),
        ("legendre(5/2, x)", "must be a constant whole number"), ("hermite(-1, x)", "is below 0"),
        ("chebyshevt(5001, x)", "beyond 1000"), ("assoc_legendre(2, 3, x)", "beyond its degree 2"),
        ("Ynm(2, 1, x, x)", "take re\\(Ynm"), ("Ynm(2, x, x, x)", "order of Ynm"),
    ],
)  # fmt: skip
def test_refusals(text: str, words: str) -> None:
    with pytest.raises(FormulaError, match=words):
        sg.compile(text, ["x"], cache=False)


def test_sympy_objects() -> None:
    t, p, k = sympy.symbols("t p k")
    terms = sympy.Sum(sympy.legendre(k, t), (k, 0, 5))
    for expression in (sympy.Ynm(2, 0, t, p), sympy.re(sympy.Ynm(2, 1, t, p)), terms):
        got = sg.compile(expression, [t, p], "value", cache=False)(0.3, 0.2)
        exact = expression.doit().expand(func=True).subs({t: 0.3, p: 0.2}).evalf()
        assert float(np.ravel(got)[0]) == pytest.approx(float(exact), rel=1e-13)
    with pytest.raises(FormulaError, match="complex where m is not 0"):
        sg.compile(sympy.Ynm(2, 1, t, p), [t, p], cache=False)


def test_constants() -> None:
    assert number(X * 0 + 3) is None or number(X * 0 + 3) == 3
    assert whole("legendre", "degree", 4.0) == 4
    assert number(functions.sin(2)) is None
