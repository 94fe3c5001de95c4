import pytest

from symgrad.emit.kernels.pressure import live_values, vectors_at_a_time
from symgrad.ir.program import Group, Instruction, Program, Result


def program_of(*code):
    return Program((Group("inputs", ("x",)),), (Result("value", (1,)),), code)


def fan(count):
    """``count`` sines of different multiples of x, all needed at the end."""
    code = [Instruction("load", (), (0, 0))]
    for _ in range(count):
        code.append(Instruction("sin", (len(code) - 1,)))
    total = 1
    for index in range(2, count + 1):
        code.append(Instruction("add", (total, index)))
        total = len(code) - 1
    code.append(Instruction("store", (total,), (0, 0)))
    return program_of(*code)


def test_a_chain_has_one_value_and_the_one_it_becomes():
    code = [Instruction("load", (), (0, 0)), *(Instruction("sin", (i,)) for i in range(5))]
    assert live_values(program_of(*code, Instruction("store", (5,), (0, 0)))) == 2


def test_loads_and_constants_need_no_register():
    load, one = Instruction("load", (), (0, 0)), Instruction("constant", (), 1.0)
    code = (load, one, Instruction("add", (0, 1)), Instruction("store", (2,), (0, 0)))
    assert live_values(program_of(*code)) == 1


@pytest.mark.parametrize("count", [3, 8, 20])
def test_values_live_until_their_last_use(count):
    assert live_values(fan(count)) == count + 1  # the sum joins them before they end


def test_two_vectors_are_taken_where_they_fit_and_there_is_something_to_wait_for():
    assert vectors_at_a_time(fan(8), 8, 32) == 2
    assert vectors_at_a_time(fan(8), 8, 15) == 1
    assert vectors_at_a_time(fan(8), 0, 32) == 1
    assert vectors_at_a_time(fan(20), 20, 32) == 1
