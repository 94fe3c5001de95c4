"""Removable singularities, polylogarithms, hypergeometric and Bessel functions over Arb's balls."""

from __future__ import annotations

from collections.abc import Sequence
from math import factorial, inf, log2, perm
from typing import Any, NamedTuple

import numpy as np
from flint import acb, arb, ctx

from benchmarks.oracle.balls import (
    HALF,
    NAN,
    Function,
    equal,
    less,
    n_sign,
    real,
    sure,
    whole,
)
from benchmarks.oracle.series import bounded, terms_needed

# Removable singularities, polylogarithms, hypergeometric functions.
FORCING: dict[str, tuple[int, Function]] = {
    "sinc": (1, lambda k, x: (x.sin(), x.cos(), -x.sin(), -x.cos())[k % 4]),
    "sinhc": (1, lambda k, x: x.cosh() if k % 2 else x.sinh()),
    "expm1c": (1, lambda k, x: x.exp() if k else x.expm1()),
    "log1pc": (1, lambda k, x: -n_sign(k) * factorial(k - 1) / (1 + x) ** k if k else x.log1p()),
    "cosc": (2, lambda k, x: (-x.cos(), x.sin(), x.cos(), -x.sin())[k % 4]),
    "coshc": (2, lambda k, x: x.sinh() if k % 2 else x.cosh()),
}
"""(p, the k-th derivative of x^p f, but for its constants)."""


def removable(kind: str, n: arb, x: arb) -> arb:
    """The n-th derivative of f: by Leibniz's rule for x^p f beyond n + 2, by its integral below."""
    order = whole(n)
    if order is None or order < 0 or (kind == "log1pc" and not less(arb(-1), x)):
        return NAN
    power_, forcing = FORCING[kind]
    if abs(x) > order + 2 or (kind == "log1pc" and x < -0.5):
        before = arb(0)
        made = forcing(0, x) / x
        if power_ == 2:
            made = 2 * ((x / 2).sin() if kind == "cosc" else (x / 2).sinh()) ** 2 / x**2
        for k in range(1, order + 1):
            if power_ == 1:
                made = (forcing(k, x) - k * made) / x
            else:
                rest = forcing(k, x) - 2 * k * x * made - k * (k - 1) * before
                before, made = made, rest / x**2
        return made
    return removable_inside(kind, order, x)


def removable_inside(kind: str, order: int, x: arb) -> arb:
    """The n-th derivative by the hypergeometric function that its integral is (DLMF 13.4.1)."""
    if kind == "log1pc":
        ratio = x / (1 + x)
        kernel = ratio.hypgeom_2f1(arb(1), arb(order + 1), arb(order + 2))
        return n_sign(order) * factorial(order) * kernel / (1 + x) ** (order + 1) / (order + 1)
    weight = 1 if kind in ("cosc", "coshc") else 0
    scale = (order + 1) * (order + 2) if weight else order + 1
    first, second = arb(weight + 1), arb(order + weight + 2)
    if kind == "expm1c":
        return x.hypgeom_1f1(arb(order + 1), arb(order + 2)) / scale
    if kind in ("sinhc", "coshc"):
        # The integral of (1 - t)^w t^n (e^(xt) + (-1)^n e^(-xt))/2.
        parts = [y.hypgeom_1f1(arb(order + 1), second) for y in (x, -x)]
        return (parts[0] + n_sign(order) * parts[1]) / (2 * scale)
    turn = acb(0, 1) ** order * acb(0, x).exp()
    return real(turn * acb(0, -x).hypgeom_1f1(acb(first), acb(second))) / scale


_POLYLOG: list[Any] = [0, None, {}]
"""The precision, x and, by order, the polylogarithms of the last point."""


def polylog(s: arb, x: arb) -> arb:
    n = whole(s)
    inside = x <= 1 if n is None or n > 0 else x != 1
    if not inside:
        return NAN
    if n is None or abs(s) > MOST:
        summed = abs(x) <= 0.75 and abs(s) < MOST
        return x * polylog_sum(0, s, x) if summed else real(acb(x).polylog(acb(s)))
    if _POLYLOG[0] != ctx.prec or _POLYLOG[1] is not x:
        _POLYLOG[:] = [ctx.prec, x, {}]
    known: dict[int, arb] = _POLYLOG[2]
    if n not in known:
        known[n] = polylog_whole(n, x)
    return known[n]


def polylog_whole(n: int, x: arb) -> arb:
    if n == 1:
        return -(-x).log1p()
    if n <= 0:
        # NIST DLMF 25.12.11: powers of x d/dx applied to x/(1 - x), by Stirling's numbers.
        numbers, ratio, total = [1], x / (1 - x), arb(0)
        for _ in range(-n):
            below = [0, *numbers]
            above = [(k + 1) * value for k, value in enumerate(numbers)] + [0]
            numbers = [a + b for a, b in zip(above, below, strict=True)]
        for k, value in enumerate(numbers):
            total += factorial(k) * value * ratio ** (k + 1)
        return total
    if abs(x) <= 0.75:
        return x * polylog_sum(0, arb(n), x)
    if x < -1:
        # 25.12.4 and, for all n, 24.8.3: what 1/x leaves is a Bernoulli polynomial.
        turn = acb(0, 2 * arb.pi())
        rest = turn**n * (HALF + acb((-x).log()) / turn).bernoulli_poly(n) / factorial(n)
        return -rest.real - n_sign(n) * real(acb(1 / x).polylog(acb(n)))
    return real(acb(x).polylog(acb(n)))


def polylog_ratio(s: arb, x: arb) -> arb:
    return arb(1) if x.is_zero() else polylog(s, x) / x


def polylog_slope(s: arb, x: arb) -> arb:
    return arb(2) ** -s if x.is_zero() else (polylog(s - 1, x) - polylog(s, x)) / (x * x)


def polylog_series(orders: Sequence[tuple[arb, ...]], s: arb, x: arb) -> list[arb]:
    """Derivatives of the sum of x^(k - 1) k^-s, of several orders, by Horner's rule.

    What is left out is below a geometric series.
    """
    if not abs(x) <= 0.75:
        return [NAN] * len(orders)
    numbers = [whole(row[0]) for row in orders]
    known = {n: polylog_sum(n, s, x) for n in set(numbers) if n is not None and n >= 0}
    return [NAN if n is None else known.get(n, NAN) for n in numbers]


def polylog_sum(j: int, s: arb, x: arb) -> arb:
    """The j-th derivative of the sum."""
    if not (abs(s) < MOST and j < MOST):
        return NAN
    size = float(abs(x).upper())
    growth = j + max(0, int(-float(s)) + 1)
    bits = -log2(max(size, 1e-300))
    few = (ctx.prec + 8) / bits + 8
    terms = int(few + growth * log2(few) / bits) + 2 * growth
    total = arb(0)
    for value in polylog_coefficients(j, s, terms)[terms - 1 :: -1]:
        total = total * x + value
    # Those left out, k > j + terms, are at most k^growth |x|^(k - 1 - j).
    first = arb(j + terms + 1)
    ratio = abs(x) * (1 + 1 / first) ** growth
    if not ratio < 0.9:
        return NAN
    rest = first**growth * abs(x) ** terms / (1 - ratio)
    return total + arb(0, rest.upper())


_COEFFICIENTS: dict[Any, list[arb]] = {}
"""(k - 1)(k - 2)...(k - j) k^-s from k = j + 1 on, by precision, j and s."""


def polylog_coefficients(j: int, s: arb, count: int) -> list[arb]:
    """The first ones at least."""
    key = (ctx.prec, j, s.mid().man_exp(), s.rad().man_exp())
    if key not in _COEFFICIENTS and len(_COEFFICIENTS) > 200:
        _COEFFICIENTS.clear()
    known = _COEFFICIENTS.setdefault(key, [])
    for k in range(j + 1 + len(known), j + 1 + count):
        known.append(perm(k - 1, j) * arb(k) ** -s)
    return known


def hypergeometric_by_z(upper: int, k: int, *args: arb) -> arb:
    """The k-th derivative by z (NIST DLMF 16.3.1)."""
    *parameters, z = args
    value = hypergeometric(upper, *[p + k for p in parameters], z)
    for i, p in enumerate(parameters):
        value = value * p.rising(k) if i < upper else value / p.rising(k)
    return value


def hypergeometric(upper: int, *args: arb) -> arb:
    *parameters, z = args
    above, below = parameters[:upper], parameters[upper:]
    if len(above) > len(below) and not z < 1:
        return NAN
    if (upper, len(below)) == (2, 1):
        return z.hypgeom_2f1(*above, *below)
    return z.hypgeom(above, below)


def parameter_derivatives(
    upper: int, lower: int, orders: Sequence[tuple[arb, ...]], *given: arb
) -> list[arb]:
    """Derivatives of a hypergeometric series by its parameters and z, of several orders each.

    At few digits the sums are pairs of doubles with bounds (``series.py``). Beyond, balls
    are summed, with the same bound of what is left out; where a parameter below is not positive
    until terms no longer count, which no bound vouches for.
    """
    *parameters, z = given
    finite = all(x.is_finite() for x in given)
    wanted = Wanted.of(orders)
    if not wanted.kept or not finite or (upper > lower and not abs(z) < 1):
        return [NAN] * len(orders)
    if z.is_zero() and not wanted.array[:, -1].any():
        made = [arb(0 if any(row) else 1) for row in wanted.kept]
    else:
        made = (ctx.prec <= FEW and in_pairs(upper, wanted.array, parameters, z)) or in_balls(
            upper, wanted.kept, parameters, z
        )
    found = dict(zip(wanted.kept, made, strict=True))
    return [found.get(row, NAN) for row in wanted.rows]


class Wanted(NamedTuple):
    """Orders of derivatives: as they were given, and once each, sorted, those that are some."""

    given: Sequence[tuple[arb, ...]]
    rows: list[tuple[Any, ...]]
    kept: list[tuple[Any, ...]]
    array: Any

    @classmethod
    def of(cls, given: Sequence[tuple[arb, ...]]) -> Wanted:
        """Those of a list; a list that is constant is looked at once."""
        found = _WANTED.get(id(given))
        if found is None or found.given is not given:
            rows = [tuple(map(whole, row)) for row in given]
            kept = sorted({row for row in rows if all(n is not None and n >= 0 for n in row)})
            if len(_WANTED) > 50:
                _WANTED.clear()
            found = _WANTED[id(given)] = cls(given, rows, kept, np.array(kept))
        return found


_WANTED: dict[int, Wanted] = {}

FEW = 96
"""Bits up to which pairs of doubles do."""


def in_pairs(upper: int, orders: Any, parameters: list[arb], z: arb) -> list[arb] | None:
    """By pairs of doubles, each with the bound of its error; None where they have none."""
    pairs, errors = [], 0.0
    for x in (*parameters, z):
        high = float(x)
        pairs.append((high, float(x - high)))
        if not x.is_exact():
            errors += float(x.rad()) / abs(high) if high else inf
    given = np.array(pairs)
    if not errors < 1e-9 or not (given[upper:-1, 0] > 0).all():
        return None
    tolerance = 2.0 ** -min(ctx.prec, 80)
    # What is below a double's last digit is an error of a pair's own.
    made = bounded(upper, orders, given[:-1], given[-1], tolerance, errors + 2.0**-100)
    if made is None:
        return None
    return [
        arb(high, error) + low for high, low, error in zip(*(a.tolist() for a in made), strict=True)
    ]


def in_balls(upper: int, orders: list[tuple[Any, ...]], parameters: list[arb], z: arb) -> list[arb]:
    """Term by term in balls."""
    terms = -1
    if all(parameter > 0 for parameter in parameters[upper:]):
        sizes = np.array([float(abs(x).upper()) for x in parameters])
        sizes[upper:] = [float(x.lower()) for x in parameters[upper:]]
        tolerance, size = 2.0 ** -min(ctx.prec, 900), float(abs(z).upper())
        terms, _, rest = terms_needed(upper, np.array(orders), sizes, size, tolerance, MOST)
    deep = [max(row[i] for row in orders) for i in range(len(parameters) + 1)]
    jets = [[arb(1)] + [arb(0)] * order for order in deep[:-1]]
    powers, totals = [arb(0)] * (deep[-1] + 1), [arb(0)] * len(orders)
    small = arb(2) ** (-ctx.prec - 8)
    for k in range(MOST if terms < 0 else terms):
        for d in range(len(powers)):
            if k >= d:
                powers[d] = powers[d] * z / (k - d) if k > d else arb(1)
        ends = terms < 0 and k > 4 * sum(deep) + 8
        for w, row in enumerate(orders):
            term = powers[row[-1]]
            for jet, order in zip(jets, row[:-1], strict=True):
                term = term * jet[order]
            totals[w] += term
            ends = ends and bool(abs(term) <= abs(totals[w]) * small)
        if ends:
            return totals
        for i, (jet, parameter) in enumerate(zip(jets, parameters, strict=True)):
            factor = parameter + k
            if i < upper:
                for order in range(len(jet) - 1, -1, -1):
                    jet[order] = jet[order] * factor + (order * jet[order - 1] if order else 0)
            else:
                jet[0] = jet[0] / factor
                for order in range(1, len(jet)):
                    jet[order] = (jet[order] - order * jet[order - 1]) / factor
    if terms < 0:
        return [NAN] * len(orders)
    return [total + arb(0, float(left)) for total, left in zip(totals, rest, strict=True)]


MOST = 6000
"""Terms at most."""


def positive(function: Function) -> Function:
    return lambda x: sure(less(arb(0), x), lambda: function(x))


# Bessel functions, by the names of Arb's, with _scaled for those times e^x or e^-|x|.
def bessel(name: str, orders: Sequence[tuple[arb, ...]], x: arb) -> list[arb]:
    """A Bessel function of several orders; left of 0 only where they are whole."""
    given = [row[0] for row in orders]
    if not less(x, arb(0)):
        return neighbours(name, given, x)
    if name[7] in "yk" or any(whole(n) is None for n in given):
        return [NAN] * len(orders)
    made = neighbours(name, given, -x)
    return [n_sign(whole(n) or 0) * value for n, value in zip(given, made, strict=True)]


def neighbours(name: str, orders: list[arb], x: arb) -> list[arb]:
    """Of orders a whole number apart two, and the others by their recurrence (NIST DLMF 10.6.1)."""
    first = orders[0]
    steps = [whole(n - first) for n in orders]
    if any(step is None for step in steps) or x.is_zero() or ctx.prec > 3 * FEW:
        return [bessel_one(name, n, x) for n in orders]
    numbers = [int(step or 0) for step in steps]
    low, high = min(numbers), max(numbers)
    # Towards where the function is large.
    start, turn = (low, 1) if name[7] in "yk" else (high, -1)
    found = {start: bessel_one(name, first + start, x)}
    if low < high:
        found[start + turn] = beside(name, found[start], first + start, turn, x)
    other = -1 if name[7] in "jy" else 1
    for n in range(start + 2 * turn, (high if turn > 0 else low) + turn, turn):
        between = 2 * (first + n - turn) / x * found[n - turn]
        found[n] = between + other * found[n - 2 * turn]
    return [found[n] for n in numbers]


def beside(name: str, value: arb, n: arb, turn: int, x: arb) -> arb:
    """The function of the order n + turn, of Y and K by their Wronskians (10.5.2, 10.28.2)."""
    if turn < 0 or not x < FAR * ctx.prec:
        return bessel_one(name, n + turn, x)
    kind = "bessel_j" if name == "bessel_y" else name.replace("_k", "_i")
    here, there = bessel_one(kind, n, x), bessel_one(kind, n + 1, x)
    if name == "bessel_y":
        return (there * value - 2 / (arb.pi() * x)) / here
    return (1 / x - there * value) / here


FAR = 0.352
"""As many times the bits and there are asymptotic series for K."""


def bessel_one(name: str, n: arb, x: arb) -> arb:
    """Arb's own, with the bits that the differences for Y and K lose; K by U (10.39.6) far out."""
    kind, scaled = name[:8], name.endswith("_scaled")
    if kind == "bessel_k" and x > FAR * ctx.prec:
        lead = arb.pi().sqrt() * (2 * x) ** n
        made = lead * (2 * x).hypgeom_u(n + HALF, 2 * n + 1)
        return made if scaled else made * (-x).exp()
    before = ctx.prec
    if kind == "bessel_k":
        ctx.prec += 16 + int(3 * float(x.mid()))
    elif kind == "bessel_y" and x > 15 and x < 46 and n.is_integer():
        ctx.prec += int(1.7 * float(x.mid()))
    try:
        if kind in ("bessel_i", "bessel_k"):
            return getattr(arb, kind)(x, n, scaled=scaled)
        return getattr(arb, kind)(x, n)
    finally:
        ctx.prec = before


_SMALL_ORDERS: dict[Any, list[arb]] = {}
"""The functions of orders 0 and 1 of the last argument."""


def small_order(name: str, order: int, x: arb) -> arb:
    """A Bessel function of order 0 or 1, of which a point mostly asks for both."""
    key = (name, ctx.prec, x.mid().man_exp(), x.rad().man_exp()) if x.is_finite() else None
    if key not in _SMALL_ORDERS or key is None:
        _SMALL_ORDERS.clear()
        _SMALL_ORDERS[key] = bessel(name, [(arb(0),), (arb(1),)], x)
    return _SMALL_ORDERS[key][order]


def spherical(name: str, orders: Sequence[tuple[arb, ...]], x: arb) -> list[arb]:
    scale = (arb.pi() / (2 * x)).sqrt()
    half = [row[0] + HALF for row in orders]
    if less(x, arb(0)):
        return [scale * getattr(arb, name)(x, n) for n in half]
    return [scale * value for value in neighbours(name, half, x)]


def li(x: arb) -> arb:
    if less(x, arb(0)) or equal(x, arb(1)):
        return NAN
    return arb(0) if x.is_zero() else x.log().ei()
