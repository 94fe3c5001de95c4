"""Programs that do not fit into registers: their parts fit, and are the whole together."""

from __future__ import annotations

import numpy as np
import pytest

from symgrad.emit.cuda.relieve import FITTING, HELD, WANTED, relieved
from symgrad.emit.kernels.pressure import live_values
from symgrad.functions import PRIMITIVES
from symgrad.ir.evaluate import numpy_arithmetic, run
from symgrad.ir.program import Group, Instruction, Program, Result

COLUMNS = 4


def waiting(values: int, rows: int, columns: int) -> Program:
    """As many values are computed first; then each row takes its share of them.

    A value takes two operations. Row r has the sums of two neighbours of its share.
    """
    code = [Instruction("load", (), (0, column)) for column in range(COLUMNS)]
    made = []
    for number in range(values):
        code.append(Instruction("mul", (number % COLUMNS, (number + 1) % COLUMNS)))
        code.append(Instruction("add", (len(code) - 1, made[-1] if made else 0)))
        made.append(len(code) - 1)
    share = values // rows
    for row in range(rows):
        for column in range(columns):
            first = row * share + column % (share - 1)
            code.append(Instruction("add", (made[first], made[first + 1])))
            code.append(Instruction("store", (len(code) - 1,), (0, row * columns + column)))
    group = Group("inputs", tuple(f"x{k}" for k in range(COLUMNS)))
    return Program((group,), (Result("jacobian", (rows, columns)),), tuple(code))


def total(programs: list[Program]) -> int:
    return sum(program.total for program in programs)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_what_fits_stays_whole(dtype):
    program = waiting(FITTING[dtype] - 10, 4, 6)
    assert live_values(program, HELD) <= FITTING[dtype]
    assert relieved(program, dtype) == [program]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_parts_fit_and_store_every_entry_once(dtype):
    program = waiting(2 * FITTING[dtype], 8, 30)
    assert live_values(program, HELD) > FITTING[dtype]
    parts = relieved(program, dtype)
    assert len(parts) > 1
    assert all(live_values(part, HELD) <= WANTED[dtype] for part in parts)
    points = [list(np.random.default_rng(1).uniform(0.9, 1.1, COLUMNS))]
    (expected,) = run(program, PRIMITIVES, points, numpy_arithmetic())
    filled = {}
    for part in parts:
        assert (part.groups, part.results) == (program.groups, program.results)
        (found,) = run(part, PRIMITIVES, points, numpy_arithmetic())
        for instruction in part.code:
            if instruction.op == "store":
                position = instruction.data[1]
                assert position not in filled
                filled[position] = found[position]
    assert [filled[position] for position in range(len(expected))] == expected


def test_rows_that_share_most_come_together():
    program = waiting(2 * FITTING["float64"], 8, 30)
    rows = [
        sorted({i.data[1] // 30 for i in part.code if i.op == "store"})
        for part in relieved(program, "float64")
    ]
    assert all(found == list(range(found[0], found[-1] + 1)) for found in rows)


def test_what_would_be_computed_too_often_stays_whole():
    # Every entry takes all the values, the last one first, so each would be a part of its own.
    code = [Instruction("load", (), (0, 0))]
    made = []
    for _ in range(2 * FITTING["float64"]):
        for _ in range(6):
            code.append(Instruction("mul", (len(code) - 1, 0)))
        made.append(len(code) - 1)
    entries = 10
    for entry in range(entries):
        value = made[entry]
        for other in made[::-1]:
            code.append(Instruction("add", (value, other)))
            value = len(code) - 1
        code.append(Instruction("store", (value,), (0, entry)))
    program = Program((Group("inputs", ("x",)),), (Result("gradient", (entries,)),), tuple(code))
    assert live_values(program, HELD) > FITTING["float64"]
    assert relieved(program, "float64") == [program]
