"""zarr stores in and out; what other formats share is in test_columns.py and test_files.py."""

import sys
from pathlib import Path

import numpy as np
import pytest

from symgrad.errors import FileFormatError, MissingDependencyError, ShapeError
from symgrad.interop.files import Layout, writing
from symgrad.interop.points import open_points

zarr = pytest.importorskip("zarr")

LAYOUT = Layout({"value": (), "gradient": (2,)}, {})
VALUE, GRADIENT = np.arange(7.0), np.arange(14.0).reshape(7, 2)


def collect(points, size=3):
    blocks = list(points.blocks(size))
    assert all(len(block) <= size for block in blocks)
    return np.concatenate(blocks) if blocks else np.empty((0, len(points.inputs)))


def write(path, *cuts, overwrite=False):
    with writing(path, LAYOUT, overwrite=overwrite) as add:
        for value, gradient in zip(np.split(VALUE, cuts), np.split(GRADIENT, cuts), strict=True):
            add({"value": value, "gradient": gradient})


def test_one_array_holds_the_inputs_in_order(tmp_path):
    zarr.create_array(tmp_path / "p.zarr", data=GRADIENT, chunks=(4, 1))
    points = open_points(tmp_path / "p.zarr", ["x", "y"])
    assert points.count == 7
    assert np.array_equal(collect(points), GRADIENT)
    with pytest.raises(ShapeError, match=r"need \(N, 3\)"):
        open_points(tmp_path / "p.zarr", ["x", "y", "z"])


def test_a_group_holds_an_array_for_each_name(tmp_path):
    group = zarr.open_group(tmp_path / "p.zarr", mode="w")
    for name, column in (("y", VALUE + 1), ("x", VALUE), ("k", -VALUE), ("id", VALUE)):
        group.create_array(name, data=column)
    points = open_points(tmp_path / "p.zarr", ["x", "y"], ["k"])
    assert (points.parameters, points.unused) == (("k",), ("id",))
    assert np.array_equal(collect(points), np.stack([VALUE, VALUE + 1, -VALUE], 1))


@pytest.mark.parametrize("cuts", [(), (3,), (0, 3, 6), (2, 2, 7)])
def test_results_come_back(tmp_path, cuts):
    write(tmp_path / "r.zarr", *cuts)
    group = zarr.open(tmp_path / "r.zarr", mode="r")
    assert np.array_equal(group["value"][:], VALUE)
    assert np.array_equal(group["gradient"][:], GRADIENT)
    # The results are points again.
    assert np.array_equal(collect(open_points(tmp_path / "r.zarr", ["value"])), VALUE[:, None])


def test_results_of_no_points_have_their_shapes(tmp_path):
    with writing(tmp_path / "r.zarr", LAYOUT):
        pass
    assert zarr.open(tmp_path / "r.zarr", mode="r")["gradient"].shape == (0, 2)
    assert collect(open_points(tmp_path / "r.zarr", ["value"])).shape == (0, 1)


def test_a_store_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "r.zarr"
    write(path)
    (path / "value" / "mine.txt").write_text("of the old store")
    with pytest.raises(FileFormatError, match="exists already"):
        write(path)
    with pytest.raises(KeyError), writing(path, LAYOUT, overwrite=True):
        raise KeyError
    assert (path / "value" / "mine.txt").exists()
    write(path, 2, overwrite=True)
    assert not (path / "value" / "mine.txt").exists()
    assert np.array_equal(zarr.open(path, mode="r")["value"][:], VALUE)
    assert [entry.name for entry in tmp_path.iterdir()] == ["r.zarr"]


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "r.zarr").mkdir()
    (tmp_path / "r.zarr" / "thesis.tex").write_text("years of work")
    with pytest.raises(FileFormatError, match="not a regular file"):
        write(tmp_path / "r.zarr", overwrite=True)
    assert (tmp_path / "r.zarr" / "thesis.tex").exists()


def test_damage_is_named(tmp_path):
    path = tmp_path / "p.zarr"
    with pytest.raises(FileFormatError, match="no such file"):
        open_points(path, ["x"])
    write(path)
    (path / "value" / "c" / "0").write_bytes(b"no numbers")
    with pytest.raises(FileFormatError, match="cannot be read"):
        collect(open_points(path, ["value"]))
    (path / "zarr.json").write_text("{ no json")
    with pytest.raises(FileFormatError, match="cannot be read"):
        open_points(path, ["x"])


def test_the_old_store_stays_where_it_cannot_be_replaced(tmp_path, monkeypatch):
    path, replace = tmp_path / "r.zarr", Path.replace
    write(path)
    wrong = []

    def once(self, target):
        if target == path and not wrong:
            wrong.append(self)
            raise OSError("no space")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", once)
    with pytest.raises(OSError, match="no space"):
        write(path, 2, overwrite=True)
    assert np.array_equal(zarr.open(path, mode="r")["value"][:], VALUE)


def test_zarr_may_be_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "zarr", None)
    monkeypatch.delitem(sys.modules, "symgrad.interop.zarr", raising=False)
    monkeypatch.delattr("symgrad.interop.zarr", raising=False)
    with pytest.raises(MissingDependencyError, match=r"symgrad\[io\]"):
        open_points(tmp_path / "p.zarr", ["x"])
