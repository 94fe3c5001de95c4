"""Pieces once more, which write results past the cache as soon as they have them.

The rows of the largest result are written so where all of them begin on a line, which the points
are aligned to. A few other rows may begin anywhere: their values are returned (``returned.py``).
To keep the last register of every row, begin they on a line or not, costs more than that gains:
bundle adjustment 15.6 ns in place of 13.6.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from llvmlite import ir

from symgrad.emit.llvm.cache_lines import CACHE_LINE
from symgrad.emit.llvm.control import INT64
from symgrad.emit.memory.array import RUN_COLUMNS, KernelArray
from symgrad.emit.memory.constants import constant_entries
from symgrad.emit.pieces.body import define_pieces, returned_entries
from symgrad.emit.pieces.returned import Entry, Returned
from symgrad.emit.pieces.steps import Steps, call_all
from symgrad.emit.target import Target
from symgrad.ir.program import DIRECTLY, Program

LOOSE_ROWS = 12
"""So many rows beside those of the largest result may begin anywhere in a line: until it is written
every one takes a register, and each is stored twice (the arms' coordinates beside their Jacobians:
25 ns in place of 31 for one of six joints, 33 in place of 41 for seven)."""


def loose_results(rows: Sequence[int]) -> frozenset[int]:
    """Which results may begin anywhere in a line: all but the largest, if they are few.

    Args:
        rows: how many each result has.

    Example:
        >>> loose_results([3, 9]), loose_results([13, 13])
        (frozenset({0}), frozenset())
    """
    others = frozenset(range(len(rows))) - {rows.index(max(rows))}
    return others if sum(rows[one] for one in others) <= LOOSE_ROWS else frozenset()


class Directly:
    """The pieces that write past the cache, and what a loop does to call them.

    Attributes:
        pieces: each returns the values of the loose results' entries; it stores the others.
    """

    def __init__(self, module: ir.Module, program: Program, target: Target) -> None:
        constants = constant_entries(program)
        rows = [result.size - len(n) for result, n in zip(program.results, constants, strict=True)]
        self.target = target
        self.rows = sum(rows)
        self.loose = loose_results(rows)
        self.entries = returned_entries(program, self.loose)
        self.pieces = define_pieces(module, program, target, past_cache=True, returned=self.loose)

    def decide(
        self, builder: ir.IRBuilder, stream: Any, results: Sequence[KernelArray], first: Any
    ) -> Any:
        """Whether tiles, of which one begins at ``first``, are written past the cache."""
        self.builder = builder
        entries = [*chain.from_iterable(self.entries)]
        self.returned = Returned(builder, self.target, results, entries, first)
        possible = builder.icmp_signed("==", stream, ir.Constant(INT64, DIRECTLY))
        possible = builder.and_(possible, self.returned.possible)
        for number, result in enumerate(results):
            if number in self.loose:
                continue
            fits = builder.and_(result.begins(first, CACHE_LINE), result.adjacent)
            if self.rows >= RUN_COLUMNS:
                fits = builder.and_(fits, builder.not_(result.paged()))
            possible = builder.and_(possible, fits)
        return possible

    def vector(self, wanted: Any, point: Any, arguments: Sequence[Any], steps: Steps) -> None:
        """Evaluate the vector at ``point`` of a tile.

        Args:
            wanted: whether the tile is written past the cache.
            point: its first one.
            arguments: of the pieces.
            steps: the pieces that store all results, for tiles that are not.
        """
        builder = self.builder
        begins = self.returned.begins(wanted, point)
        with builder.if_else(builder.and_(wanted, builder.not_(begins))) as (past, through):
            with past:
                self.returned.past(self._call(arguments), point)
            with through:
                call_all(builder, self.target, steps, arguments, self.target.width)
                with builder.if_then(begins):
                    self.returned.keep(point)

    def end(self, wanted: Any, count: Any) -> None:
        """Store what is left of a tile of so many points."""
        self.returned.end(wanted, count)

    def _call(self, arguments: Sequence[Any]) -> dict[Entry, Any]:
        """Call the pieces for a vector of points, and what they return."""
        found = {}
        for piece, entries in zip(self.pieces, self.entries, strict=True):
            values = self.builder.call(piece, arguments)
            for index, entry in enumerate(entries):
                found[entry] = self.builder.extract_value(values, index)
        return found
