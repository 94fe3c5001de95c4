"""Truncated series of nodes: packed indices, and each operation against mpmath's own series."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import pytest

from symgrad.differentiate import taylor
from symgrad.differentiate.taylor import Indices, Jet
from symgrad.functions import PRIMITIVES
from symgrad.ir.graph import Graph
from tests.expressions import close, in_mpmath

ORDER = 5
A = (Fraction(3, 2), 2, Fraction(-1, 3), 1, Fraction(1, 2), -2)
B = (2, -1, Fraction(3, 4), Fraction(2, 5), 1, Fraction(1, 7))


def space(factorials: bool) -> Indices:
    return Indices(1, ORDER, factorials=factorials)


def scaled(values: Any, indices: Indices) -> list[Any]:
    return [v * (mpmath.factorial(k) if indices.factorials else 1) for k, v in enumerate(values)]


def jet(graph: Graph, name: str) -> Jet:
    """A jet of one variable with symbols for coefficients."""
    return [{k: graph.symbol(f"{name}{k}")} for k in range(ORDER + 1)]


def values(graph: Graph, made: Jet, indices: Indices) -> list[Any]:
    point = {}
    for name, series in (("a", A), ("b", B)):
        for k, value in enumerate(
            scaled(
                [mpmath.mpf(v.numerator) / v.denominator for v in map(Fraction, series)], indices
            )
        ):
            point[f"{name}{k}"] = value
    zero = graph.constant(0)
    return in_mpmath(graph, [made[k].get(k, zero) for k in range(ORDER + 1)], point)


def series(function: Callable[[Any, Any], Any]) -> list[Any]:
    def at(t: Any) -> Any:
        a, b = (
            sum(
                mpmath.mpf(Fraction(v).numerator) / Fraction(v).denominator * t**k
                for k, v in enumerate(s)
            )
            for s in (A, B)
        )
        return function(a, b)

    return mpmath.taylor(at, 0, ORDER)


@pytest.mark.parametrize("factorials", [False, True])
@pytest.mark.parametrize("kind", ["product", "square", "quotient", "root", "inverse", "linear"])
def test_operations_of_series(kind: str, factorials: bool, digits: int) -> None:
    graph, indices = Graph(PRIMITIVES), space(factorials)
    a, b = jet(graph, "a"), jet(graph, "b")
    a0, b0 = a[0][0], b[0][0]
    expected = {
        "product": lambda p, q: p * q,
        "square": lambda p, q: p * p,
        "quotient": lambda p, q: p / q,
        "root": lambda p, q: p ** (mpmath.mpf(2) / 3),
        "inverse": lambda p, q: q**-3,
        "linear": lambda p, q: 3 * p - q / 2,
    }[kind]
    start = {
        "product": graph.multiply(a0, b0),
        "square": graph.product(((a0, 2),)),
        "quotient": graph.product(((a0, 1), (b0, -1))),
        "root": graph.product(((a0, Fraction(2, 3)),)),
        "inverse": graph.product(((b0, -3),)),
        "linear": graph.sum(((a0, 3), (b0, Fraction(-1, 2)))),
    }[kind]
    made: Jet = [{0: start}]
    for degree in range(1, ORDER + 1):
        made.append(
            {
                "product": lambda d: taylor.product(graph, indices, a, b, d),
                "square": lambda d: taylor.square(graph, indices, a, d),
                "quotient": lambda d: taylor.quotient(graph, indices, a[d], b, made, d),
                "root": lambda d: taylor.power(graph, indices, a, made, Fraction(2, 3), d),
                "inverse": lambda d: taylor.power(graph, indices, b, made, -3, d),
                "linear": lambda d: taylor.linear(graph, [a, b], [3, Fraction(-1, 2)], d),
            }[kind](degree)
        )
    got = values(graph, made, indices)
    for one, other in zip(got, scaled(series(expected), indices), strict=True):
        assert close(one, other, 1e-18)


@pytest.mark.parametrize("factorials", [False, True])
def test_a_chain_integrates_the_partial(factorials: bool, digits: int) -> None:
    graph, indices = Graph(PRIMITIVES), space(factorials)
    a = jet(graph, "a")
    made: Jet = [{0: graph.call("exp", (a[0][0],))}]
    for degree in range(1, ORDER + 1):
        made.append(taylor.chain(graph, indices, [(a, made)], degree))  # exp' = exp
    wanted = scaled(series(lambda p, q: mpmath.exp(p)), indices)
    for one, other in zip(values(graph, made, indices), wanted, strict=True):
        assert close(one, other, 1e-18)


def test_a_square_makes_each_product_once() -> None:
    graph, indices = Graph(PRIMITIVES), space(False)
    a = jet(graph, "a")
    (node,) = taylor.square(graph, indices, a, 4).values()
    assert len(graph.args[node]) == 3  # a0*a4, a1*a3, a2**2
    assert sorted(graph.data[node][1]) == [1, 2, 2]


def test_a_chain_goes_by_the_direction_with_the_fewest_products() -> None:
    graph, indices = Graph(PRIMITIVES), Indices(2, 4, factorials=False)
    x, y = indices.unit(0), indices.unit(1)
    u: Jet = [{}, {}, {}, {}, {}]
    for i in range(5):
        for j in range(5 - i):
            u[i + j][i * x + j * y] = graph.symbol(f"u{i}{j}")
    (node,) = [
        made
        for alpha, made in taylor.chain(graph, indices, [(u, u)], 4).items()
        if alpha == 3 * x + y
    ]
    assert graph.ops[node] == "sum"
    assert len(graph.args[node]) == 4  # by y: the b with b_y = 1; by x there would be 6
    assert set(graph.data[node][1]) == {1}


def test_exact_zeros_are_absent() -> None:
    graph = Graph(PRIMITIVES)
    a0, a1 = graph.symbol("a0"), graph.symbol("a1")
    a: Jet = [{0: a0}, {1: a1}, {}]
    assert taylor.linear(graph, [a, a], [2, -2], 1) == {}
    assert taylor.linear(graph, [a], [2], 2) == {}


def test_indices_are_packed_positions() -> None:
    indices = Indices(3, 4, factorials=False)
    alpha = 2 * indices.unit(0) + indices.unit(2)
    assert [exponent for _, exponent in indices.parts(alpha)] == [2, 1]
    assert indices.positions(alpha) == (2, 0, 0)
    assert indices.factorial(alpha) == 2
    assert indices.weight(alpha, indices.unit(0)) == 1
    derivatives = Indices(3, 4, factorials=True)
    assert derivatives.factorial(alpha) == 1
    assert derivatives.weight(alpha, indices.unit(0)) == 2
    assert derivatives.weight(3 * indices.unit(1), indices.unit(1)) == 3
