"""Points at which a compiled function is checked: those given, completed by random ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np
from numpy.typing import NDArray

from symgrad.errors import ArgumentError
from symgrad.ir.evaluate import evaluate, mpmath_arithmetic
from symgrad.ir.system import System
from symgrad.runtime.arguments import titled

if TYPE_CHECKING:
    from symgrad.runtime.function import CompiledFunction

Array = NDArray[Any]
Sample = dict[str, Array]
"""Symbol name -> float64 values of shape (N,) that are exact in the function's dtype."""

DIGITS = 50

RANGE = (0.5, 1.5)
"""Where a variable is drawn whose range is not given."""

DRAWS = 20
"""Random batches that are drawn at most to find points where the value is finite."""


def given_points(
    system: System, points: Any, parameters: Mapping[str, Any], ranges: Mapping[str, Any]
) -> dict[str, Any]:
    """What the user gives, by name: numbers or arrays of shape (N,).

    Raises:
        ArgumentError: the points do not fit, or a name is neither an input nor a parameter.
    """
    names, n = (*system.inputs, *system.parameters), len(system.inputs)
    given = {} if points is None else points
    columns = titled(system.inputs, points)
    if columns is not None:
        given = dict(zip(system.inputs, columns, strict=True))
    elif not isinstance(given, Mapping):
        table = np.asarray(points, float)
        if n == 1 and table.ndim <= 1:
            table = table.reshape(-1, 1)
        if table.ndim == 0 or table.shape[-1] != n:
            wanted = f"(N, {n}) is needed, for {', '.join(system.inputs)}"
            cure = "; how many random ones is count=" if table.ndim == 0 else ""
            raise ArgumentError(f"points has shape {table.shape}; {wanted}{cure}")
        given = dict(zip(system.inputs, table.reshape(-1, n).T, strict=True))
    both = {**given, **parameters}
    given = {str(name): np.asarray(value, float) for name, value in both.items()}
    for name in (*given, *ranges):
        if name not in names:
            raise ArgumentError(f"{name!r} is no input or parameter; those are {', '.join(names)}")
    if points is not None and not set(system.inputs) <= set(given):
        raise ArgumentError(f"points must have values for all of {', '.join(system.inputs)}")
    return given


def sampled(
    fn: CompiledFunction,
    system: System,
    given: Mapping[str, Array],
    choose_points: bool,
    count: int,
    seed: int,
    ranges: Mapping[str, tuple[float, float]],
    notes: list[str],
) -> Sample:
    """The points, completed by random numbers; random points are kept where the value is finite.

    Raises:
        ArgumentError: there are no points, or the value is finite at none of them.
    """
    sizes = {values.size for values in given.values() if values.ndim} or {count}
    if len(sizes) > 1 or min(sizes) < 1:
        raise ArgumentError("check needs one point or more, and as many values for every name")
    (total,) = sizes
    names = [column for group in fn.signature.groups for column in group.columns]
    names += [name for name in system.parameters if name not in names]
    random = np.random.default_rng(seed)

    def draw() -> Sample:
        drawn = {name: random.uniform(*ranges.get(name, RANGE), total) for name in names}
        drawn |= {name: np.broadcast_to(values, (total,)) for name, values in given.items()}
        return {n: values.astype(fn.signature.dtype).astype(float) for n, values in drawn.items()}

    if not choose_points:
        return draw()
    parts: list[Sample] = []
    found = 0
    while found < total and len(parts) < DRAWS:
        drawn = draw()
        values = exactly(system, system.outputs.nodes, drawn)
        finite = np.array([all(map(mpmath.isfinite, point)) for point in values])
        parts.append({name: column[finite] for name, column in drawn.items()})
        found += int(finite.sum())
    if not found:
        raise ArgumentError("the value is finite at no random point; give points= or ranges=")
    if found < total:
        notes.append(f"the value is finite at only {found} random points; ranges= may give more")
    return {name: np.concatenate([part[name] for part in parts])[:total] for name in names}


def exactly(system: System, nodes: Sequence[int], sample: Sample) -> list[list[Any]]:
    """The values of ``nodes`` at every point, in DIGITS digits."""
    with mpmath.workdps(DIGITS):
        arithmetic = mpmath_arithmetic()
        table = {name: [mpmath.mpf(x) for x in values.tolist()] for name, values in sample.items()}
        points = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
        return [evaluate(system.graph, nodes, point, arithmetic) for point in points]
