"""CasADi's generated C in a C loop over the points, compiled by the system's C compiler.

`prepare` is shared with casadi_c_sparse.py, which stores symmetric entries once.
"""

import ctypes
import shutil
import subprocess
import tempfile
from functools import partial
from pathlib import Path

import casadi
import numpy as np

from benchmarks.peers.casadi_vm import allocator, derive, reader
from benchmarks.peers.prepared import Prepared, Unavailable, cpu_seconds, fastest, points_first
from benchmarks.problems import Problem

FLAGS = ("-O3", "-march=native", "-shared", "-fPIC")
# In one file with the generated function, so that the compiler can inline it.
LOOP = """
void all_points(long long count, const double* x, double* value, double* derivative) {{
  const double* argument[{arguments}];
  double* result[{results}];
  casadi_int integers[{integers} + 1];
  double reals[{reals} + 1];
  for (long long i = 0; i < count; ++i) {{
    argument[0] = x + i * {columns};
    result[0] = value + i * {values};
    result[1] = derivative + i * {nonzeros};
    point(argument, result, integers, reals, 0);
  }}
}}
"""


def source(problem: Problem, function: casadi.Function) -> str:
    """The generated C of one point followed by the loop over points."""
    generator = casadi.CodeGenerator("point.c")
    generator.add(function)
    loop = LOOP.format(
        arguments=function.sz_arg(),
        results=function.sz_res(),
        integers=function.sz_iw(),
        reals=function.sz_w(),
        columns=problem.columns,
        values=function.nnz_out(0),
        nonzeros=function.nnz_out(1),
    )
    return generator.dump() + loop


def prepare(problem: Problem, *, once: bool = False) -> Prepared | Unavailable:
    """Take the faster of the sources with and without common subexpression elimination."""
    compiler = shutil.which("cc")
    if compiler is None:
        return Unavailable("casadi-c", "no C compiler: `cc` is not on the PATH")

    def build(cse: bool) -> Prepared:
        start = cpu_seconds()
        function = derive(problem, cse, once=once)
        derived = cpu_seconds()
        # The directory can go once the library is loaded: the mapping outlives the file.
        with tempfile.TemporaryDirectory() as folder:
            code, library = Path(folder, "point.c"), Path(folder, "point.so")
            code.write_text(source(problem, function))
            subprocess.run([compiler, *FLAGS, code, "-o", library, "-lm"], check=True)
            call = ctypes.CDLL(str(library)).all_points
        call.argtypes = [ctypes.c_longlong] + [ctypes.c_void_p] * 3
        call.restype = None

        def run(points: np.ndarray, out: tuple[np.ndarray, np.ndarray]) -> None:
            call(len(points), points.ctypes.data, out[0].ctypes.data, out[1].ctypes.data)

        return Prepared(
            name="casadi-c",
            settings=f"SX to C, cc {' '.join(FLAGS[:2])}, points first, nonzeros"
            + ", symmetric ones once" * once,
            derive_s=derived - start,
            compile_s=cpu_seconds() - derived,
            run=run,
            outputs=reader(problem, function, once=once),
            allocate=allocator(function),
            place=points_first,
        )

    return fastest(problem, ((f"cse={cse}", partial(build, cse)) for cse in (False, True)))
