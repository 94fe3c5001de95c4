"""Level: all partials of one order, and the sweeps that make the next one.

A Level holds the distinct entries alone: partial derivatives commute, so positions in wrt never
increase within a multi-index; and entries that are exactly 0 are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from symgrad.differentiate import forward, reverse
from symgrad.differentiate.local import Partials
from symgrad.errors import LimitError
from symgrad.ir.graph import Graph
from symgrad.ir.traverse import dependent, reachable, users

Level = dict[tuple[int, ...], dict[int, int]]
"""All partials of one order: non-increasing multi-index -> output -> node, exact zeros left out."""

MAX_ENTRIES = 20_000_000
"""A derivative array with more entries for one point than this is refused."""


def jacobian_by_rows(graph: Graph, outputs: Sequence[int], wrt: Sequence[int]) -> Level:
    """The level of order 1 by one reverse sweep an output."""
    memo: Partials = {}
    one = graph.constant(1)
    column_of = {node: j for j, node in enumerate(wrt)}
    rows: dict[int, dict[int, int]] = {}
    for output in dict.fromkeys(outputs):
        cone = reachable(graph, (output,))
        # Only what this output depends on: all of wrt for each output would be quadratic.
        leaves = [node for node in cone if node in column_of]
        active = dependent(graph, cone, leaves)
        rows[output] = reverse.sweep(graph, active, {output: one}, leaves, memo)
    level: Level = {}
    for row, output in enumerate(outputs):
        for node, cotangent in rows[output].items():
            level.setdefault((column_of[node],), {})[row] = cotangent
    return level


def next_level(graph: Graph, level: Level, wrt: Sequence[int]) -> Level:
    """Differentiate every entry in the directions that keep its multi-index non-increasing."""
    memo: Partials = {}
    places: dict[int, list[tuple[tuple[int, ...], int]]] = {}
    for index, column in level.items():
        for row, node in column.items():
            places.setdefault(node, []).append((index, row))
    above = users(graph, reachable(graph, places))
    one = graph.constant(1)
    made: Level = {}
    entries = 0
    for j, node in enumerate(wrt):
        active = forward.active_nodes(above, (node,))
        wanted: dict[int, list[tuple[tuple[int, ...], int]]] = {}
        for target in active:
            if target in places:
                found = [place for place in places[target] if not place[0] or place[0][-1] >= j]
                if found:
                    wanted[target] = found
        if not wanted:
            continue
        if len(wanted) < len(places):
            active = _below(graph, active, wanted)
        tangents = forward.sweep(graph, active, {node: one}, memo)
        for target, found in wanted.items():
            if target in tangents:
                for index, row in found:
                    made.setdefault((*index, j), {})[row] = tangents[target]
                entries += len(found)
        if entries > MAX_ENTRIES:
            raise LimitError(
                f"the derivative has more than {MAX_ENTRIES} distinct entries for one point; ask "
                'for chosen partials ({"u_xx": (x, x)}) or for products ("jvp", "vjp", "hvp")'
            )
    return made


def _below(graph: Graph, active: Sequence[int], targets: Iterable[int]) -> list[int]:
    """Those of the ``active`` nodes (increasing) that a target needs."""
    needed = set(targets)
    found = []
    for node in reversed(active):
        if node in needed:
            found.append(node)
            needed.update(graph.args[node])
    return found[::-1]
