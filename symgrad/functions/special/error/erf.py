"""Rows of the error functions: erf, erfc, erfi, their scaled forms, inverses and derivatives."""

from __future__ import annotations

from math import exp, pi, sqrt
from typing import Any

from symgrad.functions.elementary import PI, call, select
from symgrad.functions.special.double import INF, NAN, exp_double, two_product, two_sum
from symgrad.functions.special.error.coefficients import (
    DAWSON,
    DAWSON_NEAR,
    DAWSON_TAIL,
    ERFCINV,
    ERFCX,
    ERFCX_TAIL,
    ERFINV_NEAR,
    HALF_HERMITE,
    LAGUERRE,
)
from symgrad.functions.special.segments import evaluate, is_order
from symgrad.ir.expression import HALF, Expr
from symgrad.ir.primitive import Names, define, no_closed_form

ROOT_PI = PI**HALF
TWO_OVER_ROOT_PI = 2 / sqrt(pi)
EXP_8, EXP_MINUS_64 = exp(8.0), exp(-64.0)
LEGENDRE = (
    (0.9739065285171717, 0.06667134430868814),
    (0.8650633666889845, 0.1494513491505806),
    (0.6794095682990244, 0.21908636251598204),
    (0.4333953941292472, 0.26926671930999635),
    (0.14887433898163122, 0.29552422471475287),
)
"""Nodes and half weights of Gauss-Legendre quadrature with ten points, on one side."""


def gauss(m: Any, x: Any, factor: float) -> Any:
    """exp(-factor x^2), factor a power of two: the square is a pair, so large x cost no digits."""
    high, low = two_product(m, x, x)
    return exp_double(m, -factor * high, -factor * low)


def erfcx_of_positive(m: Any, a: Any) -> Any:
    """exp(a^2) erfc(a) for a >= 0."""
    near = evaluate(m, m.min(a, 8.0), ERFCX)
    inverse = 1.0 / m.max(a, 8.0)
    far = inverse * evaluate(m, inverse * inverse, ERFCX_TAIL)
    return m.where(a < 8.0, near, far)


def _erfcx(m: Any, x: Any) -> Any:
    """exp(x^2) erfc(x), the scaled complementary error function, for every x: inf below -26.7.

    Fits on [0, 8], x erfcx(x) fitted in 1/x^2 beyond (NIST DLMF 7.12.1); for x < 0 it is
    2 exp(x^2) - erfcx(-x) (7.4.2), whose square is kept as a pair.
    """
    a = m.abs(x)
    positive = erfcx_of_positive(m, a)
    kept = m.max(m.min(x, 0.0), -27.0)
    negative = 2.0 * gauss(m, kept, -1.0) - positive
    return m.where(x < 0.0, m.where(x < -26.7, INF, negative), positive)


def _erfc(m: Any, x: Any) -> Any:
    """1 - erf(x) with its relative accuracy in the tail to 27.2: exp(-x^2) erfcx(x)."""
    a = m.abs(x)
    kept = m.min(a, 28.0)
    tail = gauss(m, kept, 1.0) * erfcx_of_positive(m, kept)
    near = 1.0 - m.erf(x)
    return m.where(a < 0.5, near, m.where(x < 0.0, 2.0 - tail, m.where(x > 0.0, tail, x)))


def _exp_less_square(m: Any, a: Any, u: Any) -> Any:
    """exp(a - u^2), the exponent as a pair: a part of either that cancels costs no digits."""
    kept = m.max(m.min(u, 1e100), -1e100)
    high, low = two_product(m, kept, kept)
    difference, rest = two_sum(m.max(m.min(a, 1e300), -1e300), -high)
    exponent, rest = two_sum(difference, rest - low)
    near = m.max(m.min(exponent, 800.0), -800.0)
    value = exp_double(m, near, m.where(m.eq(near, exponent), rest, 0.0))
    known = m.eq(a, a) & ((a < INF) | (m.abs(u) < 1e100))
    return m.where(known & m.eq(u, u), value, NAN)


def _exp_erfc(m: Any, a: Any, u: Any) -> Any:
    """exp(a) erfc(u), of which one part may be beyond all numbers and the other vanish."""
    tail = _exp_less_square(m, a, u) * erfcx_of_positive(m, m.abs(u))
    power = 2.0 * m.exp(a)
    whole = m.where(power < INF, power - tail, power)
    return m.where(u > 0.0, tail, m.where(u <= 0.0, whole, NAN))


def _erfcx_derivative(m: Any, n: Any, x: Any) -> Any:
    """The n-th derivative of erfcx, n = 0, 1, 2, ...: nan for other n.

    (-1)^n 2^n n! exp(x^2) i^n erfc(x) (NIST DLMF 7.18.4), which by 7.18.2 is (-1)^n 2/sqrt(pi)
    times the integral of (2 s)^n exp(-s^2 - 2 x s) over s > 0. The integrand is positive, so Gauss
    quadrature loses nothing where 2 x erfcx - 2/sqrt(pi) cancels: 28 nodes for the weight
    exp(-s^2) below x = 3.5, and for exp(-2 x s) beyond. For x < 0 the recurrence
    w_n+1 = 2 |x| w_n + 2 n w_n-1 (7.18.7) has positive terms. Within 8 ulp to n = 4, 16 to n = 8.
    """
    a = m.max(x, 0.0)
    far = a >= 3.5
    slope = m.where(far, -1.0 / (m.max(a, 3.5) * m.max(a, 3.5)), -m.min(a, 3.5))
    total = None
    for (log_s, s, weight), (log_t, t, other) in zip(HALF_HERMITE, LAGUERRE, strict=True):
        exponent = m.fma(n, m.where(far, log_t, log_s), slope * m.where(far, t, s))
        term = m.where(far, other, weight) * m.exp(exponent)
        total = term if total is None else total + term
    inverse = 1.0 / m.max(a, 1.0)
    positive = m.where(far, total * inverse * m.pow(inverse, n), total)

    b = -m.max(m.min(x, 0.0), -27.0)
    first = _erfcx(m, -b)

    def step(k: Any, lower: Any, upper: Any) -> Any:
        # (w_k, w_k+1) -> (w_k+1, w_k+2)
        return k + 2.0 < n, upper, 2.0 * (k + 1.0) * lower + 2.0 * b * upper

    second = 2.0 * b * first + TWO_OVER_ROOT_PI
    _, last = m.loop(step, (first, second), 64)
    negative = m.where(n < 1.0, first, m.where(n < 2.0, second, last))
    size = m.where(x < 0.0, negative, positive)
    odd = m.ne(n, 2.0 * m.floor(0.5 * n))
    signed = m.where(odd, -size, size)
    value = m.where(m.eq(x, x), signed, x)
    return m.where(is_order(m, n), value, NAN)


def _dawson(m: Any, x: Any) -> Any:
    """exp(-x^2) times the integral of exp(t^2) from 0 to x (NIST DLMF 7.2.5), odd, for every x.

    Fits: in x^2 to 1/2, in x to 8, x dawson(x) in 1/x^2 beyond (7.12.1).
    """
    a = m.abs(x)
    small = m.min(a, 0.5)
    near = small * evaluate(m, small * small, DAWSON_NEAR)
    middle = evaluate(m, m.max(m.min(a, 8.0), 0.5), DAWSON)
    inverse = 1.0 / m.max(a, 8.0)
    far = inverse * evaluate(m, inverse * inverse, DAWSON_TAIL)
    size = m.where(a < 0.5, near, m.where(a < 8.0, middle, far))
    return m.where(x < 0.0, -size, m.where(x > 0.0, size, x))


def _dawson_derivative(m: Any, n: Any, x: Any) -> Any:
    """The n-th derivative of dawson, n = 0, 1, 2, ...: nan for other n.

    Below |x| = 9: by Kummer's transformation (NIST DLMF 13.2.39) of the Taylor series,
    (-1)^j 4^j j! exp(-x^2) times M(-n/2, 1/2, x^2) for n = 2 j + 1, and times
    x M((1 - n)/2, 3/2, x^2) for n = 2 j > 0: from term n/2 on the series has one sign, where
    1 - 2 x dawson cancels; terms and sum are pairs. Beyond, the asymptotic series 7.12.1 term by
    term. Within 8 ulp of the local scale to n = 6.
    """
    half = m.floor(0.5 * n)
    odd = m.ne(n, 2.0 * half)
    a = m.min(m.abs(x), 9.0)
    square = a * a
    upper = m.where(odd, -0.5 * n, 0.5 - 0.5 * n)
    lower = m.where(odd, 0.5, 1.5)

    def series(k: Any, term: Any, term_low: Any, total: Any, total_low: Any) -> Any:
        inverse = 1.0 / ((lower + k) * (k + 1.0))
        above, above_low = two_product(m, square, upper + k)
        ratio = above * inverse
        rest = (m.fma(-ratio, (lower + k) * (k + 1.0), above) + above_low) * inverse
        grown, low = two_product(m, term, ratio)
        grown_low = low + (term_low * ratio + term * rest)
        total, error = two_sum(total, grown)
        going = (m.abs(grown) > 1e-18 * m.abs(total)) | (k < 0.5 * n)
        return going, grown, grown_low, total, total_low + (error + grown_low)

    zero, one = 0.0 * a, 1.0 + 0.0 * a
    _, _, total, total_low = m.loop(series, (one, zero, one, zero), 220)

    def factorial(k: Any, product: Any) -> Any:
        return k + 1.0 < half, product * m.where(k < half, -4.0 * (k + 1.0), 1.0)

    (scale,) = m.loop(factorial, (one,), 64)
    # The rounded square in both factors: together they hardly depend on it.
    near = scale * m.exp(-square) * (total + total_low) * m.where(odd, 1.0, a)

    b = m.max(m.abs(x), 9.0)
    small = 0.25 / (b * b)

    def asymptotic(k: Any, term: Any, total: Any) -> Any:
        grown = term * (small * (2.0 * k + 1.0 + n) * (2.0 * k + 2.0 + n) / (k + 1.0))
        return (grown > 1e-18 * total) & (grown < term), grown, total + grown

    _, sum_far = m.loop(asymptotic, (one, one), 60)

    def whole(k: Any, product: Any, power: Any) -> Any:
        used = k < n
        product = product * m.where(used, -(k + 1.0), 1.0)
        return k + 1.0 < n, product, power * m.where(used, b, 1.0)

    product, power = m.loop(whole, (0.5 * one, b), 128)
    size = m.where(m.abs(x) < 9.0, near, product * sum_far / power)
    derivative = m.where(odd, size, m.where(x < 0.0, -size, size))
    value = m.where(n < 1.0, _dawson(m, x), m.where(m.eq(x, x), derivative, x))
    return m.where(is_order(m, n), value, NAN)


def _erfi(m: Any, x: Any) -> Any:
    """-i erf(i x) = 2/sqrt(pi) exp(x^2) dawson(x), odd, for every x: inf beyond 26.6."""
    kept = m.max(m.min(x, 27.0), -27.0)
    high, low = two_product(m, kept, kept)
    large = high > 700.0  # exp would overflow before erfi does
    power = exp_double(m, m.where(large, high - 8.0, high), low)
    scale = m.where(large, EXP_8 * TWO_OVER_ROOT_PI, TWO_OVER_ROOT_PI)
    value = scale * _dawson(m, kept) * power
    return m.where(m.abs(x) < 27.0, value, x * INF)


def _exp_square(m: Any, x: Any) -> Any:
    """exp(x^2) with the square as a pair, so that a large x costs no digits."""
    return gauss(m, m.max(m.min(x, 27.0), -27.0), -1.0)


def _gaussian(m: Any, x: Any) -> Any:
    """exp(-x^2) with the square as a pair, so that the tail keeps its digits."""
    return gauss(m, m.max(m.min(x, 28.0), -28.0), 1.0)


def hermite(m: Any, n: Any, x: Any, factor: float) -> Any:
    """Hermite's polynomials by w_n+1 = factor x w_n - factor n w_n-1: He_n for 1, H_n for 2.

    NIST DLMF 18.9.1.
    """

    def step(k: Any, lower: Any, upper: Any) -> tuple[Any, ...]:
        inside = k < n
        raised = m.fma(factor * x, upper, -factor * k * lower)
        return k + 1.0 < n, m.where(inside, upper, lower), m.where(inside, raised, upper)

    return m.loop(step, (0.0, 1.0), 128)[1]


def gauss_derivative(m: Any, n: Any, x: Any, factor: float) -> Any:
    """The n-th derivative of exp(-factor x^2), factor 1/2 or 1 (NIST DLMF 18.5.5): nan for other n.

    The product with Hermite's polynomial is an ordinary number where the exponential alone no
    longer is: from exp(-600) on it is taken 64 higher.
    """
    high, low = two_product(m, x, x)
    lift = m.where(factor * high > 600.0, 64.0, 0.0)
    power = exp_double(m, lift - factor * high, -factor * low)
    value = hermite(m, n, x, 2.0 * factor) * m.where(lift > 0.0, EXP_MINUS_64, 1.0)
    odd = m.ne(n, 2.0 * m.floor(0.5 * n))
    return m.where(is_order(m, n), power * m.where(odd, -value, value), NAN)


def _gaussian_derivative(m: Any, n: Any, x: Any) -> Any:
    """The n-th derivative of exp(-x^2), (-1)^n H_n(x) exp(-x^2): nan for other n."""
    return gauss_derivative(m, n, m.max(m.min(x, 28.0), -28.0), 1.0)


def erfcinv_of_small(m: Any, p: Any) -> Any:
    """The inverse of erfc for 0 < p <= 1/2, fitted in sqrt(-log p), nearly a straight line."""
    root = m.sqrt(-m.log(m.min(p, 0.5)))
    return m.where(p > 0.0, evaluate(m, m.min(root, 28.0), ERFCINV), INF)


def erfinv_of_small(m: Any, x: Any) -> Any:
    """The inverse of erf for |x| <= 1/2."""
    return x * evaluate(m, m.min(x * x, 0.25), ERFINV_NEAR)


def _erfinv(m: Any, x: Any) -> Any:
    """The inverse of erf on [-1, 1]: inf at the ends, nan outside.

    x P(x^2) to 1/2 and erfcinv(1 - |x|) beyond, where 1 - |x| is exact.
    """
    a = m.abs(x)
    tail = erfcinv_of_small(m, 1.0 - m.max(m.min(a, 1.0), 0.5))
    signed = m.where(x < 0.0, -tail, tail)
    inside = m.where(a <= 0.5, erfinv_of_small(m, x), signed)
    return m.where(a <= 1.0, inside, NAN)


def _erfcinv(m: Any, p: Any) -> Any:
    """The inverse of erfc on [0, 2], with its relative accuracy for p towards 0: nan outside.

    Below 1/2 fitted in sqrt(-log p); erfinv(1 - p) to 3/2, where 1 - p is exact; beyond it is
    -erfcinv(2 - p).
    """
    small = m.where(p > 1.0, 2.0 - p, p)
    tail = erfcinv_of_small(m, m.max(m.min(small, 0.5), 0.0))
    near = erfinv_of_small(m, 1.0 - p)
    inside = m.where(small >= 0.5, near, m.where(p > 1.0, -tail, tail))
    return m.where((p >= 0.0) & (p <= 2.0), inside, NAN)


def _erf2(m: Any, a: Any, b: Any) -> Any:
    """erf(b) - erf(a) without cancellation.

    Near each other: exp(-c^2) (b - a) times the mean of exp(-s^2 - 2 c s), s = t - c, c the middle,
    by Gauss-Legendre quadrature (10 points); elsewhere a difference of erf, or of erfc in a tail.
    """
    width = b - a
    middle, rest = two_sum(0.5 * a, 0.5 * b)
    close = m.abs(width) * (1.0 + m.abs(middle)) < 1.0
    half = m.where(close, 0.5 * width, 0.0)
    c = m.max(m.min(m.where(close, middle, 0.0), 30.0), -30.0)
    c_low = m.where(close, rest, 0.0)
    total = 0.0
    for node, weight in LEGENDRE:
        s = half * node
        total = total + weight * (m.exp(-s * (s + 2.0 * c)) + m.exp(-s * (s - 2.0 * c)))
    high, low = two_product(m, c, c)
    gauss = exp_double(m, -high, -(low + 2.0 * c * c_low))
    near = TWO_OVER_ROOT_PI * half * total * gauss
    right = _erfc(m, a) - _erfc(m, b)
    left = _erfc(m, -b) - _erfc(m, -a)
    plain = m.erf(b) - m.erf(a)
    apart = m.where((a > 0.0) & (b > 0.0), right, m.where((a < 0.0) & (b < 0.0), left, plain))
    return m.where(close, near, apart)


def _erfcx_oracle(mp: Any, x: Any) -> Any:
    if mp.isinf(x):
        return mp.inf if x < 0 else mp.mpf(0)
    with mp.extradps(10):
        return mp.exp(x * x) * mp.erfc(x)


def _exp_less_square_oracle(mp: Any, a: Any, u: Any) -> Any:
    if mp.isinf(a) or mp.isinf(u):
        return mp.inf if a == mp.inf and mp.isfinite(u) else mp.mpf(0) if a < mp.inf else mp.nan
    with mp.extradps(10):
        return mp.exp(a - u * u)


def _exp_erfc_oracle(mp: Any, a: Any, u: Any) -> Any:
    with mp.extradps(10):
        return mp.exp(a) * mp.erfc(u)


def _dawson_oracle(mp: Any, x: Any) -> Any:
    if mp.isinf(x):
        return mp.mpf(0)
    with mp.extradps(10):
        return mp.sqrt(mp.pi) / 2 * mp.exp(-x * x) * mp.erfi(x)


def _recurrence_oracle(value: Any, sign: int, end: Any) -> Any:
    """w_n+1 = sign 2 (x w_n + n w_n-1), in as many digits as its cancellation needs."""

    def oracle(mp: Any, n: Any, x: Any) -> Any:
        if not mp.isint(n) or n < 0 or mp.isnan(x):
            return mp.nan
        if mp.isinf(x):
            return value(mp, x)
        with mp.extradps(30 + int(n + 2) * (10 + 2 * max(0, mp.mag(x)))):
            lower = value(mp, x)
            upper = sign * 2 * x * lower + end(mp)
            for k in range(1, int(n)):
                lower, upper = upper, sign * 2 * (x * upper + k * lower)
            return lower if n == 0 else upper

    return oracle


def inverse_oracle(mp: Any, p: Any) -> Any:
    """The inverse of erfc by Newton's method at twice the precision."""
    if not 0 <= p <= 2:
        return mp.nan
    if p in (0, 2):
        return mp.inf if p == 0 else -mp.inf
    with mp.workprec(2 * mp.mp.prec + 40):
        small = min(p, 2 - p)
        if small > 0.125:
            return mp.erfinv(1 - p)
        y = mp.sqrt(-mp.log(small))
        for _ in range(200):
            step = (mp.erfc(y) - small) / (-2 / mp.sqrt(mp.pi) * mp.exp(-y * y))
            y -= step / (1 + y * step)
            if abs(step) < mp.ldexp(1, -mp.mp.prec // 2 - 10):
                break
        return y if p < 1 else -y


def _erfinv_oracle(mp: Any, x: Any) -> Any:
    if abs(x) < 0.75:
        return mp.erfinv(x)
    return mp.sign(x) * inverse_oracle(mp, 1 - abs(x))


def _erf2_oracle(mp: Any, a: Any, b: Any) -> Any:
    if mp.isnan(a) or mp.isnan(b):
        return mp.nan
    near = min(abs(a), abs(b), mp.mpf(40))
    with mp.extradps(20 + int(near * near / 2) + max(0, -mp.mag(b - a) if b != a else 0)):
        return mp.erf(b) - mp.erf(a)


def hermite_oracle(size: Any, factor: Any) -> Any:
    """The n-th derivative of size exp(-factor x^2), by the recurrence of Hermite's polynomials."""

    def oracle(mp: Any, n: Any, x: Any) -> Any:
        if not mp.isint(n) or n < 0:
            return mp.nan
        if mp.isinf(x):
            return mp.mpf(0)
        with mp.extradps(15 + int(n)):
            lower, upper = mp.mpf(0), mp.mpf(1)
            for k in range(int(n)):
                lower, upper = upper, -2 * factor * (x * upper + k * lower)
            return upper * mp.exp(-factor * x * x) * size(mp)

    return oracle


ORDER = "the order of a derivative"


def _slope(y: Expr) -> Expr:
    return ROOT_PI / 2 * call("exp_square", y)


def _tail_slope(y: Expr, p: Expr) -> Expr:
    """exp(y^2) sqrt(pi)/2 where erfc(y) = p > 0, which the rounding of y does not spoil."""
    return ROOT_PI / 2 * call("erfcx", y) / p


# fmt: off
# d erf(x)/dx = 2 exp(-x^2)/sqrt(pi): NIST DLMF 7.2.1, 7.2.2.
erf  = define("erf",  lambda y, x: 2 / ROOT_PI * call("exp_minus_square", x),
              domain=(-2, 2), parity="odd", folds={0: 0}, cost=20, source="NIST DLMF 7.2.1")
erfc = define("erfc", lambda y, x: -2 / ROOT_PI * call("exp_minus_square", x),
              domain=(-2, 2), folds={0: 1}, cost=25, source="NIST DLMF 7.2.2")
exp_less_square = define("exp_less_square", lambda y, a, u: y, lambda y, a, u: -2 * u * y,
                         domain=(-2, 2), kind="routine", definition=_exp_less_square,
                         oracle=_exp_less_square_oracle, cost=40, ulp=3.0, names=Names(),
                         source="NIST DLMF 4.2.19")
exp_erfc = define("exp_erfc", lambda y, a, u: y,
                  lambda y, a, u: -2 / ROOT_PI * call("exp_less_square", a, u), domain=(-2, 2),
                  kind="routine", definition=_exp_erfc, oracle=_exp_erfc_oracle, cost=130,
                  ulp=8.0, names=Names(), source="NIST DLMF 7.2.2")
erf2 = define("erf2", lambda y, a, b: -2 / ROOT_PI * call("gaussian", a),
              lambda y, a, b: 2 / ROOT_PI * call("gaussian", b), domain=((-2, 1), (-1, 2)),
              kind="routine", definition=_erf2, oracle=_erf2_oracle, cost=400, ulp=4.0,
              names=Names(), source="NIST DLMF 7.2.1")
gaussian = define("gaussian", lambda y, x: call("gaussian_derivative", 1, x), domain=(-3, 3),
                  kind="routine", definition=_gaussian, oracle=lambda mp, x: mp.exp(-x * x),
                  folds={0: 1}, parity="even", cost=20, ulp=2.0, names=Names(),
                  source="NIST DLMF 4.2.19")
gaussian_derivative = define("gaussian_derivative", no_closed_form(ORDER),
                             lambda y, n, x: call("gaussian_derivative", n + 1, x),
                             domain=((1, 1), (-3, 3)), whole=(0,), kind="routine",
                             definition=_gaussian_derivative,
                             oracle=hermite_oracle(lambda mp: 1, 1), cost=50, ulp=4.0,
                             names=Names(), source="NIST DLMF 18.5.5")
exp_square = define("exp_square", lambda y, x: 2 * x * y, domain=(-3, 3), kind="routine",
                    definition=_exp_square, oracle=lambda mp, x: mp.exp(x * x), folds={0: 1},
                    parity="even", cost=20, ulp=2.0, names=Names(), source="NIST DLMF 4.2.19")
erfi = define("erfi", lambda y, x: 2 / ROOT_PI * call("exp_square", x), domain=(-2, 2),
              kind="routine", definition=_erfi, oracle=lambda mp, x: mp.erfi(x), parity="odd",
              folds={0: 0}, cost=140, ulp=5.0, names=Names(mpmath="erfi"),
              source="NIST DLMF 7.2.5")
erfcx = define("erfcx", lambda y, x: call("erfcx_derivative", 1, x), domain=(-2, 6),
               kind="routine", definition=_erfcx, oracle=_erfcx_oracle, folds={0: 1}, cost=150,
               ulp=3.0, names=Names(torch="special.erfcx"), source="NIST DLMF 7.2.2, 7.18.4")
erfcx_derivative = define("erfcx_derivative", no_closed_form(ORDER),
                          lambda y, n, x: call("erfcx_derivative", n + 1, x),
                          domain=((1, 1), (-2, 6)), kind="routine", definition=_erfcx_derivative,
                          oracle=_recurrence_oracle(
                              _erfcx_oracle, 1, lambda mp: -2 / mp.sqrt(mp.pi)),
                          whole=(0,), cost=700, ulp=8.0, names=Names(),
                          source="NIST DLMF 7.18.4, 7.18.7")
dawson = define("dawson", lambda y, x: call("dawson_derivative", 1, x), domain=(-6, 6),
                kind="routine", definition=_dawson, oracle=_dawson_oracle, parity="odd",
                folds={0: 0}, cost=130, ulp=3.0, names=Names(), source="NIST DLMF 7.2.5")
dawson_derivative = define("dawson_derivative", no_closed_form(ORDER),
                           lambda y, n, x: call("dawson_derivative", n + 1, x),
                           domain=((1, 1), (-6, 6)), kind="routine",
                           definition=_dawson_derivative,
                           oracle=_recurrence_oracle(_dawson_oracle, -1, lambda mp: mp.mpf(1)),
                           whole=(0,), cost=1500, ulp=9.0, names=Names(),
                           source="NIST DLMF 13.2.39, 7.12.1")
erfinv = define("erfinv",
                lambda y, x: select((x > HALF) & (x < 1), _tail_slope(y, 1 - x),
                                    select((x < -HALF) & (x > -1), _tail_slope(-y, 1 + x),
                                           _slope(y))),
                domain=(-0.9, 0.9), kind="routine", definition=_erfinv, parity="odd",
                oracle=_erfinv_oracle, folds={0: 0}, cost=150, ulp=4.0,
                names=Names(mpmath="erfinv", torch="erfinv"), source="NIST DLMF 7.17.1")
erfcinv = define("erfcinv",
                 lambda y, x: -select((x < HALF) & (x > 0), _tail_slope(y, x),
                                      select((x > 1 + HALF) & (x < 2), _tail_slope(-y, 2 - x),
                                             _slope(y))),
                 domain=(0.05, 1.9), kind="routine", definition=_erfcinv, oracle=inverse_oracle,
                 folds={1: 0}, cost=150, ulp=4.0, names=Names(), source="NIST DLMF 7.17.1")
# fmt: on

ROWS = (
    *(erf, erfc, erf2, gaussian, gaussian_derivative, exp_square, erfi, erfcx, erfcx_derivative),
    *(dawson, dawson_derivative, erfinv, erfcinv, exp_less_square, exp_erfc),
)
