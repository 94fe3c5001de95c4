"""Hypergeometric functions: errors in ulp by region, ends, derivatives by z and parameters."""

from __future__ import annotations

from fractions import Fraction
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
from tests.functions.special.measured import values, worst_of_row

WIDE, BELOW = (-3, 4), (0.4, 5)
COUNT = 20

REGIONS: list[tuple[str, list[tuple[float, float]], float]] = [
    ("hyp0f1", [BELOW, (-50, 200)], 4),
    ("hyp1f1", [WIDE, BELOW, (-30, 30)], 32),
    ("hyp1f1", [(0.3, 2), BELOW, (-600, -100)], 128),
    ("hyp1f1", [(0.3, 2), BELOW, (100, 600)], 128),
    ("hyp2f1", [WIDE, (-3, 3), BELOW, (-0.5, 0.9)], 4),
    ("hyp2f1", [(0.3, 2), (0.3, 2), BELOW, (-1.5, -0.5)], 16),
    ("hyp2f1", [(0.2, 0.4), (0.6, 0.8), BELOW, (-1e4, -10)], 128),
    ("hyp2f1", [(0.2, 0.4), (0.6, 0.8), (1.3, 1.5), (0.9, 0.999999)], 128),
    ("hyp3f2", [WIDE, (-3, 3), BELOW, BELOW, BELOW, (-0.8, 0.8)], 4),
    ("hyp1f2", [WIDE, BELOW, BELOW, (-20, 30)], 4),
    ("hyp2f2", [WIDE, (-3, 3), BELOW, BELOW, (-8, 30)], 4),
]


@pytest.mark.parametrize(("name", "ranges", "bound"), REGIONS)
def test_value(
    name: str, ranges: list[tuple[float, float]], bound: float, rng: np.random.Generator
) -> None:
    points = [rng.uniform(low, high, COUNT) for low, high in ranges]
    error, point = worst_of_row(name, *points)
    assert error <= bound, f"{name} at {point}: {error} ulp"


@pytest.mark.parametrize("scale", [-1e4, 1.0])
def test_logarithmic_cases(scale: float, rng: np.random.Generator) -> None:
    """Whole parameters, where c - a - b is whole as well: DLMF 15.8.10."""
    parameters = [rng.integers(1, 5, COUNT).astype(float) for _ in range(3)]
    z = scale * rng.uniform(0.93, 0.9999, COUNT)
    error, point = worst_of_row("hyp2f1", *parameters, z)
    assert error <= 32, f"at {point}: {error} ulp"


@pytest.mark.parametrize(
    ("name", "point", "expected"),
    [
        ("hyp0f1", (2.0, 0.0), 1.0), ("hyp0f1", (0.0, 1.0), nan), ("hyp0f1", (2.0, nan), nan),
        ("hyp1f1", (1.5, 2.5, 0.0), 1.0), ("hyp1f1", (-2.0, 1.0, 2.0), -1.0),
        ("hyp1f1", (1.0, -1.0, 2.0), nan), ("hyp1f1", (nan, 1.0, 2.0), nan),
        ("hyp1f1", (-1.0, -3.0, 6.0), 3.0), ("hyp1f1", (2.0, 1.0, 1000.0), inf),
        ("hyp2f1", (1.0, 2.0, 3.0, 0.0), 1.0), ("hyp2f1", (1.0, 2.0, 3.0, 1.5), nan),
        ("hyp2f1", (-2.0, 1.0, 1.0, 3.0), 4.0), ("hyp2f1", (1.0, -2.0, 1.0, -9.0), 100.0),
        ("hyp2f1", (1.0, 1.0, 3.0, 1.0), 2.0), ("hyp2f1", (1.0, 1.0, -2.0, 0.5), nan),
        ("hyp2f1", (-1.0, 1.0, -2.0, 4.0), 3.0), ("hyp2f1", (1.0, 2.0, 3.0, nan), nan),
        ("hyp3f2", (1.0, 2.0, 3.0, 4.0, 5.0, 1.0), nan),
    ],
)  # fmt: skip
def test_exact_values(name: str, point: tuple[float, ...], expected: float) -> None:
    got = float(values(name, *point))
    assert got == pytest.approx(expected, rel=4e-15) or (isnan(got) and isnan(expected))


@pytest.mark.parametrize(
    ("name", "arguments", "position"),
    [
        ("hyp0f1", (1.5, -3.0), 0), ("hyp1f1", (0.75, 1.625, 2.0), 0),
        ("hyp1f1", (0.75, 1.625, -2.0), 1),
        ("hyp1f1", (0.75, 1.625, -2.0), 0), ("hyp2f1", (0.75, 1.625, 2.25, 0.6), 0),
        ("hyp2f1", (0.75, 1.625, 2.25, -3.0), 0), ("hyp2f1", (0.75, 1.625, 2.25, -3.0), 1),
        ("hyp2f1", (0.75, 1.625, 2.25, -3.0), 2), ("hyp2f1", (0.75, 1.625, 2.25, -3.0), 3),
        ("hyp3f2", (0.75, 1.625, 1.125, 2.25, 0.875, 0.3), 4),
    ],
)  # fmt: skip
@pytest.mark.parametrize("order", [1, 2, 3])
def test_derivatives(
    name: str, arguments: tuple[float, ...], position: int, order: int, digits: int
) -> None:
    x = variables("x")
    # Fractions stay exact, floats would round where they meet.
    given = [x if i == position else Fraction(v) for i, v in enumerate(arguments)]
    system = system_of(getattr(functions, name)(*given), ("x",))
    (got,) = in_mpmath(system.graph, tensor_of(system, order).nodes, {"x": arguments[position]})
    oracle: Any = PRIMITIVES[name].oracle

    def along(value: Any) -> Any:
        return oracle(mpmath, *[value if i == position else v for i, v in enumerate(arguments)])

    expected = mpmath.diff(along, mpmath.mpf(arguments[position]), order)
    assert close(got, expected, 1e-25)


def test_kernel() -> None:
    """F(1, b; 2; 1/3) = (1 - (2/3)^(1 - b))/((1 - b)/3), and its derivatives by b."""
    b = variables("b")
    made = sg.compile(
        functions.hyp2f1(1, b, 2, 1 / 3), [b], ["value", "gradient", "hessian"], cache=False
    )
    points = np.array([-1.5, 0.37, 0.9, 2.5, 7.0])
    got = made(points)
    third = mpmath.mpf(1 / 3)

    def exact(at: Any) -> Any:
        return (1 - (1 - third) ** (1 - at)) / ((1 - at) * third)

    for index, at in enumerate(points.tolist()):
        for order, result in enumerate(("value", "gradient", "hessian")):
            expected = float(mpmath.diff(exact, mpmath.mpf(at), order))
            assert float(np.ravel(got[result])[index]) == pytest.approx(expected, rel=1e-12)
