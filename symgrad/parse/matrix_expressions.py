"""Matrix expressions of SymPy -> the entries they stand for, row by row.

``A*B*v`` has entries of nested sums of products, and each intermediate product is made once and
shared: SymPy's own ``as_explicit`` expands every entry by itself. Nothing is simplified here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import sympy
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.slice import MatrixSlice

from symgrad.errors import LimitError, UnsupportedExpressionError
from symgrad.ir.messages import shorten

Grid = list[list[Any]]
"""Rows of SymPy scalars."""

MAX_DETERMINANT, MAX_INVERSE, MAX_EXPONENT = 12, 6, 1000
"""The largest matrices whose determinant or inverse is written out, and the highest power."""


def grid(root: Any, memo: dict[int, Grid] | None = None) -> Grid:
    """The entries of a matrix expression whose sizes are integers.

    Args:
        root: the matrix expression.
        memo: entries by the identity of their matrix, where several are made over shared parts.

    Raises:
        UnsupportedExpressionError: a part has no integer sizes, or no entries that are known.
        LimitError: a determinant, an inverse or a power is too large to be written out.

    Example:
        >>> v = sympy.MatrixSymbol("v", 2, 1)
        >>> grid(v.T * v)
        [[v[0, 0]*v[0, 0] + v[1, 0]*v[1, 0]]]
    """
    made = {} if memo is None else memo
    stack = [root]
    while stack:
        node = stack[-1]
        if id(node) in made:
            stack.pop()
            continue
        rule = next((RULES[kind] for kind in type(node).__mro__ if kind in RULES), None)
        parts = [part for part in getattr(node, "args", ()) if _is_matrix(part)] if rule else []
        missing = [part for part in parts if id(part) not in made]
        if missing:
            stack.extend(reversed(missing))
            continue
        made[id(node)] = rule(node, [made[id(p)] for p in parts]) if rule else _entries(node, [])
        stack.pop()
    return made[id(root)]


def trace(rows: Grid) -> Any:
    """The sum of the diagonal."""
    return total([row[i] for i, row in enumerate(rows)])


def determinant(rows: Grid) -> Any:
    """The determinant, by expansion along rows with every minor made once: O(n 2^n) products.

    Raises:
        LimitError: there are more than ``MAX_DETERMINANT`` rows.
    """
    if len(rows) > MAX_DETERMINANT:
        raise LimitError(
            f"the determinant of a {len(rows)} x {len(rows)} matrix is not written out; "
            f"{MAX_DETERMINANT} is the limit: factor it numerically"
        )
    return _minors(rows)[(1 << len(rows)) - 1]


def dot(left: Grid, right: Grid) -> Any:
    """The dot product of two vectors, rows or columns."""
    pairs = zip(chain(*left), chain(*right), strict=True)
    return total([times(a, b) for a, b in pairs])


def total(terms: Sequence[Any]) -> Any:
    """A sum that SymPy does not simplify, exact zeros aside."""
    kept = [term for term in terms if term is not sympy.S.Zero]
    if all(term.is_Number for term in kept):
        return sympy.Add(*kept)
    return kept[0] if len(kept) == 1 else sympy.Add._from_args(kept, True)


def times(a: Any, b: Any) -> Any:
    """A product that SymPy does not simplify, exact zeros and ones aside."""
    zero, one = sympy.S.Zero, sympy.S.One
    if a.is_Number or b.is_Number:
        if a.is_Number and b.is_Number:
            return a * b
        if a is zero or b is zero:
            return zero
        if a is one or b is one:
            return b if a is one else a
    return sympy.Mul._from_args([a, b], True)


def _is_matrix(part: Any) -> bool:
    return isinstance(part, sympy.MatrixExpr | sympy.MatrixBase)


def _text(node: Any) -> str:
    return shorten(str(node))


def _entries(node: Any, parts: Sequence[Grid]) -> Grid:
    """The entries that SymPy itself knows."""
    if not all(sympy.sympify(n).is_Integer for n in node.shape):
        raise UnsupportedExpressionError(
            f"the matrix {_text(node)} has the shape {node.shape}; give it integer sizes, as in "
            "MatrixSymbol('A', 3, 3)"
        )
    rows, columns = (int(n) for n in node.shape)
    try:
        return [[node[i, j] for j in range(columns)] for i in range(rows)]
    except (NotImplementedError, TypeError, ValueError, RecursionError):
        raise UnsupportedExpressionError(
            f"the entries of the matrix {_text(node)} cannot be written out (type "
            f"{type(node).__name__}); give an explicit Matrix"
        ) from None


def _product_of(left: Grid, right: Grid) -> Grid:
    columns = list(zip(*right, strict=True))
    return [
        [total([times(a, b) for a, b in zip(row, column, strict=True)]) for column in columns]
        for row in left
    ]


def _entrywise(join: Callable[[Sequence[Any]], Any]) -> Callable[[Any, Sequence[Grid]], Grid]:
    def joined(node: Any, parts: Sequence[Grid]) -> Grid:
        return [
            [join(entries) for entries in zip(*rows, strict=True)]
            for rows in zip(*parts, strict=True)
        ]

    return joined


def _product(node: Any, parts: Sequence[Grid]) -> Grid:
    made = parts[0]
    for part in parts[1:]:
        made = _product_of(made, part)
    for scalar in (part for part in node.args if not _is_matrix(part)):
        made = [[times(scalar, entry) for entry in row] for row in made]
    return made


def _transpose(node: Any, parts: Sequence[Grid]) -> Grid:
    return [list(column) for column in zip(*parts[0], strict=True)]


def _power(node: Any, parts: Sequence[Grid]) -> Grid:
    exponent = node.exp
    if not exponent.is_Integer:
        raise UnsupportedExpressionError(
            f"the matrix power {_text(node)} is written out for integer exponents alone"
        )
    count = int(exponent)
    if abs(count) > MAX_EXPONENT:
        raise LimitError(f"the matrix power {_text(node)} is beyond the exponent {MAX_EXPONENT}")
    base = _inverse(parts[0]) if count < 0 else parts[0]
    if not count:
        size = range(len(base))
        return [[sympy.Integer(int(i == j)) for j in size] for i in size]
    made = base
    for bit in bin(abs(count))[3:]:
        made = _product_of(made, made)
        made = _product_of(made, base) if bit == "1" else made
    return made


def _inverse(rows: Grid) -> Grid:
    """The adjugate over the determinant."""
    size = len(rows)
    if size > MAX_INVERSE:
        raise LimitError(
            f"the inverse of a {size} x {size} matrix is not written out; {MAX_INVERSE} is the "
            "limit: solve numerically, or make the solution an input"
        )
    full = (1 << size) - 1
    minors = [_minors([*rows[:j], *rows[j + 1 :]], size) for j in range(size)]
    cofactors = [
        [_signed(minors[j][full ^ (1 << i)], (i + j) % 2 == 1) for j in range(size)]
        for i in range(size)
    ]
    whole = total([times(rows[0][i], cofactors[i][0]) for i in range(size)])
    if whole is sympy.S.Zero:
        raise UnsupportedExpressionError("a matrix whose determinant is 0 has no inverse")
    over = 1 / whole if whole.is_Number else sympy.Pow(whole, -1, evaluate=False)
    return [[times(entry, over) for entry in row] for row in cofactors]


def _minors(rows: Grid, size: int | None = None) -> dict[int, Any]:
    """The determinants of ``rows`` and as many columns, by the bits of the columns."""
    level: dict[int, Any] = {0: sympy.S.One}
    for row in rows:
        terms: dict[int, list[Any]] = {}
        for mask, minor in level.items():
            for column in range(size or len(rows)):
                bit = 1 << column
                if not mask & bit:
                    odd = (mask >> column).bit_count() % 2 == 1
                    term = _signed(times(row[column], minor), odd)
                    terms.setdefault(mask | bit, []).append(term)
        level = {mask: total(found) for mask, found in terms.items()}
    return level


def _signed(value: Any, negative: bool) -> Any:
    return times(sympy.S.NegativeOne, value) if negative else value


def _kronecker(node: Any, parts: Sequence[Grid]) -> Grid:
    made = parts[0]
    for part in parts[1:]:
        made = [[times(a, b) for a in row for b in other] for row in made for other in part]
    return made


def _slice(node: Any, parts: Sequence[Grid]) -> Grid:
    bounds = zip((node.rowslice, node.colslice), node.shape, strict=True)
    # SymPy rounds the number of steps down, so that the shape may say less than the slice.
    rows, columns = (range(*map(int, ends))[: int(count)] for ends, count in bounds)
    return [[parts[0][i][j] for j in columns] for i in rows]


def _apply(node: Any, parts: Sequence[Grid]) -> Grid:
    return [[node.function(entry) for entry in row] for row in parts[0]]


def _explicit(node: Any, parts: Sequence[Grid]) -> Grid:
    return [[node[i, j] for j in range(node.cols)] for i in range(node.rows)]


def _hadamard_power(node: Any, parts: Sequence[Grid]) -> Grid:
    def spread(part: Any, entries: Grid) -> Grid:
        return entries if _is_matrix(part) else [[part] * len(row) for row in entries]

    pairs = zip(spread(node.base, parts[0]), spread(node.exp, parts[-1]), strict=True)
    return [[sympy.Pow(a, b) for a, b in zip(*rows, strict=True)] for rows in pairs]


def _multiplied(entries: Sequence[Any]) -> Any:
    made = entries[0]
    for entry in entries[1:]:
        made = times(made, entry)
    return made


RULES: dict[type, Callable[[Any, Sequence[Grid]], Grid]] = {
    sympy.MatrixBase: _explicit,
    sympy.MatAdd: _entrywise(total),
    sympy.MatMul: _product,
    sympy.MatPow: _power,
    sympy.Transpose: _transpose,
    sympy.Adjoint: _transpose,  # everything is real
    sympy.HadamardProduct: _entrywise(_multiplied),
    sympy.HadamardPower: _hadamard_power,
    sympy.KroneckerProduct: _kronecker,
    MatrixSlice: _slice,
    ElementwiseApplyFunction: _apply,
}
"""How the entries of a matrix are made of those of its parts; the others are SymPy's own."""
