"""jn and yn: errors in ulp, values that are exact, negative orders, derivatives at 0."""

from __future__ import annotations

from math import inf, isnan, nan
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy

import symgrad as sg
from symgrad.functions import PRIMITIVES, math
from symgrad.ir.expression import variables
from tests.expressions import in_float, system_of, tensor_of
from tests.functions.special.measured import in_ulp, oracle_of, values, worst_of_row

x = variables("x")
NAMES = ("jn", "yn")


def amplitude(n: Any, at: Any) -> Any:
    """Of the waves beyond the turning point."""
    return 1 / at if at > max(abs(n), 0.5) else 0


@pytest.mark.parametrize("order", [0, 1, 2, 3, 10, 60, 200, -1, -2, -3, -8])
@pytest.mark.parametrize("name", NAMES)
def test_value(name: str, order: int, rng: np.random.Generator) -> None:
    wide = max(abs(order), 2)
    points = np.concatenate(
        [rng.uniform(0.1 * wide, 2 * wide, 60), rng.uniform(1e-3, 2, 20), [2.0, wide, 1e5, 1e-9]]
    )
    error, point = worst_of_row(name, order, points, scale=amplitude)
    assert error <= PRIMITIVES[name].ulp, f"{name}{point}: {error} ulp"


@pytest.mark.parametrize(
    ("name", "point", "expected"),
    [
        ("jn", (0, 0.0), 1.0), ("jn", (0, -0.0), 1.0), ("jn", (1, 0.0), 0.0), ("jn", (5, 0.0), 0.0),
        ("jn", (0, inf), 0.0), ("jn", (4, -inf), 0.0), ("jn", (-1, 0.0), inf),
        ("jn", (90, 1e-3), 0.0), ("yn", (0, 0.0), -inf), ("yn", (1, 0.0), -inf),
        ("yn", (9, 1e-40), -inf), ("yn", (3, inf), 0.0), ("yn", (-1, 0.0), 1.0),
    ],
)  # fmt: skip
def test_exact_values(name: str, point: tuple[float, ...], expected: float) -> None:
    assert values(name, *point) == expected


@pytest.mark.parametrize("point", [(nan, 1.0), (1.0, nan), (0.5, 1.0), (1e6, 1.0), (inf, 1.0)])
@pytest.mark.parametrize("name", NAMES)
def test_nan(name: str, point: tuple[float, float]) -> None:
    assert isnan(values(name, *point))


def test_parity() -> None:
    points = np.array([0.3, 2.0, 7.5, 33.0])
    for n in (0, 1, 4, 7):
        assert (values("jn", n, -points) == (-1) ** n * values("jn", n, points)).all()
        assert (values("yn", n, -points) == -((-1) ** n) * values("yn", n, points)).all()


@pytest.mark.parametrize(
    ("n", "expected"),
    [
        (0, (0.0, -1 / 3, 0.0, 1 / 5)),
        (1, (1 / 3, 0.0, -1 / 5, 0.0)),
        (2, (0.0, 2 / 15, 0.0, -4 / 35)),
    ],
)
def test_derivatives_at_zero(n: int, expected: tuple[float, ...]) -> None:
    system = system_of(math.jn(n, x), ("x",))
    for k, exact in enumerate(expected, 1):
        (got,) = in_float(system.graph, tensor_of(system, k).nodes, {"x": 0.0})
        assert got == pytest.approx(exact, rel=1e-15, abs=0)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n", [0, 1, 4])
def test_derivatives(name: str, n: int, order: int) -> None:
    oracle = oracle_of(name)
    system = system_of(getattr(math, name)(n, x), ("x",))
    nodes = tensor_of(system, order).nodes
    for at in (0.7, 3.1, 12.9):
        (got,) = in_float(system.graph, nodes, {"x": at})
        with mpmath.workdps(40):
            exact = mpmath.diff(lambda t: oracle(n, t), at, order)
            assert in_ulp(got, exact, abs(values(name, n, at))) < 16


def test_of_sympy() -> None:
    at = sympy.Symbol("x")
    fn = sg.compile(sympy.jn(2, at) + sympy.yn(1, at), [at], ["value", "gradient"], cache=False)
    result = fn(np.array([[1.5]]))
    exact = sympy.jn(2, at).rewrite(sympy.sin).expand(func=True) + sympy.yn(1, at).expand(func=True)
    assert result.value[0] == pytest.approx(float(exact.subs(at, 1.5)), rel=1e-14)
    assert result.gradient[0, 0] == pytest.approx(float(exact.diff(at).subs(at, 1.5)), rel=1e-14)


@pytest.mark.parametrize("part", ["slope", "curvature"])
@pytest.mark.parametrize("name", NAMES)
def test_derivatives_keep_their_digits(name: str, part: str, rng: np.random.Generator) -> None:
    """At the turning point, where the formulas cancel, and beyond it as waves."""
    orders = np.repeat([0.0, 1.0, 2.0, 20.0, 100.0, -3.0], 6)
    wide = np.maximum(np.abs(orders), 1.0)
    points = wide * np.tile([0.3, 0.9, 0.97, 1.05, 3.0, 500.0], 6)
    error, point = worst_of_row(f"{name}_{part}", orders, points, scale=amplitude)
    assert error <= 8, f"{name}_{part}{point}: {error} ulp"
