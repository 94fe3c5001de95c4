"""Which exponentials of a graph are products of others: ``exp(a + b + c*log(p))`` and its kin.

Three relations are looked for, with c whole or half, and m whole:

- ``exp(m*a + number + c*log(p)) = exp(a)**m * e**number * p**c``, m of either sign;
- ``exp(a + m*b + number + c*log(p)) = exp(a) * exp(b)**m * e**number * p**c``, m > 0;
- ``exp(number + c*log(p)) = e**number * p**c``.

To see them, the arguments are multiplied out (``polynomials.py``). An exponential becomes a product
of some that are there, never of a new one, and only where that costs less than itself.

Its relative error is that of their arguments' rounding, about ``(|a| + |m*b|) * eps`` instead of
``|a + m*b| * eps``, and one rounding for each factor. Where the exponentials and powers that are
kept are normal numbers, so that nothing over- or underflows, the results are right. Else:

- Powers and reciprocals alone overflow, and go to 0, where the exponential that they replace does.
- A product with positive powers is 0*inf only where the formula has an infinity itself, and it is
  lost to underflow only where the exponential is within a factor ``p**c`` of underflow.
- ``exp(a - b)`` does not become ``exp(a) / exp(b)``, which is 0/0 for a = b = -800.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from symgrad.ir.arithmetic import Exponent, Number, as_float, simplest
from symgrad.ir.graph import Graph
from symgrad.ir.program import WEIGHTS
from symgrad.ir.traverse import reachable
from symgrad.simplify.polynomials import Polynomial, combine, expand, is_near

MOST, MOST_PAIRED, MOST_BASES = 64, 24, 8
"""Graphs with more exponentials than this are left alone; of more than this that are no multiples
of each other sums are not looked for; and of so many multiples, the smallest, each may be a base.
"""

HIGHEST, LARGEST = 4, 40
"""The largest power of a factor, and the largest number that is taken out of an argument: with
them a product leaves the range of floats little earlier than the exponential that it replaces."""

USUAL = 1e100
"""Coefficients beyond this, or below its inverse, are not compared."""

EXPONENTIALS = frozenset({"exp", "exp_minus_square"})
"""The rows that are related: ``exp_minus_square(x)`` is ``exp(-x**2)``."""

LOGARITHMS = {"log": 0, "log1p": 1}
"""The rows whose exponentials are powers, and what is added to their arguments."""


class Parts(NamedTuple):
    """An argument as ``number + sum(coefficient * log) + rest``."""

    number: Number
    logs: Polynomial
    rest: Polynomial


class Relation(NamedTuple):
    """An exponential as ``e**number * prod(node ** exponent)``.

    Attributes:
        factors: nodes, exponentials among them, and their exponents.
        number: the exponent of e.
    """

    factors: tuple[tuple[int, Exponent], ...]
    number: Number


def find_relations(graph: Graph, nodes: Sequence[int]) -> dict[int, Relation]:
    """What some exponentials below ``nodes`` are, made of others; there are no cycles.

    Args:
        graph: squares of arguments may be appended to it; in an exact one nothing is related.
        nodes: what is wanted.
    """
    if graph.exact or sum(map(graph.ops.count, EXPONENTIALS)) < 2:
        return {}
    found: dict[int, Relation] = {}
    exponentials = [node for node in reachable(graph, nodes) if graph.ops[node] in EXPONENTIALS]
    if not 2 <= len(exponentials) <= MOST:
        return found
    exponents = {node: _exponent(graph, node) for node in exponentials}
    known = expand(graph, exponents.values())
    parts: dict[int, Parts] = {}
    classes: dict[object, list[int]] = {}
    for node in exponentials:
        polynomial = known[exponents[node]]
        if all(1 / USUAL < abs(as_float(c)) < USUAL for c in polynomial.values()):
            parts[node] = _split(graph, polynomial)
            classes.setdefault(_key(parts[node].rest), []).append(node)
    kept: dict[object, int] = {}
    for key, members in classes.items():
        if key:
            kept[key] = _relate_multiples(graph, members, parts, found)
        else:
            _relate_powers(graph, members, parts, found)
    if 2 < len(kept) <= MOST_PAIRED:
        _relate_sums(graph, kept, parts, found)
    return found


def _exponent(graph: Graph, node: int) -> int:
    """The argument of an exponential as ``exp`` has it."""
    (argument,) = graph.args[node]
    return argument if graph.ops[node] == "exp" else graph.product(((argument, 2),), -1)


def _split(graph: Graph, polynomial: Polynomial) -> Parts:
    logs: Polynomial = {}
    rest: Polynomial = {}
    for monomial, coefficient in polynomial.items():
        if len(monomial) == 1 and monomial[0][1] == 1 and graph.ops[monomial[0][0]] in LOGARITHMS:
            logs[monomial] = coefficient
        elif monomial:
            rest[monomial] = coefficient
    return Parts(polynomial.get((), 0), logs, rest)


def _key(rest: Polynomial) -> object:
    """The same for all multiples of a polynomial, () for 0."""
    if not rest:
        return ()
    lead = as_float(rest[min(rest)])
    return tuple(sorted([(m, round(as_float(c) / lead, 12)) for m, c in rest.items()]))


def _multiple(a: Polynomial, b: Polynomial) -> int | None:
    """The whole m, not 0, with ``a = m * b``, for polynomials of one key."""
    lead = min(b)
    power: int = round(Fraction(a[lead]) / Fraction(b[lead]))
    if 0 < abs(power) <= HIGHEST and all(is_near(c, power * b[m]) for m, c in a.items()):
        return power
    return None


def _related(
    graph: Graph,
    of: Parts,
    bases: Sequence[tuple[int, int]],
    parts: Mapping[int, Parts],
) -> Relation | None:
    """An exponential as powers of ``bases``, where what remains are powers, and it pays."""
    number, logs, _ = of
    for base, power in bases:
        number -= power * parts[base].number
        logs = combine(logs, parts[base].logs, -power)
    factors: list[tuple[int, Exponent]] = list(bases)
    for log, coefficient in sorted([(monomial[0][0], c) for monomial, c in logs.items()]):
        half = simplest(Fraction(round(2 * Fraction(coefficient)), 2))
        if not is_near(coefficient, half) or not -HIGHEST <= half <= HIGHEST:
            return None
        (inside,) = graph.args[log]
        factors.append((graph.sum(((inside, 1),), LOGARITHMS[graph.ops[log]]), half))
    if not -LARGEST <= number <= LARGEST:
        return None
    relation = Relation(tuple(factors), number)
    return relation if cost(graph, relation) < graph.table["exp"].cost else None


def cost(graph: Graph, relation: Relation) -> int:
    """About what it takes to make an exponential of others."""
    total = -1 + (relation.number != 0)
    for node, exponent in relation.factors:
        top = abs(exponent.numerator)
        total += top.bit_length() + top.bit_count() - 1
        divides = exponent < 0
        if graph.ops[node] == "product" and type(exponent) is int:
            total += len(graph.args[node]) - 1
            divides = any(inner * exponent < 0 for inner in graph.data[node])
        total += WEIGHTS["div"] * divides + WEIGHTS["sqrt"] * (exponent.denominator > 1)
    return total


def _relate_powers(
    graph: Graph,
    members: Sequence[int],
    parts: Mapping[int, Parts],
    found: dict[int, Relation],
) -> None:
    """Relate exponentials of logarithms and numbers alone."""
    for node in members:
        relation = _related(graph, parts[node], (), parts) if parts[node].logs else None
        if relation is not None:
            found[node] = relation


def _relate_multiples(
    graph: Graph,
    members: Sequence[int],
    parts: Mapping[int, Parts],
    found: dict[int, Relation],
) -> int:
    """Relate exponentials of multiples of one rest; the first one that is kept."""

    def size(node: int) -> tuple[float, int]:
        rest = parts[node].rest
        return abs(as_float(rest[min(rest)])), node

    left = sorted(members, key=size)
    first = -1
    while left:
        best, most = left[0], dict[int, Relation]()
        for base in left[:MOST_BASES]:
            made: dict[int, Relation] = {}
            for node in left:
                power = _multiple(parts[node].rest, parts[base].rest) if node != base else None
                if power is not None:
                    relation = _related(graph, parts[node], ((base, power),), parts)
                    if relation is not None:
                        made[node] = relation
            if len(made) > len(most):
                best, most = base, made
        found.update(most)
        first = best if first < 0 else first
        if not most:
            break
        left = [node for node in left if node != best and node not in most]
    return first


def _relate_sums(
    graph: Graph,
    kept: Mapping[object, int],
    parts: Mapping[int, Parts],
    found: dict[int, Relation],
) -> None:
    """Relate exponentials whose arguments are sums of two others', the longest first."""
    lengths = {len(parts[node].rest) for node in kept.values()}
    made_of: dict[int, set[int]] = {node: {node} for node in kept.values()}
    for node in sorted(kept.values(), key=lambda node: (-len(parts[node].rest), -node)):
        best: Relation | None = None
        for other in kept.values():
            if node in made_of[other]:
                continue
            difference = combine(parts[node].rest, parts[other].rest, -1)
            third = kept.get(_key(difference)) if len(difference) in lengths else None
            if third is None or third == other or node in made_of[third]:
                continue
            power = _multiple(difference, parts[third].rest)
            if power is None or power < 0:
                continue
            relation = _related(graph, parts[node], ((other, 1), (third, power)), parts)
            if relation and (best is None or cost(graph, relation) < cost(graph, best)):
                best = relation
        if best is not None:
            found[node] = best
            below = {base for factor, _ in best.factors for base in made_of.get(factor, ())}
            for held in made_of.values():
                if node in held:
                    held |= below
