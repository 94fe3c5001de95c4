"""The peers' counts, each made in a process of its own, within a time, and kept in a file.

with Workers(60, Path("counts.json")) as workers:
    outcome = workers.best("casadi", "bundle adjustment")
"""

from __future__ import annotations

import hashlib
import importlib
import json
import multiprocessing
import time
from dataclasses import asdict, dataclass
from functools import cache
from importlib import metadata
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.counting.counts import Count, InexpressibleError, options, recipe
from benchmarks.counting.tasks import find
from benchmarks.targets import Task

# name -> (module, function that yields the counts of all forms)
PEERS = {
    "casadi": ("benchmarks.counting.casadi", "forms"),
    "sympy": ("benchmarks.counting.sympy", "sympy_forms"),
    "symengine": ("benchmarks.counting.sympy", "symengine_forms"),
}
STARTING_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """The best count of a peer, or the reason why there is none.

    Attributes:
        count: the form of fewest operations, or None.
        reason: why there is none: "> 60 s", what cannot be expressed, an error.
        expressible: False where the peer lacks a function of the task.
    """

    count: Count | None
    reason: str = ""
    expressible: bool = True


def serve(connection: Connection, peer: str) -> None:
    """Answer keys of tasks with every form's Count, then None; or with the reason as text."""
    module, name = PEERS[peer]
    try:
        forms = getattr(importlib.import_module(module), name)
        importlib.import_module(peer)
    except ImportError as error:
        connection.send(f"not installed ({error})")
        return
    connection.send(None)
    while True:
        try:
            key = connection.recv()
        except EOFError:  # the other end is closed: there is nothing more to do
            return
        try:
            for count in forms(find(key)):
                connection.send(count)
            connection.send(None)
        except InexpressibleError as error:
            connection.send((False, str(error)))
        except Exception as error:
            connection.send((True, f"{type(error).__name__}: {error}"[:200]))


class Workers:
    """One process a peer, started when it is needed and again after it was stopped.

    Args:
        timeout: seconds a peer may take for a task; forms made until then count.
        path: where counts are kept between runs, or None.
    """

    def __init__(self, timeout: float, path: Path | None) -> None:
        self.timeout = timeout
        self.path = path
        self.kept: dict[str, Any] = {}
        if path is not None and path.exists():
            self.kept = json.loads(path.read_text(encoding="utf-8"))
        self.running: dict[str, tuple[BaseProcess, Connection]] = {}
        self.absent: dict[str, str] = {}

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        for peer in list(self.running):
            self._stop(peer)
        self.save()

    def save(self) -> None:
        """Write what is kept."""
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(json.dumps(self.kept), encoding="utf-8")

    def best(self, peer: str, key: str) -> Outcome:
        """What a peer makes of a task at its best."""
        if peer not in self.absent and peer not in self.running:
            self._start(peer)
        if peer in self.absent:
            return Outcome(None, self.absent[peer])
        mark = fingerprint(peer, find(key))
        kept = self.kept.get(mark)
        if kept is not None and (kept["complete"] or kept["timeout"] >= self.timeout):
            count = kept["count"] and Count(**kept["count"])
            return Outcome(count, kept["reason"], kept["expressible"])
        outcome, complete = self._ask(peer, key)
        if peer not in self.absent:
            self.kept[mark] = {
                **asdict(outcome),
                "complete": complete,
                "timeout": self.timeout,
                "peer": peer,
                "task": key,
            }
            self.save()
        return outcome

    def _ask(self, peer: str, key: str) -> tuple[Outcome, bool]:
        _, connection = self.running[peer]
        connection.send(key)
        best: Count | None = None
        deadline = time.monotonic() + self.timeout
        while connection.poll(max(0.0, deadline - time.monotonic())):
            try:
                answer = connection.recv()
            except EOFError:
                self._stop(peer)
                return Outcome(best, "" if best else "the process ended"), False
            if isinstance(answer, tuple):
                return Outcome(best, "" if best else answer[1], answer[0] or best is not None), True
            if answer is None:
                return Outcome(best), True
            if best is None or answer.operations < best.operations:
                best = answer
        self._stop(peer)
        return Outcome(best, "" if best else f"> {self.timeout:g} s"), False

    def _start(self, peer: str) -> None:
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        process = context.Process(target=serve, args=(there, peer), daemon=True)
        process.start()
        there.close()
        ready = here.poll(STARTING_SECONDS)
        try:
            reason = here.recv() if ready else f"not ready after {STARTING_SECONDS:g} s"
        except EOFError:
            reason = "its process ended"
        self.running[peer] = process, here
        if reason is not None:
            self.absent[peer] = reason
            self._stop(peer)

    def _stop(self, peer: str) -> None:
        process, connection = self.running.pop(peer)
        connection.close()
        process.kill()
        process.join()
        process.close()


def fingerprint(peer: str, task: Task) -> str:
    """A hash of all that a peer's count depends on."""
    graph = recipe(task, options("default")).graph
    parts = [peer, _version(peer), _sources(), task.name, str(task.wanted), repr(task.point), graph]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


@cache
def _version(peer: str) -> str:
    return metadata.version(peer)


@cache
def _sources() -> str:
    """The counters themselves: a change of theirs makes every kept count stale."""
    names = ("counts.py", "casadi.py", "sympy.py", "tasks.py")
    here = Path(__file__).parent
    return "".join((here / name).read_text(encoding="utf-8") for name in names)
