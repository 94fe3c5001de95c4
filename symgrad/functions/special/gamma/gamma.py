"""Rows of the gamma function, its logarithm and the first derivatives of that.

NIST DLMF chapter 5. Positive arguments below 6 are moved to [3/2, 5/2] (or [1, 2]) by the
recurrence (5.5.1) and a polynomial answers; from 6 on Stirling's series (5.11.1) does, its
correction being a polynomial in 1/x^2. Arguments below -1/2 are reflected (5.5.3).
"""

from __future__ import annotations

from typing import Any

from symgrad.functions.elementary import call, select
from symgrad.functions.special.double import (
    INF,
    NAN,
    Pair,
    add_to_pair,
    cos_pi,
    exp_double,
    fast_two_sum,
    log_double,
    polynomial,
    scale_pair,
    short_polynomial,
    sin_pi,
)
from symgrad.functions.special.gamma.coefficients import (
    DIGAMMA,
    DIGAMMA_LARGE,
    DIGAMMA_ROOT,
    HALF_LOG_TWO_PI,
    LOGGAMMA,
    RECIPROCAL,
    STIRLING,
    TRIGAMMA_LARGE,
)
from symgrad.ir.expression import constant
from symgrad.ir.primitive import Names, define

PI = 3.141592653589793
LARGE = 6.0
"""From here on Stirling's series is used."""

LIFTED = -20
"""Below this gamma is computed 2^100 times too large."""


def _factors(m: Any, a: Any) -> tuple[Any, Any, Any]:
    """(s, up, down) with gamma(a) = gamma(2 + s) up/down and |s| <= 1/2, for -1/2 <= a <= 6."""
    n = m.rint(a)
    up = m.where(n > 2.5, a - 1.0, 1.0)
    for k in (2.0, 3.0, 4.0):
        up = up * m.where(n > k + 1.5, a - k, 1.0)
    down = m.where(n < 0.5, a * (1.0 + a), m.where(n < 1.5, a, 1.0))
    return a - n, up, down


def stirling_correction(m: Any, a: Any) -> Any:
    """What Stirling's series adds to (a - 1/2) log a - a + log(2 pi)/2, for a >= 6."""
    inverse = 1.0 / a
    return inverse * short_polynomial(m, inverse * inverse, STIRLING)


def stirling(m: Any, a: Any) -> Pair:
    """Log gamma(a) as a pair within about 2^-60, for 6 <= a < 2^500 (NIST DLMF 5.11.1)."""
    return stirling_by_log(m, a, log_double(m, a, wide=False))


def stirling_by_log(m: Any, a: Any, log: Pair) -> Pair:
    """The same from the logarithm of a."""
    correction = stirling_correction(m, a)
    main = add_to_pair(scale_pair(m, log, a - 0.5), -a)
    high, low = add_to_pair(main, HALF_LOG_TWO_PI[0])
    return fast_two_sum(high, low + (correction + HALF_LOG_TWO_PI[1]))


def _gamma_lifted(m: Any, x: Any) -> Any:
    """Gamma(x) = integral of t^(x-1) exp(-t) over t > 0, continued to negative x.

    Below -20 it is 2^100 times that, so that its products with digamma, which is large next to the
    poles, are numbers wherever gamma's derivatives are; gamma itself may be too small for them.

    Below 6: 1/gamma(2 + s) is a polynomial (it is entire). From 6 on: exp of Stirling's series in
    pairs. Below -1/2: gamma(x) = -pi/(x sin(pi x) gamma(-x)). Within 5 ulp; overflows beyond
    171.62; +-inf at +-0, nan at the negative integers and at -inf, as C's tgamma.
    """
    reflected = x < -0.5
    a = m.where(reflected, -x, x)
    big = a >= LARGE
    s, up, down = _factors(m, m.min(a, LARGE))
    below = down * m.fma(s, polynomial(m, s, RECIPROCAL), 1.0)
    # gamma(-x) overflows 13 before gamma(x) underflows: 1/gamma(-x) is taken e^138 times too large.
    high, low = stirling(m, m.max(m.min(a, 200.0), LARGE))
    high, low = fast_two_sum(m.where(reflected, -high, high), m.where(reflected, -low, low))
    high, low = add_to_pair((high, low), m.where(reflected, 138.0, 0.0))
    power = exp_double(m, high, low)
    sine = x * sin_pi(m, x)
    above = m.where(big, power, m.where(reflected, below, up))
    under = m.where(reflected, sine * m.where(big, 1.0, up), m.where(big, 1.0, below))
    quotient = above / under
    lift = m.where(x < LIFTED, 2.0**100, 1.0)
    result = m.where(
        reflected, -PI * quotient * m.where(big, 1.1677812485237086e-60 * lift, 1.0), quotient
    )
    result = m.where(reflected & m.eq(sine, 0.0), NAN, result)
    return m.where(
        a >= 200.0, m.where(reflected, m.where(m.eq(sine, sine), result, NAN), INF), result
    )


def _lower(x: Any) -> Any:
    return select(x < LIFTED, constant(2) ** -100, 1)


def _multiplied(x: Any, rate: Any) -> Any:
    # A fused multiply-add keeps the order: the factor 2^-100 comes last.
    return _lower(x) * call("fma", rate, call("gamma_lifted", x), 0)


def _loggamma(m: Any, x: Any) -> Any:
    """Log |gamma(x)|, as C's lgamma and torch.lgamma.

    Below 6: log gamma(2 + s) = s (1 + s) p(s) and the logarithm of the factors that lead there, so
    the zeros at 1 and 2 keep their digits. From 6 on: Stirling's series. Below -1/2:
    log(pi/|x sin(pi x)|) - log gamma(-x). Within 7 ulp; near the zeros between the poles of
    negative x within 4 eps of the larger part. inf at the poles and at -inf.
    """
    reflected = x < -0.5
    a = m.where(reflected, -x, x)
    big = a >= LARGE
    s, up, down = _factors(m, m.min(a, LARGE))
    near = s * (1.0 + s) * short_polynomial(m, s, LOGGAMMA)
    # One logarithm serves the factors and Stirling's series; a < 5/2 has factors below.
    factor = m.where(a < 2.25, m.abs(down), up)
    log = m.log(m.where(big, a, factor))
    inverse = 1.0 / m.max(a, LARGE)
    correction = inverse * short_polynomial(m, inverse * inverse, STIRLING)
    far = m.fma(a - 0.5, log - 1.0, correction + (HALF_LOG_TWO_PI[0] - 0.5))
    own = m.where(big, far, m.where(a < 2.25, near - log, near + log))
    sine = m.abs(sin_pi(m, m.where(reflected, x, 0.5)))
    other = m.log(sine * m.where(reflected, a, 1.0) * (1.0 / PI))
    result = m.where(reflected, -other - own, own)
    return m.where(m.eq(m.abs(x), INF), INF, result)


def _digamma(m: Any, x: Any) -> Any:
    """The derivative of log gamma(x) (NIST DLMF 5.2.2).

    On [1, 2] a polynomial times (x - root)/(x (x + 1)), so the root 1.4616... keeps its digits;
    (-1/2, 6) is led there by the recurrence 5.5.2; from 6 on 5.11.2; below -1/2
    digamma(-x) - 1/x - pi cot(pi x) (5.5.4). Within 6 ulp; near the zeros of negative x within
    4 eps of the larger part. -+inf at +-0, nan at the negative integers and at -inf.
    """
    reflected = x < -0.5
    a = m.where(reflected, -x, x)
    small = m.min(a, LARGE)
    n = m.floor(small)
    y = small - m.max(n - 1.0, 0.0)
    # The sum of 1/(small - k) as one fraction.
    above, below = m.where(n > 1.5, 1.0, 0.0), m.where(n > 1.5, small - 1.0, 1.0)
    for k in (2.0, 3.0, 4.0, 5.0):
        used = n > k + 0.5
        factor = m.where(used, small - k, 1.0)
        above, below = m.fma(above, factor, m.where(used, below, 0.0)), below * factor
    up, up2 = n < 0.5, n < -0.5
    above = m.where(up2, -1.0 - 2.0 * small, m.where(up, -1.0, above))
    below = m.where(up2, small * (1.0 + small), m.where(up, small, below))
    y = m.where(up2, small + 2.0, m.where(up, small + 1.0, y))
    middle = (y - DIGAMMA_ROOT[0]) - DIGAMMA_ROOT[1]
    near = middle * short_polynomial(m, y - 1.5, DIGAMMA) / m.fma(y, y, y) + above / below
    inverse = 1.0 / m.max(a, LARGE)
    square = inverse * inverse
    far = m.log(m.max(a, LARGE)) - m.fma(
        square, short_polynomial(m, square, DIGAMMA_LARGE), 0.5 * inverse
    )
    own = m.where(a >= LARGE, far, near)
    sine = sin_pi(m, m.where(reflected, x, 0.5))
    other = PI * cos_pi(m, x) / sine + 1.0 / m.where(reflected, x, 1.0)
    result = m.where(reflected, own - other, own)
    return m.where(m.eq(sine, 0.0), NAN, result)


def _trigamma(m: Any, x: Any) -> Any:
    """The second derivative of log gamma(x), the sum of 1/(x + k)^2 (NIST DLMF 5.15.1).

    Below 6 six terms are added, as one fraction, and 5.15.8 at x + 6 answers for the others;
    below -1/2 pi^2/sin(pi x)^2 + 1/x^2 - trigamma(-x) (5.15.6). Within 6 ulp. inf at the poles.
    """
    reflected = x < -0.5
    a = m.where(reflected, -x, x)
    short = a < LARGE
    small = m.min(a, LARGE)
    above, below = 1.0, small * small
    for k in (1.0, 2.0, 3.0, 4.0, 5.0):
        square = (small + k) * (small + k)
        above, below = m.fma(above, square, below), below * square
    big = m.where(short, small + LARGE, a)
    inverse = 1.0 / big
    square = inverse * inverse
    tail = (
        m.fma(square * inverse, short_polynomial(m, square, TRIGAMMA_LARGE), 0.5 * square) + inverse
    )
    own = m.where(short, above / below + tail, tail)
    sine = sin_pi(m, m.where(reflected, x, 0.5))
    root = PI / sine
    other = root * root + 1.0 / m.where(reflected, x * x, 1.0)
    return m.where(reflected, other - own, own)


def _lifted_oracle(mp: Any, x: Any) -> Any:
    return mp.ldexp(mp.gamma(x), 100 if x < LIFTED else 0)


# fmt: off
gamma = define("gamma", lambda y, x: call("gamma_slope", x), domain=(0.2, 9), kind="composite",
               expansion=lambda x: _lower(x) * call("gamma_lifted", x), folds={1: 1, 2: 1},
               cost=150, names=Names(mpmath="gamma", c="tgamma"), source="NIST DLMF 5.2.2")
gamma_lifted = define("gamma_lifted", lambda y, x: y * call("digamma", x), domain=(0.2, 9),
                      kind="routine", definition=_gamma_lifted, oracle=_lifted_oracle, cost=150,
                      ulp=5.0, names=Names(), source="NIST DLMF 5.2.2")
gamma_slope = define("gamma_slope", lambda y, x: call("gamma_curvature", x), domain=(0.2, 9),
                     kind="composite", expansion=lambda x: _multiplied(x, call("digamma", x)),
                     cost=280, names=Names(), source="NIST DLMF 5.2.2")
gamma_curvature = define("gamma_curvature",
                         lambda y, x: y * call("digamma", x) + call("gamma", x) * (
                             2 * call("digamma", x) * call("trigamma", x)
                             + call("polygamma", 2, x)),
                         domain=(0.2, 9), kind="composite", cost=380, names=Names(),
                         expansion=lambda x: _multiplied(
                             x, call("digamma", x) ** 2 + call("trigamma", x)),
                         source="NIST DLMF 5.2.2, 5.15.1")
loggamma = define("loggamma", lambda y, x: call("digamma", x), domain=(0.2, 9), kind="routine",
                  definition=_loggamma, oracle=lambda mp, x: mp.re(mp.loggamma(x)),
                  folds={1: 0, 2: 0}, cost=130, ulp=7.0,
                  names=Names(mpmath="loggamma", torch="lgamma", c="lgamma"),
                  source="NIST DLMF 5.2.2")
digamma = define("digamma", lambda y, x: call("trigamma", x), domain=(0.2, 9), kind="routine",
                 definition=_digamma, oracle=lambda mp, x: mp.psi(0, x), cost=130, ulp=6.0,
                 names=Names(mpmath="digamma"), source="NIST DLMF 5.15.1")
trigamma = define("trigamma", lambda y, x: call("polygamma", 2, x), domain=(0.2, 9),
                  kind="routine", definition=_trigamma, oracle=lambda mp, x: mp.psi(1, x),
                  cost=100, ulp=6.0, names=Names(), source="NIST DLMF 5.15.1")
# fmt: on

ROWS = (gamma, gamma_lifted, gamma_slope, gamma_curvature, loggamma, digamma, trigamma)
