"""Which columns of a file a function wants, and the points that are found there.

What every format shares; ``points.py`` reads the files.
"""

from __future__ import annotations

import csv
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from symgrad.errors import DtypeError, FileFormatError, ShapeError

Array = NDArray[Any]

DAMAGED = (ValueError, EOFError, RuntimeError, zlib.error, zipfile.BadZipFile, csv.Error)
"""What reading a damaged file raises."""


class Described(Protocol):
    """An array that may still lie in its file."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Points first."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of its entries."""


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


@dataclass(frozen=True, slots=True)
class Wanted:
    """The columns that a function asks for, and the file to find them in."""

    where: str
    inputs: tuple[str, ...]
    parameters: tuple[str, ...]

    @property
    def known(self) -> set[str]:
        """Every name that may be read."""
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
            raise FileFormatError(f"{self.where} has several columns called {listed(twice)}")
        missing = [name for name in self.inputs if name not in names]
        if missing:
            raise FileFormatError(
                f"{self.where} has no column for {listed(missing)}; its columns are {listed(names)}"
            )
        given = tuple(name for name in self.parameters if name in names)
        chosen = (*self.inputs, *given)
        unused = tuple(name for name in names if name not in chosen)
        order = tuple(names.index(name) for name in chosen)

        def walk(size: int) -> Iterator[Array]:
            with reported(self.where):
                yield from blocks(size, order)

        return Points(self.where, self.inputs, given, unused, count, walk)

    def pick_array(self, array: Described, blocks: Callable[[int], Iterator[Array]]) -> Points:
        """Points from one array of shape (N, n), its columns the inputs in order."""
        self.check_positional(array.shape, "the array")
        self.check_dtype(array.dtype, "the array")
        return self.pick(self.inputs, array.shape[0], lambda size, _: blocks(size))

    def pick_arrays(
        self,
        arrays: Mapping[str, Described],
        blocks: Callable[[str, int], Iterator[Array]],
    ) -> Points:
        """Points from arrays with names; ``blocks`` is told which array, and how many rows.

        One of shape (N, n) called ``points`` (or the only one there) and one of shape (N,) for
        each parameter, or one for each input.
        """
        given = tuple(name for name in self.parameters if name in arrays)
        members = self.inputs
        if not set(self.inputs) <= set(arrays):
            others = [name for name in arrays if name not in given]
            members = ("points",) if "points" in arrays else tuple(others)
            if len(members) != 1:
                raise FileFormatError(
                    f"{self.where} has the arrays {listed(tuple(arrays))}; it needs one called "
                    f"'points' of shape (N, {len(self.inputs)}), or one of shape (N,) for each of "
                    f"{listed(self.inputs)}"
                )
            self.check_positional(arrays[members[0]].shape, members[0])
        read = (*members, *given)
        for name in read:
            self.check_dtype(arrays[name].dtype, name)
            if members == self.inputs or name in given:
                self.check_column(arrays[name].shape, name)
        counts = {name: arrays[name].shape[0] for name in read}
        if len(set(counts.values())) > 1:
            said = ", ".join(f"{name} has {count}" for name, count in counts.items())
            raise ShapeError(f"{self.where}: the arrays differ in their number of points: {said}")

        def rows(size: int) -> Iterator[Array]:
            with reported(self.where):
                walks = [blocks(name, size) for name in read]
                for parts in zip(*walks, strict=True):
                    yield parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

        unused = tuple(name for name in arrays if name not in read)
        return Points(self.where, self.inputs, given, unused, counts[read[0]], rows)

    def check_positional(self, shape: tuple[int, ...], what: str) -> None:
        """Refuse columns without names that are not one for each input."""
        width = len(self.inputs)
        if shape[1:] == (width,) or (len(shape) == 1 == width):
            return
        also = " or (N,)" if width == 1 else ""
        said = f"({', '.join('N' if size < 0 else str(size) for size in shape)})"
        raise ShapeError(
            f"{self.where}: {what} has the shape {said}; "
            f"the inputs {listed(self.inputs)} need (N, {width}){also}"
        )

    def check_column(self, shape: tuple[int, ...], what: str) -> None:
        """Refuse a column that has not one number for each point."""
        if len(shape) != 1 and shape[1:] != (1,):
            raise ShapeError(f"{self.where}: {what} has the shape {shape}; it needs (N,)")

    def check_dtype(self, dtype: np.dtype[Any], what: str) -> None:
        """Refuse what is no real number."""
        if dtype.kind not in "fiub":
            raise DtypeError(f"{self.where}: {what} holds {dtype}; points are real numbers")


def listed(names: Sequence[str]) -> str:
    """The first names of a list, for messages."""
    shown = ", ".join(names[:12])
    return f"{shown} and {len(names) - 12} more" if len(names) > 12 else shown or "none"


@contextmanager
def reported(where: str) -> Iterator[None]:
    """Turn what NumPy, zipfile, the csv module and decoders raise into a FileFormatError."""
    try:
        yield
    except FileNotFoundError as error:
        raise FileFormatError(f"{where}: there is no such file") from error
    except DAMAGED as error:
        raise FileFormatError(f"{where} cannot be read: {error}") from error
