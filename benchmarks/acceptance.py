"""Every open acceptance case through a compiled kernel: errors and compile times, family by family.

    python -m benchmarks.acceptance [family ...]

All results that have a reference are compiled into one kernel a case, third derivatives included.
An error is relative to the largest entry of the same array at the same point; 1e-9 is the gate.
Cases that name a function without a row are counted apart. The exit status is 1 where a case
fails. The cases stand in ``shared/cases`` beside the project; without them nothing is run.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from symgrad.errors import UnknownFunctionError
from tests.cases import AVAILABLE, FAMILIES, GATE, Case, compiled, load, scaled_errors

FINE = 1e-12


@dataclass
class Family:
    """The tally of one family."""

    name: str
    cases: int = 0
    arrays: int = 0
    worst: float = 0.0
    over_fine: int = 0
    seconds: float = 0.0
    slowest: tuple[float, str] = (0.0, "-")
    without_row: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def measure(self, case: Case) -> None:
        """Compile and evaluate one case, and count what came of it."""
        try:
            made, seconds = compiled(case, case.results)
        except UnknownFunctionError:
            self.without_row.append(case.id)
            return
        self.cases += 1
        self.seconds += seconds
        self.slowest = max(self.slowest, (seconds, case.id))
        for name in case.results:
            error = float(scaled_errors(made[name], case.references[name]).max())
            self.arrays += 1
            self.worst = max(self.worst, error)
            self.over_fine += error > FINE
            if not error <= GATE:
                self.failed.append(f"{case.id} {name}: {error:.1e}")


def run(families: Sequence[str]) -> list[Family]:
    """The tallies of the families."""
    made = []
    for name in families:
        family = Family(name)
        for case in load(name):
            family.measure(case)
        made.append(family)
    return made


def main(families: Sequence[str]) -> int:
    """Print the table; 1 where a case fails."""
    if not AVAILABLE:
        print("the folder shared/cases is not beside the project; nothing was run")
        return 0
    tallies = run(families or FAMILIES)
    print(
        f"{'family':<12}{'cases':>6}{'arrays':>8}{'worst':>10}{'>1e-12':>8}{'no row':>8}"
        f"{'compile s':>11}  slowest"
    )
    for one in tallies:
        slowest = f"{one.slowest[1]} {one.slowest[0]:.1f} s"
        print(
            f"{one.name:<12}{one.cases:>6}{one.arrays:>8}{one.worst:>10.1e}{one.over_fine:>8}"
            f"{len(one.without_row):>8}{one.seconds:>11.1f}  {slowest}"
        )
    for one in tallies:
        if one.without_row:
            print(f"{one.name}: a function has no row: {', '.join(one.without_row)}")
        for line in one.failed:
            print(f"{one.name}: FAILED {line}")
    return int(any(one.failed for one in tallies))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
