"""SymPy objects -> Expr: by value against SymPy itself, in mpmath, and what is refused."""

from __future__ import annotations

import math
import time
from typing import Any

import mpmath
import pytest
import sympy as sp
from sympy.vector import CoordSys3D

from symgrad.errors import (
    FormulaError,
    LimitError,
    SymgradError,
    SymgradWarning,
    UnknownFunctionError,
    UnknownSymbolError,
    UnsupportedExpressionError,
)
from symgrad.functions import PRIMITIVES
from symgrad.ir.expression import Expr, constant, symbol
from symgrad.ir.primitive import define, table
from symgrad.parse.names import function_names
from symgrad.parse.sympy_expressions import Converter
from tests.cases import NEEDS_CASES, rows
from tests.expressions import number

x, y, t, k, j = sp.symbols("x y t k j")
f = sp.Function("f")
q = sp.Function("q")(t)
FRAME = CoordSys3D("C")
X, Y = symbol("x"), symbol("y")
NAMED = {"x": X, "y": Y}


def convert(value: Any, objects: dict[Any, Expr] | None = None, **options: Any) -> Expr:
    options = {"rows": PRIMITIVES} | options
    return Converter(NAMED, objects or {}, **options).convert(value, "output 'f'")


def close(a: Any, b: Any) -> bool:
    """Equal to 25 digits, or both nan."""
    return bool(mpmath.isnan(a) and mpmath.isnan(b)) or abs(a - b) <= abs(b) * mpmath.mpf(10) ** -25


EXPRESSIONS = [
    *(x + 2 * y - sp.Rational(1, 3), x * y / 7, -x, x - y, (x + y) / (x - y), 2**x, x**y, x**-3),
    *(sp.sqrt(x) / y, x ** sp.Rational(5, 3), x**0.5, sp.root(x, 3), sp.cbrt(x), sp.exp(x) * sp.E),
    *(
        sp.exp(-(x**2)),
        sp.log(x),
        sp.log(x, 10),
        sp.pi * x,
        sp.EulerGamma * x,
        sp.GoldenRatio,
        sp.Catalan,
    ),
    *(g(x / 3) for g in (sp.sin, sp.cos, sp.tan, sp.cot, sp.sec, sp.csc, sp.sinh, sp.cosh)),
    *(g(x / 3) for g in (sp.tanh, sp.coth, sp.sech, sp.csch, sp.asin, sp.acos, sp.atan, sp.acot)),
    *(g(x / 3) for g in (sp.asinh, sp.atanh, sp.acsch, sp.asech, sp.erf, sp.erfc, sp.sinc)),
    *(
        sp.acosh(1 + x),
        sp.asec(2 + x),
        sp.acsc(2 + x),
        sp.acoth(2 + x),
        sp.atan2(x, y),
        sp.atan2(y, -x),
    ),
    *(sp.Abs(x - y), sp.sign(x - y), sp.floor(7 * x), sp.ceiling(7 * x), sp.frac(7 * x)),
    *(sp.Mod(7 * x, y), sp.Mod(-7 * x, y), sp.Max(x, y, 1), sp.Min(x, y, sp.Rational(1, 2))),
    *(sp.Heaviside(x), sp.Heaviside(-x), sp.Heaviside(x - x, sp.Rational(1, 4))),
    *(sp.re(x), sp.im(x), sp.conjugate(x), sp.arg(x), sp.UnevaluatedExpr(x + 1) * 2),
    sp.Piecewise((x, x > y), (y**2, x < y), (1, True)),
    sp.Piecewise((x, (x > 0) & (y > 0)), (1, sp.Or(x < -1, sp.Not(y < 2))), (2, True)),
    sp.Piecewise((x, sp.Xor(x > 1, y > 1)), (y, sp.Eq(x, y)), (3, sp.Ne(x, y))),
    sp.Piecewise((1, sp.ITE(x > 1, y > 0, y < 0)), (2, True)),
    sp.Piecewise((1, x >= 1), (2, x <= sp.Rational(1, 2)), (3, True)),
    *(sp.Sum(x**k / sp.factorial(k), (k, 0, 5)), sp.Product(k + x, (k, 1, 4))),
    *(sp.Sum(x * k, (k, 5, 2)), sp.Product(x + k, (k, 5, 2)), sp.Sum(x, (k, 3, 2))),
    sp.Sum(sp.Sum(x**k * j, (j, 1, k)), (k, 1, 3)),
    sp.Sum(x**k * j, (j, 1, k), (k, 1, 3)),
    sp.Subs(sp.sin(k) * k + x, k, x + y),
    sp.Subs(k + j * x, (k, j), (y, x)),
]


@pytest.mark.filterwarnings("ignore::symgrad.errors.SymgradWarning")
@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
def test_values_are_sympy_s_own(expression: Any) -> None:
    point = {"x": mpmath.mpf("0.37"), "y": mpmath.mpf("1.21")}
    with mpmath.workdps(30):
        values = {s: sp.Float(str(point[s.name]), 40) for s in (x, y)}
        expected = expression.doit().subs(values).doit().evalf(30)
        got = number(convert(expression), **point)
        assert close(got, mpmath.mpf(sp.Float(expected, 30))), (got, expected)


@NEEDS_CASES
@pytest.mark.parametrize("row", [pytest.param(r, id=r["id"]) for r in rows("coverage")])
def test_common_expressions(row: dict[str, Any]) -> None:
    """Each is read with the value that the case gives, or its function refused by name."""
    expression = sp.sympify(row["expression"])
    written_out = expression.doit() if isinstance(expression, sp.Sum) else expression
    called = {type(part).__name__ for part in written_out.atoms(sp.core.function.Application)}
    missing = sorted(called - function_names(PRIMITIVES) - {"Piecewise"})
    if missing or expression.has(sp.Integral):
        with pytest.raises((UnknownFunctionError, UnsupportedExpressionError)) as caught:
            convert(expression)
        assert "output 'f'" in str(caught.value)
        assert any(name in str(caught.value) for name in [*missing, "integral"])
        return
    made = convert(expression)
    if row["value"] is not None:
        got = float(number(made, **row["point"]))
        assert got == pytest.approx(row["value"], rel=1e-14)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (sp.Integer(3), 3),
        (sp.Float(0.1), 0.1),
        (sp.Float("0.1", 50), 0.1),
        (sp.Float(5e-324), 5e-324),
        (sp.Float("1e-400"), 0.0),
        (-sp.Float("1e-400"), -0.0),
        (sp.Float("1.7976931348623157e308"), 1.7976931348623157e308),
        (sp.Float("1.00000000000000011102230246251566", 40), 1.0000000000000002),
        (sp.oo, math.inf),
        (-sp.oo, -math.inf),
    ],
    ids=str,
)
def test_numbers_round_once_to_the_nearest_double(value: Any, expected: float) -> None:
    made = convert(value).value
    assert type(made) is type(expected)
    assert repr(made) == repr(expected)


@pytest.mark.parametrize(
    "value",
    [
        sp.TribonacciConstant,
        sp.CRootOf(x**5 - x - 1, 0),
        sp.stieltjes(1),
        sp.lerchphi(sp.Rational(1, 2), 2, 1),
    ],
    ids=str,
)
def test_numbers_that_sympy_knows_are_read(value: Any) -> None:
    assert convert(value) == constant(float(value.evalf(30)))


def test_nan_is_a_double() -> None:
    assert math.isnan(convert(sp.nan).value)  # type: ignore[arg-type]


def test_a_rational_stays_exact() -> None:
    assert convert(sp.Rational(22, 7)) == constant(sp.Rational(22, 7))


REFUSED = [
    (sp.I * x, UnsupportedExpressionError, "I in output 'f' is the imaginary unit"),
    (sp.zoo, UnsupportedExpressionError, "complex infinity"),
    (sp.Integral(sp.exp(-x * y**2), (y, 0, 1)), UnsupportedExpressionError, "integrate it first"),
    (sp.AccumBounds(0, 1), UnsupportedExpressionError, "no real value at a point"),
    (sp.FiniteSet(x, y), UnsupportedExpressionError, "type FiniteSet; give the expressions that"),
    (sp.Order(x), UnsupportedExpressionError, r"O\(x\) .* with .removeO\(\)"),
    (sp.Lambda(x, x**2), UnsupportedExpressionError, "apply it to its variables"),
    (x * FRAME.i, UnsupportedExpressionError, r"a vector .* as in v.to_matrix\(frame\)"),
    (FRAME.x, UnknownSymbolError, "the BaseScalar C.x in output 'f' is not declared"),
    (
        sp.Piecewise((x, sp.Contains(x, sp.S.Rationals)), (1, True)),
        UnsupportedExpressionError,
        "is not given by relations",
    ),
    (sp.Matrix([x]), UnsupportedExpressionError, "a matrix where one expression must stand"),
    (sp.MatrixSymbol("A", 2, 2), UnsupportedExpressionError, r"shape \(2, 2\) where one expr"),
    (sp.Limit(sp.sin(x) / x, x, 0), UnsupportedExpressionError, "take it first"),
    (sp.Array([x, y]), UnsupportedExpressionError, "is an array"),
    (sp.CRootOf(x**5 - x - 1, 1) * y, UnsupportedExpressionError, "type ComplexRootOf"),
    (sp.stieltjes(x), UnknownFunctionError, "function 'stieltjes' has no row"),
    (f(2), UnknownFunctionError, "function 'f' has no row"),
    (sp.Float("1e400"), LimitError, "overflows double precision"),
    (sp.Float(2) ** 1024, LimitError, "overflows double precision"),
    (sp.Integer(10) ** 5000 * x, LimitError, "more than 10000 bits"),
    (sp.Symbol("z"), UnknownSymbolError, "the symbol 'z' in output 'f' is not declared"),
    (sp.Symbol("X"), UnknownSymbolError, "close to it: x"),
    (sp.Dummy("x"), UnknownSymbolError, "the Dummy _x in output 'f' is not declared"),
    (sp.IndexedBase("v")[2], UnknownSymbolError, r"the element v\[2\]"),
    (f(x), UnknownFunctionError, r"at f\(x\): function 'f' has no row.*declare f\(x\) as an input"),
    (sp.mathieuc(x, y, x), UnknownFunctionError, r"in output 'f', at mathieuc\(x, y, x\): fun"),
    (sp.Piecewise((x, sp.Symbol("y")), (1, True)), FormulaError, r"pair of Piecewise"),
    (sp.Function("Lt")(x, y) + x, FormulaError, "a condition stands where a number must be"),
    (sp.ITE(x, x > 1, y > 1), FormulaError, "argument 1 of ITE must be a condition"),
]


@pytest.mark.filterwarnings("ignore::sympy.utilities.exceptions.SymPyDeprecationWarning")
@pytest.mark.parametrize(("value", "error", "words"), REFUSED, ids=range(len(REFUSED)))
def test_what_has_no_real_value_is_refused_by_name(
    value: Any, error: type[SymgradError], words: str
) -> None:
    with pytest.raises(error, match=words):
        convert(value)


UNIT = sp.Interval(0, 1)
SETS = [
    (UNIT, [0.0, 0.5, 1.0], [-0.1, 1.1]),
    (UNIT.interior, [0.5], [0.0, 1.0]),
    (sp.Union(UNIT, sp.Interval(2, 3)), [0.5, 2.5], [1.5]),
    (sp.FiniteSet(1, 4), [1.0, 4.0], [2.0]),
    (sp.S.Naturals, [1.0, 2.0], [0.0, 1.5]),
    (sp.S.Reals, [-3.0], []),
]


@pytest.mark.parametrize(("within", "inside", "outside"), SETS, ids=str)
def test_membership_is_read_as_relations(
    within: Any, inside: list[float], outside: list[float]
) -> None:
    where = sp.Contains(x, within, evaluate=False)
    made = convert(sp.Piecewise((2, where), (3, True), evaluate=False))
    assert [number(made, x=at) for at in inside] == [2] * len(inside)
    assert [number(made, x=at) for at in outside] == [3] * len(outside)


def test_membership_of_a_pair_of_numbers() -> None:
    made = convert(sp.Piecewise((2, sp.Contains(sp.Tuple(x, y), UNIT * UNIT)), (3, True)))
    assert [number(made, x=0.5, y=at) for at in (0.5, 1.5)] == [2, 3]


def test_a_symbol_that_does_not_commute_is_refused() -> None:
    with pytest.raises(UnsupportedExpressionError, match="does not commute"):
        convert(sp.Symbol("x", commutative=False))


def test_dirac_delta_is_dropped_with_a_warning() -> None:
    with pytest.warns(SymgradWarning, match="DiracDelta"):
        assert convert(sp.DiracDelta(x, 1)) == constant(0)


def test_a_polynomial_is_its_expression() -> None:
    assert convert(sp.Poly(3 * x**2 * y, x, y)) == convert(3 * x**2 * y)


def test_numbers_without_a_row_are_rounded() -> None:
    assert convert(sp.TribonacciConstant) == constant(1.8392867552141612)
    assert convert(x * sp.rootof(x**5 - x - 1, 0)) == X * constant(1.1673039782614187)


def test_assumptions_are_ignored() -> None:
    assert convert(sp.Symbol("x", positive=True) ** 2) == X**2
    assert convert(sp.Symbol("y", integer=True) + 1) == constant(1) + Y


def test_declared_objects_stand_for_their_variables() -> None:
    v, m = sp.IndexedBase("v"), sp.MatrixSymbol("M", 2, 2)
    dummies = sp.Dummy("x"), sp.Dummy("x")
    declared = [q, q.diff(t), v[0], m[0, 1], *dummies]
    objects = {value: symbol(f"s{i}") for i, value in enumerate(declared)}
    made = convert(q * q.diff(t) + v[0] * m[0, 1] + dummies[0] - 2 * dummies[1] + x, objects)
    point = {f"s{i}": 2.0**i for i in range(6)}
    assert number(made, **point, x=100.0) == 1 * 2 + 4 * 8 + 16 - 2 * 32 + 100


def test_coordinates_of_a_frame_may_be_declared() -> None:
    made = convert(sp.Sum(FRAME.x**k, (k, 1, 2)) * FRAME.y, {FRAME.x: X, FRAME.y: Y})
    assert number(made, x=3, y=2) == 24


def test_a_user_s_function_is_found_by_its_name() -> None:
    own = define("softabs", lambda y, x: x / y, domain=(1, 2))
    made = convert(sp.Function("softabs")(x), rows={**PRIMITIVES, **table(own)})
    assert made == Expr("softabs", (X,))


def test_shared_parts_become_shared_exprs() -> None:
    converter = Converter(NAMED, {}, PRIMITIVES)
    part = sp.sin(x) * y
    first, second = (converter.convert(part + 1), converter.convert(sp.cos(part)))
    assert any(argument is second.args[0] for argument in first.args)
    value = x
    for _ in range(200):
        value = value * sp.sin(value) + value  # 3**200 nodes if nothing were shared
    assert convert(value).op == "add"


def test_depth_and_size_do_not_matter() -> None:
    deep = x
    for _ in range(10_000):
        deep = sp.sin(deep, evaluate=False)
    made = convert(deep)
    for _ in range(10_000):
        assert made.op == "sin"
        (made,) = made.args
    assert made is X
    terms = [sp.Pow(x, i, evaluate=False) for i in range(20_000)]
    assert len(convert(sp.Add(*terms, evaluate=False)).args) == 20_000


def test_an_object_that_says_what_it_is_in_sympy_is_read() -> None:
    class Foreign:
        def _sympy_(self) -> Any:
            return sp.sin(x)

    assert convert(Foreign()) == Expr("sin", (X,))
    with pytest.raises(UnsupportedExpressionError, match="is no expression but of type object"):
        convert(object())


def test_scalars_of_matrices() -> None:
    m, v = sp.MatrixSymbol("M", 2, 2), sp.MatrixSymbol("v", 2, 1)
    objects = {e: symbol(f"s{i}") for i, e in enumerate((*m.as_explicit(), *v.as_explicit()))}
    point = {f"s{i}": value for i, value in enumerate((2.0, 3.0, 5.0, 7.0, 11.0, 13.0))}
    entry = sp.matrices.expressions.matexpr.MatrixElement(m * v, 1, 0)
    for value, expected in (
        (sp.Trace(m * m), 4 + 2 * 15 + 49),
        (sp.Determinant(m), 14 - 15),
        (sp.DotProduct(v, v), 121 + 169),
        (entry, 5 * 11 + 7 * 13),
        (sp.Trace(m) ** 2 + 1, 82),
    ):
        assert number(convert(value, objects), **point) == expected


def test_matrices_that_are_refused_name_their_place() -> None:
    big = sp.MatrixSymbol("A", 20, 20)
    with pytest.raises(LimitError, match=r"in output 'f'.*20 x 20 matrix is not written out"):
        convert(sp.Determinant(big))
    with pytest.raises(UnsupportedExpressionError, match=r"in output 'f'.*shape \(k, k\)"):
        convert(sp.Trace(sp.MatrixSymbol("A", k, k)))
    power = sp.MatrixSymbol("A", 2, 2) ** k
    with pytest.raises(UnsupportedExpressionError, match="integer exponents alone"):
        convert(sp.matrices.expressions.matexpr.MatrixElement(power, 0, 0))


def test_a_large_expression_takes_microseconds_a_node() -> None:
    symbols = sp.symbols("s0:32")
    terms = [sp.exp(-a / (b**2 + i)) for i in range(5) for a in symbols for b in symbols if a != b]
    value = sp.Add(*terms)
    converter = Converter({s.name: symbol(s.name) for s in symbols}, {}, PRIMITIVES)
    start = time.process_time()
    converter.convert(value)
    used = time.process_time() - start
    assert len(converter.memo) > 10_000
    assert used / len(converter.memo) < 50e-6
