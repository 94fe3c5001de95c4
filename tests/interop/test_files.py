"""Results on disk: what is written reads back, and nothing half-done is ever left."""

import csv
import io
import os
import zipfile

import numpy as np
import pytest

from symgrad.errors import FileFormatError, OptionError
from symgrad.interop.files import WRITERS, Layout, check_target, suffix_of, write_file, writing

SHAPES = {"value": (), "hessian": (2, 3)}
LABELS = {"value": ["value"], "hessian": [f"h{i}{j}" for i in range(2) for j in range(3)]}
LAYOUT = Layout(SHAPES, LABELS)


def block(rows, start=0):
    value = np.arange(start, start + rows) / 7.0
    hessian = np.arange(6 * start, 6 * (start + rows)).reshape(rows, 2, 3) / 3.0
    return {"value": value, "hessian": hessian}


def write_in_blocks(path, sizes, layout=LAYOUT, **options):
    start = 0
    with writing(path, layout, **options) as write:
        for rows in sizes:
            results = block(rows, start)
            write({name: results[name] for name in layout.shapes})
            start += rows
    return block(start)


def write_and_fail(path, layout, error, **options):
    with writing(path, layout, **options) as write:
        write({name: block(3)[name] for name in layout.shapes})
        raise error


@pytest.mark.parametrize("sizes", [(), (5,), (3, 4, 1)])
def test_npz_holds_every_result_whatever_the_blocks(tmp_path, sizes):
    expected = write_in_blocks(tmp_path / "r.npz", sizes)
    with np.load(tmp_path / "r.npz") as archive:
        assert sorted(archive) == ["hessian", "value"]
        for name, array in expected.items():
            assert archive[name].shape == (sum(sizes), *SHAPES[name])
            assert np.array_equal(archive[name], array)


@pytest.mark.parametrize("sizes", [(), (5,), (3, 4, 1)])
@pytest.mark.parametrize("name", ["value", "hessian"])
def test_npy_holds_one_result(tmp_path, sizes, name):
    layout = Layout({name: SHAPES[name]}, {name: LABELS[name]})
    expected = write_in_blocks(tmp_path / "r.npy", sizes, layout)
    read = np.load(tmp_path / "r.npy")
    assert read.shape == (sum(sizes), *SHAPES[name])
    assert np.array_equal(read, expected[name])


def test_npy_header_can_grow_to_many_points(tmp_path):
    layout = Layout({"value": ()}, {"value": ["value"]})
    write_in_blocks(tmp_path / "r.npy", [1] * 12_345, layout)
    assert np.load(tmp_path / "r.npy", mmap_mode="r").shape == (12_345,)


def test_csv_has_a_column_for_each_entry_and_exact_digits(tmp_path):
    expected = write_in_blocks(tmp_path / "r.csv", (3, 2))
    rows = list(csv.reader((tmp_path / "r.csv").read_text().splitlines()))
    assert rows[0] == ["value", "h00", "h01", "h02", "h10", "h11", "h12"]
    read = np.array(rows[1:], dtype=float)
    assert np.array_equal(read[:, 0], expected["value"])
    assert np.array_equal(read[:, 1:].reshape(5, 2, 3), expected["hessian"])


def test_csv_of_float32_has_short_digits():
    stream = io.StringIO()
    with writing(stream, Layout({"value": ()}, {"value": ["v"]}, np.float32)) as write:
        write({"value": np.array([0.1, -np.inf, np.nan], dtype=np.float32)})
    assert stream.getvalue() == "v\n0.1\n-inf\nnan\n"


def test_float32_stays_float32(tmp_path):
    with writing(tmp_path / "r.npz", Layout({"value": ()}, {}, np.float32)) as write:
        write({"value": np.array([0.5], dtype=np.float32)})
    with np.load(tmp_path / "r.npz") as archive:
        assert archive["value"].dtype == np.float32


def test_equal_results_make_equal_files(tmp_path):
    for name in ("a.npz", "b.npz"):
        write_in_blocks(tmp_path / name, (4, 4))
    write_in_blocks(tmp_path / "c.npz", (8,))
    contents = {(tmp_path / name).read_bytes() for name in ("a.npz", "b.npz", "c.npz")}
    assert len(contents) == 1
    assert zipfile.ZipFile(tmp_path / "a.npz").testzip() is None


@pytest.mark.parametrize("suffix", [".npz", ".csv", ".npy"])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_nothing_is_left_after_an_error(tmp_path, suffix, error):
    layout = Layout({"value": ()}, {"value": ["value"]})
    target = tmp_path / f"r{suffix}"
    with pytest.raises(error):
        write_and_fail(target, layout, error)
    assert list(tmp_path.iterdir()) == []


def test_the_old_file_stays_after_an_error(tmp_path):
    write_in_blocks(tmp_path / "r.npz", (3,))
    before = (tmp_path / "r.npz").read_bytes()
    with pytest.raises(RuntimeError):
        write_and_fail(tmp_path / "r.npz", LAYOUT, RuntimeError, overwrite=True)
    assert (tmp_path / "r.npz").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["r.npz"]


def test_overwriting_needs_leave(tmp_path):
    write_in_blocks(tmp_path / "r.npz", (3,))
    with pytest.raises(FileFormatError, match="exists already"):
        write_in_blocks(tmp_path / "r.npz", (4,))
    write_in_blocks(tmp_path / "r.npz", (4,), overwrite=True)
    with np.load(tmp_path / "r.npz") as archive:
        assert len(archive["value"]) == 4


def test_a_link_is_written_through(tmp_path):
    write_in_blocks(tmp_path / "r.npz", (3,))
    (tmp_path / "link.npz").symlink_to("r.npz")
    write_in_blocks(tmp_path / "link.npz", (4,), overwrite=True)
    assert (tmp_path / "link.npz").is_symlink()
    with np.load(tmp_path / "r.npz") as archive:
        assert len(archive["value"]) == 4


def test_permissions_follow_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        write_in_blocks(tmp_path / "r.npz", (1,))
    finally:
        os.umask(before)
    assert (tmp_path / "r.npz").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("r.npy", OptionError, "npy holds one array, and there are 2 results"),
        ("r.txt", FileFormatError, r"\.npy, \.npz, \.csv"),
        ("r", FileFormatError, "suffix"),
        ("missing/r.npz", FileFormatError, "no folder"),
    ],
)
def test_targets_refused_beforehand(tmp_path, name, error, message):
    with pytest.raises(error, match=message):
        check_target(tmp_path / name, SHAPES)


def test_a_folder_is_no_target(tmp_path):
    (tmp_path / "r.npz").mkdir()
    with pytest.raises(FileFormatError, match="not a regular file"):
        check_target(tmp_path / "r.npz", SHAPES, overwrite=True)


def test_suffixes_are_read_in_small_letters():
    assert suffix_of("A.NPZ", WRITERS) == ".npz"


def test_text_is_written_whole(tmp_path):
    write_file(tmp_path / "kernel.py", "x = 1\n")
    assert (tmp_path / "kernel.py").read_text() == "x = 1\n"
    with pytest.raises(FileFormatError, match="exists already"):
        write_file(tmp_path / "kernel.py", "x = 2\n")
    write_file(tmp_path / "kernel.py", "x = 3\n", overwrite=True)
    assert (tmp_path / "kernel.py").read_text() == "x = 3\n"
    with pytest.raises(UnicodeEncodeError):
        write_file(tmp_path / "kernel.py", "\ud800", overwrite=True)
    assert (tmp_path / "kernel.py").read_text() == "x = 3\n"
    assert [path.name for path in tmp_path.iterdir()] == ["kernel.py"]


def test_a_result_without_entries(tmp_path):
    layout = Layout({"value": (), "hessian": (0,)}, {"value": ["value"], "hessian": []})
    path = tmp_path / "r.csv"
    with writing(path, layout) as write:
        write({"value": np.array([1.0, 2.0]), "hessian": np.empty((2, 0))})
    assert path.read_text() == "value\n1.0\n2.0\n"
