"""Numba on SymPy: diff, cse, and an njit loop over the points, as an expert would write it.

Two forms are timed: the scalar function of `lambdify(cse=True)` called by an njit loop, and one
loop whose body is the printed common subexpressions; the latter with points last and first.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numba
import numpy as np
import sympy
from sympy.printing.pycode import PythonCodePrinter

from benchmarks.peers.prepared import (
    Prepared,
    cpu_seconds,
    derivatives,
    fastest,
    points_first,
    unchanged,
)
from benchmarks.problems import Problem

Lines = list[str]


@dataclass(frozen=True, slots=True)
class Layout:
    """How arrays of one layout are typed, subscripted, allocated and read."""

    count: str
    x: str
    value: str
    derivative: str
    place: Callable[[np.ndarray], np.ndarray]
    shapes: Callable[[int, int, int], tuple[tuple[int, ...], tuple[int, ...]]]
    points_axis: int


# fmt: off
LAYOUTS = {
    "points last": Layout("x.shape[1]", "x[{k}, i]", "value[{j}, i]", "derivative[{j}, {k}, i]",
                          unchanged, lambda m, n, count: ((m, count), (m, n, count)), -1),
    "points first": Layout("x.shape[0]", "x[i, {k}]", "value[i, {j}]", "derivative[i, {j}, {k}]",
                           points_first, lambda m, n, count: ((count, m), (count, m, n)), 0),
}
# fmt: on
SIGNATURE = numba.void(
    numba.float64[:, ::1],
    numba.float64[:, ::1],
    numba.float64[:, :, ::1],
)


class HalfPowerPrinter(PythonCodePrinter):  # type: ignore[misc]
    """Python printer that writes half-integer powers with sqrt, which is faster than pow."""

    def _print_Pow(self, expr: Any, rational: bool = False) -> str:  # noqa: N802 SymPy names it
        twice = 2 * expr.exp
        if twice.is_Integer and twice % 2 and abs(expr.exp) <= 4:
            base = self._print(expr.base)
            power = f"({base})**{abs(twice) // 2}*" if abs(twice) > 1 else ""
            root = f"({power}sqrt({base}))"
            return f"(1/{root})" if twice < 0 else root
        text: str = super()._print_Pow(expr, rational=rational)
        return text


def stores(problem: Problem, layout: Layout, values: Lines) -> Lines:
    """One assignment a value into `value` and `derivative`, at point i."""
    m, partials = problem.outputs, problem.partials
    targets = [layout.value.format(j=j) for j in range(m)]
    targets += [layout.derivative.format(j=j, k=k) for j in range(m) for k in range(partials)]
    return [f"{target} = {value}" for target, value in zip(targets, values, strict=True)]


def loop(problem: Problem, layout: Layout, body: Lines) -> str:
    """Source of a function that runs `body` for each point, with x0, x1, ... loaded."""
    loads = [f"x{k} = {layout.x.format(k=k)}" for k in range(problem.columns)]
    head = ["def kernel(x, value, derivative):", f"    for i in range({layout.count}):"]
    return "\n".join(head + [f"        {line}" for line in loads + body])


def jit(source: str, names: dict[str, Any], fastmath: bool) -> Callable[..., None]:
    """The function `kernel` of `source`, compiled for contiguous float64 arrays."""
    namespace = {**vars(math), **names}
    exec(source, namespace)
    compiled: Callable[..., None] = numba.njit(
        SIGNATURE, fastmath=fastmath, error_model="numpy", nogil=True
    )(namespace["kernel"])
    return compiled


def prepare(problem: Problem) -> Prepared:
    """Derive with SymPy, then take the fastest form, layout and arithmetic."""
    start = cpu_seconds()
    x = sympy.symbols(f"x:{problem.columns}", real=True)
    traced = [sympy.sympify(entry) for entry in problem.function(sympy, x)]
    flat = traced + derivatives(traced, x[: problem.inputs], problem.order)
    derived = cpu_seconds() - start
    replacements, reduced = sympy.cse(flat, symbols=sympy.numbered_symbols("t"))
    cse_s = cpu_seconds() - start - derived

    def printed(layout: Layout, fastmath: bool) -> Prepared:
        begin = cpu_seconds()
        printer = HalfPowerPrinter({"fully_qualified_modules": False})
        body = [f"{name} = {printer.doprint(value)}" for name, value in replacements]
        values = [printer.doprint(value) for value in reduced]
        source = loop(problem, layout, body + stores(problem, layout, values))
        kernel = jit(source, {}, fastmath)
        return finished(kernel, layout, derived + cse_s, cpu_seconds() - begin)

    def lambdified(layout: Layout, fastmath: bool) -> Prepared:
        begin = cpu_seconds()
        scalar = numba.njit(fastmath=fastmath, error_model="numpy")(
            sympy.lambdify(x, tuple(flat), modules="math", cse=True)
        )
        names = ", ".join(f"x{k}" for k in range(problem.columns))
        values = [f"r[{k}]" for k in range(len(flat))]
        body = [f"r = scalar({names})", *stores(problem, layout, values)]
        kernel = jit(loop(problem, layout, body), {"scalar": scalar}, fastmath)
        # lambdify does its own cse, which belongs to the derivation as in the other form.
        compile_s = max(cpu_seconds() - begin - cse_s, 0.0)
        return finished(kernel, layout, derived + cse_s, compile_s)

    def finished(
        kernel: Callable[..., None], layout: Layout, derive_s: float, compile_s: float
    ) -> Prepared:
        def allocate(count: int) -> tuple[np.ndarray, ...]:
            shapes = layout.shapes(problem.outputs, problem.partials, count)
            return tuple(np.empty(shape) for shape in shapes)

        def outputs(out: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
            value, derivative = (np.moveaxis(array, layout.points_axis, -1) for array in out)
            return value, derivative

        return Prepared(
            name="numba",
            settings="SymPy diff and cse, njit loop, error_model=numpy",
            derive_s=derive_s,
            compile_s=compile_s,
            run=lambda points, out: kernel(points, *out),
            outputs=outputs,
            allocate=allocate,
            place=layout.place,
        )

    forms = (
        ("printed loop", printed, "points last"),
        ("printed loop", printed, "points first"),
        ("lambdify in a loop", lambdified, "points last"),
    )
    return fastest(
        problem,
        (
            (f"{form}, {layout}, fastmath={fastmath}", partial(build, LAYOUTS[layout], fastmath))
            for form, build, layout in forms
            for fastmath in (False, True)
        ),
    )
