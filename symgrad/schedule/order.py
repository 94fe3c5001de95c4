"""Choose the order in which results are computed: the one that keeps the fewest values waiting.

Depth-first lowering computes what a result needs right before it, but which result comes first
decides how long shared values wait for their other users: the energy of a cluster computed before
its forces keeps every pair's intermediate values alive (197 at once for eight atoms, 112 after).
"""

from __future__ import annotations

from collections.abc import Sequence

from symgrad.ir.graph import Graph
from symgrad.ir.program import Group, Program
from symgrad.ir.system import Tensor
from symgrad.ir.traverse import reachable
from symgrad.schedule.lower import schedule

REGISTERS = 28
"""Values beyond this many are taken to wait in memory: 32 vector registers, a few for operands."""

MOST_VISITS = 2_000_000
"""Results are not ordered by what they need where finding that out takes more steps than this."""


def schedule_in_best_order(
    graph: Graph,
    tensors: Sequence[Tensor],
    groups: Sequence[Group],
    labels: Sequence[str] = (),
    given: Program | None = None,
) -> Program:
    """The Program of ``schedule`` in that order of results in which the fewest values wait.

    Tried are the given order, the reverse, and results that need the fewest values first; where
    the Program ``given`` in the given order is there already, it is taken.
    """
    roots = [node for tensor in tensors for node in tensor.nodes]
    entries = list(dict(zip(reversed(roots), range(len(roots) - 1, -1, -1), strict=True)).values())
    entries.sort()  # the first entry of each node
    orders = [entries[::-1]]
    first = given or schedule(graph, tensors, groups, labels)
    if waiting(first) == 0:
        return first
    if len(entries) * len(graph) <= MOST_VISITS:
        needed = {entry: len(reachable(graph, (roots[entry],))) for entry in entries}
        orders.append(sorted(entries, key=needed.__getitem__))
    others = [schedule(graph, tensors, groups, labels, order) for order in orders]
    return min((first, *others), key=waiting)


def waiting(program: Program) -> int:
    """How many values wait in memory, summed over the instructions of a program."""
    code = program.code
    last: dict[int, int] = {}
    for index, instruction in enumerate(code):
        for argument in instruction.args:
            last[argument] = index
    free = ("load", "constant", "boolean", "store")  # read from memory where they are used
    total = live = 0
    for index, instruction in enumerate(code):
        if index in last and instruction.op not in free:
            live += 1
        total += max(0, live - REGISTERS)
        for argument in set(instruction.args):
            if last[argument] == index and code[argument].op not in free:
                live -= 1
    return total
