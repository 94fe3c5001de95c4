"""0F1 and 1F1 far from 0, where their series end."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest

from symgrad.functions.special.double import two_sum
from symgrad.functions.special.hypergeometric.far import WAVES, kummer_far, waves
from tests.functions.special.measured import computed, in_ulp, worst


@pytest.mark.parametrize("b", [-7.75, 0.5, 1.0, 3.0, 11.25, 20.0])
def test_waves_from_their_edge_on(b: float) -> None:
    y = np.concatenate([np.linspace(WAVES, 2 * WAVES, 25), 10.0 ** np.arange(3, 30, 3)])

    def amplitude(y: Any) -> Any:
        return abs(mpmath.gamma(b)) * y ** (mpmath.mpf(0.25) - b / 2) / mpmath.sqrt(mpmath.pi)

    def exact(y: Any) -> Any:
        with mpmath.workdps(60):
            return mpmath.hyp0f1(b, -y)

    got = computed(lambda m, y: waves(m, b + 0.0 * y, y), y).tolist()
    error, point = worst(got, exact, y, scale=amplitude)
    assert error <= 7, f"{point}: {error} ulp"


def test_waves_at_infinity() -> None:
    got = computed(lambda m, b: waves(m, b, float("inf") + 0.0 * b), np.array([0.75, 3.0, 0.25]))
    assert got[:2].tolist() == [0, 0]
    assert np.isnan(got[2])


@pytest.mark.parametrize(("a", "b"), [(0.75, 1.5), (-2.5, 4.25), (6.25, 1e-3), (3.0, 2.0)])
@pytest.mark.parametrize("decays", [False, True])
def test_kummers_function(a: float, b: float, decays: bool) -> None:
    def definition(m: Any, z: Any) -> Any:
        upper, lower = a + 0.0 * z, b + 0.0 * z
        decaying = (z > 0.0) if decays else (z < 0.0)
        return kummer_far(m, (upper, 0.0), lower, two_sum(lower, -upper), z, decaying)

    z = np.array([150.0, 333.3, 600.0])
    for value, x in zip(computed(definition, z).tolist(), z.tolist(), strict=True):
        with mpmath.workdps(40):
            expected = mpmath.hyp1f1(a, b, x) * (mpmath.exp(-x) if decays else 1)
            assert in_ulp(value, expected) <= 8, x
