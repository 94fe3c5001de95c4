"""The ways to make all partials up to an order; none of them is the best on every problem.

Sweeps always apply. The others do not where a ``select`` is in the way: they cannot drop the
branch that is not taken, as the sweeps do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from symgrad.differentiate import elimination, jets, pushing, separable
from symgrad.differentiate.levels import Level, jacobian_by_rows, next_level
from symgrad.differentiate.mode import Mode, choose_mode
from symgrad.differentiate.plan import Policy
from symgrad.ir.graph import Graph

Strategy = Callable[[Graph, Sequence[int], Sequence[int], int, int], list[Level] | None]
"""(graph, outputs, wrt, order, budget) -> the levels of order 0 to ``order``; None where it does
not apply, or when it would append more than ``budget`` nodes."""


def sweeps(
    graph: Graph,
    outputs: Sequence[int],
    wrt: Sequence[int],
    order: int,
    budget: int,
    mode: Mode | None = None,
) -> list[Level] | None:
    """Forward or reverse for the first order, forward again for each order after it."""
    limit = len(graph) + budget
    levels: list[Level] = [{(): dict(enumerate(outputs))}]
    while len(levels) <= order:
        first = len(levels) == 1
        if first and (mode or choose_mode(graph, outputs, wrt)) == "reverse":
            levels.append(jacobian_by_rows(graph, outputs, wrt))
        else:
            levels.append(next_level(graph, levels[-1], wrt))
        if len(graph) > limit:
            return None
    return levels


def _eliminated(
    graph: Graph,
    outputs: Sequence[int],
    wrt: Sequence[int],
    order: int,
    budget: int,
    swept: int = 0,
    rule: elimination.Order = "markowitz",
) -> list[Level] | None:
    """Sweeps for the first ``swept`` orders, vertex elimination for those after them."""
    limit = len(graph) + budget
    if order <= swept:
        return None
    levels = sweeps(graph, outputs, wrt, swept, budget)
    while levels is not None and len(levels) <= order:
        level = elimination.next_level(graph, levels[-1], wrt, limit - len(graph), rule)
        if level is None:
            return None
        levels.append(level)
    return levels


def _pushed(
    graph: Graph,
    outputs: Sequence[int],
    wrt: Sequence[int],
    order: int,
    budget: int,
    rule: pushing.Order = "descending",
) -> list[Level] | None:
    """Edge pushing for the first two orders, vertex elimination for those after them."""
    limit = len(graph) + budget
    if order < 2:
        return None
    found = pushing.hessian(graph, outputs, wrt, budget, rule)
    if found is None:
        return None
    levels: list[Level] = [{(): dict(enumerate(outputs))}, *found]
    while len(levels) <= order:
        level = elimination.next_level(graph, levels[-1], wrt, limit - len(graph))
        if level is None:
            return None
        levels.append(level)
    return levels


STRATEGIES: Mapping[str, Strategy] = {
    "sweeps": sweeps,
    "forward": partial(sweeps, mode="forward"),
    "reverse": partial(sweeps, mode="reverse"),
    "elimination": _eliminated,
    "shrinking": partial(_eliminated, rule="shrinking"),
    "swept elimination": partial(_eliminated, swept=1),
    "pushing": _pushed,
    "pushing markowitz": partial(_pushed, rule="markowitz"),
    "pushing shrinking": partial(_pushed, rule="shrinking"),
    "jets": partial(jets.candidate, policy=Policy()),
    "scaled jets": partial(jets.candidate, policy=Policy(factorials=False)),
    "jets searched": jets.levels,
    "separable": separable.levels,
}
"""By name; "sweeps" takes the cheaper mode by its own estimate."""
