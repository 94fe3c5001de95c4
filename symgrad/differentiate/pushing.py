"""Edge pushing: Hessians from second local partials, never making the upper triangle.

One reverse sweep gives the cotangent of every node. Each node that is not linear then brings
cotangent * second local partial to the pairs of its arguments: undirected edges between nodes. A
node is taken out by pushing its undirected edges on to its arguments along the local partials;
when only variables are left, the undirected edges are the Hessian (Gower and Mello, "A new
framework for the computation of Hessians", 2012, arXiv 2007.15040). They take nodes from the
output downwards. Any other order holds as well, if the edges from the node's users are joined to
those to its arguments, as ``elimination.py`` does: that is vertex elimination on the gradient with
both halves of its symmetric graph done at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from symgrad.differentiate import reverse
from symgrad.differentiate.elimination import (
    Cost,
    Edges,
    Terms,
    cheapest_first,
    free_of_choices,
    local_partials,
    scaled,
)
from symgrad.differentiate.levels import Level
from symgrad.differentiate.local import BALANCED_FROM, Partials
from symgrad.ir.arithmetic import Exponent, Number, total
from symgrad.ir.graph import Graph
from symgrad.ir.primitive import OUTPUT, argument_name
from symgrad.ir.traverse import dependent, reachable

Order = Literal["descending", "markowitz", "shrinking"]
"""Users before arguments; fewest products first; fewest for the edges that disappear."""

ORDERS: tuple[Order, ...] = ("descending", "markowitz", "shrinking")

Second = tuple[int, int, int, int]
"""Two arguments, the second partial by both, and how often it counts for the pair."""

Template = tuple[Graph, list[tuple[int, int, int]]]
"""Second partials of a row in a graph of its own: (argument, argument, node)."""


def hessian(
    graph: Graph,
    outputs: Sequence[int],
    wrt: Sequence[int],
    budget: int | None = None,
    order: Order = "descending",
) -> tuple[Level, Level] | None:
    """The gradient and the lower triangle of the Hessian of every output, by edge pushing.

    Args:
        graph: holds the nodes; derivative nodes are appended.
        outputs: what to differentiate; outputs share local partials and common nodes.
        wrt: the nodes to differentiate by, each taken as independent of the others.
        budget: how many nodes may be appended; None for any number.
        order: which node is taken out first.

    Returns:
        The levels of order 1 and 2; None where the budget does not suffice or where a ``select``
        is in the way.

    Example:
        >>> from symgrad.functions import PRIMITIVES
        >>> from symgrad.ir.expression import variables
        >>> x, y = variables("x y")
        >>> graph = Graph(PRIMITIVES)
        >>> root = graph.add(x**3 * y)
        >>> _, second = hessian(graph, [root], [graph.symbol("x"), graph.symbol("y")])
        >>> second == {(0, 0): {0: graph.add(6 * x * y)}, (1, 0): {0: graph.add(3 * x**2)}}
        True
    """
    limit = None if budget is None else len(graph) + budget
    if not free_of_choices(graph, outputs):
        return None
    position = {node: place for place, node in enumerate(wrt)}
    active = dependent(graph, reachable(graph, outputs), position)
    rules = _SecondPartials(graph, active)
    memo: Partials = {}
    made: set[int] = set()
    for node in active:
        if node not in position:
            firsts = local_partials(graph, node, memo)
            made.update([partial for argument, partial in firsts if argument in rules.inside])
            made.update([partial for _, _, partial, _ in rules.of(node)])
            if limit is not None and len(graph) > limit:
                return None
    if not free_of_choices(graph, made):
        return None
    gradients: dict[int, dict[int, int]] = {}
    hessians: dict[int, dict[tuple[int, int], int]] = {}
    for output in dict.fromkeys(outputs):
        pushing = _Pushing(graph, output, position, memo, limit)
        if not (pushing.create(rules) and pushing.run(order)):
            return None
        gradients[output], hessians[output] = pushing.gradient(), pushing.hessian()
        if pushing.spent():
            return None
    first: Level = {}
    second: Level = {}
    for row, output in enumerate(outputs):
        for place, node in gradients[output].items():
            first.setdefault((place,), {})[row] = node
        for pair, node in hessians[output].items():
            second.setdefault(pair, {})[row] = node
    return first, second


class _Pushing:
    """The sweep of one output.

    ``pairs[a][b]`` is the same list as ``pairs[b][a]``: what the undirected edge has collected.
    ``used`` are the nodes that have such an edge at some time.
    """

    def __init__(
        self,
        graph: Graph,
        output: int,
        position: Mapping[int, int],
        memo: Partials,
        limit: int | None,
    ) -> None:
        self.graph, self.position, self.memo, self.limit = graph, position, memo, limit
        self.active = dependent(graph, reachable(graph, (output,)), position)
        seeds = {output: graph.constant(1)}
        self.cotangents = reverse.sweep(graph, self.active, seeds, self.active, memo)
        self.pairs: dict[int, dict[int, Terms]] = {node: {} for node in self.active}
        self.edges = Edges(graph)
        self.used: set[int] = set()

    def spent(self) -> bool:
        """Whether the budget does not suffice."""
        return self.limit is not None and len(self.graph) > self.limit

    def create(self, rules: _SecondPartials) -> bool:
        """Make all undirected edges, and the directed ones that something is pushed along."""
        graph, edges, pairs = self.graph, self.edges, self.pairs
        used = self.used
        for node in reversed(self.active):
            edges.add_vertex(node)
            if node in self.position:
                continue
            cotangent = self.cotangents.get(node)
            if cotangent is not None:
                for first, second, partial, times in rules.of(node):
                    self.add(first, second, graph.multiply(cotangent, partial), times)
                if self.spent():
                    return False
            if pairs[node]:
                used.add(node)
            if node in used:  # so is what it pushes to
                used.update(graph.args[node])
        for node in self.active:
            if node in used and node not in self.position:
                for argument, partial in local_partials(graph, node, self.memo):
                    if argument in pairs:
                        edges.add(node, argument, partial)
        return not self.spent()

    def add(self, first: int, second: int, node: int, times: Number) -> None:
        """Add to the undirected edge between two nodes."""
        terms = self.pairs[first].get(second)
        if terms is None:
            self.pairs[first][second] = self.pairs[second][first] = [(node, times)]
        else:
            terms.append((node, times))

    def run(self, order: Order) -> bool:
        """Take out every node but the variables; False where the budget does not suffice."""
        edges, pairs = self.edges, self.pairs

        def cost(node: int) -> Cost:
            into, out = edges.into[node], edges.out[node]
            above, near = len(edges.above[node]), len(pairs[node])
            products = (into + near) * out
            if node in pairs[node]:
                products += out * (out + 1) // 2
            if order == "descending":
                return above > 0, products, -node
            if order == "markowitz":
                # Below users that are still there it will have to be pushed from again.
                products *= 2 if above else 1
            else:
                products -= into + out + near
            return products, len(edges.below[node]) * (above + near), node

        inner = [node for node in self.active if node in self.used and node not in self.position]
        return cheapest_first(inner, cost, self.remove, self.spent)

    def remove(self, node: int) -> list[int]:
        """Take a node out: join its directed edges, push its undirected ones to its arguments."""
        graph = self.graph
        parents, children = self.edges.remove(node)
        for parent, first in parents.items():
            for child, second in children.items():
                self.edges.add(parent, child, *scaled(graph, first, second))
            if self.spent():
                break
        near: dict[int, int] = {}
        loop: int | None = None
        for other, terms in self.pairs.pop(node).items():
            value = total(graph, terms)
            if other == node:
                loop = value
            else:
                del self.pairs[other][node]
                if not graph.is_zero(value):
                    near[other] = value
        if loop is None or graph.is_zero(loop):
            for other, value in near.items():
                for child, partial in children.items():
                    term, times = scaled(graph, value, partial)
                    self.add(other, child, term, 2 * times if other == child else times)
        else:
            self._push_loop(children, near, loop)
        return [*parents, *children, *near]

    def _push_loop(self, children: dict[int, int], near: dict[int, int], loop: int) -> None:
        """Push undirected edges ``near`` and the edge ``loop`` of a node to itself.

        With partials c, the pair (j, k) gets loop c_j c_k + near_j c_k + near_k c_j, of which
        (loop c_j + near_j) is shared by all k.
        """
        graph = self.graph
        ops = graph.ops
        # Those with an edge of their own last, numbers first: fewest products below.
        ranked = sorted(children, key=lambda c: (c in near, ops[children[c]] != "constant"))
        for place, child in enumerate(ranked):
            partial, own = children[child], near.get(child)
            share = graph.multiply(loop, partial)
            twice = share
            if own is not None:
                share = graph.sum(((share, 1), (own, 1)))
                twice = graph.sum(((share, 1), (own, 1)))
            self.add(child, child, *scaled(graph, twice, partial))
            for other in ranked[:place]:
                self.add(child, other, *scaled(graph, share, children[other]))
                if other in near:
                    self.add(child, other, *scaled(graph, near[other], partial))
            if self.spent():
                return
        for other, value in near.items():
            if other not in children:
                for child, partial in children.items():
                    self.add(other, child, *scaled(graph, value, partial))

    def gradient(self) -> dict[int, int]:
        """Position -> first derivative, exact zeros left out."""
        found = self.cotangents
        return {place: found[node] for node, place in self.position.items() if node in found}

    def hessian(self) -> dict[tuple[int, int], int]:
        """Non-increasing pair of positions -> second derivative, exact zeros left out."""
        made: dict[tuple[int, int], int] = {}
        for node, row in self.position.items():
            for other, terms in self.pairs.get(node, {}).items():
                column = self.position[other]
                if column <= row:
                    value = total(self.graph, terms)
                    if not self.graph.is_zero(value):
                        made[row, column] = value
        return made


class _SecondPartials:
    """Second local partials of nodes, from closed forms.

    Those of a row come from the expressions of its partials, the output included: once a row, in
    a graph of its own. A first partial that stands in the graph must not be differentiated: it may
    have been rewritten so that it no longer names the node's arguments.
    """

    def __init__(self, graph: Graph, active: Collection[int]) -> None:
        self.graph = graph
        self.inside = frozenset(active)
        self.templates: dict[str, Template] = {}
        self.memo: dict[int, list[Second]] = {}

    def of(self, node: int) -> list[Second]:
        """The second partials of a node by its active arguments, zeros left out."""
        found = self.memo.get(node)
        if found is None:
            op = self.graph.ops[node]
            if op == "sum":
                found = []
            elif op == "product":
                found = product_seconds(self.graph, node, self.inside)
            else:
                found = self._of_row(node)
            self.memo[node] = found
        return found

    def _of_row(self, node: int) -> list[Second]:
        graph, args = self.graph, self.graph.args[node]
        name = graph.ops[node]
        if name not in self.templates:
            self.templates[name] = template(graph, name)
        small, entries = self.templates[name]
        entries = [
            (i, k, second)
            for i, k, second in entries
            if args[i] in self.inside and args[k] in self.inside
        ]
        bound = {argument_name(i): argument for i, argument in enumerate(args)} | {OUTPUT: node}
        place: dict[int, int] = {}
        for part in reachable(small, [second for *_, second in entries]):
            if small.ops[part] == "symbol":
                place[part] = bound[small.data[part]]
            else:
                inner = tuple([place[argument] for argument in small.args[part]])
                place[part] = small.rebuild(part, inner, graph)
        return [
            (args[i], args[k], place[second], 2 if i != k and args[i] == args[k] else 1)
            for i, k, second in entries
            if not graph.is_zero(place[second])
        ]


def template(graph: Graph, name: str) -> Template:
    """The second partials of a row by its arguments i >= k, in its symbols ``y``, ``a0``, ....

    d(p_i)/d(a_k) = the derivative of p_i as it is written by a_k, and by y times p_k.
    """
    row = graph.table[name]
    small = Graph(graph.table, exact=graph.exact)
    output = small.symbol(OUTPUT)
    arguments = [small.symbol(argument_name(i)) for i in range(row.arity)]
    firsts = small.add_all(row.partials)
    seeds = [*arguments, output]
    entries: list[tuple[int, int, int]] = []
    for i, first in enumerate(firsts):
        active = dependent(small, reachable(small, (first,)), seeds)
        found = reverse.sweep(small, active, {first: small.constant(1)}, seeds, {})
        for k, argument in enumerate(arguments[: i + 1]):
            terms: Terms = []
            if argument in found:
                terms.append((found[argument], 1))
            if output in found:
                terms.append((small.multiply(found[output], firsts[k]), 1))
            second = small.sum(terms)
            if not small.is_zero(second):
                entries.append((i, k, second))
    return small, entries


def product_seconds(graph: Graph, node: int, inside: Collection[int]) -> list[Second]:
    """Of prod(b_i ** e_i): e_j e_k b_j ** (e_j - 1) b_k ** (e_k - 1) * the other factors."""
    factors = list(zip(graph.args[node], graph.data[node], strict=True))
    product = graph.product
    shared = len(factors) >= BALANCED_FROM
    before, after = _outer_products(graph, factors) if shared else ([], [])
    found: list[Second] = []
    for j, (base, exponent) in enumerate(factors):
        if base not in inside:
            continue
        left = [(before[j], 1)] if shared else factors[:j]
        right = [(after[j], 1)] if shared else factors[j + 1 :]
        if exponent != 1:
            scale = exponent * (exponent - 1)
            found.append((base, base, product([*left, (base, exponent - 2), *right], scale), 1))
        middle = graph.constant(1)
        for k in range(j - 1, -1, -1):
            other, power = factors[k]
            if other in inside:
                left = [(before[k], 1)] if shared else factors[:k]
                between = [(middle, 1)] if shared else factors[k + 1 : j]
                both = [(other, power - 1), *between, (base, exponent - 1)]
                second = product([*left, *both, *right], exponent * power)
                found.append((base, other, second, 1))
            if shared:
                middle = product([(middle, 1), (other, power)])
    return found


def _outer_products(
    graph: Graph, factors: Sequence[tuple[int, Exponent]]
) -> tuple[list[int], list[int]]:
    """For each factor the product of those before it, and of those after it."""
    one = graph.constant(1)
    before, after = [one], [one]
    for base, exponent in factors[:-1]:
        before.append(graph.product([(before[-1], 1), (base, exponent)]))
    for base, exponent in reversed(factors[1:]):
        after.append(graph.product([(after[-1], 1), (base, exponent)]))
    after.reverse()
    return before, after
