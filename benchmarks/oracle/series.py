"""Hypergeometric series and their derivatives by parameters in pairs of doubles, with bounds.

A derivative of pFq(a; b; z) = sum of (a)_k/(b)_k z^k/k! by its parameters and z is the sum of the
derivatives of its terms. Those of a Pochhammer symbol go on by (a)_(k+1) = (a)_k (a + k), their
inverses likewise; each has a factor k! taken out. Derivatives that a point asks for together share
all of that.

Bounds. With |a| for a, no two numbers of a sum differ in sign, neither in (a)_k and its
derivatives nor in those of 1/(b)_k, b > 0: these sums, the majorants, bound the terms. A path from
the first term to one of a derivative has at most ``PATH`` roundings a parameter and step, each of
2^-102 of its result (Joldes, Muller and Popescu, Tight and rigorous error bounds for basic
building blocks of double-word arithmetic, 2017, have less than half of that), and the errors of
the arguments besides; so a term's error is at most that of a path times its majorant. As a
derivative of (a)_k is an elementary symmetric polynomial of the 1/(a + i) times (a)_k, and one of
1/(b)_k a complete one, both logarithmically concave, the ratio of a majorant to the one before
stays below a product of what falls with k: what is left out is less than a geometric series.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

ROUNDING = 2.0**-102
PATH = 6.0
SPLIT = 134217729.0
"""2^27 + 1, which halves a double's digits (Dekker 1971)."""


@numba.njit(inline="always", error_model="numpy")
def _two_sum(a: float, b: float) -> tuple[float, float]:
    total = a + b
    back = total - a
    return total, (a - (total - back)) + (b - back)


@numba.njit(inline="always", error_model="numpy")
def _fast_sum(a: float, b: float) -> tuple[float, float]:
    total = a + b
    return total, b - (total - a)


@numba.njit(inline="always", error_model="numpy")
def _two_product(a: float, b: float) -> tuple[float, float]:
    product = a * b
    big = SPLIT * a
    a_high = big - (big - a)
    a_low = a - a_high
    big = SPLIT * b
    b_high = big - (big - b)
    b_low = b - b_high
    rest = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return product, rest


@numba.njit(inline="always", error_model="numpy")
def _add(ah: float, al: float, bh: float, bl: float) -> tuple[float, float]:
    high, low = _two_sum(ah, bh)
    other, rest = _two_sum(al, bl)
    high, low = _fast_sum(high, low + other)
    return _fast_sum(high, low + rest)


@numba.njit(inline="always", error_model="numpy")
def _multiply(ah: float, al: float, bh: float, bl: float) -> tuple[float, float]:
    high, low = _two_product(ah, bh)
    return _fast_sum(high, low + (ah * bl + al * bh))


@numba.njit(inline="always", error_model="numpy")
def _scale(ah: float, al: float, b: float) -> tuple[float, float]:
    high, low = _two_product(ah, b)
    return _fast_sum(high, low + al * b)


@numba.njit(inline="always", error_model="numpy")
def _divide(ah: float, al: float, bh: float, bl: float) -> tuple[float, float]:
    first = ah / bh
    high, low = _scale(bh, bl, first)
    second = ((ah - high) + (al - low)) / bh
    return _fast_sum(first, second)


@numba.njit(cache=True, error_model="numpy")
def terms_needed(
    upper: int, orders: Any, given: Any, z: float, tolerance: float, most: int
) -> tuple[int, Any, Any]:
    """How many terms it takes, the sums of the majorants, and bounds of what is left out.

    Args:
        upper: p.
        orders: by how many derivatives, a row each: of the parameters, then of z.
        given: the parameters; those below are positive.
        z: the argument.
        tolerance: what may be left out, of the sum of the majorants.
        most: terms at most; where they do not do, or numbers vanish, the first result is -1.
    """
    wanted, count = orders.shape[0], given.shape[0]
    lower = count - upper
    deep = orders.max() + 1
    # The upper parameters' majorants may be larger than they are.
    size = np.abs(given)
    for i in range(upper):
        size[i] = max(size[i], 1e-3)
    jets = np.zeros((count, deep))
    growth = np.ones((count, deep))
    jets[:, 0] = 1.0
    powers = np.zeros(deep)
    last, sums, rest = np.zeros(wanted), np.zeros(wanted), np.zeros(wanted)
    least = orders.max()
    z = abs(z)
    for k in range(most):
        for d in range(deep):
            if k == d:
                powers[d] = 1.0
                for i in range(1, d + 1):
                    powers[d] *= i * float(i) ** (upper - lower - 1)
            elif k > d:
                powers[d] *= z * k / (k - d) * float(k) ** (upper - lower - 1)
        for w in range(wanted):
            last[w] = powers[orders[w, count]]
            for i in range(count):
                last[w] *= jets[i, orders[w, i]]
            sums[w] += last[w]
        for i in range(count):
            if i < upper:
                for o in range(deep - 1, -1, -1):
                    more = o * jets[i, o - 1] if o else 0.0
                    growth[i, o] = size[i] + k + (more / jets[i, o] if more else 0.0)
                    jets[i, o] = (jets[i, o] * (size[i] + k) + more) / (k + 1)
            else:
                for o in range(deep):
                    more = o * jets[i, o - 1] if o else 0.0
                    after = (jets[i, o] * (k + 1) + more) / (size[i] + k)
                    if jets[i, o] > 0:
                        growth[i, o] = after / jets[i, o] * (size[i] + k) / (k + 1)
                    jets[i, o] = after
        if k < least + 4 or k % 4:
            continue
        done = True
        for w in range(wanted):
            if not (last[w] <= tolerance * sums[w]):
                done = False
                break
            if last[w] < 1e-290 and z > 0:
                return -1, sums, rest
            ratio = z
            for i in range(upper):
                # Beside a parameter below, or the k! - they tend to 1 from either side.
                beside = size[upper + i] if i < lower else 1.0 - orders[w, count]
                ratio *= max(1.0, (size[i] + k) / (beside + k))
                ratio *= growth[i, orders[w, i]] / (size[i] + k)
            for j in range(lower):
                ratio *= growth[upper + j, orders[w, upper + j]]
                if j >= upper:
                    ratio /= size[upper + j] + k
            if upper <= lower:
                ratio /= k + 1 - orders[w, count]
            ratio *= 1.001
            if ratio >= 1:
                done = False
                break
            rest[w] = 1.01 * last[w] * ratio / (1.0 - ratio)
            if not rest[w] <= tolerance * sums[w]:
                done = False
                break
        if done:
            return k + 1, sums, rest
    return -1, sums, rest


@numba.njit(cache=True, error_model="numpy")
def summed(upper: int, orders: Any, given: Any, z: Any, terms: int) -> Any:
    """The first terms of the sums, as pairs of doubles.

    Args:
        upper: p.
        orders: by how many derivatives, a row each: of the parameters, then of z.
        given: the parameters, pairs of doubles.
        z: the argument, a pair of doubles.
        terms: how many.
    """
    wanted, count = orders.shape[0], given.shape[0]
    lower = count - upper
    deep = np.zeros(count + 1, np.int64)
    for i in range(count + 1):
        deep[i] = orders[:, i].max() + 1
    jets = np.zeros((count + 1, deep.max(), 2))
    jets[:count, 0, 0] = 1.0
    # The first factor that differs from the one of the row before.
    start = np.zeros(wanted, np.int64)
    for w in range(1, wanted):
        while start[w] < count and orders[w, start[w]] == orders[w - 1, start[w]]:
            start[w] += 1
    products = np.zeros((count + 2, 2))
    products[0, 0] = 1.0
    total = np.zeros((wanted, 2))
    for k in range(terms):
        for d in range(deep[count]):
            high, low = jets[count, d]
            if k == d:
                high, low = 1.0, 0.0
                for i in range(1, d + 1):
                    if upper > lower:
                        high *= i
                    for _ in range(lower - upper):
                        high, low = _divide(high, low, float(i), 0.0)
            elif k > d:
                high, low = _multiply(high, low, z[0], z[1])
                high, low = _scale(high, low, float(k))
                bottom = float(k - d)
                for _ in range(lower + 1 - upper):
                    bottom *= k
                high, low = _divide(high, low, bottom, 0.0)
            jets[count, d, 0], jets[count, d, 1] = high, low
        for w in range(wanted):
            for i in range(start[w], count + 1):
                high, low = _multiply(
                    products[i, 0],
                    products[i, 1],
                    jets[i, orders[w, i], 0],
                    jets[i, orders[w, i], 1],
                )
                products[i + 1, 0], products[i + 1, 1] = high, low
            high, low = _add(
                total[w, 0], total[w, 1], products[count + 1, 0], products[count + 1, 1]
            )
            total[w, 0], total[w, 1] = high, low
        above = float(k + 1)
        for i in range(count):
            factor, small = _add(given[i, 0], given[i, 1], float(k), 0.0)
            for step in range(deep[i]):
                o = deep[i] - 1 - step if i < upper else step
                high, low = jets[i, o, 0], jets[i, o, 1]
                if i < upper:
                    high, low = _multiply(high, low, factor, small)
                else:
                    high, low = _scale(high, low, above)
                if o:
                    more, less = _scale(jets[i, o - 1, 0], jets[i, o - 1, 1], float(o))
                    if i >= upper:
                        more, less = -more, -less
                    high, low = _add(high, low, more, less)
                if i < upper:
                    high, low = _divide(high, low, above, 0.0)
                else:
                    high, low = _divide(high, low, factor, small)
                jets[i, o, 0], jets[i, o, 1] = high, low
    return total


def bounded(
    upper: int, orders: Any, given: Any, z: Any, tolerance: float, errors: float
) -> tuple[Any, Any, Any] | None:
    """The sums, in two doubles each, and bounds of their errors; None where there are none.

    Args:
        upper: p.
        orders: by how many derivatives, a row each: of the parameters, then of z.
        given: the parameters, pairs of doubles.
        z: the argument, a pair of doubles.
        tolerance: what may be left out, of the sum of the majorants.
        errors: the sum of the relative errors of the parameters and of z.
    """
    terms, sums, rest = terms_needed(upper, orders, given[:, 0], z[0], tolerance, 3000)
    if terms < 0:
        return None
    total = summed(upper, orders, given, z, terms)
    steps = terms + orders.max() + 2
    each = (PATH * len(given) + PATH) * ROUNDING + errors
    return total[:, 0], total[:, 1], 1.01 * steps * each * sums + rest
