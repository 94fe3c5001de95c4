"""Rows of functions with a removable singularity at 0: all their derivatives, finite there.

``sinc_derivative(n, x)`` is the n-th derivative of sin(x)/x, and so on: the order comes first.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp
from typing import Any

from symgrad.functions.elementary import call
from symgrad.functions.special.double import INF, NAN, two_sum
from symgrad.functions.special.segments import is_order
from symgrad.ir.primitive import Names, Primitive, define, no_closed_form

EXP_8, EXP_24 = exp(8.0), exp(24.0)


def _turned(m: Any, n: Any, even: Any, odd: Any) -> tuple[Any, Any]:
    """The n-th derivatives of cos and sin, which themselves are ``even`` and ``odd``."""
    quarter = n - 4.0 * m.floor(0.25 * n)
    swapped = m.eq(quarter, 1.0) | m.eq(quarter, 3.0)
    minus = quarter >= 2.0
    cosine, sine = m.where(swapped, -odd, even), m.where(swapped, even, odd)
    return m.where(minus, -cosine, cosine), m.where(minus, -sine, sine)


def _is_odd(m: Any, n: Any) -> Any:
    return m.ne(n, 2.0 * m.floor(0.5 * n))


def _near(n: Any) -> Any:
    """Below this |x| the series, beyond it the recurrence in n, which is stable there."""
    return 0.75 * n + 2.0


def _oscillating_series(m: Any, n: Any, x: Any, weight: int) -> Any:
    """The integral of (1 - t)^w t^n cos(x t + n pi/2) over 0 < t < 1, w = 0 or 1, |x| < n + 2.

    exp(i x) times the integral of s^w (1 - s)^n exp(-i x s), which is B(w + 1, n + 1) times
    M(w + 1, n + w + 2, -i x) (NIST DLMF 13.4.1): its terms fall from the first one on.
    """

    def step(k: Any, term: Any, cosine: Any, sine: Any) -> Any:
        # Terms 2 k + 1 and 2 k + 2.
        j = 2.0 * k
        first = (
            term * ((j + 1.0 + weight) / (1.0 + j) if weight else 1.0) * x / (n + j + weight + 2.0)
        )
        ratio = (j + 2.0 + weight) / (j + 2.0) if weight else 1.0
        second = -first * ratio * x / (n + j + weight + 3.0)
        return m.abs(first) > 1e-18, second, cosine + second, sine + first

    one = 1.0 + 0.0 * x
    _, cosine, sine = m.loop(step, (one, one, 0.0 * x), 60)
    turned, turned_sine = _turned(m, n, m.cos(x), m.sin(x))
    scale = (n + 1.0) * (n + 2.0) if weight else n + 1.0
    return (turned * cosine + turned_sine * sine) / scale


def _positive_series(m: Any, n: Any, x: Any, weight: int) -> Any:
    """The sum of x^j/j!/(n + j + 1), for weight 1 also over n + j + 2: j = n mod 2, + 2, ..."""
    start = m.where(_is_odd(m, n), 1.0, 0.0)

    def part(j: Any) -> Any:
        return (n + j + 1.0) * (n + j + 2.0) if weight else n + j + 1.0

    def step(k: Any, term: Any, total: Any) -> Any:
        j = start + 2.0 * k
        grown = term * (x / (j + 1.0)) * (x / (j + 2.0))
        added = grown / part(j + 2.0)
        return m.abs(added) > 1e-18 * m.abs(total), grown, total + added

    first = m.where(start > 0.0, x, 1.0 + 0.0 * x)
    return m.loop(step, (first, first / part(start)), 60)[1]


def _by_recurrence(m: Any, n: Any, x: Any, first: Any, start: Any, turn: Any) -> Any:
    """f_n of x f_k + k f_(k-1) = r_k from f_0: ``start`` is (r_0, r_1), ``turn`` gives the next."""

    def step(k: Any, value: Any, r: Any, slope: Any) -> Any:
        r, slope = turn(r, slope)
        return k + 2.0 <= n, (r - (k + 1.0) * value) / x, r, slope

    value = m.loop(step, (first, *start), 128)[0]
    return m.where(n < 1.0, first, value)


def _sinc_derivative(m: Any, n: Any, x: Any) -> Any:
    """The n-th derivative of sin(x)/x, n = 0, 1, 2, ... (else nan), for every x.

    The integral of t^n cos(x t + n pi/2) over 0 < t < 1: a confluent series while |x| < 3 n/4 + 2,
    else x f_n + n f_(n-1) = sin(x + n pi/2) upwards from sin(x)/x.
    """
    a = m.abs(x)
    bound = _near(n)
    series = _oscillating_series(m, n, m.min(a, bound), 0)
    b = m.max(a, bound)
    sine, cosine = m.sin(b), m.cos(b)
    far = _by_recurrence(m, n, b, sine / b, (sine, cosine), lambda r, slope: (slope, -r))
    size = m.where(a < bound, series, m.where(a < INF, far, 0.0))
    signed = m.where(_is_odd(m, n) & (x < 0.0), -size, size)
    divisor = m.where(m.eq(x, 0.0), 1.0, x)
    plain = m.where(m.eq(x, 0.0), 1.0, m.sin(x) / divisor)
    value = m.where(m.eq(x, x), m.where((n < 1.0) & (a < INF), plain, signed), x)
    return m.where(is_order(m, n), value, NAN)


def _sinhc_derivative(m: Any, n: Any, x: Any) -> Any:
    """The n-th derivative of sinh(x)/x: the series of positive terms, and the recurrence beyond."""
    a = m.abs(x)
    bound = 2.0 * _near(n)
    series = _positive_series(m, n, m.min(a, bound), 0)
    # sinh overflows before sinh(x)/x does: exp(-8) of everything beyond 700.
    b = m.max(m.min(a, 800.0), bound)
    large = b > 700.0
    half = 0.5 * m.exp(m.where(large, b - 8.0, 1.0))
    sine = m.where(large, half, m.sinh(m.min(b, 700.0)))
    cosine = m.where(large, half, m.cosh(m.min(b, 700.0)))
    far = _by_recurrence(m, n, b, sine / b, (sine, cosine), lambda r, slope: (slope, r))
    size = m.where(a < bound, series, m.where(a > 718.0, INF, m.where(large, EXP_8 * far, far)))
    signed = m.where(_is_odd(m, n) & (x < 0.0), -size, size)
    value = m.where(m.eq(x, x), signed, x)
    return m.where(is_order(m, n), value, NAN)


def _expm1c_derivative(m: Any, n: Any, x: Any) -> Any:
    """The n-th derivative of (exp(x) - 1)/x: the integral of t^n exp(x t) over 0 < t < 1.

    Near 0 a series of positive terms: x^j/(j! (n + 1 + j)) for x > 0, Kummer's exp(x)/(n + 1)
    M(1, n + 2, -x) (NIST DLMF 13.4.1, 13.2.39) for x < 0; else x f_n + n f_(n-1) = exp(x) upwards.
    """
    bound = _near(n)
    z = m.max(m.min(x, 2.0 * bound), -2.0 * bound)
    left = z < 0.0

    def step(k: Any, term: Any, total: Any) -> Any:
        grown = term * m.where(left, -z / (n + 2.0 + k), z / (k + 1.0))
        added = grown * m.where(left, 1.0, 1.0 / (n + 2.0 + k))
        return added > 1e-18 * total, grown, total + added

    one = 1.0 + 0.0 * z
    total = m.loop(step, (one, m.where(left, one, one / (n + 1.0))), 120)[1]
    series = m.where(left, m.exp(z) / (n + 1.0), 1.0) * total
    plain = m.where(m.eq(z, 0.0), 1.0, m.expm1(z) / m.where(m.eq(z, 0.0), 1.0, z))
    b = m.where(x < 0.0, m.min(x, -2.0 * bound), m.max(m.min(x, 800.0), 2.0 * bound))
    large = b > 700.0
    power = m.exp(m.where(large, b - 8.0, b))
    first = m.where(large, power, m.expm1(m.min(b, 701.0))) / b
    far = _by_recurrence(m, n, b, first, (power, power), lambda r, slope: (r, r))
    scaled = m.where(large, m.where(x > 717.5, INF, EXP_8 * far), far)
    value = m.where(m.eq(x, z), m.where(n < 1.0, plain, series), scaled)
    result = m.where(m.eq(x, x), value, x)
    return m.where(is_order(m, n), result, NAN)


def _by_second_recurrence(
    m: Any, n: Any, x: Any, first: Any, second: Any, start: Any, turn: Any
) -> Any:
    """f_n of x^2 f_k + 2 k x f_(k-1) + k (k-1) f_(k-2) = r_k, from f_0 and f_1."""

    def step(k: Any, before: Any, value: Any, r: Any, slope: Any) -> Any:
        r, slope = turn(r, slope)
        order = k + 2.0
        following = ((r / x - 2.0 * order * value) - order * (order - 1.0) * (before / x)) / x
        return order < n, value, following, r, slope

    value = m.loop(step, (first, second, *start), 128)[1]
    return m.where(n < 1.0, first, m.where(n < 2.0, second, value))


def _cosc_derivative(m: Any, n: Any, x: Any) -> Any:
    """The n-th derivative of (1 - cos x)/x^2, n = 0, 1, 2, ... (else nan), for every x.

    The integral of (1 - t) t^n cos(x t + n pi/2) over 0 < t < 1: a confluent series while
    |x| < 3 n/4 + 2, else by the recurrence of x^2 f = 1 - cos x.
    """
    a = m.abs(x)
    bound = n + 2.0
    series = _oscillating_series(m, n, m.min(a, bound), 1)
    b = m.max(a, bound)
    half = m.sin(0.5 * b) / (0.5 * b)
    first = 0.5 * half * half
    sine, cosine = m.sin(b), m.cos(b)
    second = (sine / b - 2.0 * first) / b
    far = _by_second_recurrence(
        m, n, b, first, second, (sine, cosine), lambda r, slope: (slope, -r)
    )
    size = m.where(a < bound, series, m.where(a < INF, far, 0.0))
    signed = m.where(_is_odd(m, n) & (x < 0.0), -size, size)
    value = m.where(m.eq(x, x), signed, x)
    return m.where(is_order(m, n), value, NAN)


def _coshc_derivative(m: Any, n: Any, x: Any) -> Any:
    """The n-th derivative of (cosh x - 1)/x^2: a series of positive terms, and the recurrence."""
    a = m.abs(x)
    bound = 2.0 * _near(n)
    series = _positive_series(m, n, m.min(a, bound), 1)
    b = m.max(m.min(a, 800.0), bound)
    large = b > 700.0
    power = 0.5 * m.exp(m.where(large, b - 24.0, 1.0))
    sine = m.where(large, power, m.sinh(m.min(b, 700.0)))
    cosine = m.where(large, power, m.cosh(m.min(b, 700.0)))
    root = m.sinh(0.5 * m.min(b, 700.0)) / b
    first = m.where(large, power / b / b, 2.0 * root * root)
    second = (sine / b - 2.0 * first) / b
    far = _by_second_recurrence(m, n, b, first, second, (sine, cosine), lambda r, slope: (slope, r))
    size = m.where(a < bound, series, m.where(a > 726.0, INF, m.where(large, EXP_24 * far, far)))
    signed = m.where(_is_odd(m, n) & (x < 0.0), -size, size)
    value = m.where(m.eq(x, x), signed, x)
    return m.where(is_order(m, n), value, NAN)


def _log1pc_derivative(m: Any, n: Any, x: Any) -> Any:
    """The n-th derivative of log(1 + x)/x, x > -1, n = 0, 1, 2, ...: 1 at 0 for n = 0.

    (-1)^n n!/(1 + x)^(n+1) times the integral of u^n/(1 - w u) over 0 < u < 1, w = x/(1 + x):
    Gauss's continued fraction of F(1, n + 1; n + 2; w)/(n + 1) (NIST DLMF 15.7.5) while
    -8 < w < 0.93, less for small n, and beyond upwards from log(1 + x), which loses little there.
    """
    inside = m.max(x, -1.0)
    w = inside / (1.0 + inside)
    # What rounding took from 1 + x: w and its powers feel it.
    _, low = two_sum(1.0, inside)
    low = m.where(x < INF, low, 0.0)
    near = (w > -8.0) & (w < m.min(0.74 + 0.03 * n, 0.93))
    z = m.where(near, w, 0.5)
    fraction = n + 72.0
    for k in range(70, 0, -1):
        half = k // 2
        numerator = (half + n + 1.0) * (half + n + 1.0) if k % 2 else float(half * half)
        fraction = (n + float(k)) - numerator * z / fraction

    y = m.where(near, 30.0, w)

    def step(k: Any, power: Any, total: Any) -> Any:
        # total is the integral of u^k/(1 - u) over 0 < u < w
        raised = power * y
        return k + 1.0 < n, raised, total - raised / (k + 1.0)

    log = m.log1p(inside)
    power, total = m.loop(step, (1.0 + 0.0 * y, log), 128)
    total = total + y * low * (1.0 - power)

    def factorial(k: Any, product: Any, by_sum: Any, by_x: Any) -> Any:
        return k + 1.0 < n, product * -(k + 1.0), by_sum * (1.0 + inside), by_x * inside

    one = 1.0 + 0.0 * y
    product, by_sum, by_x = m.loop(factorial, (one, one, one), 128)
    by_fraction = (product / fraction) * (1.0 - low * fraction) / by_sum
    # Divided twice, as the next power of a large x would overflow.
    value = m.where(near, by_fraction / (1.0 + inside), product * total / by_x / inside)
    plain = m.where(m.abs(x) < 1e-300, 1.0, log / m.where(m.abs(x) < 1e-300, 1.0, inside))
    result = m.where(n < 1.0, m.where(x < INF, plain, 0.0), m.where(x < INF, value, 0.0))
    return m.where(is_order(m, n) & (x >= -1.0), result, NAN)


def _oracle(
    first: Callable[..., Any],
    forcing: Callable[..., Any],
    at_zero: Callable[..., Any],
    at_infinity: tuple[float, float],
    power: int = 1,
) -> Callable[..., Any]:
    """f_n from f_0 by the recurrence of x f or x^2 f, in as many digits as it may cancel."""

    def oracle(mp: Any, n: Any, x: Any) -> Any:
        if not mp.isint(n) or n < 0 or mp.isnan(x):
            return mp.nan
        if mp.isinf(x):
            return mp.mpf(at_infinity[0] if x < 0 else at_infinity[1])
        if x == 0:
            return at_zero(mp, int(n))
        with mp.extradps(30 + power * int(n + 2) * (3 + max(0, -mp.mag(x)))):
            before, value = mp.mpf(0), first(mp, x)
            for k in range(1, int(n) + 1):
                if power == 1:
                    value = (forcing(mp, k, x) - k * value) / x
                else:
                    following = forcing(mp, k, x) - 2 * k * x * value - k * (k - 1) * before
                    before, value = value, following / x**2
            return value

    return oracle


def _quarter(mp: Any, k: int, x: Any) -> Any:
    """The k-th derivative of sin."""
    return (mp.sin(x), mp.cos(x), -mp.sin(x), -mp.cos(x))[k % 4]


def _half(mp: Any, k: int, x: Any) -> Any:
    """The k-th derivative of sinh."""
    return (mp.sinh(x), mp.cosh(x))[k % 2]


def _family(
    name: str, definition: Callable[..., Any], oracle: Callable[..., Any], source: str, low: float
) -> Primitive:
    return define(
        name,
        no_closed_form("the order of a derivative"),
        lambda y, n, x: call(name, n + 1, x),
        domain=((1, 1), (low, 9)),
        kind="routine",
        definition=definition,
        oracle=oracle,
        whole=(0,),
        cost=600,
        ulp=8.0,
        names=Names(),
        source=source,
    )


SIGNS = (1, 0, -1, 0)
INFINITE = float("inf")

sinc_derivative = _family(
    "sinc_derivative",
    _sinc_derivative,
    _oracle(
        lambda mp, x: mp.sin(x) / x,
        _quarter,
        lambda mp, n: mp.mpf(SIGNS[n % 4]) / (n + 1),
        (0.0, 0.0),
    ),
    "NIST DLMF 13.4.1",
    -9,
)
sinhc_derivative = _family(
    "sinhc_derivative",
    _sinhc_derivative,
    _oracle(
        lambda mp, x: mp.sinh(x) / x,
        _half,
        lambda mp, n: mp.mpf((n + 1) % 2) / (n + 1),
        (INFINITE, INFINITE),
    ),
    "NIST DLMF 4.33.1",
    -9,
)
expm1c_derivative = _family(
    "expm1c_derivative",
    _expm1c_derivative,
    _oracle(
        lambda mp, x: mp.expm1(x) / x,
        lambda mp, k, x: mp.exp(x),
        lambda mp, n: mp.mpf(1) / (n + 1),
        (0.0, INFINITE),
    ),
    "NIST DLMF 13.4.1, 13.2.39",
    -9,
)
cosc_derivative = _family(
    "cosc_derivative",
    _cosc_derivative,
    _oracle(
        lambda mp, x: 2 * (mp.sin(x / 2) / x) ** 2,
        lambda mp, k, x: -_quarter(mp, k + 1, x),
        lambda mp, n: mp.mpf(SIGNS[n % 4]) / ((n + 1) * (n + 2)),
        (0.0, 0.0),
        2,
    ),
    "NIST DLMF 13.4.1",
    -9,
)
coshc_derivative = _family(
    "coshc_derivative",
    _coshc_derivative,
    _oracle(
        lambda mp, x: 2 * (mp.sinh(x / 2) / x) ** 2,
        lambda mp, k, x: _half(mp, k + 1, x),
        lambda mp, n: mp.mpf((n + 1) % 2) / ((n + 1) * (n + 2)),
        (INFINITE, INFINITE),
        2,
    ),
    "NIST DLMF 4.33.2",
    -9,
)
log1pc_derivative = _family(
    "log1pc_derivative",
    _log1pc_derivative,
    _oracle(
        lambda mp, x: mp.log1p(x) / x,
        lambda mp, k, x: (-1) ** (k - 1) * mp.factorial(k - 1) / (1 + x) ** k,
        lambda mp, n: (-1) ** n * mp.factorial(n) / (n + 1),
        (float("nan"), 0.0),
    ),
    "NIST DLMF 15.7.5, 15.6.1",
    -0.8,
)

ROWS = (
    *(sinc_derivative, sinhc_derivative, expm1c_derivative),
    *(cosc_derivative, coshc_derivative, log1pc_derivative),
)
