from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest

from symgrad import api, signatures
from symgrad.errors import UnknownFunctionError
from symgrad.functions import PRIMITIVES
from symgrad.ir.evaluate import mpmath_arithmetic, numpy_arithmetic, run
from symgrad.ir.primitive import define
from symgrad.ir.program import Group, Instruction, Program, Result
from symgrad.ir.rounding import rounding_bounds
from symgrad.ir.system import Request
from symgrad.options import Options

EPS = 2.0**-52


def program_of(text, names="x y", order=0):
    parsed = api.parse(text, names)
    options = Options()
    recipe = api.make_recipe(parsed, [Request("value", "tensor", order)], options)
    return api.derive_program(recipe, options, signatures.argument_groups(recipe))[2]


def bounds_of(program, *columns, dtype="float64", ulps=None):
    arrays = [[np.asarray(column, float) for column in columns]]
    made = rounding_bounds(program, PRIMITIVES, arrays, dtype, ulps or {})
    return [np.broadcast_to(bound, np.shape(columns[0])) for bound in made[0]]


def errors_of(program, *columns):
    """What NumPy's arithmetic really does, against the same Program in 60 digits."""
    with np.errstate(all="ignore"):
        got = run(program, PRIMITIVES, [[np.array(c) for c in columns]], numpy_arithmetic())[0]
    errors = []
    with mpmath.workdps(60):
        for k in range(len(columns[0])):
            point = [[mpmath.mpf(float(column[k])) for column in columns]]
            exact = run(program, PRIMITIVES, point, mpmath_arithmetic())[0]
            for i, value in enumerate(exact):
                entry = np.broadcast_to(got[i], len(columns[0]))[k]
                errors.append(float(abs(mpmath.mpf(float(entry)) - value)))
    return np.array(errors).reshape(len(columns[0]), -1).T


FORMULAS = (
    "x*y + x/y - 3*x",
    "sqrt(x*x + y*y) - x",
    "exp(x*y)*sin(x - y)",
    "log(x + y)**3/(1 + x**4)",
    "atan2(y - 1, x)*x**y",
    "cosh(x)/tanh(y) + asin(x/2)",
    "where(x > y, x*x*y, exp(-y)) + abs(x - y)",
    "erf(x)*cbrt(y) + mod(7*x, y)",
)


@pytest.mark.parametrize("text", FORMULAS)
@pytest.mark.parametrize("order", [0, 1, 2])
def test_errors_stay_below_the_bound_and_near_it(text, order, rng):
    program = program_of(text, order=order)
    x, y = rng.uniform(0.5, 1.5, (2, 40))
    bounds = np.array(bounds_of(program, x, y, ulps=dict.fromkeys(PRIMITIVES, 4.0)))
    errors = errors_of(program, x, y)
    assert (errors <= bounds).all()
    # A bound that is far too wide protects nothing: it is within a small factor of the result.
    made = run(program, PRIMITIVES, [[x, y]], numpy_arithmetic())[0]
    assert bounds.max() < 2000 * EPS * max(np.max(np.abs(entry)) for entry in made)


def test_a_copied_input_has_no_error():
    assert bounds_of(program_of("x"), [0.1, 3.0], [1.0, 1.0])[0].tolist() == [0, 0]
    assert bounds_of(program_of("-x"), [0.1, 3.0], [1.0, 1.0])[0].tolist() == [0, 0]
    assert bounds_of(program_of("abs(x)"), [-0.1, 3.0], [1.0, 1.0])[0].tolist() == [0, 0]


def test_one_operation_has_half_an_ulp():
    (bound,) = bounds_of(program_of("x + y"), [1.0, 3.0], [2.0, 1.0])
    np.testing.assert_allclose(bound, [3 * EPS / 2, 4 * EPS / 2], rtol=1e-12)
    (single,) = bounds_of(program_of("x + y"), [1.0], [2.0], dtype="float32")
    assert single[0] == pytest.approx(3 * 2.0**-24, rel=1e-12)


def test_constants_are_rounded_only_where_they_are_no_float():
    (whole,) = bounds_of(program_of("3*x"), [1.0], [0.0])
    (third,) = bounds_of(program_of("x/3 + 0*y"), [1.0], [0.0])
    assert whole[0] == pytest.approx(3 * EPS / 2)
    assert third[0] == pytest.approx(Fraction(2, 3) * EPS / 2, rel=0.51)


def test_an_infinite_constant_turns_no_comparison_with_a_number():
    (bound,) = bounds_of(program_of("where(x/3 < oo, x/3, y)"), [1.0], [9.0])
    assert bound[0] == pytest.approx(EPS / 3, rel=0.51)


def test_cancellation_is_seen():
    near = 1 + 1e-9
    (bound,) = bounds_of(program_of("x*x - y*y"), [near], [1.0])
    assert 1e-9 < bound[0] / (near**2 - 1) < 1e-6


def test_the_bound_of_a_function_is_taken_as_given():
    (one,) = bounds_of(program_of("sin(x)"), [1.0], [0.0], ulps={"sin": 1.0})
    (four,) = bounds_of(program_of("sin(x)"), [1.0], [0.0], ulps={"sin": 4.0})
    (unnamed,) = bounds_of(program_of("sin(x)"), [1.0], [0.0])
    assert one[0] == unnamed[0] == pytest.approx(np.sin(1.0) * EPS)
    assert four[0] == pytest.approx(4 * one[0])


def test_the_error_of_an_argument_passes_through_a_function():
    (steep,) = bounds_of(program_of("exp(x*y)"), [30.0], [20.0], ulps={"exp": 1.0})
    # exp multiplies the relative error by its argument: 600 half ulps, and one of its own.
    assert steep[0] / np.exp(600.0) == pytest.approx((600 + 2) * EPS / 2, rel=1e-3)


def test_a_condition_that_rounding_may_turn_counts_both_sides():
    text = "where(x*y > 1, x + 5, x)"
    sure, unsure = bounds_of(program_of(text), [2.0, 3.0], [4.0, 1 / 3])[0]
    assert sure < 1e-14
    assert unsure >= 5
    known = bounds_of(program_of("where(x > y, x + 5, x)"), [1.0], [1.0])[0]
    assert known[0] < 1e-14  # inputs are exact, so a tie is a tie


def test_a_jump_within_rounding_counts():
    near, far = bounds_of(program_of("floor(x*y)"), [3.0, 3.0], [1 / 3, 0.5])[0]
    assert near >= 1
    assert far == 0


def test_overflow_and_division_by_zero_give_no_finite_bound():
    (bound,) = bounds_of(program_of("exp(x*1000.5) - x"), [5.0], [0.0])
    assert not np.isfinite(bound[0])
    (zero,) = bounds_of(program_of("x/(x*y - 1/3)"), [1.0], [1 / 3])
    assert not zero[0] < 1e10


def test_a_function_that_numpy_lacks_is_named():
    code = (Instruction("load", (), (0, 0)), Instruction("nosuch", (0,)))
    program = Program((Group("inputs", ("x",)),), (Result("value", ()),), code)
    with pytest.raises(UnknownFunctionError, match="nosuch"):
        rounding_bounds(program, PRIMITIVES, [[np.ones(1)]], "float64", {})


def test_beside_a_zero_a_routine_is_as_exact_as_its_size_around_it() -> None:
    """The error of a routine is bounded like that of an argument, whole numbers excepted."""
    row = define("toy", lambda y, n, x: 0, lambda y, n, x: 1, domain=(0, 3), kind="routine",
                 definition=lambda m, n, x: m.where(m.eq(n, m.floor(n)), x - 1, n),
                 oracle=lambda mp, n, x: x - 1, whole=(0,))  # fmt: skip
    rows = {**PRIMITIVES, "toy": row}
    code = (
        Instruction("load", (), (0, 0)),
        Instruction("load", (), (0, 1)),
        Instruction("toy", (0, 1)),
        Instruction("store", (2,), (0, 0)),
    )
    program = Program((Group("inputs", ("n", "x")),), (Result("value", ()),), code)
    columns = [[np.array([2.0]), np.array([1.0])]]
    ((bound,),) = rounding_bounds(program, rows, columns, "float64", {"toy": 4.0})
    assert bound[0] == pytest.approx(4 * 2.0**-53, rel=1e-6)
