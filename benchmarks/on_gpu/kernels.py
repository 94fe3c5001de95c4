"""What the GPU benchmark compiles: kernels as records that any process can make again.

A source names the formulas: ``problem:NAME`` of the suite, ``case:FAMILY/ID`` of the acceptance
cases, ``row:NAME`` of the function table.

    >>> Kernel("problem:sine", ("value", "gradient")).label
    'sine float64 first'
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

import symgrad as sg
from benchmarks.problem import Problem
from benchmarks.suite_problems import find
from symgrad.functions import PRIMITIVES
from symgrad.ir.expression import Expr, variables
from tests.cases import Case, load

SAMPLE = 2026
"""Seed of every random number."""

DRY_ARCH = "sm_90"
ARCHITECTURE = "SYMGRAD_BENCHMARK_ARCH"
"""The variable that tells processes without the GPU what it is."""

ENGINE = "nvrtc"
"""The engine where none is named: what the others are measured against."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """What is compiled, and how.

    Attributes:
        source: of the formulas.
        results: what is evaluated, as ``sg.compile`` takes it.
        dtype: of every value.
        points: "first" or "last".
        engine: "nvrtc" or "numba"; None for ENGINE.
        reduce: None, "sum", "mean" or "normal".
    """

    source: str
    results: tuple[str | int, ...]
    dtype: str = "float64"
    points: str = "first"
    engine: str | None = None
    reduce: str | None = None

    @property
    def axis(self) -> int:
        """Where the points stand, as ``batch_axis=`` says it."""
        return -1 if self.points == "last" else 0

    @property
    def name(self) -> str:
        """The formulas' name."""
        return self.source.partition(":")[2]

    @property
    def label(self) -> str:
        """The kernel in a few words."""
        words = [self.name, self.dtype, self.points, self.reduce, self.engine]
        return " ".join(word for word in words if word)


class Formulas(NamedTuple):
    """What ``sg.compile`` takes of a source: outputs, inputs, parameters, wrt."""

    outputs: Any
    inputs: Any
    parameters: tuple[str, ...]
    wrt: Any


@cache
def formulas(source: str) -> Formulas:
    """The formulas of a source.

    Raises:
        KeyError: there is no such source.
    """
    kind, _, name = source.partition(":")
    if kind == "problem":
        problem = find(name)
        x = sg.variables("x", problem.columns)
        traced = problem.function(sg.math, x)
        return Formulas(
            traced[0] if problem.scalar else traced, list(x), (), list(x[: problem.inputs])
        )
    if kind == "case":
        one = case(source)
        return Formulas(list(one.outputs), one.variables, tuple(one.parameters), one.wrt)
    row = PRIMITIVES[name]
    names = [f"a{i}" for i in range(row.arity)]
    inputs = [variables(one) for one in names]
    known = [
        inputs[i]
        for i, partial in enumerate(row.partials)
        if partial.op not in PRIMITIVES or PRIMITIVES[partial.op].kind != "unknown"
    ]
    return Formulas(Expr(name, tuple(inputs)), inputs, (), known)


@cache
def case(source: str) -> Case:
    """The acceptance case of a source."""
    family, _, name = source.partition(":")[2].partition("/")
    return next(one for one in load(family) if one.id == name)


def compiled(kernel: Kernel, **options: Any) -> Any:
    """The kernel as ``sg.compile`` makes it for a GPU."""
    made = formulas(kernel.source)
    return sg.compile(
        made.outputs,
        made.inputs,
        list(kernel.results),
        parameters=made.parameters,
        wrt=made.wrt,
        dtype=kernel.dtype,
        batch_axis=kernel.axis,
        reduce=kernel.reduce,
        **({"target": "cuda", "engine": kernel.engine or ENGINE} | options),
    )


def built(kernel: Kernel) -> dict[str, int]:
    """Leave a kernel's machine code for the GPU's architecture on disk; it needs no GPU."""
    return facts(compiled(kernel).binaries(os.environ.get(ARCHITECTURE, DRY_ARCH)))


def facts(found: Sequence[Any]) -> dict[str, int]:
    """Registers of a thread and bytes spilled, of the worst part; nothing where none was built."""
    if not found:
        return {}
    return {
        "registers": max(one.registers for one in found),
        "spilled": sum(one.spilled for one in found),
    }


def problem_of(kernel: Kernel) -> Problem:
    """The problem whose formulas a kernel has."""
    return find(kernel.name)


def shapes(kernel: Kernel) -> dict[str, tuple[int, ...]]:
    """The results of a problem's kernel and their shapes for one point."""
    problem = problem_of(kernel)
    n = problem.inputs
    outer = () if problem.scalar else (problem.outputs,)
    orders = {"value": 0, "gradient": 1, "jacobian": 1, "hessian": 2}
    fixed = {"vjp": (n,), "hvp": (n,), "jvp": outer, "jtj": (n, n), "jtr": (n,), "rss": ()}
    return {
        str(name): fixed[name] if name in fixed else outer + (n,) * orders[name]
        for name in map(str, kernel.results)
    }


def numbers(kernel: Kernel) -> int:
    """How many numbers are read and written for one point of a problem's kernel."""
    problem, found = problem_of(kernel), shapes(kernel)
    seeds = seed_sizes(kernel)
    written = 0 if kernel.reduce else sum(map(prod, found.values()))
    return problem.columns + sum(seeds.values()) + written


def seed_sizes(kernel: Kernel) -> dict[str, int]:
    """How many entries the tangent and the cotangent of a point have, where there are any."""
    problem = problem_of(kernel)
    found = {}
    if {"jvp", "hvp"} & set(kernel.results):
        found["tangent"] = problem.inputs
    if "vjp" in kernel.results or ("hvp" in kernel.results and not problem.scalar):
        found["cotangent"] = problem.outputs
    return found


def points_of(problem: Problem, count: int, dtype: str = "float32") -> np.ndarray:
    """Points of a problem that float32 holds too, so that both formats have the same; (n, N)."""
    low, high = np.array(problem.bounds).T
    # Point by point, so that the first ones are the same for any number of them.
    drawn = np.random.default_rng(SAMPLE).uniform(low, high, (count, len(low)))
    return np.ascontiguousarray(drawn.T.astype(np.float32).astype(dtype))


def placed(columns: np.ndarray, points: str) -> np.ndarray:
    """An array of (columns, N) as a kernel of that layout takes it."""
    return np.ascontiguousarray(columns if points == "last" else columns.T)


def entries_last(array: np.ndarray, points: str, count: int) -> np.ndarray:
    """A result as (entries, N), whatever its layout."""
    if points == "last":
        return array.reshape(-1, count)
    return array.reshape(count, -1).T


def compiler() -> bool:
    """Whether NVRTC is installed."""
    from symgrad.errors import MissingDependencyError
    from symgrad.runtime.cuda import nvrtc

    try:
        nvrtc.version()
    except MissingDependencyError:
        return False
    return True
