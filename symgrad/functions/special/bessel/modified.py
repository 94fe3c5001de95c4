"""Rows of the modified Bessel functions I and K, plain and scaled: exp(-|x|) I and exp(x) K.

The scaled ones (``besseli0e`` and so on) neither overflow nor vanish for large x.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from symgrad.functions.elementary import call
from symgrad.functions.special.bessel import modified_coefficients as table
from symgrad.functions.special.bessel.ordinary import ORDER
from symgrad.functions.special.bessel.real_order import (
    DECAY_EDGE,
    FRACTION_EDGE,
    TWO_OVER_PI,
    decay_fraction,
    far_growth,
    temme,
)
from symgrad.functions.special.bessel.recurrences import LARGE, MOST_ORDERS, SMALL, downward, upward
from symgrad.functions.special.double import INF, NAN, is_even, polynomial, sin_pi
from symgrad.ir.primitive import Names, define, no_closed_form

EDGE = 8.0
TINIEST = 5e-324
HALF_RANGE = 700.0
"""exp(-x) is no subnormal up to there."""


def _far_i(m: Any, x: Any, coefficients: Sequence[float]) -> Any:
    """exp(-x) I for x >= 8 (NIST DLMF 10.40.1)."""
    return polynomial(m, m.fma(2.0 * EDGE, 1.0 / x, -1.0), coefficients) / m.sqrt(x)


def grown(m: Any, scaled: Any, x: Any) -> Any:
    """``scaled`` exp(x), which may be finite where exp(x) is not."""
    near = m.min(x, HALF_RANGE)
    return scaled * m.exp(near) * m.exp(x - near)


def _i0(m: Any, x: Any, *, scaled: bool) -> Any:
    """I0(x), or exp(-|x|) I0(x): NIST DLMF 10.25.2 up to |x| = 8. 4 ulp."""
    size = m.abs(x)
    inside = m.min(size, EDGE)
    near = polynomial(m, inside * inside, table.I0_SMALL)
    far = _far_i(m, m.max(size, EDGE), table.I0_LARGE)
    if scaled:
        return m.where(size < EDGE, near * m.exp(-inside), far)
    far = m.where(size < INF, grown(m, far, size), size)
    return m.where(size < EDGE, near, far)


def _i1(m: Any, x: Any, *, scaled: bool) -> Any:
    """I1(x), or exp(-|x|) I1(x), likewise; odd, and x/2 near 0. 4 ulp."""
    size = m.abs(x)
    inside = m.min(size, EDGE)
    near = polynomial(m, inside * inside, table.I1_SMALL) * x
    far = _far_i(m, m.max(size, EDGE), table.I1_LARGE)
    if scaled:
        near = near * m.exp(-inside)
    else:
        far = m.where(size < INF, grown(m, far, size), size)
    return m.where(size < EDGE, near, m.where(x < 0.0, -far, far))


def _k0_near(m: Any, x: Any) -> Any:
    square = x * x
    i0 = polynomial(m, square, table.I0_UNIT)
    return m.fma(-m.log(x), i0, polynomial(m, square, table.K0_UNIT))


def _k1_near(m: Any, x: Any) -> Any:
    square = x * x
    i1_over_x = polynomial(m, square, table.I1_UNIT)
    rest = m.fma(m.log(x), i1_over_x, polynomial(m, square, table.K1_UNIT))
    return m.fma(x, rest, 1.0 / x)


def _k(
    m: Any,
    x: Any,
    near_0: Callable[[Any, Any], Any],
    top: Sequence[float],
    bottom: Sequence[float],
    *,
    scaled: bool,
) -> Any:
    """K0 or K1, or exp(x) times it: NIST DLMF 10.31.2 up to x = 1, 10.40.2 beyond. 7 ulp.

    Both terms of the first are positive there. inf at 0, nan below.
    """
    inside, outside = m.max(m.min(x, 1.0), TINIEST), m.max(x, 1.0)
    near = near_0(m, inside)
    t = 1.0 / outside
    far = polynomial(m, t, top) / (polynomial(m, t, bottom) * m.sqrt(outside))
    if scaled:
        near = near * m.exp(inside)
    else:
        far = far * m.exp(-outside)
    inner = m.where(m.eq(x, 0), INF, near)
    return m.where(x > 1.0, far, m.where(x >= 0.0, inner, NAN))


K0 = (_k0_near, table.K0_LARGE_TOP, table.K0_LARGE_BOTTOM)
K1 = (_k1_near, table.K1_LARGE_TOP, table.K1_LARGE_BOTTOM)


def _any_order(m: Any, n: Any, x: Any, *, second: bool) -> Any:
    """exp(-|x|) I_n(x), or exp(x) K_n(x) where ``second``, for real n. 6 ulp, 8 ulp for K.

    With n = +-(k + mu), |mu| <= 1/2: K goes up from K_mu and K_{mu+1}; I goes up where
    |x| >= 2 n^2, as the other solution grows by exp(n^2/|x|) < 1.7 only, else down. For integer n
    the first values are the rows of order 0 and 1; otherwise, from x = 25 on, ``far_growth``, and
    before that Temme's K up to x = 1 or 0.6, then ``decay_fraction``, and the Wronskian
    I_mu K_{mu+1} + I_{mu+1} K_mu = 1/x (NIST DLMF 10.28.2).

    K_{-n} = K_n, and I_{-n} = I_n + (2/pi) sin(pi n) K_n (10.27.2, 10.27.3). nan where x < 0, but
    for I of integer order, which has the parity of n (10.34.1), and for orders beyond 100,000.
    """
    size = m.abs(x)
    is_whole = m.eq(n, m.floor(n))
    is_known = m.abs(n) <= MOST_ORDERS
    order = m.where(is_known, m.abs(n), 0.0)
    count = m.ceil(order - 0.5)
    mu = order - count
    reflected = (n < 0.0) & ~is_whole

    is_given = is_whole | (size >= FRACTION_EDGE)
    i0, i1, k0, k1 = far_growth(m, mu, m.max(m.min(size, LARGE), FRACTION_EDGE))
    inside = m.max(m.min(size, FRACTION_EDGE), SMALL)
    series_x = m.min(inside, DECAY_EDGE)
    grown = m.exp(series_x)
    series_0, series_1 = temme(m, mu, series_x, 1.0)
    # Towards mu = 1/2, where it is 0 and leaves K exact, the fraction ends ever sooner.
    edge = m.where(m.abs(mu) > 0.4, m.where(m.eq(mu, 0.5), SMALL, 0.6), DECAY_EDGE)
    fraction_0, fraction_1 = decay_fraction(m, mu, m.max(inside, edge))
    is_series = size < edge
    near_0 = m.where(is_series, series_0 * grown, fraction_0)
    near_1 = m.where(is_series, series_1 * grown, fraction_1)
    if second:
        k0, k1 = m.where(is_whole, m.besselk0e(x), k0), m.where(is_whole, m.besselk1e(x), k1)
    else:
        i0, i1 = m.where(is_whole, m.besseli0e(size), i0), m.where(is_whole, m.besseli1e(size), i1)
    k0, k1 = m.where(is_given, k0, near_0), m.where(is_given, k1, near_1)

    # Below x = 1e-155 both are powers of x.
    power = m.pow(m.min(size / SMALL, 1.0), order)
    k_wanted = reflected | second
    k_x = m.where(is_given, size, inside)
    k = upward(m, m.where(k_wanted, count, 2.0), k_x, k0, k1, 1.0, 1.0, mu)
    k = m.where(is_given, k, k / power)
    if second:
        k = m.where(m.eq(size, INF), 0.0, k)
        return m.where(is_known & (x >= 0.0), k, NAN)

    is_up = is_given & ((count <= 1.0) | (size >= 2.0 * order * order))
    widest = m.max(2.0 * order * order, FRACTION_EDGE)
    down_x = m.max(m.min(size, widest), SMALL)
    # From there on K_k/I_k has grown by more than 2^53.
    start = m.ceil(m.sqrt(m.fma(order, order, 40.0 * down_x))) + 10.0
    start = m.where(is_up, 1.0, start)
    found, a, b = downward(m, m.where(is_up, 0.0, count), start, down_x, 1.0, mu)
    given = i0 / a
    from_k = 1.0 / (inside * m.fma(a, near_1, b * near_0))
    down = found * m.where(is_given, given, from_k) * power
    up = upward(m, m.where(is_up, count, 2.0), m.max(size, 1.0), i0, i1, 1.0, -1.0, mu)
    i = m.where(is_up, up, down)
    other = TWO_OVER_PI * sin_pi(m, order) * m.exp(-2.0 * size)
    value = m.where(reflected, m.fma(other, k, i), i)
    value = m.where(~is_even(m, count) & (x < 0.0), -value, value)
    value = m.where(m.eq(size, INF), 0.0, value)
    return m.where(is_known & (is_whole | (x >= 0.0)), value, NAN)


def _besseli(m: Any, n: Any, x: Any) -> Any:
    """I_n(x) for real n: ``besselie`` times exp(|x|). 8 ulp."""
    size = m.abs(x)
    scaled = m.besselie(n, x)
    value = grown(m, scaled, m.min(size, LARGE))
    infinite = m.where(~is_even(m, n) & (x < 0.0), -INF, INF)
    return m.where(m.eq(size, INF) & m.eq(scaled, 0), infinite, value)


def _besselk(m: Any, n: Any, x: Any) -> Any:
    """K_n(x) for real n: ``besselke`` times exp(-x). 8 ulp."""
    near = m.min(x, HALF_RANGE)
    return m.besselke(n, x) * m.exp(-near) * m.exp(near - m.min(x, LARGE))


def _slope(name: str, order: int | None = None) -> Any:
    """The partial by x, a row of ``modified_derivatives.py``."""
    if order is None:
        return lambda y, n, x: call(f"{name}_derivative", 1, n, x)
    return lambda y, x: call(f"{name}_derivative", 1, order, x)


def _first_orders(name: str) -> dict[int | Fraction, Any]:
    """Orders 0 and 1 have rows of their own."""
    return {
        0: lambda n, x: call(name.format(0), x),
        1: lambda n, x: call(name.format(1), x),
    }


# fmt: off
# Derivatives: NIST DLMF 10.29.1 and 10.29.3, and the product rule for the scaled functions.
besseli0 = define("besseli0", lambda y, x: call("besseli1", x),
                  domain=(0.3, 9), kind="routine", parity="even", folds={0: 1}, cost=70, ulp=4.0,
                  definition=lambda m, x: _i0(m, x, scaled=False),
                  oracle=lambda mp, x: mp.besseli(0, x),
                  names=Names(torch="special.i0", numpy="i0"), source="NIST DLMF 10.25.2, 10.40.1")
besseli1 = define("besseli1", lambda y, x: call("besseli1_slope", x),
                  domain=(0.3, 9), kind="routine", parity="odd", folds={0: 0}, cost=70, ulp=4.0,
                  definition=lambda m, x: _i1(m, x, scaled=False),
                  oracle=lambda mp, x: mp.besseli(1, x),
                  names=Names(torch="special.i1"), source="NIST DLMF 10.25.2, 10.40.1")
besseli0e = define("besseli0e", lambda y, x: call("besseli0e_slope", x),
                   domain=(0.3, 9), kind="routine", parity="even", folds={0: 1}, cost=70, ulp=4.0,
                   definition=lambda m, x: _i0(m, x, scaled=True),
                   oracle=lambda mp, x: mp.besseli(0, x) * mp.exp(-abs(x)),
                   names=Names(torch="special.i0e"), source="NIST DLMF 10.25.2, 10.40.1")
besseli1e = define("besseli1e",
                   lambda y, x: call("besseli1e_slope", x),
                   domain=(0.3, 9), kind="routine", parity="odd", folds={0: 0}, cost=70, ulp=4.0,
                   definition=lambda m, x: _i1(m, x, scaled=True),
                   oracle=lambda mp, x: mp.besseli(1, x) * mp.exp(-abs(x)),
                   names=Names(torch="special.i1e"), source="NIST DLMF 10.25.2, 10.40.1")
besselk0 = define("besselk0", lambda y, x: -call("besselk1", x),
                  domain=(0.3, 9), kind="routine", cost=90, ulp=7.0, names=Names(),
                  definition=lambda m, x: _k(m, x, *K0, scaled=False),
                  oracle=lambda mp, x: mp.besselk(0, x), source="NIST DLMF 10.31.2, 10.40.2")
besselk1 = define("besselk1", lambda y, x: -(call("besselk0", x) + y / x),
                  domain=(0.3, 9), kind="routine", cost=90, ulp=7.0, names=Names(),
                  definition=lambda m, x: _k(m, x, *K1, scaled=False),
                  oracle=lambda mp, x: mp.besselk(1, x), source="NIST DLMF 10.31.1, 10.40.2")
besselk0e = define("besselk0e", _slope("besselke", 0),
                   domain=(0.3, 9), kind="routine", cost=90, ulp=7.0, names=Names(),
                   definition=lambda m, x: _k(m, x, *K0, scaled=True),
                   oracle=lambda mp, x: mp.besselk(0, x) * mp.exp(x),
                   source="NIST DLMF 10.31.2, 10.40.2")
besselk1e = define("besselk1e",
                   _slope("besselke", 1),
                   domain=(0.3, 9), kind="routine", cost=90, ulp=7.0, names=Names(),
                   definition=lambda m, x: _k(m, x, *K1, scaled=True),
                   oracle=lambda mp, x: mp.besselk(1, x) * mp.exp(x),
                   source="NIST DLMF 10.31.1, 10.40.2")
besseli = define("besseli", no_closed_form(ORDER), _slope("besseli"),
                 domain=((2, 5), (0.3, 9)), kind="routine", definition=_besseli,
                 oracle=lambda mp, n, x: mp.besseli(n, x), cost=600, ulp=8.0,
                 folds=_first_orders("besseli{}"),
                 names=Names(mpmath="besseli"), source="NIST DLMF 10.29.1, 10.74(iv)")
besselie = define("besselie", no_closed_form(ORDER),
                  _slope("besselie"),
                  domain=((2, 5), (0.3, 9)), kind="routine",
                  definition=lambda m, n, x: _any_order(m, n, x, second=False),
                  oracle=lambda mp, n, x: mp.besseli(n, x) * mp.exp(-abs(x)), cost=600, ulp=6.0,
                  folds=_first_orders("besseli{}e"),
                  names=Names(), source="NIST DLMF 10.29.1, 10.74(iv)")
besselk = define("besselk", no_closed_form(ORDER), _slope("besselk"),
                 domain=((2, 5), (0.3, 9)), kind="routine", definition=_besselk,
                 oracle=lambda mp, n, x: mp.besselk(n, x), cost=600, ulp=8.0,
                 folds=_first_orders("besselk{}"),
                 names=Names(mpmath="besselk"), source="NIST DLMF 10.29.1, 10.74(iv)")
besselke = define("besselke", no_closed_form(ORDER),
                  _slope("besselke"),
                  domain=((2, 5), (0.3, 9)), kind="routine",
                  definition=lambda m, n, x: _any_order(m, n, x, second=True),
                  oracle=lambda mp, n, x: mp.besselk(n, x) * mp.exp(x), cost=600, ulp=8.0,
                  folds=_first_orders("besselk{}e"),
                  names=Names(), source="NIST DLMF 10.29.1, 10.74(iv)")
# fmt: on

ROWS = (
    *(besseli0, besseli1, besseli0e, besseli1e, besselk0, besselk1, besselk0e, besselk1e),
    *(besseli, besselie, besselk, besselke),
)
