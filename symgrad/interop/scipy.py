"""SciPy's sparse arrays from the values of sparse results; nothing else of symgrad imports SciPy.

All matrices of a batch share one pattern (``indices`` and ``indptr``), which is read-only, since a
change in one would change them all: call ``.copy()`` before ``eliminate_zeros()`` and the like.
"""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np

from symgrad.errors import MissingDependencyError
from symgrad.runtime.sparsity import Sparsity

try:
    import scipy.sparse
except ImportError as error:
    raise MissingDependencyError(
        "SciPy is not installed; install it with: pip install symgrad[scipy]"
    ) from error


def to_csr(
    pattern: Sparsity,
    values: Any,
    *,
    symmetric: bool = True,
    block_diagonal: bool = False,
    last: bool = False,
) -> Any:
    """CSR matrices of a batch of values on one pattern.

    Args:
        pattern: where the values lie.
        values: of shape (*batch, nnz).
        symmetric: fill in the symmetric entries that are not stored, which copies the values; else
            the stored ones alone are there, for a Hessian the lower triangle.
        block_diagonal: make one matrix that has the points' matrices along its diagonal.
        last: ``values`` has shape (nnz, *batch) instead.

    Returns:
        A ``scipy.sparse.csr_array`` for one point or with ``block_diagonal``, else a list of them,
        the batch in C order. They share ``indices`` and ``indptr``, and their ``data`` is memory
        of ``values`` wherever that is in the right order.

    Raises:
        ShapeError: the values are not as many as the pattern has entries.
    """
    given = pattern.check(values, last=last)
    if symmetric and pattern.full is not pattern:
        given, pattern = given[..., pattern.source], pattern.full
    given = np.ascontiguousarray(given)
    if block_diagonal:
        return _block_diagonal(pattern, given)
    empty = np.zeros(pattern.nnz, given.dtype)
    matrix = scipy.sparse.csr_array((empty, *pattern.csr), shape=pattern.matrix_shape)
    matrix.has_canonical_format = True
    if given.ndim == 1:
        return _with_data(matrix, given)
    return [_with_data(matrix, row) for row in given.reshape(_points(given), pattern.nnz)]


def _points(given: Any) -> int:
    """How many points a batch has."""
    return int(np.prod(given.shape[:-1], dtype=np.intp))


def _with_data(matrix: Any, values: Any) -> Any:
    """The matrix with other values; its constructor would copy a row of a larger array."""
    made = copy(matrix)
    made.data = values
    return made


def _block_diagonal(pattern: Sparsity, given: Any) -> Any:
    points, (rows, cols) = _points(given), pattern.matrix_shape
    indices, indptr = (part.astype(np.int64) for part in pattern.csr)
    shifts = np.arange(points)[:, None]
    columns = (indices + shifts * cols).reshape(-1)
    starts = (indptr[:-1] + shifts * pattern.nnz).reshape(-1)
    pointers = np.concatenate([starts, [points * pattern.nnz]])
    shape = (points * rows, points * cols)
    return scipy.sparse.csr_array((given.reshape(-1), columns, pointers), shape=shape, copy=False)
