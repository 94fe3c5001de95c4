"""Arrays in and out, without any kernel."""

from __future__ import annotations

import numpy as np
import pytest

from symgrad.errors import ArgumentError, DtypeError, LimitError, ShapeError
from symgrad.runtime import arrays
from symgrad.runtime.arrays import (
    Columns,
    allocate,
    as_array,
    check_apart,
    check_out,
    flat_view,
    parameter_columns,
    points_from_columns,
    points_from_table,
    repeated,
    result_shape,
)

DOUBLE, SINGLE = np.dtype("float64"), np.dtype("float32")


@pytest.mark.parametrize(
    "value",
    [
        1,
        2.5,
        [1, 2],
        [[1.0, 2.0], [3.0, 4.0]],
        np.float32(3),
        np.arange(3, dtype=np.uint8),
        np.array([True, False]),
        np.zeros((0, 3)),
        (1, np.float64(2)),
    ],
)
@pytest.mark.parametrize("dtype", [DOUBLE, SINGLE])
def test_real_values_become_arrays(value, dtype):
    array = as_array("X", value, dtype)
    assert isinstance(array, np.ndarray)
    np.testing.assert_array_equal(array.astype(dtype), np.asarray(value, dtype))


def test_an_array_is_handed_on_as_it_is():
    given = np.arange(3.0)
    assert as_array("X", given, DOUBLE) is given


@pytest.mark.parametrize(
    "value",
    [1j, np.ones(2, complex), "1.0", ["a"], None, [1, None], [[1, 2], [3]], np.array("2020", "M8"),
     object(), 10**400, b"1", {"x": 1}],
    ids=repr,
)  # fmt: skip
def test_what_is_not_real_is_refused_by_name(value):
    with pytest.raises(DtypeError, match=r"input 'x' (has dtype|is ragged)") as error:
        as_array("input 'x'", value, DOUBLE)
    assert "give numpy.asarray(..., " in str(error.value) or "equal length" in str(error.value)


def test_a_mask_is_not_lost():
    masked = np.ma.masked_array([1.0, 2.0], [False, True])
    with pytest.raises(DtypeError, match=r"X is a masked array.*X.filled\(nan\)"):
        as_array("X", masked, DOUBLE)
    np.testing.assert_array_equal(as_array("X", np.ma.masked_array([1.0, 2.0]), DOUBLE), [1, 2])


def test_results_that_would_overwrite_each_other_are_refused():
    memory = np.zeros((5, 3))
    check_apart({"a": memory[:, :1], "b": memory[:, 1:], "c": np.zeros(3)})
    with pytest.raises(ArgumentError, match="out for 'b' shares memory with out for 'a'"):
        check_apart({"a": memory[:, 0], "b": memory})


def test_the_error_of_a_dtype_names_both_dtypes():
    with pytest.raises(
        DtypeError, match=r"complex128.*float32.*numpy\.asarray\(\.\.\., 'float32'\)"
    ):
        as_array("X", 1j, SINGLE)


@pytest.mark.parametrize(
    ("shape", "columns", "axis", "batch"),
    [
        ((5, 2), 2, 0, (5,)),
        ((2,), 2, 0, ()),
        ((4, 3, 2), 2, 0, (4, 3)),
        ((0, 2), 2, 0, (0,)),
        ((2, 5), 2, -1, (5,)),
        ((2,), 2, -1, ()),
        ((2, 4, 3), 2, -1, (4, 3)),
        ((5,), 1, 0, (5,)),
        ((), 1, 0, ()),
        ((5, 1), 1, 0, (5,)),
        ((4, 3, 1), 1, 0, (4, 3)),
        ((5,), 1, -1, (5,)),
        ((1, 5), 1, -1, (5,)),
    ],
)
def test_a_table_gives_its_batch_and_a_view_of_points_by_columns(shape, columns, axis, batch):
    table = np.arange(np.prod(shape), dtype=float).reshape(shape)
    found, made = points_from_table("X", table, columns, axis)
    assert found == batch
    count = int(np.prod(batch))
    assert made.table.shape == (count, columns)
    assert np.shares_memory(made.table, table) or not count
    expected = table if axis == 0 or columns == 1 else np.moveaxis(table, 0, -1)
    np.testing.assert_array_equal(made.table, expected.reshape(count, columns))


@pytest.mark.parametrize(
    ("shape", "columns", "axis", "needed"),
    [
        ((5, 3), 2, 0, r"\(\*batch, 2\)"),
        ((), 2, 0, r"\(\*batch, 2\)"),
        ((2, 5), 2, 0, r"\(\*batch, 2\)"),
        ((5, 2), 2, -1, r"\(2, \*batch\)"),
        ((5, 4), 1, 0, r"\(\*batch, 1\)"),
    ],
)
def test_a_wrong_shape_is_refused_with_the_right_one(shape, columns, axis, needed):
    with pytest.raises(ShapeError, match=needed) as error:
        points_from_table("X", np.zeros(shape), columns, axis)
    assert str(shape) in str(error.value)


def test_separate_columns_broadcast():
    x, y = np.arange(3.0)[:, None], np.arange(4.0)
    batch, made = points_from_columns(("x", "y"), [x, y])
    assert batch == (3, 4)
    block = made.chunk(0, 12, DOUBLE)
    assert block.shape == (12, 2)
    np.testing.assert_array_equal(block[:, 0].reshape(3, 4), np.broadcast_to(x, (3, 4)))
    np.testing.assert_array_equal(block[:, 1].reshape(3, 4), np.broadcast_to(y, (3, 4)))
    np.testing.assert_array_equal(made.chunk(5, 9, DOUBLE), block[5:9])


def test_separate_columns_that_do_not_broadcast_are_shown():
    with pytest.raises(ShapeError, match=r"x: \(3,\), y: \(4,\)"):
        points_from_columns(("x", "y"), [np.zeros(3), np.zeros(4)])


def test_a_column_of_one_entry_stays_one_entry():
    batch, made = points_from_columns(("x", "y"), [np.zeros(1000), np.array(2.0)])
    assert batch == (1000,)
    assert [column.shape for column in made.columns] == [(1000,), (1,)]


def test_parameters_that_are_numbers_become_one_row():
    made = parameter_columns(("k", "j"), {"k": np.array(2), "j": np.array([3.5])}, (7,))
    np.testing.assert_array_equal(made.table, [[2.0, 3.5]])
    block = made.chunk(2, 5, DOUBLE)
    assert block.shape == (3, 2)
    assert block.strides[0] == 0
    np.testing.assert_array_equal(block, [[2.0, 3.5]] * 3)


def test_parameters_along_the_batch_become_columns():
    values = {"k": np.arange(4.0), "j": np.array(3.0)}
    block = parameter_columns(("k", "j"), values, (2, 4)).chunk(0, 8, DOUBLE)
    np.testing.assert_array_equal(block[:, 0], [0, 1, 2, 3, 0, 1, 2, 3])
    np.testing.assert_array_equal(block[:, 1], [3.0] * 8)


@pytest.mark.parametrize("shape", [(3,), (5, 1), (2, 5)])
def test_a_parameter_off_the_batch_is_refused(shape):
    with pytest.raises(ShapeError, match=r"parameter 'k' has shape .*one number.*batch \(5,\)"):
        parameter_columns(("k",), {"k": np.zeros(shape)}, (5,))


@pytest.mark.parametrize("dtype", [DOUBLE, SINGLE])
def test_a_chunk_has_the_wanted_dtype_and_is_aligned(dtype):
    raw = np.zeros(8 * 10 + 1, np.uint8)[1:].view(np.float64).reshape(5, 2)
    assert not raw.flags.aligned
    raw[...] = np.arange(10.0).reshape(5, 2)
    for table in (raw, np.arange(10).reshape(5, 2), np.arange(10, dtype="f4").reshape(5, 2)):
        block = Columns(table).chunk(1, 4, dtype)
        assert block.dtype == dtype
        assert block.flags.aligned
        np.testing.assert_array_equal(block, np.arange(10).reshape(5, 2)[1:4])


def test_a_chunk_of_a_fitting_table_is_no_copy():
    table = np.zeros((9, 2))[::2]
    assert np.shares_memory(Columns(table).chunk(1, 4, DOUBLE), table)


def test_foreign_byte_orders_are_converted():
    table = np.arange(6.0).reshape(3, 2).astype(">f8")
    block = Columns(table).chunk(0, 3, DOUBLE)
    assert block.dtype.isnative
    np.testing.assert_array_equal(block, table)


def test_points_stand_where_the_batch_axis_says():
    assert result_shape((2, 3), (5, 4), 0) == (5, 4, 2, 3)
    assert result_shape((2, 3), (5, 4), -1) == (2, 3, 5, 4)
    assert result_shape((), (), 0) == ()


@pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 5), (0, 4), (70_000, 3)])
@pytest.mark.parametrize("dtype", [DOUBLE, SINGLE])
def test_new_arrays_start_on_a_cache_line(shape, dtype):
    made = allocate(shape, dtype, "value", anywhere=0)
    assert made.shape == shape
    assert made.dtype == dtype
    assert made.flags.c_contiguous
    assert made.ctypes.data % 64 == 0 or not made.size
    made[...] = 1


@pytest.mark.parametrize("points", [1, 512, 513, 5000])
def test_small_new_arrays_start_anywhere(points):
    made = allocate((points,), DOUBLE, "value")
    assert made.shape == (points,)
    assert made.dtype == DOUBLE
    assert (made.base is None) == (made.nbytes <= arrays.SMALL)
    assert made.base is None or made.ctypes.data % 64 == 0


def test_a_row_is_repeated_without_a_copy():
    row = np.array([[1.0, 2.0, 3.0]])
    assert repeated(row, 1) is row
    made = repeated(row, 5)
    assert made.strides == (0, 8)
    assert np.shares_memory(made, row)
    np.testing.assert_array_equal(made, [[1.0, 2.0, 3.0]] * 5)
    assert repeated(row, 0).shape == (0, 3)


def test_a_result_that_does_not_fit_the_memory_says_how_large_it_is(monkeypatch):
    def empty(*_):
        raise MemoryError

    monkeypatch.setattr(arrays.np, "empty", empty)
    with pytest.raises(
        LimitError, match=r"'hessian' of shape \(1000, 9, 9\).* 648,000 bytes.*in p"
    ):
        allocate((1000, 9, 9), DOUBLE, "hessian")


def test_a_result_beyond_all_address_space_is_refused_likewise():
    with pytest.raises(LimitError, match="'hessian'"):
        allocate((2**40, 2**10), DOUBLE, "hessian")


def test_a_result_of_more_bytes_than_an_integer_counts_is_refused_likewise():
    with pytest.raises(LimitError, match="'hessian'"):
        allocate((2**40, 2**40), DOUBLE, "hessian")


def test_results_can_be_written_into_a_fitting_array():
    given = np.empty((4, 3))[::2]
    assert check_out("value", given, (2, 3), DOUBLE) is given


def read_only():
    array = np.empty((2, 3))
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    ("array", "error", "message"),
    [
        ([[0.0] * 3] * 2, ArgumentError, "is list; give a NumPy array"),
        (np.empty((3, 2)), ShapeError, r"\(3, 2\); \(2, 3\) is needed"),
        (np.empty((2, 3), "f4"), DtypeError, "of dtype float64"),
        (np.empty((2, 3), ">f8"), DtypeError, "of dtype float64"),
        (read_only(), DtypeError, "writable"),
        (np.zeros(49, np.uint8)[1:].view("f8").reshape(2, 3), DtypeError, "aligned"),
    ],
    ids=["list", "shape", "dtype", "bytes", "read-only", "misaligned"],
)
def test_an_array_that_cannot_be_written_is_refused(array, error, message):
    with pytest.raises(error, match=f"out for 'value' .*{message}"):
        check_out("value", array, (2, 3), DOUBLE)


@pytest.mark.parametrize(
    ("shape", "axis", "flat"),
    [((5, 2, 3), 0, (5, 6)), ((5, 4, 2), 0, (20, 2)), ((2, 3, 5), -1, (5, 6)), ((5,), 0, (5, 1))],
)
def test_a_contiguous_result_is_seen_as_points_by_entries(shape, axis, flat):
    array = np.zeros(shape)
    view = flat_view(array, flat[1], flat[0], axis)
    assert view.shape == flat
    view[1, -1] = 1.0
    assert array.sum() == 1.0


def test_a_result_without_such_a_view_is_noticed():
    assert flat_view(np.zeros((5, 3, 2)).transpose(0, 2, 1), 6, 5, 0) is None
    assert flat_view(np.zeros((0, 3)), 3, 0, 0).shape == (0, 3)


def test_chunks_are_views_where_nothing_has_to_be_copied():
    table, unaligned = np.zeros((9, 2)), np.zeros(145, np.uint8)[1:].view(float).reshape(9, 2)
    double, single = np.dtype("float64"), np.dtype("float32")
    for columns, dtype, viewed in (
        (Columns(table), double, True),
        (Columns(table[::2, ::-1]), double, True),
        (Columns(table), single, False),
        (Columns(unaligned), double, False),
        (Columns(table[:1]), single, True),
        (Columns(None, (table[:, 0], table[:, 1])), double, False),
    ):
        assert columns.viewed(dtype) == viewed
        if columns.table is not None and len(columns.table) > 1:
            chunk = columns.chunk(2, 4, dtype)
            assert np.shares_memory(chunk, columns.table) == viewed
