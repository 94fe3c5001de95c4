"""The command that times symgrad beside its peers: `python -m benchmarks.side_by_side`.

Value and derivative together, float64, on one core. For each problem every peer is prepared with
its best settings, all results are checked against each other, and then all peers are timed in
turn, round after round, so that a drift of the machine hits them alike. Two figures a peer:

whole: one call on all points, every result stored in arrays as large as the batch.
pieces: the same points in pieces of the size that suits the peer best, each in contiguous arrays
    of its own and all with the same result arrays, as when results are used up piece by piece.

README.md explains the choices.
"""

import argparse
import contextlib
import importlib.util
import json
import math
import os
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from html import escape
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers import PEERS, prepare
from benchmarks.peers.prepared import (
    TOLERANCE,
    Prepared,
    Results,
    Unavailable,
    distance,
    results_at,
    timed,
)
from benchmarks.problems import PROBLEMS, Problem

WHERE_ASKED_FOR = frozenset({"torch.compile", "symgrad-sparse", "casadi-c-sparse"})
"""Peers that compile for many seconds for every number of points, or do not write every entry."""

QUICK_PEERS = tuple(peer for peer in PEERS if peer not in WHERE_ASKED_FOR)
MAIN_PROBLEMS = ("sine", "black_scholes", "bundle_adjustment", "ur5")
# No powers of two: rows that far apart share a few cache lines, which costs up to twice the time.
PIECES = (65_000, 16_040, 4_040)
CHECKED_POINTS = 1001
PIECES_SECONDS = 0.2  # the pieces of one round together take about this long at most
WHOLE_SECONDS = 5.0  # a peer that would need longer for the whole batch runs in pieces only


@dataclass(slots=True)
class Row:
    """What was measured of one peer on one problem; nanoseconds are the best of all rounds."""

    name: str
    settings: str
    derive_s: float | None
    compile_s: float
    piece: int
    error: float = math.nan
    whole_rounds: list[float] = field(default_factory=list)
    pieces_rounds: list[float] = field(default_factory=list)

    @property
    def whole(self) -> float | None:
        """Nanoseconds a point of one call on all points, None where that was not run."""
        return min(self.whole_rounds, default=None)

    @property
    def pieces(self) -> float:
        """Nanoseconds a point in pieces of the best size."""
        return min(self.pieces_rounds)

    @property
    def best(self) -> float:
        """The lower of the two figures."""
        return min(self.pieces, self.whole or math.inf)

    @property
    def agrees(self) -> bool:
        """Whether the results are those of most peers."""
        return self.error <= TOLERANCE


@dataclass(frozen=True, slots=True)
class Report:
    """All rows of one problem, and the peers that took no part."""

    problem: str
    points: int
    rows: list[Row]
    unavailable: list[Unavailable]


@dataclass(frozen=True, slots=True)
class Entrant:
    """A prepared peer with the calls that are timed: each runs `count` points."""

    row: Row
    whole: Callable[[], None] | None
    pieces: Callable[[], None]
    pieces_count: int


@contextlib.contextmanager
def pinned(core: int | None) -> Iterator[None]:
    """Keep this thread, and every thread and process that it starts, on one core."""
    if core is None or not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def default_core(wanted: int | None) -> int | None:
    """The core that was asked for, or the last one; None where cores cannot be chosen."""
    if wanted is None and hasattr(os, "sched_getaffinity"):
        return max(os.sched_getaffinity(0))
    return wanted


def machine(peers: Sequence[str]) -> dict[str, str]:
    """Processor, system and the versions of everything that takes part."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((s.split(":")[1].strip() for s in lines if s.startswith("model name")), model)
    described = {
        "processor": model,
        "cores": str(os.cpu_count()),
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }
    for distribution in dict.fromkeys(d for peer in peers for d in PEERS[peer][1]):
        with contextlib.suppress(metadata.PackageNotFoundError):
            described[distribution] = metadata.version(distribution)
    return described


def errors(results: dict[str, Results]) -> dict[str, float]:
    """Distance of every peer's results from those of the peer that most others agree with."""
    votes = {
        name: sum(distance(other, mine) <= TOLERANCE for other in results.values())
        for name, mine in results.items()
    }
    reference = results[max(votes, key=lambda name: votes[name])]
    return {name: distance(mine, reference) for name, mine in results.items()}


def run_pieces(prepared: Prepared, placed: Sequence[Any], out: Any) -> None:
    """Run every piece in turn into the same result arrays."""
    for piece in placed:
        prepared.run(piece, out)


def best_pieces(prepared: Prepared, points: np.ndarray) -> tuple[int, Callable[[], None], int]:
    """The best piece size, a call that runs as many pieces as a round needs, and their points."""
    total = points.shape[1]
    chosen: tuple[float, int, Callable[[], None], int] | None = None
    for size in [size for size in PIECES if size < total] or [total]:
        out = prepared.allocate(size)
        first = prepared.place(np.ascontiguousarray(points[:, :size]))
        prepared.run(first, out)
        seconds = timed(partial(prepared.run, first, out))
        count = max(1, min(total // size, int(PIECES_SECONDS / max(seconds, 1e-6))))
        blocks = [points[:, k * size : (k + 1) * size] for k in range(1, count)]
        placed = [first, *(prepared.place(np.ascontiguousarray(block)) for block in blocks)]
        call = partial(run_pieces, prepared, placed, out)
        call()
        per_point = min(timed(call) for _ in range(2)) / (count * size)
        if chosen is None or per_point < chosen[0]:
            chosen = per_point, size, call, count * size
    assert chosen is not None
    return chosen[1:]


def enter(prepared: Prepared, points: np.ndarray, check: np.ndarray) -> tuple[Entrant, Results]:
    """Warm a peer up: choose its piece size, allocate its arrays, and return its results."""
    count = points.shape[1]
    results = results_at(prepared, np.ascontiguousarray(points[:, check]))
    piece, pieces, pieces_count = best_pieces(prepared, points)
    row = Row(prepared.name, prepared.settings, prepared.derive_s, prepared.compile_s, piece)
    whole: Callable[[], None] | None = None
    expected_s = timed(pieces) / pieces_count * count
    if expected_s <= WHOLE_SECONDS and count <= (prepared.most_points or count):
        out = prepared.allocate(count)
        whole = partial(prepared.run, prepared.place(points), out)
        whole()
        # From here on the results of the whole batch are the ones that must be right.
        value, derivative = prepared.outputs(out)
        results = value[..., check].copy(), derivative[..., check].copy()
    return Entrant(row, whole, pieces, pieces_count), results


def affordable(problem: Problem, points: int, peers: int) -> int:
    """As many points as let every peer keep its results in half of the free memory."""
    entry_bytes = 8 * (problem.columns + problem.outputs * (1 + problem.inputs))
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, min(points, free // 2 // (entry_bytes * (peers + 1))))


def measure(problem: Problem, peers: Sequence[str], points: int, rounds: int) -> Report:
    """Prepare, check and time `peers` on one problem."""
    count = affordable(problem, points, len(peers))
    x = problem.points(np.random.default_rng(2026), count)
    check = np.unique(np.r_[np.linspace(0, count - 1, CHECKED_POINTS), max(0, count - 64) : count])
    check = check.astype(np.intp)
    entrants, results, unavailable = [], {}, []
    for name in peers:
        print(f"  preparing {name} for {problem.name}", file=sys.stderr, flush=True)
        try:
            prepared = prepare(name, problem)
            if isinstance(prepared, Unavailable):
                unavailable.append(prepared)
                continue
            entrant, results[name] = enter(prepared, x, check)
        except Exception as failure:  # a failure is a result too
            reason = f"failed: {type(failure).__name__}: {failure}"
            unavailable.append(Unavailable(name, reason))
            continue
        entrants.append(entrant)
    if results:
        for entrant, error in zip(entrants, errors(results).values(), strict=True):
            entrant.row.error = error
    for _ in range(rounds):
        for e in entrants:
            if e.whole is not None:
                e.row.whole_rounds.append(timed(e.whole) / count * 1e9)
            e.row.pieces_rounds.append(timed(e.pieces) / e.pieces_count * 1e9)
    return Report(problem.name, count, [e.row for e in entrants], unavailable)


def number(value: float | None, digits: int = 3) -> str:
    """A figure with a few significant digits, or a dash."""
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 10**digits else f"{value:.{digits}g}"


def table(report: Report) -> str:
    """The report as text: a line a peer, the settings, and whoever took no part."""
    base = next((row for row in report.rows if row.name == "symgrad"), None)
    base = base or min(report.rows, key=lambda row: row.best, default=None)
    lines = [f"\n{report.problem}: value and derivative at {report.points:,} points"]
    if base is not None:
        head = ("peer", "whole", "pieces", "of", "x whole", "x best", "derive", "compile", "check")
        lines.append("{:<15}{:>10}{:>10}{:>8}{:>9}{:>9}{:>9}{:>9}  {}".format(*head))
        lines.append("{:<15}{:>10}{:>10}{:>8}{:>9}{:>9}{:>9}{:>9}".format(
            "", "ns/point", "ns/point", "points", f"{base.name}=1", "", "s", "s"))  # fmt: skip
    for row in sorted(report.rows, key=lambda row: row.best):
        assert base is not None
        ratio = row.whole / base.whole if row.whole and base.whole else None
        lines.append(
            f"{row.name:<15}{number(row.whole):>10}{number(row.pieces):>10}{row.piece:>8}"
            f"{number(ratio):>9}"
            f"{number(row.best / base.best):>9}"
            f"{number(row.derive_s):>9}{number(row.compile_s):>9}  "
            + (f"{row.error:.0e}" if row.agrees else f"DISAGREES by {row.error:.1e}")
        )
    lines += [f"  {row.name}: {row.settings}" for row in report.rows]
    lines += [f"  {absent.name} took no part: {absent.reason}" for absent in report.unavailable]
    return "\n".join(lines)


def document(described: dict[str, str], reports: Sequence[Report]) -> dict[str, Any]:
    """Everything measured, as plain data for a JSON file."""
    return {
        "machine": described,
        "problems": [
            {
                "problem": report.problem,
                "points": report.points,
                "rows": [
                    {**asdict(row), "whole": row.whole, "pieces": row.pieces, "agrees": row.agrees}
                    for row in report.rows
                ],
                "unavailable": [asdict(absent) for absent in report.unavailable],
            }
            for report in reports
        ],
    }


def bars(report: Report) -> list[tuple[str, float]]:
    """(label, ns a point) of every peer, fastest first; a disagreement shows in the label."""
    rows = sorted(report.rows, key=lambda row: row.best)
    return [(row.name if row.agrees else f"{row.name} (disagrees)", row.best) for row in rows]


def draw(path: Path, reports: Sequence[Report], caption: str) -> None:
    """Write the bars of all problems with matplotlib, or as plain SVG where it is missing."""
    if importlib.util.find_spec("matplotlib") is None:
        path.write_text(plain_svg(reports, caption))
        return
    figure_module = importlib.import_module("matplotlib.figure")
    columns = min(2, len(reports))
    lines = math.ceil(len(reports) / columns)
    figure = figure_module.Figure(figsize=(6 * columns, 3.2 * lines), layout="constrained")
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    for axis in axes[len(reports) :]:
        axis.set_axis_off()
    for axis, report in zip(axes, reports, strict=False):
        labels, values = zip(*reversed(bars(report)), strict=True)
        colors = ["#c2410c" if label.startswith("symgrad") else "#64748b" for label in labels]
        drawn = axis.barh(labels, values, color=colors)
        axis.bar_label(drawn, [number(value) for value in values], padding=3)
        axis.set(xscale="log", title=report.problem, xlabel="ns a point (one core, log scale)")
        axis.set_xlim(min(values) / 2, max(values) * 4)
        axis.spines[["top", "right"]].set_visible(False)
    figure.suptitle(caption, fontsize=9)
    figure.savefig(path)


def plain_svg(reports: Sequence[Report], caption: str) -> str:
    """The same bars as an SVG document without any library."""
    width, left, scale, pitch = 760, 170, 110, 20
    body, y = [f'<text x="10" y="20">{escape(caption)}</text>'], 50
    for report in reports:
        title = f"{report.problem}: ns a point (one core, log scale)"
        body.append(f'<text x="10" y="{y}" font-weight="bold">{escape(title)}</text>')
        rows = bars(report)
        low = min((value for _, value in rows), default=1.0) / 2
        for label, value in rows:
            y += pitch
            length = scale * math.log10(value / low)
            color = "#c2410c" if label.startswith("symgrad") else "#64748b"
            body += [
                f'<text x="{left - 6}" y="{y}" text-anchor="end">{escape(label)}</text>',
                f'<rect x="{left}" y="{y - 12}" width="{length:.1f}" height="14" fill="{color}"/>',
                f'<text x="{left + length + 6:.1f}" y="{y}">{number(value)}</text>',
            ]
        y += 2 * pitch
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y}"'
    lines = [f'{head} font-family="sans-serif" font-size="13">', *body, "</svg>", ""]
    return "\n".join(lines)


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.side_by_side", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--problems", nargs="+", choices=PROBLEMS, default=MAIN_PROBLEMS)
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=QUICK_PEERS)
    parser.add_argument("--core", type=int, help="the core to run on (default: the last one)")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--picture", type=Path, metavar="FILE.svg")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the status is 1 when a peer that ran disagrees with the others."""
    options = arguments(argv)
    described = machine(options.peers)
    print("; ".join(f"{key} {value}" for key, value in described.items()), flush=True)
    reports = []
    with pinned(default_core(options.core)):
        for name in options.problems:
            report = measure(PROBLEMS[name], options.peers, options.points, options.rounds)
            print(table(report), flush=True)
            reports.append(report)
            # Written after every problem, so that an interrupted run keeps what it has.
            if options.json:
                options.json.write_text(json.dumps(document(described, reports), indent=1))
    drawable = [report for report in reports if report.rows]
    if options.picture and drawable:
        draw(options.picture, drawable, f"{described['processor']}, value and derivative")
    return 0 if all(row.agrees for report in reports for row in report.rows) else 1


if __name__ == "__main__":
    sys.exit(main())
