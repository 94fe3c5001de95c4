"""Arrays and events of the libraries that can hold the GPU benchmark's data: torch, else CuPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


class Torch:
    """Memory and events of torch."""

    def __init__(self, torch: Any) -> None:
        self.torch = torch
        self.name = "torch"

    def put(self, array: np.ndarray) -> Any:
        """A copy on the GPU."""
        return self.torch.from_numpy(array).cuda()

    def tile(self, array: Any, where: tuple[int, ...]) -> Any:
        """An array repeated along its axes."""
        return array.repeat(*where).contiguous()

    def full(self, shape: tuple[int, ...], dtype: str) -> Any:
        """New memory, every entry nan."""
        kind = getattr(self.torch, dtype)
        return self.torch.full(shape, float("nan"), dtype=kind, device="cuda")

    def host(self, array: Any) -> np.ndarray:
        """A copy in NumPy's memory."""
        return array.detach().cpu().numpy()

    def nans(self, array: Any) -> int:
        """How many entries are nan."""
        return int(self.torch.isnan(array).sum())

    def finish(self) -> None:
        """Wait for the GPU."""
        self.torch.cuda.synchronize()

    def address(self, array: Any) -> int:
        """Where an array is."""
        return int(array.data_ptr())

    def stream(self) -> int:
        """The handle of the library's current stream."""
        return int(self.torch.cuda.current_stream().cuda_stream)

    def between(self, call: Callable[[], Any], calls: int) -> float:
        """Seconds from an event before some calls to one after them."""
        start, end = (self.torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        for _ in range(calls):
            call()
        end.record()
        end.synchronize()
        return float(start.elapsed_time(end)) * 1e-3

    def facts(self) -> dict[str, str]:
        """What the GPU is."""
        found = self.torch.cuda.get_device_properties(0)
        return {
            "GPU": found.name,
            "compute capability": f"{found.major}.{found.minor}",
            "multiprocessors": str(found.multi_processor_count),
            "memory": f"{found.total_memory / 2**30:.0f} GiB",
        }


class Cupy:
    """Memory and events of CuPy."""

    def __init__(self, cupy: Any) -> None:
        self.cupy = cupy
        self.name = "CuPy"

    def put(self, array: np.ndarray) -> Any:
        """A copy on the GPU."""
        return self.cupy.asarray(array)

    def tile(self, array: Any, where: tuple[int, ...]) -> Any:
        """An array repeated along its axes."""
        return self.cupy.ascontiguousarray(self.cupy.tile(array, where))

    def full(self, shape: tuple[int, ...], dtype: str) -> Any:
        """New memory, every entry nan."""
        return self.cupy.full(shape, self.cupy.nan, dtype)

    def host(self, array: Any) -> np.ndarray:
        """A copy in NumPy's memory."""
        return self.cupy.asnumpy(array)

    def nans(self, array: Any) -> int:
        """How many entries are nan."""
        return int(self.cupy.isnan(array).sum())

    def finish(self) -> None:
        """Wait for the GPU."""
        self.cupy.cuda.runtime.deviceSynchronize()

    def address(self, array: Any) -> int:
        """Where an array is."""
        return int(array.data.ptr)

    def stream(self) -> int:
        """The handle of the library's current stream."""
        return int(self.cupy.cuda.get_current_stream().ptr)

    def between(self, call: Callable[[], Any], calls: int) -> float:
        """Seconds from an event before some calls to one after them."""
        start, end = self.cupy.cuda.Event(), self.cupy.cuda.Event()
        start.record()
        for _ in range(calls):
            call()
        end.record()
        end.synchronize()
        return float(self.cupy.cuda.get_elapsed_time(start, end)) * 1e-3

    def facts(self) -> dict[str, str]:
        """What the GPU is."""
        found = self.cupy.cuda.runtime.getDeviceProperties(0)
        return {
            "GPU": found["name"].decode(),
            "compute capability": f"{found['major']}.{found['minor']}",
            "multiprocessors": str(found["multiProcessorCount"]),
            "memory": f"{found['totalGlobalMem'] / 2**30:.0f} GiB",
        }


def torch_arrays() -> Torch | None:
    """Those of torch, where it can use a GPU."""
    try:
        import torch
    except ImportError:
        return None
    return Torch(torch) if torch.cuda.is_available() else None


def cupy_arrays() -> Cupy | None:
    """Those of CuPy, where it can use a GPU."""
    try:
        import cupy
    except ImportError:
        return None
    try:
        return Cupy(cupy) if cupy.cuda.runtime.getDeviceCount() else None
    except cupy.cuda.runtime.CUDARuntimeError:
        return None
