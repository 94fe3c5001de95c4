"""Scales of sums: values stay, coefficients go where they cost nothing."""

from __future__ import annotations

from fractions import Fraction
from math import inf
from typing import Any

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symgrad.functions import PRIMITIVES
from symgrad.ir.arithmetic import Number
from symgrad.ir.evaluate import evaluate, mpmath_arithmetic
from symgrad.ir.expression import named
from symgrad.ir.graph import Graph
from symgrad.ir.system import Tensor
from symgrad.simplify.regroup.gauge import choose_scales, numbers_to_coefficients
from symgrad.simplify.regroup.inline import inline
from symgrad.simplify.regroup.network import ONE, Network, read, write
from tests.expressions import CORPUS, tensor_of

NAMES = "abxyz"
POINT = {"a": 0.7, "b": -1.3, "x": 0.31, "y": 1.9, "z": -0.83}


def symbols(graph: Graph) -> list[int]:
    return [graph.symbol(name) for name in NAMES]


def network_of(graph: Graph, *roots: int) -> tuple[Network, list[Tensor]]:
    tensors = [Tensor("value", (len(roots),), roots)]
    return inline(read(graph, tensors)), tensors


def coefficients(network: Network) -> list[Number]:
    """The sizes of all coefficients but 1, constants aside, increasing."""
    found = [
        abs(c)
        for node in network.order()
        if network.kinds[node] == "sum"
        for literal, c in network.bags[node].items()
        if literal != ONE and abs(c) != 1
    ]
    return sorted(found)


def constants(network: Network) -> list[Number]:
    bags = [network.bags[n] for n in network.order() if network.kinds[n] == "sum"]
    return [bag[ONE] for bag in bags if ONE in bag]


def values(graph: Graph, tensors: list[Tensor], point: dict[str, Any]) -> list[Any]:
    with mpmath.workdps(40):
        at = {name: mpmath.mpf(value) for name, value in point.items()}
        nodes = [node for tensor in tensors for node in tensor.nodes]
        return list(evaluate(graph, nodes, at, mpmath_arithmetic()))


def assert_same(network: Network, tensors: list[Tensor], point: dict[str, Any]) -> None:
    expected = values(*write(network, tensors), point)
    choose_scales(network)
    got = values(*write(inline(network), tensors), point)
    for place, (one, other) in enumerate(zip(expected, got, strict=True)):
        scale = max(1, abs(one))
        assert abs(one - other) <= 1e-30 * scale, f"output {place} at {point}: {other}, not {one}"


def test_a_constant_takes_up_the_coefficients_of_all_users() -> None:
    graph = Graph(PRIMITIVES)
    a, b, x, y, _ = symbols(graph)
    inner = graph.sum([(graph.multiply(x, y), -1)], 1)
    roots = [graph.sum([(graph.multiply(k, inner), 24), (x, 1)]) for k in (a, b)]
    network, _ = network_of(graph, *roots)
    assert coefficients(network) == [24, 24]
    assert choose_scales(network)
    assert coefficients(network) == [24]
    assert constants(network) == [24]


def test_exact_differences_of_inputs_are_not_scaled() -> None:
    graph = Graph(PRIMITIVES)
    a, b, x, _, _ = symbols(graph)
    inner = graph.sum([(x, -2)], 1)  # right to the last digit near 1/2, as 24 - 48*x is not
    roots = [graph.sum([(graph.multiply(k, inner), 24), (x, 1)]) for k in (a, b)]
    network, _ = network_of(graph, *roots)
    assert not choose_scales(network)


def test_pushed_coefficients_meet_where_no_single_move_gains() -> None:
    """Forces between three bodies: nine results hold 24 times sums of two shared terms."""
    graph = Graph(PRIMITIVES)
    x = [graph.symbol(name) for name in NAMES[:3]]
    pairs = [(0, 1), (0, 2), (1, 2)]
    terms = {}
    for i, j in pairs:
        size = graph.sum([(graph.multiply(x[i], x[j]), -2)], 1)
        for k in range(3):
            direction = graph.intern("tanh", (graph.sum([(x[i], 1), (x[j], -1)], k),), None)
            terms[i, j, k] = graph.multiply(size, direction)
    roots = [
        graph.sum([(graph.sum([(terms[i, j, k], 1) for i, j in pairs if body in (i, j)]), 24)])
        for body in range(3)
        for k in range(3)
    ]
    network, tensors = network_of(graph, *roots)
    assert coefficients(network) == [2] * 3 + [24] * 9
    assert_same(network, tensors, POINT)
    network = inline(network)
    assert coefficients(network) == [48] * 3
    assert sorted(constants(network)).count(24) == 3


@pytest.mark.parametrize("use", ["result", "argument", "power"])
def test_what_is_seen_from_outside_keeps_its_scale(use: str) -> None:
    graph = Graph(PRIMITIVES)
    a, b, x, _, _ = symbols(graph)
    inner = graph.sum([(x, 1)], 1)
    seen = {
        "result": inner,
        "argument": graph.intern("exp", (inner,), None),
        "power": graph.product([(inner, -2)]),
    }[use]
    roots = [seen, *[graph.sum([(graph.multiply(k, inner), 24), (x, 1)]) for k in (a, b)]]
    network, tensors = network_of(graph, *roots)
    assert_same(network, tensors, POINT)
    assert constants(network) == [1]


def test_numbers_of_products_become_coefficients() -> None:
    graph = Graph(PRIMITIVES)
    a, b, x, _, _ = symbols(graph)
    network, tensors = network_of(graph, a, b, x)
    a, b, x = network.roots
    three, core = network.number(3), network.product({a: 1, b: 1})
    scaled = network.product({a: 1, b: 1, three: 1})
    network.roots = [network.sum({scaled: -2, x: 1})[0], scaled, x]
    assert numbers_to_coefficients(network)
    assert network.bags[scaled] == {core: 3}
    assert sorted(map(abs, network.bags[network.roots[0]].values())) == [1, 6]
    assert not numbers_to_coefficients(inline(network))
    got = values(*write(network, tensors), POINT)
    assert [float(abs(value)) for value in got] == pytest.approx([0.31 + 6 * 0.91, 3 * 0.91, 0.31])


@pytest.mark.parametrize("coefficient", [inf, 1e-300, 1e300, Fraction(1, 3**200)])
def test_extreme_coefficients_stay(coefficient: Number) -> None:
    graph = Graph(PRIMITIVES)
    a, b, x, y, _ = symbols(graph)
    inner = graph.sum([(x, coefficient), (y, 5)], 1)
    roots = [graph.sum([(graph.multiply(k, inner), 24), (x, 1)]) for k in (a, b)]
    network, _ = network_of(graph, *roots)
    before = coefficients(network)
    choose_scales(network)
    assert coefficients(network) == before
    assert constants(network) == [1]


def test_nothing_to_do() -> None:
    graph = Graph(PRIMITIVES)
    a, b, x, _, _ = symbols(graph)
    network, _ = network_of(graph, graph.sum([(graph.multiply(a, graph.sum([(b, 1), (x, 1)])), 1)]))
    assert not choose_scales(network)


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_values_of_derivatives_stay(case: Any) -> None:
    system = case.system()
    tensors = [system.outputs, tensor_of(system, 1), tensor_of(system, 2)]
    assert_same(inline(read(system.graph, tensors)), tensors, case.points(1, seed=5)[0])


NUMBERS = st.one_of(
    st.integers(-12, 12),
    st.fractions(-8, 8, max_denominator=12),
    st.floats(0.01, 100.0),
).filter(lambda number: number != 0)
STEPS = st.tuples(
    st.sampled_from(["sum", "sum", "sum", "product", "power", "call"]),
    st.lists(st.tuples(st.integers(0, 30), NUMBERS), min_size=1, max_size=4),
    st.one_of(st.just(0), NUMBERS),
)


@settings(max_examples=80, deadline=None)
@given(steps=st.lists(STEPS, min_size=3, max_size=25), wanted=st.integers(1, 6))
def test_random_graphs(steps: list[Any], wanted: int) -> None:
    graph = Graph(PRIMITIVES)
    made = symbols(graph)
    for kind, parts, start in steps:
        # Late nodes first: deep graphs.
        nodes = [(made[-1 - place % len(made)], number) for place, number in parts]
        if kind == "sum":
            made.append(graph.sum(nodes, start))
        elif kind == "product":
            made.append(graph.product([(node, 1) for node, _ in nodes]))
        elif kind == "power":
            made.append(graph.product([(nodes[0][0], 2)]))
        else:
            made.append(graph.intern("tanh", (nodes[0][0],), None))
    network, tensors = network_of(graph, *made[-wanted:])
    assert_same(network, tensors, POINT)


def shared_scales(network: Network) -> bool:
    return choose_scales(network, shared=True)


def test_a_product_with_pi_takes_up_any_scale() -> None:
    graph = Graph(PRIMITIVES)
    a, b, x, y, _ = symbols(graph)
    over_pi = graph.product([(graph.add(named("pi")), -1), (a, 1), (x, 1)])
    half = graph.sum([(over_pi, Fraction(1, 2))])
    square = graph.product([(over_pi, 2), (b, 1)])
    roots = (graph.call("exp", (half,)), graph.sum([(square, Fraction(1, 4)), (y, 1)]))
    network, tensors = network_of(graph, *roots)
    assert coefficients(network) == [Fraction(1, 4), Fraction(1, 2)]
    assert choose_scales(network)
    assert coefficients(inline(network)) == []
    made, kept = write(network, tensors)
    for old, new in zip(values(graph, tensors, POINT), values(made, kept, POINT), strict=True):
        assert abs(old - new) < 1e-30


def test_terms_move_to_the_coefficients_that_they_have_elsewhere() -> None:
    graph = Graph(PRIMITIVES)
    a, b, x, y, z = symbols(graph)
    sines = [graph.call("sin", (one,)) for one in (x, y, z)]
    total = graph.sum([(sines[0], 3), (sines[1], 5), (sines[2], 7)])
    outputs = [graph.product([(total, 1), (a, 1)]), graph.product([(total, 1), (b, 1)])]
    scaled = [graph.sum([(sine, c)]) for sine, c in zip(sines, (30, 50, 70), strict=True)]
    roots = [*[graph.sum([(output, 1000)]) for output in outputs], *scaled]
    network, tensors = network_of(graph, *roots)
    assert shared_scales(network)
    # 30*sin(x) and so on are computed anyway, and 100*total serves both products.
    assert coefficients(network) == [30, 30, 50, 50, 70, 70, 100, 100]
    made, kept = write(inline(network), tensors)
    for old, new in zip(values(graph, tensors, POINT), values(made, kept, POINT), strict=True):
        assert abs(old - new) < 1e-25
