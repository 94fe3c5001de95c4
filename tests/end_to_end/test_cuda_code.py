"""Machine code for GPUs, made without one: what every benchmark problem takes, both engines.

For every problem, float64 and float32, points last and points first: it compiles for sm_90 (and in
float64, points last, for sm_80), nothing is spilled, float32 computes in float32, and neighbouring
threads write neighbouring addresses. The instructions are read with ``nvdisasm``; without it those
tests are skipped.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from functools import cache
from importlib.util import find_spec
from itertools import chain, islice, product

import pytest

from benchmarks.problem import Problem
from benchmarks.problems import PROBLEMS, lennard_jones, pair_energy
from symgrad.cuda import STAGES, Stages, gpu_target, kernel_programs
from symgrad.emit.cuda.lowering import lowered
from symgrad.emit.cuda.staging import counts_together, staged
from symgrad.emit.target import Dtype, Target
from symgrad.ir.layout import Layout, Points
from symgrad.ir.program import Program
from symgrad.options import Engine, Options
from symgrad.runtime.cuda.binary import Binary
from tests.emit.cuda.suite import scheduled
from tests.runtime.cuda.machine_code import NEEDS_NVDISASM, Assembly, disassemble

pytest.importorskip("cuda.bindings.nvrtc")

ENGINES: tuple[Engine, ...] = ("nvrtc", "numba")
DTYPES: tuple[Dtype, ...] = ("float64", "float32")
POINTS: tuple[Points, ...] = ("last", "first")

MOST_OPERATIONS = 5_000
"""Larger programs are giants, which may spill; there is none among the problems."""

SLOW_PATH = {"I2F": 1, "DMUL": 1, "F2F": 1}
"""Double precision in one sine or cosine of CUDA's: beyond 105615 it reduces the angle exactly."""

UNROLLED = 200
"""Loops over points of more instructions are not unrolled."""

LOOPS = 7
"""Stores of the loop that copies one entry after the other, which may be unrolled by 4."""

TURNS = ("sincos", "sin", "cos", "tan")


def program(name: str) -> Program:
    """The value and the derivative of a problem as they are scheduled."""
    return scheduled(PROBLEMS[name])


def target(dtype: Dtype) -> Target:
    return gpu_target(Options(dtype=dtype, target="cuda"))


def parts_of(made: Program, dtype: Dtype) -> list[Program]:
    """The Programs of the kernels that compute a Program."""
    return kernel_programs(lowered(made, target(dtype)), target(dtype))


@cache
def lowered_parts(name: str, dtype: Dtype) -> tuple[Program, ...]:
    return tuple(parts_of(program(name), dtype))


def stages_of(engine: Engine) -> Stages:
    for package in STAGES[engine].packages:
        pytest.importorskip(package)
    return STAGES[engine]


@cache
def binaries(
    name: str, engine: Engine, dtype: Dtype, points: Points, arch: str = "sm_90"
) -> tuple[Binary, ...]:
    """The machine code of a problem's kernels."""
    stages = stages_of(engine)
    kernels = [
        stages.emit(part, target(dtype), Layout(points)) for part in lowered_parts(name, dtype)
    ]
    return tuple(stages.build(kernel, arch, False, False) for kernel in kernels)


@cache
def assemblies(name: str) -> dict[tuple[Engine, Dtype, Points], tuple[Assembly, ...]]:
    """The instructions of all of a problem's kernels, which are read at once."""
    known = [one for one in ENGINES if all(map(find_spec, STAGES[one].packages))]
    made = {case: binaries(name, *case) for case in product(known, DTYPES, POINTS)}
    found = iter(disassemble(*chain(*made.values())))
    return {case: tuple(islice(found, len(kernels))) for case, kernels in made.items()}


def kernels_of(
    name: str, engine: Engine, dtype: Dtype, points: Points
) -> list[tuple[Program, Assembly]]:
    """The Programs of a problem's kernels, and their instructions."""
    stages_of(engine)
    found = assemblies(name)[engine, dtype, points]
    return list(zip(lowered_parts(name, dtype), found, strict=True))


def spilled(found: tuple[Binary, ...]) -> int:
    return sum(binary.spilled for binary in found)


@pytest.mark.parametrize("points", POINTS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", PROBLEMS)
def test_no_value_is_spilled(name, engine, dtype, points):
    assert program(name).total <= MOST_OPERATIONS
    assert spilled(binaries(name, engine, dtype, points)) == 0


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", PROBLEMS)
def test_no_value_is_spilled_on_the_older_gpu(name, engine):
    found = binaries(name, engine, "float64", "last", "sm_80")
    assert {binary.arch for binary in found} == {"sm_80"}
    assert spilled(found) == 0


@NEEDS_NVDISASM
@pytest.mark.parametrize("points", POINTS)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", PROBLEMS)
def test_float32_computes_in_float32(name, engine, points):
    for part, code in kernels_of(name, engine, "float32", points):
        turns = sum(part.counts[op] for op in TURNS)
        found = Counter(opcode.split(".")[0] for opcode in code.doubles)
        assert found == Counter({op: count * turns for op, count in SLOW_PATH.items() if turns})


@NEEDS_NVDISASM
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", PROBLEMS)
def test_points_last_are_stored_once_an_entry(name, engine, dtype):
    """Neighbouring threads write neighbouring addresses by themselves: one store an entry."""
    stored = 0
    for part, code in kernels_of(name, engine, dtype, "last"):
        entries = part.counts["store"]
        stored += entries
        stores = code.count("STG")
        if len(part.code) > UNROLLED:
            assert stores == entries
        else:  # the loop over points may be unrolled, and then has a remainder
            assert stores >= entries
            assert stores % entries == 0
        assert code.count("STS") == 0
    assert stored == sum(result.size for result in program(name).results)


@NEEDS_NVDISASM
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", PROBLEMS)
def test_points_first_are_stored_together(name, engine, dtype):
    """Entries go through tiles in shared memory, and from there to memory in wide stores."""
    for part, code in kernels_of(name, engine, dtype, "first"):
        _, tiles = staged(part, target(dtype))
        together = counts_together(tiles, target(dtype))
        copied = sum(-(-one.width // n) for one, n in zip(tiles.chunks, together, strict=True))
        direct = part.counts["store"] - sum(chunk.width for chunk in tiles.chunks)
        alone = sum(result.size == 1 for result in part.results)
        assert direct <= alone, "entries that found no room in a tile are scattered"
        stores = code.count("STG")
        if tiles.chunks:
            # Each has a loop for the last points and for results that are not aligned, too, or
            # all have one function.
            assert direct < stores <= copied + direct + LOOPS * len(tiles.chunks)
            whole = [n * target(dtype).itemsize == 16 for n in together]
            wide = [one for one in code.operations if re.match(r"STG\.\S*128", one.opcode)]
            assert bool(wide) == any(whole), "stores of 16 bytes where rows are aligned"
        else:
            assert stores >= direct
            assert stores % direct == 0
        assert bool(code.count("STS")) == bool(tiles.chunks)


@pytest.mark.parametrize("engine", ENGINES)
def test_twenty_thousand_operations_become_ptx_in_time(engine):
    """Seconds of CPU time, for a program that is larger than any kernel should be."""
    atoms = 40
    bounds = tuple((float(k), k + 1.0) for k in range(3 * atoms))
    problem = Problem("lj40", 3 * atoms, 0, pair_energy(atoms, lennard_jones), bounds, "gradient")
    made = scheduled(problem)
    assert 20_000 < made.total < 25_000
    stages = stages_of(engine)
    start = time.process_time()
    size = 0
    for part in parts_of(made, "float64"):
        size += len(stages.ptx(stages.emit(part, target("float64"), Layout("last")), "sm_90"))
    seconds = time.process_time() - start
    assert size > 500_000
    assert seconds < 15.0
