"""Functions that are written in others: values and derivatives against mpmath."""

from __future__ import annotations

from collections.abc import Callable
from math import nan
from typing import Any

import mpmath
import pytest

from symgrad.functions import COMPOSITIONS, PRIMITIVES
from symgrad.functions.tracing import apply
from symgrad.ir.expression import Expr, variables
from tests.expressions import close, gradient_at, in_float, in_mpmath, system_of, tensor_of

x, y, z = variables("x y z")

# fmt: off
DEFINITIONS: dict[str, tuple[Callable[..., Any], tuple[float, ...]]] = {
    "sqrt":       (mpmath.sqrt, (2.5,)),
    "rsqrt":      (lambda a: 1 / mpmath.sqrt(a), (2.5,)),
    "square":     (lambda a: a * a, (-1.5,)),
    "reciprocal": (lambda a: 1 / a, (-1.5,)),
    "log":        (mpmath.log, (2.5,)),
    "ln":         (mpmath.log, (2.5,)),
    "sec":        (mpmath.sec, (0.7,)),
    "csc":        (mpmath.csc, (0.7,)),
    "cot":        (mpmath.cot, (0.7,)),
    "asec":       (mpmath.asec, (1.7,)),
    "acsc":       (mpmath.acsc, (1.7,)),
    "acot":       (mpmath.acot, (1.7,)),
    "sech":       (mpmath.sech, (0.7,)),
    "csch":       (mpmath.csch, (0.7,)),
    "coth":       (mpmath.coth, (0.7,)),
    "asech":      (mpmath.asech, (0.7,)),
    "acsch":      (mpmath.acsch, (0.7,)),
    "acoth":      (mpmath.acoth, (1.7,)),
    "max":        (max, (0.5, 2.0, 1.5)),
    "min":        (min, (0.5, -2.0, 1.5)),
    "heaviside":  (lambda a: mpmath.mpf(a > 0), (0.5,)),
    "relu":       (lambda a: max(a, mpmath.mpf(0)), (0.5,)),
    "clamp":      (lambda a, low, high: min(max(a, low), high), (0.5, -1.0, 1.0)),
    "sinc":       (mpmath.sinc, (0.7,)),
    "frac":       (lambda a: a - mpmath.floor(a), (2.7,)),
}
# fmt: on


def test_every_composition_has_a_definition() -> None:
    assert set(DEFINITIONS) | {"where"} == set(COMPOSITIONS)


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("name", DEFINITIONS)
def test_derivatives(name: str, order: int, digits: int) -> None:
    definition, point = DEFINITIONS[name]
    names = tuple("xyz"[: len(point)])
    expr = apply(name, tuple(map(variables, names)), PRIMITIVES)
    system = system_of(expr, names)
    got = in_mpmath(
        system.graph, tensor_of(system, order).nodes, dict(zip(names, point, strict=True))
    )
    given = tuple(map(mpmath.mpf, point))
    orders = (order, *[0] * (len(point) - 1))
    expected = mpmath.diff(definition, given, orders) if order else definition(*given)
    assert close(got[0], expected, 1e-28), name


@pytest.mark.parametrize("value", [-1.5, 0.0, 0.25, 1.0, 4.0])
def test_where(value: float) -> None:
    expr = apply("where", (x > 0, x * 2, x - 1), PRIMITIVES)
    system = system_of(expr, ("x",))
    expected = value * 2 if value > 0 else value - 1
    assert in_float(system.graph, system.outputs.nodes, {"x": value}) == [expected]
    assert gradient_at(expr, {"x": value}) == [2.0 if value > 0 else 1.0]


@pytest.mark.parametrize(
    ("value", "at_zero", "expected"),
    [(-1.0, None, 0.0), (0.0, None, 0.5), (-0.0, None, 0.5), (2.0, None, 1.0), (0.0, 0.25, 0.25)],
)
def test_heaviside(value: float, at_zero: float | None, expected: float) -> None:
    arguments = (x,) if at_zero is None else (x, at_zero)
    system = system_of(apply("heaviside", arguments, PRIMITIVES), ("x",))
    assert in_float(system.graph, system.outputs.nodes, {"x": value}) == [expected]


@pytest.mark.parametrize("name", ["heaviside", "relu", "sinc", "frac", "sqrt", "log", "square"])
def test_nan_is_handed_on(name: str) -> None:
    system = system_of(apply(name, (x,), PRIMITIVES), ("x",))
    (got,) = in_float(system.graph, system.outputs.nodes, {"x": nan})
    assert got != got


def test_clamp_of_nan() -> None:
    system = system_of(apply("clamp", (x, -1, 1), PRIMITIVES), ("x",))
    (got,) = in_float(system.graph, system.outputs.nodes, {"x": nan})
    assert got != got


def test_log_to_a_base(digits: int) -> None:
    system = system_of(apply("log", (x, 3), PRIMITIVES), ("x",))
    (got,) = in_mpmath(system.graph, system.outputs.nodes, {"x": 7.0})
    assert close(got, mpmath.log(7, 3), 1e-45)


@pytest.mark.parametrize("value", [-0.25, 0.0, 0.25])
def test_sinc_has_its_limit(value: float, digits: int) -> None:
    system = system_of(apply("sinc", (x,), PRIMITIVES), ("x",))
    (got,) = in_mpmath(system.graph, system.outputs.nodes, {"x": value})
    assert close(got, mpmath.sinc(value), 1e-45)


def test_ties_of_three_share_their_derivative() -> None:
    expr: Expr = apply("max", (x, y, z), PRIMITIVES)
    gradient = gradient_at(expr, {"x": 1.0, "y": 1.0, "z": 1.0})
    assert sum(gradient) == 1.0
