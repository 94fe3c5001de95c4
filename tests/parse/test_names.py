"""Every spelling of every function, checked by value against Python's own."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import pytest

from symgrad.errors import (
    ArgumentError,
    FormulaError,
    SymgradWarning,
    UnknownFunctionError,
)
from symgrad.functions import COMPOSITIONS, PRIMITIVES
from symgrad.ir.expression import Expr, constant, symbol
from symgrad.ir.graph import Graph
from symgrad.ir.primitive import define, table
from symgrad.parse.names import CONSTANTS, FORMS, REFUSED, SPELLINGS, call, function_names, resolve
from tests.expressions import number

X, Y, Z = symbol("x"), symbol("y"), symbol("z")


def value(expr: Expr, **point: float) -> Any:
    """The value of an Expr at a point, by the interpreter with 30 digits."""
    with mpmath.workdps(30):
        return number(expr, **point)


def test_every_spelling_leads_to_a_function() -> None:
    for name, target in SPELLINGS.items():
        assert resolve(name, PRIMITIVES) == target, name
        assert target in FORMS or target in COMPOSITIONS or target in PRIMITIVES, name
        assert name not in COMPOSITIONS, name


def test_no_name_is_both_read_and_refused() -> None:
    assert not set(REFUSED) & {*CONSTANTS, *function_names(PRIMITIVES)}


# name in a formula, Python's function, number of arguments
SAME = [
    ("Abs", abs, 1), ("fabs", abs, 1), ("absolute", abs, 1),
    ("arcsin", math.asin, 1), ("arccos", math.acos, 1), ("arctan", math.atan, 1),
    ("arctan2", math.atan2, 2), ("atan2", math.atan2, 2),
    ("arcsinh", math.asinh, 1), ("arsinh", math.asinh, 1), ("artanh", math.atanh, 1),
    ("ceiling", math.ceil, 1), ("floor", math.floor, 1), ("fix", math.trunc, 1),
    ("round", round, 1), ("Sqrt", math.sqrt, 1), ("sqrt", math.sqrt, 1),
    ("Cbrt", lambda a: a ** (1 / 3), 1), ("root", lambda a, b: a ** (1 / b), 2),
    ("Mod", lambda a, b: a % b, 2), ("remainder", lambda a, b: a % b, 2),
    ("Rem", math.fmod, 2),
    ("pow", math.pow, 2), ("Pow", math.pow, 2), ("power", math.pow, 2),
    ("fma", lambda a, b, c: a * b + c, 3), ("hypot", math.hypot, 2),
    ("Max", max, 3), ("maximum", max, 2), ("fmax", max, 2),
    ("Min", min, 3), ("minimum", min, 2), ("fmin", min, 2),
    ("ln", math.log, 1), ("log", math.log, 1), ("log", math.log, 2), ("exp", math.exp, 1),
    ("erf", math.erf, 1), ("erfc", math.erfc, 1),
    ("sgn", lambda a: math.copysign(1, a), 1), ("sign", lambda a: math.copysign(1, a), 1),
    ("Heaviside", lambda a: float(a > 0), 1), ("Heaviside", lambda a, b: float(a > 0), 2),
    ("clip", lambda a, b, c: min(max(a, b), c), 3),
    ("re", lambda a: a, 1), ("real", lambda a: a, 1), ("im", lambda a: 0, 1),
    ("conjugate", lambda a: a, 1), ("conj", lambda a: a, 1),
    ("arg", lambda a: math.pi if a < 0 else 0, 1), ("angle", lambda a: 0, 1),
    ("sec", lambda a: 1 / math.cos(a), 1), ("csc", lambda a: 1 / math.sin(a), 1),
    ("cot", lambda a: 1 / math.tan(a), 1), ("acot", lambda a: math.atan(1 / a), 1),
    ("sech", lambda a: 1 / math.cosh(a), 1), ("coth", lambda a: 1 / math.tanh(a), 1),
    ("acsch", lambda a: math.asinh(1 / a), 1), ("frac", lambda a: a % 1, 1),
    ("prelu", lambda a, b: a, 2), ("Rem", math.fmod, 2), ("exp_polar", math.exp, 1),
    ("adjoint", lambda a: a, 1), ("transpose", lambda a: a, 1), ("polar_lift", lambda a: a, 1),
    ("llrint", round, 1), ("llround", round, 1), ("scalbln", lambda a, b: a * 2**b, 2),
    ("beta", lambda a: math.gamma(a) ** 2 / math.gamma(2 * a), 1),
    ("harmonic", lambda a: float(mpmath.harmonic(a)), 1),
    ("harmonic", lambda a, b: float(mpmath.zeta(b) - mpmath.zeta(b, a + 1)), 2),
    ("dirichlet_eta", lambda a, b: float(mpmath.nsum(lambda k: (-1) ** k / (k + b) ** a,
                                                     [0, mpmath.inf])), 2),
]  # fmt: skip


@pytest.mark.parametrize(("name", "oracle", "count"), SAME, ids=[f"{r[0]}-{r[2]}" for r in SAME])
def test_a_function_means_what_python_means(name: str, oracle: Any, count: int) -> None:
    point = (0.37, 0.22, 0.51)[:count]
    made = call(name, (X, Y, Z)[:count], PRIMITIVES)
    got = value(made, **dict(zip("xyz", point, strict=False)))
    assert float(got) == pytest.approx(oracle(*point), rel=1e-14, abs=1e-15)


# name, the condition as Python has it
CONDITIONS = [
    ("Eq", lambda a, b: a == b), ("equal", lambda a, b: a == b), ("Equality", lambda a, b: a == b),
    ("Ne", lambda a, b: a != b), ("not_equal", lambda a, b: a != b),
    ("Lt", lambda a, b: a < b), ("less", lambda a, b: a < b),
    ("StrictLessThan", lambda a, b: a < b), ("LessThan", lambda a, b: a <= b),
    ("Le", lambda a, b: a <= b), ("less_equal", lambda a, b: a <= b),
    ("Gt", lambda a, b: a > b), ("greater", lambda a, b: a > b),
    ("StrictGreaterThan", lambda a, b: a > b), ("GreaterThan", lambda a, b: a >= b),
    ("Ge", lambda a, b: a >= b), ("greater_equal", lambda a, b: a >= b),
]  # fmt: skip


@pytest.mark.parametrize(("name", "oracle"), CONDITIONS, ids=[row[0] for row in CONDITIONS])
def test_comparisons_by_name(name: str, oracle: Any) -> None:
    chosen = call("where", (call(name, (X, Y), PRIMITIVES), constant(1), constant(0)), PRIMITIVES)
    for a, b in ((1, 2), (2, 1), (2, 2)):
        assert value(chosen, x=a, y=b) == int(oracle(a, b)), (a, b)


LOGIC = [
    ("And", lambda a, b: a and b), ("logical_and", lambda a, b: a and b),
    ("Or", lambda a, b: a or b), ("logical_or", lambda a, b: a or b),
    ("Xor", lambda a, b: a != b), ("logical_xor", lambda a, b: a != b),
    ("Nand", lambda a, b: not (a and b)), ("Nor", lambda a, b: not (a or b)),
    ("Xnor", lambda a, b: a == b), ("Equivalent", lambda a, b: a == b),
    ("Implies", lambda a, b: b or not a),
]  # fmt: skip


@pytest.mark.parametrize(("name", "oracle"), LOGIC, ids=[row[0] for row in LOGIC])
def test_logic_by_name(name: str, oracle: Any) -> None:
    condition = call(name, (X < 0, Y < 0), PRIMITIVES)
    inverse = call("Not", (condition,), PRIMITIVES)
    for a in (-1, 1):
        for b in (-1, 1):
            expected = bool(oracle(a < 0, b < 0))
            for made, truth in ((condition, expected), (inverse, not expected)):
                got = value(call("where", (made, constant(1), constant(0)), PRIMITIVES), x=a, y=b)
                assert got == truth, (a, b)


def test_logic_of_many_conditions() -> None:
    made = call("And", (X < 3, Y < 3, X < Y), PRIMITIVES)
    assert made == (X < 3) & (Y < 3) & (X < Y)
    assert call("Or", (X < 3,), PRIMITIVES) == (X < 3)


@pytest.mark.parametrize("name", ["where", "ITE", "select"])
def test_a_choice_between_conditions_is_a_condition(name: str) -> None:
    made = call(name, (X < 0, Y < 0, Y < 1), PRIMITIVES)
    chosen = call("where", (made, constant(1), constant(0)), PRIMITIVES)
    assert [value(chosen, x=a, y=0.5) for a in (-1, 1)] == [0, 1]


def test_fmax_and_fmin_ignore_nan_as_c_does_and_maximum_does_not() -> None:
    nan = float("nan")
    for name in ("fmax", "fmin"):
        assert value(call(name, (X, Y), PRIMITIVES), x=nan, y=2) == 2
        assert value(call(name, (X, Y), PRIMITIVES), x=2, y=nan) == 2
    assert math.isnan(value(call("maximum", (X, Y), PRIMITIVES), x=nan, y=2))


def test_root_and_rational_are_exact() -> None:
    graph = Graph(PRIMITIVES)
    assert graph.add(call("root", (constant(27), constant(3)), PRIMITIVES)) == graph.constant(3)
    third = graph.add(call("Rational", (constant(2), constant(6)), PRIMITIVES))
    assert graph.data[third].as_integer_ratio() == (1, 3)
    assert call("Rational", (constant(2),), PRIMITIVES) == constant(2)


def test_a_dirac_delta_is_dropped_with_a_warning() -> None:
    with pytest.warns(SymgradWarning, match="DiracDelta was replaced by 0"):
        assert call("DiracDelta", (X,), PRIMITIVES) == constant(0)


def test_a_bracket_of_macaulay_starts_at_its_step() -> None:
    def bracket(n: int, x: float) -> Any:
        return value(call("SingularityFunction", (X, Y, constant(n)), PRIMITIVES), x=x, y=2)

    assert [bracket(2, x) for x in (1, 2, 5)] == [0, 0, 9]
    assert [bracket(0, x) for x in (1, 2, 5)] == [0, 1, 1]
    assert all(mpmath.isnan(bracket(n, float("nan"))) for n in (0, 2))
    with pytest.warns(SymgradWarning, match="negative exponent was replaced by 0"):
        assert call("SingularityFunction", (X, Y, constant(-1)), PRIMITIVES) == constant(0)
    with pytest.raises(FormulaError, match="whole number n"):
        call("SingularityFunction", (X, Y, Z), PRIMITIVES)


def test_a_real_root_is_odd_for_an_odd_degree() -> None:
    third = call("real_root", (X, constant(3)), PRIMITIVES)
    assert value(third, x=-8) == pytest.approx(-2)
    assert value(third, x=8) == pytest.approx(2)
    assert call("real_root", (X, constant(2)), PRIMITIVES) == X ** (constant(1) / 2)
    assert call("real_root", (X,), PRIMITIVES) == X
    with pytest.raises(FormulaError, match="whole number n from 1 on"):
        call("real_root", (X, constant(0)), PRIMITIVES)


def test_a_user_s_row_comes_before_a_form_of_that_name() -> None:
    own = define("root", lambda y, x: y, domain=(-1, 1))
    rows = {**PRIMITIVES, **table(own)}
    assert call("root", (X,), rows) == Expr("root", (X,))
    assert "root" in function_names(rows)
    with pytest.raises(ArgumentError, match="root takes"):
        call("root", (X, Y), rows)


@pytest.mark.parametrize(
    ("name", "arguments", "error", "words"),
    [
        (
            "foo",
            (X,),
            UnknownFunctionError,
            "'foo' has no row; see `symgrad functions`",
        ),
        ("Sine", (X,), UnknownFunctionError, "close to it: .*sin"),
        ("sin", (X, Y), ArgumentError, r"sin takes 1 argument\(s\), 2 given"),
        ("sin", (), ArgumentError, "0 given"),
        ("sin", (X < 1,), FormulaError, "argument 1 of sin must be a number"),
        ("atan2", (X, Y < 1), FormulaError, "argument 2 of atan2 must be a number"),
        ("And", (X < 1, Y), FormulaError, "argument 2 of And must be a condition"),
        ("And", (), ArgumentError, "And takes one or more argument"),
        ("Not", (X,), FormulaError, "argument 1 of Not must be a condition"),
        ("Eq", (X, Y < 1), FormulaError, "argument 2 of Eq must be a number"),
        ("where", (X, Y, Z), FormulaError, "argument 1 of where must be a condition"),
        ("where", (X < 1, Y, Z < 1), FormulaError, "two numbers or between two conditions"),
        ("Rational", (constant(0.5), constant(2)), FormulaError, "takes whole numbers"),
        ("Rational", (X,), FormulaError, "takes whole numbers"),
    ],
)
def test_what_cannot_be_called_is_refused(
    name: str, arguments: tuple[Expr, ...], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        call(name, arguments, PRIMITIVES)
