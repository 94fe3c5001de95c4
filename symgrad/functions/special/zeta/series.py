"""Power series for the derivatives of zeta by its argument: of gamma, zeta and their reflection.

A series is a list of Taylor's coefficients in e around a point, to order HIGHEST. NIST DLMF 25.2.9,
25.4.1 and 5.11.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import factorial
from typing import Any

from symgrad.functions.special.double import (
    Pair,
    add_pairs,
    add_to_pair,
    cos_pi,
    exp_double,
    polynomial,
    scale_pair,
    short_polynomial,
    sin_pi,
)
from symgrad.functions.special.gamma.coefficients import RECIPROCAL
from symgrad.functions.special.gamma.gamma import LARGE, _factors, stirling
from symgrad.functions.special.zeta.coefficients import BERNOULLI, LOG_TWO_PI, LOGS

PI = 3.141592653589793
CORRECTIONS = 10
HIGHEST = 4
EXP_138_OVER_PI = 2.7257663760759407e59


def reflection(m: Any, b: Any) -> Pair:
    """Two factors of gamma(b) (2 pi)^-b exp(-138), 1/2 <= b <= 400: zeta overflows after them."""
    big = b >= LARGE
    r, up, down = _factors(m, m.min(b, LARGE))
    small = up / (down * m.fma(r, polynomial(m, r, RECIPROCAL), 1.0))
    high, low = scale_pair(m, LOG_TWO_PI, -b)
    main, rest = stirling(m, m.max(b, LARGE))
    high, low = add_pairs((high, low), (m.where(big, main, 0.0), m.where(big, rest, 0.0)))
    return exp_double(m, *add_to_pair((high, low), -138.0)), m.where(big, 1.0, small)


def _times_linear(m: Any, series: Sequence[Any], at: Any) -> list[Any]:
    """The product of a power series and at + e, to order HIGHEST."""
    made = [series[0] * at]
    for i in range(1, min(len(series), HIGHEST) + 1):
        own = series[i] if i < len(series) else 0.0
        made.append(m.fma(own, at, series[i - 1]) if i < len(series) else series[i - 1])
    return made


def product(m: Any, one: Sequence[Any], two: Sequence[Any]) -> list[Any]:
    """The product of two power series, to order HIGHEST."""
    made = []
    for i in range(HIGHEST + 1):
        total = one[0] * two[i]
        for j in range(1, i + 1):
            total = m.fma(one[j], two[i - j], total)
        made.append(total)
    return made


def zeta_series(m: Any, s: Any) -> list[Any]:
    """Taylor's coefficients of zeta at s >= 3/2, to order HIGHEST: Euler-Maclaurin's in series.

    The sum of each order has one sign. Its first terms are small beside 1, but not beside each
    other: they need all digits.
    """
    two, three, five, seven = (exp_double(m, *scale_pair(m, LOGS[p - 1], -s)) for p in (2, 3, 5, 7))
    four = two * two
    powers = (two, three, four, five, two * three, seven, four * two, three * three)
    ten = two * five
    tail: list[Any] = [BERNOULLI[CORRECTIONS - 1]]
    for j in range(CORRECTIONS - 1, 0, -1):
        tail = _times_linear(m, tail, s + (2.0 * j - 1.0))
        tail = _times_linear(m, tail, s + 2.0 * j)
        tail = [value * 0.01 for value in tail]
        tail[0] = tail[0] + BERNOULLI[j - 1]
    tail = [value * 0.1 for value in _times_linear(m, tail, s)]
    over = 1.0 / (s - 1.0)
    pole: Any = 10.0 * over
    for i in range(HIGHEST + 1):
        tail[i] = tail[i] + pole
        pole = -pole * over
    tail[0] = tail[0] + 0.5
    tail = product(m, tail, [(-LOGS[9][0]) ** i / factorial(i) for i in range(HIGHEST + 1)])
    made = []
    for i in range(HIGHEST + 1):
        total = ten * tail[i]
        for k in range(9, 1, -1):
            total = m.fma(powers[k - 2], (-LOGS[k - 1][0]) ** i / factorial(i), total)
        made.append(total)
    made[0] = 1.0 + made[0]
    return made


def gamma_series(m: Any, x: Any) -> list[Any]:
    """Taylor's coefficients of gamma(x + e) (2 pi)^-e/gamma(x), x >= 2, to order HIGHEST.

    The exponential of a series: log gamma has the coefficients (-1)^k zeta(k, x)/k (NIST DLMF
    5.15.1, 25.11.5), digamma for k = 1.
    """
    sums: list[Any] = [0.0] * HIGHEST
    for i in range(8):
        inverse = power = 1.0 / (x + float(i))
        for k in range(HIGHEST):
            sums[k] = sums[k] + power
            power = power * inverse
    inverse = 1.0 / (x + 8.0)
    square = inverse * inverse
    # digamma(x + 8) of NIST DLMF 5.11.2
    terms = [b * float(factorial(2 * j + 1)) for j, b in enumerate(BERNOULLI[:9])]
    rest = m.fma(square, short_polynomial(m, square, terms), 0.5 * inverse)
    log = [m.log(x + 8.0) - (rest + sums[0]) - LOG_TWO_PI[0]]
    power = inverse
    for k in range(2, HIGHEST + 1):
        rising = [factorial(k + 2 * j) / factorial(k - 1) for j in range(9)]
        terms = [b * r for b, r in zip(BERNOULLI, rising, strict=False)]
        tail = m.fma(square, short_polynomial(m, square, terms), 0.5 * inverse) + 1.0 / (k - 1)
        log.append((sums[k - 1] + power * tail) * ((-1) ** k / k))
        power = power * inverse
    made: list[Any] = [1.0]
    for i in range(1, HIGHEST + 1):
        total = log[0] * made[i - 1]
        for j in range(2, i + 1):
            total = m.fma(j * log[j - 1], made[i - j], total)
        made.append(total * (1.0 / i))
    return made


def reflected_series(m: Any, s: Any, zeta: Sequence[Any]) -> list[Any]:
    """Taylor's coefficients of zeta at s < -1, to order HIGHEST, by those at 1 - s.

    With x = 1 - s, zeta(s) = 2 (2 pi)^-x cos(pi x/2) gamma(x) zeta(x) (NIST DLMF 25.4.1), each
    factor a power series.
    """
    b = m.min(-s, 400.0)
    power, small = reflection(m, b)
    size = power * small * b * EXP_138_OVER_PI
    series = product(m, gamma_series(m, 1.0 + b), zeta)
    half = 0.5 * s
    cosine, sine = sin_pi(m, half), cos_pi(m, half)  # of pi x/2
    wave = [cosine, -sine, -cosine, sine, cosine]
    wave = [value * ((0.5 * PI) ** i / factorial(i)) for i, value in enumerate(wave)]
    both = product(m, series, wave)
    made = [size * (-value if n % 2 else value) for n, value in enumerate(both)]
    return [m.where(m.eq(cosine, 0.0), 0.0, made[0]), *made[1:]]
