"""Formulas as people write them, where their own arithmetic would overflow, cancel or be 0/0."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import product
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp

import symgrad as sg

ULP = 2.0**-52
SMALLEST = 1e-307
STEP = mpmath.mpf(10) ** -40


def derivatives(formula: str, point: float, order: int) -> list[float]:
    """The value and derivatives of a formula of x."""
    fn = sg.compile(formula, "x", ["value", *range(1, order + 1)], cache=False)
    return [float(np.ravel(result)[0]) for result in fn(np.array([point]))]


def limit_at_0(numerator: Callable[[Any], Any], power: int) -> Callable[[Any], Any]:
    """numerator(x)/x^power, the mean of both sides at 0 in so many digits that it is the limit."""

    def value(x: Any) -> Any:
        with mpmath.extradps(200):
            small = mpmath.mpf(10) ** -150
            sides = (x,) if x else (small, -small)
            return sum(numerator(at) / at**power for at in sides) / len(sides)

    return value


def sigmoid(x: Any) -> Any:
    return 1 / (1 + mpmath.exp(-x))


# fmt: off
CASES: tuple[tuple[str, Callable[[Any], Any], tuple[float, ...]], ...] = (
    ("1/(1 + exp(-x))", sigmoid, (-800.0, -40.0, 0.5, 40.0, 800.0)),
    ("exp(x)/(exp(x) + 1)", sigmoid, (-800.0, -40.0, 0.5, 40.0, 800.0)),
    ("1 - 1/(1 + exp(-x))", lambda x: sigmoid(-x), (-800.0, -40.0, 0.5, 40.0, 800.0)),
    ("exp(-x)/(1 + exp(-x))**2", lambda x: sigmoid(x) * sigmoid(-x), (-800.0, 0.5, 40.0, 800.0)),
    ("log(1 + exp(x))", lambda x: mpmath.log1p(mpmath.exp(x)), (-800.0, -40.0, 0.5, 800.0)),
    ("log(exp(x) + exp(2*x))", lambda x: x + mpmath.log1p(mpmath.exp(x)), (-800.0, 0.5, 800.0)),
    ("log(1 - exp(x))", lambda x: mpmath.log(-mpmath.expm1(x)), (-800.0, -40.0, -0.5, -1e-9)),
    ("log(exp(x) - 1)", lambda x: mpmath.log(mpmath.expm1(x)), (1e-9, 0.75, 40.0, 800.0)),
    ("log(1 + x)", mpmath.log1p, (1e-9, -1e-9, 0.5)),
    ("exp(x) - 1", mpmath.expm1, (1e-9, -1e-9, -40.0)),
    ("1 - cos(x)", lambda x: 2 * mpmath.sin(x / 2) ** 2, (1e-9, 0.5)),
    ("cosh(x) - 1", lambda x: 2 * mpmath.sinh(x / 2) ** 2, (1e-9, 0.5)),
    ("log(cosh(x))", lambda x: mpmath.log(mpmath.cosh(x)), (1e-4, 0.5, 20.0, 800.0)),
    ("log(sinh(x))", lambda x: mpmath.log(mpmath.sinh(x)), (1e-9, 0.5, 20.0, 800.0)),
    ("1 - tanh(x)", lambda x: 2 * sigmoid(-2 * x), (0.5, 20.0, -20.0)),
    ("1 - tanh(x)**2", lambda x: mpmath.sech(x) ** 2, (0.5, 20.0, 300.0)),
    ("tanh(x)", mpmath.tanh, (0.5, 20.0, 300.0)),
    ("1/cosh(x)", mpmath.sech, (0.5, 20.0, 700.0)),
    ("1 - erf(x)", mpmath.erfc, (0.5, 10.0, 26.0)),
    ("1 + erf(x)", lambda x: mpmath.erfc(-x), (0.5, -10.0, -26.0)),
    ("1/(exp(x) - 1)", lambda x: 1 / mpmath.expm1(x), (1e-9, 0.5, 40.0, 700.0)),
    ("x**3/(exp(x) - 1)", limit_at_0(lambda x: x**4 / mpmath.expm1(x), 1), (0.5, 40.0, 700.0)),
    ("sin(x)/x", limit_at_0(mpmath.sin, 1), (0.0, 1e-9, 1e-5, 0.1, 30.0)),
    ("sin(3*x)/x", limit_at_0(lambda x: mpmath.sin(3 * x), 1), (0.0, 1e-9, 0.1)),
    ("where(x != 0, sin(x)/x, 1)", limit_at_0(mpmath.sin, 1), (0.0, 1e-9, 0.1)),
    ("where(Eq(x, 0), 2, sin(2*x)/x)", limit_at_0(lambda x: mpmath.sin(2 * x), 1), (0.0, 1e-9)),
    ("(exp(x) - 1)/x", limit_at_0(mpmath.expm1, 1), (0.0, 1e-9, 0.1, -30.0)),
    ("log(1 + x)/x", limit_at_0(mpmath.log1p, 1), (0.0, 1e-9, 0.1)),
    ("(1 - cos(x))/x**2", limit_at_0(lambda x: 1 - mpmath.cos(x), 2), (0.0, 1e-9, 0.1)),
    ("sinh(x)/x", limit_at_0(mpmath.sinh, 1), (0.0, 1e-9, 0.1, 30.0)),
    ("asin(x)", mpmath.asin, (1e-9, 0.5, 1 - 1e-9)),
    ("acoth(x)", mpmath.acoth, (1 + 1e-9, 1.5, 1e8)),
    ("asec(x)", mpmath.asec, (1 + 1e-9, 1.5, 1e8)),
)
# fmt: on


@cache
def results() -> list[Any]:
    """The value and derivatives to order 4 of all formulas at all their points, by one kernel."""
    fn = sg.compile([formula for formula, _, _ in CASES], "x", range(5), cache=False)
    return list(fn(np.concatenate([points for _, _, points in CASES])))


@pytest.mark.parametrize("case", range(len(CASES)), ids=[formula for formula, _, _ in CASES])
def test_derivatives_to_order_4(case: int) -> None:
    _, definition, points = CASES[case]
    start = sum(len(others) for _, _, others in CASES[:case])
    for index, point in enumerate(points):
        with mpmath.workdps(400):
            for order in range(5):
                expected = mpmath.diff(definition, mpmath.mpf(point), order, h=STEP)
                scale = max(abs(expected), mpmath.mpf(10) ** -14 if point == 0 else 0)
                got = float(results()[order][start + index, case].item())
                error = abs(mpmath.mpf(got) - expected)
                assert error <= 64 * ULP * scale + SMALLEST, (point, order, got, float(expected))


def test_the_root_that_is_not_taken() -> None:
    assert derivatives("where(x > 0, sqrt(x), 0)", 0.0, 2) == [0.0, 0.0, 0.0]
    assert derivatives("where(x > 0, sqrt(x), 0)", 0.25, 2) == [0.5, 1.0, -2.0]


@pytest.mark.parametrize(
    ("formula", "point", "expected"),
    [
        ("((x - 1)**2)**0.75", 1.0, [0.0, 0.0, np.inf]),
        ("((x - 1)**2)**1.5", 1.0, [0.0, 0.0, 0.0, 0.0, 0.0]),
        ("((x - 1)**2)**1.25", 1.0, [0.0, 0.0, 0.0]),
        ("((x - 1)**2)**1.75", 2.0, [1.0, 3.5, 8.75, 13.125, 6.5625]),
        ("((x - 1)**2)**1.75", 0.0, [1.0, -3.5, 8.75, -13.125, 6.5625]),
        ("((x - 1)**2)**0.3", 2.0, [1.0, 0.6, 0.6 * -0.4]),
        ("sqrt(x**2)", -3.0, [3.0, -1.0, 0.0]),
        ("abs(x)**2.5", 0.0, [0.0, 0.0, 0.0]),
        ("abs(x)**4.5", 0.0, [0.0, 0.0, 0.0, 0.0, 0.0]),
        ("abs(x)**2", 0.0, [0.0, 0.0, 2.0, 0.0, 0.0]),
        ("abs(x)**3", 0.0, [0.0, 0.0, 0.0, 0.0, 0.0]),
        ("logaddexp(x, 1000, 1000)", 1000.0, [1000.0 + np.log(3.0), 1 / 3, 2 / 9]),
        ("sech(x)", 800.0, [0.0, 0.0, 0.0, 0.0, 0.0]),
        ("csch(x)", 800.0, [0.0, 0.0, 0.0, 0.0, 0.0]),
        ("coth(x)", 800.0, [1.0, 0.0, 0.0, 0.0, 0.0]),
        ("acot(x)", 0.0, [np.pi / 2, -1.0, 0.0, 2.0, 0.0]),
    ],
)
def test_known_numbers(formula: str, point: float, expected: list[float]) -> None:
    got = derivatives(formula, point, len(expected) - 1)
    np.testing.assert_allclose(got, expected, rtol=4e-15, atol=0)


def test_a_sympy_power_of_a_square() -> None:
    d, p = sp.Symbol("d", real=True), sp.Symbol("p", real=True)
    fn = sg.compile(((d - 1) ** 2) ** p, [d], ["value", "gradient", "hessian"], parameters=[p])
    value, gradient, hessian = fn(np.array([1.0, 3.0, -1.0]), p=1.25)
    np.testing.assert_allclose(value, [0.0, 2**2.5, 2**2.5], rtol=4e-15)
    np.testing.assert_allclose(gradient[:, 0], [0.0, 2.5 * 2**1.5, -2.5 * 2**1.5], rtol=4e-15)
    np.testing.assert_allclose(hessian[:, 0, 0], [0.0, 3.75 * 2**0.5, 3.75 * 2**0.5], rtol=4e-15)


def rotated(sinc: Any, cosc: Any, r: Any, x: Any) -> list[Any]:
    """Rodrigues' formula: x + sinc r * x + cosc r * (r * x), * being the cross product."""

    def cross(a: Any, b: Any) -> list[Any]:
        return [a[i - 2] * b[i - 1] - a[i - 1] * b[i - 2] for i in range(3)]

    once = cross(r, x)
    twice = cross(r, once)
    return [x[i] + sinc * once[i] + cosc * twice[i] for i in range(3)]


def residual(turned: Any, radial: Any, focal: Any) -> list[Any]:
    """The image of a turned point: perspective, radial distortion, focal length."""
    u, v = turned[0] / turned[2], turned[1] / turned[2]
    square = u * u + v * v
    distortion = 1 + radial[0] * square + radial[1] * square * square
    return [focal * distortion * u, focal * distortion * v]


RADIAL, FOCAL, POINT = (-0.125, 0.0625), 1.5, (0.25, -0.5, 2.0)


SIZES = (0.0, 1e-10, 1e-6, 1e-3, 0.5)
INDICES = [(), *product(range(3)), *product(range(3), repeat=2)]


@pytest.mark.parametrize("threshold", [0, 1e-8, 1e-4])
def test_bundle_adjustment_without_rotation(threshold: float) -> None:
    r = sp.symbols("r:3", real=True)
    angle = sp.sqrt(sum(c * c for c in r))
    square = angle**2
    sinc = sp.Piecewise((sp.sin(angle) / angle, angle > threshold), (1 - square / 6, True))
    cosc = sp.Piecewise(
        ((1 - sp.cos(angle)) / square, angle > threshold),
        (sp.Rational(1, 2) - square / 24, True),
    )
    outputs = residual(rotated(sinc, cosc, r, POINT), RADIAL, FOCAL)
    fn = sg.compile(outputs, r, [0, 1, 2], cache=False)
    points = np.outer(SIZES, (0.6, -0.48, 0.64))
    found = np.concatenate([np.reshape(part, (len(SIZES), 2, -1)) for part in fn(points)], 2)
    for point, results in zip(points, found, strict=True):
        for output, got in enumerate(results):
            expected = [exact_partial(tuple(point.tolist()), output, index) for index in INDICES]
            np.testing.assert_allclose(got, expected, rtol=1e-13, atol=2e-13)


@cache
def exact_partial(point: tuple[float, ...], output: int, index: tuple[int, ...]) -> float:
    """A partial derivative of the image, whose functions of the angle are series in its square."""

    def image(*r: Any) -> Any:
        s = sum(c * c for c in r)
        first = sum((-s) ** k / mpmath.factorial(2 * k + 1) for k in range(16))
        second = sum((-s) ** k / mpmath.factorial(2 * k + 2) for k in range(16))
        numbers = [mpmath.mpf(value) for value in POINT]
        return residual(rotated(first, second, r, numbers), RADIAL, FOCAL)[output]

    with mpmath.workdps(40):
        orders = tuple(index.count(i) for i in range(3))
        return float(mpmath.diff(image, tuple(map(mpmath.mpf, point)), orders))
