"""Rows of the moments that all derivatives of Legendre's elliptic integrals are, by quadrature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symgrad.functions.elementary import call
from symgrad.functions.special.double import (
    INF,
    NAN,
    ONE,
    Pair,
    add_to_pair,
    divide_pairs,
    multiply_pairs,
    negative,
    scale_pair,
    select_pair,
    two_product,
    two_sum,
)
from symgrad.functions.special.elliptic.coefficients import LEGENDRE, TURN
from symgrad.ir.expression import HALF, Expr
from symgrad.ir.primitive import Names, define, no_closed_form

ONE_OVER_PI = 0.3183098861837907
BY_LOG_2, MOST_PANELS = 1.4426950408889634, 128
"""1/log 2, as a panel of the quadrature is twice as wide as the next, and the most panels."""

HALVES = [2.0**-k for k in range(MOST_PANELS + 1)]

BITS = 4
"""Of the orders of a moment."""


def _periods(m: Any, phi: Any) -> tuple[Any, Any, Any]:
    """(j, sin(phi - j pi), cos^2 phi), j the multiple of pi next to phi."""
    j = m.rint(phi * ONE_OVER_PI)
    sine = m.sin(phi)
    even = m.eq(j, 2.0 * m.floor(0.5 * j))
    cosine = m.cos(phi)
    return j, m.where(even, sine, -sine), cosine * cosine


def parts(m: Any, phi: Any, parameter: Any) -> tuple[Any, Any, Any, Any, Any, Any]:
    """j, sine, cos^2, 1 - m sin^2, 1 - m, and whether the integrals are finite and real there."""
    finite = m.abs(phi) < INF
    j, sine, square = _periods(m, m.where(finite, phi, 0.0))
    rest = 1.0 - parameter
    # 1 - m sin^2 = cos^2 + (1 - m) sin^2 without cancellation for m > 0.
    inner = m.where(
        parameter > 0.0, m.fma(rest, sine * sine, square), 1.0 - parameter * (sine * sine)
    )
    good = finite & (inner > 0.0) & (m.eq(j, 0.0) | (rest > 0.0)) & (m.abs(parameter) < INF)
    return j, sine, square, m.where(good, inner, 1.0), m.where(rest > 0.0, rest, 1.0), good


def _moment_complete(m: Any, a: Any, b: Any, c: Any, n: Any, parameter: Any) -> Any:
    """A moment to pi/2, which no number is: next to m = 1 its rounding would count."""
    first, second = 1.0 - parameter, 1.0 - n
    good = (first > 0.0) & (first < INF) & (second > 0.0) & (second < INF)
    inside, share = m.where(good, parameter, 0.0), m.where(good, n, 0.0)
    integral, _ = _quadrature(m, a, b, c, share, inside)
    return m.where(good & _known(m, a, b, c), integral(1.0, 0.0), NAN)


def _known(m: Any, a: Any, b: Any, c: Any) -> Any:
    """The condition on the orders of a moment."""
    return (m.max(m.max(a, b), c) < 2.0**BITS) & (m.min(m.min(a, b), c) >= 0.0)


def _elliptic_moment(m: Any, a: Any, b: Any, c: Any, n: Any, phi: Any, parameter: Any) -> Any:
    """The integral of sin^2a (1 - m sin^2)^(-b - 1/2) (1 - n sin^2)^(-c) from 0 to phi.

    All derivatives of the elliptic integrals by m and n are of this form, with whole a, b, c >= 0
    (NIST DLMF 19.2.4 differentiated). Gauss-Legendre quadrature by tan(t) up to pi/4 and by cot(t)
    beyond. tan and cot of phi are pairs: the end of the interval goes with a high power into the
    integral, so what their rounding loses is made up for by the integrand. Within 16 ulp; nan for
    orders beyond 15.
    """
    j, sine, square, _, _, good = parts(m, phi, parameter)
    second, size, turns = 1.0 - n, m.abs(sine), m.ne(j, 0.0)
    good = good & (m.fma(second, size * size, square) > 0.0) & (~turns | (second > 0.0))
    n, parameter = m.where(good, n, 0.0), m.where(good, parameter, 0.0)
    most = m.max(m.max(n, parameter), 1.0)
    integral, density = _quadrature(m, a, b, c, n, parameter, most)
    (sine_near, cosine_near) = _pairs_of_turn(m, m.where(turns | ~good, 0.0, m.abs(phi)))
    # The end beta, sin^2 beta = most sin^2 phi, where that is another angle.
    moved = most > 1.0
    grown = scale_pair(m, multiply_pairs(m, sine_near, sine_near), most)
    rest = add_to_pair(negative(grown), 1.0)[0]
    top = select_pair(m, turns, (size, 0.0), sine_near)
    bottom = select_pair(m, turns, (m.sqrt(square), 0.0), cosine_near)
    top = select_pair(m, moved, (m.sqrt(grown[0]), 0.0), top)
    bottom = select_pair(m, moved, (m.sqrt(m.max(rest, 1e-300)), 0.0), bottom)
    below = top[0] < bottom[0]
    quotient = divide_pairs(
        m, select_pair(m, below, top, bottom), select_pair(m, below, bottom, top)
    )
    tangent, cotangent = select_pair(m, below, quotient, ONE), select_pair(m, below, ONE, quotient)
    own = integral(tangent[0], m.max(cotangent[0], 0.0))
    own = own + m.where(
        below,
        tangent[1] * density(tangent[0], tangent=True),
        -cotangent[1] * density(cotangent[0], tangent=False),
    )
    whole = integral(m.where(turns, 1.0, 0.0), m.where(turns, 0.0, 1.0))
    value = m.where(sine < 0.0, -own, own)
    value = m.where(turns, m.fma(2.0 * j, whole, value), value) * m.pow(most, -0.5 - a)
    return m.where(good & _known(m, a, b, c), value, NAN)


def _pairs_of_turn(m: Any, phi: Any) -> tuple[Pair, Pair]:
    """The sine and cosine of 0 <= phi <= pi/2 as pairs, within 2^-60, from the nearest k/16."""
    nearest = m.min(m.rint(16.0 * phi), float(len(TURN) - 1))
    r = phi - 0.0625 * nearest
    sine, sine_low, cosine, cosine_low = (
        m.lookup([row[i] for row in TURN], nearest) for i in range(4)
    )
    square = r * r
    bend = r * square * m.fma(square, m.fma(square, -1 / 5040, 1 / 120), -1 / 6)  # sin r - r
    fall = square * m.fma(square, m.fma(square, -1 / 720, 1 / 24), -0.5)  # cos r - 1
    moved, rest = two_product(m, cosine, r)
    high, low = two_sum(sine, moved)
    low = low + (rest + (sine_low + m.fma(cosine_low, r, m.fma(cosine, bend, sine * fall))))
    of_sine = two_sum(high, low)
    moved, rest = two_product(m, -sine, r)
    high, low = two_sum(cosine, moved)
    low = low + (rest + (cosine_low - m.fma(sine_low, r, m.fma(sine, bend, -cosine * fall))))
    return of_sine, two_sum(high, low)


def _quadrature(
    m: Any, a: Any, b: Any, c: Any, n: Any, parameter: Any, most: Any = 1.0
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The integral of a moment as a function of tan and cot of its end, and its integrand.

    By the angle beta, sin^2 beta = ``most`` sin^2 phi, where ``most`` is the largest of m, n and 1:
    the integrand is cos(beta)/sqrt(1 - sin^2/most) times that of m/most and n/most, over
    most^(a + 1/2). By tan beta the singularities are at distance 1/K and more from 0, K the largest
    root of 1, 1 - m/most and 1 - n/most, by cot at the smallest and more, that of 1 - 1/most
    included. Panels end at half of it, or from there on at twice their beginnings.
    """
    # Pairs, as their rounding would be the same at all nodes.
    whole = most, 0.0
    (first, first_low), (second, second_low) = (
        divide_pairs(m, two_sum(most, -value), whole) for value in (parameter, n)
    )
    third = (most - 1.0) / most
    steep = m.sqrt(m.max(m.max(first, second), 1.0))
    flat = m.min(m.min(first, second), m.where(third > 0.0, third, 1.0))
    flat = m.sqrt(m.min(m.max(flat, 1e-16), 1.0))
    nodes, weights = (list(values) for values in zip(*LEGENDRE, strict=True))
    count = float(len(nodes))
    powers = [_binary(m, order) for order in (a, b, c)]

    def density(t: Any, *, tangent: bool) -> Any:
        """The integrand by tan or cot: 1 - m sin^2 is one_more/p, and 1 - n sin^2 one_more/q."""
        t = t * t
        if tangent:
            p = m.fma(first, t, m.fma(first_low, t, 1.0))
            q = m.fma(second, t, m.fma(second_low, t, 1.0))
            ratio = m.fma(third, t, 1.0)
        else:
            p, q = (first + t) + first_low, (second + t) + second_low
            ratio = third + (t + 1e-150)
        one_more = 1.0 + t
        by_more = 1.0 / one_more
        # 1 - sin^2/most is ratio/one_more.
        by_both = one_more / (m.max(p, 1e-150) * ratio)
        p, q = ratio * by_both, one_more / m.max(q, 1e-300)
        factors = zip(powers, (t * by_more if tangent else by_more, p, q), strict=True)
        made = by_more * m.sqrt(by_both if tangent else by_both * (t + 1e-150))
        for bits, base in factors:
            for bit in bits:
                made = made * m.where(bit, base, 1.0)
                base = base * base
        return made

    def integral(tangent: Any, cotangent: Any) -> Any:
        """From tan = 0 to ``tangent`` and from ``cotangent`` to cot = 1."""
        by_tan = m.ceil(m.log(m.max(2.0 * steep * tangent, 1.0)) * BY_LOG_2)
        by_cot = m.ceil(m.log(m.max(cotangent, 0.5 * flat)) * -BY_LOG_2)
        last = m.min(m.max(by_tan, by_cot), MOST_PANELS - 1.0)

        def step(k: Any, low: Any, low_rest: Any, high: Any, high_rest: Any) -> tuple[Any, ...]:
            panel = m.floor(k * (1.0 / count) + 1e-9)
            index = k - count * panel
            node, weight = m.lookup(nodes, index), m.lookup(weights, index)
            end, start = m.lookup(HALVES[:-1], panel), m.lookup(HALVES[1:], panel)
            begin = m.where(panel < by_tan, start, 0.0)
            length = m.where(panel > by_tan, 0.0, end - begin)
            added = weight * length * density(tangent * m.fma(length, node, begin), tangent=True)
            low, low_lost = two_sum(low, added)
            begin = m.max(cotangent, m.where(panel < by_cot, start, 0.0))
            length = m.where(panel > by_cot, 0.0, m.max(end - begin, 0.0))
            added = weight * length * density(m.fma(length, node, begin), tangent=False)
            high, high_lost = two_sum(high, added)
            going = k + 1.5 < count * (last + 1.0)
            return going, low, low_rest + low_lost, high, high_rest + high_lost

        most = MOST_PANELS * len(LEGENDRE)
        low, low_rest, high, high_rest = m.loop(step, (0.0, 0.0, 0.0, 0.0), most)
        return tangent * (low + low_rest) + (high + high_rest)

    return integral, density


def _binary(m: Any, order: Any) -> list[Any]:
    """The binary digits of a whole number as conditions, the lowest first."""
    digits = []
    for _ in range(BITS):
        half = m.floor(0.5 * order)
        digits.append(order - 2.0 * half > 0.5)
        order = half
    return digits


def _moment_series(mp: Any, a: Any, b: Any, c: Any, n: Any, phi: Any, parameter: Any) -> Any:
    """The moment as a power series in u = sin^2 phi: half the integral of u^(a - 1/2) f(u).

    f = (1 - u)^(-1/2) (1 - m u)^(-b - 1/2) (1 - n u)^(-c), so q f' = p f with polynomials p and q.
    """
    half = mp.mpf(1) / 2
    roots = ((mp.mpf(1), half), (parameter, b + half), (n, c))
    q = [mp.mpf(1)]
    for root, _ in roots:
        q = [x - root * y for x, y in zip([*q, mp.mpf(0)], [mp.mpf(0), *q], strict=True)]
    p = [mp.mpf(0)] * 3
    for i, (root, power) in enumerate(roots):
        one, other = (roots[j][0] for j in range(3) if j != i)
        for k, value in enumerate((1, -(one + other), one * other)):
            p[k] += root * power * value
    u = mp.sin(phi) ** 2
    f = [mp.mpf(0), mp.mpf(0), mp.mpf(1)]
    raised, total, k = mp.mpf(1), 1 / (a + half), 0
    while True:
        # (k + 1) f_(k+1) = sum of (p_i - q_(i+1) (k - i)) f_(k-i)
        following = sum((p[i] - q[i + 1] * (k - i)) * f[2 - i] for i in range(3)) / (k + 1)
        f = [*f[1:], following]
        k += 1
        raised *= u
        added = following * raised / (a + k + half)
        total += added
        if k > 8 and abs(added) < mp.eps * abs(total) / 1000:
            return mp.sign(phi) * half * u ** (a + half) * total


def moment_oracle(mp: Any, a: Any, b: Any, c: Any, n: Any, phi: Any, parameter: Any) -> Any:
    """The moment at mpmath's precision, by its power series or by quadrature."""
    if not mp.isfinite(phi):
        return mp.nan
    if abs(phi) < 0.8 and abs(parameter) <= 1.2 and abs(n) <= 1.2:
        with mp.extradps(10):
            return _moment_series(mp, a, b, c, n, phi, parameter)

    def integrand(t: Any) -> Any:
        s = mp.sin(t) ** 2
        return s**a * (1 - parameter * s) ** (-b - mp.mpf(1) / 2) * (1 - n * s) ** (-c)

    count = 1 + int(abs(phi) / mp.pi * 4)
    with mp.extradps(10):
        return mp.quad(integrand, mp.linspace(0, phi, count + 1))


def _complete_oracle(mp: Any, a: Any, b: Any, c: Any, n: Any, m: Any) -> Any:
    if not (m < 1 and n < 1 and mp.isfinite(m) and mp.isfinite(n)):
        return mp.nan
    return moment_oracle(mp, a, b, c, n, mp.pi / 2, m)


def moment(a: object, b: object, c: object, n: object, phi: object, m: object) -> Expr:
    """The Expr of a moment to phi."""
    return call("elliptic_moment", a, b, c, n, phi, m)


def complete(a: object, b: object, c: object, n: object, m: object) -> Expr:
    """The Expr of a moment to pi/2."""
    return call("elliptic_moment_complete", a, b, c, n, m)


def _integrand(a: Expr, b: Expr, c: Expr, n: Expr, phi: Expr, m: Expr) -> Expr:
    square = call("sin", phi) ** 2
    own = call("pow", square, a) * call("pow", 1 - m * square, -b - HALF)
    return own * call("pow", 1 - n * square, -c)


ORDER = "the order of a moment"

# fmt: off
elliptic_moment = define("elliptic_moment", no_closed_form(ORDER), no_closed_form(ORDER),
                         no_closed_form(ORDER),
                         lambda y, a, b, c, n, phi, m: c * moment(a + 1, b, c + 1, n, phi, m),
                         lambda y, a, b, c, n, phi, m: _integrand(a, b, c, n, phi, m),
                         lambda y, a, b, c, n, phi, m: (b + HALF) * moment(a + 1, b + 1, c, n,
                                                                           phi, m),
                         domain=((1, 1), (1, 1), (1, 1), (-1, 0.5), (0.1, 0.3), (-1, 0.5)),
                         kind="routine", definition=_elliptic_moment, oracle=moment_oracle,
                         whole=(0, 1, 2), cost=6000, ulp=16.0, names=Names(),
                         source="NIST DLMF 19.2.4")
elliptic_moment_complete = define("elliptic_moment_complete", no_closed_form(ORDER),
                                  no_closed_form(ORDER), no_closed_form(ORDER),
                                  lambda y, a, b, c, n, m: c * complete(a + 1, b, c + 1, n, m),
                                  lambda y, a, b, c, n, m: (b + HALF) * complete(a + 1, b + 1, c,
                                                                                  n, m),
                                  domain=((1, 1), (1, 1), (1, 1), (-1, 0.5), (-1, 0.5)),
                                  kind="routine", definition=_moment_complete,
                                  oracle=_complete_oracle,
                                  whole=(0, 1, 2), cost=4000, ulp=16.0, names=Names(),
                                  source="NIST DLMF 19.2.4")
# fmt: on

ROWS = (elliptic_moment, elliptic_moment_complete)
