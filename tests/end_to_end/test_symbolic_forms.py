"""Forms of SymPy expressions that hide their variables, through sg.grad and the others."""

from __future__ import annotations

import pytest
import sympy as sp

import symgrad as sg
from symgrad.errors import DerivativeError, DuplicateNameError

x, y, z = sp.symbols("x y z")


def test_elements_that_only_a_sum_or_a_matrix_names_are_variables():
    a, v = sp.MatrixSymbol("A", 2, 2), sp.MatrixSymbol("v", 2, 1)
    assert sg.grad(sp.Trace(a) * x, [x]) == (a[0, 0] + a[1, 1],)
    assert sg.grad(sp.Trace(a * a), a) == (2 * a.T.as_explicit(),)
    (made,) = sg.grad(sp.Determinant(a) * x, x)
    assert made.expand() == a[0, 0] * a[1, 1] - a[0, 1] * a[1, 0]
    (made,) = sg.grad(v.T * a * v, v)
    assert (made - ((a + a.T) * v).as_explicit()).expand() == sp.zeros(2, 1)
    i = sp.Symbol("i", integer=True)
    for b in (sp.IndexedBase("b"), sp.IndexedBase("b", shape=(3,))):
        assert sg.grad(sp.Sum(b[i] ** 2, (i, 0, 2)), [b[0]]) == (2 * b[0],)
        squares = sg.backward(sp.Sum(b[i] ** 2, (i, 0, 2)), {})
        assert squares == {b[k]: 2 * b[k] for k in range(3)}
    with pytest.raises(DerivativeError, match=r"b\[3\]"):
        sg.grad(sp.Sum(b[i] ** 2, (i, 0, 2)), [b[3]])


def test_an_index_is_another_variable_than_an_input_of_its_name():
    b = sp.IndexedBase("b")
    (made,) = sg.grad(x * sp.Sum(b[x], (x, 0, 1)), [x])
    assert made.doit() == b[0] + b[1]


COMMON = (x * y + 1) ** 2 * sp.sin(x * y + 1) + x


@pytest.mark.parametrize(
    "reduced",
    [
        sp.cse(COMMON),
        sp.cse(COMMON, list=False),
        sp.cse(COMMON, symbols=sp.numbered_symbols("u", cls=sp.Dummy)),
        sp.cse([COMMON, x**2]),
        sp.cse(sp.Matrix([COMMON, x * y + 1])),
    ],
    ids=["list", "alone", "dummies", "several", "matrix"],
)
def test_what_cse_returns_stands_for_what_it_was_given(reduced):
    pairs, results = reduced
    assert pairs, "nothing is in common"
    plain = results
    for target, value in reversed(pairs):
        plain = [e.xreplace({target: value}) for e in plain] if isinstance(plain, list) else (
            plain.xreplace({target: value})
        )  # fmt: skip
    for call in (
        lambda outputs: sg.vjp(outputs, [x, y], weights(plain)),
        lambda outputs: sg.jacobian(outputs, [x, y]),
        lambda outputs: sg.jvp(outputs, [x, y], [1, z]),
        lambda outputs: sg.backward(outputs, {}, grad_outputs=weights(plain)),
    ):
        found, expected = call(reduced), call(plain)
        assert found == expected
        assert not str(found).count("x0")
        assert not str(found).count("_u0")


def weights(outputs):
    """Ones in the shape of outputs."""
    if isinstance(outputs, list):
        return [weights(output) for output in outputs]
    return sp.ones(*outputs.shape) if isinstance(outputs, sp.MatrixBase) else 1


def test_a_replacement_is_no_input():
    pairs, results = sp.cse(COMMON)
    with pytest.raises(DuplicateNameError, match="definition 'x0'"):
        sg.grad((pairs, results), [pairs[0][0]])
