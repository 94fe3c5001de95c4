"""Sparsity: where the entries of a derivative array lie, as arrays of positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from symgrad.errors import ShapeError
from symgrad.ir.system import Pattern
from symgrad.runtime.arrays import Array

INT32_MAX = np.iinfo(np.int32).max


@dataclass(frozen=True, eq=False)
class Sparsity:
    """Which entries of an array are not structural zeros; the others are exactly 0 at any point.

    Entries are in row-major order. Seen as a matrix, the array has its last axis as columns and
    all others, flattened, as rows: a Jacobian of outputs of any shape has a row for every output
    entry, the Hessian of one expression a row for every variable, a gradient one row.

    With ``sparse=True`` the values of a result are of shape (*batch, nnz) in this order, which is
    that of a CSR matrix. Of symmetric entries one is stored, the one whose positions do not
    increase: for the Hessian of one expression that is the lower triangle. ``full`` has them all,
    and ``values[..., pattern.source]`` are its values.

    Attributes:
        shape: of the whole array for one point.
        indices: of shape (nnz, axes): the position of every entry on every axis.
        symmetric: how many of the last axes may be exchanged, one entry being stored for all ways
            to do so; 0 or 1 where every entry is listed.

    Example:
        >>> pattern = Sparsity((2, 2), np.array([[0, 0], [1, 0]]), symmetric=2)
        >>> pattern.rows, pattern.cols
        (array([0, 1]), array([0, 0]))
        >>> pattern.full.rows, pattern.full.cols, pattern.source
        (array([0, 0, 1]), array([0, 1, 0]), array([0, 1, 1]))
    """

    shape: tuple[int, ...]
    indices: Array
    symmetric: int = 0

    @staticmethod
    def of(pattern: Pattern) -> Sparsity:
        """The Sparsity of a derived Pattern."""
        indices = np.array(pattern.indices, np.intp).reshape(-1, len(pattern.shape))
        return Sparsity(pattern.shape, indices, pattern.symmetric)

    def __post_init__(self) -> None:
        self.indices.flags.writeable = False

    @property
    def nnz(self) -> int:
        """How many entries are listed."""
        return len(self.indices)

    @property
    def axes(self) -> tuple[Array, ...]:
        """The positions axis by axis, as ``numpy.nonzero`` gives them."""
        return tuple(self.indices.T)

    @property
    def matrix_shape(self) -> tuple[int, int]:
        """Rows and columns of the array seen as a matrix."""
        return prod(self.shape[:-1]), self.shape[-1] if self.shape else 1

    @cached_property
    def rows(self) -> Array:
        """The row of every entry: its position on all axes but the last, flattened."""
        leading = self.shape[:-1]
        rows = np.zeros(self.nnz, np.intp)
        for size, positions in zip(leading, self.indices.T, strict=False):
            rows = rows * size + positions
        return _read_only(rows)

    @cached_property
    def cols(self) -> Array:
        """The column of every entry: its position on the last axis."""
        cols = self.indices[:, -1].copy() if self.shape else np.zeros(self.nnz, np.intp)
        return _read_only(cols)

    @cached_property
    def csr(self) -> tuple[Array, Array]:
        """``indices`` and ``indptr`` of a CSR matrix, in 32 bits where that is enough."""
        rows, cols = self.matrix_shape
        small = max(rows, cols, self.nnz) <= INT32_MAX
        counts = np.bincount(self.rows, minlength=rows)
        indptr = np.concatenate([[0], np.cumsum(counts)])
        kind = np.int32 if small else np.int64
        return _read_only(self.cols.astype(kind)), _read_only(indptr.astype(kind))

    @cached_property
    def _spread(self) -> tuple[Array, Array]:
        """All entries, row-major, and for each the stored one that has its value."""
        lead = len(self.shape) - self.symmetric
        entries = [
            (*index[:lead], *arranged, position)
            for position, index in enumerate(self.indices.tolist())
            for arranged in _arrangements(index[lead:])
        ]
        table = np.array(sorted(entries), np.intp).reshape(-1, len(self.shape) + 1)
        return table[:, :-1].copy(), _read_only(table[:, -1].copy())

    @cached_property
    def full(self) -> Sparsity:
        """The pattern with every entry listed, symmetric ones included."""
        return self if self.symmetric < 2 else Sparsity(self.shape, self._spread[0])

    @cached_property
    def source(self) -> Array:
        """For every entry of ``full`` the position here of the entry that has its value."""
        return np.arange(self.nnz) if self.symmetric < 2 else self._spread[1]

    def dense(self, values: Any, *, last: bool = False) -> Array:
        """The whole array, zeros included, of values in the order of this pattern.

        Args:
            values: of shape (*batch, nnz).
            last: the batch axes come last instead, in ``values`` and in what is returned.

        Raises:
            ShapeError: the axis of the entries has another length.
        """
        given = self.check(values, last=last)
        made = np.zeros((*given.shape[:-1], *self.shape), given.dtype)
        at: Any = (..., *self.full.axes)
        made[at] = given[..., self.source]
        count = given.ndim - 1
        return np.moveaxis(made, range(count), range(-count, 0)) if last and count else made

    def check(self, values: Any, *, last: bool = False) -> Array:
        """``values`` as an array of shape (*batch, nnz).

        Raises:
            ShapeError: the axis of the entries has another length.
        """
        array = np.asarray(values)
        axis = 0 if last else -1
        if array.ndim == 0 or array.shape[axis] != self.nnz:
            wanted = f"({self.nnz}, *batch)" if last else f"(*batch, {self.nnz})"
            raise ShapeError(f"values have shape {array.shape}; {wanted} is needed")
        return np.moveaxis(array, 0, -1) if last else array

    def __repr__(self) -> str:
        sets = ", one of each symmetric set" if self.symmetric > 1 else ""
        entries = "1 entry" if self.nnz == 1 else f"{self.nnz} entries"
        return f"<{entries} of an array of shape {self.shape}{sets}>"


def _arrangements(positions: Sequence[int]) -> set[tuple[int, ...]]:
    """The distinct orders of some positions."""
    found: set[tuple[int, ...]] = {()}
    for position in positions:
        found = {
            (*order[:place], position, *order[place:])
            for order in found
            for place in range(len(order) + 1)
        }
    return found


def _read_only(array: Array) -> Array:
    array.flags.writeable = False
    return array
