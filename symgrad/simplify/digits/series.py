"""Laurent series at 0, exact enough to see what cancels: fixed-point whole numbers of many bits.

A series is the power of its first term and its coefficients times 2^BITS, of which the first is not
0. As many coefficients are kept everywhere as the functions' series have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache
from math import isfinite, isqrt
from typing import NamedTuple

BITS = 384
ONE = 1 << BITS
NOTHING = 1 << (BITS // 2)
"""A coefficient below this is what rounding has left of 0."""

LENGTH = 64
"""How many coefficients there are."""

SQRT_PI = isqrt(
    3141592653589793238462643383279502884197169399375105820974944592307816406286
    * 10**75 * (ONE * ONE // 10**150)
)  # fmt: skip


RADII = (2.0, 1.5, 1.25, 1.0, 0.75, 0.6, 0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.1, 0.05)
"""Where the polynomial may end, the first being the best: what is as written is good there."""

ROUNDING = 2.0**-55

WORST = 8.0
"""How much larger the terms of a polynomial may be than it is itself."""


class Series(NamedTuple):
    """``u**order * (c0 + c1*u + ...)``, the coefficients times 2^BITS."""

    order: int
    coefficients: tuple[int, ...]


def made(order: int, coefficients: Sequence[int]) -> Series | None:
    """The series without the zeros that it begins with; None where nothing is left."""
    for start, coefficient in enumerate(coefficients):
        if abs(coefficient) > NOTHING:
            return Series(order + start, tuple(coefficients[start:]))
    return None


def constant(value: Fraction) -> Series:
    """A number that is not 0."""
    return Series(0, (fixed(value), *(0,) * (LENGTH - 1)))


def fixed(value: Fraction) -> int:
    """The number times 2^BITS."""
    return value.numerator * ONE // value.denominator


def times_root_of_pi(value: int, power: int) -> int:
    """A number times 2^BITS, times a whole power of the root of pi."""
    for _ in range(abs(power)):
        value = value * SQRT_PI >> BITS if power > 0 else value * ONE // SQRT_PI
    return value


def add(terms: Sequence[tuple[Series, int]]) -> Series | None:
    """The sum of multiples, whose factors are times 2^BITS; None where all cancels."""
    first = min(series.order for series, _ in terms)
    length = min(series.order + len(series.coefficients) for series, _ in terms) - first
    total = [0] * length
    for series, factor in terms:
        shift = series.order - first
        for k, c in enumerate(series.coefficients[: length - shift]):
            total[shift + k] += c * factor >> BITS
    return made(first, total)


def multiply(a: Series, b: Series) -> Series:
    """The product."""
    length = min(len(a.coefficients), len(b.coefficients))
    total = [0] * length
    for i, x in enumerate(a.coefficients[:length]):
        if x:
            for j, y in enumerate(b.coefficients[: length - i]):
                total[i + j] += x * y
    return Series(a.order + b.order, tuple([c >> BITS for c in total]))


def power(base: Series, exponent: Fraction) -> Series | None:
    """A power by J. C. P. Miller's recurrence; None of a root of more than the number 1.

    The series of a root may go on where its base has become 0 and grows again, as that of
    sqrt(1 + sin(u)) does left of -pi/2, and has the wrong sign there.
    With c0 = 1 it is n c0 d_n = sum((k p - n + k) c_k d_(n - k)) (NIST DLMF 3.10, Knuth 4.7).
    """
    lead = base.coefficients[0]
    if exponent.denominator != 1:
        return base if base == constant(Fraction(1)) else None
    order = base.order * exponent
    c = [x * ONE // lead for x in base.coefficients]
    p = exponent.numerator
    held = [k for k in range(1, len(c)) if c[k]]
    d = [ONE]
    for n in range(1, len(c)):
        total = sum([(k * p - (n - k)) * c[k] * d[n - k] for k in held if k <= n])
        d.append((total >> BITS) // n)
    scale = fixed(Fraction(lead, ONE) ** p)
    return Series(int(order), tuple([x * scale >> BITS for x in d]))


def logarithm(base: Series) -> Series | None:
    """The logarithm of a series that begins with 1: n c_n = n l_n + sum(k l_k c_(n - k))."""
    c = base.coefficients
    if base.order != 0 or abs(c[0] - ONE) > NOTHING:
        return None
    found = [0]
    for n in range(1, len(c)):
        rest = sum([k * found[k] * c[n - k] for k in range(1, n) if c[n - k]])
        found.append(c[n] - (rest >> BITS) // n)
    return made(0, found)


def stretched(series: Series, factor: Fraction, times: int) -> Series:
    """The series of f(factor * u**times)."""
    c = fixed(factor)
    scale = fixed(factor**series.order)
    found = [0] * LENGTH
    for k, coefficient in enumerate(series.coefficients):
        if k * times >= LENGTH:
            break
        found[k * times] = coefficient * scale >> BITS
        scale = scale * c >> BITS
    return Series(series.order * times, tuple(found))


def in_squares(series: Series) -> bool:
    """Whether every other coefficient is 0."""
    return all(abs(c) <= NOTHING for c in series.coefficients[1::2])


def _inverse_factorials(first: int, signs: Sequence[int]) -> Series:
    """sum(sign_k/k! u^k), where the signs repeat, from ``first`` on."""
    terms, term = [0] * LENGTH, ONE
    for k in range(LENGTH):
        terms[k] = signs[k % len(signs)] * term if k >= first else 0
        term //= k + 1
    found = made(0, terms)
    assert found is not None
    return found


def _harmonic(signs: Sequence[int]) -> Series:
    """sum(sign_k/k u^k)."""
    found = made(0, [0, *[signs[k % len(signs)] * ONE // k for k in range(1, LENGTH)]])
    assert found is not None
    return found


def _arcsine(sign: int) -> Series:
    """The integral of 1/sqrt(1 - sign u^2)."""
    terms, term = [0] * LENGTH, ONE
    for k in range(0, LENGTH - 1, 2):
        terms[k + 1] = term // (k + 1)
        term = sign * term * (k + 1) // (k + 2)
    return Series(1, tuple(terms[1:]))


@cache
def arc_by_root() -> Series:
    """That of acos(x)/sqrt(1 - x^2) and acosh(x)/sqrt(x^2 - 1) in u = 1 - x.

    2F1(1, 1; 3/2; u/2), NIST DLMF 15.4.14.
    """
    terms = [ONE]
    for k in range(LENGTH - 1):
        terms.append(terms[-1] * (k + 1) // (2 * k + 3))
    return Series(0, tuple(terms))


def _erf() -> Series:
    """2/sqrt(pi) times the integral of exp(-u^2)."""
    terms, term = [0] * LENGTH, 2 * ONE * ONE // SQRT_PI
    for k in range(0, LENGTH - 1, 2):
        terms[k + 1] = term // (k + 1)
        term = -term * 2 // (k + 2)
    return Series(1, tuple(terms[1:]))


def _integrated(name: str) -> Series:
    """The integral of a function from 0 on."""
    series = of(name)
    found = [c // (series.order + k + 1) for k, c in enumerate(series.coefficients)]
    return Series(series.order + 1, tuple(found))


def _bessel(order: int, sign: int) -> Series:
    """J or, with sign 1, I of a whole order: NIST DLMF 10.2.2 and 10.25.2."""
    terms, term = [0] * LENGTH, ONE >> order
    for k in range(order):
        term //= k + 1
    for k in range(0, LENGTH - order, 2):
        terms[k] = term
        term = sign * term // (k // 2 + 1) // (k // 2 + 1 + order) // 4
    return Series(order, tuple(terms))


@cache
def of(name: str) -> Series:
    """The series of a function."""
    return FUNCTIONS[name]()


def _over(above: str, below: str) -> Series:
    inverse = power(of(below), Fraction(-1))
    assert inverse is not None
    return inverse if above == "1" else multiply(of(above), inverse)


def _shifted(name: str, by: int, sign: int = 1) -> Series:
    series = of(name)
    return Series(series.order - by, tuple([sign * c for c in series.coefficients]))


def _complement(name: str) -> Series:
    found = add([(constant(Fraction(1)), ONE), (of(name), -ONE)])
    assert found is not None
    return found


HALF = Fraction(1, 2)

# fmt: off
FUNCTIONS: dict[str, Callable[[], Series]] = {
    "exp": lambda: _inverse_factorials(0, (1,)),    "expm1": lambda: _inverse_factorials(1, (1,)),
    "sin": lambda: _inverse_factorials(0, (0, 1, 0, -1)),
    "cos": lambda: _inverse_factorials(0, (1, 0, -1, 0)),
    "cosm1": lambda: _inverse_factorials(1, (1, 0, -1, 0)),
    "sinh": lambda: _inverse_factorials(0, (0, 1)), "cosh": lambda: _inverse_factorials(0, (1, 0)),
    "coshm1": lambda: _inverse_factorials(1, (1, 0)),
    "log1p": lambda: _harmonic((-1, 1)),
    "atan": lambda: _harmonic((0, 1, 0, -1)),       "atanh": lambda: _harmonic((0, 1)),
    "asin": lambda: _arcsine(1),                    "asinh": lambda: _arcsine(-1),
    "besselj0": lambda: _bessel(0, -1),             "besselj1": lambda: _bessel(1, -1),
    "besseli0": lambda: _bessel(0, 1),              "besseli1": lambda: _bessel(1, 1),
    "sine_integral": lambda: _integrated("sinc"),
    "sinh_integral": lambda: _integrated("sinhc"),
    "erf": _erf,                                    "erfc": lambda: _complement("erf"),
    "tan": lambda: _over("sin", "cos"),             "tanh": lambda: _over("sinh", "cosh"),
    "cot": lambda: _over("cos", "sin"),             "coth": lambda: _over("cosh", "sinh"),
    "sech": lambda: _over("1", "cosh"),             "csch": lambda: _over("1", "sinh"),
    "bose": lambda: _over("1", "expm1"),
    "tanh_half": lambda: stretched(of("tanh"), HALF, 1),
    "sinc": lambda: _shifted("sin", 1),             "sinhc": lambda: _shifted("sinh", 1),
    "expm1c": lambda: _shifted("expm1", 1),         "log1pc": lambda: _shifted("log1p", 1),
    "cosc": lambda: _shifted("cosm1", 2, -1),       "coshc": lambda: _shifted("coshm1", 2),
}
# fmt: on
"""The functions with a known series at 0, by the names of their rows."""

EVEN = frozenset(
    {
        "besselj0",
        "besseli0",
        "cos",
        "cosm1",
        "cosh",
        "coshm1",
        "sech",
        "sinc",
        "sinhc",
        "cosc",
        "coshc",
    }
)


@cache
def leading(name: str) -> tuple[int, float]:
    """The first term of a function's series: its power and coefficient."""
    order, coefficients = of(name)
    return order, coefficients[0] / ONE


def polynomial(found: Series, most: int) -> tuple[float, bool, list[float]] | None:
    """A polynomial of at most so many terms that is good for derivatives to order 3.

    Returns:
        the radius inside which it is, whether its argument is squared, and its coefficients; None
        where there is none.
    """
    even = in_squares(found)
    exact = found.coefficients[:: 2 if even else 1]
    coefficients = [c / ONE for c in exact]
    if not all(map(isfinite, coefficients)):
        return None
    for radius in RADII:
        w = radius * radius if even else radius
        count = max([_needed(coefficients, w, slope) for slope in range(4)])
        sizes = [abs(c) * w**k for k, c in enumerate(coefficients)]
        values = [sum([c * x**k for k, c in enumerate(coefficients)]) for x in (w, -w)]
        least = min(abs(values[0]), abs(values[-1 if not even else 0]))
        if count <= most and sum(sizes) <= WORST * least:
            return radius, even, coefficients[:count]
    return None


def _needed(coefficients: Sequence[float], w: float, slope: int) -> int:
    """How many terms the polynomial needs for its derivative of order ``slope`` at w."""
    sizes = []
    for k, c in enumerate(coefficients):
        falling = 1
        for j in range(slope):
            falling *= k - j
        sizes.append(abs(c) * falling * w ** max(0, k - slope))
    enough, total = ROUNDING * max(sizes), 0.0
    for k in range(len(sizes) - 1, -1, -1):
        total += sizes[k]
        if total > enough:
            return k + 1
    return 1
