"""Truncated Taylor series whose coefficients are nodes: products, quotients, powers, chains.

A jet maps, for each total degree, a multi-index to the node of a coefficient; coefficients that
are exactly 0 are absent, and so is all the work that they would cause. Multi-indices are packed
into one integer, a field of bits for each variable, so that adding indices is adding integers.

Functions follow from y' = g u': with d/dx_i on both sides, the coefficient a of y is
``a_i y_a = sum(b_i u_b g_(a-b))``, where every direction i with a_i > 0 gives the same number
from different terms. The direction with the fewest products is taken for each coefficient, which
is at most as many as Euler's operator (the sum over all directions) needs and often a half.

R. D. Neidinger, Computing multivariable Taylor series to arbitrary order (APL Quote Quad 25,
1995); A. Griewank and A. Walther, Evaluating Derivatives (SIAM, 2008), chapter 13.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import comb, factorial

from symgrad.ir.arithmetic import Exponent, Number, scale, simplest, total
from symgrad.ir.graph import Graph
from symgrad.ir.multiply import multiply

Jet = list[dict[int, int]]
"""Coefficients by total degree: packed multi-index -> node."""

Pair = tuple[int, int, int, int]
"""Two indices that add up to a third, and the coefficients there."""


class Indices:
    """Packed multi-indices of some variables, and the weights of their coefficients.

    Args:
        count: number of variables.
        order: the largest total degree.
        factorials: coefficients are derivatives; else they are derivatives over factorials.
    """

    __slots__ = ("_binomials", "_parts", "_ratios", "bits", "count", "factorials", "mask")

    def __init__(self, count: int, order: int, *, factorials: bool) -> None:
        self.count = count
        self.bits = order.bit_length()
        self.mask = (1 << self.bits) - 1
        self.factorials = factorials
        self._parts: dict[int, tuple[tuple[int, int], ...]] = {}
        self._binomials: dict[int, dict[int, int]] = {}
        self._ratios: dict[tuple[int, int], Exponent] = {}

    def unit(self, variable: int) -> int:
        """The index of degree 1 in one variable."""
        return 1 << (self.bits * variable)

    def parts(self, index: int) -> tuple[tuple[int, int], ...]:
        """(shift, exponent) for every variable that the index holds."""
        found = self._parts.get(index)
        if found is None:
            made = []
            rest, shift = index, 0
            while rest:
                exponent = rest & self.mask
                if exponent:
                    made.append((shift, exponent))
                rest >>= self.bits
                shift += self.bits
            found = tuple(made)
            self._parts[index] = found
        return found

    def positions(self, index: int) -> tuple[int, ...]:
        """The index as positions of variables, non-increasing: one a differentiation."""
        return tuple(
            [s // self.bits for s, exponent in reversed(self.parts(index)) for _ in range(exponent)]
        )

    def factorial(self, index: int) -> int:
        """What a coefficient is to be multiplied by for the derivative."""
        if self.factorials:
            return 1
        product = 1
        for _, exponent in self.parts(index):
            product *= factorial(exponent)
        return product

    def weight(self, whole: int, part: int) -> int:
        """How often the product of two coefficients counts in that of the sum of their indices."""
        if not self.factorials:
            return 1
        row = self._binomials.get(whole)
        if row is None:
            row = self._binomials[whole] = {}
        found = row.get(part)
        if found is None:
            found = 1
            for shift, exponent in self.parts(part):
                found *= comb((whole >> shift) & self.mask, exponent)
            row[part] = found
        return found

    def ratio(self, part: int, whole: int) -> Exponent:
        """``part / whole``."""
        found = self._ratios.get((part, whole))
        if found is None:
            found = self._ratios[part, whole] = simplest(Fraction(part, whole))
        return found


def _pairs(left: Jet, right: Jet, degree: int, first: int, last: int) -> dict[int, list[Pair]]:
    """All products of degree ``degree`` whose left degree is in ``range(first, last + 1)``."""
    found: dict[int, list[Pair]] = {}
    for k in range(first, last + 1):
        others = right[degree - k].items()
        if others:
            for beta, u in left[k].items():
                for gamma, g in others:
                    pairs = found.get(beta + gamma)
                    if pairs is None:
                        found[beta + gamma] = [(beta, gamma, u, g)]
                    else:
                        pairs.append((beta, gamma, u, g))
    return found


def linear(
    graph: Graph, args: Sequence[Jet], coefficients: Sequence[Number], degree: int
) -> dict[int, int]:
    """The coefficients of one degree of a sum."""
    if len(args) == 1:
        times = coefficients[0]
        made = {alpha: scale(graph, node, times) for alpha, node in args[0][degree].items()}
        return _nonzero(graph, made)
    terms: dict[int, list[tuple[int, Number]]] = {}
    for argument, coefficient in zip(args, coefficients, strict=True):
        for alpha, node in argument[degree].items():
            terms.setdefault(alpha, []).append((node, coefficient))
    return _nonzero(graph, {alpha: total(graph, found) for alpha, found in terms.items()})


def product(graph: Graph, space: Indices, left: Jet, right: Jet, degree: int) -> dict[int, int]:
    """The coefficients of one degree of a product."""
    weight, mixed = space.weight, degree > 1 and space.factorials
    made = {}
    for alpha, pairs in _pairs(left, right, degree, 0, degree).items():
        terms: list[tuple[int, Number]] = [
            (multiply(graph, u, g), weight(alpha, b) if b and c and mixed else 1)
            for b, c, u, g in pairs
        ]
        made[alpha] = total(graph, terms)
    return _nonzero(graph, made)


def square(graph: Graph, space: Indices, base: Jet, degree: int) -> dict[int, int]:
    """The coefficients of one degree of a square: equal products are made once."""
    weight = space.weight
    return _nonzero(
        graph,
        {
            alpha: graph.sum(
                [
                    (multiply(graph, u, g), weight(alpha, b) * (2 if b < c else 1))
                    for b, c, u, g in pairs
                    if b <= c
                ]
            )
            for alpha, pairs in _pairs(base, base, degree, 0, degree).items()
        },
    )


def quotient(
    graph: Graph,
    space: Indices,
    above: dict[int, int],
    below: Jet,
    made: Jet,
    degree: int,
) -> dict[int, int]:
    """The coefficients of one degree of y = a/b: ``b_0 y_a = a_a - sum(b_b y_(a-b))``."""
    pairs = _pairs(below, made, degree, 1, degree)
    inverse = (below[0][0], -1)
    found = {}
    for alpha in {**above, **pairs}:
        terms = [
            (multiply(graph, u, g), -space.weight(alpha, b)) for b, _, u, g in pairs.get(alpha, ())
        ]
        if alpha in above:
            terms.append((above[alpha], 1))
        found[alpha] = graph.product(((total(graph, terms), 1), inverse))
    return _nonzero(graph, found)


def power(
    graph: Graph, space: Indices, base: Jet, made: Jet, exponent: Exponent, degree: int
) -> dict[int, int]:
    """The coefficients of one degree of y = v**p, from v y' = p y v'.

    In direction i: ``v_0 y_a = sum(((p + 1) b_i/a_i - 1) v_b y_(a-b))`` over 0 < b <= a.
    """
    inverse = (base[0][0], -1)
    found = {}
    for alpha, pairs in _pairs(base, made, degree, 1, degree).items():
        choices = []
        for shift, whole in (*space.parts(alpha), (-1, degree)):
            factors = []
            for b, _, _, _ in pairs:
                part = sum(e for _, e in space.parts(b)) if shift < 0 else (b >> shift) & space.mask
                factor = simplest((exponent + 1) * Fraction(part, whole) - 1)
                factors.append(simplest(factor * space.weight(alpha, b)))
            choices.append((_coefficient_cost(factors), factors))
        factors = min(choices, key=lambda choice: choice[0])[1]
        terms = [
            (multiply(graph, u, g), factor)
            for (_, _, u, g), factor in zip(pairs, factors, strict=True)
            if factor
        ]
        found[alpha] = graph.product(((total(graph, terms), 1), inverse))
    return _nonzero(graph, found)


def _coefficient_cost(factors: Sequence[Exponent]) -> int:
    """Operations of a sum with these coefficients, products counted with it."""
    kept = [abs(factor) for factor in factors if factor]
    different = {factor for factor in kept if factor != 1}
    return 2 * len(kept) + (1 if len(set(kept)) == 1 else len(different)) * (1 if different else 0)


def chain(
    graph: Graph, space: Indices, links: Sequence[tuple[Jet, Jet]], degree: int
) -> dict[int, int]:
    """The coefficients of one degree of a function.

    Args:
        graph: where nodes are appended.
        space: the indices.
        links: for each argument its jet, and that of the partial derivative by it.
        degree: one or more; the partials are known to one degree less.
    """
    pairs: dict[int, list[Pair]] = {}
    for inner, outer in links:
        for alpha, found in _pairs(inner, outer, degree, 1, degree).items():
            pairs.setdefault(alpha, []).extend(found)
    made = {}
    mask = space.mask
    for alpha, found in pairs.items():
        shift, whole = _direction(graph, space, alpha, found)
        step = 1 << shift
        terms = []
        for beta, _, u, g in found:
            part = (beta >> shift) & mask
            if part:
                factor: Number = 1
                if space.factorials:
                    factor = space.weight(alpha - step, beta - step)
                elif part != whole:
                    factor = space.ratio(part, whole)
                terms.append((multiply(graph, u, g), factor))
        made[alpha] = total(graph, terms)
    return _nonzero(graph, made)


def _direction(graph: Graph, space: Indices, alpha: int, pairs: Sequence[Pair]) -> tuple[int, int]:
    """The (shift, exponent) of the variable by which ``alpha`` takes the fewest operations."""
    parts = space.parts(alpha)
    if len(parts) == 1:
        return parts[0]
    ops, mask = graph.ops, space.mask
    best, least = parts[0], -1
    costs = [
        (beta, 2 if ops[u] == "constant" or ops[g] == "constant" else 4) for beta, _, u, g in pairs
    ]
    for shift, exponent in parts:
        step = 1 << shift
        cost = 0
        for beta, once in costs:
            part = (beta >> shift) & mask
            if part:
                cost += once
                if space.factorials:
                    cost += space.weight(alpha - step, beta - step) != 1
                else:
                    cost += part != exponent
        if least < 0 or cost < least:
            best, least = (shift, exponent), cost
    return best


def _nonzero(graph: Graph, made: dict[int, int]) -> dict[int, int]:
    ops, is_zero = graph.ops, graph.is_zero
    zeros = [alpha for alpha, node in made.items() if ops[node] == "constant" and is_zero(node)]
    for alpha in zeros:
        del made[alpha]
    return made
