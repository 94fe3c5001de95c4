"""Templates of rows as short lists of steps, so that a partial is not walked anew for each node.

A step makes one node from values met before; value 0 is the output ``y`` of a function node, value
k + 1 its argument ``ak``, and every step appends a value. The steps of a template come in the order
in which its parts would be interned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from symgrad.errors import InvariantError
from symgrad.ir.arithmetic import make_product, make_sum
from symgrad.ir.expression import Expr, Value, postorder
from symgrad.ir.multiply import multiply
from symgrad.ir.primitive import OUTPUT, argument_name

if TYPE_CHECKING:
    from symgrad.ir.graph import Graph

Step = tuple[str, tuple[int, ...], Value]
"""An operation of Exprs, the positions of the values that it takes, and a leaf's value."""

Template = tuple[tuple[Step, ...], int]
"""The steps, and the position of the value that is the result."""


def compiled(expr: Expr, arity: int) -> Template:
    """The steps of a template in ``y``, ``a0``, ``a1``, ...

    Raises:
        InvariantError: the template uses another symbol.

    Example:
        >>> from symgrad.ir.expression import symbol
        >>> y = symbol("y")
        >>> compiled(1 + y * y, 1)
        ((('constant', (), 1), ('multiply', (0, 0), None), ('add', (2, 3), None)), 4)
    """
    places = {OUTPUT: 0} | {argument_name(index): index + 1 for index in range(arity)}
    position: dict[int, int] = {}
    steps: list[Step] = []
    for part in postorder((expr,)):
        if part.op == "symbol":
            if part.value not in places:
                raise InvariantError(f"a template uses the foreign symbol {part.value!r}")
            position[id(part)] = places[str(part.value)]
        else:
            position[id(part)] = arity + 1 + len(steps)
            slots = tuple([position[id(argument)] for argument in part.args])
            steps.append((part.op, slots, part.value))
    return tuple(steps), position[id(expr)]


def instantiate(graph: Graph, template: Template, node: int) -> int:
    """The node of a row's template for one function node of that row."""
    steps, result = template
    values = [node, *graph.args[node]]
    for op, slots, value in steps:
        if op == "multiply" and len(slots) == 2:
            made = multiply(graph, values[slots[0]], values[slots[1]])
        elif op == "constant":
            made = graph.constant(value)  # type: ignore[arg-type]
        elif op == "power":
            made = graph.power(values[slots[0]], values[slots[1]])
        elif op == "add":
            made = make_sum(graph, 0, [(values[slot], 1) for slot in slots])
        elif op == "multiply":
            made = make_product(graph, [(values[slot], 1) for slot in slots])
        elif op in ("named", "boolean"):
            made = graph.intern(op, (), value)
        else:
            made = graph.call(op, tuple([values[slot] for slot in slots]))
        values.append(made)
    return values[result]
