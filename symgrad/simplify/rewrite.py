"""The pass that rebuilds what the results need, applying the rules that a safety level allows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from symgrad.ir.expression import ARITHMETIC, Expr
from symgrad.ir.graph import Graph
from symgrad.ir.system import Tensor
from symgrad.ir.traverse import reachable
from symgrad.simplify.rules import LEVELS, RULES, Rule


def simplify(
    graph: Graph,
    tensors: Sequence[Tensor],
    level: str,
    *,
    derived: bool = False,
    flat: bool | None = None,
) -> tuple[Graph, list[Tensor]]:
    """A new Graph with what ``tensors`` need and nothing else, rules applied on the way.

    Args:
        graph: where the tensors' nodes live; it is left as it is.
        tensors: the results to keep.
        level: "exact", "finite" or "all": the safety classes of rules that may be used.
        derived: that the graph is not differentiated any more: late rules may be used as well.
        flat: whether the new graph flattens products; by default as the old one does.
    """
    allowed = LEVELS[level]
    rules = _by_head(rule for rule in RULES if rule.safety in allowed and rule.late <= derived)
    flat = graph.flat if flat is None else flat
    made = Graph(graph.table, exact=graph.exact, flat=flat)
    place: dict[int, int] = {}
    for node in reachable(graph, [node for tensor in tensors for node in tensor.nodes]):
        args = tuple([place[argument] for argument in graph.args[node]])
        place[node] = _apply(made, graph.rebuild(node, args, made), rules)
    kept = [replace(t, nodes=tuple([place[node] for node in t.nodes])) for t in tensors]
    return made, kept


def _by_head(rules: Iterable[Rule]) -> dict[str, list[Rule]]:
    heads: dict[str, list[Rule]] = {}
    for rule in rules:
        heads.setdefault(rule.left.op, []).append(rule)
    return heads


def _apply(graph: Graph, node: int, rules: Mapping[str, Sequence[Rule]]) -> int:
    """``node``, or what the first matching rules turn it into."""
    changed = True
    while changed:
        changed = False
        for rule in rules.get(graph.ops[node], ()):
            bindings = match(graph, node, rule.left)
            if bindings is not None:
                node = graph.add(rule.right, bindings)
                changed = True
                break
    return node


def match(graph: Graph, node: int, pattern: Expr) -> dict[str, int] | None:
    """The nodes that the pattern's symbols stand for, or None where it does not fit.

    Patterns are function rows over rows, symbols, ``number + row`` and ``n * row``, where n stands
    for an int; a symbol that occurs twice must stand for the same node.
    """
    bindings: dict[str, int] = {}
    pending = [(node, pattern)]
    while pending:
        at, part = pending.pop()
        if part.op == "symbol":
            if bindings.setdefault(str(part.value), at) != at:
                return None
        elif part.op == "add":
            start, inner = part.args
            if graph.ops[at] != "sum" or graph.data[at] != (start.value, (1,)):
                return None
            pending.append((graph.args[at][0], inner))
        elif part.op == "multiply":
            number, inner = part.args
            if graph.ops[at] != "sum" or len(graph.args[at]) != 1 or graph.data[at][0] != 0:
                return None
            (coefficient,) = graph.data[at][1]
            if type(coefficient) is not int:
                return None
            bindings[str(number.value)] = graph.constant(coefficient)
            pending.append((graph.args[at][0], inner))
        elif part.op in ARITHMETIC or graph.ops[at] != part.op:
            return None
        else:
            pending.extend(zip(graph.args[at], part.args, strict=True))
    return bindings
