"""Take the multiples of pi/2 away from numbers of any size.

n is the integer nearest to x*2/pi, and x - n*pi/2 = r + t, where |r| <= pi/4 and t is what r lost.

Up to LIMITS (Cody and Waite, *Software Manual for the Elementary Functions*, 1980), pi/2 is taken
in three parts:

    r = (x - n*P0) - n*P1       the first difference is exact, and so is n*P1
    t = ((x - n*P0) - r) - n*P1 - n*P2

The difference x - n*P0 is a multiple of the last place of P0/2 and at most 1, so it is exact, as
a product inside a fused multiply-add is not rounded.

Beyond, by integers (Payne and Hanek, *Radian reduction for trigonometric functions*, SIGNUM
Newsletter 18, 1983): x is m*2**q, and of the binary digits of 2/pi those count that 2**q puts
between 2 and 3 words (of 32 or 64 bits) behind; the ones before only add multiples of four quarter
turns. The product of m with three words of them, modulo four quarter turns, has n mod 4 in front
and the rest behind it. Its first zeros, at most about 30 in float32 and 62 in float64, are
shifted out.

At the arguments that come nearest to multiples of pi/2, r + t has 28 right binary digits in float32
and 67 in float64; usually it has about as many as two numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llvmlite import ir

from symgrad.emit.llvm.instructions import splat
from symgrad.emit.target import Dtype
from symgrad.emit.vector.lanes import FORMATS, Lanes
from symgrad.emit.vector.rare import replaced

OfRest = Callable[..., Sequence[ir.Value]]
"""(lanes, x, n, r, t) -> values."""

HALF_PI: dict[str, tuple[float, float, float]] = {
    # 53 + 33 + 53 bits, 2^-141.8 away from pi/2; n*HALF_PI[1] is exact for |n| < 2^20.
    "float64": (
        float.fromhex("0x1.921fb54442d18p+0"),
        float.fromhex("0x1.1a626331p-54"),
        float.fromhex("0x1.1701b839a252p-88"),
    ),
    # 24 + 10 + 24 bits, 2^-63.3 away; exact for |n| < 2^14.
    "float32": (
        float.fromhex("0x1.921fb6p+0"),
        float.fromhex("-0x1.778p-25"),
        float.fromhex("0x1.68c234p-39"),
    ),
}
TWO_OVER_PI: dict[str, float] = {
    "float64": float.fromhex("0x1.45f306dc9c883p-1"),
    "float32": float.fromhex("0x1.45f306p-1"),
}
LIMITS: dict[str, float] = {"float64": 2.0**20, "float32": 2.0**13}

DIGITS = 1280
TWO_OVER_PI_DIGITS = int(
    "a2f9836e4e441529fc2757d1f534ddc0db6295993c439041fe5163abdebbc561b7246e3a424dd2e0"
    "06492eea09d1921cfe1deb1cb129a73ee88235f52ebb4484e99c7026b45f7e413991d639835339f4"
    "9c845f8bbdf9283b1ff897ffde05980fef2f118b5a0a6d1f6d367ecf27cb09b74f463f669e5fea2d"
    "7527bac7ebe5f17b3d0739f78a5292ea6bfb5fb11f8d5d0856033046fc7b6babf0cfbc209af4361d",
    16,
)
"""2/pi times 2**DIGITS, rounded down."""


def of_rest(lanes: Lanes, x: ir.Value, name: str, body: OfRest) -> list[ir.Value]:
    """The values of ``body(lanes, x, n, r, t)``, where n, r and t belong to |x|.

    n are integers whose last two bits count; r is nan for infinity and nan. Large numbers, nan
    among them, are rare: their values are computed apart, by the body's code a second time, in a
    function of the ``name``. (Only x and the values live on across the branch then: with r and t
    living on instead, sincos was 40 percent slower for want of registers.)
    """

    def of_large(inner: Lanes, x: ir.Value) -> Sequence[ir.Value]:
        return body(inner, x, *_lane_by_lane(inner, inner.size(x)))

    size = lanes.size(x)
    values = body(lanes, x, *_in_three_parts(lanes, size))
    large = lanes.builder.fcmp_unordered(">", size, lanes.number(LIMITS[lanes.dtype]))
    return replaced(lanes, large, name, of_large, [x], values)


def _in_three_parts(lanes: Lanes, size: ir.Value) -> tuple[ir.Value, ir.Value, ir.Value]:
    """(n, r, t) of numbers up to the limit."""
    builder = lanes.builder
    factors = [lanes.number(value) for value in HALF_PI[lanes.dtype]]
    quadrant, n = lanes.nearest(size, TWO_OVER_PI[lanes.dtype])
    minus_n = builder.fneg(n)
    first = lanes.fma(minus_n, factors[0], size)
    second = builder.fmul(n, factors[1])
    r = builder.fsub(first, second)
    t = builder.fsub(builder.fsub(first, r), second)
    return quadrant, r, lanes.fma(minus_n, factors[2], t)


def _lane_by_lane(lanes: Lanes, size: ir.Value) -> list[ir.Value]:
    """(n modulo 4, r, t) of numbers from the limit on, by calls: vectors would compile slowly.

    Of a smaller number, whose digits the table does not have, those of the limit.
    """
    builder = lanes.builder
    limit = lanes.number(LIMITS[lanes.dtype])
    size = builder.select(builder.fcmp_ordered("<", size, limit), limit, size)
    index = ir.IntType(32)
    function = _define_single(builder.module, lanes.dtype)
    kinds = [lanes.integer, lanes.real, lanes.real]
    results: list[ir.Value] = [ir.Constant(kind, ir.Undefined) for kind in kinds]
    for lane in range(lanes.width):
        chosen = ir.Constant(ir.VectorType(index, 1), [lane])
        found = builder.call(function, [builder.shuffle_vector(size, size, chosen)])
        for place, result in enumerate(results):
            value = builder.extract_element(builder.extract_value(found, place), index(0))
            results[place] = builder.insert_element(result, value, index(lane))
    return results


def _define_single(module: ir.Module, dtype: Dtype) -> ir.Function:
    """The internal function size -> (n modulo 4, r, t) of one lane."""
    layout = FORMATS[dtype]
    symbol = f"sg.reduced.{layout.suffix}"
    if symbol in module.globals:
        return module.globals[symbol]
    kinds = [ir.VectorType(kind, 1) for kind in (layout.integer, layout.real, layout.real)]
    result = ir.LiteralStructType(kinds)
    function = ir.Function(module, ir.FunctionType(result, [kinds[1]]), symbol)
    function.linkage = "internal"
    for attribute in ("noinline", "cold", "nounwind"):
        function.attributes.add(attribute)
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    packed: ir.Value = ir.Constant(result, ir.Undefined)
    for place, value in enumerate(_of_integers(Lanes(builder, 1, dtype), *function.args)):
        packed = builder.insert_value(packed, value, place)
    builder.ret(packed)
    return function


def _of_integers(lanes: Lanes, size: ir.Value) -> tuple[ir.Value, ir.Value, ir.Value]:
    """(n modulo 4, r, t) of numbers from the limit on."""
    builder, layout = lanes.builder, lanes.format
    word, kept = layout.bits, layout.fraction_bits + 1
    wide = ir.VectorType(ir.IntType(2 * word), lanes.width)

    def double(value: int) -> ir.Constant:
        return splat(wide, value)

    bits = lanes.as_bits(size)
    fraction = builder.and_(bits, lanes.bits(layout.fraction_mask))
    mantissa = builder.zext(builder.or_(fraction, lanes.bits(layout.fraction_mask + 1)), wide)
    exponent = builder.lshr(bits, lanes.bits(layout.fraction_bits))
    # The first digit that counts is that of 2**(2 - q); a word of zeros stands before them all.
    place = builder.add(exponent, lanes.bits(word - 2 - layout.bias - layout.fraction_bits))
    high, middle, low = _digits(lanes, place)

    # Modulo three words, without the lowest of the product.
    bottom = builder.lshr(builder.mul(mantissa, builder.zext(low, wide)), double(word))
    total = builder.add(builder.mul(mantissa, builder.zext(middle, wide)), bottom)
    top = builder.shl(builder.mul(mantissa, builder.zext(high, wide)), double(word))
    total = builder.add(total, top)

    nearest = builder.add(total, double(1 << (2 * word - 3)))
    quadrant = builder.lshr(nearest, double(2 * word - 2))
    rest = builder.sub(total, builder.shl(quadrant, double(2 * word - 2)))
    negative = builder.icmp_signed("<", rest, double(0))
    rest = builder.select(negative, builder.sub(double(0), rest), rest)
    zeros = builder.call(
        _intrinsic(builder.module, "ctlz", wide, [wide, ir.IntType(1)]),
        [rest, ir.Constant(ir.IntType(1), 0)],
    )
    rest = builder.shl(rest, zeros)
    pieces = []
    for piece in (1, 2):
        digits = builder.lshr(rest, double(2 * word - piece * kept))
        digits = builder.and_(digits, double((1 << kept) - 1))
        pieces.append(builder.sitofp(builder.trunc(digits, lanes.integer), lanes.real))
    # The rest is (first + second*2**-kept) * 2**(2 - kept - zeros) quarter turns.
    power = builder.sub(lanes.bits(layout.bias + 2 - kept), builder.trunc(zeros, lanes.integer))
    scale = builder.shl(power, lanes.bits(layout.fraction_bits))
    scale = builder.or_(scale, builder.select(negative, lanes.bits(layout.sign_bit), lanes.bits(0)))
    scale = lanes.as_real(scale)
    first = builder.fmul(pieces[0], scale)
    second = builder.fmul(builder.fmul(pieces[1], lanes.number(2.0**-kept)), scale)
    whole, part, _ = (lanes.number(value) for value in HALF_PI[lanes.dtype])
    most = builder.fmul(first, whole)
    lost = lanes.fma(first, whole, builder.fneg(most))
    lost = lanes.fma(second, whole, lanes.fma(first, part, lost))
    r = builder.fadd(most, lost)
    t = builder.fadd(builder.fsub(most, r), lost)
    finite = builder.fcmp_ordered("<", size, lanes.number(float("inf")))
    r = builder.select(finite, r, lanes.number(float("nan")))
    return builder.trunc(quadrant, lanes.integer), r, t


def _digits(lanes: Lanes, place: ir.Value) -> list[ir.Value]:
    """Three words of the digits of 2/pi from the place on, counted from a word of zeros."""
    builder, word = lanes.builder, lanes.format.bits
    table = _define_table(builder.module, lanes.dtype)
    index = builder.lshr(place, lanes.bits(word.bit_length() - 1))
    index = builder.extract_element(index, ir.IntType(32)(0))
    found = []
    for offset in range(4):
        position = builder.add(index, lanes.format.integer(offset))
        address = builder.gep(table, [lanes.format.integer(0), position])
        value = builder.load(address)
        none = ir.Constant(lanes.integer, ir.Undefined)
        found.append(builder.insert_element(none, value, ir.IntType(32)(0)))
    shift = _intrinsic(builder.module, "fshl", lanes.integer, [lanes.integer] * 3)
    return [builder.call(shift, [found[i], found[i + 1], place]) for i in range(3)]


def _define_table(module: ir.Module, dtype: Dtype) -> ir.GlobalVariable:
    """The digits of 2/pi in words after one of zeros, as many as any number needs, nan too."""
    layout = FORMATS[dtype]
    symbol = f"sg.two_over_pi.{layout.suffix}"
    if symbol in module.globals:
        return module.globals[symbol]
    word = layout.bits
    last = (layout.bias + 1 + word - 2 - layout.fraction_bits) // word
    ends = range(word, word * (last + 4), word)
    words = [TWO_OVER_PI_DIGITS >> (DIGITS - end) & ((1 << word) - 1) for end in ends]
    kind = ir.ArrayType(layout.integer, len(words) + 1)
    table = ir.GlobalVariable(module, kind, symbol)
    table.linkage = "internal"
    table.global_constant = True
    table.initializer = ir.Constant(kind, [0, *words])
    return table


def _intrinsic(
    module: ir.Module, name: str, kind: ir.VectorType, arguments: list[ir.Type]
) -> ir.Function:
    """The declaration of an operation on vectors of integers."""
    symbol = f"llvm.{name}.v{kind.count}i{kind.element.width}"
    return module.globals.get(symbol) or ir.Function(
        module, ir.FunctionType(kind, arguments), symbol
    )
