"""What rows give at special values: signed zeros, infinities and nan, beside what they should.

What a function should give at an infinity, or at a zero where it has no value, is its limit there:
of the exact values at a few arguments that go there, the sign of a zero included. Where they have
no limit the function has no value, nan.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from math import copysign, inf, isinf, isnan, nan
from typing import Any

import numpy as np
from flint import arb, ctx

from benchmarks.function_ranges import ROWS
from benchmarks.oracle.balls import UndecidedError
from benchmarks.oracle.exact import Exact
from symgrad.functions import PRIMITIVES

SPECIAL = (0.0, -0.0, inf, -inf, nan)
FAR = (12, 24, 48, 96)
LESS_FAR = (5, 7, 9, 11)
"""Exponents of e on the way to infinity, and to 0; those less far where the others give nothing."""

BITS = 600
BESIDE = (1.0, 1.13, 1.29, 1.51)
"""Factors of the arguments at a step, of which the largest value counts: waves have zeros."""

BEYOND = {("entr", -inf): -inf}
"""What rows give by convention where they have no value."""

GROWTH = 0.18
"""Values whose logarithm grows or falls by this much at every step have no limit, or 0."""


def special_values(exact: Exact, kernel: Any, name: str, places: Sequence[int]) -> list[str]:
    """The values of a row that differ where the arguments ``places`` are special, a line each.

    What C's function of the same name gives is right as well.
    """
    row = PRIMITIVES[name]
    middle = [
        float(round((a.low + a.high) / 2)) if i in row.whole else _inside(a)
        for i, a in enumerate(ROWS[name].ranges[0])
    ]
    chosen = [(i, value) for i in places for value in SPECIAL]
    points = [[*middle[:i], value, *middle[i + 1 :]] for i, value in chosen]
    got = kernel(np.array(points))[:, : exact.count].tolist()
    of_c = getattr(np, row.names.numpy or "", getattr(math, row.names.c or "", None))
    made = []
    for (i, value), point, results in zip(chosen, points, got, strict=True):
        # Python's remainder raises where C's is nan.
        allowed = [nan] if row.names.c == "remainder" and point[-1] == 0 else []
        allowed += [BEYOND[name, value]] if (name, value) in BEYOND else []
        if of_c is not None:
            with np.errstate(all="ignore"), suppress(ValueError, OverflowError):
                allowed = [float(of_c(*point))]
        for one, want in zip(results, limits(exact, point, i), strict=True):
            if not any(agree(one, right) for right in (want, *allowed)):
                shown = ", ".join(f"{x:g}" for x in point)
                made.append(f"{value!r}: {name}({shown}) gives {one!r}, not {want!r}")
    return made


def _inside(axis: Any) -> float:
    if axis.kind == "uniform":
        return float(axis.low + 0.4375 * (axis.high - axis.low))
    return float(axis.low) if axis.kind in ("about", "multiples") else 1.5


def agree(got: float, expected: Any) -> bool:
    """Whether a result is the one expected: a float, ``"0"`` or ``"inf"`` of either sign, None."""
    if expected is None:
        return True
    if expected == "0":
        return got == 0
    if expected == "inf":
        return isinf(got) or isnan(got)
    if isnan(expected) or isnan(got):
        return isnan(expected) and isnan(got)
    if expected == 0 or isinf(expected):
        return got == expected and copysign(1.0, got) == copysign(1.0, expected)
    return abs(got - expected) <= 1e-5 * abs(expected)


def limits(exact: Exact, point: Sequence[float], index: int) -> list[Any]:
    """The values at a point with one special argument; see ``agree`` for what they are."""
    value = point[index]
    if isnan(value):
        return [nan] * exact.count
    here = at(exact, point) if value == 0 else None
    before, ctx.prec = ctx.prec, BITS
    try:
        chosen = _approached(exact, point, index)
    finally:
        ctx.prec = before
    if here is None:
        return chosen
    return [_at_zero(own, beside) for own, beside in zip(here, chosen, strict=True)]


def _at_zero(own: arb | None, beside: Any) -> Any:
    """What is right at a zero: the value there, with the sign of the limit where it is 0."""
    if own is None:
        return beside
    if own == 0:
        return beside if beside in ("0", 0) else "0"
    return float(own)


def _approached(exact: Exact, point: Sequence[float], index: int) -> list[Any]:
    """The limits on the way to a special argument; nan where there are none."""
    value = point[index]
    sign = copysign(1.0, value)
    # A function that ends at 0 has the same limit from either side.
    ways = [(FAR, sign), (LESS_FAR, sign), *([(FAR, -sign)] if value == 0 else [])]
    made = []
    for steps, side in ways:
        rows = []
        for step in steps:
            for beside in BESIDE:
                moved: list[Any] = list(point)
                far = arb(step if isinf(value) else -step).exp() * beside
                moved[index] = far.mid() * side
                rows.append(at(exact, moved))
        made.append([limit([row[i] for row in rows]) for i in range(len(rows[0]))])
    return [
        next((found for found in row if found is not None), nan) for row in zip(*made, strict=True)
    ]


def at(exact: Exact, point: Sequence[Any]) -> list[arb | None]:
    """The exact values at a point; None where there is none."""
    before, ctx.prec = ctx.prec, BITS
    try:
        made = exact(*(arb(x) for x in point))
    except (UndecidedError, ZeroDivisionError, ValueError, OverflowError):
        return [None] * exact.count
    finally:
        ctx.prec = before
    return [
        value if not isinstance(value, bool) and value.is_finite() and _narrow(value) else None
        for value in made
    ]


def _narrow(value: arb) -> bool:
    return bool(value.is_exact() or value.rel_accuracy_bits() > 20)


def limit(row: Sequence[Any]) -> Any:
    """The limit of values, ``BESIDE`` of them a step; None where there is none to be seen."""
    if any(value is None for value in row):
        return None
    if all(value == 0 for value in row):
        return "0"
    last = row[-1]
    if all(abs(value - last) <= abs(last) * 2.0**-20 for value in row[-len(BESIDE) :]):
        return float(last)
    signs = {bool(value < 0) for value in row if value != 0}
    sizes = [
        max(float(abs(value).log()) if value != 0 else -inf for value in row[i : i + len(BESIDE)])
        for i in range(0, len(row), len(BESIDE))
    ]
    grows = all(b > a + GROWTH for a, b in pairwise(sizes))
    falls = all(b < a - GROWTH for a, b in pairwise(sizes))
    if grows or falls:
        if len(signs) > 1:
            return "inf" if grows else "0"
        return copysign(inf if grows else 0.0, -1.0 if signs == {True} else 1.0)
    return None
