"""Rows of Legendre's elliptic integrals in the parameter m = k^2, as SymPy has them.

All derivatives are moments, the integrals of sin^2a (1 - m sin^2)^(-b - 1/2) (1 - n sin^2)^(-c)
from 0 to phi: their integrands have one sign, so nothing is divided by m, n or their difference
(NIST DLMF 19.4 does).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from symgrad.functions.elementary import PI, call, select
from symgrad.functions.special.double import INF, NAN
from symgrad.functions.special.elliptic.carlson import rc_of_one, rd, rf, rj
from symgrad.functions.special.elliptic.moments import complete, moment, moment_oracle, parts
from symgrad.ir.expression import HALF, Expr
from symgrad.ir.primitive import Names, define


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


def _elliptic_f(m: Any, phi: Any, parameter: Any) -> Any:
    """F(phi | m) = sin(phi) R_F(cos^2 phi, 1 - m sin^2 phi, 1), and 2 K a period (19.25.5)."""
    j, sine, square, inner, rest, good = parts(m, phi, parameter)
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
    j, sine, square, inner, _, good = parts(m, phi, parameter)
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
    """Pi(n; phi | m) for n sin^2 phi < 1, and twice the complete integral a period.

    At infinite phi infinite, and 0 at n = -inf or m = -inf, where n < 1 and m < 1.
    """
    j, sine, square, inner, rest, good = parts(m, phi, parameter)
    value = _elliptic_pi_piece(m, n, sine, square, inner, parameter)
    one = 1.0 + 0.0 * rest
    whole = _elliptic_pi_piece(m, n, one, 0.0 * rest, rest, parameter)
    value = m.where(good, m.where(m.eq(j, 0.0), value, m.fma(2.0 * j, whole, value)), NAN)
    least = m.min(n, parameter)
    end = m.where(m.eq(least, -INF), 0.0 * phi, m.where(m.abs(phi) < INF, value, phi))
    ended = m.eq(least, -INF) | m.eq(m.abs(phi), INF)
    return m.where(ended & (n < 1.0) & (parameter < 1.0), end, value)


def _elliptic_pi_complete(m: Any, n: Any, parameter: Any) -> Any:
    """Pi(n | m) for n < 1 and m < 1."""
    rest = 1.0 - parameter
    inside = m.where((rest > 0.0) & (rest < INF), rest, 1.0)
    one = 1.0 + 0.0 * inside
    value = _elliptic_pi_piece(m, n, one, 0.0 * inside, inside, parameter)
    return m.where((rest > 0.0) & (rest < INF) & (n < 1.0), value, NAN)


def _by_rd(m: Any, phi: Any, parameter: Any, power: int) -> Any:
    """The integral of sin^2 (1 - m sin^2)^(-power - 1/2), power = 0 or 1 (NIST DLMF 19.25.13)."""
    j, sine, square, inner, rest, good = parts(m, phi, parameter)
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


def _elliptic_k_slope(m: Any, parameter: Any) -> Any:
    """dK/dm = R_D(0, 1, 1 - m)/6 for m <= 1: inf at 1, nan beyond (NIST DLMF 19.25.13, 19.4.1)."""
    rest = 1.0 - parameter
    inside = m.where((rest > 0.0) & (rest < INF), m.min(rest, 1e200), 1.0)
    value = rd(m, 0.0 * inside, 1.0 + 0.0 * inside, inside) * (1.0 / 6.0)
    ends = m.where(m.eq(rest, 0.0), INF, m.where(m.eq(rest, INF), 0.0, NAN))
    return m.where((rest > 0.0) & (rest < INF), value, ends)


def _elliptic_e_slope(m: Any, parameter: Any) -> Any:
    """dE/dm = -R_D(0, 1 - m, 1)/6 for m <= 1: -inf at 1, nan beyond (19.25.13, 19.4.2)."""
    rest = 1.0 - parameter
    inside = m.where((rest > 0.0) & (rest < INF), m.min(rest, 1e300), 1.0)
    value = rd(m, 0.0 * inside, inside, 1.0 + 0.0 * inside) * (-1.0 / 6.0)
    ends = m.where(m.eq(rest, 0.0), -INF, m.where(m.eq(rest, INF), -0.0, NAN))
    return m.where((rest > 0.0) & (rest < INF), value, ends)


def _d_oracle(mp: Any, phi: Any, m: Any) -> Any:
    if abs(m) < 1e-3 or abs(phi) < 0.8 or not mp.isfinite(phi):
        return moment_oracle(mp, 1, 0, 0, 0, phi, m)
    with mp.extradps(15):
        return (mp.ellipf(phi, m) - mp.ellipe(phi, m)) / m


def _f_slope_oracle(mp: Any, phi: Any, m: Any) -> Any:
    if abs(m) < 1e-3 or abs(phi) < 0.8 or m == 1 or not mp.isfinite(phi):
        return moment_oracle(mp, 1, 1, 0, 0, phi, m)
    with mp.extradps(15):
        s = mp.sin(phi)
        part = mp.ellipe(phi, m) - (1 - m) * mp.ellipf(phi, m)
        return (part - m * s * mp.cos(phi) / mp.sqrt(1 - m * s * s)) / (m * (1 - m))


def _k_slope_oracle(mp: Any, m: Any) -> Any:
    return mp.pi / 8 * mp.hyp2f1(1.5, 1.5, 2, m) if mp.isfinite(m) else mp.mpf(0)


def _e_slope_oracle(mp: Any, m: Any) -> Any:
    return -mp.pi / 8 * mp.hyp2f1(0.5, 1.5, 2, m) if mp.isfinite(m) else mp.mpf(0)


def _pi_oracle(mp: Any, n: Any, phi: Any, m: Any) -> Any:
    if abs(phi) < 0.8 and abs(m) <= 1.2 and abs(n) <= 1.2:
        return moment_oracle(mp, 0, 0, 1, n, phi, m)
    return mp.ellippi(n, phi, m)


def _square_of_sine(phi: Expr) -> Expr:
    square = call("sin", phi) ** 2
    return select(square > HALF, call("one_minus_square", call("cos", phi)), square)


def _density(phi: Expr, m: Expr) -> Expr:
    """1 - m sin(phi)^2."""
    return 1 - m * call("sin", phi) ** 2


# fmt: off
elliptic_k = define("elliptic_k", lambda y, m: call("elliptic_k_slope", m),
                    domain=(-3, 0.7), kind="routine", definition=_elliptic_k,
                    oracle=lambda mp, m: mp.ellipk(m), folds={0: PI / 2}, cost=250, ulp=5.0,
                    names=Names(mpmath="ellipk"), source="NIST DLMF 19.25.1, 19.4.1")
elliptic_e_complete = define("elliptic_e_complete",
                             lambda y, m: call("elliptic_e_slope", m),
                             domain=(-3, 0.7), kind="routine", definition=_elliptic_e_complete,
                             oracle=lambda mp, m: mp.ellipe(m), folds={0: PI / 2, 1: 1}, cost=500,
                             ulp=5.0, names=Names(mpmath="ellipe"),
                             source="NIST DLMF 19.25.1, 19.4.2")
elliptic_k_slope = define("elliptic_k_slope",
                          lambda y, m: Fraction(3, 4) * complete(2, 2, 0, 0, m),
                          domain=(-3, 0.7), kind="routine", definition=_elliptic_k_slope,
                          oracle=_k_slope_oracle, cost=400, ulp=5.0, names=Names(),
                          source="NIST DLMF 19.4.1, 19.25.13")
elliptic_e_slope = define("elliptic_e_slope",
                          lambda y, m: Fraction(-1, 4) * complete(2, 1, 0, 0, m),
                          domain=(-3, 0.7), kind="routine", definition=_elliptic_e_slope,
                          oracle=_e_slope_oracle, cost=400, ulp=5.0, names=Names(),
                          source="NIST DLMF 19.4.2, 19.25.13")
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
                    lambda y, phi, m: HALF * moment(2, 1, 0, 0, phi, m),
                    domain=((0.1, 0.75), (-1, 0.7)), kind="routine", definition=_elliptic_d,
                    oracle=_d_oracle, cost=900,
                    ulp=9.0, names=Names(), source="NIST DLMF 19.2.6, 19.25.13")
elliptic_f_slope = define("elliptic_f_slope",
                          lambda y, phi, m: call("sin", phi)**2
                                            * _density(phi, m)**Fraction(-3, 2),
                          lambda y, phi, m: (1 + HALF) * moment(2, 2, 0, 0, phi, m),
                          domain=((0.1, 0.75), (-1, 0.7)), kind="routine",
                          definition=_elliptic_f_slope,
                          oracle=_f_slope_oracle,
                          cost=900, ulp=10.0, names=Names(), source="NIST DLMF 19.4.5, 19.25.13")
elliptic_pi_complete = define("elliptic_pi_complete",
                              lambda y, n, m: complete(1, 0, 2, n, m),
                              lambda y, n, m: HALF * complete(1, 1, 1, n, m),
                              domain=((-3, 0.6), (-3, 0.6)), kind="routine",
                              definition=_elliptic_pi_complete,
                              oracle=lambda mp, n, m: mp.ellippi(n, m), cost=1000, ulp=7.0,
                              names=Names(mpmath="ellippi"), source="NIST DLMF 19.25.2")
# By phi in one fraction: its parts cancel where 2 n is about -m.
elliptic_pi_density = define("elliptic_pi_density",
                             lambda y, n, phi, m: y * call("sin", phi)**2 / _density(phi, n),
                             lambda y, n, phi, m: (
                                 y * call("sin", phi) * call("cos", phi)
                                 * call("fma", -3 * n * m, _square_of_sine(phi), 2 * n + m)
                                 / (_density(phi, n) * _density(phi, m))),
                             lambda y, n, phi, m: (
                                 HALF * y * call("sin", phi)**2 / _density(phi, m)),
                             domain=((-1, 0.6), (0.1, 1.4), (-1, 0.6)), kind="composite",
                             expansion=lambda n, phi, m: 1 / (
                                 _density(phi, n) * _density(phi, m)**HALF),
                             cost=40, names=Names(), source="NIST DLMF 19.2.7")
elliptic_pi = define("elliptic_pi", lambda y, n, phi, m: moment(1, 0, 2, n, phi, m),
                     lambda y, n, phi, m: call("elliptic_pi_density", n, phi, m),
                     lambda y, n, phi, m: HALF * moment(1, 1, 1, n, phi, m),
                     domain=((-1, 0.6), (0.1, 0.3), (-1, 0.6)), kind="routine",
                     definition=_elliptic_pi, oracle=_pi_oracle,
                     cost=2000, ulp=8.0, names=Names(mpmath="ellippi"),
                     source="NIST DLMF 19.25.14")
# fmt: on

ROWS = (
    *(elliptic_k, elliptic_e_complete, elliptic_k_slope, elliptic_e_slope, elliptic_f, elliptic_e),
    *(elliptic_d, elliptic_f_slope, elliptic_pi_complete, elliptic_pi_density, elliptic_pi),
)
