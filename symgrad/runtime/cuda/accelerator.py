"""Accelerator: all that the rest needs of a device, so that a test can put the host in its place.

Streams are integers, the driver's handles, as every array library gives them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from symgrad.runtime.arrays import Array
from symgrad.runtime.cuda.binary import Binary

LEGACY = 1
"""The handle of the legacy default stream, which array libraries use where they are told nothing;
as a number in ``__cuda_array_interface__`` it has the same meaning."""


class Loaded:
    """A kernel on a device.

    Attributes:
        kernel: what the device launches.
        threads: of a block.
        points: that a block of threads handles at a time.
        block: points whose sums are one row of the results; 0 where points are not summed.
        most: blocks of threads that are launched at most.
        configs: launch configurations by the number of blocks.
    """

    __slots__ = ("block", "configs", "kernel", "most", "points", "threads")

    def __init__(self, kernel: Any, binary: Binary, most: int) -> None:
        self.kernel = kernel
        self.threads, self.points, self.block = binary.threads, binary.points, binary.block
        self.most = most
        self.configs: dict[int, Any] = {}

    def blocks(self, count: int) -> int:
        """Blocks of threads for so many points."""
        return min(-(-count // self.points), self.most)


class Memory:
    """Memory of a device, given back when nothing refers to it any more.

    Attributes:
        address: where it starts.
        nbytes: its size.
        after: the events that have to happen before another may have it.
    """

    __slots__ = ("__weakref__", "address", "after", "nbytes")

    def __init__(self, address: int, nbytes: int) -> None:
        self.address, self.nbytes = address, nbytes
        self.after: list[Any] = []


class Accelerator(Protocol):
    """All that is needed of a device."""

    index: int

    @property
    def name(self) -> str:
        """As people call it."""
        ...

    @property
    def arch(self) -> str:
        """What kernels are compiled for, "sm_90" for instance."""
        ...

    def load(self, binary: Binary) -> Loaded:
        """A kernel that can be launched."""
        ...

    def launch(self, kernel: Loaded, blocks: int, stream: int, arguments: Sequence[Any]) -> None:
        """Launch a kernel: integers take 8 bytes, floats are doubles, float32 is a ``c_float``."""
        ...

    def allocate(self, nbytes: int, stream: int) -> Memory:
        """Memory that may be used by what follows on a stream."""
        ...

    def pinned(self, nbytes: int) -> Array:
        """Bytes of the host that copies can run from and to while the host goes on."""
        ...

    def upload(self, address: int, source: Array, stream: int) -> None:
        """Copy a contiguous array of the host to the device."""
        ...

    def download(self, target: Array, address: int, stream: int) -> None:
        """Copy to a contiguous array of the host."""
        ...

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
        ...

    def stream(self) -> int:
        """A new stream, which lasts as long as the process."""
        ...

    def record(self, stream: int) -> Any:
        """An event: all that has been put on a stream so far."""
        ...

    def wait(self, stream: int, event: Any) -> None:
        """Have a stream wait for an event."""
        ...

    def finish(self, event: Any) -> None:
        """Wait for an event."""
        ...

    def finished(self, event: Any) -> bool:
        """Whether an event has happened."""
        ...

    def synchronize(self, stream: int) -> None:
        """Wait for all that is on a stream."""
        ...

    def capsule(self, memory: Memory, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
        """A DLPack capsule of an array in memory that starts where ``memory`` does."""
        ...

    @property
    def dlpack(self) -> tuple[int, int]:
        """DLPack's name of the device: its kind and number."""
        ...


class Devices(Protocol):
    """The devices of a machine."""

    def count(self) -> int:
        """How many there are; 0 where nothing is installed."""
        ...

    def device(self, index: int) -> Accelerator:
        """One of them, by its number."""
        ...

    def owner(self, address: int) -> int:
        """The number of the device that an address belongs to; -1 where it is none."""
        ...
