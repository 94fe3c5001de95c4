"""zarr stores of points and results: folders of compressed chunks, by zarr.

A store is one array, or a group with an array for each name, as npy and npz are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from symgrad.errors import MissingDependencyError
from symgrad.runtime.arrays import Array

if TYPE_CHECKING:
    from symgrad.interop.files import Layout, Write

try:
    import zarr
except ImportError as error:
    raise MissingDependencyError(
        "zarr is not installed, and reads zarr stores; install it with: pip install symgrad[io]"
    ) from error


def arrays(path: Path) -> Mapping[str, Any]:
    """The arrays of a group by name, their numbers not read yet; a store of one array has ``""``.

    Raises:
        FileNotFoundError: there is no such store.
    """
    found = zarr.open(path, mode="r")
    return {"": found} if isinstance(found, zarr.Array) else dict(sorted(found.arrays()))


def blocks(path: Path, name: str, size: int) -> Iterator[Array]:
    """Blocks of shape (rows, columns) of one array, with at most ``size`` rows."""
    array = arrays(path)[name]
    count, width = array.shape[0], prod(array.shape[1:])
    for start in range(0, count, size):
        rows = array[start : start + size]
        yield rows.reshape(len(rows), width)


@contextmanager
def writing(path: Path, layout: Layout) -> Iterator[Write]:
    """Write results: a group with an array of shape (N, ...) for each, a chunk for each block."""
    dtype = np.dtype(layout.dtype)
    group = zarr.open_group(path, mode="w")
    stored: dict[str, Any] = {}

    def make(rows: int) -> None:
        for name, shape in layout.shapes.items():
            chunks = tuple(max(1, size) for size in (rows, *shape))
            stored[name] = group.create_array(name, shape=(0, *shape), chunks=chunks, dtype=dtype)

    def write(block: Mapping[str, Any]) -> None:
        rows = max(map(len, block.values()))
        if rows and not stored:
            make(rows)
        for name, array in stored.items():
            array.append(np.asarray(block[name], dtype))

    yield write
    if not stored:
        make(1)
