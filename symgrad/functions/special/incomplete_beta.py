"""Rows of the incomplete beta function, divided by beta(a, b), and of its slope.

NIST DLMF 8.17. The continued fraction 8.17.22 in the even form of Didonato and Morris (ACM TOMS
18, 1992, algorithm 708), on the side of the mean where it converges fast. Its factor x^a
(1-x)^b/B(a, b) is the exponential of a pair of doubles; for large a and b it is taken around the
mean, where the large parts of the logarithms cancel.
"""

from __future__ import annotations

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
    scale_pair,
    two_sum,
)
from symgrad.functions.special.factorials import beta_parts
from symgrad.functions.special.gamma import LARGE, stirling_correction
from symgrad.ir.primitive import Names, define, no_closed_form

ONE_OVER_TWO_PI = 0.15915494309189535
NEAR = 0.3
MOST = 5000


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


def _power(m: Any, a: Any, b: Any, x: Pair, y: Pair) -> Any:
    """x^a y^b/B(a, b), x + y = 1, for a, b > 0 and 0 < x < 1."""
    log_x, log_y = _log(m, x), _log(m, y)
    logs = add_pairs(scale_pair(m, log_x, a), scale_pair(m, log_y, b))
    log_beta, above, below = beta_parts(m, a, b)
    plain = add_pairs(logs, (-log_beta[0], -log_beta[1]))
    # Around the mean: x/mean - 1 is -moved/a, y/(1 - mean) - 1 moved/b.
    large = (a >= LARGE) & (b >= LARGE)
    a_, b_ = m.where(large, a, LARGE), m.where(large, b, LARGE)
    total, rest = two_sum(a_, b_)
    moved = add_pairs(scale_pair(m, y, a_), scale_pair(m, x, -b_))
    whole = _log(m, (total, rest))
    log_a, log_b = log_double(m, a_), log_double(m, b_)
    of_x = add_pairs(add_pairs(log_x, whole), (-log_a[0], -log_a[1]))
    of_y = add_pairs(add_pairs(log_y, whole), (-log_b[0], -log_b[1]))
    around = add_pairs(_around(m, a_, (-moved[0], -moved[1]), of_x), _around(m, b_, moved, of_y))
    around = add_to_pair(
        around,
        stirling_correction(m, total) - stirling_correction(m, a_) - stirling_correction(m, b_),
    )
    root = m.sqrt(m.min(a_, b_) * (m.max(a_, b_) / total) * ONE_OVER_TWO_PI)
    exponent = m.where(large, around[0], plain[0]), m.where(large, around[1], plain[1])
    return _exp(m, exponent) * m.where(large, root, below / above)


def _fraction(m: Any, a: Any, b: Any, left: Pair, right: Pair) -> Any:
    """I_x(a, b) over x^a y^b/B(a, b), as Euler's sum of products."""
    x, y = left[0], right[0]
    slope, _ = add_pairs(scale_pair(m, right, a), scale_pair(m, left, -b))
    first = a * (slope + 1.0) / (a + 1.0)

    def step(k: Any, last: Any, ratio: Any, term: Any, total: Any, low: Any) -> tuple[Any, ...]:
        n = k + 1.0
        odd = a + (2.0 * n - 1.0)
        scaled = n * (b - n) * x / odd
        above = (a + k) * (a + b + k) * x / odd * scaled * (1.0 + ratio)
        here = n + scaled + (a + n) * (slope + 1.0 + n * (1.0 + y)) / (a + (2.0 * n + 1.0))
        ratio = -above / m.fma(last, here, above)
        term = term * ratio
        total, lost = two_sum(total, term)
        return m.abs(term) > 1e-17 * m.abs(total), here, ratio, term, total, low + lost

    _, _, _, total, low = m.loop(step, (first, 0.0, 1.0, 1.0, 0.0), MOST)
    return (total + low) / first


def _incomplete(m: Any, a: Any, b: Any, x: Any, *, complement: bool) -> Any:
    """I_x(a, b), or 1 - I_x(a, b)."""
    inside = (x > 0.0) & (x < 1.0)
    proper = inside & (a > 0.0) & (b > 0.0) & (a < 1e300) & (b < 1e300)
    a_, b_, x_ = m.where(proper, a, 1.0), m.where(proper, b, 1.0), m.where(proper, x, 0.5)
    y, low = fast_two_sum(1.0, -x_)
    swap = x_ * (a_ + b_ + 2.0) > a_ + 1.0
    # A tiny exponent keeps its own side, where the value is tiny too.
    own, other = (b_ < 0.5) & (x_ < 0.999), (a_ < 0.5) & (y < 0.999)
    swap = (swap | other) if complement else (swap & ~own)
    p, q = m.where(swap, b_, a_), m.where(swap, a_, b_)
    left = m.where(swap, y, x_), m.where(swap, low, 0.0)
    right = m.where(swap, x_, y), m.where(swap, 0.0, low)
    value = _power(m, p, q, left, right) * _fraction(m, p, q, left, right)
    value = m.where(~swap if complement else swap, 1.0 - value, value)
    zero, one = (1.0, 0.0) if complement else (0.0, 1.0)
    valid = (a > 0.0) & (b > 0.0)
    end = m.where(valid & m.eq(x, 0.0), zero, m.where(valid & m.eq(x, 1.0), one, NAN))
    return m.where(proper, value, end)


def _betainc(m: Any, a: Any, b: Any, x: Any) -> Any:
    """I_x(a, b) (NIST DLMF 8.17.2), a, b > 0, 0 <= x <= 1.

    Within 8 ulp, but where it is 1 less something (beyond the mean) within 8 eps.
    """
    return _incomplete(m, a, b, x, complement=False)


def _betaincc(m: Any, a: Any, b: Any, x: Any) -> Any:
    """1 - I_x(a, b), as accurately."""
    return _incomplete(m, a, b, x, complement=True)


def _beta_density(m: Any, a: Any, b: Any, x: Any) -> Any:
    """x^(a-1) (1-x)^(b-1)/B(a, b), the slope of betainc; 0 where B is infinite."""
    inside = (x > 0.0) & (x < 1.0)
    positive = inside & (a > 0.0) & (b > 0.0) & (a < 1e300) & (b < 1e300)
    x_ = m.where(inside, x, 0.5)
    y, low = fast_two_sum(1.0, -x_)
    a_, b_ = m.where(positive, a, 1.0), m.where(positive, b, 1.0)
    value = _power(m, a_, b_, (x_, 0.0), (y, low)) / (x_ * y)
    outer = m.pow(x_, a - 1.0) * m.pow(y, b - 1.0) / m.beta(a, b)
    empty = (m.eq(a, m.floor(a)) & (a <= 0.0)) | (m.eq(b, m.floor(b)) & (b <= 0.0))
    value = m.where(positive, value, m.where(empty, 0.0, outer))
    near, far = m.where(m.eq(x, 0.0), a, b), m.where(m.eq(x, 0.0), b, a)
    end = m.where(near > 1.0, 0.0, m.where(m.eq(near, 1.0), far, INF))
    end = m.where(empty, 0.0, m.where(m.eq(x, 0.0) | m.eq(x, 1.0), end, NAN))
    return m.where(inside, value, m.where(m.eq(a, a) & m.eq(b, b), end, NAN))


def _density_oracle(mp: Any, a: Any, b: Any, x: Any) -> Any:
    if any(value <= 0 and mp.isint(value) for value in (a, b)):
        return mp.mpf(0)
    return x ** (a - 1) * (1 - x) ** (b - 1) / mp.beta(a, b)


SHAPE = "a parameter of the incomplete beta function"


def _digammas(y: Any, log: Any, own: Any, both: Any) -> Any:
    return y * (log - call("digamma", own) + call("digamma", both))


# fmt: off
beta_density = define("beta_density",
                      lambda y, a, b, x: _digammas(y, call("log", x), a, a + b),
                      lambda y, a, b, x: _digammas(y, call("log1p", -x), b, a + b),
                      lambda y, a, b, x: (a + b - 1) * (call("beta_density", a - 1, b, x)
                                                        - call("beta_density", a, b - 1, x)),
                      domain=((1.3, 7), (1.2, 6), (0.1, 0.9)), kind="routine",
                      definition=_beta_density, cost=1500, ulp=8.0, names=Names(),
                      oracle=_density_oracle,
                      source="NIST DLMF 8.17.1")
betainc = define("betainc", no_closed_form(SHAPE), no_closed_form(SHAPE),
                 lambda y, a, b, x: call("beta_density", a, b, x),
                 domain=((0.3, 7), (0.4, 6), (0.1, 0.9)), kind="routine", definition=_betainc,
                 oracle=lambda mp, a, b, x: mp.betainc(a, b, 0, x, regularized=True), cost=3000,
                 ulp=10.0, names=Names(), source="NIST DLMF 8.17.2")
betaincc = define("betaincc", no_closed_form(SHAPE), no_closed_form(SHAPE),
                  lambda y, a, b, x: -call("beta_density", a, b, x),
                  domain=((0.3, 7), (0.4, 6), (0.1, 0.9)), kind="routine", definition=_betaincc,
                  oracle=lambda mp, a, b, x: mp.betainc(b, a, 0, 1 - x, regularized=True),
                  cost=3000, ulp=10.0, names=Names(), source="NIST DLMF 8.17.2, 8.17.4")
# fmt: on

ROWS = (beta_density, betainc, betaincc)
