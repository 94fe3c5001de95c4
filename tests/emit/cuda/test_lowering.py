"""Lowered programs: what becomes what, and that values, zeros, infinities and nan stay."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import product
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symgrad as sg
from benchmarks.problems import PROBLEMS
from benchmarks.suite_problems import missing, suite
from symgrad.differentiate.tensors import derive
from symgrad.emit.cuda.lowering import lowered, needed
from symgrad.emit.target import Target
from symgrad.functions import PRIMITIVES
from symgrad.ir.evaluate import Arithmetic, mpmath_arithmetic, numpy_arithmetic, run
from symgrad.ir.expression import Expr
from symgrad.ir.program import PARAMETERS, Group, Instruction, Program, Result
from symgrad.ir.system import Request
from symgrad.schedule.lower import schedule
from tests.expressions import random_expression, system_of
from tests.simplify.networks import NAMES, formulas

FREE = Target("cuda", 1, "float64", "high", tile=1, lanes=1, contract=True)
STRICT = replace(FREE, contract=False)

X, Y, Z = (Instruction("load", (), (0, column)) for column in range(3))
ONE = Instruction("constant", (), 1.0)
UNIT = 2.0**-53
SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -3.0, 4.0, 1e-300, 1e300]
ROOTS = [*SPECIAL, 5e-324, 2.0**-1022, np.finfo(float).max]


def program(*code: Instruction, stored: tuple[int, ...] = ()) -> Program:
    """A program of x, y and z (values 0 to 2); by default its last value is its result."""
    loads = (X, Y, Z)
    places = stored or (2 + len(code),)
    stores = [Instruction("store", (value,), (0, k)) for k, value in enumerate(places)]
    groups = (Group("inputs", ("x", "y", "z")),)
    return Program(groups, (Result("value", (len(places),)),), (*loads, *code, *stores))


def operations(made: Program) -> list[str]:
    """What is computed, in order."""
    return [i.op for i in made.code if i.op not in ("load", "store", "constant")]


def with_pairs(arithmetic: Arithmetic, inverse_root: Any) -> Arithmetic:
    """An arithmetic that also has what lowered programs use."""
    functions = dict(arithmetic.functions)
    sine, cosine = functions["sin"], functions["cos"]
    functions |= {"rsqrt": inverse_root, "sincos": lambda a: (sine(a), cosine(a))}
    return replace(arithmetic, functions=functions)


def in_float(made: Program, columns: Any, off: int = 0) -> np.ndarray:
    """The results of a program in float64; rsqrt is ``off`` ulp from its rounded value."""
    with np.errstate(all="ignore"):

        def inverse_root(a: Any) -> Any:
            exact = 1 / np.sqrt(np.asarray(a, np.longdouble))
            return np.float64(exact) * (1 + off * 2 * UNIT)

        arithmetic = with_pairs(numpy_arithmetic(), inverse_root)
        results = run(made, PRIMITIVES, columns, arithmetic)
        count = np.broadcast_shapes(*[np.shape(v) for group in columns for v in group])
        return np.array([np.broadcast_to(e, count) for result in results for e in result])


def exactly(made: Program, point: list[list[float]]) -> list[Any]:
    """The results of a program at one point with 50 digits."""
    plain = mpmath_arithmetic()
    arithmetic = with_pairs(plain, lambda a: plain.divide(mpmath.mpf(1), mpmath.sqrt(a)))
    numbers = [[mpmath.mpf(value) for value in group] for group in point]
    return [entry for result in run(made, PRIMITIVES, numbers, arithmetic) for entry in result]


def assert_same(plain: Program, point: list[list[float]]) -> None:
    """A program and what it is lowered to have the same values with 50 digits."""
    with mpmath.workdps(50):
        expected = exactly(plain, point)
        largest = max([1, *(abs(value) for value in expected if mpmath.isfinite(value))])
        for target in (FREE, STRICT):
            for one, other in zip(exactly(lowered(plain, target), point), expected, strict=True):
                both_nan = mpmath.isnan(one) and mpmath.isnan(other)
                assert both_nan or one == other or abs(one - other) < 1e-30 * largest


def assert_same_kinds(plain: Program, columns: list[np.ndarray], ulp: float) -> None:
    """In float64 too: the same nan, infinities and signs of zero, numbers up to ``ulp``."""
    expected, got = in_float(plain, [columns]), in_float(lowered(plain, FREE), [columns])
    assert (np.isnan(expected) == np.isnan(got)).all()
    there = ~np.isnan(expected)
    special = there & (np.isinf(expected) | (expected == 0))
    assert (got[special] == expected[special]).all()
    assert (np.signbit(got[there]) == np.signbit(expected[there])).all()
    finite = there & ~special
    error = np.abs(got[finite] - expected[finite])
    size = np.minimum(np.abs(expected[finite]), np.finfo(float).max / 2)
    assert (error <= ulp * np.spacing(size)).all()


@pytest.mark.parametrize("target", [FREE, STRICT])
@pytest.mark.parametrize("names", [("sin", "cos"), ("cos", "sin")])
def test_sine_and_cosine_of_one_value_are_a_pair(target: Target, names: tuple[str, str]) -> None:
    one, other = (Instruction(name, (0,)) for name in names)
    made = lowered(program(one, Instruction("mul", (3, 1)), other, stored=(4, 5)), target)
    assert operations(made) == ["sincos", "part", "mul", "part"]
    parts = {i.data for i in made.code if i.op == "part"}
    assert parts == {0, 1}
    columns = [np.array([0.3, -0.0, 2.0]), np.array([0.5, 1.0, 3.0]), np.ones(3)]
    first, second = (getattr(np, name)(columns[0]) for name in names)
    assert (in_float(made, [columns]) == [first * columns[1], second]).all()


def test_a_sine_alone_and_one_of_another_value_stay() -> None:
    code = (Instruction("sin", (0,)), Instruction("cos", (1,)), Instruction("sin", (2,)))
    plain = program(*code, stored=(3, 4, 5))
    assert operations(lowered(plain, FREE)) == ["sin", "cos", "sin"]


@pytest.mark.parametrize(
    ("code", "free", "strict"),
    [
        # 1/sqrt(x)
        ((ONE, Instruction("sqrt", (0,)), Instruction("div", (3, 4))), ["rsqrt"], ["sqrt", "div"]),
        # y/sqrt(x)
        ((Instruction("sqrt", (0,)), Instruction("div", (1, 3))), ["rsqrt", "mul"],
         ["sqrt", "div"]),
        # the root is used besides: sqrt(x)*(y/sqrt(x))
        ((Instruction("sqrt", (0,)), Instruction("div", (1, 3)), Instruction("mul", (3, 4))),
         ["sqrt", "rsqrt", "mul", "mul"], ["sqrt", "div", "mul"]),
        # z/(sqrt(x)*sqrt(y))
        ((Instruction("sqrt", (0,)), Instruction("sqrt", (1,)), Instruction("mul", (3, 4)),
          Instruction("div", (2, 5))), ["rsqrt", "rsqrt", "mul", "mul"],
         ["sqrt", "sqrt", "mul", "div"]),
        # z/(x*sqrt(x)) and sqrt(x)/y stay
        ((Instruction("sqrt", (0,)), Instruction("mul", (0, 3)), Instruction("div", (2, 4))),
         ["sqrt", "mul", "div"], ["sqrt", "mul", "div"]),
        ((Instruction("sqrt", (0,)), Instruction("div", (3, 1))), ["sqrt", "div"],
         ["sqrt", "div"]),
    ],
)  # fmt: skip
def test_divisions_by_roots(
    code: tuple[Instruction, ...], free: list[str], strict: list[str]
) -> None:
    assert operations(lowered(program(*code), FREE)) == free
    assert operations(lowered(program(*code), STRICT)) == strict


def test_quotients_of_one_root_share_its_inverse() -> None:
    code = (Instruction("sqrt", (0,)), Instruction("div", (1, 3)), Instruction("div", (2, 3)))
    made = lowered(program(*code, stored=(4, 5)), FREE)
    assert operations(made) == ["rsqrt", "mul", "mul"]


def test_quotients_by_roots_at_special_values() -> None:
    code = (Instruction("sqrt", (0,)), ONE, Instruction("div", (4, 3)), Instruction("div", (1, 3)))
    pairs = np.array(list(product(ROOTS, SPECIAL))).T
    plain = program(*code, stored=(5, 6))
    assert "div" not in operations(lowered(plain, FREE))
    assert_same_kinds(plain, [*pairs, np.ones(pairs.shape[1])], 2)


def test_quotients_by_products_of_roots_at_special_values() -> None:
    code = (Instruction("sqrt", (0,)), Instruction("sqrt", (1,)), Instruction("mul", (3, 4)))
    triples = np.array(list(product([*SPECIAL, np.finfo(float).max], repeat=3))).T
    plain = program(*code, Instruction("div", (2, 5)))
    assert "div" not in operations(lowered(plain, FREE))
    assert_same_kinds(plain, list(triples), 4)


def test_the_error_of_quotients_by_roots(rng: np.random.Generator) -> None:
    """At most 4 units of 2**-53, relative, also where rsqrt is as far off as is documented."""
    plain = program(Instruction("sqrt", (0,)), Instruction("div", (1, 3)))
    columns = [rng.uniform(0.25, 4, 2000), rng.uniform(1, 2, 2000), np.ones(2000)]
    exact = columns[1].astype(np.longdouble) / np.sqrt(columns[0].astype(np.longdouble))
    worst = 0.0
    for off in (-1, 0, 1):
        got = in_float(lowered(plain, FREE), [columns], off)
        worst = max(worst, float(np.max(np.abs(got - exact) / exact)))
    assert UNIT < worst <= 4 * UNIT


def shared_program() -> Program:
    """Two functions of parameters in a piece of their own, which is used late and early."""
    code = (
        Instruction("load", (), (1, 0)),
        Instruction("exp", (0,)),
        Instruction("load", (), (1, 1)),
        Instruction("log", (2,)),
        X,
        Instruction("mul", (4, 3)),
        Instruction("store", (5,), (0, 0)),
        Instruction("mul", (5, 1)),
        Instruction("store", (7,), (0, 1)),
    )
    groups = (Group("inputs", ("x", "y", "z")), Group(PARAMETERS, ("p", "q")))
    return Program(groups, (Result("value", (2,)),), code, pieces=(0, 4, 7), shared=True)


@pytest.mark.parametrize("target", [FREE, STRICT])
def test_what_depends_on_parameters_comes_where_it_is_used(target: Target) -> None:
    plain = shared_program()
    made = lowered(plain, target)
    assert (made.pieces, made.shared) == ((0,), False)
    assert operations(made) == ["log", "mul", "exp", "mul"]
    columns = [[np.array([0.3, 2.0]), np.ones(2), np.ones(2)], [np.float64(1.3), np.float64(0.7)]]
    assert (in_float(made, columns) == in_float(plain, columns)).all()


def test_only_what_stores_need_is_left() -> None:
    code = [X, Y, Instruction("exp", (0,)), Instruction("log", (1,)),
            Instruction("store", (2,), (0, 0)), Instruction("store", (3,), (0, 1))]  # fmt: skip
    left = needed(code, stores=[5])
    assert left == [Y, Instruction("log", (0,)), Instruction("store", (1,), (0, 1))]
    assert needed(code) == code


def test_the_groups_the_results_and_the_order_of_stores_stay() -> None:
    plain = shared_program()
    made = lowered(plain, FREE)
    assert (made.groups, made.results) == (plain.groups, plain.results)
    places = [[i.data for i in p.code if i.op == "store"] for p in (plain, made)]
    assert places[0] == places[1]


@cache
def compiled(name: str) -> tuple[Program, list[list[float]]]:
    """A problem's value and derivatives, and a point."""
    problem = suite()[name]
    symbols = [sg.variables(f"x{k}") for k in range(problem.columns)]
    inputs, rest = symbols[: problem.inputs], symbols[problem.inputs :]
    outputs = problem.function(sg.math, symbols)
    wanted = ["value", "hessian" if problem.derivative == "hessian" else "jacobian"]
    fn = sg.compile(outputs, inputs, wanted, parameters=rest, jit="never")
    point = problem.points(np.random.default_rng(3), 1)[:, 0].tolist()
    split = [point[: problem.inputs], point[problem.inputs :]]
    return fn.program, split[: len(fn.program.groups)]


@pytest.mark.parametrize("name", sorted(suite()))
def test_problems_keep_their_values(name: str) -> None:
    plain, point = compiled(name)
    assert_same(plain, point)
    made = lowered(plain, FREE)
    assert len(made.pieces) == 1
    assert made.total - made.counts["part"] <= plain.total
    assert not made.counts["sin"] or not made.counts["cos"] or made.counts["sincos"]


@pytest.mark.skipif(bool(missing()), reason=missing() or "")
def test_formulas_of_users_are_among_the_problems() -> None:
    assert len(suite()) > 2 * len(PROBLEMS)


@pytest.mark.skipif(np.finfo(np.longdouble).eps >= UNIT, reason="long double is double here")
@pytest.mark.parametrize("name", ["morse8", "tersoff4", "bundle_adjustment"])
def test_problems_keep_their_accuracy(name: str) -> None:
    """With an rsqrt that is 1 ulp off everywhere, errors are no more than twice as large."""
    plain, point = compiled(name)
    made = lowered(plain, FREE)
    assert made.counts["rsqrt"]
    columns = list(suite()[name].points(np.random.default_rng(4), 300))
    groups = [columns[: len(point[0])], columns[len(point[0]) :]]
    exact = in_float(plain, [[v.astype(np.longdouble) for v in group] for group in groups])
    scale = np.maximum(np.abs(exact), np.abs(exact).max(axis=0) / 1000)
    errors = [np.abs(in_float(p, groups, 1) - exact) / scale for p in (plain, made)]
    before, after = (float(np.percentile(error.max(axis=0), 90)) for error in errors)
    assert before > UNIT
    assert after <= 2 * before


def scheduled(outputs: list[Expr], names: tuple[str, ...]) -> Program:
    """The value and the first derivatives of formulas."""
    system = system_of(outputs, names)
    wanted = [Request("value", "tensor", 0), Request("jacobian", "tensor", 1)]
    tensors = derive(system, wanted)
    return schedule(system.graph, tensors, [Group("inputs", names)])


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.tuples(*[st.floats(-2, 2)] * 3))
def test_random_expressions_keep_their_values(seed: int, point: tuple[float, ...]) -> None:
    plain = scheduled([random_expression(seed, 3)], ("x", "y", "z"))
    assert_same(plain, [list(point)])


@settings(max_examples=40)
@given(formulas(), st.tuples(*[st.floats(0.25, 2)] * 4))
def test_random_roots_keep_their_values(
    outputs: tuple[Expr, ...], point: tuple[float, ...]
) -> None:
    assert_same(scheduled(list(outputs), NAMES), [list(point)])
