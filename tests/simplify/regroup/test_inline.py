"""Joining what is used once: flat bags, signs outside, nothing cancelled, nothing quadratic."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from symgrad.functions import math
from symgrad.ir.expression import HALF, Expr
from symgrad.simplify.regroup import inline as module
from symgrad.simplify.regroup.inline import HIGHEST, LONGEST, inline
from symgrad.simplify.regroup.network import read, write
from tests.simplify.networks import (
    CASES,
    NAMES,
    assert_keeps_values,
    assert_pass_keeps,
    formulas,
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


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_values_stay(case: Any, digits: int) -> None:
    assert_pass_keeps(inline, case)


@given(outputs=formulas())
def test_values_of_formulas_stay(outputs: tuple[Expr, ...], digits: int) -> None:
    source = system(*outputs)
    tensors = [source.outputs]
    made, kept = write(inline(read(source.graph, tensors)), tensors)
    point = dict(zip(NAMES, (0.7, 1.3, 0.4, 1.1), strict=True))
    assert_keeps_values(source.graph, tensors, made, kept, point)


@given(outputs=formulas())
def test_twice_changes_nothing(outputs: tuple[Expr, ...]) -> None:
    once = network_of(*outputs)
    again = inline(inline(once))
    assert text(again) == text(inline(again))


@pytest.mark.parametrize(
    ("formulas", "expected"),
    [
        ((x + (y + z),), "(x+y+z)"),
        ((x - (y - z),), "(x-y+z)"),
        ((x - (1 + y),), "(x-(y+1))"),
        ((x + 2 * (y + z),), "(x+2*(y+z))"),
        ((x * (y * z),), "x*y*z"),
        ((w * (x * y) ** 2,), "w*(x*y)**2"),
        ((w * (x**2) ** 3,), "w*x**6"),
        ((x + (y + z), y + z), "a = y+z; (x+a); a"),
        ((x * (y * z), y * z), "a = y*z; x*a; a"),
        ((x * (y - z),), "x*(y-z)"),
    ],
)
def test_what_is_joined(formulas: tuple[Expr, ...], expected: str) -> None:
    letters = "".join(sorted(text(network_of(*formulas))))
    assert letters == "".join(sorted(expected))


def test_signs_float_through_products() -> None:
    network = network_of(-x * (-y), x * (-y) * z)
    assert network.kinds[network.roots[0]] == "product"
    (negated,) = network.bags[network.roots[1]].values()
    assert negated == -1


@pytest.mark.parametrize("exponent", [-1, -3, Fraction(-1, 2), Fraction(-3, 2)])
@pytest.mark.parametrize("others", [(), (x - y,), (y - x,), (x - y, y - x)])
def test_infinities_keep_their_sign(exponent: Any, others: tuple[Expr, ...]) -> None:
    for base in (x - y, y - x):
        source = system(base**exponent, *others)
        tensors = [source.outputs]
        made, kept = write(inline(inline(read(source.graph, tensors))), tensors)
        point = (2.0, 2.0, 0.0, 0.0)
        assert in_float(program_of(source.graph, tensors), point)[0] == float("inf")
        assert in_float(program_of(made, kept), point)[0] == float("inf")


@pytest.mark.parametrize(
    ("outputs", "least"),
    [
        (((y - x) ** -3, (y - x) ** 2), 1),
        (((y - x) ** -3, (y - x) ** -2, z * (y - x)), 1),
        (((y - x) ** HALF, w - z * (x - y)), 1),
        (((y - x) ** -3, (x - y) ** -1), 2),  # both signs divide
    ],
)
def test_a_difference_that_divides_takes_its_sign_for_all(
    outputs: tuple[Expr, ...], least: int
) -> None:
    source = system(*outputs)
    network = read(source.graph, [source.outputs])
    for _ in range(3):  # it stays so
        network = inline(network)
        sums = [network.bags[node] for node in network.order() if network.kinds[node] == "sum"]
        differences = [bag for bag in sums if len(bag) == 2 and z not in bag]
        inner = [bag for bag in differences if all(network.kinds[k] != "product" for k in bag)]
        assert len(inner) == least
    made, kept = write(network, [source.outputs])
    for point in ((1.0, 2.5, 0.3, 4.0), (1.0, 1.0, 0.3, 4.0)):
        with np.errstate(all="ignore"):
            expected = in_float(program_of(source.graph, [source.outputs]), point)
            assert in_float(program_of(made, kept), point) == pytest.approx(expected)


def test_the_root_of_a_turned_sum_is_plus_zero() -> None:
    source = system((y - x) ** Fraction(1, 2), (x - y) ** Fraction(1, 2), x - y)
    made, kept = write(inline(read(source.graph, [source.outputs])), [source.outputs])
    assert str(in_float(program_of(made, kept), (2.0, 2.0, 0.0, 0.0))[0]) == "0.0"


def test_quotients_of_joined_products_do_not_cancel() -> None:
    network = network_of(x * y)
    (a, b) = network.bags[network.roots[0]]
    for bag in ({network.roots[0]: 1, a: -1}, {a: -1, network.roots[0]: 1}, {a: 1, b: 1}):
        quotient = dict(bag)
        changed = network_of(x * y)
        changed.roots = [changed.product(quotient)]
        bags = inline(changed).bags
        assert 0 not in [e for made in bags for e in made.values()]
    changed = network_of(x * y)
    changed.roots = [changed.product({changed.roots[0]: 1, a: -1})]
    joined = inline(changed)
    factors = joined.bags[joined.roots[0]]
    assert any(joined.kinds[k] == "product" or e < 0 for k, e in factors.items())


def test_numbers_become_one_literal() -> None:
    network = network_of(x * y)
    bag = {network.number(3): 1, network.number(Fraction(1, 2)): 1, network.roots[0]: 1}
    network.roots = [network.product(bag)]
    assert sorted(text(inline(network))) == sorted("x*y*3/2")


def test_numbers_that_annul_each_other_vanish() -> None:
    network = network_of(x * y)
    bag = {network.number(2): 1, network.number(Fraction(1, 2)): 1, network.roots[0]: 1}
    network.roots = [network.product(bag)]
    assert sorted(text(inline(network))) == sorted("x*y")


@pytest.mark.parametrize("size", [1e200, pytest.param(1 << 15_000, id="huge")])
def test_numbers_that_overflow_together_stay_apart(size: Any) -> None:
    network = network_of(x * y)
    inner = network.product({network.number(size): 1, network.roots[0]: 1})
    network.roots = [network.product({network.number(size): 1, inner: 1})]
    made = inline(inline(network))
    bags = [made.bags[node] for node in made.order()]
    held = [k for bag in bags for k in bag if made.kinds[k] == "number"]
    assert [made.graph.data[made.sources[k]] for k in held] == [size, size]


def test_powers_stay_below_a_limit() -> None:
    value = x * y
    for _ in range(12):
        value = (value * z) ** 2 * w
    network = network_of(value)
    assert max(e for bag in network.bags for e in bag.values()) <= HIGHEST


def test_an_empty_sum_is_zero() -> None:
    network = network_of(x + y)
    network.touch(network.roots[0])
    network.bags[network.roots[0]].clear()
    made = inline(network)
    assert made.graph.is_zero(made.sources[made.roots[0]])


@pytest.mark.parametrize("shape", ["sum", "difference", "product"])
def test_long_chains_take_linear_work(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = 0
    for name in ("add_term", "add_factor"):
        original = getattr(module, name)

        def count(*args: Any, original: Any = original) -> Any:
            nonlocal counted
            counted += 1
            return original(*args)

        monkeypatch.setattr(module, name, count)
    found = []
    for size in (1_000, 2_000):
        value = x
        for k in range(size):
            part = math.sin(x * k + y)
            value = {"sum": value + part, "difference": part - value, "product": value * part}[
                shape
            ]
        source = system(value)
        network = read(source.graph, [source.outputs])
        counted = 0
        inline(network)
        found.append(counted)
    assert found[1] <= 2.2 * found[0]
    assert found[1] <= 2_000 * LONGEST


def test_deep_networks_need_no_recursion() -> None:
    value = x
    for _ in range(10_000):
        value = math.sin(value - y) * z
    made = network_of(value)
    assert 30_003 <= len(made.order()) <= 30_010
