"""Rows of Lambert's W: w exp(w) = x on the branches 0 and -1 (NIST DLMF 4.13).

Near the branch point -1/e a polynomial in p = sqrt(2 (e x + 1)) (4.13.6), elsewhere an estimate and
two steps of Fritsch, Shafer and Crowley (CACM 16, 1973, algorithm 443), each of order four.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symgrad.functions.elementary import call
from symgrad.functions.special.double import (
    INF,
    NAN,
    divide_pairs,
    log_double,
    polynomial,
    two_product,
)
from symgrad.functions.special.lambertw_coefficients import LOWER, UPPER, E
from symgrad.ir.expression import Expr
from symgrad.ir.primitive import Names, Primitive, define

START = -0.36787944117144233  # -1/e rounded, which is below it
NEAR = 0.6
"""Up to this p the polynomial is used."""
NEXT = 0.1
"""Beyond this p derivatives are made from a sharper w."""
SMALLEST = 1e-280
E_SQUARED = 7.38905609893065
OMEGA = 0.5671432904097838  # W(1)
LARGEST = 1e308
TINY, LIFT, LOG_LIFT = 1e-300, 2.0**64, 44.3614195558365
"""On branch -1 an x smaller than the first is multiplied by the second."""


def _square(m: Any, x: Any) -> Any:
    """2 (e x + 1) with all digits, but 0 at the double next to -1/e."""
    product, rest = two_product(m, x, E[0])
    d = (1.0 + product) + m.fma(x, E[1], rest)
    return 2.0 * m.where(m.eq(x, START), 0.0, d)


def _distance(m: Any, x: Any) -> Any:
    """P, the square root of that; nan below -1/e."""
    return m.sqrt(_square(m, x))


def _step(m: Any, x: Any, w: Any, lifted: Any = 0.0) -> Any:
    """One step towards w exp(w) = x exp(-lifted), of order four."""
    z = (m.log(x / w) - lifted) - w
    above = 1.0 + w
    q = 2.0 * above * (above + (2.0 / 3.0) * z)
    return m.fma(w, z * (q - z) / (above * (q - 2.0 * z)), w)


def _upper(m: Any, x: Any) -> tuple[Any, Any, Any]:
    """(w, p, 1 + w near the branch point) of branch 0; w is for p > NEAR."""
    p = _distance(m, m.min(x, 1.0))
    near = m.min(p, NEAR)
    y = m.where((p > NEAR) & (x < INF) & m.ne(x, 0.0), x, 1.0)
    # For x > 0 Winitzki's estimate (LNCS 2667, 2003), 2 percent; below 0 Pade's of x = 0.
    log = m.log1p(m.max(y, 0.0))
    right = log * (1.0 - m.log1p(log) / (2.0 + log))
    low = m.min(y, 0.0)
    left = low * (1.0 + 4.0 / 3.0 * low) / (1.0 + low * (7.0 / 3.0 + 5.0 / 6.0 * low))
    w = m.where(y > 0.0, right, left)
    w = _step(m, y, _step(m, y, w))
    return m.where(m.eq(x, 0.0) | m.eq(x, INF), x, w), p, near * polynomial(m, near, UPPER)


def _lower(m: Any, x: Any) -> tuple[Any, Any, Any]:
    """(w, p, 1 + w near the branch point) of branch -1; w is for p > NEAR."""
    p = m.where(x <= 0.0, _distance(m, x), NAN)
    near = m.min(p, NEAR)
    y = m.where((p > NEAR) & (x < 0.0), x, -0.25)
    # Barry and others, Water Resources Research 29, 1993, without its last factor.
    sigma = -1.0 - m.log(-y)
    w = -1.0 - sigma - 5.95 * (1.0 - 1.0 / (1.0 + 0.3361 * m.sqrt(0.5 * sigma)))
    # x/w has few digits where it is subnormal.
    tiny = y > -TINY
    y, lifted = y * m.where(tiny, LIFT, 1.0), m.where(tiny, LOG_LIFT, 0.0)
    w = _step(m, y, _step(m, y, w, lifted), lifted)
    return m.where(m.eq(x, 0.0), -INF, w), p, -near * polynomial(m, near, LOWER)


def _lambertw(m: Any, x: Any) -> Any:
    """The branch 0 of w exp(w) = x: w >= -1, for x >= -1/e. Within 3 ulp; nan below -1/e."""
    w, p, near = _upper(m, x)
    return m.where(p <= NEAR, near - 1.0, m.where(m.eq(p, p), w, NAN))


def _lambertw_minus(m: Any, x: Any) -> Any:
    """The branch -1 of w exp(w) = x: w <= -1, -1/e <= x < 0. Within 3 ulp; -inf at 0, else nan."""
    w, p, near = _lower(m, x)
    return m.where(p <= NEAR, near - 1.0, m.where(m.eq(p, p), w, NAN))


def _lambertw_offset(m: Any, x: Any) -> Any:
    """1 + lambertw(x) within 4 ulp, at the branch point too: derivatives divide by it."""
    w, p, near = _upper(m, x)
    return m.where(p <= NEAR, near, m.where(m.eq(p, p), 1.0 + w, NAN))


def _lambertw_minus_offset(m: Any, x: Any) -> Any:
    """1 + lambertw_minus(x) within 4 ulp, at the branch point too."""
    w, p, near = _lower(m, x)
    return m.where(p <= NEAR, near, m.where(m.eq(p, p), 1.0 + w, NAN))


def _sharpened(m: Any, y: Any, w: Any, lifted: Any = 0.0) -> Any:
    """What is to be added to w, which may be a few ulp off, with its own digits."""
    ratio, rest = divide_pairs(m, (y, 0.0), (w, 0.0))
    high, low = log_double(m, ratio)
    z = ((high - lifted) - w) + (low + rest / ratio)
    return w * z / (1.0 + w)


def _derivatives(
    m: Any, x: Any, w: Any, more: Any, p: Any, series: Sequence[float]
) -> tuple[Any, Any]:
    """The first two derivatives from w + ``more``, and from a series next to the branch point.

    w' = w/(1 + w)/x and w'' = -w'^2 (2 + w)/(1 + w) (NIST DLMF 4.13.4, 4.13.5). With 1 + w = p s(p)
    they are e/p (p s)' and -e^2/p^3 ((p s)' - p (p s)''), as dp/dx = e/p.
    """
    above, is_zero = (1.0 + w) + more, m.eq(x, 0.0)
    slope = m.where(is_zero, 1.0, (w + more) / above / m.where(is_zero, 1.0, x))
    bend = -(((2.0 + w) + more) / above * slope) * slope

    is_next, near = p <= NEXT, m.min(p, NEXT)
    first = polynomial(m, near, [(k + 1) * c for k, c in enumerate(series)])
    second = polynomial(m, near, [(k + 1) * (1 - k) * c for k, c in enumerate(series)])
    cube = _square(m, x) * near
    slope = m.where(is_next, E[0] * first / near, slope)
    bend = m.where(is_next, -E_SQUARED * second / cube, bend)
    known = m.eq(p, p)
    return m.where(known, slope, NAN), m.where(known, bend, NAN)


def _upper_derivatives(m: Any, x: Any) -> tuple[Any, Any]:
    """Those of branch 0: 0 at infinity."""
    inside = m.min(x, LARGEST)
    w, p, near = _upper(m, inside)
    w = m.where(p <= NEAR, near - 1.0, w)
    proper = (p > NEXT) & (m.abs(x) > SMALLEST)
    more = _sharpened(m, m.where(proper, inside, 1.0), m.where(proper, w, OMEGA))
    slope, bend = _derivatives(m, inside, w, m.where(proper, more, 0.0), p, UPPER)
    return m.where(x < INF, slope, 0.0 * near), m.where(x < INF, bend, -(0.0 * near))


def _lower_derivatives(m: Any, x: Any) -> tuple[Any, Any]:
    """Those of branch -1: -inf at 0."""
    w, p, near = _lower(m, x)
    w = m.where(p <= NEAR, near - 1.0, w)
    proper = (p > NEXT) & (x < 0.0)
    tiny = x > -TINY
    y, lifted = x * m.where(tiny, LIFT, 1.0), m.where(tiny, LOG_LIFT, 0.0)
    more = _sharpened(m, m.where(proper, y, -0.25), m.where(proper, w, -2.0), lifted)
    slope, bend = _derivatives(m, x, w, m.where(proper, more, 0.0), p, [-c for c in LOWER])
    return m.where(m.eq(x, 0.0), -INF, slope), m.where(m.eq(x, 0.0), -INF, bend)


def _third(name: str) -> Any:
    """w'^3 (2 w^2 + 8 w + 9)/(1 + w)^2 (NIST DLMF 4.13.5)."""

    def partial(y: Expr, x: Expr) -> Expr:
        w, slope = call(name, x), call(f"{name}_slope", x)
        return (slope / call(f"{name}_offset", x)) ** 2 * slope * (2 * w * w + 8 * w + 9)

    return partial


def _oracle(branch: int, times: int) -> Any:
    def value(mp: Any, x: Any) -> Any:
        if mp.isinf(x) or not x:
            # At 0 the series x - x^2 + ...
            return mp.mpf(((1, 0), (-2, 0))[times - 1][mp.isinf(x)]) if branch == 0 else mp.nan
        with mp.extradps(10):
            w = mp.lambertw(x, branch)
            slope = w / (x * (1 + w))
            return slope if times == 1 else -(slope**2) * (2 + w) / (1 + w)

    return value


def _derivative_row(branch: int, times: int) -> Primitive:
    name = "lambertw" if branch == 0 else "lambertw_minus"
    both = _upper_derivatives if branch == 0 else _lower_derivatives
    return define(
        f"{name}_slope" if times == 1 else f"{name}_curvature",
        (lambda y, x: call(f"{name}_curvature", x)) if times == 1 else _third(name),
        domain=(-0.3, 9) if branch == 0 else (-0.33, -0.05),
        kind="routine",
        definition=lambda m, x: both(m, x)[times - 1],
        oracle=_oracle(branch, times),
        cost=250,
        ulp=8.0,
        names=Names(),
        source="NIST DLMF 4.13.5",
    )


# fmt: off
lambertw = define("lambertw", lambda y, x: call("lambertw_slope", x),
                  domain=(-0.3, 9), kind="routine", definition=_lambertw, folds={0: 0},
                  oracle=lambda mp, x: mp.lambertw(x), cost=150, ulp=4.0,
                  names=Names(mpmath="lambertw"), source="NIST DLMF 4.13.4")
lambertw_offset = define("lambertw_offset", lambda y, x: call("lambertw_slope", x),
                         domain=(-0.3, 9), kind="routine", definition=_lambertw_offset,
                         folds={0: 1}, oracle=lambda mp, x: 1 + mp.lambertw(x), cost=150, ulp=4.0,
                         names=Names(), source="NIST DLMF 4.13.4")
lambertw_minus = define("lambertw_minus", lambda y, x: call("lambertw_minus_slope", x),
                        domain=(-0.33, -0.05), kind="routine", definition=_lambertw_minus,
                        oracle=lambda mp, x: mp.lambertw(x, -1), cost=150, ulp=4.0,
                        names=Names(), source="NIST DLMF 4.13.4")
lambertw_minus_offset = define("lambertw_minus_offset",
                               lambda y, x: call("lambertw_minus_slope", x),
                               domain=(-0.33, -0.05), kind="routine",
                               definition=_lambertw_minus_offset,
                               oracle=lambda mp, x: 1 + mp.lambertw(x, -1), cost=150, ulp=6.0,
                               names=Names(), source="NIST DLMF 4.13.4")
# fmt: on
lambertw_slope, lambertw_curvature = _derivative_row(0, 1), _derivative_row(0, 2)
lambertw_minus_slope, lambertw_minus_curvature = _derivative_row(-1, 1), _derivative_row(-1, 2)

ROWS = (
    *(lambertw, lambertw_offset, lambertw_slope, lambertw_curvature),
    *(lambertw_minus, lambertw_minus_offset, lambertw_minus_slope, lambertw_minus_curvature),
)
