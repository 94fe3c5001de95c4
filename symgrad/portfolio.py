"""The search for the cheapest program: one system derived in several ways, compared by cost.

No strategy of differentiation is the best on every problem, nor is one form of the primal or one
order of the regrouping passes; which one wins cannot be told beforehand. So a few are tried and
the Program of least weighted cost is kept. How many is a matter of the size alone, never of time
that has passed: the same system always gives the same program. The search is meant to take less
time than the compilation that follows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any, NamedTuple

from symgrad.differentiate.levels import Level
from symgrad.differentiate.strategies import STRATEGIES
from symgrad.differentiate.tensors import UNLIMITED, derive_by, highest_order, stored
from symgrad.errors import LimitError
from symgrad.functions import PRIMITIVES
from symgrad.ir.graph import Graph, node_key
from symgrad.ir.primitive import Primitive
from symgrad.ir.program import UNCOUNTED, WEIGHTS, Group, Program
from symgrad.ir.system import Request, System, Tensor
from symgrad.ir.traverse import reachable
from symgrad.options import Optimize, Options
from symgrad.schedule.expand import expand
from symgrad.schedule.lower import schedule
from symgrad.schedule.order import in_best_order
from symgrad.schedule.shared import parameters_first
from symgrad.simplify.digits.scales import meet_scales
from symgrad.simplify.exponentials import (
    CANCELLING,
    makes_exponentials,
    relate_exponentials,
    unfold_squares,
)
from symgrad.simplify.regroup.network import Network
from symgrad.simplify.regroup.optimise import ORDERS, PRIMAL, Pass, optimise, prepare, regroup
from symgrad.simplify.rewrite import simplify
from symgrad.simplify.rules import LEVELS


@dataclass(frozen=True, slots=True)
class Primal:
    """A form of the system before it is differentiated.

    Attributes:
        passes: a key of ``simplify.optimise.PRIMAL``: how its sums and products are regrouped.
        flat: whether products are flattened (``Graph.flat``).
    """

    passes: str
    flat: bool


PRIMALS = (
    Primal("as written", False),
    Primal("as written", True),
    Primal("factored", True),
    Primal("shared", True),
    Primal("shared", False),
    Primal("factored", False),
)
"""The forms, the more promising first."""

PRIMALS_WITH_FIRST = tuple([PRIMALS[form] for form in (4, 2, 0, 3, 1, 5)])
"""The forms of a system with its first derivatives, the more promising first."""

FIRST_ORDER = ("sweeps", "elimination")
SECOND_ORDER = (
    "pushing",
    "pushing markowitz",
    "jets",
    "sweeps",
    "separable",
    "swept elimination",
    "pushing shrinking",
)
SECOND_ORDER_LARGE = ("pushing", "pushing markowitz", "sweeps")
HIGH_ORDER = ("jets", "sweeps", "separable", "scaled jets", "pushing", "elimination")

ABOVE_FIRST = ("elimination", "jets", "sweeps")
"""What is tried where two orders or more follow first derivatives that are there."""

LARGE_PRIMAL = 250
"""For the Hessian of a graph of more nodes than this fewer strategies are tried."""

ROUNDS = ((0, 0), (0, 1), (0, 2), (0, 3), (1, 2), (1, 1), (1, 0), (0, 5), (0, 4), (2, 1), (2, 0))
"""(strategy by its rank on the first form of the primal, form): what is tried after another."""


class Effort(NamedTuple):
    """What a search may go through.

    Attributes:
        nodes: so many nodes of candidates,
        each: and so many for each node of the smallest candidate,
        largest: but no second candidate where the smallest has more nodes than this;
        attempts: how many candidates may be regrouped and scheduled;
        close: the other orders of passes are for candidates of up to so many times the least cost.
    """

    nodes: float
    each: float
    largest: int
    attempts: int
    close: float


EFFORT: Mapping[Optimize, Effort] = {
    "fast": Effort(0, 0, 0, 1, 1),
    "default": Effort(1_500, 3.2, 2_500, 9, 1.02),
    "max": Effort(50_000, 100, 30_000, 120, inf),
}

SPELLED = {"cuda": frozenset({"exp_minus_square", "exp_minus_square_slope", "sech"})}
"""The routines that are written out for a target: of these only the CPU has code of its own, and
in float32 a routine computes in doubles, which takes GPUs long."""

DERIVING = 0.35
"""The share of a candidate's time that goes into deriving it; the rest is regrouping."""

PATIENT, PATIENCE = 500, 2
"""On graphs of more nodes than this, forms are given up after so many that brought nothing, and
the other orders of passes are tried on the best candidate alone."""

RESERVE, RESERVED_ATTEMPTS = 0.25, 2
"""What is kept of the allowance for the other orders of passes on the best candidates."""


class Source(NamedTuple):
    """What is differentiated.

    Attributes:
        system: the system.
        first: its first derivatives, where those of higher order are to be made of them.
    """

    system: System
    first: Level | None = None


Found = tuple[Graph, list[Tensor], Program]

Cost = tuple[float, int]
"""Weighted and counted operations of a program."""


@dataclass(frozen=True, slots=True)
class Derived:
    """A candidate before it is regrouped.

    Attributes:
        cost: about what its graph costs as it is.
        graph: simplified, without composite functions.
        tensors: the results in it.
    """

    cost: float
    graph: Graph
    tensors: list[Tensor]


def identity(graph: Graph, tensors: Sequence[Tensor], numbers: dict[Any, int]) -> tuple[int, ...]:
    """The results by what they are, whatever the order of nodes, terms and factors.

    Args:
        graph: holds the nodes.
        tensors: the results.
        numbers: what nodes are made of -> a number, the same for all graphs that are compared.
    """
    ops, below, held = graph.ops, graph.args, graph.data
    made: dict[int, int] = {}
    known = made.__getitem__
    roots = [node for tensor in tensors for node in tensor.nodes]
    for node in reachable(graph, roots):
        op, data = ops[node], held[node]
        key: Any
        if op == "product":
            key = op, frozenset(zip(map(known, below[node]), data, strict=True))
        elif op == "sum":
            start, sizes = data
            if type(start) is float or float in map(type, sizes):
                start, *sizes = [node_key("constant", number) for number in (start, *sizes)]
            key = op, start, frozenset(zip(map(known, below[node]), sizes, strict=True))
        else:
            key = op, node_key(op, data), tuple(map(known, below[node]))
        made[node] = numbers.setdefault(key, len(numbers))
    return tuple(map(known, roots))


class Work:
    """How much of the search's allowance is left."""

    def __init__(self, effort: Optimize) -> None:
        self.effort = EFFORT[effort]
        self.spent = 0.0
        self.attempts = 0
        self.size = 0

    def add(self, derived: Derived, share: float, attempts: int = 0) -> None:
        """Note that a candidate went through ``share`` of the pipeline."""
        self.size = min(self.size or len(derived.graph), len(derived.graph))
        self.spent += share * len(derived.graph)
        self.attempts += attempts

    @property
    def single(self) -> bool:
        """Whether there is no second candidate, however little the first one took."""
        return self.size > self.effort.largest

    def allows(self, share: float, reserve: float = RESERVE) -> bool:
        """Whether another candidate may go through ``share`` of the pipeline."""
        effort = self.effort
        left = effort.attempts - self.attempts - (RESERVED_ATTEMPTS if reserve else 0)
        if left <= 0 or self.single:
            return False
        nodes = effort.nodes + effort.each * self.size
        return self.spent + share * self.size <= nodes * (1 - reserve)


def find_program(
    system: System,
    requests: Sequence[Request],
    options: Options,
    groups: Sequence[Group],
    labels: Sequence[str],
) -> Found:
    """The graph, results and Program that compute ``requests`` at the least cost found."""
    if options.optimize == "fast" or system.graph.exact:
        derived = _derive(_source(system, requests, options), requests, options, "sweeps")
        assert derived is not None  # sweeps always apply
        graph, tensors = derived.graph, derived.tensors
        return graph, tensors, _finished(schedule(graph, tensors, groups, labels))
    work = Work(options.optimize)
    first, *others = ORDERS.values()
    best: Found | None = None
    least: tuple[float, float] = (inf, inf)
    costs: list[Cost] = []
    different: list[tuple[Cost, int, Derived, Network]] = []
    known: dict[tuple[int, ...], Cost] = {}
    numbers: dict[Any, int] = {}

    def attempt(derived: Derived, network: Network, passes: Sequence[Pass]) -> None:
        nonlocal best, least
        start = network if work.single else network.copy()
        graph, tensors = regroup(start, derived.tensors, passes)
        made = () if work.single else identity(graph, tensors, numbers)
        if made not in known:
            program = schedule(graph, tensors, groups, labels)
            cost = known[made] = weighted(program, graph.table), program.total
            different.append((cost, len(costs), derived, network))
            if cost < least:
                best, least = (graph, tensors, program), cost
        costs.append(known[made])
        work.add(derived, 1 - DERIVING, attempts=1)

    for derived in _candidates(system, requests, options, work):
        if not costs or work.allows(1 - DERIVING):
            attempt(derived, prepare(derived.graph, derived.tensors), first)
        if work.size > PATIENT and len(costs) - costs.index(min(costs)) > PATIENCE:
            break
    ranking = sorted(different, key=lambda entry: entry[:2])
    for cost, _, derived, network in ranking[:1] if work.size > PATIENT else ranking:
        if cost[0] > work.effort.close * least[0]:
            break
        for passes in others:
            if work.allows(1 - DERIVING, reserve=0):
                attempt(derived, network, passes)
    assert best is not None
    graph, tensors, program = best
    return graph, tensors, _finished(program)


def _finished(program: Program) -> Program:
    """The Program in the order in which it is emitted."""
    return parameters_first(in_best_order(program))


def _candidates(
    system: System, requests: Sequence[Request], options: Options, work: Work
) -> Iterator[Derived]:
    """Candidates, the more promising first, none twice."""
    source = _source(system, requests, options)
    primals = PRIMALS if source.first is None else PRIMALS_WITH_FIRST
    regrouped: dict[str, tuple[Graph, list[Tensor]]] = {}
    forms = {0: source if source.first is None else _form(source, primals[0], options, regrouped)}
    seen: set[tuple[int, ...]] = set()
    known: set[int] = set()  # derived candidates, by id
    unnamed: list[Derived] = []
    numbers: dict[Any, int] = {}
    names = _strategies(source, requests, options)
    ranked: list[tuple[float, int]] = []
    made: dict[tuple[str, int], Derived | None] = {}
    alike: dict[tuple[Any, ...], Derived] = {}
    contents: dict[tuple[Any, ...], int] = {_content(forms[0]): 0}
    twins: dict[int, int] = {}  # form -> the first one that is the same
    for rank, name in enumerate(names):
        if ranked and not work.allows(DERIVING):
            break
        budget = 3 * work.size + 1_000 if ranked else UNLIMITED
        derived = made[name, 0] = _derive(forms[0], requests, options, name, budget, alike)
        if derived is not None:
            work.add(derived, DERIVING)
            ranked.append((derived.cost, rank))
    finalists = [names[rank] for _, rank in sorted(ranked)]
    everything = [(s, f) for s in range(len(finalists)) for f in range(len(PRIMALS))]
    for place, form in dict.fromkeys([*ROUNDS, *everything]):
        if place >= len(finalists):
            continue
        name = finalists[place]
        if (name, form) not in made:
            if not work.allows(1):
                continue
            if form not in forms:
                forms[form] = _form(source, primals[form], options, regrouped)
                twins[form] = contents.setdefault(_content(forms[form]), form)
            if (name, twins[form]) in made:
                derived = made[name, twins[form]]
            else:
                budget = 3 * work.size + 1_000
                derived = _derive(forms[form], requests, options, name, budget, alike)
            if derived is not None:
                work.add(derived, DERIVING)
            made[name, form] = derived
        derived = made[name, form]
        if derived is not None and id(derived) not in known:
            known.add(id(derived))
            if not seen and not unnamed:
                unnamed.append(derived)  # compared with the second, if there is one
                yield derived
                continue
            seen.update([identity(one.graph, one.tensors, numbers) for one in unnamed])
            unnamed.clear()
            found = identity(derived.graph, derived.tensors, numbers)
            if found not in seen:
                seen.add(found)
                yield derived


def _source(system: System, requests: Sequence[Request], options: Options) -> Source:
    """The system, with first derivatives where much of them cancels that would be derived again."""
    if highest_order(requests) < 2 or not _may_round(options):
        return Source(system)
    if makes_exponentials(system.graph) < 2:
        return Source(system)
    graph, (value,) = simplify(system.graph, [system.outputs], options.rewrites)
    wrt = [graph.symbol(name) for name in system.wrt]
    levels = STRATEGIES["sweeps"](graph, value.nodes, wrt, 1, UNLIMITED)
    assert levels is not None  # sweeps always apply
    (made,), cancelled = relate_exponentials(graph, [_as_tensor(levels[1])])
    if not cancelled:
        return Source(system)
    first = _as_level(levels[1], made)
    kept = {j: {row: n for row, n in c.items() if not graph.is_zero(n)} for j, c in first.items()}
    return Source(replace(system, graph=graph, outputs=value), kept)


def _as_tensor(level: Level) -> Tensor:
    nodes = tuple([node for column in level.values() for node in column.values()])
    return Tensor("level", (len(nodes),), nodes)


def _as_level(like: Level, tensor: Tensor) -> Level:
    """The nodes of ``_as_tensor(like)``, made anew, by index and output again."""
    nodes = iter(tensor.nodes)
    return {index: {row: next(nodes) for row in column} for index, column in like.items()}


def _may_round(options: Options) -> bool:
    return "rounding" in LEVELS[options.rewrites]


def _strategies(source: Source, requests: Sequence[Request], options: Options) -> tuple[str, ...]:
    """Names of strategies for the highest order that is wanted."""
    system, first = source
    order = highest_order(requests) - (first is not None)
    if order == 0:
        return ("sweeps",)
    if first is not None and order > 1:
        return ABOVE_FIRST
    second = SECOND_ORDER if len(system.graph) <= LARGE_PRIMAL else SECOND_ORDER_LARGE
    names = FIRST_ORDER if order == 1 else second if order == 2 else HIGH_ORDER
    return tuple(dict.fromkeys([*names, *STRATEGIES])) if options.optimize == "max" else names


def _form(
    source: Source,
    primal: Primal,
    options: Options,
    regrouped: dict[str, tuple[Graph, list[Tensor]]],
) -> Source:
    """The system with its primal regrouped, in a graph of its own.

    Args:
        source: the system.
        primal: the form.
        options: which rules are allowed.
        regrouped: what was regrouped for other forms of the source, by the passes; it is added to.
    """
    system, first = source
    if not regrouped:
        wanted = [system.outputs, _as_tensor(first or {})]
        regrouped["as written"] = simplify(system.graph, wanted, options.rewrites, flat=True)
    if primal.passes not in regrouped:
        regrouped[primal.passes] = optimise(*regrouped["as written"], PRIMAL[primal.passes])
    graph, (value, made) = simplify(*regrouped[primal.passes], options.rewrites, flat=primal.flat)
    system = replace(system, graph=graph, outputs=value)
    return Source(system, None if first is None else _as_level(first, made))


def _content(source: Source) -> tuple[Any, ...]:
    """The same for sources of which the same derivatives come."""
    graph = source.system.graph
    data = [node_key(op, data) for op, data in zip(graph.ops, graph.data, strict=True)]
    wanted = source.system.outputs.nodes, _as_tensor(source.first or {}).nodes
    return graph.flat, *wanted, tuple(graph.ops), tuple(graph.args), tuple(data)


def _derive(
    source: Source,
    requests: Sequence[Request],
    options: Options,
    strategy: str,
    budget: int = UNLIMITED,
    alike: dict[tuple[Any, ...], Derived] | None = None,
) -> Derived | None:
    """Differentiate and simplify; None where the strategy does not apply.

    ``alike`` holds what other strategies made, by their derivatives; it is added to.
    """
    system, first = source
    try:
        derived = derive_by(
            strategy, system, requests, sparse=options.sparse, budget=budget, first=first
        )
    except LimitError:
        if budget == UNLIMITED:
            raise
        return None  # an exact constant that others need not make
    if derived is None:
        return None
    alike = {} if alike is None else alike
    key = id(system.graph), *derived
    if key not in alike:
        alike[key] = _simplified(source, derived, options)
    return alike[key]


def _simplified(source: Source, derived: list[Tensor], options: Options) -> Derived:
    """The candidate of some derivatives."""
    system, first = source
    if _may_round(options):
        derived = unfold_squares(system.graph, derived)
    graph, tensors = simplify(system.graph, derived, options.rewrites, derived=True)
    graph, tensors = expand(graph, tensors, SPELLED.get(options.target, frozenset()))
    if _may_round(options):
        share = CANCELLING if first is None else 1  # what has cancelled once does so again
        tensors, _ = relate_exponentials(graph, tensors, share)
        tensors = meet_scales(graph, tensors, options.dtype)
    tensors = [stored(graph, t, d.pattern) for t, d in zip(tensors, derived, strict=True)]
    return Derived(estimate(graph, tensors), graph, tensors)


def estimate(graph: Graph, tensors: Sequence[Tensor]) -> float:
    """About the weighted cost of a graph, without scheduling it."""
    cost = 0.0
    for node in reachable(graph, [node for tensor in tensors for node in tensor.nodes]):
        op, data = graph.ops[node], graph.data[node]
        if op == "sum":
            start, coefficients = data
            cost += len(coefficients) - (type(start) is int and start == 0)
            cost += sum([c != 1 and c != -1 for c in coefficients])
        elif op == "product":
            cost += len(data) - 1
            for exponent in data:
                if exponent != 1:
                    top = abs(exponent.numerator)
                    cost += top.bit_length() + top.bit_count() - 2
                    cost += WEIGHTS["div"] if exponent < 0 else 0
                    cost += WEIGHTS["sqrt"] if exponent.denominator > 1 else 0
        elif graph.args[node]:
            cost += graph.table[op].cost
    return cost


def weighted(program: Program, table: Mapping[str, Primitive] = PRIMITIVES) -> int:
    """The weighted cost of a program whose functions are rows of ``table``."""
    return sum(
        (WEIGHTS.get(op) or table[op].cost) * count
        for op, count in program.counts.items()
        if op not in UNCOUNTED
    )
