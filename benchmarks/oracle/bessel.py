"""Derivatives of Bessel functions, Airy functions and Lambert's W, over Arb's balls."""

from __future__ import annotations

from math import comb
from typing import Any

from flint import arb, ctx

from benchmarks.oracle.balls import HALF, NAN, less, n_sign, whole
from benchmarks.oracle.hypergeometric import neighbours


def derivative(name: str, scaled: bool, k: arb, n: arb, x: arb) -> arb:
    """The sum over orders (NIST DLMF 10.6.7, 10.29.5), with the bits that it may cancel."""
    times, order = whole(k), whole(n)
    if times is None or times < 0:
        return NAN
    if x.is_zero() or less(x, arb(0)):
        if order is None or name in ("bessel_y", "bessel_k"):
            return NAN
        if less(x, arb(0)):
            return n_sign(order + times) * derivative(name, scaled, k, n, -x)
    before = ctx.prec
    if scaled and x > 1:
        ctx.prec += int(2 * max(times, REACH) * float(abs(x).log().mid()) / 0.69)
    try:
        sign = -1 if (scaled and not x.is_zero()) or name in ("bessel_j", "bessel_y") else 1
        stride = 1 if scaled and not x.is_zero() else 2
        last = 2 * times // stride
        values = around(f"{name}_scaled" if scaled else name, times, n, x)
        total = arb(0)
        for j in range(last + 1):
            total += sign**j * comb(last, j) * values[stride * j]
        return ((-1) ** times if name == "bessel_k" else 1) * total / 2**times
    finally:
        ctx.prec = before


REACH = 2
"""As many derivatives share their values."""

_AROUND: dict[Any, list[arb]] = {}
"""The functions of the orders around those of the last arguments."""


def around(name: str, times: int, n: arb, x: arb) -> list[arb]:
    """The function of the orders n - times to n + times."""
    reach = max(times, REACH)
    key = (name, ctx.prec, reach, *(part.man_exp() for y in (n, x) for part in (y.mid(), y.rad())))
    if key not in _AROUND:
        if len(_AROUND) > 20:
            _AROUND.clear()
        orders = [n + k for k in range(-reach, reach + 1)]
        _AROUND[key] = neighbours(name, orders, x)
    return _AROUND[key][reach - times : reach + times + 1]


_SPHERICAL: dict[Any, arb] = {}
"""Spherical functions of the last arguments."""


def spherical(name: str, times: int, n: arb, x: arb) -> arb:
    """Or a derivative of one (NIST DLMF 10.51.2)."""
    if less(x, arb(0)):
        order = whole(n)
        if order is None:
            return NAN
        turn = order + times + (1 if name == "bessel_y" else 0)
        return n_sign(turn) * spherical(name, times, n, -x)
    if times == 0:
        key = (name, ctx.prec, *(part.man_exp() for y in (n, x) for part in (y.mid(), y.rad())))
        if key not in _SPHERICAL:
            if len(_SPHERICAL) > 50:
                _SPHERICAL.clear()
            value = getattr(arb, name)(x, n + HALF)
            _SPHERICAL[key] = (arb.pi() / (2 * x)).sqrt() * value
        return _SPHERICAL[key]
    below = arb(0) if n.is_zero() else n * spherical(name, times - 1, n - 1, x)
    return (below - (n + 1) * spherical(name, times - 1, n + 1, x)) / (2 * n + 1)


def lambertw_derivative(branch: int, times: int, x: arb) -> arb:
    """The first derivative of Lambert's W or the second (NIST DLMF 4.13.5)."""
    w = x.lambertw(branch) if branch else x.lambertw()
    slope = arb(1) if x.is_zero() and not branch else w / (x * (1 + w))
    return slope if times == 1 else -(slope**2) * (2 + w) / (1 + w)
