"""Every acceptance case on the GPU: value and derivatives up to third order against 50 digits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from benchmarks.on_gpu.device import device
from benchmarks.on_gpu.kernels import Kernel, built, case, entries_last, placed
from tests.cases import AVAILABLE, FAMILIES, GATE, load, scaled_errors

TITLE = "Acceptance cases"
SECONDS = 60.0
FINE = 1e-12
DRY = (("feynman", "first"), ("rules", "last"))
"""What a dry run takes: one small case of a family in a layout each."""


def items(options: Any) -> list[tuple[str, str]]:
    """Sources and layouts, points first before points last."""
    if not AVAILABLE:
        return []
    if options.dry:
        return [(f"case:{family}/{load(family)[0].id}", points) for family, points in DRY]
    sources = [f"case:{family}/{one.id}" for family in FAMILIES for one in load(family)]
    return [(source, points) for points in ("first", "last") for source in sources]


def kernel_of(source: str, points: str) -> Kernel:
    """All results of a case that have a reference."""
    names = [3 if name == "order3" else name for name in case(source).results]
    return Kernel(source, tuple(names), points=points)


def build(source: str, points: str) -> None:
    """Leave the case's machine code on disk."""
    built(kernel_of(source, points))


def measure(source: str, points: str) -> dict[str, Any]:
    """Evaluate a case at its points."""
    one, kernel = case(source), kernel_of(source, points)
    fn = device().compile(kernel)
    made = fn(device().put(placed(one.points.T.astype(float), points)), parameters=one.parameters)
    arrays = [made] if len(one.results) == 1 else list(made)
    count = len(one.points)
    errors = {}
    for name, array in zip(one.results, arrays, strict=True):
        got = entries_last(device().host(array), points, count).T
        errors[name] = float(scaled_errors(got, one.references[name]).max())
    return {"item": [source, points], "errors": errors}


def failed(record: Mapping[str, Any]) -> list[str]:
    """The arrays of a case that are wrong."""
    return [name for name, error in record.get("errors", {}).items() if not error <= GATE]


def line(record: Mapping[str, Any]) -> str | None:
    """A case that is wrong, in a line; the others are counted alone."""
    if not failed(record):
        return None
    found = ", ".join(f"{name} {record['errors'][name]:.1e}" for name in failed(record))
    return f"{' '.join(record['item'])}: WRONG by {found}"


def markdown(records: list[Mapping[str, Any]]) -> Iterator[str]:
    """The families for a page."""
    if not records:
        yield "None was run: their folder stands beside the project, or is named by `--cases`."
        return
    yield "| family, points | cases | arrays | worst error | over 1e-12 | wrong |"
    yield "|---|---|---|---|---|---|"
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for record in records:
        source, points = record["item"]
        family = source.partition(":")[2].partition("/")[0]
        groups.setdefault(f"{family}, {points}", []).append(record)
    for group, found in groups.items():
        errors = np.array([error for record in found for error in record["errors"].values()])
        worst = f"{errors.max():.1e}" if len(errors) else "-"
        cells = (len(found), len(errors), worst, int((errors > FINE).sum()))
        wrong = sum(bool(failed(record)) for record in found)
        yield f"| {group} | {' | '.join(map(str, cells))} | {wrong} |"
    for record in records:
        text = line(record)
        if text:
            yield f"- {text}"
