"""parquet files in and out; what other formats share is in test_points.py and test_files.py."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from symgrad.errors import DtypeError, FileFormatError, MissingDependencyError
from symgrad.interop.files import Layout, writing
from symgrad.interop.points import open_points

pytest.importorskip("pyarrow")

import pyarrow as pa
import pyarrow.parquet as pq


def table(path, **columns):
    pq.write_table(pa.table(columns), path, row_group_size=4)


def test_points_come_in_blocks_with_columns_in_the_wanted_order(tmp_path):
    path = tmp_path / "points.parquet"
    y, k = np.arange(10.0), np.arange(10)
    table(path, y=y, text=["a"] * 10, k=k, x=-y.astype(np.float32))
    points = open_points(path, ["x", "y"], ["k"])
    assert (points.count, points.parameters, points.unused) == (10, ("k",), ("text",))
    blocks = list(points.blocks(3))
    assert all(len(block) <= 3 for block in blocks)
    np.testing.assert_array_equal(np.concatenate(blocks), np.stack([-y, y, k], 1))


def test_what_is_missing_is_nan_and_booleans_are_numbers(tmp_path):
    path = tmp_path / "points.parquet"
    table(path, x=[1.0, None], y=[True, False])
    (block,) = open_points(path, ["x", "y"]).blocks(10)
    np.testing.assert_array_equal(block, [[1, 1], [np.nan, 0]])


def test_results_come_back(tmp_path):
    path = tmp_path / "result.parquet"
    layout = Layout({"value": (), "gradient": (2,)}, {"value": ["f"], "gradient": ["f_x", "f_y"]})
    value, gradient = np.arange(5.0), np.arange(10.0).reshape(5, 2)
    with writing(path, layout) as write:
        write({"value": value[:3], "gradient": gradient[:3]})
        write({"value": value[:0], "gradient": gradient[:0]})
        write({"value": value[3:], "gradient": gradient[3:]})
    read = pq.read_table(path)
    assert read.column_names == ["f", "f_x", "f_y"]
    np.testing.assert_array_equal(read["f_y"], gradient[:, 1])
    with pytest.raises(FileFormatError, match="exists already"), writing(path, layout):
        pass


def test_errors(tmp_path, monkeypatch):
    path = tmp_path / "points.parquet"
    table(path, x=["a", "b"])
    with pytest.raises(DtypeError, match="column x holds string"):
        list(open_points(path, ["x"]).blocks(10))
    with pytest.raises(FileFormatError, match="no column for z"):
        open_points(path, ["z"])
    path.write_bytes(b"PAR1 and nothing else")
    with pytest.raises(FileFormatError, match="cannot be read"):
        open_points(path, ["x"])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "symgrad.interop.parquet", raising=False)
    monkeypatch.delattr("symgrad.interop.parquet", raising=False)
    with pytest.raises(MissingDependencyError, match=r"symgrad\[io\]"):
        open_points(path, ["x"])
