"""The forward sweep: tangents from inputs to outputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from symgrad.differentiate.local import Partials, masked_product, partials
from symgrad.ir.arithmetic import Number, scale, total
from symgrad.ir.graph import Graph
from symgrad.ir.multiply import multiply


def active_nodes(users: Mapping[int, Sequence[int]], seeds: Iterable[int]) -> list[int]:
    """What depends on a seed among the nodes that ``users`` covers, increasing."""
    seen = {seed for seed in seeds if seed in users}
    stack = list(seen)
    while stack:
        for user in users[stack.pop()]:
            if user not in seen:
                seen.add(user)
                stack.append(user)
    return sorted(seen)


def sweep(
    graph: Graph, active: Sequence[int], seeds: Mapping[int, int], memo: Partials
) -> dict[int, int]:
    """The tangents of the ``active`` nodes (increasing) for the tangents ``seeds`` of inputs.

    The tangent of a node is the sum of partial * tangent over its arguments (the chain rule);
    nodes without an entry in the result have tangent exactly 0.
    """
    tangents = dict(seeds)
    ops, args, data = graph.ops, graph.args, graph.data
    for node in active:
        if node in seeds:
            continue
        op, arguments = ops[node], args[node]
        terms: list[tuple[int, Number]] = []
        if op == "sum":
            coefficients = data[node][1]
            if len(arguments) == 1:
                if arguments[0] in tangents:
                    terms.append((tangents[arguments[0]], coefficients[0]))
            else:
                for argument, coefficient in zip(arguments, coefficients, strict=True):
                    if argument in tangents:
                        terms.append((tangents[argument], coefficient))
        elif op == "select":
            condition, chosen, other = arguments
            zero = graph.constant(0)
            arms = (condition, tangents.get(chosen, zero), tangents.get(other, zero))
            terms.append((graph.call("select", arms), 1))
        else:
            for argument, partial in memo.get(node) or partials(graph, node, memo):
                if argument in tangents:
                    inner = tangents[argument]
                    if ops[partial] == "select" or ops[inner] == "select":
                        terms.append((masked_product(graph, partial, inner), 1))
                    else:
                        terms.append((multiply(graph, partial, inner), 1))
        tangent = scale(graph, *terms[0]) if len(terms) == 1 else total(graph, terms)
        if ops[tangent] != "constant" or not graph.is_zero(tangent):
            tangents[node] = tangent
    return tangents
