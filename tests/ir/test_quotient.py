from __future__ import annotations

import mpmath
import pytest

from symgrad.functions import math
from symgrad.functions.user import UserFunction, make_row, table_with
from symgrad.ir.expression import variables
from symgrad.ir.graph import Graph
from symgrad.ir.quotient import (
    CALLBACK_TOLERANCE,
    callback_slopes,
    callbacks,
    compare,
    difference_quotient,
    worst_slopes,
)
from symgrad.ir.system import System, Tensor
from tests.expressions import system_of

x, y = variables("x y")
F = [x**2 * math.sin(y), math.exp(x * y)]


def vector(*parts):
    return tuple(mpmath.mpf(part) for part in parts)


@pytest.fixture
def point(digits):
    return {"x": mpmath.mpf("1.25"), "y": mpmath.mpf("0.75")}


EAST, NORTH = vector(1, 0), vector(0, 1)


def exact(point):
    """d/dx, d2/dxdy and d3/dx2dy of both outputs, written by hand."""
    a, b = point["x"], point["y"]
    sin, cos, e = mpmath.sin(b), mpmath.cos(b), mpmath.exp(a * b)
    return {
        (EAST,): [2 * a * sin, b * e],
        (EAST, NORTH): [2 * a * cos, (1 + a * b) * e],
        (EAST, NORTH, EAST): [2 * cos, (2 * b + a * b * b) * e],
    }


@pytest.mark.parametrize("sign", [1, -1])
def test_quotients_have_fifty_digits_at_every_order(point, sign):
    for directions, want in exact(point).items():
        made, value = difference_quotient(system_of(F, "xy"), point, directions, sign)
        for got, expected in zip(made, want, strict=True):
            assert abs(got / expected - 1) < mpmath.mpf(10) ** -45
        assert abs(value[0] - point["x"] ** 2 * mpmath.sin(point["y"])) < mpmath.mpf(10) ** -45


def test_no_direction_gives_the_value(point):
    made, value = difference_quotient(system_of(F, "xy"), point, [], 1)
    assert made == value


def test_right_partials_agree(point):
    for directions, want in exact(point).items():
        found = compare(system_of(F, "xy"), point, want, 0, directions)
        assert found.verdict == "agrees"
        assert found.error < 1e-40


def test_a_wrong_partial_is_found_with_both_numbers(point):
    right = exact(point)[EAST,]
    found = compare(system_of(F, "xy"), point, [right[0], right[1] * (1 + 1e-9)], 0, [EAST])
    assert found.verdict == "wrong"
    assert found.error == pytest.approx(1e-9, rel=1e-3)
    assert found.output == 1
    assert found.quotient == pytest.approx(float(right[1]), rel=1e-15)
    assert found.rules / found.quotient - 1 == pytest.approx(1e-9, rel=1e-5)


def test_arrays_are_contracted_with_the_direction(point):
    a, b = point["x"], point["y"]
    sin, cos = mpmath.sin(b), mpmath.cos(b)
    hessian = [2 * sin, 2 * a * cos, 2 * a * cos, -a * a * sin]
    system, along = system_of(F[0], "xy"), vector(1.5, -0.75)
    assert compare(system, point, hessian, 2, [along, along]).verdict == "agrees"
    for entry in range(4):
        wrong = list(hessian)
        wrong[entry] += mpmath.mpf("1e-6")
        assert compare(system, point, wrong, 2, [along, along]).verdict == "wrong"


def test_weights_sum_the_outputs(point):
    # d/dx of 3 f0 - 2 f1, as one entry of a vector-Jacobian product contracted with (1, 0).
    first = exact(point)[EAST,]
    row = [3 * first[0] - 2 * first[1], mpmath.mpf(7)]
    weights = vector(3, -2)
    system = system_of(F, "xy")
    assert compare(system, point, row, 1, [EAST], weights).verdict == "agrees"
    assert compare(system, point, row, 1, [NORTH], weights).verdict == "wrong"


@pytest.mark.parametrize("convention", [-1, 0, 0.5])
def test_a_kink_is_told_from_a_wrong_derivative(digits, convention):
    system = system_of(abs(x), "x")
    at = {"x": mpmath.mpf(0)}
    given = [mpmath.mpf(convention)]
    assert compare(system, at, given, 0, [vector(1)]).verdict == "kink"
    at = {"x": mpmath.mpf("1e-3")}
    assert compare(system, at, given, 0, [vector(1)]).verdict == "wrong"


def test_what_is_not_finite_is_skipped(digits):
    system = system_of(math.log(x), "x")
    at = {"x": mpmath.mpf(-1)}
    assert compare(system, at, vector(-1), 0, [vector(1)]).verdict == "skipped"
    at = {"x": mpmath.mpf(2)}
    assert compare(system, at, [mpmath.inf], 0, [vector(1)]).verdict == "skipped"
    assert compare(system, at, vector(0.5), 0, [vector(1)]).verdict == "agrees"


def test_a_derivative_that_vanishes_agrees(digits):
    system = system_of(x - x + 5, "x")
    assert compare(system, {"x": mpmath.mpf(3)}, vector(0), 0, [vector(1)]).error == 0
    found = compare(system_of(x**2, "x"), {"x": mpmath.mpf(0)}, vector(0), 0, [vector(1)])
    assert found.verdict == "agrees"  # the quotient itself is 2**-400


def _hinge(a, b):
    return max(a, 0.0) * b * b


def hinge(slope):
    """A function of floats, with a partial by its first argument alone."""
    partials = [slope, None]
    row = make_row("hinge", 2, partials, symbol="sg.user.hinge", callback=_hinge)
    return UserFunction("hinge", 2, lambda: (row,))


def hinge_system(slope):
    function = hinge(slope)
    graph = Graph(table_with(function))
    node = graph.add(function(x * y, y) + function(x, 2))
    return System(graph, ("x", "y"), (), ("x", "y"), Tensor("value", (), (node,)), ("f",))


def right(y, a, b):
    return math.where(a > 0, b * b, 0)


def test_functions_of_floats_are_named():
    assert callbacks(hinge_system(right)) == ["hinge"]
    assert callbacks(system_of(F, "xy")) == []


def test_partials_of_functions_of_floats_are_compared_at_their_arguments(point):
    slopes = callback_slopes(hinge_system(right), point)
    assert sorted((s.argument, s.rules) for s in slopes) == [(0, 0.5625), (0, 4.0)]
    assert all(s.error < CALLBACK_TOLERANCE for s in slopes)
    wrong = callback_slopes(hinge_system(lambda y, a, b: b), point)
    assert all(s.error > CALLBACK_TOLERANCE for s in wrong)


def test_kinks_of_functions_of_floats_are_left_out(point):
    point["x"] = mpmath.mpf(0)
    assert callback_slopes(hinge_system(right), point) == []


def test_the_worst_slope_is_found_with_its_point():
    columns = {"x": [1.0, 3.0, 2.0], "y": [1.0, 1.0, 1.0]}
    found = worst_slopes(hinge_system(lambda y, a, b: b * b + (a - 1) / 100), columns)
    (count, k, worst) = found["hinge"]
    assert (list(found), count, k, worst.argument) == (["hinge"], 6, 1, 0)
    assert worst.rules - worst.quotient == pytest.approx(0.02, rel=1e-6)
    assert worst.quotient == pytest.approx(1, rel=1e-9)
