"""Graph -> Expr: the way back, for results that people see or that are differentiated again."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from symgrad.ir.expression import Expr, constant, named, symbol
from symgrad.ir.graph import Graph
from symgrad.ir.traverse import reachable


def to_exprs(graph: Graph, nodes: Sequence[int]) -> list[Expr]:
    """The nodes as Exprs that share what the nodes share."""
    made: dict[int, Expr] = {}
    for node in reachable(graph, nodes):
        op, data = graph.ops[node], graph.data[node]
        args = [made[argument] for argument in graph.args[node]]
        if op == "constant":
            expr = constant(data)
        elif op == "named":
            expr = named(data)
        elif op == "symbol":
            expr = symbol(data)
        elif op == "boolean":
            expr = Expr("boolean", (), data)
        elif op == "sum":
            expr = _sum(args, data[0], data[1])
        elif op == "product":
            factors = [
                a if e == 1 else Expr("power", (a, constant(e)))
                for a, e in zip(args, data, strict=True)
            ]
            expr = factors[0]
            for factor in factors[1:]:
                expr = expr * factor
        else:
            expr = Expr(op, tuple(args))
        made[node] = expr
    return [made[node] for node in nodes]


def _sum(
    args: Sequence[Expr], start: int | Fraction | float, coefficients: Sequence[object]
) -> Expr:
    terms = [
        a if type(c) is int and c == 1 else constant(c) * a
        for a, c in zip(args, coefficients, strict=True)
    ]
    if not (type(start) is int and start == 0):
        terms.append(constant(start))
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total
