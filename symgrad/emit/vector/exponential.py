"""e**x and 2**x of every lane, float64 and float32, within 1 ulp, subnormal results included.

The largest errors seen in float64 over some thirteen million arguments (every scale, around every
border of the reductions): exp 0.78, and 0.79 where the result is subnormal, exp2 0.88. In float32,
over all arguments between 2^-27 and the ends: exp 0.80, exp2 0.89.

Method (Cody and Waite, *Software Manual for the Elementary Functions*, 1980; Tang, ACM TOMS 15,
1989): a multiple of ln 2 is taken away in two parts, the first of them exactly, because a product
inside a fused multiply-add is not rounded; the rest is a polynomial, and what roundings lost on the
way is added back to its small terms. In base 2 the rest is exact.

The coefficients are our own: minimax polynomials by the Remez exchange in 60-digit arithmetic
(mpmath), the error relative. ``benchmarks/coefficients/exponential.py`` makes those of float32 and
of exp2; that of exp in float64 keeps 1 + r + r^2/2. The error that each is left with stands beside
it, and the tests measure it again.
"""

from __future__ import annotations

from llvmlite import ir

from symgrad.emit.vector.lanes import Lanes

# ln 2 in 53 + 53 bits, and for float32 in 24 + 24.
LN2 = (float.fromhex("0x1.62e42fefa39efp-1"), float.fromhex("0x1.abc9e3b39803fp-56"))
LN2_PARTS = {"float64": LN2, "float32": (float.fromhex("0x1.62e430p-1"),
             float.fromhex("-0x1.05c610p-29"))}  # fmt: skip
ONE_OVER_LN2 = float.fromhex("0x1.71547652b82fep+0")
EXP_ENDS = {"float64": (-746.0, 710.0), "float32": (-104.0, 89.0)}
"""Below and above them exp is 0 and inf, by the same instructions."""

EXP2_ENDS = {"float64": (-1076.0, 1024.0), "float32": (-151.0, 128.0)}
"""The same for exp2."""

# fmt: off
EXP_POLYNOMIAL = (  # (exp(r) - 1 - r)/r^2 in r, |r| <= ln(2)/2: 2^-57.2
    0.5, 0.16666666666666433, 0.041666666666604, 0.008333333333499917, 0.0013888888926778607,
    0.000198412694664254, 2.4801508706755843e-05, 2.7557640742311344e-06,
    2.762517647016652e-07, 2.497839774151907e-08)
EXP_POLYNOMIALS = {
    "float64": EXP_POLYNOMIAL,
    "float32": (  # 2^-28.2
        0.4999999403953552, 0.1666652113199234, 0.041668254882097244, 0.00836866907775402,
        0.0013821700122207403),
}
EXP2_POLYNOMIALS = {  # (2**r - 1)/r in r, |r| <= 1/2
    "float64": (  # 2^-57.7
        0.6931471805599453, 0.24022650695910108, 0.05550410866482172, 0.009618129107601608,
        0.0013333558146546361, 0.00015403530449031245, 1.5252733633935605e-05,
        1.3215438838430362e-06, 1.0178160056565638e-07, 7.073232632712817e-09,
        4.438861936285328e-10),
    "float32": (  # 2^-28.3
        0.6931471824645996, 0.24022647738456726, 0.05550359934568405, 0.009618505835533142,
        0.0013390807434916496, 0.00015326458378694952),
}
# fmt: on


def exp(lanes: Lanes, x: ir.Value) -> ir.Value:
    """e**x = 2**k e**r with k the integer nearest to x/ln 2 and r = x - k*ln 2.

    a = x - k*L0 is exact, r = a - k*L1, and the terms are added from s = 1 + a and what that lost:
    e**r = s + (r^2 E(r) + ((a - (s - 1)) - k*L1)).
    """
    bits, s, t = parts(lanes, between(lanes, x, *EXP_ENDS[lanes.dtype]))
    return scaled(lanes, lanes.builder.fadd(s, t), bits)


def parts(lanes: Lanes, x: ir.Value) -> tuple[ir.Value, ir.Value, ir.Value]:
    """(bits, s, t): e**x = 2**k (s + t), k being what the bits end in, s rounded and t small."""
    builder = lanes.builder
    bits, k = lanes.nearest(x, ONE_OVER_LN2)
    first, second = map(lanes.number, LN2_PARTS[lanes.dtype])
    minus_k = builder.fneg(k)
    a = lanes.fma(minus_k, first, x)
    r = lanes.fma(minus_k, second, a)
    one = lanes.number(1.0)
    s = builder.fadd(a, one)
    lost = lanes.fma(minus_k, second, builder.fsub(a, builder.fsub(s, one)))
    square = builder.fmul(r, r)
    polynomial = lanes.polynomial(r, square, EXP_POLYNOMIALS[lanes.dtype])
    return bits, s, lanes.fma(square, polynomial, lost)


def exp2(lanes: Lanes, x: ir.Value) -> ir.Value:
    """2**x = 2**k (1 + (c r + r^2 P(r))), k the integer nearest to x, r = x - k, which is exact.

    The bracket is a fused multiply-add, so that only r^2 P(r) is rounded before it.
    """
    builder = lanes.builder
    x = between(lanes, x, *EXP2_ENDS[lanes.dtype])
    bits, k = lanes.nearest(x, 1.0)
    r = builder.fsub(x, k)
    square = builder.fmul(r, r)
    slope, *coefficients = EXP2_POLYNOMIALS[lanes.dtype]
    series = builder.fmul(square, lanes.polynomial(r, square, coefficients))
    growth = lanes.fma(r, lanes.number(slope), series)
    return scaled(lanes, builder.fadd(growth, lanes.number(1.0)), bits)


def between(lanes: Lanes, x: ir.Value, low: float, high: float) -> ir.Value:
    """The number nearest to x that is between two others; nan stays."""
    builder = lanes.builder
    least, x = lanes.number(low), lanes.at_most(x, high)
    return builder.select(builder.fcmp_ordered(">", least, x), least, x)


def scaled(lanes: Lanes, mantissa: ir.Value, bits: ir.Value) -> ir.Value:
    """``mantissa`` times 2**k, where ``bits`` end in k: rounded once if that is subnormal.

    2**k is applied in two halves, so that a result may be subnormal or infinite; only the last
    product can round.
    """
    builder, layout = lanes.builder, lanes.format
    # With twice the bias k is positive; its upper half and the rest are two exponent fields.
    biased = builder.add(bits, lanes.bits(2 * layout.bias))
    upper = builder.shl(biased, lanes.bits(layout.fraction_bits - 1))
    upper = builder.and_(upper, lanes.bits(layout.exponent_mask))
    lower = builder.sub(builder.shl(biased, lanes.bits(layout.fraction_bits)), upper)
    return builder.fmul(builder.fmul(mantissa, lanes.as_real(upper)), lanes.as_real(lower))
