"""Rows of the incomplete beta function, divided by beta(a, b), and of its slope.

NIST DLMF 8.17. The continued fraction 8.17.22 in the even form of Didonato and Morris (ACM TOMS
18, 1992, algorithm 708), on the side of the mean where it converges fast; where 1 less a value near
1 is wanted, the power series 8.17.7; next to the mean of large a and b an expansion in inverse
powers of the deviation. The factor x^a (1-x)^b/B(a, b) is the exponential of a pair of doubles; for
large a and b it is taken around the mean, where the large parts of the logarithms cancel.
"""

from __future__ import annotations

from math import factorial
from typing import Any

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
    log1p_parts,
    log_double,
    multiply_pairs,
    polynomial,
    scale_pair,
    two_sum,
)
from symgrad.functions.special.gamma.coefficients import STIRLING
from symgrad.functions.special.gamma.factorials import beta_parts
from symgrad.functions.special.gamma.gamma import LARGE, stirling_correction
from symgrad.functions.special.incomplete.gamma import lifted_exp, log_gamma_slope
from symgrad.ir.expression import Expr
from symgrad.ir.primitive import Names, define, no_closed_form

ONE_OVER_TWO_PI = 0.15915494309189535
NEAR = 0.3
MOST = 5000
VARIANCE = 2000.0
"""Of a + b trials: from here on an expansion around the mean is used, 3 deviations wide."""
DERIVATIVES, ORDERS = 10, 40
ROOT_HALF, ROOT_HALF_PI = 0.7071067811865476, 1.2533141373155003


def _logistic() -> list[list[float]]:
    """Polynomials in w = x y: the k-th derivative of log(1 + exp(u)) over w (k - 1)!, k = 3, 4, ...

    x is 1/(1 + exp(-u)), so w' = w (y - x) and (y - x)' = -2 w. Those of odd k are over y - x too;
    the signs are those of -(-1)^k.
    """
    made, now = [], [1]
    for k in range(3, DERIVATIVES + 1):
        grown = [(i + 1) * value for i, value in enumerate(now)]
        if k % 2:
            now = grown
        else:
            pairs = zip([*grown, 0], [0, *grown], [0, *now], strict=True)
            now = [one - 4 * moved - 2 * old for one, moved, old in pairs]
        made.append([(1 if k % 2 else -1) * value / factorial(k - 1) for value in now])
    return made


LOGISTIC = _logistic()


def _log(m: Any, x: Pair) -> Pair:
    """log(x) of a pair x > 0."""
    high, low = log_double(m, x[0])
    return fast_two_sum(high, low + x[1] / x[0])


def _around(m: Any, a: Any, shift: Pair, log: Pair) -> Pair:
    """A (log(1 + e) - e) with e = shift/a; ``log`` is log(1 + e) for an e beyond NEAR."""
    e = divide_pairs(m, shift, (a, 0.0))
    close = m.abs(e[0]) < NEAR
    near = m.where(close, e[0], 0.0), m.where(close, e[1], 0.0)
    f, series = log1p_parts(m, *near)
    rest = multiply_pairs(m, near, f)
    inside = scale_pair(m, add_pairs(series, (-rest[0], -rest[1])), a)
    outside = add_pairs(scale_pair(m, log, a), (-shift[0], -shift[1]))
    return m.where(close, inside[0], outside[0]), m.where(close, inside[1], outside[1])


def _exp(m: Any, exponent: Pair) -> Any:
    size = m.max(m.min(exponent[0], 1e3), -1e3)
    return exp_double(m, size, m.where(m.eq(size, exponent[0]), exponent[1], 0.0))


def _times(m: Any, x: Pair, total: Pair, a: Any) -> Pair:
    """Of x total/a, at least 5e-324."""
    ratio, low = divide_pairs(m, multiply_pairs(m, x, total), (a, 0.0))
    return m.max(ratio, 5e-324), low


def _power(m: Any, a: Any, b: Any, x: Pair, y: Pair, *, slope: bool = False) -> tuple[Any, Any]:
    """x^a y^b/B(a, b), x + y = 1, for a, b > 0 and 0 < x < 1; over x y where ``slope``.

    As two factors, of which the second is put last.
    """
    # Around the mean: x/mean - 1 is -moved/a, y/(1 - mean) - 1 moved/b.
    large = (a >= LARGE) & (b >= LARGE)
    a_, b_ = m.where(large, a, LARGE), m.where(large, b, LARGE)
    total, rest = two_sum(a_, b_)
    moved = add_pairs(scale_pair(m, y, a_), scale_pair(m, x, -b_))
    one = m.where(large, total, 1.0), m.where(large, rest, 0.0)
    log_x = _log(m, _times(m, x, one, m.where(large, a, 1.0)))
    log_y = _log(m, _times(m, y, one, m.where(large, b, 1.0)))
    log_beta, factor = beta_parts(m, a, b)
    logs = add_pairs(scale_pair(m, log_x, a), scale_pair(m, log_y, b))
    plain = add_pairs(logs, (-log_beta[0], -log_beta[1]))
    if slope:
        both = add_pairs(log_x, log_y)
        plain = add_pairs(plain, (-both[0], -both[1]))
    around = add_pairs(_around(m, a_, (-moved[0], -moved[1]), log_x), _around(m, b_, moved, log_y))
    around = add_to_pair(
        around,
        stirling_correction(m, total) - stirling_correction(m, a_) - stirling_correction(m, b_),
    )
    root = m.sqrt(m.min(a_, b_) * (m.max(a_, b_) / total) * ONE_OVER_TWO_PI)
    exponent = m.where(large, around[0], plain[0]), m.where(large, around[1], plain[1])
    scale = m.where(large, root, 1.0 / factor)
    if slope:
        power, back = lifted_exp(m, exponent)
        return power * (scale / m.where(large, x[0] * y[0], 1.0)), back
    return _exp(m, exponent), scale


def _fraction(m: Any, a: Any, b: Any, left: Pair, right: Pair) -> Any:
    """I_x(a, b) over x^a y^b/B(a, b), as Euler's sum of products, two of its terms a turn.

    Around the mean of large a and b the ratio of a term to the one before is near -1, and the sum
    is 50 times smaller than its first term. So 1 + ratio has its own formula, and what is summed
    is every other term times that: nothing cancels.
    """
    x, y = left[0], right[0]
    slope = add_pairs(scale_pair(m, right, a), scale_pair(m, left, -b))
    above_one, _ = add_to_pair(slope, 1.0)
    whole, lost = two_sum(a, b)
    # What is lost by the roundings of x and a + b is the same in all terms and adds up.
    rest = lost / whole + 2.0 * left[1] / x
    first = a * above_one / (a + 1.0)

    def half(n: Any, odd: Any, last: Any, kept: Any) -> tuple[Any, ...]:
        scaled = n * (b - n) * x * odd
        above = (a + (n - 1.0)) * (whole + (n - 1.0)) * x * odd * scaled
        above = m.fma(above, rest, above) * kept
        odd = 1.0 / (a + (2.0 * n + 1.0))
        here = n + scaled + (a + n) * m.fma(n, y, above_one + n) * odd
        product = last * here
        inverse = 1.0 / (product + above)
        return odd, here, product * inverse, above * inverse

    def step(k: Any, odd: Any, last: Any, kept: Any, term: Any, total: Any, low: Any) -> Any:
        n = 2.0 * k + 1.0
        odd, last, kept, ratio = half(n, odd, last, kept)
        total, lost = two_sum(total, term * kept)
        odd, last, kept, next_ratio = half(n + 1.0, odd, last, kept)
        term = term * ratio * next_ratio
        return m.abs(term) > 1e-17 * m.abs(total), odd, last, kept, term, total, low + lost

    start = (1.0 / (a + 1.0), first, 1.0, 1.0, 0.0, 0.0)
    _, _, _, _, total, low = m.loop(step, start, MOST)
    return (total + low) / first


def _expansion(m: Any, a: Any, b: Any, left: Pair, right: Pair, used: Any) -> Any:
    """I_x(a, b) over x^a y^b/B(a, b) next to the mean, where ``used``: others leave at once.

    With t = 1/(1 + exp(-u)) the logarithm of t^a (1 - t)^b has the derivative a y - b x by u, and
    all further ones are v = (a + b) x y times polynomials in x y and y - x. Scaled by v^(1/2), the
    integral is that of exp(-z s - s^2/2) over s > 0 times a power series, whose terms go down with
    v^(-1/2); the integrals M_j of s^j follow from M_0 by parts.
    """
    x, y = left[0], right[0]
    slope, _ = add_pairs(scale_pair(m, right, a), scale_pair(m, left, -b))
    w, skew = x * y, y - x
    inverse = 1.0 / m.sqrt((a + b) * w)
    z = slope * inverse
    rows = [polynomial(m, w, row) * (1.0 if i % 2 else skew) for i, row in enumerate(LOGISTIC)]
    scaled = [row * inverse ** (i + 1) for i, row in enumerate(rows)]

    def step(k: Any, before: Any, moment: Any, total: Any, *series: Any) -> tuple[Any, ...]:
        index = k + 1.0
        moment, before = m.fma(-z, moment, k * before) + m.where(m.eq(k, 0.0), 1.0, 0.0), moment
        added: Any = 0.0
        for factor, value in zip(scaled, series[2:], strict=True):
            added = m.fma(factor, value, added)
        added = added / index
        total = m.fma(added, moment, total)
        return used & (k < ORDERS - 1.0), before, moment, total, added, *series[:-1]

    first = ROOT_HALF_PI * m.erfcx(z * ROOT_HALF)
    start = (0.0, first, first, 1.0, *[0.0] * (len(LOGISTIC) + 1))
    return m.loop(step, start, ORDERS)[2] * inverse


def _log_gamma_rise(m: Any, b: Any, a: Any) -> tuple[Any, Any]:
    """(s, d), where log(gamma(b + a)/gamma(b))/a is log(s) - d, for 0 < a < 1 and b > 0.

    Both keep their digits as a goes to 0. b below 6 moves up by 6; then a difference of Stirling's
    series (NIST DLMF 5.11.1), divided by a term by term.
    """
    small = b < LARGE
    # The product of (b + a + k)/(b + k), less 1, and its logarithm.
    grown: Any = a / b
    for k in range(1, 6):
        grown = m.fma(1.0 + grown, a / (b + float(k)), grown)
    base = b + m.where(small, 6.0, 0.0)
    moved = m.where(small, m.log1p(grown) / a, 0.0)
    whole = base + a
    u, v = 1.0 / base, 1.0 / whole
    # (v^n - u^n)/a is -u v times the sum of u^i v^(n-1-i); n = 1, 3, 5, ...
    total, inner, power = STIRLING[0], 1.0, u
    for coefficient in STIRLING[1:]:
        inner = m.fma(inner, v * v, power * (u + v))
        total = m.fma(inner, coefficient, total)
        power = power * (u * u)
    return whole, moved - (base - 0.5) * (m.log1p(a * u) / a) + 1.0 + u * v * total


def _small(m: Any, a: Any, b: Any, x: Any) -> Any:
    """1 - I_x(a, b) for a < 1 and x (b + 1.8) <= 0.9, to all digits of a tiny one.

    I_x(a, b) is exp(a slope) (1 + a series) (NIST DLMF 8.17.7), slope being log(x) less
    log(a B(a, b))/a.
    """

    def step(k: Any, term: Any, total: Any, low: Any) -> tuple[Any, ...]:
        n = k + 1.0
        added = term * ((n - b) * x) / (n * (a + n))
        total, lost = two_sum(total, added)
        return m.abs(added) > 1e-17 * m.abs(total), added * (a + n), total, low + lost

    _, total, low = m.loop(step, (1.0, 0.0, 0.0), MOST)
    series = total + low
    whole, rest = _log_gamma_rise(m, b, a)
    slope = m.log(x * whole) - (rest + log_gamma_slope(m, a))
    grown = m.expm1(a * slope)
    return -grown - (1.0 + grown) * (a * series)


def _where(
    m: Any, used: Any, a: Any, b: Any, left: Pair, right: Pair
) -> tuple[Any, Any, Pair, Pair]:
    """The arguments where ``used``, else some that end a loop soon."""
    left, right = ((m.where(used, v[0], 0.5), m.where(used, v[1], 0.0)) for v in (left, right))
    return m.where(used, a, 1.0), m.where(used, b, 1.0), left, right


def _incomplete(m: Any, a: Any, b: Any, x: Any, *, complement: bool) -> Any:
    """I_x(a, b), or 1 - I_x(a, b)."""
    inside = (x > 0.0) & (x < 1.0)
    proper = inside & (a > 0.0) & (b > 0.0) & (a < 1e300) & (b < 1e300)
    a_, b_, x_ = m.where(proper, a, 1.0), m.where(proper, b, 1.0), m.where(proper, x, 0.5)
    y, low = fast_two_sum(1.0, -x_)
    swap = x_ * (a_ + b_) > a_
    # A small exponent makes the value small beyond the mean too: 1 less the other one lacks digits.
    exponent, other, part = (a_, b_, x_) if complement else (b_, a_, y)
    tiny = exponent < 1.0
    small = tiny & (part * (other + 1.8) <= 0.9)
    tiny_value = _small(
        m, m.where(small, exponent, 0.25), m.where(small, other, 1.0), m.where(small, part, 0.25)
    )
    swap = (swap | tiny) if complement else (swap & ~tiny)
    p, q = m.where(swap, b_, a_), m.where(swap, a_, b_)
    p, q = m.where(small, 1.0, p), m.where(small, 1.0, q)
    left = m.where(swap, y, x_), m.where(swap, low, 0.0)
    right = m.where(swap, x_, y), m.where(swap, 0.0, low)
    left, right = ((m.where(small, 0.5, v[0]), m.where(small, 0.0, v[1])) for v in (left, right))
    variance = (a_ + b_) * (x_ * y)
    slope = m.abs(m.fma(a_, y, -b_ * x_))
    close = ~small & (variance > VARIANCE) & (slope * slope < 9.0 * variance)
    near = _expansion(m, *_where(m, close, p, q, left, right), close)
    fraction = _fraction(m, *_where(m, ~close, p, q, left, right))
    power, scale = _power(m, p, q, left, right)
    value = power * scale * m.where(close, near, fraction)
    value = m.where(~swap if complement else swap, 1.0 - value, value)
    value = m.where(small, tiny_value, value)
    zero, one = (1.0, 0.0) if complement else (0.0, 1.0)
    valid = (a > 0.0) & (b > 0.0)
    end = m.where(valid & m.eq(x, 0.0), zero, m.where(valid & m.eq(x, 1.0), one, NAN))
    return m.where(proper, value, end)


def _betainc(m: Any, a: Any, b: Any, x: Any) -> Any:
    """I_x(a, b) (NIST DLMF 8.17.2), a, b > 0, 0 <= x <= 1.

    Within 9 ulp.
    """
    return _incomplete(m, a, b, x, complement=False)


def _betaincc(m: Any, a: Any, b: Any, x: Any) -> Any:
    """1 - I_x(a, b), as accurately."""
    return _incomplete(m, a, b, x, complement=True)


def density_parts(m: Any, a: Any, b: Any, x: Any) -> tuple[Any, Any, Any, Any]:
    """(0 < x < 1, B is infinite, p, q): the density inside is p q, p being no tiny number."""
    inside = (x > 0.0) & (x < 1.0)
    positive = inside & (a > 0.0) & (b > 0.0) & (a < 1e300) & (b < 1e300)
    x_ = m.where(inside, x, 0.5)
    y, low = fast_two_sum(1.0, -x_)
    a_, b_ = m.where(positive, a, 1.0), m.where(positive, b, 1.0)
    power, back = _power(m, a_, b_, (x_, 0.0), (y, low), slope=True)
    outer = m.pow(x_, a - 1.0) * m.pow(y, b - 1.0) / m.beta(a, b)
    empty = (m.eq(a, m.floor(a)) & (a <= 0.0)) | (m.eq(b, m.floor(b)) & (b <= 0.0))
    value = m.where(positive, power, m.where(empty, 0.0, outer))
    return inside, empty, value, m.where(positive, back, 1.0)


def _beta_density(m: Any, a: Any, b: Any, x: Any) -> Any:
    """x^(a-1) (1-x)^(b-1)/B(a, b), the slope of betainc; 0 where B is infinite."""
    inside, empty, density, back = density_parts(m, a, b, x)
    value = density * back
    near, far = m.where(m.eq(x, 0.0), a, b), m.where(m.eq(x, 0.0), b, a)
    end = m.where(near > 1.0, 0.0, m.where(m.eq(near, 1.0), far, INF))
    end = m.where(empty, 0.0, m.where(m.eq(x, 0.0) | m.eq(x, 1.0), end, NAN))
    return m.where(inside, value, m.where(m.eq(a, a) & m.eq(b, b), end, NAN))


def _density_oracle(mp: Any, a: Any, b: Any, x: Any) -> Any:
    if any(value <= 0 and mp.isint(value) for value in (a, b)):
        return mp.mpf(0)
    return x ** (a - 1) * (1 - x) ** (b - 1) / mp.beta(a, b)


def log_rate(a: Any, b: Any, x: Any) -> Expr:
    """The derivative of the density's logarithm by a."""
    return call("log", x) + call("digamma_difference", a, b)


def log_rate_of_other(a: Any, b: Any, x: Any) -> Expr:
    """The derivative of the density's logarithm by b."""
    return call("log1p", -x) + call("digamma_difference", b, a)


SHAPE = "a parameter of the incomplete beta function"


# fmt: off
beta_density = define("beta_density",
                      lambda y, a, b, x: y * log_rate(a, b, x),
                      lambda y, a, b, x: y * log_rate_of_other(a, b, x),
                      lambda y, a, b, x: call("beta_density_slope", a, b, x),
                      domain=((1.3, 7), (1.2, 6), (0.1, 0.9)), kind="routine",
                      definition=_beta_density, cost=1500, ulp=8.0, names=Names(),
                      oracle=_density_oracle,
                      source="NIST DLMF 8.17.1")
betainc = define("betainc", no_closed_form(SHAPE), no_closed_form(SHAPE),
                 lambda y, a, b, x: call("beta_density", a, b, x),
                 domain=((0.3, 7), (0.4, 6), (0.1, 0.9)), kind="routine", definition=_betainc,
                 oracle=lambda mp, a, b, x: mp.betainc(a, b, 0, x, regularized=True), cost=3000,
                 ulp=9.0, names=Names(), source="NIST DLMF 8.17.2")
betaincc = define("betaincc", no_closed_form(SHAPE), no_closed_form(SHAPE),
                  lambda y, a, b, x: -call("beta_density", a, b, x),
                  domain=((0.3, 7), (0.4, 6), (0.1, 0.9)), kind="routine", definition=_betaincc,
                  oracle=lambda mp, a, b, x: mp.betainc(b, a, 0, 1 - x, regularized=True),
                  cost=3000, ulp=9.0, names=Names(), source="NIST DLMF 8.17.2, 8.17.4")
# fmt: on

ROWS = (beta_density, betainc, betaincc)
