"""The pass that rebuilds what the results need, applying the rules that a safety level allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache

from symgrad.ir.arithmetic import Exponent, Number, multiply_numbers, power_number, simplest
from symgrad.ir.expression import ARITHMETIC, Expr
from symgrad.ir.graph import Graph
from symgrad.ir.system import Tensor
from symgrad.ir.traverse import reachable
from symgrad.simplify.digits.differences import DIFFERENCES
from symgrad.simplify.digits.forms import FORMS, factors, flattened, terms
from symgrad.simplify.digits.logarithms import LOGARITHMS
from symgrad.simplify.digits.overflows import OVERFLOWS
from symgrad.simplify.digits.quotients import QUOTIENTS
from symgrad.simplify.digits.singularities import fill_singularities
from symgrad.simplify.rules import LEVELS, RULES, Rule

IN_GRAPH = {"add": "sum", "multiply": "product", "power": "product"}
"""What a Graph calls the arithmetic of patterns."""


def simplify(
    graph: Graph,
    tensors: Sequence[Tensor],
    level: str,
    *,
    primal: bool = False,
    derived: bool = False,
    flat: bool | None = None,
) -> tuple[Graph, list[Tensor]]:
    """A new Graph with what ``tensors`` need and nothing else, rules applied on the way.

    Args:
        graph: where the tensors' nodes live; it is left as it is.
        tensors: the results to keep.
        level: "exact", "finite" or "all": the safety classes of rules that may be used.
        primal: that the graph is the formula as it was written: early rules and the forms are used.
        derived: that the graph is not differentiated any more: late rules may be used as well.
        flat: whether the new graph flattens products; by default as the old one does.
    """
    book = _rulebook(level, primal, derived)
    flat = graph.flat if flat is None else flat
    made = Graph(graph.table, exact=graph.exact, flat=flat)
    place: dict[int, int] = {}
    for node in reachable(graph, [node for tensor in tensors for node in tensor.nodes]):
        args = tuple([place[argument] for argument in graph.args[node]])
        place[node] = book.apply(made, graph.rebuild(node, args, made))
    kept = [replace(t, nodes=tuple([place[node] for node in t.nodes])) for t in tensors]
    if primal and "rounding" in LEVELS[level]:
        kept = fill_singularities(made, kept)
    return made, kept


@dataclass(frozen=True, slots=True)
class _Rulebook:
    """Rules and forms by the operation of the nodes that they fit.

    Rules for sums and products stand by the operation of a part that has to be there; ``inside``
    holds those of products, and "product", in which they may be nested. Nodes of an operation that
    is not among ``heads`` stay as they are.
    """

    rules: dict[str, list[Rule]] = field(default_factory=dict)
    sums: dict[str, list[Rule]] = field(default_factory=dict)
    products: dict[str, list[Rule]] = field(default_factory=dict)
    inside: set[str] = field(default_factory=set)
    forms: dict[str, list[Callable[[Graph, int], int | None]]] = field(default_factory=dict)
    heads: set[str] = field(default_factory=lambda: {"sum"})

    def apply(self, graph: Graph, node: int) -> int:
        """``node``, or what the first matching rules turn it into."""
        op = graph.ops[node]
        if op not in self.heads:
            return node
        if op == "sum" and len(graph.args[node]) > 1 and op not in self.forms:
            return node
        coefficient: Number = 1
        changed = True
        while changed:
            if graph.ops[node] == "sum" and len(graph.args[node]) == 1 and not graph.data[node][0]:
                # A number that came out of a product has hidden it.
                coefficient = multiply_numbers(coefficient, graph.data[node][1][0])
                (node,) = graph.args[node]
            changed = False
            for found in self._found(graph, node):
                if found is not None and found != node:
                    node, changed = found, True
                    break
        return node if coefficient == 1 else graph.sum(((node, coefficient),))

    def _found(self, graph: Graph, node: int) -> Iterator[int | None]:
        op = graph.ops[node]
        for form in self.forms.get(op, ()):
            yield form(graph, node)
        if op == "sum":
            if self.sums and len(graph.args[node]) == 1:
                for rule in self.sums.get(graph.ops[graph.args[node][0]], ()):
                    yield _in_sum(graph, node, rule)
        elif op == "product":
            if not self.inside.isdisjoint([graph.ops[base] for base in graph.args[node]]):
                held = flattened(graph, node)
                direct = dict(zip(graph.args[node], graph.data[node], strict=True))
                for base in held:
                    for rule in self.products.get(graph.ops[base], ()):
                        found = direct if rule.direct else held
                        if base in found:
                            yield _in_product(graph, dict(found), base, rule)
        else:
            for rule in self.rules.get(op, ()):
                bindings = match(graph, node, rule.left)
                yield None if bindings is None else graph.add(rule.right, bindings)


@cache
def _rulebook(level: str, primal: bool, derived: bool) -> _Rulebook:
    book = _Rulebook()
    for rule in RULES:
        if rule.safety not in LEVELS[level] or rule.late > derived or rule.early > primal:
            continue
        head = IN_GRAPH.get(rule.left.op)
        if head is None:
            book.rules.setdefault(rule.left.op, []).append(rule)
        elif head == "sum":
            part = rule.left.args[1]
            book.sums.setdefault(IN_GRAPH.get(part.op, part.op), []).append(rule)
        else:
            (part, _), *_ = _pattern_factors(rule.left)
            book.products.setdefault(IN_GRAPH.get(part.op, part.op), []).append(rule)
            book.inside.update(("product", IN_GRAPH.get(part.op, part.op)))
    for form in (*FORMS, *DIFFERENCES, *LOGARITHMS, *OVERFLOWS, *QUOTIENTS):
        if form.safety in LEVELS[level] and (primal or form.always):
            book.forms.setdefault(form.op, []).append(form.apply)
    book.heads.update(book.rules, book.forms, ["product"] if book.products else [])
    return book


def _in_sum(graph: Graph, node: int, rule: Rule) -> int | None:
    """A multiple of ``number + row``, rewritten."""
    start, (coefficient,) = graph.data[node]
    number, part = rule.left.args
    if start != number.value * coefficient:
        return None
    bindings = match(graph, graph.args[node][0], part)
    if bindings is None:
        return None
    return graph.sum(((graph.add(rule.right, bindings), coefficient),))


def _pattern_factors(pattern: Expr) -> list[tuple[Expr, int]]:
    """The factors of a pattern with their exponents, one that is no bare symbol first."""
    found: list[tuple[Expr, int]] = []
    for part in pattern.args if pattern.op == "multiply" else (pattern,):
        if part.op == "power":
            found.append((part.args[0], part.args[1].value))  # type: ignore[arg-type]
        elif part.op != "constant":
            found.append((part, 1))
    return sorted(found, key=lambda factor: factor[0].op == "symbol")


def _in_product(graph: Graph, left: dict[int, Exponent], base: int, rule: Rule) -> int | None:
    """A product that holds a pattern's factors, ``base`` being the first, rewritten."""
    (first, power), *others = _pattern_factors(rule.left)
    bindings = match(graph, base, first)
    if bindings is None or not _take(left, base, power):
        return None
    coefficient: Number = 1
    extra: list[tuple[int, Exponent]] = []
    for part, exponent in others:
        if part.op != "symbol":
            held = [at for at in left if match(graph, at, part, bindings) is not None]
            if not held or not _take(left, held[0], exponent):
                return None
            continue
        bound = bindings[str(part.value)]
        if _take(left, bound, exponent):
            continue  # a float stays inside, in 1/(0.3*x)
        # sin(a*x)/x is a*sinc(a*x): what is not there on the left comes to the right.
        number, bases = factors(graph, bound)
        missing = [
            (at, -e * exponent) for at, e in bases.items() if not _take(left, at, e * exponent)
        ]
        if len(missing) == len(bases):
            return None
        extra.extend(missing)
        coefficient *= power_number(number, -exponent)
    right = graph.add(rule.right, bindings)
    return graph.product([*left.items(), *extra, (right, 1)], coefficient)


def _take(left: dict[int, Exponent], base: int, exponent: Exponent) -> bool:
    """Take a power out of a product, and say whether it was there."""
    there, wanted = Fraction(left.get(base, 0)), Fraction(exponent)
    if there * wanted <= 0 or abs(there) < abs(wanted):
        return False
    left[base] = simplest(there - wanted)
    if left[base] == 0:
        del left[base]
    return True


def match(
    graph: Graph, node: int, pattern: Expr, known: Mapping[str, int] | None = None
) -> dict[str, int] | None:
    """The nodes that the pattern's symbols stand for, or None where it does not fit.

    Patterns are function rows over rows, symbols, ``number + part``, ``number * row``,
    ``row ** whole`` and ``n * row``, where n stands for an int; a symbol that occurs twice must
    stand for the same node. In ``number + x`` the x stands for everything else in the sum.

    Args:
        graph: holds the node; what a symbol stands for may be made in it.
        node: what to match.
        pattern: what it may be.
        known: nodes that symbols stand for already.
    """
    bindings = dict(known or {})
    pending = [(node, pattern)]
    while pending:
        at, part = pending.pop()
        op = graph.ops[at]
        if part.op == "symbol":
            if bindings.setdefault(str(part.value), at) != at:
                return None
        elif part.op == "constant":
            if op != "constant" or graph.data[at] != part.value:
                return None
        elif part.op == "add":
            start, inner = part.args
            if op != "sum":
                return None
            if inner.op == "symbol":
                there, rest = terms(graph, at)
                if there != start.value:
                    return None
                pending.append((graph.sum(sorted(rest.items())), inner))
                continue
            if graph.data[at] != (start.value, (1,)):
                return None
            pending.append((graph.args[at][0], inner))
        elif part.op == "multiply":
            number, inner = part.args
            if op != "sum" or len(graph.args[at]) != 1 or graph.data[at][0] != 0:
                return None
            (coefficient,) = graph.data[at][1]
            if number.op == "constant":
                if coefficient != number.value:
                    return None
            elif type(coefficient) is not int:
                return None
            else:
                bindings[str(number.value)] = graph.constant(coefficient)
            pending.append((graph.args[at][0], inner))
        elif part.op == "power":
            if op != "product" or graph.data[at] != (part.args[1].value,):
                return None
            pending.append((graph.args[at][0], part.args[0]))
        elif part.op in ARITHMETIC or op != part.op:
            return None
        else:
            pending.extend(zip(graph.args[at], part.args, strict=True))
    return bindings
