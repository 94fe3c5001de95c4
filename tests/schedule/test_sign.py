"""What is called nonnegative is never negative, nor -0."""

from __future__ import annotations

import numpy as np
import pytest

from symgrad.functions import PRIMITIVES, math
from symgrad.ir.evaluate import evaluate, numpy_arithmetic
from symgrad.ir.expression import variables, wrap
from symgrad.ir.graph import Graph
from symgrad.ir.traverse import reachable
from symgrad.schedule.sign import NONNEGATIVE_FUNCTIONS, nonnegative

x, y = variables("x y")
SPECIAL = (0.0, -0.0, 0.3, -0.3, 1.0, -1.0, 2.5, -2.5, 700.0, -700.0, 1e200, -1e200, np.inf,
           -np.inf, np.nan)  # fmt: skip
GRID = dict(zip("xy", (v.ravel() for v in np.meshgrid(SPECIAL, SPECIAL)), strict=True))

NONNEGATIVE = {
    "a number": wrap(3),
    "a named constant": math.pi,
    "an even power": x**2,
    "an inverse even power": x**-4,
    "products of them": x**2 * y**4,
    "sums of them": 1 + x**2 + 3 * y**2,
    "a sum without a constant": x**2 + y**2,
    "an odd power of one": math.exp(x) ** 3,
    "a quotient of them": math.abs(x) / (1 + y**2),
    **{name: getattr(math, name)(*(x, y)[: PRIMITIVES[name].arity])
       for name in sorted(NONNEGATIVE_FUNCTIONS)},
}  # fmt: skip
UNDECIDED = {
    "a variable": x,
    "a negative number": wrap(-2),
    "an odd power": x**3,
    "an inverse": 1 / x,
    "a product": x * y,
    "a difference": x**2 - y**2,
    "a negative sum": -1 - x**2,
    "a negative start": x**2 - 1,
    "sine": math.sin(x),
    "logarithm": math.log(x),
    "a sum with a variable": 1 + x,
}


def graph_of(expr):
    graph = Graph(PRIMITIVES)
    return graph, graph.add(expr)


def judged(graph, root):
    return nonnegative(graph, reachable(graph, [root]))


@pytest.mark.parametrize("name", NONNEGATIVE)
def test_what_cannot_be_negative_is_found(name):
    graph, root = graph_of(NONNEGATIVE[name])
    assert root in judged(graph, root)


@pytest.mark.parametrize("name", UNDECIDED)
def test_what_may_be_negative_is_not(name):
    graph, root = graph_of(UNDECIDED[name])
    assert root not in judged(graph, root)


@pytest.mark.parametrize("expr", [*NONNEGATIVE.values(), *UNDECIDED.values()], ids=str)
def test_no_special_value_contradicts(expr):
    graph, root = graph_of(expr)
    for node in judged(graph, root):
        with np.errstate(all="ignore"):
            (value,) = evaluate(graph, [node], GRID, numpy_arithmetic())
        value = np.asarray(value)
        assert not (np.signbit(value) & ~np.isnan(value)).any()


@pytest.mark.parametrize("expr", [math.sqrt(x), math.sqrt(x) * math.exp(y)], ids=str)
def test_a_root_may_be_minus_zero(expr):
    test_no_special_value_contradicts(expr)
