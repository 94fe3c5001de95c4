"""sqrt(x^2 + y^2) of every lane, within 1 ulp, without overflow or underflow in between.

The largest errors seen over some twenty million arguments in float64 and sixty million in float32
are 0.52 ulp, and 0.76 where the result is subnormal or nearly so.

If the larger number, a, is very large or small, both are multiplied by the power of two that
brings a near 1: what is lost of the smaller one, b, does not count. s = a^2 + b^2 is rounded,
what that lost, d = (a*a - s) + b*b + (what a*a lost), is known almost exactly, and so is the
error of h = sqrt(s):

    sqrt(a^2 + b^2) = h + ((s - h*h) + d)/(2 h)

nearly; for the small second term an approximation of 1/h is enough, half of the bits of s
subtracted from a constant (3.5 percent; Lomont, *Fast inverse square root*, 2003). Borges,
*An improved algorithm for hypot(a, b)*, 2019, has the correction of h by a division.
"""

from __future__ import annotations

from llvmlite import ir

from symgrad.emit.vector.lanes import FORMATS, Lanes
from symgrad.emit.vector.rare import replaced

ORDINARY = {"float64": (2.0**-450, 2.0**500), "float32": (2.0**-40, 2.0**60)}
"""Between them no square of the larger number, nor what it loses, overflows or underflows."""

HALF_ROOT_MAGIC = {
    name: ((3000 * layout.bias - 2135) << layout.fraction_bits) // 2000
    for name, layout in FORMATS.items()
}
"""Its difference with half of the bits of s is near the bits of 1/(2 sqrt(s)).

2135 makes the error nearly the same on both sides, 3.44 percent."""


def hypot(lanes: Lanes, x: ir.Value, y: ir.Value) -> ir.Value:
    """The length of (x, y); inf if one is infinite, even if the other is nan."""
    builder = lanes.builder
    first, second = lanes.size(x), lanes.size(y)
    larger = builder.fcmp_ordered(">", first, second)
    large = builder.select(larger, first, second)
    small = builder.select(larger, second, first)
    result = _length(lanes, large, small)
    lowest, highest = ORDINARY[lanes.dtype]
    where = outside(lanes, large, lowest, highest)
    return replaced(lanes, where, "hypot", _of_any_size, [x, y], [result])[0]


def _length(lanes: Lanes, large: ir.Value, small: ir.Value) -> ir.Value:
    """The length of (large, small) where no square overflows or underflows."""
    builder = lanes.builder
    square = builder.fmul(large, large)
    lost = lanes.fma(large, large, builder.fneg(square))
    s = lanes.fma(small, small, square)
    lost = builder.fadd(lost, lanes.fma(small, small, builder.fsub(square, s)))
    h = lanes.intrinsic("sqrt", s)
    lost = builder.fadd(lost, lanes.fma(builder.fneg(h), h, s))
    return lanes.fma(lost, half_of_one_over_root(lanes, s), h)


def _of_any_size(lanes: Lanes, x: ir.Value, y: ir.Value) -> list[ir.Value]:
    """The length of (x, y) for any numbers."""
    builder = lanes.builder
    first, second = (lanes.as_bits(lanes.size(value)) for value in (x, y))
    larger = builder.icmp_signed(">", first, second)  # nan is above infinity
    large = builder.select(larger, first, second)
    small = builder.select(larger, second, first)
    scale, back = power_apart(lanes, large)
    scaled = [builder.fmul(lanes.as_real(value), scale) for value in (large, small)]
    result = builder.fmul(_length(lanes, *scaled), back)
    infinite = lanes.bits(lanes.format.exponent_mask)
    either = builder.or_(
        builder.icmp_signed("==", large, infinite), builder.icmp_signed("==", small, infinite)
    )
    return [builder.select(either, lanes.number(float("inf")), result)]


def outside(lanes: Lanes, size: ir.Value, lowest: float, highest: float) -> ir.Value:
    """Where numbers without signs are below ``lowest``, at ``highest`` or above, or nan."""
    builder = lanes.builder
    first, last = (lanes.as_bits(lanes.number(value)) for value in (lowest, highest))
    above = builder.sub(lanes.as_bits(size), first)
    return builder.icmp_unsigned(">=", above, builder.sub(last, first))


def power_apart(lanes: Lanes, bits: ir.Value) -> tuple[ir.Value, ir.Value]:
    """(1/p, p), powers of two, from the bits of numbers without signs.

    number/p is in [2, 4), or less where the number is below 2**(2 - bias); infinity and nan have
    1/p = 0. p and 1/p are normal otherwise.
    """
    builder, layout = lanes.builder, lanes.format
    lowest = lanes.bits(2 << layout.fraction_bits)
    exponent = builder.and_(bits, lanes.bits(layout.exponent_mask))
    exponent = builder.select(builder.icmp_signed("<", exponent, lowest), lowest, exponent)
    apart = builder.sub(lanes.bits(layout.exponent_mask), exponent)
    back = builder.sub(exponent, lanes.bits(1 << layout.fraction_bits))
    return lanes.as_real(apart), lanes.as_real(back)


def half_of_one_over_root(lanes: Lanes, x: ir.Value) -> ir.Value:
    """1/(2 sqrt(x)) to 3.5 percent; a large number at 0."""
    half = lanes.builder.lshr(lanes.as_bits(x), lanes.bits(1))
    return lanes.as_real(lanes.builder.sub(lanes.bits(HALF_ROOT_MAGIC[lanes.dtype]), half))
