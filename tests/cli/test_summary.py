"""Summaries of results do not depend on how they are cut into blocks."""

import numpy as np
import pytest

from symgrad.cli.summary import SHOWN, Summary

VALUES = np.array([3.0, -1.0, 4.0, 1.0, -5.0])
TABLE = np.arange(10.0).reshape(5, 2)


@pytest.mark.parametrize("cuts", [[], [2], [1, 1, 4]])
def test_columns_are_described(cuts):
    summary = Summary(["value", "g_x", "g_y"])
    for value, table in zip(np.split(VALUES, cuts), np.split(TABLE, cuts), strict=True):
        summary.add({"value": value, "gradient": table})
    assert summary.text().splitlines() == [
        "entry  first point  mean  smallest  largest",
        "value            3   0.4        -5        4",
        "g_x              0     4         0        8",
        "g_y              1     5         1        9",
    ]


def test_values_that_are_not_finite_are_counted_apart():
    summary = Summary(["a", "b"])
    summary.add({"r": np.array([[np.nan, np.inf], [2.0, np.nan], [4.0, -np.inf]])})
    assert summary.text().splitlines() == [
        "entry  first point  mean  smallest  largest  not finite",
        "a              nan     3         2        4           1",
        "b              inf   nan       nan      nan           3",
    ]


def test_many_columns_are_counted():
    summary = Summary([f"c{i}" for i in range(SHOWN + 5)])
    summary.add({"r": np.zeros((3, SHOWN + 5))})
    lines = summary.text().splitlines()
    assert len(lines) == 1 + SHOWN + 1
    assert lines[-1].startswith("and 5 more")


def test_no_points():
    assert Summary(["value"]).text() == "no points"
