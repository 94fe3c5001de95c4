"""Report: what ``check`` found, one Row a result and oracle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """One result against one oracle.

    Attributes:
        result: the result's name.
        oracle: "mpmath", "difference" or "torch".
        passed: whether every judged entry is good enough.
        entries: how many were judged, over all points; along directions for "difference".
        worst_ulp: largest error in units in the last place of what was expected, where that is
            not 0; None for "difference".
        worst_relative: largest error relative to the largest entry of its array at its point.
        worst_bound: largest error relative to the bound of its rounding errors, at most 2 where
            it passes by that; None for "difference".
        point: where the worst entry is: name -> value.
        entry: its index in the result's array.
        got: the value there.
        expected: what the oracle has.
        note: what else is to be known.
    """

    result: str
    oracle: str
    passed: bool
    entries: int
    worst_ulp: float | None
    worst_relative: float
    worst_bound: float | None
    point: Mapping[str, float]
    entry: tuple[int, ...]
    got: float
    expected: float
    note: str = ""

    @property
    def place(self) -> str:
        """Entry and point as text."""
        entry = "".join(f"[{index}]" for index in self.entry)
        point = ", ".join(f"{name}={value!r}" for name, value in self.point.items())
        return f"{entry} at {point}".strip()


@dataclass(frozen=True, slots=True)
class Report:
    """What ``check`` found; falsy when a row failed.

    Attributes:
        function: the function's ``repr``.
        points: how many points were used.
        seed: of the random numbers.
        rows: one row a result and oracle.
        notes: what was left out, and why.
    """

    function: str
    points: int
    seed: int
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return all(row.passed for row in self.rows)

    def __str__(self) -> str:
        table: list[tuple[str, ...]] = [
            ("result", "oracle", "", "ulp", "of largest", "of bound", "worst entry")
        ]
        lines = [f"{self.function}: {self.points} points, seed {self.seed}"]
        for row in self.rows:
            errors = (row.worst_ulp, row.worst_relative, row.worst_bound)
            shown = ["-" if error is None else f"{error:.2g}" for error in errors]
            verdict = "ok" if row.passed else "FAILED"
            table.append((row.result, row.oracle, verdict, *shown, row.place))
        widths = [max(len(line[column]) for line in table) for column in range(6)] + [0]
        for line in table:
            cells = [text.ljust(width) for text, width in zip(line, widths, strict=True)]
            lines.append("  ".join(cells).rstrip())
        for row in self.rows:
            about = f"{row.result} against {row.oracle}"
            if not row.passed:
                lines.append(f"{about}: got {row.got!r}, expected {row.expected!r}, {row.place}")
            if row.note:
                lines.append(f"{about}: {row.note}")
        return "\n".join([*lines, *self.notes, "passed" if self else "FAILED"])

    def to_json(self) -> str:
        """The report as JSON; nan and infinities are written as strings."""
        return json.dumps({"passed": bool(self), **_plain(asdict(self))}, indent=2)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return repr(value) if isinstance(value, float) and not isfinite(value) else value
