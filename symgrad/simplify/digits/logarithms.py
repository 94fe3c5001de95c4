"""Logarithms that are inverse hyperbolic functions, which know their arguments near 0 as well.

Each takes a graph and a node, and gives the node that takes its place, or None.
"""

from __future__ import annotations

from fractions import Fraction

from symgrad.functions import math
from symgrad.ir.arithmetic import multiply_numbers
from symgrad.ir.expression import symbol
from symgrad.ir.graph import Graph
from symgrad.simplify.digits.conjugates import HALF_POWER, conjugate, difference_of
from symgrad.simplify.digits.forms import Form, factors, flattened, terms

A = symbol("a")
LEGS = {1: "asinh", -1: "acosh"}


def log_of_leg(graph: Graph, node: int) -> int | None:
    """log(x + sqrt(x^2 + 1)) as asinh(x), and log(x + sqrt(x^2 - 1)) as acosh(x)."""
    (total,) = graph.args[node]
    if graph.ops[total] == "select":
        total = graph.args[total][2]
    if graph.ops[total] != "sum" or graph.data[total] != (0, (1, 1)):
        return None
    if total != graph.args[node][0] != conjugate(graph, total):
        return None  # a choice that somebody else has made
    found = graph.args[total]
    made: dict[str, int] = {}
    for root, x in (found, found[::-1]):
        if graph.ops[root] == "product" and graph.data[root] == (HALF_POWER,):
            (inside,) = graph.args[root]
            rest = graph.sum(difference_of(graph, inside, 1, graph.product([(x, 2)]), 1))
            if graph.ops[rest] == "constant" and graph.data[rest] in LEGS:
                made[LEGS[graph.data[rest]]] = x
    for name in ("asinh", "acosh"):  # sqrt(x) + sqrt(x + 1) is both, and near 0 asinh knows x
        if name in made:
            return graph.call(name, (made[name],))
    return None


def log_of_conjugate(graph: Graph, node: int) -> int | None:
    """log(1 + w - sqrt(w^2 + 2 w)) by log1p near 1, where its conjugate has no more digits."""
    (chosen,) = graph.args[node]
    written = graph.args[chosen][2] if graph.ops[chosen] == "select" else chosen
    if graph.ops[written] != "sum" or graph.data[written][0] != 1:
        return None
    if chosen == written or conjugate(graph, written) != chosen:
        return None
    rest = graph.sum(list(zip(graph.args[written], graph.data[written][1], strict=True)))
    near = graph.add(abs(A) < HALF_POWER, {"a": rest})
    return graph.call("select", (near, graph.call("log1p", (rest,)), node))


def log_of_symmetric_quotient(graph: Graph, node: int) -> int | None:
    """log((1 + x)/(1 - x)) as 2 atanh(x), and log((x + 1)/(x - 1)) as 2 atanh(1/x)."""
    sign, parts = factors(graph, graph.args[node][0])
    held = flattened(graph, graph.product([*parts.items()])) if parts else {}
    if abs(sign) != 1 or sorted(held.values()) != [-1, 1]:
        return None
    below, above = sorted(held, key=lambda part: held[part])
    one, inside = terms(graph, above)
    other, outside = terms(graph, below)
    if abs(one) != 1 or len(inside) != 1 or inside.keys() != outside.keys():
        return None
    ((part, c),) = inside.items()
    other, d = multiply_numbers(sign, other), multiply_numbers(sign, outside[part])
    if (other, d) == (one, -c):
        x = graph.sum(((part, multiply_numbers(c, one)),))
    elif (other, d) == (-one, c):
        x = graph.product(((graph.sum(((part, multiply_numbers(c, one)),)), -1),))
    else:
        return None
    return graph.sum(((graph.call("atanh", (x,)), 2),))


QUARTER = Fraction(1, 4)


def log_of_turned_tangent(graph: Graph, node: int) -> int | None:
    """log(tan(pi/4 + x/2)), the inverse of Gudermann's function, as asinh(tan(x)) near 0.

    Where cos(x) < 0 the one is no number and the other is.
    """
    (tangent,) = graph.args[node]
    if graph.ops[tangent] != "tan":
        return None
    start, inside = terms(graph, graph.args[tangent][0])
    if inside.pop(graph.add(math.pi, {}), 0) != QUARTER or start or not inside:
        return None
    x = graph.sum([(part, 2 * c) for part, c in sorted(inside.items())])
    near = graph.call("asinh", (graph.call("tan", (x,)),))
    return graph.call("select", (graph.add(abs(A) < 1, {"a": x}), near, node))


def log_of_multiple(graph: Graph, node: int) -> int | None:
    """log(c cosh(x)) as log(c) + log(cosh(x)), whose own rewrite does not overflow."""
    coefficient, parts = factors(graph, graph.args[node][0])
    if coefficient == 1 or coefficient <= 0 or list(parts.values()) != [1]:
        return None
    (part,) = parts
    if graph.ops[part] not in ("cosh", "sinh"):
        return None
    x = graph.args[part]
    if graph.ops[part] == "cosh":
        made = graph.call("logcosh", x)
    else:
        made = graph.add(A + math.log1mexp(-2 * A) - math.log(2), {"a": x[0]})
    return graph.sum(((made, 1), (graph.call("log", (graph.constant(coefficient),)), 1)))


LOGARITHMS: tuple[Form, ...] = (
    Form("log", log_of_leg, "rounding"),
    Form("log", log_of_conjugate, "rounding"),
    Form("log", log_of_symmetric_quotient, "rounding"),
    Form("log", log_of_turned_tangent, "rounding"),
    Form("log", log_of_multiple, "rounding"),
)
