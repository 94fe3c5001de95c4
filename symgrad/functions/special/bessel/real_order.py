"""First values of recurrences of Bessel functions of real order: at mu and mu + 1, |mu| <= 1/2.

Up to x = 2 Temme's series (Numerical evaluation of the ordinary Bessel function of the second kind,
J. Comput. Phys. 21, 1976, and of the modified one, 19, 1975); up to 25 the continued fraction
CF2 (Thompson and Barnett, Coulomb and Bessel functions of complex arguments and order, J. Comput.
Phys. 64, 1986; NIST DLMF 10.74(v)); from there on the asymptotic series of Hankel, NIST DLMF
10.17 and 10.40.
"""

from __future__ import annotations

from math import factorial
from typing import Any

from symgrad.functions.special.double import (
    LN2,
    add_pairs,
    cos_pi,
    exp_double,
    log_double,
    polynomial,
    scale_pair,
    sin_pi,
)

WAVE_EDGE, DECAY_EDGE = 2.0, 1.0
"""Where the series of Temme end: longer, cancellation would cost digits, of K sooner."""

FRACTION_EDGE = 25.0
"""Where the series of Hankel begin: 20 of their terms leave 1e-17 there."""

HANKEL_TERMS = 20
TEMME_TERMS = 16
FRACTION_TERMS = 300
TWO_OVER_PI = 0.6366197723675814
ROOT_TWO_OVER_PI = 0.7978845608028654
ROOT_HALF_PI = 1.2533141373155003

# fmt: off
# In powers of mu^2, fitted up to 1/4 by benchmarks/coefficients/special.py: half the difference of
# 1/Gamma(1 - mu) and 1/Gamma(1 + mu) over mu, half their sum, pi mu/sin(pi mu).
GAMMA_1 = (
    -0.5772156649015329, 0.04200263503409524, 0.04219773455554432, -0.00721894324666241,
    0.00021524167410079872, 2.0134854943949705e-05, -1.133028335412651e-06, -6.111757978367613e-09,
    1.1721449739554431e-09,
)
GAMMA_2 = (
    1.0, -0.6558780715202539, 0.1665386113822917, -0.009621971527885256, -0.0011651675916885258,
    0.000128050280414672, -1.25048005653128e-06, -2.0568716058005746e-07, 5.116656432802304e-09,
)
OVER_SINE = (
    1.0, 1.6449340668482306, 1.8940656589931073, 1.9711021827801007, 1.9924659907208375,
    1.9980795641188127, 1.9995001858216026, 2.000167450330844, 1.996059379419724,
    2.038239490028587, 1.7276127410958322, 3.40583632732193, -3.1611195785737065,
    14.94347377866823, -18.391967771348746, 18.39196776202334,
)
# fmt: on
SINH = tuple(1 / factorial(2 * k + 1) for k in range(9))
"""sinh(x)/x in powers of x^2, up to x = 1."""


def hankel(m: Any, order: Any, x: Any, sign: float) -> tuple[Any, Any]:
    """The sums over even k and over odd k of sign^(k//2) a_k(order)/x^k (NIST DLMF 10.17.1)."""
    square = 4.0 * order * order
    eighth = 0.125 / x
    term: Any = 1.0
    terms = [term]
    for k in range(1, HANKEL_TERMS + 1):
        turned = sign if k % 2 == 0 else 1.0
        term = term * ((square - (2.0 * k - 1.0) ** 2) * (eighth * (turned / k)))
        terms.append(term)
    sums = []
    for chosen in (terms[0::2], terms[1::2]):
        total = chosen[-1]
        for smaller in reversed(chosen[:-1]):
            total = total + smaller
        sums.append(total)
    return sums[0], sums[1]


def far_waves(m: Any, mu: Any, x: Any) -> tuple[Any, Any, Any, Any]:
    """(J_mu, J_{mu+1}, Y_mu, Y_{mu+1}) for x >= 25: NIST DLMF 10.17.3, 10.17.4."""
    turn = 0.5 * mu + 0.25
    turn_sine, turn_cosine = sin_pi(m, turn), cos_pi(m, turn)
    sine, cosine = m.sin(x), m.cos(x)
    # sin and cos of x - (mu/2 + 1/4) pi, and of an angle less by pi/2
    s = m.fma(sine, turn_cosine, -(cosine * turn_sine))
    c = m.fma(cosine, turn_cosine, sine * turn_sine)
    size = ROOT_TWO_OVER_PI / m.sqrt(x)
    found = []
    for order, sin_, cos_ in ((mu, s, c), (mu + 1.0, -c, s)):
        p, q = hankel(m, order, x, -1.0)
        found.append((size * m.fma(p, cos_, -(q * sin_)), size * m.fma(p, sin_, q * cos_)))
    (j0, y0), (j1, y1) = found
    return j0, j1, y0, y1


def far_growth(m: Any, mu: Any, x: Any) -> tuple[Any, Any, Any, Any]:
    """(exp(-x) I_mu, I_{mu+1}, exp(x) K_mu, K_{mu+1}) for x >= 25: NIST DLMF 10.40.1, 10.40.2."""
    root = m.sqrt(x)
    found = []
    for order in (mu, mu + 1.0):
        even, odd = hankel(m, order, x, 1.0)
        growth, decay = 0.5 * ROOT_TWO_OVER_PI / root, ROOT_HALF_PI / root
        found.append(((even - odd) * growth, (even + odd) * decay))
    (i0, k0), (i1, k1) = found
    return i0, i1, k0, k1


def temme(m: Any, mu: Any, x: Any, sign: float) -> tuple[Any, Any]:
    """(K_mu, K_{mu+1}) for sign = 1, -pi/2 (Y_mu, Y_{mu+1}) for sign = -1; 0 < x <= 2.

    Sums over k of c_k f_k and (2/x) c_k (p_k - k f_k), c_k = (sign x^2/4)^k/k!, where for Y
    (2/mu) sin^2(pi mu/2) q_k is added to f_k.
    """
    square = mu * mu
    gamma_1, gamma_2 = polynomial(m, square, GAMMA_1), polynomial(m, square, GAMMA_2)
    log_high, log_low = log_double(m, x)
    twice_high, twice_low = add_pairs(LN2, (-log_high, -log_low))
    sigma, sigma_low = scale_pair(m, (twice_high, twice_low), mu)
    up = exp_double(m, sigma, sigma_low)
    down = 1.0 / up
    is_zero = m.eq(mu, 0)
    over_sine = polynomial(m, square, OVER_SINE)
    is_small = m.abs(sigma) < 1.0
    near = m.where(is_small, sigma, 0.0)
    wide = m.where(is_small, 1.0, sigma)
    sinh_over = m.where(is_small, polynomial(m, near * near, SINH), (up - down) / (2.0 * wide))
    cosh = 0.5 * (up + down)
    f = over_sine * m.fma(cosh, gamma_1, sinh_over * twice_high * gamma_2)
    p = 0.5 * up / m.fma(-mu, gamma_1, gamma_2)
    q = 0.5 * down / m.fma(mu, gamma_1, gamma_2)
    extra = 0.0
    if sign < 0.0:
        half = sin_pi(m, 0.5 * mu)
        extra = m.where(is_zero, 0.0, 2.0 * half * half / m.where(is_zero, 1.0, mu))
    quarter = sign * 0.25 * x * x

    def step(k: Any, c: Any, f: Any, p: Any, q: Any, first: Any, second: Any) -> Any:
        g = f + extra * q
        first, second = m.fma(c, g, first), m.fma(c, p - k * g, second)
        above = k + 1.0
        f = (above * f + p + q) / (above * above - square)
        return (
            k < TEMME_TERMS - 1.5,
            *(c * quarter / above, f, p / (above - mu), q / (above + mu), first, second),
        )

    *_, first, second = m.loop(step, (1.0, f, p, q, 0.0, 0.0), TEMME_TERMS)
    return first, second * (2.0 / x)


def wave_fraction(m: Any, mu: Any, x: Any, is_wanted: Any) -> tuple[Any, Any]:
    """(p, q) with p + i q = (J' + i Y')/(J + i Y) at mu, 2 <= x <= 25, its CF2 from the end."""
    square = mu * mu
    last = m.where(is_wanted, m.ceil(104.0 / x) + 4.0, 1.0)

    def step(k: Any, re: Any, im: Any) -> Any:
        index = last - k
        top = (index - 0.5) * (index - 0.5) - square
        bottom_re, bottom_im = 2.0 * x + re, 2.0 * index + im
        by = top / m.fma(bottom_re, bottom_re, bottom_im * bottom_im)
        return index > 1.5, bottom_re * by, -bottom_im * by

    re, im = m.loop(step, (0.0, 0.0), FRACTION_TERMS)
    # (i/x) (re + i im)
    return -(0.5 + im) / x, 1.0 + re / x


def decay_fraction(m: Any, mu: Any, x: Any) -> tuple[Any, Any]:
    """exp(x) (K_mu, K_{mu+1}), 1 <= x <= 25: Steed's forward CF2 with Temme's sum beside it."""
    first = 0.25 - mu * mu
    b = 2.0 * (1.0 + x)
    d = 1.0 / b

    # Terms of Temme's sum and those before them, scaled alike: apart they grow like factorials.
    def step(
        k: Any, a: Any, b: Any, d: Any, delta: Any, h: Any, before: Any, term: Any, q: Any, s: Any
    ) -> Any:
        i = k + 2.0
        a = a - 2.0 * (i - 1.0)
        before, term = -a / i * term, (b * term - before) / i
        q = q + term
        b = b + 2.0
        d = 1.0 / (b + a * d)
        delta = (b * d - 1.0) * delta
        change = q * delta
        return m.abs(change) > 1e-17, a, b, d, delta, h + delta, before, term, q, s + change

    start = (-first, b, d, d, d, 0.0, first, first, first * d)
    found = m.loop(step, start, FRACTION_TERMS)
    h, s = first * found[4], 1.0 + found[8]
    zero = ROOT_HALF_PI / (m.sqrt(x) * s)
    return zero, zero * (mu + x + 0.5 - h) / x
