"""The generalized hypergeometric function by its orders, in text and from SymPy."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import sympy

import symgrad as sg
from symgrad.errors import FormulaError, UnsupportedExpressionError
from symgrad.functions.generalized_hypergeometric import hypergeometric
from symgrad.ir.expression import constant, variables

A, B, C, Z = variables("a b c z")


def test_equal_parameters_cancel() -> None:
    assert hypergeometric((A, B), (B,), Z) == hypergeometric((A,), (), Z)
    assert hypergeometric((A,), (A,), Z).op == "exp"
    assert hypergeometric((A, A), (A,), Z) == (1 - Z) ** -A


def test_orders_without_a_row_are_refused() -> None:
    with pytest.raises(FormulaError, match="order 2F0 converges nowhere; there are 0F0, 1F0"):
        hypergeometric((A, B), (), Z)
    with pytest.raises(FormulaError, match="order 1F3 has no row"):
        hypergeometric((constant(2),), (A, B, C), Z)


@pytest.mark.parametrize(
    "text",
    ["hyper((1, x), (2,), 1/3)", "hyper((), (2,), x)", "hyper((x,), (3/2,), -x)",
     "hyper((1, 2, x), (3, 4), x/2)", "1 + hyper((x,), (), x/2)*x", "hyper((), (), 2*x)"],
)  # fmt: skip
def test_text_and_sympy(text: str) -> None:
    x = sympy.Symbol("x")
    expression = sympy.sympify(text)
    expected = float(expression.subs(x, sympy.Rational(3, 8)).evalf(30))
    for given in (text, expression):
        fn = sg.compile(given, ["x"], "value", cache=False)
        assert float(fn([0.375])[0]) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hyper(1, 2, x)", "parameters in brackets"), ("hyper((1, 2), (3,))", "3 argument"),
        ("hyper((1, 2), (3,), (x, 1))", "parameters in brackets"),
        ("hyper((x < 1, 2), (3,), x)", "a number, and not a condition"),
        ("hyper((1, 2) + 1, (3,), x)", "stands alone"), ("hyper((1, 2)", "without its"),
        ("hyper((1,) and (2,), (3,), x)", "side by side"), ("hyper((,), (2,), x)", "is missing"),
        ("hyper(((1, 2),), (3,), x)", "a comma stands outside"), ("meijerg(1, x)", "Meijer"),
    ],
)  # fmt: skip
def test_text_that_is_refused(text: str, words: str) -> None:
    with pytest.raises(FormulaError, match=words):
        sg.compile(text, ["x"], cache=False)


def test_meijers_g_is_refused() -> None:
    z = sympy.Symbol("z")
    with pytest.raises(UnsupportedExpressionError, match="hyperexpand"):
        sg.compile(sympy.meijerg([1], [2], [3], [4], z), [z], cache=False)


def test_the_result_goes_back_to_sympy() -> None:
    a, z = sympy.symbols("a z")
    found = sg.grad(sympy.hyper((a, 1), (3,), z), [z])
    (slope,) = found
    at = {a: 0.3, z: 0.2}
    assert float(slope.subs(at)) == pytest.approx(
        float(mpmath.mpf(0.3) / 3 * mpmath.hyp2f1(1.3, 2, 4, 0.2)), rel=1e-13
    )


def test_gauss_s_sum_at_one_differentiates_by_its_parameters() -> None:
    """Euler's beta function as SymPy's integral gives it: 2F1(x, 1 - y; x + 1; 1)/x."""
    fn = sg.compile("hyper((x, 1 - y), (x + 1,), 1)/x", ["x", "y"], jit="never", cache=False)
    x, y = mpmath.mpf(0.7), mpmath.mpf(1.1)
    psi = [mpmath.digamma(x) - mpmath.digamma(x + y), mpmath.digamma(y) - mpmath.digamma(x + y)]
    expected = [float(mpmath.beta(x, y) * part) for part in psi]
    assert fn([[0.7, 1.1]])[0] == pytest.approx(expected, rel=1e-13)


def test_a_series_that_diverges_at_one_has_no_value() -> None:
    fn = sg.compile("hyper((1, 2), (x,), 1)", ["x"], "value", jit="never", cache=False)
    assert list(fn([2.5, 4.0])) == pytest.approx([math.nan, 3.0], nan_ok=True)


def test_gauss_s_sum_at_one_has_large_parameters() -> None:
    fn = sg.compile("hyper((a, b), (c,), 1)", ["a", "b", "c"], "value", jit="never", cache=False)
    points = np.array([[1.0, 1.0, 160.0], [3.0, -2.0, 2.0], [0.5, -1.5, 400.0], [-0.25, 2.5, 9.0]])
    expected = [float(mpmath.hyp2f1(*point, 1)) for point in points]
    np.testing.assert_allclose(fn(points), expected, rtol=1e-12, atol=1e-30)
