"""Quotients that are 0/0 or 1^oo, and derivatives of quotients: digits, and what is left alone."""

from __future__ import annotations

import numpy as np
import pytest

import symgrad as sg
from symgrad.functions import math
from symgrad.ir.expression import Expr, variables
from symgrad.simplify.digits.quotients import QUOTIENTS
from tests.limits import errors, is_left_alone

# fmt: off
CASES: dict[str, tuple[tuple[float, float], ...]] = {
    "sqrt(x**2 + 1e-6)": ((1.0, 0.0), (-40.0, 0.0), (1e-9, 0.0)),
    "x**3/(x**3 + y**3)": ((100.0, 1.0), (1.0, 1e4)),
    "1 - x/(x + y)": ((1e9, 1.0), (1.0, 1e9)),
    "exp(x)/(exp(x) + exp(y) + 1)": ((40.0, 0.0), (-3.0, 40.0)),
    "(x**3 - y**3)/(x - y)": ((2.0, 2.0), (2.0, 2.0 + 1e-9), (2.0, -3.0)),
    "(1 - x**5)/(1 - x)": ((1.0, 0.0), (1.0 + 1e-9, 0.0), (-2.0, 0.0)),
    "y*(-x - 2)/(x + 2)": ((-2.0, 3.0), (5.0, 3.0)),
    "sin((1 - y)*x)/sin(x)": ((0.0, 0.3), (1e-9, 0.3), (1.0, 0.3)),
    "expm1(x*y)/sinh(x)": ((0.0, 0.3), (1e-9, 0.3), (1.0, 0.3)),
    "sinh(x*y)/sinh(x)": ((0.0, 0.3), (1e-9, 0.3), (1.0, 0.3), (800.0, 0.875)),
    "cosh(x - y)/cosh(x)": ((800.0, 1.0), (600.0, 600.0), (-900.0, 1.0), (1.0, 3.0)),
    "cosh(x - y)/sinh(x)": ((-800.0, 1.0), (1.0, 3.0)),
    "(sin(y + x) - sin(y))/x": ((0.0, 0.5), (1e-9, 0.5), (0.75, 0.5)),
    "y/x*(cos(y) - cos(y + x*y))": ((0.0, 0.5), (1e-9, 0.5), (0.75, 0.5)),
    "(sqrt(x) - sqrt(y))/(y - x)": ((2.0, 2.0), (2.0, 2.0 + 1e-9), (2.0, 5.0)),
    "(1/x - 1/y)/(x - y)": ((2.0, 2.0), (2.0, 2.0 + 1e-9), (2.0, -5.0)),
    "(exp(-1/x) - exp(-1/y))/(x - y)": ((2.0, 2.0), (2.0, 2.0 + 1e-9), (2.0, 5.0)),
    "y*acos(x)/sqrt(1 - x**2)": ((1.0, 2.0), (1 - 1e-9, 2.0), (0.75, 2.0), (-0.5, 2.0)),
    "acosh(x)*y/sqrt(x**2 - 1)": ((1.0, 2.0), (1 + 1e-9, 2.0), (1.25, 2.0), (40.0, 2.0)),
    "acos(x*y)/sin(acos(x*y))": ((1.0, 1.0), (1 - 1e-9, 1.0), (0.75, 0.25)),
    "sqrt(1 - cos(x)**2*y**2)/acos(cos(x)*y)": ((1e-9, 1.0), (0.75, 0.25)),
    "(1 + x*y)**(-1/x)": ((0.0, 2.0), (1e-9, 2.0), (0.2, 2.0), (1.0, 3.0)),
    "(1 + y/x)**x": ((1e9, 2.0), (4.0, 2.0)),
    "(1 + (y - 1)*x**2)**(y/(y - 1)) - 1": ((0.05, 1.4), (0.5, 1.4)),
    "(1 + 1/x)*log(1 + x*y)": ((0.0, 2.0), (1e-9, 2.0), (0.5, 2.0)),
}
# fmt: on
TOLERANCE = 1e-13


@pytest.mark.parametrize("formula", CASES)
def test_digits(formula: str) -> None:
    assert np.max(errors(formula, CASES[formula])) <= TOLERANCE


x, y, z = variables("x y z")


def test_every_form_is_of_one_class() -> None:
    assert {form.safety for form in QUOTIENTS} == {"rounding"}


@pytest.mark.parametrize(
    "expr",
    [
        1 / (x + y) + x / (x + y) ** 2,
        1 / (x + y) - z / (x + y) ** 2,
        1 / (x + y) - 2 * x / (x + y) ** 2,
        (x**2 + y**2) / (x + y),
        (x**2 - 0.5 * y) / (x + y),
        math.sin(x) / math.sin(y),
        math.sin(2 * y) * math.sin(y),
        math.cosh(x) * math.cosh(y),
        (math.sin(x) - math.sin(y)) / z,
        (math.tan(x) - math.tan(y)) / (x - y),
        (1 + x * y) ** z,
        (2 + x * y) ** (1 / x),
        (1 + 1 / z) * math.log1p(x * y),
    ],
    ids=str,
)
def test_what_is_left_alone(expr: Expr) -> None:
    assert is_left_alone(expr)


def test_whole_powers_of_negative_numbers_stay() -> None:
    """The base 1 + x y may be below 0 where the exponent is whole; its logarithm is no number."""
    fn = sg.compile("(1 + x*y)**(-1/x)", "x y", ["value", 1], jit="never", cache=False)
    value, gradient = fn(np.array([[1.0, -3.0], [0.5, -6.0], [1.5, -6.0]]))
    np.testing.assert_allclose(value, [-0.5, 0.25, np.nan], rtol=1e-14)
    assert np.isfinite(gradient[:2, 1]).all()


def test_infinity_stays() -> None:
    fn = sg.compile("(1 + 1/x)*log(1 + x*y)", "x y", "value", jit="never", cache=False)
    assert fn(np.array([[2.0, np.inf]])) == np.inf


def test_differences_stay_together() -> None:
    """x - y has all its digits, and a sum in another order or multiplied out would not."""
    formulas = ["((x - y)**4 - z**4)/((x - y)**2 - z**2)", "z/((x - y) + z + 1e-3)"]
    fn = sg.compile(formulas, "x y z", ["value", 1], jit="never", cache=False)
    x, y, z = 1e8 + 0.5, 1e8, 0.25
    value, jacobian = fn(np.array([[x, y, z]]))
    np.testing.assert_allclose(value, [[0.3125, z / 0.751]], rtol=1e-14)
    np.testing.assert_allclose(jacobian[0, :, 2], [0.5, 0.501 / 0.751**2], rtol=1e-14)


def test_infinite_coefficients_are_no_fractions() -> None:
    expr = float("inf") * x / (x + y)
    fn = sg.compile(expr, [x, y], ["value", 1], jit="never", optimize="fast", cache=False)
    assert fn(np.array([1.0, 2.0])).value == np.inf


@pytest.mark.parametrize(
    ("expr", "outside"),
    [
        (math.acos(x) / math.sqrt(1 - x**2), 1.001),
        (math.sinc(math.acos(x)), 1.001),
        (math.acosh(x) / math.sqrt(x**2 - 1), 0.999),
    ],
    ids=str,
)
def test_no_number_where_the_arc_is_none(expr: Expr, outside: float) -> None:
    value, slope = sg.compile(expr, [x], ["value", "gradient"], jit="never", cache=False)([outside])
    assert np.isnan([value[0], slope[0, 0]]).all()
