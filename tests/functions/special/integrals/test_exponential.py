"""E1, Ei and li: errors in ulp over every region, roots, the ends, derivatives."""

from __future__ import annotations

from math import inf, isnan, nan

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.functions import PRIMITIVES
from symgrad.ir.expression import variables
from tests.functions.special.measured import (
    assert_kernel_and_derivatives,
    assert_value,
    oracle_of,
    values,
    worst_of_row,
)

REGIONS = (
    ("expint_e1", 1e-300, 0.6), ("expint_e1", 0.6, 21), ("expint_e1", 21, 700),
    ("expint_e1e", 1e-300, 0.6), ("expint_e1e", 0.4, 1e9),
    ("expint_ei", -30, -1e-300), ("expint_ei", 1e-300, 0.6), ("expint_ei", 0.6, 41),
    ("exp_over_x", -740, -1e-300), ("exp_over_x", 1e-300, 1), ("exp_over_x", 1, 716),
    ("expint_ei", 41, 716), ("li", 1e-300, 1), ("li", 1, 3), ("li", 3, 1e5), ("li", 1e5, 1e300),
)  # fmt: skip


@pytest.mark.parametrize(("name", "low", "high"), REGIONS)
def test_value(name: str, low: float, high: float, rng: np.random.Generator) -> None:
    assert_value(name, low, high, rng)


@pytest.mark.parametrize("name", sorted({name for name, _, _ in REGIONS}))
def test_kernel_and_derivatives(name: str, digits: int) -> None:
    assert_kernel_and_derivatives(name)


@pytest.mark.parametrize(
    ("name", "root"), [("expint_ei", 0.37250741078136663), ("li", 1.451369234883381)]
)
def test_roots_keep_their_digits(name: str, root: float) -> None:
    assert worst_of_row(name, root + np.arange(-8, 9) * 4e-16)[0] < 5


@pytest.mark.parametrize(
    ("name", "point", "expected"),
    [
        ("expint_e1", 0.0, inf), ("expint_e1", inf, 0.0),
        ("expint_e1e", 0.0, inf), ("expint_e1e", inf, 0.0), ("expint_ei", 0.0, -inf),
        ("expint_ei", inf, inf), ("expint_ei", -inf, 0.0), ("li", 0.0, 0.0), ("li", 1.0, -inf),
        ("li", inf, inf), ("exp_over_x", inf, inf), ("exp_over_x", -inf, 0.0),
        ("exp_over_x", 0.0, inf),
    ],
)  # fmt: skip
def test_exact_values(name: str, point: float, expected: float) -> None:
    assert values(name, point) == expected


@pytest.mark.parametrize(
    ("name", "point"), [("expint_e1", -1.0), ("expint_e1e", -1.0), ("li", -1.0), ("expint_ei", nan)]
)
def test_nan(name: str, point: float) -> None:
    assert isnan(values(name, point))
    assert isnan(values(name, nan))


def test_other_spellings() -> None:
    x = variables("x")
    for text, made in (("Li(x)", sg.math.li(x) - sg.math.li(2)), ("Ei(x)", sg.math.expint_ei(x))):
        points = np.array([1.5, 2.5, 40.0])
        got = sg.compile(text, ["x"], "value", cache=False)(points)
        assert (got == sg.compile(made, [x], "value", cache=False)(points)).all()
    assert sg.math.expint(1, x) == sg.math.expint_e1(x)


@pytest.mark.parametrize(
    ("dtype", "last", "digits"), [("float64", 714.0, 1e-14), ("float32", 92.5, 1e-6)]
)
def test_derivatives_reach_as_far_as_the_function(dtype: str, last: float, digits: float) -> None:
    x = variables("x")
    wanted = ["value", 1, 2, 3]
    result = sg.compile(sg.math.expint_ei(x), [x], wanted, dtype=dtype, cache=False)(
        np.array([last], dtype)
    )
    oracle = oracle_of("expint_ei")
    with mpmath.workdps(30):
        for order, got in enumerate(result):
            expected = mpmath.diff(lambda t: oracle(t), last, order)
            assert float(np.ravel(got)[0]) == pytest.approx(float(expected), rel=digits)


@pytest.mark.parametrize("order", [0, 1, 2])
def test_derivatives_of_exp_over_x(order: int, rng: np.random.Generator) -> None:
    points = np.concatenate([rng.uniform(-9, 0.7, 20), rng.uniform(1.4, 9, 20), [715.0, -700.0]])
    error, point = worst_of_row("exp_over_x_derivative", float(order), points)
    assert error <= PRIMITIVES["exp_over_x_derivative"].ulp, f"at {point}: {error} ulp"


def test_ends_of_derivatives_of_exp_over_x() -> None:
    assert values("exp_over_x_derivative", 1.0, 1.0) == 0.0
    assert values("exp_over_x_derivative", 2.0, inf) == inf
    assert values("exp_over_x_derivative", 2.0, -inf) == 0.0
    assert isnan(values("exp_over_x_derivative", 0.5, 1.0))


@pytest.mark.parametrize("order", [1, 2, 5])
def test_derivatives_of_the_scaled_integral_do_not_cancel(order: int) -> None:
    points = [1e-9, 1e-3, 0.2, 0.4999, 0.5, 0.77, 3.0, 19.0, 60.0, 700.0, 1e5]
    error, point = worst_of_row("expint_e1e_derivative", float(order), points)
    assert error <= PRIMITIVES["expint_e1e_derivative"].ulp, f"at {point}: {error} ulp"


def test_ends_of_the_derivatives_of_the_scaled_integral() -> None:
    assert values("expint_e1e_derivative", 1.0, 0.0) == -inf
    assert values("expint_e1e_derivative", 2.0, inf) == 0.0
    assert isnan(values("expint_e1e_derivative", 1.0, -1.0))
    assert isnan(values("expint_e1e_derivative", 0.5, 1.0))
