"""Removable singularities, polylogarithms, hypergeometric and Bessel functions over Arb's balls."""

from __future__ import annotations

from math import factorial

from flint import acb, arb, ctx

from benchmarks.function_balls import (
    HALF,
    NAN,
    Function,
    equal,
    less,
    n_sign,
    real,
    sure,
    whole,
)

# Removable singularities, polylogarithms, hypergeometric functions.
FORCING: dict[str, tuple[int, Function]] = {
    "sinc": (1, lambda k, x: (x.sin(), x.cos(), -x.sin(), -x.cos())[k % 4]),
    "sinhc": (1, lambda k, x: x.cosh() if k % 2 else x.sinh()),
    "expm1c": (1, lambda k, x: x.exp() if k else x.expm1()),
    "log1pc": (1, lambda k, x: -n_sign(k) * factorial(k - 1) / (1 + x) ** k if k else x.log1p()),
    "cosc": (2, lambda k, x: (-x.cos(), x.sin(), x.cos(), -x.sin())[k % 4]),
    "coshc": (2, lambda k, x: x.sinh() if k % 2 else x.cosh()),
}
"""(p, the k-th derivative of x^p f, but for its constants)."""


def removable(kind: str, n: arb, x: arb) -> arb:
    """The n-th derivative of f: by Leibniz's rule for x^p f beyond n + 2, by its integral below."""
    order = whole(n)
    if order is None or order < 0 or (kind == "log1pc" and not less(arb(-1), x)):
        return NAN
    power_, forcing = FORCING[kind]
    if abs(x) > order + 2 or (kind == "log1pc" and x < -0.5):
        before = arb(0)
        made = forcing(0, x) / x
        if power_ == 2:
            made = 2 * ((x / 2).sin() if kind == "cosc" else (x / 2).sinh()) ** 2 / x**2
        for k in range(1, order + 1):
            if power_ == 1:
                made = (forcing(k, x) - k * made) / x
            else:
                rest = forcing(k, x) - 2 * k * x * made - k * (k - 1) * before
                before, made = made, rest / x**2
        return made
    return removable_inside(kind, order, x)


def removable_inside(kind: str, order: int, x: arb) -> arb:
    """The n-th derivative by the hypergeometric function that its integral is (DLMF 13.4.1)."""
    if kind == "log1pc":
        ratio = x / (1 + x)
        kernel = ratio.hypgeom_2f1(arb(1), arb(order + 1), arb(order + 2))
        return n_sign(order) * factorial(order) * kernel / (1 + x) ** (order + 1) / (order + 1)
    weight = 1 if kind in ("cosc", "coshc") else 0
    scale = (order + 1) * (order + 2) if weight else order + 1
    first, second = arb(weight + 1), arb(order + weight + 2)
    if kind == "expm1c":
        return x.hypgeom_1f1(arb(order + 1), arb(order + 2)) / scale
    if kind in ("sinhc", "coshc"):
        # The integral of (1 - t)^w t^n (e^(xt) + (-1)^n e^(-xt))/2.
        parts = [y.hypgeom_1f1(arb(order + 1), second) for y in (x, -x)]
        return (parts[0] + n_sign(order) * parts[1]) / (2 * scale)
    turn = acb(0, 1) ** order * acb(0, x).exp()
    return real(turn * acb(0, -x).hypgeom_1f1(acb(first), acb(second))) / scale


def polylog(s: arb, x: arb) -> arb:
    n = whole(s)
    inside = x <= 1 if n is None or n > 0 else x != 1
    if not inside:
        return NAN
    return real(acb(x).polylog(acb(s)))


def polylog_ratio(s: arb, x: arb) -> arb:
    return arb(1) if x.is_zero() else polylog(s, x) / x


def polylog_series(j: arb, s: arb, x: arb) -> arb:
    """Term by term; what is left out is below a geometric series."""
    order = whole(j)
    if order is None or order < 0 or not abs(x) <= 0.75:
        return NAN
    power_, total = arb(1), arb(0)
    for k in range(order + 1, 4000):
        factor = 1
        for i in range(order):
            factor *= k - 1 - i
        added = factor * power_ * (arb(k) ** -s)
        total += added
        power_ *= x
        if k > 20 * (order + 1) and abs(added) < arb(2) ** (-ctx.prec - 8):
            return total + arb(0, abs(added).upper() * 8)
    return NAN


def hypergeometric(upper: int, *args: arb) -> arb:
    *parameters, z = args
    above, below = parameters[:upper], parameters[upper:]
    if len(above) > len(below) and not z < 1:
        return NAN
    if (upper, len(below)) == (2, 1):
        return z.hypgeom_2f1(*above, *below)
    return z.hypgeom(above, below)


def parameter_derivative(upper: int, lower: int, *args: arb) -> arb:
    """A derivative of a hypergeometric series by its parameters and z, term by term.

    The orders come first. A Pochhammer symbol and its derivatives by a go on by (a)_(k+1) =
    (a)_k (a + k), their inverses likewise. The sum ends where terms no longer count, which no
    bound vouches for.
    """
    count = upper + lower
    orders = [whole(n) for n in args[: count + 1]]
    if any(n is None or n < 0 for n in orders) or not args[-1].is_finite():
        return NAN
    *by, by_z = (int(n or 0) for n in orders)
    *parameters, z = args[count + 1 :]
    if upper > lower and not abs(z) < 1:
        return NAN
    jets = [[arb(1)] + [arb(0)] * order for order in by]
    total, power_, small = arb(0), arb(1), arb(2) ** (-ctx.prec - 8)
    for k in range(6000):
        if k >= by_z:
            term = power_
            for jet in jets:
                term = term * jet[-1]
            total += term
            if k > 2 * (sum(by) + by_z) + 8 and abs(term) <= abs(total) * small:
                return total
            power_ = power_ * z / (k - by_z + 1)
        for i, (jet, parameter) in enumerate(zip(jets, parameters, strict=True)):
            factor = parameter + k
            if i < upper:
                for order in range(len(jet) - 1, -1, -1):
                    jet[order] = jet[order] * factor + (order * jet[order - 1] if order else 0)
            else:
                jet[0] = jet[0] / factor
                for order in range(1, len(jet)):
                    jet[order] = (jet[order] - order * jet[order - 1]) / factor
    return NAN


def spherical(name: str, n: arb, x: arb) -> arb:
    function = getattr(arb, name)
    return (arb.pi() / (2 * x)).sqrt() * function(x, n + HALF)


def positive(function: Function) -> Function:
    return lambda x: sure(less(arb(0), x), lambda: function(x))


def ordered(name: str, factor: Function | None = None) -> Function:
    """A Bessel function with its order first; left of 0 only where the order is whole."""

    def call(n: arb, x: arb) -> arb:
        if less(x, arb(0)):
            order = whole(n)
            if order is None or name in ("bessel_y", "bessel_k"):
                return NAN
            value = n_sign(order) * getattr(arb, name)(-x, n)
        else:
            value = bessel_k(n, x) if name == "bessel_k" else getattr(arb, name)(x, n)
        return value * factor(x) if factor else value

    return call


def bessel_k(n: arb, x: arb) -> arb:
    """Arb's own with the bits that its difference loses, from 20 on by U (NIST DLMF 10.39.6)."""
    if x > 20:
        lead = arb.pi().sqrt() * (2 * x) ** n * (-x).exp()
        return lead * (2 * x).hypgeom_u(n + HALF, 2 * n + 1)
    before = ctx.prec
    ctx.prec += 16 + int(3 * float(x.mid()))
    try:
        return x.bessel_k(n)
    finally:
        ctx.prec = before


def _falling(x: arb) -> arb:
    return (-abs(x)).exp()


def li(x: arb) -> arb:
    if less(x, arb(0)) or equal(x, arb(1)):
        return NAN
    return arb(0) if x.is_zero() else x.log().ei()
