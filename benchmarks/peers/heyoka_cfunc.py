"""heyoka: a compiled function of the values and derivatives, batched over the points."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import heyoka
import numpy as np

from benchmarks.peers.prepared import Prepared, cpu_seconds, fastest
from benchmarks.problems import Problem


def by_tensors(traced: Sequence[Any], by: Sequence[Any]) -> list[Any]:
    """All first derivatives by `diff_tensors`, which shares work between outputs."""
    jacobian = heyoka.diff_tensors(list(traced), diff_args=list(by), diff_order=1).jacobian
    return list(np.asarray(jacobian, dtype=object).ravel())


def by_diff(traced: Sequence[Any], by: Sequence[Any]) -> list[Any]:
    """All first derivatives by `diff`, one at a time."""
    return [heyoka.diff(entry, variable) for entry in traced for variable in by]


def prepare(problem: Problem) -> Prepared:
    """Take the fastest of two ways to derive, with and without 512-bit vectors forced."""
    m, n = problem.outputs, problem.inputs

    def build(derive: Any, force_avx512: bool) -> Prepared:
        start = cpu_seconds()
        x = heyoka.make_vars(*[f"x{k}" for k in range(problem.columns)])
        x = list(x) if isinstance(x, list | tuple) else [x]
        traced = [
            entry if isinstance(entry, heyoka.expression) else heyoka.expression(float(entry))
            for entry in problem.function(heyoka, x)
        ]
        flat = traced + derive(traced, x[:n])
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
            outputs=lambda out: (out[:m], out[m:].reshape(m, n, -1)),
            allocate=lambda count: np.empty((m + m * n, count)),
        )

    return fastest(
        problem,
        (
            (f"{derive.__name__} force_avx512={force}", partial(build, derive, force))
            for derive in (by_tensors, by_diff)
            for force in (True, False)
        ),
    )
