"""The rewriting pass: the same values, never a bigger graph, nothing left to do a second time."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, isnan, nan
from typing import Any

import numpy as np
import pytest

from symgrad.functions import PRIMITIVES, math
from symgrad.ir.expression import Expr, variables, wrap
from symgrad.ir.graph import LEAVES, Graph
from symgrad.ir.system import Tensor
from symgrad.ir.text import write
from symgrad.ir.traverse import reachable
from symgrad.ir.verify import verify_graph
from symgrad.simplify.rewrite import match, simplify
from symgrad.simplify.rules import LEVELS, RULES
from tests.expressions import (
    BRANCHES,
    CORPUS,
    close,
    in_float,
    in_mpmath,
    random_case,
    system_of,
    tensor_of,
)

x, y, n = variables("x y n")
CASES = [*CORPUS, *map(random_case, range(10))]


def with_derivatives(case: Any, *, exact: bool = False) -> tuple[Graph, list[Tensor]]:
    system = case.system(exact=exact)
    return system.graph, [system.outputs, tensor_of(system, 1), tensor_of(system, 2)]


def roots(tensors: Sequence[Tensor]) -> list[int]:
    return [node for tensor in tensors for node in tensor.nodes]


def simplified(expr: object, level: str, *, exact: bool = False) -> tuple[Graph, int]:
    system = system_of(wrap(expr), ("x", "y"), exact=exact)
    graph, (tensor,) = simplify(system.graph, [system.outputs], level, derived=True)
    return graph, tensor.nodes[0]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_values_stay(case: Any, level: str, digits: int) -> None:
    graph, tensors = with_derivatives(case, exact=level == "exact")
    made, kept = simplify(graph, tensors, level)
    verify_graph(made)
    assert [(t.name, t.shape) for t in kept] == [(t.name, t.shape) for t in tensors]
    point = case.points(1, seed=31)[0]
    for one, other in zip(
        in_mpmath(graph, roots(tensors), point), in_mpmath(made, roots(kept), point), strict=True
    ):
        assert close(one, other, 1e-30), case.name


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_twice_changes_nothing(case: Any, level: str) -> None:
    graph, tensors = with_derivatives(case, exact=level == "exact")
    once, kept = simplify(graph, tensors, level)
    once, kept = simplify(once, kept, level)  # numbers the nodes anew
    twice, again = simplify(once, kept, level)
    assert write(twice, {t.name: t.nodes for t in again}) == write(
        once, {t.name: t.nodes for t in kept}
    )


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_graph_never_grows(case: Any, level: str) -> None:
    graph, tensors = with_derivatives(case, exact=level == "exact")
    made, kept = simplify(graph, tensors, level)
    assert len(reachable(made, roots(kept))) <= len(reachable(graph, roots(tensors)))


@pytest.mark.parametrize("branch", BRANCHES, ids=lambda branch: branch.name)
def test_branches_stay(branch: Any, digits: int) -> None:
    system = system_of(branch.expr, ("x",))
    tensors = [system.outputs, tensor_of(system, 1), tensor_of(system, 2)]
    made, kept = simplify(system.graph, tensors, "all")
    for value in branch.at:
        point = {"x": value}
        for one, other in zip(
            in_mpmath(system.graph, roots(tensors), point),
            in_mpmath(made, roots(kept), point),
            strict=True,
        ):
            assert close(one, other, 1e-30), (branch.expr, value)


@pytest.mark.parametrize(
    ("expr", "level", "expected"),
    [
        (math.log(math.exp(x)), "exact", math.log(math.exp(x))),
        (math.log(math.exp(x)), "finite", x),
        (math.exp(math.log(x * y)), "all", x * y),
        (math.exp(-3 * math.log(x)), "finite", x**-3),
        (math.exp(-3 * math.log(x)), "exact", math.exp(-3 * math.log(x))),
        (math.exp(y * math.log(x)), "all", math.exp(y * math.log(x))),
        (math.exp(math.log(x) / 3), "all", math.exp(math.log(x) / 3)),
        (math.cos(math.asin(x)), "finite", math.cos(math.asin(x))),
        (math.cos(math.asin(x)), "all", math.sqrt((1 - x) * (1 + x))),
        (abs(abs(x)), "exact", abs(x)),
        (abs(abs(abs(x))), "exact", abs(x)),
        (math.floor(math.floor(math.ceil(x))), "exact", math.ceil(x)),
        (math.max(x, x), "exact", x),
        (math.max(x, y), "all", math.max(x, y)),
        (math.log(math.exp(math.log(math.exp(x)))), "finite", x),
        (math.sin(math.asin(math.exp(math.log(x)))), "finite", x),
        (math.exp(math.log(x)) - x, "finite", 0),
        (math.where(math.exp(math.log(x)) > y, math.tan(math.atan(y)), y), "finite", y),
    ],
)
def test_rules_are_applied_by_level(expr: Expr, level: str, expected: object) -> None:
    graph, node = simplified(expr, level)
    assert node == graph.add(wrap(expected))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_is_applied_at_its_level_and_not_below(rule: Any) -> None:
    for level, classes in LEVELS.items():
        made = Graph(PRIMITIVES)
        node = made.add(rule.left, {"n": made.constant(-3)})
        tensor = Tensor("value", (), (node,))
        graph, (kept,) = simplify(made, [tensor], level, primal=rule.early, derived=rule.late)
        expected = rule.right if rule.safety in classes else rule.left
        assert kept.nodes[0] == graph.add(expected, {"n": graph.constant(-3)}), level


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.late], ids=lambda rule: rule.name)
def test_late_rules_wait_for_the_derivatives(rule: Any) -> None:
    system = system_of(rule.left, ("x",))
    graph, (tensor,) = simplify(system.graph, [system.outputs], "all")
    assert tensor.nodes[0] == graph.add(rule.left)


HONEST: dict[str, tuple[Expr, float]] = {
    "quotient_at_0": (x / x, 0.0),
    "quotient_at_inf": (x / x, inf),
    "quotient_at_nan": (x / x, nan),
    "difference_at_inf": (x - x, inf),
    "difference_at_nan": (x - x, nan),
    "powers_at_0": (x**2 / x, 0.0),
    "root_of_product_at_0": (math.sqrt(x) / math.sqrt(x), 0.0),
    "log_exp_at_1000": (x - math.log(math.exp(x)), 1000.0),
}


@pytest.mark.parametrize("name", HONEST)
def test_exact_rewrites_keep_what_is_not_finite(name: str) -> None:
    expr, value = HONEST[name]
    graph, node = simplified(expr, "exact", exact=True)
    got = in_float(graph, [node], {"x": value, "y": 1.0})[0]
    assert not np.isfinite(got), f"{expr} at {value}: {got}"


@pytest.mark.parametrize("name", HONEST)
def test_other_rewrites_take_the_finite_value(name: str) -> None:
    expr, value = HONEST[name]
    graph, node = simplified(expr, "all")
    got = in_float(graph, [node], {"x": value, "y": 1.0})[0]
    assert np.isfinite(got) or isnan(value), f"{expr} at {value}: {got}"


def test_what_nothing_needs_is_left_out() -> None:
    system = system_of(x + 1, ("x", "y"))
    system.graph.add(math.sin(y))
    made, _ = simplify(system.graph, [system.outputs], "all")
    assert [made.data[node] for node in range(len(made)) if made.ops[node] == "symbol"] == ["x"]
    assert "sin" not in made.ops


def test_the_given_graph_stays_as_it_is() -> None:
    system = system_of(math.log(math.exp(x)), ("x",))
    before = write(system.graph)
    simplify(system.graph, [system.outputs], "all")
    assert write(system.graph) == before


def test_exactness_is_kept() -> None:
    system = system_of(x / x, ("x",), exact=True)
    made, _ = simplify(system.graph, [system.outputs], "exact")
    assert made.exact


@pytest.mark.parametrize(
    ("expr", "pattern", "fits"),
    [
        (math.max(x, x), math.max(x, x), True),
        (math.max(x, y), math.max(x, x), False),
        (math.max(x + 1, 1 + x), math.max(x, x), True),
        (math.sin(math.asin(x + y)), math.sin(math.asin(x)), True),
        (math.sin(x), math.sin(math.asin(x)), False),
        (math.sin(-math.asin(x)), math.sin(math.asin(x)), False),
        (x + y, x + y, False),
        (math.exp(-2 * x), math.exp(n * x), True),
        (math.exp(2 * x + 1), math.exp(n * x), False),
        (math.exp(x / 2), math.exp(n * x), False),
        (math.exp(x), math.exp(n * x), False),
    ],
)
def test_match(expr: Expr, pattern: Expr, fits: bool) -> None:
    graph = Graph(PRIMITIVES)
    bindings = match(graph, graph.add(expr), pattern)
    assert (bindings is not None) is fits


def test_match_names_what_symbols_stand_for() -> None:
    graph = Graph(PRIMITIVES)
    node, first, second = graph.add_all([math.atan2(x * y, x), x * y, x])
    assert match(graph, node, math.atan2(x, y)) == {"x": first, "y": second}


def test_deep_graphs_need_no_recursion() -> None:
    value = x
    for _ in range(10_000):
        value = math.exp(math.log(math.sin(value)))
    graph, node = simplified(value, "finite")
    assert len(reachable(graph, [node])) == 10_001
    assert graph.ops[0] in LEAVES
