"""Sparsity: rows, columns, symmetric entries and dense arrays."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

from symgrad.errors import ShapeError
from symgrad.ir.system import Pattern
from symgrad.runtime.sparsity import INT32_MAX, Sparsity

LOWER = Sparsity((3, 3), np.array([[0, 0], [2, 0], [2, 1], [2, 2]]), 2)
JACOBIAN = Sparsity((2, 2, 3), np.array([[0, 0, 1], [0, 1, 0], [0, 1, 2], [1, 1, 1]]), 1)


def test_a_matrix_has_the_last_axis_as_columns():
    np.testing.assert_array_equal(JACOBIAN.rows, [0, 1, 1, 3])
    np.testing.assert_array_equal(JACOBIAN.cols, [1, 0, 2, 1])
    assert JACOBIAN.matrix_shape == (4, 3)
    assert JACOBIAN.nnz == 4
    np.testing.assert_array_equal(np.stack(JACOBIAN.axes, 1), JACOBIAN.indices)


def test_a_gradient_is_one_row_and_a_number_one_entry():
    gradient = Sparsity((4,), np.array([[1], [3]]), 1)
    assert gradient.matrix_shape == (1, 4)
    np.testing.assert_array_equal(gradient.rows, [0, 0])
    np.testing.assert_array_equal(gradient.cols, [1, 3])
    number = Sparsity((), np.empty((1, 0), int))
    assert number.matrix_shape == (1, 1)
    np.testing.assert_array_equal([number.rows, number.cols], [[0], [0]])
    assert number.axes == ()


def test_the_order_is_that_of_csr():
    indices, indptr = JACOBIAN.csr
    np.testing.assert_array_equal(indices, [1, 0, 2, 1])
    np.testing.assert_array_equal(indptr, [0, 1, 3, 3, 4])
    assert indices.dtype == indptr.dtype == np.int32
    # More columns than 32 bits can name.
    wide = Sparsity((1, INT32_MAX + 5), np.array([[0, INT32_MAX + 2]]))
    assert [part.dtype for part in wide.csr] == [np.int64, np.int64]
    assert wide.csr[0][0] == INT32_MAX + 2


def test_symmetric_entries_of_a_matrix():
    np.testing.assert_array_equal(LOWER.full.rows, [0, 0, 1, 2, 2, 2])
    np.testing.assert_array_equal(LOWER.full.cols, [0, 2, 2, 0, 1, 2])
    np.testing.assert_array_equal(LOWER.source, [0, 1, 2, 1, 2, 3])
    assert LOWER.full.symmetric == 0
    assert LOWER.full.full is LOWER.full


def test_what_is_not_symmetric_is_full():
    assert JACOBIAN.full is JACOBIAN
    np.testing.assert_array_equal(JACOBIAN.source, range(4))


@pytest.mark.parametrize(("lead", "n", "order"), [((), 3, 3), ((2,), 3, 2), ((2, 1), 2, 4)])
def test_all_orders_and_shapes_are_spread_to_symmetric_arrays(lead, n, order):
    rng = np.random.default_rng(3)
    shape = lead + (n,) * order
    stored = [
        (*first, *last)
        for first in product(*map(range, lead))
        for last in product(range(n), repeat=order)
        if list(last) == sorted(last, reverse=True) and rng.random() < 0.6
    ]
    pattern = Sparsity.of(Pattern(shape, order, tuple(stored)))
    values = rng.random((5, len(stored))) + 1
    dense = pattern.dense(values)
    assert dense.shape == (5, *shape)
    np.testing.assert_array_equal(dense[(..., *pattern.axes)], values)
    for axes in permutations(range(order)):
        turned = [0, *range(1, len(lead) + 1), *(1 + len(lead) + axis for axis in axes)]
        np.testing.assert_array_equal(dense.transpose(turned), dense)
    full = pattern.full
    assert full.nnz == np.count_nonzero(dense[0])
    np.testing.assert_array_equal(np.array(full.axes), np.nonzero(dense[0]))
    np.testing.assert_array_equal(dense[(..., *full.axes)], values[..., pattern.source])


def test_an_entry_on_the_diagonal_of_a_high_order_is_one_entry():
    pattern = Sparsity((2,) * 40, np.array([[1] * 40]), 40)
    assert pattern.full.nnz == 1


def test_dense_arrays_with_points_last():
    values = np.arange(8.0).reshape(4, 2)
    dense = LOWER.dense(values, last=True)
    assert dense.shape == (3, 3, 2)
    np.testing.assert_array_equal(dense[2, 1], values[2])
    np.testing.assert_array_equal(dense[1, 2], values[2])
    one = LOWER.dense(values[:, 0], last=True)
    np.testing.assert_array_equal(one, dense[..., 0])


def test_nothing_stored():
    empty = Sparsity((3, 3), np.empty((0, 2), int), 2)
    np.testing.assert_array_equal(empty.dense(np.empty((2, 0))), np.zeros((2, 3, 3)))
    assert empty.full.nnz == len(empty.source) == 0
    np.testing.assert_array_equal(empty.csr[1], np.zeros(4))


@pytest.mark.parametrize(
    ("shape", "last", "wanted"),
    [((5, 3), False, r"\(\*batch, 4\)"), ((), False, "4"), ((3, 4), True, r"\(4, \*batch\)")],
)
def test_values_of_another_length_are_refused(shape, last, wanted):
    with pytest.raises(ShapeError, match=wanted):
        LOWER.dense(np.zeros(shape), last=last)


def test_a_pattern_cannot_be_changed():
    for array in (LOWER.indices, LOWER.rows, LOWER.cols, *LOWER.csr, LOWER.source):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_the_text_says_how_many_entries_of_what():
    assert repr(LOWER) == "<4 entries of an array of shape (3, 3), one of each symmetric set>"
    assert repr(Sparsity((2,), np.array([[1]]), 1)) == "<1 entry of an array of shape (2,)>"
