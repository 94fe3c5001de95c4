"""Differences as people write them: digits of values and derivatives, and what is left alone."""

from __future__ import annotations

from functools import cache
from typing import Any

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.functions import PRIMITIVES, math
from symgrad.ir.expression import Expr, variables
from symgrad.ir.graph import Graph
from symgrad.ir.system import Tensor
from symgrad.simplify.digits.differences import DIFFERENCES
from symgrad.simplify.rewrite import simplify
from tests.limits import errors, is_left_alone, reference

# fmt: off
CASES: dict[str, tuple[tuple[float, ...], ...]] = {
    "sqrt(4 + x) - 2": ((1e-300, 0.0), (-1e-9, 0.0), (0.5, 0.0), (1e20, 0.0)),
    "y/sqrt(1 - x**2) - y": ((1e-160, 2.0), (1e-8, 2.0), (0.5, 3.0)),
    "(1 + x)**0.3 - 1": ((1e-300, 0.0), (1e-8, 0.0), (1.0, 0.0)),
    "cbrt(1 + x) - 1": ((0.5, 0.0),),
    "x**y - 1": ((2.0, 1e-12), (2.0, 1.5), (1 + 1e-9, 3.0)),
    "(x**y - 1)/y": ((2.0, 0.0), (2.0, 1e-12), (0.5, 0.25), (2.0, 1.5)),
    "(1 - (1 + x)**(-y))/x": ((0.0, 10.0), (1e-12, 10.0), (0.05, 30.0)),
    "x/(1 - (1 + x)**(-y))": ((0.0, 12.0), (1e-12, 12.0), (0.05, 12.0)),
    "(exp(-x) - exp(-2*x))/x": ((0.0, 0.0), (1e-9, 0.0), (0.7, 0.0), (40.0, 0.0), (2000.0, 0.0)),
    "log(sqrt(x) + sqrt(x + 1))": ((1e-14, 0.0), (0.5, 0.0)),
    "sqrt(x**2 + 1) - x": ((1e8, 0.0), (40.0, 0.0), (-3.0, 0.0), (0.0, 0.0)),
    "x - sqrt(x**2 - y)": ((1e8, 1.0), (3.0, 2.0), (-3.0, 2.0)),
    "sqrt(x + 1) - sqrt(x)": ((1e16, 0.0), (0.25, 0.0)),
    "log(x + sqrt(x**2 + 1))": ((-1e8, 0.0), (1e-9, 0.0), (3.0, 0.0)),
    "x*log(x)/(x - 1)": ((1.0, 0.0), (1 + 1e-9, 0.0), (3.0, 0.0), (1e-20, 0.0)),
    "acosh(1 + x)": ((1e-12, 0.0), (0.5, 0.0), (1e20, 0.0)),
    "cos(x)**2 - sin(x)**2": ((0.7853981633974483, 0.0), (2.0, 0.0)),
    "cosh(x) - sinh(x)": ((40.0, 0.0), (800.0, 0.0), (-40.0, 0.0)),
    "y + 3*cosh(x) + 3*sinh(x)": ((-40.0, 0.0), (1.0, 2.0)),
    "sinh(x)**2 - cosh(x)**2 + x": ((20.0, 0.0),),
    "log(x + sqrt(x**2 - 1))": ((1 + 1e-8, 0.0), (40.0, 0.0)),
    "log(2*cosh(x))": ((800.0, 0.0), (0.5, 0.0)),
    "log(3*sinh(x))": ((800.0, 0.0), (0.5, 0.0)),
    "log1p(-exp(x))": ((-1e-12, 0.0), (-40.0, 0.0)),
    "(x - y)/log(x/y)": ((2.0, 2.0), (2.0, 2 + 2e-12), (2.0, 2.25), (2.0, 80.0), (80.0, 2.0)),
    "(log(x) - log(y))/(y - x)": ((2.0, 2.0), (2.0, 2.0002), (3.0, 0.125)),
    "(exp(x) - exp(y))/(x - y)": ((2.0, 2.0), (2.0, 2.0001), (2.0, 4.0)),
    "(exp(-2*x) - exp(-2*y))/(y - x)": ((2.0, 2.0), (2.0, 2.0001), (2.0, 4.0)),
    "(exp(x) - exp(-x))/(exp(x) + exp(-x))": ((800.0, 0.0), (1e-9, 0.0), (-40.0, 0.0)),
    "(exp(x) - 1)/(exp(x) + 1)": ((800.0, 0.0), (1e-9, 0.0), (-40.0, 0.0)),
    "exp(x)/(exp(x) + exp(y))": ((800.0, 800.0), (800.0, -800.0), (-800.0, 800.0), (1.0, 3.0)),
    "exp(x)/(2*exp(x) + 3*exp(y))": ((710.0, 800.0), (1.0, 3.0)),
    "exp(x)/(exp(x) + exp(y) + 1)": ((800.0, 801.0), (-800.0, -801.0), (1.0, 3.0)),
}
# fmt: on


@cache
def results(formula: str) -> Any:
    fn = sg.compile(formula, ["x", "y"], ["value", 1, 2], jit="never", optimize="fast", cache=False)
    return fn(np.array(CASES[formula]))


@pytest.mark.parametrize("formula", CASES)
def test_derivatives_to_order_2(formula: str) -> None:
    value, gradient, hessian = results(formula)
    for row, point in enumerate(CASES[formula]):
        got = {(0, 0): value[row], (1, 0): gradient[row, 0], (0, 1): gradient[row, 1]}
        got |= {(2 - k, k): hessian[row, min(k, 1), k // 2] for k in range(3)}
        for by, number in got.items():
            expected = reference(formula, point, by)
            error = abs(mpmath.mpf(float(number)) - expected)
            assert error <= 1e-13 * abs(expected) + 1e-50, (point, by, number, float(expected))


@pytest.mark.parametrize("formula", ["1 - (1 - x**(1/y))**y", "1 - (1 - x**2.5)**0.4"])
def test_a_power_of_one_minus_a_power(formula: str) -> None:
    """Of van Genuchten's conductivity of soils."""
    assert np.max(errors(formula, [(1e-4, 0.4), (0.5, 0.4), (0.99, 0.4)])) <= 1e-11


x, y, z = variables("x y z")


def test_every_form_is_of_one_class() -> None:
    assert {form.safety for form in DIFFERENCES} == {"rounding"}
    assert not any(form.always for form in DIFFERENCES)


@pytest.mark.parametrize(
    "expr",
    [
        math.sqrt(1 + x) - y,
        math.sqrt(1 + x) + 1,
        math.sqrt(2 + x) - 1,
        math.sqrt(x**2 + y**2) - z,
        math.sqrt(x**2 + 1) + math.exp(x),
        (1 + x) ** 2 - 1,
        x**y - 2,
        math.exp(x) / (math.exp(y) + math.exp(z)),
        (x - y) / math.log(x * y),
        (math.exp(x) - math.exp(y)) / (x - z),
        math.log(x + math.sqrt(y**2 + 1)),
    ],
    ids=str,
)
def test_what_is_left_alone(expr: Expr) -> None:
    assert is_left_alone(expr)


@pytest.mark.parametrize("text", ["((1+x)**5 - 1)/x", "(1 - (1+x)**-4)/x", "((2+x)**3 - 8)/x"])
def test_powers_of_negative_numbers_stay(text):
    points = np.array([[-3.5], [-2.25], [-1.5], [0.25], [3.0]])
    made, plain = (
        sg.compile(text, "x", ["value", "hessian"], rewrites=level, jit="never", cache=False)
        for level in ("all", "finite")
    )
    np.testing.assert_allclose(made(points).value, plain(points).value, rtol=1e-14)
    np.testing.assert_allclose(made(points).hessian, plain(points).hessian, rtol=1e-12)


def test_only_the_conjugate_of_a_leg_is_one() -> None:
    root = math.sqrt(x**2 + 1)
    expr = math.log(math.where(y > 0, z, x + root))
    graph = Graph(PRIMITIVES)
    made, _ = simplify(graph, [Tensor("value", (), (graph.add(expr),))], "all", primal=True)
    assert "log" in made.ops
    assert "asinh" not in made.ops


@pytest.mark.parametrize("power", ["1e-3", "0.5", "(-0.5)", "0.3"])
def test_powers_of_one_less_a_power_near_one(power: str) -> None:
    points = [(1 - 1.2345e-12, 1.7), (1 - 1e-6, 2.0), (1e-9, 1.5), (0.5, 3.0)]
    values = [value for value, *_ in errors(f"1 - (1 - x**y)**{power}", points)]
    assert max(values) <= 1e-15
