"""math: every function by name, and plain Python functions traced with it."""

from __future__ import annotations

import math as real_math
from types import ModuleType

import pytest

from symgrad.errors import ArgumentError, UnknownFunctionError
from symgrad.functions import COMPOSITIONS, PRIMITIVES, Functions, math
from symgrad.functions.tracing import apply
from symgrad.ir.expression import Expr, constant, named, variables
from symgrad.ir.primitive import define, table
from tests.expressions import as_written

x, y = variables("x y")


@pytest.mark.parametrize("name", sorted({*PRIMITIVES, *COMPOSITIONS}))
def test_every_function_is_there(name: str) -> None:
    arity = PRIMITIVES[name].arity if name in PRIMITIVES else max(COMPOSITIONS[name][0])
    count = 2 if arity < 0 else arity
    arguments = [x > 0 if name in ("select", "where") and i == 0 else x for i in range(count)]
    assert isinstance(getattr(math, name)(*arguments), Expr)
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


@pytest.mark.parametrize("name", ["besselk", "_private", "__wrapped__", "add", "Sin"])
def test_unknown_names_have_no_attribute(name: str) -> None:
    with pytest.raises(AttributeError):
        getattr(math, name)
    assert not hasattr(math, name)


def test_unknown_functions_have_no_row() -> None:
    with pytest.raises(UnknownFunctionError, match="'besselk'"):
        apply("besselk", (x,), PRIMITIVES)


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
