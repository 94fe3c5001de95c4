"""E_n(x) of real order: errors in ulp over orders and arguments, the ends, derivatives."""

from __future__ import annotations

from math import inf, isnan, nan

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.errors import DerivativeError
from symgrad.functions import PRIMITIVES
from symgrad.ir.expression import variables
from tests.functions.special.measured import values, worst_of_row

ORDERS = (-4.0, -0.3, 0.0, 0.2, 0.5, 0.999999, 1.0, 1.5, 2.0, 3.0, 7.0, 12.7, 30.0, 45.0)


@pytest.mark.parametrize("order", ORDERS)
def test_value(order: float, rng: np.random.Generator) -> None:
    points = np.concatenate(
        [rng.uniform(0, 3, 30), rng.uniform(0.4, 0.6, 20), rng.uniform(1, 700, 10)]
    )
    error, point = worst_of_row("expint", order, np.concatenate([points, [1e-9, 1e-3, 0.5]]))
    assert error <= PRIMITIVES["expint"].ulp, f"{point}: {error} ulp"


@pytest.mark.parametrize(
    ("order", "point", "expected"),
    [(2.0, 0.0, 1.0), (3.0, 0.0, 0.5), (1.0, 0.0, inf), (0.5, 0.0, inf), (2.0, inf, 0.0)],
)
def test_ends(order: float, point: float, expected: float) -> None:
    assert values("expint", order, point) == expected
    assert isnan(values("expint", order, nan))
    assert isnan(values("expint", order, -1.0))


def test_derivatives_lower_the_order() -> None:
    x = variables("x")
    result = sg.compile(sg.math.expint(3, x), [x], [1, 2, 3], cache=False)(np.array([0.7]))
    for order, got in enumerate(result, 1):
        expected = (-1) ** order * float(mpmath.expint(3 - order, 0.7))
        assert float(np.ravel(got)[0]) == pytest.approx(expected, rel=2e-15)


def test_the_order_has_no_derivative() -> None:
    n, x = variables("n x")
    with pytest.raises(DerivativeError, match="order of an exponential integral"):
        sg.compile(sg.math.expint(n, x), [n, x], "gradient", cache=False)


@pytest.mark.parametrize("k", [0, 1, 2, 3])
def test_derivative_keeps_what_the_order_loses(k: int, rng: np.random.Generator) -> None:
    n, x = rng.uniform(-3, 4, 30), 10 ** rng.uniform(-12, 1, 30)
    error, point = worst_of_row("expint_derivative", float(k), n, x)
    assert error <= PRIMITIVES["expint_derivative"].ulp, f"{point}: {error} ulp"


def test_orders_of_derivatives() -> None:
    assert values("expint_derivative", 1.0, 2.0, 0.5) == -values("expint", 1.0, 0.5)
    assert isnan(values("expint_derivative", 0.5, 2.0, 0.5))
    assert isnan(values("expint_derivative", -1.0, 2.0, 0.5))
