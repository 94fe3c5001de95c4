"""erf, exp and log for CPUs with AVX-512, by tables that stand in registers.

``define_erf``, ``define_exp`` and ``define_log`` add one internal function on ``<W x double>``, W a
multiple of 8, to a module and return it. ``supports`` says where they pay; elsewhere exp and log
are those of ``vectormath.py``, whose last bits may differ. There are no branches, and no lane's
result depends on its neighbours. Every argument gets a result within 1 ulp; the largest errors seen
over some forty million arguments of every scale each, by 64-bit and 50-digit arithmetic: erf 0.83
(near 0.403), exp 0.66 and 0.80 where the result is subnormal, log 0.80 (near 1.12).

The instruction ``vpermpd`` picks for eight lanes a double each out of eight, ``vpermi2pd`` out of
sixteen, at the price of a multiplication; loading from a table in memory costs several times that.

erf: |x| below 6 lies in one of eight intervals, whose ends are those of the quarters of a binade
of y = 0.625|x| + 1.25, so that the interval's number is three bits of y:

    |x| from   0    0.4    0.8    1.2    2.0    2.8    3.6    4.4    to 6

On each of them erf(c + t) = c0 + (c1 t + t^2 (c2 + c3 t + ... + c15 t^13)). On the first interval
c and c0 are 0. On the others t = |x| - c is exact (Sterbenz) and erf(c) is a double to within 2^-9
of its last place, so that two roundings count: of the bracket, which is less than half of the
result, and of the sum. The polynomials leave a relative error of 2^-56.1. NIST DLMF 7.2.1.

exp: e**x = 2**n e**r with n the multiple of 1/16 nearest to x/ln 2. The table has 2**(n - floor n)
as a sum of two doubles, and ``vscalefpd`` multiplies by 2**floor n, rounding once where the result
is subnormal (Tang, ACM TOMS 15, 1989). |r| <= ln(2)/32, so the polynomial is short; it leaves
2^-56.2.

log: ``vgetmantpd`` and ``vgetexppd`` give x = 2**k m with m in [0.75, 1.5), subnormal x included.
With a tabulated f near 1/m of six bits after the point, log x = k*ln 2 - log f + log(1 + r), where
r = m*f - 1 loses a quarter of the result's last place at most; f is 1 on both sides of 1, where
nothing is lost. The table has -log f as a sum of two numbers, the first a multiple of 2^-42, so
that adding it to k times the first part of ln 2 is exact. |r| <= 1/16, and the polynomial leaves
2^-56.1. ``vfixupimmpd`` then puts in the results of zero, negative, infinite and nan arguments.

The coefficients are our own: ``benchmarks/lookup_coefficients.py`` makes them and says how.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from llvmlite import ir

from symgrad.emit.vectormath import (
    ABSOLUTE_BITS,
    EXP_HIGHEST,
    EXP_LOWEST,
    LN2,
    LN2_SHORT,
    ONE_OVER_LN2,
    SIGN_BIT,
    Lanes,
    define_lanewise,
)

LOOKUP_LANES = 8
REAL = ir.VectorType(ir.DoubleType(), LOOKUP_LANES)
INTEGER = ir.VectorType(ir.IntType(64), LOOKUP_LANES)
FEATURE = "avx512f"
PERMUTE = "llvm.x86.avx512.permvar.df.512"
PERMUTE_TWO = "llvm.x86.avx512.vpermi2var.pd.512"
SCALE = "llvm.x86.avx512.mask.scalef.pd.512"
EXPONENT = "llvm.x86.avx512.mask.getexp.pd.512"
MANTISSA = "llvm.x86.avx512.mask.getmant.pd.512"
REPAIR = "llvm.x86.avx512.mask.fixupimm.pd.512"
PRESENT_ROUNDING = 4  # the mode that the CPU is set to
FROM_THREE_QUARTERS = 0b1011  # a mantissa in [0.75, 1.5), nan for negative numbers
LOG_REPAIRS = 0x03530422
"""What takes the place of log x, four bits for each kind of x, from the lowest: quiet nan and
signalling nan (2: that nan), zero (4: -inf), one (0: as computed), -inf (3: nan), +inf (5: +inf),
negative (3: nan), positive (0: as computed)."""

# The interval's number: the last exponent bit and the first two of the fraction of a|x| + b.
INDEX_FACTOR = 0.625
INDEX_OFFSET = 1.25
INDEX_BITS = 2
INTERVALS = 8
DEGREE = 15
FIRST_INDEX = 5  # of the interval at 0: 1.25 is 0x3ff4..., its bits 1, 01

# erf of it is nearer to 1 than to the double before; 0.625*6 + 1.25 would be the first index again.
LARGEST = 5.984375

# Rows c, c0, c1, ..., c15; a column for each interval.
# fmt: off
TABLE: tuple[tuple[float, ...], ...] = (
    (0.0, 0.5998649597167969, 1.0004491806030273, 1.600332260131836, 2.400144577026367,
     3.2002029418945312, 4.000075340270996, 5.200043678283691),
    (0.0, 0.6037497726584933, 0.8428871674448475, 0.9763773506798655, 0.9993119999901329,
     0.999993982411618, 0.9999999845923061, 0.9999999999998076),
    (1.1283791670955126, 0.7873709991839803, 0.41473466472705867, 0.08713635353825167,
     0.0035531819500559518, 4.0245328148741183e-05, 1.269058339830929e-07, 2.036702372134649e-12),
    (1.3655976473629e-14, -0.4723162727076723, -0.41492095549385716, -0.13944711759751086,
     -0.008528150388614165, -0.00012879321753931324, -5.076328969685109e-07,
     -1.0592562876328065e-11),
    (-0.3761263890340092, -0.07357301179377161, 0.1384933317168964, 0.11972902940302801,
     0.012461468621517053, 0.0002613611797269562, 1.3114112776078552e-06, 3.604010406772172e-11),
    (1.3754355185023893e-10, 0.17950569344708842, 0.06902921504706563, -0.04932074158244238,
     -0.012111946370751801, -0.00037527333558475863, -2.4536609998068615e-06,
     -9.011012655619643e-11),
    (0.1128379121468962, -0.020999766682037856, -0.0691720881710773, -0.0043468792803271344,
     0.00788972837278988, 0.0004019719791396257, 3.532508145827343e-06, 1.766784478373278e-10),
    (9.081233298043392e-08, -0.043669176837804594, 0.004659928960526075, 0.015471014855680304,
     -0.0030823105518907375, -0.0003287244156180236, -4.055789590187469e-06,
     -2.830727768369157e-10),
    (-0.02686734255021352, 0.012484403346463986, 0.015137538881315462, -0.006038961411510751,
     0.00023520495964115106, 0.00020485948219766103, 3.7942024619142225e-06,
     3.779075150964776e-10),
    (1.0269003938135863e-05, 0.007485440373507922, -0.004784640457264589, -0.0008991326227391588,
     0.0005193635048849323, -9.345698963413939e-05, -2.9251839878437833e-06,
     -4.251833148586191e-10),
    (0.005161260105101041, -0.0034253096499879962, -0.0018797029192751077, 0.0014940013931228372,
     -0.0003227451198786774, 2.6628758651094613e-05, 1.862444376540502e-06, 4.208368943870184e-10),
    (0.0002698354501449748, -0.0009197446383614975, 0.0012266972779215362, -0.00031831554518267597,
     6.25975729387653e-05, -4.29505512003897e-07, -9.698650526240273e-07, -3.805918286273815e-10),
    (-0.001669386941195431, 0.000659349745792168, 8.520528031310133e-05, -0.0001518624891194318,
     2.5498888336758224e-05, -4.1078434158129995e-06, 4.006628259275924e-07,
     2.825687590193707e-10),
    (0.0016882796249284848, 7.230018182289141e-05, -0.00019973228466092788, 8.859662893983256e-05,
     -1.969878162985212e-05, 2.2605344733007266e-06, -1.206775357602213e-07,
     -1.526157438750477e-10),
    (-0.0021669201108378356, -7.643077059485226e-05, 6.493000945284054e-06, -3.381687652634494e-07,
     3.658604731863731e-06, -5.315818638697731e-07, 1.7488145139619466e-08, 9.561060304379845e-11),
    (0.0018236126947805173, 6.490046293804351e-06, 2.1839513285415387e-05, -1.1068194234341438e-05,
     1.398408913900801e-06, -7.246590488156065e-08, 7.48416170474678e-09, -8.447592524792208e-11),
    (-0.0006626347961764382, -0.00013730639359839136, 7.522112809182635e-05,
     2.2173048120076356e-06, -8.349731110313908e-07, 8.971669900397268e-08, -5.494345449910929e-09,
     3.546640428104321e-11),
)

# 2**(j/16) rounded, and what that lost.
POWERS = (
    (1.0, 1.0442737824274138, 1.0905077326652577, 1.1387886347566916, 1.189207115002721,
     1.241857812073484, 1.2968395546510096, 1.3542555469368927, 1.4142135623730951,
     1.4768261459394993, 1.5422108254079407, 1.6104903319492543, 1.681792830507429,
     1.7562521603732995, 1.8340080864093424, 1.9152065613971474),
    (0.0, 8.551889705537965e-17, -3.046782079812471e-17, 8.912812676025408e-17,
     3.982015231465646e-17, 4.658027591836937e-17, 2.5382502794888315e-17, 7.70094837980299e-17,
     -9.667293313452913e-17, -3.483994556892796e-17, 7.949834809697621e-17, 2.4707192569797888e-17,
     8.199010020581497e-17, 2.960140695448873e-17, 3.283107224245627e-17, -1.0619946056195963e-16),
)
EXP_POLYNOMIAL = (  # (exp(r) - 1 - r)/r^2 in r, |r| <= ln(2)/32
    0.5, 0.1666666666442967, 0.04166666667414612, 0.008333471646985871, 0.0013888821266414828)

# Factors f, eight for the sixteenths from 1 on and eight for the 32nds from 3/4 on; -log f in two.
LOGARITHMS = (
    (1.0, 0.921875, 0.859375, 0.828125, 0.78125, 0.75, 0.71875, 0.6875, 1.3125, 1.25, 1.203125,
     1.15625, 1.125, 1.078125, 1.046875, 1.0),
    (0.0, 0.08134563945395712, 0.151549898127314, 0.18859116980752333, 0.2468600779316148,
     0.28768207245184385, 0.33024168687052224, 0.3746934494413381, -0.2719337154835557,
     -0.22314355131425145, -0.18492233849406148, -0.14518200984457508, -0.11778303565643,
     -0.07522342123752424, -0.0458095360313564, 0.0),
    (0.0, -4.713370778300984e-15, -1.1307104809870373e-13, 2.6693431578015818e-14,
     -8.899851356560444e-14, -6.292357389008195e-14, 5.4612144489920215e-14, 7.260466149925637e-14,
     -8.604306772808733e-14, 4.169796584527195e-14, 4.9485167661250996e-14, 7.718001336828099e-14,
     4.654729747598445e-14, -6.329065958724544e-14, 6.219834199475792e-14, 0.0),
)
LOG_POLYNOMIAL = (  # (log(1 + r) - r)/r^2 in r, -0.0333 <= r <= 1/16
    -0.5, 0.33333333333351556, -0.25000000000140093, 0.19999999917144362, -0.1666666544279841,
    0.14285819681159614, -0.12502339826860207, 0.11079439574925423, -0.08784393386557009)
# fmt: on

# Adding 1.5*2^48 rounds to a multiple of 1/16, whose last four bits are those of the sum.
SIXTEENTH_ROUNDER = 1.5 * 2.0**48


def supports(width: int, features: Collection[str]) -> bool:
    """Whether a CPU with ``features`` has the permutation that vectors of ``width`` lanes need.

    >>> supports(8, {"avx512f"}), supports(8, {"avx2"}), supports(4, {"avx512f"})
    (True, False, False)
    """
    return FEATURE in features and width % LOOKUP_LANES == 0


def define_erf(module: ir.Module, width: int, *, inline: bool) -> ir.Function:
    """Define erf x of every lane, where ``supports`` holds for the module's CPU."""
    return define_lanewise(module, "erf", width, None, _erf, inline=inline)


def define_exp(module: ir.Module, width: int, *, inline: bool) -> ir.Function:
    """Define e**x of every lane, where ``supports`` holds for the module's CPU."""
    return define_lanewise(module, "exp", width, None, _exp, inline=inline)


def define_log(module: ir.Module, width: int, *, inline: bool) -> ir.Function:
    """Define the natural logarithm of every lane, where ``supports`` holds for the module's CPU."""
    return define_lanewise(module, "log", width, None, _log, inline=inline)


def _erf(lanes: Lanes, x: ir.Value) -> ir.Value:
    """The polynomial of each lane's interval in t, Horner's rule in t^2 for odd and even apart."""
    builder = lanes.builder
    bits = lanes.as_bits(x)
    size = lanes.as_real(builder.and_(bits, lanes.bits(ABSOLUTE_BITS)))
    limit = lanes.number(LARGEST)
    # A comparison with nan fails, so nan goes on through the polynomial.
    size = builder.select(builder.fcmp_ordered("<", limit, size), limit, size)
    place = lanes.fma(size, lanes.number(INDEX_FACTOR), lanes.number(INDEX_OFFSET))
    index = builder.lshr(lanes.as_bits(place), lanes.bits(52 - INDEX_BITS))
    parts = _split(lanes, index)
    centre, *coefficients = [_chosen(lanes, row, parts) for row in TABLE]

    t = builder.fsub(size, centre)
    square = builder.fmul(t, t)
    series = lanes.sum_of_powers(t, square, coefficients[2:])
    bracket = lanes.fma(t, coefficients[1], builder.fmul(square, series))
    result = lanes.as_bits(builder.fadd(coefficients[0], bracket))
    sign = builder.and_(bits, lanes.bits(SIGN_BIT))
    return lanes.as_real(builder.or_(result, sign))


def _exp(lanes: Lanes, x: ir.Value) -> ir.Value:
    """2**floor(n) (T + (T (r + r^2 E(r)) + U)), where T + U = 2**(n - floor n), r = x - n*ln 2.

    n*L0 is exact and so is x - n*L0, L0 + L1 being ln 2.
    """
    builder = lanes.builder
    high, low = lanes.number(EXP_HIGHEST), lanes.number(EXP_LOWEST)
    x = builder.select(builder.fcmp_ordered("<", high, x), high, x)  # nan stays
    x = builder.select(builder.fcmp_ordered(">", low, x), low, x)
    rounder = lanes.number(SIXTEENTH_ROUNDER)
    shifted = lanes.fma(x, lanes.number(ONE_OVER_LN2), rounder)
    n = builder.fsub(shifted, rounder)
    parts = _split(lanes, lanes.as_bits(shifted))
    minus_n = builder.fneg(n)
    r = lanes.fma(minus_n, lanes.number(LN2[0]), x)
    r = lanes.fma(minus_n, lanes.number(LN2[1]), r)
    square = builder.fmul(r, r)
    growth = lanes.fma(square, lanes.polynomial(r, square, EXP_POLYNOMIAL), r)
    power, rest = (_chosen_of_sixteen(lanes, row, parts) for row in POWERS)
    mantissa = builder.fadd(power, lanes.fma(power, growth, rest))
    return _by_eight(lanes, SCALE, [mantissa, n])


def _log(lanes: Lanes, x: ir.Value) -> ir.Value:
    """k*ln 2 - log f + r + r^2 L(r), where x = 2**k m and r = m*f - 1."""
    builder = lanes.builder
    m = _by_eight(lanes, MANTISSA, [x], ir.Constant(ir.IntType(32), FROM_THREE_QUARTERS))
    k = builder.fsub(_by_eight(lanes, EXPONENT, [x]), _by_eight(lanes, EXPONENT, [m]))
    # The last bit of the exponent, 0x3fe or 0x3ff, does not matter: four of the fraction do.
    parts = _split(lanes, builder.lshr(lanes.as_bits(m), lanes.bits(48)))
    factor, start, rest = (_chosen_of_sixteen(lanes, row, parts) for row in LOGARITHMS)
    r = lanes.fma(m, factor, lanes.number(-1.0))
    start = lanes.fma(k, lanes.number(LN2_SHORT[0]), start)
    rest = lanes.fma(k, lanes.number(LN2_SHORT[1]), rest)
    # start is 0 or larger than r, so what the sum loses is known exactly.
    total = builder.fadd(start, r)
    rest = builder.fadd(builder.fsub(r, builder.fsub(total, start)), rest)
    square = builder.fmul(r, r)
    rest = lanes.fma(square, lanes.polynomial(r, square, LOG_POLYNOMIAL), rest)
    return _repaired(lanes, builder.fadd(total, rest), x)


def _split(lanes: Lanes, value: ir.Value) -> list[ir.Value]:
    """A vector in parts of eight lanes."""
    return [
        lanes.builder.shuffle_vector(value, value, _numbers(range(start, start + LOOKUP_LANES)))
        for start in range(0, lanes.width, LOOKUP_LANES)
    ]


def _joined(builder: ir.IRBuilder, parts: list[ir.Value]) -> ir.Value:
    """The vector whose parts those are."""
    while len(parts) > 1:
        order = _numbers(range(2 * parts[0].type.count))
        pairs = zip(parts[0::2], parts[1::2], strict=True)
        parts = [builder.shuffle_vector(a, b, order) for a, b in pairs]
    return parts[0]


def _chosen(lanes: Lanes, row: Sequence[float], parts: Sequence[ir.Value]) -> ir.Value:
    """In every lane, the number of the row for the interval that its index tells."""
    builder = lanes.builder
    permute = _intrinsic(builder.module, PERMUTE, [REAL, INTEGER])
    table = ir.Constant(REAL, [row[(i - FIRST_INDEX) % INTERVALS] for i in range(INTERVALS)])
    return _joined(builder, [builder.call(permute, [table, part]) for part in parts])


def _chosen_of_sixteen(lanes: Lanes, row: Sequence[float], parts: Sequence[ir.Value]) -> ir.Value:
    """In every lane, the number of the row that the last four bits of its index tell."""
    builder = lanes.builder
    permute = _intrinsic(builder.module, PERMUTE_TWO, [REAL, INTEGER, REAL])
    lower, upper = (ir.Constant(REAL, list(half)) for half in (row[:8], row[8:]))
    return _joined(builder, [builder.call(permute, [lower, part, upper]) for part in parts])


def _by_eight(
    lanes: Lanes, name: str, values: Sequence[ir.Value], *immediate: ir.Constant
) -> ir.Value:
    """An instruction of all eight lanes that takes a mask and a rounding mode, on every part."""
    builder = lanes.builder
    last = [ir.Constant(REAL, None), ir.Constant(ir.IntType(8), -1)]
    last.append(ir.Constant(ir.IntType(32), PRESENT_ROUNDING))
    kinds = [REAL] * len(values) + [value.type for value in (*immediate, *last)]
    instruction = _intrinsic(builder.module, name, kinds)
    pieces = zip(*(_split(lanes, value) for value in values), strict=True)
    parts = [builder.call(instruction, [*piece, *immediate, *last]) for piece in pieces]
    return _joined(builder, parts)


def _repaired(lanes: Lanes, result: ir.Value, x: ir.Value) -> ir.Value:
    """The result, or what ``LOG_REPAIRS`` says for the kind of number that x is."""
    builder = lanes.builder
    table = ir.Constant(INTEGER, [LOG_REPAIRS] * LOOKUP_LANES)
    last = [table, ir.Constant(ir.IntType(32), 0), ir.Constant(ir.IntType(8), -1)]
    last.append(ir.Constant(ir.IntType(32), PRESENT_ROUNDING))
    repair = _intrinsic(builder.module, REPAIR, [REAL, REAL, *(value.type for value in last)])
    pieces = zip(_split(lanes, result), _split(lanes, x), strict=True)
    return _joined(builder, [builder.call(repair, [*piece, *last]) for piece in pieces])


def _intrinsic(module: ir.Module, name: str, arguments: list[ir.Type]) -> ir.Function:
    """The declaration of an instruction that gives eight doubles."""
    return module.globals.get(name) or ir.Function(module, ir.FunctionType(REAL, arguments), name)


def _numbers(values: Sequence[int]) -> ir.Constant:
    """The lanes that a shuffle takes."""
    return ir.Constant(ir.VectorType(ir.IntType(32), len(values)), list(values))
