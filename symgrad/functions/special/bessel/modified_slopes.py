"""Rows of the first two derivatives of I of orders 0 and 1, at less cost than of any order.

exp(-x) I_n(x) is the mean of cos(n t) exp(-x (1 - cos t)) over 0 < t < pi (NIST DLMF 10.32.3), and
its k-th derivative that of cos(n t) (cos t - 1)^k exp(-x (1 - cos t)). The trapezoidal rule of 33
points has all digits up to x = 40, and terms that hardly cancel; beyond, 10.40.1 term by term.
"""

from __future__ import annotations

from math import cos, pi, sin
from typing import Any

from symgrad.functions.elementary import call
from symgrad.functions.special.bessel import modified_coefficients as table
from symgrad.functions.special.bessel.modified import EDGE, grown
from symgrad.functions.special.bessel.modified_derivatives import ROOT_TWO_PI_INVERSE, oracle_of
from symgrad.functions.special.bessel.recurrences import LARGE
from symgrad.functions.special.double import INF, polynomial
from symgrad.ir.primitive import Names, Primitive, define

NODES = 32
FAR_EDGE = 40.0
FAR_TERMS = 20
RATES = tuple(2.0 * sin(0.5 * pi * j / NODES) ** 2 for j in range(1, NODES + 1))
"""1 - cos t at the points but the first, where it is 0."""

ZEROS = (
    (table.I1E_SLOPE_ZERO, (1.0, 2.5), table.I1E_SLOPE),
    (table.I1E_CURVATURE_ZERO, (2.25, 3.75), table.I1E_CURVATURE),
)
"""Of exp(-x) I1: a zero, the interval around it and the polynomial that is left there."""


def _far(n: int, k: int) -> list[float]:
    """The coefficients of the powers of 1/x of (-1)^k sqrt(2 pi) x^(k + 1/2) times it."""
    made, term = [], 1.0
    for i in range(k):
        term *= i + 0.5
    for j in range(FAR_TERMS + 1):
        made.append(term)
        odd = 2 * j + 1
        term *= (odd**2 - 4 * n * n) * (odd + 2 * k) / (8.0 * (j + 1) * odd)
    return made


def _scaled(m: Any, x: Any, n: int, k: int) -> Any:
    """The k-th derivative of exp(-|x|) I_n(x), n = 0 or 1, k = 1 or 2. 6 ulp.

    At 0, where exp(-|x|) has no derivative, it counts as constant.
    """
    size = m.abs(x)
    inside = m.min(size, FAR_EDGE)
    total: Any = 0.0
    for j, rate in enumerate(RATES, 1):
        weight = (-rate) ** k * (cos(pi * j / NODES) if n else 1.0)
        weight /= NODES if j < NODES else 2 * NODES
        total = m.fma(m.exp(-rate * inside), weight, total)
    if n:
        # The terms cancel around its zero.
        (high, low), (left, right), coefficients = ZEROS[k - 1]
        wide = right - left
        near = m.min(m.max(size, left), right)
        centred = m.fma(near, 2.0 / wide, -(left + right) / wide)
        factored = ((near - high) - low) * polynomial(m, centred, coefficients)
        total = m.where(m.eq(near, size), factored, total)
    outside = m.min(m.max(size, FAR_EDGE), LARGE)
    inverse = 1.0 / outside
    scale = ROOT_TWO_PI_INVERSE * (-1.0) ** k * inverse / m.sqrt(outside)
    for _ in range(k - 1):
        scale = scale * inverse
    far = scale * polynomial(m, inverse, _far(n, k))
    value = m.where(size <= FAR_EDGE, total, m.where(size < INF, far, 0.0 * far))
    value = m.where(x < 0.0, -value if (n + k) % 2 else value, value)
    plain = (0.0, 0.5, 0.5, 0.0)[2 * (k - 1) + n]
    return m.where(m.eq(x, 0.0), plain, m.where(m.eq(x, x), value, x))


def _i1_slope(m: Any, x: Any) -> Any:
    """I1'(x) = I0(x) - I1(x)/x (NIST DLMF 10.29.2), or the derivative of a polynomial. 6 ulp."""
    size = m.abs(x)
    inside = m.min(size, EDGE)
    near = polynomial(m, inside * inside, [(2 * i + 1) * c for i, c in enumerate(table.I1_SMALL)])
    outside = m.min(m.max(size, EDGE), LARGE)
    far = grown(m, m.besseli0e(outside) - m.besseli1e(outside) / outside, outside)
    return m.where(size < EDGE, near, m.where(size < INF, far, size))


def _row(name: str, partial: Any, definition: Any, oracle: Any, source: str) -> Primitive:
    odd = name in ("besseli0e_slope", "besseli1e_curvature")
    return define(
        name,
        partial,
        domain=(0.3, 9),
        kind="routine",
        parity="odd" if odd else "even",
        definition=definition,
        oracle=oracle,
        cost=300,
        ulp=8.0,
        names=Names(),
        source=source,
    )


def _scaled_rows(n: int) -> tuple[Primitive, ...]:
    """The slope and the curvature of ``besseli0e`` or ``besseli1e``."""
    name = f"besseli{n}e"
    partials = (
        lambda y, x: call(f"{name}_curvature", x),
        lambda y, x: call("besselie_derivative", 3, n, x),
    )
    exact = oracle_of("besseli", scaled=True)
    return tuple(
        _row(
            f"{name}_{('slope', 'curvature')[k - 1]}",
            partials[k - 1],
            lambda m, x, k=k: _scaled(m, x, n, k),
            lambda mp, x, k=k: exact(mp, k, n, x),
            "NIST DLMF 10.32.3, 10.40.1",
        )
        for k in (1, 2)
    )


besseli1_slope = _row(
    "besseli1_slope",
    lambda y, x: call("besseli_derivative", 2, 1, x),
    _i1_slope,
    lambda mp, x: oracle_of("besseli", scaled=False)(mp, 1, 1, x),
    "NIST DLMF 10.29.2",
)

ROWS = (besseli1_slope, *_scaled_rows(0), *_scaled_rows(1))
