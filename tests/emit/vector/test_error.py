"""erf: the border between its polynomials, and where it becomes 1."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from symgrad.emit.vector import error
from tests.emit.vector.measured import compiled

DTYPES = ("float64", "float32")


@pytest.mark.parametrize("dtype", DTYPES)
def test_erfc_of_the_border_is_nearly_a_number(dtype: str) -> None:
    assert float(np.dtype(dtype).type(error.BORDER)) == error.BORDER
    rounded = error.BORDER_ERFC[dtype]
    spacing = float(np.spacing(np.dtype(dtype).type(rounded)))
    with mpmath.workdps(40):
        assert abs(mpmath.erfc(error.BORDER) - rounded) < spacing / 128


@pytest.mark.parametrize("dtype", DTYPES)
def test_erf_never_falls_across_the_border_by_more_than_a_last_place(dtype: str) -> None:
    x = np.array(error.BORDER, dtype) + np.spacing(np.array(error.BORDER, dtype)) * np.arange(-9, 9)
    got = compiled(error.erf, 4, dtype)(x.astype(dtype))
    assert (np.diff(got) >= -np.spacing(got[:-1])).all()
    assert got[0] < got[-1]


@pytest.mark.parametrize("dtype", DTYPES)
def test_erf_is_1_where_it_is_cut(dtype: str) -> None:
    bits = np.finfo(dtype).nmant + 1
    highest = error.ERF_HIGHEST[dtype]
    assert mpmath.erfc(highest) < mpmath.mpf(2) ** -(bits + 1)
    assert compiled(error.erf, 4, dtype)(np.full(4, highest, dtype)).tolist() == [1.0] * 4
