"""Graph -> Expr and back: the same values, the same sharing."""

from __future__ import annotations

from typing import Any

import pytest

from symgrad.functions import PRIMITIVES, math
from symgrad.ir.convert import to_exprs
from symgrad.ir.expression import constant, postorder, variables
from symgrad.ir.graph import Graph
from tests.expressions import (
    BRANCHES,
    CORPUS,
    as_written,
    close,
    in_mpmath,
    random_case,
    system_of,
    tensor_of,
)

x, y = variables("x y")


@pytest.mark.parametrize("case", [*CORPUS, random_case(5)], ids=lambda case: case.name)
def test_values_stay(case: Any, digits: int) -> None:
    system = case.system()
    nodes = [*system.outputs.nodes, *tensor_of(system, 1).nodes]
    exprs = to_exprs(system.graph, nodes)
    for point in case.points(2):
        for value, expr in zip(in_mpmath(system.graph, nodes, point), exprs, strict=True):
            assert close(as_written(expr, point), value, 1e-40)


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_there_and_back(case: Any, digits: int) -> None:
    system = case.system()
    nodes = list(system.outputs.nodes)
    other = Graph(PRIMITIVES)
    again = other.add_all(to_exprs(system.graph, nodes))
    point = case.points(1)[0]
    for one, two in zip(
        in_mpmath(system.graph, nodes, point), in_mpmath(other, again, point), strict=True
    ):
        assert close(one, two, 1e-14)


@pytest.mark.parametrize("branch", BRANCHES, ids=lambda branch: branch.name)
def test_choices_stay(branch: Any, digits: int) -> None:
    system = system_of(branch.expr, ("x",))
    (expr,) = to_exprs(system.graph, system.outputs.nodes)
    for value in branch.at:
        expected = as_written(branch.taken, {"x": value})
        assert close(as_written(expr, {"x": value}), expected)


@pytest.mark.parametrize(
    "expr",
    [x, constant(2), constant(0.5), constant(-0.0), math.pi, constant(True), 2 * x, x**-1, x + 1.5],
)
def test_small_expressions_come_back_as_the_same_node(expr: Any) -> None:
    graph = Graph(PRIMITIVES)
    node = graph.add(expr)
    assert graph.add(to_exprs(graph, [node])[0]) == node


def test_sharing_stays() -> None:
    value = x
    for _ in range(100):
        value = value * value + y
    system = system_of([value, value + 1], ("x", "y"))
    exprs = to_exprs(system.graph, system.outputs.nodes)
    assert len(postorder(tuple(exprs))) < 8 * len(system.graph)


def test_deep_graphs_need_no_recursion() -> None:
    value = x
    for _ in range(10_000):
        value = math.sin(value)
    system = system_of(value, ("x",))
    assert to_exprs(system.graph, system.outputs.nodes) == [value]
