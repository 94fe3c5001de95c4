"""The libraries whose arrays are taken and given: PyTorch, CuPy, JAX, and those with a protocol.

Each is asked for a few things: what one of its arrays is, on which stream it works, a new array for
a result, and copies of arrays whose steps a kernel cannot follow. None is imported here: an array
of a library that nobody imported cannot come.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from math import prod
from typing import Any

import numpy as np

from symgrad.errors import ArgumentError, DeviceError
from symgrad.runtime.cuda.accelerator import LEGACY, Accelerator, Devices
from symgrad.runtime.cuda.arrays import (
    DeviceArray,
    Library,
    Seen,
    Shape,
    copied,
    own_array,
    packed_strides,
    seen_own,
    uploaded,
)

KIND_CUDA, KIND_MANAGED = 2, 13
"""DLPack's names for memory of a GPU, and for memory that moves between it and the host."""


class Torch:
    """PyTorch's tensors."""

    name = "torch"
    keeps = True

    def holds(self, value: Any) -> bool:
        """Whether this is a tensor on a device."""
        torch = sys.modules.get("torch")
        return torch is not None and isinstance(value, torch.Tensor) and self.index(value) >= 0

    def index(self, tensor: Any) -> int:
        """The number of a tensor's device; -1 on the host."""
        return int(tensor.get_device())

    def current(self, index: int) -> int:
        """The handle of PyTorch's current stream of a device."""
        torch = sys.modules["torch"]
        return int(torch.cuda.current_stream(index).cuda_stream) or LEGACY

    def on(self, index: int, stream: int) -> AbstractContextManager[Any]:
        """Has PyTorch work on a stream."""
        if stream == self.current(index):
            return nullcontext()
        cuda = sys.modules["torch"].cuda
        made: AbstractContextManager[Any] = cuda.stream(cuda.ExternalStream(stream, device=index))
        return made

    def stream(self, value: Any) -> int | None:
        """The current stream of the tensor's device."""
        return self.current(self.index(value))

    def see(self, name: str, value: Any, stream: int, devices: Devices) -> Seen:
        """What a tensor is.

        Raises:
            ArgumentError: autograd would have to follow the call, or it is no strided tensor.
        """
        torch = sys.modules["torch"]
        if value.requires_grad and torch.is_grad_enabled():
            raise ArgumentError(
                f"{name} requires grad, and autograd does not see into a kernel; pass .detach() of "
                'it, and hand autograd what a function compiled for "vjp" gives'
            )
        if value.layout is not torch.strided:
            raise ArgumentError(f"{name} is a tensor of layout {value.layout}; use .to_dense()")
        if value.is_neg():
            value = value.resolve_neg()
        itemsize = value.element_size()
        return Seen(
            value,
            self,
            value.data_ptr(),
            tuple(value.shape),
            tuple(step * itemsize for step in value.stride()),
            str(value.dtype).removeprefix("torch."),
            self.index(value),
        )

    def empty(
        self, like: Seen, shape: Shape, dtype: np.dtype[Any], stream: int, device: Accelerator
    ) -> Any:
        """A tensor from PyTorch's allocator, of the stream."""
        # The points have been checked to have that dtype.
        with self.on(like.device, stream):
            return like.value.new_empty(shape)

    def handed(self, value: Any) -> Any:
        """The tensor itself."""
        return value

    def packed(self, name: str, array: Seen, stream: int, device: Accelerator) -> Any:
        """PyTorch's copy."""
        with self.on(device.index, stream):
            return array.value.contiguous()

    def stacked(
        self, values: Sequence[Seen | float], shape: Shape, axis: int, at: Accelerator, stream: int
    ) -> Any:
        """One kernel of PyTorch's."""
        torch = sys.modules["torch"]
        first = next(value.value for value in values if isinstance(value, Seen))
        with self.on(at.index, stream):
            parts = [
                torch.as_tensor(v.value) if isinstance(v, Seen) else first.new_full((), v)
                for v in values
            ]
            return torch.stack([part.expand(shape) for part in parts], axis).contiguous()


class Handle(int):
    """The driver's handle of a stream, as the CUDA stream protocol has it."""

    def __cuda_stream__(self) -> tuple[int, int]:
        return 0, int(self)


class Cupy:
    """CuPy's arrays."""

    name = "cupy"
    keeps = True

    def holds(self, value: Any) -> bool:
        """Whether this is an array of CuPy's."""
        cupy = sys.modules.get("cupy")
        return cupy is not None and isinstance(value, cupy.ndarray)

    def stream(self, value: Any) -> int | None:
        """CuPy's current stream."""
        return int(sys.modules["cupy"].cuda.get_current_stream(value.device.id).ptr) or LEGACY

    def on(self, index: int, stream: int) -> tuple[AbstractContextManager[Any], ...]:
        """Has CuPy work on a device and a stream."""
        cuda = sys.modules["cupy"].cuda
        if stream == (int(cuda.get_current_stream(index).ptr) or LEGACY):
            # Its own object: its allocator tells streams apart by their handles, of which the
            # default stream has two.
            return cuda.Device(index), nullcontext()
        make = getattr(cuda.Stream, "from_external", None)  # since CuPy 14, which drops the other
        return cuda.Device(index), make(Handle(stream)) if make else cuda.ExternalStream(stream)

    def see(self, name: str, value: Any, stream: int, devices: Devices) -> Seen:
        """What an array is."""
        return Seen(
            value,
            self,
            int(value.data.ptr),
            tuple(value.shape),
            tuple(value.strides),
            str(value.dtype),
            int(value.device.id),
        )

    def empty(
        self, like: Seen, shape: Shape, dtype: np.dtype[Any], stream: int, device: Accelerator
    ) -> Any:
        """An array from CuPy's allocator, of the stream."""
        place, queue = self.on(device.index, stream)
        with place, queue:
            return sys.modules["cupy"].empty(shape, dtype)

    def handed(self, value: Any) -> Any:
        """The array itself."""
        return value

    def packed(self, name: str, array: Seen, stream: int, device: Accelerator) -> Any:
        """CuPy's copy."""
        place, queue = self.on(device.index, stream)
        with place, queue:
            return sys.modules["cupy"].ascontiguousarray(array.value)

    def stacked(
        self, values: Sequence[Seen | float], shape: Shape, axis: int, at: Accelerator, stream: int
    ) -> Any:
        """One kernel of CuPy's."""
        cupy = sys.modules["cupy"]
        dtype = next(value.dtype for value in values if isinstance(value, Seen))
        place, queue = self.on(at.index, stream)
        with place, queue:
            parts = [
                cupy.asarray(v.value) if isinstance(v, Seen) else cupy.full((), v, dtype)
                for v in values
            ]
            made = cupy.stack([cupy.broadcast_to(part, shape) for part in parts], axis)
            return cupy.ascontiguousarray(made)


class Foreign:
    """Anything with DLPack or ``__cuda_array_interface__``: numba's arrays, and our own."""

    name = "foreign"
    keeps = False

    def holds(self, value: Any) -> bool:
        """Whether one of the protocols names a device."""
        if hasattr(value, "__cuda_array_interface__"):
            return True
        place = getattr(value, "__dlpack_device__", None)
        return place is not None and place()[0] in (KIND_CUDA, KIND_MANAGED)

    def stream(self, value: Any) -> int | None:
        """The stream that the interface names."""
        interface = getattr(value, "__cuda_array_interface__", None)
        return None if interface is None else interface.get("stream")

    def see(self, name: str, value: Any, stream: int, devices: Devices) -> Seen:
        """What the protocol says; the interface, where there is one, which costs least.

        Raises:
            ArgumentError: the array has a mask.
            DeviceError: its memory belongs to no GPU.
        """
        interface = getattr(value, "__cuda_array_interface__", None)
        if interface is None:
            return self.imported(name, value, stream)
        if interface.get("mask") is not None:
            raise ArgumentError(f"{name} has a mask, which a kernel cannot follow; fill it in")
        dtype = np.dtype(interface["typestr"])
        shape = tuple(interface["shape"])
        address, read_only = interface["data"]
        index = -1
        if prod(shape):
            index = devices.owner(address)
            if index < 0:
                raise DeviceError(f"{name}: the memory of {type(value).__name__} is of no GPU here")
        strides = interface.get("strides")
        return Seen(
            value,
            self,
            address,
            shape,
            packed_strides(shape, dtype.itemsize) if strides is None else tuple(strides),
            str(dtype),
            index,
            interface.get("stream"),
            not read_only,
        )

    def imported(self, name: str, value: Any, stream: int) -> Seen:
        """What DLPack says; the producer makes ``stream`` wait for the array."""
        from cuda.core.utils import StridedMemoryView  # noqa: PLC0415 - optional

        view = StridedMemoryView.from_dlpack(value, stream)
        dtype, shape = np.dtype(view.dtype), tuple(view.shape)
        strides = packed_strides(shape, dtype.itemsize)
        if view.strides is not None:
            strides = tuple(step * dtype.itemsize for step in view.strides)
        return Seen(
            *(value, self, view.ptr, shape, strides, str(dtype), view.device_id, None),
            writable=not view.readonly,
            holder=view,
        )

    def empty(
        self, like: Seen, shape: Shape, dtype: np.dtype[Any], stream: int, device: Accelerator
    ) -> Any:
        """An array of our own."""
        return own_array(shape, dtype, stream, device)

    def handed(self, value: Any) -> Any:
        """The array of our own."""
        return value

    def packed(self, name: str, array: Seen, stream: int, device: Accelerator) -> Any:
        """Copies by the driver.

        Raises:
            ArgumentError: the array has more steps than a few copies can follow.
        """
        made = own_array(array.shape, np.dtype(array.dtype), stream, device)
        steps = packed_strides(array.shape, array.itemsize)
        copied(name, array, made.memory.address, steps, stream, device)
        return made

    def stacked(
        self, values: Sequence[Seen | float], shape: Shape, axis: int, at: Accelerator, stream: int
    ) -> Any:
        """Copies by the driver.

        Raises:
            ArgumentError: an array would have to be broadcast, or has too many steps.
        """
        dtype = np.dtype(next(value.dtype for value in values if isinstance(value, Seen)))
        whole = (len(values), *shape) if axis == 0 else (*shape, len(values))
        made = own_array(whole, dtype, stream, at)
        *steps, apart = packed_strides(whole, dtype.itemsize)
        if axis == 0:
            apart, *steps = packed_strides(whole, dtype.itemsize)
        filled: list[DeviceArray] = []
        for place, value in enumerate(values):
            name, target = f"array {place} of {len(values)}", made.memory.address + place * apart
            if not isinstance(value, Seen):
                filled.append(uploaded(np.full(shape, value, dtype), stream, at))
                value = seen_own(filled[-1], self)
            if value.shape != shape:
                raise ArgumentError(
                    f"{name} has shape {value.shape} and would have to become {shape}, which "
                    f"{type(value.value).__name__} cannot do; give arrays of one shape, or numbers"
                )
            copied(name, value, target, tuple(steps), stream, at)
        for array in filled:
            array.memory.after.append(at.record(stream))
        return made


class Jax(Foreign):
    """JAX's arrays: seen through DLPack, which orders the streams; results are given to JAX."""

    name = "jax"

    def holds(self, value: Any) -> bool:
        """Whether this is an array of JAX's on a GPU.

        Raises:
            ArgumentError: a traced one, which has no memory.
        """
        jax = sys.modules.get("jax")
        if jax is None or not isinstance(value, jax.Array):
            return False
        if isinstance(value, jax.core.Tracer):
            raise ArgumentError(
                "inside jax.jit, jax.grad and jax.vmap an array has no memory that a kernel could "
                "read; call the function outside of them"
            )
        return self.kind(value) in (KIND_CUDA, KIND_MANAGED)

    def kind(self, value: Any) -> int:
        """DLPack's name of the memory's kind."""
        return int(value.__dlpack_device__()[0])

    def stream(self, value: Any) -> int | None:
        """JAX names none."""
        return None

    def see(self, name: str, value: Any, stream: int, devices: Devices) -> Seen:
        """What DLPack says; JAX's arrays never change, so nothing is written into one."""
        return self.imported(name, value, stream)._replace(writable=False)

    def handed(self, value: Any) -> Any:
        """JAX's array in the same memory."""
        return sys.modules["jax"].dlpack.from_dlpack(value)

    def packed(self, name: str, array: Seen, stream: int, device: Accelerator) -> Any:
        """JAX's copy."""
        return sys.modules["jax"].numpy.array(array.value)

    def stacked(
        self, values: Sequence[Seen | float], shape: Shape, axis: int, at: Accelerator, stream: int
    ) -> Any:
        """One kernel of JAX's."""
        jnp = sys.modules["jax"].numpy
        dtype = next(value.dtype for value in values if isinstance(value, Seen))
        parts = [value.value if isinstance(value, Seen) else value for value in values]
        return jnp.stack([jnp.broadcast_to(jnp.asarray(p, dtype), shape) for p in parts], axis)


ON_HOST = frozenset({float, int, np.ndarray, np.float64, np.float32, list, tuple, type(None), str})
"""Types that need no question."""

FOREIGN = Foreign()
"""What arrays of our own belong to."""

LIBRARIES: tuple[Library, ...] = (Torch(), Cupy(), Jax(), FOREIGN)
"""Those that are asked, in this order."""


def library_of(value: Any, libraries: Sequence[Library]) -> Library | None:
    """Whose array on a device a value is; None where it lies on the host."""
    if type(value) in ON_HOST:
        return None
    for library in libraries:
        if library.holds(value):
            return library
    return None
