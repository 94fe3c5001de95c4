"""A few kernels at awkward sizes, for programs that watch them: `python -m benchmarks.gpu_probe`.

``--profile`` calls each kernel of PROFILED once on a million points instead.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import numpy as np

from benchmarks.on_gpu import device as gpu_device
from benchmarks.on_gpu.device import device, given, results_for
from benchmarks.on_gpu.kernels import Kernel, compiled, placed, points_of, problem_of, seed_sizes

SIZES = (1, 31, 257, 1500)
PROFILED_POINTS = 2**20

DENSE = tuple(
    Kernel(f"problem:{name}", ("value", derivative), dtype, points)
    for name, derivative in (("black_scholes", "gradient"), ("ur5", "jacobian"))
    for dtype in ("float64", "float32")
    for points in ("first", "last")
)
CHECKED = (
    *DENSE,
    Kernel("problem:ur5", ("vjp",)),
    Kernel("problem:bundle_adjustment", ("jtj", "jtr", "rss"), reduce="normal"),
    Kernel("problem:rosenbrock10", ("gradient",), reduce="mean", points="last"),
)
PROFILED = tuple(
    Kernel(f"problem:{name}", ("value", derivative), dtype, points)
    for name, derivative in (("sine", "gradient"), ("ur5", "jacobian"), ("lj8", "gradient"))
    for dtype in ("float64", "float32")
    for points in ("last", "first")
)


def check() -> None:
    """Every kernel at every size, from NumPy's memory, so that no other library is watched."""
    for kernel in CHECKED:
        fn = compiled(kernel)
        for count in SIZES:
            problem = problem_of(kernel)
            x = placed(points_of(problem, count, kernel.dtype), kernel.points)
            seeds = {
                name: np.ones((count, size) if kernel.points == "first" else (size, count))
                for name, size in seed_sizes(kernel).items()
            }
            fn(x, **{name: array.astype(kernel.dtype) for name, array in seeds.items()})


def profile() -> None:
    """Every kernel once, its arrays on the GPU."""
    for kernel in PROFILED:
        fn = device().compile(kernel)
        count = PROFILED_POINTS
        tile = points_of(problem_of(kernel), 2**17, kernel.dtype)
        x = device().repeated(tile, count // tile.shape[1], kernel.points)
        out = results_for(kernel, count)
        fn(x, out=given(out))
        device().finish()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="benchmarks.gpu_probe", description=__doc__)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args(argv)
    gpu_device.use(dry=False)
    (profile if options.profile else check)()
    return 0


if __name__ == "__main__":
    sys.exit(main())
