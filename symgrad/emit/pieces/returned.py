"""Results that pieces return: they are stored around the pieces, as memory wants them.

Past the cache go whole lines. NumPy's arrays lie at any multiple of 16 bytes, and the rows of one
begin in as many ways as its number of points allows. So what does not begin on a line is shifted:
of every column the register before is kept, and a permutation picks a line out of that and the next
one, by indices that are read from a table at the place which the address says: coordinates on the
globe with their Jacobian, the two arrays 16 bytes apart in their lines, take 4.4 ns a point in
place of 5.7, and 4.2 where both begin on one.

A line in which other points lie too is never written whole: the first vector of a tile goes through
the cache, and so does what the last one leaves of a line.

Rows that follow each other without a gap are put together in registers (``turned.py``). Then they
are columns that lie one behind the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llvmlite import ir

from symgrad.emit.llvm.cache_lines import CACHE_LINE, store_past_cache
from symgrad.emit.llvm.control import FLAG, INT64, lanes_of
from symgrad.emit.llvm.instructions import SCALAR
from symgrad.emit.llvm.transpose import pick
from symgrad.emit.memory.array import KernelArray, offset
from symgrad.emit.target import Target

TABLE = "sg.indices"

Entry = tuple[int, int]
"""A result and a position in it."""


class Returned:
    """What stores such results.

    Args:
        builder: where to.
        target: its registers are as long as cache lines.
        results: all of the kernel's.
        entries: those that are returned.
        first: a point at which a tile begins.

    Attributes:
        possible: whether they can be written past the cache.
    """

    def __init__(
        self,
        builder: ir.IRBuilder,
        target: Target,
        results: Sequence[KernelArray],
        entries: Sequence[Entry],
        first: Any,
    ) -> None:
        self.builder, self.target, self.results = builder, target, results
        self.entries = sorted(entries)
        self.aligned: Any = ir.Constant(FLAG, 1)
        self.possible: Any = ir.Constant(FLAG, 1)
        for number in sorted({number for number, _ in entries}):
            result = results[number]
            fits = builder.or_(result.adjacent, result.turned)
            fits = builder.and_(fits, result.begins(first, target.itemsize))
            self.possible = builder.and_(self.possible, fits)
            self.aligned = builder.and_(self.aligned, result.begins(first, CACHE_LINE))

    def begins(self, wanted: Any, point: Any) -> Any:
        """Whether the vector at ``point`` of a tile that is written past the cache goes through.

        ``keep`` is called behind it then.
        """
        first = self.builder.icmp_signed("==", point, ir.Constant(INT64, 0))
        return self.builder.and_(first, self._shifted(wanted))

    def keep(self, point: Any) -> None:
        """Keep the last registers of the vector at ``point``, which is in memory already."""
        for entry in self.entries:
            self._move(self._kept(entry), self._last(entry, point))

    def end(self, wanted: Any, count: Any) -> None:
        """Store what is left of a tile of so many points."""
        builder = self.builder
        with builder.if_then(self._shifted(wanted)):
            point = builder.sub(count, ir.Constant(INT64, self.target.width))
            for entry in self.entries:
                self._move(self._last(entry, point), self._kept(entry))

    def past(self, values: Mapping[Entry, Any], point: Any) -> None:
        """Store the values of the vector at ``point`` past the cache."""
        if not values:
            return
        builder = self.builder
        with builder.if_else(self.aligned) as (aligned, shifted):
            with aligned:
                for entry, value in values.items():
                    store_past_cache(builder, value, self._place(entry, point))
            with shifted:
                for entry, value in values.items():
                    place, kept = self._place(entry, point), self._kept(entry)
                    before = builder.load(self._before(entry), typ=self._register, align=CACHE_LINE)
                    last = store_shifted(builder, self.target, value, place, before)
                    builder.store(last, kept, align=CACHE_LINE)

    def through(self, values: Mapping[Entry, Any], point: Any) -> None:
        """Store them through the cache."""
        for entry, value in values.items():
            place = self._place(entry, point)
            self.builder.store(value, place, align=self.target.itemsize)

    @property
    def _register(self) -> Any:
        return ir.VectorType(SCALAR[self.target.dtype], self.target.lanes)

    def _shifted(self, wanted: Any) -> Any:
        return self.builder.and_(wanted, self.builder.not_(self.aligned))

    def _place(self, entry: Entry, point: Any) -> Any:
        number, position = entry
        place, row = self.results[number].at(point)
        return offset(self.builder, place, self.builder.mul(row, ir.Constant(INT64, position)))

    def _last(self, entry: Entry, point: Any) -> Any:
        """Where the last register of a vector is."""
        size = (self.target.width - self.target.lanes) * self.target.itemsize
        return offset(self.builder, self._place(entry, point), size)

    def _kept(self, entry: Entry) -> Any:
        """Where an entry's last register is kept: nothing else is in scratch columns then."""
        number, position = entry
        return offset(self.builder, self.results[number].scratch, position * CACHE_LINE)

    def _before(self, entry: Entry) -> Any:
        """Where the register is kept that is before an entry's next one in memory."""
        number, position = entry
        result, own = self.results[number], self._kept(entry)
        if isinstance(result.turned, ir.Constant):
            return own
        other = self._kept((number, (position - 1) % result.columns.count))
        return self.builder.select(result.turned, other, own)

    def _move(self, sink: Any, source: Any) -> None:
        size = self.target.itemsize
        value = self.builder.load(source, typ=self._register, align=size)
        self.builder.store(value, sink, align=size)


def store_shifted(
    builder: ir.IRBuilder, target: Target, value: Any, address: Any, before: Any
) -> Any:
    """Store the whole lines that a value makes up with the register before it.

    Args:
        builder: where to.
        target: its registers are as long as cache lines.
        value: one register or more of them.
        address: of the value's first element; a multiple of that's size.
        before: the register before.

    Returns:
        The value's last register.
    """
    index = ir.IntType(8 * target.itemsize)
    picked = ir.VectorType(index, target.lanes)
    within = builder.and_(builder.ptrtoint(address, INT64), ir.Constant(INT64, CACHE_LINE - 1))
    back = builder.neg(within)
    # An index is as long as an element, so that as many bytes back in the table are as many fewer.
    indices = offset(builder, _table(builder.module, index, target.lanes), back)
    indices = builder.load(indices, typ=picked, align=target.itemsize)
    place = offset(builder, address, back)
    for start in range(0, target.width, target.lanes):
        vector = builder.shuffle_vector(value, value, lanes_of(range(start, start + target.lanes)))
        made = pick(builder, before, indices, vector)
        store_past_cache(builder, made, offset(builder, place, start * target.itemsize))
        before = vector
    return before


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
