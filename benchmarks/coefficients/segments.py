"""Compute the piecewise tables in ``symgrad/functions/special/`` anew.

Run from the root of the repository: ``python -m benchmarks.coefficients.segments [FAMILY ...]``
(seconds). Each family is a function here that returns its tables by name, as they stand in its
module: ``Segments``, roots as pairs, and nodes and weights of quadratures.

Polynomials interpolate at 44 Chebyshev points of each segment in 45-digit arithmetic; the terms of
the Chebyshev series are kept until the rest is below 2^-57 of the smallest value.
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import mpmath
from mpmath import mpf

from symgrad.functions.special.segments import Segments

DIGITS, MORE_DIGITS, QUADRATURE_DIGITS = 45, 70, 120
POINTS = 44
REST = mpf(2) ** -57
WIDTH = 100
HALF = mpf(1) / 2

Function = Callable[[Any], Any]
Tables = dict[str, Any]


def exact(f: Function) -> Function:
    """The function in more digits than the fits have."""

    def evaluated(x: Any) -> Any:
        with mpmath.workdps(MORE_DIGITS):
            value = f(x)
        return +value

    return evaluated


def chebyshev(f: Function, low: Any, high: Any) -> tuple[list[Any], int]:
    """The Chebyshev coefficients on an interval, and the degree that is enough."""
    angles = [mpmath.pi * (k + HALF) / POINTS for k in range(POINTS)]
    values = [f((low + high) / 2 + (high - low) / 2 * mpmath.cos(angle)) for angle in angles]
    terms = []
    for j in range(POINTS):
        products = (v * mpmath.cos(j * angle) for v, angle in zip(values, angles, strict=True))
        terms.append(2 * mpmath.fsum(products) / POINTS / (1 if j else 2))
    size = (
        min(map(abs, values)) if all(v * values[0] > 0 for v in values) else max(map(abs, values))
    )
    rest = mpf(0)
    for degree in range(POINTS - 1, -1, -1):
        rest += abs(terms[degree])
        if rest > size * REST:
            return terms, degree
    return terms, 0


def powers(terms: Sequence[Any]) -> list[Any]:
    """The coefficients of a Chebyshev series in powers of its variable."""
    total = [mpf(0)] * len(terms)
    before, last = [mpf(1)], [mpf(0), mpf(1)]
    for term in terms:
        for i, value in enumerate(before):
            total[i] += term * value
        following = [mpf(0)] + [2 * value for value in last]
        for i, value in enumerate(before):
            following[i] -= value
        before, last = last, following
    return total


def segments(f: Function, bounds: Sequence[Any]) -> Segments:
    """The fits of f on consecutive intervals, all of the degree that the worst needs."""
    ends = [mpf(bound) for bound in bounds]
    pairs = list(pairwise(ends))
    fits = [chebyshev(f, low, high) for low, high in pairs]
    degree = max(degree for _, degree in fits)
    columns = [powers(terms[: degree + 1]) for terms, _ in fits]
    return Segments(
        tuple(float(end) for end in ends[1:-1]),
        tuple(float((low + high) / 2) for low, high in pairs),
        tuple(float(2 / (high - low)) for low, high in pairs),
        tuple(tuple(float(column[d]) for column in columns) for d in range(degree, -1, -1)),
    )


def pair(value: Any) -> tuple[float, float]:
    """A number as the sum of two doubles."""
    return float(value), float(value - float(value))


def by_root(f: Function, near: str) -> tuple[tuple[float, float], Function]:
    """A root as a pair, and the function divided by its distance from it."""
    root = mpmath.findroot(f, mpf(near))
    return pair(root), exact(lambda x: f(x) / (x - mpmath.findroot(f, mpf(near))))


def gauss(moments: Sequence[Any], count: int) -> list[tuple[Any, Any]]:
    """Nodes and weights of Gauss quadrature: Chebyshev's algorithm, then Golub and Welsch's."""
    before, last = [mpf(0)] * (2 * count), list(moments[: 2 * count])
    matrix = mpmath.zeros(count)
    matrix[0, 0] = centre = moments[1] / moments[0]
    weight = moments[0]
    for k in range(1, count):
        following = [mpf(0)] * (2 * count)
        for i in range(k, 2 * count - k):
            following[i] = last[i + 1] - centre * last[i] - weight * before[i]
        centre = following[k + 1] / following[k] - last[k] / last[k - 1]
        weight = following[k] / last[k - 1]
        matrix[k, k] = centre
        matrix[k, k - 1] = matrix[k - 1, k] = mpmath.sqrt(weight)
        before, last = last, following
    nodes, vectors = mpmath.eigsy(matrix)
    return [(nodes[i], moments[0] * vectors[0, i] ** 2) for i in range(count)]


def _excess(t: Any) -> Any:
    """The density of the normal distribution over its tail beyond t, less t."""
    a = t / mpmath.sqrt(2)
    return mpmath.sqrt(2 / mpmath.pi) / (mpmath.exp(a * a) * mpmath.erfc(a)) - t


def _dawson(x: Any) -> Any:
    return mpmath.sqrt(mpmath.pi) / 2 * mpmath.exp(-x * x) * mpmath.erfi(x)


def _dawson_tail(v: Any) -> Any:
    x = 1 / mpmath.sqrt(v)
    if x < 30:
        return x * _dawson(x)
    return mpmath.fsum(mpmath.fac2(2 * k - 1) / 2 ** (k + 1) * v**k for k in range(46))


def _erfcinv(s: Any) -> Any:
    """The y of erfc(y) = exp(-s^2), by Halley's method."""
    p = mpmath.exp(-s * s)
    y = s if p < 0.1 else mpmath.erfinv(1 - p)
    with mpmath.workdps(60):
        for _ in range(8):
            step = (mpmath.erfc(y) - p) / (-2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-y * y))
            y -= step / (1 + y * step)
    return +y


def _near(f: Function) -> Function:
    """f(sqrt(u))/sqrt(u)."""
    return exact(lambda u: f(mpmath.sqrt(u)) / mpmath.sqrt(u))


def error() -> Tables:
    """``error/coefficients.py``: fits, and quadratures for the derivatives of erfcx."""
    scaled = exact(lambda x: mpmath.exp(x * x) * mpmath.erfc(x))
    tables: Tables = {
        "ERFCX": segments(scaled, [0, 0.5, 1, 1.5, 2.25, 3, 4, 5.5, 8]),
        "ERFCX_TAIL": segments(
            lambda v: scaled(1 / mpmath.sqrt(v)) / mpmath.sqrt(v), [0, mpf(1) / 64]
        ),
        "EXCESS": segments(exact(_excess), [0, 0.75, 1.5, 2.5, 3.75, 5.5, 8]),
        "EXCESS_TAIL": segments(
            exact(lambda v: _excess(1 / mpmath.sqrt(v)) / mpmath.sqrt(v)), [0, mpf(1) / 64]
        ),
        "DAWSON_NEAR": segments(_near(_dawson), [0, 0.25]),
        "DAWSON": segments(exact(_dawson), [0.5, 1, 1.5, 2, 2.75, 3.5, 4.5, 6, 8]),
        "DAWSON_TAIL": segments(exact(_dawson_tail), [0, mpf(1) / 64]),
        "ERFINV_NEAR": segments(_near(mpmath.erfinv), [0, 0.25]),
        "ERFCINV": segments(_erfcinv, [0.83, 1.25, 1.75, 2.5, 3.5, 5, 7, 10, 15, 28]),
    }
    count = 28
    with mpmath.workdps(QUADRATURE_DIGITS):
        root = mpmath.sqrt(mpmath.pi)
        hermite = gauss([mpmath.gamma((k + mpf(1)) / 2) / 2 for k in range(2 * count + 2)], count)
        laguerre = gauss([mpmath.factorial(k) for k in range(2 * count + 2)], count)
        tables["HALF_HERMITE"] = tuple(
            (float(mpmath.log(2 * s)), float(2 * s), float(2 * w / root)) for s, w in hermite[::-1]
        )
        tables["LAGUERRE"] = tuple(
            (float(mpmath.log(s)), float(s * s / 4), float(w / root)) for s, w in laguerre[::-1]
        )
    return tables


def _tail(scaled: Function, sign: int) -> Function:
    """Of x times a scaled exponential integral in 1/x."""

    def tail(v: Any) -> Any:
        if v < mpf(1) / 2000:
            return mpmath.fsum(sign**k * mpmath.factorial(k) * v**k for k in range(25))
        return scaled(1 / v) / v

    return tail


def exponential_integrals() -> Tables:
    """``integrals/exponential_coefficients.py``: E1, Ei and what their orders need."""
    e1 = exact(lambda x: mpmath.exp(x) * mpmath.e1(x))
    ei = exact(lambda x: mpmath.exp(-x) * mpmath.ei(x))
    log = lambda x: mpmath.euler + mpmath.log(x)  # noqa: E731 - one line of mathematics
    root, without = by_root(mpmath.ei, "0.3725")
    return {
        "E1_NEAR": segments(exact(lambda x: (mpmath.e1(x) + log(x)) / x), [0, 0.5]),
        "E1": segments(e1, [0.5, 0.75, 1.125, 1.75, 2.5, 4, 6, 9, 14, 20]),
        "E1_TAIL": segments(_tail(e1, -1), [0, 0.025, 0.05]),
        "EI_NEAR": segments(exact(lambda x: (mpmath.ei(x) - log(x)) / x), [0, 0.25]),
        "EI_ROOT": root,
        "EI_ROOT_FIT": segments(without, [0.25, 0.55]),
        "EI": segments(ei, [0.55, 0.75, 1.125, 1.75, 2.5, 4, 6, 9, 14, 22, 40]),
        "EI_TAIL": segments(_tail(ei, 1), [0, 0.0125, 0.025]),
        "LI_ROOT": by_root(mpmath.li, "1.4513692")[0],
        "LOGGAMMA_RATIO": segments(lambda e: mpmath.loggamma(1 + e) / e, [-HALF, 0, HALF, 1]),
    }


def _auxiliary(order: int) -> Function:
    """Of x f(x), or x^2 g(x) for order 1, of the sine and cosine integrals (NIST DLMF 6.2.17)."""

    def scaled(v: Any) -> Any:
        x = 1 / mpmath.sqrt(v)
        if x > 200:
            terms = ((-1) ** k * mpmath.factorial(2 * k + order) * v**k for k in range(40))
            return mpmath.fsum(terms)
        sine, cosine = mpmath.sin(x), mpmath.cos(x)
        ci, si = mpmath.ci(x), mpmath.pi / 2 - mpmath.si(x)
        return x**2 * (si * sine - ci * cosine) if order else x * (ci * sine + si * cosine)

    return exact(scaled)


def sine_integrals() -> Tables:
    """``integrals/sine_coefficients.py``."""
    ci_root, ci = by_root(mpmath.ci, "0.6165")
    chi_root, chi = by_root(mpmath.chi, "0.5238")
    log = lambda u: mpmath.euler + mpmath.log(u) / 2  # noqa: E731 - one line of mathematics
    far = [0, mpf(1) / 256, mpf(1) / 121, mpf(1) / 64]
    return {
        "SI_NEAR": segments(_near(mpmath.si), [0, 4]),
        "SI": segments(exact(mpmath.si), [2, 3, 4.5, 6, 8]),
        "SI_F": segments(_auxiliary(0), far),
        "SI_G": segments(_auxiliary(1), far),
        "CI_NEAR": segments(exact(lambda u: (mpmath.ci(mpmath.sqrt(u)) - log(u)) / u), [0, 0.16]),
        "CI_ROOT": ci_root,
        "CI_ROOT_FIT": segments(ci, [0.4, 0.9]),
        "CI": segments(exact(mpmath.ci), [0.9, 1.25, 2, 3, 4.5, 6, 8]),
        "SHI_NEAR": segments(_near(mpmath.shi), [0, 4]),
        "CHI_NEAR": segments(
            exact(lambda u: (mpmath.chi(mpmath.sqrt(u)) - log(u)) / u), [0, mpf("0.1225")]
        ),
        "CHI_ROOT": chi_root,
        "CHI_ROOT_FIT": segments(chi, [0.35, 0.75]),
        "CHI": segments(exact(mpmath.chi), [0.75, 1, 1.5, 2]),
    }


def _fresnel(order: int) -> Function:
    """Of x f(x), or x^3 g(x) for order 1, in v = 1/x^4 (NIST DLMF 7.5.3, 7.5.4, 7.12.2, 7.12.3)."""

    def scaled(v: Any) -> Any:
        x = 1 / mpmath.root(v, 4)
        if x > 25:
            z = mpmath.pi * x * x / 2
            terms = ((-1) ** k * mpmath.rf(HALF, 2 * k + order) / z ** (2 * k) for k in range(40))
            return mpmath.fsum(terms) / mpmath.pi * (x * x / z if order else 1)
        cosine, sine = mpmath.cospi(x * x / 2), mpmath.sinpi(x * x / 2)
        s, c = HALF - mpmath.fresnels(x), HALF - mpmath.fresnelc(x)
        return x**3 * (c * cosine + s * sine) if order else x * (s * cosine - c * sine)

    return exact(scaled)


def fresnel() -> Tables:
    """``integrals/fresnel_coefficients.py``."""
    bounds = [0, mpf(1) / 400, mpf(1) / 64, 0.05, 0.12, 0.255]

    def near(f: Function, power: int) -> Function:
        return exact(lambda u: f(mpmath.root(u, 4)) / mpmath.root(u, 4) ** power)

    return {
        "FRESNEL_C_NEAR": segments(near(mpmath.fresnelc, 1), [0, 1.5, 4]),
        "FRESNEL_S_NEAR": segments(near(mpmath.fresnels, 3), [0, 1.5, 4]),
        "FRESNEL_F": segments(_fresnel(0), bounds),
        "FRESNEL_G": segments(_fresnel(1), bounds),
    }


def elliptic() -> Tables:
    """``elliptic/coefficients.py``: Gauss-Legendre quadrature on (0, 1), sin and cos of k/16."""
    count, made = 14, []
    for index in range(count):
        x = mpmath.cos(mpmath.pi * (index + 0.75) / (count + HALF))
        for _ in range(8):
            value, slope = _legendre(count, x)
            x -= value / slope
        slope = _legendre(count, x)[1]
        made.append((float((1 + x) / 2), float(1 / ((1 - x * x) * slope**2))))
    angles = [mpf(k) / 16 for k in range(26)]
    turn = tuple((*pair(mpmath.sin(angle)), *pair(mpmath.cos(angle))) for angle in angles)
    return {"LEGENDRE": tuple(sorted(made)), "TURN": turn}


def _legendre(count: int, x: Any) -> tuple[Any, Any]:
    """Legendre's polynomial and its derivative (NIST DLMF 18.9.1, 18.9.17)."""
    lower, upper = mpf(1), x
    for k in range(1, count):
        lower, upper = upper, ((2 * k + 1) * x * upper - k * lower) / (k + 1)
    return upper, count * (x * upper - lower) / (x * x - 1)


FAMILIES: dict[str, Callable[[], Tables]] = {
    "error.coefficients": error,
    "integrals.exponential_coefficients": exponential_integrals,
    "integrals.sine_coefficients": sine_integrals,
    "integrals.fresnel_coefficients": fresnel,
    "elliptic.coefficients": elliptic,
}
"""The module of ``symgrad/functions/special`` that holds a family's tables -> what makes them."""


def lines(name: str, table: Any) -> Iterator[str]:
    """A table as source."""
    if not isinstance(table, Segments):
        yield f"{name} = {table!r}"
        return
    yield f"{name} = Segments("
    for field, value in zip(Segments._fields[:3], table[:3], strict=True):
        yield from textwrap.wrap(f"{field}={value!r},", WIDTH, initial_indent="    ")
    yield "    rows=("
    for row in table.rows:
        yield from textwrap.wrap(f"{row!r},", WIDTH - 8)
    yield "    ),"
    yield ")"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("families", nargs="*", metavar="FAMILY", help="all if none")
    chosen = parser.parse_args(arguments).families or list(FAMILIES)
    for family in set(chosen) - set(FAMILIES):
        parser.error(f"there is no {family}; there are {', '.join(FAMILIES)}")
    with mpmath.workdps(DIGITS):
        for family in chosen:
            for name, table in FAMILIES[family]().items():
                print("\n".join(lines(name, table)))


if __name__ == "__main__":
    main()
