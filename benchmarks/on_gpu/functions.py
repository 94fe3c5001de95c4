"""The function table on the GPU: value, gradient and Hessian of every row against exact values.

Points and exact values are those of function_errors.py, a bounded number of points a row; so are
units: the ulp of the exact value, or of what surrounds a zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from benchmarks.function_ranges import ROWS
from benchmarks.on_gpu import references as exact
from benchmarks.on_gpu.device import device
from benchmarks.on_gpu.kernels import SAMPLE, Kernel, built

TITLE = "Function table"
SECONDS = 65.0
POINTS = 400
DRY_POINTS = 16
REFERENCE_SECONDS = 0.8
"""Seconds in which the exact values of a row are computed."""

TITLES = ("value", "gradient", "hessian")
FACTOR = 4.0
"""A row is named where its error is so many times what is aimed at."""

DRY = ("tanh", "besselj0")


def items(options: Any) -> list[tuple[str, str]]:
    """Rows and formats."""
    names = [name for name in ROWS if not options.dry or name in DRY]
    return [(name, dtype) for dtype in ("float64", "float32") for name in names]


def kernel_of(name: str, dtype: str) -> Kernel:
    """The kernel of a row."""
    return Kernel(f"row:{name}", TITLES, dtype)


def reference(name: str, dtype: str, dry: bool = False) -> tuple[np.ndarray, ...]:
    """Points of a row and its exact values there in two parts; the kernel is built besides."""
    if not dry:
        built(kernel_of(name, dtype))
    at, origin = exact.sampled(name, DRY_POINTS if dry else POINTS, dtype, SAMPLE)
    high, low = exact.exact_values(name, dtype, at, REFERENCE_SECONDS)
    return at[: len(high)], origin[: len(high)], high, low


def measure(name: str, dtype: str, at: np.ndarray) -> np.ndarray:
    """What the GPU gives at points, as (points, numbers)."""
    fn = device().compile(kernel_of(name, dtype))
    made = fn(device().put(at.astype(dtype)))
    return np.concatenate(
        [device().host(array).astype(float).reshape(len(at), -1) for array in made], axis=1
    )


def judge(
    name: str, dtype: str, at: Any, origin: Any, high: Any, low: Any, got: Any
) -> dict[str, Any]:
    """The largest errors, on ordinary ranges and on those of huge or tiny arguments."""
    ranges = exact.ranges_of(name)
    found: dict[str, Any] = {"item": [name, dtype], "points": len(at)}
    for kind in ("ordinary", "extreme"):
        numbers = [
            number
            for number, range_ in enumerate(ranges)
            if any(axis.extreme for axis in range_) == (kind == "extreme")
        ]
        rows = np.flatnonzero(np.isin(origin, numbers))
        if not len(rows):
            continue
        arrays = [array[rows] for array in (at, got, high, low)]
        worst = [exact.worst(name, k, *arrays, dtype) for k in range(len(TITLES))]
        found[kind] = [ulp for ulp, _ in worst]
        found[f"{kind} at"] = [point for _, point in worst]
    found["target"] = [exact.target(name, k) for k in range(len(TITLES))]
    found["oracle"] = "mpmath" if exact.arb() is None else "Arb"
    return found


def above(record: Mapping[str, Any]) -> list[str]:
    """The derivatives of a row on ordinary ranges that are far beyond what is aimed at."""
    made = []
    for k, ulp in enumerate(record.get("ordinary", ())):
        if not ulp <= FACTOR * record["target"][k]:
            place = ", ".join(f"{x:.6g}" for x in record["ordinary at"][k])
            made.append(f"{TITLES[k]} {ulp:.3g} ulp at {place}")
    return made


def line(record: Mapping[str, Any]) -> str | None:
    """A row with large errors, in a line."""
    name = " ".join(record["item"])
    found = above(record)
    return f"{name}: {'; '.join(found)}" if found else None


def markdown(records: list[Mapping[str, Any]]) -> Iterator[str]:
    """Counts and the worst rows for a page."""
    yield "| dtype | rows | points | value | gradient | hessian | beyond |"
    yield "|---|---|---|---|---|---|---|"
    for dtype in ("float64", "float32"):
        mine = [record for record in records if record["item"][1] == dtype]
        ran = [record for record in mine if "ordinary" in record]
        if not ran:
            continue
        middle = [float(np.median([record["ordinary"][k] for record in ran])) for k in range(3)]
        worst = [max(record["ordinary"][k] for record in ran) for k in range(3)]
        cells = [f"{a:.2g}, {b:.3g}" for a, b in zip(middle, worst, strict=True)]
        points = sum(record["points"] for record in ran)
        beyond = sum(bool(above(record)) for record in ran)
        yield f"| {dtype} | {len(mine)} | {points:,} | {' | '.join(cells)} | {beyond} |"
    yield ""
    oracles = sorted({record["oracle"] for record in records})
    yield (
        f"Exact values are those of {' and '.join(oracles) or 'nobody'}. "
        "Errors in ulp: the median of the rows' worst, and the worst of all. Beyond: more than "
        f"{FACTOR:g} times what is aimed at (1 ulp for values of C's functions, else 8):"
    )
    for record in records:
        text = line(record)
        if text:
            yield f"- {text}"
