"""grad, vjp, jvp, jacobian and hessian of random programs, against PyTorch and mpmath.

A program is a random sequence of steps that runs in any namespace of functions: on SymPy's objects
for symgrad, on tensors for PyTorch, on mpmath's numbers for a numerical derivative with 40 digits.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import mpmath
import pytest
import sympy as sp

import symgrad as sg

x, y, z = sp.symbols("x y z")

Step = Callable[[Any, Any, Any], Any]

STEPS: dict[str, Step] = {
    "add": lambda m, a, b: a + b,
    "subtract": lambda m, a, b: a - 2 * b,
    "multiply": lambda m, a, b: a * b,
    "divide": lambda m, a, b: a / (2 + b**2),
    "power": lambda m, a, b: a**3 - b,
    "root": lambda m, a, b: m.sqrt(1 + a**2) - b,
    "sin": lambda m, a, b: m.sin(a + b),
    "exp": lambda m, a, b: m.exp(-(a**2)) * b,
    "log": lambda m, a, b: m.log(3 + a**2 + b),
    "tanh": lambda m, a, b: m.tanh(a - b),
    "atan": lambda m, a, b: m.atan(a * b),
    "abs": lambda m, a, b: m.abs(a) + b,
    "max": lambda m, a, b: m.maximum(a, b),
    "min": lambda m, a, b: m.minimum(a, b),
    "where": lambda m, a, b: m.where(a < b, a * b, a - b),
}


class InSymPy:
    """The functions that a program calls, on SymPy objects."""

    sqrt, sin, exp, tanh, atan, abs = sp.sqrt, sp.sin, sp.exp, sp.tanh, sp.atan, sp.Abs

    @staticmethod
    def log(a: Any) -> Any:
        return sp.log(sp.Abs(a) + 1)

    @staticmethod
    def maximum(a: Any, b: Any) -> Any:
        return sp.Max(a, b, evaluate=False)

    @staticmethod
    def minimum(a: Any, b: Any) -> Any:
        return sp.Min(a, b, evaluate=False)

    @staticmethod
    def where(condition: Any, a: Any, b: Any) -> Any:
        return sp.Piecewise((a, condition), (b, True), evaluate=False)


class InMpmath:
    """The same, on mpmath's numbers."""

    sqrt, sin, exp, tanh, atan, abs = map(
        staticmethod, (mpmath.sqrt, mpmath.sin, mpmath.exp, mpmath.tanh, mpmath.atan, abs)
    )
    log = staticmethod(lambda a: mpmath.log(abs(a) + 1))
    maximum, minimum = staticmethod(max), staticmethod(min)
    where = staticmethod(lambda condition, a, b: a if condition else b)


class InTorch:
    """The same, on PyTorch's tensors."""

    def __getattr__(self, name: str) -> Any:
        return getattr(pytest.importorskip("torch"), name)

    def log(self, a: Any) -> Any:
        return self.log1p(self.abs(a))


def program(seed: int, steps: int = 9) -> Callable[..., list[Any]]:
    rng = random.Random(seed)
    drawn = [
        (rng.choice(sorted(STEPS)), rng.randrange(k + 3), rng.randrange(k + 3))
        for k in range(steps)
    ]

    def run(namespace: Any, *inputs: Any) -> list[Any]:
        values = list(inputs)
        for name, i, j in drawn:
            values.append(STEPS[name](namespace, values[i], values[j]))
        return [values[-1], values[-2]]

    return run


POINT = (0.625, -1.375, 0.8125)
PLACED = dict(zip((x, y, z), map(sp.Rational, POINT), strict=True))
SEEDS = range(25)


def number(expression: Any, digits: int = 30) -> Any:
    return mpmath.mpmathify(sp.N(sp.sympify(expression).subs(PLACED), digits))


@pytest.mark.parametrize("seed", SEEDS)
def test_random_programs_against_torch(seed):
    torch = pytest.importorskip("torch")
    run = program(seed)
    outputs = run(InSymPy, x, y, z)
    tensors = [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in POINT]
    results = run(InTorch(), *tensors)
    weights = [2.0, -0.5]
    given = [torch.tensor(weight, dtype=torch.float64) for weight in weights]
    kept = [(o, r, w, g) for o, r, w, g in zip(outputs, results, weights, given, strict=True)]
    kept = [row for row in kept if row[1].requires_grad]
    outputs, results, weights, given = map(list, zip(*kept, strict=True))
    theirs = torch.autograd.grad(results, tensors, given, create_graph=True, allow_unused=True)
    ours = sg.vjp(outputs, [x, y, z], weights)
    for made, exact in zip(ours, theirs, strict=True):
        expected = 0.0 if exact is None else exact.item()
        assert float(number(made)) == pytest.approx(expected, rel=1e-11, abs=1e-11)
    total = sum(exact.sum() for exact in theirs if exact is not None)
    if total.requires_grad:
        second = torch.autograd.grad(total, tensors, allow_unused=True)
        again = sg.vjp(sum(ours), [x, y, z], 1)
        for made, exact in zip(again, second, strict=True):
            expected = 0.0 if exact is None else exact.item()
            assert float(number(made)) == pytest.approx(expected, rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_programs_against_mpmath(seed):
    run = program(seed)
    outputs = run(InSymPy, x, y, z)
    jacobian = sg.jacobian(outputs, [x, y, z])
    with mpmath.workdps(40):
        for row in range(2):
            for column in range(3):
                order = tuple(int(column == k) for k in range(3))
                exact = mpmath.diff(lambda *p, row=row: run(InMpmath, *p)[row], POINT, order)
                assert abs(number(jacobian[row, column]) - exact) < 1e-15 * (1 + abs(exact))


@pytest.mark.parametrize("seed", SEEDS)
def test_duality(seed):
    """c . (J t) = (J^T c) . t, forward against reverse, for symbolic c and t."""
    run = program(seed)
    outputs, inputs = run(InSymPy, x, y, z), [x, y, z]
    tangents, cotangents = sp.symbols("t0:3"), sp.symbols("c0:2")
    forward = sg.jvp(outputs, inputs, tangents)
    reverse = sg.vjp(outputs, inputs, cotangents)
    left = sum(c * e for c, e in zip(cotangents, forward, strict=True))
    right = sum(e * s for e, s in zip(reverse, tangents, strict=True))
    held = dict(zip((*tangents, *cotangents), map(sp.Rational, (3, -2, 5, 7, -11)), strict=True))
    a, b = (number(sp.sympify(side).subs(held)) for side in (left, right))
    assert abs(a - b) < 1e-24 * (1 + abs(a))
    rows = sg.jacobian(outputs, inputs)
    product = rows * sp.Matrix(tangents)
    for made, entry in zip(forward, product, strict=True):
        assert abs(number(sp.sympify(made - entry).subs(held))) < 1e-24


@pytest.mark.parametrize("seed", SEEDS)
def test_the_hessian_is_the_jacobian_of_the_gradient(seed):
    output = program(seed)(InSymPy, x, y, z)[0]
    whole = sg.hessian(output, [x, y, z])
    again = sg.jacobian(sg.jacobian(output, [x, y, z]), [x, y, z])
    for left, right in zip(whole, again, strict=True):
        assert abs(number(left) - number(right)) < 1e-22 * (1 + abs(number(left)))
