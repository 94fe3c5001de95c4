"""Derivatives of I and K: errors where they cancel as differences, ends, over- and underflow."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, nan
from typing import Any

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.functions.special.bessel.modified_derivatives import decay_integral, decay_start
from symgrad.ir.expression import variables
from tests.functions.special.measured import (
    computed,
    in_kernel,
    oracle_of,
    values,
    worst,
    worst_of_row,
)

NAMES = ("besseli", "besselie", "besselk", "besselke")
ORDERS = (0, 1, 2, 20, 0.5, 0.3, 2.7, 40.1, 0.9)


@pytest.mark.parametrize("name", NAMES)
def test_value(name: str, rng: np.random.Generator) -> None:
    orders = np.repeat(ORDERS, 2)
    wide = np.maximum(orders, 1.0)
    near, far = rng.uniform(0.05, 2, orders.size) * wide, rng.uniform(1, 150, orders.size)
    points = np.where(rng.random(orders.size) < 0.5, near, far)
    away = np.abs(points - 0.54) > 0.2  # a zero of I''_0.5
    if name == "besselie":  # zeros around n^2
        away &= (points < 0.2 * wide**2) | (points > 5 * wide**2)
        away &= (orders >= 2) | (points > 5)
    given = np.tile([orders[away], points[away]], 2)
    times = np.repeat([1.0, 2.0], away.sum())
    error, point = worst_of_row(f"{name}_derivative", times, *given, compute=in_kernel)
    assert error <= 8, f"{name}_derivative{point}: {error} ulp"


@pytest.mark.parametrize("name", ["besselie", "besselke"])
def test_far_out(name: str) -> None:
    """Differences of values have no digit left there."""
    k, n, x = np.meshgrid([1, 2, 3], [0, 2.5], [51.0, 1e5, 1e30, 1e90])
    given = map(np.ravel, (k, n, x))
    error, point = worst_of_row(f"{name}_derivative", *given, compute=in_kernel)
    assert error <= 8, f"{name}_derivative{point}: {error} ulp"


@pytest.mark.parametrize("name", NAMES)
def test_negative_orders(name: str) -> None:
    n, x = np.meshgrid([-0.7, -1.2, -3.0], [0.1, 0.4, 7.0, 30.0])
    error, point = worst_of_row(f"{name}_derivative", 1, n.ravel(), x.ravel())
    assert error <= 8, f"{name}_derivative{point}: {error} ulp"


EXACT = (
    ("besseli", (1, 0, 0.0), 0.0), ("besseli", (2, 0, 0.0), 0.5), ("besseli", (1, 1, 0.0), 0.5),
    ("besseli", (2, 2, 1e-200), 0.25), ("besseli", (1, 3, -inf), inf),
    ("besseli", (1, 0.5, 0.0), inf), ("besseli", (1, -0.5, 0.0), -inf),
    ("besseli", (1, 2, 900.0), inf), ("besselie", (1, 0, 0.0), 0.0),
    ("besselie", (1, 0, 1e-200), -1.0), ("besselie", (1, 0, -1e-200), 1.0),
    ("besselie", (2, 0, 1e-200), 1.5), ("besselie", (1, 0, inf), 0.0),
    ("besselk", (1, 0, 0.0), -inf), ("besselk", (2, 3, 0.0), inf),
    ("besselk", (1, 2, inf), 0.0), ("besselk", (1, 0, 1e-200), -1e200),
    ("besselke", (1, 0, 1e-200), -1e200),
    ("besselke", (2, 1, inf), 0.0),
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_exact_values(name: str) -> None:
    chosen = [(point, expected) for row, point, expected in EXACT if row == name]
    got = values(f"{name}_derivative", *np.array([point for point, _ in chosen]).T).tolist()
    assert got == pytest.approx([expected for _, expected in chosen], rel=1e-15, abs=0)


@pytest.mark.parametrize("name", NAMES)
def test_nan(name: str) -> None:
    points: list[tuple[float, ...]] = [
        (nan, 1, 1), (1, nan, 1), (1, 1, nan), (1.5, 1, 1), (-1, 1, 1), (1, 0.5, -1), (1, 1e6, 1)
    ]  # fmt: skip
    assert np.isnan(values(f"{name}_derivative", *np.array(points).T)).all()


@pytest.mark.parametrize("name", ["besseli", "besselie"])
def test_parity(name: str) -> None:
    k, n, x = map(np.ravel, np.meshgrid([1, 2], [0, 1, 2], [0.3, 2.0, 33.0]))
    mirrored = values(f"{name}_derivative", k, n, -x)
    assert (mirrored == (-1) ** (n + k) * values(f"{name}_derivative", k, n, x)).all()


@pytest.mark.parametrize("mu", [-0.5, -0.3125, 0.0, 0.1875, 0.5])
def test_first_values(mu: float) -> None:
    points = np.array([0.0101, 0.1, 0.24, 0.26, 0.49, 0.51, 3.0, 77.0])

    def scaled(x: Any, order: Any) -> Any:
        return mpmath.exp(x) * mpmath.besselk(order, x)

    exact: list[Callable[[Any], Any]] = [
        lambda x: scaled(x, mu),
        lambda x: scaled(x, mu + 1) - (1 + mu / x) * scaled(x, mu),
        lambda x: (mu * mu + x) / x**2 * scaled(x, mu) - (2 - 1 / x) * exact[1](x),
        lambda x: scaled(x, mu + 1),
    ]
    for part, function in enumerate(exact):
        got = computed(lambda m, x, part=part: decay_integral(m, mu, x)[part], points)
        assert worst(got.tolist(), function, points)[0] <= 5
    for part, order in ((0, mu), (1, mu + 1)):
        got = computed(lambda m, x, part=part: decay_start(m, mu, x)[part][0], points)
        assert worst(got.tolist(), lambda x, order=order: scaled(x, order), points)[0] <= 5


@pytest.mark.parametrize(
    ("name", "points"),
    [
        ("besseli0e", (0.7, 12.9, 88.0, 640.0, 1e7, 1e100)),
        ("besseli1e", (0.2, 12.9, 88.0, 640.0, 1e7, 1e100)),
        ("besselk0e", (1e-9, 0.7, 12.9, 88.0, 640.0, 1e7, 1e100)),
        ("besselk1e", (1e-9, 0.7, 12.9, 88.0, 640.0, 1e7, 1e100)),
        ("besseli1", (0.2, 91.725)),
        ("besselk1", (1e-9, 0.7, 12.9, 88.0)),
    ],
)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_orders_0_and_1(name: str, points: tuple[float, ...], dtype: str) -> None:
    """Gradient and Hessian against the sums over orders, in single precision too."""
    x = variables("x")
    row, derivative = name.rstrip("e").rstrip("01"), name[7]
    oracle = oracle_of(f"{row}{'e' if name.endswith('e') else ''}_derivative")
    chosen = np.array([p for p in points if dtype == "float64" or 1e-6 < p < 1e6], dtype)
    kernel = sg.compile(
        sg.math.__getattr__(name)(x), [x], ["gradient", "hessian"], dtype=dtype, cache=False
    )
    result = kernel(chosen[:, None])
    digits = 52 if dtype == "float64" else 23
    with mpmath.workdps(40):
        for k, got in ((1, result.gradient), (2, result.hessian)):
            for at, one in zip(chosen.tolist(), np.ravel(got).tolist(), strict=True):
                exact = oracle(k, int(derivative), mpmath.mpf(at))
                assert abs(one - exact) <= 8 * abs(exact) * 2.0**-digits, (k, at)
