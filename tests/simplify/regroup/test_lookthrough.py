"""Sums that are a factor times a sum that is there: found through shared products too."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from symgrad.functions import math
from symgrad.ir.expression import Expr
from symgrad.simplify.regroup.inline import inline
from symgrad.simplify.regroup.lookthrough import LARGEST, reuse_sums
from symgrad.simplify.regroup.network import read, write
from tests.simplify.networks import (
    CASES,
    after,
    assert_formulas_keep,
    assert_pass_keeps,
    cost,
    formulas,
    in_float,
    is_acyclic,
    network_of,
    program_of,
    system,
    w,
    x,
    y,
    z,
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_values_stay(case: Any, digits: int) -> None:
    assert_pass_keeps(reuse_sums, case)


@given(outputs=formulas())
def test_values_of_formulas_stay(outputs: tuple[Expr, ...], digits: int) -> None:
    assert_formulas_keep(reuse_sums, *outputs)


def test_a_multiple_of_a_known_sum_is_found_through_shared_products() -> None:
    c = math.exp(z)
    u, v = c * x, c * y
    network = network_of(x * w + y * z, u, v, u * w + v * z)
    assert reuse_sums(network)
    made = inline(network)
    assert made.roots[0] in made.bags[made.roots[3]]
    assert len(made.bags[made.roots[3]]) == 2


def test_part_of_a_sum_can_be_a_multiple() -> None:
    found = after(reuse_sums, x + y, z * x + z * y + w)
    assert found.startswith("a = ")
    assert found.endswith(("(z*a+w)", "(w+z*a)", "(w+a*z)"))


def test_signs_are_compared() -> None:
    source = system(x - y, z * y - z * x, w * x + w * y)
    network = inline(read(source.graph, [source.outputs]))
    assert reuse_sums(network)
    made, kept = write(inline(network), [source.outputs])
    point = (5.0, 3.0, 2.0, 7.0)
    assert in_float(program_of(made, kept), point) == [2.0, -4.0, 56.0]


@pytest.mark.parametrize(
    "outputs",
    [
        (x + y, z * x + w * y),
        (x + y, z * x - z * y),
        (1 + x, z + z * x),  # what has a 1 keeps its signs
        (x + y,),
    ],
)
def test_nothing_is_found_where_nothing_fits(outputs: tuple[Expr, ...]) -> None:
    assert not reuse_sums(network_of(*outputs))


def test_large_products_are_not_looked_through() -> None:
    wide = z
    for k in range(LARGEST + 1):
        wide = wide * math.sin(x * (k + 2))
    source = system(x + y, wide, wide * x + wide * y, wide * w)
    network = inline(read(source.graph, [source.outputs]))
    reuse_sums(network)
    made, kept = write(inline(network), [source.outputs])
    assert cost(made, kept) <= cost(source.graph, [source.outputs])


def test_quotients_are_not_cancelled_to_find_a_sum() -> None:
    """``(x*z)/x + ...`` does not count as ``z + ...``: it is nan where x is 0."""
    network = network_of(z + w, x * z, x * w)
    total, first, second = network.roots
    (a,) = [k for k in network.bags[first] if k in network.bags[second]]
    terms = [network.product({product: 1, a: -1, total: 1}) for product in (first, second)]
    network.roots.append(network.sum(dict.fromkeys(terms, 1))[0])
    assert reuse_sums(network) is False or is_acyclic(network)
    bags = [network.bags[node] for node in network.order()]
    assert any(exponent == -1 for bag in bags for exponent in bag.values())


def test_deep_networks_need_no_recursion() -> None:
    value = x
    for _ in range(10_000):
        value = math.sin(value) * y + math.cos(value) * z
    network = network_of(value)
    assert not reuse_sums(network)


def test_a_term_that_is_there_twice_counts_twice() -> None:
    """(z*w)*x and z*(w*x) are two products, and their sum is no z*w*x."""
    assert_formulas_keep(reuse_sums, x + y, z * w, w * x, (z * w) * x + z * (w * x) + (z * w) * y)
