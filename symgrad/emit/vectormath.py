"""Our own vector mathematics, emitted as LLVM IR: sin and cos together, exp and log, within 1 ulp.

``define_sincos``, ``define_sin``, ``define_cos``, ``define_exp`` and ``define_log`` add one
internal function on ``<W x double>`` to a module and return it. W is 2, 4 or 8; which of them is
fast is the caller's business, the results are the same bits for all three and on every CPU: the
instructions are IEEE additions, multiplications, divisions, ``llvm.fma`` and integer operations,
without fast-math flags. (Only sin and cos of |x| > 2^20 depend on the C library, which computes
them.) A lane's result never depends on its neighbours.

Every double argument gets a result within 1 ulp of the real function, subnormal arguments and
results, signed zeros, infinities and nan included. Largest errors seen over some twenty million
arguments (``benchmarks/vector_math.py``): sin and cos 0.89, exp 0.72 and 0.79 where the result is
subnormal, log 0.75 ulp.

Method (Cody and Waite, *Software Manual for the Elementary Functions*, 1980; Tang, ACM TOMS 15,
1989; the splitting of log is that of fdlibm's e_log.c): a multiple of pi/2 or ln 2 is taken away in
two or three parts, the first of them exactly, because a product inside a fused multiply-add is
not rounded; the rest is a polynomial, and what roundings lost on the way is added back to its
small terms.

Coefficients are our own: minimax polynomials by the Remez exchange in 60-digit arithmetic (mpmath),
leading terms that have an exact value kept fixed (1 + r + r^2/2 of exp, r of sin, 1 - r^2/2 of
cos, 2s of log), the error divided by the function, so relative. For sin, cos and log each
coefficient was rounded to double in turn from the lowest order and the remaining ones fitted again;
those of exp were rounded at once. The relative error that each polynomial is left with stands
beside it, and the tests measure it again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from llvmlite import ir

# pi/2 in 53 + 33 + 53 bits, 2^-141.8 away from it; n*HALF_PI[1] is exact for |n| < 2^20.
HALF_PI = (float.fromhex("0x1.921fb54442d18p+0"), float.fromhex("0x1.1a626331p-54"),
           float.fromhex("0x1.1701b839a252p-88"))  # fmt: skip
TWO_OVER_PI = float.fromhex("0x1.45f306dc9c883p-1")
SINCOS_LIMIT = 1048576.0  # 2^20; a larger |x| goes to libm, lane by lane

# ln 2 in 53 + 53 bits for exp, and in 42 + 53 bits for log, where k*LN2_SHORT[0] has to be exact.
LN2 = (float.fromhex("0x1.62e42fefa39efp-1"), float.fromhex("0x1.abc9e3b39803fp-56"))
LN2_SHORT = (float.fromhex("0x1.62e42fefa38p-1"), float.fromhex("0x1.ef35793c7673p-45"))
ONE_OVER_LN2 = float.fromhex("0x1.71547652b82fep+0")
EXP_HIGHEST, EXP_LOWEST = 710.0, -746.0  # beyond them exp is inf and 0

# fmt: off
SIN_POLYNOMIAL = (  # (sin(r)/r - 1)/r^2 in r^2, |r| <= pi/4: 2^-57.9
    -0.1666666666666663, 0.00833333333332184, -0.0001984126982935853,
    2.7557313538516178e-06, -2.505073438971207e-08, 1.5895433324470326e-10)
COS_POLYNOMIAL = (  # (cos(r) - 1 + r^2/2)/r^4 in r^2, |r| <= pi/4: 2^-63.9
    0.041666666666666595, -0.0013888888888873342, 2.480158728900208e-05,
    -2.7557314217038834e-07, 2.087570539601541e-09, -1.1358749238343747e-11)
EXP_POLYNOMIAL = (  # (exp(r) - 1 - r)/r^2 in r, |r| <= ln(2)/2: 2^-57.2
    0.5, 0.16666666666666433, 0.041666666666604, 0.008333333333499917, 0.0013888888926778607,
    0.000198412694664254, 2.4801508706755843e-05, 2.7557640742311344e-06,
    2.762517647016652e-07, 2.497839774151907e-08)
LOG_POLYNOMIAL = (  # (log((1+s)/(1-s))/s - 2)/s^2 in s^2, |s| <= 3 - sqrt(8): 2^-59.5
    0.6666666666666734, 0.39999999999417046, 0.2857142874189255, 0.22222198621636044,
    0.18183561905237838, 0.1531411040419311, 0.14795368918880838)
# fmt: on

# Adding 1.5*2^52 rounds to an integer, which then stands in the low bits of the sum.
ROUNDER = 6755399441055744.0
SIGN_BIT = 1 << 63
ABSOLUTE_BITS = SIGN_BIT - 1
EXPONENT_BITS = 0x7FF << 52
FRACTION_BITS = (1 << 52) - 1


@dataclass(frozen=True, slots=True)
class Lanes:
    """The instructions of one width; operands are ``<width x double>`` or ``<width x i64>``."""

    builder: ir.IRBuilder
    width: int

    @property
    def real(self) -> ir.VectorType:
        """The type ``<width x double>``."""
        return ir.VectorType(ir.DoubleType(), self.width)

    @property
    def integer(self) -> ir.VectorType:
        """The type ``<width x i64>``."""
        return ir.VectorType(ir.IntType(64), self.width)

    def number(self, value: float) -> ir.Constant:
        """The double ``value`` in every lane."""
        return ir.Constant(self.real, [value] * self.width)

    def bits(self, value: int) -> ir.Constant:
        """The 64-bit integer ``value`` in every lane."""
        return ir.Constant(self.integer, [value] * self.width)

    def as_bits(self, value: ir.Value) -> ir.Value:
        """The bits of doubles as integers."""
        return self.builder.bitcast(value, self.integer)

    def as_real(self, value: ir.Value) -> ir.Value:
        """The doubles whose bits the integers are."""
        return self.builder.bitcast(value, self.real)

    def fma(self, a: ir.Value, b: ir.Value, c: ir.Value) -> ir.Value:
        """a*b + c, rounded once."""
        name = f"llvm.fma.v{self.width}f64"
        fused = self.builder.module.globals.get(name) or ir.Function(
            self.builder.module, ir.FunctionType(self.real, [self.real] * 3), name
        )
        return self.builder.call(fused, [a, b, c])

    def nearest(self, x: ir.Value, factor: float) -> tuple[ir.Value, ir.Value]:
        """x*factor rounded to an integer, as (bits that end in that integer, double)."""
        shifted = self.fma(x, self.number(factor), self.number(ROUNDER))
        return self.as_bits(shifted), self.builder.fsub(shifted, self.number(ROUNDER))

    def polynomial(
        self, x: ir.Value, square: ir.Value, coefficients: tuple[float, ...]
    ) -> ir.Value:
        """Sum of coefficients[i]*x^i, the same in every lane."""
        return self.sum_of_powers(x, square, [self.number(value) for value in coefficients])

    def sum_of_powers(
        self, x: ir.Value, square: ir.Value, coefficients: Sequence[ir.Value]
    ) -> ir.Value:
        """Sum of coefficients[i]*x^i: Horner's rule in x^2 for the even and the odd powers apart.

        As many operations as in one chain, half the latency.
        """
        totals = []
        for half in (coefficients[0::2], coefficients[1::2]):
            total = half[-1]
            for coefficient in reversed(half[:-1]):
                total = self.fma(total, square, coefficient)
            totals.append(total)
        return self.fma(totals[1], x, totals[0])

    def any(self, condition: ir.Value) -> ir.Value:
        """Whether an ``<width x i1>`` holds in some lane."""
        mask = ir.IntType(self.width)
        return self.builder.icmp_unsigned(
            "!=", self.builder.bitcast(condition, mask), ir.Constant(mask, 0)
        )


def define_sincos(module: ir.Module, width: int, *, inline: bool) -> ir.Function:
    """Define (sin x, cos x) of every lane, x in radians, as ``{<W x double>, <W x double>}``."""
    real = ir.VectorType(ir.DoubleType(), width)
    both = ir.LiteralStructType([real, real])

    def body(lanes: Lanes, x: ir.Value) -> ir.Value:
        return _pair(lanes.builder, both, *_sincos(lanes, x, ("sin", "cos")))

    return define_lanewise(module, "sincos", width, both, body, inline=inline)


def define_sin(module: ir.Module, width: int, *, inline: bool) -> ir.Function:
    """Define sin x of every lane, the same bits as the first result of ``define_sincos``."""

    def body(lanes: Lanes, x: ir.Value) -> ir.Value:
        return _sincos(lanes, x, ("sin",))[0]

    return define_lanewise(module, "sin", width, None, body, inline=inline)


def define_cos(module: ir.Module, width: int, *, inline: bool) -> ir.Function:
    """Define cos x of every lane, the same bits as the second result of ``define_sincos``."""

    def body(lanes: Lanes, x: ir.Value) -> ir.Value:
        return _sincos(lanes, x, ("cos",))[0]

    return define_lanewise(module, "cos", width, None, body, inline=inline)


def define_exp(module: ir.Module, width: int, *, inline: bool) -> ir.Function:
    """Define e**x of every lane; inf above 709.78, 0 below -745.13, subnormal in between."""
    return define_lanewise(module, "exp", width, None, _exp, inline=inline)


def define_log(module: ir.Module, width: int, *, inline: bool) -> ir.Function:
    """Define the natural logarithm of every lane; -inf at 0, nan below."""
    return define_lanewise(module, "log", width, None, _log, inline=inline)


def define_lanewise(
    module: ir.Module,
    name: str,
    width: int,
    result: ir.Type | None,
    body: Callable[[Lanes, ir.Value], ir.Value],
    *,
    inline: bool,
) -> ir.Function:
    """The internal function ``sg.<name>.v<width>``, made from ``body`` unless the module has it."""
    symbol = f"sg.{name}.v{width}" + (".inline" if inline else "")
    if symbol in module.globals:
        return module.globals[symbol]
    real = ir.VectorType(ir.DoubleType(), width)
    function = ir.Function(module, ir.FunctionType(result or real, [real]), symbol)
    function.linkage = "internal"
    function.attributes.add("alwaysinline" if inline else "noinline")
    function.attributes.add("nounwind")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    builder.ret(body(Lanes(builder, width), function.args[0]))
    return function


def _pair(builder: ir.IRBuilder, kind: ir.Type, first: ir.Value, second: ir.Value) -> ir.Value:
    """The struct (first, second)."""
    return builder.insert_value(
        builder.insert_value(ir.Constant(kind, ir.Undefined), first, 0), second, 1
    )


def _sincos(lanes: Lanes, x: ir.Value, wanted: tuple[str, ...]) -> list[ir.Value]:
    """The wanted ones of sin x and cos x: reduction by pi/2, two polynomials, quadrant, huge lanes.

    n is the integer nearest to x*2/pi and r + t = x - n*pi/2 to about 2^-120, |r| <= pi/4:

        r = (x - n*P0) - n*P1       the difference is exact (a multiple of 2^-53 below 1)
        t = ((x - n*P0) - r) - n*P1 - n*P2
        sin(r + t) = r + (r^3 S(r^2) + t)
        cos(r + t) = w + (e + r^4 C(r^2) - r*t)   with w + e = 1 - r^2/2 and w rounded
    """
    builder = lanes.builder
    entry = builder.block
    size = lanes.as_real(builder.and_(lanes.as_bits(x), lanes.bits(ABSOLUTE_BITS)))
    quadrant, n = lanes.nearest(size, TWO_OVER_PI)
    minus_n = builder.fneg(n)
    first = lanes.fma(minus_n, lanes.number(HALF_PI[0]), size)
    r = lanes.fma(minus_n, lanes.number(HALF_PI[1]), first)
    tail = lanes.fma(minus_n, lanes.number(HALF_PI[1]), builder.fsub(first, r))
    tail = lanes.fma(minus_n, lanes.number(HALF_PI[2]), tail)

    square = builder.fmul(r, r)
    fourth = builder.fmul(square, square)
    sine = lanes.polynomial(square, fourth, SIN_POLYNOMIAL)
    sine = builder.fadd(r, lanes.fma(builder.fmul(r, square), sine, tail))
    one = lanes.number(1.0)
    minus_half = builder.fmul(r, lanes.number(-0.5))
    top = lanes.fma(minus_half, r, one)
    rest = lanes.fma(minus_half, r, builder.fsub(one, top))
    rest = lanes.fma(builder.fneg(r), tail, rest)
    cosine = lanes.polynomial(square, fourth, COS_POLYNOMIAL)
    cosine = builder.fadd(top, lanes.fma(fourth, cosine, rest))

    odd = builder.icmp_unsigned("!=", builder.and_(quadrant, lanes.bits(1)), lanes.bits(0))
    results = []
    for name in wanted:
        # sin changes sign in quadrants 2 and 3 and with x, cos in quadrants 1 and 2.
        if name == "sin":
            value = builder.select(odd, cosine, sine)
            turned = builder.xor(builder.shl(quadrant, lanes.bits(62)), lanes.as_bits(x))
        else:
            value = builder.select(odd, sine, cosine)
            turned = builder.shl(builder.add(quadrant, lanes.bits(1)), lanes.bits(62))
        sign = builder.and_(turned, lanes.bits(SIGN_BIT))
        results.append(lanes.as_real(builder.xor(lanes.as_bits(value), sign)))

    # nan is nan already, and infinity is huge.
    huge = builder.fcmp_ordered(">", size, lanes.number(SINCOS_LIMIT))
    slow = builder.append_basic_block("huge")
    done = builder.append_basic_block("done")
    builder.cbranch(lanes.any(huge), slow, done).set_weights([1, 1 << 20])
    builder.position_at_end(slow)
    function = _define_huge(builder.module, lanes.width, wanted)
    patched = builder.call(function, [x, *results])
    replacements = [builder.extract_value(patched, index) for index in range(len(wanted))]
    builder.branch(done)
    builder.position_at_end(done)
    chosen = []
    for value, replacement in zip(results, replacements, strict=True):
        phi = builder.phi(lanes.real)
        phi.add_incoming(value, entry)
        phi.add_incoming(replacement, slow)
        chosen.append(phi)
    return chosen


def _define_huge(module: ir.Module, width: int, wanted: tuple[str, ...]) -> ir.Function:
    """The internal function that puts libm's results where |x| > SINCOS_LIMIT."""
    symbol = f"sg.{''.join(wanted)}.huge.v{width}"
    if symbol in module.globals:
        return module.globals[symbol]
    real = ir.VectorType(ir.DoubleType(), width)
    kind = ir.LiteralStructType([real] * len(wanted))
    function = ir.Function(module, ir.FunctionType(kind, [real] * (1 + len(wanted))), symbol)
    function.linkage = "internal"
    function.attributes.add("noinline")
    function.attributes.add("cold")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    x, *results = function.args
    for lane in range(width):
        index = ir.Constant(ir.IntType(32), lane)
        argument = builder.extract_element(x, index)
        size = builder.call(_scalar(module, "llvm.fabs.f64"), [argument])
        limit = ir.Constant(ir.DoubleType(), SINCOS_LIMIT)
        before = builder.block
        with builder.if_then(builder.fcmp_ordered(">", size, limit)):
            patched = [
                builder.insert_element(
                    value, builder.call(_scalar(module, f"llvm.{name}.f64"), [argument]), index
                )
                for name, value in zip(wanted, results, strict=True)
            ]
            inside = builder.block
        merged = []
        for value, replacement in zip(results, patched, strict=True):
            phi = builder.phi(real)
            phi.add_incoming(value, before)
            phi.add_incoming(replacement, inside)
            merged.append(phi)
        results = merged
    packed: ir.Value = ir.Constant(kind, ir.Undefined)
    for position, value in enumerate(results):
        packed = builder.insert_value(packed, value, position)
    builder.ret(packed)
    return function


def _scalar(module: ir.Module, name: str) -> ir.Function:
    """The declaration of an intrinsic double -> double."""
    double = ir.DoubleType()
    return module.globals.get(name) or ir.Function(module, ir.FunctionType(double, [double]), name)


def _exp(lanes: Lanes, x: ir.Value) -> ir.Value:
    """e**x = 2**k e**r with k the integer nearest to x/ln 2 and r = x - k*ln 2.

    a = x - k*L0 is exact, r = a - k*L1, and the terms are added from s = 1 + a and what that lost:
    e**r = s + (r^2 E(r) + ((a - (s - 1)) - k*L1)). 2**k is applied in two halves, so that a result
    may be subnormal or infinite; only the last product can round.
    """
    builder = lanes.builder
    high, low = lanes.number(EXP_HIGHEST), lanes.number(EXP_LOWEST)
    x = builder.select(builder.fcmp_ordered("<", high, x), high, x)  # nan stays
    x = builder.select(builder.fcmp_ordered(">", low, x), low, x)
    bits, k = lanes.nearest(x, ONE_OVER_LN2)
    minus_k = builder.fneg(k)
    a = lanes.fma(minus_k, lanes.number(LN2[0]), x)
    r = lanes.fma(minus_k, lanes.number(LN2[1]), a)
    one = lanes.number(1.0)
    s = builder.fadd(a, one)
    lost = lanes.fma(minus_k, lanes.number(LN2[1]), builder.fsub(a, builder.fsub(s, one)))
    square = builder.fmul(r, r)
    series = lanes.fma(square, lanes.polynomial(r, square, EXP_POLYNOMIAL), lost)
    mantissa = builder.fadd(s, series)

    # Biased, k + 2046 is positive; its upper half and the rest are two exponent fields.
    biased = builder.add(bits, lanes.bits(2046))
    upper = builder.and_(builder.shl(biased, lanes.bits(51)), lanes.bits(EXPONENT_BITS))
    lower = builder.sub(builder.shl(biased, lanes.bits(52)), upper)
    return builder.fmul(builder.fmul(mantissa, lanes.as_real(upper)), lanes.as_real(lower))


def _log(lanes: Lanes, x: ir.Value) -> ir.Value:
    """The sum k*ln 2 + log(1 + f), where x = 2**k (1 + f) and 1 + f in [1/sqrt(2), sqrt(2)).

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
    mantissa = builder.add(builder.and_(shifted, lanes.bits(FRACTION_BITS)), lanes.bits(start))
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
