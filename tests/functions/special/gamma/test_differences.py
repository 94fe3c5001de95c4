"""Differences of digamma and trigamma: errors in ulp where they cancel, ends, derivatives."""

from __future__ import annotations

from math import inf, isnan, nan

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.functions import PRIMITIVES
from symgrad.ir.expression import Expr, variables
from tests.functions.special.measured import oracle_of, values, worst_of_row

NAMES = ("digamma_difference", "trigamma_difference")
COUNT = 60


@pytest.mark.parametrize("region", ["middle", "wide", "huge", "around 10", "back"])
@pytest.mark.parametrize("name", NAMES)
def test_value(name: str, region: str, rng: np.random.Generator) -> None:
    a = {
        "middle": rng.uniform(0.01, 30, COUNT),
        "wide": 10.0 ** rng.uniform(-6, 6, COUNT),
        "huge": 10.0 ** rng.uniform(-100, 100, COUNT),
        "around 10": rng.uniform(9, 11, COUNT),
        "back": rng.uniform(0.1, 40, COUNT),
    }[region]
    b = {
        "middle": rng.uniform(0.01, 30, COUNT),
        "wide": 10.0 ** rng.uniform(-9, 6, COUNT),
        "huge": 10.0 ** rng.uniform(-100, 100, COUNT),
        "around 10": 10.0 ** rng.uniform(-12, 2, COUNT),
        "back": -a * rng.uniform(0, 1, COUNT),
    }[region]
    error, point = worst_of_row(name, a, b)
    assert error <= PRIMITIVES[name].ulp, f"{name} at {point}: {error} ulp"


@pytest.mark.parametrize(
    ("name", "point", "expected"),
    [
        ("digamma_difference", (2.0, 0.0), 0.0), ("digamma_difference", (1.0, 1.0), 1.0),
        ("digamma_difference", (0.0, 1.0), inf), ("digamma_difference", (1.0, inf), inf),
        ("digamma_difference", (nan, 1.0), nan), ("digamma_difference", (1.0, nan), nan),
        ("digamma_difference", (2.0, -1.0), -1.0), ("trigamma_difference", (2.0, -1.0), 1.0),
        ("trigamma_difference", (2.0, 0.0), 0.0), ("trigamma_difference", (1.0, 1.0), -1.0),
        ("trigamma_difference", (0.0, 1.0), -inf), ("trigamma_difference", (nan, 1.0), nan),
    ],
)  # fmt: skip
def test_exact_values(name: str, point: tuple[float, ...], expected: float) -> None:
    got = float(values(name, *point))
    assert got == pytest.approx(expected, rel=4e-16, abs=0) or (isnan(got) and isnan(expected))


@pytest.mark.parametrize("name", NAMES)
def test_negative_arguments_by_the_functions_themselves(name: str) -> None:
    own = name.removesuffix("_difference")
    expected = float(values(own, -1.25)) - float(values(own, -1.5))
    assert float(values(name, -1.5, 0.25)) == expected


A, B = variables("a b")


@pytest.mark.parametrize(
    ("name", "expr", "points"),
    [
        ("logbeta", sg.math.logbeta(A, B), [(766.0, 1e-3), (1e-3, 597.0), (1e5, 1e-7)]),
        ("beta", sg.math.beta(A, B), [(532.0, 1e-3), (1e-3, 989.0)]),
        ("binomial", sg.math.binomial(A, B), [(500.0, 250.0 + 1e-6), (800.0, 1e-4)]),
        ("rising_factorial", sg.math.rising_factorial(A, B), [(700.0, 1e-4), (25.0, 1e-6)]),
    ],
)
def test_gradients_that_cancelled(name: str, expr: Expr, points: list[tuple[float, float]]) -> None:
    gradient = sg.compile(expr, [A, B], "gradient", cache=False)(np.array(points))
    oracle = oracle_of(name)
    for got, point in zip(gradient.tolist(), points, strict=True):
        with mpmath.workdps(60):
            for place, order in enumerate(((1, 0), (0, 1))):
                expected = mpmath.diff(lambda *x: oracle(*x), point, order)
                assert got[place] == pytest.approx(float(expected), rel=1e-13, abs=0), (
                    point,
                    order,
                )
