"""What results look like, column by column, gathered block by block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.cli.table import aligned

SHOWN = 12
"""Columns that a summary describes; the others are counted."""


class Summary:
    """The first value, mean, smallest and largest of every column, over its finite values.

    Example:
        >>> summary = Summary(["value"])
        >>> summary.add({"value": np.array([1.0, 4.0, np.inf])})
        >>> print(summary.text())
        entry  first point  mean  smallest  largest  not finite
        value            1   2.5         1        4           1
    """

    def __init__(self, labels: Sequence[str]) -> None:
        """Start with no points; ``labels`` names every column."""
        self._labels = labels
        width = min(len(labels), SHOWN)
        self._first: NDArray[Any] | None = None
        self._count = 0
        self._sum = np.zeros(width)
        self._finite = np.zeros(width, dtype=np.int64)
        self._low = np.full(width, np.inf)
        self._high = np.full(width, -np.inf)

    def add(self, results: Mapping[str, NDArray[Any]]) -> None:
        """Take the next block: arrays of shape (rows, ...) that together have every column."""
        flat = [array.reshape(len(array), prod(array.shape[1:])) for array in results.values()]
        for column, values in enumerate(self._columns(flat)):
            finite = values[np.isfinite(values)]
            self._finite[column] += len(finite)
            self._sum[column] += finite.sum(dtype=np.float64)
            self._low[column] = finite.min(initial=self._low[column])
            self._high[column] = finite.max(initial=self._high[column])
        if self._first is None and len(flat[0]):
            self._first = np.array([values[0] for values in self._columns(flat)])
        self._count += len(flat[0])

    def _columns(self, flat: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        return [block[:, i] for block in flat for i in range(min(block.shape[1], SHOWN))][:SHOWN]

    def text(self) -> str:
        """A line for each column, and how many more there are."""
        if self._first is None:
            return "no points"
        missing = self._count - self._finite
        heads = ["entry", "first point", "mean", "smallest", "largest", "not finite"]
        rows = [heads if missing.any() else heads[:-1]]
        for i, label in enumerate(self._labels[:SHOWN]):
            numbers = [self._first[i], np.nan, np.nan, np.nan]
            if self._finite[i]:
                numbers[1:] = [self._sum[i] / self._finite[i], self._low[i], self._high[i]]
            row = [label, *(f"{number:.6g}" for number in numbers)]
            rows.append([*row, str(missing[i])] if missing.any() else row)
        more = len(self._labels) - SHOWN
        tail = f"\nand {more} more; -o result.npz writes them all" if more > 0 else ""
        return aligned(rows, right=range(1, len(rows[0]))) + tail
