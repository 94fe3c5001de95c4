"""Products of one and two factors the short way: most of what differentiation makes.

They are the nodes that ``arithmetic.make_product`` makes, found without collecting factors in a
dictionary where it is plain how the two meet; everything else is left to it.
"""

from __future__ import annotations

from bisect import bisect
from typing import TYPE_CHECKING

from symgrad.ir.arithmetic import (
    LONGEST_JOINED,
    Exponent,
    Number,
    intern_product,
    make_product,
    multiply_numbers,
    scale,
    simplest,
)

if TYPE_CHECKING:
    from symgrad.ir.graph import Graph

Factors = tuple[tuple[int, ...], tuple[Exponent, ...]]
"""Nodes, increasing, and their exponents: the arguments and the data of a product."""


def raise_to(graph: Graph, base: int, exponent: Exponent, coefficient: Number = 1) -> int:
    """``coefficient * base ** exponent``: ``make_product`` of one factor, exponent not 0."""
    op = graph.ops[base]
    if op == "product" or op == "constant" or (op == "sum" and len(graph.args[base]) == 1):
        return make_product(graph, ((base, exponent),), coefficient)
    return scale(graph, intern_product(graph, (base,), (exponent,)), coefficient)


def multiply(graph: Graph, a: int, b: int) -> int:
    """The node of ``a * b``: ``make_product`` of these two factors, for which most calls are."""
    ops, args, data = graph.ops, graph.args, graph.data
    coefficient: Number = 1
    first, second = ops[a], ops[b]
    if first == "sum" and len(args[a]) == 1:
        start, (inner,) = data[a]
        if type(start) is int and start == 0:
            a, coefficient = args[a][0], inner
            first = ops[a]
    if second == "sum" and len(args[b]) == 1:
        start, (inner,) = data[b]
        if type(start) is int and start == 0:
            b, coefficient = args[b][0], multiply_numbers(coefficient, inner)
            second = ops[b]
    if first == "constant":
        return scale(graph, b, multiply_numbers(coefficient, data[a]))
    if second == "constant":
        return scale(graph, a, multiply_numbers(coefficient, data[b]))
    if first == "product" or second == "product":
        joined = None if graph.exact else _joined(graph, a, b)
        if joined is None:
            return make_product(graph, ((a, 1), (b, 1)), coefficient)
        nodes, exponents = joined
        if not nodes:
            return graph.constant(coefficient)
    elif a != b:
        nodes, exponents = (a, b) if a < b else (b, a), (1, 1)
    else:
        nodes, exponents = (a,), (2,)
    made = intern_product(graph, nodes, exponents)
    if type(coefficient) is int and coefficient == 1:
        return made
    return scale(graph, made, coefficient)


def _joined(graph: Graph, a: int, b: int) -> Factors | None:
    """The nodes and exponents of a product with a product; None for the general way."""
    ops, args, data = graph.ops, graph.args, graph.data
    if ops[a] != "product" or (ops[b] == "product" and len(args[a]) < len(args[b])):
        a, b = b, a
    bases, exponents = args[a], data[a]
    single, exponent = b, 1
    if ops[b] == "product":
        if len(args[b]) > 1:
            return None if a == b else _joined_products(graph, a, b)
        (single,), (exponent,) = args[b], data[b]
    if _odd(graph, single):
        return None
    if single in bases:
        place = bases.index(single)
        total = simplest(exponents[place] + exponent)
        if total == 0:
            return bases[:place] + bases[place + 1 :], exponents[:place] + exponents[place + 1 :]
        return bases, (*exponents[:place], total, *exponents[place + 1 :])
    if len(bases) == 1 or (graph.flat and len(bases) <= LONGEST_JOINED):
        for base in bases:
            if _odd(graph, base):
                return None
        place = bisect(bases, single)
        return (
            (*bases[:place], single, *bases[place:]),
            (*exponents[:place], exponent, *exponents[place:]),
        )
    return ((single, a), (exponent, 1)) if single < a else ((a, single), (1, exponent))


def _joined_products(graph: Graph, a: int, b: int) -> Factors | None:
    """``_joined`` for two different products of several factors each."""
    args, data = graph.args, graph.data
    collected: dict[int, Exponent] = {}
    shared = not set(args[a]).isdisjoint(args[b])
    for node in (a, b):
        if shared or (graph.flat and len(args[node]) <= LONGEST_JOINED):
            for base, exponent in zip(args[node], data[node], strict=True):
                if _odd(graph, base):
                    return None
                before = collected.get(base)
                total = exponent if before is None else simplest(before + exponent)
                if total == 0:
                    del collected[base]
                else:
                    collected[base] = total
        elif node in collected:
            return None
        else:
            collected[node] = 1
    nodes = tuple(sorted(collected))
    return nodes, tuple([collected[node] for node in nodes])


def stand_apart(graph: Graph, bases: tuple[int, ...]) -> bool:
    """Whether a product of powers of these bases, none 0, is canonical as it stands."""
    last = -1
    for base in bases:
        if base <= last or _odd(graph, base):
            return False
        last = base
    return True


def _odd(graph: Graph, base: int) -> bool:
    """Whether a base may join others that differ from it: a constant, a product, ``-x``."""
    op = graph.ops[base]
    return op == "constant" or op == "product" or (op == "sum" and len(graph.args[base]) == 1)
