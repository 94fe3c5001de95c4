"""Fewer exponentials: those that are products of others become these, and meet in sums.

Densities at two points that differ by what logarithms and other exponents are made of are
multiples of each other. In the formula of Black and Scholes (1973), with
``d1 = (log(S/K) + (r + s**2/2)*t) / (s*sqrt(t))`` and ``d2 = d1 - s*sqrt(t)``,
``S*exp(-d1**2/2)`` is ``K*exp(-r*t)*exp(-d2**2/2)``: the two terms of each derivative in which they
stand cancel, before anything has been rounded. ``relations.py`` finds such exponentials and says
where replacing them is safe: it belongs to the class "rounding" of ``rules.py``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from symgrad.ir.arithmetic import Exponent, Number, simplest
from symgrad.ir.expression import postorder
from symgrad.ir.graph import Graph
from symgrad.ir.system import Tensor
from symgrad.ir.traverse import reachable
from symgrad.simplify.polynomials import Monomial, Polynomial, expand
from symgrad.simplify.relations import EXPONENTIALS, Relation, find_relations

CANCELLING = 0.8
"""Products that hold related exponentials are flattened where that leaves less than this share of
the additions. Where nothing cancels, it only takes apart what others share."""


SQUARES = frozenset({"exp_minus_square", "exp_minus_square_slope"})
"""``exp(-x**2)`` and its derivative."""


def makes_exponentials(graph: Graph) -> int:
    """How many nodes are exponentials, or have some in their derivatives."""
    total = 0
    for op, count in Counter(graph.ops).items():
        row = graph.table.get(op)
        partials = () if row is None else row.partials
        if op in EXPONENTIALS or any(part.op in EXPONENTIALS for part in postorder(partials)):
            total += count
    return total


def relate_exponentials(
    graph: Graph, tensors: Sequence[Tensor], share: float = CANCELLING
) -> tuple[list[Tensor], bool]:
    """The tensors with few exponentials, made in the same graph.

    Args:
        graph: where the tensors' nodes live; what replaces them is appended.
        tensors: the results.
        share: products are flattened where less than this share of the additions is left.

    Returns:
        the tensors, those given where no exponentials are related, and whether terms cancelled.
    """
    tensors = unfold_squares(graph, tensors)
    wanted = list(dict.fromkeys(node for tensor in tensors for node in tensor.nodes))
    relations = find_relations(graph, wanted)
    if not relations:
        return tensors, False
    apart, met = (
        replace_exponentials(graph, wanted, relations, meet=meet) for meet in (False, True)
    )
    cancelled = _additions(graph, met) < share * _additions(graph, apart)
    place = dict(zip(wanted, met if cancelled else apart, strict=True))
    made = [replace(t, nodes=tuple([place[node] for node in t.nodes])) for t in tensors]
    return made, cancelled


def unfold_squares(graph: Graph, tensors: Sequence[Tensor]) -> list[Tensor]:
    """The tensors with ``exp(-x*x)`` for each ``exp_minus_square(x)`` that is related to others.

    The row and that of its derivative have digits in their tails that ``exp`` has not. Where
    exponentials are multiples of each other, one for all of them is worth more.

    Args:
        graph: where the tensors' nodes live; what replaces them is appended.
        tensors: the results, composite functions not expanded.
    """
    if SQUARES.isdisjoint(graph.ops):
        return list(tensors)
    wanted = list(dict.fromkeys(node for tensor in tensors for node in tensor.nodes))
    below = reachable(graph, wanted)
    squares = [node for node in below if graph.ops[node] in SQUARES]
    if not squares:
        return list(tensors)
    plain = {node: graph.call("exp_minus_square", graph.args[node]) for node in squares}
    relations = find_relations(graph, [*wanted, *plain.values()])
    related = {*relations, *(n for relation in relations.values() for n, _ in relation.factors)}
    place: dict[int, int] = {}
    for node in below:
        args = tuple([place[argument] for argument in graph.args[node]])
        if plain.get(node) in related:
            (x,) = args
            made = graph.call("exp", (graph.multiply(graph.sum(((x, -1),)), x),))
            slope = graph.ops[node] != "exp_minus_square"
            place[node] = graph.multiply(graph.sum(((x, -2),)), made) if slope else made
        else:
            place[node] = node if args == graph.args[node] else graph.rebuild(node, args, graph)
    return [replace(t, nodes=tuple([place[node] for node in t.nodes])) for t in tensors]


def _additions(graph: Graph, nodes: Sequence[int]) -> int:
    below = reachable(graph, nodes)
    return sum([len(graph.args[node]) - 1 for node in below if graph.ops[node] == "sum"])


def replace_exponentials(
    graph: Graph, nodes: Sequence[int], relations: Mapping[int, Relation], *, meet: bool
) -> list[int]:
    """``nodes`` with the relations put in, appended to the graph.

    Args:
        graph: what holds the nodes.
        nodes: what is wanted.
        relations: what ``find_relations`` has found below them.
        meet: whether products that hold a related exponential are flattened, so that they meet and
            cancel in sums, and sums give one that all terms have to the products that they are in.
            Where nothing cancels, that takes apart what is shared.
    """
    return _Replacing(graph, relations, meet).of(nodes)


class _Replacing:
    def __init__(self, graph: Graph, relations: Mapping[int, Relation], meet: bool) -> None:
        self.graph = graph
        self.relations = relations
        self.meet = meet
        bases = [node for relation in relations.values() for node, _ in relation.factors]
        self.related = {*relations, *(node for node in bases if graph.ops[node] in EXPONENTIALS)}
        self.place: dict[int, int] = {}
        self.known: dict[int, Polynomial] = {}

    def of(self, nodes: Sequence[int]) -> list[int]:
        place, touched = self.place, set(self.related)
        for node in self._order(nodes):
            if node in touched or not touched.isdisjoint(self.graph.args[node]):
                touched.add(node)
                place[node] = self._made(node)
            else:
                place[node] = node
        return [place[node] for node in nodes]

    def _needs(self, node: int) -> Sequence[int]:
        relation = self.relations.get(node)
        if relation is None:
            return self.graph.args[node]
        return [factor for factor, _ in relation.factors]

    def _order(self, nodes: Sequence[int]) -> list[int]:
        """What is below ``nodes``, each after what it is made of; indices do not say that."""
        done: dict[int, None] = {}
        stack = list(reversed(nodes))
        while stack:
            node = stack[-1]
            missing = [] if node in done else [n for n in self._needs(node) if n not in done]
            if missing:
                stack.extend(missing)
            else:
                done[stack.pop()] = None
        return list(done)

    def _made(self, node: int) -> int:
        graph, place = self.graph, self.place
        relation = self.relations.get(node)
        if relation is not None:
            factors = [(place[factor], exponent) for factor, exponent in relation.factors]
            if relation.number:
                factors.append((graph.call("exp", (graph.constant(relation.number),)), 1))
            return self._product(factors)
        args, data = [place[argument] for argument in graph.args[node]], graph.data[node]
        if graph.ops[node] == "product":
            return self._product(list(zip(args, data, strict=True)))
        if graph.ops[node] == "sum":
            return self._sum(list(zip(args, data[1], strict=True)), data[0])
        return graph.rebuild(node, tuple(args), graph)

    def _scaled(self, node: int) -> tuple[Number, int]:
        """A node as a number times another."""
        graph = self.graph
        if graph.ops[node] == "sum" and len(graph.args[node]) == 1 and graph.data[node][0] == 0:
            return graph.data[node][1][0], graph.args[node][0]
        return 1, node

    def _factors(self, node: int) -> list[tuple[int, Exponent]]:
        graph = self.graph
        if graph.ops[node] == "product":
            return list(zip(graph.args[node], graph.data[node], strict=True))
        return [(node, 1)]

    def _held(self, node: int) -> Monomial:
        """The related exponentials among the factors of a node."""
        return tuple([factor for factor in self._factors(node) if factor[0] in self.related])

    def _product(self, factors: Sequence[tuple[int, Exponent]]) -> int:
        graph = self.graph
        if not self.meet or not any(self._held(self._scaled(node)[1]) for node, _ in factors):
            return graph.product(factors)
        flat: list[tuple[int, Exponent]] = []
        pending = list(reversed(factors))
        while pending:
            node, exponent = pending.pop()
            number, inner = self._scaled(node)
            if type(exponent) is not int or graph.ops[inner] != "product":
                flat.append((node, exponent))
                continue
            pending.extend([(base, simplest(e * exponent)) for base, e in self._factors(inner)])
            if number != 1:
                flat.append((graph.constant(number), exponent))
        return graph.product(flat)

    def _sum(self, terms: Sequence[tuple[int, Number]], start: Number) -> int:
        """A sum; what all its terms have of related exponentials is a factor of it."""
        graph = self.graph
        made = graph.sum(terms, start)
        outer, inner = self._scaled(made)
        if not self.meet or graph.ops[inner] != "sum" or graph.data[inner][0] != 0:
            return made
        parts = [
            (*self._scaled(node), coefficient)
            for node, coefficient in zip(graph.args[inner], graph.data[inner][1], strict=True)
        ]
        held = self._held(parts[0][1])
        if not held or any(self._held(node) != held for _, node, _ in parts):
            return made
        divisor = [(node, -exponent) for node, exponent in held]
        rests = [
            (graph.product([*self._factors(node), *divisor], number), coefficient)
            for number, node, coefficient in parts
        ]
        return self._product([(self._collected(rests), 1), *held, (graph.constant(outer), 1)])

    def _collected(self, terms: Sequence[tuple[int, Number]]) -> int:
        """A sum, multiplied out where that leaves fewer terms."""
        graph = self.graph
        made = graph.sum(terms)
        polynomial = expand(graph, (made,), self.known)[made]
        if len(polynomial) >= len(terms):
            return made
        return graph.sum([(graph.product(m), c) for m, c in polynomial.items()])
