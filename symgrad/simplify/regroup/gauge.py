"""Choose the scale at which each sum is computed so that few coefficients remain.

A sum that is only a term or a factor of other sums need not be computed as written: with any
scales s > 0, where s is 1 for whatever is fixed and a product's scale is that of its factors,

    v_n = sum(c_k * v_k)    becomes    s_n * v_n = sum((c_k * s_n / s_k) * (s_k * v_k)),

so coefficients move between a sum and its users, and constant terms take them up for nothing:
``24*a*p + 24*b*p`` with ``p = 1 - 2*x`` is ``a*q + b*q`` with ``q = 24 - 48*x``.

Fixed are results, arguments of functions and bases of roots, divisions and high powers. Products
with a number such as pi among their factors take up any scale for nothing, as constant terms do.
Everything else is a matter of counting. A coefficient e costs one multiplication for each literal
that it stands before in several sums, and one for each sum in which it stands before anything else
(``e*a + e*b`` is ``e*(a + b)``). The cost is kept up to date while sums move, one at a time, to the
scale at which most of the coefficients that they touch become 1, if that does not cost more. Two
starts are tried: the coefficients as they are, and all of them pushed down from users as far as
they go, for what no single move gains. The second has to gain clearly: numbers moved for nothing
hide equal sums.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from fractions import Fraction

from symgrad.ir.arithmetic import Number, bits, multiply_numbers, simplest
from symgrad.simplify.regroup.network import ONE, Bag, Network, is_exact, is_usual
from symgrad.simplify.regroup.rationals import Rationals

CROWDED = 8
"""Scales of sums in products of more sums than this are fixed: each would touch all users."""

ROUNDS = 2
"""How often sums are visited again after their neighbours moved."""

MOST_MEETINGS = 4
"""Literals with more different coefficients than this are no reason to move a sum."""

HIGHEST = 4
"""Bases of higher powers than this are fixed."""

CLEARLY = Fraction(9, 10)
"""What part of the cost of the first start the second may have at most."""

PROMISING = Fraction(5, 4)
"""What part of that cost it may have at most before its sums settle."""

Move = tuple[int, list[tuple[int, int, int, int]]]
"""The scale of a sum before it moved, and what changed: (sum, literal, size before, size after)."""

SHORT = 53
"""Numbers of more bits than this are written as floats if they are floats."""


def choose_scales(network: Network, *, shared: bool = False) -> bool:
    """Scale sums so that fewer coefficients remain; whether anything changed.

    Numbers among the factors of products become coefficients first: run
    ``coefficients_to_literals`` again after this pass.

    Args:
        network: changed in place.
        shared: whether ``e*a*b`` and ``e*a*c`` count as one coefficient, which a sharing of
            products makes of them; sums then also move to where their terms are computed anyway.
    """
    changed = numbers_to_coefficients(network)
    scales = _Scales(network, shared)
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


class _Scales:
    """The sizes of all coefficients while scales change, and what they cost.

    Attributes:
        free: the sums that may be scaled, arguments before users.
        scale: of each of them, an index as all numbers here.
        terms: sum -> literal -> size of its coefficient.
        places: free sum -> where it is, or is a factor of, a literal: (sum, literal, power).
        movers: literal -> the free sums that scale it, as often as they do.
        carriers: literal -> what its coefficient is multiplied with first: itself, or a factor.
        repeated: free sums of which a literal holds more than the first power.
        elsewhere: literal -> sizes of its coefficients in sums that are not free.
        cost: multiplications by coefficients.
        pending: free sums near a coefficient that changed since they were visited.
    """

    def __init__(self, network: Network, shared: bool) -> None:
        self.network, self.numbers = network, Rationals()
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
            elif _own_number(network, node) is not None:
                self.terms[node] = {}
        self.movers = _movers(network, nodes, fixed)
        self.free = [node for node in self.terms if node in self.movers]
        self.scale = dict.fromkeys(self.free, 0)
        self.places: dict[int, list[tuple[int, int, int]]] = {node: [] for node in self.free}
        self.carriers = _carriers(network, self.terms) if shared else {}
        self.cost = 0
        self.pending: set[int] = set()
        self.elsewhere: dict[int, dict[int, None]] = {}
        self._holders: dict[int, tuple[int, int]] = {}
        self._alone: dict[int, int] = {}
        movers_of, places = self.movers.get, self.places
        for node, terms in self.terms.items():
            for literal, size in terms.items():
                movers = movers_of(literal, ())
                if len(movers) == 1:
                    places[movers[0]].append((node, literal, 1))
                else:
                    for mover in dict.fromkeys(movers):
                        places[mover].append((node, literal, movers.count(mover)))
                if size:
                    self._enter(node, literal, size)
                    self.pending.update(movers)
            if node in self.scale and any(terms.values()):
                self.pending.add(node)
            if shared and node not in self.movers:
                for literal, size in terms.items():
                    self.elsewhere.setdefault(literal, {})[size] = None
        self.repeated = {
            mover for mover, places in self.places.items() if any(p > 1 for _, _, p in places)
        }

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
        key = size * self.stride + self.carriers.get(literal, literal)
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
        key = size * self.stride + self.carriers.get(literal, literal)
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

    def _move(self, node: int, factor: int) -> Move | None:
        """Multiply the scale of a sum; None, and nothing done, where numbers get too long."""
        terms = self.terms
        up = self.numbers.multiples(factor)
        down = self.numbers.multiples(self.numbers.inverse(factor))
        made = [(node, literal, size, up[size]) for literal, size in terms[node].items()]
        for user, literal, power in self.places[node]:
            size = terms[user][literal]
            after: int | None = size
            for _ in range(power):
                after = None if after is None else down[after]
            made.append((user, literal, size, after))
        scale = up[self.scale[node]]
        if scale is None or None in [size for _, _, _, size in made]:
            return None
        before, self.scale[node] = self.scale[node], scale
        changed = [(user, literal, old, new or 0) for user, literal, old, new in made]
        for user, literal, old, new in changed:
            if old:
                self._leave(user, literal, old)
            if new:
                self._enter(user, literal, new)
            terms[user][literal] = new
        return before, changed

    def _undo(self, node: int, move: Move) -> None:
        """Take a move of a sum back."""
        terms = self.terms
        self.scale[node], changed = move
        for user, literal, old, new in changed:
            if new:
                self._leave(user, literal, new)
            if old:
                self._enter(user, literal, old)
            terms[user][literal] = old

    def _visit(self, node: int, ties: bool) -> None:
        """Move a sum to the scale at which most of its coefficients are 1, if that gains.

        With ``ties``, also if it only makes the coefficients of more users 1.
        """
        terms = self.terms
        own = list(terms[node].values())
        above = [
            root
            for user, literal, power in self.places[node]
            if (root := self.numbers.root(terms[user][literal], power)) is not None
        ]
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
        meeting = self._meeting(node) if self.elsewhere else None
        if meeting is not None and self._gain(node, meeting) > max(0, self._gain(node, factor)):
            factor, votes[meeting] = meeting, len(above)
        if above.count(0) > votes[factor]:  # users would lose more than anyone gains
            return
        before = self.cost
        move = self._move(node, factor)
        if move is None:
            return
        gain = before - self.cost
        if gain == 0 and ties:
            gain = above.count(factor) - above.count(0)
        if gain > 0:
            self._touch_around(node)
        else:
            self._undo(node, move)

    def _gain(self, node: int, factor: int) -> int:
        """What a move would gain; it is not made."""
        before = self.cost
        move = self._move(node, factor)
        if move is None:
            return 0
        gain = before - self.cost
        self._undo(node, move)
        return gain

    def _meeting(self, node: int) -> int | None:
        """The factor that gives most terms of a sum the coefficients that they have elsewhere."""
        votes: dict[int, int] = {}
        for literal, size in self.terms[node].items():
            others = self.elsewhere.get(literal, {})
            if len(others) <= MOST_MEETINGS:
                down = self.numbers.multiples(self.numbers.inverse(size))
                for factor in [down[other] for other in others]:
                    if factor:
                        votes[factor] = votes.get(factor, 0) + 1
        best = min(votes, key=lambda factor: (-votes[factor], factor), default=0)
        return best if votes.get(best, 0) > 1 else None

    def _touch_around(self, node: int) -> None:
        for literal in self.terms[node]:
            self.pending.update(self.movers.get(literal, ()))
        for user, literal, _ in self.places[node]:
            self._touch(user, literal)
        self.pending.discard(node)

    def push(self) -> bool:
        """Move every sum before which all users have the same coefficient; whether any did."""
        changed = False
        for node in reversed(self.free):
            found = {
                self.numbers.root(self.terms[user][literal], power)
                for user, literal, power in self.places[node]
            }
            factor = found.pop() if len(found) == 1 else None
            if factor and self._move(node, factor):
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
                if ties and node in self.repeated:  # when the others have found their place
                    continue
                self.pending.discard(node)
                self._visit(node, ties)

    def write(self) -> bool:
        """Put the coefficients into the network; whether any is new."""
        values, index = self.numbers.values, self.numbers.index
        changed = False
        moved = {node for node, scale in self.scale.items() if scale}
        near = moved.union([user for node in moved for user, _, _ in self.places[node]])
        for node in [node for node in self.terms if node in near]:
            terms, bag = self.terms[node], self.network.bags[node]
            scale = self.scale.get(node, 0)
            made: Bag = {}
            if self.network.kinds[node] == "product":
                changed = (scale and self._write_number(node, scale)) or changed
                continue
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

    def _write_number(self, node: int, scale: int) -> bool:
        """Multiply the number among the factors of a product."""
        network, size = self.network, simplest(Fraction(*self.numbers.values[scale]))
        number = _own_number(network, node)
        assert number is not None
        product = network.multiplied([(number, 1)], size)
        made = {k: e for k, e in network.bags[node].items() if k != number}
        network.touch(node)
        network.bags[node] = made | dict.fromkeys(
            [number, network.number(size)] if product is None else [product], 1
        )
        return True


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
            inside: list[int] = [node] if _own_number(network, node) is not None else []
            for base, exponent in bags[node].items():
                if type(exponent) is int and 0 < exponent <= HIGHEST:
                    inside += found.get(base, ()) * exponent
                else:
                    fixed.add(base)
            if len(inside) > CROWDED:
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


def _carriers(network: Network, terms: Iterable[int]) -> dict[int, int]:
    """Product -> the factor that it shares with most other terms: what is multiplied first."""
    kinds, bags = network.kinds, network.bags
    products = dict.fromkeys([k for node in terms for k in bags[node] if kinds[k] == "product"])
    held: dict[int, int] = {}
    for product in products:
        for base, exponent in bags[product].items():
            if exponent >= 1 and kinds[base] != "number":
                held[base] = held.get(base, 0) + 1
    found = {}
    for product in products:
        counts = [
            (-held[base], base)
            for base, exponent in bags[product].items()
            if exponent >= 1 and kinds[base] != "number" and held[base] > 1
        ]
        if counts:
            found[product] = min(counts)[1]
    return found


def _own_number(network: Network, node: int) -> int | None:
    """The only number among the factors of a product that is known by name alone, such as pi."""
    if network.kinds[node] != "product":
        return None
    kinds, bag = network.kinds, network.bags[node]
    held = [k for k, e in bag.items() if kinds[k] == "number"]
    if len(held) != 1 or len(bag) < 2 or bag[held[0]] != 1:
        return None
    return held[0] if network.graph.ops[network.sources[held[0]]] != "constant" else None
