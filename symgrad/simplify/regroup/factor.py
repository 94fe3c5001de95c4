"""Distributive factoring: ``a*b + a*c`` becomes ``a*(b + c)``.

Per sum, the factor that occurs in most of its products is pulled out, with everything else that
those products share, until no factor occurs twice (the greedy multivariate Horner scheme). Only
products that nobody else uses are taken apart: a shared one is computed anyway.

A sum that becomes a product may vanish with another sign: ``x*y - x*z`` is +0 where x is 0, and
``x*(y - z)`` -0 where besides y < z. An infinity that comes of dividing by it turns its sign.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heapify, heappop, heappush

from symgrad.simplify.regroup.network import ONE, Bag, Network, add_factor, add_term

Unit = tuple[int, object]
"""A literal with +1 or -1 (a factor above or below the line), or with a whole fractional power."""


def factor(network: Network, *, roots: bool = True) -> bool:
    """Factor every sum; whether there was anything to factor.

    Args:
        network: changed in place.
        roots: whether fractional powers are taken apart too.
    """
    nodes = network.order()
    uses = network.uses(nodes)
    kinds, bags = network.kinds, network.bags
    alone = {node for node in nodes if kinds[node] == "product" and uses[node] == 1}
    sums = [node for node in nodes if kinds[node] == "sum"]
    pending = [node for node in sums if len(alone.intersection(bags[node])) > 1]
    seen = set(sums)
    changed = False
    while pending:
        for made in _factor_sum(network, pending.pop(), uses, roots):
            changed = True
            if kinds[made] == "sum" and made not in seen:
                seen.add(made)
                pending.append(made)
    return changed


def _units(bag: Bag, roots: bool) -> Iterator[Unit]:
    for literal, exponent in bag.items():
        if not roots and exponent.denominator != 1:
            yield literal, exponent
        elif exponent >= 1:
            yield literal, 1
        elif exponent <= -1:
            yield literal, -1
        else:
            yield literal, exponent


def _factor_sum(network: Network, node: int, uses: dict[int, int], roots: bool) -> list[int]:
    """Factor one sum in place; the inner sums that this made."""
    kinds, bags = network.kinds, network.bags
    bag = bags[node]
    terms = [
        term
        for term, coefficient in bag.items()
        if kinds[term] == "product" and uses.get(term) == 1 and abs(coefficient) == 1
    ]
    held = [bags[term] for term in terms]
    if len(set().union(*held)) == sum(map(len, held)):  # no factor occurs twice
        return []
    holders: dict[Unit, dict[int, None]] = {}
    for term in terms:
        for unit in _units(bags[term], roots):
            holders.setdefault(unit, {})[term] = None
    shared = {unit: terms for unit, terms in holders.items() if len(terms) > 1}
    heap = [(-len(held), unit[0], k, unit) for k, (unit, held) in enumerate(shared.items())]
    heapify(heap)
    inner: list[int] = []
    while heap:
        count, literal, serial, unit = heappop(heap)
        if len(shared[unit]) != -count:  # others were pulled out of some of its products
            if len(shared[unit]) > 1:
                heappush(heap, (-len(shared[unit]), literal, serial, unit))
            continue
        network.touch(node)
        chosen = shared.pop(unit)
        common = _common([bags[term] for term in chosen], roots)
        for term in chosen:
            for other in _units(bags[term], roots):
                if other in shared:
                    shared[other].pop(term, None)
        inner.append(_pull_out(network, bag, list(chosen), common, uses))
    return inner


def _common(products: list[Bag], roots: bool) -> Bag:
    """The factors that all products share, with the least of their powers."""
    first, *others = products
    common: Bag = {}
    for literal, exponent in first.items():
        least = exponent
        for bag in others:
            other = bag.get(literal, 0)
            if other * least <= 0:
                break
            if abs(other) < abs(least):
                least = other
        else:
            if any((bag[literal] - least).denominator != 1 for bag in products):
                least = int(least) if roots else 0
            if least:
                common[literal] = least
    return common


def _pull_out(
    network: Network, bag: Bag, terms: list[int], common: Bag, uses: dict[int, int]
) -> int:
    """Replace ``terms`` in the sum ``bag`` by ``common * (their rests)``; the inner sum."""
    kinds = network.kinds
    rests: Bag = {}
    for term in terms:
        coefficient = bag.pop(term)
        rest = {}
        for literal, exponent in network.bags[term].items():
            left = exponent - common.get(literal, 0)
            if left != 0:
                rest[literal] = left if left.denominator != 1 else int(left)
        literal = network.product(rest)
        if rest.get(literal) != 1:  # a lone factor: now the inner sum uses it, not the product
            uses[literal] = uses.get(literal, 0) + 1
        elif kinds[literal] == "sum" and uses.get(literal) == 1:
            parts = network.bags[literal]
            if ONE not in parts and rests.keys().isdisjoint(parts):
                for part, sign in parts.items():
                    add_term(network, rests, part, sign * coefficient)
                continue
        add_term(network, rests, literal, coefficient)
    if not rests:
        return ONE
    inner, sign = network.sum(rests)
    uses[inner] = uses.get(inner, 0) + 1
    outer = dict(common)
    add_factor(network, outer, inner, 1)
    product = network.product(outer)
    uses[product] = uses.get(product, 0) + 1
    add_term(network, bag, product, sign)
    return inner
