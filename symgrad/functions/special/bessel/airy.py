"""Rows of the Airy functions Ai and Bi and of their derivatives, named as in SymPy.

Below 0 the error is measured against the amplitude of their waves, |x|^(-1/4)/sqrt(pi) and
|x|^(1/4)/sqrt(pi); the first zero of each is exact all the same. All hold for |x| < 1e8;
beyond, as |x|^(3/2) has no more digits behind the point than two doubles, the waves lose theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symgrad.functions.elementary import call
from symgrad.functions.special.bessel import airy_coefficients as table
from symgrad.functions.special.double import INF, NAN, Pair, polynomial
from symgrad.ir.primitive import Names, Primitive, define

EDGE = 13.0 / 3.0
"""Where the waves begin, and the growth of Bi."""

TWO_THIRDS = (0.6666666666666666, 3.700743415417188e-17)
ZETA_EDGE = 6.013701776235495
TWICE_ROOT_PI_INVERSE = 0.28209479177387814
ROOT_PI_INVERSE = 0.5641895835477563
ROOT_TWO_PI_INVERSE = 0.3989422804014327
VANISHED = 1e3
"""From far below on Ai is 0 and Bi is inf."""


def _zeta(m: Any, x: Any) -> Pair:
    """(2/3) x^(3/2) as a pair, x > 0."""
    root = m.sqrt(x)
    root_low = 0.5 * m.fma(-root, root, x) / root
    cube = x * root
    cube_low = m.fma(x, root_low, m.fma(x, root, -cube))
    high = cube * TWO_THIRDS[0]
    low = m.fma(cube, TWO_THIRDS[0], -high)
    return high, m.fma(cube, TWO_THIRDS[1], m.fma(cube_low, TWO_THIRDS[0], low))


def _negative(m: Any, x: Any, zeros: Sequence[Pair], coefficients: Sequence[float]) -> Any:
    """-13/3 <= x <= -1."""
    x = m.min(m.max(x, -EDGE), -1.0)
    value = polynomial(m, m.fma(0.6, x, 1.6), coefficients)
    for high, low in zeros:
        value = value * ((x - high) - low)
    return value


def _waves(
    m: Any, x: Any, p: Sequence[float], q: Sequence[float], *, prime: bool
) -> tuple[Any, Any, Any, Any]:
    """(P + Q, P - Q, sin zeta, cos zeta) for -x >= 13/3, with the amplitude in the last two.

    cos(zeta - pi/4) is (cos zeta + sin zeta)/sqrt 2, so no rounded angle turns the waves.
    """
    zeta, rest = _zeta(m, x)
    inverse = 1.0 / zeta
    t = inverse * inverse
    first, second = polynomial(m, t, p), inverse * polynomial(m, t, q)
    sine, cosine = m.sin(zeta), m.cos(zeta)
    rest = m.max(m.min(rest, 0.01), -0.01)
    less = -0.5 * rest * rest
    fourth = m.sqrt(m.sqrt(x))
    size = ROOT_TWO_PI_INVERSE * fourth if prime else ROOT_TWO_PI_INVERSE / fourth
    turned_sine = sine + m.fma(rest, cosine, less * sine)
    turned_cosine = cosine + m.fma(-rest, sine, less * cosine)
    return first + second, first - second, size * turned_sine, size * turned_cosine


def _ai(m: Any, x: Any, *, prime: bool) -> Any:
    """Ai(x), or Ai'(x): NIST DLMF 9.7.5, 9.7.6, 9.7.9, 9.7.10 and fits between them. 7 ulp."""
    name = "AI_PRIME" if prime else "AI"
    zeros, negative, unit, top, bottom = _tables(name, "ZEROS", "NEGATIVE", "UNIT", *LARGE)
    near_negative = _negative(m, x, zeros, negative)
    near = polynomial(m, m.min(m.max(x, -1.0), 1.0), unit)

    outside = m.min(m.max(x, 1.0), VANISHED)
    zeta, rest = _zeta(m, outside)
    t = 1.0 / zeta
    decayed = m.exp(-zeta)
    decayed = TWICE_ROOT_PI_INVERSE * m.fma(-rest, decayed, decayed)
    fourth = m.sqrt(m.sqrt(outside))
    ratio = polynomial(m, t, top) / polynomial(m, t, bottom)
    far = -ratio * decayed * fourth if prime else ratio * decayed / fourth

    wave = _waves(m, m.min(m.max(-x, EDGE), 1e200), *_wave_tables(prime), prime=prime)
    plus, minus, sine, cosine = wave
    waves = m.fma(minus, sine, -plus * cosine) if prime else m.fma(minus, cosine, plus * sine)
    waves = m.where(m.eq(x, -INF), NAN if prime else 0.0, waves)
    below = m.where(x < -EDGE, waves, near_negative)
    return m.where(x < -1.0, below, m.where(x <= 1.0, near, m.where(x > 1.0, far, x)))


def _bi(m: Any, x: Any, *, prime: bool) -> Any:
    """Bi(x), or Bi'(x): NIST DLMF 9.7.7, 9.7.8, 9.7.11, 9.7.12 and fits between them. 7 ulp."""
    name = "BI_PRIME" if prime else "BI"
    zeros, negative, small, large = _tables(name, "ZEROS", "NEGATIVE", "SMALL", "LARGE")
    near_negative = _negative(m, x, zeros, negative)
    near = polynomial(m, m.min(m.max(x, -1.0), EDGE), small)

    outside = m.min(m.max(x, EDGE), VANISHED)
    zeta, rest = _zeta(m, outside)
    root = m.exp(0.5 * zeta)
    series = polynomial(m, m.fma(2.0 * ZETA_EDGE, 1.0 / zeta, -1.0), large)
    fourth = m.sqrt(m.sqrt(outside))
    scaled = ROOT_PI_INVERSE * (series * fourth if prime else series / fourth)
    far = m.fma(rest, scaled, scaled) * root * root

    wave = _waves(m, m.min(m.max(-x, EDGE), 1e200), *_wave_tables(prime), prime=prime)
    plus, minus, sine, cosine = wave
    waves = m.fma(minus, cosine, plus * sine) if prime else m.fma(plus, cosine, -minus * sine)
    waves = m.where(m.eq(x, -INF), NAN if prime else 0.0, waves)
    below = m.where(x < -EDGE, waves, near_negative)
    return m.where(x < -1.0, below, m.where(x <= EDGE, near, m.where(x > EDGE, far, x)))


def _ai_third(m: Any, x: Any) -> Any:
    """Ai(x) + x Ai'(x), the third derivative of Ai, whose terms cancel near 0.88. 8 ulp."""
    high, low = table.AI_THIRD_ZERO
    near = polynomial(m, m.min(m.max(x, -1.0), 1.0), table.AI_THIRD_UNIT)
    middle = polynomial(m, m.fma(2.0, m.min(m.max(x, 1.0), 2.0), -3.0), table.AI_THIRD_MIDDLE)
    inside = ((x - high) - low) * m.where(x <= 1.0, near, middle)

    outside = m.min(m.max(x, 2.0), VANISHED)
    zeta, rest = _zeta(m, outside)
    decayed = m.exp(-zeta)
    decayed = TWICE_ROOT_PI_INVERSE * m.fma(-rest, decayed, decayed)
    fourth = m.sqrt(m.sqrt(outside))
    t = 1.0 / zeta
    ratio, slope = (
        polynomial(m, t, top) / polynomial(m, t, bottom)
        for top, bottom in (_tables(name, *LARGE) for name in ("AI", "AI_PRIME"))
    )
    far = m.fma(-slope * outside, fourth, ratio / fourth) * decayed
    below = m.airyai(x) + x * m.airyaiprime(x)
    return m.where(x < -1.0, below, m.where(x <= 2.0, inside, m.where(x > 2.0, far, x)))


LARGE = ("LARGE_TOP", "LARGE_BOTTOM")


def _tables(name: str, *parts: str) -> tuple[Any, ...]:
    return tuple(getattr(table, f"{name}_{part}") for part in parts)


def _wave_tables(prime: bool) -> tuple[Any, ...]:
    return _tables("WAVE_PRIME" if prime else "WAVE", "P", "Q")


def _row(name: str, partial: Any, definition: Any, oracle: Any, source: str) -> Primitive:
    return define(
        name,
        partial,
        domain=(-5, 5),
        kind="routine",
        cost=220,
        ulp=7.0,
        names=Names(),
        definition=definition,
        oracle=oracle,
        source=source,
    )


def _third(name: str) -> Any:
    """The derivative of f + x f': 2 f' + x^2 f."""
    return lambda y, x: 2 * call(f"{name}prime", x) + x * call(f"{name}_curvature", x)


def _called(name: str) -> Any:
    return lambda y, x: call(name, x)


# fmt: off
# A row of its own for each of the first three derivatives (NIST DLMF 9.2.1, f'' = x f): formulas
# of them overflow, vanish or cancel in single precision.
airyai = _row("airyai", _called("airyaiprime"),
              lambda m, x: _ai(m, x, prime=False), lambda mp, x: mp.airyai(x),
              "NIST DLMF 9.7.5, 9.7.9")
airyaiprime = _row("airyaiprime", _called("airyai_curvature"),
                   lambda m, x: _ai(m, x, prime=True), lambda mp, x: mp.airyai(x, derivative=1),
                   "NIST DLMF 9.2.1, 9.7.6, 9.7.10")
airyai_curvature = _row("airyai_curvature", _called("airyai_third"),
                        lambda m, x: m.where(m.eq(x, INF), 0.0, x * m.airyai(x)),
                        lambda mp, x: x * mp.airyai(x) if x != mp.inf else mp.mpf(0),
                        "NIST DLMF 9.2.1")
airyai_third = _row("airyai_third", _third("airyai"), _ai_third,
                    lambda mp, x: mp.airyai(x) + x * mp.airyai(x, derivative=1), "NIST DLMF 9.2.1")
airybi = _row("airybi", _called("airybiprime"),
              lambda m, x: _bi(m, x, prime=False), lambda mp, x: mp.airybi(x),
              "NIST DLMF 9.7.7, 9.7.11")
airybiprime = _row("airybiprime", _called("airybi_curvature"),
                   lambda m, x: _bi(m, x, prime=True), lambda mp, x: mp.airybi(x, derivative=1),
                   "NIST DLMF 9.2.1, 9.7.8, 9.7.12")
airybi_curvature = _row("airybi_curvature", _called("airybi_third"),
                        lambda m, x: x * m.airybi(x), lambda mp, x: x * mp.airybi(x),
                        "NIST DLMF 9.2.1")
airybi_third = _row("airybi_third", _third("airybi"),
                    lambda m, x: m.airybi(x) + x * m.airybiprime(x),
                    lambda mp, x: mp.airybi(x) + x * mp.airybi(x, derivative=1), "NIST DLMF 9.2.1")
# fmt: on

ROWS = (
    *(airyai, airyaiprime, airyai_curvature, airyai_third),
    *(airybi, airybiprime, airybi_curvature, airybi_third),
)
