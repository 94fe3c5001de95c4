"""What the layout and the dtype of arrays cost, and what summing inside of the kernel saves.

Run from the root of the repository: ``python -m benchmarks.layouts [--points 1000000]``.

The first table has value and gradient or Jacobian of the main problems with points first and with
points last, one worker, ``out=`` reused, processor time in nanoseconds a point, and their ratio.
Beside them stands float32 with points last, and how much less time it takes than float64.
The second has the normal equations of a 9-parameter model: J^T J and J^T r by ``reduce="normal"``,
beside the Jacobian of all points by symgrad, into memory that is reused, and its products by NumPy,
with one thread each and in both layouts, of which the faster counts; and the memory that they take.
The best of nine rounds, in which all take turns, is printed.
"""

from __future__ import annotations

import argparse
import os
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

import symgrad as sg
from benchmarks.problems import PROBLEMS

MAIN_PROBLEMS = ("sine", "black_scholes", "bundle_adjustment", "ur5")
ROUNDS = 9
NAMES = "a1 m1 s1 a2 m2 s2 c0 c1 c2"
MODEL = "a1*exp(-(t-m1)**2/(2*s1**2)) + a2*exp(-(t-m2)**2/(2*s2**2)) + c0 + c1*t + c2*t**2 - y"
AT = dict(zip(NAMES.split(), (3.0, 1.0, 0.5, 2.0, 3.0, 0.8, 0.1, 0.2, 0.03), strict=True))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=1_000_000)
    options = parser.parse_args(arguments)
    for line in (*layouts(options.points), "", *normal_equations(options.points)):
        print(line, flush=True)


def layouts(points: int) -> Iterator[str]:
    """The lines of the first table."""
    yield (
        f"{'problem':20}{'points first':>14}{'points last':>14}{'ratio':>8}"
        f"{'float32, last':>15}{'ratio':>8}"
    )
    for name in MAIN_PROBLEMS:
        forms: list[tuple[int, str]] = [(0, "float64"), (-1, "float64"), (-1, "float32")]
        calls = [_problem(name, points, axis, dtype) for axis, dtype in forms]
        first, last, single = (1e9 * seconds / points for seconds in fastest(calls))
        yield (
            f"{name:20}{first:14.2f}{last:14.2f}{first / last:8.2f}"
            f"{single:15.2f}{last / single:8.2f}"
        )


def _problem(name: str, points: int, axis: int, dtype: str) -> Callable[[], Any]:
    """A call of a main problem's function, its results in place."""
    problem = PROBLEMS[name]
    x = sg.variables("x", problem.columns)
    outputs: Any = problem.function(sg.math, x)
    if problem.derivative == "gradient":
        (outputs,) = outputs
    wanted = ["value", problem.derivative]
    fn = sg.compile(outputs, x, wanted, wrt=x[: problem.inputs], batch_axis=axis, dtype=dtype)
    table = problem.points(np.random.default_rng(1), points).astype(dtype)
    table = table if axis else np.ascontiguousarray(table.T)
    out = fn(table).as_dict()
    return lambda: fn(table, out=out, workers=1)


def normal_equations(points: int) -> Iterator[str]:
    """The lines of the second table."""
    rng = np.random.default_rng(2)
    columns = np.stack([rng.uniform(0, 5, points), rng.normal(size=points)])
    shared = {"parameters": NAMES, "wrt": NAMES}
    tables = {0: np.ascontiguousarray(columns.T), -1: columns}
    calls: list[Callable[[], tuple[Any, Any]]] = []
    for axis, table in tables.items():
        each = sg.compile([MODEL], "t y", ["value", "jacobian"], batch_axis=axis, **shared)
        calls.append(_by_products(each, table, axis))
    for axis, table in tables.items():
        sums = sg.compile(
            [MODEL], "t y", ["jtj", "jtr"], reduce="normal", batch_axis=axis, **shared
        )
        calls.append(_fused(sums, table))
    for call in calls[1:]:
        for one, other in zip(calls[0](), call(), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-8)
    *slow, first, last = fastest(calls)
    yield f"{'normal equations':36}{'ns a point':>14}"
    labels = ("J, then NumPy, points first", "J, then NumPy, points last")
    for label, seconds in zip(
        (*labels, "fused, points first", "fused, points last"), (*slow, first, last), strict=True
    ):
        yield f"{label:36}{1e9 * seconds / points:14.2f}"
    yield f"{'ratio of the faster ones':36}{min(slow) / min(first, last):14.2f}"
    yield f"{'MB that a fused call holds at most':36}{peak(calls[2]) / 1e6:14.2f}"
    yield f"{'MB of J and r':36}{80 * points / 1e6:14.2f}"


def _by_products(each: Any, table: Any, axis: int) -> Callable[[], tuple[Any, Any]]:
    """J in memory that is there already, and NumPy's products of it."""
    out = each(table, **AT).as_dict()

    def call() -> tuple[Any, Any]:
        result = each(table, **AT, out=out, workers=1)
        jacobian, residuals = result.jacobian, result.value
        jacobian = jacobian[:, 0] if axis == 0 else jacobian[0].T
        residuals = residuals[:, 0] if axis == 0 else residuals[0]
        return jacobian.T @ jacobian, jacobian.T @ residuals

    return call


def _fused(sums: Any, table: Any) -> Callable[[], tuple[Any, Any]]:
    """J^T J and J^T r summed inside the kernel."""

    def call() -> tuple[Any, Any]:
        result = sums(table, **AT, workers=1)
        return result.jtj, result.jtr

    return call


def fastest(calls: Sequence[Callable[[], Any]]) -> list[float]:
    """Processor seconds of each call, the best of the rounds in which they take turns."""
    best = [float("inf")] * len(calls)
    for _ in range(ROUNDS):
        for place, call in enumerate(calls):
            begin = time.process_time()
            call()
            best[place] = min(best[place], time.process_time() - begin)
    return best


def peak(call: Callable[[], Any]) -> int:
    """The most bytes that a call holds at a time."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


if __name__ == "__main__":
    main()
