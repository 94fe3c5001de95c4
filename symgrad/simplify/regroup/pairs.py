"""Share pairs: two literals that stand together in several sums or products become one node.

The pair that occurs most often is made a node of its own and takes the place of the two wherever
they occur, again and again: common parts of any size are found as pairs of pairs. Sums are
compared by the ratio of coefficients, so ``a - b``, ``b - a`` and ``2*a - 2*b`` are one pair;
products by powers of factors, so ``x*x`` is a pair as well and powers grow by sharing.
(Hosangadi, Fallah and Kastner 2006 share larger kernels, which repeated pairs subsume.)
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from fractions import Fraction
from heapq import heappop, heappush
from itertools import chain, combinations
from typing import Any, Literal

from symgrad.ir.arithmetic import simplest
from symgrad.simplify.regroup.network import ONE, Network, Signed

PAIRS = 20_000
PAIRS_PER_LITERAL = 20
"""How many pairs are looked at, shorter sums and products first: they grow as the square."""

HIGHEST = 64
"""Higher powers are left alone: the schedule computes them with pow, which is more exact."""

Pair = tuple[int, int, Any]
"""Two literals, the smaller first, and how their coefficients compare (1 in products)."""


def share_pairs(network: Network, kind: Literal["sum", "product"]) -> bool:
    """Share pairs among the sums or among the products, in place; whether there were any."""
    return _Sharing(network, kind).run()


class _Sharing:
    """Which nodes hold which pair, kept up to date as pairs become nodes."""

    def __init__(self, network: Network, kind: str) -> None:
        self.network, self.kind = network, kind
        self.holders: dict[Pair, dict[int, None]] = defaultdict(dict)
        self.owners: dict[Pair, int] = {}
        self.serial = 0
        order = network.order()
        self.rank = dict(zip(order, range(len(order)), strict=True))
        nodes = [node for node in order if network.kinds[node] == kind]
        bags = network.bags
        found = Counter(chain.from_iterable([bags[node] for node in nodes]))
        high: set[int] = set()  # products that may hold a pair several times
        for node in nodes if kind == "product" else ():
            for literal, number in bags[node].items():
                if number != 1:
                    found[literal] += int(abs(number)) - 1
                    high.add(node)
        self.shared = {literal for literal, count in found.items() if count > 1}
        literals = [(node, inside) for node in nodes if (inside := self._literals(node))]
        budget = PAIRS + PAIRS_PER_LITERAL * sum([len(inside) for _, inside in literals])
        for node, inside in sorted(literals, key=lambda entry: len(entry[1])):
            budget -= len(inside) ** 2 // 2
            if budget >= 0 and (len(inside) > 1 or node in high):
                self._enter(node, inside)
        self.heap: list[tuple[int, int, int, int, int, Pair]] = []
        holders = self.holders.items()
        self._push([pair for pair, held in holders if len(held) > 1 or not high.isdisjoint(held)])

    def _push(self, pairs: Iterable[Pair]) -> None:
        """Enter those pairs that occur twice; the serial number keeps ratios uncompared."""
        for pair in pairs:
            count = self._count(pair)
            if count > 1:
                self.serial += 1
                one, two = self.rank[pair[0]], self.rank[pair[1]]
                places = (one, two) if one < two else (two, one)
                alike = -len(self.holders[pair])  # of as frequent pairs the one in more products
                heappush(self.heap, (-count, alike, *places, self.serial, pair))

    def _literals(self, node: int) -> list[int]:
        """The literals of a node that may form pairs, increasing."""
        bag = self.network.bags[node]
        found = self.shared.intersection(bag)
        if self.kind == "product":
            return sorted([k for k in found if type(bag[k]) is int and 0 < bag[k] <= HIGHEST])
        return sorted(found)

    def _enter(self, node: int, literals: list[int]) -> None:
        bag = self.network.bags[node]
        whole = len(bag) == len(literals)
        holders = self.holders
        if self.kind == "sum":
            for first, second in combinations(literals, 2):
                holders[self._pair(node, first, second)][node] = None
            if whole and len(bag) == 2 and all(abs(c) == 1 for c in bag.values()):
                self.owners.setdefault(self._pair(node, *literals), node)
            return
        powers = [(literal, literal) for literal in literals if bag[literal] > 1]
        for first, second in chain(combinations(literals, 2), powers):
            holders[first, second, 1][node] = None
        if whole and sum(bag.values()) == 2:
            self.owners.setdefault((literals[0], literals[-1], 1), node)

    def _pair(self, node: int, first: int, second: int) -> Pair:
        if self.kind == "product":
            return first, second, 1
        bag = self.network.bags[node]
        a, b = bag[first], bag[second]
        if abs(a) == 1 and abs(b) == 1:
            return first, second, int(a * b)
        if first == ONE or type(a) is float or type(b) is float:
            return first, second, (a, b)
        return first, second, simplest(Fraction(b) / a)

    def _count(self, pair: Pair) -> int:
        """How often the pair occurs: several times inside a high power."""
        holders = self.holders[pair]
        if self.kind == "sum":
            return len(holders)
        first, second, _ = pair
        bags = self.network.bags
        if first == second:
            return sum([bags[node][first] // 2 for node in holders])
        return sum([min(bags[node][first], bags[node][second]) for node in holders])

    def run(self) -> bool:
        """Make nodes of pairs, the most frequent first, until none occurs twice."""
        heap = self.heap
        changed = bool(heap)
        while heap:
            entry = heappop(heap)
            pair = entry[-1]
            if not self.holders.get(pair):
                continue
            count = self._count(pair)
            if count < 2:
                continue
            self._push((pair,) if count != -entry[0] else self._replace(pair))
        return changed

    def _node(self, pair: Pair) -> Signed:
        """The node of a pair, and the sign with which its first literal stands in it."""
        first, second, ratio = pair
        if pair in self.owners:
            node = self.owners[pair]
            return node, self.network.bags[node][first]
        if self.kind == "product":
            return self.network.product({first: 2} if first == second else {first: 1, second: 1}), 1
        a, b = ratio if type(ratio) is tuple else (1, ratio)
        return self.network.sum({first: a, second: b})

    def _replace(self, pair: Pair) -> list[Pair]:
        """Put the pair's node in place of the two everywhere; the pairs that this made."""
        first, second, ratio = pair
        bags, holders = self.network.bags, self.holders
        node, sign = self._node(pair)
        self.shared.add(node)
        self.rank.setdefault(node, len(self.rank) + len(self.network.kinds))
        made: dict[Pair, None] = {}
        for holder in holders.pop(pair):
            there = bags[holder].get(node, 0)  # x*y/(x*y) is not 1 at 0, inf and nan
            if holder == node or (there != 0 if self.kind == "sum" else there < 0):
                continue
            if first == ONE and len(bags[holder]) == 2:  # 1 - x is not minus x - 1 where it is 0
                continue
            self.network.touch(holder)
            literals = self._literals(holder)
            bag = bags[holder]
            if self.kind == "sum":
                for gone in (first, second):
                    for other in literals:
                        if other != gone:
                            key = self._pair(holder, min(gone, other), max(gone, other))
                            if key in holders:
                                holders[key].pop(holder, None)
                coefficient = bag.pop(first)
                del bag[second]
                bag[node] = sign if type(ratio) is tuple else sign * coefficient
            else:
                times = bag[first] // 2 if first == second else min(bag[first], bag[second])
                bag[first] -= times
                bag[second] -= times
                for literal in {first, second}:
                    left = bag[literal]
                    for other in literals:
                        if left == 0 or (left == 1 and other == literal):
                            key = (min(literal, other), max(literal, other), 1)
                            if key in holders:
                                holders[key].pop(holder, None)
                    if left == 0:
                        del bag[literal]
                bag[node] = bag.get(node, 0) + times
            whole = type(bag[node]) is int and 0 < bag[node] <= HIGHEST  # unlike x^(3/4) x
            if self.kind == "product" and not whole:
                for other in literals:
                    holders.get((min(node, other), max(node, other), 1), {}).pop(holder, None)
                continue
            for other in self._literals(holder):
                if other != node or (self.kind == "product" and bag[node] > 1):
                    key = self._pair(holder, min(node, other), max(node, other))
                    holders[key][holder] = None
                    made[key] = None
        return list(made)
