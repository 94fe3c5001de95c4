"""symgrad: one compiled kernel for the value and the derivative, points last."""

from typing import Any

import numpy as np

import symgrad as sg
from benchmarks.peers.prepared import Prepared, cpu_seconds
from benchmarks.problems import Problem
from symgrad import api
from symgrad.options import Options
from symgrad.parse.requests import parse_requests


def prepare(problem: Problem) -> Prepared:
    """Trace the problem through `sg.math` and compile it; nothing comes from the disk cache."""
    m, n = problem.outputs, problem.inputs
    scalar = problem.derivative == "gradient"
    start = cpu_seconds()
    x = sg.variables("x", problem.columns)
    traced = problem.function(sg.math, x)
    parsed = api.parse(traced[0] if scalar else traced, list(x), wrt=list(x[:n]))
    options = Options(batch_axis=-1)
    requests = parse_requests(["value", problem.derivative], parsed.shape, parsed.wrt)
    recipe = api.make_recipe(parsed, requests, options)
    api.derive_program(recipe, options, api.argument_groups(recipe))
    derive_s = cpu_seconds() - start
    start = cpu_seconds()
    fn: Any = api.build(recipe, cache=False)
    compile_s = cpu_seconds() - start

    def allocate(count: int) -> dict[str, np.ndarray]:
        if scalar:
            return {"value": np.empty(count), "gradient": np.empty((n, count))}
        return {"value": np.empty((m, count)), "jacobian": np.empty((m, n, count))}

    def run(points: np.ndarray, out: dict[str, np.ndarray]) -> None:
        fn(points, out=out, workers=1)

    def outputs(out: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        return out["value"].reshape(m, -1), out[problem.derivative].reshape(m, n, -1)

    return Prepared(
        name="symgrad",
        settings="defaults, batch_axis=-1, out=, workers=1; compile derives a second time",
        derive_s=derive_s,
        compile_s=compile_s,
        run=run,
        outputs=outputs,
        allocate=allocate,
    )
