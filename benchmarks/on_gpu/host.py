"""Kernels of the GPU benchmark without a GPU: their text, and the processor in a GPU's place.

`host_function` derives, lowers and emits CUDA C as ``target="cuda"`` does, compiles it to machine
code where NVIDIA's compiler is installed, and evaluates what g++ makes of the same text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from importlib.util import find_spec
from math import prod
from typing import Any, NamedTuple

import mpmath
import numpy as np

from benchmarks.on_gpu.kernels import DRY_ARCH, Kernel, compiled, compiler, formulas
from symgrad import api
from symgrad.differentiate.tensors import derive
from symgrad.emit.cuda.lowering import lowered
from symgrad.emit.cuda.source import cuda_source
from symgrad.emit.target import Target
from symgrad.ir.layout import Layout, kernel_arguments
from symgrad.ir.program import PARAMETERS, Program
from symgrad.ir.recipe import Recipe
from symgrad.options import Options
from symgrad.sampling import exactly
from symgrad.signatures import argument_groups, result_shape

DRY_BLOCKS = 2
"""So few that a block of threads has several blocks of points."""


class Derived(NamedTuple):
    """A kernel's Program, as it is scheduled, with its recipe and its tensors."""

    recipe: Recipe
    options: Options
    tensors: Sequence[Any]
    program: Program


@lru_cache(maxsize=64)
def derived(kernel: Kernel) -> Derived:
    """The Program of a kernel, whatever its engine."""
    made = formulas(kernel.source)
    options = Options(dtype=kernel.dtype, batch_axis=kernel.axis, reduce=kernel.reduce)
    parsed = api.parse(made.outputs, made.inputs, made.parameters, made.wrt)
    requests = api._requests(parsed, list(kernel.results), options)
    recipe = api.make_recipe(parsed, requests, options)
    _, tensors, program = api.derive_program(recipe, options, argument_groups(recipe))
    return Derived(recipe, options, tensors, program)


def target_of(kernel: Kernel) -> Target:
    """The GPU as the emitters see it."""
    reduced = kernel.reduce is not None
    return Target("cuda", 1, kernel.dtype, "high", 1, 1, reduced=reduced, contract=True)


def lowered_program(kernel: Kernel) -> Program:
    """The instructions that a GPU runs."""
    return lowered(derived(kernel).program, target_of(kernel))


def exact_entries(kernel: Kernel, points: np.ndarray) -> np.ndarray:
    """All results at points of (columns, N), from the graph as differentiation leaves it."""
    recipe = derived(kernel).recipe
    system = api.read_system(recipe)
    nodes = [node for tensor in derive(system, recipe.requests) for node in tensor.nodes]
    rows = exactly(system, nodes, dict(zip(system.inputs, points, strict=True)))
    return np.array([[float(mpmath.mpf(value)) for value in row] for row in rows])


def shared_groups(program: Program) -> tuple[str, ...]:
    """Groups that all points share."""
    return tuple(group.name for group in program.groups if group.name == PARAMETERS)


@cache
def host_function(kernel: Kernel) -> HostFunction:
    """A kernel on the processor."""
    from tests.emit.cuda.shim import compile_host

    one = derived(kernel)
    layout = Layout(kernel.points, values=shared_groups(one.program))
    program = lowered(one.program, target_of(kernel))
    text = cuda_source(program, target_of(kernel), layout)
    binaries: tuple[Any, ...] = ()
    if kernel.engine == "numba" and compiler() and find_spec("numba_cuda"):
        binaries = compiled(kernel, cache=False).binaries(DRY_ARCH)
    elif compiler():
        from symgrad.runtime.cuda.nvrtc import compile_source

        binaries = (compile_source(text, DRY_ARCH, cache=False),)
    return HostFunction(kernel, one, layout, text, compile_host(text), binaries)


class HostFunction:
    """What a function on the GPU takes and gives, on the processor."""

    def __init__(
        self, kernel: Kernel, one: Derived, layout: Layout, text: Any, launch: Any, binaries: Any
    ) -> None:
        self.kernel, self.derived, self.layout = kernel, one, layout
        self.text, self.launch = text, launch
        self._binaries = tuple(binaries)

    def binaries(self) -> tuple[Any, ...]:
        """The machine code, where it was compiled."""
        return self._binaries

    def __call__(self, *points: Any, out: Any = None, parameters: Any = None, **seeds: Any) -> Any:
        """Evaluate at a batch of points of one axis."""
        kernel, program = self.kernel, self.derived.program
        last = kernel.points == "last"
        x = points[0] if len(points) == 1 else np.stack(points, 0 if last else 1)
        count = x.shape[-1] if last else x.shape[0]
        groups = {"inputs": self._columns(x, count), PARAMETERS: parameters}
        groups |= {name: self._columns(array, count) for name, array in seeds.items()}
        made = self._results(count, out)
        rows = made
        if self.text.block:
            blocks = -(-count // self.text.block)
            stored = [np.zeros((blocks, result.size), kernel.dtype) for result in program.results]
            rows = dict(zip(made, stored, strict=True))
        arguments = [*self._arguments(count, groups, list(rows.values()))]
        self.launch(DRY_BLOCKS, self.text.threads, arguments)
        if self.text.block:
            self._totals(rows, made, count)
        arrays = list(made.values())
        return arrays[0] if len(arrays) == 1 else tuple(arrays)

    def _columns(self, array: Any, count: int) -> np.ndarray:
        """A group as (columns, N) or (N, columns), without gaps."""
        last = self.kernel.points == "last"
        shape = (-1, count) if last else (count, -1)
        return np.ascontiguousarray(np.reshape(array, shape), self.kernel.dtype)

    def _results(self, count: int, out: Any) -> dict[str, np.ndarray]:
        """The result arrays, new or given."""
        recipe = self.derived.recipe
        found = {}
        for request in recipe.requests:
            shape = result_shape(request, recipe)
            if not self.kernel.reduce:
                shape = (*shape, count) if self.kernel.points == "last" else (count, *shape)
            found[request.name] = shape
        if out is None:
            return {n: np.empty(shape, self.kernel.dtype) for n, shape in found.items()}
        named = out if isinstance(out, Mapping) else {recipe.requests[0].name: out}
        for name, shape in found.items():
            assert named[name].shape == shape, (name, named[name].shape, shape)
            assert named[name].flags.c_contiguous
        return {name: named[name] for name in found}

    def _arguments(self, count: int, groups: Mapping[str, Any], results: list[np.ndarray]) -> Any:
        """The kernel's arguments in order."""
        program = self.derived.program
        for one in kernel_arguments(program, self.layout):
            if one.kind == "count":
                yield count
                continue
            if one.array >= len(program.groups):
                yield results[one.array - len(program.groups)].ctypes.data
                continue
            group = program.groups[one.array]
            if one.kind == "value":
                yield float(groups[group.name][group.columns[one.column]])
            elif one.kind == "address":
                yield groups[group.name].ctypes.data
            else:
                yield count if self.kernel.points == "last" else len(group.columns)

    def _totals(self, rows: Mapping[str, np.ndarray], made: Mapping[str, Any], count: int) -> None:
        """The sums of the blocks' sums, each stored entry where it belongs."""
        patterns = {tensor.name: tensor.pattern for tensor in self.derived.tensors}
        factor = 1 / count if self.kernel.reduce == "mean" else 1.0
        for name, array in made.items():
            sums = rows[name].astype(float).sum(axis=0) * factor
            pattern = patterns.get(name)
            if pattern is None:
                array[...] = sums.reshape(array.shape)
                continue
            array[...] = 0
            for index, value in zip(pattern.indices, sums, strict=True):
                array[index] = value
                if pattern.symmetric:
                    array[index[::-1]] = value


def entries(kernel: Kernel) -> int:
    """How many numbers a kernel's results have for one point."""
    return sum(prod(result.shape) for result in derived(kernel).program.results)
