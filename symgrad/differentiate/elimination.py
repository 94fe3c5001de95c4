"""Vertex elimination: Jacobians by taking intermediate nodes out in the cheapest order.

The chain rule is a graph: an edge from a node to an argument carries the local partial. A vertex
is taken out by adding to the edge from each of its parents to each of its children the product of
the two edges between; when only roots and variables are left, the edges are the derivatives.
Forward and reverse sweeps are two possible orders. Here the next vertex is the one that takes the
fewest products: the Markowitz rule of Griewank and Reese, "On the calculation of Jacobian matrices
by the Markowitz rule" (1991). Edges that are numbers cost nothing. What an edge collects is added
up when the edge is used as a factor, and only products that lead to a wanted entry are made.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import Literal

from symgrad.differentiate.levels import Level
from symgrad.differentiate.local import Partials, partials
from symgrad.ir.arithmetic import Number, total
from symgrad.ir.graph import Graph
from symgrad.ir.multiply import multiply
from symgrad.ir.traverse import dependent, reachable

Terms = list[tuple[int, Number]]
"""Nodes and coefficients whose sum is the weight of an edge, not added up yet."""

Order = Literal["markowitz", "shrinking"]
"""Fewest products first, or fewest products for the number of edges that disappear."""

ORDERS: tuple[Order, ...] = ("markowitz", "shrinking")

Cost = tuple[int, int, int]

MASK_BITS = 400_000_000
"""Masks of wanted positions beyond this many bits in all are not formed: it is refused instead."""


def eliminate(
    graph: Graph,
    wanted: Mapping[int, Collection[int]],
    wrt: Sequence[int],
    budget: int | None = None,
    order: Order = "markowitz",
) -> dict[tuple[int, int], int] | None:
    """The wanted partial derivatives of nodes, by vertex elimination.

    Args:
        graph: holds the nodes; derivative nodes are appended.
        wanted: root -> the positions in ``wrt`` of the derivatives wanted of it.
        wrt: the nodes to differentiate by, each taken as independent of the others.
        budget: how many nodes may be appended; None for any number.
        order: which vertex goes first.

    Returns:
        (root, position) -> node of d root / d wrt[position], exact zeros left out; None where
        the budget does not suffice or where a ``select`` is in the way.

    Example:
        >>> from symgrad.functions import PRIMITIVES
        >>> from symgrad.ir.expression import variables
        >>> x, y = variables("x y")
        >>> graph = Graph(PRIMITIVES)
        >>> root = graph.add(x**2 * y)
        >>> found = eliminate(graph, {root: (1,)}, [graph.symbol("x"), graph.symbol("y")])
        >>> found == {(root, 1): graph.add(x**2)}
        True
    """
    limit = None if budget is None else len(graph) + budget
    nodes = reachable(graph, wanted)
    position = {node: place for place, node in enumerate(wrt)}
    active = dependent(graph, nodes, position)
    partials_of = _local_partials(graph, active, position)
    if not free_of_choices(
        graph, [*wanted, *{p for found in partials_of.values() for _, p in found}]
    ):
        return None
    masks = None
    if any(len(positions) < len(wrt) for positions in wanted.values()):
        if len(active) * len(wrt) > MASK_BITS:
            return None
        masks = _Masks(active, partials_of, position, wanted)
    edges = Edges(graph)
    for node in active:
        edges.add_vertex(node)
    for node, found in partials_of.items():
        for argument, partial in found:
            if masks is None or masks.lead(node, argument):
                edges.add(node, argument, partial)
    one, inside = graph.constant(1), set(active)
    for (
        root
    ) in wanted:  # a root may lie below another one, so it is left through an edge of its own
        if root in inside and (masks is None or masks.lead(~root, root)):
            edges.add_vertex(~root)
            edges.add(~root, root, one)

    def spent() -> bool:
        return limit is not None and len(graph) > limit

    def remove(vertex: int) -> list[int]:
        parents, children = edges.remove(vertex)
        for parent, first in parents.items():
            for child, second in children.items():
                if masks is None or masks.lead(parent, child):
                    weight, times = scaled(graph, first, second)
                    edges.add(parent, child, weight, times)
            if spent():
                break
        return [*parents, *children]

    def cost(vertex: int) -> Cost:
        into, out = edges.into[vertex], edges.out[vertex]
        ties = len(edges.above[vertex]) * len(edges.below[vertex])
        products = into * out - (into + out if order == "shrinking" else 0)
        return products, ties, vertex

    if not cheapest_first(partials_of, cost, remove, spent):
        return None
    derivatives = {
        (root, position[child]): node
        for root in wanted
        for child, node in edges.children(~root).items()
    }
    return None if spent() else derivatives


def next_level(
    graph: Graph,
    level: Level,
    wrt: Sequence[int],
    budget: int | None = None,
    order: Order = "markowitz",
) -> Level | None:
    """Differentiate every entry in the directions that keep its multi-index non-increasing.

    Args:
        graph: holds the nodes; derivative nodes are appended.
        level: all partials of one order; ``{(): dict(enumerate(outputs))}`` for order 0.
        wrt: the nodes to differentiate by.
        budget: how many nodes may be appended; None for any number.
        order: which vertex goes first.

    Returns:
        All partials of the next order, exact zeros left out; None where ``eliminate`` gives None.
    """
    ends: dict[int, int] = {}
    for index, column in level.items():
        end = index[-1] + 1 if index else len(wrt)
        for node in column.values():
            ends[node] = max(ends.get(node, 0), end)
    found = eliminate(graph, {node: range(end) for node, end in ends.items()}, wrt, budget, order)
    if found is None:
        return None
    partials_of: dict[int, list[tuple[int, int]]] = {}
    for (root, position), node in found.items():
        partials_of.setdefault(root, []).append((position, node))
    made: Level = {}
    for index, column in level.items():
        end = index[-1] + 1 if index else len(wrt)
        for row, node in column.items():
            for position, partial in partials_of.get(node, ()):
                if position < end:
                    made.setdefault((*index, position), {})[row] = partial
    return {index: made[index] for index in sorted(made)}


def free_of_choices(graph: Graph, nodes: Iterable[int]) -> bool:
    """Whether no ``select`` is needed for ``nodes``: then products need no masks and guards."""
    ops = graph.ops
    return all(ops[node] != "select" for node in reachable(graph, nodes))


def local_partials(graph: Graph, node: int, memo: Partials) -> list[tuple[int, int]]:
    """(argument, partial) of a node of any kind; those of a sum are its coefficients."""
    if graph.ops[node] != "sum":
        return partials(graph, node, memo)
    terms = zip(graph.args[node], graph.data[node][1], strict=True)
    return [(argument, graph.constant(coefficient)) for argument, coefficient in terms]


def _local_partials(
    graph: Graph, active: Sequence[int], leaves: Mapping[int, int]
) -> dict[int, list[tuple[int, int]]]:
    """The local partials of the active nodes by their active arguments."""
    inside = set(active)
    memo: Partials = {}
    return {
        node: [pair for pair in local_partials(graph, node, memo) if pair[0] in inside]
        for node in active
        if node not in leaves
    }


def scaled(graph: Graph, first: int, second: int) -> tuple[int, Number]:
    """The product of two nodes as a term: a number is its coefficient, and makes no node."""
    ops = graph.ops
    if ops[second] == "constant":
        return first, graph.data[second]
    if ops[first] == "constant":
        return second, graph.data[first]
    return multiply(graph, first, second), 1


class Edges:
    """Weighted edges from parents to children, and how many of them are more than numbers.

    Attributes:
        below: parent -> child -> what the edge has collected.
        above: child -> its parents, in the order in which their edges were made.
        into: vertex -> how many edges into it are no numbers.
        out: vertex -> how many edges out of it are no numbers.
    """

    __slots__ = ("above", "below", "graph", "into", "out")

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.below: dict[int, dict[int, Terms]] = {}
        self.above: dict[int, dict[int, None]] = {}
        self.into: dict[int, int] = {}
        self.out: dict[int, int] = {}

    def add_vertex(self, vertex: int) -> None:
        """A vertex without edges."""
        self.below[vertex] = {}
        self.above[vertex] = {}
        self.into[vertex] = self.out[vertex] = 0

    def add(self, parent: int, child: int, weight: int, times: Number = 1) -> None:
        """Add ``times * weight`` to the edge from ``parent`` to ``child``."""
        row = self.below[parent]
        terms = row.get(child)
        if terms is None:
            row[child] = [(weight, times)]
            self.above[child][parent] = None
            if self.graph.ops[weight] == "constant":
                return
        else:
            counted = self._is_number(terms)
            terms.append((weight, times))
            if not counted:
                return
        self.out[parent] += 1
        self.into[child] += 1

    def children(self, parent: int) -> dict[int, int]:
        """Child -> weight of the edges out of a vertex, exact zeros left out."""
        graph, found = self.graph, {}
        ops = graph.ops
        for child, terms in self.below.get(parent, {}).items():
            node = total(graph, terms)
            if ops[node] != "constant" or not graph.is_zero(node):
                found[child] = node
        return found

    def remove(self, vertex: int) -> tuple[dict[int, int], dict[int, int]]:
        """Take a vertex out; the weights of its edges by parent and by child, without zeros."""
        graph = self.graph
        children = self.children(vertex)
        for child, terms in self.below.pop(vertex).items():
            del self.above[child][vertex]
            self.into[child] -= not self._is_number(terms)
        parents: dict[int, int] = {}
        for parent in self.above.pop(vertex):
            terms = self.below[parent].pop(vertex)
            self.out[parent] -= not self._is_number(terms)
            node = total(graph, terms)
            if not graph.is_zero(node):
                parents[parent] = node
        return parents, children

    def _is_number(self, terms: Terms) -> bool:
        return len(terms) == 1 and self.graph.ops[terms[0][0]] == "constant"


class _Masks:
    """Which edges lead to a wanted entry: wanted positions above against variables below."""

    def __init__(
        self,
        active: Sequence[int],
        partials_of: Mapping[int, list[tuple[int, int]]],
        position: Mapping[int, int],
        wanted: Mapping[int, Collection[int]],
    ) -> None:
        self.reached = {node: 1 << place for node, place in position.items()}
        for node in active:
            if node in partials_of:
                mask = 0
                for argument, _ in partials_of[node]:
                    mask |= self.reached[argument]
                self.reached[node] = mask
        self.wanted = dict.fromkeys(active, 0)
        for root, positions in wanted.items():
            mask = _mask(positions)
            self.wanted[~root] = mask
            if root in self.wanted:
                self.wanted[root] |= mask
        for node in reversed(active):
            mask = self.wanted[node]
            for argument, _ in partials_of.get(node, ()):
                self.wanted[argument] |= mask

    def lead(self, parent: int, child: int) -> bool:
        """Whether the edge lies on a path from a root to a position that is wanted of it."""
        return self.wanted[parent] & self.reached[child] != 0


def _mask(positions: Collection[int]) -> int:
    if isinstance(positions, range) and positions.step == 1:
        return (1 << max(positions.stop, 0)) - (1 << min(positions.start, max(positions.stop, 0)))
    mask = 0
    for position in positions:
        mask |= 1 << position
    return mask


def cheapest_first(
    vertices: Iterable[int],
    cost: Callable[[int], Cost],
    remove: Callable[[int], Iterable[int]],
    spent: Callable[[], bool],
) -> bool:
    """Remove every vertex, the cheapest at the time first.

    Args:
        vertices: what to remove.
        cost: the present cost of a vertex; the last part of it is different for every vertex.
        remove: removes a vertex and gives those whose cost may have changed.
        spent: whether to give up.

    Returns:
        Whether all are removed.
    """
    costs = {vertex: cost(vertex) for vertex in vertices}
    heap = [(found, vertex) for vertex, found in costs.items()]
    heapify(heap)
    while heap:
        found, vertex = heappop(heap)
        if costs.get(vertex) != found:
            continue  # the cost has changed since: a newer entry is in the heap
        del costs[vertex]
        for near in remove(vertex):
            if near in costs:
                now = cost(near)
                if now != costs[near]:
                    costs[near] = now
                    heappush(heap, (now, near))
        if spent():
            return False
    return not spent()
