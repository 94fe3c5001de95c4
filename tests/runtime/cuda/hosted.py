"""A function of three inputs whose kernels NumPy evaluates, on devices of the host."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from symgrad.ir.layout import Layout, kernel_arguments
from symgrad.ir.program import Group, Program, Result
from symgrad.ir.recipe import Recipe
from symgrad.runtime.arguments import Signature
from symgrad.runtime.cuda.binary import Binary
from symgrad.runtime.cuda.direct import TensorAccess
from symgrad.runtime.cuda.function import CudaFunction
from symgrad.runtime.cuda.launch import CudaCode
from symgrad.runtime.cuda.libraries import Cupy
from symgrad.runtime.reduction import Reduction
from symgrad.runtime.sparsity import Sparsity
from tests.runtime.cuda.host import (
    HostDevice,
    HostForeign,
    HostJax,
    HostMachine,
    HostTorch,
    Kernel,
    Plain,
    at,
    kernels,
)

Formula = Callable[[Mapping[str, np.ndarray]], np.ndarray]


def python_kernel(
    signature: Signature, layout: Layout, formulas: Mapping[str, Formula], block: int
) -> Kernel:
    """A kernel as its layout says, by NumPy; formulas give (entries, points) of their results."""
    program = Program(signature.groups, signature.results, ())
    wanted = list(kernel_arguments(program, layout))
    dtype, first = signature.numpy_dtype, layout.points == "first"

    def kernel(blocks: int, threads: int, arguments: Sequence[Any]) -> None:
        assert len(arguments) == len(wanted)
        points = arguments[0]
        columns: dict[str, Any] = {}
        addresses: dict[int, int] = {}
        for argument, value in zip(wanted, arguments, strict=True):
            assert isinstance(value, float if argument.kind == "value" else int), argument
            addresses_of = argument.array
            if argument.kind == "address":
                addresses[addresses_of] = value
            if argument.kind == "count" or argument.array >= len(program.groups):
                continue
            group = program.groups[argument.array]
            width = len(group.columns)
            if group.name in layout.separate:
                columns[group.columns[argument.column]] = at(value, dtype, (points,), (1,))
            elif argument.kind == "value":
                columns[group.columns[argument.column]] = np.full(points, value, dtype)
            elif argument.kind == "step" or group.name in layout.shared:
                step = value if argument.kind == "step" else 0
                steps = (1, step) if first else (step, 1)
                if group.name in layout.shared:
                    steps = (1, 0)
                table = at(addresses[argument.array], dtype, (width, points), steps)
                columns |= dict(zip(group.columns, table, strict=True))
        for place, result in enumerate(program.results):
            values = formulas[result.name](columns).astype(dtype)
            address = addresses[len(program.groups) + place]
            entries = len(values)
            if block:
                rows = -(-points // block)
                target = at(address, dtype, (rows, entries), (entries, 1))
                for row in range(rows):
                    target[row] = values[:, row * block : (row + 1) * block].sum(axis=1)
                continue
            steps = (1, entries) if first else (points, 1)
            target = at(address, dtype, (entries, points), steps)
            target[...] = target + values if layout.accumulate else values

    return kernel


def totals_kernel(dtype: Any, accumulate: bool) -> Kernel:
    """Adds up the sums of blocks, as the kernel of that name does."""

    def kernel(blocks: int, threads: int, arguments: Sequence[Any]) -> None:
        rows, stored, entries, sums, source, out, factor = arguments
        assert blocks == entries
        assert isinstance(factor, float)
        places = at(source, np.int32, (entries,), (1,))
        table = np.zeros((0, stored), dtype)
        if rows:
            table = at(sums, dtype, (rows, stored), (stored, 1))
        target = at(out, dtype, (entries,), (1,))
        for entry, place in enumerate(places):
            total = factor * (table[:, place].sum() if place >= 0 else 0.0)
            target[entry] = total + (target[entry] if accumulate else 0)

    return kernel


GROUPS = {
    "inputs": ("x", "y", "z"),
    "parameters": ("a", "b"),
    "tangent": ("t0", "t1", "t2"),
    "cotangent": ("c0",),
}

RECIPE = Recipe("", ("x", "y", "z"), ("a", "b"), ("x", "y", "z"), (), (), (), "[]", {}, "")


def _zeros(c: Mapping[str, np.ndarray]) -> np.ndarray:
    return np.zeros_like(c["x"])


FORMULAS: dict[str, tuple[tuple[int, ...], Formula]] = {
    # f = a x y + b sin z, and what follows from it
    "value": ((), lambda c: (c["a"] * c["x"] * c["y"] + c["b"] * np.sin(c["z"]))[None]),
    "gradient": (
        (3,),
        lambda c: np.stack([c["a"] * c["y"], c["a"] * c["x"], c["b"] * np.cos(c["z"])]),
    ),
    "hessian": (
        (3, 3),
        lambda c: np.stack(
            [
                *(_zeros(c), c["a"] + _zeros(c), _zeros(c)),
                *(c["a"] + _zeros(c), _zeros(c), _zeros(c)),
                *(_zeros(c), _zeros(c), -c["b"] * np.sin(c["z"])),
            ]
        ),
    ),
    "jvp": (
        (),
        lambda c: (
            c["a"] * c["y"] * c["t0"]
            + c["a"] * c["x"] * c["t1"]
            + c["b"] * np.cos(c["z"]) * c["t2"]
        )[None],
    ),
    "vjp": (
        (3,),
        lambda c: c["c0"] * np.stack([c["a"] * c["y"], c["a"] * c["x"], c["b"] * np.cos(c["z"])]),
    ),
}

PATTERN = Sparsity((3, 3), np.array([[1, 0], [2, 2]]), symmetric=2)
"""Where the Hessian has entries."""


def stored_hessian(c: Mapping[str, np.ndarray]) -> np.ndarray:
    """The Hessian's entries of that pattern."""
    return np.stack([c["a"] + _zeros(c), -c["b"] * np.sin(c["z"])])


class Host:
    """A function on devices of the host, and all that a test wants to look at."""

    def __init__(
        self,
        *results: str,
        axis: int = 0,
        dtype: str = "float64",
        groups: Sequence[str] = ("inputs", "parameters"),
        reduce: str | None = None,
        sparse: bool = False,
        devices: int = 1,
        block: int = 4,
        parts: int = 1,
        limit: int = 1 << 40,
    ) -> None:
        self.machine = HostMachine(devices, limit=limit)
        self.torch = HostTorch()
        self.layouts: list[Layout] = []
        shapes = {name: FORMULAS[name][0] for name in results}
        formulas = {name: FORMULAS[name][1] for name in results}
        sparsity, stored = {}, {}
        if "hessian" in results and (sparse or reduce):
            formulas["hessian"] = stored_hessian
            if sparse:
                shapes["hessian"], sparsity = (2,), {"hessian": PATTERN}
            else:
                stored = {"hessian": PATTERN}
        block = block if reduce else 0
        self.signature = signature = Signature(
            inputs=GROUPS["inputs"],
            parameters=GROUPS["parameters"] if "parameters" in groups else (),
            wrt=GROUPS["inputs"],
            groups=tuple(Group(name, GROUPS[name]) for name in groups),
            results=tuple(Result(name, shape) for name, shape in shapes.items()),
            output_shape=(),
            dtype=dtype,
            batch_axis=axis,
            single=len(results) == 1,
            sparsity=sparsity,
            reduction=Reduction(block, reduce == "mean", stored) if reduce else None,
        )

        def binary(kernel: Kernel) -> Binary:
            code = f"kernel {len(kernels)}".encode()
            kernels[code] = kernel
            return Binary("sg", code, "sm_90", 32, block or 32, block, 0, 0, 0, "")

        def build(layout: Layout, arch: str) -> tuple[Binary, ...]:
            assert arch == "sm_90"
            self.layouts.append(layout)
            whole = python_kernel(signature, layout, formulas, block)
            idle = [lambda blocks, threads, arguments: None] * (parts - 1)
            return tuple(binary(kernel) for kernel in [whole, *idle])

        self.code = CudaCode(
            build,
            "nvrtc",
            lambda layout, arch: [f".target {arch}"],
            lambda: "device function",
            lambda arch, accumulate: binary(totals_kernel(signature.numpy_dtype, accumulate)),
        )
        self.fn = CudaFunction(
            *(self.code, signature, RECIPE, lambda: None, lambda text: None, lambda *a: None),
            machine=self.machine,
            libraries=(self.torch, Cupy(), HostJax(), HostForeign()),
            access=lambda: TensorAccess(self.torch.index, self.torch.current),
        )

    @property
    def device(self) -> HostDevice:
        return self.machine.devices[0]

    def settled(self, found: Any) -> Any:
        """What a call gave, once the devices are done."""
        self.machine.settle()
        return found

    def array(self, values: Any, **more: Any) -> Plain:
        """An array of no library on device 0."""
        return Plain(self.device, np.asarray(values), **more)

    def expected(self, name: str, columns: Mapping[str, Any]) -> np.ndarray:
        """A result over a batch, from columns that broadcast."""
        names = [n for group in self.signature.groups for n in group.columns]
        arrays = np.broadcast_arrays(*[np.asarray(columns[n], float) for n in names])
        flat = {n: array.ravel() for n, array in zip(names, arrays, strict=True)}
        shape, batch = dict(FORMULAS)[name][0], arrays[0].shape
        values = FORMULAS[name][1](flat)
        if self.signature.batch_axis == -1:
            return values.reshape((*shape, *batch))
        return values.T.reshape((*batch, *shape))


def host(*results: str, **options: Any) -> Host:
    """A function of x, y, z with parameters a, b, on devices of the host."""
    return Host(*(results or ("value",)), **options)


A, B = 2.0, 0.5
"""The parameters of ``points``."""

AXES = pytest.mark.parametrize("axis", [0, -1])


def points(*batch: int, axis: int = 0) -> tuple[Any, dict[str, Any]]:
    """A tensor of points, and its columns by name, parameters included."""
    torch = pytest.importorskip("torch")
    values = np.random.default_rng(0).uniform(0.5, 1.5, (*batch, 3))
    columns = {**dict(zip("xyz", np.moveaxis(values, -1, 0), strict=True)), "a": A, "b": B}
    lain = np.ascontiguousarray(values if axis == 0 else np.moveaxis(values, -1, 0))
    return torch.from_numpy(lain), columns


def same(found: Any, expected: Any) -> bool:
    """Whether an array of any library has that shape and those values."""
    expected = np.asarray(expected)
    array = found.numpy() if hasattr(found, "numpy") else np.asarray(found)
    return array.shape == expected.shape and np.allclose(array, expected, rtol=1e-14, atol=1e-14)
