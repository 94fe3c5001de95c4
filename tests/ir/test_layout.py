"""Layout: the arguments of a kernel follow from it, in one order for every engine."""

from __future__ import annotations

import pytest

from symgrad.ir.layout import MOST_VALUES, Argument, Layout, kernel_arguments, ordinary_layout
from symgrad.ir.program import Group, Program, Result

GROUPS = (Group("inputs", ("x", "y")), Group("parameters", ("a", "b", "c")))
PROGRAM = Program(GROUPS, (Result("value", ()), Result("gradient", (2,))), ())


def test_every_group_has_an_address_and_a_step_and_every_result_an_address():
    assert list(kernel_arguments(PROGRAM, Layout())) == [
        Argument("count"),
        Argument("address", 0),
        Argument("step", 0),
        Argument("address", 1),
        Argument("step", 1),
        Argument("address", 2),
        Argument("address", 3),
    ]


def test_a_group_by_value_is_a_number_for_each_column():
    kinds = list(kernel_arguments(PROGRAM, Layout(values=("parameters",))))
    assert kinds[3:6] == [Argument("value", 1, column) for column in range(3)]
    assert [argument.kind for argument in kinds] == [
        *("count", "address", "step"),
        *("value", "value", "value", "address", "address"),
    ]


def test_a_shared_group_is_an_address_without_a_step():
    kinds = list(kernel_arguments(PROGRAM, Layout(points="first", shared=("parameters",))))
    assert kinds[3:] == [Argument("address", 1), Argument("address", 2), Argument("address", 3)]


def test_columns_that_are_arrays_of_their_own_have_an_address_each():
    kinds = list(kernel_arguments(PROGRAM, Layout(separate=("inputs",), shared=("parameters",))))
    assert kinds[1:] == [
        *(Argument("address", 0, column) for column in range(2)),
        *(Argument("address", array) for array in (1, 2, 3)),
    ]


@pytest.mark.parametrize("accumulate", [False, True])
def test_adding_to_the_results_changes_no_argument(accumulate):
    kinds = kernel_arguments(PROGRAM, Layout(accumulate=accumulate))
    assert list(kinds) == list(kernel_arguments(PROGRAM, Layout()))


def test_a_layout_is_a_key():
    assert len({Layout(), Layout(), Layout(accumulate=True), Layout("first")}) == 3


def test_an_ordinary_call_passes_few_parameters_as_numbers():
    assert ordinary_layout(0, 0) == Layout("first")
    assert ordinary_layout(-1, 3) == Layout("last", ("parameters",))
    assert ordinary_layout(-1, MOST_VALUES) == Layout("last", ("parameters",))
    assert ordinary_layout(-1, MOST_VALUES + 1) == Layout("last")
