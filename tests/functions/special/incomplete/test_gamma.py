"""Incomplete gamma functions: errors in ulp in every region, ends, derivatives."""

from __future__ import annotations

from math import inf, isnan, nan
from typing import Any

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.functions import PRIMITIVES
from symgrad.functions import math as functions
from symgrad.ir.expression import variables
from tests.expressions import close, in_mpmath, system_of, tensor_of
from tests.functions.special.measured import in_ulp, oracle_of, values, worst_of_row

NAMES = ("gammainc", "gammaincc", "lowergamma", "uppergamma")


def regions(rng: np.random.Generator) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    a = 10.0 ** rng.uniform(1.4, 3.5, 15)
    return {
        "small": (rng.uniform(0, 10, 30), rng.uniform(0, 15, 30)),
        "middle": (rng.uniform(0, 100, 20), rng.uniform(0, 150, 20)),
        "uniform": (a, np.abs(a * (1 + 3 * rng.normal(size=15) / np.sqrt(a)))),
        "tiny a": (10.0 ** rng.uniform(-12, 0, 20), 10.0 ** rng.uniform(-3, 1.3, 20)),
        "tiny x": (10.0 ** rng.uniform(-2, 1.5, 20), 10.0 ** rng.uniform(-30, 0, 20)),
    }


@pytest.mark.parametrize("region", ["small", "middle", "uniform", "tiny a", "tiny x"])
@pytest.mark.parametrize("name", NAMES)
def test_value(name: str, region: str, rng: np.random.Generator) -> None:
    a, x = regions(rng)[region]
    got = values(name, a, x)
    keep = np.isfinite(got) & (got != 0)
    assert keep.mean() > 0.4
    error, point = worst_of_row(name, a[keep], x[keep])
    assert error <= PRIMITIVES[name].ulp, f"{name} at {point}: {error} ulp"


@pytest.mark.parametrize(
    ("a", "x"),
    [
        (911.7603841410306, 547.1174428386369), (2684.0932373099613, 1630.9906446755438),
        (2281.975166503565, 1423.5638866090708), (96.06477600179142, 61.60929127120706),
        (3000.0, 2129.5), (3000.0, 2130.5), (9000.0, 6500.0), (1e6, 999000.0),
        (212677.4718532922, 210667.90074444795),
    ],
)  # fmt: skip
def test_the_lower_tail_of_large_exponents(a: float, x: float) -> None:
    """Where one logarithm of x/a is needed, as a multiplies its error."""
    with mpmath.workdps(50):
        exact = _lower_tail(mpmath.mpf(a), mpmath.mpf(x))
        assert in_ulp(float(values("gammainc", a, x)), exact) <= 6


def _lower_tail(a: Any, x: Any) -> Any:
    """The series NIST DLMF 8.7.1, with as many terms as it needs."""
    term = total = mpmath.mpf(1)
    n = 0
    while term > total * mpmath.mpf(10) ** -45:
        n += 1
        term = term * x / (a + n)
        total += term
    return total * mpmath.exp(a * mpmath.log(x) - x - mpmath.loggamma(a + 1))


@pytest.mark.parametrize("a", [6.8e-09, 1e-4, 0.3])
@pytest.mark.parametrize("x", [0.6, 0.89, 0.91, 1.063])
def test_the_upper_function_of_tiny_exponents_around_1(a: float, x: float) -> None:
    """Where the difference of 1 and the lower function loses digits."""
    with mpmath.workdps(50):
        exact = mpmath.gammainc(mpmath.mpf(a), mpmath.mpf(x), regularized=True)
        assert in_ulp(float(values("gammaincc", a, x)), exact) <= 6


def test_the_upper_function_of_negative_exponents() -> None:
    points = [(-0.5, 0.5), (-2.5, 1.5), (0.0, 0.25), (-3.0, 4.0)]
    assert worst_of_row("uppergamma", *map(np.array, zip(*points, strict=True)))[0] < 12


def same(got: float, expected: float) -> bool:
    return bool(got == expected or (isnan(got) and isnan(expected)))


@pytest.mark.parametrize(
    ("name", "point", "expected"),
    [
        ("gammainc", (2.0, 0.0), 0.0), ("gammainc", (2.0, inf), 1.0), ("gammainc", (0.0, 1.0), 1.0),
        ("gammainc", (0.0, 0.0), nan), ("gammainc", (inf, 1.0), 0.0),
        ("gammainc", (-1.0, 1.0), nan),
        ("gammainc", (1.0, -1.0), nan), ("gammainc", (nan, 1.0), nan),
        ("gammainc", (1.0, nan), nan),
        ("gammaincc", (2.0, 0.0), 1.0), ("gammaincc", (2.0, inf), 0.0),
        ("lowergamma", (3.0, inf), 2.0), ("lowergamma", (3.0, 0.0), 0.0),
        ("lowergamma", (900.0, 5000.0), inf), ("uppergamma", (3.0, 0.0), 2.0),
        ("uppergamma", (3.0, inf), 0.0), ("uppergamma", (900.0, 10.0), inf),
        ("gamma_kernel", (1.0, 0.0), 1.0), ("gamma_kernel", (0.5, 0.0), inf),
        ("gamma_kernel", (2.0, 0.0), 0.0), ("gamma_kernel", (2.0, inf), 0.0),
        ("gamma_density", (1.0, 0.0), 1.0), ("gamma_density", (0.0, 2.0), 0.0),
        ("gamma_density", (-1.0, 2.0), 0.0), ("gamma_density", (3.0, nan), nan),
    ],
)  # fmt: skip
def test_exact_values(name: str, point: tuple[float, ...], expected: float) -> None:
    assert same(float(values(name, *point)), expected)


@pytest.mark.parametrize("name", ["gamma_kernel", "gamma_density"])
def test_the_slope(name: str, rng: np.random.Generator) -> None:
    a, x = 10.0 ** rng.uniform(-1, 4, 60), 10.0 ** rng.uniform(-2, 3.5, 60)
    error, point = worst_of_row(name, a, x)
    assert error <= PRIMITIVES[name].ulp, f"{name} at {point}: {error} ulp"


@pytest.mark.parametrize(
    ("a", "x"),
    [
        (40.0, 1e-7), (40.0, 2e-7), (40.0, 2.0332520016524505e-7), (6.5, 1e-58), (0.5, 5e-324),
        (1.5, 1e-318), (1e-300, 3e-302), (1e-3, 1e-323),
    ],
)  # fmt: skip
def test_the_density_where_it_is_a_double_but_x_times_it_is_not(a: float, x: float) -> None:
    error, _ = worst_of_row("gamma_density", [a], [x])
    assert error <= PRIMITIVES["gamma_density"].ulp, f"{error} ulp"


def test_derivatives_at_zero(digits: int) -> None:
    """The lower function of 3 begins with x^3/3: its derivatives are 0, 0, 2 and -6."""
    x = variables("x")
    system = system_of(functions.lowergamma(3, x), ("x",))
    for order, expected in enumerate((0, 0, 2, -6), 1):
        (got,) = in_mpmath(system.graph, tensor_of(system, order).nodes, {"x": 0.0})
        assert close(got, expected, 1e-40)


@pytest.mark.parametrize("name", NAMES)
def test_kernel(name: str) -> None:
    x = variables("x")
    points = np.array([0.05, 0.7, 1.4, 2.5, 4.5, 9.0])
    made = sg.compile(
        getattr(functions, name)(2.5, x), [x], ["value", "gradient", "hessian"], cache=False
    )
    got = made(points)
    assert np.allclose(got.value, values(name, 2.5, points), rtol=4e-15, atol=0)
    oracle = oracle_of(name)
    second = [float(mpmath.diff(lambda t: oracle(2.5, t), at, 2)) for at in points.tolist()]
    assert np.allclose(np.ravel(got.hessian), second, rtol=1e-6, atol=1e-9)
