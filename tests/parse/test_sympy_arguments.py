"""SymPy objects as variables and sequences, and what ``sympy.cse`` returns."""

from __future__ import annotations

from typing import Any

import pytest
import sympy as sp

from symgrad.errors import ArgumentError, LimitError, UnsupportedExpressionError
from symgrad.parse.sympy_arguments import elements, identify, is_cse, native, shown

x, y, k = sp.symbols("x y k")


def test_large_objects_are_shown_by_their_head() -> None:
    assert shown(x + y) == "x + y"
    assert shown(sp.Add(*[x**i for i in range(100)])) == "Add(...)"
    assert shown(sp.Integer(10) ** 5000 * x) == "Mul(...)"
    assert shown([1]) == "[1]"


class Foreign:
    """An object of another library that says what it is in SymPy."""

    def _sympy_(self) -> Any:
        return sp.sin(x)


def test_an_object_that_says_what_it_is_in_sympy() -> None:
    assert native(Foreign()) == sp.sin(x)
    assert native(x) is x


def test_elements_of_sequences() -> None:
    a = sp.MatrixSymbol("A", 1, 2)
    assert elements(sp.Tuple(x, y)) == [x, y]
    assert elements(sp.Matrix([[x, y]])) == [[x, y]]
    assert elements(sp.SparseMatrix(2, 1, {(0, 0): x})) == [[x], [0]]
    assert elements(a) == [[a[0, 0], a[0, 1]]]
    assert elements(2 * a) == [[2 * a[0, j] for j in range(2)]]
    assert elements(sp.BlockMatrix([[sp.Matrix([x]), sp.Matrix([y])]])) == [[x, y]]
    assert elements(sp.MatrixSymbol("A", k, 2)) is None
    assert elements(x) is None


def test_an_indexed_base_with_a_shape_is_its_elements() -> None:
    v, m = sp.IndexedBase("v", shape=(3,)), sp.IndexedBase("m", shape=(2, 3))
    assert elements(v) == [v[0], v[1], v[2]]
    assert elements(m) == [[m[i, j] for j in range(3)] for i in range(2)]
    assert elements(sp.IndexedBase("v")) is None
    assert elements(sp.IndexedBase("v", shape=(k,))) is None


def test_arrays_given_by_a_huge_shape_are_refused() -> None:
    with pytest.raises(LimitError, match=r"\(1000, 1000\) has more than 100000 entries"):
        elements(sp.MatrixSymbol("A", 1000, 1000))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (sp.IndexedBase("v"), r"IndexedBase\('v', shape=\(3,\)\), or list v\[0\]"),
        (sp.MatrixSymbol("A", k, 2), r"the matrix A of shape \(k, 2\).*integer sizes"),
        (x + 1, "of SymPy's type Add"),
        (sp.I, "of SymPy's type ImaginaryUnit"),
    ],
    ids=str,
)
def test_what_is_no_variable_says_what_to_write(value: Any, words: str) -> None:
    with pytest.raises(ArgumentError, match=f"input is .*{words}"):
        identify(value, "input")


def test_what_cse_returns_is_recognised() -> None:
    two = [sp.sin(x + y), sp.cos(x + y)]
    assert is_cse(sp.cse([sp.sin(x + y) + x + y]))
    assert is_cse(sp.cse([x]))
    assert is_cse(sp.cse(two, symbols=sp.numbered_symbols(cls=sp.Dummy)))
    assert is_cse(sp.cse(sum(two), list=False))
    assert is_cse(sp.cse(sp.Matrix(two), list=False))
    assert not is_cse(([(x, y)], [(x, y)]))
    assert not is_cse(([(x, y)], []))
    assert not is_cse([[(x, y)], [x]])
    assert not is_cse((x, y))
    assert not is_cse(([(x + 1, y)], [x]))


def test_a_matrix_as_a_subexpression_of_cse_is_refused() -> None:
    a, b = sp.MatrixSymbol("A", 2, 2), sp.MatrixSymbol("x0", 2, 2)
    with pytest.raises(UnsupportedExpressionError, match=r"has put x0 for .*as_explicit"):
        is_cse(([(b, a * a)], [b + b.T]))
