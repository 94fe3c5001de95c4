"""Logarithms for CPUs with AVX-512, by tables that stand in registers.

``lookup.supports`` says where they are used; elsewhere the same functions are those of
``logarithm.py``, whose last bits may differ. log in float64 is in ``lookup.py``, where the method
is explained; the factors f are the same, but for m from 1.5 on they are halved and k is one less:

    log_b x = (k*log_b 2 - log_b f) + r/ln b + r^2 P(r),    x = 2**k m,  r = m*f - 1

The bracket is exact but for the second parts of its numbers, which are small; the product r/ln b is
added with its rounding error. log1p splits u = 1 + x with its rounding error c, of which c 2**-k is
added to m, with what that loses in r.

The largest errors seen over some twenty million arguments each in float64: log1p 0.78, log2 0.71,
log10 0.74 ulp. In float32, over all of [1/4, 4] (log1p: 2^-6 <= |x| <= 8) and some eight million
others: log 0.78, log1p 0.79, log2 0.70, log10 0.74 ulp.

``benchmarks/coefficients/logarithm.py`` makes the coefficients.
"""

from __future__ import annotations

from llvmlite import ir

from symgrad.emit.vector import registers
from symgrad.emit.vector.lanes import Lanes
from symgrad.emit.vector.logarithm import BINARY, DECIMAL, NATURAL, Base, two_sum
from symgrad.emit.vector.lookup import LOGARITHMS

FACTORS = tuple(f if j < 8 else f / 2 for j, f in enumerate(LOGARITHMS[0]))
"""f for the sixteenths of [1, 2): near 1/m below 1.5 and, since m is near 2 there, 1/(2m) above."""

# fmt: off
POLYNOMIALS = {  # (log_b(1 + r) - r/ln b)/r^2 in r, -0.0333 <= r <= 1/16
    ("log", "float64"): (  # 2^-56.3
        -0.5, 0.3333333333334961, -0.250000000001943, 0.19999999924385004,
        -0.16666665351445742, 0.14285810721133668, -0.12502337121339965,
        0.11083164389896828, -0.08820234473118391),
    ("log2", "float64"): (  # 2^-56.3
        -0.7213475204444816, 0.48089834696322836, -0.3606737602254458, 0.28853900707607,
        -0.24044915400193378, 0.20610068631268555, -0.18037082701290225,
        0.15989768707445734, -0.12724448842524033),
    ("log10", "float64"): (  # 2^-56.3
        -0.21714724095162588, 0.14476482730115622, -0.10857362047676562,
        0.08685889604924732, -0.07238240780232127, 0.062042488666112304,
        -0.054297022339307374, 0.04813393406217906, -0.038304343936860406),
    ("log", "float32"): (  # 2^-28.2
        -0.5, 0.3333448, -0.2501119, 0.18918012),
    ("log2", "float32"): (  # 2^-28.2
        -0.7213475, 0.48091498, -0.36084193, 0.272964),
    ("log10", "float32"): (  # 2^-28.2
        -0.21714723, 0.14476992, -0.108634055, 0.08227623),
}
STARTS = {  # -log_b f for every factor f
    ("log", "float64"): (
        (0.0, 0.08134563945395712, 0.151549898127314, 0.18859116980752333,
         0.2468600779316148, 0.28768207245184385, 0.33024168687052224,
         0.3746934494413381, 0.4212134650763346, 0.4700036292456389, 0.5082248420658289,
         0.5479651707153153, 0.5753641449034603, 0.6179237593223661, 0.6473376445285339,
         0.6931471805598903),
        (0.0, -4.713370778300984e-15, -1.1307104809870373e-13, 2.6693431578015818e-14,
         -8.899851356560444e-14, -6.292357389008195e-14, 5.4612144489920215e-14,
         7.260466149925637e-14, -3.1063837541003616e-14, 9.667719603235566e-14,
         1.0446439784833471e-13, 1.321592435553647e-13, 1.0152652766306816e-13,
         -8.311429400161732e-15, 1.1717757218184162e-13, 5.497923018708371e-14),
    ),
    ("log2", "float64"): (
        (0.0, 0.1173569506381682, 0.21864028647542, 0.2720795454367817,
         0.356143810225376, 0.41503749927892386, 0.47643804394306244, 0.5405683813626183,
         0.6076825772213397, 0.6780719051125743, 0.7332134593050341, 0.7905466343711396,
         0.8300749985576203, 0.8914755432217589, 0.9339108095423398, 1.0),
        (0.0, -9.459192232399996e-15, -7.960223862778872e-14, 1.912060077712148e-14,
         -1.0069648492950886e-13, -8.00418555854124e-14, -7.531150579247643e-14,
         8.443284155858175e-14, -9.995925486528699e-14, 6.33385952568616e-14,
         6.451544227870716e-14, -8.937120568078598e-14, 6.728996427240727e-14,
         7.202031406534323e-14, -1.1228105090517402e-13, 0.0),
    ),
    ("log10", "float64"): (
        (0.0, 0.03532796234185298, 0.06581728448963986, 0.08190410438305662,
         0.10720996964778351, 0.12493873660832833, 0.14342214230237005,
         0.16272729749766768, 0.1829306835860507, 0.20411998265592501,
         0.22071924447539004, 0.23797824991686412, 0.24987747321654297,
         0.2683608789105847, 0.28113516694691043, 0.30102999566395283),
        (0.0, -1.0999987691622011e-13, 3.465633752242924e-15, 4.1506095614327393e-14,
         8.485692413569872e-14, -2.8373705641129622e-14, -5.695092715108574e-14,
         3.206228782072406e-14, -6.398273058499968e-14, -2.33259517436172e-16,
         -3.5467371231460036e-15, 2.805925302244917e-14, 5.693942643935679e-14,
         2.8362204929400665e-14, 1.315014951825246e-13, 2.8363394551044964e-14),
    ),
    ("log", "float32"): (
        (0.0, 0.0813446044921875, 0.15155029296875, 0.1885986328125, 0.246856689453125,
         0.287689208984375, 0.3302459716796875, 0.37469482421875, 0.4212188720703125,
         0.470001220703125, 0.5082244873046875, 0.5479583740234375, 0.5753631591796875,
         0.617919921875, 0.6473388671875, 0.693145751953125),
        (0.0, 1.0349618e-06, -3.9484155e-07, -7.4630047e-06, 3.3884785e-06,
         -7.1365325e-06, -4.284809e-06, -1.3747773e-06, -5.406994e-06, 2.4085425e-06,
         3.5476126e-07, 6.796692e-06, 9.857239e-07, 3.8374474e-06, -1.2226589e-06,
         1.4286068e-06),
    ),
    ("log2", "float32"): (
        (0.0, 0.1173553466796875, 0.2186431884765625, 0.2720794677734375,
         0.35614013671875, 0.4150390625, 0.4764404296875, 0.5405731201171875,
         0.6076812744140625, 0.678070068359375, 0.73321533203125, 0.7905426025390625,
         0.830078125, 0.8914794921875, 0.9339141845703125, 1.0),
        (0.0, 1.6039585e-06, -2.9020011e-06, 7.7663366e-08, 3.6735066e-06,
         -1.5632212e-06, -2.3857444e-06, -4.7387543e-06, 1.3028072e-06, 1.8367533e-06,
         -1.8727261e-06, 4.031832e-06, -3.1264424e-06, -3.9489655e-06, -3.375028e-06, 0.0),
    ),
    ("log10", "float32"): (
        (0.0, 0.0353240966796875, 0.0658111572265625, 0.0819091796875, 0.107208251953125,
         0.12493896484375, 0.1434173583984375, 0.1627197265625, 0.18292236328125,
         0.2041168212890625, 0.2207183837890625, 0.23797607421875, 0.2498779296875,
         0.2683563232421875, 0.2811279296875, 0.301025390625),
        (0.0, 3.865662e-06, 6.127263e-06, -5.075304e-06, 1.7176948e-06, -2.2823545e-07,
         4.783904e-06, 7.5709354e-06, 8.320305e-06, 3.1613667e-06, 8.606863e-07,
         2.1756982e-06, -4.564709e-07, 4.5556685e-06, 7.2372595e-06, 4.605039e-06),
    ),
}
# fmt: on


def log(lanes: Lanes, x: ir.Value) -> ir.Value:
    """The natural logarithm; -inf at 0, nan below."""
    return _of_number(lanes, x, "log", NATURAL[lanes.dtype])


def log2(lanes: Lanes, x: ir.Value) -> ir.Value:
    """The logarithm to base 2, exact for powers of 2; -inf at 0, nan below."""
    return _of_number(lanes, x, "log2", BINARY[lanes.dtype])


def log10(lanes: Lanes, x: ir.Value) -> ir.Value:
    """The logarithm to base 10; -inf at 0, nan below."""
    return _of_number(lanes, x, "log10", DECIMAL[lanes.dtype])


def log1p(lanes: Lanes, x: ir.Value) -> ir.Value:
    """log(1 + x); -inf at -1, nan below."""
    builder = lanes.builder
    u, c = two_sum(lanes, lanes.number(1.0), x)
    result = log_of_sum(lanes, u, c)
    # It has the sign of x, -0 included.
    result = lanes.as_real(builder.or_(lanes.as_bits(result), lanes.sign(x)))
    return registers.repaired(lanes, result, u, registers.LOG_REPAIRS)


def log_of_sum(lanes: Lanes, u: ir.Value, c: ir.Value, *, twice: bool = False) -> ir.Value:
    """log(u + c), or log(2u + 2c), for positive u and a c that is small beside it."""
    builder = lanes.builder
    k, m, index = _split(lanes, u)
    factor = registers.chosen(lanes, FACTORS, index)
    c = builder.fmul(registers.scale(lanes, c, builder.fneg(k)), factor)
    before = lanes.fma(m, factor, lanes.number(-1.0))
    r = builder.fadd(before, c)
    lost = builder.fsub(c, builder.fsub(r, before))
    if twice:
        k = builder.fadd(k, lanes.number(1.0))
    return _summed(lanes, k, index, r, "log", NATURAL[lanes.dtype], lost)


def _of_number(lanes: Lanes, x: ir.Value, name: str, base: Base) -> ir.Value:
    """log_b x."""
    k, m, index = _split(lanes, x)
    factor = registers.chosen(lanes, FACTORS, index)
    r = lanes.fma(m, factor, lanes.number(-1.0))
    result = _summed(lanes, k, index, r, name, base)
    return registers.repaired(lanes, result, x, registers.LOG_REPAIRS)


def _split(lanes: Lanes, x: ir.Value) -> tuple[ir.Value, ir.Value, ir.Value]:
    """k, m in [1, 2) and what ends in the first four bits of m's fraction."""
    m = registers.mantissa(lanes, x, registers.FROM_ONE)
    k = registers.exponent(lanes, x)
    shift = lanes.bits(lanes.format.fraction_bits - 4)
    return k, m, lanes.builder.lshr(lanes.as_bits(m), shift)


def _summed(
    lanes: Lanes,
    k: ir.Value,
    index: ir.Value,
    r: ir.Value,
    name: str,
    base: Base,
    before: ir.Value | None = None,
) -> ir.Value:
    """k*log_b 2 - log_b f + log_b(1 + r), plus the small ``before``."""
    builder = lanes.builder
    row = STARTS[name, lanes.dtype]
    start, rest = (registers.chosen(lanes, part, index) for part in row)
    start = lanes.fma(k, lanes.number(base.two[0]), start)
    if base.two[1]:
        rest = lanes.fma(k, lanes.number(base.two[1]), rest)
    if before is not None:
        rest = builder.fadd(rest, before)
    # start is 0 or larger than the product, so what the sum loses is known.
    if base.factor[0] == 1.0:
        total = builder.fadd(start, r)
        lost = builder.fadd(r, builder.fsub(start, total))
    else:
        factor = lanes.number(base.factor[0])
        total = lanes.fma(r, factor, start)
        lost = lanes.fma(r, factor, builder.fsub(start, total))
        rest = lanes.fma(r, lanes.number(base.factor[1]), rest)
    rest = builder.fadd(rest, lost)
    square = builder.fmul(r, r)
    series = lanes.polynomial(r, square, POLYNOMIALS[name, lanes.dtype])
    return builder.fadd(total, lanes.fma(square, series, rest))
