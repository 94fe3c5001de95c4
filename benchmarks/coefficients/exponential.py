"""Compute the polynomials of exp, exp2, expm1, sinh, cosh, tanh, erf and erfc anew.

Run from the root of the repository: ``python -m benchmarks.coefficients.exponential [--names
expm1]`` (seconds each). They are those of ``symgrad/emit/vector/exponential.py``, ``expm1.py``,
``hyperbolic.py`` and ``error.py``, for both dtypes.

A function is head(x) + factor(x) P(u(x)), where head is exact or nearly so. The coefficients of P
are minimax for the error relative to the function by the Remez exchange in 60-digit arithmetic;
each of them is rounded to the dtype in turn from the lowest order, and the remaining ones are
fitted again.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import NamedTuple

import mpmath

from benchmarks.coefficients.lookup import DIGITS, Number, chebyshev_points, minimax
from symgrad.emit.vector import error

SMALLEST = 1e-20

Function = Callable[[Number], Number]


class Fit(NamedTuple):
    """What one polynomial P in u approximates: (function - head)/factor between two ends.

    The error counts relative to the function, or times ``weight``.
    """

    function: Function
    head: Function
    factor: Function
    variable: Function
    ends: Callable[[], tuple[Number, Number]]
    degrees: dict[str, int]
    weight: Function | None = None


def one(x: Number) -> Number:
    """1."""
    return mpmath.mpf(1)


def zero(x: Number) -> Number:
    """0."""
    return mpmath.mpf(0)


def itself(x: Number) -> Number:
    """The argument: x."""
    return x


def square(x: Number) -> Number:
    """x^2."""
    return x * x


def cube(x: Number) -> Number:
    """x^3."""
    return x * x * x


def one_more(x: Number) -> Number:
    """1 + x."""
    return 1 + x


def fourth(x: Number) -> Number:
    """x^4."""
    return x**4


def start_of_cosh(x: Number) -> Number:
    """1 + x^2/2."""
    return 1 + x * x / 2


def start_of_expm1(x: Number) -> Number:
    """The series of e**x - 1 so far: x + x^2/2."""
    return x + x * x / 2


def half_of_expm1(x: Number) -> Number:
    """(e**(2x) - 1)/2."""
    return mpmath.expm1(2 * x) / 2


def halvings_of_erfc(t: Number) -> Number:
    """How often erfc is halved between the border and t beyond it."""
    return mpmath.log(mpmath.erfc(error.BORDER) / erfc_beyond(t), 2)


def erfc_beyond(t: Number) -> Number:
    """The erfc of the border plus t."""
    return mpmath.erfc(error.BORDER + t)


def two_to(x: Number) -> Number:
    """2**x."""
    return mpmath.mpf(2) ** x


def half_ln_2() -> tuple[Number, Number]:
    """As far as x is from a multiple of ln 2."""
    return -mpmath.log(2) / 2, mpmath.log(2) / 2


def to_half_ln_2() -> tuple[Number, Number]:
    """The upper half of that, for an even or odd function."""
    return mpmath.mpf(0), mpmath.log(2) / 2


def quarter_ln_2() -> tuple[Number, Number]:
    """As far as x is from a multiple of ln(2)/2."""
    return -mpmath.log(2) / 4, mpmath.log(2) / 4


def to_border() -> tuple[Number, Number]:
    """Where erf is a polynomial."""
    return mpmath.mpf(0), mpmath.mpf(error.BORDER)


def from_border() -> tuple[Number, Number]:
    """Where it is not, beyond the border."""
    return mpmath.mpf(0), mpmath.mpf("5.2")


def half() -> tuple[Number, Number]:
    """As far as x is from an integer."""
    return -mpmath.mpf(1) / 2, mpmath.mpf(1) / 2


def from_three_quarters() -> tuple[Number, Number]:
    """As far as x is from the multiples of ln 2 that expm1 chooses: e**x is not below 3/4."""
    return mpmath.log(mpmath.mpf(3) / 4), mpmath.log(mpmath.mpf(3) / 2)


# fmt: off
FITS: dict[str, Fit] = {
    "exp":   Fit(mpmath.exp, one_more, square, itself, half_ln_2, {"float64": 9, "float32": 4}),
    "exp2":  Fit(two_to, one, itself, itself, half, {"float64": 10, "float32": 5}),
    "expm1": Fit(mpmath.expm1, start_of_expm1, cube, itself, from_three_quarters,
                 {"float64": 8, "float32": 4}),
    "sinh":  Fit(mpmath.sinh, itself, cube, square, to_half_ln_2, {"float64": 4, "float32": 1}),
    "cosh":  Fit(mpmath.cosh, start_of_cosh, fourth, square, to_half_ln_2,
                 {"float64": 3, "float32": 1}),
    "tanh":  Fit(half_of_expm1, itself, square, itself, quarter_ln_2,
                 {"float64": 10, "float32": 5}),
    "erf":   Fit(mpmath.erf, itself, itself, square, to_border, {"float64": 10, "float32": 5}),
    "tail":  Fit(halvings_of_erfc, zero, itself, itself, from_border,
                 {"float64": 17, "float32": 5}, erfc_beyond),
}
# fmt: on


def main(arguments: Sequence[str] | None = None) -> None:
    """Print every polynomial with the relative error that it is left with."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--names", nargs="*", default=list(FITS), choices=list(FITS))
    options = parser.parse_args(arguments)
    for name in options.names:
        for dtype in FITS[name].degrees:
            coefficients, error = polynomial(name, dtype)
            print(f"# {name}, {dtype}: 2^{float(mpmath.log(error, 2)):.2f}")
            print(f"    ({', '.join(map(repr, coefficients))}),", flush=True)


def polynomial(name: str, dtype: str) -> tuple[list[float], Number]:
    """The coefficients of one polynomial from u^0 on, and the largest relative error."""
    row = FITS[name]
    count = row.degrees[dtype] + 1
    rounded: list[float] = []
    with mpmath.workdps(DIGITS):
        points = [x for x in chebyshev_points(*row.ends()) if abs(x) > mpmath.mpf(2) ** -12]
        places = [row.variable(x) for x in points]
        wanted = [(row.function(x) - row.head(x)) / row.factor(x) for x in points]
        weights = [
            abs(row.factor(x)) * (row.weight(x) if row.weight else 1 / abs(row.function(x)))
            for x in points
        ]
        while len(rounded) < count:
            start = len(rounded)
            # Where the remaining terms are almost nothing, they cannot be fitted.
            rows = [
                (
                    u,
                    (value - mpmath.polyval(exact(rounded), u)) / u**start,
                    weight * abs(u) ** start,
                )
                for u, value, weight in zip(places, wanted, weights, strict=True)
                if abs(u) ** start > SMALLEST
            ]
            rest = minimax(*zip(*rows, strict=True), count - start)
            rounded.append(nearest(rest[0], dtype))
        errors = [
            abs(value - mpmath.polyval(exact(rounded), u)) * weight
            for value, u, weight in zip(wanted, places, weights, strict=True)
        ]
        return rounded, max(errors)


def exact(coefficients: Sequence[float]) -> list[Number]:
    """For ``polyval``."""
    return [mpmath.mpf(value) for value in reversed(coefficients)] or [mpmath.mpf(0)]


def nearest(value: Number, dtype: str) -> float:
    """The number of the dtype nearest to a value."""
    if dtype == "float64":
        return float(value)
    mantissa, exponent = mpmath.frexp(value)
    return float(mpmath.ldexp(mpmath.nint(mpmath.ldexp(mantissa, 24)), exponent - 24))


if __name__ == "__main__":
    main()
