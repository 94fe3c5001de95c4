"""Exact values of the function table for the GPU benchmark, wherever it runs.

Where python-flint and numba are there, they are Arb's (function_measure.py). Elsewhere they are
mpmath's in 50 digits, fewer points and without a proof; units are the same.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from time import perf_counter
from types import ModuleType
from typing import Any

import mpmath
import numpy as np

from benchmarks.function_ranges import EVERYWHERE, LIMITS, ROWS, Range
from symgrad.functions import PRIMITIVES
from symgrad.ir.expression import Expr, variables
from symgrad.sampling import DIGITS, exactly
from tests.expressions import system_of, tensor_of

ORDERS = 3
BITS = {"float64": 52, "float32": 23}
LEAST = {"float64": -1022, "float32": -126}
NEXT_TO_ZERO = 0.125
LOOKING = 0.3
"""Seconds in which large errors are looked at for zeros nearby, a derivative."""


def arb() -> ModuleType | None:
    """The module that computes with balls, where what it needs is installed."""
    try:
        from benchmarks import function_measure
    except ImportError:
        return None
    function_measure.LOOKING = LOOKING
    return function_measure


def ranges_of(name: str) -> list[Range]:
    """The ranges of a row, the whole of the format among them."""
    measured = ROWS[name]
    everywhere = measured.everywhere and PRIMITIVES[name].arity == 1
    return [*measured.ranges, *([(EVERYWHERE,)] if everywhere else [])]


def sampled(name: str, points: int, dtype: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Random points of all ranges in random order, and the range that each is of."""
    ranges = ranges_of(name)
    rng = np.random.default_rng(seed)
    each = -(-points // len(ranges))
    parts = [np.stack([axis.sample(each, rng, dtype) for axis in one], axis=1) for one in ranges]
    order = rng.permutation(each * len(ranges))
    return np.concatenate(parts)[order], np.repeat(np.arange(len(ranges)), each)[order]


def exact_values(
    name: str, dtype: str, at: np.ndarray, seconds: float
) -> tuple[np.ndarray, np.ndarray]:
    """Exact values in two parts at as many points as that takes the seconds; nan: none is known."""
    module = arb()
    if module is not None:
        high, low, _ = module.exact_values((name, dtype, at, seconds))
        return high, low
    case = Case.of(name)
    high = np.full((len(at), case.count), np.nan)
    low, done, begun = np.zeros_like(high), 0, perf_counter()
    for point in at.tolist():
        if done and perf_counter() - begun > seconds:
            break
        high[done], low[done] = case.at(point, seconds)
        done += 1
    high, low = high[:done], low[:done]
    beyond = (np.abs(high[:, :1]) > LIMITS[dtype][1]).all(axis=1)
    high[np.isnan(high[:, 0])] = np.nan
    high[beyond, 1:] = np.nan
    return high, low


class Case:
    """A row with its derivatives in 50 digits.

    Attributes:
        count: numbers of a point: the value, the gradient, the Hessian.
        starts: where each of the three begins, and where the last one ends.
    """

    def __init__(self, name: str) -> None:
        row = PRIMITIVES[name]
        self.names = [f"a{i}" for i in range(row.arity)]
        known = tuple(
            self.names[i]
            for i, partial in enumerate(row.partials)
            if partial.op not in PRIMITIVES or PRIMITIVES[partial.op].kind != "unknown"
        )
        made = system_of(Expr(name, tuple(variables(n) for n in self.names)), self.names)
        self.system = replace(made, wrt=known)
        parts = [self.system.outputs.nodes]
        parts += [tensor_of(self.system, order).nodes for order in range(1, ORDERS)]
        self.nodes = [node for part in parts for node in part]
        self.count = len(self.nodes)
        self.starts = [0, *np.cumsum([len(part) for part in parts]).tolist()]

    @staticmethod
    @lru_cache(maxsize=4)
    def of(name: str) -> Case:
        """The case of a row."""
        return Case(name)

    def at(self, point: Sequence[float], seconds: float) -> tuple[np.ndarray, np.ndarray]:
        """The exact numbers at a point in two parts; nan where there are none."""
        sample = {n: np.array([x]) for n, x in zip(self.names, point, strict=True)}
        try:
            with limited(2 * seconds):
                (row,) = exactly(self.system, self.nodes, sample)
                near = [value_of(value) for value in row]
                with mpmath.workdps(DIGITS):
                    rest = [
                        float(value - one) if np.isfinite(one) else 0.0
                        for value, one in zip(row, near, strict=True)
                    ]
        except (ValueError, ZeroDivisionError, OverflowError, TimeoutError, TypeError):
            return np.full(self.count, np.nan), np.zeros(self.count)
        except (mpmath.libmp.NoConvergence, NotImplementedError):
            return np.full(self.count, np.nan), np.zeros(self.count)
        return np.array(near), np.array(rest)


def value_of(value: Any) -> float:
    """A number of mpmath as a double; nan where it is no finite real one."""
    if isinstance(value, bool):
        return float(value)
    return float(value) if mpmath.isfinite(value) and not mpmath.im(value) else float("nan")


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in what takes longer; mpmath's series may never end."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGALRM"):
        yield
        return

    def late(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def target(name: str, order: int) -> float:
    """The error in ulp that is aimed at: 1 for the values of C's functions, else 8."""
    of_c = PRIMITIVES[name].names.c is not None and PRIMITIVES[name].kind != "routine"
    return 1.0 if of_c and order == 0 else 8.0


def worst(
    name: str, order: int, at: np.ndarray, got: np.ndarray, high: np.ndarray, low: np.ndarray,
    dtype: str,
) -> tuple[float, list[float]]:  # fmt: skip
    """The largest error of one derivative in ulp, and where; beside zeros of what is around."""
    module = arb()
    if module is not None:
        sample = module.Sampled(at, got, high, low)
        found = module.worst_of(module.case_of(name), order, sample, dtype)
        return float(found.ulp), list(found.point)
    case = Case.of(name)
    columns = slice(case.starts[order], case.starts[order + 1])
    scale = ROWS[name].scale
    with np.errstate(all="ignore"):
        least = 0.0 if scale is None else np.nan_to_num(scale(order, *at.T))[:, None]
        errors = ulps(got[:, columns], high[:, columns], low[:, columns], least, dtype)
    best, point, until = 0.0, [], perf_counter() + LOOKING
    for place in np.argsort(errors, axis=None)[::-1].tolist():
        row, column = divmod(place, errors.shape[1])
        ulp = float(errors[row, column])
        if ulp <= best:
            break
        if ulp > target(name, order) and perf_counter() < until:
            k = columns.start + column
            around = beside_zero(case, at[row].tolist(), k, float(high[row, k]), name)
            if around > abs(high[row, k]):
                ulp = float(ulps(got[row, k], high[row, k], low[row, k], around, dtype))
        if ulp > best:
            best, point = ulp, at[row].tolist()
    return best, point


def ulps(got: Any, high: Any, low: Any, least: Any, dtype: str) -> Any:
    """Errors in ulp of the exact values, or of ``least`` where that is larger."""
    size, largest = np.maximum(np.abs(high), least), LIMITS[dtype][1]
    _, exponent = np.frexp(np.minimum(size, largest))
    unit = np.ldexp(1.0, np.maximum(exponent - 1, LEAST[dtype]) - BITS[dtype])
    error = np.abs((got - high) - low) / unit
    over = np.abs(high) > largest
    right = (np.abs(got) >= 0.999 * largest) & (np.sign(got) == np.sign(high))
    error = np.where(over, np.where(right, 0.0, np.inf), error)
    error = np.where(np.isnan(got) | (np.isinf(got) & ~over), np.inf, error)
    unknown = np.isnan(high) | ((size < 2.0 ** LEAST[dtype]) & (high != 0))
    return np.where(unknown, 0.0, error)


def beside_zero(case: Case, point: list[float], index: int, here: float, name: str) -> float:
    """The largest value around a point where a sign changes nearby; 0 where none does."""
    best, changes = abs(here), here == 0
    for i, x in enumerate(point):
        if PRIMITIVES[name].whole and i in PRIMITIVES[name].whole:
            continue
        for side in (-1, 1):
            moved = list(point)
            moved[i] = x + side * NEXT_TO_ZERO * min(4.0, abs(x))
            there = float(case.at(moved, LOOKING)[0][index])
            changes = changes or there * here < 0 or (here == 0 and there != 0)
            if abs(there) < float("inf"):
                best = max(best, abs(there))
    return best if changes else 0.0
