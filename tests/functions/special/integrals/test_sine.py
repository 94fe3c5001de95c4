"""Si, Ci, Shi and Chi: errors in ulp over every region, roots, the ends, derivatives."""

from __future__ import annotations

from math import inf, isnan, nan
from typing import Any

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.ir.expression import variables
from tests.functions.special.measured import (
    assert_kernel_and_derivatives,
    assert_value,
    values,
    worst_of_row,
)

SCALES: dict[str, Any] = {"cosine_integral": lambda x: 1 / abs(x) if x > 1 else 0}
REGIONS = (
    ("sine_integral", -9, 9), ("sine_integral", 8, 1e5), ("cosine_integral", 1e-300, 1),
    ("cosine_integral", 1, 9), ("cosine_integral", 8, 1e5), ("sinh_integral", -9, 9),
    ("sinh_integral", 9, 712), ("cosh_integral", 1e-300, 2), ("cosh_integral", 2, 712),
)  # fmt: skip


@pytest.mark.parametrize(("name", "low", "high"), REGIONS)
def test_value(name: str, low: float, high: float, rng: np.random.Generator) -> None:
    assert_value(name, low, high, rng, SCALES.get(name))


@pytest.mark.parametrize("name", sorted({name for name, _, _ in REGIONS}))
def test_kernel_and_derivatives(name: str, digits: int) -> None:
    assert_kernel_and_derivatives(name)


@pytest.mark.parametrize(
    ("name", "root"),
    [("cosine_integral", 0.6165054856207162), ("cosh_integral", 0.523822571389864)],
)
def test_first_roots_keep_their_digits(name: str, root: float) -> None:
    assert worst_of_row(name, root + np.arange(-8, 9) * 2e-16)[0] < 5


@pytest.mark.parametrize(
    ("name", "point", "expected"),
    [
        ("sine_integral", inf, np.pi / 2), ("sine_integral", -inf, -np.pi / 2),
        ("sine_integral", 0.0, 0.0), ("cosine_integral", inf, 0.0),
        ("cosine_integral", 0.0, -inf), ("sinh_integral", inf, inf), ("sinh_integral", -inf, -inf),
        ("cosh_integral", 0.0, -inf), ("cosh_integral", inf, inf),
    ],
)  # fmt: skip
def test_exact_values(name: str, point: float, expected: float) -> None:
    assert values(name, point) == expected


@pytest.mark.parametrize("name", sorted({name for name, _, _ in REGIONS}))
def test_nan(name: str) -> None:
    assert isnan(values(name, nan))
    assert not name.startswith("cos") or isnan(values(name, -1.0))


def test_derivatives_of_si_are_finite_at_zero() -> None:
    x = variables("x")
    result = sg.compile(sg.math.sine_integral(x), [x], [1, 2, 3], cache=False)(np.zeros(1))
    assert [float(np.ravel(part)[0]) for part in result] == pytest.approx([1, 0, -1 / 3])


@pytest.mark.parametrize("name", ["sinh_integral", "cosh_integral"])
@pytest.mark.parametrize(("dtype", "last"), [("float64", 714.0), ("float32", 92.5)])
def test_gradient_reaches_as_far_as_the_function(name: str, dtype: str, last: float) -> None:
    x = variables("x")
    function = sg.compile(getattr(sg.math, name)(x), [x], [1, 2], dtype=dtype, cache=False)
    first, second = (float(np.ravel(part)[0]) for part in function(np.array([last], dtype)))
    exact = mpmath.exp(last) / (2 * last)  # exp(-x) is nothing beside it
    digits = 1e-14 if dtype == "float64" else 1e-6
    assert first == pytest.approx(float(exact), rel=digits)
    assert second == pytest.approx(float(exact * (1 - 1 / mpmath.mpf(last))), rel=digits)


@pytest.mark.parametrize("order", [0, 1, 2])
def test_derivatives_of_cosh_over_x(order: int, rng: np.random.Generator) -> None:
    # The first has a zero at 1.2.
    points = np.concatenate([rng.uniform(0.05, 1, 20), rng.uniform(1.6, 9, 20), [2.0, 712.0]])
    error, point = worst_of_row("cosh_over_x_derivative", float(order), points)
    assert error <= 6, f"at {point}: {error} ulp"


def test_ends_of_cosh_over_x() -> None:
    assert values("cosh_over_x_derivative", 0.0, inf) == inf
    assert values("cosh_over_x_derivative", 1.0, 0.0) == -inf
    assert isnan(values("cosh_over_x_derivative", 0.5, 1.0))
    negative = [float(values("cosh_over_x_derivative", k, -1.5)) for k in (0.0, 1.0)]
    positive = [float(values("cosh_over_x_derivative", k, 1.5)) for k in (0.0, 1.0)]
    assert negative == [-positive[0], positive[1]]


@pytest.mark.parametrize("name", ["cosh_integral", "expint_ei"])
def test_derivatives_overflow_to_infinity(name: str) -> None:
    x = variables("x")
    expr = getattr(sg.math, name)(x)
    made = sg.compile(expr, [x], ["gradient", "hessian"], dtype="float32", cache=False)
    with np.errstate(over="ignore"):
        assert [float(np.ravel(part)[0]) for part in made(np.float32([400.0]))] == [inf, inf]
