"""Polynomials: nodes multiplied out, so that what cancels over the reals is seen to cancel.

A polynomial's unknowns are atoms: symbols, functions, and sums and numbers under a root or in a
denominator. Like factors meet, so that ``x * x**-1`` is 1, as in a Graph that is not exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from sys import float_info

from symgrad.errors import LimitError
from symgrad.ir.arithmetic import (
    Exponent,
    Number,
    add_numbers,
    as_float,
    multiply_numbers,
    power_number,
    simplest,
)
from symgrad.ir.graph import Graph

Monomial = tuple[tuple[int, Exponent], ...]
"""Atoms with their exponents, the atoms increasing; () is the number 1."""

Polynomial = dict[Monomial, Number]
"""The coefficient of each monomial, none of them 0."""

MOST_TERMS, MOST_PRODUCTS, HIGHEST_POWER = 64, 512, 4
"""What is longer than this when it is multiplied out, or takes more products of two terms, or
raises a sum to a higher power, is an atom."""

ROUNDED = 8 * float_info.epsilon
"""Floats that differ by less than this, relatively, count as equal: they are what rounding has
left of the same number, as of 1/2 where somebody wrote 1/sqrt(2) and squared it."""


def is_near(a: Number, b: Number) -> bool:
    """Whether two numbers are the same, or one is a float and they differ by rounding alone.

    >>> is_near(0.7071067811865475**2, 0.5), is_near(2, 3)
    (True, False)
    """
    if a == b:
        return True
    if type(a) is not float and type(b) is not float:
        return False
    x, y = as_float(a), as_float(b)
    return abs(x - y) <= ROUNDED * max(abs(x), abs(y))


def combine(a: Polynomial, b: Polynomial, factor: Number = 1) -> Polynomial:
    """``a + factor * b``."""
    made = dict(a)
    for monomial, coefficient in b.items():
        _add(made, monomial, multiply_numbers(factor, coefficient))
    return made


def expand(
    graph: Graph, nodes: Iterable[int], known: dict[int, Polynomial] | None = None
) -> dict[int, Polynomial]:
    """The polynomials of ``nodes``, and of what these are made of by sums and products.

    Args:
        graph: holds the nodes.
        nodes: what is wanted.
        known: what this has returned for other nodes of the graph; it is added to.
    """
    known = {} if known is None else known
    seen = set(nodes).difference(known)
    stack = list(seen)
    while stack:
        node = stack.pop()
        if graph.ops[node] in ("sum", "product"):
            fresh = {a for a in graph.args[node] if a not in seen and a not in known}
            seen.update(fresh)
            stack.extend(fresh)
    for node in sorted(seen):
        try:
            found = _expanded(graph, node, known)
        except (LimitError, OverflowError):  # a number that is too long
            found = None
        known[node] = {((node, 1),): 1} if found is None else found
    return known


def _add(polynomial: Polynomial, monomial: Monomial, coefficient: Number) -> None:
    before = polynomial.get(monomial)
    if before is None:
        polynomial[monomial] = coefficient
    elif is_near(before, -coefficient):
        del polynomial[monomial]
    else:
        polynomial[monomial] = add_numbers(before, coefficient)


def _expanded(graph: Graph, node: int, known: Mapping[int, Polynomial]) -> Polynomial | None:
    op, args, data = graph.ops[node], graph.args[node], graph.data[node]
    if op == "constant":
        return {(): data} if data else {}
    if op == "sum":
        start, coefficients = data
        made: Polynomial = {(): start} if start else {}
        for argument, coefficient in zip(args, coefficients, strict=True):
            made = combine(made, known[argument], coefficient)
        return made if len(made) <= MOST_TERMS else None
    if op != "product":
        return None
    product: Polynomial | None = {(): 1}
    for base, exponent in zip(args, data, strict=True):
        power = _power(known[base], base, exponent)
        if product is None or power is None:
            return None
        product = _multiplied(graph, product, power, known)
    return product


def _power(polynomial: Polynomial, base: int, exponent: Exponent) -> Polynomial | None:
    """A power as one monomial: the sums in it are multiplied out by ``_multiplied``."""
    atom: Polynomial = {((base, exponent),): 1}
    if len(polynomial) != 1:
        return atom if polynomial and exponent <= HIGHEST_POWER else None
    ((monomial, coefficient),) = polynomial.items()
    if type(exponent) is int:
        raised = tuple([(part, simplest(inner * exponent)) for part, inner in monomial])
        return {raised: power_number(coefficient, exponent)}
    if coefficient == 1 and len(monomial) == 1:
        ((part, inner),) = monomial
        if type(inner) is not int or inner % 2:  # the root of x**2 is no power of x, but |x|
            return {((part, simplest(inner * exponent)),): 1}
    return atom


def _multiplied(
    graph: Graph, a: Polynomial, b: Polynomial, known: Mapping[int, Polynomial]
) -> Polynomial | None:
    """``a * b``, whole powers of sums multiplied out; None where that is too long."""
    if len(a) * len(b) > MOST_PRODUCTS:
        return None
    made: Polynomial = {}
    pending = [
        (_merged(left, right), multiply_numbers(x, y))
        for left, x in a.items()
        for right, y in b.items()
    ]
    work = 0
    while pending:
        monomial, coefficient = pending.pop()
        opened = _opened(graph, monomial, known)
        if opened is None:
            _add(made, monomial, coefficient)
            continue
        rest, inner = opened
        work += len(inner)
        if work > MOST_PRODUCTS:
            return None
        for other, factor in inner.items():
            pending.append((_merged(rest, other), multiply_numbers(coefficient, factor)))
    return made if len(made) <= MOST_TERMS else None


def _opened(
    graph: Graph, monomial: Monomial, known: Mapping[int, Polynomial]
) -> tuple[Monomial, Polynomial] | None:
    """A monomial as another times a sum or number in it whose root or quotient has gone."""
    for place, (atom, exponent) in enumerate(monomial):
        if graph.ops[atom] not in ("sum", "product", "constant"):
            continue
        inner = known[atom]
        before, after = monomial[:place], monomial[place + 1 :]
        if ((atom, 1),) in inner:
            continue
        if len(inner) == 1 and type(exponent) is int:
            power = _power(inner, atom, exponent)
            assert power is not None  # of one term
            return before + after, power
        if len(inner) > 1 and exponent >= 1:
            left = simplest(exponent - 1)
            return (*before, *(((atom, left),) if left else ()), *after), inner
    return None


def _merged(a: Monomial, b: Monomial) -> Monomial:
    if not a or not b:
        return a or b
    made: dict[int, Exponent] = dict(a)
    for atom, exponent in b:
        before = made.get(atom)
        total = exponent if before is None else simplest(before + exponent)
        if total:
            made[atom] = total
        else:
            del made[atom]
    return tuple(sorted(made.items()))
