"""Arguments of sin and cos that are hard, and special ones with their results."""

from __future__ import annotations

import mpmath
import numpy as np

from symgrad.emit.vector.sincos import SINCOS_LIMIT
from tests.emit.vector.measured import HIGHEST, INF, NAN, neighbours, powers, signed

TINY, MOST = 5e-324, HIGHEST["float64"]


def nearest_to_multiples_of_half_pi() -> np.ndarray:
    """For each binade up to 2^20, the doubles closest to a multiple of pi/2.

    In the binade of 2^e a double is m*2^(e-52); where it is next to n*pi/2, m/n is a convergent of
    the continued fraction of pi/2 * 2^(52-e).
    """
    found = []
    with mpmath.workdps(80):
        for exponent in range(20):
            ratio = mpmath.pi / 2 * mpmath.mpf(2) ** (52 - exponent)
            before, numerator, below, denominator = 0, 1, 1, 0
            rest = ratio
            for _ in range(40):
                whole = int(mpmath.floor(rest))
                before, numerator = numerator, whole * numerator + before
                below, denominator = denominator, whole * denominator + below
                if numerator >= 2**53:
                    break
                unit = mpmath.ldexp(numerator, exponent - 52)
                found.extend(float(factor * unit) for factor in range(1, 9))
                rest = 1 / (rest - whole)
    return np.array([value for value in found if value < SINCOS_LIMIT])


def trigonometric_points() -> np.ndarray:
    """Arguments of sin and cos: every scale, quadrant borders, near zeros, huge."""
    rng = np.random.default_rng(101)
    quadrants = np.arange(1, 120) * np.pi / 4
    late = rng.integers(1, 600_000, 200) * (np.pi / 2)
    return np.concatenate([
        rng.uniform(-np.pi, np.pi, 600),
        rng.uniform(-1000.0, 1000.0, 300),
        rng.uniform(-SINCOS_LIMIT, SINCOS_LIMIT, 300),
        signed(powers(rng, -1074, 20, 300)),
        neighbours(quadrants),
        neighbours(late),
        nearest_to_multiples_of_half_pi(),
        neighbours(np.array([SINCOS_LIMIT])),
        signed(powers(rng, 20, 1023, 100)),
    ])  # fmt: skip


POINTS = {("sin", "float64"): trigonometric_points, ("cos", "float64"): trigonometric_points}
# fmt: off
SPECIAL = {
    ("sin", "float64"): [
        (0.0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN), (NAN, NAN), (TINY, TINY),
        (-TINY, -TINY), (1e-310, 1e-310), (1e-20, 1e-20), (-1e-20, -1e-20),
        (1e22, -0.8522008497671888), (-1e22, 0.8522008497671888),
        (MOST, 0.004961954789184062)],
    ("cos", "float64"): [
        (0.0, 1.0), (-0.0, 1.0), (INF, NAN), (-INF, NAN), (NAN, NAN), (TINY, 1.0),
        (-1e-310, 1.0), (1e-20, 1.0), (1e22, 0.5232147853951389), (-1e22, 0.5232147853951389),
        (MOST, -0.9999876894265599)],
}
# fmt: on
