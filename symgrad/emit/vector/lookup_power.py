"""x**y for CPUs with AVX-512, float64, by tables that stand in registers.

``lookup.supports`` says where it is used; elsewhere it is that of ``power.py``, whose last bits may
differ. As there, y log|x| is a sum of two numbers. With |x| = 2**k m, m in [0.75, 1.5), and one of
25 factors f near 1/m, picked by m rounded to a multiple of 1/32,

    log|x| = k*ln 2 - log f + log(1 + r + r'),    r = p - 1,  p + r' = m*f

where p is the product rounded, so that r and r' are exact; f is 1 where m rounds to 1, and r' is 0.
The sum of the large terms, k*ln 2 - log f + r - r^2/2, is kept with its rounding errors:

    log(1 + r + r') = r - r^2/2 + r^3 P(r) + r' (1 - r + r^2)

which leaves 2^-65 of it. k is infinite for 0 and infinity, which so need no other care.
e**(y log|x|) is 2**n e**r with n a multiple of 1/16, as in ``lookup.py``.

The largest error seen over some twenty million pairs with results of every size is 0.80 ulp.

``benchmarks/coefficients/logarithm.py`` makes the coefficients.
"""

from __future__ import annotations

from llvmlite import ir

from symgrad.emit.vector import registers
from symgrad.emit.vector.exponential import LN2, ONE_OVER_LN2
from symgrad.emit.vector.lanes import Lanes
from symgrad.emit.vector.logarithm import LN2_SHORT
from symgrad.emit.vector.lookup import EXP_POLYNOMIAL, EXP_REST, POWERS, SIXTEENTH_ROUNDER
from symgrad.emit.vector.power import completed, finite_exponent

INDEX_ROUNDER = 1.5 * 2.0**47  # adding it rounds m to a multiple of 1/32

# fmt: off
POLYNOMIAL = (  # (log(1 + r) - r + r^2/2)/r^3 in r, -0.0198 <= r <= 0.0206: 2^-68.4
    0.33333333333333315, -0.25000000000000044, 0.20000000000419865, -0.166666666647935,
    0.14285711215724145, -0.1250001059149428, 0.11120081630397007, -0.09987169189367186)
LOGARITHMS = (
    (1.0, 0.9697265625, 0.94140625, 0.9140625, 0.888671875, 0.865234375, 0.841796875,
     0.8203125, 0.7998046875, 0.7802734375, 0.76171875, 0.744140625, 0.7275390625, 0.7109375,
     0.6953125, 0.6806640625, 0.6669921875, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.3330078125,
     1.2802734375, 1.23046875, 1.185546875, 1.142578125, 1.103515625, 1.06640625, 1.0322265625),
    (0.0, 0.030741141554244678, 0.060380510988807146, 0.08985632912185793,
     0.11802720608852724, 0.14475485499428942, 0.172216534935842, 0.19806991376208316,
     0.2233877217463487, 0.24811085983310477, 0.2721778859158803, 0.29552524991277096,
     0.3180875872199067, 0.3411707574027787, 0.36339389418753854, 0.38468639483903644,
     0.4049769460286825, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -0.28743790201951924,
     -0.24707367816426995, -0.20739519434596332, -0.1702041660200848, -0.13328722219239353,
     -0.0985011061068235, -0.06429435070549516, -0.03171818027067275),
    (0.0, 3.582445626958196e-14, 1.0033424888676119e-13, 3.1218748807418837e-15,
     3.013227959910772e-14, 8.272973285564614e-14, -8.199467511461324e-14,
     1.0634128304268335e-14, 3.498161122982022e-14, 7.365833388300793e-14,
     -6.465103064005256e-14, 3.586053092023274e-14, -1.313034496619672e-14,
     -1.156568624616423e-14, -6.120773136055512e-14, -1.0722844169147465e-13,
     -1.947434036043392e-14, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -8.777052447805795e-14,
     2.3201736484875263e-14, -1.0726867577289733e-13, 9.433537664581756e-14,
     4.4819840726013836e-14, -1.0965899689943145e-13, 9.790518511990216e-14,
     -1.117930281017946e-13),
)
# fmt: on


def pow(lanes: Lanes, x: ir.Value, y: ir.Value) -> ir.Value:
    """x**y: 1 for y = 0 and for x = 1, nan for x < 0 unless y is an integer or infinite."""
    builder = lanes.builder
    high, low = _logarithm(lanes, lanes.size(x))
    exponent = finite_exponent(lanes, y)
    product = builder.fmul(exponent, high)
    rest = lanes.fma(exponent, low, lanes.fma(exponent, high, builder.fneg(product)))
    return completed(lanes, _exponential(lanes, product, rest), x, y, exponent)


def _logarithm(lanes: Lanes, size: ir.Value) -> tuple[ir.Value, ir.Value]:
    """The logarithm as a sum of two numbers, of which the first tells infinities and nan."""
    builder = lanes.builder
    m = registers.mantissa(lanes, size, registers.FROM_THREE_QUARTERS)
    k = builder.fsub(registers.exponent(lanes, size), registers.exponent(lanes, m))
    index = lanes.as_bits(builder.fadd(m, lanes.number(INDEX_ROUNDER)))
    factor, start, rest = registers.chosen_rows(lanes, LOGARITHMS, index)
    one, half = lanes.number(1.0), lanes.number(0.5)
    p = builder.fmul(m, factor)
    p_low = lanes.fma(m, factor, builder.fneg(p))
    r = builder.fsub(p, one)
    square = builder.fmul(r, r)
    square_low = lanes.fma(r, r, builder.fneg(square))

    # The larger one is first in every sum, so what it loses is known exactly.
    total = lanes.fma(k, lanes.number(LN2_SHORT[0]), start)
    rest = lanes.fma(k, lanes.number(LN2_SHORT[1]), rest)
    first = builder.fadd(total, r)
    lost = builder.fadd(r, builder.fsub(total, first))
    minus_half = builder.fneg(half)
    high = lanes.fma(minus_half, square, first)
    lost = builder.fadd(lost, lanes.fma(minus_half, square, builder.fsub(first, high)))

    series = lanes.polynomial(r, square, POLYNOMIAL)
    low = lanes.fma(minus_half, square_low, rest)
    shrink = builder.fsub(square, r)
    low = builder.fadd(low, lanes.fma(p_low, shrink, p_low))
    low = lanes.fma(builder.fmul(square, r), series, low)
    return high, builder.fadd(lost, low)


def _exponential(lanes: Lanes, x: ir.Value, rest: ir.Value) -> ir.Value:
    """e**(x + rest), rounded once; 0, infinite or nan by x alone where no result is finite."""
    builder = lanes.builder
    rounder = lanes.number(SIXTEENTH_ROUNDER)
    # It is below 2^-12 |x|; nan, beside an infinite x, becomes a number.
    rest = registers.nearer_to_zero(lanes, rest, lanes.number(1.0))
    shifted = lanes.fma(builder.fadd(x, rest), lanes.number(ONE_OVER_LN2), rounder)
    index = lanes.as_bits(shifted)
    n = builder.fsub(shifted, rounder)
    minus_n = builder.fneg(n)
    rest = lanes.fma(minus_n, lanes.number(LN2[1]), rest)
    r = builder.fadd(lanes.fma(minus_n, lanes.number(LN2[0]), x), rest)
    # Where x is so large that r is no rest, or x is infinite or nan, n alone decides.
    r = registers.nearer_to_zero(lanes, r, lanes.number(EXP_REST))
    square = builder.fmul(r, r)
    growth = lanes.fma(square, lanes.polynomial(r, square, EXP_POLYNOMIAL), r)
    power, power_low = (registers.chosen(lanes, row, index) for row in POWERS)
    growth = lanes.fma(power, growth, power_low)
    return registers.scale(lanes, builder.fadd(power, growth), n)
