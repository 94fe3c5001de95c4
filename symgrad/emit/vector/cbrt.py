"""The cube root of every lane within 1 ulp, subnormal arguments included, without a division.

|x| = 8**q a with a = 2**j m, j in {-1, 0, 1} and m in [1, 2). A polynomial in m and a factor for j
give y near 1/cbrt(a), and c = a y^2 is near cbrt(a). A step of Newton's method ends it:

    cbrt(a) = c + (a - c^3) y^2/3 + ...

In float32 y is good to 2^-17, and c^2 is rounded, which costs a quarter of an ulp. In float64 y is
good to 2^-11 and is improved first; with e = 1 - a y^3,

    1/cbrt(a) = y (1 - e)**(-1/3) = y (1 + e/3 + 2/9 e^2 + ...)        NIST DLMF 4.6.7

and c^2 counts with its rounding error, so that the last rounding alone is left.

The largest error seen over some twenty million arguments in float64 is 0.5004 ulp. In float32,
over all of [1, 8), on which the others depend, it is 0.74.

The polynomials are our own: ``benchmarks/coefficients/logarithm.py`` makes them.
"""

from __future__ import annotations

from llvmlite import ir

from symgrad.emit.vector.lanes import Lanes

# fmt: off
CBRT_POLYNOMIAL = {  # 1/cbrt(m) in m from 1 to 2
    "float64": (  # 2^-11.9
        1.54188592586129, -0.8099578832330936, 0.31775540033994687, -0.049936512186544435),
    "float32": (  # 2^-17.3
        1.7810581, -1.5660299, 1.243787, -0.59787375, 0.15607186,
        -0.017019069),
}
# fmt: on
ROOT_OF_TWO = 1.2599210498948732  # the cube root of 2
SUBNORMAL_STEPS = {"float64": 54, "float32": 24}  # subnormal x is scaled by 2 to this


def cbrt(lanes: Lanes, x: ir.Value) -> ir.Value:
    """The real cube root, with the sign of x."""
    builder, layout = lanes.builder, lanes.format
    steps = SUBNORMAL_STEPS[lanes.dtype]
    size = lanes.size(x)
    tiny = builder.fcmp_ordered("<", size, lanes.number(2.0 ** (1 - layout.bias)))
    scaled = builder.select(tiny, builder.fmul(size, lanes.number(2.0**steps)), size)
    bits = lanes.as_bits(scaled)
    unit = (layout.bias + layout.fraction_bits) << layout.fraction_bits
    field = builder.or_(builder.lshr(bits, lanes.bits(layout.fraction_bits)), lanes.bits(unit))
    bias = 2.0**layout.fraction_bits + layout.bias
    bias = builder.select(tiny, lanes.number(bias + steps), lanes.number(bias))
    exponent = builder.fsub(lanes.as_real(field), bias)
    place, q = lanes.nearest(exponent, 1.0 / 3.0)
    j = lanes.fma(q, lanes.number(-3.0), exponent)
    zero, one = lanes.number(0.0), lanes.number(1.0)
    above = builder.fcmp_ordered(">", j, zero)
    below = builder.fcmp_ordered("<", j, zero)

    def by_j(low: float, high: float) -> ir.Value:
        """A number by what j is: low at -1, 1 at 0, high at 1."""
        other = builder.select(above, lanes.number(high), one)
        return builder.select(below, lanes.number(low), other)

    fraction = builder.and_(bits, lanes.bits(layout.fraction_mask))
    m = lanes.as_real(builder.or_(fraction, lanes.as_bits(one)))
    a = builder.fmul(m, by_j(0.5, 2.0))
    root = root_near(lanes, m, a, by_j(ROOT_OF_TWO, 1.0 / ROOT_OF_TWO))
    raised = builder.shl(place, lanes.bits(layout.fraction_bits))
    root = lanes.signed(lanes.as_real(builder.add(lanes.as_bits(root), raised)), x)
    # Zero, infinity and nan are their own doubles.
    return builder.select(builder.fcmp_unordered("==", builder.fadd(x, x), x), x, root)


def root_near(lanes: Lanes, m: ir.Value, a: ir.Value, factor: ir.Value) -> ir.Value:
    """The cube root of a = 2**j m, where ``factor`` is about 2**(-j/3)."""
    builder = lanes.builder
    third = lanes.number(1.0 / 3.0)
    y = lanes.polynomial(m, builder.fmul(m, m), CBRT_POLYNOMIAL[lanes.dtype])
    y = builder.fmul(y, factor)
    precise = lanes.dtype == "float64"
    if precise:
        e = lanes.fma(builder.fneg(builder.fmul(y, y)), builder.fmul(a, y), lanes.number(1.0))
        growth = lanes.fma(e, lanes.number(2.0 / 9.0), third)
        y = lanes.fma(builder.fmul(y, e), growth, y)
    square = builder.fmul(y, y)
    c = builder.fmul(a, square)
    c_square = builder.fmul(c, c)
    rest = lanes.fma(builder.fneg(c_square), c, a)
    if precise:
        lost = lanes.fma(c, c, builder.fneg(c_square))
        rest = lanes.fma(builder.fneg(lost), c, rest)
    return lanes.fma(rest, builder.fmul(square, third), c)
