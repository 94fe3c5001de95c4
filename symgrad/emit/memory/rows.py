"""Rows of points written past the cache straight from scratch columns, transposed in registers.

Rows that follow each other without a gap from a cache line on are a run of whole lines. Each line
takes the end of one register of a row and the beginning of the next one, or of the next row's
first. So blocks of points by columns are transposed, and one permutation of two registers makes a
line; its indices depend on the row alone. To gather the rows in memory first takes a store and a
load more for every line, and the lines go out in a burst while nothing is computed (30 columns: 7.2
ns a point, 5.9 this way, which is what the bare stores take).

Where rows begin inside of a line they are gathered: what tiles leave of lines costs more than that
(an arm's Jacobian: 37 ns in place of 23).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir

from symgrad.emit.llvm.cache_lines import CACHE_LINE, store_past_cache
from symgrad.emit.llvm.control import BYTE, INT64, POINTER, at, carried, counted
from symgrad.emit.llvm.instructions import SCALAR, broadcast
from symgrad.emit.llvm.transpose import pick, transpose
from symgrad.emit.target import ITEMSIZE, Dtype


def writes_rows(dtype: Dtype, lanes: int, columns: int) -> bool:
    """Whether rows of so many columns are written like this.

    Lines of 16 numbers take more registers than there are (bundle adjustment in float32: 8.1 ns a
    point in place of 6.9).
    """
    return dtype == "float64" and lanes * ITEMSIZE[dtype] == CACHE_LINE and columns >= lanes


class Rows:
    """What writes rows of as many columns as a cache line has elements, or more, from a line on.

    Args:
        builder: where to.
        dtype: of the elements.
        given: the arguments of a copy (``copies.py``).

    Attributes:
        whole: so many points are written, those that fill blocks.
    """

    def __init__(self, builder: ir.IRBuilder, dtype: Dtype, given: Sequence[Any]) -> None:
        self.builder = builder
        self.origin, self.size, _, self.scratch, self.pitch, self.columns, count, _ = given
        self.scalar, self.item = SCALAR[dtype], ITEMSIZE[dtype]
        self.side = CACHE_LINE // self.item
        self.vector = ir.VectorType(self.scalar, self.side)
        self.step, self.mask = _int(self.side), _int(self.side - 1)
        self.whole = builder.and_(count, _int(-self.side))
        # How many elements of the line in which a row of a block begins are of the row before.
        self.before: list[Any] = [_int(0)]
        for _ in range(self.side - 1):
            following = builder.add(self.before[-1], self.columns)
            self.before.append(builder.and_(following, self.mask))
        self.indices = [self._from(builder.sub(self.step, each)) for each in self.before]
        self.rest = builder.and_(self.columns, self.mask)
        self.blocks = builder.sub(self.columns, self.rest)

    def emit(self) -> None:
        """Emit a loop over blocks of points, each of which begins and ends with a line."""
        builder = self.builder
        with counted(builder, _int(0), self.whole, self.step) as point:
            rows = [self._line(builder.add(point, _int(i))) for i in range(self.side)]
            begins = self._block(point, _int(0))
            store_past_cache(builder, begins[0], rows[0])
            ends = self._along(point, begins, rows)
            for i in range(1, self.side):
                self._store(ends[i - 1], begins[i], i, rows[i])

    def _along(self, point: Any, begins: Sequence[Any], rows: Sequence[Any]) -> list[Any]:
        """Write the lines inside of the rows of a block; the last registers of the rows."""
        builder = self.builder
        ends = list(begins)
        with carried(builder, self.step, self.blocks, self.step, ends) as (first, earlier):
            made = self._block(point, first)
            for i, row in enumerate(rows):
                self._store(earlier[i], made[i], i, at(builder, row, first, self.scalar))
            ends[:] = made
        entry = builder.block
        with builder.if_then(builder.icmp_signed("!=", self.rest, _int(0))):
            over = builder.sub(self.step, self.rest)
            ends = self._block(point, builder.sub(self.columns, self.step))
            turn = self._from(over)
            for i, row in enumerate(rows):
                with builder.if_then(builder.icmp_signed(">=", self.before[i], over)):
                    value = pick(builder, ends[i], turn, ends[i])
                    self._store(earlier[i], value, i, at(builder, row, self.blocks, self.scalar))
            inside = builder.block
        made = []
        for whole, part in zip(earlier, ends, strict=True):
            phi = builder.phi(self.vector)
            phi.add_incoming(whole, entry)
            phi.add_incoming(part, inside)
            made.append(phi)
        return made

    def _from(self, number: Any) -> Any:
        """The numbers from one on, as many as a line has elements."""
        numbers = ir.VectorType(INT64, self.side)
        order = ir.Constant(numbers, list(range(self.side)))
        return self.builder.add(order, broadcast(self.builder, numbers, number))

    def _line(self, point: Any) -> Any:
        """The address of the line in which a point's row begins."""
        builder = self.builder
        place = builder.ptrtoint(self._row(point), INT64)
        return builder.inttoptr(builder.and_(place, _int(-CACHE_LINE)), POINTER)

    def _row(self, point: Any) -> Any:
        return at(self.builder, self.origin, self.builder.mul(point, self.size), BYTE)

    def _column(self, number: Any, point: Any) -> Any:
        column = at(self.builder, self.scratch, self.builder.mul(number, self.pitch), BYTE)
        return at(self.builder, column, point, self.scalar)

    def _block(self, point: Any, first: Any) -> list[Any]:
        """The rows of a block of columns from ``first`` on."""
        place, taken = self._column(first, point), []
        for _ in range(self.side):
            taken.append(self.builder.load(place, typ=self.vector, align=self.item))
            place = at(self.builder, place, self.pitch, BYTE)
        return transpose(self.builder, taken)

    def _store(self, before: Any, value: Any, row: int, place: Any) -> None:
        """Write the line that the end of one register makes up with the beginning of another."""
        made = pick(self.builder, before, self.indices[row], value)
        store_past_cache(self.builder, made, place)


def _int(value: int) -> ir.Constant:
    return ir.Constant(INT64, value)
