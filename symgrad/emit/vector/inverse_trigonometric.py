"""atan, atan2, asin and acos of every lane, within 1 ulp for every argument.

The largest errors seen, in float64 over some twenty million arguments of every scale (atan2: over
forty million), in float32 over all arguments (atan2: over sixty million): atan 0.75 and 0.73 ulp,
atan2 0.86 and 0.87, asin 0.77 and 0.73, acos 0.74 and 0.70.

atan and atan2: the angle opposite the side a of a right-angled triangle with the other side b is

    atan(a/b)                       for a <= b/2
    pi/4 + atan((a - b)/(a + b))    for b/2 < a < 2b, where a - b is exact (Sterbenz)
    pi/2 + atan(-b/a)               for 2b <= a

so that one polynomial for |z| <= 1/2 does: atan(z) = z + z^3 A(z^2). In the left half-plane it is
pi minus that; all angles are k*pi/4 + atan(z) with k from 0 to 4. What the quotient z loses is
its remainder divided by the denominator, for which the difference of bits is good enough (5
percent; see Blinn, *Floating-point tricks*, 1997). NIST DLMF 4.24.15.

asin and acos: |x| <= 1/2 goes into asin(x) = x + x^3 B(x^2), a larger one through
asin(x) = pi/2 - 2 asin(q) with q = sqrt((1 - x)/2), where 1 - x is exact and q is taken with
its remainder; acos(x) = pi/2 - asin(x). NIST DLMF 4.23.

The coefficients are our own: ``benchmarks/coefficients/trigonometric.py`` makes them and says how.
The relative error that each polynomial leaves stands beside it, and the tests measure it again.
"""

from __future__ import annotations

from collections.abc import Sequence

from llvmlite import ir

from symgrad.emit.vector.hypot import half_of_one_over_root, outside, power_apart
from symgrad.emit.vector.lanes import FORMATS, Lanes
from symgrad.emit.vector.rare import replaced

# fmt: off
ATAN_POLYNOMIAL = {  # (atan(z)/z - 1)/z^2 in z^2, |z| <= 1/2
    "float64": (  # 2^-57.7
        -0.3333333333333298, 0.1999999999990311, -0.14285714276385905, 0.111111106596433,
        -0.09090896245157025, 0.07692073923618635, -0.06663810773056757, 0.05858300212614278,
        -0.05122012349206262, 0.041865242037174795, -0.027435282401098954, 0.010117084048248858),
    "float32": (  # 2^-31.7
        -0.333333283662796, 0.19999554753303528, -0.14273107051849365, 0.10948410630226135,
        -0.08009076118469238, 0.0390421524643898)}
ASIN_POLYNOMIAL = {  # (asin(z)/z - 1)/z^2 in z^2, |z| <= 1/2
    "float64": (  # 2^-55.8
        0.16666666666665408, 0.07500000000337144, 0.044642856828213444, 0.030381959141959552,
        0.022371757925696314, 0.017359706710301695, 0.01388521564641429, 0.01216934539896347,
        0.006527381622554665, 0.019529930226043803, -0.016226926828738848, 0.03191414262968117),
    "float32": (  # 2^-27.6
        0.16666752099990845, 0.074953094124794, 0.04546914994716644, 0.024184782058000565,
        0.04215829074382782)}
# fmt: on

# pi/4 in two parts.
QUARTER_PI = {
    "float64": (float.fromhex("0x1.921fb54442d18p-1"), float.fromhex("0x1.1a62633145c07p-55")),
    "float32": (float.fromhex("0x1.921fb6p-1"), float.fromhex("-0x1.777a5cp-26")),
}

INVERSE_MAGIC = {
    name: ((20 * layout.bias - 1) << layout.fraction_bits) // 10 for name, layout in FORMATS.items()
}
"""Its difference with the bits of a number is near the bits of the inverse.

For x = 1 + m that is (2 - m - 1/10)/2 or a little more, which times x is between 0.95 and 1.052."""

ORDINARY = {"float64": (2.0**-900, 2.0**900), "float32": (2.0**-80, 2.0**80)}
"""Between them neither the longer side's double nor its inverse overflows or underflows."""


def atan(lanes: Lanes, x: ir.Value) -> ir.Value:
    """The arc tangent of every lane; pi/2 with the sign of x for infinities."""
    builder = lanes.builder
    enough = lanes.number(2.0 ** (lanes.format.fraction_bits + 8))
    size = lanes.size(x)
    size = builder.select(builder.fcmp_ordered("<", enough, size), enough, size)
    flat = builder.fcmp_unordered("<", size, lanes.number(2.0))
    steep = builder.fcmp_unordered(">", size, lanes.number(0.5))
    angle = _angle(lanes, size, lanes.number(1.0), flat, steep)
    return lanes.as_real(builder.xor(lanes.as_bits(angle), lanes.sign(x)))


def atan2(lanes: Lanes, y: ir.Value, x: ir.Value) -> ir.Value:
    """The angle of the point (x, y), from -pi to pi; zeros and infinities as C99 has them."""
    builder = lanes.builder
    height, width = lanes.size(y), lanes.size(x)
    large = builder.select(builder.fcmp_ordered(">", height, width), height, width)
    lowest, highest = ORDINARY[lanes.dtype]
    where = outside(lanes, large, lowest, highest)
    result = _of_point(lanes, y, height, x, width)
    return replaced(lanes, where, "atan2", _of_any_point, [y, x], [result])[0]


def _of_any_point(lanes: Lanes, y: ir.Value, x: ir.Value) -> list[ir.Value]:
    """The angle of any point.

    Both sides are multiplied by a power of two that brings the larger one near 1, or, if it is
    infinite, become 1 (infinite) and 0 (finite). At the origin the width becomes positive.
    """
    builder = lanes.builder
    one, zero, infinity = (lanes.number(value) for value in (1.0, 0.0, float("inf")))
    sides = lanes.size(y), lanes.size(x)
    larger = builder.icmp_signed(">", *map(lanes.as_bits, sides))  # nan is above infinity
    large = builder.select(larger, *sides)
    scale, _ = power_apart(lanes, lanes.as_bits(large))
    endless = builder.fcmp_ordered("==", large, infinity)
    scaled = []
    for side in sides:
        limit = builder.select(builder.fcmp_ordered("<", side, infinity), zero, one)
        scaled.append(builder.select(endless, limit, builder.fmul(side, scale)))
    height, width = scaled
    origin = builder.fcmp_ordered("==", large, zero)
    width = builder.select(origin, one, width)
    return [_of_point(lanes, y, height, x, width)]


def _of_point(
    lanes: Lanes, y: ir.Value, height: ir.Value, x: ir.Value, width: ir.Value
) -> ir.Value:
    """The angle of (width, height) in the quadrant of (x, y)."""
    builder = lanes.builder
    flat = builder.fcmp_unordered("<", height, builder.fadd(width, width))
    steep = builder.fcmp_unordered(">", builder.fadd(height, height), width)
    angle = _angle(lanes, height, width, flat, steep, x)
    return lanes.as_real(builder.xor(lanes.as_bits(angle), lanes.sign(y)))


def _angle(
    lanes: Lanes,
    height: ir.Value,
    width: ir.Value,
    flat: ir.Value,
    steep: ir.Value,
    x: ir.Value | None = None,
) -> ir.Value:
    """The angle of (width, height), both positive, or pi minus it where x is negative.

    The denominator is d = u + v and loses v - (d - u), where u and v are the sides or 0. If both
    are sides, d - u may itself be rounded, but then by at most 2^-2 of a last place of d.
    """
    builder = lanes.builder
    zero, one, two = (lanes.number(value) for value in (0.0, 1.0, 2.0))
    u = builder.select(flat, width, zero)
    below = builder.select(steep, builder.fadd(u, height), u)
    lost = builder.select(steep, builder.fsub(height, builder.fsub(below, u)), zero)
    above = builder.select(flat, height, zero)
    above = builder.select(steep, builder.fsub(above, width), above)
    quarters = builder.select(flat, builder.select(steep, one, zero), two)
    if x is not None:
        above = lanes.as_real(builder.xor(lanes.as_bits(above), lanes.sign(x)))
        left = builder.icmp_signed("<", lanes.as_bits(x), lanes.bits(0))
        quarters = builder.select(left, builder.fsub(lanes.number(4.0), quarters), quarters)
    z = builder.fdiv(above, below)
    minus_z = builder.fneg(z)
    rest = lanes.fma(minus_z, lost, lanes.fma(minus_z, below, above))
    magic = lanes.bits(INVERSE_MAGIC[lanes.dtype])
    inverse = lanes.as_real(builder.sub(magic, lanes.as_bits(below)))
    rest = builder.fmul(rest, inverse)
    square = builder.fmul(z, z)
    return _total(lanes, quarters, z, square, rest, ATAN_POLYNOMIAL[lanes.dtype])


def asin(lanes: Lanes, x: ir.Value) -> ir.Value:
    """The arc sine of every lane, from -pi/2 to pi/2; nan beyond 1."""
    builder = lanes.builder
    size = lanes.size(x)
    far, z, square, rest = _chord(lanes, size)
    z = builder.select(far, builder.fneg(z), size)
    quarters = builder.select(far, lanes.number(2.0), lanes.number(0.0))
    angle = _total(lanes, quarters, z, square, builder.fneg(rest), ASIN_POLYNOMIAL[lanes.dtype])
    return lanes.as_real(builder.xor(lanes.as_bits(angle), lanes.sign(x)))


def acos(lanes: Lanes, x: ir.Value) -> ir.Value:
    """The arc cosine of every lane, from 0 to pi; nan beyond 1."""
    builder = lanes.builder
    far, z, square, rest = _chord(lanes, lanes.size(x))
    sign = lanes.sign(x)
    z = lanes.as_real(builder.xor(lanes.as_bits(z), sign))
    z = builder.select(far, z, builder.fneg(x))
    rest = lanes.as_real(builder.xor(lanes.as_bits(rest), sign))
    left = builder.icmp_signed("<", lanes.as_bits(x), lanes.bits(0))
    quarters = builder.select(left, lanes.number(4.0), lanes.number(0.0))
    quarters = builder.select(far, quarters, lanes.number(2.0))
    return _total(lanes, quarters, z, square, rest, ASIN_POLYNOMIAL[lanes.dtype])


def _chord(lanes: Lanes, size: ir.Value) -> tuple[ir.Value, ir.Value, ir.Value, ir.Value]:
    """(whether size > 1/2, 2q, the square for the polynomial, what 2q lost, 0 where it is not)."""
    builder = lanes.builder
    half = lanes.number(0.5)
    far = builder.fcmp_ordered(">", size, half)
    s = lanes.fma(size, lanes.number(-0.5), half)
    q = lanes.intrinsic("sqrt", s)
    rest = lanes.fma(builder.fneg(q), q, s)
    inverse = half_of_one_over_root(lanes, s)
    rest = builder.fmul(builder.fadd(rest, rest), inverse)
    rest = builder.select(far, rest, lanes.number(0.0))
    square = builder.select(far, s, builder.fmul(size, size))
    return far, builder.fadd(q, q), square, rest


def _total(
    lanes: Lanes,
    quarters: ir.Value,
    z: ir.Value,
    square: ir.Value,
    rest: ir.Value,
    polynomial: Sequence[float],
) -> ir.Value:
    """quarters*pi/4 + z + z^3 P(z^2) + rest, where only small terms are rounded before the end."""
    builder = lanes.builder
    high, low = (lanes.number(value) for value in QUARTER_PI[lanes.dtype])
    series = lanes.polynomial(square, builder.fmul(square, square), polynomial)
    rest = lanes.fma(builder.fmul(z, square), series, rest)
    total = lanes.fma(quarters, high, z)
    lost = builder.fadd(lanes.fma(quarters, high, builder.fneg(total)), z)
    rest = lanes.fma(quarters, low, builder.fadd(rest, lost))
    return builder.fadd(total, rest)
