"""exp(-x^2) and its derivative, -2 x exp(-x^2), of every lane, within 1 ulp, to where they are 0.

What rounding x^2 loses would cost the tail of exp(-x^2) its digits, a hundred units in the last
place at x = 26: it is known by a fused multiply-add, and the exponential takes it into its rest.
Both are ends of the exponentials of erfc: of ``erfc.py`` on any CPU, of ``lookup.py`` and
``lookup_erfc.py`` where tables stand in registers.

These give exp(-x^2) as 2**n (s + t) with an exact 2**n, so that the derivative's factor is applied
to s + t, with the rounding error of its product with s, before a result can be subnormal.
"""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from symgrad.emit.vector import erfc, lookup, lookup_erfc, registers
from symgrad.emit.vector.lanes import Lanes

HIGHEST = {"float64": 27.5, "float32": 10.5}
"""From it on both are 0."""

LOOKUP: dict[str, Callable[[Lanes, ir.Value], lookup.Decay]] = {
    "float64": lookup.exp_of_minus_square,
    "float32": lookup_erfc.exp_of_minus_square,
}


def exp_minus_square(lanes: Lanes, x: ir.Value) -> ir.Value:
    """2**n (s + t)."""
    power, s, t = erfc.exp_of_minus_square(lanes, _bounded(lanes, x))
    return _lowered(lanes, lanes.builder.fadd(s, t), power)


def exp_minus_square_slope(lanes: Lanes, x: ir.Value) -> ir.Value:
    """2**n (s + t) 2 |x| with the opposite sign of x."""
    size = _bounded(lanes, x)
    power, s, t = erfc.exp_of_minus_square(lanes, size)
    return _turned(lanes, _lowered(lanes, _twice(lanes, size, s, t), power), x)


def lookup_exp_minus_square(lanes: Lanes, x: ir.Value) -> ir.Value:
    """The same for CPUs with AVX-512."""
    n, s, t = LOOKUP[lanes.dtype](lanes, _bounded(lanes, x))
    return registers.scale(lanes, lanes.builder.fadd(s, t), n)


def lookup_exp_minus_square_slope(lanes: Lanes, x: ir.Value) -> ir.Value:
    """The same for CPUs with AVX-512."""
    size = _bounded(lanes, x)
    n, s, t = LOOKUP[lanes.dtype](lanes, size)
    return _turned(lanes, registers.scale(lanes, _twice(lanes, size, s, t), n), x)


def _bounded(lanes: Lanes, x: ir.Value) -> ir.Value:
    return lanes.at_most(lanes.size(x), HIGHEST[lanes.dtype])


def _twice(lanes: Lanes, size: ir.Value, s: ir.Value, t: ir.Value) -> ir.Value:
    """2 size (s + t), rounded as if its terms were exact."""
    builder = lanes.builder
    double = builder.fadd(size, size)
    product = builder.fmul(double, s)
    lost = lanes.fma(double, s, builder.fneg(product))
    return builder.fadd(product, lanes.fma(double, t, lost))


def _lowered(lanes: Lanes, mantissa: ir.Value, power: ir.Value) -> ir.Value:
    """Times the power of 2, which ``erfc.py`` makes 2**LIFT times too large."""
    builder = lanes.builder
    lowering = lanes.number(2.0 ** -erfc.LIFT[lanes.dtype])
    return builder.fmul(builder.fmul(mantissa, power), lowering)


def _turned(lanes: Lanes, size: ir.Value, x: ir.Value) -> ir.Value:
    """A size with the opposite sign of x."""
    return lanes.signed(size, lanes.builder.fneg(x))
