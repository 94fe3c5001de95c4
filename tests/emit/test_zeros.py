import numpy as np
import pytest

import symgrad as sg
from symgrad.emit.zeros import is_zero_store, stores_zeros_alone
from symgrad.ir.program import Group, Instruction, Program, Result

CONSTANTS = [0.0, -0.0, 1.0]


def program_of(values):
    """A program that loads one column and stores constants into a vector."""
    code = [Instruction("load", (), (0, 0))]
    for position, value in enumerate(values):
        code.append(Instruction("constant", (), value))
        code.append(Instruction("store", (len(code) - 1,), (0, position)))
    return Program((Group("inputs", ("x",)),), (Result("value", (len(values),)),), tuple(code))


def test_only_plus_zero_is_a_structural_zero():
    program = program_of(CONSTANTS)
    stores = [i for i in program.code if i.op == "store"]
    assert [is_zero_store(program, store) for store in stores] == [True, False, False]
    assert not is_zero_store(program, program.code[0])


def test_a_piece_of_zeros_holds_nothing_else():
    program = program_of([0.0, 0.0, 1.0])
    assert stores_zeros_alone(program, 1, 5)
    assert not stores_zeros_alone(program, 0, 5)
    assert not stores_zeros_alone(program, 1, 7)


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
