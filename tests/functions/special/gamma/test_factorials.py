"""beta, binomial coefficients and rising factorials: errors in ulp, whole numbers, ends."""

from __future__ import annotations

from math import comb, inf, isnan, nan

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.functions import PRIMITIVES
from symgrad.functions import math as functions
from symgrad.ir.expression import variables
from tests.expressions import close, in_mpmath, system_of, tensor_of
from tests.functions.special.measured import oracle_of, values, worst_of_row

NAMES = ("beta", "logbeta", "binomial", "rising_factorial")


@pytest.mark.parametrize(("low", "high"), [(0.01, 6), (0.1, 100), (1e-6, 1e-2), (50, 400)])
@pytest.mark.parametrize("name", NAMES)
def test_value(name: str, low: float, high: float, rng: np.random.Generator) -> None:
    a, b = rng.uniform(low, high, (2, 80))
    if name == "binomial":
        a, b = a + b, a
    if name == "rising_factorial":
        b = np.minimum(b, 60)
    error, point = worst_of_row(name, a, b, scale=lambda a, b: 1 if name == "logbeta" else 0)
    assert error <= PRIMITIVES[name].ulp, f"{name} at {point}: {error} ulp"


@pytest.mark.parametrize("name", ["beta", "rising_factorial"])
def test_one_large_argument(name: str, rng: np.random.Generator) -> None:
    a, b = 10.0 ** rng.uniform(1, 30, 60), rng.uniform(0.1, 8, 60)
    error, point = worst_of_row(name, a, b)
    assert error <= PRIMITIVES[name].ulp, f"{name} at {point}: {error} ulp"


@pytest.mark.parametrize(("name", "bound"), [("beta", 3.0), ("rising_factorial", 3.0)])
def test_quotients_keep_what_their_roundings_lose(
    name: str, bound: float, rng: np.random.Generator
) -> None:
    a, b = 10.0 ** rng.uniform(-3, 1, 400), 10.0 ** rng.uniform(-2, 1.5, 400)
    error, point = worst_of_row(name, a, b)
    assert error <= bound, f"{name} at {point}: {error} ulp"


@pytest.mark.parametrize(("name", "bound"), [("beta", 6.0), ("binomial", 6.0),
                                             ("rising_factorial", 24.0)])  # fmt: skip
def test_negative_arguments(name: str, bound: float, rng: np.random.Generator) -> None:
    """By reflection, also where gamma is 0 or infinite, and with all that sums lose in sines."""
    a = np.concatenate([rng.uniform(-20, 5, 60), rng.uniform(-600, 100, 30)])
    b = np.concatenate([rng.uniform(-20, 20, 60), rng.uniform(-9, 9, 30)])
    error, point = worst_of_row(name, a, b)
    assert error <= bound, f"{name} at {point}: {error} ulp"


def test_binomials_of_whole_numbers_are_exact() -> None:
    n, k = np.meshgrid(np.arange(0, 52), np.arange(0, 60))
    exact = np.vectorize(comb)(n, k)
    assert np.array_equal(values("binomial", n, k), exact)


@pytest.mark.parametrize(
    ("n", "k", "expected"),
    [(-3, 2, 6), (-3, 3, -10), (5, -1, 0), (0.5, 2.5, 0), (4, 9, 0), (0, 0, 1)],
)
def test_binomials_beyond(n: float, k: float, expected: float) -> None:
    assert float(values("binomial", n, k)) == expected


@pytest.mark.parametrize(
    ("x", "k", "expected"), [(-3, 2, 6), (-3, 5, 0), (0, 3, 0), (0, 0, 1), (-2.5, 0, 1), (1, 4, 24)]
)
def test_rising_factorials_of_whole_numbers(x: float, k: float, expected: float) -> None:
    assert float(values("rising_factorial", x, k)) == pytest.approx(expected, rel=4e-16, abs=0)


def same(got: float, expected: float) -> bool:
    return bool(got == expected or (isnan(got) and isnan(expected)))


@pytest.mark.parametrize(
    ("name", "point", "expected"),
    [
        ("beta", (0.0, 1.0), inf), ("beta", (inf, 1.0), 0.0),
        ("beta", (nan, 1.0), nan), ("beta", (1e300, 1e300), 0.0), ("beta", (-1.0, 0.5), nan),
        ("logbeta", (-1.0, 1.0), nan), ("logbeta", (0.0, 13.0), inf),
        ("logbeta", (2.0, 0.0), inf), ("logbeta", (inf, 13.0), -inf), ("logbeta", (inf, 0.0), nan),
        ("logbeta", (nan, 0.0), nan), ("logbeta", (inf, nan), nan),
        ("binomial", (nan, 1.0), nan), ("rising_factorial", (nan, 1.0), nan),
        ("rising_factorial", (1.0, 180.0), inf), ("rising_factorial", (inf, 2.5), inf),
        ("rising_factorial", (inf, -2.5), 0.0), ("rising_factorial", (2.5, -inf), 0.0),
        ("rising_factorial", (2.5, inf), inf), ("rising_factorial", (-0.5, inf), -inf),
        ("rising_factorial", (inf, nan), nan), ("binomial", (inf, 2.5), inf),
        ("binomial", (inf, 0.0), 1.0), ("binomial", (inf, -2.5), 0.0),
        ("binomial", (7.5, inf), 0.0),
        ("binomial", (7.5, -inf), 0.0), ("binomial", (-7.5, inf), nan),
        ("binomial", (inf, inf), nan),
    ],
)  # fmt: skip
def test_exact_values(name: str, point: tuple[float, ...], expected: float) -> None:
    assert same(float(values(name, *point)), expected)


def test_factorials_by_their_names(digits: int) -> None:
    """factorial, falling factorial, harmonic and Catalan numbers of formula text."""
    text = ["factorial(x)", "ff(x, 3)", "harmonic(x)", "catalan(x)", "rf(x, 2)"]
    got = sg.compile(text, ["x"], "value", cache=False)(np.array([4.0, 7.0])).tolist()
    with mpmath.workdps(30):
        for row, at in zip(got, (4, 7), strict=True):
            exact = (
                mpmath.factorial(at), mpmath.ff(at, 3), mpmath.harmonic(at),
                mpmath.binomial(2 * at, at) / (at + 1), mpmath.rf(at, 2),
            )  # fmt: skip
            assert all(abs(a / b - 1) < 1e-15 for a, b in zip(row, exact, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_derivatives(name: str, digits: int) -> None:
    a, b = variables("a b")
    system = system_of(getattr(functions, name)(a, b), ("a", "b"))
    oracle = oracle_of(name)
    point = (mpmath.mpf(5.5), mpmath.mpf(2.25))
    got = in_mpmath(system.graph, tensor_of(system, 2).nodes, dict(zip("ab", point, strict=True)))
    for value, orders in zip(got, [(2, 0), (1, 1), (1, 1), (0, 2)], strict=True):
        assert close(value, mpmath.diff(lambda *x: oracle(*x), point, orders), 1e-25)


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        ((1.0, 1e-310), 713.80137882815417),
        ((5e-324, 2.0), 744.44007192138126),
        ((1e-310, 1e-310), 714.49452600871411),
        ((1e154, 1e102), -1.2073442483569037e104),
    ],
)
def test_logbeta_of_subnormal_and_huge_arguments(
    point: tuple[float, float], expected: float
) -> None:
    """It was nan of the first ones, and too large beyond 1e100; mpmath's loggamma of 700 digits."""
    assert float(values("logbeta", *point)) == pytest.approx(expected, rel=1e-15)
