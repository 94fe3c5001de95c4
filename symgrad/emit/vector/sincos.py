"""sin and cos of every lane, float64, together or alone: within 1 ulp for every argument.

Only sin and cos of |x| > 2^20 depend on the C library, which computes them. The largest error seen
over some twenty million arguments (``benchmarks/vector_math.py``) is 0.89 ulp.

Method (Cody and Waite, *Software Manual for the Elementary Functions*, 1980): a multiple of pi/2
is taken away in three parts, the first of them exactly, because a product inside a fused
multiply-add is not rounded; the rest is a polynomial, and what roundings lost on the way is added
back to its small terms.

Coefficients are our own: minimax polynomials by the Remez exchange in 60-digit arithmetic (mpmath),
leading terms that have an exact value kept fixed (r of sin, 1 - r^2/2 of cos), the error divided by
the function, so relative. Each coefficient was rounded to double in turn from the lowest order and
the remaining ones fitted again. The relative error that each polynomial is left with stands beside
it, and the tests measure it again.
"""

from __future__ import annotations

from llvmlite import ir

from symgrad.emit.vector.lanes import Lanes

# pi/2 in 53 + 33 + 53 bits, 2^-141.8 away from it; n*HALF_PI[1] is exact for |n| < 2^20.
HALF_PI = (float.fromhex("0x1.921fb54442d18p+0"), float.fromhex("0x1.1a626331p-54"),
           float.fromhex("0x1.1701b839a252p-88"))  # fmt: skip
TWO_OVER_PI = float.fromhex("0x1.45f306dc9c883p-1")
SINCOS_LIMIT = 1048576.0  # 2^20; a larger |x| goes to libm, lane by lane

# fmt: off
SIN_POLYNOMIAL = (  # (sin(r)/r - 1)/r^2 in r^2, |r| <= pi/4: 2^-57.9
    -0.1666666666666663, 0.00833333333332184, -0.0001984126982935853,
    2.7557313538516178e-06, -2.505073438971207e-08, 1.5895433324470326e-10)
COS_POLYNOMIAL = (  # (cos(r) - 1 + r^2/2)/r^4 in r^2, |r| <= pi/4: 2^-63.9
    0.041666666666666595, -0.0013888888888873342, 2.480158728900208e-05,
    -2.7557314217038834e-07, 2.087570539601541e-09, -1.1358749238343747e-11)
# fmt: on


def sincos(lanes: Lanes, x: ir.Value) -> ir.Value:
    """(sin x, cos x) of every lane, x in radians."""
    return lanes.pair(*_sincos(lanes, x, ("sin", "cos")))


def sin(lanes: Lanes, x: ir.Value) -> ir.Value:
    """The sine of every lane, the same bits as the first result of ``sincos``."""
    return _sincos(lanes, x, ("sin",))[0]


def cos(lanes: Lanes, x: ir.Value) -> ir.Value:
    """The cosine of every lane, the same bits as the second result of ``sincos``."""
    return _sincos(lanes, x, ("cos",))[0]


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
    size = lanes.size(x)
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
        sign = builder.and_(turned, lanes.bits(lanes.format.sign_bit))
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
