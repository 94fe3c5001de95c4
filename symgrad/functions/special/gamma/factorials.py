"""Rows of quotients of gamma functions: beta, binomial coefficients, rising factorials.

NIST DLMF 5.12, 5.2.4, 1.2.6. The quotient gamma(a)/gamma(a + b) is the exponential of a pair of
doubles: differences of log gamma as such would lose all digits (Didonato and Morris, ACM TOMS 18,
1992, algorithm 708).
"""

from __future__ import annotations

from typing import Any

from symgrad.functions.elementary import call
from symgrad.functions.special.double import (
    INF,
    NAN,
    ONE,
    PI,
    Pair,
    add_pairs,
    add_to_pair,
    cos_pi,
    divide_pairs,
    exp_double,
    fast_two_sum,
    is_even,
    log1p_double,
    log_double,
    multiply_pairs,
    negative,
    polynomial,
    scale_pair,
    select_pair,
    sin_pi,
    two_product,
    two_sum,
)
from symgrad.functions.special.gamma.coefficients import RECIPROCAL
from symgrad.functions.special.gamma.gamma import (
    LARGE,
    _factors,
    stirling,
    stirling_by_log,
    stirling_correction,
)
from symgrad.ir.primitive import Names, define

ONE_OVER_PI = 0.3183098861837907
SHIFT = 6
EXP_138 = 8.56324762248225e59
RAISED, LOG_RAISED = 2.0**60, 41.58883083359672


def log_quotient(m: Any, a: Any, low: Any, b: Any) -> Pair:
    """log(gamma(a + low)/gamma(a + low + b)) as a pair, for a >= 6 and b >= 0.

    (NIST DLMF 5.11.1 twice): -(a - 1/2) log(1 + b/a) - b log(a + b) + b + two corrections.
    """
    ratio = divide_pairs(m, (b, 0.0), (a, 0.0))
    total, rest = two_sum(a, b)
    high, less = log_double(m, total)
    whole = fast_two_sum(high, less + rest / total)
    near = log1p_double(m, m.min(ratio[0], 0.4), m.where(ratio[0] < 0.4, ratio[1], 0.0))
    log, log_low = log_double(m, a)
    far = add_pairs(whole, (-log, -log_low))
    close = ratio[0] < 0.4
    grown = m.where(close, near[0], far[0]), m.where(close, near[1], far[1])
    main = add_pairs(scale_pair(m, grown, 0.5 - a), scale_pair(m, whole, -b))
    main = add_pairs(main, (b, stirling_correction(m, a) - stirling_correction(m, total)))
    # The low part of a changes the logarithm by digamma(a) - digamma(a + b) times itself.
    return fast_two_sum(main[0], main[1] - low * grown[0])


def _quotient(m: Any, a: Any, b: Any) -> tuple[Pair, Pair, Pair]:
    """(log, above, below): gamma(a)/gamma(a + b) = exp(log) above/below, for a > 0, b >= 0.

    Below 6 a moves up by 6: above is the product of a + b + k, below that of a + k, k = 0 ... 5,
    each kept with what its roundings lose.
    """
    small = a < LARGE
    shifted, low = two_sum(a, m.where(small, float(SHIFT), 0.0))
    total, rest = two_sum(a, b)
    above, below = (m.where(small, total, 1.0), m.where(small, rest, 0.0)), (a, 0.0)
    for k in range(1, SHIFT):
        above = _times(m, above, total, rest, m.where(small, float(k), 1.0), small)
        below = _times(m, below, a, 0.0, float(k), small)
    quotient = m.where(small, below[0], 1.0), m.where(small, below[1], 0.0)
    return log_quotient(m, shifted, low, b), above, quotient


def _times(m: Any, product: Pair, base: Any, low: Any, k: Any, used: Any) -> Pair:
    """Product (base + low + k) as a pair where ``used``."""
    factor, rest = two_sum(m.where(used, base, 0.0), k)
    high, lost = two_product(m, product[0], factor)
    rest = rest + m.where(used, low, 0.0)
    return high, m.fma(product[1], factor, m.fma(product[0], rest, lost))


def _gamma_factors(m: Any, b: Any) -> tuple[Any, Pair]:
    """(above, below): gamma(b) = above/below for 0 < b < 6, and both 1 from there.

    Below 1 the factors keep what their roundings lose.
    """
    big = b >= LARGE
    s, up, down = _factors(m, m.min(b, LARGE))
    _, lost = two_product(m, b, 1.0 + b)
    lost = m.where(b < 0.5, m.fma(b, fast_two_sum(1.0, m.min(b, 1.0))[1], lost), 0.0)
    rest, rest_low = two_product(m, s, polynomial(m, s, RECIPROCAL))
    reciprocal, low = fast_two_sum(1.0, rest)
    below = multiply_pairs(m, (down, lost), (reciprocal, low + rest_low))
    return m.where(big, 1.0, up), (m.where(big, 1.0, below[0]), m.where(big, 0.0, below[1]))


def beta_parts(m: Any, a: Any, b: Any) -> tuple[Pair, Any]:
    """(log, factor): beta(a, b) = exp(log) factor, for finite a, b > 0."""
    least = m.min(a, b)
    big = least >= LARGE
    log, above, below = _quotient(m, m.max(a, b), least)
    up, down = _gamma_factors(m, least)
    high, low = stirling(m, m.min(m.max(least, LARGE), 1e100))
    log = add_pairs(log, (m.where(big, high, 0.0), m.where(big, low, 0.0)))
    # Two quotients: the product of two tiny numbers would underflow.
    first, first_low = _over(m, above, below)
    second, second_low = _over(m, (up, 0.0), down)
    factor = first * second
    lost = first_low + second_low + _small(m, m.fma(first, second, -factor) / factor)
    return (log[0], log[1] + lost), factor


def _over(m: Any, a: Pair, b: Pair) -> Pair:
    """(q, r): a/b = q exp(r), as a low part of q would be nothing beside a large power."""
    quotient = a[0] / b[0]
    rest = m.fma(-quotient, b[0], a[0]) + m.fma(-quotient, b[1], a[1])
    return quotient, _small(m, rest / a[0])


def _small(m: Any, lost: Any) -> Any:
    """What a rounding lost, but 0 next to infinite and subnormal numbers."""
    return m.where(m.abs(lost) < 1e-12, lost, 0.0)


def _log_beta(m: Any, a: Any, b: Any) -> Any:
    """log(beta(a, b)), whose parts are pairs: next to beta = 1 they cancel."""
    least = m.min(a, b)
    big = least >= LARGE
    log, above, below = _quotient(m, m.max(a, b), least)
    up, down = _gamma_factors(m, least)
    high, low = multiply_pairs(m, divide_pairs(m, above, below), divide_pairs(m, (up, 0.0), down))
    # From 6 on all factors are 1: one logarithm serves them and Stirling's series.
    large = m.min(m.max(least, LARGE), 1e300)
    factor = log_double(m, m.where(big, large, high))
    far = stirling_by_log(m, large, factor)
    own = m.where(big, far[0], factor[0]), m.where(big, far[1], factor[1] + low / high)
    high, low = add_pairs(log, own)
    return high + low


def _power(m: Any, high: Any, low: Any, factor: Any, *, root: bool = False) -> Any:
    """exp(high + low) factor, where the exponential alone may be beyond the range of doubles.

    With ``root`` its square root, which is a double where the square is out of range.
    """
    if root:
        whole, factor = factor, m.sqrt(factor)
        lost = _small(m, m.fma(-factor, factor, whole) / (2.0 * whole))
        high, low = 0.5 * high, m.fma(0.5, low, lost)
    near = m.max(m.min(high, 1e4), -1e4)
    shift = m.where(near > 600.0, 138.0, m.where(near < -600.0, -138.0, 0.0))
    high_, rest = fast_two_sum(near, -shift)
    power = exp_double(m, high_, m.where(m.eq(near, high), low + rest, 0.0))
    back = m.where(shift > 0.0, EXP_138, m.where(shift < 0.0, 1.0 / EXP_138, 1.0))
    return power * factor * back


def _raised(m: Any, log: Pair, factor: Any, inverted: Any, *, root: bool = False) -> Any:
    """exp(log) factor, or its inverse, or the square root of that."""
    inverse, lost = _over(m, ONE, (factor, 0.0))
    sign = m.where(inverted, -1.0, 1.0)
    rest = m.fma(sign, log[1], m.where(inverted, lost, 0.0))
    return _power(m, sign * log[0], rest, m.where(inverted, inverse, factor), root=root)


def _beta(m: Any, a: Any, b: Any) -> Any:
    """gamma(a) gamma(b)/gamma(a + b) (NIST DLMF 5.12.1).

    With 5.5.3 a negative argument leaves sines and a beta of positive ones or its inverse: for
    a < 0 it is sin(pi (a + b))/sin(pi a) B(b, 1 - a - b) where a + b < 0 < b, otherwise
    pi/sin(pi a)/(b B(1 - a, a + b)), or where b < 0, too, pi sin(pi (a + b))/(sin(pi a) sin(pi b))
    /((1 - a - b) B(1 - a, 1 - b)). Within 8 ulp for positive arguments, within 10 for others away
    from zeros and poles.
    """
    inside = m.ne(a * b, 0.0) & (m.abs(a) < INF) & (m.abs(b) < INF)
    least, most = m.where(inside, m.min(a, b), 1.0), m.where(inside, m.max(a, b), 1.0)
    total, rest = two_sum(least, most)
    turned, both, below = least < 0.0, most < 0.0, total <= 0.0
    falls, inverted = below & ~both, turned & (both | ~below)
    q, q_low = two_sum(
        m.where(turned, 1.0, 0.0), m.where(turned, -m.where(falls, total, least), least)
    )
    q_low = q_low - m.where(falls, rest, 0.0)
    rises = inverted & ~both
    p, p_low = two_sum(m.where(both, 1.0, 0.0), m.where(both, -most, m.where(rises, total, most)))
    p_low = p_low + m.where(rises, rest, 0.0)
    log, factor = beta_parts(m, p, q)
    log = add_pairs(log, (_lost(m, p, q, p_low) + _lost(m, q, p, q_low), 0.0))
    value = _raised(m, log, factor, inverted)
    sines = m.where(below, _sine(m, total, rest), 1.0)
    under = sin_pi(m, least) * m.where(both, sin_pi(m, most), 1.0)
    sines = m.where(m.eq(under, 0.0), NAN, sines / under)
    sines = sines * m.where(inverted, PI[0] / m.where(both, 1.0 - total, most), 1.0)
    end = m.where((a >= 0.0) & (b >= 0.0), 1.0 / a + 1.0 / b, NAN)
    end = m.where(m.max(a, b) < INF, end, m.where(end > 0.0, 0.0, NAN))
    return m.where(inside, m.where(turned, value * sines, value), end)


def _logbeta(m: Any, a: Any, b: Any) -> Any:
    """Log beta(a, b) for a, b > 0; within 8 ulp away from beta = 1, else 8 eps.

    inf where one of them is 0, -inf where one is inf, nan elsewhere.
    """
    inside = (a > 0.0) & (b > 0.0) & (a < INF) & (b < INF)
    x, y = m.where(inside, a, 1.0), m.where(inside, b, 1.0)
    least, most = m.min(a, b), m.max(a, b)
    end = m.where(least > 0.0, -INF, m.where(m.eq(least, 0.0) & (most < INF), INF, NAN))
    end = m.where(m.eq(a, a) & m.eq(b, b), end, NAN)
    # Of two tiny arguments, or of one beside a larger one, beta is as their inverse: subnormal
    # ones, which have none, are raised.
    tiny = m.min(x, y) < 2.0**-960
    x, y = (value * m.where(tiny & (value < 2.0**-800), RAISED, 1.0) for value in (x, y))
    raised = _log_beta(m, x, y) + m.where(tiny, LOG_RAISED, 0.0)
    return m.where(inside, raised, end)


def _lost(m: Any, a: Any, b: Any, low: Any) -> Any:
    """Low (digamma(a) - digamma(a + b)), roughly: low is what a rounding lost."""
    safe, whole = m.max(a, 1.0), m.max(a, 1.0) + b
    return -low * (m.log1p(b / safe) + 0.5 * (1.0 / safe - 1.0 / whole))


def _sine(m: Any, x: Any, low: Any) -> Any:
    """sin(pi (x + low))."""
    return m.fma(PI[0] * low, cos_pi(m, x), sin_pi(m, x))


def _binomial(m: Any, n: Any, k: Any) -> Any:
    """gamma(n + 1)/(gamma(k + 1) gamma(n - k + 1)) (NIST DLMF 1.2.6), real n and k.

    1/((n + 1) beta(k + 1, n - k + 1)); for whole k and negative n (-1)^k times that of k - n - 1;
    where one of k, n - k, or n is below -1, its gamma is reflected. Within 8 ulp for n, k and n - k
    above -1, within 10 elsewhere; whole numbers below 2^50 are exact. 0 for whole k < 0; nan for
    whole n < 0 at other k. At n = inf its limits, and at infinite k for n > -1.
    """
    return _coefficient(m, n, k, root=False)


def _binomial_root(m: Any, n: Any, k: Any) -> Any:
    """The square root of a binomial coefficient's size, with its sign; as accurate.

    But its zeros at n < k are those of n - k + 1 as that is rounded: derivatives multiply it by
    digamma of this.
    """
    less = k - 1.0
    zeros = (n < less) & ((n > -1.0) | m.eq(k, m.floor(k)))
    return _coefficient(m, m.where(zeros, (n - less) + less, n), k, root=True)


def _signed_root(m: Any, x: Any) -> Any:
    return m.copysign(m.sqrt(m.abs(x)), x)


def _coefficient(m: Any, n: Any, k: Any, *, root: bool) -> Any:
    """The binomial coefficient, or its root."""
    whole = m.eq(k, m.floor(k))
    turned = whole & (n < 0.0)
    # Otherwise it is sin(pi (n - k))/sin(pi n) times that of k - n - 1, for the larger k of two.
    reflected = ~whole & (n <= -1.0)
    flipped = turned | reflected
    other = two_sum(n, -k)
    of_other = reflected & (other[0] > k)
    own = select_pair(m, of_other, other, (k, 0.0))
    angle = select_pair(m, of_other, (k, 0.0), other)
    next_ = two_sum(m.where(flipped, own[0], 1.0), m.where(flipped, -n, n))
    rest = two_sum(m.where(flipped, -n, n), -m.where(flipped, 1.0, k))
    proper = (next_[0] > 0.0) & (next_[0] < INF) & (m.abs(k) < INF)
    # Of k and n - k the larger one goes first, as only the second may be below -1 here.
    first = select_pair(m, rest[0] > own[0], rest, own)
    second = select_pair(m, rest[0] > own[0], own, rest)
    next_, first, second = (select_pair(m, proper, pair, ONE) for pair in (next_, first, second))
    low = second[0] <= -1.0
    p = select_pair(m, low, next_, add_to_pair(first, 1.0))
    q = select_pair(m, low, negative(second), add_to_pair(second, 1.0))
    log, factor = beta_parts(m, p[0], q[0])
    # What a rounding loses moves the result by digammas.
    log = add_pairs(log, (_lost(m, p[0], q[0], p[1]) + _lost(m, q[0], p[0], q[1]), 0.0))
    log_all = add_pairs(log, log_double(m, next_[0]))
    power = _raised(m, select_pair(m, low, log, log_all), factor, ~low, root=root)
    under = m.where(reflected, sin_pi(m, n), 1.0)
    sine = m.where(low, _sine(m, *q) * ONE_OVER_PI, 1.0)
    sine = sine * m.where(reflected, _sine(m, *angle) / under, 1.0)
    value = power * (_signed_root(m, sine) if root else sine)
    if not root:
        integer = whole & m.eq(n, m.floor(n)) & (m.abs(value) < 2.0**50)
        value = m.where(integer, m.rint(value), value)
    value = m.where(turned & ~is_even(m, k), -value, value)
    value = m.where(whole & (k < 0.0) | m.eq(value, 0.0), 0.0, value)
    end = m.where((m.abs(k) >= INF) & (n > -1.0) & (n < INF), 0.0, NAN)
    end = m.where(m.eq(n, INF) & (m.abs(k) < INF), _grown(m, k), end)
    return m.where(proper & m.ne(under, 0.0), value, end)


def _grown(m: Any, k: Any) -> Any:
    """The limit of x^k as x goes to infinity."""
    return m.where(k > 0.0, INF, m.where(k < 0.0, 0.0, 1.0))


def _rising(m: Any, x: Any, k: Any) -> Any:
    """gamma(x + k)/gamma(x) (NIST DLMF 5.2.5), real x and k.

    Within 8 ulp where x and x + k are positive; elsewhere by reflection, as far as gamma reaches.
    At x = inf and k = -inf its limits.
    """
    return _rise_of(m, x, k, root=False)


def _rising_root(m: Any, x: Any, k: Any) -> Any:
    """The square root of a rising factorial's size, with its sign; as accurate."""
    return _rise_of(m, x, k, root=True)


def _psi(m: Any, a: Any) -> Any:
    """Digamma(a), a > 0, roughly: for what is lost in a rounding (NIST DLMF 5.5.2, 5.11.2)."""
    return m.log(a + 1.0) - 0.5 / (a + 1.0) - 1.0 / a


def _rise_of(m: Any, x: Any, k: Any, *, root: bool) -> Any:
    """The rising factorial, or its root."""
    end, end_low = two_sum(x, k)
    both = (x < 0.5) & (end < 0.5) & ((x <= 0.0) | (end <= 0.0))
    from_ = m.where(both, 1.0 - end, x)
    until = m.where(both, 1.0 - x, end)
    proper = (from_ > 0.0) & (until > 0.0) & (from_ < INF) & (until < INF)
    forward = k >= 0.0
    start = m.where(proper, m.where(forward, from_, until), 1.0)
    step = m.where(proper, m.abs(k), 1.0)
    log, above, below = _quotient(m, start, m.where(start < LARGE, m.min(step, 1e4), step))
    quotient, lost = _over(
        m, select_pair(m, forward, below, above), select_pair(m, forward, above, below)
    )
    sign = m.where(forward, -1.0, 1.0)
    value = _power(m, sign * log[0], m.fma(sign, log[1], lost), quotient, root=root)
    whole = m.eq(k, m.floor(k))
    parity = m.where(is_even(m, k), 1.0, -1.0)
    sine, sine_end = sin_pi(m, x), _sine(m, end, end_low)
    sines = m.where(whole, parity, sine / sine_end)
    value = m.where(both, value * (_signed_root(m, sines) if root else sines), value)
    # Of one below 0 the gamma is reflected: sin(pi x)/pi gamma(x + k) gamma(1 - x), or the inverse
    # of sin(pi (x + k))/pi gamma(1 - x - k) gamma(x).
    back = x > 0.0
    u, u_low = select_pair(m, back, (x, 0.0), (end, end_low))
    v, v_low = two_sum(1.0, -m.where(back, end, x))
    v_low = v_low - m.where(back, end_low, 0.0)
    sine = m.where(back, sine_end, sine) * ONE_OVER_PI
    moved = u_low * _psi(m, u) + v_low * _psi(m, v)
    gammas = m.gamma(u), m.gamma(v)
    if root:
        sine, gammas, moved = _signed_root(m, sine), tuple(map(m.sqrt, gammas)), 0.5 * moved
    product = gammas[0] * m.fma(sine, moved, sine) * gammas[1]
    other = m.where(back, m.where(m.eq(sine, 0.0) & (end < 0.0), NAN, 1.0 / product), product)
    other = m.where(m.eq(k, -INF) & (m.abs(x) < INF), 0.0, other)
    other = m.where(m.eq(k, INF) & (m.abs(x) < INF), k * m.where(back, 1.0, sine), other)
    other = m.where(m.eq(x, INF) & (m.abs(k) < INF), _grown(m, k), other)
    value = m.where(proper, value, other)
    return m.where(m.eq(k, 0.0) & m.eq(x, x), 1.0, value)


def _rise(a: Any, b: Any) -> Any:
    return call("digamma_difference", a, b)


def _root(mp: Any, value: Any) -> Any:
    return mp.sign(value) * mp.sqrt(abs(value))


# fmt: off
beta = define("beta", lambda y, a, b: call("beta_a", a, b),
              lambda y, a, b: call("beta_b", a, b), domain=((0.3, 9), (0.2, 7)),
              kind="routine", definition=_beta, oracle=lambda mp, a, b: mp.beta(a, b), cost=700,
              ulp=8.0, names=Names(mpmath="beta"), source="NIST DLMF 5.12.1, 5.2.2")
logbeta = define("logbeta", lambda y, a, b: -_rise(a, b), lambda y, a, b: -_rise(b, a),
                 domain=((0.3, 9), (0.2, 7)), kind="routine", definition=_logbeta,
                 oracle=lambda mp, a, b: mp.log(mp.beta(a, b)), cost=400, ulp=8.0, names=Names(),
                 source="NIST DLMF 5.12.1, 5.2.2")
binomial = define("binomial", lambda y, n, k: call("binomial_n", n, k),
                  lambda y, n, k: call("binomial_k", n, k),
                  domain=((5.2, 9), (0.2, 4.4)), kind="routine", definition=_binomial,
                  oracle=lambda mp, n, k: mp.binomial(n, k), cost=900, ulp=8.0,
                  names=Names(mpmath="binomial"), source="NIST DLMF 1.2.6, 5.2.2")
rising_factorial = define("rising_factorial", lambda y, x, k: call("rising_x", x, k),
                          lambda y, x, k: call("rising_k", x, k),
                          domain=((0.3, 9), (0.2, 7)), kind="routine", definition=_rising,
                          oracle=lambda mp, x, k: mp.rf(x, k), cost=900, ulp=8.0,
                          names=Names(mpmath="rf"), source="NIST DLMF 5.2.5, 5.2.2")
binomial_root = define("binomial_root", lambda y, n, k: y * _rise(n - k + 1, k) / 2,
                       lambda y, n, k: y * _rise(k + 1, n - 2 * k) / 2,
                       domain=((5.2, 9), (0.2, 4.4)), kind="routine", definition=_binomial_root,
                       oracle=lambda mp, n, k: _root(mp, mp.binomial(n, k)), cost=900, ulp=8.0,
                       names=Names(), source="NIST DLMF 1.2.6, 5.2.2")
rising_root = define("rising_root", lambda y, x, k: y * _rise(x, k) / 2,
                     lambda y, x, k: y * call("digamma_of_sum", x, k) / 2,
                     domain=((0.3, 9), (0.2, 7)), kind="routine", definition=_rising_root,
                     oracle=lambda mp, x, k: _root(mp, mp.rf(x, k)), cost=900, ulp=8.0,
                     names=Names(), source="NIST DLMF 5.2.5, 5.2.2")
# fmt: on

ROWS = (beta, logbeta, binomial, rising_factorial, binomial_root, rising_root)
