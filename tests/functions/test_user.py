"""Functions of the user's own: the expressions that they give, their rows and their table."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from symgrad.errors import ArgumentError, DuplicateNameError
from symgrad.functions import PRIMITIVES, math
from symgrad.functions.user import (
    UserFunction,
    check_function_name,
    count_arguments,
    make_row,
    table_with,
    used_rows,
)
from symgrad.ir.expression import Expr, constant, symbol, variables
from symgrad.ir.graph import Graph

x, y = variables("x y")


def user(name, arity=1, partials=None, **parts):
    return UserFunction(name, arity, lambda: (make_row(name, arity, partials, **parts),))


f = user("f", definition=lambda m, a: m.exp(a), partials=[lambda y, a: y])
g = user("g", 2, expansion=lambda a, b: a * math.sin(b))


def test_calls_give_expressions():
    assert f(x + 1) == Expr("f", (x + 1,))
    assert g(2, y) == Expr("g", (constant(2), y))
    made = g(np.array([x, y]), 3)
    assert made.tolist() == [g(x, 3), g(y, 3)]
    assert repr(g) == "<symgrad user function g of 2 argument(s)>"


def test_calls_on_sympy_objects_give_its_undefined_functions():
    a, b = sympy.symbols("a b")
    assert g(a, b**2) == sympy.Function("g")(a, b**2)
    assert g(a, 2).diff(a) == sympy.Derivative(sympy.Function("g")(a, 2), a)


def test_calls_mix_no_kinds():
    with pytest.raises(ArgumentError, match="give it one kind"):
        g(x, sympy.Symbol("a"))


def test_calls_count_their_arguments():
    with pytest.raises(ArgumentError, match=r"g takes 2 argument.s., 1 given"):
        g(x)


@pytest.mark.parametrize("name", ["sin", "gamma", "relu", "sqrt", "add", "select", "where", "pi"])
def test_names_of_symgrad_are_taken(name):
    with pytest.raises(ArgumentError, match=f"{name!r} is a function of symgrad already"):
        check_function_name(name)


@pytest.mark.parametrize("name", ["", "a b", "1a", "_a", "\N{GREEK SMALL LETTER PHI}", 3, "a" * 61])
def test_names_are_plain(name):
    with pytest.raises(ArgumentError, match="all of them ASCII"):
        check_function_name(name)
    assert check_function_name("f_1") == "f_1"


def test_arguments_are_counted():
    assert count_arguments(lambda a, b, c=3: a, "it") == 2
    assert count_arguments(lambda m, a: a, "it", leading=1) == 1
    for bad, why in ((lambda *a: 0, "any number"), (lambda: 0, "no argument"), (min, "give arity")):
        with pytest.raises(ArgumentError, match=f"it takes {why}|{why}"):
            count_arguments(bad, "it")


def test_kinds_of_rows():
    assert f.rows[0].kind == "routine"
    assert g.rows[0].kind == "macro"
    assert user("h", expansion=lambda a: a, partials=[lambda y, a: 1]).rows[0].kind == "composite"
    assert user("h", symbol="sg.user.h", callback=float).rows[0].kind == "outside"


def test_a_missing_partial_is_a_row_that_says_so():
    row = user("h", 2, [lambda y, a, b: b, None], definition=lambda m, a, b: a * b).rows[0]
    assert row.partials[0] == symbol("a1")
    (unknown,) = row.unknown
    assert row.partials[1].op == unknown.name == "h'1"
    assert "the derivative of h by its argument 2, for which sg.function was given no partial" in (
        unknown.source
    )


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"expansion": lambda a: a > 0}, "gives a condition and no number"),
        ({"definition": lambda m, a: a > 0}, "gives a condition and no number"),
        ({"expansion": lambda a: a + symbol("z")}, "'h': row 'h' uses the foreign symbol 'z'"),
        ({"expansion": lambda a: a, "partials": [lambda y: 1]}, r"partial 0 must take \(y, 1"),
        ({"expansion": lambda a: "text"}, "'text' is not a real number"),
        ({"definition": lambda m, a: a if a > 0 else -a}, "has no truth value"),
    ],
)
def test_parts_that_do_not_fit(parts, message):
    with pytest.raises(ArgumentError, match=message):
        _ = user("h", **parts).rows


def test_a_table_adds_rows_and_changes_nothing():
    before = dict(PRIMITIVES)
    table = table_with([f, g])
    assert table.keys() - PRIMITIVES.keys() == {"f", "g"}
    assert table_with(f).keys() - PRIMITIVES.keys() == {"f"}
    assert table_with(()) is PRIMITIVES
    assert before == PRIMITIVES


def test_rows_may_use_one_another_either_way():
    first = user("first", definition=lambda m, a: m.sin(a), partials=[lambda y, a: second(a)])
    second = user("second", definition=lambda m, a: m.cos(a), partials=[lambda y, a: -first(a)])
    assert {"first", "second"} <= table_with([first, second]).keys()
    with pytest.raises(ArgumentError, match="'first' uses 'second', which has no row"):
        table_with(first)


@pytest.mark.parametrize(
    ("functions", "error", "message"),
    [
        (3, ArgumentError, "functions=3 is no function"),
        ("f", ArgumentError, "functions='f' is no function"),
        ([f, np.sin], ArgumentError, "no function that sg.function or sg.spline made"),
        ([f, user("f", expansion=lambda a: a)], DuplicateNameError, "two of the functions="),
        ([user("h", definition=lambda m, a: m.nosuch(a))], ArgumentError, "'nosuch', without a"),
        ([user("h", definition=lambda m, a: m.h(a))], ArgumentError, "'h' calls itself"),
        ([user("h", expansion=lambda a: Expr("h", (a,)))], ArgumentError, "uses the row itself"),
        ([f, user("h", expansion=lambda a: Expr("f", (a, a)))], ArgumentError, "2 argument.s."),
    ],
)
def test_tables_that_cannot_be(functions, error, message):
    with pytest.raises(error, match=message):
        table_with(functions)


def test_a_macro_leaves_no_trace_in_a_graph():
    graph = Graph(table_with([f, g]))
    node = graph.add(g(f(x), x) * 2)
    assert node == graph.add(2 * (Expr("f", (x,)) * math.sin(x)))
    assert "g" not in graph.ops


def test_only_the_rows_in_use_travel():
    inner = user("inner", expansion=lambda a: a + 1)

    def turns(m, a):
        return m.loop(lambda k, s: (k < 3, s * m.inner(a)), (1,), 4)[0]

    outer = user("outer", definition=turns, partials=[lambda y, a: f(a)])
    table = table_with([f, g, inner, outer])
    assert {row.name for row in used_rows(["outer", "sin"], table)} == {"outer", "inner", "f"}
    assert used_rows(["sin", "outer'0"], table) == []
