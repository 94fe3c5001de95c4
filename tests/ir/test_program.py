"""Program: counts, and JSON that keeps every bit."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from math import inf, nan

import pytest

from symgrad.ir.program import Group, Instruction, Outside, Program, Result, Routine
from symgrad.ir.system import Pattern

NAN_WITH_PAYLOAD = struct.unpack(">d", bytes.fromhex("fff8000000000123"))[0]
FLOATS = (nan, -nan, inf, -inf, 0.0, -0.0, 5e-324, 0.1, 1e308, NAN_WITH_PAYLOAD)


def program_of(*code: Instruction) -> Program:
    return Program(
        groups=(Group("inputs", ("x", "y")), Group("parameters", ())),
        results=(Result("value", ()), Result("hessian", (2, 2))),
        code=code,
        pieces=(0, 2),
        labels=("energy", 'a "quoted" name'),
    )


SAMPLE = program_of(
    Instruction("load", (), (0, 1)),
    Instruction("constant", (), 2.5),
    Instruction("boolean", (), True),
    Instruction("mul", (0, 1)),
    Instruction("sqrt", (3,)),
    Instruction("select", (2, 3, 4)),
    Instruction("neg", (5,)),
    Instruction("sin", (6,)),
    Instruction("store", (7,), (1, 3)),
)


def test_json_round_trip() -> None:
    read = Program.from_json(SAMPLE.to_json())
    assert read == SAMPLE
    assert read.to_json() == SAMPLE.to_json()
    assert isinstance(read.code[2].data, bool)
    assert isinstance(read.code[0].data, tuple)


def test_routines_travel_with_the_program() -> None:
    loop = (
        Instruction("load", (), (0, 1)),
        Instruction("load", (), (0, 0)),
        Instruction("lt", (0, 1)),
        Instruction("store", (0,), (0, 0)),
        Instruction("store", (2,), (0, 1)),
    )
    code = (
        Instruction("load", (), (0, 0)),
        Instruction("loop", (0,), (0, 1, 30)),
        Instruction("part", (1,), 0),
        Instruction("store", (2,), (0, 0)),
    )
    made = replace(SAMPLE, routines=(Routine("toy", 1, code, (loop,)), Routine("other", 1, code)))
    assert Program.from_json(made.to_json()) == made
    assert made.to_json() != SAMPLE.to_json()
    assert "routines" not in SAMPLE.to_json()
    assert "outside" not in SAMPLE.to_json()
    assert "shared" not in SAMPLE.to_json()
    assert Program.from_json(replace(SAMPLE, shared=True).to_json()).shared
    tables = ((0.1, -0.0, float("inf")), (5e-324,))
    rich = replace(made, routines=(Routine("toy", 1, code, (loop,), tables), made.routines[1]),
                   outside=(Outside("mine", 2, "sg.user.mine.2.abc"),))  # fmt: skip
    assert Program.from_json(rich.to_json()) == rich
    assert made.counts == SAMPLE.counts
    assert made.total == SAMPLE.total


def test_json_is_the_same_with_patterns() -> None:
    pattern = Pattern((2, 3), 1, ((0, 0), (0, 1), (1, 0), (1, 2)))
    results = (SAMPLE.results[0], Result("jacobian", (4,), pattern))
    plain = replace(SAMPLE, results=(SAMPLE.results[0], Result("jacobian", (4,))))
    assert replace(SAMPLE, results=results).to_json() == plain.to_json()


@pytest.mark.parametrize("value", FLOATS, ids=lambda value: struct.pack(">d", value).hex())
def test_json_keeps_every_bit(value: float) -> None:
    text = program_of(Instruction("constant", (), value)).to_json()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    read = Program.from_json(text).code[0].data
    assert struct.pack(">d", read) == struct.pack(">d", value)


def test_json_is_one_line_of_standard_json() -> None:
    assert "\n" not in SAMPLE.to_json()
    assert json.loads(SAMPLE.to_json())["pieces"] == [0, 2]


def test_empty_program() -> None:
    program = Program((), (), ())
    assert Program.from_json(program.to_json()) == program
    assert program.total == 0


def test_counts() -> None:
    assert SAMPLE.counts == {
        **dict.fromkeys(("load", "constant", "boolean", "mul", "sqrt"), 1),
        **dict.fromkeys(("select", "neg", "sin", "store"), 1),
    }
    assert SAMPLE.total == 4  # mul, sqrt, select and sin


@pytest.mark.parametrize(("shape", "size"), [((), 1), ((3,), 3), ((2, 0), 0), ((2, 3, 4), 24)])
def test_size_of_a_result(shape: tuple[int, ...], size: int) -> None:
    assert Result("value", shape).size == size
