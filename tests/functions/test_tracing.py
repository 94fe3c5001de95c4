"""math: every function by name, and plain Python functions traced with it."""

from __future__ import annotations

import contextlib
import math as real_math
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from symgrad.errors import ArgumentError, FormulaError, UnknownFunctionError
from symgrad.functions import COMPOSITIONS, PRIMITIVES, Functions, math
from symgrad.functions.tracing import MAX_VARIABLES, Traced, apply, trace
from symgrad.ir.expression import Expr, constant, named, symbol, variables
from symgrad.ir.primitive import define, table
from tests.expressions import as_written

x, y = variables("x y")


@pytest.mark.parametrize("name", sorted({*filter(str.isidentifier, PRIMITIVES), *COMPOSITIONS}))
def test_every_function_is_there(name: str) -> None:
    arity = PRIMITIVES[name].arity if name in PRIMITIVES else max(COMPOSITIONS[name][0])
    count = 2 if arity < 0 else arity
    arguments = [x > 0 if name in ("select", "where") and i == 0 else x for i in range(count)]
    function = getattr(math, name)
    try:
        made = function(*arguments)
    except FormulaError:  # its degree and order, or its dimension, are whole numbers
        made = None
        for given in ([2, *arguments[1:]], [*arguments[:-1], 2], [2, 0, *arguments[2:]]):
            with contextlib.suppress(FormulaError):
                made = function(*given)
    assert isinstance(made, Expr)
    assert name in dir(math)


def hypotenuse(m: ModuleType, a: float, b: float) -> float:
    return m.sqrt(a**2 + b**2) * m.cos(m.pi / 3) + m.exp(-a) % 2


def test_a_python_function_is_traced() -> None:
    traced = hypotenuse(math, x, y)  # type: ignore[arg-type]
    expected = hypotenuse(real_math, 3.0, 4.0)
    assert float(as_written(traced, {"x": 3.0, "y": 4.0})) == pytest.approx(expected, rel=1e-14)


def test_constants() -> None:
    assert math.pi == named("pi")
    assert math.e == named("e")


def test_numbers_are_taken_as_arguments() -> None:
    assert math.atan2(x, 2) == Expr("atan2", (x, constant(2)))
    assert math.sin(1.5) == Expr("sin", (constant(1.5),))


@pytest.mark.parametrize("name", ["nosuch", "_private", "__wrapped__", "add", "Sin"])
def test_unknown_names_have_no_attribute(name: str) -> None:
    with pytest.raises(AttributeError):
        getattr(math, name)
    assert not hasattr(math, name)


def test_unknown_functions_have_no_row() -> None:
    with pytest.raises(UnknownFunctionError, match="'nosuch'"):
        apply("nosuch", (x,), PRIMITIVES)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("sin", (), "sin takes 1"),
        ("sin", (x, y), "2 given"),
        ("atan2", (x,), "atan2 takes 2"),
        ("log", (x, y, x), "log takes 1 or 2"),
        ("max", (), "max takes"),
        ("where", (x > 0, x), "where takes 3"),
        ("clamp", (x,), "clamp takes 3"),
    ],
)
def test_wrong_counts_are_named(name: str, arguments: tuple[Expr, ...], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        apply(name, arguments, PRIMITIVES)


def test_a_private_table_has_its_own_names() -> None:
    rows = table(define("cubed", lambda y, x: 3 * x * x, domain=(0, 1)))
    own = Functions(rows)
    assert own.cubed(x) == Expr("cubed", (x,))
    assert not hasattr(own, "sin")
    assert not hasattr(math, "cubed")


def test_functions_take_arrays_entry_by_entry() -> None:
    made = math.sin(np.array([x, 2.0], dtype=object))
    assert list(made) == [math.sin(x), math.sin(2.0)]
    chosen = math.where(math.lt(np.array([x, y]), 0), np.array([1, 2]), 3)
    assert list(chosen) == [math.where(x < 0, 1, 3), math.where(y < 0, 2, 3)]


def test_a_count_gives_one_array() -> None:
    def energy(q: Any) -> Any:
        assert q.shape == (3,)
        return np.exp(-q @ q) * np.sin(q[1:]).sum() + q[0] % 2

    traced = trace(energy, 3)
    assert traced.inputs == variables("x", 3)
    point = {"x0": 0.3, "x1": 0.5, "x2": -0.2}
    expected = energy(np.array([0.3, 0.5, -0.2]))
    assert float(as_written(traced.outputs, point)) == pytest.approx(expected, rel=1e-14)


def test_names_give_an_expression_each() -> None:
    assert trace(lambda a, b: [a - b, a * b], "x, y") == Traced([x - y, x * y], (x, y))
    assert trace(lambda a: a, "x").outputs is not None


def test_shapes_give_arrays() -> None:
    def product(m: Any, v: Any, s: Any) -> Any:
        return s * (m @ v)

    traced = trace(product, {"m": (2, 2), "v": 2, "s": ()})
    names = "m_0_0 m_0_1 m_1_0 m_1_1 v0 v1 s"
    assert traced.inputs == variables(names)
    m00, m01, _, _, v0, v1, s = traced.inputs
    assert traced.outputs[0] == s * (m00 * v0 + m01 * v1)
    assert trace(lambda a: a.T, (2, 3)).outputs.shape == (3, 2)
    assert trace(lambda a: a, (2, 1)).inputs == (symbol("x_0_0"), symbol("x_1_0"))


def test_the_mathematics_comes_first_where_it_is_given() -> None:
    traced = trace(hypotenuse, "x y", math=math)
    assert traced.outputs == hypotenuse(math, x, y)  # type: ignore[arg-type]
    rows = table(define("cubed", lambda y, x: 3 * x * x, domain=(0, 1)))
    assert trace(lambda m, a: m.cubed(a), "x", math=Functions(rows)).outputs.op == "cubed"


def test_a_generator_is_listed() -> None:
    def rows(q: Any) -> Any:
        yield q[0]
        yield q[1]

    assert trace(rows, 2).outputs == list(variables("x", 2))


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ("", "no variables"),
        (0, "no variables"),
        ({}, "no variables"),
        (-1, "a count or a shape"),
        (2.0, "a count or a shape"),
        (True, "a count or a shape"),
        ({"q": "three"}, "a count or a shape"),
        ({3: 3}, "a count or a shape"),
        ([x, y], "a count or a shape"),
        (MAX_VARIABLES + 1, "a count or a shape"),
    ],
)
def test_inputs_of_trace_that_are_refused(inputs: Any, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        trace(lambda *arguments: arguments[0], inputs)


def test_what_cannot_be_traced() -> None:
    with pytest.raises(ArgumentError, match="which cannot be called"):
        trace(3, 2)  # type: ignore[arg-type]

    def nothing(q: Any) -> None:
        pass

    with pytest.raises(ArgumentError, match="nothing returned None while it was traced"):
        trace(nothing, 2)
    with pytest.raises(ArgumentError, match=r"write where\(condition, a, b\)"):
        trace(lambda a: a if a > 0 else -a, "x")
    with pytest.raises(ArgumentError, match=r"numpy\.sin\(x\) or symgrad\.math\.sin\(x\)"):
        trace(lambda a: real_math.sin(a), "x")
