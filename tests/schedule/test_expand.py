"""Composite functions disappear, and what stands in their place has their values."""

from __future__ import annotations

import math as python_math
from dataclasses import replace

import numpy as np
import pytest

from symgrad.functions import PRIMITIVES, math
from symgrad.ir.evaluate import evaluate, numpy_arithmetic
from symgrad.ir.expression import Expr, symbol, variables
from symgrad.ir.graph import Graph
from symgrad.ir.primitive import define, table
from symgrad.ir.system import Tensor
from symgrad.ir.text import write
from symgrad.ir.traverse import reachable
from symgrad.ir.verify import verify_graph
from symgrad.schedule.expand import expand

COMPOSITE = [row for row in PRIMITIVES.values() if row.kind == "composite"]
(x,) = variables("x y")[:1]
SPECIAL = (-2.5, -1.0, -0.0, 0.0, 0.5, 1.0, 3.0, np.inf, -np.inf, np.nan)

MOST = 200
"""Points of a row: those of many arguments have too many combinations."""


def expanded(graph, *nodes):
    made, (tensor,) = expand(graph, [Tensor("value", (len(nodes),), nodes)])
    return made, tensor.nodes


def ops(graph, roots):
    """What the roots need; a graph also keeps the composite nodes that were replaced."""
    return [graph.ops[node] for node in reachable(graph, roots)]


def stand_in(row, table):
    """Any function of as many arguments: that of a routine takes long, and is the same twice."""
    return lambda *args: sum(np.tanh(arg) / (i + len(row.name)) for i, arg in enumerate(args))


@pytest.mark.parametrize("row", COMPOSITE, ids=lambda row: row.name)
def test_a_composite_row_becomes_rows_that_targets_know(row):
    graph = Graph(PRIMITIVES)
    arguments = tuple(graph.symbol(f"x{i}") for i in range(row.arity))
    made, nodes = expanded(graph, graph.call(row.name, arguments))
    verify_graph(made)
    kinds = {made.table[op].kind for op in ops(made, nodes) if op in made.table}
    assert row.name not in ops(made, nodes)
    assert "composite" not in kinds
    # -inf to the power -1/2 is 0, one over its root nan: the slope of asech is not wanted there.
    special = [value for value in SPECIAL if row.name != "asech_slope" or not np.isinf(value)]
    rng = np.random.default_rng(1)
    grid = rng.choice(special, (MOST, row.arity))
    if len(special) ** row.arity <= MOST:
        grid = np.stack(np.meshgrid(*[special] * row.arity), -1).reshape(-1, row.arity)
    point = {f"x{i}": column for i, column in enumerate(grid.T)}
    arithmetic = replace(numpy_arithmetic(), routine=stand_in)
    with np.errstate(all="ignore"):
        # The interpreter evaluates the row by its own expansion, before and after.
        (before,) = evaluate(graph, [len(graph) - 1], point, arithmetic)
        (after,) = evaluate(made, nodes, point, arithmetic)
    # A product of several factors may come to be multiplied in another order.
    np.testing.assert_allclose(after, before, rtol=1e-15, atol=0)


@pytest.mark.parametrize("name", ["sigmoid", "softplus", "max"])
@pytest.mark.parametrize("base", [x**2, math.exp(x), 1 / (1 + x**2)], ids=str)
def test_arguments_that_cannot_be_negative_need_no_branch_for_it(name, base):
    graph = Graph(PRIMITIVES)
    zero = (graph.constant(0),) if name == "max" else ()
    root = graph.call(name, (graph.add(base), *zero))
    made, nodes = expanded(graph, root)
    found = ops(made, nodes)
    assert "abs" not in found
    assert "select" not in found
    points = {"x": np.array([*SPECIAL, 1e200])}
    with np.errstate(all="ignore"):
        (before,) = evaluate(graph, [root], points, numpy_arithmetic())
        (after,) = evaluate(made, nodes, points, numpy_arithmetic())
    np.testing.assert_array_equal(after, before)


REFERENCES = {
    "max": np.maximum,
    "min": np.minimum,
    "mod": np.mod,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "softplus": lambda x: np.logaddexp(0, x),
}


@pytest.mark.parametrize("name", sorted(REFERENCES.keys() & PRIMITIVES.keys()))
def test_the_expansion_has_the_values_of_numpy(name):
    graph = Graph(PRIMITIVES)
    count = PRIMITIVES[name].arity
    made, nodes = expanded(graph, graph.call(name, tuple(map(graph.symbol, "ab"[:count]))))
    grid = np.meshgrid(*[[v for v in SPECIAL if np.isfinite(v)]] * count)
    columns = [column.ravel() for column in grid]
    if name == "mod":
        columns = [column[columns[1] != 0] for column in columns]
    point = dict(zip("ab", columns, strict=False))
    with np.errstate(all="ignore"):
        (got,) = evaluate(made, nodes, point, numpy_arithmetic())
    np.testing.assert_allclose(got, REFERENCES[name](*columns), rtol=4e-16, atol=0)


def test_what_is_not_composite_stays_as_it_is():
    graph = Graph(PRIMITIVES)
    x, y = variables("x y")
    root = graph.add(Expr("sin", (x * y + 2,)) / (1 + y**2))
    made, nodes = expanded(graph, root)
    assert write(made, {"value": nodes}) == write(graph, {"value": [root]})


def test_shared_nodes_stay_shared_and_unused_ones_are_dropped():
    graph = Graph(PRIMITIVES)
    x = graph.symbol("x")
    graph.call("exp", (graph.call("cos", (x,)),))  # nobody's
    largest = graph.call("max", (x, graph.call("sin", (x,))))
    made, nodes = expanded(graph, largest, graph.power(largest, graph.constant(2)), largest)
    assert "exp" not in made.ops
    assert ops(made, nodes).count("sin") == 1
    assert ops(made, nodes).count("lt") == 1
    assert nodes[0] == nodes[2]


def test_tensors_keep_their_names_and_shapes():
    graph = Graph(PRIMITIVES)
    x = graph.symbol("x")
    curve = graph.call("sigmoid", (x,))
    tensors = [Tensor("value", (), (curve,)), Tensor("jacobian", (2, 1), (x, curve))]
    _, made = expand(graph, tensors)
    assert [(t.name, t.shape) for t in made] == [("value", ()), ("jacobian", (2, 1))]
    assert made[0].nodes[0] == made[1].nodes[1]


def test_the_exactness_of_a_graph_is_kept():
    graph = Graph(PRIMITIVES, exact=True)
    made, _ = expanded(graph, graph.call("sigmoid", (graph.symbol("x"),)))
    assert made.exact


def test_expansions_of_expansions_are_expanded():
    inner = define(
        "twice", lambda y, x: 2, domain=(-1, 1), kind="composite", expansion=lambda x: x + x
    )
    outer = define(
        "fourfold",
        lambda y, x: 4,
        domain=(-1, 1),
        kind="composite",
        expansion=lambda x: Expr("twice", (Expr("twice", (x,)),)),
    )
    graph = Graph(table(inner, outer))
    made, nodes = expanded(graph, graph.call("fourfold", (graph.symbol("x"),)))
    assert set(ops(made, nodes)) == {"symbol", "sum"}
    assert evaluate(made, nodes, {"x": 1.5}, numpy_arithmetic()) == [6.0]


def test_a_long_chain_of_composite_functions_does_not_recurse():
    graph = Graph(PRIMITIVES)
    node = graph.add(symbol("x"))
    for k in range(2_000):
        node = graph.call("max", (node, graph.constant(python_math.pi / (k + 3))))
    made, nodes = expanded(graph, node)
    assert evaluate(made, nodes, {"x": 0.0}, numpy_arithmetic()) == [python_math.pi / 3]
