"""Derivatives of 1F1 and 2F1 far to the left of 0: errors in ulp."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from symgrad.functions.special.hypergeometric.moved import exact_moved
from symgrad.functions.special.hypergeometric.series import HIGHEST, exact_derivative
from tests.functions.special.measured import in_kernel, worst_of_row

ABOVE, BELOW = (-3, 4), (0.3, 5)

# Terms of 2^-1000 and more; by a, where (1-z)^-a and the sum cancel as b nears 0.
POINTS: dict[str, list[tuple[float, ...]]] = {
    "hyp1f1": [(0, 1, 1, 0.5, 1.3, -731.0), (0, 0, 3, 2, 2, -600.0)],
    "hyp2f1": [(1, 0, 0, 0, 0.7, 1e-9, 1.9, -2.5), (1, 0, 0, 0, 0.7, -1e-6, 1.9, -2.5)],
}
BEYOND_THE_HIGHEST: dict[str, list[tuple[float, ...]]] = {
    "hyp1f1": [(HIGHEST, 1, 0, 0.5, 1.5, -30.0)],
    "hyp2f1": [(0, HIGHEST, 1, 0, 0.5, 0.5, 1.5, -3.0), (HIGHEST + 1, 0, 0, 0, 0.5, 0.5, 1.5, -3)],
}


@pytest.mark.parametrize(
    ("name", "ranges"),
    [("hyp1f1", [ABOVE, BELOW, (-60, -18)]), ("hyp2f1", [ABOVE, ABOVE, BELOW, (-9, -0.875)])],
)
def test_value(name: str, ranges: list[tuple[float, float]], rng: np.random.Generator) -> None:
    columns = [rng.integers(0, 3, 9).astype(float) for _ in ranges]
    columns += [rng.uniform(low, high, 9) for low, high in ranges]
    points = np.concatenate([np.stack(columns, -1), POINTS[name]])
    beyond = BEYOND_THE_HIGHEST[name]
    row = f"{name}_derivative"
    found = in_kernel(row, *np.concatenate([points, beyond]).T)
    got, rest = np.split(found, [len(points)])
    assert np.isnan(rest).all()
    error, point = worst_of_row(row, *points.T, compute=lambda *_: got)
    assert error <= 3, f"at {point}: {error} ulp"


@pytest.mark.parametrize("orders", [(0, 0, 0, 2), (2, 0, 0, 0), (1, 1, 0, 1), (0, 1, 2, 1)])
def test_oracle(orders: tuple[int, ...]) -> None:
    """Where both series serve they agree."""
    with mpmath.workdps(30):
        a, b, c, z = map(mpmath.mpf, ("0.7", "1.3", "1.9", "-0.6"))
        for upper, lower in (((a, b), (c,)), ((a,), (c,))):
            chosen = orders if len(upper) == 2 else orders[1:]
            got = exact_moved(mpmath, chosen, upper, lower, z)
            expected = exact_derivative(mpmath, chosen, upper, lower, z)
            assert abs(got - expected) < 1e-26 * abs(expected)
