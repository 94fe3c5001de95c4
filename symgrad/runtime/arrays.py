"""Arrays in and out: what a call was given, as columns over points, and where results go.

A batch of points has any number of axes. ``batch_axis=0`` has them first: X is (*batch, n) and a
result (*batch, *shape); ``batch_axis=-1`` has them last: X (n, *batch), a result (*shape, *batch).
Inside, every array is seen as (points, columns); only layouts that have no such view are copied.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from symgrad.errors import ArgumentError, DtypeError, LimitError, ShapeError

Array = npt.NDArray[Any]

SMALL = 4096
"""Arrays of so many bytes need not start on a cache line: finding where costs a microsecond."""


class Columns(NamedTuple):
    """One argument group of a call: a (points, columns) view, or separate columns that broadcast.

    Attributes:
        table: the view, where the group came as one array.
        columns: otherwise one vector along the batch a column (an array, or an iterator over a
            broadcast one, which is never laid out in full), of one entry where all are equal.
    """

    table: Array | None
    columns: tuple[Any, ...] = ()

    def overlaps(self, array: Array) -> bool:
        """Whether writing into ``array`` could change what is still to be read here."""
        sources = self.columns if self.table is None else (self.table,)
        return any(np.may_share_memory(getattr(s, "base", s), array) for s in sources)

    def viewed(self, dtype: np.dtype[Any]) -> bool:
        """Whether chunks of ``dtype`` are views, which take no memory however long they are."""
        table = self.table
        if table is None:
            return False
        return table.shape[0] == 1 or (table.dtype == dtype and table.flags.aligned)

    def chunk(self, start: int, stop: int, dtype: np.dtype[Any]) -> Array:
        """The points from start to stop as (points, columns) of ``dtype``, copied where needed."""
        if self.table is not None:
            if self.table.shape[0] == 1:
                return repeated(np.ascontiguousarray(self.table, dtype=dtype), stop - start)
            part = self.table[start:stop]
            if part.dtype != dtype or not part.flags.aligned:
                part = part.T.astype(dtype, order="C").T
            return part
        block = np.empty((len(self.columns), stop - start), dtype)
        for row, column in zip(block, self.columns, strict=True):
            row[...] = column if len(column) == 1 else column[start:stop]
        return block.T


def repeated(row: Array, points: int) -> Array:
    """One row for all of a batch: stride 0 along the points (``np.broadcast_to``, but quick)."""
    if points == 1:
        return row
    return np.ndarray((points, row.shape[1]), row.dtype, row, 0, (0, row.itemsize))


def as_array(name: str, value: Any, dtype: np.dtype[Any]) -> Array:
    """``value`` as an array that may be cast to ``dtype`` without changing its kind.

    Raises:
        DtypeError: complex or object entries, text, a ragged nesting, or a mask, which is lost.
    """
    if type(value) is not np.ndarray and np.ma.is_masked(value):
        raise DtypeError(
            f"{name} is a masked array, and its mask would be lost; give {name}.filled(nan), or "
            "the points that are not masked"
        )
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise DtypeError(f"{name} is ragged: {error}; give rows of equal length") from None
    if array.dtype == dtype:
        return array
    if array.dtype == object or not np.can_cast(array.dtype, dtype, "same_kind"):
        raise DtypeError(
            f"{name} has dtype {array.dtype}, which cannot become {dtype} "
            f"(NumPy's same_kind rule); give numpy.asarray(..., {str(dtype)!r}) of it if that is "
            "meant"
        )
    return array


def points_from_table(
    name: str, array: Array, columns: int, batch_axis: int
) -> tuple[tuple[int, ...], Columns]:
    """The batch shape and the columns of one array that holds all columns of a group.

    Raises:
        ShapeError: the array has no axis of ``columns`` entries in the right place.
    """
    axis = -1 if batch_axis == 0 else 0
    wanted = f"(*batch, {columns})" if batch_axis == 0 else f"({columns}, *batch)"
    if columns == 1 and array.ndim <= 1:
        # One input: a vector is a column of points, a number is one point.
        return array.shape, Columns(array.reshape(-1, 1))
    if array.ndim == 0 or array.shape[axis] != columns:
        raise ShapeError(f"{name} has shape {array.shape}; {wanted} is needed")
    if batch_axis == 0:
        return array.shape[:-1], Columns(array.reshape(-1, columns))
    return array.shape[1:], Columns(array.reshape(columns, -1).T)


def points_from_columns(
    names: Sequence[str], arrays: Sequence[Array]
) -> tuple[tuple[int, ...], Columns]:
    """The batch shape and the columns of separate arrays that broadcast against each other.

    Raises:
        ShapeError: they do not broadcast.
    """
    shapes = [array.shape for array in arrays]
    try:
        batch = shapes[0] if len(set(shapes)) == 1 else np.broadcast_shapes(*shapes)
    except ValueError:
        listed = ", ".join(f"{n}: {s}" for n, s in zip(names, shapes, strict=True))
        raise ShapeError(f"the inputs do not broadcast to one shape ({listed})") from None
    return batch, Columns(None, tuple([column(array, batch) for array in arrays]))


def column(array: Array, batch: tuple[int, ...]) -> Any:
    """``array`` along the flat batch: one entry where it is the same for all points."""
    if array.size == 1:
        return array.reshape(1)
    if array.shape == batch and array.flags.c_contiguous:
        return array.reshape(-1)
    return np.broadcast_to(array, batch).flat


def parameter_columns(
    names: Sequence[str], values: Mapping[str, Array], batch: tuple[int, ...]
) -> Columns:
    """The parameters of a call: one row for the whole batch, or columns along the batch.

    Raises:
        ShapeError: a parameter is neither a number nor an array along the batch.
    """
    if all(values[name].size == 1 for name in names):
        return Columns(np.array([[values[name].reshape(()) for name in names]]))
    for name in names:
        try:
            fits = np.broadcast_shapes(values[name].shape, batch) == batch
        except ValueError:
            fits = False
        if not fits:
            raise ShapeError(
                f"parameter {name!r} has shape {values[name].shape}; give one number, or an "
                f"array that broadcasts to the batch {batch}"
            )
    return Columns(None, tuple(column(values[name], batch) for name in names))


def result_shape(
    shape: tuple[int, ...], batch: tuple[int, ...], batch_axis: int
) -> tuple[int, ...]:
    """The shape of a result array over a batch."""
    return batch + shape if batch_axis == 0 else shape + batch


def allocate(
    shape: tuple[int, ...], dtype: np.dtype[Any], name: str, *, anywhere: int = SMALL
) -> Array:
    """An uninitialised array whose memory starts on a cache line.

    Args:
        shape: of the array.
        dtype: of the array.
        name: what it holds, for the error.
        anywhere: memory of so many bytes or fewer may start anywhere.

    Raises:
        LimitError: there is not that much memory; the message says how much.
    """
    size = prod(shape) * dtype.itemsize
    try:
        if size <= anywhere:
            return np.empty(shape, dtype)
        raw = np.empty(size + 64, np.uint8)
    except (MemoryError, ValueError):  # ValueError: more bytes than an address has
        raise LimitError(
            f"result {name!r} of shape {shape} needs {size:,} bytes, which there are not; "
            "evaluate the batch in parts"
        ) from None
    offset = -raw.ctypes.data % 64
    return raw[offset : offset + size].view(dtype).reshape(shape)


def check_out(name: str, array: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """``array``, if results can be written into it.

    Raises:
        ShapeError: its shape is not the result's.
        DtypeError: its dtype is not the kernel's, or it cannot be written.
    """
    if not isinstance(array, np.ndarray):
        raise ArgumentError(f"out for {name!r} is {type(array).__name__}; give a NumPy array")
    if array.shape != shape:
        raise ShapeError(f"out for {name!r} has shape {array.shape}; {shape} is needed")
    if array.dtype != dtype or not array.flags.writeable or not array.flags.aligned:
        raise DtypeError(f"out for {name!r} must be writable, aligned and of dtype {dtype}")
    return array


def check_apart(arrays: Mapping[str, Array]) -> None:
    """Refuse arrays for results of which one would overwrite another.

    Raises:
        ArgumentError: two share memory.
    """
    seen: list[tuple[str, Array]] = []
    for name, array in arrays.items():
        for other, earlier in seen:
            if np.may_share_memory(earlier, array) and np.shares_memory(earlier, array):
                raise ArgumentError(
                    f"out for {name!r} shares memory with out for {other!r}, which it would "
                    "overwrite; give separate arrays"
                )
        seen.append((name, array))


def flat_view(array: Array, size: int, points: int, batch_axis: int) -> Array | None:
    """A result array seen as (points, entries), or None where its layout has no such view."""
    flat = array.reshape(points, size) if batch_axis == 0 else array.reshape(size, points).T
    viewed = array.flags.c_contiguous or np.may_share_memory(flat, array) or array.size == 0
    return flat if viewed else None
