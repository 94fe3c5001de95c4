"""SymPy functions of rows that SymPy lacks: evaluated, and written out where they can be."""

from __future__ import annotations

import mpmath
import pytest
import sympy

from symgrad.interop.sympy_functions import by_oracle, derivative_of, hyper, sum_over_orders

X = sympy.Symbol("x")


def test_a_derivative_is_written_out_for_whole_orders_alone() -> None:
    made = derivative_of("sine", sympy.sin)
    assert made(3, X) == -sympy.cos(X)
    assert made(sympy.Symbol("n"), X).func is made


def test_the_oracle_gives_the_digits_that_are_asked_for() -> None:
    made = by_oracle("erfcx")
    value = made(sympy.Rational(3, 2)).evalf(40)
    with mpmath.workdps(45):
        expected = mpmath.exp(mpmath.mpf(9) / 4) * mpmath.erfc(1.5)
        assert abs(mpmath.mpf(str(value)) - expected) < 1e-39
    assert made(X).free_symbols == {X}


@pytest.mark.parametrize("k", [0, 1, 3])
@pytest.mark.parametrize("function", [sympy.besselj, sympy.bessely, sympy.besseli, sympy.besselk])
def test_derivatives_of_bessel_functions_are_sums_over_orders(
    function: type[sympy.Function], k: int
) -> None:
    made = sum_over_orders("made", function)
    expected = function(2, X).diff(X, k).subs(X, 1.75).evalf(20)
    assert abs(made(k, 2, X).subs(X, 1.75).evalf(20) - expected) < 1e-15 * abs(expected)


@pytest.mark.parametrize(
    ("function", "rate"),
    [(sympy.besseli, lambda x: -sympy.Abs(x)), (sympy.besselk, lambda x: x)],
)
def test_a_rate_scales_them(function: type[sympy.Function], rate: object) -> None:
    made = sum_over_orders("made", function, rate)
    scaled = function(1, X) * sympy.exp(-X if function is sympy.besseli else X)
    expected = scaled.diff(X, 2).subs(X, 1.75).evalf(20)
    assert abs(made(2, 1, sympy.Float(1.75, 20)).evalf(20) - expected) < 1e-12 * abs(expected)


def test_parameters_are_parted() -> None:
    a, b, c, z = sympy.symbols("a b c z")
    assert hyper(2)(a, b, c, z) == sympy.hyper([a, b], [c], z)
