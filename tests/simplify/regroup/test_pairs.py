"""Pairs: what stands together often becomes a node, once, in a reproducible order."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from typing import Any

import pytest
from hypothesis import given

from symgrad.functions import math
from symgrad.ir.expression import Expr
from symgrad.simplify.regroup import pairs as module
from symgrad.simplify.regroup.inline import inline
from symgrad.simplify.regroup.literals import coefficients_to_literals
from symgrad.simplify.regroup.network import Network, read, write
from symgrad.simplify.regroup.pairs import HIGHEST, share_pairs
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

share_products = partial(share_pairs, kind="product")
share_sums = partial(share_pairs, kind="sum")


def share_all(network: Network) -> None:
    share_products(network)
    share_sums(network)


STEPS = {"products": share_products, "sums": share_sums, "both": share_all}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_values_stay(case: Any, step: str, digits: int) -> None:
    assert_pass_keeps(STEPS[step], case)


@pytest.mark.parametrize("step", STEPS)
@given(outputs=formulas())
def test_values_of_formulas_stay(step: str, outputs: tuple[Expr, ...], digits: int) -> None:
    network = assert_formulas_keep(STEPS[step], *outputs)
    assert 0 not in [exponent for bag in network.bags for exponent in bag.values()]


@given(outputs=formulas(positive=False))
def test_sharing_never_costs_an_operation(outputs: tuple[Expr, ...]) -> None:
    """Without powers every pair that is shared saves as many operations as it has holders but 1."""
    network = network_of(*outputs)
    coefficients_to_literals(network)
    network = inline(network)

    def operations() -> int:
        return sum([max(sum(map(abs, network.bags[n].values())) - 1, 0) for n in network.order()])

    for step in (share_products, share_sums):
        before = operations()
        step(network)
        network = inline(network)
        assert operations() <= before


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        ((x * y * z, x * y * w), "a = x*y; a*z; a*w"),
        ((x * y, x * y * w), "a = x*y; a; a*w"),
        ((x * y, x * z), "x*y; x*z"),
        ((x**2 * y, x**2 * z), "a = x**2; a*y; a*z"),
    ],
)
def test_pairs_of_factors(outputs: tuple[Expr, ...], expected: str) -> None:
    assert sorted(after(share_products, *outputs)) == sorted(expected)


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        ((x + y + z, x + y + w), "a = x+y; (a+z); (a+w)"),
        ((x - y + z, y - x + w), "a = x-y; (a+z); (-(a-w))"),
        ((x + y, x - y), "(x+y); (x-y)"),
        ((x + y, x + y + 1), "a = x+y; a; (a+1)"),
        ((3 + x + y, 3 + x + z), "a = x+3; (a+y); (a+z)"),
        ((3 + x + y, 3 - x + z), "((x+3)+y); ((-x+3)+z)"),
    ],
)
def test_pairs_of_terms(outputs: tuple[Expr, ...], expected: str) -> None:
    assert sorted(after(share_sums, *outputs)) == sorted(expected)


def test_a_constant_beside_a_term_keeps_its_size() -> None:
    assert "/" not in after(share_sums, 3 + x + y, 3 + x + z, 3 + x + w)


def test_one_minus_x_is_not_minus_x_minus_one() -> None:
    source = system(1 - x, x - 1, (1 - x) * z, 1 / (x - 1), 1 / (1 - x))
    network = inline(read(source.graph, [source.outputs]))
    share_sums(network)
    made, kept = write(inline(network), [source.outputs])
    point = (1.0, 1.0, 1.0, 1.0)
    before = in_float(program_of(source.graph, [source.outputs]), point)
    assert [str(v) for v in in_float(program_of(made, kept), point)] == [str(v) for v in before]


def test_multiples_are_one_pair() -> None:
    found = after(share_sums, 2 * x - 4 * y + z, x - 2 * y + w)
    assert found == "a = x-2*y; (2*a+z); (a+w)"


def test_floats_are_compared_as_they_are() -> None:
    found = after(share_sums, 0.1 * x + 0.3 * y + z, 0.1 * x + 0.3 * y + w, 0.3 * x + 0.9 * y + 1)
    assert found == "a = 0.1*x+0.3*y; (a+z); (a+w); (0.3*x+0.9*y+1)"


def test_powers_grow_by_sharing() -> None:
    source = system(x**7, x**6 * y, x**3 * z)
    network = inline(read(source.graph, [source.outputs]))
    share_products(network)
    made, kept = write(inline(network), [source.outputs])
    assert cost(made, kept) <= cost(source.graph, [source.outputs])


def test_high_powers_are_left_to_pow() -> None:
    network = network_of(x ** (HIGHEST + 1) * y, x ** (HIGHEST + 2) * z)
    assert not share_products(network)
    assert share_products(network_of(x**HIGHEST * y, x**HIGHEST * z))


def test_fractions_and_reciprocals_form_no_pairs() -> None:
    network = network_of(x ** Fraction(1, 2) / y * z, x ** Fraction(1, 2) / y * w)
    assert not share_products(network)


def test_a_product_over_itself_does_not_cancel() -> None:
    network = network_of(x * y, x * y * z)
    p = network.roots[0]
    a, b = network.bags[p]
    network.roots.append(network.product({a: 1, b: 1, p: -1}))
    share_products(network)
    assert is_acyclic(network)
    assert 0 not in [exponent for bag in network.bags for exponent in bag.values()]


def test_long_sums_stay_within_a_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pairs that are looked at grow with the literals, not with their square."""
    counted = 0
    original = module._Sharing._pair

    def count(self: Any, *args: int) -> Any:
        nonlocal counted
        counted += 1
        return original(self, *args)

    monkeypatch.setattr(module._Sharing, "_pair", count)
    parts = [math.sin(x * k) for k in range(1_000)]
    source = system(sum(parts, y), sum(parts, z), sum(parts, w))
    network = read(source.graph, [source.outputs])
    flat = dict.fromkeys([node for node in network.order() if network.kinds[node] == "call"], 1)
    network.roots = [network.sum({**flat, k: 1})[0] for k in (*network.roots[:2], network.roots[2])]
    share_sums(network)
    assert counted < 10 * (module.PAIRS + module.PAIRS_PER_LITERAL * 3_000)


def test_deep_networks_need_no_recursion() -> None:
    value = x
    for _ in range(10_000):
        value = math.sin(value) * y * z + x + w
    network = network_of(value)
    assert share_products(network)
    assert share_sums(network)
    assert is_acyclic(network)


def test_a_fractional_power_that_a_pair_joins_makes_no_pairs() -> None:
    root = (x * y) ** Fraction(3, 4)
    outputs = (root * x * y * z * w, x * y * z * w, x * y * z, root * x**2 * y**2 * z * w)
    network = assert_formulas_keep(share_products, *outputs)
    assert all(type(e) is int or e % 1 == Fraction(3, 4) for b in network.bags for e in b.values())
