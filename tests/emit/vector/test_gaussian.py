"""exp(-x^2) and its derivative: accuracy to where they end, special values, widths, lanes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from symgrad.emit.providers import provider
from symgrad.emit.vector import gaussian, lookup
from symgrad.emit.vector.table import ROUTINES
from tests.emit.vector.measured import INF, NAN, TINY, compiled, errors_in_ulp, powers, same_bits

EXACT: dict[str, Callable[[Any], Any]] = {
    "exp_minus_square": lambda x: mpmath.exp(-x * x),
    "exp_minus_square_slope": lambda x: -2 * x * mpmath.exp(-x * x),
}
SPECIAL = {
    "exp_minus_square": (1.0, 1.0, 0.0, 0.0, NAN, 0.0, 1.0, 0.0),
    "exp_minus_square_slope": (-0.0, 0.0, -0.0, 0.0, NAN, -0.0, -2.0, 0.0),
}
"""At 0, -0, inf, -inf, nan, 1e30, the least number (in units of it) and -40."""
NORMAL = {"float64": 26.54, "float32": 9.34}
WIDTHS = {"float64": (8, 2, 16), "float32": (16, 4, 32)}
LONGEST = 32

BY_LOOKUP = [
    False,
    pytest.param(
        True,
        marks=pytest.mark.skipif(
            not lookup.supports(8, provider.host_features()), reason="needs a CPU with AVX-512"
        ),
    ),
]


def points(dtype: str) -> np.ndarray:
    """Every scale, the body, the tail, what is subnormal."""
    rng = np.random.default_rng(120)
    normal, highest = NORMAL[dtype], gaussian.HIGHEST[dtype]
    values = np.concatenate([
        rng.uniform(-1.5, 1.5, 400),
        rng.uniform(-normal, normal, 400),
        rng.uniform(normal, highest, 150),
        powers(rng, np.log2(TINY[dtype]), 5.0, 74),
    ])  # fmt: skip
    return values.astype(dtype)


@pytest.mark.parametrize("by_lookup", BY_LOOKUP)
@pytest.mark.parametrize("dtype", WIDTHS)
@pytest.mark.parametrize("name", EXACT)
def test_within_one_ulp_in_every_lane_of_every_width(
    name: str, dtype: str, by_lookup: bool
) -> None:
    body, x = ROUTINES[name, dtype][by_lookup], points(dtype)
    first, *others = [width for width in WIDTHS[dtype] if width >= 8 or not by_lookup]
    got = compiled(body, first, dtype)(x)
    errors = errors_in_ulp(got, EXACT[name], x)
    worst = int(np.argmax(errors))
    assert errors[worst] <= 0.8, f"{x[worst]}: {got[worst]!r}, {errors[worst]} ulp"
    for width in others:
        assert same_bits(compiled(body, width, dtype, inline=True)(x), got).all(), width
    for neighbour in (0.0, INF, NAN, -40.0):
        beside = np.full((len(x), first), neighbour, dtype)
        beside[np.arange(len(x)), np.arange(len(x)) % first] = x
        lanes = compiled(body, first, dtype)(beside.ravel()).reshape(beside.shape)
        alone = lanes[np.arange(len(x)), np.arange(len(x)) % first]
        assert same_bits(alone, got).all(), neighbour


@pytest.mark.parametrize("by_lookup", BY_LOOKUP)
@pytest.mark.parametrize("dtype", WIDTHS)
@pytest.mark.parametrize("name", EXACT)
def test_special_values(name: str, dtype: str, by_lookup: bool) -> None:
    least = TINY[dtype]
    x = np.array([0.0, -0.0, INF, -INF, NAN, 1e30, least, -40.0], dtype)
    scale = np.array([1.0] * 6 + [least if "slope" in name else 1.0, 1.0])
    expected = (np.array(SPECIAL[name]) * scale).astype(dtype)
    got = compiled(ROUTINES[name, dtype][by_lookup], WIDTHS[dtype][0], dtype)(np.resize(x, LONGEST))
    assert same_bits(got, np.resize(expected, LONGEST)).all()


@pytest.mark.parametrize("dtype", WIDTHS)
def test_beyond_the_highest_both_are_zero(dtype: str) -> None:
    with mpmath.workdps(30):
        end = mpmath.mpf(gaussian.HIGHEST[dtype])
        assert 2 * end * mpmath.exp(-end * end) < mpmath.mpf(TINY[dtype]) / 2
