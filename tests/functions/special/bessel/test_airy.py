"""Ai, Bi and their derivatives: errors in ulp over every region, zeros, the ends, derivatives."""

from __future__ import annotations

from math import inf, isnan, nan
from typing import Any

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.functions import PRIMITIVES, math
from symgrad.ir.expression import variables
from tests.expressions import close, in_mpmath, system_of, tensor_of
from tests.functions.special.measured import oracle_of, values, worst, worst_of_row

x = variables("x")
NAMES = ("airyai", "airybi", "airyaiprime", "airybiprime")
REGIONS = ((-1, 1), (1, 13 / 3), (4.2, 20), (20, 103), (-4.4, -1), (-30, -4.3), (-2000, -30))


def amplitude(name: str) -> Any:
    """Of the waves, below -1/2."""
    power = 0.25 if name.endswith("prime") else -0.25
    return lambda at: abs(at) ** power / mpmath.sqrt(mpmath.pi) if at < -0.5 else 0


@pytest.mark.parametrize(("low", "high"), REGIONS)
@pytest.mark.parametrize("name", NAMES)
def test_value(name: str, low: float, high: float, rng: np.random.Generator) -> None:
    points = np.concatenate([rng.uniform(low, high, 120), [low, high]])
    error, point = worst_of_row(name, points, scale=amplitude(name))
    assert error <= PRIMITIVES[name].ulp, f"{name} at {point}: {error} ulp"


@pytest.mark.parametrize("name", NAMES)
def test_kernel(name: str, rng: np.random.Generator) -> None:
    """Points of all regions in one vector."""
    points = rng.permutation(np.linspace(-40, 40, 96))
    at = variables("x")
    got = sg.compile(getattr(sg.math, name)(at), [at], "value", cache=False)(points)
    oracle = oracle_of(name)
    error, point = worst(got.tolist(), lambda t: oracle(t), points, scale=amplitude(name))
    assert error <= PRIMITIVES[name].ulp, f"{name} at {point}: {error} ulp"


@pytest.mark.parametrize(
    ("name", "zero"),
    [
        ("airyai", -2.338107410459767), ("airybi", -1.173713222709128),
        ("airyaiprime", -1.018792971647471), ("airybiprime", -2.294439682614123),
    ],
)  # fmt: skip
def test_first_zeros_keep_their_digits(name: str, zero: float) -> None:
    assert worst_of_row(name, zero + np.arange(-8, 9) * 4e-16)[0] < 6


@pytest.mark.parametrize(
    ("name", "point", "expected"),
    [
        ("airyai", inf, 0.0), ("airyai", -inf, 0.0), ("airyai", 200.0, 0.0),
        ("airybi", inf, inf), ("airybi", -inf, 0.0), ("airybi", 200.0, inf),
        ("airyaiprime", inf, 0.0), ("airyaiprime", 1e10, 0.0), ("airybiprime", inf, inf),
        ("airyai", 0.0, 0.355028053887817239), ("airybi", 0.0, 0.614926627446000735),
        ("airyaiprime", -0.0, -0.258819403792806798), ("airybiprime", 0.0, 0.448288357353826357),
    ],
)  # fmt: skip
def test_exact_values(name: str, point: float, expected: float) -> None:
    assert values(name, point) == expected


@pytest.mark.parametrize("name", NAMES)
def test_nan(name: str) -> None:
    assert isnan(values(name, nan))


def test_derivatives_of_waves_have_no_limit() -> None:
    assert isnan(values("airyaiprime", -inf))
    assert isnan(values("airybiprime", -inf))


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("kind", ["airyai", "airybi"])
def test_derivatives(kind: str, order: int, digits: int) -> None:
    system = system_of([getattr(math, kind)(x), getattr(math, f"{kind}prime")(x)], ("x",))
    nodes = tensor_of(system, order).nodes
    for at in ("-7.25", "0.5", "3"):
        got = in_mpmath(system.graph, nodes, {"x": mpmath.mpf(at)})
        for k, value in enumerate(got):
            assert close(value, getattr(mpmath, kind)(at, derivative=order + k), 1e-40)


@pytest.mark.parametrize(("low", "high"), [(-1, 1), (1, 2), (2, 5), (5, 40), (-9, -1)])
def test_third_derivative_of_ai(low: float, high: float, rng: np.random.Generator) -> None:
    """Its terms cancel around 0.884, where it is 0."""
    points = np.concatenate([rng.uniform(low, high, 30), [low, high]])
    error, point = worst_of_row(
        "airyai_third",
        points,
        scale=lambda at: abs(at) ** 1.25 / mpmath.sqrt(mpmath.pi) if at < -0.5 else 0,
    )
    assert error <= 8, f"at {point}: {error} ulp"


@pytest.mark.parametrize("name", ["airyai", "airyaiprime"])
def test_hessian_where_ai_is_subnormal_in_single_precision(name: str) -> None:
    at = np.array([[26.1]], np.float32)
    kernel = sg.compile(sg.math.__getattr__(name)(x), [x], 2, dtype="float32", cache=False)
    exact = mpmath.airyai(float(at[0, 0]), derivative=2 if name == "airyai" else 3)
    assert float(np.ravel(kernel(at))[0]) == pytest.approx(float(exact), rel=2e-7, abs=0)
