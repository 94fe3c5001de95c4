"""Differences of a root and several terms: digits, and what is left alone."""

from __future__ import annotations

import numpy as np
import pytest

from symgrad.functions import math
from symgrad.ir.expression import Expr, variables
from tests.limits import errors, is_left_alone

# fmt: off
CASES: dict[str, tuple[tuple[float, float], ...]] = {
    "(1 - sqrt(1 - 4*x*y))/(2*x)": ((0.0, 0.3), (1e-9, 0.3), (0.5, 0.3), (0.5, -3.0)),
    "(y + 1 - sqrt((y + 1)**2 - 4*x*y))/(2*x)": ((0.0, 2.0), (1e-9, 2.0), (0.5, 2.0), (0.5, -3.0)),
    "(sqrt(y**2 - 4*x) - y)/(2*x)": ((0.0, 2.0), (1e-9, 2.0), (0.5, 2.0), (0.5, -3.0)),
}
# fmt: on


@pytest.mark.parametrize("formula", CASES)
def test_digits(formula: str) -> None:
    assert np.max(errors(formula, CASES[formula])) <= 1e-12


@pytest.mark.parametrize("formula", ["1 + x - sqrt(x**2 + 2*x)", "sqrt(x*(x + 4))/2 - x/2 - 1"])
def test_values_far_away(formula: str) -> None:
    ((value, slope, _),) = errors(formula, [(1e6, 0.0)])
    assert value <= 1e-15
    assert slope <= 1e-9


x, y, z = variables("x y z")


@pytest.mark.parametrize(
    "expr",
    [
        x + y + math.sqrt(x**2 + y),
        x + 1 + math.sqrt(x) + math.sqrt(y),
        x + y - math.sqrt(z),
        x + y + math.sqrt((x - y) ** 2 + 1),
        math.where(y < 1, x, 4 * x) * z,
    ],
    ids=str,
)
def test_what_is_left_alone(expr: Expr) -> None:
    assert is_left_alone(expr)
