"""Arrays on a device: where they lie, what a library has to do for them, and arrays of our own."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple, Protocol

import numpy as np

from symgrad.errors import ArgumentError
from symgrad.runtime.arrays import Array
from symgrad.runtime.cuda.accelerator import LEGACY, Accelerator, Devices, Memory

Shape = tuple[int, ...]


class Seen(NamedTuple):
    """An array on a device.

    Attributes:
        value: the array itself, so that it lives as long as this record.
        library: who made it.
        address: of its first entry.
        shape: of the array.
        strides: from one entry to the next along each axis, in bytes.
        dtype: the name of its type.
        device: the number of its device; -1 where an array without entries does not say.
        stream: the stream whose work has to be done before it can be read; None where there is
            nothing to wait for.
        writable: whether results may be written into it.
        holder: what else has to live as long as this record.
    """

    value: Any
    library: Library
    address: int
    shape: Shape
    strides: Shape
    dtype: str
    device: int
    stream: int | None = None
    writable: bool = True
    holder: Any = None

    @property
    def itemsize(self) -> int:
        """Bytes of an entry."""
        return np.dtype(self.dtype).itemsize

    @property
    def contiguous(self) -> bool:
        """Whether the entries lie one after the other, the last axis fastest."""
        axes = [(n, step) for n, step in zip(self.shape, self.strides, strict=True) if n != 1]
        sizes = tuple(n for n, _ in axes)
        return 0 in sizes or packed_strides(sizes, self.itemsize) == tuple(s for _, s in axes)


class Library(Protocol):
    """A library of device arrays."""

    name: str
    keeps: bool
    """Whether memory that its user lets go of stays as it is until the stream's work is done."""

    def holds(self, value: Any) -> bool:
        """Whether this is one of its arrays, and on a device."""
        ...

    def stream(self, value: Any) -> int | None:
        """The stream on which the library works with such an array; None where it names none."""
        ...

    def see(self, name: str, value: Any, stream: int, devices: Devices) -> Seen:
        """What the array is; it will be read on ``stream``."""
        ...

    def empty(
        self, like: Seen, shape: Shape, dtype: np.dtype[Any], stream: int, device: Accelerator
    ) -> Any:
        """A new array, which ``see`` takes, for what is computed on a stream."""
        ...

    def handed(self, value: Any) -> Any:
        """What the user is given for an array that ``empty`` made, once it is being filled."""
        ...

    def packed(self, name: str, array: Seen, stream: int, device: Accelerator) -> Any:
        """A copy whose entries lie one after the other."""
        ...

    def stacked(
        self, values: Sequence[Seen | float], shape: Shape, axis: int, at: Accelerator, stream: int
    ) -> Any:
        """Arrays and numbers, broadcast to a shape, along a new first (0) or last axis (-1)."""
        ...


def packed_strides(shape: Shape, itemsize: int) -> Shape:
    """Strides of an array whose entries lie one after the other, the last axis fastest."""
    made: list[int] = []
    for size in reversed(shape):
        made.append(itemsize)
        itemsize *= size
    return tuple(reversed(made))


class DeviceArray:
    """An array in memory of our own; any library that knows one of the protocols takes it.

    Attributes:
        memory: where its entries are, one after the other.
        shape: of the array.
        dtype: of its entries.
        device: where the memory is.
        stream: the stream that fills it.

    Example:
        >>> result = fn(x)                      # x of numba.cuda, for instance
        >>> numba.cuda.as_cuda_array(result)    # without a copy
        >>> result.numpy()                      # on the host
    """

    def __init__(
        self, memory: Memory, shape: Shape, dtype: np.dtype[Any], device: Accelerator, stream: int
    ) -> None:
        self.memory, self.shape, self.dtype = memory, shape, dtype
        self.device, self.stream = device, stream

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of entries."""
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of all entries."""
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("an array without axes has no length")
        return self.shape[0]

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        """The CUDA array interface, version 3."""
        return {
            "shape": self.shape,
            "typestr": self.dtype.str,
            "data": (self.memory.address if self.size else 0, False),
            "strides": None,
            "stream": self.stream,
            "version": 3,
        }

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.device.dlpack

    def __dlpack__(self, *, stream: int | None = None, **_: object) -> Any:
        if stream != -1:
            for event in self.memory.after:
                self.device.wait(stream or LEGACY, event)
        return self.device.capsule(self.memory, self.shape, self.dtype)

    def numpy(self) -> Array:
        """A copy on the host."""
        made = np.empty(self.shape, self.dtype)
        if made.size:
            self.device.download(made, self.memory.address, self.stream)
            self.device.synchronize(self.stream)
        return made

    def __repr__(self) -> str:
        return f"DeviceArray of shape {self.shape}, {self.dtype}, on {self.device.name}"


MOST_COPIES = 256
"""Copies by the driver that may stand for one copy with steps."""


def own_array(shape: Shape, dtype: np.dtype[Any], stream: int, device: Accelerator) -> DeviceArray:
    """A new array of our own, for what is computed on a stream."""
    memory = device.allocate(prod(shape) * dtype.itemsize, stream)
    return DeviceArray(memory, shape, dtype, device, stream)


def uploaded(array: Array, stream: int, device: Accelerator) -> DeviceArray:
    """A copy on a device, for what follows on a stream."""
    made = own_array(array.shape, array.dtype, stream, device)
    if array.size:
        device.upload(made.memory.address, np.ascontiguousarray(array), stream)
    return made


def seen_own(array: DeviceArray, library: Library) -> Seen:
    """What an array of our own is, which nobody else uses yet."""
    strides = packed_strides(array.shape, array.dtype.itemsize)
    index, dtype = array.device.index, str(array.dtype)
    return Seen(array, library, array.memory.address, array.shape, strides, dtype, index)


def copied(
    name: str, array: Seen, target: int, steps: Shape, stream: int, device: Accelerator
) -> None:
    """Copy an array to a target with steps of its own along the same axes."""
    axes: list[tuple[int, int, int]] = []
    for size, source_step, step in zip(array.shape, array.strides, steps, strict=True):
        if size == 1:
            continue
        if axes and axes[-1][1:] == (source_step * size, step * size):
            axes[-1] = (axes[-1][0] * size, source_step, step)
        else:
            axes.append((size, source_step, step))
    if 0 in array.shape:
        return
    # The longest axis is one copy, the others a loop.
    size, source_step, step = max(axes, default=(1, array.itemsize, array.itemsize))
    rest = [axis for axis in axes if axis != (size, source_step, step)]
    if prod(n for n, _, _ in rest) > MOST_COPIES or min(source_step, step) < array.itemsize:
        raise ArgumentError(
            f"{name} of shape {array.shape} has strides {array.strides} in bytes, which a kernel "
            f"cannot follow; give a contiguous copy of the {type(array.value).__name__}"
        )
    width, rows = array.itemsize, size
    if source_step == step == width:
        width, rows = width * size, 1
    for place in np.ndindex(*[n for n, _, _ in rest]):
        from_, to = array.address, target
        for index, (_, source_apart, apart) in zip(place, rest, strict=True):
            from_, to = from_ + index * source_apart, to + index * apart
        device.copy(to, max(step, width), from_, max(source_step, width), width, rows, stream)
