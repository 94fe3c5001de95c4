"""The natural logarithm of every lane, float64, within 1 ulp, subnormal arguments included.

The largest error seen over some twenty million arguments (``benchmarks/vector_math.py``) is 0.75
ulp. The splitting is that of fdlibm's e_log.c. The coefficients are our own: a minimax polynomial
by the Remez exchange in 60-digit arithmetic (mpmath), 2s kept fixed, the error relative; each
coefficient was rounded to double in turn from the lowest order and the remaining ones fitted again.
The error that it is left with stands beside it, and the tests measure it again.
"""

from __future__ import annotations

from llvmlite import ir

from symgrad.emit.vector.lanes import Lanes

# ln 2 in 42 + 53 bits: k*LN2_SHORT[0] is exact.
LN2_SHORT = (float.fromhex("0x1.62e42fefa38p-1"), float.fromhex("0x1.ef35793c7673p-45"))

# fmt: off
LOG_POLYNOMIAL = (  # (log((1+s)/(1-s))/s - 2)/s^2 in s^2, |s| <= 3 - sqrt(8): 2^-59.5
    0.6666666666666734, 0.39999999999417046, 0.2857142874189255, 0.22222198621636044,
    0.18183561905237838, 0.1531411040419311, 0.14795368918880838)
# fmt: on


def log(lanes: Lanes, x: ir.Value) -> ir.Value:
    """The natural logarithm; -inf at 0, nan below.

    It is k*ln 2 plus the logarithm of 1 + f, where x = 2**k (1 + f), 1 + f in [1/sqrt(2), sqrt(2)).
    With s = f/(2 + f): log(1 + f) = f - f^2/2 + s*(f^2/2 + R), R = s^2 L(s^2). The sum k*L0 + f is
    kept with its rounding error; f^2/2 enters by a fused multiply-add, unrounded.
    """
    builder = lanes.builder
    tiny = builder.fcmp_ordered("<", x, lanes.number(2.0**-1022))
    scaled = builder.select(tiny, builder.fmul(x, lanes.number(2.0**54)), x)
    # Shifted so that the exponent field changes at sqrt(1/2) and not at 1.
    start = 0x3FE6A09E667F3BCD
    shifted = builder.add(lanes.as_bits(scaled), lanes.bits((1023 << 52) - start))
    field = builder.or_(builder.lshr(shifted, lanes.bits(52)), lanes.bits(0x433 << 52))
    bias = 2.0**52 + 1023.0
    k = builder.fsub(
        lanes.as_real(field), builder.select(tiny, lanes.number(bias + 54.0), lanes.number(bias))
    )
    fraction = builder.and_(shifted, lanes.bits(lanes.format.fraction_mask))
    mantissa = builder.add(fraction, lanes.bits(start))
    f = builder.fsub(lanes.as_real(mantissa), lanes.number(1.0))

    s = builder.fdiv(f, builder.fadd(f, lanes.number(2.0)))
    half = builder.fmul(f, lanes.number(0.5))
    z = builder.fmul(s, s)
    series = lanes.polynomial(z, builder.fmul(z, z), LOG_POLYNOMIAL)
    series = lanes.fma(z, series, builder.fmul(half, f))
    total = lanes.fma(k, lanes.number(LN2_SHORT[0]), f)
    lost = builder.fadd(f, lanes.fma(k, lanes.number(LN2_SHORT[0]), builder.fneg(total)))
    lost = lanes.fma(k, lanes.number(LN2_SHORT[1]), lost)
    lost = lanes.fma(builder.fneg(half), f, lanes.fma(s, series, lost))
    result = builder.fadd(total, lost)

    zero = lanes.number(0.0)
    result = builder.select(builder.fcmp_unordered(">=", x, lanes.number(float("inf"))), x, result)
    below = builder.select(
        builder.fcmp_ordered("==", x, zero),
        lanes.number(float("-inf")),
        lanes.number(float("nan")),
    )
    return builder.select(builder.fcmp_ordered("<=", x, zero), below, result)
