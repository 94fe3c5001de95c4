"""Points to evaluate at, read in blocks: from npy, npz, csv, parquet files, or drawn at random.

Start at ``open_points``: it finds the columns of a file that a function wants and hands them
out a block of rows at a time, so that no file has to fit in memory.
"""

from __future__ import annotations

import csv
import os
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from math import prod
from pathlib import Path
from typing import IO, Any, TextIO

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from symgrad.errors import ArgumentError, DtypeError, FileFormatError, OptionError, ShapeError
from symgrad.interop.files import suffix_of

BLOCK = 262_144
"""Points in a block unless told otherwise: 2 MiB a column in float64."""

STANDARD_STREAM = "-"

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Points:
    """Points to be read in blocks.

    Attributes:
        where: the file's name, for messages.
        inputs: the columns that stand first in every block, in this order.
        parameters: the columns that follow them: parameters that the file gives point by point.
        unused: the file's other columns.
        count: number of points, None where it is known only at the end.
        blocks: ``blocks(size)`` gives arrays of shape (rows, columns), rows <= size.
    """

    where: str
    inputs: tuple[str, ...]
    parameters: tuple[str, ...]
    unused: tuple[str, ...]
    count: int | None
    blocks: Callable[[int], Iterator[Array]]


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
    semicolon or tab. parquet: a column for each input. Columns that nobody asked for
    are left alone, numbers or not.

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
        return _read_stream(_Wanted("standard input", tuple(inputs), tuple(parameters)), stream)
    wanted = _Wanted(str(path), tuple(inputs), tuple(parameters))
    with _reported(wanted.where):
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
        raise OptionError(f"random points need a range for {_listed(missing)}: low and high")
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


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The columns that a function asks for, and the file to find them in."""

    where: str
    inputs: tuple[str, ...]
    parameters: tuple[str, ...]

    @property
    def known(self) -> set[str]:
        return {*self.inputs, *self.parameters}

    def pick(
        self,
        names: Sequence[str],
        count: int | None,
        blocks: Callable[[int, tuple[int, ...]], Iterator[Array]],
    ) -> Points:
        """Points from a file whose columns are ``names``; ``blocks`` is told which, in order."""
        twice = sorted({name for name in names if names.count(name) > 1} & self.known)
        if twice:
            raise FileFormatError(f"{self.where} has several columns called {_listed(twice)}")
        missing = [name for name in self.inputs if name not in names]
        if missing:
            raise FileFormatError(
                f"{self.where} has no column for {_listed(missing)}; "
                f"its columns are {_listed(names)}"
            )
        given = tuple(name for name in self.parameters if name in names)
        chosen = (*self.inputs, *given)
        unused = tuple(name for name in names if name not in chosen)
        order = tuple(names.index(name) for name in chosen)
        return Points(
            self.where, self.inputs, given, unused, count, lambda size: blocks(size, order)
        )

    def check_positional(self, shape: tuple[int, ...], what: str) -> None:
        """Refuse columns without names that are not one for each input."""
        width = len(self.inputs)
        if shape[1:] == (width,) or (len(shape) == 1 == width):
            return
        also = " or (N,)" if width == 1 else ""
        said = f"({', '.join('N' if size < 0 else str(size) for size in shape)})"
        raise ShapeError(
            f"{self.where}: {what} has the shape {said}; "
            f"the inputs {_listed(self.inputs)} need (N, {width}){also}"
        )

    def check_column(self, shape: tuple[int, ...], what: str) -> None:
        if len(shape) != 1 and shape[1:] != (1,):
            raise ShapeError(f"{self.where}: {what} has the shape {shape}; it needs (N,)")

    def check_dtype(self, dtype: np.dtype[Any], what: str) -> None:
        if dtype.kind not in "fiub":
            raise DtypeError(f"{self.where}: {what} holds {dtype}; points are real numbers")


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:12])
    return f"{shown} and {len(names) - 12} more" if len(names) > 12 else shown or "none"


@contextmanager
def _reported(where: str) -> Iterator[None]:
    """Turn what NumPy, zipfile and the csv module raise into a FileFormatError."""
    try:
        yield
    except FileNotFoundError as error:
        raise FileFormatError(f"{where}: there is no such file") from error
    except (ValueError, EOFError, zlib.error, zipfile.BadZipFile, csv.Error) as error:
        raise FileFormatError(f"{where} cannot be read: {error}") from error


def _map(path: Path) -> Array:
    """The array in an npy file, memory-mapped; its pages count as used until it is dropped."""
    array: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    return array


def _read_npy(wanted: _Wanted, path: Path) -> Points:
    array = _map(path)
    if array.dtype.names is not None:
        return _read_structured(wanted, path, array)
    wanted.check_positional(array.shape, "the array")
    wanted.check_dtype(array.dtype, "the array")
    count = len(array)

    def blocks(size: int, order: tuple[int, ...]) -> Iterator[Array]:
        for start in range(0, count, size):
            block = _map(path)[start : start + size]
            yield block.reshape(len(block), len(order))

    return wanted.pick(wanted.inputs, count, blocks)


def _read_structured(wanted: _Wanted, path: Path, array: Array) -> Points:
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


def _read_npz(wanted: _Wanted, path: Path) -> Points:
    with zipfile.ZipFile(path) as archive:
        names = [name[:-4] for name in archive.namelist() if name.endswith(".npy")]
        headers = {}
        for name in names:
            with archive.open(f"{name}.npy") as stream:
                headers[name] = _npy_header(stream)
    given = tuple(name for name in wanted.parameters if name in names)
    members = wanted.inputs
    if not set(wanted.inputs) <= set(names):
        others = [name for name in names if name not in given]
        members = ("points",) if "points" in names else tuple(others)
        if len(members) != 1:
            raise FileFormatError(
                f"{wanted.where} has the arrays {_listed(names)}; it needs one called 'points' of "
                f"shape (N, {len(wanted.inputs)}), or one of shape (N,) for each of "
                f"{_listed(wanted.inputs)}"
            )
        wanted.check_positional(headers[members[0]].shape, members[0])
    read = (*members, *given)
    for name in read:
        wanted.check_dtype(headers[name].dtype, name)
        if members == wanted.inputs or name in given:
            wanted.check_column(headers[name].shape, name)
    counts = {name: headers[name].shape[0] for name in read}
    if len(set(counts.values())) > 1:
        said = ", ".join(f"{name} has {count}" for name, count in counts.items())
        raise ShapeError(f"{wanted.where}: the arrays differ in their number of points: {said}")

    def blocks(size: int) -> Iterator[Array]:
        with _reported(wanted.where):
            walks = [_member_blocks(path, f"{name}.npy", size) for name in read]
            for parts in zip(*walks, strict=True):
                yield parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    unused = tuple(name for name in names if name not in read)
    return Points(wanted.where, wanted.inputs, given, unused, counts[read[0]], blocks)


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


def _member_blocks(path: Path, member: str, size: int) -> Iterator[Array]:
    """Blocks of shape (rows, columns) of one array in an npz file, read as they are needed."""
    with zipfile.ZipFile(path) as archive, archive.open(member) as stream:
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


@dataclass(frozen=True, slots=True)
class _Head:
    """What the first lines of a csv file say.

    Attributes:
        names: a name for every column.
        delimiter: what parts the fields.
        skip: lines before the first row of numbers.
        pending: that row, if it has been read already.
    """

    names: tuple[str, ...]
    delimiter: str
    skip: int
    pending: tuple[str, ...]


def _read_csv(wanted: _Wanted, path: Path) -> Points:
    # utf-8-sig drops the mark that spreadsheets put first.
    with path.open(encoding="utf-8-sig") as lines:
        head = _csv_head(wanted, lines)

    def blocks(size: int, order: tuple[int, ...]) -> Iterator[Array]:
        with _reported(wanted.where), path.open(encoding="utf-8-sig") as lines:
            yield from _csv_blocks(wanted.where, islice(lines, head.skip, None), head, size, order)

    return wanted.pick(head.names, None, blocks)


def _read_stream(wanted: _Wanted, stream: TextIO) -> Points:
    with _reported(wanted.where):
        head = _csv_head(wanted, stream)

    def blocks(size: int, order: tuple[int, ...]) -> Iterator[Array]:
        with _reported(wanted.where):
            yield from _csv_blocks(wanted.where, chain(head.pending, stream), head, size, order)

    return wanted.pick(head.names, None, blocks)


def _csv_head(wanted: _Wanted, lines: Iterable[str]) -> _Head:
    """Read up to the first line that is neither empty nor a comment: a header or a row."""
    remark, line, passed = "", "", 0
    for text in lines:
        passed += 1
        line = text.removeprefix("\ufeff") if passed == 1 else text
        if line.startswith("#"):
            remark = line[1:]
        elif line.strip():
            break
    else:
        line = ""
    if not line and not remark:
        raise FileFormatError(
            f"{wanted.where} is empty: it needs a header, or a row for each point"
        )
    delimiter = next((mark for mark in ";\t," if mark in (line or remark)), ",")
    # numpy.savetxt writes its header behind a "#".
    remarked = _fields(remark, delimiter)
    named = set(wanted.inputs) <= set(remarked)
    fields = _fields(line, delimiter)
    if line and not all(map(_is_number, fields)):
        return _Head(fields, delimiter, passed, ())
    if not line:
        return _Head(remarked, delimiter, passed, ())
    if not named:
        wanted.check_positional((-1, len(fields)), "a row without a header")
    names = remarked if named else wanted.inputs
    return _Head(names, delimiter, passed - 1, (line,))


def _fields(line: str, delimiter: str) -> tuple[str, ...]:
    return tuple(field.strip() for field in next(csv.reader([line], delimiter=delimiter), ()))


def _is_number(text: str) -> bool:
    """Whether NumPy reads a number there: Python's ``1_0`` and digits of other scripts are none."""
    if "_" in text or not text.isascii():
        return False
    try:
        float(text)
    except ValueError:
        return False
    return True


def _csv_blocks(
    where: str, lines: Iterator[str], head: _Head, size: int, order: tuple[int, ...]
) -> Iterator[Array]:
    passed = head.skip
    while taken := list(islice(lines, size)):
        rows = [line for line in taken if line.strip() and not line.startswith("#")]
        marks = len(head.names) - 1
        fault = None
        if any(row.count(head.delimiter) != marks for row in rows):
            fault = _csv_fault(taken, passed, head, order)
        if fault is None and rows:
            try:
                yield np.loadtxt(
                    rows,
                    delimiter=head.delimiter,
                    usecols=order,
                    comments=None,
                    quotechar='"',
                    ndmin=2,
                )
            except ValueError as error:
                fault = _csv_fault(taken, passed, head, order) or f": {error}"
        if fault is not None:
            raise FileFormatError(f"{where}{fault}")
        passed += len(taken)


def _csv_fault(
    lines: Sequence[str], passed: int, head: _Head, order: tuple[int, ...]
) -> str | None:
    """What is wrong with the first line that is wrong, with its number."""
    for number, line in enumerate(lines, passed + 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = _fields(line, head.delimiter)
        if len(fields) != len(head.names):
            return f", line {number}: {len(fields)} field(s) where {len(head.names)} belong"
        for i in order:
            if not _is_number(fields[i]):
                return f", line {number}, column {head.names[i]}: {fields[i]!r} is no number"
    return None


def _read_parquet(wanted: _Wanted, path: Path) -> Points:
    from symgrad.interop import parquet  # noqa: PLC0415 - optional, and slow to import

    names, count = parquet.head(path)

    def blocks(size: int, order: tuple[int, ...]) -> Iterator[Array]:
        with _reported(wanted.where):
            yield from parquet.blocks(path, size, [names[place] for place in order])

    return wanted.pick(names, count, blocks)


READERS: Mapping[str, Callable[[_Wanted, Path], Points]] = {
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".csv": _read_csv,
    ".parquet": _read_parquet,
}
