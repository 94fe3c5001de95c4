"""Edge pushing against the sweeps, the rows' own second partials, and numerical differences."""

from __future__ import annotations

from fractions import Fraction
from time import perf_counter
from typing import Any

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.problems import PROBLEMS
from symgrad.differentiate.levels import Level
from symgrad.differentiate.pushing import ORDERS, Order, hessian, product_seconds, template
from symgrad.functions import PRIMITIVES, math
from symgrad.ir.expression import Expr, symbol, variables, wrap
from symgrad.ir.graph import Graph
from symgrad.ir.primitive import define
from symgrad.ir.system import System
from symgrad.ir.traverse import reachable
from symgrad.ir.verify import verify_graph
from tests.differentiate.test_elimination import (
    assert_agrees,
    chained,
    has_choice,
    problem_system,
    smooth_expression,
    wrt_of,
)
from tests.expressions import CORPUS, close, in_mpmath, mixed_partial, system_of, tensor_of

x, y, z = variables("x y z")


def pushed(system: System, order: Order = "descending") -> tuple[Level, Level] | None:
    return hessian(system.graph, system.outputs.nodes, wrt_of(system), None, order)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_first_and_second_derivatives(case: Any, order: Order, digits: int) -> None:
    system = case.system()
    levels = pushed(system, order)
    if levels is None:
        nodes = (*system.outputs.nodes, *tensor_of(system, 1).nodes, *tensor_of(system, 2).nodes)
        assert has_choice(system, nodes)
        return
    verify_graph(system.graph)
    point = case.points(1, seed=5)[0]
    for highest, level in enumerate(levels, 1):
        assert all(tuple(sorted(index, reverse=True)) == index for index in level)
        assert_agrees(system, level, highest, point, 1e-12)


SMALL = sorted(name for name in PROBLEMS if name not in ("kinetics20", "matfun4", "pollu"))


@pytest.mark.parametrize("name", SMALL)
def test_hessians_of_the_problems(name: str, digits: int) -> None:
    system, point = problem_system(name)
    values = []
    for order in ORDERS:
        levels = pushed(system, order)
        assert levels is not None
        places = [(key, row) for key in sorted(levels[1]) for row in levels[1][key]]
        nodes = [levels[1][key][row] for key, row in places]
        found = in_mpmath(system.graph, nodes, point)
        values.append(dict(zip(places, found, strict=True)))
    reference = reference_values(system, point)
    scale = max(map(abs, reference.values()))
    for found in values:
        for key in {*found, *reference}:
            assert abs(found.get(key, 0) - reference.get(key, 0)) <= 1e-11 * scale, key


def reference_values(system: System, point: Any) -> dict[Any, Any]:
    """The lower triangle of the Hessian by forward over reverse, at a point."""
    nodes, n = tensor_of(system, 2).nodes, len(system.wrt)
    places = {
        ((i, j), row): nodes[(row * n + i) * n + j]
        for row in range(len(system.outputs.nodes))
        for i in range(n)
        for j in range(i + 1)
    }
    values = in_mpmath(system.graph, list(places.values()), point)
    return dict(zip(places, values, strict=True))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(ORDERS))
def test_random_expressions(seed: int, order: Order) -> None:
    system = system_of([smooth_expression(seed), smooth_expression(seed + 1)], ("x", "y", "z"))
    levels = pushed(system, order)
    assert levels is not None
    with mpmath.workdps(40):
        for highest, level in enumerate(levels, 1):
            assert_agrees(system, level, highest, {"x": 0.7, "y": -1.2, "z": 1.9}, 1e-12)


ROWS = [
    row
    for row in PRIMITIVES.values()
    if not row.boolean and row.name != "select" and row.kind != "unknown" and not row.unknown
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_second_partials_of_the_rows(row: Any, digits: int) -> None:
    """The templates against differences of the row's first partials."""
    small, entries = template(Graph(PRIMITIVES), row.name)
    point = {f"a{i}": low + 0.4 * (high - low) for i, (low, high) in enumerate(row.domain)}
    call = Expr(row.name, tuple(symbol(name) for name in point))
    (value,) = in_mpmath(small, [small.add(call)], point)
    found = {(i, k): node for i, k, node in entries}
    for i in range(row.arity):
        for k in range(i + 1):
            node = found.get((i, k), small.constant(0))
            (got,) = in_mpmath(small, [node], {**point, "y": value})
            assert close(got, mixed_partial(call, point, (i, k)), 1e-12), (i, k)


@pytest.mark.parametrize("order", ORDERS)
def test_partials_rewritten_through_grandchildren(order: Order, digits: int) -> None:
    """The first partial of a product of quotients cancels; its second must not suffer."""
    inner = x / y
    exprs = [inner**3 * (y / x) ** 2, (x * y) ** 2 / (x**2 * z), math.exp(inner) * y / x]
    system = system_of([*exprs, math.sin(2 * inner * z) / inner], ("x", "y", "z"))
    levels = pushed(system, order)
    assert levels is not None
    assert_agrees(system, levels[1], 2, {"x": 0.8, "y": 1.7, "z": 0.6}, 1e-30)


@pytest.mark.parametrize("count", [2, 3, 4, 7])
def test_second_partials_of_products(count: int, digits: int) -> None:
    graph = Graph(PRIMITIVES)
    v = variables("v", count)
    exponents = [1, 2, Fraction(-1, 2), 3, -1, Fraction(1, 3), 1][:count]
    nodes = [graph.add(a) for a in v]
    node = graph.product(list(zip(nodes, exponents, strict=True)))
    expr = wrap(1)
    for base, exponent in zip(v, exponents, strict=True):
        expr = expr * base**exponent
    point = {f"v{i}": 0.5 + 0.3 * i for i in range(count)}
    found = {}
    for first, second, partial, times in product_seconds(graph, node, set(nodes)):
        assert times == 1
        found[nodes.index(first), nodes.index(second)] = partial
    pairs = [(i, k) for i in range(count) for k in range(i + 1)]
    assert set(found) == {(i, k) for i, k in pairs if i != k or exponents[i] != 1}
    for (i, k), partial in found.items():
        (got,) = in_mpmath(graph, [partial], point)
        assert close(got, mixed_partial(expr, point, (i, k)), 1e-15)


def test_the_same_argument_twice(digits: int) -> None:
    row = define("area2", lambda u, a, b: b**2, lambda u, a, b: 2 * a * b, domain=(-2, 2))
    graph = Graph({**PRIMITIVES, "area2": row})
    node = graph.add(Expr("area2", (math.sin(x), math.sin(x))))
    levels = hessian(graph, [node], [graph.symbol("x")])
    assert levels is not None
    for level, index in zip(levels, [(0,), (0, 0)], strict=True):
        (got,) = in_mpmath(graph, level[index].values(), {"x": 0.4})
        assert close(got, mixed_partial(math.sin(x) ** 3, {"x": 0.4}, index), 1e-20)


def test_levels_hold_the_entries_that_are_not_zero() -> None:
    graph = Graph(PRIMITIVES)
    nodes = graph.add_all([x * y, wrap(3), y, x * y, math.sin(y)])
    levels = hessian(graph, nodes, [graph.symbol("x"), graph.symbol("y"), graph.symbol("z")])
    one = graph.constant(1)
    a, b, cosine, sine = graph.add_all([x, y, math.cos(y), -math.sin(y)])
    assert levels == (
        {(0,): {0: b, 3: b}, (1,): {0: a, 2: one, 3: a, 4: cosine}},
        {(1, 0): {0: one, 3: one}, (1, 1): {4: sine}},
    )


@pytest.mark.parametrize(
    "expr", [math.where(x > 0, x * y, y), math.min(x, y) * y, math.max(x, y) + x, x**y]
)
def test_choices_are_refused(expr: Expr) -> None:
    assert pushed(system_of(expr, ("x", "y"))) is None


def test_a_choice_that_folds_is_no_obstacle(digits: int) -> None:
    expr = x**0.3 * y + (1 + x * y) ** -0.635
    system = system_of(expr, ("x", "y"))
    levels = pushed(system)
    assert levels is not None
    assert not has_choice(
        system, [n for level in levels for column in level.values() for n in column]
    )
    assert_agrees(system, levels[1], 2, {"x": 0.8, "y": 1.7}, 1e-14)


@pytest.mark.parametrize("order", ORDERS)
def test_over_budget_is_refused(order: Order) -> None:
    expr = math.sin(x * y) * math.exp(x / y)
    used = system_of(expr, ("x", "y"))
    before = len(used.graph)
    assert pushed(used, order) is not None
    needed = len(used.graph) - before
    for budget in (0, needed // 2, needed):
        fresh = system_of(expr, ("x", "y"))
        made = hessian(fresh.graph, fresh.outputs.nodes, wrt_of(fresh), budget, order)
        assert (made is not None) == (budget == needed), budget


def test_a_budget_stops_a_dense_hessian_early() -> None:
    v = variables("v", 150)
    total = wrap(0)
    for k, a in enumerate(v):
        total = total + math.sin((k + 1) * a)
    system = system_of(math.exp(total), tuple(f"v{i}" for i in range(150)))
    before = len(system.graph)
    assert hessian(system.graph, system.outputs.nodes, wrt_of(system), 5_000) is None
    assert len(system.graph) - before < 6_000


@pytest.mark.parametrize("order", ORDERS)
def test_a_pushed_hessian_is_smaller_than_one_by_sweeps(order: Order) -> None:
    for name in ("black_scholes", "tersoff4"):
        system, _ = problem_system(name)
        levels = pushed(system, order)
        assert levels is not None
        roots = [node for column in levels[1].values() for node in column]
        fresh, _ = problem_system(name)
        swept = len(reachable(fresh.graph, tensor_of(fresh, 2).nodes))
        assert len(reachable(system.graph, roots)) < 0.9 * swept


def test_long_chains_are_pushed_in_linear_time() -> None:
    value = x
    for _ in range(3_000):
        value = math.sin(value)
    assert pushed(system_of(value, ("x",))) is not None
    for order in ORDERS:
        made, seconds = {}, {}
        for count in (100, 400):
            system = system_of(*chained(count))
            before, start = len(system.graph), perf_counter()
            assert pushed(system, order) is not None
            seconds[count] = perf_counter() - start
            made[count] = len(system.graph) - before
        assert made[400] <= 4.5 * made[100]
        assert seconds[400] <= 12 * seconds[100] + 0.5


@pytest.mark.parametrize("order", ORDERS)
def test_the_order_is_the_same_each_time(order: Order) -> None:
    graphs = []
    for _ in range(2):
        system, _ = problem_system("bundle_adjustment")
        assert pushed(system, order) is not None
        graphs.append((system.graph.ops, system.graph.args, system.graph.data))
    assert graphs[0] == graphs[1]
