"""Rows of the first two derivatives of the beta density x^(a-1) (1-x)^(b-1)/B(a, b) by x.

They are the derivatives of the incomplete beta function by x from the second on. As differences of
densities they would cancel next to their zeros, the mode and the inflections; here the density
stands once, times what shows these zeros, computed in pairs of doubles.
"""

from __future__ import annotations

from typing import Any

from symgrad.functions.elementary import call, select
from symgrad.functions.special.double import (
    INF,
    NAN,
    Pair,
    add_pairs,
    fast_two_sum,
    multiply_pairs,
    negative,
    scale_pair,
    two_sum,
)
from symgrad.functions.special.incomplete.beta import density_parts, log_rate, log_rate_of_other
from symgrad.ir.expression import Expr
from symgrad.ir.primitive import Names, define


def _parts(m: Any, a: Any, b: Any, x: Any) -> tuple[Pair, Pair, Pair, Pair]:
    """1 - x, a - 1, b - 1 and (a - 1) (1 - x) - (b - 1) x, all as pairs."""
    y = fast_two_sum(1.0, -x)
    p, q = two_sum(a, -1.0), two_sum(b, -1.0)
    return y, p, q, add_pairs(multiply_pairs(m, p, y), negative(scale_pair(m, q, x)))


def _density_slope(m: Any, a: Any, b: Any, x: Any) -> Any:
    """d/dx of x^(a-1) (1-x)^(b-1)/B(a, b). Within 10 ulp for a, b > 0, next to its zero too."""
    inside, empty, density, back = density_parts(m, a, b, x)
    x_ = m.where(inside, x, 0.5)
    (y, _), _, _, (turn, rest) = _parts(m, a, b, x_)
    value = density * ((turn + rest) / (x_ * y)) * back
    near, far, side = _end(m, a, b, x)
    end = m.where(near > 2.0, 0.0, m.where(m.eq(near, 2.0), far * (far + 1.0), INF))
    end = m.where(m.eq(near, 1.0), -far * (far - 1.0), m.where(near < 1.0, -INF, end))
    return m.where(inside, value, side * _known(m, a, b, x, m.where(empty, 0.0, end)))


def _density_curvature(m: Any, a: Any, b: Any, x: Any) -> Any:
    """The second derivative of the beta density by x. Within 10 ulp for a, b > 0."""
    inside, empty, density, back = density_parts(m, a, b, x)
    x_ = m.where(inside, x, 0.5)
    y, p, q, turn = _parts(m, a, b, x_)
    bend = add_pairs(multiply_pairs(m, turn, turn), negative(_squares(m, p, q, x_, y)))
    inverse = 1.0 / (x_ * y[0])
    value = density * ((bend[0] + bend[1]) * inverse) * inverse * back
    near, far, _ = _end(m, a, b, x)
    end = m.where(near > 3.0, 0.0, m.where(m.eq(near, 3.0), far * (far + 1.0) * (far + 2.0), INF))
    end = m.where(m.eq(near, 2.0), -2.0 * (far - 1.0) * far * (far + 1.0), end)
    end = m.where(near < 2.0, m.where(near > 1.0, -INF, INF), end)
    end = m.where(m.eq(near, 1.0), far * (far - 1.0) * (far - 2.0), end)
    return m.where(inside, value, _known(m, a, b, x, m.where(empty, 0.0, end)))


def _squares(m: Any, p: Pair, q: Pair, x: Any, y: Pair) -> Pair:
    """P (1 - x)^2 + q x^2."""
    one = multiply_pairs(m, multiply_pairs(m, p, y), y)
    return add_pairs(one, scale_pair(m, scale_pair(m, q, x), x))


def _end(m: Any, a: Any, b: Any, x: Any) -> tuple[Any, Any, Any]:
    """The exponent of the end, that of the other one, and the sign of the way inwards."""
    zero = m.eq(x, 0.0)
    return m.where(zero, a, b), m.where(zero, b, a), m.where(zero, 1.0, -1.0)


def _known(m: Any, a: Any, b: Any, x: Any, end: Any) -> Any:
    """What stands at an end; nan where x is none or an exponent is below 0."""
    known = (m.eq(x, 0.0) | m.eq(x, 1.0)) & (a >= 0.0) & (b >= 0.0)
    return m.where(known, end, NAN)


def _oracle(mp: Any, a: Any, b: Any, x: Any, order: int) -> Any:
    """By Leibniz's rule; a term whose factors hold a 0 is none."""
    if any(value <= 0 and mp.isint(value) for value in (a, b)):
        return mp.mpf(0)
    total = mp.mpf(0)
    for k in range(order + 1):
        factor = mp.ff(a - 1, order - k) * mp.ff(b - 1, k) * (-1) ** k * mp.binomial(order, k)
        if factor != 0:
            total += factor * x ** (a - 1 - order + k) * (1 - x) ** (b - 1 - k)
    return total / mp.beta(a, b)


# Names for the formulas of partials, with r = (a - 1)/x - (b - 1)/(1 - x).
def _r(a: Any, b: Any, x: Any) -> Any:
    return (a - 1) / x - (b - 1) / (1 - x)


def _d(a: Any, b: Any, x: Any) -> Expr:
    return call("beta_density", a, b, x)


def _over_x(a: Any, b: Any, x: Any) -> Expr:
    """The density over x, which is a multiple of that of a - 1."""
    return select(a < 2, _d(a, b, x) / x, _d(a - 1, b, x) * ((a + b - 1) / (a - 1)))


def _over_rest(a: Any, b: Any, x: Any) -> Expr:
    """The density over 1 - x."""
    return select(b < 2, _d(a, b, x) / (1 - x), _d(a, b - 1, x) * ((a + b - 1) / (b - 1)))


DOMAIN = ((1.3, 7), (1.2, 6), (0.1, 0.9))

# fmt: off
beta_density_slope = define(
    "beta_density_slope",
    lambda y, a, b, x: y * log_rate(a, b, x) + _over_x(a, b, x),
    lambda y, a, b, x: y * log_rate_of_other(a, b, x) - _over_rest(a, b, x),
    lambda y, a, b, x: call("beta_density_curvature", a, b, x),
    domain=DOMAIN, kind="routine", definition=_density_slope, cost=1600, ulp=10.0, names=Names(),
    oracle=lambda mp, a, b, x: _oracle(mp, a, b, x, 1), source="NIST DLMF 8.17.1")
beta_density_curvature = define(
    "beta_density_curvature",
    lambda y, a, b, x: y * log_rate(a, b, x) + _d(a, b, x) * (2 * _r(a, b, x) / x - x**-2),
    lambda y, a, b, x: y * log_rate_of_other(a, b, x)
                       - _d(a, b, x) * (2 * _r(a, b, x) / (1 - x) + (1 - x) ** -2),
    lambda y, a, b, x: (a + b - 1) * (call("beta_density_curvature", a - 1, b, x)
                                      - call("beta_density_curvature", a, b - 1, x)),
    domain=DOMAIN, kind="routine", definition=_density_curvature, cost=1600, ulp=10.0,
    names=Names(), oracle=lambda mp, a, b, x: _oracle(mp, a, b, x, 2), source="NIST DLMF 8.17.1")
# fmt: on

ROWS = (beta_density_slope, beta_density_curvature)
