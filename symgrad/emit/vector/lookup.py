"""erf, erfc, exp, exp2 and log for CPUs with AVX-512, by tables that stand in registers.

They take a multiple of 8 lanes. ``supports`` says where they pay; elsewhere they are those of
``exponential.py``, ``error.py``, ``erfc.py`` and ``logarithm.py``, whose last bits may differ.
There are no branches. The largest errors seen over some forty million arguments of every scale
each, by 64-bit and 50-digit arithmetic: erf 0.83 (near 0.403), exp 0.66 and 0.80 where the result
is subnormal, log 0.80 (near 1.12); over some twenty million, erfc 0.90 (near 13.2); over some
twelve million, exp2 0.63 and 0.80 where the result is subnormal.

The instruction ``vpermpd`` picks for eight lanes a double each out of eight, ``vpermi2pd`` out of
sixteen, at the price of a multiplication; loading from a table in memory costs several times that.

erf: |x| below 6 lies in one of eight intervals, whose ends are those of the quarters of a binade
of y = 0.625|x| + 1.25, so that the interval's number is three bits of y:

    |x| from   0    0.4    0.8    1.2    2.0    2.8    3.6    4.4    to 6

On each of them erf(c + t) = c0 + (c1 t + t^2 (c2 + c3 t + ... + c15 t^13)). On the first interval
c and c0 are 0. On the others t = |x| - c is exact (Sterbenz) and erf(c) is a double to within 2^-9
of its last place, so that two roundings count: of the bracket, which is less than half of the
result, and of the sum. The polynomials leave a relative error of 2^-56.1. NIST DLMF 7.2.1.

erfc: exp(-x^2) erfcx(|x|), and 2 minus that for x < 0. What rounding x^2 loses goes into the r of
exp, below. erfcx decreases from 1 like 1/x; its intervals are the halves of a binade of
0.84375|x| + 1, except for the last one, which ends where erfc is 0 to all digits:

    |x| from   0    0.59    1.19    2.37    3.56    5.93    8.30    13.04    to 27.25

erfcx(c + t) = c0 + c1 t + t^2 R(q): the line is added with its rounding error, and the rest is at
most an eighth of the sum, so that its q = t/(|x| + 3) may be rounded. R has degree 9 and leaves
2^-56.9; without the division it would be 21. t is exact (Sterbenz) but for |x| < 0.125, where it
loses 2^-56 at most. NIST DLMF 7.2.2, 7.12.1.

exp: e**x = 2**n e**r with n the multiple of 1/16 nearest to x/ln 2. The table has 2**(n - floor n)
as a sum of two doubles, and ``vscalefpd`` multiplies by 2**floor n, rounding once where the result
is subnormal, to 0 or infinity where n is far from 0 (Tang, ACM TOMS 15, 1989). |r| <= ln(2)/32, so
the polynomial is short; it leaves 2^-56.2. In exp2 n is the multiple of 1/16 nearest to x itself,
r = x - n is exact, and the polynomial leaves 2^-56.2.

log: ``vgetmantpd`` and ``vgetexppd`` give x = 2**k m with m in [0.75, 1.5), subnormal x included.
With a tabulated f near 1/m of six bits after the point, log x = k*ln 2 - log f + log(1 + r), where
r = m*f - 1 loses a quarter of the result's last place at most; f is 1 on both sides of 1, where
nothing is lost. The table has -log f as a sum of two numbers, the first a multiple of 2^-42, so
that adding it to k times the first part of ln 2 is exact. |r| <= 1/16, and the polynomial leaves
2^-56.1. ``vfixupimmpd`` then puts in the results of zero, negative, infinite and nan arguments.

The coefficients are our own: ``benchmarks/coefficients/lookup.py`` makes them and says how.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import NamedTuple

from llvmlite import ir

from symgrad.emit.vector import registers
from symgrad.emit.vector.exponential import LN2, ONE_OVER_LN2
from symgrad.emit.vector.lanes import Lanes
from symgrad.emit.vector.logarithm import LN2_SHORT

LOOKUP_LANES = 8
FEATURES = frozenset({"avx512f", "avx512dq"})

# The interval's number: the last exponent bit and the first two of the fraction of a|x| + b.
INDEX_FACTOR = 0.625
INDEX_OFFSET = 1.25
INDEX_BITS = 2
INTERVALS = 8
DEGREE = 15
FIRST_INDEX = 5  # of the interval at 0: 1.25 is 0x3ff4..., its bits 1, 01

# erf of it is nearer to 1 than to the double before; 0.625*6 + 1.25 would be the first index again.
LARGEST = 5.984375

# The same of erfc: an exponent's last two bits and the fraction's first.
ERFC_INDEX_FACTOR = 0.84375
ERFC_INDEX_OFFSET = 1.0
ERFC_INDEX_BITS = 1
ERFC_FIRST_INDEX = 6  # 1.0 is 0x3ff0..., its bits 11, 0
ERFC_LAST_PLACE = 15.5  # the last interval goes on beyond 16, the first index again
ERFC_POLE = 3.0

# erfc of it is less than half of the least double.
ERFC_LARGEST = 27.25

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

# Rows c, c0, c1, r0, ..., r9 of erfc.
ERFC_TABLE: tuple[tuple[float, ...], ...] = (
    (0.24965953826904297, 0.8889570236206055, 1.778055191040039, 2.962919235229492,
     4.741093635559082, 7.11140251159668, 10.666882514953613, 20.143553733825684),
    (0.7705996486686442, 0.4599398232894914, 0.2813410731546426, 0.18103938762779898,
     0.11651240788365151, 0.0785737125949797, 0.05266227705750573, 0.02797405682936209),
    (-0.7436040621417117, -0.31064569438348555, -0.12789925594473736, -0.05556899922236511,
     -0.023586696133824584, -0.010840572908684048, -0.0048945224108111985, -0.0013853333048153913),
    (0.5849518018593594, 0.18378915140979168, 0.05392913719194379, 0.01639293094940069,
     0.004685672959709773, 0.001482035185017033, 0.00045298153457514964, 6.852096455493995e-05),
    (-1.2945891095866722, -0.38180493428230544, -0.10196456933321515, -0.02781927933393994,
     -0.007077846467203712, -0.0020305325640475927, -0.0005705613672304647,
     -7.834206202515537e-05),
    (1.2688848041373009, 0.3480355005607717, 0.08050401201531664, 0.01786695442195403,
     0.003432624529636962, 0.0007274531613932615, 0.00014513461099969439, 1.112037538109025e-05),
    (-0.8042270890349417, -0.22263204980508644, -0.048084784632963826, -0.009240925503067139,
     -0.0014125870737380507, -0.00022902710417277487, -3.325827151863017e-05,
     -1.4553293698942855e-06),
    (0.2558482313563063, 0.08688925783106383, 0.01996570147401715, 0.0036362418549009115,
     0.0004739517839082628, 6.149303953459806e-05, 6.707846899806268e-06, 1.726228270873534e-07),
    (0.030313919971606366, -0.008402105170055421, -0.004267942136519156, -0.0009379589888098874,
     -0.0001190902805077623, -1.3307167245538802e-05, -1.1435833450557195e-06,
     -1.8052888880445618e-08),
    (-0.04761044924577684, -0.009328486723762203, -0.000624950604759488, 6.265681213783257e-05,
     1.701325848077302e-05, 2.0160190862616796e-06, 1.5116104073357826e-07, 1.58063580731464e-09),
    (-0.0028376981644734943, 0.0027347470109928885, 0.0006328467486837306, 5.832780870536209e-05,
     1.3475138758602903e-06, -9.442189627307521e-08, -1.156547138683658e-08,
     -1.0194100475905567e-10),
    (0.009942416857021576, 0.0014099234552524354, -1.809612345273859e-05, -1.81683771115056e-05,
     -1.2965815534244259e-06, -4.890377293725027e-08, -6.938798003943689e-10,
     2.438942994079089e-12),
    (0.0015918764677165377, -0.0005084881575442114, -8.967018896910538e-05,
     -3.2463062391135626e-06, 1.5360387220043162e-07, 1.316062165534959e-08, 3.745580054684383e-10,
     5.309852871725388e-13),
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
EXP2_POLYNOMIAL = (  # (2**r - 1)/r in r, |r| <= 1/32
    0.6931471805599453, 0.2402265069590988, 0.05550410865741549, 0.009618129113797528,
    0.0013333779258665132, 0.000154032003752129)

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

EXP2_REST = 0.0313  # of 2**r: 1/32
EXP_REST = 0.0219  # no r of a finite result is larger: ln(2)/32 is 0.02166

# Adding 1.5*2^48 rounds to a multiple of 1/16, whose last four bits are those of the sum.
SIXTEENTH_ROUNDER = 1.5 * 2.0**48


class Decay(NamedTuple):
    """What makes up 2**floor(n) (power + growth), which is exp(-x^2)."""

    n: ir.Value
    power: ir.Value
    growth: ir.Value


def supports(width: int, features: Set[str]) -> bool:
    """Whether a CPU with ``features`` has the permutation that vectors of ``width`` lanes need.

    >>> supports(8, {"avx512f", "avx512dq"}), supports(8, {"avx2"})
    (True, False)
    """
    return features >= FEATURES and width % LOOKUP_LANES == 0


def erf(lanes: Lanes, x: ir.Value) -> ir.Value:
    """The polynomial of each lane's interval in t, Horner's rule in t^2 for odd and even apart."""
    builder = lanes.builder
    size = lanes.at_most(lanes.size(x), LARGEST)
    place = lanes.fma(size, lanes.number(INDEX_FACTOR), lanes.number(INDEX_OFFSET))
    index = builder.lshr(lanes.as_bits(place), lanes.bits(52 - INDEX_BITS))
    centre, *coefficients = [_chosen(lanes, row, index, FIRST_INDEX) for row in TABLE]

    t = builder.fsub(size, centre)
    square = builder.fmul(t, t)
    series = lanes.sum_of_powers(t, square, coefficients[2:])
    bracket = lanes.fma(t, coefficients[1], builder.fmul(square, series))
    return lanes.signed(builder.fadd(coefficients[0], bracket), x)


def erfc(lanes: Lanes, x: ir.Value) -> ir.Value:
    """2**floor(n) (T + G) (l + m + t^2 R(q)), or 2 minus that, with n and r those of -x^2.

    T + G is 2**(n - floor n) e**r, T without e**r; l and m are those of ``erfc_of_parts``.
    """
    builder = lanes.builder
    size = lanes.at_most(lanes.size(x), ERFC_LARGEST)
    decay = exp_of_minus_square(lanes, size)
    place = lanes.fma(size, lanes.number(ERFC_INDEX_FACTOR), lanes.number(ERFC_INDEX_OFFSET))
    place = lanes.as_bits(lanes.at_most(place, ERFC_LAST_PLACE))
    index = builder.lshr(place, lanes.bits(52 - ERFC_INDEX_BITS))
    centre, *coefficients = [_chosen(lanes, row, index, ERFC_FIRST_INDEX) for row in ERFC_TABLE]
    t = builder.fsub(size, centre)
    q = builder.fdiv(lanes.number(1.0), builder.fadd(size, lanes.number(ERFC_POLE)))
    q = builder.fmul(t, q)
    return erfc_of_parts(lanes, x, decay, t, q, coefficients)


def exp_of_minus_square(lanes: Lanes, size: ir.Value) -> Decay:
    """exp(-size^2) by the n and r of exp; what rounding the square loses goes into r."""
    builder = lanes.builder
    square = builder.fmul(size, size)
    n, index, r = _reduced(lanes, square, -1.0)
    lost = lanes.fma(size, size, builder.fneg(square))
    lost = lanes.fma(builder.fneg(n), lanes.number(LN2[1]), builder.fneg(lost))
    return Decay(n, *_grown(lanes, builder.fadd(r, lost), index))


def erfc_of_parts(
    lanes: Lanes,
    x: ir.Value,
    decay: Decay,
    t: ir.Value,
    q: ir.Value,
    coefficients: Sequence[ir.Value],
) -> ir.Value:
    """The erfc of x from exp(-x^2) and erfcx |x| = c0 + c1 t + t^2 (r0 + r1 q + ...).

    T*l, the only large term, is not rounded: l is c0 + c1 t rounded and m what that lost. R is one
    chain, since two need more registers.
    """
    builder = lanes.builder
    n, power, growth = decay
    first, slope, *rows = coefficients
    series = rows.pop()
    for coefficient in reversed(rows):
        series = lanes.fma(series, q, coefficient)

    line = lanes.fma(t, slope, first)
    lost = lanes.fma(t, slope, builder.fsub(first, line))
    rest = lanes.fma(power, lost, builder.fmul(growth, line))
    factor = builder.fmul(builder.fadd(power, growth), builder.fmul(t, t))
    rest = lanes.fma(factor, series, rest)
    tail = registers.scale(lanes, lanes.fma(power, line, rest), n)
    negative = builder.fcmp_ordered("<", x, lanes.number(0.0))
    return builder.select(negative, builder.fsub(lanes.number(2.0), tail), tail)


def exp(lanes: Lanes, x: ir.Value) -> ir.Value:
    """2**floor(n) (T + G), where T is 2**(n - floor n) rounded and T + G that times e**r."""
    builder = lanes.builder
    n, index, r = _reduced(lanes, x, 1.0)
    r = lanes.fma(builder.fneg(n), lanes.number(LN2[1]), r)
    # Where x is so large that r is no rest, or x is infinite or nan, n alone decides.
    r = registers.nearer_to_zero(lanes, r, lanes.number(EXP_REST))
    return registers.scale(lanes, builder.fadd(*_grown(lanes, r, index)), n)


def exp2(lanes: Lanes, x: ir.Value) -> ir.Value:
    """2**floor(n) (T + G), n the multiple of 1/16 nearest to x, T + G = 2**(n - floor n + r)."""
    builder = lanes.builder
    rounder = lanes.number(SIXTEENTH_ROUNDER)
    shifted = builder.fadd(x, rounder)
    n = builder.fsub(shifted, rounder)
    r = registers.nearer_to_zero(lanes, builder.fsub(x, n), lanes.number(EXP2_REST))
    growth = builder.fmul(r, lanes.polynomial(r, builder.fmul(r, r), EXP2_POLYNOMIAL))
    index = lanes.as_bits(shifted)
    power, lost = (registers.chosen(lanes, row, index) for row in POWERS)
    mantissa = builder.fadd(power, lanes.fma(power, growth, lost))
    return registers.scale(lanes, mantissa, n)


def _reduced(lanes: Lanes, size: ir.Value, sign: float) -> tuple[ir.Value, ir.Value, ir.Value]:
    """For x = sign*size: n, bits that end in its last four, and x - n*L0, where ln 2 is L0 + L1.

    n*L0 is exact and so is the difference.
    """
    builder = lanes.builder
    rounder = lanes.number(SIXTEENTH_ROUNDER)
    shifted = lanes.fma(size, lanes.number(sign * ONE_OVER_LN2), rounder)
    n = builder.fsub(shifted, rounder)
    x = size if sign > 0.0 else builder.fneg(size)
    r = lanes.fma(builder.fneg(n), lanes.number(LN2[0]), x)
    return n, lanes.as_bits(shifted), r


def _grown(lanes: Lanes, r: ir.Value, index: ir.Value) -> tuple[ir.Value, ir.Value]:
    """T and G = T (r + r^2 E(r)) + U, where T + U is the power of 2 that the bits tell."""
    square = lanes.builder.fmul(r, r)
    growth = lanes.fma(square, lanes.polynomial(r, square, EXP_POLYNOMIAL), r)
    power, rest = (registers.chosen(lanes, row, index) for row in POWERS)
    return power, lanes.fma(power, growth, rest)


def log(lanes: Lanes, x: ir.Value) -> ir.Value:
    """k*ln 2 - log f + r + r^2 L(r), where x = 2**k m and r = m*f - 1."""
    builder = lanes.builder
    m = registers.mantissa(lanes, x, registers.FROM_THREE_QUARTERS)
    k = builder.fsub(registers.exponent(lanes, x), registers.exponent(lanes, m))
    # The last bit of the exponent, 0x3fe or 0x3ff, does not matter: four of the fraction do.
    index = builder.lshr(lanes.as_bits(m), lanes.bits(48))
    factor, start, rest = (registers.chosen(lanes, row, index) for row in LOGARITHMS)
    r = lanes.fma(m, factor, lanes.number(-1.0))
    start = lanes.fma(k, lanes.number(LN2_SHORT[0]), start)
    rest = lanes.fma(k, lanes.number(LN2_SHORT[1]), rest)
    # start is 0 or larger than r, so what the sum loses is known exactly.
    total = builder.fadd(start, r)
    rest = builder.fadd(builder.fsub(r, builder.fsub(total, start)), rest)
    square = builder.fmul(r, r)
    rest = lanes.fma(square, lanes.polynomial(r, square, LOG_POLYNOMIAL), rest)
    return registers.repaired(lanes, builder.fadd(total, rest), x, registers.LOG_REPAIRS)


def _chosen(lanes: Lanes, row: Sequence[float], index: ir.Value, first_index: int) -> ir.Value:
    """In every lane, the number of the row for the interval that its index tells."""
    turned = [row[(i - first_index) % INTERVALS] for i in range(INTERVALS)]
    return registers.chosen(lanes, turned, index)
