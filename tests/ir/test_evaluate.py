"""The reference interpreter: Graphs, Exprs and Programs over mpmath, NumPy and Fractions."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import inf, nan, pi
from typing import Any

import mpmath
import numpy as np
import pytest

from symgrad.errors import DerivativeError, UnknownFunctionError
from symgrad.functions import PRIMITIVES, math
from symgrad.ir.evaluate import (
    Arithmetic,
    evaluate,
    evaluate_expr,
    exact_value,
    function,
    mpmath_arithmetic,
    numpy_arithmetic,
    run,
)
from symgrad.ir.expression import Expr, constant, postorder, variables
from symgrad.ir.graph import Graph
from symgrad.ir.program import Group, Instruction, Program, Result
from tests.expressions import CORPUS, close, in_float, in_mpmath
from tests.routines import ROWS

x, y = variables("x y")


def needs_routine(name: str) -> bool:
    """Whether a row is a routine, or is written in one: mpmath has no limits at its poles."""
    pending = {name}
    while pending:
        row = PRIMITIVES.get(pending.pop())
        if row is not None and row.kind == "routine":
            return True
        if row is not None and row.kind == "composite" and row.expansion is not None:
            body = row.expansion
            pending |= {node.op for node in postorder((body,))}
    return False


NUMERIC = sorted(
    name
    for name, row in PRIMITIVES.items()
    if not row.boolean and name != "select" and row.kind != "unknown" and not needs_routine(name)
)
SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, -2.0, 3.0, inf, -inf, nan)


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_double_precision_agrees_with_mpmath(case: Any, digits: int) -> None:
    system = case.system()
    for point in case.points(3):
        doubles = in_float(system.graph, system.outputs.nodes, point)
        precise = in_mpmath(system.graph, system.outputs.nodes, point)
        for one, other in zip(doubles, precise, strict=True):
            assert close(one, other, 1e-12), f"{case.name} at {point}"


def test_batches() -> None:
    graph = Graph(PRIMITIVES)
    node = graph.add(math.where(x > 0, math.sqrt(x) / x, math.erf(x)) + y**-2)
    points = np.array([-1.0, 0.0, 4.0])
    with np.errstate(all="ignore"):
        (values,) = evaluate(graph, [node], {"x": points, "y": 2.0}, numpy_arithmetic())
    expected = [float(mpmath.erf(-1)) + 0.25, 0.25, 0.75]
    assert np.allclose(values, expected, rtol=1e-15, atol=0)


def test_exact_arithmetic() -> None:
    graph = Graph(PRIMITIVES)
    node = graph.add((x / 3 + Fraction(1, 7)) ** -2 - y)
    fractions = Arithmetic(Fraction, lambda base, exponent: base**exponent, {})  # type: ignore[arg-type]
    point = {"x": Fraction(2, 5), "y": Fraction(1, 2)}
    expected = (point["x"] / 3 + Fraction(1, 7)) ** -2 - point["y"]
    assert evaluate(graph, [node], point, fractions) == [expected]
    assert evaluate_expr((x + 2) * y, point, PRIMITIVES, fractions) == Fraction(6, 5)


def test_missing_functions_are_named() -> None:
    graph = Graph(PRIMITIVES)
    node = graph.add(math.sin(x))
    with pytest.raises(UnknownFunctionError, match="'sin'"):
        evaluate(graph, [node], {"x": 1.0}, Arithmetic(float, pow, {}))  # type: ignore[arg-type]
    with pytest.raises(UnknownFunctionError, match="'nosuch'"):
        function("nosuch", PRIMITIVES, mpmath_arithmetic())


def test_composite_rows_are_expanded() -> None:
    call = function("max", PRIMITIVES, mpmath_arithmetic())
    assert call(mpmath.mpf(2), mpmath.mpf(3)) == 3


def _double(name: str, given: tuple[float, ...]) -> float:
    with np.errstate(all="ignore"):
        return float(function(name, PRIMITIVES, numpy_arithmetic())(*map(np.float64, given)))


MOST = 4
WITHOUT_SIGNED_ZERO = [value for value in SPECIAL if str(value) != "-0.0"]


@pytest.mark.parametrize("name", NUMERIC)
def test_both_arithmetics_agree_on_special_values(name: str, digits: int) -> None:
    arity = PRIMITIVES[name].arity
    call = function(name, PRIMITIVES, mpmath_arithmetic())
    wrong = []
    # Of a polynomial's many coefficients all but the first are the same.
    free = arity if arity <= MOST else 3
    for first in product(WITHOUT_SIGNED_ZERO, repeat=free):
        given = (*first, *[first[-1]] * (arity - free))
        if name.startswith("pow_") and given[0] == -inf:
            continue  # C's pow has limits there, mpmath a complex number
        precise = call(*map(mpmath.mpf, given))
        if not close(_double(name, given), precise, 1e-14):
            wrong.append(f"{name}{given}: {_double(name, given)} in double, {precise} in mpmath")
    assert wrong == []


def test_exact_value_rounds_once() -> None:
    graph = Graph(PRIMITIVES)
    nodes = graph.add_all(
        [math.pi, math.sqrt(2) * math.pi / 3, constant(Fraction(1, 3)), math.exp(1)]
    )
    expected = [pi, float(mpmath.mpf("1.4809609793861220")), 1 / 3, float(mpmath.e)]
    assert [exact_value(graph, node) for node in nodes] == expected


def test_exact_value_of_what_is_only_rounding() -> None:
    """sin(pi) is 0 and tan(pi/2) a pole, however many digits pi has; exp(-60) is a number."""
    graph = Graph(PRIMITIVES)
    zero = math.sqrt(2) + math.sqrt(3) - math.sqrt(5 + 2 * math.sqrt(6))
    sine, tangent = math.sin(math.pi), math.tan(math.pi / 2)
    nodes = graph.add_all([sine, tangent, zero, 1 / zero, math.exp(-60)])
    assert [exact_value(graph, node) for node in nodes] == [
        *(0.0, inf, 0.0, inf),
        float(mpmath.exp(-60)),
    ]


def test_exact_value_of_what_cancels() -> None:
    """Of 50 digits a few are left; with more they are all there."""
    graph = Graph(PRIMITIVES)
    small, e = math.log(1 + 1 / constant(10) ** 45), math.exp(-110)
    nodes = graph.add_all([small, 1 / small, (1 + e) ** 2 - 1])
    with mpmath.workdps(200):
        log, rest = mpmath.log(1 + mpmath.mpf(10) ** -45), (1 + mpmath.exp(-110)) ** 2 - 1
        expected = [float(log), float(1 / log), float(rest)]
    assert [exact_value(graph, node) for node in nodes] == expected


def test_exact_value_of_ordinary_numbers_needs_no_mpmath(monkeypatch: pytest.MonkeyPatch) -> None:
    values = [7, -(2**53) - 1, 10**200 + 1, Fraction(-2, 3), Fraction(10**150 + 7, 3 * 10**149)]
    with mpmath.workdps(50):
        expected = [float(mpmath.mpf(v.numerator) / v.denominator) for v in values]
    monkeypatch.setattr("symgrad.ir.evaluate.mpmath_arithmetic", None)
    graph = Graph(PRIMITIVES)
    assert [exact_value(graph, graph.constant(value)) for value in values] == expected


@pytest.mark.parametrize("value", [0, 10**400, -(10**400), Fraction(1, 10**400)])
def test_exact_value_of_what_is_no_double(value: Any) -> None:
    graph = Graph(PRIMITIVES)
    expected = 0.0 if abs(value) < 1 else inf if value > 0 else -inf
    assert exact_value(graph, graph.constant(value)) == expected


def test_expr_is_evaluated_as_written() -> None:
    point = {"x": mpmath.mpf(0)}
    assert mpmath.isnan(evaluate_expr(x / x, point, PRIMITIVES, mpmath_arithmetic()))
    assert evaluate_expr(x**x, point, PRIMITIVES, mpmath_arithmetic()) == 1


PROGRAM = Program(
    groups=(Group("inputs", ("x", "y")), Group("parameters", ("k",))),
    results=(Result("value", ()), Result("pair", (2,))),
    code=(
        Instruction("load", (), (0, 0)),
        Instruction("load", (), (0, 1)),
        Instruction("load", (), (1, 0)),
        Instruction("constant", (), 0.5),
        Instruction("sub", (0, 1)),
        Instruction("div", (4, 2)),
        Instruction("sqrt", (5,)),
        Instruction("neg", (6,)),
        Instruction("store", (7,), (0, 0)),
        Instruction("lt", (0, 1)),
        Instruction("boolean", (), True),
        Instruction("and", (9, 10)),
        Instruction("mul", (3, 0)),
        Instruction("add", (12, 1)),
        Instruction("select", (11, 12, 13)),
        Instruction("max", (14, 2)),
        Instruction("store", (15,), (1, 1)),
        Instruction("sin", (2,)),
        Instruction("store", (17,), (1, 0)),
    ),
)


@pytest.mark.parametrize(("first", "second"), [(7.0, 2.0), (2.0, 7.0)])
def test_run(first: float, second: float, digits: int) -> None:
    k = 1.25
    arrays = [[mpmath.mpf(first), mpmath.mpf(second)], [mpmath.mpf(k)]]
    (value,), pair = run(PROGRAM, PRIMITIVES, arrays, mpmath_arithmetic())
    root = mpmath.sqrt(mpmath.mpf(first - second) / k) if first > second else nan
    assert close(value, -root)
    assert close(pair[0], mpmath.sin(mpmath.mpf(k)))
    assert close(pair[1], max(first / 2 if first < second else first / 2 + second, k))


def test_run_on_arrays() -> None:
    columns = [np.array([7.0, 2.0]), np.array([2.0, 1.0])]
    with np.errstate(all="ignore"):
        (value,), _ = run(PROGRAM, PRIMITIVES, [columns, [np.float64(4.0)]], numpy_arithmetic())
    assert np.array_equal(value, -np.sqrt([1.25, 0.25]))


def test_undefined_function_in_an_expr() -> None:
    with pytest.raises(UnknownFunctionError, match="'nosuch'"):
        evaluate_expr(Expr("nosuch", (x,)), {"x": 1.0}, PRIMITIVES, mpmath_arithmetic())


def test_routines_are_their_oracles_or_their_definitions() -> None:
    exact, double = (
        function("agm", ROWS, arithmetic)
        for arithmetic in (mpmath_arithmetic(), numpy_arithmetic())
    )
    with mpmath.workdps(40):
        assert exact(mpmath.mpf(1), mpmath.mpf(2)) == mpmath.agm(1, 2)
        assert mpmath.isnan(exact(mpmath.mpf(-1), mpmath.mpf(2)))  # it would be complex
    with np.errstate(all="ignore"):
        got = double(np.array([1.0, 3.0]), 2.0)
    assert np.allclose(got, [float(mpmath.agm(1, 2)), float(mpmath.agm(3, 2))], rtol=1e-15)
    nothing = Arithmetic(float, pow, {})  # type: ignore[arg-type]
    with pytest.raises(UnknownFunctionError, match="'agm'"):
        function("agm", ROWS, nothing)


def test_a_derivative_without_closed_form_has_no_value() -> None:
    with pytest.raises(DerivativeError, match="the second of two means"):
        function(ROWS["agm"].unknown[0].name, ROWS, mpmath_arithmetic())
