"""Hard arguments of logarithms, powers, cube roots and inverse hyperbolic functions.

Every function has the same ones in float64 and float32, each rounded to the dtype. The special
values come with their results.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import mpmath
import numpy as np

from symgrad.emit.vector.lanes import FORMATS
from tests.emit.vector.measured import HIGHEST, INF, NAN, TINY, neighbours, powers, signed

DTYPES = ("float64", "float32")
ROOT_HALF = 0.5**0.5


def ends(dtype: str) -> tuple[int, int, int]:
    """Binary exponents: of the least number, of 1 + eps, of what no number reaches."""
    layout = FORMATS[dtype]
    return 1 - layout.bias - layout.fraction_bits, -layout.fraction_bits, layout.bias + 1


def beside(dtype: str, *values: float) -> np.ndarray:
    """The values, rounded to the dtype, with the numbers just below and above."""
    return neighbours(np.array(values, dtype))


def near_one(dtype: str, rng: np.random.Generator, count: int) -> np.ndarray:
    """1 plus and minus every power of 2."""
    return (1.0 + signed(powers(rng, ends(dtype)[1], -2.0, count))).astype(dtype)


def least(dtype: str) -> np.ndarray:
    """The least numbers."""
    return TINY[dtype] * np.arange(1, 40)


def all_scales(dtype: str, rng: np.random.Generator, count: int) -> np.ndarray:
    """Positive numbers of every scale, subnormal ones included."""
    low, _, high = ends(dtype)
    return powers(rng, low, high - 0.01, count)


def logarithm(dtype: str) -> np.ndarray:
    """Near 1, every scale, borders of the reduction, powers of 2 and of 10."""
    rng = np.random.default_rng(301)
    high = ends(dtype)[2]
    steps = np.arange(2 - high, high, high // 40)
    return np.concatenate([
        rng.uniform(0.5, 2.0, 500),
        rng.uniform(0.7, 0.72, 150),
        rng.uniform(1.39, 1.42, 200),
        rng.uniform(0.0, 100.0, 200),
        near_one(dtype, rng, 300),
        all_scales(dtype, rng, 400),
        beside(dtype, *np.ldexp(ROOT_HALF, steps)),
        beside(dtype, *np.ldexp(1.0, steps)),
        beside(dtype, *10.0 ** np.arange(-30, 31, 2)),
        beside(dtype, *(np.arange(24, 50) / 32 + 1 / 64)),
        least(dtype),
    ])  # fmt: skip


def logarithm_of_one_plus(dtype: str) -> np.ndarray:
    """Near 0 and -1, every scale, where 1 + x is at a border of the reduction or loses digits."""
    rng = np.random.default_rng(302)
    _, step, _ = ends(dtype)
    borders = np.ldexp(ROOT_HALF, np.arange(-6, 30)) - 1.0
    return np.concatenate([
        rng.uniform(-0.99, 3.0, 400),
        rng.uniform(-0.31, -0.28, 150),
        rng.uniform(0.4, 0.5, 300),
        signed(all_scales(dtype, rng, 600))[::2],
        -all_scales(dtype, rng, 400).clip(0.0, 0.99),
        powers(rng, step, -step + 6, 300) * 1.0,
        near_one(dtype, rng, 200) - 2.0,
        beside(dtype, *borders),
        beside(dtype, *(2.0 ** np.arange(1, 60) - 1.0)),
        beside(dtype, 2.0**step - 1.0),
        signed(least(dtype)),
    ]).clip(2.0 ** (step - 1) - 1.0, None)  # fmt: skip


def cube_root(dtype: str) -> np.ndarray:
    """Every scale, exact cubes, borders of the reduction, subnormal."""
    rng = np.random.default_rng(303)
    high = ends(dtype)[2]
    steps = np.arange(2 - high, high, high // 50)
    return np.concatenate([
        rng.uniform(0.1, 9.0, 400),
        signed(all_scales(dtype, rng, 600)),
        beside(dtype, *np.ldexp(1.0, steps)),
        signed(np.arange(1.0, 150.0) ** 3),
        signed(least(dtype)),
    ])  # fmt: skip


def inverse_sinh(dtype: str) -> np.ndarray:
    """Every scale, where |x| + sqrt(x^2 + 1) is at a border, where x^2 overflows or 1 is lost."""
    rng = np.random.default_rng(304)
    borders = np.ldexp(ROOT_HALF, np.arange(1, 40))
    far = np.array([12.0, 14.0, 30.0, 52.0])
    return np.concatenate([
        rng.uniform(-3.0, 3.0, 400),
        rng.uniform(0.33, 0.37, 200),
        rng.uniform(2.7, 2.9, 200),
        signed(all_scales(dtype, rng, 500)),
        signed(powers(rng, -14.0, 6.0, 300)),
        beside(dtype, *((borders - 1.0 / borders) / 2.0)),
        beside(dtype, *2.0**far, 2.0 ** (ends(dtype)[2] // 2)),
        signed(least(dtype)),
    ])  # fmt: skip


def inverse_cosh(dtype: str) -> np.ndarray:
    """Just above 1, every scale, where x + sqrt(x^2 - 1) is at a border."""
    rng = np.random.default_rng(305)
    borders = np.ldexp(ROOT_HALF, np.arange(1, 40))
    far = np.array([12.0, 14.0, 30.0, 52.0])
    _, step, high = ends(dtype)
    return np.concatenate([
        rng.uniform(1.0, 3.0, 400),
        rng.uniform(1.05, 1.07, 300),
        1.0 + powers(rng, step, 3.0, 400),
        powers(rng, 0.0, high - 0.01, 400),
        beside(dtype, *((borders + 1.0 / borders) / 2.0)),
        beside(dtype, *2.0**far, 2.0 ** (high // 2)),
        1.0 + 2.0**step * np.arange(40),
    ]).clip(1.0, None)  # fmt: skip


def inverse_tanh(dtype: str) -> np.ndarray:
    """Every scale, just below 1, where (1 + x)/(1 - x) is at a border."""
    rng = np.random.default_rng(306)
    borders = np.ldexp(ROOT_HALF, np.arange(1, 24))
    low, step, _ = ends(dtype)
    return np.concatenate([
        rng.uniform(-0.99, 0.99, 500),
        signed(rng.uniform(0.16, 0.18, 300)),
        rng.uniform(0.3, 0.4, 200),
        signed(powers(rng, low, -0.01, 500)),
        1.0 - powers(rng, step - 1.0, -1.0, 300),
        beside(dtype, *((borders - 1.0) / (borders + 1.0))),
        signed(1.0 - 2.0 ** (step - 1) * np.arange(1, 40)),
        signed(least(dtype)),
    ])  # fmt: skip


def power(dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Results of every scale from every base; integer exponents; roots; near a base of 1."""
    rng = np.random.default_rng(307)
    low, _, high = ends(dtype)
    lowest, highest = (low - 1) * np.log(2.0), high * np.log(2.0) - 1e-5
    bases = np.concatenate([
        rng.uniform(0.5, 2.0, 300),
        rng.uniform(0.7, 0.72, 200),
        rng.uniform(1.39, 1.42, 300),
        near_one(dtype, rng, 200),
        all_scales(dtype, rng, 300),
        least(dtype),
    ]).astype(dtype)  # fmt: skip
    bases = bases[bases != 1.0]
    logarithms = np.log(bases.astype(np.float64))
    wanted = rng.uniform(lowest, highest, len(bases))
    wanted[::5] = rng.uniform(lowest, lowest - low * 0.1, len(wanted[::5]))  # subnormal results
    exponents = (wanted / logarithms).clip(-HIGHEST[dtype], HIGHEST[dtype])
    whole = signed(rng.uniform(0.01, 10.0, 300))
    halves = rng.uniform(0.01, 1000.0, 150)
    return (
        np.concatenate([bases, whole, halves, np.repeat(np.arange(1.0, 11.0), 6)]),
        np.concatenate([
            exponents,
            rng.integers(-25, 26, 300),
            rng.integers(-9, 10, 150) / 2.0,
            np.tile(np.arange(1.0, 7.0), 10),
        ]),
    )  # fmt: skip


ARGUMENTS: dict[str, Callable[[str], Any]] = {
    "log": logarithm,
    "log1p": logarithm_of_one_plus,
    "log2": logarithm,
    "log10": logarithm,
    "cbrt": cube_root,
    "asinh": inverse_sinh,
    "acosh": inverse_cosh,
    "atanh": inverse_tanh,
    "pow": power,
}
KEYS = [(name, dtype) for name in ARGUMENTS for dtype in DTYPES]
POINTS = {(name, dtype): partial(ARGUMENTS[name], dtype) for name, dtype in KEYS}


def specials(dtype: str) -> dict[str, list[tuple[float, ...]]]:
    """The rows (argument, ..., result) of every function."""
    tiny, most = TINY[dtype], HIGHEST[dtype]
    low, step, high = ends(dtype)
    below_one = 1.0 - 2.0 ** (step - 1)
    of_log = [(1.0, 0.0), (0.0, -INF), (-0.0, -INF), (INF, INF), (-INF, NAN), (NAN, NAN),
              (-1.0, NAN), (-tiny, NAN), (-most, NAN)]  # fmt: skip
    odd = [(0.0, 0.0), (-0.0, -0.0), (NAN, NAN), (tiny, tiny), (-tiny, -tiny)]
    far = [(INF, INF), (-INF, -INF)]
    whole = 2.0**-step  # from there on all numbers are integers
    return {
        "log": [*of_log, (most, high * np.log(2.0)), (tiny, low * np.log(2.0))],
        "log2": [*of_log, *((2.0**n, float(n)) for n in range(low, high)), (most, float(high))],
        "log10": [*of_log, *((10.0**n, float(n)) for n in range(11)),
                  (most, high * np.log10(2.0)), (tiny, low * np.log10(2.0))],
        "log1p": [*odd, (-1.0, -INF), (INF, INF), (-INF, NAN), (-1.5, NAN), (-most, NAN),
                  (most, high * np.log(2.0)), (-below_one, (step - 1) * np.log(2.0)),
                  (1.0, np.log(2.0))],
        "cbrt": [*odd[:3], *far, (1.0, 1.0), (-1.0, -1.0), (8.0, 2.0), (-27.0, -3.0),
                 (1000.0, 10.0), (tiny, 2.0 ** (low // 3) * 4.0 ** ((low % 3) / 6.0)),
                 *((8.0**n, 2.0**n) for n in range(low // 3 + 1, high // 3))],
        "asinh": [*odd, *far, (most, (high + 1) * np.log(2.0)), (0.75, np.log(2.0)),
                  (-0.75, -np.log(2.0))],
        "acosh": [(1.0, 0.0), (INF, INF), (NAN, NAN), (-INF, NAN), (below_one, NAN), (0.0, NAN),
                  (-1.0, NAN), (-most, NAN), (-2.0, NAN), (most, (high + 1) * np.log(2.0)),
                  (1.25, np.log(2.0))],
        "atanh": [*odd, (1.0, INF), (-1.0, -INF), (INF, NAN), (-INF, NAN), (1.0 + 2.0**step, NAN),
                  (-2.0, NAN), (most, NAN), (below_one, (2 - step) / 2 * np.log(2.0)),
                  (-0.6, -np.log(2.0))],
        "pow": [
            *((x, y, 1.0) for x in (0.0, -0.0, 2.0, -3.0, INF, -INF, NAN) for y in (0.0, -0.0)),
            *((1.0, y, 1.0) for y in (INF, -INF, NAN, most, -most, tiny, 0.5)),
            (-1.0, INF, 1.0), (-1.0, -INF, 1.0), (-1.0, most, 1.0), (-1.0, whole - 1.0, -1.0),
            (-1.0, whole + 1.0, -1.0), (-1.0, 2 * whole, 1.0), (-1.0, 2 * whole + 2.0, 1.0),
            (-1.0, whole / 2 + 0.5, NAN), (-1.0, whole / 2 + 1.0, -1.0),
            (NAN, 1.0, NAN), (2.0, NAN, NAN), (0.0, NAN, NAN), (-1.0, NAN, NAN),
            (0.5, INF, 0.0), (-0.5, INF, 0.0), (0.5, -INF, INF), (-0.5, -INF, INF),
            (2.0, INF, INF), (-2.0, INF, INF), (2.0, -INF, 0.0), (-2.0, -INF, 0.0),
            (below_one, INF, 0.0), (1.0 + 2.0**step, INF, INF), (0.0, INF, 0.0), (-0.0, INF, 0.0),
            (0.0, -INF, INF), (-0.0, -INF, INF), (INF, INF, INF), (INF, -INF, 0.0),
            (-INF, INF, INF), (-INF, -INF, 0.0),
            (0.0, 3.0, 0.0), (-0.0, 3.0, -0.0), (-0.0, 2.0, 0.0), (-0.0, 2.5, 0.0),
            (0.0, -3.0, INF), (-0.0, -3.0, -INF), (-0.0, -2.0, INF), (-0.0, -0.5, INF),
            (INF, 0.5, INF), (INF, -tiny, 0.0), (-INF, 3.0, -INF), (-INF, 2.0, INF),
            (-INF, 2.5, INF), (-INF, -3.0, -0.0), (-INF, -2.0, 0.0), (-INF, -0.5, 0.0),
            (-8.0, 1.0 / 3.0, NAN), (-8.0, 2.5, NAN), (-tiny, 0.5, NAN), (-most, tiny, NAN),
            (-2.0, 3.0, -8.0), (-2.0, -2.0, 0.25), (tiny, 1.0, tiny), (-tiny, 1.0, -tiny),
            (most, 1.0, most), (-most, 1.0, -most), (most, 2.0, INF), (-most, 3.0, -INF),
            (tiny, 2.0, 0.0), (-tiny, 3.0, -0.0), (2.0, high, INF), (2.0, low, tiny),
            (-2.0, low, tiny if low % 2 == 0 else -tiny), (2.0, low - 2.0, 0.0),
            *((float(n), 2.0, float(n * n)) for n in range(2, 12)), (10.0, 10.0, 1e10),
            *((2.0, float(n), 2.0**n) for n in range(low, high)),
        ],
    }  # fmt: skip


SPECIAL = {(name, dtype): specials(dtype)[name] for name, dtype in KEYS}

EXACT: dict[str, Callable[..., Any]] = {
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
    "log2": lambda x: mpmath.log(x, 2),
    "pow": mpmath.power,
}
"""The real function where mpmath has none of the name."""
