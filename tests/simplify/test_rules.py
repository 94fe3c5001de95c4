"""Every rewrite rule: both sides agree, and the class it claims is the one it has."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest

from symgrad.functions import PRIMITIVES
from symgrad.ir.evaluate import evaluate_expr, numpy_arithmetic
from symgrad.ir.expression import ARITHMETIC, Expr, postorder
from symgrad.ir.graph import Graph
from symgrad.simplify.rewrite import IN_GRAPH, match
from symgrad.simplify.rules import LEVELS, RULES, STABILISING, Rule
from tests.expressions import as_written, close

RNG = np.random.default_rng(5)
POINTS = [*RNG.uniform(-0.99, 0.99, 12), *RNG.uniform(-8, 8, 12), *RNG.uniform(1, 5, 6)]
POSITIVE = (5e-324, 2.2e-308, 0.1, 0.5, 1.0, 1.5, 2.5, 7.25, np.pi, 1e16, 1e300, 1.79e308, np.inf)
SPECIAL = np.array([0.0, -0.0, np.nan, *POSITIVE, *(-value for value in POSITIVE)])

WHOLE = -3
"""What the symbol n stands for."""


def named(rule: Rule) -> str:
    return rule.name


def by_class(*safety: str) -> list[Rule]:
    return [rule for rule in RULES if rule.safety in safety]


def cost(expr: Expr) -> int:
    """Operations of an Expr, an addition being 1; shared parts count once."""
    total = 0
    for node in set(postorder((expr,))):
        if node.op in ("add", "multiply"):
            total += 1
        elif node.op == "power":
            total += 6 if node.args[1].value != 2 else 1
        elif node.op not in ARITHMETIC:
            total += PRIMITIVES[node.op].cost
    return total


@pytest.mark.parametrize("rule", RULES, ids=named)
def test_sides_agree_where_the_left_is_finite(rule: Rule, digits: int) -> None:
    compared = 0
    for value in POINTS:
        point = {"x": float(value), "n": WHOLE}
        left = as_written(rule.left, point)
        if mpmath.isfinite(left):
            right = as_written(rule.right, point)
            assert close(left, right, 1e-35), f"{rule.name} at {value}: {left} against {right}"
            compared += 1
    assert compared >= 5


@pytest.mark.parametrize("rule", by_class("exact"), ids=named)
def test_exact_rules_keep_every_bit(rule: Rule) -> None:
    with np.errstate(all="ignore"):
        left, right = (
            np.asarray(
                evaluate_expr(side, {"x": SPECIAL, "n": WHOLE}, PRIMITIVES, numpy_arithmetic()),
                float,
            )
            for side in (rule.left, rule.right)
        )
    both_nan = np.isnan(left) & np.isnan(right)
    same = both_nan | (left.view(np.int64) == right.view(np.int64))
    assert same.all(), f"{rule.name} differs at {SPECIAL[~same]}: {left[~same]}, {right[~same]}"


@pytest.mark.parametrize("rule", by_class("finite"), ids=named)
def test_finite_rules_are_not_exact(rule: Rule) -> None:
    """A rule that keeps every bit belongs into the stricter class."""
    with np.errstate(all="ignore"):
        left, right = (
            np.asarray(
                evaluate_expr(side, {"x": SPECIAL, "n": WHOLE}, PRIMITIVES, numpy_arithmetic()),
                float,
            )
            for side in (rule.left, rule.right)
        )
    assert not np.array_equal(left, right, equal_nan=True)


@pytest.mark.parametrize("rule", [rule for rule in RULES if not rule.early], ids=named)
def test_a_rule_costs_less_than_what_it_replaces(rule: Rule) -> None:
    inner = sum(cost(argument) for argument in rule.left.args)
    # The inner function may be needed elsewhere too, so the outer one alone has to pay.
    assert cost(rule.right) < cost(rule.left)
    assert cost(rule.right) <= max(cost(rule.left) - inner, inner)


@pytest.mark.parametrize("rule", RULES, ids=named)
def test_symbols_of_the_right_stand_on_the_left(rule: Rule) -> None:
    def names(expr: Expr) -> set[Any]:
        return {node.value for node in postorder((expr,)) if node.op == "symbol"}

    assert names(rule.right) <= names(rule.left)


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if rule.left.op not in IN_GRAPH], ids=named
)
def test_a_rule_matches_its_own_left_side(rule: Rule) -> None:
    graph = Graph(PRIMITIVES)
    whole = graph.constant(WHOLE)
    node = graph.add(rule.left, {"n": whole})
    expected = {"x": graph.symbol("x"), "n": whole}
    used = {part.value for part in postorder((rule.left,)) if part.op == "symbol"}
    assert match(graph, node, rule.left) == {name: expected[name] for name in used}


@pytest.mark.parametrize("value", [800.0, -800.0, -40.0, 0.375, 1e-9])
@pytest.mark.parametrize("rule", STABILISING, ids=named)
def test_a_stabilising_rule_is_right_in_double_precision(rule: Rule, value: float) -> None:
    with mpmath.workdps(800):
        expected = as_written(rule.left, {"x": value})
    if not mpmath.isfinite(expected) or abs(expected) > 1e308:
        return
    with np.errstate(all="ignore"):
        got = evaluate_expr(rule.right, {"x": np.float64(value)}, PRIMITIVES, numpy_arithmetic())
    assert abs(mpmath.mpf(float(got)) - expected) <= 3e-15 * abs(expected) + 1e-307


def test_names_are_different_and_say_both_sides() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert RULES[0].name == "abs(abs(x)) -> abs(x)"


def test_levels_contain_one_another() -> None:
    assert LEVELS["exact"] < LEVELS["finite"] < LEVELS["all"]
    assert {rule.safety for rule in RULES} == LEVELS["all"]
