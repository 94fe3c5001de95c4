"""Piecewise polynomials: every segment takes its own coefficients."""

from __future__ import annotations

import numpy as np

from symgrad.functions.special.segments import Segments, evaluate, is_order
from tests.functions.special.measured import computed

# x^2 on [0, 2], 10 x on [2, 6], -x on [6, 8], each in t from -1 to 1.
ROWS = ((1.0, 0.0, 0.0), (2.0, 20.0, -1.0), (1.0, 40.0, -7.0))
TABLE = Segments((2.0, 6.0), (1.0, 4.0, 7.0), (1.0, 0.5, 1.0), ROWS)


def test_every_segment_and_its_lower_edge() -> None:
    points = np.array([0.0, 0.5, 1.75, 2.0, 3.5, 5.9375, 6.0, 8.0])
    expected = np.where(points < 2, points**2, np.where(points < 6, 10 * points, -points))
    assert (computed(lambda m, x: evaluate(m, x, TABLE), points) == expected).all()


def test_orders_are_whole_and_not_negative() -> None:
    found = computed(
        lambda m, n: m.where(is_order(m, n), 1.0, 0.0), np.array([0, 1, 7, 0.5, -1, np.nan])
    )
    assert found.tolist() == [1, 1, 1, 0, 0, 0]
