"""CasADi's virtual machine: SX values and sparse Jacobian, Function.map over the points."""

from functools import partial
from typing import Any

import casadi
import numpy as np

from benchmarks.peers.prepared import Prepared, cpu_seconds, fastest, points_first
from benchmarks.problems import Problem


def derive(problem: Problem, cse: bool, *, once: bool = False) -> casadi.Function:
    """The Function x -> (value, derivative) of one point, which keeps CasADi's sparsity.

    The rows of a Hessian are the entries of the Jacobian in CasADi's order, column by column. With
    ``once`` it has each pair of symmetric entries once, the lower triangle.
    """
    x = casadi.SX.sym("x", problem.columns)
    entries = casadi.vertsplit(x)
    value = casadi.vertcat(*problem.function(casadi, entries))
    derivative = casadi.jacobian(value, x)[:, : problem.inputs]
    if problem.order == 2 and problem.scalar:
        derivative = casadi.hessian(value, x)[0][: problem.inputs, : problem.inputs]
    elif problem.order == 2:
        derivative = casadi.jacobian(casadi.vec(derivative), x)[:, : problem.inputs]
    if problem.order == 2 and once:
        rows, columns = derivative.sparsity().get_triplet()
        kept = [k for k, r in enumerate(rows) if columns[k] <= r // problem.outputs]
        places = ([axis[k] for k in kept] for axis in (rows, columns))
        pattern = casadi.Sparsity.triplet(*derivative.shape, *places)
        derivative = casadi.project(derivative, pattern)
    results = [value, derivative]
    if cse:
        results = casadi.cse(results)
    return casadi.Function("point", [x], results)


def reader(problem: Problem, function: casadi.Function, *, once: bool = False) -> Any:
    """Reading of (value, nonzeros) arrays of one row a point as dense points-last arrays."""
    m, n = problem.outputs, problem.inputs
    rows, columns = function.sparsity_out(1).get_triplet()
    dense_values, _ = function.sparsity_out(0).get_triplet()

    def outputs(out: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        count = len(out[0])
        value = np.zeros((m, count))
        value[dense_values] = out[0].T
        if problem.order == 2:
            # Row j + m k holds the derivatives of entry k of the gradient of output j.
            second = np.zeros((n, m, n, count))
            second.reshape(m * n, n, count)[rows, columns] = out[1].T
            if once:
                high, low = np.triu_indices(n, 1)
                second[high, :, low] = second[low, :, high]
            return value, second.swapaxes(0, 1).reshape(m, n * n, count)
        derivative = np.zeros((m, n, count))
        derivative[rows, columns] = out[1].T
        return value, derivative

    return outputs


def allocator(function: casadi.Function) -> Any:
    """Allocation of the two arrays: values and Jacobian nonzeros, one row a point."""
    widths = [function.nnz_out(k) for k in range(2)]
    return lambda count: tuple(np.empty((count, width)) for width in widths)


def prepare(problem: Problem) -> Prepared:
    """Take the faster of the Functions with and without common subexpression elimination."""

    def build(cse: bool) -> Prepared:
        start = cpu_seconds()
        function = derive(problem, cse)
        derive_s = cpu_seconds() - start
        mapped: dict[int, tuple[Any, Any]] = {}

        def place(points: np.ndarray) -> np.ndarray:
            count = points.shape[1]
            if count not in mapped:
                mapped[count] = function.map(count, "serial").buffer()
            return points_first(points)

        def run(points: np.ndarray, out: tuple[np.ndarray, np.ndarray]) -> None:
            buffer, call = mapped[len(points)]
            buffer.set_arg(0, memoryview(points))
            buffer.set_res(0, memoryview(out[0]))
            buffer.set_res(1, memoryview(out[1]))
            call()

        return Prepared(
            name="casadi-vm",
            settings="SX Function.map serial through buffer(), points first, Jacobian nonzeros",
            derive_s=derive_s,
            compile_s=0.0,
            run=run,
            outputs=reader(problem, function),
            allocate=allocator(function),
            place=place,
        )

    return fastest(problem, ((f"cse={cse}", partial(build, cse)) for cse in (False, True)))
