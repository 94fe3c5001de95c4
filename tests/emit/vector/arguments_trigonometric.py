"""Arguments of the trigonometric functions that are hard, and special ones with their results."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import mpmath
import numpy as np

from symgrad.emit.target import Dtype
from symgrad.emit.vector.inverse_trigonometric import ORDINARY as ORDINARY_SIDES
from symgrad.emit.vector.lanes import FORMATS
from symgrad.emit.vector.reduction import LIMITS
from tests.emit.vector.measured import HIGHEST, INF, NAN, TINY, neighbours, powers, signed

DIGITS = {"float64": 420, "float32": 80}
SUBNORMAL = {"float64": (-1074.0, -1022.0), "float32": (-149.0, -126.0)}
LARGE = {"float64": (1000.0, 1023.9), "float32": (100.0, 127.9)}


def nearest_to_multiples_of_half_pi(dtype: Dtype, exponents: Iterable[int]) -> np.ndarray:
    """For each binade, the numbers closest to a multiple of pi/2.

    In the binade of 2^e a number of p bits is m*2^(e-p+1); where it is next to n*pi/2, m/n is a
    convergent of the continued fraction of pi/2 * 2^(p-1-e).
    """
    bits = FORMATS[dtype].fraction_bits + 1
    found = []
    with mpmath.workdps(DIGITS[dtype]):
        for exponent in exponents:
            ratio = mpmath.pi / 2 * mpmath.mpf(2) ** (bits - 1 - exponent)
            before, numerator, below, denominator = 0, 1, 1, 0
            rest = ratio
            best = 0
            while True:
                whole = int(mpmath.floor(rest))
                before, numerator = numerator, whole * numerator + before
                below, denominator = denominator, whole * denominator + below
                if numerator >= 2**bits:
                    break
                best = numerator
                rest = 1 / (rest - whole)
            unit = mpmath.ldexp(1, exponent - bits + 1)
            found += [
                float(factor * best * unit) for factor in range(1, 5) if factor * best < 2**bits
            ]
    return np.array(found)


def within(values: np.ndarray, dtype: Dtype) -> np.ndarray:
    """The values of a size that the dtype has."""
    return values[np.abs(values) <= HIGHEST[dtype]]


def near(values: np.ndarray, dtype: Dtype) -> np.ndarray:
    """The numbers of the dtype around each value."""
    return neighbours(within(values, dtype).astype(dtype))


def trigonometric_points(dtype: Dtype) -> np.ndarray:
    """Arguments of sin, cos and tan: every scale, quadrant borders, near zeros, huge."""
    rng = np.random.default_rng(101)
    limit = LIMITS[dtype]
    last = FORMATS[dtype].bias
    low, _ = SUBNORMAL[dtype]
    late = rng.integers(1, int(limit * 0.6), 170) * (np.pi / 2)
    binades = range(0, last + 1, 1 if dtype == "float32" else 17)
    return np.concatenate([
        rng.uniform(-np.pi, np.pi, 600),
        rng.uniform(0.7, 0.79, 300),  # where the errors are largest
        rng.uniform(-1000.0, 1000.0, 200),
        rng.uniform(-limit, limit, 200),
        signed(powers(rng, low, np.log2(limit), 300)),
        near(np.arange(1, 120) * np.pi / 4, dtype),
        near(late, dtype),
        nearest_to_multiples_of_half_pi(dtype, range(int(np.log2(limit)))),
        signed(nearest_to_multiples_of_half_pi(dtype, binades)),
        near(np.array([limit]), dtype),
        signed(powers(rng, np.log2(limit), last, 200)),
    ])  # fmt: skip


def arc_points(dtype: Dtype) -> np.ndarray:
    """Arguments of asin and acos: every scale up to 1, close to 1, both sides of 1/2."""
    rng = np.random.default_rng(111)
    low, _ = SUBNORMAL[dtype]
    last = FORMATS[dtype].fraction_bits
    return np.concatenate([
        rng.uniform(-1.0, 1.0, 700),
        signed(rng.uniform(0.48, 0.6, 600)),  # where the errors are largest
        signed(powers(rng, low, 0.0, 300)),
        signed(1.0 - powers(rng, -last - 1, -1, 300)),
        near(np.array([-0.5, 0.5]), dtype),
        np.array([1.0, -1.0, np.nextafter(np.array(1.0, dtype), 0)]),
    ])  # fmt: skip


def arc_tangent_points(dtype: Dtype) -> np.ndarray:
    """Arguments of atan: every scale, around the borders of the reduction."""
    rng = np.random.default_rng(112)
    low, _ = SUBNORMAL[dtype]
    borders = np.array([0.5, 1.0, 2.0, 2.0 ** (FORMATS[dtype].fraction_bits + 8)])
    return np.concatenate([
        rng.uniform(-2.5, 2.5, 600),
        signed(rng.uniform(0.4, 0.55, 500)),  # where the errors are largest
        signed(powers(rng, -4.0, 4.0, 500)),
        signed(powers(rng, low, FORMATS[dtype].bias, 600)),
        near(np.concatenate([borders, -borders]), dtype),
    ])  # fmt: skip


def sides(dtype: Dtype) -> tuple[np.ndarray, np.ndarray]:
    """Points of the plane: every size of both sides, near the borders of the reduction."""
    rng = np.random.default_rng(113)
    layout = FORMATS[dtype]
    ratios = signed(powers(rng, -3.0, 3.0, 600))
    close = rng.choice([0.5, 1.0, 2.0], 300) * (1.0 + rng.integers(-4, 5, 300) * 2.0**-20)
    short = rng.uniform(1.0, 4.0, 900)
    exact = rng.choice([2.0**-20, 0.5, 1.0, 2.0, 2.0**20], 100)
    edges = np.array(ORDINARY_SIDES[dtype])
    pairs = [
        (short, short * np.concatenate([ratios, close])),
        (exact, np.roll(exact, 1)),
        (signed(powers(rng, -layout.bias, layout.bias, 400)),
         rng.permutation(signed(powers(rng, -layout.bias, layout.bias, 400)))),
        (powers(rng, *SUBNORMAL[dtype], 200), signed(powers(rng, *SUBNORMAL[dtype], 200))),
        (powers(rng, *LARGE[dtype], 200), signed(powers(rng, *LARGE[dtype], 200))),
        # quotients that are subnormal, from ordinary sides and from large ones
        (powers(rng, *SUBNORMAL[dtype], 200), rng.uniform(0.5, 8.0, 200)),
        (np.repeat(near(edges, dtype), 6), np.tile(np.array([1.0, -0.3, 2.0]), 12)),
        (np.tile(np.array([1.0, -0.3, 2.0]), 12), np.repeat(near(edges, dtype), 6)),
    ]  # fmt: skip
    columns = [np.concatenate(column) for column in zip(*pairs, strict=True)]
    return columns[0], columns[1]


DTYPES: tuple[Dtype, ...] = ("float64", "float32")
FAMILY = {
    "sin": trigonometric_points, "cos": trigonometric_points, "tan": trigonometric_points,
    "asin": arc_points, "acos": arc_points, "atan": arc_tangent_points,
    "atan2": sides, "hypot": sides,
}  # fmt: skip
POINTS = {(name, dtype): partial(made, dtype) for name, made in FAMILY.items() for dtype in DTYPES}


def specials(dtype: Dtype) -> dict[str, list[tuple[float, ...]]]:
    """Rows (arguments, result) of each function that hold in the dtype."""
    tiny, most = TINY[dtype], HIGHEST[dtype]
    pi = np.pi
    # fmt: off
    return {
        "sin": [
            (0.0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN), (NAN, NAN), (tiny, tiny),
            (-tiny, -tiny), (3 * tiny, 3 * tiny), (1e-20, 1e-20), (-1e-20, -1e-20)],
        "cos": [
            (0.0, 1.0), (-0.0, 1.0), (INF, NAN), (-INF, NAN), (NAN, NAN), (tiny, 1.0),
            (-3 * tiny, 1.0), (1e-20, 1.0)],
        "tan": [
            (0.0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN), (NAN, NAN), (tiny, tiny),
            (-tiny, -tiny), (3 * tiny, 3 * tiny), (-1e-20, -1e-20)],
        "asin": [
            (0.0, 0.0), (-0.0, -0.0), (1.0, pi / 2), (-1.0, -pi / 2), (tiny, tiny),
            (-3 * tiny, -3 * tiny), (1.0000002, NAN), (-1.0000002, NAN), (2.0, NAN), (-most, NAN),
            (INF, NAN), (-INF, NAN), (NAN, NAN), (-1e-20, -1e-20)],
        "acos": [
            (0.0, pi / 2), (-0.0, pi / 2), (1.0, 0.0), (-1.0, pi), (tiny, pi / 2),
            (-tiny, pi / 2), (1.0000002, NAN), (-1.0000002, NAN), (2.0, NAN), (-most, NAN),
            (INF, NAN), (-INF, NAN), (NAN, NAN), (0.5, pi / 3), (-0.5, 2 * pi / 3)],
        "atan": [
            (0.0, 0.0), (-0.0, -0.0), (1.0, pi / 4), (-1.0, -pi / 4), (INF, pi / 2),
            (-INF, -pi / 2), (NAN, NAN), (tiny, tiny), (-3 * tiny, -3 * tiny), (most, pi / 2),
            (-most, -pi / 2), (1e-20, 1e-20), (1e20, pi / 2)],
        "atan2": [
            (0.0, 0.0, 0.0), (-0.0, 0.0, -0.0), (0.0, -0.0, pi), (-0.0, -0.0, -pi),
            (0.0, 1.0, 0.0), (-0.0, 1.0, -0.0), (0.0, -1.0, pi), (-0.0, -1.0, -pi),
            (0.0, INF, 0.0), (-0.0, INF, -0.0), (0.0, -INF, pi), (-0.0, -INF, -pi),
            (0.0, tiny, 0.0), (-0.0, -tiny, -pi), (0.0, most, 0.0), (-0.0, -most, -pi),
            (1.0, 0.0, pi / 2), (1.0, -0.0, pi / 2), (-1.0, 0.0, -pi / 2), (-1.0, -0.0, -pi / 2),
            (tiny, 0.0, pi / 2), (-tiny, -0.0, -pi / 2), (most, 0.0, pi / 2),
            (INF, 0.0, pi / 2), (-INF, -0.0, -pi / 2), (INF, 1.0, pi / 2), (INF, -most, pi / 2),
            (-INF, 1.0, -pi / 2), (-INF, -tiny, -pi / 2),
            (INF, INF, pi / 4), (INF, -INF, 3 * pi / 4), (-INF, INF, -pi / 4),
            (-INF, -INF, -3 * pi / 4), (1.0, INF, 0.0), (-1.0, INF, -0.0), (most, INF, 0.0),
            (1.0, -INF, pi), (-1.0, -INF, -pi), (-most, -INF, -pi),
            (most, most, pi / 4), (most, -most, 3 * pi / 4), (tiny, tiny, pi / 4),
            (-tiny, -tiny, -3 * pi / 4), (tiny, most, 0.0), (-tiny, most, -0.0), (tiny, -most, pi),
            (tiny, 1.0, tiny), (-3 * tiny, 1.0, -3 * tiny), (most, tiny, pi / 2),
            (NAN, 1.0, NAN), (1.0, NAN, NAN), (NAN, NAN, NAN), (NAN, INF, NAN), (INF, NAN, NAN),
            (NAN, 0.0, NAN), (0.0, NAN, NAN), (NAN, -INF, NAN), (-INF, NAN, NAN)],
        "hypot": [
            (0.0, 0.0, 0.0), (-0.0, 0.0, 0.0), (-0.0, -0.0, 0.0), (3.0, -4.0, 5.0), (1.0, 0.0, 1.0),
            (-0.0, -1.0, 1.0), (INF, NAN, INF), (NAN, INF, INF), (-INF, NAN, INF), (NAN, -INF, INF),
            (INF, 1.0, INF), (0.0, -INF, INF), (INF, INF, INF), (-INF, INF, INF), (NAN, 1.0, NAN),
            (0.0, NAN, NAN), (NAN, NAN, NAN), (most, most, INF), (most, 0.0, most),
            (most, tiny, most), (tiny, 0.0, tiny), (-tiny, 0.0, tiny),
            (3 * tiny, 4 * tiny, 5 * tiny), (1.0, tiny, 1.0), (most / 2, 0.0, most / 2)],
    }
    # fmt: on


SPECIAL = {(name, dtype): rows for dtype in DTYPES for name, rows in specials(dtype).items()}
SPECIAL["sin", "float64"] += [
    (1e22, -0.8522008497671888),
    (-1e22, 0.8522008497671888),
    (HIGHEST["float64"], 0.004961954789184062),
]
SPECIAL["cos", "float64"] += [
    (1e22, 0.5232147853951389), (-1e22, 0.5232147853951389),
    (HIGHEST["float64"], -0.9999876894265599),
]  # fmt: skip
