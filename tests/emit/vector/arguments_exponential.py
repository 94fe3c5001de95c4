"""Arguments of the functions made from e**x that are hard, and special ones with their results."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from symgrad.emit.vector import erfc, lookup_erfc
from symgrad.emit.vector.error import BORDER
from tests.emit.vector.measured import HIGHEST, INF, NAN, neighbours, powers, signed
from tests.emit.vector.measured import TINY as LEAST

LN2 = float(np.log(2.0))
TINY, MOST = 5e-324, HIGHEST["float64"]

# The last argument with a finite result and the first one with a normal one.
FINITE = {
    "exp": (709.782712893384, 88.72283),
    "exp2": (1023.9999999999999, 127.99999),
    "expm1": (709.782712893384, 88.72283),
    "sinh": (710.4758600739439, 89.41598),
    "cosh": (710.4758600739439, 89.41598),
    "tanh": (20.0, 10.0),
}
NORMAL = {"exp": (-708.3964185322641, -87.33654), "exp2": (-1022.0, -126.0)}
ZERO = {"exp": (-745.1332191019411, -103.97207), "exp2": (-1075.0, -150.0)}


def points(name: str, dtype: str) -> np.ndarray:
    """Every scale, borders of the reduction, where 2**k - 1 is rounded, both ends."""
    rng = np.random.default_rng(102)
    which = int(dtype == "float32")
    highest = FINITE[name][which]
    unit = 1.0 if name == "exp2" else LN2 / 2 if name == "tanh" else LN2
    borders = rng.integers(-int(highest / unit), int(highest / unit), 100) * unit
    bits = 24 if which else 53
    rounded = [rng.uniform(k - 0.6, k + 0.6, 60) * unit for k in (bits // 2, bits // 2 + 1)]
    rounded += [rng.uniform(k - 0.6, k + 0.6, 60) * unit for k in range(bits - 1, bits + 4)]
    near = np.concatenate([
        rng.uniform(-0.5, 0.5, 400),
        rng.uniform(-3.0, 3.0, 300),
        rng.uniform(-highest, highest, 300),
        signed(powers(rng, np.log2(LEAST[dtype]), np.log2(highest), 200)),
        signed(np.concatenate(rounded)),
        signed(rng.uniform(0.3, 0.8, 300) * unit),
    ])  # fmt: skip
    shifts = np.array([0.0, 0.5, 0.415, 0.585])
    steps = (borders[:, None] + unit * shifts).ravel()
    edges = [highest, -highest, unit / 2, -unit / 2]
    if name in NORMAL:
        start, end = NORMAL[name][which], ZERO[name][which]
        near = np.concatenate([near, rng.uniform(end, start, 300)])
        edges += [start, end]
    values = np.concatenate([near, steps]).astype(dtype)
    return np.concatenate([values, neighbours(np.array(edges, dtype))])


def error_points(dtype: str) -> np.ndarray:
    """Arguments of erf: every scale, around the border of the polynomials, where it becomes 1."""
    rng = np.random.default_rng(110)
    edges = np.array([BORDER, -BORDER, 1.0, 3.83, 4.0, 5.9, 6.0, -6.0], dtype)
    values = np.concatenate([
        signed(rng.uniform(0.0, 1.0, 800)),
        signed(rng.uniform(BORDER - 0.1, BORDER + 0.3, 800)),
        rng.uniform(-6.5, 6.5, 400),
        signed(powers(rng, np.log2(LEAST[dtype]), 10.0, 300)),
    ])  # fmt: skip
    return np.concatenate([values.astype(dtype), neighbours(edges)])


def complementary_points(dtype: str) -> np.ndarray:
    """Arguments of erfc: on both sides of the border, at steps of k, with subnormal results."""
    rng = np.random.default_rng(112)
    border, last = erfc.BORDER[dtype], {"float64": 27.23, "float32": 10.06}[dtype]
    normal = {"float64": 26.54, "float32": 9.19}[dtype]
    steps = np.sqrt((np.arange(1, 100, 3) + 0.5) * LN2)
    edges = np.array([border, *lookup_erfc.TABLE[0], erfc.HIGHEST[dtype], normal, last], dtype)
    sizes = np.concatenate([
        rng.uniform(0.0, 0.3, 400),
        rng.uniform(0.0, border, 400),
        rng.uniform(border - 0.3, border + 0.5, 700),
        rng.uniform(0.0, normal, 500),
        rng.uniform(normal, last, 400),
        powers(rng, np.log2(LEAST[dtype]), 4.0, 200),
    ])  # fmt: skip
    values = np.concatenate([sizes, -sizes[::6], neighbours(steps)]).astype(dtype)
    return np.concatenate([values, neighbours(edges)])


NAMES = ("exp", "exp2", "expm1", "sinh", "cosh", "tanh")
POINTS: dict[tuple[str, str], Callable[[], np.ndarray]] = {
    (name, dtype): partial(points, name, dtype) for name in NAMES for dtype in LEAST
}
POINTS |= {("erf", dtype): partial(error_points, dtype) for dtype in LEAST}
POINTS |= {("erfc", dtype): partial(complementary_points, dtype) for dtype in LEAST}
ZEROS = [(0.0, 0.0), (-0.0, -0.0), (NAN, NAN)]
ODD = [*ZEROS, (INF, INF), (-INF, -INF)]
ONES = [(0.0, 1.0), (-0.0, 1.0), (NAN, NAN), (INF, INF), (-INF, 0.0)]
MOST32, LEAST32 = HIGHEST["float32"], LEAST["float32"]
# fmt: off
SPECIAL = {
    ("exp", "float64"): [
        *ONES, (TINY, 1.0), (-TINY, 1.0),
        (709.782712893384, 1.797693134862273e308), (709.7827128933841, INF), (710.5, INF),
        (1e4, INF), (MOST, INF), (-745.1332191019411, TINY), (-745.1332191019412, 0.0),
        (-746.5, 0.0), (-1e4, 0.0), (-MOST, 0.0)],
    ("exp", "float32"): [
        *ONES, (LEAST32, 1.0), (-LEAST32, 1.0), (88.72284, INF), (90.0, INF), (MOST32, INF),
        (-103.97207, LEAST32), (-104.1, 0.0), (-MOST32, 0.0), (1.0, 2.7182817)],
    ("exp2", "float64"): [
        *ONES, (TINY, 1.0), (-TINY, 1.0), (10.0, 1024.0), (-1022.0, 2.0**-1022),
        (-1074.0, TINY), (-1074.9999999999998, TINY), (-1075.0, 0.0), (-1e4, 0.0), (-MOST, 0.0),
        (1023.0, 2.0**1023), (1024.0, INF), (1e18, INF), (MOST, INF)],
    ("exp2", "float32"): [
        *ONES, (LEAST32, 1.0), (-3.0, 0.125), (-149.0, LEAST32), (-150.0, 0.0), (-MOST32, 0.0),
        (127.0, 2.0**127), (128.0, INF), (MOST32, INF)],
    ("expm1", "float64"): [
        *ZEROS, (INF, INF), (-INF, -1.0), (TINY, TINY), (-TINY, -TINY), (1e-310, 1e-310),
        (1e-20, 1e-20), (709.7827128933841, INF), (1e4, INF), (MOST, INF), (-38.0, -1.0),
        (-800.0, -1.0), (-MOST, -1.0), (1.0, 1.718281828459045)],
    ("expm1", "float32"): [
        *ZEROS, (INF, INF), (-INF, -1.0), (LEAST32, LEAST32), (-LEAST32, -LEAST32),
        (3 * LEAST32, 3 * LEAST32), (88.72284, INF), (MOST32, INF), (-18.0, -1.0),
        (-MOST32, -1.0), (1.0, 1.7182819)],
    ("sinh", "float64"): [
        *ODD, (TINY, TINY), (-3 * TINY, -3 * TINY), (1e-20, 1e-20), (710.4758600739439,
        1.7976931348621744e308), (710.475860073944, INF), (-711.0, -INF), (-MOST, -INF)],
    ("sinh", "float32"): [
        *ODD, (LEAST32, LEAST32), (-3 * LEAST32, -3 * LEAST32), (89.41599, INF), (-90.0, -INF),
        (-MOST32, -INF), (1.0, 1.1752012)],
    ("cosh", "float64"): [
        (0.0, 1.0), (-0.0, 1.0), (NAN, NAN), (INF, INF), (-INF, INF), (TINY, 1.0),
        (-1e-9, 1.0), (710.475860073944, INF), (-711.0, INF), (-MOST, INF)],
    ("cosh", "float32"): [
        (0.0, 1.0), (-0.0, 1.0), (NAN, NAN), (INF, INF), (-INF, INF), (LEAST32, 1.0),
        (89.41599, INF), (-90.0, INF), (-MOST32, INF)],
    ("tanh", "float64"): [
        *ZEROS, (INF, 1.0), (-INF, -1.0), (TINY, TINY), (-3 * TINY, -3 * TINY), (1e-20, 1e-20),
        (19.1, 1.0), (-20.5, -1.0), (MOST, 1.0), (-MOST, -1.0)],
    ("tanh", "float32"): [
        *ZEROS, (INF, 1.0), (-INF, -1.0), (LEAST32, LEAST32), (-3 * LEAST32, -3 * LEAST32),
        (9.1, 1.0), (-10.5, -1.0), (MOST32, 1.0), (-MOST32, -1.0)],
    ("erf", "float64"): [
        *ZEROS, (INF, 1.0), (-INF, -1.0), (TINY, TINY), (-TINY, -TINY),
        (1e-310, 1.12837916709551e-310),
        (6.0, 1.0), (-6.1, -1.0), (MOST, 1.0), (-MOST, -1.0), (1.0, 0.8427007929497149)],
    ("erf", "float32"): [
        *ZEROS, (INF, 1.0), (-INF, -1.0), (LEAST32, LEAST32), (-LEAST32, -LEAST32), (4.0, 1.0),
        (-4.5, -1.0), (MOST32, 1.0), (-MOST32, -1.0), (1.0, 0.8427008)],
    ("erfc", "float64"): [
        (0.0, 1.0), (-0.0, 1.0), (NAN, NAN), (INF, 0.0), (-INF, 2.0), (TINY, 1.0), (-TINY, 1.0),
        (27.2132932, TINY), (27.3, 0.0), (28.0, 0.0), (MOST, 0.0), (-6.0, 2.0), (-MOST, 2.0),
        (1.0, 0.15729920705028513)],
    ("erfc", "float32"): [
        (0.0, 1.0), (-0.0, 1.0), (NAN, NAN), (INF, 0.0), (-INF, 2.0), (LEAST32, 1.0),
        (-LEAST32, 1.0), (10.05, LEAST32), (10.06, 0.0), (10.5, 0.0), (MOST32, 0.0),
        (-4.5, 2.0), (-MOST32, 2.0), (1.0, 0.1572992)],
}
# fmt: on
