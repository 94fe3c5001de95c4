"""Vertex elimination against the sweeps and against numerical differences."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from time import perf_counter
from typing import Any

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.problems import PROBLEMS
from symgrad.differentiate.elimination import ORDERS, Order, eliminate, next_level
from symgrad.differentiate.levels import Level
from symgrad.functions import PRIMITIVES, math
from symgrad.ir.expression import Expr, symbol, variables, wrap
from symgrad.ir.graph import Graph
from symgrad.ir.primitive import define
from symgrad.ir.system import System
from symgrad.ir.traverse import reachable
from symgrad.ir.verify import verify_graph
from tests.expressions import (
    CORPUS,
    close,
    in_mpmath,
    mixed_partial,
    system_of,
    tensor_of,
)

x, y, z = variables("x y z")


def wrt_of(system: System) -> list[int]:
    return [system.graph.symbol(name) for name in system.wrt]


def levels_of(system: System, highest: int, order: Order = "markowitz") -> list[Level] | None:
    """The levels 1 to ``highest`` by elimination; None where it refuses."""
    levels: list[Level] = [{(): dict(enumerate(system.outputs.nodes))}]
    for _ in range(highest):
        made = next_level(system.graph, levels[-1], wrt_of(system), order=order)
        if made is None:
            return None
        levels.append(made)
    return levels[1:]


def has_choice(system: System, nodes: Any) -> bool:
    return any(system.graph.ops[node] == "select" for node in reachable(system.graph, nodes))


def assert_agrees(system: System, level: Level, highest: int, point: Any, tolerance: float) -> None:
    """Every entry of a level equals that of the sweeps; absent ones are 0."""
    nodes = tensor_of(system, highest).nodes
    n = len(system.wrt)
    got, expected = [], []
    for flat, node in enumerate(nodes):
        row, rest = divmod(flat, n**highest)
        index = tuple(sorted((rest // n**k % n for k in range(highest)), reverse=True))
        got.append(level.get(index, {}).get(row, system.graph.constant(0)))
        expected.append(node)
    values = in_mpmath(system.graph, [*got, *expected], point)
    for a, b in zip(values[: len(got)], values[len(got) :], strict=True):
        assert close(a, b, tolerance), (system.outputs.nodes, point, a, b)


SMOOTH: tuple[Callable[[Expr, Expr], Expr], ...] = (
    lambda a, b: a + 2 * b,
    lambda a, b: a * b,
    lambda a, b: a * b * (a - b),
    lambda a, b: a / (2 + math.sin(b)),
    lambda a, b: math.sin(a) * math.cos(b),
    lambda a, b: math.exp(math.sin(a - b)),
    lambda a, b: math.sqrt(1 + a**2 + b**2),
    lambda a, b: (2 + math.cos(a)) ** Fraction(-3, 2) + b,
    lambda a, b: math.tanh(a) ** 2 - math.atan(b),
    lambda a, b: math.log(2 + a * a) * math.erf(b),
    lambda a, b: math.cbrt(2 + math.sin(a)) * b**3,
    lambda a, b: math.sigmoid(a) + math.tan(math.sin(b)),
)


def smooth_expression(seed: int, steps: int = 8) -> Expr:
    """A random expression over x, y and z without a choice, its parts used several times."""
    chooser = random.Random(seed)
    parts: list[Expr] = [x, y, z]
    for _ in range(steps):
        parts.append(chooser.choice(SMOOTH)(chooser.choice(parts[-4:]), chooser.choice(parts)))
    return parts[-1] + parts[-2]


def problem_system(name: str) -> tuple[System, dict[str, float]]:
    """A benchmark problem, and a point amid its box; parameters stay symbols."""
    problem = PROBLEMS[name]
    names = [f"x{i}" for i in range(problem.columns)]
    outputs = [wrap(o) for o in problem.function(math, [symbol(n) for n in names])]
    system = system_of(outputs, names[: problem.inputs])
    point = {
        n: low + (high - low) * (0.3 + 0.4 * ((7 * i) % 5) / 5)
        for i, (n, (low, high)) in enumerate(zip(names, problem.bounds, strict=True))
    }
    return system, point


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_first_and_second_derivatives(case: Any, order: Order, digits: int) -> None:
    system = case.system()
    levels = levels_of(system, 2, order)
    if levels is None:
        nodes = (*system.outputs.nodes, *tensor_of(system, 1).nodes, *tensor_of(system, 2).nodes)
        assert has_choice(system, nodes)
        return
    verify_graph(system.graph)
    point = case.points(1, seed=3)[0]
    for highest, level in enumerate(levels, 1):
        assert_agrees(system, level, highest, point, 1e-12)


@pytest.mark.parametrize("name", sorted(PROBLEMS))
def test_jacobians_of_the_problems(name: str, digits: int) -> None:
    system, point = problem_system(name)
    levels = levels_of(system, 1)
    assert levels is not None
    assert_agrees(system, levels[0], 1, point, 1e-11)


def test_third_derivatives_against_numerical_differences(digits: int) -> None:
    expr = math.exp(x * y) * math.sin(x - 2 * y) + x**3 / (1 + y**2)
    system = system_of(expr, ("x", "y"))
    levels = levels_of(system, 3)
    assert levels is not None
    point = {"x": 0.7, "y": -0.4}
    assert set(levels[2]) == {(0, 0, 0), (1, 0, 0), (1, 1, 0), (1, 1, 1)}
    for index, column in levels[2].items():
        (got,) = in_mpmath(system.graph, column.values(), point)
        assert close(got, mixed_partial(expr, point, index), 1e-20), index


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(ORDERS))
def test_random_expressions(seed: int, order: Order) -> None:
    system = system_of(smooth_expression(seed), ("x", "y", "z"))
    levels = levels_of(system, 2, order)
    assert levels is not None
    with mpmath.workdps(40):
        for highest, level in enumerate(levels, 1):
            assert_agrees(system, level, highest, {"x": 0.7, "y": -1.2, "z": 1.9}, 1e-12)


def test_only_wanted_pairs_are_made() -> None:
    graph = Graph(PRIMITIVES)
    first, second = graph.add_all([math.sin(x * y), math.exp(y * z)])
    wrt = [graph.symbol(name) for name in "xyz"]
    before = len(graph)
    found = eliminate(graph, {first: (0,), second: (1, 2)}, wrt)
    assert found is not None
    assert set(found) == {(first, 0), (second, 1), (second, 2)}
    added = reachable(graph, range(before, len(graph)))
    unwanted = graph.add(math.cos(x * y) * x)
    assert unwanted not in added


def test_exact_zeros_are_left_out() -> None:
    graph = Graph(PRIMITIVES)
    root, constant = graph.add_all([(x + y) ** 2 - (x + y) * (x + y) + z, wrap(3)])
    wrt = [graph.symbol(name) for name in "xyz"]
    found = eliminate(graph, {root: range(3), constant: range(3)}, wrt)
    assert found == {(root, 2): graph.constant(1)}


def test_roots_may_be_variables_and_lie_below_each_other(digits: int) -> None:
    graph = Graph(PRIMITIVES)
    inner = graph.add(x * y)
    outer = graph.add(math.sin(x * y) + x)
    variable = graph.symbol("x")
    found = eliminate(
        graph, {outer: (0, 1), inner: (0,), variable: (0, 1)}, [variable, graph.symbol("y")]
    )
    assert found is not None
    expected = {
        (outer, 0): math.cos(x * y) * y + 1,
        (outer, 1): math.cos(x * y) * x,
        (inner, 0): y,
        (variable, 0): wrap(1),
    }
    assert set(found) == set(expected)
    point = {"x": 0.3, "y": 1.7}
    for key, expr in expected.items():
        got, value = in_mpmath(graph, [found[key], graph.add(expr)], point)
        assert close(got, value, 1e-40), key


def test_the_same_argument_twice_counts_twice(digits: int) -> None:
    row = define("area2", lambda u, a, b: b**2, lambda u, a, b: 2 * a * b, domain=(-2, 2))
    graph = Graph({**PRIMITIVES, "area2": row})
    node = graph.add(Expr("area2", (math.sin(x), math.sin(x))))
    found = eliminate(graph, {node: (0,)}, [graph.symbol("x")])
    assert found is not None
    got, value = in_mpmath(
        graph, [found[node, 0], graph.add(3 * math.sin(x) ** 2 * math.cos(x))], {"x": 0.4}
    )
    assert close(got, value, 1e-40)


@pytest.mark.parametrize("expr", [math.where(x > 0, x * y, y), math.max(x, y) + x])
def test_choices_are_refused(expr: Expr) -> None:
    graph = Graph(PRIMITIVES)
    node = graph.add(expr)
    assert eliminate(graph, {node: (0, 1)}, [graph.symbol("x"), graph.symbol("y")]) is None


def test_a_choice_in_a_partial_that_is_not_needed_is_no_obstacle() -> None:
    system = system_of(x ** Fraction(1, 7) + x**0.3 * y, ("x", "y"))
    assert levels_of(system, 2) is not None


def test_over_budget_is_refused() -> None:
    expr = math.sin(x * y) * math.exp(x / y)
    used = system_of(expr, ("x", "y"))
    before = len(used.graph)
    level = {(): dict(enumerate(used.outputs.nodes))}
    assert next_level(used.graph, level, wrt_of(used)) is not None
    needed = len(used.graph) - before
    for budget in (0, needed // 2, needed):
        fresh = system_of(expr, ("x", "y"))
        made = next_level(
            fresh.graph, {(): dict(enumerate(fresh.outputs.nodes))}, wrt_of(fresh), budget
        )
        assert (made is not None) == (budget == needed), budget


def test_a_pair_potential_needs_no_product_for_minus_the_same() -> None:
    """d/dx of f(x - y) is minus d/dy, to any order: elimination meets the same nodes."""
    system = system_of(math.exp(-((x - y) ** 2)), ("x", "y"))
    levels = levels_of(system, 3)
    assert levels is not None
    graph = system.graph
    for level in levels:
        nodes = {size_of(graph, node) for column in level.values() for node in column}
        assert len(nodes) == 1


def size_of(graph: Graph, node: int) -> tuple[int, object]:
    """The node under a coefficient, and the coefficient without its sign."""
    if graph.ops[node] == "sum" and len(graph.args[node]) == 1 and graph.data[node][0] == 0:
        return graph.args[node][0], abs(graph.data[node][1][0])
    return node, 1


def chained(count: int) -> tuple[Expr, tuple[str, ...]]:
    v = variables("v", count)
    total = sum(math.sin(a * b) + (1 - a) ** 2 for a, b in pairwise(v))
    return wrap(total), tuple(f"v{i}" for i in range(count))


def test_long_chains_are_eliminated_in_linear_time() -> None:
    value = x
    for _ in range(3_000):
        value = math.sin(value)
    deep = system_of(value, ("x",))
    assert levels_of(deep, 1) is not None
    made, seconds = {}, {}
    for count in (100, 400):
        system = system_of(*chained(count))
        before, start = len(system.graph), perf_counter()
        assert levels_of(system, 2) is not None
        seconds[count] = perf_counter() - start
        made[count] = len(system.graph) - before
    assert made[400] <= 4.5 * made[100]
    assert seconds[400] <= 12 * seconds[100] + 0.5


def test_the_order_is_the_same_each_time() -> None:
    graphs = []
    for _ in range(2):
        system, _ = problem_system("bundle_adjustment")
        assert levels_of(system, 2) is not None
        graphs.append((system.graph.ops, system.graph.args, system.graph.data))
    assert graphs[0] == graphs[1]
