"""Rows that a warp writes together, and sums over points, in the numba engine's LLVM IR."""

from __future__ import annotations

from math import fsum

import numpy as np
import pytest

from symgrad.emit.cuda import kernel
from symgrad.emit.cuda.lowering import lowered
from symgrad.emit.cuda.source import cuda_source
from symgrad.emit.cuda.sums import BLOCK
from symgrad.emit.cuda.tiles import arranged, gathered
from symgrad.emit.target import Dtype, Target
from symgrad.ir.layout import Layout
from symgrad.ir.program import Group, Instruction, Program, Result
from tests.emit.cuda.batches import evaluate
from tests.emit.cuda.host import run
from tests.emit.cuda.shim import COMPILER, REASON, compile_host
from tests.emit.cuda.suite import case, error_in_ulp

DTYPES: tuple[Dtype, ...] = ("float64", "float32")
FIRST = Layout("first", values=("parameters",))


def gpu(dtype: Dtype = "float64", *, reduced: bool = False) -> Target:
    return Target("cuda", 1, dtype, "high", 1, 1, reduced=reduced)


def powers(*sizes: int, order: int = 1) -> Program:
    """Results whose entry k is the input plus k, stored upwards or downwards, interleaved."""
    code = [Instruction("load", (), (0, 0))]
    stores = [(result, k) for k in range(max(sizes)) for result, n in enumerate(sizes) if k < n]
    for result, position in stores[::order]:
        code.append(Instruction("constant", (), float(position)))
        code.append(Instruction("add", (0, len(code) - 1)))
        code.append(Instruction("store", (len(code) - 1,), (result, position)))
    results = tuple(Result(f"r{k}", (size,)) for k, size in enumerate(sizes))
    return Program((Group("inputs", ("a",)),), results, tuple(code))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shift", [0, 1])
@pytest.mark.parametrize("accumulate", [False, True])
@pytest.mark.parametrize(
    "sizes", [(2,), (3,), (4,), (9,), (16,), (17, 6), (25, 1), (40,), (72, 5)], ids=str
)
def test_rows(sizes: tuple[int, ...], accumulate: bool, shift: int, dtype: Dtype) -> None:
    """A whole warp and a part of one, whether or not 16 bytes can be stored together."""
    a = np.random.default_rng(len(sizes)).random((41, 1)).astype(dtype)
    program, start = powers(*sizes, order=-1 if shift else 1), 100.0 if accumulate else 0.0
    layout = Layout("first", accumulate=accumulate)
    got = run(program, gpu(dtype), layout, [a], shift=shift, start=start, grid=1)
    for array, size in zip(got, sizes, strict=True):
        expected = a + np.arange(size, dtype=dtype)
        np.testing.assert_array_equal(array, np.array(start, dtype) + expected)


def test_entries_without_a_tile(monkeypatch: pytest.MonkeyPatch) -> None:
    """What finds no room is stored directly, by no thread twice where results are added to."""
    program = powers(9, 9, 9)
    tiles = arranged(program, 4, 10, smallest=2)
    assert 0 < tiles.refused < 27
    monkeypatch.setattr(kernel, "staged", lambda program, target: (64, tiles))
    a = np.random.default_rng(2).random((5, 1))
    for start in (0.0, 3.0):
        layout = Layout("first", accumulate=start > 0)
        got = run(program, gpu(), layout, [a], start=start, grid=1)
        for array in got:
            np.testing.assert_array_equal(array, start + (a + np.arange(9.0)))


@pytest.mark.parametrize("name", ["bundle_adjustment", "iiwa7", "pollu", "sph7", "kerr"])
def test_problems_points_first(name: str) -> None:
    one, target = case(name), Target("cuda", 1, "float64", "high", 1, 1, contract=True)
    got = run(lowered(one.program, target), target, FIRST, one.groups, grid=1)
    assert error_in_ulp(got, one.exact) <= 4 * max(one.error, 1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("points", ["first", "last"])
def test_sums(points: str, dtype: Dtype) -> None:
    """Sums of blocks, the last of which has a part of a warp, against exact sums."""
    a = np.random.default_rng(4).random((BLOCK + 333, 1)).astype(dtype)
    got = run(powers(9, 1), gpu(dtype, reduced=True), Layout(points), [a])  # type: ignore[arg-type]
    for array, size in zip(got, (9, 1), strict=True):
        assert array.shape == (2, size)
        rounded = (a + np.arange(size, dtype=dtype)).astype(float)
        for row, part in zip(array, (rounded[:BLOCK], rounded[BLOCK:]), strict=True):
            expected = [fsum(column) for column in part.T]
            np.testing.assert_allclose(row, expected, rtol=8 * np.finfo(dtype).eps)


@pytest.mark.skipif(COMPILER is None, reason=REASON)
@pytest.mark.parametrize("reduced", [False, True])
@pytest.mark.parametrize("name", ["lj8", "pollu"])
def test_both_engines_have_the_same_bits(name: str, reduced: bool) -> None:
    """A rational function's rows, and every addition of a sum, in the same place of the tree."""
    one, target = case(name), gpu(reduced=reduced)
    program = lowered(one.program, target)
    shifts = 0.01 * np.random.default_rng(6).random((BLOCK + 77, one.groups[0].shape[1]))
    points = one.groups[0][0] + shifts
    points = points if reduced else points[:45]
    made = cuda_source(program, target, FIRST)
    there = evaluate(compile_host(made), made, program, FIRST, [points])
    for mine, other in zip(run(program, target, FIRST, [points]), there, strict=True):
        np.testing.assert_array_equal(mine, other)


def test_sums_of_entries_that_are_no_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chunk of entries as they come has a table of where they belong."""
    program = powers(7, 5, order=-1)
    tiles = gathered(program, 3, 8)
    assert not tiles.refused
    assert not all(chunk.neighbours for chunk in tiles.chunks)
    monkeypatch.setattr(kernel, "summed", lambda program, target: tiles)
    a = np.random.default_rng(7).random((90, 1))
    for array in run(program, gpu(reduced=True), Layout("first"), [a]):
        expected = [fsum(column) for column in (a + np.arange(array.shape[1])).T]
        np.testing.assert_allclose(array[0], expected, rtol=1e-15)
