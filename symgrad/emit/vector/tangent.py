"""tan of every lane, within 1 ulp for every argument.

The largest errors seen: in float64 0.85 ulp over some thirty million arguments of every scale, in
float32 0.90 ulp over all arguments.

With the rest r + t that ``reduction.py`` leaves of x and T = 2 tan((r + t)/2), which has no pole
near |r| <= pi/4 and so a short polynomial,

    tan(r + t) = T/(1 - T^2/4),    -1/tan(r + t) = (1 - T^2/4)/(-T)

the second in odd quadrants. T and the denominator are kept as sums of two numbers, so that only
the last addition rounds. The half-angle formula is NIST DLMF 4.21.28 (in another form).

The coefficients are our own: ``benchmarks/coefficients/trigonometric.py`` makes them and says how.
The relative error that each polynomial leaves stands beside it, and the tests measure it again.
"""

from __future__ import annotations

from llvmlite import ir

from symgrad.emit.vector.lanes import Lanes
from symgrad.emit.vector.reduction import of_rest

# fmt: off
TAN_POLYNOMIAL = {  # (2 tan(r/2)/r - 1)/r^2 in r^2, |r| <= pi/4
    "float64": (  # 2^-58.7
        0.08333333333333376, 0.008333333333305725, 0.000843253968869853, 8.542768286985034e-05,
        8.655544883187338e-06, 8.768307328595065e-07, 8.920593609946115e-08,
        8.531551614452234e-09, 1.2539879337819407e-09),
    "float32": (  # 2^-28.8
        0.08333323150873184, 0.008334930986166, 0.0008355362806469202, 9.985458746086806e-05)}
# fmt: on


def tan(lanes: Lanes, x: ir.Value) -> ir.Value:
    """The tangent of every lane, x in radians."""
    return of_rest(lanes, x, "tan", _of_rest)[0]


def _of_rest(
    lanes: Lanes, x: ir.Value, quadrant: ir.Value, r: ir.Value, tail: ir.Value
) -> list[ir.Value]:
    """tan(r + t) or -1/tan(r + t), with the sign of x.

    T = h + l with h rounded, D = 1 - T^2/4 = d + e likewise. The quotient (a + b)/(c + f) is
    q + (a - q*c + b - q*f)/c, q = a/c nearly.
    """
    builder = lanes.builder
    square = builder.fmul(r, r)
    fourth = builder.fmul(square, square)
    series = lanes.polynomial(square, fourth, TAN_POLYNOMIAL[lanes.dtype])
    rest = lanes.fma(builder.fmul(r, square), series, tail)
    h = builder.fadd(r, rest)
    low = builder.fadd(builder.fsub(r, h), rest)
    one = lanes.number(1.0)
    minus_quarter = builder.fmul(h, lanes.number(-0.25))
    d = lanes.fma(minus_quarter, h, one)
    lost = lanes.fma(minus_quarter, h, builder.fsub(one, d))
    lost = lanes.fma(minus_quarter, builder.fadd(low, low), lost)

    odd = builder.icmp_unsigned("!=", builder.and_(quadrant, lanes.bits(1)), lanes.bits(0))
    above, above_low = builder.select(odd, d, h), builder.select(odd, lost, low)
    below, below_low = builder.select(odd, h, d), builder.select(odd, low, lost)
    inverse = builder.fdiv(one, below)
    q = builder.fmul(above, inverse)
    minus_q = builder.fneg(q)
    lost = lanes.fma(minus_q, below_low, above_low)
    remainder = builder.fadd(lanes.fma(minus_q, below, above), lost)
    result = lanes.fma(remainder, inverse, q)
    turned = builder.shl(quadrant, lanes.bits(lanes.format.bits - 1))
    return [lanes.as_real(builder.xor(lanes.as_bits(result), builder.xor(turned, lanes.sign(x))))]
