"""Rounding errors of raw and optimised derivative programs; `benchmarks.derivation` says how."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import Any

import mpmath
import numpy as np

from benchmarks.counting.counts import recipe
from benchmarks.targets import Task
from symgrad import api, signatures
from symgrad.differentiate.tensors import derive
from symgrad.functions import PRIMITIVES
from symgrad.ir.evaluate import evaluate, mpmath_arithmetic, numpy_arithmetic, run
from symgrad.ir.system import Tensor
from symgrad.options import Options

POINTS, DIGITS, FLOOR = 200, 50, 2.0
"""So many points because the worst of few is the luck of one or two near a cancellation: of 20 it
differs by more than a factor of 2 between programs that are equally exact."""

EPS = 2.0**-52
VANISHING = 1e-30
"""An exact entry this small beside the largest of its array is 0 that 50 digits did not cancel."""

Figures = dict[str, Any]


def measure_accuracy(task: Task) -> Figures:
    """Rounding errors of the raw and the optimised program."""
    options = Options()
    made = recipe(task, options)
    groups = signatures.argument_groups(made)
    low, high = np.array(task.bounds, float).reshape(-1, 2).T[:, :, None]
    points = np.random.default_rng(0).uniform(low, high, (len(task.bounds), POINTS))
    system = api.read_system(made)
    tensors = derive(system, made.requests)
    roots = list(dict.fromkeys(node for t in tensors for node in t.nodes))
    with mpmath.workdps(DIGITS):
        arithmetic = mpmath_arithmetic()
        exact = []
        for point in points.T:
            values = {n: mpmath.mpf(float(x)) for n, x in zip(task.names, point, strict=True)}
            found = evaluate(system.graph, roots, values, arithmetic)
            exact.append(dict(zip(roots, found, strict=True)))
        programs = {
            "raw": api.unsimplified_program(made, options, groups),
            "optimised": api.derive_program(made, options, groups)[2],
        }
        columns = [list(points[: task.inputs]), list(points[task.inputs :])]
        figures: Figures = {}
        for name, program in programs.items():
            with np.errstate(all="ignore"):
                results = run(program, PRIMITIVES, columns, numpy_arithmetic())
            figures[name] = errors(tensors, exact, results)
    worst = {name: max(figures[name]["worst"], FLOOR) for name in programs}
    return figures | {"ratio": worst["optimised"] / worst["raw"]}


def errors(
    tensors: Sequence[Tensor], exact: Sequence[dict[int, Any]], results: Sequence[Sequence[Any]]
) -> Figures:
    """Errors of a program's results in units of eps, of each distinct node once.

    `zeros` counts what is 0 but for rounding, which has no componentwise error (nor has an exact 0
    computed as 0), and `invalid` what is not finite: where the exact entry is not, it is left out;
    where it is, its error is infinite.
    """
    worst, componentwise, zeros, invalid = 0.0, [], 0, 0
    for tensor, result in zip(tensors, results, strict=True):
        place = {node: k for k, node in reversed(list(enumerate(tensor.nodes)))}
        computed = {node: np.broadcast_to(result[k], (POINTS,)) for node, k in place.items()}
        for index, values in enumerate(exact):
            pairs = [(values[node], float(computed[node][index])) for node in place]
            finite = [(x, y) for x, y in pairs if mpmath.isfinite(x)]
            invalid += len(pairs) - sum(math.isfinite(y) for _, y in finite)
            scale = max((abs(x) for x, _ in finite), default=mpmath.mpf(0))
            for x, y in finite:
                error = abs(mpmath.mpf(y) - x) if math.isfinite(y) else mpmath.inf
                if scale:
                    worst = max(worst, float(error / scale) / EPS)
                if abs(x) > VANISHING * scale:
                    componentwise.append(float(error / abs(x)) / EPS)
                elif x or y:
                    zeros += 1
    counts = {"zeros": zeros, "invalid": invalid}
    if not componentwise:
        return {"worst": worst, "median": 0.0, "most": 0.0, **counts}
    return {"worst": worst, "median": median(componentwise), "most": max(componentwise), **counts}
