"""Arguments of exp and log that are hard, and special ones with their results."""

from __future__ import annotations

import numpy as np

from tests.emit.vector.measured import HIGHEST, INF, NAN, neighbours, powers, signed

TINY, MOST = 5e-324, HIGHEST["float64"]


def exponential_points() -> np.ndarray:
    """Arguments of exp: every scale, borders of the reduction, subnormal results, both ends."""
    rng = np.random.default_rng(102)
    borders = (rng.integers(-1070, 1020, 150) + 0.5) * np.log(2.0)
    return np.concatenate([
        rng.uniform(-1.0, 1.0, 500),
        rng.uniform(-708.0, 709.7, 500),
        rng.uniform(-745.1, -708.0, 500),
        signed(powers(rng, -1074, 9, 300)),
        neighbours(borders),
        neighbours(np.array([709.782712893384, -708.3964185322641, -745.1332191019411])),
    ])  # fmt: skip


def logarithm_points() -> np.ndarray:
    """Arguments of log: every scale, near 1, borders of the reduction, subnormal."""
    rng = np.random.default_rng(103)
    return np.concatenate([
        rng.uniform(0.5, 2.0, 700),
        rng.uniform(0.0, 100.0, 300),
        1.0 + signed(powers(rng, -52, -3, 400)),
        powers(rng, -1074, 1024, 700),
        neighbours(np.ldexp(np.sqrt(0.5), np.arange(-40, 40))),
        neighbours(np.ldexp(1.0, np.arange(-1000, 1000, 50))),
        TINY * np.arange(1, 50),
    ])  # fmt: skip


POINTS = {("exp", "float64"): exponential_points, ("log", "float64"): logarithm_points}
# fmt: off
SPECIAL = {
    ("exp", "float64"): [
        (0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, 0.0), (NAN, NAN), (TINY, 1.0), (-TINY, 1.0),
        (709.782712893384, 1.797693134862273e308), (709.7827128933841, INF), (710.5, INF),
        (1e4, INF), (MOST, INF), (-745.1332191019411, TINY), (-745.1332191019412, 0.0),
        (-746.5, 0.0), (-1e4, 0.0), (-MOST, 0.0)],
    ("log", "float64"): [
        (1.0, 0.0), (0.0, -INF), (-0.0, -INF), (INF, INF), (-INF, NAN), (NAN, NAN),
        (-1.0, NAN), (-TINY, NAN), (-MOST, NAN), (TINY, -744.4400719213812),
        (2.0**-1022, -708.3964185322641), (MOST, 709.782712893384)],
}
# fmt: on
