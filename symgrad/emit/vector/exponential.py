"""e**x of every lane, float64, within 1 ulp, subnormal results included.

The largest errors seen over some twenty million arguments (``benchmarks/vector_math.py``): 0.72 and
0.79 ulp where the result is subnormal.

Method (Cody and Waite, *Software Manual for the Elementary Functions*, 1980; Tang, ACM TOMS 15,
1989): a multiple of ln 2 is taken away in two parts, the first of them exactly, because a product
inside a fused multiply-add is not rounded; the rest is a polynomial, and what roundings lost on the
way is added back to its small terms.

The coefficients are our own: a minimax polynomial by the Remez exchange in 60-digit arithmetic
(mpmath), 1 + r + r^2/2 kept fixed, the error relative. The error that it is left with stands beside
it, and the tests measure it again.
"""

from __future__ import annotations

from llvmlite import ir

from symgrad.emit.vector.lanes import Lanes

# ln 2 in 53 + 53 bits.
LN2 = (float.fromhex("0x1.62e42fefa39efp-1"), float.fromhex("0x1.abc9e3b39803fp-56"))
ONE_OVER_LN2 = float.fromhex("0x1.71547652b82fep+0")
EXP_HIGHEST, EXP_LOWEST = 710.0, -746.0  # beyond them exp is inf and 0

# fmt: off
EXP_POLYNOMIAL = (  # (exp(r) - 1 - r)/r^2 in r, |r| <= ln(2)/2: 2^-57.2
    0.5, 0.16666666666666433, 0.041666666666604, 0.008333333333499917, 0.0013888888926778607,
    0.000198412694664254, 2.4801508706755843e-05, 2.7557640742311344e-06,
    2.762517647016652e-07, 2.497839774151907e-08)
# fmt: on


def exp(lanes: Lanes, x: ir.Value) -> ir.Value:
    """e**x = 2**k e**r with k the integer nearest to x/ln 2 and r = x - k*ln 2.

    a = x - k*L0 is exact, r = a - k*L1, and the terms are added from s = 1 + a and what that lost:
    e**r = s + (r^2 E(r) + ((a - (s - 1)) - k*L1)). 2**k is applied in two halves, so that a result
    may be subnormal or infinite; only the last product can round.
    """
    builder = lanes.builder
    high, low = lanes.number(EXP_HIGHEST), lanes.number(EXP_LOWEST)
    x = builder.select(builder.fcmp_ordered("<", high, x), high, x)  # nan stays
    x = builder.select(builder.fcmp_ordered(">", low, x), low, x)
    bits, k = lanes.nearest(x, ONE_OVER_LN2)
    minus_k = builder.fneg(k)
    a = lanes.fma(minus_k, lanes.number(LN2[0]), x)
    r = lanes.fma(minus_k, lanes.number(LN2[1]), a)
    one = lanes.number(1.0)
    s = builder.fadd(a, one)
    lost = lanes.fma(minus_k, lanes.number(LN2[1]), builder.fsub(a, builder.fsub(s, one)))
    square = builder.fmul(r, r)
    series = lanes.fma(square, lanes.polynomial(r, square, EXP_POLYNOMIAL), lost)
    mantissa = builder.fadd(s, series)

    # Biased, k + 2046 is positive; its upper half and the rest are two exponent fields.
    biased = builder.add(bits, lanes.bits(2046))
    exponent = lanes.bits(lanes.format.exponent_mask)
    upper = builder.and_(builder.shl(biased, lanes.bits(51)), exponent)
    lower = builder.sub(builder.shl(biased, lanes.bits(52)), upper)
    return builder.fmul(builder.fmul(mantissa, lanes.as_real(upper)), lanes.as_real(lower))
