"""``fn.torch()``: a compiled function that PyTorch's autograd differentiates, to any order.

A call of any form is brought to the one form of ``torch_orders.py`` by tensor operations that
autograd knows: broadcasting becomes ``expand``, whose gradient is a sum. What is left is one
``torch.autograd.Function`` of an ``Order``, whose derivatives are orders again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
import torch

from symgrad.errors import ArgumentError, DeviceError, DtypeError, ShapeError
from symgrad.interop.torch_compile import evaluate, form_name, named
from symgrad.interop.torch_orders import (
    First,
    Making,
    Order,
    Places,
    Slot,
    Tensor,
    pulled,
    repeated,
)
from symgrad.runtime.arguments import (
    arguments,
    by_name,
    check_call,
    direction_is_shared,
    inputs_by_name,
    merged_parameters,
    unpacked,
)
from symgrad.runtime.arrays import as_array
from symgrad.runtime.direct import small_integer
from symgrad.runtime.function import CompiledFunction
from symgrad.runtime.result import Result

MOST_SHAPES = 256
"""Forms of calls whose batch is kept."""


class _Evaluate(torch.autograd.Function):  # type: ignore[misc, unused-ignore]
    """An order as PyTorch sees it: (order, tensor of every slot) -> tensor of every result.

    This is the form that ``torch.func`` takes, which looks at the signature at every call.
    """

    @staticmethod
    def forward(order: Order, *tensors: Tensor) -> tuple[Tensor, ...]:
        if any(map(torch._C._functorch.is_legacy_batchedtensor, tensors)):
            raise ArgumentError(
                "PyTorch's old batching (is_grads_batched=True, vectorize=True) knows no functions "
                "but its own; use torch.func.jacrev, jacfwd, hessian or torch.vmap"
            )
        made = order.evaluate([tensor.detach().resolve_neg() for tensor in tensors])
        return tuple([tensor.data for tensor in made])  # no views: forward mode refuses them

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.order, *tensors = inputs
        ctx.save_for_backward(*tensors)
        ctx.save_for_forward(*tensors)
        ctx.set_materialize_grads(False)

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor | None) -> tuple[Tensor | None, ...]:
        order, tensors = ctx.order, ctx.saved_tensors

        def evaluate(chosen: Places, wrt: Places, *given: Tensor) -> Sequence[Tensor]:
            return _evaluate(order.product("vjp", chosen, wrt), *given)

        return (None, *pulled(order, tensors, cotangents, ctx.needs_input_grad[1:], evaluate))

    @staticmethod
    def jvp(ctx: Any, _: None, *tangents: Tensor | None) -> tuple[Tensor, ...]:
        order, tensors = ctx.order, ctx.saved_tensors
        wrt = tuple([i for i, seed in enumerate(tangents) if seed is not None])
        seeds = [seed for seed in tangents if seed is not None]
        pushed = order.product("jvp", tuple(range(len(order.results))), wrt)
        made = _evaluate(pushed, *tensors, *seeds)
        return tuple([tensor / order.points(tensors) for tensor in made] if order.mean else made)

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int | None, ...], order: Order, *tensors: Tensor
    ) -> tuple[tuple[Tensor, ...], tuple[int, ...]]:
        # A mapped axis is one more axis of points: what is shared or summed no longer is.
        lanes = info.batch_size
        dims = in_dims[1:]
        mapped = list(zip(order.slots, tensors, dims, strict=True))
        spread = any(slot.shared for slot in order.results) or any(
            slot.shared and dim is not None for slot, _, dim in mapped
        )
        count = next(
            t.movedim(dim, 0).shape[1 + order.last] if dim is not None else t.shape[order.last]
            for slot, t, dim in mapped
            if not slot.shared
        )
        given = []
        for slot, tensor, dim in mapped:
            if slot.shared and not spread:
                given.append(tensor)
                continue
            lane = tensor.expand(lanes, *tensor.shape) if dim is None else tensor.movedim(dim, 0)
            table = repeated(lane, count, order.last) if slot.shared else lane
            given.append(
                table.movedim(0, 1).reshape(slot.size, lanes * count)
                if order.last
                else table.reshape(lanes * count, slot.size)
            )
        results = _evaluate(order.spread if spread else order, *given)
        made = []
        for tensor, slot in zip(results, order.results, strict=True):
            if order.last:
                table = tensor.reshape(slot.size, lanes, count).movedim(1, 0)
            else:
                table = tensor.reshape(lanes, count, slot.size)
            made.append(table.sum(2 if order.last else 1) if slot.shared else table)
        return tuple(made), (0,) * len(made)


class _Plainly(torch.autograd.Function):  # type: ignore[misc, unused-ignore]
    """The same where no transform of ``torch.func`` is at work, in a third of the time."""

    @staticmethod
    def forward(ctx: Any, order: Order, *tensors: Tensor) -> tuple[Tensor, ...]:
        made = _Evaluate.forward(order, *tensors)
        _Evaluate.setup_context(ctx, (order, *tensors), made)
        return made

    backward = _Evaluate.backward
    jvp = _Evaluate.jvp


def _evaluate(order: Order, *tensors: Tensor) -> Sequence[Tensor]:
    """The results of an order, for autograd to differentiate."""
    transformed = torch._C._are_functorch_transforms_active()
    function: Any = _Evaluate if transformed else _Plainly
    made: Sequence[Tensor] = function.apply(order, *tensors)
    return made


class TorchFunction:
    """A compiled function over tensors, differentiable by autograd; ``fn.torch()`` makes it.

    It is called as the compiled function is, with tensors in place of arrays: one tensor of shape
    (*batch, n) or one an input, parameters by keyword, ``tangent=`` and ``cotangent=`` where the
    results need them. Results are tensors of the function's dtype (several: a Result of tensors).

    Backward is the compiled product of the Jacobian with the incoming gradient, for those tensors
    alone that need one; with ``create_graph=True`` that is differentiated likewise, to any order.
    Gradients of what was broadcast, and of parameters that the batch shares, are summed inside
    the kernel. Forward mode (``torch.func.jvp``, ``jacfwd``), ``torch.vmap`` and so all of
    ``torch.func`` work. A kernel is compiled when it is first needed, and kept on disk.
    ``torch.compile`` takes calls into its graphs, forward and backward, as one operation each.

    Attributes:
        fn: the compiled function.
    """

    def __init__(self, fn: CompiledFunction, making: Making) -> None:
        self.fn = fn
        self._making = making
        self._orders: dict[Any, First] = {}
        self._batches: dict[Any, tuple[int, ...]] = {}
        self._dtype = getattr(torch, fn.signature.dtype)
        self._name = named(self, f"{making.workers} {fn.recipe.to_json()}")

    def __call__(
        self,
        /,
        *points: Any,
        tangent: Any = None,
        cotangent: Any = None,
        parameters: Any = None,
        **named: Any,
    ) -> Any:
        """Evaluate at a batch of points.

        Args:
            *points: one tensor of shape (*batch, n) (with ``batch_axis=-1``: (n, *batch)), or one
                tensor or number per input, or a dict of these by name; they broadcast.
            tangent: for "jvp" and "hvp": direction, shape (*batch, len(wrt)).
            cotangent: for "vjp" and "hvp": weights of the outputs, shape (*batch, *S).
            parameters: values of parameters in place of keywords: a dict by name, or a tensor of
                shape (p,) or (*batch, p).
            **named: parameters by keyword; inputs by name where ``points`` is empty.

        Returns:
            The tensor where one derivative was asked for, else a Result of tensors.

        Raises:
            ArgumentError: something is missing, unknown or given twice.
            ShapeError: a tensor's shape does not fit.
            DtypeError: a tensor or an array cannot become the function's dtype.
            DeviceError: a tensor is not where the function is evaluated.
        """
        signature, traced = self.fn.signature, torch.compiler.is_compiling()
        points = unpacked(signature, points)
        points = tuple([self._tensor("a point", point) for point in points])
        values = {name: self._tensor(repr(name), value) for name, value in named.items()}
        if parameters is not None:
            values = self._merged(parameters, values)
        seeds = {"tangent": tangent, "cotangent": cotangent}
        seeds = {k: None if v is None else self._tensor(k, v) for k, v in seeds.items()}
        batch = () if traced else self._batch(points, values, seeds)
        if not points:
            points = inputs_by_name(signature, values)
        if traced:
            if torch._C._are_functorch_transforms_active():
                raise ArgumentError(
                    "torch.func's transforms inside of torch.compile know no functions but "
                    "PyTorch's; keep them out of it with torch.compiler.disable"
                )
            check_call(signature, points, values, seeds)
            batch = self._traced_batch(points)
        last, tensors, shared = self._common(points, values, seeds, batch)
        table = len(points) == 1
        if traced:
            made = evaluate(form_name(self._name, table, shared), tensors)
        else:
            made = _evaluate(self.order(table, shared), *tensors)
        shown = {}
        for tensor, result in zip(made, signature.results, strict=True):
            if signature.reduction is not None:
                shape = result.shape
            elif signature.batch_axis == -1:
                shape = (*result.shape, *batch)
            else:
                tensor = tensor.T if last else tensor
                shape = (*batch, *result.shape)
            shown[result.name] = tensor.reshape(shape)
        return next(iter(shown.values())) if signature.single else Result(shown)

    def order(self, table: bool, shared: tuple[bool, ...]) -> First:
        """What evaluates a call of some form.

        Args:
            table: whether the points are one tensor.
            shared: of every tensor of the common form, whether it is one vector for all points.
        """
        found = self._orders.get((table, shared))
        if found is None:
            signature = self.fn.signature
            names: list[tuple[str, ...]] = [signature.inputs]
            if not table:
                names = [(name,) for name in signature.inputs]
            names += [(name,) for name in signature.parameters]
            for group in signature.groups:
                if group.name in ("tangent", "cotangent"):
                    seeds = [self._making.seed_name(name, 0) for name in group.columns]
                    names.append(tuple(seeds))
            slots = [Slot(one, len(one), alone) for one, alone in zip(names, shared, strict=True)]
            last = signature.batch_axis == -1 or not table
            found = self._orders[table, shared] = First(self.fn, self._making, slots, last, table)
        return found

    def _batch(
        self,
        points: Sequence[Tensor],
        values: Mapping[str, Tensor],
        seeds: Mapping[str, Tensor | None],
    ) -> tuple[int, ...]:
        """The shape of a call's batch, by the rules of every call; kept, they take a while."""
        names = (*range(len(points)), *values, *seeds)
        given = (*points, *values.values(), *seeds.values())
        kinds = tuple([None if t is None else (t.shape, t.dtype) for t in given])
        found = self._batches.get((names, kinds))
        if found is None:
            outlines = [None if t is None else _outline(t) for t in given]
            named = dict(zip(names, outlines, strict=True))
            placed = tuple([named.pop(place) for place in range(len(points))])
            directions = [named.pop(name) for name in seeds]
            found, _ = arguments(self.fn.signature, placed, named, *directions)
            if len(self._batches) >= MOST_SHAPES:
                self._batches.clear()
            self._batches[names, kinds] = found
        return found

    def _traced_batch(self, points: Sequence[Tensor]) -> tuple[int, ...]:
        """The same for ``torch.compile``, which may not know the lengths of axes."""
        signature = self.fn.signature
        if len(points) > 1:
            broadcast: Any = torch.broadcast_shapes
            return tuple(broadcast(*[point.shape for point in points]))
        shape, columns = points[0].shape, len(signature.inputs)
        if columns == 1 and len(shape) <= 1:
            return tuple(shape)
        first = signature.batch_axis == 0
        if not shape or shape[-1 if first else 0] != columns:
            raise ShapeError(f"X has shape {tuple(shape)}, and there are {columns} inputs")
        return tuple(shape[:-1] if first else shape[1:])

    def _common(
        self,
        points: Sequence[Tensor],
        values: Mapping[str, Tensor],
        seeds: Mapping[str, Tensor | None],
        batch: tuple[int, ...],
    ) -> tuple[bool, list[Tensor], tuple[bool, ...]]:
        """A call's tensors in the common form, and which of them all points share.

        The first value says whether points are last.
        """
        signature = self.fn.signature
        inputs, count = signature.inputs, prod(batch)
        table = len(points) == 1
        last = signature.batch_axis == -1 or not table
        tensors, shared = [], []

        def add(alone: bool, tensor: Tensor) -> None:
            shared.append(alone)
            tensors.append(tensor)

        def column(tensor: Tensor, alone: bool) -> None:
            if alone and tensor.numel() == 1:
                add(True, tensor.reshape(1))
                return
            whole = tensor.expand(batch)
            add(False, whole.reshape((1, count) if last else (count, 1)))

        if table:
            n = len(inputs)
            add(False, points[0].reshape((n, count) if last else (count, n)))
        else:
            for tensor in points:
                column(tensor, count != 1)
        for name in signature.parameters:
            column(values[name], True)
        for group in signature.groups:
            seed = seeds.get(group.name)
            if seed is not None:
                size = len(group.columns)
                if direction_is_shared(signature, group.name, seed.shape, batch):
                    add(True, seed.reshape(size))
                elif signature.batch_axis == -1:
                    add(False, seed.reshape(size, count))
                else:
                    flat = seed.reshape(count, size)
                    add(False, flat.T if last else flat)
        return last, tensors, tuple(shared)

    def _tensor(self, name: str, value: Any) -> Tensor:
        """A value of a call as a tensor where the function is evaluated."""
        target = self.fn.recipe.options["target"]
        if not isinstance(value, torch.Tensor):
            if isinstance(value, list | tuple) and any(isinstance(v, torch.Tensor) for v in value):
                raise ArgumentError(
                    f"{name} is a {type(value).__name__} of tensors; make it one by torch.stack"
                )
            dtype = self.fn.signature.numpy_dtype
            if isinstance(value, float) or small_integer(value):
                return torch.tensor(value, dtype=self._dtype, device=target)
            if torch.compiler.is_compiling():  # which knows NumPy's arrays as tensors only
                made = torch.as_tensor(np.asarray(value), device=target)
                if not made.is_complex():
                    return made.to(self._dtype)
            array = np.require(as_array(name, value, dtype), dtype, ["C", "W"])
            return torch.as_tensor(array, device=target)
        if value.device.type != target:
            cure = f"give tensor.{target}()"
            if value.device.type == "cuda":
                cure += ', or compile it with target="cuda"'
            raise DeviceError(
                f"a tensor is on {value.device}, and the function on {target}: {cure}"
            )
        return value

    def _merged(self, parameters: Any, values: dict[str, Tensor]) -> dict[str, Tensor]:
        """The parameters of ``parameters=`` and those by keyword."""
        signature = self.fn.signature
        if isinstance(parameters, Mapping):
            named = by_name(parameters)
            given = {name: self._tensor(repr(name), value) for name, value in named.items()}
            return merged_parameters(signature, given, values)
        tensor = self._tensor("parameters", parameters)
        axis, names = -1 if signature.batch_axis == 0 else 0, signature.parameters
        if tensor.ndim == 0 or tensor.shape[axis] != len(names):
            wanted = f"({len(names)},) or (*batch, {len(names)})"
            raise ShapeError(f"parameters has shape {tuple(tensor.shape)}; {wanted} is needed")
        given = dict(zip(names, tensor.unbind(axis), strict=True))
        return merged_parameters(signature, given, values)

    def __reduce__(self) -> tuple[Callable[..., TorchFunction], tuple[Any, ...]]:
        return _again, (self.fn, self._making.workers)

    def __repr__(self) -> str:
        return f"{self.fn!r}.torch()"


def _again(fn: CompiledFunction, workers: int | None) -> TorchFunction:
    """What unpickling and copying call."""
    made: TorchFunction = fn.torch(workers=workers)
    return made


def _outline(tensor: Tensor) -> Any:
    """An array of a tensor's shape and dtype without its numbers, for the rules of calling."""
    return np.broadcast_to(_zero(tensor.dtype), tuple(tensor.shape))


@lru_cache(maxsize=64)
def _zero(dtype: Any) -> Any:
    try:
        return np.zeros((), str(dtype).removeprefix("torch."))  # no tensor: it would be transformed
    except TypeError:
        raise DtypeError(
            f"NumPy has no {dtype}; convert the tensor with .double() or .float()"
        ) from None
