"""The order of results: fewer values wait, the values stay the same."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from symgrad.differentiate.tensors import derive
from symgrad.functions import PRIMITIVES, math
from symgrad.ir.evaluate import numpy_arithmetic, run
from symgrad.ir.expression import Expr, variables, wrap
from symgrad.ir.graph import Graph
from symgrad.ir.program import Group, Instruction
from symgrad.ir.system import Request, Tensor
from symgrad.ir.verify import verify_program
from symgrad.schedule.lower import schedule
from symgrad.schedule.order import REGISTERS, in_best_order, waiting
from symgrad.simplify.regroup.optimise import ORDERS, optimise
from tests.expressions import system_of


def cluster(atoms: int) -> tuple[Graph, list[Tensor], list[Group]]:
    """Energy and forces of a cluster; the energy is asked for first."""
    v = variables("v", 3 * atoms)
    energy: Expr = wrap(0)
    for i, j in combinations(range(atoms), 2):
        square = sum((v[3 * i + k] - v[3 * j + k]) ** 2 for k in range(3))
        energy = energy + square**-6 - square**-3
    names = [f"v{k}" for k in range(3 * atoms)]
    system = system_of(energy, names)
    requests = [Request("value", "tensor", 0), Request("gradient", "tensor", 1)]
    return system.graph, derive(system, requests), [Group("inputs", tuple(names))]


def test_forces_before_the_energy() -> None:
    graph, tensors, groups = cluster(7)
    graph, tensors = optimise(graph, tensors, ORDERS["scale, factor, share"])
    given = schedule(graph, tensors, groups)
    best = in_best_order(given)
    assert waiting(best.code) < 0.8 * waiting(given.code)
    assert best.total == given.total
    verify_program(best)
    point = [[np.float64(k * k % 7 + 0.1 * k) for k in range(21)]]
    one, other = (run(p, PRIMITIVES, point, numpy_arithmetic()) for p in (given, best))
    assert one == other  # the same operations on the same values: the same bits


def test_the_given_order_is_kept_where_nothing_waits() -> None:
    x, y = variables("x y")
    system = system_of([math.sin(x) * y, x + y], ("x", "y"))
    tensors = derive(system, [Request("value", "tensor", 0)])
    groups = [Group("inputs", ("x", "y"))]
    given = schedule(system.graph, tensors, groups)
    assert in_best_order(given) is given


def test_waiting_counts_what_the_registers_do_not_hold() -> None:
    count = REGISTERS + 2
    code = [Instruction("load", (), (0, 0))]
    code += [Instruction("sqrt", (0,))] * count
    for k in range(count):
        code.append(Instruction("store", (1 + k,), (0, k)))
    # 1 and 2 too many at the last roots, 2 and 1 at the first stores.
    assert waiting(code) == 1 + 2 + 2 + 1


def test_nothing_to_compute() -> None:
    graph = Graph(PRIMITIVES)
    tensor = Tensor("value", (), (graph.constant(0),))
    program = in_best_order(schedule(graph, [tensor], [Group("inputs", ("x",))]))
    verify_program(program)
    assert waiting(program.code) == 0


def test_what_is_there_already_decides_what_comes_next() -> None:
    """Columns of a matrix product, the results given row by row: column by column fewer wait."""
    size = 12
    names = [f"{letter}{k}" for letter in "ab" for k in range(size)]
    columns = [math.sin(v) for v in variables(" ".join(names[:size]))]
    rows = [math.cos(v) for v in variables(" ".join(names[size:]))]
    system = system_of([row * column for row in rows for column in columns], names)
    tensors = derive(system, [Request("value", "tensor", 0)])
    given = schedule(system.graph, tensors, [Group("inputs", tuple(names))])
    best = in_best_order(given)
    verify_program(best)
    assert best.total == given.total
    assert waiting(best.code) <= waiting(given.code)


def test_structural_zeros_stay_last() -> None:
    graph, tensors, groups = cluster(7)
    nodes = (*tensors[1].nodes, *[graph.constant(0)] * 20)
    tensors = [tensors[0], Tensor("gradient", (len(nodes),), nodes)]
    graph, tensors = optimise(graph, tensors, ORDERS["scale, factor, share"])
    given = schedule(graph, tensors, groups)
    best = in_best_order(given)
    assert best != given
    verify_program(best)
    assert len(best.pieces) == len(given.pieces) == 2
    assert all(i.op in ("constant", "store") for i in best.code[best.pieces[1] :])


def test_a_result_that_another_needs_is_stored_at_once() -> None:
    graph, tensors, groups = cluster(5)
    program = in_best_order(schedule(graph, tensors, groups))
    stores = [k for k, i in enumerate(program.code) if i.op == "store"]
    for store in stores:
        (value,) = program.code[store].args
        between = program.code[value + 1 : store]
        assert all(i.op == "store" for i in between)


def test_nothing_waits_in_a_program_of_no_instructions() -> None:
    assert waiting(()) == 0
