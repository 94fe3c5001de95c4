"""Carlson's integrals against mpmath's, in errors of ulp."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from symgrad.functions.special.elliptic.carlson import rc_of_one, rd, rf, rj
from tests.functions.special.measured import computed, worst


@pytest.mark.parametrize(("definition", "exact"), [(rf, mpmath.elliprf), (rd, mpmath.elliprd)])
@pytest.mark.parametrize("spread", [1, 8, 100])
def test_three_arguments(
    definition: Callable[..., Any],
    exact: Callable[..., Any],
    spread: float,
    rng: np.random.Generator,
) -> None:
    given = 10 ** rng.uniform(-spread, spread, (3, 40))
    error, point = worst(computed(definition, *given).tolist(), exact, *given)
    assert error <= 6, f"{point}: {error} ulp"


def test_one_zero(rng: np.random.Generator) -> None:
    given = (np.zeros(20), *10 ** rng.uniform(-3, 3, (2, 20)))
    for definition, exact in ((rf, mpmath.elliprf), (rd, mpmath.elliprd)):
        assert worst(computed(definition, *given).tolist(), exact, *given)[0] <= 6


def test_four_arguments(rng: np.random.Generator) -> None:
    given = (*10 ** rng.uniform(-2, 2, (2, 20)), np.ones(20))
    for p in (0.3, 1.0, 40.0):
        found = computed(lambda m, x, y, z, p=p: rj(m, x, y, z, p + 0.0 * x), *given)
        error, point = worst(
            found.tolist(), lambda x, y, z, p=p: mpmath.elliprj(x, y, z, p), *given
        )
        assert error <= 8, f"{point}, {p}: {error} ulp"


def test_degenerate_integral(rng: np.random.Generator) -> None:
    """R_C(1, 1 + e) up to its logarithmic end, from e and 1 + e that are right each."""
    e = np.concatenate([10 ** rng.uniform(-8, 8, 20), -(10 ** rng.uniform(-8, 0, 20)), [0.0]])
    one_more = 1 + e
    error, point = worst(
        computed(rc_of_one, e, one_more).tolist(),
        lambda e, w: mpmath.elliprc(1, 1 + e),
        e,
        one_more,
    )
    assert error <= 4, f"{point}: {error} ulp"
    small = 10 ** rng.uniform(-300, -3, 20)
    error, point = worst(
        computed(rc_of_one, small - 1, small).tolist(),
        lambda e, w: mpmath.elliprc(1, w),
        small,
        small,
    )
    assert error <= 4, f"{point}: {error} ulp"


def test_fourth_argument_near_the_smallest() -> None:
    for y, p in ((1e-12, 1e-7), (1e-9, 1e-12), (1e-6, 1.0)):
        found = computed(lambda m, y, p: rj(m, 0.0 * y, y, 1.0 + 0.0 * y, p), y, p)
        error, point = worst([float(found)], lambda y, p: mpmath.elliprj(0, y, 1, p), [y], [p])
        assert error <= 6, f"{point}: {error} ulp"
