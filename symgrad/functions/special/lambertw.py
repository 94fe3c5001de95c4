"""Rows of Lambert's W: w exp(w) = x on the branches 0 and -1 (NIST DLMF 4.13).

Near the branch point -1/e a polynomial in p = sqrt(2 (e x + 1)) (4.13.6), elsewhere an estimate and
two steps of Fritsch, Shafer and Crowley (CACM 16, 1973, algorithm 443), each of order four.
"""

from __future__ import annotations

from typing import Any

from symgrad.functions.elementary import call, select
from symgrad.functions.special.double import INF, NAN, polynomial
from symgrad.functions.special.lambertw_coefficients import LOWER, UPPER, E
from symgrad.ir.primitive import Names, define

START = -0.36787944117144233  # -1/e rounded, which is below it
NEAR = 0.6
"""Up to this p the polynomial is used."""
FAR = 3.0
"""From here on the slope of branch 0 has no exponential."""
TINY, LIFT, LOG_LIFT = 1e-300, 2.0**64, 44.3614195558365
"""On branch -1 an x smaller than the first is multiplied by the second."""


def _distance(m: Any, x: Any) -> Any:
    """P = sqrt(2 (e x + 1)) with all digits; nan below -1/e, but 0 at the double next to it."""
    d = m.fma(x, E[0], 1.0) + x * E[1]
    return m.sqrt(2.0 * m.where(m.eq(x, START), 0.0, d))


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


def _slope(x: Any, w: Any, offset: Any) -> Any:
    """w/(x (1 + w)) (NIST DLMF 4.13.4), or exp(-w)/(1 + w), which is finite at 0.

    The exponential multiplies the error of a large w by w.
    """
    return select(x < FAR, call("exp", -w), w / x) / offset


def _slope_minus(x: Any, w: Any, offset: Any) -> Any:
    return w / (x * offset)


# fmt: off
lambertw = define("lambertw", lambda y, x: _slope(x, y, call("lambertw_offset", x)),
                  domain=(-0.3, 9), kind="routine", definition=_lambertw, folds={0: 0},
                  oracle=lambda mp, x: mp.lambertw(x), cost=150, ulp=4.0,
                  names=Names(mpmath="lambertw"), source="NIST DLMF 4.13.4")
lambertw_offset = define("lambertw_offset", lambda y, x: _slope(x, y - 1, y),
                         domain=(-0.3, 9), kind="routine", definition=_lambertw_offset,
                         folds={0: 1}, oracle=lambda mp, x: 1 + mp.lambertw(x), cost=150, ulp=4.0,
                         names=Names(), source="NIST DLMF 4.13.4")
lambertw_minus = define("lambertw_minus",
                        lambda y, x: _slope_minus(x, y, call("lambertw_minus_offset", x)),
                        domain=(-0.33, -0.05), kind="routine", definition=_lambertw_minus,
                        oracle=lambda mp, x: mp.lambertw(x, -1), cost=150, ulp=4.0,
                        names=Names(), source="NIST DLMF 4.13.4")
lambertw_minus_offset = define("lambertw_minus_offset",
                               lambda y, x: _slope_minus(x, y - 1, y),
                               domain=(-0.33, -0.05), kind="routine",
                               definition=_lambertw_minus_offset,
                               oracle=lambda mp, x: 1 + mp.lambertw(x, -1), cost=150, ulp=6.0,
                               names=Names(), source="NIST DLMF 4.13.4")
# fmt: on

ROWS = (lambertw, lambertw_offset, lambertw_minus, lambertw_minus_offset)
