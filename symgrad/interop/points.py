"""Points to evaluate at, in blocks: from npy, npz, csv, parquet and zarr files, or drawn at random.

Start at ``open_points``: it finds the columns of a file that a function wants and hands them
out a block of rows at a time, so that no file has to fit in memory.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path
from typing import IO, Any, TextIO

import numpy as np
from numpy.lib import format as npy_format

from symgrad.errors import ArgumentError, FileFormatError, OptionError
from symgrad.interop.columns import Array, Points, Wanted, listed, reported
from symgrad.interop.csv_points import read_csv, read_stream
from symgrad.interop.files import suffix_of

BLOCK = 262_144
"""Points in a block unless told otherwise: 2 MiB a column in float64."""

STANDARD_STREAM = "-"


def open_points(
    path: str | os.PathLike[str],
    inputs: Sequence[str],
    parameters: Sequence[str] = (),
    *,
    stream: TextIO | None = None,
) -> Points:
    """Find the columns for ``inputs`` and ``parameters`` in a file of points.

    npy: an array of shape (N, n), memory-mapped, its columns the inputs in order; (N,) for one
    input; or a structured array with a field for each. npz: such an array called ``points`` (or
    the only one there) and an array of shape (N,) for each parameter, or one for each input.
    csv: a header in any order, or none and the inputs in order; fields parted by comma,
    semicolon or tab. parquet: a column for each input. zarr: an array as in npy, or a group of
    arrays as in npz. Columns that nobody asked for are left alone, numbers or not.

    Args:
        path: the file; its suffix tells the format. ``-`` is csv on ``stream``.
        inputs: names that must be there.
        parameters: names that may be there.
        stream: text for ``-``.

    Raises:
        FileFormatError: the file is not there, damaged, or lacks an input.
        ShapeError: the number of columns, or of points, does not fit.
        DtypeError: the numbers are complex or no numbers.

    Example:
        >>> points = open_points("points.csv", ["x", "y"])       # doctest: +SKIP
        >>> [block.shape for block in points.blocks(1000)]       # doctest: +SKIP
        [(1000, 2), (1000, 2), (500, 2)]
    """
    if str(path) == STANDARD_STREAM:
        if stream is None:
            raise ArgumentError("points on '-' need a text stream to read from")
        return read_stream(Wanted("standard input", tuple(inputs), tuple(parameters)), stream)
    wanted = Wanted(str(path), tuple(inputs), tuple(parameters))
    with reported(wanted.where):
        return READERS[suffix_of(path, READERS)](wanted, Path(path))


def random_points(
    count: int,
    inputs: Sequence[str],
    ranges: Mapping[str, tuple[float, float]],
    *,
    parameters: Sequence[str] = (),
    seed: int = 0,
) -> Points:
    """Points drawn uniformly: x = low + (high - low) u, with u in [0, 1) from PCG64.

    The points depend on the seed alone, not on the size of the blocks.

    Args:
        count: number of points.
        inputs: names, in the order of the columns.
        ranges: name -> (low, high).
        parameters: names to be drawn point by point as well.
        seed: of ``numpy.random.default_rng``.

    Raises:
        OptionError: a range is missing, or not finite.

    Example:
        >>> points = random_points(3, ["x"], {"x": (1.0, 2.0)}, seed=1)
        >>> next(points.blocks(10)).round(3).tolist()
        [[1.512], [1.95], [1.144]]
    """
    names = (*inputs, *parameters)
    missing = [name for name in names if name not in ranges]
    if missing:
        raise OptionError(f"random points need a range for {listed(missing)}: low and high")
    low = np.array([ranges[name][0] for name in names], dtype=np.float64)
    width = np.array([ranges[name][1] for name in names], dtype=np.float64) - low
    if not np.isfinite(width).all():
        raise OptionError("random points need ranges with finite ends")

    def blocks(size: int) -> Iterator[Array]:
        generator = np.random.default_rng(seed)
        for start in range(0, count, size):
            block = generator.random((min(size, count - start), len(names)))
            block *= width
            block += low
            yield block

    return Points(f"seed {seed}", tuple(inputs), tuple(parameters), (), count, blocks)


def _map(path: Path) -> Array:
    """The array in an npy file, memory-mapped; its pages count as used until it is dropped."""
    magic = npy_format.MAGIC_PREFIX
    with path.open("rb") as file:
        if file.read(len(magic)) != magic:
            raise FileFormatError(f"{path} cannot be read: it is no .npy file, whatever its name")
    array: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    return array


def _read_npy(wanted: Wanted, path: Path) -> Points:
    array = _map(path)
    if array.dtype.names is not None:
        return _read_structured(wanted, path, array)

    def blocks(size: int) -> Iterator[Array]:
        for start in range(0, len(_map(path)), size):
            block = _map(path)[start : start + size]
            yield block.reshape(len(block), len(wanted.inputs))

    return wanted.pick_array(array, blocks)


def _read_structured(wanted: Wanted, path: Path, array: Array) -> Points:
    names = array.dtype.names or ()
    wanted.check_column(array.shape, "the array")
    for name in wanted.known & set(names):
        wanted.check_dtype(array.dtype[name], name)

    count = len(array)

    def blocks(size: int, order: tuple[int, ...]) -> Iterator[Array]:
        for start in range(0, count, size):
            block = _map(path)[start : start + size]
            yield np.column_stack([block[names[i]] for i in order])

    return wanted.pick(names, count, blocks)


def _read_npz(wanted: Wanted, path: Path) -> Points:
    with zipfile.ZipFile(path) as archive:
        names = [name[:-4] for name in archive.namelist() if name.endswith(".npy")]
        headers = {}
        for name in names:
            with archive.open(f"{name}.npy") as stream:
                headers[name] = _npy_header(stream)
    return wanted.pick_arrays(headers, partial(_member_blocks, path))


@dataclass(frozen=True, slots=True)
class _Header:
    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]


def _npy_header(stream: IO[bytes]) -> _Header:
    version = npy_format.read_magic(stream)
    if version == (1, 0):
        return _Header(*npy_format.read_array_header_1_0(stream))
    return _Header(*npy_format.read_array_header_2_0(stream))


def _member_blocks(path: Path, name: str, size: int) -> Iterator[Array]:
    """Blocks of shape (rows, columns) of one array in an npz file, read as they are needed."""
    with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as stream:
        header = _npy_header(stream)
        count, width = header.shape[0], prod(header.shape[1:])
        if header.fortran and width > 1:
            # Its columns stand one after the other, so that a block of rows needs all of it.
            whole = np.frombuffer(stream.read(), header.dtype).reshape(width, count).T
            yield from (whole[start : start + size] for start in range(0, count, size))
            return
        for start in range(0, count, size):
            rows = min(size, count - start)
            data = stream.read(rows * width * header.dtype.itemsize)
            yield np.frombuffer(data, header.dtype).reshape(rows, width)


def _read_parquet(wanted: Wanted, path: Path) -> Points:
    from symgrad.interop import parquet  # noqa: PLC0415 - optional, and slow to import

    names, count = parquet.head(path)

    def blocks(size: int, order: tuple[int, ...]) -> Iterator[Array]:
        return parquet.blocks(path, size, [names[place] for place in order])

    return wanted.pick(names, count, blocks)


def _read_zarr(wanted: Wanted, path: Path) -> Points:
    from symgrad.interop import zarr  # noqa: PLC0415 - optional, and slow to import

    found = zarr.arrays(path)
    blocks = partial(zarr.blocks, path)
    if found.keys() == {""}:
        return wanted.pick_array(found[""], partial(blocks, ""))
    return wanted.pick_arrays(found, blocks)


READERS: Mapping[str, Callable[[Wanted, Path], Points]] = {
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".csv": read_csv,
    ".parquet": _read_parquet,
    ".zarr": _read_zarr,
}
