"""Slopes at knots: the conditions that they are to fulfil, checked on the polynomials."""

from __future__ import annotations

import numpy as np
import pytest

from symgrad.errors import ArgumentError
from symgrad.functions.spline_slopes import ENDS, NOT_A_KNOT, ends_of, slopes

X = np.array([0.0, 0.5, 0.75, 2.0, 3.0, 3.25])
Y = np.array([1.0, -1.0, 0.5, 0.25, 2.0, 2.5])


def derivatives(s, x=X, y=Y):
    """Second and third derivatives at the beginning and at the end of each interval."""
    step, chord = np.diff(x), np.diff(y) / np.diff(x)
    third = 6 * (s[:-1] + s[1:] - 2 * chord) / step**2
    second = 2 * (3 * chord - 2 * s[:-1] - s[1:]) / step
    return second, second + third * step, third


def made(kind, ends, x=X, y=Y):
    step = np.diff(x)
    return slopes(step, y, np.diff(y) / step, kind, ends)


@pytest.mark.parametrize("first", [*ENDS, (1, 2.5), (2, -3.0)])
@pytest.mark.parametrize("last", [*ENDS, (1, 2.5), (2, -3.0)])
def test_cubics_join_smoothly_and_end_as_asked(first, last):
    ends = ends_of((first, last), "f", alone=True)
    s = made("cubic", ends)
    begin, end, third = derivatives(s)
    np.testing.assert_allclose(begin[1:], end[:-1], rtol=1e-12, atol=1e-12)
    for condition, slope, bend, pair in (
        (ends[0], s[0], begin[0], third[:2]),
        (ends[1], s[-1], end[-1], third[-2:]),
    ):
        if condition == NOT_A_KNOT:
            assert pair[0] == pytest.approx(pair[1], rel=1e-11)
        else:
            assert (slope, bend)[condition[0] - 1] == pytest.approx(condition[1], abs=1e-12)


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6])
def test_few_knots_give_the_polynomial_of_that_degree(n):
    """Not-a-knot splines reproduce every cubic, and through 2 and 3 points lines and parabolas."""
    degree = min(n - 1, 3)
    x = X[:n]
    s = made("cubic", (NOT_A_KNOT, NOT_A_KNOT), x, x**degree)
    np.testing.assert_allclose(s, degree * x ** (degree - 1), rtol=1e-13, atol=1e-13)


def test_two_knots_with_one_free_end():
    s = made("cubic", ((2, 0.0), NOT_A_KNOT), X[:2], Y[:2])
    assert s.tolist() == [-4.0, -4.0]


def test_pchip_does_not_overshoot():
    y = np.array([0.0, 0.0, 1.0, 5.0, 5.0, 4.0])
    s = made("pchip", None, X, y)
    assert s[[0, 1, 3, 4]] == pytest.approx(0)
    assert 0 < s[2] < 3 * min(1 / 0.25, 4 / 1.25)
    assert s[5] < 0
    steep = made("pchip", None, np.array([0.0, 1, 2]), np.array([0.0, 1, -20]))
    assert steep[0] == 3.0  # thrice the chord at most, where the chords turn


def test_columns_are_independent():
    y = np.stack([Y, 2 - Y, Y**2], axis=1)
    step = np.diff(X)[:, None]
    for kind, ends in (("cubic", ((2, 0.0), (1, 0.0))), ("pchip", None)):
        together = slopes(step, y, np.diff(y, axis=0) / step, kind, ends)
        alone = [made(kind, ends, X, column) for column in y.T]
        np.testing.assert_array_equal(together.T, alone)


@pytest.mark.parametrize("bad", ["periodic", ("natural",), ((3, 0.0), "natural"), 5.0, (1, 0.0)])
def test_other_ends_are_refused(bad):
    with pytest.raises((ArgumentError, TypeError), match=r"bc_type|iterable"):
        ends_of(bad, "f", alone=True)


def test_two_variables_take_the_same_ends():
    assert ends_of("natural", "f", alone=False) == ((2, 0.0), (2, 0.0))
    with pytest.raises(ArgumentError, match="bc_type"):
        ends_of(("natural", "clamped"), "f", alone=False)
