"""Derivatives by central differences in many digits: an oracle that knows no derivative rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from math import prod
from typing import Any

import mpmath

STEP = 1e-18
DIGITS = (48, 66, 84, 102, 120)
"""To work with, by the highest order: 18 are lost with each, and 48 are enough for what is left."""

# fmt: off
WEIGHTS: tuple[dict[int, float], ...] = (
    {0: 1},
    {-1: -0.5, 1: 0.5},
    {-1: 1, 0: -2, 1: 1},
    {-2: -0.5, -1: 1, 1: -1, 2: 0.5},
    {-2: 1, -1: -4, 0: 6, 1: -4, 2: 1},
)
# fmt: on
"""Central differences of orders 0 to 4 (NIST DLMF 3.4.18 to 3.4.25): place -> weight."""


def partials_of(
    call: Callable[..., Any], point: Sequence[float], orders: Iterable[tuple[int, ...]]
) -> dict[tuple[int, ...], Any]:
    """Partial derivatives of a function, each to some 30 digits.

    A step of 1e-18 leaves an error of 1e-36 times the derivative two orders higher, and 120 digits
    of the function leave 1e-120/1e-72 of rounding in the fourth. All orders share the places at
    which the function is asked for: five of one argument, 21 of two.

    Args:
        call: the function, correct to the digits at which mpmath works.
        point: where, at least three steps inside of the domain.
        orders: how often to differentiate by each argument, four times in all at most.

    Example:
        >>> found = partials_of(lambda a, b: a**3 * b, (1.0, 2.0), [(2, 1), (3, 0)])
        >>> [float(found[order]) for order in ((2, 1), (3, 0))]
        [6.0, 12.0]
    """
    found: dict[tuple[int, ...], Any] = {}
    known: dict[tuple[int, ...], Any] = {}
    orders = list(orders)
    with mpmath.workdps(DIGITS[max(map(sum, orders), default=0)]):
        step = mpmath.mpf(STEP)
        start = [mpmath.mpf(value) for value in point]
        for order in orders:
            total = mpmath.mpf(0)
            for place in product(*(WEIGHTS[times] for times in order)):
                if place not in known:
                    known[place] = call(*(x + step * k for x, k in zip(start, place, strict=True)))
                weight = prod(WEIGHTS[times][k] for times, k in zip(order, place, strict=True))
                total += weight * known[place]
            found[order] = total / step ** sum(order)
    return found
