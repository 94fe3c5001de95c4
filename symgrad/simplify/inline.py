"""Join what is used once: products inside products, sums inside sums; signs float outwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set

from symgrad.simplify.network import ONE, Bag, Network, Signed, add_factor, add_term

LONGEST = 64
"""Longer bags are not joined to others: a chain of n sums must not take n**2 steps."""

HIGHEST = 64
"""No powers above this are made by joining: pow would take the place of multiplications."""

Places = dict[int, Signed]

Divisors = tuple[set[int], set[int]]
"""Bases of odd negative powers and of roots, as they are and with their signs turned."""


def inline(network: Network) -> Network:
    """The network built anew: equal nodes meet, nested bags that nobody else uses are joined.

    Where ``a - b`` divides nothing and ``b - a`` does, the latter is the node of both.
    """
    turned = set(network.opposites.values())
    made, others = _inlined(network, turned)
    return _inlined(network, turned ^ others)[0] if others else made


def _inlined(network: Network, turned: Set[int]) -> tuple[Network, Set[int]]:
    """The new network, and the sums that had better be there with their signs turned.

    Args:
        network: what is built anew.
        turned: those of its sums whose signs are turned.
    """
    made = Network(network.graph)
    divisors: Divisors = set(), set()
    nodes = network.order()
    uses = network.uses(nodes)
    kinds, bags = network.kinds, network.bags
    place: Places = {}
    for node in nodes:
        kind = kinds[node]
        if kind == "product":
            place[node] = _product(network, made, bags[node], uses, place, divisors)
        elif kind == "sum":
            bag = _sum_bag(network, made, bags[node], uses, place)
            place[node] = made.sum(bag, turned=node in turned)
        elif kind == "call":
            args = tuple([made.signed(*place[argument]) for argument in network.args[node]])
            place[node] = made.call(network.sources[node], args), 1
        else:
            place[node] = made.leaf(kind, network.sources[node]), 1
    made.roots = [made.signed(*place[root]) for root in network.roots]
    made.increasing = True
    better = divisors[1] - divisors[0]
    if not better:
        return made, frozenset()
    return made, {node for node in nodes if kinds[node] == "sum" and place[node][0] in better}


def _sum_bag(network: Network, made: Network, bag: Bag, uses: Counter[int], place: Places) -> Bag:
    kinds = made.kinds
    joined: Bag = {}
    if len(bag) == 2 and bag.get(ONE) == 0:  # what was turned: it can do so without the 0.0
        bag = {k: c for k, c in bag.items() if k != ONE or not _joined(network, bag, uses)}
    for literal, coefficient in bag.items():
        node, sign = place[literal]
        if sign < 0:
            coefficient = -coefficient
        kind = kinds[node]
        if kind == "sum" and uses[literal] == 1 and network.kinds[literal] == "sum":
            inner = made.bags[node]
            if (
                (coefficient == 1 or coefficient == -1)
                and ONE not in inner
                and len(inner) <= LONGEST
                and joined.keys().isdisjoint(inner)
            ):
                for part, factor in inner.items():
                    add_term(made, joined, part, coefficient * factor)
                continue
        if kind == "number" or node in joined:
            add_term(made, joined, node, coefficient)
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
    network: Network,
    made: Network,
    bag: Bag,
    uses: Counter[int],
    place: Places,
    divisors: Divisors,
) -> Signed:
    kinds = made.kinds
    joined: Bag = {}
    sign = 1
    numbers = False
    for literal, exponent in bag.items():
        node, own = place[literal]
        if own < 0:
            if type(exponent) is int and (exponent > 0 or exponent % 2 == 0):
                sign = -sign if exponent % 2 else sign
            else:  # 1/(b - a) and 1/sqrt(b - a) are +inf where the two are equal
                if made.kinds[node] == "sum":
                    divisors[1].add(node)
                node = made.turned(node, alone=uses[literal] == 1)
        elif exponent != 1 and (type(exponent) is not int or (exponent < 0 and exponent % 2)):
            divisors[0].add(node)
        kind = kinds[node]
        if kind == "number":
            numbers = True
        elif kind == "product" and uses[literal] == 1 and _joins(made, joined, node, exponent):
            for part, power in made.bags[node].items():
                add_factor(made, joined, part, power * exponent)
                numbers = numbers or kinds[part] == "number"
            continue
        if node in joined:
            add_factor(made, joined, node, exponent)
        else:
            joined[node] = exponent
    return made.product(_one_number(made, joined) if numbers else joined), sign


def _joins(made: Network, joined: Bag, node: int, exponent: object) -> bool:
    """Whether the factors of the product ``node`` may stand in the place of its power."""
    inner = made.bags[node]
    if type(exponent) is not int or exponent < 1 or len(inner) > LONGEST:
        return False
    # The square of a product is one multiplication, not one a factor.
    if exponent > 1 and (len(inner) > 1 or max(map(abs, inner.values())) * exponent > HIGHEST):
        return False
    return all(joined.get(part, power) * power > 0 for part, power in inner.items())


def _one_number(made: Network, bag: Bag) -> Bag:
    """The bag with its numbers multiplied to one literal."""
    kinds = made.kinds
    numbers = [literal for literal in bag if kinds[literal] == "number"]
    if len(numbers) == 1 and bag[numbers[0]] == 1 and numbers[0] != ONE:
        return bag
    joined = {literal: exponent for literal, exponent in bag.items() if literal not in numbers}
    number = made.multiplied([(literal, bag[literal]) for literal in numbers])
    if number is None:  # one after the other, so that the schedule does not multiply them either
        for literal in numbers:
            exponent = bag[literal]
            repeated = type(exponent) is int and 1 < exponent <= HIGHEST
            for _ in range(exponent if repeated else 1):
                joined = {made.product(joined): 1} if joined else {}
                joined[literal] = 1 if repeated else exponent
    elif number != ONE:
        joined[number] = 1
    return joined
