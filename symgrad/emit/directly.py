"""Pieces once more, which write results past the cache as soon as they have them.

Past the cache go whole lines. The rows of the largest result are written so where all of them begin
on a line, which the points are aligned to. The others need not begin there: NumPy's arrays lie at
any multiple of 16 bytes, and the rows of one begin in as many ways as its number of points allows.
So a few rows may be shifted. Of each the vector before is kept, and a permutation picks a line out
of that and the next vector, by indices that are read from a table at the place which the address
says: coordinates on the globe with their Jacobian, the two arrays 16 bytes apart in their lines,
take 4.4 ns a point in place of 5.7, and 4.2 where both begin on one. Rows that are kept all the
time, begin they on a line or not, cost more than that gains: bundle adjustment 15.6 ns in place of
13.6.

A line in which other points lie too is never written whole: the first vector of a tile goes through
the cache, and so does what the last one leaves of a line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

from llvmlite import ir

from symgrad.emit.array import RUN_COLUMNS, KernelArray, offset
from symgrad.emit.body import define_pieces, returned_entries
from symgrad.emit.cache_lines import CACHE_LINE, store_past_cache
from symgrad.emit.constants import constant_entries
from symgrad.emit.control import FLAG, INT64
from symgrad.emit.instructions import SCALAR
from symgrad.emit.target import Target
from symgrad.emit.transpose import pick
from symgrad.ir.program import DIRECTLY, Program

LOOSE_ROWS = 8
"""So many rows may begin anywhere if there are no others: until it is written every one takes a
register, and each is stored twice (11 of Rosenbrock's function: 6.3 ns, 4.3 with 1 of them)."""

LOOSE_BESIDE = 12
"""So many may beside others (the arms' coordinates beside their Jacobians: 25 ns in place of 31 for
one of six joints, 33 in place of 41 for seven)."""

TABLE = "sg.indices"


def loose_results(rows: Sequence[int]) -> frozenset[int]:
    """Which results may begin anywhere in a line: all if they are few, or all but the largest.

    Args:
        rows: how many each result has.

    Example:
        >>> sorted(loose_results([1, 3])), sorted(loose_results([3, 9])), loose_results([13, 13])
        ([0, 1], [0], frozenset())
    """
    largest = rows.index(max(rows))
    everyone = frozenset(range(len(rows)))
    for loose, most in ((everyone, LOOSE_ROWS), (everyone - {largest}, LOOSE_BESIDE)):
        if sum(rows[one] for one in loose) <= most:
            return loose
    return frozenset()


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
        self.builder, self.results = builder, results
        self.aligned: Any = ir.Constant(FLAG, 1)
        possible = builder.icmp_signed("==", stream, ir.Constant(INT64, DIRECTLY))
        for number, result in enumerate(results):
            fits = result.begins(first, CACHE_LINE)
            if number in self.loose:
                self.aligned = builder.and_(self.aligned, fits)
                fits = result.begins(first, self.target.itemsize)
            elif self.rows >= RUN_COLUMNS:
                fits = builder.and_(fits, builder.not_(result.paged()))
            possible = builder.and_(possible, builder.and_(fits, result.adjacent))
        return possible

    def vector(
        self, wanted: Any, point: Any, arguments: Sequence[Any], otherwise: Callable[[], None]
    ) -> None:
        """Evaluate the vector at ``point`` of a tile.

        Args:
            wanted: whether the tile is written past the cache; else ``otherwise`` is done.
            point: its first one.
            arguments: of the pieces.
            otherwise: emits calls that store all results.
        """
        builder = self.builder
        first = builder.icmp_signed("==", point, ir.Constant(INT64, 0))
        begins = builder.and_(first, self._shifted(wanted))
        with builder.if_else(builder.and_(wanted, builder.not_(begins))) as (past, through):
            with past:
                self._call(arguments)
            with through:
                otherwise()
                with builder.if_then(begins):
                    last = ir.Constant(INT64, self.target.width - self.target.lanes)
                    self._move(last, inward=True)

    def end(self, wanted: Any, count: Any) -> None:
        """Store what is left of a tile of so many points."""
        builder = self.builder
        with builder.if_then(self._shifted(wanted)):
            self._move(builder.sub(count, ir.Constant(INT64, self.target.lanes)), inward=False)

    def _shifted(self, wanted: Any) -> Any:
        return self.builder.and_(wanted, self.builder.not_(self.aligned))

    def _call(self, arguments: Sequence[Any]) -> None:
        """Call the pieces for a vector of points, and store what they return."""
        builder = self.builder
        of_results = arguments[-2 * len(self.results) - 1 :]
        made = []
        for piece, entries in zip(self.pieces, self.entries, strict=True):
            values = builder.call(piece, arguments)
            for index, (number, position) in enumerate(entries):
                address, row = of_results[2 * number : 2 * number + 2]
                place = offset(builder, address, builder.mul(row, ir.Constant(INT64, position)))
                value = builder.extract_value(values, index)
                made.append((value, place, self._kept(number, position)))
        if not made:
            return
        with builder.if_else(self.aligned) as (aligned, shifted):
            with aligned:
                for value, place, _ in made:
                    store_past_cache(builder, value, place)
            with shifted:
                for value, place, kept in made:
                    store_shifted(builder, self.target, value, place, kept)

    def _move(self, point: Any, *, inward: bool) -> None:
        """Move the vectors from ``point`` on to where they are kept, or back."""
        builder, size = self.builder, self.target.itemsize
        line = ir.VectorType(SCALAR[self.target.dtype], self.target.lanes)
        for number, position in sorted(chain.from_iterable(self.entries)):
            result = self.results[number]
            outside = offset(builder, result.pointer, builder.mul(point, ir.Constant(INT64, size)))
            row = builder.mul(result.row, ir.Constant(INT64, position))
            places = [offset(builder, outside, row), self._kept(number, position)]
            source, sink = places if inward else reversed(places)
            builder.store(builder.load(source, typ=line, align=size), sink, align=size)

    def _kept(self, number: int, position: int) -> Any:
        """Where an entry's last vector is kept: nothing else is in the scratch columns then."""
        return offset(self.builder, self.results[number].scratch, position * CACHE_LINE)


def store_shifted(
    builder: ir.IRBuilder, target: Target, value: Any, address: Any, kept: Any
) -> None:
    """Store the whole lines that a value makes up with the vector before it.

    Args:
        builder: where to.
        target: its vectors are as long as cache lines.
        value: one vector or more of them.
        address: of the value's first element; a multiple of that's size.
        kept: address of the vector before, in whose place the value's last one is kept.
    """
    line = ir.VectorType(SCALAR[target.dtype], target.lanes)
    index = ir.IntType(8 * target.itemsize)
    picked = ir.VectorType(index, target.lanes)
    within = builder.and_(builder.ptrtoint(address, INT64), ir.Constant(INT64, CACHE_LINE - 1))
    back = builder.neg(within)
    # An index is as long as an element, so that as many bytes back in the table are as many fewer.
    indices = offset(builder, _table(builder.module, index, target.lanes), back)
    indices = builder.load(indices, typ=picked, align=target.itemsize)
    place = offset(builder, address, back)
    before = builder.load(kept, typ=line, align=CACHE_LINE)
    for start in range(0, target.width, target.lanes):
        lanes = ir.VectorType(ir.IntType(32), target.lanes)
        part = ir.Constant(lanes, list(range(start, start + target.lanes)))
        vector = builder.shuffle_vector(value, value, part)
        made = pick(builder, before, indices, vector)
        store_past_cache(builder, made, offset(builder, place, start * target.itemsize))
        before = vector
    builder.store(before, kept, align=CACHE_LINE)


def _table(module: ir.Module, index: ir.Type, lanes: int) -> Any:
    """The address of ``lanes`` in a table of the numbers below twice that."""
    kind = ir.ArrayType(index, 2 * lanes)
    table = module.globals.get(TABLE)
    if table is None:
        table = ir.GlobalVariable(module, kind, TABLE)
        table.linkage = "internal"
        table.global_constant = True
        table.initializer = ir.Constant(kind, [ir.Constant(index, i) for i in range(2 * lanes)])
    return table.gep([ir.Constant(INT64, 0), ir.Constant(INT64, lanes)])
