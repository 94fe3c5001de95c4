"""CPU time of differentiation, passes, search and compilation; see `benchmarks.derivation`."""

from __future__ import annotations

import gc
import math
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import symgrad as sg
from benchmarks.counting.counts import recipe
from benchmarks.problems import lennard_jones, rosenbrock
from benchmarks.scale import gradient_recipe
from benchmarks.targets import Task, atoms
from symgrad import api, portfolio, signatures
from symgrad.differentiate.tensors import derive, derive_by
from symgrad.emit.kernels.kernel import cpu_target, emit_kernel
from symgrad.emit.providers.provider import prepare
from symgrad.ir.graph import Graph
from symgrad.ir.recipe import Recipe
from symgrad.ir.system import Request, System, Tensor
from symgrad.ir.traverse import reachable
from symgrad.options import Options
from symgrad.simplify.regroup.network import Network
from symgrad.simplify.regroup.optimise import ORDERS, optimise, regroup
from symgrad.tiers import load_kernel

REPEATS, SEARCHES, ENOUGH = 5, 3, 5.0

Figures = dict[str, Any]


class SlowError(Exception):
    """More CPU time went by than was allowed."""


@dataclass(frozen=True, slots=True)
class Winner:
    """The candidate that won a search.

    Attributes:
        strategy: how it was differentiated.
        source: what was differentiated, as it was before.
        requests: what was wanted.
        graph: simplified derivatives, before the passes.
        tensors: the results in it.
    """

    strategy: str
    source: portfolio.Source
    requests: tuple[Request, ...]
    graph: Graph
    tensors: list[Tensor]


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise SlowError once the process has used that much more CPU time, where signals exist."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return
    last = time.process_time() + seconds

    def look(*_: object) -> None:
        if time.process_time() > last:
            raise SlowError(f"> {seconds:g} s")

    before = signal.signal(signal.SIGALRM, look)
    # A timer of CPU time would make Linux count that of the process in ticks of 4 ms.
    signal.setitimer(signal.ITIMER_REAL, *[min(1.0, seconds)] * 2)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What ``work`` returns, and its CPU seconds."""
    start = time.process_time()
    result = work()
    return result, time.process_time() - start


def best(prepare_one: Callable[[], Callable[[], Any]]) -> tuple[Any, float]:
    """A result and the least CPU seconds of REPEATS runs, each prepared anew, without gc."""
    enabled, least = gc.isenabled(), math.inf
    gc.disable()
    try:
        for _ in range(REPEATS):
            result, seconds = timed(prepare_one())
            least = min(least, seconds)
    finally:
        if enabled:
            gc.enable()
    return result, least


def clone(graph: Graph) -> Graph:
    """The same graph, node by node."""
    made = Graph(graph.table, exact=graph.exact, flat=graph.flat)
    for op, args, data in zip(graph.ops, graph.args, graph.data, strict=True):
        made.intern(op, args, data)
    return made


def winner(made: Recipe, options: Options) -> Winner:
    """Search once, noting where each candidate comes from."""
    fresh: dict[int, tuple[System, portfolio.Source]] = {}
    derived: dict[int, tuple[Graph, Winner]] = {}
    optimised: dict[int, tuple[Graph, Graph]] = {}
    make = portfolio._derive

    def note_candidate(
        source: portfolio.Source,
        requests: Sequence[Request],
        chosen: Options,
        strategy: str,
        *rest: Any,
    ) -> portfolio.Derived | None:
        system, first = source
        if id(system) not in fresh:
            copied = replace(system, graph=clone(system.graph))
            fresh[id(system)] = system, portfolio.Source(copied, first)
        before = fresh[id(system)][1]
        found = make(source, requests, chosen, strategy, *rest)
        if found is not None:
            copy = clone(found.graph)
            entry = Winner(strategy, before, tuple(requests), copy, found.tensors)
            derived[id(found.graph)] = found.graph, entry
        return found

    def note_passes(network: Network, *rest: Any) -> tuple[Graph, list[Tensor]]:
        result = regroup(network, *rest)
        optimised[id(result[0])] = result[0], network.graph
        return result

    with (
        mock.patch.object(portfolio, "_derive", note_candidate),
        mock.patch.object(portfolio, "regroup", note_passes),
    ):
        graph, _, _ = api.derive_program(made, options, signatures.argument_groups(made))
    return derived[id(optimised[id(graph)][1])][1]


def measure_time(task: Task) -> Figures:
    """Differentiation by the strategy that won, and the passes after it."""
    won = winner(recipe(task, Options()), Options())

    def differentiate() -> Callable[[], Graph]:
        before, first = won.source
        system = replace(before, graph=clone(before.graph))

        def work() -> Graph:
            derive_by(won.strategy, system, won.requests, first=first)
            return system.graph

        return work

    graph, deriving = best(differentiate)
    passes = next(iter(ORDERS.values()))

    def regroup() -> Callable[[], Any]:
        copy = clone(won.graph)
        return lambda: optimise(copy, won.tensors, passes)

    _, regrouping = best(regroup)
    new = len(graph) - len(won.source.system.graph)
    nodes = len(reachable(won.graph, [node for t in won.tensors for node in t.nodes]))
    return {
        "strategy": won.strategy,
        "new": new,
        "derive": deriving * 1e6 / max(new, 1),
        "nodes": nodes,
        "passes": regrouping * 1e6 / nodes,
    }


def measure_search(task: Task) -> Figures:
    """The whole search, and the compilation of what it found."""
    options = Options()
    made = recipe(task, options)
    groups = signatures.argument_groups(made)
    searches: list[float] = []
    compilations: list[float] = []
    while len(searches) < SEARCHES and sum(searches + compilations) < ENOUGH:
        (_, _, program), seconds = timed(lambda: api.derive_program(made, options, groups))
        searches.append(seconds)
        # Another label makes another kernel, so that the one in memory is not found again.
        labels = (*program.labels[1:], f"run {len(searches)}")
        named = replace(program, labels=labels)

        def build(program: Any = named) -> None:
            kernel = emit_kernel(program, cpu_target(program, "float64", "high"))
            load_kernel(kernel, prepare, use_cache=False)

        compilations.append(timed(build)[1])
    search, compilation = min(searches), min(compilations)
    return {
        "operations": program.total,
        "search": search,
        "compile": compilation,
        "ratio": search / compilation,
    }


def sympy_seconds(count: int, limit: float) -> float:
    """CPU seconds of `diff` by every input and `cse`, of a cluster of ``count`` atoms; or inf."""
    import sympy

    task = Task("", *atoms(count, lennard_jones), "gradient")
    inputs = sympy.symbols(task.names, real=True)
    [energy] = task.function(sympy, inputs)
    try:
        with limited(limit):
            return timed(lambda: sympy.cse([sympy.diff(energy, x) for x in inputs]))[1]
    except SlowError:
        return math.inf


def measure_sympy(count: int, limit: float) -> Figures:
    """From an expression in memory to derivatives: ours, traced and from SymPy, and SymPy's own."""
    import sympy

    task = Task("", *atoms(count, lennard_jones), "gradient")
    forms = {"traced": sg.math, "from sympy": sympy}
    figures: Figures = {}
    for name, module in forms.items():
        symbols = sympy.symbols(task.names, real=True)
        inputs = symbols if module is sympy else [sg.variables(n) for n in task.names]
        outputs = task.function(module, inputs)

        def whole(outputs: Any = outputs, inputs: Any = inputs) -> None:
            made = api.make_recipe(
                api.parse(outputs, inputs), [Request("gradient", "tensor", 1)], Options()
            )
            api.derive_program(made, Options(), signatures.argument_groups(made))

        figures[name] = min(timed(whole)[1] for _ in range(SEARCHES))
    call = f"from benchmarks.derivation_times import *; print(sympy_seconds({count}, {limit}))"
    made = subprocess.run(
        [sys.executable, "-c", call],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
        timeout=4 * limit + 60,  # of the clock, should the machine be busy
    )
    figures["sympy"] = float(made.stdout)
    return figures


def measure_big(inputs: int) -> Figures:
    """Rosenbrock's function of many inputs: differentiated alone, and all the way to a program."""
    made = gradient_recipe(rosenbrock(inputs), inputs, ("gradient",))
    system = api.read_system(made)
    _, seconds = timed(lambda: derive(system, made.requests))
    groups = signatures.argument_groups(made)
    program, whole = timed(lambda: api.derive_program(made, Options(), groups)[2])
    return {
        "nodes": len(system.graph),
        "differentiate": seconds,
        "operations": program.total,
        "whole": whole,
    }
