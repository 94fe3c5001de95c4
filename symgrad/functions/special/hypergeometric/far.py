"""0F1 and 1F1 far from 0: waves and the asymptotic series of Kummer's function."""

from __future__ import annotations

from typing import Any

from symgrad.functions.special.bessel.real_order import ROOT_TWO_OVER_PI, hankel
from symgrad.functions.special.bessel.recurrences import upward
from symgrad.functions.special.double import (
    INF,
    NAN,
    Pair,
    add_pairs,
    add_to_pair,
    cos_pi,
    multiply_pairs,
    negative,
    scale_pair,
    sin_pi,
    two_sum,
)
from symgrad.functions.special.hypergeometric.factors import gamma_ratio, log_near, times_exp

WAVES = 169.0
"""0F1 is taken from its waves below minus this: J of 26 and more."""

LARGEST = 1e300


def waves(m: Any, b: Any, y: Any) -> Any:
    """0F1(; b; -y) = gamma(b) (x/2)^(1-b) J_{b-1}(x), x = 2 sqrt(y) > |b - 1| (NIST DLMF 10.16.9).

    J by Hankel's series (10.17.3) at two orders within 3/2 of 0 and its recurrence (10.6.1). What
    rounding x loses is put into the waves: it would turn those of a large x. Near zeros the error
    is measured against the amplitude of the waves.
    """
    inside = m.min(y, LARGEST)
    root = m.sqrt(inside)
    x, x_low = 2.0 * root, m.fma(-root, root, inside) / root
    order, order_low = two_sum(b, -1.0)
    nearest = m.rint(order)
    mu = (order - nearest) + order_low
    down = nearest < 0.0
    turn = 0.5 * mu + 0.25
    turn_sine, turn_cosine = sin_pi(m, turn), cos_pi(m, turn)
    sine, cosine = m.sin(x), m.cos(x)
    sine_low, cosine_low = m.sin(x_low), m.cos(x_low)
    sine, cosine = (
        m.fma(sine, cosine_low, cosine * sine_low),
        m.fma(cosine, cosine_low, -(sine * sine_low)),
    )
    s = m.fma(sine, turn_cosine, -(cosine * turn_sine))
    c = m.fma(cosine, turn_cosine, sine * turn_sine)
    even, odd = hankel(m, mu, x, -1.0)
    first = m.fma(even, c, -(odd * s))
    side = m.where(down, -1.0, 1.0)
    even, odd = hankel(m, mu + side, x, -1.0)
    second = side * m.fma(even, s, odd * c)
    j = upward(m, m.abs(nearest), x, first, second, -1.0, side, side * mu)
    ratio, log = gamma_ratio(m, ((b, 0.0),), ())
    exponent = scale_pair(m, two_sum(1.0, -b), 0.5)
    log = add_pairs(log, multiply_pairs(m, log_near(m, (inside, 0.0)), exponent))
    value = times_exp(m, ROOT_TWO_OVER_PI * ratio * (j / m.sqrt(x)), log)
    return m.where(y < INF, value, m.where(b > 0.5, 0.0, NAN))


def kummer_far(m: Any, a: Pair, b: Any, above: Pair, z: Any, decays: Any) -> Any:
    """M(a, b, z), z large and above = b - a, times exp(-z) where ``decays`` (NIST DLMF 13.7.2)."""
    inside = m.min(z, LARGEST)
    other, rest = 1.0 - a[0], above[0]
    inverse = 1.0 / inside

    def step(k: Any, term: Any, total: Any) -> tuple[Any, ...]:
        term = term * ((other + k) * (rest + k) * inverse / (k + 1.0))
        return m.abs(term) > 1e-17, term, total + term

    tail = m.loop(step, (1.0, 1.0), 60)[1]
    ratio, log = gamma_ratio(m, ((b, 0.0),), (a,))
    grown = multiply_pairs(m, log_near(m, (inside, 0.0)), negative(above))
    log = add_to_pair(add_pairs(log, grown), m.where(decays, 0.0, inside))
    return times_exp(m, ratio * tail, log)
