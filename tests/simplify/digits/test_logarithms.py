"""Logarithms that are inverse hyperbolic functions: digits, and what is left alone."""

from __future__ import annotations

import numpy as np
import pytest

import symgrad as sg
from symgrad.functions import math
from symgrad.ir.expression import Expr, variables
from symgrad.simplify.digits.logarithms import LOGARITHMS
from tests.limits import errors, is_left_alone

# fmt: off
CASES: dict[str, tuple[tuple[float, float], ...]] = {
    "log((1 + x*y)/(1 - x*y))/x": ((0.0, 0.5), (1e-9, 0.5), (0.7, 0.5)),
    "y*log((1 - x)/(1 + x))": ((1e-9, 0.5), (0.7, 0.5)),
    "y*log((x - 1)/(x + 1))": ((1e8, 1.0), (-1.5, 1.0)),
    "y*log((x + 1)/(x - 1))": ((1e8, 1.0), (1.5, 1.0)),
    "log(tan(pi/4 + x/2)) + y": ((1e-9, 0.0), (1.25, 0.0), (-1.25, 0.0)),
    "log(1 + x - sqrt(x**2 + 2*x)) + 0*y": ((2e-10, 0.0), (0.3, 0.0), (40.0, 0.0)),
    "4*atan(exp(x)) - pi + y": ((1e-9, 0.0), (1.25, 0.0), (-40.0, 2.0)),
}
# fmt: on


@pytest.mark.parametrize("formula", CASES)
def test_digits(formula: str) -> None:
    assert np.max(errors(formula, CASES[formula])) <= 1e-13


def test_no_number_where_the_formula_is_none() -> None:
    x = variables("x")
    value = sg.compile(math.log(math.tan(math.pi / 4 + x / 2)), [x], "value", cache=False)
    assert np.isnan(value([2.5, -3.0])).all()


def test_every_form_is_of_one_class() -> None:
    assert {form.safety for form in LOGARITHMS} == {"rounding"}


x, y = variables("x y")


@pytest.mark.parametrize(
    "expr",
    [
        math.log((1 + x) / (1 - y)),
        math.log((1 + x) / (2 - x)),
        math.log((1 + x) / (1 + 2 * x)),
        math.log(2 * (1 + x) / (1 - x)),
        math.log((x + y) / (x - y)),
        math.log(math.tan(math.pi / 3 + x)),
        math.log(math.tan(1 + math.pi / 4 + x)),
        math.atan(math.exp(x)) - math.pi / 3,
    ],
    ids=str,
)
def test_what_is_left_alone(expr: Expr) -> None:
    assert is_left_alone(expr)
