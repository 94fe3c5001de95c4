"""JAX: jit(vmap(value and derivative)), the best of both modes, layouts and arithmetics.

XLA owns its results: each run allocates new arrays, and `out` holds the latest ones.
"""

import os
from functools import partial
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.peers.prepared import PROBE_POINTS, Prepared, cpu_seconds, fastest
from benchmarks.problems import Problem

ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
MATH = SimpleNamespace(
    sin=jnp.sin, cos=jnp.cos, exp=jnp.exp, log=jnp.log, sqrt=jnp.sqrt, erf=jax.scipy.special.erf
)


def one_point(problem: Problem, mode: str) -> Any:
    """Value and derivative of one point by "grad", "jacfwd", "jacrev", or two of these."""
    n = problem.inputs

    def values(x: Any, parameters: Any) -> Any:
        entries = [*x, *parameters] if problem.parameters else x
        traced = problem.function(MATH, entries)
        return jnp.stack([jnp.asarray(entry, jnp.float64) for entry in traced])

    def both(point: Any) -> Any:
        x, parameters = point[:n], point[n:]
        if mode == "grad":
            return jax.value_and_grad(lambda x: values(x, parameters)[0])(x)

        def twice(x: Any) -> Any:
            result = values(x, parameters)
            return result, result

        transformed = twice
        for one in reversed(mode.split(" of ")):
            transformed = getattr(jax, one)(transformed, has_aux=True)
        derivative, value = transformed(x)
        return value, derivative

    return both


def prepare(problem: Problem) -> Prepared:
    """Take the fastest of the modes, with points first or last, with and without fast math."""
    os.environ.setdefault("XLA_FLAGS", ONE_THREAD)
    jax.config.update("jax_enable_x64", True)
    m, partials = problem.outputs, problem.partials

    def build(mode: str, axis: int, fast: bool) -> Prepared:
        mapped = jax.vmap(one_point(problem, mode), in_axes=axis, out_axes=axis)
        options: dict[str, str | bool] = {"xla_cpu_enable_fast_math": True} if fast else {}
        compiled: dict[tuple[int, ...], Any] = {}

        def kernel(shape: tuple[int, ...]) -> Any:
            # Compiled ahead of the call, so that a new shape is never compiled in a timed run.
            if shape not in compiled:
                traced = jax.jit(mapped).lower(jax.ShapeDtypeStruct(shape, jnp.float64))
                compiled[shape] = traced, traced.compile(compiler_options=options)
            return compiled[shape][1]

        def shape_of(count: int) -> tuple[int, ...]:
            return (count, problem.columns) if axis == 0 else (problem.columns, count)

        def place(points: np.ndarray) -> Any:
            kernel(shape_of(points.shape[1]))
            return jax.device_put(np.ascontiguousarray(points.T if axis == 0 else points))

        def run(points: Any, out: dict[str, Any]) -> None:
            out.clear()  # the former results make room for these
            out["results"] = jax.block_until_ready(compiled[points.shape][1](points))

        def outputs(out: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
            value, derivative = (np.moveaxis(np.asarray(r), axis, -1) for r in out["results"])
            return value.reshape(m, -1), derivative.reshape(m, partials, -1)

        start = cpu_seconds()
        traced = jax.jit(mapped).lower(jax.ShapeDtypeStruct(shape_of(PROBE_POINTS), jnp.float64))
        derived = cpu_seconds()
        compiled[shape_of(PROBE_POINTS)] = traced, traced.compile(compiler_options=options)
        return Prepared(
            name="jax",
            settings="jit(vmap), x64, one thread, new result arrays each run",
            derive_s=derived - start,
            compile_s=cpu_seconds() - derived,
            run=run,
            outputs=outputs,
            allocate=lambda _: {},
            place=place,
        )

    modes = {
        "gradient": ("grad",),
        "jacobian": ("jacfwd", "jacrev"),
        "hessian": ("jacfwd of jacrev", "jacfwd of jacfwd"),
    }[problem.derivative]
    return fastest(
        problem,
        (
            (f"{mode} axis={axis}{' fast math' if fast else ''}", partial(build, mode, axis, fast))
            for fast in (False, True)
            for mode in modes
            for axis in (-1, 0)
        ),
    )
