"""Orders as one operation of PyTorch's, which ``torch.compile`` takes into its graphs.

A graph names an order by a text: whose it is, the form of the call, and then how it was
differentiated. PyTorch keeps graphs from one process to the next, so the text follows from what the
function is.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Protocol
from weakref import WeakSet

import torch

from symgrad.errors import ArgumentError
from symgrad.interop.torch_orders import Order, Places, Tensor, pulled


class Source(Protocol):
    """A function that has an order for every form of call."""

    def order(self, table: bool, shared: tuple[bool, ...]) -> Order:
        """That order."""
        ...


_sources: dict[str, WeakSet[Any]] = {}


def named(source: Source, text: str) -> str:
    """A name by which graphs find a function as long as it, or its like, lives.

    Args:
        source: the function.
        text: what it is; sources of one text do the same.
    """
    name = sha256(text.encode()).hexdigest()[:32]
    _sources.setdefault(name, WeakSet()).add(source)
    return name


def form_name(name: str, table: bool, shared: Sequence[bool]) -> str:
    """The name of the order for a form of call."""
    return (
        f"{name}/{'table' if table else 'columns'}{''.join([' s' if s else ' .' for s in shared])}"
    )


def order_of(name: str) -> Order:
    """The order of a name.

    Raises:
        ArgumentError: its function is gone.
    """
    source, form, *steps = name.split("/")
    owner: Source | None = next(iter(_sources.get(source, ())), None)
    if owner is None:
        raise ArgumentError(
            "the function of this graph is gone; keep fn.torch() as long as what torch.compile made"
        )
    kind, *shared = form.split(" ")
    found: Order = owner.order(kind == "table", tuple([one == "s" for one in shared]))
    for step in steps:
        chosen, wrt = step.split(" by ")
        found = found.product("vjp", _places(chosen), _places(wrt))
    return found


def _places(text: str) -> Places:
    return tuple([int(number) for number in text.split(",")])


def _listed(places: Places) -> str:
    return ",".join([str(place) for place in places])


def _evaluate(name: str, tensors: Sequence[Tensor]) -> list[Tensor]:
    made = order_of(name).evaluate([tensor.detach().resolve_neg() for tensor in tensors])
    # Results of one kernel share memory, which an operation's must not.
    return [tensor.clone(memory_format=torch.contiguous_format) for tensor in made]


evaluate: Any = torch.library.custom_op(
    "symgrad::evaluate",
    _evaluate,
    mutates_args=(),
    schema="(str name, Tensor[] tensors) -> Tensor[]",
)
"""The results of an order, by its name, at tensors in their common form."""


def _shapes(name: str, tensors: Sequence[Tensor]) -> list[Tensor]:
    order = order_of(name)
    count = order.points(tensors)
    made = []
    for slot in order.results:
        table = [slot.size, count] if order.last else [count, slot.size]
        made.append(tensors[0].new_empty([slot.size] if slot.shared else table, dtype=order.dtype))
    return made


def _setup_context(ctx: Any, inputs: tuple[str, Sequence[Tensor]], output: Any) -> None:
    ctx.name, tensors = inputs
    ctx.save_for_backward(*tensors)


def _backward(ctx: Any, cotangents: Sequence[Tensor | None]) -> tuple[None, list[Tensor | None]]:
    name, tensors = ctx.name, ctx.saved_tensors

    def product(chosen: Places, wrt: Places, *given: Tensor) -> Sequence[Tensor]:
        made: Sequence[Tensor] = evaluate(f"{name}/{_listed(chosen)} by {_listed(wrt)}", given)
        return made

    needed = ctx.needs_input_grad[1]
    return None, pulled(order_of(name), tensors, cotangents, needed, product)


evaluate.register_fake(_shapes)
evaluate.register_autograd(_backward, setup_context=_setup_context)
