"""When an interpreted function is compiled, and what functions of one recipe have in common."""

from __future__ import annotations

import threading

import pytest

from symgrad.functions import PRIMITIVES
from symgrad.ir.program import Group, Instruction, Program, Result
from symgrad.runtime import tier
from symgrad.runtime.interpret import Interpreter
from symgrad.runtime.tier import COMPILING, POINT, STEP, Code, Tier, find, keep


@pytest.fixture
def interpreter():
    code = (Instruction("load", (), (0, 0)), Instruction("store", (0,), (0, 0)))
    program = Program((Group("inputs", ("x",)),), (Result("value", ()),), code)
    return Interpreter(program, PRIMITIVES, "float64")


def kernel(*_):
    """Stands for a compiled one."""


def test_it_is_compiled_by_the_call_that_makes_interpreting_dearer(interpreter):
    made = Tier(interpreter, {}, lambda: Code.of(kernel))
    calls = 0
    while made.code(1) is made.interpreted:
        calls += 1
    assert made.code(1).kernel is kernel
    assert calls == int(COMPILING / (POINT + STEP))
    assert 100 < calls < 10_000


def test_a_call_of_many_points_is_compiled_first(interpreter):
    made = Tier(interpreter, {}, lambda: Code.of(kernel))
    assert made.code(10**7).kernel is kernel


def test_few_points_are_interpreted_and_no_points_cost_nothing(interpreter):
    made = Tier(interpreter, {}, lambda: Code.of(kernel))
    assert made.code(10_000).kernel is interpreter
    spent = made.spent
    assert made.code(0).kernel is interpreter
    assert made.spent == spent > 0


def test_what_is_never_to_be_compiled_is_not(interpreter):
    made = Tier(interpreter, {}, None)
    assert made.code(10**9) is made.interpreted


def test_two_threads_compile_once(interpreter):
    compiled = []

    def compile():
        compiled.append(threading.get_ident())
        return Code.of(kernel)

    made = Tier(interpreter, {}, compile)
    threads = [threading.Thread(target=made.code, args=(10**9,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(compiled) == 1


def test_the_tiers_used_last_are_kept(interpreter, monkeypatch):
    monkeypatch.setattr(tier, "_known", {})
    made = [Tier(interpreter, {}, None) for _ in range(tier.KEPT + 2)]
    for number, one in enumerate(made):
        assert keep(str(number), one) is one
        assert find("0") is made[0]
    assert keep("0", made[1]) is made[0]
    assert find("1") is None
    assert find(str(len(made) - 1)) is made[-1]
    assert find("nothing") is None
