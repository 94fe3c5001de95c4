"""Plans of Taylor arithmetic: by which rule the jet of each node is made, and to which degree.

A node is planned when something needs its jet: sums, products and functions need the jets of
their arguments to the same degree, functions those of their partials to one degree less. A
partial is written in rows of the table, so it is planned like any other node; that the partials of
sin and cos lead back to each other, and exp to itself, needs no special case.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from symgrad.ir.arithmetic import Exponent, simplest
from symgrad.ir.graph import Graph

Factor = tuple[int, Exponent]
"""A base and its exponent in a product."""


def between(graph: Graph, stops: Iterable[int], roots: Iterable[int]) -> list[int]:
    """The nodes below and including ``roots``, increasing, without the stops and what they hide."""
    hidden = set(stops)
    seen = set(roots) - hidden
    stack = list(seen)
    while stack:
        for argument in graph.args[stack.pop()]:
            if argument not in seen and argument not in hidden:
                seen.add(argument)
                stack.append(argument)
    return sorted(seen)


@dataclass(frozen=True, slots=True)
class Policy:
    """How jets are made.

    Attributes:
        factorials: coefficients are derivatives, else derivatives over factorials.
        chained: powers by the partials of powers, else by their own recurrence.
        divided: quotients by dividing series, else reciprocals are made and multiplied.
        composed: what depends on one node alone is differentiated by that node first.
    """

    factorials: bool = True
    chained: bool = True
    divided: bool = True
    composed: bool = True


@dataclass(frozen=True, slots=True)
class Rule:
    """How the coefficients of a node follow.

    Attributes:
        kind: "seed", "sum", "product", "square", "quotient", "power" or "chain".
        args: nodes whose coefficients of the same degree are used.
        partials: for "chain", the partial by each argument: used to one degree less.
        data: the seed's position, a sum's coefficients, a power's exponent.
    """

    kind: str
    args: tuple[int, ...] = ()
    partials: tuple[int, ...] = ()
    data: Any = None


class Plan:
    """Rules for every node that the outputs' jets need, and to which degree each is needed.

    Args:
        graph: holds the nodes; partials and parts of products are appended.
        wrt: the variables; what lies below them does not count.
        policy: how jets are made.
        limit: the length beyond which the graph must not grow.
        seed: the derivative that the variables start with.

    Attributes:
        need: node -> the degree to which its jet is needed.
        rules: node -> its rule, for nodes that are needed to degree 1 or more.
        met: the names of the fields of the policy that have made a difference.
    """

    def __init__(
        self, graph: Graph, wrt: Sequence[int], policy: Policy, limit: int, seed: int
    ) -> None:
        self.graph = graph
        self.policy = policy
        self.limit = limit
        self.seed = seed
        self.need: dict[int, int] = {}
        self.rules: dict[int, Rule] = {}
        self.met: set[str] = set()
        self._wrt = frozenset(wrt)
        self._masks: dict[int, int] = {}
        self._single: set[int] = set()
        self._shared: set[tuple[Factor, ...]] = set()
        for position, node in enumerate(wrt):
            self._masks[node] = 1 << position
            self.rules[node] = Rule("seed", data=position)

    def mask(self, node: int) -> int:
        """The variables that a node depends on, as bits."""
        masks, args = self._masks, self.graph.args
        stack = [node]
        while stack:
            top = stack[-1]
            if top in masks:
                stack.pop()
                continue
            missing = [argument for argument in args[top] if argument not in masks]
            if missing:
                stack.extend(missing)
                continue
            mask = 0
            for argument in args[top]:
                mask |= masks[argument]
            masks[top] = mask
        return masks[node]

    def survey(self, outputs: Sequence[int]) -> None:
        """Find what is used once, and products that differ in constant factors alone.

        In these the constant factors come last, so that all but them is made once.
        """
        seen: set[tuple[Factor, ...]] = set()
        nodes = between(self.graph, self._wrt, outputs)
        used: dict[int, int] = dict.fromkeys(outputs, 2)
        for node in nodes:
            for argument in self.graph.args[node]:
                used[argument] = used.get(argument, 0) + 1
        self._single = {node for node, times in used.items() if times == 1}
        for node in nodes:
            if self.graph.ops[node] == "product" and self.mask(node):
                active = self._active(self._factors(node))
                (self._shared if active in seen else seen).add(active)

    def _active(self, factors: Iterable[Factor]) -> tuple[Factor, ...]:
        return tuple(sorted([factor for factor in factors if self.mask(factor[0])]))

    def add(self, wanted: Iterable[tuple[int, int]]) -> bool:
        """Plan the jets of nodes to degrees; False where that cannot be done."""
        stack = list(wanted)
        need, graph = self.need, self.graph
        while stack:
            node, degree = stack.pop()
            if not self.mask(node) or need.get(node, -1) >= degree:
                continue
            if graph.ops[node] == "select" or len(graph) > self.limit:
                return False
            need[node] = degree
            if degree == 0:
                continue
            rule = self.rules.get(node)
            if rule is None:
                made = self._rule(node)
                if made is None:
                    return False
                rule = self.rules[node] = made
            stack.extend([(argument, degree) for argument in rule.args])
            stack.extend([(partial, degree - 1) for partial in rule.partials])
        return True

    def order(self) -> list[int]:
        """The planned nodes of degree 1 and more, each after those whose degree it shares."""
        placed: set[int] = set()
        order: list[int] = []
        for root in sorted(self.need):
            stack = [root]
            while stack:
                node = stack[-1]
                if node in placed or not self.need.get(node):
                    stack.pop()
                    continue
                missing = [a for a in self.rules[node].args if a not in placed and self.need.get(a)]
                if missing:
                    stack.extend(missing)
                    continue
                stack.pop()
                placed.add(node)
                order.append(node)
        return order

    def _rule(self, node: int) -> Rule | None:
        graph = self.graph
        op, args = graph.ops[node], graph.args[node]
        if op == "sum":
            kept = [(a, c) for a, c in zip(args, graph.data[node][1], strict=True) if self.mask(a)]
            return Rule("sum", tuple([a for a, _ in kept]), data=tuple([c for _, c in kept]))
        if op == "product":
            return self._product_rule(node)
        if self.separates(node):
            # d log(a b) = d log a + d log b for any signs, and only derivatives are used of them.
            factors = list(zip(graph.args[args[0]], graph.data[args[0]], strict=True))
            kept = [(graph.call("log", (base,)), e) for base, e in factors if self.mask(base)]
            return Rule("sum", tuple([a for a, _ in kept]), data=tuple([e for _, e in kept]))
        links = []
        for index, argument in enumerate(args):
            if self.mask(argument) and not graph.is_condition(argument):
                partial = graph.partial(node, index)
                if any(graph.ops[p] == "select" for p in between(graph, args, (partial,))):
                    return None
                if not graph.is_zero(partial):
                    links.append((argument, partial))
        return Rule("chain", tuple([a for a, _ in links]), tuple([p for _, p in links]))

    def separates(self, node: int) -> bool:
        """Whether the node is the logarithm of a product that is no variable itself."""
        graph = self.graph
        argument = graph.args[node][0] if graph.ops[node] == "log" else node
        return argument not in (node, *self._wrt) and graph.ops[argument] == "product"

    def _product_rule(self, node: int) -> Rule:
        graph = self.graph
        factors = self._factors(node)
        active = self._active(factors)
        still = [factor for factor in factors if factor not in active]
        if not active:
            return Rule("sum", data=())
        if still and active in self._shared:
            return Rule("product", (graph.product(still), graph.product(active)))
        if len(factors) == 1:
            return self._power_rule(*factors[0])
        under = [factor for factor in active if factor[1] < 0 and type(factor[1]) is int]
        if under:
            self.met.add("divided")
        if under and self.policy.divided:
            base, exponent = under[-1]
            rest = graph.product([factor for factor in factors if factor != under[-1]])
            return Rule("quotient", (rest, graph.product(((base, -exponent),))))
        # What depends on few variables has few coefficients and is multiplied first.
        last = max(active, key=lambda factor: (self.mask(factor[0]).bit_count(), factor))
        rest = graph.product([factor for factor in factors if factor != last])
        return Rule("product", (rest, graph.product((last,))))

    def _factors(self, node: int) -> list[Factor]:
        """The (base, exponent) of a product.

        Products inside it that nothing else uses or that only scale join it, and so do powers of
        products of different variables: then what is cheap to multiply can be multiplied first.
        """
        graph = self.graph
        found: dict[int, Exponent] = {}
        stack: list[Factor] = list(zip(graph.args[node], graph.data[node], strict=True))
        while stack:
            base, exponent = stack.pop()
            # A variable that is itself a product must stay whole: its factors are no variables.
            if graph.ops[base] == "product" and type(exponent) is int and base not in self._wrt:
                counts = [self.mask(argument).bit_count() for argument in graph.args[base]]
                if exponent == 1:
                    joins = base in self._single or sum(count > 0 for count in counts) < 2
                else:
                    joins = sum(counts) == self.mask(base).bit_count()
                if joins:
                    inner = zip(graph.args[base], graph.data[base], strict=True)
                    stack.extend([(one, simplest(e * exponent)) for one, e in inner])
                    continue
            found[base] = simplest(found.get(base, 0) + exponent)
        return sorted([(base, e) for base, e in found.items() if e != 0])

    def _power_rule(self, base: int, exponent: Exponent) -> Rule:
        graph = self.graph
        if exponent == 1:
            return Rule("sum", (base,), data=(1,))
        if exponent == 2:
            return Rule("square", (base,))
        whole = type(exponent) is int
        # Where v is 0, v**p has derivatives of orders below p, which dividing by v would lose.
        if not (whole or exponent < 1):
            return Rule("chain", (base,), (graph.product(((base, exponent - 1),), exponent),))
        self.met.add("chained")
        if self.policy.chained:
            return Rule("chain", (base,), (graph.product(((base, exponent - 1),), exponent),))
        if whole and exponent % 2 == 0:
            return Rule("square", (graph.product(((base, exponent // 2),)),))
        if whole and exponent > 0:
            return Rule("product", (graph.product(((base, exponent - 1),)), base))
        return Rule("power", (base,), data=exponent)
