"""Interpreter: a Program over tiles of points in NumPy, where a kernel is compiled otherwise.

It is called like a loaded kernel and gives what that gives, up to the last bits of functions. Every
instruction is one call of NumPy a tile, into memory that is used again as soon as a value is not
needed any more. A call takes 0.3 us and 0.2 to 0.4 ns a point, so a gradient of 100,000 operations
takes 30 ms at one point and 0.5 ns an operation and point at many, eight times as long as its
kernel. But it is ready at once, and LLVM takes 0.2 ms an operation.

Every point goes through whole vector registers, the last one of a batch repeated to fill them: so
results have the same bits for any size of a batch and for any number of threads.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from symgrad.ir.evaluate import callback, compute, numpy_arithmetic
from symgrad.ir.primitive import Primitive
from symgrad.ir.program import CONDITION_OPS, Instruction, Program
from symgrad.runtime.arrays import Array

BLOCK = 4096
"""Points of a block of sums, as kernels have it (``emit/kernels/sums.py``)."""

LENGTHS = (16, 128)
"""Points of short tiles: the few of a small batch, and the rest of a large one."""

TILES = (2048, 1024, 512)
"""Points of the other tiles: the longest whose values take no more bytes than MEMORY, or the last.

The longer the less its calls cost. Memory that was written last is used again first, so most of it
is in a processor's own cache all the same (0.44 ns an operation and point with 2048 points and
2,700 values waiting, 0.95 ns with 512)."""

MEMORY = 64 * 1024 * 1024
"""Bytes of the values of a tile, for each thread."""

PAD = 64
"""Bytes between the values' rows: rows that are powers of two apart fall on the same cache lines"""

ARITHMETIC: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "neg": np.negative,
    "sqrt": np.sqrt,
}

NUMPY_ULP = 4.0
"""What NumPy's authors promise of their vector mathematics."""

PYTHON_ULP = {"erf": 2.0, "erfc": 6.0}
"""Bounds of the C library's functions that NumPy lacks, one point at a time."""


class Bound(NamedTuple):
    """Who computes a function in this tier, and the error bound in ulp."""

    function: str
    provider: str
    symbol: str
    ulp: float


class Tile:
    """The points that are evaluated at once.

    Attributes:
        rows: the values by their place, an array along the tile each; constants without an axis.
        count: how many points there are; beyond them the last one is repeated.
        whole: whether they fill the rows.
        given: for every argument group an array of shape (columns, count).
        results: for every result an array of shape (entries, count).
        sums: for every result the sums of its entries over a block.
    """

    def __init__(self, rows: list[Array]) -> None:
        self.rows = rows
        self.count = 0
        self.whole = True
        self.given: list[Array] = []
        self.results: list[Array] = []
        self.sums: list[list[float]] = []


class _Rows(threading.local):
    """The tiles of each thread, by their length."""

    def __init__(self) -> None:
        self.tiles: dict[int, Tile] = {}


Step = tuple[Callable[..., Any], Any, Any, Any]
"""A function and the places of its arguments and its value: two arguments; or one and None; or what
a function of the whole tile takes, and None last."""


class Plan(NamedTuple):
    """What is done with a tile.

    Attributes:
        steps: one after the other.
        constants: the first rows, without an axis.
        reals: how many rows of numbers follow.
        flags: how many rows of truth values come last, counted from the end: -1, -2, ...
        fixed: result, entries and their value, where that is the same for all points.
    """

    steps: list[Step]
    constants: list[Any]
    reals: int
    flags: int
    fixed: list[tuple[int, Array, Any]]


class Interpreter:
    """A Program that is called like its compiled kernel.

    Attributes:
        program: what is evaluated.
        block: points whose sums are a row of each result; 0 where every point has its own.
    """

    def __init__(
        self, program: Program, table: Mapping[str, Primitive], dtype: str, *, reduced: bool = False
    ) -> None:
        self.program = program
        self.table = table
        self.dtype = np.dtype(dtype)
        self.block = BLOCK if reduced else 0
        self._plan: Plan | None = None
        self._lock = threading.Lock()
        self._rows = _Rows()

    def __call__(self, start: int, stop: int, stream: int, scratch: Any, *arrays: Array) -> None:
        """Fill the results of the points from start to stop, as a kernel does.

        Args:
            start: the first point.
            stop: behind the last one.
            stream: not needed here.
            scratch: nor this.
            *arrays: (points, columns) of the argument groups, then (points, entries) of the
                results; where points are summed a row for each block.
        """
        plan = self._plan or self.prepare()
        groups = arrays[: len(self.program.groups)]
        results = arrays[len(groups) :]
        length = self._tile_length(plan)
        with np.errstate(all="ignore"):
            for first in range(start, stop, self.block or max(stop - start, 1)):
                last = min(first + self.block, stop) if self.block else stop
                sums = [[0.0] * result.size for result in self.program.results]
                for begin in range(first, last, length):
                    end = min(begin + length, last)
                    tile = self._tile(plan, end - begin, length)
                    tile.given = [group[begin:end].T for group in groups]
                    if self.block:
                        tile.sums = sums
                    else:
                        tile.results = [result[begin:end].T for result in results]
                    self._run(plan, tile)
                    tile.given = tile.results = []  # the caller's, which nothing is to keep
                if self.block:
                    for result, total in zip(results, sums, strict=True):
                        result[(first - start) // self.block] = total

    def prepare(self) -> Plan:
        """The steps, made when this is first called: that takes 3 us an operation."""
        with self._lock:
            if self._plan is None:
                with uncollected(), np.errstate(all="ignore"):
                    self._plan = _Planner(self.program, self.table, self.dtype, self.block).plan()
            return self._plan

    def release(self) -> None:
        """Give memory back; where the interpreter is called again, it is made anew."""
        self._plan, self._rows = None, _Rows()

    def bounds(self) -> dict[str, Bound]:
        """For every function that the program calls: who computes it, and the bound in ulp."""
        found = {}
        for op in self.program.counts:
            row = self.table.get(op)
            if row is None or row.kind not in ("call", "routine", "outside"):
                continue
            if row.kind == "call":
                known = op in PYTHON_ULP
                ulp = PYTHON_ULP.get(op, 0.0 if op == "fmod" else NUMPY_ULP)
                found[op] = Bound(op, "python" if known else "numpy", _symbol(op), ulp)
            elif row.kind == "routine":
                ulp = row.ulp if self.dtype == np.float64 else min(row.ulp, 1.0)
                found[op] = Bound(op, "symgrad", f"sg.routine.{op}", ulp)
            else:
                found[op] = Bound(op, "python", row.symbol, row.ulp)
        return found

    def _tile_length(self, plan: Plan) -> int:
        """Points of a tile: as many as keep its values in the cache."""
        point = plan.reals * self.dtype.itemsize + plan.flags
        return next((n for n in TILES if n * point <= MEMORY), TILES[-1])

    def _tile(self, plan: Plan, count: int, length: int) -> Tile:
        """This thread's rows for so many points."""
        length = next((short for short in LENGTHS if count <= short), length)
        tile = self._rows.tiles.get(length)
        if tile is None:
            reals = np.zeros((plan.reals, length + PAD // self.dtype.itemsize), self.dtype)
            flags = np.zeros((plan.flags, length + PAD), bool)
            rows = [*plan.constants, *reals[:, :length], *flags[::-1, :length]]
            tile = self._rows.tiles[length] = Tile(rows)
        tile.count, tile.whole = count, count == length
        return tile

    def _run(self, plan: Plan, tile: Tile) -> None:
        rows = tile.rows
        for function, first, second, place in plan.steps:
            if place is None:
                function(tile, first, second)
            elif second is None:
                function(rows[first], rows[place])
            else:
                function(rows[first], rows[second], rows[place])
        for number, entries, value in plan.fixed:
            if self.block:
                for entry in entries:
                    tile.sums[number][entry] += float(value) * tile.count
            else:
                tile.results[number][entries] = value


@contextmanager
def uncollected() -> Iterator[None]:
    """No collection of garbage: millions of small tuples without cycles take longer with it."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _symbol(op: str) -> str:
    function = numpy_arithmetic().functions[op]
    return f"numpy.{function.__name__}" if isinstance(function, np.ufunc) else f"math.{op}"


def _load(tile: Tile, source: tuple[int, int], place: int) -> None:
    """One column of an argument group; beyond the points the last one."""
    column, row = tile.given[source[0]][source[1]], tile.rows[place]
    if tile.whole or tile.count == 1:
        np.copyto(row, column)
    else:
        row[: tile.count] = column
        row[tile.count :] = column[-1]


def _store(tile: Tile, value: int, place: tuple[int, int]) -> None:
    """An entry of a result."""
    row = tile.rows[value]
    np.copyto(tile.results[place[0]][place[1]], row if tile.whole else row[: tile.count])


def _add(tile: Tile, value: int, place: tuple[int, int]) -> None:
    """The sum of an entry of a result, the points of a tile added in pairs."""
    total = np.add.reduce(tile.rows[value][: tile.count], dtype=np.float64)
    tile.sums[place[0]][place[1]] += float(total)


def _select(tile: Tile, args: tuple[int, int, int], place: int) -> None:
    rows = tile.rows
    condition, chosen, other = args
    np.copyto(rows[place], rows[other])
    np.copyto(rows[place], rows[chosen], where=rows[condition])


def _sign(tile: Tile, args: tuple[int], place: int) -> None:
    """The sign of a zero is that zero."""
    value, made = tile.rows[args[0]], tile.rows[place]
    np.sign(value, made)
    np.copysign(made, value, made)


def _called(function: Callable[..., Any]) -> Callable[[Tile, tuple[int, ...], int], None]:
    """A step that copies what a function of arrays gives."""

    def step(tile: Tile, args: tuple[int, ...], place: int) -> None:
        rows = tile.rows
        np.copyto(rows[place], function(*[rows[arg] for arg in args]))

    return step


def _in_double(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that gets doubles, whatever the program computes in."""
    return lambda *args: function(*[np.asarray(arg, np.float64) for arg in args])


def in_frugal_order(code: Sequence[Instruction]) -> Iterator[tuple[int, list[int]]]:
    """Every instruction that is no constant, and the values that nothing needs after it.

    What comes next in the Program is done next, but before it whatever frees as much memory as it
    takes: 2,700 values wait instead of 5,800 in the gradient of a cluster of 70 atoms, 960 instead
    of 60,000 in that of Rosenbrock's function of 30,000 inputs.
    """
    fixed = [op in ("constant", "boolean") for op, _, _ in code]
    needs: list[Sequence[int]] = []
    users: list[list[int]] = [[] for _ in code]
    for index, (_, args, _) in enumerate(code):
        needed: Sequence[int] = args
        twice = len(args) > 1 and (len(args) > 2 or args[0] == args[1])
        if twice or (args and (fixed[args[0]] or fixed[args[-1]])):
            needed = [arg for arg in dict.fromkeys(args) if not fixed[arg]]
        needs.append(needed)
        for arg in needed:
            users[arg].append(index)
    left = [len(found) for found in users]
    missing = [len(found) for found in needs]
    done = bytearray(fixed)
    for start in range(len(code)):
        waiting = [start]
        while waiting:
            index = waiting.pop()
            if done[index] or missing[index]:
                continue
            needed = needs[index]
            if index != start and code[index].op != "store":
                for arg in needed:
                    if left[arg] == 1:
                        break
                else:
                    continue
            done[index] = 1
            dead = []
            for arg in needed:
                left[arg] -= 1
                if left[arg] == 0:
                    dead.append(arg)
                elif left[arg] == 1:
                    for user in users[arg]:
                        if not done[user]:
                            if not missing[user]:
                                waiting.append(user)
                            break
            for user in users[index]:
                missing[user] -= 1
                if missing[user] == 0:
                    waiting.append(user)
            yield index, dead


class _Planner:
    """The steps of a Program and the places of its values."""

    def __init__(
        self, program: Program, table: Mapping[str, Primitive], dtype: np.dtype[Any], block: int
    ) -> None:
        self.program = program
        self.table = table
        self.dtype = dtype
        self.store = _add if block else _store
        self.arithmetic = numpy_arithmetic()
        self.routines = {routine.name: routine for routine in program.routines}
        self.functions: dict[str, tuple[Callable[..., Any], bool]] = {
            op: (ufunc, True) for op, ufunc in ARITHMETIC.items()
        }
        self.functions |= {"select": (_select, False), "sign": (_sign, False)}

    def plan(self) -> Plan:
        """The steps and the memory that they need."""
        code = self.program.code
        places: list[int] = [0] * len(code)
        constants = self._constants(places)
        truth = _truths(code)
        free: tuple[list[int], list[int]] = ([], [])
        first, reals, flags = len(constants), 0, 0
        steps: list[Step] = []
        for index, dead in in_frugal_order(code):
            op, args, data = code[index]
            if op == "store":
                if code[args[0]].op != "constant":
                    steps.append((self.store, places[args[0]], data, None))
                for value in dead:
                    free[truth[value]].append(places[value])
                continue
            function, overwrites = self._function(op) if args else (_load, False)
            if overwrites:
                for value in dead:
                    free[truth[value]].append(places[value])
            pool = free[truth[index]]
            if pool:
                place = pool.pop()
            elif truth[index]:
                flags += 1
                place = -flags
            else:
                place = first + reals
                reals += 1
            if not overwrites:
                for value in dead:
                    free[truth[value]].append(places[value])
            places[index] = place
            if not overwrites:
                given = tuple([places[arg] for arg in args]) or data
                steps.append((function, given, place, None))
            elif len(args) == 2:
                steps.append((function, places[args[0]], places[args[1]], place))
            else:
                steps.append((function, places[args[0]], None, place))
        return Plan(steps, constants, reals, flags, self._fixed())

    def _constants(self, places: list[int]) -> list[Any]:
        """The constants, which get the first places."""
        made: list[Any] = []
        for index, (op, _, data) in enumerate(self.program.code):
            if op in ("constant", "boolean"):
                places[index] = len(made)
                made.append(np.array(data, bool if op == "boolean" else self.dtype))
        return made

    def _fixed(self) -> list[tuple[int, Array, Any]]:
        """The entries of the results that are constants, those of equal value together."""
        code = self.program.code
        found: dict[tuple[int, int], list[int]] = {}
        for op, args, data in code:
            if op == "store" and code[args[0]].op == "constant":
                found.setdefault((data[0], args[0]), []).append(data[1])
        return [
            (number, np.array(entries), code[value].data)
            for (number, value), entries in found.items()
        ]

    def _function(self, op: str) -> tuple[Callable[..., Any], bool]:
        """What computes an operation; and whether it is a ufunc, which may overwrite arguments."""
        found = self.functions.get(op)
        if found is None:
            known = self.arithmetic.functions.get(op)
            if isinstance(known, np.ufunc):
                found = known, True
            else:
                found = _called(known or _in_double(self._row(self.table[op]))), False
            self.functions[op] = found
        return found

    def _row(self, row: Primitive) -> Callable[..., Any]:
        """A routine or a user's function on arrays of doubles."""
        if row.kind == "outside":
            return np.vectorize(callback(row), otypes=[float])
        arithmetic = replace(self.arithmetic, routine=lambda inner, _: self._row(inner))
        routine, table = self.routines[row.name], self.table
        return lambda *args: compute(routine, table, args, arithmetic)


def _truths(code: Sequence[Instruction]) -> bytearray:
    """Which values are conditions."""
    made = bytearray(len(code))
    for index, (op, args, _) in enumerate(code):
        if op in CONDITION_OPS or (op == "select" and made[args[1]]):
            made[index] = 1
    return made
