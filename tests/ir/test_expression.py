"""Expr: immutable, structural equality, operators, pickling, no recursion."""

from __future__ import annotations

import copy
import operator
import pickle
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from symgrad.errors import ArgumentError, UnknownFunctionError
from symgrad.functions import PRIMITIVES, math
from symgrad.ir.expression import (
    NUMPY,
    Expr,
    constant,
    infix,
    named,
    postorder,
    symbol,
    variables,
    wrap,
)
from tests.expressions import CORPUS, as_written

x, y = variables("x y")
DEEP = 20_000


def deep(levels: int = DEEP) -> Expr:
    value = x
    for _ in range(levels):
        value = math.sin(value)
    return value


@pytest.mark.parametrize(
    "apply",
    [
        lambda a, b: a + b,
        lambda a, b: a - b,
        lambda a, b: a * b,
        lambda a, b: a / b,
        lambda a, b: a**b,
        lambda a, b: a % b,
        lambda a, b: a // b,
    ],
)
def test_arithmetic_operators(apply: Callable[[Any, Any], Any]) -> None:
    point = {"x": 7.5, "y": 2.25}
    expected = apply(7.5, 2.25)
    for made in (apply(x, y), apply(x, 2.25), apply(7.5, y)):
        assert isinstance(made, Expr)
        assert float(as_written(made, point)) == pytest.approx(expected, rel=1e-15)


def test_unary_operators() -> None:
    point = {"x": -1.5}
    assert as_written(-x, point) == 1.5
    assert as_written(abs(x), point) == 1.5
    assert +x is x


@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge])
@pytest.mark.parametrize("pair", [(1.0, 2.0), (2.0, 1.0), (1.0, 1.0)])
def test_comparison_operators(
    compare: Callable[[Any, Any], Any], pair: tuple[float, float]
) -> None:
    point = dict(zip("xy", pair, strict=True))
    expected = compare(*pair)
    assert as_written(compare(x, y), point) is expected
    assert as_written(compare(x, pair[1]), point) is expected
    assert as_written(compare(pair[0], y), point) is expected


@pytest.mark.parametrize("value", [-1.0, 0.5, 3.0])
def test_logical_operators(value: float) -> None:
    point = {"x": value}
    assert as_written((x > 0) & (x < 1), point) is (0 < value < 1)
    assert as_written((x < 0) | (x > 1), point) is (value < 0 or value > 1)
    assert as_written(~(x > 0), point) is (value <= 0)
    assert as_written(True & (x > 0), point) is (value > 0)
    assert as_written(False | (x > 0), point) is (value > 0)


def test_equality_is_structural() -> None:
    assert x + 2 * y == x + 2 * y
    assert x + y != y + x
    assert x != symbol("y")
    assert (x == "x") is False
    assert constant(2) == 2
    assert constant(2) != 2.0
    assert len({x + y, x + y, y + x}) == 2


def test_equality_of_shared_graphs_takes_linear_time() -> None:
    def doubled() -> Expr:
        value = x
        for _ in range(200):
            value = value + value
        return value

    assert doubled() == doubled()


@pytest.mark.parametrize(
    "pair", [(0, 0.0), (0.0, -0.0), (0, False), (1, True), (1, 1.0), (2, Fraction(5, 2))]
)
def test_constants_of_different_type_or_sign_differ(pair: tuple[Any, Any]) -> None:
    assert constant(pair[0]) != constant(pair[1])
    assert x + constant(pair[0]) != x + constant(pair[1])


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (3, int),
        (np.int32(3), int),
        (np.uint8(3), int),
        (Fraction(6, 2), int),
        (Fraction(1, 3), Fraction),
        (1.5, float),
        (np.float64(1.5), float),
        (np.float32(1.5), float),
        (True, bool),
    ],
)
def test_constant_keeps_the_kind_of_number(value: object, kind: type) -> None:
    made = constant(value)
    assert type(made.value) is kind
    assert made.value == value


@pytest.mark.parametrize("value", ["1", None, 1j, Decimal("0.1"), [1], np.array([1.0, 2.0])])
def test_constant_refuses_what_is_no_real_number(value: object) -> None:
    with pytest.raises(ArgumentError, match="not a real number"):
        constant(value)


def test_numpy_scalars_defer_to_the_expression() -> None:
    for made in (np.float64(2.5) * x, np.int64(2) + x, np.float32(1.0) - x, np.float64(1.0) / x):
        assert isinstance(made, Expr)
    assert isinstance(np.float64(1.0) < x, Expr)


@pytest.mark.parametrize("other", ["a", None, 1j, [1]])
def test_operators_refuse_other_objects(other: Any) -> None:
    for apply in (
        operator.add,
        operator.sub,
        operator.mul,
        operator.truediv,
        operator.pow,
        operator.lt,
        operator.and_,
        operator.floordiv,
    ):
        with pytest.raises(TypeError):
            apply(x, other)
        with pytest.raises(TypeError):
            apply(other, x)


def test_truth_value_names_the_cure() -> None:
    with pytest.raises(ArgumentError, match="where"):
        bool(x > 0)
    with pytest.raises(ArgumentError, match="where"):
        max(x, y)


def test_iteration_is_refused() -> None:
    with pytest.raises(ArgumentError, match="scalar"):
        _first, _second = x


def test_immutable() -> None:
    with pytest.raises(AttributeError, match="immutable"):
        x.value = "z"


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_pickle_and_copy(case: Any) -> None:
    for expr in case.outputs:
        for other in (pickle.loads(pickle.dumps(expr)), copy.deepcopy(expr), copy.copy(expr)):
            assert other == expr
            assert hash(other) == hash(expr)
            assert repr(other) == repr(expr)


def test_pickle_keeps_sharing() -> None:
    value = x
    for _ in range(100):
        value = value * value
    assert len(postorder((pickle.loads(pickle.dumps(value)),))) == 101


def test_deep_expressions_need_no_recursion() -> None:
    value = deep()
    assert len(postorder((value,))) == DEEP + 1
    assert value == deep()
    assert pickle.loads(pickle.dumps(value)) == value
    assert "..." in infix(value)
    assert len(infix(value)) <= 2000
    del value


def test_postorder_has_arguments_first_and_every_object_once() -> None:
    shared = x * y
    order = postorder((shared + math.sin(shared), shared))
    assert len(order) == len({id(node) for node in order}) == 5
    place = {id(node): index for index, node in enumerate(order)}
    assert all(place[id(a)] < place[id(node)] for node in order for a in node.args)


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (x + 2 * y, "x + 2*y"),
        ((x + y) * x, "(x + y)*x"),
        (x ** (y + 1), "x**(y + 1)"),
        ((x * y) ** 2, "(x*y)**2"),
        ((x**y) ** x, "(x**y)**x"),
        (x**-1, "x**(-1)"),
        (math.sin(x), "sin(x)"),
        (math.where((x < y) & (x <= 0), x, 1.5), "select(((x < y) & (x <= 0)), x, 1.5)"),
        (constant(Fraction(1, 3)) * x, "(1/3)*x"),
        (named("pi") / 2, "pi*2**(-1)"),
    ],
)
def test_text(expr: Expr, text: str) -> None:
    assert repr(expr) == text


def test_variables() -> None:
    assert variables("x") == symbol("x")
    assert variables("a, b c") == (symbol("a"), symbol("b"), symbol("c"))
    assert variables("q", 3) == (symbol("q0"), symbol("q1"), symbol("q2"))
    assert variables("q", 0) == ()


@pytest.mark.parametrize("arguments", [("",), (" , ",), (None,), ("a b", 2), ("a", -1), ("a", 1.5)])
def test_variables_errors(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(ArgumentError, match="variables"):
        variables(*arguments)


def test_wrap() -> None:
    assert wrap(x) is x
    assert wrap(2) == constant(2)


def test_long_integers() -> None:
    value = constant(10**5000)
    assert value.value == 10**5000
    assert hash(value) == hash(constant(10**5000))


@pytest.mark.parametrize("apply", [lambda a: a == constant(10**5000), repr])
def test_long_integers_compare_and_print(apply: Callable[[Any], Any]) -> None:
    assert apply(constant(10**5000))


def test_nan_equals_nan_by_structure() -> None:
    assert x + constant(float("nan")) == x + constant(float("nan"))


UNARY = "sin cos tan exp exp2 expm1 log log2 log10 log1p sqrt cbrt square reciprocal absolute fabs"
UNARY += " floor ceil trunc rint sinh cosh tanh arcsin arccos arctan arcsinh arctanh negative"
UNARY += " positive conjugate deg2rad rad2deg radians degrees sign"
BINARY = "add subtract multiply divide floor_divide power float_power remainder fmod hypot arctan2"
BINARY += " maximum minimum less less_equal greater greater_equal"


@pytest.mark.parametrize("name", UNARY.split())
def test_numpy_s_functions_of_one_expression(name: str) -> None:
    made = getattr(np, name)(x)
    assert float(as_written(made, {"x": 0.6})) == pytest.approx(getattr(np, name)(0.6), rel=1e-14)
    if name not in ("sign", "square"):  # arrays of objects are compared with 0, or multiplied
        assert list(getattr(np, name)(np.array([x, y]))) == [made, getattr(np, name)(y)]


@pytest.mark.parametrize("name", BINARY.split())
def test_numpy_s_functions_of_two(name: str) -> None:
    function = getattr(np, name)
    for made in (function(x, 2.5), function(np.array([1.5, 9.0]), y)[0], function(1.5, y)):
        assert as_written(made, {"x": 1.5, "y": 2.5}) == pytest.approx(function(1.5, 2.5))


def test_conditions_by_numpy() -> None:
    made = np.logical_not(np.logical_or(np.logical_and(x < 1, y < 1), x > 5))
    assert as_written(made, {"x": 3.0, "y": 0.0}) is True


def test_every_function_of_numpy_that_is_a_row_has_one() -> None:
    assert {row for row in NUMPY.values() if isinstance(row, str)} <= PRIMITIVES.keys()
    assert all(isinstance(getattr(np, name), np.ufunc) for name in NUMPY if name != "clip")


def test_arrays_of_expressions() -> None:
    values = np.array([x, y])
    assert values.dtype == object
    assert list(values * x) == [x * x, y * x]
    assert list(x - values) == [x - x, x - y]
    assert list(np.array([1.0, 2.0]) * x) == [1.0 * x, 2.0 * x]
    assert list(x < values) == [x < x, x < y]
    assert values @ values == x * x + y * y == values.dot(values)
    assert np.linalg.norm(values) == math.sqrt(x * x + y * y)
    assert list(np.add(values, x, out=np.empty(2, object))) == [x + x, y + x]
    assert (np.array(2.5) * x) == 2.5 * x


def test_what_numpy_cannot_do_with_expressions() -> None:
    with pytest.raises(UnknownFunctionError, match="isnan has no meaning"):
        np.isnan(x)
    with pytest.raises(ArgumentError, match="compare arrays entry by entry"):
        _ = np.array([x, y]) > 0
    with pytest.raises(ArgumentError, match="has no value while it is traced"):
        np.array([x, 1.0]).astype(float)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = x.nonsense
