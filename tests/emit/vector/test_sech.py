"""sech in float32: accuracy to where it ends, special values, widths, kernels that use it."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.emit.providers import provider
from symgrad.emit.vector.sech import HIGHEST, sech
from symgrad.emit.vector.table import ROUTINES
from tests.emit.vector.measured import INF, NAN, TINY, compiled, errors_in_ulp, powers, same_bits

LEAST = TINY["float32"]


def test_within_one_ulp_in_every_lane_of_every_width() -> None:
    rng = np.random.default_rng(121)
    x = np.concatenate([
        rng.uniform(-1.5, 1.5, 500),
        rng.uniform(-9.0, 9.0, 400),
        rng.uniform(87.0, 104.7, 76),
        powers(rng, np.log2(LEAST), 6.0, 48),
    ]).astype("float32")  # fmt: skip
    got = compiled(sech, 16, "float32")(x)
    assert errors_in_ulp(got, mpmath.sech, x).max() <= 0.7
    for width in (4, 8, 32):
        assert same_bits(compiled(sech, width, "float32", inline=True)(x), got).all(), width
    places = np.arange(len(x)), np.arange(len(x)) % 16
    for neighbour in (0.0, INF, NAN, -90.0):
        beside = np.full((len(x), 16), neighbour, "float32")
        beside[places] = x
        lanes = compiled(sech, 16, "float32")(beside.ravel()).reshape(beside.shape)
        assert same_bits(lanes[places], got).all(), neighbour


def test_special_values() -> None:
    x = np.array([0.0, -0.0, INF, -INF, NAN, 1e30, LEAST, -HIGHEST], "float32")
    expected = np.array([1.0, 1.0, 0.0, 0.0, NAN, 0.0, 1.0, 0.0], "float32")
    assert same_bits(compiled(sech, 8, "float32")(x), expected).all()
    with mpmath.workdps(20):
        assert mpmath.sech(HIGHEST) < mpmath.mpf(LEAST) / 2


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_kernels_of_float32_take_it_in_place_of_the_definition(dtype: str) -> None:
    fn = sg.compile("tanh(x)", "x", dtype=dtype, cache=False)
    row = sg.functions.PRIMITIVES["sech"]
    owned = ("sech", dtype) in ROUTINES and provider.own_body("sech", 8, "float32") is not None
    assert fn.accuracy["sech"].ulp == (1.0 if owned or dtype == "float32" else row.ulp)
    assert fn.accuracy["sech"].symbol.startswith("sg.sech." if owned else "sg.routine.sech")
    x = np.array([[0.1], [-2.0], [30.0]], dtype)
    exact = [[float(mpmath.sech(value) ** 2)] for value in x[:, 0].tolist()]
    assert fn(x) == pytest.approx(np.array(exact), rel=8 * float(np.finfo(dtype).eps))
