"""Orders: a compiled function and its derivatives over tensors in one common form.

Points are tables of shape (N, names), or (names, N) where points come last; what all points share
is a vector (names,). An order is the compiled function, or the product of another order's Jacobian
with cotangents (backward) or tangents (forward mode), compiled as well. So every derivative of an
order is an order, made when it is first needed and kept. ``torch_autograd.py`` shows them to
autograd.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import accumulate
from typing import Any, NamedTuple

import torch

from symgrad.errors import ArgumentError
from symgrad.ir.recipe import Recipe
from symgrad.runtime.arguments import direction_shape
from symgrad.runtime.function import CompiledFunction

Tensor = Any

Places = tuple[int, ...]
"""Positions of results or of slots."""


class Making(NamedTuple):
    """How recipes become other recipes and functions (``products.py``, ``api.py``)."""

    flattened: Callable[..., Recipe]
    product: Callable[..., Recipe]
    seed_name: Callable[[str, int], str]
    build: Callable[[Recipe], CompiledFunction]
    workers: int | None


class Slot(NamedTuple):
    """A tensor that an order takes or gives.

    Attributes:
        names: of its columns; those of a result have none.
        size: how many columns there are.
        shared: it is one vector for all points; of a result: the sum over them.
    """

    names: tuple[str, ...]
    size: int
    shared: bool


class Order(ABC):
    """A function of tensors in their common form, and its derivatives.

    Attributes:
        making: how its derivatives are made.
        slots: what it takes.
        results: what it gives.
        last: whether the points come last in its tables.
        depth: how often the compiled function was differentiated.
        mean: whether the summed results are divided by the number of points.
    """

    mean = False
    dtype: Any
    """PyTorch's, of the results."""

    def __init__(
        self,
        making: Making,
        slots: Sequence[Slot],
        results: Sequence[Slot],
        last: bool,
        depth: int,
    ) -> None:
        self.making, self.last, self.depth = making, last, depth
        self.slots, self.results = tuple(slots), tuple(results)
        self._products: dict[Any, Product] = {}

    @abstractmethod
    def evaluate(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """The results at the given slots."""

    @cached_property
    @abstractmethod
    def flat(self) -> Recipe:
        """All entries of all results as outputs of one system, over the names of all slots."""

    @cached_property
    @abstractmethod
    def spread(self) -> Order:
        """The same function with nothing shared and nothing summed."""

    def product(self, kind: str, chosen: tuple[int, ...], wrt: tuple[int, ...]) -> Product:
        """The product of the Jacobian of chosen results by chosen slots with seeds.

        Args:
            kind: "vjp" takes a cotangent for each chosen result after the slots of this order,
                "jvp" a tangent for each chosen slot.
            chosen: positions of results.
            wrt: positions of slots.
        """
        key = (kind, chosen, wrt)
        if key not in self._products:
            self._products[key] = Product(self, kind, chosen, wrt)
        return self._products[key]

    def points(self, tensors: Sequence[Tensor]) -> Any:
        """How many points a call has."""
        axis = 1 if self.last else 0
        pairs = zip(self.slots, tensors, strict=True)
        return next(t.shape[axis] for slot, t in pairs if not slot.shared)

    def call(self, fn: CompiledFunction, points: Sequence[Tensor], named: Any) -> list[Tensor]:
        """The results of a compiled function."""
        if self.making.workers is not None:
            named["workers"] = self.making.workers
        if fn.recipe.options["target"] == "cpu":
            points = [tensor.numpy() for tensor in points]
            named = {k: v.numpy() if isinstance(v, torch.Tensor) else v for k, v in named.items()}
        made = fn(*points, **named)
        arrays = (made,) if fn.signature.single else tuple(made)
        return [torch.as_tensor(array) for array in arrays]


class First(Order):
    """The compiled function itself."""

    def __init__(
        self, fn: CompiledFunction, making: Making, slots: Sequence[Slot], last: bool, table: bool
    ) -> None:
        """Slots are the points (one table, or a column each), the parameters, then directions."""
        self._fn, self._table = fn, table
        reduction = fn.signature.reduction
        results = [Slot((), result.size, reduction is not None) for result in fn.signature.results]
        super().__init__(making, slots, results, last, 0)
        self.mean = reduction is not None and reduction.mean
        self.dtype = getattr(torch, fn.signature.dtype)

    @cached_property
    def flat(self) -> Recipe:
        """All results as outputs of one system; directions are inputs of it."""
        stored = {name: found.indices for name, found in self._fn.signature.sparsity.items()}
        return self.making.flattened(self._fn.recipe, 0, stored)

    @cached_property
    def spread(self) -> Order:
        """The same function, its parameters along the batch."""
        if any(result.shared for result in self.results):
            raise ArgumentError(
                "a function that sums over its points (reduce=) cannot be mapped by torch.vmap; "
                "compile it without reduce= and sum in PyTorch"
            )
        slots = [slot._replace(shared=False) for slot in self.slots]
        return First(self._fn, self.making, slots, self.last, self._table)

    def evaluate(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Call the compiled function."""
        signature = self._fn.signature
        turned = self.last and signature.batch_axis == 0
        columns = 1 if self._table else len(signature.inputs)
        points = [t if self._table else t.reshape(-1) for t in tensors[:columns]]
        rest = iter(tensors[columns:])
        named: dict[str, Any] = {name: next(rest).reshape(-1) for name in signature.parameters}
        for group in signature.groups:
            if group.name in ("tangent", "cotangent"):
                shape = direction_shape(signature, group.name)
                direction = next(rest)
                if direction.ndim == 1:
                    named[group.name] = direction.reshape(shape)
                elif signature.batch_axis == -1:
                    count = direction.shape[1]
                    named[group.name] = direction.reshape(*shape, count)
                else:
                    table = direction.T if turned else direction
                    named[group.name] = table.reshape(len(table), *shape)
        made = []
        for tensor, result in zip(self.call(self._fn, points, named), self.results, strict=True):
            if result.shared:
                made.append(tensor.reshape(result.size))
            elif signature.batch_axis == -1:
                made.append(tensor.reshape(result.size, tensor.shape[-1]))
            else:
                flat = tensor.reshape(len(tensor), result.size)
                made.append(flat.T if turned else flat)
        return made


class Product(Order):
    """The product of an order's Jacobian with cotangents or tangents.

    Results for every point are one kernel, those that are summed over the points another.
    """

    def __init__(
        self, order: Order, kind: str, chosen: tuple[int, ...], wrt: tuple[int, ...]
    ) -> None:
        self._order, self._kind, self._chosen, self._wrt = order, kind, chosen, wrt
        self.dtype = order.dtype
        self._kernels: dict[bool, CompiledFunction] = {}
        results, slots = [order.results[i] for i in chosen], [order.slots[i] for i in wrt]
        self._seed, sources, made = (
            ("cotangent", results, slots) if kind == "vjp" else ("tangent", slots, results)
        )
        depth, seeds, position = order.depth + 1, [], 0
        for slot in sources:
            places = range(position, position + slot.size)
            columns = [f"{self._seed} {place}" for place in places]
            names = tuple([order.making.seed_name(column, depth) for column in columns])
            seeds.append(Slot(names, slot.size, slot.shared))
            position += slot.size
        given = (*order.slots, *seeds)
        super().__init__(
            order.making, given, [s._replace(names=()) for s in made], order.last, depth
        )

    @cached_property
    def flat(self) -> Recipe:
        """All results as outputs of one system; the seeds are inputs of it."""
        return self.making.flattened(self._recipe(range(len(self.results))), self.depth)

    @cached_property
    def spread(self) -> Order:
        """The same product of what is spread."""
        return self._order.spread.product(self._kind, self._chosen, self._wrt)

    def _recipe(self, results: Sequence[int], **options: Any) -> Recipe:
        """The product for some of the results of this order."""
        slots, wrt, chosen = self._order.slots, self._wrt, self._chosen
        if self._kind == "vjp":
            wrt = tuple([wrt[i] for i in results])
        else:
            chosen = tuple([chosen[i] for i in results])
        ends = list(accumulate(result.size for result in self._order.results))
        starts = [0, *ends]
        return self.making.product(
            self._order.flat,
            self._kind,
            [name for i in wrt for name in slots[i].names],
            [place for i in chosen for place in range(starts[i], ends[i])],
            [name for slot in slots if slot.shared for name in slot.names],
            batch_axis=-1 if self.last else 0,
            **options,
        )

    def evaluate(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Call the kernels of the results that are wanted."""
        made: dict[int, Tensor] = {}
        points, named = self._arguments(tensors)
        for shared in (False, True):
            places = [i for i, result in enumerate(self.results) if result.shared == shared]
            if not places:
                continue
            if shared not in self._kernels:
                recipe = self._recipe(places, reduce="sum" if shared else None)
                self._kernels[shared] = self.making.build(recipe)
            (whole,) = self.call(self._kernels[shared], points, named)
            sizes = [self.results[i].size for i in places]
            parts = torch.split(whole, sizes, 0 if shared or self.last else 1)
            made |= dict(zip(places, parts, strict=True))
        return [made[i] for i in range(len(self.results))]

    def _arguments(self, tensors: Sequence[Tensor]) -> tuple[list[Tensor], dict[str, Any]]:
        """The points, parameters and seeds of the kernels."""
        slots = self._order.slots
        given = list(zip(slots, tensors[: len(slots)], strict=True))
        points = [tensor for slot, tensor in given if not slot.shared]
        axis, count = 0 if self.last else 1, self.points(tensors)
        if all(slot.size == 1 for slot in slots if not slot.shared):
            points = [tensor.reshape(-1) for tensor in points]
        elif len(points) > 1:
            points = [torch.cat(points, axis)]
        named: dict[str, Any] = {}
        for slot, tensor in given:
            if slot.shared:
                named |= zip(slot.names, tensor.unbind(), strict=True)
        seeds = list(zip(self.slots[len(slots) :], tensors[len(slots) :], strict=True))
        shared = all(slot.shared for slot, _ in seeds)
        parts = [seed for _, seed in seeds]
        if not shared:
            parts = [repeated(seed, count, self.last) if s.shared else seed for s, seed in seeds]
        one = parts[0] if len(parts) == 1 else torch.cat(parts, 0 if shared else axis)
        return points, {**named, self._seed: one}


def pulled(
    order: Order,
    tensors: Sequence[Tensor],
    cotangents: Sequence[Tensor | None],
    needed: Sequence[bool],
    evaluate: Callable[..., Sequence[Tensor]],
) -> list[Tensor | None]:
    """The gradients of an order's slots; None where none is needed or comes.

    Args:
        order: that was evaluated.
        tensors: at these.
        cotangents: of its results; None where a result was not used.
        needed: the slots whose gradient is wanted.
        evaluate: the product with cotangents, from the positions of the results that have one and
            of those slots, the tensors, and the cotangents.
    """
    chosen = tuple([i for i, seed in enumerate(cotangents) if seed is not None])
    wrt = tuple([i for i, wanted in enumerate(needed) if wanted])
    made: list[Tensor | None] = [None] * len(tensors)
    if chosen and wrt:
        seeds = [seed for seed in cotangents if seed is not None]
        if order.mean:
            seeds = [seed / order.points(tensors) for seed in seeds]
        gradients = evaluate(chosen, wrt, *tensors, *seeds)
        for i, gradient in zip(wrt, gradients, strict=True):
            made[i] = gradient.to(tensors[i].dtype)
    return made


def repeated(vector: Tensor, count: int, last: bool) -> Tensor:
    """A vector that all points share, as a table of so many points."""
    if last:
        return vector[..., :, None].expand(*vector.shape, count)
    return vector[..., None, :].expand(*vector.shape[:-1], count, vector.shape[-1])
