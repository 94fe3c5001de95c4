"""symgrad: formulas in, fast derivative kernels out.

The pipeline, and where each part lives:

    parse/          text, SymPy objects, problem files -> Expr
    ir/             Expr, Graph, System, Program: what the stages hand on
    functions/      the function table: one row per function
    differentiate/  Graph -> Graph with derivatives
    simplify/       Graph -> smaller equal Graph
    schedule/       Graph -> Program
    emit/           Program -> LLVM kernel, readable numba and C source; emit/cuda: for GPUs
    runtime/        compiled code: loading, cache, threads, arrays, calls; runtime/cuda: on GPUs
    pictures/       SVG of sparsity patterns, programs and fields
    interop/        files and optional libraries
    api.py          compile(): puts the stages in sequence
    products.py     a function's products with directions, as functions of their own
    adapters.py     what outside libraries make of a function
    symbolic.py     grad, jacobian, hessian, vjp, jvp on SymPy objects
    check.py        a compiled function against mpmath and torch
    benchmark.py    a compiled function's times, beside those of the peers in peers.py
    display.py      what a notebook shows of a compiled function
    custom.py       functions of the user's own
    cli/            the command

Everything below is imported when it is first used, so that ``import symgrad`` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symgrad.api import compile, load
    from symgrad.check import check
    from symgrad.custom import function
    from symgrad.errors import SymgradError
    from symgrad.functions import math
    from symgrad.functions.splines import spline
    from symgrad.functions.tracing import trace
    from symgrad.ir.expression import Expr, variables
    from symgrad.runtime.function import CompiledFunction
    from symgrad.runtime.result import Result
    from symgrad.symbolic import backward, grad, hessian, jacobian, jvp, vjp

_HOME = {
    "CompiledFunction": "symgrad.runtime.function",
    "Expr": "symgrad.ir.expression",
    "Result": "symgrad.runtime.result",
    "SymgradError": "symgrad.errors",
    "backward": "symgrad.symbolic",
    "check": "symgrad.check",
    "compile": "symgrad.api",
    "function": "symgrad.custom",
    "grad": "symgrad.symbolic",
    "hessian": "symgrad.symbolic",
    "jacobian": "symgrad.symbolic",
    "jvp": "symgrad.symbolic",
    "load": "symgrad.api",
    "math": "symgrad.functions",
    "spline": "symgrad.functions.splines",
    "trace": "symgrad.functions.tracing",
    "variables": "symgrad.ir.expression",
    "vjp": "symgrad.symbolic",
}

__all__ = [
    "CompiledFunction",
    "Expr",
    "Result",
    "SymgradError",
    "backward",
    "check",
    "compile",
    "function",
    "grad",
    "hessian",
    "jacobian",
    "jvp",
    "load",
    "math",
    "spline",
    "trace",
    "variables",
    "vjp",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("importlib.metadata").version("symgrad")
    if name not in _HOME:
        raise AttributeError(f"module 'symgrad' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
