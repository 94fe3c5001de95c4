"""Laurent series against mpmath's functions, and their arithmetic against those of other series."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import pytest

from symgrad.functions import PRIMITIVES
from symgrad.simplify.digits import series
from symgrad.simplify.digits.series import ONE, Series
from tests.functions.definitions import DEFINITIONS

U = 0.125


def value(found: Series | None, u: float = U) -> Any:
    assert found is not None
    return sum(mpmath.mpf(c) / ONE * mpmath.mpf(u) ** (found.order + k)
               for k, c in enumerate(found.coefficients))  # fmt: skip


@pytest.mark.parametrize("name", series.FUNCTIONS)
def test_functions(name: str) -> None:
    with mpmath.workdps(60):
        expected = DEFINITIONS[name](mpmath.mpf(U))
        assert abs(value(series.of(name)) - expected) < 1e-40 * abs(expected)
    assert series.in_squares(series.of(name)) == (PRIMITIVES[name].parity is not None)
    assert (name in series.EVEN) == (PRIMITIVES[name].parity == "even")


CASES: dict[str, tuple[Callable[[], Series | None], Callable[[Any], Any]]] = {
    "sum": (
        lambda: series.add([(series.of("coth"), ONE), (series.of("cot"), -ONE)]),
        lambda u: mpmath.coth(u) - mpmath.cot(u),
    ),
    "product": (
        lambda: series.multiply(series.of("bose"), series.of("sin")),
        lambda u: mpmath.sin(u) / mpmath.expm1(u),
    ),
    "whole power": (
        lambda: series.power(series.of("tan"), Fraction(-3)),
        lambda u: mpmath.tan(u) ** -3,
    ),
    "logarithm": (
        lambda: series.logarithm(series.of("sinhc")),
        lambda u: mpmath.log(mpmath.sinh(u) / u),
    ),
    "stretched": (
        lambda: series.stretched(series.of("csch"), Fraction(2, 3), 2),
        lambda u: mpmath.csch(2 * u**2 / 3),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_arithmetic(name: str) -> None:
    found, definition = CASES[name]
    with mpmath.workdps(60):
        expected = definition(mpmath.mpf(U))
        assert abs(value(found()) - expected) < 1e-40 * abs(expected)


def test_what_cancels_is_no_term() -> None:
    rest = series.add([(series.of("sin"), ONE), (series.of("tan"), -ONE)])
    assert rest is not None
    assert rest.order == 3
    assert abs(rest.coefficients[0] * 2 + ONE) < series.NOTHING
    assert series.add([(series.of("sin"), ONE), (series.of("sin"), -ONE)]) is None


def test_what_is_refused() -> None:
    assert series.power(series.of("sin"), Fraction(1, 2)) is None  # no power series
    assert series.power(series.constant(Fraction(2)), Fraction(1, 2)) is None
    assert series.logarithm(series.of("sin")) is None


def test_roots_are_not_taken() -> None:
    """1 + sin(u) is 0 at -pi/2 and grows again, the series of its root has another sign there."""
    base = series.add([(series.constant(Fraction(1)), ONE), (series.of("sin"), ONE)])
    assert base is not None
    assert series.power(base, Fraction(1, 2)) is None
    one = series.constant(Fraction(1))
    assert series.power(one, Fraction(1, 2)) == one
