"""Points from files: every format gives the same columns, in blocks, and says what is wrong."""

import tracemalloc

import numpy as np
import pytest

from symgrad.errors import ArgumentError, DtypeError, FileFormatError, OptionError, ShapeError
from symgrad.interop.points import open_points, random_points

COUNT = 11
DATA = np.random.default_rng(5).normal(size=(COUNT, 3))
X, Y, K = DATA.T


def collect(points, size=4):
    blocks = [np.array(block) for block in points.blocks(size)]
    assert all(len(block) <= size for block in blocks)
    width = len(points.inputs) + len(points.parameters)
    assert all(block.shape[1:] == (width,) for block in blocks)
    return np.concatenate(blocks) if blocks else np.empty((0, width))


def write_csv(path, header, columns, delimiter=",", start=""):
    lines = [delimiter.join(header)] if header else []
    lines += [delimiter.join(map(repr, row)) for row in np.column_stack(columns).tolist()]
    path.write_text(start + "\n".join(lines) + "\n", encoding="utf-8")


def npy(path):
    np.save(path, DATA[:, :2])


def npy_fortran(path):
    np.save(path, np.asfortranarray(DATA[:, :2]))


def npy_structured(path):
    record = np.zeros(COUNT, dtype=[("k", "f8"), ("y", "f8"), ("id", "U3"), ("x", "f8")])
    record["x"], record["y"], record["k"] = X, Y, K
    np.save(path, record)


def npz_points(path):
    np.savez(path, points=DATA[:, :2], other=np.ones(3))


def npz_only(path):
    np.savez(path, anything=DATA[:, :2], k=K)


def npz_fortran(path):
    np.savez(path, points=np.asfortranarray(DATA[:, :2]), k=K)


def npz_by_name(path):
    np.savez_compressed(path, y=Y, k=K, x=X[:, None], id=np.array(["a"] * 3))


def csv_header(path):
    write_csv(path, ["k", "y", "x"], [K, Y, X])


def csv_plain(path):
    write_csv(path, [], [X, Y])


def csv_semicolon(path):
    write_csv(path, ["x", "y"], [X, Y], delimiter=";", start="\n# made by hand\n")


def csv_tab_and_mark(path):
    write_csv(path, ["x", "y"], [X, Y], delimiter="\t", start="\ufeff")


def csv_savetxt(path):
    np.savetxt(path, DATA[:, [1, 0]], delimiter=",", header="y,x", fmt="%.17g")


def csv_text_column(path):
    lines = ['"x",id,"y"', *(f'{x!r},"a,b",{y!r}' for x, y in DATA[:, :2].tolist())]
    path.write_text("\n\n".join(lines))


SOURCES = [
    (npy, ".npy", False),
    (npy_fortran, ".npy", False),
    (npy_structured, ".npy", True),
    (npz_points, ".npz", False),
    (npz_only, ".npz", True),
    (npz_fortran, ".npz", True),
    (npz_by_name, ".npz", True),
    (csv_header, ".csv", True),
    (csv_plain, ".csv", False),
    (csv_semicolon, ".csv", False),
    (csv_tab_and_mark, ".csv", False),
    (csv_savetxt, ".csv", False),
    (csv_text_column, ".csv", False),
]


@pytest.mark.parametrize(
    ("make", "suffix", "has_k"), SOURCES, ids=[source[0].__name__ for source in SOURCES]
)
@pytest.mark.parametrize("size", [1, 4, 100])
def test_every_source_gives_the_same_columns(tmp_path, make, suffix, has_k, size):
    path = tmp_path / f"points{suffix}"
    make(path)
    points = open_points(path, ["x", "y"], ["c", "k"])
    assert points.parameters == (("k",) if has_k else ())
    assert points.count == (None if suffix == ".csv" else COUNT)
    assert np.array_equal(collect(points, size), DATA[:, : 2 + has_k])


def test_blocks_can_be_walked_twice(tmp_path):
    csv_header(tmp_path / "p.csv")
    points = open_points(tmp_path / "p.csv", ["x"])
    assert np.array_equal(collect(points), collect(points, 3))


def test_standard_input_needs_a_stream():
    with pytest.raises(ArgumentError, match="text stream"):
        open_points("-", ["x"])


@pytest.mark.parametrize("shape", [(COUNT,), (COUNT, 1)])
def test_one_input_may_have_rank_one(tmp_path, shape):
    np.save(tmp_path / "p.npy", X.reshape(shape))
    np.savez(tmp_path / "p.npz", X.reshape(shape))
    for name in ("p.npy", "p.npz"):
        assert np.array_equal(collect(open_points(tmp_path / name, ["x"])), X[:, None])


def test_unused_columns_are_named(tmp_path):
    npz_by_name(tmp_path / "p.npz")
    assert open_points(tmp_path / "p.npz", ["y"]).unused == ("k", "x", "id")
    csv_header(tmp_path / "p.csv")
    assert open_points(tmp_path / "p.csv", ["y"]).unused == ("k", "x")


@pytest.mark.parametrize("dtype", ["f4", "i8", "u1", ">f8", "?"])
def test_real_dtypes_pass_through(tmp_path, dtype):
    array = np.arange(6).reshape(3, 2).astype(dtype)
    np.save(tmp_path / "p.npy", array)
    np.savez(tmp_path / "p.npz", points=array)
    for name in ("p.npy", "p.npz"):
        assert np.array_equal(collect(open_points(tmp_path / name, ["x", "y"])), array)


def test_files_without_points_are_fine(tmp_path):
    np.save(tmp_path / "p.npy", np.empty((0, 2)))
    np.savez(tmp_path / "p.npz", x=np.empty(0), y=np.empty(0))
    (tmp_path / "p.csv").write_text("x,y\n")
    (tmp_path / "q.csv").write_text("# x,y\n")
    for name in ("p.npy", "p.npz", "p.csv", "q.csv"):
        assert collect(open_points(tmp_path / name, ["x", "y"])).shape == (0, 2)


@pytest.mark.parametrize("name", ["p.npy", "p.npz", "p.csv"])
def test_a_missing_file_is_said_to_be_missing(tmp_path, name):
    with pytest.raises(FileFormatError, match="no such file"):
        open_points(tmp_path / name, ["x"])


@pytest.mark.parametrize("name", ["p.npy", "p.npz"])
@pytest.mark.parametrize("content", [b"", b"no array at all"])
def test_damaged_files_are_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileFormatError, match="cannot be read"):
        open_points(tmp_path / name, ["x"])


def test_a_truncated_npy_is_refused(tmp_path):
    np.save(tmp_path / "p.npy", DATA)
    (tmp_path / "p.npy").write_bytes((tmp_path / "p.npy").read_bytes()[:-8])
    with pytest.raises(FileFormatError, match="cannot be read"):
        open_points(tmp_path / "p.npy", ["x", "y", "z"])


def test_a_damaged_npz_member_is_refused(tmp_path):
    np.savez_compressed(tmp_path / "p.npz", points=DATA)
    data = bytearray((tmp_path / "p.npz").read_bytes())
    data[len(data) // 2] ^= 0xFF
    (tmp_path / "p.npz").write_bytes(data)
    with pytest.raises(FileFormatError, match="cannot be read"):
        collect(open_points(tmp_path / "p.npz", ["x", "y", "z"]))


def test_another_file_that_is_called_npy_is_named_as_such(tmp_path):
    (tmp_path / "p.npy").write_bytes(b"x,y\n1,2\n")
    with pytest.raises(FileFormatError, match=r"p\.npy cannot be read: it is no \.npy file"):
        open_points(tmp_path / "p.npy", ["x"])


def test_pickled_objects_are_never_loaded(tmp_path):
    np.save(tmp_path / "p.npy", np.array([[{}], [1]], dtype=object), allow_pickle=True)
    with pytest.raises(FileFormatError, match="cannot be read"):
        open_points(tmp_path / "p.npy", ["x"])
    np.savez(tmp_path / "p.npz", points=np.array([[{}], [1]], dtype=object))
    with pytest.raises(DtypeError, match="points are real numbers"):
        open_points(tmp_path / "p.npz", ["x"])


def test_complex_points_are_refused(tmp_path):
    np.save(tmp_path / "p.npy", DATA[:, :2] + 0j)
    with pytest.raises(DtypeError, match="complex128"):
        open_points(tmp_path / "p.npy", ["x", "y"])


@pytest.mark.parametrize("shape", [(2,), (3, 3), (3, 2, 1), ()])
def test_wrong_shapes_say_what_is_needed(tmp_path, shape):
    np.save(tmp_path / "p.npy", np.zeros(shape))
    with pytest.raises(ShapeError, match=r"the inputs x, y need \(N, 2\)"):
        open_points(tmp_path / "p.npy", ["x", "y"])


def test_npz_arrays_must_agree(tmp_path):
    np.savez(tmp_path / "p.npz", x=np.zeros(3), y=np.zeros(4))
    with pytest.raises(ShapeError, match="x has 3, y has 4"):
        open_points(tmp_path / "p.npz", ["x", "y"])
    np.savez(tmp_path / "p.npz", x=np.zeros((3, 2)), y=np.zeros(3))
    with pytest.raises(ShapeError, match="x has the shape"):
        open_points(tmp_path / "p.npz", ["x", "y"])
    np.savez(tmp_path / "p.npz", a=np.zeros((3, 2)), b=np.zeros((3, 2)))
    with pytest.raises(FileFormatError, match="has the arrays a, b; it needs one called 'points'"):
        open_points(tmp_path / "p.npz", ["x", "y"])


def test_unknown_suffixes_are_refused(tmp_path):
    with pytest.raises(FileFormatError, match=r"\.npy, \.npz, \.csv"):
        open_points(tmp_path / "p.txt", ["x"])


@pytest.mark.parametrize("suffix", [".csv", ".npz"])
def test_reading_holds_one_block_in_memory(tmp_path, suffix):
    count, size = 200_000, 1_000
    path = tmp_path / f"p{suffix}"
    if suffix == ".npz":
        np.savez_compressed(path, x=np.zeros(count), y=np.zeros(count))
    else:
        path.write_text("x,y\n" + "0,0\n" * count)
    tracemalloc.start()
    try:
        rows = sum(len(block) for block in open_points(path, ["x", "y"]).blocks(size))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert rows == count
    assert peak < 1_000_000, f"{peak} bytes at the peak; all points take {count * 16}"


RANGES = {"x": (-1.0, 1.0), "y": (10.0, 20.0), "k": (0.5, 0.5)}


def test_random_points_depend_on_the_seed_alone():
    def draw(size, seed=3):
        return collect(random_points(1000, ["x", "y"], RANGES, parameters=["k"], seed=seed), size)

    assert np.array_equal(draw(1000), draw(7))
    assert not np.array_equal(draw(1000), draw(1000, seed=4))


def test_random_points_fill_their_ranges():
    x, y, k = collect(random_points(4000, ["x", "y"], RANGES, parameters=["k"]), 999).T
    assert -1 <= x.min() < -0.99 < 0.99 < x.max() < 1
    assert 10 <= y.min() < 10.05 < 19.95 < y.max() < 20
    assert set(k) == {0.5}


def test_random_points_need_finite_ranges():
    with pytest.raises(OptionError, match="a range for y, z"):
        random_points(3, ["x", "y", "z"], {"x": (0, 1)})
    with pytest.raises(OptionError, match="finite"):
        random_points(3, ["x"], {"x": (0, np.inf)})
