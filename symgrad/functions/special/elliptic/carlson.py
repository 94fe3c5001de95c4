"""Carlson's symmetric elliptic integrals by duplication, as parts of definitions.

B. C. Carlson, Numerical computation of real or complex elliptic integrals, Numerical Algorithms 10
(1995) 13; NIST DLMF 19.16, 19.26, 19.36. Arguments are not negative and at most one of the first
three is 0. Each turn brings them four times nearer to their mean; the series at the end
(19.36.1, 19.36.2) is of fifth order.
"""

from __future__ import annotations

from typing import Any

from symgrad.functions.special.double import fast_two_sum

NEAR = 0.0025
"""Distance from the mean, relative to it, where the series takes over: its rest is below 2^-54."""

TURNS = 40


def _largest(m: Any, a: Any, b: Any, c: Any) -> Any:
    return m.max(m.max(m.abs(a), m.abs(b)), m.abs(c))


def rf(m: Any, x: Any, y: Any, z: Any) -> Any:
    """R_F(x, y, z), half the integral of ((t + x)(t + y)(t + z))^(-1/2) over t > 0."""

    def step(k: Any, x: Any, y: Any, z: Any) -> Any:
        a, b, c = m.sqrt(x), m.sqrt(y), m.sqrt(z)
        shift = m.fma(c, a + b, a * b)
        x, y, z = 0.25 * (x + shift), 0.25 * (y + shift), 0.25 * (z + shift)
        mean = (x + y + z) * (1.0 / 3.0)
        return _largest(m, mean - x, mean - y, mean - z) > NEAR * mean, x, y, z

    x, y, z = m.loop(step, (x, y, z), TURNS)
    mean = (x + y + z) / 3.0
    u, v = (mean - x) / mean, (mean - y) / mean
    w = -(u + v)
    e2, e3 = u * v - w * w, u * v * w
    series = e2 * (-1 / 10 + e2 / 24 - e3 * (3 / 44)) + e3 / 14
    return (1.0 + series) / m.sqrt(mean)


def _rd_series(m: Any, mean: Any, e2: Any, e3: Any, e4: Any, e5: Any) -> Any:
    series = e2 * (-3 / 14 + e2 * (9 / 88) - e3 * (9 / 52)) + e3 / 6 - e4 * (3 / 22) + e5 * (3 / 26)
    return (1.0 + series) / (mean * m.sqrt(mean))


def rd(m: Any, x: Any, y: Any, z: Any) -> Any:
    """R_D(x, y, z) = R_J(x, y, z, z), z > 0."""

    def step(k: Any, x: Any, y: Any, z: Any, total: Any, low: Any, scale: Any) -> Any:
        a, b, c = m.sqrt(x), m.sqrt(y), m.sqrt(z)
        shift = m.fma(c, a + b, a * b)
        total, rest = fast_two_sum(total, scale / (c * (z + shift)))
        x, y, z = 0.25 * (x + shift), 0.25 * (y + shift), 0.25 * (z + shift)
        mean = (x + y + 3.0 * z) * 0.2
        going = _largest(m, mean - x, mean - y, mean - z) > NEAR * mean
        return going, x, y, z, total, low + rest, 0.25 * scale

    zero = 0.0 * x
    x, y, z, total, low, scale = m.loop(step, (x, y, z, zero, zero, 1.0 + zero), TURNS)
    mean = (x + y + 3.0 * z) / 5.0
    u, v = (mean - x) / mean, (mean - y) / mean
    w = (u + v) * (-1.0 / 3.0)
    product, square = u * v, w * w
    e2, e3 = product - 6.0 * square, (3.0 * product - 8.0 * square) * w
    e4, e5 = 3.0 * (product - square) * square, product * w * square
    return m.fma(3.0, total, m.fma(3.0, low, scale * _rd_series(m, mean, e2, e3, e4, e5)))


def rc_of_one(m: Any, e: Any, one_more: Any) -> Any:
    """R_C(1, 1 + e), e > -1: atan(sqrt(e))/sqrt(e), or atanh for e < 0 (19.2.18, 19.2.19).

    ``one_more`` is 1 + e from elsewhere: near e = -1 it is what counts.
    """
    near = m.abs(e) < 0.01
    small = m.where(near, e, 0.0)
    series = 1.0 / 15.0
    for k in (13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0):
        series = 1.0 / k - small * series
    root = m.sqrt(m.where(near, 1.0, m.abs(e)))
    # atanh(r) = log(1 + 2 r/(1 - r))/2, and 1 - r = (1 + e)/(1 + r)
    below = m.where(e < 0.0, one_more, 1.0)
    atanh = 0.5 * m.log1p(2.0 * root * (1.0 + root) / below)
    return m.where(near, series, m.where(e > 0.0, m.atan(root), atanh) / root)


def rj(m: Any, x: Any, y: Any, z: Any, p: Any) -> Any:
    """R_J(x, y, z, p), 3/2 times the integral of 1/((t + p) sqrt((t + x)(t + y)(t + z))); p > 0."""
    distance = (p - x) * (p - y) * (p - z)

    def step(k: Any, x: Any, y: Any, z: Any, p: Any, total: Any, low: Any, scale: Any) -> Any:
        a, b, c, d = m.sqrt(x), m.sqrt(y), m.sqrt(z), m.sqrt(p)
        shift = m.fma(c, a + b, a * b)
        factor = (d + a) * (d + b) * (d + c)
        e = (scale * scale * scale) * distance / (factor * factor)
        one_more = 2.0 * d * (p + shift) / factor
        total, rest = fast_two_sum(total, scale / factor * rc_of_one(m, e, one_more))
        x, y, z, p = (0.25 * (value + shift) for value in (x, y, z, p))
        mean = (x + y + z + 2.0 * p) * 0.2
        far = m.max(_largest(m, mean - x, mean - y, mean - z), m.abs(mean - p))
        return far > NEAR * mean, x, y, z, p, total, low + rest, 0.25 * scale

    zero = 0.0 * x
    x, y, z, p, total, low, scale = m.loop(step, (x, y, z, p, zero, zero, 1.0 + zero), TURNS)
    mean = (x + y + z + 2.0 * p) / 5.0
    u, v, w = (mean - x) / mean, (mean - y) / mean, (mean - z) / mean
    q = -0.5 * (u + v + w)
    product, square = u * v * w, q * q
    e2 = u * v + (u + v) * w - 3.0 * square
    e3 = product + 2.0 * e2 * q + 4.0 * q * square
    e4 = (2.0 * product + e2 * q + 3.0 * q * square) * q
    series = _rd_series(m, mean, e2, e3, e4, product * square)
    return m.fma(6.0, total, m.fma(6.0, low, scale * series))
