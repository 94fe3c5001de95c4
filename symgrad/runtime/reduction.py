"""Sums over the points of a batch: from the sums of blocks, which a kernel gives, to results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgrad.runtime.arrays import Array
from symgrad.runtime.sparsity import Sparsity


@dataclass(frozen=True)
class Reduction:
    """How the sums of blocks of points become results.

    The blocks do not depend on how a batch is shared among threads, and their sums are added one
    after the other in double precision, so a result has the same bits for any number of workers.

    Attributes:
        block: points of a block; the last block of a batch may have fewer.
        mean: divide by the number of points.
        stored: results of which the kernel sums the entries of a pattern alone: no structural
            zeros, and of symmetric entries one. They are handed out whole.
    """

    block: int
    mean: bool
    stored: Mapping[str, Sparsity]

    def blocks(self, points: int) -> int:
        """How many blocks there are of so many points."""
        return -(-points // self.block)

    def entries(self, name: str, size: int) -> int:
        """How many entries of a result of ``size`` the kernel sums."""
        return self.stored[name].nnz if name in self.stored else size

    def result(
        self, name: str, sums: Array, count: int, shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> Array:
        """A result of that shape from the (blocks, entries) sums of ``count`` points.

        The sum over no points is 0, their mean nan.
        """
        total: Array = sums.sum(axis=0, dtype=np.float64)
        if self.mean:
            total = total / count if count else np.full_like(total, np.nan)
        total = total.astype(dtype)
        if name in self.stored:
            whole: Array = self.stored[name].dense(total)
            return whole
        return total.reshape(shape)
