"""Results through shared memory: whatever the sizes, the order and the alignment, every entry."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import pytest

from symgrad.emit.cuda.record import CudaKernel
from symgrad.emit.cuda.source import cuda_source
from symgrad.emit.cuda.staging import (
    INLINED,
    TIERS,
    WIDE,
    counts_together,
    pack,
    staged,
)
from symgrad.emit.cuda.tiles import WARP, Chunk
from symgrad.emit.target import ITEMSIZE, Target
from symgrad.ir.layout import Layout
from symgrad.ir.program import Group, Program, Result
from tests.emit.cuda.batches import evaluate
from tests.emit.cuda.shim import COMPILER, REASON, Launch, compile_hosts
from tests.emit.cuda.test_tiles import shuffled
from tests.emit.readable.test_walk import Builder

SIZES = {
    "short": (2, 3, 4, 5, 7, 8, 12, 1),
    "whole rows": (16, 17, 24, 1, 6),
    "rows in chunks": (25, 40, 49, 31),
    "float32 rows": (48, 33, 32, 50),
    "too much": (260, 147, 300),
}
COUNTS = (0, 1, 31, 32, 33, 200)
NEEDS_COMPILER = pytest.mark.skipif(COMPILER is None, reason=REASON)


def target(dtype: str) -> Target:
    return Target("cuda", 1, dtype, "high", tile=1, lanes=1)


def layout(accumulate: bool = False) -> Layout:
    return Layout("first", accumulate=accumulate)


@cache
def compiled() -> dict[tuple[str, str, bool], tuple[Program, CudaKernel, Launch]]:
    """Every program as a kernel, all of them compiled together."""
    keys = [(name, dtype, add) for name in SIZES for dtype in ITEMSIZE for add in (False, True)]
    programs = [shuffled(SIZES[name], seed=len(name)) for name, _, _ in keys]
    kernels = [
        cuda_source(program, target(dtype), layout(add))
        for program, (_, dtype, add) in zip(programs, keys, strict=True)
    ]
    made = zip(programs, kernels, compile_hosts(kernels), strict=True)
    return dict(zip(keys, made, strict=True))


def expected(program: Program, x: np.ndarray) -> list[np.ndarray]:
    """What ``shuffled`` computes: a multiple of x, or a constant."""
    made = [np.empty((len(x), result.size), x.dtype) for result in program.results]
    for op, args, data in program.code:
        if op == "store":
            given = program.code[args[0]]
            number = 100 * data[0] + data[1] + 1
            made[data[0]][:, data[1]] = number if given.op == "constant" else number * x[:, 0]
    return made


@NEEDS_COMPILER
@pytest.mark.parametrize("accumulate", [False, True])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", SIZES)
def test_every_entry_arrives(name: str, dtype: str, accumulate: bool) -> None:
    program, kernel, launch = compiled()[name, dtype, accumulate]
    for count in COUNTS:
        x = np.random.default_rng(count).integers(-40, 40, (count, 1)).astype(dtype)
        for shift, grid in ((0, 2), (1, 1), (2, 20)):
            options = {"shift": shift, "grid": grid, "extra": shift, "start": 5.0 * accumulate}
            results = evaluate(launch, kernel, program, layout(accumulate), [x], **options)
            for got, wanted in zip(results, expected(program, x), strict=True):
                np.testing.assert_array_equal(got, wanted + 5 * accumulate)


def test_what_finds_no_room_is_stored_directly() -> None:
    program = shuffled(SIZES["too much"], seed=len("too much"))
    _, tiles = staged(program, target("float64"))
    assert tiles.refused > 0
    text = cuda_source(program, target("float64"), layout()).text
    assert text.count("if (lane < rows) ") == tiles.refused


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", SIZES)
def test_a_block_has_no_more_shared_memory_than_every_gpu_gives(name: str, dtype: str) -> None:
    program = shuffled(SIZES[name])
    threads, tiles = staged(program, target(dtype))
    assert threads in {tier[0] for tier in TIERS}
    text = cuda_source(program, target(dtype), layout()).text
    warps, size = map(int, re.search(r"tiles\[(\d+)\]\[(\d+)\]", text).groups())
    assert (warps, size) == (threads // WARP, WARP * tiles.size)
    assert warps * size * ITEMSIZE[dtype] <= 48 * 1024


def test_small_programs_leave_room_for_many_warps() -> None:
    threads, tiles = staged(shuffled((9, 3)), target("float64"))
    assert threads == 128
    assert WARP * tiles.size * 8 <= 6 * 1024


@pytest.mark.parametrize(
    ("width", "length", "first", "dtype", "together"),
    [
        (3, 3, 0, "float64", 2),  # rows without gaps are one stretch
        (12, 12, 0, "float64", 2),
        (16, 72, 16, "float64", 2),
        (16, 49, 16, "float64", 1),  # every other row begins at an odd place
        (8, 72, 4, "float32", 4),
        (6, 14, 8, "float32", 2),
        (7, 7, 0, "float32", 4),
        (1, 9, 8, "float64", 1),
    ],
)
def test_lanes_copy_sixteen_bytes_where_rows_allow_it(
    width: int, length: int, first: int, dtype: str, together: int
) -> None:
    positions = tuple(range(first, first + width))
    chunk = Chunk(0, positions, width if width % 4 else width + 1)
    assert pack(chunk, length, WIDE // ITEMSIZE[dtype]) == together


def test_the_text_has_the_stores_that_it_needs() -> None:
    program = shuffled((3, 49), constants=0.0)
    _, tiles = staged(program, target("float64"))
    counts = counts_together(tiles, target("float64"))
    assert sorted(set(counts)) == [1, 2]
    text = cuda_source(program, target("float64"), layout()).text
    assert text.count("static __device__ __forceinline__ void put(") == 2
    assert "__stcs((double2 *)place, make_double2(values[0], values[1]));" in text
    assert text.count("copy_out<") == len(tiles.chunks)


@pytest.mark.parametrize(("size", "few"), [(100, True), (300, False)])
def test_many_chunks_share_the_code_that_copies_them(size: int, few: bool) -> None:
    do = Builder()
    x = do("load", data=(0, 0))
    for position in range(size):
        do("store", x, data=(0, position))
    program = Program((Group("inputs", ("x",)),), (Result("u", (size,)),), tuple(do.code))
    _, tiles = staged(program, target("float64"))
    assert (len(tiles.chunks) <= INLINED) == few
    widths = [chunk.width for chunk in tiles.chunks]
    assert widths == [16] * (size // 16) + [size % 16]
    assert set(counts_together(tiles, target("float64"))) == {2}
    text = cuda_source(program, target("float64"), layout()).text
    assert ("__forceinline__ void\ncopy_out(" in text) == few
    assert ("__noinline__ void\ncopy_out(" in text) == (not few)


def test_results_of_one_entry_need_no_tile() -> None:
    text = cuda_source(shuffled((1, 1)), target("float64"), layout()).text
    assert "__shared__" not in text
    assert "u" not in re.findall(r"(\w+)\[i\] = ", text)
    assert len(re.findall(r"\w+\[i\] = ", text)) == 2
