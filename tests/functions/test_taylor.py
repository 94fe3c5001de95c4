"""The row of Taylor polynomials: closed under differentiation, and short where it ends in zeros."""

from __future__ import annotations

import numpy as np

import symgrad as sg
from symgrad.functions import PRIMITIVES, taylor
from symgrad.functions.taylor import TERMS


def polynomial(*coefficients: float) -> str:
    numbers = [*coefficients, *[0] * (TERMS - len(coefficients))]
    return f"taylor(x, {', '.join(map(str, numbers))})"


def test_the_row_is_in_the_table() -> None:
    assert all(PRIMITIVES[row.name] is row for row in taylor.ROWS)


def test_derivatives_are_those_of_the_polynomial() -> None:
    fn = sg.compile(polynomial(1, 2, 3, 4), "x", range(5), cache=False, jit="never")
    got = [float(np.ravel(result)[0]) for result in fn(np.array([0.5]))]
    assert got == [3.25, 8.0, 18.0, 24.0, 0.0]


def test_zeros_at_the_end_cost_nothing() -> None:
    fn = sg.compile(polynomial(1, 2, 3), "x", "value", cache=False, jit="never")
    assert fn.operations.total <= 4


def test_coefficients_may_vary() -> None:
    formula = polynomial(1, 2).replace("2", "a", 1)
    fn = sg.compile(formula, ["x", "a"], "gradient", cache=False, jit="never")
    np.testing.assert_array_equal(fn(np.array([[3.0, 5.0]])), [[5.0, 3.0]])
