"""Which columns are wanted: what every format of points shares."""

import numpy as np
import pytest

from symgrad.errors import DtypeError, FileFormatError, ShapeError
from symgrad.interop.columns import Wanted, listed, reported

WANTED = Wanted("points.file", ("x", "y"), ("c", "k"))


def test_columns_come_in_the_wanted_order():
    points = WANTED.pick(["k", "y", "id", "x"], 3, lambda size, order: iter([(size, order)]))
    assert (points.inputs, points.parameters, points.unused) == (("x", "y"), ("k",), ("id",))
    assert list(points.blocks(7)) == [(7, (3, 1, 0))]


def test_a_column_may_be_missing_or_there_twice():
    with pytest.raises(FileFormatError, match=r"points\.file has no column for y"):
        WANTED.pick(["x", "z"], None, lambda *_: iter(()))
    with pytest.raises(FileFormatError, match="several columns called k"):
        WANTED.pick(["x", "y", "k", "k"], None, lambda *_: iter(()))
    # What nobody asks for may be there as often as it likes.
    assert WANTED.pick(["x", "y", "z", "z"], None, lambda *_: iter(())).unused == ("z", "z")


def rows_of(arrays):
    def blocks(name, size):
        array = arrays[name].reshape(len(arrays[name]), -1)
        return (array[start : start + size] for start in range(0, len(array), size))

    return blocks


@pytest.mark.parametrize("by_name", [False, True])
def test_arrays_are_one_of_all_inputs_or_one_for_each(by_name):
    table = np.arange(10.0).reshape(5, 2)
    inputs = {"x": table[:, 0], "y": table[:, 1]} if by_name else {"points": table}
    arrays = {"k": table[:, 0] + 10, **inputs, "other": np.zeros(3)}
    points = WANTED.pick_arrays(arrays, rows_of(arrays))
    assert (points.count, points.parameters, points.unused) == (5, ("k",), ("other",))
    expected = np.column_stack([table, table[:, 0] + 10])
    assert np.array_equal(np.concatenate(list(points.blocks(2))), expected)


def test_one_array_is_checked():
    with pytest.raises(ShapeError, match=r"the inputs x, y need \(N, 2\)"):
        WANTED.pick_array(np.zeros((3, 3)), lambda _: iter(()))
    with pytest.raises(DtypeError, match="complex128"):
        WANTED.pick_array(np.zeros((3, 2), complex), lambda _: iter(()))


def test_long_lists_of_names_are_cut():
    assert listed([]) == "none"
    assert listed(["x", "y"]) == "x, y"
    assert listed([f"x{i}" for i in range(20)]).endswith("x11 and 8 more")


def test_what_libraries_raise_names_the_file():
    with pytest.raises(FileFormatError, match=r"f\.npy: there is no such file"), reported("f.npy"):
        raise FileNotFoundError
    with pytest.raises(FileFormatError, match="cannot be read: bad"), reported("f.npy"):
        raise ValueError("bad")
