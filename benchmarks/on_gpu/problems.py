"""Every problem of the suite on the GPU: both layouts, both formats, against the GPU's limits.

A timed call moves a gigabyte or more, so that nothing is found in a cache. Its results at the
first, middle and last points must have the bits of a small call at the same points.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import geometric_mean
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.on_gpu.device import TILE, device, given, results_for
from benchmarks.on_gpu.kernels import (
    Kernel,
    built,
    entries_last,
    facts,
    numbers,
    placed,
    points_of,
    problem_of,
)
from benchmarks.suite_problems import suite

TITLE = "Problems"
SECONDS = 100.0
CHECKED = 12
"""Points that have references of 50 digits."""

WINDOW = 257
AIMS = {"last": 0.85, "first": 0.75}
"""Parts of the copy's rate aimed at where memory is the limit, by layout."""

ARITHMETIC_AIM = 0.60
GROSS = {"float64": 1e10, "float32": 1e5}
"""Errors in ulp of the largest entry that no rounding explains."""

DRY = ("sine", "bundle_adjustment")
COPY, NO_RATE = "memory copy", "not measured"


def items(options: Any) -> list[tuple[str, str, str]]:
    """Problems, formats and layouts."""
    names = [name for name in suite() if not options.dry or name in DRY]
    return [
        (name, dtype, points)
        for name in names
        for dtype in ("float64", "float32")
        for points in ("last", "first")
    ]


def kernel_of(name: str, dtype: str, points: str, engine: str | None = None) -> Kernel:
    """The value and the derivative of a problem."""
    problem = suite()[name]
    return Kernel(f"problem:{name}", ("value", problem.derivative), dtype, points, engine)


def build(name: str, dtype: str, points: str, engine: str | None = None) -> dict[str, Any]:
    """Leave the machine code on disk; what it takes, and the instructions that it came from."""
    from benchmarks.on_gpu.host import lowered_program

    kernel = kernel_of(name, dtype, points, engine)
    begun = perf_counter()
    made = built(kernel)
    seconds = perf_counter() - begun
    program = lowered_program(kernel)
    return {"build_s": seconds, "counts": dict(program.counts), **made}


def references(name: str) -> np.ndarray:
    """Value and derivative at the first points in 50 digits, rounded: (points, entries)."""
    from benchmarks.on_gpu.host import exact_entries

    kernel = kernel_of(name, "float64", "last")
    return exact_entries(kernel, points_of(problem_of(kernel), CHECKED, "float64"))


def measure(
    name: str, dtype: str, points: str, expected: Any = None, engine: str | None = None
) -> dict[str, Any]:
    """Check and time one kernel."""
    kernel = kernel_of(name, dtype, points, engine)
    begun = perf_counter()
    fn = device().compile(kernel)
    compile_s = perf_counter() - begun
    problem = problem_of(kernel)
    tile = points_of(problem, min(TILE, device().points_for(numbers(kernel), dtype)), dtype)
    few = min(WINDOW, tile.shape[1])
    small = results_for(kernel, few)
    fn(device().put(placed(tile[:, :few], points)), out=given(small))
    head = entries_of(kernel, small, few)
    count = device().points_for(numbers(kernel), dtype)
    x = device().repeated(tile, max(1, count // tile.shape[1]), points)
    out = results_for(kernel, count)
    fn(x, out=given(out))
    device().finish()
    record: dict[str, Any] = {
        "item": [name, dtype, points],
        "engine": engine,
        "points": count,
        "bytes": numbers(kernel) * np.dtype(dtype).itemsize,
        "compile_s": compile_s,
        "differs": differing(kernel, out, head, count, tile.shape[1]),
    }
    if expected is not None:
        record["error"] = largest_error(head[:, : len(expected)].T, expected, dtype)
        if not record["error"] <= GROSS[dtype]:
            record["differs"] += f" wrong by {record['error']:.1e} ulp"
    if device().dry:
        record |= facts(fn.binaries())
    seconds = device().seconds(lambda: fn(x, out=given(out)))
    record["ps"] = None if seconds is None else seconds / count * 1e12
    return record


def entries_of(kernel: Kernel, out: Mapping[str, Any], count: int) -> np.ndarray:
    """All results as one array of (entries, points)."""
    arrays = [entries_last(device().host(a), kernel.points, count) for a in out.values()]
    return np.concatenate(arrays)


def differing(
    kernel: Kernel, out: Mapping[str, Any], head: np.ndarray, count: int, tile: int
) -> str:
    """Where a large call's results are not those of a small one; "" where they are the same."""
    few = head.shape[1]
    starts = {"first": 0, "middle": (count // tile // 2) * tile, "last": (count // tile - 1) * tile}
    for where, start in starts.items():
        parts = []
        for array in out.values():
            last = kernel.points == "last"
            part = array[..., start : start + few] if last else array[start : start + few]
            parts.append(entries_last(device().host(part), kernel.points, few))
        if not np.array_equal(np.concatenate(parts), head, equal_nan=True):
            return f"the {where} points differ from a small call's"
    if not np.isnan(head).any() and any(device().nans(array) for array in out.values()):
        return "some results were never written"
    return ""


def largest_error(got: np.ndarray, expected: np.ndarray, dtype: str) -> float:
    """The largest error in units of the format's last place of a point's largest entry."""
    scale = np.abs(expected).max(axis=1, initial=0, keepdims=True)
    with np.errstate(all="ignore"):
        error = np.abs(got.astype(float) - expected) / scale
    error = np.where(got == expected, 0, error)
    worst = float(error.max(initial=0)) / float(np.finfo(dtype).eps)
    return float("inf") if np.isnan(worst) else worst


def bound(record: Mapping[str, Any]) -> tuple[float, str] | None:
    """The limit in ps a point, and which: m by memory, a by arithmetic."""
    if not record.get("memory_ps"):
        return None
    return max((record["memory_ps"], "m"), (record["arithmetic_ps"], "a"))


def with_limits(
    record: dict[str, Any], counts: Mapping[str, int], rates: Mapping[str, float]
) -> dict[str, Any]:
    """The record with the limits of its bytes and instructions."""
    from benchmarks.on_gpu.limits import instruction_seconds

    if rates.get(COPY):
        record["memory_ps"] = record["bytes"] / rates[COPY] * 1e12
        made = instruction_seconds(counts, record["item"][1], rates)
        record["arithmetic_ps"] = made * 1e12
    return record


def reach(record: Mapping[str, Any]) -> float | None:
    """The part of the limit that is reached."""
    limit, ps = bound(record), record.get("ps")
    return None if limit is None or not ps else limit[0] / ps


def missed(record: Mapping[str, Any]) -> bool:
    """Whether a kernel reaches less of its limit than is aimed at."""
    part, limit = reach(record), bound(record)
    if part is None or limit is None:
        return False
    return part < (AIMS[record["item"][2]] if limit[1] == "m" else ARITHMETIC_AIM)


HEAD = (
    f"{'problem':<40}{'dtype':<9}{'points':<7}{'bytes':>6}{'regs':>6}{'spill':>7}{'ps':>10}"
    f"{'limit':>10}{'reach':>7}{'error':>9}"
)


def cells(record: Mapping[str, Any]) -> list[str]:
    """The figures of a kernel as text."""
    limit, part, ps = bound(record), reach(record), record.get("ps")
    return [
        str(record["bytes"]),
        str(record.get("registers", "-")),
        str(record.get("spilled", "-")),
        NO_RATE if ps is None else f"{ps:.4g}",
        "-" if limit is None else f"{limit[0]:.4g}{limit[1]}",
        "-" if part is None else f"{part:.0%}",
        f"{record['error']:.1f}" if "error" in record else "-",
    ]


def line(record: Mapping[str, Any]) -> str:
    """A kernel's line of the table."""
    name, dtype, points = record["item"]
    head = f"{name:<40}{dtype:<9}{points:<7}"
    widths = (6, 6, 7, 10, 10, 7, 9)
    if record.get("ps") is None:
        widths = (6, 6, 7, 14, 6, 7, 9)
    made = "".join(f"{c:>{w}}" for c, w in zip(cells(record), widths, strict=True))
    notes = " MISSED" if missed(record) else ""
    return f"{head}{made}{notes}{'  ' + record['differs'] if record['differs'] else ''}"


def markdown(records: list[Mapping[str, Any]]) -> Iterator[str]:
    """The table and its summary for a page."""
    yield (
        "| problem | dtype | points | bytes | registers | spilled | ps a point | limit | reach "
        "| error, ulp |"
    )
    yield "|---" * 10 + "|"
    for record in records:
        yield f"| {' | '.join([*record['item'], *cells(record)])} |"
    yield ""
    for dtype in ("float64", "float32"):
        for points, aim in AIMS.items():
            mine = [r for r in records if tuple(r["item"][1:]) == (dtype, points)]
            parts = [part for r in mine if (part := reach(r)) is not None]
            if parts:
                low = [f"{r['item'][0]} {reach(r):.0%}" for r in mine if missed(r)]
                yield (
                    f"- {dtype}, points {points}: {geometric_mean(parts):.0%} of the limit in the "
                    f"geometric mean of {len(parts)} (aims {aim:.0%} of memory, "
                    f"{ARITHMETIC_AIM:.0%} of arithmetic); below: {', '.join(low) or 'none'}"
                )
    for record in records:
        if record["differs"]:
            yield f"- {', '.join(record['item'])}: {record['differs']}"
