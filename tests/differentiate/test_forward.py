"""The forward sweep against mpmath's numerical derivatives, and the branches it must not touch."""

from __future__ import annotations

from typing import Any

import mpmath
import pytest

from symgrad.differentiate.forward import active_nodes, sweep
from symgrad.functions import PRIMITIVES, math
from symgrad.ir.expression import variables
from symgrad.ir.graph import Graph
from symgrad.ir.traverse import reachable, users
from tests.expressions import (
    BRANCHES,
    CORPUS,
    close,
    in_float,
    in_mpmath,
    mixed_partial,
    system_of,
    tensor_of,
)

x, y = variables("x y")
FEW = 16
"""Nodes that any derivative may add: small constants, conditions of a power, a logarithm."""


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_first_derivatives(case: Any, digits: int) -> None:
    system = case.system()
    tensor = tensor_of(system, 1, "forward")
    n = len(case.inputs)
    for point in case.points(2, seed=11):
        got = in_mpmath(system.graph, tensor.nodes, point)
        for row, expr in enumerate(case.outputs):
            for column in range(n):
                expected = mixed_partial(expr, point, (column,))
                assert close(got[row * n + column], expected, 1e-30), (expr, point, column)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("branch", BRANCHES, ids=lambda branch: branch.name)
def test_dead_branches_contribute_nothing(branch: Any, order: int, digits: int) -> None:
    system = system_of(branch.expr, ("x",))
    tensor = tensor_of(system, order, "forward")
    for value in branch.at:
        point = {"x": value}
        expected = mixed_partial(branch.taken, point, (0,) * order)
        for got in (
            in_mpmath(system.graph, tensor.nodes, point)[0],
            in_float(system.graph, tensor.nodes, point)[0],
        ):
            assert close(got, expected, 1e-12), f"{branch.expr} at {value}: {got}, not {expected}"


def test_active_nodes_depend_on_a_seed() -> None:
    graph = Graph(PRIMITIVES)
    node, other = graph.add_all([math.sin(x) * y, y + 1])
    above = users(graph, reachable(graph, [node, other]))
    assert active_nodes(above, [graph.symbol("x")]) == [
        graph.symbol("x"),
        graph.add(math.sin(x)),
        node,
    ]
    assert active_nodes(above, [graph.symbol("z")]) == []


def test_seeds_may_be_any_node(digits: int) -> None:
    graph = Graph(PRIMITIVES)
    node, seed = graph.add_all([math.sin(x) * y, math.cos(y)])
    nodes = reachable(graph, [node])
    active = active_nodes(users(graph, nodes), [graph.symbol("x"), graph.symbol("y")])
    tangents = sweep(graph, active, {graph.symbol("x"): seed, graph.symbol("y"): node}, {})
    point = {"x": 0.4, "y": 1.3}
    (got,) = in_mpmath(graph, [tangents[node]], point)
    a, b = map(mpmath.mpf, point.values())
    expected = mpmath.cos(a) * b * mpmath.cos(b) + mpmath.sin(a) * mpmath.sin(a) * b
    assert close(got, expected, 1e-45)


def test_a_seed_inside_the_graph_cuts_what_is_below(digits: int) -> None:
    graph = Graph(PRIMITIVES)
    node, middle = graph.add_all([math.exp(x * y) + x, x * y])
    seeds = {graph.symbol("x"): graph.constant(1), middle: graph.constant(5)}
    active = active_nodes(users(graph, reachable(graph, [node])), seeds)
    tangents = sweep(graph, active, seeds, {})
    (got,) = in_mpmath(graph, [tangents[node]], {"x": 0.5, "y": 2.0})
    assert close(got, 5 * mpmath.e + 1, 1e-45)


def test_tangents_that_are_exactly_zero_have_no_entry() -> None:
    graph = Graph(PRIMITIVES)
    node = graph.add(math.floor(x) + y)
    nodes = reachable(graph, [node])
    active = active_nodes(users(graph, nodes), [graph.symbol("x")])
    assert set(sweep(graph, active, {graph.symbol("x"): graph.constant(1)}, {})) == {
        graph.symbol("x")
    }


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_one_direction_costs_a_few_times_the_primal(case: Any) -> None:
    system = case.system()
    graph = system.graph
    primal = len(reachable(graph, system.outputs.nodes))
    above = users(graph, reachable(graph, system.outputs.nodes))
    before = len(graph)
    seed = graph.symbol(case.inputs[0])
    sweep(graph, active_nodes(above, [seed]), {seed: graph.constant(1)}, {})
    assert len(graph) - before <= 5 * primal + FEW
