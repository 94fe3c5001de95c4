"""Derivatives of 1F1 and 2F1 by parameters and z far to the left of 0, where their series cancel.

Kummer's and Pfaff's transformations (NIST DLMF 13.2.39, 15.8.1) and the derivatives by z (13.3.16,
15.5.2) give, with w = z/(z - 1),

    D^l M(a, b, z)    = exp(z) sum (a)_l (b-a)_n/(b)_{l+n} (-z)^n/n!
    D^l F(a, b; c; z) = (1-z)^(-a-l) sum (a)_{l+n} (b)_l (c-b)_n/(c)_{l+n} w^n/n!

Derivatives of the single factors follow from term to term, in pairs of doubles, and are multiplied
by Leibniz's rule within a term: what the parts of a derivative have in common cancels there, where
it costs no digits. The power of 1 - z belongs to the factor of a: the derivatives of
(1-z)^-a (a)_{l+n} start from powers of log(1/(1-z)), which ``log`` is below.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from typing import Any

from symgrad.functions.special.double import (
    INF,
    LN2,
    NAN,
    ONE,
    Pair,
    add_pairs,
    divide_pairs,
    multiply_pairs,
    scale_pair,
    select_pair,
    two_sum,
)
from symgrad.functions.special.hypergeometric.factors import log_pair, times_exp
from symgrad.functions.special.hypergeometric.series import (
    HIGHEST,
    MOST_DERIVATIVE_TERMS,
    WIDTH,
    chosen,
    lowered,
    plus,
    raised,
)

MOST_BY_Z = 200
"""Derivatives by z at most."""

FAR, SHIFT = -500.0, 1000.0
"""Below the first z the terms of M start from 2^-1000, lest their sum overflow before exp(z)."""

Jet = list[Pair]


def kummer_moved(m: Any, orders: Sequence[Any], a: Any, b: Any, z: Any) -> Any:
    """D_a^i D_b^j D_z^k M(a, b, z) for z < 0 (NIST DLMF 13.2.39), and nan where i + j > 4."""
    by_a, by_b, by_z = orders
    far = z < FAR
    first = m.where(far, 2.0**-SHIFT, 1.0)
    total = _total(m, (0.0, by_a, by_b, by_z), None, a, b, (-z, 0.0), first, ONE)
    return times_exp(m, total, add_pairs((z, 0.0), scale_pair(m, LN2, m.where(far, SHIFT, 0.0))))


def gauss_moved(m: Any, orders: Sequence[Any], a: Any, b: Any, c: Any, z: Any) -> Any:
    """D_a^i D_b^j D_c^k D_z^l F(a, b; c; z) for z <= 0 (NIST DLMF 15.8.1), nan where j + k > 4."""
    inverse = divide_pairs(m, ONE, two_sum(1.0, -z))
    log = log_pair(m, inverse)
    w = scale_pair(m, inverse, -z)
    total = _total(m, orders, a, b, c, w, 1.0, log)
    return times_exp(m, total, multiply_pairs(m, log, two_sum(a, orders[-1])))


def _total(
    m: Any, orders: Sequence[Any], a: Any, b: Any, c: Any, w: Pair, first: Any, log: Pair
) -> Any:
    """The sum of the terms (a)_{l+n} (b)_l (c-b)_n/(c)_{l+n} w^n/n!, without a that of Kummer's."""
    by_a, by_b, by_c, by_z = orders
    rest = two_sum(c, -b)
    flat: list[Pair] = [(0.0, 0.0)] * HIGHEST
    powers: Jet = [ONE]
    for _ in flat:
        powers.append(multiply_pairs(m, powers[-1], log))
    settled: Any = 2.0
    for value in (c, rest[0], *(() if a is None else (a + by_z,))):
        settled = m.max(settled, 2.0 - value)
    settled = m.min(settled, MOST_DERIVATIVE_TERMS - 1.0)

    def begin(k: Any, *state: Any) -> tuple[Any, ...]:
        """(a)_l, (b)_l and 1/(c)_l."""
        jets, inside = _jets(state), k < by_z
        made: list[Jet] = []
        for index, value in enumerate((a, b, c)):
            if value is None:
                continue
            jet, factor = jets[len(made)], two_sum(value, k)
            inverse = divide_pairs(m, ONE, factor)
            below = index == 2
            grown = lowered(m, jet, inverse, inverse) if below else raised(m, jet, factor, ONE)
            made.append([select_pair(m, inside, *two) for two in zip(grown, jet, strict=True)])
        return k + 1.0 < by_z, *_flat(made)

    begun = ([] if a is None else [powers]) + [[ONE, *flat]] * 2
    *of_a, of_b, of_c = _jets(m.loop(begin, _flat(begun), MOST_BY_Z))
    # D^j of (b)_l g(c - b) by b has the p-th derivative of g so often.
    outer = [_leibniz(m, by_b, of_b, p, (-1.0) ** p) for p in range(WIDTH)]
    times = [_binomial(m, by_c, q) for q in range(WIDTH)]

    def step(k: Any, *state: Any) -> tuple[Any, ...]:
        *entries, power, power_low, s, s_low, _, before = state
        *upper, middle, below = _jets(entries)
        # D^k of g(c - b) h(c) by c.
        parts = [scale_pair(m, _back(m, by_c, below, q), times[q]) for q in range(WIDTH)]
        term: Pair = (0.0, 0.0)
        for order in range(WIDTH):
            factor: Pair = (0.0, 0.0)
            for q in range(order + 1):
                factor = add_pairs(factor, multiply_pairs(m, outer[order - q], parts[q]))
            term = add_pairs(term, multiply_pairs(m, middle[order], factor))
        term = multiply_pairs(m, term, (power, power_low))
        counted = k + 1.0
        shrink = divide_pairs(m, ONE, (counted, 0.0))
        made = []
        for jet in upper:
            term = multiply_pairs(m, term, chosen(m, by_a, jet))
            made.append(raised(m, jet, multiply_pairs(m, two_sum(a, k + by_z), shrink), shrink))
        made.append(raised(m, middle, multiply_pairs(m, plus(rest, k), shrink), shrink))
        inverse = divide_pairs(m, ONE, two_sum(c, k + by_z))
        made.append(lowered(m, below, scale_pair(m, inverse, counted), inverse))
        power, power_low = multiply_pairs(m, (power, power_low), w)
        if a is None:
            power, power_low = multiply_pairs(m, (power, power_low), shrink)
        s, s_low = add_pairs((s, s_low), term)
        size = m.abs(term[0])
        going = (size > 1e-18 * m.abs(s)) | (size > before) | (k < settled)
        return going & (size < INF), *_flat(made), power, power_low, s, s_low, term[0], size

    jets = [*of_a, [ONE, *flat], of_c]
    found = m.loop(step, (*_flat(jets), first, 0.0, 0.0, 0.0, 0.0, 0.0), MOST_DERIVATIVE_TERMS)
    s, s_low, added, _ = found[-4:]
    known = (m.abs(added) <= 1e-15 * m.abs(s)) & (by_b + by_c <= float(HIGHEST))
    for order in orders:
        known = known & (order >= 0.0)
    return m.where(known & (by_a <= float(HIGHEST)) & (by_z < MOST_BY_Z), s + s_low, NAN)


def _jets(entries: Sequence[Any]) -> list[Jet]:
    """Jets from the numbers of their pairs."""
    pairs = list(zip(entries[0::2], entries[1::2], strict=True))
    return [pairs[i : i + WIDTH] for i in range(0, len(pairs), WIDTH)]


def _flat(jets: Sequence[Jet]) -> list[Any]:
    return [part for jet in jets for pair in jet for part in pair]


def _back(m: Any, order: Any, jet: Jet, q: int) -> Pair:
    """The entry of a jet at order - q; 0 below 0."""
    value: Pair = (0.0, 0.0)
    for i in range(WIDTH - q):
        value = select_pair(m, order >= float(i + q), jet[i], value)
    return value


def _binomial(m: Any, order: Any, q: int) -> Any:
    """The binomial coefficient of a whole order over q, up to ``HIGHEST``."""
    value: Any = 0.0
    for i in range(q, WIDTH):
        value = m.where(order >= float(i), float(comb(i, q)), value)
    return value


def _leibniz(m: Any, order: Any, jet: Jet, q: int, sign: float) -> Pair:
    """Leibniz's coefficient of another factor's q-th derivative, where a jet has this one's."""
    return scale_pair(m, _back(m, order, jet, q), sign * _binomial(m, order, q))


def exact_moved(
    mp: Any, orders: Sequence[Any], upper: Sequence[Any], lower: Sequence[Any], z: Any
) -> Any:
    """``kummer_moved`` or ``gauss_moved`` at mpmath's precision."""
    by_b, by_c, by_z = [int(order) for order in orders[-3:]]
    b, c = upper[-1], lower[0]
    with mp.extradps(15):
        if len(upper) > 1:
            a, by_a, log = upper[0], int(orders[0]), -mp.log1p(-z)
            w, outer = z / (z - 1), (1 - z) ** (-a - by_z)
            of_a = [log**i for i in range(by_a + 1)]
        else:
            a, w, outer, of_a = 0, -z, mp.exp(z), []
        of_b = [mp.mpf(1)] + [mp.mpf(0)] * by_b
        of_c = [mp.mpf(1)] + [mp.mpf(0)] * by_c
        of_rest = [mp.mpf(1)] + [mp.mpf(0)] * (by_b + by_c)
        for n in range(by_z):
            _raise_exactly(of_a, a + n)
            _raise_exactly(of_b, b + n)
            _lower_exactly(of_c, c + n)
        power, total, n, quiet = mp.mpf(1), mp.mpf(0), 0, 0
        while quiet < 6 and n < 100_000:
            term = mp.mpf(0)
            for p in range(by_b + 1):
                for q in range(by_c + 1):
                    one = (-1) ** p * comb(by_b, p) * comb(by_c, q) * of_rest[p + q]
                    term += one * of_b[by_b - p] * of_c[by_c - q]
            term *= power * (of_a[-1] if of_a else 1)
            total += term
            quiet = quiet + 1 if abs(term) <= mp.eps * abs(total) and n > 12 else 0
            _raise_exactly(of_a, a + by_z + n)
            _raise_exactly(of_rest, c - b + n)
            _lower_exactly(of_c, c + by_z + n)
            n += 1
            power *= w / n
        return +(total * outer)


def _raise_exactly(jet: list[Any], factor: Any) -> None:
    for i in reversed(range(len(jet))):
        jet[i] = factor * jet[i] + (i * jet[i - 1] if i else 0)


def _lower_exactly(jet: list[Any], factor: Any) -> None:
    for i in range(len(jet)):
        jet[i] = (jet[i] - (i * jet[i - 1] if i else 0)) / factor
