"""How a kernel writes large results: whatever the first chunks show to be the fastest way.

To write past the cache spares the reading of memory that is overwritten, and takes whole lines.
Which way is faster depends on how many rows of results there are, on how much is computed for
each, and on the caches: an arm's Jacobian of 84 rows takes 0.6 of the time past the cache, the 12
rows of coordinates on the globe 1.4 times as long if they are gathered first. Results are the same
bits every way.

Memory that is written for the first time costs many times as much, the system having to find and
clear it, and that says nothing of the ways. So the first call with memory of the caller's is not
timed; memory of our own is always new, and has a choice of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from math import inf
from time import perf_counter

from symgrad.ir.program import DIRECTLY, GATHERED, THROUGH
from symgrad.runtime.threads import CHUNK

STREAM_BYTES = 4 * 1024 * 1024
"""Smaller results than this are written through the cache."""

WAYS = (DIRECTLY, GATHERED, THROUGH)
"""In the order in which they are tried; the first one is taken until then."""

TRIALS = 4
"""So many chunks are timed each way; the fastest of them counts."""


Evaluate = Callable[[int], None]
"""Evaluates a chunk in one of WAYS."""

Run = Callable[[int, Evaluate], None]
"""(points of a chunk, how it is evaluated): evaluates it in the way that is chosen."""


@dataclass(slots=True)
class _Trial:
    """What is known about results of one size."""

    calls: int = 0
    begun: int = 0
    timed: list[int] = field(default_factory=lambda: [0] * len(WAYS))
    fastest: list[float] = field(default_factory=lambda: [inf] * len(WAYS))
    chosen: int | None = None

    def note(self, way: int, seconds: float) -> None:
        """Count a chunk's seconds a point; choose once there are enough."""
        self.fastest[way] = min(self.fastest[way], seconds)
        self.timed[way] += 1
        if min(self.timed) >= TRIALS:
            self.chosen = min(WAYS, key=self.fastest.__getitem__)


CHUNK_SECONDS = 0.01
"""One thread that is alone evaluates so much at a time, so that an interrupt is answered soon.
Between chunks Python's code has to come back into the caches: 10 microseconds and more, where
65,536 points of the smallest kernels take 30."""

SHARES = 10
"""Where there are several threads they take this part of it at a time."""

TICK = 1e-12
"""Seconds; so many more than a clock shows for a point, which may be none."""


class Streaming:
    """The choice of one function, made once for results of about the same size."""

    def __init__(self, clock: Callable[[], float] = perf_counter) -> None:
        self._clock = clock
        self._trials: dict[tuple[int, bool], _Trial] = {}

    def call(self, size: int, *, fresh: bool) -> Run:
        """How the chunks of a call are evaluated.

        Args:
            size: bytes of the results of the whole batch.
            fresh: whether their memory is new.
        """
        if size <= STREAM_BYTES:
            return partial(_always, THROUGH)
        trial = self._trials.setdefault((size.bit_length(), fresh), _Trial())
        trial.calls += 1
        if trial.chosen is not None:
            return partial(_always, trial.chosen)
        if trial.calls == 1 and not fresh:
            return partial(_always, WAYS[0])
        return partial(self._try, trial)

    def chunk(self, size: int, points: int, *, fresh: bool, alone: bool) -> int:
        """How many points are evaluated at a time; 0 where nothing is known of that.

        While a way is sought they are those of ``STREAM_BYTES``, which take long enough to be
        timed: a batch of results with many entries may have few points.

        Args:
            size: bytes of the results of the whole batch.
            points: of the whole batch.
            fresh: whether their memory is new.
            alone: whether one thread evaluates them all; several share them out more finely, so
                that none waits long for the last one.
        """
        if size <= STREAM_BYTES:
            return 0
        trial = self._trials.get((size.bit_length(), fresh))
        if trial is None or trial.chosen is None:
            return min(CHUNK, points * STREAM_BYTES // size)
        seconds = CHUNK_SECONDS if alone else CHUNK_SECONDS / SHARES
        return max(1, int(seconds / (trial.fastest[trial.chosen] + TICK)))

    def chosen(self, size: int, *, fresh: bool) -> int | None:
        """The way that is chosen for good, if it is.

        Args:
            size: bytes of the results of the whole batch.
            fresh: whether their memory is new.
        """
        trial = self._trials.get((size.bit_length(), fresh))
        return None if trial is None else trial.chosen

    def _try(self, trial: _Trial, points: int, evaluate: Evaluate) -> None:
        if trial.chosen is not None:
            evaluate(trial.chosen)
            return
        way = WAYS[trial.begun % len(WAYS)]
        trial.begun += 1
        begin = self._clock()
        evaluate(way)
        trial.note(way, (self._clock() - begin) / points)


def _always(way: int, _: int, evaluate: Evaluate) -> None:
    evaluate(way)
