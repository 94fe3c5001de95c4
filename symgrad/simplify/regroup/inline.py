"""Join what is used once: products inside products, sums inside sums; signs float outwards."""

from __future__ import annotations

from collections import Counter

from symgrad.simplify.regroup.network import ONE, Bag, Network, Signed, add_factor, add_term

LONGEST = 64
"""Longer bags are not joined to others: a chain of n sums must not take n**2 steps."""

HIGHEST = 64
"""No powers above this are made by joining: pow would take the place of multiplications."""

Places = dict[int, Signed]
"""Where nodes went that are others now, and with which sign."""


def inline(network: Network) -> Network:
    """Let equal nodes meet and join nested bags that nobody else uses, in place.

    Only what changed since the last time is looked at, and what uses it. Where ``a - b`` divides
    nothing and ``b - a`` does, the latter is the node of both.
    """
    nodes, live = network.order(), network.live
    known = len(live)
    network.dirty.update([node for node in nodes if node >= known or not live[node]])
    if network.dirty:
        before = network.state()
        better = _inlined(network, nodes)
        if better:  # from the start, and these with their signs turned
            network.restore(before)
            network.turned ^= better
            network.dirty |= better
            _inlined(network, nodes)
        network.dirty = set()
    return network


def _inlined(network: Network, nodes: list[int]) -> set[int]:
    """Join in place; returns the sums that had better be there with their signs turned."""
    uses = network.uses(nodes)
    kinds, bags, dirty = network.kinds, network.bags, network.dirty
    finished = network.finished = bytearray(len(kinds))
    place: Places = {}
    moved = place.keys()
    order: dict[int, None] = {}
    products: set[int] = set()  # those that one node uses, as the sums beside
    sums: set[int] = set()
    numbers: set[int] = set()
    divisors: set[int] = set()  # sums that are divided by with their signs turned
    for node in nodes:
        kind, bag = kinds[node], bags[node]
        made: Signed | None = None
        if kind == "product":
            if (
                not products.isdisjoint(bag)
                or (place and not moved.isdisjoint(bag))
                or (node in dirty and not (numbers.isdisjoint(bag) and network.stands(node)))
            ):
                joined, sign = _product(network, bag, uses, place, divisors)
                made = network.product(joined, at=node), sign
            if uses[node] == 1:
                products.add(node)
        elif kind == "sum":
            if (
                not sums.isdisjoint(bag)
                or (place and not moved.isdisjoint(bag))
                or (node in dirty and not (numbers.isdisjoint(bag) and network.stands(node)))
            ):
                turned = node in network.turned
                if turned:
                    network.forget(node)
                made = network.sum(_sum(network, bag, uses, place), turned=turned, at=node)
            if uses[node] == 1:
                sums.add(node)
        elif kind == "call":
            args = network.args[node]
            if node in dirty or not moved.isdisjoint(args):
                args = tuple([network.signed(*place.get(a, (a, 1))) for a in args])
                made = network.call(network.sources[node], args, at=node), 1
        elif kind == "number" and node != ONE:
            numbers.add(node)
        if made is None or made == (node, 1):
            finished[node] = True
            if made is not None:
                _put_below(network, order, node)
            order[node] = None
        else:
            place[node] = made
    network.finished = None
    if place:
        network.roots = [network.signed(*place.get(root, (root, 1))) for root in network.roots]
        for root in network.roots:
            if root not in order:
                _put_below(network, order, root)
                order[root] = None
    network.settle(order)
    divisors -= _divisors(network) if divisors else set()
    return {
        node
        for node in (nodes if divisors else ())
        if kinds[node] == "sum" and place.get(node, (node, 1))[0] in divisors
    }


def _divisors(network: Network) -> set[int]:
    """The bases of odd negative powers and of roots."""
    found: set[int] = set()
    for node in network.order():
        if network.kinds[node] == "product":
            for base, exponent in network.bags[node].items():
                if type(exponent) is not int or (exponent < 0 and exponent % 2):
                    found.add(base)
    return found


def _put_below(network: Network, order: dict[int, None], node: int) -> None:
    """Add what the node is made of to the order, where it is not there: what was just made."""
    stack = [k for k in network.below(node) if k not in order]
    while stack:
        top = stack[-1]
        missing = [k for k in network.below(top) if k not in order]
        if missing:
            stack += missing
        else:
            order[stack.pop()] = None


def _sum(network: Network, bag: Bag, uses: Counter[int], place: Places) -> Bag:
    kinds, bags = network.kinds, network.bags
    joined: Bag = {}
    if len(bag) == 2 and bag.get(ONE) == 0:  # what was turned: it can do so without the 0.0
        bag = {k: c for k, c in bag.items() if k != ONE or not _joined(network, bag, uses)}
    for literal, coefficient in bag.items():
        node = literal
        if literal in place:
            node, sign = place[literal]
            if sign < 0:
                coefficient = -coefficient
        kind = kinds[node]
        if kind == "sum" and uses[literal] == 1 and kinds[literal] == "sum":
            inner = bags[node]
            if (
                (coefficient == 1 or coefficient == -1)
                and ONE not in inner
                and len(inner) <= LONGEST
                and joined.keys().isdisjoint(inner)
            ):
                for part, factor in inner.items():
                    add_term(network, joined, part, coefficient * factor)
                continue
        if kind == "number" or node in joined:
            add_term(network, joined, node, coefficient)
        else:
            joined[node] = coefficient
    return joined or {ONE: 0}


def _joined(network: Network, bag: Bag, uses: Counter[int]) -> bool:
    """Whether the bag is ``0.0 - sum`` of a sum that nobody else uses."""
    return all(
        coefficient == -1 and uses[literal] == 1 and network.kinds[literal] == "sum"
        for literal, coefficient in bag.items()
        if literal != ONE
    )


def _product(
    network: Network, bag: Bag, uses: Counter[int], place: Places, divisors: set[int]
) -> tuple[Bag, int]:
    """The factors of a product and its sign; sums that it divides by go to ``divisors``."""
    kinds, bags = network.kinds, network.bags
    joined: Bag = {}
    sign = 1
    numbers = False
    for literal, exponent in bag.items():
        node = literal
        if literal in place:
            node, own = place[literal]
            if own < 0:
                if type(exponent) is int and (exponent > 0 or exponent % 2 == 0):
                    sign = -sign if exponent % 2 else sign
                else:  # 1/(b - a) and 1/sqrt(b - a) are +inf where the two are equal
                    if kinds[node] == "sum":
                        divisors.add(node)
                    node = network.opposite(node, alone=uses[literal] == 1)
        kind = kinds[node]
        if kind == "number":
            numbers = True
        elif kind == "product" and uses[literal] == 1 and _joins(network, joined, node, exponent):
            for part, power in bags[node].items():
                add_factor(network, joined, part, power * exponent)
                numbers = numbers or kinds[part] == "number"
            continue
        if node in joined:
            add_factor(network, joined, node, exponent)
        else:
            joined[node] = exponent
    return _one_number(network, joined) if numbers else joined, sign


def _joins(network: Network, joined: Bag, node: int, exponent: object) -> bool:
    """Whether the factors of the product ``node`` may stand in the place of its power."""
    inner = network.bags[node]
    if type(exponent) is not int or exponent < 1 or len(inner) > LONGEST:
        return False
    # The square of a product is one multiplication, not one a factor.
    if exponent > 1 and (len(inner) > 1 or max(map(abs, inner.values())) * exponent > HIGHEST):
        return False
    return all(joined.get(part, power) * power > 0 for part, power in inner.items())


def _one_number(network: Network, bag: Bag) -> Bag:
    """The bag with its numbers multiplied to one literal."""
    kinds = network.kinds
    numbers = [literal for literal in bag if kinds[literal] == "number"]
    if len(numbers) == 1 and bag[numbers[0]] == 1 and numbers[0] != ONE:
        return bag
    joined = {literal: exponent for literal, exponent in bag.items() if literal not in numbers}
    number = network.multiplied([(literal, bag[literal]) for literal in numbers])
    if number is None:  # one after the other, so that the schedule does not multiply them either
        for literal in numbers:
            exponent = bag[literal]
            repeated = type(exponent) is int and 1 < exponent <= HIGHEST
            for _ in range(exponent if repeated else 1):
                joined = {network.product(joined): 1} if joined else {}
                joined[literal] = 1 if repeated else exponent
    elif number != ONE:
        joined[number] = 1
    return joined
