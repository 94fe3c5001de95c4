"""Rows of the sine, cosine, hyperbolic sine and hyperbolic cosine integrals."""

from __future__ import annotations

from math import exp, factorial, pi
from typing import Any

from symgrad.functions.elementary import call
from symgrad.functions.special.double import INF, NAN
from symgrad.functions.special.integrals.exponential import (
    logarithm_and,
    reduced,
    scaled_e1,
    scaled_ei,
)
from symgrad.functions.special.integrals.sine_coefficients import (
    CHI,
    CHI_NEAR,
    CHI_ROOT,
    CHI_ROOT_FIT,
    CI,
    CI_NEAR,
    CI_ROOT,
    CI_ROOT_FIT,
    SHI_NEAR,
    SI,
    SI_F,
    SI_G,
    SI_NEAR,
)
from symgrad.functions.special.segments import evaluate, is_order
from symgrad.ir.primitive import Names, define, no_closed_form

EXP_8 = exp(8.0)
COSH_TERMS = 13
HALF_POWERS = [float(k) for k in range(COSH_TERMS, 0, -1)]
HALF_PI = pi / 2


def _auxiliary(m: Any, a: Any) -> tuple[Any, Any]:
    """The auxiliary functions f and g of the sine and cosine integrals for a >= 8 (6.2.17)."""
    inverse = 1.0 / m.max(a, 8.0)
    square = inverse * inverse
    return inverse * evaluate(m, square, SI_F), square * evaluate(m, square, SI_G)


def _si(m: Any, x: Any) -> Any:
    """Si(x), the integral of sin(t)/t from 0 to x: odd, pi/2 at infinity.

    NIST DLMF 6.2.9; x P(x^2) to 2, fits to 8, then pi/2 - f cos x - g sin x (6.2.19).
    """
    a = m.abs(x)
    small = m.min(a, 2.0)
    near = small * evaluate(m, small * small, SI_NEAR)
    middle = evaluate(m, m.max(m.min(a, 8.0), 2.0), SI)
    f, g = _auxiliary(m, a)
    far = HALF_PI - (f * m.cos(a) + g * m.sin(a))
    size = m.where(a < 2.0, near, m.where(a < 8.0, middle, m.where(a < INF, far, HALF_PI)))
    return m.where(x < 0.0, -size, m.where(x > 0.0, size, x))


def _ci(m: Any, x: Any) -> Any:
    """Ci(x) = gamma + log x + the integral of (cos t - 1)/t from 0 to x, x > 0: -inf at 0.

    NIST DLMF 6.2.13, 6.2.20 beyond 8. Its first root, 0.6165, keeps its digits.
    """
    small = m.max(m.min(x, 0.4), 5e-324)
    near = logarithm_and(m, small, small * small * evaluate(m, small * small, CI_NEAR))
    around = m.max(m.min(x, 0.9), 0.4)
    root = ((around - CI_ROOT[0]) - CI_ROOT[1]) * evaluate(m, around, CI_ROOT_FIT)
    middle = evaluate(m, m.max(m.min(x, 8.0), 0.9), CI)
    f, g = _auxiliary(m, x)
    far = m.where(x < INF, f * m.sin(x) - g * m.cos(x), 0.0)
    value = m.where(x < 0.4, near, m.where(x < 0.9, root, m.where(x < 8.0, middle, far)))
    return m.where(x > 0.0, value, m.where(m.eq(x, 0.0), -INF, NAN))


def _half_sums(m: Any, a: Any, sign: float) -> Any:
    """(Ei(a) + sign E1(a))/2 for a >= 2."""
    large = a > 700.0
    kept = m.max(m.min(a, 730.0), 2.0)
    power = m.exp(m.where(large, kept - 8.0, kept))
    e1 = m.exp(-kept) * scaled_e1(m, kept)
    return 0.5 * (power * scaled_ei(m, kept) * m.where(large, EXP_8, 1.0) + sign * e1)


def _shi(m: Any, x: Any) -> Any:
    """Shi(x), the integral of sinh(t)/t from 0 to x: odd (NIST DLMF 6.2.15)."""
    a = m.abs(x)
    small = m.min(a, 2.0)
    near = small * evaluate(m, small * small, SHI_NEAR)
    size = m.where(a < 2.0, near, m.where(a < 720.0, _half_sums(m, a, 1.0), INF))
    return m.where(x < 0.0, -size, m.where(x > 0.0, size, x))


def _chi(m: Any, x: Any) -> Any:
    """Chi(x) = gamma + log x + the integral of (cosh t - 1)/t from 0 to x, x > 0: -inf at 0.

    NIST DLMF 6.2.16; its root 0.5238 keeps its digits.
    """
    small = m.max(m.min(x, 0.35), 5e-324)
    near = logarithm_and(m, small, small * small * evaluate(m, small * small, CHI_NEAR))
    around = m.max(m.min(x, 0.75), 0.35)
    root = ((around - CHI_ROOT[0]) - CHI_ROOT[1]) * evaluate(m, around, CHI_ROOT_FIT)
    middle = evaluate(m, m.max(m.min(x, 2.0), 0.75), CHI)
    far = m.where(x < 720.0, _half_sums(m, x, -1.0), INF)
    value = m.where(x < 0.35, near, m.where(x < 0.75, root, m.where(x < 2.0, middle, far)))
    return m.where(x > 0.0, value, m.where(m.eq(x, 0.0), -INF, NAN))


def _cosh_over_x_derivative(m: Any, n: Any, x: Any) -> Any:
    """The n-th derivative of cosh(x)/x: nan for other n.

    Below 2 by (-1)^n n!/x^(n+1) and the power series of the rest, whose terms are positive, times
    x^(n+1); beyond by those of exp(x)/x and exp(-x)/x, which do not overflow where cosh(x) does.
    """
    a = m.max(m.abs(x), 5e-324)
    small = m.min(a, 2.0)
    square = small * small
    inverse = 1.0 / small
    start = [1.0 / factorial(2 * k) for k in range(COSH_TERMS, 0, -1)]

    def step(k: Any, lead: Any, by: Any, *terms: Any) -> tuple[Any, ...]:
        inside = k < n
        falling = [t * (2.0 * j - 1.0 - k) for j, t in zip(HALF_POWERS, terms, strict=True)]
        raised = (-(k + 1.0) * lead, by * inverse, *falling)
        old = (lead, by, *terms)
        return k + 1.0 < n, *(
            m.where(inside, new, was) for new, was in zip(raised, old, strict=True)
        )

    lead, by, *terms = m.loop(step, (1.0, inverse, *start), 128)
    total: Any = terms[0]
    for term in terms[1:]:
        total = m.fma(total, square, term)
    near = m.fma(total, square, lead) * by
    large = a > 700.0
    kept = m.max(m.min(a, 800.0), 2.0)
    odd = m.ne(n, 2.0 * m.floor(0.5 * n))
    half = m.exp(m.where(large, kept - 8.0, kept)) * (0.5 * reduced(m, n, kept))
    other = m.exp(-kept) * (0.5 * reduced(m, n, -kept))
    far = (m.where(odd, half - other, half + other)) / kept * m.where(large, EXP_8, 1.0)
    size = m.where(a < 2.0, near, far)
    value = m.where(x < 0.0, m.where(odd, size, -size), m.where(m.eq(x, x), size, x))
    return m.where(is_order(m, n), value, NAN)


def _cosh_over_x_derivative_oracle(mp: Any, n: Any, x: Any) -> Any:
    if not mp.isint(n) or n < 0:
        return mp.nan
    if mp.isinf(x):
        return mp.inf if x > 0 or int(n) % 2 else -mp.inf
    if not x:
        return -mp.inf if int(n) % 2 else mp.inf
    with mp.extradps(20 + int(n + 1) * (2 + max(0, -mp.mag(x)))):
        count = int(n)
        waves = (mp.cosh(x), mp.sinh(x))
        terms = (
            mp.binomial(count, k)
            * waves[(count - k) % 2]
            * mp.factorial(k)
            * (-1) ** k
            / x ** (k + 1)
            for k in range(count + 1)
        )
        return mp.fsum(terms)


def _real(function: str) -> Any:
    """The function of mpmath in some digits more; nan where it is complex."""

    def oracle(mp: Any, x: Any) -> Any:
        with mp.extradps(20):
            value = getattr(mp, function)(x)
        return mp.nan if function in ("ci", "chi") and x < 0 else value

    return oracle


# fmt: off
si = define("sine_integral", lambda y, x: call("sinc", x), domain=(-9, 9),
            kind="routine", definition=_si, oracle=_real("si"), parity="odd", folds={0: 0},
            cost=250, ulp=3.0, names=Names(mpmath="si"), source="NIST DLMF 6.2.9")
ci = define("cosine_integral", lambda y, x: call("cos", x) / x, domain=(0.7, 9),
            kind="routine", definition=_ci, oracle=_real("ci"), cost=300, ulp=4.0,
            names=Names(mpmath="ci"), source="NIST DLMF 6.2.13")
shi = define("sinh_integral", lambda y, x: call("sinhc", x), domain=(-9, 9),
             kind="routine", definition=_shi, oracle=_real("shi"), parity="odd", folds={0: 0},
             cost=350, ulp=4.0, names=Names(mpmath="shi"), source="NIST DLMF 6.2.15")
chi = define("cosh_integral", lambda y, x: call("cosh_over_x_derivative", 0, x),
             domain=(0.7, 9), kind="routine", definition=_chi, oracle=_real("chi"), cost=400,
             ulp=4.0, names=Names(mpmath="chi"), source="NIST DLMF 6.2.16")
cosh_over_x_derivative = define("cosh_over_x_derivative",
                                no_closed_form("the order of a derivative"),
                                lambda y, n, x: call("cosh_over_x_derivative", n + 1, x),
                                domain=((1, 1), (0.7, 9)), whole=(0,), kind="routine",
                                definition=_cosh_over_x_derivative,
                                oracle=_cosh_over_x_derivative_oracle, cost=120, ulp=6.0,
                                names=Names(), source="NIST DLMF 6.2.16, 4.33.2")
# fmt: on

ROWS = (si, ci, shi, chi, cosh_over_x_derivative)
