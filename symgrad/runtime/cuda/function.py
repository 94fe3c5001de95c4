"""CudaFunction: a function whose kernels run on a GPU, with its call conventions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from symgrad.errors import ArgumentError
from symgrad.ir.recipe import Recipe
from symgrad.runtime.arguments import (
    Signature,
    columns_by_title,
    given_results,
    unpacked,
)
from symgrad.runtime.cuda.accelerator import LEGACY, Devices
from symgrad.runtime.cuda.arrays import Library
from symgrad.runtime.cuda.binary import Binary
from symgrad.runtime.cuda.call import DeviceCalls
from symgrad.runtime.cuda.device import Machine
from symgrad.runtime.cuda.direct import TensorAccess, direct_call, tensor_access
from symgrad.runtime.cuda.launch import CudaCode, Kernels
from symgrad.runtime.cuda.libraries import LIBRARIES, library_of
from symgrad.runtime.cuda.pipeline import Pipeline
from symgrad.runtime.function import CompiledFunction
from symgrad.runtime.operations import Details
from symgrad.runtime.result import Result


class CudaFunction(CompiledFunction):
    """A function over batches of points on a GPU; ``sg.compile(..., target="cuda")`` makes it.

    Arrays on a device are read where they are, and results are made by the library that made the
    points: PyTorch, CuPy, JAX; anything else with DLPack or ``__cuda_array_interface__`` gets an
    array of our own that has both. Arrays of the host go over in pieces and come back as NumPy's.
    """

    def __init__(
        self,
        code: CudaCode,
        signature: Signature,
        recipe: Recipe,
        details: Callable[[], Details],
        restore: Callable[[str], CompiledFunction],
        adapter: Callable[[str], Callable[..., Any]],
        *,
        machine: Devices | None = None,
        libraries: Sequence[Library] = LIBRARIES,
        access: Callable[[], TensorAccess] = tensor_access,
    ) -> None:
        super().__init__(signature, recipe, details, restore, adapter)
        self._cuda = code
        self._machine = Machine() if machine is None else machine
        self._libraries = libraries
        self._kernels = Kernels(code, signature)
        self._pipeline = Pipeline(signature, self._kernels, self._machine)
        self._calls = DeviceCalls(signature, self._kernels, self._machine, libraries)
        self._quick = direct_call(signature, self._kernels, self._machine, access)

    @property
    def engine(self) -> str:
        """Who compiles the kernels: "nvrtc" or "numba"."""
        return self._cuda.engine

    @cached_property
    def cuda_jit(self) -> Any:
        """The function at one point, for your own ``numba.cuda.jit`` code."""
        return self._cuda.device_function()

    def _how(self) -> str:
        return ", cuda"

    def binaries(self, arch: str = "sm_90") -> tuple[Binary, ...]:
        """The machine code of an ordinary call's kernels, for an architecture; it needs no GPU."""
        return tuple(self._cuda.build(self._kernels.ordinary, arch))

    def ptx(self, arch: str = "sm_90") -> str:
        """The same kernels as PTX."""
        return "\n".join(self._cuda.ptx(self._kernels.ordinary, arch))

    def prepare(self, device: int = 0) -> None:
        """Build and load what an ordinary call needs, so that the first one is as fast as any.

        Args:
            device: the GPU's number.

        Raises:
            DeviceError: a package, the driver or that GPU is missing; the message says which.
        """
        place = self._machine.device(device)
        self._kernels.launcher(self._kernels.ordinary, place)
        if self.signature.reduction is not None:
            self._kernels.totals(place, False)

    def __call__(
        self,
        /,
        *points: Any,
        out: Any = None,
        accumulate: bool = False,
        stream: Any = None,
        devices: Any = None,
        workers: int | None = None,
        executor: Any = None,
        on_chunk: Callable[[int, int], None] | None = None,
        tangent: Any = None,
        cotangent: Any = None,
        parameters: Any = None,
        **named: Any,
    ) -> Any:
        """Evaluate at a batch of points.

        Arrays on a device need no copy if they have one step from point to point and one from entry
        to entry of a point, entries (``batch_axis=0``) or points (-1) lying side by side; others
        are copied by their library first. Nothing waits for the device.

        Args:
            *points: one array of shape (*batch, n) (with ``batch_axis=-1``: (n, *batch)), or one
                array per input, or a dict of these by name; they broadcast. On a device separate
                arrays are read where they are if all have the batch's shape and no gaps, or are
                columns (rows) of one array; others are stacked. The first call of either kind
                builds a kernel.
            out: a contiguous array of the result's shape to write into; for several results a dict
                by name. Then nothing is allocated, so that the call can be captured in a graph
                once it has been made before (sums take memory for the sums of blocks from the
                library of the points).
            accumulate: add into ``out`` instead of overwriting it.
            stream: where the kernel runs: a handle, or an object of PyTorch's, CuPy's, numba's or
                ``cuda.core``'s. Arrays have to be ready there. By default the current stream of the
                library of the points.
            devices: for arrays of the host: GPUs that share the batch, by number, or "all".
            workers: for arrays of the host: threads that copy.
            executor: not for a GPU.
            on_chunk: for arrays of the host: called with (points done, points in all).
            tangent: for "jvp" and "hvp": direction, shape (*batch, len(wrt)), or one for all.
            cotangent: for "vjp" and "hvp": weights of the outputs, shape (*batch, *S), or one for
                all.
            parameters: values of parameters in place of keywords: a dict by name, or an array of
                shape (p,) or (*batch, p).
            **named: parameters by keyword; inputs by name where ``points`` is empty.

        Returns:
            The array where one derivative was asked for, else a Result.

        Raises:
            ArgumentError: something is missing, unknown or given twice; arrays of the host and of
                a device come together; ``out`` has gaps or overlaps what is read.
            ShapeError: an array's shape does not fit.
            DtypeError: an array has another dtype, or cannot become the function's.
            DeviceError: arrays lie on several devices, or there is none.
        """
        points = unpacked(self.signature, points)
        handle = None if stream is None else stream_handle(stream)
        if (
            devices is workers is executor is on_chunk is None
            and tangent is cotangent is parameters is None
        ):
            found = self._quick(points, named, out, accumulate, handle)
            if found is not NotImplemented:
                return found
        points = columns_by_title(self.signature, points)
        if executor is not None:
            raise ArgumentError("executor= is for target='cpu'; devices= shares a batch among GPUs")
        given = points or tuple(named[n] for n in self.signature.inputs if n in named)
        leader = next((v for v in given if library_of(v, self._libraries) is not None), None)
        if leader is None:
            self._only_host(named, tangent, cotangent, parameters, out)
            if stream is not None:
                raise ArgumentError("stream= is for arrays on a device; these are on the host")
            return self._pipeline.run(
                (points, named, tangent, cotangent, parameters),
                given_results(self.signature, out, accumulate),
                accumulate,
                devices=devices,
                workers=workers,
                on_chunk=on_chunk,
            )
        for name, value in (("devices", devices), ("workers", workers), ("on_chunk", on_chunk)):
            if value is not None:
                raise ArgumentError(
                    f"{name}= is for arrays of the host, and the points are on a device already"
                )
        return self._calls(
            leader, points, named, tangent, cotangent, parameters, out, accumulate, handle
        )

    def _only_host(
        self, named: Mapping[str, Any], tangent: Any, cotangent: Any, parameters: Any, out: Any
    ) -> None:
        """Refuse arrays on a device where the points are on the host."""
        outs = out.as_dict() if isinstance(out, Result) else out
        places = {"tangent": tangent, "cotangent": cotangent, "parameters": parameters, "out": out}
        if isinstance(outs, Mapping):
            places |= {f"out[{name!r}]": value for name, value in outs.items()}
        if isinstance(parameters, Mapping):
            places |= {f"parameter {name!r}": value for name, value in parameters.items()}
        places |= {f"parameter {name!r}": value for name, value in named.items()}
        for name, value in places.items():
            if value is not None and library_of(value, self._libraries) is not None:
                raise ArgumentError(
                    f"{name} is on a device, and the points are on the host; move the points to "
                    f"the device, or {name} to the host"
                )


def stream_handle(stream: Any) -> int:
    """The driver's handle of a stream that the user gave.

    Raises:
        ArgumentError: it is no stream.
    """
    if isinstance(stream, int) and not isinstance(stream, bool):
        return stream or LEGACY
    protocol = getattr(stream, "__cuda_stream__", None)
    if protocol is not None:
        return int(protocol()[1]) or LEGACY
    for name in ("cuda_stream", "ptr", "handle"):  # PyTorch, CuPy, numba
        handle = getattr(stream, name, None)
        if handle is not None:
            return int(getattr(handle, "value", handle) or 0) or LEGACY
    raise ArgumentError(
        f"stream={stream!r} is no stream; give its handle as an int, or an object of PyTorch's, "
        "CuPy's, numba's or cuda.core's"
    )
