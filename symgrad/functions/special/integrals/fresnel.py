"""Rows of the Fresnel integrals, and sin and cos of pi x^2/2, which are their derivatives."""

from __future__ import annotations

from typing import Any

from symgrad.functions.elementary import PI, call
from symgrad.functions.special.double import INF, NAN, two_product
from symgrad.functions.special.integrals.fresnel_coefficients import (
    FRESNEL_C_NEAR,
    FRESNEL_F,
    FRESNEL_G,
    FRESNEL_S_NEAR,
)
from symgrad.functions.special.segments import evaluate
from symgrad.ir.primitive import Names, define

EDGE = 1.41421356
"""Nearly sqrt(2), where the auxiliary functions take over."""

HALF_PI = (1.5707963267948966, 6.123233995736766e-17)


def _turns(m: Any, x: Any) -> Any:
    """x^2 modulo 4 in [-2, 2], with the square as a pair, so that no x loses its phase."""
    high, low = two_product(m, x, x)
    rest = high - 4.0 * m.rint(0.25 * high)
    low = low - 4.0 * m.rint(0.25 * low)
    total = rest + low
    error = low - (total - rest)
    turn = 4.0 * m.rint(0.25 * total)
    return total - turn, error


def _wave(m: Any, x: Any, shift: float) -> Any:
    """sin(pi x^2/2 + shift pi/2), shift = 0 or 1, by quarter turns."""
    turn, error = _turns(m, x)
    quarter = m.rint(turn)
    rest = turn - quarter
    angle = HALF_PI[0] * rest
    low = m.fma(HALF_PI[0], rest, -angle) + (HALF_PI[1] * rest + HALF_PI[0] * error)
    sine, cosine = m.sin(angle), m.cos(angle)
    sine, cosine = m.fma(low, cosine, sine), m.fma(-low, sine, cosine)
    moved = quarter + shift
    moved = moved - 4.0 * m.floor(0.25 * moved)
    odd = m.eq(moved, 1.0) | m.eq(moved, 3.0)
    size = m.where(odd, cosine, sine)
    return m.where(moved >= 2.0, -size, size)


def _fresnel_sin(m: Any, x: Any) -> Any:
    """sin(pi x^2/2) within 2 ulp for |x| < 2^500: the square is reduced as a pair."""
    small = m.abs(x) < 1e-4
    near = HALF_PI[0] * x * x
    kept = m.where(m.abs(x) < 2.0**500, x, 0.0)
    far = m.where(m.abs(x) < 2.0**500, _wave(m, kept, 0.0), 0.0)
    return m.where(small, near, m.where(m.abs(x) < INF, far, NAN))


def _fresnel_cos(m: Any, x: Any) -> Any:
    """cos(pi x^2/2) within 2 ulp for |x| < 2^500: the square is reduced as a pair."""
    kept = m.where(m.abs(x) < 2.0**500, x, 0.0)
    return m.where(m.abs(x) < INF, _wave(m, kept, 1.0), NAN)


def _auxiliary(m: Any, a: Any) -> tuple[Any, Any]:
    """The auxiliary functions f and g (NIST DLMF 7.2.10, 7.2.11) for a >= sqrt(2)."""
    inverse = 1.0 / m.max(a, EDGE)
    square = inverse * inverse
    fourth = square * square
    return inverse * evaluate(m, fourth, FRESNEL_F), square * inverse * evaluate(
        m, fourth, FRESNEL_G
    )


def _fresnelc(m: Any, x: Any) -> Any:
    """C(x), the integral of cos(pi t^2/2) from 0 to x: odd, 1/2 at infinity (NIST DLMF 7.2.7).

    x P(x^4) below sqrt(2), then 1/2 + f sin(pi x^2/2) - g cos(pi x^2/2) (7.5.3).
    """
    a = m.abs(x)
    small = m.min(a, EDGE)
    square = small * small
    near = small * evaluate(m, square * square, FRESNEL_C_NEAR)
    f, g = _auxiliary(m, a)
    kept = m.min(a, 1e16)
    far = 0.5 + (f * _wave(m, kept, 0.0) - g * _wave(m, kept, 1.0))
    size = m.where(a < EDGE, near, m.where(a < 1e16, far, 0.5))
    return m.where(x < 0.0, -size, m.where(x > 0.0, size, x))


def _fresnels(m: Any, x: Any) -> Any:
    """S(x), the integral of sin(pi t^2/2) from 0 to x: odd, 1/2 at infinity (NIST DLMF 7.2.8).

    x^3 P(x^4) below sqrt(2), then 1/2 - f cos(pi x^2/2) - g sin(pi x^2/2) (7.5.4).
    """
    a = m.abs(x)
    small = m.min(a, EDGE)
    square = small * small
    near = small * square * evaluate(m, square * square, FRESNEL_S_NEAR)
    f, g = _auxiliary(m, a)
    kept = m.min(a, 1e16)
    far = 0.5 - (f * _wave(m, kept, 1.0) + g * _wave(m, kept, 0.0))
    size = m.where(a < EDGE, near, m.where(a < 1e16, far, 0.5))
    return m.where(x < 0.0, -size, m.where(x > 0.0, size, x))


def _wave_oracle(name: str) -> Any:
    def oracle(mp: Any, x: Any) -> Any:
        if not mp.isfinite(x):
            return mp.nan
        with mp.extradps(20 + max(0, mp.mag(x))):
            return getattr(mp, name)(x * x / 2)

    return oracle


# fmt: off
fresnel_sin = define("fresnel_sin", lambda y, x: PI * x * call("fresnel_cos", x), domain=(-3, 3),
                     kind="routine", definition=_fresnel_sin, oracle=_wave_oracle("sinpi"),
                     parity="even", folds={0: 0}, cost=50, ulp=2.0, names=Names(),
                     source="NIST DLMF 7.2.8")
fresnel_cos = define("fresnel_cos", lambda y, x: -PI * x * call("fresnel_sin", x), domain=(-3, 3),
                     kind="routine", definition=_fresnel_cos, oracle=_wave_oracle("cospi"),
                     parity="even", folds={0: 1}, cost=50, ulp=2.0, names=Names(),
                     source="NIST DLMF 7.2.7")
fresnels = define("fresnels", lambda y, x: call("fresnel_sin", x), domain=(-3, 3),
                  kind="routine", definition=_fresnels, oracle=lambda mp, x: mp.fresnels(x),
                  parity="odd", folds={0: 0}, cost=350, ulp=4.0, names=Names(mpmath="fresnels"),
                  source="NIST DLMF 7.2.8")
fresnelc = define("fresnelc", lambda y, x: call("fresnel_cos", x), domain=(-3, 3),
                  kind="routine", definition=_fresnelc, oracle=lambda mp, x: mp.fresnelc(x),
                  parity="odd", folds={0: 0}, cost=350, ulp=4.0, names=Names(mpmath="fresnelc"),
                  source="NIST DLMF 7.2.7")
# fmt: on

ROWS = (fresnel_sin, fresnel_cos, fresnels, fresnelc)
