"""SymEngine: diff and Lambdify through LLVM where its build has it, one row a point."""

from functools import partial

import symengine

from benchmarks.peers.prepared import (
    Prepared,
    cpu_seconds,
    derivatives,
    fastest,
    points_first,
    points_first_arrays,
    split_points_first,
)
from benchmarks.problems import Problem


def prepare(problem: Problem) -> Prepared:
    """Take the faster of Lambdify with and without common subexpression elimination.

    With it, sums of terms of very different size can lose all digits; `fastest` leaves it out
    where they do.
    """
    backend = "llvm" if symengine.have_llvm else "lambda"

    def build(cse: bool) -> Prepared:
        start = cpu_seconds()
        x = [symengine.Symbol(f"x{k}") for k in range(problem.columns)]
        traced = [symengine.sympify(entry) for entry in problem.function(symengine, x)]
        flat = traced + derivatives(traced, x[: problem.inputs], problem.order)
        derived = cpu_seconds()
        kernel = symengine.Lambdify(x, flat, cse=cse, backend=backend)
        return Prepared(
            name="symengine",
            settings=f"Lambdify backend={backend}, points first, out=",
            derive_s=derived - start,
            compile_s=cpu_seconds() - derived,
            run=lambda points, out: kernel(points, out=out),
            outputs=split_points_first(problem),
            allocate=points_first_arrays(problem),
            place=points_first,
        )

    return fastest(problem, ((f"cse={cse}", partial(build, cse)) for cse in (False, True)))
