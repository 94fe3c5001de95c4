"""Graphs as text: exactly what is written, and the same graph read back bit for bit."""

from __future__ import annotations

import math
import struct
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symgrad.errors import FormulaError, UnknownFunctionError
from symgrad.functions import PRIMITIVES
from symgrad.ir.expression import Expr, variables
from symgrad.ir.graph import Graph
from symgrad.ir.text import expression, read_graph, write


def bits(value: Any) -> Any:
    """A number with its type, a double by its bits."""
    return struct.pack("<d", value) if type(value) is float else (type(value), value)


def data(op: str, value: Any) -> Any:
    """A node's data in a form in which only the same bits are equal."""
    if op == "sum":
        return bits(value[0]), [bits(c) for c in value[1]]
    return [bits(e) for e in value] if op == "product" else bits(value)


def same(a: Graph, b: Graph) -> bool:
    """Whether two graphs agree in every op, argument and bit."""
    left = [data(op, value) for op, value in zip(a.ops, a.data, strict=True)]
    right = [data(op, value) for op, value in zip(b.ops, b.data, strict=True)]
    return (a.ops, a.args, left, a.exact) == (b.ops, b.args, right, b.exact)


def payload(pattern: int) -> float:
    """The double with these 64 bits."""
    return struct.unpack("<d", struct.pack("<Q", pattern))[0]  # type: ignore[no-any-return]


NUMBERS: list[Any] = [
    *(0, 1, -1, 2, -7, 10**300, Fraction(1, 3), Fraction(-22, 7), 3**20_000, -(3**20_000)),
    *(Fraction(1, 3**5_000), Fraction(-(2**5_000), 3), Fraction(2**5_000 + 1, 3**5_000)),
    *(0.0, -0.0, 1.0, -1.0, 0.1, -2.5, 1e300, 1e-300, 5e-324, 1e22, math.inf, -math.inf),
    *(math.nan, -math.nan, payload(0x7FF8000000000001), payload(0xFFF0000000000002)),
]


def test_what_is_written() -> None:
    graph = Graph(PRIMITIVES)
    x, y = variables("x y")
    unused = graph.add(x * y)
    ratio, root = graph.add_all([x**2 / y, Expr("sin", (x,)) ** Fraction(1, 2)])
    node = graph.sum([(ratio, -2), (root, 0.5)], 1)
    assert write(graph, {"value": [node, unused]}).splitlines() == [
        "graph",
        "%0 = symbol x",
        "%1 = symbol y",
        "%2 = product %0**1 * %1**1",
        "%3 = product %0**2 * %1**-1",
        "%4 = sin %0",
        "%5 = product %4**1/2",
        "%6 = sum 1 - 2*%3 + 0.5*%5",
        "output value = %6 %2",
    ]


def test_only_what_the_outputs_need_is_listed() -> None:
    graph = Graph({})
    graph.symbol("unused")
    x = graph.symbol("x")
    assert write(graph, {"a": [x], "b": []}) == "graph\n%0 = symbol x\noutput a = %0\noutput b =\n"
    assert "unused" in write(graph)


@pytest.mark.parametrize("number", NUMBERS, ids=range(len(NUMBERS)))
def test_numbers_come_back_with_type_and_bits(number: Any) -> None:
    graph = Graph({})
    x, y = graph.symbol("x"), graph.symbol("y")
    graph.intern("constant", (), number)
    graph.intern("sum", (x, y), (number, (number, 1)))
    graph.intern("sum", (x,), (0, (number,)))
    graph.intern("sum", (), (number, ()))
    made, outputs = read_graph(write(graph), {})
    assert same(made, graph)
    assert outputs == {}


@pytest.mark.parametrize("exponent", [1, -1, 12, Fraction(1, 2), Fraction(-3, 4), Fraction(2, 1)])
def test_exponents_come_back_with_type(exponent: Any) -> None:
    graph = Graph({})
    x, y = graph.symbol("x"), graph.symbol("y")
    graph.intern("product", (x, y), (exponent, 1))
    graph.intern("product", (x,), (exponent,))
    assert same(read_graph(write(graph), {})[0], graph)


NAMES = ["x", "größe", "a b", 'quo"te\\', "line\nbreak", "\\alpha", "", "%1", "x'", "_", "\ud800"]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_any_name_comes_back(name: str) -> None:
    graph = Graph({})
    nodes = [graph.symbol(name), graph.symbol("other")]
    made, outputs = read_graph(write(graph, {name: nodes, "last": nodes[:1]}), {})
    assert same(made, graph)
    assert outputs == {name: (0, 1), "last": (0,)}


def test_every_kind_of_node_comes_back() -> None:
    graph = Graph(PRIMITIVES, exact=True)
    x, y, *more = variables("v", max(row.arity for row in PRIMITIVES.values()))
    call = PRIMITIVES
    condition = (x < y) & ~(Expr("eq", (x, y)))
    exprs = [
        Expr("select", (condition, Expr("atan2", (x, y)), x**y)),
        Expr("named", (), "pi") * Expr("named", (), "e"),
        Expr("boolean", (), True),
        *(
            Expr(name, (x, y, *more)[: row.arity])
            for name, row in call.items()
            if not row.boolean and name != "select" and row.kind != "unknown"
        ),
    ]
    nodes = graph.add_all(exprs)
    made, outputs = read_graph(write(graph, {"value": nodes}), PRIMITIVES)
    again, same_outputs = read_graph(write(made), PRIMITIVES)
    assert same(made, again)
    assert same_outputs == {}
    assert write(made, outputs) == write(graph, {"value": nodes})
    assert made.exact
    assert [made.ops[n] for n in outputs["value"]] == [graph.ops[n] for n in nodes]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """A graph of random sums, products and functions over two symbols."""
    graph = Graph(PRIMITIVES)
    nodes = [graph.symbol("x"), graph.symbol("y")]
    number = st.one_of(st.integers(-9, 9), st.fractions(-9, 9, max_denominator=9), st.floats())
    for _ in range(draw(st.integers(1, 12))):
        a, b = draw(st.sampled_from(nodes)), draw(st.sampled_from(nodes))
        kind = draw(st.sampled_from(["sum", "product", "sin", "max"]))
        if kind == "sum":
            made = graph.sum([(a, draw(number)), (b, draw(number))], draw(number))
        elif kind == "product":
            made = graph.product([(a, draw(st.sampled_from([1, 2, Fraction(1, 2)]))), (b, 1)])
        else:
            made = graph.call(kind, (a, b)[: PRIMITIVES[kind].arity])
        nodes.append(made)
    return graph


@given(graphs())
@settings(max_examples=100, deadline=None)
def test_random_graphs_come_back(graph: Graph) -> None:
    assert same(read_graph(write(graph), PRIMITIVES)[0], graph)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "starts with the line 'graph'"),
        ("%0 = symbol x", "starts with the line 'graph'"),
        ("graph\nhello", "line 2.*neither a node nor an output"),
        ("graph\n%0 = symbol x\n%1 = sum 2*%7", "line 3.*%7 is used before its line"),
        ("graph\n%0 = sum %0", "%0 is used before its line"),
        ("graph\n%0 = symbol x\n%1 = sum %0 + 3", "constant of a sum stands first"),
        ("graph\n%0 = symbol x\n%1 = sum %0 * %0", r"'\* %0' is not read"),
        ("graph\n%0 = symbol x\n%1 = product", "nothing follows the op"),
        ("graph\n%0 = symbol x\n%1 = product %0", "is not read"),
        ("graph\n%0 = constant x", "a constant is a number"),
        ("graph\n%0 = constant 1 2", "a constant is a number"),
        ("graph\n%0 = named tau", "the named constants are pi"),
        ("graph\n%0 = boolean 1", "a boolean is True or False"),
        ("graph\n%0 = symbol a b", "'a b' is no name; quote it"),
        ('graph\n%0 = symbol "a', "no quoted name"),
        ("graph\n%0 = symbol x\n%1 = sin %0 %0", r"sin takes 1 argument\(s\), 2 given"),
        ("graph\n%0 = symbol x\n%1 = sin 0", "arguments are nodes such as %0"),
        ("graph\n%0 = symbol x\noutput value = %3", "%3 is used before its line"),
    ],
)
def test_what_is_no_graph_is_refused_with_its_line(text: str, words: str) -> None:
    with pytest.raises(FormulaError, match=words):
        read_graph(text, PRIMITIVES)


def test_a_function_without_a_row_is_named() -> None:
    with pytest.raises(UnknownFunctionError, match=r"line 3.*function 'foo' has no row"):
        read_graph("graph\n%0 = symbol x\n%1 = foo %0", PRIMITIVES)


def test_expressions_of_rules() -> None:
    x, a, b = variables("x a b")
    assert expression("log(exp(x))", PRIMITIVES) == Expr("log", (Expr("exp", (x,)),))
    assert expression("sqrt(a)*e", PRIMITIVES) == (
        Expr("multiply", (a ** Fraction(1, 2), Expr("named", (), "e")))
    )
    assert expression("where(a < b, a, b)", PRIMITIVES) == Expr("select", (a < b, a, b))


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("foo(x)", UnknownFunctionError, "'foo' has no row"),
        ("sin(x, y)", FormulaError, r"sin takes 1 argument\(s\), 2 given"),
        ("sin(x < 1)", FormulaError, "argument 1 of sin must be a number"),
        ("where(x, 1, 2)", FormulaError, "argument 1 of where must be a condition"),
        ("sin", FormulaError, "sin is a function"),
    ],
)
def test_rules_are_checked_like_formulas(text: str, error: type[FormulaError], words: str) -> None:
    with pytest.raises(error, match=words):
        expression(text, PRIMITIVES)


def test_a_rule_s_function_must_have_a_row_in_the_given_table() -> None:
    with pytest.raises(UnknownFunctionError, match="where"):
        expression("where(x < 1, x, y)", {})
