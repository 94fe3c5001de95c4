"""symgrad: one compiled kernel for the value and the derivative, points last."""

from typing import Any

import numpy as np

import symgrad as sg
from benchmarks.peers.prepared import Prepared, cpu_seconds
from benchmarks.problems import Problem


def prepare(problem: Problem) -> Prepared:
    """Trace the problem through `sg.math` and compile it; nothing comes from the disk cache."""
    m, n = problem.outputs, problem.inputs
    scalar = problem.derivative == "gradient"
    start = cpu_seconds()
    x = sg.variables("x", problem.columns)
    traced = problem.function(sg.math, x)
    fn: Any = sg.compile(
        traced[0] if scalar else traced,
        list(x),
        ["value", problem.derivative],
        wrt=list(x[:n]),
        batch_axis=-1,
        cache=False,
    )
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
        settings="defaults, batch_axis=-1, out=, workers=1; deriving is part of compiling",
        derive_s=None,
        compile_s=compile_s,
        run=run,
        outputs=outputs,
        allocate=allocate,
    )
