"""Graph: hash-consing, canonical calls, selects and conditions, partials, rebuilding."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import product
from typing import Any

import pytest

from symgrad.errors import SymgradError, UnknownFunctionError
from symgrad.functions import PRIMITIVES, math
from symgrad.ir.expression import HALF, Expr, constant, named, variables, wrap
from symgrad.ir.graph import Graph
from symgrad.ir.traverse import reachable
from symgrad.ir.verify import verify_graph
from tests.expressions import (
    BRANCHES,
    CORPUS,
    as_written,
    close,
    in_float,
    in_mpmath,
    random_case,
    smallest_failing,
    system_of,
)

x, y, z = variables("x y z")


def made(*exprs: object) -> tuple[Graph, list[int]]:
    graph = Graph(PRIMITIVES)
    return graph, graph.add_all([wrap(expr) for expr in exprs])


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
@pytest.mark.parametrize("exact", [False, True])
def test_interning_keeps_the_value(case: Any, exact: bool, digits: int) -> None:
    system = case.system(exact=exact)
    verify_graph(system.graph)
    for point in case.points(3):
        got = in_mpmath(system.graph, system.outputs.nodes, point)
        for value, expr in zip(got, case.outputs, strict=True):
            assert close(value, as_written(expr, point), 1e-14), f"{expr} at {point}"


@pytest.mark.parametrize("seed", range(40))
def test_interning_keeps_the_value_of_random_expressions(seed: int, digits: int) -> None:
    case = random_case(seed, 4)
    point = case.points(1, seed)[0]

    def fails(expr: Expr) -> bool:
        graph = Graph(PRIMITIVES)
        got = in_mpmath(graph, [graph.add(expr)], point)[0]
        return not close(got, as_written(expr, point), 1e-13)

    if fails(case.outputs[0]):
        smallest = smallest_failing(case.outputs[0], fails)
        pytest.fail(f"seed {seed}: interning changes {smallest} at {point}")


def test_identical_nodes_exist_once() -> None:
    graph, (first, second) = made(math.sin(x * y) + 1, 1 + math.sin(y * x))
    assert first == second
    before = len(graph)
    graph.add(math.sin(x * y) + 1)
    assert len(graph) == before


def test_arguments_come_first() -> None:
    system = random_case(1, 4).system()
    for node, args in enumerate(system.graph.args):
        assert all(argument < node for argument in args)


def test_unknown_functions_are_named() -> None:
    with pytest.raises(UnknownFunctionError, match="'nosuch'"):
        made(Expr("nosuch", (x,)))


@pytest.mark.parametrize(
    ("expr", "same"),
    [
        (math.sin(-x), -math.sin(x)),
        (math.cos(-x), math.cos(x)),
        (math.sin(-2 * y) + math.sin(2 * y), 0),
        (math.cos(-x * y), math.cos(x * y)),
        (abs(-2 * x), abs(2 * x)),
        (math.tanh(-(x + y)), -math.tanh(x + y)),
        (math.sin(constant(-1)), -math.sin(constant(1))),
        (math.atan(Fraction(-1)), -math.pi / 4),
        (math.sign(-x), -math.sign(x)),
        (math.erf(-0.5 * x), -math.erf(0.5 * x)),
    ],
)
def test_parity(expr: object, same: object) -> None:
    _, nodes = made(expr, same)
    assert nodes[0] == nodes[1]


def test_floats_are_not_folded() -> None:
    graph, nodes = made(math.sin(constant(0.0)), math.exp(constant(0.0)), math.log(constant(1.0)))
    assert [graph.ops[node] for node in nodes] == ["sin", "exp", "log"]


@pytest.mark.parametrize(
    ("expr", "same"),
    [
        (x**2.0, x**2),
        (x**0.5, x**HALF),
        (x**-1.25, x ** Fraction(-5, 4)),
        (x**1.0, x),
        (x**0.0, 1),
        (named("e") ** x, math.exp(x)),
        (x ** constant(Fraction(1, 3)), x ** Fraction(1, 3)),
    ],
)
def test_powers(expr: Expr, same: object) -> None:
    _, nodes = made(expr, same)
    assert nodes[0] == nodes[1]


@pytest.mark.parametrize("exponent", [0.1, 1e7, float("inf"), float("nan"), x])
def test_other_powers_are_the_row_pow(exponent: object) -> None:
    graph, nodes = made(y ** wrap(exponent))
    assert graph.ops[nodes[0]] == "pow"


def test_negative_base_of_a_root_stays(digits: int) -> None:
    graph, nodes = made(constant(-8) ** Fraction(1, 3))
    assert graph.ops[nodes[0]] == "product"
    assert close(in_mpmath(graph, nodes, {})[0], float("nan"))


@pytest.mark.parametrize(
    ("expr", "same"),
    [
        (math.where(x > 0, y, y), y),
        (math.where(True, x, y), x),
        (math.where(False, x, y), y),
        (math.where(~(x > 0), y, z), math.where(x > 0, z, y)),
        (math.where(x > 0, math.where(x > 0, x, y), z), math.where(x > 0, x, z)),
        (math.where(x > 0, x, math.where(x > 0, y, z)), math.where(x > 0, x, z)),
        (math.where(constant(1) < 2, x, y), x),
        (math.where(constant(2.5) <= constant(Fraction(5, 2)), x, y), x),
        (math.where(constant(float("nan")) < 2, x, y), y),
        (math.where(~~(x > 0), x, y), math.where(x > 0, x, y)),
        (math.where((x > 0) & True, x, y), math.where(x > 0, x, y)),
        (math.where((x > 0) & False, x, y), y),
        (math.where((x > 0) | True, x, y), x),
        (math.where(False | (x > 0), x, y), math.where(x > 0, x, y)),
        (math.where((x > 0) & (x > 0), x, y), math.where(x > 0, x, y)),
    ],
)
def test_choices_that_are_decided(expr: Expr, same: object) -> None:
    _, nodes = made(expr, same)
    assert nodes[0] == nodes[1]


@pytest.mark.parametrize(
    ("condition", "same"),
    [
        (~~(x > 0), x > 0),
        ((x > 0) & ~(x > 0), False),
        (~(x > 0) | (x > 0), True),
        (~(x > 0) & ~(y > 0), ~((x > 0) | (y > 0))),
        (~(x > 0) | ~(y > 0), ~((x > 0) & (y > 0))),
        ((x < y) & (y < x), False),
        ((x > 0) & (x > 0), x > 0),
        ((x > 0) | (x > 0), x > 0),
        ((x > 0) & True, x > 0),
        (constant(True) & (x > 0), x > 0),
        ((x > 0) | constant(False), x > 0),
    ],
)
def test_conditions_that_are_decided(condition: Expr, same: object) -> None:
    _, nodes = made(condition, same)
    assert nodes[0] == nodes[1]


@pytest.mark.parametrize(
    "condition", [(x <= y) & (y <= x), (x < y) | (y < x), (x < y) | (y <= x), (x < y) & (y <= x)]
)
def test_conditions_that_are_not_decided(condition: Expr) -> None:
    graph, nodes = made(condition)
    assert graph.ops[nodes[0]] != "boolean"


@pytest.mark.parametrize("left", [x < y, x <= y, ~(x < y), Expr("eq", (x, y)), Expr("ne", (x, y))])
@pytest.mark.parametrize("right", [y < x, y <= x, ~(y < x), ~(x <= y), x < y, ~Expr("eq", (x, y))])
def test_connectives_mean_what_they_say(left: Expr, right: Expr) -> None:
    graph, nodes = made(left & right, left | right, ~left & ~right, ~(left | ~right))
    for a, b in product((0.0, 1.0, float("nan")), repeat=2):
        point = {"x": a, "y": b}
        one, other = (bool(v) for v in in_float(*made(left, right), point))
        got = [bool(value) for value in in_float(graph, nodes, point)]
        expected = [one and other, one or other, not one and not other, not one and other]
        assert got == expected, (left, right, point)


def test_equality_of_a_node_with_itself_is_not_decided() -> None:
    graph, nodes = made(math.where(Expr("eq", (x, x)), y, z))
    assert graph.ops[nodes[0]] == "select"


@pytest.mark.parametrize("values", list(product((-1.0, 1.0), repeat=3)))
def test_choice_of_conditions(values: tuple[float, ...], digits: int) -> None:
    point = dict(zip("xyz", values, strict=True))
    expr = math.where(math.where(x > 0, y > 0, z > 0), 1, 2)
    graph, nodes = made(expr)
    chosen = values[1] if values[0] > 0 else values[2]
    assert in_mpmath(graph, nodes, point) == [1 if chosen > 0 else 2]
    assert graph.is_condition(graph.args[nodes[0]][0])


@pytest.mark.parametrize("branch", BRANCHES, ids=lambda branch: branch.name)
def test_branches_have_the_value_of_the_side_taken(branch: Any, digits: int) -> None:
    graph, nodes = made(branch.expr)
    for value in branch.at:
        point = {"x": value}
        expected = as_written(branch.taken, point)
        assert close(in_mpmath(graph, nodes, point)[0], expected), f"{branch.expr} at {value}"


def test_is_condition() -> None:
    graph, nodes = made(x > 0, (x > 0) & (y > 0), constant(True), x, constant(1), math.floor(x))
    assert [graph.is_condition(node) for node in nodes] == [True, True, True, False, False, False]


def test_zero_and_one_are_exact() -> None:
    graph, nodes = made(constant(0), constant(0.0), constant(-0.0), constant(False), x - x)
    assert [graph.is_zero(node) for node in nodes] == [True, False, False, False, True]
    graph, nodes = made(constant(1), constant(1.0), constant(True), x / x)
    assert [graph.is_one(node) for node in nodes] == [True, False, False, True]


def test_bindings_stand_for_nodes() -> None:
    graph, (node,) = made(x * y)
    assert graph.add(math.sin(z) + x, {"z": node}) == graph.add(math.sin(x * y) + x)


def test_add_all_shares_what_is_shared() -> None:
    shared = x
    for _ in range(200):
        shared = shared * shared + 1
    graph, nodes = made(shared, shared)
    assert nodes[0] == nodes[1]
    assert len(graph) < 500


@pytest.mark.parametrize(
    ("expr", "index", "expected"),
    [
        (math.sin(x * y), 0, math.cos(x * y)),
        (math.atan2(x, y), 1, -x / (x**2 + y**2)),
        (math.exp(x), 0, math.exp(x)),
        (math.floor(x), 0, 0),
    ],
)
def test_partial(expr: Expr, index: int, expected: Expr, digits: int) -> None:
    point = {"x": 0.75, "y": 1.25}
    graph, (node, wanted) = made(expr, expected)
    got, wanted_value = in_mpmath(graph, [graph.partial(node, index), wanted], point)
    assert close(got, wanted_value)


@pytest.mark.parametrize("case", CORPUS[::3], ids=lambda case: case.name)
def test_rebuilding_in_another_graph_gives_the_same_graph(case: Any) -> None:
    system = case.system()
    graph, other = system.graph, Graph(PRIMITIVES)
    place: dict[int, int] = {}
    for node in reachable(graph, system.outputs.nodes):
        place[node] = graph.rebuild(node, tuple(place[a] for a in graph.args[node]), other)
    for node, image in place.items():
        assert other.ops[image] == graph.ops[node]
        assert other.data[image] == graph.data[node]
        assert other.args[image] == tuple(place[a] for a in graph.args[node])


def test_deep_expressions_need_no_recursion() -> None:
    value = x
    for _ in range(20_000):
        value = math.sin(value)
    assert len(made(value)[0]) == 20_001


def test_many_terms_take_linear_time() -> None:
    graph = Graph(PRIMITIVES)
    nodes = [graph.symbol(f"x{i}") for i in range(20_000)]
    total = graph.sum([(node, 1) for node in nodes])
    assert len(graph.args[total]) == 20_000
    doubled = graph.sum([(total, 1), (total, 1)])
    assert graph.args[doubled] == (total,)


def test_tables_of_two_graphs_are_apart() -> None:
    own: dict[str, Any] = {"sin": PRIMITIVES["sin"], "cos": PRIMITIVES["cos"]}
    graph = Graph(own)
    graph.add(math.sin(x))
    with pytest.raises(UnknownFunctionError):
        graph.add(math.exp(x))
    Graph(PRIMITIVES).add(math.exp(x))


CONDITIONS: dict[str, Callable[[], Expr]] = {
    "sum": lambda: x + (y > 0),
    "truth_value": lambda: x + constant(True),
    "argument": lambda: math.sin(x > 0),
    "arm": lambda: math.where(x > 0, y > 0, z),
    "number_as_condition": lambda: math.where(x, y, z),
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_conditions_are_no_numbers(name: str) -> None:
    with pytest.raises(SymgradError):
        verify_graph(made(CONDITIONS[name]())[0])


def test_system_helper_has_scalar_and_vector_shapes() -> None:
    assert system_of(x * y, ("x", "y")).outputs.shape == ()
    assert system_of([x * y, x], ("x", "y")).outputs.shape == (2,)


def test_a_constant_first_argument_may_have_a_row_of_its_own() -> None:
    graph = Graph(PRIMITIVES)
    x = graph.symbol("x")
    assert graph.ops[graph.call("besselj", (graph.constant(1), x))] == "besselj1"
    assert graph.ops[graph.call("besselj", (graph.constant(2), x))] == "besselj"
    assert graph.ops[graph.call("besselj", (graph.constant(1.0), x))] == "besselj"
    assert graph.ops[graph.call("polygamma", (graph.constant(0), x))] == "digamma"
