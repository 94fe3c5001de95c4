"""The cube root by instructions of AVX-512: the bits of the portable one."""

from __future__ import annotations

import numpy as np
import pytest

from symgrad.emit.vector import cbrt, lookup_cbrt
from tests.emit.vector.by_lookup import (
    arguments,
    assert_lanes_apart,
    assert_preferred,
    assert_special_values,
    loop,
    needs_tables,
)
from tests.emit.vector.measured import same_bits


@needs_tables
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_bits_of_the_portable_one(dtype: str) -> None:
    key = ("cbrt", dtype)
    assert_preferred(key, lookup_cbrt.cbrt)
    x = arguments(key)[0]
    x = np.concatenate([x, np.array([0.0, -0.0, np.inf, -np.inf, np.nan], dtype)])
    got = loop(key, lookup_cbrt.cbrt, 16)(x)
    assert same_bits(got, loop(key, cbrt.cbrt, 16)(x)).all()


@needs_tables
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_special_values_and_lanes(dtype: str) -> None:
    assert_special_values(("cbrt", dtype), lookup_cbrt.cbrt)
    assert_lanes_apart(("cbrt", dtype), lookup_cbrt.cbrt)
