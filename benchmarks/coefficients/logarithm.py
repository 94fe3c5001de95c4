"""Compute the polynomials and tables of our logarithms, powers and cube roots anew.

Run from the root of the repository: ``python -m benchmarks.coefficients.logarithm`` (some seconds).

Every polynomial is minimax by the Remez exchange in 60-digit arithmetic. The coefficients are
rounded to the dtype one by one, from the lowest order, and the remaining ones are fitted again each
time.

The tables for CPUs with AVX-512 have factors f near 1/m and -log_b f as a sum of two numbers. The
first is a multiple of 2^-42 (float32: 2^-16), so that adding it to k times the first part of
log_b 2 is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import mpmath
import numpy as np

from benchmarks.coefficients.lookup import DIGITS, Number, chebyshev_points, mantissas, minimax
from symgrad.emit.vector.logarithm import BINARY, DECIMAL, NATURAL

NEAR_ZERO = mpmath.mpf(2) ** -12
"""Where |x| is smaller, the quotients of differences have too few digits to be fitted."""

BASES = {"log": (mpmath.e, NATURAL), "log2": (mpmath.mpf(2), BINARY), "log10": (10, DECIMAL)}
START_BITS = {"float64": 42, "float32": 16}
POWER_STEPS = 32  # m is rounded to a multiple of 1/32 for the table of pow
POWER_FACTOR_STEPS = 1024


class Fit(NamedTuple):
    """A polynomial in t that stands for ``wanted``, weighted, between two ends."""

    wanted: Callable[[Number], Number]
    weight: Callable[[Number], Number]
    low: Number
    high: Number
    count: int
    dtype: str = "float64"
    known: tuple[float, ...] = ()


def main() -> None:
    """Print every polynomial with the largest weighted error it is left with, and the tables."""
    for (name, dtype), fit in fits().items():
        coefficients, error = fitted(fit)
        print(f"# {name} {dtype}: 2^{float(mpmath.log(error, 2)):.1f}")
        print(shown(coefficients, dtype), flush=True)
    for name in BASES:
        for dtype in START_BITS:
            for row in logarithms(name, dtype):
                print(f"# {name} {dtype}", shown(row, dtype), sep="\n")
    for row in power_table():
        print("# pow", shown(row, "float64"), sep="\n")


def shown(values: Sequence[float], dtype: str) -> str:
    """The numbers in as few digits as tell them apart in the dtype."""
    return ", ".join(str(np.dtype(dtype).type(value)) for value in values)


def half_log_ratio(z: Number) -> Number:
    """2 atanh(s) = log((1 + s)/(1 - s)) with s = sqrt(z), z > 0."""
    return 2 * mpmath.atanh(mpmath.sqrt(z))


def after_two(z: Number) -> Number:
    """(2 atanh(s)/s - 2)/z: 2/3 + 2/5 z + 2/7 z^2 + ... (NIST DLMF 4.38.5)."""
    return (half_log_ratio(z) / mpmath.sqrt(z) - 2) / z


def fits() -> dict[tuple[str, str], Fit]:
    """Every polynomial by name and dtype."""
    with mpmath.workdps(DIGITS):
        table = {}
        zero, narrow, wide = mpmath.mpf(0), (3 - mpmath.sqrt(8)) ** 2, mpmath.mpf("0.2008") ** 2
        for dtype, of_ratio, of_power in (("float64", 8, 8), ("float32", 3, 3)):
            table["ratio", dtype] = Fit(
                after_two,
                lambda z: z * mpmath.sqrt(z) / half_log_ratio(z),
                zero, wide, of_ratio, dtype,
            )  # fmt: skip
            table["power", dtype] = Fit(
                lambda z: (after_two(z) - mpmath.mpf(2) / 3) / z,
                lambda z: z**2 * mpmath.sqrt(z) / half_log_ratio(z),
                zero, narrow, of_power, dtype,
            )  # fmt: skip
            count = 4 if dtype == "float64" else 6
            table["cbrt", dtype] = Fit(
                lambda m: 1 / mpmath.cbrt(m), mpmath.cbrt, mpmath.mpf(1), mpmath.mpf(2), count,
                dtype,
            )  # fmt: skip
        low, high = mpmath.sqrt(0.5) - 1, mpmath.sqrt(2) - 1
        table["one plus", "float32"] = of_one_plus("log", "float32", low, high, 10)
        low, high = rests()
        for name in BASES:
            table[f"lookup {name}", "float64"] = of_one_plus(name, "float64", low, high, 9)
            table[f"lookup {name}", "float32"] = of_one_plus(name, "float32", low, high, 4)
        low, high = power_rests()
        table["lookup pow", "float64"] = Fit(
            lambda r: (mpmath.log1p(r) - r + r * r / 2) / r**3,
            lambda r: r**3 / mpmath.log1p(r),
            low, high, 8,
        )  # fmt: skip
        return table


def of_one_plus(name: str, dtype: str, low: Number, high: Number, count: int) -> Fit:
    """(log_b(1 + r) - r/ln b)/r^2; the natural one begins with -1/2."""
    factor = 1 / mpmath.log(BASES[name][0])
    return Fit(
        lambda r: (mpmath.log1p(r) - r) * factor / r**2,
        lambda r: r**2 / mpmath.log1p(r) / factor,
        low, high, count, dtype, (-0.5,) if name == "log" else (),
    )  # fmt: skip


def factors() -> list[Number]:
    """A multiple of 1/64 near 1/m for each interval of ``mantissas``; 1 beside 1."""
    return [
        mpmath.mpf(1) if 1 in (low, high) else mpmath.nint(128 / (low + high)) / 64
        for low, high in mantissas()
    ]


def rests() -> tuple[Number, Number]:
    """The least and the largest m*f - 1."""
    pairs = zip(factors(), mantissas(), strict=True)
    found = [end * factor - 1 for factor, interval in pairs for end in interval]
    return min(found), max(found)


def logarithms(name: str, dtype: str) -> tuple[list[float], list[float]]:
    """-log_b f for m in [1, 2) in two parts; f is half as large where m/2 is near 1/f."""
    base, constants = BASES[name]
    with mpmath.workdps(DIGITS):
        starts, rests = [], []
        for (low, _), factor in zip(mantissas(), factors(), strict=True):
            value = -mpmath.log(factor) / mpmath.log(base)
            start = to_multiple(value, START_BITS[dtype])
            if low < 1:
                start += constants[dtype].two[0]
                value += mpmath.log(2) / mpmath.log(base)
            starts.append(float(start))
            rests.append(float(rounded(value - start, dtype)))
    return starts, rests


def power_factors() -> dict[int, Number]:
    """A number near 1/m for each multiple of 1/32 that m in [0.75, 1.5) is rounded to."""
    return {
        j: mpmath.nint(mpmath.mpf(POWER_STEPS) / j * POWER_FACTOR_STEPS) / POWER_FACTOR_STEPS
        for j in range(24, 49)
    }


def power_rests() -> tuple[Number, Number]:
    """The least and the largest m*f - 1 of pow."""
    half = mpmath.mpf(1) / 2
    factors = power_factors()
    low = min(max(j - half, 24) * factor for j, factor in factors.items()) / POWER_STEPS - 1
    high = max(min(j + half, 48) * factor for j, factor in factors.items()) / POWER_STEPS - 1
    return low, high


def power_table() -> tuple[list[float], list[float], list[float]]:
    """The rows f and -log f in two parts, by the last five bits of 32m rounded."""
    with mpmath.workdps(DIGITS):
        table = power_factors()
        chosen = [table.get(j if j > 16 else j + 32, mpmath.mpf(1)) for j in range(32)]
        exact = [-mpmath.log(factor) for factor in chosen]
        starts = [to_multiple(value, START_BITS["float64"]) for value in exact]
        rests = [float(value - start) for value, start in zip(exact, starts, strict=True)]
        return [float(factor) for factor in chosen], [float(start) for start in starts], rests


def to_multiple(value: Number, bits: int) -> Number:
    """The nearest multiple of 2^-bits."""
    return mpmath.nint(mpmath.ldexp(value, bits)) / mpmath.mpf(2) ** bits


def fitted(fit: Fit) -> tuple[list[float], Number]:
    """The rounded coefficients, and the largest weighted error over many points."""
    with mpmath.workdps(DIGITS):
        points = chebyshev_points(fit.low, fit.high)
        points = [point for point in points if abs(point) > NEAR_ZERO * (fit.high - fit.low)]
        values = [fit.wanted(point) for point in points]
        weights = [abs(fit.weight(point)) for point in points]
        known = list(fit.known)
        while len(known) < fit.count:
            place = len(known)
            head = [mpmath.mpf(value) for value in reversed(known)] or [mpmath.mpf(0)]
            pairs = zip(points, values, strict=True)
            wanted = [(value - mpmath.polyval(head, t)) / t**place for t, value in pairs]
            scaled = [weight * abs(t) ** place for t, weight in zip(points, weights, strict=True)]
            rest = minimax(points, wanted, scaled, fit.count - place)
            known.append(float(rounded(rest[0], fit.dtype)))
        return known, max(errors(fit, known, points))


def errors(fit: Fit, coefficients: Sequence[float], points: Sequence[Number]) -> list[Number]:
    """The weighted error at every point."""
    exact = [mpmath.mpf(value) for value in reversed(coefficients)]
    return [abs((fit.wanted(t) - mpmath.polyval(exact, t)) * fit.weight(t)) for t in points]


def rounded(value: Number, dtype: str) -> Number:
    """The nearest number of the dtype; for float32 in one rounding."""
    with mpmath.workprec(np.finfo(dtype).nmant + 1):
        return +value


if __name__ == "__main__":
    main()
