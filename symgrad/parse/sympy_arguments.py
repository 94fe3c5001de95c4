"""SymPy objects as arguments: which stand for variables, which are sequences, how they show."""

from __future__ import annotations

from contextlib import suppress
from itertools import islice, product
from math import prod
from typing import Any

import sympy
from sympy.core.function import AppliedUndef
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.tensor.array.ndim_array import NDimArray

from symgrad.errors import ArgumentError, LimitError, UnsupportedExpressionError
from symgrad.ir.messages import shorten
from symgrad.parse.matrix_expressions import grid

DECLARABLE = (sympy.Symbol, sympy.Indexed, MatrixElement, AppliedUndef, sympy.Derivative)
"""Types whose objects may be declared as variables, as may whatever is ``opaque``."""

MAX_ENTRIES = 100_000
"""Entries of a matrix or an array that is given by its shape alone."""

SHOWN = 40
"""Nodes of an object that a message shows whole."""


def native(value: Any) -> Any:
    """``value`` as SymPy's own object, where another library's says what that is."""
    while not isinstance(value, sympy.Basic) and hasattr(value, "_sympy_"):
        value = value._sympy_()
    return value


def opaque(value: Any) -> bool:
    """Whether a SymPy object is one unknown number: a Symbol, a coordinate, a unit."""
    single = isinstance(value, sympy.core.expr.AtomicExpr) and not value.is_number
    return single and not is_vector(value)


def is_vector(value: Any) -> bool:
    """Whether an object is a vector of SymPy's, with or without coordinates."""
    return hasattr(value, "to_matrix")


def identify(value: Any, place: str) -> tuple[str, Any]:
    """How a variable is known ("symbol" or "object"), and its name or the object.

    Raises:
        ArgumentError: it cannot be a variable.
    """
    value = native(value)
    if isinstance(value, sympy.Symbol) and not isinstance(value, sympy.Dummy):
        if not value.name:
            raise ArgumentError(f"{place} is a Symbol without a name; name it")
        return "symbol", value.name
    if isinstance(value, DECLARABLE) or opaque(value):
        return "object", value
    if isinstance(value, sympy.IndexedBase):
        raise ArgumentError(
            f"{place} is the IndexedBase {shown(value)}, and how many elements it has is not "
            f"known; write IndexedBase({str(value.label)!r}, shape=(3,)), or list "
            f"{value.label}[0], {value.label}[1], ..."
        )
    if isinstance(value, sympy.MatrixExpr):
        raise ArgumentError(
            f"{place} is the matrix {shown(value)} of shape {value.shape}; a variable is a "
            "MatrixSymbol of integer sizes, or an element of one"
        )
    raise ArgumentError(
        f"{place} is {shown(value)}, of SymPy's type {type(value).__name__}; a variable is a "
        "Symbol, a Dummy, an element of an array or a function such as q(t)"
    )


def elements(value: Any) -> list[Any] | None:
    """Elements of a SymPy sequence, rows of a matrix or array; None for a scalar.

    Raises:
        LimitError: a matrix or an array that is given by its shape has too many entries.
    """
    value = native(value)
    if isinstance(value, sympy.Tuple):
        return list(value.args)
    if isinstance(value, sympy.MatrixBase):
        return [list(value[i, :]) for i in range(value.rows)]
    if isinstance(value, NDimArray):
        return list(value) if value.shape else None
    if isinstance(value, sympy.MatrixExpr | sympy.IndexedBase):
        shape = value.shape
        if not shape or not all(sympy.sympify(n).is_Integer for n in shape):
            return None
        counts = [int(n) for n in shape]
        if prod(counts) > MAX_ENTRIES:
            raise LimitError(
                f"{shown(value)} of shape {tuple(counts)} has more than {MAX_ENTRIES} entries"
            )
        if isinstance(value, sympy.MatrixExpr):
            return grid(value)
        return _nested(value, counts)
    return None


def _nested(base: Any, counts: list[int]) -> list[Any]:
    """The elements of an IndexedBase in lists, row-major."""
    level: list[Any] = [base[index] for index in product(*map(range, counts))]
    for count in reversed(counts[1:]):
        level = [level[i : i + count] for i in range(0, len(level), count)]
    return level


def is_cse(value: Any) -> bool:
    """Whether ``value`` is what ``sympy.cse`` returns: pairs of new symbols, and expressions.

    Raises:
        UnsupportedExpressionError: a new symbol stands for a matrix.
    """
    if not (isinstance(value, tuple) and len(value) == 2):
        return False
    pairs, reduced = value
    if not isinstance(pairs, list):
        return False
    results = reduced if isinstance(reduced, list) else [reduced]
    kinds = (sympy.Symbol, sympy.Dummy, sympy.MatrixSymbol)
    if not (
        all(isinstance(p, tuple) and len(p) == 2 and type(p[0]) in kinds for p in pairs)
        and results
        and all(isinstance(e, sympy.Basic | sympy.MatrixBase) for e in results)
    ):
        return False
    for target, matrix in pairs:
        if isinstance(target, sympy.MatrixSymbol):
            raise UnsupportedExpressionError(
                f"cse() has put {target} for the matrix {shown(matrix)}; call it on matrices that "
                "are written out, as in cse(expression.as_explicit())"
            )
    return True


def shown(value: Any) -> str:
    """A short text of a SymPy object; only its head where it is large or deeply nested."""
    if not isinstance(value, sympy.Basic):
        return shorten(repr(value))
    stack, count = [value], 0
    while stack and count <= SHOWN:
        stack.extend(islice(stack.pop().args, SHOWN + 1))
        count += 1
    if count <= SHOWN:
        with suppress(ValueError):  # Python prints no integer of more than 4300 digits
            return shorten(str(value))
    return f"{type(value).__name__}(...)"
