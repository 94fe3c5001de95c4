"""Compute the tables of ``symgrad/emit/vector/lookup.py`` anew.

Run from the root of the repository: ``python -m benchmarks.coefficients.lookup`` (some seconds).

erf: on each interval, erf(c + t) = c0 + c1 t + ... + cn t^n. The centre c is the multiple of 2^-20
near the middle of the interval, at most 512 steps away, whose erf is closest to a double, so that
rounding c0 costs nothing (Gal, *Computing elementary functions: a new approach for achieving high
accuracy and good performance*, 1986). On the first interval c = c0 = 0 and c1 is 2/sqrt(pi)
rounded. The other coefficients are minimax for the relative error by the Remez exchange in
60-digit arithmetic; c1 and then c2 are rounded to double and the rest fitted again, which is
rounded at once.

erfc: on each interval, erfcx(c + t) = c0 + c1 t + t^2 (r0 + r1 q + ... + r9 q^9), with
q = t/(c + t + 3). c is chosen for c0 and c1 to be close to doubles together; r0 is rounded, the
rest fitted again and rounded at once.

exp and log: r and its square's coefficient are kept, the other coefficients are minimax likewise,
rounded at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import mpmath

from symgrad.emit.vector import lookup

DIGITS = 60
GRID = 400
CENTRE_STEP = mpmath.mpf(2) ** -20
CENTRE_STEPS = 512
ROUNDED_ALONE = 2
EXCHANGES = 30

Number = mpmath.mpf


def main() -> None:
    """Print the table, a row for each coefficient, and the relative error of each interval."""
    for name, ends, made in (("erf", edges(), fit), ("erfc", erfc_edges(), fit_erfc)):
        columns = []
        for place in range(len(ends) - 1):
            column, error = made(place)
            columns.append(column)
            print(f"# {name}, interval {place}: 2^{float(mpmath.log(error, 2)):.2f}", flush=True)
        for row in zip(*columns, strict=True):
            print(f"    ({', '.join(repr(value) for value in row)}),")
    for powers in powers_of_two():
        print(powers)
    for row in logarithms():
        print(row)
    for name, (polynomial, error) in {
        "exp": fit_exp(),
        "exp2": fit_exp2(),
        "log": fit_log(),
    }.items():
        print(f"# {name}: 2^{float(mpmath.log(error, 2)):.2f}", polynomial, sep="\n")


def edges() -> list[Number]:
    """The ends of the intervals of |x|, where a step of the index a|x| + b lies."""
    found, index = [], mpmath.mpf(lookup.INDEX_OFFSET)
    for _ in range(lookup.INTERVALS + 1):
        found.append((index - lookup.INDEX_OFFSET) / lookup.INDEX_FACTOR)
        index += mpmath.mpf(2) ** (mpmath.floor(mpmath.log(index, 2)) - lookup.INDEX_BITS)
    return found


def erfc_edges() -> list[Number]:
    """The ends of the intervals of |x| for erfc, the last one where erfc is 0."""
    found, index = [], mpmath.mpf(lookup.ERFC_INDEX_OFFSET)
    for _ in range(lookup.INTERVALS):
        found.append((index - lookup.ERFC_INDEX_OFFSET) / lookup.ERFC_INDEX_FACTOR)
        exponent = mpmath.floor(mpmath.log(index, 2)) - lookup.ERFC_INDEX_BITS
        index += mpmath.mpf(2) ** exponent
    return [*found, mpmath.mpf(lookup.ERFC_LARGEST)]


def erfcx(x: Number) -> Number:
    """exp(x^2) erfc(x)."""
    return mpmath.exp(x * x) * mpmath.erfc(x)


def erfcx_slope(x: Number) -> Number:
    """The derivative of ``erfcx``, NIST DLMF 7.10.2 and 7.2.2."""
    return 2 * x * erfcx(x) - 2 / mpmath.sqrt(mpmath.pi)


def centre(low: Number, high: Number) -> Number:
    """Near the middle of an interval, the point whose erf is closest to a double; 0 if low is."""
    if low == 0:
        return mpmath.mpf(0)
    return nearest_to_doubles((low + high) / 2, lambda point: lost(mpmath.erf(point)))


def erfc_centre(low: Number, high: Number) -> Number:
    """Near the middle of an interval, the point whose erfcx and slope are closest to doubles.

    On the first interval x - c is inexact below c/2, by less if c is below 1/4.
    """
    width = (high - low) / 2
    middle = (low + high) / 2 if low else mpmath.mpf(1) / 4 - CENTRE_STEPS * CENTRE_STEP
    return nearest_to_doubles(
        middle, lambda point: lost(erfcx(point)) + width * lost(erfcx_slope(point))
    )


def lost(value: Number) -> Number:
    """What rounding to double would change."""
    return abs(value - float(value))


def nearest_to_doubles(
    middle: Number,
    badness: Callable[[Number], Number],
    unit: Number = CENTRE_STEP,
    steps: int = CENTRE_STEPS,
) -> Number:
    """Of the multiples of a unit, some steps from the middle at most, that of least badness."""
    start = mpmath.nint(middle / unit)
    return min(((start + step) * unit for step in range(-steps, steps + 1)), key=badness)


def chebyshev_points(low: Number, high: Number) -> list[Number]:
    """The extremes of a Chebyshev polynomial between two ends."""
    return [
        (low + high) / 2 - (high - low) / 2 * mpmath.cos(mpmath.pi * i / GRID)
        for i in range(GRID + 1)
    ]


def fit(place: int) -> tuple[list[float], Number]:
    """(c, c0, c1, ..., cn) of one interval, and the largest relative error they are left with."""
    with mpmath.workdps(DIGITS):
        low, high = edges()[place : place + 2]
        c = centre(low, high)
        first, slope = float(mpmath.erf(c)), float(2 / mpmath.sqrt(mpmath.pi))
        known = [first, slope] if place == 0 else [first]
        points = chebyshev_points(low, high)
        points = [point for point in points if abs(point - c) > (high - low) / (10 * GRID)]
        values = [mpmath.erf(point) for point in points]
        shifted = [point - c for point in points]
        while True:
            rest = remez(shifted, values, known, lookup.DEGREE)
            if len(known) > ROUNDED_ALONE:
                break
            known.append(float(rest[0]))
        coefficients = known + [float(value) for value in rest]
        exact = [mpmath.mpf(value) for value in reversed(coefficients)]
        error = max(
            abs(mpmath.polyval(exact, t) / value - 1)
            for t, value in zip(shifted, values, strict=True)
        )
        return [float(c), *coefficients], error


def fit_erfc(place: int) -> tuple[list[float], Number]:
    """(c, c0, c1, r0, ..., rn) of one interval, and the largest relative error of erfcx."""
    with mpmath.workdps(DIGITS):
        low, high = erfc_edges()[place : place + 2]
        offset = lookup.ERFC_POLE
        c = erfc_centre(low, high)
        first, slope = float(erfcx(c)), float(erfcx_slope(c))
        points = [1 / u - offset for u in chebyshev_points(1 / (high + offset), 1 / (low + offset))]
        points = [point for point in points if abs(point - c) > (high - low) / (10 * GRID)]
        values = [erfcx(point) for point in points]
        shifted = [point - c for point in points]
        ratios = [t / (point + offset) for t, point in zip(shifted, points, strict=True)]
        wanted = [
            (value - first - slope * t) / t**2 for value, t in zip(values, shifted, strict=True)
        ]
        weights = [t**2 / value for t, value in zip(shifted, values, strict=True)]
        count = len(lookup.ERFC_TABLE) - 3
        (start, *_) = minimax(ratios, wanted, weights, count)
        start = float(start)
        rest = minimax(
            ratios,
            [(value - start) / q for value, q in zip(wanted, ratios, strict=True)],
            [abs(q) * weight for weight, q in zip(weights, ratios, strict=True)],
            count - 1,
        )
        tail = [start, *(float(value) for value in rest)]
        exact = [mpmath.mpf(value) for value in reversed(tail)]
        error = max(
            abs((value - mpmath.polyval(exact, q)) * weight)
            for q, value, weight in zip(ratios, wanted, weights, strict=True)
        )
        return [float(c), first, slope, *tail], error


def powers_of_two() -> tuple[list[float], list[float]]:
    """2**(j/16) rounded, j from 0 to 15, and what that lost."""
    with mpmath.workdps(DIGITS):
        exact = [mpmath.mpf(2) ** (mpmath.mpf(j) / 16) for j in range(16)]
        rounded = [float(value) for value in exact]
        return rounded, [float(a - b) for a, b in zip(exact, rounded, strict=True)]


def mantissas() -> list[tuple[Number, Number]]:
    """The sixteen intervals of log, in the order of the first four bits of the fraction."""
    ends = [mpmath.mpf(16 + i) / (16 if i < 8 else 32) for i in range(16)]
    return [(end, end + mpmath.mpf(1) / (16 if i < 8 else 32)) for i, end in enumerate(ends)]


def logarithms() -> tuple[list[float], list[float], list[float]]:
    """Each interval's factor f, a multiple of 1/64 near 1/m, and -log f as a sum of two numbers."""
    factors, starts, rests = [], [], []
    with mpmath.workdps(DIGITS):
        for low, high in mantissas():
            beside_one = 1 in (low, high)
            factor = mpmath.mpf(1) if beside_one else mpmath.nint(128 / (low + high)) / 64
            exact = -mpmath.log(factor)
            start = mpmath.nint(mpmath.ldexp(exact, 42)) / mpmath.mpf(2) ** 42
            factors.append(float(factor))
            starts.append(float(start))
            rests.append(float(exact - start))
    return factors, starts, rests


def fit_exp() -> tuple[list[float], Number]:
    """The coefficients of (exp(r) - 1 - r)/r^2, |r| <= ln(2)/32, and the relative error of exp."""
    with mpmath.workdps(DIGITS):
        end = mpmath.log(2) / 32
        return fit_function(mpmath.exp, -end, end, [1.0, 1.0, 0.5], lookup.EXP_POLYNOMIAL)


def fit_exp2() -> tuple[list[float], Number]:
    """The coefficients of (2**r - 1)/r, |r| <= 1/32, and the relative error of 2**r."""
    with mpmath.workdps(DIGITS):
        end = mpmath.mpf(1) / 32
        points = [point for point in chebyshev_points(-end, end) if abs(point) > end / GRID]
        values = [mpmath.power(2, point) for point in points]
        known = [1.0, float(mpmath.log(2))]
        while True:
            rest = remez(points, values, known, len(lookup.EXP2_POLYNOMIAL))
            if len(known) > ROUNDED_ALONE:
                break
            known.append(float(rest[0]))
        coefficients = known + [float(value) for value in rest]
        exact = [mpmath.mpf(value) for value in reversed(coefficients)]
        error = max(
            abs(mpmath.polyval(exact, r) / value - 1)
            for r, value in zip(points, values, strict=True)
        )
        return coefficients[1:], error


def fit_log() -> tuple[list[float], Number]:
    """The coefficients of (log(1 + r) - r)/r^2 for all r there are, and the error of log(1 + r)."""
    with mpmath.workdps(DIGITS):
        pairs = zip(logarithms()[0], mantissas(), strict=True)
        ends = [end * factor - 1 for factor, interval in pairs for end in interval]
        known = [0.0, 1.0, -0.5]
        return fit_function(mpmath.log1p, min(ends), max(ends), known, lookup.LOG_POLYNOMIAL)


def fit_function(
    function: Callable[[Number], Number],
    low: Number,
    high: Number,
    known: list[float],
    present: Sequence[float],
) -> tuple[list[float], Number]:
    """As many coefficients from r^2 on as there are at present, and the largest relative error."""
    points = [
        (low + high) / 2 - (high - low) / 2 * mpmath.cos(mpmath.pi * i / GRID)
        for i in range(GRID + 1)
    ]
    points = [point for point in points if abs(point) > (high - low) / (20 * GRID)]
    values = [function(point) for point in points]
    rest = remez(points, values, known, len(present) + 1)
    coefficients = known + [float(value) for value in rest]
    exact = [mpmath.mpf(value) for value in reversed(coefficients)]
    error = max(
        abs(mpmath.polyval(exact, r) / value - 1) for r, value in zip(points, values, strict=True)
    )
    return coefficients[2:], error


def remez(
    points: Sequence[Number], values: Sequence[Number], known: list[float], degree: int
) -> list[Number]:
    """The coefficients from t^len(known) on whose largest relative error is smallest."""
    start = len(known)
    head = [mpmath.mpf(value) for value in reversed(known)]
    weights = [abs(t) ** start / value for t, value in zip(points, values, strict=True)]
    wanted = [
        (value - mpmath.polyval(head, t)) / t**start
        for t, value in zip(points, values, strict=True)
    ]
    return minimax(points, wanted, weights, degree + 1 - start)


def minimax(
    points: Sequence[Number], wanted: Sequence[Number], weights: Sequence[Number], count: int
) -> list[Number]:
    """The ``count`` coefficients from t^0 on whose largest weighted error is smallest."""
    # The points are Chebyshev's, so these extremes are near the answer already.
    chosen = [round((len(points) - 1) * i / count) for i in range(count + 1)]
    best: list[Number] = []
    smallest = mpmath.inf
    for _ in range(EXCHANGES):
        matrix = mpmath.matrix(count + 1, count + 1)
        for row, place in enumerate(chosen):
            for power in range(count):
                matrix[row, power] = points[place] ** power
            matrix[row, count] = (-1) ** row / weights[place]
        solution = list(mpmath.lu_solve(matrix, mpmath.matrix([wanted[i] for i in chosen])))
        level = abs(solution.pop())
        reverse = solution[::-1]
        errors = [
            (value - mpmath.polyval(reverse, t)) * weight
            for t, value, weight in zip(points, wanted, weights, strict=True)
        ]
        largest = max(map(abs, errors))
        if largest < smallest:
            best, smallest = solution, largest
        if largest <= level * mpmath.mpf("1.001"):
            break
        chosen = exchange(errors, count + 1)
    return best


def exchange(errors: Sequence[Number], count: int) -> list[int]:
    """``count`` places of the largest errors whose signs alternate."""
    extremes: list[int] = []
    for place, error in enumerate(errors):
        if extremes and error * errors[extremes[-1]] > 0:
            if abs(error) > abs(errors[extremes[-1]]):
                extremes[-1] = place
        else:
            extremes.append(place)
    while len(extremes) > count:
        sizes = [abs(errors[place]) for place in extremes]
        if len(extremes) == count + 1:
            extremes.pop(0 if sizes[0] < sizes[-1] else -1)
            continue
        # Two neighbours go together, so that the signs of the others still alternate.
        weakest = min(range(len(sizes) - 1), key=lambda i: max(sizes[i], sizes[i + 1]))
        del extremes[weakest : weakest + 2]
    return extremes


if __name__ == "__main__":
    main()
