"""Short programs of few results: their piece takes vectors and returns vectors.

Around it the rows of points that follow each other without a gap (points first) are turned into
columns in registers, and back. Through scratch columns (``memory/copies.py``) that takes stores and
loads of their own, and three loops for every tile, each of which has to end before the next one
begins: x1^2 sin x2 with its gradient takes 1.04 ns a point that way, and 0.8 this way (points last
0.7).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from llvmlite import ir

from symgrad.emit.llvm.control import FLAG, INT64
from symgrad.emit.llvm.instructions import SCALAR, splat
from symgrad.emit.llvm.transpose import concatenated, join_points, split_points
from symgrad.emit.memory.array import KernelArray, offset
from symgrad.emit.memory.constants import constant_entries
from symgrad.emit.memory.copies import CLOSE, ask_ahead
from symgrad.emit.pieces.body import define_pieces, is_short, returned_entries
from symgrad.emit.pieces.returned import Entry, Returned
from symgrad.emit.pieces.steps import Steps, call_all
from symgrad.emit.sums.accumulate import register
from symgrad.emit.target import Target
from symgrad.ir.program import PARAMETERS, THROUGH, Program

FEW = 8
"""So many results at most: until they are written every one takes a register."""


def turns(program: Program) -> bool:
    """Whether a program is such a one."""
    return is_short(program) and sum(result.size for result in program.results) <= FEW


class Turned:
    """The pieces of such a program, and what a loop does to call them.

    Attributes:
        pieces: what a batch calls once, and the one that takes and returns vectors.
    """

    def __init__(self, module: ir.Module, program: Program, target: Target) -> None:
        self.target = target
        self.vector_type = ir.VectorType(SCALAR[target.dtype], target.width)
        self.given = [
            number
            for number, group in enumerate(program.groups)
            if group.name != PARAMETERS and len(group.columns) in (1, *CLOSE)
        ]
        everyone = frozenset(range(len(program.results)))
        self.pieces = define_pieces(
            module, program, target, returned=everyone, given=frozenset(self.given)
        )
        self.entries = returned_entries(program, everyone)[-1]
        self.constants: dict[Entry, Any] = {
            (number, position): splat(self.vector_type, value)
            for number, entries in enumerate(constant_entries(program))
            for position, value in entries.items()
        }

    def turn(
        self,
        builder: ir.IRBuilder,
        groups: Sequence[KernelArray],
        results: Sequence[KernelArray],
    ) -> Any:
        """Turn rows where all arrays are read and written where they are; whether they are."""
        self.builder, self.groups, self.results = builder, groups, results
        possible: Any = ir.Constant(FLAG, 1)
        for number, array in enumerate((*groups, *results)):
            there = builder.or_(array.adjacent, array.shared)
            taken = number in self.given or number >= len(groups)
            if taken and array.columns.count in CLOSE:
                there = builder.or_(there, array.close)
            possible = builder.and_(possible, there)
        for array in (*groups, *results):
            if array.columns.count in CLOSE:
                array.turned = builder.and_(possible, array.close)
        return possible

    def decide(
        self, builder: ir.IRBuilder, stream: Any, results: Sequence[KernelArray], first: Any
    ) -> Any:
        """Whether tiles, of which one begins at ``first``, are written past the cache."""
        entries = [*self.entries, *self.constants]
        self.returned = Returned(builder, self.target, results, entries, first)
        wanted = builder.icmp_signed("!=", stream, ir.Constant(INT64, THROUGH))
        return builder.and_(wanted, self.returned.possible)

    def vector(self, wanted: Any, point: Any, arguments: Sequence[Any], steps: Steps) -> None:
        """Evaluate the vector at ``point`` of a tile.

        Args:
            wanted: whether the tile is written past the cache.
            point: its first one.
            arguments: of the pieces.
            steps: the pieces.
        """
        builder = self.builder
        *before, (piece, _) = steps
        call_all(builder, self.target, before, arguments, self.target.width)
        made = builder.call(piece, [*arguments, *self._inputs(point)])
        values = {
            entry: builder.extract_value(made, index) for index, entry in enumerate(self.entries)
        }
        values = self._rows(values | self.constants)
        begins = self.returned.begins(wanted, point)
        with builder.if_else(builder.and_(wanted, builder.not_(begins))) as (lines, through):
            with lines:
                self.returned.past(values, point)
            with through:
                self.returned.through(values, point)
                with builder.if_then(begins):
                    self.returned.keep(point)

    def end(self, wanted: Any, count: Any) -> None:
        """Store what is left of a tile of so many points."""
        self.returned.end(wanted, count)

    def _inputs(self, point: Any) -> list[Any]:
        """The vectors of the groups that the piece takes as such."""
        made: list[Any] = []
        builder, item = self.builder, self.target.itemsize
        for number in self.given:
            group = self.groups[number]
            place, row = group.at(point)
            values = []
            for column in range(group.columns.count):
                there = offset(builder, place, builder.mul(row, ir.Constant(INT64, column)))
                values.append(builder.load(there, typ=self.vector_type, align=item))
            made += self._turned(group, values, place)
        return made

    def _rows(self, values: dict[Entry, Any]) -> dict[Entry, Any]:
        """Values as they lie in memory."""
        made: dict[Entry, Any] = {}
        for number, result in enumerate(self.results):
            entries = [(number, position) for position in range(result.columns.count)]
            turned = self._turned(result, [values[entry] for entry in entries])
            made |= dict(zip(entries, turned, strict=True))
        return made

    def _turned(self, array: KernelArray, values: Sequence[Any], rows: Any = None) -> Sequence[Any]:
        """Vectors of columns as memory has them where an array's rows are turned; or back.

        ``rows``: the address of memory from which they come.
        """
        builder = self.builder
        if isinstance(array.turned, ir.Constant):
            return values
        before = builder.block
        with builder.if_then(array.turning):
            inside = builder.block
            if rows is not None:
                ask_ahead(builder, rows, len(values) * self.target.width * self.target.itemsize)
            turned = self._regrouped(values, inward=rows is not None)
        made = []
        for value, other in zip(values, turned, strict=True):
            phi = builder.phi(self.vector_type)
            phi.add_incoming(value, before)
            phi.add_incoming(other, inside)
            made.append(phi)
        return made

    def _regrouped(self, values: Sequence[Any], *, inward: bool) -> list[Any]:
        """The same, as many points at a time as a register has lanes."""
        builder, target, count = self.builder, self.target, len(values)
        parts = target.width // target.lanes
        given = [register(builder, target, value, i) for value in values for i in range(parts)]
        if inward:
            made = [
                split_points(builder, given[first : first + count])
                for first in range(0, len(given), count)
            ]
            found = [*chain.from_iterable(zip(*made, strict=True))]
        else:
            made = [join_points(builder, given[part::parts]) for part in range(parts)]
            found = [*chain.from_iterable(made)]
        if parts == 1:
            return found
        return [concatenated(builder, *pair) for pair in zip(found[::2], found[1::2], strict=True)]
