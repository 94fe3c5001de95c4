"""Local partial derivatives of one node, and the product that masks last.

Both sweeps read derivatives from here, so forward and reverse cannot disagree. A partial that is
``select(condition, p, 0)`` is a mask: its product with a tangent is formed first and masked
afterwards, so that an infinite or undefined derivative on the side not taken is dropped instead
of becoming 0 * inf = nan.
"""

from __future__ import annotations

from collections.abc import Sequence

from symgrad.ir.arithmetic import Exponent
from symgrad.ir.graph import Graph
from symgrad.ir.multiply import multiply

Literal = tuple[int, bool]
"""A condition node and the side of it: (condition, True) where it holds."""

Partials = dict[int, list[tuple[int, int]]]
"""Memo of a differentiation: node -> (argument, partial) pairs."""

BALANCED_FROM = 4
"""Products of this many factors share prefix and suffix products among their partials."""


def partials(graph: Graph, node: int, memo: Partials) -> list[tuple[int, int]]:
    """(argument, partial) for every argument of a product or function node, zeros left out."""
    found = memo.get(node)
    if found is None:
        if graph.ops[node] == "product":
            found = _product_partials(graph, node)
        else:
            found = []
            for index, argument in enumerate(graph.args[node]):
                if not graph.is_condition(argument):
                    partial = graph.partial(node, index)
                    if not graph.is_zero(partial):
                        found.append((argument, partial))
        memo[node] = found
    return found


def _product_partials(graph: Graph, node: int) -> list[tuple[int, int]]:
    """Of prod(b_i ** e_i): e_j * b_j ** (e_j - 1) * the other factors."""
    bases, exponents = graph.args[node], graph.data[node]
    factors = list(zip(bases, exponents, strict=True))
    count = len(factors)
    if exponents == (1, 1):
        return [(bases[0], bases[1]), (bases[1], bases[0])]
    if exponents == (1, 1, 1):
        a, b, c = bases
        return [(a, multiply(graph, b, c)), (b, multiply(graph, a, c)), (c, multiply(graph, a, b))]
    if count < BALANCED_FROM:
        found = []
        for j, (base, exponent) in enumerate(factors):
            rest = factors[:j] + factors[j + 1 :]
            if exponent != 1:
                rest.append((base, exponent - 1))
            found.append((base, graph.product(rest, exponent)))
        return found
    one = graph.constant(1)
    before = [one]
    for factor in factors[:-1]:
        before.append(_times(graph, before[-1], factor))
    after = [one]
    for factor in reversed(factors[1:]):
        after.append(_times(graph, after[-1], factor))
    after.reverse()
    found = []
    for j, (base, exponent) in enumerate(factors):
        if exponent == 1:
            found.append((base, multiply(graph, before[j], after[j])))
        else:
            sides = [(before[j], 1), (base, exponent - 1), (after[j], 1)]
            found.append((base, graph.product(sides, exponent)))
    return found


def _times(graph: Graph, node: int, factor: tuple[int, Exponent]) -> int:
    base, exponent = factor
    if exponent == 1:
        return multiply(graph, node, base)
    return graph.product([(node, 1), factor])


def mask(graph: Graph, node: int) -> tuple[Literal, int] | None:
    """(literal, value) where the node is ``value`` on one side of a condition and 0 elsewhere."""
    if graph.ops[node] != "select":
        return None
    condition, chosen, other = graph.args[node]
    if graph.is_zero(other):
        return (condition, True), chosen
    if graph.is_zero(chosen):
        return (condition, False), other
    return None


def unmask(graph: Graph, node: int) -> tuple[list[Literal], int]:
    """All masks around a node, outermost first, and what they hold."""
    literals: list[Literal] = []
    while (found := mask(graph, node)) is not None:
        literals.append(found[0])
        node = found[1]
    return literals, node


def masked(graph: Graph, literals: Sequence[Literal], value: int) -> int:
    """``value`` where every literal holds, else exact 0: the inverse of ``unmask``."""
    zero = graph.constant(0)
    for condition, side in reversed(literals):
        arms = (condition, value, zero) if side else (condition, zero, value)
        value = graph.call("select", arms)
    return value


def masked_product(graph: Graph, partial: int, tangent: int) -> int:
    """``partial * tangent``, multiplied first and masked last."""
    ops = graph.ops
    if ops[partial] != "select" and ops[tangent] != "select":
        return graph.multiply(partial, tangent)
    partial_masks, partial = unmask(graph, partial)
    tangent_masks, tangent = unmask(graph, tangent)
    product = graph.multiply(partial, tangent)
    literals = list(dict.fromkeys([*partial_masks, *tangent_masks]))
    return masked(graph, literals, product) if literals else product
