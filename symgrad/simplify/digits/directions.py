"""The series of nodes along a direction: a product of powers that vanishes.

What is made of functions of multiples and powers of one such product D, and of powers of D, is
``rest * D**offset`` times a Laurent series in ``scale * D**step``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import gcd, isfinite, lcm, pi, prod
from typing import Any, NamedTuple

from symgrad.ir.arithmetic import Exponent, Number, as_float, power_number, simplest
from symgrad.ir.graph import Graph
from symgrad.simplify.digits import series
from symgrad.simplify.digits.forms import factors, flattened, terms
from symgrad.simplify.digits.series import Series

Monomial = tuple[tuple[int, Exponent], ...]
"""Nodes with exponents, in order."""

HIGHEST = 64
"""Higher powers are not looked into."""


class Lead(NamedTuple):
    """``rest * D**order * value``, D the direction: how a node begins where D vanishes.

    A direction is a product of powers, the first power being 1. What is no function of one has
    none; it is ``rest`` alone.
    """

    direction: Monomial
    rest: Monomial
    order: Fraction
    value: Number


class Found(NamedTuple):
    """What is to be replaced: members of a node, terms with coefficients or factors with exponents.

    Attributes:
        direction: what they are functions of.
        members: they, and numbers.
    """

    direction: Monomial
    members: dict[int, Any]


def atom(node: int) -> Lead:
    """A node that is no function of any direction."""
    return Lead((), ((node, 1),), Fraction(0), 1)


def raised_number(value: Number, exponent: Exponent) -> Number | None:
    """A power of a number; None where that is none, or long."""
    if abs(Fraction(exponent)) > HIGHEST or not value or not isfinite(value):
        return None
    if type(exponent) is int:
        return power_number(value, exponent)
    return as_float(value) ** float(exponent) if value > 0 else None


def has_root(graph: Graph, lead: Lead) -> bool:
    """Whether a root of a node is that of its parts: sqrt(x*y) is more than sqrt(x)*sqrt(y)."""
    parts = [exponent for base, exponent in lead.rest if graph.ops[base] != "named"]
    return not lead.order and len(parts) <= 1 and all(e % 2 != 0 for e in parts)


def without_named(graph: Graph, rest: Monomial) -> tuple[Monomial, float]:
    """A product of powers without those of pi, and what these are."""
    others = tuple([(base, e) for base, e in rest if not _is_pi(graph, base)])
    return others, prod([pi ** float(e) for base, e in rest if _is_pi(graph, base)])


def _is_pi(graph: Graph, node: int) -> bool:
    return graph.ops[node] == "named" and graph.data[node] == "pi"


def power_of(monomial: Monomial, exponent: Exponent) -> Monomial:
    """A power of a product of powers."""
    if exponent == 1 or not exponent:
        return monomial if exponent else ()
    return tuple([(base, simplest(inner * exponent)) for base, inner in monomial])


def joined(a: Monomial, b: Monomial) -> Monomial:
    """The product of two products of powers."""
    if not a or not b:
        return a or b
    made = dict(a)
    for base, exponent in b:
        made[base] = simplest(made.get(base, 0) + exponent)
    return tuple(sorted([(base, exponent) for base, exponent in made.items() if exponent]))


def is_positive(graph: Graph, node: int) -> bool:
    """Whether a node is a positive number and squares that are added to it."""
    if graph.ops[node] != "sum":
        return False
    start, coefficients = graph.data[node]
    parts = [factors(graph, part) for part in graph.args[node]]
    squares = [e % 2 == 0 for _, held in parts for e in held.values()]
    return start > 0 and min(coefficients) > 0 and min([c for c, _ in parts]) > 0 and all(squares)


def argument_of(
    graph: Graph, leads: Mapping[int, Lead], node: int
) -> tuple[Monomial, Number, Fraction] | None:
    """The argument of a function as ``factor * direction**times``."""
    (argument,) = graph.args[node]
    lead = leads[argument]
    if lead.direction:
        factor, _ = factors(graph, argument)
        inner = argument if factor == 1 else graph.args[argument][0]
        return ((inner, 1),), factor, Fraction(1)
    if not lead.rest:
        return None
    powers = [Fraction(power) for _, power in lead.rest]
    times = Fraction(gcd(*[p.numerator for p in powers]), lcm(*[p.denominator for p in powers]))
    return power_of(lead.rest, 1 / times), lead.value, times


class Expanded(NamedTuple):
    """``rest * D**offset * series(u)`` with ``u = scale * D**step``."""

    rest: Monomial
    offset: Fraction
    series: Series
    step: Fraction
    scale: Number


class Expansion:
    """The series of nodes along one direction."""

    def __init__(self, graph: Graph, leads: Mapping[int, Lead], found: Found) -> None:
        self.graph, self.leads, self.found = graph, leads, found
        self.direction = found.direction
        self.key = tuple(sorted(found.direction))
        below = self._below()
        arguments = [argument_of(graph, leads, node) for node in below if self._is_function(node)]
        steps = [times for _, _, times in filter(None, arguments)]
        self.step = Fraction(
            gcd(*[s.numerator for s in steps]), lcm(*[s.denominator for s in steps])
        )
        scales: list[Number] = []
        for _, factor, times in filter(None, arguments):
            power = float(self.step / times)
            scale = -factor if factor < 0 else factor
            scales.append(scale if power == 1 else as_float(scale) ** power)
        scale = max(scales)
        self.scale: Number = int(scale) if scale == int(scale) else scale
        self.known: dict[int, Expanded | None] = {}
        for node in below:
            self.known[node] = self._expanded(node)

    def _is_function(self, node: int) -> bool:
        inside = self.graph.ops[node] in series.FUNCTIONS
        return inside and self.leads[node].direction == self.key

    def _parts(self, node: int) -> Iterable[int]:
        kind = self.graph.ops[node]
        if kind == "product":
            return flattened(self.graph, node)
        if kind == "sum":
            return self._terms(node)[1]
        return self.graph.args[node] if kind == "log" else ()

    def _terms(self, node: int) -> tuple[Number, dict[int, Number]]:
        """Those of a sum; a multiple of one sum, which may be a base, is not multiplied out."""
        if len(self.graph.args[node]) > 1:
            return terms(self.graph, node)
        start, (factor,) = self.graph.data[node]
        return start, {self.graph.args[node][0]: factor}

    def _below(self) -> list[int]:
        """What the members are made of, down to functions along the direction and atoms."""
        leads, seen = self.leads, set(self.found.members)
        stack = list(seen)
        while stack:
            node = stack.pop()
            lead = leads.get(node)
            if lead is None or lead.direction in (self.key, ()):
                for part in self._parts(node):
                    if part not in seen:
                        seen.add(part)
                        stack.append(part)
        return sorted(seen)

    def of(self, node: int) -> Expanded | None:
        """The members' sum or product, or the one member."""
        kind = self.graph.ops[node]
        members = [(self.known[member], number) for member, number in self.found.members.items()]
        if kind == "product":
            return self._multiplied(members)
        return self._added(members) if kind == "sum" else members[0][0]

    def _expanded(self, node: int) -> Expanded | None:
        graph, kind = self.graph, self.graph.ops[node]
        if self._is_function(node):
            argument = argument_of(graph, self.leads, node)
            assert argument is not None
            _, factor, times = argument
            power = times / self.step
            ratio = Fraction(factor) / Fraction(self.scale) ** int(power)
            found = series.stretched(series.of(kind), ratio, int(power))
            return self._made(found)
        if kind == "constant":
            value = Fraction(graph.data[node])
            return self._made(series.constant(value)) if value else None
        if kind == "product":
            held = flattened(graph, node)
            rooted = [base for base, exponent in held.items() if type(exponent) is not int]
            if node in held or not all(has_root(graph, self.leads[base]) for base in rooted):
                return self._atom(node)
            return self._multiplied([(self.known[base], e) for base, e in held.items()])
        if kind == "sum" and all(node != base for base, _ in self.direction):
            start, found_terms = self._terms(node)
            parts = [(self.known[term], factor) for term, factor in found_terms.items()]
            if start:
                parts.append((self._made(series.constant(Fraction(1))), start))
            added = self._added(parts)
            if added is not None or self.leads[node].direction:
                return added
        if kind == "log":
            inner = self.known.get(graph.args[node][0])
            if inner is not None and not inner.rest and not inner.offset:
                logarithm = series.logarithm(inner.series)
                return None if logarithm is None else self._made(logarithm)
        return self._atom(node)

    def _atom(self, node: int) -> Expanded:
        base, exponent = self.direction[0]
        times = 1 / Fraction(exponent) if base == node else Fraction(0)
        rest = joined(((node, 1),), power_of(self.direction, -times)) if times else ((node, 1),)
        return self._made(series.constant(Fraction(1)), rest, times)

    def _made(self, found: Series, rest: Monomial = (), offset: Fraction = Fraction(0)) -> Expanded:
        return Expanded(rest, offset, found, self.step, self.scale)

    def _multiplied(self, parts: Sequence[tuple[Expanded | None, Exponent]]) -> Expanded | None:
        rest: Monomial = ()
        offset, total = Fraction(0), series.constant(Fraction(1))
        for part, exponent in parts:
            if part is None:
                return None
            raised: Series | None = part.series
            if exponent != 1:
                power = Fraction(exponent)
                raised = series.power(part.series, power) if abs(power) <= HIGHEST else None
            if raised is None:
                return None
            rest = joined(rest, power_of(part.rest, exponent))
            offset += part.offset * exponent
            total = series.multiply(total, raised)
        return self._made(total, rest, offset)

    def _added(self, parts: Sequence[tuple[Expanded | None, Number]]) -> Expanded | None:
        first = parts[0][0]
        if first is None:
            return None
        moved: list[tuple[Series, int]] = []
        for part, factor in parts:
            if part is None:
                return None
            unlike = joined(part.rest, power_of(first.rest, -1))
            roots = 2 * sum([Fraction(e) for _, e in unlike])
            if roots.denominator != 1 or not all(_is_pi(self.graph, base) for base, _ in unlike):
                return None
            shift = (part.offset - first.offset) / self.step
            if shift.denominator != 1:
                return None
            weight = Fraction(factor) / Fraction(self.scale) ** int(shift)
            by = part.series._replace(order=part.series.order + int(shift))
            moved.append((by, series.times_root_of_pi(series.fixed(weight), int(roots))))
        total = series.add(moved)
        return None if total is None else self._made(total, first.rest, first.offset)
