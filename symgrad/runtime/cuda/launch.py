"""Launches: kernels loaded on a device, their arguments, and sums over the points of a batch."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgrad.errors import InvariantError
from symgrad.ir.layout import Layout, kernel_arguments, ordinary_layout
from symgrad.ir.program import Program
from symgrad.runtime.arguments import Signature
from symgrad.runtime.cuda.accelerator import LEGACY, Accelerator
from symgrad.runtime.cuda.arrays import uploaded
from symgrad.runtime.cuda.binary import Binary
from symgrad.runtime.cuda.inputs import numbers


@dataclass(frozen=True)
class CudaCode:
    """Where a function's kernels come from.

    Attributes:
        build: the kernels for a layout and an architecture; they are launched one after the other
            with the same arguments, and each fills some of the entries.
        engine: who compiles: "nvrtc" or "numba".
        ptx: the same kernels as PTX.
        device_function: the function at one point for users' own ``numba.cuda.jit`` code.
        totals: the kernel that adds up the sums of blocks, for an architecture; with True it adds
            to what is there. None where points are not summed.
    """

    build: Callable[[Layout, str], Sequence[Binary]]
    engine: str
    ptx: Callable[[Layout, str], Sequence[str]]
    device_function: Callable[[], Any]
    totals: Callable[[str, bool], Binary] | None = None


class Launcher:
    """The kernels of one layout on one device.

    Attributes:
        layout: what the arguments follow from.
        block: points whose sums are a row of each result; 0 where points are not summed.
    """

    def __init__(
        self, signature: Signature, layout: Layout, binaries: Sequence[Binary], device: Accelerator
    ) -> None:
        self.layout = layout
        self._device = device
        self._kernels = [device.load(binary) for binary in binaries]
        self.block = self._kernels[0].block
        # The contract, which the order of groups and results below has to meet.
        program = Program(signature.groups, signature.results, ())
        self._count = len(list(kernel_arguments(program, layout)))

    def __call__(
        self, count: int, stream: int, groups: Sequence[tuple[Any, ...]], results: Sequence[int]
    ) -> None:
        """Launch them for ``count`` points.

        Args:
            count: of points, at least one.
            stream: on which.
            groups: of every argument group its arguments: numbers, an address, or one and a step.
            results: the address of every result.
        """
        arguments: list[Any] = [count]
        for group in groups:
            arguments += group
        arguments += results
        if len(arguments) != self._count:
            raise InvariantError(
                f"{len(arguments)} arguments for a kernel of {self.layout}, which has {self._count}"
            )
        for kernel in self._kernels:
            self._device.launch(kernel, kernel.blocks(count), stream, arguments)


class Totals:
    """The second step of sums over a batch, on one device: from sums of blocks to results."""

    def __init__(self, signature: Signature, binary: Binary, device: Accelerator) -> None:
        assert signature.reduction is not None
        self._device, self._dtype = device, signature.dtype
        self._mean = signature.reduction.mean
        self._kernel = device.load(binary)
        self._stored, self._sources = [], []
        for result in signature.results:
            stored = signature.reduction.entries(result.name, result.size)
            source = np.arange(1, stored + 1, dtype=np.int32)
            if result.name in signature.reduction.stored:
                source = signature.reduction.stored[result.name].dense(source)
            self._stored.append(stored)
            # Entries that are structural zeros have no source: -1.
            self._sources.append(uploaded(source.ravel() - np.int32(1), LEGACY, device))
        device.synchronize(LEGACY)

    def places(self, rows: int) -> tuple[int, list[int]]:
        """Entries of all sums of blocks together, and where those of each result begin."""
        starts = [0]
        for stored in self._stored:
            starts.append(starts[-1] + rows * stored)
        return starts.pop(), starts

    def __call__(
        self, rows: int, count: int, stream: int, sums: Sequence[int], results: Sequence[int]
    ) -> None:
        """Add up ``rows`` rows of sums, at these addresses, of ``count`` points, into results."""
        factor = 1.0
        if self._mean:
            factor = 1 / count if count else float("nan")
        (last,) = numbers([factor], self._dtype)
        for stored, source, partial_, result in zip(
            self._stored, self._sources, sums, results, strict=True
        ):
            arguments = (rows, stored, source.size, partial_, source.memory.address, result, last)
            if source.size:
                self._device.launch(self._kernel, source.size, stream, arguments)


class Kernels:
    """The kernels of a function, built and loaded when they are first needed."""

    def __init__(self, code: CudaCode, signature: Signature) -> None:
        self._code, self._signature = code, signature
        self._launchers: dict[tuple[Layout, int], Launcher] = {}
        self._totals: dict[tuple[int, bool], Totals] = {}
        self._lock = threading.Lock()

    @property
    def ordinary(self) -> Layout:
        """The layout of an ordinary call: parameters as numbers."""
        signature = self._signature
        return ordinary_layout(signature.batch_axis, len(signature.parameters))

    def launcher(self, layout: Layout, device: Accelerator) -> Launcher:
        """The kernels of a layout on a device."""
        key = (layout, device.index)
        found = self._launchers.get(key)
        if found is None:
            with self._lock:
                found = self._launchers.get(key)
                if found is None:
                    binaries = self._code.build(layout, device.arch)
                    found = Launcher(self._signature, layout, binaries, device)
                    self._launchers[key] = found
        return found

    def totals(self, device: Accelerator, accumulate: bool) -> Totals:
        """The second step of sums on a device."""
        key = (device.index, accumulate)
        found = self._totals.get(key)
        if found is None:
            with self._lock:
                found = self._totals.get(key)
                if found is None:
                    assert self._code.totals is not None
                    binary = self._code.totals(device.arch, accumulate)
                    found = self._totals[key] = Totals(self._signature, binary, device)
        return found
