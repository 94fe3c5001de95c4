"""The cube root: its polynomial, exact cubes, parity."""

from __future__ import annotations

import numpy as np
import pytest

from symgrad.emit.vector import cbrt
from tests.emit.vector.arguments_logarithmic import cube_root
from tests.emit.vector.fitted_anew import assert_computed_anew, bits_left
from tests.emit.vector.measured import compiled, same_bits


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_polynomial_can_be_computed_anew(dtype: str) -> None:
    present = cbrt.CBRT_POLYNOMIAL[dtype]
    assert_computed_anew(("cbrt", dtype), present)
    assert bits_left(("cbrt", dtype), present) > 11.9


@pytest.mark.parametrize(("dtype", "count"), [("float64", 208_000), ("float32", 256)])
def test_cubes_have_exact_roots(dtype: str, count: int) -> None:
    roots = np.arange(-count, count, 1 + count // 5000).astype(dtype)
    assert np.array_equal(compiled(cbrt.cbrt, 8, dtype)(roots**3), roots)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_it_is_odd(dtype: str) -> None:
    x = cube_root(dtype).astype(dtype)
    function = compiled(cbrt.cbrt, 8, dtype)
    assert same_bits(function(-x), -function(x)).all()
