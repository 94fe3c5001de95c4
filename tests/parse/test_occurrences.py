"""Which variables occur in SymPy objects."""

from __future__ import annotations

import pytest
import sympy as sp
from sympy.vector import CoordSys3D

from symgrad.errors import DerivativeError, LimitError
from symgrad.functions.user import UserFunction, make_row, table_with
from symgrad.parse.occurrences import occurring

x, y, k, n = sp.symbols("x y k n")
b, c = sp.IndexedBase("b"), sp.IndexedBase("c", shape=(2, 2))
A, B = sp.MatrixSymbol("A", 2, 2), sp.MatrixSymbol("B", 2, 2)
FRAME = CoordSys3D("C")
f, q = sp.Function("f"), sp.Function("q")(x)
A_ENTRIES = list(A.as_explicit())
C_ENTRIES = [c[0, 0], c[0, 1], c[1, 0], c[1, 1]]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (sp.Add(y, x * y, x, evaluate=False), [y, x]),
        (sp.sin(b[1]) * A[0, 1], [A[0, 1], b[1]]),
        (q * x, [x, q]),
        (q.diff(x) + y, [y, q.diff(x)]),
        (FRAME.x * y * sp.pi, [y, FRAME.x]),
        # A matrix stands for its entries.
        (sp.Trace(A), A_ENTRIES),
        (sp.Determinant(A * B), [*A_ENTRIES, *B.as_explicit()]),
        (sp.Trace(A) * A[1, 0], [A[1, 0], A[0, 0], A[0, 1], A[1, 1]]),
        (sp.Trace(A.applyfunc(sp.sin)), A_ENTRIES),
        (sp.Trace(sp.MatrixSymbol("M", n, n)), []),
        # Bound variables are none, and what holds one stands for all its values.
        (sp.Sum(x**k, (k, 1, 3)), [x]),
        (sp.Sum(x**k, (k, 1, 3)) + k, [k, x]),
        (sp.Sum(b[k + 1], (k, 0, 2)), [b[1], b[2], b[3]]),
        (sp.Product(b[k], (k, 3, 1)), [b[2]]),  # bounds turned around, after Karr
        (sp.Sum(b[k], (k, 4, 3)), []),
        (sp.Sum(b[k, n], (k, 0, 1), (n, 5, 6)), [b[0, 5], b[0, 6], b[1, 5], b[1, 6]]),
        (sp.Sum(sp.Sum(b[k], (k, 0, 1)) * b[k], (k, 7, 8)), [b[0], b[1], b[7], b[8]]),
        (sp.Sum(c[k, n], (k, 0, n), (n, 0, 1)), C_ENTRIES),
        (sp.Sum(A[k, 0], (k, 0, 1)), A_ENTRIES),
        (sp.Sum(f(2 * k), (k, 0, 2)), [f(0), f(2), f(4)]),
        (sp.Sum(b[sp.Idx("i")], (sp.Idx("i"), 0, 1)), [b[0], b[1]]),
        (sp.Sum(b[k], (k, 0, n)), [n]),  # refused when it is read
        (sp.Sum(b[k], (k, 0, 10**9)), []),
        (sp.Subs(sp.Derivative(f(x), x), x, y + 1), [y]),
        (sp.Subs(x * y, x, x + k), [y, k, x]),
    ],
)
def test_variables_of_an_object(entry, expected):
    found = occurring([entry], [])
    assert set(found) == set(expected)
    assert len(found) == len(expected)


def test_the_order_is_that_of_their_first_use():
    assert occurring([sp.sin(y), sp.Add(x, y, evaluate=False), sp.Trace(A), q], []) == [
        *(y, x, *A_ENTRIES, q)
    ]


def test_inputs_are_variables_whatever_they_look_like():
    power = sp.Function("sin")(x)
    assert set(occurring([power * y], [])) == {x, y}
    assert set(occurring([power * y], [power])) == {power, y}


def test_the_shape_of_an_array_and_its_name_are_no_variables():
    assert occurring([sp.IndexedBase("u")[0]], []) == [sp.IndexedBase("u")[0]]
    assert occurring([sp.Sum(sp.IndexedBase("u", shape=(2,))[k], (k, 0, 1))], [])[0].name == "u[0]"


def test_defined_symbols_are_none():
    assert occurring([x * y, sp.Sum(x * b[k], (k, 0, 1))], [], [x]) == [y, b[0], b[1]]


def test_an_unknown_dependence_on_an_input():
    for entry, holder in ((f(x) * y, "f"), (b[x], "b"), (f(f(x)), "f")):
        with pytest.raises(DerivativeError, match=f"{holder}.* depends on the input x"):
            occurring([entry], [x])
    # The variable of a Sum is another one, whatever its name.
    assert occurring([sp.Sum(b[x], (x, 0, 1))], [x]) == [b[0], b[1]]


def test_a_matrix_too_large_to_be_written_out():
    with pytest.raises(LimitError, match="has more than"):
        occurring([sp.Trace(sp.MatrixSymbol("M", 1000, 1000))], [])


def test_shared_parts_are_walked_once():
    u = x
    for _ in range(100):  # a tree of more than 2**100 leaves
        u = sp.Add(sp.sin(u, evaluate=False), sp.Mul(u, y, evaluate=False), evaluate=False)
    assert set(occurring([u], [])) == {x, y}


def test_a_bound_function_is_no_variable():
    rows = table_with(UserFunction("f", 1, lambda: (make_row("f", 1, None, expansion=abs),)))
    entry = f(x) + f(y).diff(y)
    assert set(occurring([entry], [], rows=rows)) == {x, y}
    assert occurring([f(x)], []) == [f(x)]
