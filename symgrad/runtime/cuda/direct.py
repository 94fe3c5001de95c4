"""Calls in the commonest form: one contiguous tensor of PyTorch's, parameters that are numbers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

from symgrad.ir.layout import MOST_VALUES, Layout
from symgrad.runtime.arguments import Signature
from symgrad.runtime.arrays import result_shape
from symgrad.runtime.cuda.accelerator import LEGACY, Devices
from symgrad.runtime.cuda.arrays import Shape
from symgrad.runtime.cuda.inputs import numbers
from symgrad.runtime.cuda.launch import Kernels, Launcher
from symgrad.runtime.direct import MOST_SHAPES, small_integer
from symgrad.runtime.result import Result

DirectCall = Callable[[tuple[Any, ...], Mapping[str, Any], Any, bool, int | None], Any]
"""(points, parameters by name, out, accumulate, the handle of the stream that is asked for) -> what
the call gives, or NotImplemented."""


@dataclass(frozen=True)
class TensorAccess:
    """How PyTorch's tensors are read without asking more than is needed.

    Attributes:
        index: the number of a tensor's device; -1 on the host.
        stream: the handle of the current stream of a device.
    """

    index: Callable[[Any], int]
    stream: Callable[[int], int]


def tensor_access() -> TensorAccess:
    """How it is done where PyTorch has been imported."""
    torch = sys.modules["torch"]
    raw = getattr(torch._C, "_cuda_getCurrentRawStream", None)

    def current(index: int) -> int:
        return int(torch.cuda.current_stream(index).cuda_stream)

    return TensorAccess(torch.Tensor.get_device, raw or current)


def direct_call(
    signature: Signature,
    kernels: Kernels,
    devices: Devices,
    access: Callable[[], TensorAccess] = tensor_access,
) -> DirectCall:
    """The direct call of a function, for the commonest form: one contiguous tensor of PyTorch's.

    Parameters are numbers, results new or contiguous tensors. It gives NotImplemented where
    anything else comes; the rules, and the errors, are those of the general call.
    """
    known = ["inputs", "parameters"][: 1 + bool(signature.parameters)]
    if (
        signature.reduction is not None
        or [group.name for group in signature.groups] != known
        or len(signature.parameters) > MOST_VALUES
    ):
        return lambda points, named, out, accumulate, stream: NotImplemented
    names, single = signature.parameters, signature.single
    results, first = signature.results, signature.batch_axis == 0
    values = partial(numbers, dtype=signature.dtype)
    itemsize = signature.numpy_dtype.itemsize
    plans: dict[Shape, tuple[int, int, list[tuple[str, Shape, int]]]] = {}
    launchers: dict[tuple[int, bool], Launcher] = {}
    tensor: Any = None
    dtype: Any = None
    index_of: Callable[[Any], int]
    stream_of: Callable[[int], int]

    def plan_of(shape: Shape) -> tuple[int, int, list[tuple[str, Shape, int]]] | None:
        """Points, step and results for points of a shape; None where they are wrong or none."""
        columns = len(signature.inputs)
        if columns == 1 and len(shape) <= 1:
            batch = tuple(shape)
        elif shape and shape[-1 if first else 0] == columns:
            batch = tuple(shape[:-1] if first else shape[1:])
        else:
            return None
        count = prod(batch)
        if not count:
            return None
        if len(plans) >= MOST_SHAPES:
            plans.clear()
        wanted = [
            (r.name, result_shape(r.shape, batch, signature.batch_axis), r.size * count * itemsize)
            for r in results
        ]
        made = plans[tuple(shape)] = count, columns if first else count, wanted
        return made

    # What an ordinary call does is written out: this is the whole cost of a small batch.
    def call(
        points: tuple[Any, ...],
        named: Mapping[str, Any],
        out: Any,
        accumulate: bool,
        stream: int | None,
    ) -> Any:
        nonlocal tensor, dtype, index_of, stream_of
        if len(points) != 1:
            return NotImplemented
        given = points[0]
        if type(given) is not tensor or tensor is None:
            torch = sys.modules.get("torch")
            if tensor is not None or torch is None or type(given) is not torch.Tensor:
                return NotImplemented
            found = access()
            index_of, stream_of = found.index, found.stream
            tensor, dtype = torch.Tensor, getattr(torch, signature.dtype)
        if (
            given.dtype is not dtype
            or given.requires_grad
            or not given.is_contiguous()
            or given.is_neg()
            or len(named) != len(names)
        ):
            return NotImplemented
        index = index_of(given)
        if index < 0:
            return NotImplemented
        shape = given.shape
        plan = plans.get(shape) or plan_of(shape)
        if plan is None:
            return NotImplemented
        count, step, wanted = plan
        address = given.data_ptr()
        groups: list[tuple[Any, ...]] = [(address, step)]
        if names:
            row: list[Any] = []
            for name in names:
                number = named.get(name)
                if not (isinstance(number, float) or small_integer(number)):
                    return NotImplemented
                row.append(number)
            groups.append(values(row))
        made: dict[str, Any] = {}
        places = []
        array: Any
        current = stream_of(index) or LEGACY if stream is None or out is None else stream
        if out is None:
            # New tensors come from the allocator of the current stream.
            if accumulate or (stream is not None and stream != current):
                return NotImplemented
            for name, whole, _ in wanted:
                array = made[name] = given.new_empty(whole)
                places.append(array.data_ptr())
        else:
            if type(out) is tensor:
                out = {wanted[0][0]: out} if len(wanted) == 1 else {}
            elif type(out) is Result:
                out = out.as_dict()
            if type(out) is not dict or len(out) != len(wanted):
                return NotImplemented
            end = address + given.numel() * itemsize
            for name, whole, size in wanted:
                array = made[name] = out.get(name)
                if (
                    type(array) is not tensor
                    or array.shape != whole
                    or array.dtype is not dtype
                    or array.requires_grad
                    or not array.is_contiguous()
                    or index_of(array) != index
                ):
                    return NotImplemented
                place = array.data_ptr()
                if place < end and address < place + size:
                    return NotImplemented
                places.append(place)
        launcher = launchers.get((index, accumulate))
        if launcher is None:
            layout = kernels.ordinary
            if accumulate:
                layout = Layout(layout.points, layout.values, layout.shared, True)
            launcher = kernels.launcher(layout, devices.device(index))
            launchers[index, accumulate] = launcher
        launcher(count, current, groups, places)
        return made[wanted[0][0]] if single else Result(made)

    return call
