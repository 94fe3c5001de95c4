"""torch.compile of the functions of torch_func.py, each for one number of points."""

import shutil
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch

from benchmarks.peers.prepared import (
    PROBE_POINTS,
    Prepared,
    Unavailable,
    cpu_seconds,
    fastest,
)
from benchmarks.peers.torch_func import variants
from benchmarks.problems import Problem


def compiled(function: Any) -> Any:
    """The function compiled as one graph, anew for each shape; nothing falls back to eager."""
    torch._dynamo.reset()
    return torch.compile(function, fullgraph=True, dynamic=False)


def prepare(problem: Problem) -> Prepared | Unavailable:
    """Take the fastest of the modes; compiling happens in the first call of each shape."""
    if shutil.which("g++") is None:
        return Unavailable("torch.compile", "no C++ compiler: `g++` is not on the PATH")

    def build(plain: Any) -> Prepared:
        prepared: Prepared = plain()
        start = cpu_seconds()
        points = problem.points(np.random.default_rng(0), PROBE_POINTS)
        prepared.run(prepared.place(points), prepared.allocate(PROBE_POINTS))
        return replace(prepared, derive_s=None, compile_s=cpu_seconds() - start)

    made = variants(problem, "torch.compile", compiled)
    return fastest(problem, ((label, partial(build, plain)) for label, plain in made))
