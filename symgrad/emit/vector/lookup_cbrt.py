"""The cube root for CPUs with AVX-512, float64 and float32: the method and the bits of ``cbrt.py``.

Single instructions take |x| = 2**n m apart and pick the numbers that belong to j.
"""

from __future__ import annotations

from llvmlite import ir

from symgrad.emit.vector import registers
from symgrad.emit.vector.cbrt import ROOT_OF_TWO, root_near
from symgrad.emit.vector.lanes import Lanes

# By the last bits of j, which is 0, 1 or -1: three in float64, four in float32.
POWERS = {name: (1.0, 2.0, *[1.0] * rest, 0.5) for name, rest in (("float64", 5), ("float32", 13))}
FACTORS = {
    name: tuple({0.5: ROOT_OF_TWO, 1.0: 1.0, 2.0: 1.0 / ROOT_OF_TWO}[power] for power in row)
    for name, row in POWERS.items()
}


def cbrt(lanes: Lanes, x: ir.Value) -> ir.Value:
    """The real cube root, with the sign of x."""
    builder, layout = lanes.builder, lanes.format
    m = registers.mantissa(lanes, x, registers.SIZE_FROM_ONE)
    exponent = registers.exponent(lanes, x)
    place, q = lanes.nearest(exponent, 1.0 / 3.0)
    j = lanes.fma(q, lanes.number(-3.0), exponent)
    index = lanes.as_bits(builder.fadd(j, lanes.number(layout.rounder)))
    factor = registers.chosen(lanes, FACTORS[lanes.dtype], index)
    power = registers.chosen(lanes, POWERS[lanes.dtype], index)
    root = root_near(lanes, m, builder.fmul(m, power), factor)
    raised = builder.shl(place, lanes.bits(layout.fraction_bits))
    root = lanes.signed(lanes.as_real(builder.add(lanes.as_bits(root), raised)), x)
    return registers.repaired(lanes, root, x, registers.ROOT_REPAIRS)
