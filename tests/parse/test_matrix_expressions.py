"""Matrix expressions: every entry against SymPy's own ``as_explicit``."""

from __future__ import annotations

from typing import Any

import pytest
import sympy as sp
from sympy.matrices.expressions import DiagMatrix

from symgrad.errors import LimitError, UnsupportedExpressionError
from symgrad.parse.matrix_expressions import determinant, dot, grid, times, total, trace

n = sp.Symbol("n")
A, B = sp.MatrixSymbol("A", 2, 2), sp.MatrixSymbol("B", 2, 2)
v, w = sp.MatrixSymbol("v", 2, 1), sp.MatrixSymbol("w", 1, 2)
C = sp.MatrixSymbol("C", 3, 3)

EXPRESSIONS = [
    *(A, A + 2 * B, A * B, A.T, A * B * v, 3 * w * A, A - B, -A, (A * B).T, A * A.T * v),
    *(A**0, A**3, A**5, A.I, A**-2, C.I, (A + B).I * v),
    *(sp.HadamardProduct(A, B), sp.HadamardPower(A, 2), sp.KroneckerProduct(A, w)),
    *(sp.Identity(2) + A, A + sp.ZeroMatrix(2, 2), sp.OneMatrix(2, 2) * A, sp.Adjoint(A)),
    *(sp.Matrix([[1, n], [0, 2]]) * A, A[0:1, :], C[::2, 1:], A.applyfunc(sp.sin)),
    *(sp.BlockMatrix([[A, v]]), sp.BlockDiagMatrix(A, B), DiagMatrix(v), n * A),
    sp.FunctionMatrix(2, 2, sp.Lambda((n, sp.Symbol("m")), n + 1)),
]


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
def test_entries_are_sympy_s_own(expression: Any) -> None:
    rows, expected = grid(expression), expression.as_explicit()
    assert (len(rows), len(rows[0])) == expected.shape
    symbols = sorted(sp.Matrix(rows).free_symbols | expected.free_symbols, key=str)
    elements = sorted(sp.Matrix(rows).atoms(sp.matrices.expressions.matexpr.MatrixElement), key=str)
    primes = {e: sp.prime(i + 3) for i, e in enumerate([*elements, *symbols])}
    exact = sp.Matrix(rows).xreplace(primes).doit() - expected.xreplace(primes).doit()
    assert all(sp.simplify(entry) == 0 for entry in exact)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
def test_determinants_of_numbers(size: int) -> None:
    matrix = sp.Matrix(size, size, lambda i, j: (7 * i + 3 * j**2 + i * j) % 11 - 4)
    assert determinant(grid(matrix)) == matrix.det()


def test_inverses_of_numbers() -> None:
    matrix = sp.Matrix(6, 6, lambda i, j: (5 * i + j**2 + i * j) % 13 + 20 * (i == j))
    assert sp.Matrix(grid(sp.ImmutableMatrix(matrix) ** -1)) == matrix.inv()
    inverse = sp.Inverse(sp.ImmutableMatrix(matrix))
    assert sp.Matrix(grid(inverse)) == matrix.inv()


def test_products_are_shared() -> None:
    big = sp.MatrixSymbol("M", 4, 4)
    seen: set[int] = set()
    stack = [entry for row in grid(big**8) for entry in row]
    while stack:
        node = stack.pop()
        if id(node) not in seen:
            seen.add(id(node))
            stack.extend(node.args)
    assert len(seen) < 500  # and not 4**7 terms for every entry


def test_parts_are_kept_in_the_memo() -> None:
    memo: dict[int, Any] = {}
    assert grid(A, memo) is grid(A, memo)


def test_zeros_and_ones_fall_away() -> None:
    assert times(sp.S.Zero, n) == 0
    assert times(n, sp.S.One) is n
    assert times(sp.Integer(2), sp.Integer(3)) == 6
    assert total([sp.S.Zero, n]) is n
    assert total([]) == 0
    assert times(sp.Float(0.0), n) != 0


def test_scalars() -> None:
    assert trace(grid(A)) == A[0, 0] + A[1, 1]
    assert dot(grid(v), grid(w)) == v[0, 0] * w[0, 0] + v[1, 0] * w[0, 1]


def test_depth_does_not_matter() -> None:
    deep = A
    for _ in range(300):
        deep = sp.MatAdd(deep, B, evaluate=False)
    (corner,) = grid(deep)[1][1:]
    assert corner.xreplace({A[1, 1]: sp.Integer(5), B[1, 1]: sp.Integer(2)}) == 605


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (sp.MatrixSymbol("A", n, n), UnsupportedExpressionError, r"has the shape \(n, n\)"),
        (
            sp.MatrixSymbol("A", 2, n) * sp.MatrixSymbol("B", n, 2),
            UnsupportedExpressionError,
            r"the matrix A has the shape \(2, n\); give it integer sizes",
        ),
        (sp.MatPow(A, n), UnsupportedExpressionError, "integer exponents alone"),
        (A**1001, LimitError, "beyond the exponent 1000"),
        (sp.MatrixSymbol("A", 7, 7).I, LimitError, "inverse of a 7 x 7 matrix"),
        (
            sp.MatPow(sp.ImmutableMatrix([[1, 2], [2, 4]]), -1, evaluate=False),
            UnsupportedExpressionError,
            "determinant is 0",
        ),
    ],
    ids=range(6),
)
def test_what_is_not_written_out(value: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        grid(value)


def test_a_large_determinant_is_refused() -> None:
    with pytest.raises(LimitError, match="13 x 13"):
        determinant([[n] * 13] * 13)
