"""erfc in float32 for CPUs with AVX-512, by tables that stand in registers.

The method is that of ``lookup.py`` in float64, without the division: x lies in one of sixteen
intervals, whose ends are those of the quarters of a binade of 1.484375|x| + 1, up to 10.1, and

    erfcx(c + t) = c0 + c1 t + t^2 R(t)

with R of degree 4, which leaves 2^-27 or less. t is exact but for |x| < 0.042, where it loses 2^-28
at most. e**r of -x^2 = n*ln 2 + r, n a multiple of 1/16, takes two coefficients and leaves 2^-29.2.

The largest error seen, over all arguments: 0.793 ulp.

The coefficients are our own: ``benchmarks/coefficients/interval.py`` makes them and says how.
"""

from __future__ import annotations

from llvmlite import ir

from symgrad.emit.vector import registers
from symgrad.emit.vector.exponential import LN2_PARTS, ONE_OVER_LN2
from symgrad.emit.vector.lanes import Lanes
from symgrad.emit.vector.lookup import Decay, erfc_of_parts

LARGEST = 10.1
"""erfc of it is less than half of the least number."""

INTERVALS = 16
INDEX_FACTOR = 1.484375
INDEX_BITS = 2  # of the fraction of INDEX_FACTOR*|x| + 1; two of the exponent stand before them

# fmt: off
TABLE: tuple[tuple[float, ...], ...] = (
    # Rows c, c0, c1, r0, ..., r4; a column for each interval.
    (0.083740234, 0.24383545, 0.425354, 0.5852051, 0.83514404, 1.1610718, 1.5333862, 1.84198,
     2.335083, 3.026245, 3.7453003, 4.4057617, 5.4710083, 6.7820435, 8.0216675, 9.39563),
    (0.91210335, 0.7749504, 0.65605915, 0.5744844, 0.47720453, 0.38727438, 0.31620634, 0.27338007,
     0.22378357, 0.177585, 0.14576125, 0.124985516, 0.10148073, 0.08231243, 0.06979896, 0.0597136),
    (-0.9756197, -0.7504584, -0.5702644, -0.45599678, -0.33131012, -0.22907245, -0.15864629,
     -0.12125793, -0.083272755, -0.053547654, -0.036539853, -0.027066363, -0.017975336,
     -0.0118862465, -0.008571051, -0.006285429),
    (0.8304035, 0.5919628, 0.4134954, 0.30763197, 0.20051284, 0.121304624, 0.0729403, 0.050025422,
     0.029334733, 0.015536672, 0.008908525, 0.0057375715, 0.0031375291, 0.001699389, 0.0010448395,
     0.0006580337),
    (-0.6040502, -0.40407547, -0.26292095, -0.18397886, -0.109233566, -0.058819026, -0.031200005,
     -0.019408097, -0.009848577, -0.004353108, -0.0021164531, -0.0011919831, -0.0005399329,
     -0.00024060986, -0.00012646032, -6.852444e-05),
    (0.39035824, 0.24647386, 0.15065649, 0.10025778, 0.054647688, 0.026526425, 0.012548826,
     0.007136047, 0.0031696607, 0.0011814715, 0.0004908182, 0.00024291231, 9.1549206e-05,
     3.3733264e-05, 1.5203742e-05, 7.0992824e-06),
    (-0.22952504, -0.13809945, -0.079715446, -0.05029206, -0.025628686, -0.011263199,
     -0.0048116636, -0.0025118932, -0.0009939615, -0.00031463066, -0.000112096845, -4.8938826e-05,
     -1.5604155e-05, -4.7485296e-06, -1.8296781e-06, -7.363582e-07),
    (0.083019055, 0.089588076, 0.054350656, 0.0002714148, 0.010994885, 0.0039643254, 0.0017727768,
     0.00086963933, 0.00028313865, 7.9596146e-05, 2.5579366e-05, 9.98558e-06, 2.8425316e-06,
     6.845265e-07, 2.0692936e-07, 7.375926e-08),
)
POWERS = (  # 2**(j/16) rounded, and what that lost
    (1.0, 1.0442737, 1.0905077, 1.1387886, 1.1892071, 1.2418578, 1.2968396, 1.3542556, 1.4142135,
     1.4768262, 1.5422108, 1.6104903, 1.6817929, 1.7562522, 1.8340081, 1.9152066),
    (0.0, 4.83347e-08, -1.307754e-08, 5.3862223e-08, 3.7976353e-08, 4.496838e-08, -4.0189995e-08,
     -1.0123349e-08, 2.4203235e-08, -4.500899e-08, 8.070905e-09, 9.836217e-09, -2.4755327e-08,
     -9.23577e-09, -1.1239278e-08, 9.845328e-09),
)
EXP_POLYNOMIAL = (0.50001615, 0.16666718)  # (exp(r) - 1 - r)/r^2 in r, |r| <= ln(2)/32
# fmt: on

# Adding 1.5*2^19 rounds to a multiple of 1/16, whose last four bits are those of the sum.
SIXTEENTH_ROUNDER = 1.5 * 2.0**19


def erfc(lanes: Lanes, x: ir.Value) -> ir.Value:
    """2**floor(n) (T + G) (l + m + t^2 R(t)), or 2 minus that; names as in ``lookup.py``."""
    size = lanes.at_most(lanes.size(x), LARGEST)
    decay = exp_of_minus_square(lanes, size)
    centre, *coefficients = registers.of_interval(lanes, size, INDEX_FACTOR, INDEX_BITS, TABLE)
    t = lanes.builder.fsub(size, centre)
    return erfc_of_parts(lanes, x, decay, t, t, coefficients)


def exp_of_minus_square(lanes: Lanes, size: ir.Value) -> Decay:
    """exp(-size^2) with the power 2**(n - floor n) rounded, growth being what that lacks."""
    builder = lanes.builder
    square = builder.fmul(size, size)
    minus = builder.fneg(square)
    rounder = lanes.number(SIXTEENTH_ROUNDER)
    shifted = lanes.fma(square, lanes.number(-ONE_OVER_LN2), rounder)
    n = builder.fsub(shifted, rounder)
    minus_n = builder.fneg(n)
    first, second = map(lanes.number, LN2_PARTS["float32"])
    square_lost = lanes.fma(size, size, minus)
    r = lanes.fma(minus_n, first, minus)
    r = builder.fadd(r, lanes.fma(minus_n, second, builder.fneg(square_lost)))
    half, sixth = map(lanes.number, EXP_POLYNOMIAL)
    growth = lanes.fma(builder.fmul(r, r), lanes.fma(r, sixth, half), r)
    index = lanes.as_bits(shifted)
    power, rest = (registers.chosen(lanes, row, index) for row in POWERS)
    return Decay(n, power, lanes.fma(power, growth, rest))
