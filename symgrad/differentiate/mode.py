"""Forward or reverse: the cheaper sweep for a Jacobian, by counting products.

A forward sweep multiplies once per direction that reaches a non-constant edge, a reverse sweep
once per output that an edge reaches. Both counts are sums of set bits of dependency masks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from symgrad.ir.graph import Graph
from symgrad.ir.traverse import dependency_masks, reachable

Mode = Literal["forward", "reverse"]

MASK_BITS = 400_000_000
"""Masks beyond this many bits in all are not formed: the ratio of sizes decides instead."""


def choose_mode(graph: Graph, outputs: Sequence[int], wrt: Sequence[int]) -> Mode:
    """The cheaper mode for the Jacobian of ``outputs`` with respect to ``wrt``."""
    nodes = reachable(graph, outputs)
    if len(nodes) * (len(outputs) + len(wrt)) > MASK_BITS:
        return "reverse" if len(outputs) < len(wrt) else "forward"
    inputs_of = dependency_masks(graph, nodes, wrt)
    outputs_of = dict.fromkeys(nodes, 0)
    for position, output in enumerate(outputs):
        outputs_of[output] |= 1 << position
    forward = reverse = 0
    roots, leaves = set(outputs), set(wrt)
    for node in reversed(nodes):
        mask = outputs_of[node]
        nonlinear = graph.ops[node] not in ("sum", "select")
        for argument in graph.args[node]:
            outputs_of[argument] |= mask
            if nonlinear and inputs_of[argument]:
                forward += 0 if argument in leaves else inputs_of[argument].bit_count()
                reverse += mask.bit_count() - (node in roots)
    return "forward" if forward < reverse else "reverse"
