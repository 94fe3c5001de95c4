"""Derivatives of formulas as they are written, at points where they may be limits alone; and which
formulas stay as they are written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import mpmath
import numpy as np

import symgrad as sg
from symgrad.functions import PRIMITIVES
from symgrad.ir.expression import Expr
from symgrad.ir.graph import Graph
from symgrad.ir.system import Tensor
from symgrad.simplify.rewrite import simplify
from tests.differences import partials_of

NAMES = {name: getattr(mpmath, name) for name in dir(mpmath) if not name.startswith("_")}
NAMES["lgamma"] = mpmath.loggamma


def reference(formula: str, point: Sequence[float], by: tuple[int, int]) -> Any:
    """A derivative so near to the point that it is the limit."""
    with mpmath.workdps(350 - 2 * int(np.log10(abs(point[0]) or 1e-60))):
        near = mpmath.mpf(10) ** -60
        x, y = (mpmath.mpf(v) for v in point)
        at = (x * (1 + near) if x else near, y * (1 + 2 * near) if y else 2 * near)
        step = mpmath.mpf(10) ** -90 * min(1, abs(at[0]))

        def value(x: Any, y: Any) -> Any:
            return mpmath.re(eval(formula, NAMES, {"x": x, "y": y}))

        return value(*at) if by == (0, 0) else mpmath.diff(value, at, by, h=step)


def plain(formula: str, point: Sequence[float], by: tuple[int, int]) -> Any:
    """A derivative at a point where the formula as it is written has one, in fewer digits."""

    def value(x: Any, y: Any) -> Any:
        return mpmath.re(eval(formula, NAMES, {"x": x, "y": y}))

    return partials_of(value, point, [by])[by]


def errors(
    formula: str,
    points: Sequence[tuple[float, float]],
    derivative: Callable[[str, Sequence[float], tuple[int, int]], Any] = reference,
) -> list[list[float]]:
    """Of value, gradient and Hessian at each point: errors relative to the largest entry."""
    fn = sg.compile(formula, ["x", "y"], ["value", 1, 2], jit="never", optimize="fast", cache=False)
    value, gradient, hessian = fn(np.array(points))
    found: list[list[float]] = []
    for row, point in enumerate(points):
        orders = (
            {(0, 0): value[row]},
            {(1, 0): gradient[row, 0], (0, 1): gradient[row, 1]},
            {(2 - k, k): hessian[row, min(k, 1), k // 2] for k in range(3)},
        )
        found.append([])
        for got in orders:
            wanted = {by: derivative(formula, point, by) for by in got}
            largest = max(map(abs, wanted.values())) or mpmath.mpf(1)
            worst = max(abs(mpmath.mpf(float(got[by])) - wanted[by]) for by in got)
            found[-1].append(float(worst / largest))
    return found


def is_left_alone(expr: Expr) -> bool:
    """Whether all rewrites of a primal leave an expression as it is."""
    graph = Graph(PRIMITIVES)
    tensor = Tensor("value", (), (graph.add(expr),))
    made, (kept,) = simplify(graph, [tensor], "all", primal=True)
    return kept.nodes == (made.add(expr),)
