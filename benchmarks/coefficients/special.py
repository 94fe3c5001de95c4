"""Compute the tables of coefficients in ``symgrad/functions/special/`` anew.

Run from the root of the repository: ``python -m benchmarks.coefficients.special [FAMILY ...]``
(seconds). Each family is a function here that returns its tables by name, as they stand in its
module; what they approximate is said there.

Polynomials interpolate at the Chebyshev points of an interval, in 50-digit arithmetic, so that they
are within a small factor of minimax; degrees are such that the error is below a quarter of an ulp.
A quotient of polynomials interpolates there likewise. Coefficients are rounded at the end.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from math import ulp
from typing import Any

import mpmath
from mpmath import mpf

DIGITS = 50
WIDTH = 100
NEARLY_ZERO = mpf(10) ** -25
"""In place of 0, where a function is given by a formula that 0 has no value of."""

Function = Callable[[Any], Any]
Tables = dict[str, Any]


def chebyshev(f: Function, low: Any, high: Any, degree: int) -> list[Any]:
    """The Chebyshev coefficients of the polynomial that interpolates f on an interval."""
    count = degree + 1
    middle, half = mpf(low + high) / 2, mpf(high - low) / 2
    angles = [mpmath.pi * (2 * k + 1) / (2 * count) for k in range(count)]
    values = [f(middle + half * mpmath.cos(angle)) for angle in angles]
    sums = [
        mpmath.fsum(v * mpmath.cos(j * angle) for v, angle in zip(values, angles, strict=True))
        for j in range(count)
    ]
    return [s * (1 if j == 0 else 2) / count for j, s in enumerate(sums)]


def polynomial(f: Function, low: Any, high: Any, degree: int, *, centred: bool = False) -> Any:
    """The coefficients in powers of x, lowest first.

    Args:
        f: the function.
        low: one end of the interval.
        high: the other.
        degree: of the polynomial.
        centred: in powers of what runs from -1 to 1 on the interval instead.
    """
    low, high = mpf(low), mpf(high)
    terms = chebyshev(f, low, high, degree)
    # Clenshaw's recurrence on coefficients: in powers of v = scale x + shift.
    scale, shift = (mpf(1), mpf(0)) if centred else (2 / (high - low), (low + high) / (low - high))
    one: list[Any] = [mpf(0)] * (degree + 2)
    two = list(one)
    for term in reversed(terms[1:]):
        raised = [2 * (shift * b + scale * a) for a, b in zip([0, *one], [*one, 0], strict=True)]
        one, two = [r - t for r, t in zip(raised[: degree + 2], two, strict=True)], one
        one[0] += term
    found = [shift * b + scale * a - t for a, b, t in zip([0, *one[:-1]], one, two, strict=True)]
    found[0] += terms[0]
    return [float(c) for c in found[: degree + 1]]


def quotient(f: Function, low: Any, high: Any, degree: int) -> tuple[list[float], list[float]]:
    """Numerator and denominator of that degree, lowest first; the latter begins with 1."""
    count = 2 * degree + 1
    middle, half = mpf(low + high) / 2, mpf(high - low) / 2
    points = [
        middle + half * mpmath.cos(mpmath.pi * (2 * k + 1) / (2 * count)) for k in range(count)
    ]
    values = [f(point) for point in points]
    matrix = mpmath.matrix(count, count)
    for i, (x, y) in enumerate(zip(points, values, strict=True)):
        for j in range(degree + 1):
            matrix[i, j] = x**j
        for j in range(1, degree + 1):
            matrix[i, degree + j] = -y * x**j
    found = [float(c) for c in mpmath.lu_solve(matrix, mpmath.matrix(values))]
    return found[: degree + 1], [1.0, *found[degree + 1 :]]


def pair(value: Any) -> tuple[float, float]:
    """The number as the sum of two doubles."""
    high = float(value)
    return high, float(value - mpf(high))


def without(f: Function, factors: Sequence[Function]) -> Function:
    """The function divided by others."""

    def divided(x: Any) -> Any:
        value = f(x)
        for factor in factors:
            value /= factor(x)
        return value

    return divided


def _minus(zero: Any) -> Function:
    return lambda x: x - zero


def _one_minus(inverse: Any) -> Function:
    return lambda x: 1 - inverse * x


def bessel() -> Tables:
    """J and Y of orders 0 and 1."""
    edge = 16
    tables: Tables = {}
    for n in (0, 1):
        zeros = [mpmath.besseljzero(n, k) ** 2 for k in (1, 2, 3)]
        inner, outer = zeros[:2], [1 / zero for zero in zeros[2:]]
        if zeros[1] > edge:
            inner, outer = zeros[:1], [1 / zero for zero in zeros[1:]]

        def j(z: Any, n: int = n) -> Any:
            x = mpmath.sqrt(max(z, NEARLY_ZERO))
            return mpmath.besselj(n, x) / x**n

        def y(z: Any, n: int = n) -> Any:
            x = mpmath.sqrt(max(z, NEARLY_ZERO))
            singular = mpmath.log(x) * mpmath.besselj(n, x) - (1 / x if n else 0)
            return (mpmath.bessely(n, x) - 2 / mpmath.pi * singular) / x**n

        factors = [*map(_minus, inner), *map(_one_minus, outer)]
        tables[f"J{n}_SMALL"] = polynomial(without(j, factors), 0, edge, 12, centred=n == 1)
        tables[f"J{n}_ZEROS"] = [pair(zero) for zero in inner]
        tables[f"J{n}_OUTER"] = [float(inverse) for inverse in outer]
        if n == 0:
            _one_at_zero(tables["J0_SMALL"], tables["J0_ZEROS"])
        for index, letter in enumerate("PQ"):
            tables[f"{letter}{n}"] = polynomial(_phase(n, index), 0, mpf(1) / edge, 23)
        near = ((0.4, 0.5), (22, 23)) if n == 0 else ((4, 5), (42, 43))
        inverses = [1 / mpmath.findroot(y, ends, solver="anderson", tol=1e-90) for ends in near]
        regular = without(y, [*map(_one_minus, inverses)])
        tables[f"Y{n}_SMALL"] = polynomial(regular, 0, edge, 13, centred=True)
        tables[f"Y{n}_ZEROS"] = [float(inverse) for inverse in inverses]
    return tables


def _one_at_zero(coefficients: list[float], zeros: Sequence[tuple[float, float]]) -> None:
    """Change the first coefficient by an ulp or two, so that J0(0) rounds to 1."""
    near = coefficients[0]
    for steps in (0, 1, -1, 2, -2):
        value = coefficients[0] = near + steps * ulp(near)
        for high, _ in zeros:
            value = value * -high
        if value == 1.0:
            return
    raise ValueError(f"J0(0) is not 1 with {near!r}")


def _phase(n: int, index: int) -> Function:
    """P and x Q of NIST DLMF 10.18(iii), from J and Y themselves, of 1/x^2."""

    def value(t: Any) -> Any:
        x = 1 / mpmath.sqrt(t + NEARLY_ZERO)
        angle = x - (2 * n + 1) * mpmath.pi / 4
        wave = mpmath.sqrt(mpmath.pi * x / 2) * (mpmath.besselj(n, x) + 1j * mpmath.bessely(n, x))
        turned = wave * mpmath.expj(-angle)
        return turned.imag * x if index else turned.real

    return value


def bessel_modified() -> Tables:
    """I and K of orders 0 and 1."""
    tables: Tables = {}
    for n in (0, 1):

        def i(z: Any, n: int = n) -> Any:
            x = mpmath.sqrt(max(z, NEARLY_ZERO))
            return mpmath.besseli(n, x) / x**n

        def k(z: Any, n: int = n) -> Any:
            x = mpmath.sqrt(max(z, NEARLY_ZERO))
            if n:
                return (mpmath.besselk(1, x) - 1 / x - mpmath.log(x) * mpmath.besseli(1, x)) / x
            return mpmath.besselk(0, x) + mpmath.log(x) * mpmath.besseli(0, x)

        def growing(t: Any, n: int = n) -> Any:
            x = 1 / max(t, mpf(10) ** -12)
            return mpmath.besseli(n, x) * mpmath.exp(-x) * mpmath.sqrt(x)

        def decaying(t: Any, n: int = n) -> Any:
            x = 1 / max(t, mpf(10) ** -12)
            return mpmath.besselk(n, x) * mpmath.exp(x) * mpmath.sqrt(x)

        tables[f"I{n}_SMALL"] = polynomial(i, 0, 64, 17)
        tables[f"I{n}_LARGE"] = polynomial(growing, 0, mpf(1) / 8, 24, centred=True)
        tables[f"I{n}_UNIT"] = polynomial(i, 0, 1, 7)
        tables[f"K{n}_UNIT"] = polynomial(k, 0, 1, 7)
        tables[f"K{n}_LARGE_TOP"], tables[f"K{n}_LARGE_BOTTOM"] = quotient(decaying, 0, 1, 10)
    for name, times, low, high in (("I1E_SLOPE", 1, 1, 2.5), ("I1E_CURVATURE", 2, 2.25, 3.75)):

        def derivative(x: Any, times: int = times) -> Any:
            last = 2 * times
            terms = [
                (-1) ** j * mpmath.binomial(last, j) * mpmath.besseli(1 - times + j, x)
                for j in range(last + 1)
            ]
            return mpmath.exp(-x) * mpmath.fsum(terms) / 2**times

        zero = mpmath.findroot(derivative, (low + high) / 2)
        tables[f"{name}_ZERO"] = pair(zero)
        smooth = without(derivative, [_minus(zero)])
        tables[name] = polynomial(smooth, low, high, 17, centred=True)
    return tables


def real_order() -> Tables:
    """The even functions in Temme's series."""

    def half_sum(square: Any, sign: int) -> Any:
        mu = mpmath.sqrt(max(square, NEARLY_ZERO))
        both = (mpmath.rgamma(1 - mu) + sign * mpmath.rgamma(1 + mu)) / 2
        return both if sign > 0 else both / mu

    def over_sine(square: Any) -> Any:
        return 1 / mpmath.sincpi(mpmath.sqrt(square))

    return {
        "GAMMA_1": polynomial(lambda square: half_sum(square, -1), 0, mpf(1) / 4, 8),
        "GAMMA_2": polynomial(lambda square: half_sum(square, 1), 0, mpf(1) / 4, 8),
        "OVER_SINE": polynomial(over_sine, 0, mpf(1) / 4, 15),
    }


AIRY_ZEROS = {"AI": 2, "BI": 3, "AI_PRIME": 3, "BI_PRIME": 2}
"""How many zeros are taken out."""


def airy() -> Tables:
    """Ai, Bi and their derivatives."""
    edge = mpf(13) / 3
    zeta_edge = mpf(2) / 3 * edge ** mpf(1.5)
    tables: Tables = {}
    for name, count in AIRY_ZEROS.items():
        order = int("PRIME" in name)
        decays = name.startswith("AI")
        plain = mpmath.airyai if decays else mpmath.airybi
        zero = mpmath.airyaizero if decays else mpmath.airybizero
        zeros = [zero(k, order) for k in range(1, count + 1)]

        def f(x: Any, plain: Any = plain, order: int = order) -> Any:
            return plain(x, derivative=order)

        def scaled(t: Any, f: Any = f, order: int = order, decays: bool = decays) -> Any:
            zeta = 1 / max(t, mpf(10) ** -12)
            x = _from_zeta(zeta)
            size = mpmath.exp(zeta if decays else -zeta) * x ** (mpf(1 - 2 * order) / 4)
            return f(x) * size * mpmath.sqrt(mpmath.pi) * ((-1) ** order * 2 if decays else 1)

        tables[f"{name}_ZEROS"] = [pair(z) for z in zeros]
        smooth = without(f, [*map(_minus, zeros)])
        tables[f"{name}_NEGATIVE"] = polynomial(smooth, -edge, -1, 22, centred=True)
        if decays:
            tables[f"{name}_UNIT"] = polynomial(f, -1, 1, 20)
            top, bottom = quotient(scaled, 0, mpf(3) / 2, 11)
            tables[f"{name}_LARGE_TOP"], tables[f"{name}_LARGE_BOTTOM"] = top, bottom
        else:
            tables[f"{name}_SMALL"] = polynomial(f, -1, edge, 34)
            tables[f"{name}_LARGE"] = polynomial(scaled, 0, 1 / zeta_edge, 31, centred=True)

    def third(x: Any) -> Any:
        return mpmath.airyai(x) + x * mpmath.airyai(x, derivative=1)

    zero = mpmath.findroot(third, mpf("0.884"))
    tables["AI_THIRD_ZERO"] = pair(zero)
    tables["AI_THIRD_UNIT"] = polynomial(without(third, [_minus(zero)]), -1, 1, 20)
    tables["AI_THIRD_MIDDLE"] = polynomial(without(third, [_minus(zero)]), 1, 2, 18, centred=True)
    for name, order in (("WAVE", 0), ("WAVE_PRIME", 1)):
        for index, letter in enumerate("PQ"):
            wave = _airy_wave(order, index)
            tables[f"{name}_{letter}"] = polynomial(wave, 0, 1 / zeta_edge**2, 15)
    return tables


def _from_zeta(zeta: Any) -> Any:
    return (mpf(3) / 2 * zeta) ** (mpf(2) / 3)


def _airy_wave(order: int, index: int) -> Function:
    """The sums of NIST DLMF 9.7.9 to 9.7.12, from Ai and Bi themselves, of 1/zeta^2."""

    def value(t: Any) -> Any:
        zeta = 1 / mpmath.sqrt(max(t, mpf(10) ** -22))
        x = _from_zeta(zeta)
        size = mpmath.sqrt(mpmath.pi) * x ** (mpf(1 - 2 * order) / 4)
        a, b = (
            size * mpmath.airyai(-x, derivative=order),
            size * mpmath.airybi(-x, derivative=order),
        )
        c, s = mpmath.cos(zeta - mpmath.pi / 4), mpmath.sin(zeta - mpmath.pi / 4)
        even, odd = (a * s + b * c, b * s - a * c) if order else (a * c - b * s, a * s + b * c)
        return odd * zeta if index else even

    return value


def _exactly(f: Function, at_zero: Any) -> Function:
    """The function in 90 digits, for differences that lose digits, and its limit at 0."""

    def precise(x: Any) -> Any:
        if abs(x) < NEARLY_ZERO:
            return at_zero
        with mpmath.workdps(90):
            value = f(x)
        return +value

    return precise


def _stirling_rest(t: Any) -> Any:
    """The value of a (log gamma(a) - Stirling's main part) at a = t^(-1/2)."""
    a = 1 / mpmath.sqrt(t)
    main = (a - mpf(1) / 2) * mpmath.log(a) - a + mpmath.log(2 * mpmath.pi) / 2
    return a * (mpmath.loggamma(a) - main)


def _digamma_rest(t: Any) -> Any:
    a = 1 / mpmath.sqrt(t)
    return (mpmath.log(a) - 1 / (2 * a) - mpmath.psi(0, a)) * a * a


def _trigamma_rest(t: Any) -> Any:
    a = 1 / mpmath.sqrt(t)
    return (mpmath.psi(1, a) - 1 / a - 1 / (2 * a * a)) * a**3


def gamma() -> Tables:
    """1/gamma, log gamma and digamma around 2, and the corrections of their asymptotic series."""
    root = mpmath.findroot(mpmath.digamma, mpf("1.4616"))

    def over_root(s: Any) -> Any:
        x = s + mpf(3) / 2
        return mpmath.psi(0, x) * x * (x + 1) / (x - root)

    half, end = mpf(1) / 2, mpf(1) / 36
    at_two = mpmath.psi(0, 2)
    return {
        "RECIPROCAL": polynomial(
            _exactly(lambda s: (mpmath.rgamma(2 + s) - 1) / s, -at_two), -half, half, 14
        ),
        "STIRLING": polynomial(_exactly(_stirling_rest, mpf(1) / 12), 0, end, 7),
        "LOGGAMMA": polynomial(
            _exactly(lambda s: mpmath.loggamma(2 + s) / s / (1 + s), at_two), -half, half, 18
        ),
        "DIGAMMA": polynomial(over_root, -half, half, 14),
        "DIGAMMA_LARGE": polynomial(_exactly(_digamma_rest, mpf(1) / 12), 0, end, 7),
        "TRIGAMMA_LARGE": polynomial(_exactly(_trigamma_rest, mpf(1) / 6), 0, end, 7),
        "DIGAMMA_ROOT": pair(root),
        "HALF_LOG_TWO_PI": pair(mpmath.log(2 * mpmath.pi) / 2),
    }


def taylor(f: Function, centre: Any, count: int, radius: int = 2, points: int = 80) -> list[float]:
    """Taylor's coefficients of an entire function, by Cauchy's integral over a circle."""
    angles = [2 * mpmath.pi * k / points for k in range(points)]
    values = [f(centre + radius * mpmath.expj(angle)) for angle in angles]
    return [
        float(
            mpmath.fsum(v * mpmath.expj(-k * t) for v, t in zip(values, angles, strict=True)).real
            / points
            / mpf(radius) ** k
        )
        for k in range(count)
    ]


def zeta() -> Tables:
    """Around the pole zeta and eta, and the constants of the sums of Euler-Maclaurin and Boole."""
    half = mpf(1) / 2
    bernoulli = [mpmath.bernoulli(2 * j) / mpmath.factorial(2 * j) for j in range(1, 13)]
    logs = [mpmath.log(k) for k in range(1, 21)]
    return {
        "MIDDLE": polynomial(
            _exactly(lambda u: (u - half) * mpmath.zeta(u + half), -half * mpmath.zeta(half)),
            -1,
            1,
            14,
        ),
        "LAURENT": taylor(lambda s: mpmath.zeta(s) - 1 / (s - 1), mpf(1), 25),
        "BERNOULLI": [float(value) for value in bernoulli],
        "ETA": taylor(mpmath.altzeta, mpf(1), 40),
        "BOOLE": [float((4**j - 1) * value) for j, value in enumerate(bernoulli[:10], 1)],
        "LOGS": [pair(value) for value in logs],
        "LOG_LOGS": [pair(mpmath.log(value)) for value in logs[1:]],
        "LOG_TWO_PI": pair(mpmath.log(2 * mpmath.pi)),
    }


def _branch(sign: int) -> Function:
    """(1 + W)/(sign p) where w exp(w) = (p^2/2 - 1)/e, on the side of ``sign``."""

    def found(p: Any) -> Any:
        x = (p * p / 2 - 1) / mpmath.e
        guess = -1 + sign * p - p * p / 3 + sign * 11 * p**3 / 72
        w = mpmath.findroot(
            lambda v: v * mpmath.exp(v) - x,
            (guess, guess * (1 + mpf(10) ** -6)),
            tol=mpf(10) ** -160,
            verify=False,
        )
        return (1 + w) / (sign * p)

    return _exactly(found, mpf(1))


def lambertw() -> Tables:
    """Both branches around the branch point."""
    end = mpf("0.62")
    return {
        "UPPER": polynomial(_branch(1), 0, end, 16),
        "LOWER": polynomial(_branch(-1), 0, end, 20),
        "E": pair(mpmath.e),
    }


def incomplete_gamma() -> Tables:
    """Temme's C_k(eta): C_0 = 1/(l - 1) - 1/eta, C_k = C_(k-1)'/eta + (-1)^k g_k/(l - 1).

    With mu = l - 1 and eta^2/2 = mu - log(1 + mu), so mu mu' = eta (1 + mu), all are power series;
    g_k is what takes the pole away.
    """
    count = 60
    mu = [mpf(0), mpf(1)]
    for n in range(2, count):
        rest = mpmath.fsum(mu[i] * (n + 1 - i) * mu[n + 1 - i] for i in range(2, n))
        mu.append((mu[n - 1] - rest) / (n + 1))
    inverse = [mpf(1)]
    for n in range(1, count - 2):
        inverse.append(-mpmath.fsum(mu[i + 1] * inverse[n - i] for i in range(1, n + 1)))
    first = inverse[1:]
    rows = [first]
    for _ in range(10):
        last = rows[-1]
        rows.append([(n + 2) * last[n + 2] - last[1] * first[n] for n in range(len(last) - 2)])
    return {
        "TEMME": [
            tuple(float(value) for value in row[: max(23 - 2 * k, 6)]) for k, row in enumerate(rows)
        ]
    }


FAMILIES: dict[str, Callable[[], Tables]] = {
    "bessel.ordinary_coefficients": bessel,
    "bessel.modified_coefficients": bessel_modified,
    "bessel.real_order": real_order,
    "bessel.airy_coefficients": airy,
    "gamma.coefficients": gamma,
    "zeta.coefficients": zeta,
    "lambertw_coefficients": lambertw,
    "incomplete.gamma_coefficients": incomplete_gamma,
}
"""The module of ``symgrad/functions/special`` that holds a family's tables -> what makes them."""


def text(name: str, values: Sequence[Any]) -> str:
    """A table as it stands in a module."""
    lines = [""]
    for value in values:
        item = f" {value!r},"
        if len(lines[-1]) + len(item) > WIDTH - 4:
            lines.append("")
        lines[-1] += item
    return "\n".join([f"{name} = (", *(f"   {line}" for line in lines), ")"])


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("families", nargs="*", metavar="FAMILY", help="all if none")
    chosen = parser.parse_args(arguments).families or list(FAMILIES)
    for family in set(chosen) - set(FAMILIES):
        parser.error(f"there is no {family}; there are {', '.join(FAMILIES)}")
    for family in chosen:
        print(f"# {family}")
        with mpmath.workdps(DIGITS):
            tables = FAMILIES[family]()
        for name, values in tables.items():
            print(text(name, values))


if __name__ == "__main__":
    main()
