"""What tests of special functions share: values in double precision, and errors in ulp."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from math import inf
from typing import Any

import mpmath
import numpy as np

import symgrad as sg
from symgrad.functions import PRIMITIVES
from symgrad.ir.evaluate import evaluate, function, numpy_arithmetic
from symgrad.ir.expression import Expr, variables
from symgrad.ir.primitive import Names, Primitive, define
from tests.balls import quickly
from tests.expressions import system_of, tensor_of

DIGITS = 30
NORMAL, LARGEST = 2.0**-1022, (2.0 - 2.0**-52) * 2.0**1023


def values(name: str, *arguments: Any) -> np.ndarray:
    """A row at arrays of arguments, in double precision."""
    given = np.broadcast_arrays(*(np.asarray(argument, float) for argument in arguments))
    with np.errstate(all="ignore"):
        return np.asarray(function(name, PRIMITIVES, numpy_arithmetic())(*given), float)


def in_kernel(name: str, *arguments: Any) -> np.ndarray:
    """``values`` by a kernel, for rows whose loops take long when NumPy goes through them."""
    given = np.broadcast_arrays(*(np.asarray(argument, float) for argument in arguments))
    inputs = [variables(f"a{i}") for i in range(len(given))]
    call = Expr(name, tuple(inputs))
    fn = sg.compile(call, inputs, "value", cache=False, jit="always")
    return fn(np.stack(given, -1))


def computed(definition: Callable[..., Any], *arguments: Any) -> np.ndarray:
    """What a definition's part ``(m, x, ...)`` gives at arrays of arguments."""
    partials = [_no_partial(len(arguments))] * len(arguments)
    row: Primitive = define(
        "part", *partials, domain=(0, 1), kind="routine", definition=definition,
        oracle=lambda mp, *x: mp.nan, names=Names(),
    )  # fmt: skip
    given = np.broadcast_arrays(*(np.asarray(argument, float) for argument in arguments))
    with np.errstate(all="ignore"):
        found = function("part", {**PRIMITIVES, "part": row}, numpy_arithmetic())(*given)
    return np.asarray(found, float)


def _no_partial(arity: int) -> Callable[..., int]:
    return [lambda y, a: 0, lambda y, a, b: 0, lambda y, a, b, c: 0][arity - 1]


def oracle_of(name: str) -> Callable[..., Any]:
    """A row's oracle, at mpmath's present precision."""
    oracle = PRIMITIVES[name].oracle
    assert oracle is not None
    return quickly(name, partial(oracle, mpmath))


def in_ulp(got: float, expected: Any, scale: Any = 0) -> float:
    """The error in ulp of the exact value, or of a scale where that is larger."""
    size = max(abs(expected), scale)
    if size > LARGEST and got == (inf if expected > 0 else -inf):
        return 0.0
    if size < NORMAL:
        return float(abs(got - expected) / mpmath.mpf(2) ** -1074)
    unit = mpmath.mpf(2) ** (mpmath.floor(mpmath.log(size, 2)) - 52)
    error = abs(mpmath.mpf(got) - expected) / unit
    return float(error) if mpmath.isfinite(error) else float("inf")


def worst(
    got: Iterable[float],
    exact: Callable[..., Any],
    *arguments: Any,
    scale: Callable[..., Any] | None = None,
) -> tuple[float, tuple[float, ...]]:
    """The largest error in ulp, and where it is."""
    found: tuple[float, tuple[float, ...]] = (-1.0, ())
    columns = np.broadcast_arrays(*(np.asarray(argument, float) for argument in arguments))
    with mpmath.workdps(DIGITS):
        for value, *point in zip(got, *(column.tolist() for column in columns), strict=True):
            given = [mpmath.mpf(x) for x in point]
            least = 0 if scale is None else scale(*given)
            error = in_ulp(float(value), exact(*given), least)
            found = max(found, (error, tuple(point)))
    return found


def worst_of_row(
    name: str,
    *arguments: Any,
    scale: Callable[..., Any] | None = None,
    compute: Callable[..., np.ndarray] = values,
) -> tuple[float, tuple[float, ...]]:
    """The largest error of a row in ulp against its oracle, and where it is."""
    got = compute(name, *arguments).tolist()
    return worst(got, oracle_of(name), *arguments, scale=scale)


def derivatives_at(expression: Expr, points: Any, orders: Iterable[int]) -> list[np.ndarray]:
    """The derivatives of an Expr of x alone, of each order, at all points at once."""
    system = system_of(expression, ("x",))
    nodes = [tensor_of(system, order).nodes[0] for order in orders]
    column = {"x": np.asarray(points, float)}
    with np.errstate(all="ignore"):
        found = evaluate(system.graph, nodes, column, numpy_arithmetic())
    return [np.broadcast_to(one, column["x"].shape) for one in found]


def assert_value(
    name: str,
    low: float,
    high: float,
    rng: np.random.Generator,
    scale: Callable[..., Any] | None = None,
) -> None:
    """A row of one argument keeps its bound on an interval, ends included."""
    points = np.concatenate([rng.uniform(low, high, 80), [low, high]])
    error, point = worst_of_row(name, points, scale=scale)
    assert error <= PRIMITIVES[name].ulp, f"{name} at {point}: {error} ulp"


def assert_kernel_and_derivatives(name: str) -> None:
    """Compiled value and first three derivatives against mpmath's numerical differentiation."""
    value, (low, high) = oracle_of(name), PRIMITIVES[name].domain[0]
    points = low + (high - low) * np.array([0.07, 0.31, 0.58, 0.93])
    x = variables("x")
    result = sg.compile(sg.math.__getattr__(name)(x), [x], ["value", 1, 2, 3], cache=False)(points)
    for order, got in enumerate(result):
        for point, one in zip(points.tolist(), np.ravel(got).tolist(), strict=True):
            expected = mpmath.diff(value, point, order)
            scale = max(abs(expected), abs(value(point)))
            assert abs(one - expected) <= 1e-13 * scale, f"{name} order {order} at {point}"
