"""Sums over points on the GPU: exact where they can be, the same for any grid, and totals."""

from __future__ import annotations

from functools import cache
from math import fsum

import numpy as np
import pytest

from symgrad.emit.cuda.record import CudaKernel
from symgrad.emit.cuda.source import cuda_source
from symgrad.emit.cuda.sums import BLOCK, THREADS, summed, totals_source
from symgrad.emit.target import ITEMSIZE, Target
from symgrad.ir.layout import Layout, Points
from symgrad.ir.program import Group, Program, Result
from tests.emit.cuda.batches import evaluate
from tests.emit.cuda.shim import COMPILER, REASON, Launch, compile_hosts
from tests.emit.cuda.test_staging import expected
from tests.emit.cuda.test_tiles import check_slots, shuffled
from tests.emit.readable.test_walk import Builder

SIZES = {"short": (1, 3, 2, 7), "long": (40, 17), "as they come": (80, 90, 1)}
COUNTS = (1, 31, 33, 1000, 1024, 1025, 2100)

pytestmark = pytest.mark.skipif(COMPILER is None, reason=REASON)


def target(dtype: str) -> Target:
    return Target("cuda", 1, dtype, "high", tile=1, lanes=1, reduced=True)


@cache
def compiled() -> dict[tuple[str, str, Points], tuple[Program, CudaKernel, Launch]]:
    keys: list[tuple[str, str, Points]] = [
        (name, dtype, points)
        for name in SIZES
        for dtype in ITEMSIZE
        for points in ("first", "last")
    ]
    programs = [shuffled(SIZES[name], seed=1, constants=0.1) for name, _, _ in keys]
    kernels = [
        cuda_source(program, target(dtype), Layout(points))
        for program, (_, dtype, points) in zip(programs, keys, strict=True)
    ]
    made = zip(programs, kernels, compile_hosts(kernels), strict=True)
    return dict(zip(keys, made, strict=True))


def blocks_of(entries: np.ndarray) -> np.ndarray:
    """The sums of blocks of rows, in double precision."""
    starts = range(0, len(entries), BLOCK)
    return np.stack([entries[start : start + BLOCK].sum(axis=0, dtype=float) for start in starts])


@pytest.mark.parametrize("points", ["first", "last"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", SIZES)
def test_whole_numbers_are_summed_exactly(name: str, dtype: str, points: Points) -> None:
    program, kernel, launch = compiled()[name, dtype, points]
    assert (kernel.threads, kernel.points, kernel.block) == (THREADS, BLOCK, BLOCK)
    for count in COUNTS:
        x = np.random.default_rng(count).integers(-9, 9, (count, 1)).astype(dtype)
        sums = evaluate(launch, kernel, program, Layout(points), [x], extra=count % 2)
        for got, entries in zip(sums, expected(program, x), strict=True):
            np.testing.assert_array_equal(got, blocks_of(entries))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_grid_changes_no_bit(dtype: str) -> None:
    program, kernel, launch = compiled()["long", dtype, "first"]
    x = np.random.default_rng(2).normal(size=(4 * BLOCK + 77, 1)).astype(dtype)
    alone, *others = (
        evaluate(launch, kernel, program, Layout("first"), [x], grid=grid) for grid in (1, 2, 3, 9)
    )
    for other in others:
        for left, right in zip(alone, other, strict=True):
            assert left.tobytes() == right.tobytes()
    bound = 16 * np.finfo(dtype).eps
    for got, entries in zip(alone, expected(program, x), strict=True):
        scale = blocks_of(np.abs(entries))
        assert (np.abs(got - blocks_of(entries)) <= bound * scale).all()


def test_points_that_are_not_there_count_as_nothing() -> None:
    """Lanes without a point repeat the last one: an infinite value must be added once."""
    program, kernel, launch = compiled()["short", "float64", "first"]
    x = np.ones((33, 1))
    x[-1] = np.inf
    sums = evaluate(launch, kernel, program, Layout("first"), [x])
    whole = np.ones((33, 1))
    rest = evaluate(launch, kernel, program, Layout("first"), [whole])
    for got, finite, entries in zip(sums, rest, expected(program, x), strict=True):
        np.testing.assert_array_equal(got, np.where(np.isinf(entries[-1:]), np.inf, finite))
        assert not np.isnan(got).any()


def test_entries_that_come_in_any_order_share_chunks() -> None:
    program = shuffled(SIZES["as they come"], seed=1, constants=0.1)
    tiles = summed(program, target("float64"))
    assert not all(chunk.neighbours for chunk in tiles.chunks)
    assert tiles.refused == 0
    check_slots(tiles)
    text = cuda_source(program, target("float64"), Layout()).text
    tables = text.count("static __device__ const int order")
    assert tables == sum(not chunk.neighbours for chunk in tiles.chunks)


def test_many_results_find_room_as_well() -> None:
    program = shuffled((3,) * 60)
    tiles = summed(program, target("float64"))
    assert tiles.refused == 0
    check_slots(tiles)


def test_parameters_by_value_and_several_groups() -> None:
    do = Builder()
    x, p = do("load", data=(0, 0)), do("load", data=(1, 0))
    do("store", do("mul", x, p), data=(0, 0))
    groups = (Group("inputs", ("x",)), Group("parameters", ("p",)))
    program = Program(groups, (Result("value", ()),), tuple(do.code))
    layout = Layout("last", values=("parameters",))
    kernel = cuda_source(program, target("float64"), layout)
    (launch,) = compile_hosts([kernel])
    given = [np.arange(50.0)[:, None], np.array([3.0])]
    (got,) = evaluate(launch, kernel, program, layout, given)
    assert got.tolist() == [[3 * 1225.0]]


@cache
def totals() -> dict[tuple[str, bool], tuple[CudaKernel, Launch]]:
    keys = [(dtype, add) for dtype in ITEMSIZE for add in (False, True)]
    kernels = [totals_source(dtype, accumulate=add) for dtype, add in keys]
    return dict(zip(keys, zip(kernels, compile_hosts(kernels), strict=True), strict=True))


def total(
    partial: np.ndarray, source: list[int], factor: float, *, grid: int = 3, add: bool = False
) -> np.ndarray:
    """What the second kernel leaves in a result that held ones."""
    kernel, launch = totals()[str(partial.dtype), add]
    places = np.array(source, np.int32)
    out = np.ones(len(source), partial.dtype)
    sizes = [len(partial), partial.shape[1], len(source)]
    addresses = [array.ctypes.data for array in (partial, places, out)]
    launch(grid, kernel.threads, [*sizes, *addresses, float(factor)])
    return out


@pytest.mark.parametrize("add", [False, True])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("blocks", [0, 1, 255, 256, 257, 3000])
def test_totals_are_those_of_exact_arithmetic(blocks: int, dtype: str, add: bool) -> None:
    random = np.random.default_rng(blocks)
    partial = (random.normal(size=(blocks, 5)) * 10.0 ** random.integers(-6, 6, 5)).astype(dtype)
    source = [4, -1, 0, 0, 3]
    got = total(partial, source, 0.5, add=add)
    for entry, column in zip(got, source, strict=True):
        exact = fsum(partial[:, column].astype(float)) / 2 if column >= 0 else 0.0
        wanted = np.dtype(dtype).type(exact)
        wanted = wanted + np.dtype(dtype).type(add)
        assert abs(entry - wanted) <= np.spacing(np.abs(wanted))


def test_the_mean_of_nothing_and_what_is_not_finite() -> None:
    nothing = np.empty((0, 2))
    got = total(nothing, [0, -1], np.nan)
    assert np.isnan(got[0])
    assert got[1] == 0
    partial = np.ones((300, 3))
    partial[7, 0] = np.inf
    partial[9, 1], partial[11, 1] = np.inf, -np.inf
    got = total(partial, [0, 1, 2], 2.0)
    assert got[0] == np.inf
    assert np.isnan(got[1])
    assert got[2] == 600


def test_totals_do_not_depend_on_the_grid() -> None:
    partial = np.random.default_rng(1).normal(size=(1000, 4)).astype("float32")
    made = {total(partial, [0, 1, 2, 3, -1], 1.0, grid=grid).tobytes() for grid in (1, 2, 5, 8)}
    assert len(made) == 1


def test_float32_totals_know_no_double() -> None:
    kernel = totals_source("float32")
    assert "double" not in kernel.text
    assert kernel.name == "sg_totals"
    assert f"{kernel.name}(" in kernel.text
