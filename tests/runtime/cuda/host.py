"""A GPU that is none: memory of the host, functions of the host, and streams that lag behind.

What is put on a stream runs only when somebody waits for it, memory that is given back is filled
with nan, and page-locked memory is read when a copy runs, not when it is asked for. So what does
not wait where it has to reads wrong values.
"""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from itertools import count
from typing import Any

import numpy as np

from symgrad.runtime.cuda.accelerator import LEGACY, Loaded, Memory
from symgrad.runtime.cuda.binary import Binary
from symgrad.runtime.cuda.libraries import Foreign, Jax, Torch

STREAM = 7
"""The current stream of the libraries."""

Kernel = Callable[[int, int, Sequence[Any]], None]

kernels: dict[bytes, Kernel] = {}
"""What a binary of these tests stands for."""


class Event:
    def __init__(self, queue: HostStream, place: int) -> None:
        self.queue, self.place = queue, place

    @property
    def done(self) -> bool:
        return self.queue.run >= self.place


class HostStream:
    """Work in order, of which so much has been run."""

    def __init__(self) -> None:
        self.work: list[Callable[[], None]] = []
        self.run = 0

    def until(self, place: int) -> None:
        while self.run < place:
            self.run += 1
            self.work[self.run - 1]()


class HostDevice:
    name = "a host"
    arch = "sm_90"
    multiprocessors = 2

    def __init__(self, index: int, limit: int = 1 << 40) -> None:
        self.index, self.limit = index, limit
        self.streams: dict[int, HostStream] = {LEGACY: HostStream(), STREAM: HostStream()}
        self.memories: list[np.ndarray] = []
        self.locked: list[np.ndarray] = []
        self.dead: list[range] = []
        self.buried: list[np.ndarray] = []
        self.launches: list[tuple[int, int, list[Any]]] = []
        self.waits: list[tuple[int, Any]] = []
        self.handles = count(100 * (index + 1))

    def queue(self, stream: int) -> HostStream:
        return self.streams.setdefault(stream, HostStream())

    def put(self, stream: int, work: Callable[[], None]) -> None:
        assert isinstance(stream, int)
        self.queue(stream).work.append(work)

    def load(self, binary: Binary) -> Loaded:
        assert binary.arch == self.arch
        return Loaded(kernels[binary.code], binary, 6)

    def launch(self, kernel: Loaded, blocks: int, stream: int, arguments: Sequence[Any]) -> None:
        values = [
            value.value if isinstance(value, ctypes.c_float) else value for value in arguments
        ]
        assert blocks > 0
        self.launches.append((blocks, stream, values))
        self.put(stream, lambda: kernel.kernel(blocks, kernel.threads, values))

    def allocate(self, nbytes: int, stream: int) -> Memory:
        if nbytes > self.limit:
            raise MemoryError("out of memory")
        bytes_ = np.full(nbytes + 16, 0xFF, np.uint8)
        self.memories.append(bytes_)
        memory = Memory(bytes_.ctypes.data, nbytes)
        weakref.finalize(memory, self.release, bytes_, memory.after).atexit = False
        return memory

    def release(self, bytes_: np.ndarray, after: list[Event]) -> None:
        for event in after:
            self.finish(event)
        bytes_[...] = 0xFF
        start = bytes_.ctypes.data
        self.dead.append(range(start, start + bytes_.nbytes))
        self.buried.append(bytes_)

    def move(self, target: int, source: int, nbytes: int) -> None:
        """Copy, if nobody has given the memory back."""
        assert not any(target in gone or source in gone for gone in self.dead)
        ctypes.memmove(target, source, nbytes)

    def pinned(self, nbytes: int) -> np.ndarray:
        self.locked.append(np.full(nbytes, 0xFF, np.uint8))
        return self.locked[-1]

    def upload(self, address: int, source: np.ndarray, stream: int) -> None:
        assert source.flags.c_contiguous
        if not any(np.may_share_memory(source, locked) for locked in self.locked):
            source = source.copy()
        self.put(stream, lambda: self.move(address, source.ctypes.data, source.nbytes))

    def download(self, target: np.ndarray, address: int, stream: int) -> None:
        assert target.flags.c_contiguous
        self.put(stream, lambda: self.move(target.ctypes.data, address, target.nbytes))

    def copy(
        self, target: int, target_step: int, source: int, source_step: int, *rest: int
    ) -> None:
        width, rows, stream = rest
        assert min(target_step, source_step) >= width

        def work() -> None:
            for row in range(rows):
                self.move(target + row * target_step, source + row * source_step, width)

        self.put(stream, work)

    def stream(self) -> int:
        handle = next(self.handles)
        self.queue(handle)
        return handle

    def record(self, stream: int) -> Event:
        queue = self.queue(stream)
        return Event(queue, len(queue.work))

    def wait(self, stream: int, event: Event) -> None:
        self.waits.append((stream, event))
        self.put(stream, lambda: event.queue.until(event.place))

    def finish(self, event: Event) -> None:
        event.queue.until(event.place)

    def finished(self, event: Event) -> bool:
        return event.done

    def synchronize(self, stream: int) -> None:
        self.queue(stream).until(len(self.queue(stream).work))

    def settle(self) -> None:
        """Wait for everything."""
        for stream in self.streams:
            self.synchronize(stream)

    @property
    def dlpack(self) -> tuple[int, int]:
        return 1, 0

    def capsule(self, memory: Memory, shape: tuple[int, ...], dtype: np.dtype) -> Any:
        self.settle()
        buffer = (ctypes.c_uint8 * memory.nbytes).from_address(memory.address)
        buffer.memory = memory
        return np.frombuffer(buffer, dtype).reshape(shape).__dlpack__()


class HostMachine:
    def __init__(self, devices: int = 1, **options: Any) -> None:
        self.devices = [HostDevice(index, **options) for index in range(devices)]
        self.tensors: dict[int, int] = {}

    def count(self) -> int:
        return len(self.devices)

    def device(self, index: int) -> HostDevice:
        return self.devices[index]

    def owner(self, address: int) -> int:
        for device in self.devices:
            for memory in device.memories:
                start = memory.ctypes.data
                if start <= address < start + memory.nbytes:
                    return device.index
        return -1

    def settle(self) -> None:
        for device in self.devices:
            device.settle()


class HostTorch(Torch):
    """Tensors of the host as if they were on device 0, or on the one that ``places`` has.

    PyTorch's allocator reuses memory in the order of a stream; here it is kept for good.
    """

    def __init__(self) -> None:
        self.places: dict[int, int] = {}
        self.entered: list[int] = []
        self.kept: list[Any] = []
        self.made: list[Any] = []

    def empty(self, *arguments: Any) -> Any:
        self.made.append(super().empty(*arguments))
        return self.made[-1]

    def packed(self, *arguments: Any) -> Any:
        self.made.append(super().packed(*arguments))
        return self.made[-1]

    def stacked(self, *arguments: Any) -> Any:
        self.made.append(super().stacked(*arguments))
        return self.made[-1]

    def index(self, tensor: Any) -> int:
        self.kept.append(tensor)
        return self.places.get(id(tensor), 0)

    def current(self, index: int) -> int:
        return STREAM

    def on(self, index: int, stream: int) -> Any:
        self.entered.append(stream)
        return nullcontext()


class HostJax(Jax):
    """JAX's arrays of the host as if they were on device 0."""

    def kind(self, value: Any) -> int:
        return 2

    def imported(self, name: str, value: Any, stream: int) -> Any:
        return imported(self, value)


class HostForeign(Foreign):
    """Objects with DLPack as if they were on device 0."""

    def imported(self, name: str, value: Any, stream: int) -> Any:
        return imported(self, value)


def imported(library: Any, value: Any) -> Any:
    from symgrad.runtime.cuda.arrays import Seen

    array = np.from_dlpack(value)
    return Seen(
        *(value, library, array.ctypes.data, array.shape, array.strides, str(array.dtype), 0),
        holder=array,
    )


class Plain:
    """An array of no library, with the interface alone, in the memory of a device."""

    def __init__(
        self, device: HostDevice, array: np.ndarray, stream: int | None = None, **more: Any
    ) -> None:
        # The bytes from the first to the last, whatever the steps.
        reach = [(n - 1) * step for n, step in zip(array.shape, array.strides, strict=True)]
        low = sum(step for step in reach if step < 0) if array.size else 0
        high = sum(step for step in reach if step > 0) if array.size else 0
        nbytes = high - low + array.itemsize if array.size else 0
        self.memory = device.allocate(nbytes, LEGACY)
        ctypes.memmove(self.memory.address, array.ctypes.data + low, nbytes)
        self.shape, self.dtype = array.shape, array.dtype
        self.interface = {
            "shape": array.shape,
            "typestr": array.dtype.str,
            "data": (self.memory.address - low, False),
            "strides": array.strides,
            "version": 3,
            "stream": stream,
            **more,
        }

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return self.interface

    def read(self) -> np.ndarray:
        """The entries, of an array without gaps."""
        size = int(np.prod(self.shape))
        held = (ctypes.c_uint8 * (size * self.dtype.itemsize)).from_address(
            self.interface["data"][0]
        )
        return np.frombuffer(held, self.dtype).reshape(self.shape).copy()


def at(address: int, dtype: Any, shape: Sequence[int], strides: Sequence[int]) -> np.ndarray:
    """An array over memory at an address, the strides in entries."""
    size = np.dtype(dtype).itemsize
    reach = sum((n - 1) * abs(s) for n, s in zip(shape, strides, strict=True)) + 1
    buffer = (ctypes.c_uint8 * (reach * size)).from_address(address)
    flat = np.frombuffer(buffer, dtype)
    return np.lib.stride_tricks.as_strided(flat, shape, [s * size for s in strides])
