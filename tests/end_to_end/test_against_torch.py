"""Compiled derivatives of plain Python functions against torch, mpmath and complex steps.

The functions are run by torch, mpmath and NumPy as they stand, so that nothing of symgrad, tracing
included, is part of the oracle.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import symgrad as sg
from tests.oracles import (
    Array,
    Function,
    assert_close,
    complex_step,
    mpmath_partial,
    outputs,
    tolerance,
    torch_gradient,
)


@dataclass(frozen=True)
class Problem:
    """A function of ``n`` inputs, and the interval to sample them in."""

    name: str
    n: int
    function: Function
    interval: tuple[float, float] = (0.5, 1.5)

    def points(self, count: int) -> Array:
        return np.random.default_rng(len(self.name)).uniform(*self.interval, (count, self.n))


def option_price(m: Any, x: Any) -> Any:
    """A call after Black and Scholes, with the logistic curve in place of the normal one."""
    spot, strike, rate, time, volatility = x
    spread = volatility * m.sqrt(time)
    d = (m.log(spot / strike) + (rate + volatility**2 / 2) * time) / spread
    return spot / (1 + m.exp(-d)) - strike * m.exp(-rate * time) / (1 + m.exp(spread - d))


def arm(m: Any, x: Any) -> Any:
    """Where a planar arm of three links ends, and its angle."""
    a, b, c, length = x
    east = length * m.cos(a) + m.cos(a + b) + m.cos(a + b + c) / 2
    north = length * m.sin(a) + m.sin(a + b) + m.sin(a + b + c) / 2
    return [east, north, m.atan(north / (4 + east))]


def potential(m: Any, x: Any) -> Any:
    """Lennard-Jones between three particles on a line, and a wall."""
    distances = [x[1] - x[0] + 3, x[2] - x[1] + 3, x[2] - x[0] + 6]
    pairs = [distance**-12 - 2 * distance**-6 for distance in distances]
    return 1e6 * (pairs[0] + pairs[1] + pairs[2]) + m.exp(-3 * x[0]) + x[0] * x[1] * x[2]


def network(m: Any, x: Any) -> Any:
    """Two layers with tanh, and the softmax of what comes out."""
    hidden = [m.tanh(x[0] * (k + 1) / 3 - x[1] * x[2] + x[3] ** k) for k in range(3)]
    scores = [m.exp(hidden[k] * x[k] - hidden[(k + 1) % 3]) for k in range(3)]
    return [score / (scores[0] + scores[1] + scores[2]) for score in scores]


def kinks(m: Any, x: Any) -> Any:
    """Branches away from their edges."""
    return [abs(x[0] - 1.7) * x[1], (x[0] + x[1]) ** 1.5 / m.cosh(x[1]), m.sinh(x[0]) ** -2]


PROBLEMS = (
    Problem("option_price", 5, option_price),
    Problem("arm", 4, arm, (-1.0, 1.0)),
    Problem("potential", 3, potential, (-0.5, 0.5)),
    Problem("network", 4, network),
    Problem("kinks", 2, kinks),
)
SMOOTH = [problem for problem in PROBLEMS if problem.name != "kinks"]
BY_NAME = {"argvalues": PROBLEMS, "ids": lambda problem: problem.name}


def traced(problem: Problem) -> tuple[list[Any], list[Any]]:
    x = sg.variables("x", problem.n)
    return outputs(problem.function, sg.math, x), list(x)


@pytest.fixture(scope="module")
def compiled() -> dict[tuple[str, str], sg.CompiledFunction]:
    """One kernel a problem and dtype, shared by the tests of this file."""
    made = {}
    for problem in PROBLEMS:
        wanted = ["value", "jacobian", "hessian", 3]
        made[problem.name, "float64"] = sg.compile(*traced(problem), wanted, cache=False)
    for problem in PROBLEMS[:2]:
        wanted = ["value", "jacobian", "hessian"]
        made[problem.name, "float32"] = sg.compile(
            *traced(problem), wanted, dtype="float32", batch_axis=-1, cache=False
        )
    return made


@pytest.mark.parametrize("problem", **BY_NAME)
def test_every_order_against_torch(problem: Problem, compiled: dict, torch: Any) -> None:
    points = problem.points(7)
    results = compiled[problem.name, "float64"](points)
    for order, got in enumerate(results):
        want = torch_gradient(problem.function, points, order)
        assert_close(got, want, "float64", order, f"{problem.name} order {order}")


@pytest.mark.parametrize("problem", PROBLEMS[:2], ids=lambda problem: problem.name)
def test_float32_points_last_against_torch(problem: Problem, compiled: dict, torch: Any) -> None:
    points = problem.points(5).astype("float32")
    results = compiled[problem.name, "float32"](points.T.copy())
    for order, got in enumerate(results):
        assert got.dtype == np.float32
        want = torch_gradient(problem.function, points, order)
        assert_close(np.moveaxis(got, -1, 0), want, "float32", order, problem.name)


@pytest.mark.parametrize("problem", **BY_NAME)
def test_entries_against_mpmath(problem: Problem, compiled: dict) -> None:
    """Every entry of value, Jacobian and Hessian at one point, without any rule."""
    points = problem.points(1)
    results = list(compiled[problem.name, "float64"](points))[:3]
    for order, got in enumerate(results):
        indices = list(itertools.product(range(problem.n), repeat=order))
        columns = [mpmath_partial(problem.function, points[0], index) for index in indices]
        want = np.array(columns, float).T.reshape(got.shape)
        assert_close(got, want, "float64", order, f"{problem.name} order {order}")


@pytest.mark.parametrize("problem", SMOOTH, ids=lambda problem: problem.name)
def test_jacobian_against_complex_steps(problem: Problem, compiled: dict) -> None:
    points = problem.points(7)
    names = {"atan": "arctan"}

    class Module:
        def __getattr__(self, name: str) -> Any:
            return getattr(np, names.get(name, name))

    want = complex_step(lambda _, x: problem.function(Module(), x), points)
    assert_close(compiled[problem.name, "float64"](points).jacobian, want, "float64", 1, problem)


@pytest.mark.parametrize("problem", [PROBLEMS[1], PROBLEMS[3]], ids=lambda problem: problem.name)
def test_products_against_torch(problem: Problem, torch: Any) -> None:
    """vjp, jvp and hvp are contractions of torch's arrays with the given vectors."""
    exprs, x = traced(problem)
    fn = sg.compile(exprs, x, ["vjp", "jvp", "hvp"], cache=False)
    points, random = problem.points(6), np.random.default_rng(3)
    tangent = random.normal(size=(6, problem.n))
    cotangent = random.normal(size=(6, len(exprs)))
    got = fn(points, tangent=tangent, cotangent=cotangent)
    jacobian = torch_gradient(problem.function, points)
    hessian = torch_gradient(problem.function, points, 2)
    want = {
        "vjp": np.einsum("pmn,pm->pn", jacobian, cotangent),
        "jvp": np.einsum("pmn,pn->pm", jacobian, tangent),
        "hvp": np.einsum("pmnk,pm,pk->pn", hessian, cotangent, tangent),
    }
    for name, array in want.items():
        order = 2 if name == "hvp" else 1
        assert_close(got[name], array, "float64", order, f"{problem.name} {name}")


def test_the_oracles_agree_with_a_known_derivative() -> None:
    """The three oracles on x**2 * sin(y), whose derivatives anybody can write down."""
    function = lambda m, x: x[0] ** 2 * m.sin(x[1])  # noqa: E731
    x, y = 1.25, 0.75
    gradient = np.array([[[2 * x * np.sin(y), x**2 * np.cos(y)]]])
    np.testing.assert_allclose(complex_step(function, np.array([[x, y]])), gradient, rtol=1e-15)
    assert float(mpmath_partial(function, (x, y), (0, 1))[0]) == pytest.approx(2 * x * np.cos(y))
    assert tolerance("float64", 0) < tolerance("float64", 2) < tolerance("float32", 0)
    with pytest.raises(AssertionError, match="off by"):
        assert_close(gradient, gradient * (1 + 1e-12), "float64", 1)


def test_the_torch_oracle_agrees_with_a_known_derivative(torch: Any) -> None:
    hessian = torch_gradient(lambda m, x: x[0] ** 2 * m.sin(x[1]), np.array([[1.25, 0.75]]), 2)
    mixed, second = 2 * 1.25 * np.cos(0.75), -(1.25**2) * np.sin(0.75)
    want = [[[[2 * np.sin(0.75), mixed], [mixed, second]]]]
    np.testing.assert_allclose(hessian, want, rtol=1e-15)
