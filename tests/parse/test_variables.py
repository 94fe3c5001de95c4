"""Declared variables in all their forms, and how they are found again."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from symgrad.errors import ArgumentError, DuplicateNameError, UnknownSymbolError
from symgrad.ir.expression import Expr, constant, symbol, variables
from symgrad.parse.variables import MAX_DEPTH, Variables, elements, flatten, identify, substitute

X, Y = variables("x y")
x, y, t = sympy.symbols("x y t")
q = sympy.Function("q")(t)
M = sympy.MatrixSymbol("M", 2, 2)
V = sympy.IndexedBase("v")


def declared(*given: object) -> Variables:
    made = Variables()
    made.declare([(value, f"input[{i}]") for i, value in enumerate(given)])
    return made


def test_a_symbol_a_traced_variable_and_a_name_are_one_variable() -> None:
    for given in (x, X, "x", sympy.Symbol("x", positive=True)):
        made = declared(given)
        for asked in (x, X, "x", sympy.Symbol("x", integer=True)):
            assert made.find(asked, "it") == "x"


@pytest.mark.parametrize(
    ("given", "name", "label"),
    [
        (sympy.Dummy("a"), "a", "a"),
        (V[3], "v_3", "v[3]"),
        (M[0, 1], "M_0_1", "M[0, 1]"),
        (q, "q", "q(t)"),
        (q.diff(t), "Derivative_q_t_t", "Derivative(q(t), t)"),
        (sympy.Symbol("\\alpha"), "\\alpha", "\\alpha"),
        (sympy.Dummy("x_{1}"), "x_1", "x_{1}"),
        (sympy.Dummy("1"), "v_1", "1"),
    ],
    ids=str,
)
def test_other_objects_get_a_name_and_keep_their_label(
    given: object, name: str, label: str
) -> None:
    made = declared(given)
    assert made.find(given, "it") == name
    assert made.labels == {name: label}


def test_objects_of_one_name_stay_apart() -> None:
    first, second = sympy.Dummy("x"), sympy.Dummy("x")
    made = declared(first, second)
    assert [made.find(v, "it") for v in (first, second)] == ["x_1", "x_2"]
    with pytest.raises(UnknownSymbolError):
        made.find(x, "it")
    with pytest.raises(UnknownSymbolError):
        made.find("x", "it")


def test_a_plain_name_is_kept_whatever_comes_first() -> None:
    dummy = sympy.Dummy("x")
    made = declared(dummy, "x_1", x)
    assert [made.find(v, "it") for v in (dummy, "x_1", x)] == ["x_2", "x_1", "x"]


def test_a_dummy_is_no_symbol_of_its_name() -> None:
    made = declared(sympy.Dummy("x"))
    assert made.find("x", "it") == "x"  # text has no other way to name it
    with pytest.raises(UnknownSymbolError, match="neither an input nor a parameter"):
        made.find(x, "it")


@pytest.mark.parametrize("again", [x, X, "x"])
def test_a_name_declared_twice_names_both_places(again: object) -> None:
    with pytest.raises(DuplicateNameError, match=r"'x'.*input\[0\] and as input\[2\]"):
        declared("x", "y", again)


def test_an_object_declared_twice_is_found() -> None:
    with pytest.raises(DuplicateNameError, match=r"'q\(t\)' is declared twice"):
        declared(q, sympy.Function("q")(t))


def test_what_is_not_declared_is_named_with_what_is_close() -> None:
    made = declared("gamma", "beta")
    with pytest.raises(UnknownSymbolError, match=r"wrt is 'gama'.*close to it: gamma"):
        made.find("gama", "wrt")


def test_a_definition_is_no_variable() -> None:
    made = declared("x")
    made.define("r", X * X)
    assert made.symbols["r"] == X * X
    with pytest.raises(UnknownSymbolError):
        made.find("r", "it")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (3, "is 3, of type int"),
        (None, "is None"),
        ("x.y", "letters, digits"),
        (X + 1, "is the expression x \\+ 1"),
        (constant(2), "is the expression 2"),
        (x + 1, "is x \\+ 1, of SymPy's type Add"),
        (sympy.Integer(2), "of SymPy's type Integer"),
        (sympy.Symbol(""), "a Symbol without a name"),
        (M, "MatrixSymbol"),
    ],
)
def test_what_cannot_be_a_variable(value: object, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        identify(value, "it")


@pytest.mark.parametrize(
    ("given", "flat"),
    [
        ("x y,z", ["x", "y", "z"]),
        ("x", ["x"]),
        (x, [x]),
        ([x, ("y", [X])], [x, "y", X]),
        (variables("a", 2), [symbol("a0"), symbol("a1")]),
        (sympy.Matrix([[x, y], [t, 1]]), [x, y, t, 1]),
        (sympy.ImmutableMatrix([x, y]), [x, y]),
        (sympy.Array([[x, y]]), [x, y]),
        (sympy.Tuple(x, y), [x, y]),
        (M, [M[0, 0], M[0, 1], M[1, 0], M[1, 1]]),
        (np.array([[x, y], [t, x]], dtype=object), [x, y, t, x]),
        ((v for v in "xy"), ["x", "y"]),
        ([], []),
    ],
)
def test_flatten_is_row_major(given: object, flat: list[object]) -> None:
    assert [value for value, _ in flatten(given, "input")] == flat


def test_flatten_gives_places() -> None:
    assert [place for _, place in flatten([["x"], "y"], "input")] == ["input[0][0]", "input[1]"]
    assert [place for _, place in flatten("x, y", "input")] == ["input[0]", "input[1]"]
    assert [place for _, place in flatten("x", "input")] == ["input"]


@pytest.mark.parametrize("given", [{"x"}, frozenset("x"), {"x": 1}])
def test_collections_without_order_are_refused(given: object) -> None:
    with pytest.raises(ArgumentError, match="has no order here; write a list"):
        flatten(given, "input")


def test_a_list_that_holds_itself_is_refused() -> None:
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(ArgumentError, match=f"more than {MAX_DEPTH} levels"):
        flatten(endless, "input")


@pytest.mark.parametrize(
    "single", [3, 2.5, "text", b"bytes", X, x, q, sympy.Array(x), np.array(3.0), None]
)
def test_single_things_have_no_elements(single: object) -> None:
    assert elements(single, "it") is None


def test_substitution_shares_what_it_does_not_change() -> None:
    kept = Expr("sin", (Y,))
    first, second = substitute([X + kept, kept], {"x": Y * 2})
    assert first == (Y * 2) + kept
    assert first.args[1] is kept
    assert second is kept


def test_substitution_is_deep_and_at_once() -> None:
    deep = X
    for _ in range(20_000):
        deep = Expr("sin", (deep,))
    (made,) = substitute([deep], {"x": Y, "y": X})
    while made.args:
        (made,) = made.args
    assert made is Y
