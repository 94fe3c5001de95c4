"""Formulas that cancel or are 0/0 at 0: their digits, and what is left as it is written."""

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
from symgrad.ir.traverse import reachable
from symgrad.simplify.rewrite import simplify
from tests.limits import errors

NAMES = {name: getattr(mpmath, name) for name in dir(mpmath) if not name.startswith("_")}
POINTS = (0.0, 1e-40, -1e-8, 1e-3, 0.3, 0.9)
FORMULAS = (
    "3*(sin(x) - x*cos(x))/x**3",
    "sin(x)/x**2 - cos(x)/x",
    "(x - sin(x))/x**3",
    "x - sin(x)",
    "(exp(x) - 1 - x)/x**2",
    "(exp(x) - exp(-x))/(2*x)",
    "tanh(x)/x",
    "x/sin(3*x)",
    "coth(x) - 1/x",
    "(coth(3*x) - 1/(3*x))**2",
    "1/(exp(x) - 1) - 1/x",
    "x**2*exp(x)/(exp(x) - 1)**2",
    "(x*cosh(x) - sinh(x))/(x*sinh(x))",
    "erf(0.7*x)/x",
    "log(sin(x)/x)",
    "(1 - exp(-x**2/2) - x**2/2)/x**4",
    "(1 - exp(-x)*(1 + x))/x**2",
    "(3/x**3 - 1/x)*sin(x) - 3/x**2*cos(x)",
    "(2*besselj(1, x)/x)**2",
    "besseli(1, x)/x - besseli(0, x)/2",
    "(erf(x) - 2*x*exp(-x**2)/sqrt(pi))/x**2",
)
ROOTS = (
    "cos(sqrt(x))",
    "(1 - cos(sqrt(x)))/x",
    "(sqrt(x) - sin(sqrt(x)))/sqrt(x)**3",
    "sqrt(pi/x)*erf(sqrt(x))/2",
    "(sqrt(pi/x)*erf(sqrt(x))/2 - exp(-x))/x",
)
"""Entire functions of x, which as they are written are none of negative numbers."""


def reference(formula: str, point: float, order: int) -> Any:
    """A derivative at a point, or so near to 0 that it is the limit."""
    at = mpmath.mpf(point) if point else mpmath.mpf(10) ** -60
    with mpmath.workdps(250 - 8 * min(0, int(mpmath.log10(abs(at))))):
        return mpmath.diff(
            lambda x: eval(formula, NAMES, {"x": x}), at, order, h=abs(at) * mpmath.mpf(10) ** -30
        )


@cache
def results() -> list[Any]:
    fn = sg.compile([*FORMULAS, *ROOTS], "x", range(4), jit="never", optimize="fast", cache=False)
    return list(fn(np.array(POINTS)))


@pytest.mark.parametrize("formula", [*FORMULAS, *ROOTS])
def test_derivatives_to_order_3(formula: str) -> None:
    place = (*FORMULAS, *ROOTS).index(formula)
    for row, point in enumerate(POINTS):
        for order in range(4 if point >= 0 or formula in FORMULAS else 0):
            expected = reference(formula, point, order)
            got = float(results()[order][row, place].item())
            error = abs(mpmath.mpf(got) - expected)
            scale = abs(expected) if point else max(abs(expected), 1e-3)
            assert error <= 1e-13 * scale + 1e-307, (point, order, got, float(expected))


def test_radial_functions_are_smooth_at_the_origin() -> None:
    r = "sqrt(x**2 + y**2)"
    formulas = [f"sin({r})/{r}", f"cos({r})", f"tanh(2*{r})/{r}"]
    fn = sg.compile(formulas, ["x", "y"], ["jacobian", "hessian"], cache=False, jit="never")
    jacobian, hessian = fn(np.zeros((1, 2)))
    np.testing.assert_array_equal(jacobian, 0.0)
    for found, bend in zip(hessian[0], (-1 / 3, -1.0, -16 / 3), strict=True):
        np.testing.assert_allclose(found, bend * np.eye(2), rtol=4e-16, atol=0)


def test_products_in_the_argument_and_factors_outside() -> None:
    formula = "c*(sin(k*r) - k*r*cos(k*r))/(k*r)**3 + c"
    fn = sg.compile(formula, ["r", "k"], ["value", "gradient"], parameters=["c"], jit="never")
    value, gradient = fn(np.array([[0.0, 2.0], [1e-9, 2.0]]), c=3.0)
    np.testing.assert_allclose(value, 4.0, rtol=4e-16)
    np.testing.assert_allclose(gradient, [[0.0, 0.0], [-0.8e-9, -0.4e-18]], rtol=1e-15, atol=0)


x, y, z = variables("x y z")


def polynomials(expr: Expr, level: str = "all") -> int:
    """How many Taylor polynomials a formula is given."""
    graph = Graph(PRIMITIVES)
    tensor = Tensor("value", (), (graph.add(expr),))
    made, (kept,) = simplify(graph, [tensor], level, primal=True)
    return [made.ops[node] for node in reachable(made, kept.nodes)].count("taylor")


@pytest.mark.parametrize(
    "expr",
    [
        math.sin(x) / x,  # a row of its own has better derivatives
        math.exp(-x) / x,
        math.cos(x) + x,
        x - y * math.sin(x),
        math.sin(x) - math.sin(y),
        math.exp(-x) - math.exp(-2 * x),
        math.sin(x) * math.cos(y) / z,
        math.cos(math.sqrt(x)) * math.sin(math.sqrt(x)),  # no number at 0 in any case
        math.tanh(x) - x * float("inf"),
        math.sin(x) ** 1000 / math.tan(x),
        (math.tanh(x) - 3) ** 0.5 / x,
        math.sqrt(1 - math.cos(x)) / x,  # sign(x) times a smooth function
        math.sin(x * y) / math.sqrt(x / y),  # the root is of a quotient, whatever their signs
    ],
    ids=str,
)
def test_what_is_left_alone(expr: Expr) -> None:
    assert polynomials(expr) == 0


def test_one_for_what_is_inside_another() -> None:
    assert polynomials((x - math.sin(x)) / x**3 + y) == 1
    assert polynomials(math.tanh(x) / x + math.tanh(y) / y) == 2
    assert polynomials(math.cos(z) * (x - math.tan(x)) * math.exp(y)) == 1


@pytest.mark.parametrize("level", ["exact", "finite"])
def test_the_way_out(level: str) -> None:
    assert polynomials(math.tanh(x) / x, level) == 0


@pytest.mark.parametrize(
    ("text", "x"),
    [
        ("sqrt(sin(x) + 1) - 1 - x/2", -1.8),
        ("sqrt(1 - sin(x)**2) - 1", 1.8),
        ("(1 - sin(x))**0.5/x - 1/x", 1.9),
        ("sqrt(1 - sin(2*x)**2)/x - 1/x", 0.9),
    ],
)
def test_roots_keep_their_sign_beyond_a_zero(text: str, x: float) -> None:
    made, plain = (
        sg.compile(text, "x", ["value", "gradient", "hessian"], rewrites=level, jit="never")
        for level in ("all", "finite")
    )
    for name in ("value", "gradient", "hessian"):
        got, expected = (fn(np.array([[x]]))[name] for fn in (made, plain))
        np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_products_of_many_factors_stay() -> None:
    text = (
        "*".join([f"tanh(x{k})/x{k}" for k in range(9)])
        + "+"
        + "*".join(map("x{}".format, range(9)))
    )
    fn = sg.compile(text, [f"x{k}" for k in range(9)], "value", jit="never")
    point = np.linspace(0.5, 1.5, 9)
    assert fn(point) == pytest.approx(np.prod(np.tanh(point) / point) + np.prod(point), rel=1e-14)


@pytest.mark.parametrize(
    "formula", ["sinh(y*sqrt(x))/sqrt(x)", "cos(sqrt(x)*y)", "(1 - cos(3*y*sqrt(x)))/x"]
)
def test_even_functions_of_a_root_times_something(formula: str) -> None:
    assert np.max(errors(formula, [(0.0, 2.0), (1e-9, 2.0), (0.5, 2.0)])) <= 1e-13


@pytest.mark.parametrize(
    "formula",
    [
        "y*(log(1 + x) - x/(1 + x))/x**2",
        "(1 + x)/x**3*(2*x*(1 + x)/(1 + 2*x) - log(1 + 2*x)) + y",
    ],
)
def test_quotients_by_sums_among_the_terms(formula: str) -> None:
    assert np.max(errors(formula, [(0.0, 1.0), (1e-9, 1.0), (1e-2, 1.0)])) <= 1e-13


def test_roots_beside_squares_that_overflow() -> None:
    value = sg.compile("cos(sqrt(y)*x)", "x y", "value", jit="never", cache=False)
    np.testing.assert_array_equal(value([(1e160, 0.0), (2.0, 0.0), (0.1, -0.1)]), [1, 1, np.nan])


@pytest.mark.parametrize("formula", ["cos(y*sqrt(1 + x**2))", "cosh(sqrt(2 + x**2*y**4))"])
def test_roots_that_cannot_vanish_are_left(formula: str) -> None:
    fn = sg.compile(formula, "x y", ["value", "gradient"], jit="never", cache=False)
    assert "lt" not in fn.operations.counts
