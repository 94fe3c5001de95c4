"""What deriving and compiling cost, and starting: `python -m benchmarks.compile_times`.

CPU seconds from the traced function to something that can be called, value and gradient or
Jacobian, each peer in a process of its own that has compiled something before. heyoka's figure is
the lower of compact mode on and off, JAX's the one of `jit(vmap(value_and_grad))` at 1,024 points
or of the faster Jacobian mode. "/1000" is symgrad's for 1,000 operations of its program. Clusters
of Lennard-Jones atoms, up to about 30,000 operations, show how the cost grows.

The last lines are new processes: one that finds a compiled function in the cache and calls it,
beside one that imports the same libraries and calls one cached njit function, in turn; and that
formula text is compiled without SymPy.
"""

import argparse
import importlib
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import geometric_mean, median
from typing import Any

from benchmarks.peers.prepared import Unavailable, cpu_seconds
from benchmarks.problem import Problem
from benchmarks.problems import around, lennard_jones, pair_energy
from benchmarks.side_by_side import default_core, number, pinned
from benchmarks.suite_problems import find, suite
from benchmarks.suite_workers import Worker

PEERS = ("heyoka", "jax")
ATOMS = (4, 9, 16, 28, 48)
POINTS = 1024
AIM = 0.35
"""CPU seconds for 1,000 operations."""

ATOM_SPACING, ATOM_JITTER = 1.2, 0.1

OURS = """
import sys
import symgrad as sg
fn = sg.compile("x**2*sin(y)", "x y", ["value", "gradient"])
assert fn([[1.0, 2.0]]).gradient.shape == (1, 2)
assert "sympy" not in sys.modules, "SymPy was imported"
"""
THEIRS = """
import numpy, numba, llvmlite.binding, platformdirs
from cached_function import value_and_gradient
import numpy as np
value_and_gradient(np.ones((1, 2)), np.ones(1), np.ones((1, 2)))
"""
CACHED = """
import math
import numba

@numba.njit("void(float64[:,::1], float64[::1], float64[:,::1])", cache=True, nogil=True)
def value_and_gradient(x, value, gradient):
    for i in range(len(x)):
        sine, cosine = math.sin(x[i, 1]), math.cos(x[i, 1])
        value[i] = x[i, 0] ** 2 * sine
        gradient[i, 0] = 2 * x[i, 0] * sine
        gradient[i, 1] = x[i, 0] ** 2 * cosine
"""


def cluster(atoms: int) -> Problem:
    """The Lennard-Jones energy of some atoms on a cubic lattice."""
    sites = itertools.islice(itertools.product(range(4), repeat=3), atoms)
    places = (tuple(ATOM_SPACING * k for k in site) for site in sites)
    box = around(places, ATOM_JITTER)
    function = pair_energy(atoms, lennard_jones)
    return Problem(f"{atoms} atoms", 3 * atoms, 0, function, box, "gradient")


def problem_of(name: str) -> Problem:
    """A problem of the suite, or the cluster of "16 atoms"."""
    count, _, rest = name.partition(" ")
    return cluster(int(count)) if rest == "atoms" else find(name)


def by_symgrad(problem: Problem) -> tuple[float, int]:
    """CPU seconds to derive and compile anew, and the operations of the program."""
    import symgrad as sg

    x = sg.variables("x", problem.columns)
    traced = problem.function(sg.math, x)
    start = cpu_seconds()
    fn: Any = sg.compile(
        traced[0] if problem.scalar else traced,
        list(x),
        ["value", problem.derivative],
        wrt=list(x[: problem.inputs]),
        batch_axis=-1,
        cache=False,
    )
    return cpu_seconds() - start, fn.operations.total


def by_heyoka(problem: Problem) -> tuple[float, int]:
    """The lower of the CPU seconds with and without compact mode; no operations."""
    import heyoka

    from benchmarks.peers.heyoka_cfunc import by_tensors

    heyoka.llvm_state.set_diskcache_enabled(False)
    spent = []
    for compact in (True, False):
        x = heyoka.make_vars(*[f"x{k}" for k in range(problem.columns)])
        x = list(x) if isinstance(x, list | tuple) else [x]
        traced = [
            entry if isinstance(entry, heyoka.expression) else heyoka.expression(float(entry))
            for entry in problem.function(heyoka, x)
        ]
        heyoka.llvm_state.clear_memcache()
        start = cpu_seconds()
        flat = traced + by_tensors(traced, x[: problem.inputs], problem.order)
        heyoka.cfunc(flat, vars=x, fast_math=True, compact_mode=compact)
        spent.append(cpu_seconds() - start)
        if spent[0] > SLOW:
            break  # without compact mode it grows faster than the program does
    return min(spent), 0


SLOW = 10.0


def by_jax(problem: Problem) -> tuple[float, int]:
    """The CPU seconds of the faster mode; no operations."""
    jax_vmap = importlib.import_module("benchmarks.peers.jax_vmap")
    jax = jax_vmap.jax
    jax.config.update("jax_enable_x64", True)
    shape = jax.ShapeDtypeStruct((problem.columns, POINTS), "float64")
    spent: list[float] = []
    for mode in ("grad",) if problem.scalar else ("jacfwd", "jacrev"):
        start = cpu_seconds()
        mapped = jax.vmap(jax_vmap.one_point(problem, mode), in_axes=-1, out_axes=-1)
        jax.jit(mapped).lower(shape).compile()
        spent.append(cpu_seconds() - start)
    return min(spent), 0


COMPILERS: dict[str, Callable[[Problem], tuple[float, int]]] = {
    "symgrad": by_symgrad,
    "heyoka": by_heyoka,
    "jax": by_jax,
}


def compile_seconds(peer: str, name: str) -> tuple[float, int]:
    """What a process of `suite_workers` answers: the seconds, and operations if it is symgrad."""
    COMPILERS[peer](cluster(2))  # the libraries' own start
    return COMPILERS[peer](problem_of(name))


def new_process(script: str, environment: dict[str, str]) -> tuple[float, float]:
    """Wall and CPU seconds of a process that runs a script."""
    before, start = os.times(), time.perf_counter()
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)
    after, end = os.times(), time.perf_counter()
    user = after.children_user - before.children_user
    return end - start, user + after.children_system - before.children_system


def starts(rounds: int) -> dict[str, float]:
    """Medians of cached starts in CPU seconds, and of the paired ratios, wall and CPU."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "cached_function.py").write_text(CACHED, encoding="utf-8")
        path = os.pathsep.join([folder, os.getcwd(), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "SYMGRAD_CACHE_DIR": folder, "PYTHONPATH": path}
        environment.pop("NUMBA_CACHE_DIR", None)
        # Modules are bytecode from the second start on, as they are for whoever installs them.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        environment["PYTHONPYCACHEPREFIX"] = str(Path(folder, "bytecode"))
        for script in (OURS, THEIRS):  # fill the caches
            new_process(script, environment)
        pairs = [[new_process(script, environment) for script in (OURS, THEIRS)]
                 for _ in range(rounds)]  # fmt: skip
    return {
        "symgrad, s": median(ours[1] for ours, _ in pairs),
        "njit, s": median(theirs[1] for _, theirs in pairs),
        "ratio, CPU": median(ours[1] / theirs[1] for ours, theirs in pairs),
        "ratio, wall": median(ours[0] / theirs[0] for ours, theirs in pairs),
    }


def cell(answer: Any, ours: float) -> str:
    """A peer's seconds and how many times as long that is as symgrad's."""
    if isinstance(answer, Unavailable):
        return answer.reason.partition(" s ")[0] if answer.reason.startswith(">") else "-"
    return f"{number(answer[0])} ({number(answer[0] / ours)}x)"


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table and the starts."""
    parser = argparse.ArgumentParser(prog="benchmarks.compile_times", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--problems", nargs="*", metavar="WORD", help="that occur in the names")
    parser.add_argument("--atoms", nargs="*", type=int, default=ATOMS)
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=PEERS)
    parser.add_argument("--seconds", type=float, default=60.0, help="a peer has for a problem")
    parser.add_argument("--starts", type=int, default=7, help="new processes of each kind")
    parser.add_argument("--core", type=int, help="the core to run on (default: the last one)")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(argv)
    words = [""] if options.problems is None else options.problems
    names = [name for name in suite() if "hessian" not in name and any(w in name for w in words)]
    names += [f"{count} atoms" for count in options.atoms]
    print(f"{'problem':<36}{'operations':>11}{'s':>9}{'/1000':>8}", end="")
    print("".join(f"{peer:>18}" for peer in options.peers), flush=True)
    figures: dict[str, Any] = {}
    with pinned(default_core(options.core)), ExitStack() as stack:
        peers = ("symgrad", *options.peers)
        workers = {peer: stack.enter_context(closing(Worker(peer))) for peer in peers}
        for name in names:
            found = {
                peer: worker.ask("compile", name, seconds=options.seconds)
                for peer, worker in workers.items()
            }
            if isinstance(found["symgrad"], Unavailable):
                print(f"{name:<36}{found['symgrad'].reason}", flush=True)
                continue
            seconds, operations = found["symgrad"]
            each = seconds / max(operations, 1) * 1000
            print(f"{name:<36}{operations:>11}{seconds:>9.3g}{each:>8.3g}", end="")
            print(
                "".join(f"{cell(found[peer], seconds):>18}" for peer in options.peers), flush=True
            )
            figures[name] = {
                peer: None if isinstance(answer, Unavailable) else answer
                for peer, answer in found.items()
            }
        for peer in options.peers:
            ratios = {n: f[peer][0] / f["symgrad"][0] for n, f in figures.items() if f[peer]}
            if ratios:
                least = min(ratios, key=lambda n: ratios[n])
                mean = geometric_mean(ratios.values())
                print(f"{peer}: {mean:.2f} times as long as symgrad in the geometric mean", end="")
                print(f" of {len(ratios)}, least {ratios[least]:.2f} ({least})")
        if options.starts:
            figures["starts"] = starts(options.starts)
            print("a new process, cached: " + ", ".join(
                f"{name} {value:.2f}" for name, value in figures["starts"].items()
            ) + "; without SymPy")  # fmt: skip
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
