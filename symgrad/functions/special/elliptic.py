"""Rows of Legendre's elliptic integrals in the parameter m = k^2, as SymPy has them.

All derivatives are moments, the integrals of sin^2a (1 - m sin^2)^(-b - 1/2) (1 - n sin^2)^(-c)
from 0 to phi: their integrands have one sign, so nothing is divided by m, n or their difference
(NIST DLMF 19.4 does).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from symgrad.functions.elementary import PI, call
from symgrad.functions.special.carlson import rc_of_one, rd, rf, rj
from symgrad.functions.special.double import INF, NAN
from symgrad.functions.special.elliptic_coefficients import LEGENDRE
from symgrad.ir.expression import HALF, Expr
from symgrad.ir.primitive import Names, define, no_closed_form

ONE_OVER_PI = 0.3183098861837907
PANEL, MOST_PANELS = 1.5, 64
"""The length of a panel of the quadrature of moments, and how many there may be."""

BITS = 4
"""Of the orders of a moment."""


def _elliptic_k(m: Any, parameter: Any) -> Any:
    """K(m) = R_F(0, 1 - m, 1) for m <= 1: inf at 1, nan beyond (NIST DLMF 19.25.1)."""
    rest = 1.0 - parameter
    value = rf(m, 0.0 * rest, m.where(rest > 0.0, m.min(rest, 1e300), 1.0), 1.0 + 0.0 * rest)
    ends = m.where(m.eq(rest, 0.0), INF, m.where(m.eq(rest, INF), 0.0, NAN))
    return m.where((rest > 0.0) & (rest < INF), value, ends)


def _elliptic_e_complete(m: Any, parameter: Any) -> Any:
    """E(m) = (1 - m)(R_D(0, 1 - m, 1) + R_D(0, 1, 1 - m))/3 for m <= 1, a sum of positive terms."""
    rest = 1.0 - parameter
    inside = m.where((rest > 0.0) & (rest < INF), rest, 1.0)
    zero, one = 0.0 * inside, 1.0 + 0.0 * inside
    value = inside * (rd(m, zero, inside, one) + rd(m, zero, one, inside)) * (1.0 / 3.0)
    ends = m.where(m.eq(rest, 0.0), 1.0, m.where(m.eq(rest, INF), INF, NAN))
    return m.where((rest > 0.0) & (rest < INF), value, ends)


def _periods(m: Any, phi: Any) -> tuple[Any, Any, Any]:
    """(j, sin(phi - j pi), cos^2 phi), j the multiple of pi next to phi."""
    j = m.rint(phi * ONE_OVER_PI)
    sine = m.sin(phi)
    even = m.eq(j, 2.0 * m.floor(0.5 * j))
    cosine = m.cos(phi)
    return j, m.where(even, sine, -sine), cosine * cosine


def _parts(m: Any, phi: Any, parameter: Any) -> tuple[Any, Any, Any, Any, Any, Any]:
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


def _elliptic_f(m: Any, phi: Any, parameter: Any) -> Any:
    """F(phi | m) = sin(phi) R_F(cos^2 phi, 1 - m sin^2 phi, 1), and 2 K a period (19.25.5)."""
    j, sine, square, inner, rest, good = _parts(m, phi, parameter)
    value = sine * rf(m, square, inner, 1.0 + 0.0 * inner)
    zero = 0.0 * rest
    whole = rf(m, zero, rest, 1.0 + zero)
    total = m.where(m.eq(j, 0.0), value, m.fma(2.0 * j, whole, value))
    at_pole = m.eq(parameter, 1.0) & (m.abs(phi) < INF)
    return m.where(good, total, m.where(at_pole, m.sign(phi) * INF, NAN))


def _elliptic_e(m: Any, phi: Any, parameter: Any) -> Any:
    """E(phi | m), the integral of sqrt(1 - m sin^2) from 0 to phi, and 2 E a period.

    NIST DLMF 19.25.10 for m > 0 and 19.25.9 for m < 0: sums of positive terms.
    """
    j, sine, square, inner, _, good = _parts(m, phi, parameter)
    one = 1.0 + 0.0 * inner
    plain = rf(m, square, inner, one)
    cube = sine * sine * sine
    positive = parameter > 0.0
    last, middle = m.where(positive, inner, one), m.where(positive, one, inner)
    other = rd(m, square, middle, last)
    below = sine * plain - parameter * cube * other * (1.0 / 3.0)
    slope = m.sqrt(square) * sine / m.sqrt(inner)
    above = (1.0 - parameter) * (sine * plain + parameter * cube * other * (1.0 / 3.0))
    value = m.where(positive, above + parameter * slope, below)
    whole = _elliptic_e_complete(m, parameter)
    total = m.where(m.eq(j, 0.0), value, m.fma(2.0 * j, whole, value))
    at_end = m.eq(parameter, 1.0) & (m.abs(phi) < INF)
    return m.where(good, total, m.where(at_end, sine + 2.0 * j, NAN))


def _elliptic_pi_piece(m: Any, n: Any, sine: Any, square: Any, inner: Any, parameter: Any) -> Any:
    """The integral of 1/((1 - n sin^2) sqrt(1 - m sin^2)) to an angle within pi/2.

    NIST DLMF 19.25.14, and for n < 0 with 19.21.12, by R_J at N = (m - n)/(1 - n) < 1: sums of
    positive terms both.
    """
    turned = (n < 0.0) & (parameter < 1.0)
    one_less = m.where(turned, 1.0 - n, 1.0)
    other = m.where(turned, (parameter - n) / one_less, n)
    one = 1.0 + 0.0 * inner
    first = sine * rf(m, square, inner, one)
    # 1 - N sin^2 = cos^2 + (1 - N) sin^2, 1 - N = (1 - m)/(1 - n).
    rest = m.where(turned, (1.0 - parameter) / one_less, 1.0 - n)
    last = m.where(other > 0.0, m.fma(rest, sine * sine, square), 1.0 - other * (sine * sine))
    good = last > 0.0
    cube = sine * sine * sine
    third = cube * rj(m, square, inner, one, m.where(good, last, 1.0)) * (1.0 / 3.0)
    share = -n / one_less
    along = sine * m.sqrt(square) / m.sqrt(inner)
    arc = rc_of_one(
        m,
        m.where(turned, -n * other * (along * along), 0.0),
        m.where(turned, (1.0 - n * (sine * sine)) * last / inner, 1.0),
    )
    negative = first / one_less + share * (rest * third + along * arc)
    return m.where(good, m.where(turned, negative, first + other * third), NAN)


def _elliptic_pi(m: Any, n: Any, phi: Any, parameter: Any) -> Any:
    """Pi(n; phi | m) for n sin^2 phi < 1, and twice the complete integral a period."""
    j, sine, square, inner, rest, good = _parts(m, phi, parameter)
    value = _elliptic_pi_piece(m, n, sine, square, inner, parameter)
    one = 1.0 + 0.0 * rest
    whole = _elliptic_pi_piece(m, n, one, 0.0 * rest, rest, parameter)
    return m.where(good, m.where(m.eq(j, 0.0), value, m.fma(2.0 * j, whole, value)), NAN)


def _elliptic_pi_complete(m: Any, n: Any, parameter: Any) -> Any:
    """Pi(n | m) for n < 1 and m < 1."""
    rest = 1.0 - parameter
    inside = m.where((rest > 0.0) & (rest < INF), rest, 1.0)
    one = 1.0 + 0.0 * inside
    value = _elliptic_pi_piece(m, n, one, 0.0 * inside, inside, parameter)
    return m.where((rest > 0.0) & (rest < INF) & (n < 1.0), value, NAN)


def _by_rd(m: Any, phi: Any, parameter: Any, power: int) -> Any:
    """The integral of sin^2 (1 - m sin^2)^(-power - 1/2), power = 0 or 1 (NIST DLMF 19.25.13)."""
    j, sine, square, inner, rest, good = _parts(m, phi, parameter)
    one = 1.0 + 0.0 * inner
    value = rd(m, square, one, inner) if power else rd(m, square, inner, one)
    value = sine * sine * sine * value
    zero, one = 0.0 * rest, 1.0 + 0.0 * rest
    whole = rd(m, zero, one, rest) if power else rd(m, zero, rest, one)
    total = m.where(m.eq(j, 0.0), value, m.fma(2.0 * j, whole, value))
    return m.where(good, total / 3.0, NAN)


def _elliptic_d(m: Any, phi: Any, parameter: Any) -> Any:
    """D(phi | m), the integral of sin^2/sqrt(1 - m sin^2): sin^3 R_D(cos^2, 1 - m sin^2, 1)/3."""
    return _by_rd(m, phi, parameter, 0)


def _elliptic_f_slope(m: Any, phi: Any, parameter: Any) -> Any:
    """Twice dF/dm, the integral of sin^2 (1 - m sin^2)^(-3/2): also R_D, finite at m = 0."""
    return _by_rd(m, phi, parameter, 1)


def _elliptic_moment(m: Any, a: Any, b: Any, c: Any, n: Any, phi: Any, parameter: Any) -> Any:
    """The integral of sin^2a (1 - m sin^2)^(-b - 1/2) (1 - n sin^2)^(-c) from 0 to phi.

    All derivatives of the elliptic integrals by m and n are of this form, with whole a, b, c >= 0
    (NIST DLMF 19.2.4 differentiated). Gauss-Legendre quadrature in y, with sinh(y) = K tan(t) up to
    pi/4 and sinh(y) = K cot(t) beyond, K what makes the steepest factor flat: all singularities
    are then at distance pi/2 of the real y, and panels of one length do. Within 16 ulp; nan for
    orders beyond 15.
    """
    j, sine, square, _, _, good = _parts(m, phi, parameter)
    first, second = m.where(good, 1.0 - parameter, 1.0), 1.0 - n
    size, cosine = m.abs(sine), m.sqrt(square)
    steep = m.sqrt(m.max(m.max(first, second), 1.0))
    flat = m.sqrt(m.min(m.max(m.min(first, second), 1e-16), 1.0))
    below = size < cosine
    quarter, edge = m.asinh(steep), m.asinh(1.0 / flat)
    to_phi = m.where(below, m.asinh(steep * size / m.where(below, cosine, 1.0)), quarter)
    from_phi = m.where(below, edge, m.asinh(cosine / (flat * m.where(below, 1.0, size))))
    nodes, weights = (list(values) for values in zip(*LEGENDRE, strict=True))
    count = float(len(nodes))
    powers = [_binary(m, order) for order in (a, b, c)]

    def density(y: Any, scale: Any, *, tangent: bool) -> Any:
        """The integrand by y: 1 - m sin^2 is p/one_more, and 1 - n sin^2 q/one_more."""
        s = m.sinh(y)
        t = s * scale
        t = t * t
        p, q = (m.fma(first, t, 1.0), m.fma(second, t, 1.0)) if tangent else (first + t, second + t)
        one_more = 1.0 + t
        by_more = 1.0 / one_more
        p, q = one_more / m.max(p, 1e-300), one_more / m.max(q, 1e-300)
        factors = zip(powers, (t * by_more if tangent else by_more, p, q), strict=True)
        made = by_more * m.sqrt(p * m.fma(s, s, 1.0))
        for bits, base in factors:
            for bit in bits:
                made = made * m.where(bit, base, 1.0)
                base = base * base
        return made

    def integral(to: Any, start: Any, end: Any) -> Any:
        """From 0 to ``to`` by tan, and from ``start`` to ``end`` by cot."""
        length = end - start
        panels = m.max(m.ceil(m.max(to, length) * (1.0 / PANEL)), 1.0)
        width = 1.0 / panels

        def step(k: Any, low: Any, high: Any) -> tuple[Any, ...]:
            panel = m.floor(k * (1.0 / count) + 1e-9)
            index = k - count * panel
            node = (panel + m.lookup(nodes, index)) * width
            weight = m.lookup(weights, index)
            low = m.fma(weight, density(to * node, 1.0 / steep, tangent=True), low)
            high = m.fma(weight, density(m.fma(length, node, start), flat, tangent=False), high)
            return k + 1.5 < count * panels, low, high

        low, high = m.loop(step, (0.0, 0.0), MOST_PANELS * len(LEGENDRE))
        return (to / steep * low + length * flat * high) * width

    own = integral(to_phi, from_phi, edge)
    turns = m.ne(j, 0.0)
    whole = integral(m.where(turns, quarter, 0.0), 0.0, m.where(turns, edge, 0.0))
    value = m.where(sine < 0.0, -own, own)
    value = m.where(turns, m.fma(2.0 * j, whole, value), value)
    inside = good & (m.fma(second, size * size, square) > 0.0)
    inside = inside & (m.max(m.max(a, b), c) < 2.0**BITS) & (m.min(m.min(a, b), c) >= 0.0)
    return m.where(inside & (~turns | (second > 0.0)), value, NAN)


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


def _moment_oracle(mp: Any, a: Any, b: Any, c: Any, n: Any, phi: Any, parameter: Any) -> Any:
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


def _d_oracle(mp: Any, phi: Any, m: Any) -> Any:
    if abs(m) < 1e-3 or abs(phi) < 0.8 or not mp.isfinite(phi):
        return _moment_oracle(mp, 1, 0, 0, 0, phi, m)
    with mp.extradps(15):
        return (mp.ellipf(phi, m) - mp.ellipe(phi, m)) / m


def _f_slope_oracle(mp: Any, phi: Any, m: Any) -> Any:
    if abs(m) < 1e-3 or abs(phi) < 0.8 or m == 1 or not mp.isfinite(phi):
        return _moment_oracle(mp, 1, 1, 0, 0, phi, m)
    with mp.extradps(15):
        s = mp.sin(phi)
        part = mp.ellipe(phi, m) - (1 - m) * mp.ellipf(phi, m)
        return (part - m * s * mp.cos(phi) / mp.sqrt(1 - m * s * s)) / (m * (1 - m))


def _pi_oracle(mp: Any, n: Any, phi: Any, m: Any) -> Any:
    if abs(phi) < 0.8 and abs(m) <= 1.2 and abs(n) <= 1.2:
        return _moment_oracle(mp, 0, 0, 1, n, phi, m)
    return mp.ellippi(n, phi, m)


def _moment(a: object, b: object, c: object, n: object, phi: object, m: object) -> Expr:
    return call("elliptic_moment", a, b, c, n, phi, m)


def _density(phi: Expr, m: Expr) -> Expr:
    """1 - m sin(phi)^2."""
    return 1 - m * call("sin", phi) ** 2


def _integrand(a: Expr, b: Expr, c: Expr, n: Expr, phi: Expr, m: Expr) -> Expr:
    square = call("sin", phi) ** 2
    own = call("pow", square, a) * call("pow", 1 - m * square, -b - HALF)
    return own * call("pow", 1 - n * square, -c)


ORDER = "the order of a moment"
RIGHT = PI / 2

# fmt: off
elliptic_k = define("elliptic_k", lambda y, m: HALF * call("elliptic_f_slope", RIGHT, m),
                    domain=(-3, 0.7), kind="routine", definition=_elliptic_k,
                    oracle=lambda mp, m: mp.ellipk(m), folds={0: PI / 2}, cost=250, ulp=5.0,
                    names=Names(mpmath="ellipk"), source="NIST DLMF 19.25.1, 19.4.1")
elliptic_e_complete = define("elliptic_e_complete",
                             lambda y, m: -HALF * call("elliptic_d", RIGHT, m),
                             domain=(-3, 0.7), kind="routine", definition=_elliptic_e_complete,
                             oracle=lambda mp, m: mp.ellipe(m), folds={0: PI / 2, 1: 1}, cost=500,
                             ulp=5.0, names=Names(mpmath="ellipe"),
                             source="NIST DLMF 19.25.1, 19.4.2")
elliptic_f = define("elliptic_f", lambda y, phi, m: _density(phi, m) ** -HALF,
                    lambda y, phi, m: HALF * call("elliptic_f_slope", phi, m),
                    domain=((-1.5, 1.5), (-2, 0.7)), kind="routine", definition=_elliptic_f,
                    oracle=lambda mp, phi, m: mp.ellipf(phi, m), cost=500, ulp=8.0,
                    names=Names(mpmath="ellipf"), source="NIST DLMF 19.25.5, 19.4.5")
elliptic_e = define("elliptic_e", lambda y, phi, m: _density(phi, m) ** HALF,
                    lambda y, phi, m: -HALF * call("elliptic_d", phi, m),
                    domain=((-1.5, 1.5), (-2, 0.7)), kind="routine", definition=_elliptic_e,
                    oracle=lambda mp, phi, m: mp.ellipe(phi, m), cost=1000, ulp=8.0, names=Names(),
                    source="NIST DLMF 19.25.9, 19.25.10, 19.4.6")
elliptic_d = define("elliptic_d", lambda y, phi, m: call("sin", phi)**2 * _density(phi, m)**-HALF,
                    lambda y, phi, m: HALF * _moment(2, 1, 0, 0, phi, m),
                    domain=((0.1, 0.75), (-1, 0.7)), kind="routine", definition=_elliptic_d,
                    oracle=_d_oracle, cost=900,
                    ulp=9.0, names=Names(), source="NIST DLMF 19.2.6, 19.25.13")
elliptic_f_slope = define("elliptic_f_slope",
                          lambda y, phi, m: call("sin", phi)**2
                                            * _density(phi, m)**Fraction(-3, 2),
                          lambda y, phi, m: (1 + HALF) * _moment(2, 2, 0, 0, phi, m),
                          domain=((0.1, 0.75), (-1, 0.7)), kind="routine",
                          definition=_elliptic_f_slope,
                          oracle=_f_slope_oracle,
                          cost=900, ulp=10.0, names=Names(), source="NIST DLMF 19.4.5, 19.25.13")
elliptic_pi_complete = define("elliptic_pi_complete",
                              lambda y, n, m: _moment(1, 0, 2, n, RIGHT, m),
                              lambda y, n, m: HALF * _moment(1, 1, 1, n, RIGHT, m),
                              domain=((-3, 0.6), (-3, 0.6)), kind="routine",
                              definition=_elliptic_pi_complete,
                              oracle=lambda mp, n, m: mp.ellippi(n, m), cost=1000, ulp=7.0,
                              names=Names(mpmath="ellippi"), source="NIST DLMF 19.25.2")
elliptic_pi = define("elliptic_pi", lambda y, n, phi, m: _moment(1, 0, 2, n, phi, m),
                     lambda y, n, phi, m: 1 / ((1 - n * call("sin", phi) ** 2)
                                               * _density(phi, m) ** HALF),
                     lambda y, n, phi, m: HALF * _moment(1, 1, 1, n, phi, m),
                     domain=((-1, 0.6), (0.1, 0.3), (-1, 0.6)), kind="routine",
                     definition=_elliptic_pi, oracle=_pi_oracle,
                     cost=2000, ulp=8.0, names=Names(mpmath="ellippi"),
                     source="NIST DLMF 19.25.14")
elliptic_moment = define("elliptic_moment", no_closed_form(ORDER), no_closed_form(ORDER),
                         no_closed_form(ORDER),
                         lambda y, a, b, c, n, phi, m: c * _moment(a + 1, b, c + 1, n, phi, m),
                         lambda y, a, b, c, n, phi, m: _integrand(a, b, c, n, phi, m),
                         lambda y, a, b, c, n, phi, m: (b + HALF) * _moment(a + 1, b + 1, c, n,
                                                                           phi, m),
                         domain=((1, 1), (1, 1), (1, 1), (-1, 0.5), (0.1, 0.3), (-1, 0.5)),
                         kind="routine", definition=_elliptic_moment, oracle=_moment_oracle,
                         whole=(0, 1, 2), cost=6000, ulp=16.0, names=Names(),
                         source="NIST DLMF 19.2.4")
# fmt: on

ROWS = (
    *(elliptic_k, elliptic_e_complete, elliptic_f, elliptic_e),
    *(elliptic_d, elliptic_f_slope, elliptic_pi_complete, elliptic_pi, elliptic_moment),
)
