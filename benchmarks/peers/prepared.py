"""What a peer hands to the benchmark, and the choice among a peer's own variants.

All times here are CPU seconds of this process and of the compilers that it has run.
"""

import math
import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from benchmarks.problems import Problem

# Enough points that a branch predictor cannot learn them by heart, which flatters scalar code, and
# no power of two: rows that far apart share a few cache lines.
PROBE_POINTS = 65_000
PROBE_ROUNDS = 50
CHECKED_POINTS = 1001
TOLERANCE = 1e-9

Results = tuple[np.ndarray, np.ndarray]


@dataclass(slots=True)
class Patience:
    """CPU seconds that the choice among the variants of a peer may take.

    Attributes:
        build: no variant but the first is started after so many seconds.
        probe: seconds a variant that all are timed for.
    """

    build: float = 120.0
    probe: float = 0.3


PATIENCE = Patience()
"""What `fastest` goes by; a program that has less time changes it before it prepares peers."""


def unchanged(points: np.ndarray) -> Any:
    """The placement of a peer that reads points-last NumPy arrays as they are."""
    return points


@dataclass(frozen=True, slots=True)
class Prepared:
    """One problem, derived and compiled by one peer.

    Attributes:
        name: the peer.
        settings: the settings used, and the ones they were chosen from.
        derive_s: seconds from the traced function to its derivatives; None where the peer does
            not separate them from compiling.
        compile_s: seconds from there to something that can be called.
        run: `run(X, out)`, the timed call: every output and derivative at every point of X.
        outputs: `outputs(out) -> (value (m, N), derivative (m, k, N))`, k being
            `problem.partials`: n, or n^2 of a Hessian; not timed.
        allocate: `allocate(N) -> out`, called once for all runs of N points.
        place: points-last (columns, N) array -> X in the peer's own fastest form, not timed.
        most_points: the most points that one call can take; more would exhaust the memory.
    """

    name: str
    settings: str
    derive_s: float | None
    compile_s: float
    run: Callable[[Any, Any], None]
    outputs: Callable[[Any], Results]
    allocate: Callable[[int], Any]
    place: Callable[[np.ndarray], Any] = unchanged
    most_points: int | None = None


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A peer that takes no part, and the reason."""

    name: str
    reason: str


def cpu_seconds() -> float:
    """CPU seconds used so far by all threads of this process and by its finished children."""
    children = os.times()
    return time.process_time() + children.children_user + children.children_system


def timed(call: Callable[[], Any]) -> float:
    """CPU seconds of one call, all threads of this process together."""
    start = time.process_time()
    call()
    return time.process_time() - start


def distance(got: Results, expected: Results) -> float:
    """Largest error of value or derivative, relative to the largest entry at each point."""
    worst = 0.0
    for g, e in zip(got, expected, strict=True):
        axes = tuple(range(e.ndim - 1))
        scale = np.maximum(np.abs(e).max(axes), np.finfo(float).tiny)
        error = float((np.abs(g - e).max(axes) / scale).max())
        worst = max(worst, math.inf if math.isnan(error) else error)
    return worst


def results_at(prepared: Prepared, points: np.ndarray) -> Results:
    """Value and derivative at a few points, as copies."""
    out = prepared.allocate(points.shape[1])
    prepared.run(prepared.place(points), out)
    value, derivative = prepared.outputs(out)
    return value.copy(), derivative.copy()


def fastest(
    problem: Problem,
    variants: Iterable[tuple[str, Callable[[], Prepared]]],
) -> Prepared:
    """Build every variant of a peer, time them in turn on a few points and keep the fastest.

    The settings of the result name the winner and what it was chosen from. The first variant is
    the plainest: one whose results are not the same is left out, as are those that would start
    after `PATIENCE.build` seconds, and the settings say so.
    """
    points = problem.points(np.random.default_rng(0), PROBE_POINTS)
    expected: Results | None = None
    built: list[tuple[str, Prepared, Callable[[], None]]] = []
    left_out, failures = [], []
    start = cpu_seconds()
    for label, build in variants:
        if built and cpu_seconds() - start > PATIENCE.build:
            left_out.append(f"{label} not tried for lack of time")
            continue
        try:
            prepared = build()
            out = prepared.allocate(PROBE_POINTS)
            first = partial(prepared.run, prepared.place(points), out)
            first()
        except Exception as failure:  # what a library cannot do in one way it may do in another
            failures.append(failure)
            left_out.append(f"{label} failed: {type(failure).__name__}")
            continue
        value, derivative = prepared.outputs(out)
        results = value[..., :CHECKED_POINTS].copy(), derivative[..., :CHECKED_POINTS].copy()
        expected = expected or results
        error = distance(results, expected)
        if error > TOLERANCE:
            left_out.append(f"{label} is wrong by {error:.0e}")
            continue
        built.append((label, prepared, first))
    if not built:
        raise failures[0]
    best = [float("inf")] * len(built)
    start = cpu_seconds()
    for repetition in range(PROBE_ROUNDS):
        for k, (_, _, run) in enumerate(built):
            best[k] = min(best[k], timed(run))
        if repetition and cpu_seconds() - start > PATIENCE.probe * len(built):
            break
    order = sorted(range(len(built)), key=lambda k: best[k])
    figures = [f"{built[k][0]} {best[k] / PROBE_POINTS * 1e9:.3g}" for k in order]
    label, winner, _ = built[order[0]]
    choice = f"{label} (ns at {PROBE_POINTS} points: {', '.join(figures)})"
    if left_out:
        choice += f"; left out: {', '.join(left_out)}"
    return replace(winner, settings=f"{winner.settings}; {choice}")


def derivatives(traced: Sequence[Any], by: Sequence[Any], order: int) -> list[Any]:
    """All partials of an order by the entries' own `diff`; a mixed one is derived once."""
    found = []
    for entry in traced:
        first = [entry.diff(variable) for variable in by]
        if order == 1:
            found += first
            continue
        for j in range(len(by)):
            found += [first[min(j, k)].diff(by[max(j, k)]) for k in range(len(by))]
    return found


def points_first_arrays(problem: Problem) -> Callable[[int], np.ndarray]:
    """Allocation of one (N, m + m n) array: the values, then the derivative row by row."""
    width = problem.outputs * (1 + problem.partials)
    return lambda count: np.empty((count, width))


def split_points_first(problem: Problem) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Reading of such an array as value (m, N) and derivative (m, k, N)."""
    m, k = problem.outputs, problem.partials
    return lambda out: (out[:, :m].T, out[:, m:].T.reshape(m, k, -1))


def points_first(points: np.ndarray) -> np.ndarray:
    """Placement of a peer that reads one contiguous row a point."""
    return np.ascontiguousarray(points.T)
