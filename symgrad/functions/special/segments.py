"""Piecewise polynomials whose coefficients are chosen lane by lane, for the definitions of rows.

A function that no single polynomial fits is fitted on segments of its axis by Chebyshev
interpolation; every lane picks the coefficients of its own segment and all go through one
Horner scheme, so the cost of a segment is a selection a coefficient.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple


class Segments(NamedTuple):
    """A piecewise polynomial in t = (u - center) * scale, |t| <= 1 on each segment.

    Attributes:
        edges: where one segment ends and the next begins, ascending.
        centers: the middle of each segment.
        scales: one over the half width of each segment.
        rows: the coefficients of one power of t on all segments, the highest power first.
    """

    edges: tuple[float, ...]
    centers: tuple[float, ...]
    scales: tuple[float, ...]
    rows: tuple[tuple[float, ...], ...]


def evaluate(m: Any, u: Any, table: Segments) -> Any:
    """The piecewise polynomial at u, which the caller keeps inside the outermost segments."""
    beyond = [u >= edge for edge in table.edges]

    def pick(values: Sequence[float]) -> Any:
        chosen: Any = values[0]
        for is_beyond, value in zip(beyond, values[1:], strict=True):
            chosen = m.where(is_beyond, value, chosen)
        return chosen

    t = (u - pick(table.centers)) * pick(table.scales)
    total = pick(table.rows[0])
    for row in table.rows[1:]:
        total = m.fma(total, t, pick(row))
    return total


def is_order(m: Any, n: Any) -> Any:
    """The condition that n is 0, 1, 2, ...: the rows of a derivative's order are nan elsewhere."""
    return (n >= 0.0) & m.eq(n, m.floor(n))
