"""Products and logarithms whose parts overflow: digits, domains, and what is left alone."""

from __future__ import annotations

import numpy as np
import pytest

import symgrad as sg
from symgrad.functions import math
from symgrad.ir.expression import Expr, variables
from symgrad.simplify.digits.overflows import OVERFLOWS
from tests.limits import errors, is_left_alone, plain

# fmt: off
CASES: dict[str, tuple[tuple[float, float], ...]] = {
    "exp(x)/exp(y)": ((800.0, 799.0), (-800.0, -799.0)),
    "sqrt(exp(x))*y": ((800.0, 2.0), (-1400.0, 2.0)),
    "exp(x)**y": ((800.0, 0.125), (-800.0, 0.125)),
    "exp(-x)*besseli(0, x)": ((800.0, 0.0), (-2.0, 0.0), (0.0, 0.0), (1.0, 0.0)),
    "besseli(1, x)/besseli(0, x)": ((900.0, 0.0), (1.0, 0.0), (-1.0, 0.0)),
    "besseli(1, x)*besselk(1, x)": ((900.0, 0.0), (1.0, 0.0)),
    "exp(x)*besselk(0.75, x)": ((900.0, 0.0), (0.5, 0.0)),
    "log(besseli(0, x))": ((900.0, 0.0), (1.0, 0.0), (-20.0, 0.0)),
    "log(2*besselk(1, x))": ((900.0, 0.0), (0.5, 0.0)),
    "log(y/x*exp(-x**2/(2*y**2)))": ((50.0, 1.0), (2.0, 3.0)),
    "log(exp(-x)/(y*(1 + exp(-x))**2))": ((-900.0, 2.0), (900.0, 2.0), (1.0, 2.0)),
    "log(exp(x)/(exp(x) + exp(y)))": ((-900.0, 2.0), (900.0, 2.0), (1.0, 2.0)),
    "log(gamma(x))": ((300.0, 0.0), (2.5, 0.0), (-1.5, 0.0)),
    "log(factorial(x))": ((300.0, 0.0), (2.5, 0.0)),
    "log(y**x*exp(-y)/factorial(x))": ((300.0, 250.0), (3.0, 2.0)),
    "log(binomial(x, y))": ((2000.0, 900.0), (5.0, 2.5)),
    "log(x**(y - 1)*(1 - x)**(2*y)/beta(y, 2*y + 1))": ((0.25, 900.0), (0.25, 2.0)),
    "lgamma(x + y) - lgamma(x) - lgamma(y)": ((1e9, 2.0), (0.5, 0.25)),
    "lgamma(x + 1) - lgamma(y + 1) - lgamma(x - y + 1)": ((1e9, 3.0), (5.0, 2.5)),
    "log(erf(x) - erf(y))": ((10.0, 9.0), (-9.0, -10.0), (1.0, 0.5)),
    "log(erfc(x)/2 - erfc(y)/2)": ((-5.0, -4.0), (0.5, 1.0)),
    "log(tanh(x))": ((40.0, 0.0), (1e-9, 0.0)),
    "log(1 + cosh(x))": ((900.0, 0.0), (0.5, 0.0)),
    "exp(-x**2/2)/(1 - erf(x/sqrt(2)))": ((10.0, 0.0), (-3.0, 0.0)),
    "exp(-x**2/2)/(0.5*erfc(x/sqrt(2)))": ((10.0, 0.0), (-3.0, 0.0)),
}
# fmt: on
@pytest.mark.parametrize("formula", CASES)
def test_digits(formula: str) -> None:
    assert np.max(errors(formula, CASES[formula], plain)) <= 3e-13


x, y, z = variables("x y z")


def test_every_form_is_of_one_class() -> None:
    assert {form.safety for form in OVERFLOWS} == {"rounding"}
    assert not any(form.always for form in OVERFLOWS)


@pytest.mark.parametrize(
    "expr",
    [
        math.exp(x) * math.exp(y),
        math.exp(x) ** 2,
        math.besseli0(x) * y,
        math.besseli0(x) * math.besseli1(y),
        math.log(x * y),
        math.log(math.bose(x) * y),
        math.log(math.erf(x) + math.erf(y)),
        math.log(math.erf(x) - 2 * math.erf(y)),
        math.loggamma(x + y) - math.loggamma(x),
        math.loggamma(x + z) - math.loggamma(x) - math.loggamma(y),
        math.log1mexp(-math.exp(x) * y),
    ],
    ids=str,
)
def test_what_is_left_alone(expr: Expr) -> None:
    assert is_left_alone(expr)


@pytest.mark.parametrize(
    "formula",
    ["log(gamma(x))", "log(x*exp(y))", "log(y**3.5/factorial(x))", "log(besseli(1, x))",
     "log(erf(x) - erf(y))", "log(beta(x, y))", "log(tanh(x))"],
)  # fmt: skip
def test_logarithms_of_negative_numbers_are_none(formula: str) -> None:
    points = np.random.default_rng(1).uniform(-4, 4, (50, 2))
    made, plain = (
        sg.compile(formula, "x y", "value", rewrites=level, jit="never", cache=False)(points)
        for level in ("all", "finite")
    )
    assert np.isnan(plain).any()
    np.testing.assert_array_equal(np.isnan(made), np.isnan(plain))
    np.testing.assert_allclose(made, plain, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("formula", ["log(besseli(0, x))", "besseli(0, x)*besseli(1, 2*x)"])
def test_infinity_stays(formula: str) -> None:
    fn = sg.compile(formula, "x", "value", jit="never", cache=False)
    assert fn(np.array([[np.inf]])) == np.inf
