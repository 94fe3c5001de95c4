"""Products with derivatives, sums over points and normal equations on the GPU.

Each is checked against the Jacobian or Hessian that the GPU itself gives, contracted by NumPy in
double precision; sums must have the same bits when they are made again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from benchmarks.on_gpu.device import TILE, device, given, results_for
from benchmarks.on_gpu.kernels import (
    SAMPLE,
    Kernel,
    built,
    entries_last,
    numbers,
    placed,
    points_of,
    problem_of,
    seed_sizes,
    shapes,
)

TITLE = "Products, sums and normal equations"
SECONDS = 35.0
CHECKED = 513
TOLERANCE = {"float64": 1e-11, "float32": 2e-3}

# problem, result, reduce
TABLE: tuple[tuple[str, str, str], ...] = (
    ("bundle_adjustment", "jacobian", ""),
    ("bundle_adjustment", "vjp", ""),
    ("bundle_adjustment", "jvp", ""),
    ("bundle_adjustment", "normal", "normal"),
    ("ur5", "jacobian", ""),
    ("ur5", "vjp", ""),
    ("ur5", "jvp", ""),
    ("ur5", "normal", "normal"),
    ("black_scholes", "gradient", ""),
    ("black_scholes", "gradient", "sum"),
    ("black_scholes", "hessian", ""),
    ("black_scholes", "hvp", ""),
    ("rosenbrock10", "hessian", ""),
    ("rosenbrock10", "hvp", ""),
    ("rosenbrock10", "gradient", "mean"),
    ("kinetics20", "jacobian", ""),
    ("kinetics20", "vjp", ""),
)


def items(options: Any) -> list[tuple[str, str, str, str, str]]:
    """Problems, results, reductions, formats and layouts."""
    rows = [TABLE[1], TABLE[3], TABLE[9]] if options.dry else TABLE
    formats = ("float64",) if options.dry else ("float64", "float32")
    layouts = ("first",) if options.dry else ("last", "first")
    return [(*row, dtype, points) for row in rows for dtype in formats for points in layouts]


def kernel_of(name: str, result: str, reduce: str, dtype: str, points: str) -> Kernel:
    """The kernel of one row."""
    results = ("jtj", "jtr", "rss") if result == "normal" else (result,)
    return Kernel(f"problem:{name}", results, dtype, points, None, reduce or None)


def build(*item: str) -> None:
    """Leave the machine code on disk, of the row and of what it is checked against."""
    built(kernel_of(*item))
    built(oracle_of(kernel_of(*item)))


def oracle_of(kernel: Kernel) -> Kernel:
    """The kernel whose results tell what a row's must be."""
    problem = problem_of(kernel)
    first = "gradient" if problem.scalar else "jacobian"
    whole = "hessian" if {"hvp", "hessian"} & set(kernel.results) else first
    return Kernel(kernel.source, ("value", whole), "float64", kernel.points)


def seeds_for(kernel: Kernel, count: int) -> dict[str, np.ndarray]:
    """Random tangents and cotangents, (entries, count)."""
    generator = np.random.default_rng(SAMPLE + 1)
    return {
        name: generator.uniform(-1, 1, (size, count)).astype(np.float32).astype(kernel.dtype)
        for name, size in seed_sizes(kernel).items()
    }


def expected(kernel: Kernel, points: np.ndarray, seeds: Mapping[str, np.ndarray]) -> list[Any]:
    """The results of a row at points, by NumPy from the Jacobian or Hessian: (entries, N) each."""
    oracle, problem = oracle_of(kernel), problem_of(kernel)
    out = results_for(oracle, points.shape[1])
    device().compile(oracle)(
        device().put(placed(points.astype(float), kernel.points)), out=given(out)
    )
    count = points.shape[1]
    value, whole = (
        entries_last(device().host(array), kernel.points, count) for array in out.values()
    )
    m, n = problem.outputs, problem.inputs
    made = []
    for result in kernel.results:
        if result in ("jacobian", "gradient", "hessian"):
            made.append(whole)
        elif result == "vjp":
            made.append(np.einsum("mp,mnp->np", seeds["cotangent"], whole.reshape(m, n, count)))
        elif result == "jvp":
            made.append(np.einsum("np,mnp->mp", seeds["tangent"], whole.reshape(m, n, count)))
        elif result == "hvp":
            made.append(np.einsum("kp,nkp->np", seeds["tangent"], whole.reshape(n, n, count)))
        elif result == "jtj":
            jacobian = whole.reshape(m, n, count)
            made.append(np.einsum("map,mbp->ab", jacobian, jacobian).reshape(-1))
        elif result == "jtr":
            made.append(np.einsum("map,mp->a", whole.reshape(m, n, count), value))
        else:
            made.append(np.array([float((value**2).sum())]))
    if kernel.reduce in ("sum", "mean"):
        made = [array.sum(axis=1) / (count if kernel.reduce == "mean" else 1) for array in made]
    return made


def measure(name: str, result: str, reduce: str, dtype: str, points: str) -> dict[str, Any]:
    """Check and time one row."""
    kernel = kernel_of(name, result, reduce, dtype, points)
    fn = device().compile(kernel)
    few = min(CHECKED, 4 * device().points_for(numbers(kernel), dtype))
    x, seeds = points_of(problem_of(kernel), few, dtype), seeds_for(kernel, few)

    def arguments(times: int, columns: np.ndarray, found: Mapping[str, Any]) -> Any:
        along = {
            name: shaped(device().repeated(array, times, points), kernel, name)
            for name, array in found.items()
        }
        return device().repeated(columns, times, points), along

    def evaluate() -> list[np.ndarray]:
        table, along = arguments(1, x, seeds)
        out = results_for(kernel, few)
        fn(table, **along, out=given(out))
        shape = (-1,) if kernel.reduce else (-1, few)
        return [
            (device().host(a) if kernel.reduce else entries_last(device().host(a), points, few))
            .astype(float)
            .reshape(shape)
            for a in out.values()
        ]

    got, again = evaluate(), evaluate()
    errors = [
        float(np.abs(a - b).max() / np.abs(b).max())
        for a, b in zip(got, expected(kernel, x, seeds), strict=True)
    ]
    count = device().points_for(numbers(kernel), dtype)
    tile = min(TILE, count)
    large, many = points_of(problem_of(kernel), tile, dtype), seeds_for(kernel, tile)
    table, along = arguments(count // tile, large, many)
    out = results_for(kernel, count)
    seconds = device().seconds(lambda: fn(table, **along, out=given(out)))
    return {
        "item": [name, result, reduce, dtype, points],
        "bytes": numbers(kernel) * np.dtype(dtype).itemsize,
        "ps": None if seconds is None else seconds / count * 1e12,
        "error": max(errors),
        "repeatable": all(np.array_equal(a, b) for a, b in zip(got, again, strict=True)),
    }


def shaped(array: Any, kernel: Kernel, name: str) -> Any:
    """A tangent as it is, a cotangent in the shape of the outputs."""
    if name == "cotangent" and not shapes(Kernel(kernel.source, ("value",)))["value"]:
        return array[:, 0] if kernel.points == "first" else array[0]
    return array


def wrong(record: Mapping[str, Any]) -> str:
    """What is wrong with a row; "" where nothing is."""
    notes = "" if record["error"] <= TOLERANCE[record["item"][3]] else " WRONG"
    return notes + ("" if record["repeatable"] else " NOT REPEATABLE")


def line(record: Mapping[str, Any]) -> str:
    """A row's line."""
    name, result, reduce, dtype, points = record["item"]
    head = f"{name:<20}{result:<10}{reduce:<8}{dtype:<9}{points:<7}"
    ps = "not measured" if record["ps"] is None else f"{record['ps']:.4g} ps"
    return f"{head}{record['bytes']:>6} B{ps:>16}{record['error']:>10.1e}{wrong(record)}"


def markdown(records: list[Mapping[str, Any]]) -> Iterator[str]:
    """The table for a page."""
    yield "| problem | result | summed | dtype | points | bytes | ps a point | relative error |"
    yield "|---" * 8 + "|"
    for record in records:
        ps = "-" if record["ps"] is None else f"{record['ps']:.4g}"
        cells = [*record["item"], record["bytes"], ps, f"{record['error']:.1e}{wrong(record)}"]
        yield f"| {' | '.join(map(str, cells))} |"
