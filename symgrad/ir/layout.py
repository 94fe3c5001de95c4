"""Layout: how a kernel on the GPU meets its arrays, and the arguments that follow from it.

What a kernel takes, in this order, whichever engine made it:

- ``n``, the number of points, a 64-bit integer;
- of every argument group, in the Program's order: a number for each column where the group is
  passed by value; one address where all points share it; an address for each column where its
  columns are arrays of their own; else an address and, in elements, the step from one row to the
  next (points first) or from one column to the next (points last);
- of every result an address. Results have no gaps: (n, entries) points first, (entries, n) points
  last. Where points are summed it is the sums of blocks of points, (blocks, entries).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from symgrad.ir.program import PARAMETERS, Program

Points = Literal["first", "last"]

ArgumentKind = Literal["count", "value", "address", "step"]

MOST_VALUES = 256
"""Columns of a group that are passed as numbers at most: a launch takes 4 KB of arguments."""


MOST_ADDRESSES = 64
"""Columns of a group that are arrays of their own at most; of more there is a copy in one array."""


class Argument(NamedTuple):
    """One argument of a kernel.

    Attributes:
        kind: what it is: the number of points, a column's number, an address or a step.
        array: the group, or the number of groups plus the result, that it belongs to.
        column: the column of a number, or of an address where columns are arrays of their own.
    """

    kind: ArgumentKind
    array: int = -1
    column: int = 0


@dataclass(frozen=True, slots=True)
class Layout:
    """How the arrays of a batch lie in memory.

    Attributes:
        points: where the points stand in every array.
        values: names of groups that all points share and that are passed as numbers.
        shared: names of groups that all points share, passed by their address.
        accumulate: add to what the results hold.
        separate: names of groups whose columns are arrays of their own, without gaps.
    """

    points: Points = "last"
    values: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    accumulate: bool = False
    separate: tuple[str, ...] = ()


def kernel_arguments(program: Program, layout: Layout) -> Iterator[Argument]:
    """The arguments of a kernel in order."""
    yield Argument("count")
    for index, group in enumerate(program.groups):
        if group.name in layout.values:
            for column in range(len(group.columns)):
                yield Argument("value", index, column)
            continue
        if group.name in layout.separate:
            for column in range(len(group.columns)):
                yield Argument("address", index, column)
            continue
        yield Argument("address", index)
        if group.name not in layout.shared:
            yield Argument("step", index)
    for index in range(len(program.results)):
        yield Argument("address", len(program.groups) + index)


def ordinary_layout(batch_axis: int, parameters: int) -> Layout:
    """The layout of an ordinary call: so many parameters are numbers, if they are not too many."""
    values = (PARAMETERS,) if 0 < parameters <= MOST_VALUES else ()
    return Layout("first" if batch_axis == 0 else "last", values)
