"""Choose the scale at which each sum is computed so that few coefficients remain.

A sum that is only a term or a factor of other sums need not be computed as written: with any
scales s > 0, where s is 1 for whatever is fixed and a product's scale is that of its factors,

    v_n = sum(c_k * v_k)    becomes    s_n * v_n = sum((c_k * s_n / s_k) * (s_k * v_k)),

so coefficients move between a sum and its users, and constant terms take them up for nothing:
``24*a*p + 24*b*p`` with ``p = 1 - 2*x`` is ``a*q + b*q`` with ``q = 24 - 48*x``.

Fixed are results, arguments of functions and bases of powers. Everything else is a matter of
counting. A coefficient e costs one multiplication for each literal that it stands before in several
sums, and one for each sum in which it stands before anything else (``e*a + e*b`` is ``e*(a + b)``).
The cost is kept up to date while sums move, one at a time, to the scale at which most of the
coefficients that they touch become 1, if that does not cost more. Two starts are tried: the
coefficients as they are, and all of them pushed down from users as far as they go, for what no
single move gains. The second has to gain clearly: numbers moved for nothing hide equal sums.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from fractions import Fraction
from math import gcd

from symgrad.ir.arithmetic import Number, bits, multiply_numbers, simplest
from symgrad.simplify.network import ONE, Bag, Network, is_exact, is_usual

LARGEST = 256
"""Coefficients of more bits than this stay where they are, so that none overflows."""

CROWDED = 8
"""Scales of sums in products of more sums than this are fixed: each would touch all users."""

ROUNDS = 2
"""How often sums are visited again after their neighbours moved."""

CLEARLY = Fraction(9, 10)
"""What part of the cost of the first start the second may have at most."""

PROMISING = Fraction(5, 4)
"""What part of that cost it may have at most before its sums settle."""

SHORT = 53
"""Numbers of more bits than this are written as floats if they are floats."""


def choose_scales(network: Network) -> bool:
    """Scale sums so that fewer coefficients remain; whether anything changed.

    Numbers among the factors of products become coefficients first: run
    ``coefficients_to_literals`` again after this pass.
    """
    changed = numbers_to_coefficients(network)
    scales = _Scales(network)
    if not scales.pending:
        return changed
    pushed = scales.copy()
    scales.settle()
    if pushed.push() and pushed.cost <= PROMISING * scales.cost:
        pushed.settle()
        if pushed.cost <= CLEARLY * scales.cost:
            scales = pushed
    return scales.write() or changed


def numbers_to_coefficients(network: Network) -> bool:
    """Make ``2*x*y`` a sum of one term again, and its number a coefficient of the sums around."""
    kinds, bags, graph = network.kinds, network.bags, network.graph
    single: dict[int, tuple[int, Number]] = {}
    for node in network.order():
        bag = bags[node]
        if kinds[node] == "product":
            held = [k for k, e in bag.items() if e == 1 and kinds[k] == "number"]
            if len(held) == 1 and len(bag) > 1:
                source = network.sources[held[0]]
                value = graph.data[source]
                if graph.ops[source] == "constant" and is_usual(value):
                    core = network.product({k: e for k, e in bag.items() if k != held[0]})
                    network.touch(node)
                    kinds[node], bags[node] = "sum", {core: value}
                    single[node] = core, value
        elif kinds[node] == "sum" and not single.keys().isdisjoint(bag):
            for term in [term for term in bag if term in single]:
                core, value = single[term]
                if core not in bag:
                    network.touch(node)
                    bag[core] = multiply_numbers(bag.pop(term), value)
    return bool(single)


class _Rationals:
    """The positive rationals met so far, by index, 0 for 1; their products are looked up.

    Pairs of integers, as most of the time would go into making Fractions.
    """

    def __init__(self) -> None:
        self.values = [(1, 1)]
        self._found = {(1, 1): 0}
        self._numbers: dict[Number, int] = {1: 0, -1: 0}
        self._multiples: dict[int, _Multiples] = {}
        self._inverses = {0: 0}

    def index(self, number: Number) -> int | None:
        """The index of a number's size; None where it is 0, not finite or too long."""
        found = self._numbers.get(number)
        if found is None and is_usual(number):
            found = self._index(*abs(Fraction(number)).as_integer_ratio())
            if found is not None:
                self._numbers[number] = found
        return found

    def _index(self, above: int, below: int) -> int | None:
        found = self._found.get((above, below))
        if found is None and max(above.bit_length(), below.bit_length()) <= LARGEST:
            found = self._found[above, below] = len(self.values)
            self.values.append((above, below))
        return found

    def multiples(self, factor: int) -> _Multiples:
        """The table of ``index -> index of factor times that``."""
        found = self._multiples.get(factor)
        if found is None:
            found = self._multiples[factor] = _Multiples(self, factor)
        return found

    def product(self, a: int, b: int) -> int | None:
        """The index of the product; None where it is too long."""
        (p, q), (r, s) = self.values[a], self.values[b]
        above, below = p * r, q * s
        common = gcd(above, below)
        return self._index(above // common, below // common)

    def inverse(self, a: int) -> int:
        """The index of ``1 / a``."""
        found = self._inverses.get(a)
        if found is None:
            found = self._index(*reversed(self.values[a]))
            assert found is not None  # not longer than the number itself
            self._inverses[a], self._inverses[found] = found, a
        return found


class _Multiples(dict[int, int | None]):
    """The products of one factor with others, each calculated when it is first looked up."""

    def __init__(self, numbers: _Rationals, factor: int) -> None:
        super().__init__()
        self.numbers, self.factor = numbers, factor

    def __missing__(self, other: int) -> int | None:
        made = self[other] = self.numbers.product(self.factor, other)
        return made


class _Scales:
    """The sizes of all coefficients while scales change, and what they cost.

    Attributes:
        free: the sums that may be scaled, arguments before users.
        scale: of each of them, an index as all numbers here.
        terms: sum -> literal -> size of its coefficient.
        places: free sum -> where it is, or is a factor of, a literal: (sum, literal).
        movers: literal -> the free sums that scale it.
        cost: multiplications by coefficients.
        pending: free sums near a coefficient that changed since they were visited.
    """

    def __init__(self, network: Network) -> None:
        self.network, self.numbers = network, _Rationals()
        self.stride = len(network.kinds)
        nodes = network.order()
        self.terms: dict[int, dict[int, int]] = {}
        fixed = set(network.roots)
        for node in nodes:
            if network.kinds[node] == "sum":
                bag = network.bags[node]
                terms = self._sizes(bag)
                if terms is None:
                    fixed.update((node, *bag))
                    continue
                self.terms[node] = terms
                if all(k == ONE or is_exact(network, k, c) for k, c in bag.items()):
                    fixed.add(node)
        self.movers = _movers(network, nodes, fixed)
        self.free = [node for node in self.terms if node in self.movers]
        self.scale = dict.fromkeys(self.free, 0)
        self.places: dict[int, list[tuple[int, int]]] = {node: [] for node in self.free}
        self.cost = 0
        self.pending: set[int] = set()
        self._holders: dict[int, tuple[int, int]] = {}
        self._alone: dict[int, int] = {}
        for node, terms in self.terms.items():
            for literal, size in terms.items():
                for mover in self.movers.get(literal, ()):
                    self.places[mover].append((node, literal))
                if size:
                    self._enter(node, literal, size)
                    self._touch(node, literal)

    def _sizes(self, bag: Bag) -> dict[int, int] | None:
        """The sizes of a sum's coefficients; None where one is no number to calculate with."""
        sizes: dict[int, int] = {}
        for literal, coefficient in bag.items():
            size = self.numbers.index(coefficient)
            if size is None:
                return None
            if literal != ONE:
                sizes[literal] = size
        return sizes

    def copy(self) -> _Scales:
        """Another state of the same network."""
        other = copy(self)
        other.scale, other.pending = self.scale.copy(), self.pending.copy()
        other.terms = {node: terms.copy() for node, terms in self.terms.items()}
        other._holders, other._alone = self._holders.copy(), self._alone.copy()
        return other

    def _touch(self, node: int, literal: int) -> None:
        """A coefficient changed: whoever can change it again should be visited."""
        self.pending.update(self.movers.get(literal, ()))
        if node in self.scale:
            self.pending.add(node)

    def _enter(self, node: int, literal: int, size: int) -> None:
        """Count a coefficient: literals in several sums, else sums with some of the same size."""
        key = size * self.stride + literal
        count, holders = self._holders.get(key, (0, 0))
        self._holders[key] = count + 1, holders + node  # with a count of 1 this is the one sum
        alone = self._alone
        if count == 0:
            group = size * self.stride + node
            before = alone[group] = alone.get(group, 0) + 1
            self.cost += before == 1
        elif count == 1:
            group = size * self.stride + holders
            alone[group] -= 1
            self.cost += alone[group] > 0

    def _leave(self, node: int, literal: int, size: int) -> None:
        """Undo ``_enter``."""
        key = size * self.stride + literal
        count, holders = self._holders[key]
        holders -= node
        self._holders[key] = count - 1, holders
        alone = self._alone
        if count == 1:
            group = size * self.stride + node
            alone[group] -= 1
            self.cost -= alone[group] == 0
        elif count == 2:
            group = size * self.stride + holders
            before = alone[group] = alone.get(group, 0) + 1
            self.cost -= before > 1

    def _move(self, node: int, factor: int) -> bool:
        """Multiply the scale of a sum; False, and nothing done, where numbers get too long."""
        terms = self.terms
        up = self.numbers.multiples(factor)
        down = self.numbers.multiples(self.numbers.inverse(factor))
        made = [(node, literal, size, up[size]) for literal, size in terms[node].items()]
        for user, literal in self.places[node]:
            size = terms[user][literal]
            made.append((user, literal, size, down[size]))
        scale = up[self.scale[node]]
        if scale is None or None in [size for _, _, _, size in made]:
            return False
        self.scale[node] = scale
        for user, literal, before, after in made:
            if before:
                self._leave(user, literal, before)
            if after:
                self._enter(user, literal, after)
            terms[user][literal] = after or 0
        return True

    def _visit(self, node: int, ties: bool) -> None:
        """Move a sum to the scale at which most of its coefficients are 1, if that gains.

        With ``ties``, also if it only makes the coefficients of more users 1.
        """
        terms = self.terms
        own = list(terms[node].values())
        above = [terms[user][literal] for user, literal in self.places[node]]
        votes: dict[int, int] = {}
        for size in above:
            if size:
                votes[size] = votes.get(size, 0) + 1
        for size in own:
            if size:
                factor = self.numbers.inverse(size)
                votes[factor] = votes.get(factor, 0) + 1
        if not votes:
            return
        factor = min(votes, key=lambda factor: (-votes[factor], factor))
        before = self.cost
        if above.count(0) > votes[factor]:  # users would lose more than anyone gains
            return
        if not self._move(node, factor):
            return
        gain = before - self.cost
        inverse = self.numbers.inverse(factor)
        if gain == 0 and ties:
            gain = above.count(factor) - above.count(0)
        if gain > 0:
            self._touch_around(node)
        else:
            self._move(node, inverse)

    def _touch_around(self, node: int) -> None:
        for literal in self.terms[node]:
            self.pending.update(self.movers.get(literal, ()))
        for user, literal in self.places[node]:
            self._touch(user, literal)
        self.pending.discard(node)

    def push(self) -> bool:
        """Move every sum before which all users have the same coefficient; whether any did."""
        changed = False
        for node in reversed(self.free):
            found = {self.terms[user][literal] for user, literal in self.places[node]}
            if len(found) == 1 and 0 not in found and self._move(node, found.pop()):
                self._touch_around(node)
                self.pending.add(node)
                changed = True
        return changed

    def settle(self) -> None:
        """Visit the pending sums, users first; then again while there is something to gain."""
        self._sweep(reversed(self.free), ties=True)
        for _ in range(ROUNDS):
            if self.pending:
                self._sweep(self.free, ties=False)

    def _sweep(self, nodes: Iterable[int], *, ties: bool) -> None:
        for node in nodes:
            if node in self.pending:
                self.pending.discard(node)
                self._visit(node, ties)

    def write(self) -> bool:
        """Put the coefficients into the network; whether any is new."""
        values, index = self.numbers.values, self.numbers.index
        changed = False
        for node, terms in self.terms.items():
            bag = self.network.bags[node]
            scale = self.scale.get(node, 0)
            made: Bag = {}
            for literal, old in bag.items():
                if literal != ONE and terms[literal] != index(old):
                    made[literal] = _signed(Fraction(*values[terms[literal]]), old)
                elif literal == ONE and scale:
                    made[literal] = _signed(abs(Fraction(old)) * Fraction(*values[scale]), old)
                else:
                    made[literal] = old
            if made != bag:
                self.network.touch(node)
                self.network.bags[node] = made
                changed = True
        return changed


def _signed(size: Fraction, old: Number) -> Number:
    """The number of that size with the sign of the old one; a float where that is it exactly."""
    number: Number = simplest(size)
    if bits(size) > SHORT and float(size) == size:
        number = float(size)
    return number if old > 0 else -number


def _movers(network: Network, nodes: list[int], fixed: set[int]) -> dict[int, tuple[int, ...]]:
    """Literal -> the free sums that scale it: itself, or those among the factors of a product.

    Adds to ``fixed`` what must not be scaled, and all sums that scale that.
    """
    kinds, bags = network.kinds, network.bags
    found: dict[int, tuple[int, ...]] = {}
    for node in nodes:
        if kinds[node] == "sum":
            found[node] = (node,)
        elif kinds[node] == "call":
            fixed.update(network.args[node])
        elif kinds[node] == "product":
            inside: list[int] = []
            for base, exponent in bags[node].items():
                if exponent == 1:
                    inside += found.get(base, ())
                else:
                    fixed.add(base)
            if len(inside) > CROWDED or len(set(inside)) < len(inside):
                fixed.add(node)
            found[node] = tuple(inside)
    for node in list(found):
        if node in fixed:
            fixed.update(found[node])
    return {
        node: free
        for node, sums in found.items()
        if (free := tuple([one for one in sums if one not in fixed]))
    }
