"""symgrad: one compiled kernel for the value and the derivative, points last.

`prepare` is shared with symgrad_sparse.py, whose kernel writes structural nonzeros alone.
"""

from typing import Any

import numpy as np

import symgrad as sg
from benchmarks.peers.prepared import Prepared, cpu_seconds
from benchmarks.problems import Problem
from symgrad import api, signatures
from symgrad.options import Options
from symgrad.parse.requests import parse_requests


def prepare(problem: Problem, *, sparse: bool = False) -> Prepared:
    """Trace the problem through `sg.math` and compile it; nothing comes from the disk cache."""
    m, n = problem.outputs, problem.inputs
    scalar = problem.scalar
    names = ("value", problem.derivative)
    start = cpu_seconds()
    x = sg.variables("x", problem.columns)
    traced = problem.function(sg.math, x)
    parsed = api.parse(traced[0] if scalar else traced, list(x), wrt=list(x[:n]))
    options = Options(batch_axis=-1, sparse=sparse)
    requests = parse_requests(names, parsed.shape, parsed.wrt)
    recipe = api.make_recipe(parsed, requests, options)
    api.derive_program(recipe, options, signatures.argument_groups(recipe))
    derive_s = cpu_seconds() - start
    start = cpu_seconds()
    fn: Any = api.build(recipe, cache=False)
    compile_s = cpu_seconds() - start

    def allocate(count: int) -> dict[str, np.ndarray]:
        return {name: np.empty((*shape, count)) for name, shape in fn.shapes.items()}

    def run(points: np.ndarray, out: dict[str, np.ndarray]) -> None:
        fn(points, out=out, workers=1)

    def outputs(out: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        derivative = out[problem.derivative]
        if sparse:
            derivative = fn.to_dense(problem.derivative, derivative)
        return out["value"].reshape(m, -1), derivative.reshape(m, problem.partials, -1)

    return Prepared(
        name="symgrad",
        settings=f"{'sparse=True' if sparse else 'defaults'}, batch_axis=-1, out=, workers=1; "
        "compile derives a second time",
        derive_s=derive_s,
        compile_s=compile_s,
        run=run,
        outputs=outputs,
        allocate=allocate,
    )
