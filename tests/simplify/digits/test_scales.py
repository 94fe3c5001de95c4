"""Numbers of extreme size in products: what they multiply is in range where they cancel."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.api import read_system
from symgrad.differentiate.tensors import derive
from symgrad.functions import PRIMITIVES
from symgrad.ir.evaluate import evaluate, mpmath_arithmetic
from symgrad.ir.expression import Expr, variables
from symgrad.ir.graph import Graph
from symgrad.ir.system import Tensor
from symgrad.simplify.digits.scales import meet_scales

x, y = variables("x y")

EPSILON = {"float64": 2.0**-53, "float32": 2.0**-24}
ULPS = 100

# fmt: off
CASES: tuple[tuple[str, str, str, tuple[float, ...]], ...] = (
    ("float64", "hessian",  "log(1e-200*(1 + x**2))",               (2.0,)),
    ("float64", "hessian",  "log2(1e-300*x)",                       (2.0,)),
    ("float64", "hessian",  "sqrt(1e-250*(1 + x**2))",              (2.0,)),
    ("float64", "hessian",  "1/(1e-150*(1 + x**2))",                (2.0,)),
    ("float64", "hessian",  "log(6e200*x**2 + 3e201*y)",            (1.0, 2.0)),
    ("float32", "hessian",  "log(1.38e-23*(1 + x**2))",             (2.0,)),
    ("float32", "hessian",  "log(1.38e-23*x**2 + 1.6e-19*y)",       (1.0, 2.0)),
    ("float32", "gradient", "1/(1.38e-23*(1 + x**2))",              (2.0,)),
    ("float32", "hessian",  "1/(1.38e-23*x + 1.6e-19*y)",           (2.0, 3.0)),
    ("float32", "hessian",  "exp(-1.6e-19*y/(1.38e-23*x))",         (1e4, 0.3)),
    ("float32", "gradient", "sqrt(8.9e-12*1.38e-23*x/(y*2.6e-38))", (1e4, 1e18)),
    ("float32", "hessian",  "(1.38e-23*(1 + x**2))**0.3125",        (2.0,)),
    # Variables may be as extreme as the numbers.
    ("float32", "gradient", "1/(1.1e-19*x + 2.3e-19*y)",            (2.5e25, 1e25)),
    ("float32", "hessian",  "(3.4e-10/x)**12 - (3.4e-10/x)**6",     (3.8e-10,)),
    # No double, or no float32, holds these numbers.
    ("float64", "value",    "x*10**400",                            (1e-300,)),
    ("float64", "value",    "x/10**400",                            (1e300,)),
    ("float32", "gradient", "5.7e-54*x**2",                         (1e18,)),
    ("float32", "value",    "9.8e-135/x**12",                       (3.8e-10,)),
    ("float32", "value",    "exp(-1.9e25*sqrt(2.9e-49*x))",         (0.5,)),
    ("float32", "value",    "1.5e-50*where(x > 1, x**3, x**4)",     (5e13,)),
)
# fmt: on


@pytest.mark.parametrize(("dtype", "what", "formula", "point"), CASES)
def test_nothing_in_range_is_lost(
    dtype: str, what: str, formula: str, point: tuple[float, ...]
) -> None:
    names = ["x", "y"][: len(point)]
    fn = sg.compile(formula, names, what, dtype=dtype, jit="never", cache=False)
    at = np.array([point], dtype)
    system = read_system(fn.recipe)
    (tensor,) = derive(system, fn.recipe.requests)
    exact = {name: mpmath.mpf(float(value)) for name, value in zip(names, at[0], strict=True)}
    with mpmath.workdps(50):
        expected = evaluate(system.graph, list(tensor.nodes), exact, mpmath_arithmetic())
        for got, value in zip(np.ravel(fn(at)), expected, strict=True):
            assert abs(float(got) - value) <= ULPS * EPSILON[dtype] * abs(value)


@pytest.mark.parametrize(
    "expr", [3 / (1e9 * x + y), 7e-9 * (x + y) ** -2, (1 + 1e-30 * x) ** -3, 1e-25 * x]
)
def test_ordinary_numbers_stay(expr: Expr) -> None:
    graph = Graph(PRIMITIVES)
    tensor = Tensor("value", (), (graph.add(expr),))
    for dtype in EPSILON:
        assert meet_scales(graph, [tensor], dtype) == [tensor]


@pytest.mark.parametrize(
    ("expr", "point"),
    [
        (1e-90 * y**2 * (1e-45 * x + 3e-46 * y) ** -2, (2.0, 3.0)),
        (1e-60 * (1e-45 * x + 3e-46 * y) ** -1.5, (2.0, 3.0)),
        ((1e-20 * x + 1e-20) ** 2 / (1e-21 * y + 1e-20) ** 3, (2.0, 3.0)),
        (1e90 * y**2 * (1e-45 * x + 3e-46 * y) ** 2, (2.0, 3.0)),
        (2e-50 * (x + y) ** 3 / y, (2.0, 3.0)),
    ],
)
def test_values_stay(expr: Expr, point: tuple[float, float]) -> None:
    graph = Graph(PRIMITIVES)
    (made,) = meet_scales(graph, [Tensor("value", (), (graph.add(expr),))], "float32")
    assert made.nodes != (graph.add(expr),)
    at = {name: mpmath.mpf(value) for name, value in zip("xy", point, strict=True)}
    with mpmath.workdps(50):
        nodes = [graph.add(expr), *made.nodes]
        before, after = evaluate(graph, nodes, at, mpmath_arithmetic())
        assert abs(after - before) <= 1e-15 * abs(before)  # products of doubles are rounded
