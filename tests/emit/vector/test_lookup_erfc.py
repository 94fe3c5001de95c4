"""erfc in float32 by tables in registers."""

from __future__ import annotations

from itertools import pairwise

import mpmath
import numpy as np
import pytest

from benchmarks.coefficients.interval import (
    EXP_ENDS,
    fit_column,
    fit_exp,
    powers_of_two,
    table_ends,
)
from benchmarks.coefficients.lookup import erfcx
from symgrad.emit.vector import lookup_erfc
from tests.emit.vector.by_lookup import (
    assert_accurate,
    assert_lanes_apart,
    assert_preferred,
    assert_special_values,
    needs_tables,
)

KEY = ("erfc", "float32")


def single(row: tuple[float, ...]) -> list[float]:
    """The numbers of float32."""
    return np.array(row, "float32").tolist()


@needs_tables
def test_accuracy_special_values_and_lanes() -> None:
    assert_preferred(KEY, lookup_erfc.erfc)
    assert_accurate(KEY, lookup_erfc.erfc, 0.83)
    assert_special_values(KEY, lookup_erfc.erfc)
    assert_lanes_apart(KEY, lookup_erfc.erfc)


@pytest.mark.parametrize("place", [0, 8, 15])
def test_a_column_can_be_computed_anew(place: int) -> None:
    column = single(tuple(row[place] for row in lookup_erfc.TABLE))
    assert list(fit_column("erfc", place).row) == column


def test_the_table_keeps_its_stated_error_on_every_interval() -> None:
    rows = [single(row) for row in lookup_erfc.TABLE]
    ends = table_ends("erfc")
    with mpmath.workdps(40):
        for place, (low, high) in enumerate(pairwise(ends)):
            c, *rest = (mpmath.mpf(row[place]) for row in rows)
            for k in range(51):
                x = low + (high - low) * k / 50
                value = mpmath.polyval(rest[::-1], x - c)
                assert abs(value / erfcx(x) - 1) < mpmath.mpf(2) ** -27
            assert low < c < high
            if place:  # x - c is exact
                assert high / 2 <= c <= 2 * low
            lost = abs(erfcx(c) - rest[0])
            assert lost < float(np.spacing(np.float32(float(rest[0])))) / 32
        assert ends[-1] > lookup_erfc.LARGEST
        assert mpmath.erfc(np.float32(lookup_erfc.LARGEST).item()) < mpmath.mpf(2) ** -150


def test_exp_can_be_computed_anew_and_keeps_its_stated_error() -> None:
    for made, present in zip(powers_of_two(), lookup_erfc.POWERS, strict=True):
        assert list(made) == single(present)
    polynomial = single(lookup_erfc.EXP_POLYNOMIAL)
    assert list(fit_exp().row) == polynomial
    with mpmath.workdps(30):
        for k in range(-50, 51):
            r = EXP_ENDS[1] * k / 50
            value = 1 + r + r * r * mpmath.polyval(polynomial[::-1], r)
            assert abs(value / mpmath.exp(r) - 1) < mpmath.mpf(2) ** -29.2
