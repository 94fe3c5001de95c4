"""Rows of the first two derivatives of x^(a-1) exp(-x), plain and divided by gamma(a).

They are the derivatives of the incomplete gamma functions by x from the second on. As differences
of two densities they would cancel next to their zeros, the mode and the inflections; here the
density stands once, times what shows these zeros: a - 1 - x, and (a - 1 - x)^2 - (a - 1).
"""

from __future__ import annotations

from typing import Any

from symgrad.functions.elementary import call, select
from symgrad.functions.special.double import INF, NAN, Pair, two_sum
from symgrad.functions.special.incomplete.gamma import kernel_exponent, lifted_exp
from symgrad.ir.expression import Expr
from symgrad.ir.primitive import Names, define


def _from_mode(m: Any, a: Any, x: Any) -> tuple[Any, Pair]:
    """A - 1, and a - 1 - x as a pair."""
    before, lost = two_sum(a, -1.0)
    high, low = two_sum(before, -x)
    return before, (high, m.where(m.abs(high) < INF, low + lost, 0.0))


def _bend(m: Any, a: Any, x: Any) -> Any:
    """(a - 1 - x)^2 - (a - 1), which is 0 at the inflections."""
    before, (high, low) = _from_mode(m, a, x)
    _, lost = two_sum(a, -1.0)
    return m.fma(high, high, -before) + (2.0 * high * low - lost)


def _kernel_slope(m: Any, a: Any, x: Any) -> Any:
    """d/dx of x^(a-1) exp(-x): x^(a-2) exp(-x) (a - 1 - x). Within 8 ulp, next to its zero too."""
    _, (high, low) = _from_mode(m, a, x)
    at_zero = m.where(a > 2.0, 0.0, m.where(a > 1.0, INF, -INF))
    at_zero = m.where(m.eq(a, 2.0), 1.0, m.where(m.eq(a, 1.0), -1.0, at_zero))
    return _kernel_times(m, a, x, high + low, 2.0, at_zero)


def _kernel_times(m: Any, a: Any, x: Any, factor: Any, step: float, at_zero: Any) -> Any:
    """x^(a-step) exp(-x) times a factor, where the power alone need not be a double."""
    valid = (x > 0.0) & (x < INF) & (m.abs(a) < INF)
    exponent = kernel_exponent(m, m.where(valid, a, 1.0), m.where(valid, x, 1.0), step)
    power, back = lifted_exp(m, exponent)
    end = m.where(m.eq(x, 0.0), at_zero, m.where(m.eq(x, INF), 0.0, NAN))
    end = m.where(m.eq(a, a), end, NAN)
    return m.where(valid, power * factor * back, end)


def _kernel_curvature(m: Any, a: Any, x: Any) -> Any:
    """The second derivative: x^(a-3) exp(-x) ((a - 1 - x)^2 - (a - 1)). Within 8 ulp."""
    at_zero = m.where(a > 3.0, 0.0, m.where((a > 2.0) | (a < 1.0), INF, -INF))
    at_zero = m.where(m.eq(a, 3.0), 2.0, m.where(m.eq(a, 2.0), -2.0, at_zero))
    at_zero = m.where(m.eq(a, 1.0), 1.0, at_zero)
    return _kernel_times(m, a, x, _bend(m, a, x), 3.0, at_zero)


def _is_pole(m: Any, a: Any) -> Any:
    return m.eq(a, m.floor(a)) & (a <= 0.0)


def _density_slope(m: Any, a: Any, x: Any) -> Any:
    """d/dx of x^(a-1) exp(-x)/gamma(a). Within 8 ulp for a > 0, next to its zero too.

    Left of the mode the density of a - 1 serves, which is a double wherever the slope is.
    """
    before, (high, low) = _from_mode(m, a, x)
    left = (x < a) & (a >= 2.0)
    density = m.gamma_density(m.where(left, before, a), x)
    value = density * ((high + low) / m.where(left, before, x))
    at_zero = m.where(m.eq(a, 1.0), -1.0, m.where(_is_pole(m, a), 0.0, -m.gamma_density(a, x)))
    at_zero = m.where(a >= 2.0, value, m.where(a > 1.0, INF, at_zero))
    value = m.where(m.eq(x, 0.0), at_zero, value)
    return m.where(m.eq(x, INF) & (m.abs(a) < INF), 0.0, value)


def _density_curvature(m: Any, a: Any, x: Any) -> Any:
    """The second derivative of x^(a-1) exp(-x)/gamma(a) by x. Within 8 ulp for a > 0."""
    before, _ = two_sum(a, -1.0)
    bend = _bend(m, a, x)
    left = (x < a) & (a >= 3.0)
    density = m.gamma_density(m.where(left, a - 2.0, a), x)
    value = density * m.where(left, bend / before / (a - 2.0), bend / x / x)
    at_zero = m.where(m.eq(a, 1.0), 1.0, m.where(_is_pole(m, a), 0.0, m.gamma_density(a, x)))
    at_zero = m.where(a > 1.0, m.where(m.eq(a, 2.0), -2.0, m.where(a > 2.0, INF, -INF)), at_zero)
    at_zero = m.where(m.eq(a, a), m.where(a >= 3.0, value, at_zero), NAN)
    value = m.where(m.eq(x, 0.0), at_zero, value)
    return m.where(m.eq(x, INF) & (m.abs(a) < INF), 0.0, value)


def _scale(mp: Any, a: Any, *, plain: bool) -> Any:
    return mp.mpf(1) if plain else mp.rgamma(a)


def _slope_oracle(mp: Any, a: Any, x: Any, *, plain: bool) -> Any:
    first = (a - 1) * x ** (a - 2) if a != 1 else 0
    return _scale(mp, a, plain=plain) * mp.exp(-x) * (first - x ** (a - 1))


def _curvature_oracle(mp: Any, a: Any, x: Any, *, plain: bool) -> Any:
    first = (a - 1) * (a - 2) * x ** (a - 3) if a not in (1, 2) else 0
    second = 2 * (a - 1) * x ** (a - 2) if a != 1 else 0
    return _scale(mp, a, plain=plain) * mp.exp(-x) * (first - second + x ** (a - 1))


def _rate(a: Any, x: Any) -> Expr:
    return call("log_minus_digamma", x, a)


def _kernel(a: Any, x: Any) -> Expr:
    return call("gamma_kernel", a, x)


def _over_x(a: Any, x: Any) -> Expr:
    """The density over x, which is a multiple of that of a - 1."""
    before = call("gamma_density", a - 1, x) / (a - 1)
    return select(a < 2, call("gamma_density", a, x) / x, before)


def _over_square(a: Any, x: Any) -> Expr:
    """The density over x^2."""
    before = call("gamma_density", a - 2, x) / ((a - 1) * (a - 2))
    return select(a < 3, call("gamma_density", a, x) / x**2, before)


DOMAIN = ((1.3, 7), (0.2, 9))

# fmt: off
gamma_kernel_slope = define(
    "gamma_kernel_slope", lambda y, a, x: y * call("log", x) + _kernel(a - 1, x),
    lambda y, a, x: call("gamma_kernel_curvature", a, x),
    domain=((0.3, 7), (0.2, 9)), kind="routine", definition=_kernel_slope,
    oracle=lambda mp, a, x: _slope_oracle(mp, a, x, plain=True), cost=140, ulp=8.0, names=Names(),
    source="NIST DLMF 8.2.2")
gamma_kernel_curvature = define(
    "gamma_kernel_curvature",
    lambda y, a, x: y * call("log", x) + _kernel(a - 2, x) * (2 * (a - 1 - x) - 1),
    lambda y, a, x: call("gamma_kernel_slope", a - 2, x) * ((a - 1 - x) ** 2 - (a - 1))
                    - 2 * _kernel(a - 2, x) * (a - 1 - x),
    domain=((0.3, 7), (0.2, 9)), kind="routine", definition=_kernel_curvature,
    oracle=lambda mp, a, x: _curvature_oracle(mp, a, x, plain=True), cost=140, ulp=8.0,
    names=Names(), source="NIST DLMF 8.2.2")
gamma_density_slope = define(
    "gamma_density_slope", lambda y, a, x: y * _rate(a, x) + _over_x(a, x),
    lambda y, a, x: call("gamma_density_curvature", a, x), domain=DOMAIN, kind="routine",
    definition=_density_slope, oracle=lambda mp, a, x: _slope_oracle(mp, a, x, plain=False),
    cost=450, ulp=8.0, names=Names(), source="NIST DLMF 8.2.4")
gamma_density_curvature = define(
    "gamma_density_curvature",
    lambda y, a, x: y * _rate(a, x) + _over_square(a, x) * (2 * (a - 1 - x) - 1),
    lambda y, a, x: call("gamma_density_curvature", a - 1, x) - y,
    domain=DOMAIN, kind="routine", definition=_density_curvature,
    oracle=lambda mp, a, x: _curvature_oracle(mp, a, x, plain=False), cost=450, ulp=8.0,
    names=Names(), source="NIST DLMF 8.2.4")
# fmt: on

ROWS = (gamma_kernel_slope, gamma_kernel_curvature, gamma_density_slope, gamma_density_curvature)
