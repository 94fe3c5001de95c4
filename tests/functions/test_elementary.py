"""Elementary rows: values and derivatives that are known in closed form."""

from __future__ import annotations

from itertools import product

import mpmath
import numpy as np
import pytest

from symgrad.functions import PRIMITIVES, elementary, math
from symgrad.ir.expression import Expr, variables
from symgrad.schedule.expand import expand
from tests.expressions import close, gradient_at, in_float, in_mpmath, system_of, tensor_of

x, y = variables("x y")


def test_every_row_is_in_the_table() -> None:
    for row in elementary.ROWS:
        assert PRIMITIVES[row.name] is row
        assert not row.boolean


@pytest.mark.parametrize(
    ("expr", "derivative"),
    [
        (math.exp(x), math.exp(x)),
        (math.exp2(x), math.exp2(x) * math.log(2)),
        (math.log10(x), 1 / (x * math.log(10))),
        (math.cbrt(x), 1 / (3 * math.cbrt(x) ** 2)),
        (math.tan(x), 1 / math.cos(x) ** 2),
        (math.tanh(x), 1 / math.cosh(x) ** 2),
        (math.asin(x), 1 / math.sqrt(1 - x**2)),
        (math.acos(x), -1 / math.sqrt(1 - x**2)),
        (math.asinh(x), 1 / math.sqrt(1 + x**2)),
        (math.atanh(x), 1 / (1 - x**2)),
        (x**x, x**x * (math.log(x) + 1)),
        (math.hypot(x, 2), x / math.hypot(x, 2)),
        (math.atan2(x, 2), 2 / (x**2 + 4)),
        (math.atan2(2, x), -2 / (x**2 + 4)),
    ],
)
def test_derivative(expr: Expr, derivative: Expr, digits: int) -> None:
    system = system_of([expr, derivative], ("x",))
    nodes = (tensor_of(system, 1).nodes[0], system.outputs.nodes[1])
    for value in (0.125, 0.5, 0.875):
        got, expected = in_mpmath(system.graph, nodes, {"x": value})
        assert close(got, expected, 1e-45), f"{expr} at {value}"


@pytest.mark.parametrize("name", ["atan2", "hypot"])
def test_third_derivatives_of_two_sides(name: str, rng: np.random.Generator) -> None:
    """To 6 ulp of what they are at this distance; at the origin all are 0 by convention."""
    system = system_of(getattr(math, name)(x, y), ("x", "y"))
    nodes = tensor_of(system, 3).nodes
    assert in_float(system.graph, nodes, {"x": 0.0, "y": 0.0}) == [0.0] * 8
    for low, high in rng.uniform(-3, 3, (50, 2)).tolist():
        point = {"x": low, "y": high}
        with mpmath.workdps(40):
            expected = in_mpmath(system.graph, nodes, point)
        size = 2 * float(np.hypot(low, high)) ** (-3 if name == "atan2" else -2)
        for got, right in zip(in_float(system.graph, nodes, point), expected, strict=True):
            assert abs(got - right) <= 6 * 2.0**-52 * size, (low, high)


@pytest.mark.parametrize(("low", "high"), [(-1.0, -0.5), (1.0, -0.5), (-2.0, 3.0), (2.0, 3.0)])
def test_angle_in_every_quadrant(low: float, high: float, digits: int) -> None:
    system = system_of(math.atan2(x, y), ("x", "y"))
    point = {"x": low, "y": high}
    (got,) = in_mpmath(system.graph, system.outputs.nodes, point)
    assert close(got, mpmath.atan2(low, high), 1e-45)
    square = low * low + high * high
    assert gradient_at(math.atan2(x, y), point) == pytest.approx([high / square, -low / square])


def test_acosh_below_its_domain_has_no_derivative() -> None:
    (got,) = gradient_at(math.acosh(x), {"x": -2.0})
    assert got != got


@pytest.mark.parametrize("name", ["exp", "sin", "erf", "atan", "asinh", "tanh", "log1p"])
def test_derivatives_of_high_order(name: str, digits: int) -> None:
    system = system_of(getattr(math, name)(x), ("x",))
    got = in_mpmath(system.graph, tensor_of(system, 6).nodes, {"x": 0.375})[0]
    expected = mpmath.diff(getattr(mpmath, name), mpmath.mpf("0.375"), 6)
    assert close(got, expected, 1e-20)


@pytest.mark.parametrize("low", [0.0, 1e-300, 1e-20, 1e-10, 0.5])
@pytest.mark.parametrize("high", [2.5, -1e-10, 1e160])
def test_curvature_of_hypot_does_not_cancel(low: float, high: float) -> None:
    """The Hessian of r is (b, -a) (b, -a)/r^3: tiny entries keep their digits."""
    system = system_of(math.hypot(x, y), ("x", "y"))
    got = in_float(system.graph, tensor_of(system, 2).nodes, {"x": low, "y": high})
    a, b = mpmath.mpf(low), mpmath.mpf(high)
    cube = mpmath.hypot(a, b) ** 3
    expected = [float(v / cube) for v in (b * b, -a * b, -a * b, a * a)]
    assert got == pytest.approx(expected, rel=1e-15, abs=1e-300)


SIDES = [0.0, 1e-300, -1e-200, 1e-160, -1e-100, 1e-20, 1.0, -1e20, 1e100, 1e160, -1e200, 1e300]


@pytest.mark.parametrize("order", [1, 2])
def test_derivatives_of_hypot_with_huge_and_tiny_sides(order: int) -> None:
    """Right where the square of a side is 0 or infinite, to 4 ulp and to 1e-150 of the largest."""
    system = system_of(math.hypot(x, y), ("x", "y"))
    nodes = tensor_of(system, order).nodes
    for low, high in product(SIDES, repeat=2):
        point = {"x": low, "y": high}
        got = in_float(system.graph, nodes, point)
        with mpmath.workdps(60):
            expected = in_mpmath(system.graph, nodes, point)
        if max(map(abs, expected)) > 1e308:
            continue
        least = 1e-150 * max(map(abs, expected)) + 1e-307
        for one, right in zip(got, expected, strict=True):
            assert abs(one - right) <= 8 * 2.0**-52 * abs(right) + least, (low, high, got, expected)


def test_gaussians_keep_their_digits_and_end_in_zero(digits: int) -> None:
    """Rounding the square of 26 alone would cost a hundred units in the last place."""
    system = system_of(math.exp_minus_square(x), ("x",))

    def at(value: float) -> float:
        return in_float(system.graph, system.outputs.nodes, {"x": value})[0]

    for value in (1e-300, 0.3, -0.9, 3.7, 7.9, -8.1, 17.3, 25.9, 26.4):
        expected = float(mpmath.exp(-(mpmath.mpf(value) ** 2)))
        assert at(value) == pytest.approx(expected, rel=8e-16, abs=0)
    assert at(-26.9) == pytest.approx(float(mpmath.exp(-(mpmath.mpf(26.9) ** 2))), abs=1e-323)
    assert [at(value) for value in (40.0, -1e200, float("inf"), float("-inf"))] == [0, 0, 0, 0]
    assert at(float("nan")) != at(float("nan"))


def test_angles_are_guarded_at_the_origin_once() -> None:
    """All first and second derivatives of atan2 divide by the same, and are 0 at 0."""
    system = system_of(math.atan2(y, x), ("x", "y"))
    tensors = [tensor_of(system, order) for order in (1, 2)]
    nodes = [node for tensor in tensors for node in tensor.nodes]
    assert in_float(system.graph, nodes, {"x": 0.0, "y": 0.0}) == [0] * 6
    graph, _ = expand(system.graph, tensors)
    assert graph.ops.count("select") == graph.ops.count("eq") == 1
