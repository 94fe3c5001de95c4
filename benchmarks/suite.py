"""Every problem beside every peer and beside the machine's limit: `python -m benchmarks.suite`.

Value and derivative together, float64, one core, points last, `out=` reused. A line is a problem:

ns, pieces: CPU ns a point of symgrad, one call on the whole batch; and the same in pieces of
    16,040 points whose results stay in the cache.
peers: how many times longer a peer takes for the whole batch, the median of rounds in which it
    runs just after symgrad. `~`: it makes new result arrays at every call, or is too slow for the
    whole batch, so that the lower of its two figures counts, which is in its favour.
casadi-c, casadi-c-sparse: the same peer twice. CasADi writes structural nonzeros alone: `casadi-c`
    is compared with symgrad's dense results, where that has more to write; `casadi-c-sparse` with
    `sparse=True`, both writing the same entries, of a symmetric pair one.
in pieces: the same ratio of heyoka's and symgrad's pieces.
limit, reach: ns a point of the bound of suite_limits.py, m by memory or a by arithmetic, and the
    part of it that symgrad reaches.

The last lines have geometric means, and what these would be if symgrad reached the limit wherever
it takes longer: `at the limit`.

Results of all peers are checked against each other first. `--json FILE` keeps every problem as it
is finished; a run that finds a problem there measures the peers alone that it lacks, so that it
can be done in parts. `--fresh` begins anew.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import geometric_mean, median
from typing import Any

from benchmarks.peers import OURS
from benchmarks.peers.prepared import TOLERANCE, Results, Unavailable
from benchmarks.side_by_side import default_core, errors, machine, number, pinned
from benchmarks.suite_picture import draw, rows_of
from benchmarks.suite_problems import missing, points_of, suite
from benchmarks.suite_workers import Settings, Worker

PEERS = (
    *("heyoka", "numba", "jax", "torch.func", "torch.compile"),
    *("casadi-c", "casadi-c-sparse", "symengine"),
)
SPARSE = frozenset({"casadi-c-sparse"})
"""Peers that are compared with `sparse=True`, since they write structural nonzeros alone."""

OWN_RESULTS = frozenset({"jax", "torch.func", "torch.compile"})
"""Peers that cannot write into given arrays."""

TARGETS = {
    "heyoka": 1.5,
    "numba": 5.0,
    "jax": 20.0,
    "torch.func": 20.0,
    "torch.compile": 20.0,
    "casadi-c": 5.0,
    "casadi-c-sparse": 5.0,
    "symengine": 5.0,
}
"""Ratios aimed at, as geometric means."""

LEAST_REACH, MEAN_REACH = 0.35, 0.60
ROW = "{:<36}{:>7}{:>8}{:>8}" + "{:>16}" * len(PEERS) + "{:>11}{:>9}{:>7}"

Record = dict[str, Any]


def measure(
    name: str, workers: dict[str, Worker], options: argparse.Namespace, former: Record | None
) -> Record:
    """One problem: prepare, check and time the peers that a former record lacks, and the limits."""
    problem = suite()[name]
    count = points_of(problem, options.points)
    settings = Settings(count, options.variants, options.probe)
    record: Record = former or {
        "problem": name,
        "points": count,
        "entries": problem.entries,
        "peers": {},
    }
    ready, absent = {}, {}
    for peer in lacking(record, workers):
        # symgrad has its time too, but is never left out for want of it.
        patience = None if peer in OURS else options.seconds
        answer = workers[peer].ask("prepare", name, settings, seconds=patience)
        (absent if isinstance(answer, Unavailable) else ready)[peer] = answer
    record["peers"] |= {peer: {"reason": one.reason} for peer, one in absent.items()}
    if "symgrad" not in ready:
        return record
    wrong = disagreements({peer: (one.head, one.tail) for peer, one in ready.items()})
    times = {peer: timed_beside(workers, peer, ready[peer].whole, options.rounds) for peer in ready}
    for peer, one in ready.items():
        if "reason" in times[peer] or (peer in OURS and former):
            record["peers"].setdefault(peer, times[peer])
            continue
        record["peers"][peer] = {
            "settings": one.settings,
            "derive_s": one.derive_s,
            "compile_s": one.compile_s,
            "error": wrong[peer],
            **times[peer],
        }
    if not options.no_limits and "limits" not in record:
        found = workers["symgrad"].ask("limits", name, count)
        if not isinstance(found, Unavailable):
            record["limits"] = {
                "memory": found.memory,
                "arithmetic": found.arithmetic,
                "GB/s": found.gigabytes,
                "operations": found.operations,
                "costs": found.costs,
            }
    return record


def beside(peer: str) -> str:
    """The one of OURS that a peer is compared with."""
    return "symgrad-sparse" if peer in SPARSE else "symgrad"


def lacking(record: Record, peers: Iterable[str]) -> list[str]:
    """The peers that a record has nothing of, behind those of OURS that they need."""
    found = [peer for peer in peers if peer not in record["peers"]]
    needed = {"symgrad", *map(beside, found)} if found else set()
    return [*(one for one in OURS if one in needed), *(one for one in found if one not in OURS)]


def timed_beside(workers: dict[str, Worker], peer: str, whole: bool, rounds: int) -> Record:
    """Medians of a peer's ns a point and of its ratios to symgrad's just before.

    "x best" is the lower of the peer's two figures over symgrad's whole batch.
    """
    kept: dict[str, list[float]] = {}
    alone = peer in OURS
    first = workers[peer if alone else beside(peer)]
    for _ in range(rounds):
        ours = {form: first.ask(form) for form in ("whole", "pieces")}
        forms = ("whole", "pieces") if whole else ("pieces",)
        theirs = ours if alone else {form: workers[peer].ask(form) for form in forms}
        for answer in (*ours.values(), *theirs.values()):
            if isinstance(answer, Unavailable):
                return {"reason": answer.reason}
        for form, ns in theirs.items():
            kept.setdefault(form, []).append(ns)
            if not alone:
                kept.setdefault(f"x {form}", []).append(ns / ours[form])
        if not alone:
            kept.setdefault("x best", []).append(min(theirs.values()) / ours["whole"])
    return {name: median(values) for name, values in kept.items()}


def disagreements(results: dict[str, tuple[Results, Results | None]]) -> dict[str, float]:
    """The larger error of every peer's results, at the first points and at the last."""
    found = errors({peer: head for peer, (head, _) in results.items()})
    last = {peer: tail for peer, (_, tail) in results.items() if tail is not None}
    if last:
        for peer, error in errors(last).items():
            found[peer] = max(found[peer], error)
    return found


def ratio(record: Record, peer: str) -> tuple[float, bool] | None:
    """A peer's ratio, and whether it is the one in its favour; None where there is none."""
    one = record["peers"].get(peer, {})
    if "x best" not in one or one["error"] > TOLERANCE:
        return None
    if peer in OWN_RESULTS or "x whole" not in one:
        return one["x best"], True
    return one["x whole"], False


def bound(record: Record) -> tuple[float, str] | None:
    """The limit in ns a point and which of the two it is."""
    made = record.get("limits")
    if made is None:
        return None
    return max((made["memory"], "m"), (made["arithmetic"], "a"))


def reach(record: Record) -> float | None:
    """The part of the limit that symgrad reaches."""
    limit, ours = bound(record), record["peers"].get("symgrad", {}).get("whole")
    return None if limit is None or ours is None else limit[0] / ours


def at_limit(records: Sequence[Record], peer: str) -> float | None:
    """The geometric mean of a peer's ratios if symgrad took no longer than the limit in any row.

    None where rows have no limit, or for peers that are compared with sparse results, whose limit
    is another one.
    """
    found = [(made[0], reach(r)) for r in records if (made := ratio(r, peer)) is not None]
    if peer in SPARSE or not all(part for _, part in found):
        return None
    return geometric_mean(value / min(1.0, part) for value, part in found if part)


def line(record: Record) -> str:
    """A problem's line of the table."""
    ours = record["peers"].get("symgrad", {})
    if "whole" not in ours:
        return f"{record['problem']:<36}symgrad took no part: {ours.get('reason')}"
    cells = []
    for peer in PEERS:
        found = ratio(record, peer)
        one = record["peers"].get(peer, {})
        if found is not None:
            cells.append(f"{'~' if found[1] else ''}{number(found[0])}")
        elif "error" in one:
            cells.append("WRONG")
        else:
            reason = one.get("reason", "")
            cells.append(reason.partition(" s ")[0] if reason.startswith(">") else "-")
    limit, reached = bound(record), reach(record)
    heyoka = record["peers"].get("heyoka", {})
    return ROW.format(
        record["problem"],
        f"{record['points'] // 1000}k",
        number(ours["whole"]),
        number(ours["pieces"]),
        *cells,
        number(heyoka.get("x pieces")),
        "-" if limit is None else number(limit[0]) + limit[1],
        "-" if reached is None else f"{reached:.0%}",
    )


def summary(records: Sequence[Record]) -> Iterator[str]:
    """Geometric means, least ratios, what misses its target, and who took no part and why."""
    for peer in PEERS:
        found = {r["problem"]: made[0] for r in records if (made := ratio(r, peer)) is not None}
        if not found:
            continue
        least = min(found, key=lambda name: found[name])
        below = [f"{name} {value:.2f}" for name, value in found.items() if value < 1]
        form = " beside sparse=True" if peer in SPARSE else ""
        mean = geometric_mean(found.values())
        yield (
            f"{peer}{form}: {mean:.2f} times as long in the geometric mean of "
            f"{len(found)} problems (aim {TARGETS[peer]:g}), least {found[least]:.2f} ({least})"
            + (f"; below 1: {', '.join(below)}" if below else "")
            + (f"; {most:.2f} at the limit" if (most := at_limit(records, peer)) else "")
        )
    reached = {r["problem"]: part for r in records if (part := reach(r)) is not None}
    if reached:
        low = sorted((part, name) for name, part in reached.items() if part < LEAST_REACH)
        yield (
            f"limit: {geometric_mean(reached.values()):.0%} reached in the geometric mean of "
            f"{len(reached)} problems (aim {MEAN_REACH:.0%})"
            + "".join(f"; {name} {part:.0%}" for part, name in low)
        )
    absent: dict[tuple[str, str], list[str]] = {}
    for record in records:
        for peer, one in record["peers"].items():
            if "reason" in one:
                absent.setdefault((peer, one["reason"]), []).append(record["problem"])
            elif one["error"] > TOLERANCE:
                reason = f"DISAGREES by {one['error']:.0e}"
                absent.setdefault((peer, reason), []).append(record["problem"])
    for (peer, reason), names in absent.items():
        yield f"{peer} took no part in {len(names)} ({', '.join(names)}): {reason}"
    if missing() is not None:
        yield f"left out: {missing()}"


def header() -> str:
    """The head of the table."""
    return ROW.format("problem", "points", "ns", "pieces", *PEERS, "in pieces", "limit", "reach")


def markdown(records: Sequence[Record]) -> Iterator[str]:
    """The table for a page."""
    names = ("problem", "ns", *PEERS, "heyoka in pieces", "limit", "reach")
    yield f"| {' | '.join(names)} |"
    yield "|---" * len(names) + "|"
    for record in records:
        words = line(record)[36:].split()
        if "whole" in record["peers"].get("symgrad", {}):
            cells = [record["problem"], words[1], *words[3:]]
            yield f"| {' | '.join(cells)} |"
    yield ""
    for text in summary(records):
        yield f"- {text}"


def chosen(wanted: Iterable[str] | None) -> list[str]:
    """The problems whose name contains one of the words; all without any."""
    words = list(wanted or [""])
    return [name for name in suite() if any(word in name for word in words)]


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.suite", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--points", type=int, default=1_000_000, help="a tenth for large problems")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--problems", nargs="+", metavar="WORD", help="that occur in the names")
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=PEERS)
    parser.add_argument("--seconds", type=float, default=20.0, help="a peer has for a problem")
    parser.add_argument("--variants", type=float, default=4.0, help="s in which variants start")
    parser.add_argument("--probe", type=float, default=0.05, help="s a variant is tried for")
    parser.add_argument("--core", type=int, help="the core to run on (default: the last one)")
    parser.add_argument("--no-limits", action="store_true")
    parser.add_argument("--fresh", action="store_true", help="measure again what the file has")
    parser.add_argument("--json", type=Path, metavar="FILE", help="a line a problem")
    parser.add_argument("--markdown", action="store_true", help="print the table for a page")
    parser.add_argument("--picture", type=Path, metavar="FILE.svg")
    return parser.parse_args(argv)


def kept(path: Path | None, fresh: bool) -> dict[str, Record]:
    """The records of a former run by problem."""
    if path is None or fresh or not path.exists():
        return {}
    found = [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines()]
    return {record["problem"]: record for record in found if "problem" in record}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the status is 1 where a peer that ran disagrees with the others."""
    options = arguments(argv)
    before = kept(options.json, options.fresh)
    described = machine(["symgrad", *options.peers])
    print("; ".join(f"{key} {value}" for key, value in described.items()), flush=True)
    print(header(), flush=True)
    records = []
    if options.json and options.fresh:
        options.json.write_text("", encoding="utf-8")
    with pinned(default_core(options.core)), ExitStack() as stack:
        ours = [one for one in OURS if one in {"symgrad", *map(beside, options.peers)}]
        workers = {
            peer: stack.enter_context(closing(Worker(peer))) for peer in (*ours, *options.peers)
        }
        for name in chosen(options.problems):
            record = before.get(name)
            if record is None or lacking(record, workers):
                record = measure(name, workers, options, record)
                if options.json:
                    with options.json.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(record) + "\n")
            records.append(record)
            print(line(record), flush=True)
    print("\n".join(["", *summary(records)]))
    if options.markdown:
        print("\n".join(["", *markdown(records)]))
    if options.picture:
        caption = f"{described['processor']}, value and derivative, one core"
        draw(options.picture, rows_of(records, ratio), caption)
    wrong = [one for r in records for one in r["peers"].values() if one.get("error", 0) > TOLERANCE]
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
