"""Replace composite functions by their rows' expansions, so that targets need not know them.

Of an argument that cannot be negative by its form the branches for negative ones are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace

from symgrad.ir.expression import Expr, postorder, symbol
from symgrad.ir.graph import Graph
from symgrad.ir.primitive import Primitive, argument_name
from symgrad.ir.system import Tensor
from symgrad.ir.traverse import reachable
from symgrad.schedule.sign import nonnegative


def expand(
    graph: Graph, tensors: Sequence[Tensor], spelled: Set[str] = frozenset()
) -> tuple[Graph, list[Tensor]]:
    """A Graph without composite functions; the same if it has none.

    Args:
        graph: any graph.
        tensors: the results to keep.
        spelled: routines without loops that are written out as well.
    """
    rows = [graph.table.get(op) for op in set(graph.ops)]
    bodies = {row.name: body for row in rows if row and (body := _body(row, spelled)) is not None}
    if not bodies:
        return graph, list(tensors)
    made = Graph(graph.table, exact=graph.exact, flat=graph.flat)
    place: dict[int, int] = {}
    nodes = reachable(graph, [node for tensor in tensors for node in tensor.nodes])
    positive = nonnegative(graph, nodes)
    known: set[int] = set()
    for node in nodes:
        args = tuple([place[argument] for argument in graph.args[node]])
        place[node] = _lowered(made, graph.rebuild(node, args, made), bodies, known)
        if node in positive:
            known.add(place[node])
    kept = [replace(t, nodes=tuple([place[node] for node in t.nodes])) for t in tensors]
    return made, kept


def _body(row: Primitive, spelled: Set[str]) -> Expr | None:
    """What takes the place of a row."""
    return row.traced if row.name in spelled else row.expansion


def _lowered(graph: Graph, node: int, bodies: Mapping[str, Expr], known: Set[int]) -> int:
    """The node with its row's expansion in place of it."""
    body = bodies.get(graph.ops[node])
    return node if body is None else _instantiate(graph, body, graph.args[node], known)


def _instantiate(graph: Graph, template: Expr, arguments: Sequence[int], known: Set[int]) -> int:
    """The template over ``arguments``; its depth of composite rows is the table's, a few levels.

    Args:
        graph: where nodes are appended.
        template: an expansion.
        arguments: what its symbols stand for.
        known: nodes that are at least +0, or nan.
    """
    made: dict[int, int] = {}
    for part in postorder((template,)):
        if part.op == "symbol":
            made[id(part)] = arguments[int(str(part.value).removeprefix("a"))]
            continue
        args = tuple([made[id(argument)] for argument in part.args])
        row = graph.table.get(part.op)
        if row is not None and row.expansion is not None:
            made[id(part)] = _instantiate(graph, row.expansion, args, known)
        elif part.op == "abs" and args[0] in known:
            made[id(part)] = args[0]
        elif part.op == "lt" and args[0] in known and graph.is_zero(args[1]):
            made[id(part)] = graph.intern("boolean", (), False)
        else:
            shallow = Expr(part.op, tuple([symbol(argument_name(i)) for i in range(len(args))]))
            bindings = {argument_name(i): argument for i, argument in enumerate(args)}
            made[id(part)] = graph.add(shallow if args else part, bindings)
    return made[id(template)]
