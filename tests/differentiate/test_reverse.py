"""The reverse sweep against mpmath, its guards, and what a gradient costs."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from symgrad.differentiate.reverse import sweep
from symgrad.functions import PRIMITIVES, math
from symgrad.ir.expression import Expr, variables
from symgrad.ir.graph import Graph
from symgrad.ir.system import System, Tensor
from symgrad.ir.traverse import dependent, reachable
from tests.expressions import (
    BRANCHES,
    CORPUS,
    close,
    in_float,
    in_mpmath,
    mixed_partial,
    random_case,
    system_of,
    tensor_of,
)

x, y = variables("x y")
FEW = 16
"""Nodes that any gradient may add: small constants, conditions of a power, a logarithm."""


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_first_derivatives(case: Any, digits: int) -> None:
    system = case.system()
    tensor = tensor_of(system, 1, "reverse")
    n = len(case.inputs)
    for point in case.points(2, seed=12):
        got = in_mpmath(system.graph, tensor.nodes, point)
        for row, expr in enumerate(case.outputs):
            for column in range(n):
                expected = mixed_partial(expr, point, (column,))
                assert close(got[row * n + column], expected, 1e-30), (expr, point, column)


def repeated(expr: Expr, order: int) -> tuple[Graph, tuple[int, ...]]:
    """The derivative by x of an order, every sweep in reverse."""
    system = system_of(expr, ("x",))
    for _ in range(order):
        nodes = tensor_of(system, 1, "reverse").nodes
        outputs = Tensor("value", (), nodes)
        system = System(system.graph, ("x",), (), ("x",), outputs, ("f",))
    return system.graph, system.outputs.nodes


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("branch", BRANCHES, ids=lambda branch: branch.name)
def test_dead_branches_contribute_nothing(branch: Any, order: int, digits: int) -> None:
    mixed = system_of(branch.expr, ("x",))
    once = (mixed.graph, tensor_of(mixed, order, "reverse").nodes)
    for value in branch.at:
        point = {"x": value}
        expected = mixed_partial(branch.taken, point, (0,) * order)
        for graph, nodes in (once, repeated(branch.expr, order)):
            for got in (*in_mpmath(graph, nodes, point), *in_float(graph, nodes, point)):
                message = f"{branch.expr} at {value}: got {got}, expected {expected}"
                assert close(got, expected, 1e-12), message


def test_guards_of_both_sides_join() -> None:
    shared = math.sin(x) * x
    expr = math.where(y > 0, shared * y, shared + y)
    system = system_of(expr, ("x", "y"))
    graph, (by_x, _) = system.graph, tensor_of(system, 1, "reverse").nodes
    selects = [n for n in reachable(graph, [by_x]) if graph.ops[n] == "select"]
    assert len(selects) == 1


def test_guards_that_arrive_at_an_input_are_not_joined() -> None:
    terms = [math.where(y > k, math.sin(k * x) ** 2, 0) for k in range(1, 6)]
    system = system_of(sum(terms[1:], terms[0]), ("x", "y"))
    graph, (by_x, _) = system.graph, tensor_of(system, 1, "reverse").nodes
    found = [graph.ops[node] for node in reachable(graph, [by_x])]
    assert found.count("select") == len(terms)
    assert not {"and", "or"}.intersection(found)


def test_an_unused_target_has_no_cotangent() -> None:
    graph = Graph(PRIMITIVES)
    node, unused = graph.add_all([math.sin(x), y])
    target = graph.symbol("x")
    active = dependent(graph, reachable(graph, [node]), [target, unused])
    found = sweep(graph, active, {node: graph.constant(1)}, [target, unused], {})
    assert set(found) == {target}


def test_targets_may_be_any_node(digits: int) -> None:
    graph = Graph(PRIMITIVES)
    middle = graph.add(x * y)
    node = graph.add(math.exp(x * y) + x * y)
    active = dependent(graph, reachable(graph, [node]), [middle])
    found = sweep(graph, active, {node: graph.constant(1)}, [middle], {})
    point = {"x": 0.5, "y": 1.5}
    got, value = in_mpmath(graph, [found[middle], graph.add(math.exp(x * y) + 1)], point)
    assert close(got, value, 1e-45)


def test_seeds_add_up(digits: int) -> None:
    graph = Graph(PRIMITIVES)
    first, second = graph.add_all([x**2 * y, math.sin(x)])
    seeds = {first: graph.symbol("p"), second: graph.symbol("q")}
    target = graph.symbol("x")
    active = dependent(graph, reachable(graph, [first, second]), [target])
    found = sweep(graph, active, seeds, [target], {})
    point = {"x": 0.5, "y": 1.5, "p": 2.0, "q": -3.0}
    p, q = variables("p q")
    expected = graph.add(2 * p * x * y + q * math.cos(x))
    got, wanted = in_mpmath(graph, [found[target], expected], point)
    assert close(got, wanted, 1e-45)


def gradient_ratio(system: System) -> float:
    """Nodes of value and gradient together, less a few, over those of the value."""
    primal = len(reachable(system.graph, system.outputs.nodes))
    nodes = (*system.outputs.nodes, *tensor_of(system, 1, "reverse").nodes)
    return (len(reachable(system.graph, nodes)) - FEW) / primal


SCALAR = [case for case in CORPUS if len(case.outputs) == 1]


@pytest.mark.parametrize("case", [*SCALAR, *map(random_case, range(20))], ids=lambda c: c.name)
def test_a_gradient_costs_at_most_five_times_the_primal(case: Any) -> None:
    assert gradient_ratio(case.system()) <= 5


def chained(count: int) -> tuple[Expr, tuple[str, ...]]:
    v = variables("v", count)
    total = sum(math.sin(a * b) + (1 - a) ** 2 for a, b in pairwise(v))
    return total, tuple(f"v{i}" for i in range(count))  # type: ignore[return-value]


def folded(count: int, name: str) -> tuple[Expr, tuple[str, ...]]:
    v = variables("v", count)
    value = v[0]
    for other in v[1:]:
        if name == "where":
            value = math.where(value > other, math.sin(value) * other, value * value)
        else:
            value = getattr(math, name)(value, other)
    return value, tuple(f"v{i}" for i in range(count))


@pytest.mark.parametrize("name", ["chained", "where"])
def test_long_gradients_cost_at_most_five_times_the_primal(name: str) -> None:
    expr, names = chained(400) if name == "chained" else folded(100, name)
    assert gradient_ratio(system_of(expr, names)) <= 5


@pytest.mark.parametrize(
    "step",
    [
        lambda v: math.where(y > 0, v * v, 0) + v,
        lambda v: math.where(y > 0, math.sin(v), v * v) + v,
        lambda v: math.where(y > 0, v * v, math.where(x > y, math.sin(v), v + y)),
    ],
    ids=["implied", "both_sides_and_none", "three_sides"],
)
def test_nested_choices_cost_at_most_six_times_the_primal(step: Any) -> None:
    value = math.sin(x)
    for _ in range(12):
        value = step(value)
    assert gradient_ratio(system_of(value, ("x", "y"))) <= 6


@pytest.mark.parametrize("name", ["max", "min", "hypot", "atan2", "pow"])
def test_folded_kinks_cost_at_most_ten_times_the_primal(name: str) -> None:
    assert gradient_ratio(system_of(*folded(60, name))) <= 10


def test_nested_maxima_cost_at_most_ten_times_the_primal() -> None:
    value = x
    for _ in range(30):
        value = math.max(value, math.sin(value))
    assert gradient_ratio(system_of(value, ("x",))) <= 10


@pytest.mark.parametrize("name", ["max", "min", "hypot", "pow"])
def test_folded_kinks_are_right(name: str, digits: int) -> None:
    expr, names = folded(5, name)
    point = {name: 1.25 + 0.1 * ((3 * i) % 5) for i, name in enumerate(names)}
    for mode in ("forward", "reverse"):
        system = system_of(expr, names)
        got = in_mpmath(system.graph, tensor_of(system, 1, mode).nodes, point)
        for index, value in enumerate(got):
            assert close(value, mixed_partial(expr, point, (index,)), 1e-20)
