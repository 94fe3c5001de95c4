"""asinh, acosh and atanh of every lane within 1 ulp, as logarithms with one division.

Each is the logarithm of some v, and with k the integer nearest to log2 v, or nearly so,

    log v = k*ln 2 + 2 atanh(s),    s = (v 2**-k - 1)/(v 2**-k + 1)

where 2 atanh(s) is 2s and a polynomial in s^2 (NIST DLMF 4.38.5). Both sides of the fraction are
sums of two numbers, and so is 2s, so that only the last sum rounds by as much as half an ulp.

asinh |x| and acosh x: v = |x| + R with R = sqrt(x^2 + 1) or sqrt(x^2 - 1) (NIST DLMF 4.37.16 and
4.37.19), R in two parts. Where k is 0 nothing may cancel, and s is tanh of half the result:

    s = x/(1 + sqrt(x^2 + 1))        s = sqrt(x^2 - 1)/(x + 1)

x^2 - 1 is 2t + t^2 with t = x - 1. From 2^30 (float64) or 2^14 (float32) on, R is |x|.

atanh |x| = log(v)/2 with v = (1 + |x|)/(1 - |x|) (NIST DLMF 4.37.24), so that with a = 1 + |x| and
b = 2**k (1 - |x|) s is (a - b)/(a + b), without another division.

The largest errors seen over some twenty million arguments each in float64: asinh 0.57, acosh 0.57,
atanh 0.58 ulp. In float32, over all of [1/16, 8], [1, 16] and [1/32, 1) and some eight million
others: 0.58, 0.57 and 0.59 ulp.

The coefficients are our own: ``benchmarks/coefficients/logarithm.py`` makes them and says how.
"""

from __future__ import annotations

from typing import NamedTuple

from llvmlite import ir

from symgrad.emit.vector.lanes import Lanes
from symgrad.emit.vector.logarithm import NATURAL, scale_down, split, two_sum

# fmt: off
RATIO_POLYNOMIAL = {  # (log((1+s)/(1-s))/s - 2)/s^2 in s^2, |s| <= 0.2008
    "float64": (  # 2^-62.5
        0.666666666666666, 0.40000000000057423, 0.285714285555598, 0.22222224332579169,
        0.18181663493179195, 0.153911946575072, 0.1317214958648858, 0.13853152815989142),
    "float32": (0.6666695475578308, 0.3995705842971802, 0.30377355217933655),  # 2^-28.3
}
# fmt: on

FAR = {"float64": 2.0**30, "float32": 2.0**14}
"""From here on the 1 beside x^2 does not count."""

RECIPROCAL_BIAS = 0.116
"""In units of the exponent's last bit: what makes bits(1) + bits(1) - bits(x) near bits(1/x)."""


class Sum(NamedTuple):
    """A number and what is to be added to it, which is small beside it."""

    high: ir.Value
    low: ir.Value


def asinh(lanes: Lanes, x: ir.Value) -> ir.Value:
    """The inverse of sinh; an odd function."""
    builder = lanes.builder
    size, one = lanes.size(x), lanes.number(1.0)
    w = lanes.fma(size, size, one)
    w_low = lanes.fma(size, size, builder.fneg(builder.fsub(w, one)))
    root = _root(lanes, size, Sum(w, w_low))
    half = lanes.number(0.5)
    half_root = builder.fmul(root.high, half)
    d = builder.fadd(half_root, half)
    d_low = builder.fsub(half, builder.fsub(d, half_root))
    d_low = lanes.fma(root.low, half, d_low)
    near = (Sum(size, lanes.number(0.0)), Sum(d, d_low))
    result = _log_of_sum(lanes, root, Sum(size, lanes.number(0.0)), near)
    result = builder.select(
        builder.fcmp_unordered(">=", size, lanes.number(float("inf"))), size, result
    )
    return lanes.signed(result, x)


def acosh(lanes: Lanes, x: ir.Value) -> ir.Value:
    """The inverse of cosh that is not negative; nan below 1."""
    builder = lanes.builder
    one, half = lanes.number(1.0), lanes.number(0.5)
    t = builder.fsub(x, one)
    square = builder.fmul(t, t)
    w, w_low = two_sum(lanes, builder.fadd(t, t), square)
    w_low = builder.fadd(w_low, lanes.fma(t, t, builder.fneg(square)))
    root = _root(lanes, x, Sum(w, w_low))
    half_x = builder.fmul(x, half)
    d = builder.fadd(half_x, half)
    d_low = builder.fsub(half, builder.fsub(d, half_x))
    result = _log_of_sum(lanes, Sum(x, lanes.number(0.0)), root, (root, Sum(d, d_low)))
    result = builder.select(builder.fcmp_unordered(">=", x, lanes.number(float("inf"))), x, result)
    return builder.select(builder.fcmp_ordered("<", x, one), lanes.number(float("nan")), result)


def atanh(lanes: Lanes, x: ir.Value) -> ir.Value:
    """The inverse of tanh; infinite at 1 and -1, nan beyond; an odd function."""
    builder, layout = lanes.builder, lanes.format
    size, one = lanes.size(x), lanes.number(1.0)
    a = builder.fadd(one, size)
    a_low = builder.fsub(size, builder.fsub(a, one))
    b = builder.fsub(one, size)
    b_low = builder.fsub(builder.fsub(one, b), size)
    # The difference of the bits is about log2(a/b); k*2**fraction_bits is the nearest multiple.
    ratio = builder.sub(lanes.as_bits(a), lanes.as_bits(b))
    ratio = builder.add(ratio, lanes.bits(1 << (layout.fraction_bits - 1)))
    unit = (layout.bias + layout.fraction_bits) << layout.fraction_bits
    field = builder.lshr(ratio, lanes.bits(layout.fraction_bits))
    k = builder.fsub(
        lanes.as_real(builder.or_(field, lanes.bits(unit))),
        lanes.number(2.0**layout.fraction_bits),
    )
    power = builder.and_(ratio, lanes.bits(layout.exponent_mask))
    power = lanes.as_real(builder.add(power, lanes.as_bits(one)))
    b = builder.fmul(b, power)
    b_low = builder.fmul(b_low, power)

    # a and b are so near each other that a - b is exact; n is 2|x| where k is 0.
    difference = builder.fsub(a, b)
    difference_low = builder.fsub(a_low, b_low)
    n = builder.fadd(difference, difference_low)
    n_low = builder.fsub(difference_low, builder.fsub(n, difference))
    half = lanes.number(0.5)
    # Half of a + b, which is 2a - (a - b).
    d = lanes.fma(builder.fneg(difference), half, a)
    d_low = lanes.fma(builder.fneg(difference), half, builder.fsub(a, d))
    d_low = lanes.fma(builder.fadd(a_low, b_low), half, d_low)
    result = builder.fmul(_log(lanes, k, Sum(n, n_low), Sum(d, d_low)), half)
    outside = builder.select(
        builder.fcmp_ordered("==", size, one),
        lanes.number(float("inf")),
        lanes.number(float("nan")),
    )
    result = builder.select(builder.fcmp_ordered("<", size, one), result, outside)
    return lanes.signed(result, x)


def _root(lanes: Lanes, size: ir.Value, w: Sum) -> Sum:
    """The square root of w, or ``size`` where that is far from 1.

    What rounding it loses is (w - R^2)/(2R), for which a rough 1/R will do.
    """
    builder, layout = lanes.builder, lanes.format
    root = lanes.intrinsic("sqrt", w.high)
    minus = builder.fneg(root)
    rest = builder.fadd(lanes.fma(minus, root, w.high), w.low)
    ones = 2 * layout.bias - RECIPROCAL_BIAS
    twice_one = lanes.bits(int(ones * 2.0**layout.fraction_bits))
    rough = lanes.as_real(builder.sub(twice_one, lanes.as_bits(root)))
    rough = lanes.fma(rough, lanes.fma(minus, rough, lanes.number(1.0)), rough)
    low = builder.fmul(builder.fmul(rest, rough), lanes.number(0.5))
    far = builder.fcmp_ordered(">=", size, lanes.number(FAR[lanes.dtype]))
    return Sum(builder.select(far, size, root), builder.select(far, lanes.number(0.0), low))


def _log_of_sum(lanes: Lanes, larger: Sum, smaller: Sum, near: tuple[Sum, Sum]) -> ir.Value:
    """log(larger + smaller); where k is 0, ``near`` has 2s as a fraction."""
    builder = lanes.builder
    half, one = lanes.number(0.5), lanes.number(1.0)
    first = builder.fmul(larger.high, half)
    second = builder.fmul(smaller.high, half)
    u = builder.fadd(first, second)
    low = builder.fsub(second, builder.fsub(u, first))
    low = lanes.fma(builder.fadd(larger.low, smaller.low), half, low)
    # u is half of v.
    k, m, shifted = split(lanes, u, subnormal=False)
    k = builder.fadd(k, one)
    low = builder.fmul(low, scale_down(lanes, shifted))
    before = builder.fsub(m, one)
    n = builder.fadd(before, low)
    n_low = builder.fsub(low, builder.fsub(n, before))
    half_m = builder.fmul(m, half)
    d = builder.fadd(half_m, half)
    d_low = builder.fsub(half_m, builder.fsub(d, half))
    d_low = lanes.fma(low, half, d_low)
    at_zero = builder.fcmp_ordered("<=", k, lanes.number(0.0))
    near_n, near_d = near
    return _log(
        lanes,
        builder.select(at_zero, lanes.number(0.0), k),
        Sum(builder.select(at_zero, near_n.high, n), builder.select(at_zero, near_n.low, n_low)),
        Sum(builder.select(at_zero, near_d.high, d), builder.select(at_zero, near_d.low, d_low)),
    )


def _log(lanes: Lanes, k: ir.Value, n: Sum, d: Sum) -> ir.Value:
    """k*ln 2 + 2 atanh(s), where 2s is n/d."""
    builder = lanes.builder
    reciprocal = builder.fdiv(lanes.number(1.0), d.high)
    twice = builder.fmul(n.high, reciprocal)
    minus = builder.fneg(twice)
    rest = lanes.fma(minus, d.low, n.low)
    rest = builder.fadd(lanes.fma(minus, d.high, n.high), rest)
    twice_low = builder.fmul(rest, reciprocal)

    s = builder.fmul(twice, lanes.number(0.5))
    z = builder.fmul(s, s)
    series = lanes.polynomial(z, builder.fmul(z, z), RATIO_POLYNOMIAL[lanes.dtype])
    short, long = (lanes.number(value) for value in NATURAL[lanes.dtype].two)
    total = lanes.fma(k, short, twice)
    lost = builder.fadd(twice, lanes.fma(k, short, builder.fneg(total)))
    lost = builder.fadd(lanes.fma(k, long, lost), twice_low)
    return builder.fadd(total, lanes.fma(builder.fmul(s, z), series, lost))
