"""Replace composite functions by what their rows say they are, so that targets need not know them."""

from __future__ import annotations

from collections.abc import Sequence

from symgrad.ir.graph import Graph
from symgrad.ir.primitive import argument_name
from symgrad.ir.system import Tensor
from symgrad.ir.traverse import reachable


def expand(graph: Graph, tensors: Sequence[Tensor]) -> tuple[Graph, list[Tensor]]:
    """A new Graph in which every function has kind "call" or "instruction"."""
    made = Graph(graph.table, exact=graph.exact)
    place: dict[int, int] = {}
    for node in reachable(graph, [node for tensor in tensors for node in tensor.nodes]):
        args = tuple([place[argument] for argument in graph.args[node]])
        place[node] = _lowered(made, graph.rebuild(node, args, made))
    kept = [Tensor(t.name, t.shape, tuple([place[node] for node in t.nodes])) for t in tensors]
    return made, kept


def _lowered(graph: Graph, node: int) -> int:
    """The node with its row's expansion in place of it, and so on inside the expansion."""
    row = graph.table.get(graph.ops[node])
    if row is None or row.expansion is None:
        return node
    bindings = {argument_name(i): argument for i, argument in enumerate(graph.args[node])}
    top = graph.add(row.expansion, bindings)
    place: dict[int, int] = {}
    below = set(graph.args[node])
    for inner in reachable(graph, (top,)):
        if inner in below or inner < min(below, default=0):
            place[inner] = inner
            continue
        args = tuple([place.get(argument, argument) for argument in graph.args[inner]])
        place[inner] = _lowered(graph, graph.rebuild(inner, args, graph))
    return place[top]
