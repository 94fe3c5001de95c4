"""Rows of the derivatives of beta, rising factorials and binomials, to the second or third.

Products of the function and of differences of digamma. Written out by the product rule the second
ones cancel, where the arguments are small or the last step of a product is; so each has a row, and
what cancels there has a routine that adds terms of one sign. Rising factorials and binomial
coefficients enter as squares of their roots, so that a derivative is finite wherever its value is,
even where the function itself is beyond the numbers of the format.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symgrad.functions.elementary import call, select
from symgrad.functions.special.double import (
    NAN,
    ONE,
    add_pairs,
    add_to_pair,
    divide_pairs,
    multiply_pairs,
    negative,
    scale_pair,
    select_pair,
    short_polynomial,
    two_sum,
)
from symgrad.functions.special.gamma import beta_moments
from symgrad.functions.special.gamma.differences import DIGAMMA
from symgrad.functions.special.gamma.pairs import LARGEST, psi_pairs
from symgrad.ir.expression import HALF, Expr
from symgrad.ir.primitive import Names, Primitive, define

SHIFT = 10
"""So many terms of a sum are added one by one."""

ROOT = 1.4616321449683622
SLOPE_AT_ROOT = 0.9676722454476212
"""The positive zero of digamma, and trigamma there."""

Rate = Callable[[Any, Any], Expr]
Changes = tuple[Rate, Rate]
"""The partials of a factor by either argument."""

ATANH = [2.0 / (2 * k + 1) for k in range(1, 18)]


# What cancels.
def _log_rest(m: Any, r: Any) -> Any:
    """(log(1 + r) - r/(1 + r))/r^2 for r > 0.

    With f = r/(2 + r), r = 2 f/(1 - f), it is (1 - f)^2/4 times 2/(1 + f) + 2 f/3 + 2 f^3/5 + ...
    (NIST DLMF 4.6.4): no terms cancel.
    """
    small = m.min(r, 1.0)
    f = small / (2.0 + small)
    series = m.fma(f, short_polynomial(m, f * f, ATANH), 2.0 / (1.0 + f))
    near = 0.25 * (1.0 - f) * (1.0 - f) * series
    big = m.max(r, 1.0)
    return m.where(r < 1.0, near, (m.log1p(big) - big / (1.0 + big)) / big / big)


def _tail(m: Any, a: Any, b: Any) -> Any:
    """The sum of 1/((a + k) (a + b + k)^2) over k >= 0, for a >= 10 and b > 0.

    b^2 times it is digamma(a + b) - digamma(a) - b trigamma(a + b): the series 5.11.2 and 5.15.8
    of NIST DLMF, of whose terms b^2 is taken out one by one.
    """
    u, v = 1.0 / a, 1.0 / (a + b)
    total: Any = 0.5
    # With p_n = (u^n - v^n)/(u - v), q_n is the sum of p_i v^(n-i).
    p, q, power = 1.0, 1.0, u
    for coefficient in DIGAMMA:
        p, power = m.fma(p, v, power), power * u
        q = m.fma(q, v, p)
        total = m.fma(q, coefficient, total)
        p, power = m.fma(p, v, power), power * u
        q = m.fma(q, v, p)
    return m.fma(u * v, v * total, _log_rest(m, b * u) * u * u)


def _cross_sum(m: Any, a: Any, b: Any) -> Any:
    """The sum of (1/(a + k) + 1/(b + k))/(a + b + k)^2 over k >= 1."""
    whole = a + b
    total = _tail(m, a + float(SHIFT), b) + _tail(m, b + float(SHIFT), a)
    for k in range(SHIFT - 1, 0, -1):
        end = 1.0 / (whole + float(k))
        one, other = a + float(k), b + float(k)
        total = m.fma((one + other) / (one * other), end * end, total)
    return total


def _digamma_cross(m: Any, a: Any, b: Any) -> Any:
    """(psi(s) - psi(a)) (psi(s) - psi(b)) - psi'(s), s = a + b: log beta's part in beta's d2/da db.

    With the first terms of the sums NIST DLMF 5.7.6 and 5.15.1 taken out, for a, b > 0 it is
    (psi(s + 1) - psi(a + 1)) (psi(s + 1) - psi(b + 1)) + a b/s times the sum over k >= 1 of
    (1/(a + k) + 1/(b + k))/(s + k)^2: all terms are positive. Within 8 ulp there.
    """
    proper = (a > 0.0) & (b > 0.0) & (a < 1e150) & (b < 1e150)
    a_, b_ = m.where(proper, a, 1.0), m.where(proper, b, 1.0)
    moved = m.where(proper, 1.0, 0.0)
    product = m.digamma_difference(m.where(proper, a_ + 1.0, a), b) * m.digamma_difference(
        m.where(proper, b_ + 1.0, b), a
    )
    least, most = m.min(a_, b_), m.max(a_, b_)
    added = least * (most / (a_ + b_)) * _cross_sum(m, a_, b_)
    return product + m.where(m.eq(moved, 1.0), added, -m.trigamma(a + b))


def _rising_curvature(m: Any, x: Any, k: Any) -> Any:
    """d^2 + d' with d = psi(x + k) - psi(x), by x: the second derivative of rising factorials.

    With t_j = 1/(x + j) - 1/(x + k + j) and e_j = psi(x + j + 1) - psi(x + k + j) it is the sum of
    -2 t_j e_j over j >= 0 (NIST DLMF 5.7.6 and 5.15.1, d^2 as the sum of the differences of
    (d - t_0 - ... - t_j)^2): all terms have one sign, and the zeros k = 0 and 1 are factors. Ten
    terms where x is below 100; the others by d and d' themselves, from which the first terms are
    taken out, of psi(x) alone (k > 1/2) or of both. Within 8 ulp for x > 0 and x + k > 0.
    """
    small = x < 100.0
    w = x + m.where(small, float(SHIFT), 0.0)
    far = k > 0.5
    step = m.where(far, k - 1.0, k)
    d, slope = m.digamma_difference(w + 1.0, step), m.trigamma_difference(w + 1.0, step)
    end = w + k
    first = m.where(far, 1.0 / w, k / end / w)
    last = m.where(far, 0.0, 1.0 / end)
    rise = d - last
    # d (d + 2 first) has one sign less to cancel than d^2 and 2 first d.
    tail = m.fma(d, m.fma(2.0, first, d), m.fma(-2.0 * first, last, slope))
    near = m.where(small, x, 1.0)
    total: Any = 0.0
    for j in range(SHIFT - 1, -1, -1):
        below = near + float(j)
        inverse = 1.0 / (below + k)
        rise = rise - (1.0 - k) / (below + 1.0) * inverse
        total = m.fma(k / below * inverse, rise, total)
    return m.where(small, m.fma(2.0, total, tail), tail)


def _psi_of_sum(m: Any, high: Any, low: Any) -> Any:
    """psi(high + low): away from the zero three terms of NIST DLMF 5.15.8 are trigamma enough."""
    inverse = 1.0 / high
    slope = inverse * m.fma(inverse, m.fma(inverse, 1.0 / 6.0, 0.5), 1.0)
    slope = m.where(m.abs(high - ROOT) < 0.1, SLOPE_AT_ROOT, slope)
    return m.digamma(high) + m.where((high > 0.5) & (high < 4.0), slope * low, 0.0)


def _rising_cross(m: Any, x: Any, k: Any) -> Any:
    """D psi(x + k) + psi'(x + k) with d = psi(x + k) - psi(x): by x and by k.

    In pairs of doubles, with the first terms of NIST DLMF 5.7.6 and 5.15.1 taken out: of their
    squares (x - k)/(x (x + k)^2) is left. Within 4 ulp for x, x + k from 0 to 500, else nan.
    """
    end = two_sum(x, k)
    proper = (x > 0.0) & (x < LARGEST) & (end[0] > 0.0) & (end[0] < LARGEST)
    end = select_pair(m, proper, end, (2.0, 0.0))
    start, step = m.where(proper, x, 1.0), m.where(proper, k, 1.0)
    psi, slope = psi_pairs(m, add_to_pair(end, 1.0))
    rise = add_pairs(psi, negative(psi_pairs(m, two_sum(start, 1.0))[0]))
    inverse = divide_pairs(m, ONE, end)
    by_x = divide_pairs(m, inverse, (start, 0.0))
    first = add_pairs(scale_pair(m, psi, step), scale_pair(m, inverse, start))
    first = add_pairs(first, scale_pair(m, inverse, -step))
    first = add_pairs(multiply_pairs(m, first, by_x), negative(multiply_pairs(m, rise, inverse)))
    rest = add_pairs(multiply_pairs(m, rise, psi), slope)
    high, low = add_pairs(rest, first)
    return m.where(proper, high + low, NAN)


def _binomial_curvature(m: Any, n: Any, k: Any) -> Any:
    """(psi(n - k + 1) - psi(k + 1))^2 - psi'(n - k + 1) - psi'(k + 1): by k twice.

    In pairs of doubles: it has zeros, on either side of k = n/2. Within 6 ulp where both arguments
    are from 0 to 500, else nan.
    """
    one, other = two_sum(k, 1.0), add_to_pair(two_sum(n, -k), 1.0)
    proper = (one[0] > 0.0) & (one[0] < LARGEST) & (other[0] > 0.0) & (other[0] < LARGEST)
    one, other = select_pair(m, proper, one, ONE), select_pair(m, proper, other, (2.0, 0.0))
    (psi, slope), (other_psi, other_slope) = psi_pairs(m, one), psi_pairs(m, other)
    step = add_pairs(other_psi, negative(psi))
    slopes = add_pairs(slope, other_slope)
    high, low = add_pairs(multiply_pairs(m, step, step), negative(slopes))
    return m.where(proper, high + low, NAN)


def _digamma_of_sum(m: Any, x: Any, k: Any) -> Any:
    """psi(x + k), of the sum before it is rounded. Within 6 ulp, next to its zero too."""
    return _psi_of_sum(m, *two_sum(x, k))


def _cross_oracle(mp: Any, a: Any, b: Any) -> Any:
    with mp.extradps(20 + 2 * max(0, -int(mp.mag(a)), -int(mp.mag(b)))):
        whole = mp.psi(0, a + b)
        return (whole - mp.psi(0, a)) * (whole - mp.psi(0, b)) - mp.psi(1, a + b)


def _rising_cross_oracle(mp: Any, x: Any, k: Any) -> Any:
    whole = mp.psi(0, x + k)
    return (whole - mp.psi(0, x)) * whole + mp.psi(1, x + k)


def _binomial_oracle(mp: Any, n: Any, k: Any) -> Any:
    step = mp.psi(0, n - k + 1) - mp.psi(0, k + 1)
    return step * step - mp.psi(1, n - k + 1) - mp.psi(1, k + 1)


def _curvature_oracle(mp: Any, x: Any, k: Any) -> Any:
    with mp.extradps(20 + 2 * max(0, -int(mp.mag(x)), -int(mp.mag(k)))):
        step = mp.psi(0, x + k) - mp.psi(0, x)
        return step * step + mp.psi(1, x + k) - mp.psi(1, x)


# Names for the formulas of partials.
def _psi(order: int, x: Any) -> Expr:
    return call("trigamma", x) if order == 1 else call("polygamma", order, x)


def _d(a: Any, b: Any) -> Expr:
    return call("digamma_difference", a, b)


def _d1(a: Any, b: Any) -> Expr:
    return call("trigamma_difference", a, b)


def _d2(a: Any, b: Any) -> Expr:
    return call("polygamma_difference", 2, a, b)


def _third(a: Any, b: Any) -> Expr:
    """Beta's third derivative by a over beta, its terms of one sign."""
    return 3 * _d(a, b) * _d1(a, b) - _d(a, b) ** 3 - _d2(a, b)


def _third_by_a(a: Any, b: Any) -> Expr:
    squares = 3 * _d1(a, b) * (_d1(a, b) - _d(a, b) ** 2)
    return squares + 3 * _d(a, b) * _d2(a, b) - call("polygamma_difference", 3, a, b)


def _third_by_b(a: Any, b: Any) -> Expr:
    whole, d = a + b, _d(a, b)
    return 3 * ((_d1(a, b) - d**2) * _psi(1, whole) + d * _psi(2, whole)) - _psi(3, whole)


def _of(x: Any, k: Any) -> Expr:
    return call("digamma_of_sum", x, k)


def _rest(n: Any, k: Any) -> Expr:
    """The difference n - k + 1, rounded once where k is small."""
    return call("fma", -1, k - 1, n)


def _by_n(n: Any, k: Any) -> Expr:
    return _d(_rest(n, k), k)


def _by_k(n: Any, k: Any) -> Expr:
    return _d(k + 1, n - 2 * k)


def _both(n: Any, k: Any) -> Expr:
    return _psi(1, _rest(n, k)) + _psi(1, k + 1)


def _inside(*ends: Expr) -> Expr:
    """The condition that all are from 0 to where ``psi_pairs`` ends."""
    conditions = [(end > 0) & (end < LARGEST) for end in ends]
    return conditions[0] & conditions[1]


def _rising_by_both(x: Any, k: Any) -> Expr:
    plain = _d(x, k) * _of(x, k) + _psi(1, x + k)
    return select(_inside(x, x + k), call("rising_cross", x, k), plain)


def _binomial_by_k_twice(n: Any, k: Any) -> Expr:
    plain = _by_k(n, k) ** 2 - _both(n, k)
    return select(_inside(k + 1, _rest(n, k)), call("binomial_curvature", n, k), plain)


# fmt: off
RATES: dict[str, tuple[str, Callable[[Expr, Expr], Expr]]] = {
    "beta_a": ("beta", lambda a, b: -_d(a, b)),
    "beta_b": ("beta", lambda a, b: -_d(b, a)),
    "beta_aa": ("beta", lambda a, b: _d(a, b) ** 2 - _d1(a, b)),
    "beta_ab": ("beta", lambda a, b: call("digamma_cross", a, b)),
    "beta_bb": ("beta", lambda a, b: _d(b, a) ** 2 - _d1(b, a)),
    "beta_aaa": ("beta", _third),
    "beta_bbb": ("beta", lambda a, b: _third(b, a)),
    "rising_x": ("rising_factorial", _d),
    "rising_k": ("rising_factorial", _of),
    "rising_xx": ("rising_factorial", lambda x, k: call("rising_curvature", x, k)),
    "rising_xk": ("rising_factorial", _rising_by_both),
    "rising_kk": ("rising_factorial", lambda x, k: _of(x, k) ** 2 + _psi(1, x + k)),
    "binomial_n": ("binomial", _by_n),
    "binomial_k": ("binomial", _by_k),
    "binomial_nn": ("binomial", lambda n, k: call("rising_curvature", _rest(n, k), k)),
    "binomial_nk": ("binomial", lambda n, k: _by_n(n, k) * _by_k(n, k) + _psi(1, _rest(n, k))),
    "binomial_kk": ("binomial", _binomial_by_k_twice),
}
"""The rows of derivatives: a function, and what it is to be multiplied by."""

OWN: dict[str, tuple[int, Rate, Rate]] = {
    "beta": (-1, _d, lambda a, b: _d(b, a)),
    "rising_factorial": (1, _d, _of),
    "binomial": (1, _by_n, _by_k),
}
"""A sign, and what times that a function is multiplied by in its first derivatives."""

SECOND = {
    "beta_a": ("beta_aa", "beta_ab"),
    "beta_b": ("beta_ab", "beta_bb"),
    "rising_x": ("rising_xx", "rising_xk"),
    "rising_k": ("rising_xk", "rising_kk"),
    "binomial_n": ("binomial_nn", "binomial_nk"),
    "binomial_k": ("binomial_nk", "binomial_kk"),
}
"""The derivatives of first derivatives."""

CROSS = (
    lambda a, b: _d1(a, b) * _d(b, a) + _d(a, b) * _psi(1, a + b) - _psi(2, a + b),
    lambda a, b: _d1(b, a) * _d(a, b) + _d(b, a) * _psi(1, a + b) - _psi(2, a + b),
)
CURVATURE = (
    lambda x, k: 2 * _d(x, k) * _d1(x, k) + _d2(x, k),
    lambda x, k: 2 * _d(x, k) * _psi(1, x + k) + _psi(2, x + k),
)
RISING_CROSS = (
    lambda x, k: _d1(x, k) * _of(x, k) + _d(x, k) * _psi(1, x + k) + _psi(2, x + k),
    lambda x, k: _psi(1, x + k) * (_of(x, k) + _d(x, k)) + _psi(2, x + k),
)
BINOMIAL_CURVATURE = (
    lambda n, k: 2 * _by_k(n, k) * _psi(1, _rest(n, k)) - _psi(2, _rest(n, k)),
    lambda n, k: _psi(2, _rest(n, k)) - _psi(2, k + 1) - 2 * _by_k(n, k) * _both(n, k),
)
"""The partials of ``digamma_cross``, ``rising_curvature`` and so on."""

CHANGES: dict[str, Changes] = {
    "beta_aa": (
        lambda a, b: 2 * _d(a, b) * _d1(a, b) - _d2(a, b),
        lambda a, b: 2 * _d(a, b) * _psi(1, a + b) - _psi(2, a + b)),
    "beta_ab": CROSS,
    "beta_bb": (
        lambda a, b: 2 * _d(b, a) * _psi(1, a + b) - _psi(2, a + b),
        lambda a, b: 2 * _d(b, a) * _d1(b, a) - _d2(b, a)),
    "beta_aaa": (_third_by_a, _third_by_b),
    "beta_bbb": (lambda a, b: _third_by_b(b, a), lambda a, b: _third_by_a(b, a)),
    "rising_xx": CURVATURE,
    "rising_xk": RISING_CROSS,
    "rising_kk": (
        lambda x, k: 2 * _of(x, k) * _psi(1, x + k) + _psi(2, x + k),
        lambda x, k: 2 * _of(x, k) * _psi(1, x + k) + _psi(2, x + k)),
    "binomial_nn": (
        lambda n, k: 2 * _by_n(n, k) * _d1(_rest(n, k), k) + _d2(_rest(n, k), k),
        lambda n, k: 2 * _by_n(n, k) * _psi(1, _rest(n, k)) + _psi(2, _rest(n, k))),
    "binomial_nk": (
        lambda n, k: _d1(_rest(n, k), k) * _by_k(n, k) + _by_n(n, k) * _psi(1, _rest(n, k))
                     + _psi(2, _rest(n, k)),
        lambda n, k: _by_k(n, k) * _psi(1, _rest(n, k)) - _by_n(n, k) * _both(n, k)
                     - _psi(2, _rest(n, k))),
    "binomial_kk": BINOMIAL_CURVATURE,
}
"""The partials of what a function is multiplied by in its higher derivatives."""

THIRD = {("beta_aa", 0): "beta_aaa", ("beta_bb", 1): "beta_bbb"}
"""Rows of third derivatives."""

MOMENTS = {("beta_aa", 1): (2, 1), ("beta_ab", 0): (2, 1), ("beta_aaa", 1): (3, 1),
           ("beta_ab", 1): (1, 2), ("beta_bb", 0): (1, 2), ("beta_bbb", 0): (1, 3)}
"""The orders of mixed derivatives, whose terms cancel where an argument is small."""

ROOTS = {"rising_factorial": "rising_root", "binomial": "binomial_root"}
DOMAINS = {"beta": ((0.3, 9), (0.2, 7)), "rising_factorial": ((0.8, 9), (0.2, 7)),
           "binomial": ((5.2, 9), (0.2, 4.4))}
# fmt: on


def _partial(name: str, index: int) -> Callable[[Expr, Expr, Expr], Expr]:
    """By the first argument (0) or the second (1): a row of its own, or by the product rule."""
    if name in SECOND:
        return lambda y, a, b: call(SECOND[name][index], a, b)
    if (name, index) in THIRD:
        return lambda y, a, b: call(THIRD[name, index], a, b)
    function, _ = RATES[name]
    sign, *rates = OWN[function]

    def partial(y: Expr, a: Expr, b: Expr) -> Expr:
        product = y * rates[index](a, b)
        change = call(function, a, b) * CHANGES[name][index](a, b)
        return product + change if sign > 0 else change - product

    def from_zero(y: Expr, x: Expr, k: Expr) -> Expr:
        # x times gamma(x + k)/gamma(x + 1), of which no derivative has a power of 1/x.
        moved = call(name, x + 1, k - 1)
        return select((x < 1) & (k > HALF), 3 * moved + x * partial(moved, x + 1, k - 1),
                      partial(y, x, k))  # fmt: skip

    def mixed(y: Expr, a: Expr, b: Expr) -> Expr:
        least, most = call("min", a, b), call("max", a, b)
        usable = (least > 0) & (least <= beta_moments.HIGHEST) & (most <= beta_moments.LARGEST)
        moment = call("beta_moment", *MOMENTS[name, index], a, b)
        return select(usable, moment, partial(y, a, b))

    if (name, index) in MOMENTS:
        return mixed
    return from_zero if (name, index) == ("rising_xx", 0) else partial


def _derivative(name: str) -> Primitive:
    function, rate = RATES[name]
    root = ROOTS.get(function)

    def expansion(a: Expr, b: Expr) -> Expr:
        if root is None:
            return call(function, a, b) * rate(a, b)
        value = call(root, a, b)
        # A fused multiply-add keeps the order: the root's square may be beyond the format.
        return abs(value) * call("fma", value, rate(a, b), 0)

    return define(
        name,
        _partial(name, 0),
        _partial(name, 1),
        domain=DOMAINS[function],
        kind="composite",
        expansion=expansion,
        cost=900,
        names=Names(),
        ulp=12.0,  # next to inflections, where a square and trigammas nearly cancel
        source="NIST DLMF 5.2.2, 5.12.1",
    )


def _factor(
    name: str,
    changes: Changes,
    definition: Any,
    oracle: Any,
    *,
    cost: int,
    ulp: float = 8.0,
    domain: tuple[tuple[float, float], ...] = DOMAINS["beta"],
    source: str = "NIST DLMF 5.7.6, 5.15.1",
) -> Primitive:
    first, second = changes
    return define(
        name,
        lambda y, a, b: first(a, b),
        lambda y, a, b: second(a, b),
        domain=domain,
        kind="routine",
        definition=definition,
        oracle=oracle,
        cost=cost,
        ulp=ulp,
        names=Names(),
        source=source,
    )


def _slope_of_sum(x: Any, k: Any) -> Expr:
    return _psi(1, x + k)


# fmt: off
ROWS = (
    _factor("digamma_cross", CROSS, _digamma_cross, _cross_oracle, cost=1400),
    _factor("rising_curvature", CURVATURE, _rising_curvature, _curvature_oracle, cost=800),
    _factor("rising_cross", RISING_CROSS, _rising_cross, _rising_cross_oracle, cost=900,
            ulp=4.0),
    _factor("binomial_curvature", BINOMIAL_CURVATURE, _binomial_curvature, _binomial_oracle,
            cost=900, ulp=6.0, domain=DOMAINS["binomial"]),
    _factor("digamma_of_sum", (_slope_of_sum, _slope_of_sum), _digamma_of_sum,
            lambda mp, x, k: mp.psi(0, x + k), cost=140, ulp=6.0, source="NIST DLMF 5.15.1"),
    *map(_derivative, RATES),
)
# fmt: on
