"""Graph -> SymPy: every row by value, sharing, and what SymPy must not be let at."""

from __future__ import annotations

import random
from itertools import cycle, islice
from typing import Any

import mpmath
import pytest
import sympy as sp

from symgrad.errors import DerivativeError, UnknownFunctionError
from symgrad.functions import PRIMITIVES
from symgrad.interop.sympy_objects import (
    FUNCTIONS,
    SHALLOW,
    WRITTEN_OUT,
    known_objects,
    to_sympy,
)
from symgrad.ir.evaluate import evaluate
from symgrad.ir.expression import Expr, constant, named, symbol
from symgrad.ir.graph import Graph
from symgrad.ir.primitive import define
from symgrad.parse.sympy_expressions import Converter
from tests.balls import quick_arithmetic

NAMES = tuple("abcdefghijklm")
SYMBOLS = {name: sp.Symbol(name) for name in NAMES}
EXPRS = {name: symbol(name) for name in NAMES}
CORNERS = (-2.5, -1.5, -1.0, -0.5, 0.5, 1.5, 2.5, 3.75)
NUMBERS = ("floor", "ceil", "trunc", "rint", "abs", "sign", "cbrt", "max", "min", "fmod", "mod")


def back(expr: Expr) -> Any:
    graph = Graph(PRIMITIVES)
    return to_sympy(graph, [graph.add(expr)], SYMBOLS, {})[0]


def value_of(expr: Expr, point: dict[str, float]) -> Any:
    graph = Graph(PRIMITIVES)
    exact = {name: mpmath.mpf(value) for name, value in point.items()}
    return evaluate(graph, [graph.add(expr)], exact, quick_arithmetic())[0]


def sympy_value(made: Any, point: dict[str, float]) -> Any:
    """By SymPy itself, from exact numbers."""
    known = made.replace(sp.erfcinv, lambda x: sp.erfinv(1 - x))  # SymPy has no digits of these two
    known = known.replace(sp.erf2, lambda a, b: sp.erf(b) - sp.erf(a))
    placed = known.subs({SYMBOLS[name]: sp.Rational(value) for name, value in point.items()})
    return mpmath.mpmathify(sp.N(placed, 30))


def close(left: Any, right: Any) -> bool:
    return bool(abs(left - right) <= mpmath.mpf(10) ** -25 * (1 + abs(right)))


def applied(name: str) -> Expr:
    """A row as a number: conditions choose between two numbers."""
    a, b, c = (EXPRS[n] for n in NAMES[:3])
    if name == "select":
        return Expr("select", (a < b, c, a * b))
    if name in ("and", "or"):
        return Expr("select", (Expr(name, (a < b, b < c)), a, c))
    if name == "not":
        # A choice by a lone "not" is turned around; inside "and" it stays.
        return Expr("select", (~(a < b) & (b < c), a, c))
    row = PRIMITIVES[name]
    made = Expr(name, tuple(islice(cycle(EXPRS.values()), row.arity)))
    return Expr("select", (made, a, c)) if row.boolean else made


def points(name: str) -> list[dict[str, float]]:
    rng = random.Random(name)
    row = PRIMITIVES[name]
    if row.boolean or name == "select" or name in NUMBERS:
        found = [[rng.choice(CORNERS) for _ in NAMES] for _ in range(12)]
    else:
        intervals = [*row.domain, *[(-2.0, 2.0)] * len(NAMES)][: len(NAMES)]
        # Of few bits: SymPy factors numbers that it raises to a power.
        found = [[round(1024 * rng.uniform(*one)) / 1024 for one in intervals] for _ in range(3)]
        found = [
            [float(round(value)) if i in row.whole else value for i, value in enumerate(values)]
            for values in found
        ]
    return [dict(zip(NAMES, values, strict=True)) for values in found]


NAMED_ONLY = {"elliptic_moment"}
"""Rows that SymPy has no function for: they keep their name there."""


@pytest.mark.parametrize(
    "name",
    sorted(n for n, row in PRIMITIVES.items() if row.kind != "unknown" and n not in NAMED_ONLY),
)
def test_every_row_has_its_value_in_sympy_and_comes_back(name):
    expr = applied(name)
    made = back(expr)
    again = Converter(EXPRS, {}, PRIMITIVES).convert(made)
    with mpmath.workdps(35):
        for point in points(name):
            exact = value_of(expr, point)
            assert close(sympy_value(made, point), exact), (made, point)
            assert again == expr or close(value_of(again, point), exact), (again, point)


def test_the_tables_name_rows_once():
    assert not FUNCTIONS.keys() & WRITTEN_OUT.keys()
    known = {name for name, row in PRIMITIVES.items() if row.kind != "unknown"}
    assert FUNCTIONS.keys() | WRITTEN_OUT.keys() | {"select"} == known


def test_small_results_are_what_sympy_would_write():
    a, b = EXPRS["a"], EXPRS["b"]
    x, y = SYMBOLS["a"], SYMBOLS["b"]
    assert back(3 * a**2 * Expr("sin", (b,)) - a / 2 + 1) == 3 * x**2 * sp.sin(y) - x / 2 + 1
    assert back(Expr("exp", (a * b,)) ** 2) == sp.exp(2 * x * y)


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        (constant(7), sp.Integer(7)),
        (constant(0.1), sp.Float(0.1)),
        (constant(float("inf")), sp.oo),
        (constant(float("nan")), sp.nan),
        (named("pi"), sp.pi),
        (named("e"), sp.E),
        (named("euler_gamma"), sp.EulerGamma),
        (named("golden_ratio"), sp.GoldenRatio),
        (named("catalan"), sp.Catalan),
        (constant(True), sp.true),
        (constant(False), sp.false),
    ],
)
def test_leaves(expr, expected):
    made = back(expr)
    assert type(made) is type(expected)  # SymPy forgets small integers when its cache is full
    assert made is expected or made == expected


def test_symbols_are_the_very_objects():
    positive = sp.Symbol("a", positive=True)
    graph = Graph(PRIMITIVES)
    node = graph.add(EXPRS["a"] ** 2)
    (made,) = to_sympy(graph, [node], {"a": positive}, {})
    assert made.args[0] is positive


def test_choices_in_a_row_are_one_piecewise():
    a = EXPRS["a"]
    inner = Expr("select", (a < 1, a, constant(2)))
    made = back(Expr("select", (a < 0, constant(0), inner)))
    assert [str(condition) for _, condition in made.args] == ["a < 0", "a < 1", "True"]


def test_known_objects_stand_in_the_result():
    x = SYMBOLS["a"]
    unusual = sp.sin(sp.Add(x, x, evaluate=False))
    graph = Graph(PRIMITIVES)
    converter = Converter(EXPRS, {}, PRIMITIVES)
    expr = converter.convert(unusual)
    known = known_objects(graph, [(unusual, expr)])
    (made,) = to_sympy(graph, [graph.add(expr**2)], SYMBOLS, known)
    assert made.base is unusual


def test_objects_that_are_not_evaluated_are_not_taken_over():
    x = SYMBOLS["a"]
    derivative = sp.Derivative(x**2, x)
    holder = sp.sin(derivative)
    graph = Graph(PRIMITIVES)
    pairs = [(derivative, 2 * EXPRS["a"]), (holder, Expr("sin", (2 * EXPRS["a"],)))]
    assert known_objects(graph, pairs) == {}


def test_the_simplest_of_equal_objects_is_taken():
    x = SYMBOLS["a"]
    graph = Graph(PRIMITIVES)
    plain, longer = sp.sin(x), sp.Mul(sp.Integer(1), sp.sin(x), evaluate=False)
    expr = Expr("sin", (EXPRS["a"],))
    assert list(known_objects(graph, [(plain, expr), (longer, 1 * expr)]).values()) == [plain]


def test_sympy_decides_no_choice():
    """What Symbols assume does not fold a comparison: nan belongs to neither side."""
    graph = Graph(PRIMITIVES)
    a, b = EXPRS["a"], EXPRS["b"]
    positive = {"a": sp.Symbol("a", positive=True), "b": sp.Symbol("b", negative=True)}
    condition = ~(b < a) & (constant(0) < a)
    nodes = graph.add_all([Expr("max", (a, b)), Expr("select", (condition, a, b))])
    largest, chosen = to_sympy(graph, nodes, positive, {})
    assert largest.func is sp.Max
    assert sp.Max.make_args(largest) == frozenset(positive.values())
    both = chosen.args[0].cond
    assert both.func is sp.And
    assert both.args[0].func is sp.Not
    assert sp.And.make_args(both) == frozenset(both.args)


def test_large_results_commute():
    expr = EXPRS["a"]
    for _ in range(2 * SHALLOW):
        expr = 2 * Expr("sin", (expr,)) ** 2 * EXPRS["b"] + 1
    made = back(expr)
    assert made.is_Add
    assert made.is_commutative
    product = max(made.args, key=lambda part: len(part.args))
    assert product.is_Mul
    assert product.is_commutative


def test_shared_parts_are_shared_and_cost_once():
    graph = Graph(PRIMITIVES)
    node = graph.add(EXPRS["a"])
    for _ in range(200):  # as a tree of 2**200 leaves
        node = graph.sum([(graph.call("sin", (node,)), 1), (graph.call("cos", (node,)), 1)])
    (made,) = to_sympy(graph, [node], SYMBOLS, {})
    for _ in range(150):
        left, right = made.args
        assert left.args[0] is right.args[0]
        made = left.args[0]


def test_deep_results_need_no_recursion():
    graph = Graph(PRIMITIVES)
    node = graph.add(EXPRS["a"])
    for _ in range(10_000):
        node = graph.sum([(graph.call("sin", (node,)), 2)], 1)
    (made,) = to_sympy(graph, [node], SYMBOLS, {})
    assert isinstance(hash(made), int)
    depth = 0
    while made.args:
        made = max(made.args, key=lambda part: len(part.args))
        depth += 1
    assert depth > 2 * 10_000 - SHALLOW


def test_large_results_have_their_value():
    a, b = EXPRS["a"], EXPRS["b"]
    expr = a
    for k in range(40):
        smaller = Expr("max", (expr / 3, a - k)) + Expr("atan2", (b, 2 + expr**2))
        condition = (expr < b) & ~(b < -expr)
        expr = Expr("select", (condition, smaller, expr * Expr("exp", (-b,)) - k))
    made = back(expr)
    again = Converter(EXPRS, {}, PRIMITIVES).convert(made)
    with mpmath.workdps(40):
        for point in ({"a": 0.5, "b": 0.25}, {"a": -3.0, "b": 1.5}, {"a": 40.0, "b": 0.01}):
            assert close(value_of(again, point), value_of(expr, point))


def test_a_function_of_the_users_own_is_an_undefined_function():
    row = define("mystery", lambda y, x: y, domain=(0, 1))
    graph = Graph({**PRIMITIVES, "mystery": row})
    node = graph.call("mystery", (graph.symbol("a"),))
    assert to_sympy(graph, [node], SYMBOLS, {}) == [sp.Function("mystery")(SYMBOLS["a"])]


def test_a_row_that_sympy_lacks_is_named(monkeypatch):
    monkeypatch.delitem(FUNCTIONS, "gamma")
    graph = Graph(PRIMITIVES)
    node = graph.call("gamma", (graph.symbol("a"),))
    with pytest.raises(UnknownFunctionError, match="gamma"):
        to_sympy(graph, [node], SYMBOLS, {})


def test_an_entry_of_a_matrix_expression_is_shown_by_its_formula():
    m, v = sp.MatrixSymbol("M", 2, 2), sp.MatrixSymbol("v", 2, 1)
    objects = {e: symbol(str(e)) for e in (*m.as_explicit(), *v.as_explicit())}
    symbols = {str(e): e for e in objects}
    converter = Converter({}, objects, PRIMITIVES)
    entry = sp.matrices.expressions.matexpr.MatrixElement(m * v, 0, 0)
    made = converter.convert(sp.sin(entry))
    graph = Graph(PRIMITIVES)
    kept = {id(value): value for value in converter.kept}
    pairs = [(kept[key], expr) for key, expr in converter.memo.items()]
    known = known_objects(graph, pairs)
    (shown,) = to_sympy(graph, [graph.add(made)], symbols, known)
    assert shown == sp.sin(m[0, 0] * v[0, 0] + m[0, 1] * v[1, 0])


@pytest.mark.usefixtures("routine_rows")
def test_a_derivative_without_closed_form_is_refused():
    graph = Graph(PRIMITIVES)
    mean = graph.call("agm", (graph.symbol("a"), graph.symbol("b")))
    with pytest.raises(DerivativeError, match="the second of two means"):
        to_sympy(graph, [graph.partial(mean, 1)], SYMBOLS, {})
