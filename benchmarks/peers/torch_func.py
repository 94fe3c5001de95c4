"""torch.func: vmap of jacrev, jacfwd or grad; every operation is a pass over the points.

`variants` is shared with torch_compile.py, which has the same functions compiled.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.func import grad_and_value, jacfwd, jacrev, vmap

from benchmarks.peers.prepared import Prepared, cpu_seconds, fastest
from benchmarks.problems import Problem

MOST_POINTS = 65_536


def variants(
    problem: Problem, name: str, transform: Callable[[Any], Any]
) -> Iterator[tuple[str, Callable[[], Prepared]]]:
    """(label, build) of every mode with points last and first; `transform` is put around each."""
    m, n = problem.outputs, problem.inputs
    torch.set_num_threads(1)

    def values(x: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
        entries = [*x, *parameters] if problem.parameters else x
        traced = problem.function(torch, entries)
        return torch.stack([t if torch.is_tensor(t) else x.new_tensor(t) for t in traced])

    def by_grad(point: torch.Tensor) -> Any:
        return grad_and_value(lambda x: values(x, point[n:])[0])(point[:n])

    def by_jacobian(transforms: Any, point: torch.Tensor) -> Any:
        def twice(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            result = values(x, point[n:])
            return result, result

        transformed: Any = twice
        for one in transforms:
            transformed = one(transformed, has_aux=True)
        return transformed(point[:n])

    def build(one_point: Any, axis: int) -> Prepared:
        start = cpu_seconds()
        mapped = transform(vmap(one_point, in_dims=axis, out_dims=axis))

        def place(points: np.ndarray) -> torch.Tensor:
            return torch.from_numpy(np.ascontiguousarray(points.T if axis == 0 else points))

        def run(points: torch.Tensor, out: dict[str, Any]) -> None:
            out.clear()  # the former results make room for these
            out["results"] = mapped(points)

        def outputs(out: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
            derivative, value = (np.moveaxis(r.numpy(), axis, -1) for r in out["results"])
            count = value.shape[-1]
            return value.reshape(m, count), derivative.reshape(m, problem.partials, count)

        return Prepared(
            name=name,
            settings="vmap, one thread, new result tensors each run",
            derive_s=cpu_seconds() - start,
            compile_s=0.0,
            run=run,
            outputs=outputs,
            allocate=lambda _: {},
            place=place,
            # A Jacobian keeps every intermediate for every seed: millions of points do not fit.
            most_points=None if m * problem.partials <= 8 else MOST_POINTS,
        )

    modes: dict[str, Any] = {
        "gradient": {"grad": by_grad},
        "jacobian": {
            "jacfwd": partial(by_jacobian, (jacfwd,)),
            "jacrev": partial(by_jacobian, (jacrev,)),
        },
        "hessian": {
            "jacfwd of jacrev": partial(by_jacobian, (jacrev, jacfwd)),
            "jacfwd of jacfwd": partial(by_jacobian, (jacfwd, jacfwd)),
        },
    }[problem.derivative]
    for mode, one_point in modes.items():
        for axis in (-1, 0):
            yield f"{mode} axis={axis}", partial(build, one_point, axis)


def prepare(problem: Problem) -> Prepared:
    """Take the fastest of the modes with points first or last; there is nothing to compile."""
    return fastest(problem, variants(problem, "torch.func", lambda function: function))
