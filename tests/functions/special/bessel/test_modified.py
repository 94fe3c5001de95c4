"""I and K, plain and scaled: errors in ulp, values that are exact, over- and underflow."""

from __future__ import annotations

from math import inf, isnan, nan
from typing import Any

import mpmath
import numpy as np
import pytest

import symgrad as sg
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
FIRST = tuple(
    f"bessel{kind}{order}{scaled}" for kind in "ik" for order in "01" for scaled in ("", "e")
)
ORDERS = (0, 1, 2, 3, 10, 60, 0.5, 1.5, -0.5, 0.25, 2.7, 20.3, -2, -3, 1e-7)
ANY = ("besseli", "besselie", "besselk", "besselke")


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 1.0), (0.9, 9.0), (8.0, 60.0), (60.0, 700.0), (0, 1e-3)]
)
@pytest.mark.parametrize("name", FIRST)
def test_order_0_and_1(name: str, low: float, high: float, rng: np.random.Generator) -> None:
    error, point = worst_of_row(name, rng.uniform(low, high, 50))
    assert error <= PRIMITIVES[name].ulp, f"{name} at {point}: {error} ulp"


@pytest.mark.parametrize("name", ANY)
def test_any_order(name: str, rng: np.random.Generator) -> None:
    places = [
        (order, at)
        for order in ORDERS
        for wide in [max(abs(order), 1.0)]
        for at in (*rng.uniform(0.02 * wide, 2 * wide, 25), *rng.uniform(0.5, 40, 25),
                   1.0, 25.0, wide, 300.0)
    ]  # fmt: skip
    error, point = worst_of_row(name, *np.array(places).T, compute=in_kernel)
    assert error <= PRIMITIVES[name].ulp, f"{name}{point}: {error} ulp"


@pytest.mark.parametrize("name", ["besselie", "besselke"])
def test_orders_of_one_batch_mix(name: str, rng: np.random.Generator) -> None:
    n, at = variables("n x")
    orders = rng.integers(0, 30, 64) / rng.choice([1, 2, 3], 64)
    points = np.stack([orders, rng.uniform(0.1, 60, 64)], 1)
    got = sg.compile(getattr(sg.math, name)(n, at), [n, at], "value", cache=False)(points)
    oracle = oracle_of(name)
    error, point = worst(got.tolist(), lambda *p: oracle(*p), *points.T)
    assert error <= PRIMITIVES[name].ulp, f"{name}{point}: {error} ulp"


@pytest.mark.parametrize(
    ("name", "point", "expected"),
    [
        ("besseli0", (0.0,), 1.0), ("besseli0", (-inf,), inf), ("besseli0", (800.0,), inf),
        ("besseli1", (0.0,), 0.0), ("besseli1", (-inf,), -inf), ("besseli0e", (0.0,), 1.0),
        ("besseli0e", (inf,), 0.0), ("besseli1e", (-inf,), 0.0), ("besselk0", (0.0,), inf),
        ("besselk0", (inf,), 0.0), ("besselk0", (800.0,), 0.0), ("besselk1", (0.0,), inf),
        ("besselk1", (1e-309,), inf), ("besselk0e", (inf,), 0.0), ("besselk1e", (0.0,), inf),
        ("besseli", (0.0, 0.0), 1.0), ("besseli", (4.0, 0.0), 0.0), ("besseli", (0.5, 0.0), 0.0),
        ("besseli", (-0.5, 0.0), inf), ("besseli", (3.0, -inf), -inf), ("besseli", (0.5, inf), inf),
        ("besseli", (80.0, 1e-4), 0.0), ("besselk", (0.0, 0.0), inf), ("besselk", (0.3, 0.0), inf),
        ("besselk", (90.0, 1e-4), inf), ("besselk", (3.0, inf), 0.0), ("besselke", (3.0, inf), 0.0),
    ],
)  # fmt: skip
def test_exact_values(name: str, point: tuple[float, ...], expected: float) -> None:
    assert values(name, *point) == expected


@pytest.mark.parametrize(
    ("name", "point"),
    [
        *((name, (nan,)) for name in FIRST), *((name, (2.0, nan)) for name in ANY),
        *((name, (nan, 2.0)) for name in ANY), *((name, (0.5, -1.0)) for name in ANY),
        ("besselk0", (-1.0,)), ("besselk1e", (-1.0,)), ("besselk", (2.0, -1.0)),
        ("besseli", (1e6, 1.0)), ("besseli", (0.5, -inf)),
    ],
)  # fmt: skip
def test_nan(name: str, point: tuple[float, ...]) -> None:
    assert isnan(values(name, *point))


def test_symmetries() -> None:
    points = np.array([0.3, 2.0, 7.5, 33.0])
    for n in (0, 1, 4, 7):
        assert (values("besseli", n, -points) == (-1) ** n * values("besseli", n, points)).all()
        assert (values("besseli", -n, points) == values("besseli", n, points)).all()
    for n in (1, 0.7, 2.5):
        assert (values("besselk", -n, points) == values("besselk", n, points)).all()


@pytest.mark.parametrize(("name", "order"), [("besseli", 0.0), ("besseli", 2.5), ("besseli", 30.0)])
def test_finite_up_to_the_end(name: str, order: float) -> None:
    """exp(713) overflows, I does not."""
    assert worst_of_row(name, order, np.array([709.0, 711.5, 713.0]))[0] <= PRIMITIVES[name].ulp


@pytest.mark.parametrize("kind", ["besseli", "besselk"])
@pytest.mark.parametrize("n", [0, 1, 3, 2.5])
def test_derivatives(kind: str, n: float) -> None:
    """NIST DLMF 10.29.5."""
    expressions: list[Expr] = [getattr(math, kind)(n, x)]
    if n in (0, 1):
        expressions.append(getattr(math, f"{kind}{n}")(x))
    points, orders = (0.7, 3.1, 12.9), (1, 2, 3, 4)

    def exact(order: int, at: float) -> Any:
        terms = [
            mpmath.binomial(order, j)
            * getattr(mpmath, kind)(mpmath.mpf(n) - order + 2 * j, mpmath.mpf(at))
            for j in range(order + 1)
        ]
        sign = -1 if kind == "besselk" else 1
        return mpmath.fsum(terms) * mpmath.mpf(sign) ** order / 2**order

    with mpmath.workdps(40):
        wanted = [[exact(order, at) for at in points] for order in orders]
        for expression in expressions:
            found = derivatives_at(expression, points, orders)
            for order, some, want in zip(orders, found, wanted, strict=True):
                errors = map(in_ulp, some.tolist(), want)
                assert max(errors) < 12, f"{expression}, order {order}: {some}"


@pytest.mark.parametrize("name", ["besseli0e", "besseli1e", "besselk0e", "besselk1e"])
def test_derivatives_of_scaled_functions(name: str) -> None:
    oracle = oracle_of(name)
    points, orders = (0.7, 12.9), (1, 2)
    scales = values(name, points).tolist()
    for order, found in zip(
        orders, derivatives_at(getattr(math, name)(x), points, orders), strict=True
    ):
        for at, got, scale in zip(points, found.tolist(), scales, strict=True):
            with mpmath.workdps(25):
                exact = mpmath.diff(lambda t: oracle(t), at, order)
                assert in_ulp(got, exact, scale) < 12, f"order {order} at {at}"


def test_derivatives_at_zero() -> None:
    for expression, expected in (
        (math.besseli0(x), [0.0, 0.5, 0.0, 0.375]),
        (math.besseli1(x), [0.5, 0.0, 0.375, 0.0]),
        (math.besseli(2, x), [0.0, 0.25, 0.0, 0.25]),
    ):
        got = [float(one) for one in derivatives_at(expression, 0.0, (1, 2, 3, 4))]
        assert got == pytest.approx(expected, rel=4e-16, abs=0)
