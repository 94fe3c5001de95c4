"""J and Y: errors in ulp over every region, values that are exact, zeros, derivatives."""

from __future__ import annotations

from math import inf, isnan, nan
from typing import Any

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.errors import DerivativeError
from symgrad.functions import PRIMITIVES, math
from symgrad.ir.expression import Expr, variables
from tests.functions.special.measured import (
    derivatives_at,
    in_kernel,
    in_ulp,
    oracle_of,
    values,
    worst,
    worst_of_row,
)

x = variables("x")
FIRST = ("besselj0", "besselj1", "bessely0", "bessely1")
ORDERS = (0, 1, 2, 3, 10, 60, 0.5, 1.5, -0.5, 0.25, 2.7, 20.3, -2, -3, -0.3, -4.5, 1e-7)


def amplitude(*point: Any) -> Any:
    """Of the waves of J and Y beyond their turning point."""
    order = abs(point[0]) if len(point) > 1 else 0
    size = abs(point[-1])
    return mpmath.sqrt(2 / (mpmath.pi * size)) if size > max(order, 0.5) else 0


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 4.0), (3.9, 4.1), (4.0, 60.0), (60.0, 1e4), (0, 1e-3)]
)
@pytest.mark.parametrize("name", FIRST)
def test_order_0_and_1(name: str, low: float, high: float, rng: np.random.Generator) -> None:
    points = rng.uniform(low, high, 150)
    error, point = worst_of_row(name, points, scale=amplitude)
    assert error <= PRIMITIVES[name].ulp, f"{name} at {point}: {error} ulp"


@pytest.mark.parametrize("name", FIRST)
def test_large_and_small_arguments(name: str, rng: np.random.Generator) -> None:
    points = np.exp(rng.uniform(np.log(1e4), np.log(1e15), 40))
    assert worst_of_row(name, points, scale=amplitude)[0] <= PRIMITIVES[name].ulp
    points = np.exp(rng.uniform(np.log(1e-300), np.log(1e-3), 40))
    assert worst_of_row(name, points)[0] <= PRIMITIVES[name].ulp


@pytest.mark.parametrize(
    ("name", "zero"), [("besselj0", 2.404825557695773), ("besselj1", 3.8317059702075125)]
)
def test_first_zeros_keep_their_digits(name: str, zero: float) -> None:
    assert worst_of_row(name, zero + np.arange(-8, 9) * 4e-16)[0] < 8


@pytest.mark.parametrize("name", ["besselj", "bessely"])
def test_any_order(name: str, rng: np.random.Generator) -> None:
    places = []
    for order in ORDERS:
        wide = max(abs(order), 1.0)
        points = np.concatenate(
            [rng.uniform(0.02 * wide, 2 * wide, 40), rng.uniform(1, 30, 30), [2.0, 25.0, 6.0, wide]]
        )
        if order < 0:
            points = points[points > 1.3 * wide]  # below, they have zeros that no amplitude is near
        places += [(order, at) for at in points]
    error, point = worst_of_row(name, *np.array(places).T, scale=amplitude)
    assert error <= PRIMITIVES[name].ulp, f"{name}{point}: {error} ulp"


@pytest.mark.parametrize("name", ["besselj", "bessely"])
def test_orders_of_one_batch_mix(name: str, rng: np.random.Generator) -> None:
    """Whatever regions the points of a vector are in, each has its own value."""
    n, at = variables("n x")
    points = np.stack(
        [rng.integers(0, 30, 64) / rng.choice([1, 2, 3], 64), rng.uniform(0.1, 60, 64)], 1
    )
    got = sg.compile(getattr(sg.math, name)(n, at), [n, at], "value", cache=False)(points)
    oracle = oracle_of(name)
    error, point = worst(got.tolist(), lambda *p: oracle(*p), *points.T, scale=amplitude)
    assert error <= PRIMITIVES[name].ulp, f"{name}{point}: {error} ulp"


@pytest.mark.parametrize(
    ("name", "point", "expected"),
    [
        ("besselj0", (0.0,), 1.0), ("besselj0", (-0.0,), 1.0), ("besselj0", (inf,), 0.0),
        ("besselj0", (-inf,), 0.0), ("besselj1", (0.0,), 0.0), ("besselj1", (inf,), 0.0),
        ("bessely0", (0.0,), -inf), ("bessely0", (-0.0,), -inf), ("bessely0", (inf,), 0.0),
        ("bessely1", (0.0,), -inf), ("bessely1", (5e-324,), -inf), ("bessely1", (inf,), 0.0),
        ("besselj", (0.0, 0.0), 1.0), ("besselj", (3.0, 0.0), 0.0), ("besselj", (0.5, 0.0), 0.0),
        ("besselj", (-0.5, 0.0), inf), ("besselj", (-1.5, 0.0), -inf), ("besselj", (2.0, inf), 0.0),
        ("besselj", (0.5, inf), 0.0), ("besselj", (2.0, -inf), 0.0), ("besselj", (50.0, 1e-9), 0.0),
        ("bessely", (0.0, 0.0), -inf), ("bessely", (7.0, 0.0), -inf), ("bessely", (0.3, 0.0), -inf),
        ("bessely", (-0.5, 0.0), 0.0), ("bessely", (-1.5, 0.0), 0.0), ("bessely", (-3.0, 0.0), inf),
        ("bessely", (100.0, 1e-3), -inf), ("bessely", (3.0, inf), 0.0),
    ],
)  # fmt: skip
def test_exact_values(name: str, point: tuple[float, ...], expected: float) -> None:
    assert values(name, *point) == expected


@pytest.mark.parametrize(
    ("name", "point"),
    [
        ("besselj0", (nan,)), ("besselj1", (nan,)), ("bessely0", (nan,)), ("bessely1", (nan,)),
        ("bessely0", (-1.0,)), ("bessely1", (-1.0,)), ("besselj", (2.0, nan)),
        ("besselj", (nan, 2.0)), ("besselj", (0.5, -1.0)), ("bessely", (2.0, -1.0)),
        ("bessely", (0.5, -1.0)), ("besselj", (1e6, 3.0)), ("besselj", (inf, 3.0)),
    ],
)  # fmt: skip
def test_nan(name: str, point: tuple[float, ...]) -> None:
    assert isnan(values(name, *point))


def test_symmetries() -> None:
    points = np.array([0.3, 2.0, 7.5, 33.0])
    for n in (0, 1, 4, 7):
        sign = (-1) ** n
        assert (values("besselj", n, -points) == sign * values("besselj", n, points)).all()
        assert (values("besselj", -n, points) == sign * values("besselj", n, points)).all()
        assert (values("bessely", -n, points) == sign * values("bessely", n, points)).all()


def test_tiny_arguments_are_powers() -> None:
    """(x/2)^n/Gamma(n + 1), also where x^2 underflows: NIST DLMF 10.7.3."""
    for n, at in [(0.5, 1e-300), (1.5, 1e-180), (0.3, 5e-320), (2, 1e-150), (5, 1e-50)]:
        with mpmath.workdps(30):
            expected = (mpmath.mpf(at) / 2) ** mpmath.mpf(n) / mpmath.gamma(mpmath.mpf(n) + 1)
            assert in_ulp(float(values("besselj", n, at)), expected) < 6


@pytest.mark.parametrize(
    ("kind", "n"), [("besselj", 0), ("besselj", 1), ("besselj", 4), ("besselj", 2.5),
                ("bessely", 0), ("bessely", 1), ("bessely", 3), ("bessely", 0.3)],
)  # fmt: skip
def test_derivatives(kind: str, n: float) -> None:
    expressions: list[Expr] = [getattr(math, kind)(n, x)]
    if n in (0, 1):
        expressions.append(getattr(math, f"{kind}{n}")(x))
    points, orders = (0.7, 3.1, 12.9), (1, 2, 3, 4)
    scales = (abs(values(kind, n, points)) + 0.3).tolist()
    with mpmath.workdps(40):
        exact = [[oracle_of(f"{kind}_derivative")(k, n, at) for at in points] for k in orders]
        for expression in expressions:
            for k, found in zip(orders, derivatives_at(expression, points, orders), strict=True):
                for got, want, scale in zip(found.tolist(), exact[k - 1], scales, strict=True):
                    assert in_ulp(got, want, scale) < 12, f"{expression}, order {k}: {got}"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (math.besselj0(x), (0.0, -0.5, 0.0, 0.375)),
        (math.besselj1(x), (0.5, 0.0, -0.375, 0.0)),
        (math.besselj(1, x), (0.5, 0.0, -0.375, 0.0)),
        (math.besselj(2, x), (0.0, 0.25, 0.0, -0.25)),
    ],
)
def test_derivatives_at_zero(expression: Expr, expected: tuple[float, ...]) -> None:
    assert [float(one) for one in derivatives_at(expression, 0.0, (1, 2, 3, 4))] == list(expected)


def test_no_derivative_by_the_order() -> None:
    n, at = variables("n x")
    with pytest.raises(DerivativeError, match="order of a Bessel function"):
        sg.compile(sg.math.besselj(n, at), [n, at], "gradient", cache=False)


@pytest.mark.parametrize("name", ["besselj", "bessely"])
def test_derivatives_keep_their_digits(name: str) -> None:
    """At the turning point, where the formulas cancel, and beyond it as waves."""
    orders = np.repeat([0.0, 1.0, 20.0, 100.0, 2.7, 40.1], 6)
    wide = np.maximum(orders, 1.0)
    points = wide * np.tile([0.3, 0.9, 0.97, 1.05, 3.0, 500.0], 6)
    times = np.repeat([[1.0], [2.0]], len(orders), 1)
    error, point = worst_of_row(
        f"{name}_derivative",
        *(times.ravel(), np.tile(orders, 2), np.tile(points, 2)),
        scale=lambda k, *rest: amplitude(*rest),
        compute=in_kernel,
    )
    assert error <= 8, f"{name}_derivative{point}: {error} ulp"


def test_derivatives_of_negative_order_at_zero() -> None:
    assert values("besselj_derivative", [1, 2], -0.5, 0.0).tolist() == [-inf, inf]
    assert values("bessely_derivative", [1, 2], -0.3, 0.0).tolist() == [inf, -inf]
