"""Rows of the exponential and logarithmic integrals E1, Ei and li, of exp(x) E1(x) and exp(x)/x."""

from __future__ import annotations

from math import exp
from typing import Any

from symgrad.functions.elementary import call
from symgrad.functions.special.double import INF, NAN
from symgrad.functions.special.integrals.exponential_coefficients import (
    E1,
    E1_NEAR,
    E1_TAIL,
    EI,
    EI_NEAR,
    EI_ROOT,
    EI_ROOT_FIT,
    EI_TAIL,
    LI_ROOT,
)
from symgrad.functions.special.integrals.generalized_exponential import scaled_by_fraction
from symgrad.functions.special.segments import evaluate, is_order
from symgrad.ir.primitive import Names, define, no_closed_form

EXP_8 = exp(8.0)
EULER = 0.5772156649015329


def scaled_e1(m: Any, a: Any) -> Any:
    """exp(a) E1(a) for a >= 1/2."""
    middle = evaluate(m, m.max(m.min(a, 20.0), 0.5), E1)
    inverse = 1.0 / m.max(a, 20.0)
    return m.where(a < 20.0, middle, inverse * evaluate(m, inverse, E1_TAIL))


def scaled_ei(m: Any, x: Any) -> Any:
    """exp(-x) Ei(x) for x >= 0.55."""
    middle = evaluate(m, m.max(m.min(x, 40.0), 0.55), EI)
    inverse = 1.0 / m.max(x, 40.0)
    return m.where(x < 40.0, middle, inverse * evaluate(m, inverse, EI_TAIL))


def logarithm_and(m: Any, x: Any, rest: Any) -> Any:
    """log(x) + Euler's constant + rest."""
    return (m.log(x) + EULER) + rest


def _e1_near(m: Any, a: Any) -> Any:
    small = m.max(m.min(a, 0.5), 5e-324)
    return -logarithm_and(m, small, -small * evaluate(m, small, E1_NEAR))


def _e1(m: Any, x: Any) -> Any:
    """E1(x), the integral of exp(-t)/t from x to infinity, x > 0: inf at 0, nan below.

    NIST DLMF 6.2.1; -log x - gamma + x P(x) to 1/2 (6.6.2), then fits of exp(x) E1(x).
    """
    far = m.exp(-x) * scaled_e1(m, x)
    value = m.where(x < 0.5, _e1_near(m, x), m.where(x < 760.0, far, 0.0))
    return m.where(x > 0.0, value, m.where(m.eq(x, 0.0), INF, NAN))


def _e1_scaled(m: Any, x: Any) -> Any:
    """exp(x) E1(x), x > 0, which vanishes like 1/x: inf at 0, nan below."""
    small = m.min(x, 0.5)
    value = m.where(x < 0.5, m.exp(small) * _e1_near(m, x), scaled_e1(m, x))
    return m.where(x > 0.0, value, m.where(m.eq(x, 0.0), INF, NAN))


def _e1_scaled_derivative(m: Any, n: Any, x: Any) -> Any:
    """The n-th derivative of exp(x) E1(x), (-1)^n n! exp(x) E_(n+1)(x)/x^n: nan for other n.

    It is (-1)^n n! U(n + 1, n + 1, x), NIST DLMF 13.4.4 and 8.19.2. exp(x) E_(n+1)(x) by its
    continued fraction from 1/2 on, else from E1 by 8.19.12; nothing cancels.
    """
    near = m.max(m.min(x, 0.5), 5e-324)

    def step(k: Any, scaled: Any, factorial: Any, power: Any) -> tuple[Any, ...]:
        inside = k < n
        raised = m.where(inside, factorial - near * scaled, scaled)
        factorial = factorial * m.where(inside, k + 1.0, 1.0)
        return k + 1.0 < n, raised, factorial, power * m.where(inside, -1.0 / x, 1.0)

    one = 1.0 + 0.0 * near
    scaled, factorial, power = m.loop(step, (m.exp(near) * _e1_near(m, near), one, one), 128)
    far = factorial * scaled_by_fraction(m, n + 1.0, m.max(m.min(x, 1e300), 0.5))
    value = power * m.where(x < 0.5, scaled, far)
    return m.where(is_order(m, n) & (x >= 0.0), value, NAN)


def _ei_of_root(m: Any, distance: Any, x: Any) -> Any:
    """Ei(x) near its root, which is ``distance`` away: relative accuracy."""
    return distance * evaluate(m, m.max(m.min(x, 0.55), 0.25), EI_ROOT_FIT)


def _ei(m: Any, x: Any) -> Any:
    """Ei(x), the principal value of the integral of exp(t)/t from -inf to x: -inf at 0.

    NIST DLMF 6.2.5; -E1(-x) for x < 0; its root 0.3725 as a pair keeps the digits around it.
    """
    a = m.abs(x)
    small = m.max(m.min(a, 0.25), 5e-324)
    near = logarithm_and(m, small, small * evaluate(m, small, EI_NEAR))
    root = _ei_of_root(m, (x - EI_ROOT[0]) - EI_ROOT[1], x)
    large = x > 700.0  # exp overflows before Ei does
    power = m.exp(m.where(large, m.min(x, 730.0) - 8.0, m.max(x, 0.0)))
    far = power * scaled_ei(m, x) * m.where(large, EXP_8, 1.0)
    value = m.where(a < 0.25, near, m.where(a < 0.55, root, m.where(a < 720.0, far, INF)))
    result = m.where(x < 0.0, -_e1(m, a), m.where(x > 0.0, value, x))
    return m.where(m.eq(x, 0.0), -INF, result)


def _li(m: Any, x: Any) -> Any:
    """li(x) = Ei(log x), x >= 0: 0 at 0, -inf at 1 (NIST DLMF 6.2.8).

    exp(log x) is x itself, so a large log x costs no digits; near the root 1.4513 the distance of
    log x from the root of Ei is a log1p.
    """
    inside = m.max(x, 0.0)
    log = m.log(inside)
    a = m.abs(log)
    below = m.where(a < 0.5, -_e1_near(m, a), -inside * scaled_e1(m, a))
    small = m.max(m.min(a, 0.25), 5e-324)
    near = logarithm_and(m, small, small * evaluate(m, small, EI_NEAR))
    distance = m.log1p(((inside - LI_ROOT[0]) - LI_ROOT[1]) / LI_ROOT[0])
    root = _ei_of_root(m, distance, log)
    far = inside * scaled_ei(m, log)
    above = m.where(a < 0.25, near, m.where(a < 0.55, root, far))
    value = m.where(log < 0.0, below, m.where(log > 0.0, above, -INF))
    result = m.where(x < INF, m.where(m.eq(x, 0.0), 0.0, value), x)
    return m.where(x >= 0.0, result, NAN)


def _exp_over_x(m: Any, x: Any) -> Any:
    """exp(x)/x, finite to 716.3 where exp(x) is no longer; inf with the sign of x at 0."""
    large = x > 700.0
    kept = m.min(x, 800.0)
    power = m.exp(m.where(large, kept - 8.0, x))
    return power / kept * m.where(large, EXP_8, 1.0)


def _exp_over_x_derivative(m: Any, n: Any, x: Any) -> Any:
    """The n-th derivative of exp(x)/x, exp(x) q_n/x with q_n = 1 - n q_(n-1)/x: nan for other n.

    The last product comes after the bracket, so that nothing infinite is subtracted.
    """
    large = x > 700.0
    kept = m.max(m.min(x, 800.0), -800.0)
    power = m.exp(m.where(large, kept - 8.0, kept))
    value = power / kept * reduced(m, n, kept) * m.where(large, EXP_8, 1.0)
    return m.where(is_order(m, n), value, NAN)


def reduced(m: Any, n: Any, x: Any) -> Any:
    """The n-th derivative of exp(x)/x over exp(x)/x: the sum of n!/(n - k)! (-1/x)^k."""

    def step(k: Any, value: Any) -> tuple[Any, ...]:
        inside = k < n
        return k + 1.0 < n, m.where(inside, (x - (k + 1.0) * value) / x, value)

    return m.loop(step, (1.0 + 0.0 * x,), 128)[0]


def _exp_over_x_derivative_oracle(mp: Any, n: Any, x: Any) -> Any:
    if not mp.isint(n) or n < 0:
        return mp.nan
    if mp.isinf(x) or not x:
        return _exp_over_x_oracle(mp, x)
    with mp.extradps(15 + int(n) * (2 + max(0, -mp.mag(x)))):
        count = int(n)
        terms = (mp.ff(count, k) * (-1 / x) ** k for k in range(count + 1))
        return mp.exp(x) / x * mp.fsum(terms)


def _exp_over_x_oracle(mp: Any, x: Any) -> Any:
    if mp.isinf(x):
        return mp.inf if x > 0 else mp.mpf(0)
    return mp.exp(x) / x if x else mp.inf


def _e1_scaled_oracle(mp: Any, n: Any, x: Any) -> Any:
    if not mp.isint(n) or n < 0:
        return mp.nan
    if mp.isinf(x):
        return mp.mpf(0)
    if not x:
        return mp.inf if int(n) % 2 == 0 else -mp.inf
    with mp.extradps(10):
        return (-1) ** int(n) * mp.factorial(n) * mp.hyperu(n + 1, n + 1, x)


def _ei_oracle(mp: Any, x: Any) -> Any:
    with mp.extradps(10 + int(min(abs(x), 2000) / 2) if mp.isfinite(x) else 10):
        return mp.ei(x)


def _li_oracle(mp: Any, x: Any) -> Any:
    if x < 0 or mp.isnan(x):
        return mp.nan
    if x == 0 or mp.isinf(x):
        return x
    if x == 1:
        return -mp.inf
    with mp.extradps(20):
        log = mp.log(x)
    return _ei_oracle(mp, log)


ORDER = "the order of a derivative"

# fmt: off
# A function in its own right, as exp(x) overflows before it.
exp_over_x = define("exp_over_x", lambda y, x: call("exp_over_x_derivative", 1, x),
                    domain=(0.5, 9), kind="routine", definition=_exp_over_x,
                    oracle=_exp_over_x_oracle, cost=20, ulp=4.0, names=Names(),
                    source="NIST DLMF 6.2.5")
exp_over_x_derivative = define("exp_over_x_derivative", no_closed_form(ORDER),
                               lambda y, n, x: call("exp_over_x_derivative", n + 1, x),
                               domain=((1, 1), (0.5, 9)), whole=(0,), kind="routine",
                               definition=_exp_over_x_derivative,
                               oracle=_exp_over_x_derivative_oracle, cost=40, ulp=6.0,
                               names=Names(), source="NIST DLMF 6.2.5")
expint_e1 = define("expint_e1", lambda y, x: call("exp_over_x", -x), domain=(0.1, 9),
                   kind="routine", definition=_e1, oracle=lambda mp, x: mp.e1(x), cost=150,
                   ulp=3.0, names=Names(), source="NIST DLMF 6.2.1")
expint_e1e = define("expint_e1e", lambda y, x: call("expint_e1e_derivative", 1, x),
                    domain=(0.1, 9), kind="routine", definition=_e1_scaled,
                    oracle=lambda mp, x: _e1_scaled_oracle(mp, 0, x), cost=150, ulp=4.0,
                    names=Names(), source="NIST DLMF 6.2.1")
expint_e1e_derivative = define("expint_e1e_derivative", no_closed_form(ORDER),
                               lambda y, n, x: call("expint_e1e_derivative", n + 1, x),
                               domain=((1, 1), (0.1, 9)), whole=(0,), kind="routine",
                               definition=_e1_scaled_derivative, oracle=_e1_scaled_oracle,
                               cost=900, ulp=8.0, names=Names(), source="NIST DLMF 8.19.2")
expint_ei = define("expint_ei", lambda y, x: call("exp_over_x", x), domain=(0.5, 9),
                   kind="routine", definition=_ei, oracle=_ei_oracle, cost=300, ulp=4.0,
                   names=Names(), source="NIST DLMF 6.2.5")
li = define("li", lambda y, x: 1 / call("log", x), domain=(1.6, 9), kind="routine",
            definition=_li, oracle=_li_oracle, cost=300, ulp=4.0, names=Names(),
            source="NIST DLMF 6.2.8")
# fmt: on

ROWS = (
    *(exp_over_x, exp_over_x_derivative, expint_e1, expint_e1e, expint_e1e_derivative),
    *(expint_ei, li),
)
