"""The worst errors of every row of the function table and of its first two derivatives.

Run from the root of the repository: ``python -m benchmarks.function_errors [NAME ...]
[--points 100000] [--seconds 60] [--workers 2] [--markdown FILE]``.

Each row is compiled with its gradient and its Hessian, once a format, and evaluated at random
points of its ranges (``function_ranges.py``), which share the points. Arb's ball arithmetic
computes the same nodes to a hundredth of an ulp and proves it (``oracle/rows.py``), with sums
in pairs of doubles for what Arb lacks, which have bounds too (``oracle/series.py``); formulas of
derivatives are the rows' own, which ``tests/functions/test_rows.py`` holds against numerical
differentiation. A row takes as many points as it is given, or as Arb manages in the seconds it is
given; points where Arb finds no number are counted apart.

An error is in units of the last place of the exact value. The unit is that of a larger number in
two cases: of the amplitude of its waves, for functions that oscillate (``scale``); and next to a
zero, where the value changes its sign within 1/8 of an argument, or within 1/2: of the largest
value found there. Errors of subnormal results count in units of the smallest subnormal number and
are printed beside. Ranges of huge and tiny arguments have columns of their own: what fails there
is mostly the formula of a derivative, whose intermediate results overflow or vanish.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.function_measure import (
    DIGITS,
    TITLES,
    Figures,
    Workers,
    above,
    measure,
    ranges_of,
    shown,
)
from benchmarks.function_ranges import ROWS


def rounded(ulp: float) -> str:
    """An error in two digits."""
    return f"{ulp:.1f}" if ulp < 100 else f"{ulp:.2g}"


def kinds_of(name: str) -> set[bool]:
    """Whether a row has ordinary ranges (False) and ranges of huge or tiny arguments (True)."""
    return {any(axis.extreme for axis in range_) for range_ in ranges_of(name)}


def line_of(name: str, dtype: str, figures: Figures, seconds: float) -> str:
    """One line of the table."""
    counts = f"{figures.points:8}{figures.outside:8}{figures.without:7}"
    errors = "".join(f"{shown(w.ulp):>9}" for w in figures.worst)
    extreme = [shown(w.ulp) if True in kinds_of(name) else "-" for w in figures.extreme]
    errors += " |" + "".join(f"{one:>9}" for one in extreme)
    tiny = max(w.subnormal for w in (*figures.worst, *figures.extreme))
    special = "ok" if not figures.special else f"{len(figures.special)} differ"
    notes = [
        f"{title} {shown(w.ulp)} at {w.point} of {w.where}"
        for worst in (figures.worst, figures.extreme)
        for title, w in above(name, worst)
    ]
    head = f"{name:22}{dtype:8}{counts}{errors}{shown(tiny):>9}  {special:10}{seconds:6.1f} s"
    return "  ".join([head, *notes])


HEAD = (
    f"{'function':22}{'dtype':8}{'points':>8}{'outside':>8}{'no ref':>7}"
    + "".join(f"{title:>9}" for title in TITLES)
    + " |"
    + "".join(f"{title:>9}" for title in ("extreme:", "", ""))
    + f"{'subnorm.':>9}  special values"
)


COLUMNS = (
    "| function | points | float64 | float32 | extreme, float64 | extreme, float32 "
    "| special values | worst, where above the target |",
    "|---|---|---|---|---|---|---|---|",
)


def markdown_line(name: str, formats: dict[str, Figures]) -> str:
    """A function's line of the table in Markdown."""
    cells = [name, f"{min(figures.points for figures in formats.values()):,}"]
    kinds = kinds_of(name)
    for kind, there in (("worst", False in kinds), ("extreme", True in kinds)):
        for dtype in DIGITS:
            errors = [w.ulp for w in getattr(formats.get(dtype), kind, ())]
            cells.append(" / ".join(map(rounded, errors)) if there else "")
    differ = sorted({line.split(":")[0] for f in formats.values() for line in f.special})
    cells.append(", ".join(differ) or "ok")
    notes = [
        f"{dtype} {title} at {', '.join(f'{x:.6g}' for x in worst.point)}"
        for dtype, figures in formats.items()
        for title, worst in above(name, figures.worst)
    ]
    return f"| {' | '.join([*cells, '; '.join(notes)])} |"


def write_markdown(path: Path, lines: Mapping[str, str]) -> None:
    """Put lines into the table of a file, at its end where it has none; others stay as they are."""
    before = path.read_text().splitlines() if path.exists() else []
    if COLUMNS[0] not in before:
        before += ["", *COLUMNS] if before else COLUMNS
    start = before.index(COLUMNS[0]) + len(COLUMNS)
    end = next((i for i in range(start, len(before)) if before[i][:1] != "|"), len(before))
    known = {line.split("|")[1].strip(): line for line in before[start:end]} | dict(lines)
    kept = [known[name] for name in ROWS if name in known]
    path.write_text("\n".join([*before[:start], *kept, *before[end:]]) + "\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="rows; all if none")
    parser.add_argument("--points", type=int, default=100_000, help="points a row")
    parser.add_argument("--seconds", type=float, default=60.0, help="time of Arb a row and format")
    parser.add_argument("--dtypes", nargs="*", default=["float64", "float32"], choices=list(DIGITS))
    parser.add_argument("--workers", type=int, default=1, help="processes, each for --seconds")
    parser.add_argument("--ranges", action="store_true", help="print every range of a row")
    parser.add_argument("--markdown", type=Path, help="a file whose table gets the lines")
    options = parser.parse_args(arguments)
    missing = [name for name in options.names if name not in ROWS]
    if missing:
        parser.error(f"no rows: {', '.join(missing)}")
    pool = Workers(options.workers) if options.workers > 1 else None
    print(HEAD, flush=True)
    for name in options.names or ROWS:
        formats = {}
        for dtype in options.dtypes:
            begin = time.perf_counter()
            figures = measure(name, dtype, options.points, options.seconds, pool)
            formats[dtype] = figures
            print(line_of(name, dtype, figures, time.perf_counter() - begin))
            print("".join(f"    {line}\n" for line in figures.ranges if options.ranges), end="")
            special = "".join(f"    special: {line}\n" for line in figures.special)
            print(special, end="", flush=True)
        if options.markdown:
            write_markdown(options.markdown, {name: markdown_line(name, formats)})
    if pool:
        pool.close()


if __name__ == "__main__":
    main()
