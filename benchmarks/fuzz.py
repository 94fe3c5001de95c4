"""Random systems through every way to derive them: do all candidates of the search agree?

    python -m benchmarks.fuzz [--systems 1000] [--first 0] [--tries 12] [--every]

A system is differentiated in some forms of its primal by some strategies (``--every``: all of
them), regrouped by every order of passes and scheduled; the search itself is run as well, dense or
sparse. Each program must have the values of the plain forward sweep: at two points of the domain
and at points with inputs 0, 1, -1 or equal to each other, up to 1e-13 of the largest entry, in
mpmath wherever double precision leaves a doubt. No finite value may be lost where all that the
plain program computes on its way is finite. The forward sweep is checked against numerical
differences along a random direction. The exit status is 1 where anything fails, and the smallest
failures are printed with the part of an output that fails by itself.

Counted, but no failure: values lost where the plain program meets an infinity and gets over it,
entries that are exactly 0 by one strategy and only equal to 0 by another, and other values where a
condition changes (a row's partials there are conventions, and mixed ones depend on the order).
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import time
import traceback
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import permutations, product
from typing import Any

import mpmath
import numpy as np

from benchmarks.random_systems import Problem, random_problem, special_points
from symgrad.differentiate.strategies import STRATEGIES
from symgrad.differentiate.tensors import derive_by
from symgrad.errors import LimitError
from symgrad.functions import PRIMITIVES
from symgrad.ir.evaluate import evaluate_expr, mpmath_arithmetic, numpy_arithmetic, run
from symgrad.ir.expression import BOOLEAN, Expr, postorder
from symgrad.ir.graph import Graph
from symgrad.ir.program import CONDITION_OPS, Group, Instruction, Program, Result
from symgrad.ir.system import Request, System, Tensor
from symgrad.ir.verify import verify_graph, verify_program
from symgrad.options import Options
from symgrad.portfolio import PRIMALS, Primal, find_program
from symgrad.schedule.expand import expand
from symgrad.schedule.lower import schedule
from symgrad.simplify.regroup.optimise import ORDERS, PRIMAL, optimise
from symgrad.simplify.rewrite import simplify

DIGITS = 40

TOLERANCE = 1e-13
"""Relative to the largest entry: constants of a Program are rounded to doubles."""

IN_DOUBLES = 1e-8
"""Entries that agree so well in double precision, relative to themselves, are equal."""

SCALE = 0.1
"""An array whose entries are all smaller than this times those of the others is noise."""

BUDGET = 6_000
"""Nodes that a strategy may append."""

LARGEST = 1_500
"""Operations of the plain program; where it has more, a lower order is tried."""

SECONDS = 30
"""A candidate that takes longer hangs."""

STEPS = frozenset({"floor", "ceil", "trunc", "rint"})

NOTED = frozenset({"lost where singular", "wrong where a choice changes", "zeros"})
"""Findings that do not fail."""

Failure = tuple[str, Problem, str, str]
"""What kind it is, of which problem, on which way, and what happened."""


def system_of(problem: Problem) -> System:
    """The system in a new graph, simplified as it is before the search."""
    graph = Graph(PRIMITIVES)
    nodes = tuple(graph.add_all(problem.outputs))
    tensor = Tensor("value", (len(nodes),), nodes)
    graph, (value,) = simplify(graph, [tensor], "all")
    labels = tuple(f"f{i}" for i in range(len(nodes)))
    return System(graph, problem.inputs, problem.parameters, problem.wrt, value, labels)


def requests_of(problem: Problem) -> list[Request]:
    """The derivatives up to the problem's order."""
    return [Request(f"order {k}", "tensor", k) for k in range(problem.order + 1)]


def regrouped(system: System, primal: Primal) -> System:
    """The system with its primal in another form, in a graph of its own."""
    system.graph.flat = True
    graph, tensors = simplify(system.graph, [system.outputs], "all")
    graph, tensors = optimise(graph, tensors, PRIMAL[primal.passes])
    graph.flat = primal.flat
    graph, (value,) = simplify(graph, tensors, "all")
    return replace(system, graph=graph, outputs=value)


def derived_by(
    strategy: str, system: System, requests: Sequence[Request]
) -> tuple[Graph, list[Tensor]] | None:
    """Derivatives simplified, without composite functions; None where it does not apply."""
    try:
        made = derive_by(strategy, system, requests, budget=BUDGET)
    except LimitError:
        return None  # an exact constant that others need not make
    return None if made is None else expand(*simplify(system.graph, made, "all"))


def groups_of(problem: Problem) -> tuple[Group, ...]:
    """Inputs, and parameters where there are any."""
    groups = [Group("inputs", problem.inputs)]
    if problem.parameters:
        groups.append(Group("parameters", problem.parameters))
    return tuple(groups)


def in_doubles(program: Program, columns: Any, split: int) -> list[Any]:
    """The results at all points in double precision, an (entries, points) array each."""
    arrays = [list(columns[:split]), list(columns[split:])]
    with np.errstate(all="ignore"):
        results = run(program, PRIMITIVES, arrays, numpy_arithmetic())
    points = columns.shape[1:]
    return [
        np.array([np.broadcast_to(np.asarray(e, float), points) for e in r]).reshape(-1, *points)
        for r in results
    ]


def in_mpmath(program: Program, point: Sequence[float], split: int) -> list[list[Any]]:
    """The results at one point with many digits."""
    values = [mpmath.mpf(value) for value in point]
    return run(program, PRIMITIVES, [values[:split], values[split:]], mpmath_arithmetic())


def all_finite(program: Program, columns: Any, split: int) -> list[bool]:
    """At which points all values of a program are finite, those on the way included."""
    place: dict[int, int] = {}
    code: list[Instruction] = []
    for index, (op, args, data) in enumerate(program.code):
        if op != "store":
            place[index] = len(code)
            code.append(Instruction(op, tuple([place[a] for a in args]), data))
    numbers = [k for k, instruction in enumerate(code) if instruction.op not in CONDITION_OPS]
    stores = [Instruction("store", (k,), (0, n)) for n, k in enumerate(numbers)]
    result = Result("all", (len(numbers),))
    whole = replace(program, code=(*code, *stores), results=(result,))
    (values,) = in_doubles(whole, columns, split)
    return [bool(fine) for fine in np.isfinite(values).all(axis=0)]


@dataclass
class Reference:
    """The plain program of a problem, and its values.

    Attributes:
        problem: its order is one for which the program is small enough.
        program: by the forward sweep, nothing regrouped.
        points: two of the domain, and special ones.
        columns: the points as one array, a column of points for each input and parameter.
        doubles: the results in double precision.
        smooth: at which points everything on the way is finite.
        exact: point -> results in mpmath, as far as they have been needed.
    """

    problem: Problem
    program: Program
    points: list[tuple[float, ...]]
    columns: Any
    doubles: list[Any]
    smooth: list[bool]
    exact: dict[int, list[list[Any]]] = field(default_factory=dict)

    def at(self, k: int) -> list[list[Any]]:
        """The results at point k in mpmath."""
        if k not in self.exact:
            self.exact[k] = in_mpmath(self.program, self.points[k], len(self.problem.inputs))
        return self.exact[k]

    def differences(
        self, program: Program, places: Sequence[Sequence[int]] | None = None
    ) -> Iterator[tuple[str, str]]:
        """(kind, text) for what another program has different.

        ``places`` says for each result which of its entries, or -1 for an exact 0, stands at each
        place of the dense array.
        """
        split = len(self.problem.inputs)
        got = in_doubles(program, self.columns, split)
        if places is not None:
            zero = np.zeros((1, len(self.points)))
            got = [np.concatenate([r, zero])[list(w)] for r, w in zip(got, places, strict=True)]
        doubtful: set[int] = set()
        for one, other in zip(got, self.doubles, strict=True):
            with np.errstate(all="ignore"):
                fine = np.abs(one - other) <= IN_DOUBLES * np.abs(other)
            fine |= (one == other) | (np.isnan(one) & np.isnan(other))
            doubtful.update(np.nonzero(~fine.all(axis=0))[0].tolist())
        for k in sorted(doubtful):
            made = in_mpmath(program, self.points[k], split)
            if places is not None:
                made = [
                    [[*result, mpmath.mpf(0)][place] for place in where]
                    for result, where in zip(made, places, strict=True)
                ]
            regular = k < len(self.problem.points)
            lost, worst = distance(made, self.at(k))
            if lost:
                kind = "lost" if regular or self.smooth[k] else "lost where singular"
                yield kind, f"a finite value is lost at {self.points[k]}"
            elif worst > TOLERANCE and (regular or self.smooth[k]):
                chosen = "select" in self.program.counts and not regular
                kind = "wrong where a choice changes" if chosen else "wrong"
                yield kind, f"{float(worst):.1e} of the largest entry at {self.points[k]}"


def distance(made: list[list[Any]], expected: list[list[Any]]) -> tuple[bool, Any]:
    """Whether a finite value is lost, and the largest difference relative to the largest entry."""
    worst = mpmath.mpf(0)
    scales = [max([abs(v) for v in other if mpmath.isfinite(v)], default=0) for other in expected]
    floor = max([mpmath.mpf(0), *scales]) * SCALE
    for one, other, scale in zip(made, expected, scales, strict=True):
        for a, b in zip(one, other, strict=True):
            if mpmath.isfinite(b):
                if not mpmath.isfinite(a):
                    return True, worst
                if a != b:
                    worst = max(worst, abs(a - b) / (max(scale, floor) or 1))
    return False, worst


def reference_of(problem: Problem) -> Reference | None:
    """The plain program; None where it is too large."""
    system = system_of(problem)
    verify_graph(system.graph)
    requests, groups = requests_of(problem), groups_of(problem)
    derived = derived_by("forward", system, requests)
    if derived is None:
        return None
    program = schedule(*derived, groups, system.labels)
    if program.total > LARGEST:
        return None
    points = [*problem.points, *special_points(problem)]
    columns, split = np.array(points).T, len(problem.inputs)
    doubles = in_doubles(program, columns, split)
    return Reference(
        problem, program, points, columns, doubles, all_finite(program, columns, split)
    )


def against_differences(reference: Reference) -> str | None:
    """What is wrong with the plain program, by derivatives along a direction.

    d^k/dt^k f(x + t v) is the k-fold contraction of the derivative array with v.
    """
    problem = reference.problem
    rng = random.Random(problem.seed)
    direction = {name: mpmath.mpf(rng.uniform(-1, 1)) for name in problem.wrt}
    arithmetic = mpmath_arithmetic()
    point = dict(zip(problem.names, map(mpmath.mpf, problem.points[0]), strict=True))
    n = len(problem.wrt)
    for row, expr in enumerate(problem.outputs):

        def along(t: Any, expr: Expr = expr) -> Any:
            moved = {name: v + t * direction.get(name, 0) for name, v in point.items()}
            return evaluate_expr(expr, moved, PRIMITIVES, arithmetic)

        for order, result in enumerate(reference.at(0)):
            expected = mpmath.diff(along, 0, order) if order else along(mpmath.mpf(0))
            terms = [mpmath.mpf(0)]
            for k, index in enumerate(product(range(n), repeat=order)):
                weight = mpmath.fprod(direction[problem.wrt[j]] for j in index)
                terms.append(weight * result[row * n**order + k])
            got, largest = sum(terms), max(1, *map(abs, terms))
            if not abs(got - expected) <= 1e-12 * largest:
                return f"output {row}, order {order}: {float(got)}, not {float(expected)}"
    return None


@dataclass
class Tally:
    """What was tried and what came of it."""

    systems: int = 0
    programs: int = 0
    distinct: int = 0
    skipped: int = 0
    digest: int = 0
    applied: Counter[str] = field(default_factory=Counter)
    found: list[Failure] = field(default_factory=list)

    @property
    def failures(self) -> list[Failure]:
        """The findings that are failures, those of short outputs first."""
        failing = [one for one in self.found if one[0] not in NOTED]
        return sorted(failing, key=lambda one: len(str(one[1].outputs)))

    def summary(self) -> str:
        """One line."""
        kinds = Counter(kind for kind, *_ in {(kind, p.seed) for kind, p, *_ in self.found})
        counts = ", ".join(f"{kind} in {n}" for kind, n in sorted(kinds.items())) or "nothing"
        return (
            f"{self.systems} systems ({self.skipped} more were too large), {self.programs} "
            f"programs ({self.distinct} distinct, digest {self.digest:08x}); found: {counts}"
        )


@contextmanager
def deadline(seconds: int) -> Iterator[None]:
    """Raise TimeoutError in what takes longer, where the system has alarms."""

    def late(*_: object) -> None:
        raise TimeoutError(f"it takes more than {seconds} s")

    if not hasattr(signal, "SIGALRM"):
        yield
        return
    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@dataclass
class Trial:
    """One problem on all the ways that are tried."""

    reference: Reference
    tally: Tally
    forms: dict[int, System] = field(default_factory=dict)
    zeros: dict[int, set[tuple[int, int]]] = field(default_factory=dict)
    seen: set[tuple[Instruction, ...]] = field(default_factory=set)

    def note(self, kind: str, way: str, text: str) -> None:
        """Keep a finding."""
        self.tally.found.append((kind, self.reference.problem, way, text))

    def compare(
        self, program: Program, way: str, places: Sequence[Sequence[int]] | None = None
    ) -> None:
        """Compare a program that has not been seen yet."""
        self.tally.programs += 1
        if places is None and program.code in self.seen:
            return
        self.seen.add(program.code)
        self.tally.distinct += 1
        self.tally.digest = zlib.crc32(program.to_json().encode(), self.tally.digest)
        verify_program(program)
        for kind, text in self.reference.differences(program, places):
            self.note(kind, way, text)

    def candidate(self, form: int, name: str) -> None:
        """The programs of one form of the primal by one strategy."""
        problem = self.reference.problem
        primal = PRIMALS[form]
        way = f"{primal.passes}{' flat' if primal.flat else ''}, {name}"
        if form not in self.forms:
            system = system_of(problem)
            self.forms[form] = regrouped(system, primal) if form else system
        system = self.forms[form]
        derived = derived_by(name, system, requests_of(problem))
        if derived is None:
            return
        graph, tensors = derived
        self.tally.applied[name] += 1
        verify_graph(system.graph)
        verify_graph(graph)
        zeros = {
            (k, place)
            for k, tensor in enumerate(tensors)
            for place, node in enumerate(tensor.nodes)
            if graph.is_zero(node)
        }
        odd = zeros ^ self.zeros.setdefault(form, zeros)
        if odd and not any(isinstance(n.value, float) for n in postorder(problem.outputs)):
            self.note("zeros", way, f"{len(odd)} entries are exactly 0 by some strategies alone")
        for passes, order in (("none", None), *ORDERS.items()):
            made = derived if order is None else optimise(graph, tensors, order)
            program = schedule(*made, groups_of(problem), system.labels)
            self.compare(program, f"{way}, {passes}")

    def search(self, *, sparse: bool) -> None:
        """The program that a user gets."""
        problem = self.reference.problem
        system = system_of(problem)
        found = find_program(
            system, requests_of(problem), Options(sparse=sparse), groups_of(problem), system.labels
        )
        places = [_places(tensor) for tensor in found[1]] if sparse else None
        self.compare(found[2], f"search{', sparse' if sparse else ''}", places)

    def attempt(self, way: str, step: Any) -> None:
        """Run a step; what it raises is a finding."""
        try:
            with deadline(SECONDS):
                step()
        except Exception:
            lines = [line.strip() for line in traceback.format_exc().splitlines()]
            self.note("crash", way, " | ".join(lines[-7:]))


def _places(tensor: Tensor) -> list[int]:
    """Where the entries of a dense array stand among those of a sparse one; -1 for exact zeros."""
    if tensor.pattern is None:
        return list(range(len(tensor.nodes)))
    shape, symmetric = tensor.pattern.shape, tensor.pattern.symmetric
    place = np.full(shape, -1)
    for k, index in enumerate(tensor.pattern.indices):
        fixed = index[: len(index) - symmetric]
        for turned in permutations(index[len(index) - symmetric :]):
            place[(*fixed, *turned)] = k
    return [int(k) for k in place.ravel()]


def check(problem: Problem, tally: Tally, tries: int) -> None:
    """Compare the programs of one problem with the plain one; tries = 0 tries every way."""
    reference = reference_of(problem)
    while reference is None and problem.order:
        problem = replace(problem, order=problem.order - 1)
        reference = reference_of(problem)
    if reference is None:
        tally.skipped += 1
        return
    tally.systems += 1
    trial = Trial(reference, tally, seen={reference.program.code})
    if not any(node.op in STEPS for node in postorder(problem.outputs)):
        wrong = against_differences(reference)
        if wrong:
            trial.note("wrong", "plain", wrong)
    ways = [(form, name) for form in range(len(PRIMALS)) for name in STRATEGIES]
    if tries:
        ways = sorted(random.Random(problem.seed).sample(ways, tries))
    for form, name in ways:
        trial.attempt(
            f"form {form}, {name}", lambda form=form, name=name: trial.candidate(form, name)
        )
    trial.attempt("search", lambda: trial.search(sparse=problem.seed % 2 == 1))


def smallest(failure: Failure, tries: int) -> Problem:
    """The innermost part of an output that fails in the same manner by itself."""
    kind, problem, _, _ = failure
    for part in postorder(problem.outputs):
        if part.args and part.op not in BOOLEAN:
            tally = Tally()
            check(replace(problem, outputs=(part,)), tally, tries)
            for found, alone, _, _ in tally.failures:
                if found == kind:
                    return alone
    return problem


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--systems", type=int, default=1000, help="how many (%(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (%(default)s)")
    parser.add_argument("--tries", type=int, default=12, help="ways a system (%(default)s)")
    parser.add_argument("--every", action="store_true", help="all ways of every system")
    parser.add_argument("--show", type=int, default=5, help="failures to print (%(default)s)")
    options = parser.parse_args(arguments)
    tries = 0 if options.every else options.tries
    tally = Tally()
    start = time.perf_counter()
    with mpmath.workdps(DIGITS):
        for seed in range(options.first, options.first + options.systems):
            check(random_problem(seed), tally, tries)
        print(f"{tally.summary()}; {time.perf_counter() - start:.0f} s")
        failing = {
            (kind, problem.seed): (kind, problem, way, text)
            for kind, problem, way, text in reversed(tally.failures)
        }
        for failure in list(failing.values())[::-1][: options.show]:
            kind, problem, way, text = failure
            print(f"{kind}: seed {problem.seed}, order {problem.order}, {way}: {text}")
            part = smallest(failure, tries)
            print(f"    order {part.order} by {', '.join(part.wrt)} of {part.outputs}")
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
