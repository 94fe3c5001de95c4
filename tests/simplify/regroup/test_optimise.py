"""The whole regrouping: the same values, fewer operations, one result for every process."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from math import inf, isnan, nan
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given

from symgrad.functions import PRIMITIVES, math
from symgrad.ir.expression import Expr, named, wrap
from symgrad.ir.graph import Graph
from symgrad.ir.system import Pattern, Tensor
from symgrad.ir.text import write as written
from symgrad.simplify.regroup import optimise as module
from symgrad.simplify.regroup.inline import inline
from symgrad.simplify.regroup.network import Network, read
from symgrad.simplify.regroup.optimise import ORDERS, PRIMAL, optimise, prepare, regroup
from tests.expressions import BRANCHES, close, system_of
from tests.simplify.networks import (
    CASES,
    NAMES,
    assert_keeps_values,
    cost,
    derivatives,
    formulas,
    in_digits,
    in_float,
    is_acyclic,
    program_of,
    system,
    w,
    x,
    y,
    z,
)

PASSES = {**ORDERS, **PRIMAL}
HALF = Fraction(1, 2)


@pytest.mark.parametrize("order", PASSES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_values_stay(case: Any, order: str, digits: int) -> None:
    for orders in ((1,), (2,), (1, 2)):
        graph, tensors = derivatives(case, *orders)
        made, kept = optimise(graph, tensors, PASSES[order])
        assert [(t.name, t.shape) for t in kept] == [(t.name, t.shape) for t in tensors]
        point = case.points(1, seed=11)[0]
        assert_keeps_values(graph, tensors, made, kept, point)
        values = list(point.values())
        before = in_digits(program_of(graph, tensors, case.inputs), values)
        found = in_digits(program_of(made, kept, case.inputs), values)
        assert all(close(one, other, 1e-13) for one, other in zip(found, before, strict=True))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_better_order_costs_no_more_than_the_plain_schedule(case: Any) -> None:
    for orders in ((1,), (2,), (1, 2)):
        graph, tensors = derivatives(case, *orders)
        costs = [cost(*optimise(graph, tensors, p), case.inputs) for p in ORDERS.values()]
        assert min(costs) <= cost(graph, tensors, case.inputs)


@pytest.mark.parametrize("case", CASES[:3], ids=lambda case: case.name)
def test_orders_that_share_a_start_find_what_each_finds_alone(case: Any) -> None:
    graph, tensors = derivatives(case, 2)
    start = prepare(graph, tensors)
    for passes in ORDERS.values():
        alone = optimise(graph, tensors, passes)
        shared = regroup(start.copy(), tensors, passes)
        assert shared[1] == alone[1]
        for name in ("ops", "args", "data"):
            assert getattr(shared[0], name) == getattr(alone[0], name)


@pytest.mark.parametrize("order", PASSES)
@given(outputs=formulas())
def test_values_of_formulas_stay(order: str, outputs: tuple[Expr, ...], digits: int) -> None:
    source = system(*outputs)
    made, kept = optimise(source.graph, [source.outputs], PASSES[order])
    point = dict(zip(NAMES, (0.7, 1.3, 0.4, 1.1), strict=True))
    assert_keeps_values(source.graph, [source.outputs], made, kept, point)


@pytest.mark.parametrize("order", ORDERS)
@given(outputs=formulas())
def test_double_precision_stays_close(order: str, outputs: tuple[Expr, ...], digits: int) -> None:
    """Regrouped sums of positive terms are as exact as before: a few ulp an operation."""
    source = system(*[output for output in outputs if output.op != "add" or len(outputs) == 1])
    made, kept = optimise(source.graph, [source.outputs], ORDERS[order])
    program, point = program_of(made, kept), (0.7, 1.3, 0.4, 1.1)
    exact = in_digits(program_of(source.graph, [source.outputs]), point)
    plain = in_float(program_of(source.graph, [source.outputs]), point)
    for one, other, value in zip(in_float(program, point), plain, exact, strict=True):
        if np.isfinite(other) and abs(value) > 1e-290:
            error, before = (float(abs(mpmath.mpf(v) - value) / abs(value)) for v in (one, other))
            assert error <= 64 * before + 1e-12


@pytest.mark.parametrize("order", PASSES)
@pytest.mark.parametrize("branch", BRANCHES, ids=lambda branch: branch.name)
def test_branches_stay(branch: Any, order: str, digits: int) -> None:
    source = system_of(branch.expr, ("x",))
    made, kept = optimise(source.graph, [source.outputs], PASSES[order])
    for value in branch.at:
        assert_keeps_values(source.graph, [source.outputs], made, kept, {"x": value})


def test_each_step_sees_an_acyclic_network(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = 0

    def checked(network: Network) -> Network:
        nonlocal seen
        seen += 1
        assert is_acyclic(network)
        return inline(network)

    monkeypatch.setattr(module, "inline", checked)
    for case in CASES[::4]:
        graph, tensors = derivatives(case, 1, 2)
        for passes in PASSES.values():
            optimise(graph, tensors, passes)
    assert seen > len(CASES)


def test_the_result_does_not_depend_on_the_hash_seed() -> None:
    found = []
    for seed in ("0", "1"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-m", "tests.simplify.regroup.test_optimise", *PASSES]
        done = subprocess.run(command, capture_output=True, env=environment, check=True, text=True)
        found.append(dict(zip(PASSES, done.stdout.split(), strict=True)))
    assert found[0] == found[1]
    assert {len(one) for one in found[0].values()} == {64}


def digest(order: str) -> str:
    """A digest of everything that the passes make of the corpus."""
    made = hashlib.sha256()
    for case in CASES:
        graph, tensors = derivatives(case, 1, 2)
        result, kept = optimise(graph, tensors, PASSES[order])
        made.update(written(result, {t.name: t.nodes for t in kept}).encode())
    return made.hexdigest()


@pytest.mark.parametrize("order", ORDERS)
def test_a_pattern_is_kept_with_its_nodes_in_order(order: str) -> None:
    source = system(x * y + x * z, x * y, x * y + x * z)
    pattern = Pattern((3, 3), 1, ((0, 0), (1, 1), (2, 1)))
    tensor = Tensor("jacobian", (3,), source.outputs.nodes, pattern)
    _, (kept,) = optimise(source.graph, [tensor], ORDERS[order])
    assert kept.pattern == pattern
    assert kept.nodes[0] == kept.nodes[2] != kept.nodes[1]


@pytest.mark.parametrize("order", ORDERS)
def test_structural_zeros_stay(order: str) -> None:
    source = system(wrap(0), 0.0 * x, x * y - y * x, 0.0)
    made, (kept,) = optimise(source.graph, [source.outputs], ORDERS[order])
    assert [made.is_zero(node) for node in kept.nodes] == [True, False, True, False]


@pytest.mark.parametrize("order", ORDERS)
def test_the_given_graph_keeps_its_nodes(order: str) -> None:
    source = system(24 * x * (1 - 2 * y), x * y + x * z)
    before = written(source.graph, {"value": source.outputs.nodes})
    optimise(source.graph, [source.outputs], ORDERS[order])
    assert written(source.graph, {"value": source.outputs.nodes}).startswith(before[:-1]) or (
        before.splitlines()[0] in written(source.graph)
    )


def outcome(outputs: Sequence[object], order: str, point: Sequence[float]) -> Any:
    """Results in double precision, before and after."""
    source = system(*outputs)
    made, kept = optimise(source.graph, [source.outputs], ORDERS[order])
    before = in_float(program_of(source.graph, [source.outputs]), point)
    return before, in_float(program_of(made, kept), point)


BASES = (x - y, y - x, 1 - x, x - 1, 2 * y - 2 * x)
QUOTIENTS = {
    "1/b": lambda b: 1 / b,
    "b**-3": lambda b: b**-3,
    "b**-0.5": lambda b: b**-HALF,
    "b**-1.5": lambda b: b**-HALF / b,
    "z/b": lambda b: z / b,
    "both": lambda b: b**-HALF + 1 / b,
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("quotient", QUOTIENTS)
def test_infinities_keep_their_sign(quotient: str, order: str) -> None:
    for base, other in product(BASES, BASES):
        outputs = (QUOTIENTS[quotient](base), other * w, QUOTIENTS[quotient](base) * w, 1 / other)
        for point in ((1.0, 1.0, 2.0, 3.0), (1.0, 1.0, -2.0, 3.0)):
            before, found = outcome(outputs, order, point)
            assert found[0] in (inf, -inf)
            assert found == before, f"{outputs} at {point}"


QUOTIENTS_OF_ZEROS = (
    (x * y / (x * y + 0 * z), 2 * x * y),
    ((x + y) / (x + y), x + y),
    (x / (x + y) + y / (x + y), (x + y) * z),
    ((x * z + y * z) / (x + y), z * (x + y)),
    (2 * (x + y) / (3 * x + 3 * y), x + y),
    (math.sqrt(x) / math.sqrt(x + 0 * y), math.sqrt(x)),
)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("outputs", QUOTIENTS_OF_ZEROS, ids=lambda outputs: str(outputs[0]))
def test_quotients_that_the_graph_keeps_are_not_cancelled(outputs: Any, order: str) -> None:
    before, found = outcome(outputs, order, (0.0, 0.0, 1.0, 1.0))
    assert isnan(found[0]) == isnan(before[0])


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("number", [0.0, -0.0, inf, -inf, nan, 1.0, -1.0, 1e300, 5e-324])
def test_floats_of_any_kind_survive(number: float, order: str) -> None:
    outputs = (
        number * x + y,
        number * x * y,
        z + number,
        x * (number * y + number * z),
        w / number,
    )
    for point in ((1.0, 2.0, 3.0, 4.0), (-1.0, 0.5, 0.0, 1.0)):
        before, found = outcome(outputs, order, point)
        for one, other in zip(before, found, strict=True):
            # A factor that is pulled out of inf - inf or inf*0 can leave less of nan.
            assert isnan(one) or other == pytest.approx(one, rel=1e-14, abs=0)


@pytest.mark.parametrize("order", ORDERS)
def test_the_sign_of_zero_survives_products(order: str) -> None:
    _, found = outcome((-0.0 * x, 0.0 * x * y, -0.0 * x * y * z), order, (1.0, 1.0, 1.0, 1.0))
    assert [str(value) for value in found] == ["-0.0", "0.0", "-0.0"]


@pytest.mark.parametrize("order", ORDERS)
def test_huge_numbers_and_fractions_stay_exact(order: str, digits: int) -> None:
    size = 1 << 15_000
    outputs = (size * (1 + size * x), Fraction(1, size) * (x + 3 * y) * z, size * x + 3 * size * y)
    source = system(*outputs)
    made, kept = optimise(source.graph, [source.outputs], ORDERS[order])
    with mpmath.workdps(10_000):
        point = dict(zip(NAMES, (0.7, 1.3, 0.4, 1.1), strict=True))
        assert_keeps_values(source.graph, [source.outputs], made, kept, point)


@pytest.mark.parametrize("order", ORDERS)
def test_products_of_floats_do_not_overflow(order: str) -> None:
    outputs = (1e200 * (1e200 * x + 1e200 * y), 1e-200 * (1e-200 * x * z + 1e-200 * y))
    source = system(*outputs)
    made, kept = optimise(source.graph, [source.outputs], ORDERS[order])
    found = in_float(program_of(made, kept), (1e-300, 1e-300, 1.0, 1.0))
    assert found[0] == pytest.approx(2e100)
    found = in_float(program_of(made, kept), (1e300, 1e300, 1.0, 1.0))
    assert found[1] == pytest.approx(2e-100)


@pytest.mark.parametrize("order", ORDERS)
def test_powers_of_a_negative_base(order: str) -> None:
    powers = [x ** Fraction(n, 2) * (y if n % 3 else 1) for n in range(-7, 8) if n]
    for value in (-2.0, 0.0, 2.0, inf):
        before, found = outcome(powers, order, (value, 3.0, 1.0, 1.0))
        assert found == pytest.approx(before, rel=1e-14, abs=0, nan_ok=True)


@pytest.mark.parametrize("order", ORDERS)
def test_named_constants_stay_exact(order: str, digits: int) -> None:
    pi = named("pi")
    source = system(2 * pi * x + pi * y, pi**2 * x * y, math.sqrt(wrap(2)) * pi * (x + y), pi + 1)
    made, kept = optimise(source.graph, [source.outputs], ORDERS[order])
    program = program_of(made, kept)
    found = in_float(program, (1.0, 2.0, 0.0, 0.0))
    expected = [4 * np.pi, 2 * np.pi**2, 3 * 2**0.5 * np.pi, np.pi + 1]
    assert found == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("order", ORDERS)
def test_choices_stay_and_what_is_inside_is_regrouped(order: str) -> None:
    chosen = math.where((x < y) & (z > 0) | (x > 3), math.max(x * y + x * z, y), abs(-z * w))
    for point in product((1.0, 4.0), (2.0, 0.5), (3.0, -3.0), (1.0,)):
        before, found = outcome((chosen, math.min(x, chosen)), order, point)
        assert found == pytest.approx(before, rel=1e-15)


@pytest.mark.parametrize("order", ORDERS)
def test_an_exact_graph_keeps_its_values(order: str, digits: int) -> None:
    graph = Graph(PRIMITIVES, exact=True)
    nodes = graph.add_all([x / x + x, x * y / x, (x - x) * y, x**2 / x, (x * y + x * z) / (y + z)])
    tensor = Tensor("value", (5,), tuple(nodes))
    made, kept = optimise(graph, [tensor], ORDERS[order])
    assert made.exact
    point = dict(zip(NAMES, (0.7, 1.3, 0.4, 1.1), strict=True))
    assert_keeps_values(graph, [tensor], made, kept, point)
    assert isnan(in_float(program_of(made, kept), (0.0, 1.0, 1.0, 1.0))[0])


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("outputs", [(wrap(3),), (x,), (x, x), (-x,), (wrap(0), named("pi"))])
def test_trivial_results(outputs: Any, order: str) -> None:
    before, found = outcome(outputs, order, (0.5, 1.0, 1.0, 1.0))
    assert found == before


def test_no_passes_change_no_cost() -> None:
    source = system(x * y + x * z, x * y)
    assert cost(*optimise(source.graph, [source.outputs], ())) == cost(
        source.graph, [source.outputs]
    )


SHAPES = {
    "functions": lambda value, k: math.sin(value) * y + value * z,
    "sum": lambda value, k: value + math.sin(x * k),
    "alternating": lambda value, k: math.sin(x * k) - value,
    "product": lambda value, k: value * math.sin(x * k + y),
    "quotient": lambda value, k: y / (1 + value),
    "square": lambda value, k: (value * y + 1) ** 2,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_depth_and_linear_work(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five thousand levels need no recursion, and twice the levels twice the bags."""
    counted = 0
    original = Network._append

    def count(self: Network, *args: Any) -> int:
        nonlocal counted
        counted += 1 + len(args[2])
        return original(self, *args)

    monkeypatch.setattr(Network, "_append", count)
    found = []
    for size in (800, 1_600, 5_000):
        value = x
        for k in range(size):
            value = SHAPES[shape](value, k)
        source = system(value)
        counted = 0
        passes = next(iter(ORDERS.values())) if size < 5_000 else PRIMAL["shared"]
        made, kept = optimise(source.graph, [source.outputs], passes)
        found.append(counted)
    assert found[1] <= 2.2 * found[0]
    assert len(kept[0].nodes) == 1
    assert len(made) > 5_000


def test_reading_does_not_share_what_it_gives() -> None:
    source = system(x * y + 1)
    one, other = (read(source.graph, [source.outputs]) for _ in range(2))
    one.bags[one.roots[0]].clear()
    assert other.bags[other.roots[0]]


if __name__ == "__main__":
    sys.stdout.write("\n".join(map(digest, sys.argv[1:])))
