"""Sums and products as open bags: reading, writing and what keeps a bag canonical."""

from __future__ import annotations

from fractions import Fraction
from math import inf, isnan, nan
from typing import Any

import pytest

from symgrad.functions import PRIMITIVES, math
from symgrad.ir.expression import Expr, named, variables, wrap
from symgrad.ir.graph import Graph
from symgrad.ir.system import Pattern, Tensor
from symgrad.ir.verify import verify_program
from symgrad.simplify.regroup.network import ONE, Network, add_factor, add_term, read, write
from tests.simplify.networks import (
    CASES,
    assert_keeps_values,
    derivatives,
    in_float,
    network_of,
    program_of,
    system,
    text,
    w,
    x,
    y,
    z,
)

HUGE = 1 << 15_000
"""A whole number beyond all floats, and too long for Python to print."""


def empty() -> tuple[Network, int, int]:
    """A network of nothing, and the leaves x and y."""
    graph = Graph(PRIMITIVES)
    network = Network(graph)
    first, second = graph.symbol("x"), graph.symbol("y")
    return network, network.leaf("leaf", first), network.leaf("leaf", second)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_reading_and_writing_changes_no_value(case: Any, digits: int) -> None:
    graph, tensors = derivatives(case, 1, 2)
    made, kept = write(read(graph, tensors), tensors)
    assert [(t.name, t.shape) for t in kept] == [(t.name, t.shape) for t in tensors]
    assert_keeps_values(graph, tensors, made, kept, case.points(1, seed=3)[0])


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (x * y + 1, "(x*y+1)"),
        (2 * x - 3 * y, "(2*x-3*y)"),
        (x - y, "(x-y)"),
        (1 - x, "(-x+1)"),
        (Fraction(2, 3) * x + 0.5, "(2/3*x+0.5)"),
        (x**2 / y, "x**2*y**-1"),
        (named("pi") * x, "x*pi"),
        (named("pi") + 2, "sum"),
        (math.sin(x - y), "sin(x-y)"),
        (math.sqrt(wrap(2)) * x, "x*product"),
        (math.where(x < y, x, 2 * y), "select(lt(x, y), x, 2*y)"),
        (x, "x"),
        (wrap(3), "3"),
        (0 * x, "0"),
    ],
)
def test_what_is_read(formula: Expr, expected: str) -> None:
    assert text(network_of(formula, joined=False)) == expected


def test_shared_nodes_stay_shared() -> None:
    made, (kept,) = write(network_of(x * y + 1, math.sin(x * y + 1)), [system(x, y).outputs])
    assert made.args[kept.nodes[1]] == (kept.nodes[0],)


def test_structural_zeros_stay_and_floating_ones_are_data() -> None:
    source = system(0 * x, 0.0 * x, wrap(0), wrap(0.0))
    made, (kept,) = write(read(source.graph, [source.outputs]), [source.outputs])
    assert [made.is_zero(node) for node in kept.nodes] == [True, False, True, False]


def test_a_pattern_and_its_order_are_kept() -> None:
    source = system(x * y, x, x * y)
    pattern = Pattern((3, 3), 1, ((0, 0), (1, 1), (2, 1)))
    tensor = Tensor("jacobian", (3,), source.outputs.nodes, pattern)
    _, (kept,) = write(read(source.graph, [tensor]), [tensor])
    assert kept.pattern == pattern
    assert kept.nodes[0] == kept.nodes[2] != kept.nodes[1]


@pytest.mark.parametrize("coefficient", [0.0, -0.0, 1.0, 2, inf, Fraction(1, 3), 1 << 99])
def test_coefficients_survive(coefficient: Any) -> None:
    source = system(coefficient * x + y)
    made, (kept,) = write(read(source.graph, [source.outputs]), [source.outputs])
    _, coefficients = made.data[kept.nodes[0]]
    assert repr(coefficients[0]) == repr(coefficient)
    assert type(coefficients[0]) is type(coefficient)


def test_nan_and_infinities_survive() -> None:
    source = system(nan * x + y, -inf * x + y, y - inf * x * z)
    made, kept = write(read(source.graph, [source.outputs]), [source.outputs])
    found = in_float(program_of(made, kept), (1.0, 2.0, 3.0, 4.0))
    assert isnan(found[0])
    assert found[1:] == [-inf, -inf]


def test_equal_nodes_are_one() -> None:
    network, a, b = empty()
    assert network.product({a: 1, b: 2}) == network.product({b: 2, a: 1})
    assert network.sum({a: 1, b: -1}) == (network.sum({a: -1, b: 1})[0], 1)
    assert network.sum({a: -1, b: 1})[1] == -1


def test_numbers_of_different_type_or_sign_make_different_sums() -> None:
    network, a, b = empty()
    made = [network.sum({a: value, b: 1})[0] for value in (0.0, -0.0, 1, 1.0, nan, inf)]
    assert len(set(made)) == len(made)


def test_a_sum_with_a_one_keeps_its_signs() -> None:
    network, a, _ = empty()
    one_minus, sign = network.sum({ONE: 1, a: -1})
    minus_one, other = network.sum({ONE: -1, a: 1})
    assert one_minus != minus_one
    assert sign == other == 1


def test_lone_literals_are_themselves() -> None:
    network, a, _ = empty()
    assert network.product({a: 1}) == a
    assert network.product({}) == ONE
    assert network.sum({a: -1}) == (a, -1)
    assert network.sum({a: 1.0})[0] != a
    assert network.sum({ONE: 5}) == (network.number(5), 1)


def test_terms_meet_and_vanish() -> None:
    network, a, _ = empty()
    bag: dict[int, Any] = {}
    add_term(network, bag, a, 2)
    add_term(network, bag, network.number(3), 2)
    add_term(network, bag, network.number(Fraction(1, 2)), 1)
    assert bag == {a: 2, ONE: Fraction(13, 2)}
    add_term(network, bag, a, -2)
    assert a not in bag
    add_term(network, bag, a, 0.0)
    assert bag[a] == 0.0


def test_factors_of_opposite_sign_do_not_cancel() -> None:
    network, a, _ = empty()
    bag: dict[int, Any] = {}
    add_factor(network, bag, a, 2)
    add_factor(network, bag, a, 1)
    assert bag == {a: 3}
    add_factor(network, bag, a, -3)
    assert bag == {a: 3, network.product({a: -3}): 1}


def test_a_factor_meets_its_reciprocal_in_either_order() -> None:
    network, a, _ = empty()
    one: dict[int, Any] = {a: 1}
    add_factor(network, one, a, -1)
    other: dict[int, Any] = {a: -1}
    add_factor(network, other, a, 1)
    assert one == other == {a: 1, network.product({a: -1}): 1}


@pytest.mark.parametrize(
    ("numbers", "size", "expected"),
    [
        (((3, 1), (4, 1)), Fraction(1, 2), 6),
        (((3, 2),), 1, 9),
        ((), 7, 7),
        (((1e200, 1),), 1, 1e200),
        (((nan, 1),), 1, nan),
        (((1e200, 2),), 1, None),
        (((1e200, 1), (1e-200, -1)), 1, None),
        (((1e-200, 1),), 1e-200, None),
        pytest.param(((HUGE, 1), (3 * HUGE, 1)), 1, None, id="huge-huge"),
        pytest.param(((HUGE, 1),), 1, HUGE, id="huge"),
    ],
)
def test_numbers_multiply_where_floats_hold_the_product(
    numbers: Any, size: Any, expected: Any
) -> None:
    network, _, _ = empty()
    found = network.multiplied([(network.number(v), e) for v, e in numbers], size)
    value = None if found is None else network.graph.data[network.sources[found]]
    assert value is expected or value == expected
    assert type(value) is type(expected)


def test_order_puts_arguments_first_and_leaves_out_what_nothing_needs() -> None:
    network = network_of(x * y + math.sin(x * y), z)
    network.product({network.roots[1]: 5})
    nodes = network.order()
    place = {node: k for k, node in enumerate(nodes)}
    assert all(place[k] < place[node] for node in nodes for k in network.below(node))
    assert len(nodes) == len(set(nodes)) == 6


def test_uses_count_users_and_roots() -> None:
    network = network_of(x * y, math.sin(x * y), x * y * z)
    uses = network.uses(network.order())
    assert uses[network.roots[0]] == 3
    assert uses[network.roots[2]] == 1


def test_what_is_turned_is_plus_zero_where_it_vanishes() -> None:
    for others in ((), (x - y,)):
        source = system(x - y, *others)
        network = read(source.graph, [source.outputs])
        network.roots = [network.opposite(network.roots[0], alone=not others)] * (len(others) + 1)
        made, kept = write(network, [source.outputs])
        value = in_float(program_of(made, kept), (2.0, 2.0, 0.0, 0.0))[0]
        assert str(value) == "0.0"


def test_deep_networks_need_no_recursion() -> None:
    value = x
    for _ in range(10_000):
        value = math.sin(value) * y + 1
    source = system(value)
    network = read(source.graph, [source.outputs])
    assert len(network.order()) == 30_003
    made, kept = write(network, [source.outputs])
    verify_program(program_of(made, kept))


def test_conditions_keep_their_arguments() -> None:
    formula = math.where((x < y) & ~(z <= 2 * w) | (x > 3), math.max(x, y), abs(-z))
    source = system(formula)
    made, kept = write(read(source.graph, [source.outputs]), [source.outputs])
    for point in ((1.0, 2.0, 9.0, 1.0), (2.0, 1.0, 3.0, 2.0), (4.0, 1.0, 3.0, 2.0)):
        before = in_float(program_of(source.graph, [source.outputs]), point)
        assert in_float(program_of(made, kept), point) == before


def test_an_exact_graph_stays_exact() -> None:
    graph = Graph(PRIMITIVES, exact=True)
    a = variables("x")
    tensor = Tensor("value", (2,), tuple(graph.add_all([a / a, a - a])))
    made, (kept,) = write(read(graph, [tensor]), [tensor])
    assert made.exact
    values = in_float(program_of(made, [kept]), (0.0, 0.0, 0.0, 0.0))
    assert isnan(values[0])
