"""Definitions: what tracing one gives, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from symgrad.errors import InvariantError
from symgrad.ir.definition import Loop, Mathematics, invariant_name, state_name, trace
from symgrad.ir.expression import HALF, Expr, constant, named, symbol

a, b = symbol("a"), symbol("b")
k, s0, s1, i0 = (symbol(name) for name in ("k", state_name(0), state_name(1), invariant_name(0)))


def test_m_has_every_function_by_name() -> None:
    m = Mathematics()
    assert m.besselj(2, a) == Expr("besselj", (constant(2), a))
    assert m.sqrt(a) == a**HALF
    assert m.where(a < b, a, 1) == Expr("select", (a < b, a, constant(1)))
    assert (m.pi, m.e) == (named("pi"), named("e"))
    with pytest.raises(AttributeError):
        m._private  # noqa: B018


def test_a_lookup_carries_its_table() -> None:
    made = Mathematics().lookup([1, 2.5], a + 1)
    assert (made.op, made.args, made.value) == ("lookup", (a + 1,), (1.0, 2.5))
    assert made != Mathematics().lookup([1, 3.5], a + 1)
    with pytest.raises(InvariantError, match="one number or more"):
        Mathematics().lookup([], a)


def test_a_definition_is_called_once_and_constants_are_wrapped() -> None:
    seen = []

    def definition(m: Any, x: Expr) -> Any:
        seen.append(x)
        return 2

    assert trace(definition, (a,)) == constant(2)
    assert seen == [a]


def loop_of(value: tuple[Expr, ...]) -> tuple[Expr, Loop]:
    (made,) = {id(part.args[0]): part.args[0] for part in value}.values()
    assert [(part.op, part.value) for part in value] == [("part", i) for i in range(len(value))]
    assert made.op == "loop"
    assert isinstance(made.value, Loop)
    return made, made.value


def test_what_a_turn_takes_from_outside_is_passed_in() -> None:
    outer = a * b + 1
    value = Mathematics().loop(
        lambda k, x, y: ((x < outer) & (k < 9), y + outer * k, x + named("pi")), (a, 0), 30
    )
    made, loop = loop_of(value)
    assert made.args == (a, constant(0), outer)
    assert loop.states == (s1 + i0 * k, s0 + named("pi"))
    assert loop.going == (s0 < i0) & (k < 9)
    assert loop.most == 30


def test_equal_values_from_outside_are_passed_in_once_and_the_largest() -> None:
    value = Mathematics().loop(
        lambda k, x: (
            x < b * b,
            x + (b * b + a),
        ),
        (1,),
        5,
    )
    made, _ = loop_of(value)
    assert set(made.args[1:]) == {b * b, b * b + a}
    value = Mathematics().loop(lambda k, x: (x < (b + a), x * (b + a)), (1,), 5)
    assert loop_of(value)[0].args == (constant(1), b + a)


def test_conditions_from_outside_stay_inside() -> None:
    value = Mathematics().loop(lambda k, x: (a < 1, x + a), (0,), 5)
    made, loop = loop_of(value)
    assert made.args == (constant(0), a)
    assert loop.going == (i0 < 1)


def test_a_loop_may_use_the_result_of_another() -> None:
    m = Mathematics()
    (first,) = m.loop(lambda k, x: (x < a, x + 1), (0,), 5)
    made, _ = loop_of(m.loop(lambda k, x: (x < first, x * first), (1,), 7))
    assert made.args == (constant(1), first)


def test_equal_loops_are_equal_expressions() -> None:
    def made(most: int) -> Expr:
        return Mathematics().loop(lambda k, x: (x < a, x + 1), (0,), most)[0]

    assert made(5) == made(5)
    assert hash(made(5)) == hash(made(5))
    assert made(5) != made(6)
    assert made(5) != Mathematics().loop(lambda k, x: (x < b, x + 1), (0,), 5)[0]


def nested(m: Mathematics) -> Any:
    return m.loop(lambda k, x: (x < 1, m.loop(lambda j, y: (y < x, y + 1), (0,), 3)[0]), (0,), 3)


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (nested, "do not nest"),
        (lambda m: m.loop(lambda k, x: (x < 1,), (0,), 3), "1 states, 0 after a turn"),
        (lambda m: m.loop(lambda k, x: (x < 1, x, x), (0,), 3), "1 states, 2 after a turn"),
        (lambda m: m.loop(lambda k, x: (x < 1, x), (0,), 0), "0 turns at most"),
        (lambda m: m.loop(lambda k, x: (x < 1, x), (0,), 2.5), "2.5 turns at most"),
    ],
)
def test_loops_that_are_refused(use: Any, message: str) -> None:
    with pytest.raises(InvariantError, match=message):
        use(Mathematics())


def test_what_conditions_from_outside_choose_is_passed_in() -> None:
    m = Mathematics()
    chosen = m.sin(m.where(a > 0.0, a, 1.0))
    (total,) = m.loop(lambda k, s: (k < 3.0, m.where(a > 0.0, s + chosen, s)), (0.0,), 4)
    loop = total.args[0]
    i1 = symbol(invariant_name(1))
    assert loop.value.states in [(m.where(i > 0.0, s0 + j, s0),) for i, j in ((i0, i1), (i1, i0))]
    assert set(loop.args[1:]) == {a, chosen}
