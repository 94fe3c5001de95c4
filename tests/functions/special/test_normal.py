"""The normal distribution: errors in ulp over both tails, the ends, derivatives."""

from __future__ import annotations

from math import inf, isnan, nan
from typing import Any

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.functions import PRIMITIVES
from symgrad.ir.expression import variables
from tests.expressions import close, in_mpmath, system_of, tensor_of
from tests.functions.special.measured import (
    assert_kernel_and_derivatives,
    assert_value,
    values,
)

SCALES: dict[str, Any] = {}
REGIONS = (
    ("normal_pdf", -38, 38), ("ndtr", -37.5, -5), ("ndtr", -5, 0), ("ndtr", 0, 9),
    ("log_ndtr", -1e4, -37), ("log_ndtr", -37, 0), ("log_ndtr", 0, 30),
    ("ndtri", 1e-300, 1e-9), ("ndtri", 1e-9, 0.3), ("ndtri", 0.3, 1 - 1e-9),
)  # fmt: skip


@pytest.mark.parametrize(("name", "low", "high"), REGIONS)
def test_value(name: str, low: float, high: float, rng: np.random.Generator) -> None:
    assert_value(name, low, high, rng, SCALES.get(name))


@pytest.mark.parametrize("name", sorted({name for name, _, _ in REGIONS}))
def test_kernel_and_derivatives(name: str, digits: int) -> None:
    assert_kernel_and_derivatives(name)


@pytest.mark.parametrize(
    ("name", "point", "expected"),
    [
        ("normal_pdf", inf, 0.0), ("ndtr", inf, 1.0), ("ndtr", -inf, 0.0), ("ndtr", 0.0, 0.5),
        ("ndtr", 40.0, 1.0), ("log_ndtr", -inf, -inf), ("log_ndtr", inf, 0.0),
        ("ndtri", 0.0, -inf), ("ndtri", 1.0, inf), ("ndtri", 0.5, 0.0),
    ],
)  # fmt: skip
def test_exact_values(name: str, point: float, expected: float) -> None:
    assert values(name, point) == expected


@pytest.mark.parametrize("name", ["normal_pdf", "ndtr", "log_ndtr", "ndtri"])
def test_nan(name: str) -> None:
    assert isnan(values(name, nan))
    assert name != "ndtri" or (isnan(values(name, -0.1)) and isnan(values(name, 1.1)))


def test_derivatives_of_the_logarithm_are_finite_in_both_tails(digits: int) -> None:
    x = variables("x")
    system = system_of(sg.math.log_ndtr(x), ("x",))
    oracle = PRIMITIVES["log_ndtr"].oracle
    assert oracle is not None
    for point in (-30.0, 12.0):
        for order in (1, 2):
            (got,) = in_mpmath(system.graph, tensor_of(system, order).nodes, {"x": point})
            assert close(got, mpmath.diff(lambda t: oracle(mpmath, t), point, order), 1e-30)
    points = np.array([-1e3, -50.0, 50.0, 1e3])
    gradient = sg.compile(sg.math.log_ndtr(x), [x], "gradient", cache=False)(points).ravel()
    assert np.isfinite(gradient).all()
    assert gradient[0] == pytest.approx(1e3, rel=1e-5)
