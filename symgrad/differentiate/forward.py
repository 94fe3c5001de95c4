"""The forward sweep: tangents from inputs to outputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from symgrad.differentiate.local import Partials, masked_product, partials
from symgrad.ir.graph import Graph


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
        op = ops[node]
        if op == "sum":
            terms = [
                (tangents[argument], coefficient)
                for argument, coefficient in zip(args[node], data[node][1], strict=True)
                if argument in tangents
            ]
        elif op == "select":
            condition, chosen, other = args[node]
            zero = graph.constant(0)
            arms = (condition, tangents.get(chosen, zero), tangents.get(other, zero))
            terms = [(graph.call("select", arms), 1)]
        else:
            terms = [
                (masked_product(graph, partial, tangents[argument]), 1)
                for argument, partial in partials(graph, node, memo)
                if argument in tangents
            ]
        tangent = graph.sum(terms)
        if not graph.is_zero(tangent):
            tangents[node] = tangent
    return tangents
