"""Processes of the GPU benchmark: one that holds the GPU, others for peers, and builders.

A kernel that reads where it must not leaves its process without a usable GPU. So the command
itself never touches the GPU: it asks a process to measure one thing at a time, and starts a new
one after a fault or where an answer takes too long.
"""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

URGENT = 2
BUILDERS = max(1, min(14, (os.cpu_count() or 2) - 2))


@dataclass(frozen=True, slots=True)
class Failure:
    """What could not be measured and why; ``fatal`` where the process is of no use any more."""

    reason: str
    fatal: bool = False


LATE_BUILD = Failure("not built in time")


def last_line(error: BaseException) -> str:
    """The last line of a traceback, and where in which file it was raised."""
    line = traceback.format_exception_only(error)[-1].strip().partition("\n")[0][:300]
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{line}{where}"


def perform(module: str, function: str, arguments: Sequence[Any]) -> Any:
    """Call a function of a module by name; a failure is an answer too."""
    try:
        return getattr(importlib.import_module(module), function)(*arguments)
    except Exception as error:  # what fails is a figure of this benchmark
        reason = last_line(error)
    try:
        from benchmarks.on_gpu.device import device

        device().finish()
    except Exception:
        return Failure(reason, fatal=True)
    return Failure(reason)


def prepare_process(cases: str | None, dry: bool) -> None:
    """Settings that a new process needs before it imports anything else."""
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    import tests.cases
    from benchmarks.on_gpu import device as gpu_device

    if cases:
        tests.cases.FOLDER = Path(cases)
        tests.cases.AVAILABLE = tests.cases.FOLDER.is_dir()
    gpu_device.use(dry=dry)


def prepare_builder(cases: str | None) -> None:
    """The same for a process that builds: it must not see the GPU, which others are timing."""
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    prepare_process(cases, dry=False)


def serve(connection: Connection, cases: str | None) -> None:
    """Answer requests until the other end is closed: (module, function, arguments) -> answer."""
    prepare_process(cases, dry=False)
    while True:
        try:
            request = connection.recv()
        except EOFError:
            return
        connection.send(perform(*request))


class Worker:
    """A process that is started when it is first asked, and again after it failed."""

    def __init__(self, cases: str | None = None) -> None:
        self.cases = cases
        self._process: Any = None
        self._connection: Any = None

    def send(self, module: str, function: str, *arguments: Any) -> None:
        """Ask without waiting for the answer; ``receive`` waits."""
        if self._process is None:
            context = multiprocessing.get_context("spawn")
            self._connection, theirs = context.Pipe()
            self._process = context.Process(target=serve, args=(theirs, self.cases), daemon=False)
            self._process.start()
            theirs.close()
        try:
            self._connection.send((module, function, arguments))
        except OSError:
            self.close()

    def receive(self, seconds: float) -> Any:
        """The answer, or a Failure where it takes longer or the process died."""
        if self._process is None:
            return Failure("its process died", fatal=True)
        answer: Any
        try:
            if self._connection.poll(max(0.0, seconds)):
                answer = self._connection.recv()
            else:
                answer = Failure(f"no answer in {seconds:.0f} s", fatal=True)
        except (EOFError, OSError):
            self._process.join(1)
            answer = Failure(f"its process died (status {self._process.exitcode})", fatal=True)
        if isinstance(answer, Failure) and answer.fatal:
            self.close()
        return answer

    def ask(self, module: str, function: str, *arguments: Any, seconds: float = 60.0) -> Any:
        """The answer of a process, or a Failure."""
        self.send(module, function, *arguments)
        return self.receive(seconds)

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._connection.close()
            self._process = None


class Inline:
    """The same without a process, for machines without a GPU."""

    def __init__(self) -> None:
        self._answer: Any = None

    def send(self, module: str, function: str, *arguments: Any) -> None:
        """Compute the answer at once."""
        self._answer = perform(module, function, arguments)

    def receive(self, seconds: float) -> Any:
        """The answer."""
        return self._answer

    def ask(self, module: str, function: str, *arguments: Any, seconds: float = 60.0) -> Any:
        """The answer."""
        self.send(module, function, *arguments)
        return self._answer

    def close(self) -> None:
        """Nothing is to be ended."""


class Builders:
    """Processes that compile kernels and compute references ahead of the process of the GPU.

    In a dry run nothing is done ahead: what is asked for is computed at once.
    """

    def __init__(self, cases: str | None, dry: bool) -> None:
        self.dry = dry
        self._jobs: dict[Any, Future[Any]] = {}
        self._pools: list[ProcessPoolExecutor] = []
        for count in () if dry else (BUILDERS, URGENT):
            context = multiprocessing.get_context("spawn")
            pool = ProcessPoolExecutor(
                count, context, initializer=prepare_builder, initargs=(cases,)
            )
            self._pools.append(pool)

    def start(
        self, key: Any, function: Callable[..., Any], *arguments: Any, urgent: bool = False
    ) -> None:
        """Begin with a job; a key that is known is no new one. What is urgent does not queue up."""
        if self._pools and key not in self._jobs:
            self._jobs[key] = self._pools[urgent].submit(function, *arguments)

    def result(
        self, key: Any, seconds: float, function: Callable[..., Any], *arguments: Any
    ) -> Any:
        """The result of a job, or a Failure; it need not have been started."""
        try:
            self.start(key, function, *arguments)
            if not self._pools:
                return function(*arguments)
            return self._jobs[key].result(max(0.0, seconds))
        except (TimeoutError, CancelledError):
            return LATE_BUILD
        except Exception as error:  # of the job, or the pool is broken
            return Failure(last_line(error))

    @property
    def idle(self) -> bool:
        """Whether all jobs are done."""
        return all(job.done() for job in self._jobs.values())

    def wait(self, seconds: float) -> bool:
        """Wait until all jobs are done; whether they are."""
        until = time.monotonic() + seconds
        while not self.idle and time.monotonic() < until:
            time.sleep(0.1)
        return self.idle

    def drop(self, keys: Iterable[Any]) -> None:
        """Do not begin with these jobs any more, so that others have the time."""
        for key in keys:
            if key in self._jobs:
                self._jobs[key].cancel()

    def close(self) -> None:
        """End the processes, those at work too."""
        for pool in self._pools:
            processes = list((getattr(pool, "_processes", None) or {}).values())
            pool.shutdown(wait=False, cancel_futures=True)
            for process in processes:
                with contextlib.suppress(OSError, ValueError):
                    process.kill()
