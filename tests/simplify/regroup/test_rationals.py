"""Positive rationals by index: products, inverses, roots, and what is refused."""

from __future__ import annotations

from fractions import Fraction
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symgrad.simplify.regroup.rationals import LARGEST, Rationals

POSITIVE = st.fractions(min_value=Fraction(1, 10**6), max_value=10**6)


def value(numbers: Rationals, index: int) -> Fraction:
    return Fraction(*numbers.values[index])


@given(a=POSITIVE, b=POSITIVE)
def test_products_and_inverses_are_those_of_fractions(a: Fraction, b: Fraction) -> None:
    numbers = Rationals()
    first, second = numbers.index(a), numbers.index(-b)
    assert first is not None
    assert second is not None
    product = numbers.multiples(first)[second]
    assert product is not None
    assert value(numbers, product) == a * b
    assert numbers.multiples(product)[numbers.inverse(product)] == 0
    assert numbers.root(numbers.multiples(first)[first] or 0, 2) == first


def test_equal_numbers_have_one_index() -> None:
    numbers = Rationals()
    assert numbers.index(0.5) == numbers.index(Fraction(-1, 2)) != numbers.index(2)
    assert numbers.index(1) == numbers.index(-1.0) == 0


@pytest.mark.parametrize("number", [0, 0.0, inf, nan, 1e300, 2**LARGEST])
def test_what_is_no_usual_number_is_refused(number: float) -> None:
    assert Rationals().index(number) is None


def test_numbers_that_get_too_long_are_refused() -> None:
    numbers = Rationals()
    long = numbers.index(Fraction(3**100, 2**150))
    assert long is not None
    assert numbers.product(long, long) is None


@pytest.mark.parametrize(
    ("number", "power", "root"),
    [(4, 2, 2), (Fraction(16, 81), 4, Fraction(2, 3)), (2, 2, None), (8, 3, None), (7, 1, 7)],
)
def test_roots_are_exact_or_none(number: Fraction, power: int, root: Fraction | None) -> None:
    numbers = Rationals()
    index = numbers.index(number)
    assert index is not None
    assert numbers.root(index, power) == (None if root is None else numbers.index(root))
