"""Orthogonal polynomials of a constant degree, and spherical harmonics, by their recurrences.

NIST DLMF 18.9.1: three terms, from degree to degree. Written out in monomials, high degrees would
cancel to nothing inside the interval of orthogonality; this way each degree costs a few operations
and loses no digits, and derivatives of any order follow.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import factorial, prod

from symgrad.errors import FormulaError, SymgradError
from symgrad.functions.elementary import PI, call
from symgrad.ir.expression import HALF, Expr, Number, constant, wrap
from symgrad.ir.graph import Graph

MAX_DEGREE = 1000


def number(value: object) -> Number | None:
    """The number that an Expr without variables is, None where it is none."""
    made = wrap(value)
    if made.op == "constant":
        return made.value  # type: ignore[return-value]
    graph = Graph({})
    try:
        node = graph.add(made)
    except SymgradError:  # it holds a function, which no degree does
        return None
    return graph.data[node] if graph.ops[node] == "constant" else None


def whole(name: str, title: str, value: object, least: int | None = None) -> int:
    """A constant whole number among the arguments of the function ``name``.

    Raises:
        FormulaError: it is none, it is too large, or it is below ``least``.
    """
    found = number(value)
    if found is None or found != found or abs(found) == float("inf") or found != int(found):
        raise FormulaError(
            f"the {title} of {name} must be a constant whole number, such as {name}(3, ...): its "
            "recurrence is written out when it is read; give the number itself, compile a function "
            "for each, or write the function by hyp2f1 or hyp1f1 of a real degree"
        )
    made = int(found)
    if abs(made) > MAX_DEGREE:
        raise FormulaError(f"the {title} {made} of {name} is beyond {MAX_DEGREE}; take a lower one")
    if least is not None and made < least:
        raise FormulaError(f"the {title} {made} of {name} is below {least}")
    return made


def _recurrence(
    degree: int, first: Expr, second: Expr, step: Callable[[int, Expr, Expr], Expr]
) -> Expr:
    """p_degree, where p_{k+1} = step(k, p_k, p_{k-1})."""
    if degree == 0:
        return first
    below, here = first, second
    for k in range(1, degree):
        below, here = here, step(k, here, below)
    return here


ONE = constant(1)


def _legendre(n: object, x: Expr) -> Expr:
    degree = whole("legendre", "degree", n)
    degree = -degree - 1 if degree < 0 else degree
    return _recurrence(
        degree, ONE, x, lambda k, p, q: Fraction(2 * k + 1, k + 1) * x * p - Fraction(k, k + 1) * q
    )


def _chebyshev_t(n: object, x: Expr) -> Expr:
    degree = abs(whole("chebyshevt", "degree", n))
    return _recurrence(degree, ONE, x, lambda k, p, q: 2 * x * p - q)


def _chebyshev_u(n: object, x: Expr) -> Expr:
    degree = whole("chebyshevu", "degree", n)
    if degree < 0:
        return constant(0) if degree == -1 else -_chebyshev_u(-degree - 2, x)
    return _recurrence(degree, ONE, 2 * x, lambda k, p, q: 2 * x * p - q)


def _hermite(n: object, x: Expr) -> Expr:
    degree = whole("hermite", "degree", n, 0)
    return _recurrence(degree, ONE, 2 * x, lambda k, p, q: 2 * x * p - 2 * k * q)


def _hermite_prob(n: object, x: Expr) -> Expr:
    degree = whole("hermite_prob", "degree", n, 0)
    return _recurrence(degree, ONE, x, lambda k, p, q: x * p - k * q)


def _laguerre(n: object, x: Expr) -> Expr:
    degree = whole("laguerre", "degree", n)
    if degree < 0:  # Kummer's transformation, NIST DLMF 13.2.39
        return call("exp", x) * _laguerre(-degree - 1, -x)
    return _assoc_laguerre(degree, constant(0), x)


def _assoc_laguerre(n: object, a: Expr, x: Expr) -> Expr:
    degree = whole("assoc_laguerre", "degree", n, 0)
    return _recurrence(
        degree,
        ONE,
        1 + a - x,
        lambda k, p, q: ((2 * k + 1 + a - x) * p - (k + a) * q) / (k + 1),
    )


def _gegenbauer(n: object, a: Expr, x: Expr) -> Expr:
    degree = whole("gegenbauer", "degree", n, 0)
    return _recurrence(
        degree,
        ONE,
        2 * a * x,
        lambda k, p, q: (2 * (k + a) * x * p - (k - 1 + 2 * a) * q) / (k + 1),
    )


def _jacobi(n: object, a: Expr, b: Expr, x: Expr) -> Expr:
    degree = whole("jacobi", "degree", n, 0)
    total = number(a + b)
    if total is not None and total == int(total) and total <= -2:
        return _jacobi_sum(degree, a, b, x)

    def step(k: int, p: Expr, q: Expr) -> Expr:
        s = 2 * k + a + b
        above = (s + 1) * ((s + 2) * s * x + (a - b) * (a + b)) * p - 2 * (k + a) * (k + b) * (
            s + 2
        ) * q
        return above / (2 * (k + 1) * (k + 1 + a + b) * s)

    return _recurrence(degree, ONE, (a - b) / 2 + (a + b + 2) / 2 * x, step)


def _jacobi_sum(n: int, a: Expr, b: Expr, x: Expr) -> Expr:
    """Where the recurrence divides by 0 (NIST DLMF 18.5.8)."""
    low, high = (x - 1) / 2, (x + 1) / 2
    terms = []
    for s in range(n + 1):
        factor = Fraction(1, factorial(n - s) * factorial(s))
        ups = [n + a - i for i in range(n - s)] + [n + b - i for i in range(s)]
        terms.append(prod(ups, start=constant(factor)) * low**s * high ** (n - s))
    return sum(terms[1:], start=terms[0])


def _gegenbauer_of_order(n: int, m: int, x: Expr) -> Expr:
    """The m-th derivative of P_n over (2m-1)!!, a Gegenbauer polynomial (NIST DLMF 14.10.3)."""
    return _gegenbauer(n - m, constant(Fraction(2 * m + 1, 2)), x)


def _odd_factorial(m: int) -> int:
    return prod(range(1, 2 * m, 2))


def _orders(name: str, n: object, m: object) -> tuple[int, int]:
    degree, order = whole(name, "degree", n, 0), whole(name, "order", m)
    if abs(order) > degree:
        raise FormulaError(f"the order {order} of {name} is beyond its degree {degree}")
    return degree, order


def _assoc_legendre(n: object, m: object, x: Expr) -> Expr:
    """Ferrers' function with the factor (-1)^m (NIST DLMF 14.6.1, 14.9.3)."""
    degree, order = _orders("assoc_legendre", n, m)
    size = abs(order)
    factor = Fraction((-1) ** size * _odd_factorial(size))
    if order < 0:
        factor *= Fraction((-1) ** size * factorial(degree - size), factorial(degree + size))
    root = call("one_minus_square", x) ** Fraction(size, 2) if size else ONE
    return factor * root * _gegenbauer_of_order(degree, size, x)


def polar(n: int, m: int, theta: Expr) -> Expr:
    """The factor of a spherical harmonic that depends on theta, m >= 0, without (-1)^m.

    sqrt((2n+1)/(4 pi) (n-m)!/(n+m)!) times the m-th derivative of P_n at cos(theta) times
    sin(theta)^m (NIST DLMF 14.30.1): a polynomial in sine and cosine, smooth at the poles.
    """
    inside = Fraction((2 * n + 1) * factorial(n - m) * _odd_factorial(m) ** 2, 4 * factorial(n + m))
    power = call("sin", theta) ** m if m else ONE
    return (inside / PI) ** HALF * power * _gegenbauer_of_order(n, m, call("cos", theta))


def spherical_parts(n: object, m: object, theta: Expr, phi: Expr) -> tuple[Expr, Expr]:
    """The real and the imaginary part of Y_n^m, of which the second is 0 where m is (DLMF 14.30.1).

    Raises:
        FormulaError: n and m are no constant whole numbers, or |m| > n.
    """
    degree, order = _orders("Ynm", n, m)
    sign = (-1) ** order if order > 0 else 1
    factor = sign * polar(degree, abs(order), theta)
    if order == 0:
        return factor, constant(0)
    return factor * call("cos", order * phi), factor * call("sin", order * phi)


def _spherical_harmonic(n: object, m: object, theta: Expr, phi: Expr) -> Expr:
    real, imaginary = spherical_parts(n, m, theta, phi)
    if imaginary.value != 0:
        raise FormulaError(
            "the spherical harmonic Ynm is complex where m is not 0; take re(Ynm(...)) and "
            "im(Ynm(...)) as two outputs, or the real Znm or real_spherical_harmonic"
        )
    return real


def _znm(n: object, m: object, theta: Expr, phi: Expr) -> Expr:
    """SymPy's: sqrt(2) times the real part of Y_n^m for m > 0, the imaginary one for m < 0."""
    _, order = _orders("Znm", n, m)
    real, imaginary = spherical_parts(n, m, theta, phi)
    return real if order == 0 else constant(2) ** HALF * (real if order > 0 else imaginary)


def _real_spherical_harmonic(n: object, m: object, theta: Expr, phi: Expr) -> Expr:
    """``polar`` times sqrt(2) cos(m phi) for m > 0, sqrt(2) sin(|m| phi) for m < 0, 1 for m = 0.

    It has no factor (-1)^m.
    """
    degree, order = _orders("real_spherical_harmonic", n, m)
    made = polar(degree, abs(order), theta)
    if order == 0:
        return made
    return constant(2) ** HALF * made * call("cos" if order > 0 else "sin", abs(order) * phi)


# fmt: off
POLYNOMIALS: dict[str, tuple[tuple[int, ...], Callable[..., Expr]]] = {
    "legendre":       ((2,), _legendre),
    "assoc_legendre": ((3,), _assoc_legendre),
    "chebyshevt":     ((2,), _chebyshev_t),
    "chebyshevu":     ((2,), _chebyshev_u),
    "hermite":        ((2,), _hermite),
    "hermite_prob":   ((2,), _hermite_prob),
    "laguerre":       ((2,), _laguerre),
    "assoc_laguerre": ((3,), _assoc_laguerre),
    "gegenbauer":     ((3,), _gegenbauer),
    "jacobi":         ((4,), _jacobi),
    "Ynm":            ((4,), _spherical_harmonic),
    "Znm":            ((4,), _znm),
    "real_spherical_harmonic": ((4,), _real_spherical_harmonic),
}
# fmt: on
"""Compositions, each with its number of arguments: degree and order come first."""
