"""Reciprocal functions in doubles: values and derivatives to order 4 at the ends of the domains."""

from __future__ import annotations

from math import inf, nan, pi

import mpmath
import numpy as np
import pytest

from symgrad.functions import PRIMITIVES, math, reciprocal
from symgrad.ir.expression import Expr, variables
from tests.expressions import in_float, in_mpmath, system_of, tensor_of

x = variables("x")

TINY = (1e-100, 1e-20, 1e-8, 1e-4)
LARGE = (20.0, 40.0, 100.0, 700.0, 800.0, 1e8)
HUGE = (1e75, 1e160, 1.7e308)
ABOVE_1 = (1 + 1e-15, 1 + 1e-8, 1 + 1e-4, 2.0, *LARGE, *HUGE)
BELOW_1 = (0.25, 0.5, 1 - 1e-4, 1 - 1e-8, 1 - 1e-15)

# fmt: off
POINTS: dict[str, tuple[float, ...]] = {
    "cot": (*TINY, 1.0, 1.57, 3.14159, 20.0), "acot": (0.0, *TINY, 0.5, 2.0, *LARGE, *HUGE),
    "asec": ABOVE_1, "acsc": ABOVE_1, "sech": (0.0, *TINY, 1.0, *LARGE),
    "csch": (*TINY, 1.0, *LARGE), "coth": (*TINY, 1.0, *LARGE),
    **dict.fromkeys(("asech", "asech_slope"), (1e-60, *TINY[1:], *BELOW_1)),
    "acsch": (1e-60, *TINY[1:], 1.0, *LARGE, *HUGE), "acoth": ABOVE_1,
}
VALUES: dict[str, tuple[tuple[float, float], ...]] = {
    "cot": ((0.0, inf), (-0.0, -inf), (nan, nan)), "acot": ((0.0, pi / 2), (inf, 0.0), (nan, nan)),
    "asec": ((1.0, 0.0), (-1.0, pi), (inf, pi / 2), (-inf, pi / 2), (0.5, nan), (nan, nan)),
    "acsc": ((1.0, pi / 2), (-1.0, -pi / 2), (inf, 0.0), (0.5, nan), (nan, nan)),
    "sech": ((0.0, 1.0), (inf, 0.0), (-inf, 0.0), (711.0, 3.29347e-309), (800.0, 0.0), (nan, nan)),
    "csch": ((0.0, inf), (-0.0, -inf), (inf, 0.0), (800.0, 0.0), (nan, nan)),
    "coth": ((0.0, inf), (-0.0, -inf), (inf, 1.0), (-inf, -1.0), (nan, nan)),
    "asech": ((1.0, 0.0), (0.0, inf), (5e-324, 745.13321910194122), (1.5, nan), (-0.5, nan),
              (nan, nan)),
    "asech_slope": ((1.0, -inf), (0.0, -inf), (1.5, nan), (nan, nan)),
    "acsch": ((0.0, inf), (-0.0, -inf), (inf, 0.0), (5e-324, 745.13321910194122), (1e300, 1e-300),
              (nan, nan)),
    "acoth": ((1.0, inf), (-1.0, -inf), (inf, 0.0), (0.5, nan), (0.0, nan), (nan, nan)),
}
# fmt: on


def test_every_row_is_in_the_table() -> None:
    for row in reciprocal.ROWS:
        assert PRIMITIVES[row.name] is row
        assert row.name in POINTS
        assert row.name in VALUES


def test_second_derivative_of_asech_keeps_its_digits_at_its_zero() -> None:
    """(1 - 2 x^2)/(x^2 (1 - x^2)^(3/2)) by the product rule is a difference of two terms."""
    system = system_of(Expr("asech", (x,)), ("x",))
    nodes = tensor_of(system, 2).nodes
    for value in (0.7071, 0.707107, 0.70710678, 0.81374):
        with mpmath.workdps(40):
            (expected,) = in_mpmath(system.graph, nodes, {"x": value})
        (got,) = in_float(system.graph, nodes, {"x": value})
        assert got == pytest.approx(float(expected), rel=1e-15, abs=0), value


@pytest.mark.parametrize("order", range(5))
@pytest.mark.parametrize("name", POINTS)
def test_no_digits_are_lost(name: str, order: int) -> None:
    system = system_of(Expr(name, (x,)), ("x",))
    nodes = system.outputs.nodes if order == 0 else tensor_of(system, order).nodes
    for value in POINTS[name]:
        with mpmath.workdps(800):
            (expected,) = in_mpmath(system.graph, nodes, {"x": value})
        (got,) = in_float(system.graph, nodes, {"x": value})
        size = abs(expected)
        if size > 1e308:
            assert abs(got) == inf
            continue
        assert abs(mpmath.mpf(got) - expected) <= 8 * 2.0**-52 * size + 1e-307, (value, got)


@pytest.mark.parametrize("name", VALUES)
def test_values_at_the_ends(name: str) -> None:
    system = system_of(Expr(name, (x,)), ("x",))
    for value, expected in VALUES[name]:
        (got,) = in_float(system.graph, system.outputs.nodes, {"x": value})
        assert got == pytest.approx(
            expected, rel=1e-4 if 0 < abs(expected) < 1e-300 else 4e-16, abs=0, nan_ok=True
        ), value


@pytest.mark.parametrize("name", ["sec", "csc"])
def test_compositions_lose_no_digits_either(name: str, digits: int) -> None:
    system = system_of(getattr(math, name)(x), ("x",))
    for order in range(1, 5):
        nodes = tensor_of(system, order).nodes
        for value in (1e-20, 0.5, 1.5707963, 3.14159):
            (expected,) = in_mpmath(system.graph, nodes, {"x": value})
            (got,) = in_float(system.graph, nodes, {"x": value})
            assert np.isclose(got, float(expected), rtol=2e-15, atol=0), (order, value)
