"""The errors of one row in one format: kernels beside exact values, and what a unit is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import lru_cache
from multiprocessing import get_context
from typing import Any, NamedTuple

import numpy as np

import symgrad as sg
from benchmarks.function_limits import special_values
from benchmarks.function_ranges import EVERYWHERE, LIMITS, ROWS, Range
from benchmarks.oracle.exact import Exact, exactly, values
from symgrad.functions import PRIMITIVES
from symgrad.ir.expression import Expr, variables
from symgrad.ir.system import System
from tests.expressions import system_of, tensor_of

TITLES = ("value", "gradient", "hessian")
DIGITS = {"float64": 52, "float32": 23}
NORMAL = {"float64": -1022, "float32": -126}

# fmt: off
OF_C = frozenset((
    "exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "cbrt", "pow", "hypot", "fma",
    "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh",
    "atanh", "erf", "erfc", "floor", "ceil", "trunc", "rint", "abs", "max", "min", "fmod",
    "ieee_remainder", "copysign",
))
# fmt: on
"""C's elementary functions, whose values are to be within 1 ulp."""

NEXT_TO_ZERO = 0.125
"""How far a zero reaches, as a part of an argument, or of 4 where that is larger."""

LOOKING = 4.0
"""Seconds in which errors beyond the target are looked at for zeros nearby, a derivative."""


def target(name: str, order: int) -> float:
    """The error that a row's derivative is to have at most, in ulp."""
    return 1.0 if name in OF_C and order == 0 else 8.0


@dataclass
class Worst:
    """The largest error of one derivative.

    Attributes:
        ulp: in ulp, next to zeros of the largest value there.
        point: where.
        where: the range.
        raw: the largest in ulp of the value itself.
        subnormal: in subnormal results.
        unseen: how many larger errors there was no time to look at for zeros nearby.
    """

    ulp: float = 0.0
    point: tuple[float, ...] = ()
    where: str = ""
    raw: float = 0.0
    subnormal: float = 0.0
    unseen: int = 0


@dataclass
class Figures:
    """What was measured of a row in one format.

    Attributes:
        points: how many points had exact values.
        outside: how many had none.
        without: how many of those that had one lack a derivative.
        worst: of the value and the derivatives, on ordinary ranges.
        extreme: the same on ranges of huge or tiny arguments.
        ranges: a line each.
        special: what differs at special values.
    """

    points: int = 0
    outside: int = 0
    without: int = 0
    worst: list[Worst] = field(default_factory=lambda: [Worst() for _ in TITLES])
    extreme: list[Worst] = field(default_factory=lambda: [Worst() for _ in TITLES])
    ranges: list[str] = field(default_factory=list)
    special: list[str] = field(default_factory=list)


@dataclass
class Case:
    """A row with its derivatives, as kernels of both formats and exactly."""

    name: str
    system: System
    parts: list[list[int]]
    exact: Exact

    def kernel(self, dtype: str) -> Any:
        """Points -> their values and derivatives, (points, numbers)."""
        names = self.system.inputs
        inputs = [variables(name) for name in names]
        wrt = [inputs[names.index(name)] for name in self.system.wrt]
        expr = Expr(self.name, tuple(inputs))
        made = sg.compile(expr, inputs, list(TITLES), wrt=wrt, dtype=dtype, cache=False)

        def call(points: np.ndarray) -> np.ndarray:
            result = made(points.astype(dtype))
            parts = [np.asarray(getattr(result, title), float) for title in TITLES]
            return np.concatenate([part.reshape(len(points), -1) for part in parts], axis=1)

        return call


@lru_cache(maxsize=2)
def case_of(name: str) -> Case:
    """The row ``name`` of all its arguments, differentiated by those that have derivatives."""
    row = PRIMITIVES[name]
    names = [f"a{i}" for i in range(row.arity)]
    known = [
        names[i]
        for i, partial in enumerate(row.partials)
        if partial.op not in PRIMITIVES or PRIMITIVES[partial.op].kind != "unknown"
    ]
    expr = Expr(name, tuple(variables(n) for n in names))
    system = replace(system_of(expr, names), wrt=tuple(known))
    parts = [list(system.outputs.nodes)] + [list(tensor_of(system, k).nodes) for k in (1, 2)]
    flat = [node for part in parts for node in part]
    return Case(name, system, parts, exactly(system.graph, flat, names))


def ranges_of(name: str) -> list[Range]:
    """The ranges of a row, the whole of the format among them."""
    measured = ROWS[name]
    everywhere = measured.everywhere and PRIMITIVES[name].arity == 1
    return [*measured.ranges, *([(EVERYWHERE,)] if everywhere else [])]


def sample(
    ranges: Sequence[Range], points: int, dtype: str, seed: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Random points of all ranges in random order, and the range that each is of."""
    rng = np.random.default_rng(seed)
    each = -(-points // len(ranges))
    parts = [
        np.stack([axis.sample(each, rng, dtype) for axis in range_], axis=1) for range_ in ranges
    ]
    made, origin = np.concatenate(parts), np.repeat(np.arange(len(ranges)), each)
    order = rng.permutation(len(made))
    return made[order], origin[order]


class Sampled(NamedTuple):
    """Points, and what kernels and Arb give there: arrays of (points, numbers)."""

    at: np.ndarray
    got: np.ndarray
    high: np.ndarray
    low: np.ndarray

    def chosen(self, rows: np.ndarray) -> Sampled:
        """Some of the points."""
        return Sampled(*(array[rows] for array in self))


def compare(
    case: Case, kernel: Any, at: np.ndarray, dtype: str, seconds: float, pool: Workers | None
) -> tuple[Sampled, np.ndarray, float]:
    """The points of ``at`` that Arb manages in so many seconds, where they were, seconds taken.

    Seconds are those of a processor; workers have so many each.
    """
    count = pool.count if pool else 1
    parts = [np.arange(i, len(at), count) for i in range(count)]
    given = [(case.name, dtype, at[part], seconds) for part in parts]
    made = list(pool.map(exact_values, given) if pool else map(exact_values, given))
    places = np.concatenate(
        [part[: len(found[0])] for part, found in zip(parts, made, strict=True)]
    )
    high, low = (np.concatenate([found[i] for found in made]) for i in (0, 1))
    taken = max(found[2] for found in made)
    return Sampled(at[places], kernel(at)[places], high, low), places, taken


class Workers:
    """Processes that share the points of a row."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.pool = ProcessPoolExecutor(count, mp_context=get_context("spawn"))

    def map(self, function: Callable[[Any], Any], given: Sequence[Any]) -> Iterator[Any]:
        """Results in order, one part of ``given`` a process."""
        return self.pool.map(function, given)

    def close(self) -> None:
        """End them."""
        self.pool.shutdown()


def exact_values(given: tuple[str, str, np.ndarray, float]) -> tuple[np.ndarray, np.ndarray, float]:
    """Exact values at the points that Arb manages in so many seconds, and the seconds that it took.

    Where the function has no value, its derivatives have no meaning and count as not known. So do
    those where it is beyond the largest number, of exp2 and pow: they are made of its value.
    """
    name, dtype, at, seconds = given
    case = case_of(name)
    high = np.full((len(at), case.exact.count), np.nan)
    low = np.zeros_like(high)
    if len(at):
        # What is compiled at its first use is no part of the time.
        values(case.exact, at[0].tolist(), dtype)
    begin, done = time.process_time(), 0
    for point in at.tolist():
        for i, pair in enumerate(values(case.exact, point, dtype)):
            if pair is not None:
                high[done, i], low[done, i] = pair
        done += 1
        if time.process_time() - begin > seconds:
            break
    high, low = high[:done], low[:done]
    value = high[:, : len(case.parts[0])]
    beyond = (np.abs(value) > LIMITS[dtype][1]).all(axis=1)
    high[np.isnan(value).all(axis=1)] = np.nan
    high[beyond, value.shape[1] :] = np.nan
    return high, low, time.process_time() - begin


def measure(
    name: str, dtype: str, points: int, seconds: float, pool: Workers | None = None
) -> Figures:
    """The errors of a row in one format."""
    case, ranges = case_of(name), ranges_of(name)
    kernel = case.kernel(dtype)
    at, origin = sample(ranges, points, dtype)
    sampled, chosen, taken = compare(case, kernel, at, dtype, seconds, pool)
    origin = origin[chosen]
    measured = ~np.isnan(sampled.high[:, : len(case.parts[0])]).all(axis=1)
    if 0 < measured.sum() < points and taken < seconds:
        # As many more as make up for those where the function has no value.
        more = min(3 * points, int(1.02 * (points - measured.sum()) / measured.mean()) + 1)
        at, beyond = sample(ranges, more, dtype, seed=2)
        rest, chosen, _ = compare(case, kernel, at, dtype, seconds - taken, pool)
        origin = np.concatenate([origin, beyond[chosen]])
        sampled = Sampled(*(np.concatenate(pair) for pair in zip(sampled, rest, strict=True)))
        measured = ~np.isnan(sampled.high[:, : len(case.parts[0])]).all(axis=1)
    places = [case.system.inputs.index(x) for x in case.system.wrt]
    value = exactly(case.system.graph, case.parts[0], case.system.inputs)
    figures = Figures(
        points=int(measured.sum()),
        outside=int((~measured).sum()),
        without=int(np.isnan(sampled.high[measured]).any(axis=1).sum()),
        special=special_values(value, kernel, name, places),
    )
    for number, range_ in enumerate(ranges):
        inside = sampled.chosen(np.flatnonzero(origin == number))
        where = ", ".join(map(str, range_))
        line = f"{where}: {len(inside.at)}"
        kept = figures.extreme if any(axis.extreme for axis in range_) else figures.worst
        for k in range(len(case.parts)):
            found = worst_of(case, k, inside, dtype)
            found.where = where
            line += f"  {shown(found.ulp)}"
            line += f" ({found.raw:.3g} at zeros)" if found.raw > found.ulp else ""
            line += f" ({shown(found.subnormal)} subnormal)" if found.subnormal else ""
            line += f" ({found.unseen} unseen)" if found.unseen else ""
            subnormal = max(kept[k].subnormal, found.subnormal)
            if found.ulp > kept[k].ulp:
                kept[k] = found
            kept[k].subnormal = subnormal
        figures.ranges.append(line)
    return figures


def worst_of(case: Case, k: int, sampled: Sampled, dtype: str) -> Worst:
    """The largest error of the k-th derivative."""
    start = sum(map(len, case.parts[:k]))
    columns = slice(start, start + len(case.parts[k]))
    at = sampled.at
    numbers = [array[:, columns] for array in (sampled.got, sampled.high, sampled.low)]
    scale = ROWS[case.name].scale
    with np.errstate(all="ignore"):
        least = 0.0 if scale is None else np.nan_to_num(scale(k, *at.T))[:, None]
        error, subnormal = in_ulp(*numbers, least, dtype)
    worst = Worst(subnormal=float(subnormal.max(initial=0.0)), raw=float(error.max(initial=0.0)))
    limit, looked = target(case.name, k), 0
    until = time.process_time() + LOOKING
    for place in np.argsort(error, axis=None)[::-1].tolist():
        row, column = divmod(place, error.shape[1])
        ulp = float(error[row, column])
        if ulp <= worst.ulp:
            break
        if ulp > limit:
            if time.process_time() > until:
                worst.unseen = int((error > max(limit, worst.ulp)).sum()) - looked
                break
            looked += 1
            unit = beside_zero(case, at[row].tolist(), start + column, dtype)
            if unit > abs(numbers[1][row, column]):
                with np.errstate(all="ignore"):
                    one, _ = in_ulp(*(array[row, column] for array in numbers), unit, dtype)
                ulp = float(one)
        if ulp > worst.ulp:
            worst.ulp, worst.point = ulp, tuple(at[row].tolist())
    return worst


def in_ulp(got: Any, high: Any, low: Any, least: Any, dtype: str) -> tuple[Any, Any]:
    """Errors in ulp of the exact values or of ``least``, and those of subnormal results."""
    size = np.maximum(np.abs(high), least)
    largest = LIMITS[dtype][1]
    _, exponent = np.frexp(np.minimum(size, largest))
    unit = np.ldexp(1.0, np.maximum(exponent - 1, NORMAL[dtype]) - DIGITS[dtype])
    error = np.abs((got - high) - low) / unit
    # What is beyond the largest number has to be infinite, or nearly so.
    over = np.abs(high) > largest
    right = (np.abs(got) >= 0.999 * largest) & (np.sign(got) == np.sign(high))
    error = np.where(over, np.where(right, 0.0, np.inf), error)
    error = np.where(np.isnan(got) | (np.isinf(got) & ~over), np.inf, error)
    error = np.where(np.isnan(high), 0.0, error)
    tiny = size < 2.0 ** NORMAL[dtype]
    # An exact zero has no digits: what is not zero there is wrong, or has a scale.
    return np.where(tiny & (high != 0), 0.0, error), np.where(tiny & (high != 0), error, 0.0)


def beside_zero(case: Case, point: list[float], index: int, dtype: str) -> float:
    """The largest value around a point where a sign changes nearby; 0 where none does."""

    def value(moved: list[float]) -> float:
        pair = values(case.exact, moved, dtype)[index]
        return float("nan") if pair is None else pair[0]

    here = value(point)
    best, changes = abs(here), here == 0
    for i, x in enumerate(point):
        if PRIMITIVES[case.name].whole and i in PRIMITIVES[case.name].whole:
            continue
        for side in (-1, 1):
            moved = list(point)
            moved[i] = x + side * NEXT_TO_ZERO * min(4.0, abs(x))
            there = value(moved)
            if there * here < 0 or (here == 0 and there != 0):
                changes = True
            if abs(there) < float("inf"):
                best = max(best, abs(there))
    return best if changes else 0.0


def above(name: str, worst: Sequence[Worst]) -> Iterator[tuple[str, Worst]]:
    """The derivatives whose errors are beyond the target."""
    for k, (title, one) in enumerate(zip(TITLES, worst, strict=True)):
        if one.ulp > target(name, k):
            yield title, one


def shown(ulp: float) -> str:
    """An error as it is printed."""
    return f"{ulp:.2f}" if ulp < 1e4 else f"{ulp:.1e}"
