"""Arrange the numbers of sums so that they cost less and factoring finds more in common.

``24*i*(1 - 2*e)`` is ``i*(24 - 48*e)``, and ``2*(100*d - u - 200*x*d)`` is
``200*d - 2*(u + x*(200*d))``: a multiplication less each, the second where ``200*d`` serves twice.
"""

from __future__ import annotations

from fractions import Fraction
from math import frexp
from typing import NamedTuple

from symgrad.ir.arithmetic import Number, multiply_numbers
from symgrad.simplify.regroup.network import ONE, Bag, Network, add_factor, is_exact, is_usual

CROWDED = 100
"""What stands beside more different numbers than this is no reason to split one of them."""

_NONE: frozenset[int] = frozenset()


class _Scaled(NamedTuple):
    """A product ``number * sum`` (and other factors) whose sum nobody else uses."""

    node: int
    number: int
    value: Number
    inner: int
    plain: int  # how many terms of the sum have no number of their own


def distribute_numbers(network: Network) -> bool:
    """Move numbers before sums into their terms where that saves a multiplication.

    It does where every term has a number already (or is one); and where all but one have, if a
    number then is beside the same factor as elsewhere: what ``split_numbers`` looks for.

    Returns:
        whether anything moved.
    """
    nodes = network.order()
    uses = network.uses(nodes)
    changed = _distribute_exactly(network, nodes, uses)
    found = [scaled for node in nodes if (scaled := _scaled(network, node, uses)) is not None]
    if not found:
        return changed
    beside = _meetings(network, nodes, found)
    for scaled in found:
        if scaled.plain == 0 or _meets(network, scaled, beside):
            _distribute(network, scaled, uses)
            changed = True
    return changed


def _distribute_exactly(network: Network, nodes: list[int], uses: dict[int, int]) -> bool:
    """``2*(x - 3)`` to ``2*x - 6`` where ``2*x`` serves twice: by powers of two no bit moves."""
    kinds = network.kinds
    found: dict[tuple[int, int], list[_Scaled]] = {}
    plain: set[tuple[int, int]] = set()
    for node in nodes:
        bag = network.bags[node]
        if kinds[node] != "product" or len(bag) != 2:
            continue
        number, inner = bag
        if kinds[inner] == "number":
            number, inner = inner, number
        if kinds[number] != "number" or not (bag[number] == bag[inner] == 1):
            continue
        inside = network.bags[inner]
        if kinds[inner] == "leaf":
            plain.add((number, inner))
        elif kinds[inner] == "sum" and uses[inner] == 1 and len(inside) == 2 and ONE in inside:
            (term,) = inside.keys() - {ONE}
            value = _value(network, number)
            if (
                kinds[term] == "leaf"
                and abs(inside[term]) == 1
                and value is not None
                and frexp(value)[0] in (0.5, -0.5)
            ):
                found.setdefault((number, term), []).append(_Scaled(node, number, value, inner, 1))
    changed = False
    for key, places in found.items():
        if len(places) > 1 or key in plain:
            for scaled in places:
                _distribute(network, scaled, uses)
            changed = True
    return changed


def _value(network: Network, literal: int) -> Number | None:
    """The number of a literal that is one, of usual size and not only known by name."""
    source = network.sources[literal]
    if network.graph.ops[source] != "constant":
        return None
    value: Number = network.graph.data[source]
    return value if is_usual(value) else None


def _number_in(network: Network, bag: Bag) -> tuple[int, Number] | None:
    """The number among the factors of a product, and its value."""
    for literal, exponent in bag.items():
        if exponent == 1 and network.kinds[literal] == "number":
            value = _value(network, literal)
            return None if value is None else (literal, value)
    return None


def _scaled(network: Network, node: int, uses: dict[int, int]) -> _Scaled | None:
    kinds, bags = network.kinds, network.bags
    held = _number_in(network, bags[node]) if kinds[node] == "product" else None
    if held is None:
        return None
    for inner, exponent in bags[node].items():
        if kinds[inner] == "sum" and exponent == 1 and uses[inner] == 1:
            terms = [term for term in bags[inner] if term != ONE]
            numbers = [
                found[1]
                for term in terms
                if kinds[term] == "product"
                and uses[term] == 1
                and (found := _number_in(network, bags[term])) is not None
            ]
            if all(is_exact(network, term, bags[inner][term]) for term in terms):
                continue
            plain = len(terms) - len(numbers)
            # One number in all terms is factored out anyway.
            differ = len(terms) < len(bags[inner]) or len(set(numbers)) > 1
            if (plain == 0 and differ) or (plain == 1 and len(bags[node]) == 2):
                return _Scaled(node, *held, inner, plain)
    return None


def _meetings(network: Network, nodes: list[int], found: list[_Scaled]) -> dict[Number, set[int]]:
    """Number -> the factors that it meets in a term, numbers before the sum multiplied in."""
    outer = {scaled.inner: scaled.value for scaled in found}
    beside: dict[Number, set[int]] = {}
    for node in nodes:
        if network.kinds[node] != "sum":
            continue
        scale = outer.get(node, 1)
        for term in network.bags[node]:
            held = _number_in(network, network.bags[term])
            if held is not None:
                value = multiply_numbers(held[1], scale)
                beside.setdefault(value, set()).update(network.bags[term])
    return beside


def _meets(network: Network, scaled: _Scaled, beside: dict[Number, set[int]]) -> bool:
    for term in network.bags[scaled.inner]:
        held = _number_in(network, network.bags[term])
        if held is None or held[1] % 1 != 0:
            continue
        if not beside.get(held[1], _NONE).isdisjoint(network.bags[term]):
            return True
    return False


def _distribute(network: Network, scaled: _Scaled, uses: dict[int, int]) -> None:
    node, number, value, inner, _ = scaled
    made: Bag = {}
    for term, coefficient in network.bags[inner].items():
        if term == ONE:
            made[ONE] = multiply_numbers(coefficient, value)
            continue
        alone = network.kinds[term] == "product" and uses[term] == 1
        rest = dict(network.bags[term]) if alone else {term: 1}
        held = _number_in(network, rest)
        size = value
        if held is not None:
            del rest[held[0]]
            size = multiply_numbers(held[1], value)
        literal = network.number(size)
        if literal != ONE:
            rest[literal] = rest.get(literal, 0) + 1
        product = network.product(rest)
        uses.setdefault(product, 1)
        if product in made:
            return
        made[product] = coefficient
    network.touch(node)
    bag = network.bags[node]
    del bag[number], bag[inner]
    if bag:
        add_factor(network, bag, network.signed(*network.sum(made)), 1)
    else:
        network.kinds[node], network.bags[node] = "sum", made


def split_numbers(network: Network) -> None:
    """Write a number as a multiple of a sibling term's where the quotient is shared elsewhere.

    The product then has two numbers: run ``factor`` next, which pulls out the sibling's.
    """
    nodes = network.order()
    uses = network.uses(nodes)
    bags = network.bags
    held = {
        node: found
        for node in nodes
        if network.kinds[node] == "product" and (found := _number_in(network, bags[node]))
    }
    beside: dict[int, set[Number]] = {}
    for node, (literal, value) in held.items():
        if value % 1 == 0:
            for factor in bags[node].keys() - {literal}:
                beside.setdefault(factor, set()).add(value)
    for node in nodes:
        terms = [
            term
            for term in (bags[node] if network.kinds[node] == "sum" else ())
            if term in held and uses[term] == 1
        ]
        values = dict.fromkeys([held[term][1] for term in terms])
        if len(values) < 2:
            continue
        places: dict[Number, tuple[int, Number]] = {v: (i, v) for i, v in enumerate(values)}
        for term in terms:
            literal, value = held[term]
            sets = [beside[factor] for factor in bags[term] if factor in beside]
            shared = set[Number]().union(*[found for found in sets if len(found) <= CROWDED])
            exact = Fraction(value)
            others = [(exact / int(times), times) for times in shared - {0, 1}]
            splits = [(*places[part], times) for part, times in others if part in places]
            if splits:
                _, other, quotient = min(splits)
                network.touch(term)
                bag = bags[term]
                del bag[literal]
                bag[network.number(other)] = 1
                whole = float(quotient) if isinstance(value, float) else int(quotient)
                multiple = network.number(whole)
                bag[multiple] = bag.get(multiple, 0) + 1
