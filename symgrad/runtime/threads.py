"""Chunks of a batch, handed to threads; numba's own threading layers are never used.

The kernel releases the interpreter lock and every chunk writes its own part of the results, so
results do not depend on how many threads there are.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait

import numpy as np

from symgrad.ir.program import HEADER
from symgrad.runtime.arrays import allocate

CHUNK = 65_536
"""Points of a chunk: some milliseconds of work, so that an interrupt is answered soon."""

INLINE_POINTS = 16_384
"""Batches up to this many points are evaluated by the calling thread."""

LINES = 64
"""Chunks are so many points or a multiple, if they are no blocks of sums: whole vectors, and for
every thread whole cache lines."""


class Scratch(threading.local):
    """Memory that a kernel works in; each thread has its own.

    Attributes:
        memory: an array of bytes that starts on a cache line; the first one holds the address of
            the kernel (``HEADER``).
    """

    def __init__(self, size: int, address: int = 0) -> None:
        # Called again in every thread that uses it, with the same arguments.
        self.memory = allocate((HEADER + size,), np.dtype(np.uint8), "scratch", anywhere=0)
        self.memory[:8].view(np.int64)[0] = address


_pools: dict[int, ThreadPoolExecutor] = {}
_lock = threading.Lock()


def _forget() -> None:
    """A forked child has none of its parent's threads."""
    _pools.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def available() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def chunks(points: int, size: int = CHUNK) -> list[tuple[int, int]]:
    """The (start, stop) of every chunk of ``points`` points."""
    return [(start, min(start + size, points)) for start in range(0, points, size)]


def chunk_size(points: int, threads: int, most: int = 0, step: int = LINES) -> int:
    """The size of chunks of which every thread gets as many, where there are enough for all.

    Args:
        points: of the batch.
        threads: that take them.
        most: points of a chunk that is long enough for every thread to have one, but not too long;
            0 where that is not known.
        step: the size is a multiple of it.

    >>> chunk_size(300_000, 1), chunk_size(300_000, 2), chunk_size(40_000, 2)
    (65536, 50048, 65536)
    >>> chunk_size(300_000, 1, 10_000), chunk_size(300_000, 2, 10_000)
    (9984, 9408)
    >>> chunk_size(300_000, 1, 10**6), chunk_size(300_000, 2, 10**6)
    (1000000, 150016)
    """
    size = max(step, most // step * step) if most else CHUNK
    count = -(-points // size)
    if threads == 1 or (count < threads and not most):
        return size
    count = -(-max(count, threads) // threads) * threads
    return -(-points // (count * step)) * step


def run(
    work: Callable[[int, int], None],
    points: int,
    workers: int | None,
    on_chunk: Callable[[int, int], None] | None,
    most: int = 0,
    step: int = LINES,
) -> None:
    """Call ``work(start, stop)`` for every chunk, on ``workers`` threads.

    Args:
        work: evaluates the points from start to stop.
        points: of the batch.
        workers: threads; by default all processors, one for small batches of which ``most`` is not
            known.
        on_chunk: called in this thread with (points done, points in all) for each chunk, soon
            after it.
        most: points of a chunk, if that is known.
        step: every chunk begins at a multiple of it.
    """
    small = workers is None and points <= INLINE_POINTS and not most
    if small and on_chunk is None:
        work(0, points)
        return
    threads = 1 if small else workers or available()
    parts = chunks(points, chunk_size(points, threads, most, step))
    threads = min(threads, len(parts))
    if threads <= 1:
        for start, stop in parts:
            work(start, stop)
            if on_chunk is not None:
                on_chunk(stop, points)
        return
    _run_threads(work, parts, threads, points, on_chunk)


def _run_threads(
    work: Callable[[int, int], None],
    parts: Sequence[tuple[int, int]],
    threads: int,
    points: int,
    on_chunk: Callable[[int, int], None] | None,
) -> None:
    """Evaluate the chunks; the calling thread is one of the threads, since to wake one takes time.

    Where the others are busy with another call, it evaluates them all.
    """
    with _lock:
        pool = _pools.get(threads - 1)
        if pool is None:
            pool = _pools[threads - 1] = ThreadPoolExecutor(threads - 1, "symgrad")
    # Each thread takes chunk after chunk itself: a task for each would take 40 us of Python. The
    # work stands beside them: a cancelled task that a busy pool still has must keep no arrays.
    left, sizes, done = deque((work, *part) for part in parts), deque[int](), 0
    others: list[Future[None]] = []  # made one by one: an interrupt may come between two

    def take(then: Callable[[], None]) -> None:
        while left:
            try:
                evaluate, start, stop = left.popleft()
            except IndexError:  # another thread was quicker
                return
            evaluate(start, stop)
            sizes.append(stop - start)
            then()

    def tell() -> None:
        """Raise what another thread has raised, and say what is done."""
        nonlocal done
        for future in others:
            if future.done():
                future.result()
        while on_chunk is not None and sizes:
            done += sizes.popleft()
            on_chunk(done, points)

    try:
        for _ in range(threads - 1):
            others.append(pool.submit(take, _nothing))  # noqa: PERF401 - see above
        take(tell)
        others = [future for future in others if not future.cancel()]
        pending = set(others)
        while pending:
            _, pending = wait(pending, timeout=0.1, return_when=FIRST_EXCEPTION)
            tell()
    finally:
        # Nothing is written any more once the call has ended, however it ends.
        left.clear()
        wait([future for future in others if not future.cancel()])


def _nothing() -> None:
    pass
