"""Positive rational numbers by index, so that products of them are looked up, not calculated."""

from __future__ import annotations

from fractions import Fraction
from math import gcd, isqrt

from symgrad.ir.arithmetic import Number
from symgrad.simplify.regroup.network import is_usual

LARGEST = 256
"""Numbers of more bits than this are refused, so that none overflows."""


class Rationals:
    """The positive rationals met so far, by index, 0 for 1; their products are looked up.

    Pairs of integers, as most of the time would go into making Fractions.
    """

    def __init__(self) -> None:
        self.values = [(1, 1)]
        self._found = {(1, 1): 0}
        self._numbers: dict[Number, int] = {1: 0, -1: 0}
        self._multiples: dict[int, Multiples] = {}
        self._inverses = {0: 0}

    def index(self, number: Number) -> int | None:
        """The index of a number's size; None where it is 0, not finite or too long."""
        found = self._numbers.get(number)
        if found is None and is_usual(number):
            found = self._index(*abs(Fraction(number)).as_integer_ratio())
            if found is not None:
                self._numbers[number] = found
        return found

    def _index(self, above: int, below: int) -> int | None:
        found = self._found.get((above, below))
        if found is None and max(above.bit_length(), below.bit_length()) <= LARGEST:
            found = self._found[above, below] = len(self.values)
            self.values.append((above, below))
        return found

    def multiples(self, factor: int) -> Multiples:
        """The table of ``index -> index of factor times that``."""
        found = self._multiples.get(factor)
        if found is None:
            found = self._multiples[factor] = Multiples(self, factor)
        return found

    def product(self, a: int, b: int) -> int | None:
        """The index of the product; None where it is too long."""
        (p, q), (r, s) = self.values[a], self.values[b]
        above, below = p * r, q * s
        common = gcd(above, below)
        return self._index(above // common, below // common)

    def root(self, a: int, power: int) -> int | None:
        """The index of the number of which ``a`` is that power; None where there is none."""
        if a == 0 or power == 1:
            return a
        above, below = self.values[a]
        while power % 2 == 0:
            p, q = isqrt(above), isqrt(below)
            if p * p != above or q * q != below:
                return None
            above, below, power = p, q, power // 2
        return self._index(above, below) if power == 1 else None

    def inverse(self, a: int) -> int:
        """The index of ``1 / a``."""
        found = self._inverses.get(a)
        if found is None:
            found = self._index(*reversed(self.values[a]))
            assert found is not None  # not longer than the number itself
            self._inverses[a], self._inverses[found] = found, a
        return found


class Multiples(dict[int, int | None]):
    """The products of one factor with others, each calculated when it is first looked up."""

    def __init__(self, numbers: Rationals, factor: int) -> None:
        super().__init__()
        self.numbers, self.factor = numbers, factor

    def __missing__(self, other: int) -> int | None:
        made = self[other] = self.numbers.product(self.factor, other)
        return made
