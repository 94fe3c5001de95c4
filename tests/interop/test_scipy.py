"""CSR matrices of sparse results."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import symgrad as sg
from symgrad.errors import ArgumentError, ShapeError
from symgrad.runtime.sparsity import Sparsity

sparse = pytest.importorskip("scipy.sparse")
from symgrad.interop.scipy import to_csr  # noqa: E402 - only where SciPy is installed

HESSIAN = Sparsity((3, 3), np.array([[0, 0], [2, 0], [2, 1], [2, 2]]), 2)
JACOBIAN = Sparsity((2, 2, 3), np.array([[0, 0, 1], [0, 1, 0], [0, 1, 2], [1, 1, 1]]), 1)
VALUES = np.arange(1.0, 29.0).reshape(7, 4)


def test_a_batch_gives_a_list_of_matrices_on_one_pattern_without_a_copy():
    made = to_csr(JACOBIAN, VALUES)
    assert len(made) == 7
    for matrix, row in zip(made, VALUES, strict=True):
        assert isinstance(matrix, sparse.csr_array)
        assert np.shares_memory(matrix.data, VALUES)
        assert np.shares_memory(matrix.indices, made[0].indices)
        assert np.shares_memory(matrix.indptr, made[0].indptr)
        np.testing.assert_array_equal(matrix.toarray(), JACOBIAN.dense(row).reshape(4, 3))
        matrix.check_format(full_check=True)


def test_symmetric_entries_are_filled_in_unless_the_stored_ones_are_wanted():
    full, lower = to_csr(HESSIAN, VALUES), to_csr(HESSIAN, VALUES, symmetric=False)
    for both, one, row in zip(full, lower, VALUES, strict=True):
        np.testing.assert_array_equal(both.toarray(), HESSIAN.dense(row))
        np.testing.assert_array_equal(one.toarray(), np.tril(HESSIAN.dense(row)))
    assert np.shares_memory(full[0].indices, full[6].indices)
    assert np.shares_memory(lower[3].data, VALUES)


def test_one_point_gives_one_matrix():
    matrix = to_csr(HESSIAN, VALUES[2])
    np.testing.assert_array_equal(matrix.toarray(), HESSIAN.dense(VALUES[2]))
    assert len(to_csr(HESSIAN, VALUES[:1])) == 1
    assert to_csr(HESSIAN, VALUES[:0]) == []


def test_points_last_and_batches_of_several_axes():
    batch = VALUES[:6].reshape(2, 3, 4)
    for made in (to_csr(HESSIAN, batch), to_csr(HESSIAN, np.moveaxis(batch, -1, 0), last=True)):
        for matrix, row in zip(made, VALUES, strict=False):
            np.testing.assert_array_equal(matrix.toarray(), HESSIAN.dense(row))
        assert len(made) == 6


def test_one_block_diagonal_matrix():
    made = to_csr(JACOBIAN, VALUES, block_diagonal=True)
    made.check_format(full_check=True)
    expected = sparse.block_diag([JACOBIAN.dense(row).reshape(4, 3) for row in VALUES])
    np.testing.assert_array_equal(made.toarray(), expected.toarray())
    assert np.shares_memory(made.data, VALUES)
    symmetric = to_csr(HESSIAN, VALUES, block_diagonal=True)
    assert symmetric.shape == (21, 21)
    np.testing.assert_array_equal(symmetric.toarray(), symmetric.toarray().T)
    assert to_csr(HESSIAN, VALUES[:0], block_diagonal=True).shape == (0, 0)


def test_the_shared_pattern_is_protected():
    first, second = to_csr(JACOBIAN, np.zeros((2, 4)))
    with pytest.raises(ValueError, match="read-only"):
        first.eliminate_zeros()
    own = first.copy()
    own.eliminate_zeros()
    assert own.nnz == 0
    assert second.nnz == 4


def test_matrices_can_be_calculated_with():
    matrix = to_csr(HESSIAN, np.array([4.0, 1.0, 2.0, 3.0]))
    shifted = (matrix + 5 * sparse.eye_array(3)).tocsc()
    from scipy.sparse.linalg import splu

    solved = splu(shifted).solve(np.ones(3))
    np.testing.assert_allclose(shifted @ solved, np.ones(3), rtol=1e-12)


def test_matrices_keep_the_dtype():
    assert to_csr(HESSIAN, VALUES.astype(np.float32))[0].dtype == np.float32


def test_values_of_another_length_are_refused():
    with pytest.raises(ShapeError, match=r"\(\*batch, 4\) is needed"):
        to_csr(HESSIAN, np.zeros((4, 5)))


@pytest.mark.parametrize("batch_axis", [0, -1])
def test_the_function_makes_its_own_matrices(batch_axis):
    fn = sg.compile(
        ["x*y", "z**2"], "x y z", ["value", "jacobian", "hessian"], sparse=True,
        batch_axis=batch_axis,
    )  # fmt: skip
    points = np.random.default_rng(1).random((5, 3))
    result = fn(points if batch_axis == 0 else points.T)
    for (x, y, z), matrix in zip(points, fn.to_scipy("jacobian", result.jacobian), strict=True):
        np.testing.assert_array_equal(matrix.toarray(), [[y, x, 0], [0, 0, 2 * z]])
    stacked = [[0, 1, 0], [1, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 2]]
    for matrix in fn.to_scipy("hessian", result.hessian):
        np.testing.assert_array_equal(matrix.toarray(), stacked)
    lower = fn.to_scipy("hessian", result.hessian, symmetric=False)[0]
    np.testing.assert_array_equal(lower.toarray(), np.tril(stacked))
    block = fn.to_scipy("jacobian", result.jacobian, block_diagonal=True)
    assert block.shape == (10, 15)
    with pytest.raises(ArgumentError, match=r"'value' is no sparse result.*jacobian, hessian"):
        fn.to_scipy("value", result.value)


def test_a_dense_function_says_how_to_become_sparse():
    fn = sg.compile("x*y", "x y", "hessian")
    with pytest.raises(ArgumentError, match=r"those are: none.*sparse=True"):
        fn.to_scipy("hessian", fn([1.0, 2.0]))


PROBE = """
import sys
sys.modules["scipy"] = None
import symgrad as sg
from symgrad.errors import MissingDependencyError
fn = sg.compile("x*y", "x y", "hessian", sparse=True, cache=False)
try:
    fn.to_scipy("hessian", fn([1.0, 2.0]))
except MissingDependencyError as error:
    print(error)
"""


def test_without_scipy_there_is_a_cure():
    done = subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, text=True, check=True, timeout=120
    )
    assert "pip install symgrad[scipy]" in done.stdout
