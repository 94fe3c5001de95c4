"""dask's arrays in, lazy dask arrays out: a compiled function called chunk by chunk.

Every chunk of points is one call, which makes all results; nothing is evaluated before dask is
asked to. The function travels to other processes as its recipe, and finds its kernel on disk.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from math import isnan
from operator import itemgetter
from typing import Any

import dask
import dask.array as da
import numpy as np

from symgrad.errors import ArgumentError, ShapeError
from symgrad.ir.program import Result as ResultSpec
from symgrad.runtime.arguments import Signature
from symgrad.runtime.function import CompiledFunction
from symgrad.runtime.result import Result

Name = int | str
"""Of an array that a call is given: its place among the positional ones, or its keyword."""


def over_chunks(
    fn: CompiledFunction, points: Sequence[Any], named: Mapping[str, Any], options: Any
) -> Any:
    """The results of a function at dask's arrays, as dask's arrays.

    Args:
        fn: any function but one that sums over its points.
        points: one array of shape (N, n), with ``batch_axis=-1`` (n, N), or one of shape (N,) for
            each input; NumPy's arrays are divided as dask's, numbers stand for themselves.
        named: inputs and parameters by name; parameters may be arrays of shape (N,).
        options: what else every call is given.

    Returns:
        An array, or a Result of arrays, of the shapes that ``fn`` gives.

    Raises:
        ArgumentError: the function sums over its points; something is missing or unknown.
        ShapeError: an array has another shape or length, or chunks of unknown size.
        DtypeError: an array cannot become the function's dtype.

    Example:
        >>> from symgrad import compile
        >>> x = da.ones((1000, 2), chunks=(300, 2))
        >>> made = compile("x**2*sin(y)", "x y")(x)
        >>> made.shape, made.chunks[0]
        ((1000, 2), (300, 300, 300, 100))
    """
    signature = fn.signature
    if signature.reduction is not None:
        raise ArgumentError(
            "a function that sums over its points (reduce=) takes no dask arrays; compile it "
            "without reduce= and sum in dask, or give it the chunks one by one"
        )
    given: dict[Name, Any] = dict(enumerate(points))
    given.update(named)
    lazy = {
        name: da.asarray(value)
        for name, value in given.items()
        if isinstance(value, da.Array) or np.size(value) > 1
    }
    # The axes of every array: i counts points, j inputs.
    axes: dict[Name, str] = dict.fromkeys(lazy, "i")
    if len(points) == 1 and (len(signature.inputs) > 1 or np.ndim(points[0]) > 1):
        axes[0] = "ij" if signature.batch_axis == 0 else "ji"
    _check_shapes(lazy, axes)
    empty = {}
    for name, array in lazy.items():
        shape = [0 if k == axes[name].index("i") else n for k, n in enumerate(array.shape)]
        empty[name] = np.empty(shape, array.dtype)
    _call(fn, len(points), options, {**given, **empty})  # what is wrong is told now
    pairs: list[Any] = []
    for name, array in lazy.items():
        if "j" in axes[name]:
            array = array.rechunk({axes[name].index("j"): -1})
        pairs += [array, axes[name]]
    sizes, unified = da.core.unify_chunks(*pairs)
    parts = dict(zip(lazy, (array.to_delayed().reshape(-1) for array in unified), strict=True))
    call = dask.delayed(partial(_call, fn, len(points), options), pure=True)
    chunks = [
        call({**given, **{name: blocks[k] for name, blocks in parts.items()}})
        for k in range(len(sizes["i"]))
    ]
    made = {
        result.name: _joined(signature, result, chunks, sizes["i"]) for result in signature.results
    }
    return next(iter(made.values())) if signature.single else Result(made)


def _check_shapes(arrays: Mapping[Name, Any], axes: Mapping[Name, str]) -> None:
    """Check that arrays have the axes that are expected, and as many points as one another."""
    for name, array in arrays.items():
        if array.ndim != len(axes[name]) or any(isnan(size) for size in array.shape):
            raise ShapeError(
                f"a dask array has shape {array.shape}; give one array with an axis of points and "
                "one of the inputs, or one of shape (N,) for each input, in chunks of known sizes"
            )
    lengths = {name: array.shape[axes[name].index("i")] for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{name}: {length}" for name, length in lengths.items())
        raise ShapeError(f"the arrays have different numbers of points ({said})")


def _joined(
    signature: Signature, result: ResultSpec, chunks: Sequence[Any], sizes: Sequence[int]
) -> Any:
    """The dask array of one result, from calls that make all results of a chunk."""
    last = signature.batch_axis == -1
    rows = []
    for chunk, size in zip(chunks, sizes, strict=True):
        shape = (*result.shape, size) if last else (size, *result.shape)
        entry = dask.delayed(itemgetter(result.name), pure=True)(chunk)
        rows.append(da.from_delayed(entry, shape, signature.numpy_dtype))
    return da.concatenate(rows, axis=-1 if last else 0)


def _call(
    fn: CompiledFunction, count: int, options: Mapping[str, Any], given: Mapping[Any, Any]
) -> dict[str, Any]:
    """The results of one chunk by name."""
    points = [given[place] for place in range(count)]
    named = {key: value for key, value in given.items() if isinstance(key, str)}
    made = fn(*points, **named, **options)
    return {fn.results[0]: made} if fn.signature.single else made.as_dict()
