"""erfc of every lane, float64 and float32, within 1 ulp, subnormal results included.

The largest errors seen: in float64 0.93 ulp over some eleven million arguments (near 26.55, where
the result is subnormal; 0.88 elsewhere), in float32 0.86 ulp over all arguments.

erfc(x) = exp(-x^2) erfcx(x) for x >= 0, and 2 minus that of -x for x < 0 (NIST DLMF 7.2.2, 7.12.1).

exp: what rounding x^2 loses is known by a fused multiply-add, and the rest is as in
``exponential.py``, but the last sum, s + t, is not rounded.

erfcx: with z = 1/(x + 2), erfcx(x) = z m(z), where m falls from 2 at x = 0 to about 0.6. Below a
border and beyond it

    m(z) = m0 + m1 w + w^2 S(w),    w = z - c

of which the line is kept with its rounding error, and w^2 S is small. What z lacks, z e, changes
z m(z) by z e (m + z m'), where m' = m1 + 2 s0 w will do. Both factors, exp and erfcx, are sums of
two numbers, so that only the last sum rounds by as much as half an ulp.

The coefficients are our own: ``benchmarks/coefficients/interval.py`` makes them and says how. The
relative error that each polynomial is left with stands beside it, and the tests measure it again.
"""

from __future__ import annotations

from llvmlite import ir

from symgrad.emit.vector.exponential import EXP_POLYNOMIALS, LN2_PARTS, ONE_OVER_LN2
from symgrad.emit.vector.lanes import Lanes

HIGHEST = {"float64": 27.3, "float32": 10.2}
"""From it on erfc is 0."""

POLE = 2.0
BORDER = {"float64": 1.75, "float32": 1.5}

LIFT = {"float64": 600, "float32": 64}
"""A result is made 2**LIFT times too large: only the last product rounds if it is subnormal."""

# fmt: off
INTERVALS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    # Below the border and beyond: c, m0, m1, s0, s1, ...
    "float64": (
        (  # 2^-62.5
         0.3830080032348633, 1.4698454474735, 4.003163558440741, 4.7265461244263545,
         -1.120166269785238, -6.296791568521025, 3.609353902234961, 8.59340654801556,
         -14.118223216777215, -2.0887299296447197, 32.39453116546634, -40.629992463998455,
         -12.385215992619644, 117.29633064220465, -175.69923031844502, 28.886496318119605,
         412.98503652253805, -909.3420283026693, 398.3803603968906, 1435.6610959844047),
        (  # 2^-58.3
         0.1501016616821289, 0.7888257172515026, 1.9430959005395902, 3.5239268449204397,
         3.6875711433432197, -1.034282769955736, -9.43850693586412, -4.997653090636182,
         26.864559684285826, 26.91196804225651, -102.77114841408654, -107.17885529521381,
         508.65679999552304, 299.73843568597084, -2882.4057745225605, 579.4068467307394,
         16039.806758561526, -18713.77832926508, -64856.25341637871, 136918.5551977746),
    ),
    "float32": (
        (  # 2^-31.7
         0.3928604, 1.5097439, 4.095949, 4.6898055, -1.3646427, -6.1069613, 4.082729, 7.6192007,
         -13.454165),
        (  # 2^-29.9
         0.18380547, 0.85845786, 2.1929817, 3.8860471, 3.4383266, -2.6715803, -9.753284,
         1.7408481, 27.427727),
    ),
}
# fmt: on


def erfc(lanes: Lanes, x: ir.Value) -> ir.Value:
    """2**k (s + t)(h + l), or 2 minus that for x < 0."""
    builder = lanes.builder
    size = lanes.at_most(lanes.size(x), HIGHEST[lanes.dtype])
    power, s, t = exp_of_minus_square(lanes, size)
    h, low = _scaled(lanes, size)
    small = lanes.fma(s, low, builder.fmul(t, builder.fadd(h, low)))
    lowering = lanes.number(2.0 ** -LIFT[lanes.dtype])
    tail = builder.fmul(builder.fmul(lanes.fma(s, h, small), power), lowering)
    negative = builder.fcmp_ordered("<", x, lanes.number(0.0))
    return builder.select(negative, builder.fsub(lanes.number(2.0), tail), tail)


def exp_of_minus_square(lanes: Lanes, size: ir.Value) -> tuple[ir.Value, ir.Value, ir.Value]:
    """(2**(k + LIFT), s, t) with exp(-size^2) = 2**k (s + t), s being 1 + a rounded.

    a = -square + |k| L0 is exact.
    """
    builder, layout = lanes.builder, lanes.format
    one = lanes.number(1.0)
    square = builder.fmul(size, size)
    minus = builder.fneg(square)
    square_lost = lanes.fma(size, size, minus)
    # The sum ends in the exponent field of 2**(k + LIFT).
    rounder = lanes.number(layout.rounder + layout.bias + LIFT[lanes.dtype])
    shifted = lanes.fma(square, lanes.number(-ONE_OVER_LN2), rounder)
    minus_k = builder.fsub(rounder, shifted)
    first, second = map(lanes.number, LN2_PARTS[lanes.dtype])
    a = lanes.fma(minus_k, first, minus)
    rest = lanes.fma(minus_k, second, builder.fneg(square_lost))
    r = builder.fadd(a, rest)
    s = builder.fadd(a, one)
    lost = builder.fadd(builder.fsub(a, builder.fsub(s, one)), rest)
    r_square = builder.fmul(r, r)
    series = lanes.polynomial(r, r_square, EXP_POLYNOMIALS[lanes.dtype])
    field = builder.shl(lanes.as_bits(shifted), lanes.bits(layout.fraction_bits))
    return lanes.as_real(field), s, lanes.fma(r_square, series, lost)


def _scaled(lanes: Lanes, size: ir.Value) -> tuple[ir.Value, ir.Value]:
    """The erfcx of sizes as a sum of two numbers."""
    builder = lanes.builder
    pole, one = lanes.number(POLE), lanes.number(1.0)
    d = builder.fadd(size, pole)
    d_low = builder.fsub(size, builder.fsub(d, pole))
    z = builder.fdiv(one, d)
    minus_z = builder.fneg(z)
    e = lanes.fma(minus_z, d_low, lanes.fma(minus_z, d, one))

    far = builder.fcmp_ordered(">=", size, lanes.number(BORDER[lanes.dtype]))
    centre, start, slope, *coefficients = [
        builder.select(far, lanes.number(beyond), lanes.number(below))
        for below, beyond in zip(*INTERVALS[lanes.dtype], strict=True)
    ]
    w = builder.fsub(z, centre)
    square = builder.fmul(w, w)
    line = lanes.fma(w, slope, start)
    lost = lanes.fma(w, slope, builder.fsub(start, line))
    present = lanes.fma(builder.fadd(w, w), coefficients[0], slope)
    lost = lanes.fma(e, lanes.fma(z, present, line), lost)
    lost = lanes.fma(square, lanes.sum_of_powers(w, square, coefficients), lost)
    high = builder.fmul(z, line)
    return high, lanes.fma(z, lost, lanes.fma(z, line, builder.fneg(high)))
