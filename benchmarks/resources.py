"""What a second core gains and what a call holds in memory: `python -m benchmarks.resources`.

The first table has problems that arithmetic bounds, points last, `out=` reused: wall seconds with
one worker and with two, in turn, the median of the rounds' ratios. It needs two idle cores: with
anything else on them it says little. The last column is how many times the processor time of one
worker two need together, which other work disturbs less: with even shares two workers gain no more
than two by that.

The second has the highest memory of this process during a call, less what it held before and less
the results where the call makes them: MB beyond inputs and outputs. It reads /proc, so on other
systems than Linux it is left out.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import symgrad as sg
from benchmarks.suite_problems import find, points_of, suite
from benchmarks.suite_workers import warm

BUSY = (
    "black_scholes",
    "black_scholes, hessian",
    "nested",
    "nested, hessian",
    "morse8",
    "tersoff4",
    "kinetics20",
)
"""Problems that are bound by arithmetic, not by memory."""

TICK = 1e-9
"""Seconds; a clock may show none for a short call."""

HELD = ("sine", "bundle_adjustment")
STATUS, REFERENCES = Path("/proc/self/status"), Path("/proc/self/clear_refs")

Compiled = tuple[Any, np.ndarray, dict[str, np.ndarray]]


def compiled(name: str, points: int, axis: int = -1) -> Compiled:
    """A problem's function, its points, and results of a first call."""
    problem = find(name)
    x = sg.variables("x", problem.columns)
    traced: Any = problem.function(sg.math, x)
    outputs = traced[0] if problem.scalar else traced
    wanted = ["value", problem.derivative]
    fn = sg.compile(outputs, list(x), wanted, wrt=list(x[: problem.inputs]), batch_axis=axis)
    table = problem.points(np.random.default_rng(4), points)
    table = table if axis else np.ascontiguousarray(table.T)
    return fn, table, fn(table).as_dict()


def spent(call: Callable[[], Any]) -> tuple[float, float]:
    """Wall seconds of a call, and processor seconds of all its threads."""
    start = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - start[0], time.process_time() - start[1]


def speed_up(name: str, points: int, rounds: int) -> tuple[float, float, float]:
    """Nanoseconds a point with one worker, how many times less two need, and their work."""
    count = points_of(find(name), points)
    fn, table, out = compiled(name, count)
    calls = [lambda w=w: fn(table, out=out, workers=w) for w in (1, 2)]
    for call in calls:
        warm(call)
    pairs = [(*spent(calls[0]), *spent(calls[1])) for _ in range(rounds)]
    wall, work, shared_wall, shared_work = zip(*pairs, strict=True)
    gains = [one / two for one, two in zip(wall, shared_wall, strict=True)]
    return median(wall) / count * 1e9, median(gains), min(shared_work) / max(min(work), TICK)


def peak() -> int:
    """The highest resident memory since `forget`, in bytes."""
    for line in STATUS.read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise OSError("no VmHWM")


def forget() -> int:
    """Let the highest resident memory begin anew; what is resident now, in bytes."""
    REFERENCES.write_text("5")
    return peak()


def held(name: str, points: int) -> Iterator[tuple[str, float]]:
    """(the form of a call, MB that it holds at most beyond inputs and outputs)."""
    for axis in (-1, 0):
        fn, table, out = compiled(name, points, axis)
        size = sum(array.nbytes for array in out.values())
        for workers in (1, 2):
            given = f"{name}, points {'first' if axis == 0 else 'last'}, workers={workers}"
            before = forget()
            fn(table, out=out, workers=workers)
            yield f"{given}, out=", (peak() - before) / 1e6
            before = forget()
            made = fn(table, workers=workers)
            yield f"{given}, new results", (peak() - before - size) / 1e6
            del made


def main(argv: Sequence[str] | None = None) -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(prog="benchmarks.resources", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--points", type=int, default=1_000_000, help="of the first table")
    parser.add_argument("--many", type=int, default=10_000_000, help="points of the second table")
    parser.add_argument("--rounds", type=int, default=41)
    parser.add_argument("--problems", nargs="+", default=BUSY, choices=suite())
    parser.add_argument("--held", nargs="+", default=HELD, choices=suite())
    options = parser.parse_args(argv)
    cores = os.cpu_count()
    with suppress(AttributeError):
        cores = len(os.sched_getaffinity(0))
    heads = f"{'ns, one worker':>16}{'two workers':>14}{'processor time':>16}"
    print(f"{'problem':<36}{heads}   ({cores} cores)")
    for name in options.problems:
        ns, gain, work = speed_up(name, options.points, options.rounds)
        print(f"{name:<36}{ns:>16.3g}{gain:>13.2f}x{work:>15.2f}x", flush=True)
    if not REFERENCES.exists():
        print("memory is not measured: this system has no /proc")
        return 0
    print(f"\n{'MB beyond inputs and outputs':<60}{options.many:>12,} points")
    for name in options.held:
        # No more than half of the free memory, in and out and twice as many new results.
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        count = min(options.many, free // (2 * 8 * 3 * find(name).entries))
        if count < options.many:
            print(f"{name}: {count:,} points, for want of memory")
        for form, megabytes in held(name, count):
            print(f"{form:<60}{megabytes:>12.1f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
