"""Batches for kernels that the shim runs: arguments from arrays, results from memory."""

from __future__ import annotations

import numpy as np

from symgrad.emit.cuda.record import CudaKernel
from symgrad.ir.layout import Layout, kernel_arguments
from symgrad.ir.program import Program
from tests.emit.cuda.shim import Launch

Array = np.ndarray

GUARD = 7.25
"""What stands around and between the entries of arrays, where nothing may be written."""


def evaluate(
    launch: Launch,
    kernel: CudaKernel,
    program: Program,
    layout: Layout,
    groups: list[Array],
    *,
    extra: int = 0,
    shift: int = 0,
    grid: int = 2,
    start: float = 0.0,
) -> list[Array]:
    """The results, each (n, entries), or (blocks, entries) of sums, at columns (n, columns).

    Args:
        launch: what the shim made of the kernel.
        kernel: it.
        program: what it computes.
        layout: how it wants its arrays.
        groups: of each argument group the columns: (n, columns), or (columns,) where points share.
        extra: by how much a step is larger than a row or a column.
        shift: entries by which every result misses an address that is a multiple of 16.
        grid: blocks at a time.
        start: what the results hold before.
    """
    dtype = groups[0].dtype
    points = next(len(group) for group in groups if group.ndim == 2)
    rows = -(-points // kernel.block) if kernel.block else points
    first = layout.points == "first"
    apart = [group.name in layout.separate for group in program.groups]
    given = [
        _strided(group, first and not alone, extra)
        for group, alone in zip(groups, apart, strict=True)
    ]
    targets = [_guarded(rows * result.size, shift, start, dtype) for result in program.results]
    arguments: list[int | float] = []
    for kind, array, column in kernel_arguments(program, layout):
        if kind == "count":
            arguments.append(points)
        elif kind == "value":
            arguments.append(float(groups[array][column]))
        elif kind == "step":
            arguments.append(given[array].strides[0] // dtype.itemsize)
        elif array < len(groups):
            arguments.append(given[array][column:].ctypes.data)
        else:
            whole, size = targets[array - len(groups)]
            arguments.append(whole.ctypes.data + 2 * 16 + shift * dtype.itemsize)
    launch(grid, kernel.threads, arguments)
    results = []
    for (whole, size), result in zip(targets, program.results, strict=True):
        begin = 2 * 16 // dtype.itemsize + shift
        assert (whole[:begin] == GUARD).all(), f"{result.name}: written before the array"
        assert (whole[begin + size :] == GUARD).all(), f"{result.name}: written behind the array"
        inside = whole[begin : begin + size]
        by_point = first or kernel.block
        results.append(
            inside.reshape(rows, result.size) if by_point else inside.reshape(result.size, rows).T
        )
    return results


def _strided(group: Array, first: bool, extra: int) -> Array:
    """The group as the kernel reads it, its rows (or columns) ``extra`` entries apart."""
    if group.ndim == 1:
        return np.ascontiguousarray(group)
    lines = group if first else group.T
    whole = np.full((lines.shape[0], lines.shape[1] + extra), GUARD, group.dtype)
    whole[:, : lines.shape[1]] = lines
    return whole


def _guarded(size: int, shift: int, start: float, dtype: np.dtype) -> tuple[Array, int]:
    """Memory at a multiple of 16 bytes with guards around ``size`` entries."""
    margin = 2 * 16 // dtype.itemsize
    raw = np.full(size + 4 * margin + shift, GUARD, dtype)
    off = -raw.ctypes.data % 16 // dtype.itemsize
    whole = raw[off : off + size + 2 * margin + shift]
    whole[margin + shift : margin + shift + size] = start
    return whole, size
