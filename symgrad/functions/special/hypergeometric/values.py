"""Rows of the hypergeometric functions 0F1, 1F1 (Kummer's), 2F1 (Gauss's), 1F2, 2F2 and 3F2.

NIST DLMF 13, 15 and 16. Values come from series in pairs of doubles, moved by linear
transformations to where they converge; far out and near 1 other modules have them. Derivatives
by z raise all parameters by 1 (15.5.1); derivatives by parameters are rows of their own, with the
numbers of derivatives by each parameter and by z as whole numbers in front:
``hyp2f1_derivative(i, j, k, l, a, b, c, z)``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from symgrad.functions.elementary import call
from symgrad.functions.special.double import (
    INF,
    LN2,
    NAN,
    ONE,
    Pair,
    add_pairs,
    add_to_pair,
    divide_pairs,
    exp_double,
    multiply_pairs,
    negative,
    scale_pair,
    select_pair,
    two_sum,
)
from symgrad.functions.special.hypergeometric.derivatives import derivative_row, taking
from symgrad.functions.special.hypergeometric.factors import log_near, times_exp
from symgrad.functions.special.hypergeometric.far import WAVES, kummer_far, waves
from symgrad.functions.special.hypergeometric.near_one import ZERO, near_one, smaller
from symgrad.functions.special.hypergeometric.series import is_pole, is_pole_pair, series
from symgrad.ir.expression import Expr
from symgrad.ir.primitive import Names, Primitive, define

LEFT = -0.5
"""Below this 2F1 is moved from z to z/(z - 1)."""

WIDE, LEFT_WIDE = 12.0, -0.125
"""With |a| + |b| above the first already below the second: terms shrink sooner there."""

NEAR = 0.8
"""Above this 2F1 is taken from its solutions about 1."""


def _shifted(value: Any, k: float) -> Any:
    """Value + k as a pair, as rounded it would be another parameter, or the value itself."""
    return two_sum(value, k) if k else value


def _pair(value: Any, k: float) -> Pair:
    """Value + k as a pair."""
    return two_sum(value, k) if k else (value, 0.0)


def _rounded(value: Any) -> Any:
    return value[0] if isinstance(value, tuple) else value


def _factor(above: Sequence[Any], below: Sequence[Any], k: float) -> Any:
    """(a1)_k (a2)_k .../((b1)_k (b2)_k ...) for k = 1 or 2 (NIST DLMF 16.3.1)."""
    top: Any = 1.0
    bottom: Any = 1.0
    for value in above:
        top = top * (value * (value + 1.0) if k > 1.0 else value)
    for value in below:
        bottom = bottom * (value * (value + 1.0) if k > 1.0 else value)
    return top / bottom


def _ends(m: Any, above: Sequence[Any], below: Sequence[Any], z: Any, value: Any) -> Any:
    """The value, or its limit: 1 where a parameter below is inf, inf at z = inf for positive ones.

    The latter where there are no more parameters above than below.
    """
    flat = m.abs(z) < INF
    grows = m.eq(z, INF)
    for parameter in above:
        flat, grows = flat & (m.abs(parameter) < INF), grows & (parameter > 0.0)
    most = below[0]
    for parameter in below:
        flat, grows = flat & m.eq(parameter, parameter), grows & (parameter > 0.0)
        most = m.max(most, parameter)
    value = m.where(flat & m.eq(most, INF), 1.0, value)
    return m.where(grows, INF, value) if len(above) <= len(below) else value


def _hyp0f1(m: Any, b: Any, z: Any, k: float = 0.0) -> Any:
    """0F1(; b; z), all b but 0, -1, ... and all z (NIST DLMF 16.2.1).

    The series, and waves where z < -169 and -4z > (b - 1)^2. Within 7 ulp for |b| <= 20, near zeros
    of the waves' amplitude; beyond, where -4z is little more than (b - 1)^2, 40.
    With k of b + k, times 1/(b)_k.
    """
    lower = _shifted(b, k)
    factor = _factor((), (b,), k) if k else None
    b = _rounded(lower)
    far = (z < -WAVES) & (-4.0 * z > (b - 1.0) * (b - 1.0))
    whole = series(m, (), (lower,), (m.where(far, 0.0, z), 0.0))
    beyond = waves(m, m.where(far, b, 1.5), m.where(far, -z, WAVES))
    value = m.where(is_pole(m, b) | ~m.eq(z, z), NAN, m.where(far, beyond, whole))
    value = _ends(m, (), (b,), z, value)
    return value if factor is None else value * factor


def _hyp1f1(m: Any, a: Any, b: Any, z: Any, k: float = 0.0) -> Any:
    """Kummer's M(a, b, z), all a, z and all b but 0, -1, ... (NIST DLMF 13.2.2).

    The series for z >= 0 and for whole a <= 0; else exp(z) M(b - a, b, -z) (13.2.39). Far out
    13.7.2: exp(z) z^(a-b) gamma(b)/gamma(a) (1 + (1-a)(b-a)/z + ...), with z -> -z, a -> b - a.
    Within 8 ulp; nan below z = -1300 where |a| or |b - a| are above 35. At +-inf the limit, but
    nan where a = -1, -2, ... With k of a + k and b + k, times (a)_k/(b)_k.
    """
    factor = _factor((a,), (b,), k) if k else None
    lower, apart = _shifted(b, k), two_sum(b, -a)
    own = _pair(a, k)
    a, b = own[0], _rounded(lower)
    ends = is_pole_pair(m, own) if k else is_pole(m, a)
    left = (z < 0.0) & ~ends
    upper, above = select_pair(m, left, apart, own), select_pair(m, left, own, apart)
    size = m.where(left, -z, z)
    wide = m.max(m.abs(upper[0]), m.abs(above[0]) + 1.0)
    last = is_pole(m, upper[0]) & m.eq(upper[1], 0.0)
    far = (size > 100.0 + wide * wide) & ~last & ~ends
    # Sums beyond e^250 start from 2^-shift, and the exponential makes up for it.
    shift = m.where(size > 1000.0, 1000.0, m.where(size > 500.0, 700.0, 350.0))
    shift = m.where(far | ends | (size < 250.0), 0.0, shift)
    first = m.where(shift > 0.0, m.where(shift > 400.0, 2.0**-700, 2.0**-350), 1.0)
    first = m.where(shift > 900.0, 2.0**-1000, first)
    whole = series(m, (upper,), (lower,), (m.where(far, 0.0, size), 0.0), first)
    lift = m.where(shift > 0.0, m.where(shift > 400.0, 2.0**350, 2.0**175), 1.0)
    lift = m.where(shift > 900.0, 2.0**500, lift)
    right = whole * lift * lift
    nearby = m.where(left & ~far, z, 0.0)
    exponent = add_pairs(scale_pair(m, LN2, shift), (nearby, 0.0))
    inside = m.where(left, exp_double(m, *exponent) * whole, right)
    beyond = kummer_far(
        m,
        select_pair(m, far, upper, (0.75, 0.0)),
        m.where(far, b, 1.5),
        select_pair(m, far, above, (0.75, 0.0)),
        m.where(far, size, 100.0),
        left,
    )
    value = m.where(far, beyond, inside)
    grown = m.where(last | (a > 0.0), 0.0, beyond * INF)
    at_end = m.where(ends, m.where(m.eq(a, 0.0), 1.0, NAN), m.where(left, grown, beyond))
    value = m.where(m.abs(z) < INF, value, at_end)
    value = m.where(_bad(m, b, (a,)) | ~m.eq(z, z), NAN, value)
    value = _ends(m, (a,), (b,), z, value)
    return value if factor is None else value * factor


def _bad(m: Any, b: Any, upper: Sequence[Any]) -> Any:
    """The condition that 1/(b)_n has a pole before any (a)_n is 0, or that one of them is nan."""
    ended = m.eq(b, b) & ~m.eq(b, b)
    known = m.eq(b, b)
    for a in upper:
        ended = ended | (is_pole(m, a) & (a >= b))
        known = known & m.eq(a, a)
    return (is_pole(m, b) & ~ended) | ~known


def _hyp2f1(m: Any, a: Any, b: Any, c: Any, z: Any, k: float = 0.0) -> Any:
    """Gauss's F(a, b; c; z) for z <= 1, beyond 1 where a or b is 0, -1, ... (NIST DLMF 15.2.1).

    The series from -1/2 to 0.8; below, the one of z/(z - 1) (15.8.1); where that or z is above 0.8
    ``near_one``, which takes (1 - z)^(a + b - c) F instead of F where c - a - b < 0 (15.8.1).
    Within 4 ulp for parameters up to 10 and 8 up to 20, near zeros of the values within 2 percent
    of 1 - z. One in 3,000 points with nearly whole parameters there, most between z = -10 and -4,
    loses up to 100. With k of a + k, b + k and c + k, times (a)_k (b)_k/(c)_k.
    """
    factor = _factor((a, b), (c,), k) if k else None
    ends = is_pole_pair(m, _pair(a, k)) | is_pole_pair(m, _pair(b, k))
    left = (z < m.where(m.abs(a) + m.abs(b) > WIDE, LEFT_WIDE, LEFT)) & ~ends
    swapped = (is_pole_pair(m, _pair(b, k)) & ~(is_pole_pair(m, _pair(a, k)) & (a > b))) | (
        left & (a > b)
    )
    a, b = m.where(swapped, b, a), m.where(swapped, a, b)
    rest_a, rest_b = two_sum(c, -a), two_sum(c, -b)
    own_a, own_b, below = _pair(a, k), _pair(b, k), _shifted(c, k)
    p, q = own_a, select_pair(m, left, rest_b, own_b)
    excess = add_to_pair(rest_a, -b)
    excess = select_pair(m, left, two_sum(b, -a), add_to_pair(excess, -k) if k else excess)
    a, b, c = own_a[0], own_b[0], _rounded(below)
    outside = (z >= 1.0) & ~ends & ~(m.eq(z, 1.0) & (excess[0] > 0.0))
    near = ((z > NEAR) & (~ends | (z < 1.0))) | (left & (z < -NEAR / (1.0 - NEAR)))
    near = near & ~outside & ~is_pole(m, c) & ~(ends & (excess[0] < 0.0))
    other_q = select_pair(m, left, own_b, rest_b)
    # Where the other two parameters end the series, they do it here, too.
    others_end = is_pole_pair(m, rest_a) | is_pole_pair(m, other_q)
    flat = near & others_end & ~ends & (excess[0] >= 0.0)
    near = near & ~flat
    apart = ~near & ~ends & smaller(m, (rest_a, other_q), (p, q))
    turned = (near & (excess[0] < 0.0)) | flat | apart
    p, q = select_pair(m, turned, rest_a, p), select_pair(m, turned, other_q, q)
    excess = select_pair(m, turned, negative(excess), excess)

    inner = m.where(outside, 0.5, m.where(left, m.max(z, -1e300), z))
    one_less = two_sum(1.0, -inner)
    bottom = select_pair(m, left, one_less, ONE)
    w = divide_pairs(m, (inner, 0.0), bottom)
    u = select_pair(m, left, divide_pairs(m, ONE, bottom), one_less)
    w = m.where(left, -w[0], w[0]), m.where(left, -w[1], w[1])
    plain = series(m, (p, q), (below,), select_pair(m, near, ZERO, w))
    value = m.where(near, near_one(m, p, q, below, excess, u, near), plain)
    # (1 - z)^(-a), or where c - a - b < 0 (1 - z)^(c - a - b).
    exponent = negative(select_pair(m, left, select_pair(m, turned, own_b, own_a), excess))
    moved = left | turned
    base = select_pair(m, moved, one_less, ONE)
    power = multiply_pairs(m, log_near(m, base), exponent)
    value = m.where(moved, times_exp(m, value, power), value)
    # F goes as (-z)^-a to z = -inf, or as (-z)^-b where c - a ends the series: to 0 or infinity.
    power = m.where(is_pole_pair(m, rest_a), b, a)
    at_end = value * m.where(power > 0.0, 0.0, INF)
    value = m.where(m.eq(z, -INF) & ~ends, at_end, value)
    value = m.where(_bad(m, c, (a, b)) | outside | ~m.eq(z, z), NAN, value)
    value = _ends(m, (a, b), (c,), m.where(outside, NAN, z), value)
    return value if factor is None else value * factor


def _plain(upper: int) -> Callable[..., Any]:
    """The definition of a function that its series alone gives: |z| < 1 where p = q + 1."""

    def defined(m: Any, *arguments: Any, k: float = 0.0) -> Any:
        *parameters, z = arguments
        shifted = [_shifted(value, k) for value in parameters]
        above, below = shifted[:upper], shifted[upper:]
        bad = ~m.eq(z, z)
        for b in below:
            bad = bad | _bad(m, _rounded(b), [_rounded(a) for a in above])
        if len(above) > len(below):
            bad = bad | (m.abs(z) >= 1.0)
        value = m.where(bad, NAN, series(m, above, below, (m.where(bad, 0.0, z), 0.0)))
        value = _ends(m, [_rounded(a) for a in above], [_rounded(b) for b in below], z, value)
        return value * _factor(parameters[:upper], parameters[upper:], k) if k else value

    return defined


def by_z(name: str, upper: int, k: int = 1) -> Callable[..., Expr]:
    """The k-th derivative by z: all parameters k higher (NIST DLMF 16.3.1)."""

    def derivative(*arguments: Any) -> Expr:
        *parameters, z = arguments
        made = call(name, *[value + k for value in parameters], z)
        for i, value in enumerate(parameters):
            factor = value * (value + 1) if k > 1 else value
            made = made * factor if i < upper else made / factor
        return made

    return derivative


def _by_parameter(name: str, count: int, index: int, k: int) -> Callable[..., Expr]:
    """The derivative of the k-th derivative by z by a parameter."""

    def by(y: Any, *arguments: Any) -> Expr:
        orders = [int(i == index) for i in range(count)]
        return call(f"{name}_derivative", *orders, k, *arguments)

    return taking(count + 2, by)


def _rows_by_z(
    name: str,
    upper: int,
    domain: tuple[tuple[float, float], ...],
    cost: int,
    definition: Callable[..., Any],
    oracle: Callable[..., Any],
) -> list[Primitive]:
    """The rows of the first two derivatives by z."""
    count, made = len(domain) - 1, []
    for k, suffix in ((1, "slope"), (2, "curvature")):

        def by_more(*arguments: Any, k: int = k) -> Expr:
            if k == 1:
                return call(f"{name}_curvature", *arguments[1:])
            return by_z(f"{name}_slope", upper, 2)(*arguments[1:])

        def exact(mp: Any, *arguments: Any, k: int = k) -> Any:
            *parameters, z = arguments
            value = oracle(mp, *[p + k for p in parameters], z)
            for i, p in enumerate(parameters):
                value = value * mp.rf(p, k) if i < upper else value / mp.rf(p, k)
            return value

        partials = [_by_parameter(name, count, i, k) for i in range(count)]
        partials.append(taking(count + 2, by_more))
        made.append(
            define(
                f"{name}_{suffix}", *partials, domain=domain, kind="routine", cost=cost, ulp=8.0,
                definition=taking(count + 2, partial(definition, k=float(k))), oracle=exact,
                names=Names(), source="NIST DLMF 16.3.1",
            )
        )  # fmt: skip
    return made


def _rows(
    shape: tuple[int, int],
    domain: tuple[tuple[float, float], ...],
    definition: Callable[..., Any],
    oracle: Callable[..., Any],
    cost: int,
    ulp: float,
) -> tuple[Primitive, ...]:
    """A function and the rows of its derivatives."""
    upper, lower = shape
    name, count = f"hyp{upper}f{lower}", upper + lower
    partials = [_by_parameter(name, count, index, 0) for index in range(count)]
    partials.append(taking(count + 2, lambda y, *arguments: call(f"{name}_slope", *arguments)))
    made = define(
        name, *partials, domain=domain, kind="routine", definition=taking(count + 2, definition),
        oracle=oracle, cost=cost, ulp=ulp, names=Names(), source="NIST DLMF 16.2.1, 16.3.1",
    )  # fmt: skip
    more = _rows_by_z(name, upper, domain, cost, definition, oracle)
    return made, derivative_row(name, upper, domain), *more


def _simple(shape: tuple[int, int], *domain: tuple[float, float]) -> tuple[Primitive, ...]:
    """A function that its series alone gives."""
    upper, _ = shape

    def oracle(mp: Any, *arguments: Any) -> Any:
        *parameters, z = arguments
        return mp.hyper(parameters[:upper], parameters[upper:], z)

    return _rows(shape, domain, _plain(upper), oracle, 1500, 4.0)


# fmt: off
ROWS = (
    *_rows((0, 1), ((0.4, 4), (-6, 6)), _hyp0f1,
           lambda mp, b, z: mp.hyp0f1(b, z), 1500, 8.0),
    *_rows((1, 1), ((0.3, 4), (0.4, 5), (-6, 6)), _hyp1f1,
           lambda mp, a, b, z: mp.hyp1f1(a, b, z), 1500, 8.0),
    *_rows((2, 1), ((0.3, 3), (0.2, 2), (0.4, 4), (-0.9, 0.8)), _hyp2f1,
           lambda mp, a, b, c, z: mp.hyp2f1(a, b, c, z), 4000, 8.0),
    *_simple((1, 2), (0.3, 3), (0.4, 3), (0.6, 4), (-6, 6)),
    *_simple((2, 2), (0.3, 3), (0.2, 2), (0.4, 3), (0.6, 4), (-4, 4)),
    *_simple((3, 2), (0.3, 3), (0.2, 2), (0.5, 3), (0.4, 3), (0.6, 4), (-0.4, 0.4)),
)
# fmt: on
