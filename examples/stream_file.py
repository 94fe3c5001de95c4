"""A file of points larger than memory needs to be: from one .npy file into another.

Positions of satellites are read through a memory map and accelerations written through another, in
one call: the kernel reads and writes the files' pages themselves, a chunk of points at a time, and
reports after each. The acceleration is the gradient of the Earth's potential with its flattening,

    U = mu/r (1 - J2 (Re/r)^2 (3 z^2/r^2 - 1)/2),      r = |(x, y, z)|

in km and s. What Python allocates meanwhile is measured and stays far below the size of the files.

Source: D. A. Vallado, "Fundamentals of Astrodynamics and Applications", 4th edition, section 8.7;
constants of the model EGM-96.

    python examples/stream_file.py --points 20000000 --folder /tmp
"""

import argparse
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

import symgrad as sg

MU, J2, RE = 398600.4415, 1.0826266836e-3, 6378.1363


def compile_acceleration():
    """The compiled gradient of the potential."""
    x, y, z = sg.variables("x y z")
    r2 = x**2 + y**2 + z**2
    potential = MU / sg.math.sqrt(r2) * (1 - J2 * RE**2 / r2 * (3 * z**2 / r2 - 1) / 2)
    return sg.compile(potential, [x, y, z], "gradient", name="acceleration")


def acceleration(position):
    """The acceleration as textbooks print it."""
    r2 = np.sum(position**2, axis=1, keepdims=True)
    squared = position[:, 2:] ** 2 / r2
    factor = 1.5 * J2 * RE**2 / r2
    bulge = np.concatenate([1 - 5 * squared] * 2 + [3 - 5 * squared], axis=1)
    return -MU / r2**1.5 * position * (1 + factor * bulge)


def write_positions(path, points, block):
    """Fill a .npy file with positions 200 to 36,000 km above the ground, a block at a time."""
    file = open_memmap(path, "w+", np.float64, (points, 3))
    rng = np.random.default_rng(5)
    for start in range(0, points, block):
        part = file[start : start + block]
        direction = rng.normal(size=part.shape)
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        part[...] = direction * (RE + rng.uniform(200, 36_000, (len(part), 1)))
    file.flush()


def show(done, total):
    """Print the progress on one line of a terminal."""
    if sys.stdout.isatty():
        print(f"\r{done:,} of {total:,} points", end="" if done < total else "\n", flush=True)


def main(points=300_000, folder=None, block=50_000):
    """Write a file of points, stream it through the kernel, check a sample of the result."""
    fn = compile_acceleration()
    with tempfile.TemporaryDirectory(dir=folder) as name:
        source, target = Path(name, "positions.npy"), Path(name, "accelerations.npy")
        write_positions(source, points, block)

        positions = open_memmap(source, "r")
        results = open_memmap(target, "w+", np.float64, (points, *fn.shapes["gradient"]))
        tracemalloc.start()
        begin = time.perf_counter()
        fn(positions, out=results, on_chunk=show)
        results.flush()
        seconds = time.perf_counter() - begin
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        size = source.stat().st_size + target.stat().st_size
        print(f"{size / 1e6:,.0f} MB of files, {peak / 1e6:.1f} MB allocated at most")
        print(f"first call after compile, files flushed: {points / seconds:,.0f} points per second")
        assert peak < size / 4
        del positions, results

        rows = np.random.default_rng(6).integers(0, points, 1000)
        expected = acceleration(open_memmap(source, "r")[rows])
        got = open_memmap(target, "r")[rows]
        error = np.linalg.norm(got - expected, axis=1) / np.linalg.norm(expected, axis=1)
        print(f"1000 rows of the file differ from the closed form by {error.max():.1e} at most")
        assert error.max() < 1e-14


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=20_000_000)
    parser.add_argument("--folder", help="where the files may be; they are removed at the end")
    options = parser.parse_args()
    main(options.points, options.folder, block=1_000_000)
