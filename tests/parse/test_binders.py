"""Sum, Product, Subs and Derivative: by value, at any depth and size, and what is refused."""

from __future__ import annotations

import time
from fractions import Fraction
from typing import Any

import mpmath
import pytest
import sympy as sp

from symgrad.api import differentiate_expr
from symgrad.errors import (
    LimitError,
    SymgradError,
    UnknownFunctionError,
    UnknownSymbolError,
    UnsupportedExpressionError,
)
from symgrad.functions import PRIMITIVES
from symgrad.ir.expression import Expr, constant, named, symbol
from symgrad.parse.binders import MAX_FOLDED, MAX_TERMS, Scope, dependent, exact
from symgrad.parse.sympy_expressions import Converter
from tests.expressions import number

x, y, t, k, j, n = sp.symbols("x y t k j n")
f = sp.Function("f")
q = sp.Function("q")(t)
X, Y = symbol("x"), symbol("y")
NAMED = {"x": X, "y": Y, "n": symbol("n")}
V = sp.IndexedBase("v")
VECTOR = {V[i]: symbol(f"v{i}") for i in range(4)}


def convert(value: Any, objects: dict[Any, Expr] | None = None) -> Expr:
    converter = Converter(NAMED, objects or {}, PRIMITIVES, differentiate_expr)
    return converter.convert(value, "output 'f'")


def close(got: Any, expected: Any) -> bool:
    return bool(abs(got - mpmath.mpf(expected)) <= mpmath.mpf(10) ** -14 * (1 + abs(expected)))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (sp.Sum(V[k] ** 2, (k, 0, 3)), 1 + 4 + 9 + 16),
        (sp.Sum(V[k] * V[k + 1], (k, 0, 2)), 2 + 6 + 12),
        (sp.Sum(V[3 - k] * k, (k, 0, 3)), 3 + 4 + 3),
        (sp.Product(V[k], (k, 0, 3)), 24),
        (sp.Sum(V[k] * V[j], (j, 0, k), (k, 0, 3)), 1 + 2 * 3 + 3 * 6 + 4 * 10),
        (sp.Sum(sp.Piecewise((V[k], k > 1), (0, True)), (k, 0, 3)), 7),
        (sp.Sum(sp.KroneckerDelta(k, 2) * V[k], (k, 0, 3)), 3),
        (sp.Sum(V[sp.Mod(k, 2)], (k, 0, 3)), 6),
        (sp.Subs(V[k], k, 2), 3),
        (sp.Subs(sp.Sum(V[j], (j, 0, k)), k, 2), 6),
    ],
    ids=str,
)
def test_elements_are_taken_at_the_index(value: Any, expected: int) -> None:
    made = convert(value, VECTOR)
    assert number(made, v0=1, v1=2, v2=3, v3=4) == expected


def test_functions_without_a_row_have_exact_values_at_numbers() -> None:
    made = convert(sp.Sum(x**k / sp.factorial(k), (k, 0, 30)))
    assert close(number(made, x=1.5), mpmath.exp(1.5))
    assert number(convert(sp.Sum(sp.binomial(4, k) * x**k, (k, 0, 4))), x=2) == 81
    assert number(convert(sp.Sum(sp.LeviCivita(1, k, j), (j, 1, 3), (k, 1, 3)))) == 0


def test_a_declared_function_is_taken_at_the_index() -> None:
    objects = {f(i): symbol(f"f{i}") for i in range(3)}
    assert number(convert(sp.Sum(f(k) * k, (k, 0, 2)), objects), f0=5, f1=7, f2=11) == 29


def test_entries_of_matrices_are_taken_at_the_index() -> None:
    m, v = sp.MatrixSymbol("M", 2, 2), sp.MatrixSymbol("w", 2, 1)
    objects = {e: symbol(f"s{i}") for i, e in enumerate((*m.as_explicit(), *v.as_explicit()))}
    point = {f"s{i}": value for i, value in enumerate((2, 3, 5, 7, 11, 13))}
    value = sp.Sum(m[k, j] * v[j, 0], (j, 0, 1), (k, 0, 1))
    assert number(convert(value, objects), **point) == 2 * 11 + 3 * 13 + 5 * 11 + 7 * 13
    entry = sp.matrices.expressions.matexpr.MatrixElement
    value = sp.Sum(entry(k * m * v, k, 0), (k, 0, 1))
    assert number(convert(value, objects), **point) == 5 * 11 + 7 * 13


def test_an_index_that_is_bound_twice_means_the_inner_one() -> None:
    assert number(convert(sp.Sum(sp.Sum(k, (k, 1, k)), (k, 1, 3)))) == 1 + 3 + 6


def test_parts_without_the_index_are_read_once() -> None:
    part = sp.sin(x) * y
    made = convert(sp.Sum(part**2 * k, (k, 1, 3)))
    squares = {id(argument) for term in made.args for argument in term.args if argument.args}
    assert len(squares) == 2  # sin(x)**2 and y**2
    assert len(made.args) == 3


def test_substitution_is_at_once() -> None:
    assert number(convert(sp.Subs(k + 2 * j, (k, j), (x, y))), x=3, y=5) == 13
    swapped = sp.Subs(x - y, (x, y), (y, x))
    assert number(convert(swapped), x=3, y=5) == 2


def test_a_bound_variable_does_not_meet_a_variable_of_the_same_name() -> None:
    names = {**NAMED, "bound 1": symbol("bound 1")}
    converter = Converter(names, {}, PRIMITIVES, differentiate_expr)
    inner = sp.Derivative(k**2 * sp.Symbol("bound 1"), k)
    made = converter.convert(sp.Subs(inner, k, x))
    assert number(made, x=3, **{"bound 1": 10}) == 60


def test_derivatives_are_evaluated_on_the_graph() -> None:
    value = sp.Derivative(sp.sin(x * y), x, (y, 2)) + 1
    expected = sp.diff(sp.sin(x * y), x, y, y).subs({x: sp.Rational(1, 2), y: 2})
    assert close(number(convert(value), x=0.5, y=2), float(expected + 1))
    total = sp.Derivative(sp.Sum(x**k, (k, 0, 3)), x)
    assert number(convert(total), x=2) == 1 + 4 + 12
    assert number(convert(sp.Derivative(q**2, q), {q: symbol("q")}), q=5) == 10


def test_a_derivative_at_a_point_is_evaluated_first_and_put_in_after() -> None:
    value = sp.Subs(sp.Derivative(sp.sin(k * y), k), k, x**2)
    assert close(number(convert(value), x=0.5, y=3), 3 * mpmath.cos(0.75))
    inside = sp.Sum(sp.Subs(sp.Derivative(j**3, j), j, k * x), (k, 1, 2))
    assert number(convert(inside), x=2) == 12 + 48


ENDS = "put a number in its place"
REFUSED = [
    (sp.Sum(x, (k, 1, n)), UnsupportedExpressionError, rf"the upper bound n, which.*{ENDS}"),
    (sp.Sum(x**k, (k, n, 3)), UnsupportedExpressionError, "the lower bound n"),
    (sp.Sum(x**k, (k, 0, sp.oo)), UnsupportedExpressionError, "the upper bound oo"),
    (sp.Product(x + k, (k, 0, sp.Rational(5, 2))), UnsupportedExpressionError, "bound 5/2"),
    (sp.Sum(x * j, (j, 0, k / 2), (k, 1, 2)), UnsupportedExpressionError, "upper bound k/2"),
    (sp.Sum(x, (k, 1, MAX_TERMS + 1)), LimitError, "more than 100000 terms"),
    (sp.Sum(x * j * k, (j, 1, 400), (k, 1, 400)), LimitError, "more than 100000 terms"),
    (sp.Sum(V[k], (k, 0, 4)), UnknownSymbolError, r"^the element v\[4\] in output 'f'"),
    (sp.Sum(V[x * k], (k, 0, 1)), UnsupportedExpressionError, r"an index that is no integer"),
    (sp.Sum(f(k), (k, 0, 1)), UnknownFunctionError, r"'f' has no row.*declare f\(k\)"),
    (sp.Derivative(f(x), x), UnsupportedExpressionError, "f, a function that is not defined"),
    (
        sp.Subs(sp.Derivative(f(k), k), k, x),
        UnsupportedExpressionError,
        r"f, a function that is not defined; put its formula in place of f\(k\)",
    ),
    (sp.Derivative(sp.sin(x), (x, n)), UnsupportedExpressionError, "has the order n"),
    (sp.Derivative(sp.exp(x), (x, 61)), LimitError, "beyond the order 60"),
    (
        sp.Derivative(sp.Trace(sp.MatrixSymbol("A", 2, 2)), sp.MatrixSymbol("A", 2, 2)),
        UnsupportedExpressionError,
        "is by A, which is no single variable",
    ),
    (
        sp.Sum(sp.Derivative(sp.sin(k), k), (k, 1, 2)),
        UnsupportedExpressionError,
        "is by something that is no variable",
    ),
]


@pytest.mark.parametrize(("value", "error", "words"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_refused_and_why(value: Any, error: type[SymgradError], words: str) -> None:
    with pytest.raises(error, match=words):
        convert(value, VECTOR)


def test_without_a_way_to_differentiate_a_derivative_is_refused() -> None:
    converter = Converter(NAMED, {}, PRIMITIVES)
    with pytest.raises(UnsupportedExpressionError, match=r"call \.doit\(\) first"):
        converter.convert(sp.Derivative(sp.sin(x), x))


def test_a_derivative_through_a_declared_function_is_refused() -> None:
    objects = {q: symbol("q"), q.diff(t): symbol("dq")}
    converter = Converter({"t": symbol("t")}, objects, PRIMITIVES, differentiate_expr)
    with pytest.raises(UnsupportedExpressionError, match=r"through the declared q\(t\)"):
        converter.convert(sp.Derivative(q**2, t))


def test_a_derivative_by_a_definition_is_refused() -> None:
    converter = Converter({"x": X * 2}, {}, PRIMITIVES, differentiate_expr)
    with pytest.raises(UnsupportedExpressionError, match="is by something that is no variable"):
        converter.convert(sp.Derivative(sp.sin(x), x))


def test_depth_does_not_matter() -> None:
    deep = x
    for _ in range(10_000):
        deep = sp.sin(deep, evaluate=False)
        hash(deep)  # kept by SymPy from the bottom up, where it needs no recursion
        assert deep.is_commutative
    raw = sp.Basic.__new__
    body = sp.Mul._from_args([deep, k], True)
    for value in (
        raw(sp.Sum, body, sp.Tuple(k, 1, 3)),
        raw(sp.Subs, deep, sp.Tuple(x), sp.Tuple(y + 1)),
        raw(sp.Derivative, deep, sp.Tuple(x, 1)),
    ):
        assert convert(value).args


def test_many_terms_take_microseconds_each() -> None:
    value = sp.Sum(sp.sin(k * x) / k, (k, 1, 10_000))
    start = time.process_time()
    assert len(convert(value).args) == 10_000
    assert time.process_time() - start < 5


def test_scopes_find_the_innermost_meaning() -> None:
    outer = Scope(Scope(), {k: constant(1), j: constant(5)}, {})
    inner = Scope(outer, {k: constant(2)}, {id(x): False})
    assert inner.find(k) == constant(2)
    assert inner.find(j) == constant(5)
    assert inner.find(x) is None
    assert inner.home(x) is outer  # which does not know it, so it may hold its variables
    assert inner.home(y) is inner


def test_what_depends_on_a_variable_is_found() -> None:
    part = sp.sin(x)
    body = sp.Mul(part, k + 1, evaluate=False)
    found = dependent([body], [k])
    assert found[id(body)]
    assert not found[id(part)]
    assert found[id(k)]


@pytest.mark.parametrize(
    ("expr", "value"),
    [
        (constant(3), 3),
        (constant(3) * constant(Fraction(1, 2)) + 1, Fraction(5, 2)),
        (constant(2) ** constant(10), 1024),
        (X, None),
        (X * 0 + 3, None),
        (named("pi"), None),
        (Expr("softabs", (constant(1),)), None),
    ],
    ids=repr,
)
def test_exact_values(expr: Expr, value: object) -> None:
    found = exact(expr)
    assert found == value
    assert type(found) is type(value)


def test_large_expressions_are_not_looked_through() -> None:
    long = constant(0)
    for _ in range(MAX_FOLDED):
        long = long + 1
    assert exact(long) is None
