"""Give formulas that cancel or are 0/0 where a variable vanishes a Taylor polynomial there.

Near u = 0 all digits of ``1/tanh(u) - 1/u``, ``(exp(u) - 1 - u)/u**2`` or ``u - sin(u)`` cancel,
and those of their derivatives even more. Whatever is made of functions of multiples and powers of
one product u, and of powers of u, has a Laurent series in u. Two things are looked for:

- a sum whose terms begin with higher powers of u together than each by itself;
- a product of powers of which some vanish at u = 0 and others are infinite there.

Below a small |u| they become ``u**order * taylor(u, c0, c1, ...)`` (``functions/taylor.py``), whose
derivatives cancel as little; elsewhere they stay as they are written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from math import inf, isfinite
from typing import Any

from symgrad.functions.taylor import TERMS
from symgrad.ir.arithmetic import Number, as_float, multiply_numbers, power_number
from symgrad.ir.graph import Graph
from symgrad.ir.system import Tensor
from symgrad.ir.traverse import reachable
from symgrad.simplify.digits import series
from symgrad.simplify.digits.directions import (
    Expanded,
    Expansion,
    Found,
    Lead,
    Monomial,
    argument_of,
    atom,
    has_root,
    is_positive,
    joined,
    power_of,
    raised_number,
    without_named,
)
from symgrad.simplify.digits.forms import MOST_FACTORS, flattened, terms

MOST = 12
"""Sums of more terms are not looked at."""

CANCELLED = 1e-12
"""What is left of a sum of leading coefficients that cancel, relatively."""


def fill_singularities(graph: Graph, tensors: Sequence[Tensor]) -> list[Tensor]:
    """The tensors with polynomials where they would cancel or be 0/0, appended to the graph."""
    if series.FUNCTIONS.keys().isdisjoint(graph.ops):
        return list(tensors)
    roots = list(dict.fromkeys(node for tensor in tensors for node in tensor.nodes))
    search = _Search(graph)
    for node in reachable(graph, roots):
        search.visit(node)
    search.leave_beside_odd(_outside(graph, roots, search))
    if not search.found:
        return list(tensors)
    place = _replaced(graph, roots, search)
    return [replace(t, nodes=tuple([place[node] for node in t.nodes])) for t in tensors]


def _outside(graph: Graph, roots: Sequence[int], search: _Search) -> list[int]:
    """The nodes that are not inside others that are replaced, in order."""
    seen = set(roots)
    stack = list(seen)
    while stack:
        node = stack.pop()
        if node in search.found:
            parts: Iterable[int] = _others(graph, node, search.found[node])
        else:
            parts = graph.args[node][: 2 if _is_far_away(graph, node) else None]
        for part in parts:
            if part not in seen:
                seen.add(part)
                stack.append(part)
    return sorted(seen)


def _is_far_away(graph: Graph, node: int) -> bool:
    """Whether a node is a ``where(|u| < r, a, b)`` of ours: its b is not needed near 0."""
    if graph.ops[node] != "select":
        return False
    _, near, _ = graph.args[node]
    return any(graph.ops[part] == "taylor" for part in (near, *graph.args[near]))


def _replaced(graph: Graph, roots: Sequence[int], search: _Search) -> dict[int, int]:
    """What takes the place of each node; what is inside another one that is replaced stays."""
    place: dict[int, int] = {}
    for node in _outside(graph, roots, search):
        made = search.filled(node, place) if node in search.found else None
        if made is None:
            args = tuple([place.get(argument, argument) for argument in graph.args[node]])
            made = node if args == graph.args[node] else graph.rebuild(node, args, graph)
        place[node] = made
    return place


class _Search:
    """What is found in a graph, node by node, each after its arguments."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.leads: dict[int, Lead] = {}
        self.found: dict[int, Found] = {}
        self.expanded: dict[int, Expanded] = {}

    def visit(self, node: int) -> None:
        """Find how a node begins, and whether it is to be replaced."""
        op = self.graph.ops[node]
        lead = None
        if op in series.FUNCTIONS:
            lead = self._function(node)
        elif op == "sum":
            lead = self._sum(node)
        elif op == "product":
            lead = self._product(node)
        elif op == "log":
            lead = self._logarithm(node)
        elif op == "constant":
            value = self.graph.data[node]
            lead = Lead((), (), Fraction(0), value) if isfinite(value) else None
        self.leads[node] = lead or atom(node)

    def _function(self, node: int) -> Lead | None:
        argument = argument_of(self.graph, self.leads, node)
        if argument is None:
            return None
        direction, factor, times = argument
        op = self.graph.ops[node]
        order, value = series.leading(op)
        if op in series.EVEN and times.denominator == 2 and self._may_vanish(direction):
            self.found[node] = Found(direction, {node: 1})
        return Lead(direction, (), order * times, value * as_float(factor) ** order)

    def _may_vanish(self, direction: Monomial) -> bool:
        """Whether something under the root may, as 1 + x^2 and its like cannot."""
        return not all(is_positive(self.graph, base) for base, power in direction if power % 2)

    def leave_beside_odd(self, seen: Iterable[int]) -> None:
        """Leave functions of sqrt(z) where sin(sqrt(z)) is: its slope is no number at 0 anyhow."""
        names = series.FUNCTIONS.keys() - series.EVEN
        odd = {self._root(node) for node in seen if self.graph.ops[node] in names}
        for node, found in list(self.found.items()):
            expanded = self.expanded.get(node)
            of_root = expanded is None or expanded.step.denominator == 2
            if of_root and tuple(sorted(found.direction)) in odd:
                del self.found[node]

    def _root(self, node: int) -> Monomial:
        """The z of a function of a multiple of sqrt(z), else nothing."""
        argument = argument_of(self.graph, self.leads, node)
        return () if argument is None or argument[2].denominator != 2 else argument[0]

    def _logarithm(self, node: int) -> Lead | None:
        lead = self.leads[self.graph.args[node][0]]
        if (
            not lead.direction
            or lead.rest
            or lead.order
            or abs(as_float(lead.value) - 1) > CANCELLED
        ):
            return None
        return self._enter(node, Found(lead.direction, {node: 1}))

    def _sum(self, node: int) -> Lead | None:
        if len(self.graph.args[node]) > MOST:
            return None
        start, coefficients = self.graph.data[node]
        if len(coefficients) == 1 and start == 0:
            lead = self.leads[self.graph.args[node][0]]
            return lead._replace(value=multiply_numbers(lead.value, coefficients[0]))
        start, found = terms(self.graph, node, MOST)
        directions = {self.leads[term].direction for term in found} - {()}
        if not directions or len(found) > MOST:
            return None
        if start != 0:
            constant = self.graph.constant(start)
            self.leads[constant] = Lead((), (), Fraction(0), start)
            found[constant] = 1
        for direction in sorted(directions):
            groups: dict[Monomial, dict[int, Lead]] = {}
            for term in found:
                along = self._along(term, direction)
                groups.setdefault(without_named(self.graph, along.rest)[0], {})[term] = along
            for rest, group in groups.items():
                if all(self.leads[term].direction != direction for term in group):
                    continue
                order = min(lead.order for lead in group.values())
                rests = {lead.rest for lead in group.values()}
                if len(rests) == 1:
                    (rest,) = rests
                    sizes = dict.fromkeys(group, 1.0)
                else:
                    sizes = {
                        term: without_named(self.graph, lead.rest)[1]
                        for term, lead in group.items()
                    }
                first = [
                    as_float(lead.value * found[term]) * sizes[term]
                    for term, lead in group.items()
                    if lead.order == order
                ]
                total = sum(first)
                whole = len(group) == len(found)
                # Beside other terms the digits of what is 0 there are worth nothing.
                if (whole or order < 0) and abs(total) <= CANCELLED * sum(map(abs, first)):
                    members = {term: found[term] for term in group}
                    entered = self._enter(node, Found(direction, members))
                    if entered is None:
                        continue
                    alone = all(self.graph.ops[term] == "exp" for term in group)
                    if alone or entered.order == order:
                        # Two decaying parts, say: only quotients by what vanishes need digits.
                        del self.found[node]
                    return entered if whole else None
                if whole and total:
                    return Lead(direction, rest, order, total)
        return None

    def _product(self, node: int) -> Lead | None:
        held = flattened(self.graph, node)
        if node in held:
            return None  # it has too many factors to be taken apart
        leads = [self.leads[base] for base in held]
        if not all(
            type(exponent) is int or has_root(self.graph, lead)
            for lead, exponent in zip(leads, held.values(), strict=True)
        ):
            return None
        directions = {lead.direction for lead in leads} - {()}
        falls = any(
            exponent < 0 or lead.order < 0 or any(inner < 0 for _, inner in lead.rest)
            for lead, exponent in zip(leads, held.values(), strict=True)
        )
        for direction in sorted(directions) if falls else ():
            for by in range(len(direction)):
                along = {base: self._along(base, direction, by) for base in held}
                orders = {base: along[base].order * held[base] for base in held}
                bases = {base for base, _ in direction}
                members = {
                    base: held[base]
                    for base, lead in along.items()
                    if orders[base] or not bases.isdisjoint([inner for inner, _ in lead.rest])
                }
                if min(orders.values()) < 0 < max(orders.values()) and any(
                    self.leads[base].direction == direction for base in members
                ):
                    turned = (direction[by], *direction[:by], *direction[by + 1 :])
                    entered = self._enter(node, Found(turned, members))
                    if entered is not None:
                        break
            if node in self.found:
                break
        if len(directions) > 1:
            return None
        direction = next(iter(directions), ())
        if direction:
            leads = [self._of_polynomial(base, direction) for base in held]
        rest: Monomial = ()
        order = Fraction(0)
        value: Number = 1
        for lead, exponent in zip(leads, held.values(), strict=True):
            raised = 1 if lead.value == 1 else raised_number(lead.value, exponent)
            if raised is None:
                return None
            rest = joined(rest, power_of(lead.rest, exponent))
            if len(rest) > MOST_FACTORS:
                return None
            order += lead.order * exponent
            value = multiply_numbers(value, raised)
        return Lead(direction, rest, order, value)

    def _along(self, node: int, direction: Monomial, by: int = 0) -> Lead:
        """How a node begins along a direction, whose ``by``-th factor is no part of the rest."""
        lead = self.leads[node]
        if lead.direction not in ((), direction):
            return atom(node)._replace(direction=direction)
        lead = self._of_polynomial(node, direction, by)
        lead = self._of_polynomials_beside(lead, direction, by)
        base, exponent = direction[by]
        times = Fraction(dict(lead.rest).get(base, 0)) / exponent
        rest = joined(lead.rest, power_of(direction, -times)) if times else lead.rest
        return Lead(direction, rest, lead.order + times, lead.value)

    def _of_polynomial(self, node: int, direction: Monomial, by: int = 0) -> Lead:
        """How a node begins: 1 + x and other sums of powers of a direction as such."""
        lead = self.leads[node]
        if self.graph.ops[node] != "sum" or lead != atom(node) or direction[by][0] == node:
            return lead
        start, found = terms(self.graph, node)
        if len(found) > MOST or any(self.leads[term].direction for term in found):
            return lead
        leads = [(self._along(term, direction, by), c) for term, c in found.items()]
        if start != 0:
            leads.append((Lead(direction, (), Fraction(0), 1), start))
        order = min([part.order for part, _ in leads])
        total = sum([part.value * c for part, c in leads if part.order == order])
        rests = {part.rest for part, _ in leads}
        return Lead(direction, rests.pop(), order, total) if total and len(rests) == 1 else lead

    def _of_polynomials_beside(self, lead: Lead, direction: Monomial, by: int) -> Lead:
        """How x/(1 + x) and others begin that have sums of powers among their factors."""
        rest, order, value = lead.rest, lead.order, lead.value
        for sum_, exponent in lead.rest:
            if self.graph.ops[sum_] != "sum" or type(exponent) is not int:
                continue
            part = self._of_polynomial(sum_, direction, by)
            raised = None if part.rest else raised_number(part.value, exponent)
            if raised is not None:
                rest = joined(rest, ((sum_, -exponent),))
                order, value = order + part.order * exponent, multiply_numbers(value, raised)
        return Lead(lead.direction, rest, order, value)

    def _enter(self, node: int, found: Found) -> Lead | None:
        """Note what is to be replaced; how it begins, or None where it has no series."""
        try:
            expansion = Expansion(self.graph, self.leads, found).of(node)
        except (OverflowError, ValueError):  # an infinity or nan among the numbers
            return None
        if expansion is None:
            return None
        self.found[node] = found
        self.expanded[node] = expansion
        offset = expansion.offset + expansion.step * expansion.series.order
        value = as_float(expansion.scale) ** expansion.series.order
        value *= expansion.series.coefficients[0] / series.ONE
        return Lead(tuple(sorted(found.direction)), expansion.rest, offset, value)

    def filled(self, node: int, place: Mapping[int, int]) -> int | None:
        """A node with a polynomial where its members' direction vanishes."""
        graph, found = self.graph, self.found[node]
        expansion = self.expanded.get(node) or Expansion(self.graph, self.leads, found).of(node)
        polynomial = None if expansion is None else series.polynomial(expansion.series, TERMS)
        if expansion is None or polynomial is None:
            return None
        radius, even, coefficients = polynomial
        direction, step, scale = found.direction, expansion.step, expansion.scale
        u = graph.product(power_of(direction, step), scale)
        argument = graph.product([(u, 2)]) if even else u
        inside = graph.call("lt", (graph.call("abs", (u,)), graph.constant(radius)))
        if even and step.denominator == 2:  # an entire function of x y^2 for one of sqrt(x) y
            argument = graph.product(power_of(direction, 2 * step), power_number(scale, 2))
            size = graph.call("abs", (argument,))  # no number where y^2 is none
            inside = graph.call("and", (inside, graph.call("lt", (size, graph.constant(inf)))))
        numbers = [graph.constant(c) for c in coefficients]
        numbers += [graph.constant(0)] * (TERMS - len(numbers))
        order = expansion.series.order
        outside = joined(expansion.rest, power_of(direction, expansion.offset + step * order))
        made = graph.call("taylor", (argument, *numbers))
        near = graph.product([*outside, (made, 1)], power_number(scale, order))
        kind = graph.ops[node]
        combined = graph.sum if kind == "sum" else graph.product
        far = combined(sorted(found.members.items())) if kind in ("sum", "product") else node
        chosen = graph.call("select", (inside, near, far))
        others = _others(graph, node, found)
        return combined([(chosen, 1), *((place.get(n, n), e) for n, e in others.items())])


def _others(graph: Graph, node: int, found: Found) -> dict[int, Any]:
    """What stays beside the members that are replaced: terms or factors."""
    kind = graph.ops[node]
    if kind not in ("sum", "product"):
        return {}
    held: dict[int, Any]
    if kind == "product":
        held = dict(flattened(graph, node))
    else:
        start, held = terms(graph, node)
        if start != 0:
            held[graph.constant(start)] = 1
    return {part: number for part, number in held.items() if part not in found.members}
