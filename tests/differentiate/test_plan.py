"""Plans of jets: what is needed to which degree, and by which rule."""

from __future__ import annotations

from dataclasses import replace

import pytest

from symgrad.differentiate.plan import Plan, Policy
from symgrad.functions import PRIMITIVES, math
from symgrad.ir.expression import Expr, variables
from symgrad.ir.graph import Graph

x, y, k = variables("x y k")

POLICY = Policy()


def planned(expr: Expr, degree: int, policy: Policy = POLICY) -> tuple[Graph, Plan, int]:
    graph = Graph(PRIMITIVES)
    node = graph.add(expr)
    wrt = [graph.symbol("x"), graph.symbol("y")]
    plan = Plan(graph, wrt, policy, 10_000, graph.constant(1))
    plan.survey([node])
    assert plan.add([(node, degree)])
    return graph, plan, node


def test_sine_and_cosine_need_each_other_to_falling_degrees() -> None:
    graph, plan, node = planned(math.sin(x * y), 3)
    assert plan.need[node] == 3
    assert plan.need[graph.add(math.cos(x * y))] == 2
    assert plan.rules[node].kind == "chain"


def test_parameters_are_not_planned() -> None:
    graph, plan, _ = planned(math.exp(k) * x + k, 2)
    assert graph.add(math.exp(k)) not in plan.need


@pytest.mark.parametrize(
    ("expr", "policy", "kind"),
    [
        (x + 2 * y, POLICY, "sum"),
        (x * y, POLICY, "product"),
        ((x + y) ** 2, POLICY, "square"),
        (x / (x + y), POLICY, "quotient"),
        (x / (x + y), replace(POLICY, divided=False), "product"),
        ((x + y) ** 0.5, POLICY, "chain"),
        ((x + y) ** 0.5, replace(POLICY, chained=False), "power"),
        ((x + y) ** 2.5, replace(POLICY, chained=False), "chain"),
        ((x + y) ** 4, replace(POLICY, chained=False), "square"),
        ((x + y) ** 3, replace(POLICY, chained=False), "product"),
        (math.erf(x), POLICY, "chain"),
    ],
)
def test_rules(expr: Expr, policy: Policy, kind: str) -> None:
    _, plan, node = planned(expr, 2, policy)
    assert plan.rules[node].kind == kind


def test_logarithms_of_products_are_sums() -> None:
    graph, plan, node = planned(math.log(x**2 / y), 2)
    assert plan.rules[node].kind == "sum"
    logs = dict(zip(plan.rules[node].args, plan.rules[node].data, strict=True))
    assert logs == {graph.add(math.log(x)): 2, graph.add(math.log(y)): -1}
    _, plan, node = planned(math.log(x + y), 2)
    assert plan.rules[node].kind == "chain"


def test_order_puts_arguments_first() -> None:
    _, plan, _ = planned(math.exp(x * y) * math.sin(x + y) / (1 + x**2), 3)
    place = {node: position for position, node in enumerate(plan.order())}
    for node in place:
        for argument in plan.rules[node].args:
            assert argument not in place or place[argument] < place[node]


def test_constant_factors_come_last_where_products_share_the_rest() -> None:
    graph, plan, _ = planned(2 * x * y * math.exp(k) + math.sin(x * y * k), 2)
    shared = graph.add(x * y)
    products = [rule.args for rule in plan.rules.values() if rule.kind == "product"]
    assert sum(shared in args for args in products) == 2


@pytest.mark.parametrize(
    "expr", [math.where(x > 0, x, y), math.min(x, y) * y, x**y, math.max(x, y) * x]
)
def test_choices_cannot_be_planned(expr: Expr) -> None:
    graph = Graph(PRIMITIVES)
    node = graph.add(expr)
    wrt = [graph.symbol("x"), graph.symbol("y")]
    plan = Plan(graph, wrt, POLICY, 10_000, graph.constant(1))
    assert not plan.add([(node, 2)])


def test_the_limit_on_nodes_holds() -> None:
    graph = Graph(PRIMITIVES)
    node = graph.add(math.tan(math.tan(x)))
    plan = Plan(graph, [graph.symbol("x")], POLICY, len(graph), graph.constant(1))
    assert not plan.add([(node, 4)])
