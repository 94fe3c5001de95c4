"""Rows of constants: found, taken out of a program and put back, and written by both engines."""

from __future__ import annotations

from functools import cache
from math import copysign, inf, nan

import numpy as np
import pytest

from symgrad.emit.cuda.fills import FEWEST, SHORTEST, Fill, constant_rows, including, without
from symgrad.emit.cuda.record import CudaKernel
from symgrad.emit.cuda.source import cuda_source
from symgrad.emit.target import ITEMSIZE, Dtype, Target
from symgrad.ir.layout import Layout, Points
from symgrad.ir.program import Group, Program, Result
from tests.emit.cuda.batches import evaluate
from tests.emit.cuda.host import run
from tests.emit.cuda.shim import COMPILER, REASON, Launch, compile_hosts
from tests.emit.readable.test_walk import Builder

CASES = [
    (dtype, Layout(points, accumulate=add))
    for dtype in ITEMSIZE
    for points in ("first", "last")
    for add in (False, True)
]
BAND = 24
COUNTS = (1, 33, 140)


def target(dtype: Dtype) -> Target:
    return Target("cuda", 1, dtype, "high", tile=1, lanes=1)


def banded() -> Program:
    """A matrix with a diagonal of 3*x and -0.5 above it, a row of its own, and a number."""
    do = Builder()
    x = do("load", data=(0, 0))
    zero, three, minus = (do("constant", data=number) for number in (0.0, 3.0, -0.5))
    value = do("mul", x, three)
    for k in range(BAND * BAND):
        row, column = divmod(k, BAND)
        do("store", value if row == column else minus if column > row else zero, data=(0, k))
    for k in range(FEWEST):
        do("store", minus, data=(1, k))
    do("store", value, data=(2, 0))
    results = (Result("hessian", (BAND, BAND)), Result("order3", (FEWEST,)), Result("value", ()))
    return Program((Group("inputs", ("x",)),), results, tuple(do.code))


def expected(x: np.ndarray) -> list[np.ndarray]:
    """The entries of ``banded`` at points x, shape (n, 1)."""
    matrix = np.triu(np.full((BAND, BAND), -0.5), 1) + np.zeros((len(x), 1, 1))
    matrix[:, range(BAND), range(BAND)] = 3 * x
    return [matrix.reshape(len(x), -1), np.full((len(x), FEWEST), -0.5), 3 * x]


def stored(program: Program) -> dict[tuple[int, int], object]:
    """What each entry is: a constant, or None where it is computed."""
    code = program.code
    entries = [i for i in code if i.op == "store"]
    return {i.data: code[i.args[0]].data for i in entries}


def constants(values: list[float]) -> Program:
    do = Builder()
    for position, value in enumerate(values):
        do("store", do("constant", data=value), data=(0, position))
    return Program((), (Result("r", (len(values),)),), tuple(do.code))


def test_rows_are_long_and_many() -> None:
    row, other = [0.0] * SHORTEST, [1.0]
    enough = -(-FEWEST // SHORTEST)
    program = constants([*(row + other) * enough, *row[1:], *other])
    positions = [k for k in range(enough * (SHORTEST + 1)) if (k + 1) % (SHORTEST + 1)]
    assert constant_rows(program) == (Fill(0, 0.0, tuple(positions)),)
    assert constant_rows(constants([0.0] * (FEWEST - 1))) == ()
    assert constant_rows(constants([0.0] * SHORTEST + [1.0] * FEWEST)) == (
        Fill(0, 1.0, tuple(range(SHORTEST, SHORTEST + FEWEST))),
    )


@pytest.mark.parametrize("values", [(0.0, -0.0), (inf, -inf), (nan, 1.0)])
def test_constants_are_told_apart_by_their_bits(values: tuple[float, float]) -> None:
    fills = constant_rows(constants([value for value in values for _ in range(FEWEST)]))
    found = sorted((fill.positions[0], len(fill.positions)) for fill in fills)
    assert found == [(0, FEWEST), (FEWEST, FEWEST)]
    for fill in fills:
        wanted = values[fill.positions[0] // FEWEST]
        assert fill.value.hex() == wanted.hex()
        assert copysign(1, fill.value) == copysign(1, wanted)


def test_rows_are_taken_out_and_put_back() -> None:
    program = banded()
    fills = constant_rows(program)
    assert [(fill.result, fill.value) for fill in fills] == [(0, -0.5), (0, 0.0), (1, -0.5)]
    rest = without(program, fills)
    assert len(stored(rest)) == len(stored(program)) - sum(len(fill.positions) for fill in fills)
    assert without(rest, constant_rows(rest)) is rest
    whole = including(rest, fills)
    assert stored(whole) == stored(program)
    assert constant_rows(whole) == fills


@cache
def compiled() -> list[tuple[CudaKernel, Launch]]:
    kernels = [cuda_source(banded(), target(dtype), layout) for dtype, layout in CASES]
    return list(zip(kernels, compile_hosts(kernels), strict=True))


def assert_filled(got: list[np.ndarray], x: np.ndarray, start: float) -> None:
    for array, wanted in zip(got, expected(x), strict=True):
        np.testing.assert_array_equal(array, wanted + start)


@pytest.mark.skipif(COMPILER is None, reason=REASON)
@pytest.mark.parametrize("number", range(len(CASES)))
def test_cuda_c(number: int) -> None:
    dtype, layout = CASES[number]
    kernel, launch = compiled()[number]
    start = 5.0 * layout.accumulate
    for count in COUNTS:
        x = np.arange(-3.0, count - 3)[:, None].astype(dtype)
        for shift, grid in ((0, 2), (1, 1)):
            options = {"shift": shift, "grid": grid, "start": start}
            assert_filled(evaluate(launch, kernel, banded(), layout, [x], **options), x, start)


@pytest.mark.parametrize("number", range(len(CASES)))
def test_the_intrinsic(number: int) -> None:
    dtype, layout = CASES[number]
    start, x = 5.0 * layout.accumulate, np.arange(-3.0, 37.0)[:, None].astype(dtype)
    got = run(banded(), target(dtype), layout, [x], shift=1, start=start, grid=1)
    assert_filled(got, x, start)


@pytest.mark.parametrize("points", ["first", "last"])
def test_a_loop_has_the_code_of_one_entry(points: Points) -> None:
    text = cuda_source(banded(), target("float64"), Layout(points)).text
    fills = constant_rows(banded())
    alone = list(stored(without(banded(), fills)).values())
    for number, fill in enumerate(fills):
        assert f"fill{number}[{len(fill.positions)}] = {{" in text
        name = ("hessian", "order3")[fill.result]
        assert f"// {len(fill.positions)} entries of {name} are {fill.value}" in text
    for value, loops in ((-0.5, 2), (0.0, 1)):
        assert text.count(f"] = {value};") == alone.count(value) + loops


@pytest.mark.skipif(COMPILER is None, reason=REASON)
def test_nothing_but_constants() -> None:
    program = constants([2.0] * FEWEST)
    program = Program((Group("inputs", ("x",)),), program.results, program.code)
    layouts = [Layout("first"), Layout("last")]
    kernels = [cuda_source(program, target("float64"), layout) for layout in layouts]
    x, wanted = np.zeros((40, 1)), np.full((40, FEWEST), 2.0)
    for layout, kernel, launch in zip(layouts, kernels, compile_hosts(kernels), strict=True):
        (there,) = evaluate(launch, kernel, program, layout, [x])
        (here,) = run(program, target("float64"), layout, [x], grid=1)
        np.testing.assert_array_equal(there, wanted)
        np.testing.assert_array_equal(here, wanted)
