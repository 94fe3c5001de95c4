"""What depends on parameters alone is computed first, if that is worth it."""

from __future__ import annotations

import numpy as np
import pytest

from symgrad.differentiate.tensors import derive
from symgrad.functions import PRIMITIVES, math
from symgrad.ir.evaluate import numpy_arithmetic, run
from symgrad.ir.expression import Expr, variables
from symgrad.ir.program import Group, Program
from symgrad.ir.system import Request
from symgrad.ir.verify import verify_program
from symgrad.schedule.lower import schedule
from symgrad.schedule.shared import parameters_first
from tests.expressions import system_of

x, a, b = variables("x a b")
GROUPS = [Group("inputs", ("x",)), Group("parameters", ("a", "b"))]


def program(*outputs: Expr, groups: list[Group] = GROUPS) -> Program:
    system = system_of(list(outputs), ("x", "a", "b"))
    tensors = derive(system, [Request("value", "tensor", 0), Request("jacobian", "tensor", 1)])
    return schedule(system.graph, tensors, groups)


def ops(made: Program) -> tuple[list[str], list[str]]:
    """The operations of the first piece and of the rest."""
    cut = made.pieces[1]
    return [i.op for i in made.code[:cut]], [i.op for i in made.code[cut:]]


def test_functions_and_quotients_of_parameters_come_first() -> None:
    given = program(math.exp(-a) * x + x**2 * math.sqrt(b) / a)
    made = parameters_first(given)
    assert made.shared
    verify_program(made)
    first, rest = ops(made)
    assert {"exp", "sqrt", "div"} <= set(first)
    assert not {"exp", "sqrt"} & set(rest)
    assert "store" not in first
    assert made.total == given.total
    points = [[np.float64(0.7)], [np.float64(1.3), np.float64(2.5)]]
    one, other = (run(p, PRIMITIVES, points, numpy_arithmetic()) for p in (given, made))
    assert one == other


def test_a_result_of_parameters_alone_is_stored_for_every_point() -> None:
    made = parameters_first(program(math.sin(a) * b))
    first, rest = ops(made)
    assert "sin" in first
    assert rest.count("store") == 4
    verify_program(made)


@pytest.mark.parametrize("output", [a * b * x, x * math.sin(x * a), x - (a + b) * b])
def test_what_costs_little_stays_where_it_is(output: Expr) -> None:
    given = program(output)
    assert parameters_first(given) is given


def test_without_parameters_nothing_changes() -> None:
    given = program(math.exp(-a) * x, groups=[Group("inputs", ("x", "a", "b"))])
    assert parameters_first(given) is given


def test_later_pieces_begin_where_they_did() -> None:
    given = program(*[math.exp(-a) * x**k for k in range(1, 6)], *[x * 0 for _ in range(30)])
    assert len(given.pieces) == 2, "the zeros have a piece of their own"
    made = parameters_first(given)
    verify_program(made)
    assert len(made.pieces) == 3
    assert {i.op for i in made.code[made.pieces[2] :]} <= {"store", "constant"}
