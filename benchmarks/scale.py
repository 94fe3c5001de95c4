"""How the pipeline grows: big graphs, sparse derivatives, long kernels, deep nesting, restarts.

    python -m benchmarks.scale

prints CPU seconds. A gradient of Rosenbrock's function with 10,000 inputs has a graph of more than
100,000 nodes; a Lennard-Jones cluster gives a kernel of some 10,000 operations. Sparse Hessians and
Jacobians are shown at two sizes: what they cost should grow as their nonzeros do.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from typing import Any, NamedTuple

import numpy as np

import symgrad as sg
from benchmarks.problems import Function, kinetics, lennard_jones, pair_energy, rosenbrock
from symgrad import api, signatures
from symgrad.differentiate.tensors import derive
from symgrad.ir.recipe import Recipe
from symgrad.options import Jit, Options
from symgrad.parse.requests import parse_requests

SPARSE_ENTRIES = 2_000_000
"""Entries of a sparse result, over all points, of which the evaluation is timed."""

SECOND = """
import time
start = time.process_time()
import symgrad as sg, symgrad.emit.kernels.kernel as kernel
from symgrad import api, signatures
def refuse(*_):
    raise SystemExit("the second process derives or compiles again")
api.derive_program = kernel.compile_kernel = refuse
fn = sg.compile("x**2*sin(y)", "x y", ["value", "gradient"])
fn([[1.0, 2.0]])
print(time.process_time() - start)
"""


def gradient_recipe(
    function: Function, count: int, results: tuple[str, ...], jit: Jit = "auto"
) -> Recipe:
    """The Recipe of a traced scalar problem of ``count`` inputs."""
    x = sg.variables("x", count)
    parsed = api.parse(function(sg.math, x)[0], x)
    return api.make_recipe(parsed, parse_requests(results, (), parsed.wrt), Options(jit=jit))


def derivation(size: int) -> tuple[int, float]:
    """Nodes after, and seconds of, differentiating Rosenbrock's function of ``size`` inputs."""
    system = api.read_system(gradient_recipe(rosenbrock(size), size, ("gradient",)))
    start = time.process_time()
    derive(system, parse_requests(["gradient"], (), system.wrt))
    return len(system.graph), time.process_time() - start


def compilation(atoms: int) -> tuple[int, float, float]:
    """Operations, seconds to derive and seconds to compile the gradient of a cluster."""
    cluster = pair_energy(atoms, lennard_jones)
    recipe = gradient_recipe(cluster, 3 * atoms, ("value", "gradient"))
    start = time.process_time()
    _, _, program = api.derive_program(recipe, Options(), signatures.argument_groups(recipe))
    derived = time.process_time() - start
    start = time.process_time()
    api.build(recipe, cache=False)
    return program.total, derived, time.process_time() - start - derived


class Interpreted(NamedTuple):
    """A gradient that is interpreted, beside its kernel; CPU seconds.

    Attributes:
        operations: of the program.
        derived: to derive it.
        ready: from there to the first value, interpreted.
        compiled: from there to the first value, compiled.
        point: of a call of one point, interpreted.
        each: ns an operation and point of a call of many, interpreted.
        kernel: the same of the kernel.
    """

    operations: int
    derived: float
    ready: float
    compiled: float
    point: float
    each: float
    kernel: float


def interpretation(atoms: int, points: int = 4096) -> Interpreted:
    """How soon, and at what cost, the gradient of a cluster is interpreted and compiled."""
    cluster = pair_energy(atoms, lennard_jones)
    at = np.random.default_rng(0).uniform(0.5, 1.5, (points, 3 * atoms))
    functions, first, spans = [], [], []
    derive = api.derive_program

    def timed(*given: Any) -> Any:
        start = time.process_time()
        made = derive(*given)
        spans.append(time.process_time() - start)
        return made

    api.derive_program = timed
    try:
        choices: tuple[Jit, ...] = ("never", "always")
        for jit in choices:
            recipe = gradient_recipe(cluster, 3 * atoms, ("value", "gradient"), jit)
            start = time.process_time()
            functions.append(api.build(recipe, cache=False))
            functions[-1](at[0])
            first.append(time.process_time() - start - spans[-1])
    finally:
        api.derive_program = derive
    total = functions[0].program.total
    point, each, kernel = (
        min(evaluation(fn, x) for _ in range(3))
        for fn, x in ((functions[0], at[:1]), (functions[0], at), (functions[1], at))
    )
    each, kernel = (seconds / points / total * 1e9 for seconds in (each, kernel))
    return Interpreted(total, spans[0], *first, point, each, kernel)


def evaluation(fn: sg.CompiledFunction, at: Any) -> float:
    """CPU seconds of a call on one thread."""
    out = fn(at)
    start = time.process_time()
    fn(at, out=out, workers=1)
    return time.process_time() - start


def sparse_derivatives(
    function: Function, inputs: int, wanted: str
) -> tuple[int, float, float, float]:
    """Nonzeros, seconds to derive and to compile, and ns a nonzero and point on one thread."""
    x = sg.variables("x", inputs)
    outputs = function(sg.math, x)
    parsed = api.parse(outputs[0] if len(outputs) == 1 else outputs, x)
    options = Options(sparse=True)
    requests = parse_requests(wanted, parsed.shape, parsed.wrt)
    recipe = api.make_recipe(parsed, requests, options)
    start = time.process_time()
    api.derive_program(recipe, options, signatures.argument_groups(recipe))
    derived = time.process_time() - start
    start = time.process_time()
    fn = api.build(recipe, cache=False)
    compiled = time.process_time() - start - derived
    entries = fn.sparsity[wanted].nnz
    points = max(1, SPARSE_ENTRIES // entries)
    at = np.random.default_rng(0).uniform(0.5, 1.5, (points, inputs))
    result = fn(at)
    spent = []
    for _ in range(3):
        start = time.perf_counter()
        fn(at, out=result, workers=1)
        spent.append(time.perf_counter() - start)
    return entries, derived, compiled, min(spent) / points / entries * 1e9


def nesting(depth: int) -> tuple[float, float]:
    """Seconds to parse, derive and compile ``depth`` nested sines, and the relative error."""
    start = time.process_time()
    fn = sg.compile("sin(" * depth + "x" + ")" * depth, "x", ["value", "gradient"], cache=False)
    seconds = time.process_time() - start
    value, slope = 0.5, 1.0
    for _ in range(depth):
        value, slope = np.sin(value), slope * np.cos(value)
    result = fn(0.5)
    return seconds, max(abs(result.value / value - 1), abs(result.gradient[0] / slope - 1))


def second_process() -> float:
    """CPU seconds of a process that finds everything in the disk cache, imports included."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "SYMGRAD_CACHE_DIR": folder}
        first = SECOND.replace("api.derive_program = kernel.compile_kernel = refuse", "")
        for script in (first, SECOND):
            made = subprocess.run(
                [sys.executable, "-c", script],
                env=environment,
                capture_output=True,
                text=True,
                check=True,
            )
        return float(made.stdout)


def print_sparse(variables: int, species: int) -> None:
    """Print a sparse Hessian and a sparse Jacobian, each at a tenth of the size and at its size."""
    made = [
        *((f"Hessian of {n} inputs", rosenbrock(n), n) for n in (variables // 10, variables)),
        *(
            (f"Jacobian of {n} species and {10 * n} reactions", kinetics(n, 10 * n), n + 1)
            for n in (species // 10, species)
        ),
    ]
    for title, function, inputs in made:
        wanted = title.partition(" ")[0].lower()
        entries, derived, compiled, each = sparse_derivatives(function, inputs, wanted)
        print(f"sparse {title}: {entries} nonzeros, derived in {derived:.2f} s,", end=" ")
        print(f"compiled in {compiled:.2f} s, {each:.2f} ns a nonzero and point")


def main(
    inputs: int = 10_000,
    atoms: int = 28,
    depth: int = 10_000,
    variables: int = 1_000,
    species: int = 100,
    large: int = 87,
) -> None:
    """Print every figure."""
    nodes, seconds = derivation(inputs)
    print(f"Rosenbrock, {inputs} inputs: {nodes} nodes, differentiated in {seconds:.2f} s")
    sg.compile("x", "x", cache=False)  # numba's own start
    operations, derived, compiled = compilation(atoms)
    print(f"{atoms} atoms: {operations} operations derived in {derived:.2f} s,", end=" ")
    print(f"compiled in {compiled:.2f} s")
    made = interpretation(large)
    print(f"{large} atoms: {made.operations} operations derived in {made.derived:.2f} s;", end=" ")
    print(f"first value {made.ready:.2f} s later interpreted, {made.compiled:.2f} s compiled")
    print(f"{large} atoms interpreted: {made.point * 1e3:.3g} ms a point alone,", end=" ")
    print(f"{made.each:.2f} ns an operation and point of many; compiled {made.kernel:.2f} ns")
    seconds, error = nesting(depth)
    print(f"{depth} nested sines: ready in {seconds:.2f} s, relative error {error:.1e}")
    print_sparse(variables, species)
    print(f"second process: {second_process():.2f} s from start to result")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="How the pipeline grows.")
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--atoms", type=int, default=28)
    parser.add_argument("--depth", type=int, default=10_000)
    parser.add_argument("--variables", type=int, default=1_000, help="of the sparse Hessian")
    parser.add_argument("--species", type=int, default=100, help="of the sparse Jacobian")
    parser.add_argument("--large", type=int, default=87, help="atoms of the interpreted cluster")
    main(**vars(parser.parse_args()))
