"""Device: memory, streams, copies and launches on one GPU; nothing else speaks to the driver."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np

from symgrad.errors import DeviceError, LimitError
from symgrad.runtime.arrays import Array
from symgrad.runtime.cuda.accelerator import Accelerator, Loaded, Memory
from symgrad.runtime.cuda.binary import Binary
from symgrad.runtime.cuda.nvrtc import arch_of

WAVES = 4
"""Blocks are launched for so many times what a device holds at once: late blocks fill the gaps."""

INSTALL = 'pip install "symgrad[cuda]"'


class Device:
    """One GPU through ``cuda.bindings`` (memory, streams) and ``cuda.core`` (kernels).

    Its context is the device's primary one, which all array libraries share; a thread in which
    another is current gets that one back after every call.

    Attributes:
        index: its number.
        name: as the driver gives it, "NVIDIA H200".
        arch: what kernels are compiled for, "sm_90".
        multiprocessors: how many it has.
    """

    def __init__(self, index: int) -> None:
        from cuda.core import LaunchConfig, ObjectCode, Stream, launch  # noqa: PLC0415 - optional

        self.index = index
        self._driver = driver()
        self._launch, self._core = launch, (ObjectCode, LaunchConfig, Stream)
        device = self._call("cuDeviceGet", index)
        self._context = self._call("cuDevicePrimaryCtxRetain", device)
        self._handle = int(self._context)
        self._here = _Here(self._driver, self._context, index)
        self._queues: dict[int, Any] = {}
        self._housekeeping = self.stream()
        name: bytes = self._call("cuDeviceGetName", 256, device)
        self.name = name.split(b"\0")[0].decode()
        prefix = "CU_DEVICE_ATTRIBUTE_"
        self.multiprocessors, major, minor = (
            int(self._call("cuDeviceGetAttribute", getattr(kinds, prefix + kind), device))
            for kinds in (self._driver.CUdevice_attribute,)
            for kind in (
                "MULTIPROCESSOR_COUNT",
                "COMPUTE_CAPABILITY_MAJOR",
                "COMPUTE_CAPABILITY_MINOR",
            )
        )
        self.arch = arch_of(major, minor)

    def _call(self, name: str, *arguments: Any) -> Any:
        """What a call of the driver gives; an error says what failed and where."""
        return checked(self._driver, name, getattr(self._driver, name)(*arguments), self.index)

    def load(self, binary: Binary) -> Loaded:
        """A kernel that can be launched.

        Raises:
            DeviceError: the driver refuses the machine code.
        """
        object_code = self._core[0]
        try:
            with self._here:
                code = object_code.from_cubin(binary.code, name=binary.name)
                kernel = code.get_kernel(binary.name)
                fit = kernel.occupancy.max_active_blocks_per_multiprocessor(binary.threads, 0)
        except Exception as error:  # of classes that cuda.core keeps to itself
            raise DeviceError(
                f"GPU {self.index} refuses machine code for {binary.arch} ({error}); its driver "
                "may be of an older major version than the compiler: update the driver, or install "
                "the CUDA packages of the driver's version"
            ) from error
        return Loaded(kernel, binary, max(1, fit) * self.multiprocessors * WAVES)

    def launch(self, kernel: Loaded, blocks: int, stream: int, arguments: Sequence[Any]) -> None:
        """Launch a kernel: integers take 8 bytes, floats are doubles, float32 is a ``c_float``."""
        config, queue = kernel.configs.get(blocks), self._queues.get(stream)
        current = config is not None and queue is not None
        if current and int(self._driver.cuCtxGetCurrent()[1]) == self._handle:
            self._launch(queue, config, kernel.kernel, *arguments)
            return
        _, launch_config, streams = self._core
        with self._here:
            if config is None:
                config = kernel.configs[blocks] = launch_config(grid=blocks, block=kernel.threads)
            if queue is None:
                queue = self._queues[stream] = streams.from_handle(stream)
            self._launch(queue, config, kernel.kernel, *arguments)

    def allocate(self, nbytes: int, stream: int) -> Memory:
        """Memory that may be used by what follows on a stream."""
        with self._here:
            address = int(self._call("cuMemAllocAsync", max(nbytes, 1), stream))
        memory = Memory(address, nbytes)
        weakref.finalize(memory, self._release, address, memory.after).atexit = False
        return memory

    def _release(self, address: int, after: list[Any]) -> None:
        # A driver that is shutting down may refuse; there is no one left to tell.
        with suppress(DeviceError), self._here:
            for event in after:
                self._driver.cuStreamWaitEvent(self._housekeeping, event.handle, 0)
            self._driver.cuMemFreeAsync(address, self._housekeeping)

    def _discard(self, name: str, what: Any) -> None:
        """Give something back in the context that it is of; any thread may be the one to do so."""
        with suppress(DeviceError), self._here:
            getattr(self._driver, name)(what)

    def pinned(self, nbytes: int) -> Array:
        """Bytes of the host that copies can run from and to while the host goes on."""
        with self._here:
            portable = self._driver.CU_MEMHOSTALLOC_PORTABLE
            address = int(self._call("cuMemHostAlloc", max(nbytes, 1), portable))
        buffer = (ctypes.c_uint8 * nbytes).from_address(address)
        # The array refers to the buffer: it lives as long as any view of the array.
        weakref.finalize(buffer, self._discard, "cuMemFreeHost", address).atexit = False
        made: Array = np.ctypeslib.as_array(buffer)
        return made

    def upload(self, address: int, source: Array, stream: int) -> None:
        """Copy a contiguous array of the host to the device."""
        with self._here:
            self._call("cuMemcpyHtoDAsync", address, source.ctypes.data, source.nbytes, stream)

    def download(self, target: Array, address: int, stream: int) -> None:
        """Copy to a contiguous array of the host."""
        with self._here:
            self._call("cuMemcpyDtoHAsync", target.ctypes.data, address, target.nbytes, stream)

    def copy(
        self,
        target: int,
        target_step: int,
        source: int,
        source_step: int,
        width: int,
        rows: int,
        stream: int,
    ) -> None:
        """Copy ``rows`` runs of ``width`` bytes, whose beginnings are the steps apart."""
        if rows == 1:  # copies with steps have none of more than 2 GiB
            with self._here:
                self._call("cuMemcpyDtoDAsync", target, source, width, stream)
            return
        order = self._driver.CUDA_MEMCPY2D()
        on_device = self._driver.CUmemorytype.CU_MEMORYTYPE_DEVICE
        order.dstMemoryType = order.srcMemoryType = on_device
        order.dstDevice, order.dstPitch = target, target_step
        order.srcDevice, order.srcPitch = source, source_step
        order.WidthInBytes, order.Height = width, rows
        with self._here:
            self._call("cuMemcpy2DAsync", order, stream)

    def stream(self) -> int:
        """A new stream, which lasts as long as the process."""
        with self._here:
            flag = self._driver.CUstream_flags.CU_STREAM_NON_BLOCKING
            return int(self._call("cuStreamCreate", flag))

    def record(self, stream: int) -> Any:
        """An event: all that has been put on a stream so far."""
        with self._here:
            flag = self._driver.CUevent_flags.CU_EVENT_DISABLE_TIMING
            event = Event(self._call("cuEventCreate", flag))
            weakref.finalize(event, self._discard, "cuEventDestroy", event.handle).atexit = False
            self._call("cuEventRecord", event.handle, stream)
        return event

    def wait(self, stream: int, event: Any) -> None:
        """Have a stream wait for an event."""
        with self._here:
            self._call("cuStreamWaitEvent", stream, event.handle, 0)

    def finish(self, event: Any) -> None:
        """Wait for an event."""
        with self._here:
            self._call("cuEventSynchronize", event.handle)

    def finished(self, event: Any) -> bool:
        """Whether an event has happened."""
        with self._here:
            return int(self._driver.cuEventQuery(event.handle)[0]) == 0

    def synchronize(self, stream: int) -> None:
        """Wait for all that is on a stream."""
        with self._here:
            self._call("cuStreamSynchronize", stream)

    @property
    def dlpack(self) -> tuple[int, int]:
        """DLPack's name of the device: its kind, which is 2, and its number."""
        return 2, self.index

    def capsule(self, memory: Memory, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
        """A DLPack capsule of an array in memory that starts where ``memory`` does."""
        from cuda.core import Buffer  # noqa: PLC0415 - optional
        from cuda.core.utils import StridedMemoryView  # noqa: PLC0415 - optional

        with self._here:
            buffer = Buffer.from_handle(memory.address, memory.nbytes, owner=memory)
            view = StridedMemoryView.from_buffer(buffer, shape, dtype=dtype)
            return view.__dlpack__(stream=-1)


class Event:
    """A place in the work of a stream."""

    __slots__ = ("__weakref__", "handle")

    def __init__(self, handle: Any) -> None:
        self.handle = handle


class _Here:
    """Makes a device's context the thread's current one for a while."""

    def __init__(self, driver: Any, context: Any, index: int) -> None:
        self._driver, self._context, self._index = driver, context, index

    def __enter__(self) -> None:
        answer = self._driver.cuCtxPushCurrent(self._context)
        if int(answer[0]):
            checked(self._driver, "cuCtxPushCurrent", answer, self._index)

    def __exit__(self, *_: object) -> None:
        self._driver.cuCtxPopCurrent()


class Machine:
    """The GPUs of this machine."""

    def count(self) -> int:
        """How many GPUs there are; 0 where the package or the driver is missing."""
        try:
            return _count()
        except DeviceError:
            return 0

    def device(self, index: int) -> Accelerator:
        """A GPU by its number.

        Raises:
            DeviceError: the package, the driver or that GPU is missing; the message says which.
        """
        return _device(index)

    def owner(self, address: int) -> int:
        """The number of the GPU that an address belongs to; -1 where it is none."""
        library = driver()
        attribute = library.CUpointer_attribute.CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL
        status, index = library.cuPointerGetAttribute(attribute, address)
        return int(index) if int(status) == 0 else -1


@cache
def driver() -> Any:
    """The driver's functions, ready for use.

    Raises:
        DeviceError: the package or the driver is missing; the message says which.
    """
    try:
        import cuda.core  # noqa: F401, PLC0415 - optional
        from cuda.bindings import driver as library  # noqa: PLC0415 - optional
    except ImportError as error:
        raise DeviceError(
            f"target='cuda' needs the packages cuda-core and cuda-bindings ({error}); "
            f"install them with: {INSTALL}"
        ) from None
    try:
        status = library.cuInit(0)
    except Exception as error:
        # The bindings say so with different exceptions from version to version.
        raise DeviceError(
            f"NVIDIA's driver cannot be loaded ({error}); install it (on Linux it brings "
            "libcuda.so.1), or use target='cpu'"
        ) from None
    checked(library, "cuInit", status, None)
    return library


@cache
def _count() -> int:
    return int(checked(driver(), "cuDeviceGetCount", driver().cuDeviceGetCount(), None))


@cache
def _device(index: int) -> Device:
    count = _count()
    if not 0 <= index < count:
        there = f"there are {count}, from 0 to {count - 1}" if count else "there is none"
        raise DeviceError(
            f"there is no GPU {index}: {there} (CUDA_VISIBLE_DEVICES hides those it does not name)"
        )
    return Device(index)


def checked(library: Any, name: str, answer: Any, index: int | None) -> Any:
    """What a call of the driver gave, without its status.

    Raises:
        LimitError: there is not that much memory.
        DeviceError: anything else went wrong.
    """
    status, *values = answer
    if int(status) == 0:
        return values[0] if values else None
    where = "" if index is None else f" on GPU {index}"
    words = str(getattr(status, "name", status))
    if words == "CUDA_ERROR_OUT_OF_MEMORY":
        raise LimitError(f"{name}{where}: out of memory; evaluate the batch in parts, or free some")
    cure = {
        "CUDA_ERROR_NO_DEVICE": "there is no GPU, or CUDA_VISIBLE_DEVICES hides it",
        "CUDA_ERROR_NOT_INITIALIZED": "this process was forked from one that used the GPU; start "
        "workers with the method 'spawn'",
    }.get(words)
    if cure is None:
        said = library.cuGetErrorString(status)[1]
        cure = said.decode() if isinstance(said, bytes) else str(said)
    raise DeviceError(f"{name} failed{where} ({words}): {cure}")
