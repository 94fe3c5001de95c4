"""Points for checks: as given, completed within their ranges, finite where they are random."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.api import read_system
from symgrad.errors import ArgumentError
from symgrad.sampling import RANGE, exactly, given_points, sampled


@pytest.fixture(scope="module")
def root():
    return sg.compile("k*sqrt(x)/y", "x y", "value", parameters="k", cache=False)


def drawn(fn, given, count=8, ranges=None, notes=None):
    chosen = not given
    notes = [] if notes is None else notes
    return sampled(fn, read_system(fn.recipe), given, chosen, count, 0, ranges or {}, notes)


def test_points_come_as_tables_or_by_name(root):
    system = read_system(root.recipe)
    made = given_points(system, [[1.0, 2.0], [3.0, 4.0]], {"k": 5.0}, {})
    assert {name: values.tolist() for name, values in made.items()} == {
        "x": [1.0, 3.0],
        "y": [2.0, 4.0],
        "k": 5.0,
    }
    named = given_points(system, {"x": [1.0], "y": 2.0}, {}, {})
    assert set(named) == {"x", "y"}
    records = np.array([(2.0, 1.0)], [("y", float), ("x", float)])
    assert given_points(system, records, {}, {}) == {"x": 1.0, "y": 2.0}
    for wrong in ([[1.0, 2.0, 3.0]], {"x": [1.0]}, {"x": [1.0], "y": [1.0], "z": [1.0]}, 1.0):
        with pytest.raises(ArgumentError):
            given_points(system, wrong, {}, {})


def test_what_is_missing_is_drawn_from_its_range(root):
    sample = drawn(root, {}, ranges={"x": (4.0, 5.0)})
    assert set(sample) == {"x", "y", "k"}
    assert all(values.shape == (8,) for values in sample.values())
    assert ((sample["x"] >= 4.0) & (sample["x"] <= 5.0)).all()
    assert ((sample["y"] >= RANGE[0]) & (sample["y"] <= RANGE[1])).all()
    given = drawn(root, {"x": np.array([1.0, 2.0]), "y": np.array(3.0)})
    np.testing.assert_array_equal(given["x"], [1.0, 2.0])
    np.testing.assert_array_equal(given["y"], [3.0, 3.0])


def test_random_points_are_where_the_value_is_finite(root):
    notes: list[str] = []
    sample = drawn(root, {}, count=40, ranges={"x": (-1.0, 1.0)}, notes=notes)
    assert (sample["x"] >= 0).all()
    assert len(sample["x"]) == 40
    assert notes == []
    with pytest.raises(ArgumentError, match="finite at no random point"):
        drawn(root, {}, ranges={"x": (-2.0, -1.0)})


def test_exact_values_have_fifty_digits(root):
    system = read_system(root.recipe)
    sample = {name: np.array([value]) for name, value in (("x", 2.0), ("y", 3.0), ("k", 1.0))}
    ((value,),) = exactly(system, system.outputs.nodes, sample)
    with mpmath.workdps(50):
        assert abs(value - mpmath.sqrt(2) / 3) < 1e-48
