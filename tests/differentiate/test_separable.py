"""Partial separability: groups, internal variables, scattering, and what it saves."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise, product

import pytest

from symgrad.differentiate.jets import operations
from symgrad.differentiate.levels import Level
from symgrad.differentiate.separable import (
    internal_variables,
    levels,
    linear_forms,
    signature,
    split,
    sweeps,
)
from symgrad.functions import math
from symgrad.ir.expression import Expr, variables, wrap
from symgrad.ir.system import System
from symgrad.ir.traverse import reachable
from symgrad.ir.verify import verify_graph
from tests.differentiate.test_jets import agrees
from tests.expressions import random_case, system_of, tensor_of

x, y, z, w = variables("x y z w")
BUDGET = 100_000


def derived(system: System, order: int) -> list[Level] | None:
    wrt = [system.graph.symbol(name) for name in system.wrt]
    return levels(system.graph, system.outputs.nodes, wrt, order, BUDGET)


def squared(a: Sequence[Expr], b: Sequence[Expr]) -> Expr:
    return wrap(sum((p - q) ** 2 for p, q in zip(a, b, strict=True)))


def atoms(count: int, energy: str) -> System:
    """A pair potential of atoms in space: Lennard-Jones or Morse."""
    v = variables("v", 3 * count)
    places = [v[3 * i : 3 * i + 3] for i in range(count)]
    total = wrap(0)
    for a, b in combinations(places, 2):
        q = squared(a, b)
        if energy == "morse":
            total = total + (1 - math.exp(-2 * (math.sqrt(q) - 1))) ** 2
        else:
            total = total + 4 * (q**-6 - q**-3)
    return system_of(total, [f"v{i}" for i in range(3 * count)])


def rosenbrock(count: int) -> System:
    v = variables("v", count)
    total = wrap(sum((1 - a) ** 2 + 100 * (b - a**2) ** 2 for a, b in pairwise(v)))
    return system_of(total, [f"v{i}" for i in range(count)])


def spread(system: System) -> dict[str, float]:
    return {name: 0.3 + 0.37 * (k**2 % 7) for k, name in enumerate(system.inputs)}


def swept(system: System, order: int) -> list[Level]:
    """Levels by repeated sweeps, for their cost."""
    n = len(system.wrt)
    return [
        {index: {0: node}}
        for k in range(order + 1)
        for index, node in zip(product(range(n), repeat=k), tensor_of(system, k).nodes, strict=True)
    ]


@pytest.mark.parametrize("energy", ["morse", "lennard_jones"])
@pytest.mark.parametrize(("count", "order"), [(2, 4), (3, 2), (4, 1)])
def test_pair_potentials(count: int, order: int, energy: str, digits: int) -> None:
    system = atoms(count, energy)
    found = derived(system, order)
    assert found is not None
    verify_graph(system.graph)
    assert agrees(system, found, spread(system))


def test_chained_sums_of_squares(digits: int) -> None:
    system = rosenbrock(6)
    found = derived(system, 3)
    assert found is not None
    assert agrees(system, found, spread(system))
    assert all(abs(i - j) <= 1 for i, j in found[2])


def test_several_outputs_with_linear_parts(digits: int) -> None:
    outputs = [
        3 * x - 2 * y + (x - y) ** 4 / 7 + math.exp(z),
        math.sin(x - y) * 5 - w * z + 2,
        x - w,
        wrap(4),
    ]
    system = system_of(outputs, ("x", "y", "z", "w"))
    found = derived(system, 3)
    assert found is not None
    assert agrees(system, found, {"x": 0.7, "y": 0.2, "z": 1.3, "w": -0.4})
    assert 3 not in found[1][(0,)]


def test_weighted_internal_variables(digits: int) -> None:
    u, v = 2 * x - 3 * y + z, x + y - 5 * w + 1
    system = system_of(u**3 * v + math.cos(u) + math.exp(z), ("x", "y", "z", "w"))
    found = derived(system, 3)
    assert found is not None
    assert agrees(system, found, {"x": 0.7, "y": 0.2, "z": 1.3, "w": -0.4})


def test_multiples_of_inputs_are_no_internal_variables(digits: int) -> None:
    expr = math.atan(4 * z - 6 * y + 9 * x) * (2 + math.sin(math.asinh(2 * z))) + w**2
    system = system_of(expr, ("x", "y", "z", "w"))
    found = derived(system, 2)
    assert found is not None
    assert agrees(system, found, {"x": 0.7, "y": 0.2, "z": 1.3, "w": -0.4})


@pytest.mark.parametrize("seed", range(20))
def test_sums_of_random_expressions(seed: int, digits: int) -> None:
    case = random_case(seed, 3)
    # Moved to other variables, so that two groups of three among five inputs come about.
    graph = case.system().graph
    total = case.outputs[0] + (x - w) ** 3 * math.exp(y - w) + w
    system = system_of(total, (*case.inputs, "w", "v"))
    found = derived(system, 2)
    assert (found is None) or agrees(
        system, found, {**case.points(1, seed)[0], "w": 0.3, "v": 1.0}, 1e-13
    )
    assert found is not None or "select" in {*system.graph.ops, *graph.ops}


@pytest.mark.parametrize(
    "outputs",
    [
        x * math.exp(y) + y * math.exp(x),
        math.sin(x * y) ** 2,
        (x**2 + y**2) ** 3,
        math.where(x > 0, x**2, 1) + y**2,
        x + 2 * y - 3,
    ],
)
def test_nothing_to_gain(outputs: Expr) -> None:
    system = system_of(outputs, ("x", "y"))
    found = derived(system, 2)
    if found is not None:  # linear outputs need no group at all
        one, two = system.graph.constant(1), system.graph.constant(2)
        assert found[1:] == [{(0,): {0: one}, (1,): {0: two}}, {}]


def test_exact_graphs_and_small_budgets() -> None:
    assert derived(system_of(x**3 + y**3, ("x", "y"), exact=True), 2) is None
    system = atoms(4, "morse")
    wrt = [system.graph.symbol(name) for name in system.wrt]
    assert levels(system.graph, system.outputs.nodes, wrt, 3, 60) is None


def test_linear_forms_and_groups() -> None:
    system = system_of((x - y) ** 2 + math.exp(x - y) * 3 + z**2 + x - y - 7, ("x", "y", "z"))
    graph, (output,) = system.graph, system.outputs.nodes
    wrt = [graph.symbol(name) for name in system.wrt]
    forms = linear_forms(graph, reachable(graph, [output]), wrt)
    difference = graph.add(x - y)
    assert forms[difference] == {0: 1, 1: -1} or forms[difference] == {0: -1, 1: 1}
    groups, straight = split(graph, [output], forms)
    assert straight == {0: {0: 1, 1: -1}}
    assert groups == {
        (difference,): {0: graph.add((x - y) ** 2 + 3 * math.exp(x - y))},
        (wrt[2],): {0: graph.add(z**2)},
    }


def test_internal_variables_are_inputs_where_those_are_no_more() -> None:
    system = system_of((x - y) ** 2 * (x + y) * math.exp(x), ("x", "y"))
    graph, (output,) = system.graph, system.outputs.nodes
    wrt = [graph.symbol(name) for name in system.wrt]
    forms = linear_forms(graph, reachable(graph, [output]), wrt)
    symbols = dict(enumerate(wrt))
    assert internal_variables(graph, output, forms, symbols) == tuple(sorted(wrt))


def test_internal_variables_never_hide_one_another(digits: int) -> None:
    u = x - y
    expr = math.exp(u) * math.sin(u + z + w)
    system = system_of(expr + variables("v") ** 2, ("x", "y", "z", "w", "v"))
    graph = system.graph
    wrt = [graph.symbol(name) for name in system.wrt]
    element = graph.add(expr)
    forms = linear_forms(graph, reachable(graph, system.outputs.nodes), wrt)
    assert internal_variables(graph, element, forms, dict(enumerate(wrt))) == tuple(sorted(wrt[:4]))
    found = derived(system, 2)
    assert found is not None
    assert agrees(system, found, {"x": 0.7, "y": 0.2, "z": 1.3, "w": -0.4, "v": 1.0})


def test_pairs_of_atoms_have_one_signature() -> None:
    system = atoms(3, "morse")
    graph, (output,) = system.graph, system.outputs.nodes
    wrt = [graph.symbol(name) for name in system.wrt]
    forms = linear_forms(graph, reachable(graph, [output]), wrt)
    groups, _ = split(graph, [output], forms)
    assert [len(group) for group in groups] == [3, 3, 3]
    found = {signature(graph, list(rows.values()), group) for group, rows in groups.items()}
    assert len(found) == 1


def test_derivatives_by_one_atom_are_those_by_the_other() -> None:
    system = atoms(2, "morse")
    found = derived(system, 3)
    assert found is not None
    graph = system.graph
    for j in range(3):
        (one,), (other,) = found[1][(j,)], found[1][(j + 3,)]
        assert other == graph.sum(((one, -1),))
    assert found[2][(5, 4)] == found[2][(2, 1)]


def test_operations_of_pair_potentials() -> None:
    system = atoms(2, "morse")
    found = derived(system, 4)
    assert found is not None
    assert operations(system.graph, found) < 300
    assert operations(system.graph, found) * 4 < operations(system.graph, swept(system, 4))
    system = atoms(4, "lennard_jones")
    found = derived(system, 2)
    assert found is not None
    assert operations(system.graph, found) < 0.9 * operations(system.graph, swept(system, 2))


def test_sweeps(digits: int) -> None:
    for outputs in ([x * math.exp(y * z)], [x * y, y / z, math.sin(x * z), x]):
        system = system_of(outputs, ("x", "y", "z"))
        wrt = [system.graph.symbol(name) for name in system.wrt]
        found = sweeps(system.graph, system.outputs.nodes, wrt, 3, BUDGET)
        assert found is not None
        assert agrees(system, found, {"x": 0.7, "y": 0.2, "z": 1.3})
        assert sweeps(system.graph, system.outputs.nodes, wrt, 9, 20) is None
