"""A Recipe's results as one vector, and its products with directions: the next orders of it.

``interop/torch_autograd.py`` walks from one order to the next by these, and never sees a graph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Literal

from symgrad.api import read_options, read_system, refuse_unknown, simplified
from symgrad.differentiate.tensors import derive
from symgrad.functions.user import used_rows
from symgrad.ir.graph import Graph
from symgrad.ir.recipe import Recipe
from symgrad.ir.row_text import write_rows
from symgrad.ir.system import Request, Tensor
from symgrad.ir.text import write
from symgrad.ir.traverse import reachable
from symgrad.signatures import argument_groups

Product = Literal["vjp", "jvp"]

VALUE = (Request("value", "tensor", 0),)


def seed_name(name: str, order: int) -> str:
    """The name of a seed where it is an input: no other order's, and no user's."""
    return f"{name} of order {order}"


def flattened(recipe: Recipe, order: int, stored: Mapping[str, Any] | None = None) -> Recipe:
    """The system whose outputs are all entries of all results of ``recipe``, one after the other.

    Its inputs are the inputs, parameters and seeds of ``recipe`` in the order of its argument
    groups, the seeds under the names of ``seed_name``.

    Args:
        recipe: of a function of any results.
        order: how often it was differentiated already.
        stored: for every sparse result the positions of its entries, a row each.

    Raises:
        DerivativeError: a result has no closed form.
    """
    options = read_options(recipe)
    system = simplified(read_system(recipe), options)
    nodes: list[int] = []
    for tensor in derive(system, recipe.requests, sparse=options.sparse):
        nodes += tensor.nodes if tensor.pattern is None else _stored(tensor, stored or {})
    refuse_unknown(system.graph, nodes)
    inputs, *others = argument_groups(recipe)
    renamed: dict[str, str] = {}
    for group in others:
        if group.columns != recipe.parameters:
            renamed |= {name: seed_name(name, order) for name in group.columns}
    graph = Graph(system.graph.table, exact=system.graph.exact)
    nodes = _copied(system.graph, nodes, graph, renamed)
    columns = [*inputs.columns, *(name for group in others for name in group.columns)]
    needed = used_rows({graph.ops[node] for node in reachable(graph, nodes)}, graph.table)
    return replace(
        recipe,
        graph=write(graph, {"value": nodes}),
        inputs=tuple([renamed.get(name, name) for name in columns]),
        parameters=(),
        wrt=(),
        shape=(len(nodes),),
        labels=("",) * len(nodes),
        requests=VALUE,
        options=asdict(replace(options, sparse=False, reduce=None)),
        functions=write_rows(needed),
    )


def _stored(tensor: Tensor, stored: Mapping[str, Any]) -> list[int]:
    """The nodes of the entries that the compiled function kept: some may have become zero."""
    assert tensor.pattern is not None
    found = dict(zip(tensor.pattern.indices, tensor.nodes, strict=True))
    return [found[tuple(map(int, index))] for index in stored[tensor.name]]


def _copied(
    graph: Graph, nodes: Sequence[int], into: Graph, renamed: Mapping[str, str]
) -> list[int]:
    """The nodes in another graph, symbols under their new names."""
    made: dict[int, int] = {}
    for node in reachable(graph, nodes):
        if graph.ops[node] == "symbol":
            name = graph.data[node]
            made[node] = into.symbol(renamed.get(name, name))
        else:
            made[node] = graph.rebuild(node, tuple([made[a] for a in graph.args[node]]), into)
    return [made[node] for node in nodes]


def product(
    recipe: Recipe,
    kind: Product,
    wrt: Sequence[str],
    outputs: Sequence[int],
    parameters: Sequence[str] = (),
    **options: Any,
) -> Recipe:
    """The product of a flattened system's Jacobian with a cotangent or a tangent.

    Args:
        recipe: what ``flattened`` made.
        kind: "vjp" takes a cotangent of shape (len(outputs),), "jvp" a tangent of (len(wrt),).
        wrt: the inputs to differentiate by.
        outputs: positions of the outputs that are wanted.
        parameters: inputs that all points share.
        **options: in place of those of ``recipe``.
    """
    system = read_system(recipe)
    nodes = [system.outputs.nodes[place] for place in outputs]
    return replace(
        recipe,
        graph=write(system.graph, {"value": nodes}),
        inputs=tuple([name for name in recipe.inputs if name not in parameters]),
        parameters=tuple(parameters),
        wrt=tuple(wrt),
        shape=(len(nodes),),
        labels=("",) * len(nodes),
        requests=(Request(kind, kind),),
        options={**recipe.options, **options},
    )
