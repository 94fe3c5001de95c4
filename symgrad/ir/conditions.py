"""Conditions: which Exprs are truth values, and choices made by them."""

from __future__ import annotations

from collections.abc import Sequence

from symgrad.ir.expression import BOOLEAN, Expr

NAN = Expr("constant", (), float("nan"))


def is_condition(expr: Expr) -> bool:
    """Whether an Expr is a truth value and no number; a select of conditions is one."""
    while expr.op == "select":
        _, chosen, other = expr.args
        expr = other if chosen.op == "select" else chosen  # the way that ends sooner
    return expr.op in BOOLEAN


def piecewise(pairs: Sequence[tuple[Expr, Expr]]) -> Expr:
    """The value of the first pair whose condition holds; nan where none does."""
    result = NAN
    for value, condition in reversed(pairs):
        decided = condition.op == "boolean"
        if not decided:
            result = Expr("select", (condition, value, result))
        elif condition.value:
            result = value
    return result
