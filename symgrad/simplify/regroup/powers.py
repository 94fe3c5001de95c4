"""Plan powers: all exponents of one base are built from few shared roots and reciprocals."""

from __future__ import annotations

from collections.abc import Iterable, Set
from fractions import Fraction
from typing import Literal

from symgrad.ir.arithmetic import Exponent
from symgrad.simplify.regroup.network import ONE, Bag, Network, add_factor

HALF = Fraction(1, 2)

HIGHEST = 64
"""Higher powers are left alone: the schedule computes them with pow, which is more exact."""

LARGEST = 1e30
"""Numbers below this and above its inverse can be divided by in any dtype."""

Plan = Literal["divide", "reciprocal", "root", "inverse"]
"""Divide by the base as it is written; multiply by 1/base and 1/sqrt(base); by the latter alone;
by 1/base and its square root."""


def plan_powers(network: Network, *, by_roots: bool = False) -> bool:
    """Make square roots and shared reciprocals literals of their own; whether there were any.

    ``x**(3/2)`` becomes ``x*sqrt(x)``. Where several products divide by powers of x, they multiply
    by one ``1/x`` and one ``1/sqrt(x)``, or by powers of ``1/sqrt(x)`` alone where only those are
    needed or x cannot be negative. Of ``1 + y**2`` the latter is ``sqrt(1/x)``, which saves the
    square; not so of ``y**2 + z**2``, whose reciprocal may overflow where its root's does not, nor
    of ``1 - y**2``: that may be -inf, and ``sqrt(1/x)`` -0.0 where ``1/sqrt(x)`` is nan.

    Args:
        network: changed in place.
        by_roots: whether ``1/x`` is the square of ``1/sqrt(x)`` also where x may be negative, but
            all results that need ``1/x`` are nan then. For a division that saves, products may
            become longer.
    """
    nodes = network.order()
    kinds, bags = network.kinds, network.bags
    found: dict[int, list[Exponent]] = {}
    products: dict[int, None] = {}
    for node in nodes:
        if kinds[node] == "product":
            for base, exponent in bags[node].items():
                if type(exponent) is not int or exponent < 0:
                    found.setdefault(base, []).append(exponent)
                    products[node] = None
    if not products:
        return False
    squares = _squares(network, nodes)
    plans = {
        base: _plan(exponents, base in squares, _well_above_zero(network, base, squares))
        for base, exponents in found.items()
    }
    for base, exponents in found.items() if by_roots else ():
        rooted = any(exponent < 0 and exponent.denominator == 2 for exponent in exponents)
        if rooted and plans[base] == "reciprocal" and _is_nan_below_zero(network, nodes, base):
            plans[base] = "root"
    changed = False
    for node in products:
        bag = bags[node]
        for base in [base for base, exponent in bag.items() if _planable(exponent)]:
            exponent, plan = bag[base], plans[base]
            atom = exponent == HALF or (exponent == -1 and plan != "root")
            if not (atom and len(bag) == 1) and not (plan == "divide" and exponent.denominator < 2):
                network.touch(node)
                _split(network, bag, base, plan)
                changed = True
    return changed


def _planable(exponent: Exponent) -> bool:
    """Whether it is a negative power or a root that can be planned."""
    below = type(exponent) is not int or exponent < 0
    return below and exponent.denominator <= 2 and -HIGHEST <= exponent <= HIGHEST


def _plan(exponents: list[Exponent], square: bool, above_zero: bool) -> Plan:
    below = [exponent for exponent in exponents if exponent < 0]
    if len(below) < 2:
        return "divide"
    root = any(exponent.denominator == 2 for exponent in below)
    whole = any(type(exponent) is int for exponent in below)
    above = any(exponent > 0 and exponent.denominator == 2 for exponent in exponents)
    if root and above_zero and not above and min(below) < -HALF:
        return "inverse"
    return "root" if root and (square or not whole) else "reciprocal"


def _well_above_zero(network: Network, base: int, squares: Set[int]) -> bool:
    """Whether the base is a positive number plus squares: 1/x neither overflows nor is -0.0."""
    bag = network.bags[base]
    return (
        network.kinds[base] == "sum"
        and 1 / LARGEST < bag.get(ONE, 0) < LARGEST
        and all(c > 0 and k in squares for k, c in bag.items() if k != ONE)
    )


def _is_nan_below_zero(network: Network, nodes: list[int], base: int) -> bool:
    """Whether all results that need a quotient by the base are nan where it is negative."""
    kinds, bags = network.kinds, network.bags
    nan: set[int] = set()  # by a root of the base that is a factor or a term
    for node in nodes:
        bag = bags[node]
        root = kinds[node] == "product" and type(bag.get(base)) is Fraction
        if root or not nan.isdisjoint(bag):
            nan.add(node)
    other = set(network.roots)  # results that may be no nan, and what they need
    for node in reversed(nodes):
        if node in other and node not in nan:
            if kinds[node] == "product" and bags[node].get(base, 0) < 0:
                return False
            other.update(network.below(node))
    return True


def _squares(network: Network, nodes: Iterable[int]) -> set[int]:
    """Even powers among the nodes, their sums, and what else cannot be negative by its form."""
    kinds, bags = network.kinds, network.bags
    found = {ONE}
    for node in nodes:
        kind, bag = kinds[node], bags[node]
        if kind == "product":
            holds = all((type(e) is int and e % 2 == 0) or k in found for k, e in bag.items())
        elif kind == "sum":
            holds = all(c > 0 and k in found for k, c in bag.items())
        elif kind == "number":
            source = network.sources[node]
            holds = network.graph.ops[source] == "constant" and network.graph.data[source] > 0
        else:
            holds = False
        if holds:
            found.add(node)
    return found


def _split(network: Network, bag: Bag, base: int, plan: Plan) -> None:
    """Write the power of ``base`` in the bag by its root and its reciprocal as planned."""
    exponent = bag.pop(base)
    whole = int(exponent)  # towards zero: x**(-3/2) is x**-1 * x**(-1/2)
    half = exponent.denominator == 2
    if plan == "inverse" and exponent < 0:
        reciprocal = network.product({base: -1})
        if half:
            add_factor(network, bag, network.product({reciprocal: HALF}), 1)
        if whole:
            add_factor(network, bag, reciprocal, -whole)
        return
    root = network.product({base: HALF}) if half or plan == "root" else ONE
    if plan == "root" and exponent < 0:
        add_factor(network, bag, network.product({root: -1}), int(-2 * exponent))
        return
    shared = plan == "reciprocal"
    if half and shared and exponent < 0:
        add_factor(network, bag, network.product({root: -1}), 1)
    elif half:
        add_factor(network, bag, root, 1 if exponent > 0 else -1)
    if whole < 0 and shared:
        add_factor(network, bag, network.product({base: -1}), -whole)
    elif whole:
        add_factor(network, bag, base, whole)
