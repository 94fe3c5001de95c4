"""Which nodes cannot be negative: decided from the node's own form, never guessed."""

from __future__ import annotations

from collections.abc import Sequence
from math import copysign

from symgrad.ir.arithmetic import Number
from symgrad.ir.graph import Graph

NONNEGATIVE_FUNCTIONS = frozenset(
    {"exp", "exp2", "cosh", "acosh", "abs", "hypot", "erfc", "acos", "sigmoid", "softplus"}
)


def _at_least_zero(value: Number) -> bool:
    return copysign(1.0, value) > 0 if isinstance(value, float) else value >= 0


def nonnegative(graph: Graph, nodes: Sequence[int]) -> set[int]:
    """Those of ``nodes`` (increasing) whose value is at least +0 or nan for every input."""
    found: set[int] = set()
    for node in nodes:
        op, args, data = graph.ops[node], graph.args[node], graph.data[node]
        if op == "constant":
            holds = _at_least_zero(data)
        elif op == "sum":
            start, coefficients = data
            holds = _at_least_zero(start) and all(
                coefficient > 0 and argument in found
                for argument, coefficient in zip(args, coefficients, strict=True)
            )
        elif op == "product":
            # Not so a fractional power: the square root of -0.0 is -0.0.
            holds = all(
                (exponent.denominator == 1 and exponent % 2 == 0) or argument in found
                for argument, exponent in zip(args, data, strict=True)
            )
        else:
            holds = op == "named" or op in NONNEGATIVE_FUNCTIONS
        if holds:
            found.add(node)
    return found
