"""erf of every lane, float64 and float32, within 1 ulp.

The largest errors seen: 0.92 ulp over some five million float64 arguments (near 0.98), 0.92 over
all float32 arguments from 2^-27 to 6.

The border between the two polynomials is the multiple of 2^-20 near 0.845 whose erfc is closest to
a double and to a float32 number together, so that rounding it costs nothing (Gal's method, see
``lookup.py``). Beyond it erf is 1 - erfc(b) 2**-s, where erfc is below a quarter, so that errors of
s count little; s is a polynomial, because the logarithm of erfc is nearly a parabola. NIST DLMF
7.2.1, 7.2.2, 7.12.1.

The coefficients are our own: ``benchmarks/coefficients/exponential.py`` makes them and says how.
The error that each polynomial is left with stands beside it, and the tests measure it again.
"""

from __future__ import annotations

from llvmlite import ir

from symgrad.emit.vector.exponential import EXP2_POLYNOMIALS
from symgrad.emit.vector.lanes import Lanes

ERF_HIGHEST = {"float64": 6.0, "float32": 4.0}
"""From it on erf is 1."""

BORDER = 0.8453578948974609
BORDER_ERFC = {"float64": 0.23188525447828995, "float32": 0.23188525438308716}
"""Where the polynomials meet, and erfc there, which is nearly a number of both dtypes."""

# fmt: off
ERF_POLYNOMIALS = {  # erf(x)/x - 1 in x^2, |x| <= BORDER
    "float64": (  # 2^-55.9
        0.12837916709551256, -0.37612638903183254, 0.11283791670928271, -0.026866170639468338,
        0.005223977563987677, -0.0008548323119251754, 0.0001205517777081915,
        -1.4921669145940355e-05, 1.6396055683467124e-06, -1.5676483518040573e-07,
        1.0616737156361523e-08),
    "float32": (  # 2^-27.2
        0.12837916612625122, -0.37612590193748474, 0.11282876878976822, -0.026808246970176697,
        0.005059932358562946, -0.0006364394794218242),
}
TAIL_POLYNOMIALS = {  # log2(erfc(b)/erfc(b + t))/t in t, b = BORDER, 0 <= t <= 5.2; error in erf
    "float64": (  # 2^-57.0
        3.4355526827507132, 1.1863442087704976, 0.06962098046990958, -0.016798297814957557,
        0.0031429910431703466, -0.00027049108199771795, -9.955873829140239e-05,
        6.158471246650182e-05, -1.838384931714438e-05, 2.830063030731275e-06,
        3.499276792388908e-07, -4.1043645887368053e-07, 1.5871569509124952e-07,
        -4.020157761625e-08, 7.148635699059796e-09, -8.663547433809866e-10, 6.447876102611263e-11,
        -2.2235558975355207e-12),
    "float32": (  # 2^-28.2
        3.435551881790161, 1.1863585710525513, 0.06954418122768402, -0.016633961349725723,
        0.0030125125776976347, -0.00029483987600542605),
}
# fmt: on


def erf(lanes: Lanes, x: ir.Value) -> ir.Value:
    """Below the border b of |x| it is x + x P(x^2), beyond 1 - erfc(b) 2**-s with the sign of x.

    s = t Q(t) with t = |x| - b is small near the border, so its rounding error is, too, and
    further on erfc is.
    """
    builder, layout = lanes.builder, lanes.format
    size = lanes.size(x)
    z = builder.fmul(x, x)
    first, second, *others = ERF_POLYNOMIALS[lanes.dtype]
    # The two largest terms one after the other: each sum rounds a smaller number.
    near = lanes.polynomial(z, builder.fmul(z, z), others)
    near = lanes.fma(z, lanes.fma(z, near, lanes.number(second)), lanes.number(first))
    near = lanes.fma(x, near, x)

    border = lanes.number(BORDER)
    bounded = lanes.at_most(size, ERF_HIGHEST[lanes.dtype])
    t = builder.fsub(bounded, border)
    s = lanes.polynomial(t, builder.fmul(t, t), TAIL_POLYNOMIALS[lanes.dtype])
    s = builder.fmul(t, s)
    # The difference ends in the exponent field of 2**k.
    rounder = lanes.number(layout.rounder + layout.bias)
    shifted = builder.fsub(rounder, s)
    k = builder.fsub(shifted, rounder)
    power = lanes.as_real(builder.shl(lanes.as_bits(shifted), lanes.bits(layout.fraction_bits)))
    minus_r = builder.fadd(s, k)
    factor = BORDER_ERFC[lanes.dtype]
    coefficients = [
        factor * value * (-1) ** power
        for power, value in enumerate((1.0, *EXP2_POLYNOMIALS[lanes.dtype]))
    ]
    mantissa = lanes.polynomial(minus_r, builder.fmul(minus_r, minus_r), coefficients)
    one = lanes.number(1.0)
    far = lanes.signed(lanes.fma(builder.fneg(power), mantissa, one), x)
    return builder.select(builder.fcmp_ordered("<", size, border), near, far)
