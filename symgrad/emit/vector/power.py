"""x**y of every lane within 1 ulp, with the special values of C99 (annex F.9.4.4).

x**y = e**(y log|x|), with the sign of x where y is odd. An error of the logarithm is multiplied by
up to 745, so it is computed as a sum of two numbers, good to 2^-65 in float64 and 2^-35 in float32:
with |x| = 2**k m as in ``logarithm.py`` and s + s' = (m - 1)/(m + 1),

    log|x| = k*ln 2 + 2(s + s') + t + t'        t + t' = s z (2/3 + z Q(z)),  z = s^2

s' is what rounding the quotient lost; the products of t are kept with their rounding errors but for
that of Q, whose term is below 2^-12 of the sum. The product with y is a sum of two numbers again,
and the exponential takes both (``exponential.py``).

The largest errors seen over some twenty million pairs in float64 and forty million in float32,
with results of every size: 0.81 ulp in both. Special values are those of glibc for all pairs of
some ninety numbers.

The coefficients are our own: ``benchmarks/coefficients/logarithm.py`` makes them and says how.
"""

from __future__ import annotations

from llvmlite import ir

from symgrad.emit.vector.exponential import (
    EXP_ENDS,
    EXP_POLYNOMIALS,
    LN2_PARTS,
    ONE_OVER_LN2,
    between,
    scaled,
)
from symgrad.emit.vector.lanes import Lanes
from symgrad.emit.vector.logarithm import NATURAL, split

# fmt: off
POWER_POLYNOMIAL = {  # ((log((1+s)/(1-s))/s - 2)/z - 2/3)/z in z = s^2, |s| <= 3 - sqrt(8)
    "float64": (  # 2^-73.4 of the logarithm
        0.3999999999999998, 0.28571428571443835, 0.22222222217791945, 0.1818181884364773,
        0.15384558455887656, 0.13336263335981685, 0.11675806016832557, 0.11981532189864486),
    "float32": (0.40000152587890625, 0.2854708433151245, 0.23419827222824097),  # 2^-36.7
}
TWO_THIRDS = {
    "float64": (float.fromhex("0x1.5555555555555p-1"), float.fromhex("0x1.5555555555555p-55")),
    "float32": (float.fromhex("0x1.555556p-1"), float.fromhex("-0x1.555556p-26")),
}
# fmt: on
LARGEST = {"float64": (2.0 - 2.0**-52) * 2.0**1023, "float32": (2.0 - 2.0**-23) * 2.0**127}


def pow(lanes: Lanes, x: ir.Value, y: ir.Value) -> ir.Value:
    """x**y: 1 for y = 0 and for x = 1, nan for x < 0 unless y is an integer or infinite."""
    builder = lanes.builder
    infinity = lanes.number(float("inf"))
    size = lanes.size(x)
    high, low = _logarithm(lanes, size)
    high = builder.select(builder.fcmp_unordered(">=", size, infinity), size, high)
    at_zero = builder.fcmp_ordered("==", x, lanes.number(0.0))
    high = builder.select(at_zero, lanes.number(float("-inf")), high)

    exponent = finite_exponent(lanes, y)
    product = builder.fmul(exponent, high)
    rest = lanes.fma(exponent, low, lanes.fma(exponent, high, builder.fneg(product)))
    return completed(lanes, _exponential(lanes, product, rest), x, y, exponent)


def finite_exponent(lanes: Lanes, y: ir.Value) -> ir.Value:
    """y, or where it is infinite an even integer, whose product with log 1 is 0."""
    largest = LARGEST[lanes.dtype]
    return between(lanes, y, -largest, largest)


def completed(
    lanes: Lanes, result: ir.Value, x: ir.Value, y: ir.Value, exponent: ir.Value
) -> ir.Value:
    """x**y where ``result`` is |x|**y and ``exponent`` is y made finite."""
    builder = lanes.builder
    zero, one = lanes.number(0.0), lanes.number(1.0)
    # y is even where half of it is an integer; the rest of an odd one is +-1.
    big = lanes.number(2.0**lanes.format.fraction_bits)
    length = lanes.size(exponent)
    half = builder.fsub(lanes.fma(length, lanes.number(0.5), big), big)
    rest = lanes.size(lanes.fma(half, lanes.number(-2.0), length))
    odd = builder.fcmp_ordered("==", rest, one)
    broken = builder.and_(
        builder.fcmp_ordered("!=", rest, zero), builder.fcmp_ordered("<", rest, one)
    )
    sign = builder.select(odd, lanes.sign(x), lanes.bits(0))
    result = lanes.as_real(builder.or_(lanes.as_bits(result), sign))
    negative = builder.and_(
        builder.fcmp_ordered("<", x, zero),
        builder.fcmp_ordered(">", x, lanes.number(float("-inf"))),
    )
    undefined = builder.and_(negative, broken)
    result = builder.select(undefined, lanes.number(float("nan")), result)
    is_one = builder.or_(builder.fcmp_ordered("==", x, one), builder.fcmp_ordered("==", y, zero))
    return builder.select(is_one, one, result)


def _logarithm(lanes: Lanes, size: ir.Value) -> tuple[ir.Value, ir.Value]:
    """The logarithm of positive numbers as a sum of two."""
    builder = lanes.builder
    k, m, _ = split(lanes, size)
    one = lanes.number(1.0)
    f = builder.fsub(m, one)
    d = builder.fadd(m, one)
    d_low = builder.fsub(m, builder.fsub(d, one))
    reciprocal = builder.fdiv(one, d)
    s = builder.fmul(f, reciprocal)
    minus_s = builder.fneg(s)
    s_low = lanes.fma(minus_s, d_low, lanes.fma(minus_s, d, f))
    s_low = builder.fmul(s_low, reciprocal)
    twice = builder.fadd(s, s)

    z = builder.fmul(s, s)
    z_low = lanes.fma(twice, s_low, lanes.fma(s, s, builder.fneg(z)))
    first, second = (lanes.number(value) for value in TWO_THIRDS[lanes.dtype])
    # The constant is added last: an error of the series counts most.
    constant, *others = POWER_POLYNOMIAL[lanes.dtype]
    series = lanes.polynomial(z, builder.fmul(z, z), others)
    series = lanes.fma(z, series, lanes.number(constant))
    p = lanes.fma(z, series, first)
    p_low = lanes.fma(z, series, builder.fsub(first, p))
    p_low = builder.fadd(p_low, lanes.fma(z_low, series, second))
    c = builder.fmul(s, z)
    c_low = lanes.fma(s, z_low, lanes.fma(s_low, z, lanes.fma(s, z, builder.fneg(c))))
    t = builder.fmul(c, p)
    t_low = lanes.fma(c, p_low, lanes.fma(c_low, p, lanes.fma(c, p, builder.fneg(t))))

    # The larger one is first in every sum, so what it loses is known exactly.
    short, long = (lanes.number(value) for value in NATURAL[lanes.dtype].two)
    total = lanes.fma(k, short, twice)
    lost = builder.fadd(twice, lanes.fma(k, short, builder.fneg(total)))
    high = builder.fadd(total, t)
    lost = builder.fadd(lost, builder.fsub(t, builder.fsub(high, total)))
    low = lanes.fma(s_low, lanes.number(2.0), t_low)
    return high, builder.fadd(lost, lanes.fma(k, long, low))


def _exponential(lanes: Lanes, x: ir.Value, rest: ir.Value) -> ir.Value:
    """e**(x + rest), rounded once; ``rest`` does not count where x is beyond every result."""
    builder = lanes.builder
    lowest, highest = EXP_ENDS[lanes.dtype]
    inside = builder.fcmp_ordered("<", lanes.size(x), lanes.number(-lowest))
    rest = builder.select(inside, rest, lanes.number(0.0))
    x = between(lanes, x, lowest, highest)
    first, second = (lanes.number(value) for value in LN2_PARTS[lanes.dtype])
    bits, k = lanes.nearest(x, ONE_OVER_LN2)
    minus_k = builder.fneg(k)
    a = lanes.fma(minus_k, first, x)
    rest = lanes.fma(minus_k, second, rest)
    r = builder.fadd(a, rest)
    one = lanes.number(1.0)
    s = builder.fadd(a, one)
    lost = builder.fadd(rest, builder.fsub(a, builder.fsub(s, one)))
    square = builder.fmul(r, r)
    series = lanes.polynomial(r, square, EXP_POLYNOMIALS[lanes.dtype])
    return scaled(lanes, builder.fadd(s, lanes.fma(square, series, lost)), bits)
