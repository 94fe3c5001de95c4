"""torch.autograd.grad: a column of points an input, one backward pass an output."""

from typing import Any

import numpy as np
import torch

from benchmarks.peers.prepared import Prepared, Unavailable
from benchmarks.problems import Problem

MOST_POINTS = 65_536


def prepare(problem: Problem) -> Prepared | Unavailable:
    """Nothing is derived or compiled beforehand: each run traces and differentiates anew."""
    if problem.order == 2:
        return Unavailable("torch.autograd", "Hessians are left to torch.func")
    m, n = problem.outputs, problem.inputs
    torch.set_num_threads(1)

    def place(points: np.ndarray) -> list[torch.Tensor]:
        rows = [torch.from_numpy(row.copy()) for row in points]
        return [row.requires_grad_(k < n) for k, row in enumerate(rows)]

    def run(rows: list[torch.Tensor], out: dict[str, Any]) -> None:
        out.clear()  # the former results make room for these
        traced = problem.function(torch, rows)
        ones = torch.ones_like(rows[0])
        out["value"] = traced
        # The outputs of different points do not mix, so a sum over points differentiates them all.
        out["derivative"] = [
            torch.autograd.grad(
                entry, rows[:n], ones, retain_graph=entry is not traced[-1], allow_unused=True
            )
            if torch.is_tensor(entry) and entry.requires_grad
            else (None,) * n
            for entry in traced
        ]

    def outputs(out: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        count = next(len(entry) for entry in out["value"] if torch.is_tensor(entry))
        value, derivative = np.zeros((m, count)), np.zeros((m, n, count))
        for j in range(m):
            entry = out["value"][j]
            value[j] = entry.detach().numpy() if torch.is_tensor(entry) else entry
            for k in range(n):
                partial = out["derivative"][j][k]
                if partial is not None:
                    derivative[j, k] = partial.numpy()
        return value, derivative

    return Prepared(
        name="torch.autograd",
        settings="eager, one grad call an output, one thread, unused entries left out, new tensors",
        derive_s=0.0,
        compile_s=0.0,
        run=run,
        outputs=outputs,
        allocate=lambda _: {},
        place=place,
        most_points=None if m * n <= 8 else MOST_POINTS,
    )
