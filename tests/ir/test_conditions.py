"""What is a truth value, and choices made by it."""

from __future__ import annotations

import math

import pytest

from symgrad.ir.conditions import is_condition, piecewise
from symgrad.ir.expression import Expr, constant, variables

X, Y = variables("x y")


def select(condition: Expr, chosen: Expr, other: Expr) -> Expr:
    return Expr("select", (condition, chosen, other))


@pytest.mark.parametrize("condition", [X < Y, ~(X < Y), (X < 1) & (Y < 1), constant(True)])
def test_comparisons_and_logic_are_conditions(condition: Expr) -> None:
    assert is_condition(condition)
    assert is_condition(select(X < 0, condition, Y < 0))


@pytest.mark.parametrize("number", [X, constant(1), X + Y, Expr("sin", (X,))])
def test_numbers_are_no_conditions(number: Expr) -> None:
    assert not is_condition(number)
    assert not is_condition(select(X < 0, number, Y))


@pytest.mark.parametrize("side", [1, 2])
def test_a_long_chain_of_choices_takes_no_time(side: int) -> None:
    chain = X
    for _ in range(20_000):
        chain = select(X < Y, *((chain, Y) if side == 1 else (Y, chain)))
        assert not is_condition(chain)


def test_the_first_pair_that_holds_is_outermost() -> None:
    made = piecewise([(X, X < 0), (Y, Y < 0), (constant(1), constant(True))])
    assert made == select(X < 0, X, select(Y < 0, Y, constant(1)))


def test_pairs_after_true_are_never_reached_and_false_ones_fall_out() -> None:
    assert piecewise([(X, constant(False)), (Y, constant(True)), (X, X < 0)]) == Y


def test_where_no_pair_holds_the_value_is_nan() -> None:
    made = piecewise([(X, X < 0)])
    assert made.args[2].op == "constant"
    assert math.isnan(made.args[2].value)  # type: ignore[arg-type]
