"""Arithmetic in pairs of doubles, polynomials and sin(pi x), for the definitions of special rows.

A pair (high, low) stands for high + low, where high is the sum rounded to double; it carries about
106 bits. Everything is written in the primitives that ``m`` offers, in the order of the text: it
holds only because nothing is reassociated. Nothing branches; finite arguments are expected unless
a function says otherwise. Knuth, *The Art of Computer Programming* 2, 4.2.2; Dekker, Numerische
Mathematik 18, 1971; Joldes, Muller and Popescu, ACM TOMS 44, 2017.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Pair = tuple[Any, Any]
"""(high, low): the unevaluated sum of two doubles."""

ONE: Pair = (1.0, 0.0)

INF, NAN = float("inf"), float("nan")

# fmt: off
LN2 = (0.6931471805599453, 2.3190468138462996e-17)
LN2_SHORT = (0.6931471805601177, -1.7239444525614835e-13)  # the first in 40 bits, 2^-102 away
ONE_OVER_LN2 = 1.4426950408889634
THIRD = (0.3333333333333333, 1.850371707708594e-17)
PI = (3.141592653589793, 1.2246467991473532e-16)
ATANH_REST = (  # 1/5 + s/7 + s^2/9 + ..., s <= (3 - sqrt(8))^2
    0.2, 1 / 7, 1 / 9, 1 / 11, 1 / 13, 1 / 15, 1 / 17, 1 / 19, 1 / 21, 1 / 23, 1 / 25)
SIN_PI = (  # sin(pi r) = pi r + r^3 (c0 + c1 r^2 + ...), |r| <= 1/4: Taylor's to r^15
    -5.16771278004997, 2.5501640398773455, -0.5992645293207921, 0.08214588661112823,
    -0.0073704309457143504, 0.00046630280576761255, -2.1915353447830217e-05)
COS_PI = (  # cos(pi r) = 1 + r^2 (c0 + c1 r^2 + ...), |r| <= 1/4: Taylor's to r^16
    -4.934802200544679, 4.0587121264167685, -1.3352627688545895, 0.2353306303588932,
    -0.02580689139001406, 0.0019295743094039231, -0.0001046381049248457, 4.303069587032947e-06)
COS_PI_LOW = -3.1326477543698557e-16  # of the first
# fmt: on


def polynomial(m: Any, x: Any, coefficients: Sequence[float]) -> Any:
    """c0 + c1 x + c2 x^2 + ..., by Horner's rule: one fused multiply-add a coefficient."""
    total: Any = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        total = m.fma(total, x, coefficient)
    return total


def short_polynomial(m: Any, x: Any, coefficients: Sequence[float]) -> Any:
    """The same as two chains in x^2, which wait less and round a little more."""
    if len(coefficients) < 4:
        return polynomial(m, x, coefficients)
    square = x * x
    odd = polynomial(m, square, coefficients[1::2])
    return m.fma(odd, x, polynomial(m, square, coefficients[0::2]))


def two_sum(a: Any, b: Any) -> Pair:
    """A + b exactly, in any order of size (Knuth)."""
    high = a + b
    of_b = high - a
    return high, (a - (high - of_b)) + (b - of_b)


def fast_two_sum(a: Any, b: Any) -> Pair:
    """A + b exactly, where |a| >= |b| or a is 0 (Dekker)."""
    high = a + b
    return high, b - (high - a)


def two_product(m: Any, a: Any, b: Any) -> Pair:
    """A * b exactly, unless it underflows."""
    high = a * b
    return high, m.fma(a, b, -high)


def add_pairs(a: Pair, b: Pair) -> Pair:
    """A + b within 2^-104 of it (Joldes, Muller and Popescu, algorithm 6)."""
    high, low = two_sum(a[0], b[0])
    small, smaller = two_sum(a[1], b[1])
    high, low = fast_two_sum(high, low + small)
    return fast_two_sum(high, low + smaller)


def add_to_pair(a: Pair, b: Any) -> Pair:
    """A + b for a plain number b."""
    high, low = two_sum(a[0], b)
    return fast_two_sum(high, low + a[1])


def negative(a: Pair) -> Pair:
    """-a."""
    return -a[0], -a[1]


def select_pair(m: Any, condition: Any, a: Pair, b: Pair) -> Pair:
    """The first pair where the condition holds, else the second."""
    return m.where(condition, a[0], b[0]), m.where(condition, a[1], b[1])


def multiply_pairs(m: Any, a: Pair, b: Pair) -> Pair:
    """A * b within 2^-103 of it."""
    high, low = two_product(m, a[0], b[0])
    return fast_two_sum(high, m.fma(a[0], b[1], m.fma(a[1], b[0], low)))


def scale_pair(m: Any, a: Pair, b: Any) -> Pair:
    """A * b for a plain number b, within 2^-104 of it."""
    high, low = two_product(m, a[0], b)
    return fast_two_sum(high, m.fma(a[1], b, low))


def divide_pairs(m: Any, a: Pair, b: Pair) -> Pair:
    """A / b within 2^-101 of it, with one division."""
    inverse = 1.0 / b[0]
    first = a[0] * inverse
    rest = m.fma(-first, b[0], a[0]) + m.fma(-first, b[1], a[1])
    return fast_two_sum(first, rest * inverse)


def mantissa(m: Any, x: Any) -> Pair:
    """(x / 2^n, n) with the first in (0.7, 1.42), for 2^-540 < x < 2^540.

    The power of two is exp(-n log 2) rounded to three bits, so it is exact however exp rounds.
    """
    n = m.rint(m.log(x) * ONE_OVER_LN2)
    power = m.exp(-n * LN2[0])
    # Dekker's splitting at 50 bits leaves the first three of them.
    shifted = power * (2.0**50 + 1)
    return x * (shifted - (shifted - power)), n


def log_double(m: Any, x: Any, *, wide: bool = True) -> Pair:
    """log(x) of a positive double as a pair, within about 2^-64 of its size.

    With x = 2^n a, f = (a - 1)/(a + 1): n log 2 + 2 (f + f^3/3 + f^5/5 + ...) (NIST DLMF 4.6.4),
    the first two terms in pairs. With ``wide`` every finite x > 0, subnormals too; without it
    2^-540 < x < 2^540, at less cost. Other x give no meaning, but no trouble either.
    """
    if wide:
        tiny, huge = x < 2.0**-500, x > 2.0**500
        scaled = x * m.where(tiny, 2.0**540, m.where(huge, 2.0**-540, 1.0))
        a, n = mantissa(m, scaled)
        n = n + m.where(tiny, -540.0, m.where(huge, 540.0, 0.0))
    else:
        a, n = mantissa(m, x)
    return add_pairs((n * LN2_SHORT[0], n * LN2_SHORT[1]), log_of_mantissa(m, a - 1.0, 0.0))


def log1p_double(m: Any, r: Any, low: Any = 0.0) -> Pair:
    """log(1 + r + low) as a pair, -0.3 < r < 0.42, within about 2^-64 of its size."""
    return log_of_mantissa(m, r, low)


def log_of_mantissa(m: Any, r: Any, r_low: Any) -> Pair:
    """log(1 + r + r_low): 2 atanh(f), f = r/(2 + r) as a pair."""
    (f, f_low), series = log1p_parts(m, r, r_low)
    return add_pairs((2.0 * f, 2.0 * f_low), series)


def log1p_parts(m: Any, r: Any, r_low: Any) -> tuple[Pair, Pair]:
    """(f, s) with log(1 + r + r_low) = 2 f + s: f = r/(2 + r), s = 2 f^3/3 + 2 f^5/5 + ..."""
    high, low = fast_two_sum(2.0, r)
    f, f_low = divide_pairs(m, (r, r_low), (high, low + r_low))
    square, rest = two_product(m, f, f)
    square, rest = fast_two_sum(square, m.fma(2.0 * f, f_low, rest))
    small = square * square * polynomial(m, square, ATANH_REST)
    third, third_low = scale_pair(m, THIRD, square)
    series = fast_two_sum(third, m.fma(THIRD[0], rest, third_low) + small)
    return (f, f_low), multiply_pairs(m, (2.0 * f, 2.0 * f_low), series)


def exp_double(m: Any, high: Any, low: Any) -> Any:
    """exp(high + low) for a pair, |low| < 1e-9: the error of exp and 0.5 ulp."""
    power = m.exp(high)
    # Where exp(high) is inf a low part that is not finite or negative would spoil it.
    return m.where(m.abs(high) < 709.5, m.fma(power, low, power), power * (1.0 + low))


def sin_pi(m: Any, x: Any) -> Any:
    """sin(pi x) within 1 ulp for every finite x: 0 with the sign of x at the integers.

    x - rint(x) is exact, so zeros cost no accuracy.
    """
    nearest = m.rint(x)
    r = x - nearest
    value = m.where(is_even(m, nearest), 1.0, -1.0) * _sin_pi(m, r)
    return m.where(m.eq(r, 0.0), 0.0 * x, value)


def cos_pi(m: Any, x: Any) -> Any:
    """cos(pi x) within 1 ulp for every finite x: 0 at the half integers."""
    nearest = m.rint(x)
    return m.where(is_even(m, nearest), 1.0, -1.0) * _sin_pi(m, 0.5 - m.abs(x - nearest))


def is_even(m: Any, n: Any) -> Any:
    """The condition that a whole number is even."""
    half = 0.5 * n
    return m.eq(half, m.floor(half))


def _sin_pi(m: Any, r: Any) -> Any:
    """sin(pi r), |r| <= 1/2 (NIST DLMF 4.19.1)."""
    near = m.min(m.abs(r), 0.25)
    square = near * near
    sine = m.fma(near, PI[0], near * m.fma(square, polynomial(m, square, SIN_PI), PI[1]))
    far = m.min(0.5 - m.abs(r), 0.25)
    square, low = two_product(m, far, far)
    rest = square * square * polynomial(m, square, COS_PI[1:])
    cosine = m.fma(square, COS_PI[0], 1.0)
    cosine += m.fma(low, COS_PI[0], m.fma(square, COS_PI_LOW, rest))
    size = m.where(m.abs(r) <= 0.25, sine, cosine)
    return m.where(r < 0.0, -size, size)
