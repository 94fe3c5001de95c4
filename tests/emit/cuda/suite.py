"""The benchmark problems as Programs, with 50-digit references and the CPU's errors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import mpmath
import numpy as np

import symgrad as sg
from benchmarks.problem import Problem
from benchmarks.problems import PROBLEMS
from symgrad.functions import PRIMITIVES
from symgrad.ir.evaluate import mpmath_arithmetic, run
from symgrad.ir.program import Program

Array = np.ndarray
NAMES = sorted(PROBLEMS)
POINTS = 3


@dataclass(frozen=True)
class Case:
    """A problem's value and Jacobian, and what they are.

    Attributes:
        program: as it is scheduled.
        groups: of each argument group the columns, (points, columns); parameters one row.
        exact: of each result (points, entries), rounded once.
        error: of the CPU, in ulp.
    """

    program: Program
    groups: list[Array]
    exact: list[Array]
    error: float


@cache
def case(name: str) -> Case:
    """A problem at a few points."""
    problem = PROBLEMS[name]
    names = [f"x{i}" for i in range(problem.inputs)]
    parameters = [f"p{i}" for i in range(problem.parameters)]
    symbols = [sg.variables(name) for name in (*names, *parameters)]
    inputs, rest = symbols[: problem.inputs], symbols[problem.inputs :]
    outputs = problem.function(sg.math, symbols)
    fn = sg.compile(outputs, inputs, ["value", "jacobian"], parameters=rest, jit="never")
    low, high = np.array(problem.bounds, float).T
    points = low + (high - low) * np.random.default_rng(5).random((POINTS, len(low)))
    points[:, problem.inputs :] = points[0, problem.inputs :]
    columns, alone = points[:, : problem.inputs], points[0, problem.inputs :]
    groups = [np.ascontiguousarray(columns), *([alone] if parameters else [])]
    got = fn(columns, **dict(zip(parameters, map(float, alone), strict=True)))
    exact = [np.empty((POINTS, result.size)) for result in fn.program.results]
    with mpmath.workdps(50):
        for k, point in enumerate(columns):
            numbers = [[mpmath.mpf(v) for v in group] for group in (point, alone)]
            found = run(fn.program, PRIMITIVES, numbers[: len(groups)], mpmath_arithmetic())
            for table, entries in zip(exact, found, strict=True):
                table[k] = [float(entry) for entry in entries]
    computed = [np.reshape(array, (POINTS, -1)) for array in (got.value, got.jacobian)]
    return Case(fn.program, groups, exact, error_in_ulp(computed, exact))


@cache
def scheduled(problem: Problem) -> Program:
    """The value of a problem and its own derivative."""
    x = list(sg.variables("x", problem.columns))
    outputs = problem.function(sg.math, x)
    fn = sg.compile(
        outputs[0] if problem.scalar else outputs,
        *(x, ["value", problem.derivative]),
        wrt=x[: problem.inputs],
        jit="never",
        cache=False,
    )
    return fn.program


def error_in_ulp(got: list[Array], exact: list[Array], dtype: str = "float64") -> float:
    """The largest error, in ulp of the entry or of a thousandth of its point's largest one.

    The larger of the two counts: an entry may be what is left after terms have cancelled.
    """
    worst = 0.0
    for array, expected in zip(got, exact, strict=True):
        size = np.abs(expected)
        scale = np.maximum(size, size.max(axis=1, keepdims=True) / 1000).astype(dtype)
        error = np.abs(array - expected) / np.spacing(np.maximum(scale, np.finfo(dtype).tiny))
        worst = max(worst, float(np.where(np.isnan(error), np.inf, error).max(initial=0)))
    return worst
