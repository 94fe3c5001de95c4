"""Lanes: memory of the host and of a device through which the pieces of a batch go."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from symgrad.runtime import threads
from symgrad.runtime.arrays import Array, Columns
from symgrad.runtime.cuda.accelerator import Accelerator, Memory

PIECES = 8
"""Pieces that a batch of medium size is cut into."""

SMALLEST_PIECE, LARGEST_PIECE = 1 << 20, 16 << 20
"""Bytes of arguments and results of a piece: below, a launch takes longer than the copy."""

ALIGNMENT = 256
"""Bytes at whose multiples every array of a piece begins."""

COPY_BYTES = 1 << 19
"""A thread copies at least so many bytes; more threads than ``COPIERS`` only wait for memory."""

COPIERS = 8

_pools: dict[int, ThreadPoolExecutor] = {}
_lock = threading.Lock()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pools.clear)


def spread(work: Callable[[int, int], None], rows: int, nbytes: int, workers: int | None) -> None:
    """Call ``work(start, stop)`` for parts of some rows of so many bytes, on several threads."""
    count = min(nbytes // COPY_BYTES, rows)
    if count > 1:
        count = min(workers or min(threads.available(), COPIERS), count)
    if count <= 1:
        work(0, rows)
        return
    with _lock:
        pool = _pools.get(count)
        if pool is None:
            pool = _pools[count] = ThreadPoolExecutor(count, "symgrad-copy")
    bounds = [rows * part // count for part in range(count + 1)]
    for done in [pool.submit(work, a, b) for a, b in pairwise(bounds)]:
        done.result()


@dataclass(slots=True)
class Lane:
    """Page-locked memory, memory of the device and a stream for one piece at a time."""

    stream: int
    upper: Memory
    lower: Memory
    staged: Array
    fetched: Array
    piece: tuple[int, int] | None = None
    event: Any = None


class Station:
    """The lanes of a function on one device; one batch at a time uses them."""

    def __init__(self, device: Accelerator) -> None:
        self.device = device
        self.lock = threading.Lock()
        self.stream = device.stream()
        self._lanes: list[Lane] = []

    def lanes(self, count: int, up: int, down: int) -> list[Lane]:
        """Lanes for pieces of so many bytes up and down."""
        device = self.device
        for place in range(count):
            if place < len(self._lanes):
                lane = self._lanes[place]
                if lane.upper.nbytes >= up and lane.lower.nbytes >= down:
                    continue
                stream = lane.stream
                ups, downs = max(up, lane.upper.nbytes), max(down, lane.lower.nbytes)
            else:
                stream, ups, downs = device.stream(), up, down
            made = Lane(
                stream,
                device.allocate(ups, stream),
                device.allocate(downs, stream),
                device.pinned(ups),
                device.pinned(downs),
            )
            self._lanes[place : place + 1] = [made]
        return self._lanes[:count]


def aligned(nbytes: int) -> int:
    """Bytes up to the next place where an array may begin."""
    return -(-nbytes // ALIGNMENT) * ALIGNMENT


def piece_points(count: int, nbytes: int, unit: int) -> int:
    """Points of a piece of a batch of ``count`` points of so many bytes, a multiple of ``unit``."""
    wanted = min(max(count * nbytes // PIECES, SMALLEST_PIECE), LARGEST_PIECE)
    return max(1, wanted // nbytes // unit) * unit


def stage(given: Columns, view: Array, start: int, workers: int | None) -> None:
    """Copy the points from ``start`` on into page-locked memory, cast on the way."""
    count = len(view)
    if given.table is None:
        for target, column in zip(view.T, given.columns, strict=True):
            target[...] = column if len(column) == 1 else column[start : start + count]
        return
    part = given.table if given.table.shape[0] == 1 else given.table[start : start + count]
    if part.shape[0] == 1:
        view[...] = part
        return

    def copy(a: int, b: int) -> None:
        view[a:b] = part[a:b]

    spread(copy, count, view.nbytes, workers)
