"""sinh, cosh and tanh of every lane, float64 and float32, within 1 ulp.

The largest errors seen over some twenty million float64 arguments: sinh 0.96, cosh 0.95, tanh 0.86;
over all float32 arguments between 2^-27 and the ends: sinh 0.98, cosh 0.99, tanh 0.89.

sinh, cosh: with |x| = k*ln 2 + r as for exp (``exponential.py``), S = sinh r, C = cosh r,
A = 2**(k-1) - 2**(-k-1) and B = 2**(k-1) + 2**(-k-1),

    sinh |x| = A C + B S        cosh x = B C + A S

(NIST DLMF 4.35.1, 4.35.2), so that nothing is divided and one power of 2 serves both. A and B are
exact where |k| <= 26 (11 in float32); what they lose at the next k is added to the small terms.

tanh: with m = expm1(-2|x|)/2, tanh |x| = -m/(1 + m). m is a sum of two numbers and 1 + m is between
1/2 and 1, so that the quotient can be corrected by its remainder, and only the correction rounds.

The coefficients are our own: ``benchmarks/coefficients/exponential.py`` makes them and says how.
The error that each polynomial is left with stands beside it, and the tests measure it again.
"""

from __future__ import annotations

from typing import NamedTuple

from llvmlite import ir

from symgrad.emit.vector.exponential import LN2_PARTS, ONE_OVER_LN2
from symgrad.emit.vector.lanes import Lanes

HIGHEST = {"float64": 710.6, "float32": 89.5}
"""Above it sinh and cosh are infinite."""

TANH_HIGHEST = {"float64": 20.0, "float32": 10.0}
"""Above it tanh is 1."""

TINY = {"float64": 2.0**-30, "float32": 2.0**-14}
"""Below it sinh x is x."""

# fmt: off
SINH_POLYNOMIALS = {  # (sinh(r) - r)/r^3 in r^2, |r| <= ln(2)/2
    "float64": (  # 2^-61.7
        0.16666666666666677, 0.008333333333321376, 0.00019841269886868045, 2.755724337446346e-06,
        2.5109356136832843e-08),
    "float32": (0.1666654348373413, 0.008366534486413002),  # 2^-26.2
}
COSH_POLYNOMIALS = {  # (cosh(r) - 1 - r^2/2)/r^4 in r^2, |r| <= ln(2)/2
    "float64": (  # 2^-57.3
        0.04166666666660369, 0.0013888888926910877, 2.4801508537098843e-05,
        2.7625244222297625e-07),
    "float32": (0.041666459292173386, 0.0013935453025624156),  # 2^-33.2
}
TANH_POLYNOMIALS = {  # (expm1(2r)/2 - r)/r^2 in r, |r| <= ln(2)/4
    "float64": (  # 2^-61.6
        1.0, 0.6666666666666671, 0.33333333333333354, 0.13333333333314834, 0.04444444444443646,
        0.012698412726625466, 0.0031746031738794783, 0.0007054654772786636,
        0.00014109345193091317, 2.5711255928650005e-05, 4.2799676435162955e-06),
    "float32": (  # 2^-31.1
        1.0, 0.6666666269302368, 0.3333319425582886, 0.13333675265312195, 0.044583454728126526,
        0.012646663933992386),
}
# fmt: on


class Parts(NamedTuple):
    """What sinh and cosh are made of, all halved but S and C."""

    a: ir.Value
    """x - k*ln 2, but for what the first part of ln 2 lacks."""

    r: ir.Value
    sine: ir.Value
    """S - a."""

    cosine: ir.Value
    """C - 1."""

    difference: tuple[ir.Value, ir.Value]
    """A, and what its rounding lost."""

    total: tuple[ir.Value, ir.Value]
    """The same of B."""


def sinh(lanes: Lanes, x: ir.Value) -> ir.Value:
    """A C + B S with the sign of x; x itself where it is so small that half of it is no number."""
    builder = lanes.builder
    size = lanes.size(x)
    parts = _parts(lanes, size)
    result = _sum(lanes, parts, parts.difference, parts.total)
    tiny = builder.fcmp_ordered("<", size, lanes.number(TINY[lanes.dtype]))
    return lanes.signed(builder.select(tiny, size, result), x)


def cosh(lanes: Lanes, x: ir.Value) -> ir.Value:
    """B C + A S."""
    parts = _parts(lanes, lanes.size(x))
    return _sum(lanes, parts, parts.total, parts.difference)


def _parts(lanes: Lanes, size: ir.Value) -> Parts:
    """The reduction, both polynomials, A and B."""
    builder, layout = lanes.builder, lanes.format
    size = lanes.at_most(size, HIGHEST[lanes.dtype])
    # The sum ends in the exponent field of 2**(k - 2).
    rounder = lanes.number(layout.rounder + layout.bias - 2)
    shifted = lanes.fma(size, lanes.number(ONE_OVER_LN2), rounder)
    k = builder.fsub(shifted, rounder)
    field = builder.shl(lanes.as_bits(shifted), lanes.bits(layout.fraction_bits))
    first, second = map(lanes.number, LN2_PARTS[lanes.dtype])
    minus_k = builder.fneg(k)
    a = lanes.fma(minus_k, first, size)
    tail = builder.fmul(minus_k, second)
    r = builder.fadd(a, tail)
    square = builder.fmul(r, r)
    fourth = builder.fmul(square, square)
    cube = builder.fmul(r, square)
    sine = lanes.fma(cube, lanes.polynomial(square, fourth, SINH_POLYNOMIALS[lanes.dtype]), tail)
    cosine = lanes.polynomial(square, fourth, COSH_POLYNOMIALS[lanes.dtype])
    cosine = lanes.fma(fourth, cosine, builder.fmul(square, lanes.number(0.5)))

    power = lanes.as_real(field)
    # The exponent fields of 2**(k - 2) and 2**(-k - 2) sum to that of 2**-4; below 0 it is 0.
    other = builder.sub(lanes.bits((2 * layout.bias - 4) << layout.fraction_bits), field)
    none = lanes.bits(0)
    inverse = lanes.as_real(builder.select(builder.icmp_signed(">", other, none), other, none))
    less, more = builder.fsub(power, inverse), builder.fadd(power, inverse)
    lost_less = builder.fsub(builder.fsub(power, less), inverse)
    lost_more = builder.fsub(inverse, builder.fsub(more, power))
    return Parts(a, r, sine, cosine, (less, lost_less), (more, lost_more))


def _sum(
    lanes: Lanes,
    parts: Parts,
    even: tuple[ir.Value, ir.Value],
    odd: tuple[ir.Value, ir.Value],
) -> ir.Value:
    """even*C + odd*S, doubled: the two large terms last, the product of one of them unrounded."""
    builder = lanes.builder
    small = lanes.fma(odd[1], parts.r, even[1])
    small = lanes.fma(even[0], parts.cosine, small)
    small = lanes.fma(odd[0], parts.sine, small)
    result = builder.fadd(even[0], lanes.fma(odd[0], parts.a, small))
    return builder.fadd(result, result)


def tanh(lanes: Lanes, x: ir.Value) -> ir.Value:
    """-m/(1 + m) with the sign of x, m = expm1(-2|x|)/2 = (2**k - 1)/2 + 2**k (a + r^2 P(r) - ...).

    m = high + low. The quotient q = high/(1 + high) has the remainder high - q - q*high, where the
    difference is exact (Sterbenz) and the product unrounded; low*(1 - q) goes with it.
    """
    builder, layout = lanes.builder, lanes.format
    size = lanes.at_most(lanes.size(x), TANH_HIGHEST[lanes.dtype])
    # The sum ends in the exponent field of 2**k.
    rounder = lanes.number(layout.rounder + layout.bias)
    shifted = lanes.fma(size, lanes.number(-2.0 * ONE_OVER_LN2), rounder)
    k = builder.fsub(shifted, rounder)
    power = lanes.as_real(builder.shl(lanes.as_bits(shifted), lanes.bits(layout.fraction_bits)))
    first, second = (lanes.number(part / 2) for part in LN2_PARTS[lanes.dtype])
    minus_k = builder.fneg(k)
    a = lanes.fma(minus_k, first, builder.fneg(size))
    tail = builder.fmul(minus_k, second)
    r = builder.fadd(a, tail)
    square = builder.fmul(r, r)
    series = lanes.fma(square, lanes.polynomial(r, square, TANH_POLYNOMIALS[lanes.dtype]), tail)

    half, one = lanes.number(0.5), lanes.number(1.0)
    whole = lanes.fma(power, half, builder.fneg(half))
    lost = lanes.fma(power, half, builder.fneg(builder.fadd(whole, half)))
    top = lanes.fma(power, a, whole)
    lost = builder.fadd(lanes.fma(power, a, builder.fsub(whole, top)), lost)
    small = lanes.fma(power, series, lost)
    high = builder.fadd(top, small)
    low = builder.fsub(small, builder.fsub(high, top))

    inverse = builder.fdiv(one, builder.fadd(high, one))
    minus_quotient = builder.fmul(builder.fneg(high), inverse)
    remainder = lanes.fma(minus_quotient, high, builder.fadd(high, minus_quotient))
    remainder = builder.fadd(remainder, lanes.fma(minus_quotient, low, low))
    quotient = lanes.fma(builder.fneg(remainder), inverse, minus_quotient)
    return lanes.signed(lanes.size(quotient), x)
