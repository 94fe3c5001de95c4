"""Rows of the Bessel functions J and Y.

Near their zeros the error is measured against the amplitude sqrt(2/(pi x)) of their waves, as
everywhere where functions oscillate: J0(20.9) is 3e-4 of its neighbours, and so are its digits.
The first positive zeros of J0 and J1 keep their digits all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from symgrad.functions.elementary import call
from symgrad.functions.special.bessel import ordinary_coefficients as table
from symgrad.functions.special.bessel.real_order import (
    FRACTION_EDGE,
    TWO_OVER_PI,
    WAVE_EDGE,
    far_waves,
    temme,
    wave_fraction,
)
from symgrad.functions.special.bessel.recurrences import (
    LARGE,
    MOST_ORDERS,
    SMALL,
    Difference,
    downward,
    downward_sum,
    exactly_one,
    halved,
    upward,
    upward_sum,
)
from symgrad.functions.special.double import (
    INF,
    NAN,
    cos_pi,
    is_even,
    polynomial,
    sin_pi,
    two_product,
)
from symgrad.ir.expression import HALF
from symgrad.ir.primitive import Names, Primitive, define, no_closed_form

EDGE = 4.0
TINIEST = 5e-324
ONE_OVER_ROOT_PI = 0.5641895835477563
ORDER = "the order of a Bessel function"


def _plain(m: Any, square: Any, factors: Sequence[float], coefficients: Sequence[float]) -> Any:
    """A polynomial in x^2 times 1 - c x^2 for each factor c."""
    return _times(m, polynomial(m, square, coefficients), square, factors)


def _shifted(m: Any, square: Any, factors: Sequence[float], coefficients: Sequence[float]) -> Any:
    """A polynomial in x^2/8 - 1, which is between -1 and 1, times the same."""
    centred = m.fma(square, 2.0 / EDGE**2, -1.0)
    return _times(m, polynomial(m, centred, coefficients), square, factors)


def _times(m: Any, value: Any, square: Any, factors: Sequence[float]) -> Any:
    for factor in factors:
        value = value * m.fma(-factor, square, 1.0)
    return value


def _to_zeros(m: Any, x: Any, value: Any, zeros: Sequence[tuple[float, float]]) -> Any:
    """``value`` times x^2 - z for each pair z, exact to the last digit near x^2 = z."""
    square, rest = two_product(m, x, x)
    for high, low in zeros:
        value = value * ((square - high) + (rest - low))
    return value


def _j0_near(m: Any, x: Any) -> Any:
    value = _plain(m, x * x, table.J0_OUTER, table.J0_SMALL)
    return _to_zeros(m, x, value, table.J0_ZEROS)


def _j1_over_x_near(m: Any, x: Any) -> Any:
    value = _shifted(m, x * x, table.J1_OUTER, table.J1_SMALL)
    return _to_zeros(m, x, value, table.J1_ZEROS)


def _waves(m: Any, x: Any, p: Sequence[float], q: Sequence[float]) -> tuple[Any, Any, Any, Any]:
    """(P + Q, P - Q, sin x, cos x) of order 0 or 1 over sqrt(pi x), x >= 4.

    J0 = ((P + Q) cos x + (P - Q) sin x)/sqrt(pi x), as cos(x - pi/4) = (cos x + sin x)/sqrt 2, and
    so on (NIST DLMF 10.18.17, 10.18.18): no rounded x - pi/4 turns the waves of a large x.
    """
    inverse = 1.0 / x
    t = inverse * inverse
    scale = ONE_OVER_ROOT_PI / m.sqrt(x)
    first, second = polynomial(m, t, p), inverse * polynomial(m, t, q)
    angle = m.where(x < INF, x, EDGE)
    return first + second, first - second, scale * m.sin(angle), scale * m.cos(angle)


def _besselj0(m: Any, x: Any) -> Any:
    """J0(x): NIST DLMF 10.2.2 up to |x| = 4, waves beyond. 4 ulp."""
    size = m.abs(x)
    plus, minus, sine, cosine = _waves(m, m.max(size, EDGE), table.P0, table.Q0)
    far = m.fma(plus, cosine, minus * sine)
    return m.where(size < EDGE, _j0_near(m, m.min(size, EDGE)), far)


def _besselj1(m: Any, x: Any) -> Any:
    """J1(x), likewise; odd, and x/2 near 0. 4 ulp."""
    size = m.abs(x)
    plus, minus, sine, cosine = _waves(m, m.max(size, EDGE), table.P1, table.Q1)
    far = m.fma(plus, sine, -(minus * cosine))
    near = _j1_over_x_near(m, m.min(size, EDGE)) * x
    return m.where(size < EDGE, near, m.where(x < 0.0, -far, far))


def _bessely0(m: Any, x: Any) -> Any:
    """Y0(x): NIST DLMF 10.8.2 up to x = 4, waves beyond; -inf at 0, nan below. 5 ulp."""
    inside = m.min(x, EDGE)
    regular = _shifted(m, inside * inside, table.Y0_ZEROS, table.Y0_SMALL)
    near = m.fma(TWO_OVER_PI * m.log(inside), _j0_near(m, inside), regular)
    plus, minus, sine, cosine = _waves(m, m.max(x, EDGE), table.P0, table.Q0)
    far = m.fma(plus, sine, -(minus * cosine))
    return m.where(x < EDGE, near, far)


def _bessely1(m: Any, x: Any) -> Any:
    """Y1(x), likewise: -2/(pi x) near 0. 5 ulp."""
    inside = m.max(m.min(x, EDGE), TINIEST)
    j1 = _j1_over_x_near(m, inside) * inside
    singular = TWO_OVER_PI * m.fma(m.log(inside), j1, -1.0 / inside)
    regular = _shifted(m, inside * inside, table.Y1_ZEROS, table.Y1_SMALL)
    plus, minus, sine, cosine = _waves(m, m.max(x, EDGE), table.P1, table.Q1)
    far = -m.fma(minus, sine, plus * cosine)
    near = m.fma(inside, regular, singular)
    return m.where(x >= 0.0, m.where(x < EDGE, near, far), NAN)


def _any_order(m: Any, n: Any, x: Any, *, second: bool, times: Any = None) -> Any:
    """J_n(x), or Y_n(x) where ``second``, for real n; or a derivative by x. 8 ulp.

    With n = +-(k + mu), |mu| <= 1/2: Y goes up from Y_mu and Y_{mu+1}, and J where |x| >= n, else
    down to them. For integer n these are the rows of order 0 and 1; otherwise, from x = 25 on,
    ``far_waves``, and before that they follow from f_mu and f_{mu+1}, which are J but for a factor,
    and the Wronskian J_{mu+1} Y_mu - J_mu Y_{mu+1} = 2/(pi x) (NIST DLMF 10.5.2): with Temme's Y up
    to x = 2, then with p + i q = (J' + i Y')/(J + i Y) at mu.

    J_{-n}(x) = J_n(-x) = (-1)^n J_n(x) for integer n (10.4.1, 10.11.1), else 10.4.6 gives negative
    orders. nan where x < 0, but for J of integer order, and for orders beyond 100,000.

    The derivative that comes ``times`` times is a sum over orders (10.6.7), in pairs of doubles.
    """
    size = m.abs(x)
    is_whole = m.eq(n, m.floor(n))
    is_known = m.abs(n) <= MOST_ORDERS
    k = 0.0
    if times is not None:
        is_known = is_known & (times >= 0.0) & m.eq(times, m.floor(times))
        k = m.where(is_known, times, 0.0)
    terms = Difference(k, 2.0, -1.0)
    order = m.where(is_known, m.abs(n), 0.0)
    count = m.ceil(order - 0.5)
    mu = order - count
    reflected = (n < 0.0) & ~is_whole

    is_given = is_whole | (size >= FRACTION_EDGE)
    j0, j1, y0, y1 = far_waves(m, mu, m.max(m.min(size, LARGE), FRACTION_EDGE))
    if second:
        y0, y1 = m.where(is_whole, m.bessely0(x), y0), m.where(is_whole, m.bessely1(x), y1)
    else:
        j0, j1 = m.where(is_whole, m.besselj0(size), j0), m.where(is_whole, m.besselj1(size), j1)

    is_down = ~is_given | ((size < order) & (count > 1.0))
    if times is not None:
        is_down = is_down | (size < EDGE)
    if second:
        is_down = is_down & ~is_whole
    most = m.max(count, m.min(size, FRACTION_EDGE))
    # From there on Y_k/J_k has grown by more than 2^53.
    start = m.where(is_down, m.ceil(most) + m.ceil(7.0 * m.cbrt(most)) + 10.0, 1.0)
    inside = m.max(m.min(size, m.max(order, FRACTION_EDGE)), SMALL)
    target = m.where(is_down, count, 0.0)
    if times is None:
        found, a, b = downward(m, target, start, inside, -1.0, mu)
    else:
        found, a, b = downward_sum(m, terms, target, start + k, inside, -1.0, mu)
    largest = m.max(m.abs(a), m.abs(b))
    a, b = a / largest, b / largest
    # The factor is least squares': no zero of one of the two values spoils it.
    given = m.fma(j0, a, j1 * b) / m.fma(a, a, b * b)

    series_x = m.min(inside, WAVE_EDGE)
    series_0, series_1 = temme(m, mu, series_x, -1.0)
    series_0, series_1 = -TWO_OVER_PI * series_0, -TWO_OVER_PI * series_1
    by_series = TWO_OVER_PI / series_x / m.fma(b, series_0, -(a * series_1))

    is_half = m.eq(mu, 0.5)  # there the fraction is 0, at any x
    edge = m.where(is_half, 0.05, WAVE_EDGE)
    is_fraction = ~is_given & (size >= edge)
    fraction_x = m.max(m.min(size, FRACTION_EDGE), edge)
    p, q = wave_fraction(m, mu, fraction_x, is_fraction & ~is_half)
    ratio = mu / fraction_x
    e = m.fma(p, a, m.fma(-ratio, a, b)) / q
    by_fraction = m.sqrt(TWO_OVER_PI / (fraction_x * q * m.fma(a, a, e * e)))
    fraction_0 = by_fraction * e
    fraction_1 = m.fma(ratio - p, fraction_0, -(q * a * by_fraction))

    factor = m.where(is_given, given, m.where(is_fraction, by_fraction, by_series))
    y0 = m.where(is_given, y0, m.where(is_fraction, fraction_0, series_0))
    y1 = m.where(is_given, y1, m.where(is_fraction, fraction_1, series_1))

    # Below x = 1e-155 both are powers of x.
    small = m.min(size / SMALL, 1.0)
    first, fourth = m.max(size, 1.0), m.where(is_given, size, inside)
    y_wanted = m.where(reflected | second, count, 2.0)
    j_wanted = m.where(is_down, 2.0, count)
    if times is None:
        power = m.pow(small, order)
        up = upward(m, j_wanted, first, j0, j1, -1.0, 1.0, mu)
        y = upward(m, y_wanted, fourth, y0, y1, -1.0, 1.0, mu)
        y = m.where(is_given, y, y / power)
    else:
        half = halved(m, k)
        lowest = m.where(is_even(m, k - order), 0.0, 1.0)
        power = half * m.pow(small, m.where(is_whole & (order < k), lowest, order - k))
        up = upward_sum(m, terms, j_wanted, first, (j0, 0.0), (j1, 0.0), -1.0, 1.0, mu) * half
        # Scaled beforehand, as the last term may overflow and the sum not.
        zero, one = (y0 * half, 0.0), (y1 * half, 0.0)
        y = upward_sum(m, terms, y_wanted, fourth, zero, one, -1.0, 1.0, mu)
        y = m.where(is_given, y, y / m.pow(small, order + k))
    j = m.where(is_down, found / largest * factor * power, up)

    sine, cosine = sin_pi(m, order), cos_pi(m, order)
    is_odd = ~is_even(m, count)
    # Towards 0 derivatives of J are nothing beside those of Y, and both may be infinite.
    part = j if times is None else m.where(reflected & (size < SMALL), 0.0, j)
    if second:
        # At half integers Y_{-n}(0) is no 0 times infinity.
        turned = m.where(m.eq(cosine, 0), sine * j, m.fma(cosine, y, sine * part))
        value = m.where(reflected, turned, m.where(is_odd & (n < 0.0), -y, y))
        is_known = is_known & (x >= 0.0)
    else:
        turned = m.fma(cosine, part, -(sine * y))
        minus = is_odd & exactly_one(n < 0.0, x < 0.0)
        if times is not None:
            minus = exactly_one(minus, (x < 0.0) & ~is_even(m, k))
        value = m.where(minus, -j, j)
        value = m.where(reflected, turned, value)
        is_known = is_known & (is_whole | (x >= 0.0))
    value = m.where(m.eq(size, INF), 0.0, value)
    return m.where(is_known & m.eq(x, x), value, NAN)


def _slope(name: str) -> Any:
    return lambda y, n, x: call(f"{name}_derivative", 1, n, x)


def _oracle(name: str) -> Any:
    """NIST DLMF 10.6.7, in as many digits as the sum may cancel."""

    def value(mp: Any, k: Any, n: Any, x: Any) -> Any:
        if not mp.isint(k) or k < 0:
            return mp.nan
        if mp.isinf(x):
            return mp.mpf(0)
        k = int(k)
        with mp.extradps(10 + k * (abs(mp.mag(x)) if x else 0)):
            terms = [
                (-1) ** j * mp.binomial(k, j) * getattr(mp, name)(n - k + 2 * j, x)
                for j in range(k + 1)
            ]
            return mp.fsum(terms) / mp.mpf(2) ** k

    return value


def derivative_row(name: str, definition: Any, oracle: Any, source: str, *, cost: int) -> Primitive:
    """The row of a function's derivative by x, of any order of differentiation."""
    return define(
        f"{name}_derivative",
        no_closed_form("the order of a derivative"),
        no_closed_form(ORDER),
        lambda y, k, n, x: call(f"{name}_derivative", k + 1, n, x),
        domain=((1, 2), (2, 5), (0.3, 9)),
        whole=(0,),
        kind="routine",
        definition=definition,
        oracle=oracle,
        folds={0: lambda k, n, x: call(name, n, x)},
        cost=cost,
        ulp=8.0,
        names=Names(),
        source=source,
    )


def _first_orders(name: str) -> dict[int | Fraction, Any]:
    """Orders 0 and 1 have rows of their own."""
    return {
        0: lambda n, x: call(name.format(0), x),
        1: lambda n, x: call(name.format(1), x),
    }


# fmt: off
# Derivatives: NIST DLMF 10.6.1, 10.6.3. J1' = J0 - J1/x would have no value at 0.
besselj0 = define("besselj0", lambda y, x: -call("besselj1", x),
                  domain=(0.3, 9), kind="routine", definition=_besselj0, parity="even",
                  oracle=lambda mp, x: mp.besselj(0, x), folds={0: 1}, cost=90, ulp=4.0,
                  names=Names(mpmath="j0", c="j0"), source="NIST DLMF 10.2.2, 10.18.17")
besselj1 = define("besselj1", lambda y, x: HALF * (call("besselj0", x) - call("besselj", 2, x)),
                  domain=(0.3, 9), kind="routine", definition=_besselj1, parity="odd",
                  oracle=lambda mp, x: mp.besselj(1, x), folds={0: 0}, cost=90, ulp=4.0,
                  names=Names(mpmath="j1", c="j1"), source="NIST DLMF 10.2.2, 10.18.17")
bessely0 = define("bessely0", lambda y, x: -call("bessely1", x),
                  domain=(0.3, 9), kind="routine", definition=_bessely0,
                  oracle=lambda mp, x: mp.bessely(0, x), cost=120, ulp=5.0,
                  names=Names(c="y0"), source="NIST DLMF 10.8.2, 10.18.18")
bessely1 = define("bessely1", lambda y, x: call("bessely0", x) - y / x,
                  domain=(0.3, 9), kind="routine", definition=_bessely1,
                  oracle=lambda mp, x: mp.bessely(1, x), cost=120, ulp=5.0,
                  names=Names(c="y1"), source="NIST DLMF 10.8.1, 10.18.18")
besselj = define("besselj", no_closed_form(ORDER), _slope("besselj"),
                 domain=((2, 5), (0.3, 9)), kind="routine",
                 definition=lambda m, n, x: _any_order(m, n, x, second=False),
                 oracle=lambda mp, n, x: mp.besselj(n, x), cost=600, ulp=8.0,
                 folds=_first_orders("besselj{}"),
                 names=Names(mpmath="besselj"), source="NIST DLMF 10.6.1, 10.74(iv)")
bessely = define("bessely", no_closed_form(ORDER), _slope("bessely"),
                 domain=((2, 5), (0.3, 9)), kind="routine",
                 definition=lambda m, n, x: _any_order(m, n, x, second=True),
                 oracle=lambda mp, n, x: mp.bessely(n, x), cost=600, ulp=8.0,
                 folds=_first_orders("bessely{}"),
                 names=Names(mpmath="bessely"), source="NIST DLMF 10.6.1, 10.74(iv)")
besselj_derivative = derivative_row(
    "besselj", lambda m, k, n, x: _any_order(m, n, x, second=False, times=k),
    _oracle("besselj"), "NIST DLMF 10.6.7, 10.74(iv)", cost=1000)
bessely_derivative = derivative_row(
    "bessely", lambda m, k, n, x: _any_order(m, n, x, second=True, times=k),
    _oracle("bessely"), "NIST DLMF 10.6.7, 10.74(iv)", cost=1000)
# fmt: on

ROWS = (
    besselj0,
    besselj1,
    bessely0,
    bessely1,
    besselj,
    bessely,
    besselj_derivative,
    bessely_derivative,
)
