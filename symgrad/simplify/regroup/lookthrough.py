"""Find sums that are a factor times a sum that is there: ``a*u + b*v`` with ``u = c*x, v = c*y``.

Factoring takes apart only products that nobody else uses. This pass looks through shared products
as well, and where the sum ``a*x + b*y`` exists already, the outer one becomes ``c`` times it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from symgrad.simplify.regroup.network import ONE, Bag, Network, add_term

LARGEST = 12
"""Products of more different factors than this are not looked through."""

SIGNS = frozenset({1, -1})

Term = tuple[tuple[int, object], ...]
"""The factors of a product and their exponents, increasing."""

Group = tuple[int, ...]
"""Terms of one sum."""

Signature = tuple[tuple[Term, int], ...]
"""The terms of a sum with their signs, the first one's positive, in order; a term may be there
twice: products that are grouped differently are different nodes."""


def reuse_sums(network: Network) -> bool:
    """Rewrite sums as multiples of earlier sums; whether there were any."""
    flat: dict[int, Bag] = {}
    sums: list[tuple[int, dict[int, Bag], list[Group]]] = []
    for node in network.order():
        kind, bag = network.kinds[node], network.bags[node]
        if kind == "product":
            flat[node] = _flattened(bag, flat)
        elif kind == "sum" and ONE not in bag and SIGNS.issuperset(bag.values()):
            terms = {term: flat.get(term) or {term: 1} for term in bag}
            sums.append((node, terms, _groups(terms)))
    known: dict[Signature, tuple[int, int]] = {}
    lengths = {len(group) for _, _, groups in sums for group in groups}
    changed = False
    for node, terms, groups in sums:
        if len(terms) in lengths:
            bag = network.bags[node]
            signature, sign = _signature([(terms[term], c) for term, c in bag.items()])
            changed = _rewrite(network, node, terms, groups, known) or changed
            known.setdefault(signature, (node, sign))
        elif groups:
            changed = _rewrite(network, node, terms, groups, known) or changed
    return changed


def _groups(terms: Mapping[int, Bag]) -> list[Group]:
    """The terms that share a factor, the largest groups first."""
    flats = terms.values()
    if len(set().union(*flats)) == sum(map(len, flats)):
        return []
    holders: dict[int, list[int]] = {}
    for term, flat in terms.items():
        for literal, exponent in flat.items():
            if type(exponent) is int and exponent > 0:
                holders.setdefault(literal, []).append(term)
    groups = {tuple(group) for group in holders.values() if len(group) > 1}
    return sorted(groups, key=lambda group: (-len(group), group))


def _flattened(bag: Bag, flat: Mapping[int, Bag]) -> Bag:
    """The factors of a product, those of products among its factors in their place."""
    if flat.keys().isdisjoint(bag):
        return bag
    made: Bag = {}
    for literal, exponent in bag.items():
        inner = flat.get(literal) if type(exponent) is int and exponent > 0 else None
        if inner is None or len(inner) > LARGEST:
            inner = {literal: 1}
        for part, power in inner.items():
            made[part] = made.get(part, 0) + power * exponent
            if made[part] == 0:  # x/x is not 1 at 0, inf and nan
                return bag
    return made


def _signature(parts: list[tuple[Bag, int]]) -> tuple[Signature, int]:
    keyed = [(tuple(sorted(bag.items())), sign) for bag, sign in parts]
    lead = min(keyed)[1]
    return tuple(sorted([(key, sign * lead) for key, sign in keyed])), lead


def _rewrite(
    network: Network,
    node: int,
    terms: Mapping[int, Bag],
    groups: Iterable[Group],
    known: Mapping[Signature, tuple[int, int]],
) -> bool:
    """Replace the terms of a sum, one of its groups, that are a multiple of a known sum."""
    bag = network.bags[node]
    for group in groups:
        common = _common([terms[term] for term in group])
        rests = [(_without(terms[term], common), bag[term]) for term in group]
        if not all(rest for rest, _ in rests):
            continue
        signature, sign = _signature(rests)
        if signature in known:
            inner, own = known[signature]
            network.touch(node)
            for term in group:
                del bag[term]
            common[inner] = common.get(inner, 0) + 1
            add_term(network, bag, network.product(common), sign * own)
            return True
    return False


def _common(products: list[Bag]) -> Bag:
    """The whole positive powers that all products share."""
    first, *others = products
    common: Bag = {}
    for literal, exponent in first.items():
        powers = [exponent, *(bag.get(literal, 0) for bag in others)]
        if all(type(power) is int and power > 0 for power in powers):
            common[literal] = min(powers)
    return common


def _without(bag: Bag, common: Bag) -> Bag:
    """The bag divided by the common factors."""
    return {k: left for k, e in bag.items() if (left := e - common.get(k, 0)) != 0}
