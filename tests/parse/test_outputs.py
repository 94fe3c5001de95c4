"""Outputs and inputs in every form, and what is refused with its place."""

from __future__ import annotations

import time
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy as sp

from symgrad.errors import (
    ArgumentError,
    DuplicateNameError,
    EmptySystemError,
    FormulaError,
    LimitError,
    SymgradError,
    UnknownFunctionError,
    UnknownSymbolError,
)
from symgrad.functions import PRIMITIVES
from symgrad.functions.tracing import trace
from symgrad.ir.expression import Expr, constant, symbol, variables
from symgrad.ir.primitive import define, table
from symgrad.parse.outputs import parse_outputs
from symgrad.parse.variables import MAX_DEPTH

X, Y = variables("x y")
x, y, z, t = sp.symbols("x y z t")
q = sp.Function("q")(t)


@pytest.mark.parametrize(
    ("outputs", "expr"),
    [
        ("x*y", X * Y),
        (x * y, X * Y),
        (X * Y, X * Y),
        (3, constant(3)),
        (Fraction(1, 3), constant(Fraction(1, 3))),
        (2.5, constant(2.5)),
        (np.float64(2.5), constant(2.5)),
        (np.float32(0.1), constant(float(np.float32(0.1)))),
        (np.int64(3), constant(3)),
        (np.array(2.5), constant(2.5)),
        (np.array(x * y, dtype=object), X * Y),
        (sp.Array(x * y), X * Y),
    ],
    ids=repr,
)
def test_a_single_expression_has_shape_s_of_nothing(outputs: object, expr: Expr) -> None:
    parsed = parse_outputs(outputs, "x y")
    assert parsed.exprs == (expr,)
    assert parsed.shape == ()
    assert parsed.output_names == ("",)


@pytest.mark.parametrize(
    ("outputs", "shape"),
    [
        (["x", X, x], (3,)),
        (("x",), (1,)),
        (np.array([x, y], dtype=object), (2,)),
        (np.array([[1.0, 2.0, 3.0]]), (1, 3)),
        ([[x, "y"], [1, X], [Y, 2]], (3, 2)),
        (sp.Matrix([[x, y]]), (1, 2)),
        (sp.ImmutableMatrix([x, y]), (2, 1)),
        (sp.Array([[[x], [y]]]), (1, 2, 1)),
        ([sp.Matrix([x, y]), [[1], [2]]], (2, 2, 1)),
        (sp.Tuple(x, y), (2,)),
        (sp.cse([sp.sin(x + y), sp.cos(x + y)]), (2,)),
        (sp.cse([x, y]), (2,)),
        (sp.cse(sp.sin(x + y) + x + y, list=False), ()),
        (sp.cse(sp.Matrix([sp.sin(x + y), x + y]), list=False), (2, 1)),
        ((value for value in "xy"), (2,)),
        ({"a": x, "b": "y", "c": 3}, (3,)),
    ],
    ids=str,
)
def test_sequences_matrices_and_arrays_keep_their_shape(
    outputs: object, shape: tuple[int, ...]
) -> None:
    parsed = parse_outputs(outputs, "x y")
    assert parsed.shape == shape
    assert len(parsed.exprs) == len(parsed.output_names) == int(np.prod(shape))


def test_outputs_are_flat_row_major() -> None:
    parsed = parse_outputs(sp.Matrix([[1, 2], [3, 4]]), "x")
    assert [expr.value for expr in parsed.exprs] == [1, 2, 3, 4]
    assert parsed.output_names == ("f0", "f1", "f2", "f3")


def test_a_dict_names_its_outputs_in_order() -> None:
    parsed = parse_outputs({"b": "x", sp.Symbol("a"): 2 * x}, "x")
    assert parsed.output_names == ("b", "a")
    assert parsed.exprs == (X, constant(2) * X)
    own = parse_outputs(sp.Dict({sp.Symbol("a"): 2 * sp.Symbol("x")}), "x")
    assert (own.output_names, own.exprs) == (("a",), (constant(2) * X,))


def test_sympy_exprs_and_text_mix_over_the_same_variables() -> None:
    parsed = parse_outputs(
        ["x + k", X + symbol("k"), sp.Symbol("k") + x], [x, Y], "k", ["x", sp.Symbol("k")]
    )
    first, second, third = parsed.exprs
    assert first == second
    assert set(third.args) == set(first.args)
    assert (parsed.inputs, parsed.parameters, parsed.wrt) == (("x", "y"), ("k",), ("x", "k"))
    assert parsed.labels == ("x", "y", "k")


def test_inputs_are_what_is_differentiated_by_if_nothing_else_is_said() -> None:
    assert parse_outputs("x", "x y", "k").wrt == ("x", "y")


def test_declared_objects() -> None:
    first, second = sp.Dummy("a"), sp.Dummy("a")
    m = sp.MatrixSymbol("M", 1, 2)
    outputs = [first - second, q * q.diff(t)]
    parsed = parse_outputs(outputs, [first, second, q], [q.diff(t), m], [second, m[0, 0]])
    assert parsed.inputs == ("a_1", "a_2", "q")
    assert parsed.parameters == ("Derivative_q_t_t", "M_0_0", "M_0_1")
    assert parsed.wrt == ("a_2", "M_0_0")
    assert parsed.labels == ("a", "a", "q(t)", "Derivative(q(t), t)", "M[0, 0]", "M[0, 1]")
    assert repr(parsed.exprs[0]) in ("a_1 + (-1)*a_2", "(-1)*a_2 + a_1")
    assert parsed.variables.find(first, "it") == "a_1"


def test_a_matrix_expression_is_its_elements() -> None:
    m = sp.MatrixSymbol("M", 2, 2)
    parsed = parse_outputs(m * m, m)
    assert parsed.shape == (2, 2)
    assert parsed.inputs == ("M_0_0", "M_0_1", "M_1_0", "M_1_1")


def test_subexpressions_of_cse_are_shared() -> None:
    pairs, reduced = sp.cse([sp.sin(x + y), sp.cos(x + y)])
    assert pairs
    parsed = parse_outputs((pairs, reduced), [x, y])
    assert parsed.exprs[0].args[0] is parsed.exprs[1].args[0]
    assert parsed.exprs[0].args[0] == parse_outputs(x + y, [x, y]).exprs[0]


def test_subexpressions_of_cse_may_be_dummies() -> None:
    symbols = sp.numbered_symbols(cls=sp.Dummy)
    pairs, reduced = sp.cse([sp.sin(x + y) + sp.sin(x + y) ** 2, sp.cos(x + y)], symbols)
    assert len(pairs) == 2
    parsed = parse_outputs((pairs, reduced), [x, y])
    assert parsed.exprs[1] == parse_outputs(sp.cos(x + y), [x, y]).exprs[0]
    assert parsed.inputs == ("x", "y")


def test_thousands_of_subexpressions_of_cse_take_no_time() -> None:
    made = sp.symbols("c0:4000")
    pairs = [(made[0], x * y)]
    pairs += [(made[i], sp.sin(made[i - 1]) * x + made[i // 2]) for i in range(1, 4000)]
    start = time.process_time()
    parse_outputs((pairs, [made[-1]]), "x y")
    assert time.process_time() - start < 5


def test_what_trace_gave_is_starred() -> None:
    traced = trace(lambda a, b: a * b, "x y")
    assert parse_outputs(*traced).exprs == (X * Y,)
    with pytest.raises(ArgumentError, match=r"write compile\(\*traced, \.\.\.\) with a star"):
        parse_outputs(traced, "x y")


def test_an_indexed_base_with_a_shape_is_its_elements() -> None:
    v, i = sp.IndexedBase("v", shape=(3,)), sp.Symbol("i")
    parsed = parse_outputs(sp.Sum(v[i] ** 2, (i, 0, 2)), v)
    assert parsed.inputs == ("v_0", "v_1", "v_2")
    first, second, third = (symbol(name) for name in parsed.inputs)
    assert parsed.exprs[0].args == (first**2, second**2, third**2)
    assert parse_outputs(v, v).shape == (3,)


def test_a_matrix_that_cannot_be_written_out_names_its_place() -> None:
    m = sp.MatrixSymbol("M", 9, 9)
    with pytest.raises(LimitError, match="the outputs: the inverse of a 9 x 9 matrix"):
        parse_outputs(m.I, m)


def test_a_subexpression_of_cse_that_is_called_like_an_input_is_refused() -> None:
    with pytest.raises(DuplicateNameError, match="'x0' has the name of input"):
        parse_outputs(sp.cse([sp.sin(x + y), sp.cos(x + y)]), [x, y, "x0"])


def test_definitions_may_use_earlier_ones_and_are_shared() -> None:
    definitions = {"r": "x**2 + y", "s": sp.Symbol("r") * x, "u": symbol("s") + symbol("r")}
    parsed = parse_outputs(
        ["sin(u)", sp.Symbol("u"), symbol("u") * X], "x y", definitions=definitions
    )
    r = X**2 + Y
    u = parsed.exprs[1]
    assert u.args[1] == r
    assert parsed.exprs[0].args[0] is u
    assert parsed.exprs[2] == u * X


def test_a_user_s_rows_are_used_everywhere() -> None:
    rows = {**PRIMITIVES, **table(define("softabs", lambda y, x: x / y, domain=(1, 2)))}
    expected = Expr("softabs", (X,))
    parsed = parse_outputs(["softabs(x)", sp.Function("softabs")(x), expected], "x", rows=rows)
    assert parsed.exprs == (expected,) * 3


def test_derivative_objects_reach_the_callback() -> None:
    parsed = parse_outputs(
        sp.Derivative(sp.sin(x), x), x, differentiate=lambda expr, names: symbol(names[0]) * expr
    )
    assert parsed.exprs == (X * Expr("sin", (X,)),)


def test_many_outputs_over_many_inputs_take_no_time() -> None:
    names = [f"x{i}" for i in range(2000)]
    parsed = parse_outputs([f"x{i}*x{i // 2} + 1" for i in range(2000)], names)
    assert parsed.shape == (2000,)


endless: list[Any] = []
endless.append(endless)

REFUSED = [
    (([], "x"), EmptySystemError, "there are no outputs"),
    (({}, "x"), EmptySystemError, "there are no outputs"),
    (([[], []], "x"), EmptySystemError, "there are no outputs"),
    (("x", []), EmptySystemError, "there are no inputs"),
    (("x", ""), EmptySystemError, "there are no inputs"),
    (("x", "x", (), []), EmptySystemError, "wrt names nothing"),
    (
        ("x", [x, "x"]),
        DuplicateNameError,
        r"'x' is declared twice: as input\[0\] and as input\[1\]",
    ),
    (("x", "x", "y x"), DuplicateNameError, r"as input and as parameter\[1\]"),
    (("x", "x y", (), [x, "x"]), DuplicateNameError, r"twice in wrt: as wrt\[0\] and as wrt\[1\]"),
    (({"a": "x", sp.Symbol("a"): "x"}, "x"), DuplicateNameError, "two outputs are called 'a'"),
    (("x + gama", ["x", "gamma"]), UnknownSymbolError, "the output: 'gama' is not.*to it: gamma"),
    (
        ([x, x + z], "x"),
        UnknownSymbolError,
        r"symbol 'z' in output \[1\] is not declared; add it to",
    ),
    (({"e": X + symbol("zz")}, "x z"), UnknownSymbolError, "'zz' in output 'e'.*close to it: z"),
    (("x", "x", (), "y"), UnknownSymbolError, "wrt is 'y', which is neither an input"),
    (("foo(x)", "x"), UnknownFunctionError, "the output: function 'foo' has no row"),
    (({"e": sp.Function("foo")(x)}, "x"), UnknownFunctionError, "in output 'e', at foo"),
    (("1e999*x", "x"), LimitError, "the output: 1e999 overflows"),
    ((10**5000, "x"), LimitError, "the output is an exact number of more than"),
    (("x < 1", "x"), FormulaError, "is a condition and no number"),
    ((X < 1, "x"), FormulaError, "the output is a condition and no number"),
    (({"e": x < 1}, "x"), FormulaError, "output 'e' is a condition"),
    (
        ([[x, y], [x]], "x y"),
        ArgumentError,
        r"outputs\[0\] is a row of 2 and outputs\[1\] is a row of 1",
    ),
    (([x, [y]], "x y"), ArgumentError, r"outputs\[0\] is a single expression and outputs\[1\]"),
    (([[x], y], "x y"), ArgumentError, r"outputs\[0\] is a row of 1 and outputs\[1\] is a single"),
    (({"e": [x]}, "x"), ArgumentError, "output 'e' is an array"),
    (({1: x}, "x"), ArgumentError, "output name 1 is no text"),
    (({"": x}, "x"), ArgumentError, "output name '' is no text"),
    ((None, "x"), ArgumentError, "the output is None, of type NoneType; give a SymPy expression"),
    ((True, "x"), ArgumentError, "the output is True, of type bool"),
    ((1j, "x"), ArgumentError, "of type complex"),
    ((b"x", "x"), ArgumentError, "of type bytes"),
    (([x, print], "x"), ArgumentError, r"output \[1\] is <built-in function print>"),
    (({x}, "x"), ArgumentError, "the outputs is a set, which has no order here"),
    ((endless, "x"), ArgumentError, f"more than {MAX_DEPTH} levels"),
    (("x", {"x"}), ArgumentError, "input is a set"),
    (("x", [x + 1]), ArgumentError, r"input\[0\] is x \+ 1"),
    (("x", "x", "__init__"), ArgumentError, "parameter is called '__init__'"),
]


@pytest.mark.parametrize(("given", "error", "words"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_refused_and_where(given: Any, error: type[SymgradError], words: str) -> None:
    with pytest.raises(error, match=words):
        parse_outputs(*given)


@pytest.mark.parametrize(
    ("definitions", "error", "words"),
    [
        ({"x": "1"}, DuplicateNameError, "the definition 'x' has the name of input"),
        ({"r": "z"}, UnknownSymbolError, "the definition 'r': 'z' is not declared"),
        ({"r": "s", "s": "x"}, UnknownSymbolError, "the definition 'r': 's' is not declared"),
        ({"r": symbol("z")}, UnknownSymbolError, "'z' in the definition 'r'"),
        ({"r": "x < 1"}, FormulaError, "the definition 'r'.*is a condition"),
        ({"a b": "x"}, ArgumentError, "a definition is called 'a b'"),
    ],
)
def test_definitions_that_are_refused(
    definitions: dict[str, object], error: type[SymgradError], words: str
) -> None:
    with pytest.raises(error, match=words):
        parse_outputs("x", "x", definitions=definitions)
