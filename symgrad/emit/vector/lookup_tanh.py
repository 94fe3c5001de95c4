"""tanh in float32 for CPUs with AVX-512, by a table that stands in registers.

|x| lies in one of sixteen intervals, whose ends are those of the quarters of a binade of
1.640625|x| + 1, up to 9.1, where tanh is 1, and

    tanh(c + t) = c0 + (c1 t + t^2 R(t))

with R of degree 4, which leaves 2^-27 or less. On the first interval c and c0 are 0; on the others
t = |x| - c is exact (Sterbenz), c0 nearly a number (Gal's method, see ``lookup.py``), and two
roundings count, that of the bracket and that of the sum. The largest error seen, over all
arguments, is 0.78 ulp.

The coefficients are our own: ``benchmarks/coefficients/interval.py`` makes them and says how.
"""

from __future__ import annotations

from llvmlite import ir

from symgrad.emit.vector import registers
from symgrad.emit.vector.lanes import Lanes

LARGEST = 9.1
"""tanh of it is nearer to 1 than to the number before."""

INTERVALS = 16
INDEX_FACTOR = 1.640625
INDEX_BITS = 2  # of the fraction of INDEX_FACTOR*|x| + 1; two of the exponent stand before them

# fmt: off
TABLE: tuple[tuple[float, ...], ...] = (
    # Rows c, c0, c1, r0, ..., r4; a column for each interval.
    (0.0, 0.2345581, 0.37469482, 0.54089355, 0.755188, 1.0774536, 1.3583984, 1.6882935, 2.118103,
     2.7356567, 3.3621826, 3.9311523, 4.859131, 6.093506, 7.2477417, 8.609497),
    (0.0, 0.23034911, 0.35809138, 0.49366406, 0.63823384, 0.7922529, 0.8760211, 0.9339295,
     0.97148764, 0.9916238, 0.9976003, 0.9992303, 0.99987966, 0.9999898, 0.999999, 0.99999994),
    (1.0, 0.9469393, 0.87177056, 0.7562958, 0.59265757, 0.37233534, 0.23258705, 0.12777568,
     0.056211762, 0.016682202, 0.0047936076, 0.0015387572, 0.00024066908, 2.0384667e-05,
     2.0265209e-06, 1.3302885e-07),
    (-1.02812706e-07, -0.21812771, -0.31217355, -0.37335527, -0.37825426, -0.29498377,
     -0.20375127, -0.11933347, -0.054609045, -0.016542459, -0.004782116, -0.0015375707,
     -0.00024063753, -2.0384981e-05, -2.0258872e-06, -3.9908616e-07),
    (-0.33332372, -0.2654036, -0.1788038, -0.067786604, 0.043856256, 0.109590285, 0.100962564,
     0.06885767, 0.0343162, 0.010842704, 0.0031725317, 0.0010234053, 0.00016016973, 1.3570388e-05,
     1.3496609e-06, 8.241126e-08),
    (-0.00029233834, 0.13421975, 0.16809134, 0.15763253, 0.098094374, 0.011507802, -0.020513656,
     -0.024534756, -0.015133124, -0.005238696, -0.0015705882, -0.000510413, -8.016594e-05,
     -6.7844667e-06, -6.8048973e-07, 1.4654008e-06),
    (0.13722126, 0.079111956, 0.018895162, -0.038386907, -0.06333183, -0.03740651, -0.010659279,
     0.002722618, 0.0044675325, 0.0019651847, 0.0006233943, 0.00020506227, 3.3730557e-05,
     2.8640918e-06, 2.824255e-07, 7.2504236e-08),
    (-0.023594609, -0.09893082, -0.06986755, -0.016821342, -0.00026343414, 0.01902849,
     0.011043187, 0.0031553514, -0.00053373043, -0.0005508501, -0.00020327684, -6.402498e-05,
     -1.0871196e-05, -9.5238806e-07, -8.105031e-08, -2.087104e-06),
)
# fmt: on


def tanh(lanes: Lanes, x: ir.Value) -> ir.Value:
    """The polynomial of each lane's interval, with the sign of x."""
    builder = lanes.builder
    size = lanes.at_most(lanes.size(x), LARGEST)
    rows = registers.of_interval(lanes, size, INDEX_FACTOR, INDEX_BITS, TABLE)
    centre, start, slope, *coefficients = rows
    t = builder.fsub(size, centre)
    square = builder.fmul(t, t)
    series = lanes.sum_of_powers(t, square, coefficients)
    bracket = lanes.fma(t, slope, builder.fmul(square, series))
    return lanes.signed(builder.fadd(start, bracket), x)
