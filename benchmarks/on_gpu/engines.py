"""Both engines side by side: CUDA C through NVRTC, and numba's intrinsic, on the same problems.

They take turns; the lower of two medians counts. What each takes to build is the builder's wall
time for a first kernel without any cache, imports not included.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import geometric_mean
from typing import Any

from benchmarks.on_gpu import problems as gpu_problems
from benchmarks.on_gpu.device import device
from benchmarks.on_gpu.workers import last_line

TITLE = "Engines"
SECONDS = 35.0
ENGINES = ("nvrtc", "numba")
PROBLEMS = (
    *("sine", "black_scholes", "bundle_adjustment", "ur5", "lj8", "tersoff4", "kinetics20"),
    *("sph7", "kerr", "rosenbrock10, hessian"),
)
DRY = ("sine",)


def items(options: Any) -> list[tuple[str, str, str]]:
    """Problems, formats and layouts."""
    names = DRY if options.dry else PROBLEMS
    formats = ("float64",) if options.dry else ("float64", "float32")
    return [(n, dtype, points) for n in names for dtype in formats for points in ("last", "first")]


def build(name: str, dtype: str, points: str) -> dict[str, Any]:
    """Leave the machine code of both engines on disk, and say what that took."""
    found = {}
    for engine in ENGINES:
        try:
            made = gpu_problems.build(name, dtype, points, engine)
        except Exception as error:  # one engine may be missing
            found[engine] = {"failed": last_line(error)}
        else:
            found[engine] = {key: made.get(key) for key in ("build_s", "registers", "spilled")}
    return found


def measure(name: str, dtype: str, points: str) -> dict[str, Any]:
    """Time both engines by turns."""
    record: dict[str, Any] = {"item": [name, dtype, points]} | {e: {} for e in ENGINES}
    for _ in range(2):
        for engine in ENGINES:
            before = record[engine]
            try:
                one = gpu_problems.measure(name, dtype, points, None, engine)
            except Exception as error:  # one engine may be missing
                record[engine] = {"failed": last_line(error)}
                device().finish()
                continue
            if one["ps"] is not None and before.get("ps"):
                one["ps"] = min(one["ps"], before["ps"])
            keys = ("ps", "differs", "registers", "spilled")
            record[engine] = {key: one[key] for key in keys if key in one}
    return record


def reasons(records: list[Mapping[str, Any]]) -> list[str]:
    """Why an engine failed, each reason once."""
    found = [
        f"{engine}: {record[engine]['failed']}"
        for record in records
        for engine in ENGINES
        if "failed" in record[engine]
    ]
    return list(dict.fromkeys(found))


def ratio(record: Mapping[str, Any]) -> float | None:
    """Numba's time over NVRTC's."""
    times = [record.get(engine, {}).get("ps") for engine in ENGINES]
    return times[1] / times[0] if all(times) else None


def shown(record: Mapping[str, Any]) -> list[str]:
    """The figures of both engines as text."""
    cells = []
    for engine in ENGINES:
        one = record.get(engine, {})
        ps = one.get("ps")
        text = "failed" if "failed" in one else "-" if ps is None else f"{ps:.4g}"
        cells.append(text + (" WRONG" if one.get("differs") else ""))
        taken = [one.get(key) for key in ("build_s", "registers", "spilled")]
        cells += ["-" if value is None else f"{value:.3g}" for value in taken]
    part = ratio(record)
    return [*cells, "-" if part is None else f"{part:.2f}"]


def line(record: Mapping[str, Any]) -> str:
    """A problem's line."""
    head = "{:<26}{:<9}{:<7}".format(*record["item"])
    made = head + "".join(f"{cell:>10}" for cell in shown(record))
    return made + "".join(f"\n    {reason}" for reason in reasons([record]))


def markdown(records: list[Mapping[str, Any]]) -> Iterator[str]:
    """The table for a page, and which engine it speaks for."""
    columns = [f"{e} {what}" for e in ENGINES for what in ("ps", "build s", "registers", "spilled")]
    yield f"| problem | dtype | points | {' | '.join(columns)} | numba / nvrtc |"
    yield "|---" * (len(columns) + 4) + "|"
    for record in records:
        yield f"| {' | '.join([*record['item'], *shown(record)])} |"
    for reason in reasons(records):
        yield f"- {reason}"
    parts = [part for record in records if (part := ratio(record)) is not None]
    if parts:
        mean = geometric_mean(parts)
        yield ""
        yield (
            f"Kernels of numba take {mean:.2f} times as long as those of NVRTC in the geometric "
            f"mean of {len(parts)}; see Calls for what a launch of each costs."
        )
