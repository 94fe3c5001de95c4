"""Definition -> Routine: every instruction as it is written, and nothing twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest

from symgrad.errors import InvariantError, UnknownFunctionError
from symgrad.functions import PRIMITIVES
from symgrad.ir.evaluate import compute, function, mpmath_arithmetic, numpy_arithmetic
from symgrad.ir.expression import NAMED_CONSTANTS, constant, symbol
from symgrad.ir.primitive import Primitive, define
from symgrad.ir.program import Group, Instruction, Outside, Program, Result, Routine
from symgrad.ir.routine import NAMED, outside, routine, routines
from symgrad.ir.verify import verify_program
from tests.routines import OWN, ROWS


def row_of(definition: Callable[..., Any], arity: int = 1, name: str = "toy") -> Primitive:
    partials = [lambda y, a: 0, lambda y, a, b: 0, lambda y, a, b, c: 0][arity - 1]
    return define(
        name,
        *[partials] * arity,
        domain=(0, 1),
        kind="routine",
        definition=definition,
        oracle=lambda mp, *args: args[0],
    )


def ops(definition: Callable[..., Any], arity: int = 1) -> list[str]:
    """The operations besides loads, constants and the store."""
    code = routine(row_of(definition, arity), PRIMITIVES).code
    return [i.op for i in code if i.op not in ("load", "constant", "store")]


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        (lambda m, a, b: a - b, ["sub"]),
        (lambda m, a, b: -a + b, ["sub"]),
        (lambda m, a, b: -a - b, ["neg", "sub"]),
        (lambda m, a, b: 1 - a, ["sub"]),
        (lambda m, a, b: -(a * b), ["mul", "neg"]),
        (lambda m, a, b: a / b, ["div"]),
        (lambda m, a, b: 2 / b, ["div"]),
        (lambda m, a, b: a / b / b, ["div", "div"]),
        (lambda m, a, b: a / b**2, ["mul", "div"]),
        (lambda m, a, b: a / m.sqrt(b), ["sqrt", "div"]),
        (lambda m, a, b: a * (1 / b), ["div", "mul"]),
        (lambda m, a, b: a**2, ["mul"]),
        (lambda m, a, b: a**5, ["mul", "mul", "mul"]),
        (lambda m, a, b: a**0, []),
        (lambda m, a, b: a**-1, ["div"]),
        (lambda m, a, b: a**0.5, ["sqrt"]),
        (lambda m, a, b: a**1.5, ["sqrt", "mul"]),
        (lambda m, a, b: a**-0.5, ["sqrt", "div"]),
        (lambda m, a, b: a**0.25, ["sqrt", "sqrt"]),
        (lambda m, a, b: a**b, ["pow"]),
        (lambda m, a, b: a ** Fraction(1, 3), ["pow"]),
        (lambda m, a, b: a**65, ["pow"]),
        (lambda m, a, b: m.fma(a, b, -a), ["neg", "fma"]),
        (lambda m, a, b: m.max(a, b), ["lt", "ne", "select", "select"]),
        (lambda m, a, b: (a + b) + (b + a), ["add", "add"]),
        (
            lambda m, a, b: m.where(m.where(a < b, a < 1, b < 2), a, b),
            ["lt", "lt", "lt", "and", "not", "and", "or", "select"],
        ),
        (lambda m, a, b: m.where((a < b) | ~m.eq(a, b), a, b), ["lt", "eq", "not", "or", "select"]),
    ],
)
def test_instructions(definition: Callable[..., Any], expected: list[str]) -> None:
    assert ops(definition, 2) == expected


def test_nothing_is_reassociated() -> None:
    """The error of a sum (Knuth) is 0 over the reals and something else in doubles."""

    def error(m: Any, a: Any, b: Any) -> Any:
        total = a + b
        rest = total - a
        return (a - (total - rest)) + (b - rest)

    made = routine(row_of(error, 2), PRIMITIVES)
    given = (np.float64(1.0), np.float64(2.0**-60))
    assert compute(made, PRIMITIVES, given, numpy_arithmetic()) == 2.0**-60


def test_constants_are_the_nearest_doubles() -> None:
    made = routine(row_of(lambda m, a: a * Fraction(1, 3) + m.pi + 10**400), PRIMITIVES)
    constants = [i.data for i in made.code if i.op == "constant"]
    assert constants == [1 / 3, np.pi, np.inf]
    assert set(NAMED) == set(NAMED_CONSTANTS)
    with mpmath.workdps(40):
        assert all(float(mpmath_arithmetic().number(name)) == NAMED[name] for name in NAMED)


def test_a_loop_is_an_instruction_with_a_body() -> None:
    made = routine(ROWS["fibonacci"], ROWS)
    (loop,) = [i for i in made.code if i.op == "loop"]
    assert loop.data == (0, 2, 90)
    assert len(loop.args) == 3  # two states and n - 1 from outside
    (body,) = made.bodies
    assert [i.data for i in body if i.op == "store"] == [(0, 0), (0, 1), (0, 2)]
    assert {i.data for i in body if i.op == "load"} == {(0, 0), (0, 1), (0, 2), (0, 3)}


def test_equal_bodies_stand_once() -> None:
    def twice(m: Any, a: Any) -> Any:
        first, second = (m.loop(lambda k, x: (x < 9, x * 2), (start,), 20)[0] for start in (a, 3))
        return first + second

    assert len(routine(row_of(twice), PRIMITIVES).bodies) == 1


def test_routines_come_before_their_callers_and_once() -> None:
    names = [made.name for made in routines(["sin", "twice_mixture", "agm", "add"], ROWS)]
    assert names == ["agm", "mixture", "twice_mixture"]
    assert routines(["sin", "exp"], ROWS) == ()


def test_a_routine_is_made_once() -> None:
    assert routine(ROWS["agm"], ROWS) is routine(ROWS["agm"], dict(ROWS))


def test_a_table_with_another_row_makes_another_routine() -> None:
    own = define("max", lambda y, a, b: 1, lambda y, a, b: 1, domain=(0, 1), kind="composite",
                 expansion=lambda a, b: a + b)  # fmt: skip
    row = row_of(lambda m, a: m.max(a, 2))
    assert len(routine(row, PRIMITIVES).code) > len(routine(row, {**PRIMITIVES, "max": own}).code)


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        (lambda m, a: m.nosuch(a), "'toy' uses 'nosuch', without a row"),
        (lambda m, a: m.loop(lambda k, x: (x < 1, m.nosuch(x)), (a,), 3)[0], "'nosuch'"),
        (lambda m, a: m.max(a, a, 1), r"max takes 2 argument\(s\), 3 given"),
        (lambda m, a: a + symbol("elsewhere"), "foreign symbol 'elsewhere'"),
    ],
)
def test_definitions_that_are_refused(definition: Callable[..., Any], message: str) -> None:
    with pytest.raises(InvariantError, match=message):
        routine(row_of(definition), PRIMITIVES)


def test_a_definition_cannot_call_itself() -> None:
    rows = {**PRIMITIVES, "toy": row_of(lambda m, a: m.other(a)),
            "other": row_of(lambda m, a: m.toy(a) + 1, name="other")}  # fmt: skip
    with pytest.raises(InvariantError, match="'toy' calls itself"):
        routines(["toy"], rows)


def test_equal_tables_stand_once() -> None:
    row = row_of(lambda m, a: m.lookup([1, 2], a) + m.lookup((1.0, 2.0), a + 1) + m.lookup([3], a))
    made = routine(row, PRIMITIVES)
    assert made.tables == ((1.0, 2.0), (3.0,))
    assert [i.data for i in made.code if i.op == "lookup"] == [0, 0, 1]


@pytest.mark.parametrize("arithmetic", [numpy_arithmetic, mpmath_arithmetic])
def test_an_index_beyond_a_table_is_its_end(arithmetic: Any) -> None:
    row = replace(row_of(lambda m, a: m.lookup((2.0, 3.0, 5.0), a)), oracle=None)
    rows = {**PRIMITIVES, "toy": row}
    call = function("toy", rows, arithmetic())
    for index, value in {0: 2, 1.75: 3, 2: 5, 9: 5, -3: 2, "nan": 2, "inf": 5, "-inf": 2}.items():
        assert call(arithmetic().number(float(index))) == value


def test_an_outside_function_is_known_to_the_interpreters() -> None:
    row = Primitive("mine", 1, (constant(0),), "outside", None, ((0, 1),), symbol="sg.user.mine",
                    callback=lambda x: 1 / x)  # fmt: skip
    rows = {**PRIMITIVES, "mine": row,
            "toy": replace(row_of(lambda m, a: m.mine(a) + m.mine(a)), oracle=None)}  # fmt: skip
    assert function("toy", rows, mpmath_arithmetic())(mpmath.mpf(4)) == 0.5
    assert mpmath.isnan(function("mine", rows, mpmath_arithmetic())(mpmath.mpf(0)))
    np.testing.assert_array_equal(
        function("toy", rows, numpy_arithmetic())(np.array([4.0, 2])), [0.5, 1]
    )
    code = (Instruction("load", (), (0, 0)), Instruction("toy", (0,)))
    assert outside(code, routines(["toy"], rows), rows) == (Outside("mine", 1, "sg.user.mine"),)
    with pytest.raises(UnknownFunctionError, match=r"call sg.function\('mine', numba=...\)"):
        function("mine", {"mine": replace(row, callback=None)}, mpmath_arithmetic())


def called(row: Primitive, made: tuple[Routine, ...]) -> Program:
    """A Program that calls a row and nothing else."""
    loads = tuple(Instruction("load", (), (0, i)) for i in range(row.arity))
    call = Instruction(row.name, tuple(range(row.arity)))
    store = Instruction("store", (row.arity,), (0, 0))
    groups = (Group("inputs", tuple(f"x{i}" for i in range(row.arity))),)
    return Program(groups, (Result("value", ()),), (*loads, call, store), routines=made)


EVERY = [*(row for row in PRIMITIVES.values() if row.kind == "routine"), *OWN]


@pytest.mark.parametrize(
    "row", [row for row in EVERY if row.kind == "routine"], ids=lambda row: row.name
)
def test_every_routine_of_the_table_is_well_formed(row: Primitive) -> None:
    program = called(row, routines([row.name], ROWS))
    verify_program(program)
    assert Program.from_json(program.to_json()).to_json() == program.to_json()


@pytest.mark.parametrize("name", [row.name for row in OWN if row.kind == "routine"])
def test_the_interpreters_agree(name: str, digits: int) -> None:
    """What is written, in doubles, against the oracle of the row."""
    row = ROWS[name]
    double, exact = (
        function(name, ROWS, arithmetic) for arithmetic in (numpy_arithmetic(), mpmath_arithmetic())
    )
    random = np.random.default_rng(3)
    points = np.stack([random.uniform(low, high, 50) for low, high in row.domain])
    points = np.rint(points) if row.whole else points
    with np.errstate(all="ignore"):
        got = double(*points)
    for value, point in zip(got, points.T, strict=True):
        expected = exact(*map(mpmath.mpf, point.tolist()))
        assert abs(value - expected) <= row.ulp * 2.0**-52 * max(1, abs(expected)), point


def test_lanes_of_a_loop_do_not_disturb_each_other() -> None:
    mean = function("agm", ROWS, numpy_arithmetic())
    first, second = np.array([1.0, 1e-3, np.nan, 1.0]), np.array([1.0, 1e3, 2.0, np.inf])
    with np.errstate(all="ignore"):
        together = mean(first, second)
        alone = [mean(np.float64(a), np.float64(b)) for a, b in zip(first, second, strict=True)]
    np.testing.assert_array_equal(together, alone)


def test_a_turn_happens_even_where_nothing_goes_on() -> None:
    row = row_of(lambda m, a: m.loop(lambda k, x: (x < 0, x + 1), (a,), 5)[0])
    made = routine(row, PRIMITIVES)
    for start, expected in ((0.0, 1.0), (-3.0, 1.0), (-9.0, -4.0)):
        assert compute(made, PRIMITIVES, (np.float64(start),), numpy_arithmetic()) == expected
