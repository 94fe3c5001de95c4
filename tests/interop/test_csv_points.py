"""csv files and streams: what is wrong is said with its line; other formats: test_points.py."""

import io

import numpy as np
import pytest

from symgrad.errors import FileFormatError, ShapeError
from symgrad.interop.points import open_points


def collect(points, size=4):
    return np.concatenate(list(points.blocks(size)))


@pytest.mark.parametrize("header", [[], ["y", "x"]])
def test_standard_input_is_csv(header):
    rows = [[2.0, 1.0], [4.0, 3.0]] if header else [[1.0, 2.0], [3.0, 4.0]]
    lines = [",".join(map(str, row)) for row in ([header] if header else []) + rows]
    points = open_points("-", ["x", "y"], stream=io.StringIO("\n".join(lines)))
    assert np.array_equal(collect(points, 1), [[1.0, 2.0], [3.0, 4.0]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("a,b\n1,2\n", "no column for x, y; its columns are a, b"),
        ("x,x,y\n1,2,3\n", "several columns called x"),
        ("x,y\n1,2\n\n3,oops\n", r"line 4, column y: 'oops' is no number"),
        ("x,y\n1,2\n3,1_0\n", r"line 3, column y: '1_0' is no number"),
        ("x,y\n1,2\n3,\n", r"line 3, column y: '' is no number"),
        ("x,y\n1,2\n3,4,5\n", r"line 3: 3 field\(s\) where 2 belong"),
        ("x,y\n1,2\n3\n", r"line 3: 1 field\(s\) where 2 belong"),
        ("1,2\n1,2\n# note\n3,z\n", r"line 4, column y: 'z' is no number"),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 100])
def test_csv_faults_name_the_line(tmp_path, text, message, size):
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(FileFormatError, match=message):
        collect(open_points(tmp_path / "p.csv", ["x", "y"]), size)
    with pytest.raises(FileFormatError, match=message):
        collect(open_points("-", ["x", "y"], stream=io.StringIO(text)), size)


def test_csv_rows_without_header_need_every_input(tmp_path):
    (tmp_path / "p.csv").write_text("1,2,3\n")
    with pytest.raises(ShapeError, match=r"\(N, 3\); the inputs x, y need \(N, 2\)"):
        open_points(tmp_path / "p.csv", ["x", "y"])


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "p.csv").write_bytes(b"x,y\n\xff\xfe,1\n")
    with pytest.raises(FileFormatError, match="cannot be read"):
        collect(open_points(tmp_path / "p.csv", ["x", "y"]))
