"""What deriving costs and how exact the result is: `python -m benchmarks.derivation`.

    python -m benchmarks.derivation                       everything, one row a problem
    python -m benchmarks.derivation --only time search    the first two blocks of columns

The rows are those of `targets.py` and the gradient of 20 Lennard-Jones atoms. All times are CPU
time. The columns, by the name that --only knows:

- time: the strategy that won the search; the nodes that it appends to the graph and ms per 1,000 of
  them; the nodes of the graph that it leaves, simplified, and ms per 1,000 of them for the first
  order of passes (`simplify.optimise.ORDERS`). Best of 5 on fresh copies, garbage collector off.
- search: the whole search (`api.derive_program`: reading, all candidates, scheduling), emission and
  compilation of what it found (no cache, numba warm), and the ratio. Best of 3 each, the garbage
  collector as it is; once where that took more than 5 s.
- accuracy: rounding errors of the raw program (sweeps, no rules, no passes) and of the optimised
  one, run in NumPy's float64 at 200 random points of the box, against the raw graph in 50 digits,
  where constants are exact. In units of eps = 2.2e-16: `worst` is the largest over points and
  result arrays of max_i |error_i| / max_i |exact_i|; `median` and `most` are those of
  |error_i| / |exact_i| over all distinct entries and points that are not 0. The ratio is that of
  the two `worst`, neither taken as less than 2.
- sympy, measured once: the time from an expression in memory, traced or SymPy's, to the derivative
  program, against `sympy.diff` by every input and `sympy.cse` of the same expression in a process
  of its own.
- big, measured once: Rosenbrock's function of 10,000 inputs, more than 100,000 nodes once it is
  differentiated.

A star marks a target that is missed; the lines below the table say how many rows meet each. A block
of a row that takes longer than --limit says so and has no figures. With --problems, sympy and big
are measured only where --only names them.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import symgrad as sg
from benchmarks.derivation_errors import Figures, measure_accuracy
from benchmarks.derivation_times import (
    SlowError,
    limited,
    measure_big,
    measure_search,
    measure_sympy,
    measure_time,
)
from benchmarks.problems import lennard_jones
from benchmarks.targets import TARGETS, Task, atoms

BIG, ATOMS = 10_000, 20
ROWS = (*TARGETS, Task(f"Lennard-Jones {ATOMS}", *atoms(ATOMS, lennard_jones), "gradient"))

# block -> (what makes its figures, what its columns show: title, width, format, key, target)
Column = tuple[str, int, str, tuple[str, ...], float | None]
BLOCKS: dict[str, tuple[Callable[[Task], Figures], tuple[Column, ...]]] = {
    "time": (
        measure_time,
        (
            ("strategy", 18, "", ("strategy",), None),
            ("new", 7, "d", ("new",), None),
            ("ms/1k", 7, ".1f", ("derive",), 10),
            ("nodes", 7, "d", ("nodes",), None),
            ("passes/1k", 10, ".1f", ("passes",), 25),
        ),
    ),
    "search": (
        measure_search,
        (
            ("search ms", 10, ".0f", ("search",), None),
            ("compile ms", 11, ".0f", ("compile",), None),
            ("ratio", 7, ".2f", ("ratio",), 1),
        ),
    ),
    "accuracy": (
        measure_accuracy,
        (
            ("raw: worst", 11, ".3g", ("raw", "worst"), None),
            ("median", 8, ".2g", ("raw", "median"), None),
            ("most", 9, ".2g", ("raw", "most"), None),
            ("ours: worst", 12, ".3g", ("optimised", "worst"), None),
            ("median", 8, ".2g", ("optimised", "median"), None),
            ("most", 9, ".2g", ("optimised", "most"), None),
            ("ratio", 7, ".2f", ("ratio",), 2),
        ),
    ),
}
ONCE = ("sympy", "big")
SPEEDUP, WHOLE = 45, 5
MILLISECONDS = ("search", "compile")


@dataclass
class Row:
    """A problem and its figures by block; a block that failed has a reason alone."""

    problem: str
    blocks: dict[str, Figures] = field(default_factory=dict)


def figures_within(limit: float, measure: Callable[[], Figures]) -> Figures:
    """What ``measure`` gives, or the reason why it gives nothing."""
    gc.collect()
    try:
        with limited(limit):
            return measure()
    except SlowError as error:
        return {"failed": str(error)}


def header(blocks: Sequence[str]) -> str:
    """The first line of the table."""
    columns = [column for block in blocks for column in BLOCKS[block][1]]
    return f"{'problem':<27}" + "".join(f"{title:>{width}} " for title, width, *_ in columns)


def line(row: Row) -> str:
    """A line of the table: a star where a target is missed."""
    text = f"{row.problem:<27}"
    for block, figures in row.blocks.items():
        columns = BLOCKS[block][1]
        if "failed" in figures:
            text += figures["failed"].rjust(sum(column[1] + 1 for column in columns) - 1) + " "
            continue
        for _, width, style, path, target in columns:
            value = reached(figures, path)
            shown = value * 1e3 if path[0] in MILLISECONDS else value
            missed = target is not None and not value <= target
            text += f"{shown:>{width}{style}}" + ("*" if missed else " ")
    return text


def reached(figures: Figures, path: Sequence[str]) -> Any:
    """The figure that lies under the keys of ``path``."""
    found: Any = figures
    for key in path:
        found = found[key]
    return found


def summary(rows: Sequence[Row], blocks: Sequence[str]) -> list[str]:
    """How many rows meet each target, and what the figures left out."""
    lines = []
    for block in blocks:
        for title, _, _, path, target in BLOCKS[block][1]:
            made = [
                (reached(row.blocks[block], path), row.problem)
                for row in rows
                if "failed" not in row.blocks[block]
            ]
            if target is None or not made:
                continue
            good = sum(value <= target for value, _ in made)
            worst, where = max(made, key=lambda entry: entry[0])
            lines.append(
                f"{block}, {title}: {good} of {len(rows)} rows within {target:g}, "
                f"the worst of {len(made)} measured {worst:.2f} ({where})"
            )
    for row in rows:
        for name, figures in row.blocks.get("accuracy", {}).items():
            if name in ("raw", "optimised") and figures["zeros"] + figures["invalid"]:
                lines.append(
                    f"{row.problem}, {name}: {figures['zeros']} entries are 0 but for rounding "
                    f"and without a relative error, {figures['invalid']} not finite"
                )
    return lines


def sympy_lines(figures: Figures, limit: float) -> list[str]:
    """Ours against SymPy's derivation."""
    if "failed" in figures:
        return [f"gradient of {ATOMS} atoms against SymPy: {figures['failed']}"]
    theirs = figures["sympy"]
    bound, spent = ("", theirs) if math.isfinite(theirs) else ("> ", limit)
    return [
        f"gradient of {ATOMS} atoms, {form}: {figures[form] * 1e3:.0f} ms; sympy.diff and cse "
        f"{bound}{spent:.1f} s, {bound}{spent / figures[form]:.0f} times as long "
        f"(target {SPEEDUP})"
        for form in ("traced", "from sympy")
    ]


def big_lines(figures: Figures) -> list[str]:
    """The big graph."""
    if "failed" in figures:
        return [f"Rosenbrock, {BIG} inputs: {figures['failed']}"]
    return [
        f"Rosenbrock, {BIG} inputs: {figures['nodes']} nodes, differentiated in "
        f"{figures['differentiate']:.2f} s; {figures['operations']} operations after the whole "
        f"derivation, {figures['whole']:.2f} s (target {WHOLE})"
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="What deriving costs, and how exact it is.")
    parser.add_argument("--problems", nargs="+", help="only rows that contain one of these")
    parser.add_argument("--only", nargs="+", choices=(*BLOCKS, *ONCE), help="these blocks alone")
    parser.add_argument("--limit", type=float, default=60.0, help="CPU seconds of a row's block")
    parser.add_argument("--sympy-limit", type=float, default=120.0, help="CPU seconds for SymPy")
    parser.add_argument("--json", type=Path, help="write all figures here")
    given = parser.parse_args(arguments)
    wanted = given.only or (*BLOCKS, *(() if given.problems else ONCE))
    blocks = [block for block in BLOCKS if block in wanted]
    tasks = [
        task
        for task in ROWS
        if not given.problems or any(part.lower() in task.name.lower() for part in given.problems)
    ]
    rows: list[Row] = []
    if blocks:
        sg.compile("sin(x)", "x", cache=False)  # numba's own start
        print(header(blocks))
        for task in tasks:
            row = Row(task.name)
            for block in blocks:
                measure = partial(BLOCKS[block][0], task)
                row.blocks[block] = figures_within(given.limit, measure)
            rows.append(row)
            print(line(row), flush=True)
        print("\n".join(summary(rows, blocks)))
    once: dict[str, Figures] = {}
    if "sympy" in wanted:
        # SymPy's own time counts in its own process; the limit here is for ours.
        once["sympy"] = figures_within(given.limit, lambda: measure_sympy(ATOMS, given.sympy_limit))
        print("\n".join(sympy_lines(once["sympy"], given.sympy_limit)))
    if "big" in wanted:
        once["big"] = figures_within(given.limit, lambda: measure_big(BIG))
        print("\n".join(big_lines(once["big"])))
    if given.json:
        made = {"rows": [asdict(row) for row in rows], **once}
        given.json.write_text(json.dumps(made, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
