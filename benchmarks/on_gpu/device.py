"""The GPU as the benchmark uses it: arrays through torch or CuPy, times by events.

`device()` is the one of this process. In a dry run it is the processor: kernels are evaluated by
a C++ compiler's rendering of their text (host.py) at a few points, and nothing is timed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from statistics import median
from typing import Any, ClassVar

import numpy as np

from benchmarks.on_gpu.arrays import cupy_arrays, torch_arrays
from benchmarks.on_gpu.kernels import Kernel, compiled, placed, shapes

WARM, ROUNDS = 3, 15
ROUND_SECONDS = 1e-3
"""A round repeats a call for about so long."""

TRAFFIC = 2**30
"""Bytes that a timed call moves at least: many times the cache of any GPU."""

TILE = 2**17
"""Points that are drawn; more are repetitions of them."""

DRY_POINTS = 37
"""Points of a dry run: more than a warp, and no multiple of one."""


class MissingGpuError(RuntimeError):
    """There is no GPU, or no library to fill its memory with."""


class Gpu:
    """An NVIDIA GPU.

    Raises:
        MissingGpuError: there is none, or neither torch nor CuPy can use it.
    """

    dry: ClassVar[bool] = False

    def __init__(self) -> None:
        self.arrays = torch_arrays() or cupy_arrays()
        if self.arrays is None:
            raise MissingGpuError(
                "no NVIDIA GPU that torch or CuPy can use was found; run this on a machine with "
                "one, or with --dry, which builds every kernel and times nothing"
            )

    def compile(self, kernel: Kernel) -> Any:
        """A function of arrays on the GPU."""
        return compiled(kernel)

    def put(self, array: np.ndarray) -> Any:
        """A copy on the GPU."""
        return self.arrays.put(np.ascontiguousarray(array))

    def repeated(self, columns: np.ndarray, times: int, points: str) -> Any:
        """An array of (columns, N) as kernels take it, its points so many times."""
        where = (1, times) if points == "last" else (times, 1)
        return self.arrays.tile(self.put(placed(columns, points)), where)

    def empty(self, shape: tuple[int, ...], dtype: str) -> Any:
        """New memory, every entry nan, so that what is never written shows."""
        return self.arrays.full(shape, dtype)

    def host(self, array: Any) -> np.ndarray:
        """A copy in NumPy's memory."""
        return self.arrays.host(array)

    def nans(self, array: Any) -> int:
        """How many entries are nan."""
        return self.arrays.nans(array)

    def finish(self) -> None:
        """Wait for the GPU; raises where something went wrong on it."""
        self.arrays.finish()

    def seconds(self, call: Callable[[], Any]) -> float | None:
        """Median seconds of a call between two events."""
        for _ in range(WARM):
            call()
        first = self.arrays.between(call, 1)
        calls = max(1, min(1000, int(ROUND_SECONDS / max(first, 1e-7))))
        return median(self.arrays.between(call, calls) / calls for _ in range(ROUNDS))

    def points_for(self, numbers: int, dtype: str) -> int:
        """How many points a kernel is timed at that moves so many numbers a point."""
        each = numbers * np.dtype(dtype).itemsize
        tiles = max(8, -(-TRAFFIC // (each * TILE)))
        return int(min(tiles, 1024)) * TILE

    @cached_property
    def facts(self) -> dict[str, str]:
        """What the GPU is."""
        return self.arrays.facts()


class Host:
    """The processor in place of a GPU: the same kernels, and no times."""

    dry: ClassVar[bool] = True
    facts: ClassVar[dict[str, str]] = {"GPU": "none: a dry run on the processor"}

    def compile(self, kernel: Kernel) -> Any:
        """The kernel's text as a C++ compiler reads it."""
        from benchmarks.on_gpu.host import host_function

        return host_function(kernel)

    def put(self, array: np.ndarray) -> np.ndarray:
        """The array."""
        return np.ascontiguousarray(array)

    def repeated(self, columns: np.ndarray, times: int, points: str) -> np.ndarray:
        """As on a GPU."""
        return placed(np.tile(columns, (1, times)), points)

    def empty(self, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        """As on a GPU."""
        return np.full(shape, np.nan, dtype)

    def host(self, array: np.ndarray) -> np.ndarray:
        """The array."""
        return np.asarray(array)

    def nans(self, array: np.ndarray) -> int:
        """As on a GPU."""
        return int(np.isnan(array).sum())

    def finish(self) -> None:
        """Nothing is under way."""

    def seconds(self, call: Callable[[], Any]) -> float | None:
        """Call once; there is no time to be had."""
        call()
        return None

    def points_for(self, numbers: int, dtype: str) -> int:
        """A few."""
        return DRY_POINTS


_STATE: dict[str, Any] = {"dry": False, "device": None}


def use(*, dry: bool) -> None:
    """Say which device `device()` is."""
    if _STATE["dry"] != dry:
        _STATE.update(dry=dry, device=None)


def device() -> Any:
    """The device of this process.

    Raises:
        MissingGpuError: there is no GPU, and it is no dry run.
    """
    if _STATE["device"] is None:
        _STATE["device"] = Host() if _STATE["dry"] else Gpu()
    return _STATE["device"]


def present() -> dict[str, str]:
    """What the device is, once all that a kernel needs has been found: compiler, driver, launcher.

    Raises:
        MissingGpuError: there is no GPU, and it is no dry run.
        DeviceError: the driver or a package is missing.
        MissingDependencyError: the compiler is.
    """
    found: dict[str, str] = device().facts
    if not device().dry:
        from benchmarks.on_gpu.raw import gpu

        gpu()
    return found


def results_for(kernel: Kernel, count: int) -> dict[str, Any]:
    """New result arrays of a problem's kernel, all nan."""
    made = {}
    for name, shape in shapes(kernel).items():
        whole = shape if kernel.reduce else (*shape, count)
        if kernel.points == "first" and not kernel.reduce:
            whole = (count, *shape)
        made[name] = device().empty(whole, kernel.dtype)
    return made


def given(out: dict[str, Any]) -> Any:
    """Result arrays as ``out=`` takes them."""
    return next(iter(out.values())) if len(out) == 1 else out
