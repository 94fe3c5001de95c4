"""Rows of the incomplete gamma functions, plain and divided by gamma(a).

NIST DLMF chapter 8. Four ways, chosen by region: the series 8.7.1 up to x = max(a, 3/4), the
continued fraction 8.9.2 beyond, Temme's uniform expansion 8.12.3 where a >= 25 and x is within a
third of a, and for the upper function at small a and x the difference 8.4.15 leaves, written
without cancellation. The factor x^a exp(-x)/gamma(a) is the exponential of a pair of doubles.
(Gautschi, ACM TOMS 5, 1979; Temme, SIAM J. Math. Anal. 10, 1979; Gil, Segura and Temme, SIAM J.
Sci. Comput. 34, 2012.)
"""

from __future__ import annotations

from math import exp
from typing import Any, Literal

from symgrad.functions.elementary import call
from symgrad.functions.special.double import (
    INF,
    NAN,
    Pair,
    add_pairs,
    add_to_pair,
    divide_pairs,
    exp_double,
    fast_two_sum,
    log1p_double,
    log1p_parts,
    log_double,
    multiply_pairs,
    polynomial,
    scale_pair,
    short_polynomial,
    two_sum,
)
from symgrad.functions.special.gamma.coefficients import (
    DIGAMMA_LARGE,
    LOGGAMMA,
    RECIPROCAL,
    STIRLING,
)
from symgrad.functions.special.gamma.gamma import LARGE, _factors
from symgrad.functions.special.incomplete.gamma_coefficients import TEMME
from symgrad.ir.primitive import Names, define, no_closed_form

Part = Literal["lower", "upper"]
UNIFORM = 25.0
"""From this a on Temme's expansion is used, where BELOW < x/a < ABOVE."""
BELOW, ABOVE = 0.71, 1.4  # log1p_parts reaches no further down than 1/sqrt(2)
TWO_PI, PI = 6.283185307179586, 3.141592653589793
SMALLEST = 0.75
TINY, EXP_300 = 1e-300, exp(300.0)
MOST = 400


def _is_close(m: Any, a: Any, x: Any) -> Any:
    return (a >= UNIFORM) & (x > BELOW * a) & (x < ABOVE * a)


def _deviation(m: Any, a: Any, x: Any) -> Pair:
    """A (log(x/a) + 1 - x/a) as a pair, for x near a: no digits cancel.

    With e = x/a - 1 and f = e/(2 + e) it is a (2 f^3/3 + 2 f^5/5 + ... - e f).
    """
    e = divide_pairs(m, two_sum(x, -a), (a, 0.0))
    f, series = log1p_parts(m, *e)
    rest = multiply_pairs(m, e, f)
    return scale_pair(m, add_pairs(series, (-rest[0], -rest[1])), a)


def log_gamma_slope(m: Any, a: Any) -> Any:
    """Log gamma(1 + a)/a for -1/2 <= a <= 3/2, with all digits at 0 and 1."""
    low = a <= 0.5
    s = m.where(low, a, a - 1.0)
    near = (1.0 + s) * short_polynomial(m, s, LOGGAMMA)
    safe = m.where(m.eq(a, 0.0), 1.0, a)
    quotient = m.where(m.eq(a, 0.0), 1.0, m.log1p(m.max(a, -0.9)) / safe)
    return m.where(low, near - quotient, near * s / safe)


def _series(m: Any, a: Any, x: Any, rest: Any) -> Any:
    """1 + x/(a+1) + x^2/((a+1)(a+2)) + ...; where ``rest``, -sum of (-x)^n/(n! (n + a))."""

    def step(k: Any, term: Any, total: Any, low: Any) -> tuple[Any, ...]:
        n = k + 1.0
        over = 1.0 / (a + n)
        term = term * x * m.where(rest, -1.0 / n, over)
        added = m.where(rest, -term * over, term)
        total, lost = two_sum(total, added)
        return m.abs(added) > 1e-17 * m.abs(total), term, total, low + lost

    _, total, low = m.loop(step, (1.0, m.where(rest, 0.0, 1.0), 0.0), MOST)
    return total + low


def _fraction(m: Any, a: Any, x: Any) -> Any:
    """gamma(a, x) x^-a exp(x): the continued fraction as Euler's sum of products."""
    first = (x - a) + 1.0

    def step(k: Any, ratio: Any, term: Any, total: Any, low: Any) -> tuple[Any, ...]:
        n = k + 1.0
        numerator = n * (a - n) * (1.0 + ratio)
        last = first + 2.0 * k
        ratio = -numerator / m.fma(last, last + 2.0, numerator)
        term = term * ratio
        total, lost = two_sum(total, term)
        return m.abs(term) > 1e-17 * m.abs(total), ratio, term, total, low + lost

    _, _, total, low = m.loop(step, (0.0, 1.0, 1.0, 0.0), MOST)
    return (total + low) / first


def _prefix(m: Any, a: Any, x: Any, uniform: Any, *, plain: bool, by_x: bool = False) -> Any:
    """x^a exp(-x), over gamma(a) unless ``plain``; ``uniform`` where x is near a large a.

    ``by_x`` divides by x, too, where the quotient alone need be a double.
    """
    if plain:
        return _exp(m, add_to_pair(scale_pair(m, log_double(m, x), a), -x))
    big = a >= LARGE
    # One logarithm, of x/a: the difference of two loses digits that a large a multiplies.
    ratio, rest = divide_pairs(m, (x, 0.0), (m.where(big, a, 1.0), 0.0))
    ratio = m.where(big, m.max(ratio, TINY), ratio)
    log, low = log_double(m, ratio)
    far = scale_pair(m, fast_two_sum(log, low + rest / ratio), a)
    far = add_pairs(far, two_sum(m.where(big, a, 0.0), -x))
    if by_x:
        far = add_pairs(far, (m.where(big, 0.0, -log), m.where(big, 0.0, -low)))
    near = _deviation(m, m.where(uniform, a, 1.0), m.where(uniform, x, 1.0))
    inverse = 1.0 / m.max(a, LARGE)
    correction = inverse * short_polynomial(m, inverse * inverse, STIRLING)
    exponent = m.where(uniform, near[0], far[0]), m.where(uniform, near[1], far[1])
    exponent = add_to_pair(exponent, m.where(big, -correction, 0.0))
    s, up, down = _factors(m, m.max(m.min(a, LARGE), 0.0))
    small = down * m.fma(s, polynomial(m, s, RECIPROCAL), 1.0) / up
    scale = m.where(big, m.sqrt(m.max(a, LARGE) * (1.0 / TWO_PI)), small)
    if by_x:
        power, back = lifted_exp(m, exponent)
        return power * (scale / m.where(big, x, 1.0)) * back
    return _exp(m, exponent) * scale


def lifted_exp(m: Any, exponent: Pair) -> Pair:
    """Two factors of an exponential, of which the second is put last: it may be out of range."""
    low, high = exponent[0] < -600.0, exponent[0] > 600.0
    lifted = add_to_pair(exponent, m.where(low, 300.0, m.where(high, -300.0, 0.0)))
    return _exp(m, lifted), m.where(low, 1.0 / EXP_300, m.where(high, EXP_300, 1.0))


def _exp(m: Any, exponent: Pair) -> Any:
    size = m.max(m.min(exponent[0], 1e3), -1e3)
    return exp_double(m, size, m.where(m.eq(size, exponent[0]), exponent[1], 0.0))


def _incomplete(m: Any, a: Any, x: Any, part: Part, *, plain: bool) -> Any:
    """gamma(a, x) or Gamma(a, x), divided by gamma(a) unless ``plain``."""
    lower = part == "lower"
    valid = (x > 0.0) & (x < INF) & (a < INF) & (a > 0.0)
    a_, x_ = m.where(valid, a, 1.0), m.where(valid, x, 1.0)
    uniform = _is_close(m, a_, x_)
    beyond = ~uniform & (x_ >= a_) & (x_ > SMALLEST)
    power = _prefix(m, a_, x_, uniform, plain=plain)
    close = m.where(uniform, a_, 1.0), m.where(uniform, x_, 1.0)
    if lower:
        rest = x_ < 0.0
    else:
        edge = -0.4 / m.log(m.min(x_, 0.5))
        rest = (x_ <= SMALLEST) & m.where(x_ <= 0.5, a_ <= edge, a_ <= 1.1 * x_)
    summed = ~uniform & ~beyond
    series = _series(m, m.where(summed, a_, 1.0), m.where(summed, x_, 0.0), rest & summed)
    fraction = _fraction(m, m.where(beyond, a_, 1.0), m.where(beyond, x_, 1e3))
    above = power * fraction
    below = power * series / a_
    total: Any = m.gamma(a_) if plain else 1.0
    full = m.eq(total, INF) if plain else a_ < 0.0  # of inf nothing can be taken away
    uniform_value = _uniform(m, *close, power)
    right = x_ >= a_
    if lower:
        value = m.where(beyond, m.where(full, total, total - above), below)
        value = m.where(
            uniform,
            m.where(right, m.where(full, total, total - uniform_value), uniform_value),
            value,
        )
    else:
        small_value = _small(m, m.where(rest, a_, 0.5), m.where(rest, x_, 0.5), series)
        factor = m.gamma(a_ + 1.0) if plain else a_
        value = m.where(
            rest, small_value * factor, m.where(beyond, above, m.where(full, total, total - below))
        )
        value = m.where(
            uniform,
            m.where(right, uniform_value, m.where(full, total, total - uniform_value)),
            value,
        )
    return m.where(valid, value, _ends(m, a, x, lower=lower, plain=plain))


def _ends(m: Any, a: Any, x: Any, *, lower: bool, plain: bool) -> Any:
    whole = m.gamma(m.max(a, 0.0)) if plain else 1.0
    at_zero, at_inf = (0.0, whole) if lower else (whole, 0.0)
    known = m.where(m.eq(x, 0.0), at_zero, m.where(m.eq(x, INF), at_inf, NAN))
    if not plain:
        inside = (x > 0.0) & (x < INF)
        known = m.where(inside & m.eq(a, 0.0), at_inf, known)
        known = m.where(inside & m.eq(a, INF), at_zero, known)
        known = m.where(m.eq(a, x) & (m.eq(a, 0.0) | m.eq(a, INF)), NAN, known)
    return m.where(a >= 0.0, known, NAN)


def _small(m: Any, a: Any, x: Any, series: Any) -> Any:
    """(1 - x^a/gamma(a + 1) (1 - a series))/a: gamma(a, x)/gamma(a + 1) for small a and x."""
    slope = m.log(x) - log_gamma_slope(m, a)
    u = a * slope
    grown = m.expm1(u)
    mean = m.where(m.abs(u) < 1e-300, 1.0, grown / m.where(m.abs(u) < 1e-300, 1.0, u))
    return (1.0 + grown) * series - slope * mean


def _uniform(m: Any, a: Any, x: Any, power: Any) -> Any:
    """The smaller one of the two functions, from power = x^a exp(-x)/gamma(a) or x^a exp(-x)."""
    high, _ = _deviation(m, a, x)
    z = m.sqrt(m.max(-high, 0.0))
    eta = m.where(x < a, -1.0, 1.0) * z * m.sqrt(2.0 / a)
    inverse = 1.0 / a
    total: Any = 0.0
    for row in reversed(TEMME):
        total = m.fma(total, inverse, short_polynomial(m, eta, row))
    correction = m.exp(inverse * short_polynomial(m, inverse * inverse, STIRLING))
    tail = m.sqrt((0.5 * PI) * a) * m.erfcx(z)
    return power * inverse * correction * m.where(x < a, tail - total, tail + total)


def _gammainc(m: Any, a: Any, x: Any) -> Any:
    """P(a, x) = gamma(a, x)/gamma(a) (NIST DLMF 8.2.4), a > 0, x >= 0. Within 6 ulp."""
    return _incomplete(m, a, x, "lower", plain=False)


def _gammaincc(m: Any, a: Any, x: Any) -> Any:
    """Q(a, x) = 1 - P(a, x) (NIST DLMF 8.2.4), a > 0, x >= 0. Within 7 ulp."""
    return _incomplete(m, a, x, "upper", plain=False)


def _lowergamma(m: Any, a: Any, x: Any) -> Any:
    """The integral of t^(a-1) exp(-t) from 0 to x (NIST DLMF 8.2.1), a > 0. Within 8 ulp."""
    return _incomplete(m, a, x, "lower", plain=True)


def _uppergamma(m: Any, a: Any, x: Any) -> Any:
    """The integral of t^(a-1) exp(-t) from x on (NIST DLMF 8.2.2). Within 8 ulp for a > 0.

    a <= 0 by x^a E_(1-a)(x) (8.19.1).
    """
    other = m.where(a <= 0.0, a, 0.0)
    left = m.pow(x, other) * m.expint(1.0 - other, x)
    return m.where(a <= 0.0, left, _incomplete(m, a, x, "upper", plain=True))


def kernel_exponent(m: Any, a: Any, x: Any, step: float) -> Pair:
    """Log of x^(a-step) exp(-x), for finite x > 0 and a."""
    log = log_double(m, x)
    moved = add_pairs(scale_pair(m, log, a), scale_pair(m, log, -step))
    return add_to_pair(moved, -x)


def _gamma_kernel(m: Any, a: Any, x: Any) -> Any:
    """x^(a-1) exp(-x), x >= 0, where neither factor need be a double. Within 2 ulp."""
    valid = (x > 0.0) & (x < INF) & (m.abs(a) < INF)
    x_ = m.where(valid, x, 1.0)
    value = _exp(m, kernel_exponent(m, m.where(valid, a, 1.0), x_, 1.0))
    at_zero = m.where(a < 1.0, INF, m.where(m.eq(a, 1.0), 1.0, m.where(a > 1.0, 0.0, NAN)))
    end = m.where(m.eq(x, 0.0), at_zero, m.where(m.eq(x, INF) & m.eq(a, a), 0.0, NAN))
    return m.where(valid, value, end)


def _gamma_density(m: Any, a: Any, x: Any) -> Any:
    """x^(a-1) exp(-x)/gamma(a), x >= 0: the slope of gammainc, 0 at a = 0, -1, ...

    Within 8 ulp for a > 0, a little more below.
    """
    valid = (x > 0.0) & (x < INF) & (m.abs(a) < INF)
    a_, x_ = m.where(valid, a, 1.0), m.where(valid, x, 1.0)
    positive = a_ > 0.0
    p = m.where(positive, a_, 1.0)
    right = _prefix(m, p, x_, _is_close(m, p, x_), plain=False, by_x=True)
    pole = m.eq(a, m.floor(a)) & (a <= 0.0)
    left = m.gamma_kernel(m.where(positive, 1.0, a_), x_) / m.gamma(
        m.where(positive | pole, 1.0, a_)
    )
    value = m.where(positive, right, m.where(pole, 0.0, left))
    at_zero = m.where(a < 1.0, m.where(pole, 0.0, INF / m.gamma(m.where(pole, 1.0, a))), 0.0)
    at_zero = m.where(m.eq(a, 1.0), 1.0, m.where(m.eq(a, a), at_zero, NAN))
    end = m.where(m.eq(x, 0.0), at_zero, m.where(m.eq(x, INF) & m.eq(a, a), 0.0, NAN))
    return m.where(valid, value, end)


def _density_oracle(mp: Any, a: Any, x: Any) -> Any:
    if a <= 0 and mp.isint(a):
        return mp.mpf(0)
    return x ** (a - 1) * mp.exp(-x) * mp.rgamma(a)


def _log_minus_digamma(m: Any, x: Any, a: Any) -> Any:
    """log(x) - digamma(a), with all digits of large x near a large a.

    From a = 6 on log(x/a), as a pair, and Stirling's log(a) - digamma(a) (NIST DLMF 5.11.2).
    """
    big = (a >= LARGE) & (x > 0.0) & (x < 1e300) & (a < 1e300)
    a_, x_ = m.where(big, a, LARGE), m.where(big, x, LARGE)
    inverse = 1.0 / a_
    square = inverse * inverse
    rest = m.fma(square, short_polynomial(m, square, DIGAMMA_LARGE), 0.5 * inverse)
    ratio = two_sum(x_, -a_)
    close = (x_ > BELOW * a_) & (x_ < ABOVE * a_)
    step = divide_pairs(
        m, (m.where(close, ratio[0], 0.0), m.where(close, ratio[1], 0.0)), (a_, 0.0)
    )
    log, low = log1p_double(m, *step)
    near = m.where(close, log + (low + rest), m.log(m.max(x_ / a_, TINY)) + rest)
    return m.where(big, near, m.log(x) - m.digamma(a))


SHAPE = "the exponent of an incomplete gamma function"

# fmt: off
gamma_kernel = define("gamma_kernel", lambda y, a, x: y * call("log", x),
                      lambda y, a, x: call("gamma_kernel_slope", a, x),
                      domain=((0.3, 7), (0.2, 9)), kind="routine", definition=_gamma_kernel,
                      oracle=lambda mp, a, x: x ** (a - 1) * mp.exp(-x), cost=120, ulp=3.0,
                      names=Names(), source="NIST DLMF 8.2.2")
gamma_density = define("gamma_density",
                       lambda y, a, x: y * call("log_minus_digamma", x, a),
                       lambda y, a, x: call("gamma_density_slope", a, x),
                       domain=((1.3, 7), (0.2, 9)), kind="routine", definition=_gamma_density,
                       oracle=_density_oracle, cost=400, ulp=8.0, names=Names(),
                       source="NIST DLMF 8.2.4")
log_minus_digamma = define("log_minus_digamma", lambda y, x, a: 1 / x,
                           lambda y, x, a: -call("trigamma", a), domain=((0.2, 9), (0.3, 7)),
                           kind="routine", definition=_log_minus_digamma, cost=250, ulp=8.0,
                           oracle=lambda mp, x, a: mp.log(x) - mp.psi(0, a), names=Names(),
                           source="NIST DLMF 5.11.2")
gammainc = define("gammainc", no_closed_form(SHAPE),
                  lambda y, a, x: call("gamma_density", a, x), domain=((0.3, 7), (0.2, 9)),
                  kind="routine", definition=_gammainc,
                  oracle=lambda mp, a, x: mp.gammainc(a, 0, x, regularized=True), cost=1500,
                  ulp=6.0, names=Names(), source="NIST DLMF 8.2.4, 8.8.13")
gammaincc = define("gammaincc", no_closed_form(SHAPE),
                   lambda y, a, x: -call("gamma_density", a, x), domain=((0.3, 7), (0.2, 9)),
                   kind="routine", definition=_gammaincc,
                   oracle=lambda mp, a, x: mp.gammainc(a, x, regularized=True), cost=1500,
                   ulp=7.0, names=Names(), source="NIST DLMF 8.2.4, 8.8.13")
lowergamma = define("lowergamma", no_closed_form(SHAPE),
                    lambda y, a, x: call("gamma_kernel", a, x), domain=((0.3, 7), (0.2, 9)),
                    kind="routine", definition=_lowergamma,
                    oracle=lambda mp, a, x: mp.gammainc(a, 0, x), cost=1500, ulp=8.0,
                    names=Names(), source="NIST DLMF 8.2.1, 8.8.13")
uppergamma = define("uppergamma", no_closed_form(SHAPE),
                    lambda y, a, x: -call("gamma_kernel", a, x), domain=((0.3, 7), (0.2, 9)),
                    kind="routine", definition=_uppergamma,
                    oracle=lambda mp, a, x: mp.gammainc(a, x), cost=1500, ulp=8.0,
                    names=Names(), source="NIST DLMF 8.2.2, 8.8.13")
# fmt: on

ROWS = (
    *(gamma_kernel, gamma_density, log_minus_digamma),
    *(gammainc, gammaincc, lowergamma, uppergamma),
)
