"""The shared walk; Programs and expected values that the tests of both languages use.

``python -m tests.emit.readable.test_walk`` writes the golden texts anew.
"""

from __future__ import annotations

import ast
import math
import random
import re
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest

from symgrad.emit.readable import c as c_source
from symgrad.emit.readable import numba_source
from symgrad.emit.readable import walk as source
from symgrad.errors import OptionError, ShapeError, UnknownFunctionError
from symgrad.functions import PRIMITIVES
from symgrad.ir.evaluate import mpmath_arithmetic, numpy_arithmetic, run
from symgrad.ir.program import ARITHMETIC_OPS, CONDITION_OPS, Group, Instruction, Program, Result
from symgrad.ir.system import Pattern
from symgrad.ir.verify import verify_program

GOLDEN = Path(__file__).parent / "golden"
ROWS = [row for row in PRIMITIVES.values() if row.kind in ("call", "instruction")]
SPECIAL = (0.0, -0.0, 0.5, -0.7, 2.5, -3.5, 1e-300, 1e300, -1e300, 710.5, -1000.0, 5e-324, 1e19,
           math.inf, -math.inf, math.nan)  # fmt: skip
HOSTILE = (
    'a\n    import os; os.abort()\n"""\nraise SystemExit(3)\n"""',
    "b*/ #error escaped /*",
    "c\\",
    "d??/",
    "e\u202e\x00\x1b[2J\ud800'''\u2028#error escaped",
    "f{0}{name}%s%n${x}",
)


class Builder:
    """Collects instructions; every call gives the index of the new value."""

    def __init__(self) -> None:
        self.code: list[Instruction] = []

    def __call__(self, op: str, *args: int, data: Any = None) -> int:
        self.code.append(Instruction(op, args, data))
        return len(self.code) - 1


def polar() -> Program:
    """r cos(t) and k r sin(t), with their Jacobian."""
    do = Builder()
    r, t, k = (do("load", data=place) for place in ((0, 0), (0, 1), (1, 0)))
    c, s = do("cos", t), do("sin", t)
    east = do("mul", r, c)
    do("store", east, data=(0, 0))
    do("store", c, data=(1, 0))
    ks = do("mul", k, s)
    north = do("mul", r, ks)
    do("store", north, data=(0, 1))
    do("store", do("neg", do("mul", r, s)), data=(1, 1))
    do("store", ks, data=(1, 2))
    do("store", do("mul", k, east), data=(1, 3))
    groups = (Group("inputs", ("r", "t")), Group("parameters", ("k",)))
    results = (Result("value", (2,)), Result("jacobian", (2, 2)))
    return Program(groups, results, tuple(do.code), labels=("east", "north"))


def piecewise() -> Program:
    """Conditions, constants of every kind, a result of shape () and two whose names are unknown."""
    do = Builder()
    a, b = do("load", data=(0, 0)), do("load", data=(0, 1))
    low, zero, minus_zero = (do("constant", data=v) for v in (-1.5, 0.0, -0.0))
    tenth, infinite, nan = (do("constant", data=v) for v in (0.1, -math.inf, math.nan))
    inside = do("and", do("lt", low, a), do("not", do("le", b, zero)))
    either = do("or", inside, do("and", do("boolean", data=True), do("ne", a, b)))
    chosen = do("select", either, do("pow", low, do("floor", a)), do("neg", low))
    do("store", do("sub", chosen, low), data=(0, 0))
    do("store", do("select", do("eq", a, a), do("mul", tenth, b), nan), data=(1, 0))
    do("store", minus_zero, data=(1, 1))
    do("store", infinite, data=(2, 0))
    do("mul", a, b)  # nobody uses it
    groups = (Group("inputs", ("a", "b")), Group("weights", ("w",)))
    results = (Result("value", ()), Result("u_x", (2,)), Result("u_xx", (1, 1)))
    return Program(groups, results, tuple(do.code), labels=("u",))


def hostile() -> Program:
    """a + b where every name tries to leave its comment."""
    do = Builder()
    columns = [do("load", data=(0, column)) for column in range(len(HOSTILE))]
    total = columns[0]
    for position, column in enumerate(columns[1:]):
        total = do("add", total, column)
        do("store", total, data=(position, 0))
    groups = (Group(HOSTILE[0], HOSTILE),)
    results = tuple(Result(name, ()) for name in HOSTILE[1:])
    return Program(groups, results, tuple(do.code), labels=(HOSTILE[0],))


def every_function() -> Program:
    """One output an operation: arithmetic, conditions (as 1 or 0) and every row that is called."""
    do = Builder()
    a, b = do("load", data=(0, 0)), do("load", data=(0, 1))
    one, zero = do("constant", data=1.0), do("constant", data=0.0)
    labels: list[str] = []
    for op, kinds, boolean in signatures():
        numbers = iter((a, b, a))
        args = [do("lt", a, b) if kind == "condition" else next(numbers) for kind in kinds]
        value = do(op, *args)
        value = do("select", value, one, zero) if boolean else value
        do("store", value, data=(0, len(labels)))
        labels.append(op)
    results = (Result("value", (len(labels),)),)
    return Program((Group("inputs", ("a", "b")),), results, tuple(do.code), labels=tuple(labels))


def signatures() -> list[tuple[str, tuple[str, ...], bool]]:
    """(op, kinds of its arguments, whether it is a condition) of every operation of a Program."""
    conditions = {"and": 2, "or": 2, "not": 1}
    found = [
        (op, ("number",) * (1 if op in ("neg", "sqrt") else 2), False) for op in ARITHMETIC_OPS
    ]
    for row in ROWS:
        kinds = ("condition" if row.name in conditions else "number",) * row.arity
        kinds = ("condition", "number", "number") if row.name == "select" else kinds
        found.append((row.name, kinds, row.name in CONDITION_OPS))
    return found


def long_program(operations: int) -> Program:
    """A chain of that many operations with 40 results; the same bits in all IEEE arithmetic."""
    choose = random.Random(7)
    do = Builder()
    columns = [do("load", data=(0, column)) for column in range(4)]
    shift = do("constant", data=0.7)
    first = do("add", do("add", columns[0], columns[1]), do("add", columns[2], columns[3]))
    values = [first] * 3
    while len(do.code) < operations + 5:
        # sqrt(|a b - 0.7|) neither dies out nor grows, whatever the order of its arguments.
        step = do("sub", do("mul", values[-1], choose.choice(values[-3:])), shift)
        values.append(do("sqrt", do("abs", step)))
    for position in range(40):
        do("store", values[-1 - 97 * position], data=(0, position))
    results = (Result("jacobian", (10, 4)),)
    return Program((Group("inputs", tuple("abcd")),), results, tuple(do.code))


POINTS = {"polar": [[1.5, 0.25], [2.0]], "piecewise": [[0.75, 3.0], [1.0]]}
KERNELS: dict[str, Callable[[], Program]] = {"polar": polar, "piecewise": piecewise}


def expected(program: Program, point: list[list[float]]) -> list[list[float]]:
    """The results at a point from the 50-digit interpreter, rounded to double."""
    with mpmath.workdps(50):
        exact = [[mpmath.mpf(number) for number in column] for column in point]
        results = run(program, PRIMITIVES, exact, mpmath_arithmetic())
        return [[float(entry) for entry in entries] for entries in results]


def by_numpy(program: Program, columns: np.ndarray) -> np.ndarray:
    """The first result of a Program of one group at columns of points, by the NumPy interpreter."""
    with np.errstate(all="ignore"):
        results = run(program, PRIMITIVES, [list(columns.T)], numpy_arithmetic())
    entries = np.stack(np.broadcast_arrays(*results[0]), axis=-1).astype(float)
    if "div" in program.labels:
        # The interpreter multiplies by a reciprocal, which is another rounding.
        with np.errstate(all="ignore"):
            entries[:, program.labels.index("div")] = columns[:, 0] / columns[:, 1]
    return entries


def special_points() -> np.ndarray:
    """Every pair of special values, shape (N, 2)."""
    return np.array(list(product(SPECIAL, SPECIAL)))


def assert_close(got: np.ndarray, wanted: np.ndarray, ulps: float, what: str) -> None:
    """Nothing but nan for nan, equal infinities and signs of zero, the rest within ``ulps``."""
    assert np.array_equal(np.isnan(got), np.isnan(wanted)), f"{what}: nan in other places"
    finite = np.isfinite(wanted) & np.isfinite(got)
    with np.errstate(invalid="ignore", over="ignore"):
        error = np.abs(got - wanted) / np.spacing(np.abs(wanted))
    other = ~finite & ~np.isnan(wanted) & (got != wanted)
    other |= (got == 0) & (wanted == 0) & (np.signbit(got) != np.signbit(wanted))
    bad = other | (finite & (error > ulps))
    assert not bad.any(), (
        f"{what}: got {got[bad][:4]}, expected {wanted[bad][:4]} at {np.nonzero(bad)[0][:4]}"
    )


def golden_texts() -> dict[str, str]:
    """What the files in golden/ contain."""
    made = {}
    for title, build in KERNELS.items():
        program = build()
        dtype: Any = "float32" if title == "piecewise" else "float64"
        test = {"test_point": POINTS[title], "test_values": expected(program, POINTS[title])}
        make: Any = {"name": title, "dtype": dtype, **test}
        made[f"{title}.py.txt"] = numba_source.numba_source(program, **make)
        made[f"{title}.c"] = c_source.c_source(program, **make)
    made["polar.h"] = c_source.c_source(
        polar(),
        name="polar",
        test_point=POINTS["polar"],
        test_values=expected(polar(), POINTS["polar"]),
        header=True,
    )
    return made


@pytest.mark.parametrize("build", [polar, piecewise, hostile, every_function])
def test_programs_are_well_formed(build: Callable[[], Program]) -> None:
    verify_program(build())


@pytest.mark.parametrize(
    "title", ["polar.py.txt", "piecewise.py.txt", "polar.c", "piecewise.c", "polar.h"]
)
def test_golden(title: str) -> None:
    assert golden_texts()[title] == (GOLDEN / title).read_text(encoding="utf-8")


@pytest.mark.parametrize("module", [numba_source, c_source])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_row_that_is_called_has_a_template(module: Any, row: Any) -> None:
    fields = {text for text in ("{0}", "{1}", "{2}") if text in module.OPERATIONS[row.name]}
    assert fields == {"{0}", "{1}", "{2}"} - {f"{{{i}}}" for i in range(row.arity, 3)}


@pytest.mark.parametrize("module", [numba_source, c_source])
def test_no_template_is_for_nothing(module: Any) -> None:
    assert set(module.OPERATIONS) == {op for op, _, _ in signatures()}


@pytest.mark.parametrize("module", [numba_source, c_source])
def test_unknown_operation(module: Any) -> None:
    do = Builder()
    do("store", do("zeta", do("load", data=(0, 0))), data=(0, 0))
    program = Program((Group("inputs", ("x",)),), (Result("value", ()),), tuple(do.code))
    with pytest.raises(UnknownFunctionError, match=r"instruction 1: \w+ source has no 'zeta'"):
        source.body(program, module.language("float64"))


def test_plain_keeps_what_is_harmless() -> None:
    assert (
        source.plain("force \N{GREEK SMALL LETTER BETA} [N/m^2], 50%")
        == "force \N{GREEK SMALL LETTER BETA} [N/m^2], 50%"
    )


@pytest.mark.parametrize("text", [*HOSTILE, "*" * 5 + "/" * 5, "/" * 4, "?" * 9 + "/", "x" * 999])
def test_plain_disarms(text: str) -> None:
    made = source.plain(text)
    assert made.isprintable()
    assert len(made) <= source.LONGEST_NAME
    for mark in ("*/", "/*", "//", "??", "\\", '"', "'"):
        assert mark not in made
    made.encode("utf-8")


def test_arrays_of_a_program() -> None:
    assert [a.identifier for a in source.group_arrays(piecewise())] == ["x", "g1"]
    assert [a.identifier for a in source.result_arrays(piecewise())] == ["value", "o1", "o2"]
    assert [a.shared for a in source.group_arrays(polar())] == [False, True]


def test_names_that_stand_twice_get_identifiers_of_their_own() -> None:
    program = Program(
        (Group("inputs", ("x",)), Group("inputs", ("y",))),
        (Result("value", ()), Result("value", ())),
        (),
    )
    assert [a.identifier for a in source.group_arrays(program)] == ["x", "g1"]
    assert [a.identifier for a in source.result_arrays(program)] == ["value", "o1"]


@pytest.mark.parametrize(
    ("name", "shape", "labels", "position", "text"),
    [
        ("value", (2, 3), "abcdef", 5, "value[1, 2] of f"),
        ("jacobian", (2, 3), "ab", 5, "jacobian[1, 2] of b"),
        ("hessian", (2, 3, 3), "ab", 10, "hessian[1, 0, 1] of b"),
        ("order3", (2, 1, 4), "ab", 4, "order3[1, 0, 0] of b"),
        ("gradient", (3,), "f", 2, "gradient[2] of f"),
        ("jvp", (2,), "ab", 1, "jvp[1] of b"),
        ("vjp", (2,), "ab", 1, "vjp[1]"),
        ("jacobian", (2,), "ab", 1, "jacobian[1]"),  # two entries of a sparse one
        ("normal", (2, 2), "ab", 1, "normal[0, 1]"),
        ("value", (), "f", 0, "value of f"),
    ],
)
def test_entry_comment(
    name: str, shape: tuple[int, ...], labels: str, position: int, text: str
) -> None:
    program = Program((), (Result(name, shape),), (), labels=tuple(labels))
    assert source.entry_comment(program, 0, position) == text


LOWER = Pattern((2, 2), 2, ((0, 0), (1, 0), (1, 1)))
ROWS_OF_TWO = Pattern((2, 3), 1, ((0, 0), (1, 0), (1, 2)))


@pytest.mark.parametrize(
    ("name", "pattern", "labels", "position", "text"),
    [
        ("hessian", LOWER, ("energy",), 1, "hessian[1]: entry [1, 0] of energy"),
        ("hessian", LOWER, ("",), 2, "hessian[2]: entry [1, 1]"),
        ("jacobian", ROWS_OF_TWO, ("east", "north"), 0, "jacobian[0]: entry [0, 0] of east"),
        ("jacobian", ROWS_OF_TWO, ("east", "north"), 1, "jacobian[1]: entry [1, 0] of north"),
        ("jacobian", ROWS_OF_TWO, ("east", "north"), 2, "jacobian[2]: entry [1, 2] of north"),
    ],
)
def test_entry_comment_of_a_sparse_result(
    name: str, pattern: Pattern, labels: tuple[str, ...], position: int, text: str
) -> None:
    program = Program((), (Result(name, (3,), pattern),), (), labels=labels)
    assert source.entry_comment(program, 0, position) == text


def test_the_head_says_what_a_sparse_result_leaves_out() -> None:
    results = (Result("jacobian", (3,), ROWS_OF_TWO), Result("hessian", (3,), LOWER))
    lines = source.description(Program((), results, ()), lambda array: array.identifier, "")
    first, second = " ".join(" ".join(lines).split()).split(" hessian")
    assert first == "jacobian the entries that are not always 0 of an array of (2, 3)"
    assert second.endswith("of an array of (2, 2), one of each symmetric set")


def test_entries_that_are_stored_together_are_listed() -> None:
    do = Builder()
    x = do("load", data=(0, 0))
    for place in range(3):
        do("store", x, data=(0, place))
    for pattern, comment in ((LOWER, "[0] to [2]: entries [0, 0], [1, 0], [1, 1]"),
                             (None, "[0] of f to hessian[2] of f")):  # fmt: skip
        results = (Result("hessian", (3,), pattern),)
        program = Program((Group("inputs", ("x",)),), results, tuple(do.code), labels=("f",))
        lines = source.body(program, numba_source.language("float64", 32))
        assert lines[1:] == [f"# hessian{comment}", "fill(hessian, (v0, v0, v0))"]


def test_shortest_reads_back() -> None:
    choose = random.Random(3)
    patterns = np.array([choose.getrandbits(32) for _ in range(4000)], dtype=np.uint32)
    singles = patterns.view(np.float32)
    singles = singles[np.isfinite(singles)]
    for single in singles:
        text = source.shortest(float(single), "float32")
        assert np.float32(text) == single
        assert source.rounded(ast.literal_eval(text), "float32") == single
    for number in (0.1, 1e22, 5e-324, 123456789.0, 1 / 3, -0.0):
        text = source.shortest(number, "float64")
        assert float(text).hex() == number.hex()
        assert "." in text or "e" in text  # an integer literal would change the arithmetic


def test_float32_rounds_once_and_overflows_to_infinity() -> None:
    assert source.rounded(0.1, "float32") == float(np.float32(0.1))
    assert source.rounded(1e39, "float32") == math.inf
    assert source.rounded(1e39, "float64") == 1e39


def test_unused_arrays_are_those_that_no_statement_mentions() -> None:
    assert [a.identifier for a in source.unused_arrays(piecewise())] == ["g1"]
    do = Builder()
    do("neg", do("load", data=(0, 0)))
    do("store", do("constant", data=1.0), data=(0, 0))
    program = Program((Group("inputs", ("a",)),), (Result("value", ()),), tuple(do.code))
    assert [a.identifier for a in source.unused_arrays(program)] == ["x"]


TAKEN_NAMES = {
    numba_source.numba_source: ("def", "match", "np", "float", "range", "select", "self_test"),
    c_source.c_source: ("int", "class", "sin", "sinf", "double", "float", "main", "printf", "y0"),
}


@pytest.mark.parametrize("make", [numba_source.numba_source, c_source.c_source])
@pytest.mark.parametrize(
    "name", ["2f", "f g", "_f", "f\n", "\N{GREEK SMALL LETTER BETA}", "", "f" * 61]
)
def test_names_must_be_ascii_identifiers(make: Any, name: str) -> None:
    with pytest.raises(OptionError, match="must be a letter followed by"):
        make(polar(), name=name, test_point=POINTS["polar"], test_values=[[0.0] * 2, [0.0] * 4])


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (make, name)
        for make, names in TAKEN_NAMES.items()
        for name in ("v0", "o12", "x", "n", "value", "order2", "expected_value", *names)
    ],
)
def test_names_with_a_meaning_get_an_ending(make: Any, name: str) -> None:
    text = make(polar(), name=name, test_point=POINTS["polar"], test_values=[[0.0] * 2, [0.0] * 4])
    functions = re.findall(r"^(?:def|void|int|static double) (\w+)\(", text, re.MULTILINE)
    assert f"{name}_kernel" in functions
    assert f"{name}_kernel_batch" in functions
    assert len(functions) == len(set(functions))


def test_self_test_data_must_fit() -> None:
    program, values = polar(), [[0.0] * 2, [0.0] * 4]
    with pytest.raises(ShapeError, match="test_point needs 2 sequences, 1 given"):
        source.self_test_numbers(program, "float64", [[1.0, 2.0]], values)
    with pytest.raises(ShapeError, match="test_point for 'parameters' needs 1 numbers, 0 given"):
        source.self_test_numbers(program, "float64", [[1.0, 2.0], []], values)
    with pytest.raises(ShapeError, match="test_values for 'jacobian' needs 4 numbers, 3 given"):
        source.self_test_numbers(program, "float64", POINTS["polar"], [[0.0] * 2, [0.0] * 3])
    point, rounded = source.self_test_numbers(
        program, "float32", [[1.0, 0.1], [2.0]], [[0.3, 1.0], [0.0] * 4]
    )
    assert (point[0][1], rounded[0][0]) == (float(np.float32(0.1)), float(np.float32(0.3)))


def test_long_lists_of_columns_are_cut() -> None:
    columns = tuple(f"c{i}" for i in range(100))
    program = Program((Group("inputs", columns),), (Result("value", ()),), ())
    text = " ".join(source.description(program, lambda array: array.identifier, ""))
    assert "c23, and 76 more" in text
    assert "c24" not in text


if __name__ == "__main__":
    for golden_title, golden_text in golden_texts().items():
        (GOLDEN / golden_title).write_text(golden_text, encoding="utf-8")
