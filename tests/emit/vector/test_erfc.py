"""erfc: its polynomials and where it is cut."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from benchmarks.coefficients.interval import fit_interval
from benchmarks.coefficients.lookup import erfcx
from symgrad.emit.vector import erfc
from tests.emit.vector.measured import compiled

DTYPES = ("float64", "float32")
LEFT = {"float64": (62.4, 58.2), "float32": (31.6, 29.8)}
"""-log2 of the relative error that is stated."""


def row_of(dtype: str, place: int) -> list[float]:
    """The coefficients in the dtype."""
    return np.array(erfc.INTERVALS[dtype][place], dtype).tolist()


@pytest.mark.parametrize(("dtype", "place"), [("float32", 0), ("float32", 1), ("float64", 0)])
def test_the_coefficients_can_be_computed_anew(dtype: str, place: int) -> None:
    made = fit_interval(dtype, place)
    assert list(made.row) == row_of(dtype, place)


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_polynomials_keep_their_stated_error(dtype: str, place: int) -> None:
    ends = (0.0, erfc.BORDER[dtype], erfc.HIGHEST[dtype])
    with mpmath.workdps(40):
        low, high = map(mpmath.mpf, ends[place : place + 2])
        c, *rest = map(mpmath.mpf, row_of(dtype, place))
        for k in range(101):
            x = low + (high - low) * k / 100
            z = 1 / (x + mpmath.mpf(erfc.POLE))
            value = z * mpmath.polyval(rest[::-1], z - c)
            assert abs(value / erfcx(x) - 1) < mpmath.mpf(2) ** -LEFT[dtype][place]


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_first_terms_are_nearly_numbers(dtype: str) -> None:
    with mpmath.workdps(40):
        for place in (0, 1):
            c, start, *_ = row_of(dtype, place)
            z = mpmath.mpf(c)
            lost = abs(erfcx(1 / z - mpmath.mpf(erfc.POLE)) / z - start)
            assert lost < float(np.spacing(np.dtype(dtype).type(start))) / 32


@pytest.mark.parametrize("dtype", DTYPES)
def test_erfc_is_0_where_it_is_cut(dtype: str) -> None:
    highest, least = erfc.HIGHEST[dtype], float(np.finfo(dtype).smallest_subnormal)
    with mpmath.workdps(30):
        assert mpmath.erfc(highest) < mpmath.mpf(least) / 2
    assert compiled(erfc.erfc, 4, dtype)(np.full(4, highest, dtype)).tolist() == [0.0] * 4
