"""Operations of derivative programs, symgrad's and others': `python -m benchmarks.operations`.

    python -m benchmarks.operations                  the table, symgrad and its peers
    python -m benchmarks.operations --ours           symgrad alone, in a few seconds
    python -m benchmarks.operations --never-worse    where a peer needs fewer operations

What is counted, the same for every system:

- The program of the derivatives alone, of their distinct entries: of a symmetric Hessian the lower
  triangle, of order k every multi-index once; "order k" is all orders from 1 to k. The value is
  not wanted. Common subexpressions are shared by each system's own means.
- One operation each: an addition, subtraction, multiplication, division, square root, function or
  comparison. Free: inputs, constants and what is made of constants alone, negations, stores.
- A power with an integer exponent costs its chain of squarings and multiplications (x**10 four) and
  a division where the exponent is negative; with a half-integer exponent a square root as well; any
  other power is one function. A sum or product of k terms is k - 1 operations, a factor of -1 free.
- symgrad: `Program.total`, counted a second time from the instructions that a store needs.
- CasADi: instructions of the SX function after `cse` (`counting/casadi.py`). SymPy and SymEngine:
  what `cse` returns, as written (`counting/sympy.py`). Of all the forms tried, the fewest
  operations count. Beside every count is the CPU time of that form's derivation, in milliseconds.

A peer's derivatives must agree with symgrad's at a random point, to 1e-9 relative, or it is marked.
A peer that takes longer than --timeout for a row is stopped; its counts are kept in --cache.
`--never-worse` takes the table, the Jacobians of the acceptance cases and of random expressions,
and has exit status 1 where CasADi or SymPy has fewer operations than symgrad. Beside each count is
its weighted cost, which symgrad minimises: a division counts 5, a square root 6, functions more.
One division and two multiplications cost less than two divisions, which are fewer operations.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import symgrad as sg
from benchmarks.counting.counts import Count, InexpressibleError, ours
from benchmarks.counting.tasks import case_keys, find
from benchmarks.counting.worker import PEERS, Outcome, Workers
from benchmarks.targets import TARGETS, Task
from symgrad.errors import FormulaError
from symgrad.functions import PRIMITIVES
from symgrad.ir.program import WEIGHTS

RIVALS = ("casadi", "sympy")
ALIASES = {"fabs": "abs"}
TOLERANCE = 1e-9
ROUNDING = 1e-12
"""Errors below this, relative to the largest entry of the same order, are rounding."""
KEPT = Path("build/operations.json")
SHOWN = 300


@dataclass(frozen=True, slots=True)
class Row:
    """A task with symgrad's count and the peers'."""

    task: Task
    ours: Count
    peers: dict[str, Outcome]

    @property
    def disagreeing(self) -> list[str]:
        """The peers whose derivatives are others than symgrad's."""
        return [
            name
            for name, outcome in self.peers.items()
            if outcome.count and not agree(self.task, outcome.count.values, self.ours.values)
        ]

    @property
    def better(self) -> list[str]:
        """The rivals with fewer operations than symgrad, and the same derivatives."""
        return [
            name
            for name in RIVALS
            if name in self.peers
            and (count := self.peers[name].count)
            and count.operations < self.ours.operations
            and name not in self.disagreeing
        ]


def agree(task: Task, got: Sequence[float], expected: Sequence[float]) -> bool:
    """Whether two systems' entries are the same, order by order; what is not finite agrees."""
    if len(got) != len(expected):
        return False
    outputs = len(expected) // sum(len(task.entries(order)) for order in task.orders)
    first = 0
    for order in task.orders:
        last = first + outputs * len(task.entries(order))
        block = list(zip(got[first:last], expected[first:last], strict=True))
        scale = max((abs(b) for _, b in block if math.isfinite(b)), default=0.0)
        for a, b in block:
            if not (math.isfinite(a) and math.isfinite(b)):
                if math.isfinite(a) != math.isfinite(b):
                    return False
            elif abs(a - b) > TOLERANCE * abs(b) + ROUNDING * scale:
                return False
        first = last
    return True


def measured(key: str, peers: Sequence[str], optimize: str, workers: Workers) -> Row:
    """One row: symgrad's count and those of the peers."""
    task = find(key)
    return Row(task, ours(task, optimize), {peer: workers.best(peer, key) for peer in peers})


def weight(kinds: Mapping[str, int]) -> int:
    """The weighted cost of operations by kind; what symgrad has no row for costs 1.

    >>> weight({"mul": 2, "div": 1, "fabs": 1})
    8
    """
    total = 0
    for kind, count in kinds.items():
        row = PRIMITIVES.get(ALIASES.get(kind, kind))
        total += count * (WEIGHTS.get(kind) or (row.cost if row else 1))
    return total


def header(peers: Sequence[str]) -> str:
    """The first line of the table."""
    titles = "".join(f"{peer:>11}{'ms':>8}" for peer in peers)
    return f"{'problem':<27}{'wanted':>9}{'symgrad':>9}{'ms':>6}{'goal':>7}{'ratio':>7}{titles}"


def line(row: Row) -> str:
    """A line of the table."""
    task, mine = row.task, row.ours
    wanted = f"order {task.wanted}" if isinstance(task.wanted, int) else task.wanted
    goal = f"{task.goal:>7}{mine.operations / task.goal:>7.2f}" if task.goal else " " * 14
    text = f"{task.name:<27}{wanted:>9}{mine.operations:>9}{mine.seconds * 1e3:>6.0f}{goal}"
    for peer, outcome in row.peers.items():
        count = outcome.count
        mark = "!" if peer in row.disagreeing else ""
        shown = f"{count.operations}{mark}" if count else outcome.reason[:10]
        spent = f"{count.seconds * 1e3:.0f}" if count else ""
        text += f"{shown:>11}{spent:>8}"
    return text


def table(keys: Sequence[str], peers: Sequence[str], optimize: str, workers: Workers) -> list[Row]:
    """Print the table, row by row, and the forms that the peers' counts are of."""
    print(header(peers))
    rows = []
    for key in keys:
        row = measured(key, peers, optimize, workers)
        rows.append(row)
        print(line(row), flush=True)
    for row in rows:
        for peer in row.disagreeing:
            print(f"! {row.task.name}: the derivatives of {peer} are others")
    for peer in peers:
        forms: dict[str, list[str]] = {}
        for row in rows:
            if count := row.peers[peer].count:
                forms.setdefault(count.settings, []).append(row.task.name)
        for form, names in forms.items():
            print(f"{peer}, {form}: {'; '.join(names)}")
    return rows


def never_worse(keys: Sequence[str], optimize: str, workers: Workers) -> tuple[list[Row], int]:
    """Print the tasks for which a rival needs fewer operations; all rows, and how many failed."""
    rows: list[Row] = []
    refused: dict[str, int] = {}
    seconds = 0.0
    for key in keys:
        try:
            start = time.process_time()
            row = Row(find(key), ours(find(key), optimize), {})
            seconds += time.process_time() - start
        except (InexpressibleError, FormulaError):
            refused["symgrad"] = refused.get("symgrad", 0) + 1
            continue
        row.peers.update({peer: workers.best(peer, key) for peer in RIVALS})
        rows.append(row)
        for peer, outcome in row.peers.items():
            if not outcome.expressible:
                refused[peer] = refused.get(peer, 0) + 1
            elif outcome.count is None and peer not in workers.absent:
                print(f"{row.task.name}: {peer} {outcome.reason}")
            elif peer in row.disagreeing:
                print(f"{row.task.name}: the derivatives of {peer} are others")
        if row.better:
            print(failure(row), flush=True)
    failed = [row for row in rows if row.better]
    compared = sum(any(outcome.count for outcome in row.peers.values()) for row in rows)
    excess = sum(row.ours.operations - least(row) for row in failed)
    cheaper = sum(
        all(weight(row.ours.kinds) < weight(count.kinds) for count in better(row)) for row in failed
    )
    print(
        f"{len(failed)} of {compared} systems need more operations than a rival, {excess} in all; "
        f"{cheaper} of these at a lower weighted cost; symgrad {seconds:.1f} s"
    )
    for name, reason in workers.absent.items():
        print(f"{name} took no part: {reason}")
    for name, count in refused.items():
        print(f"{count} not expressible in {name}")
    return rows, len(failed)


def better(row: Row) -> list[Count]:
    """The counts of the rivals that have fewer operations than symgrad."""
    return [count for name in row.better if (count := row.peers[name].count)]


def least(row: Row) -> int:
    """The fewest operations of a rival that has fewer than symgrad."""
    return min(count.operations for count in better(row))


def failure(row: Row) -> str:
    """What is printed of a task for which a rival needs fewer operations."""
    counts = [
        f"{name} {outcome.count.operations} "
        f"(cost {weight(outcome.count.kinds)}, {outcome.count.settings})"
        for name, outcome in row.peers.items()
        if outcome.count
    ]
    mine = f"symgrad {row.ours.operations} (cost {weight(row.ours.kinds)})"
    text = f"{row.task.name}: {mine}, {', '.join(counts)}"
    if ":" in row.task.name:
        inputs = [sg.variables(name) for name in row.task.names]
        outputs = ", ".join(str(output) for output in row.task.function(sg.math, inputs))
        text += f"\n    {outputs[:SHOWN]}{' ...' * (len(outputs) > SHOWN)}"
    return text


def as_json(rows: Sequence[Row]) -> str:
    """All rows as JSON."""
    made = []
    for row in rows:
        peers = {name: asdict(outcome) for name, outcome in row.peers.items()}
        task = {"problem": row.task.name, "wanted": row.task.wanted, "goal": row.task.goal}
        made.append({**task, "symgrad": asdict(row.ours), "peers": peers})
    return json.dumps(made, indent=1)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 1 where a rival needs fewer operations and --never-worse is given."""
    parser = argparse.ArgumentParser(description="Operations of derivative programs.")
    parser.add_argument("--problems", nargs="+", help="only rows that contain one of these")
    parser.add_argument("--peers", nargs="*", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--ours", action="store_true", help="symgrad alone")
    parser.add_argument("--optimize", choices=("fast", "default", "max"), default="default")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds a peer has for a row")
    parser.add_argument("--cache", type=Path, default=KEPT, help="where peers' counts are kept")
    parser.add_argument("--json", type=Path, help="write all figures here")
    parser.add_argument("--never-worse", action="store_true")
    parser.add_argument("--random", type=int, default=200, help="how many random expressions")
    parser.add_argument("--no-cases", action="store_true", help="leave the acceptance cases out")
    given = parser.parse_args(arguments)
    keys = [task.name for task in TARGETS]
    if given.never_worse:
        keys += [] if given.no_cases else case_keys()
        keys += [f"random:{seed}" for seed in range(given.random)]
    if given.problems:
        keys = [key for key in keys if any(part.lower() in key.lower() for part in given.problems)]
    failed = 0
    with Workers(given.timeout, given.cache) as workers:
        if given.never_worse:
            rows, failed = never_worse(keys, given.optimize, workers)
        else:
            peers = [] if given.ours else given.peers
            rows = table(keys, peers, given.optimize, workers)
    if given.json:
        given.json.write_text(as_json(rows), encoding="utf-8")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
