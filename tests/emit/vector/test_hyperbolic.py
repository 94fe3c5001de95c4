"""sinh, cosh and tanh: parity, the last k at which both powers of 2 count, saturation."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from symgrad.emit.vector import hyperbolic
from tests.emit.vector.measured import compiled, errors_in_ulp, same_bits

BITS = {"float64": 53, "float32": 24}


@pytest.mark.parametrize("dtype", BITS)
def test_parity_is_exact(dtype: str) -> None:
    x = np.random.default_rng(112).uniform(-90.0, 90.0, 2000).astype(dtype)
    for body in (hyperbolic.sinh, hyperbolic.tanh):
        function = compiled(body, 4, dtype)
        assert same_bits(function(-x), -function(x)).all()
    even = compiled(hyperbolic.cosh, 4, dtype)
    assert same_bits(even(-x), even(x)).all()


@pytest.mark.parametrize("name", ["sinh", "cosh"])
@pytest.mark.parametrize("dtype", BITS)
def test_the_smaller_power_counts_as_long_as_it_is_seen(name: str, dtype: str) -> None:
    k = BITS[dtype] // 2 + np.array([0.0, 1.0, 2.0])
    r = np.random.default_rng(113).uniform(-0.5, 0.5, (400, 1))
    x = ((k + r) * np.log(2.0)).ravel().astype(dtype)
    got = compiled(getattr(hyperbolic, name), 4, dtype)(x)
    assert errors_in_ulp(got, getattr(mpmath, name), x).max() < 1.0
    # Half of e**x alone is further away somewhere.
    alone = (np.exp(x.astype(np.float64)) / 2).astype(dtype)
    assert errors_in_ulp(alone, getattr(mpmath, name), x).max() > 1.0


@pytest.mark.parametrize("dtype", BITS)
def test_tanh_becomes_1_where_it_rounds_to_1(dtype: str) -> None:
    # 1 - tanh x is half a last place below 1 at (bits + 2) ln(2)/2.
    end = (BITS[dtype] + 2) * np.log(2.0) / 2
    x = np.linspace(end - 0.5, end + 0.5, 1000).astype(dtype)
    got = compiled(hyperbolic.tanh, 4, dtype)(x)
    assert errors_in_ulp(got, mpmath.tanh, x).max() < 0.6
    assert got[0] < 1.0 == got[-1]
    assert (np.diff(got) >= 0.0).all()
    assert hyperbolic.TANH_HIGHEST[dtype] > end + 0.3
