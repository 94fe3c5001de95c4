"""sin and cos of every lane, together or alone: within 1 ulp for every argument.

The largest errors seen: in float64 0.89 ulp over some thirty million arguments of every scale, in
float32 0.93 ulp over all arguments.

The rest r + t that ``reduction.py`` leaves of x, |r| <= pi/4, goes through a polynomial each, and
what roundings lost on the way is added back to its small terms (Cody and Waite, *Software Manual
for the Elementary Functions*, 1980):

    sin(r + t) = r + (r^3 S(r^2) + t)
    cos(r + t) = w + (e + r^4 C(r^2) - r*t)   with w + e = 1 - r^2/2, r^2 and w rounded

The coefficients are our own: ``benchmarks/coefficients/trigonometric.py`` makes them and says how.
The relative error that each polynomial leaves stands beside it, and the tests measure it again.
"""

from __future__ import annotations

from llvmlite import ir

from symgrad.emit.vector.lanes import Lanes
from symgrad.emit.vector.reduction import of_rest

# fmt: off
SIN_POLYNOMIAL = {  # (sin(r)/r - 1)/r^2 in r^2, |r| <= pi/4
    "float64": (  # 2^-57.9
        -0.1666666666666663, 0.00833333333332184, -0.00019841269829358205, 2.7557313538285056e-06,
        -2.5050734335143834e-08, 1.5895429108425132e-10),
    "float32": (  # 2^-27.9
        -0.16666655242443085, 0.008332189172506332, -0.00019518291810527444)}
COS_POLYNOMIAL = {  # (cos(r) - 1 + r^2/2)/r^4 in r^2, |r| <= pi/4
    "float64": (  # 2^-63.9
        0.041666666666666595, -0.0013888888888873342, 2.4801587289002117e-05,
        -2.75573142170622e-07, 2.0875705400867005e-09, -1.1358749570876716e-11),
    "float32": (  # 2^-32.9
        0.04166664555668831, -0.0013887309469282627, 2.443236553517636e-05)}
# fmt: on


def sincos(lanes: Lanes, x: ir.Value) -> ir.Value:
    """(sin x, cos x) of every lane, x in radians."""
    return lanes.pair(*of_rest(lanes, x, "sincos", _both))


def sin(lanes: Lanes, x: ir.Value) -> ir.Value:
    """The sine of every lane, the same bits as the first result of ``sincos``."""
    return of_rest(lanes, x, "sin", _sine)[0]


def cos(lanes: Lanes, x: ir.Value) -> ir.Value:
    """The cosine of every lane, the same bits as the second result of ``sincos``."""
    return of_rest(lanes, x, "cos", _cosine)[0]


def _both(
    lanes: Lanes, x: ir.Value, quadrant: ir.Value, r: ir.Value, tail: ir.Value
) -> list[ir.Value]:
    """The sine and the cosine by a polynomial each, which change places in odd quadrants."""
    builder = lanes.builder
    square, fourth, cube, top, rest = _terms(lanes, r, tail)
    sine = lanes.polynomial(square, fourth, SIN_POLYNOMIAL[lanes.dtype])
    sine = builder.fadd(r, lanes.fma(cube, sine, tail))
    cosine = lanes.polynomial(square, fourth, COS_POLYNOMIAL[lanes.dtype])
    cosine = builder.fadd(top, lanes.fma(fourth, cosine, rest))
    odd = _odd(lanes, quadrant)
    return [
        _turned(lanes, builder.select(odd, cosine, sine), quadrant, lanes.as_bits(x)),
        _turned(lanes, builder.select(odd, sine, cosine), _after(lanes, quadrant)),
    ]


def _sine(
    lanes: Lanes, x: ir.Value, quadrant: ir.Value, r: ir.Value, tail: ir.Value
) -> list[ir.Value]:
    """The sine alone."""
    value = _sine_or_cosine(lanes, _odd(lanes, quadrant), r, tail)
    return [_turned(lanes, value, quadrant, lanes.as_bits(x))]


def _cosine(
    lanes: Lanes, _x: ir.Value, quadrant: ir.Value, r: ir.Value, tail: ir.Value
) -> list[ir.Value]:
    """The cosine alone."""
    following = _after(lanes, quadrant)
    return [_turned(lanes, _sine_or_cosine(lanes, _odd(lanes, following), r, tail), following)]


def _sine_or_cosine(lanes: Lanes, cosine: ir.Value, r: ir.Value, tail: ir.Value) -> ir.Value:
    """sin(r + t), or the cosine where that is wanted, by one polynomial of chosen coefficients.

    Choosing twelve numbers takes less time than five multiplications do.
    """
    builder = lanes.builder

    def chosen(of_cosine: ir.Value, of_sine: ir.Value) -> ir.Value:
        return builder.select(cosine, of_cosine, of_sine)

    square, fourth, cube, top, rest = _terms(lanes, r, tail)
    pairs = zip(COS_POLYNOMIAL[lanes.dtype], SIN_POLYNOMIAL[lanes.dtype], strict=True)
    coefficients = [chosen(lanes.number(first), lanes.number(second)) for first, second in pairs]
    series = lanes.sum_of_powers(square, fourth, coefficients)
    small = lanes.fma(chosen(fourth, cube), series, chosen(rest, tail))
    return builder.fadd(chosen(top, r), small)


def _terms(lanes: Lanes, r: ir.Value, tail: ir.Value) -> tuple[ir.Value, ...]:
    """(r^2, r^4, r^3, w, e - r*t), where w + e is 1 - r^2/2 with r^2 rounded."""
    builder = lanes.builder
    one, minus_half = lanes.number(1.0), lanes.number(-0.5)
    square = builder.fmul(r, r)
    top = lanes.fma(square, minus_half, one)
    rest = lanes.fma(square, minus_half, builder.fsub(one, top))
    rest = lanes.fma(builder.fneg(r), tail, rest)
    return square, builder.fmul(square, square), builder.fmul(r, square), top, rest


def _odd(lanes: Lanes, quadrant: ir.Value) -> ir.Value:
    """Where sine and cosine change places."""
    builder = lanes.builder
    return builder.icmp_unsigned("!=", builder.and_(quadrant, lanes.bits(1)), lanes.bits(0))


def _after(lanes: Lanes, quadrant: ir.Value) -> ir.Value:
    """The next quadrant: cos x is sin(x + pi/2)."""
    return lanes.builder.add(quadrant, lanes.bits(1))


def _turned(
    lanes: Lanes, value: ir.Value, quadrant: ir.Value, sign: ir.Value | None = None
) -> ir.Value:
    """The value, negated in quadrants 2 and 3 and then by the highest bit of ``sign``."""
    builder = lanes.builder
    turned = builder.shl(quadrant, lanes.bits(lanes.format.bits - 2))
    if sign is not None:
        turned = builder.xor(turned, sign)
    turned = builder.and_(turned, lanes.bits(lanes.format.sign_bit))
    return lanes.as_real(builder.xor(lanes.as_bits(value), turned))
