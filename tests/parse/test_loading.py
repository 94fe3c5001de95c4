"""SymPy is imported only once one of its objects is seen."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction

import pytest
import sympy

from symgrad.ir.expression import symbol
from symgrad.parse.loading import is_sympy, sympy_reader


class Foreign:
    """An object of another library that says what it is in SymPy."""

    def _sympy_(self) -> sympy.Symbol:
        return sympy.Symbol("x")


@pytest.mark.parametrize(
    "value",
    [
        *(sympy.Symbol("x"), sympy.Integer(1), sympy.Matrix([1]), sympy.Array([1]), sympy.true),
        *(sympy.Function("f")(sympy.Symbol("t")), sympy.Tuple(), sympy.Dummy(), Foreign()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_sympy_objects_are_known(value: object) -> None:
    assert is_sympy(value)


@pytest.mark.parametrize("value", [1, 1.0, Fraction(1, 2), "x", symbol("x"), [], None, int])
def test_other_objects_are_none(value: object) -> None:
    assert not is_sympy(value)


def test_text_alone_imports_no_sympy() -> None:
    code = (
        "import sys; from symgrad.parse.outputs import parse_outputs;"
        "parse_outputs('x**2', 'x'); assert 'sympy' not in sys.modules, 'imported'"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_reader_is_the_module_of_sympy_expressions() -> None:
    assert sympy_reader().__name__ == "symgrad.parse.sympy_expressions"
