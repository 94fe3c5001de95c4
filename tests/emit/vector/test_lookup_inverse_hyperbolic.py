"""asinh and acosh by the logarithm with tables in registers."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from symgrad.emit.vector import lookup_inverse_hyperbolic
from symgrad.emit.vector.lanes import Body
from tests.emit.vector.by_lookup import (
    assert_accurate,
    assert_lanes_apart,
    assert_preferred,
    assert_special_values,
    loop,
    needs_tables,
)
from tests.emit.vector.measured import errors_in_ulp, same_bits

DTYPES = ("float64", "float32")
BODIES = {
    "asinh": lookup_inverse_hyperbolic.asinh,
    "acosh": lookup_inverse_hyperbolic.acosh,
}

pytestmark = needs_tables


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "body"), BODIES.items())
def test_accuracy_special_values_and_lanes(name: str, body: Body, dtype: str) -> None:
    key = (name, dtype)
    assert_preferred(key, body)
    assert_accurate(key, body, 0.83)
    assert_special_values(key, body)
    assert_lanes_apart(key, body)


@pytest.mark.parametrize("dtype", DTYPES)
def test_small_numbers_are_their_own_asinh_and_those_above_nearly(dtype: str) -> None:
    tiny = lookup_inverse_hyperbolic.TINY[dtype]
    rng = np.random.default_rng(120)
    function = loop(("asinh", dtype), BODIES["asinh"], 16)
    x = (tiny * np.exp2(rng.uniform(0.0, 14.0, 1000))).astype(dtype)
    assert errors_in_ulp(function(x), mpmath.asinh, x).max() < 0.7
    x = (tiny * np.exp2(rng.uniform(-60.0, -0.01, 1000))).astype(dtype)
    assert same_bits(function(-x), -x).all()
    assert errors_in_ulp(x, mpmath.asinh, x).max() < 0.4


@pytest.mark.parametrize("dtype", DTYPES)
def test_nothing_is_lost_where_the_root_is_replaced(dtype: str) -> None:
    far = lookup_inverse_hyperbolic.FAR[dtype]
    x = (far * np.linspace(0.9, 1.1, 999)).astype(dtype)
    for name, body in BODIES.items():
        got = loop((name, dtype), body, 16)(x)
        assert errors_in_ulp(got, getattr(mpmath, name), x).max() < 0.7
