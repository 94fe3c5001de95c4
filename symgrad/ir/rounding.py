"""Bounds of a Program's rounding errors: how exact a kernel can be at a point.

The Program is run in NumPy, and each value carries a bound of its error, to first order. An
instruction adds its own rounding to what its arguments' errors do to its value. For arithmetic
that is a formula; for functions it is measured by moving the arguments, so that no derivative is
taken on trust; a condition that the errors may turn counts both sides of a select.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.ir.evaluate import Arithmetic, function, numpy_arithmetic
from symgrad.ir.primitive import Primitive
from symgrad.ir.program import CONDITION_OPS, Program

Array = NDArray[Any]

EXACT_OPS = frozenset({"neg", "abs", "sign", "floor", "ceil", "trunc", "rint", "fmod"})
"""Instructions whose result is a float whenever their arguments are: they round nothing."""

JUMPS = frozenset({"sign", "floor", "ceil", "trunc", "rint", "fmod"})
"""Functions that an error of an argument may move to another step."""

COMPARISONS = frozenset({"lt", "le", "eq", "ne"})

STEP = 2.0**-46
"""Relative step at least: a smaller difference would be lost in NumPy's own rounding."""


def rounding_bounds(
    program: Program,
    table: Mapping[str, Primitive],
    arrays: Sequence[Sequence[Array]],
    dtype: str,
    ulps: Mapping[str, float],
) -> list[list[Array]]:
    """Bounds of the rounding errors of every result of a Program.

    Args:
        program: the Program.
        table: the function table.
        arrays: ``arrays[group][column]``, the exact arguments, each of shape (N,).
        dtype: what the kernel computes in; the bounds themselves are computed in float64.
        ulps: function -> bound of its own error in ulp; 1 where it is not named.

    Returns:
        ``bounds[result][position]``, each of shape (N,) or () where it is the same everywhere.

    Raises:
        UnknownFunctionError: NumPy lacks a function.
    """
    limits = np.finfo(dtype)
    unit, subnormal = float(limits.eps) / 2, float(limits.smallest_subnormal)
    arithmetic = numpy_arithmetic()
    values: list[Any] = []
    errors: list[Any] = []
    results: list[list[Any]] = [[None] * result.size for result in program.results]
    with np.errstate(all="ignore"):
        for op, args, data in program.code:
            v, e = [values[i] for i in args], [errors[i] for i in args]
            if op == "store":
                results[data[0]][data[1]] = e[0]
                value, error = v[0], e[0]
            elif op == "load":
                value, error = np.asarray(arrays[data[0]][data[1]], float), np.float64(0)
            elif op == "constant":
                value = np.float64(data)
                exact = float(data).is_integer() or not np.isfinite(value)
                error = np.float64(0) if exact else unit * abs(value)
            elif op == "boolean" or op in CONDITION_OPS:
                # The "error" of a condition is whether it may as well be the other way round.
                value = np.bool_(data) if op == "boolean" else arithmetic.functions[op](*v)
                error = np.bool_(False)
                if op in COMPARISONS:
                    spread = e[0] + e[1]
                    error = (spread > 0) & (np.abs(v[0] - v[1]) <= spread)
                elif e:
                    error = np.logical_or.reduce(np.broadcast_arrays(*e))
            elif op == "select":
                value = np.where(v[0], v[1], v[2])
                either = np.maximum(e[1], e[2]) + np.abs(v[1] - v[2])
                error = np.where(e[0], either, np.where(v[0], e[1], e[2]))
            else:
                row = table.get(op)
                if row is not None and row.kind in ("routine", "outside"):
                    # Beside a zero the bound of a routine is one of the function's size around it.
                    moved = ulps.get(op, 1) * unit
                    e = [
                        error if index in row.whole else error + moved * np.abs(argument)
                        for index, (argument, error) in enumerate(zip(v, e, strict=True))
                    ]
                value, error = _propagate(op, v, e, table, arithmetic)
                if op not in EXACT_OPS:
                    own = 1.0 if op in ("add", "sub", "mul", "div", "sqrt") else 2 * ulps.get(op, 1)
                    error = error + own * unit * np.abs(value) + subnormal
            values.append(value)
            errors.append(error)
    return results


def _propagate(
    op: str, v: list[Any], e: list[Any], table: Mapping[str, Primitive], arithmetic: Arithmetic
) -> tuple[Any, Any]:
    """The value of an instruction, and what the errors ``e`` of its arguments ``v`` do to it."""
    if op in ("add", "sub"):
        return (v[0] + v[1] if op == "add" else v[0] - v[1]), e[0] + e[1]
    if op == "mul":
        return v[0] * v[1], _times(v[0], e[1]) + _times(v[1], e[0]) + e[0] * e[1]
    if op == "div":
        value = v[0] / v[1]
        moved = e[0] + _times(value, e[1])
        least = np.maximum(np.abs(v[1]) - e[1], 0.0)
        return value, np.where(moved == 0, 0.0, moved / least)
    if op == "neg":
        return -v[0], e[0]
    call: Any = np.sqrt if op == "sqrt" else function(op, table, arithmetic)
    value = call(*v)
    total: Any = np.float64(0)
    for index, (argument, error) in enumerate(zip(v, e, strict=True)):
        if not np.any(error):
            continue
        least = 2.0**-52 if op in JUMPS else STEP
        step = np.maximum(error, least * np.abs(argument))
        up, down = (
            np.abs(call(*v[:index], argument + s, *v[index + 1 :]) - value) for s in (step, -step)
        )
        change = np.fmax(up, down)  # one side may lie outside the function's domain
        change = np.where(np.isnan(change), np.inf, change)
        share = 1.0 if op in JUMPS else error / step
        total = total + np.where(error > 0, change * share, 0.0)
    return value, total


def _times(value: Any, error: Any) -> Any:
    """``|value| * error``, where no error stays none even beside an infinity."""
    return np.where(error == 0, 0.0, np.abs(value) * error)
