"""The cube root for CPUs with AVX-512, float64 and float32: the method and the bits of ``cbrt.py``.

Single instructions take |x| = 2**n m apart, multiply by powers of 2, and pick the factor for j.
"""

from __future__ import annotations

from llvmlite import ir

from symgrad.emit.vector import registers
from symgrad.emit.vector.cbrt import ROOT_OF_TWO, root_near
from symgrad.emit.vector.lanes import Lanes

FACTORS = (1.0, 1.0 / ROOT_OF_TWO, *[1.0] * 13, ROOT_OF_TWO)
"""By the last four bits of j: 0, 1 and -1."""


def cbrt(lanes: Lanes, x: ir.Value) -> ir.Value:
    """The real cube root, with the sign of x."""
    builder = lanes.builder
    m = registers.mantissa(lanes, x, registers.SIZE_FROM_ONE)
    exponent = registers.exponent(lanes, x)
    _, q = lanes.nearest(exponent, 1.0 / 3.0)
    j = lanes.fma(q, lanes.number(-3.0), exponent)
    index = lanes.as_bits(builder.fadd(j, lanes.number(lanes.format.rounder)))
    factor = registers.chosen(lanes, FACTORS, index)
    root = root_near(lanes, m, registers.scale(lanes, m, j), factor)
    root = lanes.signed(registers.scale(lanes, root, q), x)
    # Zero, infinity and nan are their own doubles.
    return builder.select(builder.fcmp_unordered("==", builder.fadd(x, x), x), x, root)
