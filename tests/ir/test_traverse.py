"""Walks over a Graph against their definitions on random graphs."""

from __future__ import annotations

import pytest

from symgrad.ir.expression import variables
from symgrad.ir.graph import Graph
from symgrad.ir.traverse import dependency_masks, dependent, reachable, symbols, users
from tests.expressions import random_case


def all_below(graph: Graph, node: int) -> set[int]:
    """Everything below a node, by the definition."""
    found, stack = set(), [node]
    while stack:
        current = stack.pop()
        found.add(current)
        stack.extend(graph.args[current])
    return found


@pytest.mark.parametrize("seed", range(5))
def test_walks_agree_with_their_definitions(seed: int) -> None:
    system = random_case(seed).system()
    graph, root = system.graph, system.outputs.nodes[0]
    below = {node: all_below(graph, node) for node in range(len(graph))}
    nodes = reachable(graph, [root])
    assert nodes == sorted(below[root])
    inputs = [graph.symbol(name) for name in system.inputs]
    for seeds in ([inputs[0]], inputs[1:], inputs):
        expected = [node for node in nodes if below[node] & set(seeds)]
        assert dependent(graph, nodes, seeds) == expected
    masks = dependency_masks(graph, nodes, inputs)
    for node in nodes:
        assert masks[node] == sum(1 << k for k, i in enumerate(inputs) if i in below[node])
    found = users(graph, nodes)
    for node in nodes:
        assert found[node] == [user for user in nodes if node in graph.args[user]]


def test_reachable_of_several_roots() -> None:
    x, y = variables("x y")
    graph = Graph({})
    first, second, third = graph.add_all([x + 1, y + 1, x * y])
    assert reachable(graph, [second]) == sorted({graph.symbol("y"), second})
    assert set(reachable(graph, [first, second])) == {
        *reachable(graph, [first]),
        *reachable(graph, [second]),
    }
    assert reachable(graph, []) == []
    assert third not in reachable(graph, [first, second])


def test_a_seed_that_nothing_uses() -> None:
    x, y = variables("x y")
    graph = Graph({})
    node, other = graph.add_all([x + 1, y])
    assert dependent(graph, reachable(graph, [node]), [other]) == []


def test_symbols() -> None:
    x, y, z = variables("x y z")
    graph = Graph({})
    node, _ = graph.add_all([y * x + y, z])
    assert symbols(graph, [node]) == {"x": graph.symbol("x"), "y": graph.symbol("y")}


def test_long_chains_need_no_recursion() -> None:
    graph = Graph({})
    node = graph.symbol("x")
    for _ in range(20_000):
        node = graph.intern("sum", (node,), (1, (2,)))
    assert len(reachable(graph, [node])) == 20_001
    assert len(dependent(graph, range(20_001), [0])) == 20_001
