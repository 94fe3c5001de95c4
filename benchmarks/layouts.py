"""What the layout and the dtype of arrays cost, and what summing inside of the kernel saves.

Run from the root of the repository: ``python -m benchmarks.layouts [--points 1000000]``.

The first table has value and gradient or Jacobian of the main problems with points first and with
points last, one worker, ``out=`` reused, processor time in nanoseconds a point, and their ratio.
Beside them stands float32 with points last, and how much less time it takes than float64.
The second has the normal equations of a 9-parameter model: J^T J and J^T r by ``reduce="normal"``,
beside the Jacobian of all points by symgrad and its products by NumPy, with one thread each; and
the memory that each takes at its peak besides the points. The best of nine rounds, in which all
take turns, is printed.
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
    table = np.stack([rng.uniform(0, 5, points), rng.normal(size=points)], axis=-1)
    shared = {"parameters": NAMES, "wrt": NAMES}
    each = sg.compile([MODEL], "t y", ["value", "jacobian"], **shared)
    sums = sg.compile([MODEL], "t y", ["jtj", "jtr"], reduce="normal", **shared)

    def products() -> tuple[Any, Any]:
        result = each(table, **AT, workers=1)
        jacobian, residuals = result.jacobian[:, 0], result.value[:, 0]
        return jacobian.T @ jacobian, jacobian.T @ residuals

    def fused() -> tuple[Any, Any]:
        result = sums(table, **AT, workers=1)
        return result.jtj, result.jtr

    for one, other in zip(products(), fused(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-8)
    slow, fast = fastest([products, fused])
    yield f"{'normal equations':20}{'ns a point':>14}{'MB':>10}"
    for label, seconds, call in (("J, then NumPy", slow, products), ("fused", fast, fused)):
        yield f"{label:20}{1e9 * seconds / points:14.2f}{peak(call) / 1e6:10.2f}"
    yield f"{'ratio':20}{slow / fast:14.2f}"


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
