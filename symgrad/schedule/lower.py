"""Choose instructions: n-ary sums and products become binary operations in depth-first order.

Results are stored as soon as they are complete. Sums put signs into subtractions; products keep one
division each, share reciprocals that several of them need, and build powers by squaring and square
roots.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from symgrad.ir.arithmetic import Exponent, Number, as_float
from symgrad.ir.evaluate import exact_value
from symgrad.ir.graph import Graph
from symgrad.ir.primitive import refuse
from symgrad.ir.program import Group, Instruction, Program, Result
from symgrad.ir.routine import outside, routines
from symgrad.ir.system import Tensor
from symgrad.ir.traverse import reachable
from symgrad.schedule.expand import expand
from symgrad.schedule.pieces import cut
from symgrad.schedule.sign import nonnegative

SQUARING_LIMIT = 64
"""Integer powers up to this are multiplied out; beyond it pow is faster and more exact."""

PAIRWISE_FROM = 5
"""Sums of this many terms are added in pairs: shorter dependency chains, smaller errors."""

COMMUTATIVE = frozenset({"add", "mul", "eq", "ne", "and", "or"})
HALF = Fraction(1, 2)


def schedule(
    graph: Graph,
    tensors: Sequence[Tensor],
    groups: Sequence[Group],
    labels: Sequence[str] = (),
    order: Sequence[int] | None = None,
) -> Program:
    """The Program that computes ``tensors`` from the columns of ``groups``.

    Args:
        graph: holds the nodes.
        tensors: the results.
        groups: the columns that arrive.
        labels: a display name for each entry of the outputs.
        order: the entries of all results in the order in which they are computed, counted through;
            by default as they stand.

    Raises:
        DerivativeError: a result holds a derivative that has no closed form.
    """
    graph, tensors = expand(graph, tensors)
    lowering = _Lowering(graph, tensors, groups)
    roots = lowering.roots
    lowering.run(roots if order is None else [roots[entry] for entry in order])
    code = tuple(lowering.code)
    results = tuple(Result(t.name, t.shape) for t in tensors)
    called = routines([instruction.op for instruction in code], graph.table)
    callees = outside(code, called, graph.table)
    pieces = cut(code, lowering.zeros)
    return Program(tuple(groups), results, code, pieces, tuple(labels), called, callees)


class _Lowering:
    """The state of one lowering: instructions so far and where each node's value is."""

    def __init__(self, graph: Graph, tensors: Sequence[Tensor], groups: Sequence[Group]) -> None:
        self.graph = graph
        self.code: list[Instruction] = []
        self.numbered: dict[Any, int] = {}
        self.value: dict[int, int] = {}
        self.columns = {
            name: (group, column)
            for group, members in enumerate(groups)
            for column, name in enumerate(members.columns)
        }
        self.roots = [node for tensor in tensors for node in tensor.nodes]
        self.stores: dict[int, list[tuple[int, int]]] = {}
        for result, tensor in enumerate(tensors):
            for position, node in enumerate(tensor.nodes):
                self.stores.setdefault(node, []).append((result, position))
        nodes = reachable(graph, self.roots)
        self.uses = dict.fromkeys(nodes, 0)
        self.constant: set[int] = set()
        negative: dict[int, list[Exponent]] = {}
        for node in nodes:
            op, args = graph.ops[node], graph.args[node]
            for argument in args:
                self.uses[argument] += 1
            if op in ("constant", "named") or (
                args and op != "symbol" and self.constant.issuperset(args)
            ):
                if not graph.is_condition(node):
                    self.constant.add(node)
            elif op == "product":
                for base, exponent in zip(args, graph.data[node], strict=True):
                    if exponent < 0:
                        negative.setdefault(base, []).append(exponent)
        self.signed_divisors = {base for base in negative if graph.data[base] == (0, (-1,))}
        self.shared_reciprocals = {base for base, found in negative.items() if len(found) > 1}
        # 1/x is the square of 1/sqrt(x) where x cannot be negative.
        roots = {
            base
            for base in self.shared_reciprocals
            if any(e.denominator == 2 for e in negative[base])
        }
        self.inverse_roots = roots & nonnegative(graph, nodes) if roots else roots

    def run(self, roots: Sequence[int]) -> None:
        """Lower everything that ``roots`` need, depth first, storing on the way; zeros last."""
        zero = self.graph.constant(0)
        known = self.value
        for root in [root for root in roots if root != zero]:
            stack = [root]
            while stack:
                node = stack.pop()
                if node in known:
                    continue
                if node >= 0:
                    missing = [a for a in self._operands(node) if a not in known]
                    if missing:
                        stack.append(~node)  # once everything above it is known
                        stack += missing[::-1]
                        continue
                else:
                    node = ~node
                known[node] = self._lower(node)
                if node in self.stores and node != zero:
                    for place in self.stores[node]:
                        self.code.append(Instruction("store", (known[node],), place))
        self.zeros = len(self.code)
        if zero in self.stores:
            value = self._number(0)
            for place in self.stores[zero]:
                self.code.append(Instruction("store", (value,), place))

    def _emit(self, op: str, *args: int, data: Any = None) -> int:
        """The index of the instruction, an equal earlier one where there is one."""
        if op in COMMUTATIVE and args[0] > args[1]:
            args = (args[1], args[0])
        key = (op, args, data.hex() if type(data) is float else data)
        found = self.numbered.get(key)
        if found is None:
            found = len(self.code)
            self.numbered[key] = found
            self.code.append(Instruction(op, args, data))
        return found

    def _number(self, value: Number) -> int:
        return self._emit("constant", data=as_float(value))

    def _inlined(self, node: int) -> bool:
        """Whether a sum takes the factors of this product into its own term."""
        return (
            self.graph.ops[node] == "product"
            and self.uses[node] == 1
            and node not in self.stores
            and node not in self.constant
        )

    def _reversed_sum(self, node: int) -> int | None:
        """The sum under ``-1 * sum`` that nobody else uses: it is emitted with its signs turned."""
        graph = self.graph
        if graph.ops[node] != "sum" or graph.data[node] != (0, (-1,)):
            return None
        inner = graph.args[node][0]
        alone = self.uses[inner] == 1 and inner not in self.stores and inner not in self.constant
        return inner if alone and graph.ops[inner] == "sum" else None

    def _operands(self, node: int) -> list[int]:
        """The nodes whose values must be there before this node is lowered."""
        if node in self.constant:
            return []
        graph = self.graph
        if self._bare(node):
            return list(graph.args[node][:2])
        if graph.ops[node] != "sum":
            return [a for a in graph.args[node] if a not in self.constant or self._plain(node)]
        inner = self._reversed_sum(node)
        found: list[int] = []
        for argument in graph.args[node if inner is None else inner]:
            if argument in self.constant:
                continue
            found.extend(self._factors(argument) if self._inlined(argument) else (argument,))
        return found

    def _factors(self, node: int) -> list[int]:
        return [a for a in self.graph.args[node] if a not in self.constant]

    def _bare(self, node: int) -> bool:
        """Whether the node is a b + -0.0, a product whose factors were to stay together."""
        graph = self.graph
        if graph.ops[node] != "fma":
            return False
        added = graph.args[node][2]
        return graph.ops[added] == "constant" and str(graph.data[added]) == "-0.0"

    def _plain(self, node: int) -> bool:
        """Whether the node takes its arguments as they are: a function, no sum or product."""
        return self.graph.ops[node] not in ("sum", "product")

    def _lower(self, node: int) -> int:
        graph = self.graph
        op, args, data = graph.ops[node], graph.args[node], graph.data[node]
        if node in self.constant:
            return self._number(exact_value(graph, node))
        if op == "symbol":
            return self._emit("load", data=self.columns[data])
        if op == "boolean":
            return self._emit("boolean", data=data)
        if op == "sum":
            inner = self._reversed_sum(node)
            if inner is None and node in self.signed_divisors:
                # 0 - s is +0 where the sum s is, as the sum with its signs turned would be.
                inlined = self._inlined(args[0])
                value = self._lower_product(args[0], 1) if inlined else self.value[args[0]]
                return self._emit("sub", self._number(0), value)
            if inner is None:
                return self._lower_sum(args, data[0], data[1])
            start, coefficients = graph.data[inner]
            return self._lower_sum(graph.args[inner], -start, tuple(-c for c in coefficients))
        if op == "product":
            return self._lower_product(node, 1)
        if graph.table[op].kind == "unknown":
            raise refuse(graph.table[op])
        if self._bare(node):
            return self._emit("mul", *[self.value[a] for a in args[:2]])
        return self._emit(op, *[self.value[a] for a in args])

    def _lower_sum(self, args: Sequence[int], start: Number, coefficients: Sequence[Number]) -> int:
        """Terms with their signs: positive ones first, so that no negation is needed."""
        graph = self.graph
        constants = [(a, c) for a, c in zip(args, coefficients, strict=True) if a in self.constant]
        if constants:
            start = exact_value(graph, graph.sum(constants, start))
        signed: list[tuple[int, bool]] = []
        for argument, coefficient in zip(args, coefficients, strict=True):
            if argument in self.constant:
                continue
            negative = coefficient < 0
            size = -coefficient if negative else coefficient
            if self._inlined(argument):
                value = self._lower_product(argument, size)
            elif size == 1:
                value = self.value[argument]
            else:
                value = self._emit("mul", self.value[argument], self._number(size))
            signed.append((value, negative))
        if start != 0 or type(start) is float:
            negative = start < 0
            signed.append((self._number(-start if negative else start), negative))
        signed.sort(key=lambda term: term[1])
        return self._accumulate(signed)

    def _accumulate(self, signed: list[tuple[int, bool]]) -> int:
        """The signed sum of values: one after the other, or in pairs where there are many."""
        if len(signed) == 1:
            value, negative = signed[0]
            return self._emit("neg", value) if negative else value
        if len(signed) < PAIRWISE_FROM:
            total, negative = self._joined(signed[0], signed[1])
            for term in signed[2:]:
                total, negative = self._joined((total, negative), term)
        else:
            ranked: list[tuple[int, tuple[int, bool]]] = []
            for term in signed:
                ranked.append((0, term))
                while len(ranked) > 1 and ranked[-1][0] == ranked[-2][0]:
                    rank, right = ranked.pop()
                    ranked[-1] = (rank + 1, self._joined(ranked[-1][1], right))
            while len(ranked) > 1:
                _, right = ranked.pop()
                ranked[-1] = (0, self._joined(ranked[-1][1], right))
            total, negative = ranked[0][1]
        return self._emit("neg", total) if negative else total

    def _joined(self, left: tuple[int, bool], right: tuple[int, bool]) -> tuple[int, bool]:
        if left[1] == right[1]:
            return self._emit("add", left[0], right[0]), left[1]
        positive, negative = (left, right) if right[1] else (right, left)
        return self._emit("sub", positive[0], negative[0]), False

    def _lower_product(self, node: int, coefficient: Number) -> int:
        """``coefficient * node`` with one division at most."""
        graph = self.graph
        factors = list(zip(graph.args[node], graph.data[node], strict=True))
        constants = [(base, e) for base, e in factors if base in self.constant]
        if constants:
            coefficient = exact_value(graph, graph.product(constants, coefficient))
        above: list[int] = []
        below: list[int] = []
        for base, exponent in factors:
            if base in self.constant:
                continue
            value = self.value[base]
            if exponent > 0:
                above.append(self._power(value, exponent))
            elif base in self.inverse_roots and (2 * exponent).denominator == 1:
                root = self._emit("div", self._number(1), self._emit("sqrt", value))
                above.append(self._power(root, int(-2 * exponent)))
            elif base in self.shared_reciprocals and exponent.denominator <= 2:
                root = exponent.denominator == 2
                inner = self._emit("sqrt", value) if root else value
                reciprocal = self._emit("div", self._number(1), inner)
                above.append(self._power(reciprocal, -exponent.numerator))
            elif exponent.denominator > 2:
                above.append(self._power(value, exponent))
            else:
                below.append(self._power(value, -exponent))
        negative = coefficient < 0
        size = -coefficient if negative else coefficient
        unit = size == 1
        total = self._chain(above)
        if not unit:
            scale = self._number(size)
            total = scale if total is None else self._emit("mul", total, scale)
        if below:
            divisor = self._chain(below)
            assert divisor is not None
            total = self._emit("div", self._number(1) if total is None else total, divisor)
        assert total is not None
        return self._emit("neg", total) if negative else total

    def _chain(self, values: Sequence[int]) -> int | None:
        total: int | None = None
        for value in values:
            total = value if total is None else self._emit("mul", total, value)
        return total

    def _power(self, value: int, exponent: Exponent) -> int:
        """``value ** exponent`` for exponents above 0, and for odd fractions of either sign."""
        whole = exponent.denominator == 1
        if whole and 0 < exponent <= SQUARING_LIMIT:
            return self._squarings(value, int(exponent))
        if exponent.denominator == 2 and 0 < exponent <= SQUARING_LIMIT:
            root = self._emit("sqrt", value)
            rest = int(exponent - HALF)
            return root if rest == 0 else self._emit("mul", self._squarings(value, rest), root)
        if exponent == Fraction(1, 4):
            return self._emit("sqrt", self._emit("sqrt", value))
        return self._emit("pow", value, self._number(exponent))

    def _squarings(self, value: int, exponent: int) -> int:
        """Binary powers, each of which other exponents of the same base find again."""
        result: int | None = None
        square = value
        while True:
            if exponent & 1:
                result = square if result is None else self._emit("mul", result, square)
            exponent >>= 1
            if not exponent:
                assert result is not None
                return result
            square = self._emit("mul", square, square)
