"""Walks over a Graph: what is reachable, what depends on what. Index loops, no recursion."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from symgrad.ir.graph import Graph


def reachable(graph: Graph, roots: Iterable[int]) -> list[int]:
    """The nodes below and including ``roots``, in increasing order: an evaluation order."""
    args = graph.args
    wanted = set(roots)
    last = max(wanted, default=-1)
    needed = bytearray(last + 1)
    for root in wanted:
        needed[root] = True
    found = []
    for node in range(last, -1, -1):
        if needed[node]:
            found.append(node)
            for argument in args[node]:
                needed[argument] = True
    found.reverse()
    return found


def dependent(graph: Graph, nodes: Sequence[int], seeds: Iterable[int]) -> list[int]:
    """Those of ``nodes`` (increasing) that depend on a seed, the seeds themselves included."""
    args = graph.args
    active = set(seeds)
    found = []
    for node in nodes:
        if node in active:
            found.append(node)
        else:
            for argument in args[node]:
                if argument in active:
                    active.add(node)
                    found.append(node)
                    break
    return found


def users(graph: Graph, nodes: Sequence[int]) -> dict[int, list[int]]:
    """For each node the nodes among ``nodes`` that have it as an argument, increasing."""
    found: dict[int, list[int]] = {node: [] for node in nodes}
    for node in nodes:
        for argument in dict.fromkeys(graph.args[node]):
            found[argument].append(node)
    return found


def dependency_masks(graph: Graph, nodes: Sequence[int], seeds: Sequence[int]) -> dict[int, int]:
    """For each node a bit mask of the seeds that it depends on: bit k for ``seeds[k]``."""
    own = {seed: 1 << position for position, seed in enumerate(seeds)}
    masks: dict[int, int] = {}
    for node in nodes:
        mask = own.get(node, 0)
        for argument in graph.args[node]:
            mask |= masks[argument]
        masks[node] = mask
    return masks


def symbols(graph: Graph, roots: Iterable[int]) -> dict[str, int]:
    """The symbol nodes below ``roots`` by name, in order of appearance."""
    return {
        graph.data[node]: node for node in reachable(graph, roots) if graph.ops[node] == "symbol"
    }
