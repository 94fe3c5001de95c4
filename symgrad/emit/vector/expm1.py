"""e**x - 1 of every lane, float64 and float32, within 1 ulp.

The largest errors seen: 0.97 ulp over some twenty million float64 arguments (near 37.8), 0.94 over
all float32 arguments between 2^-27 and the ends.

Method: x = k*ln 2 + r as for exp (``exponential.py``), and 2**k p + (2**k - 1) with p = e**r - 1.
The last step is one fused multiply-add, so that what counts is the rounding of p, which the sum
magnifies where it cancels: for k = 1 as soon as p < -1/4, for k = -1 as soon as p > 1/2, because
the result has a smaller exponent there than 2**k p. Hence k is not the integer nearest to x/ln 2:
e**r is kept between 3/4 and 3/2, and at both ends k = 0, which has no sum at all, is preferred.

The coefficients are our own: ``benchmarks/coefficients/exponential.py`` makes them and says how.
The error that each polynomial is left with stands beside it, and the tests measure it again.
"""

from __future__ import annotations

from llvmlite import ir

from symgrad.emit.vector.exponential import LN2_PARTS, ONE_OVER_LN2, between
from symgrad.emit.vector.lanes import Lanes

ENDS = {"float64": (-38.0, 710.0), "float32": (-18.0, 89.0)}
"""Below and above them expm1 is -1 and inf, by the same instructions."""

SHIFT = -0.084962500721156
NEARLY_ONE_OVER_LN2 = ONE_OVER_LN2 * (1.0 - 2.0**-20)
"""k is the integer nearest to x/ln 2 + SHIFT, where SHIFT is log2(sqrt(9/8)) below 0; the factor is
a little smaller so that at the ends, log2(3/4) and log2(3/2), k is 0."""

# fmt: off
POLYNOMIALS = {  # (expm1(r) - r - r^2/2)/r^3 in r, 3/4 <= exp(r) <= 3/2
    "float64": (  # 2^-55.4
        0.16666666666667282, 0.04166666666667466, 0.00833333333268407, 0.0013888888887111886,
        0.0001984127199490128, 2.4801576756059184e-05, 2.755444352207038e-06,
        2.758854964644227e-07, 2.6415372802314665e-08),
    "float32": (  # 2^-31.3
        0.16666670143604279, 0.04166658967733383, 0.008332042023539543, 0.0013917820760980248,
        0.00020942451374139637),
}
# fmt: on


def expm1(lanes: Lanes, x: ir.Value) -> ir.Value:
    """2 (2**(k-1) p + (2**(k-1) - 1/2)), halved so that 2**(k-1) is finite for every finite result.

    a = x - k*L0 is exact and p = a + (r^2/2 + r^3 P(r) - k*L1). 2**k - 1 is exact up to k = 53 (24
    in float32); further on the 1 counts in one place only, k = 54 (25), where it is half of the
    result's last place if r < 0: there p gets it. Where r^2 is 0, x is so small that it is the
    result, and half of it might not be a number.
    """
    builder, layout = lanes.builder, lanes.format
    given = x
    x = between(lanes, x, *ENDS[lanes.dtype])
    # The sum ends in the exponent field of 2**(k - 1).
    rounder = lanes.number(layout.rounder + layout.bias - 1)
    quotient = lanes.fma(x, lanes.number(NEARLY_ONE_OVER_LN2), lanes.number(SHIFT))
    shifted = builder.fadd(quotient, rounder)
    k = builder.fsub(shifted, rounder)
    field = builder.shl(lanes.as_bits(shifted), lanes.bits(layout.fraction_bits))
    power = lanes.as_real(field)
    whole = builder.fsub(power, lanes.number(0.5))

    last = layout.fraction_bits + 2  # k where the 1 is missing
    missing = builder.select(
        builder.fcmp_ordered("==", k, lanes.number(last)),
        lanes.number(-(2.0**-last)),
        lanes.number(0.0),
    )
    first, second = map(lanes.number, LN2_PARTS[lanes.dtype])
    minus_k = builder.fneg(k)
    a = lanes.fma(minus_k, first, x)
    tail = lanes.fma(minus_k, second, missing)
    r = builder.fadd(a, tail)
    square = builder.fmul(r, r)
    polynomial = lanes.polynomial(r, square, POLYNOMIALS[lanes.dtype])
    series = lanes.fma(square, lanes.number(0.5), tail)
    series = lanes.fma(builder.fmul(r, square), polynomial, series)
    result = lanes.fma(power, builder.fadd(a, series), whole)
    result = builder.fadd(result, result)
    tiny = builder.fcmp_ordered("==", square, lanes.number(0.0))
    return builder.select(tiny, given, result)
