"""heyoka: a compiled function of the values and derivatives, batched over the points."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import heyoka
import numpy as np

from benchmarks.peers.prepared import Prepared, cpu_seconds, fastest
from benchmarks.problems import Problem


def by_tensors(traced: Sequence[Any], by: Sequence[Any], order: int) -> list[Any]:
    """All derivatives of an order by `diff_tensors`, which shares work between outputs."""
    tensors = heyoka.diff_tensors(list(traced), diff_args=list(by), diff_order=order)
    if order == 1:
        return list(np.asarray(tensors.jacobian, dtype=object).ravel())
    hessians = [tensors.hessian(j) for j in range(len(traced))]
    return list(np.asarray(hessians, dtype=object).ravel())


def by_diff(traced: Sequence[Any], by: Sequence[Any], order: int) -> list[Any]:
    """All derivatives of an order by `diff`, one at a time."""
    first = [[heyoka.diff(entry, variable) for variable in by] for entry in traced]
    if order == 1:
        return [entry for row in first for entry in row]
    return [heyoka.diff(entry, variable) for row in first for entry in row for variable in by]


def prepare(problem: Problem) -> Prepared:
    """Take the fastest of two ways to derive, with and without 512-bit vectors forced."""
    m, n, k = problem.outputs, problem.inputs, problem.partials

    def build(derive: Any, force_avx512: bool) -> Prepared:
        start = cpu_seconds()
        x = heyoka.make_vars(*[f"x{k}" for k in range(problem.columns)])
        x = list(x) if isinstance(x, list | tuple) else [x]
        traced = [
            entry if isinstance(entry, heyoka.expression) else heyoka.expression(float(entry))
            for entry in problem.function(heyoka, x)
        ]
        flat = traced + derive(traced, x[:n], problem.order)
        # From a cache, in memory or on disk, the code would compile in no time.
        heyoka.llvm_state.set_diskcache_enabled(False)
        heyoka.llvm_state.clear_memcache()
        derived = cpu_seconds()
        kernel = heyoka.cfunc(
            flat, vars=x, fast_math=True, force_avx512=force_avx512, compact_mode=False
        )
        return Prepared(
            name="heyoka",
            settings="cfunc fast_math=True compact_mode=False outputs=",
            derive_s=derived - start,
            compile_s=cpu_seconds() - derived,
            run=lambda points, out: kernel(points, outputs=out),
            outputs=lambda out: (out[:m], out[m:].reshape(m, k, -1)),
            allocate=lambda count: np.empty((m + m * k, count)),
        )

    return fastest(
        problem,
        (
            (f"{derive.__name__} force_avx512={force}", partial(build, derive, force))
            for derive in (by_tensors, by_diff)
            for force in (True, False)
        ),
    )
