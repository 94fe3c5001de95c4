"""Real functions in mpmath: nan and infinities where C has them, at the present precision."""

from __future__ import annotations

from fractions import Fraction
from math import inf, nan
from typing import Any

import mpmath
import numpy as np
import pytest

from symgrad.ir.evaluate import mpmath_arithmetic, numpy_arithmetic
from symgrad.ir.expression import NAMED_CONSTANTS, named
from symgrad.ir.real_mpmath import FUNCTIONS, divide, lookup
from tests.expressions import as_written, close


@pytest.mark.parametrize(
    "exponent", [-3, -2, -1, 2, 3, Fraction(1, 2), Fraction(-1, 2), Fraction(5, 3)]
)
def test_powers_agree_on_special_values(exponent: Any, digits: int) -> None:
    precise, double = mpmath_arithmetic(), numpy_arithmetic()
    for base in (0.0, 1.0, -1.0, 2.5, -2.5, inf, nan):
        with np.errstate(all="ignore"):
            got = float(double.power(np.float64(base), exponent))
        assert close(got, precise.power(mpmath.mpf(base), exponent), 1e-14), (base, exponent)


@pytest.mark.parametrize("name", NAMED_CONSTANTS)
def test_named_constants(name: str, digits: int) -> None:
    precise = as_written(named(name), {})
    assert numpy_arithmetic().number(name) == float(precise)
    assert mpmath_arithmetic().number(name) == precise
    assert abs(precise - float(precise)) > 0


def test_precision_is_the_present_one() -> None:
    arithmetic = mpmath_arithmetic()
    with mpmath.workdps(80):
        third = arithmetic.number(Fraction(1, 3))
        assert abs(third * 3 - 1) < mpmath.mpf(10) ** -79


def test_what_has_no_real_value_is_nan(digits: int) -> None:
    for name, argument in (("log", -1), ("asin", 2), ("acosh", 0), ("atanh", 2), ("log1p", -2)):
        assert mpmath.isnan(FUNCTIONS[name](mpmath.mpf(argument))), name
    assert mpmath.isnan(FUNCTIONS["pow"](mpmath.mpf(-8), mpmath.mpf(1) / 3))


def test_quotients_by_zero_are_infinite_but_for_zero_by_zero() -> None:
    zero, one = mpmath.mpf(0), mpmath.mpf(1)
    assert (divide(one, zero), divide(-one, zero)) == (inf, -inf)
    assert mpmath.isnan(divide(zero, zero))
    assert mpmath.isnan(divide(mpmath.nan, zero))


def test_a_lookup_beyond_an_end_is_that_end() -> None:
    table = (2.0, 3.0, 5.0)
    found = [lookup(table, mpmath.mpf(i)) for i in (-4, 0, 2, 9, nan)]
    assert found == [2, 2, 5, 5, 2]
