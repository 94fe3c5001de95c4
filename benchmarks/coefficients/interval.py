"""Compute the coefficients of ``erfc.py``, ``lookup_erfc.py`` and ``lookup_tanh.py`` anew.

Run from the root of the repository: ``python -m benchmarks.coefficients.interval`` (some seconds).

They are in ``symgrad/emit/vector``.

erfc, portable: below and beyond the border, (x + 2) erfcx(x) = m0 + m1 w + w^2 S(w) with w = z - c
and z = 1/(x + 2). c is the multiple of 2^-20 near the middle of the interval for which m0 and m1
are closest to numbers of the dtype, so that rounding them costs nothing (Gal's method, see
``lookup.py``).

By tables (float32): on each interval the function, erfcx or tanh, of c + t is c0 + c1 t + t^2 R(t),
with c a multiple of 2^-14 chosen likewise, but 0 on the first interval of tanh; for erfc also
2**(j/16) as a sum of two numbers.

S and R are minimax for the relative error by the Remez exchange in 60-digit arithmetic; each
coefficient is rounded to the dtype in turn from the lowest order and the others fitted again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import mpmath

from benchmarks.coefficients.exponential import exact, nearest
from benchmarks.coefficients.lookup import (
    DIGITS,
    Number,
    chebyshev_points,
    erfcx,
    erfcx_slope,
    minimax,
    nearest_to_doubles,
)
from symgrad.emit.vector import erfc, lookup_erfc, lookup_tanh

TABLE_STEP = mpmath.mpf(2) ** -14
EXP_ENDS = (-mpmath.log(2) / 32, mpmath.log(2) / 32)


class Made(NamedTuple):
    """A row of coefficients from the centre on, and the relative error that they leave."""

    row: tuple[float, ...]
    error: Number


def main() -> None:
    """Print every row with its error."""
    for dtype in erfc.INTERVALS:
        for place in range(2):
            made = fit_interval(dtype, place)
            print(f"# {dtype}, interval {place}: 2^{float(mpmath.log(made.error, 2)):.2f}")
            print(f"    {made.row},", flush=True)
    for name, table in TABLES.items():
        columns = [fit_column(name, place) for place in range(table.INTERVALS)]
        worst = max(made.error for made in columns)
        print(f"# {name}: 2^{float(mpmath.log(worst, 2)):.2f}")
        for row in zip(*(made.row for made in columns), strict=True):
            print(f"    {row},")
    print(*powers_of_two(), fit_exp(), sep="\n")


def fit_interval(dtype: str, place: int) -> Made:
    """(c, m0, m1, s0, ...) of the portable function, near (place 0) or far (place 1)."""
    with mpmath.workdps(DIGITS):
        pole = mpmath.mpf(erfc.POLE)
        ends = (mpmath.mpf(0), mpmath.mpf(erfc.BORDER[dtype]), mpmath.mpf(erfc.HIGHEST[dtype]))
        low, high = 1 / (ends[place + 1] + pole), 1 / (ends[place] + pole)

        def value(z: Number) -> Number:
            return erfcx(1 / z - pole) / z

        def slope(z: Number) -> Number:
            return -erfcx_slope(1 / z - pole) / z**3 - erfcx(1 / z - pole) / z**2

        count = len(erfc.INTERVALS[dtype][place]) - 3
        return fit(value, slope, (low, high), count, dtype)


def table_ends(name: str) -> list[Number]:
    """The ends of the intervals of a table of float32."""
    table = TABLES[name]
    found, index = [], mpmath.mpf(1)
    for _ in range(table.INTERVALS + 1):
        found.append((index - 1) / mpmath.mpf(table.INDEX_FACTOR))
        exponent = mpmath.floor(mpmath.log(index, 2)) - table.INDEX_BITS
        index += mpmath.mpf(2) ** exponent
    return found


def fit_column(name: str, place: int) -> Made:
    """(c, c0, c1, r0, ...) of one interval of a table."""
    with mpmath.workdps(DIGITS):
        low, high = table_ends(name)[place : place + 2]
        count = len(TABLES[name].TABLE) - 3
        value, slope = TABULATED[name]
        return fit(value, slope, (low, high), count, "float32", TABLE_STEP)


def tanh_slope(x: Number) -> Number:
    """The derivative of tanh."""
    return mpmath.sech(x) ** 2


def fit(
    value: Callable[[Number], Number],
    slope: Callable[[Number], Number],
    ends: tuple[Number, Number],
    count: int,
    dtype: str,
    *step: Number,
) -> Made:
    """The centre, value and slope there, and ``count`` coefficients of the rest over t^2."""
    low, high = ends
    width = (high - low) / 2
    steps = int(width / 8 / step[0]) if step else 512

    def badness(point: Number) -> Number:
        return lost(value(point), dtype) + width * lost(slope(point), dtype)

    odd = low == 0 and value(low) == 0
    c = low if odd else nearest_to_doubles((low + high) / 2, badness, *step, steps=steps)
    first, second = 0.0 if odd else nearest(value(c), dtype), nearest(slope(c), dtype)
    points = [point for point in chebyshev_points(low, high) if abs(point - c) > width / 100]
    shifted = [point - c for point in points]
    values = [value(point) for point in points]
    wanted = [(v - first - second * t) / t**2 for v, t in zip(values, shifted, strict=True)]
    weights = [t**2 / v for v, t in zip(values, shifted, strict=True)]
    rest, error = rounded_in_turn(shifted, wanted, weights, count, dtype)
    return Made((float(c), first, second, *rest), error)


def rounded_in_turn(
    points: Sequence[Number],
    wanted: Sequence[Number],
    weights: Sequence[Number],
    count: int,
    dtype: str,
) -> tuple[list[float], Number]:
    """The coefficients in the dtype and the largest weighted error."""
    rounded: list[float] = []
    while len(rounded) < count:
        start = len(rounded)
        left = [
            (value - mpmath.polyval(exact(rounded), t)) / t**start
            for value, t in zip(wanted, points, strict=True)
        ]
        heavier = [weight * abs(t) ** start for weight, t in zip(weights, points, strict=True)]
        rounded.append(nearest(minimax(points, left, heavier, count - start)[0], dtype))
    errors = [
        abs(value - mpmath.polyval(exact(rounded), t)) * weight
        for value, weight, t in zip(wanted, weights, points, strict=True)
    ]
    return rounded, max(errors)


def lost(value: Number, dtype: str) -> Number:
    """What rounding to the dtype would change."""
    return abs(value - nearest(value, dtype))


def powers_of_two() -> tuple[tuple[float, ...], tuple[float, ...]]:
    """2**(j/16) rounded to float32, j from 0 to 15, and what that lost, rounded likewise."""
    with mpmath.workdps(DIGITS):
        powers = [mpmath.mpf(2) ** (mpmath.mpf(j) / 16) for j in range(16)]
        rounded = [nearest(value, "float32") for value in powers]
        rests = [value - number for value, number in zip(powers, rounded, strict=True)]
        return tuple(rounded), tuple(nearest(rest, "float32") if rest else 0.0 for rest in rests)


def fit_exp() -> Made:
    """The coefficients of (exp(r) - 1 - r)/r^2, |r| <= ln(2)/32, in float32."""
    with mpmath.workdps(DIGITS):
        points = [r for r in chebyshev_points(*EXP_ENDS) if abs(r) > EXP_ENDS[1] / 100]
        wanted = [(mpmath.expm1(r) - r) / r**2 for r in points]
        weights = [r**2 / mpmath.exp(r) for r in points]
        count = len(lookup_erfc.EXP_POLYNOMIAL)
        rest, error = rounded_in_turn(points, wanted, weights, count, "float32")
        return Made(tuple(rest), error)


TABLES: dict[str, Any] = {"erfc": lookup_erfc, "tanh": lookup_tanh}
TABULATED: dict[str, tuple[Callable[[Number], Number], Callable[[Number], Number]]] = {
    "erfc": (erfcx, erfcx_slope),
    "tanh": (mpmath.tanh, tanh_slope),
}
"""What stands in the tables, and its derivative."""

if __name__ == "__main__":
    main()
