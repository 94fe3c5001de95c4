"""Piecewise rows: values at edges, signs of zero, nan handed on, derivatives of any order."""

from __future__ import annotations

from collections.abc import Callable
from math import copysign, inf, isnan, nan
from typing import Any

import numpy as np
import pytest

from symgrad.functions import PRIMITIVES, math, piecewise
from symgrad.ir.expression import Expr, variables
from tests.expressions import close, in_float, in_mpmath, mixed_partial, system_of, tensor_of

x, y = variables("x y")
VALUES = (-2.5, -2.0, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 1.5, 2.5, 7.0, inf, -inf, nan)


def value_at(expr: Expr, **point: float) -> float:
    system = system_of(expr, tuple(point))
    return in_float(system.graph, system.outputs.nodes, point)[0]


def same(got: float, expected: float) -> bool:
    return (isnan(got) and isnan(expected)) or (
        got == expected and copysign(1, got) == copysign(1, expected)
    )


def test_every_row_is_in_the_table() -> None:
    for row in piecewise.ROWS:
        assert PRIMITIVES[row.name] is row


@pytest.mark.parametrize(
    ("name", "numpy"),
    [
        ("floor", np.floor),
        ("ceil", np.ceil),
        ("trunc", np.trunc),
        ("rint", np.rint),
        ("abs", np.abs),
        ("sign", np.sign),
    ],
)
def test_values_are_numpys(name: str, numpy: Callable[[float], float]) -> None:
    for value in VALUES:
        got = value_at(getattr(math, name)(x), x=value)
        expected = float(numpy(value))
        if name == "sign" and value == 0:
            expected = value  # IEEE: the sign of a zero is the zero itself
        assert same(got, expected), f"{name}({value}) is {got}, expected {expected}"


@pytest.mark.parametrize(
    ("name", "numpy"),
    [("max", np.maximum), ("min", np.minimum), ("fmod", np.fmod), ("mod", np.mod)],
)
def test_values_of_two_arguments_are_numpys(name: str, numpy: Any) -> None:
    for a in VALUES:
        for b in VALUES:
            with np.errstate(all="ignore"):
                expected = float(numpy(a, b))
            got = value_at(getattr(math, name)(x, y), x=a, y=b)
            equal = got == expected or (isnan(got) and isnan(expected))
            assert equal, f"{name}({a}, {b}) is {got}, expected {expected}"


@pytest.mark.parametrize("name", ["floor", "ceil", "trunc", "rint", "sign", "lt", "not"])
def test_steps_have_no_derivative(name: str) -> None:
    assert all(str(partial) == "0" for partial in PRIMITIVES[name].partials)


@pytest.mark.parametrize(
    "expr",
    [
        abs(x) ** 3,
        math.max(x**2, x + 1) * x,
        math.min(math.sin(x), x) ** 2,
        math.mod(x**2, 3) * x,
        math.fmod(x**3, 2),
        math.floor(x) * x**2,
        math.clamp(x, -1, 1) ** 3 * x,
        math.relu(x) ** 4,
        math.heaviside(x) * x**3,
        math.sign(x) * math.exp(x),
        math.frac(x) ** 3,
    ],
)
@pytest.mark.parametrize("order", [1, 2, 3])
def test_derivatives_between_kinks(expr: Expr, order: int, digits: int) -> None:
    system = system_of(expr, ("x",))
    tensor = tensor_of(system, order)
    for value in (-2.3, -0.7, 0.4, 1.9):
        point = {"x": value}
        (got,) = in_mpmath(system.graph, tensor.nodes, point)
        expected = mixed_partial(expr, point, (0,) * order)
        assert close(got, expected, 1e-25), f"order {order} of {expr} at {value}"


def test_select_takes_the_second_where_a_comparison_meets_nan() -> None:
    assert value_at(math.where(x < 1, 1, 2), x=nan) == 2
    assert value_at(math.where(~(x < 1), 1, 2), x=nan) == 1
    assert value_at(math.where(x >= 1, 1, 2), x=nan) == 2
