"""Every invariant of a Graph and a Program can fail, and says where."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import nan
from typing import Any

import pytest

from symgrad.errors import InvariantError
from symgrad.functions import PRIMITIVES
from symgrad.ir.graph import Graph
from symgrad.ir.program import Group, Instruction, Program, Result, Routine
from symgrad.ir.verify import verify_graph, verify_program
from tests.expressions import CORPUS, random_case, tensor_of

Node = tuple[str, tuple[int, ...], Any]

X: Node = ("symbol", (), "x")
Y: Node = ("symbol", (), "y")
ONE: Node = ("constant", (), 1)

BROKEN_GRAPHS: dict[str, tuple[list[Node], str]] = {
    "later_argument": ([X, ("sin", (2,), None), Y], "node 1 .sin.: arguments must come before"),
    "itself": ([X, ("sin", (1,), None)], "arguments must come before"),
    "negative_argument": ([X, ("sin", (-1,), None)], "arguments must come before"),
    "leaf_with_argument": ([X, ("symbol", (0,), "y")], "a leaf has no arguments"),
    "text_constant": ([("constant", (), "1")], "'1' is no number"),
    "truth_as_constant": ([("constant", (), True)], "True is no number"),
    "whole_fraction": ([("constant", (), Fraction(4, 2))], "is a whole number"),
    "unknown_name": ([("named", (), "tau")], "'tau' is no named constant"),
    "number_as_truth": ([("boolean", (), 1)], "1 is no truth value"),
    "number_as_name": ([("symbol", (), 3)], "3 is no name"),
    "unsorted_sum": ([X, Y, ("sum", (1, 0), (0, (1, 1)))], "nodes must increase"),
    "repeated_term": ([X, ("sum", (0, 0), (0, (1, 1)))], "nodes must increase"),
    "unsorted_product": ([X, Y, ("product", (1, 0), (1, 1))], "nodes must increase"),
    "missing_coefficient": ([X, Y, ("sum", (0, 1), (0, (1,)))], "one number a node"),
    "empty_sum": ([("sum", (), (1, ()))], "one number a node"),
    "empty_product": ([("product", (), ())], "one number a node"),
    "truth_as_coefficient": ([X, ("sum", (0,), (0, (True,)))], "True is no number"),
    "zero_coefficient": ([X, Y, ("sum", (0, 1), (0, (1, 0)))], "a term is exactly zero"),
    "zero_exponent": ([X, Y, ("product", (0, 1), (1, 0))], "a term is exactly zero"),
    "float_exponent": ([X, ("product", (0,), (0.5,))], "a float exponent"),
    "constant_term": ([X, ONE, ("sum", (0, 1), (0, (1, 2)))], "a constant belongs into c0"),
    "no_row": ([X, ("nosuch", (0,), None)], "has no row"),
    "too_few_arguments": ([X, ("atan2", (0,), None)], "takes 2 arguments"),
    "too_many_arguments": ([X, Y, ("sin", (0, 1), None)], "takes 1 arguments"),
    "twice": ([X, Y, X], "node 2 .symbol.: stands twice"),
    "twice_a_sum": (
        [X, ("sum", (0,), (1, (2,))), ("sum", (0,), (1, (2,)))],
        "node 2 .sum.: stands twice",
    ),
}


def graph_of(nodes: list[Node]) -> Graph:
    graph = Graph(PRIMITIVES)
    for op, args, data in nodes:
        graph.ops.append(op)
        graph.args.append(args)
        graph.data.append(data)
    return graph


@pytest.mark.parametrize("name", BROKEN_GRAPHS)
def test_broken_graph(name: str) -> None:
    nodes, message = BROKEN_GRAPHS[name]
    with pytest.raises(InvariantError, match=message):
        verify_graph(graph_of(nodes))


@pytest.mark.parametrize("case", [*CORPUS, *map(random_case, range(8))], ids=lambda case: case.name)
@pytest.mark.parametrize("exact", [False, True])
def test_sound_graphs_with_derivatives(case: Any, exact: bool) -> None:
    for mode in ("forward", "reverse"):
        system = case.system(exact=exact)
        tensor_of(system, 2, mode)
        verify_graph(system.graph)


def test_equal_numbers_of_other_type_are_no_repetition() -> None:
    graph = Graph(PRIMITIVES)
    for value in (0, 0.0, -0.0, 1, 1.0, Fraction(1, 2), 0.5):
        graph.constant(value)
    graph.intern("boolean", (), False)
    verify_graph(graph)


def test_nans_of_other_bits_are_no_repetition() -> None:
    graph = Graph(PRIMITIVES)
    graph.constant(nan)
    graph.constant(-nan)
    verify_graph(graph)


MORE_BROKEN_GRAPHS: dict[str, list[Node]] = {
    "condition_in_a_sum": [X, Y, ("lt", (0, 1), None), ("sum", (0, 2), (0, (1, 1)))],
    "number_as_condition": [X, Y, ("select", (0, 0, 1), None)],
    "text_start": [X, ("sum", (0,), ("1", (2,)))],
    "integer_power_of_a_constant": [X, ONE, ("product", (0, 1), (1, 2))],
    "sum_of_one": [X, ("sum", (0,), (0, (1,)))],
    "product_of_one": [X, ("product", (0,), (1,))],
    "function_with_data": [X, ("sin", (0,), 3)],
}


@pytest.mark.parametrize("name", MORE_BROKEN_GRAPHS)
def test_more_broken_graphs(name: str) -> None:
    with pytest.raises(InvariantError):
        verify_graph(graph_of(MORE_BROKEN_GRAPHS[name]))


LOAD = Instruction("load", (), (0, 0))
STORE = Instruction("store", (0,), (0, 0))
LESS = Instruction("lt", (0, 0))

SOUND = Program((Group("inputs", ("x",)),), (Result("value", ()),), (LOAD, STORE))

BROKEN_CODE: dict[str, tuple[tuple[Instruction, ...], str]] = {
    "later_argument": ((LOAD, Instruction("neg", (1,)), STORE), "instruction 1 .neg.: arguments"),
    "negative_argument": ((LOAD, Instruction("neg", (-1,)), STORE), "arguments must come before"),
    "value_of_a_store": ((LOAD, STORE, Instruction("neg", (1,))), "a store has no value"),
    "arity": ((LOAD, Instruction("add", (0,)), STORE), "wrong number of arguments"),
    "arity_of_neg": ((LOAD, Instruction("neg", (0, 0)), STORE), "wrong number of arguments"),
    "arity_of_store": ((LOAD, Instruction("store", (), (0, 0))), "wrong number of arguments"),
    "column": ((Instruction("load", (), (0, 1)), STORE), "no column"),
    "negative_column": ((Instruction("load", (), (0, -1)), STORE), "no column"),
    "group": ((Instruction("load", (), (1, 0)), STORE), "no column"),
    "stored_twice": ((LOAD, STORE, STORE), "stored twice"),
    "never_stored": ((LOAD,), "result 'value': not every entry"),
    "integer_constant": ((Instruction("constant", (), 1), STORE), "1 is no float"),
    "and_of_numbers": ((LOAD, Instruction("and", (0, 0)), STORE), "takes conditions"),
    "not_of_a_number": ((LOAD, Instruction("not", (0,)), STORE), "takes conditions"),
    "select_by_a_number": ((LOAD, Instruction("select", (0, 0, 0)), STORE), "is a condition"),
    "sum_of_conditions": ((LOAD, LESS, Instruction("add", (0, 1)), STORE), "no number"),
    "stored_condition": ((LOAD, LESS, Instruction("store", (1,), (0, 0))), "no number"),
}


def test_sound_program() -> None:
    verify_program(SOUND)
    verify_program(
        replace(
            SOUND,
            code=(LOAD, LESS, Instruction("not", (1,)), Instruction("select", (2, 0, 0)), STORE),
            pieces=(0, 3),
        )
    )


@pytest.mark.parametrize("name", BROKEN_CODE)
def test_broken_program(name: str) -> None:
    code, message = BROKEN_CODE[name]
    with pytest.raises(InvariantError, match=message):
        verify_program(replace(SOUND, code=code))


TURN = (
    Instruction("load", (), (0, 1)),
    Instruction("load", (), (0, 2)),
    Instruction("lt", (0, 1)),
    Instruction("store", (1,), (0, 0)),
    Instruction("store", (2,), (0, 1)),
)
LOOP, PART = Instruction("loop", (0, 0), (0, 1, 9)), Instruction("part", (1,), 0)
SAVE = Instruction("store", (2,), (0, 0))
TOY = Routine("toy", 1, (LOAD, LOOP, PART, SAVE), (TURN,))
CALLER = Routine("caller", 1, (LOAD, Instruction("toy", (0,)), Instruction("store", (1,), (0, 0))))

BROKEN_ROUTINES: dict[str, tuple[tuple[Routine, ...], str]] = {
    "order": ((CALLER, TOY), "routine 'caller': .'toy'. must come before it"),
    "itself": ((replace(CALLER, name="toy"),), "'toy'. must come before it"),
    "argument": ((replace(TOY, arity=0),), "routine 'toy', instruction 0 .load.: there is no col"),
    "no_value": ((replace(TOY, code=TOY.code[:3]),), "routine 'toy', result 'value'"),
    "no_body": ((replace(TOY, bodies=(TURN, TURN)),), "no loop has body 1"),
    "no_turn": ((replace(TOY, code=(LOAD, LOOP._replace(data=(0, 1, 0)), PART, SAVE)),), "a turn"),
    "no_state": ((replace(TOY, code=(LOAD, LOOP._replace(data=(0, 3, 9)), PART, SAVE)),), "state"),
    "no_part": ((replace(TOY, code=(LOAD, LOOP, PART._replace(data=1), SAVE)),), "no such part"),
    "no_loop": ((replace(TOY, code=(LOAD, LOOP, PART._replace(args=(0,)), SAVE)),), "such part"),
    "whole_loop": ((replace(TOY, code=(LOAD, LOOP, SAVE._replace(args=(1,)))),), "in parts"),
    "going": ((replace(TOY, bodies=((*TURN[:4], TURN[4]._replace(args=(1,))),)),), "goes on is a"),
    "state": (
        (replace(TOY, bodies=((*TURN[:3], TURN[3]._replace(args=(2,)), TURN[4]),)),),
        "no nu",
    ),
    "no_table": ((replace(TOY, code=(LOAD, Instruction("lookup", (0,), 0), SAVE)),), "such table"),
    "nested": ((replace(TOY, bodies=((*TURN, LOOP),)),), "it comes before a loop in it"),
}


def test_sound_routines() -> None:
    verify_program(replace(SOUND, routines=(TOY, CALLER)))


@pytest.mark.parametrize("name", BROKEN_ROUTINES)
def test_broken_routines(name: str) -> None:
    routines, message = BROKEN_ROUTINES[name]
    with pytest.raises(InvariantError, match=message):
        verify_program(replace(SOUND, routines=routines))


def test_a_program_has_no_loops() -> None:
    with pytest.raises(InvariantError, match="in routines alone"):
        verify_program(replace(SOUND, code=(LOAD, LOOP, PART, SAVE)))


@pytest.mark.parametrize("pieces", [(1,), (0, 0), (0, 2, 1)])
def test_broken_pieces(pieces: tuple[int, ...]) -> None:
    with pytest.raises(InvariantError, match="pieces"):
        verify_program(replace(SOUND, pieces=pieces))


@pytest.mark.parametrize("pieces", [(0,), (0, 1)])
def test_a_first_piece_that_does_not_depend_on_parameters_alone(pieces: tuple[int, ...]) -> None:
    with pytest.raises(InvariantError, match="piece"):
        verify_program(replace(SOUND, pieces=pieces, shared=True))


MORE_BROKEN_CODE: dict[str, tuple[Instruction, ...]] = {
    "stored_nowhere": (LOAD, STORE, Instruction("store", (0,), (0, 1))),
    "stored_in_no_result": (LOAD, STORE, Instruction("store", (0,), (1, 0))),
    "stored_at_minus_one": (LOAD, Instruction("store", (0,), (0, -1))),
    "load_without_a_place": (Instruction("load"), STORE),
    "text_as_truth": (LOAD, Instruction("boolean", (), "yes"), STORE),
    "select_of_a_condition_added": (
        LOAD,
        LESS,
        Instruction("select", (1, 1, 1)),
        Instruction("add", (0, 2)),
        STORE,
    ),
    "comparison_of_conditions": (LOAD, LESS, Instruction("lt", (1, 1)), STORE),
    "sine_of_a_condition": (LOAD, LESS, Instruction("sin", (1,)), STORE),
}


@pytest.mark.parametrize("name", MORE_BROKEN_CODE)
def test_more_broken_programs(name: str) -> None:
    with pytest.raises(InvariantError):
        verify_program(replace(SOUND, code=MORE_BROKEN_CODE[name]))


@pytest.mark.parametrize("pieces", [(), (0, 7)])
def test_missing_and_late_pieces(pieces: tuple[int, ...]) -> None:
    with pytest.raises(InvariantError):
        verify_program(replace(SOUND, pieces=pieces))
