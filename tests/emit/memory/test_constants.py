import numpy as np
import pytest

import symgrad as sg
from symgrad.emit.memory.constants import constant_entries, is_constant_store
from symgrad.emit.target import ITEMSIZE
from symgrad.ir.program import (
    DIRECTLY,
    GATHERED,
    THROUGH,
    Group,
    Instruction,
    Program,
    Result,
)
from tests.emit.kernels.test_kernel import assert_same_bits, load_program
from tests.emit.kernels.test_loop import GUARD, LAYOUTS

CONSTANTS = [0.0, -0.0, 1.0]


def program_of(values):
    """A program that loads one column and stores constants into a vector."""
    code = [Instruction("load", (), (0, 0))]
    for position, value in enumerate(values):
        code.append(Instruction("constant", (), value))
        code.append(Instruction("store", (len(code) - 1,), (0, position)))
    return Program((Group("inputs", ("x",)),), (Result("value", (len(values),)),), tuple(code))


def test_constants_are_found_by_their_stores():
    program = program_of(CONSTANTS)
    stores = [i for i in program.code if i.op == "store"]
    assert all(is_constant_store(program, store) for store in stores)
    assert not is_constant_store(program, program.code[0])
    assert constant_entries(program) == [{0: 0.0, 1: -0.0, 2: 1.0}]


@pytest.mark.parametrize("batch_axis", [0, -1])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_zeros_are_stored_between_the_entries(dtype, batch_axis):
    names = [f"x{i}" for i in range(9)]
    outputs = [f"x{i}**2 + x{(i + 2) % 9}" for i in range(9)]
    fn = sg.compile(outputs, names, ["value", "jacobian"], dtype=dtype, batch_axis=batch_axis)
    points = np.random.default_rng(5).uniform(1, 2, (9, 77) if batch_axis else (77, 9))
    out = {
        name: np.full((*shape, 77) if batch_axis else (77, *shape), np.nan, dtype)
        for name, shape in fn.shapes.items()
    }
    fn(points, out=out)
    table = points.astype(dtype) if batch_axis == 0 else points.T.astype(dtype)
    expected = np.zeros((77, 9, 9), dtype)
    for i in range(9):
        expected[:, i, i] = 2 * table[:, i]
        expected[:, i, (i + 2) % 9] = 1
    made = out["jacobian"] if batch_axis == 0 else np.moveaxis(out["jacobian"], -1, 0)
    np.testing.assert_array_equal(made, expected)
    assert len(fn.program.pieces) == 2


def mostly_constants():
    """Two results of constants between sums, which are so many that they are written in runs."""
    code = [Instruction("load", (), (0, 0))]
    widths = (3, 40)
    for result, width in enumerate(widths):
        for position in range(width):
            code.append(Instruction("constant", (), 0.25 * position - 1))
            if position % 2 == result:
                code.append(Instruction("add", (0, len(code) - 1)))
            code.append(Instruction("store", (len(code) - 1,), (result, position)))
    results = tuple(Result(f"r{width}", (width,)) for width in widths)
    return Program((Group("inputs", ("x",)),), results, tuple(code)), widths


@pytest.fixture(scope="module", params=ITEMSIZE)
def kernel(request):
    return load_program(mostly_constants()[0], request.param)


@pytest.mark.parametrize("stream", [THROUGH, GATHERED, DIRECTLY])
@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
def test_constants_reach_every_point_in_every_layout(kernel, layout, stream):
    dtype = kernel.target.dtype
    for start, stop in ((0, 1), (0, 531), (3, 530), (7, 14), (0, 8), (1, 10), (4, 4)):
        points = np.linspace(0, 1, 531).astype(dtype)[:, None]
        expected = []
        for result, width in enumerate(mostly_constants()[1]):
            table = np.broadcast_to(0.25 * np.arange(width, dtype=dtype) - 1, (531, width)).copy()
            table[:, result::2] += points
            expected.append(table)
        places = [layout(table.shape, dtype) for table in expected]
        kernel([points], [view for _, view in places], start=start, stop=stop, stream=stream)
        for (memory, view), wanted in zip(places, expected, strict=True):
            assert_same_bits(view[start:stop], wanted[start:stop])
            view[start:stop] = GUARD
            assert (memory == GUARD).all(), "memory outside the result was written"


def test_a_result_may_have_nothing_but_constants():
    fn = sg.compile(["2*x + 1", "3"], "x", "jacobian", batch_axis=-1)
    np.testing.assert_array_equal(fn(np.ones(70)), np.array([[[2.0]], [[0.0]]]).repeat(70, -1))
    assert sg.compile("7", "x", "value")(np.ones(3)).tolist() == [7, 7, 7]


def test_constants_are_stored_for_one_point_too():
    fn = sg.compile([f"{i}*x + y" for i in range(90)], "x y", ["value", "jacobian"])
    value, jacobian = np.full(90, np.nan), np.full((90, 2), np.nan)
    fn.njit(np.array([2.0, 3.0]), value, jacobian)
    np.testing.assert_array_equal(value, 2.0 * np.arange(90) + 3)
    np.testing.assert_array_equal(jacobian, np.stack([np.arange(90), np.ones(90)], -1))
