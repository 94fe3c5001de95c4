"""Rows of the hypergeometric functions 0F1, 1F1 (Kummer's), 2F1 (Gauss's), 1F2, 2F2 and 3F2.

NIST DLMF 13, 15 and 16. Values come from series in pairs of doubles, moved by linear
transformations to where they converge. Derivatives by z raise all parameters by 1 (15.5.1);
derivatives by parameters are rows of their own, with the numbers of derivatives by each parameter
and by z as whole numbers in front: ``hyp2f1_derivative(i, j, k, l, a, b, c, z)``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from symgrad.functions.elementary import call, select
from symgrad.functions.special.double import INF, NAN, divide_pairs, two_sum
from symgrad.functions.special.hypergeometric_derivatives import derivative_row, taking
from symgrad.functions.special.hypergeometric_series import is_pole, series
from symgrad.ir.expression import Expr
from symgrad.ir.primitive import Names, Primitive, define

LEFT = -0.5
"""Below this 2F1 is moved from z to z/(z - 1)."""

NEAR = 0.9
"""Above this 2F1 is moved from z to 1 - z."""


def _rgamma(m: Any, x: Any) -> Any:
    """1/gamma(x), 0 at the poles."""
    pole = is_pole(m, x)
    return m.where(pole, 0.0, 1.0 / m.gamma(m.where(pole, 1.0, x)))


def _hyp0f1(m: Any, b: Any, z: Any) -> Any:
    """0F1(; b; z), all b but 0, -1, ... and all z (NIST DLMF 16.2.1, 10.16.9).

    The series, and below z = -100 Bessel's function gamma(b) (x/2)^(1-b) J_{b-1}(x), x^2 = -4z.
    """
    far = z < -100.0
    whole = series(m, (), (b,), (m.where(far, 0.0, z), 0.0))
    x = 2.0 * m.sqrt(m.where(far, -z, 1.0))
    bessel = m.gamma(b) * m.pow(0.5 * x, 1.0 - b) * m.besselj(b - 1.0, x)
    return m.where(is_pole(m, b) | ~m.eq(z, z), NAN, m.where(far, bessel, whole))


def _hyp1f1(m: Any, a: Any, b: Any, z: Any) -> Any:
    """Kummer's M(a, b, z), all a, z and all b but 0, -1, ... (NIST DLMF 13.2.2).

    The series for z >= 0 and for whole a <= 0; else exp(z) M(b - a, b, -z) (13.2.39). Far out
    13.7.2: exp(z) z^(a-b) gamma(b)/gamma(a) (1 + (1-a)(b-a)/z + ...), with z -> -z, a -> b - a.
    """
    ends = is_pole(m, a)
    left = (z < 0.0) & ~ends
    upper, size = m.where(left, b - a, a), m.where(left, -z, z)
    wide = m.max(m.abs(upper), m.abs(b - upper) + 1.0)
    far = (size > 60.0 + 2.0 * wide * wide) & ~is_pole(m, upper) & ~ends
    whole = series(m, (upper,), (b,), (m.where(far, 0.0, size), 0.0))
    other, above = 1.0 - upper, b - upper
    inverse = 1.0 / m.where(far, size, 1e3)

    def step(k: Any, term: Any, total: Any) -> tuple[Any, ...]:
        term = term * ((other + k) * (above + k) * inverse / (k + 1.0))
        return m.abs(term) > 1e-17, term, total + term

    tail = m.loop(step, (m.where(far, 1.0, 0.0), 1.0), 60)[1]
    # In two halves, as exp(z) may overflow where the value does not.
    half = m.exp(0.5 * m.where(far, size, 0.0))
    grown = m.pow(m.where(far, size, 1.0), -above)
    factor = m.gamma(b) * _rgamma(m, upper) * grown * tail
    beyond = m.where(left, factor, factor * half * half)
    value = m.where(far, beyond, m.where(left, m.exp(m.where(left, z, 0.0)) * whole, whole))
    return m.where(_bad(m, b, (a,)) | ~m.eq(z, z), NAN, value)


def _bad(m: Any, b: Any, upper: Sequence[Any]) -> Any:
    """The condition that 1/(b)_n has a pole before any (a)_n is 0, or that one of them is nan."""
    ended = m.eq(b, b) & ~m.eq(b, b)
    known = m.eq(b, b)
    for a in upper:
        ended = ended | (is_pole(m, a) & (a >= b))
        known = known & m.eq(a, a)
    return (is_pole(m, b) & ~ended) | ~known


def _hyp2f1(m: Any, a: Any, b: Any, c: Any, z: Any) -> Any:
    """Gauss's F(a, b; c; z) for z <= 1, beyond 1 where a or b is 0, -1, ... (NIST DLMF 15.2.1).

    The series up to 0.9; z/(z - 1) below -1/2 (15.8.1), 1 - z above 0.9 (15.8.4), and where
    c - a - b is whole there, 15.8.10. Digits are lost near 1 where c - a - b is nearly whole.
    """
    swapped = is_pole(m, b) & ~(is_pole(m, a) & (a > b))
    swapped = swapped | ((z < LEFT) & is_pole(m, c - a) & ~is_pole(m, a))
    a, b = m.where(swapped, b, a), m.where(swapped, a, b)
    ends = is_pole(m, a)
    left = (z < LEFT) & ~ends
    second = m.where(left, c - b, b)
    excess = m.where(left, b - a, (c - a) - b)  # c - a - second, rounded once
    turned = (z > 0.5) & ~ends & (is_pole(m, c - a) | is_pole(m, c - b))
    p, q = m.where(turned, c - a, a), m.where(turned, c - b, second)
    excess = m.where(turned, -excess, excess)
    outside = (z >= 1.0) & ~ends
    inner = m.where(outside | (m.abs(z) >= INF), 0.5, z)
    one_less, low = two_sum(1.0, -inner)
    w, w_low = divide_pairs(
        m,
        (-m.where(left, inner, 0.0), 0.0),
        (m.where(left, one_less, 1.0), m.where(left, low, 0.0)),
    )
    w, w_low = m.where(left, w, inner), m.where(left, w_low, 0.0)
    rest = m.where(left, 1.0 / one_less, one_less)
    finite = ends | turned | is_pole(m, q)
    near = (w > NEAR) & ~finite & (rest > 0.0)
    nearest = m.rint(excess)
    log_case = near & m.eq(excess, nearest)
    apart = near & ~log_case
    plain = series(m, (p, q), (c,), (m.where(near, 0.0, w), m.where(near, 0.0, w_low)))
    value = m.where(apart, _around_1(m, p, q, c, excess, m.where(apart, rest, 0.01), apart), plain)
    value = m.where(log_case, _logarithmic(m, p, q, c, excess, rest, log_case), value)
    power = m.where(left, -a, m.where(turned, -excess, 0.0))
    moved = left | turned
    value = m.where(
        moved, m.pow(m.where(moved & (one_less > 0.0), one_less, 1.0), power) * value, value
    )
    at_1 = m.gamma(c) * _rgamma(m, c - a) * (m.gamma(m.max(c - a - b, 1e-300)) * _rgamma(m, c - b))
    at_1 = m.where(m.eq(z, 1.0) & (c - a - b > 0.0), at_1, NAN)
    value = m.where(outside, at_1, value)
    return m.where(_bad(m, c, (a, b)) | ~m.eq(z, z), NAN, value)


def _around_1(m: Any, a: Any, b: Any, c: Any, d: Any, u: Any, here: Any) -> Any:
    """F(a, b; c; 1 - u), d = c - a - b no whole number (NIST DLMF 15.8.4)."""
    a, b, c, d = (m.where(here, v, s) for v, s in ((a, 0.3), (b, 0.4), (c, 1.0), (d, 0.3)))
    one = series(m, (a, b), (1.0 - d,), (u, 0.0))
    two = series(m, (c - a, c - b), (1.0 + d,), (u, 0.0))
    first = m.gamma(c) * _rgamma(m, c - a) * (m.gamma(d) * _rgamma(m, c - b))
    other = m.gamma(c) * _rgamma(m, a) * (m.gamma(-d) * _rgamma(m, b))
    return first * one + other * m.pow(u, d) * two


def _logarithmic(m: Any, a: Any, b: Any, c: Any, d: Any, u: Any, here: Any) -> Any:
    """F(a, b; c; 1 - u), d = c - a - b whole (NIST DLMF 15.8.10; 15.8.1 where d < 0)."""
    a, b, c, d = (m.where(here, v, s) for v, s in ((a, 0.3), (b, 0.7), (c, 1.0), (d, 0.0)))
    u = m.where(here, u, 0.01)
    below = d < 0.0
    a, b = m.where(below, c - a, a), m.where(below, c - b, b)
    n = m.abs(d)
    a_n, b_n = a + n, b + n

    def finite(k: Any, term: Any, total: Any) -> tuple[Any, ...]:
        inside = k < n
        total = total + m.where(inside, term, 0.0)
        left = m.where(n - k - 1.0 > 0.5, n - k - 1.0, 1.0)
        term = term * ((a + k) * (b + k) / ((k + 1.0) * left) * -u)
        return k + 1.0 < n, term, total

    first = m.loop(finite, (m.gamma(m.max(n, 1.0)), 0.0), 200)[1]
    log = m.log(u) + m.digamma(a_n) + m.digamma(b_n) - m.digamma(n + 1.0) - m.digamma(1.0)

    def endless(k: Any, term: Any, log: Any, total: Any) -> tuple[Any, ...]:
        added = term * log
        total = total + added
        log = log + (1.0 / (a_n + k) - 1.0 / (k + 1.0)) + (1.0 / (b_n + k) - 1.0 / (n + k + 1.0))
        term = term * ((a_n + k) * (b_n + k) / ((k + 1.0) * (n + k + 1.0)) * u)
        return (m.abs(added) > 1e-18 * m.abs(total)) | (k < 4.0), term, log, total

    second = m.loop(endless, (1.0 / m.gamma(n + 1.0), log, 0.0), 2000)[2]
    sign = m.where(m.eq(0.5 * n, m.floor(0.5 * n)), 1.0, -1.0)
    value = first * _rgamma(m, a_n) * _rgamma(m, b_n)
    value = value - sign * m.pow(u, n) * second * _rgamma(m, a) * _rgamma(m, b)
    return m.gamma(c) * value * m.pow(u, m.where(below, d, 0.0))


def _plain(upper: int) -> Callable[..., Any]:
    """The definition of a function that its series alone gives: |z| < 1 where p = q + 1."""

    def defined(m: Any, *arguments: Any) -> Any:
        *parameters, z = arguments
        above, below = parameters[:upper], parameters[upper:]
        bad = ~m.eq(z, z)
        for b in below:
            bad = bad | _bad(m, b, above)
        if len(above) > len(below):
            bad = bad | (m.abs(z) >= 1.0)
        return m.where(bad, NAN, series(m, above, below, (m.where(bad, 0.0, z), 0.0)))

    return defined


def _by_z(name: str, upper: int) -> Callable[..., Expr]:
    """The derivative by z: all parameters one higher (NIST DLMF 16.3.1)."""

    def partial(*arguments: Any) -> Expr:
        *parameters, z = arguments[1:]
        made = call(name, *[value + 1 for value in parameters], z)
        for value in parameters[:upper]:
            made = made * value
        for value in parameters[upper:]:
            made = made / value
        return made

    return partial


def _by_parameter(name: str, count: int, index: int) -> Callable[..., Expr]:
    """The derivative by a parameter where the series is used as it stands."""

    def partial(*arguments: Any) -> Expr:
        orders = [int(i == index) for i in range(count)]
        return call(f"{name}_derivative", *orders, 0, *arguments[1:])

    return partial


def _kummer(index: int) -> Callable[..., Expr]:
    """The derivative of M by a or b: that of exp(z) M(b - a, b, -z) where z < 0."""

    def partial(y: Any, a: Any, b: Any, z: Any) -> Expr:
        def moved(i: int, j: int) -> Expr:
            return call("hyp1f1_derivative", i, j, 0, b - a, b, select(z < 0, -z, 0))

        left = -moved(1, 0) if index == 0 else moved(1, 0) + moved(0, 1)
        right = call("hyp1f1_derivative", 1 - index, index, 0, a, b, select(z < 0, 0, z))
        return select(z < 0, call("exp", z) * left, right)

    return partial


def _gauss(index: int) -> Callable[..., Expr]:
    """The derivative of F by a, b, c: of (1-z)^-a F(a, c - b; c; z/(z - 1)) where z < -1/2."""

    def partial(y: Any, a: Any, b: Any, c: Any, z: Any) -> Expr:
        below = select(z < LEFT, z, 0)

        def moved(*orders: int) -> Expr:
            return call("hyp2f1_derivative", *orders, 0, a, c - b, c, below / (below - 1))

        by = (moved(1, 0, 0), -moved(0, 1, 0), moved(0, 1, 0) + moved(0, 0, 1))[index]
        left = (1 - below) ** -a * by
        if index == 0:
            left = left - call("log1p", -below) * y
        orders = [int(i == index) for i in range(3)]
        right = call("hyp2f1_derivative", *orders, 0, a, b, c, select(z < LEFT, 0, z))
        return select(z < LEFT, left, right)

    return partial


def _rows(
    shape: tuple[int, int],
    domain: tuple[tuple[float, float], ...],
    definition: Callable[..., Any],
    by: Sequence[Callable[..., Expr]],
    oracle: Callable[..., Any],
    cost: int,
) -> tuple[Primitive, Primitive]:
    """A function and the row of its derivatives."""
    upper, lower = shape
    name, count = f"hyp{upper}f{lower}", upper + lower
    partials = [taking(count + 2, partial) for partial in (*by, _by_z(name, upper))]
    made = define(
        name, *partials, domain=domain, kind="routine", definition=taking(count + 2, definition),
        oracle=oracle, cost=cost, ulp=16.0, names=Names(), source="NIST DLMF 16.2.1, 16.3.1",
    )  # fmt: skip
    return made, derivative_row(name, upper, domain)


def _simple(shape: tuple[int, int], *domain: tuple[float, float]) -> tuple[Primitive, Primitive]:
    """A function that its series alone gives."""
    upper, lower = shape
    name, count = f"hyp{upper}f{lower}", upper + lower
    by = [_by_parameter(name, count, index) for index in range(count)]

    def oracle(mp: Any, *arguments: Any) -> Any:
        *parameters, z = arguments
        return mp.hyper(parameters[:upper], parameters[upper:], z)

    return _rows(shape, domain, _plain(upper), by, oracle, 1500)


# fmt: off
ROWS = (
    *_rows((0, 1), ((0.4, 4), (-6, 6)), _hyp0f1, [_by_parameter("hyp0f1", 1, 0)],
           lambda mp, b, z: mp.hyp0f1(b, z), 1500),
    *_rows((1, 1), ((0.3, 4), (0.4, 5), (-6, 6)), _hyp1f1, [_kummer(0), _kummer(1)],
           lambda mp, a, b, z: mp.hyp1f1(a, b, z), 1500),
    *_rows((2, 1), ((0.3, 3), (0.2, 2), (0.4, 4), (-0.9, 0.8)), _hyp2f1,
           [_gauss(0), _gauss(1), _gauss(2)], lambda mp, a, b, c, z: mp.hyp2f1(a, b, c, z), 4000),
    *_simple((1, 2), (0.3, 3), (0.4, 3), (0.6, 4), (-6, 6)),
    *_simple((2, 2), (0.3, 3), (0.2, 2), (0.4, 3), (0.6, 4), (-4, 4)),
    *_simple((3, 2), (0.3, 3), (0.2, 2), (0.5, 3), (0.4, 3), (0.6, 4), (-0.4, 0.4)),
)
# fmt: on
