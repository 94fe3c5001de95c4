"""Parts of giants: together they are the whole, and little is computed twice."""

from __future__ import annotations

import numpy as np
import pytest

from symgrad.emit.cuda import split
from symgrad.emit.cuda.split import parts
from symgrad.functions import PRIMITIVES
from symgrad.ir.evaluate import numpy_arithmetic, run
from symgrad.ir.program import Group, Instruction, Program, Result

COLUMNS = 8
GROUPS = (Group("inputs", tuple(f"x{k}" for k in range(COLUMNS))),)


def chains(count: int, length: int, common: int = 0) -> Program:
    """As many entries, each a chain of its own over a common one; two results take turns."""
    code = [Instruction("load", (), (0, column)) for column in range(COLUMNS)]

    def step(value: int, number: int) -> int:
        code.append(Instruction(("add", "mul")[number % 2], (value, number % COLUMNS)))
        return len(code) - 1

    start = 0
    for number in range(common):
        start = step(start, number)
    for entry in range(count):
        value = start
        for number in range(length):
            value = step(value, entry + number)
        code.append(Instruction("store", (value,), (entry % 2, entry // 2)))
    sizes = ((count + 1) // 2, count // 2)
    return Program(GROUPS, tuple(Result(f"r{k}", (n,)) for k, n in enumerate(sizes)), tuple(code))


def stored(program: Program) -> list[tuple[int, int]]:
    """The entries that a program stores, in order."""
    return [i.data for i in program.code if i.op == "store"]


def operations(programs: list[Program]) -> int:
    """What is computed, all together."""
    return sum(program.total for program in programs)


def assert_whole(made: list[Program], program: Program) -> None:
    """The parts take the same arguments and store every entry once, with the same bits."""
    assert [entry for part in made for entry in stored(part)] == stored(program)
    arrays = [list(np.random.default_rng(1).uniform(0.9, 1.1, COLUMNS))]
    expected = run(program, PRIMITIVES, arrays, numpy_arithmetic())
    filled: list[list[float | None]] = [[None] * result.size for result in program.results]
    for part in made:
        assert (part.groups, part.results, part.pieces) == (GROUPS, program.results, (0,))
        assert all(argument < k for k, i in enumerate(part.code) for argument in i.args)
        found = run(part, PRIMITIVES, arrays, numpy_arithmetic())
        for result, entry in stored(part):
            filled[result][entry] = found[result][entry]
    assert filled == expected


def test_small_programs_stay_whole() -> None:
    program = chains(split.MOST_STORES, 3)
    assert parts(program) == [program]


def test_many_stores_are_cut_into_parts_of_equal_length() -> None:
    program = chains(2 * split.MOST_STORES + 1, 3, common=5)
    made = parts(program)
    assert [len(stored(part)) for part in made] == [667, 667, 667]
    assert operations(made) == program.total + 2 * 5
    assert_whole(made, program)


def test_many_operations_are_cut() -> None:
    program = chains(31, 700)
    made = parts(program)
    assert [len(stored(part)) for part in made] == [14, 14, 3]
    assert operations(made) == program.total
    assert_whole(made, program)


def test_an_entry_that_needs_more_is_a_part_of_its_own() -> None:
    program = chains(3, split.MOST_OPERATIONS + 500)
    assert program.total > split.LONGEST
    made = parts(program)
    assert [len(stored(part)) for part in made] == [1, 1, 1]
    assert_whole(made, program)


@pytest.mark.parametrize(("common", "cut"), [(1_002, True), (1_003, False)])
def test_what_would_be_computed_twice_decides(common: int, cut: bool) -> None:
    """With two parts of 501 entries, which take an operation each beside what is common."""
    program = chains(split.MOST_STORES + 2, 1, common)
    assert program.total + common == (1.5 * program.total if cut else 1.5 * program.total + 0.5)
    assert len(parts(program)) == (2 if cut else 1)


def test_parts_load_only_what_they_need() -> None:
    code: list[Instruction] = []
    for entry in range(split.MOST_STORES + 2):
        half = entry // (split.MOST_STORES // 2 + 1)
        code += [Instruction("load", (), (0, half)), Instruction("store", (2 * entry,), (0, entry))]
    program = Program(GROUPS, (Result("r", (split.MOST_STORES + 2,)),), tuple(code))
    made = parts(program)
    assert [{i.data for i in part.code if i.op == "load"} for part in made] == [{(0, 0)}, {(0, 1)}]
    assert_whole(made, program)
