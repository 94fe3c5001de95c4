"""tanh in float32 by a table in registers."""

from __future__ import annotations

from itertools import pairwise

import mpmath
import numpy as np
import pytest

from benchmarks.coefficients.interval import fit_column, table_ends
from symgrad.emit.vector import lookup_tanh
from tests.emit.vector.by_lookup import (
    assert_accurate,
    assert_lanes_apart,
    assert_preferred,
    assert_special_values,
    loop,
    needs_tables,
)

KEY = ("tanh", "float32")


def single(row: tuple[float, ...]) -> list[float]:
    """The numbers of float32."""
    return np.array(row, "float32").tolist()


@needs_tables
def test_accuracy_special_values_and_lanes() -> None:
    assert_preferred(KEY, lookup_tanh.tanh)
    assert_accurate(KEY, lookup_tanh.tanh, 0.79)
    assert_special_values(KEY, lookup_tanh.tanh)
    assert_lanes_apart(KEY, lookup_tanh.tanh)


@needs_tables
def test_it_is_never_above_1_and_is_1_where_it_is_cut() -> None:
    x = np.linspace(4.0, 9.2, 40_000, dtype="float32")
    got = loop(KEY, lookup_tanh.tanh, 16)(x)
    assert got.max() == 1.0
    assert (got[x >= np.float32(lookup_tanh.LARGEST)] == 1.0).all()
    with mpmath.workdps(30):
        assert 1 - mpmath.tanh(np.float32(lookup_tanh.LARGEST).item()) < mpmath.mpf(2) ** -25


@pytest.mark.parametrize("place", [0, 4, 15])
def test_a_column_can_be_computed_anew(place: int) -> None:
    column = single(tuple(row[place] for row in lookup_tanh.TABLE))
    assert list(fit_column("tanh", place).row) == column


def test_the_table_keeps_its_stated_error_on_every_interval() -> None:
    rows = [single(row) for row in lookup_tanh.TABLE]
    ends = table_ends("tanh")
    with mpmath.workdps(40):
        for place, (low, high) in enumerate(pairwise(ends)):
            c, *rest = (mpmath.mpf(row[place]) for row in rows)
            for k in range(1, 51):
                x = low + (high - low) * k / 50
                value = mpmath.polyval(rest[::-1], x - c)
                assert abs(value / mpmath.tanh(x) - 1) < mpmath.mpf(2) ** -27
            if place:  # x - c is exact
                assert low < c < high
                assert high / 2 <= c <= 2 * low
            else:
                assert c == rest[0] == 0
        assert ends[-1] > lookup_tanh.LARGEST
