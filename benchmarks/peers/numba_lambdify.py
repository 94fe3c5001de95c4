"""Numba on SymPy: diff, cse, and an njit loop over the points, as an expert would write it.

Two forms are timed: the scalar function of `lambdify(cse=True)` called by an njit loop, and one
loop whose body is the printed common subexpressions. Both write points-last arrays.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numba
import sympy
from sympy.printing.pycode import PythonCodePrinter

from benchmarks.peers.prepared import Prepared, cpu_seconds, fastest, points_last_arrays
from benchmarks.problems import Problem

SIGNATURE = numba.void(
    numba.float64[:, ::1],
    numba.float64[:, ::1],
    numba.float64[:, :, ::1],
)
Lines = list[str]


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


def stores(problem: Problem, values: Lines) -> Lines:
    """One assignment a value into `value` and `derivative`, at point i."""
    m, n = problem.outputs, problem.inputs
    targets = [f"value[{j}, i]" for j in range(m)]
    targets += [f"derivative[{j}, {k}, i]" for j in range(m) for k in range(n)]
    return [f"{target} = {value}" for target, value in zip(targets, values, strict=True)]


def loop(problem: Problem, body: Lines) -> str:
    """Source of a function that runs `body` for each point, with x0, x1, ... loaded."""
    loads = [f"x{k} = x[{k}, i]" for k in range(problem.columns)]
    head = ["def kernel(x, value, derivative):", "    for i in range(x.shape[1]):"]
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
    """Derive with SymPy, then take the fastest of two forms with and without fastmath."""
    start = cpu_seconds()
    x = sympy.symbols(f"x:{problem.columns}", real=True)
    traced = [sympy.sympify(entry) for entry in problem.function(sympy, x)]
    flat = traced + [entry.diff(by) for entry in traced for by in x[: problem.inputs]]
    derived = cpu_seconds() - start
    replacements, reduced = sympy.cse(flat, symbols=sympy.numbered_symbols("t"))
    cse_s = cpu_seconds() - start - derived

    def printed(fastmath: bool) -> Prepared:
        begin = cpu_seconds()
        printer = HalfPowerPrinter({"fully_qualified_modules": False})
        body = [f"{name} = {printer.doprint(value)}" for name, value in replacements]
        values = [printer.doprint(value) for value in reduced]
        kernel = jit(loop(problem, body + stores(problem, values)), {}, fastmath)
        return finished(kernel, derived + cse_s, cpu_seconds() - begin)

    def lambdified(fastmath: bool) -> Prepared:
        begin = cpu_seconds()
        scalar = numba.njit(fastmath=fastmath, error_model="numpy")(
            sympy.lambdify(x, tuple(flat), modules="math", cse=True)
        )
        arguments = ", ".join(f"x{k}" for k in range(problem.columns))
        values = [f"r[{k}]" for k in range(len(flat))]
        source = loop(problem, [f"r = scalar({arguments})", *stores(problem, values)])
        kernel = jit(source, {"scalar": scalar}, fastmath)
        # lambdify repeats the common subexpressions, which are derivation in the other form.
        return finished(kernel, derived + cse_s, cpu_seconds() - begin - cse_s)

    def finished(kernel: Callable[..., None], derive_s: float, compile_s: float) -> Prepared:
        return Prepared(
            name="numba",
            settings="SymPy diff and cse, njit loop, error_model=numpy",
            derive_s=derive_s,
            compile_s=max(compile_s, 0.0),
            run=lambda points, out: kernel(points, *out),
            outputs=lambda out: out,
            allocate=points_last_arrays(problem),
        )

    forms = {"printed loop": printed, "lambdify in a loop": lambdified}
    return fastest(
        problem,
        (
            (f"{form} fastmath={fastmath}", partial(build, fastmath))
            for form, build in forms.items()
            for fastmath in (False, True)
        ),
    )
