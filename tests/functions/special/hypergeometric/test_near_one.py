"""F(p, q; c; 1 - u) from its solutions about u = 0, with whole and nearly whole d = c - p - q."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest

from symgrad.functions.special.double import two_sum
from symgrad.functions.special.hypergeometric.near_one import LOG, LOG_4, near_one, smaller
from tests.functions.special.measured import computed, in_ulp


@pytest.mark.parametrize("whole", [0.0, 1.0, 7.0])
@pytest.mark.parametrize("apart", [0.0, 1e-30, -1e-9, 0.4])
def test_value(whole: float, apart: float, rng: np.random.Generator) -> None:
    if whole + apart < 0:
        whole = 20.0
    p, c = (np.rint(rng.uniform(-4, 6, 2) * 2.0**20 + 0.5) * 2.0**-20).tolist()
    u = 10 ** rng.uniform(-15, -0.7, 3)
    d, q = two_sum(whole, apart), two_sum(c - p - whole, -apart)

    def definition(m: Any, x: Any) -> Any:
        zero = 0.0 * x
        high, low = q[0] + zero, q[1] + zero
        return near_one(m, (p + zero, 0.0), (high, low), c + zero, d, (x, 0.0), x > 0.0)

    for value, x in zip(computed(definition, u).tolist(), u.tolist(), strict=True):
        with mpmath.workdps(70):
            second = mpmath.mpf(q[0]) + mpmath.mpf(q[1])
            expected = mpmath.hyp2f1(p, second, c, 1 - mpmath.mpf(x))
            assert in_ulp(value, expected) <= 4, (p, q, c, x)


def test_at_one() -> None:
    """Gauss's sum: F(1, 1; 5/2; 1) = 3; and nothing where it is not wanted."""

    def definition(m: Any, u: Any) -> Any:
        one = (1.0 + u, 0.0)
        return near_one(m, one, one, 2.5 + u, (0.5 + u, 0.0), (u, 0.0), u >= 0.0)

    assert float(computed(definition, 0.0)) == pytest.approx(3, rel=5e-16)


def test_constants(digits: int) -> None:
    assert abs(mpmath.mpf(LOG[0]) + LOG[1] - mpmath.log(mpmath.mpf(4) / 3)) < 2e-33
    assert abs(mpmath.mpf(LOG_4[0]) + LOG_4[1] - mpmath.log(4)) < 1e-31


def test_smaller_parameters() -> None:
    """By more than 4 in the sum of their sizes."""

    def definition(m: Any, x: Any) -> Any:
        given = (1.0, 0.0), (-2.0, 0.0)
        return m.where(smaller(m, given, ((-5.0, 0.0), (x, 0.0))), 1.0, 0.0)

    assert computed(definition, np.array([-9.0, -2.5, 2.0, 2.5])).tolist() == [1, 1, 0, 1]
