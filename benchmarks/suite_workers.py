"""Peers of the suite, each in a process of its own, so that one that takes too long can be ended.

The command asks one process at a time, so the peers take turns on one core as they would in one
process, and none is in the way of another's libraries. A process times itself: CPU time.
"""

import gc
import multiprocessing
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers import OURS, prepare
from benchmarks.peers.prepared import PATIENCE, Prepared, Results, Unavailable, timed
from benchmarks.problem import Problem
from benchmarks.suite_problems import find

PIECE = 16_040  # no power of two: rows that far apart share a few cache lines
PIECES_SECONDS = 0.03
WHOLE_SECONDS = 0.6
"""A peer that would need longer for the whole batch runs in pieces only, to save time."""

WARM_SECONDS = 0.2
"""A form is run for so long before it counts: what chooses among ways of its own does so then."""

POLL_SECONDS = 0.5
CHECKED = 1001
TAIL = 64


@dataclass(frozen=True, slots=True)
class Ready:
    """What a peer says of itself once it can be timed.

    Attributes:
        settings: what it uses, and what that was chosen from.
        derive_s, compile_s: CPU seconds; the first is None where the two are one.
        whole: whether it runs the whole batch in one call.
        head: results at points spread over the first piece.
        tail: results at the last points of the batch, None where it runs in pieces only.
    """

    settings: str
    derive_s: float | None
    compile_s: float
    whole: bool
    head: Results
    tail: Results | None


@dataclass(frozen=True, slots=True)
class Settings:
    """How the processes go about a problem: points, and CPU seconds for choosing variants."""

    points: int
    variants_s: float
    probe_s: float


def run_pieces(prepared: Prepared, placed: list[Any], out: Any) -> None:
    """Every piece in turn into the same results."""
    for piece in placed:
        prepared.run(piece, out)


def picked(results: Results, where: Any) -> Results:
    """Copies of the results at some points."""
    value, derivative = results
    return value[..., where].copy(), derivative[..., where].copy()


@dataclass(slots=True)
class Runner:
    """One prepared peer with its points in place: `whole` and `pieces` give ns a point."""

    count: int
    whole_call: Callable[[], None] | None
    pieces_call: Callable[[], None]
    pieces_count: int

    def whole(self) -> float:
        """CPU nanoseconds a point of one call on all points."""
        assert self.whole_call is not None
        return timed(self.whole_call) / self.count * 1e9

    def pieces(self) -> float:
        """CPU nanoseconds a point in pieces whose results stay in the cache if they are small."""
        return timed(self.pieces_call) / self.pieces_count * 1e9


def warm(call: Callable[[], None]) -> None:
    """Call for so many CPU seconds, once at least."""
    begin = time.process_time()
    call()
    while time.process_time() - begin < WARM_SECONDS:
        call()


def points_for(problem: Problem, count: int) -> np.ndarray:
    """The same points in every process."""
    return problem.points(np.random.default_rng(2026), count)


def enter(peer: str, problem: Problem, settings: Settings) -> tuple[Runner, Ready] | Unavailable:
    """Prepare a peer, warm it up and compute the results that are checked."""
    PATIENCE.build, PATIENCE.probe = settings.variants_s, settings.probe_s
    prepared = prepare(peer, problem)
    if isinstance(prepared, Unavailable):
        return prepared
    count = settings.points
    x = points_for(problem, count)
    size = min(PIECE, count)
    out = prepared.allocate(size)
    placed = [prepared.place(np.ascontiguousarray(x[:, :size]))]
    call = partial(run_pieces, prepared, placed, out)
    call()
    head = picked(prepared.outputs(out), np.unique(np.linspace(0, size - 1, CHECKED).astype(int)))
    seconds = max(timed(call), 1e-6)
    starts = range(size, max(size, min(count // size, int(PIECES_SECONDS / seconds)) * size), size)
    placed += [prepared.place(np.ascontiguousarray(x[:, k : k + size])) for k in starts]
    warm(call)
    whole, tail = None, None
    fits = count <= (prepared.most_points or count)
    if peer in OURS or (fits and seconds / size * count <= WHOLE_SECONDS):
        everything = prepared.allocate(count)
        whole = partial(prepared.run, prepared.place(x), everything)
        warm(whole)
        tail = picked(prepared.outputs(everything), np.arange(max(0, count - TAIL), count))
    ready = Ready(
        prepared.settings,
        prepared.derive_s,
        prepared.compile_s,
        whole is not None,
        head,
        tail,
    )
    return Runner(count, whole, call, size * len(placed)), ready


def serve(connection: Connection, peer: str) -> None:
    """Answer requests until the other end is closed: (what, arguments) -> the answer."""
    runner: Runner | None = None
    while True:
        try:
            what, *rest = connection.recv()
        except EOFError:
            return
        answer: Any
        try:
            if what == "prepare":
                runner = None
                gc.collect()
                made = enter(peer, find(rest[0]), rest[1])
                runner, answer = (None, made) if isinstance(made, Unavailable) else made
            elif what == "limits":
                # Imported here: only symgrad's process needs the measurements of the machine.
                from benchmarks.suite_limits import limits

                answer = limits(find(rest[0]), rest[1])
            elif what == "compile":
                from benchmarks.compile_times import compile_seconds

                answer = compile_seconds(peer, rest[0])
            else:
                answer = getattr(runner, what)()
        except Exception as failure:  # a failure is a result too
            first_line = str(failure).strip().partition("\n")[0][:160]
            answer = Unavailable(peer, f"failed: {type(failure).__name__}: {first_line}")
        connection.send(answer)


def spent_by(process: int) -> float:
    """CPU seconds of a process and its finished children; wall seconds where nothing tells."""
    try:
        # The name in parentheses may hold spaces; utime is the 14th field of the line.
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return time.monotonic()
    return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")


class Worker:
    """The process of one peer, started when it is first asked and again after it was ended."""

    def __init__(self, peer: str) -> None:
        """Remember the peer; nothing is started yet."""
        self.peer = peer
        self._process: Any = None
        self._connection: Any = None

    def ask(self, *request: Any, seconds: float | None = None) -> Any:
        """The answer, or Unavailable where it took more CPU seconds: then the process is ended."""
        if self._process is None:
            context = multiprocessing.get_context("spawn")
            self._connection, theirs = context.Pipe()
            self._process = context.Process(target=serve, args=(theirs, self.peer), daemon=True)
            self._process.start()
            theirs.close()
        begun = spent_by(self._process.pid)
        self._connection.send(request)
        try:
            while not self._connection.poll(POLL_SECONDS):
                if seconds is None or spent_by(self._process.pid) - begun <= seconds:
                    continue
                self.close()
                return Unavailable(self.peer, f"> {seconds:g} s to derive, compile and warm up")
            answer = self._connection.recv()
        except (EOFError, OSError):
            self.close()
            return Unavailable(self.peer, "failed: its process died")
        if isinstance(answer, Unavailable) and answer.reason.startswith("failed"):
            self.close()  # what failed may have left the library in a state of its own
        return answer

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._connection.close()
            self._process = None
