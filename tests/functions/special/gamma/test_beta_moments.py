"""Mixed derivatives of beta, whose terms cancel where an argument is small."""

from __future__ import annotations

from math import isnan

import mpmath
import numpy as np
import pytest

from symgrad.functions import PRIMITIVES, math
from symgrad.functions.special.gamma.beta_moments import HIGHEST, LARGEST
from symgrad.ir.expression import variables
from tests.expressions import in_float, system_of, tensor_of
from tests.functions.special.measured import in_kernel, oracle_of, values, worst_of_row

X, Y = variables("x y")
BOUND = PRIMITIVES["beta_moment"].ulp


@pytest.mark.parametrize("orders", [(1, 1), (2, 1), (1, 3), (5, 2)])
def test_value(orders: tuple[int, int], rng: np.random.Generator) -> None:
    small = 10.0 ** rng.uniform(-9, np.log10(HIGHEST), 8)
    other = 10.0 ** rng.uniform(-9, np.log10(LARGEST), 8)
    for pair in ((small, other), (other, small)):
        error, point = worst_of_row("beta_moment", *orders, *pair)
        assert error <= BOUND, f"{orders} at {point}: {error} ulp"


@pytest.mark.parametrize("orders", [(1, 3), (3, 1), (1, 4), (2, 3)])
def test_the_step_is_short_enough_for_the_greater_argument(orders: tuple[int, int]) -> None:
    greater = np.array([14.9, 29.9, 150.0, 499.0])
    error, point = worst_of_row("beta_moment", *orders, np.full(4, 0.45), greater)
    assert error <= BOUND, f"{orders} at {point}: {error} ulp"


def test_kernels_agree_lane_by_lane() -> None:
    """Lanes take every node or every other one, and may have no value."""
    a, b = np.array([0.1, 1e-3, 200.0, 0.7, -1.0, 0.5]), np.array([0.2, 60.0, 0.3, 0.7, 1.0, 30.0])
    found, expected = (call("beta_moment", 2.0, 1.0, a, b) for call in (in_kernel, values))
    np.testing.assert_allclose(found, expected, rtol=4e-15)
    assert [isnan(value) for value in found] == [False, False, False, True, True, False]


@pytest.mark.parametrize("orders", [(0, 1), (16, 1), (1, 16)])
def test_other_orders_have_no_value(orders: tuple[int, int]) -> None:
    assert isnan(values("beta_moment", *orders, 0.2, 0.3))


@pytest.mark.parametrize("point", [(1e-3, 1e-3), (0.0065, 0.0012), (0.3, 0.01), (40.0, 0.01)])
@pytest.mark.parametrize("order", [3, 4])
def test_mixed_derivatives_of_beta(order: int, point: tuple[float, float]) -> None:
    """By the product rule the fourth ones had two digits left, and the third ones five."""
    system = system_of(math.beta(X, Y), ("x", "y"))
    found = np.reshape(
        in_float(system.graph, tensor_of(system, order).nodes, dict(zip("xy", point, strict=True))),
        (2,) * order,
    )
    oracle = oracle_of("beta_moment")
    for j in range(1, order):
        with mpmath.workdps(30):
            expected = oracle(mpmath.mpf(order - j), mpmath.mpf(j), *map(mpmath.mpf, point))
        index = (0,) * (order - j) + (1,) * j
        assert abs(found[index] - expected) <= 32 * 2.0**-52 * abs(expected), index
