"""log, log1p, log2 and log10 of every lane within 1 ulp, subnormal arguments included.

One scheme serves all four, in float64 and float32. With x = 2**k (1 + f), 1 + f in
[1/sqrt(2), sqrt(2)):

    log_b x = k*log_b 2 + log_b(1 + f)        log_b 2 in two parts, k times the first is exact

float64 follows the splitting of fdlibm's e_log.c: with s = f/(2 + f),

    log(1 + f) = f - f^2/2 + s*(f^2/2 + s^2 L(s^2))

In float32 a polynomial takes less than the division: log(1 + f) = f - f^2/2 + f^3 P(f).

log2 and log10 multiply f by 1/ln b in two parts, so that what the product loses is known; the rest
of log(1 + f), a fifth of it at most, is multiplied by the first part. log1p splits u = 1 + x with
its rounding error c, and f is (u 2**-k - 1) + c 2**-k: exactly x where k is 0.

The largest errors seen over some twenty million arguments each in float64: log 0.76, log1p 0.84,
log2 0.87, log10 0.76 ulp. In float32, over all of [1/4, 4] (log1p: 2^-6 <= |x| <= 8) and some eight
million others: log 0.77, log1p 0.84, log2 0.84, log10 0.78 ulp.

The coefficients are our own, by the Remez exchange: ``benchmarks/coefficients/logarithm.py`` makes
those of float32. L keeps 2s fixed; each coefficient was rounded to double in turn from the lowest
order and the remaining ones fitted again. The error that a polynomial is left with stands beside
it, and the tests measure it again.
"""

from __future__ import annotations

from typing import NamedTuple

from llvmlite import ir

from symgrad.emit.vector.lanes import Lanes

# ln 2 in 42 + 53 bits: k*LN2_SHORT[0] is exact.
LN2_SHORT = (float.fromhex("0x1.62e42fefa38p-1"), float.fromhex("0x1.ef35793c7673p-45"))

# fmt: off
LOG_POLYNOMIAL = (  # (log((1+s)/(1-s))/s - 2)/s^2 in s^2, |s| <= 3 - sqrt(8): 2^-59.5
    0.6666666666666734, 0.39999999999417046, 0.2857142874189255, 0.22222198621636044,
    0.18183561905237838, 0.1531411040419311, 0.14795368918880838)
LOG_POLYNOMIAL_SINGLE = (  # (log(1+f) - f + f^2/2)/f^3 in f, sqrt(1/2) <= 1+f <= sqrt(2): 2^-30.2
    0.3333331346511841, -0.25000008940696716, 0.2000207155942917, -0.16667987406253815,
    0.14220356941223145, -0.12406270205974579, 0.11883603036403656, -0.11669880151748657,
    0.0674886628985405)
# fmt: on


class Base(NamedTuple):
    """log_b 2 and 1/ln b, each as a sum of two numbers; few bits in the first part of log_b 2."""

    two: tuple[float, float]
    factor: tuple[float, float] = (1.0, 0.0)


NATURAL = {
    "float64": Base(LN2_SHORT),
    "float32": Base((float.fromhex("0x1.62e4p-1"), float.fromhex("0x1.7f7d1cp-20"))),
}
BINARY = {
    "float64": Base(
        (1.0, 0.0), (float.fromhex("0x1.71547652b82fep+0"), float.fromhex("0x1.777d0ffda0d24p-56"))
    ),
    "float32": Base((1.0, 0.0), (float.fromhex("0x1.715476p+0"), float.fromhex("0x1.4ae0cp-26"))),
}
DECIMAL = {
    "float64": Base(
        (float.fromhex("0x1.34413509f78p-2"), float.fromhex("0x1.fef311f12b358p-46")),
        (float.fromhex("0x1.bcb7b1526e50ep-2"), float.fromhex("0x1.95355baaafad3p-57")),
    ),
    "float32": Base(
        (float.fromhex("0x1.3440p-2"), float.fromhex("0x1.3509f8p-18")),
        (float.fromhex("0x1.bcb7b2p-2"), float.fromhex("-0x1.5b235ep-27")),
    ),
}

HALF_ROOT_BITS = {"float64": 0x3FE6A09E667F3BCD, "float32": 0x3F3504F3}  # of sqrt(1/2)
SUBNORMAL_STEPS = {"float64": 54, "float32": 24}  # subnormal x is scaled by 2 to this


class Parts(NamedTuple):
    """u = 2**k m with m in [1/sqrt(2), sqrt(2)); ``shifted`` has k + bias in its exponent field."""

    k: ir.Value
    m: ir.Value
    shifted: ir.Value


def log(lanes: Lanes, x: ir.Value) -> ir.Value:
    """The natural logarithm; -inf at 0, nan below."""
    return _of_number(lanes, x, NATURAL[lanes.dtype])


def log2(lanes: Lanes, x: ir.Value) -> ir.Value:
    """The logarithm to base 2, exact for powers of 2; -inf at 0, nan below."""
    return _of_number(lanes, x, BINARY[lanes.dtype])


def log10(lanes: Lanes, x: ir.Value) -> ir.Value:
    """The logarithm to base 10; -inf at 0, nan below."""
    return _of_number(lanes, x, DECIMAL[lanes.dtype])


def log1p(lanes: Lanes, x: ir.Value) -> ir.Value:
    """log(1 + x); -inf at -1, nan below."""
    builder = lanes.builder
    one = lanes.number(1.0)
    u, c = two_sum(lanes, one, x)
    k, m, shifted = split(lanes, u, subnormal=False)
    before = builder.fsub(m, one)
    c = builder.fmul(c, scale_down(lanes, shifted))
    f = builder.fadd(before, c)
    rest = builder.fsub(c, builder.fsub(f, before))
    result = _summed(lanes, k, f, NATURAL[lanes.dtype], rest)
    # It has the sign of x, -0 included.
    result = lanes.as_real(builder.or_(lanes.as_bits(result), lanes.sign(x)))
    return _repaired(lanes, result, x, -1.0)


def split(lanes: Lanes, u: ir.Value, *, subnormal: bool = True) -> Parts:
    """k, a number, and m of positive u; anything finite for u that is 0, infinite or nan."""
    builder, layout = lanes.builder, lanes.format
    bias = lanes.number(2.0**layout.fraction_bits + layout.bias)
    if subnormal:
        steps = SUBNORMAL_STEPS[lanes.dtype]
        tiny = builder.fcmp_ordered("<", u, lanes.number(2.0 ** (1 - layout.bias)))
        u = builder.select(tiny, builder.fmul(u, lanes.number(2.0**steps)), u)
        more = lanes.number(2.0**layout.fraction_bits + layout.bias + steps)
        bias = builder.select(tiny, more, bias)
    # Shifted so that the exponent field changes at sqrt(1/2) and not at 1.
    start = HALF_ROOT_BITS[lanes.dtype]
    one = layout.bias << layout.fraction_bits
    shifted = builder.add(lanes.as_bits(u), lanes.bits(one - start))
    unit = (layout.bias + layout.fraction_bits) << layout.fraction_bits
    field = builder.or_(builder.lshr(shifted, lanes.bits(layout.fraction_bits)), lanes.bits(unit))
    k = builder.fsub(lanes.as_real(field), bias)
    fraction = builder.and_(shifted, lanes.bits(layout.fraction_mask))
    return Parts(k, lanes.as_real(builder.add(fraction, lanes.bits(start))), shifted)


def scale_down(lanes: Lanes, shifted: ir.Value) -> ir.Value:
    """2**-k, or 0 where that is subnormal."""
    builder, layout = lanes.builder, lanes.format
    field = builder.and_(shifted, lanes.bits(layout.exponent_mask))
    bits = builder.sub(lanes.bits((2 * layout.bias) << layout.fraction_bits), field)
    zero = lanes.bits(0)
    return lanes.as_real(builder.select(builder.icmp_signed(">", bits, zero), bits, zero))


def two_sum(lanes: Lanes, a: ir.Value, b: ir.Value) -> tuple[ir.Value, ir.Value]:
    """The sum rounded and what that lost, for any a and b (Knuth, TAOCP 2, 4.2.2)."""
    builder = lanes.builder
    total = builder.fadd(a, b)
    second = builder.fsub(total, a)
    first = builder.fsub(total, second)
    return total, builder.fadd(builder.fsub(a, first), builder.fsub(b, second))


def _of_number(lanes: Lanes, x: ir.Value, base: Base) -> ir.Value:
    """log_b x."""
    k, m, _ = split(lanes, x)
    f = lanes.builder.fsub(m, lanes.number(1.0))
    return _repaired(lanes, _summed(lanes, k, f, base), x, 0.0)


def _summed(
    lanes: Lanes, k: ir.Value, f: ir.Value, base: Base, rest: ir.Value | None = None
) -> ir.Value:
    """k*log_b 2 + log_b(1 + f), plus the small ``rest``.

    The sum of k*L0 and f/ln b, the large terms, is kept with its rounding error, and f^2/2 enters
    by a fused multiply-add, unrounded.
    """
    builder = lanes.builder
    natural = base.factor == (1.0, 0.0)
    factor = lanes.number(base.factor[0])
    main = f if natural else builder.fmul(f, factor)
    first = lanes.number(base.two[0])
    total = lanes.fma(k, first, main)
    lost = builder.fadd(main, lanes.fma(k, first, builder.fneg(total)))
    if base.two[1]:
        lost = lanes.fma(k, lanes.number(base.two[1]), lost)
    if rest is not None:
        lost = builder.fadd(lost, rest)
    half = builder.fmul(f, lanes.number(0.5))
    minus_half = builder.fneg(half)
    small, series = _product_beyond_square(lanes, f, half)
    if natural:
        lost = lanes.fma(small, series, lost)
    else:
        main_lost = lanes.fma(f, factor, builder.fneg(main))
        main_lost = lanes.fma(f, lanes.number(base.factor[1]), main_lost)
        lost = lanes.fma(builder.fmul(small, series), factor, builder.fadd(lost, main_lost))
        lost = lanes.fma(minus_half, main_lost, lost)
    return builder.fadd(total, lanes.fma(minus_half, main, lost))


def _product_beyond_square(lanes: Lanes, f: ir.Value, half: ir.Value) -> tuple[ir.Value, ir.Value]:
    """Two numbers whose product is log(1 + f) - f + f^2/2, where ``half`` is f/2."""
    builder = lanes.builder
    if lanes.dtype == "float32":
        square = builder.fmul(f, f)
        series = lanes.polynomial(f, square, LOG_POLYNOMIAL_SINGLE)
        return builder.fmul(f, square), series
    s = builder.fdiv(f, builder.fadd(f, lanes.number(2.0)))
    z = builder.fmul(s, s)
    series = lanes.polynomial(z, builder.fmul(z, z), LOG_POLYNOMIAL)
    return s, lanes.fma(z, series, builder.fmul(half, f))


def _repaired(lanes: Lanes, result: ir.Value, x: ir.Value, lowest: float) -> ir.Value:
    """The result where lowest < x < inf; x where that is inf or nan; -inf at lowest, nan below."""
    builder = lanes.builder
    result = builder.select(builder.fcmp_unordered(">=", x, lanes.number(float("inf"))), x, result)
    limit = lanes.number(lowest)
    below = builder.select(
        builder.fcmp_ordered("==", x, limit),
        lanes.number(float("-inf")),
        lanes.number(float("nan")),
    )
    return builder.select(builder.fcmp_ordered("<=", x, limit), below, result)
