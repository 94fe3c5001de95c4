"""Which exponentials are products of others, and which must not become any."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

import pytest

from symgrad.functions import math
from symgrad.ir.expression import Expr, variables
from symgrad.ir.graph import Graph
from symgrad.simplify.exponentials import replace_exponentials
from symgrad.simplify.relations import HIGHEST, MOST, find_relations
from tests.expressions import close, in_float, in_mpmath, system_of

x, y, z, w = variables("x y z w")
NAMES = ("x", "y", "z", "w")
exp, log = math.exp, math.log
POINT = {"x": "0.7", "y": "0.4", "z": "1.3", "w": "0.9"}

RELATED: dict[str, Sequence[Expr]] = {
    "square": (exp(-x * y), exp(-2 * x * y)),
    "multiples": (exp(2 * x), exp(x), exp(3 * x), exp(4 * x)),
    "opposite": (exp(x * y), exp(-x * y)),
    "multiplied out": (exp(x * (y - z)), exp(2 * x * y - 2 * x * z)),
    "shifted": (exp(x + 3), exp(x)),
    "shifted by floats": (exp(x + 0.5), exp(2.0 * x + 0.25)),
    "sum": (exp(x + y), exp(x), exp(y)),
    "sum of a multiple": (exp(x + 2 * y), exp(x), exp(y)),
    "logarithm": (exp(x * y + log(z)), exp(x * y)),
    "logarithm of one more": (exp(x * y - math.log1p(z)), exp(x * y)),
    "half a logarithm": (exp(x * y + log(z) / 2), exp(x * y)),
    "logarithms": (exp(x - log(z) + 2 * log(w)), exp(x)),
    "quotient": (exp(x / y), exp((x + y * log(z)) / y)),
    "logarithms alone": (exp(2 * log(x) - log(y)), exp(z)),
    "squares": (exp(-((x - y) ** 2) / 2), exp(-(x**2) / 2), exp(x * y - y**2 / 2)),
    "rounded coefficients": (
        exp(-((x * 0.7071067811865475) ** 2)),
        exp(-(((x - log(y) / x) * 0.7071067811865475) ** 2)),
        exp(-0.5 * (log(y) / x) ** 2),
    ),
    "a square's own row": (math.exp_minus_square(x - y), exp(-2 * x * x + 4 * x * y - 2 * y * y)),
    "nested": (exp(exp(x) * (1 + y)), exp(2 * (exp(x) + exp(x) * y)), exp(2 * x)),
}

UNRELATED: dict[str, Sequence[Expr]] = {
    "one": (exp(x), log(y)),
    "others": (exp(x), exp(y)),
    "half": (exp(x), exp(x * 1.5)),
    "a third of a logarithm": (exp(x + log(y) / 3), exp(x)),
    "a coefficient off by more than rounding": (exp(x), exp(2.00000001 * x)),
    "far away": (exp(x), exp(x + 100)),
    "high power": (exp(x), exp((HIGHEST + 1) * x)),
    "not usual": (exp(1e200 * x), exp(2e200 * x)),
    "infinite": (exp(float("inf") * x), exp(float("inf") * x + y)),
}


def related(outputs: Sequence[Expr], *, exact: bool = False) -> tuple[Graph, list[int], list[int]]:
    """The graph, its outputs, and the same with relations put in."""
    system = system_of(list(outputs), NAMES, exact=exact)
    graph, nodes = system.graph, list(system.outputs.nodes)
    return (
        graph,
        nodes,
        replace_exponentials(graph, nodes, find_relations(graph, nodes), meet=False),
    )


@pytest.mark.parametrize("name", RELATED)
def test_related(name: str, digits: int) -> None:
    graph, before, after = related(RELATED[name])
    assert find_relations(graph, before)
    assert len(find_relations(graph, after)) == 0
    tolerance = 1e-14 if "round" in name else 1e-40
    for got, wanted in zip(
        in_mpmath(graph, after, POINT), in_mpmath(graph, before, POINT), strict=True
    ):
        assert close(got, wanted, tolerance)


@pytest.mark.parametrize("name", UNRELATED)
def test_unrelated(name: str) -> None:
    graph, before, after = related(UNRELATED[name])
    assert find_relations(graph, before) == {}
    assert after == before


def test_a_difference_is_kept_and_the_sum_made() -> None:
    """exp(a - b) is no quotient, which would be 0/0: exp(a) becomes exp(b) * exp(a - b)."""
    graph, before, after = related((exp(x - y), exp(x), exp(y)))
    assert after != before
    far = {"x": -800.0, "y": -800.0, "z": 0.0, "w": 0.0}
    assert in_float(graph, after, far) == [1.0, 0.0, 0.0]


@pytest.mark.parametrize("value", [-800.0, -740.0, -709.0, -50.0, 0.0, 50.0, 709.0, 720.0, 800.0])
@pytest.mark.parametrize("name", ["square", "multiples", "opposite"])
def test_powers_leave_the_range_where_exponentials_do(name: str, value: float) -> None:
    graph, before, after = related(RELATED[name])
    for scale in (1.0, 0.5, 0.25):
        point = {"x": value * scale, "y": 1.0, "z": 1.0, "w": 1.0}
        pairs = zip(in_float(graph, after, point), in_float(graph, before, point), strict=True)
        for got, wanted in pairs:
            if 1e-300 < wanted < 1e300:
                assert isfinite(got)
                assert got == pytest.approx(wanted, rel=1e-12)
            else:
                assert got == wanted or abs(got - wanted) < 1e-299 or min(got, wanted) > 1e299


def test_an_exact_graph_is_left_alone() -> None:
    _, before, after = related(RELATED["square"], exact=True)
    assert after == before


def test_many_exponentials_are_left_alone() -> None:
    many = [exp(k * x + 1 / (1 + k) * y) for k in range(MOST + 1)]
    system = system_of([*many, exp(2 * y), exp(y)], NAMES)
    assert find_relations(system.graph, system.outputs.nodes) == {}


def test_relations_do_not_depend_on_what_else_is_in_the_graph() -> None:
    system = system_of(list(RELATED["sum"]), NAMES)
    found = find_relations(system.graph, system.outputs.nodes)
    assert found == find_relations(system.graph, system.outputs.nodes[::-1])
    assert find_relations(system.graph, system.outputs.nodes[:1]) == {}
