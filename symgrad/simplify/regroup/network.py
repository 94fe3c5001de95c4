"""Network: sums and products as open bags of literals, the form in which they are regrouped.

The Graph keeps sums and products canonical, with every coefficient as far out as it goes: the
right form to differentiate. To find what expressions share, the passes beside this module need
the opposite: a coefficient is a factor like any other, and signs are the only numbers left in a
sum. A Network holds the same nodes, mutable, by index.

==========  ==========================  ===================================================
kind        bag                         meaning
==========  ==========================  ===================================================
sum         literal -> coefficient      sum(coefficient * literal); the literal ONE is 1
product     literal -> exponent         prod(literal ** exponent)
number      empty                       a constant node of the graph, folded when it is lowered
leaf        empty                       a symbol or a truth value
call        empty                       a function row over ``args``
==========  ==========================  ===================================================
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import replace
from fractions import Fraction
from itertools import chain
from math import frexp, inf
from typing import Any

from symgrad.errors import LimitError
from symgrad.ir.arithmetic import (
    Exponent,
    Number,
    add_numbers,
    as_float,
    bits,
    multiply_numbers,
    simplest,
)
from symgrad.ir.graph import LEAVES, Graph
from symgrad.ir.system import Tensor
from symgrad.ir.traverse import reachable

LARGEST = 1e100
"""Numbers beyond this, and below its inverse, are not combined: they could overflow."""

SHORT = 300
"""Quotients of numbers of so many bits are between these limits."""

LEAF_KINDS = frozenset({"number", "leaf"})

ONE = 0
"""The literal that stands for the number 1: every Network has it at index 0."""

TURNED = "turned sum"
"""Marks the keys of sums with a negative leading coefficient."""

Bag = dict[int, Any]
"""Literal -> coefficient (of a sum) or exponent (of a product)."""

State = tuple[Any, dict[Any, int], set[int]]

Signed = tuple[int, int]
"""A node and the sign, 1 or -1, with which it counts."""


class Network:
    """Mutable sums and products over a Graph's symbols, numbers and functions.

    Attributes:
        graph: where numbers and leaves live.
        kinds: "sum", "product", "number", "leaf" or "call" of each node.
        bags: the literals of sums and products.
        sources: the graph node of a number or leaf; the row's name of a call.
        args: the arguments of a call.
        roots: what is wanted.
        turned: sums whose leading coefficient is negative.
        dirty: nodes whose bags were changed in place since ``inline`` last ran.
        live: by node, whether it was needed when ``inline`` last ran.
        finished: while ``inline`` runs, by node, whether it is done; others are not found again.

    A pass may give a node another bag of the same value, and calls ``touch`` when it does.
    """

    __slots__ = (
        *("_keys", "_order", "_ordered", "_uses", "args", "bags", "dirty", "finished"),
        *("graph", "kinds", "live", "memo", "roots", "sources", "turned"),
    )

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.kinds: list[str] = []
        self.bags: list[Bag] = []
        self.sources: list[Any] = []
        self.args: list[tuple[int, ...]] = []
        self.roots: list[int] = []
        self.memo: dict[Any, int] = {}
        self.turned: set[int] = set()
        self.dirty: set[int] = set()
        self.live = bytearray()
        self.finished: bytearray | None = None
        self._keys: list[Any] = []
        self._order: list[int] | None = None
        self._ordered: list[int] | None = None
        self._uses: Counter[int] | None = None
        self.leaf("number", graph.constant(1))

    def _found(self, key: Any, at: int = -1) -> int | None:
        """The node that was entered under the key and still is what the key says."""
        node = self.memo.get(key)
        finished = self.finished
        if node is None or finished is None or node == at:
            return node
        if node >= len(finished) or finished[node] or self.kinds[node] in LEAF_KINDS:
            return node
        self.dirty.add(node)  # it comes later, and is to find out that there is an equal one now
        return None

    def _append(
        self, key: Any, kind: str, bag: Bag, source: Any, args: tuple[int, ...], at: int = -1
    ) -> int:
        """The node of the key; if there is none, a new one, or ``at`` made anew."""
        node = self._found(key, at)
        if node is not None:
            return node
        if at >= 0:
            self.forget(at)
            self.kinds[at], self.bags[at], self.sources[at], self.args[at] = kind, bag, source, args
            self.memo[key], self._keys[at] = at, key
            return at
        node = len(self.kinds)
        self.memo[key] = node
        self._keys.append(key)
        self.kinds.append(kind)
        self.bags.append(bag)
        self.sources.append(source)
        self.args.append(args)
        return node

    def forget(self, node: int) -> None:
        """Find the node by its old key no longer."""
        key = self._keys[node]
        if key is not None and self.memo.get(key) == node:
            del self.memo[key]
        self._keys[node] = None

    def stands(self, node: int) -> bool:
        """Whether the sum or product is what its bag would be found as: nobody touched it."""
        key = self._keys[node]
        if key is None or self.memo.get(key) != node:
            return False
        return key[0] == "product" or (key[0] == "sum" and not self.turned)

    def copy(self) -> Network:
        """Another network of the same nodes, over the same graph."""
        other = copy(self)
        lists, other.memo, other.turned = self.state()
        other.kinds, _, other.sources, other.args, other._keys, other.roots = lists
        other.bags = [bag.copy() for bag in self.bags]
        other.dirty, other.live, other._uses = self.dirty.copy(), self.live.copy(), None
        return other

    def state(self) -> State:
        """What ``restore`` brings back: bags themselves are not copied."""
        lists: tuple[list[Any], ...] = (
            self.kinds,
            self.bags,
            self.sources,
            self.args,
            self._keys,
            self.roots,
        )
        return tuple([one.copy() for one in lists]), self.memo.copy(), self.turned.copy()

    def restore(self, state: State) -> None:
        """Undo what ``inline`` did since ``state``."""
        lists, self.memo, self.turned = state
        self.kinds, self.bags, self.sources, self.args, self._keys, self.roots = lists
        self._order = None

    def settle(self, order: Iterable[int]) -> None:
        """Note which nodes of an order are needed."""
        bags, args = self.bags, self.args
        live = bytearray(len(bags))
        for root in self.roots:
            live[root] = True
        found = []
        for node in reversed(list(order)):
            if live[node]:
                found.append(node)
                for child in bags[node] or args[node]:
                    live[child] = True
        found.reverse()
        self.live, self._order, self._ordered, self._uses = live, found, self.roots.copy(), None

    def touch(self, node: int) -> None:
        """Note that the node has, or is about to have, another bag of the same value."""
        self.forget(node)
        self.dirty.add(node)
        self._order = None

    def leaf(self, kind: str, source: int) -> int:
        """The node of a number or leaf of the graph."""
        return self._append((kind, source), kind, {}, source, ())

    def number(self, value: Number) -> int:
        """The literal of a number."""
        return self.leaf("number", self.graph.constant(value))

    def multiplied(self, factors: Sequence[tuple[int, Exponent]], size: Number = 1) -> int | None:
        """The literal of ``size`` times powers of numbers; None where it leaves float's range.

        ``1e200 * (1e200 * x)`` can be finite where ``1e400 * x`` is not.
        """
        graph = self.graph
        try:
            node = graph.product([(self.sources[k], e) for k, e in factors], size)
        except LimitError:
            return None
        op, data = graph.ops[node], graph.data[node]
        scale = data if op == "constant" else data[1][0] if op == "sum" else 1
        alone = size == 1 and len(factors) == 1 and factors[0][1] == 1
        if not (0 < abs(as_float(scale)) < inf or alone or not factors):
            return None
        return self.leaf("number", node)

    def call(self, name: str, args: tuple[int, ...], at: int = -1) -> int:
        """The node of a row over ``args``."""
        return self._append((name, args), "call", {}, name, args, at)

    def product(self, bag: Bag, at: int = -1) -> int:
        """The node of a product; a lone factor to the power 1 is itself.

        Args:
            bag: its factors.
            at: a node to be made anew where there is none.
        """
        if len(bag) == 1:
            ((literal, exponent),) = bag.items()
            if exponent == 1:
                return literal
        if not bag:
            return ONE
        return self._append(("product", frozenset(bag.items())), "product", bag, None, (), at)

    def sum(self, bag: Bag, *, turned: bool = False, at: int = -1) -> Signed:
        """A sum with a positive leading coefficient, and the sign that this took.

        A sum with a 1 keeps its signs, as in canonical sums: ``1 - x`` is +0 where x is 1.
        A turned sum has the opposite signs, from then on for all who ask for it.

        Args:
            bag: its terms.
            turned: whether it has the opposite signs.
            at: a node to be made anew where there is none.
        """
        sign = 1
        if ONE not in bag and bag[min(bag)] < 0:
            bag = {literal: -coefficient for literal, coefficient in bag.items()}
            sign = -1
        if len(bag) == 1:
            ((literal, coefficient),) = bag.items()
            if literal == ONE:
                return self.number(coefficient), 1
            if coefficient == 1 and type(coefficient) is int:
                return literal, sign
        key = _key(bag)
        if turned and self._found(("sum", key)) is None:
            opposite = {literal: -coefficient for literal, coefficient in bag.items()}
            if ONE in bag:
                return self.sum(opposite, at=at)[0], -sign
            made = self._append((TURNED, key), "sum", opposite, None, (), at)
            self.turned.add(made)
            return made, -sign
        node = self._found((TURNED, key), at) if self.turned else None
        if node is not None:
            return node, -sign
        return self._append(("sum", key), "sum", bag, None, (), at), sign

    def negated(self, node: int) -> int:
        """The node of minus another one."""
        return self._append(("minus", node), "sum", {node: -1}, None, ())

    def opposite(self, node: int, *, alone: bool) -> int:
        """Minus another node, but +0 where that is 0: ``b - a`` for ``a - b``, else ``0.0 - node``.

        Args:
            node: what it is minus of.
            alone: that nobody else uses it.
        """
        bag = {ONE: 0.0, node: -1}
        if alone and self.kinds[node] == "sum" and ONE not in self.bags[node]:
            bag = {literal: -coefficient for literal, coefficient in self.bags[node].items()}
        return self._append(("as it is", _key(bag)), "sum", bag, None, ())

    def signed(self, node: int, sign: int) -> int:
        """The node of ``sign * node``."""
        return node if sign == 1 else self.negated(node)

    def below(self, node: int) -> Iterable[int]:
        """What the node is made of."""
        return self.bags[node] or self.args[node]

    def order(self) -> list[int]:
        """The nodes that the roots need, arguments before users."""
        if self._order is not None and self._ordered == self.roots:
            return self._order
        bags, args = self.bags, self.args
        done = bytearray(len(bags))
        found: list[int] = []
        stack = self.roots[::-1]
        while stack:
            node = stack.pop()
            if node < 0:  # everything below it is there
                found.append(~node)
            elif not done[node]:
                done[node] = True
                below = bags[node] or args[node]
                if below:
                    stack.append(~node)
                    stack += below
                else:
                    found.append(node)
        self._order, self._ordered = found, self.roots.copy()
        self._uses = None
        return found

    def uses(self, nodes: list[int]) -> Counter[int]:
        """How many of ``nodes`` (and roots) use each of them."""
        if nodes is self._order and self._uses is not None:
            return self._uses
        bags, args = self.bags, self.args
        found = Counter(chain.from_iterable([bags[node] or args[node] for node in nodes]))
        found.update(self.roots)
        if nodes is self._order:
            self._uses = found
        return found


def _key(bag: Bag) -> Any:
    """What equal sums have in common and no others."""
    if float in map(type, bag.values()):  # 0.0, -0.0 and 1, 1.0 are equal, nan is not
        return frozenset([(k, c.hex() if type(c) is float else c) for k, c in bag.items()])
    return frozenset(bag.items())


def is_usual(number: Number) -> bool:
    """Whether a number may be combined with others: neither 0 nor near the ends of the floats."""
    if type(number) is Fraction and bits(number) <= SHORT:
        return number.numerator != 0  # to compare Fractions takes long
    size = -number if number < 0 else number
    return 1 / LARGEST < size < LARGEST


def is_exact(network: Network, literal: int, coefficient: Number = 1) -> bool:
    """Whether ``coefficient * literal`` is an input times a power of two: computed without error.

    A difference of such terms may be tiny and yet right to the last digit; scaled by another
    number each term would round, and the difference lose what the terms have in common.
    """
    bag = network.bags[literal]
    if network.kinds[literal] == "product" and len(bag) == 2 and set(bag.values()) == {1}:
        numbers = [part for part in bag if network.kinds[part] == "number"]
        source = network.sources[numbers[0]] if numbers else None
        if source is None or network.graph.ops[source] != "constant":
            return False
        (literal,) = [part for part in bag if part != numbers[0]]
        coefficient = network.graph.data[source]
    if network.kinds[literal] != "leaf" or not is_usual(coefficient):
        return False
    return frexp(coefficient)[0] in (0.5, -0.5)


def add_term(network: Network, bag: Bag, literal: int, coefficient: Number) -> None:
    """``bag += coefficient * literal``: like terms meet, numbers meet in the literal ONE."""
    if network.kinds[literal] == "number" and literal != ONE:
        source = network.sources[literal]
        if network.graph.ops[source] == "constant":
            coefficient = multiply_numbers(coefficient, network.graph.data[source])
            literal = ONE
    before = bag.get(literal)
    total = coefficient if before is None else add_numbers(before, coefficient)
    if type(total) is int and total == 0:
        bag.pop(literal, None)
    else:
        bag[literal] = total


def add_factor(network: Network, bag: Bag, literal: int, exponent: Exponent) -> None:
    """``bag *= literal ** exponent``: like factors meet, but x/x is not 1 at 0, inf and nan."""
    before = bag.get(literal)
    if before is None:
        bag[literal] = exponent
    elif before * exponent > 0:
        bag[literal] = simplest(before + exponent)
    else:
        if exponent == 1:
            bag[literal], exponent = 1, before
        add_factor(network, bag, network.product({literal: exponent}), 1)


def read(graph: Graph, tensors: Sequence[Tensor]) -> Network:
    """The Network of what ``tensors`` need; numbers that it lacks are appended to the graph."""
    network = Network(graph)
    kinds = network.kinds
    place: dict[int, int] = {}
    for node in reachable(graph, [node for tensor in tensors for node in tensor.nodes]):
        op, data = graph.ops[node], graph.data[node]
        below = [place[argument] for argument in graph.args[node]]
        numbers = [part for part in below if kinds[part] == "number"]
        numeric = op in ("constant", "named") or (
            len(numbers) == len(below) > 0 and not graph.is_condition(node)
        )
        if numeric or op in LEAVES:
            place[node] = network.leaf("number" if numeric else "leaf", node)
        elif op == "sum":
            start, coefficients = data
            if coefficients == (-1,) and start == 0 and type(start) is not float:
                place[node] = network.negated(below[0])
                continue
            bag: Bag = {} if start == 0 and type(start) is not float else {ONE: start}
            for literal, coefficient in zip(below, coefficients, strict=True):
                add_term(network, bag, literal, coefficient)
            place[node] = network.signed(*network.sum(bag))
        elif op == "product":
            bag = {}
            for literal, exponent in zip(below, data, strict=True):
                if kinds[literal] != "number":
                    add_factor(network, bag, literal, exponent)
            if numbers:
                factors = zip(graph.args[node], below, data, strict=True)
                known = [(a, e) for a, literal, e in factors if kinds[literal] == "number"]
                bag[network.leaf("number", graph.product(known))] = 1
            place[node] = network.product(bag)
        else:
            place[node] = network.call(op, tuple(below))
    network.roots = [place[node] for tensor in tensors for node in tensor.nodes]
    return network


def write(network: Network, tensors: Sequence[Tensor]) -> tuple[Graph, list[Tensor]]:
    """A Graph of the roots, regrouped as the network is, and the tensors that they fill.

    The graph is not canonical: numbers stand among the factors of products.
    """
    source = network.graph
    made = Graph(source.table, exact=source.exact)
    nodes = network.order()
    sources = [network.sources[n] for n in nodes if network.kinds[n] in ("number", "leaf")]
    copied: dict[int, int] = {}
    for node in reachable(source, sources):
        args = tuple([copied[argument] for argument in source.args[node]])
        copied[node] = source.rebuild(node, args, made)
    place: dict[int, int] = {}
    for node in nodes:
        kind, bag = network.kinds[node], network.bags[node]
        if kind == "call":
            args = tuple([place[argument] for argument in network.args[node]])
            place[node] = made.intern(network.sources[node], args, None)
        elif kind in ("sum", "product"):
            terms = sorted([(place[k], c) for k, c in bag.items() if k != ONE or kind != "sum"])
            args, numbers = tuple([a for a, _ in terms]), tuple([c for _, c in terms])
            data = (bag.get(ONE, 0), numbers) if kind == "sum" else numbers
            place[node] = made.intern(kind, args, data)
        else:
            place[node] = copied[network.sources[node]]
    roots = iter(network.roots)
    kept = [replace(t, nodes=tuple([place[next(roots)] for _ in t.nodes])) for t in tensors]
    return made, kept
